"""Front matter: the fields at the start of a text file, in YAML (`---`) or TOML (`+++`)."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass

from indexer.article import Published
from indexer.readers.document import NO_DETAILS, Details, ReadOptions, language_code, web_address
from indexer.readers.expressions import parse_date

_BLOCK = re.compile(
    r"\A\ufeff?(?:---[ \t]*\r?\n(?P<yaml>.*?)\r?\n(?:---|\.\.\.)|\+\+\+[ \t]*\r?\n(?P<toml>.*?)\r?\n\+\+\+)"
    r"[ \t]*(?:\r?\n|\Z)",
    re.DOTALL,
)
_FIELD = re.compile(r"([A-Za-z][\w -]{0,40}?)\s*:\s*(.*?)\s*")
_DATES = ("date", "published", "publish_date", "pubdate", "created")


@dataclass(frozen=True, slots=True)
class FrontMatter:
    """The fields of an article that front matter states; empty if there is none."""

    title: str = ""
    details: Details = NO_DETAILS


def split_front_matter(text: str, options: ReadOptions) -> tuple[FrontMatter, str]:
    """Return the front matter of a text, and the text after it."""
    block = _BLOCK.match(text)
    if not block:
        return FrontMatter(), text
    yaml, toml = block["yaml"], block["toml"]
    fields = _parse_yaml(yaml) if toml is None else _parse_toml(toml)
    if not fields:
        return FrontMatter(), text
    dates: list[Published] = []
    notes: list[str] = []
    for key in _DATES:
        if value := fields.get(key):
            if found := parse_date(value, "given", options):
                dates.append(found)
            else:
                notes.append(f"{key}: {value[:60]!r} was not understood as a date")
    language = language_code(fields.get("lang") or fields.get("language"))
    url = web_address(fields.get("url") or fields.get("canonical") or fields.get("link"))
    details = Details(language=language, url=url, dates=tuple(dates), notes=tuple(notes))
    return FrontMatter(fields.get("title", ""), details), text[block.end() :]


def _parse_yaml(text: str) -> dict[str, str]:
    """Return the plain `key: value` lines; nested values are skipped."""
    fields = {}
    for line in text.splitlines():
        if match := _FIELD.fullmatch(line):
            value = match[2]
            if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
                value = value[1:-1]
            else:
                value = re.sub(r"\s+#.*$", "", value)
            fields[_normalize_key(match[1])] = value
    return fields


def _parse_toml(text: str) -> dict[str, str]:
    """Return the values that are no tables and lists, as text; nothing if the text is not TOML."""
    try:
        values = tomllib.loads(text.replace("\r\n", "\n"))
    except (ValueError, RecursionError):
        return {}
    return {
        _normalize_key(key): str(value)
        for key, value in values.items()
        if not isinstance(value, (dict, list))
    }


def _normalize_key(key: str) -> str:
    return key.strip().lower().replace("-", "_")

"""Front matter: the fields at the start of a text file, in YAML (`---`) or TOML (`+++`)."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from dataclasses import dataclass

from indexer.article import Published
from indexer.readers.document import (
    NO_DETAILS,
    Details,
    ReadOptions,
    language_code,
    split_keywords,
    split_names,
    web_address,
)
from indexer.readers.expressions import parse_date

_BLOCK = re.compile(
    r"\A\ufeff?(?:---[ \t]*\r?\n(?P<yaml>.*?)\r?\n(?:---|\.\.\.)|\+\+\+[ \t]*\r?\n(?P<toml>.*?)\r?\n\+\+\+)"
    r"[ \t]*(?:\r?\n|\Z)",
    re.DOTALL,
)
# Values are stripped after a match: with spaces at its ends, a pattern would take quadratic time.
_FIELD = re.compile(r"([A-Za-z][\w -]{0,40}?)\s*:(.*)")
_LIST_ITEM = re.compile(r"\s*-\s+(?:name:\s*)?(\S.*)")
_COMMENT = re.compile(r"(?<!\s)\s+#.*$")
_LIST_VALUE = re.compile(r"""\s*"[^"]*"\s*|\s*'[^']*'\s*|[^,]+""")
_DATES = ("date", "published", "publish_date", "pubdate", "created")

_Fields = dict[str, list[str]]
"""The values of each field, by its name in lower case."""


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
    return FrontMatter(_first(fields, "title"), _read_details(fields, options)), text[block.end() :]


def _read_details(fields: _Fields, options: ReadOptions) -> Details:
    dates: list[Published] = []
    notes: list[str] = []
    for key in _DATES:
        if value := _first(fields, key):
            if found := parse_date(value, "given", options):
                dates.append(found)
            else:
                notes.append(f"{key}: {value[:60]!r} was not understood as a date")
    categories = _split(fields, ("categories", "category"), split_keywords)
    return Details(
        language=language_code(_first(fields, "lang", "language")),
        url=web_address(_first(fields, "url", "canonical", "link")),
        authors=_split(fields, ("authors", "author"), split_names),
        section=_first(fields, "section") or next(iter(categories), None),
        tags=(*categories, *_split(fields, ("tags", "keywords"), split_keywords)),
        dates=tuple(dates),
        notes=tuple(notes),
    )


def _first(fields: _Fields, *keys: str) -> str:
    """Return the first value of the first of these fields that has one, else ""."""
    return next((value for key in keys for value in fields.get(key, ()) if value), "")


def _split(
    fields: _Fields, keys: tuple[str, ...], split: Callable[[str], tuple[str, ...]]
) -> tuple[str, ...]:
    """Return the values of the fields; a single value is split, since it may state several."""
    found: list[str] = []
    for key in keys:
        values = fields.get(key, [])
        found += split(values[0]) if len(values) == 1 else values
    return tuple(dict.fromkeys(found))


def _parse_yaml(text: str) -> _Fields:
    """Return plain `key: value` lines and lists of plain values; what is nested deeper is skipped."""
    fields: _Fields = {}
    values: list[str] = []
    for line in text.splitlines():
        if match := _FIELD.fullmatch(line):
            values = fields[_normalize_key(match[1])] = []
            value = match[2].strip()
            if value.startswith("[") and value.endswith("]"):
                values += (
                    _unquote(item.strip()) for item in _LIST_VALUE.findall(value[1:-1]) if item.strip()
                )
            elif value:
                values.append(_unquote(value))
        elif match := _LIST_ITEM.fullmatch(line):
            values.append(_unquote(match[1].strip()))
    return fields


def _unquote(value: str) -> str:
    if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
        return value[1:-1]
    return _COMMENT.sub("", value)


def _parse_toml(text: str) -> _Fields:
    """Return the values that are no tables, as text; nothing if the text is not TOML."""
    try:
        values = tomllib.loads(text.replace("\r\n", "\n"))
    except (ValueError, RecursionError):
        return {}
    return {
        _normalize_key(key): [str(one) for one in (value if isinstance(value, list) else [value])]
        for key, value in values.items()
        if not isinstance(value, dict)
    }


def _normalize_key(key: str) -> str:
    return key.strip().lower().replace("-", "_")

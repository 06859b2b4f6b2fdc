"""Sources with a name and options of their own: the tables `[sources.NAME]` of the configuration."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from indexer.article import LANGUAGE_TAG, is_language
from indexer.errors import quote_value

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

__all__ = ["Source"]

RECORD_FIELDS: Mapping[str, tuple[str, ...]] = {
    "id": ("id",),
    "title": ("title",),
    "published": ("published", "date"),
    "paragraphs": ("paragraphs", "text"),
    "url": ("url",),
    "language": ("language",),
    "authors": ("authors", "author"),
    "section": ("section",),
    "tags": ("tags", "keywords", "categories"),
    "publisher": ("publisher",),
    "page_numbers": ("page_numbers",),
}
"""The fields of an article, and the names that records have for each: the first one with a value counts."""
PLACEHOLDERS = ("path", "stem", "id")
"""The placeholders of an address of articles, which stand in braces; see `Source`."""

_NAME = re.compile(r"[^\s/\\:\"'](?:[^\x00-\x1f\x7f/\\:\"']{0,62}[^\s/\\:\"'])?")
_BRACES = re.compile(r"\{([^{}]*)\}|[{}]")
_CHOOSING = ("path", "include", "exclude")
"""The options that say which files there are; all others change the articles that are made of them."""


@dataclass(frozen=True, slots=True)
class Source:
    """A folder or file of articles, and how it is read; what is None is as for all sources.

    `include` and `exclude` are patterns as in `.gitignore`: only files that match one of `include`, if there
    are any, and none of `exclude` are read. `record` has the names that records have for fields, by field.
    `url` is the address of an article that states none, with `{path}` for the path of its file in the source,
    `{stem}` for that without the suffix, and `{id}` for the id that a record states. `language`, `section`,
    `tags` and `publisher` are those of articles that state none. `indexer.sync.options` makes the options of
    readers of them.
    """

    path: Path
    name: str = ""
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    language: str | None = None
    day_first: bool | None = None
    timezone: str | None = None
    record: Mapping[str, str] = field(default_factory=dict)
    url: str | None = None
    section: str | None = None
    tags: tuple[str, ...] = ()
    publisher: str | None = None

    @property
    def fingerprint(self) -> str:
        """A short hash of the options that change the articles; empty if there are none."""
        names = (option.name for option in fields(self) if option.name not in _CHOOSING)
        values = {name: value for name in names if (value := getattr(self, name)) not in (None, "", (), {})}
        return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:16] if values else ""


class InvalidSource(ValueError):
    """An option of a source is invalid; `key` is its name in the configuration, such as `wire.timezone`."""

    def __init__(self, key: str, problem: str) -> None:
        super().__init__(problem)
        self.key = key


def parse_sources(given: Mapping[str, object], custom_fields: Mapping[str, object]) -> dict[str, Source]:
    """Return the sources by name; raises InvalidSource.

    `custom_fields` are the fields that the configuration declares.
    """
    found: dict[str, Source] = {}
    for name, options in given.items():
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise InvalidSource(
                str(name), "must be a name of at most 64 characters without slashes, colons and quotes"
            )
        if isinstance(options, (str, os.PathLike)):
            options = {"path": options}
        if not isinstance(options, Mapping):
            raise InvalidSource(name, f"must be a table with a path, not {quote_value(options)}")
        found[name] = _parse_source(name, options, custom_fields)
    return found


def _parse_source(name: str, options: Mapping[str, Any], custom_fields: Mapping[str, object]) -> Source:
    known = [option.name for option in fields(Source) if option.name != "name"]
    for key in options:
        if key not in known:
            raise InvalidSource(f"{name}.{key}", f"is no option of a source; known: {', '.join(known)}")
    if "path" not in options:
        raise InvalidSource(f"{name}.path", "is missing: name the folder or file")
    values: dict[str, Any] = {}
    for key, value in options.items():
        try:
            values[key] = _convert(key, value, custom_fields)
        except ValueError as error:
            raise InvalidSource(f"{name}.{key}", f"must be {error}, not {quote_value(value)}") from None
    return Source(name=name, **values)


def _convert(key: str, value: Any, custom_fields: Mapping[str, object]) -> Any:
    """Return the value of an option; raises ValueError, which says what it must be."""
    match key:
        case "path" if isinstance(value, (str, os.PathLike)) and os.fspath(value) and "\0" not in str(value):
            return Path(value)
        case "path":
            raise ValueError("a path")
        case "include" | "exclude" | "tags":
            values = [value] if isinstance(value, str) else value
            if not isinstance(values, (list, tuple)) or not all(isinstance(one, str) for one in values):
                raise ValueError("a list of texts")
            if key != "tags":
                compile_patterns(values)
            return tuple(values)
        case "day_first":
            if not isinstance(value, bool):
                raise ValueError("true or false")  # noqa: TRY004 - the caller names the option
            return value
        case "record":
            return _parse_record(value, custom_fields)
    if not isinstance(value, str) or not value.strip():
        raise ValueError("text")
    if key == "language" and not is_language(value):
        raise ValueError(LANGUAGE_TAG)
    if key == "timezone":
        check_timezone(value)
    if key == "url":
        _check_address(value)
    return value


def check_timezone(name: str) -> None:
    """Raise ValueError, saying what a name must be, unless there is a time zone of this name."""
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError("a name such as Europe/Paris") from None


def compile_patterns(lines: Iterable[str]) -> GitIgnoreSpec | None:
    """Return patterns as in `.gitignore`, compiled; None if there are none. Raises ValueError."""
    patterns = [line.rstrip("\r\n") for line in lines]
    if not any(pattern.strip() and not pattern.startswith("#") for pattern in patterns):
        return None
    # Imported here, since most sources have no patterns.
    from pathspec import GitIgnoreSpec

    try:
        return GitIgnoreSpec.from_lines(patterns)
    except ValueError as error:
        raise ValueError(f"patterns as in .gitignore ({error})") from error


def _parse_record(value: object, custom_fields: Mapping[str, object]) -> dict[str, str]:
    """Return the names of records by the field of an article, which may be given by any of its names."""
    if not isinstance(value, Mapping) or not all(isinstance(one, str) and one for one in value.values()):
        raise ValueError('a table of names, such as { title = "headline", authors = "by.line" }')
    fields_of = {name: field for field, names in RECORD_FIELDS.items() for name in names}
    fields_of |= {name: name for name in custom_fields}
    if unknown := [name for name in value if name not in fields_of]:
        raise ValueError(f"a table with the names of the fields {', '.join(fields_of)} (not {unknown[0]})")
    return {fields_of[name]: path for name, path in value.items()}


def _check_address(value: str) -> None:
    known = ", ".join(f"{{{name}}}" for name in PLACEHOLDERS)
    if not re.match(r"https?://[^\s/{}]+/", value) or not all(
        match[1] in PLACEHOLDERS for match in _BRACES.finditer(value)
    ):
        raise ValueError(
            f"an http or https address in which only {known} are in braces, such as "
            "https://paper.example/{path}"
        )

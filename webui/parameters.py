"""The parameters of URLs: one declaration for reading requests and for the OpenAPI description."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any, Literal

from werkzeug.datastructures import MultiDict

from indexer import limits
from indexer.errors import InvalidRequest
from indexer.results import FACETS, GRAINS, SORTS
from indexer.search.request import FILTERS, refuse

# Maximum hits, hits as rows, and suggestions of one response.
MAX_LIMIT = limits.HITS
MAX_ROWS_LIMIT = limits.PAGED
MAX_SUGGESTIONS = 50
FORMATS = ("json", "jsonl", "csv", "atom")
_YES, _NO = ("1", "true", "yes", "on"), ("0", "false", "no", "off")
_DECIMAL = re.compile(r"[0-9]{1,9}(\.[0-9]{1,30})?(e[+-]?[0-9]{1,3})?", re.ASCII)
# The documented formats; dates in words are accepted too, as on the page.
_DATE = {
    "type": "string",
    "anyOf": [
        {"pattern": "^((?!0000)[0-9]{4}(-(0[1-9]|1[0-2]))?)?$"},
        {"pattern": "^(?!0000)", "format": "date"},
    ],
}


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter; `library` is the name of the field of `SearchRequest`, or of the filter."""

    name: str
    text: str
    schema: dict[str, Any]
    library: str = ""
    place: Literal["query", "path", "header"] = "query"
    required: bool = False
    example: Any = field(default=None)

    @property
    def repeated(self) -> bool:
        """Whether it may be repeated in a URL."""
        return self.schema.get("type") == "array"

    @property
    def field_name(self) -> str:
        """The name of its value among those of a request."""
        return self.library or self.name

    @property
    def may_be_empty(self) -> bool:
        """Whether an empty value means that it is missing."""
        return self.schema["type"] == "string" and not self.schema.keys() & {"enum", "minLength"}

    def read(self, args: MultiDict[str, str]) -> Any:
        """Its value in a URL, as its schema says; its default or None if it is missing.

        Raises InvalidRequest.
        """
        schema, default = self.schema, self.schema.get("default")
        choices = schema.get("enum", ())
        # Most parameters of a request are missing.
        if self.name not in args:
            return default == "1" if choices == _FLAG else default
        if self.repeated:
            # Nothing but blanks is no filter: an empty list would find nothing.
            return list_values(args, self.name) or None
        if choices == _FLAG:
            return yes_or_no(args, self.name, default=default == "1")
        text = args.get(self.name, "")
        if not (text if schema["type"] == "string" else text.strip()):
            return default
        if schema["type"] == "integer":
            return whole_number(args, self.name, 0, least=schema["minimum"], most=schema["maximum"])
        if schema["type"] == "number":
            return _decimal(text, self.name, least=schema["minimum"], most=schema["maximum"])
        if choices and text not in choices:
            refuse(self.name, f"must be one of {', '.join(choices)}", text)
        if len(text) > schema.get("maxLength", len(text)):
            refuse(self.name, f"must have at most {schema['maxLength']:,} characters", len(text))
        return text


# The words of both in pairs.
_FLAG = [word for pair in zip(_YES, _NO, strict=True) for word in pair]


def _flag(default: bool) -> dict[str, Any]:
    return {"type": "string", "enum": _FLAG, "default": "1" if default else "0"}


def _number(most: int, default: int | None = None) -> dict[str, Any]:
    stated = {} if default is None else {"default": default}
    return {"type": "integer", "minimum": 0, "maximum": most, **stated}


def _several(values: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"type": "array", "items": values or {"type": "string", "minLength": 1}, "maxItems": limits.VALUES}


QUERY = Parameter(
    "q",
    "The query: any text. The query guide describes the syntax.",
    {"type": "string", "maxLength": limits.MOST_CHARACTERS, "default": ""},
    "query",
    example="harbour crane",
)
SORT = Parameter(
    "sort",
    "The order of the hits. The default of a feed is newest.",
    {"type": "string", "enum": list(SORTS), "default": "relevance"},
    "sort",
)
COLLAPSE = Parameter(
    "collapse", "Whether near-duplicates are collapsed into one hit.", _flag(True), "collapse"
)
FILTER_PARAMETERS = tuple(
    Parameter(name, kind.description, _flag(False) if kind.is_flag else _several(), name)
    for name, kind in FILTERS.items()
)
SEARCH = (
    Parameter(
        "since", "Published in this year or month, on this day, or later.", _DATE, "since", example="2021-03"
    ),
    Parameter(
        "until", "Published in this year or month, on this day, or earlier.", _DATE, "until", example="2021"
    ),
    *FILTER_PARAMETERS,
    SORT,
    Parameter(
        "half_life",
        "Days of age, counted from the newest article, that halve a score. Only with sort=relevance.",
        {"type": "number", "minimum": 0.001, "maximum": 1_000_000},
        "half_life",
        example=365,
    ),
    COLLAPSE,
)
SLICE = (
    Parameter(
        "limit",
        f"Maximum number of hits, up to {MAX_LIMIT:,}; as rows, up to {MAX_ROWS_LIMIT:,} (default 1,000).",
        _number(MAX_ROWS_LIMIT), "limit",
    ),
    Parameter(
        "offset", f"Hits to skip; offset and limit together reach up to {limits.PAGED:,}.",
        _number(limits.PAGED, 0), "offset",
    ),
    Parameter(
        "cursor", "The cursor of the previous page of the same search; without a limit of depth.",
        {"type": "string"}, "cursor",
    ),
)  # fmt: skip
FACET = Parameter(
    "facet",
    f"Fields to count over all hits: {', '.join(FACETS)}, or custom fields that are declared as facets.",
    _several(),
    "facets",
)
_GRAINS = {"type": "string", "enum": ["auto", *GRAINS]}
TIMELINE = Parameter(
    "timeline",
    "Count the hits over time, in periods of this length or of a suitable one (auto).",
    _GRAINS,
    "timeline",
)
BY = Parameter("by", "The length of the periods.", {**_GRAINS, "default": "auto"}, "timeline")
EXPLAIN = Parameter(
    "explain",
    "Explain how the query was understood and how the scores were computed.",
    _flag(False),
    "explain",
)
SECONDS = Parameter(
    "seconds",
    "The time limit, if it is less than the configured one. A search that times out has incomplete results. "
    "Rows, which have 10 seconds together, are then refused (503).",
    {"type": "number", "minimum": 0.001, "maximum": limits.QUERY_SECONDS},
    "seconds",
)
PREFIX = Parameter(
    "prefix",
    "Whether the last word of the query is still being typed (no space follows it): it also stands for words "
    "that begin with it.",
    _flag(False),
    "prefix",
)
MEANING = Parameter(
    "meaning",
    "How much the meaning counts beside the words, if the index has vectors: from 0, where only words count, "
    "to 1. By default as configured.",
    {"type": "number", "minimum": 0, "maximum": 1},
    "meaning",
    example=0.5,
)
FORMAT = Parameter(
    "format",
    "The format, instead of the header Accept. Rows (jsonl, csv), one per passage, are complete or refused.",
    {"type": "string", "enum": list(FORMATS), "default": "json"},
)
ID_IN_PATH = Parameter(
    "id", "The id of the article; slashes are not encoded.", {"type": "string", "minLength": 1}, place="path",
    required=True,
)  # fmt: skip
ID = Parameter(
    "id", "The id of an article, if it cannot be part of a path (dot segments, empty segments).",
    {"type": "string", "minLength": 1}, required=True,
)  # fmt: skip
SUGGESTIONS = Parameter("limit", "Maximum number of suggestions.", _number(MAX_SUGGESTIONS, 8))
SUGGEST_FORMAT = Parameter(
    "format",
    "`opensearch` is the array for the search field of browsers.",
    {"type": "string", "enum": ["json", "opensearch"], "default": "json"},
)
SIMILAR = Parameter("limit", "Maximum number of hits.", _number(MAX_LIMIT, 10))
IF_NONE_MATCH = Parameter(
    "If-None-Match", "ETags of responses that the client has; if one is current, the response is 304.",
    {"type": "string"}, place="header",
)  # fmt: skip

PARAMETER_NAMES = {"query": QUERY.name, "facets": FACET.name}
"""The names of parameters for fields of a search that have other names in the library."""


def read_parameters(args: MultiDict[str, str], known: Collection[Parameter]) -> dict[str, Any]:
    """The values of the known parameters in a URL, by the names of their fields.

    Raises InvalidRequest for an invalid or empty value, for too many values, and for an unknown parameter,
    since a misspelt filter would otherwise be ignored.
    """
    names = {parameter.name: parameter for parameter in known}
    for name, values in args.lists():
        if name not in names:
            there = ", ".join(sorted(names)) or "none"
            raise InvalidRequest(f"There is no parameter {name[:40]!r} here; there are: {there}")
        most = names[name].schema.get("maxItems", 1)
        if len(values) > most:
            wanted = "one value" if most == 1 else f"at most {most} values"
            refuse(name, f"must have {wanted}", len(values))
        if "" in values and not names[name].may_be_empty:
            raise InvalidRequest("has no value: omit it, or give one", name)
    return {parameter.field_name: parameter.read(args) for parameter in known}


def list_values(args: MultiDict[str, str], name: str) -> tuple[str, ...]:
    """The distinct values of the parameter `name`, without blank ones."""
    return tuple(dict.fromkeys(value.strip() for value in args.getlist(name) if value.strip()))


def whole_number(
    args: MultiDict[str, str], name: str, default: int, *, least: int = 0, most: int = limits.PAGED
) -> int:
    """The parameter `name` as a number from `least` to `most`. Raises InvalidRequest."""
    text = args.get(name, "").strip()
    if not text:
        return default
    # int() also accepts underscores, signs and the digits of every script.
    number = int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else -1
    if not least <= number <= most:
        refuse(name, f"must be a whole number from {least} to {most:,}", text)
    return number


def _decimal(text: str, name: str, *, least: float, most: float) -> float:
    # float() also accepts underscores, "nan" and the digits of every script.
    number = float(text) if _DECIMAL.fullmatch(text.strip()) else -1
    if not least <= number <= most:
        refuse(name, f"must be a number from {least:g} to {most:,.0f} such as 0.5", text)
    return number


def yes_or_no(args: MultiDict[str, str], name: str, *, default: bool = False) -> bool:
    """The parameter `name` as a boolean. Raises InvalidRequest."""
    text = args.get(name, "").strip().lower()
    if not text:
        return default
    if text not in _FLAG:
        refuse(name, "must be 1 or 0", text)
    return text in _YES

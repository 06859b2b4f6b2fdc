"""The parameters of the API: one declaration for the check of requests and for the OpenAPI description."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

from indexer import limits
from indexer.errors import InvalidRequest
from indexer.results import FACETS, GRAINS, SORTS
from indexer.search.request import FILTERS, refuse

# Maximum hits, hits as rows, and suggestions of one response.
MAX_LIMIT = limits.HITS
MAX_ROWS_LIMIT = limits.PAGED
MAX_SUGGESTIONS = 50
LEAST_DAYS, MOST_DAYS = 0.001, 1_000_000
FORMATS = ("json", "jsonl", "csv", "atom")
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
    def may_be_empty(self) -> bool:
        """Whether an empty value means that it is missing."""
        return self.schema["type"] == "string" and not self.schema.keys() & {"enum", "minLength"}


def _flag(default: bool) -> dict[str, Any]:
    words = ["1", "0", "true", "false", "yes", "no", "on", "off"]
    return {"type": "string", "enum": words, "default": "1" if default else "0"}


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
SEARCH = (
    Parameter(
        "since", "Published in this year or month, on this day, or later.", _DATE, "since", example="2021-03"
    ),
    Parameter(
        "until", "Published in this year or month, on this day, or earlier.", _DATE, "until", example="2021"
    ),
    *(
        Parameter(name, kind.description, _flag(False) if kind.is_flag else _several(), name)
        for name, kind in FILTERS.items()
    ),
    Parameter(
        "sort", "The order of the hits. The default of a feed is newest.",
        {"type": "string", "enum": list(SORTS), "default": "relevance"}, "sort",
    ),
    Parameter(
        "half_life",
        "Days of age, counted from the newest article, that halve a score. Only with sort=relevance.",
        {"type": "number", "minimum": LEAST_DAYS, "maximum": MOST_DAYS}, "half_life", example=365,
    ),
    Parameter("collapse", "Whether near-duplicates are collapsed into one hit.", _flag(True), "collapse"),
)  # fmt: skip
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
    "facet", "Fields to count over all hits.", _several({"type": "string", "enum": list(FACETS)}), "facets"
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


def check_parameters(given: Iterable[tuple[str, list[str]]], known: Iterable[Parameter]) -> None:
    """Raise InvalidRequest for an unknown parameter, for too many values, and for an empty value.

    A misspelt filter would otherwise be ignored.
    """
    names = {parameter.name: parameter for parameter in known if parameter.place == "query"}
    for name, values in given:
        if name not in names:
            there = ", ".join(sorted(names)) or "none"
            raise InvalidRequest(f"There is no parameter {name[:40]!r} here; there are: {there}")
        most = names[name].schema.get("maxItems", 1)
        if len(values) > most:
            wanted = "one value" if most == 1 else f"at most {most} values"
            refuse(name, f"must have {wanted}", len(values))
        if "" in values and not names[name].may_be_empty:
            raise InvalidRequest("has no value: omit it, or give one", name)

"""The parameters of the API's addresses, by their names in HTTP: what its description and its check share."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

from indexer import limits
from indexer.errors import InvalidRequest
from webui.urls import SORTS

# What can be counted over all hits, and the periods of a timeline.
FACETS = ("year", "month", "day", "source", "site", "language")
GRAINS = ("day", "week", "month", "year")
# The most hits, rows' hits and suggestions that one answer may hold.
MAX_LIMIT = limits.HITS
MAX_ROWS_LIMIT = limits.PAGED
MAX_SUGGESTIONS = 50
LEAST_DAYS, MOST_DAYS = 0.001, 1_000_000
FORMATS = ("json", "jsonl", "csv", "atom")
# What is promised; dates in words, which the page takes, are understood here too.
_DATE = {
    "type": "string",
    "anyOf": [
        {"pattern": "^((?!0000)[0-9]{4}(-(0[1-9]|1[0-2]))?)?$"},
        {"pattern": "^(?!0000)", "format": "date"},
    ],
}


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter; `library` is the name that `Index.search` has for it."""

    name: str
    text: str
    schema: dict[str, Any]
    library: str = ""
    place: Literal["query", "path", "header"] = "query"
    required: bool = False
    example: Any = field(default=None)

    @property
    def repeated(self) -> bool:
        """Whether it may stand several times in an address."""
        return self.schema.get("type") == "array"

    @property
    def may_be_empty(self) -> bool:
        """Whether it may stand without a value, as if it did not stand there."""
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
    "What to search for: any text is a query. The query guide says what can be typed.",
    {"type": "string", "maxLength": limits.MOST_CHARACTERS, "default": ""},
    "query",
    example="harbour crane",
)
NARROWING = (
    Parameter(
        "after", "From the first moment of 2021, 2021-11 or 2021-11-05 on.", _DATE, "after",
        example="2021-03",
    ),
    Parameter(
        "before", "Up to, but without, the first moment of a year, month or day.",
        _DATE, "before", example="2022",
    ),
    Parameter("source", "Articles from a file or a folder, by its last name.", _several(), "source"),
    Parameter("site", "Articles from a site and its subdomains.", _several(), "site"),
    Parameter("language", "Articles in a language and its regions.", _several(), "language"),
    Parameter("undated", "Only articles without a date.", _flag(False), "undated"),
    Parameter(
        "sort", "The order. A feed is newest first unless it says.",
        {"type": "string", "enum": list(SORTS), "default": "relevance"}, "sort",
    ),
    Parameter(
        "half_life",
        "Days: scores halve with every so many that an article is older than the newest. By relevance only.",
        {"type": "number", "minimum": LEAST_DAYS, "maximum": MOST_DAYS}, "half_life", example=365,
    ),
    Parameter("fold", "Whether near-duplicates are one hit.", _flag(True), "fold"),
)  # fmt: skip
SLICE = (
    Parameter(
        "limit",
        f"Hits of this answer, {MAX_LIMIT:,} at most; rows go as far as {MAX_ROWS_LIMIT:,}, and are of 1,000 "
        "hits unless it is said.",
        _number(MAX_ROWS_LIMIT), "limit",
    ),
    Parameter(
        "offset", f"Hits to leave out; no deeper than {limits.PAGED:,} together with the limit.",
        _number(limits.PAGED, 0), "offset",
    ),
    Parameter(
        "cursor", "That of the page before, of the same search: goes as deep as one likes.",
        {"type": "string"}, "cursor",
    ),
)  # fmt: skip
FACET = Parameter(
    "facet", "What to count over all hits.", _several({"type": "string", "enum": list(FACETS)}), "facets"
)
_GRAINS = {"type": "string", "enum": ["auto", *GRAINS]}
TIMELINE = Parameter("timeline", "Count the hits over time, by what fits or by this.", _GRAINS, "timeline")
BY = Parameter("by", "The periods to count by.", {**_GRAINS, "default": "auto"}, "timeline")
EXPLAIN = Parameter(
    "explain", "Say how each clause was read, and how scores come about.", _flag(False), "explain"
)
SECONDS = Parameter(
    "seconds",
    "The time that it may take, if it is to be less than what is configured; then the answer is cut. Rows, "
    "which have 10 seconds for all of them together, are refused then (503).",
    {"type": "number", "minimum": 0.001, "maximum": limits.SECONDS},
    "seconds",
)
FORMAT = Parameter(
    "format",
    "Rather than by the header Accept. Rows (jsonl, csv) are one a passage, and come whole or not at all.",
    {"type": "string", "enum": list(FORMATS), "default": "json"},
)
ARTICLE = Parameter(
    "id", "The id of the article, slashes as they are.", {"type": "string", "minLength": 1}, place="path",
    required=True,
)  # fmt: skip
NAMED = Parameter(
    "id", "The id of an article whose id cannot stand in a path (dot segments, empty segments).",
    {"type": "string", "minLength": 1}, required=True,
)  # fmt: skip
SUGGESTIONS = Parameter("limit", "Suggestions at most.", _number(MAX_SUGGESTIONS, 8))
SUGGEST_FORMAT = Parameter(
    "format",
    "`opensearch` for the array that browsers read.",
    {"type": "string", "enum": ["json", "opensearch"], "default": "json"},
)
SIMILAR = Parameter("limit", "Hits at most.", _number(MAX_LIMIT, 10))
KNOWN = Parameter(
    "If-None-Match", "ETags of answers that the client has; if it is one of them, 304 is all that comes.",
    {"type": "string"}, place="header",
)  # fmt: skip


def check_names(given: Iterable[tuple[str, list[str]]], known: Iterable[Parameter]) -> None:
    """Raise InvalidRequest for a parameter that there is none of, or that stands twice and may not.

    A misspelt filter would otherwise give the answer to another question.
    """
    names = {parameter.name: parameter for parameter in known if parameter.place == "query"}
    for name, values in given:
        if name not in names:
            there = ", ".join(sorted(names)) or "none"
            raise InvalidRequest(f"{name[:40]!r}: there is no such parameter here; there are: {there}")
        most = names[name].schema.get("maxItems", 1)
        if len(values) > most:
            wanted = "one value is" if most == 1 else f"up to {most} values are"
            raise InvalidRequest(f"{name}: {wanted} wanted, {len(values):,} were found")
        if "" in values and not names[name].may_be_empty:
            raise InvalidRequest(f"{name}: a value is wanted, none was found: leave it out, or give one")

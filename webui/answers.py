"""The answers of the HTTP API: the results of the library as they are, and a few structs made of them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from indexer.article import FieldValue
from indexer.results import ArticleInfo, Hit, Note, Result, Suggestion, Timeline

_LONE = re.compile("[\ud800-\udfff]")


class TimelineAnswer(Result, frozen=True):
    """The counts of a search over time, without its hits."""

    query: str
    total: int
    took_ms: float
    notes: tuple[Note, ...]
    timeline: Timeline | None


class SuggestAnswer(Result, frozen=True):
    """Completions of a text; each has at least one hit."""

    query: str
    suggestions: tuple[Suggestion, ...]


class SimilarAnswer(Result, frozen=True):
    """The articles that are most similar to one, and separately its near-duplicates."""

    id: str
    timed_out: Annotated[bool, Meta(description="Whether the time limit was reached: some may be missing.")]
    notes: tuple[Note, ...]
    also: tuple[ArticleInfo, ...]
    hits: tuple[Hit, ...]


class Row(Result, frozen=True):
    """One passage of a hit, for tables; a hit without passages is a row without one.

    The same columns, in the same order, as CSV has.
    """

    id: str
    title: str
    published: str | None
    precision: Literal["year", "month", "day", "minute"] | None
    url: str | None
    score: float
    missing: Annotated[str, Meta(description="Words of the query that the article lacks, with spaces.")]
    by_meaning: Annotated[bool, Meta(description="Whether it is found by its meaning, not by words.")]
    passage: Annotated[int, Meta(ge=1)] | None
    anchor: str | None
    text: str
    page_number: Annotated[int, Meta(ge=1, description="The page of the document, if it is known.")] | None
    authors: Annotated[tuple[str, ...], Meta(description="In CSV, with semicolons between them.")]
    section: str | None
    tags: Annotated[tuple[str, ...], Meta(description="In CSV, with semicolons between them.")]
    publisher: str | None
    fields: Annotated[
        Mapping[str, FieldValue], Meta(description="The values of custom fields; in CSV as JSON.")
    ]
    field: Annotated[
        str | None, Meta(description="The custom field that the text is in, if it is no paragraph.")
    ]


class Problem(Result, frozen=True):
    """What went wrong (RFC 9457): what was wanted, what was found, what to do."""

    type: str
    title: str
    status: Annotated[int, Meta(ge=400, le=599)]
    detail: str


def as_bytes(value: Any) -> bytes:
    """An answer as JSON.

    A file name need not be valid UTF-8: an invalid byte is written as Python does, "\\udcff".
    """
    try:
        return msgspec.json.encode(value)
    except UnicodeEncodeError:
        text = json.dumps(msgspec.to_builtins(value), ensure_ascii=False, separators=(",", ":"))
        return _LONE.sub(lambda found: f"\\\\u{ord(found[0]):04x}", text).encode()

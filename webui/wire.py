"""The answers of the HTTP API as they travel: what its description is made from.

The library writes the answers itself (`as_json`); a test holds each beside its struct here.
"""

from __future__ import annotations

import json
import re
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from indexer.results import Explanation, HitExplanation, NoResults

_LONE = re.compile("[\ud800-\udfff]")

Span = Annotated[list[int], Meta(min_length=2, max_length=2)]
Spans = Annotated[list[Span], Meta(description="Matches, [start, end) in code points; ascending, disjoint.")]
Count = Annotated[int, Meta(ge=0)]
Anchor = Annotated[str, Meta(description="The stable name of a paragraph in its article.", pattern="^p-")]


class Answer(Struct, forbid_unknown_fields=True):
    """What all answers have in common: each field stands here, and nothing else is sent."""


class OtherDate(Answer, rename={"origin": "from"}):
    """A date that the document states too."""

    value: str
    origin: Annotated[str, Meta(description="Where it was found.")]


class PublishedDate(Answer, rename={"origin": "from"}):
    """When an article was published, no more exactly than its source says."""

    value: Annotated[str, Meta(description="ISO 8601, cut to the precision.", examples=["2021-11-05"])]
    precision: Literal["year", "month", "day", "minute"]
    origin: Annotated[str, Meta(description="Where it was found.", examples=["json-ld", "dateline"])]
    others: Annotated[list[OtherDate], Meta(description="Candidates that disagreed.")] | UnsetType = UNSET
    note: Annotated[str, Meta(description="What had to be assumed.")] | UnsetType = UNSET


class MarkedText(Answer):
    """A text, and where in it the query matched."""

    text: str
    spans: Spans


class ArticleReference(Answer):
    """An article that is only named."""

    id: str
    title: str
    url: str | None
    language: str | None
    published: PublishedDate | None
    source: str | None


class PassageAnswer(Answer):
    """A paragraph, or the best part of a long one."""

    number: Annotated[int, Meta(ge=1)]
    anchor: Anchor
    text: str
    spans: Spans


class HitAnswer(Answer):
    """An article that matches, with its best passages in reading order."""

    id: str
    title: MarkedText
    url: str | None
    language: str | None
    language_stated: Annotated[bool, Meta(description="Whether the article itself says its language.")]
    score: float
    published: PublishedDate | None
    missing: Annotated[list[str], Meta(description="Words of the query that the article lacks.")]
    passages: list[PassageAnswer]
    also: Annotated[list[ArticleReference], Meta(description="Near-duplicates that are collapsed under it.")]
    explanation: HitExplanation | UnsetType = UNSET


class FacetValue(Answer):
    """How many hits have one value; without a value, `kind` says of what hits the count is."""

    value: str | None
    count: Count
    kind: Literal["value", "undated", "inexact", "none", "other"]


class TimelineBarAnswer(Answer):
    """One period: the hits, and all that was published then."""

    start: Annotated[str, Meta(description="The period in ISO 8601; a week by its Monday.")]
    articles: Count
    paragraphs: Count
    of_articles: Count
    of_paragraphs: Count
    share: Annotated[float, Meta(ge=0, le=1, description="paragraphs / of_paragraphs")]


class TimelineData(Answer):
    """The hits of a search over time."""

    grain: Literal["day", "week", "month", "year"]
    first: str | None
    last: str | None
    peak: str | None
    inexact: Count
    undated: Count
    bars: list[TimelineBarAnswer]


class SearchAnswer(Answer):
    """One page of hits."""

    query: str
    total: Annotated[int, Meta(ge=0, description="Articles that meet the whole query.")]
    partial: Annotated[int, Meta(ge=0, description="Articles after them that lack some of the words.")]
    collapsed: Annotated[int, Meta(ge=0, description="Of both, those that stand under a near-duplicate.")]
    offset: Count
    limit: Count
    took_ms: Annotated[float, Meta(description="Milliseconds.")]
    timed_out: Annotated[bool, Meta(description="Whether the search stopped before all was counted.")]
    notes: Annotated[list[str], Meta(description="What was not understood, was left out or met a bound.")]
    did_you_mean: Annotated[str | None, Meta(description="The query in words that the archive has.")]
    facets: Annotated[dict[str, list[FacetValue]], Meta(description="Counts by the names in `facet`.")]
    timeline: TimelineData | None
    cursor: Annotated[str | None, Meta(description="Leads to the next page; null on the last.")]
    explanation: Annotated[Explanation | None, Meta(description="What was understood, with explain=1.")]
    no_results: Annotated[NoResults | None, Meta(description="Why nothing meets the whole query.")]
    hits: Annotated[list[HitAnswer], Meta(description="In the order of `sort`; the partial ones last.")]


class TimelineAnswer(Answer):
    """The counts of a search over time, without its hits."""

    query: str
    total: Count
    took_ms: float
    notes: list[str]
    timeline: TimelineData | None


class SuggestionAnswer(Answer):
    """A query that what was typed may become; it finds something."""

    text: str
    kind: Literal["word", "phrase", "title"]
    count: Count
    article: Annotated[str | None, Meta(description="The id of the article whose title it is.")]
    spans: Annotated[list[Span], Meta(description="The places in the text that were added.")]


class SuggestAnswer(Answer):
    """What a text may become while it is typed."""

    query: str
    suggestions: list[SuggestionAnswer]


class ArticleAnswer(Answer):
    """A whole article, with what a query matched in it."""

    id: str
    title: MarkedText
    url: str | None
    language: str | None
    published: PublishedDate | None
    paragraphs: list[PassageAnswer]


class SimilarAnswer(Answer):
    """The articles that are most like one, and apart from them those that say the same."""

    id: str
    timed_out: Annotated[bool, Meta(description="Whether the search stopped before all was looked up.")]
    notes: Annotated[list[str], Meta(description="What was left out.")]
    also: list[ArticleReference]
    hits: list[HitAnswer]


class FailureAnswer(Answer):
    """A file that could not be read, and why."""

    path: str
    reason: str


class StatusAnswer(Answer):
    """What the index holds."""

    path: str
    generation: str
    articles: Count
    paragraphs: Count
    undated: Count
    first: str | None
    last: str | None
    size: Annotated[int, Meta(ge=0, description="Bytes on disk.")]
    committed: Annotated[str, Meta(description="ISO 8601 in UTC.")]
    languages: dict[str, Count]
    sources: list[str]
    failures: list[FailureAnswer]
    damage: Annotated[
        str | None,
        Meta(description="What is wrong with the newest state, when an older one answers in its place."),
    ]
    libraries: Annotated[
        dict[str, str],
        Meta(description="Versions of the stemmer and of the Unicode tables that made it; empty if unknown."),
    ]
    library_changes: Annotated[
        str | None,
        Meta(description="Which of them differ from the server's: words may not be found until a rebuild."),
    ]


class Row(Answer):
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
    passage: Annotated[int, Meta(ge=1)] | None
    anchor: Anchor | None
    text: str


class Problem(Answer):
    """What went wrong (RFC 9457): what was wanted, what was found, what to do."""

    type: str
    title: str
    status: Annotated[int, Meta(ge=400, le=599)]
    detail: str


def as_bytes(value: Any) -> bytes:
    """An answer as JSON.

    Names of files need not be text: a byte that is none of UTF-8 is told as in Python, "\\udcff".
    """
    try:
        return msgspec.json.encode(value)
    except UnicodeEncodeError:
        text = json.dumps(msgspec.to_builtins(value), ensure_ascii=False, separators=(",", ":"))
        return _LONE.sub(lambda found: f"\\\\u{ord(found[0]):04x}", text).encode()


def schemas(*answers: type[Answer]) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """References to the schemas of some answers, and all schemas that they need, by name."""
    found, parts = msgspec.json.schema_components(answers, ref_template="#/components/schemas/{name}")
    return list(found), parts

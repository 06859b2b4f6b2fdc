"""What is counted over all hits of a search: facets and the timeline."""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct


class FacetCount(Struct, frozen=True):
    """How many hits have one value of a facet, such as a year or a source.

    Where `value` is None, `kind` says of what hits the count is: "undated"; "inexact", whose date is not as
    exact as the facet; "none", which have no source or site; "other", of all values that are not named.
    """

    value: str | None
    count: int
    kind: Literal["value", "undated", "inexact", "none", "other"] = "value"

    def as_json(self) -> dict[str, Any]:
        """The count as in every JSON answer."""
        return {"value": self.value, "count": self.count, "kind": self.kind}


class TimelineBar(Struct, frozen=True):
    """One period of a timeline: what of it matches, and all that was published then.

    `start` is the period as in ISO 8601 ("2021", "2021-11", "2021-11-05"; a week by its Monday). `articles`
    are the hits, `paragraphs` those of their paragraphs that have a word of the query (all of them, where it
    looks for no word in paragraphs); `of_articles` and `of_paragraphs` are all in the index of that period.
    """

    start: str
    articles: int
    paragraphs: int
    of_articles: int
    of_paragraphs: int

    @property
    def share(self) -> float:
        """The matching paragraphs among all that were published then: 0 to 1."""
        return self.paragraphs / self.of_paragraphs if self.of_paragraphs else 0.0

    def as_json(self) -> dict[str, Any]:
        """The bar as in every JSON answer."""
        return {
            "start": self.start,
            "articles": self.articles,
            "paragraphs": self.paragraphs,
            "of_articles": self.of_articles,
            "of_paragraphs": self.of_paragraphs,
            "share": round(self.share, 6),
        }


class Timeline(Struct, frozen=True):
    """The hits of a search over time, as bars from the period of the first to that of the last.

    `grain` is day, week, month or year. `first` and `last` are the days of the first and the last hit, as
    exactly as they are known; `peak` is the `start` of the period with the most hits, the first of equals.
    `inexact` hits have a date that is not as exact as the grain, `undated` ones have none: neither are in the
    bars.
    """

    grain: Literal["day", "week", "month", "year"]
    bars: tuple[TimelineBar, ...] = ()
    first: str | None = None
    last: str | None = None
    peak: str | None = None
    inexact: int = 0
    undated: int = 0

    def as_json(self) -> dict[str, Any]:
        """The timeline as in every JSON answer."""
        return {
            "grain": self.grain,
            "first": self.first,
            "last": self.last,
            "peak": self.peak,
            "inexact": self.inexact,
            "undated": self.undated,
            "bars": [bar.as_json() for bar in self.bars],
        }

"""Facets and timelines against a count that goes from article to article."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer import Article, FacetCount, Index, InvalidRequest, Timeline, open_index
from indexer.engine.count.facets import MAX_VALUES
from indexer.results import FACETS, GRAINS

WORDS = ["sea", "road", "belt"]
DATES = [None, "0001", "1969-12-31T23:59", "1970-01-01", "2021", "2021-03", "2021-03-01", "2021-03-04T05:06",
         "2021-03-07", "2021-03-08", "2021-04-01", "2022-12", "2024-02-29", "9999", "9999-12-31"]  # fmt: skip
ROWS = st.tuples(
    st.sampled_from(["", *WORDS]),
    st.lists(st.lists(st.sampled_from(WORDS), max_size=3).map(" ".join), max_size=3),
    st.sampled_from(DATES),
    st.sampled_from(["en", "de", "fr"]),  # stated, since the language of a few words cannot be detected
    st.sampled_from([None, "https://www.one.example/a", "http://sub.one.example/", "https://two.example"]),
    st.sampled_from([None, "wire", "blog"]),
    st.lists(st.sampled_from(["Ada Berg", "Noor Vermeer"]), max_size=2),
    st.sampled_from([None, "Sport"]),
    st.lists(st.sampled_from(["harbour", "tides", "ferries"]), max_size=3),
    st.sampled_from([None, "The Post"]),
)
COLLECTIONS = st.lists(st.lists(ROWS, max_size=8), min_size=1, max_size=3)
QUERIES = ["sea", "sea OR road", "title:belt", "-road", "sea -belt", "*"]
MANY = settings(max_examples=int(os.environ.get("TEST_EXAMPLES", "60")))


def articles_of(rows: Sequence[tuple[Any, ...]], start: int = 0) -> list[Article]:
    names = (
        *("title", "paragraphs", "published", "language", "url", "source"),
        *("authors", "section", "tags", "publisher"),
    )
    return [
        Article(id=f"a{number}", **dict(zip(names, row, strict=True)))
        for number, row in enumerate(rows, start)
    ]


def period(article: Article, grain: str) -> str:
    """The period of an article, or why it has none."""
    published = article.published
    if published is None:
        return "undated"
    length = {"year": 4, "month": 7, "day": 10, "week": 10}[grain]
    if len(published.value) < length:
        return "inexact"
    if grain == "week":
        day = published.start.date()
        return (day - timedelta(day.weekday())).isoformat()
    return published.value[:length]


def values(article: Article, facet: str) -> Sequence[str]:
    """The values of a facet, or why there is none."""
    match facet:
        case "site":
            return [article.url.split("/")[2].removeprefix("www.")] if article.url else ["none"]
        case "author" | "tag":
            return (article.authors if facet == "author" else article.tags) or ["none"]
        case "source" | "language" | "section" | "publisher":
            return [getattr(article, facet) or "none"]
    return [period(article, facet)]


def hits(index: Index, query: str, live: dict[str, Article]) -> list[Article]:
    """All articles that meet a query."""
    page = index.search(query, limit=1000, collapse=False)
    return [live[hit.article.id] for hit in page.hits[: page.total]]


@pytest.mark.slow
@MANY
@given(collection=COLLECTIONS, gone=st.integers(0, 5))
def test_facets_and_timelines_equal_a_count_over_every_hit(
    tmp_path_factory: pytest.TempPathFactory, collection: list[list[tuple[Any, ...]]], gone: int
) -> None:
    live: dict[str, Article] = {}
    with open_index(tmp_path_factory.mktemp("facets") / "index") as index:
        for rows in collection:
            given = articles_of(rows, len(live))
            index.put(given)
            live |= {article.id: article for article in given}
        names = sorted(live)[:gone]
        index.remove(names)
        live = {name: article for name, article in live.items() if name not in names}
        if not live:
            return
        for query in QUERIES:
            found = hits(index, query, live)
            page = index.search(query, facets=FACETS, limit=0)
            assert list(page.facets) == list(FACETS)
            for facet, counts in page.facets.items():
                assert_counts(
                    counts, Counter(one for article in found for one in values(article, facet)), facet
                )
            for grain in GRAINS:
                shown = index.search(query, timeline=grain, limit=0).timeline
                assert shown is not None
                assert_bars(shown, found, list(live.values()), query)


def assert_counts(counts: Sequence[FacetCount], expected: Counter[str], facet: str) -> None:
    assert {count.value or count.kind: count.count for count in counts} == expected
    named = [count for count in counts if count.kind == "value"]
    assert all((count.value is None) == (count not in named) for count in counts)
    assert list(counts[: len(named)]) == named
    if facet in ("year", "month", "day"):
        assert named == sorted(named, key=lambda count: count.value or "")
    else:
        assert named == sorted(named, key=lambda count: (-count.count, count.value))


def matching(article: Article, query: str) -> int:
    """How many paragraphs of a hit have a word of the query."""
    words = [word for word in WORDS if word in query.replace("-road", "").replace("-belt", "")]
    if not words or query.startswith("title:"):
        return len(article.paragraphs)
    return sum(any(word in text.split() for word in words) for text in article.paragraphs)


def assert_bars(shown: Timeline, found: list[Article], everything: list[Article], query: str) -> None:
    places = Counter(period(article, shown.grain) for article in found)
    assert (shown.inexact, shown.undated) == (places.pop("inexact", 0), places.pop("undated", 0))
    assert {bar.start: bar.articles for bar in shown.bars if bar.articles} == places
    starts = [bar.start for bar in shown.bars]
    assert starts == sorted(set(starts))
    for bar in shown.bars:
        then = [article for article in everything if period(article, shown.grain) == bar.start]
        assert bar.of_articles == len(then)
        assert bar.of_paragraphs == sum(len(article.paragraphs) for article in then)
        own = [article for article in found if period(article, shown.grain) == bar.start]
        assert bar.paragraphs == sum(matching(article, query) for article in own)
        assert 0 <= bar.share <= 1
    exact = sorted(
        (article.published.start, article.published.value[:10])
        for article in found
        if article.published and period(article, shown.grain) != "inexact"
    )
    if not exact:
        assert (shown.first, shown.last, shown.peak, shown.bars) == (None, None, None, ())
        return
    assert shown.first in [value for start, value in exact if start == exact[0][0]]
    assert shown.last in [value for start, value in exact if start == exact[-1][0]]
    assert shown.peak == min(places, key=lambda start: (-places[start], start))
    if len(shown.bars) > len(places):
        assert_gapless(starts, shown.grain)


def assert_gapless(starts: list[str], grain: str) -> None:
    for before, after in pairwise(starts):
        start = date.fromisoformat((before + "-01-01")[:10])
        days = {"day": 1, "week": 7, "month": 31, "year": 366}[grain]
        following = start + timedelta(days)
        expected = following.isoformat() if grain in ("day", "week") else following.isoformat()[: len(before)]
        assert after == expected


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    with open_index(tmp_path / "index") as opened:
        yield opened


def days(first: str, *offsets: int, **more: Any) -> list[Article]:
    """An article on each of some days after the first."""
    start = date.fromisoformat(first)
    return [
        Article(id=f"{first}+{offset}", title="crane", published=(start + timedelta(offset)), **more)
        for offset in offsets
    ]


@pytest.mark.parametrize(
    ("offsets", "grain", "bars"),
    [
        ([0], "day", 1),
        ([0, 119], "day", 120),
        ([0, 120], "week", 18),
        ([0, 7 * 119], "week", 120),
        ([0, 7 * 120 + 6], "month", 28),
        ([0, 366 * 11], "year", 12),
        ([0, 300_000], "year", 822),
    ],
)
def test_the_grain_is_the_finest_that_makes_few_bars(
    index: Index, offsets: list[int], grain: str, bars: int
) -> None:
    index.put(days("2001-01-01", *offsets))
    shown = index.search("crane", timeline=True).timeline
    assert shown is not None
    assert (shown.grain, len(shown.bars), shown.bars[0].articles) == (grain, bars, 1)


def test_the_grain_fits_dates_that_are_known_to_the_month(index: Index) -> None:
    index.put(
        [*days("2021-03-01", 0, 1), *(Article(id=f"m{n}", title="crane", published="2021-03") for n in "abc")]
    )
    shown = index.search("crane", timeline="auto").timeline
    assert shown is not None
    assert (shown.grain, shown.inexact, [bar.articles for bar in shown.bars]) == ("month", 0, [5])
    by_day = index.search("crane", timeline="day").timeline
    assert by_day is not None
    assert (by_day.grain, by_day.inexact, [bar.articles for bar in by_day.bars]) == ("day", 3, [1, 1])


def test_only_the_largest_counts_are_listed(index: Index) -> None:
    many = [(f"m{number:02}", f"{1900 + number}", 2) for number in range(MAX_VALUES - 1)]
    articles = [
        Article(id=f"{source}{n}", title="crane", source=source, published=year)
        for source, year, count in (("a", "2002", 1), *many, ("b", "2001", 3), ("c", "1999", 1))
        for n in range(count)
    ]
    index.put([*articles, Article(id="none", title="crane")])
    found = index.search("crane", facets=["source", "year", "source"]).facets
    assert found == {
        "source": (
            FacetCount("b", 3), *(FacetCount(name, 2) for name, _, _ in many),
            FacetCount(None, 2, "other"), FacetCount(None, 1, "none"),
        ),
        "year": (
            *(FacetCount(year, 2) for _, year, _ in many), FacetCount("2001", 3),
            FacetCount(None, 2, "other"), FacetCount(None, 1, "undated"),
        ),
    }  # fmt: skip


def test_counts_can_be_converted_to_json(index: Index) -> None:
    index.put([*days("2021-03-01", 0, paragraphs=["crane", "tide"]), Article(id="u", title="crane")])
    page = json.loads(json.dumps(index.search("crane", facets="month", timeline="week").as_json()))
    assert page["facets"] == {
        "month": [
            {"value": "2021-03", "count": 1, "kind": "value"},
            {"value": None, "count": 1, "kind": "undated"},
        ]
    }
    assert page["timeline"] == {
        "grain": "week", "first": "2021-03-01", "last": "2021-03-01", "peak": "2021-03-01",
        "inexact": 0, "undated": 1,
        "bars": [
            {"start": "2021-03-01", "articles": 1, "paragraphs": 1, "of_articles": 1, "of_paragraphs": 2,
             "share": 0.5},
        ],
    }  # fmt: skip


@pytest.mark.parametrize(
    "options",
    [
        *({"half_life": days} for days in (-1, float("nan"), float("inf"), 10**400, True, "7")),
        *({"facets": names} for names in ("desk", 7, [None])),
        {"timeline": "decade"},
        {"source": 1},
        {"language": [None]},
    ],
)
def test_invalid_facets_and_grains_are_refused(index: Index, options: dict[str, Any]) -> None:
    index.put(days("2021-01-01", 0))
    with pytest.raises(InvalidRequest, match=r"must be|must have|can only"):
        index.search("crane", **options)

"""Facets and the timeline: what is counted over all articles that meet the whole query."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from indexer import Article, Index
from tests.contract.answers import bars, facet, found, search
from tests.contract.strategies import EXAMPLES, QUERIES

Made = Callable[..., Index]
FACETS = ["year", "month", "day", "source", "site", "language"]


@pytest.mark.parametrize(
    ("query", "name", "expected"),
    [
        ("harbour", "year", {"2021": 2, "2023": 1}),
        ("harbour", "month", {"2021-03": 1, "2021-11": 1, "2023-05": 1}),
        ("harbour", "day", {"2021-11-05": 1, "inexact": 2}),
        ("harbour", "language", {"en": 2, "en-GB": 1}),
        ("harbour", "source", {"wire/coast": 3}),
        ("harbour", "site", {"coast.example": 2, "news.coast.example": 1}),
        ("ladder", "year", {"2021": 1, "2020": 2}),
        ("tide OR stairs OR goose", "year", {"0987": 1, "1931": 1, "2018": 1, "2021": 1, "undated": 1}),
        ("tide OR stairs OR goose", "month", {"2018-12": 1, "2021-11": 1, "inexact": 2, "undated": 1}),
        ("tide OR stairs OR goose", "source", {"letters": 2, "wire/coast": 1, "none": 2}),
        ("storm", "source", {"wire/coast": 1, "wire/town": 1, "letters": 2}),  # near-duplicates are counted
        ("港", "language", {"zh": 1, "ja": 1}),
        ("harbour crane", "year", {"2021": 1}),  # partial matches are not counted
        ("zeppelin", "year", {}),
    ],
)
def test_a_facet_counts_the_articles_that_meet_the_query_by_their_values(
    archive: Index, query: str, name: str, expected: dict[str, int]
) -> None:
    page = search(archive, query, facets=name, limit=1)
    assert facet(page, name) == expected
    assert set(page.facets) == {name}


@settings(max_examples=EXAMPLES)
@example(query="*")
@given(query=QUERIES)
def test_the_counts_of_a_facet_add_up_to_the_total(archive: Index, query: str) -> None:
    page = search(archive, query, facets=FACETS)
    assert list(page.facets) == FACETS
    for name in FACETS:
        assert sum(facet(page, name).values()) == page.total
        assert all(facet(page, name).values())


def filter_by(facet_name: str, value: str) -> dict[str, Any]:
    """The arguments of a search for the articles that a count is of."""
    if facet_name in ("year", "month", "day"):
        return {"since": value, "until": value}
    return {facet_name: value}


@settings(max_examples=EXAMPLES)
@example(query="*")
@given(query=QUERIES)
def test_a_facet_count_is_the_number_of_hits_with_its_value_as_filter(archive: Index, query: str) -> None:
    page = search(archive, query, facets=FACETS)
    for name in FACETS:
        counts = [count for count in page.facets[name] if count.value is not None]
        assert len({count.value for count in counts}) == len(counts)
        for count in counts:
            assert count.value is not None
            inside = found(archive, query, **filter_by(name, count.value))
            # A site has its subdomains, and a language its regions, which are counted by themselves.
            beside = sum(
                other.count
                for other in counts
                if is_below(name, str(other.value), count.value) and other != count
            )
            assert len(inside) == count.count + beside


def is_below(facet_name: str, value: str, above: str) -> bool:
    """Whether a filter by the value `above` lets the other one through as well."""
    if facet_name == "site":
        return value.endswith(f".{above}")
    return facet_name == "language" and value.startswith(f"{above}-")


def test_the_rarest_of_very_many_values_are_counted_together(make: Made) -> None:
    articles = [
        Article(f"a{number}", "Note", ["A kettle."], source=f"s{number:03}", language="en")
        for number in range(120)
    ]
    page = search(
        make(*articles, Article("b", "Note", ["A kettle."], source="s000")), "kettle", facets="source"
    )
    counts = facet(page, "source")
    assert counts["s000"] == 2
    assert counts["other"] == 20
    assert len(counts) == 101


@pytest.mark.parametrize(
    ("query", "grain", "expected"),
    [
        ("harbour", "year", {"2021": 2, "2023": 1}),
        ("ladder", "month", {"2020-05": 1, "2020-09": 1, "2021-03": 1}),
        (
            "strait",
            "day",
            {"2021-12-01": 1, "2021-12-02": 1, "2021-12-03": 1, "2021-12-04": 1, "2024-06-05": 1},
        ),
        ("strait -regatta", "week", {"2021-11-29": 4}),  # by its Monday
        ("date:2021-11", "week", {"2021-11-01": 5}),
    ],
)
def test_a_timeline_has_a_bar_for_each_period(
    archive: Index, query: str, grain: str, expected: dict[str, int]
) -> None:
    page = search(archive, query, timeline=grain)
    assert page.timeline is not None
    assert page.timeline.grain == grain
    assert bars(page) == expected


def test_a_timeline_runs_from_the_first_hit_to_the_last_without_a_gap(archive: Index) -> None:
    timeline = search(archive, "ladder", timeline="month").timeline
    assert timeline is not None
    assert [bar.start for bar in timeline.bars] == [
        *(f"2020-{month:02}" for month in range(5, 13)),
        *(f"2021-{month:02}" for month in range(1, 4)),
    ]
    assert (timeline.first, timeline.last) == ("2020-05-20", "2021-03")
    assert timeline.peak == "2020-05"


def test_a_bar_has_its_share_of_everything_published_in_its_period(archive: Index) -> None:
    timeline = search(archive, "rain barrels", timeline="year").timeline
    assert timeline is not None
    (bar,) = timeline.bars
    # Of six paragraphs, five have one of the words; the chronicle is the only article of its year.
    assert (bar.articles, bar.of_articles, bar.paragraphs, bar.of_paragraphs) == (1, 1, 5, 6)
    assert bar.share == pytest.approx(5 / 6)
    (bar,) = search(archive, "source:letters date:2020-10", timeline="month").timeline.bars  # type: ignore[union-attr]
    assert (bar.articles, bar.paragraphs, bar.of_articles, bar.of_paragraphs) == (1, 1, 1, 1)


def test_undated_and_inexact_articles_are_counted_beside_the_bars(archive: Index) -> None:
    page = search(archive, "harbour OR sale", timeline="day")
    assert page.timeline is not None
    assert bars(page) == {"2021-11-05": 1}
    assert (page.timeline.inexact, page.timeline.undated) == (2, 1)


def test_a_timeline_chooses_a_grain_that_fits_and_says_when_the_requested_one_does_not(
    archive: Index,
) -> None:
    auto = search(archive, "date:2021-12", timeline=True).timeline
    assert auto is not None
    assert auto.grain == "day"
    page = search(archive, "regatta OR toll", timeline="day")
    assert page.timeline is not None
    assert page.timeline.grain != "day"
    assert sum(bars(page).values()) == page.total == 3
    assert page.notes
    none = search(archive, "zeppelin", timeline="month").timeline
    assert none is not None
    assert none.bars == ()


@settings(max_examples=EXAMPLES)
@example(query="*", grain="year")
@given(query=QUERIES, grain=st.sampled_from(["day", "week", "month", "year", True]))
def test_each_bar_agrees_with_a_search_of_its_period(archive: Index, query: str, grain: str | bool) -> None:
    page = search(archive, query, timeline=grain, facets=["year", "month", "day"])
    timeline = page.timeline
    assert timeline is not None
    assert sum(bars(page).values()) + timeline.inexact + timeline.undated == page.total
    assert [bar.start for bar in timeline.bars] == sorted(bar.start for bar in timeline.bars)
    for bar in timeline.bars:
        assert bar.articles <= bar.of_articles
        assert bar.paragraphs is None or bar.paragraphs <= bar.of_paragraphs
        assert 0 <= bar.share <= 1
    if timeline.grain != "week":
        known = {count.value: count.count for count in page.facets[timeline.grain] if count.value}
        assert bars(page) == known

"""Facets and the timeline on the cluster have the counts of the embedded index."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest

from indexer import Article, FacetCount, Timeline
from indexer.engine import count_facet, count_timeline
from indexer.opensearch.dsl import EVERYTHING, NOTHING, Dsl
from indexer.opensearch.facets import aggregate_all, aggregate_hits, find_grain, read_facet, read_timeline
from indexer.opensearch.filters import translate_filter
from indexer.query import DateRange, Filter, NumberRange
from indexer.results import FACETS, GRAINS, Grain
from tests.opensearch.archive import FOLDER, OTHER_FOLDER, ArchiveInBoth
from tests.opensearch.server import Cluster

NAMES = (*FACETS, "desk", "breaking", "edition", "price", "embargo")
HITS = [
    EVERYTHING,
    NOTHING,
    {"prefix": {"id": "s"}},
    {"term": {"id": "ferry"}},
    {"exists": {"field": "date_start"}},
    {"bool": {"must_not": [{"exists": {"field": "date_start"}}]}},
    {"exists": {"field": "month"}},
    {"term": {"keys.author": "ada berg"}},
    {"range": {"year": {"lte": -30}}},
]


def count(
    both: ArchiveInBoth,
    hits: Dsl,
    names: tuple[str, ...],
    asked: Grain | None,
    *,
    has_terms: bool = False,
) -> tuple[dict[str, tuple[FacetCount, ...]], Timeline]:
    """The facets and the timeline of the hits of a query, as they are counted on the cluster."""
    fields = both.fields
    first = both.aggregate(hits, aggregate_hits(names, fields, timeline=True))
    grain = find_grain(asked, first)
    more = aggregate_all(names, grain, fields, first, hits)
    second = both.aggregate(EVERYTHING, more) if more else {}
    facets = {name: read_facet(name, fields, first, second, both.sources) for name in names}
    return facets, read_timeline(grain, first, second, has_terms=has_terms)


@pytest.mark.parametrize("hits", HITS, ids=str)
def test_facets_and_timelines_have_the_counts_of_the_embedded_index(both: ArchiveInBoth, hits: Dsl) -> None:
    articles = both.find(hits)
    for asked in (None, *GRAINS):
        facets, timeline = count(both, hits, NAMES, asked)
        assert timeline == count_timeline(both.snapshot, articles, (), asked)
        for name in NAMES:
            assert facets[name] == count_facet(both.snapshot, articles, name), name


def test_a_filter_and_its_facet_agree(both: ArchiveInBoth) -> None:
    names = ("source", "site", "language", "author", "section", "tag", "publisher", "desk", "breaking")
    facets, _ = count(both, EVERYTHING, names, None)
    for name in names:
        for own in facets[name]:
            if own.value is not None:
                node = Filter(name, own.value, prefers_whole=True, is_whole=name == "source")
                found = len(both.find(translate_filter(node, both.context)))
                # A language and a site include what is below them.
                assert found >= own.count if name in ("language", "site") else found == own.count, own


def test_folders_of_the_same_name_are_told_apart_by_as_much_as_it_takes(both: ArchiveInBoth) -> None:
    assert {FOLDER, OTHER_FOLDER} < {*both.sources}
    facets, _ = count(both, {"prefix": {"names.source": "file:"}}, ("source",), None)
    assert facets["source"] == (
        # An app has named a source "srv/archive", and another one "wire.jsonl".
        FacetCount("/srv/archive", 4),
        FacetCount("news/archive", 4),
        FacetCount("srv/wire.jsonl", 4),
    )


def test_paragraphs_with_a_word_are_not_counted_and_the_share_is_that_of_articles(
    both: ArchiveInBoth,
) -> None:
    _, timeline = count(both, {"prefix": {"id": "storm"}}, (), "month", has_terms=True)
    (bar,) = timeline.bars
    assert (bar.start, bar.articles, bar.paragraphs, bar.of_articles, bar.of_paragraphs) == (
        *("2021-12", 3, None),
        *(4, 10),
    )
    assert bar.share == 0.75


@pytest.fixture(scope="module", params=[1, 3], ids=["one shard", "three shards"])
def many(
    request: pytest.FixtureRequest, opensearch: Cluster, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ArchiveInBoth]:
    """More values than are listed, over more days than have a bar each."""
    articles: list[tuple[Article, str | None]] = []
    for number in range(1500):
        details: dict[str, Any] = {
            "authors": [f"{'NAME' if number % 3 else 'Name'} {number % 130}"],
            "tags": [f"Tag {number % 7}", f"tag {number % 70}"],
            "section": f"S{number % 99}",
            "url": f"https://s{number % 120}.example/",
            "fields": {"edition": number % 160, "embargo": f"{1900 + number % 123}", "desk": (f"d{number}",)},
        }
        day = date(1700, 1, 1) + timedelta(days=number * number % 80_000)
        articles.append((Article(f"n{number:04}", paragraphs=["x"], published=day, **details), None))
    made = ArchiveInBoth(
        tmp_path_factory.mktemp("many") / "index", opensearch, articles, shards=request.param
    )
    yield made
    made.delete()


@pytest.mark.parametrize(
    "node",
    [
        DateRange(None, None),
        NumberRange("edition", 3, 90),
        Filter("tag", "tag 3"),
        Filter("author", "name 7"),
        Filter("id", "n000*"),
    ],
    ids=str,
)
def test_many_values_are_counted_as_in_the_embedded_index(
    many: ArchiveInBoth, node: DateRange | NumberRange | Filter
) -> None:
    hits = translate_filter(node, many.context)
    articles = many.find(hits)
    assert len(articles) > 5
    names = ("year", "month", "day", "site", "author", "tag", "section", "edition", "embargo")
    for asked in (None, *GRAINS):
        facets, timeline = count(many, hits, names, asked)
        assert timeline == count_timeline(many.snapshot, articles, (), asked)
        for name in names:
            assert facets[name] == count_facet(many.snapshot, articles, name), name


def test_of_more_equally_common_values_than_are_compared_others_are_listed(many: ArchiveInBoth) -> None:
    facets, _ = count(many, EVERYTHING, ("desk",), None)
    expected = count_facet(many.snapshot, many.find(EVERYTHING), "desk")
    assert [own.count for own in facets["desk"]] == [own.count for own in expected]
    assert sum(own.count for own in facets["desk"]) == 1500

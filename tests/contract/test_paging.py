"""Pages by offset and by cursor: each hit once, in the order of one large page, to any depth by cursor."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer import Article, Hit, Index, InvalidRequest, Published
from tests.contract.answers import MANY, count_collapsed, count_hits, ids, search, walk
from tests.contract.archive import ARTICLES
from tests.contract.strategies import EXAMPLES, QUERIES

Made = Callable[..., Index]
SORTS = ["relevance", "newest", "oldest", "title"]


def _drop_score(hit: Hit) -> Hit:
    return msgspec.structs.replace(hit, score=0.0)


@settings(max_examples=EXAMPLES)
@given(query=QUERIES, sort=st.sampled_from(SORTS), limit=st.integers(1, 7), collapse=st.booleans())
def test_pages_give_each_hit_once_and_in_the_order_of_one_large_page(
    archive: Index, query: str, sort: str, limit: int, collapse: bool
) -> None:
    options: dict[str, Any] = {"sort": sort, "collapse": collapse}
    pages = list(walk(archive, query, limit=limit, **options))
    first = pages[0]
    # A small page needs fewer partial matches, so the large one may have more of those.
    whole = search(archive, query, limit=MANY, **options).hits[: count_hits(first)]
    assert [_drop_score(hit) for page in pages for hit in page.hits] == [*map(_drop_score, whole)]
    assert all(len(page.hits) == limit for page in pages[:-1])
    assert {(page.total, page.partial, count_collapsed(page)) for page in pages} == {
        (first.total, first.partial, count_collapsed(first))
    }
    by_offset = [
        search(archive, query, limit=limit, offset=offset, **options).hits
        for offset in range(0, len(whole) + 1, limit)
    ]
    assert [_drop_score(hit) for hits in by_offset for hit in hits] == [*map(_drop_score, whole)]


@pytest.mark.differs(opensearch="the score of a pattern depends on the words of the articles in its window")
@pytest.mark.parametrize("query", ["*ock title:(ferry OR storm)"])
def test_a_hit_has_the_same_score_on_pages_of_any_size(archive: Index, query: str) -> None:
    large = search(archive, query, limit=MANY).hits
    small = [hit for page in walk(archive, query, limit=1) for hit in page.hits]
    assert [hit.score for hit in small] == [hit.score for hit in large[: len(small)]]


@settings(max_examples=EXAMPLES)
@given(query=QUERIES)
def test_all_pages_together_have_the_number_of_hits_in_the_total(archive: Index, query: str) -> None:
    page = search(archive, query)
    assert len(page.hits) == count_hits(page) == page.total + page.partial - count_collapsed(page)


def test_a_half_life_is_paged_through_as_well(archive: Index) -> None:
    whole = ids(search(archive, "night OR harbour", half_life=365).hits)
    pages = walk(archive, "night OR harbour", half_life=365, limit=2)
    assert [name for page in pages for name in ids(page.hits)] == whole


def test_a_page_with_limit_0_still_counts_the_hits(archive: Index) -> None:
    page = search(archive, "harbour", limit=0)
    assert (page.hits, page.total, page.cursor) == ((), 3, None)


def test_a_page_beyond_the_last_hit_is_empty(archive: Index) -> None:
    page = search(archive, "harbour", offset=50)
    assert (page.hits, page.total, page.cursor) == ((), 3, None)


def test_the_last_page_has_no_cursor(archive: Index) -> None:
    assert search(archive, "harbour", limit=3).cursor is None
    assert search(archive, "harbour", limit=2).cursor is not None
    assert search(archive, "harbour", limit=2, offset=1).cursor is None
    assert search(archive, "zeppelin").cursor is None


def test_the_limit_may_change_from_page_to_page(archive: Index) -> None:
    whole = ids(search(archive, "night OR harbour OR kettle").hits)
    first = search(archive, "night OR harbour OR kettle", limit=2)
    second = search(archive, "night OR harbour OR kettle", limit=3, cursor=first.cursor)
    third = search(archive, "night OR harbour OR kettle", limit=MANY, cursor=second.cursor)
    assert [name for page in (first, second, third) for name in ids(page.hits)] == whole
    assert (second.offset, third.offset, third.cursor) == (2, 5, None)


@pytest.mark.parametrize(
    ("query", "options"),
    [
        ("kettle", {}),
        ("harbour", {"sort": "newest"}),
        ("harbour", {"language": "en"}),
        ("harbour", {"since": "2020"}),
        ("harbour", {"source": "wire"}),
        ("harbour", {"undated": True}),
        ("harbour", {"half_life": 3}),
        ("harbour", {"collapse": False}),
    ],
)
def test_a_cursor_belongs_to_one_search(archive: Index, query: str, options: dict[str, Any]) -> None:
    cursor = search(archive, "harbour", limit=1).cursor
    with pytest.raises(InvalidRequest, match="not of another search"):
        search(archive, query, limit=1, cursor=cursor, **options)


@pytest.mark.parametrize("cursor", ["x", "😀", "AAAA", "../../etc", "x" * 100_000])
def test_a_cursor_that_no_page_gave_is_refused(archive: Index, cursor: str) -> None:
    with pytest.raises(InvalidRequest):
        search(archive, "harbour", cursor=cursor)


def test_a_page_beyond_the_deepest_is_refused_and_a_cursor_leads_on(archive: Index) -> None:
    assert search(archive, "harbour", offset=9_990, limit=10).hits == ()
    with pytest.raises(InvalidRequest):
        search(archive, "harbour", offset=9_991, limit=10)


def test_paging_does_not_start_over_when_the_last_hit_gets_another_date(make: Made) -> None:
    index = make(*ARTICLES)
    first = search(index, "lang:en", sort="newest", limit=10, collapse=False)
    index.put([replace(index.get_article(first.hits[-1].article.id), published=Published.parse("2029"))])
    rest = search(index, "lang:en", sort="newest", cursor=first.cursor, collapse=False)
    assert set(ids(first.hits)).isdisjoint(ids(rest.hits))
    assert len(rest.hits) == first.total - 10


@pytest.mark.parametrize("sort", SORTS)
def test_added_and_removed_articles_do_not_shift_the_next_pages(make: Made, sort: str) -> None:
    def article(number: int, published: str = "2021-03") -> Article:
        text = "A kettle. " * (number % 3 + 1)
        return Article(f"a{number:02}", f"Note {number % 5}", [text], f"{published}-{number + 1:02}", "en")

    index = make(*map(article, range(12)))
    options: dict[str, Any] = {"sort": sort, "limit": 4, "collapse": False}
    whole = [name for page in walk(index, "kettle", **options) for name in ids(page.hits)]
    first = search(index, "kettle", **options)
    # They would be first, and last, in every order.
    index.put([Article("new", "Aaa kettle kettle", ["A kettle."], "2024", "en")])
    index.put([Article("newer", "Zzz", [f"A kettle, {'and so on ' * 30}"], "1999", "en")])
    index.remove([whole[1]])
    seen, cursor = ids(first.hits), first.cursor
    while cursor:
        page = search(index, "kettle", cursor=cursor, **options)
        seen += ids(page.hits)
        cursor = page.cursor
    assert [name for name in seen if name.startswith("a")] == whole
    assert len(seen) == len(set(seen))


@pytest.mark.parametrize(
    "sort",
    [
        pytest.param(
            "relevance",
            marks=pytest.mark.differs(
                whoosh="a cursor keeps a score, and all scores shift with the articles",
                opensearch="a cursor keeps a score, and all scores shift with the articles",
            ),
        ),
        *SORTS[1:],
    ],
)
def test_the_pages_go_on_when_the_last_hit_of_one_is_removed(make: Made, sort: str) -> None:
    index = make(
        *(
            Article(f"a{number}", f"Note {number}", ["A kettle."], f"2021-03-{number + 1:02}", "en")
            for number in range(9)
        )
    )
    options: dict[str, Any] = {"sort": sort, "limit": 4, "collapse": False}
    whole = [name for page in walk(index, "kettle", **options) for name in ids(page.hits)]
    first = search(index, "kettle", **options)
    index.remove([first.hits[-1].article.id])
    second = search(index, "kettle", cursor=first.cursor, **options)
    assert ids(second.hits) == whole[4:8]

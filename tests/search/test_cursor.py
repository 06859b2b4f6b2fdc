"""Paging through all hits by cursor, and invalid cursors."""

from __future__ import annotations

import json
import os
import random
import sys
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace as changed

from indexer import Article, Index, InvalidRequest, Page, open_index
from indexer.limits import PAGED
from indexer.results import SORTS
from indexer.search.paging import Cursor, read_cursor, write_cursor

WORDS = ["sea", "road", "belt", "crane"]
TITLES = ["", "Sea", "sea road", "harbour news today", "Harbour news tomorrow", "harbour news"]
DATES = [None, "2020", "2021-03", "2021-03-04", "2021-03-04T05:06", "1900"]
ARTICLES = st.lists(
    st.tuples(
        st.sampled_from(TITLES),
        st.lists(st.sampled_from(WORDS), max_size=4),
        st.sampled_from(DATES),
        st.integers(0, 999),
    ),
    max_size=30,
    unique_by=lambda row: row[3],
).map(
    lambda rows: [
        Article(id=f"a{name}", title=title, paragraphs=texts, published=when)
        for title, texts, when, name in rows
    ]
)


def walk(index: Index, query: str, **options: Any) -> Iterator[Page]:
    """All pages, one after the other."""
    cursor = None
    for _ in range(200):
        page = index.search(query, cursor=cursor, **options)
        yield page
        if page.cursor is None:
            return
        cursor = page.cursor
    raise AssertionError("the walk has no end")


def ids(pages: Iterator[Page]) -> list[str]:
    return [hit.article.id for page in pages for hit in page.hits]


@pytest.mark.slow
@settings(max_examples=int(os.environ.get("TEST_EXAMPLES", "60")))
@given(articles=ARTICLES, limit=st.integers(1, 7), half_life=st.sampled_from([None, 1, 400.5]))
def test_paging_by_cursor_gives_every_hit_once_in_the_order_of_one_large_page(
    tmp_path_factory: pytest.TempPathFactory, articles: list[Article], limit: int, half_life: float | None
) -> None:
    with open_index(tmp_path_factory.mktemp("walk") / "index") as index:
        for start in range(0, len(articles), 12):
            index.put(articles[start : start + 12])
        if not articles:
            index.put([])
            return
        for query in ("sea", "sea road", "sea OR belt", "-crane", "harbour news sea belt"):
            for sort in SORTS:
                options: dict[str, Any] = {"sort": sort}
                if sort == "relevance":
                    options["half_life"] = half_life
                pages = list(walk(index, query, limit=limit, **options))
                count = pages[0].shown
                whole = index.search(query, limit=100, **options).hits[:count]
                assert [hit for page in pages for hit in page.hits] == list(whole)
                assert [page.offset for page in pages] == list(range(0, max(count, 1), limit))
                assert {(page.total, page.partial) for page in pages} == {(pages[0].total, pages[0].partial)}
                assert all(len(page.hits) == limit for page in pages[:-1])


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    """An index of 30 articles, of which 12 have both words."""
    chance = random.Random(1)
    articles = [
        Article(
            id=f"a{number:02}",
            title=f"{'harbour ' * (number % 3)}news {chance.randint(0, 5)}",
            published=f"2021-03-{number % 9 + 1:02}",
            paragraphs=["crane " * chance.randint(1, 3), "tide" if number % 5 < 2 else "wind"],
        )
        for number in range(30)
    ]
    with open_index(tmp_path / "index") as opened:
        opened.put(articles)
        yield opened


@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.parametrize("query", ["crane", "crane tide"])
def test_new_articles_do_not_shift_the_next_pages(index: Index, query: str, sort: str) -> None:
    before = ids(walk(index, query, sort=sort, limit=4))
    first = index.search(query, sort=sort, limit=4)
    new = [
        Article(id=f"n{n}", title="harbour aaa", published="2030", paragraphs=["crane tide crane tide"])
        for n in range(3)
    ]
    index.put([*new, Article(id="n9", title="zzz", published="1999", paragraphs=["wind wind"])])
    seen, cursor = [hit.article.id for hit in first.hits], first.cursor
    while cursor:
        page = index.search(query, sort=sort, limit=4, cursor=cursor)
        seen += [hit.article.id for hit in page.hits]
        cursor = page.cursor
    old = [name for name in seen if name.startswith("a")]
    assert len(seen) == len(set(seen))
    assert sorted(old) == sorted(before)
    if sort != "relevance":
        assert old == before


@pytest.mark.parametrize("sort", SORTS)
def test_the_walk_goes_on_when_the_last_hit_is_gone(index: Index, sort: str) -> None:
    before = ids(walk(index, "crane", sort=sort, limit=4))
    first = index.search("crane", sort=sort, limit=4)
    index.remove([first.hits[-1].article.id])
    rest = index.search("crane", sort=sort, limit=26, cursor=first.cursor)
    if sort == "relevance":
        # Every score has changed a little with the number of articles.
        assert set(before[:3]).isdisjoint(hit.article.id for hit in rest.hits[4:])
    else:
        assert [hit.article.id for hit in rest.hits] == before[4:]


def test_paging_does_not_start_over_when_the_last_hit_gets_another_date(index: Index) -> None:
    first = index.search("crane", sort="newest", limit=15)
    last = index.get_article(first.hits[-1].article.id)
    moved = Article(id=last.id, title=last.title, paragraphs=last.paragraphs, published="2029")
    index.put([moved])
    rest = index.search("crane", sort="newest", limit=20, cursor=first.cursor)
    assert {hit.article.id for hit in first.hits}.isdisjoint(hit.article.id for hit in rest.hits)
    assert len(rest.hits) == 15


def test_the_limit_may_change_from_page_to_page(index: Index) -> None:
    whole = ids(walk(index, "crane tide", limit=5))
    first = index.search("crane tide", limit=5)
    second = index.search("crane tide", limit=3, cursor=first.cursor)
    third = index.search("crane tide", limit=50, cursor=second.cursor)
    assert [hit.article.id for page in (first, second, third) for hit in page.hits] == whole
    assert (second.offset, third.offset, third.cursor) == (5, 8, None)


def test_partial_matches_are_paged_by_cursor(index: Index) -> None:
    pages = list(walk(index, "crane tide", limit=20))
    assert (pages[0].total, pages[0].partial) == (12, 18)
    assert [len(page.hits) for page in pages] == [20, 10]
    assert all(hit.missing for hit in pages[1].hits)


def test_the_last_page_has_no_next_cursor(index: Index) -> None:
    assert index.search("crane", limit=30).cursor is None
    assert index.search("crane", limit=29).cursor is not None
    assert index.search("nowhere").cursor is None
    assert index.search("crane", limit=0).cursor is None
    assert index.search("crane", limit=5, offset=25).cursor is None


def test_a_cursor_continues_a_page_by_offset_beyond_the_deepest_offset(tmp_path: Path) -> None:
    with open_index(tmp_path / "index") as index:
        index.put([Article(id=f"a{number:05}", title="Crane") for number in range(PAGED + 5)])
        page = index.search("crane", limit=5, offset=PAGED - 5)
        assert [hit.article.id for hit in page.hits] == [f"a{PAGED - 5 + place:05}" for place in range(5)]
        deeper = index.search("crane", limit=5, cursor=page.cursor)
        assert [hit.article.id for hit in deeper.hits] == [f"a{PAGED + place:05}" for place in range(5)]
        with pytest.raises(InvalidRequest, match="use the cursor of a page"):
            index.search("crane", limit=5, offset=PAGED - 4)


@pytest.mark.parametrize(
    "options",
    [
        {"query": "crane tide"},
        {"sort": "newest"},
        {"since": "2020"},
        {"source": "wire"},
        {"undated": True},
        {"half_life": 3},
    ],
)
def test_a_cursor_of_another_search_is_refused(index: Index, options: dict[str, Any]) -> None:
    cursor = index.search("crane", limit=3).cursor
    with pytest.raises(InvalidRequest, match="not of another search"):
        index.search(**{"query": "crane", "cursor": cursor, **options})


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: "x",
        lambda text: "é" + text,
        lambda text: text[:-1],
        lambda text: text + "A",
        lambda text: text + "=",
        lambda text: text[:20] + ("A" if text[20] != "A" else "B") + text[21:],
        lambda text: text * 2,
        lambda text: "A" * 100_000,
        lambda text: 7,
        lambda text: urlsafe_b64encode(urlsafe_b64decode(text + "==")[:9]).decode(),
    ],
)
def test_a_cursor_that_was_altered_is_refused(index: Index, spoil: Any) -> None:
    cursor = index.search("crane", limit=3).cursor
    with pytest.raises(InvalidRequest, match=r"cursor: must be (the cursor of a page|text)"):
        index.search("crane", cursor=spoil(cursor))


@pytest.mark.parametrize(
    "changes",
    [
        {"keys": ()},
        {"keys": (1.0, 2, 3)},
        {"keys": (1.0, 2**80)},
        {"names": (1,), "keys": None},
        {"names": (), "keys": None},
        {"id": "\ud800"},
    ],
)
def test_a_forged_cursor_is_refused_or_answered(index: Index, changes: dict[str, Any]) -> None:
    page = index.search("crane tide", sort="newest", limit=3)
    assert page.cursor
    given = Cursor(*(read_mark(page.cursor), "gone", 3, 3, False, keys_of(page.cursor), ("gone",)))
    if changes.get("keys", ()) is None:
        changes = {**changes, "keys": given.keys}
    try:
        index.search("crane tide", sort="newest", cursor=write_cursor(changed(given, **changes)))
    except (InvalidRequest, UnicodeEncodeError):
        return


def decoded(text: str) -> Any:
    return json.loads(urlsafe_b64decode(text + "=" * (-len(text) % 4))[6:])


def read_mark(text: str) -> str:
    found: str = decoded(text)[0]
    return found


def keys_of(text: str) -> tuple[Any, ...]:
    return tuple(decoded(text)[5])


@given(
    keys=st.lists(
        st.integers(-(2**62), 2**64 - 1) | st.floats(width=32, allow_nan=False, allow_infinity=False)
    ),
    names=st.lists(st.text(st.characters(exclude_categories=["Cs"])) | st.integers(-(2**62), 2**62)),
    name=st.text(st.characters(exclude_categories=["Cs"])),
)
def test_a_cursor_decodes_to_what_was_encoded(keys: list[Any], names: list[Any], name: str) -> None:
    cursor = Cursor("mark", name, 10, 10, True, tuple(keys), tuple(names))
    text = write_cursor(cursor)
    assert read_cursor(text, "mark") == cursor
    assert text.isascii()
    assert not set(text) & set("=+/ &?#%")


# Narrowing by arguments

LABELLED: dict[str, dict[str, Any]] = {
    "a": {"source": "wire", "url": "https://www.one.example/1", "published": "2021"},
    "b": {"source": "news/wire", "url": "https://sub.one.example/2", "language": "de-AT"},
    "c": {"source": "blog", "url": "https://two.example/", "published": "2022-01-01"},
    "d": {"language": "de"},
}


@pytest.fixture
def sorted_out(tmp_path: Path) -> Iterator[Index]:
    """Articles of several sources, sites, languages."""
    base = Article(id="x", title="crane tide", paragraphs=["crane"])
    with open_index(tmp_path / "index") as opened:
        opened.put(
            Article(id=name, title=base.title, paragraphs=base.paragraphs, **more)
            for name, more in LABELLED.items()
        )
        yield opened


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"source": "wire"}, "a"),
        ({"source": "news/wire"}, "b"),
        ({"source": ["wire", "blog"]}, "ac"),
        ({"site": "one.example"}, "ab"),
        ({"site": "sub.one.example"}, "b"),
        ({"site": "www.one.example"}, "ab"),
        ({"site": "example"}, "abc"),
        ({"site": "ne.example"}, ""),
        ({"site": "one.example", "source": "wire"}, "a"),
        ({"site": ""}, "abcd"),
        ({"language": "de"}, "bd"),
        ({"language": "DE_at"}, "b"),
        ({"language": ["en", "de-AT"]}, "abc"),
        ({"undated": True}, "bd"),
        ({"undated": True, "language": "de-AT"}, "b"),
        ({"undated": True, "since": "2021"}, ""),
        ({"source": "nowhere"}, ""),
    ],
)
@pytest.mark.parametrize("query", ["crane", "crane tide", "crane OR tide", "-nothing", ""])
def test_filters_restrict_a_search(
    sorted_out: Index, query: str, options: dict[str, Any], expected: str
) -> None:
    if not query and options == {"site": ""}:
        expected = ""  # nothing is asked for at all
    page = sorted_out.search(query, **options)
    assert sorted(hit.article.id for hit in page.hits) == sorted(expected)


def test_filters_restrict_partial_matches(sorted_out: Index) -> None:
    page = sorted_out.search("crane nowhere", source="wire")
    assert [(hit.article.id, hit.missing) for hit in page.hits] == [("a", ("nowhere",))]


# Half-life


def test_a_half_life_halves_scores_with_age(tmp_path: Path) -> None:
    with open_index(tmp_path / "index") as index:
        dates = {"new": "2021-01-31", "week": "2021-01-24", "old": "2021-01-17", "none": None}
        index.put(Article(id=name, title="crane", published=day) for name, day in dates.items())
        plain = {hit.article.id: hit.score for hit in index.search("crane").hits}
        page = index.search("crane", half_life=7)
        assert [hit.article.id for hit in page.hits] == ["new", "week", "none", "old"]
        share = {hit.article.id: hit.score / plain[hit.article.id] for hit in page.hits}
        assert share == pytest.approx({"new": 1, "week": 0.5, "old": 0.25, "none": 0.5})
        # However old, and however short the half-life, there is an order.
        for extreme in (5e-324, 1e-300, 1e300, sys.float_info.max, int(sys.float_info.max)):
            hits = index.search("crane", half_life=extreme, explain=True).hits
            recency = {hit.explanation.recency for hit in hits if hit.explanation}
            assert recency == ({1.0, 0.0} if extreme < 1 else {1.0})
        assert [h.article.id for h in index.search("crane", half_life=1e-6).hits] == [
            "new",
            "week",
            "old",
            "none",
        ]


def test_without_any_date_a_half_life_changes_nothing(tmp_path: Path) -> None:
    with open_index(tmp_path / "index") as index:
        index.put([Article(id="a", title="crane")])
        plain, halved = index.search("crane"), index.search("crane", half_life=1)
        assert replace_time(plain) == replace_time(halved)


def replace_time(page: Page) -> Page:
    return changed(page, took_ms=0.0)

"""Paging to any depth, cursors that were altered, and scores that decay with age."""

from __future__ import annotations

import json
import os
import sys
from base64 import urlsafe_b64decode, urlsafe_b64encode
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
from tests.contract.answers import walk

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
def test_a_cursor_that_was_altered_is_refused(examples: Index, spoil: Any) -> None:
    cursor = examples.search("wheel", limit=2).cursor
    with pytest.raises(InvalidRequest, match=r"cursor: must be (the cursor of a page|text)"):
        examples.search("wheel", cursor=spoil(cursor))


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
def test_a_forged_cursor_is_refused_or_answered(examples: Index, changes: dict[str, Any]) -> None:
    page = examples.search("wheel", sort="newest", limit=2)
    assert page.cursor
    given = Cursor(*(read_mark(page.cursor), "gone", 2, 2, False, keys_of(page.cursor), ("gone",)))
    if changes.get("keys", ()) is None:
        changes = {**changes, "keys": given.keys}
    try:
        examples.search("wheel", sort="newest", cursor=write_cursor(changed(given, **changes)))
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

"""A date typed as text: it is searched for, and offered as a filter or applied as one."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from indexer import Article, Config, Index, open_index
from indexer.results import Page, SuggestedFilter


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    with Index(Config(index=tmp_path_factory.mktemp("dated") / "index")) as made:
        made.put(
            [
                Article("a", "Cocoa prices rise", ["A good harvest."], "1987-03-02", source="wire"),
                Article("b", "Cocoa prices fall", ["A bad harvest."], "1987-11-05", source="paper"),
                Article("c", "Looking back", ["In 1987 cocoa prices rose."], "2008-11-05", source="paper"),
                Article("d", "Harbour closed", ["No ship came."], "2008-11-05", source="wire"),
                Article("e", "Harbour open", ["A ship came."], "2008-07", source="wire"),
            ]
        )
        yield made


def found(page: Page) -> list[str]:
    return sorted(hit.article.id for hit in page.hits)


def codes(page: Page) -> list[str]:
    return [note.code for note in page.notes]


def test_a_year_that_the_text_has_is_searched_for_and_offered_as_a_filter(index: Index) -> None:
    page = index.search("cocoa prices 1987")
    assert page.total == 1
    assert page.hits[0].article.id == "c"
    assert page.suggested_filters == (SuggestedFilter("1987", "cocoa prices", "1987", "1987", 2),)
    assert "date_applied" not in codes(page)
    (suggested,) = page.suggested_filters
    filtered = index.search(suggested.query, since=suggested.since, until=suggested.until)
    assert (filtered.total, found(filtered)) == (suggested.count, ["a", "b"])


@pytest.mark.parametrize(
    ("query", "ids", "dates"),
    [
        ("2008-11-05", ["c", "d"], "on 5 November 2008"),
        ("November 5, 2008", ["c", "d"], "on 5 November 2008"),
        ("July 2008", ["e"], "in July 2008"),
        ("harbour 5 November 2008", ["d"], "on 5 November 2008"),
        ("Harbour Juli 2008", ["e"], "in July 2008"),
    ],
)
def test_a_date_that_no_text_has_is_applied_and_said(
    index: Index, query: str, ids: list[str], dates: str
) -> None:
    page = index.search(query)
    assert (page.query, page.total, found(page)) == (query, len(ids), ids)
    assert page.suggested_filters[0].count == len(ids)
    (note,) = [note for note in page.notes if note.code == "date_applied"]
    assert dates in note.message
    assert page.no_results is None


def test_counts_respect_the_filters_that_are_on(index: Index) -> None:
    assert index.search("cocoa prices 1987", source="paper").suggested_filters[0].count == 1
    assert index.search("cocoa prices 1987", source=[]).suggested_filters == ()
    assert index.search("cocoa prices 1987", since="1987", until="2008").suggested_filters[0].count == 2
    assert index.search("cocoa prices 1987", since="2008").suggested_filters == ()


@pytest.mark.parametrize("query", ["cocoa", "date:1987", '"1987"', "harbour 1931", "cocoa OR 1987"])
def test_nothing_is_offered_without_a_date_or_articles_of_that_time(index: Index, query: str) -> None:
    page = index.search(query)
    assert page.suggested_filters == ()
    assert "date_applied" not in codes(page)


def test_a_cursor_goes_on_where_a_date_was_applied(index: Index) -> None:
    first = index.search("2008-11-05", limit=1)
    assert first.cursor is not None
    second = index.search("2008-11-05", limit=1, cursor=first.cursor)
    assert sorted(found(first) + found(second)) == ["c", "d"]
    assert second.cursor is None


@pytest.mark.parametrize("query", ["Prices to rise this year", "prices rise this year?", "this year prices"])
def test_a_time_in_plain_words_is_text_where_nothing_was_published_then(tmp_path: Path, query: str) -> None:
    with open_index(tmp_path / "index") as index:
        index.put([Article("a", "Prices to rise this year", ["More."], published="1987-03-01")])
        page = index.search(query)
        assert [hit.article.id for hit in page.hits] == ["a"]
        assert [note.code for note in page.notes if "date" in note.code] == ["not_read_as_date"]
        index.put([Article("b", "Prices rise", ["More."], published=date.today().isoformat())])
        page = index.search(query)
        assert [hit.article.id for hit in page.hits] == ["b"]
        assert [note.code for note in page.notes if "date" in note.code] == ["read_as_date"]


def test_a_time_in_a_field_is_no_text(tmp_path: Path) -> None:
    with open_index(tmp_path / "index") as index:
        index.put([Article("a", "Prices this year", ["More."], published="1987-03-01")])
        assert index.search('prices date:"this year"').total == 0
        assert index.search("prices date:today").total == 0

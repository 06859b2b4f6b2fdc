from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.article import Published
from indexer.results import ArticleInfo, Hit, MarkedArticle, Page, Passage
from webui.presenters import article_text, date_text, hit_texts, language_tag, pieces
from webui.urls import Search


def test_a_date_tells_where_it_was_found_and_what_disagreed() -> None:
    found = Published("2021-11-05", "day", "dateline", (("2021-11-04", "url"),), "day before month assumed")
    date = date_text(found)
    assert (date.value, date.machine) == ("2021-11-05", "2021-11-05")
    assert date.place == "found in the dateline"
    assert date.others == (("2021-11-04", "found in the address"),)
    assert date.note == "day before month assumed"
    assert date_text(Published("2021", "year", "a stone")).place == "a stone"
    assert date_text(Published("2021", "year")).place == ""


def test_a_date_that_is_none_is_shown_as_it_stands() -> None:
    date = date_text(Published("soon", "day"))
    assert (date.value, date.machine) == ("soon", "")


@pytest.mark.parametrize(
    ("spans", "expected"),
    [
        ([], [("one two three", False)]),
        ([(0, 3)], [("one", True), (" two three", False)]),
        ([(4, 7), (0, 3)], [("one", True), (" ", False), ("two", True), (" three", False)]),
        ([(8, 13)], [("one two ", False), ("three", True)]),
        ([(0, 5), (2, 7)], [("one t", True), ("wo", True), (" three", False)]),
        ([(8, 99), (40, 50), (3, 3)], [("one two ", False), ("three", True)]),
    ],
)
def test_a_text_is_cut_at_its_spans(spans: list[tuple[int, int]], expected: list[tuple[str, bool]]) -> None:
    assert list(pieces("one two three", spans)) == expected


@given(st.text(), st.lists(st.tuples(st.integers(-5, 40), st.integers(-5, 40))))
def test_the_pieces_of_a_text_are_the_text(text: str, spans: list[tuple[int, int]]) -> None:
    assert "".join(piece for piece, _ in pieces(text, spans)) == text


@pytest.mark.parametrize(
    ("language", "tag"),
    [("en", "en"), ("zh_Hant", "zh-Hant"), (None, None), ("", None), ('"><b>', None), ("english (UK)", None)],
)
def test_a_language_is_an_attribute_only_where_it_is_a_tag(language: str | None, tag: str | None) -> None:
    assert language_tag(language) == tag


def test_hits_keep_the_search_in_their_addresses_and_partial_ones_stand_apart() -> None:
    whole = Hit(ArticleInfo("a", "Silk"), 2.0, ((0, 4),), (Passage(3, "p-1", "old silk", ((4, 8),)),))
    lacking = Hit(ArticleInfo("b", "", url="https://www.example.org/b"), 1.0, missing=("road",))
    page = Page("silk road", 11, 1, offset=10, hits=(whole, lacking))
    full, partial = hit_texts(page, "/s/", Search("silk road", sort="newest", page=2))
    assert [(hit.number, hit.url) for hit in full] == [(11, "/s/a/a?q=silk+road&sort=newest&page=2")]
    assert full[0].passages[0].url == "/s/a/a?q=silk+road&sort=newest&page=2&p=p-1&n=3#p-1"
    assert full[0].passages[0].pieces == (("old ", False), ("silk", True))
    assert [(hit.number, hit.missing, hit.host) for hit in partial] == [(12, ("road",), "example.org")]
    assert partial[0].title == ()


def test_an_article_links_only_to_the_web() -> None:
    article = ArticleInfo("a", url="javascript:alert(1)")
    assert article_text(MarkedArticle(article, (), ()), "/", Search()).link is None

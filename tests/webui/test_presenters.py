from __future__ import annotations

from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from hypothesis import given
from hypothesis import strategies as st

from indexer import Article, open_index
from indexer.article import Published
from indexer.results import ArticleInfo, Hit, MarkedArticle, Page, Passage
from tests.fixtures.archives import archive, client
from webui.presenters import Examples, article_text, date_text, hit_texts, language_tag, pieces
from webui.urls import Search

HARBOUR = tuple(
    Article(
        id=f"harbour/{n}",
        title=f"News: harbour crane {word}",
        paragraphs=(f"The harbour crane {word} again.", "Gulls."),
        published=f"20{n + 10}-05-05",
        url=f"https://{('city', 'port')[n % 2]}.example/{n}",
        source=("wire.jsonl", "desk notes.jsonl")[n % 2],
        language="en",
    )
    for n, word in enumerate(("moves", "stands", "falls", "rises"))
)
MORE = (
    Article(id="crane", title="Cranes", paragraphs=("A crane flew south.",), language="en"),
    Article(id="kran", title="Der Kran", paragraphs=("Der Kran steht still.",), language="de"),
)


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


def of(*articles: Article) -> dict[str, str]:
    return dict(Examples(archive(*articles)).now())


def test_there_is_one_for_each_way_to_ask() -> None:
    found = of(*HARBOUR, *MORE)
    assert list(found) == [
        "harbour crane", '"harbour crane"', "harbour OR crane", "crane -harbour", "title:crane", "harb*",
        "date:2010", 'source:"desk notes.jsonl"', "site:city.example", "lang:en",
    ]  # fmt: skip
    assert found['"harbour crane"'] == "the phrase as it stands"


def test_each_finds_something() -> None:
    index = archive(*HARBOUR, *MORE)
    assert [query for query in of(*HARBOUR, *MORE) if not index.search(query).total] == []


def test_what_would_find_nothing_and_what_divides_nothing_is_left_out() -> None:
    assert list(of(HARBOUR[0])) == [
        "harbour crane", '"harbour crane"', "harbour OR crane", "title:crane", "harb*",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "titles", [("Cranes",), ("The of and",), ("東京の港を広げる",), ("",), ("A 1 b 2",), ("OR- AND* (x:y)",)]
)
def test_there_are_none_where_no_title_has_two_words(titles: tuple[str, ...]) -> None:
    assert of(*(Article(id=f"{n}", title=title) for n, title in enumerate(titles))) == {}


def test_words_that_paragraphs_have_together_come_before_those_of_titles_alone() -> None:
    article = Article(
        id="1", title="Minister visits night trams", language="en",
        paragraphs=("The minister went.", "New night trams were shown."),
    )  # fmt: skip
    assert "night trams" in of(article)


def test_they_are_looked_for_anew_when_the_archive_has_changed(tmp_path: Path) -> None:
    with open_index(tmp_path / "index") as index:
        index.put(HARBOUR[:1])
        examples = Examples(index)
        first = examples.now()
        assert examples.now() is first
        index.remove([HARBOUR[0].id])
        index.put([Article(id="tide", title="The high tide", language="en", paragraphs=("High tide.",))])
        assert "high tide" in dict(examples.now())


def test_the_start_page_has_them_as_links() -> None:
    soup = BeautifulSoup(client(*HARBOUR, *MORE).get("/?lang=de").text, "html.parser")
    links = {link.text: str(link["href"]) for link in soup.select(".ways a")}
    assert links["crane -harbour"] == "/?q=crane+-harbour&lang=de"
    assert not BeautifulSoup(client(MORE[0]).get("/").text, "html.parser").select(".guide")

"""Quotations: exact, near with the differences, or absent; and the spans of their words."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from indexer import Article, ArticleMissing, Index, InvalidRequest, open_index
from indexer.article import make_anchors

ROUTES = (
    "The ferries stopped at noon. “We don’t close the harbour for wind,” the pilot said – not for 5% of it.",
    "In 1998 the old crane fell into the harbour, and nobody was hurt.",
)
ARTICLES = (
    Article(id="ferry", title="Ferries", paragraphs=ROUTES, published="2021-03-04"),
    Article(id="older", title="Wind", paragraphs=("Quiet.", f"Again: {ROUTES[1]}"), published="2001"),
    Article(id="undated", title="Crane", paragraphs=("The old crane fell into the harbour.",)),
    Article(id="tokyo", title="東京", paragraphs=("東京の港で古いクレーンが倒れた。",), language="ja"),
    Article(
        id="zürich", title="Zürich", paragraphs=("Die Straße zum Zürichsee blieb offen.",), language="de"
    ),
    Article(id="untold", title="The crane of the title alone"),
)


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    with open_index(tmp_path_factory.mktemp("quotes") / "index") as opened:
        opened.put(ARTICLES)
        yield opened


@pytest.mark.parametrize(
    ("quote", "article", "number", "quoted"),
    [
        ("The ferries stopped at noon.", "ferry", 1, "The ferries stopped at noon"),
        ("the FERRIES\n  stopped\u00a0at noon", "ferry", 1, "The ferries stopped at noon"),
        ('"We don\'t close the harbour for wind"', "ferry", 1, "We don’t close the harbour for wind"),
        ("«we don‘t close the har\u00adbour for wind!»", "ferry", 1, "We don’t close the harbour for wind"),
        ("the pilot said - not for 5% of it", "ferry", 1, "the pilot said – not for 5% of it"),
        ("old crane fell into", "older", 2, "old crane fell into"),
        ("クレーンが倒れた", "tokyo", 1, "クレーンが倒れた"),
        ("die strasse zum Zu\u0308richsee", "zürich", 1, "Die Straße zum Zürichsee"),
        ("harbour", "older", 2, "harbour"),
    ],
)
def test_a_quotation_is_exact_whatever_its_marks_case_and_spaces(
    index: Index, quote: str, article: str, number: int, quoted: str
) -> None:
    found = index.verify_quote(quote)
    assert (found.verdict, found.similarity, found.diff) == ("exact", 1.0, ())
    assert found.article is not None
    assert (found.article.id, found.number) == (article, number)
    whole = index.get_article(article).paragraphs
    assert (found.text, found.anchor) == (whole[number - 1], make_anchors(whole)[number - 1])
    assert [found.text[start:end] for start, end in found.spans] == [quoted]


SAME, CHANGED, ADDED, OMITTED = "same", "changed", "added", "omitted"


@pytest.mark.parametrize(
    ("quote", "diff"),
    [
        (
            "the ferries stopped at midnight",
            [(SAME, "the ferries stopped at", "The ferries stopped at"), (CHANGED, "midnight", "noon")],
        ),
        (
            "We close the harbour for wind",
            [(SAME, "We", "We"), (OMITTED, "", "don’t"), (SAME,) + ("close the harbour for wind",) * 2],
        ),
        (
            "all the ferries have stopped at noon",
            [
                (ADDED, "all", ""),
                (SAME, "the ferries", "The ferries"),
                (ADDED, "have", ""),
                (SAME, "stopped at noon", "stopped at noon"),
            ],
        ),
        (
            "the pilot said not for 5 of it",
            [
                (SAME, "the pilot said not for", "the pilot said – not for"),
                (CHANGED, "5", "5%"),
                (SAME, "of it", "of it"),
            ],
        ),
        (
            "東京の駅で古いクレーンが",
            [(SAME, "東京の", "東京の"), (CHANGED, "駅", "港"), (SAME,) + ("で古いクレーンが",) * 2],
        ),
    ],
)
def test_a_near_quotation_lists_its_differences_word_by_word(
    index: Index, quote: str, diff: list[tuple[str, str, str]]
) -> None:
    found = index.verify_quote(quote)
    assert found.verdict == "near"
    assert 0.6 <= found.similarity < 1
    assert [(edit.kind, edit.quoted, edit.source) for edit in found.diff] == diff
    assert len(found.spans) == 1
    start, end = found.spans[0]
    assert found.text[start:end].startswith(diff[0][2])
    assert found.text[start:end].endswith(diff[-1][2])


@pytest.mark.parametrize(
    ("quote", "article"),
    [
        ("the harbour was sold to a circus for a song", "ferry"),
        ("a song and a dance of hippopotamuses, crane", "older"),
    ],
)
def test_an_absent_quotation_leads_to_the_nearest_paragraph(index: Index, quote: str, article: str) -> None:
    found = index.verify_quote(quote)
    assert (found.verdict, found.spans, found.diff, found.also) == ("absent", (), (), ())
    assert 0 < found.similarity < 0.6
    assert found.article is not None
    assert found.text in index.get_article(found.article.id).paragraphs


def test_a_quotation_without_known_words_has_no_near_paragraph(index: Index) -> None:
    found = index.verify_quote("hippopotamuses!")
    assert (found.verdict, found.similarity, found.article, found.text) == ("absent", 0.0, None, "")


def test_a_word_that_is_part_of_another_is_no_quotation(index: Index) -> None:
    assert index.verify_quote("arbour").verdict == "absent"
    assert index.verify_quote("ferries stopped at noo").verdict == "near"


def test_the_oldest_article_is_given_first_and_the_others_are_named(index: Index) -> None:
    found = index.verify_quote("the old crane fell into the harbour")
    assert found.article is not None
    assert [found.article.id, *(other.id for other in found.also)] == ["older", "ferry", "undated"]


def test_one_article_can_be_searched_for_a_quotation(index: Index) -> None:
    quote = "the old crane fell into the harbour, and nobody was hurt"
    assert index.verify_quote(quote, "ferry").number == 2
    near = index.verify_quote(quote, "undated")
    assert (near.verdict, near.number) == ("near", 1)
    assert index.verify_quote(quote, "zürich").verdict == "absent"
    untold = index.verify_quote("the crane of the title alone", "untold")
    assert (untold.verdict, untold.article) == ("absent", None)
    with pytest.raises(ArticleMissing):
        index.verify_quote(quote, "nowhere")


@pytest.mark.parametrize("quote", ["", "  ", "“…”", "\u200b", "x " * 2001])
def test_an_invalid_quotation_is_refused(index: Index, quote: str) -> None:
    with pytest.raises(InvalidRequest, match="quotation"):
        index.verify_quote(quote)


def test_any_paragraph_of_the_sample_articles_is_found_in_itself(tmp_path: Path) -> None:
    with open_index(tmp_path / "index") as index:
        index.sync(Path(__file__).parents[2] / "seeds")
        seen = 0
        for hit in index.search("*", limit=100).hits or index.search("", undated=True, limit=100).hits:
            for number, paragraph in enumerate(index.get_article(hit.article.id).paragraphs, 1):
                if any(char.isalnum() for char in paragraph):
                    found = index.verify_quote(paragraph, hit.article.id)
                    assert (found.verdict, found.text) == ("exact", paragraph), number
                    assert index.verify_quote(paragraph).verdict == "exact"
                    seen += 1
        assert seen > 20


def test_the_finding_as_json_has_everything(index: Index) -> None:
    found = index.verify_quote("the ferries stopped at midnight").as_json()
    assert found["article"]["id"] == "ferry"
    assert found["diff"][1] == {"kind": "changed", "quoted": "midnight", "source": "noon"}
    assert found["spans"] == ((0, 27),)

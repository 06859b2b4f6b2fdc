"""Verifying quotations: an article has them exactly, nearly, or not at all."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from indexer import Article, ArticleMissing, Index, InvalidRequest, QuoteCheck
from tests.contract.answers import text_at, timed_out
from tests.contract.archive import ARTICLES

Made = Callable[..., Index]


def quoted(check: QuoteCheck) -> str:
    """The words of the paragraph in place of those of the quotation."""
    return " … ".join(text_at(check.text, check.spans))


@pytest.mark.parametrize(
    ("text", "name", "number", "words"),
    [
        ("forty passengers and a brass band", "ferry", 1, "forty passengers and a brass band"),
        ("FORTY  passengers\nand a “brass band”!", "ferry", 1, "forty passengers and a brass band"),
        ('"The honey tastes of bronze"', "hive", 2, "The honey tastes of bronze"),
        ("the toll was 1,250 crowns a year", "bridge", 1, "The toll was 1,250 crowns a year"),
        ("from Lower Mill don’t agree", "bridge", 2, "from Lower Mill don't agree"),
        ("bread on weekdays", "bakery", 1, "bread on weekdays"),
        ("die straße zum hafen bleibt", "hafen", 2, "Die Straße zum Hafen bleibt"),
        ("渡轮每天晚上", "gangkou", 1, "渡轮每天晚上"),
        ("وصلت سفينة من القاهرة", "mina", 2, "وصلت سفينة من القاهرة"),
        ("«she paid\u00a0with old co\u00adins!»", "inn", 2, "She paid with old coins"),
        ("half–moon bread on weekdays", "bakery", 1, "half-moon bread on weekdays"),
        ("shepherds learn C++ in the barn", "school", 1, "Shepherds learn C++ in the barn"),
        ("Die Fa\u0308hren fahren wieder", "hafen", 1, "Die Fähren fahren wieder"),
        ("marmalade", "chronicle", 1, "marmalade"),
    ],
)
def test_a_quotation_is_exact_whatever_its_case_marks_and_spaces(
    archive: Index, text: str, name: str, number: int, words: str
) -> None:
    check = archive.verify_quote(text)
    assert (check.verdict, check.similarity, check.diff) == ("exact", 1.0, ())
    assert check.article is not None
    assert (check.article.id, check.number) == (name, number)
    paragraph = archive.mark_article(name).paragraphs[number - 1]
    assert (check.text, check.anchor) == (paragraph.text, paragraph.anchor)
    assert quoted(check) == words
    assert not timed_out(check)


@pytest.mark.parametrize(
    ("text", "name", "edits"),
    [
        ("she paid with new coins and a barrel of herring", "inn", [("changed", "new", "old")]),
        ("its maker that the striking was intended", "clock", [("omitted", "", "says")]),
        ("the honey really tastes of bronze", "hive", [("added", "really", "")]),
        ("the toll was 1,350 crowns a year", "bridge", [("changed", "1,350", "1,250")]),
        ("forty passengers and a brass ban", "ferry", [("changed", "ban", "band")]),  # a part of a word
        ("shepherds learn C in the barn", "school", [("changed", "C", "C++")]),
        ("渡轮每天早上从旧港口出发", "gangkou", [("changed", "早", "晚")]),
        (
            "all the night ferry had left Osterby harbour",
            "ferry",
            [("added", "all", ""), ("added", "had", "")],
        ),
    ],
)
def test_a_near_quotation_lists_its_differences_word_by_word(
    archive: Index, text: str, name: str, edits: list[tuple[str, str, str]]
) -> None:
    check = archive.verify_quote(text)
    assert check.verdict == "near"
    assert 0.6 <= check.similarity < 1
    assert check.article is not None
    assert check.article.id == name
    assert [(edit.kind, edit.quoted, edit.source) for edit in check.diff if edit.kind != "same"] == edits
    same = [edit for edit in check.diff if edit.kind == "same"]
    assert all(edit.quoted.lower() == edit.source.lower() for edit in same)
    assert all(edit.source in quoted(check) for edit in check.diff)


@pytest.mark.parametrize(
    "text",
    [
        "arbour",  # a part of a word
        "the ferry was sold to a circus for a song and a goose",
        "forty brass passengers band a and",  # the words in another order
        "brass band tide tables lantern",  # in three paragraphs
    ],
)
def test_a_quotation_that_no_paragraph_contains_is_absent(archive: Index, text: str) -> None:
    check = archive.verify_quote(text)
    assert check.verdict == "absent"
    assert check.similarity < 0.6
    assert (check.spans, check.diff, check.also) == ((), (), ())
    assert (check.article is None) == (check.similarity == 0)


def test_an_absent_quotation_leads_to_the_nearest_paragraph_if_one_has_a_word_of_it(archive: Index) -> None:
    check = archive.verify_quote("a brass song for the ferry and a band of geese")
    assert check.article is not None
    assert check.verdict == "absent"
    assert 0 < check.similarity < 0.6
    assert check.text in archive.get_article(check.article.id).paragraphs
    check = archive.verify_quote("zeppelin!")
    assert (check.verdict, check.similarity, check.article, check.text) == ("absent", 0.0, None, "")
    check = archive.verify_quote("lighthouse for sale", "lighthouse")  # only its title says so
    assert (check.verdict, check.article) == ("absent", None)


def test_every_paragraph_is_an_exact_quotation_of_itself(archive: Index) -> None:
    for article in ARTICLES:
        for number, paragraph in enumerate(article.paragraphs, 1):
            check = archive.verify_quote(paragraph, article.id)
            assert (check.verdict, check.text, check.number) == ("exact", paragraph, number)
            assert archive.verify_quote(paragraph).verdict == "exact"


SERIAL = Article(
    "serial",
    "Serial",
    ["The keeper lit", "the lamp and", "waited for the herring fleet.", "Nobody came. Nobody came", "Home."],
    published="2001-02-03",
    language="en",
)
RIVER = Article("he", "河", ["渡轮每天晚上从旧港口出发。", "明天早上回来。"], language="zh")


@pytest.mark.parametrize(
    ("text", "name", "numbers", "words"),
    [
        ("waited for the herring fleet. Nobody came", "serial", (3, 4), "fleet.\n\nNobody"),
        ("herring fleet nobody came", "serial", (3, 4), "herring fleet.\n\nNobody came"),
        ("came, home", "serial", (4, 5), "came\n\nHome"),
        ("keeper lit the lamp and waited", "serial", (1, 3), "keeper lit\n\nthe lamp and\n\nwaited"),
        (" ".join(SERIAL.paragraphs), "serial", (1, 5), "\n\n".join(SERIAL.paragraphs).rstrip(".")),
        ("nobody came", "serial", (4, 4), "Nobody came"),
        ("从旧港口出发。明天早上", "he", (1, 2), "从旧港口出发。\n\n明天早上"),
    ],
)
def test_a_quotation_across_paragraph_breaks_is_exact_and_names_the_first_and_the_last_paragraph(
    make: Made, text: str, name: str, numbers: tuple[int, int], words: str
) -> None:
    index = make(SERIAL, RIVER)
    for check in (index.verify_quote(text), index.verify_quote(text, name)):
        assert (check.verdict, check.similarity, check.diff) == ("exact", 1.0, ())
        assert check.article is not None
        assert (check.article.id, (check.number, check.last_number)) == (name, numbers)
        paragraphs = index.mark_article(name).paragraphs[numbers[0] - 1 : numbers[1]]
        assert check.text == "\n\n".join(paragraph.text for paragraph in paragraphs)
        assert check.anchor == paragraphs[0].anchor
        assert words in quoted(check)


def test_a_quotation_within_a_paragraph_comes_before_one_across_a_break(make: Made) -> None:
    index = make(SERIAL, Article("late", "Late", ["The herring fleet nobody came for."], language="en"))
    check = index.verify_quote("herring fleet nobody came")
    assert check.article is not None
    assert (check.article.id, check.number, check.last_number) == ("late", 1, 1)


def test_words_of_two_articles_or_of_paragraphs_that_are_not_neighbours_are_no_quotation(make: Made) -> None:
    index = make(SERIAL, Article("next", "Next", ["Ships were late."], language="en"))
    for text in ("came home ships were late", "the keeper lit waited for", "home nobody came"):
        assert index.verify_quote(text).verdict != "exact"


def test_the_oldest_article_with_a_quotation_across_a_break_is_named_first(make: Made) -> None:
    later = Article("reprint", "Reprint", SERIAL.paragraphs, published="2005-01-01", language="en")
    check = make(later, SERIAL).verify_quote("the herring fleet. Nobody came")
    assert check.article is not None
    assert (check.article.id, [article.id for article in check.also]) == ("serial", ["reprint"])


def test_a_quotation_can_be_verified_in_one_article(archive: Index) -> None:
    text = "took nine roofs, two boats and the weathercock"
    assert archive.verify_quote(text, "storm-copy").verdict == "exact"
    assert archive.verify_quote(text, "storm-edit").verdict == "near"
    assert archive.verify_quote(text, "ferry").verdict == "absent"
    with pytest.raises(ArticleMissing):
        archive.verify_quote(text, "nobody")


def test_the_oldest_article_is_named_first_and_the_others_with_it(archive: Index) -> None:
    check = archive.verify_quote("as smooth as slate")
    assert check.article is not None
    assert check.article.id == "storm"
    assert [article.id for article in check.also] == ["storm-copy", "storm-edit"]


@pytest.mark.parametrize("text", ["", "  ", "“…!”", "\u200b", "a" * 5000, "x " * 2001])
def test_a_quotation_without_words_or_that_is_too_long_is_refused(archive: Index, text: str) -> None:
    with pytest.raises(InvalidRequest, match="quotation"):
        archive.verify_quote(text)


def test_quotations_follow_changes_and_removals(make: Made) -> None:
    index = make(Article("a", "Note", ["A kettle stood on the quay."], language="en"))
    assert index.verify_quote("kettle stood on the quay").verdict == "exact"
    index.put([Article("a", "Note", ["A kettle stood on the pier."], language="en")])
    assert index.verify_quote("kettle stood on the quay").verdict == "near"
    index.remove(["a"])
    assert index.verify_quote("kettle stood on the quay").verdict == "absent"

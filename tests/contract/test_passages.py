"""The passages of a hit and what is highlighted in them, and whole articles with their matches."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings

from indexer import Article, ArticleMissing, Hit, Index
from tests.contract.answers import highlights, search, text_at
from tests.contract.archive import ARTICLES
from tests.contract.strategies import EXAMPLES, QUERIES

Made = Callable[..., Index]


def hit_of(index: Index, query: str, name: str) -> Hit:
    """The hit that is an article."""
    (hit,) = [hit for hit in search(index, query, collapse=False).hits if hit.article.id == name]
    return hit


@pytest.mark.parametrize(
    ("query", "name", "numbers", "words"),
    [
        ("harbour", "ferry", [1], ["harbour"]),
        ("tide lantern", "ferry", [2, 3], ["tide", "lantern"]),
        ("osterby", "ferry", [1], ["osterby", "osterby"]),  # in the title, too
        ("painting", "crane", [1], ["paint", "painted"]),  # any form
        ("=painted", "crane", [1], ["painted"]),
        ('"rope and anchor"', "inn", [1], ["rope and anchor"] * 2),
        ("anchor NEAR/6 rope", "divers", [1], ["anchor", "rope"]),  # not the anchor of the title
        ("lant*", "lantern", [1, 2], ["lantern", "lantern", "lantern", "lanterns"]),
        ("harbor~", "pier", [1], ["harbour"]),
        ("title:harbour", "crane", [1], ["harbour"]),  # only in the title
        ("text:harbour", "crane", [1], ["harbour"]),  # only in the text
        ("kelp-9", "bakery", [2], ["kelp-9"]),
        ("ohalloran", "bakery", [2], ["o’halloran"]),
        ("C++", "school", [1], ["c++"]),
        ("hafen", "hafen", [2], ["hafen", "hafen", "häfen"]),
        ("strasse", "hafen", [2], ["straße"]),
        ("ecole", "phare", [1], ["l’école"]),
        ("القاهره", "mina", [2], ["القاهرة"]),
        ("旧港口", "gangkou", [1], ["旧港口", "旧港口"]),
        ("東京", "minato", [2], ["東京"]),
        ("ladder -harbour", "hive", [1], ["ladder"]),
        ("bees OR bronze", "hive", [1, 2], ["bees", "bees", "bronze"]),
        ("ladder goose", "hive", [1], ["ladder"]),  # a partial match
        ("stairs sale", "lighthouse", [], ["sale", "stairs"]),  # it has only a title
    ],
)
def test_passages_are_the_paragraphs_that_match_with_the_words_that_match(
    archive: Index, query: str, name: str, numbers: list[int], words: list[str]
) -> None:
    hit = hit_of(archive, query, name)
    assert [passage.number for passage in hit.passages] == numbers
    assert highlights(hit) == words


def numbers_of(hit: Hit) -> list[int]:
    """The numbers of the paragraphs of a hit that are shown."""
    return [passage.number for passage in hit.passages if passage.number is not None]


@settings(max_examples=EXAMPLES)
@given(query=QUERIES)
def test_every_span_lies_in_its_text_and_every_passage_in_its_article(archive: Index, query: str) -> None:
    whole = {article.id: article for article in ARTICLES}
    for hit in search(archive, query, collapse=False).hits:
        article = whole[hit.article.id]
        assert numbers_of(hit) == sorted({*numbers_of(hit)})
        for text, spans in [(article.title, hit.title_spans), *((p.text, p.spans) for p in hit.passages)]:
            ends = [0, *(place for span in spans for place in span)]
            assert ends == sorted(ends)
            assert ends[-1] <= len(text)
            assert all(start < end for start, end in spans)
            assert all(word == word.strip() for word in text_at(text, spans))
        for passage, number in zip(hit.passages, numbers_of(hit), strict=True):
            assert passage.text.strip("…") in article.paragraphs[number - 1]


def test_each_highlight_is_a_term_of_the_query(archive: Index) -> None:
    for query in ("harbour", "storm roofs", "barrels rain", "night OR bell", "mill -flood"):
        for hit in search(archive, query, collapse=False).hits:
            terms = [term.rstrip("s") for term in query.split() if term != "OR" and term[0] != "-"]
            assert highlights(hit)
            assert all(any(word.startswith(term) for term in terms) for word in highlights(hit))


def test_at_most_the_configured_number_of_passages_is_shown_those_with_most_words(
    make: Made,
) -> None:
    text = [f"A kettle, number {number}." for number in range(6)]
    text[4] = "A kettle and a spoon."
    article = Article("a", "Note", text, language="en")
    assert [p.number for p in hit_of(make(article, passages=1), "kettle spoon", "a").passages] == [5]
    shown = numbers_of(hit_of(make(article, passages=3), "kettle spoon", "a"))
    assert shown == sorted(shown)
    assert len(shown) == 3
    assert 5 in shown
    assert hit_of(make(article, passages=0), "kettle", "a").passages == ()


def test_a_long_paragraph_is_shortened_around_the_matches_at_word_boundaries(archive: Index) -> None:
    whole = archive.get_article("chronicle").paragraphs[0]
    passage = hit_of(archive, "marmalade judge", "chronicle").passages[0]
    assert len(passage.text) < len(whole)
    assert passage.text.startswith("…")
    assert passage.text.endswith("…")
    assert passage.text.strip("…") in whole
    assert set(passage.text.strip("…").split()) <= set(whole.split())
    assert text_at(passage.text, passage.spans) == ["marmalade", "judge"]


def test_a_query_of_filters_shows_the_first_paragraph_without_highlights(archive: Index) -> None:
    hit = hit_of(archive, "id:ferry", "ferry")
    assert highlights(hit) == []
    assert hit.passages[0].number == 1


def test_a_hit_has_the_metadata_of_its_article(archive: Index) -> None:
    said = hit_of(archive, "brass", "ferry").article
    assert (said.id, said.title) == ("ferry", "Night ferry returns to Osterby")
    assert (str(said.published), said.published and said.published.precision) == (
        "2021-11-05T21:01",
        "minute",
    )
    assert (said.language, said.language_stated) == ("en", True)
    assert (said.url, said.source) == ("https://www.coast.example/ferry", "wire/coast")
    unstated = hit_of(archive, "horloge", "unstated").article
    assert (unstated.language, unstated.language_stated) == ("fr", False)
    assert (unstated.url, unstated.source) == (None, None)


@pytest.mark.parametrize("name", ["ferry", "charter", "lighthouse", "mina", "gangkou", "unstated"])
def test_a_stored_article_equals_the_added_one(archive: Index, name: str) -> None:
    (put,) = [article for article in ARTICLES if article.id == name]
    read = archive.get_article(name)
    assert (read.title, read.paragraphs, read.published) == (put.title, put.paragraphs, put.published)
    assert (read.url, read.source) == (put.url, put.source)
    assert put.language in (None, read.language)


def test_a_whole_article_is_shown_with_all_its_matches(archive: Index) -> None:
    shown = archive.mark_article("chronicle", "barrels rain")
    article = archive.get_article("chronicle")
    assert (shown.article.id, shown.article.title, shown.notes) == (article.id, article.title, article.notes)
    assert [paragraph.number for paragraph in shown.paragraphs] == [1, 2, 3, 4, 5, 6]
    assert tuple(paragraph.text for paragraph in shown.paragraphs) == article.paragraphs
    assert [text_at(paragraph.text, paragraph.spans) for paragraph in shown.paragraphs] == [
        [],
        ["barrels"],
        ["barrels", "rain"],
        ["rain"],
        ["barrels", "rain"],
        ["barrels"],
    ]
    assert text_at(shown.article.title, archive.mark_article("chronicle", "streets").title_spans) == [
        "street"
    ]
    assert not any(paragraph.spans for paragraph in archive.mark_article("chronicle").paragraphs)


def test_a_paragraph_keeps_its_anchor_when_others_change(make: Made) -> None:
    index = make(Article("a", "Note", ["A kettle.", "A spoon."], language="en"))
    (before,) = hit_of(index, "spoon", "a").passages
    index.put([Article("a", "Another", ["A kettle, at last.", "A cup.", "A spoon."], language="en")])
    (after,) = hit_of(index, "spoon", "a").passages
    assert (before.anchor, before.number) == (after.anchor, 2)
    assert after.number == 3
    anchors = [paragraph.anchor for paragraph in index.mark_article("a").paragraphs]
    assert anchors[2] == after.anchor
    assert len(set(anchors)) == 3


def test_an_unknown_article_raises_article_missing(archive: Index) -> None:
    for read in (archive.get_article, archive.mark_article, archive.find_similar, archive.find_duplicates):
        with pytest.raises(ArticleMissing):
            read("nobody")

"""The word that is being typed, and the plain words of a query."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.query import (
    extract_words,
    find_plain_words,
    find_typed_word,
    mark_unfinished,
    parse_query,
    serialize_query,
    split_last_word,
)


@pytest.mark.parametrize(
    ("text", "before", "word", "neighbours", "plain"),
    [
        ("harb", "", "harb", (), True),
        ("harbour cr", "harbour ", "cr", ("harbour",), True),
        ("old harbour cr", "old harbour ", "cr", ("old", "harbour"), True),
        ("the old harbour cr", "the old harbour ", "cr", ("old", "harbour"), True),
        ("harbour ", "harbour ", "", ("harbour",), True),
        ("harbour, cr", "harbour, ", "cr", (), True),
        ("title:harb", "title:", "harb", (), False),
        ("TITLE:harb", "TITLE:", "harb", (), False),
        ("+harb", "+", "harb", (), False),
        ("harbour -cr", "harbour -", "cr", ("harbour",), False),
        ("=harb", "=", "harb", (), False),
        ("tram OR bu", "tram OR ", "bu", (), False),
        ("(tram OR bu", "(tram OR ", "bu", (), False),
        ('"belt and road" cli', '"belt and road" ', "cli", ("and", "road"), False),
        ('"belt roa', '"belt ', "roa", ("belt",), False),
        ("«belt» roa", "«belt» ", "roa", ("belt",), False),
        ("harb* cr", "harb* ", "cr", (), False),
        ("date:2021 cr", "date:2021 ", "cr", (), False),
        ("東京、港", "東京、", "港", (), True),
        ('ארה"ב', "", 'ארה"ב', (), True),
        ("headline:harb", "headline:", "harb", (), False),
        ('"belt road"~2 cli', '"belt road"~2 ', "cli", ("belt", "road"), False),
    ],
)
def test_a_text_is_split_into_the_word_being_typed_and_the_text_before_it(
    text: str, before: str, word: str, neighbours: tuple[str, ...], plain: bool
) -> None:
    typed = find_typed_word(text)
    assert typed is not None
    assert (typed.before, typed.word, typed.neighbours, typed.plain) == (before, word, neighbours, plain)


@pytest.mark.parametrize(
    "text",
    [
        *("", "  ", '"belt road"', '"', "(", "harbour (", "tram OR", "tram OR ", "NOT ", "-", "harbour -"),
        *("harb*", "h?rb", "harb~", "harb^2", "date:2021", "after:20", "site:exa", "http://exa", "a/b"),
        *("x" * 2000, "x" * 300, "\ud800", "harb )"),
    ],
)
def test_there_is_no_word_to_complete_after_a_phrase_in_a_pattern_or_in_a_date(text: str) -> None:
    assert find_typed_word(text) is None


@given(
    st.text(st.characters(exclude_categories=[]), max_size=60)
    | st.text(" \"()+-*~:=abORNT'.,東", max_size=40)
)
def test_any_text_can_be_split(text: str) -> None:
    typed = find_typed_word(text)
    assert typed is None or typed.before + typed.word == text
    for word in find_plain_words(text):
        assert text[word.start : word.end] == word.text


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("harbour crane", ["harbour", "crane"]),
        ("Harbour, crane!", ["Harbour", "crane"]),
        ("+harbour crane", ["harbour", "crane"]),
        ('"harbour crane" tide', ["tide"]),
        ("harbour -crane NOT tide moon", ["harbour", "moon"]),
        ("title:harbour =crane tide~ vacc* date:2021 x^2", []),
        ("tram OR (bus AND night)", ["tram", "bus", "night"]),
        ("@roadlab #tides don't", ["don't"]),
    ],
)
def test_plain_words_have_no_marks_and_are_not_excluded(query: str, words: list[str]) -> None:
    assert [word.text for word in find_plain_words(query)] == words


@pytest.mark.parametrize(
    ("query", "rest", "field", "place"),
    [
        ("cr", None, "text", "required"),
        ("+cr", None, "text", "required"),
        ("title:cr", None, "title", "required"),
        ("harbour cr", "text:harbour", "text", "required"),
        ("harbour AND cr", "text:harbour", "text", "required"),
        ("harbour +cr", "text:harbour", "text", "required"),
        ("harbour -cr", "text:harbour", "text", "excluded"),
        ("old harbour cr", "(text:old AND text:harbour)", "text", "required"),
        ("harbour OR cr", None, "text", "elsewhere"),
        ("harbour OR old cr", None, "text", "elsewhere"),
        ("tide (harbour OR cr", None, "text", "elsewhere"),
        ("(tram OR bus) cr", "(text:tram OR text:bus)", "text", "required"),
    ],
)
def test_the_last_word_is_split_from_the_rest_of_the_query(
    query: str, rest: str | None, field: str, place: str
) -> None:
    found = split_last_word(parse_query(query, today=date(2024, 6, 15)).tree)
    assert (found[0] and str(found[0]), found[1], found[2]) == (rest, field, place)


def test_a_rest_of_exclusions_is_a_whole_query() -> None:
    rest, _, _ = split_last_word(parse_query("-harbour cr", today=date(2024, 6, 15)).tree)
    assert str(rest).startswith("(* AND") or "*" in str(rest)


@pytest.mark.parametrize(
    ("query", "tree"),
    [
        ("cri", "(text:cri OR text:cri*)"),
        ("euro cri", "(text:euro AND (text:cri OR text:cri*))"),
        ("title:cri", "(title:cri OR title:cri*)"),
        ("euro +cri", "(text:euro AND +(text:cri OR text:cri*))"),
        ("euro AND cri", "(text:euro AND (text:cri OR text:cri*))"),
        ("tram OR bu", "(text:tram OR (text:bu OR text:bu*))"),
        ("euro (tram OR bu", "(text:euro AND (text:tram OR (text:bu OR text:bu*)))"),
        ('"euro cri', "(text:euro AND (text:cri OR text:cri*))"),
        # The word is finished, or it is excluded, or it has a meaning of its own.
        *((query, None) for query in ("", "euro ", "euro cri ", "cri,", "euro cri.", "euro 🚢", "tram OR")),
        *((query, None) for query in ("euro -cri", "euro NOT cri", "euro NEAR cri", "=cri", "cri*", "cri~")),
        *((query, None) for query in ('"euro cri"', "euro date:2021", "source:wi", "(tram bus)", "cri^2")),
    ],
)
def test_the_word_that_is_being_typed_also_stands_for_what_begins_with_it(
    query: str, tree: str | None
) -> None:
    parsed = parse_query(query, today=date(2024, 6, 15)).tree
    marked = mark_unfinished(parsed, query)
    assert serialize_query(marked) == serialize_query(parsed)
    assert str(marked) == (tree or str(parsed))


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("harbour", (("text", "harbour"),)),
        ("title:harbour crane crane", (("title", "harbour"), ("text", "crane"))),
        ("harbour -crane", None),
        ("harbour OR crane", None),
        ('"harbour crane"', None),
        ("harb*", None),
        ("", None),
    ],
)
def test_words_are_extracted_only_from_a_query_of_nothing_but_words(
    query: str, words: tuple[tuple[str, str], ...] | None
) -> None:
    assert extract_words(parse_query(query, today=date(2024, 6, 15)).tree) == words

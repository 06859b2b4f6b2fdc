"""Passages: what is highlighted, and where a long paragraph is shortened."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.engine.read.postings import NO_POSTINGS, Postings
from indexer.engine.score.bm25f import Frequencies, ScoredTerm
from indexer.engine.score.matches import NO_MATCHES
from indexer.engine.score.positions import TermSet
from indexer.engine.score.query_terms import QueryTerm
from indexer.search.highlight import Highlighter, find_spans
from indexer.search.passages import ELLIPSIS, choose_paragraphs, shorten
from indexer.text.analyzer import get_analyzer

ENGLISH = get_analyzer("en")


def marked(text: str, mark: TermSet) -> list[str]:
    """The marked parts of a text."""
    return [text[start:end] for start, end in find_spans([text], [ENGLISH], Highlighter.of([mark]))[0]]


@pytest.mark.parametrize(
    ("text", "mark", "parts"),
    [
        ("He runs, ran and is running.", TermSet(stems=frozenset({"run/en"})), ["runs", "running"]),
        ("Zürich’s lake", TermSet(stems=frozenset({"zurich/en"})), ["Zürich’s"]),
        ("economic economy", TermSet(words=frozenset({"economic"})), ["economic"]),
        (
            "belt and road, road and belt",
            TermSet(phrases=frozenset({(("belt/en", "and/en", "road/en"), 1)})),
            ["belt and road"],
        ),
        ("belt or road", TermSet(phrases=frozenset({(("belt/en", "road/en"), 1)})), []),
        ("belt or road", TermSet(phrases=frozenset({(("belt/en", "road/en"), 2)})), ["belt or road"]),
        ("a b a b", TermSet(phrases=frozenset({(("a/en", "b/en", "a/en"), 1)})), ["a b a"]),
        ("東京都と京都", TermSet(stems=frozenset({"東京", "京都"})), ["東京都", "京都"]),
        ("東京都", TermSet(characters=frozenset({"都"})), ["都"]),
        ("covid-19", TermSet(phrases=frozenset({(("covid/en", "19"), 1)})), ["covid-19"]),
    ],
)
def test_what_is_marked_is_the_word_as_written(text: str, mark: TermSet, parts: list[str]) -> None:
    assert marked(text, mark) == parts


def test_a_short_text_is_not_shortened() -> None:
    assert shorten("A short text.", [(2, 7)], 20) == ("A short text.", ((2, 7),))


def test_a_long_text_is_shortened_at_words_around_the_most_matches() -> None:
    text = "start " + "filler " * 100 + "one two three " + "filler " * 100
    at = text.index("one")
    shown, spans = shorten(text, [(0, 5), (at, at + 3), (at + 4, at + 7)], 120)
    assert shown.startswith(ELLIPSIS + "filler")
    assert shown.endswith("filler" + ELLIPSIS)
    assert [shown[a:b] for a, b in spans] == ["one", "two"]
    assert len(shown) <= 122


def test_a_text_without_matches_is_shortened_at_its_end() -> None:
    shown, spans = shorten("word " * 100, [], 50)
    assert shown.startswith("word word")
    assert shown.endswith("word" + ELLIPSIS)
    assert spans == ()


def test_a_text_without_spaces_is_shortened_too() -> None:
    shown, spans = shorten("東" * 1000, [(500, 501)], 100)
    assert len(shown) <= 102
    assert [shown[a:b] for a, b in spans] == ["東"]


@given(
    text=st.text(alphabet="ab 東\n\u0301", max_size=300),
    places=st.lists(st.integers(0, 299), max_size=8, unique=True),
    length=st.integers(40, 120),
)
def test_a_shortened_text_keeps_its_spans_on_the_same_characters(
    text: str, places: list[int], length: int
) -> None:
    spans = [(place, place + 1) for place in sorted(places) if place < len(text)]
    shown, kept = shorten(text, spans, length)
    assert len(shown) <= max(length, 0) + 2
    assert all(0 <= a < b <= len(shown) for a, b in kept)
    originals = [text[a:b] for a, b in spans]
    remaining = iter(originals)
    assert all(any(shown[a:b] == part for part in remaining) for a, b in kept)
    assert shown.strip(ELLIPSIS) in text


def term(idf: float, freqs: dict[int, int]) -> ScoredTerm:
    """A term that stands in the given documents."""
    docs = np.array(sorted(freqs), np.int32)
    postings = Postings(docs, np.array([freqs[doc] for doc in sorted(freqs)], np.float64))
    return ScoredTerm(
        QueryTerm("", "text", NO_POSTINGS, postings, TermSet()),
        NO_MATCHES.articles,
        Frequencies(NO_MATCHES.articles, NO_MATCHES.scores),
        Frequencies(NO_MATCHES.articles, NO_MATCHES.scores),
        np.array([idf]),
        docs,
        np.array([float(sum(freqs.values()))]),
    )


def choose(terms: list[ScoredTerm], starts: Any, stops: Any, most: int) -> list[list[int]]:
    """The paragraphs chosen in an index of one language."""
    return choose_paragraphs(terms, starts, stops, most, np.zeros(len(starts), np.int64))


def test_the_best_paragraphs_are_chosen_in_reading_order() -> None:
    terms = [term(1.0, {10: 1, 12: 1, 13: 1}), term(5.0, {13: 1, 11: 1})]
    assert choose(terms, np.array([10]), np.array([15]), 2) == [[11, 13]]
    assert choose(terms, np.array([10]), np.array([15]), 1) == [[13]]


def test_a_paragraph_with_a_new_word_beats_one_with_the_same_again() -> None:
    terms = [term(3.0, {0: 2, 1: 2}), term(2.0, {2: 1})]
    assert choose(terms, np.array([0]), np.array([3]), 2) == [[0, 2]]


def test_without_a_match_the_first_paragraph_is_shown() -> None:
    assert choose([], np.array([4]), np.array([9]), 3) == [[4]]
    assert choose([term(1.0, {20: 1})], np.array([4]), np.array([9]), 3) == [[4]]
    assert choose([term(1.0, {5: 1})], np.array([4]), np.array([9]), 0) == [[]]


@given(
    texts=st.lists(st.text(alphabet=st.sampled_from([*"abcs'. +#&@_-1A"]), max_size=40), max_size=4),
    stems=st.sets(st.sampled_from(["a", "b", "ab", "abc", "c", "s", "bc"])),
    phrases=st.sets(
        st.lists(st.sampled_from(["a", "b", "s", "c"]), min_size=2, max_size=3).map(tuple), max_size=2
    ),
)
def test_literal_words_are_found_where_analysis_finds_them(
    texts: list[str], stems: set[str], phrases: set[tuple[str, ...]]
) -> None:
    words = get_analyzer("xx")  # without a stemmer, each stem has one word
    mark = TermSet(stems=frozenset(stems), phrases=frozenset((phrase, 1) for phrase in phrases))
    analyzers = [words] * len(texts)
    assert find_spans(texts, analyzers, Highlighter.of([mark], lambda stem: {stem})) == find_spans(
        texts, analyzers, Highlighter.of([mark])
    )

"""Long texts are highlighted part by part until the deadline, with the result of a single pass."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from indexer import Article, open_index
from indexer.engine.read.deadline import NO_DEADLINE, Deadline
from indexer.engine.score.positions import TermSet
from indexer.results import Span
from indexer.search.highlight import STRETCH, Highlighter, find_highlights, find_spans
from indexer.text.analyzer import get_analyzer

ENGLISH = get_analyzer("en")
FIRST = "The crane stood by the river. "
LONG = FIRST * (3 * STRETCH // len(FIRST))
MARKS = {
    "word": TermSet(stems=frozenset({"crane/en"})),
    "phrase": TermSet(phrases=frozenset({(("crane/en", "stood/en"), 1)})),
    "exact": TermSet(exact=frozenset({(("river", "the"), 1)})),
}


@pytest.mark.parametrize("mark", MARKS.values(), ids=MARKS)
@pytest.mark.parametrize("text", [LONG, "x" * STRETCH + " crane stood", FIRST], ids=["many", "late", "short"])
def test_stretches_have_the_marks_of_the_whole(mark: TermSet, text: str) -> None:
    marker = Highlighter.of([mark])
    found = find_highlights([text, FIRST], [ENGLISH, ENGLISH], marker, NO_DEADLINE)
    assert found == (find_spans([text, FIRST], [ENGLISH, ENGLISH], marker), True)


def test_a_passage_is_searched_up_to_the_first_part_with_a_match() -> None:
    marker = Highlighter.of([MARKS["word"]])
    (spans,), is_whole = find_highlights([LONG], [ENGLISH], marker, NO_DEADLINE, first_only=True)
    assert is_whole
    assert 0 < spans[-1][1] <= STRETCH


def test_a_timeout_while_highlighting_is_reported() -> None:
    marker = Highlighter.of([MARKS["word"]])
    (spans, late), is_whole = find_highlights(
        [LONG, FIRST], [ENGLISH] * 2, marker, Deadline(3, itertools.count().__next__)
    )
    assert not is_whole
    assert STRETCH < spans[-1][1] <= 2 * STRETCH
    assert late == ()


def test_a_paragraph_full_of_matches_is_shortened_like_a_short_one(tmp_path: Path) -> None:
    with open_index(tmp_path / "index") as index:
        index.put([Article(id="long", title="Long", published="2021", paragraphs=[LONG])])
        page = index.search("crane stood", seconds=60)
        (passage,) = page.hits[0].passages
        assert passage.text.startswith(FIRST)
        assert len(passage.spans) > 10
        assert not [note for note in page.notes if "mark" in note.message]


def test_the_best_window_is_found_in_linear_time() -> None:
    from indexer.search.passages import shorten

    looks = itertools.count()

    class Spans(list[Span]):
        def __getitem__(self, key):  # type: ignore[no-untyped-def]
            next(looks)
            return super().__getitem__(key)

    spans = Spans((at, at + 4) for at in range(0, 5 * 1000, 5))
    shorten("tide " * 1000, spans)
    assert next(looks) < 5 * len(spans)


# Tokens of the kinds that a search for literals might take for others than analysis does.
_PIECES = (
    "crane", "cranes", "Crane's", "craned", "oil", "oils", "U.S.", "us", "u.s", "AT&T", "t", "C++", "c", "C#",
    "#oil", "@crane", "'crane'", "o'crane", "crane-oil", "oil.", "(crane", "x.oil", "1,000", "crane1", "the",
    "crane\u2019s", "o\u2019crane", "\u2018crane\u2019", "\u201coil\u201d", "oil\u2013crane",
    "crane\u2026oil", "\u00a35", "cr\u00e4ne", "\uff4fil", "cra\u00adne", "crane\u6771\u4eac", "oil\u200b",
    "\u0130oil", "_U.S", "5.5t", "1,000oil", "oil5.5c", "U\u2026S", "oil\u00e9",
    "\u0e31", "\u2022", "ban", "b\u00e1n", "\u4e2d\u56fd", "\u4e2d\u56fd\u4eba", "x\u4e2d\u56fdy",
)  # fmt: skip
_GAPS = (" ", "\n", ", ", "-", ". ", "\u00a0", "\u3000", "\u202f", "\u2009: ")
_TOKENS = [piece + gap for piece in _PIECES for gap in _GAPS]
_PLAIN_WORDS = ("crane", "oil", "us", "c", "t", "cranes")
_WORDS = (*_PLAIN_WORDS, "at&t", "b\u00e1n", "\u4e2d\u56fd", "\u4e2d\u56fd\u4eba")
# So much plain text that the other characters are few.
_PLAIN = "The harbour master wrote down what he saw. " * 40
_PLAIN_TOKENS = ("crane ", "oil ", "us ", "c, ", "notwithstanding the misunderstandings ")
_RUNS = st.sampled_from(_TOKENS) | st.permutations(_PLAIN_TOKENS).map("".join)
# A word or a phrase as typed, and whether it is searched for as written.
_Part = tuple[list[str], bool]


def _list_parts(words: Sequence[str], least: int) -> st.SearchStrategy[list[_Part]]:
    row = st.lists(st.sampled_from(words), min_size=1, max_size=3)
    return st.lists(st.tuples(row, st.booleans()), min_size=least, max_size=3)


def _list_terms(words: Sequence[str]) -> st.SearchStrategy[tuple[list[_Part], list[_Part]]]:
    return st.tuples(_list_parts(words, 0), st.just([]) | _list_parts(words, 2))


@settings(max_examples=300)
@given(
    st.sampled_from(("en", "fr", "vi", "zh", "xx")),
    st.lists(st.lists(_RUNS, min_size=2, max_size=6).map("".join), max_size=3),
    _list_terms(_PLAIN_WORDS) | _list_terms(_PLAIN_WORDS) | _list_terms(_WORDS),
    st.tuples(st.integers(1, 5), st.integers(1, 9)),
    st.sampled_from((1, 1, 3)),
    st.booleans(),
)
def test_literals_are_marked_where_analysis_marks_them(
    language: str,
    rows: list[str],
    terms: tuple[list[_Part], list[_Part]],
    distances: tuple[int, int],
    slop: int,
    is_mixed: bool,
) -> None:
    analyzer = get_analyzer(language)
    texts = [*rows, _PLAIN]
    known = analyzer.tokenize(" ".join((*_PIECES, *_WORDS)))

    def words_of(stem: str) -> set[str]:
        return {token.word for token in known if token.stem == stem}

    def make_mark(part: _Part) -> TermSet:
        words, is_exact = part
        tokens = [token for word in words for token in analyzer.tokenize(word, query=True)]
        row = tuple(token.word if is_exact else token.stem for token in tokens)
        mark = TermSet()
        if len(row) == 1:
            return structs.replace(mark, **{"words" if is_exact else "stems": frozenset(row)})
        return structs.replace(mark, **{"exact" if is_exact else "phrases": frozenset({(row, slop)})})

    whole, near = (tuple(map(make_mark, parts)) for parts in terms)
    chains = frozenset({(near, distances[: len(near) - 1])} if near else ())
    mark = TermSet.of([*whole, TermSet(nears=chains)])
    analyzers = [analyzer] * len(texts)
    is_mixed |= analyzer.tells_accents_apart
    literal = find_spans(texts, analyzers, Highlighter.of([mark], words_of, is_mixed=is_mixed))
    assert literal == find_spans(texts, analyzers, Highlighter.of([mark]))


def test_narrow_spaces_move_no_highlight(tmp_path: Path) -> None:
    text = (
        "Les ann\u00e9es\u202f: il parle de la banque centrale, et la banque r\u00e9pond. "
        + "Rien de plus. " * 30
    )
    with open_index(tmp_path / "index") as index:
        index.put([Article(id="a", title="A", paragraphs=[text], language="fr")])
        (passage,) = index.search("banque").hits[0].passages
    assert [passage.text[start:end] for start, end in passage.spans] == ["banque", "banque"]

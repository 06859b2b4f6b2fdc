"""Finds the spans of a text that match a query, to highlight them."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, pairwise

import numpy as np
from msgspec import Struct, field

from indexer.engine import Deadline, Phrase, Spans, TermSet, find_chains
from indexer.results import Span
from indexer.text.analyzer import TAG, Analyzer, Token, strip_tag
from indexer.text.unspaced import unit_end

STRETCH = 50_000
"""Characters that are searched between two checks of the deadline."""
_OVERLAP = 2_000  # characters after a stretch that a match which begins in it may reach into
_MAX_LITERALS = 64
# Tokens of lower-case ASCII text that are more than a run of letters and digits. Each alternative begins with
# one fixed character, so that the regular expression can skip to the next of these.
_UNUSUAL = re.compile(
    r"""
      ' (?!s\b) [a-z0-9]                     # don't
    | \. (?<=(?<![a-z0-9])[a-z]\.) [a-z]     # U.S.
    | \. (?<=[0-9]\.) [0-9]+[a-z]            # 5.5p
    | ,  (?<=[0-9],) [0-9]+[a-z]             # 1,000m
    | & | @ | \#
    """,
    re.ASCII | re.VERBOSE,
)
# Marks that are common in texts of ASCII words, each with an ASCII character that the analyzer treats alike.
_PUNCTUATION = {"\u2019": "'", "\u00a0": " "} | dict.fromkeys(
    "\u2018\u201c\u201d\u2013\u2014\u2026\u00a3\u20ac", '"'
)
_NOT_ASCII = re.compile(r"[^\x00-\x7f\s]+")
_MAX_ANALYSED = 1 / 4  # of all characters; if more are to be analysed, one pass over the whole text is faster
_TOKEN_CHARACTER = re.compile("[A-Za-z0-9]")  # every token of ASCII text has one
_SEPARATORS = frozenset(' \n\t.,;:()"?!-/<>')  # a word between two of these is a token


class Highlighter(Struct, frozen=True):
    """The terms of a whole query to highlight in texts: `mark` is all of them as one.

    `literals` are all words, in lower-case ASCII letters, that have one of the stems, or are one of the words
    or in one of the phrases: with them most texts are searched without being analysed. None when there are
    too many, or when there is more to highlight than words.
    """

    mark: TermSet
    literals: tuple[str, ...] | None
    is_mixed: bool = False
    """Whether a literal may have another stem: in another language, or where accents make another word."""
    has_tags: bool = False
    """Whether some of the words match in one language only."""
    _selected: dict[str, TermSet] = field(default_factory=dict)

    def select_language(self, analyzer: Analyzer) -> TermSet:
        """The terms to highlight in texts of one analyzer."""
        if not self.has_tags:
            return self.mark
        language = analyzer.language
        if language not in self._selected:
            self._selected[language] = self.mark.select_language(language)
        return self._selected[language]

    @classmethod
    def of(
        cls,
        marks: Sequence[TermSet],
        words_of: Callable[[str], Iterable[str]] | None = None,
        *,
        is_mixed: bool = False,
    ) -> Highlighter:
        """A highlighter for the terms of a query; `words_of` gives all words of a stem, in any language."""
        mark = TermSet.of(marks)
        literals: tuple[str, ...] | None = None
        has_slop = any(slop != 1 for _, slop in (*mark.phrases, *mark.exact))
        # A run of an unspaced script is a phrase of bigrams, which overlap.
        is_ascii = all(term.isascii() for row, _ in (*mark.phrases, *mark.exact) for term in row)
        is_plain = is_ascii and not (has_slop or mark.characters or mark.nears)
        if words_of is not None and is_plain and len(mark.words) <= _MAX_LITERALS:
            stems, words = _list_terms(mark)
            # Words that are not ASCII are found by analysis.
            every = set(filter(str.isascii, set(map(strip_tag, words)).union(*map(words_of, stems))))
            if len(every) <= _MAX_LITERALS and all(map(str.isalpha, every)):
                literals = tuple(sorted(every))
        return cls(mark, literals, is_mixed, has_tags=_has_tags(mark))


def _has_tags(mark: TermSet) -> bool:
    rows = chain([mark.words], (row for row, _ in mark.exact))
    if any(TAG in word for row in rows for word in row):
        return True
    return any(_has_tags(part) for parts, _ in mark.nears for part in parts)


def _list_terms(mark: TermSet) -> tuple[frozenset[str], frozenset[str]]:
    """All stems and words of some terms, also those of their phrases."""
    return (
        mark.stems.union(*(phrase for phrase, _ in mark.phrases)),
        mark.words.union(*(phrase for phrase, _ in mark.exact)),
    )


def find_spans(
    texts: Sequence[str], analyzers: Sequence[Analyzer], highlighter: Highlighter
) -> list[tuple[Span, ...]]:
    """The spans to highlight in each text: ascending and disjoint, each of whole words or one phrase.

    `analyzers` has the analyzer of each text.
    """
    if highlighter.literals is not None:
        # No token reaches over white space, so the texts are joined and searched at once. White space around
        # all of them saves checks of the bounds.
        joined = "\n".join(("", *texts, ""))
        not_ascii: list[Span] = []
        if not joined.isascii():
            for mark, plain in _PUNCTUATION.items():
                joined = joined.replace(mark, plain)
            not_ascii = _find_stretches(joined, _NOT_ASCII)
        if sum(stop - start for start, stop in not_ascii) <= _MAX_ANALYSED * len(joined):
            return _find_literal_spans(texts, analyzers, highlighter, joined, not_ascii)
    return [
        _find_analysed_spans(text, analyzer, highlighter.select_language(analyzer))
        for text, analyzer in zip(texts, analyzers, strict=True)
    ]


def _find_analysed_spans(text: str, analyzer: Analyzer, mark: TermSet) -> tuple[Span, ...]:
    spans = analyzer.find_spans(text, mark.stems, mark.words) if mark.stems or mark.words else ()
    more = [span for phrase in mark.phrases for span in _phrases(text, analyzer, phrase)]
    more += _find_exact_and_near_spans(text, analyzer, mark)
    if mark.characters:
        characters = tuple(mark.characters)
        more += (
            (token.start, unit_end(text, token.start))
            for token in analyzer.tokenize(text)
            if token.word.startswith(characters)
        )
    return _make_disjoint([*spans, *more]) if more else spans


def _find_literal_spans(
    texts: Sequence[str],
    analyzers: Sequence[Analyzer],
    highlighter: Highlighter,
    joined: str,
    not_ascii: Sequence[Span],
) -> list[tuple[Span, ...]]:
    """The spans of the literals in each text, and of unusual tokens that analysis makes one of them.

    `joined` has the texts, with a character between any two and at both ends; `not_ascii` are the
    stretches of it with other characters.
    """
    literals = highlighter.literals or ()
    lower = _blank_out(joined, not_ascii).lower()
    # The marks inside a token are not part of its word.
    unusual = _find_stretches(lower, _UNUSUAL)
    bare = " ".join([lower[start:stop] for start, stop in unusual]).replace("'", "").replace(".", "")
    if not any(word in bare for word in literals):
        unusual = []
    lower = _blank_out(lower, unusual)
    stretches = sorted([*not_ascii, *unusual])
    spans = sorted(_find_literals(lower, literals))
    mark = highlighter.mark
    is_joined = bool(mark.phrases or mark.exact or highlighter.is_mixed)
    found: list[tuple[Span, ...]] = []
    begin, at = 1, 0
    for text, analyzer in zip(texts, analyzers, strict=True):
        end = begin + len(text)
        own: list[Span] = []
        while at < len(spans) and spans[at][0] < end:
            own.append((spans[at][0] - begin, spans[at][1] - begin))
            at += 1
        first = bisect_left(stretches, (begin, 0))
        last = bisect_left(stretches, (end, 0), first)
        if first < last:
            stems, words = _list_terms(highlighter.select_language(analyzer))
            for start, stop in stretches[first:last]:
                places = analyzer.find_spans(text[start - begin : stop - begin], stems, words)
                own += ((start - begin + a, start - begin + b) for a, b in places)
            own.sort()
        if own and is_joined:
            found.append(_join_phrases(text, own, analyzer, highlighter.select_language(analyzer)))
        else:
            found.append(tuple(own))
        begin = end + 1
    return found


def _join_phrases(text: str, places: Sequence[Span], analyzer: Analyzer, mark: TermSet) -> tuple[Span, ...]:
    """The literals to highlight by themselves, and the phrases that neighbouring literals make up."""
    forms = [analyzer.analyze_surface(text[start:end]) for start, end in places]
    spans = [
        place
        for place, (stems, words) in zip(places, forms, strict=True)
        if not (mark.stems.isdisjoint(stems) and mark.words.isdisjoint(words))
    ]
    for phrases, kind in ((mark.phrases, 0), (mark.exact, 1)):
        terms = [own[kind] for own in forms] if phrases else []
        for phrase, _ in phrases:
            wanted = [(term,) for term in phrase]
            for first in range(len(places) - len(phrase) + 1):
                own = places[first : first + len(phrase)]
                if terms[first : first + len(phrase)] == wanted and not any(
                    _has_token(text[end:start], analyzer) for (_, end), (start, _) in pairwise(own)
                ):
                    spans.append((own[0][0], own[-1][1]))
    return _make_disjoint(spans)


def _has_token(text: str, analyzer: Analyzer) -> bool:
    if text.isascii():
        return _TOKEN_CHARACTER.search(text) is not None
    return bool(analyzer.tokenize(text))


def _find_stretches(text: str, pattern: re.Pattern[str]) -> list[Span]:
    """The stretches between white space in which a pattern matches; the text has white space at both ends."""
    found: list[Span] = []
    for match in pattern.finditer(text):
        start, stop = match.span()
        if found and start < found[-1][1]:
            continue
        while not text[start - 1].isspace():
            start -= 1
        while not text[stop].isspace():
            stop += 1
        found.append((start, stop))
    return found


def _blank_out(text: str, stretches: Sequence[Span]) -> str:
    """The text with spaces in place of some stretches (ascending)."""
    pieces: list[str] = []
    at = 0
    for start, stop in stretches:
        pieces += (text[at:start], " " * (stop - start))
        at = stop
    return "".join([*pieces, text[at:]]) if pieces else text


def _find_literals(lower: str, literals: Sequence[str]) -> Iterator[Span]:
    """Where words stand as tokens of a text that has no unusual tokens and is surrounded by space."""
    for word in literals:
        start = lower.find(word)
        while start >= 0:
            end = start + len(word)
            if lower[start - 1] in _SEPARATORS and lower[end] in _SEPARATORS:
                yield start, end
            elif _is_token(lower, start, end):
                is_possessive = lower.startswith("'s", end) and not lower[end + 2].isalnum()
                yield start, end + 2 if is_possessive else end
            start = lower.find(word, end)


def _is_token(lower: str, start: int, end: int) -> bool:
    """Whether the word between `start` and `end` is a whole token, by the rules of the analyzer."""
    before, after = lower[start - 1], lower[end]
    return (
        not before.isalnum()
        and not after.isalnum()
        # Not the s of a possessive, and not the C of C++ or C#.
        and not (before == "'" and lower[start - 2].isalnum())
        and not lower.startswith("++", end)
        and not (after == "#" and end - start == 1)
    )


def _phrases(text: str, analyzer: Analyzer, phrase: Phrase) -> list[Span]:
    found = _find_phrase_spans(analyzer.analyze(text)[0], phrase)
    tokens = analyzer.tokenize(text) if found else ()
    return [(tokens[first].start, tokens[last].end) for first, last in found]


def _find_exact_and_near_spans(text: str, analyzer: Analyzer, mark: TermSet) -> list[Span]:
    """The spans of phrases of exact words, and of words that are near one another."""
    if not mark.exact and not mark.nears:
        return []
    tokens = analyzer.tokenize(text)
    found = [
        row for phrase in mark.exact for row in _find_phrase_spans([token.word for token in tokens], phrase)
    ]
    for marks, distances in mark.nears:
        parts = [_find_mark_spans(tokens, part) for part in marks]
        for part, kept in zip(parts, find_chains(parts, distances), strict=True):
            chosen = part.select(kept)
            found += zip(chosen.starts.tolist(), chosen.ends.tolist(), strict=True)
    return [(tokens[first].start, tokens[last].end) for first, last in found]


def _find_mark_spans(tokens: Sequence[Token], mark: TermSet) -> Spans:
    """The positions among the tokens of everything that a mark stands for."""
    characters = tuple(mark.characters)
    found = [
        (place, place)
        for place, token in enumerate(tokens)
        if token.stem in mark.stems or token.word in mark.words or token.word.startswith(characters)
    ]
    for phrase in mark.phrases:
        found += _find_phrase_spans([token.stem for token in tokens], phrase)
    for phrase in mark.exact:
        found += _find_phrase_spans([token.word for token in tokens], phrase)
    places = np.array(found, np.int64).reshape(-1, 2)
    return Spans.of(places[:, 0], places[:, 1])


def _find_phrase_spans(terms: Sequence[str], phrase: Phrase) -> list[tuple[int, int]]:
    """The first and the last token of each place where a phrase stands."""
    wanted, slop = phrase
    # The token with which the phrase begins, by the token that it has reached.
    begins = {place: place for place, term in enumerate(terms) if term == wanted[0]}
    for following in wanted[1:]:
        going: dict[int, int] = {}
        for place in begins:
            for gap in range(1, slop + 1):
                # The latest beginning wins, since it is the closest.
                if place + gap < len(terms) and terms[place + gap] == following:
                    going[place + gap] = begins[place]
        begins = dict(sorted(going.items()))
    return [(first, last) for last, first in begins.items()]


def _make_disjoint(spans: list[Span]) -> tuple[Span, ...]:
    merged: list[Span] = []
    for start, end in sorted(spans):
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return tuple(merged)


def find_highlights(
    texts: Sequence[str],
    analyzers: Sequence[Analyzer],
    highlighter: Highlighter,
    deadline: Deadline,
    *,
    first_only: bool = False,
) -> tuple[list[tuple[Span, ...]], bool]:
    """The spans of `find_spans`, and whether there was time to search all of the texts.

    With `first_only`, a long text is searched up to the first stretch that has a match.
    """
    if sum(map(len, texts)) <= STRETCH:
        return find_spans(texts, analyzers, highlighter), True
    found: list[tuple[Span, ...]] = []
    is_whole = True
    for text, analyzer in zip(texts, analyzers, strict=True):
        spans: list[Span] = []
        for start, stop in split_text(text, STRETCH):
            if deadline.is_over():
                is_whole = False
                break
            (inside,) = find_spans([text[start : stop + _OVERLAP]], [analyzer], highlighter)
            last = spans[-1][1] if spans else 0
            spans += [(a + start, b + start) for a, b in inside if last <= a + start < stop]
            if spans and first_only:
                break
        found.append(tuple(spans))
    return found, is_whole


def split_text(text: str, length: int) -> Iterator[tuple[int, int]]:
    """The start and end of each part of a text, of at most `length` characters, if possible after a space."""
    start = 0
    while len(text) - start > length:
        stop = text.rfind(" ", start, start + length) + 1 or start + length
        yield start, stop
        start = stop
    yield start, len(text)

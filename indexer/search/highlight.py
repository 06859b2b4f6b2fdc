"""What to mark in a text: the spans that match a query."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise

import numpy as np
from msgspec import Struct

from indexer.engine import Deadline, HighlightTerms, Phrase, Spans, find_chains
from indexer.results import Span
from indexer.text.analyzer import Analyzer, Token
from indexer.text.unspaced import unit_end

_MOST_LITERALS = 64
# Pieces of lower-case ASCII text that are not simply the letters and digits that stand together. Each way
# begins with one character, so that the search leaps from one of these to the next.
_UNUSUAL = re.compile(r"'(?!s\b)[a-z0-9]|\.(?<=\b[a-z]\.)[a-z]|&|@|#", re.ASCII)
_PIECE = re.compile("[A-Za-z0-9]")  # what every piece of ASCII text has
_APART = frozenset(' \n\t.,;:()"?!-/<>')  # between two of these, a word is a piece


class Highlighter(Struct, frozen=True):
    """What to mark in texts, for a whole query.

    `literals` are all the words, as written in lower-case ASCII letters, that have one of the stems or are
    one of the words or stand in one of the phrases: with them most texts need not be taken apart. None when
    that cannot be told, or is not all that there is to mark.
    """

    stems: frozenset[str]
    words: frozenset[str]
    phrases: frozenset[Phrase]
    characters: frozenset[str]
    literals: tuple[str, ...] | None
    mark: HighlightTerms
    """All of it as one, with what has to be looked for place by place."""
    is_mixed: bool = False
    """Whether a literal may be something else in some of the languages."""

    @classmethod
    def of(
        cls,
        marks: Sequence[HighlightTerms],
        words_of: Callable[[str], Iterable[str]] | None = None,
        *,
        is_mixed: bool = False,
    ) -> Highlighter:
        """A marker for some marks; `words_of` gives all the words of a stem, in whatever language."""
        whole = HighlightTerms.of(marks)
        stems, words, phrases, characters = whole.stems, whole.words, whole.phrases, whole.characters
        literals: frozenset[str] | None = None
        is_told = all(slop == 1 for _, slop in phrases) and not (characters or whole.exact or whole.nears)
        if words_of is not None and is_told and len(words) <= _MOST_LITERALS:
            every = words.union(*map(words_of, stems.union(*(phrase for phrase, _ in phrases))))
            # Others do not come from ASCII text, and only there literals are looked for.
            every = frozenset(filter(str.isascii, every))
            if len(every) <= _MOST_LITERALS and all(map(_is_literal, every)):
                literals = every
        known = None if literals is None else tuple(sorted(literals))
        return cls(stems, words, phrases, characters, known, whole, is_mixed)


def find_spans(
    texts: Sequence[str], analyzers: Sequence[Analyzer], marker: Highlighter
) -> list[tuple[Span, ...]]:
    """Where each text has what is to be marked: ascending, disjoint, each on whole words or one phrase.

    `analyzers` has the analyzer of each text.
    """
    if marker.literals is not None and all(map(str.isascii, texts)):
        return _literal_spans(texts, analyzers, marker)
    return [_spans(text, words, marker) for text, words in zip(texts, analyzers, strict=True)]


def _spans(text: str, analyzer: Analyzer, marker: Highlighter) -> tuple[Span, ...]:
    if marker.literals is not None and text.isascii():
        return _literal_spans([text], [analyzer], marker)[0]
    return _analysed_spans(text, analyzer, marker)


def _analysed_spans(text: str, analyzer: Analyzer, marker: Highlighter) -> tuple[Span, ...]:
    if not marker.characters:
        spans = analyzer.find_spans(text, marker.stems, marker.words) if marker.stems or marker.words else ()
        more = [span for phrase in marker.phrases for span in _phrases(text, analyzer, phrase)]
        more += _placed(text, analyzer, marker.mark)
        return _disjoint([*spans, *more]) if more else spans
    tokens = analyzer.tokenize(text)
    found = [
        (token.start, token.end)
        for token in tokens
        if token.stem in marker.stems or token.word in marker.words
    ]
    characters = tuple(marker.characters)
    found += [
        (token.start, unit_end(text, token.start)) for token in tokens if token.word.startswith(characters)
    ]
    for phrase in marker.phrases:
        found += _phrases(text, analyzer, phrase)
    return _disjoint(found + _placed(text, analyzer, marker.mark))


def _literal_spans(
    texts: Sequence[str], analyzers: Sequence[Analyzer], marker: Highlighter
) -> list[tuple[Span, ...]]:
    """Where each ASCII text has one of the literals, or an unusual piece that is one of them in truth."""
    # No piece goes over white space: what it joins is searched at once, and what is unusual is taken apart by
    # itself. The space around everything spares the search its ends.
    lower = "\n".join(("", *texts, "")).lower()
    chunks = _unusual_chunks(lower)
    for start, stop in chunks:
        lower = lower[:start] + " " * (stop - start) + lower[stop:]
    spans = sorted(_literal_places(lower, marker.literals or ()))
    found: list[tuple[Span, ...]] = []
    begin, place = 1, 0
    for text, analyzer in zip(texts, analyzers, strict=True):
        end = begin + len(text)
        own: list[Span] = []
        while place < len(spans) and spans[place][0] < end:
            own.append((spans[place][0] - begin, spans[place][1] - begin))
            place += 1
        unusual = [(a - begin, b - begin) for a, b in chunks if begin <= a < end] if chunks else ()
        if marker.phrases or marker.is_mixed:
            found.append(
                _analysed_spans(text, analyzer, marker) if unusual else _chained(text, own, analyzer, marker)
            )
            begin = end + 1
            continue
        for start, stop in unusual:
            places = analyzer.find_spans(text[start:stop], marker.stems, marker.words)
            own += ((start + a, start + b) for a, b in places)
        if unusual:
            own.sort()
        found.append(tuple(own))
        begin = end + 1
    return found


def _chained(text: str, places: Sequence[Span], analyzer: Analyzer, marker: Highlighter) -> tuple[Span, ...]:
    """The literal places that are to be marked by themselves, and the phrases that they make up."""
    forms = [analyzer.analyze_surface(text[start:end]) for start, end in places]
    spans = [
        place
        for place, (stems, words) in zip(places, forms, strict=True)
        if not (marker.stems.isdisjoint(stems) and marker.words.isdisjoint(words))
    ]
    for phrase, _ in marker.phrases:
        wanted = [(stem,) for stem in phrase]
        for first in range(len(places) - len(phrase) + 1):
            own = places[first : first + len(phrase)]
            if [stems for stems, _ in forms[first : first + len(phrase)]] == wanted and not any(
                _PIECE.search(text, end, start) for (_, end), (start, _) in pairwise(own)
            ):
                spans.append((own[0][0], own[-1][1]))
    return _disjoint(spans)


def _unusual_chunks(lower: str) -> list[Span]:
    """What stands between white space around each unusual piece of an ASCII text in lower case."""
    chunks: list[Span] = []
    for match in _UNUSUAL.finditer(lower):
        start, stop = match.span()
        if chunks and start < chunks[-1][1]:
            continue
        while not lower[start - 1].isspace():
            start -= 1
        while not lower[stop].isspace():
            stop += 1
        chunks.append((start, stop))
    return chunks


def _literal_places(lower: str, literals: Sequence[str]) -> Iterator[Span]:
    """Where words stand as whole pieces of a text that has no unusual pieces, and space around it."""
    for word in literals:
        start = lower.find(word)
        while start >= 0:
            end = start + len(word)
            if lower[start - 1] in _APART and lower[end] in _APART:
                yield start, end
            elif _is_whole(lower, start, end):
                is_possessive = lower.startswith("'s", end) and not lower[end + 2].isalnum()
                yield start, end + 2 if is_possessive else end
            start = lower.find(word, end)


def _is_whole(lower: str, start: int, end: int) -> bool:
    """Whether a word that stands here is a piece of its own; see `analysis`."""
    before, after = lower[start - 1], lower[end]
    return (
        not before.isalnum()
        and not after.isalnum()
        # The s of a possessive, C++ and C#.
        and not (before == "'" and lower[start - 2].isalnum())
        and not lower.startswith("++", end)
        and not (after == "#" and end - start == 1)
    )


def _phrases(text: str, analyzer: Analyzer, phrase: Phrase) -> list[Span]:
    stems = analyzer.analyze(text)[0]
    ends = _phrase_ends(stems, phrase)
    if not ends:
        return []
    tokens = analyzer.tokenize(text)
    return [(tokens[first].start, tokens[last].end) for last, first in ends.items()]


def _placed(text: str, analyzer: Analyzer, mark: HighlightTerms) -> list[Span]:
    """Where a text has phrases of words as written, and words that are near one another."""
    if not mark.exact and not mark.nears:
        return []
    tokens = analyzer.tokenize(text)
    found = [row for phrase in mark.exact for row in _rows([token.word for token in tokens], phrase)]
    for marks, distances in mark.nears:
        parts = [_places(tokens, part) for part in marks]
        for part, kept in zip(parts, find_chains(parts, distances), strict=True):
            chosen = part.select(kept)
            found += zip(chosen.starts.tolist(), chosen.ends.tolist(), strict=True)
    return [(tokens[first].start, tokens[last].end) for first, last in found]


def _places(tokens: Sequence[Token], mark: HighlightTerms) -> Spans:
    """The places among the tokens of all that a mark stands for."""
    characters = tuple(mark.characters)
    found = [
        (place, place)
        for place, token in enumerate(tokens)
        if token.stem in mark.stems or token.word in mark.words or token.word.startswith(characters)
    ]
    for phrase in mark.phrases:
        found += _rows([token.stem for token in tokens], phrase)
    for phrase in mark.exact:
        found += _rows([token.word for token in tokens], phrase)
    places = np.array(found, np.int64).reshape(-1, 2)
    return Spans.of(places[:, 0], places[:, 1])


def _rows(terms: Sequence[str], phrase: Phrase) -> list[tuple[int, int]]:
    return [(first, last) for last, first in _phrase_ends(terms, phrase).items()]


def _phrase_ends(stems: Sequence[str], phrase: Phrase) -> dict[int, int]:
    """For each place where a phrase ends: where it began."""
    wanted, slop = phrase
    begun = {place: place for place, stem in enumerate(stems) if stem == wanted[0]}
    for following in wanted[1:]:
        going: dict[int, int] = {}
        for place in begun:
            for gap in range(1, slop + 1):
                # A later beginning is the closer one, and comes later here.
                if place + gap < len(stems) and stems[place + gap] == following:
                    going[place + gap] = begun[place]
        begun = dict(sorted(going.items()))
    return begun


def _is_literal(word: str) -> bool:
    return word.isascii() and word.isalpha()


def _disjoint(spans: list[Span]) -> tuple[Span, ...]:
    merged: list[Span] = []
    for start, end in sorted(spans):
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return tuple(merged)


STRETCH = 50_000
"""Characters that are looked at between two looks at the time."""
_BEYOND = 2_000
"""Characters after a stretch that what begins in it may end in."""


def find_highlights(
    texts: Sequence[str],
    analyzers: Sequence[Analyzer],
    marker: Highlighter,
    deadline: Deadline,
    *,
    enough: bool = False,
) -> tuple[list[tuple[Span, ...]], bool]:
    """Where each text has what is to be marked, as `find_spans` says, and whether all was looked at in time.

    With `enough`, a long text is looked at no further than to the first stretch that has anything.
    """
    if sum(map(len, texts)) <= STRETCH:
        return find_spans(texts, analyzers, marker), True
    found: list[tuple[Span, ...]] = []
    is_whole = True
    for text, analyzer in zip(texts, analyzers, strict=True):
        spans: list[Span] = []
        for start, stop in stretches(text, STRETCH):
            if deadline.is_over():
                is_whole = False
                break
            (inside,) = find_spans([text[start : stop + _BEYOND]], [analyzer], marker)
            last = spans[-1][1] if spans else 0
            spans += [(a + start, b + start) for a, b in inside if last <= a + start < stop]
            if spans and enough:
                break
        found.append(tuple(spans))
    return found, is_whole


def stretches(text: str, length: int) -> Iterator[tuple[int, int]]:
    """The parts of a text, as start and stop, of so many characters or up to a space before."""
    start = 0
    while len(text) - start > length:
        stop = text.rfind(" ", start, start + length) + 1 or start + length
        yield start, stop
        start = stop
    yield start, len(text)

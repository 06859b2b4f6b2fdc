"""Finds the spans of a text that match a query, to highlight them."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain

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
_GAP = Token("", "", 0, 0)
_MAX_WIDTH = 9  # characters, more than most tokens take with the space after them
_SEPARATORS = frozenset(' \n\t.,;:()"?!-/<>')  # a word between two of these is a token


class Highlighter(Struct, frozen=True):
    """The terms of a whole query to highlight in texts: `mark` is all of them as one.

    `literals` are all words, in lower-case ASCII letters, that have one of the stems or are one of the words,
    also those of phrases and of parts near each other: with them most texts are searched without being
    analysed. None when there are too many, or when there is more to highlight than words.
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
        every_mark = (mark, *(part for parts, _ in mark.nears for part in parts))
        # A run of an unspaced script is a phrase of bigrams, which overlap.
        is_plain = all(
            term.isascii() for own in every_mark for row, _ in (*own.phrases, *own.exact) for term in row
        ) and not any(own.characters for own in every_mark)
        stems, words = _list_terms(mark)
        if words_of is not None and is_plain and len(words) <= _MAX_LITERALS:
            # A name or a topic (@desk, #sea) has the stem of its word, and is found by analysis.
            forms = (word.lstrip("@#") for stem in stems for word in words_of(stem))
            # So are words that are not ASCII.
            every = set(filter(str.isascii, {*map(strip_tag, words), *forms}))
            if len(every) <= _MAX_LITERALS and all(map(str.isalpha, every)):
                literals = tuple(sorted(every))
        return cls(mark, literals, is_mixed, has_tags=_has_tags(mark))


def _has_tags(mark: TermSet) -> bool:
    rows = chain([mark.words], (row for row, _ in mark.exact))
    if any(TAG in word for row in rows for word in row):
        return True
    return any(_has_tags(part) for parts, _ in mark.nears for part in parts)


def _list_terms(mark: TermSet) -> tuple[frozenset[str], frozenset[str]]:
    """All stems and words of some terms, also those of their phrases and of terms near each other."""
    stems = mark.stems.union(*(phrase for phrase, _ in mark.phrases))
    words = mark.words.union(*(phrase for phrase, _ in mark.exact))
    for part in chain(*(parts for parts, _ in mark.nears)):
        more = _list_terms(part)
        stems, words = stems | more[0], words | more[1]
    return stems, words


def _find_reach(mark: TermSet) -> int:
    """The greatest distance of two neighbours in a match of the terms; 0 if all are single words."""
    reach = max((slop for _, slop in (*mark.phrases, *mark.exact)), default=0)
    for parts, distances in mark.nears:
        reach = max(reach, *distances, *map(_find_reach, parts))
    return reach


def find_spans(
    texts: Sequence[str], analyzers: Sequence[Analyzer], highlighter: Highlighter
) -> list[tuple[Span, ...]]:
    """The spans to highlight in each text: ascending and disjoint, each of whole words or one phrase.

    `analyzers` has the analyzer of each text.
    """
    if highlighter.literals is not None:
        # No token reaches over white space, so the texts are joined and searched at once. White space around
        # all of them saves checks of the bounds.
        joined = plain = "\n".join(("", *texts, ""))
        not_ascii: list[Span] = []
        if not joined.isascii():
            for mark, character in _PUNCTUATION.items():
                plain = plain.replace(mark, character)
            not_ascii = _find_stretches(plain, _NOT_ASCII)
        if sum(stop - start for start, stop in not_ascii) <= _MAX_ANALYSED * len(joined):
            spans = _find_literal_spans(texts, analyzers, highlighter, joined, plain, not_ascii)
            return _split_by_text(spans, texts)
    return [
        _find_analysed_spans(text, analyzer, highlighter.select_language(analyzer))
        for text, analyzer in zip(texts, analyzers, strict=True)
    ]


def _find_analysed_spans(text: str, analyzer: Analyzer, mark: TermSet) -> tuple[Span, ...]:
    if not (mark.phrases or mark.exact or mark.nears or mark.characters):
        return analyzer.find_spans(text, mark.stems, mark.words)
    tokens, characters = analyzer.tokenize(text), tuple(mark.characters)
    units = (
        (token.start, unit_end(text, token.start)) for token in tokens if token.word.startswith(characters)
    )
    return _make_disjoint([*_find_token_spans(tokens, mark), *units])


def _find_literal_spans(
    texts: Sequence[str],
    analyzers: Sequence[Analyzer],
    highlighter: Highlighter,
    joined: str,
    plain: str,
    not_ascii: Sequence[Span],
) -> Sequence[Span]:
    """The spans of the literals in all texts, and of unusual tokens that analysis makes one of them.

    `joined` has the texts, with a character between any two and at both ends, `plain` the same with common
    marks made ASCII, and `not_ascii` are the stretches of that with other characters.
    """
    literals = highlighter.literals or ()
    lower = _blank_out(plain, not_ascii).lower()
    # The marks inside a token are not part of its word.
    unusual = _find_stretches(lower, _UNUSUAL)
    bare = " ".join([lower[start:stop] for start, stop in unusual]).replace("'", "").replace(".", "")
    if not any(word in bare for word in literals):
        unusual = []
    lower = _blank_out(lower, unusual)
    stretches = sorted([*not_ascii, *unusual])
    spans = sorted(_find_literals(lower, literals))
    reach = _find_reach(highlighter.mark)
    is_analysed = bool(reach) or highlighter.is_mixed
    if not stretches and not is_analysed:
        return spans
    found: list[Span] = []
    tokens: dict[Analyzer, list[Token]] = {}
    begin = at = 0
    for text, analyzer in zip(texts, analyzers, strict=True):
        end = begin + len(text) + 1
        next_at = bisect_left(spans, (end, 0), at)
        own = spans[at:next_at]
        first = bisect_left(stretches, (begin, 0))
        last = bisect_left(stretches, (end, 0), first)
        if first < last:
            stems, words = _list_terms(highlighter.select_language(analyzer))
            for start, stop in stretches[first:last]:
                places = analyzer.find_spans(joined[start:stop], stems, words)
                if places and is_analysed:
                    own.append((start, stop))
                else:
                    own += ((start + a, start + b) for a, b in places)
            own.sort()
        if not is_analysed:
            found += own
        elif own:
            # No match reaches from one text into another.
            row = tokens.setdefault(analyzer, [])
            row += [_GAP] * reach
            row += _tokenize_stretches(joined, own, analyzer, reach)
        begin, at = end, next_at
    for analyzer, row in tokens.items():
        found += _find_token_spans(row, highlighter.select_language(analyzer))
    return sorted(found) if len(tokens) > 1 else found


def _split_by_text(spans: Sequence[Span], texts: Sequence[str]) -> list[tuple[Span, ...]]:
    """The spans in each of some texts that are joined, with a character before each."""
    found: list[tuple[Span, ...]] = []
    begin, at = 1, 0
    for text in texts:
        end = begin + len(text)
        own: list[Span] = []
        while at < len(spans) and spans[at][0] < end:
            own.append((spans[at][0] - begin, spans[at][1] - begin))
            at += 1
        found.append(tuple(own))
        begin = end + 1
    return found


def _tokenize_stretches(text: str, stretches: Sequence[Span], analyzer: Analyzer, reach: int) -> list[Token]:
    """The tokens of some stretches of a text, with empty tokens in place of those between.

    There are at most `reach` of these between two stretches.
    """
    tokens: list[Token] = []
    last = stretches[0][0]
    for start, stop in stretches:
        if reach and last < start:
            tokens += [_GAP] * _count_tokens(text[last:start], analyzer, reach)
        surface = text[start:stop]
        if surface.isascii() and surface.isalpha():
            # Most are one word, which takes half the time so.
            (stem,), (word,) = analyzer.analyze_surface(surface)
            tokens.append(Token(stem, word, start, stop))
        else:
            for stem, word, first, end in analyzer.tokenize(surface):
                tokens.append(Token(stem, word, start + first, start + end))
        last = stop
    return tokens


def _count_tokens(text: str, analyzer: Analyzer, most: int) -> int:
    """How many tokens a text has, counted up to `most`."""
    if most == 1 and _TOKEN_CHARACTER.search(text):
        return 1
    if not text.isascii():
        return min(most, len(analyzer.analyze(text)[0]))
    # Each surface of ASCII text is one token. The beginning of a long text has enough of them.
    begin = text[: most * _MAX_WIDTH].rpartition(" ")[0]
    found = len(analyzer.split_surfaces(begin))
    return min(most, found if found >= most else len(analyzer.split_surfaces(text)))


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


def _find_token_spans(tokens: Sequence[Token], mark: TermSet) -> tuple[Span, ...]:
    """The spans of words, of phrases, and of terms that are near one another; not those of characters."""
    places = _find_places(tokens, mark)
    for marks, distances in mark.nears:
        parts = [_find_part(tokens, part) for part in marks]
        for part, kept in zip(parts, find_chains(parts, distances), strict=True):
            chosen = part.select(kept)
            places += zip(chosen.starts.tolist(), chosen.ends.tolist(), strict=True)
    return _make_disjoint([(tokens[first].start, tokens[last].end) for first, last in places])


def _find_part(tokens: Sequence[Token], mark: TermSet) -> Spans:
    """The positions among the tokens of everything that a part of a NEAR stands for."""
    found = _find_places(tokens, mark)
    if mark.characters:
        characters = tuple(mark.characters)
        found += [(place, place) for place, token in enumerate(tokens) if token.word.startswith(characters)]
    places = np.array(found, np.int64).reshape(-1, 2)
    return Spans.of(places[:, 0], places[:, 1])


def _find_places(tokens: Sequence[Token], mark: TermSet) -> list[tuple[int, int]]:
    """The first and the last token of each word and phrase of a mark."""
    found: list[tuple[int, int]] = []
    if mark.stems or mark.words:
        found += [
            (place, place)
            for place, (stem, word, _, _) in enumerate(tokens)
            if stem in mark.stems or word in mark.words
        ]
    if mark.phrases:
        stems = [token.stem for token in tokens]
        found += chain(*(_find_phrase_spans(stems, phrase) for phrase in mark.phrases))
    if mark.exact:
        words = [token.word for token in tokens]
        found += chain(*(_find_phrase_spans(words, phrase) for phrase in mark.exact))
    return found


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

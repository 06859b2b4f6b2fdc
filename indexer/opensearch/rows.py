"""Terms and where they stand, as queries of the cluster.

What a leaf of a query tree stands for (`Wanted`) becomes rows: positions that follow one another, one for a
word, several for a phrase. At each position of a text, the stem is in one field and the word as written in
another, so that phrases and NEAR are span queries on both.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any, Literal, NamedTuple

from indexer import limits
from indexer.engine import TermSet
from indexer.opensearch.dsl import (
    EVERYTHING,
    Dsl,
    cut_prefix,
    match_all,
    match_any,
    match_bases,
    match_tags,
)
from indexer.opensearch.mapping import STEMS, WORDS
from indexer.text.analyzer import TAG, get_analyzer, get_tag, strip_tag

SIDE_BY_SIDE = 1
"""The gap between neighbours, in positions."""
_NO_TERMS = TermSet()
_MAX_EFFORT = 20_000
"""What it may take to make a pattern's automaton deterministic: a cluster refuses more than 100,000."""
_STATES_OF_BYTES = 8
_MAX_HEAD = 256  # characters before the first star that a pattern keeps in any case


class Pattern(NamedTuple):
    """Words as written that begin with a text, match it with * and ?, or differ from it by some edits."""

    kind: Literal["prefix", "wildcard", "fuzzy"]
    text: str
    edits: int = 0


@dataclass(frozen=True, slots=True)
class Wanted:
    """Terms and patterns, any of which matches; with `bases`, only in articles in these base languages."""

    terms: TermSet = _NO_TERMS
    patterns: frozenset[Pattern] = frozenset()
    bases: frozenset[str] | None = None


class Position(NamedTuple):
    """What may stand at one position of a text."""

    stems: frozenset[str] = frozenset()
    words: frozenset[str] = frozenset()
    patterns: frozenset[Pattern] = frozenset()


class Row(NamedTuple):
    """Places in order, and how many positions each one after the first may stand after the one before.

    With `tags`, only what the analyzers with these tags have analysed matches.
    """

    positions: tuple[Position, ...]
    gaps: tuple[int, ...] = ()
    tags: frozenset[str] | None = None


def list_rows(wanted: Wanted) -> Iterator[Row]:
    """What is wanted, as rows: one for all single stems, words and patterns, and one for each phrase."""
    terms = wanted.terms
    # A single character of a script without spaces begins words of two.
    patterns = wanted.patterns | {Pattern("prefix", character) for character in terms.characters}
    words_of: dict[frozenset[str] | None, set[str]] = {None: set()}
    for word, tags in _group_tags(terms.words):
        words_of.setdefault(tags, set()).add(word)
    for tags, words in words_of.items():
        position = Position(words=frozenset(words))
        if tags is None:
            position = position._replace(stems=terms.stems, patterns=patterns)
        if any(position):
            yield Row((position,), tags=tags)
    for stems, slop in sorted(terms.phrases):
        yield Row(tuple(Position(frozenset([stem])) for stem in stems), (slop,) * (len(stems) - 1))
    for written, slop in sorted(terms.exact):
        known = dict(_group_tags({*written}))
        row = [strip_tag(word) for word in written]
        if all(word in known for word in row):
            positions = tuple(Position(words=frozenset([word])) for word in row)
            yield Row(positions, (slop,) * (len(row) - 1), next(filter(None, known.values()), None))


def _group_tags(words: Iterable[str]) -> Iterator[tuple[str, frozenset[str] | None]]:
    """The words without tags, each with all tags that it has, and None if texts of any analyzer match.

    A word with a tag matches where its stem has this tag: one whose stem has none, such as a number, matches
    nothing with the tag of a language, and everywhere with the empty tag.
    """
    tags_of: dict[str, set[str]] = {}
    for word in words:
        if TAG not in word:
            yield word, None
            continue
        word, tag = strip_tag(word), get_tag(word)
        has_stem_with_tag = any(get_tag(token.stem) for token in get_analyzer(tag or "en").tokenize(word))
        if has_stem_with_tag:
            tags_of.setdefault(word, set()).add(tag)
        elif not tag:
            yield word, None
    for word, tags in sorted(tags_of.items()):
        yield word, frozenset(tags)


def _select_tag(row: Row, tag: str | None, tagged: Sequence[str]) -> Row | None:
    """What of a row can match in texts of the analyzer with a tag; None if nothing can.

    For the tag None, it is what can match in those of all analyzers that are not `tagged`.
    """
    if row.tags is not None and tag not in row.tags:
        return None

    def is_wanted(stem: str) -> bool:
        own = get_tag(stem)
        return not own or (own == tag if tag is not None else own not in tagged)

    positions = tuple(
        position._replace(stems=frozenset(filter(is_wanted, position.stems))) for position in row.positions
    )
    return row._replace(positions=positions) if all(map(any, positions)) else None


def match_wanted(prefixes: Sequence[str], every: Iterable[Wanted], *, is_coarse: bool = False) -> Dsl:
    """The articles that have anything wanted in a field with one of the prefixes.

    If `is_coarse`, the words of a phrase may stand anywhere in the field.
    """
    rows_of: dict[tuple[frozenset[str] | None, frozenset[str] | None], list[Row]] = {}
    for wanted in every:
        for row in list_rows(wanted):
            rows_of.setdefault((wanted.bases, row.tags), []).append(row)
    match = _match_positions if is_coarse else match_row
    return match_any(
        match_all(
            [
                match_any(query for prefix in prefixes for row in rows for query in match(prefix, row)),
                EVERYTHING if tags is None else match_tags(tags),
                EVERYTHING if bases is None else match_bases(bases),
            ]
        )
        for (bases, tags), rows in rows_of.items()
    )


def match_near(prefixes: Sequence[str], parts: Sequence[Sequence[Wanted]], distances: Sequence[int]) -> Dsl:
    """The articles in which parts stand near each other, in a field with one of the prefixes.

    Of more than two parts, each two neighbours do, but perhaps not all in one chain; see `is_exact_near`.
    """
    every = [[row for wanted in part for row in list_rows(wanted)] for part in parts]
    tagged = sorted({tag for rows in every for row in rows for tag in row.tags or ()})
    found: list[Dsl] = []
    # Where words have tags, what one analyzer has made is looked for in its own articles.
    for tag in (*tagged, None):
        selected = [[row for own in rows if (row := _select_tag(own, tag, tagged))] for rows in every]
        limit = EVERYTHING if tag is None else match_tags([tag])
        for prefix in prefixes:
            pairs = (
                match_any(_match_pair(prefix, first, second, gap))
                for (first, second), gap in zip(pairwise(selected), distances, strict=True)
            )
            found.append(match_all([*pairs, limit]))
    limited = (
        match_wanted(prefixes, part) for part in parts if any(wanted.bases is not None for wanted in part)
    )
    return match_all([match_any(found), *limited])


def match_beside(prefixes: Sequence[str], parts: Sequence[Sequence[Wanted]], _: Sequence[int] = ()) -> Dsl:
    """The articles that have all parts in a field with one of the prefixes, anywhere."""
    return match_any(
        match_all(match_wanted([prefix], part, is_coarse=True) for part in parts) for prefix in prefixes
    )


def has_patterns(part: Iterable[Wanted]) -> bool:
    """Whether a part stands for words that only the cluster knows: perhaps too many for a span query."""
    return any(wanted.patterns or wanted.terms.characters for wanted in part)


def is_exact_pattern(pattern: Pattern) -> bool:
    """Whether the cluster can match a pattern as it is."""
    return _simplify_wildcard(pattern.text) == cut_prefix(pattern.text) == pattern.text


def is_exact_near(parts: Sequence[Sequence[Wanted]]) -> bool:
    """Whether the cluster can find no article for NEAR that the engine does not.

    It may find more for chains of three and more parts; for patterns; for phrases with gaps, of which the
    engine takes the shortest that end at a position; and for quotations that match in other forms in some
    languages only.
    """
    rows = [row for part in parts for wanted in part for row in list_rows(wanted)]
    return (
        len(parts) == 2
        and not any(map(has_patterns, parts))
        and all(set(row.gaps) <= {SIDE_BY_SIDE} for row in rows)
        and all(wanted.bases is None for part in parts for wanted in part)
    )


def match_row(prefix: str, row: Row) -> Iterator[Dsl]:
    """The articles that have a row in the field with a prefix: any of these queries."""
    if len(row.positions) == 1:
        (position,) = row.positions
        for name, terms in ((STEMS, position.stems), (WORDS, position.words)):
            if terms:
                yield {"terms": {f"{prefix}.{name}": sorted(terms)}}
        yield from (_match_pattern(f"{prefix}.{WORDS}", pattern) for pattern in sorted(position.patterns))
    elif set(row.gaps) == {SIDE_BY_SIDE}:
        # One of the two is empty everywhere. No term has white space.
        name = STEMS if row.positions[0].stems else WORDS
        yield {
            "match_phrase": {
                f"{prefix}.{name}": " ".join(term for own in row.positions for term in own[0] | own[1])
            }
        }
    else:
        yield _span_row(prefix, row)


def _match_positions(prefix: str, row: Row) -> Iterator[Dsl]:
    """The articles that have what may stand at each position of a row, but anywhere."""
    yield match_all(match_any(match_row(prefix, Row((position,)))) for position in row.positions)


def _match_pair(prefix: str, first: Sequence[Row], second: Sequence[Row], gap: int) -> Iterator[Dsl]:
    """The articles in which one of some rows stands at most `gap` positions before or after one of others.

    The cluster takes the first span that follows another one and never goes back. So spans are nested to the
    right, where only their starts count; and those on the left side of a gap are all of one width.
    """
    for before, after in ((first, second), (second, first)) if first and second else ():
        following = _span_any(_span_row(prefix, row) for row in after)
        by_width: dict[int, list[Dsl]] = {}
        for row in before:
            if set(row.gaps) <= {SIDE_BY_SIDE}:
                by_width.setdefault(len(row.positions), []).append(_span_row(prefix, row))
            else:
                yield _chain(
                    prefix,
                    row.positions,
                    row.gaps,
                    _span_near([_span_position(prefix, row.positions[-1]), following], gap),
                )
        for spans in by_width.values():
            yield _span_near([_span_any(spans), following], gap)


def _span_row(prefix: str, row: Row) -> Dsl:
    """The spans of a row."""
    return _chain(prefix, row.positions, row.gaps, _span_position(prefix, row.positions[-1]))


def _chain(prefix: str, positions: Sequence[Position], gaps: Sequence[int], last: Dsl) -> Dsl:
    """The spans in which positions follow one another within the gaps, with these spans for the last one."""
    for position, gap in zip(reversed(positions[:-1]), reversed(gaps), strict=True):
        last = _span_near([_span_position(prefix, position), last], gap)
    return last


def _span_near(spans: Sequence[Dsl], gap: int) -> Dsl:
    return {"span_near": {"clauses": spans, "slop": gap - 1, "in_order": True}}


def _span_any(spans: Iterable[Dsl]) -> Dsl:
    found = [*spans]
    return found[0] if len(found) == 1 else {"span_or": {"clauses": found}}


def _span_position(prefix: str, position: Position) -> Dsl:
    """The spans of what may stand at a position; those of words are taken for spans of stems."""
    stems, words = f"{prefix}.{STEMS}", f"{prefix}.{WORDS}"
    found: list[Dsl] = [{"span_term": {stems: stem}} for stem in sorted(position.stems)]
    for word in sorted(position.words):
        found.append({"field_masking_span": {"query": {"span_term": {words: word}}, "field": stems}})
    return _span_any(found)


def _match_pattern(field: str, pattern: Pattern) -> Dsl:
    """The words in a field that match a pattern."""
    kind, text, edits = pattern
    how: dict[str, Any] = {"value": cut_prefix(text), "rewrite": "constant_score"}
    if kind == "wildcard":
        how["value"] = _simplify_wildcard(text).replace("\\", "\\\\")
    elif kind == "fuzzy":
        how |= {"fuzziness": edits, "max_expansions": limits.EXPANSION, "transpositions": True}
    return {kind: {field: how}}


@lru_cache(maxsize=1024)
def _simplify_wildcard(pattern: str) -> str:
    """The pattern, or one that matches more where the cluster would refuse it.

    That one has stars instead of question marks after the first star, or nothing after it.
    """
    head, star, rest = pattern.partition("*")
    with_stars = head + star + re.sub(r"[*?]+", "*", rest)
    return next(filter(_is_small, (pattern, with_stars)), head[:_MAX_HEAD] + "*")


def _is_small(pattern: str) -> bool:
    """Whether a cluster makes the automaton of a pattern deterministic without too much effort.

    Lucene counts the states of which each state of the new automaton consists (`Operations.determinize`), and
    does so again for the bytes of the letters. Here, a state is how much of the pattern may have been read,
    a bit for each number of letters; and each letter that leads on stands for some states of bytes.
    """
    read, loops, unknown = 1, 0, 0
    letters: dict[str, int] = {}
    for letter in pattern:
        if letter == "*":
            loops |= read
            continue
        if letter == "?":
            unknown |= read
        else:
            letters[letter] = letters.get(letter, 0) | read
        read <<= 1
    effort = 0
    seen, left = {1}, [1]
    while left:
        state = left.pop()
        steps = [0, *(own & state for own in letters.values() if own & state)]
        effort += state.bit_count() + _STATES_OF_BYTES * len(steps)
        if effort > _MAX_EFFORT:
            return False
        always = state & loops | (state & unknown) << 1
        new = {always | step << 1 for step in steps} - seen
        seen |= new
        left += new
    return True

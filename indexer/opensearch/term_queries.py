"""From a word, phrase or pattern to the query DSL: what `TermReader` looks up, the cluster matches."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from indexer.engine import TermSet, analyze_text, is_marked, list_candidates, normalize_pattern
from indexer.opensearch.dsl import EVERYTHING, NOTHING, Dsl, match_all, match_any, match_tags
from indexer.opensearch.mapping import CAPITALS, list_text_fields
from indexer.opensearch.rows import (
    SIDE_BY_SIDE,
    Pattern,
    Wanted,
    has_patterns,
    is_exact_near,
    is_exact_pattern,
    match_beside,
    match_near,
    match_wanted,
)
from indexer.query import Alternatives, FuzzyTerm, Near, Or, Prefix, RawPhrase, Term, Wildcard, is_whole
from indexer.text.analyzer import Analyzer, get_analyzer
from indexer.text.unspaced import is_unspaced

CountArticles = Callable[[Sequence[Dsl]], Sequence[Mapping[str, int]]]
"""Counts the articles in each base language that match each of some queries."""
_MAX_COUNTED = 1000
"""The most forms of the words of a query of which the cluster is asked which it has."""
Analyzers = tuple[Analyzer, ...]
_Key = tuple[str, TermSet]
"""A field and terms."""


@dataclass(slots=True)
class LeafReader:
    """Reads the leaves of one tree; see `TermReader`, which looks up the same in an index on the disk.

    `languages` are the base languages of all articles. If it `is_coarse`, words of a phrase and parts of NEAR
    may stand anywhere in the article. `is_exact` becomes false when a query does not match quite the articles
    that it should.
    """

    languages: Sequence[str]
    count: CountArticles
    text_names: tuple[str, ...] = ()
    variants: bool = True
    neighbours: Mapping[str, Sequence[str]] = field(default_factory=dict)
    is_coarse: bool = False
    is_exact: bool = True
    _counts: dict[_Key, Mapping[str, int]] = field(default_factory=dict)
    _known: dict[tuple[Any, Analyzers], tuple[Wanted, ...]] = field(default_factory=dict)

    def match(self, node: Any, analyzers: Analyzers, *, is_excluded: bool = False) -> Dsl:
        """The articles that have a leaf, read by some analyzers.

        If the query is not exact, it matches too many articles, or if `is_excluded`, too few: what matches
        the whole tree is always among what is found.
        """
        is_coarse = self.is_coarse and not is_excluded
        if not isinstance(node, Near):
            every = self.read(node, analyzers)
            has_phrases = any(wanted.terms.phrases or wanted.terms.exact for wanted in every)
            is_simple = all(is_exact_pattern(pattern) for wanted in every for pattern in wanted.patterns)
            if (is_coarse and has_phrases) or not is_simple:
                self.is_exact = False
                if is_excluded:
                    return NOTHING
            return self.match_wanted(node.fieldname, every, is_coarse=is_coarse)
        parts = [
            [wanted for leaf in _list_alternatives(part) for wanted in self.read(leaf, analyzers)]
            for part in node.parts
        ]
        if is_coarse or not is_exact_near(parts):
            self.is_exact = False
            if is_excluded:
                return NOTHING
        match = match_beside if is_coarse or any(map(has_patterns, parts)) else match_near
        return match(list_text_fields(node.fieldname, self.text_names), parts, node.distances)

    def match_wanted(self, field: str, every: Iterable[Wanted], *, is_coarse: bool = False) -> Dsl:
        """The articles that have anything wanted in a field."""
        return match_wanted(list_text_fields(field, self.text_names), every, is_coarse=is_coarse)

    def match_capitals(self, field: str, text: str, analyzers: Analyzers) -> Dsl:
        """The articles that have a word in capitals."""
        prefixes = list_text_fields(field, self.text_names)
        tags_of: dict[str, list[str]] = {}
        for analyzer in analyzers:
            tokens = analyzer.tokenize(text, query=True)
            if len(tokens) == 1:
                tags_of.setdefault(tokens[0].word, []).append(analyzer.language)
        return match_any(
            match_all(
                [
                    match_any({"term": {f"{prefix}.{CAPITALS}": word}} for prefix in prefixes),
                    match_tags(tags) if len(tags_of) > 1 else EVERYTHING,
                ]
            )
            for word, tags in tags_of.items()
        )

    def read(self, node: Any, analyzers: Analyzers) -> list[Wanted]:
        """What a leaf other than NEAR stands for, without what is known to match nothing."""
        found = self._known.get((node, analyzers))
        if found is None:
            found = self._known[node, analyzers] = self._read(node, analyzers)
        return [replace(wanted, terms=self._drop_missing(node.fieldname, wanted.terms)) for wanted in found]

    def count_quotations(self, leaves: Iterable[Any], analyzers: Analyzers) -> None:
        """Count, at once, the articles that have as written what some leaves quote."""
        self._count(key for leaf in leaves for key in _list_quotations(leaf, analyzers))

    def count_forms(self, leaves: Iterable[Any], analyzers: Analyzers) -> None:
        """Count, at once, the articles that have each form of some leaves, so that missing ones are known.

        If there are too many forms, no variants are searched for.
        """
        keys: dict[_Key, None] = {}
        for leaf in leaves:
            is_near = isinstance(leaf, Near)
            for own in _list_words(leaf):
                for wanted in self.read(own, analyzers):
                    every = _split(wanted.terms, has_stems=is_near)
                    keys |= {(own.fieldname, terms): None for terms in every}
        if len(keys) > _MAX_COUNTED:
            self.variants = self.is_exact = False
            self._known.clear()
        else:
            self._count(keys)

    def _read(self, node: Any, analyzers: Analyzers) -> tuple[Wanted, ...]:
        field, text = node.fieldname, node.text
        match node:
            case Term():
                return self._read_word(field, text, analyzers)
            case RawPhrase(exact=True):
                return (Wanted(analyze_text(text, node.slop, analyzers, exact=True)),)
            case RawPhrase():
                return self._read_quotation(field, text, node.slop, analyzers)
            case Alternatives():
                own = self._read_word(field, text, analyzers) if node.includes_text else ()
                others = (analyze_text(other, SIDE_BY_SIDE, analyzers) for other in node.others)
                return (*own, *map(Wanted, others))
            case FuzzyTerm():
                return _want_pattern("fuzzy", text, node.maxdist)
            case Prefix() if is_unspaced(text):
                return self._read_word(field, text, analyzers)
            case Prefix():
                return _want_pattern("prefix", text)
            case Wildcard():
                return _want_pattern("wildcard", text)
        raise TypeError(f"no translation of {node!r}")

    def _read_word(self, field: str, text: str, analyzers: Analyzers) -> tuple[Wanted, ...]:
        """A word in any form, with its variants."""
        if analyzers and is_marked(analyzers[0].tokenize(text, query=True)):
            return self._read_quotation(field, text, SIDE_BY_SIDE, analyzers)
        own = Wanted(analyze_text(text, SIDE_BY_SIDE, analyzers))
        if not self.variants or is_whole(text):
            return (own,)
        # Those that no article has match nothing.
        every = {
            tuple(token.stem for token in analyzer.tokenize(variant))
            for analyzer in analyzers
            for variant in list_candidates(analyzer, text, self.neighbours.get(text, ()))
        }
        variants = TermSet(
            stems=frozenset(row[0] for row in every if len(row) == 1),
            phrases=frozenset((row, SIDE_BY_SIDE) for row in every if len(row) > 1),
        )
        return (own, Wanted(variants)) if every else (own,)

    def _read_quotation(self, field: str, text: str, slop: int, analyzers: Analyzers) -> tuple[Wanted, ...]:
        """A text as written; in the languages in which no article has it so, in any form."""
        written = analyze_text(text, slop, analyzers, exact=True)
        self._count([(field, written)])
        counts = self._counts[field, written]
        lacking = [language for language in self.languages if not counts.get(language)]
        if not lacking:
            return (Wanted(written),)
        own = set(map(get_analyzer, lacking))
        forms = analyze_text(text, slop, [analyzer for analyzer in analyzers if analyzer in own])
        if len(lacking) == len(self.languages):
            return (Wanted(forms),)
        return Wanted(written), Wanted(forms, bases=frozenset(lacking))

    def _count(self, keys: Iterable[_Key]) -> None:
        new = [key for key in dict.fromkeys(keys) if key not in self._counts]
        if new:
            found = self.count([self.match_wanted(field, [Wanted(terms)]) for field, terms in new])
            self._counts.update(zip(new, found, strict=True))

    def _drop_missing(self, field: str, terms: TermSet) -> TermSet:
        """The terms without stems and phrases that have been counted, and that no article has."""
        missing = [one for one in _split(terms) if not self._counts.get((field, one), True)]
        if not missing:
            return terms
        dropped = TermSet.of(missing)
        return TermSet(
            stems=terms.stems - dropped.stems,
            words=terms.words,
            phrases=terms.phrases - dropped.phrases,
            characters=terms.characters,
            exact=terms.exact - dropped.exact,
        )


def _split(terms: TermSet, *, has_stems: bool = True) -> Iterator[TermSet]:
    """Each stem and each phrase of some terms alone."""
    for stem in terms.stems if has_stems else ():
        yield TermSet(stems=frozenset([stem]))
    for phrase in terms.phrases:
        yield TermSet(phrases=frozenset([phrase]))
    for phrase in terms.exact:
        yield TermSet(exact=frozenset([phrase]))


def _list_alternatives(part: Any) -> list[Any]:
    """The leaves that a part of NEAR has."""
    return [*part] if isinstance(part, Or) else [part]


def _list_words(node: Any) -> Iterator[Any]:
    """The leaves that stand for words: those of the parts of NEAR, or the leaf itself."""
    for part in node.parts if isinstance(node, Near) else [node]:
        yield from _list_alternatives(part)


def _list_quotations(node: Any, analyzers: Analyzers) -> Iterator[_Key]:
    """What a leaf wants as written, if any article has it so."""
    for leaf in _list_words(node):
        match leaf:
            case RawPhrase(exact=False):
                yield leaf.fieldname, analyze_text(leaf.text, leaf.slop, analyzers, exact=True)
            case Term() | Alternatives() if analyzers:
                if is_marked(analyzers[0].tokenize(leaf.text, query=True)):
                    yield leaf.fieldname, analyze_text(leaf.text, SIDE_BY_SIDE, analyzers, exact=True)


def _want_pattern(kind: Literal["prefix", "wildcard", "fuzzy"], text: str, edits: int = 0) -> tuple[Wanted]:
    return (Wanted(patterns=frozenset([Pattern(kind, normalize_pattern(text), edits)])),)

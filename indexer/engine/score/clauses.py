"""The clauses of a query: which must hold, which may be missing, and what evaluation gives back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from msgspec import Struct
from whoosh.query.compound import And, Or
from whoosh.query.qcore import Every, NullQuery, Query
from whoosh.query.terms import Term
from whoosh.query.wrappers import Not

from indexer.engine.format.arrays import Ids
from indexer.engine.score.bm25f import ScoredTerm
from indexer.engine.score.matches import NOTHING, Matches
from indexer.engine.score.proximity import Pair
from indexer.query import (
    AllOf,
    DateRange,
    Filter,
    Must,
    Near,
    RawPhrase,
    has_words,
    list_clauses,
    make_near,
    serialize_query,
)
from indexer.text.analyzer import Analyzer, get_analyzer
from indexer.text.languages import stop_words
from indexer.text.unspaced import is_unspaced


def common_words(texts: Sequence[str], spoken: Sequence[str]) -> list[str]:
    """The common words of the language that has the most of them here, or of the first that has."""
    found = [[text for text in texts if is_common(text, language)] for language in spoken]
    return max(found, key=len, default=[])


def is_common(text: str, language: str) -> bool:
    """Whether a word says little in a language; l'on and d'un are as common as on and un."""
    common = stop_words(language)
    tokens = get_analyzer(language).tokenize(text) if common else []
    return bool(tokens) and all(token.word in common for token in tokens)


class OptionalClause(NamedTuple):
    """What a partial match may lack: as a person would write it, and the articles that have it.

    `shared` is how many characters it has in common with the one before, of whose run it is a part.
    """

    label: str
    articles: Ids
    shared: int = 0


class TermPart(NamedTuple):
    """A part of a word that is several in truth: of which clause, and how much it adds to a partial match."""

    part: Query
    scored: ScoredTerm
    weight: float
    shared: int


class QueryMatches(Struct, frozen=True, eq=False):
    """What a query found: articles that meet it, and articles that lack some of its words.

    `leaves` are what may be marked, `pieces` what may be marked besides in a partial match. With `is_cut`,
    time was up: all of these are fewer than they may be, never wrong.
    """

    full: Matches
    partial: Matches
    leaves: tuple[ScoredTerm, ...]
    pieces: tuple[TermPart, ...]
    wanted: tuple[OptionalClause, ...]
    notes: tuple[str, ...]
    is_cut: bool = False
    plain: tuple[Matches, Matches] = (NOTHING, NOTHING)
    """The full and the partial matches with the scores that they have without pairs of words."""
    pairs: tuple[Pair, ...] = ()


class QueryClauses(NamedTuple):
    """The clauses of a query: those that must hold, how often each that may be lacking stands, and the rest.

    `left_out` are common words, and what has no letters.
    """

    hard: list[Query]
    soft: dict[Query, int]
    left_out: list[Query]


_HARD = (Must, Not, DateRange, Filter, Every)


@dataclass(slots=True)
class ClauseReader:
    """How the trees of a query are read.

    The common words of the `spoken` languages are not asked for; `notes` collects what was left out.
    """

    analyzers: Sequence[Analyzer]
    spoken: Sequence[str]
    notes: list[str]

    def asked(self, tree: Query) -> QueryClauses:
        """What is asked for by a tree, clause by clause."""
        heard: Any = self.audible(tree) or NullQuery
        if type(heard) is AllOf:
            hard, soft = self.clauses(list(heard))
        else:
            hard, soft = [*heard] if type(heard) is And else [heard], {}
        parts: list[Query] = [*tree] if isinstance(tree, And) else [tree]
        unheard = [part for part in parts if self.audible(part) is None]
        common = [part for part in heard if part not in soft and part not in hard] if soft else []
        return QueryClauses(hard, soft, [*dict.fromkeys([*common, *unheard])])

    def audible(self, node: Query) -> Query | None:
        """The tree without leaves that have nothing to search for, such as an emoji."""
        text = getattr(node, "text", None)
        if isinstance(node, Near):
            parts = [self.audible(part) for part in node.parts]
            return make_near(parts, node.distances, node.boost)
        if type(node) in (Term, RawPhrase) and isinstance(text, str):
            if any(analysis.tokenize(text, query=True) for analysis in self.analyzers):
                return node
            self.notes.append(f"“{text}” has no letters or digits and was left out.")
            return None
        if isinstance(node, (And, Or)):
            kept = [part for part in map(self.audible, node) if part is not None]
            if kept and all(isinstance(part, Not) for part in kept):
                return And([Every(), *kept])
            return type(node)(kept) if len(kept) > 1 else kept[0] if kept else None
        if isinstance(node, Not):
            return node if self.audible(node.query) is not None else None
        if isinstance(node, Must):
            return node if self.audible(node.child) is not None else None
        return node

    def clauses(self, tree: Sequence[Query]) -> tuple[list[Query], dict[Query, int]]:
        """The clauses that must hold, and how often each clause occurs that may be lacking."""
        hard: list[Query] = []
        soft: list[Query] = []
        for part in tree:
            (hard if _is_hard(part) else soft).append(part)
        common = self._common(soft)
        if common and len(common) < len(soft):
            soft = [part for part in soft if part not in common]
            names = [serialize_query(part) for part in common]
            listed = list_clauses(names)
            self.notes.append(f"Ignored common words: {listed}. To require one, write +{names[0]}.")
        return hard, Counter(soft)

    def words_within(self, part: Any) -> list[str]:
        """The words of a phrase, or of a compound such as covid-19, without common ones; else none."""
        is_phrase = isinstance(part, RawPhrase) and part.fieldname == "text" and not part.exact
        if not (is_phrase or is_word(part)):
            return []
        several = [
            tokens
            for analysis in self.analyzers
            if len(tokens := analysis.tokenize(part.text, query=True)) > 1
        ]
        words = dict.fromkeys(token.word for tokens in several for token in tokens)
        if is_word(part):
            # The parts of a run are looked for as words are.
            words = {word: None for word in words if not is_unspaced(word)}
        return [word for word in words if not self.is_common(Term("text", word))]

    def is_common(self, part: Any) -> bool:
        """Whether a clause is a common word."""
        return is_word(part) and any(is_common(part.text, language) for language in self.spoken)

    def _common(self, parts: Sequence[Query]) -> list[Query]:
        """The common words."""
        terms: list[Any] = [part for part in parts if is_word(part)]
        common = common_words([part.text for part in terms], self.spoken)
        return [part for part in terms if part.text in common]


def _is_hard(part: Query) -> bool:
    """Whether a clause must hold: also alternatives of filters, which leave nothing to be had in part."""
    return isinstance(part, _HARD) or not has_words(part)


def is_word(node: Any) -> bool:
    """Whether a leaf is a word, asked for wherever it stands."""
    return type(node) is Term and node.fieldname == "text"

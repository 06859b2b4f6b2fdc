"""A query tree to matching articles, as array operations."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from whoosh.query.compound import And, Or
from whoosh.query.qcore import Every, NullQuery, Query
from whoosh.query.terms import FuzzyTerm, Prefix, Term, Wildcard
from whoosh.query.wrappers import Not

from indexer.analysis import analyzer, fold, stop_words
from indexer.engine.arrays import NOTHING, Matches, intersect, plus, subtract, unite, unscored
from indexer.engine.filters import passing
from indexer.engine.leaves import Leaf, Leaves
from indexer.engine.moments import NO_MOMENT, moment
from indexer.engine.neighbours import DEPTH, Pair, in_a_row, pair, raised
from indexer.engine.postings import Ids
from indexer.engine.scoring import COMPOUND, NEARNESS, ScoredLeaf, coverage, score_leaf, within_reach
from indexer.engine.snapshot import Snapshot
from indexer.query import AllOf, Alternatives, DateRange, Filter, Must, Near, RawPhrase, near

_FIELDS = {"text": ("title", "paragraph"), "title": ("title",), "paragraph": ("paragraph",)}
_HARD = (Must, Not, DateRange, Filter, Every)


@dataclass(frozen=True, slots=True)
class Found:
    """What a query found: articles that meet it, and articles that lack some of its words.

    `leaves` are what may be marked; `wanted` are the clauses that a partial match may lack, each with its
    label and its articles.
    """

    full: Matches
    partial: Matches
    leaves: tuple[ScoredLeaf, ...]
    wanted: tuple[tuple[str, Ids], ...]
    notes: tuple[str, ...]


@dataclass(slots=True)
class Evaluation:
    """One run of one query tree over one snapshot."""

    snapshot: Snapshot
    languages: Sequence[str]
    leaves: list[ScoredLeaf] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    _lookup: Leaves = field(init=False)
    _words: dict[str, ScoredLeaf] = field(default_factory=dict)
    """The words that were looked up in all fields, as typed."""

    def __post_init__(self) -> None:
        self._lookup = Leaves(self.snapshot, self.languages, self.notes)

    def run(
        self,
        tree: Query,
        *,
        enough: int,
        depth: int | None = None,
        besides: Ids | None = None,
        within: Ids | None = None,
    ) -> Found:
        """Evaluate a tree; partial matches are looked for when fewer than `enough` articles meet it.

        With `depth`, only so many of the best of either are to be scored fully; the scores of others may lack
        what words that stand together add, but never so that they would be among those. Articles that are in
        `besides` (ascending) are always scored fully, and do not count for `depth`. With `within`
        (ascending), no other articles are found.
        """
        kept = [] if within is None else [unscored(within)]
        partial = NOTHING
        wanted: list[tuple[str, Ids]] = []
        tree = self._audible(tree) or NullQuery
        if type(tree) is AllOf:
            hard, soft = self._clauses(tree)
            filters = [*kept, *(self._match(part) for part in hard if not isinstance(part, Not))]
            words = [self._match_times(part, count) for part, count in soft.items()]
            without = [self._match(part.query, mark=False) for part in hard if isinstance(part, Not)]
            full = _take_away(intersect([*words, *filters]), without)
            if len(full) < enough and len(words) > 1:
                any_word = unite(words, self.snapshot.articles)
                any_word = intersect([any_word, *filters]) if filters else any_word
                partial = subtract(_take_away(any_word, without), full.articles)
                wanted = [(_label(part), match.articles) for part, match in zip(soft, words, strict=True)]
        else:
            full = self._match(tree)
            full = intersect([full, *kept]) if kept else full
        leaves = tuple(self.leaves)
        pairs: list[Pair] = []
        if type(tree) is AllOf:
            full, partial = self._with_words_within(soft, full, partial)
            pairs = self._pairs(tree, soft)
            # The best are looked at once more: which they are must not hang on what a page shows.
            depth = depth if depth is None or not pairs else max(depth, DEPTH)
        if len(leaves) > 1:
            full, partial = self._raised(leaves, full, partial, depth, besides)
        full, partial = raised(self.snapshot, (full, partial), pairs)
        notes = tuple(dict.fromkeys(self.notes))
        return Found(full, partial, leaves, tuple(wanted), notes)

    def _raised(
        self,
        leaves: Sequence[ScoredLeaf],
        full: Matches,
        partial: Matches,
        depth: int | None,
        besides: Ids | None,
    ) -> tuple[Matches, Matches]:
        """The matches with higher scores where words stand together."""
        places = [within_reach(found, depth, besides) for found in (full, partial)]
        articles = [full.articles[places[0]], partial.articles[places[1]]]
        share = coverage(self.snapshot, leaves, np.concatenate(articles))
        factor = 1 + NEARNESS * share
        full_scores, partial_scores = full.scores.copy(), partial.scores.copy()
        full_scores[places[0]] *= factor[: len(articles[0])]
        partial_scores[places[1]] *= factor[len(articles[0]) :]
        return Matches(full.articles, full_scores), Matches(partial.articles, partial_scores)

    def _with_words_within(
        self, soft: Mapping[Query, int], full: Matches, partial: Matches
    ) -> tuple[Matches, Matches]:
        """The matches with higher scores where they have words of phrases and compounds by themselves."""
        for part, times in soft.items() if len(soft) > 1 else ():
            for word in self._words_within(part):
                scored = score_leaf(self.snapshot, self._lookup.word(_FIELDS["text"], word))
                weight = COMPOUND * times * getattr(part, "boost", 1.0)
                full, partial = (plus(each, scored.matches, weight) for each in (full, partial))
        return full, partial

    def _pairs(self, tree: AllOf, soft: Mapping[Query, int]) -> list[Pair]:
        """The words of the query that stand side by side in it."""
        # A common word that was not asked for parts nothing: "theory of plates".
        rows: list[Any] = [part for part in tree if part in soft or not self._is_common(part)]
        words = in_a_row([part if part in soft and _is_word(part) else None for part in rows])
        # The same words with other boosts are the same pair.
        boosts = {(a.text, b.text): min(a.boost, b.boost) for a, b in reversed(words)}
        pairs = [
            pair(self.snapshot, self.languages, texts, (self._words[texts[0]], self._words[texts[1]]), boost)
            for texts, boost in boosts.items()
        ]
        return [two for two in pairs if two is not None]

    def _words_within(self, part: Any) -> list[str]:
        """The words of a phrase, or of a compound such as covid-19, without common ones; else none."""
        is_phrase = isinstance(part, RawPhrase) and part.fieldname == "text" and not part.exact
        if not (is_phrase or _is_word(part)):
            return []
        several = [
            tokens
            for language in self.languages
            if len(tokens := analyzer(language).tokens(part.text, query=True)) > 1
        ]
        words = dict.fromkeys(token.word for tokens in several for token in tokens)
        return [word for word in words if not self._is_common(Term("text", word))]

    def _audible(self, node: Query) -> Query | None:
        """The tree without leaves that have nothing to search for, such as an emoji."""
        text = getattr(node, "text", None)
        if isinstance(node, Near):
            parts = [self._audible(part) for part in node.parts]
            return near(parts, node.distances, node.boost)
        if type(node) in (Term, RawPhrase) and isinstance(text, str):
            if any(analyzer(language).tokens(text, query=True) for language in self.languages):
                return node
            self.notes.append(f"“{text}” has no letters or digits and was left out.")
            return None
        if isinstance(node, (And, Or)):
            kept = [part for part in map(self._audible, node) if part is not None]
            if kept and all(isinstance(part, Not) for part in kept):
                return And([Every(), *kept])
            return type(node)(kept) if len(kept) > 1 else kept[0] if kept else None
        if isinstance(node, Not):
            return node if self._audible(node.query) is not None else None
        if isinstance(node, Must):
            return node if self._audible(node.child) is not None else None
        return node

    def _clauses(self, tree: AllOf) -> tuple[list[Query], dict[Query, int]]:
        """The clauses that must hold, and how often each clause occurs that may be lacking."""
        hard: list[Query] = [part for part in tree if isinstance(part, _HARD)]
        soft: list[Query] = [part for part in tree if not isinstance(part, _HARD)]
        common = [part for part in soft if self._is_common(part)]
        if common and len(common) < len(soft):
            soft = [part for part in soft if part not in common]
            names = ", ".join(dict.fromkeys(f"“{_label(part)}”" for part in common))
            self.notes.append(f"Common words were not asked for: {names}. Put + before a word to require it.")
        return hard, Counter(soft)

    def _match_times(self, node: Query, times: int) -> Matches:
        found = self._match(node)
        return found if times == 1 else Matches(found.articles, found.scores * times)

    def _is_common(self, part: Any) -> bool:
        return _is_word(part) and (
            any(fold(part.text).replace("'", "") in stop_words(language) for language in self.languages)
        )

    def _match(self, node: Query, *, mark: bool = True) -> Matches:
        if isinstance(node, Or):
            return unite([self._match(part, mark=mark) for part in node], self.snapshot.articles)
        if isinstance(node, And):
            without = [self._match(part.query, mark=False) for part in node if isinstance(part, Not)]
            parts = [self._match(part, mark=mark) for part in node if not isinstance(part, Not)]
            return _take_away(intersect(parts or [self._everything()]), without)
        if isinstance(node, Not):
            return subtract(self._everything(), self._match(node.query, mark=False).articles)
        if isinstance(node, Must):
            return self._match(node.child, mark=mark)
        if isinstance(node, DateRange):
            return unscored(self._dated(node))
        if isinstance(node, Filter):
            return unscored(self._passing(node))
        if isinstance(node, Every):
            return self._everything()
        if node is NullQuery:
            return NOTHING
        leaf = self._leaf(node)
        if leaf is None:
            return self._by_whoosh(node)
        scored = score_leaf(self.snapshot, leaf)
        if mark:
            self.leaves.append(scored)
            if isinstance(node, Term) and _is_word(node):
                self._words[node.text] = scored
        found, boost = scored.matches, float(getattr(node, "boost", 1.0))
        return found if boost == 1.0 else Matches(found.articles, found.scores * boost)

    def _leaf(self, node: Query) -> Leaf | None:
        fields = _FIELDS.get(getattr(node, "fieldname", None) or "")
        if fields is None:
            return None
        if isinstance(node, Near):
            parts = [list(part) if isinstance(part, Or) else [part] for part in node.parts]
            found = [[leaf for one in part if (leaf := self._leaf(one))] for part in parts]
            return self._lookup.near(fields, found, node.distances)
        if isinstance(node, RawPhrase):
            lookup = self._lookup.exact if node.exact else self._lookup.phrase
            return lookup(fields, node.text, node.slop)
        # FuzzyTerm, Prefix and Wildcard are no Terms, but their own kinds.
        if type(node) is FuzzyTerm:
            return self._lookup.fuzzy(fields, node.text, node.maxdist)
        if type(node) is Prefix:
            return self._lookup.prefix(fields, node.text)
        if type(node) is Wildcard:
            return self._lookup.wildcard(fields, node.text)
        if type(node) is Term:
            return self._lookup.word(fields, node.text)
        if isinstance(node, Alternatives):
            return self._lookup.alternatives(fields, node.text, node.others, kept=node.kept)
        return None

    def _everything(self) -> Matches:
        return unscored(np.arange(self.snapshot.articles, dtype=np.int32))

    def _dated(self, node: DateRange) -> Ids:
        begins, ends = self.snapshot.begins, self.snapshot.ends
        dated = begins != NO_MOMENT
        low = moment(node.start) if node.start else NO_MOMENT
        high = moment(node.end) if node.end else -NO_MOMENT
        within = dated & (begins >= low) & (ends <= high)
        straddling = int(np.count_nonzero(dated & ~within & (begins < high) & (ends > low)))
        if straddling:
            self.notes.append(
                f"{straddling} more may fall into the dates asked for: only their month or year is known."
            )
        return np.flatnonzero(within).astype(np.int32)

    def _passing(self, node: Filter) -> Ids:
        found = passing(self.snapshot, node.fieldname, node.text)
        if not len(found):
            self.notes.append(f"No article has {node.fieldname}:{node.text}.")
        return found

    def _by_whoosh(self, node: Query) -> Matches:
        docs = self.snapshot.matched_by_whoosh(node)
        return unscored(np.unique(self.snapshot.article_of[docs]))


def _take_away(found: Matches, without: Sequence[Matches]) -> Matches:
    for part in without:
        found = subtract(found, part.articles)
    return found


def _is_word(node: Any) -> bool:
    """Whether a leaf is a word, asked for wherever it stands."""
    return type(node) is Term and node.fieldname == "text"


def _label(node: Any) -> str:
    """A clause as a person would write it."""
    field = "" if getattr(node, "fieldname", "text") == "text" else f"{node.fieldname}:"
    if isinstance(node, Near):
        return f"{field}{' NEAR '.join(map(_label, node.parts))}"
    if isinstance(node, Or) and isinstance(node[-1], Alternatives):
        return _label(node[-1])
    if isinstance(node, Or):
        return f"({' OR '.join(map(_label, node))})"
    if isinstance(node, Filter):
        return f"{node.fieldname}:{node.text}"
    if isinstance(node, RawPhrase):
        if node.exact and " " not in node.text:
            return f"{field}={node.text}"
        return f'{field}{"=" * node.exact}"{node.text}"'
    if type(node) in (Term, Prefix, Wildcard, FuzzyTerm, Alternatives):
        ending = {Prefix: "*", FuzzyTerm: "~"}.get(type(node), "")
        return f"{field}{node.text}{ending}"
    return str(node)

"""The clauses of a query: which are required, which a partial match may miss, and which are dropped."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from whoosh.query.compound import And, Or
from whoosh.query.qcore import Every, NullQuery, Query
from whoosh.query.terms import Term
from whoosh.query.wrappers import Not

from indexer.query import (
    AllOf,
    DateRange,
    Filter,
    Must,
    Near,
    NoteCode,
    RawPhrase,
    has_words,
    list_clauses,
    make_near,
    make_note,
    quote,
    serialize_query,
)
from indexer.results import Note
from indexer.text.analyzer import Analyzer, get_analyzer
from indexer.text.languages import stop_words
from indexer.text.unspaced import is_unspaced


def is_common_word(text: str, languages: Sequence[str]) -> bool:
    """Whether a word as typed has only stop words of one of the languages; l'on is as common as on."""
    return any(_has_only_stop_words(text, language) for language in languages)


def list_common_words(texts: Sequence[str], languages: Sequence[str]) -> list[str]:
    """The common words of the language that has most of them here; of the first such language, if several."""
    found = [[text for text in texts if _has_only_stop_words(text, language)] for language in languages]
    return max(found, key=len, default=[])


def _has_only_stop_words(text: str, language: str) -> bool:
    common = stop_words(language)
    tokens = get_analyzer(language).tokenize(text) if common else []
    return bool(tokens) and all(token.word in common for token in tokens)


class QueryClauses(NamedTuple):
    """The clauses of a query.

    `required` must hold. `optional` are words and phrases that a partial match may miss, and how often each
    is repeated. `dropped` are common words, and clauses without letters or digits.
    """

    required: list[Query]
    optional: dict[Query, int]
    dropped: list[Query]


@dataclass(slots=True)
class ClauseReader:
    """Splits query trees into clauses; `notes` collects which clauses were dropped.

    Stop words of the `main_languages` are dropped where a query has other words.
    """

    analyzers: Sequence[Analyzer]
    main_languages: Sequence[str]
    notes: list[Note]

    def read(self, tree: Query) -> QueryClauses:
        """All clauses of a tree."""
        searchable: Any = self.drop_unsearchable(tree) or NullQuery
        optional: dict[Query, int] = {}
        if type(searchable) is AllOf:
            required, optional = self.split(searchable)
        else:
            required = [*searchable] if type(searchable) is And else [searchable]
        parts: list[Query] = [*tree] if isinstance(tree, And) else [tree]
        unsearchable = [part for part in parts if self.drop_unsearchable(part) is None]
        common = (
            [part for part in searchable if part not in optional and part not in required] if optional else []
        )
        return QueryClauses(required, optional, [*dict.fromkeys([*common, *unsearchable])])

    def drop_unsearchable(self, node: Query) -> Query | None:
        """The tree without words that have no letter or digit, such as an emoji; None if nothing is left."""
        text = getattr(node, "text", None)
        if isinstance(node, Near):
            parts = [self.drop_unsearchable(part) for part in node.parts]
            return make_near(parts, node.distances, node.boost)
        if type(node) in (Term, RawPhrase) and isinstance(text, str):
            if any(analysis.tokenize(text, query=True) for analysis in self.analyzers):
                return node
            self.notes.append(make_note(NoteCode.NOT_SEARCHABLE, {"text": quote(text)}))
            return None
        if isinstance(node, (And, Or)):
            left = [part for part in map(self.drop_unsearchable, node) if part is not None]
            if left and all(isinstance(part, Not) for part in left):
                return And([Every(), *left])
            return type(node)(left) if len(left) > 1 else left[0] if left else None
        if isinstance(node, Not):
            return node if self.drop_unsearchable(node.query) is not None else None
        if isinstance(node, Must):
            return node if self.drop_unsearchable(node.child) is not None else None
        return node

    def split(self, tree: Query) -> tuple[list[Query], dict[Query, int]]:
        """The required clauses, and the optional ones with how often each occurs, without common words."""
        parts: list[Query] = [*tree] if type(tree) is AllOf else [tree]
        required: list[Query] = []
        optional: list[Query] = []
        for part in parts:
            (required if _is_required(part) else optional).append(part)
        words: list[Any] = [part for part in optional if is_word(part)]
        common_texts = list_common_words([word.text for word in words], self.main_languages)
        common = [word for word in words if word.text in common_texts]
        if common and len(common) < len(optional):
            optional = [part for part in optional if part not in common]
            names = [serialize_query(part) for part in common]
            values = {"clauses": list_clauses(names), "first": names[0]}
            self.notes.append(make_note(NoteCode.COMMON_WORDS, values))
        return required, Counter(optional)

    def list_inner_words(self, part: Any) -> list[str]:
        """The words of a phrase, or of a compound such as covid-19, without common words; else nothing."""
        is_phrase = isinstance(part, RawPhrase) and part.fieldname == "text" and not part.exact
        if not (is_phrase or is_word(part)):
            return []
        tokens = [analysis.tokenize(part.text, query=True) for analysis in self.analyzers]
        words = dict.fromkeys(token.word for own in tokens if len(own) > 1 for token in own)
        # The parts of a run without spaces are scored like words of their own (see Evaluation._score_parts).
        return [
            word
            for word in words
            if (is_phrase or not is_unspaced(word)) and not is_common_word(word, self.main_languages)
        ]

    def is_common(self, part: Any) -> bool:
        return is_word(part) and is_common_word(part.text, self.main_languages)


def is_word(node: Any) -> bool:
    """Whether a node is a word that is searched for in title and text."""
    return type(node) is Term and node.fieldname == "text"


def _is_required(part: Query) -> bool:
    # Alternatives of filters are required too: an article meets them or not.
    return isinstance(part, (Must, Not, DateRange, Filter, Every)) or not has_words(part)

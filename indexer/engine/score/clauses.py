"""The clauses of a query: which are required, which a partial match may miss, and which are ignored.

Which words are common depends on the language: the German "war" is, the English one is not. So clauses side
by side mean something else for the articles of each language (`Reading`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from whoosh.query.compound import And, Or
from whoosh.query.qcore import Every, NullQuery, Query
from whoosh.query.terms import Term
from whoosh.query.wrappers import Not

from indexer.engine.format.arrays import Ids, Values
from indexer.engine.read.statistics import LanguageStatistics
from indexer.query import (
    AllOf,
    FilterNode,
    Must,
    Near,
    NoteCode,
    RawPhrase,
    has_words,
    is_whole,
    list_clauses,
    make_near,
    make_note,
    quote,
    serialize_query,
)
from indexer.results import Note, NoteValue
from indexer.text.analyzer import Analyzer, get_analyzer
from indexer.text.languages import stop_words
from indexer.text.unspaced import is_unspaced


def is_common_word(text: str, language: str) -> bool:
    """Whether a word as typed has only stop words of a language; l'on is as common as on."""
    common = stop_words(language)
    if not common or (text.isascii() and text.isalpha()):
        # Plain words are the same in every language.
        return text.lower() in common
    tokens = get_analyzer(language).tokenize(text)
    return bool(tokens) and all(token.word in common for token in tokens)


def list_ignored(
    clauses: Sequence[Any], languages: Sequence[str], every_kept: Sequence[frozenset[str]]
) -> list[frozenset[str]]:
    """The words among clauses side by side that are ignored in the articles of each language.

    Common words of a language are ignored there, unless there are no other clauses or they are among those
    in `every_kept`, which has the words of each language that are kept.
    """
    texts = [part.text if is_word(part) else None for part in clauses]
    found = []
    for language, kept in zip(languages, every_kept, strict=True):
        common = frozenset(
            text for text in texts if text is not None and text not in kept and is_common_word(text, language)
        )
        found.append(common if any(text not in common for text in texts) else frozenset())
    return found


def count_words(tree: Query, languages: Sequence[str], every_kept: Sequence[frozenset[str]]) -> Values:
    """How many words, phrases and patterns of a tree count in each language: float64, at least 1."""
    total = sum(1 for _ in iter_words(tree))
    parts: list[Any] = [*tree] if type(tree) is AllOf else []
    optional = [part for part in parts if not _is_required(part)]
    ignored = [
        sum(is_word(part) and part.text in common for part in optional)
        for common in list_ignored(optional, languages, every_kept)
    ]
    return np.maximum(total - np.array(ignored, np.float64), 1.0)


def iter_words(node: Query) -> Iterator[Query]:
    """The words, phrases and patterns of a tree that are not excluded."""
    if isinstance(node, Not) or not has_words(node):
        return
    if node.is_leaf():
        yield node
    for part in node.children():
        yield from iter_words(part)


class Reading(NamedTuple):
    """The optional clauses of a query, as they are read for the articles of some languages.

    `languages` are numbers of languages in the statistics of the snapshot. `optional` are words and phrases
    that a partial match may miss, and how often each is repeated; common words of these languages are not
    among them. `inner_words` are the single words of phrases and compounds beside other clauses, each with
    its clause, `common_parts` the common words among the parts of words with several tokens.
    """

    languages: tuple[int, ...]
    optional: dict[Query, int]
    inner_words: tuple[tuple[Query, str], ...] = ()
    common_parts: frozenset[str] = frozenset()


class QueryClauses(NamedTuple):
    """The clauses of a query.

    `required` must hold. `optional` are words and phrases that a partial match may miss, and how often each
    is repeated; `ignored` says in which languages (numbers in the statistics of the snapshot) some of them
    are common words, which articles need not have. `dropped` are words that are common in every language, and
    clauses without letters or digits. `readings` are the optional clauses by language.
    """

    required: list[Query]
    optional: dict[Query, int]
    dropped: list[Query]
    ignored: dict[Query, tuple[int, ...]]
    readings: list[Reading]


@dataclass(slots=True)
class ClauseReader:
    """Splits query trees into clauses; `notes` collects which clauses were dropped.

    `find_kept` gives the words that are not ignored in each language, common as they are.
    Where a query has other words, common words of a language are ignored in its articles.
    """

    analyzers: Sequence[Analyzer]
    statistics: LanguageStatistics
    notes: list[Note]
    find_kept: Callable[[], Sequence[frozenset[str]]]

    def read(self, tree: Query) -> QueryClauses:
        """All clauses of a tree."""
        searchable: Any = self.drop_unsearchable(tree) or NullQuery
        readings: list[Reading] = []
        if type(searchable) is AllOf:
            required, readings = self.split(searchable)
        else:
            required = [*searchable] if type(searchable) is And else [searchable]
        optional: dict[Query, int] = {}
        for reading in readings:
            optional |= reading.optional
        parts: list[Query] = [*tree] if isinstance(tree, And) else [tree]
        unsearchable = [part for part in parts if self.drop_unsearchable(part) is None]
        common = (
            [part for part in searchable if part not in optional and part not in required] if optional else []
        )
        dropped = [*dict.fromkeys([*common, *unsearchable])]
        return QueryClauses(required, optional, dropped, find_languages_without(optional, readings), readings)

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

    def split(self, tree: Query) -> tuple[list[Query], list[Reading]]:
        """The required clauses, and the optional ones as the articles of each language read them.

        There is one reading for all languages that read the clauses alike.
        """
        parts: list[Query] = [*tree] if type(tree) is AllOf else [tree]
        required: list[Query] = []
        optional: list[Query] = []
        for part in parts:
            (required if _is_required(part) else optional).append(part)
        times: Counter[Any] = Counter(optional)
        words: list[Any] = [part for part in times if is_word(part)]
        ignored = list_ignored([*times], self.statistics.languages, self.find_kept())
        compounds = self._find_compounds(times)
        readings: dict[Any, Reading] = {}
        for number, (language, common) in enumerate(zip(self.statistics.languages, ignored, strict=True)):
            kept: dict[Any, int] = {
                part: count for part, count in times.items() if part not in words or part.text not in common
            }
            inner_words = self._list_inner_words([*kept], language) if compounds else ()
            common_parts = frozenset(text for text in compounds if is_common_word(text, language))
            key = common, inner_words, common_parts
            alike = readings[key].languages if key in readings else ()
            readings[key] = Reading((*alike, number), kept, inner_words, common_parts)
        if any(ignored):
            self._note_ignored([(word, [word.text in common for common in ignored]) for word in words])
        return required, [*readings.values()]

    def _note_ignored(self, words: Sequence[tuple[Query, Sequence[bool]]]) -> None:
        """Add a note about the words that are ignored in most articles."""
        articles = self.statistics.articles
        most = [
            word
            for word, is_ignored in words
            if 2 * articles[np.array(is_ignored)].sum() >= articles.sum() > 0
        ]
        if most:
            self.notes.append(_make_note(NoteCode.COMMON_WORDS, most))

    def note_partly_ignored(self, readings: Sequence[Reading], found: Ids) -> None:
        """Add notes about words that are ignored in fewer articles, some of them among those found."""
        articles = self.statistics.articles
        seen = self.statistics.count(found)
        every = dict.fromkeys(part for reading in readings for part in reading.optional)
        words_of: dict[tuple[str, ...], list[Query]] = {}
        for word, numbers in find_languages_without(every, readings).items():
            names = tuple(self.statistics.languages[number] for number in numbers if seen[number])
            if names and 2 * articles[list(numbers)].sum() < articles.sum():
                words_of.setdefault(names, []).append(word)
        for names, words in words_of.items():
            self.notes.append(_make_note(NoteCode.COMMON_IN_LANGUAGES, words, languages=", ".join(names)))

    def _find_compounds(self, clauses: Iterable[Query]) -> list[str]:
        """The texts of the single tokens of words and phrases that have several."""
        found: list[str] = []
        for clause in clauses:
            text = getattr(clause, "text", None)
            if type(clause) in (Term, RawPhrase) and isinstance(text, str):
                tokens = self.analyzers[0].tokenize(text, query=True) if self.analyzers else []
                found += [text[token.start : token.end] for token in tokens] if len(tokens) > 1 else []
        return found

    def _list_inner_words(self, clauses: Sequence[Any], language: str) -> tuple[tuple[Query, str], ...]:
        """The words of phrases and compounds such as covid-19 that stand beside other clauses.

        They are those of the analyzer of a language, without its common words.
        """
        found: list[tuple[Query, str]] = []
        for part in clauses if len(clauses) > 1 else ():
            is_phrase = isinstance(part, RawPhrase) and part.fieldname == "text" and not part.exact
            if not (is_phrase or (is_word(part) and not is_whole(part.text))):
                continue
            tokens = get_analyzer(language).tokenize(part.text, query=True)
            words = dict.fromkeys(token.word for token in tokens) if len(tokens) > 1 else ()
            # The parts of a run without spaces are scored like words of their own (Evaluation._find_parts).
            found += (
                (part, word)
                for word in words
                if (is_phrase or not is_unspaced(word)) and not is_common_word(word, language)
            )
        return tuple(found)


def find_languages_without(
    clauses: Iterable[Query], readings: Sequence[Reading]
) -> dict[Query, tuple[int, ...]]:
    """The languages in which clauses are ignored, of those that are ignored in some."""
    if len(readings) < 2:
        return {}
    found = {
        clause: tuple(number for own in readings if clause not in own.optional for number in own.languages)
        for clause in clauses
    }
    return {clause: numbers for clause, numbers in found.items() if numbers}


def _make_note(code: NoteCode, clauses: Sequence[Query], **values: NoteValue) -> Note:
    names = [serialize_query(part) for part in clauses]
    values = {"clauses": tuple(names), "first": names[0], **values}
    return make_note(code, values, clauses=list_clauses(names))


def is_word(node: Any) -> bool:
    """Whether a node is a word that is searched for in title and text."""
    return type(node) is Term and node.fieldname == "text"


def _is_required(part: Query) -> bool:
    # Alternatives of filters are required too: an article meets them or not.
    return isinstance(part, (Must, Not, FilterNode, Every)) or not has_words(part)

"""What a window on a larger collection asks of the collection: how common its terms are.

All counts are of the articles of each language, float64, in the order of the languages of the statistics.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
from whoosh.query.qcore import Query

from indexer.engine.format.arrays import Values
from indexer.engine.read.statistics import LanguageStatistics
from indexer.engine.read.vocabulary import Vocabulary
from indexer.query import DateRange
from indexer.results import Form


class TermCounts(NamedTuple):
    """How many articles have a term, and how often it stands there."""

    articles: Values
    occurrences: Values


NO_FACTORS = TermCounts(np.ones(1), np.ones(1))


class CountedTerm(Protocol):
    """A `QueryTerm`, as far as it says what to count."""

    @property
    def label(self) -> str: ...
    @property
    def field(self) -> str: ...
    @property
    def term_set(self) -> Any: ...


class Collection(ABC):
    """The collection that a window is from: one commit of it, which never changes.

    `statistics` are those of the whole collection, but without the language of each article. `language` is
    the one of articles that state none and whose language is not detected.

    What is `found` are counts in the window. They are returned for what the collection does not count, and
    for what it has not counted yet: `count_missing` does so for all of it at once. Then a window is to be
    evaluated again.
    """

    statistics: LanguageStatistics
    language: str
    commit: int = 0

    @abstractmethod
    def count_term(self, term: CountedTerm, form: Form, found: TermCounts) -> TermCounts:
        """The counts of a query term, or of one form of a word."""

    @abstractmethod
    def count_written(self, term: CountedTerm, found: Values) -> Values:
        """How many articles have a quotation as it is written; here only whether there are any counts."""

    @abstractmethod
    def count_both(self, terms: Sequence[CountedTerm], found: Values) -> Values:
        """How many articles have both of two query terms."""

    @abstractmethod
    def count_phrase(self, stems: Sequence[str], found: Values) -> Values:
        """How many articles have stems side by side in a title or text, or a single one."""

    @abstractmethod
    def count_node(self, node: Query, found: int) -> int:
        """How many articles match a node of a query tree."""

    @abstractmethod
    def count_inexact(self, node: DateRange) -> int:
        """How many articles may pass a filter on dates, since theirs are less exact; 0 if not counted yet."""

    @abstractmethod
    def count_missing(self) -> bool:
        """Count what was asked for and is not known yet; return whether there was any such thing."""

    @property
    @abstractmethod
    def vocabulary(self) -> Vocabulary:
        """The words of the collection, with the number of articles that have each."""

    @abstractmethod
    def measure_ages(self) -> tuple[float | None, float | None]:
        """The middle of the newest date in seconds since 1970, and the median age in days."""

    @abstractmethod
    def name_sources(self, uris: Sequence[str]) -> list[str]:
        """The texts to show for sources, by all sources of the collection; see `shorten_sources`."""

    def count_articles(self, term: CountedTerm) -> int:
        """How many articles have a query term, 0 if they are not counted."""
        none = np.zeros(len(self.statistics.languages))
        return int(self.count_term(term, "any", TermCounts(none, none)).articles.sum())

    def measure_term(
        self, term: CountedTerm, form: Form, found: TermCounts, factors: TermCounts
    ) -> tuple[TermCounts, TermCounts]:
        """The counts of a term in the collection, and by which factors those in the window are multiplied.

        `factors` are those of the term that this is a form of: if the form is not counted, they hold for it.
        """
        counted = self.count_term(term, form, found)
        if counted is found:
            return TermCounts(*map(np.multiply, found, factors)), factors
        return counted, TermCounts(*map(_divide, counted, found))


def _divide(whole: Values, part: Values) -> Values:
    """How many times a part makes the whole, 1 where there is no part."""
    return np.where(part > 0, whole / np.maximum(part, 1.0), 1.0)

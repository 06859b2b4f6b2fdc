"""Statistics of the articles in each language, by which terms are weighed and lengths compared.

They are kept apart because what is rare or long in one language says nothing of another, and so that articles
added in one language leave the scores of all others as they are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexer.engine.format.arrays import Ids, Values
from indexer.text.languages import base_language


@dataclass(frozen=True, slots=True)
class LanguageStatistics:
    """Which articles are in which language, and how many and how long they are.

    `languages` are base codes (`en` for `en-GB`), ascending; there is at least one. `language_of` (int64, one
    an article) are indices of them. `articles`, `paragraphs` (int64) and the `average` lengths of the fields
    (float64, 1 where all are empty) have a value for each language.
    """

    languages: tuple[str, ...]
    language_of: NDArray[np.int64]
    articles: NDArray[np.int64]
    paragraphs: NDArray[np.int64]
    average: Mapping[str, Values]
    is_single: bool = field(init=False)
    """Whether all articles are in one language."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "is_single", len(self.languages) == 1)

    def spread(self, values: NDArray[Any], articles: Ids) -> Any:
        """The value of each article's language: an array, or a single number when there is one language."""
        return values[0] if self.is_single else values.take(self.language_of.take(articles))

    def count(self, articles: Ids, times: Values | None = None) -> Values:
        """How many of some articles are in each language (float64); `times` is how often each counts."""
        if self.is_single:
            return np.array([len(articles) if times is None else times.sum()], np.float64)
        own = np.bincount(self.language_of.take(articles), times, len(self.languages))
        return own.astype(np.float64)

    def split(self, articles: Ids) -> dict[int, NDArray[np.intp]]:
        """The places of some articles by the numbers of their languages, each ascending."""
        if self.is_single:
            return {0: np.arange(len(articles))} if len(articles) else {}
        own = self.language_of[articles]
        order = np.argsort(own, kind="stable")
        numbers, first = np.unique(own[order], return_index=True)
        return dict(zip(numbers.tolist(), np.split(order, first[1:]), strict=True)) if len(own) else {}

    def select(self, numbers: Sequence[int]) -> NDArray[np.bool_]:
        """Whether each article is in one of the languages with these numbers: bool, one an article."""
        is_chosen = np.zeros(len(self.languages), np.bool_)
        is_chosen[list(numbers)] = True
        return is_chosen[self.language_of]


def measure_languages(
    names: Sequence[str], codes: NDArray[Any], counts: NDArray[np.int64], lengths: Mapping[str, Values]
) -> LanguageStatistics:
    """The statistics of articles: the `names` of their languages, each one's code (-1 for none).

    `counts` are their paragraphs, `lengths` their terms by field.
    """
    # An article without a language has the code -1.
    codes, bases = codes + 1, ["", *map(base_language, names)]
    # Not np.unique, which loads the masked arrays of NumPy.
    languages = tuple(sorted({bases[code] for code in np.bincount(codes).nonzero()[0].tolist()})) or ("",)
    numbers = {base: number for number, base in enumerate(languages)}
    language_of = np.array([numbers.get(base, 0) for base in bases], np.int64)[codes]
    articles = np.bincount(language_of, minlength=len(languages))

    def add_up(values: NDArray[Any]) -> Values:
        return np.bincount(language_of, values, len(languages)).astype(np.float64)

    averages = {field: add_up(own) / np.maximum(articles, 1) for field, own in lengths.items()}
    return LanguageStatistics(
        languages,
        language_of,
        articles,
        add_up(counts).astype(np.int64),
        {field: np.where(own > 0, own, 1.0) for field, own in averages.items()},
    )

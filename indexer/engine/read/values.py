"""The values of the articles of a snapshot in a column, such as their authors: to filter and to count by."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from indexer.engine.format.arrays import Ids
from indexer.engine.format.columns import NAMED, Column
from indexer.engine.read.periods import format_period, number_periods
from indexer.fields import ColumnKind
from indexer.text.normalization import normalize


@dataclass(frozen=True, slots=True, eq=False)
class ArticleValues:
    """Pairs of an article and a value; `owners` (int32, ascending) has the article of each.

    `codes` (int64) are the numbers of the values among the distinct `names` that readers see: names that
    differ in case and accents alone are one, in its most common form; numbers ascend, and of dates the years
    are counted. `keys` are the normalized names. `column` has the values themselves.
    """

    kind: ColumnKind
    owners: Ids
    codes: NDArray[np.int64]
    names: Sequence[str]
    keys: Sequence[str]
    column: Column

    def find(self, is_wanted: NDArray[np.bool_]) -> Ids:
        """The articles (ascending, int32) that have any of the wanted pairs; one flag for each pair."""
        return np.unique(self.owners[is_wanted])

    def find_keys(self, matches: Callable[[str], bool]) -> Ids:
        """The articles (ascending, int32) that have a name whose normalized form matches."""
        flags = np.fromiter(map(matches, self.keys), np.bool_, len(self.keys))
        return self.find(flags[self.codes])


def make_key(name: str) -> str:
    """The form in which names are compared: without case and accents, with single spaces."""
    return " ".join(normalize(name).split())


def group_values(column: Column) -> ArticleValues:
    """The values of a column with the names to show and to count."""
    if column.kind in NAMED:
        return _group_names(column)
    if column.kind == "date":
        numbers, codes = np.unique(number_periods(column.values, "year"), return_inverse=True)
        names = [format_period(number, "year") for number in numbers.tolist()]
    else:
        numbers, codes = np.unique(column.values, return_inverse=True)
        names = [f"{number:g}" if column.kind == "number" else str(number) for number in numbers.tolist()]
    return ArticleValues(column.kind, column.owners, codes.astype(np.int64), names, names, column)


def _group_names(column: Column) -> ArticleValues:
    counts = np.bincount(column.values, minlength=len(column.names)).tolist()
    best: dict[str, tuple[int, str]] = {}
    keys = [make_key(name) for name in column.names]
    for key, name, count in zip(keys, column.names, counts, strict=True):
        # Names ascend: of equally common ones the first is shown.
        if key not in best or count > best[key][0]:
            best[key] = count, name
    ordered = sorted(best, key=lambda key: best[key][1])
    number_of = {key: number for number, key in enumerate(ordered)}
    codes = np.array([number_of[key] for key in keys], np.int64)[column.values]
    # An article that has a name in two forms has it once.
    pairs = np.unique(column.owners.astype(np.int64) * max(len(ordered), 1) + codes)
    owners, codes = np.divmod(pairs, max(len(ordered), 1))
    names = [best[key][1] for key in ordered]
    return ArticleValues(column.kind, owners.astype(np.int32), codes, names, ordered, column)

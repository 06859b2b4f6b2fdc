"""Columns of the values of articles: source, authors, section, tags and others, and custom fields.

An article may have several values in a column, or none. A column therefore has pairs of an article and a
value, in the order of the articles. A segment has the columns in which any of its articles has a value: an
archive without authors pays nothing for them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexer.article import Article, FieldValue, Published
from indexer.engine.format.labels import find_labels, merge_labels
from indexer.engine.format.lexicon import encode_lexicon, sort_words
from indexer.engine.format.record import to_timestamp
from indexer.engine.format.segment_file import Array, compact
from indexer.errors import InvalidArticle
from indexer.fields import ColumnKind, FieldType, convert_value, format_value

NAMED: frozenset[ColumnKind] = frozenset(("keyword", "boolean"))
"""The kinds of columns whose values are names."""
PREFIX = "field."
"""The prefix of the names of the sections of columns."""


@dataclass(frozen=True, slots=True, eq=False)
class Column:
    """The values of some articles, one pair after the other; `owners` (int32) are the articles, ascending.

    `values` are the numbers of the values among the `names` (int32), which ascend; of a column of integers
    or numbers the values themselves (int64, float64); of dates the starts of half-open ranges of seconds
    since 1970 (int64), whose ends are `ends`.
    """

    kind: ColumnKind
    owners: NDArray[np.int32]
    values: NDArray[Any]
    names: Sequence[str] = ()
    ends: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))

    def number_articles(self, count: int) -> NDArray[np.int32]:
        """The number of the name of each of `count` articles that have one at most; -1 for none."""
        codes = np.full(count, -1, np.int32)
        codes[self.owners] = self.values
        return codes

    def shift(self, first: int) -> Column:
        """The same values of articles that are numbered from `first` on."""
        return replace(self, owners=self.owners + np.int32(first)) if first else self

    def select(self, is_wanted: NDArray[np.bool_]) -> Column:
        """The values of the wanted articles only, numbered again; `is_wanted` has a flag for each article."""
        kept = is_wanted[self.owners]
        numbers = np.cumsum(is_wanted, dtype=np.int32) - 1
        return replace(
            self,
            owners=numbers[self.owners[kept]],
            values=self.values[kept],
            ends=self.ends[kept] if self.kind == "date" else self.ends,
        )


def find_values(
    article: Article, source: str | None, fields: Mapping[str, FieldType]
) -> Iterator[tuple[str, Sequence[Any]]]:
    """The columns in which an article has values, and its values there; `fields` are those declared.

    `source` is the folder or file that it was read from, as a URI; None if an app has put it in. A value that
    does not have the type of its field is stored with the article, but is in no column.
    """
    for label, text in find_labels(article, source).items():
        yield label, (text,)
    if article.authors:
        yield "author", article.authors
    if article.section:
        yield "section", (article.section,)
    if article.tags:
        yield "tag", article.tags
    if article.publisher:
        yield "publisher", (article.publisher,)
    for name, value in _find_own_values(article, fields):
        if fields[name].type != "text":
            yield name, value if isinstance(value, tuple) else (value,)


def find_texts(article: Article, fields: Mapping[str, FieldType]) -> dict[str, str]:
    """The custom texts that an article has, by the names of their fields, ascending."""
    values = dict(_find_own_values(article, fields))
    return {name: str(values[name]) for name in sorted(values) if fields[name].type == "text"}


def _find_own_values(article: Article, fields: Mapping[str, FieldType]) -> Iterator[tuple[str, FieldValue]]:
    """The declared fields in which an article has a value of their type, and the values."""
    for name, given in article.fields.items():
        if name in fields:
            with suppress(InvalidArticle):
                if (value := convert_value(name, fields[name], given)) is not None:
                    yield name, value


def find_kind(name: str, fields: Mapping[str, FieldType]) -> ColumnKind:
    """The kind of the column with this name."""
    kind = fields[name].type if name in fields else "keyword"
    assert kind != "text", "texts are in no column"
    return kind


def make_column(kind: ColumnKind, owners: Sequence[int], values: Sequence[Any]) -> Column:
    """The column of these values: texts, booleans, numbers, or dates in ISO 8601."""
    numbers = np.array(owners, np.int32)
    if kind in NAMED:
        names, codes = sort_words([*map(format_value, values)])
        return Column(kind, numbers, codes.astype(np.int32), names)
    if kind != "date":
        return Column(kind, numbers, np.array(values, np.int64 if kind == "integer" else np.float64))
    dates = [Published.parse(value) for value in values]
    starts = [to_timestamp(moment.start) for moment in dates]
    ends = [to_timestamp(moment.end) for moment in dates]
    return Column(kind, numbers, np.array(starts, np.int64), ends=np.array(ends, np.int64))


NO_VALUES = Column("keyword", np.empty(0, np.int32), np.empty(0, np.int32))
"""A column in which no article has a value."""


def join_columns(columns: Iterable[Column]) -> Column:
    """Join columns of the same kind, with the articles in order; names that no article has are dropped."""
    parts = [column for column in columns if len(column.owners)]
    if not parts:
        return NO_VALUES
    kind = parts[0].kind
    owners, ends = (np.concatenate([getattr(column, own) for column in parts]) for own in ("owners", "ends"))
    if kind in NAMED:
        names, codes = merge_labels((column.names, column.values) for column in parts)
        return Column(kind, owners, codes.astype(np.int32), names)
    return Column(kind, owners, np.concatenate([column.values for column in parts]), ends=ends)


def join_groups(groups: Iterable[tuple[int, Mapping[str, Column]]]) -> dict[str, Column]:
    """Join the columns of groups of articles by name, without empty ones.

    Each group is given with the number of its articles; those of the next one are numbered after them.
    """
    parts: dict[str, list[Column]] = {}
    first = 0
    for count, columns in groups:
        for name, column in columns.items():
            parts.setdefault(name, []).append(column.shift(first))
        first += count
    joined = {name: join_columns(parts[name]) for name in sorted(parts)}
    return {name: column for name, column in joined.items() if len(column.owners)}


def encode_column(name: str, column: Column) -> dict[str, Array | bytes]:
    """The sections of a column."""
    parts: dict[str, Array | bytes] = {"owners": compact(column.owners)}
    if column.kind in NAMED:
        parts |= {"codes": compact(column.values), **encode_lexicon(column.names)}
    elif column.kind == "date":
        parts |= {"starts": column.values, "stops": column.ends}
    else:
        parts["values"] = column.values
    return {f"{PREFIX}{name}.{part}": content for part, content in parts.items()}

"""Finds the articles that pass a filter on date, language, site, source or id."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import numpy as np

from indexer.article import parse_host
from indexer.engine.format.arrays import Ids
from indexer.engine.format.record import NO_DATE, to_timestamp
from indexer.engine.read.snapshot import Snapshot
from indexer.query import DateRange


def filter_articles(snapshot: Snapshot, filters: Mapping[str, tuple[str, ...] | bool]) -> Ids:
    """The articles (ascending, int32) that pass every filter.

    A filter with values passes articles that match any of them (see `match_filter`); "undated" passes those
    that have no date.
    """
    passes = np.ones(snapshot.articles, np.bool_)
    for name, values in filters.items():
        if isinstance(values, bool):
            passes &= snapshot.date_starts == NO_DATE
            continue
        has_value = np.zeros(snapshot.articles, np.bool_)
        names, codes = snapshot.labels(name)
        for value in values:
            if name == "source" and value in names:
                # The full name of a source, as facets give it, matches no other source that ends alike.
                has_value |= codes == names.index(value)
            else:
                has_value[match_filter(snapshot, name, value)] = True
        passes &= has_value
    return np.flatnonzero(passes).astype(np.int32)


def match_filter(snapshot: Snapshot, name: str, text: str) -> Ids:
    """The articles (ascending, int32) of which a property (see `PROPERTIES`) is `text`.

    A star at the end of the text stands for any ending. An id may be the one that a record of a file states.
    A language includes its regional variants, a site its subdomains. A source is given by the folder or file
    that was indexed, by the path of a file in it, or by consecutive parts of such a path, with or without the
    file's extension. Raises ValueError for a property that the index does not have.
    """
    if name == "id":
        if text.endswith("*"):
            start = text.rstrip("*")
            return np.union1d(snapshot.find_prefix(start), snapshot.find_records(start, is_prefix=True))
        number = snapshot.find(text)
        return snapshot.find_records(text) if number is None else np.array([number], np.int32)
    matches = _make_matcher(name, text.casefold())
    found = np.zeros(snapshot.articles, np.bool_)
    for column in ("source", "path") if name == "source" else (name,):
        labels, codes = snapshot.labels(column)
        flags = np.fromiter((matches(label.casefold()) for label in labels), np.bool_, len(labels))
        # Articles without a label have the code -1, which reads the flag appended here.
        found |= np.append(flags, False)[codes]
    return np.flatnonzero(found).astype(np.int32)


def match_dates(snapshot: Snapshot, dates: DateRange) -> tuple[Ids, int]:
    """The articles (ascending, int32) whose dates are inside of a range, and how many are only partly.

    The latter have dates that are less exact, such as a month at the edge of the range.
    """
    starts, ends = snapshot.date_starts, snapshot.date_ends
    is_dated = starts != NO_DATE
    low = to_timestamp(dates.start) if dates.start else NO_DATE
    high = to_timestamp(dates.end) if dates.end else -NO_DATE
    is_inside = is_dated & (starts >= low) & (ends <= high)
    partly = int(np.count_nonzero(is_dated & ~is_inside & (starts < high) & (ends > low)))
    return np.flatnonzero(is_inside).astype(np.int32), partly


def _make_matcher(name: str, text: str) -> Callable[[str], bool]:
    """Whether a value of a label (both in lower case) is what a text asks for."""
    if text.endswith("*"):
        start = text.rstrip("*")
        return lambda label: label.startswith(start)
    if name == "language":
        language = text.replace("_", "-")
        return lambda label: label == language or label.startswith(f"{language}-")
    if name == "site":
        site = parse_host(text if "//" in text else f"//{text}") or text
        return lambda label: label.removeprefix("www.") == site or label.endswith(f".{site}")
    if name == "source":
        return partial(_is_in_source, f"/{text.strip('/')}")
    return lambda label: label == text


def _is_in_source(source: str, label: str) -> bool:
    # Only whole names match: "wire/2021" is a part of "news/wire/2021/a.txt", "ire" is not.
    path = f"/{label}"
    stem, _, _ = path.rpartition(".")
    return f"{source}/" in path or path.endswith(source) or stem.endswith(source)

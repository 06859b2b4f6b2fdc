"""Finds the articles that pass a filter on a date, a number or a name: language, site, author, a field …"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray

from indexer.article import parse_host
from indexer.engine.format.arrays import Ids
from indexer.engine.format.labels import LABELS
from indexer.engine.format.record import NO_DATE, to_timestamp
from indexer.engine.read.snapshot import Snapshot
from indexer.engine.read.values import ArticleValues, make_key
from indexer.query import PUBLISHED, DateRange, Filter, FilterNode, NumberRange

_NONE = np.empty(0, np.int32)
_WORD = re.compile(r"\w+")


def match_undated(snapshot: Snapshot) -> Ids:
    """The articles (ascending, int32) that have no date."""
    return np.flatnonzero(snapshot.date_starts == NO_DATE).astype(np.int32)


def match_filter(snapshot: Snapshot, node: FilterNode) -> tuple[Ids, int]:
    """The articles (ascending, int32) that pass a filter, and how many may pass it.

    The latter have dates that are less exact, such as a month at the edge of a range of dates.
    """
    match node:
        case DateRange() if node.fieldname == PUBLISHED:
            is_inside, is_partly = _compare_dates(snapshot.date_starts, snapshot.date_ends, node)
            return np.flatnonzero(is_inside).astype(np.int32), int(np.count_nonzero(is_partly))
        case Filter() if node.fieldname == "id":
            return _match_id(snapshot, node.text), 0
        case Filter() if node.fieldname in LABELS:
            return _match_label(snapshot, node), 0
    values = snapshot.values(node.fieldname)
    match node:
        case DateRange():
            is_inside, is_partly = _compare_dates(values.column.values, values.column.ends, node)
            return values.find(is_inside), len(values.find(is_partly))
        case NumberRange():
            return values.find(_compare_numbers(values.column.values, node)), 0
        case Filter():
            return _match_names(values, node), 0
    raise AssertionError(node)


def _match_id(snapshot: Snapshot, text: str) -> Ids:
    """The articles with an id, which may be the one that a record of a file states."""
    if text.endswith("*"):
        start = text.rstrip("*")
        return np.union1d(snapshot.find_prefix(start), snapshot.find_records(start, is_prefix=True))
    number = snapshot.find(text)
    return snapshot.find_records(text) if number is None else np.array([number], np.int32)


def _match_label(snapshot: Snapshot, node: Filter) -> Ids:
    """The articles with a language, site or source.

    A star at the end of the text stands for any ending. A language includes its regional variants, a site its
    subdomains. A source is given by its name; by the folder or file that was indexed, by the path of a file
    in it, or by consecutive parts of such a path, with or without the file's extension.
    """
    name, text = node.fieldname, node.text
    if name == "source" and (node.prefers_whole or node.is_whole):
        # The full name of a source, as facets give it, matches no other source that ends alike.
        labels, codes = snapshot.labels(name)
        if text in labels:
            return np.flatnonzero(codes == labels.index(text)).astype(np.int32)
        if node.is_whole:
            return _NONE
    matches = make_label_matcher(name, text)
    found = np.zeros(snapshot.articles, np.bool_)
    for column in ("source", "path") if name == "source" else (name,):
        labels, codes = snapshot.labels(column)
        flags = np.fromiter(map(matches, labels), np.bool_, len(labels))
        # Articles without a label have the code -1, which reads the flag appended here.
        found |= np.append(flags, False)[codes]
    return np.flatnonzero(found).astype(np.int32)


def _match_names(values: ArticleValues, node: Filter) -> Ids:
    """The articles with a name, whatever its case and accents; of an author, a part in whole words will do.

    A star at the end of the text stands for any ending.
    """
    text = make_key(node.text)
    if node.prefers_whole and text in values.keys:
        return values.find_keys(lambda key: key == text)
    start = text.rstrip("*") if text.endswith("*") else None
    if node.fieldname != "author":
        return values.find_keys(lambda key: key == text if start is None else key.startswith(start))
    words = _space_words(text)
    if start is not None:
        words = words.removesuffix(" ")
    return values.find_keys(lambda key: words in _space_words(key)) if words.strip() else _NONE


def split_name(key: str) -> list[str]:
    """The words of a normalized name."""
    return _WORD.findall(key)


def _space_words(key: str) -> str:
    """The words of a normalized name, with a space before and after each of them."""
    return f" {' '.join(split_name(key))} "


def _compare_numbers(values: NDArray[np.int64] | NDArray[np.float64], node: NumberRange) -> NDArray[np.bool_]:
    """Which of the values are in a range."""
    is_inside = np.ones(len(values), np.bool_)
    if node.low is not None:
        is_inside &= values > node.low if node.is_strict else values >= node.low
    if node.high is not None:
        is_inside &= values < node.high if node.is_strict else values <= node.high
    return is_inside


def _compare_dates(
    starts: NDArray[np.int64], ends: NDArray[np.int64], node: DateRange
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which of the dates are inside of a range, and which only partly."""
    is_dated = starts != NO_DATE
    low = to_timestamp(node.start) if node.start else NO_DATE
    high = to_timestamp(node.end) if node.end else -NO_DATE
    is_inside = is_dated & (starts >= low) & (ends <= high)
    return is_inside, is_dated & ~is_inside & (starts < high) & (ends > low)


def make_label_key(name: str, text: str) -> str:
    """The form in which the values of a label are compared."""
    key = text.casefold()
    return key.replace("_", "-") if name == "language" else key


def make_label_matcher(name: str, text: str) -> Callable[[str], bool]:
    """A function that says whether a value of a label is what a text asks for."""
    matches = _match_keys(name, make_label_key(name, text))
    return lambda label: matches(make_label_key(name, label))


def _match_keys(name: str, text: str) -> Callable[[str], bool]:
    """A function that says whether the key of a value is what the key of a text asks for."""
    if text.endswith("*"):
        start = text.rstrip("*")
        return lambda label: label.startswith(start)
    if name == "language":
        return lambda label: label == text or label.startswith(f"{text}-")
    if name == "site":
        site = parse_host(text if "//" in text else f"//{text}") or text
        return lambda label: label.removeprefix("www.") == site or label.endswith(f".{site}")
    return partial(_is_in_source, f"/{text.strip('/')}")


def _is_in_source(source: str, label: str) -> bool:
    # Only whole names match: "wire/2021" is a part of "news/wire/2021/a.txt", "ire" is not.
    path = f"/{label}"
    stem, _, _ = path.rpartition(".")
    return f"{source}/" in path or path.endswith(source) or stem.endswith(source)

"""Filters on the cluster let the same articles pass as in the embedded index."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import numpy as np
import pytest

from indexer.engine import QueryContext, match_filter, match_node, match_undated
from indexer.opensearch.filters import (
    UNDATED,
    FilterContext,
    translate_filter,
    translate_filter_tree,
    translate_filters,
    translate_inexact,
)
from indexer.query import DateRange, Every, Filter, FilterNode, NumberRange, Or, Query
from indexer.search.filters import parse_filters, read_filters
from indexer.search.settings import SearchSettings
from tests.contract.archive import TODAY
from tests.engine.segments import FIELDS
from tests.opensearch.archive import ArchiveInBoth

COLUMNS = ("author", "section", "tag", "publisher", "desk", "breaking")


def vary(name: str) -> Iterator[str]:
    """Texts that a name is looked up by: itself, parts of it, and texts that are nearly so."""
    yield from (
        name,
        name.upper(),
        f"{name}*",
        f"{name[: len(name) // 2]}*",
        name[1:],
        name[:-1],
        f" {name} ",
    )
    words = name.replace("/", " ").replace(".", " ").replace("'", " ").split()
    for start in range(len(words)):
        for end in range(start + 1, min(len(words), start + 4) + 1):
            yield from (f"{' '.join(words[start:end])}{star}" for star in ("", "*"))
    parts = name.split("/")
    for start in range(len(parts)):
        for end in range(start + 1, len(parts) + 1):
            text = "/".join(parts[start:end])
            yield from (text, f"/{text}/", text.upper(), text.rpartition(".")[0])
    yield from (".".join(name.split(".")[start:]) for start in range(1, name.count(".") + 1))


def list_filters(both: ArchiveInBoth) -> list[FilterNode]:
    """Filters on every name that the articles have, by texts of every kind."""
    odd = ("", "*", "/", "//", "nobody", "a*", "東", "www.", ".", "http://www.a.example/x", "example.")
    names: dict[str, set[str]] = {name: set(odd) for name in ("id", *COLUMNS)}
    for column in ("language", "site", "source", "path"):
        names.setdefault("source" if column == "path" else column, set(odd)).update(
            both.snapshot.labels(column)[0]
        )
    names["source"] |= {"a/b/readme", "x", "y", "wire/2021", "2021/a", *both.sources}
    names["id"] |= both.snapshot.ids() | {"storm", "ferr*", "x"}
    for column in COLUMNS:
        names[column].update(both.snapshot.values(column).column.names)
    found: list[FilterNode] = []
    for column, every in names.items():
        for text in dict.fromkeys(text for name in sorted(every) for text in (name, *vary(name))):
            found.append(Filter(column, text))
            if column != "id":
                found.append(Filter(column, text, prefers_whole=True))
            if column == "source":
                found.append(Filter(column, text, prefers_whole=True, is_whole=True))
    return found


def test_a_name_passes_for_the_same_articles(both: ArchiveInBoth) -> None:
    context, wrong = both.context, []
    for node in list_filters(both):
        found = both.find(translate_filter(node, context))
        expected, _ = match_filter(both.snapshot, node)
        if not np.array_equal(found, expected):
            wrong.append((node, [both.snapshot.id_of(number) for number in np.setxor1d(found, expected)]))
    assert wrong == []


MOMENTS = [
    None,
    datetime(987, 1, 1),
    datetime(1931, 6, 1),
    datetime(2021, 11, 1),
    datetime(2021, 11, 5),
    datetime(2021, 11, 5, 21, 1),
    datetime(2021, 12, 1),
    datetime(2024, 6, 1),
]


@pytest.mark.parametrize("field", ["date", "embargo"])
def test_a_range_of_dates_passes_for_the_same_articles_and_those_that_are_less_exact(
    both: ArchiveInBoth, field: str
) -> None:
    for start in MOMENTS:
        for end in MOMENTS:
            node = DateRange(start, end, field)
            expected, partly = match_filter(both.snapshot, node)
            assert both.find(translate_filter(node, both.context)).tolist() == expected.tolist(), node
            assert len(both.find(translate_inexact(node))) == partly, node


@pytest.mark.parametrize("field", ["edition", "price"])
@pytest.mark.parametrize("is_strict", [False, True])
def test_a_range_of_numbers_passes_for_the_same_articles(
    both: ArchiveInBoth, field: str, is_strict: bool
) -> None:
    edges = (None, -1e300, -7.0, -2.5, 0.5, 2.999, 3.0, 12.0, 1e300)
    for low in edges:
        for high in edges:
            node = NumberRange(field, low, high, is_strict)
            expected, _ = match_filter(both.snapshot, node)
            assert both.find(translate_filter(node, both.context)).tolist() == expected.tolist(), node


SETTINGS = SearchSettings(
    languages=["en"],
    language="en",
    passages=3,
    today=lambda: TODAY,
    fields=FIELDS,
    sources=frozenset({"news/archive", "letters", "nowhere"}),
)


@pytest.mark.parametrize(
    "filters",
    [
        {},
        {"undated": True},
        {"source": ()},
        {"source": ("letters", "news/archive", "nowhere")},
        {"language": ("de", "ko"), "undated": True},
        {"tag": ("SEA",), "author": ("berg",)},
        {"filter": ("tag:sea OR date:2021-11", "-author:berg -section:port")},
        {"filter": ("*",)},
        {"filter": ("(site:coast.example AND -language:de) OR edition:>2",)},
        {"edition": ("3..12",), "breaking": ("no",)},
        {"embargo": ("2021..2024",)},
    ],
)
def test_the_filters_of_a_request_pass_for_the_same_articles(
    both: ArchiveInBoth, filters: dict[str, Any]
) -> None:
    expected = read_filters(both.snapshot, SETTINGS, filters)
    translated = translate_filters(parse_filters(SETTINGS, filters), both.context)
    assert len(translated) == len(expected)
    for query, own in zip(translated, expected, strict=True):
        assert both.find(query).tolist() == own.articles.tolist(), own


def test_undated_articles_are_found(both: ArchiveInBoth) -> None:
    assert both.find(UNDATED).tolist() == match_undated(both.snapshot).tolist() != []


@pytest.mark.parametrize(
    "text",
    ["tag:sea language:en", "tag:sea OR (language:de -site:example)", "-tag:sea", "*", "-(tag:sea OR tag:a)"],
)
def test_a_tree_of_filters_finds_the_same_articles(both: ArchiveInBoth, text: str) -> None:
    tree: Query = SETTINGS.parse(text).tree
    expected = match_node(QueryContext(both.snapshot, ["en"]), tree)
    assert both.find(translate_filter_tree(tree, both.context)).tolist() == expected.tolist()


def test_a_translation_asks_only_where_the_meaning_depends_on_what_there_is() -> None:
    asked: list[Any] = []

    def exists(query: Any) -> bool:
        asked.append(query)
        return False

    context = FilterContext([], exists)
    tree = Or([Filter("tag", "sea"), Filter("language", "en"), DateRange(None, None), Every()])
    translate_filter_tree(tree, context)
    assert asked == []
    translate_filter(Filter("author", "Ada Berg", prefers_whole=True), context)
    assert asked == [{"terms": {"keys.author": ["ada berg"]}}]

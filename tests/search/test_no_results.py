"""The reason for no results, as a sentence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from indexer import Config, Index

REASONS: list[tuple[str, dict[str, Any], str, tuple[str, ...]]] = [
    ("cathedral", {}, "No article has “cathedral”.", ("cathedral",)),
    ("river cathedral", {}, "No article has “cathedral”.", ("cathedral",)),
    ("the cathedral", {}, "No article has “cathedral”.", ("cathedral",)),
    ("oven flood", {}, "No article has both “oven” (1) and “flood” (1).", ("oven", "flood")),
    ("+oven +flood", {}, "No article has both “oven” (1) and “flood” (1).", ("+oven", "+flood")),
    ("oven wheel", {}, "No article has both “oven” (1) and “wheel” (3).", ("oven", "wheel")),
    (
        "baker river low date:2023",
        {},
        "No article with “river” is published in 2023.",
        ("river", "date:2023"),
    ),
    ("baker", {"since": "2025"}, "No article is published from 1 January 2025 on.", ("after:2025",)),
    (
        "oven",
        {"since": "2024"},
        "No article with “oven” is published from 1 January 2024 on.",
        ("oven", "after:2024"),
    ),
    ("oven -flour", {}, "Every article with “oven” has “flour”, which is excluded.", ("oven", "-flour")),
    ("-*", {}, "Every article has “*”, which is excluded.", ("-*",)),
    (
        "lang:en date:2024 -river",
        {},
        "Every article that is published in 2024 has “river”, which is excluded.",
        ("date:2024", "-river"),
    ),
    ("lang:xx wheel", {}, "No article is in the language “xx”.", ("language:xx",)),
    ("wheel", {"until": "0001"}, "No article is published before 1 January 2.", ("before:0002",)),
    (
        "wheel",
        {"since": "2024", "until": "2021"},
        "No article is published from 1 January 2024 on and before 1 January 2022.",
        ("(after:2024 before:2022)",),
    ),
    (
        "wheel (lang:xx OR site:nowhere.example)",
        {},
        "No article is in the language “xx” or from the site “nowhere.example”.",
        ("language:xx OR site:nowhere.example",),
    ),
    ('"the wheel sings" river', {}, 'No article has "the wheel sings".', ('"the wheel sings"',)),
    ("river", {"site": "x.example"}, "No article is from the site “x.example”.", ("site:x.example",)),
    ("", {"source": "x"}, "No article is from the source “x”.", ("source:x",)),
    ("oven", {"undated": True}, "No article with “oven” is without a date.", ("oven", "undated")),
    (
        "oven",
        {"language": ["de", "fr"]},
        "No article with “oven” is in the language “de” or “fr”.",
        ("oven", "language:de language:fr"),
    ),
]


@pytest.mark.parametrize(("query", "arguments", "reason", "labels"), REASONS)
def test_the_reason_for_no_results_is_a_sentence(
    examples: Index, query: str, arguments: dict[str, Any], reason: str, labels: tuple[str, ...]
) -> None:
    page = examples.search(query, **arguments)
    assert page.total == 0
    assert page.no_results is not None
    assert (page.no_results.reason.message, page.no_results.clauses) == (reason, labels)


def test_an_empty_index_says_so(tmp_path: Path) -> None:
    with Index(Config(index=tmp_path / "index")) as empty:
        empty.put([])
        end = empty.search("wheel").no_results
    assert end is not None
    assert end.reason.message == "There are no articles in the index."

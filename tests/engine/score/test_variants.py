"""The variants of words that are read without an index are those that an index may have."""

from __future__ import annotations

from pathlib import Path

import pytest

from indexer import Article
from indexer.engine.score.variants import find_variants, list_candidates
from indexer.text.analyzer import get_analyzer
from tests.engine.bare_index import BareIndex

TEXTS = ["co operation", "cooperation of women", "the colour of an F 16", "an F16", "wal mart", "walmart"]


@pytest.mark.parametrize(
    ("text", "neighbours", "expected"),
    [
        ("co-operation", (), {"cooperation"}),
        ("cooperation", (), {"co operation"}),
        ("woman", (), {"women"}),
        ("color", (), {"colour"}),
        ("f16", (), {"f 16"}),
        ("wal", ("wal mart",), {"walmart"}),
        ("the", (), set()),
        ("東京", (), set()),
    ],
)
def test_the_index_has_some_of_the_candidates(
    tmp_path: Path, text: str, neighbours: tuple[str, ...], expected: set[str]
) -> None:
    index, english = BareIndex(tmp_path / "index"), get_analyzer("en")
    index.put(Article(f"a{number}", "", [text], language="en") for number, text in enumerate(TEXTS))
    assert {*find_variants(index.snapshot, english, text, neighbours)} == expected
    assert {*list_candidates(english, text, neighbours)} >= expected

"""The examples of the README do what it says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from indexer import Config, Index
from tests.stress.__main__ import stress_tests

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
GUIDE = README.partition("## The query guide")[2].partition("\n## ")[0]
ROWS = re.findall(r"^\| (`.*`) \| (.+) \|$", GUIDE, re.MULTILINE)
EXAMPLES = [example for typed, _ in ROWS for example in re.findall(r"`([^`]+)`", typed)]


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    """The sample articles, on the day that the guide names."""
    config = Config(index=tmp_path_factory.mktemp("readme") / "index", sources=(ROOT / "seeds",))
    with Index(config, today=lambda: date(2021, 11, 12)) as opened:
        opened.sync()
        yield opened


@pytest.mark.parametrize("query", EXAMPLES)
def test_every_example_of_the_guide_finds_something_and_is_understood(index: Index, query: str) -> None:
    page = index.search(query)
    assert page.total > 0
    assert not [
        note
        for note in page.notes
        if "searched as" in note or "read as a word" in note or "ignored" in note or "No " in note
    ]


def test_the_files_and_tests_named_by_the_security_table_exist() -> None:
    table = README.partition("\n## Security\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (?!who|---)(.+) \|$", table, re.MULTILINE)
    assert len(rows) == 10
    for row in rows:
        named = re.findall("`([^`]+)`", row.rpartition(" | ")[2])
        assert named, row
        for name in named:
            assert (ROOT / name).exists() if "/" in name else name in stress_tests(), name


def test_the_guide_is_read() -> None:
    assert len(EXAMPLES) > 40
    assert "today" in GUIDE
    assert "12 November 2021" in GUIDE.replace("\n", " ")

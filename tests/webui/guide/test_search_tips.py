"""Every example of the search tips finds something in the sample articles, and is understood."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date

import pytest

from indexer import Config, Index
from tests.fixtures.markdown import ROOT
from webui.guide import FOLDER

PAGE = (FOLDER / "search-tips.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| (`.*`) \| .+ \|$", PAGE, re.MULTILINE)
# Notes on a query that was understood as the page says.
UNDERSTOOD = {"few_full", "inexact_dates", "read_as_date"}
EXAMPLES = [example for typed in ROWS for example in re.findall(r"`([^`]+)`", typed)]


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    """The sample articles, on the day that the page names."""
    config = Config(index=tmp_path_factory.mktemp("tips") / "index", sources=(ROOT / "seeds",))
    with Index(config, today=lambda: date(2021, 11, 12)) as opened:
        opened.sync()
        yield opened


@pytest.mark.parametrize("query", EXAMPLES)
def test_every_example_finds_something_and_is_understood(index: Index, query: str) -> None:
    page = index.search(query)
    assert page.total > 0
    assert {note.code for note in page.notes} <= UNDERSTOOD


def test_the_page_has_examples_of_every_kind() -> None:
    assert len(EXAMPLES) > 40
    assert "12 November 2021" in PAGE

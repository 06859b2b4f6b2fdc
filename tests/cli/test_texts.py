"""Texts in custom fields in what the command prints."""

from __future__ import annotations

from pathlib import Path

import pytest

from indexer import Article, FieldType, open_index
from tests.fixtures.commands import Run


def test_a_passage_is_printed_with_the_name_of_its_field(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: Run
) -> None:
    monkeypatch.chdir(tmp_path)
    with open_index("index", fields={"summary": FieldType("text", weight=2)}) as index:
        index.put([Article("herons", "Birds", ["A heron."], fields={"summary": "Grey herons."})])
    code, out, _ = run("search", "heron", "--index", "index")
    assert code == 0
    assert "   [1] A heron.\n   [summary] Grey herons." in out
    code, out, err = run("search", "heron", "--explain", "--index", "index")
    assert "in title or text or summary" in out + err
    code, _, err = run("search", "heron", "--filter", "summary:heron", "--index", "index")
    assert (code, "must have nothing but filters" in err) == (2, True)

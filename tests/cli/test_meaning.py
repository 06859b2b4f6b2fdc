"""Hits that are found by their meaning in what the command prints."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from indexer import Index
from tests.fixtures.commands import Run


@pytest.fixture
def options(embedded: Index, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> tuple[str, str]:
    """Those that name the index of SHIPS; its model is in the environment."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NUTGRAF_MODEL", embedded.config.model)
    return "--index", str(embedded.config.index)


def test_a_hit_says_that_it_is_found_by_its_meaning(options: tuple[str, str], run: Run) -> None:
    code, out, _ = run("search", *options, "ferry")
    assert code == 0
    assert out.startswith("1 article, and 2 found by their meaning (")
    assert re.search(
        r"\n\d\. Two at once\n   2020-05  boats  found by its meaning\n   \[2\] Two boats met", out
    )
    assert out.count("found by its meaning") == 2


def test_a_search_goes_by_words_alone_when_told(options: tuple[str, str], run: Run) -> None:
    out = run("search", *options, "--meaning", "0", "ferry")[1]
    assert out.startswith("1 article (")
    found = json.loads(run("search", *options, "--meaning", "1", "--json", "ferry")[1])
    assert [hit["by_meaning"] for hit in found["hits"]] == [False, True, True]


@pytest.mark.parametrize("share", ["2", "-1", "much"])
def test_a_share_that_is_none_is_a_usage_error(options: tuple[str, str], run: Run, share: str) -> None:
    code, _, err = run("search", *options, "--meaning", share, "ferry")
    assert (code, "--meaning" in err) == (2, True)


def test_an_explanation_has_both_shares(options: tuple[str, str], run: Run) -> None:
    out = run("search", *options, "--explain", "ferry")[1]
    hits = out.split("\n\n")[1:]
    assert len(hits) == 3
    for hit in hits:
        words = re.search(r"\n   ([0-9.]+)  words: ", hit)
        meaning = re.search(r"\n   ([0-9.]+)  meaning: [0-9.]+ × closeness ", hit)
        score = re.search(r"\n   ([0-9.]+)  in all", hit)
        assert meaning
        assert score
        shares = float(words[1]) if words else 0.0, float(meaning[1])
        assert sum(shares) == pytest.approx(float(score[1]), abs=0.002)
        assert bool(words) == ("found by its meaning" not in hit)


@pytest.mark.parametrize(
    ("query", "is_loaded"),
    [
        (["ferry"], True),
        (["ferry", "lang:en"], True),
        (["ferry", "--meaning", "0"], False),
        (["ferry", "--sort", "newest"], False),
        (["ferry", "--limit", "0"], False),
        (['"the ferry"'], False),
        (["title:ferry"], False),
    ],
)
def test_the_model_is_loaded_for_queries_whose_meaning_counts(
    query: list[str], is_loaded: bool, options: tuple[str, str]
) -> None:
    code = (
        "import sys\nfrom indexer.cli import run_cli\n"
        f"code = run_cli({['search', *options, *query]!r})\n"
        "print('loaded', code, 'tokenizers' in sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines()[-1] == f"loaded 0 {is_loaded}"


def test_a_ranking_is_measured_with_and_without_the_meaning(
    options: tuple[str, str], run: Run, tmp_path: Path
) -> None:
    judged = tmp_path / "judgments.tsv"
    judged.write_text("ferry\tboats\t1\n")
    figures = [
        json.loads(run("eval", str(judged), *options, "--meaning", share, "--json")[1])["figures"]["mrr"]
        for share in ("0", "0.4")
    ]
    assert figures[0] == 0 < figures[1]

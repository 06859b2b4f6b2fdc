"""The relevance test of `nutgraf eval`: the file of judgments, the figures, and the comparison."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path

import pytest

from indexer import Article, Config, Index
from indexer.cli import run_cli
from indexer.cli.judgments import compare, measure, read_judgments, record
from indexer.errors import ConfigError

ARTICLES = [
    Article(id="a", title="Harbour crane", paragraphs=["The crane lifts a boat."]),
    Article(id="b", title="Boats", paragraphs=["A boat near the harbour, and no lifting."]),
    Article(id="c", title="Trams", paragraphs=["A tram at night."]),
]


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    """Three articles."""
    with Index(Config(index=tmp_path / "index")) as made:
        made.put(ARTICLES)
        yield made


def judgments(folder: Path, *rows: str) -> Path:
    """A file of judgments."""
    path = folder / "judgments.tsv"
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize("first", ["query\tarticle\tgain", "# a remark", "", "\ufeffQuery\tid\tGain"])
def test_a_header_comments_and_empty_lines_are_skipped(tmp_path: Path, first: str) -> None:
    path = judgments(tmp_path, first, "harbour crane\ta\t2", "", "# more", "harbour crane\tb\t0.5")
    assert read_judgments(path) == {"harbour crane": {"a": 2.0, "b": 0.5}}


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (["crane\ta"], ":1: must be a query, the id of an article and a gain"),
        (["crane\ta\t1", "crane\tb\tmuch"], ":2: must be a query, the id of an article and a gain"),
        (["crane\ta\t-1"], ":1: must be a query, the id of an article and a gain"),
        (["crane\ta\tnan"], ":1: must be a query, the id of an article and a gain"),
        (["crane\t\t1"], ":1: must be a query, the id of an article and a gain"),
        (["crane\ta\t1\tx"], ":1: must be a query, the id of an article and a gain"),
        (["# only", "crane\ta\t1", "crane\ta\t2"], ":3: “a” has two gains, 1 and 2, for"),
        (["crane\ta\t0"], "no article has a gain above 0 for the query “crane”"),
        (["# nothing"], "has no judgments"),
    ],
)
def test_a_bad_line_is_named_with_its_error(tmp_path: Path, rows: list[str], said: str) -> None:
    with pytest.raises(ConfigError) as raised:
        read_judgments(judgments(tmp_path, *rows))
    assert said in str(raised.value)


def test_figures_are_those_of_the_formulas(index: Index) -> None:
    found = measure(index, {"boat": {"a": 1.0, "b": 3.0, "gone": 2.0, "c": 0.0}})
    hits = [hit.article.id for hit in index.search("boat").hits]
    gained = sum({"a": 1, "b": 3}[name] / math.log2(place + 2) for place, name in enumerate(hits))
    ideal = 3 / math.log2(2) + 2 / math.log2(3) + 1 / math.log2(4)
    (answer,) = found.answers
    assert answer.ndcg_10 == pytest.approx(gained / ideal)
    assert answer.reciprocal_rank == 1
    assert answer.recall_100 == pytest.approx(2 / 3)
    assert answer.missed == ("gone",)
    assert found.absent == ("gone",)


def test_judgments_may_name_the_ids_that_records_state(tmp_path: Path) -> None:
    lines = [
        {"id": article.id, "title": article.title, "paragraphs": article.paragraphs} for article in ARTICLES
    ]
    path = tmp_path / "docs.jsonl"
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    with Index(Config(index=tmp_path / "records")) as records, Index(Config(index=tmp_path / "put")) as put:
        records.sync(path)
        put.put(ARTICLES)
        stated = {"boat": {"a": 1.0, "b": 3.0, "gone": 2.0}, "tram": {"c": 1.0, "a": 0.0}}
        assert measure(records, stated) == measure(put, stated)
        whole = {"tram": {records.resolve_id("c"): 1.0}}
        assert measure(records, whole).figures == measure(put, {"tram": {"c": 1.0}}).figures


def test_figures_agree_with_those_of_ir_measures(index: Index) -> None:
    ir_measures = pytest.importorskip("ir_measures")
    judged = {"boat": {"a": 1.0, "b": 3.0}, "crane harbour": {"b": 2.0, "c": 1.0}, "night": {"a": 1.0}}
    measures = [ir_measures.nDCG @ 10, ir_measures.RR, ir_measures.R @ 100]
    run = [
        ir_measures.ScoredDoc(query, hit.article.id, -place)
        for query in judged
        for place, hit in enumerate(index.search(query).hits)
    ]
    qrels = [
        ir_measures.Qrel(query, name, int(gain))
        for query, own in judged.items()
        for name, gain in own.items()
    ]
    theirs = ir_measures.calc_aggregate(measures, qrels, run)
    ours = measure(index, judged).as_json()["figures"]
    assert list(ours.values()) == pytest.approx([theirs[one] for one in measures], abs=1e-4)


def test_only_queries_with_the_same_judgments_are_compared(index: Index, tmp_path: Path) -> None:
    kept = tmp_path / "figures.json"
    record(measure(index, {"boat": {"b": 1.0}, "crane": {"a": 1.0}, "tram": {"c": 1.0}}), kept)
    found = compare(measure(index, {"boat": {"b": 1.0}, "crane": {"b": 1.0}, "night": {"c": 1.0}}), kept)
    assert (found.compared, found.changed) == (1, 3)
    assert not found.fallen


def test_a_lower_figure_than_the_recorded_one_ends_with_1_and_names_the_query(
    index: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    path = judgments(tmp_path, "harbour crane\ta\t1", "night tram\tc\t1")
    command = ["eval", str(path), "--index", str(tmp_path / "index")]
    assert run_cli(command) == 0
    assert run_cli([*command, "--record"]) == 0
    assert json.loads((tmp_path / "judgments.tsv.figures.json").read_text())["figures"]["mrr"] == 1
    assert run_cli(command) == 0
    assert "fell" not in capsys.readouterr().err
    index.remove(["a"])
    assert run_cli(command) == 1
    said = capsys.readouterr().err
    assert "1 judged article is not in the index: a" in said
    assert "ndcg@10 fell from 1.0000 to 0.5000" in said
    assert "lost: harbour crane (1.0000 to 0.0000)" in said
    assert "night tram" not in said
    assert run_cli([*command, "--tolerance", "0.6"]) == 0
    capsys.readouterr()
    assert run_cli([*command, "--json"]) == 1
    printed = json.loads(capsys.readouterr().out)
    assert printed["comparison"]["lost"] == [{"query": "harbour crane", "before": 1.0, "now": 0.0}]
    assert printed["absent"] == ["a"]
    assert run_cli([*command, "--record", str(tmp_path / "other.json")]) == 0
    assert run_cli([*command, "--against", str(tmp_path / "other.json"), "--verbose"]) == 0
    assert "0.0000  harbour crane   not in the first 10: a" in capsys.readouterr().out


def test_a_file_without_figures_is_refused(index: Index, tmp_path: Path) -> None:
    path = tmp_path / "figures.json"
    for text, said in (("no", "it is not JSON"), ("[]", "or those of another version")):
        path.write_text(text)
        with pytest.raises(ConfigError, match=said):
            compare(measure(index, {"boat": {"b": 1.0}}), path)

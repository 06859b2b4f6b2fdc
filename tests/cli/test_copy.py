"""`nutgraf copy`: what it prints, and how it names what is wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from indexer import Article, open_index
from tests.fixtures.commands import Run

pytestmark = pytest.mark.usefixtures("index")


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An index of three articles in the working directory."""
    monkeypatch.chdir(tmp_path)
    with open_index("index_data") as made:
        made.put([Article(name, "A kettle") for name in ("a", "b", "c")])


def test_it_says_what_was_copied(run: Run) -> None:
    code, out, err = run("copy", "--to", "other")
    assert (code, err) == (0, "")
    assert out.startswith("3 added, 0 changed, 0 removed, 0 unchanged, from 0 files in ")
    code, out, err = run("copy", "--index", "other", "--to", "third", "--json")
    report = json.loads(out)
    assert (code, err, report["added"], report["changes"]) == (0, "", 3, [])
    assert run("search", "kettle", "--index", "third", "--json")[0] == 0


@pytest.mark.parametrize(
    ("words", "expected", "message"),
    [
        (["--to", "index_data"], 2, "--to: must be another place than that of the index"),
        (["--to", "opensearch+ftp://host/name"], 2, "--to: must begin with opensearch+https://"),
        (["--to", "other", "--index", "opensearch+ftp://host/name"], 2, "--index: must begin with opensea"),
        (["--to", "other", "--index", "missing"], 1, "no index in missing: run `nutgraf index FOLDER`"),
        (["--to", "notes"], 1, "no index in notes, and none is made among other files (todo.txt): choose "),
        (["--to", "foreign"], 1, "or replace it with --replace"),
        ([], 2, "Missing option '--to'"),
    ],
)
def test_an_error_names_the_flag(words: list[str], expected: int, message: str, run: Run) -> None:
    Path("notes").mkdir()
    (Path("notes") / "todo.txt").touch()
    with open_index("foreign") as foreign:
        foreign.put([Article("x", "A goose")])
    code, out, _ = run("copy", *words, "--json")
    assert code == expected
    assert message in json.loads(out)["error"]["message"]


def test_another_index_is_replaced_if_told(run: Run) -> None:
    with open_index("foreign", language="de") as foreign:
        foreign.put([Article("x", "A goose")])
        assert run("copy", "--to", "foreign")[0] == 1
        assert run("copy", "--to", "foreign", "--replace")[0] == 0
        assert [article.id for article in foreign.articles()] == ["a", "b", "c"]

"""The examples run as they stand, and print what they should; the README does what it says."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from jinja2 import DictLoader

import webui
from indexer import Article, Config, Index, open_index
from tests.stress.__main__ import stress_tests

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "tests" / "examples"
README = (ROOT / "README.md").read_text(encoding="utf-8")

PRINTED = {
    "feed": [
        "2020-03 Harbour · The ferry stopped.",
        "2021-11-05T21:01 Night ferry returns · The night ferry sails again from Friday.",
        "1 changed: The ferry stopped, and sailed again.",
        "1 left",
    ],
    "newsroom": [
        '<a href="/letters/?q=ferry">Letters about the ferry</a>',
        "200 OK True True",
        "['Night ferry returns']",
    ],
    "agent": [
        r"In 1998 the old crane fell into the harbour\. https://quay\.example/a/\?id=crane#p-[0-9a-f]{8}",
        r"nutgraf://article/crane/p-[0-9a-f]{8}",
        r"exact \[\]",
        r"near \[\('sea', 'harbour'\)\]",
    ],
    "chain": ["The ferry sails. (Return, 2021-11, paragraph 2)"],
}
NEEDED = {"agent": "mcp", "chain": "langchain_core"}


@pytest.mark.slow
@pytest.mark.parametrize("name", PRINTED)
def test_an_example_prints_what_it_should(name: str) -> None:
    needed = NEEDED.get(name)
    if needed and find_spec(needed) is None:
        pytest.skip(f"{needed} is not installed")
    done = subprocess.run(
        [sys.executable, str(FOLDER / f"{name}.py")],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT), "NUTGRAF_QUERY_SECONDS": "60"},
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) == len(PRINTED[name]), done.stdout
    for line, wanted in zip(lines, PRINTED[name], strict=True):
        assert line == wanted or re.fullmatch(wanted, line), line


def test_every_example_is_run_and_named_in_the_readme() -> None:
    names = {path.stem for path in FOLDER.glob("*.py")} - {"__init__"}
    assert names == set(PRINTED)
    for name in names:
        assert f"tests/examples/{name}.py" in README


def shown(language: str, containing: str) -> str:
    """The one example of the README in a language that contains something."""
    (found,) = (
        text for text in re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL) if containing in text
    )
    return str(found)


def run(text: str, **given: Any) -> tuple[dict[str, Any], list[str]]:
    """The names that an example leaves, and the lines that it prints."""
    names, printed = dict(given), io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(text, "README.md", "exec"), names)
    return names, printed.getvalue().splitlines()


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Index]:
    """The index of the sample articles, in the folder in which a newcomer tries the examples."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(ROOT / "seeds", "seeds")
    with open_index("index_data") as opened:
        opened.sync()
        yield opened


def test_every_python_example_of_the_readme_is_run_here() -> None:
    examples = set(re.findall(r"```python\n(.*?)```", README, re.DOTALL))
    run_here = ("page.did_you_mean", "no_results", "sqlite3", "verify_quote", "init_app", "NutgrafRetriever")
    assert examples == {shown("python", word) for word in run_here}


def test_the_library_does_what_the_readme_shows(index: Index) -> None:
    _, lines = run(shown("python", "page.did_you_mean"))
    assert any(line.endswith("((4, 8), (13, 17))") for line in lines)
    assert "harbour crane word 1 None" in lines
    assert {"undated 1", "1998 1"} <= set(lines)
    assert index.search("ships came").total == 0
    _, lines = run(shown("python", "no_results"), index=index)
    assert lines[0] == "No article has “crayne”."
    assert len(lines) > 1


def test_records_of_a_database_go_in_as_the_readme_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    database = sqlite3.connect("notes.db")
    database.execute("CREATE TABLE notes (id INTEGER PRIMARY KEY, title TEXT, day TEXT, text TEXT)")
    for title, day in ((None, "2021"), ("Heron", None), ("Gone", "2021-11-05"), ("Bad", "soon")):
        database.execute("INSERT INTO notes (title, day, text) VALUES (?, ?, 'A.\n\nHeron.')", (title, day))
    database.commit()
    database.close()
    names, lines = run(shown("python", "sqlite3"))
    names["database"].close()
    assert lines == [
        "article 'note-4': published: must be an ISO date (2021, 2021-11, 2021-11-05 or 2021-11-05T21:01), "
        "not 'soon'",
        "3 0 0",
    ]
    found = names["index"].search("heron", source="notes", sort="title")
    assert sorted(hit.article.id for hit in found.hits) == ["note-1", "note-2"]


def test_a_quotation_is_checked_as_the_readme_shows(index: Index) -> None:
    index.put([Article(id="a", paragraphs=["The old crane fell into the harbour."])])
    names, lines = run(shown("python", "verify_quote"), index=index)
    assert names["found"].verdict == "near"
    assert "changed sea harbour" in lines


@pytest.mark.parametrize("words", ["{% extends", ""])
def test_a_flask_application_is_what_the_readme_shows(index: Index, words: str) -> None:
    with open_index("letters") as letters:
        letters.put([Article(id="1", title="Too loud", paragraphs=["The ferry wakes the street."])])
    names, _ = run(shown("python", "init_app"), __name__="newcomer")
    app = names["app"]
    if words:
        masthead = {"nutgraf/base.html": shown("jinja", words), "our-masthead.html": "<p>Our masthead</p>"}
        app.jinja_loader = DictLoader(masthead)
    site = app.test_client()
    for address in ("/search/?q=harbour", "/letters/?q=ferry"):
        answer = site.get(address)
        assert answer.status_code == 200
        assert ("Our masthead" in answer.text) == bool(words)
    assert site.get("/letters/api/search?q=ferry").get_json()["total"] == 1
    assert names["application"].test_client().get("/api/search?q=harbour").get_json()["total"] > 0


def test_the_tag_of_the_readme_names_what_a_mount_at_that_prefix_serves(index: Index) -> None:
    app = Flask("host")
    webui.init_app(app, index, url_prefix="/search")
    script, api = re.findall(r'src="https://archive\.example(/[^"]*)"', shown("html", "<script"))
    site = app.test_client()
    with site.get(script) as answer:
        assert (answer.status_code, answer.mimetype) == (200, "text/javascript")
    assert site.get(f"{api}/search?q=harbour").get_json()["total"] > 0


def test_the_blocks_that_the_readme_names_are_those_of_the_pages() -> None:
    folder = ROOT / "webui" / "templates" / "nutgraf"
    names, blocks = (
        set(re.findall(r"`([^`]+)`", part))
        for part in README.partition("The pages are ")[2].partition("\n\n")[0].split("its blocks are")
    )
    assert names == {path.name for path in folder.glob("*.html")} - {"text.html"}
    base = (folder / "base.html").read_text(encoding="utf-8")
    assert blocks == {*re.findall(r"{% block (\w+)", base)} - {"focus"}


def test_an_agent_s_client_starts_the_server_as_the_readme_shows() -> None:
    from indexer.cli import cli

    known = {name for option in cli.commands["mcp"].params for name in option.opts}
    (server,) = json.loads(shown("json", "mcpServers"))["mcpServers"].values()
    assert (Path(server["command"]).name, server["args"][0]) == ("nutgraf", "mcp")
    assert {word for word in server["args"] if word.startswith("--")} <= known


def test_the_retriever_does_what_the_readme_shows(index: Index) -> None:
    pytest.importorskip("langchain_core", reason="the extra langchain is not installed")
    _, lines = run(shown("python", "NutgrafRetriever"))
    assert lines
    named = re.findall(r"\w+", shown("python", "NutgrafRetriever").rpartition("# ")[2])
    assert all(f"'{name}':" in lines[0] for name in named)


@pytest.mark.parametrize(
    ("word", "address"), [("hits", "search?q=syria&facet=year"), ("suggestions", "suggest?q=h")]
)
def test_an_answer_has_the_fields_that_the_readme_shows(index: Index, word: str, address: str) -> None:
    found = webui.create_app(index).test_client().get(f"/api/{address}").get_json()
    wanted = json.loads(shown("json", f'"{word}"'))
    assert set(found) == set(wanted)
    assert set(found[word][0]) == set(wanted[word][0])


# The query guide and the security table

GUIDE = README.partition("## The query guide")[2].partition("\n## ")[0]
ROWS = re.findall(r"^\| (`.*`) \| (.+) \|$", GUIDE, re.MULTILINE)
EXAMPLES = [example for typed, _ in ROWS for example in re.findall(r"`([^`]+)`", typed)]


@pytest.fixture(scope="module")
def guide_index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    """The sample articles, on the day that the guide names."""
    config = Config(index=tmp_path_factory.mktemp("readme") / "index", sources=(ROOT / "seeds",))
    with Index(config, today=lambda: date(2021, 11, 12)) as opened:
        opened.sync()
        yield opened


@pytest.mark.parametrize("query", EXAMPLES)
def test_every_example_of_the_guide_finds_something_and_is_understood(guide_index: Index, query: str) -> None:
    page = guide_index.search(query)
    assert page.total > 0
    assert not [
        note
        for note in map(str, page.notes)
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

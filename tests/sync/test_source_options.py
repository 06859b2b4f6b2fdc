"""Sources with options of their own, by the command: which files are read, and how."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path
from typing import Any

import pytest

from indexer import Index, open_index
from indexer.cli import run_cli
from indexer.config import load_config


class Desk:
    """A folder with a configuration, in which commands run."""

    def __init__(self, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.root = root
        self._capsys = capsys

    def write(self, name: str, text: str) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def run(self, *words: str, code: int = 0) -> Any:
        ended = run_cli([*words, "--json"])
        out, err = self._capsys.readouterr()
        assert ended == code, err
        return json.loads(out or err)

    def open(self) -> Index:
        return open_index(load_config())


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Desk:
    monkeypatch.chdir(tmp_path)
    return Desk(tmp_path, capsys)


def changes(report: dict[str, Any]) -> tuple[int, int, int, int]:
    return report["added"], report["changed"], report["removed"], report["unchanged"]


def titles(desk: Desk, query: str) -> list[str]:
    with desk.open() as index:
        return sorted(hit.article.title for hit in index.search(query).hits)


WIRE = """
[sources.wire]
path = "in/wire"
language = "fr"
day_first = false
timezone = "Europe/Paris"
record = {{ title = "headline", published = "pubDate", authors = "by.line" }}
url = "https://wire.example/{{stem}}/{{id}}"
section = "World"
tags = ["wire"]
{more}
[sources.paper]
path = "in/paper"
url = "https://paper.example/{{path}}"
"""
BY = {"line": "Ann Lee"}
RECORDS = [
    {"id": "a 1", "headline": "Le port", "text": "Le port.", "pubDate": "03/04/2024", "by": BY},
    {"id": "2", "headline": "The tide", "text": "The tide.", "language": "en", "section": "Sea",
     "url": "https://other.example/2", "pubDate": "2024-03-05T23:30:00Z"},
]  # fmt: skip


@pytest.fixture
def wire(desk: Desk) -> Desk:
    desk.write("nutgraf.toml", WIRE.format(more=""))
    desk.write("in/wire/news of/may.json", json.dumps(RECORDS))
    desk.write("in/paper/2024/a b.txt", "A title\n\nA crane in the harbour, 5 May 2024.\n")
    head = "<title>P</title><link rel=canonical href='https://own.example/p'>"
    text = "A page about the harbour and its cranes, which are large."
    desk.write("in/paper/page.html", f"<html><head>{head}</head><body><p>{text}</p></body></html>")
    return desk


def test_records_are_read_by_the_options_of_their_source_and_other_sources_are_not(wire: Desk) -> None:
    assert changes(wire.run("index")) == (4, 0, 0, 0)
    with wire.open() as index:
        found = {a.title: a for a in (index.get_article(hit.article.id) for hit in index.search("*").hits)}
    port, tide = found["Le port"], found["The tide"]
    assert (port.language, str(port.published), port.authors) == ("fr", "2024-03-04", ("Ann Lee",))
    assert (port.section, port.tags, port.url) == (
        "World",
        ("wire",),
        "https://wire.example/news%20of/may/a%201",
    )
    assert (tide.language, str(tide.published)) == ("en", "2024-03-06T00:30")
    assert (tide.section, tide.tags, tide.url) == ("Sea", ("wire",), "https://other.example/2")
    assert found["A title"].url == "https://paper.example/2024/a%20b.txt"
    assert found["A title"].section is None
    assert found["P"].url == "https://own.example/p"


@pytest.mark.usefixtures("in_process")
def test_searches_call_a_source_by_its_name(wire: Desk) -> None:
    wire.run("index")
    assert titles(wire, "source:wire") == ["Le port", "The tide"]
    with wire.open() as index:
        page = index.search("*", facets=["source"])
        assert {found.value: found.count for found in page.facets["source"]} == {"paper": 2, "wire": 2}


@pytest.mark.usefixtures("in_process")
@pytest.mark.parametrize("more", ['publisher = "The Wire"', "", 'exclude = ["nothing"]'])
def test_another_option_of_a_source_reads_that_source_only(wire: Desk, more: str) -> None:
    wire.run("index")
    wire.write("nutgraf.toml", WIRE.format(more=more))
    changed = 2 if more.startswith("publisher") else 0
    assert changes(wire.run("index", "--dry-run")) == (0, changed, 0, 4 - changed)
    report = wire.run("index")
    assert changes(report) == (0, changed, 0, 4 - changed)
    assert {change["why"] for change in report["changes"]} <= {"the options of its source changed"}
    assert changes(wire.run("index")) == (0, 0, 0, 4)
    wire.run("verify", "--deep")


@pytest.mark.usefixtures("in_process")
def test_another_option_that_changes_no_article_of_a_source_is_remembered(wire: Desk) -> None:
    wire.run("index")
    text = (wire.root / "nutgraf.toml").read_text()
    wire.write("nutgraf.toml", text.replace("{stem}", "{path}").replace("{path}/{id}", "{stem}/{id}"))
    wire.write("nutgraf.toml", text.replace('path = "in/paper"\n', 'path = "in/paper"\nday_first = true\n'))
    assert changes(wire.run("index")) == (0, 0, 0, 4)
    assert changes(wire.run("index")) == (0, 0, 0, 4)
    wire.run("verify", "--deep")


@pytest.mark.usefixtures("in_process")
def test_a_source_gets_another_name_and_is_found_by_it(wire: Desk) -> None:
    wire.run("index")
    text = (wire.root / "nutgraf.toml").read_text()
    wire.write("nutgraf.toml", text.replace("sources.wire", 'sources."The agency"'))
    assert changes(wire.run("index")) == (0, 2, 0, 2)
    assert titles(wire, 'source:"The agency"') == ["Le port", "The tide"]
    assert titles(wire, "source:wire") == []


@pytest.mark.usefixtures("in_process")
def test_a_rebuild_and_a_check_of_all_sources_use_the_same_options(wire: Desk) -> None:
    wire.run("index")
    digest = wire.run("verify", "--deep")["sources_digest"]
    assert changes(wire.run("rebuild")) == (4, 0, 0, 0)
    assert wire.run("verify", "--deep")["sources_digest"] == digest


@pytest.mark.usefixtures("in_process")
def test_a_source_may_be_given_by_its_name(wire: Desk) -> None:
    assert changes(wire.run("index", "wire")) == (2, 0, 0, 0)
    assert changes(wire.run("index", "paper")) == (2, 0, 0, 0)
    assert changes(wire.run("forget", "wire")) == (0, 0, 2, 0)
    wire.write("paper/c.txt", "Another title\n\nAnother tide.\n")
    assert changes(wire.run("index", "paper")) == (1, 0, 0, 0)


def test_sources_in_each_other_are_refused_as_without_names(desk: Desk) -> None:
    desk.write("nutgraf.toml", '[sources.all]\npath = "in"\n[sources.wire]\npath = "in/wire"\n')
    desk.write("in/wire/a.txt", "A title\n\nA tide.\n")
    assert "lies in" in json.dumps(desk.run("index", code=1))


# Which files


EXCLUDING = (
    '[sources.all]\npath = "in"\ninclude = ["*.txt", "*.md"]\nexclude = ["drafts/", "/top.txt", "b.txt"]\n'
)


def list_paths(desk: Desk) -> set[str]:
    with desk.open() as index:
        return {str(index.get_article(hit.article.id).source) for hit in index.search("*", limit=100).hits}


@pytest.mark.usefixtures("in_process")
def test_only_files_that_match_include_and_not_exclude_are_read_and_the_others_are_counted(
    desk: Desk,
) -> None:
    desk.write("nutgraf.toml", EXCLUDING)
    names = "top.txt a.txt b.txt deep/b.txt deep/top.txt c.html d.md drafts/e.txt deep/drafts/f.md"
    for name in names.split():
        desk.write(f"in/{name}", f"Title\n\nText of {name}.\n")
    report = desk.run("index")
    assert list_paths(desk) == {"a.txt", "deep/top.txt", "d.md"}
    assert (report["files"], report["kinds_not_read"]) == (3, {"excluded": 6})
    assert desk.run("index")["kinds_not_read"] == {"excluded": 6}
    assert desk.run("status")["kinds_not_read"] == {"excluded": 6}
    desk.run("verify", "--deep")


def test_a_file_of_patterns_excludes_files_of_its_folder_and_a_nearer_one_decides(desk: Desk) -> None:
    for name in ("a.txt", "b.txt", "deep/a.txt", "deep/b.txt", "deep/deeper/a.txt"):
        desk.write(f"seeds/{name}", f"Title\n\nText of {name}.\n")
    desk.write("seeds/.nutgrafignore", "# All but some\n*.txt\n!b.txt\n")
    desk.write("seeds/deep/.nutgrafignore", "!/a.txt\nb.txt\n")
    report = desk.run("index")
    assert list_paths(desk) == {"b.txt", "deep/a.txt"}
    assert report["kinds_not_read"] == {"excluded": 3}


def test_files_that_are_excluded_later_are_removed_and_come_back(desk: Desk) -> None:
    for number in range(20):
        desk.write(f"seeds/{number}.txt", f"Title\n\nText of {number}.\n")
    desk.run("index")
    desk.write("seeds/.nutgrafignore", "7.txt\n")
    assert changes(desk.run("index")) == (0, 0, 1, 19)
    (desk.root / "seeds/.nutgrafignore").unlink()
    assert changes(desk.run("index")) == (1, 0, 0, 19)


def test_patterns_that_cannot_be_read_leave_their_folder_as_it_is_indexed(desk: Desk) -> None:
    for name in ("a.txt", "deep/b.txt"):
        desk.write(f"seeds/{name}", f"Title\n\nText of {name}.\n")
    desk.run("index")
    desk.write("seeds/deep/.nutgrafignore", "!\n")
    desk.write("seeds/deep/c.txt", "Title\n\nNew text.\n")
    report = desk.run("index", code=3)
    assert changes(report) == (0, 0, 0, 2)
    (failure,) = report["failed"]
    assert failure["path"] == "deep"
    assert failure["reason"].startswith(".nutgrafignore in it must have patterns as in .gitignore")


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may list every folder")
def test_a_folder_that_is_excluded_need_not_be_listed(desk: Desk) -> None:
    desk.write("seeds/a.txt", "Title\n\nText.\n")
    desk.write("seeds/private/b.txt", "Title\n\nText.\n")
    desk.write("seeds/.nutgrafignore", "private/\n")
    (desk.root / "seeds/private").chmod(0)
    try:
        assert desk.run("index")["failed"] == []
    finally:
        (desk.root / "seeds/private").chmod(0o755)


@pytest.mark.usefixtures("in_process")
def test_json_without_articles_is_counted_and_is_no_failure(desk: Desk) -> None:
    desk.write("seeds/package.json", '{"name": "site", "version": "1"}')
    desk.write("seeds/news.json", '[{"title": "A title", "text": "A tide."}]')
    (desk.root / "seeds/more.json.gz").write_bytes(gzip.compress(b'{"a": [1]}'))
    report = desk.run("index")
    assert changes(report) == (1, 0, 0, 0)
    assert report["kinds_not_read"] == {"JSON without articles": 2}
    assert desk.run("index")["kinds_not_read"] == {"JSON without articles": 2}

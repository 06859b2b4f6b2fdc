"""The command line: one library call each, data on one stream and the rest on the other, and exit codes."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from indexer import Article, FieldType
from indexer.article import make_record_id
from indexer.cli import cli
from indexer.store.lock import lock_for_writing
from indexer.sync.plan import default_id
from tests.fixtures.commands import ENVIRONMENT, Run, on_a_terminal, start
from tests.fixtures.folders import Archive, contents
from tests.stress.watching import Watch

ONE = make_record_id(default_id(Path("seeds"), "b.jsonl"), "one")


@pytest.fixture
def archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Archive:
    """A folder of articles in the working directory, not indexed yet."""
    for name in os.environ:
        if name.startswith("NUTGRAF_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    made = Archive(tmp_path)
    made.text("a.txt", "A crane in the harbour.", title="Harbour news")
    made.lines("b.jsonl", {"id": "one", "title": "One", "published": "2021-11-05", "text": "First crane."})
    return made


def answer(run: Run, *arguments: str) -> dict[str, Any]:
    code, out, err = run(*arguments, "--json")
    assert (code, err) == (0, "")
    found: dict[str, Any] = json.loads(out)
    return found


# Commands


def test_the_commands_are_these() -> None:
    assert sorted(cli.commands) == [
        "cache", "copy", "doctor", "embed", "eval", "export", "forget", "index", "mcp", "rebuild", "search",
        "serve", "status", "verify", "watch",
    ]  # fmt: skip


@pytest.mark.parametrize("command", [[], *([name] for name in cli.commands)], ids=" ".join)
def test_every_command_explains_itself(run: Run, command: Sequence[str]) -> None:
    for flag in ("--help", "-h"):
        code, out, err = run(*command, flag)
        assert (code, err) == (0, "")
        assert out.startswith(" ".join(["Usage: nutgraf", *command]))
        assert re.search(r"\n  [A-Z][^.]*\.", out) or command == ["search"]


def test_the_cache_is_cleared_and_its_size_said(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    cache = tmp_path / "nutgraf"
    (cache / "languages").mkdir(parents=True)
    (cache / "languages" / "model").write_bytes(bytes(3_000_000))
    assert run("cache", "clear") == (0, f"{cache}: 3 MB removed\n", "")
    assert not cache.exists()
    assert run("cache", "clear") == (0, f"{cache}: 0 MB removed\n", "")


def test_without_a_command_the_usage_is_printed(run: Run) -> None:
    code, out, err = run()
    assert (code, out) == (2, "")
    assert "Usage: nutgraf" in err


def test_the_version_is_that_of_the_package(run: Run) -> None:
    assert run("--version")[:2] == (0, "nutgraf, version 0.1.0\n")


def test_index_prints_its_report(archive: Archive, run: Run) -> None:
    code, out, err = run("index", "--index", "index")
    assert (code, err) == (0, "")
    assert re.fullmatch(r"2 added, 0 changed, 0 removed, 0 unchanged, from 2 files in \d+\.\d s\n", out)
    archive.write("empty.txt", "")
    code, out, err = run("index", "--index", "index")
    assert (code, out[:21]) == (3, "0 added, 0 changed, 0")
    assert re.fullmatch(r"nutgraf: skipped empty\.txt: .*\n", err)


def test_index_json_is_one_object_with_these_keys(archive: Archive, run: Run) -> None:
    found = answer(run, "index", "seeds", "--index", "index")
    assert set(found) == {
        "added", "changed", "removed", "unchanged", "files", "failed", "changes", "seconds", "dry_run",
        "refused", "interrupted", "without", "kinds_not_read",
    }  # fmt: skip
    assert (found["added"], found["files"], found["failed"], found["dry_run"]) == (2, 2, [], False)
    assert found["changes"][1] == {"action": "add", "id": ONE, "path": "b.jsonl", "why": "the file is new"}
    archive.write("empty.txt", "")
    code, out, _ = run("index", "--index", "index", "--json")
    assert code == 3
    assert [set(failure) for failure in json.loads(out)["failed"]] == [{"path", "reason"}]


def test_a_dry_run_prints_the_changes_and_their_reasons(archive: Archive, run: Run) -> None:
    code, out, err = run("index", "--dry-run", "--index", "index")
    assert (code, err) == (0, "")
    assert re.search(r"^add     a\.txt \(a-[0-9a-f]{8}\): the file is new$", out, re.MULTILINE)
    assert "2 would be added" in out
    assert not archive.folder.exists()
    run("index", "--index", "index")
    (archive.seeds / "b.jsonl").unlink()
    before = contents(archive.folder)
    assert (
        f"remove  b.jsonl ({ONE}): the file is missing\n" in run("index", "--dry-run", "--index", "index")[1]
    )
    assert contents(archive.folder) == before


def test_rebuild_makes_a_new_generation(archive: Archive, run: Run) -> None:
    run("index", "--index", "index")
    (archive.root / "more.txt").write_text("More\n\nMore cranes.\n")
    code, out, err = run("rebuild", "more.txt", "--index", "index")
    assert (code, out[:8], err) == (0, "3 added,", "")
    found = answer(run, "status", "--index", "index")
    assert (found["generation"], found["articles"]) == ("g000002", 3)


def test_status_says_what_the_index_holds(archive: Archive, run: Run) -> None:
    archive.write("empty.txt", "")
    run("index", "--index", "index")
    code, out, err = run("status", "--index", "index")
    assert (code, err) == (0, "")
    assert [line[:10].strip() for line in out.splitlines()] == [
        "index", "articles", "dates", "languages", "sources", "committed", "libraries", "skipped",
    ]  # fmt: skip
    assert "2 in 2 paragraphs\n" in out
    assert "2021-11-05 to 2021-11-05; 1 undated\n" in out
    found = answer(run, "status", "--index", "index")
    assert set(found) == {
        "damage",
        "path", "generation", "articles", "paragraphs", "undated", "first", "last", "size", "committed",
        "languages", "sources", "failures", "libraries", "library_changes", "kinds_not_read", "fields",
        "vectors",
    }  # fmt: skip
    assert (found["articles"], found["paragraphs"], found["undated"]) == (2, 2, 1)
    assert found["size"] > 1000
    assert found["failures"][0]["path"] == "empty.txt"


def test_files_of_kinds_that_are_not_read_are_said(archive: Archive, run: Run) -> None:
    for name in ("a.ods", "b.ods", "c.xlsx"):
        archive.write(name, "x")
    said = "3 files of kinds that are not read: .ods 2, .xlsx 1"
    code, _, err = run("index", "--index", "index")
    assert (code, err) == (0, f"nutgraf: {said}\n")
    assert f"not read   {said}\n" in run("status", "--index", "index")[1]
    assert f"  {said}\n" in run("doctor", "--index", "index")[1]
    assert answer(run, "doctor", "--index", "index")["kinds_not_read"] == {".ods": 2, ".xlsx": 1}


def test_search_shows_titles_dates_and_passages(archive: Archive, run: Run) -> None:
    run("index", "--index", "index")
    code, out, err = run("search", "--index", "index", "cranes")
    assert (code, err) == (0, "")
    assert out.startswith("2 articles (")
    assert f"\n   2021-11-05  {ONE}\n   [1] First crane.\n" in out
    assert re.search(
        r"\n\d\. Harbour news\n   undated  a-[0-9a-f]{8}\n   \[1\] A crane in the harbour\.\n", out
    )
    code, out, err = run("search", "--index", "index", "crane", "harbour", "sunday")
    assert out.startswith("0 articles, and 2 with some of the words (")
    assert "without sunday" in out
    assert err.startswith("nutgraf: ")


def test_a_hit_names_its_authors_and_the_pages_of_its_passages(archive: Archive, run: Run) -> None:
    fields = {
        "authors": ["Ada Berg", "Tom Reed"],
        "paragraphs": ["A heron.", "A heron."],
        "page_numbers": [None, 4],
    }
    archive.lines("c.jsonl", {"id": "c", "title": "Herons", **fields})
    run("index", "--index", "index")
    out = run("search", "--index", "index", "heron")[1]
    assert re.search(r"\n   undated  c-[0-9a-f]{8}/c  by Ada Berg, Tom Reed\n", out)
    assert "\n   [1] A heron.\n   [2, page 4] A heron.\n" in out


def test_another_spelling_is_suggested_beside_the_hits(archive: Archive, run: Run) -> None:
    run("index", "--index", "index")
    code, out, err = run("search", "--index", "index", "harbur", "crane")
    assert (code, err.splitlines()[-1]) == (0, "Did you mean: harbour crane")
    assert out.startswith("0 articles, and 2 with some")
    assert answer(run, "search", "--index", "index", "harbur")["did_you_mean"] == "harbour"


def test_search_json_is_the_page_of_the_library(archive: Archive, run: Run) -> None:
    run("index", "--index", "index")
    found = answer(run, "search", "--index", "index", "first", "crane", "--limit", "1")
    with archive.open() as index:
        page = json.loads(json.dumps(index.search("first crane", limit=1).as_json()))
    assert (found | {"took_ms": 0}, found["total"]) == (page | {"took_ms": 0}, 1)


def test_search_takes_every_option_of_the_library(archive: Archive, run: Run) -> None:
    run("index", "--index", "index")
    at = ("search", "crane", "--index", "index")
    assert answer(run, *at, "--since", "2021-11", "--until", "2021")["total"] == 1
    for options in (("--sort", "newest", "--limit", "1"), ("--sort", "title", "--offset", "1")):
        (hit,) = answer(run, *at, *options)["hits"]
        assert hit["article"]["id"] == ONE


def test_search_counts_and_filters(archive: Archive, run: Run) -> None:
    run("index", "--index", "index")
    at = ("search", "crane", "--index", "index")
    code, out, err = run(*at, "--facet", "year", "--facet", "source", "--timeline", "--by", "month")
    assert (code, err) == (0, "")
    assert "\nyear\n  1  2021\n  1  (undated)\n\nsource\n  2  seeds\n\nby month: 2021-11-05 to " in out
    assert re.search(r"\n  2021-11     1  100\.00%  █+\n\n1\. ", out)
    assert answer(run, *at, "--source", "seeds", "--language", "en")["total"] == 2
    assert answer(run, *at, "--site", "one.example", "--site", "two.example")["total"] == 0
    assert answer(run, *at, "--half-life", "30")["hits"][0]["article"]["id"] == ONE
    (undated,) = answer(run, *at, "--undated")["hits"]
    assert undated["article"]["published"] is None
    code, out, err = run(*at, "--half-life", "0")
    assert (code, out, err.startswith("nutgraf: --half-life: must be ")) == (2, "", True)


def test_search_filters_and_counts_by_authors_and_fields(archive: Archive, run: Run) -> None:
    fields = {"desk": FieldType("keyword", facet=True), "edition": FieldType("integer")}
    with archive.open(fields=fields) as index:
        articles = [("a", "Ada Berg", "world", 3), ("b", "Bo Hall", "sport", 7), ("c", "Bo Hall", "world", 9)]
        index.put(
            Article(name, "Kettle", authors=[author], fields={"desk": desk, "edition": edition})
            for name, author, desk, edition in articles
        )
    at = ("search", "kettle", "--index", "index")
    assert answer(run, *at, "--author", "berg")["total"] == 1
    assert answer(run, *at, "--filter", "desk:world", "--filter", "edition:>3")["total"] == 1
    assert answer(run, *at, "--filter", "desk:world OR edition:7")["total"] == 3
    code, out, err = run(*at, "--facet", "desk", "--facet", "author")
    assert (code, err) == (0, "")
    assert "\ndesk\n  2  world\n  1  sport\n\nauthor\n  2  Bo Hall\n  1  Ada Berg\n" in out
    code, out, err = run(*at, "--facet", "colour")
    assert (code, out, err.startswith("nutgraf: --facet: must be one or more of year")) == (2, "", True)
    code, out, err = run(*at, "--filter", "kettle")
    assert (code, out, err.startswith("nutgraf: --filter: must have nothing but filters")) == (2, "", True)


def test_a_cursor_continues_after_its_page(archive: Archive, run: Run) -> None:
    archive.lines("c.jsonl", {"id": "two", "title": "Crane", "published": "2020", "text": "Second crane."})
    run("index", "--index", "index")
    at = ("search", "crane", "--index", "index", "--sort", "newest", "--limit", "1")
    cursor = answer(run, *at)["cursor"]
    code, out, err = run(*at, "--cursor", cursor)
    assert (code, err) == (0, "")
    assert "\n2. Crane\n" in out
    (following,) = re.findall(r"\nmore: --cursor (\S+)\n$", out)
    last = answer(run, *at, "--cursor", following)
    assert (last["offset"], last["hits"][0]["article"]["published"], last["cursor"]) == (2, None, None)
    code, out, err = run(*at, "--cursor", "x")
    assert (code, out, err.count("\n")) == (2, "", 1)


def test_near_duplicates_are_one_hit_unless_all_are_asked_for(archive: Archive, run: Run) -> None:
    story = "The crane was moved on Monday from the old quay to the new one by three barges. " * 3
    archive.lines("c.jsonl", *({"id": f"copy{n}", "title": f"Title {n}", "text": story} for n in range(3)))
    run("index", "--index", "index")
    out = run("search", "--index", "index", "barges")[1]
    assert out.startswith("3 articles; 2 near-duplicates collapsed (")
    copies = make_record_id(default_id(Path("seeds"), "c.jsonl"), "copy")
    assert f"\n   also in {copies}1, {copies}2\n" in out
    found = answer(run, "search", "--index", "index", "barges", "--no-collapse")
    assert (found["collapsed"], len(found["hits"])) == (0, 3)
    assert not any(hit["also"] for hit in found["hits"])


def test_search_explains_itself_when_asked(archive: Archive, run: Run) -> None:
    run("index", "--index", "index")
    code, out, _ = run("search", "--index", "index", "--explain", "--limit", "1", "first", "crane*")
    assert code == 0
    assert out.startswith(
        "read as: articles with “first” and words that begin with “crane”, in any form\n"
        "  first: wanted; in title or text; 1 article; stands for first\n"
        "  crane*: wanted; in title or text; 2 articles; stands for crane\n1 article ("
    )
    assert re.search(r"\n   [0-9.]+  first: [0-9.]+ text \(once, length [0-9.]+\); rarity", out)
    assert re.search(r"\n   [0-9.]+  in all, with 1\.300 for nearness\n", out)
    found = answer(run, "search", "--index", "index", "--explain", "first")
    assert found["explanation"]["clauses"][0]["articles"] == 1


def test_search_prints_the_reason_for_no_results(archive: Archive, run: Run) -> None:
    run("index", "--index", "index")
    _, out, err = run("search", "--index", "index", "--since", "2022", "crane")
    assert out.startswith("0 articles (")
    assert err == (
        "No article is published from 1 January 2022 on.\n"
        "  2 articles: crane  (whatever the date, without --since)\n"
    )


def test_search_stops_at_its_time_limit(archive: Archive, run: Run) -> None:
    run("index", "--index", "index")
    _, out, err = run("search", "--index", "index", "--seconds", "0.000001", "crane")
    assert out.startswith("at least 0 articles (")
    assert err.startswith("nutgraf: The time for a query (1e-06 s) was up. Not looked up: crane;")
    assert run("search", "--index", "index", "--seconds", "0", "crane")[0] == 2


def test_a_query_may_begin_with_a_minus_sign(archive: Archive, run: Run) -> None:
    run("index", "--index", "index")
    assert answer_after_dashes(run, "-first")["total"] == 1
    assert answer_after_dashes(run, "crane", "-first")["total"] == 1


def answer_after_dashes(run: Run, *words: str) -> dict[str, Any]:
    code, out, _ = run("search", "--index", "index", "--json", "--", *words)
    assert code == 0
    found: dict[str, Any] = json.loads(out)
    return found


# Exit codes


def test_each_kind_of_error_has_its_exit_code_and_one_line(archive: Archive, run: Run) -> None:
    at = ("--index", "index")

    def trouble(*arguments: str) -> int:
        code, out, err = run(*arguments)
        assert out == ""
        assert err.startswith(("nutgraf: ", "Usage: "))
        assert err.count("\n") == 1 or err.startswith("Usage: ")
        return code

    assert trouble("search", "crane", *at) == 1
    assert trouble("status", *at) == 1
    assert trouble("index", "nowhere", *at) == 1
    assert trouble("search", *at) == 2
    assert trouble("search", "x", "--sort", "age", *at) == 2
    assert trouble("search", "x", "--limit", "-1", *at) == 2
    assert trouble("nonsense") == 2
    assert trouble("index", "--lock-timeout", "-1", *at) == 2
    assert trouble("eval", "no.tsv") == 2
    run("index", *at)
    assert trouble("search", "x", "--limit", "20000", *at) == 2
    assert trouble("search", "x", "--since", "whenever", *at) == 2
    with lock_for_writing(archive.folder, 1):
        assert trouble("index", "--lock-timeout", "0", *at) == 4
        assert trouble("rebuild", "--lock-timeout", "0.01", *at) == 4
        assert run("search", "crane", *at)[0] == 0
    (archive.root / "nutgraf.toml").write_text("nonsense = 1\n")
    assert trouble("status", *at) == 2
    (archive.root / "nutgraf.toml").write_text('language = "de"\n')
    assert trouble("index", *at) == 1
    (archive.root / "nutgraf.toml").unlink()
    (archive.folder / "current").write_text("nothing")
    assert trouble("status", *at) == 5
    assert trouble("search", "crane", *at) == 5
    assert trouble("index", *at) == 5


@pytest.mark.parametrize(
    ("command", "code", "name", "message"),
    [
        ("status", 1, "index_missing", "no index in index: run `nutgraf index FOLDER`"),
        ("search x --sort age", 2, "usage", "Invalid value for '--sort'"),
        ("search x --half-life 0", 2, "invalid_request", ""),
        ("index --lock-timeout -1", 2, "config_error", "--lock-timeout: must be a number, 0 or more"),
        ("forget elsewhere", 1, "source_missing", "elsewhere is not a source of the index"),
    ],
)
def test_with_json_an_error_is_the_json_on_standard_output(
    archive: Archive, run: Run, command: str, code: int, name: str, message: str
) -> None:
    if "status" not in command:
        run("index", "--index", "index")
    found, out, err = run(*command.split(), "--json", "--index", "index")
    assert (found, err) == (code, "")
    error = json.loads(out)["error"]
    assert set(error) == {"code", "message"}
    assert (error["code"], error["message"].startswith(message)) == (name, True), error


def test_a_locked_or_damaged_index_is_named_in_json(archive: Archive, run: Run) -> None:
    run("index", "--index", "index")
    with lock_for_writing(archive.folder, 1):
        code, out, _ = run("index", "--json", "--lock-timeout", "0", "--index", "index")
    assert (code, json.loads(out)["error"]["code"]) == (4, "index_locked")
    (archive.folder / "current").write_text("nothing")
    code, out, _ = run("search", "crane", "--json", "--index", "index")
    assert (code, json.loads(out)["error"]["code"]) == (5, "index_damaged")


def test_a_query_may_contain_the_word_json(archive: Archive, run: Run) -> None:
    code, out, err = run("search", "--index", "index", "--", "crane", "--json")
    assert (code, out, err[:9]) == (1, "", "nutgraf: ")


def test_an_unexpected_error_keeps_its_traceback(archive: Archive) -> None:
    broken = (
        "from indexer import cli; from indexer.cli import options; "
        "options.load_config = lambda **_: 1 / 0; cli.main(['status'])"
    )
    found = subprocess.run(
        [sys.executable, "-c", broken], env=ENVIRONMENT, text=True, capture_output=True, check=False
    )
    assert found.returncode == 1
    assert "Traceback" in found.stderr


def test_a_disk_that_refuses_to_write_is_one_line(archive: Archive) -> None:
    limited = ["bash", "-c", 'ulimit -f 0; exec "$@"', "bash", sys.executable, "-m", "indexer.cli"]
    done = subprocess.run(
        [*limited, "index", "--index", "index"], env=ENVIRONMENT, text=True, capture_output=True, check=False
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert re.fullmatch(
        r"nutgraf: index/g\S+ cannot be written \(File too large\): nothing that was committed is lost; "
        r"check the disk and try again\n",
        done.stderr,
    )


@pytest.mark.skipif(sys.platform != "linux", reason="the process is watched through inotify")
def test_an_interrupt_ends_with_130_and_keeps_the_old_index(archive: Archive, run: Run) -> None:
    run("index", "--index", "index")
    archive.text("new.txt", "A heron.")
    # While it waits for its turn there is nothing yet that a first interrupt could keep.
    with lock_for_writing(archive.folder, 1), Watch(archive.folder) as watch:
        waiting = start(
            "index", "--index", "index", "--lock-timeout", "600",
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        with waiting as process:
            assert any(name == "writer.lock" for name in watch.events(process.pid))
            process.send_signal(signal.SIGINT)
            out, err = process.communicate()
    assert (process.returncode, out) == (130, "")
    assert err.strip() == "nutgraf: interrupted; nothing of the last batch was kept"
    assert answer(run, "status", "--index", "index")["articles"] == 2


# Streams


def test_control_characters_in_titles_do_not_reach_the_terminal(archive: Archive, run: Run) -> None:
    evil = "\x1b]0;owned\x07\x9b31m\u202e\x00"
    with archive.open() as index:
        index.put([Article("x" + "\u202e", f"Title {evil}", [f"heron {evil} text"])])
    archive.lines("\x1b[31m.jsonl", "no article")
    for arguments in (["search", "heron"], ["status"], ["index"], ["index", "--dry-run"]):
        for more in ([], ["--json"]):
            _, out, err = run(*arguments, *more, "--index", "index")
            steering = {char for char in out + err if not char.isprintable()} - {"\n"}
            assert steering <= ({"\u202e"} if more else set())
    found = answer_after_dashes(run, "heron")
    assert found["hits"][0]["article"]["title"] == f"Title {evil}"


def test_matches_are_bold_on_a_terminal_only(archive: Archive) -> None:
    archive.sync()
    out = on_a_terminal("search", "crane", "--index", "index")
    assert "\x1b[1mcrane\x1b[0m" in out
    with start("search", "crane", "--index", "index", stdout=subprocess.PIPE) as process:
        assert "\x1b" not in process.communicate()[0]


def test_a_terminal_shows_the_progress_of_indexing(archive: Archive) -> None:
    archive.lines("many.jsonl", *({"id": f"m{n}", "text": "A heron."} for n in range(300)))
    out = on_a_terminal("index", "--index", "index")
    assert re.search(r"\d/3 files", out)
    assert "302 added" in out


@pytest.mark.slow
@pytest.mark.parametrize(
    ("environment", "encoding", "shown"),
    [
        ({"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}, "utf-8", "Zürich 東京 \U0001f30a"),
        ({"PYTHONIOENCODING": "latin-1"}, "latin-1", "Zürich \\u6771\\u4eac \\U0001f30a"),
        ({"PYTHONUTF8": "1"}, "utf-8", "Zürich 東京 \U0001f30a"),
    ],
    ids=["ASCII", "Latin-1", "UTF-8"],
)
def test_any_text_can_be_printed_in_any_locale(
    archive: Archive, environment: dict[str, str], encoding: str, shown: str
) -> None:
    title = "Zürich 東京 \U0001f30a"
    with archive.open() as index:
        index.put([Article("ö", title, ["Ein Fischreiher."], language="de")])
    archive.text(os.fsdecode(b"caf\xe9.txt"), "x")

    def ask(*arguments: str) -> tuple[int, str]:
        with start(
            *arguments, "--index", "index", environment=environment, stdout=subprocess.PIPE, encoding=encoding
        ) as process:
            out: str = process.communicate()[0]
        return process.returncode, out

    code, out = ask("search", "Fischreiher")
    assert (code, re.findall(r"^1\. (.*)$", out, re.MULTILINE)) == (0, [shown])
    code, out = ask("search", "Fischreiher", "--json")
    assert (code, json.loads(out)["hits"][0]["article"]["title"]) == (0, title)
    code, out = ask("index", "--json")
    assert (code, json.loads(out)["changes"][-1]["path"]) == (0, r"caf\xe9.txt")


def test_a_file_name_that_is_not_unicode_can_be_printed(archive: Archive, run: Run) -> None:
    archive.text(os.fsdecode(b"caf\xe9.txt"), "x")
    archive.text(os.fsdecode(b"caf\xe9.jsonl"), "{")
    code, out, _ = run("index", "--index", "index", "--json")
    assert (code, json.loads(out)["failed"][0]["path"]) == (3, r"caf\xe9.jsonl:1")
    assert r"caf\xe9.txt" in [change["path"] for change in json.loads(out)["changes"]]
    assert run("status", "--index", "index")[0] == 0


def test_flags_override_the_environment_and_the_file(
    archive: Archive, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    (archive.root / "nutgraf.toml").write_text('index = "index"\nsources = ["seeds"]\npage_size = 1\n')
    assert run("index")[0] == 0
    assert len(answer(run, "search", "crane")["hits"]) == 1
    monkeypatch.setenv("NUTGRAF_PAGE_SIZE", "2")
    assert len(answer(run, "search", "crane")["hits"]) == 2
    assert len(answer(run, "search", "crane", "--limit", "1")["hits"]) == 1

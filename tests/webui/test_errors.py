from __future__ import annotations

import itertools
import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from bs4 import BeautifulSoup
from playwright.sync_api import Browser, expect

from indexer import Article, Building, IndexBuilding, IndexLocked, SyncReport, open_index
from indexer.files.names import PROGRESS as FILE
from indexer.store.progress import RecordedProgress, read_progress
from indexer.sync import Silence
from tests.fixtures.archives import create_app
from tests.fixtures.browser import violations_on_telephone
from tests.fixtures.counts import counts
from tests.fixtures.serving import serving
from webui.errors import describe_error
from webui.translations import LANGUAGES

FAR = Building(files=12, of_files=40, size=300, of_size=1000, articles=1234, since=0.0)


def record(root: Path, building: Building = FAR, **other: Any) -> None:
    """What a build by this very process would have written."""
    root.mkdir(parents=True, exist_ok=True)
    fields = {name: getattr(building, name) for name in building.__struct_fields__}
    words = {"pid": os.getpid(), "host": socket.gethostname(), "building": fields, **other}
    # In one step, as a build does: whoever looks meanwhile sees one record or the other.
    (root / "record").write_text(json.dumps(words))
    (root / "record").replace(root / FILE)


def made(root: Path) -> Path:
    """An index with an article; returns the folder of its generation."""
    with open_index(root) as index:
        index.put([Article(id="a", title="Zebra", paragraphs=["A zebra."])])
        return Path(index.path)


def missing(root: Path) -> None:
    root.mkdir()


def truncated(root: Path) -> None:
    folder = made(root)
    largest = max(
        (path for path in folder.iterdir() if path.suffix == ".nut"), key=lambda p: p.stat().st_size
    )
    os.truncate(largest, largest.stat().st_size // 2)


def no_contents(root: Path) -> None:
    for path in made(root).glob("*.toc"):
        path.unlink()


def foreign(root: Path) -> None:
    folder = made(root)
    settings = json.loads((folder / "settings.json").read_text())
    (folder / "settings.json").write_text(json.dumps({**settings, "format": 1}))


def astray(root: Path) -> None:
    made(root)
    (root / "current").write_text("../../etc")


def being_built(root: Path) -> None:
    record(root)


def rebuilt(root: Path) -> None:
    foreign(root)
    record(root)


STATES = {
    "missing": (missing, "There is no index yet", "nutgraf index FOLDER"),
    "truncated": (truncated, "The index is damaged", "nutgraf doctor --fix"),
    "no contents": (no_contents, "The index is damaged", "nutgraf doctor --fix"),
    "foreign": (foreign, "The index has to be rebuilt", "nutgraf doctor --fix"),
    "astray": (astray, "The index is damaged", "nutgraf doctor --fix"),
    "being built": (being_built, "The index is being built", ""),
    "rebuilt": (rebuilt, "The index has to be rebuilt", "nutgraf doctor --fix"),
}


@pytest.mark.parametrize("state", STATES)
def test_an_index_that_cannot_be_used_says_what_to_do(tmp_path: Path, state: str) -> None:
    spoil, heading, command = STATES[state]
    spoil(tmp_path / "index")
    site = create_app(tmp_path / "index").test_client()
    for path in ("/", "/?q=zebra", "/a/a", "/a/a/cite.bib"):
        response = site.get(path)
        assert response.status_code == 503, path
        assert int(response.headers["Retry-After"]) > 0, path
        soup = BeautifulSoup(response.text, "html.parser")
        assert soup.h1 is not None
        assert soup.h1.text == heading, path
        commands = [code.text for code in soup.select(".failure p:not(.detail) code")]
        assert commands == [command] * bool(command), path
        assert bool(soup.select(".detail[lang=en]")) == bool(command), path
        assert bool(soup.select("progress")) == (state in ("being built", "rebuilt")), path
    for path in ("/readyz", "/api/search?q=zebra", "/api/status", "/api/articles/a"):
        response = site.get(path)
        assert (response.status_code, response.mimetype) == (503, "application/problem+json"), path
        assert int(response.headers["Retry-After"]) > 0, path
        problem = response.get_json(force=True)
        assert problem["status"] == 503, path
        is_building = "12 of 40 files read, 1,234 articles so far" in problem["detail"]
        assert is_building == (state == "being built"), path
        assert ("`nutgraf doctor --fix`" in problem["detail"]) == ("doctor" in command), path
    assert site.get("/healthz").status_code == 200
    told = counts(site.get("/metrics").text)
    is_damaged = state in ("truncated", "no contents", "astray")
    assert (told["nutgraf_index_up"], told["nutgraf_index_damaged"]) == (0, is_damaged)


def test_an_index_that_is_made_anew_can_be_searched_meanwhile(tmp_path: Path) -> None:
    made(tmp_path / "index")
    record(tmp_path / "index")
    site = create_app(tmp_path / "index").test_client()
    assert (site.get("/healthz").status_code, site.get("/readyz").status_code) == (200, 200)
    assert site.get("/api/search?q=zebra").get_json()["total"] == 1


# The generation before a damaged one


OLDER = "These are the articles as of"


def spoil_newest(root: Path) -> None:
    """Two generations, of which the newer is damaged."""
    made(root)
    with open_index(root) as index:
        index.rebuild()
        for path in Path(index.path).glob("*.nut"):
            path.write_bytes(path.read_bytes()[:-9])


def test_every_page_tells_of_an_older_state_that_answers(tmp_path: Path) -> None:
    spoil_newest(tmp_path / "index")
    site = create_app(tmp_path / "index").test_client()
    for path, language in itertools.product(("/", "/a/a"), LANGUAGES):
        response = site.get(f"{path}?lang={language}")
        assert response.status_code == 200
        (notice,) = BeautifulSoup(response.text, "html.parser").select(".lost[role=note]")
        assert [code.text for code in notice.select("code")] == ["nutgraf doctor --fix"], (path, language)
        assert len(notice.select("time[datetime]")) == 1, (path, language)
        assert (OLDER in notice.text) == (language == "en"), (path, language)


def test_what_watches_the_site_is_told_of_an_older_state_that_answers(tmp_path: Path) -> None:
    root = tmp_path / "index"
    spoil_newest(root)
    site = create_app(root).test_client()
    assert OLDER in site.get("/?q=zebra").text
    ready = site.get("/readyz")
    assert (ready.status_code, ready.text.splitlines()[0]) == (200, "ready")
    assert "`nutgraf doctor --fix`" in ready.text
    told = counts(site.get("/metrics").text)
    assert (told["nutgraf_index_up"], told["nutgraf_index_damaged"]) == (1, 1)
    status = site.get("/api/status").get_json()
    assert (status["generation"], bool(status["damage"])) == ("g000001", True)
    with open_index(root) as index:
        index.repair()
    assert OLDER not in site.get("/").text
    assert site.get("/readyz").text == "ready\n"
    assert counts(site.get("/metrics").text)["nutgraf_index_damaged"] == 0


def test_an_answer_of_the_time_before_the_damage_is_not_taken_for_one_that_tells_of_it(
    tmp_path: Path,
) -> None:
    root = tmp_path / "index"
    made(root)
    tag = create_app(root).test_client().get("/api/search?q=zebra").headers["ETag"]
    with open_index(root) as index:
        index.rebuild()
        next(Path(index.path).glob("*.toc")).unlink()
    again = create_app(root).test_client().get("/api/search?q=zebra", headers={"If-None-Match": tag})
    assert again.status_code == 200
    assert OLDER in again.get_json()["notes"][0]["message"]


def test_a_locked_index_is_no_error_for_readers(tmp_path: Path) -> None:
    made(tmp_path / "index")
    script = (
        "import sys; from pathlib import Path; from indexer.store.lock import lock_for_writing\n"
        "with lock_for_writing(Path(sys.argv[1]), 0): print('held', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "index")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"held\n"
        assert create_app(tmp_path / "index").test_client().get("/?q=zebra").status_code == 200
        writer.communicate()


def test_a_build_that_goes_on_says_how_far_it_is(tmp_path: Path) -> None:
    being_built(tmp_path / "index")
    text = create_app(tmp_path / "index").test_client().get("/?lang=de").text
    soup = BeautifulSoup(text, "html.parser")
    part = soup.select("[data-again]")[0]
    assert "12 von 40 Dateien gelesen · bisher 1.234 Artikel" in part.text
    assert part.select("progress")[0]["value"] == "0.300"
    assert soup.select("noscript meta[http-equiv=refresh]")


# What a build records


class Watching(Silence):
    """A build's progress that looks, after every file, at what others see of it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.seen: list[Building | None] = []

    def advance(self, size: int) -> None:
        self.seen.append(read_progress(self.root))


def test_a_build_is_seen_while_it_goes_on_and_no_longer(tmp_path: Path) -> None:
    (tmp_path / "seeds").mkdir()
    for number in range(3):
        (tmp_path / "seeds" / f"{number}.txt").write_text(f"Title {number}\n\nText {number}.\n")
    index = open_index(tmp_path / "index")
    watching = Watching(tmp_path / "index")
    index.sync(tmp_path / "seeds", progress=watching)
    assert [(found.files, found.of_files) for found in watching.seen if found][-1] == (3, 3)
    assert not (tmp_path / "index" / FILE).exists()
    assert index.get_progress() is None
    again = Watching(tmp_path / "index")
    index.rebuild(progress=again)
    assert all(again.seen)
    index.close()


def test_a_build_that_fails_leaves_no_record(tmp_path: Path) -> None:
    class Failing(Silence):
        def start(self, files: int, size: int) -> None:
            raise RuntimeError("a failure")

    (tmp_path / "seeds").mkdir()
    with pytest.raises(RuntimeError):
        open_index(tmp_path / "index").sync(tmp_path / "seeds", progress=Failing())
    assert not (tmp_path / "index" / FILE).exists()


def test_a_build_writes_at_most_twice_a_second(tmp_path: Path) -> None:
    now = [100.0]
    with RecordedProgress(tmp_path, Silence(), SyncReport(), clock=lambda: now[0]) as recorded:
        recorded.start(100, 1000)
        written = []
        for _ in range(20):
            now[0] += 0.1
            recorded.advance(10)
            found = read_progress(tmp_path)
            assert found is not None
            written.append(found.files)
    assert len(set(written)) <= 5
    assert written[-1] >= 15


def test_a_build_goes_on_where_nothing_can_be_recorded(tmp_path: Path) -> None:
    with RecordedProgress(tmp_path / "none", Silence(), SyncReport()) as recorded:
        recorded.start(1, 1)
        recorded.advance(1)
    assert read_progress(tmp_path / "none") is None


def test_what_a_crash_left_is_not_believed(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        pass
    record(tmp_path, pid=gone.pid)
    assert read_progress(tmp_path) is None
    record(tmp_path)
    assert read_progress(tmp_path) == FAR
    long_ago = time.time() - 4000
    os.utime(tmp_path / FILE, (long_ago, long_ago))
    assert read_progress(tmp_path) is None
    # Of another machine's process only its silence tells.
    record(tmp_path, pid=gone.pid, host="elsewhere")
    assert read_progress(tmp_path) == FAR
    lately = time.time() - 200
    os.utime(tmp_path / FILE, (lately, lately))
    assert read_progress(tmp_path) is None


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'{"pid": "x"}', b'{"pid": -1}', b'{"host": "\xff"}', bytes(5000), b"null"]
)
def test_a_record_that_is_none_is_no_build(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE).write_bytes(content)
    assert read_progress(tmp_path) is None


def test_nothing_to_search_but_a_build_is_an_error_of_its_own(tmp_path: Path) -> None:
    record(tmp_path)
    with pytest.raises(IndexBuilding, match="12 of 40 files read"):
        open_index(tmp_path).search("zebra")


# In the browser


# With a command or without, with progress or without: the other states have the parts of these.
@pytest.mark.parametrize("state", ["missing", "truncated", "being built", "rebuilt"])
def test_every_failure_is_accessible_in_both_directions(tmp_path: Path, browser: Browser, state: str) -> None:
    STATES[state][0](tmp_path / "index")
    with serving(create_app(tmp_path / "index")) as address:
        assert violations_on_telephone(browser, f"{address}?q=zebra") == []
        assert violations_on_telephone(browser, f"{address}?q=zebra&lang=ar", colours=False) == []


def test_a_page_that_waits_for_a_build_goes_on_with_it(tmp_path: Path, browser: Browser) -> None:
    root = tmp_path / "index"
    being_built(root)
    with serving(create_app(root)) as address:
        tab = browser.new_page()
        tab.goto(f"{address.rstrip('/')}/?q=zebra")
        expect(tab.locator("[data-again]")).to_contain_text("12 of 40 files read")
        record(root, Building(files=39, of_files=40, size=9, of_size=10, articles=5, since=0.0))
        expect(tab.locator("[data-again]")).to_contain_text("39 of 40 files read")
        # In the order of a build, and whole: with neither an index nor one on its way nothing would go on.
        generation = made(tmp_path / "made")
        generation.rename(root / generation.name)
        (root / FILE).unlink()
        expect(tab.get_by_role("link", name="Zebra", exact=True)).to_be_visible()
        tab.close()


def test_an_error_without_texts_of_its_own_says_that_the_index_is_unavailable() -> None:
    text = describe_error(IndexLocked("x"))
    assert (text.status, text.heading) == (503, "The index is unavailable")

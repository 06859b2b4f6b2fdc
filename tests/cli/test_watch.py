"""`nutgraf watch` as an administrator runs it: real processes, files and signals."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.fixtures.commands import ENVIRONMENT, start
from tests.fixtures.folders import Archive

pytestmark = pytest.mark.slow

REPORT = re.compile(
    r"(\d+) added, (\d+) changed, (\d+) removed, (\d+) unchanged, from \d+ files? in [\d.]+ s"
)


@pytest.fixture
def archive(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> Archive:
    """One article, in the working directory."""
    monkeypatch.chdir(archive.root)
    return archive


@contextmanager
def watching(*options: str) -> Iterator[subprocess.Popen[str]]:
    """The command, which is killed at the end."""
    with start(
        "watch", "seeds", "--index", "index", *options, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def counts(process: subprocess.Popen[str]) -> tuple[int, ...]:
    """The counts of the next line: added, changed, removed, unchanged."""
    assert process.stderr is not None
    line = process.stderr.readline()
    found = REPORT.fullmatch(line.rstrip("\n"))
    assert found, line
    return tuple(map(int, found.groups()))


def move_in(archive: Archive, name: str) -> None:
    """Add an article at once, so that no batch has only a part of it."""
    archive.write(f"../{name}", "Title\n\nA heron.\n").rename(archive.seeds / name)


def end(process: subprocess.Popen[str], number: signal.Signals) -> tuple[int, str, str]:
    """The exit code after a signal, and what is left on both streams."""
    process.send_signal(number)
    out, err = process.communicate()
    return process.returncode, out, err


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 0)])
def test_each_batch_is_a_line_until_a_signal(archive: Archive, number: signal.Signals, code: int) -> None:
    with watching() as process:
        assert counts(process) == (1, 0, 0, 0)
        move_in(archive, "b.txt")
        assert counts(process) == (1, 0, 0, 1)
        archive.write("c.txt", "")
        assert counts(process) == (0, 0, 0, 2)
        assert process.stderr is not None
        assert process.stderr.readline() == "nutgraf: skipped c.txt: contains no text\n"
        (archive.seeds / "b.txt").unlink()
        assert counts(process) == (0, 0, 1, 1)
        assert end(process, number) == (
            code, "", "nutgraf: ending; press Ctrl-C again to discard what is being read\n",
        )  # fmt: skip


def test_with_json_each_batch_is_a_json_object_on_a_line(archive: Archive) -> None:
    with watching("--json", "--lock-timeout", "0") as process:
        assert process.stdout is not None
        first = json.loads(process.stdout.readline())
        assert (first["added"], first["failed"], first["changes"][0]["path"]) == (1, [], "a.txt")
        archive.seeds.rename(archive.root / "away")
        error = json.loads(process.stdout.readline())["error"]
        assert (error["code"], "does not exist" in error["message"]) == ("source_missing", True)
        (archive.root / "away").rename(archive.seeds)
        assert json.loads(process.stdout.readline())["unchanged"] == 1
        assert end(process, signal.SIGTERM)[:2] == (0, "")


def test_a_mass_deletion_names_the_command_that_allows_it(archive: Archive) -> None:
    with watching() as process:
        assert counts(process) == (1, 0, 0, 0)
        (archive.seeds / "a.txt").unlink()
        assert process.stderr is not None
        line = process.stderr.readline()
        assert line.startswith(f"nutgraf: {archive.seeds}: 1 of its 1 articles would be removed")
        assert line.endswith(", or allow a mass delete with `nutgraf index --allow-mass-delete`\n")
    assert archive.open().get_status().articles == 1


def test_after_a_kill_it_goes_on_where_it_was(archive: Archive) -> None:
    for number in range(4):
        archive.text(f"b{number}.txt", "A heron.")
        with watching() as process:
            assert counts(process)[0] == 1 + (number == 0)
            # It is killed at any moment of the next batch, or before it.
            archive.add_texts(40)
            for path in archive.seeds.glob("m/*"):
                path.write_text(f"{path.name}\n\nA tide, number {number}.\n")
        archive.sync()
        with archive.open() as index:
            assert index.verify(deep=True).differences == ()
            assert index.get_status().articles == 42 + number


def test_a_terminal_shows_the_line_of_each_batch(archive: Archive) -> None:
    leader, follower = os.openpty()
    with start(
        "watch", "seeds", "--index", "index",
        stdout=follower, stderr=follower, environment={"TERM": "xterm", "COLUMNS": "120"},
    ) as process:  # fmt: skip
        os.close(follower)
        seen = b""
        while b"1 added" not in seen:
            seen += os.read(leader, 65536)
        move_in(archive, "b.txt")
        while b"1 unchanged" not in seen:
            seen += os.read(leader, 65536)
        process.send_signal(signal.SIGINT)
        try:
            while part := os.read(leader, 65536):
                seen += part
        except OSError:
            pass  # the end of a terminal is reported as an I/O error
        os.close(leader)
    assert process.returncode == 130
    assert "Traceback" not in seen.decode()


def test_a_missing_source_and_a_missing_library_are_errors_at_once(archive: Archive) -> None:
    done = start("watch", "nowhere", "--index", "index", "--json", stdout=subprocess.PIPE)
    with done:
        out = done.communicate()[0]
    assert (done.returncode, json.loads(out)["error"]["code"]) == (1, "source_missing")
    with start("watch", "--poll", "0", stderr=subprocess.PIPE) as process:
        err = process.communicate()[1]
    assert (process.returncode, err) == (2, "nutgraf: --poll: must be from 0.1 to 86,400 seconds\n")
    assert not Path("index").exists()


def test_a_system_that_cannot_watch_is_said_and_the_sources_are_synced(archive: Archive) -> None:
    limited = [
        "unshare",
        "-Ur",
        "sh",
        "-c",
        'echo 0 > /proc/sys/user/max_inotify_instances && exec "$@"',
        "sh",
    ]
    try:
        subprocess.run([*limited, "true"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("there is no namespace of users to be had, in which inotify is limited")
    program = [sys.executable, "-m", "indexer.cli", "watch", "seeds", "--index", "index"]
    with subprocess.Popen(
        [*limited, *program], stderr=subprocess.PIPE, text=True, env=ENVIRONMENT
    ) as process:
        assert process.stderr is not None
        assert process.stderr.readline().startswith("nutgraf: the sources cannot be watched (")
        assert counts(process) == (1, 0, 0, 0)
        assert end(process, signal.SIGTERM)[0] == 0

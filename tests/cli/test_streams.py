"""Standard streams that are full or closed: an error is one line or nothing, never a traceback."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fixtures.folders import Archive

ROOT = Path(__file__).parents[2]
FULL = Path("/dev/full")
COMMANDS = (
    "search crane", "search crane --json", "status", "verify", "doctor", "index", "index --dry-run", "--help",
    "search --help", "--version",
)  # fmt: skip
needs_full = pytest.mark.skipif(not FULL.exists(), reason="there is no /dev/full here")


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    made = Archive(tmp_path)
    made.lines("a.jsonl", *({"id": f"a{n}", "text": f"The crane {n}. " * 30} for n in range(60)))
    made.sync()
    (made.root / "nutgraf.toml").write_text('index = "index"\npage_size = 60\n')
    return made


def shell(archive: Archive, line: str) -> subprocess.CompletedProcess[str]:
    """Run a line of a shell in which $N is the command."""
    return subprocess.run(
        ["bash", "-c", line], capture_output=True, text=True, cwd=archive.root, check=False, timeout=300,
        env={**os.environ, "PYTHONPATH": str(ROOT), "N": f"{sys.executable} -m indexer.cli"},
    )  # fmt: skip


@needs_full
@pytest.mark.parametrize("command", COMMANDS)
def test_output_to_a_full_disk_ends_with_one_line(archive: Archive, command: str) -> None:
    done = shell(archive, f"$N {command} > /dev/full")
    assert done.returncode == 1
    assert done.stderr == (
        "nutgraf: standard output cannot be written (No space left on device): the output is "
        "incomplete; free space, or write it elsewhere\n"
    )


def test_output_that_is_full_halfway_ends_with_one_line(archive: Archive) -> None:
    done = shell(archive, "(ulimit -f 8; $N search crane --json > out)")
    assert done.returncode == 1
    assert "standard output cannot be written (File too large)" in done.stderr
    assert done.stderr.count("\n") == 1
    assert (archive.root / "out").stat().st_size == 8192


def test_output_to_a_nonblocking_pipe_is_complete(archive: Archive) -> None:
    program = (
        "import os, subprocess, sys\n"
        "reader, writer = os.pipe()\n"
        "os.set_blocking(writer, False)\n"
        "search = [sys.executable, '-m', 'indexer.cli', 'search', 'crane', '--json']\n"
        "with subprocess.Popen(search, stdout=writer) as process:\n"
        "    os.close(writer)\n"
        "    print(len(b''.join(iter(lambda: os.read(reader, 1000), b''))))\n"
        "sys.exit(process.returncode)\n"
    )
    (archive.root / "program.py").write_text(program)
    archive.lines("b.jsonl", *({"id": f"b{n}", "text": f"The crane {n}. " * 500} for n in range(40)))
    whole = shell(archive, "$N index > /dev/null; $N search crane --json | wc -c")
    done = shell(archive, f"{sys.executable} program.py")
    assert (done.returncode, done.stderr) == (0, "")
    assert int(whole.stdout) > 2**16
    assert abs(int(done.stdout) - int(whole.stdout)) < 100


@needs_full
def test_messages_to_a_full_disk_change_neither_exit_code_nor_output(archive: Archive) -> None:
    done = shell(archive, "$N search 'crane (' 2> /dev/full")
    assert (done.returncode, done.stdout[:11]) == (0, "60 articles")
    assert shell(archive, "$N search 2> /dev/full").returncode == 2
    assert shell(archive, "$N index nowhere 2> /dev/full").returncode == 1
    (archive.folder / "current").write_text("nothing")
    assert shell(archive, "$N search crane > /dev/full 2> /dev/full").returncode == 5


@pytest.mark.parametrize("command", ["search crane", "search crane --json", "search --help"])
def test_a_pipe_closed_by_its_reader_ends_the_command_quietly(archive: Archive, command: str) -> None:
    done = shell(archive, f"$N {command} | head -1; exit ${{PIPESTATUS[0]}}")
    assert (done.returncode, done.stderr, done.stdout.count("\n")) == (0, "", 1)
    done = shell(archive, f"$N {command} | true; exit ${{PIPESTATUS[0]}}")
    assert (done.returncode, done.stderr, done.stdout) == (0, "", "")


@pytest.mark.slow
@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_a_closed_stream_loses_only_its_own_output(archive: Archive, closed: str) -> None:
    for command in COMMANDS:
        done = shell(archive, f"$N {command} {closed}")
        assert (done.returncode, done.stderr) == (0, ""), command
        assert bool(done.stdout) == (">&-" not in closed.replace("2>&-", ""))
    assert shell(archive, f"$N search {closed}").returncode == 2


def test_no_file_of_the_index_becomes_a_standard_stream(archive: Archive) -> None:
    # A page goes through a worker, which has standard streams of its own.
    archive.write("b.html", "<title>Page</title><p>The harbour has a crane.</p>" * 20)
    program = (
        "import os, indexer.cli.program as cli, indexer.engine.format.segment_file as segment\n"
        "mapped = segment.mmap.mmap\n"
        "def seen(descriptor, *rest, **more):\n"
        "    assert descriptor > 2, descriptor\n"
        "    return mapped(descriptor, *rest, **more)\n"
        "segment.mmap.mmap = seen\n"
        "cli.main(['index', '--jobs', '1'])\n"
    )
    (archive.root / "program.py").write_text(program)
    done = shell(archive, f"{sys.executable} program.py <&- >&- 2>&-")
    assert done.returncode == 0
    assert shell(archive, "$N verify").stdout.startswith("all is well: 61 articles")

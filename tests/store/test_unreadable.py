"""A file that the system refuses to read for now: an error is reported, and no older state is shown."""

from __future__ import annotations

import errno
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from indexer import IndexDamaged, StorageFailed
from indexer.cli import run_cli
from tests.fixtures.folders import Archive, contents
from tests.fixtures.programs import make_device, make_socket, powerless, run_program
from tests.stress.archive import environment

COMMANDS = ("search crane", "status", "verify", "doctor", "doctor --fix", "index")
# Runs commands one after the other, and prints the exit code and the output of each.
PROGRAM = """
import contextlib, io, json, sys
from indexer.cli import run_cli

found = {}
for command in sys.argv[2:]:
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = run_cli([*command.split(), "--index", sys.argv[1]])
    found[command] = code, out.getvalue(), err.getvalue()
print(json.dumps(found))
"""
WEB = """
import json, sys
import webui
from indexer import open_index

client = webui.create_app(open_index(sys.argv[1]).config).test_client()
found = {path: client.get(path) for path in ("/api/search?q=crane", "/?q=crane", "/readyz")}
print(json.dumps({path: [answer.status_code, answer.text] for path, answer in found.items()}))
"""


@pytest.fixture
def archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Archive:
    """An index of two generations, of which the older one lacks an article."""
    monkeypatch.chdir(tmp_path)
    made = Archive(tmp_path.resolve())
    made.text("a.txt", "A crane in the harbour.")
    made.sync()
    made.text("b.txt", "Another crane.")
    with made.open() as index:
        index.rebuild()
    (made.root / "nutgraf.toml").write_text(f"sources = [{str(made.seeds)!r}]\n")
    return made


def child(
    archive: Archive, *words: str, before: Sequence[str | Path] = (), program: str = PROGRAM
) -> dict[str, Any]:
    """The output of a command in another process, run by another program such as strace."""
    output = run_program(program, archive.folder, *words, before=before, folder=archive.root)
    found: dict[str, Any] = json.loads(output)
    return found


def live_file(archive: Archive, pattern: str) -> Path:
    folder = archive.folder if pattern in ("current", "writer.lock") else archive.live
    (file,) = folder.glob(pattern)
    return file


def is_refused(found: dict[str, Any], reason: str, commands: Sequence[str] = COMMANDS) -> None:
    for command in commands:
        code, out, err = found[command]
        assert code == 1, (command, out, err)
        said = out if "doctor" in command else err
        assert reason in said, (command, said)
        if "doctor" in command:
            assert "  system: " in out
            assert "damaged:" not in out
        else:
            assert (out, err.count("\n")) == ("", 1)


# Faults that strace makes of the system


@pytest.fixture(scope="session")
def strace() -> list[str]:
    program = shutil.which("strace")
    if not program:
        pytest.skip("strace is not installed")
    tried = subprocess.run([program, "-o", "/dev/null", "true"], capture_output=True, check=False)
    if tried.returncode:
        pytest.skip("strace cannot take hold of a process here")
    return [program, "-f", "-o", "/dev/null"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("pattern", "fault", "reason"),
    [
        ("current", "openat:error=EMFILE", "Too many open files"),
        ("current", "read:error=EIO", "Input/output error"),
        ("settings.json", "openat:error=ENFILE", "Too many open files in system"),
        ("settings.json", "read:error=ENOMEM", "Cannot allocate memory"),
        ("*.toc", "openat:error=EIO", "Input/output error"),
        ("*.toc", "read:error=EIO", "Input/output error"),
        ("catalog-*.json", "openat:error=EACCES", "Permission denied"),
        ("catalog-*.json", "read:error=EIO", "Input/output error"),
        ("*.nut", "openat:error=EMFILE", "Too many open files"),
        ("*.nut", "mmap:error=ENOMEM", "Cannot allocate memory"),
        ("*.nut", "openat:error=EINTR", "Interrupted system call"),
        ("", "openat:error=EMFILE", "Too many open files"),
        ("", "getdents64:error=EIO", "Input/output error"),
    ],
)
def test_every_command_reports_a_file_that_cannot_be_read_for_now_and_changes_nothing(
    archive: Archive, strace: list[str], pattern: str, fault: str, reason: str
) -> None:
    target = live_file(archive, pattern) if pattern else archive.live
    before = contents(archive.folder)
    if "EINTR" in fault:
        # Once: Python itself tries an interrupted call again.
        found = child(archive, *COMMANDS, before=[*strace, "-P", target, "-e", f"inject={fault}:when=1"])
        assert [found[command][0] for command in COMMANDS] == [0] * len(COMMANDS)
        return
    found = child(archive, *COMMANDS, before=[*strace, "-P", target, "-e", f"inject={fault}"])
    is_refused(found, reason)
    assert contents(archive.folder) == before
    with archive.open() as index:
        assert (index.search("crane").total, index.search("crane").notes) == (2, ())


def test_the_site_answers_503_with_the_message(archive: Archive, strace: list[str]) -> None:
    target = live_file(archive, "*.nut")
    found = child(archive, program=WEB, before=[*strace, "-P", target, "-e", "inject=openat:error=EMFILE"])
    for path, (status, text) in found.items():
        assert status == 503, path
        assert "cannot be read now (Too many open files)" in text, path


def test_a_lock_that_cannot_be_opened_for_now_stops_writers_only(archive: Archive, strace: list[str]) -> None:
    target = live_file(archive, "writer.lock")
    found = child(archive, *COMMANDS, before=[*strace, "-P", target, "-e", "inject=openat:error=EIO"])
    is_refused(found, "Input/output error", ["doctor", "doctor --fix", "index"])
    assert [found[command][0] for command in ("search crane", "status", "verify")] == [0, 0, 0]


# Faults without strace


def test_with_too_few_descriptors_the_last_commit_answers_or_the_error_is_reported(archive: Archive) -> None:
    program = """
import json, os, resource, sys
from indexer import StorageFailed, open_index

def ask(index):
    return index.search("crane").total, index.get_status().generation, index.diagnose().is_well

root = sys.argv[1]
with open_index(root) as index:
    ask(index)
_, most = resource.getrlimit(resource.RLIMIT_NOFILE)
found = []
for more in range(24):
    highest = max(map(int, os.listdir("/proc/self/fd")))
    with open_index(root) as index:
        resource.setrlimit(resource.RLIMIT_NOFILE, (highest + more, most))
        try:
            found.append(ask(index))
        except StorageFailed as error:
            found.append(str(error))
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
        assert ask(index) == (2, "g000002", True)
print(json.dumps({"found": found}))
"""
    found = child(archive, program=program)["found"]
    said = [answer for answer in found if isinstance(answer, str)]
    answers = [answer[:2] for answer in found if not isinstance(answer, str)]
    assert said
    assert all("cannot be read now (Too many open files)" in line for line in said)
    assert answers
    assert answers == [[2, "g000002"]] * len(answers)


def test_without_descriptors_the_command_prints_one_line(archive: Archive) -> None:
    archive.text("c.txt", "The third crane.")
    archive.sync()
    assert len(list(archive.live.glob("*.nut"))) == 2
    for number, code in ((5, 1), (64, 0)):
        done = subprocess.run(
            [
                *("bash", "-c", f'ulimit -n {number}; exec "$@"', "bash"),
                *(sys.executable, "-m", "indexer.cli", "search", "crane", "--index", archive.folder),
            ],
            capture_output=True, text=True, check=False, env=environment(),
        )  # fmt: skip
        assert (done.returncode, "3 articles" in done.stdout) == (code, code == 0)
        assert done.stderr.count("\n") == code
        assert ("cannot be read now (Too many open files)" in done.stderr) == (code == 1)


@pytest.mark.slow
def test_a_file_without_permission_to_read_is_reported_and_not_damage(archive: Archive) -> None:
    for pattern in ("current", "settings.json", "*.nut", "*.toc", "catalog-*.json"):
        file = live_file(archive, pattern)
        file.chmod(0)
        found = child(archive, *COMMANDS, before=powerless())
        file.chmod(0o644)
        is_refused(found, "Permission denied")
    assert run_cli(["doctor", "--index", str(archive.folder)]) == 0


def test_the_doctor_works_without_permission_to_try_the_lock(archive: Archive) -> None:
    (archive.folder / "writer.lock").chmod(0o444)
    assert child(archive, "doctor", before=powerless())["doctor"][0] == 0
    (archive.folder / "writer.json").write_text("{}")
    assert child(archive, "doctor", before=powerless())["doctor"][0] == 4


# Sources and what reads them

GERMAN = "Die Fähren verlassen jeden Morgen den Hafen, und die Fischer flicken ihre Netze am Leuchtturm. "


@pytest.mark.slow
@pytest.mark.parametrize("name", ["c.txt", "c.html"], ids=["in this process", "in a worker"])
def test_a_full_temporary_folder_is_named_and_no_document_is_blamed(archive: Archive, name: str) -> None:
    archive.write(name, f"<title>T</title><p>{GERMAN}</p>" if "html" in name else f"Titel\n\n{GERMAN}\n")
    before = contents(archive.folder)
    temporary = archive.root / "temporary"
    temporary.mkdir()
    # The model that detects languages is larger than any file may be here.
    limited = [
        "env",
        f"TMPDIR={temporary}",
        f"XDG_CACHE_HOME={temporary}",
        "bash",
        "-c",
        'ulimit -f 512; exec "$@"',
        "bash",
    ]
    code, out, err = child(archive, "index", before=limited)["index"]
    assert (code, out) == (1, "")
    assert err == (
        f"nutgraf: {temporary} cannot be written to (File too large), which holds the language detection "
        "model while it is unpacked: free space there, or set TMPDIR to another folder, and try again\n"
    )
    assert contents(archive.folder) == before
    assert child(archive, "index")["index"][0] == 0


def test_a_reader_that_cannot_be_loaded_for_now_is_not_the_fault_of_the_document(
    archive: Archive, strace: list[str]
) -> None:
    archive.write("c.md", "# Cranes\n\nA crane in Markdown.\n")
    module = importlib.util.find_spec("markdown_it")
    assert module is not None
    assert module.origin is not None
    paths = (module.origin, importlib.util.cache_from_source(module.origin))
    named = [word for path in paths for word in ("-P", path)]
    code, _, err = child(archive, "index", before=[*strace, *named, "-e", "inject=openat:error=EMFILE"])[
        "index"
    ]
    assert (code, err) == (3, "nutgraf: skipped c.md: cannot be read (Too many open files)\n")
    code, out, _ = child(archive, "index")["index"]
    assert (code, out[:7]) == (0, "1 added")


def test_a_source_that_cannot_be_opened_for_lack_of_descriptors_is_not_missing(
    archive: Archive, strace: list[str]
) -> None:
    fault = ["-P", str(archive.seeds), "-e", "inject=openat:error=EMFILE"]
    before = contents(archive.folder)
    commands = ("index", "rebuild --allow-mass-delete", "doctor")
    found = child(archive, *commands, before=[*strace, *fault])
    is_refused(found, "Too many open files", commands)
    assert contents(archive.folder) == before


# Anything but a file


def link(path: Path) -> None:
    path.symlink_to(next(above / "moved" for above in path.parents if (above / "seeds").exists()))


NOT_FILES: dict[str, Callable[[Path], None]] = {
    "a pipe": os.mkfifo,
    "a folder": Path.mkdir,
    "a link": link,
    "a device": make_device,
    "a socket": make_socket,
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", NOT_FILES)
def test_anything_but_a_regular_file_is_refused_at_once_as_damage(archive: Archive, kind: str) -> None:
    shutil.rmtree(archive.folder / "g000001")
    commands = [command for command in COMMANDS if command != "doctor --fix"]
    for pattern in ("current", "settings.json", "*.toc", "catalog-*.json", "*.nut"):
        file = live_file(archive, pattern)
        moved = file.rename(archive.root / "moved")
        NOT_FILES[kind](file)
        found = child(archive, *commands)
        for command in commands:
            code, out, err = found[command]
            assert code == 5, (pattern, command, out, err)
            said = out if command == "doctor" else err
            assert f"it is {kind}, not a regular file" in said, (pattern, command)
            assert command == "doctor" or (out, err.count("\n")) == ("", 1)
        shutil.rmtree(file) if kind == "a folder" else file.unlink()
        moved.rename(file)
    with archive.open() as index:
        assert index.diagnose().is_well


@pytest.mark.parametrize("kind", NOT_FILES)
def test_writers_refuse_a_lock_that_is_not_a_regular_file_and_readers_go_on(
    archive: Archive, kind: str
) -> None:
    (archive.folder / "writer.lock").unlink()
    NOT_FILES[kind](archive.folder / "writer.lock")
    found = child(archive, *COMMANDS)
    assert [found[command][0] for command in COMMANDS] == [0, 0, 0, 5, 5, 5]
    assert "move that away" in found["index"][2]
    assert "Move that away" in found["doctor"][1]


@pytest.mark.parametrize("kind", NOT_FILES)
def test_the_next_writer_replaces_a_note_that_is_not_a_regular_file(archive: Archive, kind: str) -> None:
    names = ("writer.json", "progress.json", "progress.json.new", "current.new")
    for name in names:
        NOT_FILES[kind](archive.folder / name)
    NOT_FILES[kind](archive.live / "x.new")
    found = child(archive, "search crane", "status", "verify", "doctor", "index", "rebuild")
    assert [code for code, _, _ in found.values()] == [0, 0, 0, 1, 0, 0]
    assert not [name for name in names if os.path.lexists(archive.folder / name)]


def test_a_missing_index_is_missing_whatever_is_in_the_place_of_its_progress(tmp_path: Path) -> None:
    made = Archive(tmp_path)
    made.folder.mkdir()
    os.mkfifo(made.folder / "progress.json")
    with made.open() as index:
        assert not index.exists
        assert index.get_progress() is None


def test_damage_is_reported_if_the_system_refuses_nothing(archive: Archive) -> None:
    live_file(archive, "*.nut").unlink()
    with archive.open() as index:
        assert index.search("crane").total == 1
        with pytest.raises(IndexDamaged, match="No such file"):
            index.verify()


def test_a_previous_generation_that_cannot_be_read_for_now_is_not_damaged(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    live_file(archive, "*.nut").unlink()
    before = contents(archive.folder)

    open_file = os.open

    def refuse(path: Any, *given: Any, **options: Any) -> int:
        if str(path).endswith(".nut"):
            raise OSError(errno.EIO, os.strerror(errno.EIO), str(path))
        return open_file(path, *given, **options)

    with archive.open() as index, monkeypatch.context() as patch:
        patch.setattr(os, "open", refuse)
        with pytest.raises(StorageFailed):
            index.search("crane")
        assert [finding.kind for finding in index.repair().findings] == ["system"]
    assert contents(archive.folder) == before

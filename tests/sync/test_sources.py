"""Unusual file trees: no sync hangs, reads outside the source, or loses an unreadable file."""

from __future__ import annotations

import contextlib
import errno
import gzip
import json
import os
import re
import shutil
import stat
import subprocess
import sys
import textwrap
import unicodedata
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from indexer import Config, NutgrafError, SourceMissing, open_index
from indexer.errors import UnreadableDocument
from indexer.files.source_file import open_file, read_whole
from indexer.sources import Source
from indexer.sync.listing import list_source
from tests.fixtures.folders import Archive, Meanwhile, contents, counts, reasons, state
from tests.fixtures.programs import make_device, make_socket, powerless
from tests.stress.archive import environment

SECRET = "Outside of the source.\n\nThe secret cormorant.\n"
MB = 2**20


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    """One article in a source, and a secret beside it."""
    made = Archive(tmp_path)
    made.text("a.txt", "A crane in the harbour.")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/secret.txt").write_text(SECRET)
    yield made
    if any(path.is_dir() and set(path.name) == {"d"} for path in made.seeds.iterdir()):
        # The clean-up of the tests' folders would go down by recursion.
        subprocess.run(["rm", "-rf", made.seeds], check=True)


def found(archive: Archive) -> set[str]:
    """The files that articles came from; the secret must not be among them."""
    with archive.open() as index:
        assert index.search("cormorant", limit=0).total == 0
        hits = index.search("*", limit=1000, collapse=False, seconds=60).hits
        return {index.get_article(hit.article.id).source or "" for hit in hits}


Make: TypeAlias = Callable[[Path], object]
"""Makes an entry in a source."""


class Entry:
    """An unusual entry of a source: how to make it, the files that are indexed, and the others' failures.

    `size` is how many MB a file may have.
    """

    def __init__(self, make: Make, *indexed: str, said: dict[str, str] | None = None, size: int = 1) -> None:
        self.make, self.indexed, self.said, self.size = make, indexed, said or {}, size


def link(name: str, to: str) -> Make:
    return lambda source: (source / name).symlink_to(to)


def at(name: str, make: Callable[[Path], None]) -> Make:
    return lambda source: make(source / name)


def file(name: str, data: bytes | str) -> Make:
    content = data.encode() if isinstance(data, str) else data

    def make(source: Path) -> None:
        path = Path(os.fsdecode(os.fsencode(source / name)))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    return make


def every(*makes: Make) -> Make:
    return lambda source: [make(source) for make in makes]


def sparse(source: Path) -> None:
    with (source / "s.txt").open("wb") as made:
        made.truncate(1 << 40)


def deep(source: Path) -> None:
    """A thousand folders below each other, and an article in the last."""
    at = os.open(source, os.O_RDONLY)
    for _ in range(1000):
        os.mkdir("d", dir_fd=at)
        below = os.open("d", os.O_RDONLY, dir_fd=at)
        os.close(at)
        at = below
    with os.fdopen(os.open("deep.txt", os.O_WRONLY | os.O_CREAT, dir_fd=at), "w") as made:
        made.write(STORY)
    os.close(at)


STORY = "A story.\n\nThe tide gauge was read.\n"
LINE = json.dumps({"id": "line", "title": "Line", "text": "A tide."})
LONG = json.dumps({"id": "long", "title": "Long", "text": ("x" * 999 + " ") * 2000})
PACKED = gzip.compress(STORY.encode())
NFC, NFD = (unicodedata.normalize(form, "café") for form in ("NFC", "NFD"))
OUT = "the link leads out of the source"
EMPTY = ("b.txt", "b.html", "b.jsonl", "b.txt.gz")

UNUSUAL = {
    "a link to a file outside": Entry(link("l.txt", "../outside/secret.txt"), said={"l.txt": OUT}),
    "a link to a folder outside": Entry(link("l", "../outside"), said={"l": OUT}),
    "a link to the folder above": Entry(link("l", ".."), said={"l": OUT}),
    "an absolute link": Entry(link("l.txt", "/etc/hostname"), said={"l.txt": OUT}),
    "a link to the root of all": Entry(link("l", "/"), said={"l": OUT}),
    "a link to itself": Entry(link("l.txt", "l.txt"), said={"l.txt": "cannot be opened (Too many levels"}),
    "links to each other": Entry(
        every(link("l.txt", "m.txt"), link("m.txt", "l.txt")),
        said={"l.txt": "cannot be opened (Too many", "m.txt": "cannot be opened (Too many"},
    ),
    "a link to the source itself": Entry(link("l", ".")),
    "a link to its own folder, below": Entry(every(file("f/b.txt", STORY), link("f/l", "../f")), "f/b.txt"),
    "a dangling link": Entry(link("l.txt", "none.txt"), said={"l.txt": "cannot be opened (No such file"}),
    "a link within the source": Entry(
        every(file("f/b.txt", STORY), link("l.txt", "f/b.txt")), "f/b.txt", "l.txt"
    ),
    "a chain of links within": Entry(
        every(link("l.txt", "m.txt"), link("m.txt", "n.txt"), link("n.txt", "a.txt")),
        "l.txt",
        "m.txt",
        "n.txt",
    ),
    "a chain of links that ends outside": Entry(
        every(link("l.txt", "m.txt"), link("m.txt", "../outside/secret.txt")),
        said={"l.txt": OUT, "m.txt": OUT},
    ),
    "a chain that goes out and comes back": Entry(
        every(
            lambda source: (source.parent / "outside/back").symlink_to(source / "a.txt"),
            link("l.txt", "../outside/back"),
        ),
        "l.txt",
    ),
    "a link through a linked folder within": Entry(
        every(file("f/b.txt", STORY), link("g", "f"), link("l.txt", "g/b.txt")), "f/b.txt", "l.txt"
    ),
    "a hard link": Entry(lambda source: os.link(source / "a.txt", source / "h.txt"), "h.txt"),
    "a pipe": Entry(at("p.txt", os.mkfifo), said={"p.txt": "is not a regular file"}),
    "a link to a pipe": Entry(
        every(at("p", os.mkfifo), link("l.txt", "p")),
        said={"l.txt": "is not a regular file"},
    ),
    "a socket": Entry(lambda source: make_socket(source / "s.txt"), said={"s.txt": "is not a regular file"}),
    "a device": Entry(lambda source: make_device(source / "d.txt"), said={"d.txt": "is not a regular file"}),
    "a link to a device": Entry(link("l.txt", "/dev/zero"), said={"l.txt": OUT}),
    "a folder named as a file": Entry(file("f.txt/b.txt", STORY), "f.txt/b.txt"),
    "a name in no encoding": Entry(
        every(file("b\udcff.txt", STORY), file("b\udcfe.jsonl", LINE), file("e\udcff.txt", "")),
        r"b\xff.txt",
        r"b\xfe.jsonl",
        said={r"e\xff.txt": "contains no text"},
    ),
    "a folder in no encoding": Entry(
        every(file("b\udcff/c.txt", STORY), file("b\udcfe/c.txt.gz", "")),
        r"b\xff/c.txt",
        said={r"b\xfe/c.txt.gz": "contains no text"},
    ),
    "twins but for case": Entry(
        every(file("b.txt", STORY), file("B.txt", STORY), file("b.TXT", STORY)), "b.txt", "B.txt", "b.TXT"
    ),
    "twins but for composition": Entry(
        every(file(f"{NFC}.txt", STORY), file(f"{NFD}.txt", STORY)), f"{NFC}.txt", f"{NFD}.txt"
    ),
    "a suffix alone": Entry(file(".txt", STORY)),
    "hidden files and folders": Entry(every(file(".b.txt", STORY), file(".git/c.txt", STORY))),
    "the parts of a saved page": Entry(
        every(
            file("p.html", STORY),
            file("p_files/b.html", STORY),
            file("Q q.htm", STORY),
            file("Q q_files/d/b.txt", STORY),
            file("r_files/b.txt", STORY),
        ),
        "p.html",
        "Q q.htm",
        "r_files/b.txt",
    ),
    "packages of npm": Entry(every(file("node_modules/b.md", STORY), file("d/node_modules/b.md", STORY))),
    "files of other types": Entry(every(file("b.ods", STORY), file("txt", STORY), file("b.txt~", STORY))),
    "a name with dots": Entry(every(file("..b.txt", STORY), file("b..txt", STORY)), "b..txt"),
    "an empty file": Entry(every(*(file(name, "") for name in EMPTY)), said=dict.fromkeys(EMPTY, "")),
    "nothing but blanks": Entry(file("b.txt", " \n\t\n" * 5000), said={"b.txt": ""}),
    "nothing but NUL bytes": Entry(file("b.txt", bytes(5000)), said={"b.txt": ""}),
    "a sparse file of a terabyte": Entry(sparse, said={"s.txt": "larger than 1 MB"}),
    "a file one byte too large": Entry(file("b.txt", b"x" * (MB + 1)), said={"b.txt": "larger than 1 MB"}),
    "a .gz that grows a thousandfold": Entry(
        file("b.txt.gz", gzip.compress(bytes(30 * MB))),
        said={"b.txt.gz": "unpacks to more than 200 times its size"},
        size=64,
    ),
    "a .gz in a .gz": Entry(file("b.txt.gz", gzip.compress(PACKED)), said={"b.txt.gz": ""}),
    "a .gz that contains itself by name": Entry(
        file("b.jsonl.gz.gz", gzip.compress(gzip.compress(b"{}"))),
    ),
    "a hundred thousand members in a .gz": Entry(
        file("b.txt.gz", PACKED + gzip.compress(b"") * 100_000), "b.txt.gz", size=4
    ),
    "zeros after a .gz": Entry(file("b.txt.gz", PACKED + bytes(512)), "b.txt.gz"),
    "a damaged .gz": Entry(
        file("b.txt.gz", PACKED[:20] + b"\xff" * 9 + PACKED[29:]), said={"b.txt.gz": "gzip data is damaged"}
    ),
    "a bomb by content alone": Entry(
        file("b.txt", zlib.compress(bytes(30 * MB), wbits=31)),
        said={"b.txt": "unpacks to more than"},
        size=64,
    ),
    "a line of two megabytes": Entry(file("b.jsonl", f"{LINE}\n{LONG}\n"), "b.jsonl", size=4),
    "NUL bytes in a line": Entry(
        file("b.jsonl", f"{LINE}\n{{\0}}\n"), "b.jsonl", said={"b.jsonl:2": "not JSON"}
    ),
    "folders a thousand deep": Entry(deep, "d/" * 1000 + "deep.txt"),
}
NAMES = {
    "a line break": "b\nc.txt",
    "control characters": "b\x1b[31m\x07.txt",
    "a tab and quotes": "tab\tand 'quotes' \"too\".txt",
    "a hyphen at its start": "-x.txt",
    "a suffix in capitals": "B.TXT",
    "blanks alone": "   .txt",
    "markup": "<img src=x>.txt",
    "other scripts": "…/東京.md",
    "as many bytes as fit": "n" * 251 + ".txt",
    "as many bytes as fit, in two for each letter": "ö" * 125 + ".txt",
}
UNUSUAL |= {f"a name with {what}": Entry(file(name, STORY), name) for what, name in NAMES.items()}


@pytest.mark.usefixtures("either_way")
@pytest.mark.parametrize("name", UNUSUAL)
def test_a_source_with_an_unusual_entry_is_indexed_and_failures_are_named(
    archive: Archive, name: str
) -> None:
    entry = UNUSUAL[name]
    archive.text("z.txt", "The last in order.")
    entry.make(archive.seeds)
    with archive.open(max_file_mb=entry.size) as index:
        foreseen = index.sync(dry_run=True)
        report = index.sync()
        again = index.sync()
        assert (counts(foreseen), reasons(foreseen)) == (counts(report), reasons(report))
        assert (counts(again), reasons(again)) == ((0, 0, 0, report.added), reasons(report))
        index.rebuild()
    assert found(archive) == {"a.txt", "z.txt", *entry.indexed}
    assert reasons(report).keys() == entry.said.keys()
    for path, reason in reasons(report).items():
        assert reason.startswith(entry.said[path])


def test_folders_deeper_than_a_path_is_long_are_named(archive: Archive) -> None:
    at = os.open(archive.seeds, os.O_RDONLY)
    for _ in range(30):
        os.mkdir("d" * 200, dir_fd=at)
        below = os.open("d" * 200, os.O_RDONLY, dir_fd=at)
        os.close(at)
        at = below
    os.close(at)
    (failure,) = archive.sync().failed
    assert set(failure.path) == set("d/")
    assert failure.reason == "the folder cannot be listed (File name too long)"
    assert found(archive) == {"a.txt"}


def test_a_source_is_listed_the_same_where_open_folders_cannot_be_listed(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive.write("b/c/d.txt", STORY)
    archive.write("b/e.dat", STORY)
    (archive.seeds / "b/f.txt").symlink_to("e.txt")
    (archive.seeds / "b/g.txt").symlink_to("c/d.txt")
    listed = list_source(Source(archive.seeds))
    assert set(listed.files) == {"a.txt", "b/c/d.txt", "b/g.txt"}
    assert [failure.path for failure in listed.failures] == ["b/f.txt"]
    monkeypatch.setattr(os, "supports_fd", frozenset())
    assert list_source(Source(archive.seeds)) == listed


def list_open_files() -> list[str]:
    """The paths of the files and folders that this process has open."""
    paths = []
    for descriptor in os.listdir("/proc/self/fd"):  # noqa: PTH208  (names only, in one call)
        with contextlib.suppress(FileNotFoundError):  # the descriptor that lists them is closed by now
            paths.append(os.readlink(f"/proc/self/fd/{descriptor}"))  # noqa: PTH115  (not always a path)
    return paths


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="the system does not list open files")
def test_no_folder_stays_open_after_a_source_was_listed(archive: Archive) -> None:
    archive.write("b/c/d.txt", STORY)
    list_source(Source(archive.seeds))
    # Only the archive's: other files of the process may be closed at any time, when garbage is collected.
    assert [path for path in list_open_files() if path.startswith(f"{archive.root}/")] == []


@pytest.mark.slow
def test_a_hundred_thousand_empty_folders_are_walked(archive: Archive) -> None:
    for number in range(1000):
        folder = archive.seeds / str(number)
        folder.mkdir()
        for below in range(100):
            (folder / str(below)).mkdir()
    assert set(list_source(Source(archive.seeds)).files) == {"a.txt"}


# What changes meanwhile


def swap_for_link(path: Path, to: Path) -> None:
    path.rename(path.with_name(f"{path.name}.away"))
    path.symlink_to(to)


def test_what_becomes_a_link_or_a_pipe_after_it_was_listed_is_not_read(archive: Archive) -> None:
    archive.write("outside/secret.txt", STORY)
    linked, piped = archive.write("b.txt", STORY), archive.write("c.txt", STORY)

    def swap() -> None:
        swap_for_link(archive.seeds / "outside", archive.root / "outside")
        swap_for_link(linked, archive.root / "outside/secret.txt")
        piped.unlink()
        os.mkfifo(piped)

    assert reasons(archive.sync(progress=Meanwhile(swap))) == {
        "outside/secret.txt": f"cannot be read ({OUT})",
        "b.txt": f"cannot be read ({OUT})",
        "c.txt": "cannot be read (is not a regular file)",
    }
    assert found(archive) == {"a.txt"}


def test_a_folder_that_alternates_with_a_link_never_leads_outside(archive: Archive) -> None:
    archive.write("f/secret.txt", STORY)
    (archive.seeds / "l").symlink_to(archive.root / "outside")
    # Two names that are exchanged all the time: each alternates between a folder and a link that leads
    # outside.
    swapping = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import os\n"
            "print(flush=True)\n"
            "while True:\n"
            "    os.rename('f', 't'); os.rename('l', 'f'); os.rename('t', 'l')\n"
            "    os.rename('f', 't'); os.rename('l', 'f'); os.rename('t', 'l')\n",
        ],
        cwd=archive.seeds,
        stdout=subprocess.PIPE,
    )
    read = refused = 0
    try:
        assert swapping.stdout is not None
        swapping.stdout.readline()
        for _ in range(3000):
            try:
                with open_file(str(archive.seeds), "f/secret.txt") as opened:
                    assert opened.read() == STORY.encode()
                read += 1
            except OSError:
                refused += 1
    finally:
        swapping.kill()
        swapping.communicate()
    assert read + refused == 3000


@pytest.fixture
def meanwhile(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Callable[[], object]]]:
    """Actions on files, each run just before its file is examined for the second time."""
    todo: list[Callable[[], object]] = []
    real, looks = os.fstat, [0]

    def fstat(descriptor: int) -> os.stat_result:
        # Opening looks once, reading twice.
        looks[0] += bool(todo)
        if todo and looks[0] % 3 == 0:
            todo.pop(0)()
        return real(descriptor)

    monkeypatch.setattr(os, "fstat", fstat)
    yield todo
    assert todo == []


def test_a_file_that_changes_while_it_is_read_is_read_again_at_once(
    tmp_path: Path, meanwhile: list[Callable[[], object]]
) -> None:
    path = tmp_path / "a.txt"
    path.write_text("Half.")
    meanwhile += [lambda: path.write_text("The whole of it."), lambda: path.write_text("Short")]
    assert read_whole(str(path.parent), "a.txt", MB) == b"Short"


def test_a_file_that_keeps_changing_is_left_to_the_next_sync(
    archive: Archive, meanwhile: list[Callable[[], object]]
) -> None:
    path = archive.seeds / "a.txt"
    with archive.open() as index:
        index.sync()
        before = state(index)
        path.write_text("Other\n\nwords, and more to come")

        def grow() -> None:
            with path.open("a") as file:
                file.write(" and more")

        meanwhile += [grow] * 3
        with pytest.raises(OSError, match="it changes while it is read"):
            read_whole(str(path.parent), "a.txt", MB)
        assert state(index) == before
        assert index.sync().changed == 1


def test_a_file_that_grows_beyond_the_bound_while_it_is_read_is_too_large(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"x" * (MB + 5))
    real = os.fstat

    def smaller(descriptor: int) -> Any:
        status = list(real(descriptor))
        status[stat.ST_SIZE] = 10
        return os.stat_result(status)

    monkeypatch.setattr(os, "fstat", smaller)
    with pytest.raises(UnreadableDocument, match="larger than 1 MB"):
        read_whole(str(path.parent), "a.txt", MB)


def test_a_file_that_cannot_be_read_to_its_end_keeps_what_was_indexed(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive.sync()
    before = found(archive)
    archive.text("a.txt", "Other words.")

    look = os.fstat

    def failing(descriptor: int) -> os.stat_result:
        if os.lseek(descriptor, 0, os.SEEK_CUR):
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return look(descriptor)

    # A file is checked for changes after it was read.
    monkeypatch.setattr(os, "fstat", failing)
    report = archive.sync()
    assert reasons(report)["a.txt"].startswith("cannot be read (Input/output error)")
    assert found(archive) == before


# Programs without root's rights, which sees every file, or with file systems of their own

PREAMBLE = """
import subprocess
from pathlib import Path
from indexer import NutgrafError, open_index

seeds = Path("seeds")
index = open_index("index", sources=[seeds])

def print_error(act):
    try:
        act()
    except NutgrafError as error:
        print(f"{type(error).__name__}: {error}")

def mount(folder):
    subprocess.run(["mount", "-t", "tmpfs", "none", folder], check=True)

def unmount(folder):
    subprocess.run(["umount", folder], check=True)
"""
MOUNTING = ("unshare", "-rm")


def printed_by(archive: Archive, code: str, before: Sequence[str]) -> list[str]:
    """The lines that a program prints which has the index; another program runs it."""
    done = subprocess.run(
        [*before, sys.executable, "-c", f"{PREAMBLE}{textwrap.dedent(code)}"],
        cwd=archive.root,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode and ("unshare" in done.stderr or "mount:" in done.stderr):
        pytest.skip(f"nothing can be mounted here: {done.stderr.strip().splitlines()[-1]}")
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_unreadable_files_and_folders_keep_what_was_indexed(archive: Archive) -> None:
    archive.text("f/b.txt", "A red tide.")
    archive.text("g/c.txt", "A green tide.")
    archive.sync()
    (archive.seeds / "f").chmod(0)
    (archive.seeds / "g").chmod(0o444)  # its names can be listed, but its entries cannot be examined
    (archive.seeds / "a.txt").chmod(0)
    (archive.seeds / "a.txt").touch()
    code = """
        report = index.sync()
        print(report.removed, sorted(f.path for f in report.failed), index.search('*', limit=0).total)
    """
    printed = printed_by(archive, code, powerless())
    (archive.seeds / "f").chmod(0o755)
    (archive.seeds / "g").chmod(0o755)
    assert printed == ["0 ['a.txt', 'f', 'g/c.txt'] 3"]


def test_a_file_that_was_never_readable_is_named_once_by_each_sync(archive: Archive) -> None:
    (archive.seeds / "b.txt").write_text(SECRET)
    (archive.seeds / "b.txt").chmod(0)
    code = """
        for _ in range(3):
            print([(f.path, f.reason) for f in index.sync().failed])
    """
    printed = printed_by(archive, code, powerless())
    assert printed == ["[('b.txt', 'cannot be read (Permission denied)')]"] * 3


def test_an_unreadable_source_is_refused(archive: Archive) -> None:
    archive.sync()
    archive.seeds.chmod(0)
    code = """
        print_error(index.sync)
        print_error(index.rebuild)
        print(index.search('*', limit=0).total)
    """
    *errors, total = printed_by(archive, code, powerless())
    archive.seeds.chmod(0o755)
    assert (len(errors), total) == (2, "1")
    assert all(re.match("SourceMissing: .*Permission denied", error) for error in errors)


def test_a_source_that_cannot_be_written_is_read(archive: Archive) -> None:
    for path in (archive.seeds / "a.txt", archive.seeds):
        path.chmod(0o555)
    before = contents(archive.seeds)
    assert printed_by(archive, "print(index.sync().added)", powerless()) == ["1"]
    assert contents(archive.seeds) == before
    archive.seeds.chmod(0o755)


def test_a_source_on_its_own_file_system_is_missed_when_unmounted(archive: Archive) -> None:
    (archive.seeds / "a.txt").unlink()
    code = """
        mount("seeds")
        (seeds / "lost+found").mkdir()
        (seeds / "b.txt").write_text("A story.\\n\\nA tide.")
        print(index.sync().added)
        unmount("seeds")
        print_error(index.sync)
        print_error(index.rebuild)
        print(index.search("tide", limit=0).total)
    """
    added, *errors, total = printed_by(archive, code, MOUNTING)
    assert (added, len(errors), total) == ("1", 2, "1")
    assert all(error.startswith("SourceShrunk: ") for error in errors)


def test_an_unmounted_file_system_below_a_source_is_noticed(archive: Archive) -> None:
    archive.add_texts(40)
    code = """
        (seeds / "disk").mkdir()
        mount("seeds/disk")
        (seeds / "disk/deep").mkdir()
        for number in range(11):
            (seeds / f"disk/deep/{number}.txt").write_text(f"A story.\\n\\nA tide {number}.")
        print(index.sync().added)
        unmount("seeds/disk")
        print_error(index.sync)
        print_error(index.rebuild)
        print(index.search("tide", limit=0).total)
        print(index.sync(allow_mass_delete=True).removed)
    """
    added, *errors, total, removed = printed_by(archive, code, MOUNTING)
    assert (added, len(errors), total, removed) == ("52", 2, "51", "11")
    assert all("nothing is left in disk, of which 11" in error for error in errors)


# Where sources and the index lie


def test_an_index_in_its_source_is_not_indexed(archive: Archive) -> None:
    with open_index(Config(index=archive.seeds / "index", sources=(archive.seeds,))) as index:
        index.sync()
        assert index.sync().unchanged == 1
        assert index.rebuild().added == 1
        report = index.sync()
        assert (report.files, report.kinds_not_read) == (1, {})


def test_a_source_in_the_folder_of_its_index_is_indexed_and_not_changed(archive: Archive) -> None:
    archive.sync()
    inner = archive.folder / "seeds"
    inner.mkdir()
    (inner / "b.txt").write_text(STORY)
    before = contents(inner)
    with open_index(Config(index=archive.folder, sources=(inner,))) as index:
        index.sync()
        index.rebuild()
        index.rebuild()
        assert index.search("tide", limit=0).total == 1
    assert contents(inner) == before


# Missing sources


def test_a_missing_source_can_be_forgotten_and_then_a_rebuild_works(archive: Archive) -> None:
    other = archive.beside("other")
    with archive.open() as index:
        index.sync(archive.seeds, other.seeds)
        (other.seeds / "other.txt").unlink()
        other.seeds.rmdir()
        with pytest.raises(NutgrafError):
            index.rebuild()
        report = index.forget(other.seeds)
        assert (report.removed, report.changes[0].why) == (1, "its source is forgotten")
        assert index.get_status().sources == (str(archive.seeds),)
        assert index.search("tide", limit=0).total == 0
        assert index.verify().articles == 1
        index.rebuild()
        assert index.verify().articles == 1


def test_a_rebuild_skips_a_missing_source_if_allowed(archive: Archive) -> None:
    other, third = archive.beside("other"), archive.beside("third")
    with archive.open() as index:
        index.sync(archive.seeds, other.seeds, third.seeds)
        shutil.rmtree(other.root)
        with pytest.raises(SourceMissing) as caught:
            index.rebuild()
        for way in (f"`nutgraf forget {other.seeds}`", "`nutgraf rebuild --allow-mass-delete`"):
            assert way in str(caught.value)
        shutil.rmtree(third.root)
        with pytest.raises(SourceMissing, match=f"{other.seeds} .*also missing: {third.seeds}") as caught:
            index.rebuild()
        assert "nutgraf forget" not in str(caught.value)
        report = index.rebuild(allow_mass_delete=True)
        assert report.without == [str(other.seeds), str(third.seeds)]
        assert (report.added, report.removed) == (1, 2)
        assert [change.why for change in report.changes if change.action == "remove"] == [
            "its source is missing"
        ] * 2
        assert index.get_status().sources == (str(archive.seeds),)
        with pytest.raises(SourceMissing, match="other/seeds"):
            index.rebuild(other.seeds, allow_mass_delete=True)


@pytest.mark.parametrize("why", ["the format", "the options", "damage"])
def test_forgetting_a_source_rebuilds_an_index_that_cannot_be_changed(archive: Archive, why: str) -> None:
    other = archive.beside("other")
    with archive.open() as index:
        index.sync(archive.seeds, other.seeds)
        generation = Path(index.path)
    shutil.rmtree(other.root)
    if why == "the format":
        path = generation / "settings.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | {"format": 5}))
    elif why == "damage":
        (generation / "settings.json").write_text("damaged")
    with archive.open(language="de" if why == "the options" else "en") as index:
        with pytest.raises(SourceMissing, match="is not a source of the index"):
            index.forget(archive.root / "outside")
        report = index.forget(other.seeds)
        assert (report.removed, report.added, report.files) == (1, 0, 0)
        assert index.get_status().sources == (str(archive.seeds),)
        assert index.verify().articles == 1


def test_records_of_two_sources_may_state_one_id_of_which_one_is_forgotten(archive: Archive) -> None:
    archive.lines("b.jsonl", {"id": "one", "text": "The first."})
    other = Archive(archive.root / "seeds2")
    other.lines("b.jsonl", {"id": "one", "text": "The second."})
    with archive.open() as index:
        assert index.sync(archive.seeds, other.seeds).failed == []
        index.forget(archive.seeds)
        assert index.sync(other.seeds).unchanged == 1
        assert index.get_article("one").paragraphs == ("The second.",)


def test_only_a_source_can_be_forgotten(archive: Archive) -> None:
    archive.sync()
    before = contents(archive.folder)
    with (
        archive.open() as index,
        pytest.raises(NutgrafError, match="is not a source of the index") as caught,
    ):
        index.forget(archive.root / "outside")
    assert str(archive.seeds) in str(caught.value)
    assert contents(archive.folder) == before


def test_a_file_whose_name_is_in_no_encoding_keeps_its_article_and_can_be_written_as_json(
    archive: Archive,
) -> None:
    file("b\udcff.txt", STORY)(archive.seeds)
    with archive.open() as index:
        report = index.sync()
        (change,) = [change for change in report.changes if change.path == r"b\xff.txt"]
        found = index.get_article(change.id)
        assert (found.source, found.id) == (r"b\xff.txt", "b-d4c33b34")
        for answer in (report, index.get_status(), index.search("tide gauge")):
            json.dumps(answer.as_json(), ensure_ascii=False).encode()
        assert counts(index.sync()) == (0, 0, 0, 2)
        assert index.verify(deep=True).differences == ()
        assert counts(index.rebuild()) == (2, 0, 0, 0)
        assert index.get_article(change.id) == found
        (archive.seeds / "b\udcff.txt").unlink()
        assert counts(index.sync()) == (0, 0, 1, 1)


@pytest.mark.parametrize("name", ["data.xlsx", "data.ods", "report.key", "report.ODS.gz", "a.1st"])
def test_a_file_of_a_kind_that_is_not_read_is_refused_as_a_source(archive: Archive, name: str) -> None:
    (archive.root / name).write_text("a,b\n\n1,2\n")
    with archive.open() as index, pytest.raises(SourceMissing, match="is of a kind that is not read"):
        index.sync(archive.root / name)


@pytest.mark.parametrize("name", ["notes", "README", "notes.2021", "v1.2 of May"])
def test_a_file_without_a_suffix_that_is_named_as_a_source_is_read(archive: Archive, name: str) -> None:
    (archive.root / name).write_text(STORY)
    with archive.open() as index:
        assert index.sync(archive.root / name).added == 1


def test_files_of_kinds_that_are_not_read_are_counted(archive: Archive) -> None:
    for name in ("b.ods", "d/c.ODS", "data.xlsx.gz", "LICENSE", "notes.2021", ".hidden.ods"):
        archive.write(name, "x")
    kinds = {".ods": 2, ".xlsx": 1, "": 2}
    with archive.open() as index:
        assert index.sync(dry_run=True).kinds_not_read == kinds
        assert index.sync().kinds_not_read == kinds
        assert index.sync().kinds_not_read == kinds
        assert index.get_status().kinds_not_read == index.diagnose().kinds_not_read == kinds
        archive.write("e.psd", "x")
        assert index.sync().kinds_not_read == kinds | {".psd": 1}
        assert index.rebuild().kinds_not_read == kinds | {".psd": 1}
        assert index.get_status().kinds_not_read == kinds | {".psd": 1}
        other = archive.beside("other")
        index.sync(other.seeds)
        index.forget(archive.seeds)
        assert index.get_status().kinds_not_read == {}


def test_what_was_skipped_when_a_source_was_listed_is_in_the_status_until_it_is_gone(
    archive: Archive,
) -> None:
    (archive.seeds / "l.txt").symlink_to("../outside/secret.txt")
    with archive.open() as index:
        index.sync()
        assert [(failure.path, failure.reason) for failure in index.get_status().failures] == [("l.txt", OUT)]
        (archive.seeds / "l.txt").unlink()
        index.sync()
        assert index.get_status().failures == ()


def test_a_source_without_articles_is_a_finding(archive: Archive) -> None:
    with archive.open() as index:
        index.sync()
        assert index.diagnose().is_well
        (archive.root / "scans").mkdir()
        for name in ("a.ods", "b.ods", "c.xlsx"):
            (archive.root / "scans" / name).write_text("x")
        (archive.root / "scans/empty.txt").write_text("")
        index.sync(archive.root / "scans")
        (finding,) = index.diagnose().findings
        assert finding.kind == "source"
        assert finding.what == (
            f"The source {archive.root / 'scans'} has no articles: "
            "3 files of kinds that are not read: .ods 2, .xlsx 1; 1 file that cannot be read."
        )
        assert finding.remedy.endswith(f"`nutgraf forget {archive.root / 'scans'}`.")

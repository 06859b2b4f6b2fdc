"""Containers of any size: they are read in constant memory, and what waits on the disk is gone afterwards."""

from __future__ import annotations

import gzip
import io
import json
import os
import random
import subprocess
import sys
import tarfile
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from tests.fixtures.processes import status_of, tree_of
from tests.stress.archive import Lost, Unavailable, environment

ROUNDS = 2048
"""MB of a container, of which an archive has that much unpacked."""
MOST = 512
"""MB of memory that a worker may take, whatever the size is."""
_LOOK = 0.05  # seconds between two looks at what the processes take
_WORDS = 20_000
_PARAGRAPHS = 2000
_DELETED = " (deleted)"


def run(rounds: int, chance: random.Random, folder: Path) -> str:
    """With containers of so many MB; returns for each kind what indexing it took.

    `STRESS_KINDS` may name some of the kinds.
    """
    if not Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").exists():
        raise Unavailable("what other processes take is read from /proc, which is not here")
    wanted = os.environ.get("STRESS_KINDS", " ".join(_WRITERS)).split()
    paragraphs = _make_paragraphs(chance)
    figures = []
    for name in wanted:
        with tempfile.TemporaryDirectory(dir=folder) as trial:
            file = Path(trial) / "source" / name
            file.parent.mkdir()
            with file.open("wb") as stream:
                count = _WRITERS[name](stream, _make_texts(rounds << 20, paragraphs, chance))
            figures.append(_index(file, Path(trial), count, rounds))
    return "; ".join(figures)


@dataclass
class _Watched:
    """What a command and its children took: the peaks of their memory, by process, and of unnamed files."""

    peaks: dict[int, int] = field(default_factory=dict)
    waiting: int = 0

    def look(self, process: int) -> None:
        """Note what they take now."""
        tree = tree_of(process)
        for one in tree:
            self.peaks[one] = max(self.peaks.get(one, 0), status_of(one, "VmHWM"))
        self.waiting = max(self.waiting, sum(map(_measure_unnamed, tree)))


def _measure_unnamed(process: int) -> int:
    """The bytes of the regular files without a name that a process holds open: they end with it."""
    total = 0
    try:
        for entry in Path(f"/proc/{process}/fd").iterdir():
            if str(entry.readlink()).endswith(_DELETED):
                total += entry.stat().st_blocks * 512
    except OSError:
        pass  # it has ended, or has closed the file
    return total


def _index(file: Path, trial: Path, count: int, rounds: int) -> str:
    """Index a container with one worker; returns the figures, and raises Lost if a record is missing."""
    temporary = trial / "temporary"
    temporary.mkdir()
    words = ("index", file.parent, "--index", trial / "index", "--json")
    command = [sys.executable, "-m", "indexer.cli", *map(str, words)]
    more = environment(NUTGRAF_JOBS="1", TMPDIR=str(temporary))
    watched, began = _Watched(), time.perf_counter()
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(command, stdout=said, stderr=subprocess.DEVNULL, env=more)
        while process.poll() is None:
            watched.look(process.pid)
            time.sleep(_LOOK)
        seconds = time.perf_counter() - began
        said.seek(0)
        output = said.read()
    report = json.loads(output) if process.returncode == 0 else {}
    if report.get("added") != count:
        raise Lost(f"{file.name}: exit code {process.returncode}: {output[-500:].decode()}")
    if left := list(temporary.iterdir()):
        raise Lost(f"{file.name}: {left} was left behind")
    writer = watched.peaks.pop(process.pid) >> 20
    worker = max(watched.peaks.values(), default=0) >> 20
    if worker > MOST:
        raise Lost(f"{file.name}: a worker took {worker} MB")
    return (
        f"{file.name} of {file.stat().st_size / 2**20:.1f} MB, {count:,} records: worker {worker} MB, "
        f"writer {writer} MB, waiting on the disk {watched.waiting >> 20} MB, {seconds:.0f} s, "
        f"{rounds / seconds:.1f} MB/s"
    )


def _make_paragraphs(chance: random.Random) -> list[str]:
    words = ["".join(chance.choices("abcdefghiklmnoprstu", k=3 + n % 7)) for n in range(_WORDS)]
    return [" ".join(chance.choices(words, k=80)) + "." for _ in range(_PARAGRAPHS)]


def _make_texts(size: int, paragraphs: list[str], chance: random.Random) -> Iterator[list[str]]:
    """Texts of eight paragraphs, of so many bytes in all."""
    while size > 0:
        text = chance.choices(paragraphs, k=8)
        size -= sum(map(len, text)) + 100
        yield text


def _write_lines(stream: BinaryIO, texts: Iterator[list[str]]) -> int:
    count = 0
    for count, text in enumerate(texts, 1):
        stream.write(json.dumps({"title": f"Story {count}", "paragraphs": text}).encode() + b"\n")
    return count


def _write_array(stream: BinaryIO, texts: Iterator[list[str]]) -> int:
    count = 0
    for count, text in enumerate(texts, 1):
        record = json.dumps({"title": f"Story {count}", "paragraphs": text}).encode()
        stream.write((b"[" if count == 1 else b",\n") + record)
    stream.write(b"]")
    return count


def _write_table(stream: BinaryIO, texts: Iterator[list[str]]) -> int:
    stream.write(b"title,text\n")
    count = 0
    for count, text in enumerate(texts, 1):
        stream.write('Story {},"{}"\n'.format(count, "\n\n".join(text)).encode())
    return count


def _write_mailbox(stream: BinaryIO, texts: Iterator[list[str]]) -> int:
    count = 0
    for count, text in enumerate(texts, 1):
        mail = "From - 10:00\nSubject: Story {}\n\n{}\n\n".format(count, "\n\n".join(text))
        stream.write(mail.encode())
    return count


def _write_posts(stream: BinaryIO, texts: Iterator[list[str]]) -> int:
    stream.write(
        b'<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/" '
        b'xmlns:wp="http://wordpress.org/export/1.2/"><channel><title>Wire</title>'
        b"<wp:wxr_version>1.2</wp:wxr_version>\n"
    )
    count = 0
    for count, text in enumerate(texts, 1):
        post = (
            f"<item><title>Story {count}</title><content:encoded><![CDATA[{'<p>'.join(text)}]]>"
            f"</content:encoded><wp:post_id>{count}</wp:post_id><wp:status>publish</wp:status>"
            "<wp:post_type>post</wp:post_type></item>\n"
        )
        stream.write(post.encode())
    stream.write(b"</channel></rss>")
    return count


def _write_captures(stream: BinaryIO, texts: Iterator[list[str]]) -> int:
    count = 0
    for count, text in enumerate(texts, 1):
        page = f"<html><title>Story {count}</title><h1>Story {count}</h1><p>{'<p>'.join(text)}".encode()
        head = (
            f"WARC/1.0\r\nWARC-Type: resource\r\nWARC-Target-URI: http://news.example/{count}\r\n"
            f"Content-Type: text/html\r\nContent-Length: {len(page)}\r\n\r\n"
        )
        stream.write(gzip.compress(head.encode() + page + b"\r\n\r\n", 1))
    return count


def _write_zip(stream: BinaryIO, texts: Iterator[list[str]]) -> int:
    count = 0
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for count, text in enumerate(texts, 1):
            archive.writestr(f"{count // 1000}/{count}.txt", "\n\n".join([f"Story {count}", *text]))
    return count


def _write_tar(stream: BinaryIO, texts: Iterator[list[str]]) -> int:
    count = 0
    with (
        gzip.GzipFile(fileobj=stream, mode="wb", compresslevel=1) as packed,
        tarfile.open(fileobj=packed, mode="w|") as archive,
    ):
        for count, text in enumerate(texts, 1):
            data = "\n\n".join([f"Story {count}", *text]).encode()
            info = tarfile.TarInfo(f"{count // 1000}/{count}.txt")
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return count


_WRITERS: dict[str, Callable[[BinaryIO, Iterator[list[str]]], int]] = {
    "a.jsonl": _write_lines,
    "a.json": _write_array,
    "a.csv": _write_table,
    "a.mbox": _write_mailbox,
    "a.xml": _write_posts,
    "a.warc.gz": _write_captures,
    "a.zip": _write_zip,
    "a.tar.gz": _write_tar,
}

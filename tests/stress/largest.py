"""The largest allowed file of each kind: neither the writer nor a worker takes more than 512 MB."""

from __future__ import annotations

import gzip
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import accumulate
from pathlib import Path
from textwrap import wrap

from indexer import Config, open_index
from indexer.limits import ARTICLE_TEXT
from indexer.readers.document import GZIP
from tests.fixtures.packages import make_docx, make_epub, make_odt, make_paragraphs
from tests.fixtures.packing import MAKERS
from tests.fixtures.pdfs import lines, make_pdf
from tests.fixtures.processes import status_of, tree_of
from tests.stress.archive import Lost, Unavailable, environment

ROUNDS = 64
"""How many MB a file may have, packed or not."""
MOST = 512
"""MB of memory that a process may take."""
LAST = "xqlastqx"
"""A word at the end of each file."""
_LOOK = 0.01  # seconds between two looks at what the processes take; their peaks do not go down
_WORDS = 200_000
_ROWS = 58  # lines of a page
_LETTERS = str.maketrans("0123456789", "ghijklmnop")

Make = Callable[[int, random.Random], bytes]


@dataclass(frozen=True)
class Outcome:
    """What became of a file: MB that the writer took, and the worker that took most; why it was refused."""

    writer: int
    worker: int
    reason: str | None


def run(rounds: int, chance: random.Random, folder: Path) -> str:
    """With files of so many MB at most; returns the largest of each kind that was indexed, and the peaks."""
    if not Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").exists():
        raise Unavailable("what other processes take is read from /proc, which is not here")
    bound = rounds << 20
    article = min(bound, ARTICLE_TEXT)
    halves = [bound, *(article >> step for step in range(5))]
    figures = []
    for name, make, sizes in (
        ("a.txt", _text, [bound, article]),
        ("a.html", _page, halves),
        ("a.md", _markdown, halves),
        ("a.jsonl", _articles, [bound]),
        ("short.jsonl", _short_articles, [bound]),
        ("long.jsonl", _long_articles, [bound]),
        ("new.jsonl", _new_words, [bound]),
        ("a.json", _array, [bound]),
        ("short.json", _short_array, [bound]),
        ("a.csv", _table, [bound]),
        ("short.csv", _short_table, [bound]),
        ("a.mbox", _mailbox, [bound]),
    ):
        for suffix in ("", ".gz"):
            figures.append(_largest(folder, name + suffix, make, list(dict.fromkeys(sizes)), chance, rounds))
    for name, make in (
        *(("a.docx", _word), ("a.odt", _open), ("a.rtf", _rich), ("a.epub", _book)),
        *(("a.pdf", _pdf), ("a.eml", _mail), ("a.warc", _web_archive)),
    ):
        figures.append(_largest(folder, name, make, list(dict.fromkeys(halves)), chance, rounds))
    for name in ("a.zip", "a.tar", "a.tar.gz"):
        # An archive may be of any size.
        figures.append(_largest(folder, name, partial(_archive, MAKERS[name]), [4 * bound], chance, rounds))
    return "; ".join(figures)


def _largest(folder: Path, name: str, make: Make, sizes: list[int], chance: random.Random, most: int) -> str:
    """The first of these sizes at which a file is indexed, and what that took; the others are refused."""
    reason: str | None = None
    for size in sizes:
        data = make(size, chance)
        with tempfile.TemporaryDirectory(dir=folder) as trial:
            file = Path(trial) / "source" / name
            file.parent.mkdir()
            is_packed = name.endswith(".gz") and not data.startswith(GZIP)
            file.write_bytes(gzip.compress(data, 1) if is_packed else data)
            outcome = _indexed(file, Path(trial) / "index", most)
        where = f"{name} of {len(data) / 2**20:.1f} MB"
        if max(outcome.writer, outcome.worker) > MOST:
            raise Lost(f"{where}: the writer took {outcome.writer} MB, a worker {outcome.worker} MB")
        if outcome.reason is None:
            return f"{where}: writer {outcome.writer} MB, worker {outcome.worker} MB"
        reason = f"{where} was refused: {outcome.reason}"
    raise Lost(f"{reason}: one as large as this is allowed")


def _indexed(file: Path, index: Path, most: int) -> Outcome:
    """Index a file by the command, in a process of its own, and watch what that and its children take."""
    words = ("index", file.parent, "--index", index, "--json")
    command = [sys.executable, "-m", "indexer.cli", *map(str, words)]
    with tempfile.TemporaryFile() as said:
        more = environment(NUTGRAF_MAX_FILE_MB=str(most))
        process = subprocess.Popen(command, stdout=said, stderr=subprocess.PIPE, env=more)
        peaks: dict[int, int] = {}
        while process.poll() is None:
            for pid in tree_of(process.pid):
                peaks[pid] = max(peaks.get(pid, 0), status_of(pid, "VmHWM") >> 20)
            time.sleep(_LOOK)
        _, errors = process.communicate()
        said.seek(0)
        output = said.read()
    try:
        report = json.loads(output)
    except ValueError:
        raise Lost(f"{file.name}: exit code {process.returncode}: {errors.decode()[-500:]}") from None
    named = {failure["path"]: failure["reason"] for failure in report["failed"]}
    writer = peaks.pop(process.pid)
    outcome = Outcome(writer, max(peaks.values(), default=0), named.get(file.name))
    if bool(report["added"]) == bool(outcome.reason) or named.keys() - {file.name}:
        raise Lost(f"{file.name}: {report['added']} articles were added, {named} was refused")
    if outcome.reason is None:
        with open_index(Config(index=index)) as opened:
            found = opened.verify().articles, opened.search(LAST, limit=0).total
            if found != (report["added"], 1):
                raise Lost(f"{file.name}: {found[0]} articles, {found[1]} with its last word")
    return outcome


def _paragraphs(size: int, chance: random.Random) -> Iterator[str]:
    """Paragraphs of so many bytes in all, of words that are as common as those of a language."""
    words = [word for part in _distinct(_WORDS, chance) for word in part]
    shares = [*accumulate(1 / (place + 3) for place in range(len(words)))]
    rest = size - len(LAST) - 3
    while rest > 0:
        paragraph = " ".join(chance.choices(words, cum_weights=shares, k=80))[: rest - 2]
        yield f"{paragraph}."
        rest -= len(paragraph) + 3
    yield f"{LAST}."


def _distinct(count: int, chance: random.Random) -> Iterator[list[str]]:
    """Hardly any of so many words twice, a hundred at a time."""
    for _ in range(0, count, 100):
        letters = chance.randbytes(400).hex().translate(_LETTERS)
        yield [letters[place : place + 3 + place // 8 % 6] for place in range(0, 800, 8)]


def _text(size: int, chance: random.Random) -> bytes:
    return "\n\n".join(["A title", *_paragraphs(size - 200, chance)]).encode()


def _markdown(size: int, chance: random.Random) -> bytes:
    texts = (
        text.replace(" ", " **", 1).replace(" ", "** ", 2) for text in _paragraphs(size * 19 // 20, chance)
    )
    return "\n\n".join(["# A title", *texts]).encode()[:size]


def _page(size: int, chance: random.Random) -> bytes:
    texts = (f"<p>{text}</p>" for text in _paragraphs(size * 19 // 20, chance))
    return "\n".join(["<html><title>A title</title><body><h1>A title</h1>", *texts]).encode()[:size]


def _word(size: int, chance: random.Random) -> bytes:
    texts = _paragraphs(size * 19 // 20, chance)
    return make_docx(make_paragraphs("A title", *texts))


def _open(size: int, chance: random.Random) -> bytes:
    texts = (f"<text:p>{text}</text:p>" for text in _paragraphs(size * 19 // 20, chance))
    return make_odt("".join(["<text:p>A title</text:p>", *texts]))


def _rich(size: int, chance: random.Random) -> bytes:
    texts = (f"\\pard {text}\\par\n" for text in _paragraphs(size * 19 // 20, chance))
    return "".join(["{\\rtf1\\ansi A title\\par\n", *texts, "}"]).encode()


def _book(size: int, chance: random.Random) -> bytes:
    """A book of chapters of 1 MB at most."""
    count = 1 + (size >> 20)
    pages = (
        "".join(f"<p>{text}</p>" for text in _paragraphs(size // count, chance)).replace(
            LAST, "" if number < count else LAST
        )
        for number in range(1, count + 1)
    )
    return make_epub({f"{number}.xhtml": f"<h1>Chapter</h1>{page}" for number, page in enumerate(pages)})


def _pdf(size: int, chance: random.Random) -> bytes:
    """A PDF of so many bytes of text, which is packed."""
    rows = [row for text in _paragraphs(size * 19 // 20, chance) for row in wrap(text, 90)]
    return make_pdf([lines(rows[at : at + _ROWS], 72, 72) for at in range(0, len(rows), _ROWS)])


def _mail(size: int, chance: random.Random) -> bytes:
    text = "\n\n".join(_paragraphs(size - 200, chance))
    return f"Subject: A title\nContent-Type: text/plain; format=flowed\n\n{text}\n".encode()


def _mailbox(size: int, chance: random.Random) -> bytes:
    texts = [*_paragraphs(size * 19 // 20, chance)]
    mails = ("\n\n".join(texts[start : start + 8]) for start in range(0, len(texts), 8))
    return "".join(f"From - 10:00\nSubject: {mail[:40]}\n\n{mail}\n\n" for mail in mails).encode()


def _web_archive(size: int, chance: random.Random) -> bytes:
    page = _page(size - 200, chance)
    head = "WARC/1.0\r\nWARC-Type: resource\r\nWARC-Target-URI: http://news.example/\r\n"
    return f"{head}Content-Type: text/html\r\nContent-Length: {len(page)}\r\n\r\n".encode() + page


def _archive(make: Callable[[Mapping[str, bytes | str]], bytes], size: int, chance: random.Random) -> bytes:
    """An archive of small texts."""
    texts = _paragraphs(size, chance)
    return make({f"{number // 100}/{number}.txt": f"A title\n\n{text}" for number, text in enumerate(texts)})


def _lines(size: int, chance: random.Random, paragraphs: int) -> bytes:
    """JSON Lines: articles of so many paragraphs each."""
    lines: list[str] = []
    texts: list[str] = []

    def close() -> None:
        if texts:
            lines.append(json.dumps({"id": f"a{len(lines)}", "title": texts[0][:40], "paragraphs": texts}))
            texts.clear()

    # What stands around the words of an article is a hundred bytes, of a paragraph four.
    share = paragraphs * 600 / (paragraphs * 604 + 100)
    for text in _paragraphs(int(size * share * 0.98), chance):
        texts.append(text)
        if len(texts) >= paragraphs:
            close()
    close()
    return "\n".join(lines).encode()[:size]


def _articles(size: int, chance: random.Random) -> bytes:
    return _lines(size, chance, 8)


def _short_articles(size: int, chance: random.Random) -> bytes:
    return _lines(size, chance, 1)


def _long_articles(size: int, chance: random.Random) -> bytes:
    return _lines(size, chance, (ARTICLE_TEXT - (1 << 20)) // 600)


def _array(size: int, chance: random.Random) -> bytes:
    return b"[" + b",\n".join(_articles(size - 2, chance).splitlines()) + b"]"


def _short_array(size: int, chance: random.Random) -> bytes:
    return b"[" + b",".join(_short_articles(size - 2, chance).splitlines()) + b"]"


def _table(size: int, chance: random.Random) -> bytes:
    texts = [*_paragraphs(size * 19 // 20, chance)]
    rows = ("\n\n".join(texts[start : start + 8]) for start in range(0, len(texts), 8))
    return "\n".join(["title,text", *(f'{row[:40]},"{row}"' for row in rows)]).encode()[:size]


def _short_table(size: int, chance: random.Random) -> bytes:
    return "\n".join(
        ["id;text", *(f"a{n};{t}" for n, t in enumerate(_paragraphs(size * 49 // 50, chance)))]
    ).encode()[:size]


def _new_words(size: int, chance: random.Random) -> bytes:
    """Articles whose words have not been there before."""
    rest = size - 200
    lines: list[str] = []
    while rest > 0:
        words = [word for part in _distinct(400, chance) for word in part]
        lines.append(json.dumps({"id": f"a{len(lines)}", "title": "A title", "text": " ".join(words)})[:rest])
        rest -= len(lines[-1]) + 1
    lines[-1] = json.dumps({"id": "last", "title": "A title", "text": LAST})
    return "\n".join(lines).encode()

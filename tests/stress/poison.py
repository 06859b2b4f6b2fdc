"""A bad file first, in the middle or last: it is skipped and named, and the others are exact."""

from __future__ import annotations

import gzip
import json
import os
import random
import re
import shutil
from collections.abc import Callable
from pathlib import Path

from tests.fixtures.packages import make_docx, make_epub, make_paragraphs, make_pptx, make_slide
from tests.fixtures.packing import make_tar, make_tar_of_links, make_zip
from tests.fixtures.pdfs import Text, make_pdf
from tests.stress import pdfs
from tests.stress.archive import Lost, Trial, article, counted

ROUNDS = 1500
PLACES = ("first", "middle", "last")
GOOD = 9
"""How many good files there are beside the bad one."""


def run(rounds: int, chance: random.Random, folder: Path) -> str:
    """Make so many archives with one bad file; returns how often each kind was skipped."""
    outcomes = []
    kinds = list(BAD)
    for number in range(rounds):
        # Every kind once before any of them comes again, in another place.
        turn, index = divmod(number, len(kinds))
        kind, place = kinds[index], PLACES[(turn + index) % len(PLACES)]
        trial = Trial(folder / str(number))
        _round(trial, kind, place, chance)
        shutil.rmtree(trial.root)
        outcomes.append(kind)
    return f"{rounds:,} bad files, each skipped and named, the others exact: {counted(outcomes)}"


def _round(trial: Trial, kind: str, place: str, chance: random.Random) -> None:
    good = {f"m{number}.txt": article(number) for number in range(GOOD)}
    trial.write(good)
    # Between m4 and m5, or before or after all others.
    stem = {"first": "a", "middle": "m4x", "last": "z"}[place]
    bad = BAD[kind](trial.source / stem, chance)
    try:
        with trial.open(max_file_mb=1) as index:
            named = {re.split("[:/]", failure.path)[0] for failure in index.sync().failed}
            if named != {bad.name}:
                raise Lost(f"{bad.name!r} should have been named, it was {sorted(named)}")
            # Nothing of the bad file is attached to the others.
            if index.search("poisonous", limit=0).total:
                raise Lost(f"words of {bad.name!r} are found")
        trial.holds({"good": good})
    except Lost as error:
        raise Lost(f"{kind} {place}: {error}") from error


Make = Callable[[Path, random.Random], Path]


def _file(suffix: str, make: Callable[[random.Random], bytes]) -> Make:
    def write(stem: Path, chance: random.Random) -> Path:
        path = Path(os.fsdecode(os.fsencode(stem) + os.fsencode(suffix)))
        path.write_bytes(make(chance))
        return path

    return write


def _line(**fields: object) -> bytes:
    return json.dumps({"title": "poisonous", "text": "poisonous words"} | fields).encode() + b"\n"


def _nested_mail(depth: int) -> bytes:
    parts = (f"Content-Type: multipart/mixed; boundary=b{number}\n\n--b{number}\n" for number in range(depth))
    return f"Subject: poisonous\n{''.join(parts)}\npoisonous\n".encode()


def _pipe(stem: Path, _chance: random.Random) -> Path:
    path = stem.with_name(f"{stem.name}.txt")
    os.mkfifo(path)
    return path


def _link(stem: Path, _chance: random.Random) -> Path:
    outside = stem.parent.with_name("outside.txt")
    outside.write_text("poisonous\n\nwords\n")
    path = stem.with_name(f"{stem.name}.txt")
    path.symlink_to(outside)
    return path


def _bomb(depth: int) -> bytes:
    """A ZIP archive of archives, which unpacks to millions of times its size."""
    data = bytes(1 << 19)
    for level in range(depth):
        data = make_zip({f"{number}.{'zip' if level else 'txt'}": data for number in range(16)})
    return data


STORY = b"A poisonous title\n\nPoisonous words.\n"
_WORD = make_docx(make_paragraphs("A poisonous title", "Poisonous words."))
_ENTITY = "<!DOCTYPE a [<!ENTITY b 'poisonous'>]><a>&b;</a>"
_EMPTY_CAPTURE = (
    b"WARC/1.0\r\nWARC-Type: resource\r\nWARC-Target-URI: http://news.example/poisonous\r\n"
    b"Content-Type: text/html\r\nContent-Length: 28\r\n\r\n<script>poisonous()</script>\r\n\r\n"
)
_PDF = make_pdf([[Text("Poisonous words.")]])
_EXPORT = (
    b'<rss xmlns:wp="http://wordpress.org/export/1.2/"><channel><item><title>Poisonous</title>'
    b"<wp:post_type>post</wp:post_type><wp:status>draft</wp:status></item></channel></rss>"
)
BAD: dict[str, Make] = {
    "an id that is no text": _file(".jsonl", lambda chance: _line(id="\ud800")),
    "a text that is none": _file(".jsonl", lambda chance: _line(text="\udfff poisonous")),
    "a paragraph that is no text": _file(".jsonl", lambda chance: _line(paragraphs=[1, "poisonous"])),
    "a title that is no text": _file(".jsonl", lambda chance: _line(title=7)),
    "an id with a control character": _file(".jsonl", lambda chance: _line(id="a\tb")),
    "no JSON": _file(".jsonl", lambda chance: b'{"text": "poisonous'),
    "JSON nested deeply": _file(".jsonl", lambda chance: b'{"text": ' + b"[" * 50_000),
    "an array that ends early": _file(".json", lambda chance: b"[" + _line()[: -chance.randrange(2, 30)]),
    "a table without names": _file(".csv", lambda chance: b"poisonous,words\n" * chance.randint(1, 9)),
    "random bytes": _file(".txt", lambda chance: bytes([0]) + chance.randbytes(2000)),
    "random bytes as a page": _file(".html", lambda chance: bytes([0]) + chance.randbytes(2000)),
    "a page without text": _file(".html", lambda chance: b"<script>poisonous()</script>"),
    "an empty file": _file(".txt", lambda chance: b""),
    "too large": _file(".txt", lambda chance: b"poisonous " * 110_000),
    "a cut .gz": _file(".txt.gz", lambda chance: gzip.compress(STORY)[: -chance.randrange(1, 30)]),
    "a .gz that is none": _file(".txt.gz", lambda chance: STORY),
    "a .gz that grows": _file(".txt.gz", lambda chance: gzip.compress(b"poisonous " * 400_000)),
    "a mail that is none": _file(".eml", lambda chance: STORY),
    "a mail of parts in parts": _file(".eml", lambda chance: _nested_mail(chance.randrange(31, 2000))),
    "a mailbox with such a mail": _file(".mbox", lambda chance: b"From - 10:00\n" + _nested_mail(1000)),
    "DOCX that is none": _file(".docx", lambda chance: STORY),
    "cut DOCX": _file(".docx", lambda chance: _WORD[: -chance.randrange(1, 60)]),
    "DOCX that grows": _file(".docx", lambda chance: make_docx("<w:p/>" * 180_000)),
    "ODT with an entity": _file(".odt", lambda chance: make_zip({"content.xml": _ENTITY})),
    "slides without text": _file(".pptx", lambda chance: make_pptx([make_slide(("", "<a:p/>"))])),
    "EPUB without chapters": _file(".epub", lambda chance: make_epub({})),
    "RTF nested deeply": _file(".rtf", lambda chance: b"{\\rtf1 poisonous " + b"{" * 50_000),
    "a web archive that is none": _file(".warc", lambda chance: STORY),
    "a web archive without its rest": _file(".wacz", lambda chance: b"PK\x03\x04" + chance.randbytes(200)),
    "a web archive with a page without text": _file(".warc", lambda chance: _EMPTY_CAPTURE),
    "a PDF that is none": _file(".pdf", lambda chance: STORY),
    "a cut PDF": _file(".pdf", lambda chance: _PDF[: len(_PDF) // 2]),
    "a PDF without text": _file(".pdf", lambda chance: make_pdf([[]], image_on=[0])),
    "a PDF of many pages": _file(".pdf", lambda chance: pdfs.make_same_page(100_000)),
    "a PDF whose forms draw each other": _file(".pdf", lambda chance: pdfs.make_forms(40)),
    "XML that is no feed": _file(".xml", lambda chance: b"<poisonous/>"),
    "cut export": _file(".xml", lambda chance: _EXPORT[: -chance.randrange(1, 60)]),
    "ZIP that is none": _file(".zip", lambda chance: STORY),
    "cut ZIP": _file(".zip", lambda chance: make_zip({"a.txt": STORY})[: -chance.randrange(1, 60)]),
    "ZIP with a bad file": _file(".zip", lambda chance: make_zip({"a.jsonl": b'{"text": "poisonous'})),
    "ZIP that grows": _file(".zip", lambda chance: _bomb(chance.randrange(1, 5))),
    "tar that is none": _file(".tar", lambda chance: STORY),
    "cut tar": _file(".tar", lambda chance: make_tar({"a.txt": STORY})[: chance.randrange(1, 600)]),
    "tar with a link": _file(".tgz", lambda chance: make_tar_of_links("a.txt")),
    "a pipe": _pipe,
    "a link that leads out": _link,
}

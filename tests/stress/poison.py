"""A bad file first, in the middle or last: it is skipped and named, and the others are exact."""

from __future__ import annotations

import gzip
import json
import os
import random
import tempfile
from collections.abc import Callable
from pathlib import Path

from indexer import Config, open_index
from tests.stress.archive import Lost, article, content, counted

ROUNDS = 1500
PLACES = ("first", "middle", "last")
GOOD = 9
"""How many good files there are beside the bad one."""


def run(rounds: int, chance: random.Random) -> str:
    """Make so many archives with one bad file; returns how often each kind was skipped."""
    outcomes = []
    kinds = list(BAD)
    for number in range(rounds):
        kind, place = kinds[number // len(PLACES) % len(kinds)], PLACES[number % len(PLACES)]
        with tempfile.TemporaryDirectory() as folder:
            _round(Path(folder), kind, place, chance)
        outcomes.append(kind)
    return f"{rounds:,} bad files, each skipped and named, the others exact: {counted(outcomes)}"


def _round(folder: Path, kind: str, place: str, chance: random.Random) -> None:
    source = folder / "source"
    source.mkdir()
    good = {f"m{number}.txt": article(number) for number in range(GOOD)}
    for name, text in good.items():
        (source / name).write_text(text)
    # Between m4 and m5, or before or after all others.
    stem = {"first": "a", "middle": "m4x", "last": "z"}[place]
    bad = BAD[kind](source / stem, chance)
    with open_index(Config(index=folder / "index", sources=(source,), max_file_mb=1)) as index:
        report = index.sync()
        named = {failure.path.partition(":")[0] for failure in report.failed}
        if named != {bad.name}:
            raise Lost(f"{kind} {place}: {bad.name!r} should have been named, it was {sorted(named)}")
        if (report.added, index.verify().articles) != (GOOD, GOOD):
            raise Lost(f"{kind} {place}: {report.added} articles were added, not {GOOD}")
        for number, (name, text) in enumerate(good.items()):
            own = text.split(maxsplit=2)[1]
            hits = index.search(own, collapse=False).hits
            if [hit.article.source for hit in hits] != [name]:
                raise Lost(f"{kind} {place}: {own!r} of article {number} finds {len(hits)} articles")
            found = index.get_article(hits[0].article.id)
            if (found.title, *found.paragraphs) != content(text):
                raise Lost(f"{kind} {place}: {name} comes back as something else")
        # Nothing of the bad file is attached to the others.
        if index.search("poisonous", limit=0).total:
            raise Lost(f"{kind} {place}: words of {bad.name!r} are found")


Make = Callable[[Path, random.Random], Path]


def _file(suffix: str, make: Callable[[random.Random], bytes]) -> Make:
    def write(stem: Path, chance: random.Random) -> Path:
        path = Path(os.fsdecode(os.fsencode(stem) + os.fsencode(suffix)))
        path.write_bytes(make(chance))
        return path

    return write


def _line(**fields: object) -> bytes:
    return json.dumps({"title": "poisonous", "text": "poisonous words"} | fields).encode() + b"\n"


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


STORY = b"A poisonous title\n\nPoisonous words.\n"
BAD: dict[str, Make] = {
    "a name that is no text": _file("\udcff.txt", lambda chance: STORY),
    "an id that is no text": _file(".jsonl", lambda chance: _line(id="\ud800")),
    "a text that is none": _file(".jsonl", lambda chance: _line(text="\udfff poisonous")),
    "a paragraph that is no text": _file(".jsonl", lambda chance: _line(paragraphs=[1, "poisonous"])),
    "a language that is no text": _file(".jsonl", lambda chance: _line(language=7)),
    "an id with a control character": _file(".jsonl", lambda chance: _line(id="a\tb")),
    "no JSON": _file(".jsonl", lambda chance: b'{"text": "poisonous'),
    "JSON nested deeply": _file(".jsonl", lambda chance: b'{"text": ' + b"[" * 50_000),
    "random bytes": _file(".txt", lambda chance: bytes([0]) + chance.randbytes(2000)),
    "random bytes as a page": _file(".html", lambda chance: bytes([0]) + chance.randbytes(2000)),
    "a page without text": _file(".html", lambda chance: b"<script>poisonous()</script>"),
    "an empty file": _file(".txt", lambda chance: b""),
    "too large": _file(".txt", lambda chance: b"poisonous " * 110_000),
    "a cut .gz": _file(".txt.gz", lambda chance: gzip.compress(STORY)[: -chance.randrange(1, 30)]),
    "a .gz that is none": _file(".txt.gz", lambda chance: STORY),
    "a .gz that grows": _file(".txt.gz", lambda chance: gzip.compress(b"poisonous " * 400_000)),
    "a pipe": _pipe,
    "a link that leads out": _link,
}

"""A pickle that runs code, in each place of an index from elsewhere: it never runs."""

from __future__ import annotations

import json
import pickle
import random
import shutil
import struct
import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import zstandard
from whoosh.fields import ID, TEXT, Schema
from whoosh.index import create_in
from whoosh.util.varints import varint

from indexer import NutgrafError
from indexer.engine.format import segment_file
from indexer.engine.read import contents
from indexer.engine.whoosh.codec import ColumnarSegment
from indexer.store import generations
from tests.stress.archive import Lost, Trial, article, counted
from tests.stress.harms import read_contents, write_contents

FILES = {f"a{number:04}.txt": article(number) for number in range(6)}

# Payloads: a path to a marker that must never come to be, to a pickle that makes it when it is loaded.


def _reduced(call: Callable[..., Any], *given: Any) -> Any:
    class Payload:
        def __reduce__(self) -> Any:
            return call, given

    return Payload()


def _os_system(marker: Path) -> bytes:
    import os

    return pickle.dumps(_reduced(os.system, f"touch '{marker}'"), 2)


def _stack_global(marker: Path) -> bytes:
    return pickle.dumps(_reduced(exec, f"open({str(marker)!r}, 'w').close()"), 4)


def _instance(marker: Path) -> bytes:
    # The opcode of the first protocol that looks up a class and calls it.
    return b"(Vtouch '%s'\nios\nsystem\n." % bytes(marker)


def _own_class(marker: Path) -> bytes:
    # A class that is a part of every index, with a state that is none.
    own = ColumnarSegment(contents.SegmentEntry("0" * 16, 1, b"", b""))
    own.__dict__.update(entry=_reduced(exec, f"open({str(marker)!r}, 'w').close()"), segid="../../x")
    return pickle.dumps([own], 4)


# Any pickle that is loaded is noticed when it looks for a class: these are the ways in which one can.
PAYLOADS = (_os_system, _stack_global, _instance, _own_class)


# Places: a generation, and the payload to put there; with every checksum as its maker would have it.


def _file(generation: Path, pattern: str) -> Path:
    (found,) = generation.glob(pattern)
    return found


def _schema(generation: Path, payload: bytes) -> None:
    path = _file(generation, "*.toc")
    whoosh, own = read_contents(path)
    head = struct.calcsize("!3B2i3B")
    write_contents(path, whoosh[:head] + varint(len(payload)) + payload + whoosh[-200:], own)


def _segments(generation: Path, payload: bytes) -> None:
    path = _file(generation, "*.toc")
    whoosh, own = read_contents(path)
    start = whoosh.rindex(b"\x80")
    write_contents(path, whoosh[:start] + payload, own)


def _whole_contents(generation: Path, payload: bytes) -> None:
    _file(generation, "*.toc").write_bytes(payload)


def _own_contents(generation: Path, payload: bytes) -> None:
    path = _file(generation, "*.toc")
    write_contents(path, read_contents(path)[0], payload)


def _removed(generation: Path, payload: bytes) -> None:
    _change_contents(generation, removed=payload)


def _seal(generation: Path, payload: bytes) -> None:
    _change_contents(generation, seal=payload)


def _segment_name(generation: Path, payload: bytes) -> None:
    (generation / "x.nut").write_bytes(payload)
    _change_contents(generation, id="../../../x")


def _change_contents(generation: Path, **changes: Any) -> None:
    path = _file(generation, "*.toc")
    whoosh, own = read_contents(path)
    words = msgspec.json.decode(own)
    words["segments"][0] |= changes
    write_contents(path, whoosh, msgspec.json.encode(words))


def _whole_segment(generation: Path, payload: bytes) -> None:
    _file(generation, "*.nut").write_bytes(payload)


def _facts(generation: Path, payload: bytes) -> None:
    _change_segment(generation, {"facts": payload})


def _text(generation: Path, payload: bytes) -> None:
    frame = zstandard.ZstdCompressor().compress(payload)
    _change_segment(generation, {"text.data": frame, "text.ends": struct.pack("<Q", len(frame))})


def _change_segment(generation: Path, changes: dict[str, bytes]) -> None:
    path = _file(generation, "*.nut")
    opened = segment_file.SegmentFile(path)
    sections: dict[str, Any] = {name: opened.sections[name] for name in opened._directory}
    sections |= {
        name: data if sections[name].dtype.itemsize == 1 else _as(data, sections[name])
        for name, data in changes.items()
    }
    facts = sections.pop("facts")
    if "facts" in changes:
        pieces = list(segment_file.encode_segment({**sections, "facts": changes["facts"]}, {}))
    else:
        pieces = list(segment_file.encode_segment(sections, json.loads(facts.tobytes())))
    del opened
    path.write_bytes(b"".join(pieces))
    _change_contents(generation, seal=pieces[-1])


def _as(data: bytes, like: Any) -> Any:
    import numpy as np

    return np.frombuffer(data, like.dtype)


def _catalog(generation: Path, payload: bytes) -> None:
    line = b"%08x %s\n" % (zlib.crc32(payload), payload.replace(b"\n", b" "))
    _file(generation, "catalog-*.json").write_bytes(line * 3)


def _settings(generation: Path, payload: bytes) -> None:
    (generation / "settings.json").write_bytes(payload)


def _pointer(generation: Path, payload: bytes) -> None:
    (generation.parent / "current").write_bytes(payload)


def _whoosh_index(generation: Path, payload: bytes) -> None:
    """An index that Whoosh itself wrote, and whose stored fields are the payload."""
    for path in generation.glob("*MAIN_*"):
        path.unlink()
    index: Any = create_in(str(generation), Schema(article=ID(stored=True), paragraph=TEXT(stored=True)))
    writer = index.writer()
    writer.add_document(article="a", paragraph="harbour")
    writer.commit()
    for path in generation.glob("MAIN_*.seg"):
        path.write_bytes(payload)


def _whoosh_beside(generation: Path, payload: bytes) -> None:
    """Another segment in Whoosh's format beside an intact index."""
    (generation / "MAIN_0123456789abcdef.seg").write_bytes(payload)


def _who_writes(generation: Path, payload: bytes) -> None:
    (generation.parent / "writer.json").write_bytes(payload)
    (generation.parent / "progress.json").write_bytes(payload)


PLACES = (
    _schema, _segments, _whole_contents, _own_contents, _removed, _seal, _segment_name, _whole_segment,
    _facts, _text, _catalog, _settings, _pointer, _whoosh_index, _whoosh_beside, _who_writes,
)  # fmt: skip
# Nutgraf never reads these places, or only for a message: the index is intact.
UNREAD = {_schema, _segments, _whoosh_beside, _who_writes}
ROUNDS = len(PLACES) * len(PAYLOADS)


def run(rounds: int, chance: random.Random, folder: Path) -> str:
    """Try so many pairs of a place and a payload; returns how many were refused, and how many never read."""
    first = chance.randrange(len(PAYLOADS))
    outcomes = []
    sound = Trial(folder / "sound")
    sound.write(FILES)
    sound.sync()
    for number in range(rounds):
        # Every place once, before any has its second payload.
        turn, place = divmod(number, len(PLACES))
        payload = PAYLOADS[(first + turn + place) % len(PAYLOADS)]
        trial = Trial(folder / f"trial{number}")
        shutil.copytree(sound.root, trial.root)
        outcomes.append(_attack(trial, PLACES[place % len(PLACES)], payload))
        shutil.rmtree(trial.root)
    return f"{rounds} payloads in {len(PLACES)} places, none ran: {counted(outcomes)}"


def _attack(trial: Trial, place: Callable[[Path, bytes], None], payload: Callable[[Path], bytes]) -> str:
    marker = trial.root / "it-ran"
    name = f"{payload.__name__.strip('_')} in {place.__name__.strip('_')}"
    place(generations.live_folder(trial.index), payload(marker))
    refused = 0
    with _watched(name), trial.open() as index:
        uses: list[Callable[[], Any]] = [
            lambda: index.search("harbour crane"), lambda: index.search("har*"), index.get_status,
            lambda: index.suggest("har"), index.verify, lambda: index.sync(dry_run=True), index.sync,
            lambda: index.rebuild(),
        ]  # fmt: skip
        for use in uses:
            try:
                use()
            except NutgrafError as error:
                refused += 1
                if len(str(error)) < 20 or "\n" in str(error):
                    raise Lost(f"{name}: a refusal that says nothing: {error}") from error
    if marker.exists():
        raise Lost(f"{name}: it ran")
    if (refused > 0) == (place in UNREAD):
        raise Lost(f"{name}: refused {refused} times")
    return "refused" if refused else "never read"


_watching: list[str] = []
_seen: list[str] = []


def _audit(event: str, given: tuple[Any, ...]) -> None:
    if _watching and event == "pickle.find_class":
        _seen.append(".".join(map(str, given)))


@cache
def _install_hook() -> None:
    sys.addaudithook(_audit)


@contextmanager
def _watched(name: str) -> Iterator[None]:
    """Raise Lost when any pickle looks for a class meanwhile, whatever that class is."""
    _install_hook()
    _seen.clear()
    _watching.append(name)
    try:
        yield
    finally:
        _watching.clear()
    if _seen:
        raise Lost(f"{name}: a pickle looked for {', '.join(_seen)}")


_installed: list[Any] = []

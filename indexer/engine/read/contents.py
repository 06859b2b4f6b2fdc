"""The table of contents of a commit: which segments it has, and which of their documents are removed.

The file has two parts with the same content. The first is Whoosh's own, with a pickled schema and pickled
segments; unpickling would run whatever code the file names, so Nutgraf never reads it (`whoosh.schema` makes
it). The second is JSON, with a checksum over both. Whoosh reads only the first and ignores what follows.
FORMAT.md describes every byte.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import msgspec
import numpy as np
from numpy.typing import NDArray

from indexer.engine.format.arrays import Ids
from indexer.engine.read.segment import SegmentView
from indexer.errors import RUN_DOCTOR, IndexDamaged, IndexMissing
from indexer.files.names import CONTENTS, INDEX_NAME
from indexer.files.regular import translate_read_errors
from indexer.files.storage import read_index_file

MAGIC = b"NUTCONT1"
_TRAILER = struct.Struct("<II8s")
_MAX_ATTEMPTS = 20
_Natural = Annotated[int, msgspec.Meta(ge=0, lt=2**31)]


class SegmentEntry(msgspec.Struct, frozen=True):
    """A segment as a commit lists it."""

    id: Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-z]{16}\Z")]
    documents: _Natural
    """All its documents, removed or not."""
    removed: bytes
    """A bit for each document, the lowest bit first, 1 for a removed one; empty while none is removed."""
    seal: bytes
    """The last bytes of its file, with the checksum of its directory; they identify the file's content."""

    def path(self, folder: Path) -> Path:
        """The segment's file in the folder of a generation."""
        return folder / f"{INDEX_NAME}_{self.id}.nut"

    @property
    def removed_count(self) -> int:
        return int.from_bytes(self.removed).bit_count()

    @property
    def live_count(self) -> int:
        return self.documents - self.removed_count

    def live(self) -> NDArray[np.bool_] | None:
        """Which documents are not removed: bool, one of each document; None if none is removed."""
        if not self.removed:
            return None
        bits = np.unpackbits(np.frombuffer(self.removed, np.uint8), count=self.documents, bitorder="little")
        return np.equal(bits, 0)

    def remove(self, docs: Ids) -> SegmentEntry:
        """Return the entry with these documents removed too."""
        live = self.live()
        removed = np.zeros(self.documents, np.bool_) if live is None else ~live
        removed[docs] = True
        return msgspec.structs.replace(self, removed=np.packbits(removed, bitorder="little").tobytes())


class _Contents(msgspec.Struct):
    commit: _Natural
    language: str
    segments: list[SegmentEntry]


def encode_contents(
    whoosh_part: bytes, language: str, segments: Sequence[SegmentEntry], commit: int
) -> bytes:
    """The bytes of a table of contents; `whoosh_part` is the part that Whoosh reads."""
    text = msgspec.json.encode(_Contents(commit, language, list(segments)))
    data = whoosh_part + text + len(text).to_bytes(4, "little")
    return data + zlib.crc32(data).to_bytes(4, "little") + MAGIC


def read_contents(
    folder: Path, known: Mapping[str, SegmentView]
) -> tuple[int, str, list[tuple[SegmentEntry, SegmentView]]]:
    """The number of the last commit in a folder, its language, and its segments, opened.

    `known` has segments that are open already, by id. Raises IndexMissing, IndexDamaged or StorageFailed.
    """
    for attempt in range(_MAX_ATTEMPTS):
        number = latest_commit(folder)
        if number is None:
            raise IndexMissing(f"no index in {folder}", "run `nutgraf index` to make one")
        try:
            path = contents_path(folder, number)
            contents = _parse(path, number)
            views = [known.get(entry.id) or SegmentView(entry.path(folder)) for entry in contents.segments]
            segments = list(zip(contents.segments, views, strict=True))
            for entry, view in segments:
                _check_entry(path, entry, view)
        except IndexDamaged:
            # A commit made meanwhile deletes the files of the one before it.
            if attempt < _MAX_ATTEMPTS - 1 and latest_commit(folder) not in (number, None):
                continue
            raise
        return number, contents.language, segments
    raise AssertionError("unreachable")


def latest_commit(folder: Path) -> int | None:
    """The number of the last commit in a folder; None if there is none. Raises StorageFailed."""
    try:
        with translate_read_errors(folder):
            found = [int(match[1]) for path in folder.iterdir() if (match := CONTENTS.fullmatch(path.name))]
    except OSError:
        return None
    return max(found, default=None)


def contents_path(folder: Path, commit: int) -> Path:
    """The file of a commit's table of contents, named as Whoosh names it."""
    return folder / f"_{INDEX_NAME}_{commit}.toc"


def _parse(path: Path, number: int) -> _Contents:
    data = read_index_file(path)
    if len(data) < _TRAILER.size or not data.endswith(MAGIC):
        raise IndexDamaged(
            f"{path} does not end with {MAGIC.decode()} (it is truncated, or another program wrote it)",
            RUN_DOCTOR,
        )
    length, checksum, _ = _TRAILER.unpack(data[-_TRAILER.size :])
    end = len(data) - _TRAILER.size
    if zlib.crc32(data[: end + 4]) != checksum or length > end:
        raise IndexDamaged(f"{path} does not match its checksum", RUN_DOCTOR)
    try:
        contents = msgspec.json.decode(data[end - length : end], type=_Contents)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise IndexDamaged(f"{path} is invalid ({error})", RUN_DOCTOR) from error
    if contents.commit != number:
        raise IndexDamaged(f"{path} is of commit {contents.commit}", RUN_DOCTOR)
    if len({entry.id for entry in contents.segments}) < len(contents.segments):
        raise IndexDamaged(f"{path} lists a segment twice", RUN_DOCTOR)
    return contents


def _check_entry(path: Path, entry: SegmentEntry, view: SegmentView) -> None:
    """Raise IndexDamaged unless the file is the committed one and only whole articles are removed."""
    fits = entry.documents == view.documents and len(entry.removed) in (0, (entry.documents + 7) // 8)
    if not fits or entry.seal != view.file.seal:
        view.file.raise_replaced()
    live = entry.live()
    if live is None:
        return
    whole = live[view.doc_starts[:-1]].repeat(np.diff(view.doc_starts))
    # A bit beyond the last document would make the numbers disagree.
    if not np.array_equal(live, whole) or entry.removed_count + int(live.sum()) != len(live):
        raise IndexDamaged(f"{path} removes only parts of articles in segment {entry.id}", RUN_DOCTOR)

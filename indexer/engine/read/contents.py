"""The table of contents of a commit: Whoosh's own, and behind it the same in a form that runs no code.

Whoosh pickles its schema and its segments, and whoever unpickles runs what the file says. Whoosh reads no
further than its own part, so that Nutgraf's stands behind it, and nothing else is read here: JSON, and a
checksum of the whole file. FORMAT.md says what every byte means.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import msgspec
import numpy as np
from whoosh.filedb.filestore import FileStorage, RamStorage
from whoosh.index import TOC

from indexer.engine.read.segment import SegmentView
from indexer.engine.whoosh.codec import ColumnarSegment
from indexer.engine.whoosh.schema import commit_allowed, make_schema
from indexer.errors import IndexDamaged, IndexMissing
from indexer.files.names import CONTENTS, INDEX_NAME
from indexer.files.regular import translate_read_errors
from indexer.files.storage import read_index_file, write_durably

MAGIC = b"NUTCONT1"
_TRAILER = struct.Struct("<II8s")
_RETRIES = 20
_Natural = Annotated[int, msgspec.Meta(ge=0, lt=2**31)]


class _Segment(msgspec.Struct, forbid_unknown_fields=True):
    """A segment: its name, how many documents it has, which are removed (one bit each), how its file ends."""

    id: Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-z]{16}\Z")]
    documents: _Natural
    removed: bytes
    seal: bytes


class _Contents(msgspec.Struct, forbid_unknown_fields=True):
    commit: _Natural
    language: str
    segments: list[_Segment]


def write_contents(folder: Path, language: str, segments: Sequence[ColumnarSegment], commit: int) -> None:
    """Make a commit: put its table of contents in place, at once and on the disk."""
    memory = RamStorage()
    with commit_allowed():
        TOC(make_schema(language), list(segments), commit).write(memory, INDEX_NAME)
    (name,) = memory.list()
    own = _Contents(commit, language, [_Segment(s.segid, s.documents, s.removed, s.seal) for s in segments])
    text = msgspec.json.encode(own)
    data = bytes(memory.files[name]) + text + len(text).to_bytes(4, "little")
    write_durably(folder / name, data + zlib.crc32(data).to_bytes(4, "little") + MAGIC)


def read_contents(
    folder: Path, known: Mapping[str, SegmentView]
) -> tuple[int, str, list[tuple[ColumnarSegment, SegmentView]]]:
    """The number of the last commit of a folder, its language, and its segments; `known` are open ones.

    Raises IndexMissing, IndexDamaged or StorageFailed.
    """
    storage = FileStorage(str(folder), readonly=True)
    for attempt in range(_RETRIES):
        number = latest_commit(folder)
        if number is None:
            raise IndexMissing(f"no index in {folder}: run `nutgraf index` to make one")
        try:
            contents = _parse(_path(folder, number), number)
            segments = [_segment(words) for words in contents.segments]
            views = [known.get(s.segment_id()) or s.view(storage) for s in segments]
            for segment, view in zip(segments, views, strict=True):
                segment.check(view)
                _check_removals(folder, number, segment, view)
        except IndexDamaged:
            # A commit in between takes the files of the one before away.
            if attempt < _RETRIES - 1 and latest_commit(folder) not in (number, None):
                continue
            raise
        return number, contents.language, list(zip(segments, views, strict=True))
    raise AssertionError("unreachable")


def latest_commit(folder: Path) -> int | None:
    """The number of the last commit in a folder; None when there is none. Raises StorageFailed."""
    try:
        with translate_read_errors(folder):
            found = [int(match[1]) for path in folder.iterdir() if (match := CONTENTS.fullmatch(path.name))]
    except OSError:
        return None
    return max(found, default=None)


def _path(folder: Path, commit: int) -> Path:
    return folder / f"_{INDEX_NAME}_{commit}.toc"


def _parse(path: Path, number: int) -> _Contents:
    data = read_index_file(path)
    if len(data) < _TRAILER.size or not data.endswith(MAGIC):
        raise IndexDamaged(
            f"{path} does not end with Nutgraf's part, {MAGIC.decode()}: it is cut short, or was written by "
            "another program, whose code is not run: run `nutgraf doctor --fix`"
        )
    length, checksum, _ = _TRAILER.unpack(data[-_TRAILER.size :])
    end = len(data) - _TRAILER.size
    if zlib.crc32(data[: end + 4]) != checksum or length > end:
        raise IndexDamaged(f"{path} does not match its checksum: run `nutgraf doctor --fix`")
    try:
        contents = msgspec.json.decode(data[end - length : end], type=_Contents)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise IndexDamaged(f"{path} makes no sense ({error}): run `nutgraf doctor --fix`") from error
    if contents.commit != number:
        raise IndexDamaged(f"{path} is of commit {contents.commit}: run `nutgraf doctor --fix`")
    if len({segment.id for segment in contents.segments}) < len(contents.segments):
        raise IndexDamaged(f"{path} names a segment twice: run `nutgraf doctor --fix`")
    return contents


def _check_removals(folder: Path, number: int, segment: ColumnarSegment, view: SegmentView) -> None:
    """Raise IndexDamaged unless whole articles are removed, and nothing else."""
    live = segment.live()
    if live is None:
        return
    whole = live[view.first[:-1]].repeat(np.diff(view.first))
    if not np.array_equal(live, whole) or segment.deleted_count() + int(live.sum()) != len(live):
        raise IndexDamaged(
            f"{_path(folder, number)} makes no sense: it removes parts of articles in segment "
            f"{segment.segment_id()}; run `nutgraf doctor --fix`"
        )


def _segment(words: _Segment) -> ColumnarSegment:
    segment = ColumnarSegment(INDEX_NAME, words.documents)
    segment.segid, segment.removed, segment.seal = words.id, words.removed, words.seal
    return segment

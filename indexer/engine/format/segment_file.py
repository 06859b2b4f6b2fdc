"""A segment's file: named arrays that NumPy maps from the disk, each with a checksum.

FORMAT.md says what every byte means.
"""

from __future__ import annotations

import json
import mmap
import struct
import zlib
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from itertools import chain
from pathlib import Path
from types import TracebackType
from typing import Any, NoReturn

import msgspec
import numpy as np
from numpy.typing import NDArray

from indexer.errors import IndexDamaged, InvalidArticle
from indexer.files.regular import open_regular
from indexer.files.storage import translate_index_errors

EXTENSION = ".nut"
MAGIC = b"NUTGRAF1"
_ALIGNMENT = 64
_TRAILER = struct.Struct("<QII8s")
_KINDS = {"u1", "u2", "u4", "u8", "i4", "i8"}
Array = NDArray[Any]
Directory = dict[str, tuple[str, int, int, int]]
Section = tuple[str, Array | bytes]
"""An array by its name."""


class SegmentFile:
    """The arrays of one segment, by name; read-only, and safe to share between threads.

    `sections[name]` is mapped, and read once, when it is first used, to compare it with its checksum: an
    altered file gives an error, never a wrong answer. What is not used costs nothing. Raises IndexDamaged
    for a file that is not whole, and StorageFailed for one that cannot be read for now.
    """

    sections: _Sections

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            with translate_index_errors(path), open_regular(path) as file:
                self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except ValueError as error:
            raise IndexDamaged(f"{path} cannot be opened ({error}): run `nutgraf doctor --fix`") from error
        self._directory, self._end = self._read_directory()
        for name in self._directory:
            self._check_bounds(name)
        self.seal = self._map[-_TRAILER.size :]
        """How the file ends: where its directory is, and the checksum of that."""
        self.sections = _Sections(path, self._map, self._directory)

    def info(self) -> dict[str, Any]:
        """The segment's own facts: counts and languages."""
        try:
            return msgspec.json.decode(self.sections["facts"].tobytes(), type=dict[str, Any])
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            self._refuse(self._directory["facts"][1], f"its facts make no sense ({error})")

    @property
    def directory(self) -> dict[str, tuple[str, int]]:
        """Of each array its kind, and how many numbers it has."""
        return {name: (kind, size // int(kind[1:])) for name, (kind, _, size, _) in self._directory.items()}

    def expect(self, fault: Callable[[str, Array, Mapping[str, Array]], str | None]) -> None:
        """Have each array looked at when it is first used: `fault` says what is wrong with it, or None."""
        self.sections.fault = fault

    def refuse(self, name: str, what: str) -> NoReturn:
        """Raise IndexDamaged: an array is what was written, but makes no sense."""
        _, offset, *_ = self._directory.get(name, ("", self._end))
        self._refuse(offset, f"{name} {what}")

    def refuse_end(self) -> NoReturn:
        """Raise IndexDamaged: the file is whole, but another one than the table of contents means."""
        self._refuse(len(self._map) - _TRAILER.size, "it is another file than was written")

    def check_size(self) -> None:
        """Raise IndexDamaged when the file was cut short since it was opened."""
        # To read a mapped file beyond an end that it has no more would end the process.
        with translate_index_errors(self.path):
            size = self._map.size()
        if size < len(self._map):
            self._refuse(size, f"it had {len(self._map)} bytes when it was opened")

    def release(self) -> None:
        """Give back the memory that holds what was read: it is read again when it is used again."""
        # Not on Windows, and not where a program wants all its memory to stay.
        with suppress(AttributeError, OSError):
            self._map.madvise(mmap.MADV_DONTNEED)

    def verify(self) -> None:
        """Read everything and compare it with its checksums; raises IndexDamaged with file and offset."""
        with translate_index_errors(self.path):
            size = self.path.stat().st_size
        if size != len(self._map):
            self._refuse(min(size, len(self._map)), f"it had {len(self._map)} bytes when it was opened")
        place = len(MAGIC)
        for name, (_, offset, size, checksum) in self._directory.items():
            if offset != place + -place % _ALIGNMENT or any(self._map[place:offset]):
                self._refuse(place, f"{name} does not follow, or the space before it is not empty")
            if zlib.crc32(memoryview(self._map)[offset : offset + size]) != checksum:
                self._refuse(offset, f"{name} does not match its checksum")
            place = offset + size
        if self._map[: len(MAGIC)] != MAGIC or self._read_directory() != (self._directory, self._end):
            self._refuse(0, "it was altered after it was opened")

    def _read_directory(self) -> tuple[dict[str, tuple[str, int, int, int]], int]:
        whole = len(self._map)
        if whole < len(MAGIC) + _TRAILER.size or self._map[: len(MAGIC)] != MAGIC:
            self._refuse(0, f"{MAGIC.decode()} is wanted at its start")
        offset, size, checksum, end = _TRAILER.unpack(self._map[whole - _TRAILER.size :])
        if end != MAGIC or offset + size + _TRAILER.size != whole:
            self._refuse(whole - _TRAILER.size, "its end is missing")
        text = self._map[offset : offset + size]
        if zlib.crc32(text) != checksum:
            self._refuse(offset, "its directory does not match its checksum")
        try:
            directory = json.loads(text)
        except (ValueError, RecursionError):
            directory = None
        if not isinstance(directory, dict) or not all(map(_is_entry, directory.values())):
            self._refuse(offset, "its directory makes no sense")
        return {name: tuple(entry) for name, entry in directory.items()}, offset

    def _check_bounds(self, name: str) -> None:
        kind, offset, size, _ = self._directory[name]
        if size % int(kind[1:]) or size < 0 or not len(MAGIC) <= offset <= self._end - size:
            self._refuse(self._end, f"by its directory, {name} reaches beyond the file")

    def _refuse(self, offset: int, what: str) -> NoReturn:
        _refuse(self.path, offset, what)


class _Sections(dict[str, Array]):
    """Arrays by name, each mapped and compared with its checksum when it is first asked for.

    It does not know the file that it belongs to, so that both are gone as soon as nobody uses them.
    """

    def __init__(
        self, path: Path, mapped: mmap.mmap, directory: dict[str, tuple[str, int, int, int]]
    ) -> None:
        super().__init__()
        self._path = path
        self._map = mapped
        self._directory = directory
        self.fault: Callable[[str, Array, Mapping[str, Array]], str | None] | None = None

    def __missing__(self, name: str) -> Array:
        if name not in self._directory:
            raise IndexDamaged(f"{self._path} has no {name}: run `nutgraf doctor --fix`")
        kind, offset, size, checksum = self._directory[name]
        if zlib.crc32(memoryview(self._map)[offset : offset + size]) != checksum:
            _refuse(self._path, offset, f"{name} does not match its checksum")
        array = np.frombuffer(self._map, np.dtype(f"<{kind}"), size // int(kind[1:]), offset)
        if self.fault and (fault := self.fault(name, array, self)):
            _refuse(self._path, offset, f"{name} {fault}")
        self[name] = array
        return array


def _refuse(path: Path, offset: int, what: str) -> NoReturn:
    raise IndexDamaged(f"{path} is damaged at byte {offset}: {what}; run `nutgraf doctor --fix`")


def _is_entry(entry: object) -> bool:
    """Whether this can be an entry of a directory: kind, offset, size and checksum."""
    return (
        isinstance(entry, list)
        and len(entry) == 4
        and isinstance(entry[0], str)
        and entry[0] in _KINDS
        and all(type(number) is int for number in entry[1:])
    )


def encode(
    sections: Mapping[str, Array | bytes] | Iterable[Section], facts: dict[str, Any]
) -> Iterator[bytes | memoryview]:
    """The bytes of a segment file, in pieces to be written one after the other.

    `sections` are taken one by one, and let go of as soon as they are written.
    """
    rest = sections.items() if isinstance(sections, Mapping) else sections
    yield MAGIC
    place = len(MAGIC)
    directory = {}
    for name, content in chain([("facts", json.dumps(facts).encode())], rest):
        array = np.frombuffer(content, np.uint8) if isinstance(content, bytes) else content
        kind = array.dtype.str[1:]
        if kind not in _KINDS:
            raise TypeError(f"{name}: one of {sorted(_KINDS)} is wanted, {kind} was found")
        data = np.ascontiguousarray(array, array.dtype.newbyteorder("<")).reshape(-1).view(np.uint8).data
        padding = -place % _ALIGNMENT
        yield bytes(padding)
        place += padding
        directory[name] = (kind, place, len(data), zlib.crc32(data))
        yield data
        place += len(data)
    text = json.dumps(directory).encode()
    yield text
    yield _TRAILER.pack(place, len(text), zlib.crc32(text), MAGIC)


def compact(values: Array) -> Array:
    """Non-negative integers in the narrowest of the widths that a segment may have."""
    most = int(values.max()) if len(values) else 0
    for kind in (np.uint8, np.uint16, np.uint32):
        if most <= np.iinfo(kind).max:
            return values.astype(kind)
    return values.astype(np.uint64)


_APART = 8  # bytes that a number kept apart takes, besides its place in the array


class Packed:
    """Integers by place, any range of them at once."""

    def __init__(self, narrow: Array, at: Array, wide: Array) -> None:
        self._narrow = narrow
        self._at = at
        self._wide = wide
        self._mark = np.iinfo(narrow.dtype).max

    def read(self, begin: int, end: int) -> NDArray[np.int32]:
        """The integers from place `begin` up to `end` (int32)."""
        narrow = self._narrow[begin:end]
        values = narrow.astype(np.int32)
        if len(self._at):
            # Two numbers are found in a view of memory before NumPy has begun to look for them.
            low = bisect_left(self._at.data, begin)
            high = bisect_left(self._at.data, end, low)
            if low < high:
                values[self._at[low:high] - begin] = self._wide[low:high]
        return values

    def pick(self, places: Array) -> NDArray[np.int32]:
        """The integers at the given places (int32)."""
        values = self._narrow[places].astype(np.int32)
        if len(self._at):
            marked = np.flatnonzero(values == self._mark)
            values[marked] = self._wide[np.searchsorted(self._at, places[marked].astype(self._at.dtype))]
        return values


def pack(values: Array) -> dict[str, Array]:
    """The sections of some non-negative integers below 2**31: "narrow", "at" and "wide"."""
    best: tuple[int, type[np.unsignedinteger]] | None = None
    for kind in (np.uint8, np.uint16, np.uint32):
        apart = int(np.count_nonzero(values >= np.iinfo(kind).max))
        size = len(values) * kind().itemsize + apart * _APART
        if best is None or size < best[0]:
            best = size, kind
    assert best is not None
    mark = np.iinfo(best[1]).max
    at = np.flatnonzero(values >= mark)
    narrow = values.astype(best[1])
    narrow[at] = mark
    return {
        "narrow": narrow,
        "at": at.astype(np.uint32),
        "wide": values[at].astype(np.uint32),
    }


_NONSENSE = (IndexError, ValueError, OverflowError, RecursionError, InvalidArticle)


class trusting:  # noqa: N801  (used as contextlib's managers are)
    """Within it, what Python and NumPy raise of numbers and texts that are read from a file is IndexDamaged.

    For places where what is stored is used and nothing else is: only there is it the file that is wrong. That
    memory is short is never the file's fault: what it says is bounded before it is made room for.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, _NONSENSE):
            raise IndexDamaged(
                f"{self._path} is damaged: what it has makes no sense ({error}); run `nutgraf doctor --fix`"
            ) from error

"""The container of a segment: named arrays that NumPy maps from the disk, each with a checksum.

FORMAT.md describes every byte.
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

from indexer.errors import RUN_DOCTOR, IndexDamaged, InvalidArticle
from indexer.files.regular import open_regular
from indexer.files.storage import translate_index_errors

MAGIC = b"NUTGRAF1"
DOC_FIELDS = "doc.fields"
"""The section with the field of each document, in segments with custom texts."""
OPTIONAL = "optional."
"""How the names of sections begin that a reader ignores if it does not know them."""
_ALIGNMENT = 64  # bytes
_TRAILER = struct.Struct("<QII8s")
_KINDS = {"u1", "u2", "u4", "u8", "i4", "i8", "f8"}
Array = NDArray[Any]
Section = tuple[str, Array | bytes]
"""The name of a section, and its content."""
FindProblem = Callable[[str, Array, Mapping[str, Array]], str | None]
"""Takes a section's name, its array and the other sections; returns the problem in words after the name."""
_Directory = dict[str, tuple[str, int, int, int]]
"""The kind, offset, bytes and CRC-32 of each section, by its name."""


class SegmentFile:
    """The sections of one segment, by name; read-only, and safe to share between threads.

    `sections[name]` is a mapped array. When it is first used, it is read, compared with its checksum and
    passed to `sections.find_problem`, so that an altered file raises an error instead of giving wrong
    results; unused sections cost nothing. Raises IndexDamaged for a file that is
    incomplete or altered, StorageFailed if it cannot be read now.
    """

    sections: _Sections

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            with translate_index_errors(path), open_regular(path) as file:
                self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except ValueError as error:
            raise IndexDamaged(f"{path} cannot be opened ({error})", RUN_DOCTOR) from error
        self._directory, self._end = self._read_directory()
        for name, (kind, offset, size, _) in self._directory.items():
            if size % int(kind[1:]) or size < 0 or not len(MAGIC) <= offset <= self._end - size:
                self._raise(self._end, f"its directory puts {name} beyond the end of the file")
        self.seal = self._map[-_TRAILER.size :]
        """The last bytes of the file: where its directory is, and the checksum of that."""
        self.sections = _Sections(path, self._map, self._directory)

    def read_facts(self) -> dict[str, Any]:
        """The facts about the segment: counts and languages."""
        try:
            return msgspec.json.decode(self.sections["facts"].tobytes(), type=dict[str, Any])
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            self._raise(self._directory["facts"][1], f"its facts are invalid ({error})")

    @property
    def directory(self) -> dict[str, tuple[str, int]]:
        """The kind of each section, and how many numbers it has."""
        return {name: (kind, size // int(kind[1:])) for name, (kind, _, size, _) in self._directory.items()}

    def raise_damaged(self, name: str, problem: str) -> NoReturn:
        """Raise IndexDamaged: the section matches its checksum, but its content is invalid."""
        _, offset, *_ = self._directory.get(name, ("", self._end))
        self._raise(offset, f"{name} {problem}")

    def raise_replaced(self) -> NoReturn:
        """Raise IndexDamaged: this is not the file that the table of contents lists."""
        self._raise(len(self._map) - _TRAILER.size, "it is not the file that was committed")

    def check_size(self) -> None:
        """Raise IndexDamaged if the file was truncated since it was opened."""
        # Reading a mapped file beyond its end would kill the process.
        with translate_index_errors(self.path):
            size = self._map.size()
        if size < len(self._map):
            self._raise(size, f"it had {len(self._map)} bytes when it was opened")

    def release(self) -> None:
        """Free the memory that holds the mapped pages; they are read again when they are used again."""
        # Windows has no madvise, and it fails where a program has locked its memory.
        with suppress(AttributeError, OSError):
            self._map.madvise(mmap.MADV_DONTNEED)

    def verify(self) -> None:
        """Read every byte and compare all checksums; raises IndexDamaged with file and offset."""
        with translate_index_errors(self.path):
            size = self.path.stat().st_size
        if size != len(self._map):
            self._raise(min(size, len(self._map)), f"it had {len(self._map)} bytes when it was opened")
        end = len(MAGIC)
        for name, (_, offset, size, checksum) in self._directory.items():
            if offset != end + -end % _ALIGNMENT or any(self._map[end:offset]):
                self._raise(end, f"{name} does not follow, or the padding before it is not zero")
            if zlib.crc32(memoryview(self._map)[offset : offset + size]) != checksum:
                self._raise(offset, f"{name} does not match its checksum")
            end = offset + size
        if self._map[: len(MAGIC)] != MAGIC or self._read_directory() != (self._directory, self._end):
            self._raise(0, "it was altered after it was opened")

    def _read_directory(self) -> tuple[_Directory, int]:
        """The directory, and its offset."""
        total = len(self._map)
        if total < len(MAGIC) + _TRAILER.size or self._map[: len(MAGIC)] != MAGIC:
            self._raise(0, f"it does not begin with {MAGIC.decode()}")
        offset, size, checksum, magic = _TRAILER.unpack(self._map[total - _TRAILER.size :])
        if magic != MAGIC or offset + size + _TRAILER.size != total:
            self._raise(total - _TRAILER.size, "its end is missing")
        text = self._map[offset : offset + size]
        if zlib.crc32(text) != checksum:
            self._raise(offset, "its directory does not match its checksum")
        try:
            directory = json.loads(text)
        except (ValueError, RecursionError):
            directory = None
        if not isinstance(directory, dict) or not all(map(_is_entry, directory.values())):
            self._raise(offset, "its directory is invalid")
        return {name: tuple(entry) for name, entry in directory.items()}, offset

    def _raise(self, offset: int, problem: str) -> NoReturn:
        _raise_damaged(self.path, offset, problem)


class _Sections(dict[str, Array]):
    """Arrays by name, each mapped and checked when it is first used.

    It does not refer to the SegmentFile, so that both are freed as soon as nobody uses them.
    """

    def __init__(self, path: Path, mapped: mmap.mmap | bytes, directory: _Directory) -> None:
        super().__init__()
        self._path = path
        self._map = mapped
        self._directory = directory
        self.find_problem: FindProblem | None = None

    def __missing__(self, name: str) -> Array:
        if name not in self._directory:
            raise IndexDamaged(f"{self._path} has no {name}", RUN_DOCTOR)
        kind, offset, size, checksum = self._directory[name]
        if zlib.crc32(memoryview(self._map)[offset : offset + size]) != checksum:
            _raise_damaged(self._path, offset, f"{name} does not match its checksum")
        array = np.frombuffer(self._map, np.dtype(f"<{kind}"), size // int(kind[1:]), offset)
        if self.find_problem and (problem := self.find_problem(name, array, self)):
            _raise_damaged(self._path, offset, f"{name} {problem}")
        self[name] = array
        return array


class SegmentInMemory(SegmentFile):
    """The sections of a segment that was made in this process and has no file.

    Nothing is compared with checksums, since nobody else can have altered it.
    """

    def __init__(self, sections: Iterable[Section]) -> None:
        self.path = Path("segment in memory")
        self.sections = _Sections(self.path, b"", {})
        for name, content in sections:
            array = np.frombuffer(content, np.uint8) if isinstance(content, bytes) else content
            self.sections[name] = array

    def check_size(self) -> None:
        """Do nothing: memory is not truncated."""

    def verify(self) -> None:
        """Do nothing: there are no checksums."""

    def raise_damaged(self, name: str, problem: str) -> NoReturn:
        """Raise IndexDamaged: a section has content that is invalid."""
        _raise_damaged(self.path, 0, f"{name} {problem}")


def _raise_damaged(path: Path, offset: int, problem: str) -> NoReturn:
    raise IndexDamaged(f"{path} is damaged at byte {offset} ({problem})", RUN_DOCTOR)


def _is_entry(entry: object) -> bool:
    """Whether this is an entry of a directory: kind, offset, size and checksum."""
    return (
        isinstance(entry, list)
        and len(entry) == 4
        and isinstance(entry[0], str)
        and entry[0] in _KINDS
        and all(type(number) is int for number in entry[1:])
    )


def encode_segment(
    sections: Mapping[str, Array | bytes] | Iterable[Section], facts: dict[str, Any]
) -> Iterator[bytes | memoryview]:
    """Yield the bytes of a segment file in pieces, to be written one after the other; the last is its seal.

    `sections` are taken one by one, and each is released as soon as it is written.
    """
    rest = sections.items() if isinstance(sections, Mapping) else sections
    yield MAGIC
    end = len(MAGIC)
    directory = {}
    for name, content in chain([("facts", json.dumps(facts).encode())], rest):
        array = np.frombuffer(content, np.uint8) if isinstance(content, bytes) else content
        kind = array.dtype.str[1:]
        if kind not in _KINDS:
            raise TypeError(f"{name}: must be one of {sorted(_KINDS)}, not {kind}")
        data = np.ascontiguousarray(array, array.dtype.newbyteorder("<")).reshape(-1).view(np.uint8).data
        padding = -end % _ALIGNMENT
        yield bytes(padding)
        end += padding
        directory[name] = (kind, end, len(data), zlib.crc32(data))
        yield data
        end += len(data)
    text = json.dumps(directory).encode()
    yield text
    yield _TRAILER.pack(end, len(text), zlib.crc32(text), MAGIC)


def compact(values: Array) -> Array:
    """Convert non-negative integers to the narrowest unsigned type that holds the largest of them."""
    largest = int(values.max()) if len(values) else 0
    for kind in (np.uint8, np.uint16, np.uint32):
        if largest <= np.iinfo(kind).max:
            return values.astype(kind)
    return values.astype(np.uint64)


_INDEX_BYTES = 4  # of each number that is too wide, in addition to those of the number itself


class Packed:
    """An array of integers in a narrow type, with the few that do not fit kept apart (see `pack`)."""

    def __init__(self, narrow: Array, at: Array, wide: Array) -> None:
        self._narrow = narrow
        self._at = at
        self._wide = wide
        self._marker = np.iinfo(narrow.dtype).max

    def read(self, start: int, end: int) -> NDArray[np.int32]:
        """The integers from index `start` up to `end` (int32)."""
        narrow = self._narrow[start:end]
        values = narrow.astype(np.int32)
        if len(self._at):
            # For two bounds, bisecting a memory view is faster than NumPy's searchsorted.
            low = bisect_left(self._at.data, start)
            high = bisect_left(self._at.data, end, low)
            if low < high:
                values[self._at[low:high] - start] = self._wide[low:high]
        return values

    def take(self, indices: Array) -> NDArray[np.int32]:
        """The integers at these indices (int32)."""
        values = self._narrow.take(indices).astype(np.int32)
        if len(self._at):
            marked = np.flatnonzero(values == self._marker)
            values[marked] = self._wide[np.searchsorted(self._at, indices[marked].astype(self._at.dtype))]
        return values


def pack(values: Array) -> dict[str, Array]:
    """The sections of non-negative integers below 2**31, in the width that takes the fewest bytes in all.

    "narrow" has the integers, with the largest number of the type in place of those that do not fit; "at"
    has the indices of these (uint32, ascending), and "wide" the integers themselves (compact).
    """

    largest = int(values.max()) if len(values) else 0
    exception_bytes = _INDEX_BYTES + np.min_scalar_type(largest).itemsize

    def measure(kind: type[np.unsignedinteger[Any]]) -> int:
        exceptions = int(np.count_nonzero(values >= np.iinfo(kind).max))
        return len(values) * kind().itemsize + exceptions * exception_bytes

    kinds: list[type[np.unsignedinteger[Any]]] = [np.uint8, np.uint16, np.uint32]
    kind = min(kinds, key=measure)
    marker = np.iinfo(kind).max
    at = np.flatnonzero(values >= marker)
    narrow = values.astype(kind)
    narrow[at] = marker
    return {"narrow": narrow, "at": at.astype(np.uint32), "wide": compact(values[at])}


# MemoryError is not one of these: sizes that a file states are checked before memory is allocated for them.
_DECODING_ERRORS = (
    IndexError,
    ValueError,
    OverflowError,
    RecursionError,
    msgspec.DecodeError,
    InvalidArticle,
)


class DamageReporter:
    """A context in which errors of decoding stored data are raised as IndexDamaged, naming the file.

    Only for blocks that do nothing but decode what is stored, so that such an error is the file's fault.
    It is a class because lexicons enter it for each word, and `contextlib` would take five times as long.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, _DECODING_ERRORS):
            raise IndexDamaged(f"the content of {self._path} is invalid ({error})", RUN_DOCTOR) from error

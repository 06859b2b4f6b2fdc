"""Unpack data and the members of archives, up to a bound, since some are made to unpack to too much.

The memory that xz data takes is bounded by that of the process: see `limits`.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import re
import struct
import tarfile
import zipfile
import zlib
from io import SEEK_CUR, SEEK_END, SEEK_SET, BufferedIOBase, BufferedReader, BytesIO, RawIOBase
from typing import TYPE_CHECKING, BinaryIO, cast

from indexer.errors import UnreadableDocument
from indexer.readers.document import MAX_RATIO, MIN_BOUND, PACKED, read_bounded

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_CHUNK, _MAX_READ = 1 << 16, 1 << 20
_ANY_END = 1 << 62
BROKEN_ZIP = (zipfile.BadZipFile, struct.error, EOFError, ValueError, OverflowError)
"""The errors that `zipfile` raises for a damaged archive."""
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""The methods of packing of which `zipfile` unpacks no more than is asked for."""
_DAMAGE = (EOFError, OSError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, tarfile.TarError)
_SIGNATURES = re.compile(rb"(?P<gzip>\x1f\x8b)|(?P<bzip2>BZh[1-9](?:1AY&SY|\x17rE8P\x90))|(?P<xz>\xfd7zXZ\0)")
_SIGNATURE = 10
"""Bytes of the longest one."""


class Budget:
    """How much may still be unpacked of a file of `size` bytes, and of all containers in it together."""

    def __init__(self, size: int) -> None:
        self._left = max(MAX_RATIO * size, MIN_BOUND)

    def spend(self, count: int) -> None:
        """Count unpacked bytes; raises UnreadableDocument if they are more than was left."""
        self._left -= count
        self.check()

    def check(self) -> None:
        """Raise UnreadableDocument if too much has been unpacked."""
        if self._left < 0:
            raise UnreadableDocument(f"unpacks to more than {MAX_RATIO} times its size, so it is not text")


def open_zip(stream: BinaryIO) -> zipfile.ZipFile:
    """Return the ZIP archive in a stream; raises UnreadableDocument if there is none."""
    try:
        return zipfile.ZipFile(stream)
    except NotImplementedError as error:
        raise UnreadableDocument(f"packed in a way that is not supported: {error}") from error
    except BROKEN_ZIP as error:
        raise UnreadableDocument(f"damaged, or not complete: {error}") from error


def find_packing(start: bytes) -> str | None:
    """Return how the data is packed that begins so: "gzip", "bzip2" or "xz"; None if it is not."""
    match = _SIGNATURES.match(start)
    return match.lastgroup if match else None


def open_member(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> BufferedIOBase:
    """Return the content of a file in a ZIP archive; raises UnreadableDocument if it is not read."""
    if info.compress_type not in _METHODS:
        raise UnreadableDocument("packed in a way that is not supported; deflate is")
    try:
        return cast(BufferedIOBase, archive.open(info))
    except NotImplementedError as error:
        raise UnreadableDocument(f"packed in a way that is not supported: {error}") from error
    except RuntimeError as error:
        raise UnreadableDocument("encrypted") from error
    except BROKEN_ZIP as error:
        raise UnreadableDocument(f"damaged: {error}") from error


def open_unpacked(stream: BinaryIO, budget: Budget) -> BinaryIO:
    """Return a stream of the data in a stream of packed data; see `open_bounded`.

    A stream of other data is returned as it is.
    """
    packing = find_packing(stream.read(_SIGNATURE))
    stream.seek(0)
    if packing is None:
        return stream
    opened: BufferedIOBase
    if packing == "gzip":
        opened = gzip.GzipFile(fileobj=stream)
    elif packing == "bzip2":
        opened = cast(BufferedIOBase, bz2.BZ2File(stream))
    else:
        opened = cast(BufferedIOBase, lzma.LZMAFile(stream))  # noqa: SIM115 - it holds nothing open
    return open_bounded(opened, budget, f"{packing} data is damaged")


def open_bounded(unpacked: BufferedIOBase, budget: Budget, damage: str = "damaged") -> BinaryIO:
    """Return a stream of the data that another one unpacks, as far as the budget reaches.

    Reading it raises UnreadableDocument if it is too much, or is damaged; the reason begins with `damage`.
    """
    return BufferedReader(_Unpacked(unpacked, budget, damage), _CHUNK)


class _Unpacked(RawIOBase):
    def __init__(self, unpacked: BufferedIOBase, budget: Budget, damage: str) -> None:
        self._unpacked = unpacked
        self._budget = budget
        self._damage = damage
        self._position = self._end = self._seen = 0
        self._recent = b""

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        view = memoryview(buffer).cast("B")
        if self._position < self._end:
            start = self._position - self._end + len(self._recent)
            data = self._recent[start : start + len(view)]
        else:
            data = self._unpack(min(len(view), _MAX_READ))
        view[: len(data)] = data
        self._position += len(data)
        return len(data)

    def seek(self, offset: int, whence: int = SEEK_SET, /) -> int:
        if whence == SEEK_CUR:
            offset, whence = self._position + offset, SEEK_SET
        # Small steps back are frequent, and going back may mean to unpack everything again.
        if whence == SEEK_SET and self._end - len(self._recent) <= offset <= self._end:
            self._position = offset
            return offset
        self._recent = b""
        try:
            if whence == SEEK_END:
                self._skip(_ANY_END)
                offset += self._end
            self._skip(offset)
            if offset < self._end:
                self._end = self._unpacked.seek(offset)
        except _DAMAGE as error:
            if isinstance(error, OSError) and error.errno:
                raise  # the system refused something: the data is not to blame
            raise self._describe(error) from error
        self._position = self._end
        return self._position

    def _skip(self, offset: int) -> None:
        """Go forward to an offset, or to the end if that is before it."""
        while self._end < offset:
            # Step by step, since the budget may be spent before the end.
            start, self._end = self._end, self._unpacked.seek(min(offset, self._end + _MAX_READ))
            self._count()
            if self._end < min(offset, start + _MAX_READ):
                return

    def _unpack(self, size: int) -> bytes:
        try:
            data = self._unpacked.read1(size)  # `read` would lose what lies before damage
        except _DAMAGE as error:
            if isinstance(error, OSError) and error.errno:
                raise  # the system refused something: the data is not to blame
            raise self._describe(error) from error
        self._end += len(data)
        self._recent = data[-_CHUNK:]
        self._count()
        return data

    def _count(self) -> None:
        """Spend the budget on the bytes that were unpacked for the first time."""
        if self._end > self._seen:
            new, self._seen = self._end - self._seen, self._end
            self._budget.spend(new)

    def _describe(self, error: Exception) -> UnreadableDocument:
        if isinstance(error, EOFError):
            return UnreadableDocument(f"{self._damage}: it ends too early")
        if isinstance(error, (gzip.BadGzipFile, zlib.error)) and isinstance(self._unpacked, gzip.GzipFile):
            return UnreadableDocument(f"{self._damage}, or followed by something else: {error}")
        return UnreadableDocument(f"{self._damage}: {error}")


def unpack(stream: BinaryIO, name: str, max_bytes: int, budget: Budget | None = None) -> bytes:
    """Return the content of a stream; if that is packed, the data in it.

    Raises UnreadableDocument if the packed data is damaged, or if the content has more than `max_bytes`, or
    more than the budget, which is by default that of the packed data.
    """
    data = read_bounded(stream, max_bytes)
    if not find_packing(data):
        if name.lower().endswith(PACKED) and data:
            suffix = name.lower().rpartition(".")[2]
            raise UnreadableDocument(f"not packed, although its name ends with .{suffix}")
        return data
    content = bytearray()
    with open_unpacked(BytesIO(data), budget or Budget(len(data))) as unpacked:
        while chunk := unpacked.read(_CHUNK):
            content += chunk
            if len(content) > max_bytes:
                raise UnreadableDocument(
                    f"unpacks to more than {max_bytes / 2**20:g} MB: split it, or raise max_file_mb"
                )
    return bytes(content)

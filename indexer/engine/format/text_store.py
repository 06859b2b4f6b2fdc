"""Stored text: items compressed in blocks, each readable on its own."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path
from typing import NoReturn

import numpy as np
import zstandard

from indexer.engine.format.segment_file import Array
from indexer.errors import RUN_DOCTOR, IndexDamaged
from indexer.limits import STORED_TEXT

# Bytes. Larger blocks take less space, but each hit on a page waits for its block to be read: of news text,
# blocks four times as large take a seventh less space and four times as long to read.
BLOCK_SIZE = 4 * 1024
_LEVEL = 3
_MAX_RECENT = 256  # blocks: a megabyte or a few
_MAX_REMEMBERED = 4 * BLOCK_SIZE  # bytes: a longer block is that of a long item
_MAX_RATIO = 2**15  # text to compressed bytes: Zstandard stores 128 KiB of one letter in 4 bytes
_MAX_BLOCK = 2 * STORED_TEXT  # bytes: the longest text that an article may have, and what shares its block
_thread = threading.local()
_Block = tuple[int, bytes, list[int]]
"""The number of a block's first item, its text, the start of each item in it, and the end of the last."""


class TextWriter:
    """Compresses items in blocks; a block is closed as soon as it has `block_size` bytes of items or more."""

    def __init__(self, block_size: int = BLOCK_SIZE) -> None:
        self._block_size = block_size
        self._pending: list[bytes] = []
        self._size = 0
        self._blocks: list[bytes] = []
        self._lengths: list[int] = []
        self._items_in_block: list[int] = []

    def add(self, item: bytes) -> None:
        self._pending.append(item)
        self._lengths.append(len(item))
        self._size += len(item)
        if self._size >= self._block_size:
            self._close_block()

    def add_encoded(self, data: bytes, ends: Array, items: Array, lengths: Array) -> None:
        """Add the blocks of another store without decompressing them; the arrays are its sections."""
        self._close_block()
        start = 0
        for end in ends.tolist():
            self._blocks.append(data[start:end])
            start = end
        self._items_in_block += np.diff(items, prepend=0).tolist()
        self._lengths += lengths.tolist()

    def make_sections(self) -> dict[str, Array]:
        """The sections of the store: "data" (uint8), "ends" (uint64), "items" and "lengths" (uint32)."""
        self._close_block()
        return {
            "data": np.frombuffer(b"".join(self._blocks), np.uint8),
            "ends": np.cumsum([len(block) for block in self._blocks], dtype=np.uint64),
            "items": np.cumsum(self._items_in_block, dtype=np.uint32),
            "lengths": np.array(self._lengths, np.uint32),
        }

    def _close_block(self) -> None:
        if self._pending:
            if not hasattr(_thread, "compressor"):
                _thread.compressor = zstandard.ZstdCompressor(level=_LEVEL)
            self._blocks.append(_thread.compressor.compress(b"".join(self._pending)))
            self._items_in_block.append(len(self._pending))
            self._pending, self._size = [], 0


class TextStore:
    """Items by number; safe to share between threads.

    The arrays are the sections that TextWriter makes. Raises IndexDamaged, naming the file at `path`, for a
    block that cannot be decompressed or does not have the length that `lengths` gives.
    """

    def __init__(
        self, data: Array, ends: Array, items: Array, lengths: Array, *, path: Path = Path()
    ) -> None:
        self._path = path
        self.data = data
        self.ends = ends
        self.items = items
        self.lengths = lengths
        # A cache without a lock: if two threads race for it, a block is read once more.
        self._recent: dict[int, _Block] = {}

    def read(self, numbers: Sequence[int]) -> list[bytes]:
        """The items with these numbers, in this order."""
        found: list[bytes] = []
        blocks = self.items.searchsorted(np.array(numbers, self.items.dtype), side="right")
        last = -1
        for number, block in zip(numbers, blocks.tolist(), strict=True):
            if block != last:
                first, text, bounds = self._recent.get(block) or self._read_block(block)
                last = block
            found.append(text[bounds[number - first] : bounds[number - first + 1]])
        return found

    def _read_block(self, block: int) -> _Block:
        data, ends, items = self.data.data, self.ends.data, self.items.data
        start, first = (ends[block - 1], items[block - 1]) if block else (0, 0)
        try:
            decompress = _thread.decompress
        except AttributeError:
            decompress = _thread.decompress = zstandard.ZstdDecompressor().decompress
        frame = data[start : ends[block]]
        bounds = list(accumulate(self.lengths.data[first : items[block]], initial=0))
        try:
            # Memory for the stated size is allocated before anything is decompressed, so check it first.
            stated = zstandard.frame_content_size(frame)
            if stated == bounds[-1] <= min(len(frame) * _MAX_RATIO, _MAX_BLOCK):
                text = decompress(frame, allow_extra_data=False)
            else:
                self._raise_damaged(f"{stated:,} bytes of text by its frame, {bounds[-1]:,} by its lengths")
        except zstandard.ZstdError as error:
            self._raise_damaged(str(error))
        if len(text) != bounds[-1]:
            self._raise_damaged(f"{len(text):,} bytes of text instead of {bounds[-1]:,}")
        if len(text) <= _MAX_REMEMBERED:
            if len(self._recent) >= _MAX_RECENT:
                self._recent.clear()
            self._recent[block] = (first, text, bounds)
        return first, text, bounds

    def _raise_damaged(self, problem: str) -> NoReturn:
        raise IndexDamaged(f"a stored text in {self._path} is invalid ({problem})", RUN_DOCTOR)

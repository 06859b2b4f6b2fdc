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
from indexer.errors import IndexDamaged
from indexer.limits import STORED_TEXT

# The larger, the smaller on disk, and the longer one item takes to read: on news text, blocks four times as
# large are a seventh smaller in all, and take four times as long, which every hit that is shown waits for.
BLOCK = 4 * 1024
_LEVEL = 3
_RECENT = 256  # blocks, a megabyte
# So many bytes are in one of a frame at most: four of these stand for 128 KiB that are all alike.
_TIMES = 2**15
_MOST = 2 * STORED_TEXT  # as long a text as an article may have, and what is in a block with it
_tools = threading.local()
_Block = tuple[int, bytes, list[int]]
"""The number of a block's first item, its text, and where the items begin in it, and the last ends."""


class TextWriter:
    """Collects items; whenever they have `block` bytes or more, they are compressed as one block."""

    def __init__(self, block: int = BLOCK) -> None:
        self._block = block
        self._pending: list[bytes] = []
        self._size = 0
        self._blocks: list[bytes] = []
        self._lengths: list[int] = []
        self._items_in_block: list[int] = []

    def add(self, item: bytes) -> None:
        """Add one item."""
        self._pending.append(item)
        self._lengths.append(len(item))
        self._size += len(item)
        if self._size >= self._block:
            self._close_block()

    def add_encoded(self, blocks: bytes, ends: Array, items: Array, lengths: Array) -> None:
        """Add the blocks of another store as they are (`ends`: of the blocks in `blocks`)."""
        self._close_block()
        start = 0
        for end in ends.tolist():
            self._blocks.append(blocks[start:end])
            start = end
        self._items_in_block += np.diff(items, prepend=0).tolist()
        self._lengths += lengths.tolist()

    def sections(self) -> dict[str, Array]:
        """The sections of the store."""
        self._close_block()
        return {
            "data": np.frombuffer(b"".join(self._blocks), np.uint8),
            "ends": np.cumsum([len(block) for block in self._blocks], dtype=np.uint64),
            "items": np.cumsum(self._items_in_block, dtype=np.uint32),
            "lengths": np.array(self._lengths, np.uint32),
        }

    def _close_block(self) -> None:
        if self._pending:
            if not hasattr(_tools, "compressor"):
                _tools.compressor = zstandard.ZstdCompressor(level=_LEVEL)
            self._blocks.append(_tools.compressor.compress(b"".join(self._pending)))
            self._items_in_block.append(len(self._pending))
            self._pending, self._size = [], 0


class TextStore:
    """Items by number; safe to share between threads.

    The numbers of each array have to fit those of the others. Raises IndexDamaged, naming the file at `path`,
    for a block that is another than `lengths` says.
    """

    def __init__(
        self, data: Array, ends: Array, items: Array, lengths: Array, *, path: Path = Path()
    ) -> None:
        self._path = path
        self.data = data
        self.ends = ends
        self.items = items
        self.lengths = lengths
        # The blocks that were read last; losing a race for it costs a block's reading, nothing more.
        self._recent: dict[int, _Block] = {}

    def read(self, numbers: Sequence[int]) -> list[bytes]:
        """The items of these numbers, in their order."""
        found: list[bytes] = []
        blocks = self.items.searchsorted(np.array(numbers, self.items.dtype), side="right")
        for number, block in zip(numbers, blocks.tolist(), strict=True):
            start, text, bounds = self._recent.get(block) or self._read_block(block)
            place = number - start
            found.append(text[bounds[place] : bounds[place + 1]])
        return found

    def _read_block(self, block: int) -> _Block:
        data, ends, items = self.data.data, self.ends.data, self.items.data
        first_byte, start = (ends[block - 1], items[block - 1]) if block else (0, 0)
        try:
            decompress = _tools.decompress
        except AttributeError:
            decompress = _tools.decompress = zstandard.ZstdDecompressor().decompress
        frame = data[first_byte : ends[block]]
        bounds = list(accumulate(self.lengths.data[start : items[block]], initial=0))
        try:
            # What it says it has is made room for, before it is seen whether it has it.
            stated = zstandard.frame_content_size(frame)
            if stated == bounds[-1] <= min(len(frame) * _TIMES, _MOST):
                text = decompress(frame, allow_extra_data=False)
            else:
                self._refuse(f"{stated:,} bytes of text by its frame, {bounds[-1]:,} by its lengths")
        except zstandard.ZstdError as error:
            self._refuse(str(error))
        if len(text) != bounds[-1]:
            self._refuse(f"{len(text):,} bytes of text, where there should be {bounds[-1]:,}")
        if len(self._recent) >= _RECENT:
            self._recent.clear()
        self._recent[block] = found = (start, text, bounds)
        return found

    def _refuse(self, what: str) -> NoReturn:
        raise IndexDamaged(
            f"{self._path} is damaged: a stored text makes no sense ({what}); run `nutgraf doctor --fix`"
        )

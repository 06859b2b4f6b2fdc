"""Stored text: items compressed in blocks, each readable on its own.

Blocks are small, because each hit on a page waits for its block to be read. Small blocks compress badly by
themselves, so they refer to a dictionary: text that is typical of the collection.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import accumulate
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import zstandard

from indexer.engine.format.segment_file import Array, compact
from indexer.errors import RUN_DOCTOR, IndexDamaged
from indexer.files.fork_safe import lazy
from indexer.limits import STORED_TEXT

MAX_DICTIONARY = 64 * 1024  # bytes
ENOUGH_TO_TRAIN = 4 * 2**20
"""Bytes of text after which a dictionary is made, although more text may follow."""
_BLOCK_SIZE = 1536  # bytes, from which a block is closed
_MIN_BLOCK = 512  # bytes, from which a block is closed before the next article
_LEVEL = 3  # level 6 makes the text a twentieth smaller and takes three times as long
_MIN_TO_TRAIN = 256 * 1024  # bytes of text; from less, a dictionary would save little more than it takes
_SAMPLE = 2**20  # bytes of text from which a dictionary is made, in a twentieth of a second
_TEXT_TO_DICTIONARY = 64  # bytes of text for each byte of a dictionary, at least
_POOR = 0.55  # of a block: if its frame takes more, it is compressed without the dictionary as well
_MAX_RECENT = 1024  # blocks: a megabyte or a few
_MAX_REMEMBERED = 4 * _BLOCK_SIZE  # bytes: a longer block is that of a long item
_MAX_RATIO = 2**15  # text to compressed bytes: Zstandard stores 128 KiB of one letter in 4 bytes
_MAX_BLOCK = 2 * STORED_TEXT  # bytes: the longest text that an article may have, and what shares its block
SECTIONS = "dictionary", "data", "ends", "items", "lengths"
_Block = tuple[int, bytes, list[int]]
"""The number of a block's first item, its text, the start of each item in it, and the end of the last."""


class Dictionary:
    """Text to which blocks refer instead of repeating it; safe to share between threads.

    `data` is a dictionary in the format of Zstandard. If it is empty, blocks refer to nothing but themselves.
    Raises zstandard.ZstdError if it is invalid.
    """

    def __init__(self, data: bytes) -> None:
        self.data = data
        self._thread = threading.local()
        self._loaded = self._load()
        self._open_decompressor()  # fails if the dictionary is invalid

    def decompress(self, frame: memoryview) -> bytes:
        """Return the text of a block; raises zstandard.ZstdError."""
        try:
            decompress = self._thread.decompress
        except AttributeError:
            decompress = self._open_decompressor()
        text: bytes = decompress(frame, allow_extra_data=False)
        return text

    def open_compressor(self) -> Callable[[bytes], bytes]:
        """A function that returns the frame of a block, for one thread."""
        # Frames do not name their dictionary, since a segment has only one.
        return zstandard.ZstdCompressor(_LEVEL, self._prepared_dictionary, write_dict_id=False).compress

    def _load(self) -> zstandard.ZstdCompressionDict | None:
        kind = zstandard.DICT_TYPE_FULLDICT
        return zstandard.ZstdCompressionDict(self.data, dict_type=kind) if self.data else None

    def _open_decompressor(self) -> Any:
        self._thread.decompress = zstandard.ZstdDecompressor(self._loaded).decompress
        return self._thread.decompress

    @lazy
    def _prepared_dictionary(self) -> zstandard.ZstdCompressionDict | None:
        """The dictionary as compressors use it, prepared once instead of by each of them."""
        dictionary = self._load()
        if dictionary:
            dictionary.precompute_compress(_LEVEL)
        return dictionary


@lru_cache(maxsize=16)
def open_dictionary(data: bytes) -> Dictionary:
    """The dictionary with this content; segments share one, and with it the memory of decompressors.

    Raises zstandard.ZstdError if it is invalid.
    """
    return Dictionary(data)


class TextWriter:
    """Compresses the items of articles in blocks that refer to a dictionary, or to none if it is empty.

    A block is closed as soon as it has 1.5 KB of items, and before an article if it has a third of that, so
    that the head and the text of a short article are in one block.
    """

    def __init__(self, dictionary: bytes = b"") -> None:
        self.dictionary = dictionary
        self.size = 0
        """Bytes of all items."""
        self._compress = open_dictionary(dictionary).open_compressor()
        self._compress_alone = open_dictionary(b"").open_compressor()
        self._pending: list[bytes] = []
        self._pending_size = 0
        self._frames: list[bytes | memoryview] = []
        self._sizes: list[int] = []
        self._lengths: list[int] = []
        self._items_in_block: list[int] = []

    def add(self, items: Iterable[bytes]) -> None:
        """Add the items of an article."""
        if self._pending_size >= _MIN_BLOCK:
            self._close_block()
        for item in items:
            self._pending.append(item)
            self._pending_size += len(item)
            self._lengths.append(len(item))
            self.size += len(item)
            if self._pending_size >= _BLOCK_SIZE:
                self._close_block()

    def add_store(self, store: TextStore) -> None:
        """Add the items of a store; its blocks are copied unread if they have the same dictionary.

        Raises IndexDamaged if they do not and are invalid.
        """
        self._close_block()
        if store.dictionary == self.dictionary:
            self._frames.append(store.data.data)
            self._sizes += np.diff(store.ends, prepend=0).tolist()
        else:
            for block in range(len(store.ends)):
                self._add_frame(store.read_block(block))
        self._items_in_block += np.diff(store.items, prepend=0).tolist()
        self._lengths += store.lengths.tolist()
        self.size += int(store.lengths.sum(dtype=np.int64))

    def make_sections(self) -> dict[str, Array]:
        """The sections of the store: those of SECTIONS."""
        self._close_block()
        return {
            "dictionary": np.frombuffer(self.dictionary, np.uint8),
            "data": np.frombuffer(b"".join(self._frames), np.uint8),
            "ends": compact(np.cumsum(self._sizes, dtype=np.int64)),
            "items": np.cumsum(self._items_in_block, dtype=np.uint32),
            "lengths": compact(np.array(self._lengths, np.int64)),
        }

    def _close_block(self) -> None:
        if self._pending:
            self._add_frame(b"".join(self._pending))
            self._items_in_block.append(len(self._pending))
            self._pending, self._pending_size = [], 0

    def _add_frame(self, text: bytes) -> None:
        frame = self._compress(text)
        if self.dictionary and len(frame) > _POOR * len(text):
            # A dictionary makes text of other scripts larger. Frames that refer to none can be read with it.
            frame = min(frame, self._compress_alone(text), key=len)
        self._frames.append(frame)
        self._sizes.append(len(frame))


def train(writer: TextWriter) -> TextWriter:
    """The same items, compressed with a dictionary that is made of some of them.

    Returns the writer itself if it has a dictionary that is at least half as long as this one would be, or if
    its text is too short for one or too uniform.
    """
    size = min(MAX_DICTIONARY, writer.size // _TEXT_TO_DICTIONARY)
    if writer.size < _MIN_TO_TRAIN or 2 * len(writer.dictionary) >= size:
        return writer
    store = TextStore(writer.make_sections())
    every = range(0, len(store.ends), writer.size // _SAMPLE + 1)
    samples: list[bytes | bytearray | memoryview] = [store.read_block(block)[:_BLOCK_SIZE] for block in every]
    try:
        dictionary = zstandard.train_dictionary(size, samples, level=_LEVEL).as_bytes()
    except zstandard.ZstdError:
        return writer
    trained = TextWriter(dictionary)
    trained.add_store(store)
    return trained


class TextStore:
    """Items by number; safe to share between threads.

    `sections` are those that TextWriter makes. Raises IndexDamaged, naming the file at `path`, for a
    block that cannot be decompressed or does not have the length that `lengths` gives.
    """

    def __init__(self, sections: Mapping[str, Array], path: Path = Path()) -> None:
        self._path = path
        self.dictionary = sections["dictionary"].tobytes()
        self.data, self.ends, self.items, self.lengths = (sections[name] for name in SECTIONS[1:])
        # Memory views, because reading single numbers from arrays takes longer.
        self._views = self.data.data, self.ends.data, self.items.data, self.lengths.data
        self._decompress = open_dictionary(self.dictionary).decompress
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

    def read_block(self, block: int) -> bytes:
        """The items of a block, joined."""
        return self._read_block(block)[1]

    def _read_block(self, block: int) -> _Block:
        data, ends, items, lengths = self._views
        start, first = (ends[block - 1], items[block - 1]) if block else (0, 0)
        frame = data[start : ends[block]]
        bounds = [*accumulate(lengths[first : items[block]], initial=0)]
        try:
            # Memory for the stated size is allocated before anything is decompressed, so check it first.
            stated = zstandard.frame_content_size(frame)
            if stated == bounds[-1] <= min(len(frame) * _MAX_RATIO, _MAX_BLOCK):
                text = self._decompress(frame)
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

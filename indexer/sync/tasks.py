"""Files to gathered articles: everything about a file that needs neither the index nor the catalog.

The same code runs in the process that syncs and in its workers.
"""

from __future__ import annotations

import codecs
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from indexer.article import Article, Encoding, Failure
from indexer.engine import Chunk, Gatherer, digest_items, encode_article
from indexer.errors import InvalidArticle, UnreadableDocument
from indexer.files.source_file import read_whole
from indexer.readers import ReadOptions, read, read_unpacked, unpacked

SPLIT = 1 << 19
"""JSON Lines are divided into pieces of about this many bytes, to be read side by side."""

_BATCH = 1 << 20
"""Bytes of text after which what was gathered is handed over."""
_WINDOW = 1 << 20
_CONTROLS = bytes([*range(0x09), *range(0x0E, 0x20), 0x7F])


@dataclass(frozen=True, slots=True)
class Part:
    """A file to read, or a piece of one whose `data` was read already."""

    file: Path
    path: str
    """Its path below the source."""
    fallback: str
    """The id of an article that names none."""
    size: int
    data: bytes | None = None
    first_line: int = 1
    source: str = ""
    """The URI of its source."""
    sha256: str = ""
    """The digest of the whole file, where `data` is a piece of it."""


class Outline(NamedTuple):
    """An article that was gathered: its id, a digest of all that is stored of it, the language it is in."""

    id: str
    digest: str
    language: str


@dataclass(slots=True)
class PartResult:
    """What became of a part. `refusal` is set when it could not be had, or not be read to its end."""

    sha256: str = ""
    found: list[Outline | Failure] = field(default_factory=list)
    refusal: str | None = None
    is_unreadable: bool = False
    """Nothing could be made of the file as a whole."""
    is_limited: bool = False
    """It takes more than a document may: while neither it nor the limits change, so it will the next time."""
    is_more: bool = False
    """It goes on where the result before it, of the same part, has ended."""


Batch = tuple[list[tuple[int, PartResult]], Chunk]
"""Results, each with the place of its part among those that were given, and the articles of all of them."""


class Intake:
    """Reads parts one after the other, gathering their articles."""

    def __init__(self, options: ReadOptions, language: str) -> None:
        self._options = options
        self._gatherer = Gatherer(language)

    def read(self, parts: list[Part], begin: Callable[[Part], None] | None = None) -> Iterator[Batch]:
        """The results of the parts, and their articles in the order of the outlines: mostly in one batch.

        Of much text there are several, for all of it at once would take more memory than a process may have.
        `begin` is told each part before it is read, and what is in it once that is unpacked.
        """
        begin = begin or _never_mind
        results = []
        for place, part in enumerate(parts):
            begin(part)
            result = PartResult()
            results.append((place, result))
            for article in self._articles(part, result, begin):
                if isinstance(article, Failure):
                    result.found.append(article)
                    continue
                items = encode_article(article)
                language = self._gatherer.add(article, items, part.source)
                # The same article from another source is to be indexed as from there.
                mark = digest_items([*items, part.source.encode()])
                result.found.append(Outline(article.id, mark, language))
                del article, items  # a long one is not to be had beside the next
                if self._gatherer.size >= _BATCH:
                    yield results, self._gatherer.take()
                    result = PartResult(is_more=True)
                    results = [(place, result)]
        yield results, self._gatherer.take()

    def _articles(
        self, part: Part, result: PartResult, begin: Callable[[Part], None]
    ) -> Iterator[Article | Failure]:
        """What is in a part; what is to be said of the whole is said in the result, before the first."""
        try:
            data = part.data
            result.sha256 = part.sha256
            if data is None:
                data = read_whole(part.file, part.path, self._options.max_bytes)
                result.sha256 = hashlib.sha256(data).hexdigest()
            found = self._parsed(part, data, begin)
            del data  # it may be large, and what is made of it comes bit by bit
        except (UnreadableDocument, InvalidArticle) as error:
            yield Failure(part.path, str(error))
            result.is_unreadable = True
            # Of what is packed, one cannot tell whether it is damaged or only larger than is allowed.
            is_packed = part.path.lower().endswith(".gz")
            result.is_limited = is_packed or part.size > self._options.max_bytes
            return
        except MemoryError:
            yield Failure(part.path, "reading it takes more memory than a document may")
            result.is_unreadable = result.is_limited = True
            return
        except OSError as error:
            result.refusal = error.strerror or str(error)
            return
        try:
            yield from found
        except MemoryError:
            raise  # some of it is indexed: whoever began it all decides
        except Exception as error:  # noqa: BLE001 - a document that trips its reader must not stop the others
            yield Failure(part.path, _trip(error))

    def _parsed(self, part: Part, data: bytes, begin: Callable[[Part], None]) -> Iterator[Article | Failure]:
        options = self._options
        try:
            if part.data is not None:
                return _read_piece(part, data, options)
            if not part.path.lower().endswith(".gz"):
                return read(data, part.path, part.fallback, options)
            data = unpacked(data, part.path, options.max_bytes)
            inner = replace(part, path=part.path[: -len(".gz")], size=len(data))
            begin(inner)
            if is_divisible(inner, data):
                return chain.from_iterable(
                    _read_piece(replace(piece, path=part.path), piece.data or b"", options)
                    for piece in divide(inner, data)
                )
            return read_unpacked(data, part.path, part.fallback, options)
        except (UnreadableDocument, InvalidArticle, MemoryError):
            raise
        except Exception as error:
            if isinstance(error, OSError) and error.errno:
                # What the system refuses, to load a reader perhaps, says nothing of the document.
                raise
            raise UnreadableDocument(_trip(error)) from error


def _never_mind(_part: Part) -> None:
    """Nobody wants to know what is read next."""


def _trip(error: Exception) -> str:
    return f"its reader failed ({type(error).__name__}: {error})"


def is_plain(path: str) -> bool:
    """Whether a file is read in linear time, by its name: no markup, and nothing that has to be unpacked."""
    return path.lower().endswith((".txt", ".text", ".jsonl", ".ndjson"))


def divide(part: Part, data: bytes) -> Iterator[Part]:
    """The pieces of a JSON Lines file, cut between lines."""
    start, line = 0, 1
    while start < len(data):
        end = data.find(b"\n", start + SPLIT) + 1 or len(data)
        yield replace(part, size=end - start, data=data[start:end], first_line=line)
        line += data.count(b"\n", start, end)
        start = end


def _read_piece(part: Part, data: bytes, options: ReadOptions) -> Iterator[Article | Failure]:
    # What the whole file is was found out before it was divided; a piece may look like another thing.
    from indexer.readers.jsonl import read_lines

    text = data.decode()
    if not text.strip():
        return iter(())
    return read_lines(text, part.path, part.fallback, options, Encoding("utf-8"), part.first_line)


def is_divisible(part: Part, data: bytes) -> bool:
    """Whether a file's lines can be read apart: JSON Lines in UTF-8, and plainly so."""
    if not part.path.lower().endswith((".jsonl", ".ndjson")) or data[:_WINDOW].lstrip()[:1] != b"{":
        return False
    decode = codecs.getincrementaldecoder("utf-8")().decode
    try:
        # By windows, for the whole of it decoded may be several times as large.
        for at in range(0, len(data), _WINDOW):
            window = data[at : at + _WINDOW]
            if len(window.translate(None, _CONTROLS)) < len(window):
                # It may be in another encoding, or no text at all.
                return False
            decode(window, at + _WINDOW >= len(data))
    except UnicodeDecodeError:
        return False
    return True

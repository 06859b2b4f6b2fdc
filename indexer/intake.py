"""Files to gathered articles: everything about a file that needs neither the index nor the catalog.

The same code runs in the process that syncs and in its workers.
"""

from __future__ import annotations

import codecs
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

from indexer.engine.gather import Chunk, Gatherer
from indexer.engine.record import digest, encode_article
from indexer.errors import InvalidArticle, UnreadableDocument
from indexer.model import Article, Encoding, Failure
from indexer.opening import read_whole
from indexer.readers import ReadOptions, read

SPLIT = 1 << 19
"""JSON Lines are divided into pieces of about this many bytes, to be read side by side."""

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
    """What it is a part of, as a URI."""


class Outline(NamedTuple):
    """An article that was gathered: its id, a digest of all that is stored of it, the language it is in."""

    id: str
    digest: str
    language: str


@dataclass(slots=True)
class PartResult:
    """What became of a part. `refusal` is set when the disk would not give the file."""

    sha256: str = ""
    found: list[Outline | Failure] = field(default_factory=list)
    refusal: str | None = None
    is_unreadable: bool = False
    """Nothing could be made of the file as a whole."""


class Intake:
    """Reads parts one after the other, gathering their articles."""

    def __init__(self, options: ReadOptions, language: str) -> None:
        self._options = options
        self._gatherer = Gatherer(language)

    def read(
        self, parts: list[Part], begin: Callable[[Part], None] | None = None
    ) -> tuple[list[PartResult], Chunk]:
        """The result of each part, and the articles of all of them in the order of their outlines.

        `begin` is told each part before it is read.
        """
        results = []
        for part in parts:
            if begin:
                begin(part)
            results.append(self._read(part))
        return results, self._gatherer.take()

    def _read(self, part: Part) -> PartResult:
        result = PartResult()
        try:
            data = (
                read_whole(part.file, part.path, self._options.max_bytes) if part.data is None else part.data
            )
            if part.data is None:
                result.sha256 = hashlib.sha256(data).hexdigest()
            articles = self._parse(part, data)
        except (UnreadableDocument, InvalidArticle) as error:
            result.found.append(Failure(part.path, str(error)))
            result.is_unreadable = True
            return result
        except OSError as error:
            result.refusal = error.strerror or str(error)
            return result
        for article in articles:
            if isinstance(article, Failure):
                result.found.append(article)
            else:
                items = encode_article(article)
                language = self._gatherer.add(article, items, part.source)
                # The same article from another source is to be indexed as from there.
                mark = digest([*items, part.source.encode()])
                result.found.append(Outline(article.id, mark, language))
        return result

    def _parse(self, part: Part, data: bytes) -> list[Article | Failure]:
        try:
            if part.data is not None:
                return _read_piece(part, data, self._options)
            return list(read(data, part.path, part.fallback, self._options, first_line=part.first_line))
        except (UnreadableDocument, InvalidArticle):
            raise
        except MemoryError as error:
            raise UnreadableDocument("reading it takes more memory than a document may") from error
        except Exception as error:
            # A document that trips its reader must not stop the others.
            raise UnreadableDocument(f"its reader failed ({type(error).__name__}: {error})") from error


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


def _read_piece(part: Part, data: bytes, options: ReadOptions) -> list[Article | Failure]:
    # What the whole file is was found out before it was divided; a piece may look like another thing.
    from indexer.readers.jsonl import read_lines

    text = data.decode()
    if not text.strip():
        return []
    encoding = Encoding("utf-8")
    return list(read_lines(text, part.path, part.fallback, options, encoding, part.first_line))


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

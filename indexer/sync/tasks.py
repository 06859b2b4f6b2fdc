"""Divide files into tasks, and read the parts of a task into gathered articles.

A *task* is a list of parts to read; its *result* is one batch or several. Nothing here needs the index or the
catalog; a sync of a few small files reads them in its own process.
"""

from __future__ import annotations

import codecs
import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from io import BytesIO, TextIOWrapper
from typing import NamedTuple

from indexer import limits
from indexer.article import Article, Encoding, Failure
from indexer.engine import Chunk, Gatherer, digest_items, encode_article
from indexer.errors import InvalidArticle, StorageFailed, UnreadableDocument
from indexer.fields import drop_invalid_fields
from indexer.files.names import printable_path
from indexer.files.source_file import open_file, open_unchanging, read_whole
from indexer.readers import (
    Damage,
    ReadOptions,
    RecordsDocument,
    complete_article,
    describe_failure,
    find_media_type,
    is_container,
    is_text,
    read,
    read_unpacked,
    unpack,
    unpacked_name,
)
from indexer.reports import add_counts

SPLIT = 1 << 19
"""Large JSON Lines files are divided into pieces of about this many bytes, which workers read in parallel."""

# Small files are read together, because handing over a task takes time, too: with tasks a quarter as large,
# reading a thousand articles takes a sixth longer.
_TASK_BYTES, _TASK_FILES = 1 << 20, 256
_LARGE_CONTAINER = 1 << 18
_HTML_WEIGHT = 20  # how much longer finding the text of a page takes than reading as much plain text
_BATCH = 1 << 21
"""Bytes of text after which the gathered articles are handed over."""
_WINDOW = 1 << 20
_CONTROLS = bytes([*range(0x09), *range(0x0E, 0x20), 0x7F])


@dataclass(frozen=True, slots=True)
class Part:
    """A file to read, or a piece of one whose `data` has been read already.

    `path` is that below the folder of the source, `fallback` the id of an article that names none, `source`
    the name of the source in searches, `sha256` the digest of the file that a piece belongs to. `skip` has
    the reason for each record of a container that is not read, by its number from 1, because it ended a
    worker. `options` are those of a source that has its own.
    """

    folder: str
    path: str
    fallback: str
    size: int
    data: bytes | None = None
    first_line: int = 1
    source: str = ""
    sha256: str = ""
    skip: Mapping[int, str] = field(default_factory=dict)
    options: ReadOptions | None = None


class Outline(NamedTuple):
    """An article that was gathered: its id, a digest of all that is stored of it, and its language."""

    id: str
    digest: str
    language: str


@dataclass(slots=True)
class PartResult:
    """The result of reading a part.

    `refusal` is the reason if the part could not be read, or not from some place on. `is_limited` if reading
    it takes more than a document may, or it is damaged: as long as neither the file nor the limits change,
    that holds for the next time, too. `is_partial` if something in it was not read, so that what was indexed
    from it before is kept. `is_more` if this continues the result before it, of the same part. `not_read`
    counts what was left out of a container, by kind.
    """

    sha256: str = ""
    found: list[Outline | Failure] = field(default_factory=list)
    refusal: str | None = None
    is_limited: bool = False
    is_partial: bool = False
    is_more: bool = False
    not_read: dict[str, int] = field(default_factory=dict)


Batch = tuple[list[tuple[int, PartResult]], Chunk]
"""Results, each with the index of its part in the task, and the articles of all of them."""
BeforeReading = Callable[[Part], None]
BeginRecord = Callable[[int, int], None]
"""Called with the number of a record in its container, and its size in bytes."""


def make_tasks(parts: Iterable[Part], max_bytes: int) -> Iterator[list[Part]]:
    """The parts in tasks and in order: small files together, large JSON Lines in pieces."""
    group: list[Part] = []
    size = 0
    for part in parts:
        pieces = _divide_file(part, max_bytes) if part.size > 2 * SPLIT else None
        # A large container is read alone, since it is read again if one of its records ends the worker.
        is_large = part.size > _LARGE_CONTAINER and not is_text(part.path)
        alone = iter([part]) if is_large else pieces
        more = weight(part.path, part.size)
        if group and (alone or size + more > _TASK_BYTES or len(group) == _TASK_FILES):
            yield group
            group, size = [], 0
        if alone is None:
            group.append(part)
            size += more
        for piece in alone or ():
            yield [piece]
    if group:
        yield group


def _divide_file(part: Part, max_bytes: int) -> Iterator[Part] | None:
    """The pieces of a file if its lines can be read separately."""
    if not _has_lines(part.path):
        return None
    try:
        data = read_whole(part.folder, part.path, max_bytes)
    except (OSError, UnreadableDocument):
        return None  # the worker that reads it reports the error
    if not is_divisible(part, data):
        return None
    return divide(replace(part, sha256=hashlib.sha256(data).hexdigest()), data)


class _Reading:
    """A part while it is read: `result` is its last one so far."""

    def __init__(self, part: Part, begin_record: BeginRecord) -> None:
        self.part = part
        self.result = PartResult(is_partial=bool(part.skip), is_limited=bool(part.skip))
        self._begin_record = begin_record
        self._records = self._failures = 0
        self._not_read: dict[str, int] = {}

    def begin_record(self, size: int) -> None:
        """See `Document`."""
        self._records += 1
        self._begin_record(self._records, size)
        if reason := self.part.skip.get(self._records):
            raise UnreadableDocument(reason)

    def leave_out(self, kind: str) -> None:
        """See `Document`."""
        add_counts(self._not_read, {kind: 1})

    def fail(self, failure: Failure) -> None:
        """Add a failure, or count it if there are too many to list."""
        self._failures += 1
        if isinstance(failure, Damage):
            self.result.is_partial = self.result.is_limited = True
            failure = Failure(failure.path, failure.reason)
        if self._failures <= limits.LISTED_FAILURES:
            self.result.found.append(failure)

    def refuse(self, reason: str, *, is_limited: bool) -> None:
        """Add that the part cannot be read, or not from here on."""
        self.result.refusal, self.result.is_limited = reason, is_limited

    def end(self) -> None:
        """Complete the last result."""
        self.result.not_read = self._not_read
        if (more := self._failures - limits.LISTED_FAILURES) > 0:
            self.result.found.append(Failure(self.part.path, f"{more:,} more records cannot be read"))


class PartReader:
    """Reads parts one after the other, gathering their articles."""

    def __init__(self, options: ReadOptions, language: str) -> None:
        self._options = self._default = options
        self._gatherer = Gatherer(language, options.fields)

    def read(
        self,
        parts: list[Part],
        dictionary: bytes = b"",
        before: BeforeReading = lambda _part: None,
        begin_record: BeginRecord = lambda _number, _size: None,
    ) -> Iterator[Batch]:
        """The results of the parts, and their articles in the order of the outlines.

        Mostly this is one batch; much text comes in several, because all of it might not fit in memory.
        Stored texts are compressed with the `dictionary`, without one if it is empty.
        `before` is called with each part before it is read, and again with its unpacked content,
        `begin_record` before each record of a container.
        """
        results = []
        for place, part in enumerate(parts):
            before(part)
            self._options = part.options or self._default
            reading = _Reading(part, begin_record)
            results.append((place, reading.result))
            for article in self._read_part(reading, before):
                if isinstance(article, Failure):
                    reading.fail(article)
                    continue
                article = drop_invalid_fields(article, self._options.fields)
                article = complete_article(article, self._options)
                items = encode_article(article)
                language = self._gatherer.add(article, items, part.source)
                # The source counts: an article that moves to another source has to be indexed again.
                outline = Outline(article.id, digest_items([*items, part.source.encode()]), language)
                reading.result.found.append(outline)
                del article, items  # frees a long article before the next is read
                if self._gatherer.size >= _BATCH:
                    yield results, self._gatherer.take(dictionary)
                    reading.result = PartResult(is_more=True)
                    results = [(place, reading.result)]
            reading.end()
        yield results, self._gatherer.take(dictionary)

    def _read_part(self, reading: _Reading, before: BeforeReading) -> Iterator[Article | Failure]:
        """The articles of a part; the result says what holds for the whole."""
        part = reading.part
        result = reading.result
        try:
            if part.data is None and self._has_records(part):
                yield from self._read_container(reading)
                return
            data = part.data
            result.sha256 = part.sha256
            if data is None:
                data = read_whole(part.folder, part.path, self._options.max_bytes)
                result.sha256 = hashlib.sha256(data).hexdigest()
            found = self._parse(reading, data, before)
            del data  # it may be large, and the articles are made one by one
        except (UnreadableDocument, InvalidArticle) as error:
            # A packed file may be damaged or too large; the error does not show which.
            is_packed = unpacked_name(part.path) != part.path
            result.is_limited = is_packed or part.size > self._options.max_bytes
            yield Failure(part.path, str(error))
            return
        except OSError as error:
            result.refusal = error.strerror or str(error)
            return
        try:
            yield from found
        except MemoryError:
            raise  # some articles of the part are gathered, so the supervisor has to start again
        except Exception as error:  # noqa: BLE001 - a document that trips its reader must not stop the others
            yield Failure(part.path, describe_failure(error))

    def _has_records(self, part: Part) -> bool:
        """Whether a file is a container, by its name or, if it is large, by its content."""
        if is_container(part.path) or part.size <= self._options.max_bytes:
            return is_container(part.path)
        with open_file(part.folder, part.path) as stream:
            kind = find_media_type(stream, part.path)
        return kind is not None and kind.is_container

    def _read_container(self, reading: _Reading) -> Iterator[Article | Failure]:
        """The articles of a container, which is never read into memory as a whole."""
        part = reading.part
        try:
            with open_unchanging(part.folder, part.path) as stream:
                reading.result.sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
                stream.seek(0)
                yield from read(
                    stream,
                    printable_path(part.path),
                    part.fallback,
                    self._options,
                    begin_record=reading.begin_record,
                    leave_out=reading.leave_out,
                )
        except (UnreadableDocument, InvalidArticle) as error:
            reading.refuse(str(error), is_limited=True)
        except (MemoryError, StorageFailed):
            raise
        except Exception as error:  # noqa: BLE001 - a document that trips its reader must not stop the others
            if isinstance(error, OSError) and error.errno:
                reading.refuse(error.strerror or str(error), is_limited=False)
            else:
                reading.refuse(describe_failure(error), is_limited=True)

    def _parse(self, reading: _Reading, data: bytes, before: BeforeReading) -> Iterator[Article | Failure]:
        part, options = reading.part, self._options
        name = printable_path(part.path)
        try:
            if part.data is not None:
                return _read_piece(reading, data, options)
            kind = find_media_type(BytesIO(data), part.path)
            is_whole = kind is None or (kind.is_text and not kind.is_container)
            if unpacked_name(part.path) != part.path and is_whole:
                data = unpack(BytesIO(data), part.path, options.max_bytes)
                before(replace(part, path=unpacked_name(part.path), size=len(data)))
                return read_unpacked(data, name, part.fallback, options, leave_out=reading.leave_out)
            return read(
                BytesIO(data),
                name,
                part.fallback,
                options,
                begin_record=reading.begin_record,
                leave_out=reading.leave_out,
            )
        except (UnreadableDocument, InvalidArticle, MemoryError):
            raise
        except Exception as error:
            if isinstance(error, OSError) and error.errno:
                # The system refused something, such as loading a reader: the document is not to blame.
                raise
            raise UnreadableDocument(describe_failure(error)) from error


def weight(path: str, size: int) -> int:
    """How much work reading a file is, in bytes of plain text."""
    return size * (_HTML_WEIGHT if ".htm" in path.lower() or ".xhtml" in path.lower() else 1)


def is_plain(path: str) -> bool:
    """Whether a file is read in linear time, by its name: neither markup nor packed."""
    return path.lower().endswith((".txt", ".text", ".jsonl", ".ndjson", ".json", ".csv", ".tsv"))


def divide(part: Part, data: bytes) -> Iterator[Part]:
    """The pieces of a JSON Lines file, cut between lines."""
    start, line = 0, 1
    while start < len(data):
        end = data.find(b"\n", start + SPLIT) + 1 or len(data)
        yield replace(part, size=end - start, data=data[start:end], first_line=line)
        line += data.count(b"\n", start, end)
        start = end


def _read_piece(reading: _Reading, data: bytes, options: ReadOptions) -> Iterator[Article | Failure]:
    # The type of the whole file was determined before it was divided; a piece may look like another type.
    from indexer.readers.jsonl import read_articles

    part = reading.part
    document = RecordsDocument(
        text=TextIOWrapper(BytesIO(data), "utf-8", newline="\n"),
        name=printable_path(part.path),
        article_id=part.fallback,
        options=options,
        encoding=Encoding("utf-8"),
        first_line=part.first_line,
        begin_record=reading.begin_record,
    )
    return read_articles(document)


def _has_lines(path: str) -> bool:
    return path.lower().endswith((".jsonl", ".ndjson"))


def is_divisible(part: Part, data: bytes) -> bool:
    """Whether a file's lines can be read separately: JSON Lines that are certainly UTF-8."""
    if not _has_lines(part.path) or data[:_WINDOW].lstrip()[:1] != b"{":
        return False
    decode = codecs.getincrementaldecoder("utf-8")().decode
    try:
        # In windows, because the whole text may take several times as much memory.
        for at in range(0, len(data), _WINDOW):
            window = data[at : at + _WINDOW]
            if len(window.translate(None, _CONTROLS)) < len(window):
                # It may be in another encoding, or not be text at all.
                return False
            decode(window, at + _WINDOW >= len(data))
    except UnicodeDecodeError:
        return False
    return True

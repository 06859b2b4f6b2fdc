"""Reads documents: finds the media type of each, prepares its data, and calls the reader of that type."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from importlib import import_module
from io import SEEK_END, BytesIO, TextIOWrapper
from typing import BinaryIO, TypedDict, Unpack

from indexer import limits
from indexer.article import Article, Encoding, Failure, make_record_id
from indexer.errors import InvalidArticle, StorageFailed, UnreadableDocument
from indexer.readers.document import (
    GZIP,
    NO_DETAILS,
    BinaryDocument,
    Damage,
    Details,
    Document,
    ReadOptions,
    RecordsDocument,
    TextDocument,
    read_bounded,
    suffix_of,
)
from indexer.readers.encoding import decode, read_beginning
from indexer.readers.media_types import (
    EXTRA,
    MediaType,
    find_declared_type,
    find_media_type,
    find_text_module,
    is_container,
)
from indexer.readers.packed import Budget, open_unpacked, unpack

_MAX_DEPTH = 3
"""Containers around a document: of an archive in an archive in an archive, the members are not read."""
_JSON_LINES = re.compile(rb"\s*\{[^\0]")
_MARKUP = re.compile(rb"<\s*(?:!doctype|html|head|meta|body|\?xml)", re.IGNORECASE)


class _Given(TypedDict, total=False):
    """Arguments that a container passes on to the documents in it; see `Document`."""

    context: Details
    depth: int
    budget: Budget | None
    begin_record: Callable[[int], None]
    leave_out: Callable[[str], None]


def read(
    stream: BinaryIO,
    name: str,
    article_id: str,
    options: ReadOptions,
    *,
    size: int | None = None,
    **given: Unpack[_Given],
) -> Iterator[Article | Failure]:
    """Return the articles in a document, and a failure for each part of it that cannot be read.

    `stream` must be one that can be read from any place; a container is read from it while its articles are
    taken. `name` is the document's path below the source, with slashes; `article_id` is the id of its
    article, or the prefix of the ids if it holds several; `size` is the number of its bytes, by default that
    of the stream. For the rest see `Document`. Raises UnreadableDocument if the whole document cannot be
    read; if the rest of a container cannot, also after some of its articles.
    """
    kind = find_media_type(stream, name)
    if kind is None or (kind.is_text and not kind.is_container):
        data = unpack(stream, name, options.max_bytes, given.get("budget"))
        return read_unpacked(data, name, article_id, options, **given)
    if not kind.is_installed:
        raise UnreadableDocument(f"{suffix_of(name) or kind.module} files are read with {EXTRA}: install it")
    if kind.is_container:
        size = _measure(stream) if size is None else size
        budget = given["budget"] = given.get("budget") or Budget(size)
        if not (kind.unpacks_gzip and _is_gzip(stream)):
            stream = open_unpacked(stream, budget)
        if kind.is_text:
            return _read_records(kind, stream, name, article_id, options, given)
    else:
        data = unpack(stream, name, options.max_bytes, given.get("budget"))
        stream, size = BytesIO(data), len(data)
        if "begin_record" in given:
            given["begin_record"] = _bound_parts(given["begin_record"])
    document = BinaryDocument(
        name=name, article_id=article_id, options=options, stream=stream, size=size, **given
    )
    return _call_reader(kind.module, document)


def _measure(stream: BinaryIO) -> int:
    size = stream.seek(0, SEEK_END)
    stream.seek(0)
    return size


def _is_gzip(stream: BinaryIO) -> bool:
    start = stream.read(len(GZIP))
    stream.seek(0)
    return start == GZIP


def _bound_parts(begin_record: Callable[[int], None]) -> Callable[[int], None]:
    """Return `begin_record` for the parts of one document, which may take only so much time together."""
    began = time.process_time()

    def begin_part(size: int) -> None:
        if time.process_time() - began > limits.DOCUMENT_SECONDS:
            raise UnreadableDocument("reading it takes more time than a document may")
        begin_record(size)

    return begin_part


def read_member(
    container: Document,
    stream: BinaryIO,
    name: str,
    details: Details = NO_DETAILS,
    *,
    record: str | None = None,
    size: int | None = None,
) -> Iterator[Article | Failure]:
    """Return the articles of a document in a container, and failures: an error in it is one, too.

    `name` is its path in the container, and becomes a part of the id, unless `record` is given for that.
    `details` is what the container states of it; `size` is the number of its bytes, by default that of the
    stream.
    """
    path = f"{container.name}/{name}"
    if container.depth >= _MAX_DEPTH:
        yield Failure(path, f"lies in more than {_MAX_DEPTH} archives, mails or feeds in each other")
        return
    failure = Damage if is_container(name) else Failure
    found = _read_member(container, stream, path, record or name, details, size)
    yield from read_safely(path, found, failure)


def _read_member(
    container: Document, stream: BinaryIO, path: str, record: str, details: Details, size: int | None
) -> Iterator[Article | Failure]:
    size = _measure(stream) if size is None else size
    container.begin_record(size)
    yield from read(
        stream,
        path,
        make_record_id(container.article_id, record),
        container.options,
        size=size,
        context=details.or_else(container.context),
        depth=container.depth + 1,
        budget=container.budget,
        begin_record=container.begin_record,
        leave_out=container.leave_out,
    )


def read_safely(
    path: str, found: Iterator[Article | Failure], failure: type[Failure] = Failure
) -> Iterator[Article | Failure]:
    """Yield what is found in a part of a container; an error in it is a failure of this part alone."""
    try:
        yield from found
    except (UnreadableDocument, InvalidArticle) as error:
        yield failure(path, str(error))
    except (MemoryError, StorageFailed):
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno:
            raise  # the system refused something: the document is not to blame
        yield failure(path, describe_failure(error))


def describe_failure(error: Exception) -> str:
    """Return the reason of a failure for an error that a reader should not have raised."""
    return f"its reader failed ({type(error).__name__}: {error})"


def read_unpacked(
    data: bytes, name: str, article_id: str, options: ReadOptions, **given: Unpack[_Given]
) -> Iterator[Article | Failure]:
    """Return the articles in a text that `unpack` returned, as `read` does."""
    declared = find_declared_type(name)
    is_markup = (declared is not None and declared.module == "html") or bool(_MARKUP.search(data[:1024]))
    text, encoding = decode(data, is_markup=is_markup)
    decoded = TextDocument(
        name=name, article_id=article_id, options=options, text=text, encoding=encoding, **given
    )
    module = find_text_module(text, declared)
    if module == "jsonl":
        return _read_decoded(module, BytesIO(data), name, article_id, options, encoding, given)
    return _call_reader(module, decoded)


def _read_records(
    declared: MediaType, stream: BinaryIO, name: str, article_id: str, options: ReadOptions, given: _Given
) -> Iterator[Article | Failure]:
    """Return the articles in a text that holds records, which is decoded while it is read."""
    data, is_whole = read_beginning(stream)
    stream.seek(0)
    if declared.module == "jsonl" and _JSON_LINES.match(data):
        # NUL bytes do not show that this is no text: the reader reports the lines that they are in.
        data = data.replace(b"\0", b"")
    text, encoding = decode(data, is_markup=bool(_MARKUP.search(data[:1024])))
    if is_whole and not text.strip():
        # Not damaged: it has no records any more.
        return iter([Failure(name, "contains no text")])
    module = find_text_module(text, declared)
    if module == "html":
        data = read_bounded(stream, options.max_bytes)
        return read_unpacked(data, name, article_id, options, **given)
    return _read_decoded(module, stream, name, article_id, options, encoding, given)


def _read_decoded(
    module: str,
    stream: BinaryIO,
    name: str,
    article_id: str,
    options: ReadOptions,
    encoding: Encoding,
    given: _Given,
) -> Iterator[Article | Failure]:
    newline = "" if module == "csv" else "\n"  # JSON has no other line breaks
    text = TextIOWrapper(stream, encoding.name, "replace", newline)
    try:
        document = RecordsDocument(
            name=name, article_id=article_id, options=options, text=text, encoding=encoding, **given
        )
        yield from _call_reader(module, document)
    finally:
        text.detach()  # or it would close the stream, which belongs to the caller


def _call_reader(module: str, document: Document) -> Iterator[Article | Failure]:
    reader = import_module(f"indexer.readers.{module}")
    try:
        found: Iterator[Article | Failure] = reader.read_articles(document)
    except InvalidArticle as error:
        raise UnreadableDocument(str(error)) from error
    return found

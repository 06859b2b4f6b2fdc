"""Readers: from a stream of bytes to articles.

A binary stream and a name come in; an iterator of `Article` and `Failure` goes out. `read` decides the media
type and calls the reader of that type. The media type is that of the name's suffix, unless the content is
plainly of another. Before a type that is text is read, gzip data is unpacked and the bytes are decoded
(`encoding`).

    document    what a reader is given (`Document`, `ReadOptions`), and checks that all readers share
    text        plain text: title, date lines, hard-wrapped paragraphs
    html        main text by trafilatura; `metadata` has the title and the dates that the page states
    markdown    blocks; `front_matter` has the fields at the start, also those of plain text
    jsonl       JSON Lines, a record a line; `json` an array of records, `csv` a table of them
    records     from a record with named fields to an article
    mail        mails and mailboxes; `replies` removes what a mail quotes
    docx odt pptx   Office documents; `office` is what they share, `package` their ZIP files
    rtf         Rich Text Format
    epub        books, a chapter an article
    markup      the text of HTML that a browser shows, for `html` and for HTML inside Markdown
    expressions a text that is a date, or has dates in it
    dates       date lines, dates in addresses and file names, and the choice of the publication date
    assemble    from title, paragraphs and dates to an `Article`: boilerplate, notes, limits

To add a media type:

1. Write a module in this folder with a function `read_articles(document)` that returns an iterator of
   `Article` and `Failure`. `document` is a `TextDocument` for a type that is text, else a `BinaryDocument`.
   The function raises UnreadableDocument, before it returns, if the whole document cannot be read. A type
   that holds one article ends with `assemble_article`. What the document states of itself is a `Details`.
2. Add a `MediaType` to the table below.
3. If its dates have a new provenance, add a text for that to `webui/presenters.py`.

A container (an archive, a mailbox) is read record by record, in constant memory: its reader yields from
`read_member` for each document in it, or makes the articles itself and calls `document.begin_record` before
each. A reader's libraries are imported when the first document of its type is read. Begin with `read`.
"""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from io import SEEK_END, BytesIO
from typing import BinaryIO, TypedDict, Unpack

from indexer.article import Article, Failure, make_record_id
from indexer.errors import InvalidArticle, UnreadableDocument
from indexer.readers.document import (
    GZIP,
    MAX_RATIO,
    MIN_BOUND,
    NO_DETAILS,
    PACKED,
    BinaryDocument,
    Details,
    Document,
    ReadOptions,
    TextDocument,
    suffix_of,
)
from indexer.readers.encoding import decode

__all__ = [
    "EXTRA",
    "GZIP",
    "MEDIA_TYPES",
    "SUFFIXES",
    "BinaryDocument",
    "Details",
    "Document",
    "ReadOptions",
    "TextDocument",
    "describe_failure",
    "find_unread_kind",
    "list_kinds",
    "needs_extra",
    "read",
    "read_member",
    "read_unpacked",
    "unpack",
]


@dataclass(frozen=True, slots=True)
class MediaType:
    """A type of documents.

    `module` is the name of its reader's module in this folder, `suffixes` are those of its files. A type that
    `is_text` is decoded for its reader. A container holds any number of documents or records, which the
    limits apply to one by one. `library` is the module that the reader needs beyond the base installation:
    the extra `documents` installs it.
    """

    module: str
    suffixes: tuple[str, ...]
    is_text: bool = True
    is_container: bool = False
    library: str | None = None

    @property
    def is_installed(self) -> bool:
        """Whether documents of the type can be read here."""
        return self.library is None or _is_installed(self.library)


MEDIA_TYPES = (
    MediaType("text", (".txt", ".text")),
    MediaType("html", (".html", ".htm", ".xhtml")),
    MediaType("markdown", (".md", ".markdown")),
    MediaType("jsonl", (".jsonl", ".ndjson")),
    MediaType("json", (".json",)),
    MediaType("csv", (".csv", ".tsv")),
    MediaType("mail", (".eml", ".mbox"), is_text=False, is_container=True),
    MediaType("docx", (".docx", ".docm"), is_text=False),
    MediaType("odt", (".odt", ".odp"), is_text=False),
    MediaType("pptx", (".pptx", ".pptm", ".ppsx"), is_text=False),
    MediaType("rtf", (".rtf",), is_text=False),
    MediaType("epub", (".epub",), is_text=False, is_container=True),
)
_BY_SUFFIX = {suffix: kind for kind in MEDIA_TYPES for suffix in kind.suffixes}
_BY_MODULE = {kind.module: kind for kind in MEDIA_TYPES}
# The first lines of a mailbox, and of a mail as a server puts it into a folder. A text may begin with "From".
_MAIL = re.compile(
    rb"(?:\xef\xbb\xbf)?[\r\n]*"
    rb"(?:From .*\d:\d\d.*\r?\n>?[!-9;-~]+:|Return-Path: ?<|Delivered-To: |Received: (?:from|by) )"
)
_START = 1024
"""Bytes at the start of a document that may tell its type."""
SUFFIXES: frozenset[str] = frozenset(_BY_SUFFIX) | {suffix + PACKED for suffix in _BY_SUFFIX}
"""The suffixes of files that can be read, in lower case."""
EXTRA = "nutgraf[documents]"
"""The extra that installs the libraries of all readers."""

# A suffix that stands for a kind of file, unlike the end of "notes.2021" or "v1.draft of May".
_KIND = re.compile(r"\.(?=[0-9]*[a-z])[a-z0-9]{1,8}")
_MAX_DEPTH = 3
"""Containers around a document: of an archive in an archive in an archive, the members are not read."""
_CHUNK = 1 << 16
_JSON_LINES = re.compile(rb"\s*\{[^\0]")
# Atomic and possessive groups: with backtracking, each leading comment would double the time.
_PAGE = re.compile(
    r"\s*(?:<\?xml[^>]*>\s*|(?><!--.*?-->)\s*)*+<(?:!doctype\s+html|html|head|body)\b",
    re.IGNORECASE | re.DOTALL,
)
_TAG = re.compile("<[!?/a-zA-Z]")
_MARKUP = re.compile(rb"<\s*(?:!doctype|html|head|meta|body|\?xml)", re.IGNORECASE)


class _Given(TypedDict, total=False):
    """What a container gives to the documents in it; see `Document`."""

    context: Details
    depth: int
    begin_record: Callable[[int], None]
    leave_out: Callable[[str], None]


@cache
def _is_installed(library: str) -> bool:
    return find_spec(library) is not None


def list_kinds() -> str:
    """Return the suffixes of the files that are read, for messages."""
    return ", ".join(suffix for suffix, kind in _BY_SUFFIX.items() if kind.is_installed)


def find_unread_kind(name: str) -> str | None:
    """Return the suffix of a file's name if files of this kind are not read, else None; "" if it has none."""
    suffix = suffix_of(name)
    if (kind := _BY_SUFFIX.get(suffix)) and kind.is_installed:
        return None
    return suffix if _KIND.fullmatch(suffix) else ""


def needs_extra(suffix: str) -> bool:
    """Whether files with a suffix would be read if the extra were installed."""
    kind = _BY_SUFFIX.get(suffix)
    return kind is not None and not kind.is_installed


def read(
    stream: BinaryIO, name: str, article_id: str, options: ReadOptions, **given: Unpack[_Given]
) -> Iterator[Article | Failure]:
    """Return the articles in a document, and a failure for each part of it that cannot be read.

    `stream` is read to its end; it must be one that can be read from any place. `name` is the document's path
    below the source, with slashes; `article_id` is the id of its article, or the prefix of the ids if it
    holds several. For the rest see `Document`. Raises UnreadableDocument, before the first article, if the
    whole document cannot be read.
    """
    kind = find_media_type(stream, name)
    if kind is None or kind.is_text:
        return read_unpacked(unpack(stream, name, options.max_bytes), name, article_id, options, **given)
    if not kind.is_installed:
        raise UnreadableDocument(f"{suffix_of(name) or kind.module} files are read with {EXTRA}: install it")
    if name.lower().endswith(PACKED) and not kind.is_container:
        stream = BytesIO(unpack(stream, name, options.max_bytes))
    size = stream.seek(0, SEEK_END)
    stream.seek(0)
    if size > options.max_bytes and not kind.is_container:
        raise UnreadableDocument(f"larger than {options.max_bytes / 2**20:g} MB")
    document = BinaryDocument(
        name=name, article_id=article_id, options=options, stream=stream, size=size, **given
    )
    return _call_reader(kind.module, document)


def find_media_type(stream: BinaryIO, name: str) -> MediaType | None:
    """Return the media type of a document by its content, else its suffix; None if it may be any text."""
    declared = _BY_SUFFIX.get(suffix_of(name))
    if declared is not None and declared.is_container:
        return declared
    start = stream.read(_START)
    stream.seek(0)
    for signature, find_module in _SIGNATURES.items():
        if start.startswith(signature) and (module := find_module(stream)):
            return _BY_MODULE[module]
    is_mail = (declared is None or declared.is_text) and _MAIL.match(start)
    return _BY_MODULE["mail"] if is_mail else declared


def _find_package(stream: BinaryIO) -> str | None:
    # Imported here, since most files are no packages.
    from indexer.readers.package import find_package_module

    module = find_package_module(stream)
    stream.seek(0)
    return module


# The first bytes of documents that are no text, and the module that reads them whatever their suffix.
_SIGNATURES: dict[bytes, Callable[[BinaryIO], str | None]] = {
    b"{\\rtf": lambda _stream: "rtf",
    b"PK\x03\x04": _find_package,
}


def read_member(
    container: Document, stream: BinaryIO, name: str, details: Details = NO_DETAILS
) -> Iterator[Article | Failure]:
    """Return the articles of a document in a container, and failures: an error in it is one, too.

    `name` is its path in the container, and becomes a part of the id. `details` is what the container states
    of it.
    """
    path = f"{container.name}/{name}"
    if container.depth >= _MAX_DEPTH:
        yield Failure(path, f"lies in more than {_MAX_DEPTH} archives, mails or feeds in each other")
        return
    try:
        yield from read(
            stream,
            path,
            make_record_id(container.article_id, name),
            container.options,
            context=details.or_else(container.context),
            depth=container.depth + 1,
            begin_record=container.begin_record,
            leave_out=container.leave_out,
        )
    except (UnreadableDocument, InvalidArticle) as error:
        yield Failure(path, str(error))
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001 - a document that trips its reader must not stop the others
        yield Failure(path, describe_failure(error))


def describe_failure(error: Exception) -> str:
    """Return the reason of a failure for an error that a reader should not have raised."""
    return f"its reader failed ({type(error).__name__}: {error})"


def read_unpacked(
    data: bytes, name: str, article_id: str, options: ReadOptions, **given: Unpack[_Given]
) -> Iterator[Article | Failure]:
    """Return the articles in a text that `unpack` returned, as `read` does."""
    kind = _BY_SUFFIX.get(suffix_of(name))
    declared = kind.module if kind and kind.is_text else None
    if declared == "jsonl" and _JSON_LINES.match(data):
        # NUL bytes, which a crash may leave, spoil only the line that they are in.
        data = re.sub(rb"\0+", "\ufffd".encode(), data)
    text, encoding = decode(data, is_markup=declared == "html" or bool(_MARKUP.search(data[:1024])))
    document = TextDocument(
        name=name, article_id=article_id, options=options, text=text, encoding=encoding, **given
    )
    return _call_reader(_media_type(text, declared), document)


def _call_reader(module: str, document: Document) -> Iterator[Article | Failure]:
    reader = import_module(f"indexer.readers.{module}")
    try:
        found: Iterator[Article | Failure] = reader.read_articles(document)
    except InvalidArticle as error:
        raise UnreadableDocument(str(error)) from error
    return found


def unpack(stream: BinaryIO, name: str, max_bytes: int) -> bytes:
    """Return the content of a stream; if that is gzip data, the data in it.

    Raises UnreadableDocument if the gzip data is damaged, or if the content has more than `max_bytes`.
    """
    data = stream.read(max_bytes + 1)
    if len(data) > max_bytes:
        raise UnreadableDocument(f"larger than {max_bytes / 2**20:g} MB")
    if not data.startswith(GZIP):
        if name.lower().endswith(PACKED) and data:
            raise UnreadableDocument("not gzip data, although its name ends with .gz")
        return data
    bound = max(MAX_RATIO * len(data), MIN_BOUND)
    content = bytearray()
    try:
        with gzip.GzipFile(fileobj=BytesIO(data)) as unpacked:
            while chunk := unpacked.read(_CHUNK):
                content += chunk
                if len(content) > max_bytes:
                    raise UnreadableDocument(
                        f"unpacks to more than {max_bytes / 2**20:g} MB: split it, or raise max_file_mb"
                    )
                if len(content) > bound:
                    raise UnreadableDocument(
                        f"unpacks to more than {MAX_RATIO} times its size, so it is not text"
                    )
    except EOFError as error:
        raise UnreadableDocument("gzip data is damaged: it ends too early") from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise UnreadableDocument(f"gzip data is damaged, or followed by something else: {error}") from error
    return bytes(content)


def _media_type(text: str, declared: str | None) -> str:
    """Return the media type that the name declares, unless the text is plainly of another."""
    if declared != "html" and _PAGE.match(text[:20_000]):
        return "html"
    if declared == "html":
        return "html" if _TAG.search(text) else "text"
    if declared == "jsonl" and text.lstrip()[:1] == "[":
        return "json"
    if declared:
        return declared
    line = next((line for line in text[:100_000].splitlines() if line.strip()), "").strip()
    if line.startswith("{") and line.endswith("}"):
        return "jsonl"
    if line in ("---", "+++") or re.match(r"#{1,6}\s\S", line):
        return "markdown"
    return "text"

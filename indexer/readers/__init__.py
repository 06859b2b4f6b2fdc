"""Readers: from a stream of bytes to articles.

A binary stream and a name come in; an iterator of `Article` and `Failure` goes out. `read` unpacks gzip,
decodes the bytes (`encoding`), decides the media type and calls the reader of that type. The media type is
that of the name's suffix, unless the text is plainly of another type.

    document    what a reader is given (`Document`, `ReadOptions`), and checks that all readers share
    text        plain text: title, date lines, hard-wrapped paragraphs
    html        main text by trafilatura; `metadata` has the title and the dates that the page states
    markdown    blocks; `front_matter` has the fields at the start, also those of plain text
    jsonl       JSON Lines, an article a line
    markup      the text of HTML that a browser shows, for `html` and for HTML inside Markdown
    expressions a text that is a date, or has dates in it
    dates       date lines, dates in addresses and file names, and the choice of the publication date
    assemble    from title, paragraphs and dates to an `Article`: boilerplate, notes, limits

To add a media type that is text:

1. Write a module in this folder with a function `read_articles(document)` that returns an iterator of
   `Article` and `Failure`. It raises UnreadableDocument, before it returns, if the whole document cannot be
   read. A type that holds one article ends with `assemble_article`.
2. Add the module's name and the suffixes of the type to `_MEDIA_TYPES` below.
3. If its dates have a new provenance, add a text for that to `webui/presenters.py`.

All types so far are text: `read_unpacked` decodes a document before it chooses the reader, and
`Document.text` is a string. A binary type needs a way around that: `read_unpacked` has to choose its reader
by the suffix or the first bytes, and give it the bytes.

Documents in documents (attachments, members of archives) are read by calling `read` with a stream for each.
A reader's libraries are imported when the first document of its type is read. Begin with `read`.
"""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Iterator
from importlib import import_module
from io import BytesIO
from typing import BinaryIO

from indexer.article import Article, Failure
from indexer.errors import InvalidArticle, UnreadableDocument
from indexer.readers.document import GZIP, PACKED, Document, ReadOptions, suffix_of
from indexer.readers.encoding import decode

__all__ = [
    "GZIP",
    "SUFFIXES",
    "Document",
    "ReadOptions",
    "find_unread_kind",
    "list_kinds",
    "read",
    "read_unpacked",
    "unpack",
]

# The name of each reader's module, and the suffixes of the files that it reads.
_MEDIA_TYPES = {
    "text": (".txt", ".text"),
    "html": (".html", ".htm", ".xhtml"),
    "markdown": (".md", ".markdown"),
    "jsonl": (".jsonl", ".ndjson"),
}
_BY_SUFFIX = {suffix: name for name, suffixes in _MEDIA_TYPES.items() for suffix in suffixes}
SUFFIXES: frozenset[str] = frozenset(_BY_SUFFIX) | {suffix + PACKED for suffix in _BY_SUFFIX}
"""The suffixes of files that can be read, in lower case."""

# A suffix that stands for a kind of file, unlike the end of "notes.2021" or "v1.draft of May".
_KIND = re.compile(r"\.(?=[0-9]*[a-z])[a-z0-9]{1,8}")
_PDF = b"%PDF-"
_CHUNK = 1 << 16
# Text does not compress better than this; what does may be meant to fill the memory.
_MAX_RATIO, _MIN_BOUND = 200, 1 << 20
_JSON_LINES = re.compile(rb"\s*\{[^\0]")
# Atomic and possessive groups: with backtracking, each leading comment would double the time.
_PAGE = re.compile(
    r"\s*(?:<\?xml[^>]*>\s*|(?><!--.*?-->)\s*)*+<(?:!doctype\s+html|html|head|body)\b",
    re.IGNORECASE | re.DOTALL,
)
_TAG = re.compile("<[!?/a-zA-Z]")
_MARKUP = re.compile(rb"<\s*(?:!doctype|html|head|meta|body|\?xml)", re.IGNORECASE)


def list_kinds() -> str:
    """Return the suffixes of the files that are read, for messages."""
    return ", ".join(_BY_SUFFIX)


def find_unread_kind(name: str) -> str | None:
    """Return the suffix of a file's name if files of this kind are not read, else None; "" if it has none."""
    suffix = suffix_of(name)
    if suffix in _BY_SUFFIX:
        return None
    return suffix if _KIND.fullmatch(suffix) else ""


def read(stream: BinaryIO, name: str, article_id: str, options: ReadOptions) -> Iterator[Article | Failure]:
    """Return the articles in a document, and a failure for each part of it that cannot be read.

    `stream` is read to its end. `name` is the document's path below the source, with slashes; `article_id` is
    the id of its article, or the prefix of the ids if it holds several. Raises UnreadableDocument, before the
    first article, if the whole document cannot be read.
    """
    return read_unpacked(unpack(stream, name, options.max_bytes), name, article_id, options)


def read_unpacked(
    data: bytes, name: str, article_id: str, options: ReadOptions
) -> Iterator[Article | Failure]:
    """Return the articles in a document that `unpack` returned, as `read` does."""
    if data.startswith(_PDF):
        raise UnreadableDocument("not a text: it is a PDF")
    declared = _BY_SUFFIX.get(suffix_of(name))
    if declared == "jsonl" and _JSON_LINES.match(data):
        # NUL bytes, which a crash may leave, spoil only the line that they are in.
        data = re.sub(rb"\0+", "\ufffd".encode(), data)
    text, encoding = decode(data, is_markup=declared == "html" or bool(_MARKUP.search(data[:1024])))
    reader = import_module(f"indexer.readers.{_media_type(text, declared)}")
    try:
        found: Iterator[Article | Failure] = reader.read_articles(
            Document(text, name, article_id, options, encoding)
        )
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
    bound = max(_MAX_RATIO * len(data), _MIN_BOUND)
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
                        f"unpacks to more than {_MAX_RATIO} times its size, so it is not text"
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
    if declared:
        return declared
    line = next((line for line in text[:100_000].splitlines() if line.strip()), "").strip()
    if line.startswith("{") and line.endswith("}"):
        return "jsonl"
    if line in ("---", "+++") or re.match(r"#{1,6}\s\S", line):
        return "markdown"
    return "text"

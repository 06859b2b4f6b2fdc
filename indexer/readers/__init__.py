"""Readers: from a stream of bytes to articles.

A binary stream and a name come in; an iterator of `Article` and `Failure` goes out. `read` decides the media
type and calls the reader of that type. The media type is that of the name's suffix, unless the content is
plainly of another. Before a type that is text is read, packed data is unpacked and the bytes are decoded
(`encoding`).

    document    the arguments of readers (`Document`, `ReadOptions`), and checks that all readers share
    text        plain text: title, date lines, hard-wrapped paragraphs
    html        main text by trafilatura; `metadata` has the title and the dates that the page states
    markdown    blocks; `front_matter` has the fields at the start, also those of plain text
    jsonl       JSON Lines, a record a line; `json` an array of records, `csv` a table of them
    records     from a record with named fields to an article
    warc        web archives (WARC, WACZ), a captured page an article
    mail        mails and mailboxes; `replies` removes what a mail quotes
    docx odt pptx   Office documents; `office` has the parts that they share, `package` their ZIP files
    rtf         Rich Text Format
    epub        books, a chapter an article
    pdf         PDF: the lines of its pages, of which `layout` makes paragraphs; `xmp` what it states
    archive     ZIP and tar: each file in it is read as one in a folder
    packed      gzip, bzip2 and xz data and members of archives, with a bound for what is unpacked
    feed        RSS, Atom and JSON Feed, an entry an article; `wordpress` an export, a post an article
    markup      the text of HTML that a browser shows, for `html` and for HTML inside Markdown
    expressions a text that is a date, or has dates in it
    dates       date lines, dates in addresses and file names, and the choice of the publication date
    assemble    from title, paragraphs and dates to an `Article`: boilerplate, notes, limits

To add a media type:

1. Write a module in this folder with a function `read_articles(document)` that returns an iterator of
   `Article` and `Failure`. `document` is a `TextDocument` for a type that is text, else a `BinaryDocument`.
   The function raises UnreadableDocument, before it returns, if the whole document cannot be read. A type
   that holds one article ends with `assemble_article`. The metadata of a document is a `Details`. The
   shortest to copy is `markdown` for a text, `rtf` for another.
2. Add a `MediaType` to the table below; if a mail or a server may name the type, a line to `SUFFIX_OF_TYPE`
   (`document`).
3. A date that the document states is "given". A new provenance needs a rank in `RANKS` (`dates`), and a text
   in `webui/presenters.py`.
4. Add its row to the table in `webui/guide/configuration.md`, and its tests to `tests/readers`.

A container (an archive, a mailbox) is read record by record, and only a name or a hash is kept of each: its
reader yields from `read_member` for each document in it, or makes the articles itself and calls
`document.begin_record` before each, inside `read_safely`, which makes an error the failure of this record.
Its records must come in the same order each time. A container that is damaged somewhere is read up to there;
then its reader raises UnreadableDocument. Members that are left out without failure (files of other kinds,
drafts) are counted with `document.leave_out`. Before a container is read, packed data is unpacked (`packed`),
unless its reader does that itself.

The reader of a document that is no text calls `document.begin_record` for parts of a long one, such as every
hundred pages. A reader's libraries are imported when the first document of its type is read. Begin with
`read`.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Container, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from io import SEEK_END, BytesIO, TextIOWrapper
from typing import BinaryIO, TypedDict, Unpack

from indexer import limits
from indexer.article import Article, Encoding, Failure, make_record_id
from indexer.errors import InvalidArticle, StorageFailed, UnreadableDocument, format_count
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
    complete_article,
    is_kind,
    read_bounded,
    suffix_of,
    unpacked_name,
)
from indexer.readers.encoding import decode, read_beginning
from indexer.readers.packed import Budget, find_packing, open_unpacked, unpack

__all__ = [
    "GZIP",
    "MEDIA_TYPES",
    "BinaryDocument",
    "Damage",
    "Details",
    "Document",
    "ReadOptions",
    "RecordsDocument",
    "TextDocument",
    "complete_article",
    "describe_failure",
    "describe_kinds",
    "describe_limits",
    "find_media_type",
    "find_packing",
    "find_unread_kind",
    "is_container",
    "is_skipped_folder",
    "is_text",
    "list_kinds",
    "needs_extra",
    "read",
    "read_member",
    "read_safely",
    "read_unpacked",
    "unpack",
    "unpacked_name",
]


@dataclass(frozen=True, slots=True)
class MediaType:
    """A type of documents.

    `module` is the name of its reader's module in this folder, `suffixes` are those of its files. A type that
    `is_text` is decoded for its reader. A container holds any number of documents or records, which the
    limits apply to one by one. `library` is the module that the reader needs beyond the base installation:
    the extra `documents` installs it. The reader of a container that `unpacks_gzip` is given gzip data as it
    is.
    """

    module: str
    suffixes: tuple[str, ...]
    is_text: bool = True
    is_container: bool = False
    library: str | None = None
    unpacks_gzip: bool = False

    @property
    def is_installed(self) -> bool:
        """Whether documents of the type can be read here."""
        return self.library is None or _is_installed(self.library)


MEDIA_TYPES = (
    MediaType("text", (".txt", ".text")),
    MediaType("html", (".html", ".htm", ".xhtml")),
    MediaType("markdown", (".md", ".markdown")),
    MediaType("jsonl", (".jsonl", ".ndjson"), is_container=True),
    MediaType("json", (".json",), is_container=True),
    MediaType("csv", (".csv", ".tsv"), is_container=True),
    MediaType("mail", (".eml", ".mbox"), is_text=False, is_container=True),
    MediaType("docx", (".docx", ".docm"), is_text=False),
    MediaType("odt", (".odt", ".odp"), is_text=False),
    MediaType("pptx", (".pptx", ".pptm", ".ppsx"), is_text=False),
    MediaType("rtf", (".rtf",), is_text=False),
    MediaType("pdf", (".pdf",), is_text=False, library="pypdfium2"),
    MediaType("epub", (".epub",), is_text=False, is_container=True),
    MediaType(
        "warc", (".warc", ".wacz"), is_text=False, is_container=True, unpacks_gzip=True, library="fastwarc"
    ),
    MediaType("archive", (".zip", ".tar", ".tgz", ".tbz2", ".txz"), is_text=False, is_container=True),
    MediaType("feed", (".rss", ".atom", ".xml"), is_text=False, is_container=True, library="feedparser"),
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
EXTRA = "nutgraf[documents]"
"""The extra that installs the libraries of all readers."""

_MAX_KINDS = 8
"""Kinds of files that are named one by one."""
_PACKAGES, _SAVED, _PAGES = "node_modules", "_files", (".html", ".htm")
_MAX_DEPTH = 3
"""Containers around a document: of an archive in an archive in an archive, the members are not read."""
_JSON_LINES = re.compile(rb"\s*\{[^\0]")
# Atomic and possessive groups: with backtracking, each leading comment would double the time.
_PAGE = re.compile(
    r"\s*(?:<\?xml[^>]*>\s*|(?><!--.*?-->)\s*)*+<(?:!doctype\s+html|html|head|body)\b",
    re.IGNORECASE | re.DOTALL,
)
_TAG = re.compile("<[!?/a-zA-Z]")
_MARKUP = re.compile(rb"<\s*(?:!doctype|html|head|meta|body|\?xml)", re.IGNORECASE)


class _Given(TypedDict, total=False):
    """Arguments that a container passes on to the documents in it; see `Document`."""

    context: Details
    depth: int
    budget: Budget | None
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
    return suffix if is_kind(suffix) else ""


def is_container(name: str) -> bool:
    """Whether a file is a container of documents, by its name."""
    kind = _BY_SUFFIX.get(suffix_of(name))
    return kind is not None and kind.is_container


def is_text(name: str) -> bool:
    """Whether a file is text, by its name; true if the name does not tell."""
    kind = _BY_SUFFIX.get(suffix_of(name))
    return kind is None or kind.is_text


def is_skipped_folder(path: str, files: Container[str]) -> bool:
    """Whether a folder is not read, given the paths of the files beside it.

    These are hidden ones, those in which npm keeps packages, and those in which browsers save the parts of a
    page: `X_files` beside `X.html`.
    """
    name = path.rpartition("/")[2]
    stem = path.removesuffix(_SAVED)
    return (
        (name.startswith(".") and name != "..")
        or name == _PACKAGES
        or (stem != path and any(stem + suffix in files for suffix in _PAGES))
    )


def describe_kinds(kinds: Mapping[str, int]) -> str:
    """Return how many files are of kinds that are not read, of which kinds, and how to read them."""
    if not kinds:
        return ""
    ordered = sorted(kinds.items(), key=lambda item: (-item[1], item[0]))
    named = [f"{kind or 'without a suffix'} {count:,}" for kind, count in ordered[:_MAX_KINDS]]
    more = [f"{len(ordered) - _MAX_KINDS} more kinds"] if len(ordered) > _MAX_KINDS else []
    # Besides files, a container may have records that are left out.
    things = "file" if all(not kind or kind.startswith(".") for kind in kinds) else "record"
    count = format_count(sum(kinds.values()), things)
    wanting = ", ".join(kind for kind, _ in ordered if needs_extra(kind))
    advice = f"; install {EXTRA} to read {wanting}" if wanting else ""
    return f"{count} of kinds that are not read: {', '.join(named + more)}{advice}"


def describe_limits(max_bytes: int) -> str:
    """Return all that decides what of a file is read, as a text: when it changes, more may be read."""
    return f"{limits.file_limits(max_bytes)} {list_kinds()}"


def needs_extra(suffix: str) -> bool:
    """Whether files with a suffix would be read if the extra were installed."""
    kind = _BY_SUFFIX.get(suffix)
    return kind is not None and not kind.is_installed


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
            return _read_records(kind.module, stream, name, article_id, options, given)
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


def find_media_type(stream: BinaryIO, name: str) -> MediaType | None:
    """Return the media type of a document: None for a text of an unknown type.

    It is that of its suffix if this is of a container, else that of its first bytes, else that of its suffix.
    """
    declared = _BY_SUFFIX.get(suffix_of(name))
    if declared is not None and declared.is_container and not declared.is_text:
        return declared
    start = stream.read(_START)
    stream.seek(0)
    if find_packing(start):
        start = _read_unpacked_start(stream)
    else:
        for signature, find_module in _SIGNATURES.items():
            if start.startswith(signature) and (module := find_module(stream)):
                return _BY_MODULE[module]
    is_mail = (declared is None or declared.is_text) and _MAIL.match(start)
    return _BY_MODULE["mail"] if is_mail else declared


def _read_unpacked_start(stream: BinaryIO) -> bytes:
    try:
        return open_unpacked(stream, Budget(0)).read(_START)
    except UnreadableDocument:
        return b""  # it is reported when it is read
    finally:
        stream.seek(0)


def _find_package(stream: BinaryIO) -> str | None:
    # Imported here, since most files are no packages.
    from indexer.readers.package import find_package_module

    module = find_package_module(stream)
    stream.seek(0)
    return module


# The first bytes of documents that are no text, and the module that reads them whatever their suffix.
_SIGNATURES: dict[bytes, Callable[[BinaryIO], str | None]] = {
    b"{\\rtf": lambda _stream: "rtf",
    b"%PDF-": lambda _stream: "pdf",
    b"PK\x03\x04": _find_package,
    b"WARC/1.": lambda _stream: "warc",
}


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
    kind = _BY_SUFFIX.get(suffix_of(name))
    declared = kind.module if kind and kind.is_text else None
    text, encoding = decode(data, is_markup=declared == "html" or bool(_MARKUP.search(data[:1024])))
    decoded = TextDocument(
        name=name, article_id=article_id, options=options, text=text, encoding=encoding, **given
    )
    module = _media_type(text, declared)
    if module == "jsonl":
        return _read_decoded(module, BytesIO(data), name, article_id, options, encoding, given)
    return _call_reader(module, decoded)


def _read_records(
    declared: str, stream: BinaryIO, name: str, article_id: str, options: ReadOptions, given: _Given
) -> Iterator[Article | Failure]:
    """Return the articles in a text that holds records, which is decoded while it is read."""
    data, is_whole = read_beginning(stream)
    stream.seek(0)
    if declared == "jsonl" and _JSON_LINES.match(data):
        # NUL bytes do not show that this is no text: the reader reports the lines that they are in.
        data = data.replace(b"\0", b"")
    text, encoding = decode(data, is_markup=bool(_MARKUP.search(data[:1024])))
    if is_whole and not text.strip():
        # Not damaged: it has no records any more.
        return iter([Failure(name, "contains no text")])
    module = _media_type(text, declared)
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

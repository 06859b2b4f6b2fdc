"""Web archives: WARC, and WACZ, which is a ZIP archive of them. Each captured page is an article.

How much a web archive unpacks to has no bound of its own, only that of each record. The addresses in it are
never opened. When a page was captured says only that it was not published
later: it is a note, and never the publication date.
"""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.message import Message
from email.parser import BytesHeaderParser
from email.policy import compat32
from hashlib import sha256
from io import BytesIO
from typing import Any, BinaryIO
from urllib.parse import quote, urlsplit

from msgspec.structs import replace as replace_date

from indexer.article import Article, Failure
from indexer.errors import UnreadableDocument
from indexer.readers.dates import find_path_date
from indexer.readers.dispatch import read_member, read_safely
from indexer.readers.document import (
    GZIP,
    SUFFIX_OF_TYPE,
    BinaryDocument,
    Damage,
    Details,
    Seen,
    describe_excess,
    is_kind,
    suffix_of,
    web_address,
)
from indexer.readers.encoding import transcode
from indexer.readers.media_types import find_unread_kind
from indexer.readers.packed import open_member, open_zip

_HEADER_BYTES = 1 << 16
"""Bytes at the start of a response that are searched for the end of its header."""
_MAX_ADDRESS = 200
"""Characters of an address in an id; a longer one ends with a hash."""
_RECORD, _ZIP = b"WARC/", b"PK\x03\x04"
_WARC = re.compile(r"archive/[^/]+\.warc(?:\.gz)?", re.IGNORECASE)
_HEADER_END = re.compile(rb"\r?\n\r?\n")
_STATUS = re.compile(rb"HTTP/\d(?:\.\d)? +(\d{3})")
# Passing over many small records takes time as reading one does.
_MANY = 1000
_SCHEMES = frozenset(("http", "https", "ftp", "file"))
_ANY_TYPE = frozenset(("", "application/octet-stream", "binary/octet-stream", "application/x-download"))
_ADDRESS_CHARACTERS = ":/?#[]@!$&'()*+,;=%-._~"


@dataclass(slots=True)
class _ErrorKeeper:
    """A stream for the library that parses records: it ends where reading fails, and keeps the error.

    The library is not made for streams that raise errors: these end the process.
    """

    stream: BinaryIO
    error: Exception | None = None

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes."""
        if self.error is not None:
            return b""
        try:
            return self.stream.read(size)
        except Exception as error:  # noqa: BLE001 - raised again after the last whole record
            self.error = error
            return b""

    def seek(self, offset: int, whence: int = 0) -> int:
        """Stay in place: a web archive is read forward."""
        return self.tell()

    def tell(self) -> int:
        """Return zero: the library only subtracts two of these."""
        return 0


@dataclass(frozen=True, slots=True)
class _Captures:
    """The captures that were met so far: digests of their contents, and their addresses."""

    contents: Seen = field(default_factory=Seen)
    addresses: Seen = field(default_factory=Seen)


@dataclass(frozen=True, slots=True)
class _Capture:
    """The content that an address had at a time, as its server sent it."""

    address: str
    time: datetime | None
    header: Message
    data: bytes
    is_truncated: bool


def read_articles(document: BinaryDocument) -> Iterator[Article | Failure]:
    """Return the articles of the pages in a web archive, and failures.

    Raises UnreadableDocument if it is none, or after the last article before damage.
    """
    start = document.stream.read(len(_RECORD))
    document.stream.seek(0)
    captures = _Captures()
    if start.startswith((_RECORD, GZIP)):
        return _read_records(document, document.stream, captures)
    if not start.startswith(_ZIP):
        raise UnreadableDocument("not a web archive: it begins with neither a WARC record nor a ZIP archive")
    archive = open_zip(document.stream)
    members = [info for info in archive.infolist() if _WARC.fullmatch(info.filename)]
    if not members:
        raise UnreadableDocument("contains no WARC file in a folder named archive")
    return _read_archives(document, archive, members, captures)


def _read_archives(
    document: BinaryDocument, archive: zipfile.ZipFile, members: list[zipfile.ZipInfo], captures: _Captures
) -> Iterator[Article | Failure]:
    with archive:
        for info in members:
            try:
                with open_member(archive, info) as stream:
                    yield from _read_records(document, stream, captures)  # type: ignore[arg-type]
            except (UnreadableDocument, zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
                reason = str(error) if isinstance(error, UnreadableDocument) else f"damaged: {error}"
                yield Damage(f"{document.name}/{info.filename}", reason)


def _read_records(
    document: BinaryDocument, stream: BinaryIO, captures: _Captures
) -> Iterator[Article | Failure]:
    # Imported here, since few archives have WARC files.
    from fastwarc.warc import ArchiveIterator, WarcRecordType

    kinds = (
        WarcRecordType.response | WarcRecordType.resource | WarcRecordType.revisit | WarcRecordType.conversion
    )
    source: Any = _ErrorKeeper(stream)
    count = 0
    try:
        for record in ArchiveIterator(source, record_types=kinds, parse_http=False):
            if record.record_type == WarcRecordType.revisit:
                document.leave_out("repeated captures")
            elif record.record_type == WarcRecordType.conversion:
                document.leave_out("conversions of captures")
            elif not (address := _read_address(record)):
                document.leave_out("records about the crawl")
            else:
                path = f"{document.name}/{_encode(address)}"
                yield from read_safely(path, _read_record(document, record, address, captures))
                continue
            count += 1
            if count % _MANY == 0:
                document.begin_record(0)
    except OSError as error:
        if source.error is None:
            raise UnreadableDocument(f"damaged: {error}") from error
    if isinstance(source.error, UnreadableDocument):
        raise source.error
    if isinstance(source.error, OSError) and source.error.errno:
        raise source.error
    if source.error is not None:
        raise UnreadableDocument(f"damaged: {source.error}") from source.error


def _read_address(record: Any) -> str:
    """Return the address that was captured; "" for a record about the crawl."""
    address = (record.headers.get("WARC-Target-URI") or "").strip().removeprefix("<").removesuffix(">")
    try:
        scheme = urlsplit(address).scheme.lower()
    except ValueError:
        scheme = ""
    return address if scheme in _SCHEMES else ""


def _read_record(
    document: BinaryDocument, record: Any, address: str, captures: _Captures
) -> Iterator[Article | Failure]:
    document.begin_record(record.content_length)
    capture = _read_capture(document, record, address)
    if capture is None:
        return
    digest = record.headers.get("WARC-Payload-Digest") or sha256(capture.data).hexdigest()
    if not captures.contents.add(digest):
        document.leave_out("repeated captures")
        return
    suffix = _find_suffix(capture)
    data = _decode_content(capture.header, capture.data, document.options.max_bytes)
    data = transcode(data, capture.header.get_content_charset(""))
    name = _encode(address)
    if not captures.addresses.add(address):
        # The id of an article stays the same if captures of its address follow.
        name += f"@{capture.time:%Y%m%d%H%M%S}" if capture.time else f"@{sha256(data).hexdigest()[:14]}"
    member, details = _limit_dates(document, capture), _describe_capture(capture, document)
    for found in read_member(member, BytesIO(data), name + suffix, details, record=name):
        yield found if isinstance(found, Failure) else _drop_file_date(found)


def _read_capture(document: BinaryDocument, record: Any, address: str) -> _Capture | None:
    """Return the capture in a record; None if it is left out because it is no page.

    Raises UnreadableDocument if it is larger than a document may be, or is not complete.
    """
    kind = record.headers.get("Content-Type") or ""
    head = _read_block(record, _HEADER_BYTES)
    start = 0
    if kind.lower().startswith("application/http"):
        status = _STATUS.match(head)
        if status is None or status[1] != b"200":
            document.leave_out("redirects and errors")
            return None
        end = _HEADER_END.search(head)
        if end is None:
            raise UnreadableDocument("damaged: the header of the response has no end")
        header: Message = BytesHeaderParser(policy=compat32).parsebytes(
            head[head.find(b"\n") + 1 : end.end()]
        )
        start = end.end()
    else:
        header = Message(policy=compat32)
        header["Content-Type"] = kind
    is_truncated = record.headers.get("WARC-Truncated") is not None
    capture = _Capture(address, record.record_date, header, b"", is_truncated)
    suffix = _find_suffix(capture)
    if find_unread_kind(suffix) is not None or urlsplit(address).path == "/robots.txt":
        document.leave_out(suffix if is_kind(suffix) else "captures of other kinds")
        return None
    if record.content_length - start > document.options.max_bytes:
        raise UnreadableDocument(describe_excess(document.options.max_bytes))
    data = head + _read_block(record, record.content_length - len(head))
    if len(data) < record.content_length:
        raise UnreadableDocument("damaged: it ends too early")
    return replace(capture, data=data[start:])


def _read_block(record: Any, size: int) -> bytes:
    """Return the next bytes of a record: so many, or all that there are."""
    data = bytearray()
    while len(data) < size and (piece := record.reader.read(size - len(data))):
        data += piece
    return bytes(data)


def _find_suffix(capture: _Capture) -> str:
    """Return the suffix of the type that a response states; if it states none, that of its address.

    Only the types of `SUFFIX_OF_TYPE` are read: the feeds of a site and the answers of its programs, which
    JSON and XML mostly are, have what its pages have.
    """
    kind = capture.header.get_content_type() if str(capture.header.get("content-type", "")).strip() else ""
    suffix = suffix_of(urlsplit(capture.address).path)
    if kind in _ANY_TYPE:
        return suffix
    if kind in SUFFIX_OF_TYPE:
        return SUFFIX_OF_TYPE[kind]
    # The type is not read. Its captures are counted by a suffix that is not read, either.
    names = (suffix, f".{kind.rpartition('/')[2]}")
    return next((name for name in names if find_unread_kind(name)), "")


def _decode_content(header: Message, data: bytes, max_bytes: int) -> bytes:
    """Return a content without its transfer and content encodings, as far as it has those.

    Some crawlers store what they have decoded with the header as it was. Raises UnreadableDocument if it is
    larger than a document may be.
    """
    if "chunked" in str(header.get("transfer-encoding", "")).lower():
        data = _join_chunks(data)
    for name in reversed(str(header.get("content-encoding", "")).lower().split(",")):
        try:
            data = _decompress(name.strip(), data, max_bytes + 1)
        except (OSError, zlib.error, ValueError, EOFError):
            pass  # it was decoded before
        if len(data) > max_bytes:
            raise UnreadableDocument(f"unpacks to more than {max_bytes / 2**20:g} MB")
    return data


def _decompress(encoding: str, data: bytes, size: int) -> bytes:
    """Return at most `size` bytes of what was compressed."""
    if encoding in ("gzip", "x-gzip", "deflate"):
        try:
            return zlib.decompressobj(zlib.MAX_WBITS | 32).decompress(data, size)
        except zlib.error:
            if encoding != "deflate":
                raise
            # Some servers leave out the header of zlib.
            return zlib.decompressobj(-zlib.MAX_WBITS).decompress(data, size)
    if encoding == "br":
        from fastwarc.stream_io import BrotliReader

        return BrotliReader(BytesIO(data)).read(size)
    if encoding == "zstd":
        import zstandard

        try:
            return zstandard.ZstdDecompressor().stream_reader(data).read(size)
        except zstandard.ZstdError as error:
            raise ValueError(str(error)) from error
    return data


def _join_chunks(data: bytes) -> bytes:
    """Return what was sent in chunks (RFC 9112, 7.1); the data as it is if it was not."""
    chunks: list[bytes] = []
    at = 0
    while True:
        end = data.find(b"\r\n", at, at + 1000)
        try:
            size = int(data[at:end].partition(b";")[0], 16) if end >= 0 else -1
        except ValueError:
            size = -1
        if size < 0:
            # At most the end of an incomplete response is lost.
            return b"".join(chunks) if chunks else data
        if size == 0:
            return b"".join(chunks)
        chunks.append(data[end + 2 : end + 2 + size])
        at = end + 2 + size + 2


def _describe_capture(capture: _Capture, document: BinaryDocument) -> Details:
    """Return the details that a capture states of its page."""
    notes = []
    if capture.time:
        notes.append(f"captured {capture.time.astimezone(UTC):%Y-%m-%d %H:%M} UTC")
    if capture.is_truncated:
        notes.append("truncated by the crawler")
    dated = find_path_date(urlsplit(capture.address).path, "url", document.options)
    return Details(url=web_address(capture.address), dates=(dated,) if dated else (), notes=tuple(notes))


def _limit_dates(document: BinaryDocument, capture: _Capture) -> BinaryDocument:
    """Return the document for a page that was not published after it was captured, in any time zone."""
    if capture.time is None:
        return document
    last = min((capture.time + timedelta(days=1)).date(), document.options.last_day())
    return replace(document, options=replace(document.options, today=last))


def _drop_file_date(article: Article) -> Article:
    """Return an article without the date in the name of the web archive, which is that of the crawl."""
    published = article.published
    if published is None:
        return article
    if published.provenance == "file name":
        return replace(article, published=None)
    others = tuple(other for other in published.others if other[1] != "file name")
    return (
        replace(article, published=replace_date(published, others=others))
        if others != published.others
        else article
    )


def _encode(address: str) -> str:
    """Return an address as a part of an id."""
    name = quote(address, safe=_ADDRESS_CHARACTERS)
    if len(name) <= _MAX_ADDRESS:
        return name
    return f"{name[: _MAX_ADDRESS - 17]}-{sha256(name.encode()).hexdigest()[:16]}"

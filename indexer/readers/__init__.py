"""Bytes in, articles out: one reader a media type, chosen by the file's name and then by what is in it.

Each reader's libraries load when the first document of its type is read.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from dataclasses import replace

from indexer.article import Article, Failure
from indexer.errors import InvalidArticle, UnreadableDocument
from indexer.readers.options import ReadOptions, check_length

__all__ = ["SUFFIXES", "ReadOptions", "read", "read_unpacked", "unpacked"]

_TYPES = {
    ".txt": "text",
    ".text": "text",
    ".html": "html",
    ".htm": "html",
    ".xhtml": "html",
    ".md": "markdown",
    ".markdown": "markdown",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
}
SUFFIXES: frozenset[str] = frozenset(_TYPES) | {f"{suffix}.gz" for suffix in _TYPES}
"""The ends of the file names (in lower case) that a walk through a folder should pick up."""

_GZIP = b"\x1f\x8b"
_LINES_IN_BYTES = re.compile(rb"\s*\{[^\0]")
_ZEROS = re.compile(rb"\0*")
_WINDOW = 1 << 14
# What unpacks to more than so many times its size, and to more bytes than these, is no text.
_RATIO, _FREE = 200, 1 << 20
# What was passed over is not looked at again (?>): else the time doubles with every comment that comes first.
_PAGE = re.compile(
    r"\s*(?:<\?xml[^>]*>\s*|(?><!--.*?-->)\s*)*+<(?:!doctype\s+html|html|head|body)\b",
    re.IGNORECASE | re.DOTALL,
)
_TAG = re.compile("<[!?/a-zA-Z]")
_MARKUP = re.compile(rb"<\s*(?:!doctype|html|head|meta|body|\?xml)", re.IGNORECASE)


def read(
    data: bytes, name: str, article_id: str, options: ReadOptions, *, first_line: int = 1
) -> Iterator[Article | Failure]:
    """The articles in a document's bytes, and a failure for each part of it that is none.

    `name` is its path below the source, with slashes; `article_id` the id for a document that holds one
    article; `first_line` the number of the first line, for a piece of a longer file. Raises
    UnreadableDocument, before the first article, when nothing can be made of the whole.
    """
    return read_unpacked(
        unpacked(data, name, options.max_bytes), name, article_id, options, first_line=first_line
    )


def read_unpacked(
    data: bytes, name: str, article_id: str, options: ReadOptions, *, first_line: int = 1
) -> Iterator[Article | Failure]:
    """The same, of what was unpacked already."""
    from indexer.readers.encoding import decode

    declared = _TYPES.get(_suffix(name))
    if declared == "jsonl" and _LINES_IN_BYTES.match(data):
        # Zeros, as a crash leaves them, spoil the line that they are in and not the others.
        data = re.sub(rb"\0+", "\ufffd".encode(), data)
    text, encoding = decode(data, markup=declared == "html" or bool(_MARKUP.search(data[:1024])))
    kind = _kind(text, declared)
    notes: tuple[str, ...] = ()
    if encoding.guessed and (lost := text.count("\ufffd")):
        notes = (f"{lost} unreadable characters are shown as \ufffd",)
    if kind == "jsonl":
        from indexer.readers.jsonl import read_lines

        return read_lines(text, name, article_id, options, encoding, first_line)
    try:
        if kind != "html":
            # Before anything is made of it, for that takes several times as much.
            check_length(len(text))
        article = _read_one(kind, text, name, article_id, options)
        check_length(sum(len(text.encode()) for text in (article.title, *article.paragraphs)))
        return iter([replace(article, encoding=encoding, notes=(*notes, *article.notes))])
    except InvalidArticle as error:
        raise UnreadableDocument(str(error)) from error


def _read_one(kind: str, text: str, name: str, article_id: str, options: ReadOptions) -> Article:
    if kind == "html":
        from indexer.readers.html import read_html

        return read_html(text, name, article_id, options)
    if kind == "markdown":
        from indexer.readers.markdown import read_markdown

        return read_markdown(text, name, article_id, options)
    from indexer.readers.text import read_text

    return read_text(text, name, article_id, options)


def _suffix(name: str) -> str:
    stem = name.rpartition("/")[2].lower().removesuffix(".gz")
    return "." + stem.rpartition(".")[2] if "." in stem else ""


def _kind(text: str, declared: str | None) -> str:
    """The media type: the name's, unless the content is plainly another."""
    if declared != "html" and _PAGE.match(text[:20_000]):
        return "html"
    if declared == "html":
        return "html" if _TAG.search(text) else "text"
    if declared:
        return declared
    line = next((line for line in text[:100_000].splitlines() if line.strip()), "").strip()
    if line.startswith("{") and line.endswith("}"):
        return "jsonl"
    if line == "---" or re.match(r"#{1,6}\s\S", line):
        return "markdown"
    return "text"


def unpacked(data: bytes, name: str, limit: int) -> bytes:
    """What is in gzip data; anything else as it is. Raises UnreadableDocument."""
    if len(data) > limit:
        raise UnreadableDocument(f"at most {limit} bytes are read, {len(data)} were found")
    if not data.startswith(_GZIP):
        if name.lower().endswith(".gz") and data:
            raise UnreadableDocument("gzip data is wanted (the name says .gz), something else was found")
        return data
    whole = bytearray()
    at, packed = 0, memoryview(data)
    while at < len(data):
        # Another member may follow, and zeros may pad the end.
        if not data.startswith(_GZIP, at):
            raise UnreadableDocument("gzip data is followed by something else")
        member = zlib.decompressobj(wbits=31)
        while not member.eof:
            # By windows: what is left after a member is copied, and there may be millions of them.
            window = packed[at : at + _WINDOW]
            if not window:
                raise UnreadableDocument("gzip data ends too early: the file is cut off")
            try:
                whole += member.decompress(window, limit - len(whole) + 1)
            except zlib.error as error:
                raise UnreadableDocument(f"gzip data is damaged: {error}") from error
            if len(whole) > limit:
                raise UnreadableDocument(f"at most {limit} bytes are read, gzip data unpacks to more")
            if len(whole) > max(_RATIO * len(data), _FREE):
                raise UnreadableDocument(
                    f"gzip data unpacks to more than {_RATIO} times its size: no text does"
                )
            at += len(window) - len(member.unused_data)
        at += len(_ZEROS.match(data, at)[0])  # type: ignore[index]
    return bytes(whole)

"""The types of documents that are read, and which of them a document is."""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from typing import BinaryIO

from indexer import limits
from indexer.errors import UnreadableDocument, format_count
from indexer.readers.document import is_kind, suffix_of
from indexer.readers.packed import Budget, find_packing, open_unpacked


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
# Atomic and possessive groups: with backtracking, each leading comment would double the time.
_PAGE = re.compile(
    r"\s*(?:<\?xml[^>]*>\s*|(?><!--.*?-->)\s*)*+<(?:!doctype\s+html|html|head|body)\b",
    re.IGNORECASE | re.DOTALL,
)
_TAG = re.compile("<[!?/a-zA-Z]")


@cache
def _is_installed(library: str) -> bool:
    return find_spec(library) is not None


def find_declared_type(name: str) -> MediaType | None:
    """Return the media type that the suffix of a name declares."""
    # Nearly all names end with a suffix of the table.
    return _BY_SUFFIX.get(name[name.rfind(".") :]) or _BY_SUFFIX.get(suffix_of(name))


def list_suffixes() -> list[str]:
    """Return the suffixes of the files that are read; that of packed data may follow."""
    return [suffix for suffix, kind in _BY_SUFFIX.items() if kind.is_installed]


def list_kinds() -> str:
    """Return the suffixes of the files that are read, for messages."""
    return ", ".join(list_suffixes())


def find_unread_kind(name: str) -> str | None:
    """Return the suffix of a file's name if files of this kind are not read, else None; "" if it has none."""
    if (kind := find_declared_type(name)) and kind.is_installed:
        return None
    suffix = suffix_of(name)
    return suffix if is_kind(suffix) else ""


def is_container(name: str) -> bool:
    """Whether a file is a container of documents, by its name."""
    kind = find_declared_type(name)
    return kind is not None and kind.is_container


def is_text(name: str) -> bool:
    """Whether a file is text, by its name; true if the name does not tell."""
    kind = find_declared_type(name)
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


def find_text_module(text: str, declared: MediaType | None) -> str:
    """Return the module that reads a text: that of its suffix, unless the text is plainly of another type."""
    module = declared.module if declared and declared.is_text else None
    if module != "html" and _PAGE.match(text[:20_000]):
        return "html"
    if module == "html":
        return "html" if _TAG.search(text) else "text"
    if module == "jsonl" and text.lstrip()[:1] == "[":
        return "json"
    if module:
        return module
    line = next((line for line in text[:100_000].splitlines() if line.strip()), "").strip()
    if line.startswith("{") and line.endswith("}"):
        return "jsonl"
    if line in ("---", "+++") or re.match(r"#{1,6}\s\S", line):
        return "markdown"
    return "text"

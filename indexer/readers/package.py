"""Packages: Office documents and books are ZIP files of XML parts.

The sizes of parts are bounded before they are unpacked. Nothing that a part refers to is opened.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import BufferedIOBase
from typing import Any, BinaryIO
from urllib.parse import unquote
from zipfile import BadZipFile, ZipFile

from lxml import etree

from indexer.article import Published, normalize_space
from indexer.errors import UnreadableDocument
from indexer.readers.document import (
    MAX_RATIO,
    MIN_BOUND,
    NO_DETAILS,
    BinaryDocument,
    Details,
    ReadOptions,
    language_code,
    split_keywords,
    split_names,
)
from indexer.readers.expressions import parse_date
from indexer.readers.packed import open_member

_CHUNK = 1 << 16
_MAX_SMALL_PART = 4 << 20
"""Bytes of a part that is parsed as a whole, such as the one with the metadata."""
_COMPOUND_FILE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED_STREAM = "EncryptedPackage".encode("utf-16-le")
# A part that packages of a kind have, and the module that reads them.
_MAIN_PARTS = {
    "word/document.xml": "docx",
    "ppt/presentation.xml": "pptx",
    "META-INF/container.xml": "epub",
    "content.xml": "odt",
}
_CORE_PROPERTIES = {
    "title": "title",
    "creator": "author",
    "keywords": "keywords",
    "language": "language",
    "created": "created",
    "modified": "modified",
}
# The place of an error, which lxml states twice.
_PLACE = re.compile(r", line \d+, column \d+.*|\(<string>.*", re.DOTALL)


class Package:
    """The parts of a document.

    Raises UnreadableDocument if it is encrypted or no ZIP file; so does each method for a part that is
    damaged, missing or too large.
    """

    def __init__(self, document: BinaryDocument) -> None:
        start = document.stream.read(len(_COMPOUND_FILE))
        document.stream.seek(0)
        if start == _COMPOUND_FILE:
            raise UnreadableDocument(_describe_compound_file(document.stream))
        self._max_bytes = document.options.max_bytes
        with _report_damage():
            self._zip = ZipFile(document.stream)
        self.names = frozenset(self._zip.namelist())
        if any(info.flag_bits & 1 for info in self._zip.infolist()):
            raise UnreadableDocument("encrypted")

    def read(self, name: str) -> bytes:
        """Return the content of a part."""
        with self._open(name, self._max_bytes) as part:
            return part.read()

    def parse(self, name: str) -> Any:
        """Return the root element of a small part; entities are not expanded."""
        parser = etree.XMLParser(
            resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True, remove_pis=True
        )
        with self._open(name, _MAX_SMALL_PART) as part:
            return etree.fromstring(part.read(), parser)

    def feed(self, name: str, target: object) -> None:
        """Parse a part of any length, for lxml's parser target."""
        parser = etree.XMLParser(target=target, resolve_entities=False, no_network=True, load_dtd=False)
        with self._open(name, self._max_bytes) as part:
            while chunk := part.read(_CHUNK):
                parser.feed(chunk)
            parser.close()

    @contextmanager
    def _open(self, name: str, most: int) -> Iterator[BufferedIOBase]:
        with _report_damage():
            try:
                info = self._zip.getinfo(name)
            except KeyError:
                raise UnreadableDocument(f"damaged: it has no part {name}") from None
            if info.file_size > most:
                raise UnreadableDocument(f"its part {name} unpacks to more than {most / 2**20:g} MB")
            if info.file_size > max(MAX_RATIO * info.compress_size, MIN_BOUND):
                raise UnreadableDocument(
                    f"its part {name} unpacks to more than {MAX_RATIO} times its size, so it is not text"
                )
            # No more than the stated size is ever unpacked.
            with open_member(self._zip, info) as part:
                yield part


def find_package_module(stream: BinaryIO) -> str | None:
    """Return the name of the reader for the package in a stream; None if it is another kind of ZIP file."""
    try:
        with ZipFile(stream) as package:
            names = set(package.namelist())
    except (BadZipFile, OSError, ValueError, NotImplementedError):
        return None
    return next((module for part, module in _MAIN_PARTS.items() if part in names), None)


def resolve_path(folder: str, path: str) -> str:
    """Return the name of the part that a path in a folder of the package stands for."""
    names = [] if path.startswith("/") else folder.split("/")
    for name in unquote(path).split("/"):
        if name == "..":
            del names[-1:]
        elif name != ".":
            names.append(name)
    return "/".join(filter(None, names))


def local_name(tag: str) -> str:
    """Return the name of an element or an attribute without its namespace."""
    return tag.rpartition("}")[2]


def find_attribute(element: Any, name: str) -> str:
    """Return the value of an attribute, whatever its namespace; "" if there is none."""
    return next((value for key, value in element.attrib.items() if local_name(key) == name), "")


def read_properties(root: Any, kinds: Mapping[str, str], options: ReadOptions) -> tuple[str, Details]:
    """Return the title and the details in a part with metadata.

    `kinds` says which elements, by their names without namespaces, are a title, an author, keywords, a
    subject, a publisher, a language, or the date when the document was created or modified.
    """
    found: dict[str, list[str]] = {}
    for element in root.iter("{*}*"):
        kind = kinds.get(local_name(element.tag))
        if kind and (text := normalize_space(element.text or "")):
            found.setdefault(kind, []).append(text)
    dates: list[Published] = []
    for kind, provenance in (("created", "properties"), ("modified", "modified")):
        stated = (parse_date(text, provenance, options) for text in found.get(kind, ()))
        dates += filter(None, stated)
    languages = map(language_code, found.get("language", ()))
    return next(iter(found.get("title", ())), ""), Details(
        language=next(filter(None, languages), None),
        authors=tuple(name for text in found.get("author", ()) for name in split_names(text)),
        tags=tuple(word for text in found.get("keywords", ()) for word in split_keywords(text))
        + tuple(found.get("subject", ())),
        publisher=next(iter(found.get("publisher", ())), None),
        dates=tuple(dates),
    )


def find_related(package: Package, name: str) -> Iterator[tuple[str, str, str]]:
    """Yield the id, the kind and the name of each part that a part refers to; "" is the package itself."""
    folder, _, file = name.rpartition("/")
    relations = f"{folder}/_rels/{file}.rels".lstrip("/")
    if relations not in package.names:
        return
    for relation in package.parse(relations):
        # An external target is an address.
        if relation.get("TargetMode") != "External" and (target := relation.get("Target")):
            kind = (relation.get("Type") or "").rpartition("/")[2]
            yield relation.get("Id") or "", kind, resolve_path(folder, target)


def find_main_part(package: Package) -> str:
    """Return the name of the part of a package of Office Open XML that has the text."""
    for _, kind, name in find_related(package, ""):
        if kind == "officeDocument":
            return name
    raise UnreadableDocument("damaged: it does not say which of its parts has the text")


def read_core_properties(package: Package, options: ReadOptions) -> tuple[str, Details]:
    """Return the title and the details that a package of Office Open XML states of itself."""
    for _, kind, name in find_related(package, ""):
        if kind == "core-properties" and name in package.names:
            return read_properties(package.parse(name), _CORE_PROPERTIES, options)
    return "", NO_DETAILS


@contextmanager
def _report_damage() -> Iterator[None]:
    try:
        yield
    except etree.LxmlError as error:
        if getattr(error, "code", None) == etree.ErrorTypes.ERR_NO_MEMORY:
            raise MemoryError from error
        raise UnreadableDocument(f"damaged: {_PLACE.sub('', str(error))}") from error
    except (BadZipFile, zlib.error, EOFError, NotImplementedError, OSError, ValueError) as error:
        raise UnreadableDocument(f"damaged: {error}") from error


def _describe_compound_file(stream: BinaryIO) -> str:
    """Return why a file of the kind that Office wrote before 2007, or writes with a password, is not read."""
    return (
        "encrypted"
        if _ENCRYPTED_STREAM in stream.read()
        else "in the format of Office before 2007: save it in the present one"
    )

"""XMP: what a PDF states about itself in a packet of XML.

Packets stand in files as they are, not compressed, between marks that programs can find without knowledge of
the format (ISO 16684-1, 7.3). That is done here, since pdfium gives no access to them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from itertools import islice
from typing import BinaryIO

from lxml import etree

from indexer.article import normalize_space

_MARK = re.compile(rb"<\?xpacket (begin|end)=")
_MARK_LENGTH = 20
_CHUNK = _MAX_PACKET = 1 << 20
_MAX_PACKETS = 10_000
_TYPE = "application/pdf"
_RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
_PREFIXES = {
    "http://purl.org/dc/elements/1.1/": "dc",
    "http://ns.adobe.com/xap/1.0/": "xmp",
    "http://ns.adobe.com/pdf/1.3/": "pdf",
}
_PRISM = "http://prismstandard.org/namespaces/"
"""The start of the namespace in all versions of PRISM."""


def read_xmp(stream: BinaryIO) -> dict[str, list[str]]:
    """Return the values of the properties of a PDF, such as `dc:creator`; empty if it has no XMP.

    The last packet counts, since a changed file has the new one after the old one. Packets that are damaged,
    larger than 1 MB, or those of pictures in the file are ignored.
    """
    stream.seek(0)
    found: dict[str, list[str]] = {}
    for packet in islice(_find_packets(stream), _MAX_PACKETS):
        found = _parse_packet(packet) or found
    return found


def _find_packets(stream: BinaryIO) -> Iterator[bytes]:
    held = b""
    for chunk in iter(partial(stream.read, _CHUNK), b""):
        held += chunk
        start = None
        for mark in _MARK.finditer(held):
            if mark[1] == b"begin":
                start = mark.start()
            elif start is not None:
                if mark.start() - start <= _MAX_PACKET:
                    yield held[start : mark.start()]
                start = None
        is_open = start is not None and len(held) - start <= _MAX_PACKET
        held = held[start:] if is_open else held[-_MARK_LENGTH:]


def _parse_packet(packet: bytes) -> dict[str, list[str]]:
    """Return the properties of the known vocabularies; empty for damaged packets and those of pictures."""
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True, remove_pis=True
    )
    try:
        root = etree.fromstring(packet, parser)
    except etree.LxmlError:
        return {}
    found: dict[str, list[str]] = {}
    for description in root.iterfind(f".//{_RDF}RDF/{_RDF}Description"):
        for tag, value in description.items():
            _add(found, tag, [value])
        for element in description.iterchildren("{*}*"):
            # Several values, and those in several languages, are items of a list.
            items = [item.text or "" for item in element.iter(f"{_RDF}li")]
            _add(found, element.tag, items or [element.text or ""])
    is_pdf = any(name.startswith("pdf:") for name in found)
    return found if found.get("dc:format", [_TYPE] * is_pdf) == [_TYPE] else {}


def _add(found: dict[str, list[str]], tag: str, values: list[str]) -> None:
    namespace, _, name = tag.rpartition("}")
    namespace = namespace[1:]
    prefix = "prism" if namespace.startswith(_PRISM) else _PREFIXES.get(namespace)
    # Some programs write what is not UTF-8, and others replace it.
    values = [text for text in map(normalize_space, values) if text and "\ufffd" not in text]
    if prefix and values:
        found.setdefault(f"{prefix}:{name}", values)

"""XMP: the packet of a PDF is found among those of its pictures, and a damaged one does no harm."""

from __future__ import annotations

from io import BytesIO

import pytest

from indexer.readers.xmp import read_xmp
from tests.fixtures.pdfs import make_xmp

PRODUCER = "<pdf:Producer>Harbour 1</pdf:Producer>"
ENTITIES = make_xmp(f"{PRODUCER}<dc:title>&b;&b;</dc:title>").replace(
    b"<x:xmpmeta",
    b'<!DOCTYPE x [<!ENTITY a "aaaaaaaa"><!ENTITY b "&a;&a;"><!ENTITY c SYSTEM "file:///etc/passwd">]><x:xmpmeta',
    1,
)


def read(data: bytes) -> dict[str, list[str]]:
    return read_xmp(BytesIO(data))


def make_packet(title: str, more: str = PRODUCER) -> bytes:
    return make_xmp(f"{more}<dc:title><rdf:Alt><rdf:li>{title}</rdf:li></rdf:Alt></dc:title>")


@pytest.mark.parametrize(
    ("content", "name", "values"),
    [
        ("<dc:title>One</dc:title>", "dc:title", ["One"]),
        ("<dc:title><rdf:Alt><rdf:li>A</rdf:li><rdf:li>B</rdf:li></rdf:Alt></dc:title>", "dc:title", [*"AB"]),
        ("<dc:creator><rdf:Seq><rdf:li>A\nB</rdf:li><rdf:li/></rdf:Seq></dc:creator>", "dc:creator", ["A B"]),
        ("<prism:publicationName>Gazette</prism:publicationName>", "prism:publicationName", ["Gazette"]),
        ("<dc:title>caf\ufffd</dc:title>", "dc:title", None),
        ("<dc:title></dc:title>", "dc:title", None),
        ("<unknown xmlns='urn:x'>One</unknown>", "dc:title", None),
    ],
)  # fmt: skip
def test_properties_have_all_their_values(content: str, name: str, values: list[str] | None) -> None:
    assert read(make_xmp(PRODUCER + content)).get(name) == values


def test_properties_may_be_attributes() -> None:
    packet = make_xmp("").replace(
        b"xmlns:dc=", b'xmp:CreateDate="2020" dc:format="application/pdf" xmlns:dc=', 1
    )
    assert read(packet) == {"xmp:CreateDate": ["2020"], "dc:format": ["application/pdf"]}


def test_the_last_packet_of_a_pdf_counts() -> None:
    old, new = make_packet("Old"), make_packet("New")
    pictures = [
        make_packet("A picture", ""),
        make_packet("A picture", f"{PRODUCER}<dc:format>image/jpeg</dc:format>"),
    ]
    damaged = new.replace(b"</rdf:RDF>", b"")
    for data in (
        old + new,
        b"".join([old, b"x" * (1 << 20), new, *pictures, damaged]),
        b"".join([new, *pictures * 2000]),
        b"<?xpacket begin=" + new,
        new + b"<?xpacket begin=" + b"x" * (3 << 20) + b'<?xpacket end="w"?>',
    ):
        assert read(data)["dc:title"] == ["New"]


def test_a_packet_is_found_wherever_it_stands() -> None:
    packet = make_packet("Found")
    for before in range((1 << 20) - len(packet) - 3, (1 << 20) + 3, 97):
        assert read(b"x" * before + packet)["dc:title"] == ["Found"]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"no packet",
        make_packet("One")[:-30],
        make_packet("One").replace(b"<dc:title>", b"<dc:title"),
        make_packet("One").replace(b"One", b"\xff"),
        make_packet("One" * 400_000),
        make_packet("One", ""),
    ],
)
def test_without_a_sound_packet_nothing_is_stated(data: bytes) -> None:
    assert read(data) == {}


def test_entities_are_not_resolved() -> None:
    assert "dc:title" not in read(ENTITIES)
    assert read(ENTITIES.replace(b"&b;&b;", b"&c;")).get("dc:title") is None

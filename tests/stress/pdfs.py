"""PDFs that are damaged, or meant to take much time or memory."""

from __future__ import annotations

import random
import zlib
from collections.abc import Callable
from dataclasses import replace

from tests.fixtures.pdfs import Text, assemble_pdf, lines, make_pdf, make_xmp, set_askew

_WORDS = (
    "tides",
    "cranes",
    "harbour",
    "pier",
    "re-",
    "12",
    "•",
    "(a)",
    "\xad",
    "\x01",
    ". . . . .",
    "Page 3",
)
_PIECES = (
    *(
        b"BT",
        b"ET",
        b"(Tides) Tj",
        b"/F0 1e9 Tf",
        b"/F0 0 Tf",
        b"1 0 0 1 1e30 -1e30 Tm",
        b"0 0 0 0 0 0 cm",
        b"q",
        b"Q",
    ),
    *(
        b"[(a) -1e9 (b)] TJ",
        b"/X Do",
        b"3 Tr",
        b"T*",
        b"(\\777\\0) '",
        b"<feff> Tj",
        b"BI ID EI",
        b"nan 0 0 nan 0 0 Tm",
    ),
)

_METADATA = (
    *(b"", b"<?xpacket begin=" * 5000, b"\x00" * 9000),
    *(
        make_xmp(f"<pdf:Producer>a</pdf:Producer>{content}")
        for content in (
            "<dc:creator>" + "<rdf:Seq>" * 400,
            "<dc:creator><rdf:Seq>" + "<rdf:li>Ada</rdf:li>" * 9000 + "</rdf:Seq></dc:creator>",
            "<dc:date>9999-99-99</dc:date><xmp:ModifyDate>0000-00-00</xmp:ModifyDate>",
            f"<dc:title>{'x' * 90_000}</dc:title>",
            "<dc:title>&a;</dc:title>",
        )
    ),
)


def make_any_pdf(chance: random.Random) -> bytes:
    """Return a PDF of a kind that chance chooses."""
    return chance.choice(_MAKES)(chance)


def make_bomb(operators: bytes, times: int) -> bytes:
    """Return a PDF of one page whose content is the operators so many times, packed tightly."""
    packer = zlib.compressobj(9)
    block = operators * max(1, (1 << 16) // len(operators))
    stream = b"".join(packer.compress(block) for _ in range(times * len(operators) // len(block) + 1))
    return _one_page(stream + packer.flush(), "/Filter/FlateDecode")


def make_deep_pdf(depth: int) -> bytes:
    """Return a PDF with arrays, page trees and forms in each other."""
    nested = b"[" * depth + b"]" * depth
    tree = [
        b"<</Type/Pages/Parent %d 0 R/Count 1/Kids[%d 0 R]>>" % (at + 1, at + 3) for at in range(1, depth)
    ]
    return assemble_pdf(
        [b"<</Type/Catalog/Pages 2 0 R/Names%s>>" % nested, b"<</Type/Pages/Count 1/Kids[3 0 R]>>", *tree],
        "/Root 1 0 R",
    )


def make_forms(count: int) -> bytes:
    """Return a PDF whose page draws a form twice, which draws another one twice, and so on."""
    forms = [
        b"<</Type/XObject/Subtype/Form/BBox[0 0 9 9]/Resources<</XObject<</X %d 0 R>>>>/Length 11>>stream\n"
        b"/X Do /X Do\nendstream" % (5 + (at + 1) % count)
        for at in range(count)
    ]
    return assemble_pdf(
        [
            b"<</Type/Catalog/Pages 2 0 R>>",
            b"<</Type/Pages/Count 1/Kids[3 0 R]>>",
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 99 99]/Contents 4 0 R"
            b"/Resources<</XObject<</X 5 0 R>>>>>>",
            b"<</Length 5>>stream\n/X Do\nendstream",
            *forms,
        ],
        "/Root 1 0 R",
    )


def make_same_page(count: int) -> bytes:
    """Return a PDF that has one page so many times."""
    kids = b"3 0 R " * count
    return assemble_pdf(
        [
            b"<</Type/Catalog/Pages 2 0 R>>",
            b"<</Type/Pages/Count %d/Kids[%s]>>" % (count, kids),
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 99 99]>>",
        ],
        "/Root 1 0 R",
    )


def _one_page(stream: bytes, more: str = "", box: str = "0 0 595 842") -> bytes:
    return assemble_pdf(
        [
            b"<</Type/Catalog/Pages 2 0 R>>",
            b"<</Type/Pages/Count 1/Kids[3 0 R]>>",
            f"<</Type/Page/Parent 2 0 R/MediaBox[{box}]/Contents 4 0 R".encode()
            + b"/Resources<</Font<</F0 5 0 R>>>>>>",
            b"<</Length %d%s>>stream\n%s\nendstream" % (len(stream), more.encode(), stream),
            b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
        ],
        "/Root 1 0 R",
    )


def _whole(chance: random.Random) -> bytes:
    pages = []
    for _ in range(chance.randint(1, 8)):
        page: list[Text] = []
        for _ in range(chance.randint(0, 6)):
            texts = [
                " ".join(chance.choices(_WORDS, k=chance.randint(1, 9))) for _ in range(chance.randint(1, 9))
            ]
            x, y = chance.uniform(-50, 600), chance.uniform(-50, 900)
            written = lines(texts, x, y, chance.choice((1, 8, 10, 10, 30, 900)))
            page += [replace(line, is_hidden=chance.random() < 0.3) for line in written]
        if chance.random() < 0.3:
            page = set_askew(page, chance.uniform(-200, 200))
        pages.append(page)
    stated = {
        "Title": chance.choice(("", "\x00", "x" * 9000)),
        "CreationDate": chance.choice(("D:2019", "D:99991399", "D:20190504")),
    }
    language = chance.choice(("", "en", "\U0001f600" * 300))
    return make_pdf(pages, stated, language=language, metadata=chance.choice(_METADATA))


def _changed(chance: random.Random) -> bytes:
    data = bytearray(_whole(chance))
    for _ in range(chance.randint(1, 30)):
        place = chance.randrange(len(data))
        data[place : place + chance.randint(0, 4)] = chance.randbytes(chance.randint(0, 4))
    return bytes(data)


def _cut(chance: random.Random) -> bytes:
    data = _whole(chance)
    return data[: chance.randrange(len(data))]


def _operators(chance: random.Random) -> bytes:
    box = chance.choice(("0 0 595 842", "0 0 1e9 1e9", "0 0 0 0", "9 9 1 1", "-1e30 0 1e30 1"))
    return _one_page(b"\n".join(chance.choices(_PIECES, k=chance.randint(1, 90))), box=box)


_MAKES: tuple[Callable[[random.Random], bytes], ...] = (
    *(_whole, _changed, _changed, _cut, _operators, _operators),
    lambda chance: make_deep_pdf(chance.choice((10, 600, 5000))),
    lambda chance: make_forms(chance.choice((1, 3, 30))),
    lambda chance: make_same_page(chance.choice((1, 300, 20_000))),
    lambda chance: make_bomb(
        chance.choice((b" ", b"q ", b"BT /F0 9 Tf (Tides) Tj ET ")), chance.choice((9, 200_000))
    ),
)

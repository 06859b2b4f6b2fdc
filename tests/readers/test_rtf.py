"""RTF: paragraphs, tables, footnotes and properties, in any encoding that it may be written in."""

from __future__ import annotations

import random

import pytest

from indexer.article import Article
from indexer.errors import UnreadableDocument
from tests.fixtures.documents import published, read_article

FONTS = r"{\fonttbl{\f0\fcharset0 Arial;}{\f1\fcharset204 Arial Cyr;}{\f2\fcharset128 Mincho;}}"


def _read(body: str | bytes, head: str = "") -> Article:
    data = body if isinstance(body, bytes) else body.encode("latin-1")
    start = rf"{{\rtf1\ansi\ansicpg1252{FONTS}{head} A title\par ".encode()
    return read_article(start + data + b"}", "a.rtf")


TEXTS = [
    pytest.param(r"One\par Two\par", ["One", "Two"], id="paragraphs"),
    pytest.param("One\r\n two\\\nThree", ["One two", "Three"], id="ends of lines"),
    pytest.param(r"One\line two\tab three\line\line four", ["One two three", "four"], id="line breaks"),
    pytest.param(r"{\b bold} and{\i  italic}", ["bold and italic"], id="groups"),
    pytest.param(
        r"a \{b\} \\c Riga\_Kiel Old\~Town sol\-id", [r"a {b} \c Riga-Kiel Old Town solid"], id="signs"
    ),
    pytest.param(r"\ldblquote Yes\rdblquote\emdash no\rquote s", ["“Yes”—no’s"], id="typography"),
    pytest.param(r"M\'fcnchen", ["München"], id="escaped byte"),
    pytest.param("M\xfcnchen", ["München"], id="byte"),
    pytest.param(r"{\f1 \'cf\'f0\'e8\'e2\'e5\'f2} \'fc", ["Привет ü"], id="character set of a font"),
    pytest.param(r"{\f2 \'93\'8c\'8b\'9e}", ["東京"], id="two bytes a character"),
    pytest.param(
        r"\u8364? \u-10179?\u-8704? {\uc2 \u252\'fc\'fc}{\uc0\u228 ae}", ["€ 😀 üäae"], id="Unicode"
    ),
    pytest.param(r"{\*\unknown{\b hidden}}{\v hidden}{\deleted struck}Shown", ["Shown"], id="hidden"),
    pytest.param(
        r"{\pict\pngblip 89504e47}{\header Page}{\footer 1}Shown", ["Shown"], id="pictures, headers"
    ),
    pytest.param("{\\pict\\bin7 }}}{{{\\}Shown", ["Shown"], id="binary data"),
    pytest.param(r"{\field{\*\fldinst HYPERLINK x}{\fldrslt Link}}.", ["Link."], id="field"),
    pytest.param(r"{\listtext\'b7\tab}first\par{\pntext 2.\tab}second", ["first", "second"], id="list"),
    pytest.param(
        r"A claim{\footnote\pard\plain {\super\chftn} The note.\par Its end.} and more.\par Next",
        ["A claim and more.", "The note.", "Its end.", "Next"],
        id="footnote",
    ),
    pytest.param(
        r"Before{\shp{\*\shpinst{\sp{\sn x}{\sv 1}}{\shptxt In the box\par}}{\shprslt In the box}} and after",
        ["Before and after", "In the box"],
        id="text box",
    ),
    pytest.param(
        r"\trowd\cellx1\cellx2\intbl Riga\cell 12\cell\row\trowd\intbl Kiel\cell\cell\row\pard After",
        ["Riga | 12", "Kiel", "After"],
        id="table",
    ),
    pytest.param(r"\trowd\intbl One\par Two\cell Three\cell\row", ["One", "Two", "Three"], id="layout table"),
    pytest.param(r"{\upr{Plain}{\*\ud Pl\u228 ain}}", ["Plain"], id="text in two forms"),
    pytest.param(r"}}} Text {{{", ["Text"], id="braces that do not match"),
]


@pytest.mark.parametrize(("body", "paragraphs"), TEXTS)
def test_the_paragraphs_of_rtf_are_those_that_a_word_processor_shows(
    body: str, paragraphs: list[str]
) -> None:
    assert [*_read(body).paragraphs] == paragraphs


def test_the_properties_of_rtf_are_details_of_the_article() -> None:
    info = (
        r"{\info{\title Harbour report}{\author Ada Berg; Bo Lind}{\operator Someone}"
        r"{\keywords tides, cranes}{\creatim\yr2021\mo3\dy4\hr9\min5}{\revtim\yr2022\mo1\dy1}}"
    )
    found = _read(r"Text.", info)
    assert found.title == "Harbour report"
    assert (found.authors, found.tags) == (("Ada Berg", "Bo Lind"), ("tides", "cranes"))
    assert published(found) == "2021-03-04T09:05 properties"


def test_the_paragraph_with_the_style_of_a_title_is_the_title() -> None:
    found = _read(r"\pard\s15 Ships come back\par\pard Text.", r"{\stylesheet{\s0 Normal;}{\s15\b Title;}}")
    assert (found.title, found.paragraphs) == ("Ships come back", ("A title", "Text."))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "does not begin as RTF"),
        (rb"{\rtf1\ansi}", "contains no text"),
        (b"{\\rtf1 " + b"{" * 20_000, "nested too deeply"),
    ],
)
def test_rtf_that_cannot_be_read_is_refused_with_the_reason(data: bytes, reason: str) -> None:
    with pytest.raises(UnreadableDocument, match=reason):
        read_article(data, "a.rtf")


def test_rtf_is_read_whatever_its_name_states() -> None:
    assert read_article(rb"{\rtf1 A title\par Text.}", "a.txt").paragraphs == ("Text.",)


def test_rtf_with_bytes_changed_is_read_or_has_no_text() -> None:
    chance = random.Random(5)
    data = (
        rf"{{\rtf1\ansi{FONTS} A title\par " + r"\u8364? One\par \intbl Two\cell\row {\footnote x}}"
    ).encode()
    outcomes: set[str] = set()
    for _ in range(500):
        changed = bytearray(data)
        for _ in range(chance.randint(1, 10)):
            changed[chance.randrange(6, len(changed))] = chance.choice(b"\\{}u'0 -9\x00\xff")
        try:
            read_article(bytes(changed), "a.rtf")
            outcomes.add("read")
        except UnreadableDocument as error:
            outcomes.add(str(error))
    assert outcomes == {"read", "contains no text"}

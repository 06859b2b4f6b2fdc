"""Office documents: DOCX, ODT and PPTX, made here and by the programs that people make them with."""

from __future__ import annotations

import gzip
import random
import shutil
import subprocess
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import pytest

from indexer.article import Article
from indexer.errors import UnreadableDocument
from tests.fixtures.documents import published, read_article
from tests.fixtures.packages import (
    make_docx,
    make_odt,
    make_paragraphs,
    make_pptx,
    make_slide,
)
from tests.fixtures.packing import make_zip

TITLE = make_paragraphs("A title")


def _read_docx(body: str, **parts: str) -> Article:
    return read_article(make_docx(TITLE + body, **parts), "a.docx")


def _read_odt(body: str, **parts: str) -> Article:
    return read_article(make_odt(f"<text:p>A title</text:p>{body}", **parts), "a.odt")


DOCX_TEXTS = [
    pytest.param("<w:p><w:r><w:t>One</w:t><w:tab/><w:t>two</w:t></w:r></w:p>", ["One two"], id="tab"),
    pytest.param(
        "<w:p><w:r><w:t>One</w:t><w:br/><w:t>two</w:t><w:br/><w:br/><w:t>three</w:t></w:r></w:p>",
        ["One two", "three"],
        id="two line breaks end a paragraph",
    ),
    pytest.param(
        "<w:p><w:r><w:t>Riga</w:t><w:noBreakHyphen/><w:t>Kiel</w:t></w:r></w:p>",
        ["Riga-Kiel"],
        id="hyphen",
    ),
    pytest.param(
        '<w:p><w:r><w:t>Kept</w:t></w:r><w:del w:id="1"><w:r><w:delText>struck</w:delText><w:t>too</w:t>'
        '</w:r></w:del><w:ins w:id="2"><w:r><w:t xml:space="preserve"> and new</w:t></w:r></w:ins></w:p>',
        ["Kept and new"],
        id="tracked changes",
    ),
    pytest.param(
        f'<w:moveFrom w:id="1">{make_paragraphs("Moved away")}</w:moveFrom>'
        f'<w:moveTo w:id="2">{make_paragraphs("Moved here")}</w:moveTo>',
        ["Moved here"],
        id="moved text",
    ),
    pytest.param(
        "<w:p><w:pPr><w:rPr><w:vanish/></w:rPr></w:pPr><w:r><w:t>Shown</w:t></w:r>"
        "<w:r><w:rPr><w:vanish/></w:rPr><w:t>hidden</w:t></w:r>"
        '<w:r><w:rPr><w:vanish w:val="0"/></w:rPr><w:t> again</w:t></w:r></w:p>',
        ["Shown again"],
        id="hidden text",
    ),
    pytest.param(
        "<w:p><w:r><w:instrText>PAGEREF x</w:instrText><w:t>See page 3</w:t></w:r></w:p>",
        ["See page 3"],
        id="field",
    ),
    pytest.param(
        "<w:tbl><w:tr><w:tc><w:p><w:r><w:t>Riga</w:t></w:r></w:p></w:tc><w:tc><w:p/></w:tc>"
        "<w:tc><w:p><w:r><w:t>12</w:t></w:r></w:p></w:tc></w:tr></w:tbl>",
        ["Riga | 12"],
        id="row",
    ),
    pytest.param(
        f"<w:tbl><w:tr><w:tc>{make_paragraphs('One', 'Two')}</w:tc><w:tc>{make_paragraphs('Three')}</w:tc>"
        "</w:tr></w:tbl>",
        ["One", "Two", "Three"],
        id="layout table",
    ),
    pytest.param(
        f"<w:p><w:r><w:t>Before </w:t></w:r><w:r><w:txbxContent>{make_paragraphs('In the box')}"
        "</w:txbxContent></w:r><w:r><w:t>and after</w:t></w:r></w:p>",
        ["Before and after", "In the box"],
        id="text box",
    ),
    pytest.param(
        '<w:p><w:r><mc:AlternateContent xmlns:mc="x"><mc:Choice><w:txbxContent>'
        f"{make_paragraphs('In the box')}</w:txbxContent></mc:Choice><mc:Fallback><w:txbxContent>"
        f"{make_paragraphs('In the box')}</w:txbxContent></mc:Fallback></mc:AlternateContent></w:r></w:p>",
        ["In the box"],
        id="text box in two forms",
    ),
]


@pytest.mark.parametrize(("body", "paragraphs"), DOCX_TEXTS)
def test_the_paragraphs_of_docx_are_those_that_word_shows(body: str, paragraphs: list[str]) -> None:
    assert [*_read_docx(body).paragraphs] == paragraphs


def test_a_footnote_of_docx_follows_the_paragraph_that_refers_to_it() -> None:
    notes = (
        f'<w:footnote w:id="-1" w:type="separator">{make_paragraphs("line")}</w:footnote>'
        f'<w:footnote w:id="2">{make_paragraphs("The note.", "Its end.")}</w:footnote>'
    )
    body = '<w:p><w:r><w:t>A claim</w:t><w:footnoteReference w:id="2"/><w:t>, and more.</w:t></w:r></w:p>'
    found = _read_docx(body + make_paragraphs("The next."), footnotes=notes)
    assert found.paragraphs == ("A claim, and more.", "The note.", "Its end.", "The next.")


def test_headings_of_docx_are_paragraphs_and_the_one_with_the_style_of_a_title_is_the_title() -> None:
    styles = "".join(
        f'<w:style w:styleId="{key}"><w:name w:val="{name}"/></w:style>'
        for key, name in (("Titel", "Title"), ("berschrift1", "heading 1"), ("Verzeichnis1", "toc 1"))
    )
    body = "".join(
        f'<w:p><w:pPr><w:pStyle w:val="{key}"/></w:pPr><w:r><w:t>{text}</w:t></w:r></w:p>'
        for key, text in (
            ("", "Harbour office"),
            ("Titel", "Ships come back"),
            ("Verzeichnis1", "Riga 3"),
            ("berschrift1", "Riga"),
            ("", "Text."),
        )
    )
    found = read_article(make_docx(body, styles=styles, title="Template"), "a.docx")
    assert found.title == "Ships come back"
    assert found.paragraphs == ("Harbour office", "Riga", "Text.")


@pytest.mark.parametrize(
    ("texts", "stated", "title"),
    [
        (["Harbour report", "Text."], "Harbour report", "Harbour report"),
        (["Harbour report", "Text."], "", "Harbour report"),
        (["Another line", "Text."], "Harbour report", "Harbour report"),
        (["The harbour " + "was busy and " * 5 + "loud.", "Text."], "", "The harbour was busy and"),
    ],
)
def test_the_title_is_the_stated_one_or_a_short_first_paragraph(
    texts: list[str], stated: str, title: str
) -> None:
    found = read_article(make_docx(make_paragraphs(*texts), title=stated), "a.docx")
    assert found.title.startswith(title)
    assert found.paragraphs[-1] == "Text."
    assert title not in found.paragraphs


@pytest.mark.parametrize(
    ("properties", "name", "first", "date"),
    [
        ({"created": "2021-03-04T09:00:00Z"}, "a.docx", "Text.", "2021-03-04T09:00 properties"),
        (
            {"created": "2021-03-04T09:00:00Z", "modified": "2022-01-01T00:00:00Z"},
            "a.docx",
            "Text.",
            "2021-03-04T09:00 properties",
        ),
        ({"modified": "2022-01-01T10:00:00Z"}, "a.docx", "Text.", "2022-01-01T10:00 modified"),
        ({"created": "2021-03-04T09:00:00Z"}, "2020-05-06.docx", "Text.", "2020-05-06 file name"),
        ({"created": "2021-03-04T09:00:00Z"}, "a.docx", "5 May 2019", "2019-05-05 dateline"),
    ],
)
def test_the_date_of_a_document_is_the_one_that_a_person_wrote_else_that_of_its_properties(
    properties: dict[str, str], name: str, first: str, date: str
) -> None:
    data = make_docx(make_paragraphs("A title", first, "The end."), **properties)
    assert published(read_article(data, name)) == date


def test_properties_of_docx_are_details_of_the_article() -> None:
    found = _read_docx(
        make_paragraphs("Text."), creator="Ada Berg; Bo Lind", keywords="tides, cranes", language="en-GB"
    )
    assert found.authors == ("Ada Berg", "Bo Lind")
    assert found.tags == ("tides", "cranes")
    assert found.language == "en"


ODT_TEXTS = [
    pytest.param('<text:h text:outline-level="1">Riga</text:h><text:p>Text.</text:p>', ["Riga", "Text."]),
    pytest.param(
        "<text:p>One<text:s/>two<text:tab/>three<text:line-break/>four</text:p>", ["One two three four"]
    ),
    pytest.param(
        "<text:list><text:list-item><text:p>One</text:p><text:list><text:list-item><text:p>Inner</text:p>"
        "</text:list-item></text:list></text:list-item></text:list>",
        ["One", "Inner"],
    ),
    pytest.param(
        "<text:p>A claim<text:note><text:note-citation>1</text:note-citation><text:note-body><text:p>The note"
        "</text:p></text:note-body></text:note>, and more.</text:p>",
        ["A claim, and more.", "The note"],
    ),
    pytest.param(
        "<text:tracked-changes><text:changed-region><text:deletion><text:p>Struck</text:p></text:deletion>"
        "</text:changed-region></text:tracked-changes><text:p>Kept</text:p>",
        ["Kept"],
    ),
    pytest.param(
        "<text:p>Before<draw:frame><draw:text-box><text:p>In the box</text:p></draw:text-box><svg:title>Ship"
        "</svg:title></draw:frame> and after</text:p>",
        ["Before and after", "In the box"],
    ),
    pytest.param("<text:p>Of <text:title>Ships</text:title></text:p>", ["Of Ships"]),
    pytest.param(
        "<text:p>One<office:annotation><text:p>Remark</text:p></office:annotation></text:p>", ["One"]
    ),
    pytest.param(
        "<table:table><table:table-row><table:table-cell><text:p>Riga</text:p></table:table-cell>"
        "<table:table-cell><text:p>12</text:p></table:table-cell></table:table-row></table:table>",
        ["Riga | 12"],
    ),
    pytest.param(
        "<text:table-of-content><text:p>Riga 3</text:p></text:table-of-content><text:p>One</text:p>", ["One"]
    ),
]


@pytest.mark.parametrize(("body", "paragraphs"), ODT_TEXTS)
def test_the_paragraphs_of_odt_are_those_that_writer_shows(body: str, paragraphs: list[str]) -> None:
    assert [*_read_odt(body).paragraphs] == paragraphs


def test_properties_of_odt_are_details_and_its_title_may_have_been_formatted_by_hand() -> None:
    found = _read_odt(
        '<text:p text:style-name="P1">Ships come back</text:p><text:p>Text.</text:p>',
        styles='<style:style style:name="P1" style:parent-style-name="Title"/>',
        meta="<meta:initial-creator>Ada Berg</meta:initial-creator><dc:creator>Bo Lind</dc:creator>"
        "<meta:keyword>tides</meta:keyword><meta:keyword>cranes</meta:keyword><dc:language>de-DE</dc:language>"
        "<meta:creation-date>2021-03-04T09:00:00.123456789</meta:creation-date>"
        "<dc:date>2022-01-01T00:00:00</dc:date>",
    )
    assert (found.title, found.paragraphs) == ("Ships come back", ("A title", "Text."))
    assert (found.authors, found.tags, found.language) == (("Ada Berg",), ("tides", "cranes"), "de")
    assert published(found) == "2021-03-04T09:00 properties"


def test_a_paragraph_of_odp_has_the_number_of_its_slide() -> None:
    slides = "".join(
        f'<draw:page><draw:frame presentation:class="title"><draw:text-box><text:p>{title}</text:p>'
        f"</draw:text-box></draw:frame><draw:frame><draw:text-box><text:p>{text}</text:p></draw:text-box>"
        "</draw:frame></draw:page>"
        for title, text in (("Harbours", "Riga"), ("Ships", "Twelve"))
    )
    found = read_article(make_odt(slides, kind="presentation"), "a.odp")
    assert (found.title, found.paragraphs) == ("Harbours", ("Riga", "Ships", "Twelve"))
    assert found.page_numbers == (1, 2, 2)


def _text(*texts: str) -> str:
    return "".join(f"<a:p><a:r><a:t>{text}</a:t></a:r></a:p>" for text in texts)


def test_a_presentation_is_read_slide_by_slide_with_the_notes_of_the_speaker() -> None:
    slides = [
        make_slide(("ctrTitle", _text("Harbours")), ("dt", _text("4 March 2021")), ("sldNum", _text("1"))),
        make_slide(
            ("title", _text("Ships")),
            ("", _text("Twelve came", "Seven left")),
            ("ftr", _text("Harbour office")),
            ("dt", _text("4 March 2021")),
        ),
    ]
    notes = {2: make_slide(("body", _text("Do not forget Kiel.")), ("sldNum", _text("2")))}
    found = read_article(make_pptx(slides, notes, title="PowerPoint"), "a.pptx")
    assert found.title == "Harbours"
    assert found.paragraphs == ("Ships", "Twelve came", "Seven left", "Do not forget Kiel.")
    assert found.page_numbers == (2, 2, 2, 2)
    assert published(found) == "2021-03-04 dateline"


def test_a_table_on_a_slide_has_a_paragraph_for_each_row() -> None:
    row = f"<a:tr><a:tc>{_text('Riga')}</a:tc><a:tc>{_text('12')}</a:tc></a:tr>"
    found = read_article(make_pptx([make_slide(("title", _text("Ships")), ("", row))]), "a.pptx")
    assert (found.paragraphs, found.page_numbers) == (("Riga | 12",), (1,))


@pytest.mark.parametrize("name", ["a.txt", "a.rtf", "a.odt", "a"])
def test_a_document_whose_name_states_another_type_is_read_by_its_content(name: str) -> None:
    assert read_article(make_docx(make_paragraphs("A title", "Text.")), name).paragraphs == ("Text.",)


def test_a_packed_document_is_read() -> None:
    data = gzip.compress(make_docx(make_paragraphs("A title", "Text.")))
    assert read_article(data, "a.docx.gz").paragraphs == ("Text.",)


_BOMB = "<!DOCTYPE d [<!ENTITY a '" + "x" * 99 + "'><!ENTITY b '" + "&a;" * 99 + "'><!ENTITY c '" + "&b;" * 99
_EVIL = "file:///etc/passwd"


def _with_part(name: str, content: str | bytes) -> bytes:
    """A Word document with a part replaced."""
    with ZipFile(BytesIO(make_docx(TITLE + make_paragraphs("Text.")))) as archive:
        parts: dict[str, str | bytes] = {each: archive.read(each) for each in archive.namelist()}
    return make_zip({**parts, name: content})


REFUSED = [
    pytest.param(b"", "damaged: File is not a zip file", id="empty"),
    pytest.param(make_docx(TITLE)[:-40], "damaged: ", id="truncated"),
    pytest.param(
        make_zip({"a.txt": "A"}), "damaged: it does not say which of its parts", id="other ZIP file"
    ),
    pytest.param(_with_part("word/document.xml", "<w:document"), "damaged: ", id="broken XML"),
    pytest.param(
        _with_part("word/document.xml", f"{_BOMB}'>]><d>&c;</d>"), "type declaration", id="entities"
    ),
    pytest.param(
        _with_part("word/document.xml", f"<!DOCTYPE d [<!ENTITY a SYSTEM '{_EVIL}'>]><d>&a;</d>"),
        "type declaration",
        id="external entity",
    ),
    pytest.param(_with_part("word/document.xml", " " * 70_000_000), "to more than 64 MB", id="large part"),
    pytest.param(_with_part("word/document.xml", " " * 9_000_000), "more than 200 times", id="ZIP bomb"),
    pytest.param(_with_part("docProps/core.xml", " " * 5_000_000), "to more than 4 MB", id="metadata"),
    pytest.param(make_docx(""), "contains no text", id="no text"),
    pytest.param(
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"),
        "encrypted",
        id="password",
    ),
    pytest.param(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "before 2007", id="old format"),
]


@pytest.mark.parametrize(("data", "reason"), REFUSED)
def test_a_document_that_cannot_be_read_is_refused_with_the_reason(data: bytes, reason: str) -> None:
    with pytest.raises(UnreadableDocument, match=reason):
        read_article(data, "a.docx")


def test_an_encrypted_odt_is_refused() -> None:
    data = make_zip({"content.xml": b"\x00\x9f", "META-INF/manifest.xml": "<manifest:encryption-data/>"})
    with pytest.raises(UnreadableDocument, match="encrypted"):
        read_article(data, "a.odt")


def test_a_zip_file_with_a_password_is_refused_as_encrypted() -> None:
    data = bytearray(make_docx(TITLE))
    # The flag of an encrypted entry, in the list at the end.
    data[data.index(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(UnreadableDocument, match="encrypted"):
        read_article(bytes(data), "a.docx")


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.docx", make_docx(make_paragraphs("A title", "Text."), title="A title")),
        ("a.odt", make_odt("<text:p>A title</text:p><text:p>Text.</text:p>")),
        ("a.pptx", make_pptx([make_slide(("title", _text("Ships")), ("", _text("Twelve came")))])),
    ],
)
def test_a_document_with_bytes_changed_is_read_or_refused(name: str, data: bytes) -> None:
    chance = random.Random(5)
    outcomes: set[type] = set()
    for _ in range(300):
        changed = bytearray(data)
        for _ in range(chance.randint(1, 6)):
            changed[chance.randrange(len(changed))] = chance.randrange(256)
        try:
            outcomes.add(type(read_article(bytes(changed), name)))
        except UnreadableDocument:
            outcomes.add(UnreadableDocument)
    assert outcomes == {Article, UnreadableDocument}


MARKDOWN = """---
title: Harbour report
author: Ada Berg
keywords: [tides, cranes]
---

# Riga

Twelve ships came.[^1] They *left* again.

- first item
- second item

| Port | Ships |
|------|-------|
| Kiel | 7     |

[^1]: Counted at noon.
"""


@pytest.fixture(scope="module")
def pandoc_documents(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("pandoc") is None:
        pytest.skip("pandoc is not installed")
    folder = tmp_path_factory.mktemp("pandoc")
    (folder / "a.md").write_text(MARKDOWN)
    for suffix in ("docx", "odt", "rtf", "pptx", "epub"):
        subprocess.run(["pandoc", "-s", "a.md", "-o", f"a.{suffix}"], cwd=folder, check=True)
    return folder


PARTS = {"Riga", "Twelve ships came. They left again.", "Counted at noon.", "Port | Ships", "Kiel | 7"}


@pytest.mark.slow
@pytest.mark.parametrize("suffix", ["docx", "odt", "rtf"])
def test_what_pandoc_makes_is_read(pandoc_documents: Path, suffix: str) -> None:
    found = read_article((pandoc_documents / f"a.{suffix}").read_bytes(), f"a.{suffix}")
    assert found.title == "Harbour report"
    assert set(found.paragraphs) >= PARTS
    assert any(text.endswith("second item") for text in found.paragraphs)


@pytest.mark.slow
def test_slides_that_pandoc_makes_are_read(pandoc_documents: Path) -> None:
    found = read_article((pandoc_documents / "a.pptx").read_bytes(), "a.pptx")
    assert (found.title, found.authors, found.tags) == ("Harbour report", ("Ada Berg",), ("tides", "cranes"))
    assert {"Riga", "first item", "Kiel | 7"} <= set(found.paragraphs)
    assert max(page or 0 for page in found.page_numbers) > 1


@pytest.mark.slow
@pytest.mark.parametrize("suffix", ["docx", "odt", "rtf"])
def test_what_libreoffice_makes_is_read(pandoc_documents: Path, tmp_path: Path, suffix: str) -> None:
    if shutil.which("soffice") is None:
        pytest.skip("LibreOffice is not installed")
    # From the other of its two formats, so that the document is its own.
    given = pandoc_documents / ("a.docx" if suffix == "odt" else "a.odt")
    profile = f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}"
    command = [
        "soffice",
        profile,
        "--headless",
        "--convert-to",
        suffix,
        "--outdir",
        str(tmp_path),
        str(given),
    ]
    subprocess.run(command, check=True, capture_output=True)
    found = read_article((tmp_path / f"a.{suffix}").read_bytes(), f"a.{suffix}")
    assert (found.title, found.authors, found.tags) == ("Harbour report", ("Ada Berg",), ("tides", "cranes"))
    assert {*PARTS, "second item"} <= set(found.paragraphs)

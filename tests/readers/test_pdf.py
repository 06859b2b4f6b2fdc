"""PDF: paragraphs with their pages, in reading order; title, authors, dates; files that cannot be read."""

from __future__ import annotations

import gzip
import re
import zlib
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from shutil import which
from threading import Thread

import pytest

from indexer import limits
from indexer.article import Article
from indexer.errors import InvalidArticle, UnreadableDocument
from indexer.readers import layout
from indexer.readers.document import BinaryDocument
from indexer.readers.pdf import read_articles
from tests.evaluation.scans import Scan, scan_file
from tests.fixtures.documents import OPTIONS, published, read_article
from tests.fixtures.office import convert, find_office, write_flat_document
from tests.fixtures.pdfs import Text, assemble_pdf, lines, make_pdf, make_xmp, set_askew

HEADING = Text("The harbour is rebuilt", y=72, size=20)
# As a typesetter would set it: each next word would not have fitted.
FIRST = [
    "The harbour master said on Monday that the old crane had",
    "been sold, and that the quay would be closed until the end of",
    "the summer.",
]
SECOND = [
    "Ships from the islands use the northern pier for as long as the",
    "work goes on.",
]
JOINED = (" ".join(FIRST), " ".join(SECOND))


def read_pdf(*pages: list[Text], info: dict[str, str] | None = None, name: str = "a.pdf") -> Article:
    return read_article(make_pdf(pages, info), name)


def test_lines_are_joined_to_paragraphs_that_end_with_a_short_line() -> None:
    found = read_pdf([HEADING, *lines([*FIRST, *SECOND], y=120)])
    assert (found.title, found.paragraphs) == ("The harbour is rebuilt", JOINED)
    assert found.page_numbers == (1, 1)


@pytest.mark.parametrize(
    ("before", "after", "joined"),
    [
        ("The harbour master spoke of the recon-", "struction of the pier.", "reconstruction"),
        ("The harbour master took a well-", "known boat, the well-known Ada.", "well-known boat"),
        ("The harbour master crossed the Franco-", "German border at the old bridge.", "Franco-German"),
        ("The harbour master wrote in/", "out on the list of all the boats.", "in/ out"),
    ],
)
def test_a_word_that_is_divided_at_the_end_of_a_line_is_joined(before: str, after: str, joined: str) -> None:
    (text,) = read_pdf([HEADING, *lines([before, after], y=120)]).paragraphs
    assert joined in text


def test_a_first_line_that_is_indented_begins_a_paragraph() -> None:
    full = "Ships from the islands used the northern pier for as long as it was."
    page = [Text(full, 72, 120), Text(full, 72, 132), Text(full, 92, 144), Text(full, 72, 156)]
    assert len(read_pdf([HEADING, *page]).paragraphs) == 2


def test_columns_are_read_one_after_the_other() -> None:
    left = lines(["The harbour master said that", "the old crane had been sold,", "and that the"], 72, 120)
    right = lines(["quay would be closed until", "the end of the summer."], 320, 120)
    expected = "The harbour master said that the old crane had been sold, and that the quay would be closed"
    for page in ([HEADING, *left, *right], [*right, *left, HEADING]):
        found = read_pdf(page)
        assert (found.title, len(found.paragraphs)) == ("The harbour is rebuilt", 1)
        assert found.paragraphs[0].startswith(expected)


def test_a_heading_across_the_columns_is_read_between_what_is_above_and_below_it() -> None:
    page = [
        *lines(["Upper left column, which", "ends here."], 72, 120),
        *lines(["Upper right column, which", "ends here."], 320, 120),
        Text("A heading across both of the columns of this page, in large letters", 72, 200, 14),
        *lines(["Lower left column, which", "ends here."], 72, 240),
        *lines(["Lower right column, which", "ends here."], 320, 240),
    ]
    texts = read_pdf([HEADING, *page]).paragraphs
    assert [text[:11] for text in texts] == [
        "Upper left ",
        "Upper right",
        "A heading a",
        "Lower left ",
        "Lower right",
    ]


def test_a_paragraph_that_crosses_a_page_is_joined_and_has_the_page_on_which_it_begins() -> None:
    found = read_pdf(
        [HEADING, *lines(FIRST[:2], y=120)],
        [*lines([FIRST[2], *SECOND], y=100)],
    )
    assert found.paragraphs == JOINED
    assert found.page_numbers == (1, 2)


def test_a_footnote_does_not_interrupt_a_paragraph_that_crosses_a_page() -> None:
    note = [Text("1", 72, 700, 5), Text("See the report of the harbour master.", 76, 703, 8)]
    found = read_pdf([HEADING, *lines(FIRST[:2], y=120), *note], [*lines([FIRST[2], *SECOND], y=100)])
    assert found.paragraphs == (JOINED[0], "1 See the report of the harbour master.", JOINED[1])
    assert found.page_numbers == (1, 1, 2)


def test_running_heads_feet_and_page_numbers_are_removed() -> None:
    def page(number: int) -> list[Text]:
        head = f"Harbour news {number}" if number % 2 else f"{number} The islands"
        text = lines(
            [f"Ship number {number * 7} came to the northern pier in the morning and left at noon."], y=150
        )
        return [
            Text(head, 72, 40),
            *text,
            Text(f"Page {number} of 9", 250, 800),
            Text("Not for sale", 72, 815),
        ]

    found = read_pdf([HEADING, *page(1)], *(page(number) for number in range(2, 10)))
    assert found.paragraphs == tuple(
        f"Ship number {number * 7} came to the northern pier in the morning and left at noon."
        for number in range(1, 10)
    )
    assert found.page_numbers == tuple(range(1, 10))


def test_pages_that_are_all_the_same_are_read() -> None:
    assert read_pdf(*[lines(FIRST)] * 5).paragraphs == (JOINED[0],) * 5


def test_headings_with_numbers_that_differ_from_those_of_the_pages_are_kept() -> None:
    pages = [
        [Text(f"Chapter {number * number}", y=72, size=14), *lines(FIRST, y=120)] for number in range(1, 6)
    ]
    texts = read_pdf(*pages, info={"Title": "A book"}).paragraphs
    assert [text for text in texts if text.startswith("Chapter")] == [f"Chapter {n * n}" for n in range(1, 6)]


def test_dots_that_lead_to_a_page_are_shortened() -> None:
    contents = lines([f"The old crane {'. ' * 30}12", f"The northern pier {'. ' * 28}34"], y=120)
    assert read_pdf([HEADING, *contents]).paragraphs == ("The old crane … 12", "The northern pier … 34")


def test_lines_that_run_upwards_are_read_after_the_others() -> None:
    data = make_pdf([[HEADING, *lines(FIRST, y=120)]])
    turned = b"BT /F0 10 Tf 0 1 -1 0 30 200 Tm (Printed upwards at the edge) Tj ET"
    stream = re.search(rb"stream\n.*?\nendstream", data, re.DOTALL)
    assert stream
    content = zlib.decompress(stream[0][7:-10]) + b"\n" + turned
    found = read_article(
        data.replace(stream[0], b"stream\n" + zlib.compress(content) + b"\nendstream"), "a.pdf"
    )
    assert found.paragraphs == (JOINED[0], "Printed upwards at the edge")


def hide(page: list[Text]) -> list[Text]:
    """The lines as OCR puts them over the picture of a page."""
    return [replace(line, is_hidden=True) for line in page]


@pytest.mark.parametrize("angle", [1.2, 0.5, -0.4, -1.0, -4.0])
def test_a_sheet_that_was_scanned_askew_is_read_like_a_straight_one(angle: float) -> None:
    page = set_askew([HEADING, *lines([*FIRST, *SECOND], y=120)], angle)
    # OCR takes short lines for straight ones.
    page[0] = replace(page[0], angle=0)
    for sheet in (page, hide(page)):
        found = read_pdf(sheet)
        assert (found.title, found.paragraphs) == ("The harbour is rebuilt", JOINED)


def test_columns_of_a_sheet_that_was_scanned_askew_are_read_one_after_the_other() -> None:
    left = lines(["The harbour master said that", "the old crane had been sold,", "and that the"], 72, 120)
    right = lines(["quay would be closed until", "the end of the summer."], 320, 120)
    (text,) = read_pdf(hide(set_askew([HEADING, *left, *right], -1.5))).paragraphs
    assert text.startswith(
        "The harbour master said that the old crane had been sold, and that the quay would"
    )


def test_running_heads_are_removed_from_sheets_that_were_scanned_askew() -> None:
    texts = [f"Ship number {number * 7} came to the northern pier in the morning." for number in range(6)]
    pages = [
        [Text("The Harbour Gazette", 72, 40), *lines([text], y=150), Text(f"Page {number}", 280, 800)]
        for number, text in enumerate(texts, 1)
    ]
    angles = (1.0, -0.8, 0.3, 0.0, -1.2, 0.7)
    sheets = [hide(set_askew(page, angle)) for page, angle in zip(pages, angles, strict=True)]
    found = read_pdf(*sheets, info={"Title": "Ships"})
    assert found.paragraphs == tuple(texts)


def test_lines_of_a_scan_are_of_one_paragraph_though_ocr_sees_them_in_several_sizes() -> None:
    page = [
        replace(line, size=size)
        for line, size in zip(lines([*FIRST, *SECOND], y=120), (10, 10, 11, 10, 9), strict=True)
    ]
    assert read_pdf([HEADING, *hide(page)]).paragraphs == JOINED


def test_text_that_ocr_finds_where_the_page_has_it_already_is_read_once() -> None:
    page = [HEADING, *lines([*FIRST, *SECOND], y=120)]
    seen = [
        replace(line, text=line.text.replace("h", "b"), x=line.x + 1, y=line.y + 1.5, size=line.size - 1)
        for line in page
    ]
    picture = Text("A sign on the pier", y=400, is_hidden=True)
    for sheet in ([*page, *hide(seen), picture], [*hide(seen), *page, picture]):
        found = read_pdf(sheet)
        assert (found.title, found.paragraphs) == (HEADING.text, (*JOINED, "A sign on the pier"))


@pytest.mark.slow
@pytest.mark.skipif(not which("tesseract"), reason="Tesseract is not installed")
def test_a_scan_that_an_ocr_program_read_has_the_paragraphs_of_the_page(tmp_path: Path) -> None:
    body = lines([*FIRST, *SECOND], y=140, size=12)
    (tmp_path / "a.pdf").write_bytes(make_pdf([[HEADING, *body], []]))
    scan_file(tmp_path / "a.pdf", tmp_path / "b.pdf", Scan(200, skew=0.8, shift=4))
    found = read_article((tmp_path / "b.pdf").read_bytes(), "b.pdf")
    assert (found.title, found.paragraphs) == (HEADING.text, JOINED)
    assert found.notes[0] == "skipped pages without a text layer, which need OCR: 2"


@pytest.mark.parametrize(
    ("stated", "name", "title"),
    [
        ("How the harbour was built", "a.pdf", "How the harbour was built"),
        ("Microsoft Word - harbour.doc", "a.pdf", "The harbour is rebuilt"),
        ("harbour.indd", "a.pdf", "The harbour is rebuilt"),
        ("untitled", "a.pdf", "The harbour is rebuilt"),
        ("old_harbour_7", "b/old-harbour-7.pdf", "The harbour is rebuilt"),
        ("", "a.pdf", "The harbour is rebuilt"),
        ("Half a character\ud800", "a.pdf", "Half a character\ufffd"),
    ],
)
def test_the_title_is_that_of_the_metadata_unless_a_program_made_it(
    stated: str, name: str, title: str
) -> None:
    found = read_pdf([HEADING, *lines(FIRST, y=120)], info={"Title": stated}, name=name)
    assert found.title == title
    assert found.paragraphs[-1] == JOINED[0]


@pytest.mark.parametrize(
    ("stated", "authors"),
    [
        ("Ada Berg", ("Ada Berg",)),
        ("Ada Berg; Quist, Ole", ("Ada Berg", "Quist, Ole")),
        ("Ada Berg, Ole Quist and Per Aas", ("Ada Berg", "Ole Quist", "Per Aas")),
        ("Administrator", ()),
        ("user", ()),
        ("", ()),
    ],
)
def test_authors_are_those_of_the_metadata(stated: str, authors: tuple[str, ...]) -> None:
    assert read_pdf(lines(FIRST), info={"Author": stated}).authors == authors


XMP = make_xmp(
    "<pdf:Producer>Harbour 1</pdf:Producer><dc:title><rdf:Alt><rdf:li>Of cranes</rdf:li></rdf:Alt></dc:title>"
    "<dc:creator><rdf:Seq><rdf:li>Ada Berg</rdf:li><rdf:li>Quist, Ole</rdf:li></rdf:Seq></dc:creator>"
    "<dc:subject><rdf:Bag><rdf:li>cranes</rdf:li><rdf:li>ships, old</rdf:li></rdf:Bag></dc:subject>"
    "<dc:publisher><rdf:Bag><rdf:li>The Press</rdf:li></rdf:Bag></dc:publisher>"
    "<dc:language><rdf:Bag><rdf:li>en-GB</rdf:li></rdf:Bag></dc:language>"
    "<xmp:ModifyDate>2020-03-05T10:00:00+01:00</xmp:ModifyDate>"
)
OLDER = {"Title": "Of ships", "Author": "Per Aas", "Keywords": "piers", "ModDate": "D:20200305090000Z"}


def test_what_a_file_states_as_xmp_comes_before_its_older_information() -> None:
    found = read_article(make_pdf([lines([*FIRST, *SECOND])], OLDER, metadata=XMP), "a.pdf")
    assert (found.title, found.authors) == ("Of cranes", ("Ada Berg", "Quist, Ole"))
    assert (found.tags, found.publisher, found.language) == (("cranes", "ships, old"), "The Press", "en")


def test_information_that_was_changed_after_the_xmp_comes_first() -> None:
    newer = {**OLDER, "ModDate": "D:20210101", "Keywords": ""}
    found = read_article(make_pdf([lines(FIRST)], newer, metadata=XMP), "a.pdf")
    assert (found.title, found.authors, found.tags) == ("Of ships", ("Per Aas",), ("cranes", "ships, old"))


@pytest.mark.parametrize(
    ("stated", "date"),
    [
        ("<prism:publicationDate>2019-03-04</prism:publicationDate>", "2019-03-04 xmp"),
        ("<prism:coverDate>2019-03</prism:coverDate>", "2019-03 xmp"),
        ("<dc:date><rdf:Seq><rdf:li>2019</rdf:li></rdf:Seq></dc:date>", "2019 xmp"),
        # The day on which the file was made.
        (
            "<dc:date><rdf:Seq><rdf:li>2020-03-04T17:00:00Z</rdf:li></rdf:Seq></dc:date>",
            "2020-03-04 properties",
        ),
        ("<prism:publicationDate>soon</prism:publicationDate>", "2020-03-04 properties"),
        ("<xmp:CreateDate>Mon -De-c T15</xmp:CreateDate>", "2020-03-04 properties"),
    ],
)
def test_a_date_of_publication_is_stated_as_xmp(stated: str, date: str) -> None:
    info = {"CreationDate": "D:20200304120000Z"}
    metadata = make_xmp(f"<pdf:Producer>Harbour 1</pdf:Producer>{stated}")
    assert published(read_article(make_pdf([lines(FIRST)], info, metadata=metadata), "a.pdf")) == date


def test_keywords_become_tags() -> None:
    assert read_pdf(lines(FIRST), info={"Keywords": "harbour, cranes; ships"}).tags == (
        "harbour",
        "cranes",
        "ships",
    )


def test_keywords_beyond_the_limit_are_cut_with_a_note() -> None:
    found = read_pdf(lines(FIRST), info={"Keywords": ", ".join(f"ship {n}" for n in range(120))})
    assert len(found.tags) == 100
    assert "only 100 of 120 tags are kept" in found.notes


@pytest.mark.parametrize(
    ("head", "name", "info", "date"),
    [
        ("4 March 1923", "a.pdf", {"CreationDate": "D:20190504102030Z"}, "1923-03-04 dateline"),
        ("", "1923-03-04.pdf", {"CreationDate": "D:20190504102030Z"}, "1923-03-04 file name"),
        ("", "a.pdf", {"CreationDate": "D:20190504102030+02'00'"}, "2019-05-04 properties"),
        ("", "a.pdf", {"CreationDate": "D:20190504", "ModDate": "D:20200101"}, "2019-05-04 properties"),
        ("", "a.pdf", {"ModDate": "D:20200101"}, "2020-01-01 modified"),
        ("1923", "a.pdf", {"CreationDate": "D:19230504"}, "1923 dateline"),
        ("", "a.pdf", {"CreationDate": "yesterday"}, None),
        ("", "a.pdf", {"CreationDate": "D:99999999"}, None),
    ],
)
def test_the_day_on_which_the_file_was_made_counts_least(
    head: str, name: str, info: dict[str, str], date: str | None
) -> None:
    page = [HEADING, *([Text(head, y=100)] if head else []), *lines(FIRST, y=130)]
    found = read_pdf(page, info=info, name=name)
    assert published(found) == date
    assert found.paragraphs == (JOINED[0],)
    assert not found.published or not found.published.others


def test_the_date_of_a_newspaper_is_in_its_running_head() -> None:
    pages = [[Text("The Gazette, 4 March 1923", y=40), *lines(FIRST, y=100 + 20 * at)] for at in range(4)]
    assert published(read_pdf(*pages)) == "1923-03-04 dateline"


@pytest.mark.parametrize(("stated", "language"), [("en-GB", "en"), ("pl", None), ("", None)])
def test_a_language_that_the_text_is_plainly_not_in_is_ignored(stated: str, language: str | None) -> None:
    data = make_pdf([lines([*FIRST, *SECOND])], language=stated)
    assert read_article(data, "a.pdf").language == language


def test_a_page_without_a_text_layer_is_noted() -> None:
    data = make_pdf([lines(FIRST), [], []], image_on=[1])
    assert read_article(data, "a.pdf").notes == ("skipped pages without a text layer, which need OCR: 2",)


ENCRYPTED = assemble_pdf(
    [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Count 0/Kids[]>>",
        b"<</Filter/Standard/V 1/R 2/Length 40/P -4/O<" + b"41" * 32 + b">/U<" + b"42" * 32 + b">>>",
    ],
    "/Root 1 0 R/Encrypt 3 0 R/ID[<41><41>]",
)
UNKNOWN = ENCRYPTED.replace(b"/Filter/Standard", b"/Filter/Unknowns")
LOOP = assemble_pdf(
    [b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Count 3/Kids[2 0 R 2 0 R 2 0 R]>>"], "/Root 1 0 R"
)
MANY = assemble_pdf(
    [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Count 1000000/Kids[3 0 R]>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>",
    ],
    "/Root 1 0 R",
)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (make_pdf([[]], image_on=[0]), "no text layer: needs OCR"),
        (make_pdf([lines(["  "])]), "no text layer: needs OCR"),
        (ENCRYPTED, "encrypted: give a copy that opens without a password"),
        (UNKNOWN, "encrypted in a way that is not supported"),
        (b"%PDF-1.7\nnothing else", "damaged: it cannot be opened as a PDF"),
        (make_pdf([lines(FIRST)])[:200], "damaged: it cannot be opened as a PDF"),
        (b"", "damaged: it cannot be opened as a PDF"),
        (LOOP, "damaged: "),
        (MANY, "has 1,000,000 pages, and must have at most 10,000: split it"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(data: bytes, reason: str) -> None:
    with pytest.raises(UnreadableDocument, match=f"^{re.escape(reason)}"):
        read_article(data, "a.pdf")


def test_a_table_of_contents_of_the_file_that_is_damaged_is_rebuilt() -> None:
    data = make_pdf([[HEADING, *lines(FIRST, y=120)]])
    for broken in (
        re.sub(rb"\d{10} 00000 n", b"0000000001 00000 n", data),
        data.replace(b"startxref", b"start"),
    ):
        assert read_article(broken, "a.pdf").paragraphs == (JOINED[0],)


def test_a_file_is_a_pdf_by_its_first_bytes_whatever_its_name_is() -> None:
    assert (
        read_article(make_pdf([[HEADING, *lines(FIRST, y=120)]]), "report").title == "The harbour is rebuilt"
    )


def test_scripts_and_attachments_are_not_looked_at() -> None:
    catalog = "/OpenAction<</S/JavaScript/JS(app.alert\\(1\\))>>/Names<</EmbeddedFiles<</Names[(a)9 0 R]>>>>"
    data = make_pdf([[HEADING, *lines(FIRST, y=120)]], catalog=catalog)
    assert read_article(data, "a.pdf").paragraphs == (JOINED[0],)


def test_the_text_is_bounded_while_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("indexer.readers.document.ARTICLE_TEXT", 1 << 20)
    # The stream of each page unpacks to 400 kB of text.
    page = lines(["harbour master " * 100] * 270, y=1, size=0.2)
    with pytest.raises(InvalidArticle, match=r"MB of text, and must have at most 1 MB"):
        list(read_articles(document(make_pdf([page] * 4))))


def document(data: bytes, begun: list[int] | None = None) -> BinaryDocument:
    return BinaryDocument(
        name="a.pdf",
        article_id="a",
        options=OPTIONS,
        stream=BytesIO(data),
        size=len(data),
        begin_record=(begun if begun is not None else []).append,
    )


def test_the_limits_start_again_every_hundred_pages() -> None:
    data = make_pdf([lines([f"Ship {number * 7} is at the pier."]) for number in range(250)])
    begun: list[int] = []
    (article,) = read_articles(document(data, begun))
    assert (len(article.paragraphs), begun) == (250, [len(data)] * 4)
    assert limits.PDF_PAGES >= 1000


def test_threads_may_read_at_the_same_time() -> None:
    data = make_pdf([[HEADING, *lines(FIRST, y=120)]] * 20)
    found: list[Article] = []
    threads = [Thread(target=lambda: found.extend(read_articles(document(data)))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert len(set(found)) == 1


def test_a_packed_pdf_is_read() -> None:
    assert (
        read_article(gzip.compress(make_pdf([[HEADING, *lines(FIRST, y=120)]])), "a.pdf.gz").title
        == HEADING.text
    )


WORDS = ("harbour", "crane", "island", "morning", "northern", "pier", "summer", "captain", "water", "bridge")


def make_prose(number: int) -> str:
    words = [WORDS[(number * 31 + at * at * 7 + at) % len(WORDS)] for at in range(40 + number * 7 % 60)]
    return " ".join([f"Paragraph{number}", *words]) + "."


@pytest.mark.slow
@pytest.mark.skipif(not find_office(), reason="LibreOffice is not installed")
@pytest.mark.parametrize("columns", [1, 2])
def test_paragraphs_of_a_document_of_libreoffice_are_those_that_were_written(
    tmp_path: Path, columns: int
) -> None:
    written = [make_prose(number) for number in range(30)]
    notes = {3: "The first note is at the foot of its page.", 17: "The second note is there, too."}
    path = tmp_path / "a.fodt"
    write_flat_document(
        path,
        "How the harbour was built",
        written,
        columns=columns,
        header="The Harbour Gazette",
        footer="Page #",
        footnotes=notes,
        author="Ada Berg",
    )
    found = read_article(convert(path, ".pdf", tmp_path).read_bytes(), "a.pdf")
    assert (found.title, found.authors) == ("How the harbour was built", ("Ada Berg",))
    texts = [re.sub(r"\d+$", "", text) for text in found.paragraphs if text.startswith("Paragraph")]
    assert texts == written
    pages = [page or 0 for page in found.page_numbers]
    assert (pages[0], pages) == (1, sorted(pages))
    assert len(set(pages)) > 1
    assert sum(text.endswith(tuple(notes.values())) for text in found.paragraphs) == 2


def test_long_lines_of_signs_are_read_in_linear_time() -> None:
    texts = ["#" * 2000 + "q", "." * 30_000 + "q", "· " * 10_000 + "q"]
    pages = [
        layout.Page(number, 800, [layout.Line(text, 0, 99, 20 * at, 10) for at, text in enumerate(texts, 1)])
        for number in (1, 2)
    ]
    assert layout.read_layout(pages, lambda _index: None).body_size == 10


@pytest.mark.parametrize(("letters", "is_read"), [("x" * 5 + "e" * 15, True), ("x" * 10 + "e" * 10, False)])
def test_the_share_of_letters_that_a_font_does_not_tell_is_one_of_characters(
    letters: str, is_read: bool
) -> None:
    # The letter x is shown as one for private use.
    names = b"1 beginbfchar <78> <E000> endbfchar"
    names = b"1 begincodespacerange <00> <FF> endcodespacerange " + names
    content = b"BT /F1 10 Tf 72 700 Td (%s) Tj ET" % letters.encode()
    data = assemble_pdf(
        [
            b"<</Type/Catalog/Pages 2 0 R>>",
            b"<</Type/Pages/Count 1/Kids[3 0 R]>>",
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R"
            b"/Resources<</Font<</F1 5 0 R>>>>>>",
            b"<</Length %d>>stream\n%b\nendstream" % (len(content), content),
            b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/ToUnicode 6 0 R>>",
            b"<</Length %d>>stream\n%b\nendstream" % (len(names), names),
        ],
        "/Root 1 0 R",
    )
    if is_read:
        assert read_article(data, "a.pdf").title == letters.replace("x", "\ue000")
    else:
        with pytest.raises(UnreadableDocument, match="which letters they show"):
            read_article(data, "a.pdf")

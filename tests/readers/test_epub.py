"""EPUB: a chapter an article, with what the book states of itself."""

from __future__ import annotations

import pytest

from indexer.article import Article, Failure
from indexer.errors import UnreadableDocument
from tests.fixtures.documents import published, read_all
from tests.fixtures.packages import make_epub
from tests.fixtures.packing import make_zip

METADATA = (
    "<dc:title>Tides</dc:title><dc:creator>Ada Berg</dc:creator><dc:creator>Bo Lind</dc:creator>"
    "<dc:publisher>Harbour Press</dc:publisher><dc:subject>Sea, the</dc:subject>"
    "<dc:language>en-GB</dc:language>"
    '<dc:date opf:event="modification">2022-01-01</dc:date>'
    '<dc:date opf:event="publication">2021-03-04</dc:date>'
)


def _read(*book: dict[str, str], **more: object) -> list[Article]:
    return [_article(found) for found in read_all(make_epub(*book, **more), "tides.epub")]  # type: ignore[arg-type]


def _article(found: Article | Failure) -> Article:
    assert isinstance(found, Article), found
    return found


def _chapters(*book: dict[str, str]) -> list[tuple[str, tuple[str, ...]]]:
    return [(article.title, article.paragraphs) for article in _read(*book)]


PAGES = {"one.xhtml": "<h1>One</h1><p>First.</p>", "two.xhtml": "<h1>Two</h1><p>Second.</p>"}
CONTENTS = {"one.xhtml": "Chapter one", "two.xhtml": "Two"}


def test_a_chapter_is_an_article_with_what_the_book_states() -> None:
    first, second = _read(PAGES, CONTENTS, metadata=METADATA)
    assert (first.title, first.paragraphs) == ("Chapter one", ("One", "First."))
    assert (second.title, second.paragraphs) == ("Two", ("Second.",))
    assert (first.id, first.source) == ("tides/book/one.xhtml", "tides.epub/book/one.xhtml")
    assert (first.section, first.publisher, first.language) == ("Tides", "Harbour Press", "en")
    assert (first.authors, first.tags) == (("Ada Berg", "Bo Lind"), ("Sea, the",))
    assert published(first) == "2021-03-04 meta"


BOOKS = [
    pytest.param(
        ({"a.xhtml": "<h1>One</h1><p>First.</p>", "b.xhtml": "<p>More.</p>"}, {"a.xhtml": "One"}),
        [("One", ("First.", "More."))],
        id="a page without a heading continues the chapter",
    ),
    pytest.param((PAGES, {}), [("One", ("First.",)), ("Two", ("Second.",))], id="no table of contents"),
    pytest.param(
        (
            {"a.xhtml": '<h2 id="i">I. <b>One</b></h2><p>First.</p><h2><a name="ii"></a>II</h2><p>Next.</p>'},
            {"a.xhtml#i": "I. One", "a.xhtml#ii": "II"},
        ),
        [("I. One", ("First.",)), ("II", ("Next.",))],
        id="chapters in one page",
    ),
    pytest.param(
        (
            {"a.xhtml": "<h1>One</h1><p>First.</p><h2 id='s'>Inner</h2><p>Second.</p>"},
            {"a.xhtml": 'One</a><ol><li><a href="a.xhtml#s">Inner</a></li></ol><a>'},
        ),
        [("One", ("First.", "Inner", "Second."))],
        id="sections of a chapter",
    ),
    pytest.param(
        ({"cover.xhtml": '<img src="cover.png"/>', **PAGES}, {"cover.xhtml": "Cover", **CONTENTS}),
        [("Chapter one", ("One", "First.")), ("Two", ("Second.",))],
        id="cover",
    ),
    pytest.param(
        ({"a.xhtml": "<p>CHAPTER 1.</p><p>Loomings.</p><p>Call.</p>"}, {"a.xhtml": "Chapter 1 Loomings"}),
        [("Chapter 1 Loomings", ("Call.",))],
        id="title in two lines",
    ),
]


@pytest.mark.parametrize(("book", "chapters"), BOOKS)
def test_chapters_begin_where_the_table_of_contents_or_a_heading_says(
    book: tuple[dict[str, str], ...], chapters: list[tuple[str, tuple[str, ...]]]
) -> None:
    assert _chapters(*book) == chapters


def test_a_book_of_the_second_version_has_its_table_of_contents_in_ncx() -> None:
    ncx = (
        '<!DOCTYPE ncx PUBLIC "-//NISO//DTD ncx 2005-1//EN" "http://127.0.0.1:9/ncx.dtd"><ncx><navMap><navPoint>'
        '<navLabel><text>Of tides</text></navLabel><content src="one.xhtml"/></navPoint></navMap></ncx>'
    )
    package = (
        '<package><manifest><item id="a" href="one.xhtml" media-type="application/xhtml+xml"/><item id="t" '
        'href="t.ncx" media-type="application/x-dtbncx+xml"/></manifest><spine><itemref idref="a"/></spine>'
        "</package>"
    )
    (found,) = _read(PAGES, more={"book/book.opf": package, "book/t.ncx": ncx})
    assert found.title == "Of tides"


def test_a_chapter_that_is_missing_is_a_failure_and_the_others_are_read() -> None:
    data = make_epub(PAGES, CONTENTS).replace(b"book/two.xhtml", b"book/zwo.xhtml")
    failure, first = read_all(data, "tides.epub")
    assert _article(first).title == "Chapter one"
    assert failure == Failure("tides.epub/book/two.xhtml", "damaged: it has no part book/two.xhtml")


def test_a_table_of_contents_that_is_damaged_is_a_note() -> None:
    (first, _) = _read(PAGES, CONTENTS, more={"book/nav.xhtml": " " * 9_000_000})
    assert first.title == "One"
    assert "the table of contents was not read" in first.notes[0]


ENCRYPTION = '<encryption><CipherReference URI="book/{}"/></encryption>'


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (make_epub(PAGES, more={"META-INF/encryption.xml": ENCRYPTION.format("two.xhtml")}), "^encrypted$"),
        (make_epub({}), "it has no chapters"),
        (make_zip({"a": "a"}), "it has no part META-INF/container.xml"),
        (make_epub(PAGES, more={"book/book.opf": "<package"}), "damaged: "),
        (b"PK\x03\x04 no ZIP file", "damaged: "),
    ],
)
def test_a_book_that_cannot_be_read_is_refused_with_the_reason(data: bytes, reason: str) -> None:
    with pytest.raises(UnreadableDocument, match=reason):
        read_all(data, "tides.epub")


def test_a_book_with_encrypted_fonts_is_read() -> None:
    book = make_epub(PAGES, more={"META-INF/encryption.xml": ENCRYPTION.format("a.ttf")})
    assert len(read_all(book, "tides.epub")) == 2


def test_entities_of_a_book_are_not_expanded_and_addresses_not_opened() -> None:
    evil = '<!DOCTYPE package [<!ENTITY a SYSTEM "file:///etc/passwd"><!ENTITY b "secret">]>'
    package = make_epub(
        {"one.xhtml": "<!DOCTYPE html [<!ENTITY x 'secret'>]><h1>One</h1><p>First &x; &b;</p>"}
    )
    assert "secret" not in str(read_all(package, "tides.epub"))
    package = make_epub(
        PAGES,
        more={
            "book/book.opf": f'{evil}<package><metadata xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>'
            "A&a;&b;</dc:title></metadata><manifest><item id='a' href='one.xhtml' "
            "media-type='application/xhtml+xml'/></manifest><spine><itemref idref='a'/></spine></package>"
        },
    )
    (found,) = read_all(package, "tides.epub")
    assert _article(found).section == "A"

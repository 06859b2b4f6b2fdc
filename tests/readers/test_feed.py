"""Feeds: an entry an article, with what the feed states of it."""

from __future__ import annotations

import gzip
import json

import pytest

from indexer.article import Article, Encoding, Failure
from indexer.errors import UnreadableDocument
from indexer.readers.document import TextDocument
from indexer.readers.feed import read_json_feed
from tests.fixtures.documents import OPTIONS, published, read_all, read_article

RSS = """<?xml version="1.0"?>
<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"
  xmlns:dc="http://purl.org/dc/elements/1.1/"><channel>
<title>Harbour &amp; wire</title><link>https://harbour.example/</link><language>en-gb</language>{}
</channel></rss>"""
ITEM = """<item><title>Ships &amp;amp; tides</title><link>https://harbour.example/1</link>
<guid>tag:harbour.example,2021:1</guid><pubDate>Thu, 04 Mar 2021 08:30:00 +0100</pubDate>
<dc:creator>Ada Berg</dc:creator><dc:creator>Bo Lind</dc:creator><category>News</category>
<category>Sea</category><description>A summary.</description>
<content:encoded><![CDATA[<p>Ships <b>came</b>.</p><script>hidden()</script>
<p>They left.</p>]]></content:encoded>
<enclosure url="https://harbour.example/a.mp3" type="audio/mpeg" length="1"/></item>"""
ATOM = """<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="de"><title>Hafen</title><id>feed</id><entry>
<title type="html">Schiffe &lt;i&gt;kommen&lt;/i&gt;</title><link href="https://harbour.example/2"/><id>urn:2</id>
<published>2021-03-04T09:30:00+01:00</published><updated>2022-01-02T10:00:00Z</updated>
<author><name>Ada Berg</name></author><category term="sea" label="See"/>
<summary>Kurz.</summary>
<content type="html">&lt;p&gt;Eins.&lt;/p&gt;&lt;p&gt;Zwei.&lt;/p&gt;</content></entry>
</feed>"""


def test_an_item_of_rss_is_an_article_with_its_whole_content() -> None:
    found = read_article(RSS.format(ITEM), "wire.rss")
    assert (found.title, found.paragraphs) == ("Ships & tides", ("Ships came.", "They left."))
    assert (found.id, found.source) == ("wire/tag:harbour.example,2021:1", "wire.rss")
    assert (found.url, found.publisher) == ("https://harbour.example/1", "Harbour & wire")
    assert (found.authors, found.tags) == (("Ada Berg", "Bo Lind"), ("News", "Sea"))
    assert (published(found), found.language) == ("2021-03-04T08:30 given", "en")


def test_names_that_were_escaped_twice_are_read() -> None:
    names = "<dc:creator>Chlo&amp;#xE9; Lind</dc:creator><category>Town &amp;amp; sea</category>"
    found = read_article(RSS.format(f"<item><title>One</title>{names}</item>"), "wire.rss")
    assert (found.authors, found.tags) == (("Chloé Lind",), ("Town & sea",))


def test_an_entry_of_atom_is_an_article_with_its_whole_content() -> None:
    found = read_article(ATOM, "wire.atom")
    assert (found.title, found.paragraphs) == ("Schiffe kommen", ("Eins.", "Zwei."))
    assert (found.id, found.url, found.publisher) == ("wire/urn:2", "https://harbour.example/2", "Hafen")
    assert (found.authors, found.tags, found.language) == (("Ada Berg",), ("See",), "de")
    assert published(found) == "2021-03-04T09:30 given"


@pytest.mark.parametrize(
    ("item", "title", "paragraphs"),
    [
        ("<title>One</title><description>First.\n\nSecond.</description>", "One", ("First.", "Second.")),
        ("<title>One</title><description>A &lt;br&gt; b</description>", "One", ("A b",)),
        ("<title>One</title><description>3 &lt; 4</description>", "One", ("3 < 4",)),
        ("<description>No title, but a sentence.</description>", "No title, but a sentence.", None),
        ("<title>Nothing else</title>", "Nothing else", ()),
    ],
)
def test_an_item_may_be_text_or_html_and_lack_a_title(
    item: str, title: str, paragraphs: tuple[str, ...] | None
) -> None:
    found = read_article(RSS.format(f"<item>{item}</item>"), "wire.rss")
    assert found.title == title
    assert found.paragraphs == (paragraphs if paragraphs is not None else (title,))


def test_an_entry_without_an_id_or_an_address_has_its_number() -> None:
    found = read_all(RSS.format("<item><title>One</title></item><item><title>Two</title></item>"), "wire.rss")
    assert [article.id for article in found if isinstance(article, Article)] == ["wire-1", "wire-2"]


def test_an_entry_without_text_is_a_failure_and_the_others_are_read() -> None:
    failure, found = read_all(RSS.format("<item><guid>1</guid></item>" + ITEM), "wire.rss")
    assert failure == Failure("wire.rss:1", "contains no text")
    assert isinstance(found, Article)


def test_a_date_of_a_change_is_the_date_only_if_no_other_is_stated() -> None:
    start, end = ATOM.index("<published>"), ATOM.index("<updated>")
    assert published(read_article(ATOM[:start] + ATOM[end:], "a.xml")) == "2022-01-02T10:00 modified"


@pytest.mark.parametrize("name", ["wire.xml", "wire.rss", "wire.rss.gz"])
def test_a_feed_is_told_by_its_content(name: str) -> None:
    data = RSS.format(ITEM).encode()
    assert read_article(gzip.compress(data) if name.endswith(".gz") else data, name).title == "Ships & tides"


@pytest.mark.parametrize(
    "data",
    [
        b"<urlset><url><loc>https://harbour.example/</loc></url></urlset>",
        b"<?xml version='1.0'?><html><body><p>Text</p></body></html>",
        b"/etc/passwd",
        b"http://127.0.0.1:9/feed",
        b"",
    ],
)
def test_other_xml_is_refused(data: bytes) -> None:
    with pytest.raises(UnreadableDocument, match=r"^XML that is neither a feed nor a WordPress export$"):
        read_all(data, "a.xml")


def test_entities_of_a_feed_are_not_expanded() -> None:
    evil = (
        "<!DOCTYPE rss [<!ENTITY a SYSTEM 'file:///etc/hostname'><!ENTITY b '&c;&c;'><!ENTITY c 'secret'>]>"
    )
    data = evil + RSS.partition("?>")[2].format(
        "<item><title>One &a;</title><description>x&b;y</description></item>"
    )
    found = read_article(data, "a.xml")
    assert found.title.startswith("One")
    assert "secretsecret" not in found.paragraphs[0]


JSON_FEED: dict[str, object] = {
    "version": "https://jsonfeed.org/version/1.1",
    "title": "Harbour wire",
    "language": "en-GB",
    "authors": [{"name": "Ada Berg"}],
    "items": [
        {
            "id": 7,
            "url": "https://harbour.example/7",
            "title": "Ships",
            "content_html": "<p>One.</p><p>Two.</p>",
            "content_text": "Not this.",
            "date_published": "2021-03-04T08:30:00+01:00",
            "date_modified": "2022-01-01T00:00:00Z",
            "tags": ["Sea", 3, None],
        },
        {
            "id": "8",
            "content_text": "A <b> in text.\n\nMore.",
            "author": {"name": "Bo Lind"},
            "title": "Plain",
        },
        {"id": "9"},
        "no item",
    ],
}


def _read_json(feed: dict[str, object]) -> list[Article | Failure]:
    document = TextDocument(
        name="a.json", article_id="a", options=OPTIONS, text=json.dumps(feed), encoding=Encoding("utf-8")
    )
    return list(read_json_feed(document, feed))


def test_an_item_of_a_json_feed_is_an_article() -> None:
    ships, plain, failure = _read_json(JSON_FEED)
    assert isinstance(ships, Article)
    assert (ships.id, ships.url, ships.title) == ("a/7", "https://harbour.example/7", "Ships")
    assert (ships.paragraphs, ships.tags) == (("One.", "Two."), ("Sea", "3"))
    assert (ships.authors, ships.publisher, ships.language) == (("Ada Berg",), "Harbour wire", "en")
    assert published(ships) == "2021-03-04T08:30 given"
    assert isinstance(plain, Article)
    assert (plain.paragraphs, plain.authors) == (("A <b> in text.", "More."), ("Bo Lind",))
    assert failure == Failure("a.json:3", "contains no text")


def test_a_json_feed_without_items_is_refused() -> None:
    with pytest.raises(UnreadableDocument, match="without items"):
        _read_json({"version": "https://jsonfeed.org/version/1"})

"""WordPress exports: a post an article, and what is no published post is counted."""

from __future__ import annotations

import gzip
from collections import Counter
from dataclasses import replace
from io import BytesIO

import pytest

from indexer.article import Article, Failure
from indexer.errors import UnreadableDocument
from indexer.readers import read
from tests.fixtures.documents import OPTIONS, published, read_all

EXPORT = """<?xml version="1.0" encoding="UTF-8" ?>
<!-- generator="WordPress" -->
<rss version="2.0" xmlns:excerpt="http://wordpress.org/export/1.2/excerpt/"
  xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:dc="http://purl.org/dc/elements/1.1/"
  xmlns:wp="http://wordpress.org/export/1.2/">
<channel><title>The Harbour</title><link>https://harbour.example</link><language>de-DE</language>
<wp:author><wp:author_login><![CDATA[ada]]></wp:author_login>
<wp:author_display_name><![CDATA[Ada Berg]]></wp:author_display_name></wp:author>
{}</channel></rss>"""


def make_post(number: int = 1, content: str = "Text.", more: str = "", **fields: str) -> str:
    fields = {"post_type": "post", "status": "publish", "post_id": str(number)} | fields
    stated = "".join(f"<wp:{name}><![CDATA[{value}]]></wp:{name}>" for name, value in fields.items())
    return (
        f"<item><title>Post {number}</title><link>https://harbour.example/{number}/</link>"
        f"<content:encoded><![CDATA[{content}]]></content:encoded>"
        f"<excerpt:encoded><![CDATA[Excerpt]]></excerpt:encoded>{stated}{more}</item>"
    )


def _read(*posts: str, **options: str) -> list[Article | Failure]:
    given = replace(OPTIONS, **options)  # type: ignore[arg-type]
    return read_all(EXPORT.format("".join(posts)), "export.xml", given)


def _read_one(*posts: str, **options: str) -> Article:
    (found,) = _read(*posts, **options)
    assert isinstance(found, Article), found
    return found


DATES = {"post_date": "2021-03-04 00:30:00", "post_date_gmt": "2021-03-03 23:30:00"}


def test_a_post_is_an_article_with_what_wordpress_states() -> None:
    more = (
        "<dc:creator><![CDATA[ada]]></dc:creator>"
        '<category domain="category"><![CDATA[Town & sea]]></category>'
        '<category domain="category">News</category>'
        '<category domain="post_tag">Cranes</category><category domain="post_format">aside</category>'
    )
    found = _read_one(make_post(5, more=more, **DATES))
    assert (found.id, found.title, found.paragraphs) == ("export/5", "Post 5", ("Text.",))
    assert (found.url, found.source) == ("https://harbour.example/5/", "export.xml")
    assert (found.authors, found.publisher, found.language) == (("Ada Berg",), "The Harbour", "de")
    assert (found.section, found.tags) == ("Town & sea", ("Town & sea", "News", "Cranes"))
    assert published(found) == "2021-03-04T00:30 given"


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("Ships &amp; tides", "Ships & tides"),
        ("Ships <em>come</em>", "Ships come"),
        ("3 < 4 & 5", "3 < 4 & 5"),
    ],
)
def test_titles_and_names_of_an_export_are_html(given: str, shown: str) -> None:
    more = f'<category domain="category"><![CDATA[{given}]]></category>'
    post = make_post(more=more).replace("<title>Post 1<", f"<title><![CDATA[{given}]]><")
    found = _read_one(post)
    assert (found.title, found.section) == (shown, shown)


@pytest.mark.parametrize(
    ("timezone", "dates", "date"),
    [
        ("", DATES, "2021-03-04T00:30 given"),
        ("Europe/Lisbon", DATES, "2021-03-03T23:30 given"),
        ("Europe/Lisbon", DATES | {"post_date_gmt": "0000-00-00 00:00:00"}, "2021-03-04T00:30 given"),
        (
            "",
            {"post_date": "0000-00-00 00:00:00", "post_modified": "2022-01-01 10:00:00"},
            "2022-01-01T10:00 modified",
        ),
    ],
)
def test_the_date_is_that_on_the_site_unless_another_time_zone_is_wanted(
    timezone: str, dates: dict[str, str], date: str
) -> None:
    assert published(_read_one(make_post(1, "Text.", "", **dates), timezone=timezone)) == date


CONTENTS = [
    ("<!-- wp:paragraph -->\n<p>One.</p>\n<!-- /wp:paragraph -->\n\n<p>Two.</p>", ["One.", "Two."]),
    ("One\ngoes <b>on</b>.\r\n\r\nTwo.", ["One goes on.", "Two."]),
    (
        'Text.\n[caption id="a" width="3"]<img src="a.jpg"/> A crane[/caption]\nMore.',
        ["Text.", "A crane", "More."],
    ),
    ('One [gallery ids="1,2"] two', ["One", "two"]),
    ("[vc_row][vc_column]Text[/vc_column][/vc_row]", ["Text"]),
    ("He said [sic] it. [Laughs]", ["He said [sic] it. [Laughs]"]),
    ("Text<script>hidden()</script><style>p{}</style>", ["Text"]),
]


@pytest.mark.parametrize(("content", "paragraphs"), CONTENTS)
def test_the_text_of_a_post_is_what_a_browser_shows_without_shortcodes(
    content: str, paragraphs: list[str]
) -> None:
    assert [*_read_one(make_post(content=content)).paragraphs] == paragraphs


def test_what_is_no_published_post_is_skipped_and_counted() -> None:
    counted: list[str] = []
    posts = [
        make_post(1),
        make_post(2, status="draft"),
        make_post(3, status="pending"),
        make_post(4, status="inherit", post_type="revision"),
        make_post(5, post_type="page"),
        make_post(6, post_password="secret"),
        make_post(7, status="inherit", post_type="attachment"),
        make_post(8, post_type="event"),
    ]
    found = read_all(EXPORT.format("".join(posts)), "export.xml", leave_out=counted.append)
    assert [article.id for article in found if isinstance(article, Article)] == ["export/1", "export/5"]
    assert Counter(counted) == {
        "drafts": 2,
        "revisions": 1,
        "posts with a password": 1,
        "attachments": 1,
        "posts of type event": 1,
    }


def test_a_post_that_cannot_be_read_is_a_failure_and_the_others_are_read() -> None:
    failure, found = _read(make_post(1, content="").replace("Post 1", ""), make_post(2))
    assert failure == Failure("export.xml/1", "contains no text")
    assert isinstance(found, Article)


def test_a_damaged_export_has_the_articles_before_the_damage() -> None:
    data = EXPORT.format(make_post(1) + make_post(2) + make_post(3))
    articles = read(BytesIO(data[: data.index("Post 3") + 40].encode()), "a.xml", "a", OPTIONS)
    # The third may be a draft, since its status comes after its text.
    found = [next(articles), next(articles)]
    assert [article.id for article in found if isinstance(article, Article)] == ["a/1", "a/2"]
    with pytest.raises(UnreadableDocument, match=r"^damaged, so posts may be missing: line \d+: "):
        next(articles)


def test_control_characters_and_other_versions_of_the_format_are_read() -> None:
    data = EXPORT.format(make_post(content="One\x08two")).replace("/1.2/", "/1.0/")
    (found,) = read_all(gzip.compress(data.encode()), "export.xml.gz")
    assert isinstance(found, Article)
    assert found.paragraphs == ("One two",)


def test_entities_of_an_export_are_not_expanded() -> None:
    evil = "<!DOCTYPE rss [<!ENTITY a SYSTEM 'file:///etc/passwd'><!ENTITY b 'secret'>]>"
    data = EXPORT.format(make_post(1).replace("Post 1", "Post &a;&b;")).replace("<!-- gen", f"{evil}<!-- gen")
    (found,) = read_all(data, "export.xml")
    assert isinstance(found, Article)
    assert found.title == "Post"

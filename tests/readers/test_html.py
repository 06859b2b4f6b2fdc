"""HTML: the main text, the metadata, and the publication date."""

from __future__ import annotations

import contextlib
import json
import time

import pytest

from indexer.article import Article, Failure
from indexer.errors import UnreadableDocument
from indexer.readers import ReadOptions
from indexer.readers.html import FROM_DATA
from tests.fixtures.documents import OPTIONS, published, read_all, read_article

TEXT = (
    "The council met on Monday evening and spoke for three hours about the bridge over the canal, which has "
    "been shut since the spring floods and which nobody wants to pay for, although everybody would cross it."
)
BODY = f"<h1>Bridge stays shut</h1><p>{TEXT}</p><p>{TEXT[::-1]}</p><p>{TEXT.upper()}</p>"


def article(page: str, name: str = "a.html", options: ReadOptions = OPTIONS) -> Article:
    return read_article(page, name, options)


def page(head: str = "", body: str = BODY, attributes: str = "") -> str:
    return (
        f"<!DOCTYPE html><html {attributes}><head><title>Bridge stays shut | The Paper</title>{head}</head>"
        f"<body><nav><a href=/>Home</a> <a href=/x>All news</a></nav><main><article>{body}</article></main>"
        "<footer>Imprint</footer></body></html>"
    )


def date_of(head: str = "", body: str = BODY, name: str = "a.html", options: ReadOptions = OPTIONS) -> str:
    return published(article(page(head, body), name, options)) or "none"


def ld(text: str) -> str:
    return f'<script type="application/ld+json">{text}</script>'


def test_the_main_text_is_kept_and_navigation_scripts_styles_and_comments_are_not() -> None:
    found = article(page("<style>p {}</style>", BODY + "<script>var hidden = 1;</script><!-- secret -->"))
    assert found.title == "Bridge stays shut"
    assert found.paragraphs == (TEXT, TEXT[::-1], TEXT.upper())


def test_headings_lists_quotations_tables_and_code_are_paragraphs() -> None:
    found = article(
        page(
            body=BODY
            + "<h2>Why it is shut</h2><ul><li>The first reason is water.</li><li>The second, money.</li></ul>"
            "<blockquote>Nobody will pay, said the mayor.</blockquote>"
            "<table><tr><td>Year</td><td>Floods</td></tr><tr><td>1998</td><td>two</td></tr></table>"
            "<pre>run me\nand me</pre><p>One line.<br><br>Another line.</p>"
        )
    )
    for text in (
        *(
            "Why it is shut",
            "The first reason is water.",
            "The second, money.",
            "Nobody will pay, said the mayor.",
        ),
        *("Year | Floods", "1998 | two", "run me\nand me", "One line.", "Another line."),
    ):
        assert text in found.paragraphs


def test_the_sign_of_a_link_to_a_heading_is_no_part_of_it() -> None:
    link = '<a class="headerlink" href="#x">¶</a>'
    sections = f'<h2 id="x">The costs{link}</h2><p>{TEXT}</p><h2>See <a href="#y">§ 9</a></h2><p>{TEXT}!</p>'
    found = article(f"<title>Bridge stays shut</title><article><h1>Bridge stays shut {link}</h1>{sections}")
    assert found.title == "Bridge stays shut"
    assert [text for text in found.paragraphs if len(text) < 30] == ["The costs", "See § 9"]


def test_a_fragment_gives_its_blocks() -> None:
    found = article("<h1>Short manual</h1><ol><li>Turn it on.</li><li>Wait.</li></ol><pre>go\n now</pre>")
    assert found.title == "Short manual"
    assert found.paragraphs == ("Turn it on.", "Wait.", "go\n now")


def test_blocks_are_taken_if_no_main_text_is_found() -> None:
    found = article(
        "<div><script>x()</script><nav>Menu</nav>One<br><br>Two <b>bold</b></div><style>y</style><p>Three"
    )
    assert found.paragraphs == ("One", "Two bold", "Three")


@pytest.mark.parametrize(
    ("head", "body", "title"),
    [
        ("", "<p>x", "Bridge stays shut"),
        ("<meta property=og:title content='Bridge stays shut - The Paper'>"
         "<meta property=og:site_name content='The Paper'>", "<p>x", "Bridge stays shut"),
        ("", "<h1>The Paper</h1><h1>Bridge stays shut</h1>", "Bridge stays shut"),
        ("", "<h1>Subscribe now!</h1><p>x", "Bridge stays shut"),
    ],
)  # fmt: skip
def test_the_title_is_that_of_the_article_without_the_site(head: str, body: str, title: str) -> None:
    assert article(page(head, body)).title == title


SITE = "<meta property=og:site_name content='The Paper'>"


@pytest.mark.parametrize(
    ("head", "body", "title"),
    [
        # The heading words it in another way.
        ("<meta property=og:title content='Bridge will stay shut for winter'>",
         "<h1>The bridge will stay shut for the winter</h1>", "The bridge will stay shut for the winter"),
        # The social title has a kicker, the name of the site at its start, or is cut.
        ("<meta property=og:title content='Canal: Nobody wants to pay'>",
         "<h1>Nobody wants to pay</h1>", "Nobody wants to pay"),
        ("<meta property=og:title content='Mayor calls the bridge'>",
         "<h1>Mayor calls the bridge &quot;a disgrace&quot;</h1>", 'Mayor calls the bridge "a disgrace"'),
        # The first heading is that of the section, which the page's title begins with.
        ("<meta property=og:title content='Nobody wants to pay'>",
         "<h1>Bridge</h1><h1>Nobody wants to pay</h1>", "Nobody wants to pay"),
        # A kicker, a date or a subtitle is a part of the heading.
        (ld('{"@type": "NewsArticle", "headline": "Nobody wants to pay"}'),
         "<h1><span>The canal</span> <span>Nobody wants to pay</span></h1>", "Nobody wants to pay"),
        ("<meta property=og:title content='Nobody wants to pay'>",
         "<h1><time>5 May 2020</time>Nobody wants to pay</h1>", "Nobody wants to pay"),
        (ld('{"@type": "NewsArticle", "headline": "Nobody wants to pay"}'),
         "<h1>Nobody wants to pay<br><small>A mayor despairs</small></h1>", "Nobody wants to pay"),
        # A headline that is cut is no reason to cut the heading.
        (ld('{"@type": "NewsArticle", "headline": "Nobody wants to pay for the"}'),
         "<h1>Nobody wants to pay for the bridge</h1>", "Nobody wants to pay for the bridge"),
        # Only JSON-LD has the headline; the social title was written for another place.
        (ld('{"@type": "NewsArticle", "headline": "Nobody wants to pay"}')
         + "<meta property=og:title content='What a shut bridge says about us'>",
         "<h1>Nobody wants to pay</h1>", "Nobody wants to pay"),
        # Headings that are not alike.
        ("<meta property=og:title content='Nobody wants to pay'>",
         "<h1>Subscribe to our newsletter</h1>", "Nobody wants to pay"),
    ],
)  # fmt: skip
def test_the_title_is_the_heading_that_resembles_a_title_of_the_page(
    head: str, body: str, title: str
) -> None:
    assert article(page(SITE + head, f"{body}<p>{TEXT}</p>")).title == title


def test_the_heading_of_a_weblog_is_not_the_title_of_its_posts() -> None:
    found = article(
        "<title>The Paper » Archive » Nobody wants to pay</title><h1>The Paper</h1>"
        f"<h2>Nobody wants to pay</h2><p>{TEXT}</p>"
    )
    assert found.title == "Nobody wants to pay"


@pytest.mark.parametrize("pieces", ["<b>a</b> " * 5000, "word " * 10_000, "<h1>a</h1>" * 5000])
def test_a_page_with_a_monstrous_heading_is_read(pieces: str) -> None:
    found = article(f"<meta property=og:title content='{'word ' * 10_000}'><h1>{pieces}</h1><p>{TEXT}</p>")
    assert found.title


OTHER = TEXT.replace("bridge", "lock")


@pytest.mark.parametrize(
    "record",
    [
        {"@type": "NewsArticle", "articleBody": f"{TEXT}\n\n{OTHER}\r\n"},
        {"@type": "NewsArticle", "articleBody": f"<p>{TEXT}</p><p>{OTHER}</p><script>alert(1)</script>"},
        {"@type": "NewsArticle", "articleBody": f"&lt;p&gt;{TEXT}&lt;/p&gt;&lt;p&gt;{OTHER}&lt;/p&gt;"},
        {"@graph": [{"@type": "Person"}, {"@type": "Article", "articleBody": f"{TEXT}\n{OTHER}"}]},
        {"@type": "Recipe", "recipeInstructions": [{"@type": "HowToStep", "text": t} for t in (TEXT, OTHER)]},
        {"@type": "FAQPage", "mainEntity": [
            {"@type": "Question", "acceptedAnswer": {"@type": "Answer", "text": t}} for t in (TEXT, OTHER)]},
    ],
)  # fmt: skip
def test_a_text_that_only_scripts_show_is_taken_from_their_data_with_a_note(
    record: dict[str, object],
) -> None:
    data = json.dumps(record).replace("</", "<\\/")
    found = article(f"<title>Bridge stays shut</title>{ld(data)}<div id=app></div>")
    assert (found.title, found.paragraphs) == ("Bridge stays shut", (TEXT, OTHER))
    assert found.notes == (FROM_DATA,)


def test_a_caption_stays_beside_the_text_from_the_data_and_a_first_paragraph_is_not_doubled() -> None:
    data = ld(json.dumps({"@type": "NewsArticle", "articleBody": "\n".join((TEXT, OTHER, OTHER[::-1]))}))
    found = article(page(data, f"<h1>Bridge stays shut</h1><p>The bridge in May.</p><p>{TEXT}</p>"))
    assert found.paragraphs == ("The bridge in May.", TEXT, OTHER, OTHER[::-1])


def test_data_is_not_taken_where_the_page_shows_its_text() -> None:
    found = article(page(ld(json.dumps({"@type": "NewsArticle", "articleBody": "other words " * 100}))))
    assert found.paragraphs == (TEXT, TEXT[::-1], TEXT.upper())
    assert found.notes == ()


def test_a_page_without_text_keeps_its_title_and_is_reported() -> None:
    found, failure = read_all("<title>Bridge</title><div id=app></div><script>app()</script>", "a.html")
    assert isinstance(found, Article)
    assert (found.title, found.paragraphs) == ("Bridge", ())
    assert failure == Failure("a.html", "no text found: only its title is indexed")


DETAILS = [
    # JSON-LD, other elements of the head; the authors, section, tags and publisher that are read.
    ({"author": {"@type": "Person", "name": "Ada Berg"}}, "", ("Ada Berg",), None, (), None),
    ({"author": ["Ada Berg", {"name": ["Bo Lind"]}, 7]}, "", ("Ada Berg", "Bo Lind"), None, (), None),
    ({"creator": "Ada Berg; Bo Lind", "author": None}, "", ("Ada Berg", "Bo Lind"), None, (), None),
    ({"author": "https://a.example/ada", "keywords": "\ud800"}, "", (), None, ("?",), None),
    (
        {"articleSection": ["Sea", "News"], "keywords": "tides, a &amp; b", "publisher": {"name": "Wire"}},
        '<meta name="keywords" content="other"><meta property="og:site_name" content="other">',
        (), "Sea", ("tides", "a & b"), "Wire",
    ),
    (
        {},
        '<meta name="author" content="Ada Berg"><meta property="article:author" content="https://a.example/a">'
        '<meta property="article:section" content="Sea"><meta property="article:tag" content="tides">'
        '<meta property="article:tag" content="cranes"><meta name="keywords" content="other">'
        '<meta property="og:site_name" content="Harbour Wire">',
        ("Ada Berg",), "Sea", ("tides", "cranes"), "Harbour Wire",
    ),
    (
        {},
        '<meta name="citation_author" content="Ada Berg"><meta name="citation_author" content="Bo Lind">'
        '<meta name="news_keywords" content="tides;cranes"><meta name="DC.publisher" content="Harbour">',
        ("Ada Berg", "Bo Lind"), None, ("tides", "cranes"), "Harbour",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("record", "head", "authors", "section", "tags", "publisher"), DETAILS)
def test_what_the_page_states_of_its_article_is_read(
    record: dict[str, object],
    head: str,
    authors: tuple[str, ...],
    section: str | None,
    tags: tuple[str, ...],
    publisher: str | None,
) -> None:
    data = json.dumps({"@type": "NewsArticle", "headline": "A title"} | record)
    found = read_article(
        f'<title>A title</title>{head}<script type="application/ld+json">{data}</script><p>Text.</p>',
        "a.html",
    )
    assert (found.authors, found.section) == (authors, section)
    assert (found.tags, found.publisher) == (tags, publisher)


@pytest.mark.parametrize(
    ("shown", "authors"),
    [
        ('<address class="vcard author">By <a class="url fn">Ada Berg</a></address>', ("Ada Berg",)),
        ('<span class="byline">By <a href="/a" rel="author">Ada Berg</a></span>', ("Ada Berg",)),
        (
            '<span itemprop="author"><span class="p-author" itemprop="name">Ada Berg</span></span>',
            ("Ada Berg",),
        ),
        (
            '<p>By <a class="p-author">Ada Berg</a> and <a class="p-author">Bo Lind</a>',
            ("Ada Berg", "Bo Lind"),
        ),
        ('<a rel="author" href="/">The Harbour</a>', ()),
        ('<div id="comments"><p class="author vcard"><b class="fn">Someone</b></div>', ()),
        ("".join(f'<li><span class="p-author">Author {number}</span>' for number in range(9)), ()),
    ],
)
def test_an_author_whom_the_page_shows_is_found_by_the_marks_of_the_byline(
    shown: str, authors: tuple[str, ...]
) -> None:
    assert article(f"<h1>Bridge stays shut</h1>{shown}<p>{TEXT}</p>").authors == authors
    stated = article(f'<meta name="author" content="Cy Dahl"><h1>Bridge stays shut</h1>{shown}<p>{TEXT}</p>')
    assert stated.authors == ("Cy Dahl",)


def test_an_author_who_is_referred_to_is_found_among_the_records_and_one_of_a_comment_is_not_taken() -> None:
    graph = [
        {"@type": "Comment", "author": {"name": "Someone"}},
        {"@type": "NewsArticle", "author": {"@id": "#ada"}, "publisher": {"@id": "#wire"}},
        {"@type": "Person", "@id": "#ada", "name": "Ada Berg"},
        {"@type": "Organization", "@id": "#wire", "name": "Harbour Wire"},
    ]
    data = json.dumps({"@graph": graph})
    found = read_article(
        f'<title>A title</title><script type="application/ld+json">{data}</script><p>T.</p>', "a.html"
    )
    assert (found.authors, found.publisher) == (("Ada Berg",), "Harbour Wire")


def test_of_more_tags_than_an_article_may_have_the_first_are_kept_with_a_note() -> None:
    tags = ",".join(f"tag{number}" for number in range(120))
    found = read_article(
        f'<title>A title</title><meta name="keywords" content="{tags}"><p>Text.</p>', "a.html"
    )
    assert len(found.tags) == 100
    assert "only 100 of 120 tags are kept" in found.notes


def test_a_canonical_address_is_escaped() -> None:
    found = article(page('<link rel="canonical" href=" https://paper.example/große brücke">'))
    assert found.url == "https://paper.example/gro%C3%9Fe%20br%C3%BCcke"


def test_language_and_canonical_address_are_read() -> None:
    found = article(
        page('<link rel="canonical" href="https://paper.example/bridge">', attributes='lang="en-GB"')
    )
    assert (found.language, found.url) == ("en", "https://paper.example/bridge")
    assert article(page()).language is None


@pytest.mark.parametrize("stated", ["utf-8", "xx", "english", "und", "", "-"])
def test_a_language_that_does_not_exist_is_ignored(stated: str) -> None:
    assert article(page(attributes=f'lang="{stated}"')).language is None
    other = '<meta name="language" content="de">'
    assert article(page(other, attributes=f'lang="{stated}"')).language == "de"


@pytest.mark.parametrize(
    "href", ["javascript:alert(1)", "/bridge", "file:///etc/passwd", "data:text/html,x", ""]
)
def test_an_address_that_is_not_http_is_dropped(href: str) -> None:
    assert article(page(f'<link rel="canonical" href="{href}">')).url is None


@pytest.mark.parametrize(
    ("head", "body", "wanted"),
    [
        (ld('{"@type": "NewsArticle", "datePublished": "2021-11-05T21:01:00+08:00"}'), BODY,
         "2021-11-05T21:01 json-ld"),
        (ld('{"@graph": [{"@type": "WebPage", "datePublished": "2020-01-01"}, {"@type": ["Article"], '
            '"datePublished": "2021-11-05"}]}'), BODY, "2021-11-05 json-ld"),
        (ld('[{"@type": "Comment", "datePublished": "2020-01-01"}, {"datePublished": "2021-11"}]'), BODY,
         "2021-11 json-ld"),
        (ld('{"@type": "Article", "datePublished": "2021-11-05", }'), BODY, "2021-11-05 json-ld"),
        (ld("[" * 100_000), BODY, "none"),
        ('<meta property="article:published_time" content="2021-11-05T21:01:00+01:00">', BODY,
         "2021-11-05T21:01 meta"),
        ('<meta name="DC.date.issued" content="2021-11">', BODY, "2021-11 meta"),
        ('<meta name="date" content="2022-02-02"><meta name="articleFirstPublished" content="2021-11-05">',
         BODY, "2021-11-05 meta"),
        (ld('{"@type": "Article", "dateCreated": "2021-12-01", "articleFirstPublished": "2021-11-05"}'), BODY,
         "2021-11-05 json-ld"),
        (ld('{"@type": "LiveBlogPosting", "coverageStartTime": "2021-11-05", "liveBlogUpdate": '
            '[{"@type": "BlogPosting", "datePublished": "2021-11-06"}]}'), BODY, "2021-11-05 json-ld"),
        (ld('[{"@type": "BlogPosting", "datePublished": "2021-11-06"}, '
            '{"@type": "LiveBlogPosting", "dateCreated": "2021-11-05"}]'), BODY, "2021-11-05 json-ld"),
        ("", BODY.replace("</h1>", "</h1><p>नई दिल्ली, 5 नवंबर 2021</p>"), "2021-11-05 dateline"),
        ('<meta itemprop="datePublished" content="5 November 2021">', BODY, "2021-11-05 meta"),
        ("", BODY + '<time itemprop="datePublished" datetime="2021-11-05T21:01">Friday</time>',
         "2021-11-05T21:01 time"),
        ("", BODY.replace("</h1>", "</h1><p>Posted on 5 November 2021</p>"), "2021-11-05 dateline"),
        ('<link rel="canonical" href="https://paper.example/2021/11/05/bridge">', BODY, "2021-11-05 url"),
        ("", BODY, "none"),
    ],
)  # fmt: skip
def test_the_date_is_found_where_the_page_states_it(head: str, body: str, wanted: str) -> None:
    assert date_of(head, body) == wanted


def test_sources_are_ranked_and_disagreement_is_kept() -> None:
    head = (
        '<meta property="article:published_time" content="2021-11-05">'
        '<link rel="canonical" href="https://paper.example/2020/02/03/bridge">'
    )
    found = article(page(head), "2019/08/07/a.html").published
    assert found is not None
    assert (found.value, found.provenance) == ("2021-11-05", "meta")
    assert found.others == (("2020-02-03", "url"), ("2019-08-07", "file name"))


def test_a_modification_date_is_the_last_resort_and_noted() -> None:
    head = '<meta property="article:modified_time" content="2021-11-05">'
    assert date_of(head) == "2021-11-05 modified"
    assert date_of(head + '<meta name="date" content="2020-02-02">') == "2020-02-02 meta"
    assert "only the date of a change" in article(page(head)).notes[0]


def test_a_file_name_is_the_last_resort() -> None:
    assert date_of(name="2019/08/07/a.html") == "2019-08-07 file name"


def test_a_future_date_is_refused_and_the_next_candidate_is_taken() -> None:
    found = article(page('<meta name="date" content="2031-01-01">' + ld('{"datePublished": "2021-11-05"}')))
    assert found.published is not None
    assert found.published.value == "2021-11-05"
    assert "after 2026-06-01" in found.notes[0]


def test_a_moment_given_in_utc_is_shown_on_the_publishers_own_day() -> None:
    utc = '<meta property="article:published_time" content="2020-02-25T02:25:00Z">'
    assert (
        date_of(utc + '<link rel=canonical href="https://paper.example/2020/02/24/x">') == "2020-02-24 meta"
    )
    local = ld('{"@type": "Article", "datePublished": "2020-02-24T21:25:00-05:00"}')
    assert date_of(utc + local) == "2020-02-24T21:25 json-ld"
    assert (
        date_of(utc + '<link rel=canonical href="https://paper.example/2020/02/20/x">')
        == "2020-02-25T02:25 meta"
    )
    assert date_of(utc) == "2020-02-25T02:25 meta"


def test_a_caption_does_not_overrule_dates_that_agree() -> None:
    utc = '<meta property="article:published_time" content="2020-04-25T02:25:00Z">'
    url = '<link rel=canonical href="https://paper.example/2020/04/25/x">'
    day = ld('{"@type": "Article", "datePublished": "2020-04-25"}')
    line = BODY.replace("</h1>", "</h1><p>April 24, 2020</p>")
    caption = BODY.replace("</h1>", "</h1><figure><figcaption>Leeds, April 24, 2020</figcaption></figure>")
    assert date_of(utc, line) == "2020-04-24 meta"
    assert date_of(utc + url, line) == "2020-04-25T02:25 meta"
    assert date_of(utc + day, line) == "2020-04-25T02:25 meta"
    assert date_of(utc, caption) == "2020-04-25T02:25 meta"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("<p>Ausgabe 2019-11</p>", "2019-11 text"),
        ("<div class=post-meta>Ausgabe 11/2019</div>", "2019-11 text"),
        ("<p>Ausgabe 2019-11</p><p>Erschienen in Leeds am 01.11.2019 um zwei</p>", "2019-11-01 text"),
    ],
)
def test_the_first_of_a_month_is_a_date_only_if_the_page_has_the_day(text: str, wanted: str) -> None:
    assert date_of("", BODY + text) == wanted


def test_a_moment_is_moved_to_the_configured_zone() -> None:
    options = ReadOptions(today=OPTIONS.today, timezone="America/New_York")
    utc = '<meta property="article:published_time" content="2020-02-25T02:25:00Z">'
    assert date_of(utc, options=options) == "2020-02-24T21:25 meta"


@pytest.mark.parametrize("tag", ["div", "b", "ul><li", "table><tr><td", "blockquote"])
def test_twenty_thousand_nested_elements_are_read_in_bounded_time(tag: str) -> None:
    start = time.process_time()
    found = article(
        f"<html><body><p>{TEXT}</p>"
        + f"<{tag}>" * (20_000 // len(tag.split("><")))
        + f"inner words</body><p>{TEXT[::-1]}</p>"
    )
    assert TEXT in found.paragraphs
    assert any("inner words" in text for text in found.paragraphs)
    assert time.process_time() - start < 20


def test_an_element_with_ten_thousand_attributes_is_read_in_bounded_time() -> None:
    start = time.process_time()
    found = article("<p " + " ".join(f"a{n}=1" for n in range(10_000)) + ">One.</p><p>Two.</p>")
    assert found.paragraphs == ("One.", "Two.")
    assert time.process_time() - start < 5


@pytest.mark.slow
def test_a_huge_page_gives_all_its_blocks_with_a_note() -> None:
    found = article("<html><title>Long</title><body>" + "<p>Some <i>more</i> words." * 60_000)
    assert len(found.paragraphs) == 60_000
    assert "too large" in found.notes[0]


@pytest.mark.parametrize(
    "text",
    [
        *("<html></html>", "<!-- x -->", "<script>x()</script>", "<p> </p>", "<nav>a</nav>"),
        *("<script a='<'>x()", "<?x a", "<!a b>", "</ b>"),
    ],
)
def test_a_page_without_text_is_refused(text: str) -> None:
    with pytest.raises(UnreadableDocument, match="no text"):
        article(text)


def test_entities_for_invalid_characters_are_harmless() -> None:
    found = article("<p>One&#0;two&#xD800;three&#x1F;four&amp;</p><p>x")
    assert "\0" not in found.paragraphs[0]
    assert found.paragraphs[0].endswith("four&")


@pytest.mark.parametrize("reference", ["&#8;", "&#x0C;", "&#xFFFF;", "&#xDC00;", "&#31", "&#12a", "&#128;"])
def test_entities_for_invalid_characters_between_elements_are_harmless(reference: str) -> None:
    body = BODY + f"<p>a</p>{reference}<script>x()</script>{reference}<pre>{reference}b\n{reference}c</pre>"
    assert TEXT in article(page(body=body)).paragraphs


def test_markup_in_text_is_text() -> None:
    found = article(
        page(body=BODY + "<p>Write &lt;script&gt;alert(1)&lt;/script&gt; to greet them all, she said.</p>")
    )
    assert any("<script>alert(1)</script>" in text for text in found.paragraphs)


@pytest.mark.parametrize("name", ["a.txt", "a.md", "a.html"])
def test_a_thousand_leading_comments_are_skipped_in_linear_time(name: str) -> None:
    comments = "<!-- > -->\n" * 1000
    assert article(f"{comments}<html><p>The tide gauge was read.", name).title == "The tide gauge was read."
    # With no page behind them it only has to end: with each, looking again would take twice as long.
    with contextlib.suppress(UnreadableDocument):
        article(comments, name)


def test_the_title_of_a_huge_page_is_not_a_paragraph() -> None:
    sentence = "The council met on Monday evening and spoke for three hours about the bridge. "
    found = article(f"<head><title>{sentence * 6}TITLE</title><td>{sentence * 2}TEXT")
    assert found.title.endswith("TITLE")
    assert found.paragraphs == (f"{sentence * 2}TEXT",)


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        ("one</p>two", "one two"),
        ("<p>one<br>two</p>", "one two"),
        ("<p>one<script>x</script>two<!-- x --></p>", "onetwo"),
        ("<p>one<svg><text>x</text></svg>two<textarea>x</textarea></p>", "onetwo"),
        ("<p>one</p>two<p>three</p>four", "one two three four"),
        ("<div>one<table><tr><td>two<td>three</table>four</div>", "two | three four"),
        ("<ul><li>one<ul><li>two</ul>three</ul>", "one two three"),
        ("<details><summary>one</summary>two</details>", "one two"),
        ("<pre>one\n two\x0cthree</pre>", "one\n two three"),
        ("<p>one&#8;two&#12;three</p>", "one two three"),
        ("<p>o\u0308ne<b>\u0338two</b></p>", "\xf6ne\u0338two"),
        ("<p>one<xmp><b>two</xmp>three", "one <b>two three"),
    ],
)
def test_words_that_a_browser_shows_apart_are_separate_in_the_main_text(body: str, wanted: str) -> None:
    found = article(page(body=f"<h1>Bridge stays shut</h1><p>{TEXT * 3}</p>{body}<p>{TEXT}</p>"))
    paragraphs = [text for text in found.paragraphs if TEXT not in text]
    assert " ".join(paragraphs) == wanted
    assert found.notes == ()

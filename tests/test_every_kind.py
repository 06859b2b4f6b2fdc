"""One file of each kind, made by the programs that make such files, indexed by one command."""

from __future__ import annotations

import csv
import json
import mailbox
import shutil
import subprocess
import tarfile
import zipfile
from collections.abc import Iterator
from email.message import EmailMessage
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from indexer import Index, open_index
from tests.fixtures.commands import start
from tests.fixtures.office import convert, find_office, write_flat_document
from tests.fixtures.serving import serving_files

AUTHOR = "Ada Berg"
DAY = "2021-03-05"
DATELINE = "5 March 2021"
BY_OFFICE = ("pdf", "docx", "odt", "rtf")
BY_PANDOC = ("pptx", "epub")
PAGES = {"pdf": 2, "pptx": 3}
"""The page or slide that the phrase stands on."""
# A record each, as exports have them.
RECORDS = ("jsonl", "json", "csv", "tsv")
PROVENANCE = {
    **dict.fromkeys(("html", "epub", "warc", "wacz"), "meta"),
    **dict.fromkeys(("txt", "zip", "tgz", *BY_OFFICE, "pptx"), "dateline"),
    **dict.fromkeys(("eml", "mbox"), "mail"),
}
"""Where the date of a kind is found, if the file does not give it as the date of publication."""
# Formats without a place for the author that people use.
WITHOUT_AUTHOR = ("txt", "zip", "tgz")
KINDS = [
    *("txt", "html", "md", "zip", "tgz"),
    *(*RECORDS, "eml", "mbox", "rss", "atom", "feed", "wxr"),
    *(*BY_OFFICE, *BY_PANDOC, "warc", "wacz"),
]
_LIBRARIES = {
    "pdf": "pypdfium2",
    **dict.fromkeys(("warc", "wacz"), "fastwarc"),
    **dict.fromkeys(("rss", "atom", "feed", "wxr"), "feedparser"),
}
_PAGE = """<html lang="en"><head><title>{title}</title><meta name="author" content="{author}">
<meta property="article:published_time" content="{day}"></head><body><article><h1>{title}</h1>
{blocks}</article></body></html>"""
_RSS = """<?xml version="1.0"?><rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/"><channel>
<title>The Harbour</title><link>https://harbour.example/</link><item><title>{title}</title>
<link>https://harbour.example/rss</link><dc:creator>{author}</dc:creator>
<pubDate>Fri, 05 Mar 2021 10:00:00 GMT</pubDate><description><![CDATA[{blocks}]]></description>
</item></channel></rss>"""
_ATOM = """<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom"><title>The Harbour</title>
<id>urn:harbour</id><updated>2021-03-06T10:00:00Z</updated><entry><title>{title}</title><id>urn:harbour:1</id>
<author><name>{author}</name></author><published>{day}T10:00:00Z</published>
<updated>2021-03-06T10:00:00Z</updated><content type="html"><![CDATA[{blocks}]]></content></entry></feed>"""
_WXR = """<?xml version="1.0" encoding="UTF-8" ?>
<!-- generator="WordPress/6.4.3" created="2021-04-01 10:00" -->
<rss version="2.0" xmlns:excerpt="http://wordpress.org/export/1.2/excerpt/"
 xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:wfw="http://wellformedweb.org/CommentAPI/"
 xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:wp="http://wordpress.org/export/1.2/">
<channel><title>The Harbour</title><link>https://harbour.example</link><description></description>
<pubDate>Thu, 01 Apr 2021 10:00:00 +0000</pubDate>
<language>en-US</language><wp:wxr_version>1.2</wp:wxr_version>
<wp:base_site_url>https://harbour.example</wp:base_site_url>
<wp:author><wp:author_id>1</wp:author_id><wp:author_login><![CDATA[ada]]></wp:author_login>
<wp:author_display_name><![CDATA[{author}]]></wp:author_display_name></wp:author>
<item><title><![CDATA[{title}]]></title><link>https://harbour.example/wxr/</link>
<pubDate>Fri, 05 Mar 2021 09:00:00 +0000</pubDate><dc:creator><![CDATA[ada]]></dc:creator>
<guid isPermaLink="false">https://harbour.example/?p=7</guid><description></description>
<content:encoded><![CDATA[<!-- wp:paragraph -->{blocks}<!-- /wp:paragraph -->]]></content:encoded>
<excerpt:encoded><![CDATA[]]></excerpt:encoded><wp:post_id>7</wp:post_id>
<wp:post_date><![CDATA[{day} 10:00:00]]></wp:post_date>
<wp:post_date_gmt><![CDATA[{day} 09:00:00]]></wp:post_date_gmt>
<wp:post_name><![CDATA[wxr]]></wp:post_name><wp:status><![CDATA[publish]]></wp:status>
<wp:post_type><![CDATA[post]]></wp:post_type>
<category domain="category" nicename="port"><![CDATA[Port]]></category>
</item></channel></rss>"""


def title_of(kind: str) -> str:
    """The title of the article of a kind."""
    return f"The harbour of {kind}"


def phrase_of(kind: str) -> str:
    """Words from the middle of the article of a kind."""
    return f"keeper {kind} counted eleven grey ships"


def paragraphs_of(kind: str) -> list[str]:
    """The text of the article of a kind: the phrase is in the middle."""
    around = [
        f"On morning {number} the tide came in late, and the crane on the {kind} quay stood still for an "
        "hour while the crews of the ferries waited for the wind to turn and the fog to lift from the water."
        for number in range(1, 31)
    ]
    return [*around[:20], f"Then the {phrase_of(kind)} behind the breakwater.", *around[20:]]


def write_texts(folder: Path) -> None:
    """Write the kinds that are made without another program."""

    def fields_of(kind: str) -> dict[str, str]:
        blocks = "\n".join(f"<p>{paragraph}</p>" for paragraph in paragraphs_of(kind))
        return {"title": title_of(kind), "author": AUTHOR, "day": DAY, "blocks": blocks}

    def record_of(kind: str) -> dict[str, str]:
        text = "\n\n".join(paragraphs_of(kind))
        return {"title": title_of(kind), "author": AUTHOR, "published": DAY, "text": text}

    def plain_of(kind: str) -> str:
        return "\n\n".join([title_of(kind), DATELINE, *paragraphs_of(kind)])

    (folder / "a.txt").write_text(plain_of("txt"))
    (folder / "a.html").write_text(_PAGE.format(**fields_of("html")))
    front = f"---\ntitle: {title_of('md')}\ndate: {DAY}\nauthor: {AUTHOR}\n---\n\n"
    (folder / "a.md").write_text(front + "\n\n".join(paragraphs_of("md")))
    (folder / "b.jsonl").write_text(json.dumps(record_of("jsonl")) + "\n")
    (folder / "b.json").write_text(json.dumps([record_of("json")]))
    for kind, dialect in (("csv", "excel"), ("tsv", "excel-tab")):
        with (folder / f"b.{kind}").open("w", newline="") as file:
            writer = csv.DictWriter(file, record_of(kind), dialect=dialect)
            writer.writeheader()
            writer.writerow(record_of(kind))
    (folder / "c.rss").write_text(_RSS.format(**fields_of("rss")))
    (folder / "c.atom").write_text(_ATOM.format(**fields_of("atom")))
    (folder / "c.xml").write_text(_WXR.format(**fields_of("wxr")))
    item = {"id": "1", "title": title_of("feed"), "content_html": fields_of("feed")["blocks"]}
    item |= {"date_published": f"{DAY}T10:00:00Z", "url": "https://harbour.example/feed"}
    feed = {"version": "https://jsonfeed.org/version/1.1", "title": "The Harbour"}
    items = [item | {"authors": [{"name": AUTHOR}]}]
    (folder / "c.json").write_text(json.dumps(feed | {"items": items}))
    (folder / "d.eml").write_bytes(_make_mail("eml").as_bytes())
    box = mailbox.mbox(folder / "d.mbox")
    box.add(_make_mail("mbox"))
    box.close()
    with zipfile.ZipFile(folder / "e.zip", "w") as archive:
        archive.writestr("inner.txt", plain_of("zip"))
    inner = folder / "inner.txt"
    inner.write_text(plain_of("tgz"))
    with tarfile.open(folder / "f.tar.gz", "w:gz") as tar:
        tar.add(inner, "inner.txt")
    inner.unlink()


def _make_mail(kind: str) -> EmailMessage:
    mail = EmailMessage()
    mail["Subject"], mail["From"] = title_of(kind), f"{AUTHOR} <ada@harbour.example>"
    mail["To"], mail["Message-ID"] = "desk@harbour.example", f"<{kind}@harbour.example>"
    mail["Date"] = "Fri, 05 Mar 2021 10:00:00 +0000"
    mail.set_content("\n\n".join(paragraphs_of(kind)))
    return mail


def write_with_office(folder: Path, scratch: Path) -> None:
    """Write the kinds that LibreOffice makes."""
    for kind in BY_OFFICE:
        flat = scratch / f"{kind}.fodt"
        write_flat_document(flat, title_of(kind), [DATELINE, *paragraphs_of(kind)], author=AUTHOR)
        convert(flat, kind, folder)


def write_with_pandoc(folder: Path, scratch: Path) -> None:
    """Write the kinds that pandoc makes; of slides, the second has the phrase, after the one of the title."""
    for kind in BY_PANDOC:
        source = scratch / f"{kind}.md"
        first, phrase, last = (paragraphs_of(kind)[at] for at in (0, 20, 30))
        source.write_text(
            f"---\ntitle: {title_of(kind)}\nauthor: {AUTHOR}\ndate: {DAY}\nlang: en\n---\n\n"
            f"# Morning\n\n{first}\n\n# Noon\n\n{phrase}\n\n# Night\n\n{last}\n"
        )
        command = ["pandoc", "-s", str(source), "-o", str(folder / f"g.{kind}")]
        subprocess.run(command, check=True, capture_output=True)


def write_crawls(folder: Path, scratch: Path) -> None:
    """Write web archives of a local site, crawled by wget; one of them is packed as a WACZ."""
    for kind in ("warc", "wacz"):
        site, crawl = scratch / f"site-{kind}", scratch / f"crawl-{kind}"
        site.mkdir()
        crawl.mkdir()
        blocks = "\n".join(f"<p>{paragraph}</p>" for paragraph in paragraphs_of(kind))
        (site / "index.html").write_text(
            _PAGE.format(title=title_of(kind), author=AUTHOR, day=DAY, blocks=blocks)
        )
        with serving_files(site) as address:
            words = ["-q", "-e", "robots=off", "--no-proxy", f"--warc-file={kind}", "--delete-after"]
            subprocess.run(["wget", *words, address], cwd=crawl, check=True)
        made = crawl / f"{kind}.warc.gz"
        if kind == "warc":
            shutil.copy(made, folder)
        else:
            with zipfile.ZipFile(folder / "h.wacz", "w") as archive:
                archive.write(made, "archive/data.warc.gz")


def is_made(kind: str) -> bool:
    """Whether the programs and libraries for a kind are there."""
    program = True
    if kind in BY_OFFICE:
        program = find_office() is not None
    elif kind in BY_PANDOC:
        program = shutil.which("pandoc") is not None
    elif kind in ("warc", "wacz"):
        program = shutil.which("wget") is not None
    return program and (kind not in _LIBRARIES or find_spec(_LIBRARIES[kind]) is not None)


@pytest.fixture(scope="module")
def indexed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Index, dict[str, Any]]]:
    """The index of a folder with all kinds, and the report of the command that made it."""
    folder, scratch = tmp_path_factory.mktemp("folder"), tmp_path_factory.mktemp("scratch")
    write_texts(folder)
    if is_made("odt"):
        write_with_office(folder, scratch)
    if is_made("epub"):
        write_with_pandoc(folder, scratch)
    if is_made("warc"):
        write_crawls(folder, scratch)
    with start("index", "--json", "--index", str(scratch / "index"), str(folder), stdout=-1) as process:
        report = json.loads(process.communicate()[0])
    assert process.returncode == 0, report
    with open_index(scratch / "index") as index:
        yield index, report


@pytest.mark.slow
def test_nothing_of_any_kind_is_refused(indexed: tuple[Index, dict[str, Any]]) -> None:
    assert indexed[1]["failed"] == []


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_a_phrase_from_the_middle_of_each_kind_is_found_with_what_its_file_states(
    indexed: tuple[Index, dict[str, Any]], kind: str
) -> None:
    if not is_made(kind):
        pytest.skip(f"a program or library for {kind} is not installed")
    (hit,) = indexed[0].search(f'"{phrase_of(kind)}"').hits
    article = indexed[0].get_article(hit.article.id)
    (passage,) = hit.passages
    published = article.published
    assert published is not None
    assert passage.page_number == PAGES.get(kind)
    assert article.authors == (() if kind in WITHOUT_AUTHOR else (AUTHOR,))
    assert article.title == ("Noon" if kind == "epub" else title_of(kind))  # a chapter of a book
    assert (article.section == "The harbour of epub") is (kind == "epub")
    assert (published.value[:10], published.provenance) == (DAY, PROVENANCE.get(kind, "given"))

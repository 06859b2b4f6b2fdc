"""Hostile documents in real workers: at most 5 s and 256 MB, and no text that a browser does not show."""

from __future__ import annotations

import gzip
import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from indexer.errors import UnreadableDocument
from indexer.readers.encoding import decode
from indexer.readers.html import FROM_DATA
from indexer.readers.markup import parse_visible
from tests.fixtures.packages import (
    make_docx,
    make_epub,
    make_odt,
    make_paragraphs,
    make_pptx,
    make_slide,
)
from tests.fixtures.packing import MAKERS
from tests.stress import pages, pdfs
from tests.stress.archive import Lost, Trial, counted
from tests.stress.browser import Oracle, Seen, oracle
from tests.stress.fuzzing import NAMES, guided

ROUNDS = 100_000
_BLOCK = 500
# Of so many documents, one is a trial of the fuzzer, which keeps but those that lead to something new.
_TRIED = 5
_TOO_MUCH = ("takes more time", "takes more memory", "ended the process")
_ENCODINGS = (
    *("utf-8-sig", "utf-16", "utf-16-le", "utf-32", "latin-1", "cp1252", "shift_jis", "koi8-r", "gb18030"),
    *("iso2022_jp", "euc_kr"),
)
_TAGS = ("div", "p", "b", "table", "tr", "td", "ul", "li", "h1", "a", "span", "pre", "svg", "math", "select")
# Where a template begins with one of these elements, Chromium departs from the HTML standard: it ignores a
# <col> that comes next, and so reads the rest of the template in another way.
_NOT_STANDARD = re.compile(
    r"<template\b.*<(?:base|basefont|bgsound|noframes|title)\b.*<col\b", re.IGNORECASE | re.DOTALL
)
_MAIL_LINES = (
    *(
        "",
        "",
        "",
        "--b",
        "--b--",
        "--c",
        "> quoted",
        "-- ",
        "-----Original Message-----",
        "On 3 May 2021 Bo wrote:",
    ),
    *(
        "Content-Type: multipart/mixed; boundary=b",
        "Content-Type: multipart/alternative; boundary=c",
        "From: Bo",
    ),
    *(
        "Content-Type: message/rfc822",
        "Content-Type: text/html; charset=koi8-r",
        "Subject: =?utf-8?q?=C3=A4?=",
    ),
    *(
        "Content-Transfer-Encoding: base64",
        "Content-Transfer-Encoding: quoted-printable",
        "VGlkZXM=",
        "=C3=A4=",
    ),
    *(
        'Content-Disposition: attachment; filename="a.html"',
        "Content-Type: text/plain; format=flowed",
        "Date: soon",
    ),
    *(
        "Message-ID: <1@harbour.example>",
        "From ada@harbour.example Mon May  3 10:00:00 2021",
        "Tides \udce4 ",
    ),
)
_HTTP_FIELDS = (
    *("Content-Type: text/html", "Content-Type: text/plain; charset=koi8-r", "Content-Encoding: br"),
    *("Content-Type: application/pdf", "Content-Encoding: gzip, deflate", "Transfer-Encoding: chunked"),
)
_PIECES = (*pages.MARKS, "[", "](", "*", "_", "`", "|", "a", "#", "<a ", "x=", "é", "---\n", "{", "}", "\n\n")


@dataclass(frozen=True)
class Document:
    """A document to read, under a name."""

    name: str
    data: bytes

    @property
    def page(self) -> str | None:
        """The page that it is, if it is one and has words to look for."""
        if not self.name.endswith((".html", ".htm")):
            return None
        try:
            text, _ = decode(self.data, is_markup=True)
        except UnreadableDocument:
            return None
        return text if pages.WORD.search(text) else None


def run(rounds: int, chance: random.Random, folder: Path) -> str:
    """Read so many documents; returns the outcomes, and raises Lost if one shows hidden text."""
    outcomes: list[str] = []
    seen = fewer = 0
    with oracle() as browser:
        found = guided(rounds // _TRIED, chance, folder)
        led = [Document(f"a{NAMES[data[0] % len(NAMES)][1:]}", data[1:]) for data in found if data]
        waiting = led[:rounds]
        while len(outcomes) < rounds:
            block = [waiting.pop() for _ in range(min(_BLOCK, len(waiting)))]
            size = min(_BLOCK, rounds - len(outcomes))
            block += [_MAKES[number % len(_MAKES)](chance) for number in range(size - len(block))]
            known = _known(browser, block)
            seen += len(known)
            fewer += sum(_has_fewer(page, words) for page, words in known.values())
            trial = Trial(folder / f"block{len(outcomes)}")
            outcomes += _read(trial, block, known)
    return (
        f"{rounds:,} documents in real workers ({len(led):,} that coverage led to): {counted(outcomes)}; "
        f"none took over 5 s or 256 MB; of {seen:,} pages no word that Chromium does not show, and in "
        f"{fewer:,} not every word that it does"
    )


def _known(browser: Oracle, block: list[Document]) -> dict[int, tuple[str, Seen]]:
    """For each page of a block, by its number, what a browser shows of it."""
    asked = {number: page for number, document in enumerate(block) if (page := document.page)}
    return {
        number: (page, seen)
        for (number, page), seen in zip(asked.items(), browser.ask(list(asked.values())), strict=True)
    }


def _read(trial: Trial, block: list[Document], known: dict[int, tuple[str, Seen]]) -> list[str]:
    """Indexes a block, as any source is; returns the outcome for each document."""
    trial.source.mkdir(parents=True)
    for number, document in enumerate(block):
        name = document.name.partition(".")
        (trial.source / f"{number:04}{name[1]}{name[2]}").write_bytes(document.data)
    outcomes = dict.fromkeys(range(len(block)), "read")
    with trial.open() as index:
        for failure in index.sync().failed:
            number = int(failure.path[:4])
            outcomes[number] = "refused"
            if any(reason in failure.reason for reason in _TOO_MUCH):
                raise Lost(f"{failure.path}: {failure.reason}: {block[number].data[:5000]!r}")
        hits = index.search("*", limit=10_000, collapse=False).hits
        for hit in hits:
            number = int((hit.article.source or "")[:4])
            if number not in known:
                continue
            article = index.get_article(hit.article.id)
            if FROM_DATA in article.notes:
                continue
            page, words = known[number]
            # What two pieces of text make together is no word of the page.
            text = [word for word in pages.WORD.findall(" ".join(article.paragraphs)) if word in page]
            title = [word for word in pages.WORD.findall(article.title) if word in page]
            seen = words.shown | words.together
            odd = (set(text) - seen) | (set(title) - seen - words.title)
            if odd and not _NOT_STANDARD.search(page):
                raise Lost(f"{sorted(odd)} is no text that Chromium shows: {page!r}")
    return list(outcomes.values())


def _has_fewer(page: str, seen: Seen) -> bool:
    return not seen.shown <= set(pages.WORD.findall(parse_visible(page).html or ""))


def _of_a_page(text: str, chance: random.Random) -> Document:
    return Document(chance.choice(("a.html", "a.htm")), text.encode("utf-8", "replace"))


def _whole(chance: random.Random) -> Document:
    return _of_a_page(pages.page(chance), chance)


def _mutated(chance: random.Random) -> Document:
    return _of_a_page(pages.mutated(chance), chance)


def _encoded(chance: random.Random) -> Document:
    codec = chance.choice(_ENCODINGS)
    stated = chance.choice(_ENCODINGS) if chance.random() < 0.3 else codec
    text = f'<meta charset="{stated}">{pages.page(chance)}'
    return Document("a.html", text.encode(codec, "replace"))


def _broken(chance: random.Random) -> Document:
    """A page with bytes changed, under any name."""
    data = bytearray(pages.page(chance).encode())
    for _ in range(chance.randint(1, 20)):
        place = chance.randrange(len(data) + 1)
        data[place : place + chance.randint(0, 3)] = chance.randbytes(chance.randint(0, 3))
    return Document(chance.choice(NAMES), bytes(data))


def _nested(chance: random.Random) -> Document:
    depth = chance.choice((1, 10, 100, 300, 1000, 3000)) if chance.random() < 0.9 else 20_000
    tags = chance.choices(_TAGS, k=chance.randint(1, 3))
    opened = "".join(f"<{tags[place % len(tags)]}>" for place in range(depth))
    return Document(chance.choice(NAMES), f"Tides {opened} and cranes".encode())


def _repeated(chance: random.Random) -> Document:
    unit = "".join(chance.choices(_PIECES, k=3))
    return Document(chance.choice(NAMES), (unit * chance.randint(1, 4000)).encode())


def _random(chance: random.Random) -> Document:
    if chance.random() < 0.5:
        return Document(chance.choice(NAMES), chance.randbytes(chance.randint(0, 3000)))
    code = chance.choice((0x80, 0x800, 0xD800, 0x10FFFF))
    text = "".join(chr(chance.randrange(1, code)) for _ in range(chance.randint(1, 800)))
    return Document(chance.choice(NAMES), text.encode("utf-8", "replace"))


def _mail(chance: random.Random) -> Document:
    """A mail of parts, with lines removed, repeated and exchanged."""
    lines = chance.choices(_MAIL_LINES, k=chance.randint(1, 60))
    lines += [pages.page(chance)] * chance.randint(0, 2)
    start = "From ada@harbour.example Mon May  3 10:00:00 2021\n" if chance.random() < 0.5 else ""
    text = start + "\n".join(["Subject: Tides", *lines])
    if chance.random() < 0.2:
        text = text.replace("\n", "\n" + chance.choice(lines) * chance.randint(1, 2000), 1)
    return Document(chance.choice(("a.eml", "a.mbox", "a")), text.encode("utf-8", "surrogateescape"))


def _web_archive(chance: random.Random) -> Document:
    """A web archive of pages, with bytes changed."""
    data = bytearray()
    for number in range(chance.randint(1, 4)):
        fields = chance.sample(_HTTP_FIELDS, chance.randint(1, 3))
        block = "\r\n".join(["HTTP/1.1 200 OK", *fields, "", pages.page(chance)]).encode("utf-8", "replace")
        head = [
            "WARC/1.0",
            f"WARC-Type: {chance.choice(('response', 'response', 'resource', 'revisit'))}",
            f"WARC-Target-URI: http://news.example/{number}",
            "Content-Type: application/http",
            f"Content-Length: {len(block)}",
        ]
        data += "\r\n".join([*head, "", ""]).encode() + block + b"\r\n\r\n"
    for _ in range(chance.randint(0, 3)):
        place = chance.randrange(len(data))
        data[place : place + chance.randint(0, 3)] = chance.randbytes(chance.randint(0, 3))
    return Document("a.warc", gzip.compress(bytes(data), 1) if chance.random() < 0.3 else bytes(data))


def _archive(chance: random.Random) -> Document:
    """An archive of other documents, with bytes changed."""
    makes = (_whole, _broken, _random, _mail) if chance.random() < 0.8 else (_archive,)
    inner = (chance.choice(makes)(chance) for _ in range(chance.randint(0, 4)))
    name, make = chance.choice(list(MAKERS.items()))
    data = bytearray(
        make({f"{number}{document.name}": document.data for number, document in enumerate(inner)})
    )
    for _ in range(chance.choice((0, 0, 1, 5))):
        place = chance.randrange(len(data))
        data[place : place + chance.randint(0, 3)] = chance.randbytes(chance.randint(0, 3))
    return Document(name, bytes(data))


def _formatted(chance: random.Random) -> Document:
    """An Office document, a book, a feed or RTF, whose text or whose bytes are damaged."""
    text = "".join(chance.choices((*_PIECES, *_FORMAT_PIECES), k=chance.randint(1, 60)))
    name, make = chance.choice(_FORMATS)
    data = bytearray(make(text))
    for _ in range(chance.choice((0, 0, 1, 5))):
        data[chance.randrange(len(data))] = chance.randrange(256)
    return Document(name, bytes(data))


_FORMAT_PIECES = (
    *("<w:p>", "</w:p>", "<w:r><w:t>Tides</w:t></w:r>", "<w:tr>", "</w:tr>", "<w:tc>", "</w:tc>", "<w:del>"),
    *(
        "<text:p>",
        "</text:p>",
        "<text:note>",
        "</text:note>",
        "<a:p>",
        "</a:p>",
        "&x;",
        "&#1;",
        "<!DOCTYPE a>",
    ),
    *("\\par ", "\\cell ", "\\row ", "{\\footnote ", "\\u-9?", "\\bin9 ", "\\'e9", "\\*", "\\f1 ", "Tides"),
)
_EXPORT = (
    '<rss xmlns:wp="http://wordpress.org/export/1.2/" xmlns:content="http://purl.org/rss/1.0/modules/content/">'
    "<channel><item><title>Cranes</title><content:encoded><![CDATA[{}]]></content:encoded><wp:post_type>post"
    "</wp:post_type><wp:status>publish</wp:status>{}</item></channel></rss>"
)
_FORMATS: tuple[tuple[str, Callable[[str], bytes]], ...] = (
    ("a.docx", lambda text: make_docx(f"{make_paragraphs('Cranes')}{text}")),
    ("a.odt", lambda text: make_odt(f"<text:p>Cranes</text:p>{text}")),
    ("a.pptx", lambda text: make_pptx([make_slide(("", text), ("title", "<a:p><a:t>Cranes</a:t></a:p>"))])),
    (
        "a.epub",
        lambda text: make_epub({"a.xhtml": text, "b.xhtml": f"<h1>Cranes</h1>{text}"}, {"b.xhtml#x": text}),
    ),
    (
        "a.rss",
        lambda text: f"<rss><channel><item><title>Cranes</title>{text}</item></channel></rss>".encode(
            "utf-8", "replace"
        ),
    ),
    ("a.xml", lambda text: _EXPORT.format(text, text).encode("utf-8", "replace")),
    ("a.rtf", lambda text: b"{\\rtf1 Cranes\\par " + text.encode("utf-8", "replace")),
)


def _pdf(chance: random.Random) -> Document:
    return Document("a.pdf", pdfs.make_any_pdf(chance))


_MAKES: tuple[Callable[[random.Random], Document], ...] = (
    _whole, _mutated, _whole, _encoded, _mutated, _broken,
    _web_archive, _nested, _mutated, _repeated, _mail, _random, _formatted, _pdf, _archive,
)  # fmt: skip

"""Programs that extract articles from documents: Nutgraf, and for each type what else does so.

Each is a function from the path of a document to the articles in it; None if the document is refused.
`find_programs` leaves out those that are not installed. None of them is a dependency of the project.
"""

from __future__ import annotations

import email
import email.policy
import mailbox
import re
import subprocess
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from importlib.util import find_spec
from pathlib import Path
from shutil import which
from typing import Any

from bs4 import BeautifulSoup, NavigableString, Tag

from indexer.article import Article
from indexer.errors import InvalidArticle, UnreadableDocument
from indexer.readers import ReadOptions, read

BLANK_LINES = re.compile(r"\n[^\S\n]*\n\s*|\f")
# fmt: off
_BLOCKS = frozenset((
    "address", "article", "aside", "blockquote", "body", "caption", "dd", "details", "div", "dl", "dt",
    "fieldset", "figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header",
    "hr", "li", "main", "nav", "ol", "p", "pre", "section", "table", "tbody", "td", "tfoot", "th",
    "thead", "tr", "ul",
))
# fmt: on
_TEI_BLOCKS = ("p", "head", "item", "row", "code", "quote")
_OPTIONS = ReadOptions()


@dataclass
class Extracted:
    """An article that a program finds in a document; empty fields are those that it does not tell."""

    paragraphs: list[str]
    title: str = ""
    date: str = ""
    authors: tuple[str, ...] = ()

    @property
    def texts(self) -> list[str]:
        """The title and the paragraphs; the title only once if the first paragraph begins with it."""
        start = self.title.rstrip("…")
        is_first = bool(self.paragraphs) and self.paragraphs[0].strip().startswith(start)
        return self.paragraphs if is_first else [self.title, *self.paragraphs]


Extract = Callable[[Path], list[Extracted] | None]


def find_programs(suffix: str) -> dict[str, Extract]:
    """Return the programs that are installed for a type, by their names, ours first."""
    found: dict[str, Extract] = {"nutgraf": _nutgraf}
    for name, extract in _PEERS.get(suffix, {}).items():
        needed = _NEEDED.get(name, name).split()
        if all(which(each) or find_spec(each) for each in needed):
            found[name] = extract
    return found


def split_html(markup: str | bytes, hidden: str = "script, style, template") -> list[str]:
    """Return the blocks of text of a page, a row of a table as one, without what a selector names.

    A row with a cell of several paragraphs is as many blocks.
    """
    with warnings.catch_warnings():
        # Older versions of Beautiful Soup give lxml an option that newer ones of that deprecate.
        warnings.simplefilter("ignore")
        soup = BeautifulSoup(markup, "lxml")
    for element in soup.select(hidden):
        element.decompose()
    found = [""]
    _walk(soup, found)
    return [" ".join(text.split()) for text in found if text.strip()]


def _walk(element: Tag, found: list[str]) -> None:
    for child in element.children:
        if isinstance(child, Tag):
            row = child.find_parent("tr")
            is_block = child.name in _BLOCKS and (row is None or _has_paragraphs(row))
            found += [""] if is_block else []
            # What is in a row, or on both sides of a line break, is not one word.
            found[-1] += " " if child.name in _BLOCKS or child.name == "br" else ""
            _walk(child, found)
            found += [""] if is_block else []
        elif type(child) is NavigableString:
            found[-1] += child


def _has_paragraphs(row: Tag) -> bool:
    """Whether a cell of a row has several paragraphs, so that the row is no line of values."""
    return any(len(cell.find_all(["p", "li"])) > 1 for cell in row.find_all(["td", "th"]))


def _nutgraf(path: Path) -> list[Extracted] | None:
    try:
        with path.open("rb") as stream:
            found = list(read(stream, path.name, path.stem, _OPTIONS))
    except (UnreadableDocument, InvalidArticle):
        return None
    return [
        Extracted(
            [*article.paragraphs],
            article.title,
            article.published.value if article.published else "",
            article.authors,
        )
        for article in found
        if isinstance(article, Article)
    ]


def _pdftotext(path: Path) -> list[Extracted] | None:
    return _run_program("pdftotext", "-enc", "UTF-8", path, "-")


def _pandoc(path: Path) -> list[Extracted] | None:
    return _run_program("pandoc", "-s", "--to=plain", "--wrap=none", path)


def _run_program(*command: str | Path) -> list[Extracted] | None:
    ended = subprocess.run(command, capture_output=True, check=False)
    text = ended.stdout.decode("utf-8", "replace")
    return None if ended.returncode else [Extracted(BLANK_LINES.split(text))]


def _pdfminer(path: Path) -> list[Extracted]:
    from pdfminer.high_level import extract_pages
    from pdfminer.layout import LTTextContainer

    boxes = (box for page in extract_pages(path) for box in page if isinstance(box, LTTextContainer))
    return [Extracted([box.get_text() for box in boxes])]


def _kreuzberg(path: Path) -> list[Extracted] | None:
    from kreuzberg import extract_file_sync

    try:
        result = extract_file_sync(path)
    except KeyboardInterrupt:
        raise
    except BaseException:  # noqa: BLE001 - a panic of its native code is no Exception
        return None
    stated: dict[str, Any] = result.metadata
    title = str(stated.get("title") or stated.get("subject") or "")
    return [Extracted(BLANK_LINES.split(result.content), title)]


def _trafilatura(path: Path) -> list[Extracted] | None:
    found = _extract_page(path.read_bytes())
    return [found] if found else None


def _extract_page(page: bytes) -> Extracted | None:
    from trafilatura import bare_extraction

    found: Any = bare_extraction(page, with_metadata=True)
    if found is None:
        return None
    blocks = (
        "".join(block.itertext())
        for block in found.body.iter(*_TEI_BLOCKS)
        if not any(outer.tag in _TEI_BLOCKS for outer in block.iterancestors())
    )
    title = found.title or ""
    return Extracted([*blocks], title, found.date or "", tuple((found.author or "").split("; ")))


def _readability(path: Path) -> list[Extracted]:
    from readability import Document

    document = Document(path.read_text(encoding="utf-8", errors="replace"))
    return [Extracted(split_html(document.summary()), document.title())]


def _inscriptis(path: Path) -> list[Extracted]:
    from inscriptis import get_text

    return [Extracted(get_text(path.read_text(encoding="utf-8", errors="replace")).splitlines())]


def _boilerpy3(path: Path) -> list[Extracted]:
    from boilerpy3.extractors import ArticleExtractor

    extractor = ArticleExtractor(raise_on_failure=False)
    document = extractor.get_doc(path.read_text(encoding="utf-8", errors="replace"))
    title = document.title or ""
    return [Extracted(document.content.splitlines(), title)]


def _email(path: Path) -> list[Extracted]:
    return [_read_mail(path.read_bytes(), _text_of)]


def _mail_parser_reply(path: Path) -> list[Extracted]:
    return [_read_mail(path.read_bytes(), _latest_reply)]


def _mailbox(path: Path) -> list[Extracted]:
    return [_read_mail(mail.as_bytes(), _text_of) for mail in mailbox.mbox(path, create=False)]


def _read_mail(data: bytes, text_of: Callable[[EmailMessage], str]) -> Extracted:
    mail = email.message_from_bytes(data, policy=email.policy.default)
    title = str(mail["subject"] or "")
    try:
        text = text_of(mail)
    except (LookupError, AttributeError):  # an encoding that is not known, no text
        text = ""
    day = mail["date"].datetime.isoformat() if mail["date"] and mail["date"].datetime else ""
    senders = mail["from"].addresses if mail["from"] else ()
    authors = tuple(sender.display_name for sender in senders)
    return Extracted(BLANK_LINES.split(text), title, day, authors)


def _text_of(mail: EmailMessage) -> str:
    body = mail.get_body(("plain", "html"))
    if body is None:
        return ""
    content: str = body.get_content()
    return "\n\n".join(split_html(content)) if body.get_content_subtype() == "html" else content


def _latest_reply(mail: EmailMessage) -> str:
    from mailparser_reply import EmailReplyParser

    replies = EmailReplyParser(languages=["en", "de"]).read(text=_text_of(mail)).replies
    text: str = replies[0].body if replies else ""
    return text


def _feedparser(path: Path) -> list[Extracted]:
    import feedparser

    found = []
    for entry in feedparser.parse(path.read_bytes()).entries:
        contents = entry.get("content") or [{"value": entry.get("summary", "")}]
        day, authors = _iso(entry.get("published_parsed")), (entry.get("author", ""),)
        found.append(Extracted(split_html(contents[0]["value"]), entry.get("title", ""), day, authors))
    return found


def _iso(parsed: Any) -> str:
    return "{:04}-{:02}-{:02}".format(*parsed[:3]) if parsed else ""


def _atoma(path: Path) -> list[Extracted] | None:
    import atoma

    data = path.read_bytes()
    try:
        if path.suffix == ".atom":
            return [*map(_from_atom, atoma.parse_atom_bytes(data).entries)]
        if path.suffix == ".json":
            return [*map(_from_json, atoma.parse_json_feed_bytes(data).items)]
        return [*map(_from_rss, atoma.parse_rss_bytes(data).items)]
    except atoma.FeedParseError:
        return None


def _from_atom(entry: Any) -> Extracted:
    text = entry.content.value if entry.content else ""
    authors = tuple(author.name for author in entry.authors)
    return _make_entry(entry.title.value, text, entry.published, authors)


def _from_json(item: Any) -> Extracted:
    # It knows the first version of the format, which has one author.
    return _make_entry(item.title, item.content_html, item.date_published, ())


def _from_rss(item: Any) -> Extracted:
    text = item.content_encoded or item.description
    return _make_entry(item.title, text, item.pub_date, (item.author or "",))


def _make_entry(title: str | None, text: str | None, published: Any, authors: Iterable[str]) -> Extracted:
    day = published.isoformat() if published else ""
    return Extracted(split_html(text or ""), title or "", day, tuple(authors))


def _warcio(path: Path) -> list[Extracted]:
    return list(_read_captures(path))


def _read_captures(path: Path) -> Iterator[Extracted]:
    from warcio.archiveiterator import ArchiveIterator

    with path.open("rb") as stream:
        for record in ArchiveIterator(stream):
            if record.rec_type != "response" or not record.http_headers:
                continue
            kind = record.http_headers.get_header("Content-Type") or ""
            if record.http_headers.get_statuscode() == "200" and kind.startswith("text/html"):
                found = _extract_page(record.content_stream().read())
                if found:
                    yield found


_OFFICE: dict[str, Extract] = {"pandoc": _pandoc, "kreuzberg": _kreuzberg}
_FEEDS: dict[str, Extract] = {"feedparser": _feedparser, "atoma": _atoma}
_PEERS: dict[str, dict[str, Extract]] = {
    ".pdf": {"pdftotext": _pdftotext, "pdfminer.six": _pdfminer, "kreuzberg": _kreuzberg},
    **dict.fromkeys((".docx", ".odt", ".rtf", ".epub", ".pptx"), _OFFICE),
    ".html": {
        "trafilatura": _trafilatura,
        "readability-lxml": _readability,
        "boilerpy3": _boilerpy3,
        "inscriptis": _inscriptis,
        "kreuzberg": _kreuzberg,
    },
    ".eml": {"email": _email, "mail-parser-reply": _mail_parser_reply, "kreuzberg": _kreuzberg},
    ".mbox": {"mailbox": _mailbox},
    **dict.fromkeys((".rss", ".atom"), _FEEDS),
    ".json": {"atoma": _atoma},
    ".xml": {"feedparser": _feedparser},
    ".warc": {"warcio, trafilatura": _warcio},
}
_NEEDED = {
    "pdfminer.six": "pdfminer",
    "readability-lxml": "readability",
    "mail-parser-reply": "mailparser_reply",
    "warcio, trafilatura": "warcio trafilatura",
}
"""The modules or commands of those that have another name."""

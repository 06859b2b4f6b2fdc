"""Markdown: front matter, the first heading as title, and one paragraph for each block."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from indexer.article import Article, Published
from indexer.errors import UnreadableDocument
from indexer.readers.dates import choose, date_line, parse_date, path_date
from indexer.readers.options import ReadOptions
from indexer.readers.text import drop_furniture, opening
from indexer.readers.urls import web_address

if TYPE_CHECKING:
    from markdown_it.token import Token

_FRONT = re.compile(r"\A\ufeff?---[ \t]*\r?\n(.*?)\r?\n(?:---|\.\.\.)[ \t]*(?:\r?\n|\Z)", re.DOTALL)
_ENTRY = re.compile(r"([A-Za-z][\w -]{0,40}?)\s*:\s*(.*?)\s*")
_DATE_KEYS = ("date", "published", "publish_date", "pubdate", "created")
# What is nested more deeply is left out by the parser, and Python's stack bounds how deep that can be.
_DEEPEST = 60
_MARKUP = re.compile(
    r"<(script|style|template)\b.*?(?:</\1\s*>|\Z)|<!--.*?(?:-->|\Z)|<[^>]*>", re.DOTALL | re.IGNORECASE
)
_LANGUAGE = re.compile(r"[a-zA-Z]{2,3}(?=[-_]|$)")


def read_markdown(text: str, name: str, article_id: str, options: ReadOptions) -> Article:
    """The article in a Markdown document. Raises UnreadableDocument when there is nothing in it."""
    fields: dict[str, str] = {}
    if front := _FRONT.match(text):
        fields = _fields(front[1])
        text = text[front.end() :] if fields else text
    headings, paragraphs = _blocks(text)
    notes: list[str] = []
    if not paragraphs and re.search(r"\w", plain := _html_free(text)):
        notes.append("the Markdown gives no block: its text was taken as it stands")
        paragraphs = [" ".join(part.split()) for part in re.split(r"\n\s*\n", plain)]
    title = fields.get("title", "") or (headings[0] if headings else "")
    if paragraphs and paragraphs[0] == title:
        del paragraphs[0]
    elif title and not fields.get("title"):
        paragraphs.remove(title)
    dates: list[Published] = []
    for key in _DATE_KEYS:
        if value := fields.get(key):
            found = parse_date(value, "given", options)
            if found:
                dates.append(found)
            else:
                notes.append(f"{key}: {value[:60]!r} is no date that is understood")
    if paragraphs and (line := date_line(paragraphs[0], options)) and line.dates:
        dates.extend(line.dates)
        del paragraphs[0]
    if not title and paragraphs:
        title = opening(paragraphs[0])
    if not title:
        raise UnreadableDocument("an article is wanted, the Markdown has no text in it")
    if named := path_date(name, "file name", options):
        dates.append(named)
    notes.extend(drop_furniture(paragraphs))
    published, notes = choose(dates, options, notes)
    language = _LANGUAGE.match(fields.get("lang", "") or fields.get("language", ""))
    url = web_address(fields.get("url") or fields.get("canonical") or fields.get("link"))
    return Article(
        article_id,
        title,
        tuple(paragraphs),
        published,
        language[0].lower() if language else None,
        url,
        source=name,
        notes=tuple(notes),
    )


def _fields(text: str) -> dict[str, str]:
    """The plain `key: value` lines of front matter; nested values are passed over."""
    fields = {}
    for line in text.splitlines():
        if match := _ENTRY.fullmatch(line):
            value = match[2]
            if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
                value = value[1:-1]
            else:
                value = re.sub(r"\s+#.*$", "", value)
            fields[match[1].strip().lower().replace("-", "_")] = value
    return fields


def _blocks(text: str) -> tuple[list[str], list[str]]:
    """The headings, and every block in reading order (headings too)."""
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark", {"maxNesting": _DEEPEST}).enable("table")
    headings: list[str] = []
    blocks: list[str] = []
    row: list[str] = []
    last = ""
    for token in parser.parse(text):
        if token.type == "inline":
            content = _inline(token.children or ())
            if last in ("td_open", "th_open"):
                row.append(content)
            elif content:
                blocks.append(content)
                if last == "heading_open":
                    headings.append(content)
        elif token.type == "tr_close":
            blocks.append(" | ".join(cell for cell in row if cell))
            row = []
        elif token.type in ("fence", "code_block"):
            blocks.append(token.content.rstrip())
        elif token.type == "html_block":
            blocks.extend(_html(token.content))
        last = token.type
    return headings, [block for block in blocks if block.strip()]


_RAW_START = re.compile(r"<(script|style|template|iframe|noscript)\b", re.IGNORECASE)


def _inline(children: Iterable[Token]) -> str:
    return " ".join("".join(_pieces(children)).split())


def _pieces(children: Iterable[Token]) -> Iterator[str]:
    hidden = ""
    for child in children:
        if child.type == "html_inline":
            if hidden and child.content.lower().startswith(f"</{hidden}"):
                hidden = ""
            elif not hidden and (start := _RAW_START.match(child.content)):
                hidden = start[1].lower()
            elif re.match(r"<br\b", child.content, re.IGNORECASE):
                yield " "
        elif hidden:
            continue
        elif child.type in ("softbreak", "hardbreak"):
            yield " "
        elif child.type == "image":
            # Its children are the words that stand for the picture.
            yield from _pieces(child.children or ())
        else:
            yield child.content


def _html_free(text: str) -> str:
    return _MARKUP.sub("", text)


def _html(content: str) -> list[str]:
    from indexer.readers.markup import blocks_of, parse_shown

    return blocks_of(parse_shown(content))

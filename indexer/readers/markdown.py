"""Markdown: front matter, the first heading as title, and a paragraph for each block."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from indexer.article import Article, Published
from indexer.readers.assemble import assemble_article
from indexer.readers.dates import HeadDates
from indexer.readers.document import Document, check_length, language_code, web_address
from indexer.readers.expressions import find_month_and_day, parse_date

if TYPE_CHECKING:
    from markdown_it.token import Token

_FRONT_MATTER = re.compile(r"\A\ufeff?---[ \t]*\r?\n(.*?)\r?\n(?:---|\.\.\.)[ \t]*(?:\r?\n|\Z)", re.DOTALL)
_FIELD = re.compile(r"([A-Za-z][\w -]{0,40}?)\s*:\s*(.*?)\s*")
_DATE_FIELDS = ("date", "published", "publish_date", "pubdate", "created")
# The parser omits deeper nesting; it is recursive, so Python's stack sets the limit.
_MAX_DEPTH = 60
_HTML = re.compile(
    r"<(script|style|template)\b.*?(?:</\1\s*>|\Z)|<!--.*?(?:-->|\Z)|<[^>]*>", re.DOTALL | re.IGNORECASE
)
_HIDDEN_START = re.compile(r"<(script|style|template|iframe|noscript)\b", re.IGNORECASE)


def read_articles(document: Document) -> Iterator[Article]:
    """Return the article in a Markdown document. Raises UnreadableDocument if there is no text."""
    # Checked first, since the parsed text takes several times as much memory.
    check_length(len(document.text))
    text, fields = document.text, {}
    if front := _FRONT_MATTER.match(text):
        fields = _parse_fields(front[1])
        text = text[front.end() :] if fields else text
    headings, paragraphs = _parse_blocks(text)
    notes: list[str] = []
    if not paragraphs and re.search(r"\w", plain := _HTML.sub("", text)):
        notes.append("the Markdown has no blocks: its text was taken as it is")
        paragraphs = [" ".join(part.split()) for part in re.split(r"\n\s*\n", plain)]
    title = fields.get("title", "")
    if not title and headings:
        title = headings[0]
        paragraphs.remove(title)
    elif paragraphs and paragraphs[0] == title:
        del paragraphs[0]
    dates: list[Published] = []
    for key in _DATE_FIELDS:
        if value := fields.get(key):
            if found := parse_date(value, "given", document.options):
                dates.append(found)
            else:
                notes.append(f"{key}: {value[:60]!r} was not understood as a date")
    head = HeadDates(document.options)
    bare = head.read_lines(paragraphs)
    paragraphs = [paragraph for number, paragraph in enumerate(paragraphs) if number not in bare]
    head.read_dateline(paragraphs)
    found_dates, more_notes = head.resolve(document.name)
    language = language_code(fields.get("lang") or fields.get("language"))
    url = web_address(fields.get("url") or fields.get("canonical") or fields.get("link"))
    article = assemble_article(
        document,
        title,
        paragraphs,
        [*dates, *found_dates],
        [*notes, *more_notes],
        language=language,
        url=url,
    )
    return iter([article])


def _parse_fields(text: str) -> dict[str, str]:
    """Return the plain `key: value` lines of front matter; nested values are skipped."""
    fields = {}
    for line in text.splitlines():
        if match := _FIELD.fullmatch(line):
            value = match[2]
            if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
                value = value[1:-1]
            else:
                value = re.sub(r"\s+#.*$", "", value)
            fields[match[1].strip().lower().replace("-", "_")] = value
    return fields


def _parse_blocks(text: str) -> tuple[list[str], list[str]]:
    """Return the headings, and the text of every block in reading order, headings included."""
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark", {"maxNesting": _MAX_DEPTH}).enable("table")
    headings: list[str] = []
    blocks: list[str] = []
    row: list[str] = []
    number = last = ""
    for token in parser.parse(text):
        if token.type == "inline":
            content = " ".join("".join(_inline_texts(token.children or ())).split())
            if last in ("td_open", "th_open"):
                row.append(content)
            elif content:
                # A line that begins with the day of a German date is a list to Markdown.
                dated = f"{number}. {content}" if number else ""
                is_date = (found := find_month_and_day(dated)) is not None and found[0] == 0
                blocks.append(dated if is_date else content)
                number = ""
                if last == "heading_open":
                    headings.append(content)
        elif token.type == "tr_close":
            blocks.append(" | ".join(cell for cell in row if cell))
            row = []
        elif token.type in ("fence", "code_block"):
            blocks.append(token.content.rstrip())
        elif token.type == "html_block":
            blocks.extend(_extract_html(token.content))
        elif token.type == "list_item_open":
            number = token.info
        last = token.type
    return headings, [block for block in blocks if block.strip()]


def _inline_texts(children: Iterable[Token]) -> Iterator[str]:
    hidden = ""
    for child in children:
        if child.type == "html_inline":
            if hidden and child.content.lower().startswith(f"</{hidden}"):
                hidden = ""
            elif not hidden and (start := _HIDDEN_START.match(child.content)):
                hidden = start[1].lower()
            elif re.match(r"<br\b", child.content, re.IGNORECASE):
                yield " "
        elif hidden:
            continue
        elif child.type in ("softbreak", "hardbreak"):
            yield " "
        elif child.type == "image":
            # Its children are its alternative text.
            yield from _inline_texts(child.children or ())
        else:
            yield child.content


def _extract_html(html: str) -> list[str]:
    from indexer.readers.markup import extract_blocks, parse_visible

    return extract_blocks(parse_visible(html))

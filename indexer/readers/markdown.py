"""Markdown: front matter, the first heading as title, and a paragraph for each block."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from indexer.article import Article, normalize_space, split_at_blank_lines
from indexer.readers.assemble import assemble_text
from indexer.readers.dates import HeadDates
from indexer.readers.document import TextDocument, check_length
from indexer.readers.expressions import find_month_and_day
from indexer.readers.front_matter import split_front_matter

if TYPE_CHECKING:
    from markdown_it.token import Token

# The parser omits deeper nesting; it is recursive, so Python's stack sets the limit.
_MAX_DEPTH = 60
_HTML = re.compile(
    r"<(script|style|template)\b.*?(?:</\1\s*>|\Z)|<!--.*?(?:-->|\Z)|<[^>]*>", re.DOTALL | re.IGNORECASE
)
_HIDDEN_START = re.compile(r"<(script|style|template|iframe|noscript)\b", re.IGNORECASE)


def read_articles(document: TextDocument) -> Iterator[Article]:
    """Return the article in a Markdown document. Raises UnreadableDocument if there is no text."""
    # Checked first, since the parsed text takes several times as much memory.
    check_length(len(document.text))
    front, text = split_front_matter(document.text, document.options)
    headings, paragraphs = _parse_blocks(text)
    notes = []
    if not paragraphs and re.search(r"\w", plain := _HTML.sub("", text)):
        notes.append("the Markdown has no blocks: its text was taken as it is")
        paragraphs = split_at_blank_lines(plain)
    title = front.title
    if not title and headings:
        title = headings[0]
        paragraphs.remove(title)
    elif paragraphs and paragraphs[0] == title:
        del paragraphs[0]
    head = HeadDates(document.options)
    bare = head.read_lines(paragraphs)
    paragraphs = [paragraph for number, paragraph in enumerate(paragraphs) if number not in bare]
    details = replace(front.details, notes=(*front.details.notes, *notes))
    return iter([assemble_text(document, title, paragraphs, details, head)])


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
            content = normalize_space("".join(_inline_texts(token.children or ())))
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

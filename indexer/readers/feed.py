"""Feeds: RSS, Atom and JSON Feed, an entry an article. A WordPress export is RSS, too: see `wordpress`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from html import unescape
from io import BytesIO
from typing import Any

from indexer.article import Article, Failure, make_record_id, normalize_space, split_at_blank_lines
from indexer.errors import InvalidArticle, UnreadableDocument
from indexer.readers import wordpress
from indexer.readers.assemble import assemble_article
from indexer.readers.document import (
    BinaryDocument,
    Details,
    Document,
    language_code,
    read_bounded,
    web_address,
)
from indexer.readers.expressions import parse_date
from indexer.readers.markup import extract_blocks, parse_visible

_HEAD = 1 << 16
_CONTENTS = ("content_html", "content_text", "summary")
_MARKUP = re.compile(r"<[!/a-zA-Z]|&[#\w]+;")


@dataclass(frozen=True, slots=True)
class _Entry:
    """An entry: its id or "" if it has none, and its parts as the feed states them.

    The title may have HTML, and so may the content unless it `is_plain`.
    """

    id: str
    title: str
    content: str
    is_plain: bool
    published: object
    modified: object
    details: Details


def read_articles(document: BinaryDocument) -> Iterator[Article | Failure]:
    """Return an article for each entry of a feed, and a failure for each that cannot be read.

    Raises UnreadableDocument if the document is no feed.
    """
    head = document.stream.read(_HEAD)
    document.stream.seek(0)
    if wordpress.is_export(head):
        return wordpress.read_articles(document)
    return _read_feed(document, read_bounded(document.stream, document.options.max_bytes))


def _read_feed(document: Document, data: bytes) -> Iterator[Article | Failure]:
    # Imported here, since most archives have no feeds.
    import feedparser

    # Given bytes or text, it would take them for the name of a file or an address, and open that.
    feed = feedparser.parse(BytesIO(data), sanitize_html=False, resolve_relative_uris=False)
    # Of an empty file, it states no version.
    if not feed.get("version") and not feed.entries:
        raise UnreadableDocument("XML that is neither a feed nor a WordPress export")
    context = Details(
        language=language_code(feed.feed.get("language")),
        publisher=normalize_space(_to_text(feed.feed.get("title"))) or None,
    )
    return _assemble_all(document, (_parse_entry(entry) for entry in feed.entries), context)


def _parse_entry(entry: Any) -> _Entry:
    contents = entry.get("content") or ()
    content = next((item.value for item in contents if item.get("value")), entry.get("summary")) or ""
    authors = (author.get("name") or author.get("email") for author in entry.get("authors", ()))
    tags = (tag.get("label") or tag.get("term") for tag in entry.get("tags", ()))
    languages = [language_code(item.get("language")) for item in contents]
    return _Entry(
        id=entry.get("id") or entry.get("link") or "",
        title=entry.get("title", ""),
        content=content,
        is_plain=False,
        published=entry.get("published"),
        # As an attribute, it would be the publication date where it is not stated.
        modified=dict.get(entry, "updated"),
        details=Details(
            language=next(filter(None, languages), None),
            url=web_address(entry.get("link")),
            # Some programs escape names twice.
            authors=tuple(unescape(name) for name in authors if name),
            tags=tuple(unescape(name) for name in tags if name),
        ),
    )


def read_json_feed(document: Document, feed: Mapping[str, Any]) -> Iterator[Article | Failure]:
    """Return an article for each item of a JSON Feed, which is parsed already, and failures.

    Raises UnreadableDocument if it has no items.
    """
    items = feed.get("items")
    if not isinstance(items, list):
        raise UnreadableDocument("a JSON Feed without items")
    context = Details(
        language=language_code(_to_text(feed.get("language"))),
        authors=_parse_json_authors(feed),
        publisher=_to_text(feed.get("title")) or None,
    )
    entries = (_parse_item(item) for item in items if isinstance(item, dict))
    return _assemble_all(document, entries, context)


def _parse_item(item: Mapping[str, Any]) -> _Entry:
    html, plain, summary = (_to_text(item.get(name)) for name in _CONTENTS)
    address = _to_text(item.get("url"))
    return _Entry(
        id=_to_text(item.get("id")) or address,
        title=_to_text(item.get("title")),
        content=html or plain or summary,
        is_plain=not html,
        published=item.get("date_published"),
        modified=item.get("date_modified"),
        details=Details(
            language=language_code(_to_text(item.get("language"))),
            url=web_address(address),
            authors=_parse_json_authors(item),
            tags=tuple(filter(None, map(_to_text, _to_list(item.get("tags"))))),
        ),
    )


def _parse_json_authors(item: Mapping[str, Any]) -> tuple[str, ...]:
    # Its first version had one author.
    given = [*_to_list(item.get("authors")), item.get("author")]
    return tuple(filter(None, (_to_text(author.get("name")) for author in given if isinstance(author, dict))))


def _to_text(value: object) -> str:
    """Return a value as text; "" if it is none. The id of an item is a number in some feeds."""
    return str(value) if isinstance(value, (str, int, float)) and not isinstance(value, bool) else ""


def _to_list(value: object) -> Sequence[Any]:
    return value if isinstance(value, list) else ()


def _assemble_all(
    document: Document, entries: Iterator[_Entry], context: Details
) -> Iterator[Article | Failure]:
    for number, entry in enumerate(entries, start=1):
        try:
            document.begin_record(len(entry.content))
            yield _assemble(document, number, entry, context)
        except (UnreadableDocument, InvalidArticle) as error:
            yield Failure(f"{document.name}:{number}", str(error))


def _assemble(document: Document, number: int, entry: _Entry, context: Details) -> Article:
    stated = ((entry.published, "given"), (entry.modified, "modified"))
    dates = [
        date for value, place in stated if value and (date := parse_date(value, place, document.options))
    ]
    name = normalize_space(entry.id)
    member = replace(
        document,
        article_id=make_record_id(document.article_id, name) if name else f"{document.article_id}-{number}",
    )
    title = " ".join(_extract_paragraphs(entry.title))
    paragraphs = split_at_blank_lines(entry.content) if entry.is_plain else _extract_paragraphs(entry.content)
    details = replace(entry.details, dates=tuple(dates)).or_else(context)
    return assemble_article(member, title, paragraphs, details)


def _extract_paragraphs(text: str) -> list[str]:
    """Return the paragraphs of a text that may have HTML."""
    return extract_blocks(parse_visible(text)) if _MARKUP.search(text) else split_at_blank_lines(text)

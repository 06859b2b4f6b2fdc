"""Articles as stored items: a head in JSON with everything but the text, then each paragraph in UTF-8.

Dates are whole seconds since 1970, negative before.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct
from msgspec.json import Decoder, Encoder
from msgspec.structs import replace

from indexer.article import Article, Encoding, Published, check_precision, is_language
from indexer.results import ArticleInfo


class _Head(Struct, omit_defaults=True):
    """Everything of an article that is stored, but for its text."""

    id: str
    title: str = ""
    published: Published | None = None
    language: str | None = None
    url: str | None = None
    source: str | None = None
    encoding: tuple[str, bool] | None = None
    notes: tuple[str, ...] = ()
    authors: tuple[str, ...] = ()
    section: str | None = None
    tags: tuple[str, ...] = ()
    publisher: str | None = None
    page_numbers: tuple[int | None, ...] = ()
    fields: dict[str, str | int | float | bool | tuple[str, ...]] = {}


class _Pages(Struct):
    page_numbers: tuple[int | None, ...] = ()


class _Fields(Struct):
    fields: dict[str, Any] = {}


_encode = Encoder().encode
_decode = Decoder(_Head).decode
_decode_info = Decoder(ArticleInfo).decode  # skips the fields that a hit does not show
_decode_pages = Decoder(_Pages).decode
_decode_fields = Decoder(_Fields).decode


def encode_article(article: Article) -> list[bytes]:
    """The items of an article: its head, then its paragraphs."""
    encoding = article.encoding
    head = _Head(
        article.id,
        article.title,
        article.published,
        article.language,
        article.url,
        article.source,
        (encoding.name, encoding.guessed) if encoding else None,
        article.notes,
        article.authors,
        article.section,
        article.tags,
        article.publisher,
        article.page_numbers,
        dict(article.fields),
    )
    return [_encode(head), *(text.encode() for text in article.paragraphs)]


def digest_items(items: list[bytes]) -> str:
    """A hash of all items of an article: 32 hexadecimal digits (BLAKE2b)."""
    digest = hashlib.blake2b(digest_size=16)
    for item in items:
        digest.update(len(item).to_bytes(8, "little"))
        digest.update(item)
    return digest.hexdigest()


def decode_article(items: list[bytes]) -> Article:
    """The article with these items; raises ValueError or InvalidArticle for invalid items."""
    head = _decode(items[0])
    article = Article(
        head.id,
        head.title,
        [item.decode() for item in items[1:]],
        head.published,
        # Any text was accepted as a language once.
        head.language if head.language and is_language(head.language) else None,
        head.url,
        head.source,
        Encoding(*head.encoding) if head.encoding else None,
        head.notes,
        authors=head.authors,
        section=head.section,
        tags=head.tags,
        publisher=head.publisher,
        page_numbers=head.page_numbers,
        fields=head.fields,
    )
    if len(article.paragraphs) < len(items) - 1:
        raise ValueError("a paragraph without text")
    return article


def decode_info(head: bytes, language: str, texts: Collection[str] = ()) -> ArticleInfo:
    """The article with this head, without its text; `language` is the one that it was analyzed in.

    `texts` are the fields of custom texts, which are left out as well. Raises ValueError or
    InvalidArticle for an invalid head.
    """
    info = _decode_info(head)
    if info.published is not None:
        check_precision(info.published)
    if texts and not info.fields.keys().isdisjoint(texts):
        kept = {n: own for n, own in info.fields.items() if n not in texts or not isinstance(own, str)}
        info = replace(info, fields=kept)
    return replace(info, language=language, language_stated=False) if info.language is None else info


def decode_texts(head: bytes, names: Iterable[str]) -> list[str]:
    """The texts in some fields of the article with this head; raises ValueError for an invalid head."""
    values = _decode_fields(head).fields
    texts: list[str] = []
    for name in names:
        if not isinstance(text := values.get(name), str):
            raise ValueError(f"no text in the field {name}")  # noqa: TRY004 - the value was stored so
        texts.append(text)
    return texts


def decode_pages(head: bytes, paragraphs: Sequence[int]) -> list[int | None]:
    """The pages of some paragraphs (numbered from 0) of the article with this head; None for unknown ones.

    Raises ValueError or IndexError for an invalid head.
    """
    # Most articles have no pages, and searching for the name takes less time than decoding.
    pages = _decode_pages(head).page_numbers if b'"page_numbers":' in head else ()
    return [pages[number] if pages else None for number in paragraphs]


NO_DATE = -(2**62)
"""Stands for the date of an article without one."""
_EPOCH = datetime(1970, 1, 1)
MIN_DATE = (datetime.min - _EPOCH) // timedelta(seconds=1)
"""`datetime.min`, the start of the year 1."""


def to_timestamp(when: datetime) -> int:
    """Seconds from 1970-01-01 to a naive date-time, negative before."""
    return (when - _EPOCH) // timedelta(seconds=1)


def from_timestamp(seconds: int) -> datetime:
    """The naive date-time that is `seconds` after 1970-01-01."""
    return _EPOCH + timedelta(seconds=seconds)

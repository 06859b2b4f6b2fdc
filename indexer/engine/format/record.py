"""An article as stored items: a head in JSON with everything but the text, then each paragraph as UTF-8.

Dates are whole seconds since 1970, negative before.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

from msgspec import Struct
from msgspec.json import Decoder, Encoder
from msgspec.structs import replace

from indexer.article import Article, Encoding, Published, published_from
from indexer.results import ArticleInfo


class _Head(Struct, omit_defaults=True):
    """What is stored of an article besides its text."""

    id: str
    title: str = ""
    published: Published | None = None
    language: str | None = None
    url: str | None = None
    source: str | None = None
    encoding: tuple[str, bool] | None = None
    notes: tuple[str, ...] = ()


_encode = Encoder().encode
_decode = Decoder(_Head).decode
_decode_info = Decoder(ArticleInfo).decode  # what a hit does not show is passed over


def encode_article(article: Article) -> list[bytes]:
    """The items of an article: its head, and its paragraphs in order."""
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
    )
    return [_encode(head), *(text.encode() for text in article.paragraphs)]


def digest_items(items: list[bytes]) -> str:
    """A hash of everything that is stored of an article: 32 hexadecimal digits."""
    whole = hashlib.blake2b(digest_size=16)
    for item in items:
        whole.update(len(item).to_bytes(8, "little"))
        whole.update(item)
    return whole.hexdigest()


def decode_article(items: list[bytes]) -> Article:
    """The article of these items; raises ValueError or InvalidArticle when they are none's."""
    head = _decode(items[0])
    article = Article(
        head.id,
        head.title,
        [item.decode() for item in items[1:]],
        head.published,
        head.language,
        head.url,
        head.source,
        Encoding(*head.encoding) if head.encoding else None,
        head.notes,
    )
    if len(article.paragraphs) < len(items) - 1:
        raise ValueError("a paragraph without text")
    return article


def decode_info(head: bytes, language: str) -> ArticleInfo:
    """The article of this head, without its text; `language` is the one that it was analysed in.

    Raises ValueError or InvalidArticle when it is none's.
    """
    info = _decode_info(head)
    published_from(info.published)
    return replace(info, language=language, language_stated=False) if info.language is None else info


NO_DATE = -(2**62)
"""What stands for an article without a date."""
_EPOCH = datetime(1970, 1, 1)
EPOCH = (datetime.min - _EPOCH) // timedelta(seconds=1)
"""The moment from which Whoosh counts its dates."""


def to_timestamp(when: datetime) -> int:
    """Whole seconds from 1970-01-01 to a naive date-time, negative before."""
    return (when - _EPOCH) // timedelta(seconds=1)


def from_timestamp(seconds: int) -> datetime:
    """The naive date-time of a moment."""
    return _EPOCH + timedelta(seconds=seconds)

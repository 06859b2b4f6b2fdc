"""An article as stored items: a head in JSON with everything but the text, then each paragraph as UTF-8."""

from __future__ import annotations

import hashlib

from msgspec import Struct
from msgspec.json import Decoder, Encoder
from msgspec.structs import replace

from indexer.model import Article, ArticleInfo, Encoding
from indexer.published import Published, published_from


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


def digest(items: list[bytes]) -> str:
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

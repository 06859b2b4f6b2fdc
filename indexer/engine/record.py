"""An article as stored items: a head in JSON with everything but the text, then each paragraph as UTF-8."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from indexer.model import Article, ArticleInfo, Encoding, Published


def encode_article(article: Article) -> list[bytes]:
    """The items of an article: its head, and its paragraphs in order."""
    published, encoding = article.published, article.encoding
    values = {
        "id": article.id,
        "title": article.title,
        "published": published
        and {
            "value": published.value,
            "precision": published.precision,
            "provenance": published.provenance,
            "others": published.others,
            "note": published.note,
        },
        "language": article.language,
        "url": article.url,
        "source": article.source,
        "encoding": encoding and [encoding.name, encoding.guessed],
        "notes": article.notes,
    }
    head = json.dumps({name: value for name, value in values.items() if value}, ensure_ascii=False)
    return [head.encode(), *(text.encode() for text in article.paragraphs)]


def digest(items: list[bytes]) -> str:
    """A hash of everything that is stored of an article: 32 hexadecimal digits."""
    whole = hashlib.blake2b(digest_size=16)
    for item in items:
        whole.update(len(item).to_bytes(8, "little"))
        whole.update(item)
    return whole.hexdigest()


def decode_article(items: list[bytes]) -> Article:
    """The article of these items."""
    info, head = _decode_head(items[0])
    return Article(
        **{name: getattr(info, name) for name in ("id", "title", "published", "language", "url", "source")},
        paragraphs=[item.decode() for item in items[1:]],
        encoding=Encoding(*head["encoding"]) if "encoding" in head else None,
        notes=head.get("notes", ()),
    )


def decode_info(head: bytes, language: str | None = None) -> ArticleInfo:
    """The article of this head, without its text; `language` is that of articles that name none."""
    return _decode_head(head, language)[0]


def _decode_head(item: bytes, language: str | None = None) -> tuple[ArticleInfo, dict[str, Any]]:
    head = json.loads(item)
    published = head.get("published")
    if published:
        published = Published(
            published["value"],
            published["precision"],
            published["provenance"],
            tuple((value, place) for value, place in published["others"]),
            published["note"],
        )
    return ArticleInfo(
        id=head["id"],
        title=head.get("title", ""),
        published=published,
        language=head.get("language", language),
        url=head.get("url"),
        source=head.get("source"),
    ), head

"""What several pages show of what the library says: pieces of texts, dates, articles that are only named."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from indexer.model import ArticleInfo, Span, Status
from indexer.published import Published
from webui.addresses import Search, article_url
from webui.translations import N_

Pieces = tuple[tuple[str, bool], ...]
"""A text cut where matches begin and end: (text, whether it matched)."""

_PLACES = {
    "json-ld": N_("found in the page’s JSON-LD"),
    "meta": N_("found in the page’s metadata"),
    "time": N_("found in a time element"),
    "url": N_("found in the address"),
    "dateline": N_("found in the dateline"),
    "file name": N_("found in the file name"),
    "given": "",
}
_LANGUAGE_TAG = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*")


@dataclass(frozen=True, slots=True)
class DateText:
    """A publication date: its value, the same for machines (maybe empty), and words for its origin.

    The words are English, and the template says them in the reader's language; `others` are those that
    disagreed, as (value, origin).
    """

    value: str
    machine: str
    place: str
    others: tuple[tuple[str, str], ...] = ()
    note: str | None = None


@dataclass(frozen=True, slots=True)
class OtherText:
    """An article that is only named: its address, title and date, and the file that it came from."""

    url: str
    title: str
    """Empty where it has none: templates have words for that."""
    date: DateText | None
    source: str | None


@dataclass(frozen=True, slots=True)
class Holdings:
    """What the start page says of an index."""

    articles: int
    undated: int
    first: DateText | None
    last: DateText | None


def pieces(text: str, spans: Iterable[Span]) -> Pieces:
    """`text` cut at its spans; joined together again the pieces are the text."""
    cut: list[tuple[str, bool]] = []
    place = 0
    for start, end in sorted(spans):
        start, end = max(start, place), min(end, len(text))
        if start >= end:
            continue
        if start > place:
            cut.append((text[place:start], False))
        cut.append((text[start:end], True))
        place = end
    if place < len(text):
        cut.append((text[place:], False))
    return tuple(cut)


def date_text(published: Published) -> DateText:
    """A date, no more exact than it is known, with where it was found."""
    others = tuple((value, _PLACES.get(place, place)) for value, place in published.others)
    try:
        machine = Published.parse(published.value).value
    except ValueError:
        machine = ""
    place = _PLACES.get(published.provenance, published.provenance)
    return DateText(published.value, machine, place, others, published.note)


def language_tag(language: str | None) -> str | None:
    """A language as the `lang` attribute takes it; None where it is not a tag at all."""
    tag = (language or "").replace("_", "-")
    return tag if _LANGUAGE_TAG.fullmatch(tag) else None


def other_texts(articles: Iterable[ArticleInfo], base: str, search: Search) -> tuple[OtherText, ...]:
    """Articles with their addresses, which remember the search."""
    return tuple(
        OtherText(
            article_url(base, article.id, search.parameters()),
            article.title,
            date_text(article.published) if article.published else None,
            article.source,
        )
        for article in articles
    )


def holdings(status: Status) -> Holdings:
    """How many articles there are, and from which year to which."""
    # Years only: the edges come as days, whatever the articles know of theirs.
    first, last = (
        date_text(Published(value[:4], "year")) if value else None for value in (status.first, status.last)
    )
    return Holdings(status.articles, status.undated, first, last)

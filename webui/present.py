"""From answers of the library to what the templates show: plain text, pieces of it, and addresses."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from indexer.errors import (
    ArticleMissing,
    IndexDamaged,
    IndexMissing,
    IndexOutdated,
    InvalidRequest,
    NutgrafError,
)
from indexer.model import ArticleInfo, Hit, MarkedArticle, Page, Published, Span, Status
from indexer.receipts import DeadEnd, HitExplanation
from webui.addresses import Search, article_url, cite_url, web_address
from webui.phrases import N_

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
_ERRORS: tuple[tuple[type[NutgrafError], int, str], ...] = (
    (ArticleMissing, 404, N_("There is no such article")),
    (InvalidRequest, 400, N_("This search cannot be made")),
    (IndexMissing, 503, N_("There is no index yet")),
    (IndexDamaged, 503, N_("The index is damaged")),
    (IndexOutdated, 503, N_("The index has to be rebuilt")),
    (NutgrafError, 503, N_("The index cannot be used now")),
)
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


CITATIONS = (("BibTeX", "bib"), ("RIS", "ris"), ("CSL-JSON", "json"))
"""The forms that an article can be cited in, and how their addresses end."""


@dataclass(frozen=True, slots=True)
class CiteText:
    """An article, or one paragraph of it, to be cited: its lasting address, and those of (form, address)."""

    number: int | None
    url: str
    link: str
    """The address to give to others: in no language of the page."""
    forms: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class PassageText:
    """A passage, and the address of the paragraph that it is from."""

    number: int
    url: str
    pieces: Pieces


@dataclass(frozen=True, slots=True)
class OtherText:
    """An article that is only named: its address, title and date, and the file that it came from."""

    url: str
    title: str
    """Empty where it has none: templates have words for that."""
    date: DateText | None
    source: str | None


@dataclass(frozen=True, slots=True)
class HitText:
    """One hit of a page; `number` is its place among all hits, from 1."""

    number: int
    url: str
    title: Pieces
    language: str | None
    date: DateText | None
    host: str | None
    source: str | None
    passages: tuple[PassageText, ...]
    cites: tuple[CiteText, ...]
    missing: tuple[str, ...]
    also: tuple[OtherText, ...]
    explanation: HitExplanation | None = None


@dataclass(frozen=True, slots=True)
class RelaxedLink:
    """A search that finds something where another does not: what is different, and where it leads."""

    change: str
    query: str
    count: int
    url: str


@dataclass(frozen=True, slots=True)
class ParagraphText:
    """A paragraph of an article with its anchor."""

    number: int
    anchor: str
    pieces: Pieces


@dataclass(frozen=True, slots=True)
class ArticleText:
    """An article as its page shows it; `matches` counts the marked paragraphs."""

    title: Pieces
    plain_title: str
    language: str | None
    date: DateText | None
    link: tuple[str, str] | None
    paragraphs: tuple[ParagraphText, ...]
    matches: int
    notes: tuple[str, ...]


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


def hit_text(hit: Hit, number: int, base: str, search: Search) -> HitText:
    """A hit with the addresses of its article and its passages, which remember the search."""
    article, state = hit.article, search.parameters()
    link = web_address(article.url)
    return HitText(
        number,
        article_url(base, article.id, state),
        pieces(article.title, hit.title_spans),
        language_tag(article.language),
        date_text(article.published) if article.published else None,
        link[1] if link else None,
        article.source,
        tuple(
            PassageText(p.number, article_url(base, article.id, state, p.anchor), pieces(p.text, p.spans))
            for p in hit.passages
        ),
        tuple(cite_text(base, article.id, search, p.number, p.anchor) for p in hit.passages)
        or (cite_text(base, article.id, search),),
        hit.missing,
        other_texts(hit.also, base, search),
        hit.explanation,
    )


def cite_text(base: str, name: str, search: Search, number: int | None = None, anchor: str = "") -> CiteText:
    """How an article, or a paragraph of it, can be cited."""
    forms = tuple((form, cite_url(base, name, ending, anchor)) for form, ending in CITATIONS)
    page = article_url(base, name, search.home().parameters(), anchor)
    return CiteText(number, page, article_url(base, name, anchor=anchor), forms)


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


def hit_texts(page: Page, base: str, search: Search) -> tuple[tuple[HitText, ...], tuple[HitText, ...]]:
    """The hits of a page that meet the whole query, and those that lack some of its words."""
    hits = [hit_text(hit, number, base, search) for number, hit in enumerate(page.hits, page.offset + 1)]
    return tuple(hit for hit in hits if not hit.missing), tuple(hit for hit in hits if hit.missing)


def relaxed_links(end: DeadEnd | None, base: str, search: Search) -> tuple[RelaxedLink, ...]:
    """The searches that would find something, as links."""
    return tuple(
        RelaxedLink(
            relaxed.change,
            relaxed.query,
            relaxed.count,
            replace(
                search,
                query=relaxed.query,
                after="" if "after" in relaxed.without else search.after,
                before="" if "before" in relaxed.without else search.before,
                source=() if "source" in relaxed.without else search.source,
                site=() if "site" in relaxed.without else search.site,
                language=() if "language" in relaxed.without else search.language,
                undated=search.undated and "undated" not in relaxed.without,
                page=1,
            ).url(base),
        )
        for relaxed in (end.relaxations if end else ())
    )


def article_text(marked: MarkedArticle) -> ArticleText:
    """An article as its page shows it."""
    article = marked.article
    return ArticleText(
        pieces(article.title, marked.title_spans),
        article.title,
        language_tag(article.language),
        date_text(article.published) if article.published else None,
        web_address(article.url),
        tuple(ParagraphText(p.number, p.anchor, pieces(p.text, p.spans)) for p in marked.paragraphs),
        sum(1 for paragraph in marked.paragraphs if paragraph.spans),
        article.notes,
    )


def holdings(status: Status) -> Holdings:
    """How many articles there are, and from which year to which."""
    # Years only: the edges come as days, whatever the articles know of theirs.
    first, last = (
        date_text(Published(value[:4], "year")) if value else None for value in (status.first, status.last)
    )
    return Holdings(status.articles, status.undated, first, last)


def status_of(error: NutgrafError) -> int:
    """The HTTP status that tells of an error."""
    return next(status for kind, status, _ in _ERRORS if isinstance(error, kind))


def heading_of(error: NutgrafError) -> str:
    """What an error page is called."""
    return next(heading for kind, _, heading in _ERRORS if isinstance(error, kind))

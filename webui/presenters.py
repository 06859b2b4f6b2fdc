"""What templates get: articles, hits and dates as plain text, pieces of text, and URLs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from indexer.article import Published
from indexer.query import Note, NoteCode
from indexer.results import ArticleInfo, Hit, HitExplanation, MarkedArticle, NoResults, Page, Span, Status
from webui.citations import FORMATS
from webui.translations import N_
from webui.urls import Search, article_url, citation_url, linkable_url, original_url

Pieces = tuple[tuple[str, bool], ...]
"""A text split at the spans of its matches: (text, whether it matched)."""

_PLACES = {
    "json-ld": N_("found in the page’s JSON-LD"),
    "meta": N_("found in the page’s metadata"),
    "time": N_("found in a time element"),
    "url": N_("found in the address"),
    "dateline": N_("found in the dateline"),
    "file name": N_("found in the file name"),
    "given": "",
}
# Notes that a page of results says in its count of hits and its headings.
_SHOWN_NOTES = {str(Note(NoteCode.ONLY_PARTIAL)), str(Note(NoteCode.FEW_FULL))}
_LANGUAGE_TAG = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*")


@dataclass(frozen=True, slots=True)
class DateText:
    """A publication date: its value, its machine-readable value (may be empty), and its origin.

    The template translates the origin. `others` are dates of the document that disagree, as (value, origin).
    """

    value: str
    machine: str
    place: str
    others: tuple[tuple[str, str], ...] = ()
    note: str | None = None


@dataclass(frozen=True, slots=True)
class ArticleLink:
    """A link to an article, with its title, date and source file."""

    url: str
    title: str
    """May be empty."""
    date: DateText | None
    source: str | None


@dataclass(frozen=True, slots=True)
class Summary:
    """The contents of an index, for the start page."""

    articles: int
    undated: int
    first: DateText | None
    last: DateText | None


def pieces(text: str, spans: Iterable[Span]) -> Pieces:
    """`text` split at its spans; the joined pieces are the text."""
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
    """A date with its origin."""
    others = tuple((value, _PLACES.get(place, place)) for value, place in published.others)
    try:
        machine = Published.parse(published.value).value
    except ValueError:
        machine = ""
    place = _PLACES.get(published.provenance, published.provenance)
    return DateText(published.value, machine, place, others, published.note)


def language_tag(language: str | None) -> str | None:
    """A language as the `lang` attribute has it, or None if it is not a language tag."""
    tag = (language or "").replace("_", "-")
    return tag if _LANGUAGE_TAG.fullmatch(tag) else None


def article_links(articles: Iterable[ArticleInfo], base: str, search: Search) -> tuple[ArticleLink, ...]:
    """Links to articles, which keep the parameters of the search."""
    return tuple(
        ArticleLink(
            article_url(base, article.id, search.query_string()),
            article.title,
            date_text(article.published) if article.published else None,
            article.source,
        )
        for article in articles
    )


def summarize(status: Status) -> Summary:
    """The number of articles, and their first and last year."""
    # Years only, as the status has days even for less exact dates.
    first, last = (
        date_text(Published(value[:4], "year")) if value else None for value in (status.first, status.last)
    )
    return Summary(status.articles, status.undated, first, last)


@dataclass(frozen=True, slots=True)
class CitationLinks:
    """The citation of an article or a paragraph: its stable URL, and the files as (format, URL)."""

    number: int
    """The number of the paragraph; 0 for the article."""
    url: str
    link: str
    """The URL to share, without the language of the page."""
    forms: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class PassageText:
    """A passage, and the URL of its paragraph."""

    number: int
    url: str
    pieces: Pieces


@dataclass(frozen=True, slots=True)
class HitText:
    """One hit of a page; `number` is its rank among all hits, from 1."""

    number: int
    url: str
    title: Pieces
    language: str | None
    date: DateText | None
    host: str | None
    source: str | None
    passages: tuple[PassageText, ...]
    cites: tuple[CitationLinks, ...]
    missing: tuple[str, ...]
    also: tuple[ArticleLink, ...]
    explanation: HitExplanation | None = None


@dataclass(frozen=True, slots=True)
class AlternativeLink:
    """A similar search that has results, and the difference to the query."""

    change: str
    query: str
    count: int
    url: str


def hit_texts(page: Page, base: str, search: Search) -> tuple[tuple[HitText, ...], tuple[HitText, ...]]:
    """The hits of a page that match the whole query, and the partial matches."""
    hits = [hit_text(hit, number, base, search) for number, hit in enumerate(page.hits, page.offset + 1)]
    return tuple(hit for hit in hits if not hit.missing), tuple(hit for hit in hits if hit.missing)


def page_notes(page: Page) -> list[str]:
    """The notes of a page, without those that its count of hits and its headings say."""
    return [note for note in page.notes if note not in _SHOWN_NOTES]


def hit_text(hit: Hit, number: int, base: str, search: Search) -> HitText:
    """A hit with the URLs of its article and passages, which keep the parameters of the search."""
    article, state = hit.article, search.query_string()
    link = linkable_url(article.url)
    return HitText(
        number,
        article_url(base, article.id, state),
        pieces(article.title, hit.title_spans),
        language_tag(article.language),
        date_text(article.published) if article.published else None,
        link[1] if link else None,
        article.source,
        tuple(
            PassageText(
                p.number, article_url(base, article.id, state, p.anchor, p.number), pieces(p.text, p.spans)
            )
            for p in hit.passages
        ),
        tuple(citation_links(base, article.id, search, p.number, p.anchor) for p in hit.passages)
        or (citation_links(base, article.id, search),),
        hit.missing,
        article_links(hit.also, base, search),
        hit.explanation,
    )


def citation_links(base: str, name: str, search: Search, number: int = 0, anchor: str = "") -> CitationLinks:
    """The citation links of an article, or of one of its paragraphs."""
    forms = tuple((label, citation_url(base, name, kind, anchor)) for kind, (label, _, _) in FORMATS.items())
    page = article_url(base, name, search.home().query_string(), anchor, number or 0)
    return CitationLinks(number, page, article_url(base, name, anchor=anchor, number=number or 0), forms)


def alternative_links(no_results: NoResults | None, base: str, search: Search) -> tuple[AlternativeLink, ...]:
    """Links to similar searches that have results."""
    return tuple(
        AlternativeLink(
            other.change.message,
            other.query,
            other.count,
            replace(search.without(other.without), query=other.query, page=1).url(base),
        )
        for other in (no_results.suggestions if no_results else ())
    )


@dataclass(frozen=True, slots=True)
class ParagraphText:
    """A paragraph of an article: its anchor, its URL, and its URL in the original.

    If it has matches, `before` and `after` are the anchors of the neighbouring paragraphs with matches.
    """

    number: int
    anchor: str
    pieces: Pieces
    url: str
    original: str | None
    is_marked: bool = False
    before: str | None = None
    after: str | None = None


@dataclass(frozen=True, slots=True)
class ArticleText:
    """An article as its page shows it; `matches` are the anchors of paragraphs with matches."""

    title: Pieces
    plain_title: str
    language: str | None
    date: DateText | None
    link: tuple[str, str] | None
    paragraphs: tuple[ParagraphText, ...]
    matches: tuple[str, ...]
    notes: tuple[str, ...]


def article_text(marked: MarkedArticle, base: str, search: Search) -> ArticleText:
    """An article as its page shows it."""
    article, state = marked.article, search.query_string()
    link = linkable_url(article.url)
    matches = [p.anchor for p in marked.paragraphs if p.spans]
    around = {
        anchor: (before, after)
        for before, anchor, after in zip([None, *matches], matches, [*matches[1:], None], strict=False)
    }
    return ArticleText(
        pieces(article.title, marked.title_spans),
        article.title,
        language_tag(article.language),
        date_text(article.published) if article.published else None,
        link,
        tuple(
            ParagraphText(
                p.number,
                p.anchor,
                pieces(p.text, p.spans),
                article_url(base, article.id, state, p.anchor, p.number),
                original_url(link[0], p.text) if link else None,
                bool(p.spans),
                *around.get(p.anchor, (None, None)),
            )
            for p in marked.paragraphs
        ),
        tuple(matches),
        marked.notes,
    )


def closest_paragraph(paragraphs: Sequence[ParagraphText], anchor: str, number: int) -> ParagraphText | None:
    """The closest paragraph to an anchor that no paragraph has.

    Anchors are made from the text, so a paragraph with the same text comes first; then the nearest by number
    among those with matches, then among all. None if the number is unknown and there are no matches.
    """
    same = anchor[: len("p-1f3a9c2e")]
    candidates = [p for p in paragraphs if p.anchor.startswith(same)] if len(same) == 10 else []
    candidates = candidates or [p for p in paragraphs if p.is_marked] or (list(paragraphs) if number else [])
    return min(candidates, key=lambda p: abs(p.number - number), default=None)

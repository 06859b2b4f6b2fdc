"""From a page of hits to what its template shows: plain text, pieces of it, and addresses."""

from __future__ import annotations

from dataclasses import dataclass, replace

from indexer.model import Hit, Page
from indexer.receipts import DeadEnd, HitExplanation
from webui.addresses import Search, article_url, citation_url, web_address
from webui.citations import FORMATS
from webui.present import DateText, OtherText, Pieces, date_text, language_tag, other_texts, pieces


@dataclass(frozen=True, slots=True)
class CiteText:
    """An article, or one paragraph of it, to be cited: its lasting address, and those of (form, address)."""

    number: int
    """0 where it is the article."""
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


def hit_texts(page: Page, base: str, search: Search) -> tuple[tuple[HitText, ...], tuple[HitText, ...]]:
    """The hits of a page that meet the whole query, and those that lack some of its words."""
    hits = [hit_text(hit, number, base, search) for number, hit in enumerate(page.hits, page.offset + 1)]
    return tuple(hit for hit in hits if not hit.missing), tuple(hit for hit in hits if hit.missing)


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
            PassageText(
                p.number, article_url(base, article.id, state, p.anchor, p.number), pieces(p.text, p.spans)
            )
            for p in hit.passages
        ),
        tuple(cite_text(base, article.id, search, p.number, p.anchor) for p in hit.passages)
        or (cite_text(base, article.id, search),),
        hit.missing,
        other_texts(hit.also, base, search),
        hit.explanation,
    )


def cite_text(base: str, name: str, search: Search, number: int = 0, anchor: str = "") -> CiteText:
    """How an article, or a paragraph of it, can be cited."""
    forms = tuple((label, citation_url(base, name, kind, anchor)) for kind, (label, _, _) in FORMATS.items())
    page = article_url(base, name, search.home().parameters(), anchor, number or 0)
    return CiteText(number, page, article_url(base, name, anchor=anchor, number=number or 0), forms)


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

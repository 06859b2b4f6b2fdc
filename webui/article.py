"""From an article with its matches to what its page shows, and the paragraph that a lost link meant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from indexer.model import MarkedArticle
from webui.addresses import Search, article_url, original_url, web_address
from webui.present import DateText, Pieces, date_text, language_tag, pieces


@dataclass(frozen=True, slots=True)
class ParagraphText:
    """A paragraph of an article: its anchor, its address, and where it stands in the original.

    `before` and `after` are the anchors of the marked paragraphs around it, if it is marked itself.
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
    """An article as its page shows it; `matches` are the anchors of the marked paragraphs."""

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
    article, state = marked.article, search.parameters()
    link = web_address(article.url)
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
        article.notes,
    )


def closest(paragraphs: Sequence[ParagraphText], anchor: str, number: int) -> ParagraphText | None:
    """The paragraph that an anchor leads to where no paragraph has it (any more).

    One that says the same, as anchors are made of the text; else the nearest by number, of those that are
    marked if any are; None where no number is known and nothing is marked.
    """
    same = anchor[: len("p-1f3a9c2e")]
    candidates = [p for p in paragraphs if p.anchor.startswith(same)] if len(same) == 10 else []
    candidates = candidates or [p for p in paragraphs if p.is_marked] or (list(paragraphs) if number else [])
    return min(candidates, key=lambda p: abs(p.number - number), default=None)

"""An index in memory for tests of the web side: words are matched as substrings, nothing is scored."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from indexer.config import Config
from indexer.errors import ArticleMissing, InvalidRequest
from indexer.model import (
    Article,
    ArticleInfo,
    Hit,
    MarkedArticle,
    MarkedParagraph,
    Page,
    Passage,
    Published,
    Span,
    Status,
    anchors,
)


@dataclass
class StandIn:
    articles: list[Article]
    config: Config = field(default_factory=Config)
    notes: tuple[str, ...] = ()

    def search(
        self,
        query: str,
        *,
        after: str | None = None,
        before: str | None = None,
        sort: str = "relevance",
        limit: int = 10,
        offset: int = 0,
    ) -> Page:
        for name, value in (("after", after), ("before", before)):
            if value is not None:
                try:
                    Published.parse(value)
                except ValueError as error:
                    raise InvalidRequest(f"{name}: a date is wanted, {value!r} was found") from error
        if offset + limit > 10_000:
            raise InvalidRequest("a page within the first 10,000 hits is wanted")
        words = query.split()
        full: list[Hit] = []
        partial: list[Hit] = []
        for article in self.articles:
            text = "\n".join((article.title, *article.paragraphs)).casefold()
            missing = tuple(word for word in words if word.casefold() not in text)
            if len(missing) < len(words):
                (partial if missing else full).append(self._hit(article, words, missing))
        hits = (full + partial)[offset : offset + limit]
        return Page(query, len(full), len(partial), offset, limit, 1.25, self.notes, tuple(hits))

    def marked(self, article_id: str, /, query: str = "") -> MarkedArticle:
        for article in self.articles:
            if article.id == article_id:
                words = query.split()
                paragraphs = tuple(
                    MarkedParagraph(number, anchor, text, _spans(text, words))
                    for number, (anchor, text) in enumerate(
                        zip(anchors(article.paragraphs), article.paragraphs, strict=True), 1
                    )
                )
                return MarkedArticle(article, _spans(article.title, words), paragraphs)
        raise ArticleMissing(f"an article with the id {article_id!r} was wanted, there is none")

    def status(self) -> Status:
        dates = sorted(a.published.value for a in self.articles if a.published)
        return Status(
            path="index_data",
            generation="g1",
            articles=len(self.articles),
            paragraphs=sum(len(a.paragraphs) for a in self.articles),
            undated=len(self.articles) - len(dates),
            first=dates[0] if dates else None,
            last=dates[-1] if dates else None,
            size=1,
            committed="2024-01-01T00:00:00Z",
            languages={},
            sources=(),
        )

    def _hit(self, article: Article, words: list[str], missing: tuple[str, ...]) -> Hit:
        marked = self.marked(article.id, " ".join(words))
        return Hit(
            ArticleInfo(article.id, article.title, article.published, article.language, article.url),
            1.0,
            marked.title_spans,
            tuple(Passage(p.number, p.anchor, p.text, p.spans) for p in marked.paragraphs if p.spans)[:3],
            missing,
        )


def _spans(text: str, words: list[str]) -> tuple[Span, ...]:
    if not words:
        return ()
    pattern = "|".join(re.escape(word) for word in words)
    return tuple(m.span() for m in re.finditer(pattern, text, re.IGNORECASE) if m.group())

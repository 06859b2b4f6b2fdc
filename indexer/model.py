"""The nouns: articles on the way in, pages, hits and passages on the way out.

A page is made of dozens of them, so those on the way out are structs, which take a tenth of the time that a
frozen dataclass takes to make.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any, Literal, Self
from urllib.parse import urlsplit

from msgspec import Struct

from indexer.counts import FacetCount, Timeline
from indexer.errors import InvalidArticle
from indexer.published import Published, published_from
from indexer.receipts import DeadEnd, HitExplanation, Receipt
from indexer.texts import check_text, spaced

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")  # all that Unicode counts among them

Span = tuple[int, int]
"""Start and end of a match in a text, in code points, half-open."""


@dataclass(frozen=True, slots=True)
class Encoding:
    """How a source file's bytes were turned into text, and whether that had to be guessed."""

    name: str
    guessed: bool = False


@dataclass(frozen=True, slots=True, init=False)
class Article:
    """One document: what a reader makes of a source file, or what an app puts into the index.

    `id` is any text without control characters: what the article is replaced, removed and linked to by.
    `published` may be given as a Published, an ISO string, a date or a datetime. Of a datetime the wall time
    counts as it stands, to the minute: one in UTC stays in UTC. `paragraphs` is any iterable of strings (each
    is stripped, and empty ones are left out). `language` is a tag such as en or pt-BR (None: told from the
    text), `url` the article's own address, `source` what searches are narrowed to it by. `notes` say what the
    reader left out or had to assume.

    Raises InvalidArticle, naming the article and the field, when a field cannot be indexed.
    """

    id: str
    title: str
    paragraphs: tuple[str, ...]
    published: Published | None
    language: str | None
    url: str | None
    source: str | None
    encoding: Encoding | None
    notes: tuple[str, ...]

    def __init__(
        self,
        id: str,  # noqa: A002  (the name that the field has everywhere)
        title: str = "",
        paragraphs: Iterable[str] = (),
        published: Published | date | str | None = None,
        language: str | None = None,
        url: str | None = None,
        source: str | None = None,
        encoding: Encoding | None = None,
        notes: Iterable[str] = (),
    ) -> None:
        check_text("id", id)
        if not id or id != id.strip() or _CONTROL.search(id):
            raise InvalidArticle(
                f"id: a string without control characters or space around it is wanted, {id!r} was found"
            )
        try:
            texts, remarks = _strings("paragraphs", paragraphs), _strings("notes", notes)
            check_text("title", title)
            for name, given in (("language", language), ("url", url), ("source", source)):
                if given is not None:
                    check_text(name, given)
            if encoding is not None:
                check_text("encoding", encoding.name)
            moment = published_from(published)
        except InvalidArticle as error:
            # Of a thousand records, which one it is.
            raise InvalidArticle(f"article {id!r}: {error}") from error
        set_ = object.__setattr__
        set_(self, "id", id)
        set_(self, "title", spaced(title))
        set_(self, "paragraphs", tuple(filter(None, map(str.strip, texts))))
        set_(self, "published", moment)
        set_(self, "language", language or None)
        set_(self, "url", url or None)
        set_(self, "source", source or None)
        set_(self, "encoding", encoding)
        set_(self, "notes", remarks)


class ArticleInfo(Struct, frozen=True):
    """An article without its text: what a hit carries.

    `language` is the one that the article was analysed in. Unless `language_stated`, the article does not say
    it: it was detected, or is the configured one.
    """

    id: str
    title: str = ""
    published: Published | None = None
    language: str | None = None
    url: str | None = None
    source: str | None = None
    language_stated: bool = True

    def as_json(self) -> dict[str, Any]:
        """The article as in every JSON answer that names it without showing it."""
        return {
            "id": self.id,
            "title": self.title,
            "url": self.url,
            "language": self.language,
            "published": self.published.as_json() if self.published else None,
            "source": self.source,
        }


@dataclass(frozen=True, slots=True)
class Failure:
    """Something in a source that could not be read, and why."""

    path: str
    reason: str


class Passage(Struct, frozen=True):
    """A paragraph of a hit as it is shown.

    `text` may be cut at word boundaries, with an ellipsis where it was; `spans` are the matches in `text`,
    ascending and disjoint. `number` counts from 1; `anchor` is the paragraph's stable name in its article.
    """

    number: int
    anchor: str
    text: str
    spans: tuple[Span, ...] = ()


class Hit(Struct, frozen=True):
    """An article that matches: its passages in reading order, and the words of the query that it lacks.

    `also` are its near-duplicates that match too and are folded under it, in the order of the hits.
    Where a search was cut, words that there was no time to look up are among those. `explanation` is there
    when it was asked for.
    """

    article: ArticleInfo
    score: float
    title_spans: tuple[Span, ...] = ()
    passages: tuple[Passage, ...] = ()
    missing: tuple[str, ...] = ()
    also: tuple[ArticleInfo, ...] = ()
    explanation: HitExplanation | None = None

    def as_json(self) -> dict[str, Any]:
        """The hit as in every JSON answer."""
        article = self.article
        explanation = {"explanation": self.explanation.as_json()} if self.explanation else {}
        return {
            "id": article.id,
            "title": {"text": article.title, "spans": [list(span) for span in self.title_spans]},
            "url": article.url,
            "language": article.language,
            "language_stated": article.language_stated,
            "score": round(self.score, 4),
            "published": article.published.as_json() if article.published else None,
            "missing": list(self.missing),
            "passages": [
                {"number": p.number, "anchor": p.anchor, "text": p.text, "spans": [list(s) for s in p.spans]}
                for p in self.passages
            ],
            "also": [other.as_json() for other in self.also],
            **explanation,
        }


class Hits(tuple[Hit, ...]):
    """Hits alone, best first: a tuple of them, with what there is to say of all.

    `notes` are remarks for whoever asked; `is_cut` says that the time for a query was up: there may be
    others, and better ones.
    """

    notes: tuple[str, ...]
    is_cut: bool

    def __new__(cls, hits: Iterable[Hit] = (), notes: Iterable[str] = (), *, is_cut: bool = False) -> Self:
        """Hits with their notes."""
        made = super().__new__(cls, hits)
        made.notes, made.is_cut = tuple(notes), is_cut
        return made


class Page(Struct, frozen=True):
    """One slice of the hits of a query.

    `total` counts the articles that meet the whole query; `partial` those that follow them because the whole
    query found too little, each lacking some of its words. Of both together, `folded` stand under another as
    its near-duplicates: `shown` hits can be paged through. `notes` say what was not understood, was left out
    or hit a bound, in plain words. `did_you_mean` is the query as it may have been meant, when words of it
    seem misspelt and it would find more.

    `facets` has, for each facet that was asked for, how many of all hits have each of its values; `timeline`
    has them over time. Both count the articles that meet the whole query. `cursor` leads to the next page;
    None on the last.

    With `is_cut`, the time for a query was up: `total` and `partial` are then at least so many, not all.
    `receipt` says what was understood, when that was asked for. Where nothing meets the whole query,
    `dead_end` says why, and what would find something.
    """

    query: str
    total: int
    partial: int = 0
    folded: int = 0
    offset: int = 0
    limit: int = 10
    took_ms: float = 0.0
    notes: tuple[str, ...] = ()
    hits: tuple[Hit, ...] = ()
    did_you_mean: str | None = None
    facets: Mapping[str, tuple[FacetCount, ...]] = {}
    timeline: Timeline | None = None
    cursor: str | None = None
    is_cut: bool = False
    receipt: Receipt | None = None
    dead_end: DeadEnd | None = None

    @property
    def shown(self) -> int:
        """How many hits all pages together have: what was found, without what is folded."""
        return self.total + self.partial - self.folded

    def as_json(self) -> dict[str, Any]:
        """The page as `nutgraf search --json` and `GET /api/search` give it."""
        return {
            "query": self.query,
            "total": self.total,
            "partial": self.partial,
            "folded": self.folded,
            "offset": self.offset,
            "limit": self.limit,
            "took_ms": round(self.took_ms, 2),
            "is_cut": self.is_cut,
            "notes": list(self.notes),
            "did_you_mean": self.did_you_mean,
            "facets": {name: [value.as_json() for value in values] for name, values in self.facets.items()},
            "timeline": self.timeline.as_json() if self.timeline else None,
            "cursor": self.cursor,
            "receipt": self.receipt.as_json() if self.receipt else None,
            "dead_end": self.dead_end.as_json() if self.dead_end else None,
            "hits": [hit.as_json() for hit in self.hits],
        }


class Suggestion(Struct, frozen=True):
    """A query that what was typed may become: the whole text of it.

    `kind` says what was found: a "word" that begins so, a "phrase" that the last word begins or goes on with,
    or the "title" of `article` (an id). `count` is the number of articles that it finds; of a phrase, of
    those where it was seen to stand. `spans` are the places in `text` that were added.
    """

    text: str
    kind: Literal["word", "phrase", "title"]
    count: int
    article: str | None = None
    spans: tuple[Span, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The suggestion as `GET /api/suggest` gives it."""
        return {
            "text": self.text,
            "kind": self.kind,
            "count": self.count,
            "article": self.article,
            "spans": [list(span) for span in self.spans],
        }


class MarkedParagraph(Struct, frozen=True):
    """A whole paragraph of an article, with its stable anchor and what a query matched in it."""

    number: int
    anchor: str
    text: str
    spans: tuple[Span, ...] = ()


@dataclass(frozen=True, slots=True)
class MarkedArticle:
    """A whole article with what a query matched in it; without a query all spans are empty."""

    article: Article
    title_spans: tuple[Span, ...]
    paragraphs: tuple[MarkedParagraph, ...]


@dataclass(frozen=True, slots=True)
class Status:
    """What an index holds. Sizes are bytes; times are ISO 8601 in UTC."""

    path: str
    generation: str
    articles: int
    paragraphs: int
    undated: int
    first: str | None
    last: str | None
    size: int
    committed: str
    languages: dict[str, int]
    sources: tuple[str, ...]
    failures: tuple[Failure, ...] = ()
    damage: str | None = None
    """What is wrong with the live generation, when this is the one before it, which answers meanwhile."""
    libraries: dict[str, str] = field(default_factory=dict)
    """The versions of the stemmer and of the Unicode tables that made the index; empty if unknown."""
    library_changes: str | None = None
    """Which of them are of another version in this program: words may not be found until a rebuild."""

    def as_json(self) -> dict[str, Any]:
        """The status as `nutgraf status --json` gives it."""
        return asdict(self)


def host(url: str) -> str | None:
    """The host that an address names, in small letters and without "www."; None where there is none."""
    try:
        name = urlsplit(url).hostname
    except ValueError:
        return None
    return name.removeprefix("www.") if name else None


def _strings(name: str, values: object) -> tuple[str, ...]:
    if isinstance(values, (str, bytes)) or not isinstance(values, Iterable):
        found = "one string" if isinstance(values, str) else type(values).__name__
        raise InvalidArticle(f"{name}: a list of strings is wanted, {found} was found")
    strings = tuple(values)
    if not _are_ascii(strings):
        for text in strings:
            check_text(name, text)
    return strings


def _are_ascii(values: tuple[Any, ...]) -> bool:
    """Whether all are strings of ASCII characters: nearly always so, and soon seen."""
    try:
        return all(map(str.isascii, values))
    except TypeError:
        return False

"""The nouns: articles and their dates on the way in, pages, hits and passages on the way out.

A page is made of dozens of them, so those on the way out are structs, which take a tenth of the time that a
frozen dataclass takes to make.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any, Literal, Self
from urllib.parse import urlsplit

from msgspec import Struct

from indexer.counts import FacetCount, Timeline
from indexer.errors import InvalidArticle
from indexer.receipts import DeadEnd, HitExplanation, Receipt

Precision = Literal["year", "month", "day", "minute"]

# How much of an ISO date-time each precision keeps.
_FORMATS: dict[Precision, str] = {
    "year": "%Y",
    "month": "%Y-%m",
    "day": "%Y-%m-%d",
    "minute": "%Y-%m-%dT%H:%M",
}
_BY_LENGTH: dict[int, Precision] = {4: "year", 7: "month", 10: "day", 16: "minute"}
_LENGTHS = {precision: length for length, precision in _BY_LENGTH.items()}
# Narrower than what datetime reads: "20211105" and "2021-W44" would come out with a time that nobody gave.
_ISO = re.compile(r"[0-9]{4}(-[0-9]{2}(-[0-9]{2}(T[0-9]{2}:[0-9]{2}.*)?)?)?", re.DOTALL)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")  # all that Unicode counts among them

Span = tuple[int, int]
"""Start and end of a match in a text, in code points, half-open."""


class Published(Struct, frozen=True):
    """When an article was published, as exactly as its source says and no more exactly.

    `value` is ISO 8601 cut to the precision ("2021", "2021-11", "2021-11-05", "2021-11-05T21:01"): the wall
    time that the publisher stated. `provenance` names the place where it was found ("json-ld", "meta",
    "time", "url", "dateline", "file name", "given"). `others` are the candidates that disagreed, best
    first, each as (value, provenance). `note` says what had to be assumed, such as the order of day and
    month.
    """

    value: str
    precision: Precision
    provenance: str = "given"
    others: tuple[tuple[str, str], ...] = ()
    note: str | None = None

    @classmethod
    def at(cls, moment: date, precision: Precision, provenance: str = "given", **more: Any) -> Self:
        """The publication date `moment`, cut to `precision`."""
        # Not strftime: it does not pad years below 1000 on every platform.
        text = moment.isoformat()[: _LENGTHS[precision]]
        if precision == "minute" and not isinstance(moment, datetime):
            raise ValueError(f"minute precision needs a date with a time, got {moment!r}")
        return cls(text, precision, provenance, **more)

    @classmethod
    def parse(cls, value: str, provenance: str = "given") -> Self:
        """A publication date from ISO 8601: a year, month, day, or day with a time (seconds are dropped).

        Raises ValueError for anything else.
        """
        return cls(*_cut(value), provenance)

    @property
    def start(self) -> datetime:
        """The first moment that the value may mean; naive."""
        return datetime.fromisoformat(self.value + "-01-01"[len(self.value) - len("2021") :])

    @property
    def end(self) -> datetime:
        """The first moment after everything that the value may mean; naive."""
        start = self.start
        if self.precision in ("minute", "day"):
            step = timedelta(minutes=1) if self.precision == "minute" else timedelta(days=1)
            return start + step if start < datetime.max - step else datetime.max
        if self.precision == "month" and start.month < 12:
            return start.replace(month=start.month + 1)
        return start.replace(year=start.year + 1, month=1) if start.year < 9999 else datetime.max

    def __str__(self) -> str:
        return self.value

    def as_json(self) -> dict[str, Any]:
        """The date as in every JSON answer: value, precision, from; others and note where there are any."""
        answer: dict[str, Any] = {"value": self.value, "precision": self.precision, "from": self.provenance}
        if self.others:
            answer["others"] = [{"value": value, "from": place} for value, place in self.others]
        if self.note:
            answer["note"] = self.note
        return answer


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
        _check_text("id", id)
        if not id or id != id.strip() or _CONTROL.search(id):
            raise InvalidArticle(
                f"id: a string without control characters or space around it is wanted, {id!r} was found"
            )
        try:
            texts, remarks = _strings("paragraphs", paragraphs), _strings("notes", notes)
            _check_text("title", title)
            for name, given in (("language", language), ("url", url), ("source", source)):
                if given is not None:
                    _check_text(name, given)
            if encoding is not None:
                _check_text("encoding", encoding.name)
            moment = _published(published)
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


def anchors(paragraphs: Iterable[str]) -> tuple[str, ...]:
    """A stable name for each paragraph: "p-" and eight hex digits of a hash of its normalised text.

    Case, white space and Unicode form do not count. A paragraph that stands twice in an article gets "-2",
    "-3" … from its second place on.
    """
    return name_anchors(anchor_hashes(paragraphs))


def anchor_hashes(paragraphs: Iterable[str]) -> list[int]:
    """The hashes that anchors are made of, 32 bits each."""
    hashes = []
    for text in paragraphs:
        plain = text.lower() if text.isascii() else unicodedata.normalize("NFKC", text).casefold()
        hashes.append(int.from_bytes(hashlib.sha256(spaced(plain).encode()).digest()[:4]))
    return hashes


def spaced(text: str) -> str:
    """The text with one space for each run of white space, and none around it."""
    # Printable characters are no white space, but for the space itself: most texts are in order already.
    if text.isprintable() and "  " not in text and text[:1] != " " != text[-1:]:
        return text
    return " ".join(text.split())


def name_anchors(hashes: Iterable[int]) -> tuple[str, ...]:
    """The anchors of an article's paragraphs from their hashes, in order."""
    seen: dict[int, int] = {}
    names = []
    for number in hashes:
        seen[number] = seen.get(number, 0) + 1
        names.append(_anchor(number, seen[number]))
    return tuple(names)


def name_anchor(hashes: Sequence[int], place: int) -> str:
    """The anchor of one paragraph (numbered from 0); what comes after it need not be given."""
    return _anchor(hashes[place], 1 + hashes[:place].count(hashes[place]))


def _anchor(number: int, time: int) -> str:
    return f"p-{number:08x}" if time == 1 else f"p-{number:08x}-{time}"


def _strings(name: str, values: object) -> tuple[str, ...]:
    if isinstance(values, (str, bytes)) or not isinstance(values, Iterable):
        found = "one string" if isinstance(values, str) else type(values).__name__
        raise InvalidArticle(f"{name}: a list of strings is wanted, {found} was found")
    strings = tuple(values)
    if not _are_ascii(strings):
        for text in strings:
            _check_text(name, text)
    return strings


def _are_ascii(values: tuple[Any, ...]) -> bool:
    """Whether all are strings of ASCII characters: nearly always so, and soon seen."""
    try:
        return all(map(str.isascii, values))
    except TypeError:
        return False


def _check_text(name: str, value: object) -> None:
    if not isinstance(value, str):
        advice = ": decode it first" if isinstance(value, bytes) else ""
        raise InvalidArticle(f"{name}: text is wanted, {type(value).__name__} was found{advice}")
    if value.isascii():
        return
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise InvalidArticle(
            f"{name}: text that can be written as UTF-8 is wanted, a lone surrogate was found at "
            f"character {error.start}"
        ) from error


def _published(value: object) -> Published | None:
    if value is None:
        return value
    try:
        if isinstance(value, Published):
            _check_published(value)
            return value
        if isinstance(value, datetime):
            return Published.at(value, "minute")
        if isinstance(value, date):
            return Published.at(value, "day")
        if isinstance(value, str):
            return Published.parse(value)
    except ValueError as error:
        raise InvalidArticle(
            f"published: an ISO date (2021, 2021-11, 2021-11-05 or 2021-11-05T21:01) is wanted, "
            f"{value!r} was found"
        ) from error
    raise InvalidArticle(f"published: a date or an ISO string is wanted, {type(value).__name__} was found")


@lru_cache(1024)
def _cut(value: str) -> tuple[str, Precision]:
    """An ISO 8601 date cut to the precision that it has; see `Published.parse`."""
    text = value.strip().replace(" ", "T", 1)
    if not _ISO.fullmatch(text):
        raise ValueError(f"a date in ISO 8601 is wanted, {value!r} was found")
    precision = _BY_LENGTH.get(len(text), "minute")
    if precision in ("year", "month"):
        moment = datetime.strptime(text, _FORMATS[precision])
    else:
        moment = datetime.fromisoformat(text)
    return moment.isoformat()[: _LENGTHS[precision]], precision


def _check_published(value: Published) -> None:
    others = [part for pair in value.others for part in pair]
    for text in (value.value, value.provenance, value.note or "", *others):
        _check_text("published", text)
    if _cut(value.value) != (value.value, value.precision):
        raise ValueError(f"{value.value!r} has another precision than {value.precision}")

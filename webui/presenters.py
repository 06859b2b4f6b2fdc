"""What templates get besides the results of the library: pieces of text, dates, and the URLs of a page."""

from __future__ import annotations

import hashlib
import itertools
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from indexer.article import Published
from indexer.files.fork_safe import lazy
from indexer.results import AlternativeQuery, MarkedParagraph, MarkedText, Note, Page, Span, SuggestedFilter
from webui.citations import FORMATS
from webui.translations import N_, Localization, isolate
from webui.urls import Search, article_url, citation_url, linkable_url, original_url, page_url

Pieces = tuple[tuple[str, bool], ...]
"""A text split at the spans of its matches: (text, whether it matched)."""

_PLACES = {
    "json-ld": N_("found in the page’s JSON-LD"),
    "meta": N_("found in the page’s metadata"),
    "xmp": N_("found in the document’s metadata"),
    "time": N_("found in a time element"),
    "url": N_("found in the address"),
    "dateline": N_("found in the dateline"),
    "mail": N_("stated in the mail"),
    "file name": N_("found in the file name"),
    "properties": N_("found in the document’s properties"),
    "given": "",
}
# Characters of a query that headings and titles show.
_SHOWN_QUERY = 80
# Notes that a page of results says in its count of hits and its headings.
_SHOWN_NOTES = ("only_partial", "few_full")
# Authors that a byline names.
_SHOWN_AUTHORS = 3
_GAP = 40  # characters that the space between two paragraphs is as high as
_MIN_HEIGHT = 8  # of a paragraph on the minimap, which has a height of 1000
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


@dataclass(frozen=True)
class Links:
    """The URLs of a page, which keep the parameters of its search; `base` is the URL of the search page."""

    base: str
    search: Search

    @lazy
    def _parameters(self) -> str:
        return self.search.query_string()

    @lazy
    def home(self) -> Links:
        """The same URLs without the search, which keep only the language of the page."""
        return Links(self.base, self.search.home())

    def article(self, name: str, anchor: str = "", number: int = 0) -> str:
        """The URL of an article, or of its paragraph with this anchor and number."""
        return article_url(self.base, name, self._parameters, anchor, number)

    def shared(self, name: str, anchor: str = "", number: int = 0) -> str:
        """The same URL as it is shared, without the language of the page."""
        return article_url(self.base, name, "", anchor, number)

    def citations(self, name: str, anchor: str = "") -> list[tuple[str, str]]:
        """The files with the citation of an article or a paragraph, as (format, URL)."""
        return [
            (label, citation_url(self.base, name, kind, anchor)) for kind, (label, _, _) in FORMATS.items()
        ]

    def alternative(self, other: AlternativeQuery) -> str:
        """The URL of a similar search that has results."""
        return self.search.without(other.without).with_query(other.query).url(self.base)


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


def hit_anchor(name: str) -> str:
    """The anchor of the hit of the article with the id `name` on a page of results."""
    return f"hit-{hashlib.blake2b(name.encode(), digest_size=4).hexdigest()}"


def shorten_query(query: str) -> str:
    """A query on one line of at most 80 characters, cut between words if there are any."""
    text = " ".join(query.split())
    if len(text) <= _SHOWN_QUERY:
        return text
    cut = text[:_SHOWN_QUERY]
    return (cut.rpartition(" ")[0] or cut[:-1]) + "…"


def source_name(source: str | None) -> str:
    """The name of a source for readers: the folder that the file is in, or else the file itself."""
    folder, _, name = (source or "").rpartition("/")
    return folder or name


def list_authors(authors: Sequence[str], localization: Localization) -> Markup:
    """The first authors, and how many more there are."""
    texts = [isolate(name) for name in authors[:_SHOWN_AUTHORS]]
    if more := len(authors[_SHOWN_AUTHORS:]):
        texts.append(localization.ngettext("{n} more", "{n} more", more))
    return localization.list(texts)


def language_tag(language: str | None) -> str | None:
    """A language as the `lang` attribute has it, or None if it is not a language tag."""
    tag = (language or "").replace("_", "-")
    return tag if _LANGUAGE_TAG.fullmatch(tag) else None


def page_notes(page: Page) -> list[Note]:
    """The notes of a page, without those that its count of hits and its headings say."""
    return [note for note in page.notes if note.code not in _SHOWN_NOTES]


def offered_filters(page: Page) -> tuple[SuggestedFilter, ...]:
    """The filters for dates that a page offers: without the first if that is applied, as a note says."""
    is_applied = any(note.code == "date_applied" for note in page.notes)
    return page.suggested_filters[1:] if is_applied else page.suggested_filters


def neighbours(matches: Sequence[str]) -> dict[str, tuple[str | None, str | None]]:
    """For the anchor of each paragraph with matches, those of the paragraphs with matches around it."""
    around = zip([None, *matches], [*matches[1:], None], strict=False)
    return dict(zip(matches, around, strict=False))


@dataclass(frozen=True, slots=True)
class Spot:
    """A place with matches on the minimap of an article: where it begins and how high it is, of 1000.

    It is a paragraph, with its number, or the text in a custom `field`.
    """

    anchor: str
    number: int | None
    field: str | None
    y: int
    height: int


def minimap(places: Sequence[MarkedText | MarkedParagraph]) -> list[Spot]:
    """The places with matches, placed by the characters before them."""
    ends = list(itertools.accumulate((len(one.text) + _GAP for one in places), initial=0))
    spots = []
    for one, start, end in zip(places, ends, ends[1:], strict=False):
        if one.spans:
            y = min(1000 * start // ends[-1], 1000 - _MIN_HEIGHT)
            height = max(1000 * (end - start) // ends[-1], _MIN_HEIGHT)
            number, field = (one.number, None) if isinstance(one, MarkedParagraph) else (None, one.field)
            spots.append(Spot(one.anchor, number, field, y, height))
    return spots


def closest_paragraph(
    paragraphs: Sequence[MarkedParagraph], anchor: str, number: int
) -> MarkedParagraph | None:
    """The closest paragraph to an anchor that no paragraph has.

    Anchors are made from the text, so a paragraph with the same text comes first; then the nearest by number
    among those with matches, then among all. None if the number is unknown and there are no matches.
    """
    same = anchor[: len("p-1f3a9c2e")]
    candidates = [p for p in paragraphs if p.anchor.startswith(same)] if len(same) == 10 else []
    candidates = candidates or [p for p in paragraphs if p.spans] or (list(paragraphs) if number else [])
    return min(candidates, key=lambda p: abs(p.number - number), default=None)


HELPERS = {
    "pieces": pieces,
    "date_text": date_text,
    "hit_anchor": hit_anchor,
    "language_tag": language_tag,
    "linkable_url": linkable_url,
    "original_url": original_url,
    "page_url": page_url,
    "shorten_query": shorten_query,
    "source_name": source_name,
}
"""The functions that templates call."""

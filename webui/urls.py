"""URLs: the parameters of a request, and the URLs that pages link to. They hold the whole state of a page."""

from __future__ import annotations

import functools
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import quote, quote_plus, urlencode, urlsplit

import msgspec
from msgspec.structs import replace
from werkzeug.datastructures import MultiDict

from indexer.errors import InvalidRequest
from indexer.limits import MOST_CHARACTERS, PAGED
from indexer.results import SORTS, ArticleInfo, Sort
from indexer.search.request import FILTERS, SearchRequest
from webui import parameters
from webui.parameters import list_values, whole_number, yes_or_no
from webui.translations import LANGUAGES

# The choices of hits per page.
SIZES = (10, 25, 50, 100)
# Words, or characters of a script without spaces, at both ends of a text fragment.
FRAGMENT_WORDS, FRAGMENT_LENGTH = 5, 12
# An empty segment of a path, a dot segment, or a last one that looks like the file of a citation.
_SPECIAL_SEGMENT = re.compile(r"(?:\A|/)(?:\.{0,2}(?:/|\Z)|cite\.[^/]*\Z)")
# White space and control characters.
_NO_HOST = re.compile(r"[\s\x00-\x20\x7f-\x9f]")


class Search(msgspec.Struct, frozen=True):
    """The state of a search page, as its URL has it."""

    query: str = ""
    since: str = ""
    until: str = ""
    sort: Sort = "relevance"
    page: int = 1
    collapse: bool = True
    """Whether near-duplicates are collapsed into one hit."""
    explain: bool = False
    lang: str = ""
    """The language of the page if the URL states it: every link keeps it."""
    filters: Mapping[str, tuple[str, ...] | bool] = {}
    """The values of each filter that has any; True for one without values."""
    share: bool = False
    """Whether the timeline shows shares of all published paragraphs instead of counts."""
    size: int = 0
    """Hits per page; 0: as configured."""
    prefix: bool = False
    """Whether the last word is still being typed."""
    meaning: float | None = None
    """How much the meaning counts, from 0 to 1; None: as configured."""

    @classmethod
    def parse(cls, args: MultiDict[str, str]) -> Self:
        """The search in the parameters of a URL. Raises InvalidRequest for an invalid value."""
        filters = {one.name: one.read(args) for one in parameters.FILTER_PARAMETERS}
        return cls(
            parameters.QUERY.read(args),
            args.get("since", "").strip(),
            args.get("until", "").strip(),
            parameters.SORT.read(args),
            whole_number(args, "page", 1, least=1),
            parameters.COLLAPSE.read(args),
            parameters.EXPLAIN.read(args),
            page_language(args),
            {name: values for name, values in filters.items() if values},
            yes_or_no(args, "share"),
            whole_number(args, "size", 0, most=SIZES[-1]),
            parameters.PREFIX.read(args),
            parameters.MEANING.read(args),
        )

    @classmethod
    def parse_leniently(cls, args: MultiDict[str, str]) -> Self:
        """The search in invalid parameters, as far as the form can show it again."""
        sort = args.get("sort")
        return cls(
            args.get("q", "")[:MOST_CHARACTERS],
            args.get("since", "")[:40],
            args.get("until", "")[:40],
            sort if sort in SORTS else "relevance",
            lang=page_language(args),
            filters={
                name: values
                for name, kind in FILTERS.items()
                if not kind.is_flag and (values := list_values(args, name))
            },
        )

    @property
    def is_blank(self) -> bool:
        """Whether the query is empty."""
        return not self.query.strip()

    @property
    def is_empty(self) -> bool:
        """Whether there is neither a query nor a filter."""
        return self.is_blank and not (self.since or self.until or self.filters)

    def request(self, **fields: Any) -> SearchRequest:
        """The request of this search; `fields` are those that the URL of a page does not have.

        Raises InvalidRequest.
        """
        return SearchRequest(
            self.query,
            self.since,
            self.until,
            self.filters,
            self.sort,
            collapse=self.collapse,
            explain=self.explain,
            prefix=self.prefix,
            meaning=self.meaning,
            **fields,
        )

    def query_string(self) -> str:
        """The query string of this search, with its question mark; defaults are omitted."""
        text = "&".join([f"{name}={quote_plus(value)}" for name, value in self.items() if value])
        return f"?{text}" if text else ""

    def items(self) -> list[tuple[str, str]]:
        """All parameters as pairs, repeated for each value; a default is an empty string."""
        return [
            ("q", self.query),
            ("since", self.since),
            ("until", self.until),
            ("sort", "" if self.sort == "relevance" else self.sort),
            ("page", "" if self.page == 1 else str(self.page)),
            ("collapse", "" if self.collapse else "0"),
            ("explain", "1" if self.explain else ""),
            ("prefix", "1" if self.prefix else ""),
            *self._filter_items(),
            ("share", "1" if self.share else ""),
            ("size", str(self.size) if self.size else ""),
            ("meaning", "" if self.meaning is None else f"{self.meaning:g}"),
            ("lang", self.lang),
        ]

    def hidden_fields(self, shown: Collection[str]) -> list[tuple[str, str]]:
        """The parameters that a new query keeps and the search form has no visible field for.

        `shown` are the names of those that it has a field for.
        """
        kept = {"since", "until", "sort", *FILTERS, "share", "size", "meaning", "lang"} - set(shown)
        return [pair for pair in self.items() if pair[0] in kept]

    def feed(self, base: str) -> str:
        """The URL of the feed of its hits, newest first."""
        wanted = ("q", "since", "until", *FILTERS)
        text = urlencode([pair for pair in self.items() if pair[0] in wanted and pair[1]])
        return f"{base}api/search?format=atom&{text}"

    def home(self) -> Self:
        """The empty search in the same language of the page."""
        return type(self)(lang=self.lang)

    def with_query(self, query: str) -> Self:
        """The first page of the same search with another query, which is complete."""
        return replace(self, page=1, query=query, prefix=False)

    def with_collapsing(self, collapse: bool) -> Self:
        """The first page of the same search, with near-duplicates collapsed or not."""
        return replace(self, page=1, collapse=collapse)

    def with_meaning(self, meaning: float | None) -> Self:
        """The first page of the same search, where the meaning counts so much."""
        return replace(self, page=1, meaning=meaning)

    def with_filter(self, name: str, values: tuple[str, ...] | bool) -> Self:
        """The same search with other values of a filter; without it if there are none."""
        filters = {**self.filters, name: values}
        return replace(self, filters={key: filters[key] for key in FILTERS if filters.get(key)})

    def with_dates(self, since: str, until: str) -> Self:
        """The same search within other dates, in place of those without a date."""
        return replace(self.without(["undated"]), since=since, until=until)

    def without(self, names: Collection[str]) -> Self:
        """The same search without some of its dates and filters."""
        return replace(
            self,
            since="" if "since" in names else self.since,
            until="" if "until" in names else self.until,
            filters={name: values for name, values in self.filters.items() if name not in names},
        )

    def _filter_items(self) -> Iterator[tuple[str, str]]:
        for name, values in self.filters.items():
            yield from [(name, "1")] if isinstance(values, bool) else ((name, value) for value in values)

    def url(self, base: str, page: int = 1) -> str:
        """The URL of one of its result pages; `base` is the URL of the search page."""
        return base + replace(self, page=page).query_string()


SEARCH_PARAMETERS = frozenset({*(name for name, _ in Search().items()), *FILTERS})
"""The parameters of a page of results."""
ARTICLE_PARAMETERS = SEARCH_PARAMETERS | {"id", "p", "n"}
"""The parameters of the page of an article: the search, the article, the paragraph and its number."""


@dataclass(frozen=True, slots=True)
class Pager:
    """Links to other pages of results: `pages` are (number, URL), or None for a gap."""

    number: int
    last: int
    previous: str | None
    next: str | None
    pages: tuple[tuple[int, str] | None, ...]


def pager(search: Search, base: str, results: int, limit: int) -> Pager:
    """The pager for `results` hits, `limit` per page: the first page, the last, and those around this one."""
    limit = max(limit, 1)
    last = max(1, min(-(-results // limit), PAGED // limit))
    shown = sorted({1, last, *range(max(1, search.page - 2), min(last, search.page + 2) + 1)})
    pages: list[tuple[int, str] | None] = []
    for number in shown:
        if pages and (before := pages[-1]) is not None and number - before[0] > 1:
            pages.append(None)
        pages.append((number, search.url(base, number)))
    return Pager(
        search.page,
        last,
        search.url(base, min(search.page - 1, last)) if search.page > 1 else None,
        search.url(base, search.page + 1) if search.page < last else None,
        tuple(pages),
    )


def article_url(base: str, name: str, parameters: str = "", anchor: str = "", number: int = 0) -> str:
    """The stable URL of the article with the id `name`, or of one of its paragraphs.

    A fragment does not reach the server, so the anchor and the number of the paragraph are parameters too:
    if the paragraph is missing, the page links to the closest one.
    """
    if anchor and number:
        parameters += f"{'&' if parameters else '?'}p={quote_plus(anchor)}&n={number}"
    return f"{base}a/{_named(name, '', parameters)}{'#' + anchor if anchor else ''}"


def citation_url(base: str, name: str, kind: str, anchor: str = "") -> str:
    """The URL of the citation (bib, ris or json) of an article, or of its paragraph at `anchor`."""
    return f"{base}a/{_named(name, f'cite.{kind}', f'?p={quote_plus(anchor)}' if anchor else '')}"


def _named(name: str, file: str, parameters: str) -> str:
    """The URL under `a/` of an article, or of a file about it.

    An id becomes a parameter if browsers or servers would normalize it in a path (dot segments, empty
    segments), or if it looks like such a file.
    """
    path = quote_id(name)
    if path is None:
        return f"{file}?id={quote_plus(name)}{parameters.replace('?', '&', 1)}"
    return path + (f"/{file}" if file else "") + parameters


@functools.lru_cache(1024)
def quote_id(name: str) -> str | None:
    """An id as a part of a path; None if it cannot be one."""
    return None if _SPECIAL_SEGMENT.search(name) else quote(name)


def original_url(url: str, text: str) -> str:
    """The URL of a passage in the original, with a text fragment of its beginning and end."""
    words = text.split()
    if len(words) > 2 * FRAGMENT_WORDS:
        edges = [" ".join(words[:FRAGMENT_WORDS]), " ".join(words[-FRAGMENT_WORDS:])]
    elif len(text) > 2 * FRAGMENT_LENGTH and len(words) <= 2:
        # A script without spaces between words.
        edges = [text.strip()[:FRAGMENT_LENGTH], text.strip()[-FRAGMENT_LENGTH:]]
    else:
        edges = [" ".join(words)]
    # Commas, ampersands and hyphens are syntax in text fragments.
    fragment = ",".join(quote(edge, safe="").replace("-", "%2D") for edge in edges)
    return f"{url}{'' if '#' in url else '#'}:~:text={fragment}"


def page_url(article: ArticleInfo, page_number: int | None) -> str | None:
    """The URL of a page in the original, if that is a PDF document."""
    link = linkable_url(article.url)
    if link is None or page_number is None:
        return None
    address = link[0].partition("#")[0]
    is_pdf = any(name.lower().endswith(".pdf") for name in (urlsplit(address).path, article.source or ""))
    return f"{address}#page={page_number}" if is_pdf else None


def article_id(args: MultiDict[str, str], in_path: str | None) -> str:
    """The id of an article, from the path or a parameter. Raises InvalidRequest."""
    found = args.get("id", "") if in_path is None else in_path
    if not found:
        raise InvalidRequest("must be given (the id of an article)", "id")
    return found


def page_language(args: MultiDict[str, str]) -> str:
    """The language that a URL asks for; empty if it is missing or unknown."""
    found = args.get("lang", "")
    return found if found in LANGUAGES else ""


def linkable_url(url: str | None) -> tuple[str, str] | None:
    """A URL and its host, if it is http or https and may be linked to; else None."""
    if url is None:
        return None
    try:
        parts = urlsplit(url)
        host = parts.hostname
        # An invalid port raises only when it is read.
        _ = parts.port
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not host or _NO_HOST.search(host):
        return None
    return url.strip(), host.removeprefix("www.")

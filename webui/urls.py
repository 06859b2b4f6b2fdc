"""What an address says and how it is written: the whole state of a page stands in its URL."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal, Self, get_args
from urllib.parse import quote, urlencode, urlsplit

from werkzeug.datastructures import MultiDict

from indexer.errors import InvalidRequest
from indexer.limits import MOST_CHARACTERS, PAGED
from webui.translations import LANGUAGES

Sort = Literal["relevance", "newest", "oldest", "title"]
SORTS: tuple[Sort, ...] = get_args(Sort)
# How many hits a page may show; none of them: as many as is configured.
SIZES = (10, 25, 50, 100)
# How much of a passage's beginning and end names it in the original.
FRAGMENT_WORDS, FRAGMENT_LENGTH = 5, 12
_YES, _NO = ("1", "true", "yes", "on"), ("0", "false", "no", "off")
# What no name of a host has: white space and characters that control terminals and files.
_NO_HOST = re.compile(r"[\s\x00-\x20\x7f-\x9f]")
_DECIMAL = re.compile(r"[0-9]{1,9}(\.[0-9]{1,30})?(e[+-]?[0-9]{1,2})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Search:
    """What a page was asked for."""

    query: str = ""
    after: str = ""
    before: str = ""
    sort: Sort = "relevance"
    page: int = 1
    fold: bool = True
    """Whether near-duplicates are one hit."""
    explain: bool = False
    lang: str = ""
    """The language of the page, where the address says it: every link keeps it."""
    source: tuple[str, ...] = ()
    site: tuple[str, ...] = ()
    language: tuple[str, ...] = ()
    undated: bool = False
    share: bool = False
    """Whether the timeline shows shares of what was published rather than counts."""
    size: int = 0
    """How many hits a page shows; 0: as many as is configured."""

    @classmethod
    def parse(cls, args: Mapping[str, str]) -> Self:
        """The search in the parameters of an address. Raises InvalidRequest for what has no meaning."""
        query = args.get("q", "")
        # Every link of a page repeats the query, so it may not be of any length.
        if len(query) > MOST_CHARACTERS:
            raise InvalidRequest(
                f"q: a query of up to {MOST_CHARACTERS:,} characters is wanted, {len(query):,} were found"
            )
        sort = args.get("sort") or "relevance"
        if sort not in SORTS:
            raise InvalidRequest(f"sort: one of {', '.join(SORTS)} is wanted, {sort[:40]!r} was found")
        return cls(
            query,
            args.get("after", "").strip(),
            args.get("before", "").strip(),
            sort,
            whole_number(args, "page", 1, least=1),
            yes_or_no(args, "fold", default=True),
            yes_or_no(args, "explain"),
            spoken(args),
            several(args, "source"),
            several(args, "site"),
            several(args, "language"),
            yes_or_no(args, "undated"),
            yes_or_no(args, "share"),
            whole_number(args, "size", 0, most=SIZES[-1]),
        )

    @classmethod
    def salvage(cls, args: Mapping[str, str]) -> Self:
        """What can be shown again, in the form, of parameters that could not be used."""
        sort = args.get("sort")
        return cls(
            args.get("q", "")[:MOST_CHARACTERS],
            args.get("after", "")[:40],
            args.get("before", "")[:40],
            sort if sort in SORTS else "relevance",
            lang=spoken(args),
            source=several(args, "source"),
            site=several(args, "site"),
            language=several(args, "language"),
        )

    @property
    def blank(self) -> bool:
        """Whether nothing is searched for."""
        return not self.query.strip()

    @property
    def idle(self) -> bool:
        """Whether nothing is asked for at all: limits alone find everything within them."""
        return self.blank and not (
            self.after or self.before or self.source or self.site or self.language or self.undated
        )

    def parameters(self) -> str:
        """The query string that leads back here, with its question mark; defaults are left out."""
        text = urlencode([(name, value) for name, value in self.stated() if value])
        return f"?{text}" if text else ""

    def stated(self) -> list[tuple[str, str]]:
        """The parameters by name, those that repeat once for each value; empty where it is the default."""
        return [
            ("q", self.query),
            ("after", self.after),
            ("before", self.before),
            ("sort", "" if self.sort == "relevance" else self.sort),
            ("page", "" if self.page == 1 else str(self.page)),
            ("fold", "" if self.fold else "0"),
            ("explain", "1" if self.explain else ""),
            *self.kept(),
        ]

    def kept(self) -> list[tuple[str, str]]:
        """Those that the search form has no field for, and keeps when other words are searched for."""
        limits = (("source", self.source), ("site", self.site), ("language", self.language))
        return [
            *((name, value) for name, values in limits for value in values),
            ("undated", "1" if self.undated else ""),
            ("share", "1" if self.share else ""),
            ("size", str(self.size) if self.size else ""),
            ("lang", self.lang),
        ]

    def feed(self, base: str) -> str:
        """The address of the feed of what it finds, newest first."""
        wanted = ("q", "after", "before", "source", "site", "language", "undated")
        text = urlencode([pair for pair in self.stated() if pair[0] in wanted and pair[1]])
        return f"{base}api/search?format=atom&{text}"

    def home(self) -> Self:
        """Nothing searched for, in the same language."""
        return type(self)(lang=self.lang)

    def with_fold(self, fold: bool) -> Self:
        """The first page of the same search, with near-duplicates as one hit or each by itself."""
        return replace(self, page=1, fold=fold)

    def url(self, base: str, page: int = 1) -> str:
        """The address of one of its result pages, under the address `base` of the search page."""
        return base + replace(self, page=page).parameters()


@dataclass(frozen=True, slots=True)
class Pager:
    """The neighbours of a page of results: `pages` are (number, address), None for a gap."""

    number: int
    last: int
    previous: str | None
    next: str | None
    pages: tuple[tuple[int, str] | None, ...]


def pager(search: Search, base: str, results: int, limit: int) -> Pager:
    """The pager for `results` hits, `limit` on a page: the first, the last and those around this one."""
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
    """The stable address of the article with the id `name`, or of a paragraph of it.

    A fragment does not reach the server, so the paragraph's anchor stands among the parameters too, with its
    number: where it is gone, the page leads to the closest one.
    """
    if anchor and number:
        parameters += ("&" if parameters else "?") + urlencode({"p": anchor, "n": number})
    return f"{base}a/{_named(name, '', parameters)}{'#' + anchor if anchor else ''}"


def citation_url(base: str, name: str, kind: str, anchor: str = "") -> str:
    """The address of an article as a citation (bib, ris or json), or of the paragraph at `anchor`."""
    return f"{base}a/{_named(name, f'cite.{kind}', '?' + urlencode({'p': anchor}) if anchor else '')}"


def _named(name: str, file: str, parameters: str) -> str:
    """Under `a/`: an article, or a file about it.

    An id that a browser or a server would change when it stands in a path (dot segments, empty segments), or
    would take for such a file, goes into a parameter instead.
    """
    segments = name.split("/")
    if any(part in ("", ".", "..") for part in segments) or segments[-1].startswith("cite."):
        return f"{file}?{urlencode({'id': name})}{parameters.replace('?', '&', 1)}"
    return quote(name) + (f"/{file}" if file else "") + parameters


def original_url(url: str, text: str) -> str:
    """The address of a passage in the original: with a text fragment made of how it begins and ends."""
    words = text.split()
    if len(words) > 2 * FRAGMENT_WORDS:
        edges = [" ".join(words[:FRAGMENT_WORDS]), " ".join(words[-FRAGMENT_WORDS:])]
    elif len(text) > 2 * FRAGMENT_LENGTH and len(words) <= 2:
        # Written without spaces between words.
        edges = [text.strip()[:FRAGMENT_LENGTH], text.strip()[-FRAGMENT_LENGTH:]]
    else:
        edges = [" ".join(words)]
    # A comma, an ampersand and a hyphen have a meaning there.
    told = ",".join(quote(edge, safe="").replace("-", "%2D") for edge in edges)
    return f"{url}{'' if '#' in url else '#'}:~:text={told}"


def named_article(args: Mapping[str, str], in_path: str | None) -> str:
    """The id that an article's address names, in its path or as a parameter. Raises InvalidRequest."""
    found = args.get("id", "") if in_path is None else in_path
    if not found:
        raise InvalidRequest("id: the id of an article is wanted, none was found")
    return found


def several(args: Mapping[str, str], name: str) -> tuple[str, ...]:
    """Every value of the parameter `name` that is not blank, each once."""
    values = args.getlist(name) if isinstance(args, MultiDict) else filter(None, [args.get(name)])
    return tuple(dict.fromkeys(value.strip() for value in values if value.strip()))


def spoken(args: Mapping[str, str]) -> str:
    """The language that an address asks for, or nothing: no page is worth an error for another."""
    found = args.get("lang", "")
    return found if found in LANGUAGES else ""


def web_address(url: str | None) -> tuple[str, str] | None:
    """A document's own address and its host, when it is one that a page may link to: http or https."""
    if url is None:
        return None
    try:
        parts = urlsplit(url)
        host = parts.hostname
        # One that is no number, or no port, is only told of when it is asked for.
        _ = parts.port
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not host or _NO_HOST.search(host):
        return None
    return url.strip(), host.removeprefix("www.")


def whole_number(
    args: Mapping[str, str], name: str, default: int, *, least: int = 0, most: int = PAGED
) -> int:
    """The parameter `name` as a number from `least` to `most`. Raises InvalidRequest."""
    text = args.get(name, "").strip()
    if not text:
        return default
    # Not int() alone: it takes underscores, signs and the digits of every script, and refuses huge numbers.
    number = int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else -1
    if not least <= number <= most:
        raise InvalidRequest(
            f"{name}: a whole number from {least} to {most:,} is wanted, {text[:40]!r} was found"
        )
    return number


def decimal(args: Mapping[str, str], name: str, *, least: float, most: float) -> float | None:
    """The parameter `name` as a number in a range, None where it is not given. Raises InvalidRequest."""
    text = args.get(name, "").strip()
    if not text:
        return None
    # Not float() alone: it takes underscores, "nan" and the digits of every script.
    number = float(text) if _DECIMAL.fullmatch(text) else -1
    if not least <= number <= most:
        raise InvalidRequest(
            f"{name}: a number from {least:g} to {most:,.0f} such as 30 or 0.5 is wanted, {text[:40]!r} was "
            "found"
        )
    return number


def yes_or_no(args: Mapping[str, str], name: str, *, default: bool = False) -> bool:
    """Whether the parameter `name` says yes. Raises InvalidRequest."""
    text = args.get(name, "").strip().lower()
    if not text:
        return default
    if text not in _YES and text not in _NO:
        raise InvalidRequest(f"{name}: 1 or 0 is wanted, {text[:40]!r} was found")
    return text in _YES

"""What a page says about itself: title, address, language, and when it was published."""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from bs4 import BeautifulSoup, Tag
from lxml import etree

from indexer.article import Published
from indexer.readers.dates import RANKS, parse_date, utc_offset
from indexer.readers.options import ReadOptions
from indexer.readers.urls import web_address

_MOST = 300
_LANGUAGE = re.compile(r"[a-zA-Z]{2,3}(?=[-_]|$)")
_SEPARATORS = re.compile(r"\s+[|·•»–—-]\s+|\s*\|\s*|\s+::\s+")
# Field names with everything but letters taken out.
_PUBLISHED = re.compile(r"publi(?:sh(?!er)|cation)|pubdate|ptime|firstpub|dateposted|postdate|issued")
_CREATED = re.compile(
    r"created?$|^(?:dc|dcterms|og|article|display|doc|sailthru|citation)?date$|creationdate|created?date"
)
_CHANGED = re.compile(r"modif|updat|lastmod|revis|changed")
_OTHER = re.compile(r"expir|unpub|status|author|url|type|format|embargo|event|valid|until|start|end")
_LD_DATE = re.compile(r'"(datePublished|dateCreated|uploadDate|dateModified)"\s*:\s*"([^"]{4,40})"')
_LD_TITLE = re.compile(r'"headline"\s*:\s*"((?:[^"\\]|\\.){1,300})"')
_ARTICLE = re.compile(
    r"article|posting|report|recipe|review$|podcastepisode|videoobject|scholarly|techarticle|qapage", re.I
)
_NO_ARTICLE = re.compile(
    r"^(?:comment|userreview|review|answer|event|offer|person|organization|imageobject)", re.I
)
_ENTRY_CLASS = re.compile(r"publi|entry-date|entry-time|post-date|dateline|posted", re.I)


@dataclass(slots=True)
class PageFacts:
    """Title, address, language and the candidates for the date, best first within each provenance."""

    title: str = ""
    url: str | None = None
    language: str | None = None
    dates: list[Published] = field(default_factory=list)
    times: list[Published] = field(default_factory=list)
    in_utc: bool = False
    """The best date was stated in UTC, which is seldom the publisher's wall time."""


def page_facts(tree: Any, options: ReadOptions) -> PageFacts:
    """The facts in a parsed page. Only the few elements that hold them are parsed by bs4."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        soup = BeautifulSoup(_extract(tree), "lxml")
    facts = PageFacts()
    metas = _metas(soup)
    records = list(_records(soup))
    facts.title = _title(soup, metas, records)
    facts.url = _url(soup, metas)
    facts.language = _language(tree, metas, records)
    stated = [*_meta_dates(metas, options), *_record_dates(records, options)]
    marked, facts.times = _times(soup, options)
    _settle([*stated, *marked], facts, options)
    return facts


_Stated = tuple[Published, int | None]
"""A date, and its minutes east of Greenwich where they were given."""


def _settle(stated: list[_Stated], facts: PageFacts, options: ReadOptions) -> None:
    """Puts the dates in order. A moment given both in UTC and in local time is meant locally."""
    stated.sort(key=lambda pair: RANKS[pair[0].provenance])
    if stated and not options.timezone:
        best, offset = stated[0]
        for other, shift in stated[1:]:
            if offset == 0 and shift and best.provenance != "modified" != other.provenance:
                moment = other.start - timedelta(minutes=shift)
                if abs(moment - best.start) <= timedelta(minutes=10):
                    stated.remove((other, shift))
                    stated.remove((best, offset))
                    stated.insert(0, (other, shift))
                    break
        facts.in_utc = stated[0][1] == 0 and stated[0][0].precision == "minute"
    facts.dates = [published for published, _ in stated]


def _extract(tree: Any) -> str:
    """The elements that may hold facts, as a small page of their own."""
    wanted = []
    counts: dict[str, int] = {}
    for element in tree.iter("title", "meta", "link", "script", "time", "h1", "abbr"):
        tag = element.tag
        if tag == "link" and "canonical" not in (element.get("rel") or "").lower():
            continue
        if tag == "script" and "ld+json" not in (element.get("type") or "").lower():
            continue
        if tag == "abbr" and not element.get("title"):
            continue
        if next(element.iterancestors(tag), None) is not None:
            continue  # it is in the one that it lies in, and would be taken as often as it is deep
        counts[tag] = counts.get(tag, 0) + 1
        if counts[tag] <= _MOST:
            wanted.append(etree.tostring(element, encoding="unicode", with_tail=False, method="html"))
    return f"<html><body>{''.join(wanted)}</body></html>"


def _metas(soup: BeautifulSoup) -> list[tuple[str, str]]:
    found = []
    for meta in soup.find_all("meta"):
        content = meta.get("content") or meta.get("datetime")
        name = meta.get("property") or meta.get("name") or meta.get("itemprop") or meta.get("http-equiv")
        if isinstance(content, str) and isinstance(name, str) and content.strip():
            found.append((name.strip().lower(), content.strip()))
    return found


def _records(soup: BeautifulSoup) -> Iterator[dict[str, Any]]:
    """Every object in the page's JSON-LD, outer ones first; from bad JSON only the fields that stand out."""
    for script in soup.find_all("script"):
        text = script.string or ""
        text = re.sub(
            r"^\s*(?:<!--|//<!\[CDATA\[|<!\[CDATA\[|/\*.*?\*/)|(?:-->|//\]\]>|\]\]>)\s*;?\s*$", "", text
        ).strip()
        try:
            queue = [json.loads(text.rstrip("; \n"), strict=False)]
        except (ValueError, RecursionError):
            rough: dict[str, Any] = {"@type": "Article"}
            for name, value in _LD_DATE.findall(text):
                rough.setdefault(name, value)
            if headline := _LD_TITLE.search(text):
                rough["headline"] = headline[1].replace('\\"', '"')
            queue = [rough]
        seen = 0
        while queue and seen < 2000:
            seen += 1
            value = queue.pop(0)
            if isinstance(value, dict):
                yield value
                queue.extend(inner for inner in value.values() if isinstance(inner, (dict, list)))
            elif isinstance(value, list):
                queue.extend(inner for inner in value if isinstance(inner, (dict, list)))


def _kind(record: dict[str, Any]) -> str:
    kind = record.get("@type")
    if isinstance(kind, list):
        kind = next((k for k in kind if isinstance(k, str)), "")
    return kind.rpartition("/")[2] if isinstance(kind, str) else ""


def _record_dates(records: list[dict[str, Any]], options: ReadOptions) -> list[_Stated]:
    """The publication date of the page's first article, else of whatever has one."""
    found: list[tuple[int, _Stated]] = []
    for record in records:
        kind = _kind(record)
        if _NO_ARTICLE.match(kind):
            continue
        for rank, name in enumerate(("datePublished", "uploadDate", "dateCreated", "dateModified")):
            value = record.get(name)
            if isinstance(value, list) and value:
                value = value[0]
            place = "modified" if name == "dateModified" else "json-ld"
            if value and (date := parse_date(value, place, options)):
                found.append((rank + (0 if _ARTICLE.search(kind) else 4), (date, utc_offset(value))))
    found.sort(key=lambda pair: pair[0])
    return [date for _, date in found[:4]]


def _meta_dates(metas: list[tuple[str, str]], options: ReadOptions) -> list[_Stated]:
    found: list[tuple[int, _Stated]] = []
    for name, content in metas:
        letters = re.sub(r"[^a-z]", "", name)
        if _OTHER.search(letters):
            continue
        if _CHANGED.search(letters):
            rank, place = 2, "modified"
        elif _PUBLISHED.search(letters):
            rank, place = 0, "meta"
        elif _CREATED.search(letters):
            rank, place = 1, "meta"
        else:
            continue
        if date := parse_date(content, place, options):
            found.append((rank, (date, utc_offset(content))))
    found.sort(key=lambda pair: pair[0])
    return [date for _, date in found[:4]]


def _times(soup: BeautifulSoup, options: ReadOptions) -> tuple[list[_Stated], list[Published]]:
    """The `<time>` elements that are marked as the publication, and the others."""
    marked: list[_Stated] = []
    times: list[Published] = []
    for element in soup.find_all(["time", "abbr"]):
        value = element.get("datetime") if element.name == "time" else element.get("title")
        text = value if isinstance(value, str) and value.strip() else element.get_text(" ", strip=True)
        date = parse_date(text, "time", options)
        if date is None:
            continue
        marks = " ".join([*_attribute(element, "itemprop"), *_attribute(element, "class")])
        if element.has_attr("pubdate") or "datePublished" in marks:
            marked.append((date, utc_offset(text)))
        elif element.name == "time" or _ENTRY_CLASS.search(marks):
            times.append(date)
    return marked, times


def _attribute(element: Tag, name: str) -> list[str]:
    value = element.get(name)
    return [value] if isinstance(value, str) else list(value or [])


def _title(soup: BeautifulSoup, metas: list[tuple[str, str]], records: list[dict[str, Any]]) -> str:
    """The article's own title: a heading that the page's title agrees with, else that without the site."""
    given = soup.title.get_text(" ", strip=True) if soup.title else ""
    named = dict(reversed(metas))
    social = named.get("og:title") or named.get("twitter:title") or named.get("dc.title") or ""
    headings = [
        text for h1 in soup.find_all("h1") if (text := " ".join(h1.get_text(" ", strip=True).split()))
    ]
    site = named.get("og:site_name", "").strip()
    pages = [_bare(text, site) for text in (social, given) if text]
    for heading in headings:
        if any(_same(heading, text) for text in (*pages, social, given)):
            return heading
    headline = next(
        (
            h
            for r in records
            if _ARTICLE.search(_kind(r)) and isinstance(h := r.get("headline"), str) and h.strip()
        ),
        "",
    )
    if pages or headline:
        return pages[0] if pages else headline
    return headings[0] if headings else ""


def _same(heading: str, title: str) -> bool:
    """Whether a page's title starts with a heading, whatever the case and the punctuation."""
    one, two = (re.sub(r"\W+", "", text).casefold() for text in (heading, title))
    return len(one) > 3 and (two.startswith(one) or (len(two) > 15 and one.startswith(two)))


def _bare(title: str, site: str) -> str:
    """A page's title without the name of its site."""
    title = " ".join(title.split())
    parts = list(_SEPARATORS.finditer(title))
    if not parts:
        return title
    last = title[parts[-1].end() :]
    if site and (last.casefold() == site.casefold() or site.casefold() in last.casefold()):
        return title[: parts[-1].start()]
    if site and title[: parts[0].start()].casefold() == site.casefold():
        return title[parts[0].end() :]
    # Without the site's name, the last part is it if it is short beside the rest.
    head = title[: parts[-1].start()]
    bar = "|" in parts[-1][0] or "::" in parts[-1][0]
    if len(last) <= 30 and len(head) >= (len(last) if bar else 2 * len(last)) and (bar or not site):
        return head
    return title


def _url(soup: BeautifulSoup, metas: list[tuple[str, str]]) -> str | None:
    link = soup.find("link")
    href = link.get("href") if isinstance(link, Tag) else None
    named = dict(reversed(metas))
    for text in (href, named.get("og:url")):
        if isinstance(text, str) and (address := web_address(text)):
            return address
    return None


def _language(tree: Any, metas: list[tuple[str, str]], records: list[dict[str, Any]]) -> str | None:
    named = dict(reversed(metas))
    stated = [tree.get("lang"), tree.get("xml:lang"), tree.get("{http://www.w3.org/XML/1998/namespace}lang")]
    stated += [named.get(name) for name in ("content-language", "language", "dc.language", "og:locale")]
    stated += [value for record in records if isinstance(value := record.get("inLanguage"), str)]
    for text in stated:
        if text and (match := _LANGUAGE.match(text.strip())):
            return match[0].lower()
    return None

"""What a page states about itself: title, address, language, authors, section, tags, publication dates."""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from html import unescape
from itertools import islice
from typing import Any

from bs4 import BeautifulSoup, Tag
from lxml import etree
from rapidfuzz.fuzz import ratio

from indexer.article import Published, normalize_space
from indexer.limits import VALUES
from indexer.readers.dates import RANKS
from indexer.readers.document import (
    ReadOptions,
    language_code,
    split_keywords,
    split_names,
    web_address,
)
from indexer.readers.expressions import parse_date, utc_offset

_MAX_ELEMENTS = 300
_MAX_RECORDS = 2000
_MAX_HEADLINES = _MAX_PIECES = 10
_MAX_TITLE = 500
"""Characters of a title that are compared."""
_ALIKE = 70
"""Percent of their characters that two versions of a title share. It was chosen with 258 pages whose title is
known; from 55 to 70, the figure hardly changes."""
_WORD = re.compile(r"\w+")
_SEPARATORS = re.compile(r"\s+[|·•»–—-]\s+|\s*\|\s*|\s+::\s+")
# Field names, reduced to their letters.
_PUBLISHED = re.compile(r"publi(?:sh(?!er)|cation)|pubdate|ptime|firstpub|dateposted|postdate|issued")
_CREATED = re.compile(
    r"created?$|^(?:dc|dcterms|og|article|display|doc|sailthru|citation)?date$|creationdate|created?date"
)
_MODIFIED = re.compile(r"modif|updat|lastmod|revis|changed")
_OTHER_DATE = re.compile(r"expir|unpub|status|author|url|type|format|embargo|event|valid|until|start|end")
# The fields of JSON-LD that have a date of the article, best first.
_LD_FIELDS = (
    "datePublished",
    "articleFirstPublished",
    "uploadDate",
    "dateCreated",
    "coverageStartTime",
    "dateModified",
)
_LD_DATE = re.compile(rf'"({"|".join(_LD_FIELDS)})"\s*:\s*"([^"]{{4,40}})"')
_LD_TITLE = re.compile(r'"headline"\s*:\s*"((?:[^"\\]|\\.){1,300})"')
_ARTICLE = re.compile(
    r"article|posting|report|recipe|review$|podcastepisode|videoobject|scholarly|techarticle|qapage", re.I
)
# Fields, and types of objects with a `text`, that trafilatura takes for the text of a page, too.
_TEXT_FIELDS = ("articleBody", "reviewBody", "recipeInstructions")
_TEXT_TYPES = frozenset(("HowToStep", "HowToDirection", "Answer"))
_PART_OF_PAGE = re.compile(
    r"^(?:comment|userreview|review|answer|event|offer|person|organization|imageobject)", re.I
)
# The fields of JSON-LD and the meta elements with the details of an article besides dates, best first.
_LD_NAMES = ("author", "creator", "articleSection", "keywords", "publisher")
_AUTHORS = ("author", "article:author", "citation_author", "dc.creator", "parsely-author", "sailthru.author")
_SECTIONS = ("article:section", "parsely-section", "section")
_TAGS = ("article:tag", "news_keywords", "keywords", "parsely-tags")
_PUBLISHERS = ("og:site_name", "dc.publisher", "application-name")
_MAX_NAME = 200
# The microformats h-entry and hAtom, microdata, and links to the author in the byline. A link to the owner of
# the site is in no byline.
_AUTHOR_ELEMENTS = etree.XPath(
    """//*[contains(concat(' ', @class, ' '), ' p-author ')]
    | //*[contains(concat(' ', @class, ' '), ' author ')][contains(concat(' ', @class, ' '), ' vcard ')]
        //*[contains(concat(' ', @class, ' '), ' fn ')]
    | //*[@itemprop='author']//*[@itemprop='name']
    | //*[contains(@class, 'byline')]//a[@rel='author']"""
)
_COMMENT_ELEMENTS = etree.XPath("ancestor::*[contains(@class, 'comment') or contains(@id, 'comment')]")
_MAX_SHOWN_AUTHORS = 3
_ENTRY_CLASS = re.compile(r"publi|entry-date|entry-time|post-date|dateline|posted", re.I)


_Stated = tuple[Published, int | None]
"""A date, and the minutes east of Greenwich that were stated with it."""


@dataclass(frozen=True, slots=True)
class PageMetadata:
    """The metadata of the page's article; the candidates for its publication date are best first.

    `times` are the dates of the time elements that are not marked as the publication date.
    """

    title: str
    url: str | None
    language: str | None
    dates: list[Published]
    times: list[Published]
    is_utc: bool
    """The best date was stated in UTC, which is seldom the publisher's wall time."""
    texts: list[str]
    """The texts in JSON-LD, as plain text or HTML."""
    authors: tuple[str, ...]
    section: str | None
    tags: tuple[str, ...]
    publisher: str | None


def extract_metadata(tree: Any, options: ReadOptions) -> PageMetadata:
    """Return what a parsed page states. Only the few elements with metadata are parsed by bs4."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        soup = BeautifulSoup(_extract_elements(tree), "lxml")
    fields = _meta_fields(soup)
    # Of fields with the same name, the first counts.
    named = dict(reversed(fields))
    records = list(_json_ld_records(soup))
    marked, times = _time_elements(soup, options)
    articles = _find_articles(records)
    dates = _sort_dates([*_meta_dates(fields, options), *_record_dates(records, options), *marked], options)
    return PageMetadata(
        title=_find_title(soup, named, records),
        url=_find_url(soup, named),
        language=_find_language(tree, named, records),
        dates=[published for published, _ in dates],
        times=times,
        texts=_record_texts(records),
        authors=_find_names(
            articles,
            ("author", "creator"),
            [*_by_name(fields, _AUTHORS), _find_bylines(tree)],
            split_names,
        ),
        section=next(iter(_find_names(articles, ("articleSection",), _by_name(fields, _SECTIONS))), None),
        tags=_find_names(articles, ("keywords",), _by_name(fields, _TAGS), split_keywords),
        publisher=next(iter(_find_names(articles, ("publisher",), _by_name(fields, _PUBLISHERS))), None),
        is_utc=not options.timezone
        and any(offset == 0 and date.precision == "minute" for date, offset in dates[:1]),
    )


def _sort_dates(stated: list[_Stated], options: ReadOptions) -> list[_Stated]:
    """Return the dates, best first. Of a moment stated both in UTC and in local time, local time is best."""
    stated.sort(key=lambda pair: RANKS[pair[0].provenance])
    if not stated or options.timezone:
        return stated
    best, offset = stated[0]
    for other, shift in stated[1:]:
        if offset == 0 and shift and best.provenance != "modified" != other.provenance:
            moment = other.start - timedelta(minutes=shift)
            if abs(moment - best.start) <= timedelta(minutes=10):
                rest = [pair for pair in stated if pair not in ((best, offset), (other, shift))]
                return [(other, shift), *rest]
    return stated


def _extract_elements(tree: Any) -> str:
    """Return a small page of the elements that may have metadata."""
    wanted = []
    counts: dict[str, int] = {}
    for element in tree.iter("title", "meta", "link", "script", "time", "h1", "h2", "abbr"):
        tag = element.tag
        if tag == "link" and "canonical" not in (element.get("rel") or "").lower():
            continue
        if tag == "script" and "ld+json" not in (element.get("type") or "").lower():
            continue
        if tag == "abbr" and not element.get("title"):
            continue
        if next(element.iterancestors(tag), None) is not None:
            continue  # the outer one contains it; nested elements would be taken as often as they are deep
        counts[tag] = counts.get(tag, 0) + 1
        if counts[tag] <= _MAX_ELEMENTS:
            wanted.append(etree.tostring(element, encoding="unicode", with_tail=False, method="html"))
    return f"<html><body>{''.join(wanted)}</body></html>"


def _meta_fields(soup: BeautifulSoup) -> list[tuple[str, str]]:
    found = []
    for meta in soup.find_all("meta"):
        content = meta.get("content") or meta.get("datetime")
        name = meta.get("property") or meta.get("name") or meta.get("itemprop") or meta.get("http-equiv")
        if isinstance(content, str) and isinstance(name, str) and content.strip():
            found.append((name.strip().lower(), content.strip()))
    return found


def _json_ld_records(soup: BeautifulSoup) -> Iterator[dict[str, Any]]:
    """Yield every object in the page's JSON-LD, outer ones first; of invalid JSON only dates and headline."""
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
        count = 0
        while queue and count < _MAX_RECORDS:
            count += 1
            value = queue.pop(0)
            if isinstance(value, dict):
                yield value
                # The updates of a live blog have dates and headlines of their own.
                queue.extend(
                    inner
                    for name, inner in value.items()
                    if isinstance(inner, (dict, list)) and name != "liveBlogUpdate"
                )
            elif isinstance(value, list):
                queue.extend(inner for inner in value if isinstance(inner, (dict, list)))


def _type_of(record: dict[str, Any]) -> str:
    name = record.get("@type")
    if isinstance(name, list):
        name = next((item for item in name if isinstance(item, str)), "")
    return name.rpartition("/")[2] if isinstance(name, str) else ""


def _record_texts(records: list[dict[str, Any]]) -> list[str]:
    """Return the texts of articles, reviews, instructions and answers, each once."""
    texts: list[object] = []
    for record in records:
        names = (*_TEXT_FIELDS, "text") if _type_of(record) in _TEXT_TYPES else _TEXT_FIELDS
        for value in filter(None, map(record.get, names)):
            texts += value if isinstance(value, list) else [value]
    return list(dict.fromkeys(text for text in texts if isinstance(text, str) and text.strip()))


def _record_dates(records: list[dict[str, Any]], options: ReadOptions) -> list[_Stated]:
    """Return the dates of a live blog, then those of articles, then those of other objects; at most four."""
    found: list[tuple[int, _Stated]] = []
    for record in records:
        kind = _type_of(record)
        if _PART_OF_PAGE.match(kind):
            continue
        kind_rank = 0 if kind == "LiveBlogPosting" else 1 if _ARTICLE.search(kind) else 2
        for rank, name in enumerate(_LD_FIELDS):
            value = record.get(name)
            if isinstance(value, list) and value:
                value = value[0]
            place = "modified" if name == "dateModified" else "json-ld"
            if value and (date := parse_date(value, place, options)):
                found.append((kind_rank * len(_LD_FIELDS) + rank, (date, utc_offset(value))))
    return _best_ranked(found)


def _meta_dates(metas: list[tuple[str, str]], options: ReadOptions) -> list[_Stated]:
    found: list[tuple[int, _Stated]] = []
    for name, content in metas:
        letters = re.sub(r"[^a-z]", "", name)
        if _OTHER_DATE.search(letters):
            continue
        if _MODIFIED.search(letters):
            rank, place = 2, "modified"
        elif _PUBLISHED.search(letters):
            rank, place = 0, "meta"
        elif _CREATED.search(letters):
            rank, place = 1, "meta"
        else:
            continue
        if date := parse_date(content, place, options):
            found.append((rank, (date, utc_offset(content))))
    return _best_ranked(found)


def _best_ranked(found: list[tuple[int, _Stated]]) -> list[_Stated]:
    """Return the four dates with the lowest rank."""
    return [date for _, date in sorted(found, key=lambda pair: pair[0])[:4]]


def _time_elements(soup: BeautifulSoup, options: ReadOptions) -> tuple[list[_Stated], list[Published]]:
    """Return the dates of time elements that are marked as the publication date, and those of the others."""
    marked: list[_Stated] = []
    times: list[Published] = []
    for element in soup.find_all(["time", "abbr"]):
        value = element.get("datetime") if element.name == "time" else element.get("title")
        text = value if isinstance(value, str) and value.strip() else element.get_text(" ", strip=True)
        date = parse_date(text, "time", options)
        if date is None:
            continue
        marks = " ".join([*_attribute_values(element, "itemprop"), *_attribute_values(element, "class")])
        if element.has_attr("pubdate") or "datePublished" in marks:
            marked.append((date, utc_offset(text)))
        elif element.name == "time" or _ENTRY_CLASS.search(marks):
            times.append(date)
    return marked, times


def _attribute_values(element: Tag, name: str) -> list[str]:
    value = element.get(name)
    return [value] if isinstance(value, str) else list(value or [])


def _find_title(soup: BeautifulSoup, named: dict[str, str], records: list[dict[str, Any]]) -> str:
    """Return the article's own title: a heading that resembles a title stated elsewhere, else the latter."""
    page_title = soup.title.get_text(" ", strip=True) if soup.title else ""
    social = named.get("og:title") or named.get("twitter:title") or named.get("dc.title") or ""
    site = named.get("og:site_name", "").strip()
    titles = [_drop_site(text, site) for text in (social, page_title) if text]
    stated = (record.get("headline") for record in records if _ARTICLE.search(_type_of(record)))
    headlines = [normalize_space(text) for text in stated if isinstance(text, str) and text.strip()]
    del headlines[_MAX_HEADLINES:]
    main, sections = (dict(map(_read_heading, soup.find_all(name))) for name in ("h1", "h2"))
    # The title for social networks is that of the article; the page's may be that of a section of the site.
    for title in (*titles[:1], *headlines, *titles[1:]):
        words = _normalize_title(title)
        alike = [heading for heading in main if _resembles(heading, words)]
        alike += [heading for heading in sections if _ends_with(words, heading)]
        if alike:
            best = max(alike, key=lambda heading: ratio(heading, words))
            return _drop_kicker(main.get(best) or sections[best], [*headlines, *titles])
    return next(filter(None, [*titles, *headlines, *map(" ".join, main.values())]), "")


def _read_heading(element: Tag) -> tuple[str, list[str]]:
    """Return the normalized text of a heading, and its text in the pieces that its elements make of it."""
    texts = [*map(normalize_space, element.stripped_strings)]
    return _normalize_title(" ".join(texts)), texts


def _normalize_title(title: str) -> str:
    return " ".join(_WORD.findall(title[:_MAX_TITLE].replace("\xad", "").casefold()))


def _resembles(heading: str, title: str) -> bool:
    """Whether one of two normalized titles begins or ends with the other, or they differ in few words."""
    if not heading or not title:
        return False
    longer, shorter = sorted((heading, title), key=len, reverse=True)
    is_start = f"{longer} ".startswith(f"{shorter} ")
    return is_start or _ends_with(longer, shorter) or ratio(heading, title) >= _ALIKE


def _ends_with(title: str, words: str) -> bool:
    return bool(words) and f" {title}".endswith(f" {words}")


def _drop_kicker(texts: list[str], titles: list[str]) -> str:
    """Return a heading without a kicker or a subtitle, if it has one as an element beside one of `titles`."""
    parts = {
        _normalize_title(" ".join(part))
        for at in range(1, min(len(texts), _MAX_PIECES))
        for part in (texts[:at], texts[at:])
    }
    return next((title for title in titles if _normalize_title(title) in parts - {""}), " ".join(texts))


def _drop_site(title: str, site: str) -> str:
    """Return a page's title without the name of its site."""
    title = normalize_space(title)
    parts = list(_SEPARATORS.finditer(title))
    if not parts:
        return title
    last = title[parts[-1].end() :]
    if site and (last.casefold() == site.casefold() or site.casefold() in last.casefold()):
        return title[: parts[-1].start()]
    if site and title[: parts[0].start()].casefold() == site.casefold():
        return title[parts[0].end() :]
    # If the site's name is unknown, the last part is taken for it if it is short compared with the rest.
    head = title[: parts[-1].start()]
    has_bar = "|" in parts[-1][0] or "::" in parts[-1][0]
    if len(last) <= 30 and len(head) >= (len(last) if has_bar else 2 * len(last)) and (has_bar or not site):
        return head
    return title


def _find_articles(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return what the records of articles state under `_LD_NAMES`; references are replaced by the objects."""
    named = {
        key: record for record in records if "name" in record and isinstance(key := record.get("@id"), str)
    }
    articles = (
        record
        for record in records
        if _ARTICLE.search(kind := _type_of(record)) and not _PART_OF_PAGE.match(kind)
    )
    return [
        {name: _resolve(record[name], named) for name in _LD_NAMES if name in record}
        for record in islice(articles, _MAX_HEADLINES)
    ]


def _resolve(value: Any, named: dict[str, dict[str, Any]]) -> list[Any]:
    return [
        named.get(one["@id"], one) if isinstance(one, dict) and isinstance(one.get("@id"), str) else one
        for one in _to_list(value)
    ]


def _by_name(fields: list[tuple[str, str]], names: Sequence[str]) -> list[list[str]]:
    """Return the contents of meta elements, for each name; several elements may have the same."""
    return [[content for name, content in fields if name == wanted] for wanted in names]


def _find_names(
    articles: list[dict[str, Any]],
    keys: Sequence[str],
    metas: list[list[str]],
    split: Callable[[str], tuple[str, ...]] = lambda text: (text,),
) -> tuple[str, ...]:
    """Return the names that the first article in JSON-LD states under a key, else the first kind of meta."""
    stated = [list(_iterate_texts(record.get(key))) for record in articles for key in keys]
    for texts in (*stated, *metas):
        names = (normalize_space(name) for text in texts for name in split(unescape(text)))
        found = dict.fromkeys(name for name in names if _is_name(name))
        if found:
            return tuple(found)
    return ()


def _find_bylines(tree: Any) -> list[str]:
    """Return the authors that the page shows, marked as such; none if it seems to show other articles'."""
    marked = _AUTHOR_ELEMENTS(tree)[:_MAX_ELEMENTS]
    found = (normalize_space(each.text_content()) for each in marked if not _COMMENT_ELEMENTS(each))
    names = [name.removeprefix("By ").removeprefix("by ") for name in dict.fromkeys(found)]
    return names if len(names) <= _MAX_SHOWN_AUTHORS else []


def _iterate_texts(value: Any) -> Iterator[str]:
    """Yield the texts in a value of JSON-LD: a text, an object with a name, or a list of these."""
    for one in _to_list(value):
        for text in _to_list(one.get("name") if isinstance(one, dict) else one):
            if isinstance(text, str):
                # A lone surrogate, which JSON can state, is no text.
                yield text.encode("utf-8", "replace").decode()


def _to_list(value: Any) -> list[Any]:
    return value[:VALUES] if isinstance(value, list) else [value]


def _is_name(text: str) -> bool:
    """Whether a text may be a name: some pages state the address of an author."""
    return 0 < len(text) <= _MAX_NAME and web_address(text) is None


def _find_url(soup: BeautifulSoup, named: dict[str, str]) -> str | None:
    link = soup.find("link")
    href = link.get("href") if isinstance(link, Tag) else None
    return web_address(href if isinstance(href, str) else None) or web_address(named.get("og:url"))


def _find_language(tree: Any, named: dict[str, str], records: list[dict[str, Any]]) -> str | None:
    stated = [tree.get("lang"), tree.get("xml:lang"), tree.get("{http://www.w3.org/XML/1998/namespace}lang")]
    stated += [named.get(name) for name in ("content-language", "language", "dc.language", "og:locale")]
    stated += [value for record in records if isinstance(value := record.get("inLanguage"), str)]
    return next(filter(None, map(language_code, stated)), None)

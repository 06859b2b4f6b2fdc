"""Results for other programs: the formats that there are, and an Atom feed."""

from __future__ import annotations

import re
import uuid
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree as Xml

from indexer.model import Hit, Page
from webui.addresses import Search, article_url, web_address

MEDIA_TYPES = {
    "json": "application/json",
    "jsonl": "application/x-ndjson",
    "csv": "text/csv",
    "atom": "application/atom+xml",
}
# What its description says of them.
SCHEMAS: dict[str, dict[str, Any]] = {
    MEDIA_TYPES["jsonl"]: {"type": "string", "description": "Lines, each of them a Row as JSON."},
    MEDIA_TYPES["csv"]: {"type": "string", "description": "RFC 4180: a header, then the fields of a Row."},
    MEDIA_TYPES["atom"]: {"type": "string", "description": "RFC 4287: an entry for each hit."},
}
_ATOM = "http://www.w3.org/2005/Atom"
# What XML 1.0 cannot hold, not even escaped.
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
# What an address cannot hold as it is (RFC 3987).
_NOT_IRI = re.compile('[\x00-\x20"<>\\\\^`{|}\x7f-\x9f]')


def atom(page: Page, search: Search, base: str, address: str, following: str | None, updated: str) -> bytes:
    """A page of hits as an Atom feed (RFC 4287).

    `base` is the address of the search page and `address` that of the feed, both with the host; `updated` is
    when the index changed last, in ISO 8601, and stands for the time of articles without a date.
    """
    Xml.register_namespace("", _ATOM)
    feed = Xml.Element(f"{{{_ATOM}}}feed")
    title = search.query.strip() or "All articles"
    _add(feed, "id", _urn(f"feed {search.parameters()}"))
    _add(feed, "title", title)
    _add(feed, "updated", _moment(updated))
    _add(_add(feed, "author"), "name", "Nutgraf")
    _add(feed, "link", rel="self", type=MEDIA_TYPES["atom"], href=address)
    _add(feed, "link", rel="alternate", type="text/html", href=search.url(base))
    if following:
        _add(feed, "link", rel="next", type=MEDIA_TYPES["atom"], href=following)
    for hit in page.hits:
        _add_entry(feed, hit, search, base, updated)
    return bytes(Xml.tostring(feed, encoding="utf-8", xml_declaration=True))


def _add_entry(feed: Xml.Element, hit: Hit, search: Search, base: str, updated: str) -> None:
    article = hit.article
    entry = _add(feed, "entry")
    _add(entry, "id", _urn(f"article {article.id}"))
    _add(entry, "title", article.title or "Untitled article")
    published = article.published
    _add(entry, "updated", _moment(published.start.isoformat() if published else updated))
    # Only where it is exact: a feed has no way to say "some time in 2021".
    if published and published.precision in ("day", "minute"):
        _add(entry, "published", _moment(published.start.isoformat()))
    anchor = hit.passages[0].anchor if hit.passages else ""
    _add(
        entry,
        "link",
        rel="alternate",
        type="text/html",
        href=article_url(base, article.id, search.parameters(), anchor),
    )
    if link := web_address(article.url):
        _add(entry, "link", rel="via", href=_NOT_IRI.sub(lambda found: quote(found[0]), link[0]))
    if article.source:
        _add(entry, "category", term=article.source)
    _add(entry, "summary", "\n\n".join(passage.text for passage in hit.passages), type="text")


def _add(parent: Xml.Element, name: str, text: str | None = None, **attributes: str) -> Xml.Element:
    clean = {key: _NOT_XML.sub("\ufffd", value) for key, value in attributes.items()}
    element = Xml.SubElement(parent, f"{{{_ATOM}}}{name}", clean)
    if text is not None:
        element.text = _NOT_XML.sub("\ufffd", text)
    return element


def _urn(name: str) -> str:
    # The same wherever the archive is mounted: a reader of feeds shows no article twice.
    return uuid.uuid5(uuid.NAMESPACE_URL, f"nutgraf {name}".encode("utf-8", "replace").decode()).urn


def _moment(value: str) -> str:
    # A feed wants a time zone; the index keeps the wall time of the publisher.
    return re.sub(r"(\.[0-9]+)?(Z|[+-]00:00)?$", "Z", value, count=1)

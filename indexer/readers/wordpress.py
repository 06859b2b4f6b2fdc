"""WordPress exports (WXR): a published post or page an article, in constant memory however many there are.

Drafts, private posts and those with a password are skipped, and so are revisions, attachments, items of menus
and whatever else is neither a post nor a page. They are counted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, BinaryIO

from lxml import etree

from indexer.article import Article, Failure, Published, make_record_id, normalize_space
from indexer.errors import InvalidArticle, UnreadableDocument
from indexer.readers.assemble import assemble_article
from indexer.readers.document import (
    NO_DETAILS,
    BinaryDocument,
    Details,
    ReadOptions,
    language_code,
    web_address,
)
from indexer.readers.expressions import parse_date
from indexer.readers.markup import extract_blocks, parse_visible
from indexer.readers.package import local_name

_NAMESPACE = b"://wordpress.org/export/"
_TYPES = ("post", "page")
# The names under which skipped posts are counted, by their type or status.
_SKIPPED = {
    "attachment": "attachments",
    "revision": "revisions",
    "nav_menu_item": "items of menus",
    "draft": "drafts",
    "auto-draft": "drafts",
    "pending": "drafts",
    "future": "scheduled posts",
    "private": "private posts",
    "trash": "deleted posts",
}
# XML does not allow them; what was pasted into a post may have them.
_CONTROLS = bytes([*range(0x09), 0x0B, 0x0C, *range(0x0E, 0x20)])
_TO_SPACES = bytes.maketrans(_CONTROLS, b" " * len(_CONTROLS))
_NO_DATE = "0000"
_BLANK_LINES = re.compile(r"\n[^\S\n]*\n\s*")
_SHORTCODE = re.compile(r"\[(?P<end>/?)(?P<name>[a-zA-Z][\w-]*)(?P<attributes>\s[^\[\]]*)?/?\]")
# The shortcodes of WordPress itself, which are set apart from the text around them.
_CORE_SHORTCODES = frozenset(("audio", "caption", "embed", "gallery", "playlist", "video", "wp_caption"))
_BREAK = "\n<br><br>\n"


@dataclass(slots=True)
class _Export:
    """The display names of authors, by their logins, and the details of the site, as read so far."""

    authors: dict[str, str] = field(default_factory=dict)
    site: Details = NO_DETAILS


class _Cleaned:
    """A stream of bytes, with a space for each control character that XML does not allow."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def read(self, size: int = -1) -> bytes:
        """Return up to `size` bytes."""
        return self._stream.read(size).translate(_TO_SPACES)


def is_export(head: bytes) -> bool:
    """Whether the first bytes of a document are those of an export: its namespace is declared there."""
    return _NAMESPACE in head


def read_articles(document: BinaryDocument) -> Iterator[Article | Failure]:
    """Yield the articles of an export, and a failure for each post that cannot be read.

    Raises UnreadableDocument where the export is damaged.
    """
    export = _Export()
    events = etree.iterparse(
        _Cleaned(document.stream),
        tag=("{*}title", "{*}language", "{*}author", "{*}item"),
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        recover=True,
    )
    try:
        for _, element in events:
            parent = element.getparent()
            name = local_name(element.tag)
            if parent is None or parent.tag != "channel":
                continue
            if name != "item":
                _read_channel(export, name, element)
                continue
            if kind := _find_reason_to_skip(element):
                document.leave_out(kind)
            else:
                yield _read_post(document, element, export)
            element.clear()
            # The tree still has the posts before this one.
            while element.getprevious() is not None:
                del parent[0]
    except etree.XMLSyntaxError as error:
        raise UnreadableDocument(f"damaged: {error}") from error
    if damage := next((entry for entry in events.error_log if entry.level >= etree.ErrorLevels.ERROR), None):
        raise UnreadableDocument(f"damaged, so posts may be missing: line {damage.line}: {damage.message}")


def _read_channel(export: _Export, name: str, element: Any) -> None:
    """Read an author, or a detail of the site."""
    text = normalize_space(element.text or "")
    if name == "author":
        login, display = (_find_text(element, f"author_{key}") for key in ("login", "display_name"))
        export.authors[login] = _to_plain(display)
    elif name == "title":
        export.site = replace(export.site, publisher=_to_plain(text) or None)
    else:
        export.site = replace(export.site, language=language_code(text))


def _find_text(element: Any, name: str) -> str:
    """Return the text of a child, by its name in any version of the namespace; "" if there is none."""
    child = element.find(f"{{*}}{name}")
    return "" if child is None else normalize_space(child.text or "")


def _to_plain(text: str) -> str:
    """Return the text of a title or a name, which are HTML in an export."""
    return " ".join(extract_blocks(parse_visible(text))) if "&" in text or "<" in text else text


def _read_post(document: BinaryDocument, item: Any, export: _Export) -> Article | Failure:
    content = _find_content(item)
    post = _find_text(item, "post_id") or _find_text(item, "guid")
    member = replace(document, article_id=make_record_id(document.article_id, post))
    try:
        document.begin_record(len(content))
        details = _read_details(item, export.authors, document.options).or_else(export.site)
        return assemble_article(
            member, _to_plain(_find_text(item, "title")), _extract_paragraphs(content), details
        )
    except (UnreadableDocument, InvalidArticle) as error:
        return Failure(f"{document.name}/{post}", str(error))


def _find_reason_to_skip(item: Any) -> str:
    """Return the name under which a post is counted as skipped; "" for a post that is read."""
    kind, status = _find_text(item, "post_type"), _find_text(item, "status")
    # The last post of a file that is cut may lack them; it may be a draft.
    if not kind or not status:
        return "posts without a type or a status"
    if kind not in _TYPES:
        return _SKIPPED.get(kind, f"posts of type {kind}")
    if status != "publish":
        return _SKIPPED.get(status, f"posts with status {status}")
    return "posts with a password" if _find_text(item, "post_password") else ""


def _find_content(item: Any) -> str:
    # The excerpt has the same name in another namespace.
    for child in item.iterchildren("{*}encoded"):
        if "excerpt" not in child.tag:
            return child.text or ""
    return ""


def _read_details(item: Any, authors: Mapping[str, str], options: ReadOptions) -> Details:
    categories: dict[str, list[str]] = {"category": [], "post_tag": []}
    for element in item.iterchildren("category"):
        if (domain := element.get("domain")) in categories:
            categories[domain].append(_to_plain(normalize_space(element.text or "")))
    login = _find_text(item, "creator")
    return Details(
        url=web_address(_find_text(item, "link")),
        authors=tuple(filter(None, [authors.get(login) or login])),
        section=next(iter(categories["category"]), None),
        # A post is in several categories, of which the first is not the most important one.
        tags=(*categories["category"], *categories["post_tag"]),
        dates=tuple(_find_dates(item, options)),
    )


def _find_dates(item: Any, options: ReadOptions) -> Iterator[Published]:
    for name, provenance in (("post_date", "given"), ("post_modified", "modified")):
        local, utc = _find_text(item, name), _find_text(item, f"{name}_gmt")
        # The time on the site, unless another time zone is wanted.
        text = f"{utc} UTC" if options.timezone and utc and not utc.startswith(_NO_DATE) else local
        if not text.startswith(_NO_DATE) and (date := parse_date(text, provenance, options)):
            yield date


def _extract_paragraphs(content: str) -> list[str]:
    """Return the paragraphs of a post: HTML in which a blank line begins a paragraph, with shortcodes."""
    ended = {match["name"] for match in _SHORTCODE.finditer(content) if match["end"]}

    def replace_shortcode(match: re.Match[str]) -> str:
        if match["name"] in _CORE_SHORTCODES:
            return _BREAK
        # Prose has words in brackets, too: "[sic]".
        return " " if match["name"] in ended or "=" in (match["attributes"] or "") else match[0]

    html = _SHORTCODE.sub(replace_shortcode, content.replace("\r\n", "\n"))
    return extract_blocks(parse_visible(_BLANK_LINES.sub(_BREAK, html)))

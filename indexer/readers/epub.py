"""EPUB: a chapter an article, in the order of the book.

A chapter begins at each file that the table of contents names, or that has a heading. Where the contents name
several places of a file, those that are least deep begin chapters, too. The title of a chapter is that in the
contents, its section the title of the book.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import unquote

from indexer.article import Article, Failure, Published, make_record_id, normalize_space
from indexer.errors import InvalidArticle, UnreadableDocument
from indexer.limits import ARTICLE_TEXT
from indexer.readers.assemble import assemble_article
from indexer.readers.document import BinaryDocument, Details, ReadOptions
from indexer.readers.encoding import decode
from indexer.readers.expressions import parse_date
from indexer.readers.markup import extract_blocks, parse_visible
from indexer.readers.package import Package, find_attribute, read_properties, resolve_path

_CONTAINER, _ENCRYPTION = "META-INF/container.xml", "META-INF/encryption.xml"
_PROPERTIES = {
    "title": "title",
    "creator": "author",
    "subject": "subject",
    "publisher": "publisher",
    "language": "language",
}
# The events of dates, and the provenance of such a date; without one, it is the publication date.
_EVENTS = {"": "meta", "publication": "meta", "creation": "properties", "modification": "modified"}
_PAGES = ("application/xhtml+xml", "text/html", "text/x-oeb1-document")
_NCX = "application/x-dtbncx+xml"
# A private character that stands in the text where a chapter begins, before its number and after it.
_MARK = "\ue00d"
_MARKED = re.compile(f"{_MARK}(\\d+){_MARK}")
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class _Entry:
    """An entry of the table of contents: a place in a file, and how deep the entry is."""

    file: str
    fragment: str
    title: str
    depth: int


@dataclass(slots=True)
class _Chapter:
    name: str
    title: str
    blocks: list[str] = field(default_factory=list)
    size: int = 0

    def add(self, text: str) -> None:
        """Add a paragraph, unless the chapter is too long already, which is reported when it is assembled."""
        if self.size <= ARTICLE_TEXT:
            self.blocks.append(text)
            self.size += len(text.encode())


@dataclass(frozen=True, slots=True)
class _Book:
    package: Package
    details: Details
    files: list[str]
    entries: dict[str, list[_Entry]]


def read_articles(document: BinaryDocument) -> Iterator[Article | Failure]:
    """Return the article of each chapter, and a failure for each that cannot be read.

    Raises UnreadableDocument if the book is encrypted, or has no chapters.
    """
    return _read_chapters(document, _read_book(document))


def _read_book(document: BinaryDocument) -> _Book:
    package = Package(document)
    # Some books lie in a folder of the ZIP file.
    containers = (name for name in package.names if f"/{name}".endswith(f"/{_CONTAINER}"))
    root = min(containers, key=len, default=_CONTAINER).removesuffix(_CONTAINER)
    path = next(
        (file.get("full-path") for file in package.parse(root + _CONTAINER).iter("{*}rootfile")), None
    )
    path = resolve_path(root, path or "")
    contents = package.parse(path)
    folder = path.rpartition("/")[0]
    items = {item.get("id"): item for item in contents.iter("{*}item") if item.get("href")}
    names = {key: resolve_path(folder, item.get("href").partition("#")[0]) for key, item in items.items()}
    order = [reference.get("idref") for reference in contents.iter("{*}itemref")]
    navigation = [key for key, item in items.items() if "nav" in (item.get("properties") or "").split()]
    pages = (key for key in order if key in names and items[key].get("media-type") in _PAGES)
    files = [*dict.fromkeys(names[key] for key in pages if key not in navigation)]
    if not files:
        raise UnreadableDocument("damaged: it has no chapters")
    if _list_encrypted(package, root) & set(files):
        raise UnreadableDocument("encrypted")
    details = _read_details(contents, document.options)
    tables = [names[key] for key, item in items.items() if item.get("media-type") == _NCX]
    entries: list[_Entry] = []
    try:
        if navigation:
            entries = _read_navigation(package, names[navigation[0]])
        elif tables:
            entries = _read_ncx(package, tables[0])
    except UnreadableDocument as error:
        note = f"the table of contents was not read: {error}"
        details = replace(details, notes=(*details.notes, note))
    by_file: dict[str, list[_Entry]] = {}
    for entry in entries:
        by_file.setdefault(entry.file, []).append(entry)
    return _Book(package, details, files, by_file)


def _read_details(contents: Any, options: ReadOptions) -> Details:
    """Return what holds for each chapter of the book."""
    title, details = read_properties(contents, _PROPERTIES, options)
    return replace(details, section=title or None, dates=tuple(_find_dates(contents, options)))


def _find_dates(contents: Any, options: ReadOptions) -> Iterator[Published]:
    # EPUB 2 states what happened on a date.
    stated = [
        (element.text, _EVENTS.get(find_attribute(element, "event"))) for element in contents.iter("{*}date")
    ]
    for element in contents.iter("{*}meta"):
        if element.get("property") == "dcterms:modified":
            stated.append((element.text, "modified"))
    for text, provenance in stated:
        if provenance and (date := parse_date(normalize_space(text or ""), provenance, options)):
            yield date


def _list_encrypted(package: Package, root: str) -> set[str]:
    if root + _ENCRYPTION not in package.names:
        return set()
    references = package.parse(root + _ENCRYPTION).iter("{*}CipherReference")
    return {resolve_path(root, reference.get("URI") or "") for reference in references}


def _read_navigation(package: Package, name: str) -> list[_Entry]:
    """Return the table of contents of EPUB 3, which is a page."""
    page = parse_visible(decode(package.read(name), is_markup=True)[0], is_xml=True)
    lists = page.css("nav")
    # A book may have other lists, of its illustrations for example.
    lists.sort(key=lambda nav: nav.attributes.get("epub:type") != "toc")
    found: list[_Entry] = []
    for link in lists[0].css("a[href]") if lists else ():
        depth = 0
        parent = link.parent
        while parent is not None and parent.mem_id != lists[0].mem_id:
            depth += parent.tag == "ol"
            parent = parent.parent
        found += _make_entry(name, link.attributes.get("href"), link.text(), depth)
    return found


def _read_ncx(package: Package, name: str) -> list[_Entry]:
    """Return the table of contents of EPUB 2."""
    found = []
    for point in package.parse(name).iter("{*}navPoint"):
        target, label = point.find("{*}content"), point.find("{*}navLabel/{*}text")
        title = "" if label is None else label.text or ""
        depth = sum(1 for _ in point.iterancestors("{*}navPoint"))
        found += _make_entry(name, None if target is None else target.get("src"), title, depth)
    return found


def _make_entry(contents: str, target: str | None, title: str, depth: int) -> list[_Entry]:
    if not target:
        return []
    path, _, fragment = target.partition("#")
    folder, _, own = contents.rpartition("/")
    return [_Entry(resolve_path(folder, path or own), unquote(fragment), normalize_space(title), depth)]


def _read_chapters(document: BinaryDocument, book: _Book) -> Iterator[Article | Failure]:
    chapter: _Chapter | None = None
    for file in book.files:
        try:
            data = book.package.read(file)
            document.begin_record(len(data))
            text = decode(data, is_markup=True)[0]
            del data
        except UnreadableDocument as error:
            yield Failure(f"{document.name}/{file}", str(error))
            continue
        heading, parts = _split_page(text, _list_starts(book.entries.get(file, [])))
        for number, (entry, blocks) in enumerate(parts):
            # Some programs divide a long chapter into files.
            if entry is not None or chapter is None or heading:
                if chapter is not None:
                    yield from _assemble(document, book, chapter)
                name = f"{file}#{entry.fragment}" if entry and number else file
                chapter = _Chapter(name, heading if entry is None else entry.title)
            for block in blocks:
                chapter.add(block)
    if chapter is not None:
        yield from _assemble(document, book, chapter)


def _list_starts(entries: list[_Entry]) -> list[_Entry]:
    """Return the entries where a chapter begins, of those of one file: the first, and the least deep ones."""
    least = min((entry.depth for entry in entries), default=0)
    return entries[:1] + [entry for entry in entries[1:] if entry.depth == least and entry.fragment]


def _split_page(text: str, starts: list[_Entry]) -> tuple[str, list[tuple[_Entry | None, list[str]]]]:
    """Return the heading of a page, and its text in parts, each with the entry that it begins with."""
    page = parse_visible(text.replace(_MARK, ""), is_xml=True)
    heading = page.css_first("h1, h2")
    title = normalize_space(heading.text()) if heading else ""
    # The text before the second entry belongs to the first one, wherever in the page that points.
    places = {entry.fragment: number for number, entry in enumerate(starts) if number}
    for element in page.css("[id], a[name]") if places else ():
        attributes = element.attributes
        for fragment in (attributes.get("id"), attributes.get("name")):
            if (number := places.pop(fragment or "", None)) is not None:
                element.insert_before(f"{_MARK}{number}{_MARK}")
    parts: list[tuple[_Entry | None, list[str]]] = [(starts[0] if starts else None, [])]
    for block in extract_blocks(page):
        before, *marked = _MARKED.split(block)
        if before.strip():
            parts[-1][1].append(before.strip())
        for mark, after in zip(marked[::2], marked[1::2], strict=True):
            parts.append((starts[int(mark)], [after.strip()] if after.strip() else []))
    return title, parts


def _assemble(document: BinaryDocument, book: _Book, chapter: _Chapter) -> Iterator[Article | Failure]:
    """Yield the article of a chapter, or a failure; nothing for one without text, such as a cover."""
    if not chapter.blocks:
        return
    name = f"{document.name}/{chapter.name}"
    paragraphs = _drop_title(chapter.blocks, chapter.title)
    member = replace(document, name=name, article_id=make_record_id(document.article_id, chapter.name))
    try:
        yield assemble_article(member, chapter.title, paragraphs, book.details)
    except (UnreadableDocument, InvalidArticle) as error:
        yield Failure(name, str(error))


def _drop_title(blocks: list[str], title: str) -> list[str]:
    """Return the blocks without the first ones that are the title, such as its number and its words."""
    words = _WORD.findall(title.casefold())
    for count in (1, 2):
        if words and _WORD.findall(" ".join(blocks[:count]).casefold()) == words:
            return blocks[count:]
    return blocks

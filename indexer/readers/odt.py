"""ODT and ODP: paragraphs, headings, list items and table rows, with the footnotes and text boxes in them.

Tracked deletions, comments, headers, footers and the table of contents are not read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar

from indexer.article import Article
from indexer.errors import UnreadableDocument
from indexer.readers.document import NO_DETAILS, BinaryDocument
from indexer.readers.office import Block, PartReader, Role, assemble_document
from indexer.readers.package import Package, read_properties

_SVG = "{urn:oasis:names:tc:opendocument:xmlns:svg-compatible:1.0}"
_PROPERTIES = {
    "title": "title",
    "initial-creator": "author",
    "keyword": "keywords",
    "language": "language",
    "creation-date": "created",
    "date": "modified",
}


def read_articles(document: BinaryDocument) -> Iterator[Article]:
    """Return the article in an OpenDocument text or presentation. Raises UnreadableDocument without text."""
    package = Package(document)
    manifest = "META-INF/manifest.xml"
    if manifest in package.names and b"encryption-data" in package.read(manifest):
        raise UnreadableDocument("encrypted")
    body = _Content()
    package.feed("content.xml", body)
    title, details = "", NO_DETAILS
    if "meta.xml" in package.names:
        title, details = read_properties(package.parse("meta.xml"), _PROPERTIES, document.options)
    return iter([assemble_document(document, body.blocks, title, details, body.is_title)])


class _Content(PartReader):
    """The label of a block is the name of its style, which in a slide is its placeholder."""

    roles: ClassVar[Mapping[str, Role]] = {
        "p": "paragraph",
        "h": "paragraph",
        "table-row": "row",
        "table-cell": "cell",
        "s": "space",
        "tab": "space",
        "line-break": "line break",
        "tracked-changes": "hidden",
        "annotation": "hidden",
        "note-citation": "hidden",
        "ruby-text": "hidden",
        "table-of-content": "hidden",
        # The number and the date on a slide.
        "page-number": "hidden",
        # The alternative text of a picture; a field with the title has the same name.
        f"{_SVG}title": "hidden",
        f"{_SVG}desc": "hidden",
        "script": "hidden",
        "style": "mark",
        "page": "mark",
        "frame": "mark",
    }

    def __init__(self) -> None:
        super().__init__()
        self._parents: dict[str, str] = {}

    def read_mark(self, name: str, attributes: dict[str, str]) -> None:
        if name == "style":
            # A paragraph that was formatted by hand has a style of its own, derived from the one that it had.
            self._parents[attributes.get("name", "")] = attributes.get("parent-style-name", "")
        elif name == "page":
            self.page = (self.page or 0) + 1
        elif name == "frame":
            self.label = attributes.get("class", "")
        elif not self.label:
            self.label_paragraph(attributes.get("style-name", ""))

    def is_title(self, block: Block) -> bool:
        """Whether a block is the title of the document or of its first slide."""
        return "Title" in (block.label, self._parents.get(block.label)) or block.label == "title"

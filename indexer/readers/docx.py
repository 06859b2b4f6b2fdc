"""DOCX: paragraphs, headings, list items and table rows, with the footnotes and text boxes in them.

Tracked deletions, hidden text, comments, headers, footers and the table of contents are not read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import ClassVar

from indexer.article import Article
from indexer.readers.document import BinaryDocument
from indexer.readers.office import Block, PartReader, Role, assemble_document
from indexer.readers.package import (
    Package,
    find_attribute,
    find_main_part,
    find_related,
    local_name,
    read_core_properties,
)

_CONTENTS = re.compile(r"toc(?: \d| heading)")


def read_articles(document: BinaryDocument) -> Iterator[Article]:
    """Return the article in a Word document. Raises UnreadableDocument if there is no text."""
    package = Package(document)
    main = find_main_part(package)
    body = _Body(_read_styles(package, main), _read_notes(package, main))
    package.feed(main, body)
    blocks = [block for block in body.blocks if not _CONTENTS.fullmatch(block.label)]
    title, details = read_core_properties(package, document.options)
    return iter([assemble_document(document, blocks, title, details, lambda block: block.label == "title")])


class _Notes(PartReader):
    """Footnotes or endnotes: the label of a block is the id of its note."""

    roles: ClassVar[Mapping[str, Role]] = {
        "p": "paragraph",
        "tr": "row",
        "tc": "cell",
        "t": "text",
        "tab": "space",
        "ptab": "space",
        "br": "line break",
        "cr": "line break",
        "noBreakHyphen": "hyphen",
        "del": "hidden",
        "moveFrom": "hidden",
        "rt": "hidden",
        # It repeats the element beside it for older programs.
        "Fallback": "hidden",
        "r": "mark",
        "vanish": "mark",
        "footnote": "mark",
        "endnote": "mark",
    }

    def __init__(self) -> None:
        super().__init__()
        self._is_run_hidden = False

    def read_mark(self, name: str, attributes: dict[str, str]) -> None:
        if name == "r":
            self._is_run_hidden = False
        elif name == "vanish":
            self._is_run_hidden = attributes.get("val") not in ("0", "false", "off")
        elif name in ("footnote", "endnote"):
            self.label = attributes.get("id", "")

    def add_text(self, text: str) -> None:
        if not self._is_run_hidden:
            super().add_text(text)


class _Body(_Notes):
    """The main part: the label of a paragraph is the name of its style, in lower case."""

    roles: ClassVar[Mapping[str, Role]] = {
        **_Notes.roles,
        "pStyle": "mark",
        "footnoteReference": "mark",
        "endnoteReference": "mark",
    }

    def __init__(self, styles: Mapping[str, str], notes: Mapping[tuple[str, str], list[Block]]) -> None:
        super().__init__()
        self._styles = styles
        self._notes = notes

    def read_mark(self, name: str, attributes: dict[str, str]) -> None:
        if name == "pStyle":
            self.label_paragraph(self._styles.get(attributes.get("val", ""), ""))
        elif name.endswith("Reference"):
            kind = name.removesuffix("Reference") + "s"
            self.add_blocks(self._notes.get((kind, attributes.get("id", "")), ()))
        else:
            super().read_mark(name, attributes)


def _read_notes(package: Package, main: str) -> dict[tuple[str, str], list[Block]]:
    """Return the blocks of footnotes and endnotes, by the kind and the id of the note."""
    found: dict[tuple[str, str], list[Block]] = {}
    for _, kind, name in find_related(package, main):
        if kind in ("footnotes", "endnotes") and name in package.names:
            notes = _Notes()
            package.feed(name, notes)
            for block in notes.blocks:
                found.setdefault((kind, block.label), []).append(Block(block.text))
    return found


def _read_styles(package: Package, main: str) -> dict[str, str]:
    """Return the names of styles in lower case, by their ids, which depend on the language of the program."""
    for _, kind, name in find_related(package, main):
        if kind == "styles" and name in package.names:
            styles = (element for element in package.parse(name) if local_name(element.tag) == "style")
            return {
                find_attribute(style, "styleId"): find_attribute(style[0], "val").lower()
                for style in styles
                if len(style)
            }
    return {}

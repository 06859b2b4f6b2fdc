"""PPTX: the slides in their order, each paragraph with the number of its slide, then the speaker's notes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import ClassVar

from indexer.article import Article
from indexer.readers.document import BinaryDocument
from indexer.readers.office import Block, PartReader, Role, assemble_document
from indexer.readers.package import Package, find_main_part, find_related, local_name, read_core_properties

_TITLES = ("title", "ctrTitle")
# The number of a slide, the footer and the header, and the small picture of a slide beside its notes.
_NOT_TEXT = ("sldNum", "ftr", "hdr", "sldImg")
_DATE = "dt"


def read_articles(document: BinaryDocument) -> Iterator[Article]:
    """Return the article in a presentation. Raises UnreadableDocument if there is no text."""
    package = Package(document)
    blocks: list[Block] = []
    for number, slide in enumerate(_list_slides(package), start=1):
        found = _read_part(package, slide)
        if number > 1:
            found = [block for block in found if block.label != _DATE]
        related = [*find_related(package, slide)]
        for _, kind, name in sorted(related, key=lambda part: part[1] == "notesSlide"):
            if kind in ("diagramData", "notesSlide") and name in package.names:
                found += [replace(block, label=kind) for block in _read_part(package, name)]
        blocks += [replace(block, page=number) for block in found]
    title, details = read_core_properties(package, document.options)
    return iter([assemble_document(document, blocks, title, details, lambda block: block.label in _TITLES)])


class _Slide(PartReader):
    """The label of a block is the type of its placeholder; text boxes have none."""

    roles: ClassVar[Mapping[str, Role]] = {
        "p": "paragraph",
        "tr": "row",
        "tc": "cell",
        "t": "text",
        "br": "line break",
        "tab": "space",
        "Fallback": "hidden",
        # The number of the slide, or the day when it is shown.
        "fld": "hidden",
        "sp": "mark",
        "graphicFrame": "mark",
        "ph": "mark",
    }

    def read_mark(self, name: str, attributes: dict[str, str]) -> None:
        if name != "p":
            self.label = attributes.get("type", "")


def _read_part(package: Package, name: str) -> list[Block]:
    slide = _Slide()
    package.feed(name, slide)
    return [block for block in slide.blocks if block.label not in _NOT_TEXT]


def _list_slides(package: Package) -> Iterator[str]:
    """Yield the names of the slides in the order of the presentation."""
    main = find_main_part(package)
    names = {identifier: name for identifier, kind, name in find_related(package, main) if kind == "slide"}
    for element in package.parse(main).iter("{*}sldId"):
        for key, value in element.attrib.items():
            # Its other attribute is a number that is also called "id", but has no namespace.
            if local_name(key) != key and value in names:
                yield names[value]

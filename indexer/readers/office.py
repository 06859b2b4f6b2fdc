"""The text of Office documents, whose XML has paragraphs, tables, footnotes and text boxes.

A part is read as a stream, so that a long document takes little more memory than its text. Office Open XML
and OpenDocument are vocabularies: a subclass of `PartReader` each says which roles their elements have in the
text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from indexer.article import Article, split_at_blank_lines
from indexer.errors import UnreadableDocument
from indexer.readers.assemble import MAX_TITLE, assemble_text, is_prose
from indexer.readers.dates import HeadDates
from indexer.readers.document import BinaryDocument, Details
from indexer.readers.package import local_name

Role = Literal["paragraph", "row", "cell", "text", "space", "line break", "hyphen", "hidden", "mark"]
"""The role of an element in the text.

If a vocabulary has `text` elements, only these have text; else a paragraph has. The content of a `hidden`
element is not shown. For a `mark` and for a paragraph, `PartReader.read_mark` is called.
"""
_CHARACTERS = {"space": " ", "line break": "\n", "hyphen": "-"}


@dataclass(slots=True)
class Block:
    """A paragraph or a row of a table. The `label` says what it is: the name of its style, for example."""

    text: str
    label: str = ""
    page: int | None = None


@dataclass(slots=True)
class _Paragraph:
    label: str
    pieces: list[str] = field(default_factory=list)
    following: list[Block] = field(default_factory=list)
    """Footnotes and text boxes, which are inside the paragraph, but not a part of its sentences."""


@dataclass(slots=True)
class _Row:
    cells: list[list[Block]] = field(default_factory=list)


class PartReader:
    """A target for lxml's parser: collects the blocks of a part.

    What is inside a paragraph, such as a text box, follows it. A row is one block if no cell has more than
    one paragraph. `label` and `page` are those of the blocks to come.
    """

    roles: ClassVar[Mapping[str, Role]]
    """The roles of elements, by their names, with the namespace where another element has the same name."""

    def __init__(self) -> None:
        self.blocks: list[Block] = []
        self.label = ""
        self.page: int | None = None
        self._open: list[_Paragraph | _Row | list[Block]] = []
        self._hidden_depth = 0
        self._has_texts = "text" in self.roles.values()
        self._is_text = not self._has_texts

    def read_mark(self, name: str, attributes: dict[str, str]) -> None:
        """Read an element that has begun; the names of its attributes are without namespaces, too."""

    def start(self, tag: str, attributes: Any) -> None:
        if self._hidden_depth:
            self._hidden_depth += 1
            return
        name = local_name(tag)
        role = self.roles.get(tag) or self.roles.get(name)
        if role is None:
            return
        if role == "text":
            self._is_text = True
        elif role == "hidden":
            self._hidden_depth = 1
        elif role == "row":
            self._open.append(_Row())
        elif role == "cell":
            self._open.append([])
        elif role in _CHARACTERS:
            self.add_text(_CHARACTERS[role])
        else:
            if role == "paragraph":
                self._open.append(_Paragraph(self.label))
            self.read_mark(name, {local_name(key): value for key, value in attributes.items()})

    def end(self, tag: str) -> None:
        if self._hidden_depth:
            self._hidden_depth -= 1
            return
        role = self.roles.get(local_name(tag))
        if role == "text":
            self._is_text = not self._has_texts
        elif role in ("paragraph", "row", "cell"):
            blocks = _blocks_of(self._open.pop(), self.page)
            if role == "cell" and self._open and isinstance(row := self._open[-1], _Row):
                row.cells.append(blocks)
            else:
                self.add_blocks(blocks)

    def data(self, text: str) -> None:
        if self._is_text and not self._hidden_depth:
            self.add_text(text)

    def doctype(self, *_: object) -> None:
        # It could define entities.
        raise UnreadableDocument("damaged: it has a document type declaration, which such files never have")

    def close(self) -> None:
        """Do nothing at the end of the part."""

    def add_text(self, text: str) -> None:
        """Add a text to the paragraph that is open, if one is."""
        if self._open and isinstance(paragraph := self._open[-1], _Paragraph):
            paragraph.pieces.append(text)

    def add_blocks(self, blocks: Iterable[Block]) -> None:
        """Add blocks after the paragraph that is open, or to the cell."""
        outer = self._open[-1] if self._open else self.blocks
        if isinstance(outer, _Paragraph):
            outer.following.extend(blocks)
        elif isinstance(outer, _Row):
            outer.cells.append([*blocks])
        else:
            outer.extend(blocks)

    def label_paragraph(self, label: str) -> None:
        """Label the paragraph that is open."""
        if self._open and isinstance(paragraph := self._open[-1], _Paragraph):
            paragraph.label = label


def _blocks_of(element: _Paragraph | _Row | list[Block], page: int | None) -> list[Block]:
    if isinstance(element, _Paragraph):
        texts = split_at_blank_lines("".join(element.pieces))
        return [*(Block(text, element.label, page) for text in texts), *element.following]
    if isinstance(element, _Row):
        return join_row(element.cells)
    return element


def join_row(cells: list[list[Block]]) -> list[Block]:
    """Return the row of a table as one block, or the blocks of its cells if a cell has several."""
    blocks = [block for cell in cells for block in cell]
    if len(blocks) > 1 and all(len(cell) <= 1 for cell in cells):
        return [Block(" | ".join(block.text for block in blocks), page=blocks[0].page)]
    return blocks


def assemble_document(
    document: BinaryDocument,
    blocks: list[Block],
    stated_title: str,
    details: Details,
    is_title: Callable[[Block], bool],
) -> Article:
    """Return the article of an Office document.

    Its title is a block that is marked as one, else the one that the metadata state, else a short first
    block. Raises UnreadableDocument if there is no text.
    """
    title, blocks = _take_title(blocks, stated_title, is_title)
    head = HeadDates(document.options)
    bare = head.read_lines(block.text for block in blocks)
    blocks = [block for number, block in enumerate(blocks) if number not in bare]
    texts = [block.text for block in blocks]
    return assemble_text(document, title, texts, details, head, [block.page for block in blocks])


def _take_title(
    blocks: list[Block], stated: str, is_title: Callable[[Block], bool]
) -> tuple[str, list[Block]]:
    """Return the title and the other blocks."""
    for number, block in enumerate(blocks):
        if is_title(block):
            return block.text, [*blocks[:number], *blocks[number + 1 :]]
    first = blocks[0].text if blocks else ""
    if stated:
        return stated, blocks[1:] if first.casefold() == stated.casefold() else blocks
    if len(blocks) > 1 and len(first) <= MAX_TITLE and not is_prose(first):
        return first, blocks[1:]
    return "", blocks

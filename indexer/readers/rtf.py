"""RTF: paragraphs, list items and table rows, with the footnotes and text boxes in them.

A document is groups in braces of control words and text (Microsoft, Rich Text Format Specification 1.9.1,
2008). Tracked deletions, hidden text, comments, headers, footers and pictures are not read.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Literal

from indexer.article import Article, Published, normalize_space, split_at_blank_lines
from indexer.errors import UnreadableDocument
from indexer.readers.document import BinaryDocument, Details, ReadOptions, split_keywords, split_names
from indexer.readers.expressions import parse_date
from indexer.readers.office import Block, assemble_document, join_row

_START = b"{\\rtf"
_TOKEN = re.compile(
    rb"\\(?P<word>[a-zA-Z]{1,32})(?P<number>-?\d{1,9})? ?|\\'(?P<byte>[0-9a-fA-F]{2})|\\(?P<sign>[^a-zA-Z])|"
    rb"(?P<brace>[{}])|(?P<text>[^\\{}\r\n]+)|[\r\n]+|\\"
)
_MAX_DEPTH = 10_000
# The content of these groups is not text of the document, nor is that of a group that begins with \*, unless
# it is one of `_SHOWN`.
_HIDDEN = frozenset(
    (
        *("colortbl", "pict", "header", "headerl", "headerr", "headerf", "footer", "footerl", "footerr"),
        *("footerf", "ftnsep", "ftnsepc", "ftncn", "aftnsep", "aftnsepc", "aftncn", "listtext", "pntext"),
        *("nonesttables", "sp", "shprslt", "fldinst", "xe", "tc", "rxe", "txe", "template", "private"),
        *("annotation", "atnid", "atnauthor", "filetbl", "revtbl", "bkmkstart", "bkmkend", "datafield"),
    )
)
_SHOWN = frozenset(("footnote", "shpinst", "shptxt"))
_FLOWS = frozenset(("footnote", "shptxt"))
_TABLES = frozenset(("fonttbl", "stylesheet"))
_PROPERTIES = frozenset(("title", "author", "keywords", "creatim", "revtim"))
_CHARACTERS = {
    "tab": " ",
    "line": "\n",
    "emdash": "—",
    "endash": "–",
    "emspace": " ",
    "enspace": " ",
    "qmspace": " ",
    "bullet": "•",
    "lquote": "‘",
    "rquote": "’",
    "ldblquote": "“",
    "rdblquote": "”",
    "nestcell": "\n\n",
    "nestrow": "\n\n",
}
_SIGNS = {b"~": " ", b"_": "-", b"\n": "\n\n", b"\r": "\n\n", b"{": "{", b"}": "}", b"\\": "\\"}
# The character sets of fonts, and the encodings of whole documents.
_CHARACTER_SETS = {
    77: "mac_roman",
    128: "cp932",
    129: "cp949",
    130: "johab",
    134: "gbk",
    136: "cp950",
    161: "cp1253",
    162: "cp1254",
    163: "cp1258",
    177: "cp1255",
    178: "cp1256",
    186: "cp1257",
    204: "cp1251",
    222: "cp874",
    238: "cp1250",
    254: "cp437",
    255: "cp850",
}
_ENCODINGS = {"mac": "mac_roman", "pc": "cp437", "pca": "cp850"}
_DEFAULT_ENCODING = "cp1252"

Sink = Literal["text", "hidden", "fonttbl", "stylesheet", "property"]


def read_articles(document: BinaryDocument) -> Iterator[Article]:
    """Return the article in an RTF document. Raises UnreadableDocument if there is no text."""
    data = document.stream.read()
    if not data.startswith(_START):
        raise UnreadableDocument("damaged: it does not begin as RTF does")
    parser = _Parser()
    parser.parse(data)
    del data
    properties = {name: normalize_space("".join(texts)) for name, texts in parser.properties.items()}
    details = Details(
        authors=split_names(properties.get("author", "")),
        tags=split_keywords(properties.get("keywords", "")),
        dates=tuple(_parse_dates(parser.moments, document.options)),
    )
    title = properties.get("title", "")
    return iter([assemble_document(document, parser.blocks, title, details, _is_title)])


def _is_title(block: Block) -> bool:
    return block.label.lower() == "title"


def _parse_dates(moments: dict[str, dict[str, int]], options: ReadOptions) -> Iterator[Published]:
    for name, provenance in (("creatim", "properties"), ("revtim", "modified")):
        parts = moments.get(name, {})
        if year := parts.get("yr"):
            day = f"{year:04}-{parts.get('mo', 1):02}-{parts.get('dy', 1):02}"
            text = f"{day}T{parts.get('hr', 0):02}:{parts.get('min', 0):02}"
            if date := parse_date(text, provenance, options):
                yield date


@dataclass(slots=True)
class _State:
    """The properties of a group, which the groups inside inherit and may change."""

    sink: Sink = "text"
    name: str = ""
    """Of the property that is read."""
    encoding: str = _DEFAULT_ENCODING
    fallback_length: int = 1
    """How many characters after a Unicode character stand for it in programs that do not know it."""
    is_hidden: bool = False
    is_deleted: bool = False
    is_flow: bool = False


@dataclass(slots=True)
class _Flow:
    """Text that is read from its start to its end: that of the document, of a footnote or of a text box."""

    blocks: list[Block] = field(default_factory=list)
    pieces: list[str] = field(default_factory=list)
    following: list[Block] = field(default_factory=list)
    style: int = 0
    is_in_table: bool = False
    cell: list[Block] = field(default_factory=list)
    cells: list[list[Block]] = field(default_factory=list)


class _Parser:
    """Reads control words and text into `blocks`, and what the document states of itself."""

    def __init__(self) -> None:
        self.properties: dict[str, list[str]] = {}
        self.moments: dict[str, dict[str, int]] = {}
        self._state = _State()
        self._states: list[_State] = []
        self._flows = [_Flow()]
        self._bytes = bytearray()
        self._skipped = 0
        self._is_optional = False
        self._default_encoding = _DEFAULT_ENCODING
        self._font = self._style = 0
        self._fonts: dict[int, str] = {}
        self._styles: dict[int, list[str]] = {}

    @property
    def blocks(self) -> list[Block]:
        """The blocks that were read."""
        return self._flows[0].blocks

    def parse(self, data: bytes) -> None:
        """Read a whole document. Raises UnreadableDocument if it is damaged."""
        at, end = 0, len(data)
        while at < end and (token := _TOKEN.match(data, at)):
            at = token.end()
            kind = token.lastgroup
            if kind == "text":
                self._add_bytes(token["text"])
            elif kind == "byte":
                self._add_bytes(bytes((int(token["byte"], 16),)))
            elif kind == "brace":
                self._flush()
                self._skipped = 0
                self._begin_group() if token["brace"] == b"{" else self._end_group()
            elif kind in ("word", "number"):
                number = None if token["number"] is None else int(token["number"])
                word = token["word"].decode()
                if word == "bin":
                    at += max(0, number or 0)
                else:
                    self._read_word(word, number)
            elif kind == "sign":
                self._read_sign(token["sign"])
        self._flush()
        while len(self._flows) > 1:
            self._end_flow()
        self._end_paragraph()
        self._end_row()

    def _begin_group(self) -> None:
        if len(self._states) >= _MAX_DEPTH:
            raise UnreadableDocument("damaged: its groups are nested too deeply")
        self._states.append(self._state)
        self._state = replace(self._state, is_flow=False)
        self._is_optional = False

    def _end_group(self) -> None:
        if self._state.is_flow:
            self._end_flow()
            # The group may be the outermost one, after which there may be more braces.
            self._state.is_flow = False
        if self._states:
            self._state = self._states.pop()

    def _read_sign(self, sign: bytes) -> None:
        if sign == b"*":
            self._is_optional = True
        elif text := _SIGNS.get(sign):
            self._add_text(text)

    def _read_word(self, word: str, number: int | None) -> None:
        is_optional, self._is_optional = self._is_optional, False
        state = self._state
        if word == "u":
            self._add_text(chr((number or 0) % 0x10000))
            self._skipped = state.fallback_length
            return
        self._flush()
        if state.sink == "hidden":
            return
        if word in _HIDDEN or (is_optional and word not in _SHOWN):
            state.sink = "hidden"
        elif word in _TABLES:
            state.sink = "fonttbl" if word == "fonttbl" else "stylesheet"
        elif word == "info":
            state.sink, state.name = "property", ""
        elif state.sink == "property":
            self._read_property(word, number)
        elif word == "f":
            self._font = number or 0
            state.encoding = self._fonts.get(self._font, self._default_encoding)
        elif word == "fcharset" and state.sink == "fonttbl":
            self._fonts[self._font] = _CHARACTER_SETS.get(number or 0, self._default_encoding)
        elif word == "s" and state.sink == "stylesheet":
            self._style = number or 0
        elif word == "s":
            self._flows[-1].style = number or 0
        elif word == "uc":
            state.fallback_length = max(0, number or 0)
        elif word in _ENCODINGS:
            self._default_encoding = state.encoding = _ENCODINGS[word]
        elif word == "ansicpg":
            self._default_encoding = state.encoding = _find_encoding(number)
        elif state.sink == "text":
            self._read_text_word(word, number)

    def _read_property(self, word: str, number: int | None) -> None:
        if word in _PROPERTIES:
            # LibreOffice states the last editor as a second author.
            self._state.name = "" if word in self.properties else word
        elif number is not None and self._state.name:
            self.moments.setdefault(self._state.name, {})[word] = number

    def _read_text_word(self, word: str, number: int | None) -> None:
        state, flow = self._state, self._flows[-1]
        if word in _FLOWS:
            if not state.is_flow:
                state.is_flow = True
                self._flows.append(_Flow())
        elif word in ("par", "sect", "page"):
            self._end_paragraph()
        elif word == "pard":
            flow.style, flow.is_in_table = 0, False
        elif word == "intbl":
            flow.is_in_table = True
        elif word == "cell":
            flow.is_in_table = True
            self._end_paragraph()
            flow.cells.append(flow.cell)
            flow.cell = []
        elif word == "row":
            self._end_row()
        elif word == "v":
            state.is_hidden = number != 0
        elif word == "deleted":
            state.is_deleted = number != 0
        elif word == "plain":
            state.is_hidden = state.is_deleted = False
        elif word in _CHARACTERS:
            self._add_text(_CHARACTERS[word])

    def _add_bytes(self, data: bytes) -> None:
        self._is_optional = False
        if self._skipped:
            skipped = min(self._skipped, len(data))
            self._skipped -= skipped
            data = data[skipped:]
        if self._state.sink != "hidden":
            self._bytes += data

    def _flush(self) -> None:
        """Decode the bytes that were read: a character may have several, and some may be escaped."""
        if self._bytes:
            text = self._bytes.decode(self._state.encoding, "replace")
            self._bytes.clear()
            self._add_text(text)

    def _add_text(self, text: str) -> None:
        self._flush()
        state = self._state
        if state.sink == "text":
            if not (state.is_hidden or state.is_deleted):
                self._flows[-1].pieces.append(text)
        elif state.sink == "property":
            if state.name:
                self.properties.setdefault(state.name, []).append(text)
        elif state.sink == "stylesheet":
            self._styles.setdefault(self._style, []).append(text)

    def _end_paragraph(self) -> None:
        flow = self._flows[-1]
        # A character beyond the first 65,536 is written as two.
        text = "".join(flow.pieces).encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        flow.pieces.clear()
        label = "".join(self._styles.get(flow.style, ())).partition(";")[0]
        target = flow.cell if flow.is_in_table else flow.blocks
        target += [Block(part, label) for part in split_at_blank_lines(text)]
        target += flow.following
        flow.following.clear()

    def _end_row(self) -> None:
        flow = self._flows[-1]
        flow.blocks += join_row([*flow.cells, flow.cell])
        flow.cells, flow.cell = [], []

    def _end_flow(self) -> None:
        self._end_paragraph()
        self._end_row()
        inner = self._flows.pop()
        self._flows[-1].following += inner.blocks


def _find_encoding(number: int | None) -> str:
    name = "utf-8" if number == 65001 else f"cp{number}"
    try:
        return codecs.lookup(name).name
    except LookupError:
        return _DEFAULT_ENCODING

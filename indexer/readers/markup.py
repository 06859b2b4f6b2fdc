"""The markup of a page that a browser shows, and the text of its blocks.

Lexbor follows the HTML standard, so a page that is not well-formed has the same elements as in a browser. A
parser that disagrees about where a script ends would take its code for text.
"""

from __future__ import annotations

import re

from selectolax.lexbor import LexborDocumentOptions, LexborHTMLParser, LexborNode, SelectolaxError

from indexer.article import normalize_space

# Scripts with JSON-LD are kept: they have the page's metadata.
_HIDDEN = 'script:not([type*="ld+json" i]), style, noscript, textarea, iframe, noembed, noframes, svg, math'
_NOT_TEXT = (
    "head, title, script, nav, footer, object, embed, canvas, audio, video, select, option, button, "
    '[hidden], [role="navigation"]'
)
_INLINE = frozenset(
    (
        *("a", "abbr", "acronym", "b", "bdi", "bdo", "big", "br", "cite", "code", "data", "del", "dfn", "em"),
        *("font", "i", "img", "ins", "kbd", "label", "mark", "q", "rb", "rp", "rt", "ruby", "s", "samp"),
        *("small", "span", "strike", "strong", "sub", "sup", "td", "th", "time", "tt", "u", "var", "wbr"),
        # `parse_visible` and `extract_blocks` have emptied these.
        *("audio", "button", "canvas", "embed", "iframe", "input", "math", "noscript", "object", "option"),
        *("script", "select", "style", "svg", "textarea", "video"),
    )
)
# `<script/>` is complete in XML; a parser of HTML would take all that follows for its content.
_SELF_CLOSED = re.compile(
    r"""<(script|style|template|title|noscript|textarea|iframe|noembed|noframes|xmp|plaintext)\b"""
    r"""((?:"[^"]*"|'[^']*'|[^"'<>])*+(?<=/))>""",
    re.ASCII | re.IGNORECASE,
)


def parse_visible(page: str, *, is_xml: bool = False) -> LexborHTMLParser:
    """Return the page as a browser parses it, without the text that a browser does not show.

    Comments and scripts with JSON-LD are kept. With `is_xml`, `<script />` is a complete element. Raises
    MemoryError.
    """
    if is_xml:
        page = _SELF_CLOSED.sub(r"<\1\2></\1>", page)
    # With scripting, <noscript> contains text. Without events, <selectedcontent> has no copy of an option.
    try:
        parser = LexborHTMLParser(
            page.encode("utf-8", "replace"), options=LexborDocumentOptions.WO_EVENTS, scripting=True
        )
    except SelectolaxError as error:
        # Any text is valid input, so the only possible error is a lack of memory.
        raise MemoryError from error
    # The content of a template is not among its children.
    for node in parser.css("template"):
        node.decompose()
    empty_elements(parser, _HIDDEN)
    # Browsers show the content of these as plain text; lxml does not know them.
    for node in parser.css("xmp, plaintext"):
        verbatim = parser.create_node("pre")
        verbatim.insert_child(node.text())
        node.replace_with(verbatim)
    return parser


def extract_blocks(page: LexborHTMLParser) -> list[str]:
    """Return the text of each block in reading order, without navigation and controls.

    The cells of a table row are one block. `page` comes from `parse_visible`; its navigation and controls are
    emptied.
    """
    empty_elements(page, _NOT_TEXT)
    found: list[str] = []
    pieces: list[str] = []
    # For each element, by its address: the address of its block, and whether that keeps line breaks.
    blocks: dict[int, tuple[int, bool]] = {}
    current = (0, False)
    line_breaks = 0

    def flush() -> None:
        found.extend(_block_text(pieces, is_verbatim=current[1]))
        pieces.clear()

    for node in page.root.traverse(include_text=True) if page.root else ():
        tag = node.tag
        if tag == "br":
            line_breaks += 1
            pieces.append("\n")
        elif tag in ("td", "th"):
            pieces.append("\t")
        elif node.is_text_node and node.parent is not None:
            block = _block_of(node.parent, blocks)
            text = node.text_content or ""
            is_blank = not text.strip()
            # Two line breaks separate paragraphs.
            if block != current or (line_breaks > 1 and not block[1] and not is_blank):
                flush()
                current = block
            if not is_blank:
                line_breaks = 0
            pieces.append(text)
        elif node.is_element_node and tag not in _INLINE:
            # An element without text separates blocks, too.
            flush()
    flush()
    return found


def empty_elements(parser: LexborHTMLParser, selector: str) -> None:
    """Remove the content of the elements that a CSS selector matches."""
    # The elements themselves are kept: they separate the texts before and after them.
    for node in parser.css(selector):
        while node.first_child is not None:
            node.first_child.decompose()


def _block_of(element: LexborNode, blocks: dict[int, tuple[int, bool]]) -> tuple[int, bool]:
    """Return the address of the block that an element is in, and whether that keeps line breaks."""
    path: list[LexborNode] = []
    at: LexborNode | None = element
    while at is not None and at.mem_id not in blocks:
        path.append(at)
        at = at.parent
    block, is_verbatim = blocks[at.mem_id] if at is not None else (0, False)
    for node in reversed(path):
        is_verbatim = is_verbatim or node.tag == "pre"
        if node.tag not in _INLINE:
            block = node.mem_id
        blocks[node.mem_id] = block, is_verbatim
    return block, is_verbatim


def _block_text(pieces: list[str], *, is_verbatim: bool) -> list[str]:
    """Return the text of a block's pieces, in a list that is empty if it is blank."""
    text = "".join(pieces)
    text = text.strip("\r\n").rstrip() if is_verbatim else join_cells(text)
    return [text] if text.strip() else []


def join_cells(text: str) -> str:
    """Return a text without superfluous white space, and with a bar for each tab, which separates cells."""
    cells = map(normalize_space, text.split("\t"))
    return " | ".join(filter(None, cells))

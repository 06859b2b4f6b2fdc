"""The markup of a page that a browser shows, and the text of its blocks.

Lexbor parses as the HTML standard says, so that a page that is not well-formed has the same elements here as
in a browser: a parser that decides otherwise where a script ends would take its code for text.
"""

from __future__ import annotations

import re

from selectolax.lexbor import LexborDocumentOptions, LexborHTMLParser, LexborNode, SelectolaxError

# Of scripts, those that hold facts about the page (JSON-LD) stay.
_NOT_SHOWN = (
    'script:not([type*="ld+json" i]), style, noscript, textarea, iframe, noembed, noframes, svg, math'
)
_NOT_TEXT = (
    "head, title, script, nav, footer, object, embed, canvas, audio, video, select, option, button, "
    '[hidden], [role="navigation"]'
)
_INLINE = frozenset(
    (
        *("a", "abbr", "acronym", "b", "bdi", "bdo", "big", "br", "cite", "code", "data", "del", "dfn", "em"),
        *("font", "i", "img", "ins", "kbd", "label", "mark", "q", "rb", "rp", "rt", "ruby", "s", "samp"),
        *("small", "span", "strike", "strong", "sub", "sup", "td", "th", "time", "tt", "u", "var", "wbr"),
        # These are empty by now.
        *("audio", "button", "canvas", "embed", "iframe", "input", "math", "noscript", "object", "option"),
        *("script", "select", "style", "svg", "textarea", "video"),
    )
)
# In XML these are whole elements; in HTML their content goes on to the end tag that is missing.
_SELF_CLOSED = re.compile(
    r"""<(script|style|template|title|noscript|textarea|iframe|noembed|noframes|xmp|plaintext)\b"""
    r"""((?:"[^"]*"|'[^']*'|[^"'<>])*+(?<=/))>""",
    re.ASCII | re.IGNORECASE,
)


def parse_shown(page: str, *, is_xml: bool = False) -> LexborHTMLParser:
    """The page as a browser parses it, without the text that it does not show.

    Comments stay, and scripts with JSON-LD. With `is_xml`, `<script />` is a whole element. Raises
    MemoryError.
    """
    if is_xml:
        page = _SELF_CLOSED.sub(r"<\1\2></\1>", page)
    # With scripting, <noscript> holds text. Without events, <selectedcontent> holds no copy of an option.
    try:
        parser = LexborHTMLParser(
            page.encode("utf-8", "replace"), options=LexborDocumentOptions.WO_EVENTS, scripting=True
        )
    except SelectolaxError as error:
        # Any text is HTML: only memory can be missing.
        raise MemoryError from error
    # The content of a template is not among its children.
    for node in parser.css("template"):
        node.decompose()
    _empty(parser, _NOT_SHOWN)
    # Browsers show the content of these as plain text; not every parser knows them.
    for node in parser.css("xmp, plaintext"):
        verbatim = parser.create_node("pre")
        verbatim.insert_child(node.text())
        node.replace_with(verbatim)
    return parser


def blocks_of(page: LexborHTMLParser) -> list[str]:
    """The text of each block in reading order, without navigation and controls; the cells of a row are one.

    Takes what `parse_shown` returns, and empties the elements in it that are not among the blocks.
    """
    _empty(page, _NOT_TEXT)
    found: list[str] = []
    pieces: list[str] = []
    # The block of each element that has text, by its address, and whether the line breaks in it count.
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
            # Two line breaks divide paragraphs.
            if block != current or (line_breaks > 1 and not block[1] and not is_blank):
                flush()
                current = block
            if not is_blank:
                line_breaks = 0
            pieces.append(text)
        elif node.is_element_node and tag not in _INLINE:
            # Also when there is no text in it.
            flush()
    flush()
    return found


def _empty(parser: LexborHTMLParser, selector: str) -> None:
    # The elements themselves stay, so that the texts before and after them are two.
    for node in parser.css(selector):
        while node.first_child is not None:
            node.first_child.decompose()


def _block_of(element: LexborNode, blocks: dict[int, tuple[int, bool]]) -> tuple[int, bool]:
    """The address of the block that an element lies in, and whether line breaks count there."""
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
    """The text of a block's pieces; nothing when it is blank."""
    text = "".join(pieces)
    if is_verbatim:
        text = text.strip("\r\n").rstrip()
    else:
        cells = [" ".join(cell.split()) for cell in text.split("\t")]
        text = " | ".join(cell for cell in cells if cell)
    return [text] if text.strip() else []

"""Block-level text of a page or a fragment, for where main-text extraction finds nothing."""

from __future__ import annotations

import re
import warnings

from bs4 import BeautifulSoup, NavigableString, Tag
from bs4.element import CData

_INLINE = re.compile(
    "abbr|acronym|a|bdi|bdo|big|br|b|cite|code|data|del|dfn|em|font|img|ins|i|kbd|label|mark|q|ruby|rb|rp|rt|"
    "samp|small|span|strike|strong|sub|sup|s|td|th|time|tt|u|var|wbr"
)
_HIDDEN = re.compile(
    "script|style|template|noscript|nav|footer|svg|math|iframe|object|embed|canvas|audio|video|select|option|"
    "button|textarea|title|head"
)


def blocks_of(markup: str, *, deep: bool = False) -> list[str]:
    """The text of each block in reading order, without scripts, styles, comments and navigation.

    `deep` is for markup that is nested deeper than lxml goes.
    """
    with warnings.catch_warnings():
        # bs4 wonders whether short markup is a file name or XML.
        warnings.simplefilter("ignore")
        soup = BeautifulSoup(markup, "html.parser" if deep else "lxml")
    found: list[str] = []
    pieces: list[str] = []
    # For each element: the block it belongs to, and whether it is shown at all.
    places: dict[int, tuple[int, bool, bool]] = {}
    current = 0
    lines = 0
    for node in soup.descendants:
        if isinstance(node, Tag):
            if node.name == "br":
                lines += 1
                pieces.append("\n")
            elif node.name in ("td", "th"):
                pieces.append("\t")
            continue
        if type(node) not in (NavigableString, CData) or node.parent is None:
            continue
        block, hidden, verbatim = _place(node.parent, places)
        if hidden:
            continue
        text = str(node)
        blank = not text.strip()
        if block != current or (lines > 1 and not verbatim and not blank):
            _flush(pieces, found, block if block == current else current, places)
            current = block
        if not blank:
            lines = 0
        pieces.append(text)
    _flush(pieces, found, current, places)
    return found


def _place(element: Tag, places: dict[int, tuple[int, bool, bool]]) -> tuple[int, bool, bool]:
    """The number of the element's block, whether it is hidden, whether its line breaks count."""
    path: list[Tag] = []
    at: Tag | None = element
    while at is not None and id(at) not in places:
        path.append(at)
        at = at.parent
    block, hidden, verbatim = places[id(at)] if at is not None else (0, False, False)
    for tag in reversed(path):
        hidden = (
            hidden
            or _HIDDEN.fullmatch(tag.name) is not None
            or tag.get("role") == "navigation"
            or tag.has_attr("hidden")
        )
        verbatim = verbatim or tag.name == "pre"
        if not _INLINE.fullmatch(tag.name):
            block = id(tag)
        places[id(tag)] = (block, hidden, verbatim)
    return block, hidden, verbatim


def _flush(
    pieces: list[str], found: list[str], block: int, places: dict[int, tuple[int, bool, bool]]
) -> None:
    text = "".join(pieces)
    pieces.clear()
    if places.get(block, (0, False, False))[2]:
        text = text.strip("\r\n").rstrip()
    else:
        cells = [" ".join(cell.split()) for cell in text.split("\t")]
        text = " | ".join(cell for cell in cells if cell)
    if text.strip():
        found.append(text)

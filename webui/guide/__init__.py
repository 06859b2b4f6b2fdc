"""The guide: one Markdown file a page, read as files or served at `/guide/` in the look of the site.

The pages are the `.md` files in this folder, in the order of PAGES. They are CommonMark with tables, as code
hosts show it, and begin with a title and one sentence. A link names the file of a page (`python.md#search`),
and a heading's fragment is its text in lower case with hyphens. HTML in a page is shown as text.

Where to begin: `read_page` renders one page. `webui.pages` serves it.
"""

from __future__ import annotations

import functools
import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.renderer import RendererHTML
    from markdown_it.token import Token

FOLDER = Path(__file__).parent
PAGES = (
    "search-tips",
    "command-line",
    "configuration",
    "python",
    "http-api",
    "your-site",
    "agents",
    "operations",
    "meaning",
    "opensearch",
    "security",
    "architecture",
    "quality",
)
"""The names of all pages, in reading order."""
PICTURES = frozenset(path.name for path in FOLDER.glob("*.svg"))
"""The names of the picture files that the pages show."""
_PAGE_LINK = re.compile(r"([\w-]+)\.md(#[\w-]+)?")


@dataclass(frozen=True, slots=True)
class GuidePage:
    """One page of the guide."""

    name: str
    title: str
    """The first heading, as plain text."""
    summary: str
    """The first paragraph, as plain text."""
    html: Markup
    """What follows them."""
    sections: tuple[tuple[str, str], ...]
    """The fragment and the text of each second-level heading."""


def read_page(name: str, query: str = "") -> GuidePage | None:
    """Return a page as HTML, or None if there is no page of that name.

    `query` is added to every link to another page, such as `?lang=de`.
    """
    return _render(name, query) if name in PAGES else None


def list_pages() -> list[GuidePage]:
    """Return all pages in reading order."""
    return [_render(name, "") for name in PAGES]


@functools.cache
def _render(name: str, query: str) -> GuidePage:
    parser = _parser()
    tokens = parser.parse((FOLDER / f"{name}.md").read_text(encoding="utf-8"))
    # A page begins with its title and a paragraph of one sentence, three tokens each.
    title, summary, rest = plain_text(tokens[1]), plain_text(tokens[4]), tokens[6:]
    sections: list[tuple[str, str]] = []
    fragments: dict[str, int] = {}
    for token, following in itertools.pairwise(rest):
        if token.type == "heading_open":
            text = plain_text(following)
            fragment = heading_fragment(text, fragments)
            token.attrSet("id", fragment)
            if token.tag == "h2":
                sections.append((fragment, text))
        for child in following.children or ():
            _point_to_pages(child, query)
    html = Markup(parser.renderer.render(rest, parser.options, {}))
    return GuidePage(name, title, summary, html, tuple(sections))


def plain_text(inline: Token) -> str:
    """Return the text of a heading or paragraph without its markup."""
    return "".join(
        child.content if child.type in ("text", "code_inline") else " " if child.type == "softbreak" else ""
        for child in inline.children or ()
    )


def heading_fragment(text: str, seen: dict[str, int]) -> str:
    """Return the fragment by which code hosts link to a heading, numbered if the page has it already."""
    fragment = re.sub(r"[^\w\- ]", "", text.strip().lower()).replace(" ", "-")
    count = seen[fragment] = seen.get(fragment, -1) + 1
    return f"{fragment}-{count}" if count else fragment


def _point_to_pages(token: Token, query: str) -> None:
    """Let a link to the file of a page lead to where the page is served."""
    if token.type == "link_open" and (match := _PAGE_LINK.fullmatch(str(token.attrGet("href")))):
        token.attrSet("href", f"{match[1]}{query}{match[2] or ''}")


@functools.cache
def _parser() -> MarkdownIt:
    # Imported here, since only the guide and Markdown articles need it.
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    # A wide table scrolls by itself, for which the keyboard needs it to be focusable.
    parser.add_render_rule("table_open", _open_table)
    parser.add_render_rule("table_close", _close_table)
    parser.add_render_rule("fence", _fence)
    return parser


def _open_table(self: RendererHTML, *args: Any) -> str:
    return '<div class="wide" tabindex="0">\n<table>\n'


def _close_table(self: RendererHTML, *args: Any) -> str:
    return "</table>\n</div>\n"


def _fence(self: RendererHTML, tokens: Sequence[Token], index: int, *args: Any) -> str:
    text = Markup.escape(tokens[index].content)
    return f'<pre tabindex="0"><code>{text}</code></pre>\n'

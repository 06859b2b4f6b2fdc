"""Takes out of a page what a browser does not show as text: scripts, styles, templates, comments.

A parser of its own finds where these end, by the rules of the HTML standard and before any tree is made: what
lxml or bs4 made of a page that is not well-formed may be something else than what a browser makes of it, and
then a script's text would be the article's.
"""

from __future__ import annotations

import html
import re

from indexer.readers.elements import WITH_CAPITALS, names
from indexer.readers.nesting import OpenElements, Space
from indexer.readers.tokens import SOUND_NAME, Token, plain_run, raw_end, token

# What is in them is no markup, and not shown.
_RAW = names("script style noscript textarea iframe noembed noframes")
# What is in them is no markup, and is shown; what follows the last is in it.
_VERBATIM = names("xmp plaintext")
_FOREIGN: dict[str, Space] = {"svg": "svg", "math": "math"}
_TITLE, _TEMPLATE = "title", "template"
_SPECIAL = _RAW | _VERBATIM | _FOREIGN.keys() | {_TITLE, _TEMPLATE}
_PLAIN = plain_run(_SPECIAL)
# Elements of HTML that end SVG and MathML where they begin.
_ENDS_FOREIGN = names("""
    b big blockquote body br center code dd div dl dt em embed h1 h2 h3 h4 h5 h6 head hr i img li listing menu
    meta nobr ol p pre ruby s small span strong strike sub sup table tt u ul var""")
_FONT = frozenset(("color", "face", "size"))
_HTML_TYPES = ("text/html", "application/xhtml+xml")
# In JSON this is the same character, and no parser takes it for a tag.
_IN_JSON = re.compile(r"<(?=[/!]|script)", re.ASCII | re.IGNORECASE)
_CDATA_IN_JSON = re.compile(r"^\s*(?:<!--|//<!\[CDATA\[|<!\[CDATA\[)")
_BLANK = re.compile("[\t\n\f\r ]*+")
# The declarations of pages in which a table ends a paragraph.
_MODERN = re.compile(
    r"""<!doctype\s*html\s*(?:>|system\s|public\s*["']-//W3C//DTD\s(?:X?HTML\s(?:1\.[01]|4\.01\s*//)"""
    r"""|HTML\s4\.01\s[^>]*//EN["']\s*["']))""",
    re.ASCII | re.IGNORECASE,
)
# A browser ends a paragraph here even if none is open; lxml then makes one word of the two around the tag.
_AFTER_PARAGRAPH = re.compile("(</p(?:[\t\n\f\r /][^<>]*)?>)(?![\t\n\f\r ])", re.ASCII | re.IGNORECASE)
# A character that, beside one of these, normalization makes one with it.
_JOINING = re.compile("([<=>])(?=\u0338)")


def shown(page: str, *, is_xml: bool = False) -> str:
    """The same page without what is not shown, in markup that every parser reads alike. Takes linear time.

    The elements themselves stay, empty; of scripts, those with facts about the page (JSON-LD) stay whole, and
    the first title does. With `is_xml`, a tag that ends in `/>` is a whole element, as else in SVG alone.
    """
    return _Scan(page, is_xml=is_xml).run()


class _Scan:
    def __init__(self, page: str, *, is_xml: bool) -> None:
        self._page = page
        self._is_xml = is_xml
        self._pieces: list[str] = []
        # The open elements of HTML are counted only where a page needs it: few do.
        self._quirks = _is_quirky(page)
        self._open = OpenElements(quirks=self._quirks)
        self._uncounted: list[tuple[int, int] | list[list[str]]] = []
        self._has_title = False

    def run(self) -> str:
        page, at = self._page, 0
        while at < len(page):
            run = _PLAIN.match(page, at)
            if run is not None and run.end() > at:
                self._pieces.append(run[0])
                self._uncounted.append((at, run.end()))
                at = run.end()
                if at == len(page):
                    break
            at = self._one(token(page, at), at)
        text = _AFTER_PARAGRAPH.sub(r"\1 ", "".join(self._pieces))
        return _JOINING.sub(r"\1 ", text) if "\u0338" in text else text

    def _one(self, found: Token, at: int) -> int:
        """Writes a token of HTML (with the element, if none of it is shown); returns where to go on."""
        name, page = found.name, self._page
        if found.kind == "text":
            self._pieces.append(html.escape(page[at : found.end]))
        if found.kind in ("text", "none"):
            return found.end
        if name not in _SPECIAL:
            self._uncounted.append((at, found.end))
            self._pieces.append(_written(found))
            return found.end
        if found.kind == "end":
            return found.end
        if self._is_xml and found.closed:
            self._pieces.append(f"<{name}></{name}>")
            return found.end
        if name in _FOREIGN or name == _TEMPLATE:
            self._pieces.append(f"<{name}></{name}>")
            if name in _FOREIGN:
                self._uncounted.append((at, found.end))
                if found.closed:
                    return found.end
            return self._inside(found)
        if name == "plaintext":
            self._pieces.append(f"<pre>{_escaped(page[found.end :])}</pre>")
            return len(page)
        end = raw_end(page, found.end, name)
        content = page[found.end : end]
        if name == "xmp":
            self._pieces.append(f"<pre>{_escaped(content)}</pre>")
        elif name == _TITLE:
            # Without an end, all of the page would be the title.
            if not self._has_title and end < len(page):
                # Character references in a title are what they are elsewhere.
                self._pieces.append(f"<title>{content.replace('<', '&lt;')}</title>")
            self._has_title = True
        elif name == "script" and any(n == "type" and "ld+json" in v for n, v in found.attributes):
            content = _IN_JSON.sub(r"\\u003c", _CDATA_IN_JSON.sub("", content))
            self._pieces.append(f'<script type="application/ld+json">{content}</script>')
        else:
            self._pieces.append(f"<{name}></{name}>")
        return self._past_end(end)

    def _past_end(self, at: int) -> int:
        return token(self._page, at).end if at < len(self._page) else at

    def _inside(self, first: Token) -> int:
        """Goes through an element of SVG, MathML or a template; returns where what is outside goes on."""
        inner = OpenElements(quirks=self._quirks)
        if first.name in _FOREIGN:
            inner.open_foreign(first.name, _FOREIGN[first.name])
        else:
            inner.open(_TEMPLATE)
        end = self._through(inner, first.end)
        if inner.left:
            self._uncounted.append(inner.left)
        return end

    def _through(self, inner: OpenElements, at: int) -> int:
        page = self._page
        while len(inner):
            start = page.find("<", at)
            if start < 0:
                return len(page)
            if start > at and inner.takes_html(""):
                inner.write()
            found = token(page, start, cdata=not inner.takes_html(""))
            at = found.end
            if found.kind == "start":
                at = self._start(found, inner)
                if at < 0:
                    return start
            elif found.kind == "end" and self._ends(found.name, inner):
                return start
        return at

    def _start(self, found: Token, inner: OpenElements) -> int:
        """A start tag in what is not shown; returns where the next token begins, -1 if it is not for that."""
        name = found.name
        if not inner.takes_html(name):
            if not _ends_foreign(found):
                if not found.closed:
                    has_html = inner.space == "math" and _has_html(found)
                    inner.open_foreign(name, inner.space, has_html=has_html)
                return found.end
            inner.leave_foreign()
            if not len(inner):
                return -1
        if not inner.takes(name) or (self._is_xml and found.closed):
            return found.end
        if name in _FOREIGN:
            inner.write()
            if not found.closed:
                inner.open_foreign(name, _FOREIGN[name])
        elif name == "plaintext":
            return len(self._page)
        elif name in _SPECIAL and name != _TEMPLATE:
            if name == "xmp":
                inner.close("p")
            if name == _TITLE and not inner.is_in_template:
                self._has_title = True
            return self._past_end(raw_end(self._page, found.end, name))
        elif inner.crosses(name, is_end=False) and self._counted().takes_part(name):
            return -1
        else:
            inner.open(name)
        return found.end

    def _ends(self, name: str, inner: OpenElements) -> bool:
        """An end tag in what is not shown; returns whether it is for what is outside of that."""
        if inner.space != "html":
            if name in ("br", "p"):
                inner.leave_foreign()
                if not len(inner):
                    return True
            elif name in WITH_CAPITALS and inner.space != "svg":
                pass
            elif inner.close_foreign(name) or name in WITH_CAPITALS:
                return False
        if inner.close(name):
            return False
        if not inner.crosses(name):
            return False
        if name == "form":
            # It is over, and what was begun in it is not.
            self._counted().close(name)
            return False
        return self._counted().closes(name)

    def _counted(self) -> OpenElements:
        """The open elements of the page that is shown."""
        last = 0
        for part in self._uncounted:
            if isinstance(part, list):
                self._open.take_over(part)
                continue
            start, end = part
            at = self._page.find("<", start, end)
            if at != start:
                self._open.write()
            while at >= 0:
                found = token(self._page, at)
                if found.kind == "start" and found.name in _FOREIGN:
                    self._open.write()
                elif found.kind == "start":
                    self._open.open(found.name)
                elif found.kind == "end":
                    self._open.close(found.name)
                last, at = found.end, self._page.find("<", found.end, end)
                if at > last or (at < 0 and last < end):
                    self._open.write()
        self._uncounted.clear()
        return self._open


def _is_quirky(page: str) -> bool:
    """Whether a page does not declare that it is one of today's, before anything else in it."""
    at = 0
    while (match := _BLANK.match(page, at)) and page.startswith("<", match.end()):
        found = token(page, match.end())
        if found.kind != "none":
            break
        if _MODERN.match(page, match.end()):
            return False
        at = found.end
    return True


def _ends_foreign(found: Token) -> bool:
    if found.name == "font":
        return any(name in _FONT for name, _ in found.attributes)
    return found.name in _ENDS_FOREIGN


def _has_html(found: Token) -> bool:
    return found.name == "annotation-xml" and any(
        name == "encoding" and value.lower() in _HTML_TYPES for name, value in found.attributes
    )


def _escaped(text: str) -> str:
    return html.escape(text, quote=False)


def _written(found: Token) -> str:
    """A tag as every parser reads it."""
    if not SOUND_NAME.fullmatch(found.name):
        return ""
    if found.kind == "end":
        return f"</{found.name}>"
    attributes = "".join(
        f' {name}="{value.replace(chr(34), "&quot;")}"'
        for name, value in found.attributes
        if SOUND_NAME.fullmatch(name)
    )
    return f"<{found.name}{attributes}{' /' if found.closed else ''}>"

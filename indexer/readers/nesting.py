"""The elements of a page that are open, as a browser counts them (HTML standard, section 13.2.4).

Only what decides where an element ends is followed; no tree is made. A tag takes constant time on average.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import Literal

from indexer.readers.elements import (
    CELLS,
    ENDS_PARAGRAPH,
    FORMATTING,
    HEADINGS,
    MARKING,
    ONCE,
    OPENS_NOTHING_AGAIN,
    POINTS,
    SAYS_NOTHING,
    SCOPE,
    SCOPED,
    SEEN_THROUGH,
    SPECIAL,
    TABLE_BODIES,
    TABLE_PARTS,
    VOID,
)

Space = Literal["html", "svg", "math"]

# How many of a name are opened again, and how many in all, so that time stays in proportion to the page.
_AGAIN, _AGAIN_IN_ALL = 3, 300_000
# Beyond so many special elements, no formatting element is ended.
_FAR = 8


class OpenElements:
    """The open elements from an outermost one down; that one may lie in others.

    With `quirks`, a table does not end a paragraph, as in pages of old.
    """

    def __init__(self, *, quirks: bool = False) -> None:
        self._quirks = quirks
        # A name is empty where the element was taken out from among the others.
        self._names: list[str] = []
        self._spaces: list[Space] = []
        self._is_point: list[bool] = []
        self._places: dict[tuple[bool, str], list[int]] = {}
        self._html: list[int] = []
        self._special: list[int] = []
        self._barriers: list[int] = []
        self._scopes: list[int] = []
        # Formatting elements in the order of their tags, those apart that began in one of MARKING.
        self._formatting: list[list[str]] = [[]]
        self._again = 0
        # For each template the first tag that says what it is for.
        self._templates: list[str] = []

    def __len__(self) -> int:
        return len(self._names)

    @property
    def is_in_template(self) -> bool:
        """Whether a template is open, what is in it being no part of the page."""
        return bool(self._templates)

    @property
    def left(self) -> list[list[str]]:
        """The formatting elements that are opened again outside of all these, and where those end."""
        return self._formatting[1:]

    def take_over(self, left: list[list[str]]) -> None:
        """Formatting elements that others left."""
        self._formatting += left

    @property
    def space(self) -> Space:
        """The namespace of the innermost."""
        return self._spaces[-1] if self._spaces else "html"

    def takes_html(self, name: str) -> bool:
        """Whether a start tag called `name` begins an element of HTML here."""
        if self.space == "html":
            return True
        inner = self._names[-1]
        if self._is_point[-1]:
            return self.space == "svg" or inner == "annotation-xml" or name not in ("mglyph", "malignmark")
        return inner == "annotation-xml" and name == "svg" and self.space == "math"

    def takes(self, name: str) -> bool:
        """Whether a start tag of HTML means anything here; few do in a template for columns."""
        if self._templates and self._names[-1] == "template" and self.space == "html":
            if not self._templates[-1] and name not in SAYS_NOTHING:
                self._templates[-1] = name
            return self._templates[-1] != "col" or name == "template"
        return True

    def takes_part(self, name: str) -> bool:
        """Whether a start tag ends what lies in here because it is a table's, or a part of one."""
        if name == "table":
            return self._is_among_table_parts() and self._last("table") > self._last("template")
        return name in TABLE_PARTS and self._last("table") >= 0

    def open_foreign(self, name: str, space: Space, *, has_html: bool = False) -> None:
        """An element of SVG or MathML begins; `has_html` says that its attributes call its content HTML."""
        self._push(name, space, is_point=name in POINTS.get(space, ()) or has_html)

    def leave_foreign(self) -> None:
        """A tag of HTML ends what is SVG or MathML, up to where that may have HTML in it."""
        while self._names and self._spaces[-1] != "html" and not self._is_point[-1]:
            self._pop()

    def close_foreign(self, name: str) -> bool:
        """An end tag where SVG or MathML is; returns whether it ended an element of theirs."""
        at = self._last(name, is_html=False)
        if at <= self._top(self._html):
            return False
        self._cut(at)
        return True

    def write(self) -> None:
        """Text stands here, or something else before which formatting elements are opened again."""
        self._end_columns()
        formatting = self._formatting[-1]
        if formatting and self._again < _AGAIN_IN_ALL:
            missing: list[str] = []
            left = {name: len(self._places.get((True, name), ())) for name in formatting}
            for name in reversed(formatting):
                left[name] -= 1
                if left[name] < 0:
                    missing.append(name)
            self._again += len(missing)
            for name in reversed(missing):
                self._push(name, "html")

    def open(self, name: str) -> None:
        """An element of HTML begins, which may end others."""
        if name in ONCE or (name == "form" and not self._takes_form()):
            return
        if name != "col":
            self._end_columns()
        if name in ENDS_PARAGRAPH and not (
            name == "table" and (self._quirks or self._is_among_table_parts())
        ):
            self.close("p")
        if name in TABLE_PARTS:
            if not self._open_table_part(name):
                return
        elif name in HEADINGS:
            if self._names and self.space == "html" and self._names[-1] in HEADINGS:
                self._pop()
        elif name == "li":
            self._close_item(("li",))
        elif name in ("dd", "dt"):
            self._close_item(("dd", "dt"))
        elif name in ("a", "nobr", "button"):
            self.close(name)
        elif name in ("input", "select") and self.close("select"):
            return
        elif name in ("option", "optgroup") and self._names and self._names[-1] == "option":
            self._pop()
        if name not in OPENS_NOTHING_AGAIN:
            self.write()
        if name in FORMATTING:
            formatting = self._formatting[-1]
            if formatting.count(name) >= _AGAIN:
                formatting.remove(name)
            formatting.append(name)
        if name not in VOID:
            self._push(name, "html")

    def closes(self, name: str) -> bool:
        """Whether an end tag called `name` ends the innermost of these, and others that it lies in."""
        at = self._place(name)
        return at >= 0 and name != "form" and not (name in FORMATTING and self._beyond(at) >= _FAR)

    def close(self, name: str) -> bool:
        """An end tag of HTML; returns whether it ended an element that is here."""
        at = self._place(name)
        if name in FORMATTING:
            return self._close_formatting(name, at)
        if at < 0:
            return False
        if name == "form" and not self._templates:
            self._forget(at)
            return True
        if name in TABLE_PARTS:
            self._end_cell(max(self._last("table"), self._last("template")))
        elif name in MARKING:
            self._end_formatting()
        self._cut(at)
        return True

    def crosses(self, name: str, *, is_end: bool = True) -> bool:
        """Whether a tag called `name` may end an element that all of these lie in."""
        if name == "template" or name in TABLE_PARTS:
            return max(self._last("table"), self._last("template")) < 0
        return is_end and not self._scopes

    def _place(self, name: str) -> int:
        """The number of the element that an end tag called `name` ends, or -1."""
        if name in ONCE:
            return -1
        at = max(map(self._last, HEADINGS)) if name in HEADINGS else self._last(name)
        if at < 0 or name == "template":
            return at
        if name in TABLE_PARTS:
            return at if at >= max(self._last("table"), self._last("template")) else -1
        if name in SCOPED or name in self._formatting[-1] or name == "form":
            barrier = self._top(self._scopes)
            if name == "li":
                barrier = max(barrier, self._last("ol"), self._last("ul"))
            elif name == "p":
                barrier = max(barrier, self._last("button"))
        else:
            barrier = self._top(self._special)
        return at if at >= barrier else -1

    def _close_formatting(self, name: str, at: int) -> bool:
        """Ends a formatting element, and begins what lies in it anew (the standard's "adoption agency")."""
        formatting = self._formatting[-1]
        if at >= 0 or self._last(name) < 0:
            for place in range(len(formatting) - 1, -1, -1):
                if formatting[place] == name:
                    del formatting[place]
                    break
        if at < 0:
            return False
        block = self._top(self._special)
        if block > at:
            self._forget(at)
            self._cut(block + 1)
        else:
            self._cut(at)
        return True

    def _beyond(self, at: int) -> int:
        return len(self._special) - bisect_right(self._special, at)

    def _close_item(self, items: tuple[str, ...]) -> None:
        at = max(map(self._last, items))
        if at >= 0 and at >= self._top(self._barriers):
            self._cut(at)

    def _takes_form(self) -> bool:
        """Whether a form stays open: not in another, and not among the rows of a table."""
        is_in_another = self._last("form") >= 0 and not self._templates
        return not is_in_another and not self._is_among_table_parts()

    def _is_among_table_parts(self) -> bool:
        """Whether a table is open and no cell or caption of it."""
        table = max(self._last("table"), self._last("template"))
        if table < 0 or (self._names[table] == "template" and self._templates[-1] not in TABLE_PARTS):
            return False
        return max(map(self._last, ("caption", *CELLS))) < table

    def _open_table_part(self, name: str) -> bool:
        """What a table or a part of one ends where it begins; returns whether it does begin."""
        table = max(self._last("table"), self._last("template"))
        if name == "table":
            if self._is_among_table_parts() and self._names[table] == name:
                self._cut(table)
            return True
        if table < 0 or (self._names[table] == "template" and self._templates[-1] not in TABLE_PARTS):
            return False
        self._end_cell(table)
        is_in_row = name in CELLS
        keep = table
        if name == "tr" or is_in_row:
            rows = self._last("tr") if is_in_row else -1
            keep = max(table, rows, *map(self._last, TABLE_BODIES))
        self._cut(keep + 1)
        if self._names[keep] == "table" and (name == "tr" or is_in_row):
            self._push("tbody", "html")
        if is_in_row and self._names[-1] not in ("tr", "template"):
            self._push("tr", "html")
        return True

    def _end_columns(self) -> None:
        if self._names and self._names[-1] == "colgroup" and self.space == "html":
            self._pop()

    def _end_cell(self, table: int) -> None:
        if max(map(self._last, ("caption", *CELLS))) > table:
            self._end_formatting()

    def _end_formatting(self) -> None:
        """Formatting elements since the last of MARKING are not opened again."""
        if len(self._formatting) > 1:
            self._formatting.pop()
        else:
            self._formatting[-1].clear()

    def _last(self, name: str, *, is_html: bool = True) -> int:
        places = self._places.get((is_html, name))
        return places[-1] if places else -1

    def _top(self, places: list[int]) -> int:
        while places and not self._names[places[-1]]:
            places.pop()
        return places[-1] if places else -1

    def _push(self, name: str, space: Space, *, is_point: bool = False) -> None:
        place = len(self._names)
        is_html = space == "html"
        self._names.append(name)
        self._spaces.append(space)
        self._is_point.append(is_point)
        self._places.setdefault((is_html, name), []).append(place)
        if is_html:
            self._html.append(place)
            if name in MARKING:
                self._formatting.append([])
            if name == "template":
                self._templates.append("")
        is_scope = is_point or (space == "math" and name == "annotation-xml")
        if is_scope or (is_html and name in SCOPE):
            self._scopes.append(place)
        if is_scope or (is_html and name in SPECIAL):
            self._special.append(place)
            if not is_html or name not in SEEN_THROUGH:
                self._barriers.append(place)

    def _pop(self) -> None:
        name, is_html = self._names.pop(), self._spaces.pop() == "html"
        self._is_point.pop()
        if name:
            self._places[is_html, name].pop()
        if is_html and name == "template":
            self._templates.pop()
        for places in (self._html, self._special, self._barriers, self._scopes):
            if places and places[-1] == len(self._names):
                places.pop()
        if self._names and not self._names[-1]:
            self._pop_forgotten()

    def _pop_forgotten(self) -> None:
        while self._names and not self._names[-1]:
            for pieces in (self._names, self._spaces, self._is_point):
                pieces.pop()
            for places in (self._html, self._special, self._barriers, self._scopes):
                if places and places[-1] == len(self._names):
                    places.pop()

    def _forget(self, at: int) -> None:
        """Takes the last element of its name out, and leaves what lies in it."""
        self._places[True, self._names[at]].pop()
        self._names[at] = ""
        self._pop_forgotten()

    def _cut(self, at: int) -> None:
        while len(self._names) > at:
            self._pop()

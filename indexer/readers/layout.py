"""From lines on pages to paragraphs: all that a reader of PDF finds are characters and their places.

Running heads and feet are removed first. The blocks of each page are put into reading order; in each column
the lines are joined to paragraphs, and at last the parts of a paragraph that a column or a page divides.

Lengths are in points. The origin is the top left corner of a page.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations, islice, pairwise
from operator import attrgetter
from statistics import median

from indexer.article import normalize_space
from indexer.readers.text import Hyphens

_SENTENCE_END = re.compile(r"[.!?…。！？:;؟۔][\"'”’»)\]\d]*$")
_BULLET = re.compile(
    r"[•‣▪▫■□●○◦◆◇➢➤✓✔*·]\s?|[-–—]\s|(?:\(?(?:\d{1,3}|[a-zA-Z]|[ivx]{1,5})[.)]|\[\w{1,12}\]|§)\s"
)
_DOTS = "•‣▪●○◦■"
_NOTE_NUMBER = re.compile(r"(\d{1,3})(?=[^\W\d_]{2})")
"""The number of a footnote, without a space after it."""
_LEADERS = re.compile(r"(?:\s?[.·…_]){4,}\s*")
_CONTENTS_LINE = re.compile(r"(?:(?:\s?[.·…]){4,}|\s…)\s*[\divxlcIVXLC-]{1,7}$")
_NUMBER = re.compile(r"\d{1,5}")
_PAGE_NUMBER = re.compile(
    r"\W*(?:(?:page|seite|p|pg|s|página|pagina|стр|第)\W{0,3})?(?:#|\d{1,4}|[ivxlc]{1,7}|[IVXLC]{1,7}|[A-Z]?[-–.]?#)"
    r"(?:\s*(?:of|/|von|de|sur|di|из)\s*(?:\d{1,5}|#))?\W*(?:页|頁|ページ)?\W*"
)
_MAX_PAGE_NUMBER, _MAX_CONTENTS_END = 40, 80
"""Characters of a page number, and at the end of a line in a table of contents."""
_EDGE_ROWS = 3
"""Rows at the top and the bottom of a page that may be running heads and feet."""
_MIN_REPEATED = 3
_STEP = 4.0
"""Points by which the places of running heads may differ."""
_MAX_BLOCKS = 60
"""Blocks of a page that are put into order; more are read as they are drawn."""
_baseline = attrgetter("baseline")
_LOOK_BACK = 12
"""Paragraphs, such as footnotes and captions, that may stand between the parts of one."""


@dataclass(slots=True)
class Line:
    """A line on a page, or a piece of one.

    `baseline` is the distance from the top of the page, `size` that of the font. `font` is the name of the
    font, empty if the line is set in several. `first_width` is the width of its first word.
    """

    text: str
    left: float
    right: float
    baseline: float
    size: float
    font: bytes = b""
    first_width: float = 0.0
    has_marker: bool = False
    """Whether it begins with a raised number, as a footnote does."""
    is_recognized: bool = False
    """Whether OCR found it in a picture, so that its size is an estimate."""

    @property
    def top(self) -> float:
        """The top of its letters."""
        return self.baseline - 0.75 * self.size

    @property
    def bottom(self) -> float:
        """The bottom of its letters."""
        return self.baseline + 0.25 * self.size


@dataclass(slots=True)
class Page:
    """The lines of a page, in the order in which they are drawn."""

    number: int
    height: float
    lines: list[Line]


@dataclass(slots=True)
class Paragraph:
    """A paragraph, and the page on which it begins."""

    page: int
    lines: list[Line]
    last_page: int
    is_full: bool = False
    """Whether its last line reaches the edge of its column."""
    text: str = ""

    @property
    def size(self) -> float:
        """The size of its font."""
        return self.lines[0].size


@dataclass(slots=True)
class Layout:
    """The paragraphs of a document, its running heads and feet, and the size of most of its text."""

    paragraphs: list[Paragraph]
    running: list[str]
    body_size: float


def read_layout(pages: list[Page], before_page: Callable[[int], None]) -> Layout:
    """Return the paragraphs of the pages. `before_page` is called with the index of each page."""
    pages = [replace(page, lines=_remove_doubled(_join_pieces(page.lines))) for page in pages]
    for page in pages:
        _even_sizes(page.lines)
    if _is_right_to_left(pages):
        for page in pages:
            for line in page.lines:
                line.left, line.right = -line.right, -line.left
    body_size = _body_size(pages)
    running = _remove_running_rows(pages, body_size)
    leading = _measure_leading(pages)
    paragraphs: list[Paragraph] = []
    for index, page in enumerate(pages):
        before_page(index)
        for column in _order_lines(page.lines):
            found = _read_column(column, page.number, leading)
            if found and (whole := _find_continued(found[0], paragraphs, page.number, body_size)):
                whole.lines += found[0].lines
                whole.last_page, whole.is_full = page.number, found[0].is_full
                del found[0]
            paragraphs += found
    blocks = [[line.text for line in paragraph.lines] for paragraph in paragraphs]
    hyphens = Hyphens(blocks, is_typeset=True)
    for paragraph in paragraphs:
        pieces = [paragraph.lines[0].text]
        for line in paragraph.lines[1:]:
            hyphens.append_line(pieces, line.text)
        text = "".join(pieces)
        if paragraph.size < 0.95 * body_size and (number := _NOTE_NUMBER.match(text)):
            text = f"{number[0]} {text[number.end() :]}"
        paragraph.text = normalize_space(_LEADERS.sub(" … ", text))
    return Layout([paragraph for paragraph in paragraphs if paragraph.text], running, body_size)


# Lines


def _join_pieces(pieces: list[Line]) -> list[Line]:
    """Return whole lines: pieces that stand side by side and were drawn one after the other are joined."""
    lines: list[Line] = []
    for piece in pieces:
        if lines and (joined := _join_pair(lines[-1], piece)):
            lines[-1] = joined
        else:
            lines.append(piece)
    return lines


def _join_pair(line: Line, piece: Line) -> Line | None:
    """Return a line and the next piece as one line; None if the piece is not on this line."""
    larger, smaller = (line, piece) if line.size >= piece.size else (piece, line)
    overlap = min(line.bottom, piece.bottom) - max(line.top, piece.top)
    gap = piece.left - line.right
    if overlap < 0.35 * smaller.size or gap < -0.5 * larger.size:
        return None
    is_letter = len(line.text) == 1 and line.text.isalpha()
    if is_letter and line.size > 1.7 * piece.size:
        # An initial that is several lines high.
        if piece.baseline > line.baseline - 0.5 * piece.size or gap > line.size:
            return None
        text = line.text + piece.text
        return replace(piece, text=text, left=piece.left, first_width=piece.first_width)
    is_same = abs(line.baseline - piece.baseline) < 0.1 * larger.size
    space = " " if gap > 0.15 * smaller.size else ""
    raised = line.baseline - piece.baseline
    if not is_same and piece.size < 0.85 * line.size and raised > 0 and piece.text[0].isdigit():
        # The number of a note is no part of the word; an exponent follows a short symbol.
        space = "" if re.search(r"(?:^|[\W\d_])\w{1,2}$", line.text) else " "
    has_marker = line.has_marker
    if line.size < 0.85 * piece.size and line.baseline < piece.baseline - 0.1 * piece.size:
        has_marker = has_marker or line.text.strip("()[]*†‡§¶ ").isdigit() or not line.text.strip("*†‡§¶ ")
        space = " " if has_marker else space
    return Line(
        f"{line.text}{space}{piece.text}",
        min(line.left, piece.left),
        max(line.right, piece.right),
        larger.baseline if not is_same else line.baseline,
        larger.size,
        line.font if line.font == piece.font else b"",
        line.first_width if space or " " in line.text else line.first_width + piece.first_width,
        has_marker,
        line.is_recognized and piece.is_recognized,
    )


def _remove_doubled(lines: list[Line]) -> list[Line]:
    """Return lines without those that OCR found where the page has the same line as text already."""
    drawn = sorted((line for line in lines if not line.is_recognized), key=_baseline)

    def is_doubled(line: Line) -> bool:
        start = bisect_left(drawn, line.baseline - 0.5 * line.size, key=_baseline)
        return any(
            other.baseline < line.baseline + 0.5 * line.size
            and min(line.right, other.right) - max(line.left, other.left) > 0.5 * (line.right - line.left)
            for other in islice(drawn, start, start + _MAX_BLOCKS)
        )

    return [line for line in lines if not line.is_recognized or not is_doubled(line)]


def _even_sizes(lines: list[Line]) -> None:
    """Give lines below each other one size if OCR found them, which estimates the size of each by itself."""
    for block in _stack_lines(lines):
        sizes = [line.size for line in block.lines if line.is_recognized for _ in line.text]
        for line in block.lines:
            if line.is_recognized:
                line.size = median(sizes)


def _is_right_to_left(pages: list[Page]) -> bool:
    """Whether most letters are Hebrew, Arabic or alike."""
    sample = "".join(line.text for page in pages[:5] for line in page.lines)[:20_000]
    if sample.isascii():
        return False
    kinds = Counter(map(unicodedata.bidirectional, sample))
    return kinds["R"] + kinds["AL"] > kinds["L"]


def _body_size(pages: list[Page]) -> float:
    """Return the size that most characters are set in; 0 if there are none."""
    counts: Counter[float] = Counter()
    for page in pages:
        for line in page.lines:
            counts[round(line.size, 1)] += len(line.text)
    return counts.most_common(1)[0][0] if counts else 0.0


def _measure_leading(pages: list[Page]) -> Callable[[float], float]:
    """Return a function from a size to the usual distance of two lines of that size."""
    counts: defaultdict[float, Counter[float]] = defaultdict(Counter)
    for page in pages:
        for line, following in pairwise(page.lines):
            distance = following.baseline - line.baseline
            if abs(line.size - following.size) < 0.5 and 0.8 < distance / max(line.size, 1) < 3:
                # A line that goes on in the next is worth more than an item of a list.
                counts[round(line.size)][round(distance, 0)] += min(len(line.text), 100)
    usual = {size: found.most_common(1)[0][0] for size, found in counts.items()}
    return lambda size: max(usual.get(round(size), 1.3 * size), 0.9 * size)


# Running heads and feet


@dataclass(slots=True)
class _Row:
    """The lines at one height near the top or the bottom of a page; `text` has them from left to right.

    `place` is the distance from the edge, `is_outermost` whether nothing is nearer to it.
    """

    page: int
    edge: str
    place: float
    lines: list[Line]
    is_outermost: bool
    text: str = field(init=False)

    def __post_init__(self) -> None:
        ordered = sorted(self.lines, key=lambda line: line.left)
        self.text = normalize_space(" ".join(line.text for line in ordered))

    @property
    def slot(self) -> int:
        """The place in steps by which running heads may differ."""
        return round(self.place / _STEP)

    @property
    def style(self) -> tuple[str, int, int, bytes]:
        """Where the row stands, and how it is set."""
        return self.edge, self.slot, round(self.lines[0].size), self.lines[0].font


def _remove_running_rows(pages: list[Page], body_size: float) -> list[str]:
    """Remove running heads, feet and page numbers from the pages; return their texts, each once.

    They stand at the same height on several pages and say the same, apart from the number of the page.
    """
    rows = [row for page in pages for row in _edge_rows(page) if not _is_contents_line(row.text)]
    needed = min(_MIN_REPEATED, max(2, len(pages)))
    keys = _make_keys(rows, needed)
    repeated = _find_repeated(rows, keys, needed)
    # A running head that changes with each chapter is known by its place: most rows at that height repeat.
    totals = Counter(row.style for row in rows)
    shares = Counter(row.style for row, is_repeated in zip(rows, repeated, strict=True) if is_repeated)
    shown: set[str] = set()
    running: dict[str, None] = {}
    removed: set[int] = set()
    for row, key, is_repeated in zip(rows, keys, repeated, strict=True):
        if not is_repeated and not (
            row.is_outermost
            and _is_running(row, key, len(pages), shares[row.style] / totals[row.style], body_size)
        ):
            continue
        # A title of several slides is read once.
        is_title = row.lines[0].size > 1.25 * body_size and "#" not in key
        if not is_title or key in shown:
            removed.update(map(id, row.lines))
        shown.add(key)
        running[row.text] = None
    if all(id(line) in removed for page in pages for line in page.lines):
        # Pages that are all the same.
        return []
    for page in pages:
        page.lines = [line for line in page.lines if id(line) not in removed]
    return list(running)


def _edge_rows(page: Page) -> Iterator[_Row]:
    """The first and the last rows of a page."""
    rows: list[list[Line]] = []
    for line in sorted(page.lines, key=lambda line: line.baseline):
        if rows and line.baseline - rows[-1][-1].baseline < 0.4 * line.size:
            rows[-1].append(line)
        else:
            rows.append([line])
    for at, lines in enumerate(rows):
        from_end = len(rows) - 1 - at
        if min(at, from_end) < _EDGE_ROWS:
            is_top = lines[0].baseline < page.height / 2
            edge, place = (
                ("top", lines[0].baseline) if is_top else ("bottom", page.height - lines[0].baseline)
            )
            yield _Row(page.number, edge, place, lines, min(at, from_end) == 0)


def _make_keys(rows: list[_Row], needed: int) -> list[str]:
    """Return the text of each row with "#" for the number of its page.

    A number is that of a page if it grows with the pages on at least `needed` of them.
    """
    found = {(row.page, int(number) - row.page) for row in rows for number in _NUMBER.findall(row.text)}
    offsets = Counter(offset for _, offset in found)

    def replace_number(match: re.Match[str], page: int) -> str:
        return "#" if offsets[int(match[0]) - page] >= needed else match[0]

    return [
        _NUMBER.sub(lambda match, page=row.page: replace_number(match, page), row.text.casefold())  # type: ignore[misc]
        for row in rows
    ]


def _find_repeated(rows: list[_Row], keys: list[str], needed: int) -> list[bool]:
    """Return whether each row repeats on `needed` pages, or on two if it has the number of the page."""
    kinds = ["#" if _is_page_number(key) else key for key in keys]
    pages: defaultdict[tuple[str, str, int], set[int]] = defaultdict(set)
    for row, kind in zip(rows, kinds, strict=True):
        pages[row.edge, kind, row.slot].add(row.page)
    repeated = []
    for row, kind in zip(rows, kinds, strict=True):
        near: set[int] = set()
        for slot in (row.slot - 1, row.slot, row.slot + 1):
            near |= set(islice(pages.get((row.edge, kind, slot), ()), needed))
        repeated.append(len(near | {row.page}) >= (2 if "#" in kind else needed))
    return repeated


def _is_running(row: _Row, key: str, count: int, share: float, body_size: float) -> bool:
    """Whether a row at the edge of one of `count` pages is a running head, although it is not repeated.

    `share` is the share of repeated rows among those in its place.
    """
    if count < _MIN_REPEATED:
        return _is_page_number(key)
    is_numbered = key.startswith("#") or key.endswith("#")
    return (is_numbered and row.lines[0].size <= 1.1 * body_size) or (count >= 6 and share >= 0.6)


def _is_page_number(text: str) -> bool:
    # For a long text, the pattern would take time with the cube of its length.
    return len(text) <= _MAX_PAGE_NUMBER and _PAGE_NUMBER.fullmatch(text) is not None


def _is_contents_line(text: str) -> bool:
    # With the whole text, the pattern would take time with the square of the number of dots.
    return _CONTENTS_LINE.search(text[-_MAX_CONTENTS_END:]) is not None


# Reading order


@dataclass(slots=True)
class _Block:
    """Lines that stand below each other, and their box."""

    lines: list[Line]
    left: float
    right: float
    top: float
    bottom: float

    def add(self, line: Line) -> None:
        self.lines.append(line)
        self.left, self.right = min(self.left, line.left), max(self.right, line.right)
        self.top, self.bottom = min(self.top, line.top), max(self.bottom, line.bottom)


def _order_lines(lines: list[Line]) -> Iterator[list[Line]]:
    """The lines of a page in reading order, those of each column together."""
    column: _Block | None = None
    for block in _order_blocks(_stack_lines(lines)):
        first = block.lines[0]
        if column and (
            first.baseline > column.lines[-1].baseline
            and first.left < column.right
            and first.right > column.left
        ):
            for line in block.lines:
                column.add(line)
            continue
        if column:
            yield column.lines
        column = block
    if column:
        yield column.lines


def _stack_lines(lines: list[Line]) -> list[_Block]:
    """Return blocks of lines that stand below each other and were drawn one after the other."""
    blocks: list[_Block] = []
    for line in lines:
        if blocks and _is_below(blocks[-1], line):
            blocks[-1].add(line)
        else:
            blocks.append(_Block([line], line.left, line.right, line.top, line.bottom))
    return blocks


def _is_below(block: _Block, line: Line) -> bool:
    last = block.lines[-1]
    distance = line.baseline - last.baseline
    overlap = min(block.right, line.right) - max(block.left, line.left)
    width = min(block.right - block.left, line.right - line.left)
    return (
        0 < distance < 1.9 * max(last.size, line.size)
        and overlap > 0.5 * width
        and abs(last.size - line.size) < 0.2 * max(last.size, line.size)
    )


def _order_blocks(blocks: list[_Block]) -> list[_Block]:
    """Return blocks in reading order, after Breuel, "High performance document layout analysis" (2003).

    Of two blocks above each other the upper one is read first. Of two beside each other, it is the left one,
    unless a block that spans both stands between them.
    """
    count = len(blocks)
    if count < 2 or count > _MAX_BLOCKS:
        return blocks
    later: list[list[int]] = [[] for _ in blocks]
    waiting = [0] * count
    for (at, one), (other_at, other) in combinations(enumerate(blocks), 2):
        if one.left < other.right - 1 and other.left < one.right - 1:
            is_first = one.top + one.bottom <= other.top + other.bottom
        elif _is_divided(one, other, blocks):
            continue
        else:
            is_first = one.left < other.left
        first, second = (at, other_at) if is_first else (other_at, at)
        later[first].append(second)
        waiting[second] += 1
    ordered: list[_Block] = []
    left = list(range(count))
    while left:
        # If blocks overlap so that no order fits, that in which they are drawn decides.
        at = next((at for at in left if not waiting[at]), left[0])
        left.remove(at)
        for second in later[at]:
            waiting[second] -= 1
        ordered.append(blocks[at])
    return ordered


def _is_divided(first: _Block, second: _Block, blocks: list[_Block]) -> bool:
    """Whether a block that spans two blocks beside each other stands between them."""
    upper, lower = (first, second) if first.top < second.top else (second, first)
    for block in blocks:
        if block is first or block is second:
            continue
        middle = (block.top + block.bottom) / 2
        if (
            upper.bottom <= middle <= lower.top
            and block.left < min(first.right, second.right)
            and block.right > max(first.left, second.left)
        ):
            return True
    return False


# Paragraphs


def _read_column(lines: list[Line], page: int, leading: Callable[[float], float]) -> list[Paragraph]:
    """Return the paragraphs of a column."""
    found: list[Paragraph] = []
    blocks = _split_column(lines, leading)
    right = max(line.right for line in lines)
    for block in blocks:
        edge = max(line.right for line in block)
        current = Paragraph(page, [block[0]], page)
        found.append(current)
        hanging = _is_hanging(block)
        for line, following in pairwise(block):
            if _continues(line, following, edge, right, len(current.lines), is_hanging=hanging):
                current.lines.append(following)
            else:
                current = Paragraph(page, [following], page)
                found.append(current)
    for paragraph in found:
        last = paragraph.lines[-1]
        paragraph.is_full = last.right > right - 3.5 * last.size
    return found


def _split_column(lines: list[Line], leading: Callable[[float], float]) -> list[list[Line]]:
    """Return runs of lines of one size at the usual distance."""
    blocks = [[lines[0]]]
    for line, following in pairwise(lines):
        distance = following.baseline - line.baseline
        size = max(line.size, following.size)
        usual = leading(following.size)
        is_same = abs(line.size - following.size) <= 0.08 * size and distance <= max(
            1.22 * usual, usual + 1.5
        )
        if is_same:
            blocks[-1].append(following)
        else:
            blocks.append([following])
    return blocks


def _is_hanging(block: list[Line]) -> bool:
    """Whether all lines of a paragraph but the first are indented, as in a bibliography."""
    base = min(line.left for line in block)
    indented = sum(line.left > base + 0.8 * line.size for line in block)
    return len(block) > 3 and indented > 0.5 * len(block)


def _continues(
    line: Line, following: Line, edge: float, right: float, count: int, *, is_hanging: bool
) -> bool:
    """Whether a paragraph goes on in the following line.

    `edge` is the right one of the lines around, `right` that of the column. The paragraph has `count` lines
    so far.
    """
    size = following.size
    if line.text[-1] in "-\u2010" and line.text[-2:-1].isalpha() and following.text[0].islower():
        return True
    if following.has_marker or _is_contents_line(line.text):
        return False
    is_end = _SENTENCE_END.search(line.text) is not None
    slack = edge - line.right - following.first_width - 0.3 * size
    is_full = slack < 0.3 * size
    if not is_full:
        # A word that could not be divided was too long, or there is no such word at all.
        first = following.text[0]
        may_go_on = not is_end and (first.islower() or line.text[-1] == "," or not first.isupper())
        if not may_go_on or slack > (0.4 if first.islower() else 0.25) * (edge - line.left):
            return False
    if _NOTE_NUMBER.match(following.text) and is_end:
        return False
    is_aside = abs(following.left - line.left) > 0.5 * size
    if _BULLET.match(following.text) and (is_end or is_aside or following.text[0] in _DOTS):
        return False
    has_other_font = line.font and following.font and line.font != following.font
    if has_other_font and is_end and line.right < right - 2 * size:
        return False
    indent = following.left - line.left
    if indent > 0.8 * size:
        # The first line of a paragraph, unless the lines of one hang below its first one.
        is_item = is_hanging or line.has_marker or _BULLET.match(line.text) is not None
        return not is_end or (count == 1 and is_item)
    if indent < -0.8 * size and count > 1:
        return not is_end
    return True


def _find_continued(
    part: Paragraph, paragraphs: Sequence[Paragraph], page: int, body_size: float
) -> Paragraph | None:
    """Return the earlier paragraph that goes on at the start of a column; None if a new one begins there."""
    first = part.lines[0]
    starts_low = first.text[0].islower()
    if first.has_marker or _BULLET.match(first.text):
        return None
    for paragraph in paragraphs[: -_LOOK_BACK - 1 : -1]:
        last = paragraph.lines[-1]
        if paragraph.last_page < page - 1:
            return None
        if abs(last.size - first.size) > 0.06 * first.size:
            continue
        is_end = _SENTENCE_END.search(last.text) is not None
        if starts_low and is_end:
            continue  # such as a caption
        if starts_low:
            return paragraph
        if is_end or not paragraph.is_full:
            return None
        is_body = abs(first.size - body_size) <= 0.06 * body_size
        is_same = not last.font or not first.font or last.font == first.font
        return paragraph if is_body and is_same and len(paragraph.lines) > 1 else None
    return None

"""Plain text: a title, date lines, and paragraphs, whether lines are hard-wrapped or not."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain, count, groupby, pairwise
from statistics import median

from indexer.article import Article, normalize_space
from indexer.readers.assemble import MAX_TITLE, SENTENCE_END, assemble_text, is_prose
from indexer.readers.dates import HeadDates, parse_date_line
from indexer.readers.document import ReadOptions, TextDocument, check_length
from indexer.readers.front_matter import FrontMatter, split_front_matter

_LINE_BREAKS = re.compile("\r\n?|[\v\x85\u2028]")
_PARAGRAPH_BREAKS = re.compile("[\f\u2029\x1c-\x1f]")
_INVISIBLE = re.compile("[\ufeff\x00-\x08\x0e-\x1b\x7f]")
_WIDE = re.compile("[\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef]")
_LIST_ITEM = re.compile(r"(?:[-*•–—·]|\(?\d{1,3}[.)]|[a-z][.)])\s")
# A hyphen at the end of a line, with the letters before it; and a word with its hyphens.
_DIVIDED = re.compile(r"(?<![\w-])([^\W\d_]+)-$")
_TYPESET = re.compile(r"([^\W\d_]+)-$")
_HYPHENATED = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*(?!-?\w|-$)")
_FIRST_LETTERS = re.compile(r"[^\W\d_]+")
_MIN_DIVIDED = 3
_LINE_END = 200
"""Characters before a line break that tell how to join the lines."""
_COLUMN_LINES, _COLUMN_WIDTH = 4, 12
_AGENCY_LINE = re.compile(r"[A-Z]{3,}[A-Z .,'-]*\s\([A-Z][A-Za-z ]+\)\s[-–—]")


def read_articles(document: TextDocument) -> Iterator[Article]:
    """Return the article in a plain text. Raises UnreadableDocument if there is no text."""
    # Checked first, since its lines take several times as much memory.
    check_length(len(document.text))
    front, text = split_front_matter(document.text, document.options)
    if not front.title:
        # Without a title, it is a part of the text, such as the head of a letter.
        front, text = FrontMatter(), document.text
    head = HeadDates(document.options)
    title, blocks = _take_head(_split_blocks(text), head, front.title)
    paragraphs = _join_lines(blocks)
    return iter([assemble_text(document, title, paragraphs, front.details, head)])


def split_paragraphs(text: str) -> list[str]:
    """Return the paragraphs of a text that has no title and no date lines at its start."""
    return _join_lines(_split_blocks(text))


def _split_blocks(text: str) -> list[list[str]]:
    """Return the runs of lines that are not blank, with their indentation."""
    # Only characters that are not printable are replaced, and most texts have none.
    if not text.replace("\n", "").isprintable():
        text = _PARAGRAPH_BREAKS.sub("\n\n", _LINE_BREAKS.sub("\n", text))
        # Soft hyphens show where a word may be divided; they are not part of it.
        text = text.replace("\xad\n", "").replace("\xad", "")
        text = _INVISIBLE.sub("", text).expandtabs(4)
    lines = map(str.rstrip, text.split("\n"))
    return [list(block) for is_text, block in groupby(lines, bool) if is_text]


def _take_head(blocks: list[list[str]], dates: HeadDates, stated_title: str) -> tuple[str, list[list[str]]]:
    """Return the title and the blocks without it and without bare date lines, whose dates are collected.

    `stated_title` is the one of front matter, "" if there is none.
    """
    masthead: list[list[str]] = []
    is_only_line = len(blocks) == 1 and len(blocks[0]) == 1
    if blocks and not is_only_line and (line := dates.read_line(blocks[0][0])):
        masthead = [] if line.is_bare else [[blocks[0][0]]]
        blocks = _drop_lines(blocks, 1)
    length = _count_title_lines(blocks, dates.options)
    heading = normalize_space(" ".join(blocks[0][:length])) if length else ""
    title = stated_title or heading
    if length and title == heading:
        blocks = _drop_lines(blocks, length)
    # A date line may stand below a byline or a summary, but not below the text itself.
    bare = dates.read_lines(line for block in blocks for line in block)
    number = count()
    rest = [[line for line in block if next(number) not in bare] for block in blocks]
    return title, [*masthead, *filter(None, rest)]


def _drop_lines(blocks: list[list[str]], count: int) -> list[list[str]]:
    """Return the blocks without the first `count` lines of the first one."""
    return list(filter(None, [blocks[0][count:], *blocks[1:]]))


def _count_title_lines(blocks: list[list[str]], options: ReadOptions) -> int:
    """Return how many lines at the start are the title; 0 if the text begins without one."""
    if not blocks:
        return 0
    lines = [normalize_space(line) for line in blocks[0]]
    first = lines[0]
    if len(first) > MAX_TITLE or _AGENCY_LINE.match(first):
        return 0
    if len(lines) == 1:
        # If there is nothing else, a long sentence is the text and not its title.
        return 0 if len(blocks) == 1 and is_prose(first) else 1
    if parse_date_line(lines[1], options):
        return 1
    if not SENTENCE_END.search(first) and len(lines[1]) > 2 * len(first):
        return 1
    width = _wrap_width(blocks)
    if not width or not _continues(blocks[0][0], first, lines[1], width, 0):
        return 1
    # A wrapped block of two or three lines without a full stop is a long title; any other is text.
    return len(lines) if len(lines) <= 3 and len(blocks) > 1 and not SENTENCE_END.search(lines[-1]) else 0


def _join_lines(blocks: list[list[str]]) -> list[str]:
    """Return the paragraphs of the blocks: hard-wrapped lines are joined, any other line is a paragraph."""
    if all(len(lines) == 1 for lines in blocks):
        return [normalize_space(line) for (line,) in blocks]
    width = _wrap_width(blocks)
    hyphens = Hyphens(blocks)
    found: list[str] = []
    for lines in blocks:
        indents = [len(line) - len(line.lstrip()) for line in lines]
        base = min(indents)
        texts = [normalize_space(line) for line in lines]
        column = _column_width(texts)
        pieces = [texts[0]]
        for at in range(1, len(texts)):
            indent = indents[at] - base
            if _continues(lines[at - 1], texts[at - 1], texts[at], width, indent) or (
                column and _continues_column(texts[at - 1], texts[at], column, indent)
            ):
                hyphens.append_line(pieces, texts[at])
            else:
                found.append("".join(pieces))
                pieces = [texts[at]]
        found.append("".join(pieces))
    return found


def _column_width(texts: list[str]) -> float:
    """Return the typical length of the lines of a block of prose set in a column; 0 if it is none.

    Most of its lines are about as long as each other, and many begin in lower case, unlike verse and lists.
    """
    if len(texts) < _COLUMN_LINES:
        return 0
    typical = median(map(len, texts[:-1]))
    alike = sum(0.7 * typical <= len(text) <= 1.3 * typical for text in texts[:-1])
    lower = sum(text[0].islower() for text in texts[1:])
    is_column = alike >= 0.8 * (len(texts) - 1) and lower >= 0.4 * (len(texts) - 1)
    return typical if is_column and typical >= _COLUMN_WIDTH else 0


def _continues_column(before: str, after: str, typical: float, indent: int) -> bool:
    """Whether a line of a column goes on in the next one: a short line with a full stop ends a paragraph."""
    if not SENTENCE_END.search(before):
        return not _LIST_ITEM.match(after)
    return indent <= 0 and len(before) > 0.7 * typical and not _LIST_ITEM.match(after)


class Hyphens:
    """Decides whether a hyphen at the end of a line belongs to the word, from the words of the document.

    In a text whose lines were divided by a typesetter, many lines end in the middle of a word; `is_typeset`
    says that this is known.
    """

    def __init__(self, blocks: list[list[str]], *, is_typeset: bool = False) -> None:
        lines = list(chain.from_iterable(blocks))
        # A typesetter also divides a part of a word that has hyphens.
        self._divided = _TYPESET if is_typeset else _DIVIDED
        divided = [line for line in lines if self._find_start(line)]
        # The words of a text without divisions are not needed. The rest of a divided word is none.
        texts = [
            _FIRST_LETTERS.sub("", line, count=1) if self._find_start(before) else line
            for before, line in pairwise(["", *(lines if divided else [])])
        ]
        self._words = {word for text in texts for word in _HYPHENATED.findall(text.casefold())}
        self._is_typeset = is_typeset or len(divided) >= max(_MIN_DIVIDED, len(lines) / 25)

    def append_line(self, pieces: list[str], line: str) -> None:
        """Append the next line to the pieces of a paragraph, of which there is one at least."""
        # Only the end: with the whole paragraph, the time would grow with the square of its length.
        end = "".join(pieces[-3:])[-_LINE_END:]
        if self.is_division(end, line):
            pieces[-1] = pieces[-1][:-1]
        else:
            pieces.append(_separator(end, line))
        pieces.append(line)

    def is_division(self, before: str, after: str) -> bool:
        """Whether a line ends with a hyphen that only divides a word, which goes on in the next line."""
        start, end = self._find_start(before), _FIRST_LETTERS.match(after)
        if not start or not end or not end[0][0].islower():
            return False
        words, first, last = self._words, start[1].casefold(), end[0]
        if f"{first}-{last}" in words:
            return False
        return first + last in words or (self._is_typeset and not (first in words and last in words))

    def _find_start(self, line: str) -> re.Match[str] | None:
        """The start of the word that goes on in the next line, if the line ends with a hyphen."""
        # Searching every line takes a fifth of the time of reading a text.
        return self._divided.search(line) if line.endswith("-") else None


def _wrap_width(blocks: list[list[str]]) -> int:
    """Return the column at which lines are wrapped; 0 if they are not.

    They are if, at most line ends inside blocks, the next word would not have fitted.
    """
    lengths = sorted(len(line) for lines in blocks for line in lines[:-1])
    if not lengths:
        return 0
    # Not the longest line of all, which may be one long address.
    width = lengths[-1 - len(lengths) // 20]
    if not 25 <= width <= 140 or median(lengths) < 0.5 * width:
        return 0
    # Longer lines at the end of many blocks: paragraphs are not wrapped.
    if sum(len(lines[-1]) > 1.2 * width for lines in blocks) > len(blocks) // 10:
        return 0
    is_full = [
        len(line) + 1 + _first_word_length(following) > 0.96 * width
        for lines in blocks
        for line, following in pairwise(lines)
    ]
    return width if sum(is_full) >= 0.6 * len(is_full) else 0


def _continues(line: str, before: str, after: str, width: int, indent: int) -> bool:
    """Whether the sentence at the end of a line goes on in the next line.

    `line` has its indentation; `before` and `after` are the two lines without; `indent` is that of `after`.
    """
    is_sentence_end = SENTENCE_END.search(before) is not None
    if indent > 0 and is_sentence_end:
        return False
    if _LIST_ITEM.match(after) and (not width or is_sentence_end or len(line) < 0.7 * width):
        return False
    if width:
        is_full = len(line) + 1 + _first_word_length(after) > 0.85 * width
        return is_full or (after[0].islower() and not is_sentence_end)
    return after[0].islower() and before[-1].isalpha() and len(before) > 40


def _first_word_length(text: str) -> int:
    return 1 if _WIDE.match(text) else len(text.split(maxsplit=1)[0])


def _separator(before: str, after: str) -> str:
    """Return what stands between two joined lines: nothing after a hyphen or between Chinese characters."""
    is_wide = _WIDE.match(before[-1]) and _WIDE.match(after[0])
    is_hyphenated = before[-1] == "-" and before[-2:-1].isalpha() and after[0].isalpha()
    return "" if is_wide or is_hyphenated else " "

"""Plain text: a title, date lines, paragraphs however they are divided, and the page furniture after them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import median

from indexer.article import Article, Published
from indexer.errors import UnreadableDocument
from indexer.readers.dates import choose, complete, date_line, path_date, wire_dateline
from indexer.readers.options import ReadOptions

_LONG_TITLE = 200
_HEAD_LINES = 6
_BREAKS = re.compile("\r\n?|[\v\x85\u2028]")
_PARTS = re.compile("[\f\u2029\x1c-\x1f]")
_STRIP = re.compile("[\ufeff\x00-\x08\x0e-\x1b\x7f]")
_WIDE = re.compile("[\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef]")
_SENTENCE_END = re.compile(r"[.!?…。！？:;][\"'”’»)\]]*$")
_NEW_ITEM = re.compile(r"(?:[-*•–—·]|\(?\d{1,3}[.)]|[a-z][.)])\s")
_FURNITURE = re.compile(
    r"""(?:search\ trends | trending(?:\ now)? | read\ (?:more|also|next) | also\ read | see\ also
    | more\ on\ this(?:\ story|\ topic)?
    | related(?:\ (?:articles?|stories|topics|content|links|news|posts))?
    | you\ may\ also\ like | most\ (?:read|popular) | recommended(?:\ for\ you)?
    | share(?:\ (?:this|on|via)(?:\ \w{1,12})?)? | follow\ us(?:\ on\ \w+)? | comments? | leave\ a\ comment
    | advertisement | advert | print | email | tweet | subscribe | sign\ up | newsletter
    | back\ to\ top | tags
    | facebook | twitter | whatsapp | linkedin | copy\ link
    | weiterlesen | lesen\ sie\ auch | mehr\ zum\ thema | teilen | kommentare | lire\ aussi | partager
    | leer\ más | compartir | leggi\ anche | condividi
    | 相关阅读 | 相关新闻 | 分享 | 関連記事 | シェア)\s*[:：>»…]*""",
    re.IGNORECASE | re.VERBOSE,
)
_FURNITURE_LEAD = re.compile(
    r"(?:read more|read also|also read|see also|lesen sie auch|lire aussi)\s?:\s?\S", re.IGNORECASE
)


@dataclass(slots=True)
class _Draft:
    """What has been made out of a document so far."""

    title: str = ""
    paragraphs: list[str] = field(default_factory=list)
    dates: list[Published] = field(default_factory=list)
    yearless: tuple[int, int] | None = None
    notes: list[str] = field(default_factory=list)


def read_text(text: str, name: str, article_id: str, options: ReadOptions) -> Article:
    """The article in a plain text. Raises UnreadableDocument when there is nothing in it."""
    blocks = _blocks(text)
    if not blocks:
        raise UnreadableDocument("an article is wanted, the file has no text in it")
    draft = _Draft()
    _head(blocks, draft, options)
    draft.paragraphs.extend(paragraphs(blocks))
    if not draft.title and draft.paragraphs:
        draft.title = opening(draft.paragraphs[0])
    draft.notes.extend(drop_furniture(draft.paragraphs))
    _wire(draft, options)
    named = path_date(name, "file name", options)
    if draft.yearless:
        hints = [date for date in (*draft.dates, named) if date]
        if date := complete(draft.yearless, hints):
            draft.dates.append(date)
        else:
            month, day = draft.yearless
            draft.notes.append(f"a date without a year was found (month {month}, day {day}) and left aside")
    published, notes = choose([*draft.dates, *([named] if named else [])], options, draft.notes)
    return Article(
        article_id, draft.title, tuple(draft.paragraphs), published, source=name, notes=tuple(notes)
    )


def opening(paragraph: str, limit: int = 100) -> str:
    """The first sentence of a paragraph, or as many of its words as `limit` characters hold, as a title."""
    sentence = re.match(r".{10,}?[.!?。！？](?=\s|$|[\u3000-\u9fff])", paragraph)
    text = sentence[0] if sentence else paragraph
    if len(text) <= limit:
        return text
    cut = text[:limit]
    head, space, _ = cut.rpartition(" ")
    return (head if space and len(head) > limit // 2 else cut).rstrip(" ,;:-–") + "…"


def drop_furniture(texts: list[str]) -> list[str]:
    """Takes page furniture off the end of `texts` and gives a note for each; one text always stays."""
    notes = []
    while len(texts) > 1 and len(last := texts[-1]) <= 120:
        if not _FURNITURE.fullmatch(last) and not (_FURNITURE_LEAD.match(last) and last[-1] not in ".!?"):
            break
        notes.append(f"left out at the end: {texts.pop()}")
    return notes[::-1]


def paragraphs(blocks: list[list[str]]) -> list[str]:
    """The paragraphs of blocks of lines: hard-wrapped lines are joined, other lines stand for themselves."""
    width = _wrap_width(blocks)
    found: list[str] = []
    for lines in blocks:
        indents = [len(line) - len(line.lstrip()) for line in lines]
        base = min(indents)
        texts = [" ".join(line.split()) for line in lines]
        current = texts[0]
        for at in range(1, len(texts)):
            if _continues(lines[at - 1], texts[at - 1], texts[at], width, indents[at] - base):
                current += _glue(current, texts[at]) + texts[at]
            else:
                found.append(current)
                current = texts[at]
        found.append(current)
    return [text for text in found if text]


def _blocks(text: str) -> list[list[str]]:
    """Runs of lines with something on them; white space at their start is kept, for it may mean something."""
    text = _PARTS.sub("\n\n", _BREAKS.sub("\n", text))
    # Soft hyphens are hints for the screen, inside of words.
    text = text.replace("\xad\n", "").replace("\xad", "")
    blocks: list[list[str]] = []
    fresh = True
    for line in _STRIP.sub("", text).expandtabs(4).split("\n"):
        line = line.rstrip()
        if not line:
            fresh = True
        elif fresh:
            blocks.append([line])
            fresh = False
        else:
            blocks[-1].append(line)
    return blocks


def _head(blocks: list[list[str]], draft: _Draft, options: ReadOptions) -> None:
    """Moves title and date lines from the start of `blocks` into the draft."""
    first = " ".join(blocks[0][0].split())
    if (len(blocks) > 1 or len(blocks[0]) > 1) and _take_date(first, draft, options):
        _drop_first_line(blocks)
    title = _title_lines(blocks, options)
    if title:
        draft.title = " ".join(" ".join(blocks[0][:title]).split())
        for _ in range(title):
            _drop_first_line(blocks)
    # A date line may stand below a byline or a summary, but not below real text.
    seen, at = 0, 0
    while at < len(blocks) and seen < _HEAD_LINES:
        lines = blocks[at]
        for line in list(lines[: _HEAD_LINES - seen]):
            seen += 1
            if len(line) > 160:
                return
            if _take_date(" ".join(line.split()), draft, options):
                lines.remove(line)
                if not lines:
                    del blocks[at]
                    at -= 1
                    break
        at += 1


def _drop_first_line(blocks: list[list[str]]) -> None:
    del blocks[0][0]
    if not blocks[0]:
        del blocks[0]


def _take_date(line: str, draft: _Draft, options: ReadOptions) -> bool:
    """Whether a line is a date line whose date the draft can keep."""
    found = date_line(line, options)
    if found is None or not found.dates:
        if found and found.yearless and draft.yearless is None:
            draft.yearless = found.yearless
        return False
    draft.dates.extend(found.dates)
    return True


def _title_lines(blocks: list[list[str]], options: ReadOptions) -> int:
    """How many lines at the start make the title; 0 when the text begins without one."""
    if not blocks:
        return 0
    lines = [" ".join(line.split()) for line in blocks[0]]
    first = lines[0]
    if len(first) > _LONG_TITLE or _WIRE_START.match(first):
        return 0
    if len(lines) == 1:
        # Alone in the file, a sentence or more is the text rather than its name.
        prose = len(blocks) == 1 and _SENTENCE_END.search(first) and len(first) > 60
        return 0 if prose else 1
    if date_line(lines[1], options) or (
        _SENTENCE_END.search(first) is None and len(lines[1]) > 2 * len(first)
    ):
        return 1
    width = _wrap_width(blocks)
    if not width or not _continues(blocks[0][0], first, lines[1], width, 0):
        return 1
    # A wrapped block of two or three lines without a full stop is a long title; else the text begins here.
    return len(lines) if len(lines) <= 3 and len(blocks) > 1 and not _SENTENCE_END.search(lines[-1]) else 0


_WIRE_START = re.compile(r"[A-Z]{3,}[A-Z .,'-]*\s\([A-Z][A-Za-z ]+\)\s[-–—]")


def _wire(draft: _Draft, options: ReadOptions) -> None:
    for paragraph in draft.paragraphs[:3]:
        if found := wire_dateline(paragraph, options):
            draft.dates.extend(found.dates)
            draft.yearless = draft.yearless or found.yearless
            return


def _first_word(text: str) -> int:
    return 1 if _WIDE.match(text) else len(text.split(maxsplit=1)[0])


def _wrap_width(blocks: list[list[str]]) -> int:
    """The column at which lines were wrapped; 0 when line ends mean something else.

    A file is wrapped when at most line ends inside its blocks the next word would not have fitted.
    """
    lengths = sorted(len(line) for lines in blocks for line in lines[:-1])
    # Not the longest line of all: one long address must not decide.
    if (
        not lengths
        or not 25 <= (width := lengths[-1 - len(lengths) // 20]) <= 140
        or median(lengths) < 0.5 * width
    ):
        return 0
    # Paragraphs on one line that are longer than that tell that nothing was wrapped.
    if sum(len(lines[-1]) > 1.2 * width for lines in blocks) > len(blocks) // 10:
        return 0
    breaks = full = 0
    for lines in blocks:
        for this, following in pairwise(lines):
            breaks += 1
            full += len(this) + 1 + _first_word(following) > 0.96 * width
    return width if full >= 0.6 * breaks else 0


def _continues(raw: str, before: str, after: str, width: int, indent: int) -> bool:
    """Whether a line goes on in the next one."""
    if indent > 0 and _SENTENCE_END.search(before):
        return False
    if _NEW_ITEM.match(after) and (not width or _SENTENCE_END.search(before) or len(raw) < 0.7 * width):
        return False
    if width:
        return len(raw) + 1 + _first_word(after) > 0.85 * width or (
            after[0].islower() and not _SENTENCE_END.search(before)
        )
    return after[0].islower() and before[-1].isalpha() and len(before) > 40


def _glue(before: str, after: str) -> str:
    if _WIDE.match(before[-1]) and _WIDE.match(after[0]):
        return ""
    if before[-1] == "-" and before[-2:-1].isalpha() and after[0].isalpha():
        return ""
    return " "

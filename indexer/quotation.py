"""Whether a paragraph says what a quotation says, in the same words or nearly so: pure text, no index."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import regex
from msgspec import Struct
from numpy.typing import NDArray
from rapidfuzz.distance import LCSseq, Levenshtein

from indexer.engine.deadline import NEVER, Deadline
from indexer.model import ArticleInfo, Span
from indexer.text.unspaced import RUN_START

NEAR = 0.6
"""From which share of words in common on a quotation is near: below it, sentences merely share a subject."""

UNSEEN = "\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"
"""Characters that break lines or turn directions, and are no part of a word."""
# One mark for all: quotations inside quotations change theirs, and typesetters theirs.
_LOOKS = (
    dict.fromkeys("\"'`´«»‘’‚‛“”„‟‹›′″「」『』＂＇", "'")
    | dict.fromkeys("-‐‑‒–—―−﹘﹣－", "-")
    | dict.fromkeys(UNSEEN, "")
)
# Signs belong to words, for neither 5% nor -5 is 5; stops do not, but inside of words such as U.S., 10:30,
# 1,000 and don't. Scripts without spaces give a word for each character.
_WORD = regex.compile(
    rf"""
      [{RUN_START}] \p{{M}}*
    | (?: (?<!LETTER) - (?=\p{{N}}) )? LETTER+ (?: (?: [.:'/] | (?<=\p{{N}}) , (?=\p{{N}}) ) LETTER+ )*
    """.replace("LETTER", rf"[[\p{{L}}\p{{M}}\p{{N}}\p{{S}}%‰&@\#_]--[{RUN_START}]]"),
    regex.VERBOSE | regex.VERSION1,
)
_AT_ONCE = 2**12  # characters or words that are gone through between two looks at the clock
_TIES = 8  # runs of words that are equally like a quotation are compared once more


class QuoteEdit(Struct, frozen=True):
    """A run of words that a quotation and its source have in common, or in which they differ.

    `kind` is "same", "changed", "added" (only the quotation has it) or "omitted" (only the source has it).
    """

    kind: Literal["same", "changed", "added", "omitted"]
    quoted: str
    source: str

    def as_json(self) -> dict[str, Any]:
        """The edit as in every JSON answer."""
        return {"kind": self.kind, "quoted": self.quoted, "source": self.source}


class QuoteCheck(Struct, frozen=True):
    """Where a quotation stands, or what comes closest to it.

    `verdict` is "exact" (the same words in a row; case, white space, punctuation and the looks of quotation
    marks and dashes do not count), "near" (`diff` says word by word what is different) or "absent".
    `similarity` is the share of words in common, from 0 to 1.

    `text` is the whole paragraph that says it, or else comes closest: `number` counts it from 1, `anchor` is
    its stable name, `spans` are the places in it, unless it is absent. When no paragraph has any of the
    words, `article` is None. `also` are a few of the other articles that have an exact quotation, oldest
    first.

    `is_cut` says that the time for a query was up, and so does a note: an exact quotation stands where it was
    found, but for what is near or absent there may be a better place.
    """

    quote: str
    verdict: Literal["exact", "near", "absent"]
    similarity: float = 0.0
    article: ArticleInfo | None = None
    number: int | None = None
    anchor: str | None = None
    text: str = ""
    spans: tuple[Span, ...] = ()
    diff: tuple[QuoteEdit, ...] = ()
    also: tuple[ArticleInfo, ...] = ()
    notes: tuple[str, ...] = ()
    is_cut: bool = False

    def as_json(self) -> dict[str, Any]:
        """The finding as `nutgraf mcp` gives it."""
        return {
            "quote": self.quote,
            "verdict": self.verdict,
            "similarity": round(self.similarity, 4),
            "article": self.article.as_json() if self.article else None,
            "number": self.number,
            "anchor": self.anchor,
            "text": self.text,
            "spans": [list(span) for span in self.spans],
            "diff": [edit.as_json() for edit in self.diff],
            "also": [other.as_json() for other in self.also],
            "notes": list(self.notes),
            "is_cut": self.is_cut,
        }


class Comparable:
    """A text as it is compared: its words, without what does not count, and where each stands.

    To make one raises TimeIsUp.
    """

    def __init__(self, text: str, deadline: Deadline = NEVER) -> None:
        plain: list[str] = []
        places: list[int] = []
        for place, char in enumerate(text):
            if not place % _AT_ONCE:
                deadline.check()
            folded = _plain(char)
            plain.append(folded)
            places += [place] * len(folded)
        self._text = text
        self.words: list[str] = []
        self._spans: list[Span] = []
        for number, match in enumerate(_WORD.finditer("".join(plain))):
            if not number % _AT_ONCE:
                deadline.check()
            self.words.append(match[0])
            self._spans.append((places[match.start()], places[match.end() - 1] + 1))

    def span(self, first: int, end: int) -> Span:
        """The place in the text of a run of words that is not empty."""
        return self._spans[first][0], self._spans[end - 1][1]

    def shown(self, first: int, end: int) -> str:
        """A run of words as the text has it."""
        if first >= end:
            return ""
        start, stop = self.span(first, end)
        return self._text[start:stop]


def exact_spans(quote: Comparable, paragraph: Comparable, deadline: Deadline = NEVER) -> tuple[Span, ...]:
    """Where a paragraph has the words of a quotation in a row; ascending and disjoint. Raises TimeIsUp."""
    words, wanted = paragraph.words, quote.words
    found, free = [], 0
    for place, word in enumerate(words[: len(words) - len(wanted) + 1] if wanted else ()):
        if not place % _AT_ONCE:
            deadline.check()
        if word == wanted[0] and place >= free and words[place : place + len(wanted)] == wanted:
            free = place + len(wanted)
            found.append(paragraph.span(place, free))
    return tuple(found)


def likeness(quote: Comparable, paragraph: Comparable, deadline: Deadline = NEVER) -> float:
    """How much a paragraph promises to be like a quotation, in linear time; 0 when they share no word.

    It is the share of the quotation's words, in whatever order, that a run of as many words has at most.
    Raises TimeIsUp.
    """
    words, length = paragraph.words, len(quote.words)
    # Of each word, how many more of it a run that ends here could use.
    wanted: Counter[str] = Counter(quote.words)
    common = most = 0
    for place, word in enumerate(words):
        if not place % _AT_ONCE:
            deadline.check()
        if place >= length and (gone := words[place - length]) in wanted:
            wanted[gone] += 1
            common -= wanted[gone] > 0
        if word in wanted:
            common += wanted[word] > 0
            wanted[word] -= 1
            most = max(most, common)
    return most / length if length else 0.0


def nearest_run(
    quote: Comparable, paragraph: Comparable, deadline: Deadline = NEVER
) -> tuple[float, int, int]:
    """The run of a paragraph's words that is most like a quotation: how like (0 to 1), its start and its end.

    The fewest words changed, added and omitted (Sellers 1980, "The theory and computation of evolutionary
    distances"); of several such runs, the one with most words in common, then most nearly as long. Raises
    TimeIsUp.
    """
    wanted, length = quote.words, len(quote.words)
    costs = _costs(wanted, paragraph.words, deadline, anchored=False)
    least = int(costs.min())
    runs = []
    for end in np.flatnonzero(costs == least)[:_TIES].tolist():
        # No run that costs so little is longer.
        row = paragraph.words[max(0, end - length - least) : end]
        back = _costs(wanted[::-1], row[::-1], deadline, anchored=True)
        for size in np.flatnonzero(back == least)[:_TIES].tolist():
            common = LCSseq.similarity(wanted, paragraph.words[end - size : end])
            runs.append((-common, abs(size - length), end - size, end))
    _, _, start, end = min(runs)
    return 1 - least / max(length, end - start), start, end


def differences(quote: Comparable, paragraph: Comparable, start: int, end: int) -> tuple[QuoteEdit, ...]:
    """How a quotation and a run of a paragraph's words differ."""
    codes = Levenshtein.opcodes(quote.words, paragraph.words[start:end])
    return tuple(
        QuoteEdit(
            _KINDS[code.tag],
            quote.shown(code.src_start, code.src_end),
            paragraph.shown(start + code.dest_start, start + code.dest_end),
        )
        for code in codes
    )


_KINDS: dict[str, Literal["same", "changed", "added", "omitted"]] = {
    "equal": "same",
    "replace": "changed",
    "delete": "added",
    "insert": "omitted",
}


def _costs(
    wanted: Sequence[str], words: Sequence[str], deadline: Deadline, *, anchored: bool
) -> NDArray[np.int64]:
    """How many edits make `wanted` of a run of words that ends at each place (one more than there are words).

    The run may begin anywhere, or, when `anchored`, begins with the first word. Raises TimeIsUp.
    """
    numbers = {word: number for number, word in enumerate(dict.fromkeys(words))}
    found = np.fromiter((numbers[word] for word in words), np.int64, len(words))
    places = np.arange(len(words) + 1)
    costs = places if anchored else np.zeros_like(places)
    for row, word in enumerate(wanted, 1):
        deadline.check()
        changed = costs[:-1] + (found != numbers.get(word, -1))
        costs = np.concatenate(([row], np.minimum(changed, costs[1:] + 1)))
        # Words that only the run has cost one each: the least of all places before, and the way from there.
        costs = np.minimum.accumulate(costs - places) + places
    return costs


def _plain(char: str) -> str:
    if (looks := _LOOKS.get(char)) is not None:
        return looks
    if char.isascii():
        return char.lower()
    return unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", char).casefold())

"""Whether an article says what a quotation says, in the same words or nearly so, and where."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any

import numpy as np
import regex
from msgspec.structs import replace
from numpy.typing import NDArray
from rapidfuzz.distance import LCSseq, Levenshtein

from indexer.engine import (
    NO_DEADLINE,
    Deadline,
    QueryContext,
    Snapshot,
    TimedOut,
    idf,
    make_unscored,
    run_query,
    select_top,
)
from indexer.errors import InvalidRequest
from indexer.limits import QUOTE
from indexer.query import RawPhrase
from indexer.results import _KINDS, ArticleInfo, QuoteCheck, QuoteEdit, Span
from indexer.search.request import SearchSettings, check_text
from indexer.text.analyzer import get_analyzer
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


class Comparable:
    """A text as it is compared: its words, without what does not count, and where each stands.

    To make one raises TimeIsUp.
    """

    def __init__(self, text: str, deadline: Deadline = NO_DEADLINE) -> None:
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


def exact_spans(
    quote: Comparable, paragraph: Comparable, deadline: Deadline = NO_DEADLINE
) -> tuple[Span, ...]:
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


def likeness(quote: Comparable, paragraph: Comparable, deadline: Deadline = NO_DEADLINE) -> float:
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
    quote: Comparable, paragraph: Comparable, deadline: Deadline = NO_DEADLINE
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


ALSO = 10
"""How many other articles that have a quotation are named."""
_TERMS = 25  # of the words of a quotation the rarest are looked for
_CANDIDATES = 40  # paragraphs that share most of them are looked at
_COMPARED = 8  # of those, the most promising are compared word by word
_EXACT = 200  # articles that have its words in a row, as words are indexed, are looked through


def verify_quote(snapshot: Snapshot, how: SearchSettings, text: str, number: int | None = None) -> QuoteCheck:
    """Where a quotation stands in the index, or in the article of this number.

    When the time is up, as far as is known by then. Raises InvalidRequest for a text without words, or one
    that is too long.
    """
    check_text("text", text)
    if len(text) > QUOTE:
        raise InvalidRequest(
            f"text: a quotation of up to {QUOTE:,} characters is wanted, {len(text):,} were found"
        )
    quote = Comparable(text)
    if not quote.words:
        raise InvalidRequest("text: a quotation with at least one word is wanted, none was found")
    with Deadline(how.seconds, how.clock) as deadline:
        looked = _Verification(snapshot, how, text, quote, deadline)
        found = looked.anywhere() if number is None else looked.within(number)
    late = (
        f"The time for a query ({how.seconds:g} s) was up before all was compared: these words may stand, "
        "exactly or nearly so, in other places too."
    )
    return replace(found, notes=(*how.remarks, late) if looked.is_cut else how.remarks, is_cut=looked.is_cut)


@dataclass(slots=True)
class _Verification:
    """One quotation that is looked for in one snapshot, as long as there is time."""

    snapshot: Snapshot
    how: SearchSettings
    text: str
    quote: Comparable
    deadline: Deadline
    is_cut: bool = field(default=False, init=False)

    def anywhere(self) -> QuoteCheck:
        """Where it stands in the index."""
        plain = self.text.translate(dict.fromkeys(map(ord, UNSEEN)))
        return self._exact(self._with_phrase(plain)) or self._nearest(self._alike(plain))

    def within(self, article: int) -> QuoteCheck:
        """Where it stands in an article."""
        docs = range(int(self.snapshot.starts[article]), int(self.snapshot.stops[article]))
        return self._exact([article]) or self._nearest(docs)

    def _exact(self, articles: Iterable[int]) -> QuoteCheck | None:
        found: QuoteCheck | None = None
        also: list[ArticleInfo] = []
        try:
            for article in articles:
                for doc in range(int(self.snapshot.starts[article]), int(self.snapshot.stops[article])):
                    if spans := exact_spans(self.quote, self._paragraph(doc), self.deadline):
                        if found is None:
                            found = self._check(doc, verdict="exact", similarity=1.0, spans=spans)
                        else:
                            also += self.snapshot.infos([article])
                        break
                if len(also) == ALSO:
                    break
        except TimedOut:
            self.is_cut = True
        return replace(found, also=tuple(also)) if found else None

    def _nearest(self, docs: Iterable[int]) -> QuoteCheck:
        promising = []
        runs = []
        try:
            for doc in docs:
                paragraph = self._paragraph(doc)
                if promise := likeness(self.quote, paragraph, self.deadline):
                    promising.append((-promise, doc, paragraph))
            for _, doc, paragraph in sorted(promising, key=itemgetter(0, 1))[:_COMPARED]:
                runs.append((*nearest_run(self.quote, paragraph, self.deadline), doc, paragraph))
        except TimedOut:
            self.is_cut = True
        if not runs:
            return QuoteCheck(self.text, "absent")
        similarity, start, end, doc, paragraph = max(runs, key=itemgetter(0))
        if similarity < NEAR:
            return self._check(doc, verdict="absent", similarity=similarity)
        return self._check(
            doc,
            # Exact where the words are the same for a reader, and others for the index.
            verdict="near" if similarity < 1 else "exact",
            similarity=similarity,
            spans=(paragraph.span(start, end),),
            diff=differences(self.quote, paragraph, start, end) if similarity < 1 else (),
        )

    def _paragraph(self, doc: int) -> Comparable:
        self.deadline.check()
        return Comparable(self.snapshot.text_of(doc), self.deadline)

    def _check(self, doc: int, **found: Any) -> QuoteCheck:
        """What was found of it in a paragraph."""
        article = int(self.snapshot.article_of[doc])
        place = doc - int(self.snapshot.starts[article])
        (info,) = self.snapshot.infos([article])
        return QuoteCheck(
            quote=self.text,
            article=info,
            number=place + 1,
            anchor=self.snapshot.anchors(article)[place],
            text=self.snapshot.text_of(doc),
            **found,
        )

    def _with_phrase(self, text: str) -> list[int]:
        """Articles with a paragraph that has these words in a row, in any form; oldest first."""
        context = QueryContext(self.snapshot, self.how.languages, deadline=self.deadline)
        found = run_query(context, RawPhrase("paragraph", text))
        self.is_cut |= found.timed_out
        oldest: list[int] = select_top(
            self.snapshot, make_unscored(found.full.articles), "oldest", 0, _EXACT
        ).articles.tolist()
        return oldest

    def _alike(self, text: str) -> list[int]:
        """The paragraphs that share most of the rarest of these words, best first; ties by their order."""
        best = np.zeros(self.snapshot.documents)
        try:
            for words in dict.fromkeys(map(get_analyzer, self.how.languages)):
                np.maximum(best, self._shared(dict.fromkeys(words.analyze(text)[0])), out=best)
        except TimedOut:
            self.is_cut = True
        having = best.nonzero()[0]
        alike: list[int] = having[np.argsort(-best[having], kind="stable")[:_CANDIDATES]].tolist()
        return alike

    def _shared(self, stems: Iterable[str]) -> NDArray[np.float64]:
        """What the rarest of some stems weigh that each paragraph has. Raises TimeIsUp."""
        weights = {}
        for stem in stems:
            self.deadline.check()
            if having := self.snapshot.spread(stem):
                weights[stem] = idf(self.snapshot.paragraphs, having)
        shared = np.zeros(self.snapshot.documents)
        for stem in sorted(weights, key=weights.__getitem__, reverse=True)[:_TERMS]:
            self.deadline.check()
            shared[self.snapshot.postings("paragraph", stem).docs] += weights[stem]
        return shared

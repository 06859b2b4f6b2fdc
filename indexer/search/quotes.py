"""Verification of quotations: where an article has the same words, or nearly the same.

The same words are sought within a paragraph, then across the breaks between paragraphs; nearly the same ones
only within a paragraph.
"""

from __future__ import annotations

import unicodedata
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, pairwise
from operator import itemgetter
from typing import Any, Literal

import numpy as np
import regex
from msgspec.structs import replace
from numpy.typing import NDArray
from rapidfuzz.distance import LCSseq, Levenshtein

from indexer.engine import (
    NO_DEADLINE,
    Deadline,
    Ids,
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
from indexer.query import NoteCode, RawPhrase, make_note
from indexer.results import ArticleInfo, QuoteCheck, QuoteEdit, Span
from indexer.search.request import check_text
from indexer.search.settings import SearchSettings
from indexer.text.analyzer import Analyzer, get_analyzer
from indexer.text.unspaced import RUN_START

MIN_SIMILARITY = 0.6
"""The least share of words that agree in a near quotation; with less, texts only have the same subject."""
INVISIBLE = "\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"
"""Characters that control line breaks or the writing direction, and are no part of a word."""
# All quotation marks are equal, since nested quotations and typesetters change them; so are all dashes.
_EQUIVALENTS = (
    dict.fromkeys("\"'`´«»‘’‚‛“”„‟‹›′″「」『』＂＇", "'")
    | dict.fromkeys("-‐‑‒–—―−﹘﹣－", "-")
    | dict.fromkeys(INVISIBLE, "")
)
# Signs belong to words, since neither 5% nor -5 is 5. Punctuation does so only inside words such as U.S.,
# 10:30, 1,000 and don't. In scripts without spaces each character is a word.
_WORD = regex.compile(
    rf"""
      [{RUN_START}] \p{{M}}*
    | (?: (?<!LETTER) - (?=\p{{N}}) )? LETTER+ (?: (?: [.:'/] | (?<=\p{{N}}) , (?=\p{{N}}) ) LETTER+ )*
    """.replace("LETTER", rf"[[\p{{L}}\p{{M}}\p{{N}}\p{{S}}%‰&@\#_]--[{RUN_START}]]"),
    regex.VERBOSE | regex.VERSION1,
)
_STEP = 2**12  # characters or words between two checks of the deadline
_TIES = 8  # equally similar runs of words that are compared further
MAX_ALSO = 10
"""How many other articles with the quotation are named."""
_TERMS = 25  # of the terms of a quotation, the rarest are searched for
_CANDIDATES = 40  # paragraphs that share most of them are read
_COMPARED = 8  # of those, the most promising are compared word by word
_MAX_PHRASE_ARTICLES = 200  # articles that have its stems, or some of them, as a phrase are read
# Some piece of a quotation stands within a paragraph as long as there are fewer breaks than pieces.
_MIN_PIECES, _MAX_PIECES, _PIECE_WORDS = 2, 8, 2
_BREAK = "\n\n"

# The kinds of edits by the tags of rapidfuzz.
_EDITS: dict[str, Literal["same", "changed", "added", "omitted"]] = {
    "equal": "same",
    "replace": "changed",
    "delete": "added",
    "insert": "omitted",
}


class Comparable:
    """The words of a text in the form in which they are compared, and the span of each.

    Raises TimedOut when it is made.
    """

    def __init__(self, text: str, deadline: Deadline = NO_DEADLINE) -> None:
        plain: list[str] = []
        offsets: list[int] = []
        for offset, char in enumerate(text):
            if not offset % _STEP:
                deadline.check()
            normalized = _normalize(char)
            plain.append(normalized)
            offsets += [offset] * len(normalized)
        self._text = text
        self.words: list[str] = []
        self._spans: list[Span] = []
        for number, match in enumerate(_WORD.finditer("".join(plain))):
            if not number % _STEP:
                deadline.check()
            self.words.append(match[0])
            self._spans.append((offsets[match.start()], offsets[match.end() - 1] + 1))

    def span(self, first: int, end: int) -> Span:
        """The span in the text of a run of words that is not empty."""
        return self._spans[first][0], self._spans[end - 1][1]

    def text(self, first: int, end: int) -> str:
        """A run of words as the text has it."""
        if first >= end:
            return ""
        start, stop = self.span(first, end)
        return self._text[start:stop]


def find_exact_spans(
    quote: Comparable, paragraph: Comparable, deadline: Deadline = NO_DEADLINE
) -> tuple[Span, ...]:
    """The spans of a quotation's words as a phrase, ascending and disjoint. Raises TimedOut."""
    words, wanted = paragraph.words, quote.words
    found, free = [], 0
    for place, word in enumerate(words[: len(words) - len(wanted) + 1] if wanted else ()):
        if not place % _STEP:
            deadline.check()
        if word == wanted[0] and place >= free and words[place : place + len(wanted)] == wanted:
            free = place + len(wanted)
            found.append(paragraph.span(place, free))
    return tuple(found)


def estimate_similarity(quote: Comparable, paragraph: Comparable, deadline: Deadline = NO_DEADLINE) -> float:
    """An upper estimate of the similarity of a paragraph and a quotation, from 0 to 1, in linear time.

    It is the share of the quotation's words, in any order, that a run of as many words has at most. Raises
    TimedOut.
    """
    words, length = paragraph.words, len(quote.words)
    # How many more of each word the current run could use.
    missing: Counter[str] = Counter(quote.words)
    common = most = 0
    for place, word in enumerate(words):
        if not place % _STEP:
            deadline.check()
        if place >= length and (first := words[place - length]) in missing:
            missing[first] += 1
            common -= missing[first] > 0
        if word in missing:
            common += missing[word] > 0
            missing[word] -= 1
            most = max(most, common)
    return most / length if length else 0.0


def find_most_similar_run(
    quote: Comparable, paragraph: Comparable, deadline: Deadline = NO_DEADLINE
) -> tuple[float, int, int]:
    """The similarity (0 to 1), start and end of the run of words in a paragraph most similar to a quotation.

    It is the run with the fewest words changed, added and omitted (Sellers 1980, "The theory and computation
    of evolutionary distances"); of several, the one with most words in common, then the nearest in length.
    Raises TimedOut.
    """
    wanted, length = quote.words, len(quote.words)
    costs = _compute_costs(wanted, paragraph.words, deadline, anchored=False)
    least = int(costs.min())
    runs = []
    for end in np.flatnonzero(costs == least)[:_TIES].tolist():
        # A longer run would cost more.
        before = paragraph.words[max(0, end - length - least) : end]
        back = _compute_costs(wanted[::-1], before[::-1], deadline, anchored=True)
        for size in np.flatnonzero(back == least)[:_TIES].tolist():
            common = LCSseq.similarity(wanted, paragraph.words[end - size : end])
            runs.append((-common, abs(size - length), end - size, end))
    _, _, start, end = min(runs)
    return 1 - least / max(length, end - start), start, end


def compare(quote: Comparable, paragraph: Comparable, start: int, end: int) -> tuple[QuoteEdit, ...]:
    """The edits between a quotation and a run of a paragraph's words."""
    codes = Levenshtein.opcodes(quote.words, paragraph.words[start:end])
    return tuple(
        QuoteEdit(
            _EDITS[code.tag],
            quote.text(code.src_start, code.src_end),
            paragraph.text(start + code.dest_start, start + code.dest_end),
        )
        for code in codes
    )


def _compute_costs(
    wanted: Sequence[str], words: Sequence[str], deadline: Deadline, *, anchored: bool
) -> NDArray[np.int64]:
    """The edits between `wanted` and a run that ends before each word, and at the end: int64.

    The run may begin anywhere, or, when `anchored`, begins with the first word. Raises TimedOut.
    """
    numbers = {word: number for number, word in enumerate(dict.fromkeys(words))}
    found = np.fromiter((numbers[word] for word in words), np.int64, len(words))
    places = np.arange(len(words) + 1)
    costs = places if anchored else np.zeros_like(places)
    for row, word in enumerate(wanted, 1):
        deadline.check()
        changed = costs[:-1] + (found != numbers.get(word, -1))
        costs = np.concatenate(([row], np.minimum(changed, costs[1:] + 1)))
        # Each word that only the run has costs one more than ending before it.
        costs = np.minimum.accumulate(costs - places) + places
    return costs


def _normalize(char: str) -> str:
    if (plain := _EQUIVALENTS.get(char)) is not None:
        return plain
    if char.isascii():
        return char.lower()
    return unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", char).casefold())


def _remove_invisible(text: str) -> str:
    return text.translate(dict.fromkeys(map(ord, INVISIBLE)))


def verify_quote(
    snapshot: Snapshot, settings: SearchSettings, text: str, number: int | None = None
) -> QuoteCheck:
    """Find a quotation in the index, or in the article with a number.

    After a timeout, the result is the best place found so far. Raises InvalidRequest if the text has no words
    or is too long.
    """
    check_text("text", text)
    if len(text) > QUOTE:
        raise InvalidRequest(
            f"must be a quotation of at most {QUOTE:,} characters; not {len(text):,}", "text"
        )
    quote = Comparable(text)
    if not quote.words:
        raise InvalidRequest("must be a quotation with at least one word", "text")
    with Deadline(settings.seconds, settings.clock) as deadline:
        verification = _Verification(snapshot, settings, text, quote, deadline)
        found = verification.search_all() if number is None else verification.search_article(number)
    notes = [*settings.notes]
    if verification.timed_out:
        notes.append(make_note(NoteCode.QUOTE_TIMED_OUT, {"seconds": settings.seconds}))
    return replace(found, notes=tuple(notes), timed_out=verification.timed_out)


@dataclass(slots=True)
class _Verification:
    """The search for one quotation in one snapshot, until the deadline."""

    snapshot: Snapshot
    settings: SearchSettings
    text: str
    quote: Comparable
    deadline: Deadline
    timed_out: bool = field(default=False, init=False)

    def search_all(self) -> QuoteCheck:
        """Where the index has the quotation, or the paragraph that comes closest to it."""
        plain = _remove_invisible(self.text)
        return (
            self._find_exact(self._find_articles_with_phrase(plain), self._check_paragraphs)
            or self._find_exact(self._find_articles_with_pieces(), self._check_across_breaks)
            or self._find_most_similar(self._find_candidates(plain))
        )

    def search_article(self, article: int) -> QuoteCheck:
        """Where an article has the quotation, or its paragraph that comes closest to it."""
        return (
            self._find_exact([article], self._check_paragraphs)
            or self._find_exact([article], self._check_across_breaks)
            or self._find_most_similar(self._docs(article))
        )

    def _find_exact(
        self, articles: Iterable[int], check: Callable[[int], QuoteCheck | None]
    ) -> QuoteCheck | None:
        """The finding for the first article that passes a check, with the others that do."""
        found: QuoteCheck | None = None
        also: list[ArticleInfo] = []
        try:
            for article in articles:
                exact = check(article)
                if found is None:
                    found = exact
                elif exact and exact.article:
                    also.append(exact.article)
                if len(also) == MAX_ALSO:
                    break
        except TimedOut:
            self.timed_out = True
        return replace(found, also=tuple(also)) if found else None

    def _check_paragraphs(self, article: int) -> QuoteCheck | None:
        """The first paragraph of an article that has the quotation."""
        for doc in self._docs(article):
            if spans := find_exact_spans(self.quote, self._paragraph(doc), self.deadline):
                return self._check(doc, verdict="exact", similarity=1.0, spans=spans)
        return None

    def _check_across_breaks(self, article: int) -> QuoteCheck | None:
        """The first paragraphs of an article that have the quotation when they are read on end."""
        docs = self._docs(article)
        texts = [self.snapshot.text_of(doc) for doc in docs]
        whole = Comparable(_BREAK.join(texts), self.deadline)
        for start, end in find_exact_spans(self.quote, whole, self.deadline)[:1]:
            offsets = [0, *accumulate(len(text) + len(_BREAK) for text in texts)]
            first, last = bisect_right(offsets, start) - 1, bisect_left(offsets, end) - 1
            return self._check(
                docs[first],
                docs[last],
                verdict="exact",
                similarity=1.0,
                spans=((start - offsets[first], end - offsets[first]),),
            )
        return None

    def _find_most_similar(self, docs: Iterable[int]) -> QuoteCheck:
        promising = []
        runs = []
        try:
            for doc in docs:
                paragraph = self._paragraph(doc)
                if estimate := estimate_similarity(self.quote, paragraph, self.deadline):
                    promising.append((-estimate, doc, paragraph))
            for _, doc, paragraph in sorted(promising, key=itemgetter(0, 1))[:_COMPARED]:
                runs.append((*find_most_similar_run(self.quote, paragraph, self.deadline), doc, paragraph))
        except TimedOut:
            self.timed_out = True
        if not runs:
            return QuoteCheck(self.text, "absent")
        similarity, start, end, doc, paragraph = max(runs, key=itemgetter(0))
        if similarity < MIN_SIMILARITY:
            return self._check(doc, verdict="absent", similarity=similarity)
        return self._check(
            doc,
            # The words may be the same to a reader, though their stems differ.
            verdict="near" if similarity < 1 else "exact",
            similarity=similarity,
            spans=(paragraph.span(start, end),),
            diff=compare(self.quote, paragraph, start, end) if similarity < 1 else (),
        )

    def _docs(self, article: int) -> range:
        start = int(self.snapshot.doc_starts[article])
        return range(start, start + max(int(self.snapshot.counts[article]), 1))

    def _paragraph(self, doc: int) -> Comparable:
        self.deadline.check()
        return Comparable(self.snapshot.text_of(doc), self.deadline)

    def _check(self, doc: int, last: int | None = None, **found: Any) -> QuoteCheck:
        """The finding for a paragraph, or for those up to the last one."""
        last = doc if last is None else last
        article = int(self.snapshot.article_of[doc])
        place = doc - int(self.snapshot.doc_starts[article])
        (excerpt,) = self.snapshot.excerpts([article], [[place]])
        return QuoteCheck(
            quote=self.text,
            article=excerpt.info,
            number=place + 1,
            last_number=place + 1 + last - doc,
            anchor=excerpt.anchors[0],
            page_number=excerpt.pages[0],
            text=_BREAK.join(map(self.snapshot.text_of, range(doc, last + 1))),
            **found,
        )

    def _find_articles_with_pieces(self) -> list[int]:
        """The articles with most pieces of the words as phrases within a paragraph; oldest first."""
        count = len(self.quote.words)
        pieces = min(max(count // _PIECE_WORDS, _MIN_PIECES), _MAX_PIECES)
        bounds = [count * piece // pieces for piece in range(pieces + 1)]
        found = np.zeros(self.snapshot.articles, np.int64)
        for start, end in pairwise(bounds):
            if start < end:
                found[self._find_phrase(_remove_invisible(self.quote.text(start, end)))] += 1
        some = found.nonzero()[0]
        most = some[np.argsort(-found[some], kind="stable")[:_MAX_PHRASE_ARTICLES]]
        return self._select_oldest(np.sort(most))

    def _find_articles_with_phrase(self, text: str) -> list[int]:
        """Articles with a paragraph that has the words as a phrase, in any form; oldest first."""
        return self._select_oldest(self._find_phrase(text))

    def _find_phrase(self, text: str) -> Ids:
        context = QueryContext(self.snapshot, self.settings.languages, deadline=self.deadline)
        found = run_query(context, RawPhrase("paragraph", text))
        self.timed_out |= found.timed_out
        return found.full.articles

    def _select_oldest(self, articles: Ids) -> list[int]:
        oldest: list[int] = select_top(
            self.snapshot, make_unscored(articles), "oldest", 0, _MAX_PHRASE_ARTICLES
        ).articles.tolist()
        return oldest

    def _find_candidates(self, text: str) -> list[int]:
        """The paragraphs that share most of the rarest words, best first; ties by their order."""
        best = np.zeros(self.snapshot.documents)
        try:
            for analysis in dict.fromkeys(map(get_analyzer, self.settings.languages)):
                shared = self._weigh_shared_stems(analysis, dict.fromkeys(analysis.analyze(text)[0]))
                np.maximum(best, shared, out=best)
        except TimedOut:
            self.timed_out = True
        found = best.nonzero()[0]
        candidates: list[int] = found[np.argsort(-best[found], kind="stable")[:_CANDIDATES]].tolist()
        return candidates

    def _weigh_shared_stems(self, analysis: Analyzer, stems: Iterable[str]) -> NDArray[np.float64]:
        """The weight of the rarest of these stems that each paragraph has: float64. Raises TimedOut."""
        statistics = self.snapshot.statistics
        is_analysed = [get_analyzer(language) is analysis for language in statistics.languages]
        paragraphs = int(statistics.paragraphs[is_analysed].sum())
        weights = {}
        for stem in stems:
            self.deadline.check()
            if frequency := self.snapshot.document_frequency(stem):
                # Paragraphs in other languages have no more than the numbers and bigrams.
                weights[stem] = float(idf(max(paragraphs, frequency), frequency))
        shared = np.zeros(self.snapshot.documents)
        for stem in sorted(weights, key=weights.__getitem__, reverse=True)[:_TERMS]:
            self.deadline.check()
            found = self.snapshot.postings("paragraph", stem)
            shared[self.snapshot.select_texts(found, "paragraph").docs] += weights[stem]
        return shared

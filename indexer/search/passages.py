"""Passages: which texts of a hit to show, where to shorten them, and the hits made of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexer.engine import (
    Collapsed,
    Deadline,
    Matches,
    OptionalClause,
    QueryMatches,
    QueryTerm,
    ScoredTerm,
    Snapshot,
    TermSet,
    contains,
)
from indexer.results import Hit, Passage, Span
from indexer.search.highlight import Highlighter, find_highlights
from indexer.search.settings import SearchSettings
from indexer.text.analyzer import Analyzer, get_analyzer

PASSAGE_LENGTH = 320
ELLIPSIS = "…"
NO_NEAREST: Mapping[int, int] = MappingProxyType({})
"""No article is found by its meaning alone."""
_LEAD = 60  # characters shown before the first match of a shortened passage


class QueryHighlighter:
    """Highlights the terms of a query in titles, in paragraphs and in custom texts."""

    def __init__(
        self, snapshot: Snapshot, settings: SearchSettings, terms: Sequence[QueryTerm], deadline: Deadline
    ) -> None:
        self._snapshot = snapshot
        self._terms = terms
        self._deadline = deadline
        analyzers = {*map(get_analyzer, settings.languages)}
        self._is_mixed = len(analyzers) > 1 or any(own.tells_accents_apart for own in analyzers)
        self._highlighters: dict[tuple[TermSet, ...], Highlighter] = {}
        self.is_complete = True
        """Whether there was time to highlight all texts so far."""

    def find_spans(
        self, texts: Sequence[tuple[str, str, Analyzer]], *, first_only: bool = False
    ) -> list[tuple[Span, ...]]:
        """The spans to highlight in texts, each given with its field and its analyzer.

        The field is "title", "paragraph" or that of a custom text. For `first_only`, see
        `find_highlights`.
        """
        sets = {
            field: tuple(term.term_set for term in self._terms if term.is_in(field))
            for field in dict.fromkeys(field for field, _, _ in texts)
        }
        found: list[tuple[Span, ...]] = [()] * len(texts)
        # One call for all with the same terms: most of its time does not depend on how many texts there are.
        for terms in dict.fromkeys(sets.values()):
            fields = {field for field, own in sets.items() if own == terms}
            places = [place for place, (field, _, _) in enumerate(texts) if field in fields]
            spans, is_complete = find_highlights(
                [texts[place][1] for place in places],
                [texts[place][2] for place in places],
                self._make_highlighter(terms),
                self._deadline,
                first_only=first_only,
            )
            self.is_complete &= is_complete
            for place, own_spans in zip(places, spans, strict=True):
                found[place] = own_spans
        return found

    def _make_highlighter(self, terms: tuple[TermSet, ...]) -> Highlighter:
        if terms not in self._highlighters:
            self._highlighters[terms] = Highlighter.of(
                terms, self._snapshot.words_of, is_mixed=self._is_mixed
            )
        return self._highlighters[terms]


def make_hits(
    snapshot: Snapshot,
    settings: SearchSettings,
    found: QueryMatches,
    shown: Matches,
    collapsed: Collapsed,
    deadline: Deadline,
    *,
    is_partial: bool = False,
    nearest: Mapping[int, int] = NO_NEAREST,
) -> tuple[list[Hit], bool]:
    """The hits of the matches that are shown, with the near-duplicates under each and the words it lacks.

    Also whether there was time to highlight all of their texts. `nearest` has the articles that are found by
    their meaning alone, each with the document of the paragraph that comes closest to it: this is their
    passage, in which nothing is highlighted, and they are not said to lack words.
    """
    if not len(shown):
        return [], True
    hits = []
    # A part belongs to the matches in each language that reads it so.
    terms = tuple(dict.fromkeys((*found.terms, *(part.scored for part in found.parts if is_partial))))
    highlighter = QueryHighlighter(snapshot, settings, [scored.term for scored in terms], deadline)
    missing = [(want, ~contains(want.articles, shown.articles)) for want in found.optional if is_partial]
    starts, stops = snapshot.doc_starts[shown.articles], snapshot.doc_ends[shown.articles]
    languages = snapshot.statistics.language_of[shown.articles]
    chosen = choose_paragraphs(terms, starts, stops, settings.passages, languages)
    by_meaning = [nearest.get(article) for article in shown.articles.tolist()]
    if settings.passages:
        chosen = [docs if own is None else [own] for own, docs in zip(by_meaning, chosen, strict=True)]
    numbers = [[doc - start for doc in docs] for start, docs in zip(starts.tolist(), chosen, strict=True)]
    excerpts = snapshot.excerpts(shown.articles.tolist(), numbers)
    analyzers = [get_analyzer(excerpt.info.language or "") for excerpt in excerpts]
    titles = [("title", excerpt.info.title, own) for own, excerpt in zip(analyzers, excerpts, strict=True)]
    texts = [
        (field or "paragraph", text, own)
        for own, excerpt in zip(analyzers, excerpts, strict=True)
        for field, text in zip(excerpt.fields, excerpt.texts, strict=True)
    ]
    spans = highlighter.find_spans(titles + texts, first_only=True)
    title_spans, spans_of_texts = spans[: len(titles)], iter(spans[len(titles) :])
    others = [collapsed.hidden_under(article).tolist() for article in shown.articles.tolist()]
    also = iter(snapshot.infos([article for own in others for article in own]))
    for row, (excerpt, score) in enumerate(zip(excerpts, shown.scores.tolist(), strict=True)):
        passages = []
        has_words = by_meaning[row] is None
        for number, anchor, text, page, field in zip(
            excerpt.numbers, excerpt.anchors, excerpt.texts, excerpt.pages, excerpt.fields, strict=True
        ):
            found_spans = next(spans_of_texts)
            shown_text, own_spans = shorten(text, found_spans if has_words else ())
            passages.append(Passage(number, anchor, shown_text, own_spans, page, field))
        hits.append(
            Hit(
                excerpt.info,
                score,
                title_spans[row] if has_words else (),
                tuple(passages),
                _list_missing_labels((want, has_words and bool(absent[row])) for want, absent in missing),
                tuple(islice(also, len(others[row]))),
                by_meaning=not has_words,
            )
        )
    return hits, highlighter.is_complete


def _list_missing_labels(clauses: Iterable[tuple[OptionalClause, bool]]) -> tuple[str, ...]:
    """The labels of the clauses that are missing; neighbouring parts of one unspaced run are joined."""
    labels: list[str] = []
    was_missing = False
    for clause, is_missing in clauses:
        if is_missing and was_missing and clause.overlap:
            labels[-1] += clause.label[clause.overlap :]
        elif is_missing:
            labels.append(clause.label)
        was_missing = is_missing
    return tuple(labels)


def choose_paragraphs(
    terms: Sequence[ScoredTerm],
    starts: NDArray[Any],
    stops: NDArray[Any],
    most: int,
    languages: NDArray[np.int64],
) -> list[list[int]]:
    """For each hit, at most `most` of its texts (documents from start to stop), ascending.

    The first is the text that scores highest for the query, each next one that which adds most: terms
    that are already shown count for a quarter. Without any match it is the first paragraph.
    """
    if not most:
        return [[] for _ in starts]
    gains: list[dict[int, dict[int, float]]] = [{} for _ in starts]
    for number, scored in enumerate(terms):
        postings, weights = scored.term.paragraph, scored.weights[languages].tolist()
        lows = postings.docs.searchsorted(starts).tolist()
        highs = postings.docs.searchsorted(stops).tolist()
        for hit, weight, low, high in zip(gains, weights, lows, highs, strict=True):
            if low < high:
                freqs = postings.freqs[low:high].tolist()
                for doc, freq in zip(postings.docs[low:high].tolist(), freqs, strict=True):
                    hit.setdefault(doc, {})[number] = weight * freq / (freq + 1)
    choose = _choose_diverse if len(terms) > 1 else _choose_highest
    return [choose(hit, most) or [int(start)] for hit, start in zip(gains, starts, strict=True)]


def _choose_highest(gains: dict[int, dict[int, float]], most: int) -> list[int]:
    # With a single term, the gains of all paragraphs shrink alike, so their order stays the same.
    return sorted(sorted(gains, key=lambda doc: (-gains[doc][0], doc))[:most])


def _choose_diverse(gains: dict[int, dict[int, float]], most: int) -> list[int]:
    if len(gains) <= most:
        return sorted(gains)
    totals = {doc: sum(own.values()) for doc, own in gains.items()}
    by_total = sorted(totals, key=lambda doc: (-totals[doc], doc))
    chosen: list[int] = []
    weights = dict.fromkeys((term for own in gains.values() for term in own), 1.0)
    while len(chosen) < most:
        best, added = -1, -1.0
        for doc in by_total:
            if totals[doc] < added:
                # The rest have totals that are no higher, so they cannot add more.
                break
            if doc not in chosen:
                more = sum([gain * weights[term] for term, gain in gains[doc].items()])
                if more > added or (more == added and doc < best):
                    best, added = doc, more
        chosen.append(best)
        for term in gains[best]:
            weights[term] /= 4
    return sorted(chosen)


def shorten(text: str, spans: Sequence[Span], length: int = PASSAGE_LENGTH) -> tuple[str, tuple[Span, ...]]:
    """At most about `length` characters of a text, and the spans of the matches in them.

    The window is the first of those with the most matches. It begins and ends at white space where there is
    some nearby, with an ellipsis where text is omitted.
    """
    if len(text) <= length:
        return text, tuple(spans)
    start, stop = _choose_window(len(text), spans, length)
    start, stop = _to_boundary(text, start, forward=True), _to_boundary(text, stop, forward=False)
    before = ELLIPSIS if start else ""
    after = ELLIPSIS if stop < len(text) else ""
    shift = len(before) - start
    kept = tuple(
        (max(a, start) + shift, min(b, stop) + shift) for a, b in spans if min(b, stop) > max(a, start)
    )
    return before + text[start:stop] + after, kept


def _choose_window(size: int, spans: Sequence[Span], length: int) -> Span:
    best, most, last = 0, 0, 0
    for first, (start, _) in enumerate(spans):
        # Spans are disjoint and ascending, so the last one that fits never moves back.
        while last < len(spans) and spans[last][1] <= start - _LEAD + length:
            last += 1
        if last - first > most:
            best, most = start - _LEAD, last - first
    start = max(0, min(best, size - length))
    return start, start + length


def _to_boundary(text: str, place: int, *, forward: bool) -> int:
    """The nearest word boundary inside the window within thirty characters, else `place`."""
    if place in (0, len(text)):
        return place
    if forward:
        stretch = text[place : place + 30]
        gap = next((i for i, char in enumerate(stretch) if char.isspace()), -1)
        return place + gap + 1 if gap >= 0 and not text[place - 1].isspace() else place
    stretch = text[place - 30 : place]
    gap = next((i for i in range(len(stretch) - 1, -1, -1) if stretch[i].isspace()), -1)
    return place - len(stretch) + gap if gap >= 0 and not text[place].isspace() else place

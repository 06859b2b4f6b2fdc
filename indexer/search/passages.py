"""Passages: which paragraphs of a hit to show, where to cut them, and the hits made of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any

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
    contains,
)
from indexer.results import Hit, Passage, Span
from indexer.search.highlight import Highlighter, find_highlights
from indexer.search.request import SearchSettings
from indexer.text.analyzer import get_analyzer

UNMARKED = "There was no time to mark all that was found."
"""A note on hits with long texts."""


def make_highlighters(
    snapshot: Snapshot, how: SearchSettings, leaves: Sequence[QueryTerm]
) -> tuple[Highlighter, Highlighter]:
    """What to mark in titles, and in paragraphs."""
    # With several languages, a word of a stem in one may have another stem in the other.
    is_mixed = len(set(map(get_analyzer, how.languages))) > 1
    in_title = [leaf.highlight for leaf in leaves if leaf.in_title]
    in_text = [leaf.highlight for leaf in leaves if leaf.in_text]
    title = Highlighter.of(in_title, snapshot.words_of, is_mixed=is_mixed)
    return title, title if in_title == in_text else Highlighter.of(
        in_text, snapshot.words_of, is_mixed=is_mixed
    )


def make_hits(
    snapshot: Snapshot,
    how: SearchSettings,
    found: QueryMatches,
    shown: Matches,
    folded: Collapsed,
    deadline: Deadline,
    *,
    lacking: bool = False,
) -> tuple[list[Hit], bool]:
    """The hits of the matches that are shown, with what is folded under them, and what they lack.

    And whether there was time to look for what to mark in all of their texts.
    """
    if not len(shown):
        return [], True
    hits = []
    leaves = (*found.terms, *(part.scored for part in found.parts if lacking))
    in_title, in_text = make_highlighters(snapshot, how, [scored.term for scored in leaves])
    missing = [(want, ~contains(want.articles, shown.articles)) for want in found.optional if lacking]
    starts, stops = snapshot.starts[shown.articles], snapshot.stops[shown.articles]
    chosen = choose_paragraphs(leaves, starts, stops, how.passages)
    places = [[doc - start for doc in docs] for start, docs in zip(starts.tolist(), chosen, strict=True)]
    excerpts = snapshot.excerpts(shown.articles.tolist(), places)
    words = [get_analyzer(excerpt.info.language or "") for excerpt in excerpts]
    titles = [excerpt.info.title for excerpt in excerpts]
    texts = [text for excerpt in excerpts for text in excerpt.texts]
    words_of_texts = [own for own, excerpt in zip(words, excerpts, strict=True) for _ in excerpt.texts]
    if in_title is in_text:
        # Most of what it takes to find them is the same for one text and for thirty.
        both, is_whole = find_highlights(
            titles + texts, words + words_of_texts, in_text, deadline, enough=True
        )
        title_spans, text_spans = both[: len(titles)], iter(both[len(titles) :])
    else:
        title_spans, titles_whole = find_highlights(titles, words, in_title, deadline, enough=True)
        in_texts, is_whole = find_highlights(texts, words_of_texts, in_text, deadline, enough=True)
        text_spans, is_whole = iter(in_texts), is_whole and titles_whole
    others = [folded.hidden_under(article).tolist() for article in shown.articles.tolist()]
    also = iter(snapshot.infos([article for own in others for article in own]))
    for number, (excerpt, score) in enumerate(zip(excerpts, shown.scores.tolist(), strict=True)):
        passages = []
        for place, anchor, text in zip(places[number], excerpt.anchors, excerpt.texts, strict=False):
            shown_text, spans = cut(text, next(text_spans))
            passages.append(Passage(place + 1, anchor, shown_text, spans))
        hits.append(
            Hit(
                excerpt.info,
                score,
                title_spans[number],
                tuple(passages),
                _joined((want, bool(absent[number])) for want, absent in missing),
                tuple(islice(also, len(others[number]))),
            )
        )
    return hits, is_whole


def _joined(wanted: Iterable[tuple[OptionalClause, bool]]) -> tuple[str, ...]:
    """What is absent, neighbouring parts of a run put together again."""
    labels: list[str] = []
    goes_on = False
    for want, absent in wanted:
        if absent and goes_on and want.overlap:
            labels[-1] += want.label[want.overlap :]
        elif absent:
            labels.append(want.label)
        goes_on = absent
    return tuple(labels)


PASSAGE_LENGTH = 320
ELLIPSIS = "…"
_LEAD = 60  # how much is shown before the first match of a cut passage


def choose_paragraphs(
    leaves: Sequence[ScoredTerm], starts: NDArray[Any], stops: NDArray[Any], most: int
) -> list[list[int]]:
    """For each hit, the documents between its start and stop that answer best, at most `most`, in order.

    The first chosen is the one with the most of the query; each next one is chosen for what it adds: words
    that are shown already count for a quarter. Without any match, the first paragraph.
    """
    if not most:
        return [[] for _ in starts]
    gains: list[dict[int, dict[int, float]]] = [{} for _ in starts]
    for number, scored in enumerate(leaves):
        postings, weight = scored.term.paragraph, scored.weight
        lows = postings.docs.searchsorted(starts).tolist()
        highs = postings.docs.searchsorted(stops).tolist()
        for hit, low, high in zip(gains, lows, highs, strict=True):
            if low < high:
                freqs = postings.freqs[low:high].tolist()
                for doc, freq in zip(postings.docs[low:high].tolist(), freqs, strict=True):
                    hit.setdefault(doc, {})[number] = weight * freq / (freq + 1)
    best = _best if len(leaves) > 1 else _richest
    return [best(hit, most) or [int(start)] for hit, start in zip(gains, starts, strict=True)]


def _richest(gains: dict[int, dict[int, float]], most: int) -> list[int]:
    # Of one word, every paragraph adds the same as before, only less of it.
    return sorted(sorted(gains, key=lambda doc: (-gains[doc][0], doc))[:most])


def _best(gains: dict[int, dict[int, float]], most: int) -> list[int]:
    if len(gains) <= most:
        # As nearly always with rare words: whatever has one is shown.
        return sorted(gains)
    totals = {doc: sum(own.values()) for doc, own in gains.items()}
    richest = sorted(totals, key=lambda doc: (-totals[doc], doc))
    chosen: list[int] = []
    weights = dict.fromkeys((leaf for own in gains.values() for leaf in own), 1.0)
    while len(chosen) < most:
        best, added = -1, -1.0
        for doc in richest:
            if totals[doc] < added:
                # None after it could add more, for it has not even as much.
                break
            if doc not in chosen:
                more = sum([gain * weights[leaf] for leaf, gain in gains[doc].items()])
                if more > added or (more == added and doc < best):
                    best, added = doc, more
        chosen.append(best)
        for leaf in gains[best]:
            weights[leaf] /= 4
    return sorted(chosen)


def cut(text: str, spans: Sequence[Span], length: int = PASSAGE_LENGTH) -> tuple[str, tuple[Span, ...]]:
    """A text of at most about `length` characters around the matches, with their places in it.

    Cut at white space where there is any near, with an ellipsis for what is left out. The stretch shown is
    the one with the most matches, and of those the first.
    """
    if len(text) <= length:
        return text, tuple(spans)
    start, stop = _window(len(text), spans, length)
    start, stop = _to_boundary(text, start, forward=True), _to_boundary(text, stop, forward=False)
    before = ELLIPSIS if start else ""
    after = ELLIPSIS if stop < len(text) else ""
    shift = len(before) - start
    kept = tuple(
        (max(a, start) + shift, min(b, stop) + shift) for a, b in spans if min(b, stop) > max(a, start)
    )
    return before + text[start:stop] + after, kept


def _window(size: int, spans: Sequence[Span], length: int) -> Span:
    best, most, last = 0, 0, 0
    for first, (start, _) in enumerate(spans):
        # The spans do not overlap, so the last one that has room is never one before.
        while last < len(spans) and spans[last][1] <= start - _LEAD + length:
            last += 1
        if last - first > most:
            best, most = start - _LEAD, last - first
    start = max(0, min(best, size - length))
    return start, start + length


def _to_boundary(text: str, place: int, *, forward: bool) -> int:
    """The nearest word boundary inside the window, if there is one within thirty characters."""
    if place in (0, len(text)):
        return place
    if forward:
        stretch = text[place : place + 30]
        gap = next((i for i, char in enumerate(stretch) if char.isspace()), -1)
        return place + gap + 1 if gap >= 0 and not text[place - 1].isspace() else place
    stretch = text[place - 30 : place]
    gap = next((i for i in range(len(stretch) - 1, -1, -1) if stretch[i].isspace()), -1)
    return place - len(stretch) + gap if gap >= 0 and not text[place].isspace() else place

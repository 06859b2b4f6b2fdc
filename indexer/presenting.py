"""Matches to hits: the passages that answer best, with what matched marked, and what is lacking."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice

from indexer.engine.arrays import Matches, contains
from indexer.engine.deadline import Deadline
from indexer.engine.folding import Folded
from indexer.engine.found import Found, Wanted
from indexer.engine.leaves import Leaf
from indexer.engine.snapshot import Snapshot
from indexer.marking import find_marks
from indexer.model import Hit, Passage
from indexer.searching import Searching
from indexer.snippets import Marker, choose_paragraphs, cut
from indexer.text.analyzer import analyzer

UNMARKED = "There was no time to mark all that was found."
"""A note on hits with long texts."""


def markers(snapshot: Snapshot, how: Searching, leaves: Sequence[Leaf]) -> tuple[Marker, Marker]:
    """What to mark in titles, and in paragraphs."""
    # With several languages, a word of a stem in one may have another stem in the other.
    is_mixed = len(set(map(analyzer, how.languages))) > 1
    in_title = [leaf.mark for leaf in leaves if leaf.in_title]
    in_text = [leaf.mark for leaf in leaves if leaf.in_text]
    title = Marker.of(in_title, snapshot.words_of, is_mixed=is_mixed)
    return title, title if in_title == in_text else Marker.of(in_text, snapshot.words_of, is_mixed=is_mixed)


def present(
    snapshot: Snapshot,
    how: Searching,
    found: Found,
    shown: Matches,
    folded: Folded,
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
    leaves = (*found.leaves, *(piece.scored for piece in found.pieces if lacking))
    in_title, in_text = markers(snapshot, how, [scored.leaf for scored in leaves])
    missing = [(want, ~contains(want.articles, shown.articles)) for want in found.wanted if lacking]
    starts, stops = snapshot.starts[shown.articles], snapshot.stops[shown.articles]
    chosen = choose_paragraphs(leaves, starts, stops, how.passages)
    places = [[doc - start for doc in docs] for start, docs in zip(starts.tolist(), chosen, strict=True)]
    excerpts = snapshot.excerpts(shown.articles.tolist(), places)
    words = [analyzer(excerpt.info.language or "") for excerpt in excerpts]
    titles = [excerpt.info.title for excerpt in excerpts]
    texts = [text for excerpt in excerpts for text in excerpt.texts]
    words_of_texts = [own for own, excerpt in zip(words, excerpts, strict=True) for _ in excerpt.texts]
    if in_title is in_text:
        # Most of what it takes to find them is the same for one text and for thirty.
        both, is_whole = find_marks(titles + texts, words + words_of_texts, in_text, deadline, enough=True)
        title_spans, text_spans = both[: len(titles)], iter(both[len(titles) :])
    else:
        title_spans, titles_whole = find_marks(titles, words, in_title, deadline, enough=True)
        in_texts, is_whole = find_marks(texts, words_of_texts, in_text, deadline, enough=True)
        text_spans, is_whole = iter(in_texts), is_whole and titles_whole
    others = [folded.also(article).tolist() for article in shown.articles.tolist()]
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


def _joined(wanted: Iterable[tuple[Wanted, bool]]) -> tuple[str, ...]:
    """What is absent, neighbouring parts of a run put together again."""
    labels: list[str] = []
    goes_on = False
    for want, absent in wanted:
        if absent and goes_on and want.shared:
            labels[-1] += want.label[want.shared :]
        elif absent:
            labels.append(want.label)
        goes_on = absent
    return tuple(labels)

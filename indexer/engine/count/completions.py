"""Completes words: which begin with a prefix, how many articles of a set have them, and what follows them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from heapq import nsmallest
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexer.engine.count.matching import ArticleSet
from indexer.engine.format.arrays import Ids
from indexer.engine.format.phrases import MAX_FOLLOWING
from indexer.engine.format.segment_file import Array
from indexer.engine.read.segment import SegmentView
from indexer.engine.read.snapshot import LiveSegment, Snapshot

MOST_POSTINGS = 50_000
"""The most postings that are counted at once; if there are more, only the most frequent stems are counted."""
_HEAVY = MOST_POSTINGS // 8  # from this many postings on, a stem is assumed to be equally frequent everywhere


@dataclass(frozen=True, slots=True)
class Completion:
    """A word of the lexicon and its weight: how many paragraphs, or articles of a set, have its stem."""

    word: str
    weight: int


@dataclass(frozen=True, slots=True)
class Continuation:
    """Words that follow a phrase, the stem of the last of them, and how often they follow its last word.

    If the phrase ends with common words, `count` is how often they follow these and the word before them.
    """

    words: tuple[str, ...]
    stem: str
    count: int


def complete_word(
    snapshot: Snapshot,
    prefix: str,
    articles: ArticleSet | None,
    limit: int,
    excluded: Collection[str] = (),
) -> list[Completion]:
    """The words that begin with a normalized prefix, at most `limit`, those with the greatest weight first.

    Words of one stem find the same articles, so only the most frequent of them is given. With `articles`,
    only words of these articles are given, and weights count them. Where there are very many postings, the
    weights of the most frequent stems are estimates, and the rarest stems are dropped. `excluded` stems are
    not completed.
    """
    weights: Counter[str] = Counter()
    for part in snapshot.segments:
        # A word may have another stem in each segment, or in each language: their weights are added.
        for word, weight in _complete_in_segment(snapshot, part, prefix, articles, limit, excluded):
            weights[word] += weight
    return _select_heaviest(weights, limit)


def list_continuations(
    snapshot: Snapshot, phrase: Sequence[Collection[str]], prefix: str | None = None, limit: int = 10
) -> list[Continuation]:
    """The words that follow a phrase, at most `limit` of each segment, as far as the segments list them.

    Of a segment with removed articles there may be ten times as many, since some may follow only there.

    `phrase` has the stems and words by which each of its words is recognised. If it ends with common words,
    what follows the words before them is found, too. With a `prefix`, only a word that follows right after
    the phrase and begins with it is given.
    """
    total = float(snapshot.lengths["paragraph"].sum())
    counts: dict[tuple[str, tuple[str, ...]], Counter[str]] = {}
    for part in snapshot.segments:
        most = 10 * limit if part.lists_removed_phrases else limit
        for first in range(max(len(phrase) - MAX_FOLLOWING, 0), len(phrase)):
            for found in _continue_in_segment(part.view, phrase[first:], prefix, most, total):
                own = counts.setdefault((found.stem, found.words[:-1]), Counter())
                own[found.words[-1]] += found.count
    return [
        Continuation((*words, min(own, key=lambda word: (-own[word], word))), stem, own.total())
        for (stem, words), own in counts.items()
    ]


def find_titles(snapshot: Snapshot, prefix: str) -> Ids:
    """The documents whose title has a stem of a word with a normalized prefix: ascending, int32."""
    found = [np.empty(0, np.int32)]
    for part in snapshot.segments:
        if not (numbers := part.view.words.find_prefix(prefix)):
            continue
        stems = np.unique(part.view.list_forms(numbers)[1])
        has_stem = np.zeros(part.view.documents, np.bool_)
        has_stem[part.view.fields["title"].read_documents(stems)] = True
        docs = np.flatnonzero(has_stem).astype(np.int32)
        found.append((docs if part.live is None else docs[part.live[docs]]) + np.int32(part.first_doc))
    return np.concatenate(found)


def _select_heaviest(weights: Counter[str], limit: int) -> list[Completion]:
    found = [Completion(word, weight) for word, weight in weights.items() if weight]
    # Ties are broken by word, so that the order of the segments does not matter.
    return nsmallest(limit, found, key=lambda candidate: (-candidate.weight, candidate.word))


def _complete_in_segment(
    snapshot: Snapshot,
    part: LiveSegment,
    prefix: str,
    articles: ArticleSet | None,
    limit: int,
    excluded: Collection[str],
) -> list[tuple[str, int]]:
    view = part.view
    words, stems, variants = _find_forms(view, prefix, excluded)
    distinct = np.unique(stems)
    if not len(distinct):
        return []
    weights = view.count_postings(distinct)
    if articles is not None:
        weights = _weigh_in_set(snapshot, part, distinct, weights, articles)
    best = np.argsort(-weights, kind="stable")[:limit]
    found = []
    for place in best[weights[best] > 0].tolist():
        word = _find_most_frequent(view, int(distinct[place]), words, stems, variants)
        found.append((word, int(weights[place])))
    return found


def _continue_in_segment(
    view: SegmentView, phrase: Sequence[Collection[str]], prefix: str | None, limit: int, total: float
) -> Iterator[Continuation]:
    """The continuations of the first word of a phrase by its other words and what follows them.

    Those that stand together most surely, of `total` words.
    """
    phrases, words = view.phrases, view.file.sections["stem.words"]
    common = [[number for form in forms if (number := view.words.find(form)) is not None] for forms in phrase]
    wanted = None if prefix is None else view.words.find_prefix(prefix)
    for stem in map(view.find_stem, phrase[0]):
        if stem is None:
            continue
        lengths, ends, counts = phrases.of(stem)
        is_found = lengths == len(phrase) if wanted is not None else lengths >= len(phrase)
        for place, numbers in enumerate(common[1:]):
            is_found &= np.isin(words[phrases.forms[np.minimum(ends - lengths + place, ends - 1)]], numbers)
        lasts = phrases.forms[ends - 1]
        if wanted is not None:
            is_found &= (words[lasts] >= wanted.start) & (words[lasts] < wanted.stop)
        rows = np.flatnonzero(is_found)
        stems = view.file.sections["stem.starts"].searchsorted(lasts[rows], "right") - 1
        own = np.maximum(view.count_postings(np.array([stem])) * view.count_postings(stems), 1)
        times = np.maximum(counts[rows], 1)
        weights = times * np.log(times * total / own)
        for place in np.argsort(-weights, kind="stable")[:limit].tolist():
            row, start = rows[place], ends[rows[place]] - lengths[rows[place]] + len(phrase) - 1
            forms = phrases.forms[start : ends[row]]
            yield Continuation(
                tuple(view.words[word] for word in words[forms].tolist()),
                view.stems[int(stems[place])],
                int(counts[row]),
            )


def _find_most_frequent(view: SegmentView, stem: int, words: Array, stems: Array, variants: Array) -> str:
    """The most frequent of some forms of a stem; see `_find_forms`."""
    forms = np.flatnonzero(stems == stem)
    best = int(np.argmax(view.estimate_shares(stem)[variants[forms]])) if len(forms) > 1 else 0
    return view.words[int(words[forms[best]])]


def _find_forms(
    view: SegmentView, prefix: str, excluded: Collection[str]
) -> tuple[NDArray[np.int64], NDArray[np.int64], Any]:
    """The word, the stem and the variant of each form of the words with a prefix, without excluded stems."""
    words, stems, variants = view.list_forms(view.words.find_prefix(prefix))
    excluded_stems = [number for stem in excluded if (number := view.stems.find(stem)) is not None]
    if excluded_stems:
        is_left = ~np.isin(stems, excluded_stems)
        words, stems, variants = words[is_left], stems[is_left], variants[is_left]
    return words, stems, variants


def _weigh_in_set(
    snapshot: Snapshot,
    part: LiveSegment,
    stems: NDArray[np.int64],
    postings: NDArray[np.int64],
    articles: ArticleSet,
) -> NDArray[np.int64]:
    """The weight of each stem (ascending) in a set of articles; `postings` is the number each has."""
    size = np.count_nonzero(articles)
    estimates = np.minimum(postings * (size / max(snapshot.articles, 1)), size)
    weights = np.where(postings > _HEAVY, estimates.astype(np.int64), 0)
    light = np.flatnonzero(postings <= _HEAVY)
    light = light[np.argsort(-postings[light], kind="stable")]
    # Postings of documents that the view does not show are read, too.
    read = sum(field.count_postings(stems[light]) for field in part.view.fields.values())
    light = np.sort(light[np.cumsum(read) < MOST_POSTINGS])
    weights[light] = _count_articles(snapshot, part, stems[light], articles)
    return weights


def _count_articles(
    snapshot: Snapshot, part: LiveSegment, stems: NDArray[np.int64], articles: ArticleSet
) -> NDArray[np.int64]:
    """How many articles of a set have each stem (ascending) in the field where most of them have it."""
    counts = np.zeros(len(stems), np.int64)
    for field in part.view.fields.values():
        sizes = field.count_postings(stems)
        docs = field.read_documents(stems)
        if not len(docs):
            continue
        with_postings = np.flatnonzero(sizes)
        first = (np.cumsum(sizes) - sizes)[with_postings]
        owners = snapshot.article_of[docs + np.int32(part.first_doc)]
        is_repeated = np.concatenate(([False], owners[1:] == owners[:-1]))
        is_repeated[first] = False
        found = np.add.reduceat(articles[owners] & ~is_repeated, first, dtype=np.int64)
        counts[with_postings] = np.maximum(counts[with_postings], found)
    return counts

"""Completes words: which begin with a prefix, how many articles of a set have them, or what they follow."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from heapq import nsmallest
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexer.engine.count.matching import ArticleSet
from indexer.engine.format.arrays import Ids, expand_ranges
from indexer.engine.format.segment_file import Array
from indexer.engine.read.deadline import NO_DEADLINE, Deadline
from indexer.engine.read.segment import SegmentView
from indexer.engine.read.snapshot import LiveSegment, Snapshot

MOST_POSTINGS = 50_000
"""The most postings that are counted at once; if there are more, only the most frequent stems are counted."""
_MOST_SEARCHED = 2 * MOST_POSTINGS  # postings that are searched for words after others
_BITS = 32  # of an occurrence's position; above them, a key has its document
_HEAVY = MOST_POSTINGS // 8  # from this many postings on, a stem is assumed to be equally frequent everywhere


@dataclass(frozen=True, slots=True)
class Candidate:
    """A word of the lexicon and its weight: how many paragraphs, or articles of a set, have its stem.

    Of a word after another, the weight is how often it stands there.
    """

    word: str
    weight: int


def complete_word(
    snapshot: Snapshot,
    prefix: str,
    articles: ArticleSet | None,
    limit: int,
    excluded: Collection[str] = (),
) -> list[Candidate]:
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


def complete_word_after(
    snapshot: Snapshot,
    prefix: str,
    before: Iterable[str],
    docs: Ids,
    limit: int,
    excluded: Collection[str] = (),
    deadline: Deadline = NO_DEADLINE,
) -> list[Candidate]:
    """The words that begin with a normalized prefix and stand right after one of the stems `before`.

    At most `limit` of those in the paragraphs `docs` (ascending), those with the greatest weight first; see
    `complete_word`. Where there are very many postings, the rarest stems are dropped. Raises TimedOut.
    """
    weights: Counter[str] = Counter()
    for part in snapshot.segments:
        bounds = np.array((part.first_doc, part.first_doc + part.view.documents), docs.dtype)
        low, high = np.searchsorted(docs, bounds)
        own = docs[low:high] - np.int32(part.first_doc)
        for word, weight in _complete_after_in_segment(part.view, prefix, before, own, excluded, deadline):
            weights[word] += weight
    return _select_heaviest(weights, limit)


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


def _select_heaviest(weights: Counter[str], limit: int) -> list[Candidate]:
    found = [Candidate(word, weight) for word, weight in weights.items() if weight]
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


def _complete_after_in_segment(
    view: SegmentView,
    prefix: str,
    before: Iterable[str],
    docs: Ids,
    excluded: Collection[str],
    deadline: Deadline,
) -> list[tuple[str, int]]:
    words, stems, variants = _find_forms(view, prefix, excluded)
    ends = [np.empty(0, np.int64)]
    for stem in before:
        indices, positions = view.positions("paragraph", stem, docs)
        ends.append((docs[indices].astype(np.int64) << _BITS) + positions)
    last = np.sort(np.concatenate(ends))
    distinct = np.unique(stems)
    if not len(distinct) or not len(last):
        return []
    sizes = view.fields["paragraph"].count_postings(distinct)
    order = np.argsort(-sizes, kind="stable")
    chosen = np.sort(distinct[order[np.cumsum(sizes[order]) <= _MOST_SEARCHED]])
    is_wanted = np.zeros(view.documents, np.bool_)
    is_wanted[docs] = True
    weights: Counter[int] = Counter()
    for owners, keys in _read_keys(view, chosen, is_wanted, deadline):
        places = np.minimum(last.searchsorted(keys - 1), len(last) - 1)
        following = owners[last[places] == keys - 1]
        weights.update(dict(zip(*(part.tolist() for part in np.unique_counts(following)), strict=True)))
    return [
        (_find_most_frequent(view, stem, words, stems, variants), weights[stem])
        for stem in set(weights).intersection(chosen.tolist())
    ]


def _read_keys(
    view: SegmentView, stems: NDArray[np.int64], is_wanted: NDArray[np.bool_], deadline: Deadline
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """The occurrences of stems (ascending), and of some between them, in some paragraphs.

    Yields the stem of each, and its document and position as one number.
    """
    field = view.fields["paragraph"]
    for low, docs, freqs, owners in field.iter_postings(stems, deadline):
        starts = field.find_occurrences(low, freqs, owners)
        kept = np.flatnonzero(is_wanted[docs])
        positions = field.open_packed("positions").take(expand_ranges(starts[kept], freqs[kept]))
        keys = (docs[kept].astype(np.int64) << _BITS).repeat(freqs[kept]) + positions
        yield owners[kept].repeat(freqs[kept]), keys


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

"""Which words begin with a text, and how many articles of a set have them: array operations on lexicons."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from heapq import nsmallest
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexer.engine.format.arrays import Ids
from indexer.engine.read.segment import SegmentView
from indexer.engine.read.snapshot import LiveSegment, Snapshot
from indexer.engine.read.vocabulary import share_of_stem

Articles = NDArray[np.bool_]
"""A set of articles: one bool of each, and a last one, False, for documents of removed articles (-1)."""
MOST_POSTINGS = 50_000
"""So many postings are counted at once; of more, only those of the most frequent stems."""
_HEAVY = MOST_POSTINGS // 8  # postings of a stem that are not counted, but taken to be anywhere alike


@dataclass(frozen=True, slots=True)
class Candidate:
    """A word as in the lexicon, and its weight: in how many paragraphs (or articles of a set) its stem is."""

    word: str
    weight: int


def make_article_set(snapshot: Snapshot, articles: Ids) -> Articles:
    """The articles as a set."""
    chosen = np.zeros(snapshot.articles + 1, np.bool_)
    chosen[articles] = True
    return chosen


def complete_word(
    snapshot: Snapshot, prefix: str, within: Articles | None, most: int, without: Collection[str] = ()
) -> list[Candidate]:
    """The words that begin with a folded text, at most `most`, those that weigh most first.

    Of the words of one stem, which find the same, the one that is written most often. `within` keeps to the
    articles of a set, and lets the weights count those; where postings are very many, those of the most
    frequent words are estimated and those of the rarest left out. The words of `without` are passed over.
    """
    weights: Counter[str] = Counter()
    for part in snapshot.parts:
        # A word may have a stem in each language: those weigh together, as they do in different segments.
        for word, weight in _complete(snapshot, part, prefix, within, most, without):
            weights[word] += weight
    found = [Candidate(word, weight) for word, weight in weights.items() if weight]
    # Ties by word: in which segment it came first is no order.
    return nsmallest(most, found, key=lambda candidate: (-candidate.weight, candidate.word))


def find_titles(snapshot: Snapshot, prefix: str) -> Ids:
    """The documents whose title has a stem of a word that begins with a folded text; ascending (int32)."""
    found = [np.empty(0, np.int32)]
    for part in snapshot.parts:
        low, high = _word_range(part.view, prefix)
        if low >= high:
            continue
        stems = np.unique(_forms(part.view, low, high)[1])
        having = np.zeros(part.view.documents, np.bool_)
        having[part.view.fields["title"].documents(stems)] = True
        docs = np.flatnonzero(having).astype(np.int32)
        found.append((docs if part.live is None else docs[part.live[docs]]) + np.int32(part.first_doc))
    return np.concatenate(found)


def _complete(
    snapshot: Snapshot,
    part: LiveSegment,
    prefix: str,
    within: Articles | None,
    most: int,
    without: Collection[str],
) -> list[tuple[str, int]]:
    view = part.view
    low, high = _word_range(view, prefix)
    if low >= high:
        return []
    owners, stems, variants = _forms(view, low, high)
    left_out = [number for word in without if (number := view.words.find(word)) is not None]
    if left_out:
        # What shares a stem with one of these finds as much as it.
        common = np.isin(stems, stems[np.isin(owners, left_out)])
        owners, stems, variants = owners[~common], stems[~common], variants[~common]
    distinct, places = np.unique(stems, return_inverse=True)
    if not len(distinct):
        return []
    section = view.file.sections
    counts = np.zeros(len(distinct), np.int64)
    for field in ("paragraph", "title"):
        starts = section[f"{field}.starts"]
        counts += (starts[distinct + 1] - starts[distinct]).astype(np.int64)
    weights = counts
    if within is not None:
        whole = np.count_nonzero(within)
        estimate = np.minimum(counts * (whole / max(snapshot.articles, 1)), whole)
        weights = np.where(counts > _HEAVY, estimate.astype(np.int64), 0)
        light = np.flatnonzero(counts <= _HEAVY)
        light = light[np.argsort(-counts[light], kind="stable")]
        light = np.sort(light[np.cumsum(counts[light]) < MOST_POSTINGS])
        weights[light] = _articles_of(snapshot, part, distinct[light], within)
    chosen = np.argsort(-weights, kind="stable")[:most]
    found = []
    for place in chosen[weights[chosen] > 0].tolist():
        forms = np.flatnonzero(places == place)
        best = 0
        if len(forms) > 1:
            best = int(np.argmax(share_of_stem(view, int(distinct[place]))[variants[forms]]))
        found.append((view.words[int(owners[forms[best]])], int(weights[place])))
    return found


def _articles_of(
    snapshot: Snapshot, part: LiveSegment, stems: NDArray[np.int64], within: Articles
) -> NDArray[np.int64]:
    """In how many articles of a set each stem (ascending) is: the larger of the counts of both fields."""
    best = np.zeros(len(stems), np.int64)
    for field in ("paragraph", "title"):
        starts = part.view.file.sections[f"{field}.starts"]
        sizes = (starts[stems + 1] - starts[stems]).astype(np.int64)
        docs = part.view.fields[field].documents(stems)
        if not len(docs):
            continue
        having = np.flatnonzero(sizes)
        first = (np.cumsum(sizes) - sizes)[having]
        articles = snapshot.article_of[docs + np.int32(part.first_doc)]
        counted = within[articles]
        again = np.concatenate(([False], articles[1:] == articles[:-1]))
        again[first] = False
        best[having] = np.maximum(best[having], np.add.reduceat(counted & ~again, first, dtype=np.int64))
    return best


def _word_range(view: SegmentView, prefix: str) -> tuple[int, int]:
    start = prefix.encode(errors="surrogatepass")
    # No text in UTF-8 has this byte.
    return view.words.first_from(start), view.words.first_from(start + b"\xff")


def _forms(view: SegmentView, low: int, high: int) -> tuple[NDArray[np.int64], NDArray[np.int64], Any]:
    """The forms of the words from number `low` up to `high`: the word, the stem and the variant of each."""
    section = view.file.sections
    starts = section["word.starts"][low : high + 1].astype(np.int64)
    begin, end = int(starts[0]), int(starts[-1])
    owners = np.repeat(np.arange(low, high), np.diff(starts))
    return owners, section["word.stems"][begin:end].astype(np.int64), section["word.variants"][begin:end]

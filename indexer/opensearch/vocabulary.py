"""The words of a view of the cluster, looked up as they are needed, for *did you mean*.

Words like a typed one come from the term suggester of the cluster, which looks at all articles; how many
articles of the view have each word is counted, so that a word that only other articles have is unknown.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

from indexer.engine import Vocabulary
from indexer.opensearch import mapping
from indexer.opensearch.dsl import Dsl
from indexer.text.unspaced import is_unspaced

K = TypeVar("K")
V = TypeVar("V")
_MOST_NEAR = 30
"""Words like a typed one that are considered, the most similar and most frequent first."""
_MAX_REMEMBERED = 4096
_COUNTS, _NEAR = "counts", "near"


def remember(known: dict[K, V], more: Mapping[K, V], most: int = _MAX_REMEMBERED) -> None:
    """Add to what is known, all of which is forgotten first if there would be more than `most`."""
    if len(known) + len(more) > most:
        known.clear()
    known.update(more)


class WordMemory:
    """What is known of the words of a view: how many articles have each, and which are like each."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}
        self.near: dict[str, tuple[str, ...]] = {}

    def add_counts(self, counts: Mapping[str, int]) -> None:
        remember(self.counts, counts)

    def add_near(self, near: Mapping[str, tuple[str, ...]]) -> None:
        remember(self.near, near)


class ClusterVocabulary(Vocabulary):
    """The words of a view; what is asked for and not known yet is missing, and is asked of the cluster."""

    def __init__(self, memory: WordMemory) -> None:
        # The constructor of the base class would read all words.
        self._memory = memory
        self.frequencies: Mapping[str, int] = _Counts(self)
        self._uncounted: dict[str, None] = {}
        self._unlike: dict[str, None] = {}

    def find_near(self, word: str, distance: int, *, min_frequency: int = 0) -> list[tuple[str, int]]:
        """The words of the view at most `distance` edits from a word, ascending, each with its edits."""
        # Imported here, because many processes never need it.
        from rapidfuzz.distance import OSA

        near = self._memory.near.get(word)
        if near is None:
            self._unlike[word] = None
            return []
        found = []
        for other in sorted(near):
            count, edits = self.estimate_frequency(other), int(OSA.distance(word, other))
            if count >= max(min_frequency, 1) and edits <= distance:
                found.append((other, edits))
        return found

    def estimate_frequency(self, word: str) -> int:
        """How many articles have exactly this word; 0 if none has, or if it is not known yet."""
        count = self._memory.counts.get(word)
        if count is None:
            self._uncounted[word] = None
        return count or 0

    def make_searches(self, select: Any, match: Any) -> Iterator[tuple[str, Dsl]]:
        """Yield the searches for what is missing, each with its kind; see `learn`.

        `select` is that of the view, `match` gives the query for some words.
        """
        if self._uncounted:
            filters = {word: match([word]) for word in self._uncounted}
            yield (
                _COUNTS,
                {
                    "size": 0,
                    "track_total_hits": False,
                    "query": select(match([*self._uncounted])),
                    "aggs": {"words": {"filters": {"filters": filters}}},
                },
            )
        if self._unlike:
            how = {
                "field": mapping.VOCABULARY,
                "suggest_mode": "always",
                "prefix_length": 0,
                "min_word_length": 1,
                "max_edits": 2,
                "string_distance": "damerau_levenshtein",
                "size": _MOST_NEAR,
                "shard_size": 2 * _MOST_NEAR,
            }
            suggesters = {word: {"text": word, "term": how} for word in self._unlike}
            yield _NEAR, {"size": 0, "track_total_hits": False, "suggest": suggesters}

    def learn(self, kind: str, answer: Mapping[str, Any]) -> None:
        """Take in the answer to one of these searches."""
        if kind == _COUNTS:
            buckets = answer["aggregations"]["words"]["buckets"]
            self._memory.add_counts({word: bucket["doc_count"] for word, bucket in buckets.items()})
            self._uncounted = {}
            return
        found = {}
        for word, entries in answer["suggest"].items():
            options = [option["text"] for entry in entries for option in entry["options"]]
            near = (own for own in (word, *options) if own.isalpha() and not is_unspaced(own))
            found[word] = tuple(dict.fromkeys(near))
        self._memory.add_near(found)
        self._unlike = {}


class _Counts(Mapping[str, int]):
    """How many articles have each word."""

    def __init__(self, vocabulary: ClusterVocabulary) -> None:
        self._vocabulary = vocabulary

    def __getitem__(self, word: str) -> int:
        if count := self._vocabulary.estimate_frequency(word):
            return count
        raise KeyError(word)

    def __iter__(self) -> Iterator[str]:
        raise TypeError("the words of a cluster are not listed")

    def __len__(self) -> int:
        raise TypeError("the words of a cluster are not counted")

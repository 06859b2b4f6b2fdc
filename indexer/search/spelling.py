"""*Did you mean*: a query with its misspelt words replaced by words of the index, if that finds more.

Shannon's noisy channel, as Kernighan, Church and Gale (1990) use it for spelling: of the words near to what
was typed the one is taken that is likeliest, by how often it is written, how far it is from what was typed,
and what stands beside it. It is offered only if the whole query finds more with it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise, product

from indexer.engine import Snapshot, TermReader
from indexer.query import PlainWord, find_plain_words
from indexer.search.written_forms import find_written_form, sample_texts
from indexer.text.analyzer import get_analyzer
from indexer.text.languages import stop_words
from indexer.text.normalization import normalize
from indexer.text.unspaced import is_unspaced

PLENTY = 10
"""So many hits fill a page: from there on a word is doubted only for one that is far more frequent."""
DOUBTED = 100
"""From so many hits on, of the query or of a word, nothing is doubted: no search for frequent words pays."""
FAR = 100
"""How many times as frequent as a word that the index has another must be to be offered for it."""
_BESIDE = 30  # times as frequent, if it stands beside the neighbours somewhere, which what was typed does not
_LEAST = (
    3  # letters of a word that is doubted; with so few, only if it is unknown, for one beside a neighbour
)
_SHORT, _LONG = 5, 7  # letters from which on two may be wrong: beside a neighbour, and anywhere
_EDIT = 5.0  # how unlikely a wrong letter is, as a logarithm: one in about 150
_SECOND = 3.0  # how much unlikelier two wrong letters are than one and one
_FIRST = 2.5  # how much unlikelier a wrong first letter is
_PAIR = 1.5  # how much likelier a word is that stands beside its neighbour somewhere
_MOST_WORDS = 32  # words of a query that are looked at
_MOST_DOUBTED = 5  # of those, the rarest, that others are looked for
_CONSIDERED = 4  # words whose neighbours are looked at
_KEPT = 2  # changes of a word that are tried
_TRIED = 4  # whole queries that are counted
_WRITINGS = 10  # paragraphs that are read to see how a word is written


@dataclass(frozen=True, slots=True)
class _Change:
    """Other words for a stretch of the query, and how likely they were meant, as a logarithm."""

    start: int
    end: int
    words: tuple[str, ...]
    score: float


def did_you_mean(
    snapshot: Snapshot,
    languages: Sequence[str],
    query: str,
    total: int,
    having: Mapping[str, int],
    count: Callable[[str], int],
) -> str | None:
    """The query as it may have been meant, or None.

    `total` is how many articles it finds, `having` how many have each of its words as typed; `count` tells
    how many another query finds. Quoted and excluded words, numbers, patterns and values of fields stay as
    they are, and so does all that is not a misspelt word.
    """
    if total >= DOUBTED:
        return None
    words = [word for word in find_plain_words(query) if word.text in having][:_MOST_WORDS]
    doubted = sorted(words, key=lambda word: having[word.text])[:_MOST_DOUBTED]
    checking = _Checking(snapshot, languages, query, total, having)
    options = [[change] for a, b in pairwise(words) if (change := checking.joined(a, b))]
    for place, word in enumerate(words):
        if word not in doubted:
            continue
        before = words[place - 1] if place and checking.adjacent(words[place - 1], word) else None
        after = words[place + 1] if checking.adjacent(word, *words[place + 1 : place + 2]) else None
        options.append(checking.changes(word, before, after)[:_KEPT])
    best: tuple[float, str] | None = None
    for chosen in islice(_combinations([option for option in options if option]), _TRIED):
        text = checking.text(chosen)
        found = count(text)
        score = sum(change.score for change in chosen) + math.log(found + 1)
        if found > total and (best is None or score > best[0]):
            best = score, text
    return best[1] if best else None


@dataclass(frozen=True, slots=True)
class _Checking:
    """The checking of one query's words."""

    snapshot: Snapshot
    languages: Sequence[str]
    query: str
    total: int
    having: Mapping[str, int]

    def adjacent(self, first: PlainWord, second: PlainWord | None = None) -> bool:
        """Whether nothing stands between two words."""
        return second is not None and not self.query[first.end : second.start].strip()

    def changes(self, word: PlainWord, before: PlainWord | None, after: PlainWord | None) -> list[_Change]:
        """What a word may have been meant to be, the likeliest first; nothing for one that seems right."""
        typed, own = _folded(word), self.having[word.text]
        if len(typed) < _LEAST + bool(own) or not typed.isalpha() or is_unspaced(typed) or own >= DOUBTED:
            return []
        is_at_home = bool(own) and self._beside(typed, before, after) > 0
        found = []
        for near, edits, unlikely in islice(self._near(typed, own), _CONSIDERED):
            times = 1 if self._is_common(near) else self.snapshot.vocabulary.written(near)
            pairs = 0 if is_at_home else self._beside(near, before, after)
            if self._is_likelier(len(typed), own, edits, times, pairs):
                bonus = _PAIR + math.log(pairs) / 2 if pairs else 0.0
                score = math.log(times + 1) - unlikely + bonus
                found.append(_Change(word.start, word.end, (near,), score))
        if not own:
            found += self._apart(word, typed)
        return sorted(found, key=lambda change: -change.score)

    def joined(self, first: PlainWord, second: PlainWord) -> _Change | None:
        """Two neighbours as one word, where the index has that, and never the two side by side."""
        parts = _folded(first), _folded(second)
        together = "".join(parts)
        if not self.adjacent(first, second) or not together.isalpha() or self.total >= PLENTY:
            return None
        times = self.snapshot.vocabulary.written(together)
        rarer = min(self.having[first.text], self.having[second.text])
        if times <= rarer or is_unspaced(together) or self._together(*parts):
            return None
        return _Change(first.start, second.end, (together,), math.log(times) - _EDIT)

    def text(self, changes: Sequence[_Change]) -> str:
        """The query with the changes made."""
        pieces, place = [], 0
        for change in sorted(changes, key=lambda change: change.start):
            pieces += [self.query[place : change.start], " ".join(map(self._written, change.words))]
            place = change.end
        return "".join([*pieces, self.query[place:]])

    def _near(self, typed: str, own: int) -> Iterator[tuple[str, int, float]]:
        """Words near to what was typed, how many letters are wrong, how unlikely that is; likeliest first.

        For a word that the index has, only those with one wrong letter, not the first.
        """
        from rapidfuzz.distance import OSA

        vocabulary = self.snapshot.vocabulary
        most = 1 if own or len(typed) < _SHORT else 2
        found: list[tuple[float, str, int, float]] = []
        for word in vocabulary.near(typed, most):
            edits = int(OSA.distance(typed, word))
            is_first = word[0] != typed[0]
            if not edits or (is_first and (own or edits > 1)):
                continue
            # A common word is hardly ever what a query is about, however often it is written.
            times = 1 if self._is_common(word) else vocabulary.frequencies[word]
            if times > own * _BESIDE:
                unlikely = _EDIT * edits + (_SECOND if edits > 1 else 0.0) + (_FIRST if is_first else 0.0)
                found.append((unlikely - math.log(times + 1), word, edits, unlikely))
        return ((word, edits, unlikely) for _, word, edits, unlikely in sorted(found))

    def _is_likelier(self, letters: int, own: int, edits: int, times: int, pairs: int) -> bool:
        if own:
            return times >= own * FAR or bool(self.total < PLENTY and pairs and times >= own * _BESIDE)
        if edits > 1:
            return letters >= _LONG or bool(letters >= _SHORT and pairs)
        return letters > _LEAST or bool(pairs)

    def _is_common(self, word: str) -> bool:
        """Whether a word of the index, which is normalized, is a stop word."""
        return any(word in stop_words(language) for language in self.languages)

    def _apart(self, word: PlainWord, typed: str) -> list[_Change]:
        """What was typed as two words, where the index has them side by side."""
        written = self.snapshot.vocabulary.frequencies.get
        halves = [(typed[:at], typed[at:]) for at in range(2, len(typed) - 1)]
        known = [(min(written(a, 0), written(b, 0)), a, b) for a, b in halves]
        found = []
        for times, first, second in sorted(known, reverse=True)[:_CONSIDERED]:
            if times and (pairs := self._together(first, second)):
                score = math.log(pairs + 1) - _EDIT
                found.append(_Change(word.start, word.end, (first, second), score))
        return found

    def _beside(self, word: str, before: PlainWord | None, after: PlainWord | None) -> int:
        """In how many paragraphs a word stands beside a neighbour."""
        pairs = self._together(_folded(before), word) if before else 0
        return pairs + (self._together(word, _folded(after)) if after else 0)

    def _together(self, first: str, second: str) -> int:
        leaf = TermReader(self.snapshot, self.languages).phrase(
            ("title", "paragraph"), f"{first} {second}", 1
        )
        return len(leaf.paragraph.docs) + len(leaf.title.docs)

    def _written(self, word: str) -> str:
        """A folded word as it is written."""
        leaf = TermReader(self.snapshot, self.languages).word(("paragraph",), word)
        texts = sample_texts(self.snapshot, leaf.paragraph.docs, _WRITINGS)
        return find_written_form(get_analyzer(self.languages[0]), word, texts)


def _folded(word: PlainWord) -> str:
    return normalize(word.text).replace("'", "").replace("\u2019", "")


def _combinations(options: Sequence[Sequence[_Change]]) -> Iterator[list[_Change]]:
    """Ways to make one change of each option, the likeliest first, leaving out those that overlap others."""
    ways = sorted(product(*options), key=lambda way: -sum(change.score for change in way)) if options else []
    seen = set()
    for way in ways:
        kept: list[_Change] = []
        for change in sorted(way, key=lambda change: -change.score):
            if all(change.end <= other.start or other.end <= change.start for other in kept):
                kept.append(change)
        if (key := frozenset(kept)) not in seen:
            seen.add(key)
            yield kept

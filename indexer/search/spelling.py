"""*Did you mean*: a query with its misspelt words replaced by words of the index, if that finds more.

Shannon's noisy channel, as Kernighan, Church and Gale (1990) use it for spelling: of the words similar to a
typed word, the likeliest is chosen by its frequency, its edit distance and its neighbours. It is offered only
if the whole query finds more with it.
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
"""From this many hits on, a word is replaced only by one that is far more frequent."""
DOUBTED = 100
"""From this many hits on, of the query or of a word, nothing is replaced."""
FAR = 100
"""How many times as frequent as a word of the index its replacement must be."""
_BESIDE = 30  # times as frequent, if the replacement occurs beside a neighbour and the typed word does not
_MIN_LETTERS = 3  # of a word that is replaced; with so few it must be unknown, and beside a neighbour
_SHORT, _LONG = 5, 7  # letters from which on two may be wrong: beside a neighbour, and elsewhere
# Logarithms of probabilities.
_EDIT = 5.0  # the cost of a wrong letter: one in about 150
_SECOND = 3.0  # the extra cost of a second wrong letter
_FIRST = 2.5  # the extra cost of a wrong first letter
_PAIR = 1.5  # the bonus of a word that occurs beside its neighbour
_MAX_WORDS = 32  # of a query that are checked
_MAX_DOUBTED = 5  # of those, the rarest may be replaced
_CONSIDERED = 4  # replacements of a word whose neighbours are checked
_KEPT = 2  # replacements of a word that are tried
_TRIED = 4  # whole queries that are counted
_FORM_SAMPLE = 10  # paragraphs that are read to find the form in which a word is written


@dataclass(frozen=True, slots=True)
class _Change:
    """Other words for a stretch of the query, and the logarithm of their likelihood."""

    start: int
    end: int
    words: tuple[str, ...]
    score: float


def did_you_mean(
    snapshot: Snapshot,
    languages: Sequence[str],
    query: str,
    total: int,
    counts: Mapping[str, int],
    count: Callable[[str], int],
) -> str | None:
    """The query as it may have been meant, or None.

    `total` is how many articles the query finds, `counts` how many have each of its words as typed; `count`
    gives how many another query finds. Only misspelt words are changed, not quoted or excluded ones, numbers,
    patterns or the values of fields.
    """
    if total >= DOUBTED:
        return None
    words = [word for word in find_plain_words(query) if word.text in counts][:_MAX_WORDS]
    doubted = sorted(words, key=lambda word: counts[word.text])[:_MAX_DOUBTED]
    checker = _Checker(snapshot, languages, query, total, counts)
    options = [[change] for a, b in pairwise(words) if (change := checker.joined(a, b))]
    for place, word in enumerate(words):
        if word not in doubted:
            continue
        before = words[place - 1] if place and checker.adjacent(words[place - 1], word) else None
        after = words[place + 1] if checker.adjacent(word, *words[place + 1 : place + 2]) else None
        options.append(checker.changes(word, before, after)[:_KEPT])
    best: tuple[float, str] | None = None
    for chosen in islice(_combine_changes([option for option in options if option]), _TRIED):
        text = checker.text(chosen)
        found = count(text)
        score = sum(change.score for change in chosen) + math.log(found + 1)
        if found > total and (best is None or score > best[0]):
            best = score, text
    return best[1] if best else None


@dataclass(frozen=True, slots=True)
class _Checker:
    """Finds replacements for the words of one query."""

    snapshot: Snapshot
    languages: Sequence[str]
    query: str
    total: int
    counts: Mapping[str, int]

    def adjacent(self, first: PlainWord, second: PlainWord | None = None) -> bool:
        """Whether nothing stands between two words."""
        return second is not None and not self.query[first.end : second.start].strip()

    def changes(self, word: PlainWord, before: PlainWord | None, after: PlainWord | None) -> list[_Change]:
        """The replacements of a word, the likeliest first; none for a word that seems right."""
        typed = _normalize(word)
        # A filter may hide the articles that have it, which does not make it misspelt.
        own = self.counts[word.text]
        own = own if own >= DOUBTED else max(own, self.snapshot.vocabulary.estimate_frequency(typed))
        if (
            len(typed) < _MIN_LETTERS + bool(own)
            or _has_spelled_out_letter(word.text)
            or not typed.isalpha()
            or is_unspaced(typed)
            or own >= DOUBTED
        ):
            return []
        similar = [*islice(self._find_similar(typed, own), _CONSIDERED)]
        is_in_context = bool(own and similar) and self._count_beside(typed, before, after) > 0
        found = []
        for near, edits, unlikely in similar:
            times = 1 if self._is_common(near) else self.snapshot.vocabulary.estimate_frequency(near)
            pairs = 0 if is_in_context else self._count_beside(near, before, after)
            if self._is_likelier(len(typed), own, edits, times, pairs):
                bonus = _PAIR + math.log(pairs) / 2 if pairs else 0.0
                score = math.log(times + 1) - unlikely + bonus
                found.append(_Change(word.start, word.end, (near,), score))
        if not own:
            found += self._split_word(word, typed)
        return sorted(found, key=lambda change: -change.score)

    def joined(self, first: PlainWord, second: PlainWord) -> _Change | None:
        """Two neighbours as one word, if the index has that and never the two side by side."""
        parts = _normalize(first), _normalize(second)
        together = "".join(parts)
        if not self.adjacent(first, second) or not together.isalpha() or self.total >= PLENTY:
            return None
        times = self.snapshot.vocabulary.estimate_frequency(together)
        rarer = min(self.counts[first.text], self.counts[second.text])
        if times <= rarer or is_unspaced(together) or self._count_together(*parts):
            return None
        return _Change(first.start, second.end, (together,), math.log(times) - _EDIT)

    def text(self, changes: Sequence[_Change]) -> str:
        """The query with the changes made.

        A query in capitals stays so: with other letters, its AND would be an operator.
        """
        pieces, place = [], 0
        for change in sorted(changes, key=lambda change: change.start):
            words = " ".join(map(self._find_written_form, change.words))
            pieces += [self.query[place : change.start], words.upper() if self.query.isupper() else words]
            place = change.end
        return "".join([*pieces, self.query[place:]])

    def _find_similar(self, typed: str, own: int) -> Iterator[tuple[str, int, float]]:
        """Words similar to a typed one, their edit distance and its cost; the likeliest first.

        For a word that the index has, only those with one wrong letter, not the first.
        """
        vocabulary = self.snapshot.vocabulary
        most = 1 if own or len(typed) < _SHORT else 2
        least = own * _BESIDE + 1
        found: list[tuple[float, str, int, float]] = []
        for word, edits in vocabulary.find_near(typed, most, min_frequency=least):
            is_first = word[0] != typed[0]
            if not edits or (is_first and (own or edits > 1)):
                continue
            # A common word is hardly ever what a query is about, however often it is written.
            times = 1 if self._is_common(word) else vocabulary.frequencies[word]
            if times >= least:
                unlikely = _EDIT * edits + (_SECOND if edits > 1 else 0.0) + (_FIRST if is_first else 0.0)
                found.append((unlikely - math.log(times + 1), word, edits, unlikely))
        return ((word, edits, unlikely) for _, word, edits, unlikely in sorted(found))

    def _is_likelier(self, letters: int, own: int, edits: int, times: int, pairs: int) -> bool:
        if own:
            return times >= own * FAR or bool(self.total < PLENTY and pairs and times >= own * _BESIDE)
        if edits > 1:
            return letters >= _LONG or bool(letters >= _SHORT and pairs)
        return letters > _MIN_LETTERS or bool(pairs)

    def _is_common(self, word: str) -> bool:
        """Whether a word of the index, which is normalized, is a stop word."""
        return any(word in stop_words(language) for language in self.languages)

    def _split_word(self, word: PlainWord, typed: str) -> list[_Change]:
        """A word that was typed without the space, where the index has the two words side by side."""
        written = self.snapshot.vocabulary.frequencies.get
        halves = [(typed[:at], typed[at:]) for at in range(2, len(typed) - 1)]
        known = [(min(written(a, 0), written(b, 0)), a, b) for a, b in halves]
        found = []
        for times, first, second in sorted(known, reverse=True)[:_CONSIDERED]:
            if times and (pairs := self._count_together(first, second)):
                score = math.log(pairs + 1) - _EDIT
                found.append(_Change(word.start, word.end, (first, second), score))
        return found

    def _count_beside(self, word: str, before: PlainWord | None, after: PlainWord | None) -> int:
        """In how many paragraphs a word stands beside a neighbour."""
        pairs = self._count_together(_normalize(before), word) if before else 0
        return pairs + (self._count_together(word, _normalize(after)) if after else 0)

    def _count_together(self, first: str, second: str) -> int:
        term = TermReader(self.snapshot, self.languages).phrase("text", f"{first} {second}", 1)
        if self.snapshot.collection is not None:
            return self.snapshot.collection.count_articles(term)
        return len(term.paragraph.docs) + len(term.title.docs)

    def _find_written_form(self, word: str) -> str:
        """A normalized word in the form in which the texts have it."""
        term = TermReader(self.snapshot, self.languages, variants=False).word("text", word)
        texts = sample_texts(self.snapshot, term.paragraph.docs, _FORM_SAMPLE)
        return find_written_form(get_analyzer(self.languages[0]), word, texts)


def _normalize(word: PlainWord) -> str:
    return normalize(word.text).replace("'", "").replace("\u2019", "")


def _has_spelled_out_letter(word: str) -> bool:
    """Whether a word has a letter that is normalized to several, such as ß: it is not typed by mistake."""
    return not word.isascii() and any(len(normalize(letter)) > 1 for letter in word)


def _combine_changes(options: Sequence[Sequence[_Change]]) -> Iterator[list[_Change]]:
    """Combinations of one change from each option, the likeliest first, without overlapping changes."""
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

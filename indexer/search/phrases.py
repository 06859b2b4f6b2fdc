"""Phrases: words that follow others in the texts of an index, and how much more often than by chance."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from indexer.search.written_forms import prefer_common_form
from indexer.text.analyzer import Analyzer, Token
from indexer.text.normalization import normalize
from indexer.text.unspaced import is_unspaced

_BACK, _AHEAD = 20, 60  # characters that are read for each word before, and after a word
_MAX_PLACES = 4  # places of a text at which a word may begin that are looked at
_MAX_LINKS = 2  # common words between a phrase and its next word
_RUN = 6  # characters by which a text without spaces is continued

Forms = frozenset[str]
"""The stems and words by which one word of a text is recognised."""


@dataclass(frozen=True, slots=True)
class Continuations:
    """How some texts write a phrase, and the words that follow it there.

    `written` counts the forms of the last word of the phrase, `first` those at the beginning of a text.
    `next` has for each word that follows, by its stem, the forms in which it is written together with the
    last word of the phrase; the stems of common words between them belong to it.
    """

    written: Counter[str] = field(default_factory=Counter)
    first: Counter[str] = field(default_factory=Counter)
    next: dict[tuple[str, ...], Counter[str]] = field(default_factory=dict)

    def add(self, other: Continuations) -> None:
        """Count what another reading has, too."""
        self.written.update(other.written)
        self.first.update(other.first)
        for stems, writings in other.next.items():
            self.next.setdefault(stems, Counter()).update(writings)

    @property
    def places(self) -> int:
        """How many texts have the phrase."""
        return self.written.total() + self.first.total()

    def find_form(self, word: str) -> str:
        """The form in which to show the last word; the given one if none was read."""
        found = self.written or Counter(map(str.lower, self.first.elements()))
        return choose_form(found) if found else word


def choose_form(writings: Counter[str]) -> str:
    """The form in which to show words that are written in several; see `prefer_common_form`."""
    forms: Counter[str] = Counter()
    for writing, count in writings.items():
        forms[normalize(writing)] += count
    return prefer_common_form(min(forms, key=lambda form: (-forms[form], form)), writings)


def measure_association(together: float, first: float, second: float, total: float) -> float:
    """How surely words stand together more often than by chance: the log-likelihood ratio, 0 if they do not.

    The second follows the first `together` times, of `first` and `second` occurrences of each among `total`
    words. Dunning (1993), for a binomial distribution. It grows with the number of occurrences as well as
    with their share.
    """
    expected = first * second / max(total, 1.0)
    together = min(together, first)
    if not 0 < expected < together:
        return 0.0
    rest = first - together
    ratio = together * math.log(together / expected)
    if rest:
        ratio += rest * math.log(rest / max(first - expected, 1e-9))
    return 2 * ratio


def measure_cohesion(together: float, first: float, second: float, total: float) -> float:
    """How much more often words stand together than by chance: 0 for chance, 1 for never apart.

    Normalized pointwise mutual information (Bouma 2009); see `measure_association`.
    """
    if not together or not first * second:
        return 0.0
    if together >= total:
        return 1.0
    return math.log(together * total / (first * second)) / math.log(total / together)


def read_phrase(
    texts: Iterable[str], words: Analyzer, phrase: Sequence[Forms], common: Collection[str], prefix: str = ""
) -> Continuations:
    """Read the first place of a phrase in each text; the last word there begins with the prefix.

    A phrase is continued by a word that is not common, or by a common word that is part of a name.
    """
    reading = Continuations()
    names: dict[tuple[str, ...], Counter[str]] = {}
    for text, tokens, end, is_first in _find_places(texts, words, phrase, prefix):
        own = text[tokens[end - 1].start : tokens[end - 1].end]
        (reading.first if is_first and end == 1 else reading.written)[own] += 1
        for last in range(end, min(end + _MAX_LINKS + 1, len(tokens))):
            # Punctuation ends a phrase.
            if text[tokens[last - 1].end : tokens[last].start].strip(" \t\n\u00a0-"):
                break
            word = tokens[last].word
            if is_unspaced(word) or not word.isalpha():
                break
            stems = tuple(token.stem for token in tokens[end : last + 1])
            writing = " ".join(text[tokens[end - 1].start : tokens[last].end].split())
            if word not in common:
                reading.next.setdefault(stems, Counter())[writing] += 1
                break
            if last == end:
                names.setdefault(stems, Counter())[writing] += 1
    for stems, writings in names.items():
        titled = Counter({writing: count for writing, count in writings.items() if writing.istitle()})
        if titled.total() > 1 and 2 * titled.total() > writings.total():
            reading.next[stems] = titled
    return reading


def find_next_words(
    texts: Iterable[str], words: Analyzer, phrase: Sequence[Forms], prefix: str
) -> Counter[str]:
    """The words that begin with a prefix right after a phrase, and in how many of the texts."""
    found: Counter[str] = Counter()
    for text, tokens, end, _ in _find_places(texts, words, phrase):
        if end < len(tokens) and tokens[end].word.startswith(prefix):
            between = text[tokens[end - 1].end : tokens[end].start]
            if not between.strip(" \t\n\u00a0-"):
                found[tokens[end].word] += 1
    return found


def find_next_characters(texts: Iterable[str], run: str) -> Counter[str]:
    """The continuations of a run of unspaced script that most places agree on, and their counts."""
    rests = Counter(rest for text in texts for rest in _find_continuations(text, run) if rest)
    found: Counter[str] = Counter()
    firsts = Counter(rest[0] for rest in rests.elements())
    for first, count in firsts.items():
        best = first
        # A continuation that was seen once is no longer than a short word.
        for length in range(2, (_RUN if count > 1 else 2) + 1):
            longer = Counter(rest[:length] for rest in rests.elements() if rest.startswith(best))
            following, times = longer.most_common(1)[0]
            if len(following) < length or times * 2 <= count:
                break
            best = following
        found[best] = count
    return found


def _find_places(
    texts: Iterable[str], words: Analyzer, phrase: Sequence[Forms], prefix: str = ""
) -> Iterator[tuple[str, list[Token], int, bool]]:
    """The first place of a phrase in each text.

    Yields a stretch of the text, its tokens, the number of those up to the end of the phrase, and whether the
    text begins with the stretch.
    """
    beginning = max(_find_common_prefix(phrase[-1]), prefix, key=len)
    for whole in texts:
        for text, is_first in _extract_stretches(whole, beginning, _BACK * (len(phrase) - 1)):
            tokens = words.tokenize(text)
            ends = (
                end
                for end in range(len(phrase), len(tokens) + 1)
                if tokens[end - 1].word.startswith(prefix) and _is_match_at(tokens, end, phrase)
            )
            if end := next(ends, 0):
                yield text, tokens, end, is_first
                break


def _find_common_prefix(forms: Forms) -> str:
    first, last = min(forms, default=""), max(forms, default="")
    return first[
        : next((at for at, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), len(first))
    ]


def _extract_stretches(text: str, beginning: str, before: int) -> Iterator[tuple[str, bool]]:
    """Stretches of a text around the first words with a beginning, if there are any; else the whole text.

    Each with whether the text begins with it. Analysing a text costs more than searching it. A stretch begins
    with a word, about `before` characters before the word found.
    """
    lower = text.lower() if len(beginning) > 2 else ""
    # Lower-casing may change the length of a text, and positions in it would be wrong.
    place = lower.find(beginning) if len(lower) == len(text) else -1
    found = 0
    while place >= 0 and found < _MAX_PLACES:
        if not place or not lower[place - 1].isalnum():
            found += 1
            start = text.rfind(" ", 0, max(place - before, 0)) + 1 if before else place
            stretch = text[start : place + _AHEAD]
            # Drop the word that the end of the stretch cuts in two.
            whole = place + _AHEAD >= len(text)
            yield stretch if whole else stretch.rpartition(" ")[0] or stretch, not start
        place = lower.find(beginning, place + 1)
    if not found:
        yield text, True


def _is_match_at(tokens: Sequence[Token], end: int, phrase: Sequence[Forms]) -> bool:
    for place, forms in enumerate(phrase, end - len(phrase)):
        token = tokens[place]
        if token.stem not in forms and token.word not in forms:
            return False
    return True


def _find_continuations(text: str, run: str) -> list[str]:
    rests = []
    place = text.find(run)
    while place >= 0:
        place += len(run)
        end = place
        while end < len(text) and end - place < _RUN and is_unspaced(text[end]):
            end += 1
        rests.append(text[place:end])
        place = text.find(run, place)
    return rests

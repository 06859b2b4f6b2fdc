"""Phrases: how texts write them, and how much more often their words stand together than by chance."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from indexer.search.written_forms import prefer_common_form
from indexer.text.analyzer import Analyzer, Token
from indexer.text.normalization import normalize
from indexer.text.unspaced import is_unspaced

_BACK, _AHEAD = 20, 60  # characters that are read for each word before, and after a word
_BETWEEN = " \t\n\u00a0-"  # characters that may stand between the words of a phrase
_MAX_PLACES = 4  # places of a text at which a word may begin that are looked at
_RUN = 6  # characters by which a text without spaces is continued

Forms = frozenset[str]
"""The stems and words by which one word of a text is recognised."""


@dataclass(frozen=True, slots=True)
class Writings:
    """The forms in which some texts have the last words of a phrase.

    `inside` counts them; `first` counts those of a single word at the beginning of a text, which is
    capitalized anyway.
    """

    inside: Counter[str] = field(default_factory=Counter)
    first: Counter[str] = field(default_factory=Counter)

    def add(self, other: Writings) -> None:
        """Count what others have, too."""
        self.inside.update(other.inside)
        self.first.update(other.first)

    def choose(self) -> str | None:
        """The form in which to show the words; None if no text has them."""
        found = self.inside or Counter(map(str.lower, self.first.elements()))
        return choose_form(found) if found else None

    def select_names(self) -> Writings:
        """Those whose words begin with capitals, if they do more often than not, and more than once."""
        titled = Counter({own: count for own, count in self.inside.items() if own.istitle()})
        are_names = titled.total() > 1 and 2 * titled.total() > self.inside.total()
        return Writings(titled) if are_names else Writings()


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


def read_writings(
    texts: Iterable[str],
    words: Analyzer,
    phrase: Sequence[tuple[str, Forms]],
    skipped: int = 0,
    prefix: str = "",
) -> Writings:
    """The writings of a phrase, without its first `skipped` words, at its first place in each text.

    `phrase` has the words, and by which forms each is recognised if no text has the words themselves. The
    first one that is not skipped begins with the prefix. Punctuation between these ends a phrase.
    """
    found = Writings()
    literal = " ".join(word for word, _ in phrase)
    start = len(" ".join(word for word, _ in phrase[:skipped])) + bool(skipped)
    is_literal = literal.startswith(prefix, start)
    others = []
    for text in texts:
        place = _find_literal(text, literal) if is_literal else -1
        if place < 0:
            others.append(text)
            continue
        is_first = len(phrase) == 1 and not place
        (found.first if is_first else found.inside)[text[place + start : place + len(literal)]] += 1
    if found.inside or found.first:
        return found
    # No text has the very words: look for other forms of them, which takes longer.
    for text in others:
        if own := _find_place(text, words, [forms for _, forms in phrase], skipped, prefix):
            writing, is_first = own
            (found.first if is_first and len(phrase) == 1 else found.inside)[writing] += 1
    return found


def _find_literal(text: str, literal: str) -> int:
    """Where a text has some words for the first time, in any case; -1 if nowhere."""
    lower = text.lower()
    # Lower-casing may change the length of a text, and positions in it would be wrong.
    place = lower.find(literal) if len(lower) == len(text) else -1
    while place >= 0:
        end = place + len(literal)
        if not (text[place - 1 : place].isalnum() or text[end : end + 1].isalnum()):
            break
        place = lower.find(literal, place + 1)
    return place


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


def _find_place(
    whole: str, words: Analyzer, phrase: Sequence[Forms], skipped: int, prefix: str
) -> tuple[str, bool] | None:
    """How a text has a phrase at its first place, without the skipped words, and whether it begins so."""
    beginning = _find_common_prefix(phrase[-1])
    for text, is_first in _extract_stretches(whole, beginning, _BACK * (len(phrase) - 1)):
        tokens = words.tokenize(text)
        for start in range(len(tokens) - len(phrase) + 1):
            own = tokens[start : start + len(phrase)]
            shown = own[skipped:]
            if shown[0].word.startswith(prefix) and _is_match(own, phrase) and _are_joined(text, shown):
                return " ".join(text[shown[0].start : shown[-1].end].split()), is_first and not start
    return None


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


def _is_match(tokens: Sequence[Token], phrase: Sequence[Forms]) -> bool:
    return all(
        token.stem in forms or token.word in forms for token, forms in zip(tokens, phrase, strict=True)
    )


def _are_joined(text: str, tokens: Sequence[Token]) -> bool:
    """Whether no punctuation stands between the tokens."""
    return not any(text[a.end : b.start].strip(_BETWEEN) for a, b in pairwise(tokens))


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

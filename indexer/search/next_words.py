"""What stands after words: where, by the positions of the index, and what, by a look into a few texts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from indexer.engine import Ids, Snapshot
from indexer.text.analyzer import Analyzer, Token
from indexer.text.unspaced import is_unspaced

Forms = frozenset[str]
"""The stems and words by which one word of a text is recognised."""
_FAR = 2**32  # wider than any paragraph, so that positions of neighbouring documents never meet
_MOST_LINKS = 2  # common words that a phrase goes over to its next word
_BACK, _AHEAD = 20, 45  # characters that are read for each word before, and after the word
_RUN = 6  # characters that go on a text without spaces


def find_places(snapshot: Snapshot, stems: Iterable[str], docs: Ids) -> NDArray[np.int64]:
    """Where one of the stems stands in the paragraphs: one number a place, that of the next one more."""
    found = [np.empty(0, np.int64)]
    wanted = list(stems)
    for part in snapshot.parts:
        low, high = np.searchsorted(docs, (part.first_doc, part.first_doc + part.view.documents)).tolist()
        for stem in wanted if low < high else ():
            where, positions = part.view.positions("paragraph", stem, docs[low:high] - part.first_doc)
            found.append((where + low) * _FAR + positions)
    return np.sort(np.concatenate(found)) if len(found) > 2 else found[-1]


def count_after(snapshot: Snapshot, before: NDArray[np.int64], stems: Iterable[str], docs: Ids) -> int:
    """In how many of the paragraphs one of the stems stands right after one of the places before."""
    here = find_places(snapshot, stems, docs)
    last = before.searchsorted(here - 1, "right") - 1
    found = here[(last >= 0) & (before[last] == here - 1)] // _FAR
    return int(np.count_nonzero(found[1:] != found[:-1])) + bool(len(found))


def words_after(
    texts: Iterable[str], words: Analyzer, wanted: Sequence[Forms], common: Collection[str], prefix: str = ""
) -> dict[str, Counter[str]]:
    """What follows the wanted words where they stand first in each text: the next word that is not common.

    Together with the common ones before it; by its folded words, how often it was written how. The next word
    begins with the prefix.
    """
    found: dict[str, Counter[str]] = {}
    beginning = _common_beginning(wanted[-1]) if wanted else ""
    for whole in texts:
        text = _around(whole, beginning, _BACK * (len(wanted) - 1))
        tokens = words.tokenize(text)
        ends = (end for end in range(len(wanted), len(tokens)) if _stands(tokens, end, wanted))
        end = next(ends, len(tokens))
        for last in range(end, min(end + _MOST_LINKS + 1, len(tokens))):
            # Punctuation ends a phrase.
            if text[tokens[last - 1].end : tokens[last].start].strip(" \t\n\u00a0-"):
                break
            word = tokens[last].word
            if word in common:
                continue
            if word.startswith(prefix) and (prefix or word.isalpha()) and not is_unspaced(word):
                key = " ".join(token.word for token in tokens[end : last + 1])
                writing = " ".join(text[tokens[end].start : tokens[last].end].split())
                found.setdefault(key, Counter())[writing] += 1
            break
    return found


def characters_after(texts: Iterable[str], run: str) -> Counter[str]:
    """What goes on a run of a script without spaces, as far as most places go on alike; by how often."""
    rests = Counter(rest for text in texts for rest in _rests(text, run) if rest)
    found: Counter[str] = Counter()
    firsts = Counter(rest[0] for rest in rests.elements())
    for first, count in firsts.items():
        best = first
        # What was seen once goes on by a word's length and no further.
        for length in range(2, (_RUN if count > 1 else 2) + 1):
            longer = Counter(rest[:length] for rest in rests.elements() if rest.startswith(best))
            following, times = longer.most_common(1)[0]
            if len(following) < length or times * 2 <= count:
                break
            best = following
        found[best] = count
    return found


def _common_beginning(forms: Forms) -> str:
    first, last = min(forms, default=""), max(forms, default="")
    return first[
        : next((at for at, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), len(first))
    ]


def _around(text: str, beginning: str, before: int) -> str:
    """A stretch of the text around the first word that begins so, if there is one; else all of it.

    To take a text apart costs more than to look into it. The stretch begins where a word does, with about
    `before` characters before the word.
    """
    lower = text.lower() if len(beginning) > 2 else ""
    # Characters that are longer in small letters would move the places.
    place = lower.find(beginning) if len(lower) == len(text) else -1
    while place > 0 and lower[place - 1].isalnum():
        place = lower.find(beginning, place + 1)
    if place < 0:
        return text
    start = text.rfind(" ", 0, max(place - before, 0)) + 1 if before else place
    stretch = text[start : place + _AHEAD]
    # Without the word that the end divides.
    return stretch if place + _AHEAD >= len(text) else stretch.rpartition(" ")[0] or stretch


def _stands(tokens: Sequence[Token], end: int, wanted: Sequence[Forms]) -> bool:
    for place, forms in enumerate(wanted, end - len(wanted)):
        token = tokens[place]
        if token.stem not in forms and token.word not in forms:
            return False
    return True


def _rests(text: str, run: str) -> list[str]:
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

"""Stories made up of made-up words, and what becomes of them on the wire."""

from __future__ import annotations

import random
from collections.abc import Callable

from indexer import Article

_SYLLABLES = [first + vowel + last for first in "bdfklmprst" for vowel in "aeiou" for last in ("", "n", "r")]

Edit = Callable[[random.Random, list[str]], list[str]]


def words(chance: random.Random, count: int) -> list[str]:
    """Words of which some are common, as in life."""
    return [
        "".join(chance.choices(_SYLLABLES, k=1 + min(int(chance.expovariate(0.9)), 3))) for _ in range(count)
    ]


def paragraph(chance: random.Random, length: int = 40) -> str:
    """A sentence of about so many words."""
    return " ".join(words(chance, chance.randint(length * 3 // 4, length * 5 // 4))).capitalize() + "."


def story(chance: random.Random, paragraphs: int = 6) -> list[str]:
    """The paragraphs of a story."""
    return [paragraph(chance) for _ in range(paragraphs)]


def article(name: str, paragraphs: list[str], title: str = "", published: str | None = None) -> Article:
    """An article, undated unless a date is given."""
    return Article(id=name, title=title, paragraphs=paragraphs, published=published)


def corrected(chance: random.Random, paragraphs: list[str]) -> list[str]:
    """One word is another one."""
    texts = [text.split() for text in paragraphs]
    changed = chance.choice(texts)
    changed[chance.randrange(len(changed))] = str(chance.randint(1000, 9999))
    return [" ".join(text) for text in texts]


def touched_up(chance: random.Random, paragraphs: list[str]) -> list[str]:
    """A word in a hundred is another one, and one more is left out."""
    texts = [text.split() for text in paragraphs]
    for _ in range(sum(map(len, texts)) // 100):
        changed = chance.choice(texts)
        changed[chance.randrange(len(changed))] = words(chance, 1)[0]
        changed = chance.choice(texts)
        del changed[chance.randrange(len(changed))]
    return [" ".join(text) for text in texts]


def added_to(chance: random.Random, paragraphs: list[str]) -> list[str]:
    """A short paragraph more, somewhere."""
    place = chance.randint(0, len(paragraphs))
    return [*paragraphs[:place], paragraph(chance, 24), *paragraphs[place:]]


def cut_from_below(chance: random.Random, paragraphs: list[str]) -> list[str]:
    """Without the end of its last paragraph."""
    return [*paragraphs[:-1], " ".join(paragraphs[-1].split()[:20])]


def set_again(chance: random.Random, paragraphs: list[str]) -> list[str]:
    """The same words in capitals, other paragraphs and other punctuation."""
    return [" – ".join(paragraphs).upper().replace(".", ";")]


def doubled(chance: random.Random, paragraphs: list[str]) -> list[str]:
    """A version that is twice as long."""
    return [*paragraphs, *story(chance, len(paragraphs))]


def half_rewritten(chance: random.Random, paragraphs: list[str]) -> list[str]:
    """Every other paragraph is another one."""
    return [text if place % 2 else paragraph(chance) for place, text in enumerate(paragraphs)]


def with_the_same_footer(chance: random.Random, paragraphs: list[str]) -> list[str]:
    """Another story, of which only the last two paragraphs are the same."""
    return [*story(chance, len(paragraphs) - 2), *paragraphs[-2:]]


def unrelated(chance: random.Random, paragraphs: list[str]) -> list[str]:
    """Another story."""
    return story(chance, len(paragraphs))


SAME: tuple[Edit, ...] = (corrected, touched_up, added_to, cut_from_below, set_again)
"""What leaves a story nearly the same."""
OTHER: tuple[Edit, ...] = (doubled, half_rewritten, with_the_same_footer, unrelated)
"""What makes another story of it."""

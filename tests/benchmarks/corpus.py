"""What is indexed: real stories or made-up ones, as many as wanted, as files of this project's forms."""

from __future__ import annotations

import json
import lzma
import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from itertools import islice, pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

REUTERS = Path("news", "reuters21578.jsonl.xz")
TITLE_WORDS = 7
SEED = 7
# With these, made-up stories are about as long as those of newspapers: 3.2 kB. A paragraph of a news wire is
# a sentence; those of newspapers have two.
_MIN_PARAGRAPHS, _MAX_PARAGRAPHS, _SENTENCES = 6, 15, 2
# Made-up stories are dated over these years.
_FIRST_DAY = datetime(1990, 1, 1)
_DAYS = 35 * 365
_STORIES_A_FILE = 1000
_STORIES_A_CHUNK = 2000
_BLANK_LINE = re.compile(r"\n\s*\n")
_WORD = re.compile(r"[^\W_]+(?:[.,'/-][^\W_]+)*")
# Share of the words that a comma or a full stop follows.
_COMMAS, _STOPS = 0.05, 0.05
_NEW_WORDS = 400_000
_SYLLABLES = [first + vowel + last for first in "bdfgklmnprstvz" for vowel in "aeiou" for last in ("", "n")]


@dataclass(frozen=True, slots=True)
class Story:
    """An article as every engine gets it, without the checks that this project's own class makes."""

    id: str
    title: str
    published: str
    paragraphs: tuple[str, ...]

    @property
    def size(self) -> int:
        """Bytes of text: the title and the paragraphs in UTF-8."""
        return sum(len(text.encode()) for text in (self.title, *self.paragraphs))


@dataclass(frozen=True, slots=True)
class Extent:
    """How much a corpus is; `size` is bytes of text."""

    stories: int
    paragraphs: int
    size: int

    def __str__(self) -> str:
        return f"{self.stories:,} articles, {self.paragraphs:,} paragraphs, {self.size / 1e6:.1f} MB of text"


@dataclass(frozen=True, slots=True)
class Frequencies:
    """How often a collection has each word (`counts`, int64), and how many words its paragraphs have."""

    words: tuple[str, ...]
    counts: NDArray[np.int64]
    lengths: NDArray[np.int64]


def reuters(data: Path) -> Iterator[Story]:
    """The stories of the Reuters collection that have a text."""
    with lzma.open(data / REUTERS, "rt", encoding="utf-8") as lines:
        for line in lines:
            record = json.loads(line)
            texts = tuple(
                " ".join(part.split()) for part in _BLANK_LINE.split(record["text"]) if part.strip()
            )
            if texts:
                yield Story(record["id"], " ".join(record["title"].split()), _date(record["date"]), texts)


def count_words(stories: Iterable[Story]) -> Frequencies:
    """The frequency list of some stories, the most frequent word first; case counts."""
    counts: Counter[str] = Counter()
    lengths = []
    for story in stories:
        for text in story.paragraphs:
            words = _WORD.findall(text)
            counts.update(words)
            lengths.append(len(words))
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return Frequencies(
        tuple(word for word, _ in ranked),
        np.array([count for _, count in ranked], np.int64),
        np.array([length for length in lengths if length], np.int64),
    )


def synthetic(frequencies: Frequencies, articles: int, seed: int = SEED) -> Iterator[Story]:
    """Stories like those of newspapers, of words drawn as often as a real collection has them.

    The same arguments give the same stories. Words stand beside each other by chance only. The share of the
    words that are not in the list is that of those that the collection has once (Good 1953): they are names
    without meaning, and as more is written there are ever more of them, as in any text.
    """
    random = np.random.default_rng(seed)
    counts, total_count = frequencies.counts, int(frequencies.counts.sum())
    tail = 1 / np.arange(len(counts) + 1, len(counts) + _NEW_WORDS + 1)
    tail *= int((counts == 1).sum()) / tail.sum()
    words = [*frequencies.words, *map(_new_word, range(_NEW_WORDS))]
    # A word with each of its endings is one entry, so that a draw is one number and a text is one join.
    forms = [*words, *(f"{word}," for word in words), *(f"{word}." for word in words)]
    edges = np.cumsum(np.concatenate((counts, tail)) / (total_count + tail.sum()))
    for first in range(0, articles, _STORIES_A_CHUNK):
        stories = min(articles - first, _STORIES_A_CHUNK)
        paragraphs = random.integers(_MIN_PARAGRAPHS, _MAX_PARAGRAPHS + 1, stories)
        lengths = random.choice(frequencies.lengths, (int(paragraphs.sum()), _SENTENCES)).sum(axis=1)
        titles = stories * TITLE_WORDS
        total = int(lengths.sum()) + titles
        # Rounding may leave the last edge a little below 1.
        draws = np.minimum(np.searchsorted(edges, random.random(total)), len(words) - 1)
        chance = random.random(total)
        draws += len(words) * ((chance < _COMMAS) + 2 * (chance > 1 - _STOPS))
        draws[:titles] %= len(words)
        drawn = [forms[draw] for draw in draws.tolist()]
        days = random.integers(_DAYS, size=stories).tolist()
        ends = (np.cumsum(lengths) + titles).tolist()
        texts = [" ".join(drawn[start:end]) for start, end in pairwise([titles, *ends])]
        bounds = pairwise([0, *np.cumsum(paragraphs).tolist()])
        for place, (start, end) in enumerate(bounds):
            yield Story(
                f"s{first + place + 1}",
                " ".join(drawn[place * TITLE_WORDS : (place + 1) * TITLE_WORDS]),
                (_FIRST_DAY + timedelta(days=days[place])).date().isoformat(),
                tuple(texts[start:end]),
            )


def _new_word(number: int) -> str:
    """The name with this number; each is another one."""
    syllables = []
    rest = number + len(_SYLLABLES) ** 2
    while rest:
        rest, digit = divmod(rest, len(_SYLLABLES))
        syllables.append(_SYLLABLES[digit])
    return "".join(syllables).title()


def choose(name: str, data: Path, articles: int | None) -> Iterator[Story]:
    """The stories of the corpus `reuters` or `synthetic:N`, or the first `articles` of them.

    Raises ValueError for another name.
    """
    kind, _, count = name.partition(":")
    if name == "reuters":
        return islice(reuters(data), articles)
    if kind == "synthetic" and count.isdecimal() and int(count):
        return islice(synthetic(count_words(reuters(data)), int(count)), articles)
    raise ValueError(f"corpus: must be reuters or synthetic:N, not {name!r}")


def write_lines(stories: Iterable[Story], folder: Path) -> Extent:
    """Write JSON Lines files of a thousand stories each; files, so that there is something to share out."""
    folder.mkdir(parents=True)
    rest = iter(stories)
    count = paragraphs = size = 0
    while part := list(islice(rest, _STORIES_A_FILE)):
        path = folder / f"part-{count // _STORIES_A_FILE:05}.jsonl"
        with path.open("w", encoding="utf-8") as file:
            file.writelines(json.dumps(asdict(story), ensure_ascii=False) + "\n" for story in part)
        count += len(part)
        paragraphs += sum(len(story.paragraphs) for story in part)
        size += sum(story.size for story in part)
    return Extent(count, paragraphs, size)


def read_lines(folder: Path) -> Iterator[Story]:
    """The stories of a folder that `write_lines` wrote, as an engine without readers of its own gets them."""
    for path in sorted(folder.glob("*.jsonl")):
        with path.open(encoding="utf-8") as lines:
            for line in lines:
                record = json.loads(line)
                record["paragraphs"] = tuple(record["paragraphs"])
                yield Story(**record)


def write_texts(stories: Iterable[Story], folder: Path) -> int:
    """Write a text file for each story, with a date line, a thousand to a folder; returns how many."""
    number = 0
    for number, story in enumerate(stories, 1):
        below = folder / f"{number // 1000:03}"
        below.mkdir(parents=True, exist_ok=True)
        day = date.fromisoformat(story.published[:10])
        text = "\n\n".join((story.title, f"{day.day} {day:%B %Y}", *story.paragraphs))
        (below / f"{number:06}.txt").write_text(text + "\n", encoding="utf-8")
    return number


def disk_size(folder: Path) -> int:
    """Bytes of all files in a folder."""
    return sum(Path(parent, name).stat().st_size for parent, _, names in os.walk(folder) for name in names)


def _date(text: str) -> str:
    """The time as given, or where that is misprinted the day alone."""
    try:
        return datetime.fromisoformat(text).isoformat()
    except ValueError:
        return datetime.fromisoformat(text[:10]).date().isoformat()

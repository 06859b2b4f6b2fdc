"""What is asked: questions of every class, drawn from real query logs so that the corpus has an answer."""

from __future__ import annotations

import json
import re
from array import array
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum
from functools import partial, reduce
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import Stemmer
from numpy.typing import NDArray
from whoosh.analysis.filters import STOP_WORDS

from tests.benchmarks.corpus import Story

QUESTIONS = 40
# A word between spaces or plain punctuation, which every engine takes for one and the same word.
_PLAIN = re.compile(r"(?<![\w'’.&/@#-])[a-z]{3,}(?![\w'’&/@#-]|\.\w)")
_STEM = Stemmer.Stemmer("english").stemWord
# More stop words than Whoosh has: asking an engine that drops them and one that does not compares nothing.
_MORE_STOPS = (
    "about after all any are been but does had has her his how its more nor not off one other our out over "
    "should than their them there these they those two under was what when where which while who why will "
    "with would you"
)
_STOPS = STOP_WORDS | frozenset(_MORE_STOPS.split(" "))
# So many paragraphs are looked at for pairs of words when the logs have too few phrases that match.
_SAMPLE = 3000
_Item = TypeVar("_Item")
_NOWHERE = np.array([], np.uint32)


class Kind(StrEnum):
    """The classes of questions."""

    RARE = "one rare word"
    COMMON = "one common word"
    AND = "two words, AND"
    OR = "three words, OR"
    SIX = "six words as typed"
    PHRASE = "phrase"
    PREFIX = "prefix"
    FUZZY = "fuzzy, one edit"
    DATES = "word and date range"
    SORTED = "sorted by date"
    FACETS = "with facets by year"
    TIMELINE = "with a timeline"
    SUGGEST = "suggest while typing"
    MEANT = "one misspelt word of two"
    SIMILAR = "similar articles"


OWN = frozenset({Kind.TIMELINE, Kind.SUGGEST, Kind.MEANT, Kind.SIMILAR})
"""What only this project answers: its engine is asked alone."""


@dataclass(frozen=True, slots=True)
class Question:
    """One question, in no engine's language; `after` is the first day, `before` the day after the last."""

    kind: Kind
    words: tuple[str, ...]
    after: date | None = None
    before: date | None = None


@dataclass(frozen=True, slots=True)
class Log:
    """Real queries as plain words without stop words: whole ones, and longer texts to take runs from."""

    queries: tuple[tuple[str, ...], ...]
    phrases: tuple[tuple[str, ...], ...]
    texts: tuple[tuple[str, ...], ...] = ()

    def runs(self, length: int) -> Iterator[tuple[str, ...]]:
        """Distinct runs of so many words: whole queries first, then those out of longer ones and of texts."""
        whole = [query for query in self.queries if len(query) == length]
        longer = [query for query in (*self.queries, *self.texts) if len(query) > length]
        cut = [
            query[at : at + length] for query in longer for at in range(0, len(query) - length + 1, length)
        ]
        for run in dict.fromkeys((*whole, *cut)):
            if len(set(run)) == length:
                yield run


def read_log(folder: Path) -> Log:
    """The query files of a folder."""
    queries, phrases, texts = [], [], []
    for record in _records(folder / "search_benchmark_game.jsonl"):
        if "phrase" in record["tags"]:
            phrases.append(record["query"])
        if "union" in record["tags"]:
            queries.append(record["query"])
    for record in _records(folder / "trec_news_topics.jsonl"):
        queries.append(record["text"])
        texts.append(record["desc"])
    plain = [
        # A phrase with a stop word in it is another phrase to each engine.
        words for text in phrases if len(words := plain_words(text)) == len(text.split()) > 1
    ]  # fmt: skip
    return Log(
        tuple(tuple(_content(query)) for query in queries),
        tuple(tuple(words) for words in plain),
        tuple(tuple(_content(text)) for text in texts),
    )


def plain_words(text: str) -> list[str]:
    """The words of a text that every engine understands alike, without stop words."""
    return [word for word in _PLAIN.findall(text.lower()) if word not in _STOPS]


class WordList:
    """The words of a corpus: in how many paragraphs each stands, and in which those of the log do.

    `stories` are the ids of its stories.
    """

    def __init__(self, stories: Callable[[], Iterable[Story]], log: Log) -> None:
        wanted = {word for run in (*log.queries, *log.phrases, *log.texts) for word in run}
        self.counts: Counter[str] = Counter()
        places: dict[str, array[int]] = defaultdict(lambda: array("I"))
        self.days: list[date] = []
        self.pairs: Counter[tuple[str, ...]] = Counter()
        self.stories = [story.id for story in stories()]
        for number, (day, text) in enumerate(_paragraphs(stories())):
            words = set(_PLAIN.findall(text))
            self.counts.update(words)
            self.days.append(day)
            for word in words & wanted:
                places[word].append(number)
            if number < _SAMPLE:
                self.pairs.update(_neighbours(text))
        self.places = {word: np.array(numbers) for word, numbers in places.items()}
        self.phrases = self._standing(stories(), log.phrases)

    def together(self, words: Sequence[str]) -> NDArray[np.uint32]:
        """The numbers of the paragraphs that have all of the words, ascending."""
        found = [self.places.get(word, _NOWHERE) for word in words]
        return reduce(partial(np.intersect1d, assume_unique=True), sorted(found, key=len))

    def _standing(
        self, stories: Iterable[Story], phrases: Iterable[tuple[str, ...]]
    ) -> list[tuple[str, ...]]:
        """The phrases that stand in a paragraph word for word."""
        candidates: dict[int, list[tuple[str, ...]]] = defaultdict(list)
        for phrase in phrases:
            for place in self.together(phrase).tolist():
                candidates[place].append(phrase)
        found = set()
        for number, (_, text) in enumerate(_paragraphs(stories)):
            for phrase in candidates.get(number, ()):
                if re.search(rf"(?<!\S){' '.join(phrase)}(?![\w'’&/-])", text):
                    found.add(phrase)
        return [phrase for phrase in dict.fromkeys(phrases) if phrase in found]


def draw(words: WordList, log: Log, most: int = QUESTIONS) -> dict[Kind, list[Question]]:
    """At most so many questions a class, the same for the same corpus and log."""
    known = [word for word in words.places if words.counts[word]]
    known.sort(key=lambda word: (words.counts[word], word))
    rare = [word for word in known if words.counts[word] > 1][: max(len(known) // 3, most)]
    common = known[-most:]
    middle = _spread(known[len(known) // 3 :], most)
    drawn: dict[Kind, Sequence[tuple[str, ...]]] = {
        Kind.RARE: [(word,) for word in _spread(rare, most)],
        Kind.COMMON: [(word,) for word in common],
        Kind.AND: [run for run in log.runs(2) if len(words.together(run))],
        Kind.OR: [run for run in log.runs(3) if all(word in words.places for word in run)],
        Kind.SIX: [run for run in log.runs(6) if all(word in words.places for word in run)],
        Kind.PHRASE: [*words.phrases, *_common_pairs(words, most)],
        Kind.PREFIX: [(prefix,) for prefix in _spread(_prefixes(known), most)],
        Kind.FUZZY: [(word,) for word in _misspelt(words, known)],
        Kind.DATES: [(word,) for word in middle],
        Kind.SORTED: [(word,) for word in common],
        Kind.FACETS: [(word,) for word in common],
        Kind.TIMELINE: [(word,) for word in common],
        Kind.SUGGEST: _begun(words, log, most),
        Kind.MEANT: list(zip(common, _misspelt(words, known), strict=False)),
        Kind.SIMILAR: [(name,) for name in _spread(words.stories, most)],
    }
    questions = {kind: [Question(kind, run) for run in runs[:most]] for kind, runs in drawn.items()}
    questions[Kind.DATES] = [_dated(question, words) for question in questions[Kind.DATES]]
    return questions


def _records(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def _content(text: str) -> list[str]:
    return list(dict.fromkeys(plain_words(text)))


def _paragraphs(stories: Iterable[Story]) -> Iterator[tuple[date, str]]:
    for story in stories:
        day = date.fromisoformat(story.published[:10])
        for text in story.paragraphs:
            yield day, text.lower()


def _neighbours(text: str) -> set[tuple[str, ...]]:
    found = list(_PLAIN.finditer(text))
    return {
        (a.group(), b.group())
        for a, b in pairwise(found)
        if a.end() + 1 == b.start() and text[a.end()] == " " and not {a.group(), b.group()} & _STOPS
    }


def _common_pairs(words: WordList, most: int) -> list[tuple[str, ...]]:
    pairs = sorted(words.pairs.items(), key=lambda item: (-item[1], item[0]))
    known = set(words.phrases)
    return [pair for pair, count in pairs[:most] if pair not in known and pair[0] != pair[1]]


def _begun(words: WordList, log: Log, most: int) -> list[tuple[str, ...]]:
    """Words as they are typed: one to four letters, alone or after a word that a paragraph has with it."""
    pairs = [run for run in log.runs(2) if len(words.together(run))]
    alone = list(dict.fromkeys((word[:length],) for word, _ in pairs for length in range(1, 5)))
    after = list(dict.fromkeys((a, b[: 1 + place % 4]) for place, (a, b) in enumerate(pairs)))
    begun: list[tuple[str, ...]] = [*_spread(alone, most // 4)]
    return begun + _spread(after, most - len(begun))


def _prefixes(known: Iterable[str]) -> list[str]:
    """Beginnings that stemming leaves as they are, for some engines look among stems."""
    cuts = [word[: 3 + len(word) % 3] for word in known if len(word) > 5]
    return [prefix for prefix in dict.fromkeys(cuts) if _STEM(prefix) == prefix and prefix not in _STOPS]


def _misspelt(words: WordList, known: Sequence[str]) -> list[str]:
    """Words with one letter changed that nobody wrote, equal to their stems before and after."""
    found = []
    for word in reversed(known):
        middle = len(word) // 2
        for letter in "aeio":
            wrong = word[:middle] + letter + word[middle + 1 :]
            if len(word) < 6 or wrong == word or wrong in words.counts:
                continue
            if _STEM(word) == word and _STEM(wrong) == wrong:
                found.append(wrong)
                break
    return found


def _dated(question: Question, words: WordList) -> Question:
    """The question with an eighth of the corpus's time, around a day on which it has an answer."""
    first, last = min(words.days), max(words.days)
    length = max((last - first).days // 8, 1)
    places = words.places[question.words[0]]
    day = words.days[int(places[len(places) // 2])]
    after = day - timedelta(days=length // 2)
    return replace(question, after=after, before=after + timedelta(days=length + 1))


def _spread(items: Sequence[_Item], most: int) -> list[_Item]:
    """So many of the items, evenly spaced."""
    if len(items) <= most:
        return list(items)
    return [items[place * len(items) // most] for place in range(most)]

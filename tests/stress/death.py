"""Expensive queries: a hundred patterns, each doubled until it meets a bound, while others search."""

from __future__ import annotations

import itertools
import json
import multiprocessing
import random
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from multiprocessing.synchronize import Event
from pathlib import Path

from indexer import Config, limits, open_index
from indexer.search.request import SearchRequest
from indexer.search.search import search
from tests.fixtures.commits import open_commit
from tests.fixtures.processes import status_of
from tests.stress.archive import Lost, Trial
from tests.stress.serving import PATIENCE, Client, share, start_site

ROUNDS = 100
MOST_SECONDS = 1.5
"""Of computing time, for a query that has one."""
MOST_MEMORY = 512 * 2**20
"""Bytes by which memory may grow during a query: as much as a writer may use."""
ARTICLES = 200
"""Articles of the archive for each pattern: it has 100,000 paragraphs in the long form."""
ASKED = 30
"""Plain queries beside each pattern, and as many without it."""
MOST_SLOWED = 4.0
"""How many times as long the slowest hundredth of the others' answers may take meanwhile.

Half of the time both have the same process, and share its interpreter: three times as long is what was
measured. With one thread in each process it was two hundred times.
"""

MOST_CLAUSES = limits.max_clauses(limits.MOST_CHARACTERS)

_COMMON = ["the", "of", "to", "in", "and", "a", "is", "that", "for", "it", "was", "on"]


def run(rounds: int, chance: random.Random, folder: Path) -> str:
    """Ask so many patterns; returns how long the longest took, and what the others felt of it."""
    patterns = _patterns()
    patterns = patterns[:: max(1, len(patterns) // rounds)][:rounds]
    vocabulary = [*_COMMON, *_invented(8000)]
    trial = Trial(folder)
    trial.source.mkdir()
    _write(trial.source / "all.jsonl", ARTICLES * rounds, vocabulary, chance)
    trial.sync()
    longest, memory, cut, bounded = _alone(trial, patterns)
    quiet, loud = _beside(trial, patterns, vocabulary, chance)
    before, during = share(quiet, 0.99), share(loud, 0.99)
    figures = (
        f"{len(patterns)} patterns, the longest {longest:.2f} s of computing time, at most "
        f"{memory / 2**20:.0f} MB more memory, {cut} cut by time, {bounded} by other bounds, all noted; "
        f"others' p99 {before * 1000:.0f} ms without and {during * 1000:.0f} ms beside them "
        f"({len(loud):,} answers each)"
    )
    # Of few answers, the slowest hundredth is a single one and says nothing.
    if rounds >= ROUNDS and during > MOST_SLOWED * before:
        raise Lost(figures)
    return figures


def _alone(trial: Trial, patterns: Sequence[Callable[[int], str]]) -> tuple[float, int, int, int]:
    """Every pattern in every size: the longest time, the most bytes of memory that a query took (0 where the
    system does not say), and how many were cut by time and by other bounds.
    """
    config = replace(Config(index=trial.index), query_characters=limits.MOST_CHARACTERS)
    longest, most, cut, bounded = 0.0, 0, 0, 0
    with open_index(config) as index:
        index.search("warm~ *up*")
        reading = open_commit(index)
        # Both the deadline and the measure by computing time: what else runs here does not count.
        how = replace(reading.search_settings, clock=time.thread_time)
        for pattern, size in itertools.product(patterns, _doubling()):
            text = pattern(size)
            held = _held_from_now()
            began = time.thread_time()
            request = SearchRequest(text, facets=("source", "year"), timeline="auto")
            page = search(reading.snapshot, how, request)
            seconds = time.thread_time() - began
            memory = status_of("self", "VmHWM") - held
            longest, most = max(longest, seconds), max(most, memory)
            if memory > MOST_MEMORY:
                raise Lost(f"{memory / 2**20:.0f} MB of memory for {text[:80]!r}, size {size}")
            if seconds > MOST_SECONDS:
                raise Lost(f"{seconds:.2f} s of computing time for {text[:80]!r}, size {size}")
            if page.timed_out and not any(
                note.message.startswith("The time for a query") for note in page.notes
            ):
                raise Lost(f"cut without a note: {text[:80]!r}, size {size}")
            is_long = len(text.strip()) > limits.MOST_CHARACTERS
            if is_long and not any(note.message.startswith("Only the first") for note in page.notes):
                raise Lost(f"longer than is read, without a note: {text[:80]!r}, size {size}")
            cut += page.timed_out
            bounded += is_long
    return longest, most, cut, bounded


def _held_from_now() -> int:
    """Bytes of memory that this process holds, from which its peak is counted anew; 0 if nobody knows."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")
    return status_of("self", "VmHWM")


def _beside(
    trial: Trial, patterns: Sequence[Callable[[int], str]], vocabulary: Sequence[str], chance: random.Random
) -> tuple[list[float], list[float]]:
    """How long plain queries take, in turns without and beside a query of death that is asked again."""
    quiet: list[float] = []
    loud: list[float] = []
    context = multiprocessing.get_context("spawn")
    with start_site(trial.index) as site, Client(site.host, site.port) as client:
        for _ in range(ASKED):
            client.ask(_plain(vocabulary, chance))
        for pattern in patterns:
            # After a pause the first answer takes longer, whatever else is asked.
            client.ask(_plain(vocabulary, chance))
            quiet += (client.ask(_plain(vocabulary, chance)) for _ in range(ASKED))
            begun, done = context.Event(), context.Event()
            given = site.host, site.port, pattern(256)[:3000], begun, done
            killer = context.Process(target=_kill, args=given)
            killer.start()
            try:
                begun.wait(PATIENCE)
                client.ask(_plain(vocabulary, chance))
                loud += (client.ask(_plain(vocabulary, chance)) for _ in range(ASKED))
            finally:
                done.set()
                killer.join()
    return quiet, loud


def _kill(host: str, port: int, query: str, begun: Event, done: Event) -> None:
    """Asks repeatedly, in another process: in one process, the clients would wait for each other."""
    with Client(host, port) as client:
        while not done.is_set():
            begun.set()
            client.ask(query)


def _plain(vocabulary: Sequence[str], chance: random.Random) -> str:
    return " ".join(chance.choices(vocabulary[20:2000], k=chance.randint(1, 3)))


def _doubling() -> list[int]:
    return [2**power for power in range(12)]


def _patterns() -> list[Callable[[int], str]]:
    words = {
        "common": _COMMON,
        "frequent": _invented(8000)[:MOST_CLAUSES],
        "misspelt": [f"{word[:2]}x{word[2:]}" for word in _invented(8000)[1::3]][:MOST_CLAUSES],
        "letters": [*"esatiroln"],
    }
    return [_pattern(shape, own) for shape in _SHAPES for own in words.values()]


def _pattern(shape: Callable[[list[str]], str], words: Sequence[str]) -> Callable[[int], str]:
    return lambda size: shape(list(itertools.islice(itertools.cycle(words), size)))


_SHAPES: list[Callable[[list[str]], str]] = [
    lambda words: " ".join(words),
    lambda words: " ".join(f"+{word}" for word in words),
    lambda words: " OR ".join(words),
    lambda words: " AND ".join(words),
    lambda words: " NEAR/100 ".join(words),
    lambda words: " NEAR/9 ".join(f"({word} OR {word}* OR the)" for word in words),
    lambda words: " NEAR/100 ".join(f"*{word[:1]}*" for word in words),
    lambda words: f'"{" ".join(words)}"',
    lambda words: f'"{" ".join(words)}"~100',
    lambda words: f'="{" ".join(words)}"~100',
    lambda words: " ".join(f'"{word} the"~50' for word in words),
    lambda words: " ".join(f"{word[:3]}*" for word in words),
    lambda words: " OR ".join(f"*{word[:1]}*{word[-1:]}*" for word in words),
    lambda words: " ".join(f"*{word[1:3]}*" for word in words),
    lambda words: " ".join(f"*{'*'.join(word)}*" for word in words),
    lambda words: " ".join(f"{word[:1]}?{word[1:]}?e" for word in words),
    lambda words: " ".join(f"{word}~2" for word in words),
    lambda words: " ".join(f"-{word}*" for word in words),
    lambda words: "(" * len(words) + ") (".join(words) + ")" * len(words),
    lambda words: "".join(f"({word} OR (the AND " for word in words) + "a" + "))" * len(words),
    lambda words: " ".join(f"title:{word}* text:{word}" for word in words),
    lambda words: "-".join(words),
    lambda words: " ".join(f"{word}^99999999" for word in words),
    lambda words: "東京都市大学" * len(words) + "".join(words),
    lambda words: " OR ".join(f"date:{1500 + number} {word}" for number, word in enumerate(words)),
    lambda words: '"'.join(f"{word}) AND NOT" for word in words),
]


def _invented(number: int) -> list[str]:
    """Distinct words of no language."""
    syllables = [first + second for first in "bdfglmnprstv" for second in "aeiou"]
    return [
        "".join(parts) for parts in itertools.islice(itertools.product(syllables, repeat=3), 0, None, 23)
    ][:number]


def _write(path: Path, articles: int, vocabulary: Sequence[str], chance: random.Random) -> None:
    """Articles of five paragraphs, in which words are as frequent as in language (Zipf's law)."""
    weights = list(itertools.accumulate(1 / rank for rank in range(1, len(vocabulary) + 1)))
    with path.open("w") as file:
        for number in range(articles):
            words = chance.choices(vocabulary, cum_weights=weights, k=155)
            paragraphs = [" ".join(words[start : start + 30]) for start in range(5, 155, 30)]
            date = f"20{number % 24:02}-0{number % 9 + 1}-1{number % 10}"
            article = {"id": str(number), "title": " ".join(words[:5]), "published": date}
            file.write(json.dumps({**article, "language": "en", "paragraphs": paragraphs}) + "\n")

"""How often what people mean is offered while they type it.

python -m tests.evaluation.suggestions --data ../shared/data

Queries of two logs are typed in lower case: those of two words or more that stand side by side somewhere in
the archive, so that there is something to offer. `parts` are runs of two or three words, none of them common,
out of longer queries: there are more of them. A query counts as offered when a suggestion has its words, up
to case and punctuation. The queries are split in two halves: `first` may be used for tuning, and `second`
says whether that holds for others.
"""

from __future__ import annotations

import re
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from indexer import Index, open_index
from indexer.text.languages import stop_words
from indexer.text.normalization import normalize
from tests.benchmarks.corpus import reuters
from tests.evaluation.collection import read_json_lines, run
from tests.evaluation.spelling import fill

LENGTHS = (4, 6, 8)
"""Characters after which the suggestions are looked at."""
# Slightly below the measured share of queries that are offered after six characters, in both halves.
FLOOR = {"bbc": 0.40, "reuters": 0.25}
_FILES = ("search_benchmark_game.jsonl", "trec_news_topics.jsonl")
_WORD = re.compile(r"\w+")
Words = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Figures:
    """What was offered after some characters of queries that are longer.

    `offered` is the share of queries that were offered whole, `begun` the share of which at least the first
    two words were, and more than was typed. Times are in milliseconds.
    """

    queries: int
    offered: float
    begun: float
    median_ms: float
    p99_ms: float


def measure(data: Path) -> list[str]:
    """Print the figures for each archive and half; returns the archives that are worse than they may be."""
    print(
        f"{'archive':<9}{'of':<8}{'half':<8}{'typed':>5}{'queries':>9}{'offered':>9}{'begun':>7}{'ms':>7}{'p99':>7}"
    )
    logged = read_queries(data / "queries")
    bad = []
    for archive, floor in FLOOR.items():
        with tempfile.TemporaryDirectory() as folder, open_index(Path(folder, "index")) as index:
            fill(index, archive, data)
            texts = list(_read_texts(archive, data))
            for kind, queries in (("queries", logged), ("parts", list_parts(logged))):
                written = find_written(queries, texts)
                for half, own in (("first", written[::2]), ("second", written[1::2])):
                    for length in LENGTHS:
                        found = evaluate(index, own, length)
                        print(
                            f"{archive:<9}{kind:<8}{half:<8}{length:>5}{found.queries:>9}{found.offered:>9.3f}"
                            f"{found.begun:>7.3f}{found.median_ms:>7.2f}{found.p99_ms:>7.2f}"
                        )
                        if kind == "queries" and length == 6 and found.offered < floor:
                            bad.append(f"{archive}, {half} half")
    return bad


def evaluate(index: Index, queries: Sequence[Words], length: int) -> Figures:
    """The figures after so many characters of the queries that are longer."""
    offered, begun, times = 0, 0, []
    typed = {query: text for query in queries if len(text := " ".join(query)) > length}
    for query, text in typed.items():
        start = time.perf_counter()
        found = index.suggest(text[:length])
        times.append(1000 * (time.perf_counter() - start))
        texts = {split_words(suggestion.text) for suggestion in found}
        known = len(split_words(text[:length]))
        beginnings = {query[:end] for end in range(max(known, 2), len(query))}
        offered += query in texts
        begun += query in texts or bool(beginnings & texts)
    asked = max(len(typed), 1)
    return Figures(
        queries=len(typed),
        offered=offered / asked,
        begun=begun / asked,
        median_ms=float(np.median(times)) if times else 0.0,
        p99_ms=float(np.percentile(times, 99)) if times else 0.0,
    )


def read_queries(folder: Path) -> list[Words]:
    """The distinct queries of two words or more, as their words, in a fixed order."""
    records = [record for name in _FILES for record in read_json_lines(folder / name)]
    queries = (split_words(record.get("query") or record["text"]) for record in records)
    return sorted({query for query in queries if len(query) > 1})


def list_parts(queries: Iterable[Words]) -> list[Words]:
    """The distinct runs of two or three words of longer queries without common words, in a fixed order."""
    found: set[Words] = set()
    for query in queries:
        for length in range(2, min(len(query), 4)):
            runs = (query[start : start + length] for start in range(len(query) - length + 1))
            found.update(run for run in runs if stop_words("en").isdisjoint(run))
    return sorted(found)


def find_written(queries: Iterable[Words], texts: Iterable[str]) -> list[Words]:
    """The queries whose words stand side by side in one of the texts."""
    by_pair: dict[Words, list[Words]] = defaultdict(list)
    for query in queries:
        by_pair[query[:2]].append(query)
    found = set()
    for text in texts:
        words = split_words(text)
        for place in range(len(words) - 1):
            for query in by_pair.get(words[place : place + 2], ()):
                if words[place : place + len(query)] == query:
                    found.add(query)
    return sorted(found)


def split_words(text: str) -> Words:
    """The words of a text without case, accents and punctuation."""
    return tuple(_WORD.findall(normalize(text)))


def _read_texts(archive: str, data: Path) -> Iterator[str]:
    """The titles and paragraphs of an archive."""
    if archive == "bbc":
        for path in sorted((data / "news" / "bbc").rglob("*.txt")):
            yield from path.read_text(encoding="utf-8", errors="replace").split("\n")
    else:
        for story in reuters(data):
            yield from (story.title, *story.paragraphs)


if __name__ == "__main__":
    run("suggestions", __doc__, measure)

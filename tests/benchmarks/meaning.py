"""Measures search by meaning: making vectors, what queries take beside those by words alone, and memory.

python -m tests.benchmarks.meaning INDEX MODEL QUERY [QUERY ...]: the memory of a reader (see `_hold`).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median

from indexer import Index, open_index
from tests.benchmarks.building import MB
from tests.benchmarks.corpus import disk_size
from tests.benchmarks.engines.nutgraf import phrased
from tests.benchmarks.measure import BUDGET
from tests.benchmarks.project import Rows
from tests.benchmarks.queries import Kind, Question
from tests.fixtures.processes import own_memory_of
from tests.fixtures.serving import ROOT

# Questions of plain words: the meaning of others does not count.
_KINDS = (Kind.RARE, Kind.COMMON, Kind.SIX)


def measure_meaning(
    folder: Path, model: Path, questions: Mapping[Kind, Sequence[Question]], rounds: int
) -> Rows:
    """Embed all paragraphs of an index that has no vectors, and ask it with and without the meaning.

    Raises RuntimeError where paragraphs remain without a vector.
    """
    with open_index(folder, model=str(model)) as index:
        words = sum(len(text.split()) for article in index.articles() for text in article.paragraphs)
        before, began = disk_size(folder), time.perf_counter()
        report = index.embed()
        seconds = time.perf_counter() - began
        if report.remaining:
            raise RuntimeError(f"{report.remaining:,} paragraphs have no vector: {report.failure}")
        size = disk_size(folder) - before
        rows: Rows = [
            (
                f"`nutgraf embed`, {report.embedded:,} paragraphs",
                f"{seconds:.1f} s, {words / seconds:,.0f} words/s, {size / MB:.1f} MB on disk",
            )
        ]
        rows += [_compare(index, kind, questions[kind], rounds) for kind in _KINDS]
    queries = [phrased(question) for kind in _KINDS for question in questions[kind][:10]]
    command = [sys.executable, "-m", __name__, str(folder), str(model), *queries]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    private, model_private, mapped = json.loads(done.stdout)
    return [
        *rows,
        (
            "… memory that a reader takes for it",
            f"{private / MB:.0f} MB private, {model_private / MB:.0f} MB of that for the model; "
            f"{mapped / MB:.0f} MB of mapped files",
        ),
    ]


def _compare(index: Index, kind: Kind, asked: Sequence[Question], rounds: int) -> tuple[str, str]:
    """Medians of queries by words and with meaning, in turns, after one round that does not count."""
    times: dict[float | None, list[tuple[float, float]]] = {0.0: [], None: []}
    began = time.perf_counter()
    for number in range(rounds + 1):
        if number > 1 and time.perf_counter() - began > BUDGET:
            break
        for place, question in enumerate(asked):
            turns = list(times) if (place + number) % 2 else list(times)[::-1]
            for meaning in turns:
                start, start_using = time.perf_counter(), time.process_time()
                page = index.search(phrased(question), limit=10, meaning=meaning)
                taken = time.perf_counter() - start, time.process_time() - start_using
                if number:
                    times[meaning].append(taken)
                if page.timed_out:
                    raise RuntimeError(f"{question.words} timed out")
    words, both = ([1000 * median(column) for column in zip(*taken, strict=True)] for taken in times.values())
    return (
        f"… {kind}",
        f"{words[0]:.2f} ms by words, {both[0]:.2f} ms with meaning; {both[0] - words[0]:+.2f} ms, "
        f"{both[1] - words[1]:+.2f} ms of CPU",
    )


def _hold(folder: Path, model: Path, queries: Sequence[str]) -> tuple[int, int, int]:
    """What a reader takes for searching by meaning, in bytes, beyond what it has after the same by words.

    Private memory, how much of it is there before the first search (the model alone), and mapped files.
    """
    with open_index(folder, model=str(model)) as index:
        for query in queries:
            index.search(query, meaning=0.0)
        start = own_memory_of(os.getpid())
        index.embed_texts(["warm"])
        loaded = own_memory_of(os.getpid())
        for query in queries:
            index.search(query)
        end = own_memory_of(os.getpid())
    private = end.private - start.private
    return private, loaded.private - start.private, (end.total - start.total) - private


if __name__ == "__main__":
    print(json.dumps(_hold(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:])))

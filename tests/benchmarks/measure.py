"""Asking all engines the same questions, in turns, and counting milliseconds."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median

import numpy as np

from tests.benchmarks.engines import Engine
from tests.benchmarks.queries import Kind, Question
from tests.fixtures.processes import processor_seconds

BASE = "nutgraf"
"""The engine that the others are compared with."""
BUDGET = 60.0
"""Seconds of a class after which an engine stops."""


@dataclass(frozen=True, slots=True)
class QueryFigures:
    """How one engine answered one class of questions, warm.

    Of each round the median and the 99th percentile over its questions are taken; the figures are the medians
    of those over the rounds. `ratio` is this engine's median by the base's: above 1 the base is faster.
    `cpu_ms` is the mean of the processor time of a question, of which `server_ms` is that of servers.
    `answered` is the share of the questions that found anything.
    """

    engine: str
    kind: Kind
    median_ms: float
    p99_ms: float
    cpu_ms: float
    server_ms: float
    questions: int
    rounds: int
    answered: float
    ratio: float | None = None


def measure_queries(
    engines: Mapping[str, Engine],
    questions: Mapping[Kind, Sequence[Question]],
    rounds: int,
    budget: float = BUDGET,
    say: Callable[[str], None] = lambda text: None,
) -> list[QueryFigures]:
    """Ask every question of every engine in each round, after one round that does not count.

    An engine that has spent `budget` seconds on a class is left out of that class's further rounds.
    """
    # What was loaded so far is nobody's garbage.
    gc.collect()
    gc.freeze()
    figures = []
    for kind, asked in questions.items():
        able = {name: engine for name, engine in engines.items() if engine.supports(kind)}
        if not able or not asked:
            continue
        found = _measure(able, asked, rounds, budget)
        base = next((figure.median_ms for figure in found if figure.engine == BASE), None)
        for figure in found:
            ratio = figure.median_ms / base if base else None
            figures.append(replace(figure, ratio=ratio))
        say(f"{kind}: " + ", ".join(f"{one.engine} {one.median_ms:.3g} ms" for one in found))
    gc.unfreeze()
    return figures


def overall(figures: Sequence[QueryFigures]) -> dict[str, float]:
    """The highest 99th percentile of any class that an engine was asked, ms, by engine."""
    names = dict.fromkeys(figure.engine for figure in figures)
    return {name: max(figure.p99_ms for figure in figures if figure.engine == name) for name in names}


def _measure(
    engines: Mapping[str, Engine], questions: Sequence[Question], rounds: int, budget: float
) -> list[QueryFigures]:
    names = list(engines)
    answered = dict.fromkeys(names, 0)
    spent = dict.fromkeys(names, 0.0)
    taken: dict[str, list[list[float]]] = {name: [] for name in names}
    used = dict.fromkeys(names, 0.0)
    served = {name: _serve_seconds(engines[name]) for name in names}
    for number in range(rounds + 1):
        asking = [name for name in names if number < 2 or spent[name] < budget]
        for name in asking:
            taken[name].append([])
        for place, question in enumerate(questions):
            # Each engine finds the caches as another one left them, so none always follows the same one.
            turn = (place + number) % len(asking) if asking else 0
            for name in asking[turn:] + asking[:turn]:
                search = engines[name].search
                began, began_using = time.perf_counter(), time.process_time()
                found = search(question)
                seconds = time.perf_counter() - began
                used[name] += time.process_time() - began_using
                taken[name][-1].append(seconds)
                spent[name] += seconds
                if number == 0:
                    answered[name] += bool(found)
    figures = []
    for name in names:
        counted = taken[name][1:]
        asked = sum(map(len, taken[name]))
        server_ms = 1000 * (_serve_seconds(engines[name]) - served[name]) / asked
        figures.append(
            QueryFigures(
                engine=name,
                kind=questions[0].kind,
                median_ms=1000 * median(median(times) for times in counted),
                p99_ms=1000 * median(float(np.percentile(times, 99)) for times in counted),
                cpu_ms=1000 * used[name] / asked + server_ms,
                server_ms=server_ms,
                questions=len(questions),
                rounds=len(counted),
                answered=answered[name] / len(questions),
            )
        )
    return figures


def _serve_seconds(engine: Engine) -> float:
    """Processor seconds of the servers of an engine."""
    return sum(map(processor_seconds, engine.servers))

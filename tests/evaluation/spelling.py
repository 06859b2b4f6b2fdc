"""How well *did you mean* finds what was meant, and how often it doubts what was right.

python -m tests.evaluation.spelling --data ../shared/data

Queries of real logs, as plain words, are asked of an index; those that find something are known to be right.
Into one word of each, chosen at random, one wrong letter is put: left out, put in, replaced or swapped with
its neighbour. Both the query and the one with the wrong letter are then searched for.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from statistics import median

import numpy as np

from indexer import Article, Index, open_index
from indexer.text.analyzer import get_analyzer
from indexer.text.normalization import normalize
from tests.benchmarks.corpus import reuters
from tests.benchmarks.queries import read_log
from tests.evaluation.collection import DATA

SEED = 20
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_LEAST = 4  # letters of a word that gets a wrong one
# Slightly below the measured share of misspelt queries for which the right spelling is offered, and slightly
# above that of correctly spelt queries for which anything is offered.
FLOOR = {"bbc": 0.780, "reuters": 0.825}
MOST_ALARMS = 0.010


@dataclass(frozen=True, slots=True)
class Figures:
    """What was offered for misspelt queries, and for those that are right; shares of their numbers.

    `right` is the query as it was, `form` one that finds the same (*fund* for *funds*), `wrong` another one.
    `plenty` is the share of the misspelt queries that find ten articles or more as they are, so that nothing
    was offered. `unknown` counts the queries of the log that find nothing, for whatever reason, and
    `alarms_unknown` says how often something was offered for those.
    """

    queries: int
    right: float
    form: float
    wrong: float
    nothing: float
    plenty: float
    alarms: float
    unknown: int
    alarms_unknown: float
    median_ms: float
    p99_ms: float


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the figures for each collection; 2 when the data is not there.

    With --check, 1 when a figure is worse than it may be.
    """
    parser = argparse.ArgumentParser(prog="python -m tests.evaluation.spelling", description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA, help="folder of collections")
    parser.add_argument("--seed", type=int, default=SEED, help=f"of the random numbers (default: {SEED})")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    parser.add_argument("--check", action="store_true", help="fail when a figure is worse than it may be")
    parser.add_argument("--show", type=int, default=0, help="so many examples of each outcome, on stderr")
    chosen = parser.parse_args(arguments)
    if not (chosen.data / "queries").is_dir():
        print(f"{chosen.data}: a folder with queries does not exist", file=sys.stderr)
        return 2
    queries = [" ".join(words) for words in dict.fromkeys(read_log(chosen.data / "queries").queries) if words]
    found = {}
    for name in FLOOR:
        with tempfile.TemporaryDirectory() as folder, open_index(Path(folder, "index")) as index:
            _fill(index, name, chosen.data)
            found[name] = evaluate(index, queries, random.Random(chosen.seed), chosen.show)
    if chosen.json:
        print(json.dumps({name: asdict(figures) for name, figures in found.items()}, indent=2))
    else:
        _print(found)
    bad = [name for name, one in found.items() if one.right < FLOOR[name] or one.alarms > MOST_ALARMS]
    if chosen.check and bad:
        print(f"worse than it may be: {', '.join(bad)}", file=sys.stderr)
        return 1
    return 0


def _print(found: Mapping[str, Figures]) -> None:
    names = [field.name for field in fields(Figures)]
    print(f"{'collection':<12}" + "  ".join(names))
    for name, one in found.items():
        cells = [f"{value:.3f}" if isinstance(value, float) else str(value) for value in asdict(one).values()]
        print(
            f"{name:<12}" + "  ".join(cell.rjust(len(head)) for cell, head in zip(cells, names, strict=True))
        )


def evaluate(index: Index, queries: Sequence[str], chance: random.Random, show: int = 0) -> Figures:
    """The figures for some queries; only for those that find something wrong letters are tried."""
    outcomes: Counter[str] = Counter()
    times = []
    for query in queries:
        page = index.search(query, limit=0)
        kind = "known" if page.total else "unknown"
        outcomes[kind] += 1
        if page.did_you_mean:
            outcomes[f"{kind}, alarm"] += 1
            _show(show, outcomes, f"{kind}, alarm", query, page.total, page.did_you_mean)
        wrong = misspelt(query, chance) if page.total else None
        if wrong is None:
            continue
        began = time.perf_counter()
        page = index.search(wrong, limit=0)
        times.append(1000 * (time.perf_counter() - began))
        outcomes["misspelt"] += 1
        offered = page.did_you_mean
        outcome = "nothing" if offered is None else "wrong"
        if offered and normalize(offered) == normalize(query):
            outcome = "right"
        elif offered and get_analyzer("en").analyze(offered)[0] == get_analyzer("en").analyze(query)[0]:
            outcome = "form"
        outcomes[outcome] += 1
        outcomes["plenty"] += offered is None and page.total >= 10
        _show(show, outcomes, outcome, f"{query} / {wrong}", page.total, offered)
    asked = max(outcomes["misspelt"], 1)
    return Figures(
        queries=outcomes["misspelt"],
        right=outcomes["right"] / asked,
        form=outcomes["form"] / asked,
        wrong=outcomes["wrong"] / asked,
        nothing=outcomes["nothing"] / asked,
        plenty=outcomes["plenty"] / asked,
        alarms=outcomes["known, alarm"] / max(outcomes["known"], 1),
        unknown=outcomes["unknown"],
        alarms_unknown=outcomes["unknown, alarm"] / max(outcomes["unknown"], 1),
        median_ms=median(times) if times else 0.0,
        p99_ms=float(np.percentile(times, 99)) if times else 0.0,
    )


def misspelt(query: str, chance: random.Random) -> str | None:
    """The query with one wrong letter; None when it has no word that is long enough."""
    words = query.split()
    places = [place for place, word in enumerate(words) if len(word) >= _LEAST and word.isalpha()]
    if not places:
        return None
    place = chance.choice(places)
    words[place] = _wrong(words[place], chance)
    return " ".join(words)


def _wrong(word: str, chance: random.Random) -> str:
    while True:
        at, letter = chance.randrange(len(word)), chance.choice(_LETTERS)
        wrong = chance.choice(
            (
                word[:at] + word[at + 1 :],
                word[:at] + letter + word[at:],
                word[:at] + letter + word[at + 1 :],
                word[:at] + word[at + 1 : at + 2] + word[at] + word[at + 2 :],
            )
        )
        if wrong != word:
            return wrong


def _fill(index: Index, name: str, data: Path) -> None:
    if name == "bbc":
        index.sync(data / "news" / "bbc")
    else:
        index.put(_stories(data))


def _stories(data: Path) -> Iterator[Article]:
    for story in reuters(data):
        yield Article(story.id, story.title, story.paragraphs, story.published)


def _show(
    most: int, outcomes: Counter[str], outcome: str, query: str, total: int, offered: str | None
) -> None:
    if outcomes[outcome] <= most:
        print(f"{outcome}: {query} ({total}) -> {offered}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())

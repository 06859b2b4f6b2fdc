"""How well *did you mean* finds what was meant, and how often it doubts what was right.

python -m tests.evaluation.spelling --data ../shared/data

Queries of real logs, as plain words, are asked of an index; those that find something are known to be right.
Three times, one wrong letter is put into one word of each, chosen at random: dropped, put in, replaced or
swapped with its neighbour. Both the query and the one with the wrong letter are then searched for.
"""

from __future__ import annotations

import random
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from statistics import median

import numpy as np

from indexer import Article, Index, open_index
from indexer.text.analyzer import get_analyzer
from indexer.text.normalization import normalize
from tests.benchmarks.corpus import reuters
from tests.benchmarks.queries import read_log
from tests.evaluation.collection import run

SEED = 20
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_LEAST = 4  # letters of a word that gets a wrong one
_TIMES = 3  # wrong letters that are tried for each query, one at a time
# Slightly below the measured share of misspelt queries for which the right spelling is offered, and slightly
# above that of correctly spelt queries for which anything is offered.
FLOOR = {"bbc": 0.790, "reuters": 0.770}
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


def measure(data: Path) -> list[str]:
    """Print the figures for each collection; returns those that are worse than they may be."""
    queries = [" ".join(words) for words in dict.fromkeys(read_log(data / "queries").queries) if words]
    names = [field.name for field in fields(Figures)]
    print(f"{'collection':<12}" + "  ".join(names))
    bad = []
    for collection, floor in FLOOR.items():
        with tempfile.TemporaryDirectory() as folder, open_index(Path(folder, "index")) as index:
            fill(index, collection, data)
            found = evaluate(index, queries)
        cells = [f"{one:.3f}" if isinstance(one, float) else str(one) for one in asdict(found).values()]
        row = "  ".join(cell.rjust(len(name)) for cell, name in zip(cells, names, strict=True))
        print(f"{collection:<12}{row}")
        if found.right < floor or found.alarms > MOST_ALARMS:
            bad.append(collection)
    return bad


def evaluate(index: Index, queries: Sequence[str]) -> Figures:
    """The figures for some queries; only for those that find something wrong letters are tried.

    Which letters depends on nothing but the query, so that figures of two versions can be compared.
    """
    outcomes: Counter[str] = Counter()
    times = []
    for query in queries:
        page = index.search(query, limit=0)
        kind = "known" if page.total else "unknown"
        outcomes[kind] += 1
        if page.did_you_mean:
            outcomes[f"{kind}, alarm"] += 1
        chance = random.Random(f"{SEED} {query}")
        for wrong in [misspell(query, chance) for _ in range(_TIMES)] if page.total else ():
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


def misspell(query: str, chance: random.Random) -> str | None:
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


def fill(index: Index, name: str, data: Path) -> None:
    """Put a collection of news into an index: "bbc" or "reuters"."""
    if name == "bbc":
        index.sync(data / "news" / "bbc")
    else:
        index.put(
            Article(story.id, story.title, story.paragraphs, story.published) for story in reuters(data)
        )


if __name__ == "__main__":
    run("spelling", __doc__, measure)

"""How often an article is first when its headline is typed, without capitals or with a misspelt word.

python -m tests.evaluation.headlines --data ../shared/data

An article with the same headline counts as well. A misspelt headline also counts as answered when *did you
mean* offers the headline as it was.
"""

from __future__ import annotations

import random
import tempfile
from collections.abc import Sequence
from pathlib import Path

from indexer import Index, open_index
from indexer.text.normalization import normalize
from tests.evaluation.collection import run
from tests.evaluation.spelling import SEED, fill, misspell

COUNT = 400
_MIN_WORDS = 4
# Slightly below the measured shares that are answered of headlines in lower case, and with one wrong letter.
FLOOR = {"bbc": (0.99, 0.98), "reuters": (0.985, 0.975)}


def measure(data: Path) -> list[str]:
    """Print the shares for each collection; returns those below their floor."""
    print(f"{'collection':<12}{'headlines':>10}{'first':>8}{'misspelt: first':>17}{'first or offered':>18}")
    low = []
    for name, floor in FLOOR.items():
        with tempfile.TemporaryDirectory() as folder, open_index(Path(folder, "index")) as index:
            fill(index, name, data)
            chance = random.Random(SEED)
            headlines = choose_headlines(index, chance)
            first = [is_first(index, headline, headline) for headline in headlines]
            misspelt = [(headline, misspell(headline, chance) or headline) for headline in headlines]
            found = [is_first(index, wrong, headline) for headline, wrong in misspelt]
            answered = [
                one or is_offered(index, wrong, headline)
                for one, (headline, wrong) in zip(found, misspelt, strict=True)
            ]
        shares = [sum(one) / len(headlines) for one in (first, found, answered)]
        print(f"{name:<12}{len(headlines):>10}{shares[0]:>8.3f}{shares[1]:>17.3f}{shares[2]:>18.3f}")
        if shares[0] < floor[0] or shares[2] < floor[1]:
            low.append(name)
    return low


def choose_headlines(index: Index, chance: random.Random) -> Sequence[str]:
    """Headlines of some words in lower case, each of another article."""
    titles: set[str] = set()
    cursor: str | None = None
    while True:
        page = index.search("*", sort="title", limit=1000, collapse=False, cursor=cursor)
        titles.update(hit.article.title.lower() for hit in page.hits)
        cursor = page.cursor
        if cursor is None:
            break
    return chance.sample(sorted(title for title in titles if len(title.split()) >= _MIN_WORDS), COUNT)


def is_first(index: Index, query: str, headline: str) -> bool:
    """Whether the first hit of a query has a headline."""
    hits = index.search(query, limit=1).hits
    return bool(hits) and normalize(hits[0].article.title) == normalize(headline)


def is_offered(index: Index, query: str, headline: str) -> bool:
    """Whether another spelling is offered that has the headline's article first."""
    offered = index.search(query, limit=0).did_you_mean
    return offered is not None and is_first(index, offered, headline)


if __name__ == "__main__":
    run("headlines", __doc__, measure)

"""What was tried for the ranking, and how its figures were chosen: nDCG@10 of each way on each collection.

python -m tests.tuning --data ../shared/data

Every way is one change to what is in use (`CHOSEN`) or to plain BM25F (`PLAIN`). Then figures are chosen on
three collections and tested on the fourth, and on four fifths of the queries and tested on the last fifth.
The answer as it was read, with what follows from it, is in TUNING.md.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexer.engine.score import bm25f, proximity
from tests.evaluation.collection import DATA
from tests.evaluation.ranking import FLOOR
from tests.tuning.features import Asked, Collection, Floats, Numbers, collection

Values = NDArray[np.float64]

_FULL_FIRST = 1e4


@dataclass(frozen=True)
class Way:
    """One way of weighing what a collection's arrays hold."""

    title: float = bm25f.WEIGHT["title"]
    k1: float = bm25f.K1
    b: float = bm25f.B["paragraph"]
    b_title: float = bm25f.B["title"]
    burst: float = bm25f.BURST
    nearness: float = bm25f.NEARNESS
    beside: float = proximity.BESIDE
    near: float = proximity.NEAR
    compound: float = bm25f.COMPOUND
    exact: float = bm25f.EXACT
    exact_fall: float = bm25f.EXACT_FALL
    full_first: bool = True


CHOSEN = Way()
PLAIN = Way(title=4.0, burst=0.0, nearness=0.0, beside=0.0, near=0.0, compound=0.0, exact=0.0)
BEFORE = replace(PLAIN, nearness=0.2)


def _ways() -> Iterable[tuple[str, Way]]:
    """What was tried, each with a name."""
    yield "plain BM25F, title 4", PLAIN
    yield "with nearness .2: what was in use before", BEFORE
    yield "in use", CHOSEN
    for name, values in (
        ("title", (1.0, 2.0, 4.0, 6.0)),
        ("k1", (0.8, 1.0, 1.5, 2.0)),
        ("b", (0.3, 0.5, 0.6, 0.9)),
        ("b_title", (0.0, 0.5, 0.9)),
        ("burst", (0.0, 0.25, 0.75, 1.0)),
        ("nearness", (0.0, 0.1, 0.2, 0.5, 1.0)),
        ("beside", (0.0, 0.1, 0.2, 0.5)),
        ("near", (0.0, 0.05, 0.2, 0.3)),
        ("compound", (0.0, 0.25, 0.75, 1.0)),
        ("exact", (0.0, 0.3, 0.6)),
        ("exact_fall", (0.0, 0.5, 1.0, 1.5, 2.0)),
        ("full_first", (False,)),
    ):
        for value in values:
            yield f"{name} {value}", replace(CHOSEN, **{name: value})  # type: ignore[arg-type]


def scores(found: Collection, asked: Asked, way: Way) -> Values:
    """The score of every article for a query, 0 for those that do not match (float64)."""
    lengths = (
        1 - way.b_title + way.b_title * found.title_lengths / found.title_lengths.mean(),
        1 - way.b + way.b * found.text_lengths / found.text_lengths.mean(),
    )

    def worth(title: NDArray[Any], text: NDArray[Any]) -> Values:
        weighted: Values = way.title * title / lengths[0] + text / lengths[1]
        value: Values = (way.k1 + 1) * weighted / (way.k1 + weighted)
        return value

    def kept(key: tuple[object, ...], parts: Iterable[Values]) -> Values:
        """The sum of the parts, made once for a query."""
        if key not in asked.known:
            asked.known[key] = sum(parts, np.zeros(())).astype(np.float32)
        value: Values = asked.known[key]
        return value

    base = (way.title, way.k1, way.b, way.b_title)
    size = found.articles
    weights = _weigh(asked.title + asked.text, way)
    terms = kept(("terms", *base), (worth(asked.title, asked.text) for _ in range(1)))
    total: Values = (weights * asked.times) @ terms
    if way.exact:
        counts = asked.exact_title + asked.exact_text
        exact = kept(("exact", *base), (worth(asked.exact_title, asked.exact_text) for _ in range(1)))
        own: Values = (_weigh(counts, way) * asked.times) @ exact
        own = own + (way.k1 + 1) * (1 / way.exact - 1) * ((weights * asked.times) @ (counts > 0))
        share = way.exact / max(1.0, asked.times.sum()) ** way.exact_fall
        total = (1 - share) * total + share * own
    if way.compound and asked.within:
        total = total + way.compound * kept(
            ("within", *base),
            (
                times * _idf(size, int(np.count_nonzero(title + text))) * worth(title, text)
                for times, title, text in asked.within
            ),
        )
    if len(weights) > 1 and way.nearness:
        share = np.maximum(weights @ (asked.title > 0), weights @ (asked.text > 0)) / weights.sum()
        total = total * (1 + way.nearness * share)
    for weight, kind in ((way.beside, "beside"), (way.near, "near")):
        if weight and asked.pairs:
            met = ((_idf(size, both), *meetings[kind]) for both, meetings in asked.pairs)
            total = total + weight * kept((kind, *base), (idf * worth(*counts) for idf, *counts in met))
    total = total * asked.any
    return total + _FULL_FIRST * asked.full if way.full_first else total


def _weigh(counts: Floats, way: Way) -> Values:
    """The weights of terms, given how often each stands in each article."""
    size = counts.shape[1]
    having = np.maximum(np.count_nonzero(counts, axis=1), 1)
    weights = _idf(size, having)
    times = counts.sum(axis=1)
    burst: Values = np.maximum(1, size * (1 - np.exp(-times / size)) / having)
    return weights * burst**way.burst


def _idf(articles: int, having: Values | Numbers | int) -> Values:
    weights: Values = np.log1p((articles - having + 0.5) / (np.asarray(having) + 0.5))
    return weights


def ndcg_10(asked: Asked, total: Values) -> float:
    """nDCG@10 of a query; ties are in the order of the articles."""
    top = np.argsort(-total, kind="stable")[:10]
    gained = (asked.gains[top] * (total[top] > 0)) @ (1 / np.log2(np.arange(2, 2 + len(top))))
    return float(gained / asked.ideal)


def measured(found: Collection, way: Way) -> Values:
    """nDCG@10 of each query of a collection."""
    return np.array([ndcg_10(asked, scores(found, asked, way)) for asked in found.asked])


def _grid() -> list[Way]:
    ways = []
    pairs = ((0.0, 0.0), (0.2, 0.0), (0.2, 0.1), (0.3, 0.1))
    for title, b, burst, nearness in product((2.0, 3.0, 4.0), (0.6, 0.75), (0.0, 0.25, 0.5), (0.2, 0.3)):
        way = replace(CHOSEN, title=title, b=b, burst=burst, nearness=nearness)
        for (beside, near), compound in product(pairs, (0.0, 0.5)):
            ways.append(replace(way, beside=beside, near=near, compound=compound))
    return ways


def _cross_validated(found: list[Collection]) -> None:
    grid = [BEFORE, *_grid()]
    figures = [np.array([measured(each, way) for way in grid]) for each in found]
    means = np.array([each.mean(axis=1) for each in figures]).T
    print(f"\nchosen among {len(grid)} ways on the other collections, tested on one")
    left_out = []
    for number, each in enumerate(found):
        best = int(np.delete(means, number, axis=1).mean(axis=1).argmax())
        left_out.append(means[best, number])
        print(
            f"{each.name:<12} {means[best, number]:.4f} (before {means[0, number]:.4f}): {_short(grid[best])}"
        )
    print(f"{'mean':<12} {np.mean(left_out):.4f} (before {means[0].mean():.4f})")
    print("\nchosen on four fifths of the queries, tested on the last fifth")
    chance = np.random.default_rng(0)
    folds = [chance.permutation(each.shape[1]) % 5 for each in figures]
    tested: list[list[float]] = [[] for _ in found]
    for fold in range(5):
        known = [each[:, own != fold].mean(axis=1) for each, own in zip(figures, folds, strict=True)]
        best = int(np.mean(known, axis=0).argmax())
        for own, figure, of in zip(tested, figures, folds, strict=True):
            own += figure[best, of == fold].tolist()
    for each, own in zip(found, tested, strict=True):
        print(f"{each.name:<12} {np.mean(own):.4f}")
    print(f"{'mean':<12} {np.mean([np.mean(own) for own in tested]):.4f}")


def _short(way: Way) -> str:
    changed = [
        f"{each.name} {getattr(way, each.name)}"
        for each in fields(way)
        if getattr(way, each.name) != getattr(CHOSEN, each.name)
    ]
    return ", ".join(changed) or "what is in use"


def main(arguments: list[str] | None = None) -> int:
    """Print the table, and with --grid the cross-validation."""
    parser = argparse.ArgumentParser(prog="python -m tests.tuning", description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA, help="folder of collections")
    parser.add_argument("--grid", action="store_true", help="also choose by cross-validation (some minutes)")
    chosen = parser.parse_args(arguments)
    found = [collection(chosen.data / "ir" / name) for name in FLOOR]
    print(f"{'':<42}" + "".join(f"{each.name:>10}" for each in found) + f"{'mean':>10}")
    for name, way in _ways():
        means = [float(measured(each, way).mean()) for each in found]
        print(
            f"{name:<42}" + "".join(f"{mean:10.4f}" for mean in (*means, sum(means) / len(means))), flush=True
        )
    if chosen.grid:
        for each in found:
            for asked in each.asked:
                asked.known.clear()
        _cross_validated(found)
    return 0


if __name__ == "__main__":
    sys.exit(main())

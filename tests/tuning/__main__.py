"""What was tried for the ranking, and how its figures were chosen: nDCG@10 of each way on each collection.

python -m tests.tuning --data ../shared/data

Every way is one change to what is in use (`CHOSEN`) or to plain BM25F (`PLAIN`). Then figures are chosen on
three collections and tested on the fourth, and on four fifths of the queries and tested on the last fifth.
The answer as it was read, with what follows from it, is in TUNING.md.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields, replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexer.engine.score import bm25f, proximity
from tests.evaluation.collection import DATA
from tests.evaluation.ranking import FLOOR
from tests.tuning.features import Asked, Collection, Numbers, collection

Values = NDArray[np.float64]

_FULL_FIRST = 1e4


@dataclass(frozen=True)
class Way:
    """One way of weighing what a collection's arrays hold."""

    title: float = bm25f.WEIGHT["title"]
    k1: float = bm25f.K1
    b: float = bm25f.B["paragraph"]
    b_title: float = bm25f.B["title"]
    delta: float = 0.0
    """Lower bound of a match: Lv and Zhai (2011), BM25+."""
    repeats: float = 1.0
    """The power of how often a word stands in the query."""
    idf: str = "lucene"
    burst: float = bm25f.BURST
    nearness: float = bm25f.NEARNESS
    beside: float = proximity.BESIDE
    near: float = proximity.NEAR
    reach: str = "near"
    compound: float = bm25f.COMPOUND
    exact: float = 0.0
    feedback: float = 0.0
    model: str = "rm3"
    """Terms of the best articles: RM3 (Abdul-Jaleel and others, 2004), Bo1 (Amati, 2003) or saturated."""
    full_first: bool = True


CHOSEN = Way()
PLAIN = Way(title=4.0, burst=0.0, nearness=0.0, beside=0.0, near=0.0, compound=0.0)
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
        ("delta", (0.25, 0.5, 1.0)),
        ("repeats", (0.0, 0.5)),
        ("idf", ("rsj", "log", "squared")),
        ("burst", (0.0, 0.25, 0.75, 1.0)),
        ("nearness", (0.0, 0.1, 0.2, 0.5, 1.0)),
        ("beside", (0.0, 0.1, 0.2, 0.5)),
        ("near", (0.0, 0.05, 0.2, 0.3)),
        ("reach", ("near 8", "near 20")),
        ("compound", (0.0, 0.25, 0.75, 1.0)),
        ("exact", (0.05, 0.1, 0.2, 0.5)),
        ("full_first", (False,)),
    ):
        for value in values:
            yield f"{name} {value}", replace(CHOSEN, **{name: value})  # type: ignore[arg-type]
    for model, weight in product(("rm3", "bo1", "saturated"), (0.15, 0.3, 0.5)):
        yield f"feedback {model} {weight}", replace(CHOSEN, feedback=weight, model=model)


def scores(found: Collection, asked: Asked, way: Way) -> Values:
    """The score of every article for a query, 0 for those that do not match (float64)."""
    lengths = (
        1 - way.b_title + way.b_title * found.title_lengths / found.title_lengths.mean(),
        1 - way.b + way.b * found.text_lengths / found.text_lengths.mean(),
    )

    def worth(title: NDArray[Any], text: NDArray[Any]) -> Values:
        weighted: Values = way.title * title / lengths[0] + text / lengths[1]
        value: Values = (way.k1 + 1) * weighted / (way.k1 + weighted)
        return value + way.delta * (weighted > 0) if way.delta else value

    def kept(key: tuple[object, ...], parts: Iterable[Values]) -> Values:
        """The sum of the parts, made once for a query."""
        if key not in asked.known:
            asked.known[key] = sum(parts, np.zeros(())).astype(np.float32)
        value: Values = asked.known[key]
        return value

    base = (way.title, way.k1, way.b, way.b_title, way.delta)
    size = found.articles
    weights = _weights(found, asked, way)
    terms = kept(("terms", *base), (worth(asked.title, asked.text) for _ in range(1)))
    total: Values = (weights * asked.times**way.repeats) @ terms
    for weight, name, words in ((way.compound, "within", asked.within), (way.exact, "exact", asked.exact)):
        if weight and words:
            total = total + weight * kept(
                (name, *base),
                (
                    times * _idf(size, int(np.count_nonzero(title + text))) * worth(title, text)
                    for times, title, text in words
                ),
            )
    if len(weights) > 1 and way.nearness:
        share = np.maximum(weights @ (asked.title > 0), weights @ (asked.text > 0)) / weights.sum()
        total = total * (1 + way.nearness * share)
    for weight, kind in ((way.beside, "beside"), (way.near, way.reach)):
        if weight and asked.pairs:
            met = ((_idf(size, both), *meetings[kind]) for both, meetings in asked.pairs)
            total = total + weight * kept((kind, *base), (idf * worth(*counts) for idf, *counts in met))
    total = total * asked.any
    if way.feedback:
        total = total + (total > 0) * way.feedback * asked.times.sum() * _fed_back(found, total, way, worth)
    return total + _FULL_FIRST * asked.full if way.full_first else total


def _weights(found: Collection, asked: Asked, way: Way) -> Values:
    size = found.articles
    having = np.maximum(np.count_nonzero(asked.title + asked.text, axis=1), 1)
    weights: Values
    if way.idf == "rsj":
        weights = np.maximum(np.log((size - having + 0.5) / (having + 0.5)), 0.01)
    elif way.idf == "log":
        weights = np.log((size + 1) / having)
    else:
        weights = _idf(size, having)
        weights = weights**2 / weights.max(initial=1e-9) if way.idf == "squared" else weights
    times = (asked.title + asked.text).sum(axis=1)
    burst: Values = np.maximum(1, size * (1 - np.exp(-times / size)) / having)
    return weights * burst**way.burst


def _idf(articles: int, having: Values | Numbers | int) -> Values:
    weights: Values = np.log1p((articles - having + 0.5) / (np.asarray(having) + 0.5))
    return weights


def _fed_back(
    found: Collection, total: Values, way: Way, worth: Callable[..., Values], best: int = 10, terms: int = 20
) -> Values:
    """BM25F of the terms that the best articles share, their weights summing up to 1."""
    top = np.argsort(-total, kind="stable")[:best]
    top = top[total[top] > 0]
    if not len(top):
        return np.zeros(found.articles)
    share = dict(zip(top.tolist(), (total[top] / total[top].sum()).tolist(), strict=True))
    length = np.bincount(found.docs, minlength=found.articles)
    own = np.flatnonzero(np.isin(found.docs, top))
    names = list(found.places)
    values: dict[str, float] = {}
    keys, counts = np.unique(found.stems[own] * found.articles + found.docs[own], return_counts=True)
    for key, count in zip(keys.tolist(), counts.tolist(), strict=True):
        stem, doc = names[key // found.articles], key % found.articles
        if stem in found.common or len(stem) < 2 or any(character.isdigit() for character in stem):
            continue
        rate = len(found.places[stem]) / found.articles
        if way.model == "bo1":
            gain = count * np.log2((1 + rate) / rate) + np.log2(1 + rate)
        elif way.model == "rm3":
            gain = share[doc] * count / length[doc]
        else:
            relative = 0.25 + 0.75 * length[doc] / length.mean()
            having = len(np.unique(found.docs[found.places[stem]]))
            gain = share[doc] * count / (count + 1.2 * relative) * _idf(found.articles, having)
        values[stem] = values.get(stem, 0.0) + float(gain)
    chosen = sorted(values, key=lambda stem: (-values[stem], stem))[:terms]
    whole = sum(values[stem] for stem in chosen) or 1.0
    answer = np.zeros(found.articles)
    for stem in chosen:
        title, text = found.counts(found.places[stem])
        idf = _idf(found.articles, int(np.count_nonzero(title + text)))
        answer += values[stem] / whole * idf * worth(title, text)
    return answer


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

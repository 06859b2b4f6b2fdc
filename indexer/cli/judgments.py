"""A relevance test: judged queries are run on the live index, and the figures compared with recorded ones.

Each line of a file of judgments has a query, the id of an article and a gain, separated by tabs. A gain is a
number, 0 for an article that does not answer the query. Lines that begin with # and a header are skipped.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from indexer.errors import ArticleMissing, ConfigError, quote_value
from indexer.index import Index
from indexer.limits import QUERY_SECONDS

DEPTH = 100
"""How many hits of a query are evaluated."""
TOLERANCE = 0.001
"""How far a mean may fall before the comparison reports it."""

_CUT = 10
_FORMAT = 1
_FIGURES = ("ndcg@10", "mrr", "recall@100")

Judgments = Mapping[str, Mapping[str, float]]
"""The gain of each article that was judged, by query and by article id."""


@dataclass(frozen=True, slots=True)
class Answer:
    """How well one query was answered; each figure from 0 to 1.

    `judged` is a digest of its judgments: figures are compared only where these are the same.
    """

    query: str
    ndcg_10: float
    reciprocal_rank: float
    recall_100: float
    missed: tuple[str, ...]
    """The articles with a gain that are not among the first 10, the highest gain first."""
    judged: str

    def as_json(self) -> dict[str, Any]:
        """The figures as `nutgraf eval --json` gives them."""
        return {
            "query": self.query,
            "ndcg@10": round(self.ndcg_10, 4),
            "mrr": round(self.reciprocal_rank, 4),
            "recall@100": round(self.recall_100, 4),
            "missed": list(self.missed),
            "judged": self.judged,
        }


@dataclass(frozen=True, slots=True)
class Measured:
    """How well an index answers judged queries, and which judged articles it lacks."""

    answers: tuple[Answer, ...]
    absent: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """The figures as `nutgraf eval --json` gives them, and as they are recorded."""
        answers = [answer.as_json() for answer in self.answers]
        return {
            "format": _FORMAT,
            "figures": means(answers),
            "absent": list(self.absent),
            "queries": answers,
        }


@dataclass(frozen=True, slots=True)
class Comparison:
    """Current and recorded figures, over the queries with the same judgments in both."""

    before: Mapping[str, float]
    now: Mapping[str, float]
    lost: tuple[tuple[str, float, float], ...]
    """The queries whose nDCG@10 fell, the worst first: the query, the figure before and now."""
    compared: int
    changed: int
    """How many queries were not compared: they are new, missing or have other judgments."""
    tolerance: float

    @property
    def fallen(self) -> tuple[str, ...]:
        """The names of the means that fell by more than the tolerance."""
        return tuple(
            name for name, value in self.before.items() if value - self.now[name] > self.tolerance + 1e-9
        )

    def as_json(self) -> dict[str, Any]:
        """The comparison as `nutgraf eval --json` gives it."""
        return {
            "before": dict(self.before),
            "now": dict(self.now),
            "fallen": list(self.fallen),
            "lost": [{"query": query, "before": before, "now": now} for query, before, now in self.lost],
            "compared": self.compared,
            "changed": self.changed,
        }


def read_judgments(path: Path) -> Judgments:
    """Return the judgments in a file; raises ConfigError, naming the line, for anything else."""
    found: dict[str, dict[str, float]] = {}
    is_first = True
    for number, line in enumerate(_read_text(path).split("\n"), 1):
        if not line.strip() or line.startswith("#"):
            continue
        cells = [cell.strip() for cell in line.split("\t")]
        if is_first and cells[0].casefold() == "query" and cells[-1].casefold() == "gain":
            is_first = False
            continue
        is_first = False
        gain = _parse_gain(cells[2]) if len(cells) == 3 else None
        if gain is None or not cells[0] or not cells[1]:
            raise ConfigError(
                f"{path}:{number}: must be a query, the id of an article and a gain (a number, 0 or more), "
                f"separated by tabs, not {quote_value(line)}"
            )
        judged = found.setdefault(cells[0], {})
        if judged.setdefault(cells[1], gain) != gain:
            raise ConfigError(
                f"{path}:{number}: {quote_value(cells[1])} has two gains, {judged[cells[1]]:g} and {gain:g}, "
                f"for the query {quote_value(cells[0])}: keep one"
            )
    if not found:
        raise ConfigError(f"{path} has no judgments")
    for query, judged in found.items():
        if not any(judged.values()):
            raise ConfigError(
                f"{path}: no article has a gain above 0 for the query {quote_value(query)}: add one"
            )
    return found


def measure(index: Index, judgments: Judgments) -> Measured:
    """Measure how well an index answers the queries; articles that it lacks count as not found."""
    answers = tuple(measure_query(index, query, judged) for query, judged in judgments.items())
    every = dict.fromkeys(name for judged in judgments.values() for name in judged)
    return Measured(answers, tuple(name for name in every if not _has(index, name)))


def measure_query(index: Index, query: str, judged: Mapping[str, float]) -> Answer:
    """Measure how well one query is answered, by the gains of the articles that were judged for it.

    nDCG@10 is that of Järvelin and Kekäläinen (2002), "Cumulated gain-based evaluation of IR techniques",
    with gains as they are and the logarithm of trec_eval; the reciprocal rank is that of the first article
    with a gain among the first 100; recall is the share of the articles with a gain that are among these.
    """
    # Given the most time, so that the figures do not depend on how busy the machine is.
    page = index.search(query, limit=DEPTH, collapse=False, seconds=QUERY_SECONDS)
    hits = [hit.article.id for hit in page.hits]
    good = [name for name, gain in judged.items() if gain > 0]
    ideal = _compute_discounted_gain(sorted(judged.values(), reverse=True))
    first = next((place for place, name in enumerate(hits, 1) if judged.get(name, 0) > 0), None)
    missed = sorted(set(good).difference(hits[:_CUT]), key=lambda name: (-judged[name], name))
    return Answer(
        query,
        _compute_discounted_gain([judged.get(name, 0.0) for name in hits]) / ideal,
        1 / first if first else 0.0,
        len(set(good).intersection(hits)) / len(good),
        tuple(missed),
        hashlib.sha256(repr(sorted(judged.items())).encode()).hexdigest()[:16],
    )


def means(answers: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Return the mean of each figure over answers in their JSON form."""
    return {
        name: round(sum(answer[name] for answer in answers) / len(answers), 4) if answers else 0.0
        for name in _FIGURES
    }


def compare(measured: Measured, recorded: Path, tolerance: float = TOLERANCE) -> Comparison:
    """Compare the figures with those recorded in a file; raises ConfigError if it has none."""
    then = {answer["query"]: answer for answer in _read_recorded(recorded)}
    now = {answer.query: answer.as_json() for answer in measured.answers}
    same = [
        query for query, answer in now.items() if query in then and then[query]["judged"] == answer["judged"]
    ]
    changes = [(query, then[query]["ndcg@10"], now[query]["ndcg@10"]) for query in same]
    return Comparison(
        before=means([then[query] for query in same]),
        now=means([now[query] for query in same]),
        lost=tuple(
            sorted(
                (change for change in changes if change[2] < change[1]),
                key=lambda change: change[2] - change[1],
            )
        ),
        compared=len(same),
        changed=len(now.keys() | then.keys()) - len(same),
        tolerance=tolerance,
    )


def lines(measured: Measured, *, verbose: bool) -> list[str]:
    """Return the figures as lines of text; with `verbose`, first those of each query, the worst first."""
    worst_first = sorted(measured.answers, key=lambda answer: (answer.ndcg_10, answer.query))
    found = [
        f"{answer.ndcg_10:.4f}  {answer.query}"
        + (f"   not in the first {_CUT}: {', '.join(answer.missed)}" if answer.missed else "")
        for answer in (worst_first if verbose else ())
    ]
    figures = means([answer.as_json() for answer in measured.answers])
    found.append(
        f"nDCG@10 {figures['ndcg@10']:.4f}   MRR {figures['mrr']:.4f}   "
        f"recall@100 {figures['recall@100']:.4f}   ({len(measured.answers):,} queries)"
    )
    return found


def warnings(measured: Measured, comparison: Comparison | None, *, verbose: bool) -> list[str]:
    """Return warnings, one a line: missing articles, figures that fell, queries that fell."""
    found = []
    if absent := measured.absent:
        some = ", ".join(absent[:10]) + (", …" if len(absent) > 10 else "")
        verb = "article is" if len(absent) == 1 else "articles are"
        found.append(f"{len(absent):,} judged {verb} not in the index: {some}")
    if comparison is None:
        return found
    if comparison.changed:
        found.append(
            f"{comparison.changed:,} queries are new, missing or judged otherwise than in the record; "
            f"{comparison.compared:,} were compared"
        )
    for name in comparison.fallen:
        found.append(f"{name} fell from {comparison.before[name]:.4f} to {comparison.now[name]:.4f}")
    if comparison.fallen or verbose:
        found += [f"lost: {query} ({was:.4f} to {now:.4f})" for query, was, now in comparison.lost]
    return found


def record(measured: Measured, path: Path) -> None:
    """Write the figures to a file, for comparison with later ones."""
    try:
        path.write_text(json.dumps(measured.as_json(), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{path}: the figures cannot be written ({error})") from error


def _compute_discounted_gain(gains: Sequence[float]) -> float:
    return sum(gain / math.log2(place + 1) for place, gain in enumerate(gains[:_CUT], 1))


def _parse_gain(text: str) -> float | None:
    try:
        gain = float(text)
    except ValueError:
        return None
    return gain if 0 <= gain < math.inf else None


def _has(index: Index, article: str) -> bool:
    try:
        index.article(article)
    except ArticleMissing:
        return False
    return True


def _read_recorded(path: Path) -> list[dict[str, Any]]:
    refusal = f"{path} has no figures of `nutgraf eval --record`"
    try:
        found = json.loads(_read_text(path))
    except ValueError as error:
        raise ConfigError(f"{refusal}: it is not JSON ({error})") from error
    if not isinstance(found, dict) or found.get("format") != _FORMAT:
        raise ConfigError(f"{refusal}, or those of another version: record them again")
    answers: list[dict[str, Any]] = found["queries"]
    return answers


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read ({error})") from error

"""A relevance test: judged queries are run on the live index, and the figures compared with recorded ones.

Each line of a file of judgments has a query, the id of an article and a gain, separated by tabs. The id may
be any that `Index.resolve_id` knows, such as the one that a line of a JSON Lines file states. A gain is a
number, 0 for an article that does not answer the query. Lines that begin with # and a header are skipped.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import field

from indexer.errors import ArticleMissing, ConfigError, quote_value
from indexer.index import Index
from indexer.limits import QUERY_SECONDS
from indexer.results import Result

DEPTH = 100
"""How many hits of a query are evaluated."""
TOLERANCE = 0.001
"""How far a mean may fall before the comparison reports it."""

_CUT = 10
# Figures that differ by less differ only in how they were rounded.
_ROUNDING = 1e-9

Judgments = Mapping[str, Mapping[str, float]]
"""The gain of each article that was judged, by query and by article id."""


class Answer(Result, frozen=True):
    """How well one query was answered; each figure from 0 to 1.

    `missed` are the articles with a gain that are not among the first 10, the highest gain first. `judged` is
    a digest of the judgments: figures are compared only where these are the same.
    """

    query: str
    ndcg_10: float = field(name="ndcg@10")
    reciprocal_rank: float = field(name="mrr")
    recall_100: float = field(name="recall@100")
    missed: tuple[str, ...]
    judged: str


class Measured(Result, frozen=True):
    """How well an index answers judged queries, and which judged articles it lacks; what is recorded."""

    figures: dict[str, float]
    absent: tuple[str, ...]
    answers: tuple[Answer, ...] = field(name="queries")
    format: Literal[1] = 1


class LostQuery(Result, frozen=True):
    """A query whose nDCG@10 fell."""

    query: str
    before: float
    now: float


class Comparison(Result, frozen=True):
    """Current and recorded figures, over the queries with the same judgments in both.

    `fallen` are the means that fell by more than the tolerance, `lost` the queries that fell, the worst
    first. `changed` queries were not compared: they are new, missing or have other judgments.
    """

    before: dict[str, float]
    now: dict[str, float]
    fallen: tuple[str, ...]
    lost: tuple[LostQuery, ...]
    compared: int
    changed: int


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
    return Measured(
        compute_means(answers), tuple(name for name in every if not _find_id(index, name)), answers
    )


def measure_query(index: Index, query: str, judged: Mapping[str, float], depth: int = DEPTH) -> Answer:
    """Measure how well one query is answered, by the gains of the articles that were judged for it.

    nDCG@10 is that of Järvelin and Kekäläinen (2002), "Cumulated gain-based evaluation of IR techniques",
    with gains as they are and the logarithm of trec_eval; the reciprocal rank is that of the first article
    with a gain among the first `depth`; recall is the share of the articles with a gain that are among these.
    """
    # Given the most time, so that the figures do not depend on how busy the machine is.
    page = index.search(query, limit=depth, collapse=False, seconds=QUERY_SECONDS)
    names = {_find_id(index, name): name for name in judged}
    hits = [names.get(hit.article.id, "") for hit in page.hits]
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


def compute_means(answers: Sequence[Answer]) -> dict[str, float]:
    """Return the mean of each figure over answers; 0 if there are none."""
    count = len(answers) or 1
    return {
        "ndcg@10": sum(answer.ndcg_10 for answer in answers) / count,
        "mrr": sum(answer.reciprocal_rank for answer in answers) / count,
        "recall@100": sum(answer.recall_100 for answer in answers) / count,
    }


def compare(measured: Measured, recorded: Path, tolerance: float = TOLERANCE) -> Comparison:
    """Compare the figures with those recorded in a file; raises ConfigError if it has none."""
    then = {answer.query: answer for answer in _read_recorded(recorded).answers}
    now = {answer.query: answer for answer in measured.answers}
    same = [query for query in now if query in then and then[query].judged == now[query].judged]
    before_means, now_means = (compute_means([answers[query] for query in same]) for answers in (then, now))
    pairs = [LostQuery(query, then[query].ndcg_10, now[query].ndcg_10) for query in same]
    lost = [pair for pair in pairs if pair.before - pair.now > _ROUNDING]
    return Comparison(
        before=before_means,
        now=now_means,
        fallen=tuple(
            name for name, mean in before_means.items() if mean - now_means[name] > tolerance + _ROUNDING
        ),
        lost=tuple(sorted(lost, key=lambda pair: pair.now - pair.before)),
        compared=len(same),
        changed=len(now.keys() | then.keys()) - len(same),
    )


def format_figures(measured: Measured, *, verbose: bool) -> list[str]:
    """Return the figures as lines of text; with `verbose`, first those of each query, the worst first."""
    worst_first = sorted(measured.answers, key=lambda answer: (answer.ndcg_10, answer.query))
    found = [
        f"{answer.ndcg_10:.4f}  {answer.query}"
        + (f"   not in the first {_CUT}: {', '.join(answer.missed)}" if answer.missed else "")
        for answer in (worst_first if verbose else ())
    ]
    figures = measured.figures
    found.append(
        f"nDCG@10 {figures['ndcg@10']:.4f}   MRR {figures['mrr']:.4f}   "
        f"recall@100 {figures['recall@100']:.4f}   ({len(measured.answers):,} queries)"
    )
    return found


def format_warnings(measured: Measured, comparison: Comparison | None, *, verbose: bool) -> list[str]:
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
        found += [f"lost: {one.query} ({one.before:.4f} to {one.now:.4f})" for one in comparison.lost]
    return found


def record(measured: Measured, path: Path) -> None:
    """Write the figures to a file, for comparison with later ones."""
    try:
        path.write_bytes(msgspec.json.format(msgspec.json.encode(measured), indent=1) + b"\n")
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


def _find_id(index: Index, name: str) -> str | None:
    """The id that the article with a judged id has in the index; None if there is none."""
    try:
        return index.resolve_id(name)
    except ArticleMissing:
        return None


def _read_recorded(path: Path) -> Measured:
    refusal = f"{path} has no figures of `nutgraf eval --record`"
    try:
        return msgspec.json.decode(_read_text(path), type=Measured)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{refusal}, or those of another version: record them again") from error
    except msgspec.DecodeError as error:
        raise ConfigError(f"{refusal}: it is not JSON ({error})") from error


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read ({error})") from error

"""A judged collection as arrays: for each query how often its words, pairs and so on stand in each article.

Made once, these answer in a fraction of a second how any weighing of them would rank.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexer.article import record_name
from indexer.config import Config
from indexer.engine.score.evaluate import QueryContext, read_clauses, run_query
from indexer.engine.score.proximity import REACH
from indexer.index import open_index
from indexer.query import parse_query
from indexer.text.analyzer import get_analyzer
from indexer.text.languages import stop_words
from tests.evaluation.collection import read_qrels, read_queries
from tests.fixtures.commits import open_commit

Counts = NDArray[np.uint8]
Floats = NDArray[np.float32]
Numbers = NDArray[np.int64]
Stems = tuple[str, ...]

_TODAY = date(2024, 6, 15)  # so that a date in a query is read the same on every day
_APART = 100  # positions between one text and the next, so that no words meet across


@dataclass
class Asked:
    """A judged query: gains by article, frequencies by term and article, which articles match."""

    gains: NDArray[np.float64]
    ideal: float
    times: NDArray[np.float64]
    title: Floats
    text: Floats
    full: NDArray[np.bool_]
    any: NDArray[np.bool_]
    pairs: list[tuple[int, dict[str, tuple[Counts, Counts]]]]
    """Of each pair: how many articles have both words, and title and text frequencies by kind of meeting."""
    within: list[tuple[float, Counts, Counts]]
    """Of each word of a compound or phrase: how often that is in the query, title and text frequencies."""
    exact_title: Floats
    exact_text: Floats
    """Like `title` and `text`, of the forms as typed."""
    known: dict[Any, Any] = field(default_factory=dict)


@dataclass
class Collection:
    """A judged collection: articles in the order that settles ties, and everything that stands in them."""

    name: str
    title_lengths: NDArray[np.float64]
    text_lengths: NDArray[np.float64]
    docs: Numbers
    positions: Numbers
    in_title: NDArray[np.bool_]
    places: dict[str, Numbers]
    """Where each stem stands, as places in the arrays above."""
    word_places: dict[str, Numbers]
    """Where each word as written stands."""
    asked: list[Asked] = field(default_factory=list)

    @property
    def articles(self) -> int:
        """How many articles there are."""
        return len(self.title_lengths)

    def counts(self, places: Numbers) -> tuple[Counts, Counts]:
        """How many of some places are in the title, and in the text, of each article."""
        title = self.in_title[places]
        of = [np.bincount(self.docs[places[which]], minlength=self.articles) for which in (title, ~title)]
        title_counts, text_counts = (np.minimum(count, 255).astype(np.uint8) for count in of)
        return title_counts, text_counts

    def at(self, stem: str) -> Numbers:
        """Where a stem stands."""
        return self.places.get(stem, np.empty(0, np.int64))

    def runs(self, stems: Stems) -> Numbers:
        """Where stems stand in a row: the places of the first."""
        found = self.at(stems[0])
        for gone, stem in enumerate(stems[1:], 1):
            found = found[np.isin(self.positions[found] + gone, self.positions[self.at(stem)])]
        return found


def collection(folder: Path) -> Collection:
    """The arrays of a folder with docs.jsonl, queries.jsonl and qrels.tsv."""
    with tempfile.TemporaryDirectory() as made:
        config = Config(index=Path(made, "index"))
        with open_index(config) as index:
            index.sync(folder / "docs.jsonl")
            snapshot = open_commit(index).snapshot
            ids = [snapshot.id_of(number) for number in range(snapshot.articles)]
            order = sorted(
                range(len(ids)), key=lambda number: (-int(snapshot.date_starts[number]), ids[number])
            )
            texts = [snapshot.article(number) for number in order]
            found = _collection(folder.name, [(each.title, *each.paragraphs) for each in texts])
            rank = np.empty(len(ids), np.int64)
            rank[order] = np.arange(len(ids))
            place = {record_name(ids[number]): int(rank[number]) for number in range(len(ids))}
            queries = read_queries(folder / "queries.jsonl")
            for query, gains in read_qrels(folder / "qrels.tsv").items():
                context = QueryContext(snapshot, ("en",))
                found.asked.append(_asked(found, context, rank, queries[query], gains, place))
    return found


def _collection(name: str, articles: Sequence[tuple[str, ...]]) -> Collection:
    docs: list[int] = []
    positions: list[int] = []
    in_title: list[bool] = []
    stems: list[str] = []
    words: list[str] = []
    at = 0
    for number, texts in enumerate(articles):
        for which, text in enumerate(texts):
            own, written = get_analyzer("en").analyze(text)
            stems += own
            words += written
            docs += [number] * len(own)
            positions += range(at, at + len(own))
            in_title += [which == 0] * len(own)
            at += len(own) + _APART
    names, numbers = np.unique(np.array(stems), return_inverse=True)
    owners, titled = np.array(docs), np.array(in_title)
    return Collection(
        name,
        np.bincount(owners[titled], minlength=len(articles)).astype(np.float64),
        np.bincount(owners[~titled], minlength=len(articles)).astype(np.float64),
        owners,
        np.array(positions),
        titled,
        _places(names, numbers),
        _places(*np.unique(np.array(words), return_inverse=True)),
    )


def _places(names: Any, numbers: Numbers) -> dict[str, Numbers]:
    order = np.argsort(numbers, kind="stable")
    parts = np.split(order, np.searchsorted(numbers[order], np.arange(1, len(names))))
    return dict(zip(names.tolist(), parts, strict=True))


def _asked(
    found: Collection,
    context: QueryContext,
    rank: Numbers,
    text: str,
    gains: dict[str, float],
    place: dict[str, int],
) -> Asked:
    tree = parse_query(text, today=_TODAY).tree
    answer = run_query(context, tree, min_full_matches=1000)
    size = found.articles
    terms = answer.terms
    title, paragraphs = (np.zeros((len(terms), size), np.float32) for _ in range(2))
    for number, scored in enumerate(terms):
        owners = context.snapshot.article_of
        np.add.at(title[number], rank[owners[scored.term.title.docs]], scored.term.title.freqs)
        np.add.at(paragraphs[number], rank[owners[scored.term.paragraph.docs]], scored.term.paragraph.freqs)
    soft = read_clauses(context, tree).optional or {tree: 1}
    times = [float(count) for count in soft.values()]
    full, either = (np.zeros(size, np.bool_) for _ in range(2))
    full[rank[answer.full.articles]] = True
    either[rank[answer.partial.articles]] = True
    judged = np.zeros(size)
    for name, gain in gains.items():
        if name in place:
            judged[place[name]] = max(gain, 0)
    best = sorted((gain for gain in gains.values() if gain > 0), reverse=True)[:10]
    counted = times if len(times) == len(terms) else [1.0] * len(terms)
    exact_title, exact_text = title.copy(), paragraphs.copy()
    for number, scored in enumerate(terms):
        tokens = get_analyzer("en").tokenize(scored.term.label, query=True)
        if len(tokens) == 1:
            places = found.word_places.get(tokens[0].word, np.empty(0, np.int64))
            exact_title[number], exact_text[number] = found.counts(places)
    within = []
    for scored, count in zip(terms, counted, strict=True):
        tokens = get_analyzer("en").tokenize(scored.term.label, query=True)
        for token in tokens if len(tokens) > 1 else ():
            if token.word not in stop_words("en"):
                within.append((count, *found.counts(found.at(token.stem))))
    return Asked(
        judged,
        float(sum(gain / np.log2(number + 2) for number, gain in enumerate(best))),
        np.array(counted),
        title,
        paragraphs,
        full,
        full | either,
        list(_pairs(found, text)),
        within,
        exact_title,
        exact_text,
    )


def _pairs(found: Collection, text: str) -> Iterator[tuple[int, dict[str, tuple[Counts, Counts]]]]:
    row: list[Stems] = []
    for piece in text.split():
        tokens = get_analyzer("en").tokenize(piece, query=True)
        if tokens and not (len(tokens) == 1 and tokens[0].word in stop_words("en")):
            row.append(tuple(token.stem for token in tokens))
    for one, other in dict.fromkeys(pairwise(row)):
        first, second = found.runs(one), found.runs(other)
        if one == other or not len(first) or not len(second):
            continue
        both = len(np.intersect1d(found.docs[first], found.docs[second]))
        begins, ends = found.positions[first], found.positions[first] + len(one) - 1
        starts, stops = found.positions[second], found.positions[second] + len(other) - 1
        meetings = {}
        for name, reach in (("beside", 1), ("near", REACH)):
            before = np.searchsorted(ends, starts) - 1
            met = (before >= 0) & (starts - ends[np.maximum(before, 0)] <= reach)
            if name != "beside":
                after = np.searchsorted(begins, stops, "right")
                inside = np.minimum(after, len(begins) - 1)
                met |= (after < len(begins)) & (begins[inside] - stops <= reach)
            meetings[name] = found.counts(second[met])
        yield both, meetings

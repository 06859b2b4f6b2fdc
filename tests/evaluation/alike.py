"""How well similar articles and near-duplicates are found.

python -m tests.evaluation.alike --data ../shared/data

Similar articles: what was judged relevant to the same query should be similar. Of each such article, the
share of the others (at most ten) that are among the ten most similar; and among Reuters' stories, the share
of the ten that have a topic in common with the story. Topics are labels, not judgements, but they tell better
from worse. Near-duplicates: those that are found among Reuters' stories, against all pairs of stories whose
runs of three words have a Jaccard coefficient of 0.8.
"""

from __future__ import annotations

import json
import lzma
import random
import tempfile
from collections import Counter, defaultdict
from collections.abc import Mapping
from itertools import combinations
from pathlib import Path
from statistics import mean

from indexer import Article, Index, open_index
from indexer.engine.format.sketches import MIN_LONG
from indexer.text.analyzer import get_analyzer
from tests.evaluation.collection import read_json_lines, read_qrels, run

COLLECTIONS = ("cranfield", "cisi", "cacm", "scifact")
REUTERS = "news/reuters21578.jsonl.xz"
SAMPLE = 500
TOP = 10
LIKENESS = 0.8

# Slightly below the measured figures, none of which may fall below its floor.
FLOOR = {
    "cranfield": 0.367,
    "cisi": 0.268,
    "cacm": 0.286,
    "scifact": 0.790,
    "reuters": 0.668,
    "duplicates found": 0.970,
    "duplicates right": 0.900,
}

Shingles = frozenset[tuple[str, ...]]


def measure(data: Path) -> list[str]:
    """Print the figures; returns those below their floor."""
    figures = {}
    for name in COLLECTIONS:
        figures[name] = fellows(data / "ir" / name)
        print(f"similar, {name:<10} {figures[name]:.4f} of what is relevant to the same query")
    with lzma.open(data / REUTERS, "rt", encoding="utf-8") as lines:
        stories = [json.loads(line) for line in lines]
    with tempfile.TemporaryDirectory() as folder, open_index(Path(folder) / "index") as index:
        index.put(
            Article(id=story["id"], title=story["title"], paragraphs=story["text"].split("\n\n"))
            for story in stories
        )
        topics = {story["id"]: set(story["topics"]) for story in stories}
        figures["reuters"] = shared_topics(index, topics)
        print(f"similar, {'reuters':<10} {figures['reuters']:.4f} have a topic in common")
        texts = {story["id"]: story["text"] for story in stories}
        figures["duplicates found"], figures["duplicates right"] = measure_duplicates(index, texts)
    return [name for name, figure in figures.items() if figure < FLOOR[name]]


def fellows(folder: Path) -> float:
    """The mean share of an article's fellows that are among the ten most similar."""
    relevant = [
        [document for document, gain in gains.items() if gain > 0]
        for gains in read_qrels(folder / "qrels.tsv").values()
    ]
    with tempfile.TemporaryDirectory() as place, open_index(Path(place) / "index") as index:
        documents = [
            Article(id=document["id"], title=document["title"], paragraphs=[document["text"]])
            for document in read_json_lines(folder / "docs.jsonl")
            if document["title"] or document["text"]
        ]
        known = {document.id for document in documents}
        index.put(documents)
        pairs = [
            (one, {other for other in group if other != one} & known)
            for group in relevant
            for one in group
            if one in known
        ]
        pairs = [pair for pair in pairs if pair[1]]
        chosen = random.Random(1).sample(pairs, min(SAMPLE, len(pairs)))
        return mean(
            len(others & {hit.article.id for hit in index.find_similar(one, TOP)}) / min(TOP, len(others))
            for one, others in chosen
        )


def shared_topics(index: Index, topics: Mapping[str, set[str]]) -> float:
    """The mean share of the ten most similar stories that have a topic of the story's."""
    # Two topics that have half of the stories would tell nothing.
    labelled = sorted(name for name, own in topics.items() if own - {"earn", "acq"})
    return mean(
        sum(bool(topics[hit.article.id] & topics[name]) for hit in index.find_similar(name, TOP)) / TOP
        for name in random.Random(2).sample(labelled, SAMPLE)
    )


def measure_duplicates(index: Index, texts: Mapping[str, str]) -> tuple[float, float]:
    """The shares of near-duplicates that are found, and of what is found that are near-duplicates.

    Prints these, and how like each other those are that were found.
    """
    words = get_analyzer("en")
    forms = {name: words.analyze(text)[1] for name, text in texts.items()}
    shingles = {
        name: frozenset(zip(own, own[1:], own[2:], strict=False))
        for name, own in forms.items()
        if len(own) >= MIN_LONG
    }
    found = {
        tuple(sorted((name, other.id)))
        for name in sorted(shingles)
        for other in index.find_duplicates(name)
        if other.id in shingles
    }
    alike = {pair for pair, likeness in _all_pairs(shingles).items() if likeness >= LIKENESS}
    likenesses = [_likeness(shingles[one], shingles[other]) for one, other in sorted(found)]
    print(f"near-duplicates: {len(found)} pairs found; {len(alike)} pairs have {LIKENESS} and more")
    recall = len(found & alike) / len(alike)
    print(f"  of those, found: {recall:.4f}")
    for least in (1.0, 0.9, 0.8, 0.7, 0.6, 0.0):
        share = mean(likeness >= least for likeness in likenesses)
        print(f"  of what is found, have {least:.1f} and more: {share:.4f}")
    return recall, mean(likeness >= LIKENESS for likeness in likenesses)


def _all_pairs(shingles: Mapping[str, Shingles]) -> dict[tuple[str, ...], float]:
    """All pairs that can have the likeness, with what they have.

    Two sets that are so like each other share one of the rarest of either (Bayardo, Ma and Srikant 2007,
    "Scaling up all pairs similarity search").
    """
    counts = Counter(shingle for own in shingles.values() for shingle in own)
    holders: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for name, own in sorted(shingles.items()):
        rarest = sorted(own, key=lambda shingle: (counts[shingle], shingle))
        for shingle in rarest[: len(rarest) - int(LIKENESS * len(rarest)) + 1]:
            if counts[shingle] > 1:
                holders[shingle].append(name)
    pairs = {pair for names in holders.values() for pair in combinations(names, 2)}
    return {(one, other): _likeness(shingles[one], shingles[other]) for one, other in pairs}


def _likeness(these: Shingles, those: Shingles) -> float:
    return len(these & those) / len(these | those)


if __name__ == "__main__":
    run("alike", __doc__, measure)

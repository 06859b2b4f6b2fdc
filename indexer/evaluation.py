"""How well the ranking answers: a judged collection is indexed, its queries asked, and the measures taken.

The measures are those of ir-measures, which is an extra: nothing else needs it.
"""

from __future__ import annotations

import json
import re
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from indexer.config import Config
from indexer.errors import ConfigError, NutgrafError
from indexer.index import open_index
from indexer.limits import MOST_CHARACTERS, SECONDS

DEPTH = 1000
"""How many hits of a query are looked at."""

# A topic is a sentence, not a query: a dash before a word is a dash.
_ACCIDENTAL_SIGN = re.compile(r"(?<!\S)[-+]+(?=\w)")


@dataclass(frozen=True, slots=True)
class Quality:
    """The measures of a collection, means over its judged queries: each from 0 to 1."""

    queries: int
    ndcg_10: float
    map: float
    recall_100: float
    seconds: float
    """How long indexing and asking took together."""

    def as_json(self) -> dict[str, Any]:
        """The measures as `nutgraf eval --json` gives them."""
        return {
            "queries": self.queries,
            "ndcg@10": round(self.ndcg_10, 4),
            "map": round(self.map, 4),
            "recall@100": round(self.recall_100, 4),
            "seconds": round(self.seconds, 2),
        }


def evaluate(config: Config, docs: Path, queries: Path, qrels: Path) -> Quality:
    """The measures of a collection that is indexed for this purpose alone, in a folder that is then removed.

    `docs` is JSON Lines of {id, title, text}, `queries` of {id, text}, `qrels` tab-separated lines of query,
    document and gain. Documents that hold nothing are passed over. Raises ConfigError for files of another
    form.
    """
    try:
        import ir_measures
    except ImportError as error:
        raise NutgrafError(
            "ir-measures is wanted for the measures, it is not installed: pip install 'nutgraf[eval]'"
        ) from error

    began = time.perf_counter()
    judged = list(_judgements(qrels))
    ndcg, precision, recall = ir_measures.nDCG @ 10, ir_measures.AP, ir_measures.R @ 100
    run = []
    with tempfile.TemporaryDirectory() as folder:
        # Topics may be whole abstracts: all of them is read.
        options = {
            "index": Path(folder, "index"),
            "sources": (docs,),
            "passages": 0,
            "query_characters": MOST_CHARACTERS,
        }
        with open_index(config.with_options(options, "eval")) as index:
            index.sync(docs)
            for line in _objects(queries, ("id", "text")):
                text = _ACCIDENTAL_SIGN.sub("", line["text"])
                # A figure must not depend on how busy the machine is.
                page = index.search(text, limit=DEPTH, fold=False, seconds=SECONDS)
                run += [
                    ir_measures.ScoredDoc(str(line["id"]), hit.article.id, DEPTH - place)
                    for place, hit in enumerate(page.hits)
                ]
    measures = ir_measures.calc_aggregate(
        [ndcg, precision, recall], [ir_measures.Qrel(*judgement) for judgement in judged], run
    )
    return Quality(
        queries=len({query for query, _, _ in judged}),
        ndcg_10=measures[ndcg],
        map=measures[precision],
        recall_100=measures[recall],
        seconds=time.perf_counter() - began,
    )


def _judgements(path: Path) -> Iterator[tuple[str, str, int]]:
    for number, line in enumerate(_lines(path), 1):
        try:
            query, document, gain = line.split("\t")
            yield query, document, int(gain)
        except ValueError as error:
            raise ConfigError(
                f"{path}:{number}: query, document and a whole number between tabs are wanted, "
                f"{line[:80]!r} was found"
            ) from error


def _objects(path: Path, keys: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(_lines(path), 1):
        try:
            found = json.loads(line)
        except ValueError:
            found = None
        if not isinstance(found, dict) or not all(key in found for key in keys):
            raise ConfigError(
                f"{path}:{number}: a JSON object with {' and '.join(keys)} is wanted, {line[:80]!r} was found"
            )
        yield found


def _lines(path: Path) -> Iterator[str]:
    try:
        with path.open(encoding="utf-8") as file:
            yield from (line.rstrip("\n") for line in file if line.strip())
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read ({error})") from error

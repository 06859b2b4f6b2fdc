"""How well the queries of a judged collection are answered; it is indexed for this purpose alone."""

from __future__ import annotations

import json
import re
import tempfile
from collections import defaultdict
from pathlib import Path

from indexer import Config, open_index
from indexer.cli.judgments import compute_means, measure_query
from indexer.limits import MOST_CHARACTERS

DATA = Path(__file__).parents[3] / "shared" / "data"
"""The folder of the judged collections, unless another is given."""
# A topic is a sentence, not a query: a dash before a word is a dash.
_ACCIDENTAL_SIGN = re.compile(r"(?<!\S)[-+]+(?=\w)")


def evaluate(config: Config, docs: Path, queries: Path, qrels: Path) -> dict[str, float]:
    """The means of nDCG@10, of the reciprocal rank and of recall@100, by name, each from 0 to 1.

    `docs` is JSON Lines of {id, title, text}, `queries` of {id, text}; `qrels` has a query, a document and a
    gain a line, between tabs. Documents without text are skipped.
    """
    judged, texts = read_qrels(qrels), read_queries(queries)
    with tempfile.TemporaryDirectory() as folder:
        options = {
            "index": Path(folder, "index"),
            "sources": (docs,),
            "passages": 0,
            # Some topics are whole abstracts.
            "query_characters": MOST_CHARACTERS,
        }
        with open_index(config.with_options(options, "evaluation")) as index:
            index.sync(docs)
            answers = [measure_query(index, texts[query], gains) for query, gains in judged.items()]
    return compute_means(answers)


def read_queries(path: Path) -> dict[str, str]:
    """The text of each query of a collection by its id, without what would be read as an operator."""
    queries = map(json.loads, path.read_text(encoding="utf-8").splitlines())
    return {str(query["id"]): _ACCIDENTAL_SIGN.sub("", query["text"]) for query in queries}


def read_qrels(path: Path) -> dict[str, dict[str, float]]:
    """The gain of each document that was judged, by the id of the query and its own."""
    judged: dict[str, dict[str, float]] = defaultdict(dict)
    for line in path.read_text(encoding="utf-8").splitlines():
        query, document, gain = line.split("\t")
        judged[query][document] = float(gain)
    return judged

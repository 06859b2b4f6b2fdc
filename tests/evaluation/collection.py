"""How well the queries of a judged collection are answered; it is indexed for this purpose alone."""

from __future__ import annotations

import argparse
import json
import re
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from indexer import Config, Index, open_index
from indexer.cli.judgments import DEPTH, compute_means, measure_query

DATA = Path(__file__).parents[3] / "shared" / "data"
"""The folder of the judged collections, unless another is given."""
# A topic is a sentence, not a query: a dash before a word is a dash.
_ACCIDENTAL_SIGN = re.compile(r"(?<!\S)[-+]+(?=\w)")


def run(name: str, description: str | None, measure: Callable[[Path], list[str]]) -> None:
    """Be the command of a module: print its figures, and exit with 1 if, with --check, some are too low.

    `measure` is given the folder of collections, prints the figures, and returns those below their floor.
    """
    parser = argparse.ArgumentParser(prog=f"python -m tests.evaluation.{name}", description=description)
    parser.add_argument("--data", type=Path, default=DATA, help="folder of collections")
    parser.add_argument("--check", action="store_true", help="fail when a figure falls below its floor")
    chosen = parser.parse_args()
    low = measure(chosen.data)
    if chosen.check and low:
        sys.exit(f"below the floor: {', '.join(low)}")


@contextmanager
def open_collection(
    config: Config, folder: Path, docs: Path | None = None, where: str | None = None
) -> Iterator[Index]:
    """An index of the documents of a folder; see `evaluate`. Documents without text are skipped.

    They are in `docs.jsonl`, JSON Lines of {id, title, text}, unless `docs` is another such file. The index
    is in a temporary folder, unless `where` is the address of another one.
    """
    docs = docs or folder / "docs.jsonl"
    with tempfile.TemporaryDirectory() as place:
        options = {"index": where or Path(place, "index"), "sources": (docs,), "passages": 0}
        with open_index(config.with_options(options, "evaluation")) as index:
            index.sync(docs)
            yield index


def evaluate(
    index: Index, folder: Path, change: Callable[[str], str] = str, depth: int = DEPTH
) -> dict[str, float]:
    """The means of nDCG@10, of the reciprocal rank and of recall@100, by name, each from 0 to 1.

    The folder has `queries.jsonl` of {id, text}, and `qrels.tsv`, with a query, a document and a gain a line,
    between tabs. `change` is applied to the text of each query, of which so many hits are evaluated.
    """
    judged, texts = read_qrels(folder / "qrels.tsv"), read_queries(folder / "queries.jsonl")
    return compute_means(
        [measure_query(index, change(texts[query]), gains, depth) for query, gains in judged.items()]
    )


def read_queries(path: Path) -> dict[str, str]:
    """The text of each query of a collection by its id, without what would be read as an operator."""
    queries = read_json_lines(path)
    return {str(query["id"]): _ACCIDENTAL_SIGN.sub("", query["text"]) for query in queries}


def read_qrels(path: Path) -> dict[str, dict[str, float]]:
    """The gain of each document that was judged, by the id of the query and its own."""
    judged: dict[str, dict[str, float]] = defaultdict(dict)
    for line in path.read_text(encoding="utf-8").splitlines():
        query, document, gain = line.split("\t")
        judged[query][document] = float(gain)
    return judged


def read_json_lines(path: Path) -> list[Any]:
    """The records of a file of JSON Lines."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]

"""A program that writes to an index until it is killed.

`python -m tests.contract.writer ENGINE URL FOLDER TASK`. It reports its progress on standard output, a line
for each step.
"""

from __future__ import annotations

import sys
from itertools import count
from pathlib import Path

from indexer import Article, Index
from tests.contract.engines import Engine


class Stuck:
    """Progress that says when a file has been read, and then waits for ever."""

    def start(self, files: int, size: int) -> None:
        """Nothing has been read yet."""

    def advance(self, size: int) -> None:
        """Say that the writer is in the middle of its work, and wait."""
        print("writing", flush=True)
        sys.stdin.read()


def put_one_by_one(index: Index, name: str, end: int | None = None) -> None:
    """Add article after article, each in its own commit, and print the id once it is committed."""
    for number in count() if end is None else range(end):
        article = Article(f"{name}{number}", f"Kettle {number}", [f"Kettle number {number}."], language="en")
        index.put([article])
        print(article.id, flush=True)


def main(engine: str, url: str, folder: str, task: str) -> None:
    """Run one task: "put" without end, half a "sync" or "rebuild", or add ten articles with the name."""
    with Engine(engine, url).open(Path(folder) / "index") as index:
        if task == "sync":
            index.sync(Path(folder) / "source", progress=Stuck())
        elif task == "rebuild":
            index.rebuild(progress=Stuck())
        elif task == "put":
            put_one_by_one(index, "a")
        else:
            put_one_by_one(index, task, 10)


if __name__ == "__main__":
    main(*sys.argv[1:])

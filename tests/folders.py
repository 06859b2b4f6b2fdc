"""Folders of articles to index, and what an index made of them holds."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from indexer import Article, Config, Index, SyncReport, open_index

QUERIES = ("crane", "harbour crane", "tide OR crane", '"red tide"', "title:one", "har*", "tide -crane")


@dataclass
class Archive:
    """A folder of articles and the index beside it."""

    root: Path

    @property
    def seeds(self) -> Path:
        return self.root / "seeds"

    @property
    def folder(self) -> Path:
        return self.root / "index"

    def open(self, **options: Any) -> Index:
        return open_index(Config(index=self.folder, sources=(self.seeds,)), **options)

    def sync(self, **options: Any) -> SyncReport:
        with self.open() as index:
            return index.sync(**options)

    def text(self, name: str, body: str, title: str = "Title") -> Path:
        return self.write(name, f"{title}\n\n{body}\n")

    def lines(self, name: str, *records: dict[str, Any] | str) -> Path:
        parts = [record if isinstance(record, str) else json.dumps(record) for record in records]
        return self.write(name, "".join(f"{part}\n" for part in parts))

    def write(self, name: str, content: str) -> Path:
        path = self.seeds / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
        return path

    def texts(self) -> dict[str, tuple[str, ...]]:
        """The paragraphs of every article in the index, by the file that it came from and its id."""
        with self.open() as index:
            return {f"{a.source or ''}:{a.id.partition('-')[0]}": a.paragraphs for a in articles(index)}


def articles(index: Index) -> list[Article]:
    """All articles of a small index, by id."""
    hits = index.search("*", limit=1000, seconds=60).hits
    return sorted((index.article(hit.article.id) for hit in hits), key=lambda article: article.id)


def state(index: Index, queries: Iterable[str] = QUERIES) -> tuple[Any, ...]:
    """All that a person can find out about what an index holds."""
    status = index.status()
    answers = [
        (query, page.total, [(hit.article.id, hit.score, hit.passages) for hit in page.hits])
        for query in queries
        for page in [index.search(query, limit=100, seconds=60)]
    ]
    failures = sorted((failure.path, failure.reason) for failure in status.failures)
    return articles(index), (status.articles, status.paragraphs, status.languages), failures, answers


def contents(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Every file of a folder: when it was written, and its bytes."""
    return {
        str(path.relative_to(folder)): (path.stat().st_mtime_ns, path.read_bytes())
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }

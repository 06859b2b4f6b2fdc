"""This project, through its public face."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

from indexer import Hit, Index, open_index
from tests.benchmarks.engines import TOP, Engine, Found
from tests.benchmarks.queries import OWN, Kind, Question

# What `Index.search` is given to count besides.
_COUNTED: dict[Kind, dict[str, Any]] = {Kind.FACETS: {"facets": "year"}, Kind.TIMELINE: {"timeline": True}}


class Nutgraf(Engine):
    """Nutgraf, each article in its own words."""

    name = "nutgraf"
    library = "nutgraf"
    module = "indexer"
    own = OWN

    def __init__(self) -> None:
        self._index: Index | None = None
        self._ids: dict[str, str] = {}
        """The ids of articles by those that their lines state."""

    def locate(self, folder: Path) -> Path | str:
        """The index of a folder."""
        return folder

    def build(self, source: Path, folder: Path) -> None:
        """One `sync`, as `nutgraf index` does it."""
        with open_index(self.locate(folder)) as index:
            report = index.sync(source)
        if report.failed:
            raise RuntimeError(f"{len(report.failed)} articles failed: {report.failed[0]}")

    def open(self, folder: Path) -> None:
        """Open and look, so that the reader is there."""
        self._index = open_index(self.locate(folder))
        self._index.get_status()

    def search(self, question: Question) -> list[Found]:
        """Ten articles with their best passages and the spans in them."""
        assert self._index is not None
        if question.kind is Kind.SUGGEST:
            suggestions = self._index.suggest(" ".join(question.words))
            return [Found(suggestion.text, suggestion.spans) for suggestion in suggestions]
        if question.kind is Kind.SIMILAR:
            stated = question.words[0]
            if stated not in self._ids:
                self._ids[stated] = self._index.resolve_id(stated)
            similar = self._index.find_similar(self._ids[stated], TOP)
            return [Found(_stated_id(hit), hit.passages) for hit in similar]
        page = self._index.search(
            phrased(question),
            # Kept out of the query string: these are days, in no need of being understood.
            since=question.after.isoformat() if question.after else None,
            until=(question.before - timedelta(days=1)).isoformat() if question.before else None,
            sort="newest" if question.kind is Kind.SORTED else "relevance",
            limit=TOP,
            **_COUNTED.get(question.kind, {}),
        )
        if question.kind is Kind.MEANT:
            return [Found(page.did_you_mean, page.hits)] if page.did_you_mean else []
        return [Found(_stated_id(hit), hit.passages) for hit in page.hits]

    def close(self) -> None:
        """Let go of the files."""
        if self._index:
            self._index.close()


def _stated_id(hit: Hit) -> str:
    """The id that the line of an article states, without that of its file."""
    return hit.article.id.rpartition("/")[2]


def phrased(question: Question) -> str:
    """The question in the query language. Six words are typed as they are: all of them, then most of them."""
    words = question.words
    match question.kind:
        case Kind.AND:
            return " AND ".join(words)
        case Kind.OR:
            return " OR ".join(words)
        case Kind.PHRASE:
            return f'"{" ".join(words)}"'
        case Kind.PREFIX:
            return f"{words[0]}*"
        case Kind.FUZZY:
            return f"{words[0]}~1"
        case _:
            return " ".join(words)

"""The engines that are compared, each behind the same few calls.

What every one of them does: it builds from the same JSON Lines files (reading them is part of its time),
keeps the whole text, finds titles as well as paragraphs, stems English, and answers a question with the ten
best places and their marked passages, fetched and ready to show. What one cannot do stays unanswered.

Known differences that give Nutgraf more to do:

- Nutgraf matches an article as a whole and scores paragraphs, titles and nearness together; the others
  match one paragraph. Grouping their paragraphs into articles would be work that they are not asked to do.
- Nutgraf's hits carry title, date, address and up to three passages; the others' one passage and its place.
- Nutgraf finds words as they were written beside their stems, and stores both; the others have stems only.
- For the others a title is one more row, so that it is indexed and stored once and not with each paragraph.

Known differences that may give it less to do:

- Six words as typed are for Nutgraf all of them, and some of them only when too few articles have all; the
  others are asked for any of them, since hardly one paragraph has all.
- Its fuzzy matches and prefixes are looked up among words, theirs among stems; questions are drawn so that
  this makes no difference to what is meant, but there are more words than stems.
- FTS5 is built without a prefix index, which would make prefixes faster and everything else larger.
- The nodes of OpenSearch run on the machine that asks them, beside what else runs there: in a cluster of
  several machines, requests take a little longer, and the nodes do not share the processors.
- The same questions come again each round: an engine that kept whole answers would look faster than it is.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

from tests.benchmarks.corpus import disk_size
from tests.benchmarks.queries import OWN, Kind, Question

TOP = 10


class Found(NamedTuple):
    """One of the ten: whose paragraph it is, and the passage with its marks in the engine's own form."""

    article: str
    passage: Any


class Engine(ABC):
    """One engine. Only `search` is timed; what it returns needs no further reading from disk."""

    name: ClassVar[str]
    """The key in options and reports."""
    library: ClassVar[str]
    """The distribution whose version is reported."""
    module: ClassVar[str]
    """The module that must be importable."""
    lacks: ClassVar[Mapping[Kind, str]] = {}
    """The classes that it cannot answer, with the reason."""
    own: ClassVar[frozenset[Kind]] = frozenset()
    """The classes of OWN that it can answer."""
    remarks: ClassVar[Mapping[Kind, str]] = {}
    """Where it answers, but does less than was asked."""

    @classmethod
    def installed(cls) -> bool:
        """Whether the library is there."""
        return find_spec(cls.module) is not None

    def supports(self, kind: Kind) -> bool:
        """Whether questions of a class can be asked."""
        return kind not in self.lacks and kind not in OWN - self.own

    def serve(self, folder: Path) -> AbstractContextManager[None]:
        """Run the servers that it needs while it builds and answers, which keep their data in a folder."""
        return nullcontext()

    @property
    def servers(self) -> Sequence[int]:
        """The processes of its servers."""
        return ()

    @abstractmethod
    def build(self, source: Path, folder: Path) -> None:
        """Make an index in a folder, where there is none yet, out of a folder of JSON Lines files."""

    def measure_disk(self, folder: Path) -> int:
        """The bytes of the index in a folder."""
        return disk_size(folder)

    @abstractmethod
    def open(self, folder: Path) -> None:
        """Open an index for searching."""

    @abstractmethod
    def search(self, question: Question) -> list[Found]:
        """The ten best, or the ten newest, with marked passages."""

    @abstractmethod
    def close(self) -> None:
        """Let go of the index."""


_MODULES = {
    "nutgraf": "nutgraf:Nutgraf",
    "opensearch": "opensearch:OpenSearch",
    "opensearch3": "opensearch:ThreeNodes",
    "whoosh3": "stock:StockWhoosh",
    "fts5": "fts5:Fts5",
    "tantivy": "tantivy:Tantivy",
    "bm25s": "bm25s:Bm25s",
}
NAMES = tuple(_MODULES)


def engine(name: str) -> Engine:
    """The engine with this name; its library loads when it builds or opens."""
    module, _, kind = _MODULES[name].partition(":")
    made: Callable[[], Engine] = getattr(import_module(f"{__name__}.{module}"), kind)
    return made()

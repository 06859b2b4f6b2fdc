"""One committed state of an index, open for reading and never changed: safe to share between threads."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from functools import cached_property, partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from whoosh.index import EmptyIndexError, FileIndex
from whoosh.query.qcore import Query
from whoosh.reading import EmptyReader
from whoosh.searching import Searcher

from indexer.engine import postings
from indexer.engine.postings import Ids, Postings
from indexer.engine.schema import WORDS
from indexer.engine.storage import DurableStorage
from indexer.errors import IndexDamaged, IndexMissing

# Postings that are kept decoded, counted in postings; 12 bytes each.
T = TypeVar("T")

_CACHE_POSTINGS = 4_000_000


class Snapshot:
    """The articles of one commit as arrays, and their postings on demand.

    Articles are numbered from 0 in the order of their first documents; all arrays named after articles have
    one value of each. Raises IndexMissing or IndexDamaged.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            index = FileIndex(DurableStorage(folder, readonly=True))
            self._reader = index.reader()
        except (EmptyIndexError, FileNotFoundError) as error:
            raise IndexMissing(f"no index in {folder}: run `nutgraf index` to make one") from error
        except Exception as error:
            # Whoosh lets any kind of error out of a damaged file.
            raise IndexDamaged(f"the index in {folder} cannot be opened ({error!r}): rebuild it") from error
        self.commit: int = (
            index.latest_generation()
            if isinstance(self._reader, EmptyReader)
            else (self._reader.generation())
        )
        # Whoosh's reader seeks in shared files, so only one thread at a time may read through it.
        self._lock = threading.Lock()
        self._cache: OrderedDict[tuple[str, str], Postings] = OrderedDict()
        self._cached = 0
        self._read(self._load)

    def _load(self) -> None:
        reader = self._reader
        self.live: NDArray[np.bool_] = postings.read_live(reader)
        numbers = postings.read_column(reader, "number")
        # An article's documents stand together, numbered from 1 (or one document, numbered 0).
        first = np.flatnonzero((numbers <= 1) & self.live)
        owner = np.cumsum((numbers <= 1) & self.live, dtype=np.int32) - 1
        self.article_of: Ids = np.where(self.live, owner, -1).astype(np.int32)
        self.starts: Ids = first.astype(np.int32)
        counts = np.bincount(owner[self.live], minlength=len(first)) if len(first) else np.empty(0, np.int64)
        self.stops: Ids = (first + counts).astype(np.int32)
        self.begins = postings.read_column(reader, "begins")[first]
        self.ends = postings.read_column(reader, "ends")[first]
        terms = np.where(self.live, postings.read_column(reader, "paragraph_terms"), 0)
        body = np.add.reduceat(terms, first) if len(first) else np.empty(0, np.int64)
        self.lengths: dict[str, NDArray[np.float64]] = {
            "title": postings.read_column(reader, "title_terms")[first].astype(np.float64),
            "paragraph": body.astype(np.float64),
        }
        self.average: dict[str, float] = {
            field: float(values.mean()) if len(values) else 0.0 for field, values in self.lengths.items()
        }
        self.paragraphs = int(np.count_nonzero(self.live & (numbers > 0)))

    @property
    def articles(self) -> int:
        """How many articles there are."""
        return len(self.starts)

    def postings(self, field: str, term: str) -> Postings:
        """The postings of a term in a field, over documents; empty when there are none."""
        key = (field, term)
        with self._lock:
            found = self._cache.get(key)
            if found is not None:
                self._cache.move_to_end(key)
                return found
            found = self._read(lambda: postings.read_postings(self._reader, field, term, self.live))
            self._cache[key] = found
            self._cached += len(found.docs) + 1
            while self._cached > _CACHE_POSTINGS and len(self._cache) > 1:
                _, dropped = self._cache.popitem(last=False)
                self._cached -= len(dropped.docs) + 1
            return found

    def positions(self, field: str, term: str, docs: Ids) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Positions of a term in documents; see `read_positions`."""
        with self._lock:
            return self._read(lambda: postings.read_positions(self._reader, field, term, docs))

    def stored(self, doc: int) -> dict[str, Any]:
        """The stored fields of a document."""
        with self._lock:
            return self._read(lambda: self._reader.stored_fields(doc))

    @cached_property
    def lexicon(self) -> list[str]:
        """Every word as written, ascending: what prefixes, wildcards and near spellings are looked up in."""
        with self._lock:
            words: set[str] = set()
            for field in WORDS.values():
                words.update(self._read(partial(postings.read_lexicon, self._reader, field)))
        return sorted(words)

    def ids_of(self, articles: Ids) -> list[str]:
        """The ids of articles."""
        return [self.stored(int(doc))["article"] for doc in self.starts[articles]]

    def find(self, article_id: str) -> int | None:
        """The number of the article with this id, or None."""
        docs = self.postings("article", article_id).docs
        return int(self.article_of[docs[0]]) if len(docs) else None

    def matched_by_whoosh(self, query: Query) -> Ids:
        """The documents that Whoosh's own matcher finds for a query that has no array form; ascending."""
        with self._lock:
            searcher = Searcher(self._reader)
            return self._read(lambda: np.array([d for d in query.docs(searcher) if self.live[d]], np.int32))

    def close(self) -> None:
        """Let go of the files."""
        with self._lock:
            self._reader.close()

    def _read(self, action: Callable[[], T]) -> T:
        try:
            return action()
        except Exception as error:
            # A damaged file shows as anything from struct.error to UnpicklingError.
            raise IndexDamaged(
                f"the index in {self.folder} cannot be read ({error!r}): rebuild it"
            ) from error

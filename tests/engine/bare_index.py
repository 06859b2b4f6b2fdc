"""An index of the engine alone: segments and a table of contents, without sources or generations."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from indexer import Article, FieldType, Page
from indexer.engine.build.commit import Batch, create_empty, remove_leftovers
from indexer.engine.read.snapshot import Snapshot
from indexer.search.request import SearchRequest
from indexer.search.search import search
from indexer.search.settings import SearchSettings


class BareIndex:
    """Articles in a folder; `sizes` are those of a Batch: how much it gathers, and when it merges.

    They are searched without variants, which the reference does not know.
    """

    def __init__(
        self,
        folder: Path,
        today: date = date(2024, 6, 15),
        fields: Mapping[str, FieldType] | None = None,
        **sizes: Any,
    ) -> None:
        create_empty(folder, "en")
        self._fields = fields or {}
        self._today, self._sizes = today, sizes
        self._languages: dict[str, str] = {}
        self.snapshot = Snapshot(folder)

    def put(self, articles: Iterable[Article]) -> None:
        """Add articles, each replacing the one with its id, in one commit."""
        with self._batch() as batch:
            for article in articles:
                batch.remove(article.id)
                self._languages[article.id] = batch.add(article)
        self._reopen(self.snapshot)

    def remove(self, article_ids: Iterable[str]) -> None:
        """Remove the articles that have these ids, in one commit."""
        with self._batch() as batch:
            for name in dict.fromkeys(article_ids):
                batch.remove(name)
                self._languages.pop(name, None)
        self._reopen(self.snapshot)

    def close(self) -> None:
        """Open the index again, without sharing open segments."""
        self._reopen(None)

    def get_article(self, article_id: str) -> Article:
        """The article with this id."""
        number = self.snapshot.find(article_id)
        assert number is not None
        return self.snapshot.article(number)

    def search(self, query: str, **options: Any) -> Page:
        """See `Index.search`."""
        counts = Counter(self._languages.values())
        languages = sorted(counts, key=lambda name: (-counts[name], name))
        how = SearchSettings(
            languages=languages or ["en"],
            language="en",
            passages=3,
            today=lambda: self._today,
            seconds=60.0,
            variants=False,
            fields=self._fields,
        )
        return search(self.snapshot, how, SearchRequest.from_keywords(query, **options))

    def _batch(self) -> Batch:
        return Batch(self.snapshot, "en", lambda commit: None, fields=self._fields, **self._sizes)

    def _reopen(self, before: Snapshot | None) -> None:
        self.snapshot = Snapshot(self.snapshot.folder, before)
        remove_leftovers(self.snapshot)

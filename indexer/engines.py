"""What the facade asks of an engine, and which engine a configuration names.

An engine keeps an archive: `indexer.store` in a folder, `indexer.opensearch` on a cluster. Everything that
both have in common is below them: query language, analysis, passages, cursors, readers, sync.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from indexer.article import Article
from indexer.config import Config
from indexer.fields import FieldType
from indexer.reports import Building, Status
from indexer.results import ArticleInfo, Hits, MarkedArticle, Page, Suggestion
from indexer.search.request import Restriction, SearchRequest
from indexer.store.engine import FolderEngine

if TYPE_CHECKING:
    from indexer.reports import Diagnosis, EmbedReport, Verification
    from indexer.results import QuoteCheck
    from indexer.store.update import WritableIndex
    from indexer.sync import Progress
    from indexer.vectors import Matrix

T = TypeVar("T")


class EngineReader(Protocol):
    """One commit of an archive, or what a restriction leaves of it, open for reading; it never changes.

    The methods return and raise what those of `IndexReader` with the same names do.
    """

    @property
    def revision(self) -> str:
        """See `IndexReader.get_revision`."""

    @property
    def fields(self) -> Mapping[str, FieldType]:
        """See `IndexReader.fields`."""

    @property
    def has_vectors(self) -> bool:
        """Whether there is what articles are found by their meaning with: vectors, and a model."""

    @property
    def damage(self) -> str | None:
        """See `IndexReader.damage`."""

    def search(self, request: SearchRequest) -> Page:
        """See `IndexReader.search`."""

    def can_use_meaning(self, request: SearchRequest) -> bool:
        """See `IndexReader.can_use_meaning`."""

    def suggest(self, prefix: str, limit: int) -> tuple[Suggestion, ...]:
        """See `IndexReader.suggest`."""

    def resolve_id(self, article_id: str) -> str:
        """See `IndexReader.resolve_id`."""

    def get_article(self, article_id: str) -> Article:
        """See `IndexReader.get_article`."""

    def articles(self) -> Iterator[Article]:
        """See `IndexReader.articles`."""

    def mark_article(self, article_id: str, request: SearchRequest) -> MarkedArticle:
        """See `IndexReader.mark_article`."""

    def find_similar(self, article_id: str, limit: int) -> Hits:
        """See `IndexReader.find_similar`."""

    def find_duplicates(self, article_id: str) -> tuple[ArticleInfo, ...]:
        """See `IndexReader.find_duplicates`."""

    def verify_quote(self, text: str, article_id: str | None) -> QuoteCheck:
        """See `IndexReader.verify_quote`."""

    def embed_texts(self, texts: Sequence[str]) -> Matrix:
        """See `IndexReader.embed_texts`."""

    def find_nearest(self, vector: Any, limit: int, request: SearchRequest) -> Hits:
        """See `IndexReader.nearest`; the request has the filters."""

    def get_status(self) -> Status:
        """See `IndexReader.get_status`."""


class Engine(Protocol):
    """Keeps an archive; safe to share between threads."""

    @property
    def exists(self) -> bool:
        """Whether there is an index yet."""

    @property
    def path(self) -> str:
        """Where the live generation is."""

    def get_progress(self) -> Building | None:
        """See `Index.get_progress`."""

    def read(self, read: Callable[[EngineReader], T], restriction: Restriction | None) -> T:
        """Call `read` with the last commit, or with what a restriction leaves of it.

        Raises IndexMissing or IndexDamaged, and what `read` raises.
        """

    def open_for_writing(self) -> WritableIndex:
        """Return the index as `indexer.store.update` changes it; nothing is locked yet."""

    def verify(self, *, deep: bool, progress: Progress | None) -> Verification:
        """See `Index.verify`."""

    def diagnose(self) -> Diagnosis:
        """See `Index.diagnose`."""

    def repair(self, *, allow_mass_delete: bool, progress: Progress | None) -> Diagnosis:
        """See `Index.repair`."""

    def embed(self, *, progress: Progress | None, stop: Callable[[], bool] | None) -> EmbedReport:
        """See `Index.embed`."""

    def close(self) -> None:
        """Close files and connections; the next read opens them again."""


def open_engine(config: Config, today: Callable[[], date]) -> Engine:
    """Return the engine that a configuration names; nothing is opened yet."""
    if config.cluster is None:
        return FolderEngine(config, today)
    # Imported here, since most archives are in a folder.
    from indexer.opensearch.engine import ClusterEngine

    return ClusterEngine(config, today)

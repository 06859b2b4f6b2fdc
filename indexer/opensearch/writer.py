"""Writing to an index on a cluster: additions, removals, rebuilds, and deleting what no commit needs."""

from __future__ import annotations

import re
import time
from array import array
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from itertools import chain
from types import TracebackType
from typing import Any, ParamSpec, Self

import msgspec
from msgspec.structs import replace

from indexer.article import Article
from indexer.config import Config
from indexer.engine import Chunk, Gatherer, decode_article, digest_items
from indexer.errors import (
    RUN_DOCTOR,
    IndexDamaged,
    IndexMissing,
    IndexOutdated,
    InvalidArticle,
    NutgrafError,
    OutOfMemory,
)
from indexer.fields import FieldType
from indexer.opensearch import commits, mapping
from indexer.opensearch.cluster import WRITE_PATIENCE, Action, Cluster, Document, Version
from indexer.opensearch.commits import FORMAT, CommitState, Lease, Pointer
from indexer.opensearch.documents import (
    learn_forms,
    make_document_id,
    make_documents,
    read_article,
    read_encoded,
    read_id,
    remake_documents,
    shorten_digest,
)
from indexer.opensearch.dsl import EVERYTHING
from indexer.opensearch.point_in_time import ArticlesMissing, Contents, PointInTime
from indexer.reports import SyncReport
from indexer.store.build import BuildPlan, IndexContents, current_time, fill, list_sources
from indexer.store.generations import Settings
from indexer.store.reader import Today
from indexer.store.verify import list_digests
from indexer.sync import Catalog, Progress, SyncOptions
from indexer.sync.catalog import Hints
from indexer.text.analyzer import library_versions

P = ParamSpec("P")
_CHUNK_SIZE = 2**20  # bytes of text that are analyzed together
_PAGE = 50  # articles that are fetched together
_IDS = 1000  # documents without their contents that are fetched together
_ATTEMPTS = 5
# Bytes, somewhat below the limit of a request; no file gives an article as large.
_MAX_DOCUMENT = 95 * 2**20
_SENDERS = 4  # threads that send, so that all nodes of the cluster have something to do


class WritableCluster:
    """The live generation on the cluster of the configuration; a `WritableIndex`.

    `clock` gives the time in seconds since 1970, for the lease.
    """

    def __init__(
        self,
        config: Config,
        today: Today,
        cluster: Cluster,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.config, self.today = config, today
        self.cluster = cluster.for_writing()
        self._clock = clock
        self._held: Lease | None = None
        self._state: CommitState | None = None

    @property
    def exists(self) -> bool:
        """Whether there is an index."""
        return commits.exists(self.cluster)

    @property
    def commit(self) -> tuple[str, int] | None:
        """The live generation and the number of its last commit; None if there is no index."""
        try:
            state = self._read()
        except IndexMissing:
            return None
        return state.index, state.number

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the lease for the time of a block; then remove what no commit needs.

        Raises IndexLocked, naming the holder, IndexDamaged if the index of the articles has been deleted,
        IndexUnavailable and OutOfMemory.
        """
        self.cluster.check_version()
        with Lease(self.cluster, self.config.lock_timeout, clock=self._clock) as self._held:
            try:
                yield
            except IndexMissing:
                # A writer that has taken over deletes what this one was building.
                self._held.check()
                if self._held.pointer.index:
                    commits.check_generation(self.cluster, self._held.pointer)
                raise
            except MemoryError as error:
                raise OutOfMemory(
                    "memory ran out, and nothing was committed: free some, or use less with --jobs"
                ) from error
            # The next writer removes what this one cannot.
            with suppress(NutgrafError):
                remove_leftovers(self.cluster, self._held)

    def check_options(self) -> None:
        """Raise IndexOutdated if the index was made with other options, or in another format."""
        if self._read().settings.fingerprint != self.config.fingerprint():
            raise IndexOutdated(
                f"the index {self.cluster.address.name} on {self.cluster.address.url} was made with other "
                "fields, language, day_first or timezone",
                "run `nutgraf rebuild`, or set them back",
            )

    def load_sources(self) -> tuple[str, ...]:
        """Return the sources of the last commit."""
        return self._read().summary.sources

    def load_hints(self) -> dict[str, Hints]:
        """Return the hints of the last commit; raises IndexDamaged, also if its articles were deleted."""
        pointer = self._read().pointer
        commits.check_generation(self.cluster, pointer)
        return commits.read_hints(self.cluster, pointer)

    def load_catalog(self) -> Catalog:
        """Return the catalog of the last commit; an empty one if there is no index."""
        if not self.exists:
            return Catalog()
        self.check_options()
        return commits.read_catalog(self.cluster, self._read().pointer)

    @contextmanager
    def change(self, report: SyncReport) -> Iterator[tuple[Catalog, ClusterChanges]]:
        """Yield a catalog and changes, which are committed together at the end of the block."""
        self.check_options()
        lease = self.lease
        catalog = commits.read_catalog(self.cluster, lease.pointer)
        before = catalog.without_articles()
        with ClusterChanges(self.cluster, lease, lease.pointer.index, self.config) as changes:
            yield catalog, changes
            is_changed = changes.finish()
        if is_changed:
            self._commit(catalog, self._check(catalog, lease.pointer))
        elif catalog.without_articles() != before:
            # Without a changed article there is no commit, but the stamps of the files have to be saved.
            self.save(catalog)

    def save(self, catalog: Catalog) -> None:
        """Let the last commit have this catalog, at once."""
        self._commit(catalog, replace(self.lease.pointer, contents=_sum_up(catalog)))

    def load_previous(self) -> tuple[Catalog, Iterable[Article]]:
        """Return the catalog of the live generation, and its articles that were added through the API."""
        pointer = self.lease.pointer
        catalog = commits.read_catalog(self.cluster, pointer)
        return catalog, self._read_articles(pointer, catalog)

    def load_contents(self) -> IndexContents:
        """Return everything that the last commit has; raises IndexOutdated as `check_options` does."""
        self.check_options()
        pointer = self.lease.pointer
        return IndexContents(
            f"{pointer.index} on {self.cluster.address.url}",
            commits.read_catalog(self.cluster, pointer),
            map(read_encoded, self._iter_articles(pointer)),
            pointer.settings.versions,
        )

    def build(
        self,
        plan: BuildPlan,
        report: SyncReport,
        progress: Progress,
        *,
        stop: Callable[[], bool] | None = None,
    ) -> None:
        """Build an index beside the live one, check it, and only then move the pointer to it.

        The live one stays if this fails, and until the next rebuild if not. Raises SourceMissing,
        SourceShrunk or IndexDamaged.
        """
        config, lease = self.config, self.lease
        listings = list_sources(config, plan)
        lease.use()
        index = f"{self.cluster.address.name}-{lease.number:06}"
        body = {"settings": mapping.make_settings(), "mappings": mapping.make_mapping(config.fields)}
        # An index without articles may be from an attempt of this writer whose answer was lost.
        if not commits.create(self.cluster, index, body) and self.cluster.count(index, EVERYTHING):
            raise IndexDamaged(
                f"{index} on {self.cluster.address.url} is there, but {commits.meta_index(self.cluster)}, "
                "which says what it is, has been deleted",
                "delete it, too, or choose another name for the index",
            )
        try:
            catalog = Catalog()
            with ClusterChanges(self.cluster, lease, index, config) as changes:
                options = SyncOptions(config, self.today(), progress, stop)
                fill(plan, listings, catalog, changes, report, options)
                changes.finish()
            settings = Settings(
                FORMAT,
                config.language,
                config.fingerprint(),
                plan.versions,
                library_versions(),
                dict(config.fields),
            )
            before = lease.pointer
            pointer = self._check(catalog, Pointer(index=index, previous=before.index, settings=settings))
        except BaseException:
            with suppress(NutgrafError):
                self.cluster.delete_index(index)
            raise
        # Whatever is raised from here on, the pointer may have moved: the next writer deletes what is not
        # needed.
        self._commit(catalog, pointer)

    @property
    def lease(self) -> Lease:
        """The lease, while the index is locked."""
        assert self._held is not None, "the index is not locked"
        return self._held

    def _read(self) -> CommitState:
        self._state = commits.read_commit(self.cluster, self._state)
        return self._state

    def _check(self, catalog: Catalog, pointer: Pointer) -> Pointer:
        """Return a pointer with the number of the lease, and what a catalog says that its articles are.

        Raises ArticlesMissing if the cluster shows others, and IndexLocked.
        """
        checked = replace(pointer, number=self.lease.number, contents=_sum_up(catalog))
        # A writer that woke up late must be told that, and not what it finds of later commits.
        self.lease.check()
        with pin(self.cluster, checked) as point:
            try:
                point.open()
            except ArticlesMissing:
                self.lease.check()
                raise
        return checked

    def _commit(self, catalog: Catalog, pointer: Pointer) -> None:
        """Move the pointer to another one, with this catalog."""
        catalog.committed = current_time()
        name, parts = self.lease.save_catalog(catalog)
        self.lease.commit(replace(pointer, catalog=name, parts=parts))

    def _iter_articles(self, pointer: Pointer) -> Iterator[dict[str, Any]]:
        with pin(self.cluster, pointer) as point:
            yield from iter_articles(point)

    def _read_articles(self, pointer: Pointer, catalog: Catalog) -> Iterator[Article]:
        """Yield the articles that were added through the API; raises IndexDamaged if one is not there."""
        # Not checked as a whole: a rebuild needs no articles of sources.
        with PointInTime(self.cluster, pointer.index, pointer.articles) as point:
            for page in _divide([*catalog.api_articles], _PAGE):
                found = find_articles(point, page)
                for article_id in page:
                    document = found[article_id][1].source if article_id in found else {}
                    items = read_article(document)[0] if document else []
                    if digest_items(items) != catalog.api_articles[article_id][0]:
                        raise IndexDamaged(
                            f"the article {article_id!r}, which is in no source, is not there; the index was "
                            "not changed",
                            RUN_DOCTOR,
                        )
                    yield decode_article(items)


class ClusterChanges:
    """Removals and additions of articles in an index, with the number of a lease; see `Changes`.

    All is sent by threads: what is added a chunk at a time, and what is removed some articles at a time. It
    can be searched when `finish` returns, and is visible when the pointer has the number. Used as a context
    manager, which waits for the threads.
    """

    dictionary = b""
    """None: the cluster compresses what it stores."""

    def __init__(self, cluster: Cluster, lease: Lease, index: str, config: Config) -> None:
        self._cluster, self._lease, self._index = cluster, lease, index
        # Of the commit before; nothing is asked of it until something is removed.
        self._point = pin(cluster, lease.pointer)
        self._fields: Mapping[str, FieldType] = config.fields
        self._gatherer = Gatherer(config.language, config.fields)
        self._numbers = array("i")
        self._forms: dict[int, tuple[array[int], list[str]]] = {}
        """The forms of each gatherer, by the identity of its numbers, which are kept so that it stays."""
        self._removed: dict[str, None] = {}
        self._is_used = False
        self._pool = ThreadPoolExecutor(_SENDERS, thread_name_prefix="bulk")
        self._sent: deque[Future[object]] = deque()

    def remove(self, article_id: str) -> None:
        """Remove the article with this id, if there is one."""
        self._is_used = True
        self._removed[article_id] = None
        if len(self._removed) >= _PAGE:
            self._flush_removed()

    def add(
        self,
        article: Article,
        items: list[bytes] | None = None,
        source: str | None = None,
        language: str | None = None,
    ) -> str:
        """Add an article, and return the language that it was analyzed in; see `Gatherer.add`."""
        language = self._gatherer.add(article, items, source, language)
        if self._gatherer.size >= _CHUNK_SIZE:
            self.take(self._gatherer.take(), self._numbers)
        return language

    def take(self, chunk: Chunk, numbers: array[int]) -> None:
        """Add the articles of a chunk; `numbers` belongs to its gatherer, and only tells it from others."""
        number = self._lease.number
        _, forms = self._forms.setdefault(id(numbers), (numbers, []))
        learn_forms(forms, chunk)
        if not chunk.ids:
            return
        self._is_used = True
        self._lease.use()
        actions = [_make_action(document, number) for document in make_documents(chunk, forms, number)]
        self._submit(self._cluster.bulk, self._index, actions)

    def finish(self) -> bool:
        """Send everything, and let searches find it; returns whether anything has changed."""
        self.take(self._gatherer.take(), self._numbers)
        self._flush_removed()
        while self._sent:
            self._sent.popleft().result()
        if self._is_used:
            self._cluster.refresh(self._index)
        return self._is_used

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(cancel_futures=True)
        self._point.close()

    def _submit(self, send: Callable[P, object], *given: P.args, **options: P.kwargs) -> None:
        """Call `send` in a thread; waits for one before, and raises what an earlier call has raised."""
        while len(self._sent) >= _SENDERS:
            self._sent.popleft().result()
        self._sent.append(self._pool.submit(send, *given, **options))

    def _flush_removed(self) -> None:
        page, self._removed = [*self._removed], {}
        if page:
            self._submit(self._mark_removed, page)

    def _mark_removed(self, article_ids: list[str]) -> None:
        """Mark some articles as removed by this commit."""
        found = find_articles(self._point, article_ids)
        if len(found) < len(article_ids):
            # Another writer may have removed them.
            self._lease.check()
        left = dict(found.values())
        for _ in range(_ATTEMPTS):
            if not left:
                return
            self._lease.use()
            conflicts = self._cluster.bulk(self._index, self._mark(left))
            # Either the answer to an earlier attempt was lost, or another writer is at work.
            read = {name: self._cluster.get(self._index, name) for name in conflicts}
            left = {
                name: document
                for name, document in read.items()
                if document and document.source.get(mapping.UNTIL) != self._lease.number
            }
        raise self._lease.make_lost()

    def _mark(self, documents: Mapping[str, Document]) -> Iterator[Action]:
        """The documents as this commit removes them."""
        for document in documents.values():
            until = document.source.get(mapping.UNTIL)
            if until is not None and until not in self._lease.pointer.aborted:
                raise self._lease.make_lost()
        sources = [document.source for document in documents.values()]
        remade = remake_documents(sources, self._fields, self._lease.number)
        for (name, document), source in zip(documents.items(), remade, strict=True):
            yield Action(name, msgspec.json.encode(source), document.version)


def _make_action(document: Mapping[str, Any], number: int) -> Action:
    """The action that adds an article; raises InvalidArticle if no cluster would take it."""
    source = msgspec.json.encode(document)
    if len(source) > _MAX_DOCUMENT:
        raise InvalidArticle(
            f"the article {read_id(document)!r} has too much text for a cluster: with its terms, "
            f"{len(source):,} bytes of at most {_MAX_DOCUMENT:,}; split it"
        )
    return Action(make_document_id(read_id(document), number), source)


def pin(cluster: Cluster, pointer: Pointer) -> PointInTime:
    """Return the point in time in which a writer finds the articles of a commit, and no others.

    A writer that searched an older copy of a shard would not find what it has to remove.
    """
    return PointInTime(cluster, pointer.index, pointer.articles, pointer.contents, patience=WRITE_PATIENCE)


def _sum_up(catalog: Catalog) -> Contents:
    checksums = [shorten_digest(digest) for digest, _ in list_digests(catalog).values()]
    return Contents(len(checksums), sum(checksums))


def find_articles(point: PointInTime, article_ids: list[str]) -> dict[str, tuple[str, Document]]:
    """Return the ids and the contents of the documents of some articles, at most 50, by the ids of these."""
    wanted = {"terms": {mapping.ID: [*map(mapping.make_id_key, article_ids)]}}
    body = {
        "query": {"bool": {"filter": [wanted, point.articles]}},
        "size": len(article_ids),
        "seq_no_primary_term": True,
    }
    (answer,) = point.search(body)
    hits = answer["hits"]["hits"]
    return {read_id(hit["_source"]): (hit["_id"], Document(hit["_source"], _version_of(hit))) for hit in hits}


def iter_articles(point: PointInTime) -> Iterator[dict[str, Any]]:
    """Yield the contents of the documents of all articles, in the order of their ids."""
    return (hit["_source"] for hit in _iter_hits(point, point.articles, {"size": _PAGE}))


def remove_leftovers(cluster: Cluster, lease: Lease) -> None:
    """Delete what neither the last commit needs nor a reader that is about to open the one before it.

    That is: articles that earlier commits have removed, those of aborted numbers, older catalogs, and
    generations but for the live one and the one before it.
    """
    pointer = lease.pointer
    for name in cluster.list_indexes(f"{cluster.address.name}-*"):
        generation = re.fullmatch(rf"{re.escape(cluster.address.name)}-(\d{{6,}})", name)
        is_needed = name in (pointer.index, pointer.previous)
        if generation and not is_needed and int(generation[1]) <= lease.number:
            cluster.delete_index(name)
    old = commits.list_old_catalogs(cluster, pointer, lease.number)
    cluster.bulk(commits.meta_index(cluster), (Action(name, None) for name in old))
    if pointer.index:
        _delete_articles(cluster, pointer)


def _delete_articles(cluster: Cluster, pointer: Pointer) -> None:
    """Delete the articles that were removed before the last commit, and those of aborted commits."""
    aborted = sorted(pointer.aborted)
    if aborted:
        # A writer that woke up late may have sent articles since the last commit.
        cluster.refresh(pointer.index)
    removed = {
        "filter": [{"range": {mapping.UNTIL: {"lt": pointer.number}}}],
        "must_not": [{"terms": {mapping.UNTIL: aborted}}],
    }
    query = {"bool": {"should": [{"bool": removed}, {"terms": {mapping.SINCE: aborted}}]}}
    options = {"size": _IDS, "_source": False, "seq_no_primary_term": True}
    with PointInTime(cluster, pointer.index, EVERYTHING) as point:
        hits = _iter_hits(point, query, options)
        # A version that was read may have been written again since by a writer that died; it is found next
        # time.
        if first := next(hits, None):
            actions = (Action(hit["_id"], None, _version_of(hit)) for hit in chain([first], hits))
            cluster.bulk(pointer.index, actions)
            cluster.refresh(pointer.index)


def _iter_hits(
    point: PointInTime, query: Mapping[str, Any], options: Mapping[str, Any]
) -> Iterator[dict[str, Any]]:
    """Yield all hits of a query, in the order of the ids of articles; `size` are fetched together."""
    body = {**options, "query": query, "sort": [{mapping.ID: "asc"}, {mapping.SINCE: "asc"}]}
    while hits := point.search(body)[0]["hits"]["hits"]:
        yield from hits
        body["search_after"] = hits[-1]["sort"]


def _version_of(hit: Mapping[str, Any]) -> Version:
    return Version(hit["_seq_no"], hit["_primary_term"])


def _divide(names: list[str], size: int) -> Iterator[list[str]]:
    return (names[start : start + size] for start in range(0, len(names), size))

"""Verify an index on a cluster: compare its articles with its catalog, and that with the sources."""

from __future__ import annotations

from indexer.config import Config
from indexer.engine import digest_items
from indexer.errors import RUN_DOCTOR, IndexDamaged, IndexMissing, format_count
from indexer.opensearch import commits
from indexer.opensearch.cluster import READ_PATIENCE, Cluster
from indexer.opensearch.commits import CommitState
from indexer.opensearch.documents import read_article, read_id
from indexer.opensearch.point_in_time import ArticlesMissing, PointInTime
from indexer.opensearch.view import read_total
from indexer.opensearch.writer import iter_articles
from indexer.reports import Difference, Verification
from indexer.store.generations import VERSIONS
from indexer.store.reader import Today
from indexer.store.verify import digest_catalog, list_digests, read_again
from indexer.sync import Catalog, Progress, Silence


def verify(
    config: Config, today: Today, cluster: Cluster, progress: Progress | None, *, deep: bool
) -> Verification:
    """See `Index.verify`.

    The stored articles are compared with their digests in the catalog, in a point in time as readers use it.
    What is only searched cannot be read from a cluster, which has checksums of its own files.
    """
    state, catalog, paragraphs = check_commit(cluster)
    settings = state.settings
    differences: list[Difference] = []
    sources_digest = None
    if deep:
        differences, derived = read_again(
            config, today, catalog, settings.versions, state.index, progress or Silence()
        )
        sources_digest = digest_catalog(derived, VERSIONS)
    return Verification(
        generation=state.index,
        articles=len(catalog.owners()),
        paragraphs=paragraphs,
        files=sum(map(len, catalog.sources.values())),
        size=cluster.measure(state.index),
        digest=digest_catalog(catalog, settings.versions),
        sources_digest=sources_digest,
        differences=tuple(differences),
    )


def check_commit(cluster: Cluster) -> tuple[CommitState, Catalog, int]:
    """Compare the articles of the last commit with its catalog.

    Returns the commit, its catalog, and the number of paragraphs. Raises IndexDamaged, naming the article,
    IndexMissing, IndexOutdated and IndexUnavailable.
    """
    while True:
        state = commits.read_commit(cluster)
        try:
            catalog = commits.read_catalog(cluster, state.pointer)
            return state, catalog, _check_articles(cluster, state, catalog)
        except (IndexDamaged, IndexMissing) as error:
            # A later commit may have deleted what this one has: then check that one.
            if commits.read_commit(cluster, state) is state:
                if isinstance(error, IndexMissing):
                    commits.check_generation(cluster, state.pointer)
                    raise commits.make_unknown(cluster, state.index) from error
                raise


def _check_articles(cluster: Cluster, state: CommitState, catalog: Catalog) -> int:
    """Check each article, and return the number of their paragraphs."""
    pointer = state.pointer
    checked = PointInTime(cluster, state.index, pointer.articles, pointer.contents, patience=READ_PATIENCE)
    with checked:
        try:
            checked.open()
        except ArticlesMissing as error:
            # Readers get no further, but here each article is compared, to name the one that is damaged.
            _compare_articles(PointInTime(cluster, state.index, pointer.articles), catalog)
            raise IndexDamaged(error.problem, RUN_DOCTOR) from error
        return _compare_articles(checked, catalog)


def _compare_articles(opened: PointInTime, catalog: Catalog) -> int:
    """Compare each article with its digest; returns the number of their paragraphs."""
    place = f"{opened.index} on {opened.cluster.address.url}"
    expected = list_digests(catalog)
    paragraphs = 0
    with opened as point:
        (answer,) = point.search({"size": 0, "query": point.articles, "track_total_hits": True})
        found = read_total(answer)
        if found != len(expected):
            raise IndexDamaged(
                f"{place} has {format_count(found, 'article')}, its catalog has {len(expected):,}", RUN_DOCTOR
            )
        for source in iter_articles(point):
            items, uri = read_article(source)
            name = read_id(source)
            digest, label = expected.pop(name, ("", b""))
            is_intact = digest == digest_items([*items, label] if label else items)
            if not is_intact or (uri or "") != label.decode():
                raise IndexDamaged(f"{place} and its catalog disagree about the article {name!r}", RUN_DOCTOR)
            paragraphs += len(items) - 1
    if expected:
        # Another point in time was opened meanwhile, and a later commit had deleted some.
        raise IndexDamaged(f"{place} has no article {next(iter(expected))!r}", RUN_DOCTOR)
    return paragraphs

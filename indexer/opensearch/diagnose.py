"""Diagnose an index on a cluster, and repair it: the cluster itself is only looked at."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from msgspec.structs import replace

from indexer.article import Article
from indexer.config import Config
from indexer.engine import decode_article
from indexer.errors import (
    IndexDamaged,
    IndexMissing,
    IndexOutdated,
    IndexUnavailable,
    StorageFailed,
    format_count,
)
from indexer.opensearch import commits, mapping
from indexer.opensearch.cluster import Cluster
from indexer.opensearch.commits import Pointer
from indexer.opensearch.documents import read_article
from indexer.opensearch.verify import check_commit
from indexer.opensearch.writer import WritableCluster, iter_articles
from indexer.results import Diagnosis, Finding, add_counts
from indexer.store.diagnose import FIX, diagnose_settings, diagnose_sources
from indexer.store.reader import Today
from indexer.store.repair import make_catalog
from indexer.store.update import rebuild
from indexer.sync import Progress

_REPAIRED = {"damaged", "outdated", "options", "leftovers"}


def diagnose(config: Config, cluster: Cluster, *, clock: Callable[[], float] = time.time) -> Diagnosis:
    """See `Index.diagnose`. All articles are read; of the cluster, what it says of itself is reported."""
    findings: list[Finding] = []
    kinds_not_read: dict[str, int] = {}
    answering: str | None = None
    try:
        findings += _diagnose_cluster(cluster)
        findings += _diagnose_writer(cluster, clock)
        try:
            state = commits.read_commit(cluster)
            answering = state.index
            hints = commits.read_hints(cluster, state.pointer)
            for known in hints.values():
                add_counts(kinds_not_read, known.kinds_not_read)
                add_counts(kinds_not_read, known.not_read)
            findings += diagnose_settings(state.settings, config)
            findings += diagnose_sources(hints)
            check_commit(cluster)
        except (IndexDamaged, IndexMissing, IndexOutdated) as error:
            findings.insert(0, _describe(error, answering))
    except (IndexUnavailable, StorageFailed) as error:
        advice = f"{error.advice[:1].upper()}{error.advice[1:]}." if error.advice else "Try again later."
        findings.insert(0, Finding("system", f"The index cannot be read now: {error.problem}.", advice))
    return Diagnosis(str(cluster.address), answering, tuple(findings), kinds_not_read=kinds_not_read)


def repair(
    config: Config, today: Today, cluster: Cluster, progress: Progress | None, *, allow_mass_delete: bool
) -> Diagnosis:
    """See `Index.repair`. While the cluster does not answer, nothing is changed."""
    diagnosis = diagnose(config, cluster)
    kinds = {finding.kind for finding in diagnosis.findings}
    if not kinds & _REPAIRED:
        return diagnosis
    index = WritableCluster(config, today, cluster)
    done: list[str] = []
    with index.lock():
        # At the end of the block, what nobody needs is removed.
        if "leftovers" in kinds:
            done.append("The leftovers of an interrupted write are removed.")
        if "damaged" in kinds:
            done += _restore_catalog(index, cluster)
    if kinds & {"outdated", "options"} or not _is_intact(cluster):
        report = rebuild(index, [], allow_mass_delete=allow_mass_delete, progress=progress)
        done.append(f"The index is rebuilt from {format_count(report.files, 'file')}.")
        done += [f"The source {source} is missing; its articles are removed." for source in report.without]
    return replace(diagnose(config, cluster), done=tuple(done))


def _diagnose_cluster(cluster: Cluster) -> Iterator[Finding]:
    pattern = f"{cluster.address.name}-*"
    health = cluster.get_health(pattern)
    if health["status"] == "red":
        yield Finding(
            "system",
            f"Some shards of the index are missing: the cluster at {cluster.address.url} is red.",
            "Bring back the nodes or the disks that have them; nothing is searched or written until then.",
        )
    elif missing := health["unassigned_shards"]:
        copies = "1 copy of a shard has" if missing == 1 else f"{missing:,} copies of shards have"
        yield Finding(
            "system",
            f"{copies} no node: when the node of the others is lost, so are their articles.",
            f"Add a node to the cluster; or set number_of_replicas of {pattern} to what its nodes can hold.",
        )
    if blocked := cluster.list_read_only(pattern):
        yield Finding(
            "disk",
            f"Nobody can write to {', '.join(blocked)}, as when a disk of the cluster is full.",
            "Free space on its disks, and take the block off if the cluster does not.",
        )


def _diagnose_writer(cluster: Cluster, clock: Callable[[], float]) -> Iterator[Finding]:
    if not (found := commits.read_holder(cluster)):
        return
    holder, expires = found
    if expires > clock():
        yield Finding("locked", f"The index is being written by {holder}.", "Wait until it is done.")
    else:
        yield Finding(
            "leftovers",
            f"{holder} died while writing; the lease is free.",
            f"The next writer removes what it left, and so does {FIX}.",
        )


def _describe(error: IndexDamaged | IndexMissing | IndexOutdated, answering: str | None) -> Finding:
    match error:
        case IndexMissing():
            return Finding("missing", f"There is {error.problem}.", "`nutgraf index FOLDER` makes one.")
        case IndexOutdated():
            return Finding("outdated", f"The index is outdated: {error.problem}.", f"{FIX} rebuilds it.")
    meanwhile = "searches are answered meanwhile unless they meet the damage"
    return Finding(
        "damaged",
        f"The index is damaged: {error.problem}; {meanwhile if answering else 'nothing can be searched'}.",
        f"{FIX} restores its catalog from its articles, or rebuilds it from its sources.",
    )


def _is_intact(cluster: Cluster) -> bool:
    try:
        check_commit(cluster)
    except (IndexDamaged, IndexMissing, IndexOutdated):
        return False
    return True


def _restore_catalog(index: WritableCluster, cluster: Cluster) -> Iterator[str]:
    """If the catalog cannot be read, make one of the articles; yields what was done."""
    pointer = index.lease.pointer
    try:
        commits.read_catalog(cluster, pointer)
    except IndexDamaged:
        restored = make_catalog(_iter_stored(cluster, pointer))
        index.save(restored)
        articles, added = format_count(len(restored.owners()), "article"), len(restored.api_articles)
        yield (
            f"The catalog of {pointer.index} is restored from its {articles}, {added:,} of them added "
            "through the API; the next `nutgraf index` reads all files again."
        )


def _iter_stored(cluster: Cluster, pointer: Pointer) -> Iterator[tuple[Article | None, str, str | None]]:
    for source in iter_articles(cluster, pointer):
        try:
            items, uri = read_article(source)
            yield decode_article(items), source[mapping.LANGUAGE], uri
        except (IndexDamaged, ValueError):
            yield None, "", source.get(mapping.SOURCE_URI)

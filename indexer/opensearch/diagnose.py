"""Diagnose an index on a cluster, and repair it: the cluster itself is only looked at."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress

from msgspec.structs import replace

from indexer.article import Article
from indexer.config import Config
from indexer.engine import decode_article, digest_items, encode_article
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
from indexer.opensearch.point_in_time import ArticlesMissing, PointInTime
from indexer.opensearch.verify import check_commit
from indexer.opensearch.writer import WritableCluster, find_articles, iter_articles
from indexer.reports import Diagnosis, Finding, SyncReport, add_counts
from indexer.store.build import BuildPlan
from indexer.store.diagnose import FIX, diagnose_settings, diagnose_sources
from indexer.store.reader import Today
from indexer.store.repair import COMMAND, describe_rebuild, make_catalog, sort_by_version
from indexer.store.source_paths import available_sources
from indexer.sync import Catalog, Progress, Silence

_REPAIRED = {"damaged", "outdated", "options", "leftovers"}
_PAGE = 50  # articles that are read together


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
            if answering and not _is_searchable(cluster):
                answering = None
            findings.insert(0, _describe(error, answering))
    except (IndexUnavailable, StorageFailed) as error:
        advice = f"{error.advice[:1].upper()}{error.advice[1:]}." if error.advice else "Try again later."
        findings.insert(0, Finding("system", f"The index cannot be read now: {error.problem}.", advice))
    return Diagnosis(str(cluster.address), answering, tuple(findings), kinds_not_read=kinds_not_read)


def repair(
    config: Config, today: Today, cluster: Cluster, progress: Progress | None, *, allow_mass_delete: bool
) -> Diagnosis:
    """See `Index.repair`. While the cluster does not answer, nothing is changed.

    What cannot be read of the live generation stays in the cluster until the next rebuild.
    """
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
        with index.lock():
            done += _rebuild(index, cluster, progress or Silence(), allow_mass_delete=allow_mass_delete)
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


def _is_searchable(cluster: Cluster) -> bool:
    """Whether readers can open the last commit; only its articles are looked at."""
    pointer = commits.read_commit(cluster).pointer
    try:
        with PointInTime(cluster, pointer.index, pointer.articles, pointer.contents) as point:
            point.open()
    except (ArticlesMissing, IndexMissing):
        return False
    return True


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
        source, restored = _make_catalog(cluster, pointer)
        index.save(restored)
        count = len(restored.owners())
        articles, added = format_count(count, "article"), len(restored.api_articles)
        yield (
            f"The catalog of {source} is restored from its {articles}, {added:,} of them added "
            "through the API; the next `nutgraf index` reads all files again."
        )
        if (missing := pointer.contents.articles - count) > 0:
            are = "is" if missing == 1 else "are"
            yield f"{format_count(missing, 'article')} of the last commit {are} missing in it."


def _make_catalog(cluster: Cluster, pointer: Pointer) -> tuple[str, Catalog]:
    """The first generation that is there, and a catalog of its articles; raises IndexDamaged."""
    for generation in _list_generations(pointer):
        with suppress(IndexMissing):
            return generation.index, make_catalog(_iter_stored(cluster, generation))
    raise IndexDamaged(
        f"neither the catalog nor the articles of {cluster.address} can be read, so its sources are unknown",
        f"delete {cluster.address.name}-meta, and index them again",
    )


def _list_generations(pointer: Pointer) -> list[Pointer]:
    """The pointer for the live generation, and one for the generation before it if there was one.

    Numbers that were aborted in the latter are not known any more.
    """
    return [pointer, *([replace(pointer, index=pointer.previous, aborted=())] if pointer.previous else [])]


def _rebuild(
    index: WritableCluster, cluster: Cluster, progress: Progress, *, allow_mass_delete: bool
) -> Iterator[str]:
    """Rebuild from the sources and the readable articles added through the API; yields what was done."""
    pointer = index.lease.pointer
    catalog = commits.read_catalog(cluster, pointer)
    roots, missing = available_sources(catalog, COMMAND, allow_missing=allow_mass_delete)
    digests = {article_id: digest for article_id, (digest, _) in catalog.api_articles.items()}
    current, older, lost = sort_by_version(digests, _iter_versions(cluster, pointer, [*digests]))
    kept = _iter_versions(cluster, pointer, [*current, *older])
    report = SyncReport()
    plan = BuildPlan(
        roots,
        catalog,
        (_choose(versions, digests[article_id]) for article_id, versions in kept),
        missing_sources=missing,
        allow_mass_delete=allow_mass_delete,
        override=f"run {COMMAND}",
    )
    index.build(plan, report, progress)
    yield from describe_rebuild(report, missing, current, older, lost)


def _iter_versions(
    cluster: Cluster, pointer: Pointer, article_ids: Sequence[str]
) -> Iterator[tuple[str, list[Article]]]:
    """Each of some articles added through the API, with its versions that can be read, the newest first."""
    for start in range(0, len(article_ids), _PAGE):
        page = [*article_ids[start : start + _PAGE]]
        found: dict[str, list[Article]] = {article_id: [] for article_id in page}
        for generation in _list_generations(pointer):
            with (
                suppress(IndexMissing),
                PointInTime(cluster, generation.index, generation.articles) as point,
            ):
                for article_id, (_, document) in find_articles(point, page).items():
                    with suppress(IndexDamaged, ValueError):
                        found[article_id].append(decode_article(read_article(document.source)[0]))
        yield from found.items()


def _choose(versions: Sequence[Article], digest: str) -> Article:
    """The version with this digest, or else the newest."""
    same = (article for article in versions if digest_items(encode_article(article)) == digest)
    return next(same, versions[0])


def _iter_stored(cluster: Cluster, pointer: Pointer) -> Iterator[tuple[Article | None, str, str | None]]:
    with PointInTime(cluster, pointer.index, pointer.articles) as point:
        for source in iter_articles(point):
            try:
                items, uri = read_article(source)
                yield decode_article(items), source[mapping.LANGUAGE], uri
            except (IndexDamaged, ValueError):
                yield None, "", source.get(mapping.SOURCE_URI)

"""Repair an index: switch to an intact generation, or rebuild; the only copy of anything is kept."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from urllib.parse import unquote_to_bytes, urlsplit

from msgspec.structs import replace

from indexer.article import Article, make_record_id, record_name
from indexer.config import Config
from indexer.engine import Snapshot, digest_items, encode_article
from indexer.errors import IndexDamaged, IndexMissing, IndexOutdated, format_count
from indexer.files.names import DAMAGED
from indexer.reports import Diagnosis, SyncReport
from indexer.store import generations
from indexer.store.build import BuildPlan, current_time
from indexer.store.diagnose import diagnose
from indexer.store.folder import WritableFolder, read_kept
from indexer.store.lock import lock_for_writing
from indexer.store.reader import (
    Today,
    load_newest_catalog,
    open_snapshot,
    stored_versions,
)
from indexer.store.source_paths import available_sources
from indexer.store.verify import has_intact_articles, is_intact
from indexer.sync import Catalog, Entry, FileState, Progress, Silence, Stamp, default_id
from indexer.sync import catalog as catalogs

# The stamp of a file of which nothing is known: no file has a negative size.
_UNREAD = Stamp(-1, 0, 0)
_NOT_REPAIRED = {"missing", "source", "disk", "libraries", "vectors"}
COMMAND = "`nutgraf doctor --fix --allow-mass-delete`"
"""What repairs an index although sources are missing or have shrunk."""


def repair(
    config: Config, today: Today, progress: Progress | None, *, allow_mass_delete: bool = False
) -> Diagnosis:
    """Repair what can be repaired; returns the remaining problems, and what was done.

    Meanwhile searches are answered from the newest intact generation. While a file cannot be read for now,
    nothing is changed. Raises IndexLocked; IndexDamaged if neither a catalog nor the articles can be read;
    and, unless `allow_mass_delete`, SourceMissing or SourceShrunk if the index has to be rebuilt from a
    source that is missing or shrunk. If it raises, nothing is changed.
    """
    diagnosis = diagnose(config, today)
    kinds = _kinds(diagnosis)
    if "system" in kinds or not kinds - _NOT_REPAIRED:
        return diagnosis
    done: list[str] = []
    # Held until the end, so that the last diagnosis does not report a writer that comes next.
    with lock_for_writing(config.index, config.lock_timeout):
        if "leftovers" in kinds:
            # Taking the lock has removed them.
            done.append("The leftovers of an interrupted write are removed.")
        if "locked" in kinds:
            # The writer that held the lock may have repaired the index, or left other damage.
            kinds = _kinds(diagnose(config, today, is_writer=True))
        if "system" not in kinds:
            if "damaged" in kinds:
                done += activate_newest_intact(config, today)
                done += _restore_catalog(config, today)
            if kinds & {"damaged", "outdated", "options"} and not _is_up_to_date(config, today):
                done += _rebuild(
                    config,
                    today,
                    progress or Silence(),
                    is_damaged="damaged" in kinds,
                    allow_mass_delete=allow_mass_delete,
                )
        return replace(diagnose(config, today, is_writer=True), done=tuple(done))


def activate_newest_intact(config: Config, today: Today) -> Iterator[str]:
    """If the pointer is damaged, switch to the newest intact generation; yields what was done.

    If no generation is intact, switch to the newest one, which can be rebuilt then.
    """
    root = config.index
    with suppress(IndexDamaged, IndexMissing):
        generations.live_folder(root)
        return
    names = generations.finished_generations(root)
    if not names:
        raise IndexDamaged(
            f"{root} has no generation left",
            "restore a backup of it, or move it away and index the sources again",
        )
    intact = [name for name in names if is_intact(root / name, config, today)]
    chosen = (intact or names)[-1]
    generations.switch_to(root, chosen)
    yield f"{chosen} is live again."


def _restore_catalog(config: Config, today: Today) -> Iterator[str]:
    """If only the catalog of the live generation is damaged, restore it; yields what was done."""
    folder = generations.live_folder(config.index)
    if is_intact(folder, config, today) or not has_intact_articles(folder):
        return
    snapshot = open_snapshot(folder)
    restored = make_catalog(_iter_stored(snapshot))
    previous = generations.previous_folder(config.index, folder)
    if previous and (older := _load_catalog(previous)):
        restored.aliases = older.aliases
    catalogs.save(folder, snapshot.commit, restored)
    yield (
        f"The catalog of {folder.name} is restored from its {format_count(snapshot.articles, 'article')}, "
        f"{len(restored.api_articles):,} of them added through the API; the next `nutgraf index` reads "
        "all files again."
    )


def make_catalog(stored: Iterable[tuple[Article | None, str, str | None]]) -> Catalog:
    """Return a catalog of some articles, with stamps that no file has.

    Each is given with the language that it was analyzed in, and the URI of the folder or file that it was
    read from; those that cannot be read as None. They are not in the catalog, and neither are failures,
    aliases and sources without articles.
    """
    catalog = Catalog(committed=current_time())
    for article, language, uri in stored:
        source = os.fsdecode(unquote_to_bytes(urlsplit(uri).path)) if uri else ""
        files = catalog.sources.setdefault(source, {}) if uri else {}
        if article is None:
            continue
        items = encode_article(article)
        if not uri:
            catalog.api_articles[article.id] = (digest_items(items), language)
            continue
        path = article.source or ""
        entry = files.setdefault(path, Entry(_UNREAD))
        entry.state = FileState.CHANGED
        entry.articles[article.id] = (digest_items([*items, uri.encode()]), language)
        file_id = article.id.removesuffix(make_record_id("", record_name(article.id)))
        if file_id != article.id and file_id.startswith(default_id(Path(source), path)):
            entry.article_id = file_id
    return catalog


def _iter_stored(snapshot: Snapshot) -> Iterator[tuple[Article | None, str, str | None]]:
    """The articles of a snapshot, as `make_catalog` takes them; raises IndexDamaged."""
    for number, uri in enumerate(snapshot.source_uris()):
        try:
            article, language = snapshot.article(number), snapshot.language(number)
        except IndexDamaged:
            article, language = None, ""
        yield article, language, uri


def _kinds(diagnosis: Diagnosis) -> set[str]:
    return {finding.kind for finding in diagnosis.findings}


def _is_up_to_date(config: Config, today: Today) -> bool:
    live = generations.live_folder(config.index)
    if not is_intact(live, config, today):
        return False
    return generations.read_settings(live).fingerprint == config.fingerprint()


def _rebuild(
    config: Config, today: Today, progress: Progress, *, is_damaged: bool, allow_mass_delete: bool
) -> Iterator[str]:
    """Rebuild from the sources and the readable articles added through the API; yields what was done."""
    root = config.index
    live = generations.live_folder(root)
    previous = generations.previous_folder(root, live)
    folders = [folder for folder in (live, previous) if folder]
    snapshots = {folder: opened for folder in folders if (opened := _open_snapshot(folder))}
    catalog = _newest_catalog(root, folders, snapshots)
    roots, missing = available_sources(catalog, COMMAND, allow_missing=allow_mass_delete)
    digests = {article_id: digest for article_id, (digest, _) in catalog.api_articles.items()}
    has_catalog = _load_catalog(live) is not None
    if not has_catalog and live in snapshots:
        # The catalog of the previous generation lacks the articles that were added since.
        digests |= dict.fromkeys(_api_article_ids(snapshots[live]), "")
    readable = tuple(snapshots.values())
    versions = ((article_id, stored_versions(readable, article_id)) for article_id in digests)
    current, older, lost = sort_by_version(digests, versions)
    # The damaged generation may have the only copy of something that the new one lacks.
    keeps_damaged = bool(lost or older or (missing and is_damaged)) or not (has_catalog or live in snapshots)
    keep: tuple[Path, ...] = (previous,) if previous and is_intact(previous, config, today) else ()
    if keep and keeps_damaged:
        keep = (*keep, live)
    report = SyncReport()
    kept = (*current, *older)
    plan = BuildPlan(
        roots,
        catalog,
        read_kept(kept, readable),
        missing_sources=missing,
        allow_mass_delete=allow_mass_delete,
        override=f"run {COMMAND}",
    )
    WritableFolder(config, today).build(plan, report, progress, keep=keep)
    yield from describe_rebuild(report, missing, current, older, lost)
    if keeps_damaged:
        aside = live.with_name(live.name + DAMAGED)
        live.rename(aside)
        yield f"The damaged generation is kept in {aside}."


def describe_rebuild(
    report: SyncReport,
    missing: Sequence[str],
    current: Sequence[str],
    older: Sequence[str],
    lost: Sequence[str],
) -> Iterator[str]:
    """Yield what a rebuild has done: `missing` are sources, the others ids, as `sort_by_version` returns."""
    files, articles = format_count(report.files, "file"), format_count(len(current) + len(older), "article")
    yield f"The index is rebuilt from {files}, and {articles} added through the API kept."
    for source in missing:
        yield f"The source {source} is missing; its articles are removed."
    if older:
        yield (
            "These articles added through the API are restored from the previous generation: "
            f"{', '.join(older)}."
        )
    if lost:
        yield f"These articles added through the API cannot be read: {', '.join(lost)}."


def sort_by_version(
    digests: Mapping[str, str], stored: Iterable[tuple[str, Iterable[Article]]]
) -> tuple[list[str], list[str], list[str]]:
    """Return the ids of articles that have the digest, an older version of them, or no version.

    `stored` has the versions of each that can be read. An empty digest stands for any version.
    """
    current: list[str] = []
    older: list[str] = []
    lost: list[str] = []
    for article_id, found in stored:
        digest = digests[article_id]
        versions = [digest_items(encode_article(article)) for article in found]
        if not versions:
            lost.append(article_id)
        elif digest in versions or not digest:
            current.append(article_id)
        else:
            older.append(article_id)
    return current, older, lost


def _newest_catalog(root: Path, folders: list[Path], snapshots: Mapping[Path, Snapshot]) -> Catalog:
    """The catalog of the first generation that has one, or that it can be restored for."""
    for folder in folders:
        if (catalog := _load_catalog(folder)) is not None:
            return catalog
    for snapshot in snapshots.values():
        with suppress(IndexDamaged):
            return make_catalog(_iter_stored(snapshot))
    raise IndexDamaged(
        f"no catalog can be read in {' and '.join(map(str, folders))}, so the sources of the index are "
        f"unknown",
        f"move {root} away and index them again",
    )


def _load_catalog(folder: Path) -> Catalog | None:
    try:
        return load_newest_catalog(folder)
    except IndexDamaged:
        return None


def _open_snapshot(folder: Path) -> Snapshot | None:
    try:
        return Snapshot(folder)
    except (IndexDamaged, IndexMissing, IndexOutdated):
        return None


def _api_article_ids(snapshot: Snapshot) -> Iterator[str]:
    """The ids of the articles added through the API."""
    with suppress(IndexDamaged):
        uris = snapshot.source_uris()
        yield from (snapshot.id_of(number) for number, uri in enumerate(uris) if not uri)

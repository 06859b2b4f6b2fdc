"""Mend an index: go over to what is whole, make anew what is not, and destroy the only copy of nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from indexer.config import Config
from indexer.engine import Snapshot, digest_items, encode_article, latest_commit
from indexer.errors import IndexDamaged, IndexMissing, IndexOutdated
from indexer.results import Diagnosis
from indexer.store import generations
from indexer.store.build import Carried, build, still_there
from indexer.store.diagnose import Today, diagnose, is_whole
from indexer.sync import Catalog, Progress, Silence, SyncReport
from indexer.sync import catalog as catalogs

_NOT_MENDED = {"missing", "source", "disk", "libraries"}
_WAY = "`nutgraf doctor --fix --allow-mass-delete` (allow_mass_delete=True)"


def repair(
    config: Config, today: Today, progress: Progress | None, *, allow_mass_delete: bool = False
) -> Diagnosis:
    """Mend what can be mended; returns what is wrong then, and what was done.

    Readers go on meanwhile with the newest generation that is whole. While a file cannot be read for now,
    everything is left as it is. Raises IndexLocked, IndexDamaged when no generation says which sources it has
    and, unless `allow_mass_delete`, SourceMissing and SourceShrunk when a source is gone that the index has
    to be made anew from; then nothing is changed.
    """
    kinds = _kinds(found := diagnose(config, today))
    if "system" in kinds or not kinds - _NOT_MENDED:
        return found
    done: list[str] = []
    # Until all is said: another writer, who comes next, is nothing that is wrong.
    with generations.lock_for_writing(config.index, config.lock_timeout):
        # Whoever writes first clears away what is left over.
        if "leftovers" in kinds:
            done.append("What was left over is cleared away.")
        if "locked" in kinds:
            # Who wrote until now may have mended it, or left something to mend.
            kinds = _kinds(diagnose(config, today, is_writer=True))
        if "system" not in kinds:
            if "damaged" in kinds:
                done += _point_to_what_is_whole(config, today)
            if kinds & {"damaged", "outdated", "options"} and not _is_in_order(config, today):
                done += _make_anew(
                    config,
                    today,
                    progress or Silence(),
                    is_damaged="damaged" in kinds,
                    allow_mass_delete=allow_mass_delete,
                )
        return replace(diagnose(config, today, is_writer=True), done=tuple(done))


def _kinds(found: Diagnosis) -> set[str]:
    return {finding.kind for finding in found.findings}


def _is_in_order(config: Config, today: Today) -> bool:
    live = generations.live_folder(config.index)
    if not is_whole(live, config, today):
        return False
    return generations.read_settings(live).fingerprint == config.fingerprint()


def _point_to_what_is_whole(config: Config, today: Today) -> Iterator[str]:
    """Where the pointer makes no sense, have it name the newest generation that is whole, if any."""
    root = config.index
    with suppress(IndexDamaged, IndexMissing):
        generations.live_folder(root)
        return
    names = generations.finished_generations(root)
    whole = [name for name in names if is_whole(root / name, config, today)]
    if not names:
        raise IndexDamaged(
            f"{root} has no generation any more: bring back a backup of it, or move it away and index the "
            "sources again"
        )
    chosen = (whole or names)[-1]
    generations.point(root, chosen)
    yield f"{chosen} is live again."


def _make_anew(
    config: Config, today: Today, progress: Progress, *, is_damaged: bool, allow_mass_delete: bool
) -> Iterator[str]:
    root = config.index
    live = generations.live_folder(root)
    before = generations.previous_folder(root, live)
    folders = [folder for folder in (live, before) if folder]
    known = _known(root, folders)
    roots, gone = still_there(known, _WAY, allow_mass_delete=allow_mass_delete)
    snapshots = {folder: found for folder in folders if (found := _opened(folder))}
    wanted = {name: mark for name, (mark, _) in known.api_articles.items()}
    is_all_known = _catalog(live) is not None
    if not is_all_known and live in snapshots:
        # What its catalog would have said.
        wanted |= dict.fromkeys(_put_in(snapshots[live]), "")
    kept: list[str] = []
    older: list[str] = []
    lost: list[str] = []
    for name, mark in wanted.items():
        marks = list(_marks(snapshots.values(), name))
        (kept if mark in marks or (marks and not mark) else older if marks else lost).append(name)
    # What only the damaged one may still have is not thrown away.
    is_aside = bool(lost or older or (gone and is_damaged)) or not (is_all_known or live in snapshots)
    keep: tuple[Path, ...] = (before,) if before and is_whole(before, config, today) else ()
    if keep and is_aside:
        keep = (*keep, live)
    report = SyncReport()
    carried = Carried(known, tuple(snapshots.values()), (*kept, *older), keep, gone=gone, way=f"run {_WAY}")
    build(config, today, roots, carried, report, progress, allow_mass_delete=allow_mass_delete)
    yield f"The index is made anew, of {report.files:,} files and {len(kept) + len(older):,} articles put in."
    for source in gone:
        yield f"It does without {source}, which is gone."
    if older:
        yield f"Of articles put in, these are as in the generation before: {', '.join(older)}."
    if lost:
        yield f"These articles put in cannot be read: {', '.join(lost)}."
    if is_aside:
        aside = live.with_name(f"{live.name}.damaged")
        live.rename(aside)
        yield f"What is left of the damaged generation is in {aside}."


def _known(root: Path, folders: list[Path]) -> Catalog:
    """The newest catalog that can be read; raises IndexDamaged where none can."""
    for folder in folders:
        if (catalog := _catalog(folder)) is not None:
            return catalog
    raise IndexDamaged(
        f"no catalog can be read in {' and '.join(map(str, folders))}, so it is not known which sources the "
        f"index has: move {root} away and index them again"
    )


def _catalog(folder: Path) -> Catalog | None:
    number = latest_commit(folder)
    try:
        return catalogs.load(folder, catalogs.newest(folder) if number is None else number)
    except IndexDamaged:
        return None


def _opened(folder: Path) -> Snapshot | None:
    try:
        return Snapshot(folder)
    except (IndexDamaged, IndexMissing, IndexOutdated):
        return None


def _put_in(snapshot: Snapshot) -> Iterator[str]:
    """The ids of the articles that no source brings: they have no path there."""
    with suppress(IndexDamaged):
        _, paths = snapshot.labels("path")
        yield from (snapshot.info(number).id for number in range(snapshot.articles) if paths[number] < 0)


def _marks(snapshots: Iterable[Snapshot], name: str) -> Iterator[str]:
    """The digest of each version of an article that can be read."""
    for snapshot in snapshots:
        with suppress(IndexDamaged):
            number = snapshot.find(name)
            if number is not None:
                yield digest_items(encode_article(snapshot.article(number)))

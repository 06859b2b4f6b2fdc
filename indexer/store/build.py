"""A whole generation from its sources: built beside the live one, checked, and only then switched to."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from itertools import chain
from pathlib import Path

from indexer.article import Article
from indexer.config import Config
from indexer.engine import Batch, Snapshot, digest_items, encode_article
from indexer.errors import IndexDamaged, SourceMissing
from indexer.readers import ReadOptions
from indexer.search.search import finds_itself
from indexer.store import generations
from indexer.store.progress import RecordedProgress
from indexer.store.reader import open_folder, open_snapshot
from indexer.sync import (
    Catalog,
    Listing,
    Progress,
    Silence,
    SyncReport,
    check_source,
    list_contents,
    list_source,
    never,
    refuse_shrunk,
)
from indexer.sync import catalog as catalogs
from indexer.sync.apply import Sink, sync_sources

CANARIES = 5
"""How many articles a new generation has to find by their own words before it goes live."""


@dataclass(frozen=True, slots=True)
class Carried:
    """What a generation takes over: articles that no source brings, by id, from the first that can give them.

    `known` is what the one before knew of the sources. `given` are articles that an app puts in now. `keep`
    are the generations to keep beside the new one, when that is not the live one. `gone` are the sources to
    do without, `way` how one says that a source is meant to have shrunk, when it is not as in a sync.
    """

    known: Catalog = field(default_factory=Catalog)
    olds: tuple[Snapshot, ...] = ()
    ids: tuple[str, ...] = ()
    keep: tuple[Path, ...] = ()
    given: tuple[Article, ...] = ()
    gone: tuple[str, ...] = ()
    way: str | None = None


def build(
    config: Config,
    today: Callable[[], date],
    roots: list[Path],
    carried: Carried,
    report: SyncReport,
    progress: Progress,
    *,
    stop: Callable[[], bool] = never,
    allow_mass_delete: bool = False,
) -> None:
    """Make, check and publish a generation; the caller holds the lock.

    Whatever goes wrong, the live generation stays. Raises SourceMissing, SourceShrunk or IndexDamaged.
    """
    apart_from_others(roots, Catalog())
    with RecordedProgress(config.index, progress, report) as recorded:
        _build(config, today, roots, carried, report, recorded, stop, allow_mass_delete)


def _build(
    config: Config,
    today: Callable[[], date],
    roots: list[Path],
    carried: Carried,
    report: SyncReport,
    progress: Progress,
    stop: Callable[[], bool],
    allow_mass_delete: bool,
) -> None:
    listings = {root: list_source(root) for root in roots}
    folder = generations.begin_generation(config.index, config.language, config.fingerprint())
    catalog = Catalog(committed=now())
    with Batch(
        Snapshot(folder),
        config.language,
        lambda commit: catalogs.save(folder, commit, catalog),
        config.max_memory_mb * 2**20,
    ) as batch:
        for article in chain((_taken_over(carried, name) for name in carried.ids), carried.given):
            items = encode_article(article)
            catalog.api_articles[article.id] = (digest_items(items), batch.add(article, items))
        for article in carried.given:
            report.record("add", article.id, "", "it was put in")
        run_sync(config, today, listings, catalog, batch, report, progress, stop=stop)
        if not allow_mass_delete:
            refuse_shrunk(list_contents(carried.known, carried.known.sources), catalog, listings, carried.way)
        _do_without(carried, catalog, report)
    if generations.last_commit(folder) == 0:
        # There was nothing to index, but the sources are to be remembered.
        catalogs.save(folder, 0, catalog)
    _check(folder, config, today, catalog)
    generations.publish_generation(config.index, folder, carried.keep)


def inherited(root: Path) -> tuple[Catalog, Snapshot | None]:
    """What a rebuild takes over from the live generation: its catalog, and articles that apps put in, if any.

    Raises IndexDamaged when the sources would not bring everything back.
    """
    folder = generations.live_folder(root)
    try:
        commit = generations.last_commit(folder)
    except IndexDamaged:
        commit = catalogs.newest(folder)
    known = catalogs.load(folder, commit)
    if not known.api_articles:
        return known, None
    try:
        return known, open_snapshot(folder)
    except IndexDamaged as error:
        raise IndexDamaged(
            f"{folder} cannot be opened, and has {len(known.api_articles)} articles that were put in: run "
            "`nutgraf doctor --fix`, which takes them from the generation before it, and keeps the rest"
        ) from error


def run_sync(
    config: Config,
    today: Callable[[], date],
    listings: Mapping[Path, Listing],
    catalog: Catalog,
    sink: Sink,
    report: SyncReport,
    progress: Progress,
    *,
    stop: Callable[[], bool] = never,
    allow_mass_delete: bool = False,
) -> None:
    """Carry out a sync as configured; see `sync_sources`."""
    options = ReadOptions(
        day_first=config.day_first,
        timezone=config.timezone,
        today=today(),
        max_bytes=config.max_file_mb * 2**20,
    )
    sync_sources(
        listings,
        catalog,
        sink,
        options,
        config.language,
        report,
        progress,
        config.jobs,
        stop=stop,
        allow_mass_delete=allow_mass_delete,
    )


def apart_from_others(roots: list[Path], catalog: Catalog) -> None:
    """Raise SourceMissing when a root lies in another, or in a source of the catalog, or around one."""
    every = {*roots, *map(Path, catalog.sources)}
    for root in roots:
        for other in every - {root}:
            if root.is_relative_to(other) or other.is_relative_to(root):
                outer, inner = sorted((root, other), key=lambda path: len(path.parts))
                raise SourceMissing(
                    f"{inner}: sources that do not overlap are wanted, it lies in {outer}, which is one too: "
                    "name only one; `nutgraf forget` takes out one that the index has"
                )


def now() -> str:
    """The time of a commit: ISO 8601 in UTC."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def _do_without(carried: Carried, catalog: Catalog, report: SyncReport) -> None:
    """Report the sources that are gone, and what of their articles no other source brings."""
    owners = catalog.owners() if carried.gone else {}
    for source in carried.gone:
        report.without.append(source)
        for path, entry in carried.known.sources[source].items():
            for name in entry.articles:
                if name not in owners:
                    report.record("remove", name, path, "its source is gone")


def _taken_over(carried: Carried, name: str) -> Article:
    for old in carried.olds:
        with suppress(IndexDamaged):
            number = old.find(name)
            if number is not None:
                return old.article(number)
    raise IndexDamaged(
        f"the index has lost the article {name!r}, which was put in: it stays live; run "
        "`nutgraf doctor --fix`, which keeps what there is"
    )


def _check(folder: Path, config: Config, today: Callable[[], date], catalog: Catalog) -> None:
    """Open what was built, count it, and let it find some of its articles by their own words."""
    reading = open_folder(folder, config, today)
    wanted = len(catalog.owners())
    snapshot = reading.snapshot
    if snapshot.articles != wanted:
        raise IndexDamaged(
            f"the new index should have {wanted} articles, it has {snapshot.articles}: the old one stays"
        )
    for place in range(min(CANARIES, wanted)):
        number = place * wanted // min(CANARIES, wanted)
        if not finds_itself(snapshot, reading.how, number):
            raise IndexDamaged(
                f"the new index does not find {snapshot.info(number).id!r} by its own words: "
                "the old one stays"
            )


Source = str | os.PathLike[str]
Today = Callable[[], date]
REBUILD = "`nutgraf rebuild --allow-mass-delete` (allow_mass_delete=True)"


def rebuild(
    config: Config,
    today: Today,
    sources: Iterable[Source],
    *,
    allow_mass_delete: bool,
    progress: Progress | None,
) -> SyncReport:
    """See `Index.rebuild`."""
    began = time.perf_counter()
    report = SyncReport()
    with generations.lock_for_writing(config.index, config.lock_timeout):
        exists = generations.exists(config.index)
        known, old = inherited(config.index) if exists else (Catalog(), None)
        roots, gone = still_there(known, REBUILD, allow_mass_delete=allow_mass_delete, can_forget=True)
        more = list(sources)
        if more or not exists:
            roots = sorted({*roots, *chosen_roots(config, more)})
        carried = Carried(known, (old,) if old else (), tuple(known.api_articles), gone=gone)
        watch = progress or Silence()
        build(config, today, roots, carried, report, watch, allow_mass_delete=allow_mass_delete)
    report.seconds = time.perf_counter() - began
    return report


def rebuild_without(config: Config, today: Today, source: Source) -> SyncReport:
    """Make the index anew without a source, as `forget` does where nothing in the index can be changed.

    The caller holds the lock. Raises as `build` does, SourceMissing also where it is no source of the index.
    """
    report = SyncReport()
    known, old = inherited(config.index)
    name = source_named(source, known)
    forgotten = known.sources.pop(name)
    roots, _ = still_there(known, REBUILD)
    made = SyncReport()
    carried = Carried(known, (old,) if old else (), tuple(known.api_articles), way=f"say {REBUILD}")
    build(config, today, roots, carried, made, Silence())
    report.failed = made.failed
    for path, entry in forgotten.items():
        for article in entry.articles:
            report.record("remove", article, path, "its source is forgotten")
    return report


def still_there(
    known: Catalog, way: str, *, allow_mass_delete: bool = False, can_forget: bool = False
) -> tuple[list[Path], tuple[str, ...]]:
    """The sources of an index that can be opened, and those that cannot.

    Raises SourceMissing where there are such, unless that is allowed; the message says that `way` does
    without them, and `forget`, where it can.
    """
    there: list[Path] = []
    gone: dict[str, SourceMissing] = {}
    for source in sorted(known.sources):
        try:
            check_source(Path(source))
            there.append(Path(source))
        except SourceMissing as error:
            gone[source] = error
    if gone and not allow_mass_delete:
        first, *others = gone
        more = f" (also missing: {', '.join(others)})" if others else ""
        forget = f"`nutgraf forget {first}` or " if can_forget and not others else ""
        raise SourceMissing(
            f"{gone[first]}{more}: mount it or bring it back; or do without its articles, with {forget}{way}"
        ) from gone[first]
    return there, tuple(gone)


def source_named(source: Source, catalog: Catalog) -> str:
    """The name that the index has for one of its sources; raises SourceMissing when it is none."""
    names = (str(source), str(Path(source).resolve()))
    known = next((name for name in names if name in catalog.sources), None)
    if known is None:
        raise SourceMissing(
            f"{source}: a source of the index is wanted, it is none; there are: "
            f"{', '.join(sorted(catalog.sources)) or 'none'}"
        )
    return known


def chosen_roots(config: Config, sources: Iterable[Source]) -> list[Path]:
    """The folders and files that are named, else those that are configured; raises SourceMissing."""
    chosen = [_path(source) for source in sources] or list(config.sources)
    if not chosen:
        raise SourceMissing("a source is wanted, none was given: name a folder of articles")
    # Resolved, so that the same folder is the same source from wherever it is named.
    return sorted({source.resolve() for source in chosen})


def _path(source: Source) -> Path:
    if not isinstance(source, (str, os.PathLike)):
        raise SourceMissing(
            f"a path is wanted, {type(source).__name__} was found: give each source as an argument of its own"
        )
    return Path(source)

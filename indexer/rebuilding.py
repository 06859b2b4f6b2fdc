"""The whole index anew from its sources, without those that are gone where that is meant."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from datetime import date
from pathlib import Path

from indexer import generations
from indexer.build import Carried, build, inherited
from indexer.config import Config
from indexer.errors import SourceMissing
from indexer.sync import Catalog, Progress, Silence, SyncReport, look_at

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
    with generations.writing(config.index, config.lock_timeout):
        exists = generations.exists(config.index)
        known, old = inherited(config.index) if exists else (Catalog(), None)
        roots, gone = still_there(known, REBUILD, allow_mass_delete=allow_mass_delete, can_forget=True)
        more = list(sources)
        if more or not exists:
            roots = sorted({*roots, *chosen_roots(config, more)})
        carried = Carried(known, (old,) if old else (), tuple(known.apart), gone=gone)
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
    carried = Carried(known, (old,) if old else (), tuple(known.apart), way=f"say {REBUILD}")
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
            look_at(Path(source))
            there.append(Path(source))
        except SourceMissing as error:
            gone[source] = error
    if gone and not allow_mass_delete:
        first, *others = gone
        more = f", nor can {', '.join(others)}" if others else ""
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

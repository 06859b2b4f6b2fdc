"""A commit opened for reading: its articles, what it knows of its sources, and how to search it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path

from indexer.config import Config
from indexer.engine import NO_DATE, Snapshot, latest_commit
from indexer.errors import IndexDamaged, IndexMissing, IndexOutdated
from indexer.files.storage import folder_size
from indexer.results import Status
from indexer.search.request import SearchSettings
from indexer.store import generations
from indexer.sync.catalog import Summary, load_summary
from indexer.text.synonyms import read_synonyms

Place = tuple[Path, int]
"""The folder of a generation, and the number of a commit in it."""
_RETRIES = 20
_SPOKEN = 1 / 20  # of the articles: a handful of wrong guesses must not decide what is a common word


@dataclass(frozen=True, slots=True)
class OpenIndex:
    """One commit; nothing in it changes."""

    snapshot: Snapshot
    summary: Summary
    how: SearchSettings
    settings: generations.Settings
    place: Place = (Path(), -1)
    """The live generation and its last commit, which is another than what is read when that is damaged."""
    damage: str | None = None
    """What is wrong with the live generation, when this is the one before it."""


def open_live(
    root: Path, config: Config, today: Callable[[], date], before: OpenIndex | None = None
) -> OpenIndex:
    """The last commit of the live generation, or of the one before it where the live one is damaged.

    Raises IndexOutdated, IndexMissing, IndexDamaged or, where the system refuses to read it for now, in which
    case no other one answers, StorageFailed. What has not changed since the reading `before` is
    taken over from it.
    """
    while True:
        folder = generations.live_folder(root)
        place = (folder, latest_commit(folder) or 0)
        if before and before.place == place:
            return before
        try:
            reading = open_folder(folder, config, today, before)
            break
        except IndexDamaged as damage:
            # Unless rebuilds that came in between have taken it away.
            if generations.live_folder(root) == folder:
                return open_before(root, place, config, today, damage)
    return replace(reading, place=(folder, reading.snapshot.commit))


def open_before(
    root: Path, place: Place, config: Config, today: Callable[[], date], damage: IndexDamaged
) -> OpenIndex:
    """The generation before a damaged one, with a remark for every page; raises the damage without one."""
    older = generations.previous_folder(root, place[0])
    if older is None:
        raise damage
    try:
        reading = open_folder(older, config, today)
    except (IndexDamaged, IndexMissing, IndexOutdated):
        raise damage from None
    remark = (
        f"These are the articles as of {reading.summary.committed}: what was indexed since is damaged. "
        "Whoever keeps this archive mends it with `nutgraf doctor --fix`."
    )
    how = replace(reading.how, remarks=(remark,))
    return replace(reading, how=how, place=place, damage=str(damage))


def open_folder(
    folder: Path, config: Config, today: Callable[[], date], before: OpenIndex | None = None
) -> OpenIndex:
    """The last commit of a generation; raises IndexOutdated, IndexMissing or IndexDamaged.

    What has not changed since the reading `before` is taken over from it.
    """
    settings = check_format(folder)
    snapshot, summary = _last_commit(folder, before.snapshot if before else None)
    how = SearchSettings(
        languages=tuple(summary.languages) or (settings.language,),
        spoken=[name for name, count in summary.languages.items() if count >= snapshot.articles * _SPOKEN],
        language=settings.language,
        passages=config.passages,
        day_first=config.day_first,
        synonyms=read_synonyms(config.synonyms) if config.synonyms else None,
        today=today,
        characters=config.query_characters,
        seconds=config.query_seconds,
    )
    return OpenIndex(snapshot, summary, how, settings)


def check_format(folder: Path) -> generations.Settings:
    """What a generation was made with; raises IndexOutdated when this program cannot read it."""
    settings = generations.read_settings(folder)
    if settings.format != generations.FORMAT:
        raise IndexOutdated(
            f"the index in {folder} has format {settings.format}, this program reads format "
            f"{generations.FORMAT}: run `nutgraf doctor --fix`"
        )
    return settings


def open_snapshot(folder: Path, before: Snapshot | None = None) -> Snapshot:
    """The articles of a generation's last commit; raises IndexDamaged."""
    while True:
        commit = generations.last_commit(folder)
        try:
            return Snapshot(folder, before)
        except IndexMissing as error:
            # Unless a commit that was made in between has taken the files away.
            if generations.last_commit(folder) == commit:
                raise IndexDamaged(
                    f"{folder} lacks files that its last commit names: run `nutgraf doctor --fix`"
                ) from error


def status_of(reading: OpenIndex) -> Status:
    """What an index holds, as `Index.status` says it."""
    snapshot, summary = reading.snapshot, _summary_now(reading)
    dated = snapshot.begins[snapshot.begins != NO_DATE]
    edges = [_day(int(edge)) for edge in (dated.min(), dated.max())] if len(dated) else [None, None]
    return Status(
        path=str(snapshot.folder),
        generation=snapshot.folder.name,
        articles=snapshot.articles,
        paragraphs=snapshot.paragraphs,
        undated=snapshot.articles - len(dated),
        first=edges[0],
        last=edges[1],
        size=folder_size(snapshot.folder),
        committed=summary.committed,
        languages=summary.languages,
        sources=summary.sources,
        failures=summary.failures,
        damage=reading.damage,
        libraries=reading.settings.libraries,
        library_changes=reading.settings.library_changes(),
    )


def _summary_now(reading: OpenIndex) -> Summary:
    """What is known of the sources by now: a sync that finds no article changed makes no commit."""
    folder, commit = reading.snapshot.folder, reading.snapshot.commit
    try:
        return load_summary(folder, commit)
    except IndexDamaged:
        if generations.last_commit(folder) == commit:
            raise
        return reading.summary


def _last_commit(folder: Path, before: Snapshot | None) -> tuple[Snapshot, Summary]:
    for attempt in range(_RETRIES):
        snapshot = open_snapshot(folder, before)
        try:
            return snapshot, load_summary(folder, snapshot.commit)
        except IndexDamaged:
            # A commit that was made in between has taken this one's catalog away.
            if attempt == _RETRIES - 1 or generations.last_commit(folder) == snapshot.commit:
                raise
    raise AssertionError("unreachable")


def _day(moment: int) -> str:
    return (datetime(1970, 1, 1) + timedelta(seconds=moment)).date().isoformat()

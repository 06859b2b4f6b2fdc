"""Diagnose an index: find its problems, from the pointer down to the last byte, and how to repair them."""

from __future__ import annotations

import math
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from indexer.address import is_service
from indexer.config import Config
from indexer.errors import (
    ConfigError,
    IndexBuilding,
    IndexDamaged,
    IndexMissing,
    IndexOutdated,
    ModelFailed,
    NutgrafError,
    StorageFailed,
    format_count,
)
from indexer.files.names import HOLDER, PROGRESS, find_foreign_names, is_temporary, is_unfinished
from indexer.files.regular import open_regular, translate_read_errors
from indexer.files.storage import folder_size
from indexer.readers import describe_kinds, list_kinds
from indexer.reports import Diagnosis, Finding, add_counts
from indexer.store import generations
from indexer.store.lock import recorded_holder, try_lock
from indexer.store.reader import Today, check_format, open_live, open_snapshot
from indexer.store.verify import check_generation, has_intact_articles, is_intact
from indexer.sync import catalog as catalogs

FIX = "`nutgraf doctor --fix`"
"""How to repair what is found."""
# The space that a new generation needs: at least so many bytes, and so many times the size of this one.
_MIN_SPACE, _SPACE_FACTOR = 16 * 2**20, 2
_TRIAL = "test"
"""The query that a model is tried with, which a service gets to see."""
_SERVICE_SECONDS = 10.0
"""How long a service may take to answer that makes vectors."""


def diagnose(config: Config, today: Today, *, is_writer: bool = False) -> Diagnosis:
    """Read every byte of the index and check everything around it; nothing is changed.

    With `is_writer` the caller holds the lock, and writers are not diagnosed.
    """
    root = config.index
    findings: list[Finding] = []
    kinds_not_read: dict[str, int] = {}
    live = answering = None
    try:
        try:
            live = generations.live_folder(root)
        except (IndexMissing, IndexDamaged) as error:
            findings += _diagnose_pointer(error)
        previous = generations.previous_folder(root, live) if live else None
        intact = next((path for path in (live, previous) if path and is_intact(path, config, today)), None)
        answering = intact
        is_restorable = False
        if live and intact != live:
            is_restorable = has_intact_articles(live)
            searched = _find_searched(config, today)
            if searched and (intact is None or (searched == live and is_restorable)):
                answering = searched
        if live:
            findings += _diagnose_generation(
                live, intact, answering, config, today, is_restorable=is_restorable
            )
        if not (is_writer or find_foreign_names(root)):
            findings += _diagnose_writers(root, live)
        if answering:
            hints = catalogs.load_hints(answering, generations.last_commit(answering))
            findings += diagnose_sources(hints)
            for known in hints.values():
                add_counts(kinds_not_read, known.kinds_not_read)
                add_counts(kinds_not_read, known.not_read)
            findings += _diagnose_vectors(answering, config)
        findings += _diagnose_disk(root, answering)
    except StorageFailed as error:
        # What cannot be read now may be intact: nothing more is said about it.
        findings.append(
            Finding(
                "system",
                f"The system refuses to read the index for now: {error}.",
                f"Until it can be read again, {FIX} changes nothing.",
            )
        )
    return Diagnosis(
        str(root), answering.name if answering else None, tuple(findings), kinds_not_read=kinds_not_read
    )


def _diagnose_pointer(error: NutgrafError) -> Iterator[Finding]:
    problem = error.problem
    if isinstance(error, IndexBuilding):
        yield Finding("building", f"There is no index yet: {problem}.", "Wait until it is done.")
    elif isinstance(error, IndexMissing):
        yield Finding("missing", f"There is {problem}.", "`nutgraf index FOLDER` makes one.")
    else:
        yield Finding(
            "damaged",
            f"The index is damaged: {problem}.",
            f"{FIX} switches to the newest intact generation.",
        )


def _find_searched(config: Config, today: Today) -> Path | None:
    """The generation that searches are answered from, although it is damaged; None if they cannot be."""
    try:
        return open_live(config.index, config, today).snapshot.folder
    except (IndexDamaged, IndexMissing, IndexOutdated):
        return None


def _diagnose_generation(
    live: Path,
    intact: Path | None,
    answering: Path | None,
    config: Config,
    today: Today,
    *,
    is_restorable: bool,
) -> Iterator[Finding]:
    """Report what is wrong with a generation; `intact` and `answering` may be others, which are searched.

    It `is_restorable` if at most its catalog is damaged.
    """
    try:
        settings = check_format(live)
        if intact != live:
            check_generation(live, config, today)
        yield from diagnose_settings(settings, config)
    except IndexOutdated as error:
        yield Finding("outdated", f"The index is outdated: {error.problem}.", f"{FIX} rebuilds it.")
    except (IndexDamaged, IndexMissing) as error:
        if answering is None:
            meanwhile = "nothing can be searched meanwhile"
        elif answering != live:
            meanwhile = f"the previous generation, {answering.name}, answers meanwhile"
        elif is_restorable:
            meanwhile = "its articles are intact, and can be searched meanwhile"
        else:
            meanwhile = "searches are answered meanwhile unless they meet the damage"
        yield Finding(
            "damaged",
            f"The index is damaged: {error.problem}; {meanwhile}.",
            f"{FIX} restores its catalog from its articles, which are intact."
            if is_restorable
            else f"{FIX} rebuilds it from its sources.",
        )


def diagnose_settings(settings: generations.Settings, config: Config) -> Iterator[Finding]:
    """Report what a generation was built with that is different now."""
    if settings.fingerprint != config.fingerprint():
        yield Finding(
            "options",
            "The index was made with other fields, language, day_first or timezone than are configured.",
            f"{FIX} rebuilds it with these; or set them back.",
        )
    if changes := settings.library_changes():
        yield Finding(
            "libraries",
            f"Some words may not be found: {changes}.",
            "`nutgraf rebuild` indexes everything again with the versions of this program.",
        )


def _diagnose_writers(root: Path, live: Path | None) -> Iterator[Finding]:
    try:
        with try_lock(root) as is_idle:
            holder = recorded_holder(root)
            leftovers = _leftovers(root, live) if is_idle else []
    except IndexDamaged as error:
        yield Finding(
            "damaged", f"Nobody can write the index: {error.problem}.", "Move that away, and try again."
        )
        return
    if not is_idle:
        holder = holder or "another process"
        yield Finding("locked", f"The index is being written by {holder}.", "Wait until it is done.")
    elif leftovers or holder:
        died = f"{holder} died while writing; the lock is free" if holder else "A write was interrupted"
        yield Finding(
            "leftovers",
            f"{died}. Left behind: {', '.join(leftovers[:5]) or 'nothing'}.",
            f"The next writer removes it, and so does {FIX}.",
        )


def _leftovers(root: Path, live: Path | None) -> list[str]:
    """Return the names of temporary files, which are leftovers while there is no writer."""
    with translate_read_errors(root):
        if not root.is_dir():
            return []
        names = {path.name for path in root.iterdir() if is_temporary(path.name)}
        if live:
            names |= {path.name for path in live.iterdir() if is_unfinished(path.name)}
    # The holder is named in the sentence, and progress is nothing that could be missed.
    return sorted(names - {HOLDER, PROGRESS})


def diagnose_sources(hints: Mapping[str, catalogs.Hints]) -> Iterator[Finding]:
    """Report sources that cannot be read now, and those without articles."""
    for name, known in hints.items():
        source = Path(name)
        try:
            with translate_read_errors(source, if_exhausted=True):
                if source.is_dir():
                    next(source.iterdir(), None)
                else:
                    open_regular(source, links=True).close()
        except OSError as error:
            yield Finding(
                "source",
                f"The source {source} cannot be read ({error.strerror}); what was indexed from it is kept.",
                "Mount or restore it, because the index can be rebuilt from nothing else; or remove its "
                f"articles with `nutgraf forget {source}`.",
            )
        else:
            if not known.articles:
                reasons = [describe_kinds(known.kinds_not_read)] if known.kinds_not_read else []
                if known.failures:
                    reasons.append(f"{format_count(len(known.failures), 'file')} that cannot be read")
                yield Finding(
                    "source",
                    f"The source {source} has no articles{': ' if reasons else ''}{'; '.join(reasons)}.",
                    f"Put files into it that end with {list_kinds()}; or `nutgraf forget {source}`.",
                )


def _diagnose_vectors(folder: Path, config: Config) -> Iterator[Finding]:
    """Report what keeps articles of a generation from being found by their meaning."""
    if not config.model:
        return
    # Imported here, since most archives are searched by words alone.
    from indexer.store.model import open_configured_model

    snapshot = open_snapshot(folder)
    for problem in snapshot.vector_problems(every_byte=True):
        yield Finding(
            "vectors",
            f"Some vectors cannot be used: {problem}.",
            "Nothing else depends on them; until then, their paragraphs are found by words alone.",
        )
    host = urlsplit(config.model).hostname if is_service(config.model) else None
    tried = f" (the word {_TRIAL} was sent to {host}, to try it)" if host else ""
    try:
        model = open_configured_model(config)
        # A model in files may take long to load.
        model.embed_query(_TRIAL, _SERVICE_SECONDS if host else math.inf)
        counts = snapshot.vector_models()
        lacking = snapshot.embeddable - counts.pop(model.fingerprint, 0)
    except (ConfigError, ModelFailed) as error:
        problem = error.problem if error.advice else str(error)
        advice = error.advice or "set the option model to one that can be used, or remove it"
        yield Finding(
            "vectors",
            f"Articles are found by words alone: {problem}{tried}.",
            f"{advice[0].upper()}{advice[1:]}.",
        )
        return
    if lacking:
        others = sum(counts.values())
        unused = f"; {others:,} have one of another model, which is not used" if others else ""
        yield Finding(
            "vectors",
            f"{lacking:,} of {format_count(snapshot.embeddable, 'text')} have no vector of the model "
            f"{config.model}, and are found by words alone{unused}.",
            "`nutgraf embed` makes the vectors.",
        )


def _diagnose_disk(root: Path, answering: Path | None) -> Iterator[Finding]:
    with translate_read_errors(root):
        if not root.is_dir():
            return
        if not os.access(root, os.W_OK):
            yield Finding(
                "disk", f"{root} cannot be written to.", "Give the user who runs this permission to write."
            )
        size = folder_size(answering) if answering else 0
        needed, free = max(size * _SPACE_FACTOR, _MIN_SPACE), shutil.disk_usage(root).free
    if free < needed:
        yield Finding(
            "disk",
            f"There is no space for another generation: it needs about {needed / 2**20:,.0f} MB, "
            f"{free / 2**20:,.0f} MB are free.",
            "Free space on the disk.",
        )

"""What is wrong with an index, and what will mend it: looked at from the pointer down to the last byte."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

from indexer.config import Config
from indexer.engine import latest_commit
from indexer.errors import (
    IndexBuilding,
    IndexDamaged,
    IndexMissing,
    IndexOutdated,
    NutgrafError,
    StorageFailed,
)
from indexer.files.names import HOLDER, PROGRESS, find_foreign_names, is_temporary, is_unfinished
from indexer.files.regular import open_regular, translate_read_errors
from indexer.files.storage import folder_size
from indexer.results import Diagnosis, Finding
from indexer.store import generations
from indexer.store.lock import is_free, read_signature
from indexer.store.reader import OpenIndex, check_format, open_folder
from indexer.sync import catalog as catalogs

Today = Callable[[], date]
_FIX = "`nutgraf doctor --fix`"
# What a new generation takes at least, and in proportion to the one that there is.
_LEAST, _TIMES = 16 * 2**20, 2


def diagnose(config: Config, today: Today, *, is_writer: bool = False) -> Diagnosis:
    """Look at everything, and read every byte; nothing is changed.

    `is_writer`: the caller holds the lock, so that nothing is to be said of who writes.
    """
    root = config.index
    findings: list[Finding] = []
    live = answers = None
    try:
        try:
            live = generations.live_folder(root)
        except (IndexMissing, IndexDamaged) as error:
            findings += _of_pointer(root, error)
        answers = next((path for path in _candidates(root, live) if is_whole(path, config, today)), None)
        findings += _of_generation(live, answers, config, today) if live else ()
        findings += _of_writers(root, live) if not (is_writer or find_foreign_names(root)) else ()
        findings += _of_sources(answers) if answers else ()
        findings += _of_disk(root, answers)
    except StorageFailed as error:
        # What cannot be looked at now is not judged: it may all be well.
        findings.append(
            Finding(
                "system",
                f"The system refuses to read the index for now: {error}.",
                f"Until it can be read again, {_FIX} changes nothing.",
            )
        )
    return Diagnosis(str(root), answers.name if answers else None, tuple(findings))


def check(folder: Path, config: Config, today: Today) -> OpenIndex:
    """A generation of which every byte was compared with its checksum.

    Raises IndexDamaged, naming the file and the place, IndexOutdated or StorageFailed.
    """
    reading = open_folder(folder, config, today)
    try:
        reading.snapshot.verify()
        owners = catalogs.load(folder, reading.snapshot.commit).owners().keys()
    except IndexDamaged:
        # Unless a commit that was made meanwhile has taken the files away.
        if latest_commit(folder) in (reading.snapshot.commit, None):
            raise
        return check(folder, config, today)
    if reading.snapshot.articles != len(owners):
        raise IndexDamaged(
            f"{folder} should have {len(owners)} articles by its catalog, it has "
            f"{reading.snapshot.articles}: run `nutgraf doctor --fix`"
        )
    if other := owners ^ reading.snapshot.ids():
        raise IndexDamaged(
            f"{folder} and its catalog disagree about the article {min(other)!r}: run `nutgraf doctor --fix`"
        )
    return reading


def is_whole(folder: Path, config: Config, today: Today) -> bool:
    """Whether a generation passes the check; raises StorageFailed, and ConfigError for bad synonyms."""
    try:
        check(folder, config, today)
    except (IndexDamaged, IndexMissing, IndexOutdated):
        return False
    return True


def _candidates(root: Path, live: Path | None) -> list[Path]:
    before = generations.previous_folder(root, live) if live else None
    return [path for path in (live, before) if path]


def _of_pointer(root: Path, trouble: NutgrafError) -> Iterator[Finding]:
    said = _plainly(trouble)
    if isinstance(trouble, IndexBuilding):
        yield Finding("building", f"There is no index yet: {said}.", "Wait until it is done.")
    elif isinstance(trouble, IndexMissing):
        yield Finding("missing", f"There is {said}.", "`nutgraf index FOLDER` makes one.")
    else:
        yield Finding(
            "damaged",
            f"The index is damaged: {said}.",
            f"{_FIX} goes over to the newest generation that is whole.",
        )


def _of_generation(live: Path, answers: Path | None, config: Config, today: Today) -> Iterator[Finding]:
    meanwhile = (
        f"the generation before it, {answers.name}, answers meanwhile"
        if answers
        else "nothing can be searched meanwhile"
    )
    try:
        settings = check_format(live)
        if answers != live:
            check(live, config, today)
        if settings.fingerprint != config.fingerprint():
            yield Finding(
                "options",
                "The index was made with another language, day_first or timezone than are configured.",
                f"{_FIX} makes it anew with these; or set them back.",
            )
        if changes := settings.library_changes():
            yield Finding(
                "libraries",
                f"Some words may not be found: {changes}.",
                "`nutgraf rebuild` indexes everything again with the versions of this program.",
            )
    except IndexOutdated as error:
        yield Finding("outdated", f"The index is outdated: {_plainly(error)}.", f"{_FIX} makes it anew.")
    except (IndexDamaged, IndexMissing) as error:
        yield Finding(
            "damaged",
            f"The index is damaged: {_plainly(error)}; {meanwhile}.",
            f"{_FIX} makes it anew from its sources.",
        )


def _of_writers(root: Path, live: Path | None) -> Iterator[Finding]:
    try:
        with is_free(root) as is_idle:
            by = read_signature(root)
            left = _leftovers(root, live) if is_idle else []
    except IndexDamaged as error:
        yield Finding("damaged", f"Nobody can write the index: {error}.", "Move that away, and look again.")
        return
    if not is_idle:
        yield Finding(
            "locked", f"The index is being written by {by or 'another process'}.", "Wait until it is done."
        )
        return
    if left or by:
        died = f", by {by}, which is dead: the lock is free" if by else ""
        yield Finding(
            "leftovers",
            f"Work was cut short{died}; it has left {', '.join(left[:5]) or 'nothing else'}.",
            f"The next writer clears it away, and so does {_FIX}.",
        )


def _leftovers(root: Path, live: Path | None) -> list[str]:
    """The names of what nothing points at, while nobody writes."""
    with translate_read_errors(root):
        if not root.is_dir():
            return []
        left = [path.name for path in root.iterdir() if is_temporary(path.name)]
        if live:
            left += [path.name for path in live.iterdir() if is_unfinished(path.name)]
    # Who signed is told of in other words, and how far it was is nothing to tell.
    return sorted({*left} - {HOLDER, PROGRESS})


def _of_sources(answers: Path) -> Iterator[Finding]:
    summary = catalogs.load_summary(answers, generations.last_commit(answers))
    for source in map(Path, summary.sources):
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
                "Bring it back, or mount it: the index can be made anew from nothing else; or do without it: "
                f"`nutgraf forget {source}`.",
            )


def _of_disk(root: Path, answers: Path | None) -> Iterator[Finding]:
    with translate_read_errors(root):
        if not root.is_dir():
            return
        if not os.access(root, os.W_OK):
            yield Finding("disk", f"{root} cannot be written to.", "Let whoever runs this write there.")
        size = folder_size(answers) if answers else 0
        wanted, free = max(size * _TIMES, _LEAST), shutil.disk_usage(root).free
    if free < wanted:
        yield Finding(
            "disk",
            f"There is no room for another generation: about {wanted / 2**20:,.0f} MB are wanted, "
            f"{free / 2**20:,.0f} MB are free.",
            "Make room on the disk.",
        )


def _plainly(error: NutgrafError) -> str:
    """What an error says is wrong, without its advice."""
    return re.split(r"[:;] (?:run|write) ", str(error))[0]

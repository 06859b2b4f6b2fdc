"""The folder of an index: generations side by side, a pointer to the live one, and the writer's lock.

index_data/
    current              the name of the live generation, and the checksum of that
    g000003/             one complete Whoosh index, its settings and its catalog
    g000002/             the one before it, kept
    g000004.building/    a rebuild under way, or what a crash left of one
    g000001.removed/     a generation that nobody needs, on its way out
    writer.lock          held by the one writer; the system lets go of it when the writer dies
    writer.json          who holds it
    progress.json        how far a build is, while one goes on
"""

from __future__ import annotations

import json
import os
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

from indexer.errors import (
    IndexBuilding,
    IndexDamaged,
    IndexLocked,
    IndexMissing,
    IndexOutdated,
    OutOfMemory,
    StorageFailed,
)
from indexer.files.names import (
    BUILDING,
    CONTENTS,
    GENERATION,
    LOCK,
    NEW_POINTER,
    POINTER,
    REMOVED,
    SETTINGS,
    find_foreign_names,
    is_temporary,
)
from indexer.files.regular import open_regular, translate_read_errors
from indexer.files.storage import (
    discard,
    make_folder,
    read_index_file,
    rename,
    translate_index_errors,
    translate_write_errors,
    write_durably,
    write_new,
)
from indexer.store.lock import lock_holder, sign_lock, take_lock
from indexer.store.progress import current_build
from indexer.sync import catalog

FORMAT = 7
"""Raised whenever a generation written before can no longer be read."""
VERSIONS = {"extractor": 2, "analyzer": 1}
"""Raised whenever the same files would give other articles, or the same articles other terms."""
_SETTLED_NS = 1_000_000_000
# A listing made while one table of contents takes another's place may show neither.
_LISTINGS = 10


@dataclass(frozen=True, slots=True)
class Settings:
    """What a generation was made with."""

    format: int
    language: str
    fingerprint: str
    versions: dict[str, int] = field(default_factory=dict)
    """Of what made it, by name."""
    libraries: dict[str, str] = field(default_factory=dict)
    """The versions of the libraries that made its terms, by name; empty where they were not recorded yet."""

    def library_changes(self) -> str | None:
        """Which libraries have another version in this program; None where none has, or none is recorded."""
        from indexer.text.analyzer import library_versions

        now = library_versions()
        changes = [
            f"{name} {version}, and this program has {now.get(name, 'none')}"
            for name, version in self.libraries.items()
            if now.get(name) != version
        ]
        return f"the index was made with {'; with '.join(changes)}" if changes else None


def live_folder(root: Path) -> Path:
    """The folder of the live generation; raises IndexMissing or IndexDamaged.

    Raises StorageFailed, as all that reads here, where the system refuses to read for now.
    """
    try:
        said = _said(root / POINTER)
    except (FileNotFoundError, NotADirectoryError) as error:
        refuse_foreign_files(root)
        names = finished_generations(root)
        if len(names) == 1:
            # The first build was cut short after its last step but one.
            return root / names[0]
        if not names and (started := current_build(root)) is not None:
            raise IndexBuilding(
                f"the first index in {root} is being built: {started}; wait a little and ask again"
            ) from error
        if not names:
            raise IndexMissing(
                f"no index in {root}: run `nutgraf index FOLDER` to make one from a folder of articles"
            ) from error
        said = ""
    except OSError as error:
        raise IndexDamaged(
            f"{root / POINTER} cannot be read ({error.strerror}): run `nutgraf doctor --fix`"
        ) from error
    name = _named(said)
    if name is None or not _is_folder(root / name):
        with suppress(OSError):
            if _said(root / POINTER) != said:
                # Rebuilds that came in between have taken away what it named.
                return live_folder(root)
        refuse_foreign_files(root)
        raise IndexDamaged(
            f"{root / POINTER} says {said[:40]!r}, which is not a generation beside it: "
            "run `nutgraf doctor --fix`, or write the newest of these into it: "
            f"{', '.join(finished_generations(root)) or 'those that a backup has'}"
        )
    return root / name


def locate(root: Path) -> tuple[Path, int]:
    """The folder of the live generation, and its last commit."""
    folder = live_folder(root)
    return folder, last_commit(folder)


def previous_folder(root: Path, folder: Path) -> Path | None:
    """The finished generation before this one, which answers when it cannot; None when there is none."""
    earlier = [name for name in finished_generations(root) if name < folder.name]
    return root / earlier[-1] if earlier else None


def last_commit(folder: Path) -> int:
    """The number of a generation's last commit; raises IndexDamaged when there is none."""
    for _ in range(_LISTINGS):
        with translate_index_errors(folder):
            commits = [int(match[1]) for path in folder.iterdir() if (match := CONTENTS.fullmatch(path.name))]
        if commits:
            return max(commits)
    raise IndexDamaged(f"{folder} has no table of contents: run `nutgraf doctor --fix`")


def pointer_state(root: Path, folder: Path | None) -> tuple[int, ...] | None:
    """What changes whenever a commit or a rebuild is made: times of the pointer and of a generation's folder.

    They may change without one, too. None when they cannot be read, or not be relied on yet.
    """
    if folder is None:
        return None
    try:
        # Every search asks, so no paths are made for it.
        pointer, generation = os.stat(os.path.join(root, POINTER)), os.stat(folder)  # noqa: PTH116, PTH118
    except OSError:
        return None
    if time.time_ns() - max(pointer.st_mtime_ns, generation.st_mtime_ns) < _SETTLED_NS:
        # So young that another change may come with the same time.
        return None
    return pointer.st_mtime_ns, pointer.st_ino, generation.st_mtime_ns


def remove_old_generations(root: Path) -> None:
    """Remove what nobody needs: what writers left that were cut short, and what the last commit replaced.

    The caller holds the lock. What cannot go now goes with the next sweep; and nothing goes from a generation
    that cannot be read, for what it needs cannot be told then.
    """
    # Here, as below: a process that only reads needs neither these nor the lock.
    from indexer.engine import Snapshot, remove_leftovers

    with suppress(OSError, StorageFailed, IndexMissing, IndexDamaged, IndexOutdated):
        _withdraw(root)
        if not (root / POINTER).exists() and len(names := finished_generations(root)) == 1:
            # The first build was cut short: with a second generation, it could not be told any more.
            point(root, names[0])
        for path in root.iterdir():
            if is_temporary(path.name):
                discard(path)
        snapshot = Snapshot(live_folder(root))
        # Of the generations before it, one is kept.
        for name in [name for name in finished_generations(root) if name < snapshot.folder.name][:-1]:
            discard(root / name)
        remove_leftovers(snapshot)
        catalog.tidy(snapshot.folder, snapshot.commit)


def exists(root: Path) -> bool:
    """Whether there is an index, damaged or not."""
    try:
        live_folder(root)
    except IndexMissing:
        return False
    except IndexDamaged:
        pass
    return True


def refuse_foreign_files(root: Path) -> None:
    """Raise IndexMissing when a folder holds something, and neither an index nor what is left of one."""
    if others := find_foreign_names(root):
        more = f" and {len(others) - 3:,} more" if len(others) > 3 else ""
        raise IndexMissing(
            f"no index in {root}, and none is made among other things ({', '.join(others[:3])}{more}): "
            "name an empty folder with --index, or a new one"
        )


def read_settings(folder: Path) -> Settings:
    """What a generation was made with; raises IndexDamaged."""
    path = folder / SETTINGS
    data = read_index_file(path)
    try:
        words = json.loads(data)
        settings = Settings(
            words["format"],
            str(words["language"]),
            str(words["fingerprint"]),
            dict(words.get("versions", {})),
            dict(words.get("libraries", {})),
        )
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise IndexDamaged(
            f"{path} cannot be read (its contents make no sense): run `nutgraf doctor --fix`"
        ) from error
    # What another format has besides is its own business.
    if settings.format == FORMAT and data != _encode(settings):
        raise IndexDamaged(f"{path} does not match its checksum: run `nutgraf doctor --fix`")
    return settings


def begin_generation(root: Path, language: str, fingerprint: str) -> Path:
    """A new generation's folder, empty and not live yet. The caller holds the lock."""
    from indexer.engine import create_empty
    from indexer.text.analyzer import library_versions

    with translate_write_errors(root):
        numbers = [int(path.name[1:7]) for path in root.iterdir() if GENERATION.match(path.name)]
    folder = root / f"g{max(numbers, default=0) + 1:06}{BUILDING}"
    create_empty(folder, language)
    settings = Settings(FORMAT, language, fingerprint, VERSIONS, library_versions())
    write_durably(folder / SETTINGS, _encode(settings))
    return folder


def publish_generation(root: Path, folder: Path, keep: tuple[Path, ...] = ()) -> Path:
    """Make a finished generation the live one, keep the one before it (or `keep`), give up the others.

    Returns its folder, which loses the mark of being built. The pointer is replaced at once: a reader sees
    the old generation or the new one. Raises StorageFailed.
    """
    done = folder.with_name(folder.name.removesuffix(BUILDING))
    if not keep and exists(root):
        keep = (live_folder(root),)
    # First, so that a generation that never became the live one is known as such, whatever happens.
    write_new(root / NEW_POINTER, [_pointing_to(done.name)])
    rename(folder, done)
    rename(root / NEW_POINTER, root / POINTER)
    with suppress(OSError):
        for path in root.iterdir():
            if GENERATION.fullmatch(path.name) and path not in (done, *keep):
                _give_up(path)
    return done


def point(root: Path, name: str) -> None:
    """Make a finished generation the live one, at once and on the disk. The caller holds the lock."""
    write_durably(root / POINTER, _pointing_to(name))


@contextmanager
def lock_for_writing(root: Path, timeout: float) -> Iterator[None]:
    """Be the one writer of the index in `root`; waits up to `timeout` seconds.

    Raises IndexLocked, saying who writes, StorageFailed, OutOfMemory, and IndexMissing where the folder is
    somebody else's. Readers are not held up.
    """
    from filelock import FileLock, Timeout

    refuse_foreign_files(root)
    with translate_write_errors(root):
        try:
            make_folder(root)
        except (FileExistsError, NotADirectoryError) as error:
            raise IndexMissing(f"{root}: a folder for the index is wanted, a file is in its place") from error
    lock = FileLock(take_lock(root), timeout=timeout)
    with translate_write_errors(root / LOCK):
        try:
            lock.acquire()
        except Timeout:
            raise IndexLocked(
                f"the index in {root} is being written by {lock_holder(root)}; waited {timeout:g} s for it: "
                "try again later, or wait longer with --lock-timeout"
            ) from None
    try:
        remove_old_generations(root)
        sign_lock(root)
        yield
    except MemoryError as error:
        raise OutOfMemory(
            "memory ran out, and nothing was committed: free some, or take less with --max-memory or --jobs"
        ) from error
    finally:
        try:
            remove_old_generations(root)
        finally:
            lock.release()


def _encode(settings: Settings) -> bytes:
    words = asdict(settings)
    if not settings.libraries:
        # Generations from before they were recorded have the checksum of settings without them.
        del words["libraries"]
    return json.dumps(words | {"checksum": zlib.crc32(json.dumps(words).encode())}).encode()


def finished_generations(root: Path) -> list[str]:
    """The names of the generations that were finished, the newest last."""
    try:
        with translate_read_errors(root):
            return sorted(path.name for path in root.iterdir() if GENERATION.fullmatch(path.name))
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise IndexDamaged(
            f"{root} cannot be listed ({error.strerror}): run `nutgraf doctor --fix`"
        ) from error


def _is_folder(path: Path) -> bool:
    with translate_read_errors(path):
        return path.is_dir()


def _withdraw(root: Path) -> None:
    """Give up the generation that was to become the live one, if one did not get so far."""
    try:
        name = _named(_said(root / NEW_POINTER))
    except OSError:
        return  # there is none, or something else in its place
    if name and name != live_folder(root).name:
        _give_up(root / name)


def _give_up(folder: Path) -> None:
    """Have the next sweep remove a generation: half removed, it must not pass for a whole one."""
    with suppress(OSError):
        folder.rename(folder.with_name(folder.name + REMOVED))


def _pointing_to(name: str) -> bytes:
    return f"{name} {zlib.crc32(name.encode()):08x}\n".encode()


def _said(pointer: Path) -> str:
    with translate_read_errors(pointer), open_regular(pointer) as file:
        return file.read().decode("ascii", "replace")


def _named(said: str) -> str | None:
    """The generation that a pointer names; None when it makes no sense."""
    name, _, checksum = said.removesuffix("\n").partition(" ")
    # Who writes a name by hand need not know its checksum.
    is_whole = checksum in ("", f"{zlib.crc32(name.encode()):08x}")
    return name if is_whole and GENERATION.fullmatch(name) else None

"""The folder of an index: generations side by side, and a pointer to the live one.

index_data/
    current              the name of the live generation, and the checksum of that name
    g000003/             one complete Whoosh index, its settings and its catalog
    g000002/             the previous generation, kept
    g000004.building/    a build in progress, or what a crash left of one
    g000001.removed/     an old generation, about to be deleted
    writer.lock          locked by the one writer; the system releases it when the writer dies
    writer.json          who holds the lock
    progress.json        how far a build is
"""

from __future__ import annotations

import json
import os
import time
import zlib
from contextlib import suppress
from pathlib import Path

import msgspec
from msgspec import Struct

from indexer.config import Config
from indexer.engine import Snapshot
from indexer.errors import RUN_DOCTOR, IndexBuilding, IndexDamaged, IndexMissing, IndexOutdated, StorageFailed
from indexer.fields import FieldType
from indexer.files.names import (
    BUILDING,
    CONTENTS,
    GENERATION,
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
    read_index_file,
    rename,
    translate_index_errors,
    translate_write_errors,
    write_durably,
    write_new,
)
from indexer.store.progress import read_progress
from indexer.sync import catalog
from indexer.text.analyzer import library_versions

FORMAT = 11
"""Raised whenever this program can no longer read older generations."""
VERSIONS = {"extractor": 3, "analyzer": 2}
"""Raised whenever the same files would give other articles, or the same articles other terms."""
_SETTLED_NS = 1_000_000_000
# A folder listed while one table of contents replaces another may show neither of them.
_LISTINGS = 10


class Settings(Struct, frozen=True):
    """What a generation was built with."""

    format: int
    language: str
    fingerprint: str
    """`Config.fingerprint` of the options that change the stored index."""
    versions: dict[str, int] = {}
    """VERSIONS of the program that built it."""
    libraries: dict[str, str] = {}
    """The versions of the libraries that made its terms, by name; empty if they were not recorded."""
    fields: dict[str, FieldType] = {}
    """The custom fields that were declared."""

    def library_changes(self) -> str | None:
        """Return which recorded libraries have another version now, as a clause; None if none has."""
        now = library_versions()
        changes = [
            f"{name} {version}, and this program has {now.get(name, 'none')}"
            for name, version in self.libraries.items()
            if now.get(name) != version
        ]
        return f"the index was made with {'; with '.join(changes)}" if changes else None


# Reading: which generation is live


def live_folder(root: Path) -> Path:
    """Return the folder of the live generation; raises IndexMissing, IndexDamaged or StorageFailed."""
    try:
        text = _read_pointer(root / POINTER)
    except (FileNotFoundError, NotADirectoryError) as error:
        refuse_foreign_files(root)
        names = finished_generations(root)
        if len(names) == 1:
            # The first build crashed between renaming its generation and writing the pointer.
            return root / names[0]
        if not names and (building := read_progress(root)) is not None:
            raise IndexBuilding(
                f"the first index in {root} is being built ({building})", "try again when it is done"
            ) from error
        if not names:
            raise IndexMissing(
                f"no index in {root}", "run `nutgraf index FOLDER` to make one from a folder of articles"
            ) from error
        text = ""
    except OSError as error:
        raise IndexDamaged(f"{root / POINTER} cannot be read ({error.strerror})", RUN_DOCTOR) from error
    name = _parse_pointer(text)
    if name is None or not _is_folder(root / name):
        with suppress(OSError):
            if _read_pointer(root / POINTER) != text:
                # A rebuild has switched the pointer meanwhile and removed the old generation.
                return live_folder(root)
        refuse_foreign_files(root)
        raise IndexDamaged(
            f"{root / POINTER} contains {text[:40]!r}, which is not a generation beside it",
            f"{RUN_DOCTOR}, or write the newest of these into it: "
            f"{', '.join(finished_generations(root)) or 'those in a backup'}",
        )
    return root / name


def live_commit(root: Path) -> tuple[Path, int]:
    """Return the folder of the live generation, and the number of its last commit."""
    folder = live_folder(root)
    return folder, last_commit(folder)


def previous_folder(root: Path, folder: Path) -> Path | None:
    """Return the newest finished generation older than this one; None if there is none."""
    older = [name for name in finished_generations(root) if name < folder.name]
    return root / older[-1] if older else None


def last_commit(folder: Path) -> int:
    """Return the number of a generation's last commit; raises IndexDamaged if it has none."""
    for _ in range(_LISTINGS):
        with translate_index_errors(folder):
            commits = [int(match[1]) for path in folder.iterdir() if (match := CONTENTS.fullmatch(path.name))]
        if commits:
            return max(commits)
    raise IndexDamaged(f"{folder} has no table of contents", RUN_DOCTOR)


def finished_generations(root: Path) -> list[str]:
    """Return the names of the finished generations, the newest last."""
    try:
        with translate_read_errors(root):
            return sorted(path.name for path in root.iterdir() if GENERATION.fullmatch(path.name))
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise IndexDamaged(f"{root} cannot be listed ({error.strerror})", RUN_DOCTOR) from error


def pointer_state(root: Path, folder: Path | None) -> tuple[int, ...] | None:
    """Return numbers that change with every commit and every rebuild: times of the pointer and of a folder.

    They may also change without one. None if they cannot be read, or are too recent to be relied on.
    """
    if folder is None:
        return None
    try:
        # Every search calls this: os.stat saves making two Path objects.
        pointer, generation = os.stat(os.path.join(root, POINTER)), os.stat(folder)  # noqa: PTH116, PTH118
    except OSError:
        return None
    if time.time_ns() - max(pointer.st_mtime_ns, generation.st_mtime_ns) < _SETTLED_NS:
        # Another change within the same clock tick would leave the times as they are.
        return None
    return pointer.st_mtime_ns, pointer.st_ino, generation.st_mtime_ns


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
    """Raise IndexMissing if a folder has files, but no index or remains of one."""
    if others := find_foreign_names(root):
        more = f" and {len(others) - 3:,} more" if len(others) > 3 else ""
        raise IndexMissing(
            f"no index in {root}, and none is made among other files ({', '.join(others[:3])}{more})",
            "choose an empty or a new folder for the index",
        )


def read_settings(folder: Path) -> Settings:
    """Return what a generation was built with; raises IndexDamaged."""
    path = folder / SETTINGS
    data = read_index_file(path)
    try:
        settings = msgspec.json.decode(data, type=Settings)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise IndexDamaged(f"{path} cannot be read (its contents make no sense)", RUN_DOCTOR) from error
    # Other formats may have other settings, so only the checksum of this one can be computed.
    if settings.format == FORMAT and data != _encode(settings):
        raise IndexDamaged(f"{path} does not match its checksum", RUN_DOCTOR)
    return settings


# Writing: the caller holds the lock


def create_generation(config: Config, versions: dict[str, int] = VERSIONS) -> Path:
    """Create the folder of a new, empty generation, which is not live yet."""
    # Imported here, as below, since a search needs nothing that writes.
    from indexer.engine import create_empty

    root = config.index
    with translate_write_errors(root):
        numbers = [int(path.name[1:7]) for path in root.iterdir() if GENERATION.match(path.name)]
    folder = root / f"g{max(numbers, default=0) + 1:06}{BUILDING}"
    create_empty(folder, config.language)
    settings = Settings(
        FORMAT, config.language, config.fingerprint(), versions, library_versions(), dict(config.fields)
    )
    write_durably(folder / SETTINGS, [_encode(settings)])
    return folder


def publish_generation(root: Path, folder: Path, keep: tuple[Path, ...] = ()) -> Path:
    """Switch to a finished generation; keep the previous one (or those in `keep`), remove all others.

    Returns its folder, which loses the suffix `.building`. The pointer is replaced atomically: a reader sees
    the old generation or the new one. Raises StorageFailed.
    """
    done = folder.with_name(folder.name.removesuffix(BUILDING))
    if not keep and exists(root):
        keep = (live_folder(root),)
    # Written before the rename: after a crash it tells which finished generation never became live.
    write_new(root / NEW_POINTER, [_encode_pointer(done.name)])
    rename(folder, done)
    rename(root / NEW_POINTER, root / POINTER)
    with suppress(OSError):
        for path in root.iterdir():
            if GENERATION.fullmatch(path.name) and path not in (done, *keep):
                _mark_removed(path)
    return done


def switch_to(root: Path, name: str) -> None:
    """Switch to a finished generation, atomically and durably."""
    write_durably(root / POINTER, [_encode_pointer(name)])


def remove_old_generations(root: Path) -> None:
    """Remove what crashed writers left, what the last commit replaced, and all but one previous generation.

    What cannot be removed now is left to the next call. Nothing is removed from a generation that cannot be
    read, because it is unknown what that needs.
    """
    from indexer.engine import remove_leftovers

    with suppress(OSError, StorageFailed, IndexMissing, IndexDamaged, IndexOutdated):
        _mark_unpublished(root)
        if not (root / POINTER).exists() and len(names := finished_generations(root)) == 1:
            # The first build crashed. Without a pointer, a second generation would make the live one unknown.
            switch_to(root, names[0])
        for path in root.iterdir():
            if is_temporary(path.name):
                discard(path)
        snapshot = Snapshot(live_folder(root))
        for name in [name for name in finished_generations(root) if name < snapshot.folder.name][:-1]:
            discard(root / name)
        remove_leftovers(snapshot)
        catalog.tidy(snapshot.folder, snapshot.commit)


def _mark_unpublished(root: Path) -> None:
    """Mark as removed the generation that a crash kept from becoming live, if there is one."""
    try:
        name = _parse_pointer(_read_pointer(root / NEW_POINTER))
    except OSError:
        return  # There is none, or it is not a regular file.
    if name and name != live_folder(root).name:
        _mark_removed(root / name)


def _mark_removed(folder: Path) -> None:
    # Renamed first: a generation that is deleted halfway must not look finished.
    with suppress(OSError):
        folder.rename(folder.with_name(folder.name + REMOVED))


def _is_folder(path: Path) -> bool:
    with translate_read_errors(path):
        return path.is_dir()


def _encode(settings: Settings) -> bytes:
    values = msgspec.to_builtins(settings)
    if not settings.libraries:
        # The checksum of generations that recorded no libraries was made without this key.
        del values["libraries"]
    return json.dumps(values | {"checksum": zlib.crc32(json.dumps(values).encode())}).encode()


def _encode_pointer(name: str) -> bytes:
    return f"{name} {zlib.crc32(name.encode()):08x}\n".encode()


def _read_pointer(pointer: Path) -> str:
    with translate_read_errors(pointer), open_regular(pointer) as file:
        return file.read().decode("ascii", "replace")


def _parse_pointer(text: str) -> str | None:
    """Return the generation that a pointer names; None if it is malformed."""
    name, _, checksum = text.removesuffix("\n").partition(" ")
    # An administrator who writes a name by hand may leave the checksum out.
    is_intact = checksum in ("", f"{zlib.crc32(name.encode()):08x}")
    return name if is_intact and GENERATION.fullmatch(name) else None

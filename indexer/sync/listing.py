"""List a source: its files, with their size and times, and failures. No file is opened."""

from __future__ import annotations

import os
import stat
from collections.abc import Container, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from indexer.article import Failure
from indexer.errors import SourceMissing
from indexer.files.names import find_index_names
from indexer.files.regular import open_regular, translate_read_errors
from indexer.files.source_file import LEADS_OUT
from indexer.readers import find_unread_kind, is_skipped_folder, list_kinds, list_suffixes
from indexer.sources import Source
from indexer.sync.catalog import Stamp, pause_gc
from indexer.sync.exclusions import IGNORE_FILE, Exclusions

EXCLUDED = "excluded"
"""The kind of the files that patterns exclude, among those that are not read."""


def path_and_folders(path: str) -> Iterator[str]:
    """A path below a source, and the folders there that it lies in."""
    while path:
        yield path
        path = path.rpartition("/")[0]


@dataclass(slots=True)
class Listing:
    """The readable files of a source by path below it, with their stamps (without digests).

    `failures` are files and folders that could not be examined; what the catalog knows of them, or of files
    in them, remains valid. `folders` are all that were walked, by path below the source. `kinds_not_read`
    counts the other files by their suffix.
    """

    files: dict[str, Stamp] = field(default_factory=dict)
    failures: list[Failure] = field(default_factory=list)
    folders: set[str] = field(default_factory=set)
    kinds_not_read: dict[str, int] = field(default_factory=dict)

    def find_hidden(self, paths: Iterable[str]) -> set[str]:
        """Those of the paths that the walk could not examine, themselves or a folder around them."""
        failed = {failure.path for failure in self.failures}
        return {path for path in paths if "." in failed or not failed.isdisjoint(path_and_folders(path))}

    def find_empty(self) -> set[str]:
        """The folders that have no readable file at any depth, and the files of no bytes."""
        full = {
            place
            for path in (*self.files, *(failure.path for failure in self.failures))
            for place in path_and_folders(path)
        }
        return (self.folders - full) | {path for path, stamp in self.files.items() if not stamp.size}


def check_source(root: Path) -> Stamp | None:
    """The stamp of a source that is a file, None for a folder; raises SourceMissing if it is neither.

    Raises StorageFailed if this process has too many files open to tell.
    """
    try:
        with translate_read_errors(root, if_exhausted=True):
            if root.is_file():
                return _stamp(root.stat())
            with os.scandir(root):
                return None
    except FileNotFoundError as error:
        raise SourceMissing(f"{root} does not exist") from error
    except NotADirectoryError as error:
        raise SourceMissing(f"{root} is neither a folder nor a file") from error
    except OSError as error:
        raise SourceMissing(f"{root} cannot be opened ({error.strerror})") from error


def list_source(source: Source, *, is_known: bool = False) -> Listing:
    """List a source; `is_known` if the index has it, which decides what the error message advises.

    A folder is walked for files with the suffixes of the readers. Hidden names, indexes, `node_modules` and
    the folder that browsers save beside a page (`X_files` beside `X.html`) are skipped. A file that is itself
    a source may also have no suffix. Files that patterns exclude are counted. Links that lead out of the
    source, and files that are not regular files, are failures. Raises SourceMissing, also for a file of a
    kind that is not read.
    """
    listing = Listing()
    root, exclusions = source.path, Exclusions(source)
    try:
        file = check_source(root)
    except SourceMissing as error:
        advice = (
            f"Mount it or bring it back; `nutgraf forget {root}` removes it from the index"
            if is_known
            else "Give a folder: nutgraf index FOLDER"
        )
        raise SourceMissing(f"{error}. {advice}") from error
    if file is not None:
        if kind := find_unread_kind(root.name):
            raise SourceMissing(
                f"{root} is of a kind that is not read ({kind}). Give a folder, or a file that ends with "
                f"{list_kinds()}"
            )
        listing.files[root.name] = file
        return listing
    with pause_gc():
        _walk(root, exclusions, listing)
    return listing


def _walk(root: Path, exclusions: Exclusions, listing: Listing) -> None:
    """List what is in a folder, at any depth."""
    home = root.resolve()
    suffixes = frozenset(list_suffixes())
    folders = [(str(root), "")]
    while folders:
        folder, prefix = folders.pop()
        try:
            with _open_folder(folder) as opened:
                inner = _list_folder(folder, prefix, opened, home, suffixes, exclusions, listing)
        except OSError as error:
            if not prefix or not exclusions.exclude(prefix):
                reason = f"the folder cannot be listed ({error.strerror})"
                listing.failures.append(Failure(prefix.rstrip("/") or ".", reason))
            continue
        # A stack, as folders may lie deeper than Python can recurse; the last pushed is walked first.
        folders += [(f"{folder}/{name}", f"{prefix}{name}/") for name in reversed(inner)]


@contextmanager
def _open_folder(folder: str) -> Iterator[int | str]:
    """A folder as `os.scandir` takes it: open, so that its path is not looked up again for each file."""
    if os.scandir not in os.supports_fd:
        yield folder
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _list_folder(
    folder: str,
    prefix: str,
    opened: int | str,
    home: Path,
    suffixes: Container[str],
    exclusions: Exclusions,
    listing: Listing,
) -> list[str]:
    """List the files in an open folder; returns the names of the folders in it that are to be walked.

    Raises OSError if it cannot be listed.
    """
    inner: list[str] = []
    with os.scandir(opened) as entries:
        found = {entry.name: entry for entry in entries}
    of_index = find_index_names(found.keys())
    if IGNORE_FILE in found and (reason := _read_patterns(folder, prefix, exclusions)):
        # What it excludes is not known, so nothing in the folder is indexed or removed.
        listing.failures.append(Failure(prefix.rstrip("/") or ".", f"{IGNORE_FILE} in it {reason}"))
        return inner
    has_patterns = bool(exclusions)
    for name in sorted(found):
        if name[0] == "." or name in of_index:
            continue
        entry, below = found[name], prefix + name
        if has_patterns and exclusions.exclude(below) and not entry.is_dir(follow_symlinks=False):
            listing.kinds_not_read[EXCLUDED] = listing.kinds_not_read.get(EXCLUDED, 0) + 1
            continue
        # Nearly all are files or folders, which need no system call to be distinguished.
        if entry.is_file(follow_symlinks=False):
            kind = None if name[name.rfind(".") :] in suffixes else find_unread_kind(name)
            if kind is not None:
                listing.kinds_not_read[kind] = listing.kinds_not_read.get(kind, 0) + 1
                continue
        elif entry.is_dir(follow_symlinks=False):
            if not is_skipped_folder(name, found):
                inner.append(name)
                listing.folders.add(below)
            continue
        elif not _is_wanted(entry, f"{folder}/{name}", below, home, listing):
            continue
        try:
            status = entry.stat()
        except OSError as error:
            listing.failures.append(Failure(below, f"cannot be opened ({error.strerror})"))
            continue
        if stat.S_ISREG(status.st_mode):
            listing.files[below] = _stamp(status)
        else:
            listing.failures.append(Failure(below, "is not a regular file"))
    return inner


def _read_patterns(folder: str, prefix: str, exclusions: Exclusions) -> str:
    """Add the patterns of the file in a folder that has them; returns why it cannot be read, else ""."""
    try:
        with open_regular(Path(folder, IGNORE_FILE)) as file:
            exclusions.add_patterns(prefix, file.read().decode("utf-8-sig").splitlines())
    except OSError as error:
        return f"cannot be read ({error.strerror or error})"
    except ValueError as error:
        return f"must have {error}"
    return ""


def _is_wanted(entry: os.DirEntry[str], path: str, below: str, home: Path, listing: Listing) -> bool:
    """Whether to list a link, or something that is neither a file nor a folder: if its kind is read.

    A link that leads out of the source is a failure.
    """
    is_link = entry.is_symlink()
    try:
        # Links to folders are not followed: if the folder is in the source, the walk reaches it anyway.
        is_linked_folder = is_link and entry.is_dir()
    except OSError:
        is_linked_folder = False  # the link may lead to itself
    if not is_linked_folder and find_unread_kind(entry.name) is not None:
        return False
    # Path.resolve() raises for a link to itself.
    if is_link and not Path(os.path.realpath(path)).is_relative_to(home):
        listing.failures.append(Failure(below, LEADS_OUT))
        return False
    return not is_linked_folder


def _stamp(status: os.stat_result) -> Stamp:
    return Stamp(status.st_size, status.st_mtime_ns, status.st_ctime_ns)

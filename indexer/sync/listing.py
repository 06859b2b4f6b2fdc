"""List a source: its files, with their size and times, and failures. No file is opened."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from operator import attrgetter
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
            with os.scandir(folder) as entries:
                found = sorted(entries, key=attrgetter("name"))
        except OSError as error:
            if prefix and exclusions.exclude(prefix):
                continue
            reason = f"the folder cannot be listed ({error.strerror})"
            listing.failures.append(Failure(prefix.rstrip("/") or ".", reason))
            continue
        inner = []
        names = {entry.name for entry in found}
        of_index = find_index_names(names)
        if IGNORE_FILE in names and (reason := _read_patterns(folder, prefix, exclusions)):
            # What it excludes is not known, so nothing in the folder is indexed or removed.
            listing.failures.append(Failure(prefix.rstrip("/") or ".", f"{IGNORE_FILE} in it {reason}"))
            continue
        has_patterns = bool(exclusions)
        for entry in found:
            name = entry.name
            if name[0] == "." or name in of_index:
                continue
            if has_patterns and exclusions.exclude(prefix + name) and not entry.is_dir(follow_symlinks=False):
                listing.kinds_not_read[EXCLUDED] = listing.kinds_not_read.get(EXCLUDED, 0) + 1
                continue
            # Nearly all are files or folders, which need no system call to be distinguished.
            if entry.is_file(follow_symlinks=False):
                kind = None if name[name.rfind(".") :] in suffixes else find_unread_kind(name)
                if kind is None:
                    _list_file(entry, prefix + name, listing)
                else:
                    listing.kinds_not_read[kind] = listing.kinds_not_read.get(kind, 0) + 1
            elif entry.is_dir(follow_symlinks=False):
                if is_skipped_folder(name, names):
                    continue
                inner.append((entry.path, f"{prefix}{name}/"))
                listing.folders.add(prefix + name)
            else:
                _list_other(entry, prefix + name, home, listing)
        # A stack, as folders may lie deeper than Python can recurse; the last pushed is walked first.
        folders += reversed(inner)


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


def _list_file(entry: os.DirEntry[str], below: str, listing: Listing) -> None:
    try:
        status = entry.stat()
    except OSError as error:
        listing.failures.append(Failure(below, f"cannot be opened ({error.strerror})"))
        return
    if stat.S_ISREG(status.st_mode):
        listing.files[below] = Stamp(status.st_size, status.st_mtime_ns, status.st_ctime_ns)
    else:
        listing.failures.append(Failure(below, "is not a regular file"))


def _list_other(entry: os.DirEntry[str], below: str, home: Path, listing: Listing) -> None:
    """List a link, or something that is neither a file nor a folder, if its suffix is that of a reader."""
    is_link = entry.is_symlink()
    try:
        # Links to folders are not followed: if the folder is in the source, the walk reaches it anyway.
        is_linked_folder = is_link and entry.is_dir()
    except OSError:
        is_linked_folder = False  # the link may lead to itself
    if not is_linked_folder and find_unread_kind(entry.name) is not None:
        return
    # Path.resolve() raises for a link to itself.
    if is_link and not Path(os.path.realpath(entry.path)).is_relative_to(home):
        listing.failures.append(Failure(below, LEADS_OUT))
    elif not is_linked_folder:
        _list_file(entry, below, listing)


def _stamp(status: os.stat_result) -> Stamp:
    return Stamp(status.st_size, status.st_mtime_ns, status.st_ctime_ns)

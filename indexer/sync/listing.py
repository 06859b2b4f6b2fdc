"""What is in a source; no file is read for it."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from dataclasses import dataclass, field
from operator import attrgetter
from pathlib import Path, PurePath

from indexer.article import Failure
from indexer.errors import SourceMissing
from indexer.files.regular import readable
from indexer.files.source_file import LEADS_OUT
from indexer.readers import SUFFIXES
from indexer.sync.catalog import Stamp

_ENDINGS = tuple(SUFFIXES)


@dataclass(slots=True)
class Listing:
    """The readable files of a source by path below it, with their stamps (without digests).

    `failures` are files and folders that could not be looked at; what is known of them, or of what is in
    them, still stands. `folders` are all that were walked, by path below the source.
    """

    files: dict[str, Stamp] = field(default_factory=dict)
    failures: list[Failure] = field(default_factory=list)
    folders: set[str] = field(default_factory=set)

    def hidden(self) -> Callable[[str], bool]:
        """Whether a path lies where the listing could not look, by path."""
        places = {failure.path for failure in self.failures}
        if "." in places:
            return lambda _path: True
        return lambda path: path in places or any(str(above) in places for above in PurePath(path).parents)

    def hollow(self) -> set[str]:
        """The folders in which nothing is to be read, however deep, and the files that are empty."""
        full = {failure.path for failure in self.failures}
        for path in (*self.files, *full):
            above = path.rpartition("/")[0]
            while above and above not in full:
                full.add(above)
                above = above.rpartition("/")[0]
        return (self.folders - full) | {path for path, stamp in self.files.items() if not stamp.size}


def look_at(root: Path) -> Stamp | None:
    """The stamp of a source that is a file, None for a folder; raises SourceMissing when it is neither.

    Raises StorageFailed when this process has too many files open to tell: then it is not missing.
    """
    try:
        with readable(root, if_exhausted=True):
            if root.is_file():
                return _stamp(root.stat())
            with os.scandir(root):
                return None
    except OSError as error:
        raise SourceMissing(
            f"{root}: a folder of articles or a file is wanted, it cannot be opened ({error.strerror})"
        ) from error


def list_source(root: Path) -> Listing:
    """List a source.

    A folder is walked for the suffixes that there are readers for; hidden names are passed over. A file that
    is named as a source is taken whatever its suffix. Links that lead out of the source, and files that are
    no regular files, are failures. Raises SourceMissing.
    """
    listing = Listing()
    try:
        file = look_at(root)
    except SourceMissing as error:
        raise SourceMissing(
            f"{error}: see that it is there (is its disk mounted?), or name another; `nutgraf forget` does "
            "without one that the index has"
        ) from error
    if file is not None:
        listing.files[root.name] = file
        return listing
    home = root.resolve()
    folders = [(str(root), "")]
    while folders:
        folder, prefix = folders.pop()
        try:
            with os.scandir(folder) as entries:
                found = sorted(entries, key=attrgetter("name"))
        except OSError as error:
            reason = f"the folder cannot be listed ({error.strerror})"
            listing.failures.append(Failure(prefix.rstrip("/") or ".", reason))
            continue
        inner = []
        for entry in found:
            name = entry.name
            if name.startswith("."):
                continue
            # Nearly all are files or folders: for these, what can be told without a call is told here.
            if entry.is_file(follow_symlinks=False):
                if name.lower().endswith(_ENDINGS):
                    _list_file(entry, prefix + name, listing)
            elif entry.is_dir(follow_symlinks=False):
                inner.append((entry.path, f"{prefix}{name}/"))
                listing.folders.add(prefix + name)
            else:
                _list_other(entry, prefix + name, home, listing)
        # The last in goes on first: folders in order, and none of them by recursion, however deep they lie.
        folders += reversed(inner)
    return listing


def _list_file(entry: os.DirEntry[str], below: str, listing: Listing) -> None:
    try:
        status = entry.stat(follow_symlinks=False)
    except OSError as error:
        listing.failures.append(Failure(below, f"it cannot be opened ({error.strerror})"))
    else:
        listing.files[below] = _stamp(status)


def _list_other(entry: os.DirEntry[str], below: str, home: Path, listing: Listing) -> None:
    """List a link, or what is neither a file nor a folder, if it is named as what is read."""
    is_link = entry.is_symlink()
    try:
        # Links to folders are not followed; the walk comes by what is in the source anyway.
        is_linked_folder = is_link and entry.is_dir()
    except OSError:
        is_linked_folder = False  # to itself, perhaps
    if not is_linked_folder and not entry.name.lower().endswith(_ENDINGS):
        return
    # Not Path.resolve(), which raises for a link to itself.
    if is_link and not Path(os.path.realpath(entry.path)).is_relative_to(home):
        listing.failures.append(Failure(below, LEADS_OUT))
    elif not is_linked_folder:
        try:
            status = entry.stat()
        except OSError as error:
            listing.failures.append(Failure(below, f"it cannot be opened ({error.strerror})"))
            return
        if stat.S_ISREG(status.st_mode):
            listing.files[below] = _stamp(status)
        else:
            listing.failures.append(Failure(below, "it is no regular file"))


def _stamp(status: os.stat_result) -> Stamp:
    return Stamp(status.st_size, status.st_mtime_ns, status.st_ctime_ns)

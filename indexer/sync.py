"""Bring an index in step with its sources: planned without touching anything, then done at once."""

from __future__ import annotations

import hashlib
import os
import re
import stat
import time
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

from indexer.catalog import Entry, Stamp
from indexer.errors import SourceMissing
from indexer.model import Article, Failure
from indexer.readers import SUFFIXES

Action = Literal["add", "check", "remove", "keep"]

# File systems keep times in ticks; what was touched this recently may change again within the same tick.
_SETTLED_NS = 2_000_000_000


class Progress(Protocol):
    """Told about long work as it goes on."""

    def start(self, files: int, size: int) -> None:
        """So many files, of so many bytes, are about to be read."""

    def advance(self, size: int) -> None:
        """One more file, of so many bytes, is done."""


class Silence:
    """Progress that nobody watches."""

    def start(self, files: int, size: int) -> None:
        """Say nothing."""

    def advance(self, size: int) -> None:
        """Say nothing."""


@dataclass(frozen=True, slots=True)
class Step:
    """What is to be done with one file, and why."""

    action: Action
    path: str
    why: str


@dataclass(frozen=True, slots=True)
class Change:
    """What was done, or with a dry run would be done, with one article, and why."""

    action: Literal["add", "change", "remove"]
    id: str
    path: str
    why: str


@dataclass(slots=True)
class SyncReport:
    """What a sync did: counts of articles, and everything that could not be read.

    `changes` lists the articles that were added, changed and removed. With `dry_run` nothing was written.
    """

    added: int = 0
    changed: int = 0
    removed: int = 0
    unchanged: int = 0
    files: int = 0
    failed: list[Failure] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    seconds: float = 0.0
    dry_run: bool = False

    def record(self, action: Literal["add", "change", "remove"], name: str, path: str, why: str) -> None:
        """Count one change."""
        self.changes.append(Change(action, name, path, why))
        if action == "add":
            self.added += 1
        elif action == "change":
            self.changed += 1
        else:
            self.removed += 1

    def as_json(self) -> dict[str, Any]:
        """The report as `nutgraf index --json` gives it."""
        return {
            "added": self.added,
            "changed": self.changed,
            "removed": self.removed,
            "unchanged": self.unchanged,
            "files": self.files,
            "failed": [{"path": failure.path, "reason": failure.reason} for failure in self.failed],
            "changes": [{"action": c.action, "id": c.id, "path": c.path, "why": c.why} for c in self.changes],
            "seconds": round(self.seconds, 3),
            "dry_run": self.dry_run,
        }


class Sink(Protocol):
    """Where changed articles go."""

    def remove(self, article_id: str) -> None:
        """Remove the article with this id."""

    def add(self, article: Article) -> None:
        """Add an article whose id is free."""


@dataclass(slots=True)
class Listing:
    """The readable files of a source by path below it, with their stamps (without digests).

    `failures` are files and folders that could not be looked at; what is known of them, or of what is in
    them, still stands.
    """

    files: dict[str, Stamp] = field(default_factory=dict)
    failures: list[Failure] = field(default_factory=list)

    def hides(self, path: str) -> bool:
        """Whether a path lies where the listing could not look."""
        return any(place.path in (path, ".") or path.startswith(f"{place.path}/") for place in self.failures)


def list_source(root: Path) -> Listing:
    """List a source.

    A folder is walked for the suffixes that there are readers for; hidden names are passed over. A file that
    is named as a source is taken whatever its suffix. Links that lead out of the source, and files that are
    no regular files, are failures. Raises SourceMissing.
    """
    listing = Listing()
    try:
        if root.is_file():
            listing.files[root.name] = _stamp(root.stat())
            return listing
        with os.scandir(root):
            pass
    except OSError as error:
        raise SourceMissing(
            f"{root}: a folder of articles or a file is wanted, it cannot be opened ({error.strerror})"
        ) from error
    home = root.resolve()

    def unlisted(error: OSError) -> None:
        place = os.path.relpath(error.filename or root, root)
        listing.failures.append(Failure(place, f"the folder cannot be listed ({error.strerror})"))

    for folder, folders, names in os.walk(root, onerror=unlisted):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        # Links to folders are not followed; the walk comes by what is in the source anyway.
        linked = [name for name in folders if Path(folder, name).is_symlink()]
        for name in sorted(linked + [name for name in names if name[0] != "." and _is_readable(name)]):
            path = Path(folder, name)
            below = path.relative_to(root).as_posix()
            # Not Path.resolve(), which raises for a link to itself.
            if path.is_symlink() and not Path(os.path.realpath(path)).is_relative_to(home):
                listing.failures.append(Failure(below, "the link leads out of the source"))
                continue
            if name in linked:
                continue
            try:
                status = path.stat()
            except OSError as error:
                listing.failures.append(Failure(below, f"it cannot be opened ({error.strerror})"))
                continue
            if stat.S_ISREG(status.st_mode):
                listing.files[below] = _stamp(status)
            else:
                listing.failures.append(Failure(below, "it is no regular file"))
    return listing


def plan(listing: Listing, known: Mapping[str, Entry]) -> list[Step]:
    """What to do with each file of a source, by path: pure, nothing is read."""
    steps = []
    for path in known:
        if path not in listing.files:
            hidden = listing.hides(path)
            steps.append(
                Step("keep", path, "it cannot be looked at")
                if hidden
                else Step("remove", path, "the file is gone")
            )
    for path, stamp in listing.files.items():
        entry = known.get(path)
        if entry is None:
            steps.append(Step("add", path, "the file is new"))
        elif entry.stamp.looks_like(stamp):
            steps.append(Step("keep", path, "size and times are the same"))
        else:
            differs = "size" if entry.stamp.size != stamp.size else "time"
            steps.append(Step("check", path, f"the file's {differs} is another"))
    return sorted(steps, key=lambda step: step.path)


def default_id(root: Path, path: str) -> str:
    """The id of a file's one article: its name made plain, and eight hex digits of its path in the source."""
    stem = re.sub(r"(\.gz)?$", "", Path(path).name).rsplit(".", 1)[0]
    plain = unicodedata.normalize("NFKD", stem).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:48].strip("-") or "article"
    below = os.fsencode(f"{root.name}/{path}")
    return f"{slug}-{hashlib.sha256(below).hexdigest()[:8]}"


def _is_readable(name: str) -> bool:
    lower = name.lower()
    return any(lower.endswith(suffix) for suffix in SUFFIXES)


def _stamp(status: os.stat_result) -> Stamp:
    return Stamp(status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def settled(stamp: Stamp, sha256: str) -> Stamp:
    """A stamp with its digest; without times while the file is too young to trust them."""
    young = time.time_ns() - max(stamp.mtime_ns, stamp.ctime_ns) < _SETTLED_NS
    return Stamp(stamp.size, 0 if young else stamp.mtime_ns, stamp.ctime_ns, sha256)

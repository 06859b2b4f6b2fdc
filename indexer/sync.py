"""Bring an index in step with its sources: planned without touching anything, then done at once."""

from __future__ import annotations

import hashlib
import os
import re
import time
import unicodedata
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

from indexer.catalog import Catalog, Entry, Stamp, digest
from indexer.errors import InvalidArticle, UnreadableDocument
from indexer.listing import list_source, plan
from indexer.model import Article, Failure
from indexer.readers import ReadOptions, read

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


def run(
    roots: list[Path],
    catalog: Catalog,
    sink: Sink,
    options: ReadOptions,
    default_language: str,
    report: SyncReport,
    progress: Progress,
) -> None:
    """Carry out the plans for all roots: changes go to `sink`, `catalog` and `report` are brought up to date.

    A file of which nothing can be made is reported, and what was indexed from it before is removed, since
    the source no longer says it. Where the disk would not give a file, what was indexed from it stays. An id
    that several claim belongs to the app that put it in, else to the first file by source and path: the
    outcome does not depend on the order in which they came.
    """
    work: list[tuple[Path, str, Stamp]] = []
    released: dict[str, tuple[str, str]] = {}
    for root in roots:
        known = catalog.sources.setdefault(str(root), {})
        listing = list_source(root)
        report.failed += listing.failures
        report.files += len(listing.files)
        for step in plan(listing, known):
            if step.action == "keep":
                report.unchanged += len(known[step.path].articles)
                report.failed += [Failure(*failure) for failure in known[step.path].failures]
            elif step.action == "remove":
                for name in known.pop(step.path).articles:
                    released[name] = (step.path, step.why)
            else:
                work.append((root, step.path, listing.files[step.path]))
    progress.start(len(work), sum(stamp.size for _, _, stamp in work))
    reading = _Reading(roots, catalog, sink, options, default_language, report, released)
    pending = [(root, path, stamp) for root, path, stamp in work if reading.is_other(root, path, stamp)]
    checked = len(work) - len(pending)
    for _ in range(checked):
        progress.advance(0)
    for root, path, stamp in pending:
        reading.read(root, path, stamp)
        progress.advance(stamp.size)
    for name, (path, why) in released.items():
        sink.remove(name)
        report.record("remove", name, path, why)


@dataclass(slots=True)
class _Reading:
    roots: list[Path]
    catalog: Catalog
    sink: Sink
    options: ReadOptions
    default_language: str
    report: SyncReport
    released: dict[str, tuple[str, str]]
    """Articles whose file is gone or another: removed at the end, unless a file brings them again."""
    owners: dict[str, tuple[str, str]] = field(init=False)
    before: dict[str, str] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self.owners = self.catalog.owners()

    def is_other(self, root: Path, path: str, stamp: Stamp) -> bool:
        """Whether a file's content differs from what was read before; if so, its articles are let go of."""
        entry = self.catalog.sources[str(root)].get(path)
        if entry is None:
            return True
        if entry.stamp.sha256 and entry.stamp.size == stamp.size:
            try:
                same = _sha256(_open(root, path)) == entry.stamp.sha256
            except OSError as error:
                self._keep(path, entry, error)
                return False
            if same:
                entry.stamp = _settled(stamp, entry.stamp.sha256)
                self.report.unchanged += len(entry.articles)
                self.report.failed += [Failure(*failure) for failure in entry.failures]
                return False
        for name, (mark, _) in entry.articles.items():
            self.released[name] = (path, "it is no longer in the file")
            self.before[name] = mark
            del self.owners[name]
        return True

    def read(self, root: Path, path: str, stamp: Stamp) -> None:
        """Read a file's articles into the sink."""
        files = self.catalog.sources[str(root)]
        before = files.get(path)
        why = "the file changed" if before else "the file is new"
        entry = files[path] = Entry(stamp)
        fallback = self._free_id(root, path)
        try:
            data = _load(root, path, stamp, self.options.max_bytes)
            entry.stamp = _settled(stamp, hashlib.sha256(data).hexdigest())
            for item in self._parse(data, path, fallback):
                if isinstance(item, Failure):
                    entry.failures.append((item.path, item.reason))
                else:
                    self._take(root, path, entry, item, why)
        except (UnreadableDocument, InvalidArticle) as error:
            entry.failures.append((path, str(error)))
            if stamp.size > self.options.max_bytes or path.lower().endswith(".gz"):
                # Tried again with every sync, for the bound may have been raised.
                entry.stamp = Stamp(stamp.size, 0, 0)
        except OSError as error:
            if before:
                files[path] = before
                for name in list(before.articles):
                    if self.released.pop(name, None):
                        self.owners[name] = (str(root), path)
                    else:
                        _lose(path, before, name, self.owners[name][1])
                self._keep(path, before, error)
                return
            entry.stamp = Stamp(stamp.size, 0, 0)
            entry.failures.append((path, f"it cannot be read ({error.strerror or error})"))
        self.report.failed += [Failure(*failure) for failure in entry.failures]

    def _parse(self, data: bytes, path: str, fallback: str) -> list[Article | Failure]:
        try:
            return list(read(data, path, fallback, self.options))
        except (UnreadableDocument, InvalidArticle):
            raise
        except Exception as error:
            # A document that trips its reader must not stop the others.
            raise UnreadableDocument(f"its reader failed ({type(error).__name__}: {error})") from error

    def _keep(self, path: str, entry: Entry, error: OSError) -> None:
        reason = f"it cannot be read ({error.strerror or error}); what was indexed from it before is kept"
        self.report.failed += [Failure(path, reason), *(Failure(*failure) for failure in entry.failures)]
        self.report.unchanged += len(entry.articles)

    def _take(self, root: Path, path: str, entry: Entry, article: Article, why: str) -> None:
        owner = self.owners.get(article.id)
        if owner is not None:
            source, place = owner
            if not source or _order(owner) <= _order((str(root), path)):
                _refuse(path, entry, article.id, place or "an article that an app put in")
                return
            # The first in order has the id, as when the index is made anew.
            other = self.catalog.sources[source][place]
            self.report.failed.append(_lose(place, other, article.id, path))
            self.report.unchanged -= Path(source) in self.roots
            self.released[article.id] = (place, why)
        mark = digest(article)
        self.owners[article.id] = (str(root), path)
        entry.articles[article.id] = (mark, article.language or self.default_language)
        if article.id in self.released:
            del self.released[article.id]
            if self.before.get(article.id) == mark:
                self.report.unchanged += 1
                return
            self.sink.remove(article.id)
            self.report.record("change", article.id, path, why)
        else:
            self.report.record("add", article.id, path, why)
        self.sink.add(article)

    def _free_id(self, root: Path, path: str) -> str:
        wanted = name = default_id(root, path)
        number = 1
        while self.owners.get(name) not in (None, (str(root), path)):
            number += 1
            name = f"{wanted}-{number}"
        return name


def _order(place: tuple[str, str]) -> tuple[Path, str]:
    source, path = place
    return Path(source), path


def _refuse(path: str, entry: Entry, name: str, holder: str) -> Failure:
    entry.failures.append((path, f"the id {name!r} is taken by {holder}"))
    # Tried again with every sync, for the other may go.
    entry.stamp = Stamp(entry.stamp.size, 0, 0)
    return Failure(*entry.failures[-1])


def _lose(path: str, entry: Entry, name: str, holder: str) -> Failure:
    del entry.articles[name]
    return _refuse(path, entry, name, holder)


def default_id(root: Path, path: str) -> str:
    """The id of a file's one article: its name made plain, and eight hex digits of its path in the source."""
    stem = re.sub(r"(\.gz)?$", "", Path(path).name).rsplit(".", 1)[0]
    plain = unicodedata.normalize("NFKD", stem).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:48].strip("-") or "article"
    below = os.fsencode(f"{root.name}/{path}")
    return f"{slug}-{hashlib.sha256(below).hexdigest()[:8]}"


def _settled(stamp: Stamp, sha256: str) -> Stamp:
    young = time.time_ns() - max(stamp.mtime_ns, stamp.ctime_ns) < _SETTLED_NS
    return Stamp(stamp.size, 0 if young else stamp.mtime_ns, stamp.ctime_ns, sha256)


def _open(root: Path, path: str) -> Path:
    return root if root.is_file() else root / path


def _load(root: Path, path: str, stamp: Stamp, most: int) -> bytes:
    if stamp.size > most:
        raise UnreadableDocument(
            f"at most {most // 2**20} MB are wanted, it has {stamp.size / 2**20:.1f}: "
            "split it, or raise max_file_mb"
        )
    with _open(root, path).open("rb") as file:
        return file.read(most + 1)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

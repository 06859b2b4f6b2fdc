"""Apply a plan: read new and changed files, update the catalog, give changed articles to a sink."""

from __future__ import annotations

import hashlib
import os
import time
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple, Protocol

from msgspec.structs import replace

from indexer import limits
from indexer.article import Failure, record_name
from indexer.engine import Chunk
from indexer.errors import SourceShrunk
from indexer.files.source_file import open_file, source_folder
from indexer.readers import ReadOptions, describe_limits, needs_extra
from indexer.reports import SyncReport, add_counts
from indexer.sources import Source
from indexer.sync.aliases import carry_aliases
from indexer.sync.catalog import (
    STABLE,
    Catalog,
    Contents,
    Entry,
    FileState,
    Reading,
    Skipped,
    Stamp,
    pause_gc,
    to_failures,
)
from indexer.sync.guards import refuse_shrunk
from indexer.sync.listing import Listing
from indexer.sync.options import SyncOptions
from indexer.sync.plan import TO_READ, default_id, make_plan
from indexer.sync.tasks import Outline, Part, PartResult, make_tasks
from indexer.sync.worker_pool import count_workers, read_all

# File systems keep times in ticks; a file modified this recently may change again within the same tick.
_YOUNG_NS = 2_000_000_000
_REASONS = {
    FileState.NEW: "the file is new",
    FileState.CHANGED: "the file changed",
    FileState.OUTDATED: "the options of its source changed",
    FileState.RENAMED: "the file was renamed",
    FileState.MISSING: "the file is missing",
}


class Sink(Protocol):
    """Where changed articles go."""

    @property
    def dictionary(self) -> bytes:
        """The dictionary with which stored texts are compressed; empty as long as there is none."""

    def remove(self, article_id: str) -> None:
        """Remove the article with this id."""

    def take(self, chunk: Chunk, numbers: array[int]) -> None:
        """Add articles whose ids are free; `numbers` are those of the forms of the chunk's gatherer."""


class NullSink:
    """A sink that drops all changes, for a sync of which only the catalog and the report are wanted."""

    dictionary = b""

    def remove(self, article_id: str) -> None:
        """Remove nothing."""

    def take(self, chunk: Chunk, numbers: array[int]) -> None:
        """Add nothing."""


def sync_sources(
    listings: Mapping[Path, Listing], catalog: Catalog, sink: Sink, report: SyncReport, options: SyncOptions
) -> None:
    """Plan and apply a sync of the listed sources: `catalog` and `report` are updated, changes go to `sink`.

    A file that cannot be made into articles is reported, and the articles indexed from it before are removed,
    since the source no longer has them. If the disk fails to deliver a file, or reading it exceeds a limit,
    they are kept. An article whose id is taken, by an earlier record of its file or by an article added
    through the API, is reported and skipped. An article that gets another id is found by the one that it had.

    Raises SourceShrunk if a source has lost too much (see `refuse_shrunk`), unless the options allow it; a
    dry run reports it instead.
    """
    config, progress = options.config, options.progress
    read_options = options.read_options(Source(Path()))
    changes, planned, before = _plan_changes(listings, catalog, sink, report, options)
    progress.start(len(planned), sum(file.stamp.size for file in planned))
    files = [file for file in planned if changes.has_changed(file)]
    for _ in range(len(planned) - len(files)):
        progress.advance(0)
    jobs = count_workers(
        [(file.folder, file.path, file.stamp.size) for file in files], config.jobs or os.cpu_count() or 1
    )
    tasks = make_tasks(changes.make_parts(files, options.stop), read_options.max_bytes)
    by_place = {(file.folder, file.path): file for file in files}
    # Closed whatever happens, so that no worker outlives the sync.
    with closing(read_all(tasks, read_options, config.language, jobs, lambda: sink.dictionary)) as reading:
        for parts, results, chunk, numbers in reading:
            wanted: list[bool] = []
            for part, result in zip(parts, results, strict=True):
                file = by_place[part.folder, part.path]
                if file.entry is None:
                    progress.advance(file.stamp.size)
                wanted += changes.accept(file, result, is_piece=part.data is not None)
            sink.take(chunk.select(wanted), numbers)
    with pause_gc():
        report.interrupted = any(file.entry is None for file in files)
        if report.interrupted:
            changes.restore_unread(files)
        changes.restore_unread_parts(files)
        if changes.released:
            carry_aliases(before, catalog.aliases, catalog, changes.owners)
        try:
            if changes.released and not options.allow_mass_delete:
                refuse_shrunk(before, catalog, listings)
        except SourceShrunk as error:
            if not report.dry_run:
                raise
            report.refused = str(error)
        changes.remove_released()
        report.failed[:] = to_failures((failure.path, failure.reason) for failure in report.failed)


@pause_gc()
def _plan_changes(
    listings: Mapping[Path, Listing], catalog: Catalog, sink: Sink, report: SyncReport, options: SyncOptions
) -> tuple[_Changes, list[_File], Contents]:
    """Plan a sync: its changes so far, the files that may have to be read, and what sources held before."""
    max_bytes = options.read_options(Source(Path())).max_bytes
    own_options: dict[str, ReadOptions] = {}
    for root in listings:
        source = options.config.source_at(root)
        catalog.set_reading(str(root), Reading(source.fingerprint, source.name))
        if source.fingerprint:
            own_options[str(root)] = options.read_options(source)
    catalog.set_limits(describe_limits(max_bytes))
    plans = {
        root: make_plan(catalog.sources.setdefault(str(root), {}), listing)
        for root, listing in listings.items()
    }
    states = {state for plan in plans.values() for state in plan.values()}
    # If no file has to be read and none is missing, nothing is lost: there is nothing to compare.
    is_same = states.isdisjoint({*TO_READ, FileState.MISSING})
    before = {} if is_same else catalog.contents()
    changes = _Changes(
        catalog,
        sink,
        report,
        max_bytes=max_bytes,
        options=own_options,
        owners=catalog.owners(),
    )
    planned = [file for root, plan in plans.items() for file in changes.begin(root, plan, listings[root])]
    return changes, planned, before


@dataclass(slots=True, eq=False)
class _File:
    """A file that is new, changed or missing, and what the catalog had of it before (`known`)."""

    source: str
    path: str
    folder: str
    stamp: Stamp
    state: FileState
    known: Entry | None
    entry: Entry | None = None
    """Its entry after this sync; None until its first result arrives."""
    partially_read: bool = False
    article_id: str = ""
    """See `Entry`."""

    @property
    def owner(self) -> tuple[str, str]:
        """How `_Changes.owners` names the file."""
        return self.source, self.path


class _Released(NamedTuple):
    """An article that its file does not have any more; `digest` if the file itself is still there."""

    path: str
    reason: str
    digest: str = ""


@dataclass(slots=True)
class _Changes:
    """What a sync does to the articles: which file owns each id, and which have lost theirs so far."""

    catalog: Catalog
    sink: Sink
    report: SyncReport
    max_bytes: int
    options: Mapping[str, ReadOptions]
    """How the files of sources with options of their own are read."""
    owners: dict[str, tuple[str, str]]
    """The source and path that each id belongs to; two empty strings for the API."""
    released: dict[str, _Released] = field(default_factory=dict)
    """Articles to remove at the end, unless a file that is read in between has them."""
    missing: list[_File] = field(default_factory=list)
    missing_digests: set[str] = field(default_factory=set)

    def begin(self, root: Path, plan: Mapping[str, FileState], listing: Listing) -> list[_File]:
        """Count the unchanged files of a source and release the missing ones; returns the files to read."""
        to_read: list[_File] = []
        source = str(root)
        folder, entries = source_folder(root), self.catalog.sources[source]
        self.report.failed += listing.failures
        add_counts(self.report.kinds_not_read, listing.kinds_not_read)
        self.catalog.skipped[source] = Skipped(
            [(failure.path, failure.reason) for failure in listing.failures], listing.kinds_not_read
        )
        self.report.files += len(listing.files)
        for path, state in plan.items():
            known = entries.get(path)
            if state in TO_READ:
                to_read.append(_File(source, path, folder, listing.files[path], state, known))
            elif known is not None and state is FileState.MISSING:
                del entries[path]
                self.missing.append(_File(source, path, folder, known.stamp, state, known))
                self.missing_digests |= {known.stamp.sha256} - {""}
                for article_id in known.articles:
                    self._release(article_id, _Released(path, _REASONS[state]))
            elif known is not None:
                self._count_unchanged(known)
        return to_read

    def has_changed(self, file: _File) -> bool:
        """Whether a file's content is new; if so, its articles are released until it has been read."""
        known = file.known
        if known is None:
            return True
        may_be_same = file.state is not FileState.OUTDATED
        if may_be_same and known.stamp.sha256 and known.stamp.size == file.stamp.size:
            try:
                with open_file(file.folder, file.path) as opened:
                    is_same = hashlib.file_digest(opened, "sha256").hexdigest() == known.stamp.sha256
            except OSError as error:
                self.report.failed.append(Failure(*_describe_kept(file, error.strerror or str(error))))
                self._count_unchanged(known)
                return False
            if is_same:
                known.stamp = replace(file.stamp, sha256=known.stamp.sha256)
                known.state = _unless_young(FileState.UNCHANGED, file.stamp)
                self._count_unchanged(known)
                return False
        for article_id, (digest, _) in known.articles.items():
            self._release(article_id, _Released(file.path, "it is no longer in the file", digest))
        return True

    def make_parts(self, files: Iterable[_File], stop: Callable[[], bool] | None) -> Iterator[Part]:
        """The files to read, each with its id: the one that it has, or one that is free."""
        taken = {entry.article_id for _, _, entry in self.catalog.entries()}
        roots = {source: Path(source) for source in self.catalog.sources}
        labels = {source: self.catalog.label(source) for source in roots}
        for file in files:
            if stop and stop():
                return
            file.article_id = file.known.article_id if file.known else ""
            if not file.article_id:
                wanted = free = default_id(roots[file.source], file.path)
                number = 1
                while free in taken or self.owners.get(free) not in (None, file.owner):
                    number += 1
                    free = f"{wanted}-{number}"
                taken.add(free)
                file.article_id = free
            yield Part(
                file.folder,
                file.path,
                file.article_id,
                file.stamp.size,
                source=labels[file.source],
                options=self.options.get(file.source),
            )

    def accept(self, file: _File, result: PartResult, *, is_piece: bool) -> list[bool]:
        """Enter a result into the catalog; returns whether to index it, for each article in the result."""
        is_whole = not (is_piece or result.is_more or result.found)
        if result.refusal is not None and is_whole:
            self._refuse(file, result.refusal, is_limited=result.is_limited)
            return []
        if file.entry is None:
            file.entry = Entry(replace(file.stamp, sha256=result.sha256), article_id=file.article_id)
            file.entry.state = _unless_young(FileState.UNCHANGED, file.stamp)
            self.catalog.sources[file.source][file.path] = file.entry
            if file.state is FileState.NEW and result.sha256 in self.missing_digests:
                file.state = FileState.RENAMED
        wanted: list[bool] = []
        for item in result.found:
            if isinstance(item, Failure):
                self._fail(file.entry, item.path, item.reason)
            else:
                wanted.append(self._claim(file, file.entry, item))
        if result.refusal is not None:
            # The other pieces are read all the same, and the articles that this piece had are kept.
            file.partially_read = True
            self._fail(file.entry, file.path, f"a part of it cannot be read ({result.refusal})")
            _set_incomplete(file.entry, FileState.REFUSED if result.is_limited else FileState.UNREADABLE)
        elif result.is_limited:
            file.partially_read |= result.is_partial
            _set_incomplete(file.entry, FileState.REFUSED)
        add_counts(file.entry.not_read, result.not_read)
        add_counts(self.report.kinds_not_read, result.not_read)
        if any(map(needs_extra, result.not_read)):
            # They are read as soon as the extra is installed, which changes the limits.
            _set_incomplete(file.entry, FileState.REFUSED)
        return wanted

    def restore_unread(self, files: Sequence[_File]) -> None:
        """Keep the articles that are not known to be indexed from elsewhere now: not all files were read."""
        for file in (*files, *self.missing):
            if file.known is None:
                continue
            is_released = any(article_id in self.released for article_id in file.known.articles)
            if file.entry is not None:
                file.partially_read |= is_released
            elif is_released or file.state is not FileState.MISSING:
                self._restore(file, file.known)
                self.report.unchanged += len(file.known.articles)

    def restore_unread_parts(self, files: Sequence[_File]) -> None:
        """Keep the articles that may be in the unread parts of files that were partially read."""
        for file in files:
            if not file.partially_read or file.entry is None:
                continue
            if self.report.interrupted:
                _set_incomplete(file.entry, FileState.PARTLY_READ)
            for article_id, article in file.known.articles.items() if file.known else ():
                if self.released.pop(article_id, None):
                    file.entry.articles[article_id] = article
                    self.owners[article_id] = file.owner
                    self.report.unchanged += 1

    def remove_released(self) -> None:
        """Remove the articles that no file has any more."""
        for article_id, (path, reason, _) in self.released.items():
            self.sink.remove(article_id)
            self.report.record("remove", article_id, path, reason)

    def _release(self, article_id: str, released: _Released) -> None:
        self.released[article_id] = released
        del self.owners[article_id]

    def _count_unchanged(self, entry: Entry) -> None:
        self.report.unchanged += len(entry.articles)
        if entry.failures:
            self.report.failed += to_failures(entry.failures)
        if entry.not_read:
            add_counts(self.report.kinds_not_read, entry.not_read)

    def _fail(self, entry: Entry, path: str, reason: str) -> None:
        entry.failures.append((path, reason))
        self.report.failed.append(Failure(path, reason))

    def _refuse(self, file: _File, reason: str, *, is_limited: bool) -> None:
        """Keep what was indexed from a file that could not be read."""
        refused = _unless_young(FileState.REFUSED, file.stamp) if is_limited else FileState.UNREADABLE
        if file.known is None or not file.known.articles:
            file.entry = self.catalog.sources[file.source][file.path] = Entry(
                file.stamp, state=refused, article_id=file.article_id
            )
            self._fail(file.entry, file.path, f"cannot be read ({reason})")
            return
        self._restore(file, file.known)
        file.entry = known = file.known
        kept = _describe_kept(file, reason)
        if is_limited:
            known.stamp, known.state, known.failures = file.stamp, refused, [kept]
        else:
            # The entry still describes the version before; since that differs, the next sync reads the file.
            self.report.failed.append(Failure(*kept))
        self._count_unchanged(known)

    def _restore(self, file: _File, known: Entry) -> None:
        """Give a file its entry and its articles back, except articles that another file has by now."""
        self.catalog.sources[file.source][file.path] = known
        for article_id in list(known.articles):
            if self.released.pop(article_id, None):
                self.owners[article_id] = file.owner
            else:
                del known.articles[article_id]
                _refuse_id(file.path, known, article_id, self.owners[article_id][1])

    def _claim(self, file: _File, entry: Entry, article: Outline) -> bool:
        """Make a file the owner of an article's id, if it may be; returns whether to index the article."""
        max_articles = limits.max_articles(max(self.max_bytes, file.stamp.size))
        if len(entry.articles) >= max_articles:
            reason = f"has more than {max_articles:,} articles; the rest were skipped: split the file"
            if (file.path, reason) not in entry.failures:
                self._fail(entry, file.path, reason)
                _set_incomplete(entry, FileState.REFUSED)
            return False
        owner = self.owners.get(article.id)
        if owner == file.owner:
            self._fail(entry, file.path, f"the id {record_name(article.id)!r} is taken by {file.path}")
            return False
        if owner is not None:
            holder = owner[1] or "an article added through the API"
            self.report.failed.append(_refuse_id(file.path, entry, article.id, holder))
            return False
        released = self.released.pop(article.id, None)
        self.owners[article.id] = file.owner
        entry.articles[article.id] = (article.digest, article.language)
        if released and released.digest == article.digest:
            self.report.unchanged += 1
            return False
        if released:
            self.sink.remove(article.id)
        action: Literal["add", "change"] = "change" if released else "add"
        self.report.record(action, article.id, file.path, _REASONS[file.state])
        return True


def _unless_young(state: FileState, stamp: Stamp) -> FileState:
    """The state of a file that was read now: CHANGED if it is too young for its times to be trusted."""
    is_young = time.time_ns() - max(stamp.mtime_ns, stamp.ctime_ns) < _YOUNG_NS
    return FileState.CHANGED if is_young else state


def _set_incomplete(entry: Entry, state: FileState) -> None:
    """Set the state of a file that was not read in full, unless the next sync reads it anyway."""
    entry.stamp = replace(entry.stamp, sha256="")
    if entry.state in STABLE:
        entry.state = state


def _refuse_id(path: str, entry: Entry, article_id: str, holder: str) -> Failure:
    entry.failures.append((path, f"the id {article_id!r} is taken by {holder}"))
    # It is read with every sync, because the holder may lose the id.
    _set_incomplete(entry, FileState.PARTLY_READ)
    return Failure(*entry.failures[-1])


def _describe_kept(file: _File, reason: str) -> tuple[str, str]:
    return file.path, f"cannot be read ({reason}); what was indexed from it before is kept"

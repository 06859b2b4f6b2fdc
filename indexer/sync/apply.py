"""Carry out a sync: read what changed, keep the catalog true, and hand over what has to be indexed."""

from __future__ import annotations

import hashlib
import os
from array import array
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from indexer import allowance
from indexer.article import Failure
from indexer.engine import Chunk
from indexer.errors import SourceShrunk, UnreadableDocument
from indexer.files.source_file import file_of, open_file, read_whole
from indexer.readers import ReadOptions
from indexer.sync.catalog import Catalog, Entry, Stamp, settled
from indexer.sync.guards import held, refuse_shrunk
from indexer.sync.listing import Listing
from indexer.sync.plan import default_id, plan
from indexer.sync.report import Progress, SyncReport
from indexer.sync.tasks import SPLIT, Outline, Part, PartResult, divide, is_divisible
from indexer.sync.worker_pool import count_workers, read_all, weight

# Small files are read together, so that handing them over is no work.
_TASK_BYTES, _TASK_FILES = 1 << 18, 64


class Sink(Protocol):
    """Where changed articles go."""

    def remove(self, article_id: str) -> None:
        """Remove the article with this id."""

    def take(self, chunk: Chunk, numbers: array[int]) -> None:
        """Add articles whose ids are free; `numbers` are those of the forms of the chunk's gatherer."""


def run(
    listings: Mapping[Path, Listing],
    catalog: Catalog,
    sink: Sink,
    options: ReadOptions,
    default_language: str,
    report: SyncReport,
    progress: Progress,
    jobs: int,
    *,
    stop: Callable[[], bool],
    allow_mass_delete: bool,
) -> None:
    """Carry out the plans for all sources, as listed.

    Changes go to `sink`; `catalog` and `report` are brought up to date.

    A file of which nothing can be made is reported, and what was indexed from it before is removed, since
    the source no longer says it. Where the disk would not give a file, what was indexed from it stays. An id
    that several claim belongs to the app that put it in, else to the first file by source and path: the
    outcome does not depend on the order in which they came.
    `jobs` processes read (0: one for each core).

    As soon as `stop` says so, no other file is begun: what was read is kept, and nothing is removed. Raises
    SourceShrunk where a source has lost too much (see `refuse_shrunk`), unless that is allowed or only tried.
    """
    catalog.go_by(allowance.limits(options.max_bytes))
    work: list[tuple[Path, str, Stamp]] = []
    state = _Reconciling(list(listings), catalog, options, default_language, report)
    plans = {
        root: plan(listing, catalog.sources.setdefault(str(root), {})) for root, listing in listings.items()
    }
    # Where nothing changes nothing can be lost, and to look at everything takes a while.
    is_same = all(step.action == "keep" for steps in plans.values() for step in steps)
    before = {} if is_same else held(catalog, map(str, listings))
    for root, listing in listings.items():
        known = catalog.sources[str(root)]
        report.failed += listing.failures
        report.files += len(listing.files)
        for step in plans[root]:
            if step.action == "keep":
                report.unchanged += len(known[step.path].articles)
                report.failed += [Failure(*failure) for failure in known[step.path].failures]
            elif step.action == "remove":
                state.let_go(root, step.path, step.why)
            else:
                work.append((root, step.path, listing.files[step.path]))
    progress.start(len(work), sum(stamp.size for _, _, stamp in work))
    pending = [(root, path, stamp) for root, path, stamp in work if state.is_other(root, path, stamp)]
    for _ in range(len(work) - len(pending)):
        progress.advance(0)
    jobs = count_workers(pending, jobs or os.cpu_count() or 1)
    # Closed at once whatever happens, so that no worker outlives the run.
    with closing(read_all(state.tasks(pending, stop), options, default_language, jobs)) as reading:
        for parts, results, chunk, numbers in reading:
            wanted: list[bool] = []
            for part, result in zip(parts, results, strict=True):
                for name, is_wanted in state.accept(part, result):
                    if is_wanted and name in state.replaced:
                        sink.remove(name)
                    wanted.append(is_wanted)
                if part.first_line == 1 and not result.is_more:
                    progress.advance(state.pending[part.file][2].size)
            sink.take(chunk.only(wanted), numbers)
    if len(state.previous) < len(pending):
        report.interrupted = True
        state.take_back(pending)
    state.mend()
    try:
        if state.released and not allow_mass_delete:
            refuse_shrunk(before, catalog, listings)
    except SourceShrunk as error:
        if not report.dry_run:
            raise
        report.refused = str(error)
    for name, (path, why) in state.released.items():
        sink.remove(name)
        report.record("remove", name, path, why)


@dataclass(slots=True)
class _Reconciling:
    roots: list[Path]
    catalog: Catalog
    options: ReadOptions
    default_language: str
    report: SyncReport
    released: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Articles whose file is gone or another: removed at the end, unless a file brings them again."""
    replaced: set[str] = field(default_factory=set)
    """Articles that take the place of what is indexed under their id."""
    pending: dict[Path, tuple[Path, str, Stamp]] = field(default_factory=dict)
    """What is being read, by file: its source, its path there and its stamp."""
    owners: dict[str, tuple[str, str]] = field(init=False)
    before: dict[str, str] = field(init=False, default_factory=dict)
    previous: dict[Path, Entry | None] = field(init=False, default_factory=dict)
    digests: dict[Path, str] = field(init=False, default_factory=dict)
    reserved: set[str] = field(init=False, default_factory=set)
    holed: dict[Path, Entry | None] = field(init=False, default_factory=dict)
    """Files of which a piece could not be read, with what was known of them before."""
    gone: list[tuple[Path, str, Entry]] = field(init=False, default_factory=list)
    """Files that are there no more, with what was known of them."""

    def __post_init__(self) -> None:
        self.owners = self.catalog.owners()

    def let_go(self, root: Path, path: str, why: str) -> None:
        """Forget a file, and let go of its articles."""
        entry = self.catalog.sources[str(root)].pop(path)
        self.gone.append((root, path, entry))
        for name in entry.articles:
            self.released[name] = (path, why)
            del self.owners[name]

    def is_other(self, root: Path, path: str, stamp: Stamp) -> bool:
        """Whether a file's content differs from what was read before; if so, its articles are let go of."""
        entry = self.catalog.sources[str(root)].get(path)
        if entry is None:
            return True
        if entry.stamp.sha256 and entry.stamp.size == stamp.size:
            try:
                with open_file(file_of(root, path), path) as file:
                    same = hashlib.file_digest(file, "sha256").hexdigest() == entry.stamp.sha256
            except OSError as error:
                self._keep(path, entry, error.strerror or str(error))
                return False
            if same:
                entry.stamp = settled(stamp, entry.stamp.sha256)
                self.report.unchanged += len(entry.articles)
                self.report.failed += [Failure(*failure) for failure in entry.failures]
                return False
        for name, (mark, _) in entry.articles.items():
            self.released[name] = (path, "it is no longer in the file")
            self.before[name] = mark
            del self.owners[name]
        return True

    def tasks(self, pending: list[tuple[Path, str, Stamp]], stop: Callable[[], bool]) -> Iterator[list[Part]]:
        """What is to be read, in tasks: small files together, long JSON Lines in pieces."""
        group: list[Part] = []
        sources: dict[Path, str] = {}
        size = 0
        for root, path, stamp in pending:
            if stop():
                return
            if root not in sources:
                sources[root] = root.as_uri()
            part = Part(
                file_of(root, path), path, self._free_id(root, path), stamp.size, source=sources[root]
            )
            self.pending[part.file] = (root, path, stamp)
            lines = self._lines(part) if stamp.size > 2 * SPLIT else None
            if lines is not None:
                if group:
                    yield group
                group, size = [], 0
                yield from ([piece] for piece in divide(part, lines))
                continue
            group.append(part)
            size += weight(path, stamp)
            if size >= _TASK_BYTES or len(group) >= _TASK_FILES:
                yield group
                group, size = [], 0
        if group:
            yield group

    def accept(self, part: Part, result: PartResult) -> Iterator[tuple[str, bool]]:
        """Enter what was read into the catalog; yields each article's id, and whether to index it."""
        root, path, stamp = self.pending[part.file]
        files = self.catalog.sources[str(root)]
        is_first = part.first_line == 1 and not result.is_more
        if is_first:
            self.previous[part.file] = files.get(path)
            files[path] = Entry(stamp)
        entry, before = files[path], self.previous[part.file]
        if result.refusal is not None and part.data is None:
            self._refused(part.file, before, result.refusal, is_limited=result.is_limited)
            return
        if result.refusal is not None:
            # The other pieces of the file are read all the same; what this one had is not known to be gone.
            self.holed[part.file] = before
            entry.failures.append((path, f"a part of it cannot be read ({result.refusal})"))
            self.report.failed.append(Failure(*entry.failures[-1]))
            return
        if is_first:
            entry.stamp = settled(stamp, self.digests.get(part.file) or result.sha256)
        seen, most = len(entry.failures), allowance.articles(self.options.max_bytes)
        is_limited = result.is_limited
        for item in result.found:
            if isinstance(item, Failure):
                entry.failures.append((item.path, item.reason))
            elif len(entry.articles) < most:
                why = "the file changed" if before else "the file is new"
                yield item.id, self._take(root, path, entry, item, why)
            else:
                is_limited = True
                yield item.id, False
        if is_limited and not result.is_limited and entry.stamp.sha256:
            entry.failures.append(
                (path, f"at most {most:,} articles are wanted in one file, the others are left out: split it")
            )
        if is_limited:
            entry.stamp = settled(stamp, "")
        self.report.failed += [Failure(*failure) for failure in entry.failures[seen:]]

    def mend(self) -> None:
        """Keep what was indexed from files of which not every piece was read."""
        for file, before in self.holed.items():
            root, path, stamp = self.pending[file]
            entry = self.catalog.sources[str(root)][path]
            # Tried again with the next sync, unless what was not read had taken too much.
            entry.stamp = Stamp(stamp.size, 0, 0) if self.report.interrupted else settled(stamp, "")
            for name, known in before.articles.items() if before else ():
                if self.released.pop(name, None):
                    entry.articles[name] = known
                    self.owners[name] = (str(root), path)
                    self.report.unchanged += 1

    def take_back(self, pending: list[tuple[Path, str, Stamp]]) -> None:
        """Keep everything that is not known to be indexed from elsewhere now, for not all was read."""
        for file, before in self.previous.items():
            if before and any(name in self.released for name in before.articles):
                self.holed[file] = before
        unread = [(root, path) for root, path, _ in pending if file_of(root, path) not in self.previous]
        known = [(root, path, self.catalog.sources[str(root)].get(path)) for root, path in unread]
        known += [gone for gone in self.gone if any(name in self.released for name in gone[2].articles)]
        for root, path, entry in known:
            if entry:
                self._give_back(root, path, entry)
                self.report.unchanged += len(entry.articles)

    def _lines(self, part: Part) -> bytes | None:
        """The content of a file whose lines can be read apart."""
        try:
            data = read_whole(part.file, part.path, self.options.max_bytes)
        except (OSError, UnreadableDocument):
            return None  # whoever reads it says so
        if not is_divisible(part, data):
            return None
        self.digests[part.file] = hashlib.sha256(data).hexdigest()
        return data

    def _refused(self, file: Path, before: Entry | None, reason: str, *, is_limited: bool) -> None:
        root, path, stamp = self.pending[file]
        # What takes too much is tried again when it is another, or the limits are; what the disk would not
        # give, each time.
        tried = settled(stamp, "") if is_limited else Stamp(stamp.size, 0, 0)
        if before is None:
            entry = self.catalog.sources[str(root)][path]
            entry.stamp = tried
            entry.failures.append((path, f"it cannot be read ({reason})"))
            self.report.failed.append(Failure(*entry.failures[-1]))
            return
        self._give_back(root, path, before)
        if is_limited:
            before.stamp, before.failures = tried, []
            kept = self._keep(path, before, reason)
            before.failures = [kept]
        else:
            self._keep(path, before, reason)

    def _give_back(self, root: Path, path: str, before: Entry) -> None:
        """Let a file have what was known of it, but for the articles that have come from elsewhere."""
        self.catalog.sources[str(root)][path] = before
        for name in list(before.articles):
            if self.released.pop(name, None):
                self.owners[name] = (str(root), path)
            else:
                _lose(path, before, name, self.owners[name][1])

    def _keep(self, path: str, entry: Entry, reason: str) -> tuple[str, str]:
        """Leave a file's articles as they are; returns what is said of it, as a path and a reason."""
        kept = (path, f"it cannot be read ({reason}); what was indexed from it before is kept")
        self.report.failed += [Failure(*failure) for failure in (kept, *entry.failures)]
        self.report.unchanged += len(entry.articles)
        return kept

    def _take(self, root: Path, path: str, entry: Entry, article: Outline, why: str) -> bool:
        """Whether an article has to be indexed."""
        owner = self.owners.get(article.id)
        if owner is not None:
            source, place = owner
            if not source or _order(owner) <= _order((str(root), path)):
                _refuse(path, entry, article.id, place or "an article that an app put in")
                return False
            # The first in order has the id, as when the index is made anew.
            other = self.catalog.sources[source][place]
            self.report.failed.append(_lose(place, other, article.id, path))
            self.report.unchanged -= Path(source) in self.roots
            self.released[article.id] = (place, why)
        self.owners[article.id] = (str(root), path)
        entry.articles[article.id] = (article.digest, article.language)
        if article.id not in self.released:
            self.report.record("add", article.id, path, why)
            return True
        del self.released[article.id]
        if self.before.get(article.id) == article.digest:
            self.report.unchanged += 1
            return False
        self.replaced.add(article.id)
        self.report.record("change", article.id, path, why)
        return True

    def _free_id(self, root: Path, path: str) -> str:
        wanted = name = default_id(root, path)
        number = 1
        while name in self.reserved or self.owners.get(name) not in (None, (str(root), path)):
            number += 1
            name = f"{wanted}-{number}"
        self.reserved.add(name)
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

"""Keep an index in step with its sources while they change: what to watch, when to sync and when to retry.

The system tells of changes (watchfiles: inotify, FSEvents …), which are collected into batches. A batch syncs
each source that it is about as a whole, so that nothing depends on which files the system named. What it
does not tell is looked for: a source that was deleted, unmounted or replaced is no longer the folder that is
watched, and all sources are synced once an hour.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path

from indexer.errors import ConfigError, NutgrafError, SourceMissing, SourceShrunk, StorageFailed
from indexer.readers import find_unread_kind
from indexer.reports import SyncReport
from indexer.store.source_paths import SourcePath, resolve_sources
from indexer.store.update import WritableIndex, sync
from indexer.sync import IGNORE_FILE, Progress, check_source

_TICK = 1_000
"""Milliseconds after which sources are compared with those that are watched."""
_QUIET, _LONGEST = 500, 5_000
"""Milliseconds without a change that end a batch, and the most that a batch lasts."""
_FULL_SYNC = 3600.0
"""Seconds after which all sources are synced: the system may have dropped changes, or mounted a disk."""
_PAUSE, _LONGEST_PAUSE = 1.0, 60.0
"""Seconds after which a batch that failed is tried again: twice as long each time."""
_SHORTEST_POLL, _LONGEST_POLL = 0.1, 86_400.0
"""Seconds between two listings of the sources, where a user asks for listing (`poll`)."""

Outcome = SyncReport | NutgrafError
"""The report of a batch, or the error that kept it from being committed."""
_Identity = tuple[int, int] | None


def watch(
    index: WritableIndex,
    sources: Sequence[SourcePath],
    *,
    poll: float | None,
    progress: Progress | None,
    stop: Callable[[], bool] | None,
) -> Iterator[Outcome]:
    """See `Index.watch`."""
    if poll is not None and not _SHORTEST_POLL <= poll <= _LONGEST_POLL:
        raise ConfigError(f"must be from {_SHORTEST_POLL:g} to {_LONGEST_POLL:,.0f} seconds", "poll")
    try:
        # Imported here, since only watching needs it.
        import watchfiles  # noqa: F401
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"watching needs watchfiles, and {error.name} is not installed: pip install 'nutgraf[watch]'"
        ) from error
    watcher = _Watcher(index, tuple(sources), poll, progress, stop or (lambda: False))
    watcher.find_roots()
    for root in watcher.roots:
        if str(root) not in watcher.known:
            try:
                check_source(root)
            except SourceMissing as error:
                raise SourceMissing(f"{error}. Give a folder: nutgraf watch FOLDER") from error
    return watcher.run()


@dataclass(eq=False, slots=True)
class _Watcher:
    """The sources that are watched, and what is to be done with them."""

    index: WritableIndex
    given: tuple[SourcePath, ...]
    poll: float | None
    progress: Progress | None
    stop: Callable[[], bool]
    known: tuple[str, ...] = ()
    """The sources of the index, as of `commit`."""
    commit: tuple[str, int] | None = None
    roots: tuple[Path, ...] = ()
    due: set[Path] = field(default_factory=set)
    """The sources to sync."""
    retry_at: float = 0.0
    pause: float = _PAUSE
    standing: dict[Path, str] = field(default_factory=dict)
    """The error that was last reported of a source, until it is synced."""
    ignores_denied: bool = False
    """Whether errors of permission are ignored: only after one, because that hides other errors, too."""
    failure: str = ""
    """Why the sources cannot be watched, as it was reported."""

    def run(self) -> Iterator[Outcome]:
        """Yield what each batch did, until `stop`."""
        while not self.stop():
            # Before watching starts, so that a folder that is replaced meanwhile is noticed.
            watched = {root: _identify(root) for root in self.roots}
            self.due.update(self.roots)
            full_sync_at = time.monotonic() + _FULL_SYNC
            try:
                with closing(self._notice(watched)) as ticks:
                    for is_batch in ticks:
                        self.failure = ""
                        with suppress(NutgrafError):  # which the next batch reports
                            self.find_roots()
                        if watched != {root: _identify(root) for root in self.roots}:
                            break
                        if time.monotonic() >= full_sync_at:
                            break
                        if self.due and time.monotonic() >= self.retry_at:
                            yield from self._sync_due(is_batch=is_batch)
            except StorageFailed as error:
                if self.failure != str(error):
                    self.failure = str(error)
                    yield error
                yield from self._sync_due(is_batch=False)
                self._wait(_LONGEST_PAUSE)

    def find_roots(self) -> None:
        """Find the sources to watch: those given, or all of the index and of the configuration.

        Raises NutgrafError if the index cannot be read.
        """
        commit = self.index.commit
        if commit is not None and commit != self.commit:
            self.known = self.index.load_sources()
        self.commit = commit
        self.roots = tuple(resolve_sources(self.index.config, self.given, self.known))
        self.due.intersection_update(self.roots)

    def _notice(self, watched: dict[Path, _Identity]) -> Generator[bool]:
        """Wait for changes of sources, which become due; yields whether there were any, at least each tick.

        The first time means that watching has started. A source that is deleted or moved away is no longer
        `watched`. Ends if watching has to start again; raises StorageFailed if it cannot start.
        """
        from watchfiles import Change, watch

        index = _as_prefix(self.index.config.index.resolve())
        prefixes = {_as_prefix(root): root for root in watched}

        def find_root(path: str) -> Path | None:
            return next((root for prefix, root in prefixes.items() if f"{path}/".startswith(prefix)), None)

        def concerns(_: Change, path: str) -> bool:
            root = find_root(path)
            return root is not None and not f"{path}/".startswith(index) and _may_be_read(root, path)

        has_started = False
        try:
            for changes in watch(
                *(root for root, identity in watched.items() if identity),
                watch_filter=concerns,
                debounce=_LONGEST,
                step=_QUIET,
                stop_event=_StopEvent(self.stop),
                rust_timeout=_TICK,
                yield_on_timeout=True,
                force_polling=None if self.poll is None else True,
                poll_delay_ms=round((self.poll or _PAUSE) * 1000),
                ignore_permission_denied=self.ignores_denied,
            ):
                has_started = True
                for change, path in changes:
                    root = find_root(path)
                    assert root is not None
                    self.due.add(root)
                    if change == Change.deleted and path == str(root):
                        watched[root] = None
                yield bool(changes)
        except (OSError, RuntimeError, UnicodeError) as error:
            if isinstance(error, PermissionError) and not self.ignores_denied:
                self.ignores_denied = True
            elif has_started or isinstance(error, FileNotFoundError):
                # It stops at a name that is not UTF-8, and at a folder that vanishes before it is watched.
                if not has_started:
                    self._wait(_PAUSE)
                self.due.update(watched)
                yield True
            else:
                raise StorageFailed(
                    f"the sources cannot be watched ({error}): raise the limits of the system (on Linux, "
                    "fs.inotify.max_user_watches and max_user_instances), or use --poll; until then they are "
                    "synced every minute"
                ) from error

    def _sync_due(self, *, is_batch: bool) -> Iterator[Outcome]:
        roots, self.due = tuple(sorted(self.due)), set()
        if is_batch:
            self.standing.clear()
        yield from self._sync(roots)

    def _sync(self, roots: tuple[Path, ...]) -> Iterator[Outcome]:
        """Sync sources in one commit; each by itself, if one of them is missing or has lost too much."""
        outcome: Outcome
        try:
            outcome = sync(
                self.index,
                roots,
                dry_run=False,
                allow_mass_delete=False,
                progress=self.progress,
                stop=self.stop,
            )
        except (SourceMissing, SourceShrunk) as error:
            if len(roots) > 1:
                for root in roots:
                    yield from self._sync((root,))
                return
            # Another attempt has to wait for a change, or for the return of the source.
            outcome = error
        except NutgrafError as error:
            self._postpone(roots)
            outcome = error
        yield from self._report(roots, outcome)

    def _postpone(self, roots: tuple[Path, ...]) -> None:
        """Let sources be synced again after a pause, twice as long each time."""
        self.due.update(roots)
        self.retry_at = time.monotonic() + self.pause
        self.pause = min(2 * self.pause, _LONGEST_PAUSE)

    def _report(self, roots: tuple[Path, ...], outcome: Outcome) -> Iterator[Outcome]:
        """Yield an outcome, unless it is an error that was reported of these sources before."""
        if isinstance(outcome, NutgrafError):
            if all(self.standing.get(root) == str(outcome) for root in roots):
                return
            self.standing.update(dict.fromkeys(roots, str(outcome)))
        else:
            self.pause = _PAUSE
            for root in roots:
                self.standing.pop(root, None)
        yield outcome

    def _wait(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while not self.stop() and time.monotonic() < end:
            time.sleep(_QUIET / 1000)


class _StopEvent:
    """A function that says when to stop, as watchfiles asks for it."""

    def __init__(self, stop: Callable[[], bool]) -> None:
        self.is_set = stop


def _identify(root: Path) -> _Identity:
    """The device and inode of a source, which differ when another takes its place; None if it is missing."""
    try:
        status = root.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _as_prefix(folder: Path) -> str:
    """The prefix of all paths in a folder and of its own, when each ends with a slash."""
    return f"{folder}/".replace("//", "/")


def _may_be_read(root: Path, path: str) -> bool:
    """Whether a change at a path can matter to a sync.

    Changes of hidden files and of kinds that are not read cannot, but those of patterns can.
    """
    if path == str(root):
        return True
    *folders, name = Path(path).relative_to(root).parts
    if any(folder.startswith(".") for folder in folders):
        return False
    if name.startswith("."):
        return name == IGNORE_FILE
    return not find_unread_kind(name) or Path(path).is_dir()

"""Commits on a cluster: a pointer that says what is there, and a lease that says who may move it.

An archive NAME has an index of articles for each generation, and NAME-meta with these documents:

- `commit`, the pointer: the number of the last commit, its generation, and which numbers were aborted.
- `lease`: the last number that was given to a writer, and until when that writer may work.
- the catalog of the commit, in parts, under a name that the pointer has: a number and random digits.

What holds, whatever dies or sleeps at whatever moment:

1. A number is given to one writer only. Whoever takes the lease takes the next number, and the cluster lets
   only one of two writers write it, as it compares the version of the document (`Cluster.put_if`). A writer
   that has sent nothing gives its number back.
2. A reader sees a commit N as a whole: the articles that were added by N or before, by no aborted number, and
   not removed by N or before, unless by an aborted number (`mapping.visible`). Everything that a writer sends
   has its number, which is above N, so nobody sees it before the pointer has that number; and all of it can
   be found by searches before the pointer moves.
3. A number that was given away and not committed is aborted: who takes the lease enters every number between
   the pointer's and its own there, before anything else. That gives the pointer another version, so the
   writers before it cannot move it any more, although they may still run, or wake up later. What they send
   even then has an aborted number, and no reader sees it.
4. A writer changes an article that is there only in the version that it has read, and never one that a commit
   it does not know has removed. So a writer that wakes up undoes nothing.
5. An article that a commit has removed stays until the next commit. Older catalogs go at once, and a
   generation with the second rebuild after it. A reader that has opened a commit keeps what it needs (see
   `point_in_time`); one that comes too late opens the last commit. What is deleted is of numbers up to that
   of the writer that deletes it: nothing that a later writer may need.
6. The pointer says how many articles the commit has, and the sum of their checksums. A writer moves it only
   when it finds just these articles, and a reader uses only copies of the shards in which it does.
7. A reader takes the pointer from the node that it asks, which has a copy as old as its copies of the shards.
   A node that was cut off and is back may search these for some seconds; with a newer pointer, it would
   find nothing that it may use.

A lease lasts `LEASE_SECONDS` and is renewed by a thread while its holder lives. Its end is compared with the
clock of the machine that wants it. Clocks that differ may let two writers run at the same time; by 1 to 4,
then only the later one commits.
"""

from __future__ import annotations

import os
import secrets
import socket
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import msgspec
from msgspec import Struct

from indexer.errors import (
    RUN_DOCTOR,
    IndexDamaged,
    IndexLocked,
    IndexMissing,
    IndexOutdated,
    IndexUnavailable,
    NutgrafError,
)
from indexer.opensearch import mapping
from indexer.opensearch.cluster import Cluster, Document, Version
from indexer.opensearch.dsl import Dsl
from indexer.opensearch.point_in_time import Contents
from indexer.store.generations import Settings
from indexer.sync import Catalog
from indexer.sync import catalog as catalogs
from indexer.sync.catalog import Hints, Summary

T = TypeVar("T", bound=Struct)

FORMAT = 2
"""Raised whenever this program can no longer read what older versions have written to a cluster."""
LEASE_SECONDS = 60.0
"""Seconds after which another writer may take the lease of one that has died."""
_RENEWALS = 4  # in the time of a lease
_ATTEMPTS = 10
_PAUSE = 0.25  # seconds between two looks at a lease that another writer has
_POINTER, _LEASE = "commit", "lease"
_CATALOG = "catalog-"
_PART = 4 * 2**20  # characters of a document with a part of a catalog
_META: Mapping[str, Any] = {
    # Each node has a copy: see `Cluster.get`.
    "settings": {"number_of_shards": 1, "auto_expand_replicas": "0-all"},
    # Nothing in there is searched.
    "mappings": {"enabled": False},
}


class Pointer(Struct, frozen=True):
    """What the last commit is; `number` 0 and no `index` before the first."""

    number: int = 0
    index: str = ""
    """The index with its articles."""
    aborted: tuple[int, ...] = ()
    """The numbers below its own that were given to writers, and never committed, in this generation."""
    previous: str = ""
    """The generation before, which is kept until the next rebuild."""
    catalog: str = ""
    parts: int = 0
    """The name of its catalog, and in how many documents its articles and files are stored."""
    contents: Contents = Contents()
    """The number of its articles and the sum of their checksums, by which readers check what they find."""
    settings: Settings = Settings(FORMAT, "", "")

    @property
    def articles(self) -> Dsl:
        """The query that finds its articles."""
        return mapping.visible(self.number, self.aborted)


class _LeaseRecord(Struct, frozen=True):
    number: int = 0
    """The last number that was given to a writer and not given back."""
    token: str = ""
    """The writer that has the lease; empty if nobody has it."""
    expires: float = 0.0
    """When it ends, in seconds since 1970."""
    holder: str = ""
    """Who that is, for people."""


@dataclass(frozen=True, slots=True)
class CommitState:
    """A commit, as readers and writers need it."""

    pointer: Pointer
    version: Version
    summary: Summary

    @property
    def number(self) -> int:
        """The number of the commit."""
        return self.pointer.number

    @property
    def index(self) -> str:
        """The index with its articles."""
        return self.pointer.index

    @property
    def settings(self) -> Settings:
        """What the generation was built with."""
        return self.pointer.settings


# Reading


def meta_index(cluster: Cluster) -> str:
    """Return the name of the index with everything but the articles."""
    return f"{cluster.address.name}-meta"


def read_commit(cluster: Cluster, before: CommitState | None = None) -> CommitState:
    """Return the last commit; `before` if nothing has changed since that was read.

    Raises IndexMissing, IndexOutdated for another format, IndexDamaged, IndexUnavailable.
    """
    while True:
        found = _read_pointer(cluster)
        if found is None or not found[0].index:
            raise make_missing(cluster)
        pointer, version = found
        # An archive that was deleted and made again may have the same versions.
        if before and (before.version, before.pointer) == (version, pointer):
            return before
        if pointer.settings.format != FORMAT:
            raise IndexOutdated(
                f"the index {cluster.address.name} on {cluster.address.url} has format "
                f"{pointer.settings.format}, this program reads format {FORMAT}",
                "run `nutgraf rebuild`",
            )
        try:
            return CommitState(pointer, version, _read_summary(cluster, pointer))
        except IndexDamaged:
            # A new commit may have removed this one's catalog meanwhile: then read that one.
            if (again := _read_pointer(cluster)) is not None and again[1] == version:
                raise


def exists(cluster: Cluster) -> bool:
    """Whether there is an index yet."""
    found = _read_pointer(cluster)
    return found is not None and bool(found[0].index)


def read_hints(cluster: Cluster, pointer: Pointer) -> dict[str, Hints]:
    """Return the hints of a commit's catalog; raises IndexDamaged."""
    place = _catalog_place(cluster, pointer)
    return catalogs.decode_hints(_read_text(cluster, f"{_catalog_prefix(pointer)}hints", place), place)


def read_catalog(cluster: Cluster, pointer: Pointer) -> Catalog:
    """Return the catalog of a commit; raises IndexDamaged."""
    place = _catalog_place(cluster, pointer)
    names = (f"{_catalog_prefix(pointer)}{part}" for part in range(pointer.parts))
    return catalogs.decode(b"".join(_read_text(cluster, name, place) for name in names), place)


def read_holder(cluster: Cluster) -> tuple[str, float] | None:
    """Return who has the lease, and when it ends (seconds since 1970); None if nobody has it."""
    with suppress(IndexMissing):
        if found := cluster.get(meta_index(cluster), _LEASE):
            record = _decode(cluster, found, _LeaseRecord)
            return (record.holder, record.expires) if record.token else None
    return None


def list_old_catalogs(cluster: Cluster, pointer: Pointer, last: int) -> list[str]:
    """Return the names of the documents of other catalogs, written with numbers up to `last`."""
    meta = meta_index(cluster)
    cluster.refresh(meta)
    hits = cluster.search(meta, {"size": 10_000, "_source": False})["hits"]["hits"]
    names = [hit["_id"] for hit in hits if hit["_id"].startswith(_CATALOG)]
    return [
        name
        for name in names
        if int(name.split("-")[1]) <= last and not name.startswith(_catalog_prefix(pointer))
    ]


def make_missing(cluster: Cluster) -> IndexMissing:
    """Return the error for an archive that is not there."""
    return IndexMissing(
        f"no index {cluster.address.name} on {cluster.address.url}",
        "run `nutgraf index FOLDER` to make one from a folder of articles",
    )


def check_generation(cluster: Cluster, pointer: Pointer) -> None:
    """Raise IndexDamaged if the index with the articles of a commit has been deleted."""
    if pointer.index not in cluster.list_indexes(f"{cluster.address.name}-*"):
        raise IndexDamaged(
            f"{pointer.index} on {cluster.address.url}, which had all articles, has been deleted", RUN_DOCTOR
        )


def make_unknown(cluster: Cluster, index: str) -> IndexUnavailable:
    """Return the error for a commit whose articles are in an index that the cluster does not find."""
    return IndexUnavailable(
        f"{index}, which has the last commit, is not known to the node of the cluster at "
        f"{cluster.address.url} that was asked",
        f"try again later; if it has been deleted, {RUN_DOCTOR}",
    )


def _read_pointer(cluster: Cluster) -> tuple[Pointer, Version] | None:
    with suppress(IndexMissing):
        found = cluster.get(meta_index(cluster), _POINTER)
        return (_decode(cluster, found, Pointer), found.version) if found else None
    return None


def _read_summary(cluster: Cluster, pointer: Pointer) -> Summary:
    place = _catalog_place(cluster, pointer)
    return catalogs.decode_summary(_read_text(cluster, f"{_catalog_prefix(pointer)}summary", place), place)


def _catalog_prefix(pointer: Pointer) -> str:
    return f"{_CATALOG}{pointer.catalog}-"


def _catalog_place(cluster: Cluster, pointer: Pointer) -> str:
    return f"the catalog of commit {pointer.number} of {cluster.address.name} on {cluster.address.url}"


def _read_text(cluster: Cluster, name: str, place: str) -> bytes:
    found = cluster.get(meta_index(cluster), name)
    text = found.source.get("text") if found else None
    if not isinstance(text, str):
        raise IndexDamaged(f"{place} cannot be read (it is not there)", RUN_DOCTOR)
    return text.encode()


def _decode(cluster: Cluster, found: Document, kind: type[T]) -> T:
    try:
        return msgspec.convert(found.source, kind)
    except msgspec.ValidationError as error:
        raise IndexDamaged(
            f"{meta_index(cluster)} on {cluster.address.url} makes no sense ({error})", RUN_DOCTOR
        ) from error


# Writing


def create(cluster: Cluster, name: str, body: Mapping[str, Any]) -> bool:
    """Create an index; returns False if there is one that was made for this.

    Raises IndexMissing if another program has an index of that name, which is left alone.
    """
    if cluster.create_index(name, body):
        return True
    if name not in cluster.list_indexes(name):
        raise IndexMissing(
            f"{name} on {cluster.address.url} belongs to something else",
            "choose another name for the index, at the end of its address",
        )
    return False


class Lease:
    """The right to make the next commit, for the time of a block, which must be entered.

    `number` is that of the commit to make, `pointer` the last commit, and `version` that of the pointer.
    Raises IndexLocked, naming the holder, if another writer has it for longer than `timeout` seconds. `clock`
    gives seconds since 1970, `pause` waits for some seconds; without `renews`, no thread renews the lease.
    """

    def __init__(
        self,
        cluster: Cluster,
        timeout: float,
        *,
        clock: Callable[[], float] = time.time,
        pause: Callable[[float], None] = time.sleep,
        renews: bool = True,
    ) -> None:
        self._cluster, self._timeout = cluster, timeout
        self._clock, self._pause, self._renews = clock, pause, renews
        self._meta = meta_index(cluster)
        self._record = _LeaseRecord()
        self._version: Version | None = None
        self._lock = threading.Lock()
        self._end = threading.Event()
        self._thread: threading.Thread | None = None
        self._is_used = self._is_lost = False
        self.number, self.pointer, self.version = 0, Pointer(), Version(-1, -1)

    def use(self) -> None:
        """Prepare to send something with the number of this lease, which is not given back then.

        Raises IndexLocked if it is known that another writer has taken the lease.
        """
        if self._is_lost:
            raise self.make_lost()
        self._is_used = True

    def check(self) -> None:
        """Renew the lease; raises IndexLocked if another writer has taken it meanwhile."""
        with self._lock:
            if not self._write(self._extended()):
                raise self.make_lost()

    def commit(self, pointer: Pointer) -> None:
        """Move the pointer; raises IndexLocked, and moves nothing, if another writer has taken the lease."""
        self.check()
        version = self._cluster.put_if(self._meta, _POINTER, pointer, self.version)
        if version is None:
            # If the answer to an earlier attempt was lost, another writer may have come after the commit.
            found = _read_pointer(self._cluster)
            if found is None or not self._has_made(pointer, found[0]):
                raise self.make_lost()
            pointer, version = found
        self.pointer, self.version = pointer, version

    def save_catalog(self, catalog: Catalog) -> tuple[str, int]:
        """Write a catalog, which no pointer has yet; returns its name and the number of its parts."""
        name = f"{self.number}-{secrets.token_hex(8)}"
        summary, hints, whole = (line.decode() for line in catalogs.encode(catalog))
        parts = [whole[start : start + _PART] for start in range(0, len(whole), _PART)]
        texts = {"summary": summary, "hints": hints} | {str(n): part for n, part in enumerate(parts)}
        for suffix, text in texts.items():
            if self._cluster.put_if(self._meta, f"{_CATALOG}{name}-{suffix}", {"text": text}, None) is None:
                raise self.make_lost()
        return name, len(parts)

    def __enter__(self) -> Self:
        if _read_pointer(self._cluster) is None:
            create(self._cluster, self._meta, _META)
            self._cluster.put_if(self._meta, _POINTER, Pointer(), None)
        self._acquire()
        try:
            self._enter_aborted()
        except BaseException:
            with suppress(NutgrafError):
                self._release()
            raise
        if self._renews:
            self._thread = threading.Thread(target=self._keep, name="lease", daemon=True)
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end.set()
        if self._thread:
            self._thread.join()
        if isinstance(error, IndexUnavailable):
            # The cluster was waited for already.
            self._cluster = self._cluster.without_patience()
        # A lease that cannot be given back expires.
        with suppress(NutgrafError):
            self._release()

    def _acquire(self) -> None:
        waited = 0.0
        while True:
            found = self._cluster.get(self._meta, _LEASE)
            before = _decode(self._cluster, found, _LeaseRecord) if found else _LeaseRecord()
            if not before.token or before.expires <= self._clock():
                pointer = _read_pointer(self._cluster)
                self.number = max(before.number, pointer[0].number if pointer else 0) + 1
                self._record = _LeaseRecord(
                    self.number, secrets.token_hex(8), self._clock() + LEASE_SECONDS, _describe_this_process()
                )
                self._version = found.version if found else None
                if self._write(self._record):
                    return
            elif waited >= self._timeout:
                raise IndexLocked(
                    f"the index {self._cluster.address.name} on {self._cluster.address.url} is being written "
                    f"by {before.holder}; waited {self._timeout:g} s for it: try again later, or wait longer "
                    "with --lock-timeout"
                )
            self._pause(_PAUSE)
            waited += _PAUSE

    def _has_made(self, pointer: Pointer, now: Pointer) -> bool:
        """Whether this writer has moved the pointer as it wanted to, be it as it is `now` or before."""
        if now.catalog == pointer.catalog:
            return True
        # A later writer enters each number that was not committed as aborted.
        is_past = pointer.number == self.number <= now.number and now.index == pointer.index
        return is_past and self.number not in now.aborted

    def _enter_aborted(self) -> None:
        """Read the pointer, and enter the numbers between it and this one as aborted.

        If there are any, that shuts out the writers that have them.
        """
        for _ in range(_ATTEMPTS):
            found = _read_pointer(self._cluster)
            if found is None:
                raise make_missing(self._cluster)
            pointer, version = found
            aborted = tuple(sorted({*pointer.aborted, *range(pointer.number + 1, self.number)}))
            if aborted == pointer.aborted:
                self.pointer, self.version = pointer, version
                return
            entered = msgspec.structs.replace(pointer, aborted=aborted)
            self._cluster.put_if(self._meta, _POINTER, entered, version)
        raise self.make_lost()

    def _keep(self) -> None:
        """Renew the lease until the end of the block, in a thread."""
        while not self._end.wait(LEASE_SECONDS / _RENEWALS):
            # While the cluster is away, nobody else can take the lease either.
            with suppress(NutgrafError), self._lock:
                if not self._write(self._extended()):
                    self._is_lost = True
                    return

    def _extended(self) -> _LeaseRecord:
        return msgspec.structs.replace(self._record, expires=self._clock() + LEASE_SECONDS)

    def _write(self, record: _LeaseRecord) -> bool:
        """Write the record over the version that this writer knows; returns whether that is the last one."""
        version = self._cluster.put_if(self._meta, _LEASE, record, self._version)
        if version is not None:
            self._record, self._version = record, version
        return version is not None

    def _release(self) -> None:
        """Let others take the lease; the number is given back if nothing was sent with it."""
        number = self.number if self._is_used else self.number - 1
        self._write(_LeaseRecord(number))

    def make_lost(self) -> IndexLocked:
        """Return the error for a lease that another writer has taken."""
        self._is_lost = True
        return IndexLocked(
            f"another writer has taken over the index {self._cluster.address.name} on "
            f"{self._cluster.address.url}, since this one was not heard of for {LEASE_SECONDS:g} s; nothing "
            "was committed",
            "try again",
        )


def _describe_this_process() -> str:
    command = " ".join([Path(word).name for word in sys.argv[:1]] + sys.argv[1:])[:200]
    since = datetime.now(UTC).isoformat(timespec="seconds")
    return f"process {os.getpid()} on {socket.gethostname()} ({command}) since {since}"

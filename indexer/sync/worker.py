"""A worker: a process that reads the parts it is sent, under limits of time and memory.

The system enforces the limits, whatever a reader does. They apply to the whole process, and exceeding the
time ends it; therefore documents are read in worker processes.
"""

from __future__ import annotations

import mmap
import os
import pickle
import signal
import struct
from multiprocessing.connection import Connection
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, NamedTuple

from indexer.errors import StorageFailed
from indexer.limits import FILE_MEMORY, WORKER_MEMORY, file_seconds, record_seconds
from indexer.readers import is_container, is_text
from indexer.sync.tasks import Part, PartReader, is_plain

try:
    import resource
except ImportError:  # pragma: no cover - Windows does not have it
    resource = None  # type: ignore[assignment]

OVERTIME = -signal.SIGPROF if hasattr(signal, "SIGPROF") else None
"""The exit code of a process that has used too much processor time."""
TOO_LARGE = 71
"""The exit code of a process that had too little memory for its file."""
_RECORD = struct.Struct("<QQ")
# The memory that a worker has does not change much from one record to the next, and asking for it takes time.
_MEMORY_EVERY = 64


def run_worker(descriptor: int, shared: int) -> None:
    """Be a worker: read the parts that come through a socket, until it is closed.

    Each task comes with the dictionary of the stored texts. The answer to it is its batches, pickled, and
    then an empty message; an empty message also says that the worker is ready. The other descriptor is that
    of a `CurrentRecord`.
    """
    supervisor = Connection(descriptor)
    current = CurrentRecord(shared)
    try:
        options, language = _receive(supervisor)
        reader = PartReader(options, language)

        def begin_record(number: int, size: int) -> None:
            # What a container says of the size of a record may be wrong.
            record = Record(number, min(size, options.max_bytes))
            current.write(record)
            _limit_record(record)

        def limit(part: Part) -> None:
            _limit(part, options.max_bytes)

        supervisor.send_bytes(b"")
        while True:
            parts, dictionary = _receive(supervisor)
            try:
                for batch in reader.read(parts, dictionary, limit, begin_record):
                    supervisor.send_bytes(pickle.dumps(batch, pickle.HIGHEST_PROTOCOL))
                    del batch  # frees it before the next is made
            except StorageFailed as error:
                # Documents are not to blame, and the next one would fail as well.
                supervisor.send_bytes(pickle.dumps(error))
            lift_time_limit()
            supervisor.send_bytes(b"")
    except MemoryError:
        # A task may be half done, so it is read again in a new process.
        os._exit(TOO_LARGE)
    except (BrokenPipeError, ConnectionResetError):
        os._exit(0)


class Record(NamedTuple):
    """A record of a container whose reading begins: its number, from 1, and its size in bytes."""

    number: int
    size: int


class CurrentRecord:
    """The record that a worker reads, in memory that it shares with its supervisor.

    Messages would take a tenth of the time of reading short records. The memory outlives the worker, so it
    tells which record has ended it.
    """

    def __init__(self, descriptor: int) -> None:
        self._memory = mmap.mmap(descriptor, _RECORD.size)

    def write(self, record: Record) -> None:
        """Set the record, by its worker; or by the supervisor before a task."""
        _RECORD.pack_into(self._memory, 0, *record)

    def read(self) -> Record:
        """Return the record; its number is 0 if none has begun."""
        return Record(*_RECORD.unpack_from(self._memory))


def make_shared_file() -> int:
    """Return the descriptor of a new file for a `CurrentRecord`, in memory if possible; raises OSError."""
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("nutgraf-record")
    else:  # pragma: no cover - Linux has it
        with TemporaryFile() as file:
            descriptor = os.dup(file.fileno())
    os.truncate(descriptor, _RECORD.size)
    return descriptor


def limit_process(size: int, *, is_plain: bool) -> None:
    """Limit this process to what reading one file of `size` bytes may take; each call starts again.

    When the time is up, the system ends the process at once; beyond the memory, MemoryError is raised. On
    systems without such limits, nothing is limited.
    """
    _limit_time(file_seconds(size, is_plain=is_plain))
    _limit_memory(is_plain=is_plain)


def _limit_time(seconds: float) -> None:
    if OVERTIME is not None:
        signal.setitimer(signal.ITIMER_PROF, seconds)


def _limit_memory(*, is_plain: bool) -> None:
    if resource is not None and (used := _private_memory()):
        memory = WORKER_MEMORY if is_plain else min(used + FILE_MEMORY, WORKER_MEMORY)
        hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
        if hard == resource.RLIM_INFINITY or memory < hard:
            resource.setrlimit(resource.RLIMIT_DATA, (memory, hard))


def lift_time_limit() -> None:
    """Let this process run for any time again."""
    if OVERTIME is not None:
        signal.setitimer(signal.ITIMER_PROF, 0)


def _limit(part: Part, max_bytes: int) -> None:
    if is_container(part.path) or part.size > max_bytes:
        # To begin with, its digest is made, which takes as long as reading plain text.
        limit_process(part.size, is_plain=True)
    elif is_text(part.path):
        limit_process(part.size, is_plain=is_plain(part.path))
    else:
        _limit_record(Record(1, part.size))


def _limit_record(record: Record) -> None:
    _limit_time(record_seconds(record.size))
    if record.number % _MEMORY_EVERY == 1:
        _limit_memory(is_plain=False)


def _receive(supervisor: Connection) -> Any:
    try:
        return supervisor.recv()
    except (EOFError, OSError):
        # The supervisor has closed the socket, or has ended.
        os._exit(0)


def _private_memory() -> int:
    """Return the bytes of private memory of this process; 0 if the system does not say."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[5]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return 0

"""A worker: a process that reads the parts it is sent, under limits of time and memory.

The system enforces the limits, whatever a reader does. They apply to the whole process, and exceeding the
time ends it; therefore documents are read in worker processes.
"""

from __future__ import annotations

import os
import pickle
import signal
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from indexer.errors import StorageFailed
from indexer.limits import FILE_MEMORY, WORKER_MEMORY, file_seconds
from indexer.sync.tasks import Part, PartReader, is_plain

try:
    import resource
except ImportError:  # pragma: no cover - Windows does not have it
    resource = None  # type: ignore[assignment]

OVERTIME = -signal.SIGPROF if hasattr(signal, "SIGPROF") else None
"""The exit code of a process that has used too much processor time."""
TOO_LARGE = 71
"""The exit code of a process that had too little memory for its file."""


def run_worker(descriptor: int) -> None:
    """Be a worker: read the parts that come through a socket, until it is closed.

    The answer to each task is its batches, pickled, and then an empty message; an empty message also says
    that the worker is ready.
    """
    supervisor = Connection(descriptor)
    try:
        reader = PartReader(*_receive(supervisor))
        supervisor.send_bytes(b"")
        while True:
            parts = _receive(supervisor)
            try:
                for batch in reader.read(parts, _limit):
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


def limit_process(size: int, *, is_plain: bool) -> None:
    """Limit this process to what reading one file of `size` bytes may take; each call starts again.

    When the time is up, the system ends the process at once; beyond the memory, MemoryError is raised. On
    systems without such limits, nothing is limited.
    """
    if OVERTIME is not None:
        signal.setitimer(signal.ITIMER_PROF, file_seconds(size, is_plain=is_plain))
    if resource is not None and (used := _private_memory()):
        memory = WORKER_MEMORY if is_plain else min(used + FILE_MEMORY, WORKER_MEMORY)
        hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
        if hard == resource.RLIM_INFINITY or memory < hard:
            resource.setrlimit(resource.RLIMIT_DATA, (memory, hard))


def lift_time_limit() -> None:
    """Let this process run for any time again."""
    if OVERTIME is not None:
        signal.setitimer(signal.ITIMER_PROF, 0)


def _limit(part: Part) -> None:
    limit_process(part.size, is_plain=is_plain(part.path))


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

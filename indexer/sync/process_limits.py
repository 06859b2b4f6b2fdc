"""Limits of time and memory for this process, which the system enforces whatever a reader does.

They are for worker processes only, because they apply to the whole process, and exceeding the time ends it.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path

from indexer.limits import FILE_MEMORY, WORKER_MEMORY, file_seconds

try:
    import resource
except ImportError:  # pragma: no cover - Windows does not have it
    resource = None  # type: ignore[assignment]

OVERTIME = -signal.SIGPROF if hasattr(signal, "SIGPROF") else None
"""The exit code of a process that has used too much processor time."""
TOO_LARGE = 71
"""The exit code of a process that had too little memory for its file."""


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


def _private_memory() -> int:
    """Return the bytes of private memory of this process; 0 if the system does not say."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[5]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return 0

"""What reading one file may take, in time and memory; the system sees to it, whatever a reader does.

For worker processes alone: the limits are those of the whole process, and the first of them ends it.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path

try:
    import resource
except ImportError:  # pragma: no cover - Windows has neither
    resource = None  # type: ignore[assignment]

SECONDS = 5.0
"""What a page may take. The time that the process computes: how busy the machine is does not count."""
MEMORY = 256 << 20
"""Bytes that a page may take, on top of what the process had."""
# Plain text is read in linear time: it gets more for each MB, so that the largest allowed file can be read.
_SECONDS_PER_MB, _BYTES_PER_BYTE = 2.0, 4
OVERTIME = -signal.SIGPROF if hasattr(signal, "SIGPROF") else None
"""The exit code of a process that computed for too long."""


TOO_LARGE = 71
"""The exit code of a process that had too little memory for what it read."""


def begin(size: int, *, is_plain: bool) -> None:
    """Let this process read a document of so many bytes; each call begins anew.

    When the time is up, the process ends, without a chance to do anything about it; beyond the memory,
    MemoryError is raised. Where the system has no such limits, there are none.
    """
    seconds = SECONDS + (_SECONDS_PER_MB * size / 2**20 if is_plain else 0)
    if OVERTIME is not None:
        signal.setitimer(signal.ITIMER_PROF, seconds)
    if resource is not None and (taken := _taken()):
        memory = taken + MEMORY + (_BYTES_PER_BYTE * size if is_plain else 0)
        hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
        if hard == resource.RLIM_INFINITY or memory < hard:
            resource.setrlimit(resource.RLIMIT_DATA, (memory, hard))


def end() -> None:
    """Take the time as it comes again."""
    if OVERTIME is not None:
        signal.setitimer(signal.ITIMER_PROF, 0)


def _taken() -> int:
    """Bytes of private memory that this process has; 0 where the system does not say."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[5]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return 0

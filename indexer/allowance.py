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
    # A type checker takes it for the module that is elsewhere.
    resource = None  # type: ignore[assignment]

SECONDS = 5.0
"""What a page may take. The time that the process computes: how busy the machine is does not count."""
MEMORY = 256 << 20
"""Bytes that a page may take, on top of what the process had."""
# Plain text is read in linear time: it gets more for each MB, so that the largest allowed file can be read.
_SECONDS_PER_MB = 2.0
MOST_MEMORY = 448 << 20
"""Bytes that the process may have in all; plain text may take all of them.

With what it shares with others, that is less than 512 MB.
"""
MOST_TEXT = 12 << 20
"""Bytes of text that one article may have."""
_ARTICLES_PER_MB = 4000
PATIENCE, PATIENCE_PER_MB = 60.0, 10.0
"""Seconds by the clock that reading may take: a process that waits for something computes nothing."""
_DAY = 86_400.0
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
        memory = MOST_MEMORY if is_plain else min(taken + MEMORY, MOST_MEMORY)
        hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
        if hard == resource.RLIM_INFINITY or memory < hard:
            resource.setrlimit(resource.RLIMIT_DATA, (memory, hard))


def end() -> None:
    """Take the time as it comes again."""
    if OVERTIME is not None:
        signal.setitimer(signal.ITIMER_PROF, 0)


def patience(size: int) -> float:
    """Seconds by the clock after which nobody need wait any longer for so many bytes: a day at most.

    A file may have any size, though what is too large is not read.
    """
    return min(PATIENCE + PATIENCE_PER_MB * size / 2**20, _DAY)


def articles(max_bytes: int) -> int:
    """How many articles a file of at most so many bytes may have: the writer knows something of each."""
    return max(1, _ARTICLES_PER_MB * max_bytes >> 20)


def limits(max_bytes: int) -> str:
    """All limits of a file, to tell whether one that was refused for them is worth another try."""
    every = (max_bytes, MOST_TEXT, _ARTICLES_PER_MB, SECONDS, _SECONDS_PER_MB, MEMORY, MOST_MEMORY)
    return " ".join(map(str, (*every, PATIENCE, PATIENCE_PER_MB)))


def _taken() -> int:
    """Bytes of private memory that this process has; 0 where the system does not say."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[5]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return 0

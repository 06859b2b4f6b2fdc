"""How much memory a process and those that it started take, as the system counts it."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")
_INTERVAL = 0.05
MB = 1e6


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes: `total` with the pages of mapped files, `private` without; shared pages are counted once."""

    total: int = 0
    private: int = 0


def memory_of(process: int) -> Memory | None:
    """What a process and its children hold now; None where the system does not say."""
    total = private = 0
    for one in _tree(process):
        try:
            lines = (_PROC / str(one) / "smaps_rollup").read_text().splitlines()[1:]
        except OSError:
            # It ended in the meantime, or this is no Linux.
            continue
        sizes = {key: int(rest.split()[0]) * 1024 for key, _, rest in (line.partition(":") for line in lines)}
        total += sizes["Pss"]
        private += sizes.get("Pss_Anon", sizes["Private_Dirty"])
    return Memory(total, private) if total else None


class Watch(threading.Thread):
    """Looks at a process again and again while it runs; `peak` holds the most of each that was seen.

    The peak of resource.getrusage would do for one process, but it neither adds up workers nor forgets what
    the parent held when it started the child.
    """

    def __init__(self, process: int) -> None:
        super().__init__(daemon=True)
        self.peak = Memory()
        self._process = process
        self._ended = threading.Event()

    def run(self) -> None:
        """Look until `stop` is called."""
        while not self._ended.wait(_INTERVAL):
            if now := memory_of(self._process):
                self.peak = Memory(max(self.peak.total, now.total), max(self.peak.private, now.private))

    def stop(self) -> Memory:
        """Stop looking; the peak."""
        self._ended.set()
        self.join()
        return self.peak


def _tree(process: int) -> list[int]:
    found = [process]
    for one in found:
        for listed in (_PROC / str(one) / "task").glob("*/children"):
            try:
                found += map(int, listed.read_text().split())
            except OSError:
                continue
    return found

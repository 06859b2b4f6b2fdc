"""Building an index in a process of its own, so that its time and memory are its own.

python -m tests.benchmarks.building ENGINE SOURCE FOLDER
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.corpus import Extent
from tests.benchmarks.engines import Engine, engine
from tests.fixtures.processes import Memory, children_of, memory_of, own_memory_of, processor_seconds
from tests.fixtures.serving import ROOT

MB = 1e6
_INTERVAL = 0.05


@dataclass(frozen=True, slots=True)
class BuildFigures:
    """What a build took. MB are millions of bytes; `cpu` adds up all processes and threads.

    `peak_mb` is the most that the process, its children and the servers held at one time, interpreter and
    mapped files included; `private_mb` is that without mapped files (0 where the system does not say).
    """

    engine: str
    seconds: float
    cpu: float
    mb_per_second: float
    peak_mb: float
    private_mb: float
    disk_mb: float


def measure_build(built: Engine, source: Path, folder: Path, extent: Extent) -> BuildFigures:
    """Build one engine's index; raises RuntimeError when it fails."""
    command = [sys.executable, "-m", __name__, built.name, str(source), str(folder)]
    served = sum(map(processor_seconds, built.servers))
    # The peak of resource.getrusage would neither add up workers nor forget what the parent held.
    peak = Memory()
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        while process.poll() is None:
            held = map(memory_of, (process.pid, *built.servers))
            peak = Memory(*map(max, peak, map(sum, zip(*held, strict=True))))
            time.sleep(_INTERVAL)
        output, _ = process.communicate()
    if process.returncode:
        raise RuntimeError(f"{built.name}: building the index ended with {process.returncode}")
    seconds, cpu = json.loads(output)
    return BuildFigures(
        engine=built.name,
        seconds=seconds,
        cpu=cpu + sum(map(processor_seconds, built.servers)) - served,
        mb_per_second=extent.size / MB / seconds,
        peak_mb=peak.total / MB,
        private_mb=peak.private / MB,
        disk_mb=built.measure_disk(folder) / MB,
    )


@dataclass(frozen=True, slots=True)
class CommandFigures:
    """The seconds of a command, processor seconds of all its processes, and peaks of private memory in MB.

    `worker_mb` is the highest peak of its workers.
    """

    seconds: float
    cpu: float
    parent_mb: float
    worker_mb: float


def measure_command(command: Sequence[str]) -> CommandFigures:
    """Run a command that starts workers; raises RuntimeError if it fails."""
    parent = worker = 0
    before, began = _children_cpu(), time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        while process.poll() is None:
            parent = max(parent, own_memory_of(process.pid).private)
            workers = map(own_memory_of, children_of(process.pid))
            worker = max([worker, *(memory.private for memory in workers)])
            time.sleep(_INTERVAL)
    seconds = time.perf_counter() - began
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}")
    return CommandFigures(seconds, _children_cpu() - before, parent / MB, worker / MB)


def _children_cpu() -> float:
    """Processor seconds of the processes that this one has started, and of theirs, once they have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def main() -> None:
    """Build; print seconds of wall and of CPU."""
    name, source, folder = sys.argv[1:]
    chosen = engine(name)
    before, began = sum(os.times()[:4]), time.perf_counter()
    chosen.build(Path(source), Path(folder))
    print(json.dumps([time.perf_counter() - began, sum(os.times()[:4]) - before]))


if __name__ == "__main__":
    main()

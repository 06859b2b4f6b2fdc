"""Answers from outside: the command in a new process, and the site under load."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from statistics import median
from urllib.parse import quote_plus

from tests.benchmarks.engines.nutgraf import phrased
from tests.benchmarks.memory import MB, memory_of
from tests.benchmarks.queries import Kind, Question
from tests.benchmarks.upkeep import nutgraf_command, wall

_TIMES = 10
_THREADS = 1
_UNITS = {"us": 1e-3, "ms": 1.0, "s": 1e3, "m": 6e4}
# What people mostly ask; wildcards and fuzzy matches are measured separately.
_MIX = (Kind.RARE, Kind.COMMON, Kind.AND, Kind.OR, Kind.SIX, Kind.PHRASE, Kind.DATES)
_SCRIPT = """
local paths = {{
{paths}
}}
local place = 0
request = function()
  place = place % #paths + 1
  return wrk.format("GET", paths[place])
end
"""


@dataclass(frozen=True, slots=True)
class ColdFigures:
    """Median seconds of `nutgraf search word` as a new process, files in the page cache.

    `python` is an interpreter that does nothing, which nothing can be faster than.
    """

    seconds: float
    worst: float
    python: float


@dataclass(frozen=True, slots=True)
class HttpFigures:
    """`GET /api/search` by wrk on loopback, questions of every usual class in turn; times in ms.

    `private_mb` and `total_mb` are the server's memory at the end, without and with mapped files.
    """

    requests_per_second: float
    median_ms: float
    p99_ms: float
    failed: int
    connections: int
    seconds: int
    private_mb: float
    total_mb: float


def measure_cold(index: Path, word: str) -> ColdFigures:
    """Start the command again and again."""
    command = [*nutgraf_command(), "search", word, "--index", str(index)]
    wall(command)
    times = [wall(command) for _ in range(_TIMES)]
    return ColdFigures(
        median(times), max(times), median(wall([sys.executable, "-c", "pass"]) for _ in range(_TIMES))
    )


def measure_http(
    index: Path, questions: dict[Kind, list[Question]], connections: int, seconds: int
) -> HttpFigures | None:
    """Serve an index and load it; None when wrk is not installed."""
    wrk = shutil.which("wrk")
    if not wrk:
        return None
    mixed = [
        question for asked in zip(*(questions[kind] for kind in _MIX), strict=False) for question in asked
    ]
    with tempfile.TemporaryDirectory() as folder, _serving(index) as (process, address):
        script = Path(folder, "questions.lua")
        script.write_text(_SCRIPT.format(paths="\n".join(f'"{_path(one)}",' for one in mixed)))
        # One pass for the caches.
        load = [wrk, f"-t{_THREADS}", f"-c{connections}", "--latency", "-s", str(script), address]
        _run([*load, "-d2s"])
        output = _run([*load, f"-d{seconds}s"])
        memory = memory_of(process)
    return parse_wrk(
        output, connections, seconds, memory.private if memory else 0, memory.total if memory else 0
    )


def parse_wrk(output: str, connections: int, seconds: int, private: int, total: int) -> HttpFigures:
    """The figures in what wrk prints."""
    rate = re.search(r"Requests/sec:\s+([\d.]+)", output)
    shares = {share: float(value) * _UNITS[unit] for share, value, unit in _LATENCY.findall(output)}
    failed = re.findall(r"Non-2xx or 3xx responses: (\d+)", output)
    failed += [
        count for line in re.findall(r"Socket errors: (.*)", output) for count in re.findall(r"\d+", line)
    ]
    if not rate or not {"50", "99"} <= shares.keys():
        raise RuntimeError(f"wrk did not print its figures: {output}")
    return HttpFigures(
        requests_per_second=float(rate[1]),
        median_ms=shares["50"],
        p99_ms=shares["99"],
        failed=sum(map(int, failed)),
        connections=connections,
        seconds=seconds,
        private_mb=private / MB,
        total_mb=total / MB,
    )


_LATENCY = re.compile(r"^\s+(\d+)%\s+([\d.]+)(us|ms|s|m)$", re.MULTILINE)


def _path(question: Question) -> str:
    path = f"/api/search?q={quote_plus(phrased(question))}"
    if question.after and question.before:
        path += f"&since={question.after}&until={question.before - timedelta(days=1)}"
    return path


def _run(command: Sequence[str]) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@contextmanager
def _serving(index: Path) -> Iterator[tuple[int, str]]:
    """The site at a free port; its process and its address."""
    command = [*nutgraf_command(), "serve", "--port", "0", "--index", str(index)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            assert process.stdout is not None
            address = re.search(r"http://\S+", process.stdout.readline())
            if not address:
                raise RuntimeError("the server did not print its address")
            yield process.pid, address[0].rstrip("/")
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(timeout=30)

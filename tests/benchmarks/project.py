"""Measures Nutgraf alone: keeping an index up to date, a command in a new process, the site.

Each measurement gives rows of the report's last table: what was measured, and the figure.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from datetime import timedelta
from pathlib import Path
from statistics import median
from urllib.parse import quote_plus

from indexer import open_index
from tests.benchmarks.building import MB, measure_command
from tests.benchmarks.corpus import Story, write_texts
from tests.benchmarks.engines.nutgraf import phrased
from tests.benchmarks.queries import Kind, Question
from tests.fixtures.processes import memory_of, processor_seconds
from tests.fixtures.serving import start_site

Rows = list[tuple[str, str]]

_JOBS = 2
_TIMES = 5
_STARTS = 10
# Files that were touched a moment ago are read again by the next sync, for they could change once more
# without a newer time; that is over after two seconds.
_SETTLING = 2.5
# Finished, or finished with files skipped.
_DONE = (0, 3)
_CONNECTIONS = 8
_HTTP_SECONDS = 10
_UNITS = {"us": 1e-3, "ms": 1.0, "s": 1e3, "m": 6e4}
_LATENCY = re.compile(r"^\s+(\d+)%\s+([\d.]+)(us|ms|s|m)$", re.MULTILINE)
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
_WALK = """
import os, sys
for folder, _, names in os.walk(sys.argv[1]):
    for name in names:
        os.stat(os.path.join(folder, name))
"""


def measure_upkeep(stories: Iterable[Story], folder: Path) -> Rows:
    """Write stories as text files, index them, and change some, one at a time; medians."""
    source, place = folder / "texts", folder / "texts-index"
    written = write_texts(stories, source)
    index_command = [*_nutgraf_command(), "index", str(source), "--index", str(place)]
    walk_command = [sys.executable, "-c", _WALK, str(source)]
    time.sleep(_SETTLING)
    first = measure_command([*index_command, "--jobs", str(_JOBS)])
    with open_index(place) as index:
        index.sync(source)
        walked = _median(lambda: walk(str(source)))
        unchanged = _median(lambda: index.sync(source))
        changed = []
        for path in _some(source):
            word = f"qzx{path.stem}"
            _append(path, word)
            began = time.perf_counter()
            index.sync(source)
            if not index.search(word).total:
                raise RuntimeError(f"the word {word} was not found after a sync")
            changed.append(time.perf_counter() - began)
    time.sleep(_SETTLING)
    _run_for(index_command)
    unchanged_command = median(_run_for(index_command) for _ in range(_TIMES))
    changed_command = []
    for path in _some(source):
        _append(path, f"qzxx{path.stem}")
        changed_command.append(_run_for(index_command))
    return [
        (
            f"{written:,} text files, `nutgraf index --jobs {_JOBS}`",
            f"{first.seconds:.1f} s, {first.cpu:.1f} s of processor time",
        ),
        (
            "… peak of private memory",
            f"{first.parent_mb:.0f} MB, {first.worker_mb:.0f} MB the larger worker",
        ),
        ("nothing changed, `Index.sync`", f"{_ms(unchanged)}, {unchanged / walked:.2f} times a bare walk"),
        ("… a bare walk with stat", _ms(walked)),
        ("… `nutgraf index` from a shell", _ms(unchanged_command)),
        (
            "… Python with a bare walk from a shell",
            _ms(median(_run_for(walk_command) for _ in range(_TIMES))),
        ),
        ("one file changed, until a search finds it", _ms(median(changed))),
        ("… `nutgraf index` from a shell", _ms(median(changed_command))),
    ]


def measure_cold(index: Path, word: str) -> Rows:
    """Start the command repeatedly, its files in the page cache; and Python alone, for comparison."""
    command = [*_nutgraf_command(), "search", word, "--index", str(index)]
    _run_for(command)
    times = [_run_for(command) for _ in range(_STARTS)]
    python = median(_run_for([sys.executable, "-c", "pass"]) for _ in range(_STARTS))
    return [
        ("`nutgraf search word` from a shell", f"{_ms(median(times))}, at worst {_ms(max(times))}"),
        ("… Python that does nothing", _ms(python)),
    ]


def measure_http(index: Path, questions: dict[Kind, list[Question]]) -> Rows:
    """Serve an index and load it by wrk on loopback, with questions of every usual class in turn.

    First the API is asked, then the page.
    """
    wrk = shutil.which("wrk")
    if not wrk:
        return [("`GET /api/search` and `GET /`", "left out, wrk is not installed")]
    mixed = [
        question for asked in zip(*(questions[kind] for kind in _MIX), strict=False) for question in asked
    ]
    with tempfile.TemporaryDirectory() as folder, start_site(index=index) as site:
        figures = []
        for path in ("/api/search", "/"):
            script = Path(folder, "questions.lua")
            script.write_text(
                _SCRIPT.format(paths="\n".join(f'"{path}?{_parameters(one)}",' for one in mixed))
            )
            address = site.address.rstrip("/")
            load = [wrk, "-t1", f"-c{_CONNECTIONS}", "--latency", "-s", str(script), address]
            # One pass for the caches.
            for seconds in (2, _HTTP_SECONDS):
                before = processor_seconds(site.process.pid)
                done = subprocess.run([*load, f"-d{seconds}s"], check=True, capture_output=True, text=True)
            figures.append(parse_wrk(done.stdout, processor_seconds(site.process.pid) - before))
        memory = memory_of(site.process.pid)
    return [
        (f"`GET /api/search`, {_CONNECTIONS} connections", figures[0]),
        (f"`GET /?q=…`, the page of results, {_CONNECTIONS} connections", figures[1]),
        (
            "… memory of the server",
            f"{memory.private / MB:.0f} MB private, {memory.total / MB:.0f} MB with files",
        ),
    ]


def parse_wrk(output: str, seconds: float) -> str:
    """The figures in what wrk prints; `seconds` is how long the server used a processor meanwhile."""
    count = re.search(r"(\d+) requests in", output)
    rate = re.search(r"Requests/sec:\s+([\d.]+)", output)
    shares = {share: float(value) * _UNITS[unit] for share, value, unit in _LATENCY.findall(output)}
    failed = re.findall(r"Non-2xx or 3xx responses: (\d+)", output)
    failed += [
        count for line in re.findall(r"Socket errors: (.*)", output) for count in re.findall(r"\d+", line)
    ]
    if not count or not rate or not {"50", "99"} <= shares.keys():
        raise RuntimeError(f"wrk did not print its figures: {output}")
    return (
        f"{float(rate[1]):.0f}/s, median {shares['50']:.1f} ms, p99 {shares['99']:.1f} ms, "
        f"{sum(map(int, failed))} failed, {seconds / int(count[1]) * 1000:.1f} ms of CPU each"
    )


def walk(folder: str) -> int:
    """Look at every file below a folder with stat; how many there are."""
    count = 0
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                count += walk(entry.path)
            else:
                os.stat(entry.path)  # noqa: PTH116  (the barest call there is, to be compared with)
                count += 1
    return count


def _nutgraf_command() -> list[str]:
    """How a shell starts Nutgraf: the installed command, or the module where that is not there."""
    script = shutil.which("nutgraf", path=str(Path(sys.executable).parent))
    return [script] if script else [sys.executable, "-m", "indexer.cli"]


def _run_for(command: list[str]) -> float:
    """Seconds from starting a command to its end; raises CalledProcessError when it fails."""
    began = time.perf_counter()
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    seconds = time.perf_counter() - began
    if done.returncode not in _DONE:
        done.check_returncode()
    return seconds


def _median(work: Callable[[], object]) -> float:
    times = []
    for _ in range(_TIMES):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return median(times)


def _some(source: Path) -> list[Path]:
    paths = sorted(source.rglob("*.txt"))
    return [paths[place * len(paths) // _TIMES] for place in range(_TIMES)]


def _append(path: Path, word: str) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(f"\nOne more paragraph with a word that is new, {word}, stands here.\n")


def _parameters(question: Question) -> str:
    text = f"q={quote_plus(phrased(question))}"
    if question.after and question.before:
        text += f"&since={question.after}&until={question.before - timedelta(days=1)}"
    return text


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if seconds >= 0.01 else f"{seconds * 1000:.1f} ms"

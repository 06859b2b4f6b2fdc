"""Recoll and Nutgraf over the same folder of files.

python -m tests.evaluation.recoll FOLDER: both index the folder, one after the other, into empty indexes. Then
known phrases are searched: six words in a row, picked at random from the middle third of documents chosen at
random, the types in turn, in the text that a third program makes of them (pdftotext, pandoc, Beautiful Soup,
Python's email). A phrase is found if the file that it was picked from is among the hits.

The columns: files of which something was read, and the others; seconds of wall and of processor time; the
most memory that the program and those it started held at one time, without what they share; the size of the
index; phrases found. Why files were not read follows. Recoll is measured as it is configured at first.
"""

from __future__ import annotations

import argparse
import email
import email.policy
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from shutil import which
from urllib.parse import unquote

from bs4 import BeautifulSoup

from indexer import open_index
from tests.benchmarks.corpus import disk_size
from tests.fixtures.processes import Memory, memory_of
from tests.fixtures.serving import ROOT

MB = 1e6
WORDS = 6
_INTERVAL = 0.05
_BLANK_LINES = re.compile(r"\n[^\S\n]*\n\s*|\f")
_ERROR_PREFIX = "file://"


@dataclass
class Figures:
    """What one program did with the folder; `refused` has a reason for each file that was not read."""

    program: str
    seconds: float
    cpu: float
    memory: int
    size: int = 0
    refused: dict[str, str] = field(default_factory=dict)
    found: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class Phrase:
    """Words in a row in a file, which is named by its path below the folder."""

    path: str
    words: str

    @property
    def suffix(self) -> str:
        """The suffix of the file."""
        return Path(self.path).suffix.lower()


def _run_program(*command: str | Path) -> list[str]:
    ended = subprocess.run(command, capture_output=True, check=False)
    return _BLANK_LINES.split(ended.stdout.decode("utf-8", "replace")) if not ended.returncode else []


def _split_page(path: Path) -> list[str]:
    soup = BeautifulSoup(path.read_bytes(), "html.parser")
    return [block.get_text() for block in soup.find_all(["p", "li", "dd", "pre"])]


def _split_mail(path: Path) -> list[str]:
    message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
    try:
        body = message.get_body(("plain",))
        return _BLANK_LINES.split(body.get_content()) if body else []
    except (LookupError, KeyError, AttributeError):  # an encoding that is not known
        return []


def _split_text(path: Path) -> list[str]:
    return _BLANK_LINES.split(path.read_text(encoding="utf-8", errors="replace"))


_SPLIT: dict[str, Callable[[Path], list[str]]] = {
    ".pdf": lambda path: _run_program("pdftotext", "-enc", "UTF-8", path, "-"),
    **dict.fromkeys(
        (".docx", ".odt", ".rtf", ".epub"),
        lambda path: _run_program("pandoc", "--to=plain", "--wrap=none", path),
    ),
    **dict.fromkeys((".html", ".htm"), _split_page),
    ".eml": _split_mail,
    ".txt": _split_text,
}
"""What makes the blocks of text of a file, by its suffix."""


def pick_phrases(folder: Path, count: int, seed: int) -> list[Phrase]:
    """Return phrases from the middle of files in the folder, their types in turn."""
    chance = random.Random(seed)
    files: dict[str, list[Path]] = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.suffix.lower() in _SPLIT:
            files.setdefault(path.suffix.lower(), []).append(path)
    for paths in files.values():
        chance.shuffle(paths)
    phrases: list[Phrase] = []
    for suffix in cycle(sorted(files)):
        if len(phrases) == count or not any(files.values()):
            break
        while files[suffix]:
            path = files[suffix].pop()
            if words := _pick_words(_SPLIT[suffix](path), chance):
                phrases.append(Phrase(str(path.relative_to(folder)), words))
                break
    return phrases


def _pick_words(blocks: Sequence[str], chance: random.Random) -> str | None:
    """Return words without digits or marks between them, None if a text has too few."""
    total = sum(len(block.split()) for block in blocks)
    runs: list[str] = []
    place = 0
    for block in blocks:
        words = block.split()
        for at in range(len(words) - WORDS + 1):
            run = words[at : at + WORDS]
            if total <= 3 * (place + at) <= 2 * total and all(map(str.isalpha, run)):
                runs.append(" ".join(run))
        place += len(words)
    return chance.choice(runs) if runs else None


def index_with_nutgraf(folder: Path, index: Path, phrases: Sequence[Phrase]) -> Figures:
    """Index the folder and search the phrases."""
    command = [sys.executable, "-m", "indexer.cli", "index", "--json", "--index", str(index), str(folder)]
    figures, output = _measure("nutgraf", command)
    report = json.loads(output)
    paths = {change["id"]: change["path"] for change in report["changes"]}
    read = set(paths.values())
    figures.refused = {failed["path"]: failed["reason"] for failed in report["failed"]}
    figures.refused = {path: why for path, why in figures.refused.items() if path not in read}
    for kind, count in report["kinds_not_read"].items():
        if not kind or kind.startswith("."):
            name = kind or "without a suffix"
            figures.refused |= {f"{name} {number}": "of a kind that is not read" for number in range(count)}
    figures.size = disk_size(index)
    with open_index(index) as opened:
        for phrase in phrases:
            hits = opened.search(f'"{phrase.words}"', limit=1000, collapse=False).hits
            figures.found[phrase.suffix] += any(paths[hit.article.id] == phrase.path for hit in hits)
    return figures


def index_with_recoll(folder: Path, index: Path, phrases: Sequence[Phrase]) -> Figures:
    """Index the folder and search the phrases."""
    index.mkdir()
    (index / "recoll.conf").write_text(f"topdirs = {folder}\n")
    skipped = index.with_suffix(".txt")
    command = ["recollindex", "-c", str(index), "--diagsfile", str(skipped)]
    figures, _ = _measure("recoll", command)
    for line in skipped.read_text(errors="replace").splitlines():
        kind, _, rest = line.partition(" ")
        path = rest.rpartition(" | ")[0]
        # A part of a mail or of an archive that is not read does not make the whole unread.
        is_part = kind == "NoHandler" and Path(path).suffix.lower() in (".eml", ".mbox")
        if not is_part:
            figures.refused[str(Path(path).relative_to(folder))] = kind
    figures.size = disk_size(index)
    for phrase in phrases:
        answer = ["recollq", "-c", str(index), "-b", "-n", "0", f'"{phrase.words}"']
        lines = subprocess.run(answer, capture_output=True, text=True, check=True).stdout.splitlines()
        found = {unquote(line.removeprefix(_ERROR_PREFIX)) for line in lines}
        figures.found[phrase.suffix] += str(folder / phrase.path) in found
    return figures


def _measure(program: str, command: list[str]) -> tuple[Figures, str]:
    """Run a program; return what it took and its standard output."""
    peak, before, start = Memory(), _processor_time(), time.perf_counter()
    with (
        tempfile.TemporaryFile("w+") as output,
        subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=subprocess.DEVNULL) as process,
    ):
        while process.poll() is None:
            peak = Memory(*map(max, peak, memory_of(process.pid)))
            time.sleep(_INTERVAL)
        seconds = time.perf_counter() - start
        output.seek(0)
        return Figures(program, seconds, _processor_time() - before, peak.total), output.read()


def _processor_time() -> float:
    taken = os.times()
    return taken.children_user + taken.children_system


def compare(folder: Path, count: int, seed: int) -> str:
    """Return the table of both programs over a folder, and why files were not read."""
    folder = folder.resolve()
    files = sum(path.is_file() for path in folder.rglob("*"))
    phrases = pick_phrases(folder, count, seed)
    lines = [
        f"| {files:,} files | read | not read | wall, s | CPU, s | memory, MB | index, MB | phrases |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    reasons = []
    asked = Counter(phrase.suffix for phrase in phrases)
    for run in (index_with_recoll, index_with_nutgraf):
        with tempfile.TemporaryDirectory() as scratch:
            figures = run(folder, Path(scratch) / "index", phrases)
        cells = (
            *(figures.program, f"{files - len(figures.refused):,}", len(figures.refused)),
            *(f"{figures.seconds:.0f}", f"{figures.cpu:.0f}", f"{figures.memory / MB:.0f}"),
            *(f"{figures.size / MB:.0f}", f"{figures.found.total()} of {len(phrases)}"),
        )
        lines.append(f"| {' | '.join(map(str, cells))} |")
        found = ", ".join(f"{suffix} {figures.found[suffix]}/{asked[suffix]}" for suffix in sorted(asked))
        reasons.append(f"{figures.program}: found {found}")
        reasons += [f"{figures.program}: {path}: {why}" for path, why in sorted(figures.refused.items())]
    return "\n".join([*lines, "", *reasons])


def main() -> None:
    """Be the command."""
    parser = argparse.ArgumentParser(prog="python -m tests.evaluation.recoll", description=__doc__)
    parser.add_argument("folder", type=Path, help="files of any types")
    parser.add_argument("--phrases", type=int, default=50, metavar="COUNT")
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    if not (which("recollindex") and which("recollq")):
        sys.exit("Recoll is not installed: nothing is measured")
    print(compare(chosen.folder, chosen.phrases, chosen.seed))


if __name__ == "__main__":
    main()

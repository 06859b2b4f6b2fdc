"""An archive with two states, old and new, and checks that a fault left it whole.

Whole means: the index opens; it holds exactly the old state or exactly the new one; every article is found by
its words and is unchanged; and the next writer succeeds and leaves no temporary files.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from indexer import Config, Index, NutgrafError, open_index
from tests.engine.embedding import side_files
from tests.fixtures.commits import open_commit

ROOT = Path(__file__).parents[2]
States = Mapping[str, str]
"""The files of a source: name to content."""

_OF_A_COMMIT = re.compile(r"_MAIN_\d+\.toc|catalog-|MAIN_.*\.nut")
_AT_REST = re.compile(r"current|g\d{6}|writer\.lock")


class Lost(AssertionError):
    """The test failed: something in the archive is missing or wrong."""


class Unavailable(Exception):
    """The test cannot run on this machine; the message says why."""


@dataclass(frozen=True)
class Trial:
    """A folder of articles and the index beside it, below `root`."""

    root: Path

    @property
    def source(self) -> Path:
        return self.root / "source"

    @property
    def index(self) -> Path:
        return self.root / "index"

    def write(self, files: States) -> None:
        """Make the source hold exactly these files."""
        self.source.mkdir(parents=True, exist_ok=True)
        for path in self.source.iterdir():
            if path.name not in files:
                path.unlink()
        for name, content in files.items():
            path = self.source / name
            if not path.exists() or path.read_text() != content:
                path.write_text(content)

    def command(self, *words: str | Path) -> list[str]:
        """The command line that runs Nutgraf on this archive."""
        return [sys.executable, "-m", "indexer.cli", *map(str, words), "--index", str(self.index)]

    def run(
        self, *words: str | Path, before: Sequence[str] = (), timeout: float = 120
    ) -> subprocess.CompletedProcess[str]:
        """Run a command to its end; `before` is a program that runs it (strace, say)."""
        return subprocess.run(
            [*before, *self.command(*words)],
            capture_output=True,
            text=True,
            timeout=timeout,
            cwd=self.root,
            env=environment(),
            check=False,
        )

    def sync(self) -> None:
        """Sync the index, in this process."""
        with self.open() as index:
            report = index.sync(self.source)
        if report.failed:
            raise Lost(f"a file was skipped: {report.failed[0]}")

    def open(self, **options: Any) -> Index:
        """The index, with these options of `Config`."""
        return open_index(Config(index=self.index, sources=(self.source,), lock_timeout=5, **options))

    def holds(self, states: Mapping[str, States]) -> str:
        """The name of the state that the index holds; raises Lost when it is none of them, or not whole."""
        try:
            with self.open() as index:
                if differences := index.verify().differences:
                    raise Lost(differences[0].what)
                hits = index.search("*", limit=10_000, collapse=False, seconds=60).hits
                found = {hit.article.source: index.get_article(hit.article.id) for hit in hits}
                whole = {name: (article.title, *article.paragraphs) for name, article in found.items()}
                for name, files in states.items():
                    if whole == {path: content(file) for path, file in files.items()}:
                        _found_by_their_words(index, files)
                        return name
        except NutgrafError as error:
            raise Lost(f"{type(error).__name__}: {error}") from error
        raise Lost(f"{len(found)} articles, which is none of the states {', '.join(states)}")

    def check(self, states: Mapping[str, States], again: Callable[[Trial], None] | None = None) -> str:
        """The state that the index holds, after a check that the next writer succeeds.

        The last of the states must be the one that the source is in, or that `again`, the next writer, leads
        to. Raises Lost.
        """
        held = self.holds(states)
        *_, last = states
        (again or Trial.sync)(self)
        if self.holds({last: states[last]}) != last:
            raise Lost("the next writer does not bring the index in step")
        self.tidy()
        return held

    def tidy(self) -> None:
        """Raise Lost when anything is left of interrupted work."""
        left = [path.name for path in self.index.iterdir() if not _AT_REST.fullmatch(path.name)]
        left += [path.name for path in self.index.glob("g*/*") if path.name.endswith((".new", ".tmp"))]
        with self.open() as index:
            # One commit: its table of contents, its catalog, the segments that it names, and their vectors.
            snapshot = open_commit(index).snapshot
            named = {f"_MAIN_{snapshot.commit}.toc", f"catalog-{snapshot.commit}.json"}
            named |= {part.entry.path(snapshot.folder).name for part in snapshot.segments}
            named |= {path.name for path in side_files(snapshot) if path.exists()}
            of_a_commit = {path.name for path in snapshot.folder.iterdir() if _OF_A_COMMIT.match(path.name)}
            left += [f"{name} in {snapshot.folder.name}" for name in of_a_commit ^ named]
        if len(list(self.index.glob("g*"))) > 2:
            left.append("a third generation")
        if left:
            raise Lost(f"left over after the next writer: {', '.join(sorted(left))}")


def article(number: int, version: int = 1) -> str:
    """A text file: a title, and paragraphs with a word that no other article and no other version has."""
    own = f"{word(number)}{'x' * version}"
    return (
        f"Report {own}\n\nPublished 2021-0{number % 9 + 1}-1{number % 10}\n\n"
        f"The harbour master saw {own} twice in the year before.\n\n"
        f"Version {version} of the story says that the crane number {number} stands.\n"
    )


def content(file: str) -> tuple[str, ...]:
    """The title and the paragraphs that an index must have of an article's file."""
    title, _date, *paragraphs = file.strip().split("\n\n")
    return title, *paragraphs


def word(number: int) -> str:
    """A word for a number, in letters."""
    return "q" + "".join("bcdfghjklm"[int(digit)] for digit in str(number))


def two_states(articles: int = 24) -> dict[str, States]:
    """Old and new: of every eight articles, one is removed, one is edited, and one is added."""
    old = {f"a{number:04}.txt": article(number) for number in range(articles)}
    new = {
        name: article(number, 2) if number % 8 == 1 else text
        for number, (name, text) in enumerate(old.items())
        if number % 8 != 0
    }
    new |= {f"b{number:04}.txt": article(1000 + number) for number in range(0, articles, 8)}
    return {"old": old, "new": new}


def environment(**more: str) -> dict[str, str]:
    """The environment for a command of this source tree."""
    return {**os.environ, "PYTHONPATH": str(ROOT), **more}


def _found_by_their_words(index: Index, files: States) -> None:
    for name, file in files.items():
        own = file.split(maxsplit=2)[1]
        # A machine may be busy with other things; an answer in time is not what is asked for here.
        page = index.search(own, collapse=False, seconds=60)
        if [hit.article.source for hit in page.hits] != [name]:
            raise Lost(f"{name} is not found by its own word {own!r}")


def counted(outcomes: Iterable[str]) -> str:
    """How often each outcome came, most often first."""
    return ", ".join(f"{name} {count:,}" for name, count in Counter(outcomes).most_common())


@contextmanager
def mounted(folder: Path, *options: str) -> Iterator[None]:
    """With a file system at a folder; `options` are those of `mount`. Raises Unavailable."""
    run_tool("mount", *options, str(folder))
    try:
        yield
    finally:
        run_tool("umount", "--lazy", str(folder))


def run_tool(*words: str) -> None:
    """Run a program of the system. Raises Unavailable when it fails."""
    try:
        subprocess.run(words, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        said = error.stderr if isinstance(error, subprocess.CalledProcessError) else str(error)
        raise Unavailable(f"{words[0]} does not work here: {said.strip()}") from error

"""Each message of a damaged index names a remedy: following it leads to an intact index."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from indexer import Article
from indexer.cli import run_cli
from indexer.store import generations
from tests.fixtures.folders import Archive, change_settings, truncate_files

_COMMANDS = re.compile(r"`(nutgraf [^`]*)`")
_AWAY = re.compile(r"move (\S+) away and index")
_STEPS = 6


@pytest.fixture
def archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Archive:
    """Two generations of two sources, in the working directory, with an article added through the API."""
    folder = tmp_path / "folder"
    folder.mkdir()
    monkeypatch.chdir(folder)
    made = Archive(folder)
    for number in range(4):
        made.text(f"{number}.txt", f"The crane number {number}.")
    made.beside("other")
    with made.open() as index:
        index.sync(made.seeds, folder / "other/seeds")
        index.rebuild()
    return made


def older(archive: Archive) -> None:
    for name in generations.finished_generations(archive.folder):
        change_settings(archive.folder / name, format=generations.FORMAT - 1)


def cut(pattern: str, *, everywhere: bool = False) -> Callable[[Archive], None]:
    def act(archive: Archive) -> None:
        names = generations.finished_generations(archive.folder) if everywhere else [archive.live.name]
        for name in names:
            truncate_files(archive.folder / name, pattern)

    return act


def without_generations(archive: Archive) -> None:
    for name in generations.finished_generations(archive.folder):
        shutil.rmtree(archive.folder / name)


def older_and_cut(archive: Archive) -> None:
    older(archive)
    truncate_files(archive.live, "*.nut")


STATES: dict[str, Callable[[Archive], object]] = {
    "sound": lambda archive: None,
    "of an older format": older,
    "of a newer format": lambda archive: change_settings(archive.live, format=generations.FORMAT + 1),
    "made with other options": lambda archive: (archive.root / "nutgraf.toml").write_text('language = "de"'),
    "a segment is damaged": cut("*.nut"),
    "every segment is damaged": cut("*.nut", everywhere=True),
    "the table of contents is damaged": cut("*.toc"),
    "the settings are damaged": cut("settings.json"),
    "the catalog is damaged": cut("catalog-*"),
    "every catalog is damaged": cut("catalog-*", everywhere=True),
    "all is damaged": cut("*", everywhere=True),
    "the pointer is missing": lambda archive: (archive.folder / "current").unlink(),
    "the pointer is damaged": lambda archive: (archive.folder / "current").write_text("g000007"),
    "every generation is missing": without_generations,
    "of an older format and damaged": older_and_cut,
}


def one_gone(archive: Archive) -> None:
    shutil.rmtree(archive.root / "other")


def all_gone(archive: Archive) -> None:
    one_gone(archive)
    shutil.rmtree(archive.seeds)


def one_gone_one_empty(archive: Archive) -> None:
    one_gone(archive)
    for path in archive.seeds.iterdir():
        path.unlink()


SOURCES: dict[str, Callable[[Archive], object]] = {
    "all are there": lambda archive: None,
    "one is missing": one_gone,
    "all are missing": all_gone,
    "one is missing, one is empty": one_gone_one_empty,
}


def dead_ends(
    archive: Archive,
    ways: list[list[str]],
    capsys: pytest.CaptureFixture[str],
    before: tuple[str, ...] = (),
) -> Iterator[str]:
    """The messages whose advice does not help, with the steps that led to them.

    Each command is run in a copy of the folder, and then those that it names, until the index is intact.
    """
    if len(before) > _STEPS:
        yield f"this goes on and on: {before}"
        return
    kept = archive.root.parent / f"kept{len(before)}"
    shutil.copytree(archive.root, kept)
    for words in ways:
        for path in archive.root.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        shutil.copytree(kept, archive.root, dirs_exist_ok=True)
        said = run(archive, words, capsys)
        if said is None:
            continue
        steps = (*before, f"{shlex.join(words)}: {said}")
        then = following(archive, words, said)
        if then is None:
            yield f"no way is named: {steps}"
        else:
            yield from dead_ends(archive, then, capsys, steps)
    shutil.rmtree(kept)


def run(archive: Archive, words: list[str], capsys: pytest.CaptureFixture[str]) -> str | None:
    """The message of a command, or of the doctor after it; None if the index is intact."""
    code = run_cli([*words, "--index", str(archive.folder)])
    said = capsys.readouterr().err
    if said and code not in (0, 3):
        return said
    run_cli(["doctor", "--json", "--index", str(archive.folder)])
    found = json.loads(capsys.readouterr().out)
    return "; ".join(finding["remedy"] for finding in found["findings"]) or None


def following(archive: Archive, words: list[str], said: str) -> list[list[str]] | None:
    """The commands that a message names; with a flag alone, the same command with it. None without any."""
    ways = [shlex.split(command)[1:] for command in _COMMANDS.findall(said)]
    if "with --allow-mass-delete" in said:
        ways.append([*words, "--allow-mass-delete"])
    if _AWAY.search(said):
        archive.folder.rename(archive.root / "away")
        # If nothing is left, nothing can be rebuilt.
        return [["index", *map(str, found)]] if (found := sources(archive)) else []
    return ways or None


def sources(archive: Archive) -> list[Path]:
    """The sources to index."""
    return [path for path in (archive.seeds, archive.root / "other/seeds") if path.is_dir()]


@pytest.mark.slow
@pytest.mark.parametrize("gone", SOURCES)
@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("apart", [False, True], ids=["files only", "with an article added through the API"])
def test_following_the_advice_of_each_message_leads_to_an_intact_index(
    archive: Archive,
    capsys: pytest.CaptureFixture[str],
    state: str,
    gone: str,
    apart: bool,
) -> None:
    if apart:
        with archive.open() as index:
            index.put([Article("x", "A heron", ["It waits."])])
    STATES[state](archive)
    SOURCES[gone](archive)
    found = sources(archive)
    ways = [["status"], ["index", *map(str, found)] if found else ["rebuild"]]
    assert list(dead_ends(archive, ways, capsys)) == []

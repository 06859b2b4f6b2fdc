"""A disk that is full: at every size from nothing to enough, and room again in the same process."""

from __future__ import annotations

import random
import shutil
from contextlib import AbstractContextManager
from pathlib import Path

from indexer import Article, ArticleMissing, Index, StorageFailed
from tests.fixtures.models import make_tiny_model
from tests.stress.archive import Lost, States, Trial, counted, mounted, run_tool, two_states

ROUNDS = 100
ACTIONS = ("index", "put", "embed", "rebuild", "first index")
_ROOMY = 64 << 20
_PUT = Article(id="put", title="Put in", paragraphs=["The lighthouse was put in by a program."])


def run(rounds: int, chance: random.Random, folder: Path) -> str:
    """Fill a disk at so many sizes; returns how often there was room, and how often not."""
    states = two_states()
    outcomes = []
    steps = max(rounds // len(ACTIONS), 2)
    trial = Trial(folder)
    trial.index.mkdir()
    trial.write(states["old"])
    make_tiny_model(_model_of(trial))
    before = trial.root / "before"
    with _disk(trial.index):
        trial.sync()
        shutil.copytree(trial.index, before)
        with trial.open() as index:
            index.rebuild()
        enough = shutil.disk_usage(trial.index).used
    for number in range(rounds):
        action, extra = ACTIONS[number % len(ACTIONS)], enough * (number // len(ACTIONS)) // (steps - 1)
        with _disk(trial.index):
            if action != "first index":
                shutil.copytree(before, trial.index, dirs_exist_ok=True)
            trial.write(states["old"] if action in ("put", "embed") else states["new"])
            try:
                outcomes.append(f"{action}: {_fill(trial, action, extra, states)}")
            except Lost as error:
                raise Lost(f"{action} with {extra:,} bytes of room: {error}") from error
    return f"{rounds:,} sizes, nothing lost, and it went on once there was room: {counted(outcomes)}"


def _fill(trial: Trial, action: str, extra: int, states: dict[str, States]) -> str:
    """Do something with so many bytes of room, and once more with enough; returns what came of it."""
    with trial.open(model=str(_model_of(trial)) if action == "embed" else "") as index:
        if action != "first index":
            index.search("crane")
        _resize(trial.index, shutil.disk_usage(trial.index).used + extra)
        try:
            _act(trial, index, action)
            outcome = "room"
        except StorageFailed as error:
            outcome = "no room"
            if "\n" in str(error) or str(trial.index) not in str(error):
                raise Lost(f"it is said badly: {error}") from error
            _is_as_before(trial, index, action, states)
        _resize(trial.index, _ROOMY)
        _act(trial, index, action)
        if action == "put":
            if index.get_article(_PUT.id).paragraphs != _PUT.paragraphs:
                raise Lost("what was put in did not come back")
            index.remove([_PUT.id])
        elif action == "embed":
            vectors = index.get_status().vectors
            if not vectors or vectors.paragraphs < vectors.of_paragraphs or index.verify().differences:
                raise Lost(f"not every paragraph has a vector: {vectors}")
        elif trial.holds(states) != "new":
            raise Lost("it did not do the second time what it should")
    trial.write(states["new"])
    trial.check(states)
    return outcome


def _act(trial: Trial, index: Index, action: str) -> None:
    if action == "put":
        index.put([_PUT])
    elif action == "embed":
        index.embed()
    elif action == "rebuild":
        index.rebuild()
    else:
        index.sync(trial.source)


def _is_as_before(trial: Trial, index: Index, action: str, states: dict[str, States]) -> None:
    if action == "first index":
        if index.exists:
            raise Lost("there is half an index")
        return
    if trial.holds(states) != "old":
        raise Lost("it failed, and changed the index")
    try:
        index.get_article(_PUT.id)
    except ArticleMissing:
        return
    raise Lost("it failed, and put in the article")


def _model_of(trial: Trial) -> Path:
    """The folder of the model that articles are embedded with, which is on another disk."""
    return trial.root / "model"


def _disk(folder: Path) -> AbstractContextManager[None]:
    """A file system in memory at a folder, with room enough."""
    return mounted(folder, "-t", "tmpfs", "-o", f"size={_ROOMY}", "nutgraf")


def _resize(folder: Path, size: int) -> None:
    # A size of nothing would be one without end.
    run_tool("mount", "-o", f"remount,size={max(size, 1)}", str(folder))

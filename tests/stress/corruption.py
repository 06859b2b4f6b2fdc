"""Files of an index flipped, zeroed, cut, lengthened, deleted, swapped: detected, and no answer is wrong."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

from indexer import Article
from tests.engine.embedding import add_vectors
from tests.fixtures.commits import open_commit
from tests.stress.archive import Lost, Trial, article, counted
from tests.stress.questions import REFUSED, Asked, Said

ROUNDS = 5000
QUESTIONS = (
    "harbour",
    "crane stands",
    '"harbour master"',
    "har*",
    "harbor~1",
    "title:report",
    "harbour -version",
    "*",
    "articles",
)
FILES = {f"a{number:04}.txt": article(number) for number in range(12)}

HARMS = ("flip", "flip", "scramble", "zero", "cut", "lengthen", "empty", "delete", "swap")


def _harm(path: Path, kind: str, others: list[Path], chance: random.Random) -> None:
    """Damage a file in one of the ways of `HARMS`; "swap" makes it equal to another one."""
    data = bytearray(path.read_bytes())
    start = chance.randrange(len(data))
    match kind:
        case "flip":
            data[start] ^= 1 << chance.randrange(8)
        case "scramble":
            for place in range(start, min(start + chance.randrange(1, 64), len(data))):
                data[place] ^= chance.randrange(1, 256)
        case "zero":
            end = min(start + chance.choice((1, 8, 512, 4096)), len(data))
            data[start:end] = bytes(end - start)
        case "cut":
            # A pointer without its checksum stays valid, since administrators write it so.
            del data[chance.randrange(7) if path.name == "current" else start :]
        case "lengthen":
            data += chance.randbytes(chance.choice((1, 7, 64, 4096)))
        case "empty":
            data.clear()
        case "swap":
            contents = [other.read_bytes() for other in others]
            data = bytearray(chance.choice([content for content in contents if content != data]))
    path.write_bytes(data)
    if kind == "delete":
        path.unlink()


def run(rounds: int, chance: random.Random, folder: Path) -> str:
    """Damage so many files, one at a time; returns the outcomes."""
    outcomes = []
    sound = Trial(folder / "sound")
    _build(sound)
    files = sorted(path.relative_to(sound.index) for path in _files(sound.index))
    with Asked(sound, *QUESTIONS) as asked:
        right = [asked.about(index)["answers"] for index in (sound.index, _before(sound, folder / "before"))]
        for number in range(rounds):
            trial = folder / "trial"
            shutil.copytree(sound.index, trial)
            path, kind = trial / chance.choice(files), chance.choice(HARMS)
            whole = path.read_bytes()
            _harm(path, kind, _files(trial), chance)
            is_same = path.exists() and path.read_bytes() == whole
            what = f"round {number}: {kind} {path.relative_to(trial)}"
            said = asked.about(trial, what)
            # Vectors that are missing are made when they are wanted.
            is_lacking = ".vectors." in path.name and not path.exists()
            outcomes.append("unchanged" if is_same or is_lacking else _judged(said, right, what))
            shutil.rmtree(trial)
    return f"{rounds:,} harmed files, none silently wrong: {counted(outcomes)}"


def _build(sound: Trial) -> None:
    """An index of two segments with removals and vectors, an article put in, and a generation before it."""
    sound.write(dict(list(FILES.items())[:8]))
    with sound.open() as index:
        index.sync()
        index.put([Article(id="put-in", title="Put in", paragraphs=["The harbour of another app."])])
        index.rebuild()
        sound.write(dict(list(FILES.items())[1:]))
        index.sync()
        add_vectors(open_commit(index).snapshot)


def _before(sound: Trial, folder: Path) -> Path:
    """The same with the generation before as the live one."""
    shutil.copytree(sound.index, folder)
    (folder / "current").write_text("g000001\n")
    return folder


def _files(index: Path) -> list[Path]:
    return [index / "current", *(path for path in (index / "g000002").iterdir() if "LOCK" not in path.name)]


def _judged(said: Said, right: list[dict[str, str]], what: str) -> str:
    """The outcome of one damage; an answer may be that of the live generation or of the one before."""
    if said["raised"]:
        raise Lost(f"{what}: {said['raised'][0]}")
    if said["verified"] == repr("whole"):
        raise Lost(f"{what}: verify finds nothing wrong")
    for name, found in said["answers"].items():
        if found not in (REFUSED, *(answers[name] for answers in right)):
            raise Lost(f"{what}: {name!r} is answered wrongly: {found[:300]}")
    if set(said["answers"].values()) == {REFUSED}:
        return "refused"
    return "right answers" if said["answers"] == right[0] else "answers of the generation before"

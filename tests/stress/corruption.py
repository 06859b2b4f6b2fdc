"""Files of an index flipped, zeroed, cut, lengthened, deleted, swapped: detected, and no answer is wrong."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from indexer import Article, Config, Index, NutgrafError, open_index
from tests.stress.archive import Lost, Trial, article, counted, environment

ROUNDS = 5000
QUERIES = (
    "harbour",
    "crane stands",
    '"harbour master"',
    "har*",
    "version -crane",
    "title:report",
    "q*~1",
    "*",
)
FILES = {f"a{number:04}.txt": article(number) for number in range(12)}

Harm = Callable[[Path, list[Path], random.Random], None]


def _flip(path: Path, others: list[Path], chance: random.Random) -> None:
    data = bytearray(path.read_bytes())
    data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    path.write_bytes(data)


def _scramble(path: Path, others: list[Path], chance: random.Random) -> None:
    data = bytearray(path.read_bytes())
    start = chance.randrange(len(data))
    for place in range(start, min(start + chance.randrange(1, 64), len(data))):
        data[place] ^= chance.randrange(1, 256)
    path.write_bytes(data)


def _zero(path: Path, others: list[Path], chance: random.Random) -> None:
    data = bytearray(path.read_bytes())
    start = chance.randrange(len(data))
    end = min(start + chance.choice((1, 8, 512, 4096)), len(data))
    data[start:end] = bytes(end - start)
    path.write_bytes(data)


def _cut(path: Path, others: list[Path], chance: random.Random) -> None:
    size = path.stat().st_size
    # A pointer without its checksum stays valid, since administrators write it so.
    path.write_bytes(path.read_bytes()[: chance.randrange(7 if path.name == "current" else size)])


def _lengthen(path: Path, others: list[Path], chance: random.Random) -> None:
    path.write_bytes(path.read_bytes() + chance.randbytes(chance.choice((1, 7, 64, 4096))))


def _empty(path: Path, others: list[Path], chance: random.Random) -> None:
    path.write_bytes(b"")


def _delete(path: Path, others: list[Path], chance: random.Random) -> None:
    path.unlink()


def _swap(path: Path, others: list[Path], chance: random.Random) -> None:
    other = chance.choice([other for other in others if other.read_bytes() != path.read_bytes()])
    path.write_bytes(other.read_bytes())


HARMS: tuple[Harm, ...] = (_flip, _flip, _scramble, _zero, _cut, _lengthen, _empty, _delete, _swap)


def run(rounds: int, chance: random.Random, folder: Path) -> str:
    """Damage so many files, one at a time; returns the outcomes."""
    outcomes = []
    sound = Trial(folder / "sound")
    _build(sound)
    right = {"new": answers(sound.index), "old": answers(_before(sound, folder / "before"))}
    files = sorted(path.relative_to(sound.index) for path in _files(sound.index))
    for number in range(rounds):
        trial = folder / "trial"
        shutil.copytree(sound.index, trial)
        path, harm = trial / chance.choice(files), chance.choice(HARMS)
        whole = path.read_bytes()
        harm(path, _files(trial), chance)
        is_same = path.exists() and path.read_bytes() == whole
        what = f"round {number}: {harm.__name__.strip('_')} {path.relative_to(trial)}"
        # Every hundredth in another process, which a signal would end.
        said = _elsewhere(trial, what) if number % 100 == 0 else answers(trial)
        outcomes.append("unchanged" if is_same else _judged(trial, said, right, what))
        shutil.rmtree(trial)
    return f"{rounds:,} harmed files, none silently wrong: {counted(outcomes)}"


def _build(sound: Trial) -> None:
    """An index of two segments with removals, one article put in, and a generation before it."""
    sound.write(dict(list(FILES.items())[:8]))
    with sound.open() as index:
        index.sync()
        index.put([Article(id="put-in", title="Put in", paragraphs=["The harbour of another app."])])
        index.rebuild()
        sound.write(dict(list(FILES.items())[1:]))
        index.sync()


def _before(sound: Trial, folder: Path) -> Path:
    """The same with the generation before as the live one."""
    shutil.copytree(sound.index, folder)
    (folder / "current").write_text("g000001\n")
    return folder


def _files(index: Path) -> list[Path]:
    return [index / "current", *(path for path in (index / "g000002").iterdir() if "LOCK" not in path.name)]


def answers(index: Path) -> list[Any]:
    """What each query finds, and each article says; the name of the error where it is refused."""
    found: list[Any] = []
    with open_index(Config(index=index)) as opened:
        for query in QUERIES:
            found.append(_asked(opened, query))
        found.append(_asked_for_articles(opened))
        try:
            opened.verify()
            found.append("verified")
        except NutgrafError as error:
            found.append(type(error).__name__)
    return found


def _asked(index: Index, query: str) -> Any:
    try:
        page = index.search(query, limit=100, seconds=60)
    except NutgrafError as error:
        return type(error).__name__
    hits = [
        [
            hit.article.id,
            repr(hit.score),
            [[p.number, p.text, [list(s) for s in p.spans]] for p in hit.passages],
        ]
        for hit in page.hits
    ]
    return [page.total, hits]


def _asked_for_articles(index: Index) -> Any:
    try:
        hits = index.search("*", limit=100, collapse=False, seconds=60).hits
        names = sorted(hit.article.id for hit in hits)
        return [[name, *index.get_article(name).paragraphs] for name in names]
    except NutgrafError as error:
        return type(error).__name__


def _judged(trial: Path, said: list[Any], right: dict[str, list[Any]], what: str) -> str:
    *found, verified = said
    if verified == "verified":
        raise Lost(f"{what}: verify finds nothing wrong")
    for place, answer in enumerate(found):
        if not isinstance(answer, str) and answer not in (right["new"][place], right["old"][place]):
            raise Lost(f"{what}: answer {place} is wrong: {json.dumps(answer)[:300]}")
    if all(isinstance(answer, str) for answer in found):
        return "refused"
    if found == right["new"][:-1]:
        return "right answers"
    return "answers of the generation before"


def _elsewhere(trial: Path, what: str) -> list[Any]:
    """The answers of a process of its own, which no signal may end."""
    code = (
        "import json, sys; from pathlib import Path; from tests.stress.corruption import answers;"
        "print(json.dumps(answers(Path(sys.argv[1]))))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(trial)],
        capture_output=True,
        text=True,
        env=environment(),
        check=False,
    )
    if done.returncode != 0:
        raise Lost(f"{what}: the process ended with {done.returncode}: {done.stderr[-300:]}")
    found: list[Any] = json.loads(done.stdout)
    return found

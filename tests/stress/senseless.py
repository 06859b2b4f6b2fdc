"""Invalid numbers under valid checksums: the right answer or IndexDamaged, nothing else.

The maker of an index computes its checksums too, so that they do not protect from a hostile maker. One part
of a segment, or of the table of contents, is damaged, and all checksums are written again; then a process
that may take `ROOM` more than it has asks all that can be asked, and verifies. What must be seen: each answer
is the right one, or IndexDamaged, which names a file of the index, or `verify` finds it; no other exception,
no signal, no question of more than `SECONDS` of the processor, no more memory than `ROOM`.

A number that is changed to another valid one (a date, a byte of a sketch, a letter of a stored text) cannot
be noticed without the sources. If an answer differs and `verify` finds nothing, `verify --deep` must find it;
these are counted separately.
"""

from __future__ import annotations

import json
import random
import resource
import shutil
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

from indexer import Article, ArticleMissing, Config, Index, IndexDamaged, open_index
from indexer.engine.build.merge import merge
from tests.stress.answers import answer
from tests.stress.archive import Lost, Trial, counted, environment, word
from tests.stress.archive import article as story
from tests.stress.harms import harm

ROUNDS = 1400
ROOM = 300 * 2**20
"""Bytes of memory that a question may take beyond what the process has."""
SECONDS = 1.0
QUERIES = (
    "harbour", "crane stands", '"harbour master"', '"crane stands"~3', "har*", "s?w", "harbor~1",
    "title:report", "harbour -version", "harbour NEAR/4 twice", "=harbour", "krane", "東京", "rare",
    '="harbour master"', "lang:de", "after:2021-04", "source:app", "a-b-c crane", "*", "hrabour master",
    "nothinghere",
)  # fmt: skip


def run(rounds: int, chance: random.Random, folder: Path) -> str:
    """Damage so many parts, one at a time; returns the outcomes."""
    outcomes: list[str] = []
    most_memory, most_time = 0, 0.0
    sound = Trial(folder / "sound")
    build(sound)
    with Asked(sound) as asked:
        right = asked.about(sound.index)["answers"]
        for number in range(rounds):
            trial = folder / "trial"
            shutil.copytree(sound.index, trial)
            what = f"round {number}: {harm(trial, chance)}"
            said = asked.about(trial, what)
            outcomes.append(judged(said, right, what))
            most_memory = max(most_memory, said["memory"])
            most_time = max(most_time, said["seconds"])
            shutil.rmtree(trial)
    return (
        f"{rounds:,} senseless parts, none believed: {counted(outcomes)}; "
        f"at most {most_memory / 2**20:,.0f} MB and {most_time:.2f} s"
    )


def build(sound: Trial) -> None:
    """An index of several segments, with removals, other languages, near-duplicates and large numbers."""
    files = {f"a{number:04}.txt": story(number) for number in range(90)}
    # Frequencies, positions and gaps that do not fit into a byte, and texts of several blocks.
    words = " ".join(map(word, range(900)))
    files["b0000.txt"] = f"Long\n\nPublished 2021-03-05\n\n{'tide ' * 300}{words} rare\n"
    files["d0000.txt"] = f"Same\n\n{' '.join(map(word, range(100, 180)))} qbbx harbour.\n"
    files["a0000.txt"] = files["a0000.txt"] + "\nA rare word, a rare one.\n"
    sound.write(files)
    with sound.open() as index:
        index.sync()
        files["d0001.txt"] = files["d0000.txt"].replace("qbbx", "another")
        files["c0000.txt"] = "Der Kran\n\nDie Kräne im Hafen stehen, und der Hafenmeister sieht ihnen zu.\n"
        files["c0001.txt"] = "東京\n\n東京都は日本の首都であり、世界でも有数の都市である。\n"
        del files["a0001.txt"], files["a0007.txt"]
        sound.write(files)
        index.sync()
        index.put(
            [
                Article(id="put-in", title="Put in", source="app", paragraphs=["Another app's harbour."]),
                Article(id="empty", title="Empty", url="https://news.example/1", published="2021-05"),
            ]
        )


# The questions, asked in another process


def questions(index: Index) -> Iterator[tuple[str, Callable[[], Any]]]:
    """Everything that can be asked of an index, by name."""
    for query in QUERIES:
        yield query, lambda query=query: answer(index, query)  # type: ignore[misc]
    for order in ("newest", "oldest", "title"):
        yield order, lambda order=order: index.search("*", sort=order, limit=200).hits  # type: ignore[misc]
    yield "half-life", lambda: index.search("harbour", half_life=30, explain=True).hits
    for start in ("har", "put", "crane st", "r", "rep"):
        yield f"suggest {start}", lambda start=start: index.suggest(start)  # type: ignore[misc]
    for name in ("put-in", "empty"):
        yield f"article {name}", lambda name=name: index.get_article(name)  # type: ignore[misc]
    for name in ("put-in",):
        yield f"marked {name}", lambda name=name: index.mark_article(name, "harbour")  # type: ignore[misc]
        yield f"similar {name}", lambda name=name: index.find_similar(name)  # type: ignore[misc]
    yield "quote", lambda: index.verify_quote("the harbour master saw")
    yield "quote nearly", lambda: index.verify_quote("the story said that the crane number 4 stands")
    yield "articles", lambda: _articles(index)
    yield "status", lambda: _status(index)


def _articles(index: Index) -> Any:
    names = sorted(hit.article.id for hit in index.search("*", limit=200, collapse=False).hits)
    return [(index.get_article(name), index.find_duplicates(name)) for name in names]


def _status(index: Index) -> Any:
    status = index.get_status()
    return status.articles, status.paragraphs, status.undated, status.first, status.last


def _merged(index: Index) -> int:
    """How large a segment a writer would make of all."""
    parts = index._open_last_commit().snapshot.segments
    pieces, _ = merge([(part.view, part.live) for part in parts])
    return sum(map(len, pieces))


def answers_of(index: Path, source: Path) -> dict[str, Any]:
    """What an index answers, what `verify` says, what else was raised, and what that took."""
    taken = 0.0
    raised: list[str] = []

    def tried(name: str, ask: Callable[[], Any]) -> str:
        nonlocal taken
        began = time.process_time()
        try:
            said = repr(ask())
        except IndexDamaged as error:
            said = "IndexDamaged"
            if str(index) not in str(error):
                raised.append(f"{name}: IndexDamaged that names no file: {error}")
        except ArticleMissing as error:
            said = str(error)
        except Exception:  # noqa: BLE001  (any exception is what this test looks for)
            said = "raised"
            raised.append(f"{name}: {traceback.format_exc(limit=-6)}")
        took = time.process_time() - began
        if name not in ("articles", "merged", "verify", "diagnose", "deep") and took > SECONDS:
            raised.append(f"{name}: it took {took:.1f} s of the processor")
        taken = max(taken, took)
        return said

    memory = _reset_peak()
    # A machine with other work going on must not cut an answer.
    with open_index(Config(index=index, sources=(source,), query_seconds=60)) as opened:
        answers = {name: tried(name, ask) for name, ask in questions(opened)}
        verified = tried("verify", lambda: opened.verify() and "whole")
        # Neither has a right answer to compare with: segments may stand in another order.
        tried("merged", lambda: _merged(opened))
        tried("diagnose", opened.diagnose)
        deep = ""
        if "IndexDamaged" not in (verified, *answers.values()):
            deep = tried("deep", lambda: [d.what for d in opened.verify(deep=True).differences])
    return {
        "answers": answers,
        "verified": verified,
        "deep": deep,
        "raised": raised,
        "memory": max(_peak() - memory, 0),
        "seconds": taken,
    }


def _serve() -> None:
    """Answer for each index that is named on a line of the input, with a line of JSON."""
    sound, source = (Path(place) for place in sys.argv[1:3])
    answers_of(sound, source)
    room = _status_line("VmSize") + ROOM
    resource.setrlimit(resource.RLIMIT_AS, (room, room))
    for line in sys.stdin:
        print(json.dumps(answers_of(Path(line.rstrip("\n")), source)), flush=True)


def _status_line(name: str) -> int:
    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(name))
    return int(line.split()[1]) * 1024


def _peak() -> int:
    return _status_line("VmHWM")


def _reset_peak() -> int:
    """Reset the peak of the memory; returns the memory in use."""
    Path("/proc/self/clear_refs").write_text("5")
    return _peak()


class Asked:
    """The process that answers; started again whenever it has ended."""

    def __init__(self, sound: Trial) -> None:
        self._sound = sound
        self._process: subprocess.Popen[str] | None = None

    def about(self, index: Path, what: str = "the sound index") -> dict[str, Any]:
        """What it says of an index; raises Lost when it ends instead."""
        if self._process is None:
            code = "from tests.stress import senseless; senseless._serve()"
            self._process = subprocess.Popen(
                [sys.executable, "-c", code, str(self._sound.index), str(self._sound.source)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                env=environment(),
            )
        asked, answered = _pipes(self._process)
        asked.write(f"{index}\n")
        asked.flush()
        line = answered.readline()
        if not line:
            code_of_end = self._process.wait()
            self._process = None
            raise Lost(f"{what}: the process ended with {code_of_end}")
        said: dict[str, Any] = json.loads(line)
        return said

    def __enter__(self) -> Asked:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            asked, answered = _pipes(self._process)
            asked.close()
            self._process.wait()
            answered.close()


def _pipes(process: subprocess.Popen[str]) -> tuple[IO[str], IO[str]]:
    assert process.stdin is not None
    assert process.stdout is not None
    return process.stdin, process.stdout


def judged(said: dict[str, Any], right: dict[str, str], what: str) -> str:
    """The outcome of one damage, in a word or two; raises Lost for a wrong one."""
    if said["raised"]:
        raise Lost(f"{what}: {said['raised'][0]}")
    if said["memory"] > ROOM:
        raise Lost(f"{what}: it took {said['memory'] / 2**20:,.0f} MB")
    wrong = [name for name, found in said["answers"].items() if found not in (right[name], "IndexDamaged")]
    if said["verified"] == "IndexDamaged":
        if wrong:
            return "found by verify"
        return "refused" if "IndexDamaged" in said["answers"].values() else "not used, found by verify"
    if "IndexDamaged" in said["answers"].values():
        raise Lost(f"{what}: an answer is refused, but verify finds nothing")
    if not wrong:
        return "right answers"
    if said["deep"] == "[]":
        raise Lost(f"{what}: {wrong[0]!r} is answered wrongly, and not even verify --deep finds why")
    return "sensible, found by verify --deep"

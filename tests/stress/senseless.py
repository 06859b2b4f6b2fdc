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

import random
import shutil
from pathlib import Path

from indexer import Article
from tests.stress.archive import Lost, Trial, article, counted, word
from tests.stress.harms import harm
from tests.stress.questions import REFUSED, ROOM, Asked, Said

ROUNDS = 1400


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
    files = {f"a{number:04}.txt": article(number) for number in range(90)}
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


def judged(said: Said, right: dict[str, str], what: str) -> str:
    """The outcome of one damage, in a word or two; raises Lost for a wrong one."""
    if unexpected := said["raised"] + said["vague"]:
        raise Lost(f"{what}: {unexpected[0]}")
    if said["memory"] > ROOM:
        raise Lost(f"{what}: it took {said['memory'] / 2**20:,.0f} MB")
    wrong = [name for name, found in said["answers"].items() if found not in (right[name], REFUSED)]
    if said["verified"] == REFUSED:
        if wrong:
            return "found by verify"
        return "refused" if REFUSED in said["answers"].values() else "not used, found by verify"
    if REFUSED in said["answers"].values():
        raise Lost(f"{what}: an answer is refused, but verify finds nothing")
    if not wrong:
        return "right answers"
    if said["deep"] == "[]":
        raise Lost(f"{what}: {wrong[0]!r} is answered wrongly, and not even verify --deep finds why")
    return "sensible, found by verify --deep"

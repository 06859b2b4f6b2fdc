"""All that can be asked of an index, asked in a process of its own, which a damaged index may end."""

from __future__ import annotations

import json
import re
import resource
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypedDict

from indexer import ArticleMissing, Config, Index, IndexDamaged, NutgrafError, open_index
from indexer.engine.build.merge import merge
from tests.fixtures.commits import open_commit
from tests.fixtures.processes import status_of
from tests.stress.answers import answer
from tests.stress.archive import Lost, Trial, environment

REFUSED = "refused"
# That the generation before answers is noted, with a time.
_FALLBACK = re.compile(r"Note\(code='index_damaged', [^()]*\)(?:, )?")
ROOM = 300 * 2**20
"""Bytes of memory that a question may take beyond what the process has."""
SECONDS = 1.0
QUERIES = (
    "harbour", "crane stands", '"harbour master"', '"crane stands"~3', "har*", "s?w", "harbor~1",
    "title:report", "harbour -version", "harbour NEAR/4 twice", "=harbour", "krane", "東京", "rare",
    '="harbour master"', "lang:de", "after:2021-04", "source:app", "a-b-c crane", "*", "hrabour master",
    "nothinghere",
)  # fmt: skip


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
    parts = open_commit(index).snapshot.segments
    pieces, _ = merge([(part.view, part.live) for part in parts])
    return sum(map(len, pieces))


class Said(TypedDict):
    """What an index answers, by question, each as its `repr`, or REFUSED.

    `verified` is what `verify` says, and `deep` which differences `verify(deep=True)` finds where nothing was
    refused. `raised` has what else was raised, and each question that took more than `SECONDS`; `vague` the
    errors that are not IndexDamaged or name no file. `memory` is in bytes beyond what the process had before.
    """

    answers: dict[str, str]
    verified: str
    deep: str
    raised: list[str]
    vague: list[str]
    memory: int
    seconds: float


def answers_of(index: Path, source: Path, chosen: Sequence[str] = ()) -> Said:
    """Ask an index everything, or only the chosen questions and what `verify` says."""
    taken = 0.0
    raised: list[str] = []
    vague: list[str] = []

    def tried(name: str, ask: Callable[[], Any]) -> str:
        nonlocal taken
        began = time.process_time()
        try:
            said = _FALLBACK.sub("", repr(ask()).replace(",)", ")"))
        except ArticleMissing as error:
            said = str(error)
        except NutgrafError as error:
            said = REFUSED
            if not isinstance(error, IndexDamaged) or str(index) not in str(error):
                vague.append(f"{name}: {type(error).__name__}: {error}")
        except Exception:  # noqa: BLE001  (any exception is what this test looks for)
            said = "raised"
            raised.append(f"{name}: {traceback.format_exc(limit=-6)}")
        took = time.process_time() - began
        if name not in ("articles", "merged", "verify", "diagnose", "deep") and took > SECONDS:
            raised.append(f"{name}: it took {took:.1f} s of the processor")
        taken = max(taken, took)
        return said

    # Reset the peak of the memory.
    Path("/proc/self/clear_refs").write_text("5")
    memory = status_of("self", "VmHWM")
    # A machine with other work going on must not cut an answer.
    with open_index(Config(index=index, sources=(source,), query_seconds=60)) as opened:
        answers = {name: tried(name, ask) for name, ask in questions(opened) if not chosen or name in chosen}
        verified = tried("verify", lambda: "vectors" if opened.verify().differences else "whole")
        deep = ""
        if not chosen:
            # Neither has a right answer to compare with: segments may stand in another order.
            tried("merged", lambda: _merged(opened))
            tried("diagnose", opened.diagnose)
            if REFUSED not in (verified, *answers.values()):
                deep = tried("deep", lambda: [d.what for d in opened.verify(deep=True).differences])
    return {
        "answers": answers,
        "verified": verified,
        "deep": deep,
        "raised": raised,
        "vague": vague,
        "memory": max(status_of("self", "VmHWM") - memory, 0),
        "seconds": taken,
    }


def serve() -> None:
    """Answer for each index that is named on a line of the input, with a line of JSON."""
    sound, source, *chosen = sys.argv[1:]
    answers_of(Path(sound), Path(source), chosen)
    room = status_of("self", "VmSize") + ROOM
    resource.setrlimit(resource.RLIMIT_AS, (room, room))
    for line in sys.stdin:
        print(json.dumps(answers_of(Path(line.rstrip("\n")), Path(source), chosen)), flush=True)


class Asked:
    """The process that answers; started again whenever it has ended."""

    def __init__(self, sound: Trial, *chosen: str) -> None:
        code = "from tests.stress import questions; questions.serve()"
        self._command = [sys.executable, "-c", code, str(sound.index), str(sound.source), *chosen]
        self._process: subprocess.Popen[str] | None = None

    def about(self, index: Path, what: str = "the sound index") -> Said:
        """What it says of an index; raises Lost when it ends instead."""
        if self._process is None:
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment()
            )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{index}\n")
        self._process.stdin.flush()
        if line := self._process.stdout.readline():
            said: Said = json.loads(line)
            return said
        self._process.communicate()
        code = self._process.returncode
        self._process = None
        raise Lost(f"{what}: the process ended with {code}")

    def __enter__(self) -> Asked:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.communicate()

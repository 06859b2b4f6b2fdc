"""16 threads and 4 processes read while 2 writers compete: each answer equals that of exactly one generation.

One writer commits the versions of a set of articles in turn, the other puts in extras in turn and rebuilds;
every answer must equal that of a new index of some version and some extras, scores included.
"""

from __future__ import annotations

import hashlib
import multiprocessing
import queue
import random
import threading
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from indexer import Article, Config, Index, IndexLocked, open_index
from tests.fixtures.processes import held_by_this_process
from tests.stress.answers import answer
from tests.stress.archive import Lost, article

ROUNDS = 100_000
"""Queries, in half an hour; fewer take their share of it."""
SECONDS = 1800.0
READERS = (16, 1, 1, 1, 1)
"""The threads of each process that reads."""
VERSIONS, EXTRAS = 6, 3
ARTICLES = 12

_QUERIES = (
    "heron",
    "heron harbour",
    '"over the harbour"',
    "version2 OR heron",
    "her*",
    "gulls",
    "-gulls",
    "crane heron",
)
_LOCK_TIMEOUT = 0.1
_SAMPLED = 20  # queries between two looks at what a process takes
_WRITES = 2  # of each writer, at least
_CLOSED = 50  # queries between two openings
# What a process may take at the end, compared with its second quarter: descriptors, and bytes.
_MORE_FILES, _MORE_MEMORY = 16, 48 << 20

Work = list[Article] | None
"""What a writer does: put these in, or rebuild."""
Answers = Mapping[str, Mapping[str, tuple[int, int]]]
"""By query, the digest of each answer that is right, and one version and extras that give it."""


@dataclass
class Account:
    """What a process did and saw."""

    name: str
    errors: list[str] = field(default_factory=list)
    done: int = 0
    """Queries, or commits."""
    locked: int = 0
    seen: set[tuple[int, int]] = field(default_factory=set)
    taken: list[tuple[int, int]] = field(default_factory=list)
    """Descriptors and bytes, from time to time."""

    def grown(self) -> str | None:
        """What grew from the second quarter to the last, if anything did."""
        quarter = len(self.taken) // 4
        if quarter < 2:
            return None
        early, late = self.taken[quarter : 2 * quarter], self.taken[-quarter:]
        for number, (name, more) in enumerate((("descriptors", _MORE_FILES), ("bytes", _MORE_MEMORY))):
            before, after = (max(one[number] for one in some) for some in (early, late))
            if after > before + more:
                return f"{self.name}: {name} grew from {before:,} to {after:,}"
        return None


@dataclass
class Run:
    """What all processes of a run share."""

    folder: Path
    answers: Answers
    counts: Any
    """Queries that were answered, and what each writer has done."""
    stop: Any
    accounts: Any

    def open(self) -> Index:
        """The index."""
        return _open(self.folder)


def run(rounds: int, chance: random.Random, folder: Path) -> str:
    """Ask so many queries; returns how many were answered while how often was committed. Raises Lost."""
    seconds = SECONDS * min(1.0, rounds / ROUNDS)
    context = multiprocessing.get_context("spawn")
    _make_source(folder)
    run = Run(folder, _expected(folder), context.Array("q", 3), context.Event(), context.Queue())
    with run.open() as index:
        index.sync()
        index.put(_version(0))
        index.put(_extra(0))
    processes = [
        context.Process(target=_reader, args=(run, number, threads, chance.getrandbits(32)))
        for number, threads in enumerate(READERS)
    ]
    plans: list[tuple[str, str, list[Work]]] = [
        ("commits", "a0", [_version(number) for number in range(VERSIONS)]),
        (
            "puts and rebuilds",
            "e0",
            [work for number in range(EXTRAS) for work in (_extra(number), None)],
        ),
    ]
    processes += [
        context.Process(target=_writer, args=(run, number, name, own, works))
        for number, (name, own, works) in enumerate(plans, 1)
    ]
    began = time.monotonic()
    for process in processes:
        process.start()
    accounts: list[Account] = []
    while len(accounts) < len(processes):
        # Who has given account has ended: all others end with it.
        queries, *writes = run.counts
        if queries >= rounds and min(writes) >= _WRITES and time.monotonic() - began >= seconds:
            run.stop.set()
        try:
            accounts.append(run.accounts.get(timeout=0.1))
            run.stop.set()
        except queue.Empty:
            if any(process.exitcode for process in processes):
                run.stop.set()
                raise Lost(f"exit codes {[process.exitcode for process in processes]}") from None
    for process in processes:
        process.join()
    with run.open() as index:
        index.verify()
    return _figures(accounts, time.monotonic() - began)


def _figures(accounts: Sequence[Account], seconds: float) -> str:
    errors = [error for account in accounts for error in account.errors]
    errors += filter(None, (account.grown() for account in accounts))
    if errors:
        raise Lost(f"{len(errors)} errors, the first: {errors[0]}")
    readers = [account for account in accounts if account.name.startswith("reader")]
    writers = [account for account in accounts if not account.name.startswith("reader")]
    seen = set().union(*(account.seen for account in readers))
    files = max(most for account in accounts for most, _ in account.taken)
    memory = max(most for account in accounts for _, most in account.taken)
    return (
        f"{sum(account.done for account in readers):,} queries in {seconds / 60:.1f} min beside "
        f"{', '.join(f'{account.done:,} {account.name}' for account in writers)} "
        f"({sum(account.locked for account in writers):,} times locked), 0 errors; each answer equals one of "
        f"{len(seen)} states; at most {files} descriptors and {memory >> 20} MB a process, flat"
    )


# Processes


def _reader(run: Run, number: int, threads: int, seed: int) -> None:
    account = Account(f"reader {number}")
    with run.open() as index:
        workers = [
            threading.Thread(
                target=_guarded, args=(account, _read, run, account, index, random.Random(seed + place))
            )
            for place in range(threads)
        ]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    run.accounts.put(account)


def _read(run: Run, account: Account, index: Index, chance: random.Random) -> None:
    while not run.stop.is_set():
        query = chance.choice(_QUERIES)
        given = answer(index, query)
        state = run.answers[query].get(_digest(given))
        if state is None:
            account.errors.append(f"{query!r} was answered as no generation would: {given!r:.600}")
            return
        account.seen.add(state)
        with run.counts.get_lock():
            run.counts[0] += 1
        account.done += 1
        if account.done % _SAMPLED == 0:
            account.taken.append(held_by_this_process())
        if chance.randrange(_CLOSED) == 0:
            index.close()


def _writer(run: Run, number: int, name: str, own: str, works: Sequence[Work]) -> None:
    account = Account(name)
    _guarded(account, _write, run, account, number, own, works)
    run.accounts.put(account)


def _write(run: Run, account: Account, number: int, own: str, works: Sequence[Work]) -> None:
    """Do the works in turn; each changes the article `own`, or nothing, and is seen at once."""
    with run.open() as index:
        while not run.stop.is_set():
            given, before = works[account.done % len(works)], index.get_article(own)
            try:
                index.put(given) if given else index.rebuild()
            except IndexLocked:
                account.locked += 1
                given = None
            else:
                account.done += 1
                account.taken.append(held_by_this_process())
                run.counts[number] = account.done
            if index.get_article(own) != (given[0] if given else before):
                raise Lost(f"{own} is not the version that its only writer put in")
            # The lock is not kept in line: who has just had it would have it again.
            run.stop.wait(random.uniform(0, 2 * _LOCK_TIMEOUT))


def _guarded(account: Account, work: Callable[..., None], *args: Any) -> None:
    try:
        work(*args)
    except Exception:  # noqa: BLE001  (whatever it is, it is to be reported)
        account.errors.append(f"{account.name}: {traceback.format_exc()}")


# What is written, and what is right


def _version(number: int) -> list[Article]:
    """The articles of a version: fewer and longer the later, so that totals and scores tell it."""
    text = f"A heron of version{number} flew over the harbour. "
    return [
        Article(
            id=f"a{place}",
            title=f"Version {number}, {place}",
            published=f"20{10 + number}-0{place % 9 + 1}",
            paragraphs=[
                text * (1 + (place + number) % 4),
                f"It was seen by {place} gulls." * ((place + number) % 2),
            ],
        )
        for place in range(ARTICLES)
    ]


def _extra(number: int) -> list[Article]:
    text = f"Extra{number}: the crane and the heron. " * (number + 1)
    return [Article(id=f"e{place}", title=f"Extra {number}", paragraphs=[text]) for place in range(3)]


def _make_source(root: Path) -> None:
    (root / "source").mkdir()
    for number in range(4):
        (root / "source" / f"{number}.txt").write_text(article(number))


def _expected(root: Path) -> Answers:
    """Each query's answer in every state, from a new index of it."""
    found: dict[str, dict[str, tuple[int, int]]] = {query: {} for query in _QUERIES}
    for version in range(VERSIONS):
        for extra in range(EXTRAS):
            with _open(root, f"v{version}e{extra}") as index:
                index.sync()
                index.put([*_version(version), *_extra(extra)])
                for query in _QUERIES:
                    found[query][_digest(answer(index, query))] = version, extra
    return found


def _open(root: Path, name: str = "index") -> Index:
    return open_index(Config(index=root / name, sources=(root / "source",), lock_timeout=_LOCK_TIMEOUT))


def _digest(given: Any) -> str:
    return hashlib.sha256(repr(given).encode()).hexdigest()

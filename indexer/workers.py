"""Reading in several processes: parts go out, results come back in order, and no worker's death loses one.

A worker is this module run as a program, spoken to over its standard input and output. Unlike what
multiprocessing offers, that neither copies a process that has threads nor runs the caller's script again.
"""

from __future__ import annotations

import math
import os
import selectors
import subprocess
import sys
import time
from array import array
from collections.abc import Generator, Iterable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

from indexer import allowance, messages
from indexer.engine.gather import Chunk
from indexer.errors import StorageFailed, WorkerFailed
from indexer.intake import Batch, Intake, Part, PartResult, is_plain
from indexer.readers import ReadOptions
from indexer.waiting import Waiting

Read: TypeAlias = "tuple[list[Part], list[PartResult], Chunk, array[int]]"
"""Parts, what became of each, their articles, and the numbers of the gatherer's forms in the index.

A part of much text comes in several, one after the other.
"""

_AHEAD = 4  # tasks a worker may be ahead of the slowest
_HELD = 1 << 26  # bytes of text that may wait for the slowest
_STARTS = 10  # workers that may end before they begin
_ENVIRONMENT = {
    # Threads for linear algebra, of which there is none, take as long to start as all of NumPy.
    "OPENBLAS_NUM_THREADS": "1",
    # Arrays come and go by the megabyte. If their memory went back to the system each time, as it does with
    # glibc unless told, it would be cleared anew for the next: a quarter of all page faults.
    "MALLOC_MMAP_THRESHOLD_": str(1 << 25),
    "MALLOC_TRIM_THRESHOLD_": str(1 << 26),
}
_ENDS = {
    allowance.OVERTIME: "reading it takes more time than a document may",
    allowance.TOO_LARGE: "reading it takes more memory than a document may",
}
_PROGRAM = "import sys; sys.path[:] = sys.argv[1:]; from indexer.workers import main; main()"


def read_all(tasks: Iterable[list[Part]], options: ReadOptions, language: str, jobs: int) -> Generator[Read]:
    """Read every task's parts, in so many workers (0: in this process); in the order of the tasks."""
    if not jobs:
        intake, numbers = Intake(options, language), array("i")
        for parts in tasks:
            for batch in intake.read(parts):
                yield _read_of(parts, batch, numbers)
        return
    with _Workers(options, language, jobs) as workers:
        yield from workers.read(tasks)


class _Worker:
    """One worker process, and the task that it has."""

    def __init__(self, options: ReadOptions, language: str) -> None:
        # Modules are found where this program finds them, and not (-P) in a folder that it happens to be in.
        path = [name for name in sys.path if isinstance(name, str)]
        try:
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-c", _PROGRAM, *path, str(Path(__file__).parents[1])],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                start_new_session=True,  # Ctrl-C is the writer's to handle
                env=_ENVIRONMENT | os.environ,
            )
        except OSError as error:
            raise _not_started(error) from error
        self.numbers = array("i")
        self.task: int | None = None
        self.deadline = math.inf
        """When there should be a result, by the monotonic clock."""
        self._patience = 0.0
        self._waiting = Waiting()
        self.is_ready = False
        try:
            self.send((options, language))
        except OSError:
            pass  # it is gone: its end of the pipe says so next

    def send(self, message: Any) -> None:
        """Send a message; raises OSError when the worker is gone."""
        assert self.process.stdin is not None
        messages.send(self.process.stdin, message)

    def give(self, number: int, parts: list[Part]) -> None:
        """Give it a task; raises OSError when the worker is gone."""
        self.task = number
        self._patience = allowance.patience(sum(part.size for part in parts))
        self._watch()
        self.send(parts)

    def receive(self) -> Waiting | None:
        """All that was read of its task when the last message of it comes; None for any other message.

        Raises EOFError or OSError when the worker is gone, and StorageFailed when that was raised there.
        """
        # Not through the pipe's buffer: what it had read ahead, nobody could wait for.
        batch = messages.receive(self.process.stdout.raw)  # type: ignore[union-attr]
        if not self.is_ready:
            self.is_ready = True
            self._watch()
            return None
        if isinstance(batch, StorageFailed):
            raise batch
        if batch is not None:
            self._waiting.add(batch)
            return None
        self.task, self.deadline = None, math.inf
        # All or nothing: what ends its worker halfway is read from its beginning by another.
        waiting, self._waiting = self._waiting, Waiting()
        return waiting

    def wait(self) -> Waiting:
        """All that was read of its task; raises TimeoutError, and EOFError or OSError as above."""
        assert self.process.stdout is not None
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            while True:
                timeout = None if self.deadline == math.inf else max(0.0, self.deadline - time.monotonic())
                if not selector.select(timeout):
                    raise TimeoutError
                waiting = self.receive()
                if waiting is not None:
                    return waiting

    def _watch(self) -> None:
        """Let the time run that the task may take; how long a worker takes to start does not count."""
        if self.is_ready and self.task is not None:
            self.deadline = time.monotonic() + self._patience

    def end(self) -> None:
        """End the process, whatever it does."""
        self.process.kill()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except BrokenPipeError:
                    pass
        self.process.wait()


def _not_started(error: OSError) -> WorkerFailed:
    return WorkerFailed(
        f"a process to read with is wanted, it cannot be started ({error}): see what limits this user's "
        "processes"
    )


class _Workers:
    """The workers of one run."""

    def __init__(self, options: ReadOptions, language: str, jobs: int) -> None:
        self._options = options
        self._language = language
        self._jobs = jobs
        self._workers: list[_Worker] = []
        try:
            self._selector = selectors.DefaultSelector()
        except OSError as error:
            raise _not_started(error) from error
        self._never_ready = 0

    def __enter__(self) -> _Workers:
        try:
            for _ in range(self._jobs):
                self._hire()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._workers:
            worker.end()
        self._selector.close()

    def read(self, tasks: Iterable[list[Part]]) -> Iterator[Read]:
        """Every task's result, in order."""
        source = enumerate(tasks)
        given: dict[int, list[Part]] = {}
        done: dict[int, Iterator[Read]] = {}
        held: dict[int, int] = {}
        turn, more = 0, True
        while more or given or done:
            while turn in done:
                held.pop(turn, None)
                yield from done.pop(turn)
                turn += 1
            for worker in self._workers:
                if worker.task is None and self._may_give(len(given), len(done), sum(held.values())):
                    following = next(source, None) if more else None
                    if following is None:
                        more = False
                        break
                    number, parts = following
                    given[number] = parts
                    self._give(worker, number, parts)
            if not given:
                continue
            for worker, is_late in self._heard():
                task = worker.task
                try:
                    if is_late:
                        raise TimeoutError
                    waiting = worker.receive()
                except (EOFError, OSError):
                    self._lose(worker)
                    if task is not None:
                        parts = given.pop(task)
                        # Whoever waits for something that does not come waits as long the second time.
                        is_known = is_late and len(parts) == 1
                        done[task] = iter([_late(parts[0])]) if is_known else self._again(parts)
                    continue
                if task is not None and waiting is not None:
                    held[task] = waiting.size
                    done[task] = _reads(given.pop(task), waiting, worker.numbers)

    def _may_give(self, given: int, done: int, held: int) -> bool:
        """Whether another task may be given away, or what is done already should be used up first."""
        return given + done < self._jobs * _AHEAD and (held < _HELD or not given)

    def _heard(self) -> list[tuple[_Worker, bool]]:
        """The workers that have something to say, and (True) those that should have had it by now."""
        first = min(worker.deadline for worker in self._workers)
        timeout = None if first == math.inf else max(0.0, first - time.monotonic())
        heard = [key.data for key, _ in self._selector.select(timeout)]
        now = time.monotonic()
        late = [worker for worker in self._workers if worker.deadline < now and worker not in heard]
        return [(worker, False) for worker in heard] + [(worker, True) for worker in late]

    def _again(self, parts: list[Part]) -> Iterator[Read]:
        """The parts of a task that ended its worker, read once more, one by one, by a worker of their own."""
        worker: _Worker | None = None
        try:
            for part in parts:
                reads: Iterator[Read] | None = None
                while reads is None:
                    worker = worker or _Worker(self._options, self._language)
                    try:
                        worker.give(0, [part])
                        reads = _reads([part], worker.wait(), worker.numbers)
                    except TimeoutError:
                        worker.end()
                        reads, worker = iter([_late(part)]), None
                    except (EOFError, OSError):
                        worker.end()
                        if worker.is_ready:
                            code = worker.process.returncode
                            refusal = _ENDS.get(code, "it ended the process that read it, twice")
                            reads = iter([_refused(part, refusal)])
                        else:
                            self._count_never_ready()
                        worker = None
                yield from reads
        finally:
            if worker:
                worker.end()

    def _hire(self) -> None:
        worker = _Worker(self._options, self._language)
        self._workers.append(worker)
        assert worker.process.stdout is not None
        self._selector.register(worker.process.stdout, selectors.EVENT_READ, worker)

    def _lose(self, worker: _Worker) -> None:
        assert worker.process.stdout is not None
        self._selector.unregister(worker.process.stdout)
        worker.end()
        self._workers.remove(worker)
        if not worker.is_ready:
            self._count_never_ready()
        self._hire()

    def _count_never_ready(self) -> None:
        # No document is to blame for a worker that does not even start: nothing may be taken for unreadable.
        self._never_ready += 1
        if self._never_ready > _STARTS:
            raise WorkerFailed(
                f"processes to read with are wanted, {self._never_ready} ended before they began: "
                "see what they wrote"
            )

    def _give(self, worker: _Worker, number: int, parts: list[Part]) -> None:
        try:
            worker.give(number, parts)
        except OSError:
            pass  # it is gone: its end of the pipe says so next


def _read_of(parts: list[Part], batch: Batch, numbers: array[int]) -> Read:
    results, chunk = batch
    return [parts[place] for place, _ in results], [result for _, result in results], chunk, numbers


def _reads(parts: list[Part], waiting: Waiting, numbers: array[int]) -> Iterator[Read]:
    return (_read_of(parts, batch, numbers) for batch in waiting.take())


def _refused(part: Part, reason: str) -> Read:
    # What was indexed from it before stays.
    return [part], [PartResult(refusal=reason, is_limited=True)], Chunk(), array("i")


def _late(part: Part) -> Read:
    return _refused(part, f"it was not read within {allowance.patience(part.size):.0f} s")


def _begin(part: Part) -> None:
    allowance.begin(part.size, is_plain=is_plain(part.path))


def main() -> None:
    """Be a worker: read the parts that come in, until nothing more does."""
    # Whatever a library or a program that it starts prints must not come between the results.
    tasks, results = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_RDWR), 0)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    try:
        intake = Intake(*messages.receive(tasks))
        messages.send(results, None)
        while True:
            parts = messages.receive(tasks)
            try:
                for batch in intake.read(parts, _begin):
                    messages.send(results, batch)
                    del batch  # not to be had beside the next
            except StorageFailed as error:
                # No document is to blame for it, and the next one would fare no better.
                messages.send(results, error)
            allowance.end()
            messages.send(results, None)
    except MemoryError:
        # What it had begun may be half done: whoever reads it again has a new process for it.
        os._exit(allowance.TOO_LARGE)
    except (EOFError, BrokenPipeError, KeyboardInterrupt):
        # The writer has all it wanted, or is gone.
        os._exit(0)

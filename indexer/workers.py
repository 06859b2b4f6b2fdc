"""Reading in several processes: parts go out, results come back in order, and no worker's death loses one.

A worker is this module run as a program, spoken to over its standard input and output. Unlike what
multiprocessing offers, that neither copies a process that has threads nor runs the caller's script again.
"""

from __future__ import annotations

import os
import pickle
import selectors
import subprocess
import sys
from array import array
from collections.abc import Generator, Iterable, Iterator
from pathlib import Path
from typing import IO, Any, TypeAlias

from indexer import allowance
from indexer.engine.gather import Chunk
from indexer.errors import StorageFailed, WorkerFailed
from indexer.intake import Intake, Part, PartResult, is_plain
from indexer.readers import ReadOptions

Read: TypeAlias = "tuple[list[Part], list[PartResult], Chunk, array[int]]"
"""Parts, what became of each, their articles, and the numbers of the gatherer's forms in the index."""

_AHEAD = 4  # tasks a worker may be ahead of the slowest
_LENGTH = 8
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
            yield parts, *intake.read(parts), numbers
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
            raise WorkerFailed(
                f"a process to read with is wanted, it cannot be started ({error}): "
                "see what limits this user's processes"
            ) from error
        self.numbers = array("i")
        self.task: int | None = None
        self.is_ready = False
        try:
            self.send((options, language))
        except OSError:
            pass  # it is gone: its end of the pipe says so next

    def send(self, message: Any) -> None:
        """Send a message; raises OSError when the worker is gone."""
        assert self.process.stdin is not None
        _write(self.process.stdin, pickle.dumps(message, pickle.HIGHEST_PROTOCOL))

    def receive(self) -> Any:
        """The next message; the first, None, says that the worker has started.

        Raises EOFError or OSError when the worker is gone, and StorageFailed when that was raised there.
        """
        # Not through the pipe's buffer: what it had read ahead, nobody could wait for.
        message = pickle.loads(_read(self.process.stdout.raw))  # type: ignore[union-attr]
        self.is_ready = True
        if isinstance(message, StorageFailed):
            raise message
        return message

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


class _Workers:
    """The workers of one run."""

    def __init__(self, options: ReadOptions, language: str, jobs: int) -> None:
        self._options = options
        self._language = language
        self._jobs = jobs
        self._workers: list[_Worker] = []
        self._selector = selectors.DefaultSelector()
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
        done: dict[int, list[Read]] = {}
        turn, more = 0, True
        while more or given or done:
            while turn in done:
                yield from done.pop(turn)
                turn += 1
            for worker in self._workers:
                if worker.task is None and len(given) + len(done) < self._jobs * _AHEAD:
                    following = next(source, None) if more else None
                    if following is None:
                        more = False
                        break
                    number, parts = following
                    given[number] = parts
                    self._give(worker, number, parts)
            if not given:
                continue
            for key, _ in self._selector.select():
                worker = key.data
                number = worker.task
                try:
                    message = worker.receive()
                except (EOFError, OSError):
                    self._lose(worker)
                    if number is not None:
                        done[number] = list(self._again(given.pop(number)))
                    continue
                if number is not None and message is not None:
                    worker.task = None
                    done[number] = [(given.pop(number), *message, worker.numbers)]

    def _again(self, parts: list[Part]) -> Iterator[Read]:
        """The parts of a task that ended its worker, read once more, one by one, by a worker of their own."""
        worker: _Worker | None = None
        try:
            for part in parts:
                read = None
                while read is None:
                    worker = worker or _Worker(self._options, self._language)
                    try:
                        worker.send([part])
                        if not worker.is_ready:
                            worker.receive()
                        read = [part], *worker.receive(), worker.numbers
                    except (EOFError, OSError):
                        worker.end()
                        if worker.is_ready:
                            # What was indexed from it before stays, and it is tried again with every sync.
                            code = worker.process.returncode
                            refusal = _ENDS.get(code, "it ended the process that read it, twice")
                            read = [part], [PartResult(refusal=refusal)], Chunk(), array("i")
                        else:
                            self._count_never_ready()
                        worker = None
                yield read
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
        worker.task = number
        try:
            worker.send(parts)
        except OSError:
            pass  # it is gone: its end of the pipe says so next


def _write(pipe: IO[bytes], message: bytes) -> None:
    pipe.write(len(message).to_bytes(_LENGTH, "little"))
    pipe.write(message)
    pipe.flush()


def _read(pipe: IO[bytes]) -> bytearray:
    return _exactly(pipe, int.from_bytes(_exactly(pipe, _LENGTH), "little"))


def _exactly(pipe: IO[bytes], size: int) -> bytearray:
    whole = bytearray(size)
    rest = memoryview(whole)
    while rest:
        count = pipe.readinto(rest)  # type: ignore[attr-defined]
        if not count:
            raise EOFError
        rest = rest[count:]
    return whole


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
        intake = Intake(*pickle.loads(_read(tasks)))
        _write(results, pickle.dumps(None))
        while True:
            parts = pickle.loads(_read(tasks))
            try:
                message: Any = intake.read(parts, _begin)
            except StorageFailed as error:
                # No document is to blame for it, and the next one would fare no better.
                message = error
            allowance.end()
            _write(results, pickle.dumps(message, pickle.HIGHEST_PROTOCOL))
    except MemoryError:
        # What it had begun may be half done: whoever reads it again has a new process for it.
        os._exit(allowance.TOO_LARGE)
    except (EOFError, BrokenPipeError, KeyboardInterrupt):
        # The writer has all it wanted, or is gone.
        os._exit(0)

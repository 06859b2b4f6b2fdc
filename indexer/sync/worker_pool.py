"""Read files in worker processes: tasks go out, results come back in order, and no worker's death loses one.

The *supervisor* is the process that syncs. It has one thread for each *worker*; the thread sends a task (see
`tasks`), waits for its result, and starts another worker when one has ended. If a worker ends during a task,
the parts of the task are read once more, one by one, to find the document that is to blame.

`concurrent.futures` schedules the threads, `subprocess` starts the workers, `multiprocessing.connection`
carries the messages, `mmap` shares the number of the record that a worker reads, and `tempfile` keeps results
that are too large for the memory. Libraries for process pools were tried and do not fit:

* pebble (5.2) gives up all tasks when an idle worker dies. With a worker killed every 10 to 50 ms, as the
  system does when memory runs out, 275 to 297 of 300 tasks were lost (BrokenProcessPool). It does not notice
  that a worker has ended with exit code 0; its task never ends.
* `concurrent.futures.ProcessPoolExecutor`, and loky with it, gives up all tasks whenever a worker ends, and
  does not say which of them ended it.
* Both build on the processes of `multiprocessing`, which run the caller's script again in each worker unless
  it is guarded by `if __name__ == "__main__"`, find modules in the current folder, cannot have an environment
  of their own, and are not started in a daemon process.
* A result there is one message. Here it comes in batches, because it may be larger than the memory.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import threading
import time
from array import array
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from io import BytesIO
from multiprocessing.connection import Pipe
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import NamedTuple
from weakref import finalize

from indexer import limits
from indexer.engine import Chunk
from indexer.errors import StorageFailed, WorkerFailed
from indexer.files.regular import no_space_error
from indexer.files.source_file import open_file
from indexer.readers import ReadOptions, find_media_type, find_packing, is_container, is_text
from indexer.sync.tasks import Batch, Part, PartReader, PartResult, is_plain, weight
from indexer.sync.worker import OVERTIME, TOO_LARGE, CurrentRecord, Record, make_shared_file

WORTH_WORKERS = 4 << 20
"""Bytes of plain text from which workers are faster, although they take a sixth of a second to start."""
IN_MEMORY = 1 << 22
"""Bytes of a task's result that are kept in memory; the rest is kept in a temporary file."""

_TASKS_AHEAD = 2  # for each worker: tasks that may be running or done while the oldest is not
_MAX_FAILED_STARTS = 10
_LOOK_EVERY = 1.0  # seconds between two looks at the record that a worker reads
_MAX_UNPROTECTED = 1 << 18  # bytes of a file that may be read without a worker
_HEAD = 1 << 12
# Space and the bytes of byte order marks.
_BLANK = b" \t\r\n\f\v\0\xef\xbb\xbf\xfe\xff"

_PACKAGES = str(Path(__file__).parents[2])
_PROGRAM = (
    "import sys; descriptors = map(int, sys.argv[1:3]); sys.path[:] = sys.argv[3:]; "
    "from indexer.sync.worker import run_worker; run_worker(*descriptors)"
)
# Keeps NumPy from starting threads for linear algebra, which is not used here.
_ENVIRONMENT = {"OPENBLAS_NUM_THREADS": "1"}
_EXIT_REASONS = {
    OVERTIME: "reading it takes more time than a document may",
    TOO_LARGE: "reading it takes more memory than a document may",
}


class Read(NamedTuple):
    """A batch of what was read; a large part comes in several, one after the other."""

    parts: list[Part]
    results: list[PartResult]
    """The result of each part."""
    chunk: Chunk
    """The articles of all of them."""
    numbers: array[int]
    """The numbers in the index of the forms that this worker has met: one array for each worker."""


def count_workers(files: Sequence[tuple[str, str, int]], jobs: int) -> int:
    """How many workers, of `jobs`, should read these files; 0 for a few that this process can read safely.

    Each file is the folder of its source, its path below that and its size in bytes.
    """
    if sum(weight(path, size) for _, path, size in files) >= WORTH_WORKERS:
        return jobs
    return 0 if all(_is_harmless(*file) for file in files) else 1


def _is_harmless(folder: str, path: str, size: int) -> bool:
    """Whether a file is small plain text, which cannot take too much time or memory."""
    if size > _MAX_UNPROTECTED or not is_plain(path):
        return False
    try:
        with open_file(folder, path) as file:
            head = file.read(_HEAD)
    except OSError:
        return True  # reading it reports the error
    # Readers trust the content more than the name: a tag makes it a page, a signature makes it packed.
    begin = head.lstrip(_BLANK)
    kind = find_media_type(BytesIO(head), path)
    is_other = find_packing(head) or begin.startswith(b"<") or kind is None or not kind.is_text
    return not is_other and bool(begin or len(head) < _HEAD)


def read_all(
    tasks: Iterable[list[Part]],
    options: ReadOptions,
    language: str,
    jobs: int,
    find_dictionary: Callable[[], bytes] = bytes,
) -> Generator[Read]:
    """Read the parts of every task, in order, in `jobs` workers (0: in this process).

    `find_dictionary` returns that of the stored texts, empty as long as there is none. Raises WorkerFailed
    when workers cannot be started, and StorageFailed.
    """
    if not jobs:
        reader, numbers = PartReader(options, language), array("i")
        for parts in tasks:
            for batch in reader.read(parts, find_dictionary()):
                yield _read_of(parts, batch, numbers)
        return
    pool = _Pool(options, language, jobs, find_dictionary)
    try:
        yield from pool.read(tasks)
    finally:
        pool.close()


def _read_of(parts: list[Part], batch: Batch, numbers: array[int]) -> Read:
    results, chunk = batch
    return Read([parts[place] for place, _ in results], [result for _, result in results], chunk, numbers)


class _Pool:
    """The workers of one sync."""

    def __init__(
        self, options: ReadOptions, language: str, jobs: int, find_dictionary: Callable[[], bytes]
    ) -> None:
        self._find_dictionary = find_dictionary
        self._options = options
        self._language = language
        self._max_pending = jobs * _TASKS_AHEAD
        self._threads = ThreadPoolExecutor(jobs, "nutgraf-worker")
        # A thread keeps its worker, because a worker continues its numbering of forms from task to task.
        self._own = threading.local()
        self._lock = threading.Lock()
        self._workers: list[_Worker] = []
        self._failed_starts = 0
        self._is_closed = False

    def read(self, tasks: Iterable[list[Part]]) -> Iterator[Read]:
        """Every task's result, in order."""
        pending: deque[Future[_Result]] = deque()
        for parts in tasks:
            pending.append(self._submit(parts))
            while pending and (pending[0].done() or len(pending) >= self._max_pending):
                yield from pending.popleft().result().take()
        while pending:
            yield from pending.popleft().result().take()

    def close(self) -> None:
        """End all workers, even in the middle of a task."""
        with self._lock:
            self._is_closed = True
            for worker in self._workers:
                worker.kill()
        self._threads.shutdown(cancel_futures=True)
        for worker in self._workers:
            worker.end()

    def _submit(self, parts: list[Part]) -> Future[_Result]:
        try:
            return self._threads.submit(self._read_task, parts)
        except RuntimeError as error:  # the system starts no more threads
            raise _not_started(error) from error

    def _read_task(self, parts: list[Part]) -> _Result:
        """Read a task in this thread's worker, and once more part by part if that ends the worker."""
        result = _Result()
        try:
            self._read_parts(parts, result)
        except _WorkerEnded as end:
            if len(parts) == 1 and _has_records(parts[0], end):
                self._read_container(parts[0], end, result, 0)
                return result
            result.truncate(0)
            if end.is_late and len(parts) == 1:
                # A second try would only take as long again.
                result.refuse(parts[0], end.reason)
                return result
            for part in parts:
                self._read_alone(part, result)
        return result

    def _read_alone(self, part: Part, result: _Result) -> None:
        """Read one part, and if necessary once more in a worker that holds no memory for others."""
        count = len(result)
        try:
            self._read_parts([part], result)
        except _WorkerEnded as end:
            if _has_records(part, end):
                self._read_container(part, end, result, count)
                return
            result.truncate(count)
            if end.is_used:
                self._read_alone(part, result)
            else:
                result.refuse(part, end.reason)

    def _read_container(self, part: Part, end: _WorkerEnded, result: _Result, count: int) -> None:
        """Read a container again that has ended its worker, without the records that do so.

        The result has `count` batches of the parts before it.
        """
        skip: dict[int, str] = {}
        ends: Counter[int] = Counter()
        while True:
            ends[end.record] += 1
            # A worker may also be ended from outside.
            is_to_blame = end.is_certain or ends[end.record] > 1
            is_end = not end.record or end.record in skip or len(skip) >= limits.FAILED_RECORDS
            if (is_to_blame and is_end) or ends.total() > 2 * limits.FAILED_RECORDS:
                place = f"from record {end.record:,} on: " if end.record else ""
                result.refuse(part, f"{place}{end.reason}", is_more=len(result) > count)
                return
            if is_to_blame:
                skip[end.record] = end.reason
            result.truncate(count)
            try:
                self._read_parts([replace(part, skip=skip)], result)
            except _WorkerEnded as again:
                end = again
            else:
                return

    def _read_parts(self, parts: list[Part], result: _Result) -> None:
        """Add what is read of the parts to the result; raises _WorkerEnded in the middle of that."""
        worker = self._worker()
        for data in worker.read(parts, self._find_dictionary()):
            result.add(parts, data, worker.numbers)

    def _worker(self) -> _Worker:
        """This thread's worker; another one, when that has ended."""
        worker: _Worker | None = getattr(self._own, "worker", None)
        if worker is not None and worker.is_alive():
            return worker
        while True:
            with self._lock:
                if self._is_closed:
                    raise WorkerFailed("the pool is closed")
                worker = _Worker(self._options, self._language)
                self._workers.append(worker)
            if worker.wait_until_ready():
                self._own.worker = worker
                return worker
            # Documents are not to blame for a worker that does not even start.
            with self._lock:
                self._failed_starts += 1
                failed = self._failed_starts
            if failed >= _MAX_FAILED_STARTS:
                raise WorkerFailed(
                    f"{failed} worker processes ended before they were ready: see what they wrote"
                )


class _WorkerEnded(Exception):
    """A worker ended, or had to be ended, before its task was done.

    `record` is the number of the record of a container that it was reading, 0 if there was none. The document
    `is_certain` to be to blame if the worker exceeded a limit, on the clock if `is_late`. It is not if the
    worker lacked memory and `is_used`: what it read before may hold memory.
    """

    def __init__(
        self,
        reason: str,
        record: int,
        *,
        is_certain: bool = False,
        is_late: bool = False,
        is_used: bool = False,
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.record = record
        self.is_used = is_used
        self.is_certain = is_certain or is_late
        self.is_late = is_late


def _has_records(part: Part, end: _WorkerEnded) -> bool:
    """Whether a part is a container: by its name, or as a text in which a worker has begun a record."""
    return is_container(part.path) or (end.record > 0 and is_text(part.path))


class _Worker:
    """One worker process, as its supervisor sees it."""

    def __init__(self, options: ReadOptions, language: str) -> None:
        self.numbers = array("i")
        self._has_read = False
        path = [name for name in sys.path if isinstance(name, str)]
        try:
            shared = make_shared_file()
            self._record = CurrentRecord(shared)
            self._connection, theirs = Pipe()
        except OSError as error:
            raise _not_started(error) from error
        descriptors = theirs.fileno(), shared
        with theirs, os.fdopen(shared):
            try:
                self._process = subprocess.Popen(
                    # Modules are found where this process finds them, and (-P) not in the current folder.
                    [sys.executable, "-P", "-c", _PROGRAM, *map(str, descriptors), *path, _PACKAGES],
                    pass_fds=descriptors,
                    stdin=subprocess.DEVNULL,
                    stdout=2,  # output of a library must not get between the lines of the command's
                    start_new_session=True,  # Ctrl-C is for the supervisor to handle
                    env=_ENVIRONMENT | os.environ,
                )
            except OSError as error:
                self._connection.close()
                raise _not_started(error) from error
        with suppress(OSError):  # the process has ended, which `wait_until_ready` reports
            self._connection.send((options, language))

    def is_alive(self) -> bool:
        """Whether the process runs."""
        return self._process.poll() is None

    def wait_until_ready(self) -> bool:
        """Wait until the process has started, for any time; returns False if it has ended."""
        try:
            self._connection.recv_bytes()
        except (EOFError, OSError):
            return False
        return True

    def read(self, parts: list[Part], dictionary: bytes) -> Iterator[bytes]:
        """The batches of a task, pickled; raises _WorkerEnded, also if the task takes too long by the clock.

        A container may take so long for each of its records. The process is ended when the time is up, so
        that neither sending nor receiving waits any longer.
        """
        self._record.write(Record(0, sum(part.size for part in parts)))
        watch = _Watch(self._record, self.kill)
        try:
            self._connection.send((parts, dictionary))
            while data := self._connection.recv_bytes():
                yield data
        except (EOFError, OSError) as error:
            self.end()
            record = self._record.read().number
            if watch.is_late:
                reason = f"was not read within {watch.seconds:.0f} s"
                raise _WorkerEnded(reason, record, is_late=True) from error
            code = self._process.returncode
            limited = _EXIT_REASONS.get(code)
            reason = limited or "it ended the process that read it, twice"
            is_used = code == TOO_LARGE and self._has_read
            is_certain = limited is not None and not is_used
            raise _WorkerEnded(reason, record, is_certain=is_certain, is_used=is_used) from error
        finally:
            self._has_read = True
            watch.stop()

    def kill(self) -> None:
        """End the process; a thread that waits for a message gets the end of the connection."""
        self._process.kill()

    def end(self) -> None:
        """End the process, if it runs, and wait for that; only for the thread that uses the connection."""
        self._process.kill()
        self._connection.close()
        self._process.wait()


class _Watch:
    """A clock that calls a function when a worker takes too long for a record, or for a task without any."""

    def __init__(self, current: CurrentRecord, call: Callable[[], None]) -> None:
        self._current = current
        self._call = call
        self._lock = threading.Lock()
        self._record, self._began = current.read(), time.monotonic()
        self._is_stopped = False
        self.is_late = False
        self._start_timer()

    @property
    def seconds(self) -> float:
        """How long the record may take."""
        return limits.file_wait(self._record.size)

    def stop(self) -> None:
        """Call nothing from now on."""
        with self._lock:
            self._is_stopped = True
            self._timer.cancel()

    def _look(self) -> None:
        with self._lock:
            if self._is_stopped:
                return
            if (record := self._current.read()) != self._record:
                self._record, self._began = record, time.monotonic()
            if time.monotonic() < self._began + self.seconds:
                self._start_timer()
                return
            self.is_late = True
        self._call()

    def _start_timer(self) -> None:
        rest = self._began + self.seconds - time.monotonic()
        self._timer = threading.Timer(min(max(rest, 0), _LOOK_EVERY), self._look)
        self._timer.daemon = True
        try:
            self._timer.start()
        except RuntimeError as error:  # the system starts no more threads
            raise _not_started(error) from error


def _not_started(error: Exception) -> WorkerFailed:
    return WorkerFailed(
        f"a worker process cannot be started ({error}): check the limits on this user's processes"
    )


class _Stored(NamedTuple):
    parts: list[Part]
    numbers: array[int]
    offset: int
    size: int


class _Result:
    """The batches of a task, kept until the tasks before it are done: in memory or in a temporary file.

    Raises StorageFailed if that file cannot be written or read.
    """

    def __init__(self) -> None:
        self._file = SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115 - it is closed with this object
        finalize(self, self._file.close)
        self._batches: list[_Stored] = []

    def __len__(self) -> int:
        return len(self._batches)

    def add(self, parts: list[Part], data: bytes, numbers: array[int]) -> None:
        """Add a batch of these parts, pickled."""
        try:
            offset = self._file.tell()
            self._file.write(data)
        except OSError as error:
            raise self._no_space(error) from error
        self._batches.append(_Stored(parts, numbers, offset, len(data)))

    def refuse(self, part: Part, reason: str, *, is_more: bool = False) -> None:
        """Add that a part could not be read, or with `is_more` the rest of it."""
        batch: Batch = [(0, PartResult(refusal=reason, is_limited=True, is_more=is_more))], Chunk()
        self.add([part], pickle.dumps(batch), array("i"))

    def truncate(self, count: int) -> None:
        """Drop all batches but the first `count`."""
        del self._batches[count:]

    def take(self) -> Iterator[Read]:
        """All batches, once; raises StorageFailed also if the worker did."""
        for parts, numbers, offset, size in self._batches:
            try:
                self._file.seek(offset)
                data = self._file.read(size)
            except OSError as error:
                raise self._no_space(error) from error
            batch = pickle.loads(data)
            del data  # frees a large batch before it is used
            if isinstance(batch, StorageFailed):
                raise batch
            yield _read_of(parts, batch, numbers)
            del batch
        self._file.close()

    def _no_space(self, error: OSError) -> StorageFailed:
        with suppress(OSError):  # closing tries to write once more
            self._file.close()
        return no_space_error("which holds parts of a large file while it is read", error)

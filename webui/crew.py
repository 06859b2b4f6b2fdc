"""Several processes that answer, one for each core, and the one that hands connections to them.

A process runs Python on one core only, and what a long search holds up is the process that makes it. The one
in front listens, gives each connection to the process with the fewest, and replaces those that end.
"""

from __future__ import annotations

import contextlib
import errno
import mmap
import os
import selectors
import signal
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable
from typing import Any, TextIO

from indexer.config import PROCESSES
from indexer.errors import ConfigError, NutgrafError
from webui import metrics
from webui.connections import ACCEPTED, Listener

MOST = 4
"""Processes at most, unless more are asked for: each takes the memory of a reader."""
# Seconds that those who are told to end have for what they are doing.
_GRACE = 6.0
# Seconds that one has which takes no connection any more.
_END = 1.0
# Seconds between two looks at those who may end, or may take a connection.
_LOOK = 0.01
# Seconds that it may take until a connection is taken by anyone.
_FULL = 1.0
# Who ends sooner than after so many seconds has not begun to answer.
_BEGUN = 1.0
_STARTS = 10  # processes that may end before one has begun

Answer = Callable[["Inbox", Callable[[int], None]], None]
"""Answers whoever comes in, and tells how many have gone."""


class ProcessesEnd(NutgrafError):
    """The processes that answer requests cannot be started, or end as soon as they begin."""


def processes_for(wanted: int, log: TextIO) -> int:
    """How many processes answer when so many are wanted; 0: one for each core, where that can be.

    All of them write to `log`. Raises ConfigError when there cannot be several.
    """
    if not 0 <= wanted <= PROCESSES:
        raise ConfigError(f"processes: a number from 0 to {PROCESSES} is wanted, {wanted} was found")
    if wanted == 1:
        return 1
    # What other threads hold as a process is forked is held for ever in the new one.
    reason = ""
    if not (hasattr(os, "fork") and hasattr(socket, "send_fds")):
        reason = "this system cannot hand connections from one process to another"
    elif threading.active_count() > 1:
        reason = "other threads run in this one, which cannot be forked then"
    elif not _is_file(log):
        reason = "the log is no file that several could write to"
    if reason and wanted:
        raise ConfigError(f"processes: 1 (or 0) is wanted, {wanted} was found: {reason}")
    return wanted or (1 if reason else min(os.cpu_count() or 1, MOST))


def _is_file(log: TextIO) -> bool:
    try:
        return log.fileno() >= 0
    except (OSError, ValueError, AttributeError):
        return False


class Inbox(socket.socket):
    """Where connections come in that somebody else has accepted, in the place of a socket that listens."""

    def __init__(self, raw: socket.socket, address: Any) -> None:
        super().__init__(fileno=raw.detach())
        self._address = address
        self.taken = 0
        """How many have come."""

    def listen(self, backlog: int = 0) -> None:
        """Do nothing: the one in front listens."""

    def getsockname(self) -> Any:
        """The address that the one in front listens at."""
        return self._address

    def accept(self) -> tuple[socket.socket, Any]:
        """The next connection, and where it is from; raises SystemExit when there will be none."""
        message, descriptors, _, _ = socket.recv_fds(self, 1, 1)
        if not message:
            raise SystemExit
        self.taken += 1
        # As from a socket that listens, where a connection was lost before it was taken.
        lost = ConnectionAbortedError(errno.ECONNABORTED, os.strerror(errno.ECONNABORTED))
        if not descriptors:
            raise lost
        raw = socket.socket(fileno=descriptors[0])
        raw.set_inheritable(False)
        try:
            return raw, raw.getpeername()
        except OSError as error:
            raw.close()
            raise lost from error


class Member(Listener):
    """The listener of one of the processes: it tells how many connections are gone again."""

    socket: Inbox
    tell: Callable[[int], None]

    def readable(self) -> Any:
        """Whether a new connection can be served."""
        self.tell(self.socket.taken - len(self.active_channels))
        return super().readable()

    def handle_close(self) -> None:
        """End the process: nothing will come in any more."""
        raise SystemExit


class Crew:
    """The processes that answer what comes to a socket that listens; `answer` is what each of them does."""

    def __init__(self, bound: socket.socket, processes: int, answer: Answer) -> None:
        self._bound = bound
        self._answer = answer
        self._ends: dict[int, socket.socket] = {}
        self._pids: dict[int, int] = {}
        self._began = [0.0] * processes
        self._due = dict.fromkeys(range(processes), 0.0)
        self._failed = 0
        self._works = False
        # Each of these has one writer: how many connections were handed on, and how many are gone.
        self._handed = [0] * processes
        self._gone = memoryview(mmap.mmap(-1, 8 * processes)).cast("q")
        self._selector = selectors.DefaultSelector()
        metrics.share(processes)

    def run(self) -> None:
        """Have requests answered until this is interrupted. Raises ProcessesEnd."""
        self._bound.setblocking(False)
        # Whoever started this may have wanted to know nothing of its own children.
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        try:
            while True:
                self._hire()
                timeout = max(0.0, min(self._due.values()) - time.monotonic()) if self._due else None
                heard = [key.data for key, _ in self._selector.select(timeout)]
                for place in heard:
                    if place is not None:
                        self._replace(place)
                if None in heard:
                    self._hand_on()
        except KeyboardInterrupt:
            pass
        finally:
            self._dismiss()

    def _hire(self) -> None:
        for place in [place for place, due in self._due.items() if due <= time.monotonic()]:
            del self._due[place]
            # An interrupt waits until it is known who has to be told to end.
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
            try:
                self._fork(place)
            finally:
                signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})

    def _fork(self, place: int) -> None:
        self._handed[place] = self._gone[place] = 0
        self._began[place] = time.monotonic()
        with contextlib.ExitStack() as stack:
            _flush()
            try:
                ours, theirs = map(stack.enter_context, socket.socketpair())
                pid = os.fork()
            except OSError as error:
                self._not_forked(place, error)
                return
            if not pid:
                self._be_hired(place, ours, theirs)
            theirs.close()
            stack.pop_all()
        ours.setblocking(False)
        if not self._ends:
            # While nobody answers, whoever comes waits to be accepted.
            self._selector.register(self._bound, selectors.EVENT_READ)
        self._ends[place], self._pids[place] = ours, pid
        self._selector.register(ours, selectors.EVENT_READ, place)

    def _not_forked(self, place: int, error: OSError) -> None:
        if not self._ends and not self._works:
            raise ProcessesEnd(
                f"{len(self._handed)} processes that answer are wanted, none can be started ({error}): see "
                "what limits this user's processes"
            ) from error
        _tell(f"another process that answers requests cannot be started now ({error})")
        self._due[place] = time.monotonic() + _BEGUN

    def _be_hired(self, place: int, ours: socket.socket, theirs: socket.socket) -> None:
        """Answer, in a process that was just forked, and end it."""
        status = 1
        try:
            # An interrupt of the terminal is for the one in front, who ends the others.
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
            address = self._bound.getsockname()
            self._selector.close()
            self._bound.close()
            for end in (ours, *self._ends.values()):
                end.close()
            metrics.take(place)

            def tell(gone: int) -> None:
                self._gone[place] = gone

            self._answer(Inbox(theirs, address), tell)
            status = 0
        except BaseException:  # noqa: BLE001 - nothing of what the one in front was doing is to be gone on with
            traceback.print_exc()
        finally:
            _flush()
            os._exit(status)

    def _hand_on(self) -> None:
        for _ in range(ACCEPTED):
            if not self._ends:
                return
            try:
                connection, _ = self._bound.accept()
            except (BlockingIOError, ConnectionAbortedError):
                return
            except OSError:
                # This process, or the system, has no room for another file just now.
                time.sleep(_LOOK)
                return
            with connection:
                if not self._give(connection):
                    return

    def _give(self, connection: socket.socket) -> bool:
        """Hand a connection on; False when nobody has taken it."""
        end = time.monotonic() + _FULL
        while self._ends and time.monotonic() < end:
            for place in sorted(self._ends, key=lambda place: self._handed[place] - self._gone[place]):
                try:
                    socket.send_fds(self._ends[place], [b"."], [connection.fileno()])
                except BlockingIOError:
                    continue
                except OSError:
                    self._replace(place)
                    break
                self._handed[place] += 1
                return True
            else:
                time.sleep(_LOOK)
        return False

    def _replace(self, place: int) -> None:
        if place not in self._ends:
            return
        end = self._ends.pop(place)
        self._selector.unregister(end)
        end.close()
        if not self._ends:
            self._selector.unregister(self._bound)
        # It takes no connection any more: what else it has to do must not take long.
        if (status := self._ended(place, time.monotonic() + _END)) is None:
            os.kill(self._pids[place], signal.SIGKILL)
            _, status = os.waitpid(self._pids[place], 0)
        del self._pids[place]
        code = os.waitstatus_to_exitcode(status)
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        now = time.monotonic()
        self._works = self._works or any(now - self._began[one] >= _BEGUN for one in (place, *self._pids))
        self._failed += 1
        if not self._works and self._failed >= _STARTS:
            raise ProcessesEnd(
                f"processes that answer requests are wanted, {_STARTS} have ended as they began ({how}): see "
                "what they wrote"
            )
        _tell(f"a process that answers requests has ended ({how}), another one begins")
        # At once, but for one that ends all the time.
        self._due[place] = max(now, self._began[place] + _BEGUN)

    def _ended(self, place: int, deadline: float) -> int | None:
        """The status that a process has ended with; None where it has not by then."""
        while True:
            pid, status = os.waitpid(self._pids[place], os.WNOHANG)
            if pid:
                return status
            if time.monotonic() > deadline:
                return None
            time.sleep(_LOOK)

    def _dismiss(self) -> None:
        for ours in self._ends.values():
            ours.close()
        self._bound.close()
        self._selector.close()
        # Whoever interrupts once more does not wait for what they are doing.
        with contextlib.suppress(KeyboardInterrupt):
            deadline = time.monotonic() + _GRACE
            for place in list(self._pids):
                if self._ended(place, deadline) is not None:
                    del self._pids[place]
        for pid in self._pids.values():
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


def _tell(text: str) -> None:
    """Write a line to standard error, if that is there."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        sys.stderr.write(f"nutgraf: {text}\n")
    _flush()


def _flush() -> None:
    """Write what waits to be written: after a fork both would write it."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError, AttributeError):
            stream.flush()

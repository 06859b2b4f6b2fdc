"""The server that the site runs on: Granian, with workers of two threads each, and its access log."""

from __future__ import annotations

import contextlib
import errno
import gc
import ipaddress
import json
import multiprocessing
import os
import re
import shutil
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from functools import partial
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, TextIO

from indexer.config import PROCESSES
from indexer.errors import ConfigError, NutgrafError
from webui.monitoring import share

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment
    from granian.server.common import AbstractServer

WORKERS = 4
"""Workers at most, unless more are asked for: each takes the memory of a reader."""
THREADS = 2
"""Threads of a worker. More would only wait for each other, since searching and rendering hold the
interpreter; the second one keeps a long search from holding up all others."""
CONNECTIONS = 512
"""Connections that a worker has open at most. An answer may wait in memory for the reader of each of them,
and files of the index are open besides, below the 1,024 that a process may have by default."""
BACKLOG = 1024
"""Connections that wait to be accepted."""
READ_SECONDS = 10.0
"""Seconds within which a request has to arrive, and for which a connection may be silent between two."""
STOP_SECONDS = 5
"""Seconds that workers have for the answers in progress when the server stops."""
MAX_HEADER = 64 * 1024
"""Bytes of the address and headers of a request."""
_PROBE_SECONDS = 0.01


class AddressUnavailable(NutgrafError):
    """The address that the site should be served at cannot be listened on."""


class WorkersEnd(NutgrafError):
    """The workers cannot be started, or end as soon as they begin."""


def serve(
    app: WSGIApplication,
    host: str = "127.0.0.1",
    port: int = 8765,
    *,
    allow_remote: bool = False,
    announce: Callable[[str], Any] | None = None,
    processes: int = 0,
    read_seconds: float = READ_SECONDS,
    log_queries: bool = False,
) -> None:
    """Serve `app` until interrupted; to be called in the main thread.

    So many `processes` (workers) answer, of two threads each; 0: one for each core, four at most. Where they
    cannot be forked (Windows, and from Python 3.14 on) `app` has to be one that `create_app` made, or another
    that can be pickled.

    A connection is closed when no whole request has come within `read_seconds`. Each request is a line of
    JSON on standard error, with what was searched for only with `log_queries`.

    `announce` is called with the address (default: it is printed) once the server answers; port 0 takes a
    free one. Anyone who can reach the address can read the whole index, so a host that other machines reach
    is refused with ConfigError unless `allow_remote`. Raises AddressUnavailable, and WorkersEnd when workers
    end again and again.
    """
    # Imported here: an application that mounts the blueprint has a server of its own.
    from granian import Granian
    from granian.constants import HTTPModes, Interfaces
    from granian.http import HTTP1Settings
    from granian.log import LogLevels

    http1 = HTTP1Settings(header_read_timeout=round(read_seconds * 1000), max_buffer_size=MAX_HEADER)
    if not 0 <= processes <= PROCESSES:
        raise ConfigError(f"processes: a number from 0 to {PROCESSES} is wanted, {processes} was found")
    with (
        _reserve(host, port, allow_remote) as (name, number),
        TemporaryDirectory(prefix="nutgraf-counts-", ignore_cleanup_errors=True) as counts,
        _restored_signals(),
    ):
        server = Granian(
            "nutgraf",
            name,
            number,
            interface=Interfaces.WSGI,
            workers=processes or min(os.cpu_count() or 1, WORKERS),
            blocking_threads=THREADS,
            backlog=BACKLOG,
            backpressure=CONNECTIONS,
            http=HTTPModes.http1,
            http1_settings=http1,
            websockets=False,
            respawn_failed_workers=True,
            workers_kill_timeout=STOP_SECONDS,
            log_level=LogLevels.warning,
            log_dictconfig=_LOGGING,
        )
        hangup = getattr(signal, "SIGHUP", None)
        if hangup is not None and signal.getsignal(hangup) is not signal.SIG_IGN:
            # Granian would restart the workers; a terminal that is closed ends the server.
            server.on_startup(lambda: signal.signal(hangup, server.signal_handler_interrupt))
        with _announced(server, name, number, announce or _print):
            try:
                server.serve(target_loader=partial(_load, app, log_queries, counts), wrap_loader=False)
            except SystemExit as error:
                # Granian reports a worker that an interrupt of the terminal ended as one that failed.
                if not server.interrupt_signal:
                    raise WorkersEnd("workers end as soon as they begin: see what they wrote") from error


# Of Granian's own messages only warnings and errors, beside the lines of the requests.
_LOGGING = {
    "formatters": {"nutgraf": {"format": "nutgraf: %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "nutgraf"}},
    "loggers": {"_granian": {"handlers": ["stderr"], "propagate": False}},
}


def _load(app: WSGIApplication, log_queries: bool, counts: str) -> WSGIApplication:
    """Prepare a worker, in its own process; returns what it serves."""
    share(counts)
    # By default a thread keeps the interpreter for 5 ms, and a short query waits so long each time.
    sys.setswitchinterval(0.0001)
    # A full collection would stop all threads for some 30 ms.
    gc.freeze()
    if hasattr(signal, "pthread_sigmask"):
        # What a terminal sends to all processes is for the supervisor, which then ends the workers.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGHUP})
    # Until Granian is ready to end gracefully: a forked worker has the handler of the supervisor, which would
    # not end it.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    supervisor = multiprocessing.parent_process()
    if supervisor is not None:

        def watch() -> None:
            supervisor.join()
            shutil.rmtree(counts, ignore_errors=True)
            os._exit(1)

        # A supervisor that is killed cannot end its workers.
        threading.Thread(target=watch, daemon=True).start()
    return AccessLog(app, sys.stderr, queries=log_queries)


@contextlib.contextmanager
def _reserve(host: str, port: int, allow_remote: bool) -> Iterator[tuple[str, int]]:
    """Keep an address for the workers; gives the IP address and the port. Raises AddressUnavailable."""
    # The system's own check of a port is lax: it wraps large numbers around.
    if not 0 <= port <= 65_535:
        raise AddressUnavailable(
            f"port: a number from 0 to 65535 is wanted, {port} was found; 0 takes a free one"
        )
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except (OSError, UnicodeError) as error:
        raise AddressUnavailable(
            f"host: a name or an address of this machine is wanted, {host!r} (port {port}) was found; "
            "use 127.0.0.1"
        ) from error
    if not allow_remote and not ipaddress.ip_address(str(address[0]).partition("%")[0]).is_loopback:
        raise ConfigError(
            f"host: {host!r} can be reached from other machines, and whoever reaches it can read "
            "every article; use 127.0.0.1, or allow remote access expressly"
        )
    with socket.socket(family, kind, protocol) as bound:
        try:
            # Elsewhere this option lets two programs share a port.
            if os.name == "posix":
                bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            bound.bind(address)
        except OSError as error:
            raise AddressUnavailable(_explain(error, host, port)) from error
        name, number = bound.getsockname()[:2]
        if sys.platform == "linux":
            # Each worker listens at the port with a socket of its own. This one, which does not listen, keeps
            # the port from other users while all workers are gone.
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        else:
            bound.close()
        yield name, number


@contextlib.contextmanager
def _announced(
    server: AbstractServer[Any], name: str, port: int, announce: Callable[[str], Any]
) -> Iterator[None]:
    """Call `announce` with the address once all workers are started and one of them accepts connections."""
    done = threading.Event()

    def look() -> None:
        while not done.wait(_PROBE_SECONDS):
            # A worker that is forked while this thread prints finds the lock of standard output taken for
            # ever, and waits for it when it ends.
            if len(server.wrks) < server.workers:
                continue
            with contextlib.suppress(OSError):
                socket.create_connection((name, port), timeout=STOP_SECONDS).close()
                announce(f"http://{f'[{name}]' if ':' in name else name}:{port}/")
                return

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


@contextlib.contextmanager
def _restored_signals() -> Iterator[None]:
    """Give the program its own signal handlers back at the end."""
    names = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")
    before = {number: signal.getsignal(number) for name in names if (number := getattr(signal, name, None))}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _explain(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"port: {port} on {host} is in use by another program (or by another nutgraf serve); "
            "stop that one, or choose another port (0 takes any that is free)"
        )
    if error.errno == errno.EACCES:
        return f"port: {port} may not be used by this user; choose one above 1023"
    return f"{host}, port {port}: cannot be listened on ({error}); use 127.0.0.1"


def _print(address: str) -> None:
    print(f"Serving on {address} (stop with Ctrl-C)", flush=True)


# Longer than any address that means something; what is cut off is no news.
MAX_TEXT = 500
# What follows these names an article, which tells as much as a query.
_PRIVATE = re.compile("/(a|articles|similar)/")


class AccessLog:
    """A WSGI application around another that writes a line for each answer.

    A line has the time, method, path, status, milliseconds and bytes. With `queries` it has what was searched
    for and the id of an article; without, neither. Control characters are escaped, so that a request cannot
    write a line of its own.
    """

    def __init__(self, app: WSGIApplication, stream: TextIO, *, queries: bool = False) -> None:
        self._app = app
        self._stream = stream
        self._queries = queries
        self._lock = threading.Lock()

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        """Answer as the application does."""
        began = time.perf_counter()
        sent = {"status": 0, "bytes": 0}

        def remember(status: str, *more: object) -> object:
            sent["status"] = int(status[:3])
            return start(status, *more)  # type: ignore[arg-type]

        answer = self._app(environ, remember)  # type: ignore[arg-type]
        return _Counted(answer, sent, lambda: self.write(environ, sent, time.perf_counter() - began))

    def write(self, environ: WSGIEnvironment, sent: dict[str, int], seconds: float) -> None:
        """Write the line of a request that was answered: `sent` has the status and the bytes."""
        path = _text(environ.get("PATH_INFO", ""))
        line: dict[str, object] = {
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "method": _text(environ.get("REQUEST_METHOD", "")),
            "path": path if self._queries else _without_article(path),
            **sent,
            "ms": round(seconds * 1000, 1),
        }
        if self._queries:
            line["query"] = environ.get("QUERY_STRING", "")[:MAX_TEXT]
        # ASCII only: everything that a terminal may obey is escaped; but for one, which JSON thinks harmless.
        text = json.dumps(line).replace("\x7f", "\\u007f")
        with self._lock:
            self._stream.write(text + "\n")
            self._stream.flush()


class _Counted:
    """An answer that counts its bytes, and has its line written before the last of them are sent.

    A server that is asked to end may do so as soon as all has been sent.
    """

    def __init__(self, answer: Iterable[bytes], sent: dict[str, int], write: Callable[[], None]) -> None:
        self._answer = answer
        self._sent = sent
        self._write = write
        self._is_written = False

    def __iter__(self) -> Iterator[bytes]:
        last = None
        for part in self._answer:
            if last is not None:
                yield last
            self._sent["bytes"] += len(part)
            last = part
        self._write_once()
        if last is not None:
            yield last

    def close(self) -> None:
        """End the answer; the line of one that was broken off is written now."""
        try:
            if hasattr(self._answer, "close"):
                self._answer.close()
        finally:
            self._write_once()

    def _write_once(self) -> None:
        if not self._is_written:
            self._is_written = True
            self._write()


def _text(raw: str) -> str:
    # The server hands bytes over as Latin-1.
    return raw.encode("latin-1", "replace").decode("utf-8", "backslashreplace")[:MAX_TEXT]


def _without_article(path: str) -> str:
    # The first of them: an id may look like an address.
    found = _PRIVATE.search(path)
    return f"{path[: found.end()]}…" if found else path

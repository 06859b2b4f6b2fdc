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
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from functools import partial
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, TextIO

from werkzeug.wsgi import ClosingIterator

from indexer.errors import ConfigError, NutgrafError
from indexer.limits import PROCESSES
from webui.monitoring import share_counts
from webui.mount import EXTENSION, Mount

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment
    from granian.server.common import AbstractServer

WORKERS = 4
"""Maximum workers by default: each needs memory for its own reader of the index."""
THREADS = 2
"""Threads of a worker. More would wait for the GIL; the second one keeps a long search from blocking all
others."""
CONNECTIONS = 512
"""Maximum open connections of a worker. With the files of the index they stay below the 1,024 open files that
a process may have by default, and each may hold a response in memory."""
BACKLOG = 1024
"""Connections that may wait to be accepted."""
READ_SECONDS = 10.0
"""Seconds for a request to arrive, and for a connection to be idle between two requests."""
STOP_SECONDS = 5
"""Seconds for the workers to finish their responses when the server stops."""
MAX_HEADER = 64 * 1024
"""Maximum bytes of the URL and headers of a request."""
_PROBE_SECONDS = 0.01


class AddressUnavailable(NutgrafError):
    """The server cannot listen on the address."""


class ServerStopped(NutgrafError):
    """The workers cannot be started, or exit at once."""


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
    """Serve `app` until interrupted. Call it in the main thread.

    `processes` is the number of workers, with two threads each; 0 means one per core, at most four. If
    workers cannot be forked (Windows, and Python 3.14 and later), `app` must be picklable, as from
    `create_app`.

    A connection is closed if no complete request arrives within `read_seconds`. Each request is logged as a
    line of JSON to standard error; `log_queries` adds the queries.

    `announce` is called with the URL when the server is ready (default: print it); port 0 takes a free one.
    Everyone who can reach the server can read the whole index, so a host that other machines can reach needs
    `allow_remote`.

    Raises ConfigError, AddressUnavailable, and ServerStopped if workers exit again and again.
    """
    # Applications that mount the blueprint have their own server and do not need Granian.
    from granian import Granian
    from granian.constants import HTTPModes, Interfaces
    from granian.http import HTTP1Settings
    from granian.log import LogLevels

    http1 = HTTP1Settings(header_read_timeout=round(read_seconds * 1000), max_buffer_size=MAX_HEADER)
    if not 0 <= processes <= PROCESSES:
        raise ConfigError(f"processes must be a number from 0 to {PROCESSES}, not {processes}")
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
            # Granian restarts its workers on SIGHUP; a closed terminal should end the server.
            server.on_startup(lambda: signal.signal(hangup, server.signal_handler_interrupt))
        with _announce_when_ready(server, name, number, announce or _print):
            try:
                server.serve(target_loader=partial(_load, app, log_queries, counts), wrap_loader=False)
            except SystemExit as error:
                # Granian also reports workers as failed that an interrupt of the terminal ended.
                if not server.interrupt_signal:
                    raise ServerStopped("The workers exit at once; see their messages.") from error


# Only warnings and errors of Granian are logged, besides the access log.
_LOGGING = {
    "formatters": {"nutgraf": {"format": "nutgraf: %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "nutgraf"}},
    "loggers": {"_granian": {"handlers": ["stderr"], "propagate": False}},
}


def _load(app: WSGIApplication, log_queries: bool, counts: str) -> WSGIApplication:
    """Prepare a worker in its own process, and return the application."""
    share_counts(counts)
    # By default a thread holds the GIL for 5 ms, and a short query would wait for it.
    sys.setswitchinterval(0.0001)
    # A full collection would pause all threads for some 30 ms.
    gc.freeze()
    if hasattr(signal, "pthread_sigmask"):
        # A terminal signals all processes; the supervisor ends the workers.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGHUP})
    # A forked worker inherits the handler of the supervisor, which does not end it; Granian sets one later.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    supervisor = multiprocessing.parent_process()
    if supervisor is not None:

        def watch() -> None:
            supervisor.join()
            shutil.rmtree(counts, ignore_errors=True)
            os._exit(1)

        # A killed supervisor cannot end its workers.
        threading.Thread(target=watch, daemon=True).start()
    threading.Thread(target=_load_models, args=(app,), daemon=True).start()
    return AccessLog(app, sys.stderr, queries=log_queries)


@contextlib.contextmanager
def _reserve(host: str, port: int, allow_remote: bool) -> Iterator[tuple[str, int]]:
    """Reserve an address for the workers; yields the IP address and the port. Raises AddressUnavailable."""
    # getaddrinfo() wraps large numbers around.
    if not 0 <= port <= 65_535:
        raise AddressUnavailable(f"port must be a number from 0 to 65535, not {port}; 0 takes a free one")
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except (OSError, UnicodeError) as error:
        raise AddressUnavailable(
            f"host must be a name or an address of this machine, not {host!r} (port {port}); use 127.0.0.1"
        ) from error
    if not allow_remote and not ipaddress.ip_address(str(address[0]).partition("%")[0]).is_loopback:
        raise ConfigError(
            f"host {host!r} can be reached from other machines, which can then read every article; use "
            "127.0.0.1, or allow remote access explicitly"
        )
    with socket.socket(family, kind, protocol) as bound:
        try:
            # On Windows this option lets two programs share a port.
            if os.name == "posix":
                bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            bound.bind(address)
        except OSError as error:
            raise AddressUnavailable(_explain(error, host, port)) from error
        name, number = bound.getsockname()[:2]
        if sys.platform == "linux":
            # Each worker listens with a socket of its own. This socket only keeps the port from other users
            # while no worker is running.
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        else:
            bound.close()
        yield name, number


def _load_models(app: WSGIApplication) -> None:
    """Load the models that archives are searched with, since the first query would not have the time."""
    mounts: Mapping[str, Mount] = getattr(app, "extensions", {}).get(EXTENSION, {})
    for mount in mounts.values():
        # Whatever is wrong is said to those who search.
        with contextlib.suppress(NutgrafError):
            mount.whole.load_model()


@contextlib.contextmanager
def _announce_when_ready(
    server: AbstractServer[Any], name: str, port: int, announce: Callable[[str], Any]
) -> Iterator[None]:
    """Call `announce` with the URL when all workers are started and one accepts connections."""
    done = threading.Event()

    def look() -> None:
        while not done.wait(_PROBE_SECONDS):
            # A worker that is forked while this thread prints would inherit a locked standard output.
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
    """Restore the signal handlers of the program at the end."""
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
            f"port {port} on {host} is in use by another program or another nutgraf serve; stop that one, or "
            "choose another port (0 takes a free one)"
        )
    if error.errno == errno.EACCES:
        return f"port {port} is not permitted for this user; choose one above 1023"
    return f"The server cannot listen on {host}, port {port} ({error}); use 127.0.0.1"


def _print(address: str) -> None:
    print(f"Serving on {address} (stop with Ctrl-C)", flush=True)


# Characters of a path and of a query in the log.
MAX_TEXT = 500
# Paths with the id of an article, which is as private as a query.
_PRIVATE = re.compile("/(a|articles|similar)/")


class AccessLog:
    """WSGI middleware that logs each response as a line of JSON.

    A line has the time, method, path, status, milliseconds and bytes, and nothing about the client. Queries
    and ids of articles are logged only with `queries`. Control characters are escaped, so that a request
    cannot forge a line.
    """

    def __init__(self, app: WSGIApplication, stream: TextIO, *, queries: bool = False) -> None:
        self._app = app
        self._stream = stream
        self._queries = queries
        self._lock = threading.Lock()

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        """Call the application and log its response."""
        began = time.perf_counter()
        sent = {"status": 0, "bytes": 0}

        def remember(status: str, *more: object) -> object:
            sent["status"] = int(status[:3])
            return start(status, *more)  # type: ignore[arg-type]

        answer = self._app(environ, remember)  # type: ignore[arg-type]
        log = contextlib.ExitStack()
        # Closed once, also if the response is aborted.
        log.callback(lambda: self.write(environ, sent, time.perf_counter() - began))
        close = getattr(answer, "close", None)
        return ClosingIterator(_count_bytes(answer, sent, log), [log.close, *([close] if close else [])])

    def write(self, environ: WSGIEnvironment, sent: dict[str, int], seconds: float) -> None:
        """Write the line of a request; `sent` has the status and the bytes of the response."""
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
        # json.dumps() escapes all control characters but DEL.
        text = json.dumps(line).replace("\x7f", "\\u007f")
        with self._lock:
            self._stream.write(text + "\n")
            self._stream.flush()


def _count_bytes(answer: Iterable[bytes], sent: dict[str, int], log: contextlib.ExitStack) -> Iterator[bytes]:
    """The parts of a response. It is logged before the last one: a server that stops may exit after that."""
    last = None
    for part in answer:
        if last is not None:
            yield last
        sent["bytes"] += len(part)
        last = part
    log.close()
    if last is not None:
        yield last


def _text(raw: str) -> str:
    # WSGI passes bytes as Latin-1.
    return raw.encode("latin-1", "replace").decode("utf-8", "backslashreplace")[:MAX_TEXT]


def _without_article(path: str) -> str:
    # Only the first match counts, as an id may look like a path.
    found = _PRIVATE.search(path)
    return f"{path[: found.end()]}…" if found else path

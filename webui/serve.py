"""The server that the site runs on: a few processes of a few threads, slow clients kept away from them."""

from __future__ import annotations

import errno
import gc
import ipaddress
import logging
import os
import socket
import sys
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TextIO

from indexer.errors import ConfigError, NutgrafError
from webui.journal import Journal

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

    from webui.connections import Listener

# More would only wait for each other: searching and writing pages is Python, one thread at a time. The
# second is there so that one long search does not hold up all others.
THREADS = 2
# Connections are cheap here: each waits in one event loop and takes a thread only for a complete request.
# With other files, those of the index among them, below the 1,024 that a process may have open by default.
CONNECTIONS = 800
OTHER_FILES = 224
# A request is one line and its headers; nothing is uploaded.
MAX_HEADER = 64 * 1024
MAX_BODY = 64 * 1024
# Bytes of an answer that wait for their reader in memory; a longer one waits in a file. Of all that may wait
# together there are no more than 128 such files.
IN_MEMORY = 2 * 2**20
# Seconds of silence after which a connection is closed.
SILENCE = 30
# Seconds after which a thread lets another one run.
SWITCH = 0.0001
# Seconds between two looks for silent ones.
LOOKED_AFTER = 5


class AddressUnavailable(NutgrafError):
    """The address that the site should be served at cannot be listened on."""


class Server:
    """A server that listens already, at `address`, and answers while `run()` runs.

    Raises AddressUnavailable and ConfigError as `serve` does.
    """

    def __init__(
        self,
        app: WSGIApplication,
        host: str = "127.0.0.1",
        port: int = 8765,
        *,
        allow_remote: bool = False,
        threads: int = THREADS,
    ) -> None:
        bound = _bind(host, port, allow_remote)
        self.address = _address(bound)
        self._channels: dict[int, Any] = {}
        self._server = _listener(app, bound, self._channels, threads=threads)
        self._lock = threading.Lock()
        # Whether it is closed, or about to be.
        self._closed = False

    def run(self) -> None:
        """Answer requests until `stop()` is called or the program is interrupted."""
        try:
            self._server.run()
        finally:
            self._close()

    def stop(self) -> None:
        """Make `run()` end, from any thread."""
        with self._lock:
            # Once: who came again for the trigger's own lock could wait for the loop, which waits for this.
            if not self._closed:
                self._closed = True
                self._server.trigger.pull_trigger(self._close_channels)

    def _close(self) -> None:
        self._server.task_dispatcher.shutdown()
        self._close_channels()

    def _close_channels(self) -> None:
        from waitress import wasyncore

        # Whoever stops it may still be at the trigger, which is one of them.
        with self._lock:
            self._closed = True
            wasyncore.close_all(self._channels, ignore_all=True)


def serve(
    app: WSGIApplication,
    host: str = "127.0.0.1",
    port: int = 8765,
    *,
    allow_remote: bool = False,
    announce: Callable[[str], Any] | None = None,
    processes: int = 0,
    threads: int = THREADS,
    log: TextIO | None = None,
    log_queries: bool = False,
) -> None:
    """Serve `app` until interrupted.

    So many `processes` answer, forked from this one, each with so many `threads`; 0: one for each core, four
    at most, or this one alone where it has other threads, `log` is no file, or the system cannot hand
    connections on.

    Each request is a line of JSON on `log` (default: standard error), with what was searched for only with
    `log_queries`.

    `announce` is called with the address (default: it is printed) once the server listens; port 0 takes a
    free one. Anyone who can reach the address can read the whole index, so a host that other machines reach
    is refused with ConfigError unless `allow_remote`. Raises AddressUnavailable, and ProcessesEnd when those
    that answer cannot be started.
    """
    # Imported here: it takes the server, which an application that mounts the blueprint does without.
    from webui import crew

    # Python lets a thread run for fifty times as long before it asks whether another wants to: whoever asks
    # for little would wait so long, again and again, for one long query.
    sys.setswitchinterval(SWITCH)
    # What is there now stays: to look through it for garbage holds up all threads for some 30 ms at a time.
    gc.freeze()
    log = log or sys.stderr
    app = Journal(app, log, queries=log_queries)
    several = crew.processes_for(processes, log)
    if several == 1:
        server = Server(app, host, port, allow_remote=allow_remote, threads=threads)
        (announce or _print)(server.address)
        server.run()
        return

    def answer(inbox: crew.Inbox, tell: Callable[[int], None]) -> None:
        member = _listener(app, inbox, {}, crew.Member, processes=several, threads=threads)
        member.tell = tell
        member.run()

    bound = _bind(host, port, allow_remote)
    (announce or _print)(_address(bound))
    log.flush()
    crew.Crew(bound, several, answer).run()


def _listener(
    app: WSGIApplication,
    bound: socket.socket,
    channels: dict[int, Any],
    kind: type[Listener] | None = None,
    *,
    processes: int = 1,
    threads: int = THREADS,
) -> Listener:
    """What takes the connections that come to `bound`, and has them answered as it runs."""
    # Imported here: an application that mounts the blueprint has a server of its own.
    from waitress.adjustments import Adjustments
    from waitress.task import ThreadedTaskDispatcher

    from webui import connections

    # That requests had to wait for a thread is no news to the person at the terminal.
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
    adjustments = Adjustments(
        sockets=[bound],
        threads=threads,
        # The listener itself sees to it that there are not too many.
        connection_limit=CONNECTIONS + connections.ACCEPTED,
        channel_timeout=SILENCE,
        cleanup_interval=LOOKED_AFTER,
        max_request_header_size=MAX_HEADER,
        max_request_body_size=MAX_BODY,
        outbuf_overflow=IN_MEMORY,
        outbuf_high_watermark=connections.UNREAD // processes,
        asyncore_use_poll=True,
        ident=None,
    )
    # As often it looks whether a place can be taken. As an argument this is whole seconds.
    adjustments.asyncore_loop_timeout = connections.AT_LEAST
    dispatcher = ThreadedTaskDispatcher()
    dispatcher.set_thread_count(threads)
    listener = (kind or connections.Listener)(
        app,
        channels,
        _sock=bound,
        dispatcher=dispatcher,
        adj=adjustments,
        sockinfo=(bound.family, bound.type, bound.proto, bound.getsockname()),
        bind_socket=False,
    )
    listener.most = _most()
    listener.unread = connections.UNREAD // processes
    listener.journal = app if isinstance(app, Journal) else None
    return listener


def _address(bound: socket.socket) -> str:
    name, number = bound.getsockname()[:2]
    return f"http://{f'[{name}]' if ':' in name else name}:{number}/"


def _most() -> int:
    """How many connections this process may have open."""
    try:
        import resource
    except ImportError:
        return CONNECTIONS
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return CONNECTIONS if files == resource.RLIM_INFINITY else max(1, min(CONNECTIONS, files - OTHER_FILES))


def _bind(host: str, port: int, allow_remote: bool) -> socket.socket:
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
    bound = socket.socket(family, kind, protocol)
    try:
        # Elsewhere this option lets two programs share a port.
        if os.name == "posix":
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
        bound.listen(CONNECTIONS)
    except OSError as error:
        bound.close()
        raise AddressUnavailable(_explain(error, host, port)) from error
    return bound


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

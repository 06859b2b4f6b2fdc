"""The connections of the server: how long each is waited for, and whose place another one takes."""

from __future__ import annotations

import contextlib
import socket
import struct
import sys
import threading
import time
from typing import Any

from waitress.channel import HTTPChannel
from waitress.server import TcpWSGIServer
from waitress.task import WSGITask

from webui import refusals
from webui.journal import Journal
from webui.refusals import Refusal, TooSlow

READ_SECONDS = 10.0
"""Who asks and then takes no byte of the answer for so long is hung up on."""
UNREAD = 256 * 2**20
"""Bytes of answers that may wait for their readers, all together: beyond it, those who have taken nothing for
the longest time are hung up on. A single answer may be larger: a thread waits until it is read, or not.
Where several processes answer, each has its share."""
AT_LEAST = 0.25
"""Seconds that a connection may wait for its client whoever wants its place: a request may be on its way."""
ACCEPTED = 16
"""Connections that are taken at once: to ask all others between two of them would cost more than they do."""
# Bytes of an answer that the system may hold for its reader (it takes the double), else up to four million.
SENT_AHEAD = 128 * 1024
# Seconds between two looks at what the system has not got rid of yet.
LOOKED_AFTER = 1.0
# Closes a connection at once, with what the system still has to send.
_ABORT = struct.pack("ii", 1, 0)


def held_for(raw: socket.socket) -> int:
    """Bytes that were sent and that the other end has not taken yet; 0 where the system does not tell."""
    try:
        import fcntl
        import termios

        return int.from_bytes(fcntl.ioctl(raw, termios.TIOCOUTQ, bytes(4)), sys.byteorder)
    except (ImportError, OSError, ValueError):
        return 0


class Reply(WSGITask):  # type: ignore[misc]
    """The answer to a request."""

    def write(self, data: bytes) -> None:
        """Send a part of it: nothing but the headers where only those were asked for."""
        super().write(b"" if self.request.command == "HEAD" else data)

    def finish(self) -> None:
        """End it, with the mark that ends a body where there is one."""
        if self.request.command == "HEAD":
            self.write(b"")
            self.chunked_response = False
        super().finish()


class Channel(HTTPChannel):  # type: ignore[misc]
    """A connection that waits for its client no longer than it should take: to ask, or to read the answer.

    The loop of the server asks each at least once a second whether it is readable; only there is one closed.
    """

    task_class: Any = Reply
    error_task_class: Any = Refusal
    request: Any
    server: Listener
    began: float
    """When the first byte came of what is not answered yet: on the monotonic clock."""
    moved: float
    """When it was opened, or an answer began, or a byte of one was taken last: on the same clock."""
    is_given_up = False
    """Whether it is to be closed because others need the room."""
    _waits = False
    _held = 0
    _looked = 0.0

    def __init__(self, *of_the_server: Any, **more: Any) -> None:
        self.moved = time.monotonic()
        super().__init__(*of_the_server, **more)

    @property
    def journal(self) -> Journal | None:
        """Where what was refused is told."""
        return self.server.journal

    @property
    def waiting_since(self) -> float | None:
        """Since when it has been waiting for its client; None while the client waits for an answer."""
        if self.total_outbufs_len:
            return self.moved
        if self.requests:
            return None
        return self.began if self._waits else self.moved

    def received(self, data: bytes) -> Any:
        """Take in a part of a request."""
        if not self._waits:
            self.began, self._waits = time.monotonic(), True
        return super().received(data)

    def service(self) -> None:
        """Answer a request that is whole."""
        self._waits = False
        super().service()

    def write_soon(self, data: Any) -> Any:
        """Take in a part of an answer, to be sent as the client reads."""
        self.server.make_room(self, len(data))
        if not self.total_outbufs_len:
            # However long the answer took: only now is there something to read.
            self.moved = time.monotonic()
        return super().write_soon(data)

    def _flush_some(self, do_close: bool = True) -> Any:
        now = time.monotonic()
        taken = super()._flush_some(do_close)
        if taken:
            self.moved = now
        return taken

    def readable(self) -> Any:
        """Whether there may be more to read."""
        now = time.monotonic()
        if self.total_outbufs_len and now - self._looked > LOOKED_AFTER:
            # The system asks for more only when much of it is gone, which may take a slow line long.
            held, self._looked = held_for(self.socket), now
            if held < self._held:
                self.moved = now
            self._held = held
        if self.is_given_up or (self.total_outbufs_len and now - self.moved > READ_SECONDS):
            self.hang_up()
            return False
        if self._waits and not self.requests and now - self.began > refusals.REQUEST_SECONDS:
            self._give_up()
        return super().readable()

    def _give_up(self) -> None:
        with self.requests_lock:
            # Of line breaks alone there is no request.
            request = self.request or self.parser_class(self.adj)
            request.error, request.completed = TooSlow(""), True
            self.request, self._waits = None, False
            self.requests.append(request)
        self.server.add_task(self)

    def hang_up(self) -> None:
        """Close it, whoever still has something to say."""
        if self.total_outbufs_len:
            # Else the system would keep for minutes what it could not send yet.
            with contextlib.suppress(OSError):
                self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ABORT)
        self.handle_close()

    def close(self) -> None:
        """Close it, and the files in which its answers wait to be read."""
        self.handle_close()


class Listener(TcpWSGIServer):  # type: ignore[misc]
    """The server's own socket.

    When as many connections as there may be are open, a new one takes the place of the one that has been
    waiting for its client the longest.
    """

    channel_class = Channel
    journal: Journal | None = None
    most: int
    """How many connections there may be."""
    unread: int
    """Bytes of answers that may wait for their readers."""

    def __init__(self, *of_the_server: Any, **more: Any) -> None:
        self._room = threading.Lock()
        super().__init__(*of_the_server, **more)

    def readable(self) -> Any:
        """Whether a new connection can be served."""
        return super().readable() and (len(self.active_channels) < self.most or self._longest() is not None)

    def handle_accept(self) -> None:
        """Take the connections that wait to be taken."""
        for _ in range(ACCEPTED):
            known = len(self.active_channels)
            if known >= self.most and self._longest() is None:
                return
            super().handle_accept()
            if len(self.active_channels) == known:
                return
            if known >= self.most and (longest := self._longest()) is not None:
                longest.hang_up()

    def set_socket_options(self, conn: socket.socket) -> None:
        """Prepare a connection that was taken."""
        super().set_socket_options(conn)
        conn.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SENT_AHEAD)

    def make_room(self, channel: Channel, size: int) -> None:
        """Before an answer grows by so many bytes: give up the slowest readers, if there are too many bytes.

        Any thread may call it.
        """
        if channel.total_outbufs_len + size > self.unread:
            # Nor would it help if all others went.
            return
        with self._room:
            unread = [
                (one.moved, one.total_outbufs_len, one)
                for one in self._channels()
                if one.total_outbufs_len and not one.is_given_up
            ]
            excess = sum(length for _, length, _ in unread) + size - self.unread
            for _, length, one in sorted(unread, key=lambda known: known[0]):
                if excess <= 0:
                    break
                if one is not channel:
                    one.is_given_up = True
                    excess -= length
                    self.pull_trigger()

    def _longest(self) -> Channel | None:
        """The connection that has been waiting for its client the longest, if that is long enough."""
        waiting = [(since, one) for one in self._channels() if (since := one.waiting_since) is not None]
        since, longest = min(waiting, key=lambda known: known[0], default=(0.0, None))
        return longest if time.monotonic() - since >= AT_LEAST else None

    def _channels(self) -> list[Channel]:
        # In one step: threads ask, too, while the loop opens and closes connections.
        return list(self.active_channels.values())

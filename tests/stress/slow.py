"""Sockets that send a byte now and then, or read nothing: others are answered, and none stays for ever."""

from __future__ import annotations

import contextlib
import random
import resource
import select
import selectors
import socket
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

from indexer import Article
from tests.stress.archive import Lost, Trial, Unavailable, two_states
from tests.stress.serving import Client, Site, served, share
from webui.connections import READ_SECONDS

ROUNDS = 900
MOST_SECONDS = 1.0
"""Within which a healthy client is answered, by the median."""
MOST_MEMORY = 512
"""MB that a process of the site may have had."""
_REQUEST = b"GET /?q=harbour HTTP/1.1\r\nHost: localhost\r\nX-Padding: " + b"x" * 10_000
_LARGE = b"GET /api/articles/large HTTP/1.1\r\nHost: localhost\r\n\r\n"
# What the system holds of an answer for a reader, at both ends, is less than this.
_LENGTH = 600_000
Address = tuple[str, int]
Slow = Callable[[Address, int, float, threading.Event], int]
"""Opens so many slow sockets; returns how many of them the server has hung up on."""


def run(rounds: int, chance: random.Random) -> str:
    """With five ninths of so many sockets, then with all of them and a site of one process.

    Returns what a healthy client felt of them.
    """
    _allow_files(rounds + 100)
    # The short form opens few sockets and waits for a shorter time.
    patience = READ_SECONDS if rounds >= ROUNDS else 1.0
    figures = []
    with tempfile.TemporaryDirectory() as folder:
        trial = Trial(Path(folder))
        trial.write(two_states()["old"])
        trial.sync()
        with trial.open() as index:
            index.put([Article(id="large", title="Large", paragraphs=["tide " * (_LENGTH // 5)])])
        kinds: dict[str, Slow] = {"senders": _send_slowly, "readers": _read_nothing}
        for kind, slow in kinds.items():
            # One process by itself has not room for all of them.
            for count, processes in ((rounds * 5 // 9, 0), (rounds, 1)):
                with served(trial.index, patience, processes) as site:
                    figures.append(_round(site, kind, slow, count, patience, is_long=rounds >= ROUNDS))
    return "; ".join(figures)


def _round(site: Site, kind: str, slow: Slow, count: int, patience: float, *, is_long: bool) -> str:
    times, cut = _beside(site.address, slow, count, patience)
    peak = site.peak()
    told = (
        f"{count} {kind}: {len(times)} answers, median {share(times, 0.5) * 1000:.0f} ms, p99 "
        f"{share(times, 0.99) * 1000:.0f} ms, longest {max(times):.1f} s, {peak:.0f} MB; {cut} cut"
    )
    if cut < count:
        raise Lost(f"{told}: the others stay")
    if peak > MOST_MEMORY or (is_long and share(times, 0.5) > MOST_SECONDS):
        raise Lost(told)
    return told


def _beside(address: Address, slow: Slow, count: int, patience: float) -> tuple[list[float], int]:
    """How long answers take until all of the slow sockets have been cut, and how many were."""
    done = threading.Event()
    found: list[int] = []
    thread = threading.Thread(target=lambda: found.append(slow(address, count, patience, done)))
    thread.start()
    times = []
    try:
        while thread.is_alive():
            client = Client(address)
            times.append(client.ask("harbour"))
            client.close()
            thread.join(0.05)
    finally:
        done.set()
        thread.join()
    return times, found[0]


def _send_slowly(address: Address, count: int, patience: float, done: threading.Event) -> int:
    """Send a byte a second on so many sockets; returns how many the server has hung up on."""
    cut = 0
    with contextlib.ExitStack() as stack, selectors.DefaultSelector() as selector:
        # A socket past the room that there is waits for it.
        for _ in range(count):
            raw = stack.enter_context(socket.create_connection(address))
            raw.setblocking(False)
            selector.register(raw, selectors.EVENT_READ, 0)
        # Twice: those that had to wait are cut after those that did not.
        end = time.monotonic() + 60 + 4 * patience
        while cut < count and time.monotonic() < end and not done.is_set():
            for key in list(selector.get_map().values()):
                with contextlib.suppress(OSError):
                    place = key.data
                    key.fileobj.send(_REQUEST[place : place + 1])  # type: ignore[union-attr]
                    selector.modify(key.fileobj, selectors.EVENT_READ, place + 1)
            until = time.monotonic() + 1
            while (left := until - time.monotonic()) > 0:
                for key, _ in selector.select(left):
                    # The answer, and then the end.
                    with contextlib.suppress(OSError):
                        if key.fileobj.recv(4096):  # type: ignore[union-attr]
                            continue
                    selector.unregister(key.fileobj)
                    cut += 1
                if not selector.get_map():
                    break
    return cut


def _read_nothing(address: Address, count: int, patience: float, done: threading.Event) -> int:
    """Ask for something large on so many sockets, and read none of it; returns how many were hung up on."""
    with contextlib.ExitStack() as stack:
        waiting = select.poll()
        there = {}
        for _ in range(count):
            raw = stack.enter_context(socket.socket())
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            raw.connect(address)
            raw.sendall(_LARGE)
            # Nothing is waited for but that the other end is gone, which is always told.
            waiting.register(raw, 0)
            there[raw.fileno()] = raw
        end = time.monotonic() + 60 + 4 * patience
        while there and time.monotonic() < end and not done.is_set():
            for number, _ in waiting.poll(1000):
                waiting.unregister(there.pop(number))
    return count - len(there)


def _allow_files(wanted: int) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < wanted:
        if hard < wanted:
            raise Unavailable(f"a process may have {hard} files here, {wanted} are wanted")
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))

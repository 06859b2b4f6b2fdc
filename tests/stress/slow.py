"""Sockets that send a byte now and then, or read nothing: others are answered, no sender stays for ever."""

from __future__ import annotations

import contextlib
import random
import resource
import selectors
import socket
import threading
import time
from pathlib import Path

from indexer import Article
from tests.fixtures.serving import Site
from tests.stress.archive import Lost, Trial, Unavailable, two_states
from tests.stress.serving import Client, peak_mb, share, start_site
from webui.server import CONNECTIONS, READ_SECONDS

ROUNDS = 900
MOST_SECONDS = 1.0
"""Within which a healthy client is answered, by the median."""
MOST_MEMORY = 512
"""MB that a process of the site may have had."""
ASKED = 100
"""Answers that a healthy client gets beside those who read nothing."""
_REQUEST = b"GET /?q=harbour HTTP/1.1\r\nHost: localhost\r\nX-Padding: " + b"x" * 10_000
_LARGE = b"GET /api/articles/large HTTP/1.1\r\nHost: localhost\r\n\r\n"
_LENGTH = 600_000


def run(rounds: int, chance: random.Random, folder: Path) -> str:
    """With as many sockets as one worker has room for, and with more senders than that.

    Returns how a healthy client was affected.
    """
    _allow_files(rounds + 100)
    is_long = rounds >= ROUNDS
    # The short form opens few sockets and waits for a shorter time.
    patience = READ_SECONDS if is_long else 1.0
    fitting = min(rounds * 5 // 9, CONNECTIONS - 12)
    figures = []
    trial = Trial(folder)
    trial.write(two_states()["old"])
    trial.sync()
    with trial.open() as index:
        index.put([Article(id="large", title="Large", paragraphs=["tide " * (_LENGTH // 5)])])
    for count, processes in ((fitting, 0), (fitting, 1), (rounds, 1)):
        with start_site(trial.index, patience, processes) as site:
            figures.append(_beside_senders(site, count, patience, is_long=is_long))
    for processes in (0, 1):
        with start_site(trial.index, patience, processes) as site:
            figures.append(_beside_readers(site, fitting, is_long=is_long))
    return "; ".join(figures)


def _beside_senders(site: Site, count: int, patience: float, *, is_long: bool) -> str:
    """Ask until all of the slow senders have been cut off."""
    done = threading.Event()
    found: list[int] = []
    thread = threading.Thread(target=lambda: found.append(_send_slowly(site, count, patience, done)))
    thread.start()
    times = []
    try:
        while thread.is_alive():
            times.append(_ask(site))
            thread.join(0.05)
    finally:
        done.set()
        thread.join()
    figures = _check(site, f"{count} senders, {found[0]} cut off", times, is_long=is_long)
    if found[0] < count:
        raise Lost(f"{figures}: the others stay")
    return figures


def _beside_readers(site: Site, count: int, *, is_long: bool) -> str:
    """Ask while so many have asked for something large and read none of it."""
    with contextlib.ExitStack() as stack:
        for _ in range(count):
            raw = stack.enter_context(socket.socket())
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            raw.connect((site.host, site.port))
            raw.sendall(_LARGE)
        times = [_ask(site) for _ in range(ASKED)]
    return _check(site, f"{count} readers", times, is_long=is_long)


def _ask(site: Site) -> float:
    with Client(site.host, site.port) as client:
        return client.ask("harbour")


def _check(site: Site, who: str, times: list[float], *, is_long: bool) -> str:
    peak = peak_mb(site)
    figures = (
        f"{who}: {len(times)} answers, median {share(times, 0.5) * 1000:.0f} ms, p99 "
        f"{share(times, 0.99) * 1000:.0f} ms, longest {max(times):.1f} s, {peak:.0f} MB"
    )
    if peak > MOST_MEMORY or (is_long and share(times, 0.5) > MOST_SECONDS):
        raise Lost(figures)
    return figures


def _send_slowly(site: Site, count: int, patience: float, done: threading.Event) -> int:
    """Send a byte a second on so many sockets; returns how many the server has hung up on."""
    cut = 0
    with contextlib.ExitStack() as stack, selectors.DefaultSelector() as selector:
        # A socket past the room that there is waits for it.
        for _ in range(count):
            raw = stack.enter_context(socket.create_connection((site.host, site.port)))
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


def _allow_files(wanted: int) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < wanted:
        if hard < wanted:
            raise Unavailable(f"a process may have only {hard} files here, of {wanted} that are needed")
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))

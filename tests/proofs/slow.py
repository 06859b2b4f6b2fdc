"""Sockets that send a byte now and then: others are answered all the same, and no socket stays for ever."""

from __future__ import annotations

import contextlib
import random
import resource
import selectors
import socket
import tempfile
import threading
import time
from pathlib import Path

from tests.proofs.archive import Lost, Trial, Unavailable, two_states
from tests.proofs.serving import Client, served, share
from webui.refusals import REQUEST_SECONDS
from webui.serve import CONNECTIONS

ROUNDS = 900
MOST_SECONDS = 1.0
"""Within which a healthy client is answered while there is room for it."""
_REQUEST = b"GET /?q=harbour HTTP/1.1\r\nHost: localhost\r\nX-Padding: " + b"x" * 10_000


def run(rounds: int, chance: random.Random) -> str:
    """With five ninths of so many sockets, then with all; returns what a healthy client felt of them."""
    _allow_files(rounds + 100)
    # Few sockets: a short proof, and as short a patience.
    patience = REQUEST_SECONDS if rounds >= ROUNDS else 1.0
    states = two_states()
    figures = []
    with tempfile.TemporaryDirectory() as folder:
        trial = Trial(Path(folder))
        trial.write(states["old"])
        trial.sync()
        for count in (rounds * 5 // 9, rounds):
            with served(trial.index, patience) as address:
                times, cut = _beside(address, count, patience)
            figures.append(
                f"{count} sockets: {len(times)} answers, median {share(times, 0.5) * 1000:.0f} ms, p99 "
                f"{share(times, 0.99) * 1000:.0f} ms, longest {max(times):.1f} s; {cut} cut"
            )
            if cut < count:
                raise Lost(f"{figures[-1]}: the others stay")
            if rounds >= ROUNDS and count < CONNECTIONS and share(times, 0.5) > MOST_SECONDS:
                raise Lost(figures[-1])
    return "; ".join(figures)


def _beside(address: tuple[str, int], count: int, patience: float) -> tuple[list[float], int]:
    """How long answers take until all of the slow sockets have been cut, and how many were."""
    done = threading.Event()
    found: list[int] = []
    slow = threading.Thread(target=lambda: found.append(_send_slowly(address, count, patience, done)))
    slow.start()
    times = []
    try:
        while slow.is_alive():
            client = Client(address)
            times.append(client.ask("harbour"))
            client.close()
            slow.join(0.05)
    finally:
        done.set()
        slow.join()
    return times, found[0]


def _send_slowly(address: tuple[str, int], count: int, patience: float, done: threading.Event) -> int:
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


def _allow_files(wanted: int) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < wanted:
        if hard < wanted:
            raise Unavailable(f"a process may have {hard} files here, {wanted} are wanted")
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))

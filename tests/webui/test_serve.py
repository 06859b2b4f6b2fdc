from __future__ import annotations

import contextlib
import http.client
import importlib
import io
import json
import re
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

import webui
from indexer import Article, ConfigError
from tests.fixtures.archives import archive
from webui import connections, refusals
from webui.journal import Journal
from webui.serve import THREADS, AddressUnavailable, Server

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

# The package has a function of this name.
MODULE = importlib.import_module("webui.serve")
# Seconds after which a server that does not answer, or does not end, is taken for one that never will.
PATIENCE = 300


@contextlib.contextmanager
def serving(app: object) -> Iterator[str]:
    """The address of a server that runs in a thread of its own."""
    server = Server(app, "127.0.0.1", 0)  # type: ignore[arg-type]
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        yield server.address
    finally:
        server.stop()
        thread.join(timeout=PATIENCE)
        assert not thread.is_alive()


def site() -> WSGIApplication:
    return webui.create_app(archive(Article(id="a", title="Zebra", paragraphs=("A zebra.",))))


def get(address: str, path: str = "/") -> tuple[int, str]:
    parts = urlsplit(address)
    with contextlib.closing(
        http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=PATIENCE)
    ) as connection:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read().decode()


def test_a_free_port_is_taken_and_told() -> None:
    with serving(site()) as address:
        assert urlsplit(address).port
        status, text = get(address, "/?q=zebra")
        assert status == 200
        assert "<mark>" in text


def test_a_port_in_use_is_an_error_that_says_what_to_do() -> None:
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as other:
        port = other.getsockname()[1]
        with pytest.raises(AddressUnavailable, match=rf"{port} .*in use.*another port"):
            webui.serve(lambda environ, start: [], "127.0.0.1", port)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1"])
def test_a_host_that_others_can_reach_is_refused(host: str) -> None:
    with pytest.raises(ConfigError, match="other machines"):
        Server(lambda environ, start: [], host, 0)


def test_a_host_that_others_can_reach_may_be_allowed() -> None:
    server = Server(lambda environ, start: [], "0.0.0.0", 0, allow_remote=True)
    assert server.address.startswith("http://0.0.0.0:")
    server.stop()
    server.run()


@pytest.mark.parametrize(("host", "port"), [("a..b", 0), ("127.0.0.1", 99_999), ("127.0.0.1", -1)])
def test_an_address_that_is_none_is_an_error(host: str, port: int) -> None:
    with pytest.raises(AddressUnavailable):
        Server(lambda environ, start: [], host, port)


def connection(stack: contextlib.ExitStack, address: str) -> socket.socket:
    parts = urlsplit(address)
    return stack.enter_context(socket.create_connection((parts.hostname, parts.port), timeout=PATIENCE))


def test_who_asks_slowly_does_not_keep_others_waiting() -> None:
    with serving(site()) as address, contextlib.ExitStack() as stack:
        # Both ends are files of this process, which may have no more than a thousand.
        slow = [connection(stack, address) for _ in range(300)]
        for byte in (b"G", b"E", b"T"):
            for one in slow:
                # On a busy machine it may have been hung up on for its silence.
                with contextlib.suppress(ConnectionError):
                    one.sendall(byte)
            assert get(address, "/?q=zebra")[0] == 200


def large(environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
    """An application with answers of so many megabytes as the path says."""
    start("200 OK", [("Content-Type", "text/plain")])
    return (b"x" * 2**20 for _ in range(int(environ["PATH_INFO"].strip("/") or 1)))


def begin_to_read(raw: socket.socket, path: str) -> None:
    """Ask for something, and read the first of the answer only."""
    raw.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    assert raw.recv(12) == b"HTTP/1.1 200"


def rest(raw: socket.socket) -> int:
    """Read to the end; returns how many bytes there were."""
    count = 0
    while part := raw.recv(2**20):
        count += len(part)
    return count


def ended(*several: socket.socket) -> list[socket.socket]:
    """Wait, without reading anything, until the server has hung up on one of them; returns all such."""
    waiting = select.poll()
    for raw in several:
        waiting.register(raw, select.POLLHUP | select.POLLERR)
    found = {number for number, _ in waiting.poll(PATIENCE * 1000)}
    return [raw for raw in several if raw.fileno() in found]


def test_who_does_not_read_what_was_asked_for_does_not_keep_others_waiting() -> None:
    with serving(large) as address, contextlib.ExitStack() as stack:
        for _ in range(THREADS):
            connection(stack, address).sendall(b"GET /32 HTTP/1.1\r\nHost: x\r\n\r\n")
        assert get(address)[0] == 200


def test_who_takes_nothing_of_an_answer_is_hung_up_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "READ_SECONDS", 0.0)
    with serving(large) as address, contextlib.ExitStack() as stack:
        raw = connection(stack, address)
        begin_to_read(raw, "/32")
        assert ended(raw)


def test_who_reads_little_by_little_gets_the_whole() -> None:
    with serving(large) as address:
        parts = urlsplit(address)
        with contextlib.closing(
            http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=PATIENCE)
        ) as client:
            client.request("GET", "/8")
            response = client.getresponse()
            assert sum(map(len, iter(lambda: response.read(10_000), b""))) == 8 * 2**20


def test_when_too_much_is_unread_the_slowest_reader_makes_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "UNREAD", 40 * 2**20)
    monkeypatch.setattr(connections, "READ_SECONDS", PATIENCE)
    with serving(large) as address, contextlib.ExitStack() as stack:
        readers = [connection(stack, address) for _ in range(3)]
        for raw in readers:
            begin_to_read(raw, "/16")
        (slowest,) = ended(*readers)
        assert get(address, "/2") == (200, "x" * 2 * 2**20)
        assert all(rest(raw) > 16 * 2**20 for raw in readers if raw is not slowest)


def test_headers_alone_come_without_the_end_of_a_body() -> None:
    with serving(large) as address:
        assert exchange(address, "HEAD", "/1")[1] == b""
        assert exchange(address, "GET", "/1")[1].endswith(b"\r\n0\r\n\r\n")


def test_an_answer_of_any_size_can_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "UNREAD", 3 * 2**20)
    with serving(large) as address:
        assert get(address, "/20") == (200, "x" * 20 * 2**20)


def ask(raw: socket.socket) -> None:
    """A question whose answer is read, and after which the connection stays."""
    raw.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
    response = http.client.HTTPResponse(raw)
    response.begin()
    assert (response.status, response.read()) == (200, b"ok\n")


def test_when_all_connections_are_taken_the_one_that_waits_longest_makes_room(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(MODULE, "CONNECTIONS", 3)
    monkeypatch.setattr(connections, "AT_LEAST", 0.001)
    with serving(site()) as address, contextlib.ExitStack() as stack:
        idle, sending, busy = (connection(stack, address) for _ in range(3))
        for one in (idle, sending, busy):
            ask(one)
        sending.sendall(b"GET /healthz HTTP/1.1\r\n")
        ask(busy)
        ask(connection(stack, address))
        assert idle.recv(1) == b""
        ask(busy)
        ask(connection(stack, address))
        assert sending.recv(1) == b""
        ask(busy)


def test_who_has_only_just_come_does_not_make_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MODULE, "CONNECTIONS", 1)
    with serving(site()) as address, contextlib.ExitStack() as stack:
        monkeypatch.setattr(connections, "AT_LEAST", PATIENCE)
        first, second = connection(stack, address), connection(stack, address)
        ask(first)
        second.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        ask(first)
        first.close()
        assert second.recv(12) == b"HTTP/1.1 200"


def test_with_few_files_there_are_as_few_connections() -> None:
    code = """
import resource, webui
from webui import connections
connections.AT_LEAST = 0.001
_, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (230, hard))
webui.serve(webui.create_app('no-index'), port=0)
"""
    with (
        subprocess.Popen(
            [sys.executable, "-c", code],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
        ) as process,
        contextlib.ExitStack() as stack,
    ):
        assert process.stdout is not None
        address = next(word for word in process.stdout.readline().split() if word.startswith("http"))
        for _ in range(260):
            ask(connection(stack, address))
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=PATIENCE)
        assert {json.loads(line)["status"] for line in errors.splitlines()} == {200}


def test_it_is_told_what_the_system_holds_for_a_reader() -> None:
    with contextlib.ExitStack() as stack:
        listening = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        reader = stack.enter_context(socket.create_connection(listening.getsockname()))
        writer = stack.enter_context(listening.accept()[0])
        assert connections.held_for(writer) == 0
        writer.setblocking(False)
        sent = 0
        with contextlib.suppress(BlockingIOError):
            while True:
                sent += writer.send(b"x" * 2**20)
        before = connections.held_for(writer)
        assert 0 < before <= sent
        while sent:
            sent -= len(reader.recv(2**16))
        # The last of it is taken a moment after it was read.
        while connections.held_for(writer):
            pass
    assert connections.held_for(writer) == 0


def test_readers_that_do_not_read_do_not_keep_others_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MODULE, "CONNECTIONS", 3)
    monkeypatch.setattr(connections, "AT_LEAST", 0.001)
    with serving(large) as address, contextlib.ExitStack() as stack:
        readers = [connection(stack, address) for _ in range(9)]
        for raw in readers:
            raw.sendall(b"GET /8 HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert get(address)[0] == 200
        assert all(ended(raw) for raw in readers[:-2])


@pytest.mark.parametrize(
    ("request_line", "status"),
    [
        (b"GET / HTTP/1.1\r\nX: " + b"<" * 66_000, 431),
        (b"GET / HTTP/1.1\r\n<script>: x", 400),
        (b"<script> / HTTP/1.1", 400),
        (b"GET / HTTP/1.1\r\nContent-Length: <script>", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: 66000", 413),
        (b"GET / HTTP/1.1\r\nTransfer-Encoding: <script>", 501),
    ],
)
def test_what_is_no_request_is_refused_as_a_problem(request_line: bytes, status: int) -> None:
    with serving(site()) as address, contextlib.ExitStack() as stack:
        raw = connection(stack, address)
        raw.sendall(request_line + b"\r\n\r\n")
        response = http.client.HTTPResponse(raw)
        response.begin()
        body = response.read()
    assert (response.status, response.getheader("Content-Type")) == (status, "application/problem+json")
    assert response.getheader("X-Content-Type-Options") == "nosniff"
    assert json.loads(body)["status"] == status
    assert b"<" not in body


@pytest.mark.parametrize(
    "part",
    [
        b"G",
        b"\r\n",
        b"GET / HTTP/1.1\r\nX: y\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nx",
    ],
)
def test_who_never_gets_done_asking_is_cut_off_and_told_so(
    part: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refusals, "REQUEST_SECONDS", 0.0)
    log = io.StringIO()
    with serving(Journal(site(), log)) as address, contextlib.ExitStack() as stack:
        raw = connection(stack, address)
        raw.sendall(part)
        response = http.client.HTTPResponse(raw)
        response.begin()
        body = response.read()
        assert raw.recv(1) == b""
    assert (response.status, json.loads(body)["status"]) == (408, 408)
    (line,) = map(json.loads, log.getvalue().splitlines())
    assert (line["status"], line["bytes"]) == (408, len(body))


def exchange(address: str, method: str, path: str, more: str = "") -> tuple[dict[str, str], bytes]:
    """The headers of an answer, and all that comes after them until the server hangs up."""
    with contextlib.ExitStack() as stack:
        raw = connection(stack, address)
        raw.sendall(
            f"{method} {path} HTTP/1.1\r\nHost: localhost\r\n{more}Connection: close\r\n\r\n".encode()
        )
        head, _, body = b"".join(iter(lambda: raw.recv(65_536), b"")).partition(b"\r\n\r\n")
    status, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    return {"": status, **headers}, body


@pytest.mark.parametrize(
    ("path", "more"),
    [
        ("/", ""),
        ("/api/search?q=zebra&format=csv", ""),
        ("/api/search?q=zebra&format=jsonl", ""),
        ("/api/openapi.json", ""),
        ("/api/nowhere", ""),
        ("/nowhere", ""),
        ("/a/a", ""),
        ("/static/nutgraf/nutgraf.css", ""),
        ("/", "Content-Length: 66000\r\n"),
        ("/", "Transfer-Encoding: x\r\n"),
    ],
)
def test_who_asks_for_headers_gets_those_and_nothing_more(path: str, more: str) -> None:
    with serving(site()) as address:
        whole, body = exchange(address, "GET", path, more)
        headers, nothing = exchange(address, "HEAD", path, more)
    assert (nothing, bool(body)) == (b"", True)
    for told in (whole, headers):
        told.pop("date")
    assert headers == whole


def test_who_asks_again_and_again_is_not_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refusals, "REQUEST_SECONDS", 0.0)
    with serving(site()) as address, contextlib.ExitStack() as stack:
        raw = connection(stack, address)
        for _ in range(20):
            raw.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
            response = http.client.HTTPResponse(raw)
            response.begin()
            response.read()
            assert response.status == 200


def test_what_is_no_request_is_in_the_log_as_any_other() -> None:
    log = io.StringIO()
    with serving(Journal(site(), log)) as address, contextlib.ExitStack() as stack:
        raw = connection(stack, address)
        raw.sendall(b"POST /a/secret HTTP/1.1\r\nContent-Length: 66000\r\n\r\n")
        response = http.client.HTTPResponse(raw)
        response.begin()
        response.read()
    (line,) = map(json.loads, log.getvalue().splitlines())
    assert set(line) == {"time", "method", "path", "status", "bytes", "ms"}
    assert (line["method"], line["path"], line["status"]) == ("POST", "/a/\u2026", 413)


def test_requests_at_the_same_time_get_the_same_answers() -> None:
    with serving(site()) as address, ThreadPoolExecutor(8) as clients:
        paths = ["/?q=zebra", "/a/a?q=zebra", "/api/search?q=nothing", "/api/articles/a"] * 16
        answers = list(clients.map(lambda path: (path, get(address, path)), paths))
    assert {status for _, (status, _) in answers} == {200}
    timeless = {(path, re.sub(r'"took_ms":[0-9.]+|[0-9.]+ ms', "", text)) for path, (_, text) in answers}
    assert len(timeless) == 4


def test_a_request_of_any_size_does_no_harm() -> None:
    with serving(site()) as address:
        assert get(address, "/?q=" + "x" * 20_000)[0] == 400
        assert get(address, "/?q=" + "x" * 100_000)[0] in (400, 431)
        assert get(address)[0] == 200


def test_who_stops_it_as_an_answer_goes_out_does_not_write_to_what_is_closed() -> None:
    server = Server(site(), "127.0.0.1", 0)
    thread = threading.Thread(target=server.run)
    thread.start()
    assert get(server.address)[0] == 200
    trigger = server._server.trigger
    pull = trigger._physical_pull

    def pull_late() -> None:
        # An answer wakes the loop in between, which closes everything then.
        pull()
        thread.join(0.2)
        pull()

    trigger._physical_pull = pull_late
    server.stop()
    server.stop()
    thread.join(PATIENCE)
    assert not thread.is_alive()


def test_an_interrupt_ends_the_server_without_a_traceback() -> None:
    code = "import webui; webui.serve(webui.create_app('no-index'), port=0)"
    with subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    ) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        address = next(word for word in line.split() if word.startswith("http"))
        assert get(address)[0] == 503
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0
        (told,) = map(json.loads, errors.splitlines())
        assert (told["method"], told["path"], told["status"]) == ("GET", "/", 503)

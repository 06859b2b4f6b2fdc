"""`serve` as a process of its own: where it listens, what it bears, how it ends, what its workers share."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import pickle
import re
import select
import signal
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import webui
from indexer import Article, ConfigError, open_index
from indexer.limits import PROCESSES
from tests.fixtures.counts import counts
from tests.fixtures.serving import PATIENCE, Site, ask, is_gone, start_site, until
from webui.server import AddressUnavailable

# An application that tells which process answers; at some addresses it ends that, or never answers.
APP = """
import os, threading, webui

def app(environ, start):
    path = environ["PATH_INFO"]
    if path == "/end":
        os._exit(3)
    if path == "/never":
        threading.Event().wait()
    if path.startswith("/large"):
        start("200 OK", [("Content-Type", "text/plain")])
        return (b"x" * 2**20 for _ in range(int(path.removeprefix("/large"))))
    text = str(os.getpid()).encode()
    start("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(text)))])
    return [text]

"""
SERVE = APP + "webui.serve(app, port=0, processes=2)"
linux = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="workers are told by /proc")


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("serve") / "index"
    with open_index(folder) as index:
        index.put([Article(id="a", title="Zebra", paragraphs=("A zebra.",))])
    return folder


@pytest.fixture(scope="module")
def site(index: Path) -> Iterator[Site]:
    with start_site(index=index) as site:
        yield site


def exchange(site: Site, request: bytes) -> bytes:
    """Everything that the server says to something, until it hangs up."""
    with socket.create_connection((site.host, site.port), timeout=PATIENCE) as raw:
        raw.sendall(request)
        return b"".join(iter(lambda: raw.recv(65_536), b""))


def await_workers(site: Site) -> set[int]:
    """Wait until both workers of a site that runs SERVE have answered; returns their process ids."""
    found: set[int] = set()

    def is_complete() -> bool:
        found.add(int(site.get()[1]))
        return len(found & site.workers()) == 2

    until(is_complete)
    return site.workers()


# Where it listens.


def test_a_free_port_is_taken_and_told(site: Site) -> None:
    assert site.port
    status, text = site.get("/?q=zebra")
    assert status == 200
    assert "<mark>" in text


def test_a_port_in_use_is_an_error_that_says_what_to_do(site: Site) -> None:
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as other:
        for port in (other.getsockname()[1], site.port):
            with pytest.raises(AddressUnavailable, match=rf"{port} .*in use.*another port"):
                webui.serve(lambda environ, start: [], "127.0.0.1", port)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1"])
def test_a_host_that_others_can_reach_is_refused(host: str) -> None:
    with pytest.raises(ConfigError, match="other machines"):
        webui.serve(lambda environ, start: [], host, 0)


def test_a_host_that_others_can_reach_may_be_allowed(index: Path) -> None:
    with start_site(index=index, options=("--host", "0.0.0.0", "--allow-remote")) as site:
        assert site.address.startswith("http://0.0.0.0:")
        assert site.get("/healthz") == (200, "ok\n")


@pytest.mark.parametrize(("host", "port"), [("a..b", 0), ("127.0.0.1", 99_999), ("127.0.0.1", -1)])
def test_an_address_that_is_none_is_an_error(host: str, port: int) -> None:
    with pytest.raises(AddressUnavailable):
        webui.serve(lambda environ, start: [], host, port)


# Load, slow clients and large requests.


def test_requests_at_the_same_time_get_the_same_answers(site: Site) -> None:
    with ThreadPoolExecutor(8) as clients:
        paths = ["/?q=zebra", "/a/a?q=zebra", "/api/search?q=nothing", "/api/articles/a"] * 16
        answers = list(clients.map(lambda path: (path, site.get(path)), paths))
    assert {status for _, (status, _) in answers} == {200}
    timeless = {(path, re.sub(r'"took_ms":[0-9.]+|[0-9.]+ ms', "", text)) for path, (_, text) in answers}
    assert len(timeless) == 4


def test_a_request_of_any_size_does_no_harm(site: Site) -> None:
    assert site.get("/?q=" + "x" * 20_000)[0] == 400
    assert site.get("/?q=" + "x" * 100_000)[0] == 414
    assert site.get("/?q=zebra")[0] == 200


@pytest.mark.parametrize(
    ("request_line", "status"),
    [
        (b"GET / HTTP/1.1\r\nX: " + b"<" * 200_000, 431),
        (b"GET / HTTP/1.1\r\n<script>: x", 400),
        (b"<script> / HTTP/1.1", 400),
        (b"GET / HTTP/1.1\r\nContent-Length: <script>", 400),
        (b"GET / HTTP/1.1\r\nTransfer-Encoding: <script>", 400),
        (b"POST /api/search HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 66000", 413),
    ],
)
def test_what_is_no_request_is_refused(site: Site, request_line: bytes, status: int) -> None:
    head, _, body = exchange(site, request_line + b"\r\n\r\n").partition(b"\r\n\r\n")
    assert head.startswith(f"HTTP/1.1 {status} ".encode())
    assert b"<script>" not in head + body


def test_an_address_may_hold_text_as_it_is(site: Site) -> None:
    asked = "GET /api/search?q=東京 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    head, _, body = exchange(site, asked.encode()).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 ")
    assert json.loads(body)["query"] == "東京"


@pytest.mark.parametrize("path", ["/", "/api/search?q=zebra&format=csv", "/static/nutgraf/nutgraf.css"])
def test_who_asks_for_headers_gets_those_and_nothing_more(site: Site, path: str) -> None:
    def headers(method: str) -> tuple[list[bytes], bytes]:
        asked = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        head, _, body = exchange(site, asked.encode()).partition(b"\r\n\r\n")
        return sorted(line for line in head.splitlines() if not line.startswith(b"date:")), body

    whole, body = headers("GET")
    alone, nothing = headers("HEAD")
    assert (nothing, bool(body)) == (b"", True)
    assert alone == whole


def test_who_asks_slowly_does_not_keep_others_waiting_and_is_cut_off(index: Path) -> None:
    code = f"import webui; webui.serve(webui.create_app({str(index)!r}), port=0, read_seconds=1)"
    with start_site(code) as site, contextlib.ExitStack() as stack:
        silence = select.poll()
        slow = [
            stack.enter_context(socket.create_connection((site.host, site.port), timeout=PATIENCE))
            for _ in range(300)
        ]
        for raw, part in zip(slow, [b"", b"G", b"\r\n", b"GET / HTTP/1.1\r\nX: y\r\n"] * 75, strict=True):
            raw.sendall(part)
        assert site.get("/?q=zebra")[0] == 200
        left = {raw.fileno() for raw in slow}
        for number in left:
            silence.register(number, select.POLLIN)
        while left:
            gone = {number for number, _ in silence.poll(PATIENCE * 1000)}
            assert gone, f"{len(left)} stay"
            left -= gone
            for number in gone:
                silence.unregister(number)
        assert all(raw.recv(1) == b"" for raw in slow)


def test_who_asks_again_and_again_is_not_cut_off(site: Site) -> None:
    with site.connect() as connection:
        assert {ask(connection, "/healthz") for _ in range(20)} == {(200, "ok\n")}
        assert connection.sock is not None


def test_who_reads_little_by_little_gets_the_whole() -> None:
    with start_site(SERVE) as site, site.connect() as connection:
        connection.request("GET", "/large8")
        response = connection.getresponse()
        assert sum(map(len, iter(lambda: response.read(10_000), b""))) == 8 * 2**20


# Workers.


@linux
def test_as_many_workers_as_cores_answer_but_not_more_than_four(site: Site) -> None:
    assert len(site.workers()) == min(os.cpu_count() or 1, 4)


@pytest.mark.parametrize("wanted", [-1, PROCESSES + 1])
def test_a_number_of_processes_that_is_none_is_refused(wanted: int) -> None:
    with pytest.raises(ConfigError, match=f"processes must be a number from 0 to 64, not {wanted}"):
        webui.serve(lambda environ, start: [], processes=wanted)


@linux
def test_a_worker_that_ends_is_replaced_and_others_go_on() -> None:
    with start_site(SERVE) as site:
        before = await_workers(site)
        with site.connect() as connection:
            lost = int(ask(connection)[1])
            with pytest.raises((ConnectionError, http.client.HTTPException)):
                ask(connection, "/end")
        until(lambda: lost not in site.workers())
        assert before - {lost} < await_workers(site)
        errors = site.end()
        told = [line for line in errors.splitlines() if not line.startswith("{")]
        assert len(told) == 1
        assert re.fullmatch(r"nutgraf: Unexpected exit from worker-\d", told[0])
        assert site.process.returncode == 0


def test_where_workers_end_as_they_begin_the_site_ends_and_says_so() -> None:
    code = (
        "import os, webui\nos.register_at_fork(after_in_child=lambda: os._exit(3))\n"
        "try: webui.serve(lambda environ, start: [], port=0, announce=print)\n"
        "except webui.serve.__globals__['ServerStopped'] as error: print('http://ended', error)"
    )
    with start_site(code) as site:
        assert site.process.wait(PATIENCE) == 0
        assert site.host == "ended"


@linux
def test_the_address_is_announced_when_all_workers_are_started() -> None:
    told = "lambda address: print(address, len(multiprocessing.active_children()), flush=True)"
    code = APP + f"import multiprocessing; webui.serve(app, port=0, processes=8, announce={told})"
    with start_site(code) as site:
        assert site.announced.split()[1] == "8"


@linux
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_however_the_supervisor_ends_no_worker_and_no_file_stays(tmp_path: Path, how: signal.Signals) -> None:
    code = SERVE + "\nimport signal; print(signal.getsignal(signal.SIGINT) is signal.default_int_handler)"
    with start_site(code, env={"TMPDIR": str(tmp_path)}) as site, site.connect() as connection:
        workers = await_workers(site)
        assert int(ask(connection)[1]) in workers
        assert list(tmp_path.iterdir())
        if how in (signal.SIGINT, signal.SIGHUP):
            # As from a terminal, which sends it to the workers as well.
            os.killpg(site.process.pid, how)
        else:
            site.process.send_signal(how)
        output, _ = site.process.communicate(timeout=PATIENCE)
        until(lambda: all(map(is_gone, workers)) and not list(tmp_path.iterdir()))
        errors = site.errors()
        assert all(line.startswith("{") for line in errors.splitlines()), errors
        assert site.process.returncode == (-how if how == signal.SIGKILL else 0)
        assert (output == "True\n") == (how != signal.SIGKILL)
        with pytest.raises(ConnectionError):
            socket.create_connection((site.host, site.port))


@linux
@pytest.mark.slow
def test_an_answer_that_never_comes_does_not_keep_it_from_ending() -> None:
    with start_site(SERVE) as site, site.connect() as connection:
        workers = await_workers(site)
        ask(connection)
        connection.request("GET", "/never")
        site.end(signal.SIGTERM)
        assert all(map(is_gone, workers))


def test_each_request_is_a_line_of_the_log_without_what_was_asked(index: Path) -> None:
    with start_site(index=index) as site:
        site.get("/?q=secret")
        errors = site.end()
    (line,) = map(json.loads, errors.splitlines())
    assert (line["method"], line["path"], line["status"]) == ("GET", "/", 200)
    assert "secret" not in errors
    with start_site(index=index, env={"NUTGRAF_LOG_QUERIES": "true"}) as site:
        site.get("/?q=secret")
        assert "secret" in site.end()


def test_a_site_without_an_index_says_so() -> None:
    with start_site("import webui; webui.serve(webui.create_app('no-index'), port=0)") as site:
        assert site.get()[0] == 503
        errors = site.end()
        assert [json.loads(line)["status"] for line in errors.splitlines()] == [503]


# What they share.


@linux
def test_what_is_counted_is_counted_together_and_outlives_a_worker(index: Path) -> None:
    with start_site(index=index, env={"NUTGRAF_PROCESSES": "2"}) as site:
        until(lambda: len(site.workers()) == 2)
        for _ in range(20):
            assert site.get("/api/search?q=zebra")[0] == 200
        lost = min(site.workers())
        os.kill(lost, signal.SIGKILL)
        until(lambda: lost not in site.workers() and len(site.workers()) == 2)
        assert site.get("/api/search?q=zebra")[0] == 200
        told = site.get("/metrics")[1]
    assert counts(told, route="api.search", status="200") == {"nutgraf_requests_total": 21}
    assert counts(told, mount="nutgraf")["nutgraf_search_seconds_count"] == 21


@linux
def test_every_worker_sees_what_changes_on_the_disk(tmp_path: Path) -> None:
    synonyms = tmp_path / "synonyms.txt"
    synonyms.write_text("horse, pony\n")
    with open_index(tmp_path / "index") as index:
        index.put([Article(id="a", title="Zebra", paragraphs=("A zebra.",))])
    env = {"NUTGRAF_PROCESSES": "2", "NUTGRAF_SYNONYMS": str(synonyms)}

    with start_site(index=tmp_path / "index", env=env) as site:

        def found(query: str) -> set[int]:
            return {json.loads(site.get(f"/api/search?q={query}")[1])["total"] for _ in range(20)}

        until(lambda: len(site.workers()) == 2)
        assert found("zebra") == {1}
        with open_index(tmp_path / "index") as index:
            index.put([Article(id="b", title="Zebra", paragraphs=("Another zebra.",))])
        assert found("zebra") == {2}
        assert found("okapi") == {0}
        # Synonyms are read with the state of the index that is searched.
        synonyms.write_text("horse, pony\nokapi, zebra\n")
        with open_index(tmp_path / "index") as index:
            index.put([Article(id="c", title="Zebra", paragraphs=("A third zebra.",))])
        assert found("okapi") == {3}


def test_the_site_can_be_handed_to_a_process_that_is_not_forked(index: Path) -> None:
    again = pickle.loads(pickle.dumps(webui.create_app(index, page_size=3)))
    page = again.test_client().get("/api/search?q=zebra").get_json()
    assert (page["total"], page["limit"]) == (1, 3)


def test_where_processes_are_not_forked_the_site_is_served_all_the_same(index: Path) -> None:
    code = (
        "import multiprocessing, webui\nmultiprocessing.set_start_method('spawn')\n"
        f"webui.serve(webui.create_app({str(index)!r}), port=0, processes=1)"
    )
    with start_site(code) as site:
        assert json.loads(site.get("/api/search?q=zebra")[1])["total"] == 1
        site.end(signal.SIGTERM)
        assert site.process.returncode == 0

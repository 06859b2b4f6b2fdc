"""Several processes answer: connections are spread, who ends is replaced, none stays, counts are one."""

from __future__ import annotations

import contextlib
import http.client
import io
import json
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TextIO

import pytest

from indexer import Article, ConfigError, open_index
from indexer.config import PROCESSES
from webui import crew
from webui.metrics import Metrics

ROOT = Path(__file__).parents[2]
# Seconds after which what does not come is taken for what never will.
PATIENCE = 60
# Tells which process answers; at some addresses it ends that, or takes its time.
APP = """
import os, sys, time, webui

def app(environ, start):
    path = environ["PATH_INFO"]
    if path == "/end":
        os.kill(os.getpid(), 9)
    if path == "/slow":
        time.sleep(3600)
    text = str(os.getpid()).encode()
    start("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(text)))])
    return [text]

{before}
webui.serve(app, port=0, processes={processes})
"""
linux = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="children are told by /proc")


class Site:
    """A site of several processes, as a process of its own."""

    def __init__(self, process: subprocess.Popen[str], wanted: int) -> None:
        self.process = process
        self._wanted = wanted
        assert process.stdout is not None
        found = re.search(r"http://([\d.]+):(\d+)/", process.stdout.readline())
        assert found
        self.host, self.port = found[1], int(found[2])

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(self.host, self.port, timeout=PATIENCE)

    def members(self) -> list[int]:
        """The processes that answer, once there are so many as are wanted."""
        until(lambda: len(self._children()) >= self._wanted)
        return self._children()

    def _children(self) -> list[int]:
        pid = self.process.pid
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@contextlib.contextmanager
def running(code: str, processes: int = 2) -> Iterator[Site]:
    with subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        start_new_session=True,
    ) as process:
        try:
            yield Site(process, processes)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def telling(processes: int = 2, before: str = "") -> contextlib.AbstractContextManager[Site]:
    return running(APP.format(processes=processes, before=before), processes)


def ask(connection: http.client.HTTPConnection, path: str = "/") -> str:
    connection.request("GET", path)
    return connection.getresponse().read().decode()


def until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.01)


def is_gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


@pytest.fixture
def log(tmp_path: Path) -> Iterator[TextIO]:
    with (tmp_path / "log").open("w") as file:
        yield file


@linux
def test_a_connection_goes_to_the_process_that_has_the_fewest() -> None:
    with telling(3) as site, contextlib.ExitStack() as stack:
        assert len(site.members()) == 3
        several = [stack.enter_context(contextlib.closing(site.connect())) for _ in range(7)]
        answered = [int(ask(connection)) for connection in several]
        assert sorted(map(answered.count, set(answered))) == [2, 2, 3]
        assert set(answered) == set(site.members())
        # Who asks again on a connection is answered by the same one.
        assert [int(ask(connection)) for connection in several] == answered
        # Those of one process are closed: the next ones are all for it.
        alone = answered[0]
        for connection, pid in zip(several, answered, strict=True):
            if pid == alone:
                connection.close()

        def is_for_it() -> bool:
            with contextlib.closing(site.connect()) as connection:
                return int(ask(connection)) == alone

        # As soon as it has told that they are gone.
        until(is_for_it)


@linux
def test_one_that_takes_long_does_not_keep_others_waiting() -> None:
    # Of one thread each: a process that answers takes nothing else meanwhile.
    with telling(2, "webui.serve.__kwdefaults__['threads'] = 1") as site, contextlib.ExitStack() as stack:
        members = site.members()
        slow, quick = (stack.enter_context(contextlib.closing(site.connect())) for _ in range(2))
        slow.request("GET", "/slow")
        time.sleep(0.1)
        assert int(ask(quick)) in members


@linux
def test_a_process_that_ends_is_replaced_and_others_go_on() -> None:
    with telling() as site, contextlib.ExitStack() as stack:
        before = site.members()
        first, second = (stack.enter_context(contextlib.closing(site.connect())) for _ in range(2))
        lost, other = int(ask(first)), int(ask(second))
        assert {lost, other} == set(before)
        # It has begun: a second has gone by.
        time.sleep(crew._BEGUN)
        with pytest.raises((ConnectionError, http.client.HTTPException)):
            ask(first, "/end")
        assert int(ask(second)) == other
        until(lambda: len(set(site.members()) - {lost}) == 2)
        assert int(ask(first)) in set(site.members()) - {lost, other}
        site.process.send_signal(signal.SIGINT)
        _, errors = site.process.communicate(timeout=PATIENCE)
        told = [line for line in errors.splitlines() if not line.startswith("{")]
        assert told == ["nutgraf: a process that answers requests has ended (signal 9), another one begins"]
        assert site.process.returncode == 0


@linux
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_however_the_one_in_front_ends_no_other_stays(how: signal.Signals) -> None:
    with telling() as site, contextlib.closing(site.connect()) as connection:
        members = site.members()
        assert int(ask(connection)) in members
        if how == signal.SIGINT:
            # As from a terminal, which sends it to all.
            os.killpg(site.process.pid, how)
        else:
            site.process.send_signal(how)
        site.process.wait(PATIENCE)
        until(lambda: all(map(is_gone, members)))
        assert site.process.stderr is not None
        assert all(line.startswith("{") for line in site.process.stderr.read().splitlines())
        assert site.process.returncode == (0 if how == signal.SIGINT else -how)
        with pytest.raises(ConnectionError):
            socket.create_connection((site.host, site.port))


@linux
def test_whoever_interrupts_twice_does_not_wait_for_what_is_being_answered() -> None:
    with telling() as site, contextlib.closing(site.connect()) as connection:
        members = site.members()
        connection.request("GET", "/slow")
        time.sleep(0.2)
        began = time.monotonic()
        for _ in range(2):
            os.killpg(site.process.pid, signal.SIGINT)
            time.sleep(0.2)
        assert site.process.wait(PATIENCE) == 0
        # Waitress waits for what is being answered for five seconds.
        assert time.monotonic() - began < 4
        assert all(map(is_gone, members))


def test_where_all_end_as_they_begin_the_site_ends_and_says_so() -> None:
    before = (
        "from webui import crew, serve as s; crew._BEGUN = 0.2\n"
        "import importlib; importlib.import_module('webui.serve')._listener = lambda *a, **k: 1 / 0"
    )
    with telling(2, before) as site:
        _, errors = site.process.communicate(timeout=PATIENCE)
        assert site.process.returncode == 1
        assert errors.count("ZeroDivisionError") == 10
        assert errors.count("has ended (exit code 1), another one begins") == 9
        assert errors.splitlines()[-1].endswith(
            "processes that answer requests are wanted, 10 have ended as they began (exit code 1): see what "
            "they wrote"
        )


def reset(site: Site) -> None:
    """Connect, and be gone at once, in the way that leaves nothing to be read."""
    raw = socket.create_connection((site.host, site.port))
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    raw.close()


@linux
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_nor_does_one_stay_that_still_had_connections_to_take(how: signal.Signals) -> None:
    with telling() as site, contextlib.ExitStack() as stack:
        members = site.members()
        for connection in [stack.enter_context(contextlib.closing(site.connect())) for _ in range(2)]:
            ask(connection)
        for member in members:
            os.kill(member, signal.SIGSTOP)
        for _ in range(50):
            reset(site)
            stack.enter_context(socket.create_connection((site.host, site.port)))
        time.sleep(0.2)
        site.process.send_signal(how)
        for member in members:
            os.kill(member, signal.SIGCONT)
        assert site.process.wait(PATIENCE) == (0 if how == signal.SIGINT else -how)
        until(lambda: all(map(is_gone, members)))


@linux
def test_who_is_gone_before_being_taken_is_nothing_to_tell_of() -> None:
    with telling() as site, contextlib.closing(site.connect()) as connection:
        members = site.members()
        for member in members:
            os.kill(member, signal.SIGSTOP)
        for _ in range(20):
            reset(site)
        for member in members:
            os.kill(member, signal.SIGCONT)
        for _ in range(5):
            assert int(ask(connection)) in members
        site.process.send_signal(signal.SIGINT)
        _, errors = site.process.communicate(timeout=PATIENCE)
        assert len(errors.splitlines()) == 5
        assert all(map(json.loads, errors.splitlines()))


@linux
def test_while_nobody_answers_whoever_comes_waits() -> None:
    with telling(2, "from webui import crew; crew._BEGUN = 1.5") as site, contextlib.ExitStack() as stack:
        for member in (before := site.members()):
            os.kill(member, signal.SIGKILL)
        until(lambda: not set(before) & set(site._children()))
        several = [stack.enter_context(contextlib.closing(site.connect())) for _ in range(20)]
        for connection in several:
            connection.connect()
        assert {int(ask(connection)) for connection in several} <= set(site.members())


@linux
@pytest.mark.parametrize("what", ["os.fork", "socket.socketpair"])
def test_where_no_other_process_can_be_started_for_now_it_is_tried_again(what: str) -> None:
    room, name = what.split(".")
    before = f"""
from webui import crew
import {room}
crew._BEGUN = 0.2
made, calls = {what}, []
def scarce():
    calls.append(None)
    if 2 < len(calls) < 5:
        raise OSError(11, "Resource temporarily unavailable")
    return made()
{room}.{name} = scarce
"""
    with telling(2, before) as site:
        lost, kept = site.members()
        time.sleep(0.3)
        os.kill(lost, signal.SIGKILL)
        until(lambda: lost not in site.members())
        assert kept in site.members()
        site.process.send_signal(signal.SIGINT)
        _, errors = site.process.communicate(timeout=PATIENCE)
        assert site.process.returncode == 0
        assert errors.count("cannot be started now") == 2


def test_where_none_can_be_started_it_is_said() -> None:
    before = "import os; os.fork = lambda: (_ for _ in ()).throw(OSError(11, 'Resource unavailable'))"
    with telling(2, before) as site:
        _, errors = site.process.communicate(timeout=PATIENCE)
        assert site.process.returncode == 1
        assert "none can be started ([Errno 11] Resource unavailable)" in errors.splitlines()[-1]


@linux
def test_one_that_takes_no_connection_any_more_is_replaced(tmp_path: Path) -> None:
    before = f"""
from pathlib import Path
from webui import crew
accept, fault = crew.Inbox.accept, Path({str(tmp_path / "fault")!r})
def failing(self):
    if fault.exists():
        fault.unlink()
        raise MemoryError
    return accept(self)
crew.Inbox.accept = failing
"""
    with telling(2, before) as site, contextlib.ExitStack() as stack:
        members = site.members()
        idle = stack.enter_context(contextlib.closing(site.connect()))
        lost = int(ask(idle))
        other = stack.enter_context(contextlib.closing(site.connect()))
        kept = int(ask(other))
        (tmp_path / "fault").touch()
        raw = stack.enter_context(socket.create_connection((site.host, site.port)))
        until(lambda: set(site.members()) != set(members))
        raw.close()
        assert set(site.members()) & {lost, kept} == {kept}
        assert int(ask(other)) == kept
        with contextlib.closing(site.connect()) as connection:
            assert int(ask(connection)) in set(site.members()) - {lost}


@linux
def test_who_started_it_may_have_ignored_children() -> None:
    with telling(2, "import signal; signal.signal(signal.SIGCHLD, signal.SIG_IGN)") as site:
        lost, _ = site.members()
        os.kill(lost, signal.SIGKILL)
        until(lambda: lost not in site.members())
        site.process.send_signal(signal.SIGINT)
        site.process.communicate(timeout=PATIENCE)
        assert site.process.returncode == 0


@pytest.mark.parametrize("wanted", [-1, PROCESSES + 1])
def test_a_number_of_processes_that_is_none_is_refused(wanted: int, log: TextIO) -> None:
    with pytest.raises(ConfigError, match=f"processes: a number from 0 to 64 is wanted, {wanted} was found"):
        crew.processes_for(wanted, log)


@linux
def test_what_is_counted_is_counted_together_and_outlives_a_process(tmp_path: Path) -> None:
    with open_index(tmp_path / "index") as index:
        index.put([Article(id="a", title="Zebra", paragraphs=("A zebra.",))])
    code = f"import webui; webui.serve(webui.create_app({str(tmp_path / 'index')!r}), port=0, processes=2)"
    with running(code) as site, contextlib.ExitStack() as stack:
        assert len(site.members()) == 2
        several = [stack.enter_context(contextlib.closing(site.connect())) for _ in range(4)]
        for connection in several:
            assert json.loads(ask(connection, "/api/search?q=zebra"))["total"] == 1
        lost = site.members()[0]
        os.kill(lost, signal.SIGKILL)
        until(lambda: len(set(site.members()) - {lost}) == 2)
        again = stack.enter_context(contextlib.closing(site.connect()))
        assert json.loads(ask(again, "/api/search?q=zebra"))["total"] == 1
        counts = ask(again, "/metrics")
    assert 'nutgraf_requests_total{route="api.search",status="200"} 5\n' in counts
    assert "nutgraf_search_seconds_count 5\n" in counts


def test_counts_of_several_places_are_summed() -> None:
    counts = Metrics(["search"])
    counts.count_request("search", 200)
    counts.share(3)
    for place, seconds in enumerate((0.5, 0.25, 0.002)):
        counts.take(place)
        counts.count_request("search", 200)
        counts.count_request("elsewhere", 404)
        counts.count_search(seconds)
    text = counts.write({})
    assert 'nutgraf_requests_total{route="search",status="200"} 3\n' in text
    assert 'nutgraf_requests_total{route="",status="404"} 3\n' in text
    assert "nutgraf_search_seconds_sum 0.752000\n" in text
    assert 'nutgraf_search_seconds_bucket{le="0.0025"} 1\n' in text
    assert 'nutgraf_search_seconds_bucket{le="+Inf"} 3\n' in text


def test_several_processes_are_refused_where_they_cannot_be(log: TextIO) -> None:
    release = threading.Event()
    thread = threading.Thread(target=release.wait)
    thread.start()
    try:
        assert (crew.processes_for(0, log), crew.processes_for(1, log)) == (1, 1)
        with pytest.raises(ConfigError, match=r"processes: 1 .* is wanted, 3 was found: other threads run"):
            crew.processes_for(3, log)
    finally:
        release.set()
        thread.join()


def test_as_many_processes_as_cores_answer_but_not_more_than_four(
    monkeypatch: pytest.MonkeyPatch, log: TextIO
) -> None:
    monkeypatch.setattr(threading, "active_count", lambda: 1)
    for cores, wanted in ((1, 1), (2, 2), (64, 4), (None, 1)):
        monkeypatch.setattr(os, "cpu_count", lambda cores=cores: cores)
        assert crew.processes_for(0, log) == wanted
    assert crew.processes_for(9, log) == 9


def test_where_the_log_is_no_file_one_process_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threading, "active_count", lambda: 1)
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    assert crew.processes_for(0, io.StringIO()) == 1
    with pytest.raises(ConfigError, match="the log is no file"):
        crew.processes_for(2, io.StringIO())


@linux
def test_who_ends_again_and_again_does_not_end_the_others() -> None:
    with telling(2, "from webui import crew; crew._BEGUN = 0.2") as site, contextlib.ExitStack() as stack:
        members = site.members()
        first = stack.enter_context(contextlib.closing(site.connect()))
        kept = int(ask(first))
        for _ in range(crew._STARTS + 2):
            (other,) = set(site.members()) - {kept}
            os.kill(other, signal.SIGKILL)
            until(lambda other=other: other not in site.members())  # type: ignore[misc]
        assert int(ask(first)) == kept
        assert site.process.poll() is None
        assert set(members) & set(site.members()) == {kept}

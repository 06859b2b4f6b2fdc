"""Requests to a cluster: what is repeated, what is refused, and what errors say."""

from __future__ import annotations

import base64
import http.client
import json
import logging
import os
import socket
import ssl
import subprocess
import threading
import warnings
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from shutil import which
from typing import Any

import pytest

from indexer import ClusterAddress, IndexMissing, IndexUnavailable, StorageFailed
from indexer.opensearch.cluster import GRACE, READ_PATIENCE, Action, Cluster, Version
from indexer.opensearch.failures import SearchTimedOut
from tests.fixtures.commands import start
from tests.opensearch import server
from tests.opensearch.scripted import FOUND, WHOLE, scripted

EVERYTHING: dict[str, Any] = {"match_all": {}}
BLOCKED = {
    "type": "cluster_block_exception",
    "reason": "index [a] blocked by: [TOO_MANY_REQUESTS/12/disk usage exceeded flood-stage watermark, "
    "index has read-only-allow-delete block];",
}


def failed(kind: str, reason: str = "") -> dict[str, Any]:
    """The answer of a cluster that reports an error."""
    return {"error": {"root_cause": [{"type": kind, "reason": reason}], "type": kind, "reason": reason}}


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_request_is_repeated_while_the_cluster_is_overloaded_or_starts(status: int) -> None:
    with scripted((status, failed("x")), (status, "<html>"), FOUND) as script:
        assert script.connect().search("a", {}) == FOUND[1]
    assert script.pauses == [0.1, 0.2]


def test_a_request_is_not_repeated_for_ever() -> None:
    with (
        scripted((429, failed("circuit_breaking_exception", "Data too large"))) as script,
        pytest.raises(IndexUnavailable, match=r"is overloaded \(Data too large\): try again later$"),
    ):
        script.connect().search("a", {})
    assert sum(script.pauses) < 2


@pytest.mark.parametrize(
    ("status", "answer", "kind", "message"),
    [
        (401, "Unauthorized", IndexUnavailable, "refuses the user 'ann', or the password: set NUTGRAF_OPENS"),
        (
            403,
            failed("security_exception", "no permissions"),
            IndexUnavailable,
            "'ann' .no permissions.: give",
        ),
        (403, "Forbidden", IndexUnavailable, "forbids this to the user 'ann': give it the permission"),
        (
            404,
            failed("index_not_found_exception"),
            IndexMissing,
            "no index archive on .*: run `nutgraf index",
        ),
        (429, {"error": BLOCKED}, StorageFailed, "lets nobody write .*: free space on its disks"),
        (403, {"error": BLOCKED}, StorageFailed, "lets nobody write"),
        (503, failed("x", "no cluster manager"), IndexUnavailable, r"cannot answer \(no cluster manager\)"),
        (
            400,
            failed("parsing_exception", "odd\n query"),
            IndexUnavailable,
            r"refuses a request \(odd query\)",
        ),
        (413, "Request Entity Too Large", IndexUnavailable, "accepts no request of this size: raise"),
        (200, "<html>Welcome</html>", IndexUnavailable, "is no OpenSearch: check the address of the index"),
        (404, "<html>Not found</html>", IndexUnavailable, "is no OpenSearch"),
        (301, "", IndexUnavailable, "is no OpenSearch"),
    ],
)
def test_an_error_says_what_is_wrong_and_what_to_do(
    status: int, answer: object, kind: type[Exception], message: str
) -> None:
    with (
        scripted((status, answer)) as script,
        pytest.raises(kind, match=rf"http://127.0.0.1:{script.port}.*{message}|{message}.*") as raised,
    ):
        script.connect("ann", "geheim").search("a", {})
    assert "geheim" not in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_cluster_that_is_read_only_is_not_waited_for() -> None:
    with scripted((429, {"error": BLOCKED})) as script, pytest.raises(StorageFailed):
        script.connect().put_if("a", "x", {}, None)
    assert script.pauses == []


def test_a_password_is_sent_in_utf_8_and_shown_nowhere() -> None:
    with scripted(FOUND) as script, closing(script.connect("jürgen", "pässword")) as cluster:
        cluster.search("a", {})
        assert [request.headers["Authorization"] for request in script.requests] == [
            f"Basic {base64.b64encode('jürgen:pässword'.encode()).decode()}"
        ]
        assert "pässword" not in repr(cluster)


@pytest.mark.parametrize(
    "shards",
    [
        {**WHOLE, "successful": 1, "failed": 1, "failures": [{"reason": {"reason": "boom"}}]},
        {**WHOLE, "total": 3},
    ],
)
def test_an_answer_without_some_shards_is_no_answer(shards: dict[str, Any]) -> None:
    answer = {"timed_out": False, "_shards": shards, "count": 3, "hits": {"hits": []}}
    with scripted((200, answer)) as script:
        with pytest.raises(IndexUnavailable, match=r"has no answer from 1 of [23] shards"):
            script.connect().search("a", {})
        with pytest.raises(IndexUnavailable, match=r"has no answer from 1 of [23] shards"):
            script.connect().count("a", EVERYTHING)
    with (
        scripted((200, {"responses": [FOUND[1], answer]})) as script,
        pytest.raises(IndexUnavailable, match="has no answer from 1 of"),
    ):
        script.connect().msearch("a", [{}, {}])


def test_a_search_has_a_time_limit_and_says_if_it_was_met() -> None:
    late = {**FOUND[1], "timed_out": True}
    with scripted((200, late)) as script:
        assert script.connect().search("a", {"size": 3}, seconds=0.25)["timed_out"]
    assert json.loads(script.requests[0].body) == {"size": 3, "timeout": "250ms"}


def test_an_answer_that_a_limit_of_the_cluster_has_cut_short_is_no_answer() -> None:
    late = {**FOUND[1], "timed_out": True}
    with (
        scripted((200, late)) as script,
        pytest.raises(IndexUnavailable, match="does not answer in time: try again later"),
    ):
        script.connect().search("a", {})
    with scripted((200, {"responses": [FOUND[1], late]})) as script:
        assert [each["timed_out"] for each in script.connect().msearch("a", [{}, {}], seconds=1.0)] == [
            False,
            True,
        ]
        with pytest.raises(IndexUnavailable, match="does not answer in time"):
            script.connect().msearch("a", [{}, {}])


@pytest.mark.parametrize("primaries", [{}, {"store": {"size_in_bytes": 7}}])
def test_the_size_of_an_index_is_that_of_all_its_shards(primaries: dict[str, Any]) -> None:
    shards = {"total": 3, "successful": 2, "failed": 1}
    with (
        scripted((200, {"_shards": shards, "_all": {"primaries": primaries}})) as script,
        pytest.raises(IndexUnavailable, match="has no answer from 1 of 3 shards"),
    ):
        script.connect().measure("a")


def test_the_size_of_an_index_needs_no_replicas() -> None:
    stores = {"primaries": {"store": {"size_in_bytes": 7}}}
    shards = {"total": 2, "successful": 1, "failed": 0}
    with scripted((200, {"_shards": shards, "_all": stores})) as script:
        assert script.connect().measure("a") == 7


LATE = {"type": "time_exceeded_exception", "reason": None}
ALL_LATE = {"type": "search_phase_execution_exception", "reason": "all shards failed", "root_cause": [LATE]}
WRAPPED = {"type": "execution_exception", "reason": "x", "caused_by": LATE}
ONE_LATE = {"total": 2, "successful": 1, "skipped": 0, "failed": 1, "failures": [{"reason": WRAPPED}]}


def test_shards_that_gave_nothing_within_the_time_limit_are_told_from_missing_ones() -> None:
    answer = {**FOUND[1], "_shards": ONE_LATE}
    with scripted((200, answer)) as script:
        assert script.connect().search("a", {}, seconds=1.0)["timed_out"]
        with pytest.raises(IndexUnavailable, match="does not answer in time: try again later"):
            script.connect().search("a", {})
    with scripted((200, {"responses": [FOUND[1], answer]})) as script:
        answers = script.connect().msearch("a", [{}, {}], seconds=1.0)
        assert [each["timed_out"] for each in answers] == [False, True]
    others = [{"reason": LATE}, {"reason": {"type": "x", "reason": "boom"}}]
    for shards in ({**ONE_LATE, "total": 3}, {**ONE_LATE, "total": 3, "failed": 2, "failures": others}):
        with (
            scripted((200, {**answer, "_shards": shards})) as script,
            pytest.raises(IndexUnavailable, match="has no answer from 2 of 3 shards"),
        ):
            script.connect().search("a", {}, seconds=1.0)


@pytest.mark.parametrize(
    ("method", "answer"),
    [
        ("search", (500, {"error": ALL_LATE})),
        ("search", (200, {"timed_out": True, "_shards": {**ONE_LATE, "total": 1, "successful": 0}})),
        ("msearch", (200, {"responses": [FOUND[1], {"error": ALL_LATE, "status": 500}]})),
    ],
)
def test_a_search_that_no_shard_answers_in_time_is_not_repeated(
    method: str, answer: tuple[int, object]
) -> None:
    message = "does not answer in time: try again later"
    with scripted(answer) as script:
        for seconds, kind in ((None, IndexUnavailable), (1.0, SearchTimedOut)):
            search: Any = getattr(script.connect(), method)
            with pytest.raises(IndexUnavailable, match=message) as raised:
                search("a", {} if method == "search" else [{}, {}], seconds=seconds)
            assert type(raised.value) is kind
    assert script.pauses == []


def test_a_cluster_that_says_nothing_is_not_waited_for_much_longer_than_the_time_limit() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = ClusterAddress("http", "127.0.0.1", silent.getsockname()[1], "archive")
        with closing(Cluster(address)) as cluster, pytest.raises(SearchTimedOut, match="does not answer in"):
            cluster.search("a", {}, seconds=0.01 - GRACE)


@pytest.mark.parametrize(
    ("version", "message"),
    [
        ({"number": "7.10.2"}, "is another search engine 7.10.2: Nutgraf needs OpenSearch 2.4 or later"),
        ({"distribution": "opensearch", "number": "1.3.20"}, "is OpenSearch 1.3.20: Nutgraf needs"),
        ({"distribution": "opensearch", "number": "2.3.0"}, "is OpenSearch 2.3.0: Nutgraf needs"),
    ],
)
def test_another_version_is_refused(version: dict[str, str], message: str) -> None:
    with scripted((200, {"version": version})) as script, pytest.raises(IndexUnavailable, match=message):
        script.connect().check_version()


def test_a_write_whose_answer_was_lost_is_known_by_its_contents() -> None:
    there = {"found": True, "_source": {"owner": "me"}, "_seq_no": 7, "_primary_term": 2}
    conflict = failed("version_conflict_engine_exception") | {"status": 409}
    with scripted((503, failed("x")), (409, conflict), (200, there)) as script:
        assert script.connect().put_if("a", "x", {"owner": "me"}, None) == Version(7, 2)
    with scripted((409, conflict), (200, there)) as script:
        assert script.connect().put_if("a", "x", {"owner": "another"}, None) is None


def acknowledged(seq_no: int, term: int, copies: int) -> tuple[int, dict[str, Any]]:
    """The answer to a write to so many of two copies."""
    return 201, {
        "_seq_no": seq_no,
        "_primary_term": term,
        "_shards": {"total": 2, "successful": copies, "failed": 0},
    }


def elected(term: int) -> tuple[int, dict[str, Any]]:
    """The state of a cluster in which a shard has had so many primary copies."""
    return 200, {"metadata": {"indices": {"a": {"primary_terms": {"0": term}}}}}


CONFLICT = (409, failed("version_conflict_engine_exception") | {"status": 409})
KEPT = (200, {"found": True, "_seq_no": 8, "_primary_term": 3, "_source": {"owner": "me"}})
ROLLED_BACK = (200, {"found": True, "_seq_no": 7, "_primary_term": 2, "_source": {"owner": "me"}})


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ([acknowledged(7, 2, copies=2)], Version(7, 2)),
        ([acknowledged(7, 2, copies=1), elected(2)], Version(7, 2)),
        # The node was cut off, and has another primary now, which has the document as well.
        ([acknowledged(7, 2, copies=1), elected(3), acknowledged(8, 3, copies=2)], Version(8, 3)),
        ([acknowledged(7, 2, copies=1), elected(3), CONFLICT, KEPT], Version(8, 3)),
        # Or does not: the node that says so has not been told yet.
        ([acknowledged(7, 2, copies=1), elected(3), CONFLICT, ROLLED_BACK], None),
        ([acknowledged(7, 2, copies=1), elected(3), CONFLICT, (404, {"found": False})], None),
    ],
)
def test_a_write_of_a_copy_that_is_no_longer_the_primary_one_is_doubted(
    answers: list[tuple[int, dict[str, Any]]], expected: Version | None
) -> None:
    with scripted(*answers) as script:
        assert script.connect().put_if("a", "x", {"owner": "me"}, None) == expected
        assert len(script.requests) == len(answers)


@pytest.mark.parametrize("state", [elected(3), (200, {})])
def test_a_write_is_not_doubted_for_ever(state: tuple[int, dict[str, Any]]) -> None:
    with scripted(*[acknowledged(7, 2, copies=1), state] * 20) as script:
        with pytest.raises(IndexUnavailable, match="no answer from 1 of 2 shards"):
            script.connect().put_if("a", "x", {"owner": "me"}, None)
        assert sum(script.pauses) <= READ_PATIENCE


def test_a_reader_gets_the_document_of_the_node_that_it_asks_and_a_writer_that_of_any() -> None:
    there = {"found": True, "_source": {}, "_seq_no": 7, "_primary_term": 2}
    with scripted((200, there)) as script:
        reader = script.connect()
        for cluster in (reader, reader.for_writing()):
            assert cluster.get("a", "x") == ({}, Version(7, 2))
    assert ["preference=_local" in path for _, path, *_ in script.requests] == [True, False]


def test_only_the_documents_that_were_rejected_are_sent_again() -> None:
    def done(name: str, status: int = 200, kind: str = "") -> dict[str, Any]:
        return {"index": {"_id": name, "status": status, **({"error": {"type": kind}} if kind else {})}}

    first = {"errors": True, "items": [done("1"), done("2", 429, "rejected"), done("3", 409, "conflict")]}
    with scripted((200, first), (200, {"errors": False, "items": [done("2")]})) as script:
        assert script.connect().bulk("a", [Action(str(n), b"{}") for n in (1, 2, 3)]) == ["3"]
    assert [request.body.count(b"_id") for request in script.requests] == [3, 1]
    assert b'"_id":"2"' in script.requests[1].body


def test_a_bulk_request_has_a_size_and_no_document_twice() -> None:
    large = b'"%s"' % (b"x" * 2**20)
    actions = [*(Action(str(number), large) for number in range(12)), Action("11", None), Action("11", b"{}")]
    with scripted((200, {"errors": False, "items": []})) as script:
        script.connect().bulk("a", actions)
        script.connect().bulk("a", [])
    assert [request.body.count(b"_id") for request in script.requests] == [4, 4, 4, 1, 1]


def test_a_document_that_is_refused_is_an_error() -> None:
    refused = {"_id": "1", "status": 400, "error": {"type": "mapper_parsing_exception", "reason": "odd"}}
    with (
        scripted((200, {"errors": True, "items": [{"index": refused}]})) as script,
        pytest.raises(IndexUnavailable, match=r"refuses a request \(odd\)"),
    ):
        script.connect().bulk("a", [Action("1", b"{}")])


def test_a_cluster_that_is_away_is_named_with_the_reason() -> None:
    with scripted(FOUND) as script:
        pass
    with pytest.raises(
        IndexUnavailable, match=r"cannot be reached \(Connection refused\): check that it runs"
    ):
        script.connect().search("a", {})
    assert 1 < sum(script.pauses) < 2


def test_the_client_logs_neither_failures_nor_what_is_searched_for(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with scripted(FOUND) as script:
        script.connect().search("a", {"query": {"term": {"text": "secret"}}})
    with pytest.raises(IndexUnavailable):
        script.connect().search("a", {})
    assert not [record for record in caplog.records if record.name.startswith("opensearch")]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork on this system")
def test_a_forked_process_has_connections_of_its_own() -> None:
    with scripted(FOUND) as script, closing(script.connect()) as cluster:
        cluster.search("a", {})
        with warnings.catch_warnings():
            # Newer Pythons warn of a fork beside threads.
            warnings.simplefilter("ignore", DeprecationWarning)
            child = os.fork()
        if child == 0:
            with suppress(Exception):
                cluster.search("a", {})
            os._exit(0)
        os.waitpid(child, 0)
        cluster.search("a", {})
    first, of_child, last = (request.port for request in script.requests)
    assert first == last != of_child


def test_what_speaks_no_tls_is_named_with_the_reason() -> None:
    with scripted(FOUND) as script:
        address = ClusterAddress("https", "127.0.0.1", script.port, "archive")
        with pytest.raises(IndexUnavailable, match=r"cannot be reached \(.*(SSL|TLS).*\)"):
            Cluster(address).search("a", {})


def test_a_document_is_written_only_over_the_version_that_was_read(cluster: Cluster) -> None:
    index = f"{cluster.address.name}-1"
    assert cluster.create_index(index, {})
    assert not cluster.create_index(index, {})
    assert cluster.get(index, "x") is None
    first = cluster.put_if(index, "x", {"by": 1}, None)
    assert first is not None
    assert cluster.put_if(index, "x", {"by": 2}, None) is None
    second = cluster.put_if(index, "x", {"by": 3}, first)
    assert second is not None
    assert cluster.put_if(index, "x", {"by": 4}, first) is None
    assert cluster.get(index, "x") == ({"by": 3}, second)


def test_documents_are_written_and_deleted_together(cluster: Cluster) -> None:
    index = f"{cluster.address.name}-1"
    cluster.create_index(index, {})
    assert cluster.bulk(index, [Action(str(number), b'{"number":%d}' % number) for number in range(5)]) == []
    found = cluster.get(index, "0")
    assert found is not None
    actions = [
        Action("0", b"{}", found.version),
        Action("1", None),
        Action("2", None, found.version._replace(primary_term=99)),
        Action("3", b"{}", Version(99, 1)),
        Action("missing", None),
    ]
    assert cluster.bulk(index, actions) == ["2", "3"]
    cluster.refresh(index)
    assert cluster.count(index, EVERYTHING) == 4
    assert cluster.count(index, {"term": {"number": 0}}) == 0
    assert [answer["hits"]["total"]["value"] for answer in cluster.msearch(index, [{}, {"size": 0}])] == [
        4,
        4,
    ]


def test_an_index_that_is_deleted_does_not_come_back_by_writing(cluster: Cluster) -> None:
    index = f"{cluster.address.name}-1"
    cluster.create_index(index, {})
    cluster.delete_index(index)
    cluster.delete_index(index)
    with pytest.raises(IndexMissing):
        cluster.bulk(index, [Action("1", b"{}")])
    with pytest.raises(IndexMissing):
        cluster.put_if(index, "1", {}, None)
    assert cluster.list_indexes(f"{index}*") == []


def test_a_disk_that_is_full_and_a_missing_shard_are_told(
    cluster: Cluster, opensearch: server.Cluster
) -> None:
    index = f"{cluster.address.name}-1"
    cluster.create_index(index, {"settings": {"number_of_shards": 2}})
    opensearch.request("PUT", f"/{index}/_settings", {"index.blocks.read_only_allow_delete": True})
    with pytest.raises(StorageFailed, match="free space on its disks"):
        cluster.bulk(index, [Action("1", b"{}")])
    with pytest.raises(StorageFailed, match="free space on its disks"):
        cluster.put_if(index, "1", {}, None)
    red = f"{cluster.address.name}-2"
    settings = {"index.routing.allocation.require._name": "nowhere"}
    opensearch.request("PUT", f"/{red}?wait_for_active_shards=0", {"settings": settings})
    with pytest.raises(IndexUnavailable, match="has no answer from 1 of 3 shards: check its health"):
        cluster.search(f"{cluster.address.name}-*", {})
    with pytest.raises(IndexUnavailable, match=r"cannot answer .*: check its health"):
        cluster.get(red, "x")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with a certificate for 127.0.0.1, which is its own authority, and its key."""
    if not (program := which("openssl")):
        pytest.skip("openssl is not installed, which makes certificates")
    file = tmp_path_factory.mktemp("tls") / "certificate.pem"
    made = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=archive"]
    names = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", "-", "-out", "-"]
    done = subprocess.run([program, *made, *names], capture_output=True, check=True)
    file.write_bytes(done.stdout)
    return file


@contextmanager
def secured(certificate: Path, node: str, user: str, password: str) -> Iterator[int]:
    """The port of a proxy that speaks TLS, and lets one user through to a node."""
    expected = f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            status, kind, answer = 401, "text/plain", b"Unauthorized"
            if self.headers.get("Authorization") == expected:
                with closing(http.client.HTTPConnection(node, timeout=60)) as connection:
                    headers = {"Content-Type": self.headers.get("Content-Type", "application/json")}
                    connection.request(self.command, self.path, body, headers)
                    response = connection.getresponse()
                    status, kind = response.status, response.headers.get("Content-Type", "")
                    answer = response.read()
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        do_POST = do_PUT = do_DELETE = do_GET  # noqa: N815  (the names are those of methods of HTTP)

        def log_message(self, *_: object) -> None:
            """Write nothing."""

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listener:
        listener.daemon_threads = True
        listener.block_on_close = False
        listener.socket = context.wrap_socket(listener.socket, server_side=True)
        thread = threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield listener.server_port
        finally:
            listener.shutdown()
            thread.join()


def test_a_cluster_is_asked_over_tls_with_a_password(
    certificate: Path, opensearch: server.Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    with secured(certificate, opensearch.nodes[0].address, "ann", "geheim") as port:
        address = ClusterAddress("https", "127.0.0.1", port, "archive", "ann")
        monkeypatch.delenv("SSL_CERT_FILE", raising=False)
        with (
            closing(Cluster(address, "geheim")) as cluster,
            pytest.raises(IndexUnavailable, match=r"a certificate that is not trusted .*set SSL_CERT_FILE"),
        ):
            cluster.check_version()
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        with closing(Cluster(address, "geheim")) as cluster:
            assert cluster.check_version()
            cluster.create_index("archive-tls", {})
            assert cluster.put_if("archive-tls", "x", {"by": 1}, None)
            assert cluster.bulk("archive-tls", [Action("1", b"{}")]) == []
            cluster.delete_index("archive-tls")
        with (
            closing(Cluster(address, "wrong")) as cluster,
            pytest.raises(IndexUnavailable, match="refuses the user 'ann', or the password: set NUTGRAF_OPE"),
        ):
            cluster.check_version()


def test_a_command_asks_over_tls_and_shows_the_password_nowhere(
    certificate: Path, opensearch: server.Cluster, opensearch_version: str, tmp_path: Path
) -> None:
    (tmp_path / "a.txt").write_text("Harbour\n\nThe harbour is open.\n")
    trusted = {"SSL_CERT_FILE": str(certificate)}
    with secured(certificate, opensearch.nodes[0].address, "ann", "geheim-1") as port:
        address = f"opensearch+https://ann@127.0.0.1:{port}/tls-v{opensearch_version}"

        def run(command: str, password: str, **environment: str) -> tuple[int, str, str]:
            given = {"NUTGRAF_INDEX": address, "NUTGRAF_OPENSEARCH_PASSWORD": password, **environment}
            words, pipe = command.split(), subprocess.PIPE
            with start(*words, environment=given, cwd=tmp_path, stdout=pipe, stderr=pipe) as process:
                output, errors = process.communicate()
            for shown in (password, base64.b64encode(f"ann:{password}".encode()).decode()):
                assert shown not in output + errors
            return process.returncode, output, errors

        assert run("index .", "geheim-1", **trusted)[::2] == (0, "")
        code, output, _ = run("search harbour --json", "geheim-1", **trusted)
        assert (code, json.loads(output)["total"]) == (0, 1)
        assert run("status", "geheim-1", **trusted)[0] == 0
        assert run("doctor", "geheim-1", **trusted)[2] == ""
        for command in ("search harbour", "index .", "status"):
            for password, environment, message in (
                ("geheim-2", trusted, "refuses the user 'ann', or the password"),
                ("geheim-1", {"SSL_CERT_FILE": ""}, "has a certificate that is not trusted"),
            ):
                code, output, errors = run(command, password, **environment)
                assert (code, output, len(errors.splitlines())) == (1, "", 1)
                assert message in errors
    for name in ("000001", "meta"):
        opensearch.request("DELETE", f"/tls-v{opensearch_version}-{name}")

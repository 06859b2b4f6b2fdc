"""Models of a service: a real server on this machine answers, or fails in all the ways it can."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from indexer.errors import ConfigError, ModelFailed
from indexer.vectors import Model, TextRefused, open_model
from indexer.vectors.model import LoadedOnUse
from indexer.vectors.service import Service

ROOT = Path(__file__).parents[2]
KEY = "geheim-1234"
Answer = Callable[["Handler", list[str]], None]


def embed(text: str) -> list[float]:
    """What the service makes of a text: how often it has two words."""
    return [text.count("ship"), text.count("quay"), 0.0]


class Handler(BaseHTTPRequestHandler):
    """Gives the answers that its server was told, one a request, and then good ones."""

    server: Server
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.requests.append((self.path, dict(self.headers), body))
        answer = self.server.answers.pop(0) if self.server.answers else succeed
        answer(self, body["input"])

    def send(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content_Length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Write no line for a request."""


class Server(ThreadingHTTPServer):
    """A service on a free port."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: list[Answer] = []
        self.requests: list[tuple[str, dict[str, str], Any]] = []
        self.given_up = threading.Event()
        self.pauses: list[float] = []

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"

    def model(self, key: str = KEY) -> Model:
        """The model of the service; its pauses between attempts are noted, and take no time."""
        parsed = Service.parse(f"{self.address}/#minilm", key)
        return LoadedOnUse(Service(parsed.address, parsed.name, parsed.key, self.pauses.append))

    def handle_error(self, *_: Any) -> None:
        """Write nothing when a client has gone away."""


def succeed(handler: Handler, texts: list[str]) -> None:
    items = [{"object": "embedding", "index": n, "embedding": embed(text)} for n, text in enumerate(texts)]
    # The order of the answer does not matter.
    handler.send(200, json.dumps({"object": "list", "data": items[::-1], "usage": {}}).encode())


def fail(status: int, body: Any = None, **headers: str) -> Answer:
    content = b"" if body is None else json.dumps(body).encode()
    return lambda handler, _: handler.send(status, content, **headers)


def say(content: Any) -> Answer:
    text = content if isinstance(content, bytes) else json.dumps(content).encode()
    return lambda handler, _: handler.send(200, text)


def hang_up(handler: Handler, _: list[str]) -> None:
    handler.close_connection = True
    handler.connection.close()


def break_off(handler: Handler, _: list[str]) -> None:
    handler.send(200, b'{"data": [', Content_Length="999")
    handler.close_connection = True


def wait(handler: Handler, _: list[str]) -> None:
    handler.server.given_up.wait()
    handler.close_connection = True


def trickle(handler: Handler, _: list[str]) -> None:
    handler.send(200, b"", Content_Length="1000000")
    while not handler.server.given_up.wait(0.01):
        handler.wfile.write(b" ")
    handler.close_connection = True


@pytest.fixture
def server() -> Iterator[Server]:
    with ExitStack() as open_, Server() as made:
        thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        open_.callback(thread.join)
        open_.callback(made.shutdown)
        open_.callback(made.given_up.set)
        yield made


def test_a_service_embeds_texts_and_queries(server: Server) -> None:
    model = server.model()
    found = model.embed_texts(["ship", "", "ship quay", "quay"])
    half = np.sqrt(0.5)
    expected = [[1, 0, 0], [0, 0, 0], [half, half, 0], [0, 1, 0]]
    assert found == pytest.approx(np.array(expected), abs=1e-6)
    assert model.embed_query("ship", 60) == pytest.approx(np.array([[1, 0, 0]]))
    assert (model.dimensions, len(server.requests)) == (3, 2)
    path, headers, body = server.requests[0]
    assert (path, headers["Authorization"]) == ("/v1/embeddings", f"Bearer {KEY}")
    assert body == {"model": "minilm", "input": ["ship", "ship quay", "quay"]}


def test_without_a_key_none_is_sent(server: Server) -> None:
    server.model("").embed_texts(["ship"])
    assert "Authorization" not in server.requests[0][1]


def test_texts_are_sent_in_batches(server: Server) -> None:
    found = server.model().embed_texts([f"ship {'quay ' * (number % 3)}" for number in range(70)])
    assert [len(body["input"]) for _, _, body in server.requests] == [32, 32, 6]
    assert found[:, 1] == pytest.approx(np.resize([0, np.sqrt(1 / 2), np.sqrt(4 / 5)], 70), abs=1e-6)


def test_lone_surrogates_and_control_characters_are_sent_as_text(server: Server) -> None:
    server.model().embed_texts(["ship \ud800 \0 \x1f"])
    assert server.requests[0][2]["input"] == ["ship \ufffd \0"]


@pytest.mark.parametrize("answer", [fail(429), fail(500), fail(503), hang_up, break_off])
def test_a_failure_that_may_pass_is_tried_again(answer: Answer, server: Server) -> None:
    server.answers = [answer] * 3
    assert server.model().embed_texts(["ship"]).any()
    assert server.pauses == [0.1, 0.2, 0.4]


def test_a_service_says_how_long_to_wait(server: Server) -> None:
    server.answers = [fail(429, Retry_After="7"), fail(503, Retry_After="Wed, 21 Oct 2015 07:28:00 GMT")]
    assert server.model().embed_texts(["ship"]).any()
    assert server.pauses == [7, 0.2]


def test_a_service_cannot_make_a_query_wait(server: Server) -> None:
    server.answers = [fail(429, {"error": {"message": "slow\ndown"}}, Retry_After="999999")]
    with pytest.raises(ModelFailed, match=r"is overloaded, or its quota is used up \(slow down\): try again"):
        server.model().embed_query("ship", 5)
    assert server.pauses == []


@pytest.mark.parametrize("answer", [wait, trickle])
def test_a_query_gets_no_answer_later_than_asked_for(answer: Answer, server: Server) -> None:
    server.answers = [answer] * 99
    model = server.model()
    with pytest.raises(ModelFailed, match=r"(has not answered within 0\.05 s|does not answer in time)"):
        model.embed_query("ship", 0.05)


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (
            fail(401, {"error": {"message": f"Incorrect key: {KEY}"}}),
            "refuses the key, or that there is none",
        ),
        (fail(403), r"refuses the key, .* \(status 403\): set NUTGRAF_MODEL_KEY"),
        (fail(404, {"error": "no such model"}), r"is not there \(no such model\): check the address and the"),
        (fail(405, {"detail": "no such method"}), r"refuses a request \(no such method\): check the address"),
        (say(b"<html>"), "answers with no list of embeddings: check the address"),
        (say(b"[" * 100_000), "answers with no list of embeddings"),
        (say(b"\xff"), "answers with no list of embeddings"),
        (say({"data": "ship"}), "answers with no list of embeddings"),
        (say({"data": [{"embedding": ["a"]}]}), "answers with no list of embeddings"),
        (say(b'{"data": [{"embedding": [NaN]}]}'), "answers with no list of embeddings"),
        (say({"data": [{"embedding": [1e300]}]}), "answers with numbers that are not finite"),
        (say({"data": []}), "answers with other embeddings than those of 1 texts"),
        (say({"data": [{"embedding": [1]}] * 2}), "answers with other embeddings than those of 1 texts"),
        (say({"data": [{"embedding": [1], "index": 1}]}), "answers with other embeddings than those of 1"),
        (say({"data": [{"embedding": [], "index": 0}]}), "answers with vectors of several lengths"),
    ],
)
def test_an_answer_that_cannot_be_used_is_an_error_without_the_key(
    answer: Answer, problem: str, server: Server
) -> None:
    server.answers = [answer]
    model = server.model()
    with pytest.raises(ModelFailed, match=problem) as caught:
        model.embed_texts(["ship"])
    assert str(caught.value).startswith(f"the model minilm at {server.address} ")
    assert KEY not in f"{caught.value!r} {caught.value} {model!r} {model}"


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (400, {"error": {"message": f"{KEY} has sent 700 tokens"}}, "… has sent 700 tokens"),
        (413, {"error": "must have less than 512 tokens"}, "must have less than 512 tokens"),
        (413, None, "status 413"),
        (422, [1], "status 422"),
        (422, {"detail": "x" * 1000}, "x" * 200),
    ],
)
def test_a_text_that_the_service_refuses_is_an_error_of_its_own_and_not_sent_again(
    status: int, body: Any, said: str, server: Server
) -> None:
    server.answers = [fail(status, body)]
    model = server.model()
    with pytest.raises(TextRefused) as caught:
        model.embed_texts(["ship " * 20])
    assert str(caught.value) == (
        f"the model minilm at {server.address} refuses a text of 99 characters ({said}): "
        "give a model that reads longer texts, or check its name"
    )
    assert KEY not in repr(caught.value)
    assert (len(server.requests), server.pauses) == (1, [])
    assert model.embed_texts(["ship"]).any()


def test_a_batch_that_the_service_refuses_is_sent_once(server: Server) -> None:
    server.answers = [fail(413)]
    with pytest.raises(TextRefused, match=r"refuses 3 texts of up to 9 characters \(status 413\)"):
        server.model().embed_texts(["ship", "ship quay", "quay"])
    assert len(server.requests) == 1


def test_a_query_that_the_service_refuses_is_an_error_of_its_own(server: Server) -> None:
    server.answers = [fail(400)]
    model = server.model()
    with pytest.raises(TextRefused, match="refuses a text of 4 characters"):
        model.embed_query("ship", 60)
    assert model.embed_query("ship", 60).any()


def test_a_service_that_refuses_even_the_shortest_text_fails(server: Server) -> None:
    server.answers = [fail(400, {"error": "unknown model"})] * 2
    model = server.model()
    with pytest.raises(TextRefused):
        model.embed_texts(["ship"])
    with pytest.raises(ModelFailed, match=r"\(unknown model\): check the address and the name") as caught:
        assert model.dimensions
    assert type(caught.value) is ModelFailed


def test_vectors_of_several_lengths_are_an_error(server: Server) -> None:
    server.answers = [say({"data": [{"embedding": [1, 2]}, {"embedding": [1]}]})]
    with pytest.raises(ModelFailed, match="vectors of several lengths"):
        server.model().embed_texts(["ship", "quay"])
    server.answers = [succeed, say({"data": [{"embedding": [1.0]}]})]
    with pytest.raises(ModelFailed, match="vectors of several lengths"):
        server.model().embed_texts(["ship"] * 33)


def test_a_service_whose_model_was_replaced_is_an_error(server: Server) -> None:
    model = server.model()
    model.embed_texts(["ship"])
    server.answers = [say({"data": [{"embedding": [1.0]}]})]
    with pytest.raises(ModelFailed, match="gives 1 numbers a text, and gave 3 before: start again"):
        model.embed_texts(["ship"])


def test_an_answer_without_numbers_is_in_the_order_of_the_texts(server: Server) -> None:
    server.answers = [say({"data": [{"embedding": [1, 0]}, {"embedding": [0, 1]}]})]
    assert server.model().embed_texts(["a", "b"]) == pytest.approx(np.eye(2))


def test_an_answer_of_any_size_is_not_read(server: Server) -> None:
    server.answers = [lambda handler, _: handler.send(200, b" " * (65 << 20))]
    with pytest.raises(ModelFailed, match="answers with more than 64 MB"):
        server.model().embed_texts(["ship"])


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_another_host_gets_neither_the_key_nor_the_text(status: int, server: Server) -> None:
    server.answers = [fail(status, Location=f"http://localhost:{server.server_port}/v1/embeddings")]
    with pytest.raises(ModelFailed, match=rf"has another address \(status {status}\): give the address"):
        server.model().embed_texts(["ship"])
    assert len(server.requests) == 1


def test_a_proxy_gets_no_text_for_a_service_on_this_machine(server: Server) -> None:
    with Server() as proxy:
        thread = threading.Thread(target=proxy.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            environment = {name: value for name, value in os.environ.items() if name.lower() != "no_proxy"}
            environment |= dict.fromkeys(("http_proxy", "all_proxy"), f"http://127.0.0.1:{proxy.server_port}")
            script = (
                "import sys; from indexer.vectors import open_model\n"
                "for address in sys.argv[1:]: open_model(address).embed_texts(['ship'])"
            )
            local = [f"http://{host}:{server.server_port}/v1#minilm" for host in ("127.0.0.1", "LOCALHOST")]
            command = [sys.executable, "-c", script, *local, "http://models.invalid/v1#minilm"]
            subprocess.run(command, env=environment, cwd=ROOT, check=True)
        finally:
            proxy.shutdown()
            thread.join()
    assert [path for path, _, _ in proxy.requests] == ["http://models.invalid/v1/embeddings"]
    assert [path for path, _, _ in server.requests] == ["/v1/embeddings"] * 2


def test_a_service_that_is_down_is_an_error(server: Server) -> None:
    model = server.model()
    server.server_close()
    with pytest.raises(
        ModelFailed, match=r"cannot be reached \(Connection refused\): check that the service"
    ):
        model.embed_query("ship", 0.3)
    server.pauses.clear()
    with pytest.raises(ModelFailed, match="cannot be reached"):
        model.embed_texts(["ship"])
    # Not for as long as an answer is waited for.
    assert 3 < sum(server.pauses) < 5


@pytest.mark.parametrize(
    ("address", "key", "problem"),
    [
        ("https://", "", "model: has no valid host and port; an example is https://models.example/v1#name"),
        ("https://models.example:99999/v1#a", "", "model: has no valid host and port"),
        ("https://models.example:x/v1#a", "", "model: has no valid host and port"),
        ("https://models.example/v1 #a", "", "model: has no valid host and port"),
        ("https://models.example/v1\n#a", "", "model: has no valid host and port"),
        ("https://models.example/v1", "", "model: must end with # and the name of the model"),
        ("https://models.example/v1#", "", "model: must end with # and the name of the model"),
        ("https://models.example/v1#a%0Ab", "", "model: must end with # and the name of the model"),
        ("https://models.example/v1?a=b#a", "", "model: must end with # and the name of the model, without"),
        (f"https://user:{KEY}@models.example/v1#a", "", "model: has a user or a password"),
        (f"https://{KEY}@models.example/v1#a", "", "model: has a user or a password"),
        ("https://models.example/v1#a", f"{KEY}\r\nX: y", "model_key: has characters that a key cannot have"),
        ("https://models.example/v1#a", f"{KEY}é", "model_key: has characters that a key cannot have"),
        ("http://models.example/v1#a", KEY, "model: must begin with https://, unless the service is on this"),
        ("http://127.0.0.1.example/v1#a", KEY, "model: must begin with https://"),
    ],
)
def test_an_invalid_address_is_an_error_of_the_option(address: str, key: str, problem: str) -> None:
    with pytest.raises(ConfigError) as caught:
        open_model(address, key)
    assert str(caught.value).startswith(problem)
    assert KEY not in str(caught.value)


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("http://models.example:8080/v1#a", ""),
        ("http://localhost:8080/v1#a", KEY),
        ("http://127.0.0.1/v1#a", KEY),
        ("http://[::1]:8080#a", KEY),
        ("HTTPS://models.example/v1/#owner/name", KEY),
    ],
)
def test_a_service_on_this_machine_or_without_a_key_needs_no_encryption(address: str, key: str) -> None:
    assert KEY not in repr(open_model(address, key))


def test_an_address_that_means_the_same_has_the_same_fingerprint() -> None:
    addresses = ("https://Models.example/v1#owner/a", "HTTPS://models.example/v1/#owner%2Fa")
    assert len({open_model(address).fingerprint for address in addresses}) == 1

"""What every answer carries and what no request can get: headers, origins, tags, limits, paths, redirects."""

from __future__ import annotations

import contextlib
import io
import json
import re
import shutil
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient

import webui
from indexer import Article, Index, open_index
from tests.fixtures.archives import ARTICLES, archive, client, create_app
from tests.fixtures.routes import ELSEWHERE, PROBLEM, ROUTES, TRAVERSALS, site
from tests.fixtures.serving import start_site
from webui.security import MAX_ADDRESS, MAX_BODY, MAX_HEADERS, MAX_PARAMETERS
from webui.server import AccessLog

KEPT = [path for path, status, media in ROUTES if path.startswith("/api/s") and status == 200]


def test_every_route_is_in_the_table() -> None:
    app = webui.create_app(archive(*ARTICLES))
    reached = set()
    for path, _, _ in ROUTES:
        adapter = app.create_url_adapter(app.test_request_context(path).request)
        assert adapter is not None
        with contextlib.suppress(Exception):
            reached.add(adapter.match()[0])
    assert reached == {rule.endpoint for rule in app.url_map.iter_rules()}


def test_frames_are_allowed_to_those_that_are_named() -> None:
    policy = (
        site(frame_ancestors=["self", "https://news.example"]).get("/").headers["Content-Security-Policy"]
    )
    assert policy.endswith("frame-ancestors 'self' https://news.example")


@pytest.mark.parametrize("path", [*KEPT, "/api/articles/silk/1", "/api/openapi.json"])
def test_a_client_that_has_the_answer_is_told_so(path: str) -> None:
    first = client().get(path)
    tag = first.headers["ETag"]
    assert tag.startswith('W/"')
    assert first.headers["Cache-Control"] == "private, no-cache"
    assert client().get(path).headers["ETag"] == tag
    for known in (tag, tag.removeprefix("W/"), f'"other", {tag}'):
        again = client().get(path, headers={"If-None-Match": known})
        assert (again.status_code, again.data, again.headers["ETag"]) == (304, b"", tag)
    assert client().get(path, headers={"If-None-Match": '"other"'}).status_code == 200


def test_a_tag_is_of_one_commit_one_question_and_one_form(tmp_path: Path) -> None:
    with open_index(tmp_path / "index") as index:
        index.put([Article(id="a", title="Silk")])
        app = webui.create_app(index).test_client()
        tags = [
            app.get(path, headers={"Accept": accept}).headers["ETag"]
            for path in ("/api/search?q=silk", "/api/search?q=road", "/api/timeline?q=silk")
            for accept in ("*/*", "text/csv")
        ]
        index.put([Article(id="b", title="Silk")])
        changed = app.get("/api/search?q=silk", headers={"If-None-Match": tags[0]})
        assert (changed.status_code, changed.get_json()["total"]) == (200, 2)
        tags.append(changed.headers["ETag"])
        index.rebuild()
        tags.append(app.get("/api/search?q=silk").headers["ETag"])
        assert len(set(tags)) == len(tags)


def test_a_tag_is_of_one_index_though_another_takes_its_place(tmp_path: Path) -> None:
    tags = []
    for title in ("One silk", "Another silk"):
        with open_index(tmp_path / "index") as index:
            index.put([Article(id="a", title=title)])
            tags.append(webui.create_app(index).test_client().get("/api/search?q=silk").headers["ETag"])
        shutil.rmtree(tmp_path / "index")
    assert len(set(tags)) == 2


def test_a_star_stands_for_any_answer_but_for_no_refusal() -> None:
    star = {"If-None-Match": "*"}
    assert client().get("/api/search?q=silk", headers=star).status_code == 304
    assert client().get("/api/openapi.json", headers=star).status_code == 304
    assert client().get("/api/articles/nobody", headers=star).status_code == 404


@pytest.mark.parametrize(
    "path",
    ["/api/search?q=silk", "/api/search?q=silk&format=atom", "/api/timeline?q=silk", "/api/suggest?q=sil",
     "/api/search?q=silk&format=csv", "/api/similar/silk/1", "/api/articles/silk/1?q=road", "/?q=silk"],
)  # fmt: skip
def test_an_answer_that_was_cut_by_time_is_kept_by_nobody(path: str) -> None:
    config = archive(*ARTICLES).config
    with Index(config.with_options({"query_seconds": 1e-300}, "test")) as hasty:
        site = create_app(hasty).test_client()
        for known in ({}, {"If-None-Match": "*"}):
            answer = site.get(path, headers=known)
            assert answer.status_code in (200, 503)
            assert answer.headers["Cache-Control"] == "no-store"
            assert "ETag" not in answer.headers


def test_a_page_says_that_similar_articles_were_not_looked_for_to_the_end() -> None:
    assert "so some may be missing" in site(query_seconds=1e-9).get("/a/silk/1").text
    assert "so some may be missing" not in client().get("/a/silk/1").text


@pytest.mark.parametrize(("path", "status", "media"), ROUTES)
def test_every_route_answers_head_and_options_as_get(path: str, status: int, media: str) -> None:
    found: list[dict[str, str]] = []
    for method in ("GET", "HEAD"):
        with client().open(path, method=method) as response:
            found.append(dict(response.headers))
            assert (response.status_code, response.mimetype) == (status, media)
            assert method == "GET" or not response.data
            # The second at which it was asked for, where that is told.
            found[-1] |= {"Date": "now"} if "Date" in found[-1] else {}
            # Digits of how long it took, and in how many bytes that is said.
            if media == "application/json" or path == "/metrics" or path.startswith("/?q"):
                found[-1].pop("Content-Length")
    assert found[0] == found[1]
    asked = client().options(path)
    if not path.endswith("/nowhere") or "static" in path:
        assert (asked.status_code, asked.data) == (200, b"")
        assert set(asked.headers["Allow"].split(", ")) == {"GET", "HEAD", "OPTIONS"}


@pytest.mark.parametrize(
    ("configured", "origin", "allowed"),
    [
        ((), "https://news.example", None),
        (("https://news.example",), "https://news.example", "https://news.example"),
        (("https://news.example",), "https://news.example.evil.example", None),
        (("https://news.example",), "https://evil.news.example", None),
        (("https://news.example",), "http://news.example", None),
        (("https://news.example",), "https://news.example:8443", None),
        (("https://news.example",), "null", None),
        (("https://news.example",), "", None),
        (("https://a.example", "http://localhost:3000"), "http://localhost:3000", "http://localhost:3000"),
        (("*",), "https://anyone.example", "*"),
        (("*",), "", "*"),
    ],
)
def test_scripts_of_other_origins_read_the_api_only_where_it_is_configured(
    configured: tuple[str, ...], origin: str, allowed: str | None
) -> None:
    guest = site(cors_origins=configured)
    headers = {"Origin": origin} if origin else {}
    asked = {**headers, "Access-Control-Request-Method": "GET"}
    for path in ("/api/search?q=silk", "/api/search?limit=x", "/api/nowhere", "/api/status"):
        plain, before = guest.get(path, headers=headers), guest.options(path, headers=asked)
        assert plain.headers.get("Access-Control-Allow-Origin") == allowed
        assert before.headers.get("Access-Control-Allow-Origin") == allowed
        assert "Access-Control-Allow-Credentials" not in plain.headers
        assert ("Origin" in plain.headers.get("Vary", "")) == bool(configured and configured != ("*",))
        if origin and allowed and path != "/api/nowhere":
            assert before.status_code == 200
            assert before.headers["Access-Control-Allow-Methods"] == "GET, HEAD, OPTIONS"
            assert "If-None-Match" in before.headers["Access-Control-Allow-Headers"]
    with guest.get("/static/nutgraf/nutgraf-search.js", headers=headers) as script:
        assert script.headers.get("Access-Control-Allow-Origin") == allowed
    for path in ("/", "/?q=silk", "/a/silk/1", "/metrics", "/static/nutgraf/nowhere.js"):
        with guest.get(path, headers=headers) as page:
            assert "Access-Control-Allow-Origin" not in page.headers


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "TRACE"])
@pytest.mark.parametrize("path", ["/api/search", "/api/articles/x", "/api/openapi.json"])
def test_the_api_is_only_for_reading(method: str, path: str) -> None:
    guest = Flask("host")
    webui.init_app(guest, archive(*ARTICLES), url_prefix="/find")
    for found in (
        client().open(path, method=method),
        guest.test_client().open(f"/find{path}", method=method),
    ):
        assert (found.status_code, found.mimetype) == (405, PROBLEM)
        assert found.headers["Allow"] == "GET, HEAD, OPTIONS"
    assert client().options(path).headers["Allow"] == "GET, HEAD, OPTIONS"


@pytest.mark.parametrize("path", ["/api", "/api/", "/api/search", "/api/nowhere"])
def test_a_method_that_nobody_knows_is_refused_with_those_that_there_are(path: str) -> None:
    found = client().open(path, method="FETCH")
    assert found.status_code == 405
    assert set(found.headers["Allow"].split(", ")) == {"GET", "HEAD", "OPTIONS"}


def test_inside_another_application_what_is_not_there_is_a_problem_too() -> None:
    guest = Flask("host")
    webui.init_app(guest, archive(*ARTICLES), url_prefix="/find")
    for path in ("/find/api/nowhere", "/find/api/search/x"):
        found = guest.test_client().get(path)
        assert (found.status_code, found.mimetype) == (404, PROBLEM)


@pytest.mark.parametrize(("path", "media"), [("/", "text/html"), ("/api/search", PROBLEM)])
def test_a_request_that_is_too_large_is_refused(path: str, media: str) -> None:
    for request, status in (
        ({"query_string": "q=" + "x" * MAX_ADDRESS}, 414),
        ({"query_string": "&".join(["source=x"] * (MAX_PARAMETERS + 1))}, 400),
        ({"query_string": "q=" + "x" * 4_001}, 400),
        ({"data": b"x" * (MAX_BODY + 1)}, 413),
        ({"headers": {f"X-{n}": "x" for n in range(MAX_HEADERS)}}, 431),
    ):
        response = client().get(path, **request)
        assert (response.status_code, response.mimetype) == (status, media)
    assert client().get("/?q=x&page=99999").status_code == 400
    assert client().get("/api/search?q=x&offset=10001").status_code == 400


@pytest.mark.parametrize(
    ("trusted", "host", "status"),
    [
        ([], "anything.example", 200),
        (["news.example"], "news.example", 200),
        (["news.example"], "NEWS.example:8080", 200),
        (["news.example"], "news.example.", 200),
        (["news.example"], "evil.example", 421),
        (["news.example"], "a.news.example", 421),
        ([".news.example"], "a.news.example", 200),
        ([".news.example"], "evilnews.example", 421),
        (["[::1]"], "[::1]:8765", 200),
        (["news.example"], "", 421),
        (["news.example"], "news.example@evil.example", 421),
    ],
)
def test_a_request_to_another_host_is_turned_away(trusted: list[str], host: str, status: int) -> None:
    guest = site(trusted_hosts=trusted)
    for path in ("/", "/api/search?q=silk", "/opensearch.xml"):
        response = guest.get(path, headers={"Host": host})
        assert response.status_code == status
        assert status == 200 or "evil" not in response.text


def raw(guest: FlaskClient, path: str) -> tuple[int, str, bytes]:
    """The status, Location and body for a path as it stands, undecoded by the client."""
    from urllib.parse import unquote_to_bytes

    decoded = unquote_to_bytes(path.partition("?")[0]).decode("latin-1")
    with guest.get("/", environ_overrides={"PATH_INFO": decoded, "RAW_URI": path}) as response:
        return response.status_code, response.headers.get("Location", ""), response.data


def test_no_path_reaches_the_file_system() -> None:
    guest, secrets = client(), (b"root:", b"[project]", b"def search")
    assert len(TRAVERSALS) >= 300
    for path in TRAVERSALS:
        status, location, body = raw(guest, path)
        assert status in (301, 308, 400, 404), path
        assert not any(secret in body for secret in secrets), path
        assert not location or re.match(r"/(?![/\\])", location), (path, location)


def test_no_redirect_leads_elsewhere() -> None:
    guest = client()
    for path in [*ELSEWHERE, "/api", "//api", "/static//nutgraf/nutgraf.css", "/a"]:
        status, location, _ = raw(guest, path)
        assert status < 500, path
        assert not location or re.match(r"/(?![/\\])", location), (path, location)
        assert not any(control in location for control in "\r\n\t\\"), (path, location)
    with guest.get("//api", headers={"Host": "evil.example"}) as response:
        assert b"evil" not in response.data


def test_the_server_itself_hands_no_file_out_and_leads_nowhere_else() -> None:
    index = archive(*ARTICLES).config.index
    with start_site(index=index, env={"NUTGRAF_TRUSTED_HOSTS": "evil.example"}) as server:
        for path in [*TRAVERSALS[::7], *ELSEWHERE[::5]]:
            with server.connect() as connection:
                connection.putrequest("GET", quote(path, safe="/%:;@\\"), skip_host=True)
                connection.putheader("Host", "evil.example")
                connection.endheaders()
                response = connection.getresponse()
                body = response.read()
            # The host is one that is answered to: what is refused is the path.
            assert response.status in (200, 301, 308, 400, 404), path
            assert b"root:" not in body
            assert "evil.example" not in urlsplit(response.headers.get("Location", "")).netloc


def told(app: Any, environ: dict[str, str], *, queries: bool) -> dict[str, Any]:
    stream = io.StringIO()
    journal = AccessLog(app, stream, queries=queries)
    answer = journal(environ, lambda status, headers, error=None: lambda data: None)
    assert b"".join(answer) == b"abc"
    answer.close()  # type: ignore[attr-defined]
    (line,) = stream.getvalue().splitlines()
    assert line.isascii()
    assert line.isprintable()
    found: dict[str, Any] = json.loads(line)
    return found


def answer_abc(environ: Any, start: Any) -> list[bytes]:
    start("200 OK", [])
    return [b"a", b"bc"]


def test_the_log_has_what_was_asked_only_if_that_is_wanted() -> None:
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/a/secret/id", "QUERY_STRING": "q=secret"}
    line = told(answer_abc, environ, queries=False)
    assert set(line) == {"time", "method", "path", "status", "bytes", "ms"}
    assert (line["method"], line["path"], line["status"], line["bytes"]) == ("GET", "/a/…", 200, 3)
    line = told(answer_abc, environ, queries=True)
    assert (line["path"], line["query"]) == ("/a/secret/id", "q=secret")
    for path in ("/api/articles/secret/a/b", "/find/api/similar/secret/articles/b", "/a/secret/articles/b"):
        told_path = told(answer_abc, {"REQUEST_METHOD": "GET", "PATH_INFO": path}, queries=False)["path"]
        assert told_path == path.partition("secret")[0] + "…"


@pytest.mark.parametrize(
    "text", ["\n{}", "\r\n", "\x1b[2J", "\x7f", "\x00", "\x85", "\u2028", '"', "x" * 9_000]
)
def test_no_request_writes_into_the_log_but_its_line(text: str) -> None:
    raw_text = text.encode().decode("latin-1")
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": f"/{raw_text}", "QUERY_STRING": raw_text}
    line = told(answer_abc, environ, queries=True)
    assert line["path"] == f"/{text}"[:500]

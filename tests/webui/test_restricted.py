"""Requests to a site that shows only some of the articles of its index.

The site of an index that `restrict` restricts answers byte for byte as that of an index without the hidden
articles, but for what `_COMMIT` names: how long a search took, the cursor, and of the commit its time, its
number, and the size and the folder of the index.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from bs4 import BeautifulSoup
from flask import Flask, abort, request
from flask.testing import FlaskClient

import webui
from indexer import Article, ConfigError, Index, open_index
from tests.fixtures.folders import Archive, Meanwhile
from tests.fixtures.restricted import OPEN, SECRET, SHARED, VISIBLE, Pair, make_pair

_COMMIT = re.compile(
    r'"took_ms":[\d.]+|\b[\d.,]+\sms\b|cursor(":"|=)[\w%-]+|<updated>[^<]+|"(path|committed)":"[^"]*"|"size":\d+'
    r"|nutgraf_index_(bytes|commit).*|nutgraf_search_seconds.*"
)


def restricted_site(index: Index, restrict: Callable[[], Any] | None) -> FlaskClient:
    app = Flask("host")
    webui.init_app(app, index, restrict=restrict)
    return app.test_client()


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    with make_pair(tmp_path_factory.mktemp("pair"), 7) as made:
        yield made


@pytest.fixture(scope="module")
def sites(pair: Pair) -> tuple[FlaskClient, FlaskClient]:
    """The site of an index that is restricted, and that of an index with the visible articles alone."""
    return restricted_site(pair.whole, lambda: VISIBLE), restricted_site(pair.alone, None)


def assert_alike(sites: tuple[FlaskClient, FlaskClient], path: str) -> str:
    answers = [site.get(f"/search{path}") for site in sites]
    texts = [_COMMIT.sub("", answer.text) for answer in answers]
    assert texts[0] == texts[1], path
    assert answers[0].status == answers[1].status, path
    assert answers[0].content_type == answers[1].content_type, path
    assert answers[0].location == answers[1].location, path
    return answers[0].text


QUERIES = [
    *["", *SHARED[:6], *OPEN[:4], *SECRET],
    *["zep*", "harb~", '"the river"', "id:secret*", "harbur crane", "*"],
]
FORMS = [
    "/?{}", "/?{}&explain=1&sort=newest", "/?{}&author=noor&filter=tag:sea",
    "/api/search?{}&facet=source&facet=language&facet=author&explain=true",
    "/api/search?{}&format=csv", "/api/search?{}&format=jsonl", "/api/search?{}&format=atom",
    "/api/suggest?{}", "/api/suggest?{}&format=opensearch", "/api/timeline?{}",
]  # fmt: skip


@pytest.mark.parametrize("every", [3, pytest.param(1, marks=pytest.mark.slow)], ids=["some", "all"])
@pytest.mark.parametrize("form", FORMS)
def test_every_search_is_answered_alike(
    sites: tuple[FlaskClient, FlaskClient], form: str, every: int
) -> None:
    for query in QUERIES[::every]:
        assert_alike(sites, form.format(urlencode({"q": query})))


@pytest.mark.parametrize("form", ["/a/{}?q=harbour", "/a/{}/cite.bib", "/api/articles/{}", "/api/similar/{}"])
def test_an_article_is_answered_alike_and_a_hidden_one_as_a_missing_one(
    pair: Pair, sites: tuple[FlaskClient, FlaskClient], form: str
) -> None:
    missing = sites[0].get(f"/search{form.format('nobody')}")
    assert missing.status_code == 404
    for name in [*pair.visible, *pair.hidden, "r1", "same", "secret-record"]:
        assert_alike(sites, form.format(quote(name)))
    for name in pair.hidden:
        answer = sites[0].get(f"/search{form.format(quote(name))}")
        assert answer.status_code == 404
        assert answer.text == missing.text.replace("nobody", name)
        headers = [dict(one.headers) | {"Content-Length": ""} for one in (answer, missing)]
        assert headers[0] == headers[1]


@pytest.mark.parametrize("path", ["/", "/?lang=ar", "/api/status", "/opensearch.xml", "/api/", "/guide/"])
def test_every_other_page_is_answered_alike(sites: tuple[FlaskClient, FlaskClient], path: str) -> None:
    assert_alike(sites, path)


def test_metrics_count_visible_articles(sites: tuple[FlaskClient, FlaskClient], pair: Pair) -> None:
    lines = sites[0].get("/search/metrics").text.splitlines()
    assert f'nutgraf_index_articles{{mount="nutgraf"}} {pair.alone.get_status().articles}.0' in lines
    assert 'nutgraf_index_bytes{mount="nutgraf"} 0.0' in lines


ARTICLES = [
    Article(f"{source}/{number}", title=f"Heron {number}", paragraphs=["A museum."], source=source)
    for source in ("news", "desk")
    for number in range(3)
]


def restrict_to_role() -> dict[str, str] | None:
    """The filters for the role in a header: none for an editor; a request without a role is aborted."""
    role = request.headers.get("X-Role")
    if role is None:
        abort(401, "Log in first.")
    return None if role == "editor" else {"source": role}


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    with open_index(tmp_path_factory.mktemp("index") / "index") as made:
        made.put(ARTICLES)
        yield made


@pytest.fixture
def site(index: Index) -> FlaskClient:
    return restricted_site(index, restrict_to_role)


@pytest.mark.parametrize(("role", "total"), [("news", 3), ("desk", 3), ("editor", 6), ("nobody", 0)])
def test_each_request_is_restricted_by_itself(site: FlaskClient, role: str, total: int) -> None:
    for _ in range(2):
        assert site.get("/search/api/search?q=museum", headers={"X-Role": role}).json["total"] == total  # type: ignore[index]
        for other in ("news", "desk"):
            answer = site.get(f"/search/a/{other}/0", headers={"X-Role": role})
            assert answer.status_code == (200 if role in (other, "editor") else 404)


def test_requests_in_one_context_of_the_application_are_restricted_apart(site: FlaskClient) -> None:
    with site.application.app_context():
        for role, total in (("editor", 6), ("news", 3)):
            answer = site.get("/search/api/search?q=museum", headers={"X-Role": role})
            assert answer.json is not None
            assert answer.json["total"] == total


@pytest.mark.parametrize(
    "path", ["/", "/?q=museum", "/api/search?q=museum", "/a/news/0", "/api/status", "/metrics"]
)
def test_a_restriction_may_abort_the_request(site: FlaskClient, path: str) -> None:
    answer = site.get(f"/search{path}")
    assert answer.status_code == 401
    assert "Log in first." in answer.text
    assert "Heron" not in answer.text


@pytest.mark.parametrize(
    "path", ["/healthz", "/readyz", "/static/nutgraf/nutgraf.css", "/guide/", "/api/openapi.json"]
)
def test_what_tells_of_no_article_is_not_restricted(site: FlaskClient, path: str) -> None:
    with site.get(f"/search{path}") as answer:
        assert answer.status_code == 200


PRIVATE = [
    "/", "/?q=museum", "/a/news/0", "/a/desk/0", "/a/news/0/cite.bib", "/api/search?q=museum",
    "/api/search?q=museum&format=csv", "/api/search?q=museum&format=atom", "/api/suggest?q=mus",
    "/api/timeline?q=museum", "/api/articles/news/0", "/api/articles/desk/0", "/api/similar/news/0",
    "/api/status", "/opensearch.xml", "/guide/",
]  # fmt: skip


@pytest.mark.parametrize("path", PRIVATE)
def test_no_shared_cache_may_store_an_answer(site: FlaskClient, path: str) -> None:
    for role in ("news", "editor"):
        answer = site.get(f"/search{path}", headers={"X-Role": role})
        assert answer.headers["Cache-Control"] in ("private, no-cache", "no-store")


def test_static_files_may_be_stored(site: FlaskClient) -> None:
    page = BeautifulSoup(site.get("/search/", headers={"X-Role": "news"}).text, "html.parser")
    with site.get(str(page.select("link[rel=stylesheet]")[0]["href"])) as answer:
        assert answer.cache_control.public


@pytest.mark.parametrize(
    "path", ["/api/search?q=museum", "/api/status", "/api/suggest?q=mus", "/api/articles/news/0"]
)
def test_an_etag_is_of_one_restriction(site: FlaskClient, path: str) -> None:
    tags = {}
    for role in ("news", "desk", "editor"):
        answer = site.get(f"/search{path}", headers={"X-Role": role})
        tags[role] = answer.headers.get("ETag")
    assert tags["news"]
    for role in tags:
        answer = site.get(f"/search{path}", headers={"X-Role": role, "If-None-Match": str(tags["news"])})
        assert (answer.status_code == 304) == (role == "news")


def test_a_cursor_is_of_one_restriction_over_http(site: FlaskClient) -> None:
    first = site.get("/search/api/search?q=museum&limit=2", headers={"X-Role": "news"}).json
    assert first is not None
    path = f"/search/api/search?q=museum&limit=2&cursor={first['cursor']}"
    statuses = [site.get(path, headers={"X-Role": role}).status_code for role in ("news", "desk", "editor")]
    assert statuses == [200, 400, 400]


@pytest.mark.parametrize(
    "filters", [{"sources": "news"}, {"source": None}, ["news"], "news", {"filter": "museum"}]
)
def test_invalid_filters_are_a_failure_of_the_application_which_is_logged(
    index: Index, filters: Any, caplog: pytest.LogCaptureFixture
) -> None:
    site = restricted_site(index, lambda: filters)
    for path in ("/", "/?q=museum", "/api/search?q=museum", "/api/status"):
        caplog.clear()
        answer = site.get(f"/search{path}")
        assert answer.status_code == 500
        assert "Heron" not in answer.text
        assert "restrict() returned filters that are not valid" in caplog.text


def test_a_restriction_that_cannot_be_called_is_refused(index: Index) -> None:
    with pytest.raises(ConfigError, match="restrict must be a function"):
        webui.init_app(Flask("host"), index, restrict={"source": "news"})  # type: ignore[arg-type]


def test_a_restriction_is_asked_for_once_in_a_request(index: Index) -> None:
    asked = []

    def restrict() -> dict[str, str]:
        asked.append(request.path)
        return {"source": "news"}

    site = restricted_site(index, restrict)
    for path in ("/search/", "/search/a/news/0?q=museum", "/search/api/search?q=museum&format=csv"):
        site.get(path)
    assert asked == ["/search/", "/search/a/news/0", "/search/api/search"]


def test_two_mounts_in_one_application_are_restricted_apart(index: Index) -> None:
    app = Flask("host")
    for role in ("news", "desk"):
        webui.init_app(app, index, f"/{role}", name=role, restrict=lambda role=role: {"source": role})  # type: ignore[misc]
    site = app.test_client()
    for path, status in (("/news/a/news/0", 200), ("/news/a/desk/0", 404), ("/desk/a/desk/0", 200)):
        assert site.get(path).status_code == status


def test_how_far_a_first_build_is_stays_hidden(archive: Archive) -> None:
    answers: list[tuple[int, str]] = []

    def ask() -> None:
        for restrict in (None, lambda: {"source": "news"}):
            site = restricted_site(archive.open(), restrict)
            answers.extend(
                (answer.status_code, answer.text)
                for answer in map(site.get, ("/search/", "/search/api/status"))
            )

    archive.sync(progress=Meanwhile(ask))
    assert {status for status, _ in answers} == {503}
    assert ["0 of 1 file" in text for _, text in answers] == [True, True, False, False]
    assert all("is being built" in text for _, text in answers)

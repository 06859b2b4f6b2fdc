from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from flask import Flask, Response, abort, render_template, session
from werkzeug.exceptions import NotFound

import webui
from indexer import Article, Config, ConfigError, Index, Page, open_index
from tests.test_webui_views import archive

INDEX = archive(Article(id="a", title="Zebra", paragraphs=("A zebra.",)))


def host(folder: Path) -> Flask:
    """Somebody's application, with everything in it that a guest could tread on."""
    (folder / "templates").mkdir()
    for name in ("base.html", "search.html", "results.html", "error.html"):
        (folder / "templates" / name).write_text(f"host {name} {{{{ motto }}}}", encoding="utf-8")
    (folder / "static").mkdir()
    (folder / "static" / "nutgraf.css").write_text("host css", encoding="utf-8")
    app = Flask("host", root_path=str(folder))

    @app.get("/")
    def start() -> str:
        return render_template("results.html")

    @app.get("/a/<name>")
    def own(name: str) -> str:
        return f"host {name}"

    @app.get("/breaks")
    def breaks() -> str:
        abort(404)

    @app.errorhandler(404)
    def missing(error: NotFound) -> tuple[str, int]:
        return "host 404", 404

    @app.context_processor
    def words() -> dict[str, str]:
        return {"motto": "ours", "text": "clash", "found": "clash"}

    return app


def test_the_host_keeps_everything_that_is_its_own(tmp_path: Path) -> None:
    app = host(tmp_path)
    extensions, handlers = set(app.extensions), dict(app.error_handler_spec[None])
    processors, before = list(app.template_context_processors[None]), dict(app.before_request_funcs)
    webui.init_app(app, INDEX)
    assert set(app.extensions) - extensions == {"nutgraf"}
    assert app.error_handler_spec[None] == handlers
    assert app.template_context_processors[None] == processors
    assert app.before_request_funcs.get(None) == before.get(None)
    assert app.secret_key is None
    site = app.test_client()
    for path, text in [
        ("/", "host results.html ours"),
        ("/a/zebra", "host zebra"),
        ("/breaks", "host 404"),
        ("/nowhere", "host 404"),
        ("/search/nowhere", "host 404"),
        ("/static/nutgraf.css", "host css"),
    ]:
        with site.get(path) as response:
            assert response.get_data(as_text=True) == text
            assert "Content-Security-Policy" not in response.headers
            assert "Referrer-Policy" not in response.headers


def test_the_guest_answers_under_its_prefix(tmp_path: Path) -> None:
    app = host(tmp_path)
    webui.init_app(app, INDEX, url_prefix="/find/here")
    site = app.test_client()
    response = site.get("/find/here/?q=zebra")
    assert response.headers["Content-Security-Policy"]
    soup = BeautifulSoup(response.text, "html.parser")
    assert [a["href"] for a in soup.select("h3 a")] == ["/find/here/a/a?q=zebra"]
    for link in soup.select("link[rel=stylesheet], link[rel=icon]"):
        assert str(link["href"]).startswith("/find/here/static/nutgraf/")
        with site.get(str(link["href"])) as static:
            assert static.status_code == 200
    assert site.get("/find/here/api/search?q=zebra").get_json()["total"] == 1
    missing = site.get("/find/here/a/nowhere")
    assert missing.status_code == 404
    assert "There is no such article" in missing.text
    with site.get("/find/here/static/nutgraf/nowhere") as nowhere:
        assert nowhere.status_code == 404


def test_the_guest_works_below_a_mount_point_of_the_server() -> None:
    app = Flask("host")
    webui.init_app(app, INDEX)
    response = app.test_client().get("/search/?q=zebra", environ_overrides={"SCRIPT_NAME": "/archive"})
    assert 'href="/archive/search/a/a?q=zebra"' in response.text


def test_the_host_may_have_sessions_of_its_own() -> None:
    app = Flask("host")
    app.secret_key = "for this test"

    @app.before_request
    def count() -> None:
        session["seen"] = True

    webui.init_app(app, INDEX)
    assert "session=" in app.test_client().get("/search/").headers["Set-Cookie"]


def test_the_host_may_override_a_block_of_a_page(tmp_path: Path) -> None:
    app = host(tmp_path)
    (tmp_path / "templates" / "nutgraf").mkdir()
    (tmp_path / "templates" / "nutgraf" / "start.html").write_text(
        "{% extends 'nutgraf/base.html' %}{% block main %}<h1>{{ motto }}</h1>{% endblock %}",
        encoding="utf-8",
    )
    webui.init_app(app, INDEX)
    soup = BeautifulSoup(app.test_client().get("/search/").text, "html.parser")
    assert [h.text for h in soup.select("main h1")] == ["ours"]


def test_the_host_may_set_headers_of_its_own() -> None:
    app = Flask("host")

    @app.after_request
    def own(response: Response) -> Response:
        response.headers["Content-Security-Policy"] = "default-src 'self'"
        return response

    webui.init_app(app, INDEX)
    assert app.test_client().get("/search/").headers["Content-Security-Policy"] == "default-src 'self'"


def test_several_indexes_live_in_one_application() -> None:
    app = Flask("host")
    other = archive(Article(id="b", title="Okapi", paragraphs=("An okapi.",)))
    webui.init_app(app, INDEX, url_prefix="/one")
    webui.init_app(app, other, url_prefix="/two", name="second")
    assert set(app.extensions["nutgraf"]) == {"nutgraf", "second"}
    site = app.test_client()
    for prefix, word, totals in (("/one", "zebra", 1), ("/two", "okapi", 1), ("/two", "zebra", 0)):
        assert site.get(f"{prefix}/api/search?q={word}").get_json()["total"] == totals
    assert 'action="/two/"' in site.get("/two/?q=okapi").text


def test_a_name_that_is_taken_is_refused_with_what_to_do() -> None:
    app = Flask("host")
    webui.init_app(app, INDEX)
    with pytest.raises(ConfigError, match="name="):
        webui.init_app(app, INDEX, url_prefix="/other")


def test_a_failure_inside_the_guest_is_the_host_s_to_handle() -> None:
    class Faulty(Index):
        def search(self, *args: object, **options: object) -> Page:
            raise RuntimeError("oh")

    app = Flask("host")

    @app.errorhandler(500)
    def broken(error: Exception) -> tuple[str, int]:
        return "host 500", 500

    webui.init_app(app, Faulty(Config()))
    assert app.test_client().get("/search/?q=x").text == "host 500"
    assert app.test_client().get("/search/api/search?q=x").text == "host 500"


def test_a_page_appears_as_soon_as_the_index_does(tmp_path: Path) -> None:
    site = webui.create_app(tmp_path / "index").test_client()
    assert site.get("/?q=zebra").status_code == 503
    with open_index(tmp_path / "index") as index:
        index.put([Article(id="a", title="Zebra", paragraphs=("A zebra.",))])
    assert site.get("/?q=zebra").status_code == 200


def test_the_site_starts_without_an_index_and_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NUTGRAF_INDEX", str(tmp_path / "none"))
    site = webui.create_app().test_client()
    for path in ("/", "/?q=x", "/a/x"):
        response = site.get(path)
        assert response.status_code == 503
        assert "There is no index yet" in response.text
        assert "nutgraf index" in response.text
        assert response.headers["Retry-After"]
    for path in ("/api/search?q=x", "/api/articles/x", "/api/status"):
        response = site.get(path)
        assert (response.status_code, response.mimetype) == (503, "application/problem+json")
        assert "nutgraf index" in response.get_json(force=True)["detail"]


def test_options_belong_to_an_index_that_is_opened_here() -> None:
    with pytest.raises(ConfigError, match="page_size"):
        webui.create_app(INDEX, page_size=3)


def test_importing_the_web_side_loads_no_reader_and_no_server() -> None:
    code = "import sys, webui; print(*sorted({'trafilatura', 'waitress', 'lxml', 'rich'} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parent.parent,
        env={**os.environ, "PYTHONWARNINGS": "error"},
    )
    assert done.stdout.strip() == ""

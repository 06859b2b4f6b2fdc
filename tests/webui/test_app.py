from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urljoin

import pytest
from bs4 import BeautifulSoup
from flask import Flask, Response, abort, g, redirect, render_template, request, session, url_for
from flask.sessions import SecureCookieSessionInterface, SessionMixin
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import NotFound
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.test import Client

import webui
from indexer import Article, ConfigError, Index, Page, SearchRequest, open_index
from tests.fixtures.archives import archive

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

ZEBRA = (Article(id="a", title="Zebra", paragraphs=("A zebra.",)),)


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
    webui.init_app(app, archive(*ZEBRA))
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
    webui.init_app(app, archive(*ZEBRA), url_prefix="/find/here")
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


def test_the_host_may_have_sessions_of_its_own() -> None:
    app = Flask("host")
    app.secret_key = "for this test"

    @app.before_request
    def count() -> None:
        session["seen"] = True

    webui.init_app(app, archive(*ZEBRA))
    assert "session=" in app.test_client().get("/search/").headers["Set-Cookie"]


def test_the_host_may_change_one_block_and_keep_the_rest(tmp_path: Path) -> None:
    app = host(tmp_path)
    (tmp_path / "templates" / "nutgraf").mkdir()
    for page, block in (("base", "masthead"), ("results", "title")):
        (tmp_path / "templates" / "nutgraf" / f"{page}.html").write_text(
            f"{{% extends '!nutgraf/{page}.html' %}}"
            f"{{% block {block} %}}{{{{ motto }}}}: {{{{ super() }}}}{{% endblock %}}",
            encoding="utf-8",
        )
    # A page of the host's own may use the page around it.
    (tmp_path / "templates" / "nutgraf" / "start.html").write_text(
        "{% extends 'nutgraf/base.html' %}{% block main %}<h1>{{ motto }}</h1>{% endblock %}",
        encoding="utf-8",
    )
    webui.init_app(app, archive(*ZEBRA))
    site = app.test_client()
    plain = webui.create_app(archive(*ZEBRA)).test_client()
    for path in ("/?q=zebra", "/a/a", "/a/nowhere"):
        mine = BeautifulSoup(site.get(f"/search{path}").text, "html.parser")
        theirs = BeautifulSoup(plain.get(path).text, "html.parser")
        assert mine.select_one(".masthead").text.strip().startswith("ours: Nutgraf")  # type: ignore[union-attr]
        headings = [
            [tag.text for tag in soup.main.select("h1, h2, h3")] for soup in (mine, theirs) if soup.main
        ]
        assert headings[0] == headings[1]
    assert "<title>ours: " in site.get("/search/?q=zebra").text
    assert "<title>ours: " not in site.get("/search/a/a").text
    start = BeautifulSoup(site.get("/search/").text, "html.parser")
    assert [h.text for h in start.select("main h1")] == ["ours"]
    assert str(start.select_one(".masthead")).count("ours: ") == 1


def test_the_host_may_have_translations_of_its_own(tmp_path: Path) -> None:
    app = host(tmp_path)
    app.jinja_env.add_extension("jinja2.ext.i18n")
    # As Flask-Babel does it.
    app.jinja_env.install_gettext_callables(  # type: ignore[attr-defined]
        lambda text: f"host {text}", lambda one, many, n: f"host {one if n == 1 else many}", newstyle=True
    )
    (tmp_path / "templates" / "nutgraf").mkdir()
    (tmp_path / "templates" / "nutgraf" / "results.html").write_text(
        "{% extends '!nutgraf/results.html' %}{% block masthead %}"
        "<p>{% trans %}ours{% endtrans %}, "
        "{% trans n=2 %}{{ n }} ship{% pluralize %}{{ n }} ships{% endtrans %}</p>"
        "{% endblock %}",
        encoding="utf-8",
    )
    (tmp_path / "templates" / "results.html").write_text("{{ _('theirs') }}", encoding="utf-8")
    webui.init_app(app, archive(*ZEBRA))
    site = app.test_client()
    mine = BeautifulSoup(site.get("/search/?q=zebra&lang=de").text, "html.parser")
    assert [p.text for p in mine.select(".nameplate > p")] == ["host ours, host 2 ships"]
    assert [button.text for button in mine.select(".box button")] == ["Suchen"]
    assert [found.text.split(" · ")[0] for found in mine.select(".found")] == ["1 Artikel"]
    assert site.get("/").text == "host theirs"


PAGES = ("/", "/?q=zebra", "/?q=nothing", "/a/a", "/a/nowhere", "/?page=x")


def with_policy(app: Flask) -> None:
    """A policy as Flask-Talisman sets it: only what has the nonce of the request may run or apply."""

    @app.before_request
    def choose() -> None:
        g.nonce = secrets.token_urlsafe(16)

    @app.after_request
    def set_policy(response: Response) -> Response:
        allowed = f"'nonce-{g.nonce}'"
        response.headers["Content-Security-Policy"] = f"script-src {allowed}; style-src {allowed}"
        return response


@pytest.mark.parametrize("found_by_itself", [True, False])
def test_the_nonce_of_the_host_s_policy_is_on_whatever_needs_it(found_by_itself: bool) -> None:
    app = Flask("host")
    with_policy(app)
    if found_by_itself:
        app.jinja_env.globals["csp_nonce"] = lambda: g.nonce
        webui.init_app(app, archive(*ZEBRA))
    else:
        webui.init_app(app, archive(*ZEBRA), nonce=lambda: str(g.nonce))
    site = app.test_client()
    seen = set()
    for path in PAGES:
        response = site.get(f"/search{path}")
        policy = response.headers["Content-Security-Policy"]
        assert policy.startswith("script-src 'nonce-")
        needing = BeautifulSoup(response.text, "html.parser").select("script, style, link[rel=stylesheet]")
        assert needing
        for tag in needing:
            assert f"'nonce-{tag['nonce']}'" in policy, tag
            seen.add(tag["nonce"])
    assert len(seen) == len(PAGES)


def test_the_host_may_set_headers_of_its_own() -> None:
    app = Flask("host")

    @app.after_request
    def own(response: Response) -> Response:
        response.headers["Content-Security-Policy"] = "default-src 'self'"
        return response

    webui.init_app(app, archive(*ZEBRA))
    assert app.test_client().get("/search/").headers["Content-Security-Policy"] == "default-src 'self'"


def two() -> Flask:
    """An application with two archives."""
    app = Flask("host")
    webui.init_app(app, archive(*ZEBRA), url_prefix="/one")
    other = archive(Article(id="b", title="Okapi", paragraphs=("An okapi.",)))
    webui.init_app(app, other, url_prefix="/two", name="second")
    return app


def test_several_indexes_live_in_one_application_and_in_as_many_as_are_made() -> None:
    for app in (two(), two()):
        assert set(app.extensions["nutgraf"]) == {"nutgraf", "second"}
        site = app.test_client()
        for prefix, word, totals in (("/one", "zebra", 1), ("/two", "okapi", 1), ("/two", "zebra", 0)):
            assert site.get(f"{prefix}/api/search?q={word}").get_json()["total"] == totals


def test_addresses_are_made_by_the_name_of_each_mount() -> None:
    app = two()

    @app.get("/links")
    def links() -> list[str]:
        return [
            url_for("nutgraf.search", q="zebra"),
            url_for("second.article", name="b"),
            url_for("second.static", filename="nutgraf.css"),
            url_for("second.api.search", q="okapi"),
        ]

    site = app.test_client()
    found = site.get("/links").get_json()
    assert found == [
        "/one/?q=zebra",
        "/two/a/b",
        "/two/static/nutgraf/nutgraf.css",
        "/two/api/search?q=okapi",
    ]
    for address in found:
        with site.get(address) as response:
            assert response.status_code == 200


def below_a_dispatcher(app: Flask) -> Client:
    """The application under /apps/archive of a larger site."""
    return Client(DispatcherMiddleware(Flask("outer").wsgi_app, {"/apps/archive": app.wsgi_app}))


def behind_a_proxy(app: Flask) -> Client:
    """The application behind a proxy that takes /apps/archive away, and says so."""
    behind = ProxyFix(app.wsgi_app, x_prefix=1)

    def proxy(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        environ["PATH_INFO"] = environ["PATH_INFO"].removeprefix("/apps/archive")
        environ["HTTP_X_FORWARDED_PREFIX"] = "/apps/archive"
        return behind(environ, start_response)

    return Client(proxy)


# The pages of the other archive would be outside of the prefix.
@pytest.mark.parametrize("reach", [below_a_dispatcher, behind_a_proxy])
def test_every_link_holds_below_the_mount_point_of_a_server(reach: Callable[[Flask], Client]) -> None:
    client, prefix = reach(two()), "/apps/archive/two"
    seen: set[str] = set()
    waiting = [f"{prefix}/?q=okapi"]
    while waiting and len(seen) < 40:
        address = waiting.pop(0)
        seen.add(address)
        with client.get(address) as response:
            assert response.status_code == 200, address
            soup = BeautifulSoup(
                response.get_data(as_text=True) if response.mimetype == "text/html" else "", "html.parser"
            )
        for tag in soup.select("[href], [src], [action]"):
            link = str(tag.get("href") or tag.get("src") or tag.get("action"))
            link = urljoin(address, link).partition("#")[0]
            assert link.startswith(f"{prefix}/"), tag
            if link not in seen and link not in waiting:
                waiting.append(link)
    assert f"{prefix}/a/b?q=okapi" in seen


def test_the_host_s_guard_stands_before_the_guest() -> None:
    app = Flask("host")
    webui.init_app(app, archive(*ZEBRA))

    @app.before_request
    def guard() -> ResponseReturnValue | None:
        if "refuse" in request.args:
            abort(403)
        return redirect("/login") if "away" in request.args else None

    @app.errorhandler(403)
    def refused(error: Exception) -> tuple[str, int]:
        return "host 403", 403

    site = app.test_client()
    assert site.get("/search/?q=zebra").status_code == 200
    assert site.get("/search/?q=zebra&away=1").location == "/login"
    for path in ("/search/?refuse=1", "/search/api/search?refuse=1"):
        assert site.get(path).text == "host 403"


def test_the_guest_sets_no_cookie_and_opens_no_session() -> None:
    class Untouched(SecureCookieSessionInterface):
        def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
            assert not session.accessed
            assert not session.modified

    app = Flask("host")
    app.secret_key = "for this test"
    app.session_interface = Untouched()
    webui.init_app(app, archive(*ZEBRA))
    site = app.test_client()
    for path in (*PAGES, "/api/search?q=zebra", "/api/articles/nowhere"):
        response = site.get(f"/search{path}")
        assert "Set-Cookie" not in response.headers
        assert "Cookie" not in response.vary


def test_a_failure_inside_the_guest_is_the_host_s_to_handle() -> None:
    class Faulty(Index):
        def run(self, request: SearchRequest) -> Page:
            raise RuntimeError("oh")

    app = Flask("host")

    @app.errorhandler(500)
    def broken(error: Exception) -> tuple[str, int]:
        return "host 500", 500

    webui.init_app(app, Faulty(archive(*ZEBRA).config))
    assert app.test_client().get("/search/?q=x").text == "host 500"
    assert app.test_client().get("/search/api/search?q=x").text == "host 500"


def test_the_site_starts_without_an_index_of_the_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NUTGRAF_INDEX", str(tmp_path / "none"))
    site = webui.create_app().test_client()
    assert "There is no index yet" in site.get("/").text
    with open_index(tmp_path / "none") as index:
        index.put(ZEBRA)
    assert site.get("/?q=zebra").status_code == 200


def test_options_belong_to_an_index_that_is_opened_here() -> None:
    with pytest.raises(ConfigError, match="page_size"):
        webui.create_app(archive(*ZEBRA), page_size=3)

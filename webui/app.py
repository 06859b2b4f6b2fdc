"""The applications that show an index: a site of its own, or a blueprint in another Flask application."""

from __future__ import annotations

import logging
import os
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, Response, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException, InternalServerError

from indexer import Config, ConfigError, Index, open_index
from webui.errors import problem
from webui.monitoring import Metrics
from webui.mount import EXTENSION, Mount, Nonce, add_mount
from webui.pages import blueprint, error_page
from webui.security import set_cors, set_methods, set_security


def init_app(
    app: Flask,
    index: Index,
    url_prefix: str = "/search",
    *,
    name: str = EXTENSION,
    nonce: Nonce | None = None,
) -> None:
    """Mount the search of `index` at `url_prefix` of a Flask application.

    Nothing else of the application changes: one key of `app.extensions`, one blueprint called `name` with its
    own templates (`nutgraf/…`, which the application may override; `!nutgraf/…` are the originals, to be
    extended), static files, error handlers and headers. A second index needs another prefix and another name.

    Raises ConfigError, and leaves the application as it was, for what is no open index, a prefix that does
    not begin with a slash, a name that cannot be one, and a name or prefix that is taken.

    `nonce` gives the nonce of the application's own Content-Security-Policy for the request in progress, and
    is found by itself where templates have a `csp_nonce()`. A policy that the application sets takes the
    place of the blueprint's.
    """
    if not isinstance(index, Index):
        raise ConfigError(f"index: an open one is wanted, {index!r} was found: init_app(app, open_index(…))")
    if nonce is not None and not callable(nonce):
        raise ConfigError(f"nonce: a function that gives that of the request is wanted, {nonce!r} was found")
    if not isinstance(url_prefix, str) or not f"{url_prefix}/".startswith("/"):
        raise ConfigError(f"url_prefix: one such as /search is wanted, {url_prefix!r} was found")
    if not name or "." in name:
        raise ConfigError(f"name: one without dots is wanted, {name!r} was found")
    if name in app.blueprints:
        raise ConfigError(
            f"the application has a blueprint called {name!r} already; "
            "mount a second index with init_app(app, index, url_prefix=…, name=…)"
        )
    address = url_prefix.rstrip("/") + "/"
    for other in app.extensions.get(EXTENSION, {}):
        if any(rule.rule == address for rule in app.url_map.iter_rules(f"{other}.search")):
            raise ConfigError(
                f"{address} is where the index {other!r} is mounted already; mount another with another "
                "url_prefix"
            )
    app.register_blueprint(blueprint, url_prefix=url_prefix, name=name)
    add_mount(app, name, Mount(index, Metrics(name), nonce))


def create_app(index: Index | Config | str | os.PathLike[str] | None = None, **options: Any) -> Flask:
    """The whole site: the search page at `/`, the API at `/api/search`.

    `index` is one that is open, or what `open_index` takes (default: as configured) together with `options`.
    When it is missing or damaged the site starts all the same: every page says what to do, until the index
    is there. Raises ConfigError for an option that cannot be used.
    """
    if not isinstance(index, Index):
        index = open_index(index, **options)
    elif options:
        raise ConfigError(f"options ({', '.join(sorted(options))}) belong to an index that is opened here")
    app = Site("webui", static_folder=None, template_folder=None)
    init_app(app, index, url_prefix="")
    add_error_pages(app)
    return app


logger = logging.getLogger(__name__)


class Site(Flask):
    """The application of `create_app`. A copy in another process is made anew from the configuration."""

    def __reduce__(self) -> tuple[Any, ...]:
        mount: Mount = self.extensions[EXTENSION][EXTENSION]
        return create_app, (mount.index.config,)


def add_error_pages(app: Flask) -> None:
    """Give an application that belongs to Nutgraf alone the error pages of the blueprint."""
    mount: Mount = app.extensions[EXTENSION][EXTENSION]

    @app.errorhandler(HTTPException)
    def answer_http_error(error: HTTPException) -> ResponseReturnValue:
        status = error.code or 500
        if isinstance(error, InternalServerError):
            error = InternalServerError("Something went wrong here. The log of the server says what.")
        text = "There is nothing at this address." if status == 404 else error.description or error.name
        if request.path.startswith("/api/"):
            response = problem(status, text)
        else:
            response = error_page(mount, status, error.name, text, base=request.script_root + "/")
            response.headers["Cache-Control"] = "no-store"
        for name, value in error.get_headers():
            if name.lower() in ("allow", "retry-after"):
                response.headers[name] = value
        return response

    @app.after_request
    def finish(response: Response) -> Response:
        """Headers for what no view answers, too; and no redirect says which host it was asked at."""
        set_security(response.headers, mount.index.config)
        if request.path.startswith("/api/"):
            set_methods(response)
            set_cors(response, mount.index.config)
        if response.location:
            parts = urlsplit(response.location)
            path = "/" + parts.path.lstrip("/")
            response.location = path + (f"?{parts.query}" if parts.query else "")
            # Nor does its text, which only people without a browser would see.
            response.set_data(b"")
        return response

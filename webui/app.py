"""The Flask application: a site of its own, or the search as a blueprint in another application."""

from __future__ import annotations

import os
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, Response, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException, InternalServerError

from indexer import Config, ConfigError, Index, open_index
from webui.errors import copy_headers, problem
from webui.monitoring import Metrics
from webui.mount import EXTENSION, Mount, Nonce, Restrict, add_mount
from webui.pages import blueprint, error_page
from webui.security import set_cors, set_methods, set_security
from webui.translations import N_


def init_app(
    app: Flask,
    index: Index,
    url_prefix: str = "/search",
    *,
    name: str = EXTENSION,
    nonce: Nonce | None = None,
    restrict: Restrict | None = None,
) -> None:
    """Mount the search of `index` at `url_prefix` of a Flask application.

    The application gets one key in `app.extensions` and one blueprint called `name`, which has its own
    templates, static files, error handlers and headers. The application may override the templates
    `nutgraf/…`, and extend the originals as `!nutgraf/…`. A second index needs another prefix and name.

    `nonce` returns the nonce of the application's own Content-Security-Policy for the current request; a
    `csp_nonce()` among the template globals is found without it. A policy that the application sets replaces
    the blueprint's.

    `restrict` is called for each request that reads the index, in its context, and returns the filters that
    hold for it in every answer, as for `Index.restricted`; None shows the whole index. It may also abort the
    request.

    Raises ConfigError for an invalid argument and for a prefix or name that is taken; the application is then
    unchanged.
    """
    if not isinstance(index, Index):
        raise ConfigError(f"index must be an open index, not {index!r}: init_app(app, open_index(…))")
    if nonce is not None and not callable(nonce):
        raise ConfigError(f"nonce must be a function that returns the nonce of the request, not {nonce!r}")
    if restrict is not None and not callable(restrict):
        raise ConfigError(
            f"restrict must be a function that returns the filters of the request, not {restrict!r}"
        )
    if not isinstance(url_prefix, str) or not f"{url_prefix}/".startswith("/"):
        raise ConfigError(f"url_prefix must begin with a slash, as in /search, not {url_prefix!r}")
    if not name or "." in name:
        raise ConfigError(f"name must be a name without dots, not {name!r}")
    if name in app.blueprints:
        raise ConfigError(
            f"the application has a blueprint called {name!r} already; "
            "mount a second index with init_app(app, index, url_prefix=…, name=…)"
        )
    address = url_prefix.rstrip("/") + "/"
    for other in app.extensions.get(EXTENSION, {}):
        if any(rule.rule == address for rule in app.url_map.iter_rules(f"{other}.search")):
            raise ConfigError(
                f"the index {other!r} is mounted at {address} already; choose another url_prefix"
            )
    app.register_blueprint(blueprint, url_prefix=url_prefix, name=name)
    add_mount(app, name, Mount(index, Metrics(name), nonce, restrict))


def create_app(index: Index | Config | str | os.PathLike[str] | None = None, **options: Any) -> Flask:
    """The whole site: the search page at `/`, the API at `/api/search`.

    `index` is an open index, or the argument of `open_index` (default: from the configuration) together with
    `options`. The site starts even if the index is missing or damaged: its pages then say what to do. Raises
    ConfigError for an invalid option.
    """
    if not isinstance(index, Index):
        index = open_index(index, **options)
    elif options:
        raise ConfigError(f"options ({', '.join(sorted(options))}) cannot be given with an open index")
    app = Site("webui", static_folder=None, template_folder=None)
    init_app(app, index, url_prefix="")
    add_error_pages(app)
    return app


class Site(Flask):
    """The application of `create_app`. It is pickled as its configuration."""

    def __reduce__(self) -> tuple[Any, ...]:
        mount: Mount = self.extensions[EXTENSION][EXTENSION]
        return create_app, (mount.config,)


def add_error_pages(app: Flask) -> None:
    """Use the error pages and headers of the blueprint for the whole application."""
    mount: Mount = app.extensions[EXTENSION][EXTENSION]

    @app.errorhandler(HTTPException)
    def answer_http_error(error: HTTPException) -> ResponseReturnValue:
        status = error.code or 500
        if isinstance(error, InternalServerError):
            error = InternalServerError("An unexpected error occurred. See the log of the server.")
        heading, text = error.name, error.description or error.name
        if status == 404:
            heading, text = N_("There is nothing at this address"), ""
        if request.path.startswith("/api/"):
            response = problem(status, text or f"{heading}.")
        else:
            response = error_page(mount, status, heading, text, base=request.script_root + "/")
            response.headers["Cache-Control"] = "no-store"
        return copy_headers(error, response)

    @app.after_request
    def finish(response: Response) -> Response:
        set_security(response.headers, mount.config)
        if request.path.startswith("/api/"):
            set_methods(response)
            set_cors(response, mount.config)
        if response.location:
            # A redirect does not repeat the host of the request, neither in its header nor in its text.
            parts = urlsplit(response.location)
            path = "/" + parts.path.lstrip("/")
            response.location = path + (f"?{parts.query}" if parts.query else "")
            response.set_data(b"")
        return response

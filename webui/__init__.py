"""The search page and the HTTP API, as a site of their own or inside somebody's Flask application."""

from __future__ import annotations

import os
from typing import Any

from flask import Flask

from indexer import Config, ConfigError, Index, open_index
from webui import views
from webui.mount import EXTENSION, Mount, Nonce, add_mount
from webui.serve import serve
from webui.site import add_error_pages

__all__ = ["create_app", "init_app", "serve"]


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
    extended), static files, error handlers and headers. A second index needs another prefix and another name;
    a name that is taken raises ConfigError.

    `nonce` gives the nonce of the application's own Content-Security-Policy for the request in progress, and
    is found by itself where templates have a `csp_nonce()`. A policy that the application sets takes the
    place of the blueprint's.
    """
    if name in app.blueprints:
        raise ConfigError(
            f"the application has a blueprint called {name!r} already; "
            "mount a second index with init_app(app, index, url_prefix=…, name=…)"
        )
    add_mount(app, name, Mount(index, nonce))
    app.register_blueprint(views.blueprint, url_prefix=url_prefix, name=name)


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
    app = Flask("webui", static_folder=None, template_folder=None)
    init_app(app, index, url_prefix="")
    add_error_pages(app)
    return app

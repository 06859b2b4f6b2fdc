"""The search page and the HTTP API, as a site of their own or inside somebody's Flask application."""

from __future__ import annotations

import os
from typing import Any

from flask import Flask

from indexer import Config, ConfigError, Index, open_index
from webui import views
from webui.mount import EXTENSION, Mount, Nonce, add_mount
from webui.serve import serve
from webui.site import Site, add_error_pages

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
    app.register_blueprint(views.blueprint, url_prefix=url_prefix, name=name)
    add_mount(app, name, Mount(index, name, nonce))


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

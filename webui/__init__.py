"""The search page and the HTTP API, as a site of their own or inside somebody's Flask application."""

from __future__ import annotations

from typing import Any

from flask import Flask

from indexer.errors import ConfigError
from webui.mount import EXTENSION, Mount, Searchable, add_mount
from webui.serve import serve

__all__ = ["create_app", "init_app", "serve"]


def init_app(app: Flask, index: Searchable, url_prefix: str = "/search", *, name: str = EXTENSION) -> None:
    """Mount the search of `index` at `url_prefix` of a Flask application.

    Nothing else of the application changes: one key of `app.extensions`, one blueprint called `name` with its
    own templates (`nutgraf/…`, which the application may override), static files, error handlers and headers.
    A second index needs another prefix and another name; a name that is taken raises ConfigError.
    """
    _mount(app, Mount(lambda: index), url_prefix, name)


def create_app(index: Searchable | None = None, **options: Any) -> Flask:
    """The whole site: the search page at `/`, the API at `/api/search`.

    Without an index it opens the one that the configuration names; `options` are those of the configuration.
    When that index is missing or damaged the site starts all the same: every page says what to do, and the
    index is tried again from time to time. Raises ConfigError for an option that cannot be used.
    """
    app = Flask("webui", static_folder=None, template_folder=None)
    if index is None:
        mount = Mount(_opener(options))
    elif options:
        raise ConfigError(f"options ({', '.join(sorted(options))}) belong to an index that is opened here")
    else:
        given = index
        mount = Mount(lambda: given)
    _mount(app, mount, "", EXTENSION)

    from webui import site

    site.add_error_pages(app)
    return app


def _opener(options: dict[str, Any]) -> Any:
    from indexer.config import load_config

    config = load_config(**options)

    def open_configured() -> Any:
        from indexer import open_index

        return open_index(config)

    return open_configured


def _mount(app: Flask, mount: Mount, url_prefix: str, name: str) -> None:
    from webui.views import blueprint

    if name in app.blueprints:
        raise ConfigError(
            f"the application has a blueprint called {name!r} already; "
            "mount a second index with init_app(app, index, url_prefix=…, name=…)"
        )
    add_mount(app, name, mount)
    app.register_blueprint(blueprint, url_prefix=url_prefix, name=name)

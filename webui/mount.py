"""One index in one Flask application: what the views need of both."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from flask import Flask, current_app, render_template, request, url_for
from jinja2 import ChoiceLoader, Environment, FileSystemLoader, PrefixLoader

from indexer import Index, Page
from webui.presenters import Examples
from webui.translations import LANGUAGES, choose_language, localize

if TYPE_CHECKING:
    from webui.monitoring import Metrics

EXTENSION = "nutgraf"
# The pages as they come: what an application's own nutgraf/results.html extends to change a block of it.
ORIGINALS = PrefixLoader({"!nutgraf": FileSystemLoader(Path(__file__).parent / "templates" / "nutgraf")})

Nonce = Callable[[], str]


class Mount:
    """Where an index is shown, and the means to show it."""

    def __init__(self, index: Index, metrics: Metrics, nonce: Nonce | None = None) -> None:
        self.index = index
        self._nonce = nonce
        self.metrics = metrics
        self.examples = Examples(index)
        self._environment: Environment | None = None

    def search(self, query: str, **options: Any) -> Page:
        """What `Index.search` gives, counted."""
        page = self.index.search(query, **options)
        self.metrics.count_search(page.took_ms / 1000)
        return page

    def render(self, template: str, **values: Any) -> str:
        """The HTML of a template under `nutgraf/`, escaped whatever the application has set for its own."""
        if self._environment is None:
            host = current_app.jinja_env
            loaders = [loader for loader in (host.loader, ORIGINALS) if loader]
            self._environment = host.overlay(autoescape=True, loader=ChoiceLoader(loaders))
        # In the context of each page, not among the globals: those belong to the application.
        words = localize(choose_language(request)).context
        values |= {**words, "languages": _languages(), "nonce": self._nonce_now()}
        text = render_template(self._environment.get_template(f"nutgraf/{template}"), **values)
        # What an error says may name a file, and such a name need not be text.
        return text.encode("utf-8", "backslashreplace").decode()

    def _nonce_now(self) -> str | None:
        """What the policy of the application lets scripts and styles be told by, in this request."""
        # Flask-Talisman's is found by itself.
        nonce = self._nonce or current_app.jinja_env.globals.get("csp_nonce")
        return str(nonce()) if callable(nonce) else None


def add_mount(app: Flask, name: str, mount: Mount) -> None:
    """Remember `mount` in the application's one extension key."""
    app.extensions.setdefault(EXTENSION, {})[name] = mount


def current_mount() -> Mount:
    """The mount that the request in progress was made to."""
    mount: Mount = current_app.extensions[EXTENSION][request.blueprints[-1]]
    return mount


def address_of(view: str, **values: Any) -> str:
    """The address of a view of the same mount, from within any of its rooms; `_external` with the host."""
    return url_for(f"{request.blueprints[-1]}.{view}", **values)


def _languages() -> list[tuple[str, str, str]]:
    """The languages of the page: tag, name, and the same address in it."""
    try:
        asked = [(name, value) for name, value in request.args.items(multi=True) if name != "lang"]
    except UnicodeDecodeError:
        asked = []
    return [(tag, name, "?" + urlencode([*asked, ("lang", tag)])) for tag, name in LANGUAGES.items()]

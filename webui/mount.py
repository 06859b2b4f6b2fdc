"""One index in one Flask application: what the views need of both."""

from __future__ import annotations

from typing import Any

from flask import Flask, current_app, render_template, request, url_for
from jinja2 import Environment

from indexer import Index, Page
from webui.metrics import Metrics

EXTENSION = "nutgraf"


class Mount:
    """Where an index is shown, and the means to show it."""

    def __init__(self, index: Index) -> None:
        self.index = index
        self.metrics = Metrics()
        self._environment: Environment | None = None

    def search(self, query: str, **options: Any) -> Page:
        """What `Index.search` gives, counted."""
        page = self.index.search(query, **options)
        self.metrics.count_search(page.took_ms / 1000)
        return page

    def render(self, template: str, **values: Any) -> str:
        """The HTML of a template under `nutgraf/`, escaped whatever the application has set for its own."""
        if self._environment is None:
            self._environment = current_app.jinja_env.overlay(autoescape=True)
        return render_template(self._environment.get_template(f"nutgraf/{template}"), **values)


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

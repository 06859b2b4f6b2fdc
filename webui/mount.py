"""One index in one Flask application: what the views need of both."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from flask import Flask, current_app, render_template, request
from jinja2 import Environment

from indexer import Index
from webui.phrases import LANGUAGES, chosen

EXTENSION = "nutgraf"


class Mount:
    """Where an index is shown, and the means to show it."""

    def __init__(self, index: Index) -> None:
        self.index = index
        self._environment: Environment | None = None

    def render(self, template: str, **values: Any) -> str:
        """The HTML of a template under `nutgraf/`, escaped whatever the application has set for its own."""
        if self._environment is None:
            self._environment = current_app.jinja_env.overlay(autoescape=True)
        # In the context of each page, not among the globals: those belong to the application.
        words = chosen(request).names()
        return render_template(
            self._environment.get_template(f"nutgraf/{template}"), **words, languages=_languages(), **values
        )


def add_mount(app: Flask, name: str, mount: Mount) -> None:
    """Remember `mount` in the application's one extension key."""
    app.extensions.setdefault(EXTENSION, {})[name] = mount


def current_mount() -> Mount:
    """The mount that the request in progress was made to."""
    mount: Mount = current_app.extensions[EXTENSION][request.blueprints[-1]]
    return mount


def _languages() -> list[tuple[str, str, str]]:
    """The languages of the page: tag, name, and the same address in it."""
    try:
        asked = [(name, value) for name, value in request.args.items(multi=True) if name != "lang"]
    except UnicodeDecodeError:
        asked = []
    return [(tag, name, "?" + urlencode([*asked, ("lang", tag)])) for tag, name in LANGUAGES.items()]

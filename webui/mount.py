"""One index in one Flask application: what the views need of both."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, Literal, Protocol

from flask import Flask, current_app, render_template, request
from jinja2 import Environment

from indexer.config import Config
from indexer.errors import NutgrafError
from indexer.model import MarkedArticle, Page, Status

EXTENSION = "nutgraf"
# An index that could not be opened is tried again at the first request after this many seconds.
RETRY_AFTER = 2

Sort = Literal["relevance", "newest", "oldest", "title"]


class Searchable(Protocol):
    """What the pages and the API ask of an index; it must be safe to share between threads."""

    @property
    def config(self) -> Config: ...

    def search(
        self,
        query: str,
        *,
        after: str | None = None,
        before: str | None = None,
        sort: Sort = "relevance",
        limit: int = 10,
        offset: int = 0,
    ) -> Page: ...

    def marked(self, article_id: str, /, query: str = "") -> MarkedArticle: ...

    def status(self) -> Status: ...


class Mount:
    """Where an index is shown: it is opened at once, and again later when that failed.

    `open_index` returns an index or raises NutgrafError.
    """

    def __init__(self, open_index: Callable[[], Searchable], clock: Callable[[], float] = time.monotonic):
        self._open_index = open_index
        self._clock = clock
        self._lock = threading.Lock()
        self._index: Searchable | None = None
        self._error: NutgrafError | None = None
        self._tried = 0.0
        self._environment: Environment | None = None
        self._try()

    @property
    def index(self) -> Searchable:
        """The open index. Raises the NutgrafError that keeps it from being opened."""
        if self._index is None:
            with self._lock:
                if self._index is None and self._clock() - self._tried >= RETRY_AFTER:
                    self._try()
                if self._error is not None:
                    raise self._error.with_traceback(None)
        assert self._index is not None
        return self._index

    def render(self, template: str, **values: Any) -> str:
        """The HTML of a template under `nutgraf/`, escaped whatever the application has set for its own."""
        if self._environment is None:
            self._environment = current_app.jinja_env.overlay(autoescape=True)
        return render_template(self._environment.get_template(f"nutgraf/{template}"), **values)

    def _try(self) -> None:
        try:
            self._index, self._error = self._open_index(), None
        except NutgrafError as error:
            self._error = error
        self._tried = self._clock()


def add_mount(app: Flask, name: str, mount: Mount) -> None:
    """Remember `mount` in the application's one extension key."""
    app.extensions.setdefault(EXTENSION, {})[name] = mount


def current_mount() -> Mount:
    """The mount that the request in progress was made to."""
    mount: Mount = current_app.extensions[EXTENSION][request.blueprints[-1]]
    return mount

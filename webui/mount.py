"""One index mounted in one Flask application: what every view needs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from flask import Flask, abort, current_app, redirect, render_template, request, url_for
from jinja2 import ChoiceLoader, Environment, FileSystemLoader, PrefixLoader

from indexer import Index, IndexReader, InvalidRequest, Page, SearchRequest
from indexer.search.request import Values
from webui.examples import Examples
from webui.notes import name_filter, write_clause, write_filter, write_note
from webui.presenters import list_authors
from webui.translations import LANGUAGES, choose_language, localize
from webui.urls import article_id, quote_id

if TYPE_CHECKING:
    from webui.monitoring import Metrics

EXTENSION = "nutgraf"
# The original templates, which an application's own nutgraf/results.html may extend.
ORIGINALS = PrefixLoader({"!nutgraf": FileSystemLoader(Path(__file__).parent / "templates" / "nutgraf")})

Nonce = Callable[[], str]
Restrict = Callable[[], Mapping[str, Values | bool] | None]
"""Returns the filters that hold for the current request, as for `Index.restricted`; None for all articles."""


class Mount:
    """An index as one blueprint shows it: the whole index, or what `restrict` leaves of it to a request."""

    def __init__(
        self, whole: Index, metrics: Metrics, nonce: Nonce | None = None, restrict: Restrict | None = None
    ) -> None:
        self.whole = whole
        self.config = whole.config
        self._restrict = restrict
        self._nonce = nonce
        self.metrics = metrics
        self.examples = Examples()
        self._environment: Environment | None = None

    @property
    def is_restricted(self) -> bool:
        """Whether each request sees only what it may."""
        return self._restrict is not None

    @property
    def index(self) -> IndexReader:
        """The articles that the current request may read, from which every answer must be made."""
        if self._restrict is None:
            return self.whole
        # Not in `flask.g`, which requests share if they are made inside of one context of the application.
        readers: dict[Mount, IndexReader] = request.environ.setdefault("nutgraf.readers", {})
        if self not in readers:
            filters = self._restrict()
            try:
                readers[self] = self.whole if filters is None else self.whole.restricted(filters)
            except InvalidRequest as error:
                # It is the application's mistake, not one in the request.
                raise RuntimeError(f"restrict() returned filters that are not valid: {error}") from error
        return readers[self]

    def search(self, request: SearchRequest) -> Page:
        """Search the index, and count the search."""
        page = self.index.run(request)
        self.metrics.count_search(page.took_ms / 1000)
        return page

    def render(self, template: str, **values: Any) -> str:
        """The HTML of a template under `nutgraf/`, always autoescaped."""
        if self._environment is None:
            host = current_app.jinja_env
            loaders = [loader for loader in (host.loader, ORIGINALS) if loader]
            self._environment = host.overlay(autoescape=True, loader=ChoiceLoader(loaders))
        # Passed to each page, because the globals belong to the application.
        words = localize(choose_language(request))
        values |= {
            **words.context,
            "note_text": partial(write_note, localization=words, fields=self.config.fields),
            "filter_name": partial(name_filter, localization=words),
            "filter_text": partial(write_filter, localization=words, fields=self.config.fields),
            "clause_text": partial(write_clause, localization=words, fields=self.config.fields),
            "list_authors": partial(list_authors, localization=words),
            "languages": _languages(),
            "nonce": self._find_nonce(),
        }
        text = render_template(self._environment.get_template(f"nutgraf/{template}"), **values)
        # A message may name a file whose name is not valid Unicode.
        return text.encode("utf-8", "backslashreplace").decode()

    def _find_nonce(self) -> str | None:
        """The nonce of the application's Content-Security-Policy for the current request."""
        # Flask-Talisman defines csp_nonce().
        nonce = self._nonce or current_app.jinja_env.globals.get("csp_nonce")
        return str(nonce()) if callable(nonce) else None


def add_mount(app: Flask, name: str, mount: Mount) -> None:
    """Register `mount` under the one extension key."""
    app.extensions.setdefault(EXTENSION, {})[name] = mount


def current_mount() -> Mount:
    """The mount of the current request."""
    mount: Mount = current_app.extensions[EXTENSION][request.blueprints[-1]]
    return mount


def url_of(view: str, **values: Any) -> str:
    """The URL of a view of the current mount; with `_external`, an absolute one."""
    return url_for(f"{request.blueprints[-1]}.{view}", **values)


def requested_article(name: str | None) -> str:
    """The id of the article that the request asks for, in its path or in a parameter.

    If the article has another id now, the request is redirected to that. Raises InvalidRequest and
    ArticleMissing.
    """
    wanted = article_id(request.args, name)
    found = current_mount().index.resolve_id(wanted)
    if found != wanted:
        in_path = quote_id(found) is not None
        values = (request.view_args or {}) | {"name": found if in_path else None}
        query = [pair for pair in request.args.items(multi=True) if pair[0] != "id"]
        query += [] if in_path else [("id", found)]
        url = url_for(request.endpoint or "", **values)
        response = redirect(f"{url}?{urlencode(query)}" if query else url, 308)
        # The id may become that of another article.
        response.headers["Cache-Control"] = "private, no-cache"
        abort(response)
    return wanted


def _languages() -> list[tuple[str, str, str]]:
    """The languages of the page: tag, name, and the URL of this page in it."""
    try:
        others = [(name, value) for name, value in request.args.items(multi=True) if name != "lang"]
    except UnicodeDecodeError:
        others = []
    start = f"?{urlencode(others)}&" if others else "?"
    return [(tag, name, f"{start}lang={tag}") for tag, name in LANGUAGES.items()]

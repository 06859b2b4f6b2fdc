"""The HTTP API: results of the library as JSON, rows and feeds; errors as problem details (RFC 9457)."""

from __future__ import annotations

import contextlib
import hashlib
import time
from collections.abc import Iterable
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import msgspec
from flask import Blueprint, Response, current_app, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound
from werkzeug.routing import RequestRedirect

from indexer.errors import NutgrafError
from indexer.reports import Status
from indexer.results import MarkedArticle, Page
from indexer.search.request import SearchRequest, refuse
from webui import export, parameters
from webui.answers import SimilarAnswer, SuggestAnswer, TimelineAnswer, as_bytes
from webui.caching import conditional_response, may_improve, no_store
from webui.errors import answer_http_error_with_problem, answer_with_problem
from webui.mount import current_mount, requested_article, url_of
from webui.openapi import describe, operation
from webui.security import METHODS, set_cors, set_methods
from webui.urls import Search, article_url

blueprint = Blueprint("api", __name__, url_prefix="/api")

# Suggestions for the search field of a browser.
SUGGESTIONS_TYPE = "application/x-suggestions+json"
_SUGGESTIONS = {
    "description": "The typed text; the suggestions; the number of articles of each; the URL of each.",
    "type": "array",
    "items": {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]},
    "minItems": 4,
    "maxItems": 4,
}
_METHODS = ["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "TRACE"]


@blueprint.get("/search")
@operation(
    Page,
    parameters.QUERY,
    *parameters.SEARCH,
    *parameters.SLICE,
    parameters.FACET,
    parameters.TIMELINE,
    parameters.EXPLAIN,
    parameters.SECONDS,
    parameters.PREFIX,
    parameters.MEANING,
    parameters.FORMAT,
    formats=export.SCHEMAS,
)
def search(values: dict[str, Any]) -> ResponseReturnValue:
    """The hits of a search, sorted by relevance: the same object as `nutgraf search --json`.

    Also as rows or as a feed.
    """
    named, seconds = values.pop("format"), values["seconds"]
    form = named if request.args.get("format") else _accepted_format()
    if form == "atom" and not request.args.get("sort") and values["half_life"] is None:
        values["sort"] = "newest"
    if form in ("jsonl", "csv"):
        first = {name: values.pop(name) for name in ("limit", "offset", "cursor", "facets", "timeline")}
        return _rows_response(form, _search_request(values), first, seconds or export.SECONDS)
    if values["limit"] is None:
        values["limit"] = current_mount().config.page_size
    elif values["limit"] > parameters.MAX_LIMIT:
        refuse("limit", f"must be at most {parameters.MAX_LIMIT:,}, except for rows", values["limit"])
    wanted = _search_request(values)
    page = current_mount().search(wanted)
    response = _feed(page, wanted.sort) if form == "atom" else _json(page)
    return no_store(response) if may_improve(page) else response


@blueprint.get("/suggest")
@operation(
    SuggestAnswer,
    parameters.QUERY,
    parameters.SUGGESTIONS,
    parameters.SUGGEST_FORMAT,
    formats={SUGGESTIONS_TYPE: _SUGGESTIONS},
)
def suggest(values: dict[str, Any]) -> ResponseReturnValue:
    """Completions of the text `q`; each has results."""
    began = time.perf_counter()
    query = values["query"]
    found = current_mount().index.suggest(query, values["limit"])
    if values["format"] == "opensearch":
        base = url_of("search", _external=True)
        texts = [suggestion.text for suggestion in found]
        counts = [f"{one.count:,} {'article' if one.count == 1 else 'articles'}" for one in found]
        urls = [
            article_url(base, one.article) if one.article else Search(one.text).url(base) for one in found
        ]
        return _no_store_if_late(_json([query, texts, counts, urls], SUGGESTIONS_TYPE), began)
    return _no_store_if_late(_json(SuggestAnswer(query, found)), began)


@blueprint.get("/timeline")
@operation(TimelineAnswer, parameters.QUERY, *parameters.SEARCH, parameters.BY)
def timeline(values: dict[str, Any]) -> ResponseReturnValue:
    """The hits of a search over time, in periods of `by` or of a suitable length."""
    found = current_mount().search(_search_request({**values, "limit": 0}))
    response = _json(TimelineAnswer(found.query, found.total, found.took_ms, found.notes, found.timeline))
    return no_store(response) if found.timed_out else response


@blueprint.get("/articles/", defaults={"name": None})
@blueprint.get("/articles/<path:name>")
@operation(MarkedArticle, parameters.ID, parameters.QUERY, parameters.PREFIX)
def article(values: dict[str, Any], name: str | None) -> ResponseReturnValue:
    """One article: its paragraphs with their anchors, and the spans that `q` matches."""
    began = time.perf_counter()
    wanted = requested_article(name)
    marked = current_mount().index.mark_article(wanted, values["query"], prefix=values["prefix"])
    return _no_store_if_late(_json(marked), began)


@blueprint.get("/similar/", defaults={"name": None})
@blueprint.get("/similar/<path:name>")
@operation(SimilarAnswer, parameters.ID, parameters.SIMILAR)
def similar(values: dict[str, Any], name: str | None) -> ResponseReturnValue:
    """The articles most similar to one, and separately its near-duplicates."""
    index, wanted = current_mount().index, requested_article(name)
    hits = index.find_similar(wanted, values["limit"])
    answer = SimilarAnswer(wanted, hits.timed_out, hits.notes, index.find_duplicates(wanted), tuple(hits))
    response = _json(answer)
    return no_store(response) if may_improve(hits) else response


@blueprint.get("/status")
@operation(Status)
def status(values: dict[str, Any]) -> ResponseReturnValue:
    """The status of the index: the same object as `nutgraf status --json`."""
    return _json(current_mount().index.get_status())


@blueprint.get("/openapi.json")
def openapi() -> ResponseReturnValue:
    """The OpenAPI description, which needs no index."""
    parameters.read_parameters(request.args, ())
    response = _json({**describe(), "servers": [{"url": url_of("search") + "api"}]})
    tag = hashlib.sha256(response.get_data()).hexdigest()[:24]
    return conditional_response(tag, lambda: response)


@blueprint.route("/<path:rest>", methods=_METHODS, provide_automatic_options=False)
def refuse_unknown_route(rest: str) -> ResponseReturnValue:
    """Answer unknown paths and methods with a problem, even if the application has its own error pages."""
    adapter = current_app.create_url_adapter(request)
    assert adapter is not None
    try:
        endpoint, _ = adapter.match(method="GET")
    except (HTTPException, RequestRedirect):
        endpoint = request.endpoint
    if endpoint != request.endpoint:
        raise MethodNotAllowed(METHODS.split(", "))
    raise NotFound("There is nothing at this address.")


def _search_request(values: dict[str, Any]) -> SearchRequest:
    """The search with these values of fields and filters. Raises InvalidRequest."""
    # A request may shorten the configured time limit, not extend it.
    longest = current_mount().config.query_seconds
    seconds = min(values.get("seconds") or longest, longest)
    return SearchRequest.from_keywords(**{**values, "seconds": seconds})


def _accepted_format() -> str:
    """The format of the response by the header Accept, else JSON."""
    best = request.accept_mimetypes.best_match(export.MEDIA_TYPES.values(), export.MEDIA_TYPES["json"])
    return next(name for name, media in export.MEDIA_TYPES.items() if media == best)


def _rows_response(form: str, wanted: SearchRequest, first: dict[str, Any], seconds: float) -> Response:
    """All rows of a search within some seconds; `first` are the fields of the request for its first page."""
    mount = current_mount()
    limit = first["limit"]
    if limit is None:
        limit = min(parameters.MAX_LIMIT, parameters.MAX_ROWS_LIMIT - first["offset"])
    fetch = export.limit_time(
        lambda **fields: mount.search(replace(wanted, **fields)),
        mount.config.query_seconds,
        seconds,
    )
    body: Iterable[bytes] | None = None
    with export.begin_export() as running:
        while body is None:
            known = mount.index.get_revision()
            # Rows show no counts, but invalid parameters of counts are refused.
            page = fetch(**{**first, "limit": min(limit, export.BATCH)})
            pages = export.fetch_pages(page, limit, fetch, mount.index.get_revision, known)
            # If the index was changed meanwhile, start again.
            with contextlib.suppress(export.IndexChanged):
                body, size = export.write_rows(form, pages, running)
    response = Response(body, mimetype=export.MEDIA_TYPES[form])
    response.content_length = size
    response.headers["Content-Disposition"] = f'attachment; filename="search.{form}"'
    return no_store(response) if may_improve(page) else response


def _no_store_if_late(response: Response, began: float) -> Response:
    """Forbid storing a response that took the whole time limit: it may be incomplete."""
    took = time.perf_counter() - began
    return response if took < current_mount().config.query_seconds else no_store(response)


def _feed(page: Page, sort: Any) -> Response:
    asked = msgspec.structs.replace(Search.parse(request.args), sort=sort)
    body = export.atom_feed(
        page,
        asked,
        url_of("search", _external=True),
        _feed_url(),
        _feed_url(offset=None, cursor=page.cursor) if page.cursor else None,
        current_mount().index.get_status().committed,
    )
    return Response(body, mimetype=export.MEDIA_TYPES["atom"])


def _feed_url(**changed: str | None) -> str:
    """The URL of the requested feed, with changed parameters; those that are None are removed."""
    changed["format"] = "atom"
    asked = [(name, value) for name, value in request.args.items(multi=True) if name not in changed]
    asked += [(name, value) for name, value in changed.items() if value is not None]
    return f"{url_of('api.search', _external=True)}?{urlencode(asked)}"


@blueprint.after_request
def set_headers(response: Response) -> Response:
    """Set the headers that only responses of the API have."""
    set_methods(response)
    set_cors(response, current_mount().config)
    return response


blueprint.register_error_handler(NutgrafError, answer_with_problem)
blueprint.register_error_handler(HTTPException, answer_http_error_with_problem)


def _json(value: Any, media_type: str = "application/json") -> Response:
    # The JSON provider of the host application may sort keys or encode other types.
    return Response(as_bytes(value), mimetype=media_type)

"""The HTTP API: the library's answers as JSON, rows and feeds, and its errors as problems (RFC 9457)."""

from __future__ import annotations

import contextlib
import hashlib
import time
from collections.abc import Iterable
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, current_app, request
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound
from werkzeug.routing import RequestRedirect

from indexer import limits
from indexer.errors import InvalidRequest, NutgrafError
from indexer.results import Page
from webui import export
from webui import parameters as takes
from webui.caching import kept, not_kept
from webui.errors import answer_http_error_with_problem, answer_with_problem
from webui.mount import address_of, current_mount
from webui.openapi import describe, operation
from webui.security import METHODS, set_cors, set_methods
from webui.urls import Search, article_url, decimal, named_article, whole_number, yes_or_no
from webui.wire import (
    ArticleAnswer,
    SearchAnswer,
    SimilarAnswer,
    StatusAnswer,
    SuggestAnswer,
    TimelineAnswer,
    as_bytes,
)

blueprint = Blueprint("api", __name__, url_prefix="/api")

# What a browser reads while one types into its own search field.
SUGGESTIONS_TYPE = "application/x-suggestions+json"
_SUGGESTIONS = {
    "description": "What was typed; the suggestions; how many articles each finds; the address of each.",
    "type": "array",
    "items": {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]},
    "minItems": 4,
    "maxItems": 4,
}
_METHODS = ["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "TRACE"]


@blueprint.get("/search")
@operation(
    SearchAnswer,
    takes.QUERY,
    *takes.NARROWING,
    *takes.SLICE,
    takes.FACET,
    takes.TIMELINE,
    takes.EXPLAIN,
    takes.SECONDS,
    takes.FORMAT,
    formats=export.SCHEMAS,
)
def search() -> ResponseReturnValue:
    """The hits of a search, best first: the same object as `nutgraf search --json`.

    As rows or as a feed, when that is asked for.
    """
    form = _format()
    asked = _asked(request.args)
    if form == "atom" and not request.args.get("sort") and asked["half_life"] is None:
        asked["sort"] = "newest"
    if form in ("jsonl", "csv"):
        return _rows(form, asked)
    page = current_mount().search(
        **asked,
        limit=whole_number(
            request.args, "limit", current_mount().index.config.page_size, most=takes.MAX_LIMIT
        ),
        **_place(request.args),
        **_counts(request.args),
    )
    response = _feed(page, asked["sort"]) if form == "atom" else _json(page.as_json())
    return not_kept(response) if page.is_cut else response


@blueprint.get("/suggest")
@operation(
    SuggestAnswer,
    takes.QUERY,
    takes.SUGGESTIONS,
    takes.SUGGEST_FORMAT,
    formats={SUGGESTIONS_TYPE: _SUGGESTIONS},
)
def suggest() -> ResponseReturnValue:
    """What the text `q` may become while it is typed; each finds something."""
    began = time.perf_counter()
    asked = Search.parse(request.args)
    limit = whole_number(request.args, "limit", 8, most=takes.MAX_SUGGESTIONS)
    form = _choice("format", ("json", "opensearch"))
    found = current_mount().index.suggest(asked.query, limit)
    if form == "opensearch":
        base = address_of("search", _external=True)
        texts = [suggestion.text for suggestion in found]
        told = [f"{one.count:,} {'article' if one.count == 1 else 'articles'}" for one in found]
        places = [
            article_url(base, one.article) if one.article else Search(one.text).url(base) for one in found
        ]
        return _in_time(_json([asked.query, texts, told, places], SUGGESTIONS_TYPE), began)
    suggestions = [suggestion.as_json() for suggestion in found]
    return _in_time(_json({"query": asked.query, "suggestions": suggestions}), began)


@blueprint.get("/timeline")
@operation(TimelineAnswer, takes.QUERY, *takes.NARROWING, takes.BY)
def timeline() -> ResponseReturnValue:
    """The hits of a search over time: what `by` says, or what fits."""
    found = current_mount().search(**_asked(request.args), limit=0, timeline=request.args.get("by") or "auto")
    page = found.as_json()
    response = _json({name: page[name] for name in ("query", "total", "took_ms", "notes", "timeline")})
    return not_kept(response) if found.is_cut else response


@blueprint.get("/articles/", defaults={"name": None})
@blueprint.get("/articles/<path:name>")
@operation(ArticleAnswer, takes.NAMED, takes.QUERY)
def article(name: str | None) -> ResponseReturnValue:
    """One article, its paragraphs with their anchors, and the spans of what `q` matches."""
    began = time.perf_counter()
    asked = Search.parse(request.args)
    marked = current_mount().index.marked(named_article(request.args, name), asked.query)
    found = marked.article
    response = _json(
        {
            "id": found.id,
            "title": {"text": found.title, "spans": [list(span) for span in marked.title_spans]},
            "url": found.url,
            "language": found.language,
            "published": found.published.as_json() if found.published else None,
            "paragraphs": [
                {"number": p.number, "anchor": p.anchor, "text": p.text, "spans": [list(s) for s in p.spans]}
                for p in marked.paragraphs
            ],
        }
    )
    return _in_time(response, began)


@blueprint.get("/similar/", defaults={"name": None})
@blueprint.get("/similar/<path:name>")
@operation(SimilarAnswer, takes.NAMED, takes.SIMILAR)
def similar(name: str | None) -> ResponseReturnValue:
    """The articles that are most like one, and apart from them those that say the same."""
    index, wanted = current_mount().index, named_article(request.args, name)
    limit = whole_number(request.args, "limit", 10, most=takes.MAX_LIMIT)
    hits = index.similar(wanted, limit)
    response = _json(
        {
            "id": wanted,
            "is_cut": hits.is_cut,
            "notes": hits.notes,
            "also": [other.as_json() for other in index.duplicates(wanted)],
            "hits": [hit.as_json() for hit in hits],
        }
    )
    return not_kept(response) if hits.is_cut else response


@blueprint.get("/status")
@operation(StatusAnswer)
def status() -> ResponseReturnValue:
    """What the index holds: the same object as `nutgraf status --json`."""
    return _json(current_mount().index.status().as_json())


@blueprint.get("/openapi.json")
def openapi() -> ResponseReturnValue:
    """The description of all this, which needs no index."""
    takes.check_names(request.args.lists(), ())
    response = _json({**describe(), "servers": [{"url": address_of("search") + "api"}]})
    tag = hashlib.sha256(response.get_data()).hexdigest()[:24]
    return kept(tag, lambda: response)


@blueprint.route("/<path:rest>", methods=_METHODS, provide_automatic_options=False)
def nothing(rest: str) -> ResponseReturnValue:
    """What is asked for in vain, so that this is a problem too where the application has pages for that."""
    adapter = current_app.create_url_adapter(request)
    assert adapter is not None
    try:
        endpoint, _ = adapter.match(method="GET")
    except (HTTPException, RequestRedirect):
        endpoint = request.endpoint
    if endpoint != request.endpoint:
        raise MethodNotAllowed(METHODS.split(", "))
    raise NotFound("There is nothing at this address.")


def _asked(args: MultiDict[str, str]) -> dict[str, Any]:
    """What is searched for, as arguments of `Index.search`. Raises InvalidRequest."""
    asked = Search.parse(args)
    usual = current_mount().index.config.query_seconds
    return {
        "query": asked.query,
        "after": asked.after or None,
        "before": asked.before or None,
        "sort": asked.sort,
        "source": args.getlist("source"),
        "site": args.getlist("site"),
        "language": args.getlist("language"),
        "undated": yes_or_no(args, "undated"),
        "half_life": decimal(args, "half_life", least=takes.LEAST_DAYS, most=takes.MOST_DAYS),
        "fold": asked.fold,
        "explain": asked.explain,
        # Who keeps the archive says how long a query may take; who asks may only want less.
        "seconds": min(_seconds(args) or usual, usual),
    }


def _seconds(args: MultiDict[str, str]) -> float | None:
    return decimal(args, "seconds", least=0.001, most=limits.SECONDS)


def _place(args: MultiDict[str, str]) -> dict[str, Any]:
    return {"offset": whole_number(args, "offset", 0), "cursor": args.get("cursor") or None}


def _counts(args: MultiDict[str, str]) -> dict[str, Any]:
    return {"facets": args.getlist("facet"), "timeline": args.get("timeline") or None}


def _choice(name: str, choices: tuple[str, ...]) -> str:
    found = request.args.get(name) or choices[0]
    if found not in choices:
        raise InvalidRequest(f"{name}: one of {', '.join(choices)} is wanted, {found[:40]!r} was found")
    return found


def _format() -> str:
    """What a search is wanted as: what `format` says, else what `Accept` likes best, else JSON."""
    if request.args.get("format"):
        return _choice("format", takes.FORMATS)
    best = request.accept_mimetypes.best_match(export.MEDIA_TYPES.values(), export.MEDIA_TYPES["json"])
    return next(name for name, media in export.MEDIA_TYPES.items() if media == best)


def _rows(form: str, asked: dict[str, Any]) -> Response:
    mount = current_mount()
    place = _place(request.args)
    usual = min(takes.MAX_LIMIT, takes.MAX_ROWS_LIMIT - place["offset"])
    wanted = whole_number(request.args, "limit", usual, most=takes.MAX_ROWS_LIMIT)
    look = export.timed(
        lambda **more: mount.search(**asked | more),
        mount.index.config.query_seconds,
        _seconds(request.args) or export.SECONDS,
    )
    body: Iterable[bytes] | None = None
    with export.begin() as running:
        while body is None:
            known = mount.index.revision()
            # Counts are asked for though no row shows them: what has no meaning is refused here, too.
            first = look(limit=min(wanted, export.AT_ONCE), **place, **_counts(request.args))
            pages = export.pages_from(first, wanted, look, mount.index.revision, known)
            # Again from the beginning, as long as there is time.
            with contextlib.suppress(export.Changed):
                body, size = export.written(form, pages, running)
    response = Response(body, mimetype=export.MEDIA_TYPES[form])
    response.content_length = size
    response.headers["Content-Disposition"] = f'attachment; filename="search.{form}"'
    return response


def _in_time(response: Response, began: float) -> Response:
    """The answer, not to be kept if it took as long as a query may: then it may be less than it could be."""
    took = time.perf_counter() - began
    return response if took < current_mount().index.config.query_seconds else not_kept(response)


def _feed(page: Page, sort: Any) -> Response:
    asked = replace(Search.parse(request.args), sort=sort)
    body = export.atom(
        page,
        asked,
        address_of("search", _external=True),
        _feed_address(),
        _feed_address(offset=None, cursor=page.cursor) if page.cursor else None,
        current_mount().index.status().committed,
    )
    return Response(body, mimetype=export.MEDIA_TYPES["atom"])


def _feed_address(**changed: str | None) -> str:
    """The address of the feed that is asked for, with other parameters or without some."""
    changed["format"] = "atom"
    asked = [(name, value) for name, value in request.args.items(multi=True) if name not in changed]
    asked += [(name, value) for name, value in changed.items() if value is not None]
    return f"{address_of('api.search', _external=True)}?{urlencode(asked)}"


@blueprint.after_request
def let_scripts_read(response: Response) -> Response:
    """Headers for scripts of other origins, where some are configured."""
    set_methods(response)
    set_cors(response, current_mount().index.config)
    return response


blueprint.register_error_handler(NutgrafError, answer_with_problem)
blueprint.register_error_handler(HTTPException, answer_http_error_with_problem)


def _json(value: Any, media_type: str = "application/json") -> Response:
    # Not the application's own JSON provider: it may sort keys or know other types.
    return Response(as_bytes(value), mimetype=media_type)

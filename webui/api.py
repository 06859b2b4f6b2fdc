"""The HTTP API: the library's answers as JSON, and its errors as problem details (RFC 9457)."""

from __future__ import annotations

from typing import Any

import msgspec
from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import HTTPException
from werkzeug.http import HTTP_STATUS_CODES

from indexer.errors import NutgrafError
from webui.addresses import Search, decimal, named_article, whole_number, yes_or_no
from webui.failures import status_of
from webui.mount import current_mount

blueprint = Blueprint("api", __name__, url_prefix="/api")

# The most hits, and suggestions, that one answer may hold.
MAX_LIMIT = 1000
MAX_SUGGESTIONS = 50


@blueprint.get("/search")
def search() -> ResponseReturnValue:
    """The same object as `nutgraf search --json`."""
    index = current_mount().index
    page = index.search(
        **_asked(request.args),
        limit=whole_number(request.args, "limit", index.config.page_size, most=MAX_LIMIT),
        offset=whole_number(request.args, "offset", 0),
        cursor=request.args.get("cursor") or None,
        facets=request.args.getlist("facet"),
        timeline=request.args.get("timeline") or None,
    )
    return _json(page.as_json())


@blueprint.get("/suggest")
def suggest() -> ResponseReturnValue:
    """What the text `q` may become while it is typed: the same as `Index.suggest`, with the text."""
    asked = Search.parse(request.args)
    limit = whole_number(request.args, "limit", 8, most=MAX_SUGGESTIONS)
    found = current_mount().index.suggest(asked.query, limit)
    return _json({"query": asked.query, "suggestions": [suggestion.as_json() for suggestion in found]})


@blueprint.get("/timeline")
def timeline() -> ResponseReturnValue:
    """The hits of a search over time: what `by` says (day, week, month, year), or what fits."""
    page = (
        current_mount()
        .index.search(**_asked(request.args), limit=0, timeline=request.args.get("by") or "auto")
        .as_json()
    )
    return _json({name: page[name] for name in ("query", "total", "took_ms", "notes", "timeline")})


@blueprint.get("/articles/", defaults={"name": None})
@blueprint.get("/articles/<path:name>")
def article(name: str | None) -> ResponseReturnValue:
    """One article, its paragraphs with their anchors, and the spans of what `q` matches."""
    asked = Search.parse(request.args)
    marked = current_mount().index.marked(named_article(request.args, name), asked.query)
    found = marked.article
    return _json(
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


@blueprint.get("/similar/", defaults={"name": None})
@blueprint.get("/similar/<path:name>")
def similar(name: str | None) -> ResponseReturnValue:
    """The articles that are most like one, and apart from them those that say the same."""
    index, wanted = current_mount().index, named_article(request.args, name)
    limit = whole_number(request.args, "limit", 10, most=MAX_LIMIT)
    return _json(
        {
            "id": wanted,
            "also": [other.as_json() for other in index.duplicates(wanted)],
            "hits": [hit.as_json() for hit in index.similar(wanted, limit)],
        }
    )


@blueprint.get("/status")
def status() -> ResponseReturnValue:
    """What the index holds: the same object as `nutgraf status --json`."""
    return _json(current_mount().index.status().as_json())


def _asked(args: MultiDict[str, str]) -> dict[str, Any]:
    """What is searched for, as arguments of `Index.search`. Raises InvalidRequest."""
    asked = Search.parse(args)
    return {
        "query": asked.query,
        "after": asked.after or None,
        "before": asked.before or None,
        "sort": asked.sort,
        "source": args.getlist("source"),
        "site": args.getlist("site"),
        "language": args.getlist("language"),
        "undated": yes_or_no(args, "undated"),
        "half_life": decimal(args, "half_life"),
        "fold": asked.fold,
        "explain": asked.explain,
    }


def problem(status: int, detail: str) -> Response:
    """An error as application/problem+json."""
    body = {"type": "about:blank", "title": HTTP_STATUS_CODES[status], "status": status, "detail": detail}
    response = _json(body, "application/problem+json")
    response.status_code = status
    return response


@blueprint.errorhandler(NutgrafError)
def answer_error(error: NutgrafError) -> ResponseReturnValue:
    """What the library refused, with the status that fits."""
    return problem(status_of(error), str(error))


@blueprint.errorhandler(HTTPException)
def answer_http_error(error: HTTPException) -> ResponseReturnValue:
    """What HTTP itself refuses."""
    if error.code is None or error.code >= 500:
        return error
    return problem(error.code, error.description or error.name)


def _json(value: Any, media_type: str = "application/json") -> Response:
    # Not the application's own JSON provider: it may sort keys or know other types.
    return Response(msgspec.json.encode(value), mimetype=media_type)

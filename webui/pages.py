"""The pages for people: the search and its results, an article, the API, and errors."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Collection
from pathlib import Path
from typing import Any

from flask import Blueprint, Response, abort, request, send_from_directory
from flask.typing import ResponseReturnValue
from msgspec.structs import replace
from werkzeug.exceptions import HTTPException

from indexer import IndexReader
from indexer.errors import InvalidRequest, NutgrafError
from indexer.results import SORTS
from webui import api, monitoring
from webui.caching import may_improve, no_store
from webui.citations import FORMATS, Citation
from webui.errors import describe_error
from webui.guide import FOLDER, PICTURES, list_pages, read_page
from webui.mount import Mount, current_mount, requested_article, url_of
from webui.openapi import describe, describe_schema
from webui.parameters import whole_number
from webui.presenters import (
    HELPERS,
    Links,
    closest_paragraph,
    hit_anchor,
    minimap,
    neighbours,
    offered_filters,
    page_notes,
)
from webui.refinements import chips, facets, list_facets, list_properties, presets, switch_meaning
from webui.security import check_request, set_cors, set_security
from webui.timeline import chart
from webui.urls import (
    ARTICLE_PARAMETERS,
    SEARCH_PARAMETERS,
    SIZES,
    Search,
    article_url,
    pager,
)

blueprint = Blueprint(
    "nutgraf",
    __name__,
    template_folder="templates",
    static_folder="static",
    # An application that mounts the search at its root has /static itself.
    static_url_path="/static/nutgraf",
)
blueprint.register_blueprint(api.blueprint)
blueprint.register_blueprint(monitoring.blueprint)

# Similar articles on the page of an article.
SIMILAR = 5
# Seconds after which a client may retry when there is no usable index.
RETRY_AFTER = "10"
# What the form calls these parameters; messages are English.
_FORM_LABELS = {"since": "From", "until": "To"}
# Seconds between updates of the page of an index that is being built.
RELOAD_SECONDS = 2


def _fingerprint() -> str:
    digest = hashlib.sha256()
    for path in sorted((Path(__file__).parent / "static").iterdir()):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:10]


# Part of the URLs of static files, so that browsers may cache them for good.
STATIC_VERSION = _fingerprint()


@blueprint.get("/")
def search() -> ResponseReturnValue:
    """The start page, or a page of results."""
    mount = current_mount()
    index, base = mount.index, url_of("search")
    asked = Search.parse(request.args)
    if asked.is_empty:
        ways = [
            (query, meaning, asked.home().with_query(query).url(base))
            for query, meaning in mount.examples.now(index)
        ]
        status = index.get_status()
        older = _older_commit_time(index)
        return _page(
            mount, "start.html", asked, known=SEARCH_PARAMETERS, status=status, ways=ways, older=older
        )
    limit = asked.size or max(index.config.page_size, 1)
    wanted = asked.request(
        limit=limit, offset=(asked.page - 1) * limit, facets=list_facets(index.fields), timeline="auto"
    )
    found = mount.search(wanted)
    each = None
    if found.no_results and not found.shown and not asked.explain:
        # Count the articles of each clause only if there are no results to show.
        each = index.run(dataclasses.replace(wanted, explain=True)).explanation
    # Where the meaning does not count, a switch for it would do nothing.
    has_switch = asked.sort == "relevance" and index.can_use_meaning(asked.query, prefix=asked.prefix)
    shown = _page(
        mount,
        "results.html",
        asked,
        known=SEARCH_PARAMETERS,
        found=found,
        each=each.clauses if each else (),
        full=[hit for hit in found.hits if not (hit.missing or hit.by_meaning)],
        further=[hit for hit in found.hits if hit.missing or hit.by_meaning],
        notes=page_notes(found),
        meant=asked.with_query(found.did_you_mean).url(base) if found.did_you_mean else None,
        suggested=[
            (choice, asked.with_query(choice.query).with_dates(choice.since, choice.until).url(base))
            for choice in offered_filters(found)
        ],
        alternatives=found.no_results.suggestions if found.no_results else (),
        undated=asked.without(("since", "until")).url(base),
        explained=replace(asked, explain=True).url(base, asked.page),
        pager=pager(asked, base, found.shown, limit),
        chips=chips(asked, base, index.config),
        facets=facets(found, asked, base, index.fields),
        presets=presets(asked, base, found.timeline, index.config.today()),
        chart=chart(found.timeline, asked, base, index.config),
        most_passages=index.config.passages,
        switch=switch_meaning(asked, base, index.config) if has_switch else None,
        sorts=[(sort, replace(asked, sort=sort).url(base), sort == asked.sort) for sort in SORTS],
        sizes=[(size, replace(asked, size=size).url(base), size == limit) for size in SIZES],
        feed=asked.feed(base),
    )
    if found.timed_out and not found.hits:
        # The search timed out before it found anything, or before it ranked what it had counted.
        shown.status_code = 503
    return no_store(shown) if may_improve(found) else shown


@blueprint.get("/a/", defaults={"name": None})
@blueprint.get("/a/<path:name>")
def article(name: str | None) -> ResponseReturnValue:
    """One article at its stable URL, with the matches of `q` highlighted."""
    mount = current_mount()
    index, base = mount.index, url_of("search")
    wanted = requested_article(name)
    asked = Search.parse(request.args)
    marked = index.mark_article(wanted, asked.query, prefix=asked.prefix)
    anchor, number = request.args.get("p", ""), whole_number(request.args, "n", 0)
    here = next((p for p in marked.paragraphs if p.anchor == anchor), None)
    matches = [place.anchor for place in marked.places if place.spans]
    is_lost = bool(anchor) and all(place.anchor != anchor for place in marked.places)
    similar = index.find_similar(wanted, SIMILAR)
    return _page(
        mount,
        "article.html",
        asked,
        known=ARTICLE_PARAMETERS,
        marked=marked,
        article=marked.article,
        properties=list_properties(marked.article, asked.home(), base, index.fields),
        matches=matches,
        around=neighbours(matches),
        minimap=minimap(marked.places),
        back=None if asked.is_empty else f"{asked.url(base, asked.page)}#{hit_anchor(wanted)}",
        here=here,
        is_lost=is_lost,
        closest=closest_paragraph(marked.paragraphs, anchor, number) if is_lost else None,
        also=index.find_duplicates(wanted),
        similar=[hit.article for hit in similar],
        timed_out=similar.timed_out,
        older=_older_commit_time(index),
    )


@blueprint.get("/api")
@blueprint.get("/api/")
def documentation() -> ResponseReturnValue:
    """The documentation of the API, made from its OpenAPI description."""
    return _page(
        current_mount(),
        "api.html",
        _find_search().home(),
        known=("lang",),
        document=describe(),
        kind=describe_schema,
    )


@blueprint.get("/guide/", defaults={"name": None})
@blueprint.get("/guide/<name>")
def guide(name: str | None) -> ResponseReturnValue:
    """The list of the pages of the guide, one of the pages, or one of their pictures."""
    if name in PICTURES:
        return send_from_directory(FOLDER, name)
    asked = _find_search().home()
    page = read_page(name, asked.url("")) if name else None
    if name and page is None:
        abort(404, "The guide has no such page.")
    pages = [] if page else list_pages()
    return _page(current_mount(), "guide.html", asked, known=("lang",), page=page, pages=pages)


@blueprint.get("/a/cite.<any(bib, ris, json):kind>", defaults={"name": None})
@blueprint.get("/a/<path:name>/cite.<any(bib, ris, json):kind>")
def cite(name: str | None, kind: str) -> ResponseReturnValue:
    """The citation of an article, or of its paragraph or text `p`, as a file."""
    wanted = requested_article(name)
    marked = current_mount().index.mark_article(wanted)
    anchor = request.args.get("p", "")
    found = next((p for p in marked.paragraphs if p.anchor == anchor), None)
    number = found.number if found else None
    _, media_type, write = FORMATS[kind]
    anchor = anchor if any(place.anchor == anchor for place in marked.places) else ""
    address = article_url(url_of("search", _external=True), wanted, "", anchor, number or 0)
    citation = Citation(marked.article, address, number, found.page_number if found else None)
    response = Response(write(citation), content_type=f"{media_type}; charset=utf-8")
    response.headers.set("Content-Disposition", "attachment", filename=f"{citation.key}.{kind}")
    return response


@blueprint.get("/opensearch.xml")
def opensearch() -> ResponseReturnValue:
    """The OpenSearch 1.1 description, with which browsers add the archive to their search engines."""
    page = url_of("search", _external=True)
    icon = url_of("static", filename="icon.svg", _external=True)
    response = Response(
        current_mount().render("opensearch.xml", page=page, icon=icon),
        mimetype="application/opensearchdescription+xml",
    )
    # It contains the host of the request.
    response.headers["Cache-Control"] = "private, no-cache"
    return response


@blueprint.before_request
def refuse_invalid_request() -> None:
    """Refuse a request that is too large, not decodable, or for an untrusted host."""
    check_request(current_mount().config)


@blueprint.after_request
def set_headers(response: Response) -> Response:
    """Set the headers of the responses of this blueprint."""
    mount = current_mount()
    set_security(response.headers, mount.config)
    mount.metrics.count_request((request.endpoint or "").partition(".")[2], response.status_code)
    is_static = (request.endpoint or "").endswith(".static")
    if is_static and response.status_code == 200:
        # Module scripts and scripts with an integrity attribute are requested with CORS.
        set_cors(response, mount.config)
        if request.args.get("v") == STATIC_VERSION:
            response.cache_control.public = True
            response.cache_control.no_cache = None
            response.cache_control.max_age = 31_536_000
            response.cache_control.immutable = True
    elif response.mimetype == "text/html":
        response.vary.add("Accept-Language")
    if mount.is_restricted and not response.cache_control.no_store and not is_static:
        # The next request may be another reader's, or have other rights.
        response.headers["Cache-Control"] = "private, no-cache"
    if response.status_code == 503:
        response.headers.setdefault("Retry-After", RETRY_AFTER)
    return response


@blueprint.errorhandler(NutgrafError)
def answer_error(error: NutgrafError) -> ResponseReturnValue:
    """The page for an error of the library, or for an index that is being built."""
    mount, text = current_mount(), describe_error(error)
    if isinstance(error, InvalidRequest):
        error = error.rename_field(_FORM_LABELS)
    values: dict[str, Any] = {"message": str(error), **dataclasses.asdict(text)}
    # How far a build is would tell readers who are restricted how many articles there will be.
    building = mount.whole.get_progress() if text.status == 503 and not mount.is_restricted else None
    if building is not None:
        page = _page(
            mount, "building.html", _find_search(), building=building, again=RELOAD_SECONDS, **values
        )
    else:
        page = _page(mount, "error.html", _find_search(), **values)
    page.status_code = text.status
    return page


@blueprint.errorhandler(HTTPException)
def answer_http_error(error: HTTPException) -> ResponseReturnValue:
    """The page for an HTTP error; the application handles failures of the server."""
    if error.code is None or error.code >= 500:
        return error
    return error_page(current_mount(), error.code, error.name, error.description or "")


def error_page(
    mount: Mount,
    status: int,
    heading: str,
    message: str,
    *,
    base: str | None = None,
) -> Response:
    """The page for an error. `base` is the URL of the search page if no view was reached."""
    values: dict[str, Any] = {"status": status, "heading": heading, "message": message}
    page = _page(mount, "error.html", _find_search(), base=base, **values)
    page.status_code = status
    return page


def _older_commit_time(index: IndexReader) -> str:
    """The time (UTC) of the older commit that answers in place of a damaged one, or an empty string."""
    return index.get_status().committed[:16] if index.damage else ""


def _page(
    mount: Mount,
    template: str,
    asked: Search,
    *,
    base: str | None = None,
    known: Collection[str] | None = None,
    **values: Any,
) -> Response:
    """A page; with `known`, it says which other parameters of the request were ignored."""
    base = url_of("search") if base is None else base
    home = asked.home()
    # `keep` is added to links that are no searches, so that they keep the language of the page.
    values |= {"asked": asked, "base": base, "home": home.url(base), "keep": home.url("")}
    values["links"] = Links(base, asked)
    values["ignored"] = [name for name in request.args if name not in known] if known is not None else []
    return Response(mount.render(template, version=STATIC_VERSION, **HELPERS, **values))


def _find_search() -> Search:
    """The search of a request that may be invalid, to be shown in the form again."""
    try:
        return Search.parse_leniently(request.args)
    except UnicodeDecodeError:
        return Search()

"""The pages for people: the search and its results, an article, and what went wrong."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as Xml

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException

from indexer import Index
from indexer.errors import NutgrafError
from webui import api, monitoring
from webui.caching import not_kept
from webui.citations import FORMATS, Citation
from webui.errors import explanation_of, heading_of, status_of
from webui.filters import FACETS, chart, chips, facets, presets
from webui.mount import Mount, address_of, current_mount
from webui.openapi import entries
from webui.presenters import article_text, closest, hit_texts, holdings, other_texts, relaxed_links
from webui.security import check_request, set_cors, set_security
from webui.urls import (
    SIZES,
    SORTS,
    Search,
    article_url,
    citation_url,
    named_article,
    pager,
    whole_number,
)

blueprint = Blueprint(
    "nutgraf",
    __name__,
    template_folder="templates",
    static_folder="static",
    # Not plain /static: an application that mounts the search at its root has one of its own.
    static_url_path="/static/nutgraf",
)
blueprint.register_blueprint(api.blueprint)
blueprint.register_blueprint(monitoring.blueprint)

_OPENSEARCH = "http://a9.com/-/spec/opensearch/1.1/"
# How many similar articles an article's page names.
SIMILAR = 5
# Seconds after which a client may ask again for an index that is missing or being mended.
RETRY_AFTER = "10"
# Seconds after which a page that shows a build looks again.
LOOK_AGAIN = 2


def _fingerprint() -> str:
    digest = hashlib.sha256()
    for path in sorted((Path(__file__).parent / "static").iterdir()):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:10]


# Part of the addresses of static files, so that browsers may keep them for good.
STATIC_VERSION = _fingerprint()


@blueprint.get("/")
def search() -> ResponseReturnValue:
    """The start page, or a page of results."""
    mount = current_mount()
    index, base = mount.index, address_of("search")
    asked = Search.parse(request.args)
    if asked.idle:
        ways = [
            (query, meaning, replace(asked.home(), query=query).url(base))
            for query, meaning in mount.examples.now()
        ]
        held = holdings(index.status())
        return _page(mount, "start.html", asked, holdings=held, ways=ways, older=_older(index))
    limit = asked.size or max(index.config.page_size, 1)
    options = _options(asked, limit)
    found = mount.search(asked.query, **options, explain=asked.explain)
    each = None
    if found.dead_end and not found.shown and not asked.explain:
        # Only then is it worth while to count what each clause finds.
        each = index.search(asked.query, **options, explain=True).receipt
    full, partial = hit_texts(found, base, asked)
    shown = _page(
        mount,
        "results.html",
        asked,
        found=found,
        each=each.clauses if each else (),
        full=full,
        partial=partial,
        meant=replace(asked, query=found.did_you_mean).url(base) if found.did_you_mean else None,
        relaxed=relaxed_links(found.dead_end, base, asked),
        undated=replace(asked, after="", before="").url(base),
        explained=replace(asked, explain=True).url(base, asked.page),
        pager=pager(asked, base, found.shown, limit),
        chips=chips(asked, base, index.config),
        facets=facets(found, asked, base),
        presets=presets(asked, base, found.timeline, index.config.today()),
        chart=chart(found.timeline, asked, base),
        most_passages=index.config.passages,
        sizes=[(size, replace(asked, size=size).url(base), size == limit) for size in SIZES],
        feed=asked.feed(base),
    )
    if found.is_cut and not found.shown:
        # Not an answer: whoever asks again may get one.
        shown.status_code = 503
    return not_kept(shown) if found.is_cut else shown


@blueprint.get("/a/", defaults={"name": None})
@blueprint.get("/a/<path:name>")
def article(name: str | None) -> ResponseReturnValue:
    """One article at its stable address, with the matches of `q` marked."""
    mount = current_mount()
    index, base = mount.index, address_of("search")
    wanted = named_article(request.args, name)
    asked = Search.parse(request.args)
    marked = index.marked(wanted, asked.query)
    text = article_text(marked, base, asked)
    anchor, number = request.args.get("p", ""), whole_number(request.args, "n", 0)
    here = next((p for p in text.paragraphs if p.anchor == anchor), None)
    similar = index.similar(wanted, SIMILAR)
    return _page(
        mount,
        "article.html",
        asked,
        article=text,
        address=article_url(base, wanted, asked.home().parameters()),
        back=None if asked.idle else asked.url(base, asked.page),
        here=here,
        is_lost=bool(anchor) and here is None,
        closest=closest(text.paragraphs, anchor, number) if anchor and here is None else None,
        citations=[
            (label, citation_url(base, wanted, kind), citation_url(base, wanted, kind, anchor))
            for kind, (label, _, _) in FORMATS.items()
        ],
        also=other_texts(index.duplicates(wanted), base, asked.home()),
        similar=other_texts((hit.article for hit in similar), base, asked.home()),
        is_cut=similar.is_cut,
        older=_older(index),
    )


@blueprint.get("/api")
@blueprint.get("/api/")
def documentation() -> ResponseReturnValue:
    """The page that explains the API, made from its description."""
    return _page(current_mount(), "api.html", Search(), entries=entries())


@blueprint.get("/a/cite.<any(bib, ris, json):kind>", defaults={"name": None})
@blueprint.get("/a/<path:name>/cite.<any(bib, ris, json):kind>")
def cite(name: str | None, kind: str) -> ResponseReturnValue:
    """An article as a citation, or the paragraph `p` of it, as a file to keep."""
    wanted = named_article(request.args, name)
    marked = current_mount().index.marked(wanted)
    anchor = request.args.get("p", "")
    number = next((p.number for p in marked.paragraphs if p.anchor == anchor), None)
    _, media_type, write = FORMATS[kind]
    address = article_url(
        address_of("search", _external=True), wanted, "", anchor if number else "", number or 0
    )
    citation = Citation(marked.article, address, number)
    response = Response(write(citation), content_type=f"{media_type}; charset=utf-8")
    response.headers.set("Content-Disposition", "attachment", filename=f"{citation.key}.{kind}")
    return response


@blueprint.get("/opensearch.xml")
def opensearch() -> ResponseReturnValue:
    """The description by which a browser adds the archive to its search engines (OpenSearch 1.1)."""
    page = address_of("search", _external=True)
    Xml.register_namespace("", _OPENSEARCH)
    root = Xml.Element(f"{{{_OPENSEARCH}}}OpenSearchDescription")

    def add(name: str, text: str | None = None, **attributes: str) -> None:
        Xml.SubElement(root, f"{{{_OPENSEARCH}}}{name}", attributes).text = text

    add("ShortName", "Nutgraf")
    add("Description", "Full-text search that lands on the paragraph")
    add("InputEncoding", "UTF-8")
    icon = address_of("static", filename="icon.svg", _external=True)
    add("Image", icon, type="image/svg+xml", width="16", height="16")
    suggest = f"{page}api/suggest?q={{searchTerms}}&format=opensearch"
    for media, template in (
        ("text/html", f"{page}?q={{searchTerms}}"),
        ("application/x-suggestions+json", suggest),
        ("application/atom+xml", f"{page}api/search?q={{searchTerms}}&format=atom"),
    ):
        add("Url", type=media, template=template)
    response = Response(
        Xml.tostring(root, encoding="utf-8", xml_declaration=True),
        mimetype="application/opensearchdescription+xml",
    )
    # It has the host in it that it was asked at, which may not be what another asks at.
    response.headers["Cache-Control"] = "private, no-cache"
    return response


@blueprint.before_request
def refuse_what_is_no_request() -> None:
    """Turn away what is too large, is made to another host, or cannot be decoded."""
    check_request(current_mount().index.config)


@blueprint.after_request
def set_headers(response: Response) -> Response:
    """Headers for the blueprint's own answers only."""
    mount = current_mount()
    set_security(response.headers, mount.index.config)
    mount.metrics.count_request((request.endpoint or "").partition(".")[2], response.status_code)
    if (request.endpoint or "").endswith(".static") and response.status_code == 200:
        # Module scripts of another origin, and those with an integrity attribute, are asked for so.
        set_cors(response, mount.index.config)
        if request.args.get("v") == STATIC_VERSION:
            response.cache_control.public = True
            response.cache_control.no_cache = None
            response.cache_control.max_age = 31_536_000
            response.cache_control.immutable = True
    elif response.mimetype == "text/html":
        response.vary.add("Accept-Language")
    if response.status_code == 503:
        response.headers.setdefault("Retry-After", RETRY_AFTER)
    return response


@blueprint.errorhandler(NutgrafError)
def answer_error(error: NutgrafError) -> ResponseReturnValue:
    """A page for what the library refused: what was wanted, what was found, what to do."""
    mount, status = current_mount(), status_of(error)
    values = {
        **_common(_salvage()),
        "status": status,
        "heading": heading_of(error),
        "message": str(error),
        "explanation": explanation_of(error),
    }
    if status == 503 and (building := mount.index.progress()) is not None:
        return Response(mount.render("building.html", **values, building=building, again=LOOK_AGAIN), status)
    return Response(mount.render("error.html", **values), status)


@blueprint.errorhandler(HTTPException)
def answer_http_error(error: HTTPException) -> ResponseReturnValue:
    """A page for what HTTP itself refuses; a failure of the server is left to the application."""
    if error.code is None or error.code >= 500:
        return error
    return error_page(current_mount(), error.code, error.name, error.description or "", asked=_salvage())


def error_page(
    mount: Mount,
    status: int,
    heading: str,
    message: str,
    *,
    asked: Search | None = None,
    base: str | None = None,
) -> Response:
    """The page for an error. `base` is the address of the search page where no view has been reached."""
    return Response(
        mount.render(
            "error.html",
            **_common(asked or Search(), base),
            status=status,
            heading=heading,
            message=message,
            explanation=None,
        ),
        status,
    )


def _options(asked: Search, limit: int) -> dict[str, Any]:
    """What the library is asked for besides the words."""
    return {
        "after": asked.after or None,
        "before": asked.before or None,
        "source": asked.source,
        "site": asked.site,
        "language": asked.language,
        "undated": asked.undated,
        "sort": asked.sort,
        "limit": limit,
        "offset": (asked.page - 1) * limit,
        "facets": FACETS,
        "timeline": "auto",
        "fold": asked.fold,
    }


def _older(index: Index) -> str:
    """Of when an older state is that answers in place of a damaged one (UTC); empty when all is well."""
    return index.status().committed[:16] if index.damage else ""


def _page(mount: Mount, template: str, asked: Search, **values: Any) -> Response:
    return Response(mount.render(template, **_common(asked), **values))


def _common(asked: Search, base: str | None = None) -> dict[str, Any]:
    base = address_of("search") if base is None else base
    return {
        "asked": asked,
        "base": base,
        "home": asked.home().url(base),
        "sorts": SORTS,
        "version": STATIC_VERSION,
    }


def _salvage() -> Search:
    try:
        return Search.salvage(request.args)
    except UnicodeDecodeError:
        return Search()

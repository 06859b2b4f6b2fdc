"""What programs around the site ask: whether it is up and can search, its counts, how browsers search it."""

from __future__ import annotations

from xml.etree import ElementTree as Xml

from flask import Blueprint, Response, abort
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException

from indexer.errors import IndexDamaged, NutgrafError
from webui.api import answer_error, answer_http_error
from webui.metrics import MEDIA_TYPE
from webui.mount import address_of, current_mount

blueprint = Blueprint("health", __name__)

_OPENSEARCH = "http://a9.com/-/spec/opensearch/1.1/"


@blueprint.get("/healthz")
def healthz() -> ResponseReturnValue:
    """Whether the process is up: it answers, whatever becomes of the index."""
    return _plain("ok\n")


@blueprint.get("/readyz")
def readyz() -> ResponseReturnValue:
    """Whether an index can be searched: one search is made. An older state that answers is told of."""
    index = current_mount().index
    index.search("", limit=0)
    older = f"an older state answers, for the newest is damaged: {index.damage}\n" if index.damage else ""
    return _plain(f"ready\n{older}")


@blueprint.get("/metrics")
def metrics() -> ResponseReturnValue:
    """Counts for Prometheus, unless they are configured away."""
    mount = current_mount()
    if not mount.index.config.metrics:
        abort(404, "Metrics are not served here.")
    try:
        held = mount.index.status()
        commit = mount.index.revision().split(".")[1]
        gauges: dict[str, int] = {
            "up": 1,
            "damaged": int(mount.index.damage is not None),
            "articles": held.articles,
            "paragraphs": held.paragraphs,
            "bytes": held.size,
            "commit": int(commit),
        }
    except NutgrafError as error:
        # That there is no index is what is to be told.
        gauges = {"up": 0, "damaged": int(isinstance(error, IndexDamaged))}
    response = Response(mount.metrics.write(gauges), content_type=MEDIA_TYPE)
    response.headers["Cache-Control"] = "no-store"
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


blueprint.register_error_handler(NutgrafError, answer_error)
blueprint.register_error_handler(HTTPException, answer_http_error)


def _plain(text: str) -> Response:
    response = Response(text, mimetype="text/plain")
    response.headers["Cache-Control"] = "no-store"
    return response

"""Three hundred paths, every route and every page of an error among them: the headers of each, exactly.

A header of the request, and a cookie or a name of the server, would be found among them.
"""

from __future__ import annotations

import re
from urllib.parse import unquote_to_bytes

import pytest

from tests.fixtures.routes import ELSEWHERE, PROBLEM, ROUTES, TRAVERSALS, site

ORIGIN = "https://news.example"
EXPECTED = {path: (status, media) for path, status, media in ROUTES}
PATHS = [*EXPECTED, *TRAVERSALS[::3], *ELSEWHERE[::2]]
_POLICY = (
    "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; img-src 'self'; "
    "font-src 'self'; form-action 'self'; base-uri 'none'; require-trusted-types-for 'script'; "
    "trusted-types nutgraf; frame-ancestors 'none'"
)
# What every answer has, and nothing else has another value.
_ALWAYS = {
    "Content-Security-Policy": re.escape(_POLICY),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Content-Type": r"[a-z/+.-]+(; version=0\.0\.4)?(; charset=utf-8)?",
}
_SOMETIMES = {
    "Content-Length": "[0-9]+",
    "Vary": "Accept|Accept-Language|Origin|Accept, Origin|Accept-Language, Origin",
    "Cache-Control": "no-store|no-cache|private, no-cache",
    "ETag": '(W/)?"[0-9a-f.-]+"',
    "Location": r"/(?![/\\])[!-~]*",
    "Content-Disposition": r'(attachment; |inline; )filename=("search\.[a-z]+"|[a-z0-9.-]+)',
    "Accept-Ranges": "bytes",
    "Date": "[A-Za-z0-9:, ]+",
    "Last-Modified": "[A-Za-z0-9:, ]+",
    "Access-Control-Allow-Origin": re.escape(ORIGIN),
    "Access-Control-Expose-Headers": "ETag, Retry-After",
}
_CITED = {"Content-Length", "Content-Disposition"}
_KEPT = {"Content-Length", "Cache-Control", "ETag"}
_FILE = _KEPT | {"Content-Disposition", "Accept-Ranges", "Date", "Last-Modified"}
# By status and type what there is besides, but for what an origin is told: one of these sets.
_BESIDES: dict[tuple[int, str], list[set[str]]] = {
    (200, "text/html"): [{"Content-Length", "Vary"}],
    (400, "text/html"): [{"Content-Length", "Vary"}],
    (404, "text/html"): [{"Content-Length", "Vary"}, {"Content-Length", "Cache-Control"}],
    (308, "text/html"): [{"Content-Length", "Location"}],
    (200, "application/x-bibtex"): [_CITED],
    (200, "application/x-research-info-systems"): [_CITED],
    (200, "application/vnd.citationstyles.csl+json"): [_CITED],
    (200, "text/css"): [_FILE],
    (200, "image/svg+xml"): [_FILE],
    (200, "application/json"): [_KEPT, _KEPT | {"Vary"}],
    (200, "application/x-suggestions+json"): [_KEPT | {"Vary"}],
    (200, "application/atom+xml"): [_KEPT | {"Vary"}],
    (200, "application/opensearchdescription+xml"): [_KEPT - {"ETag"}],
    (200, "text/csv"): [_KEPT | _CITED | {"Vary"}],
    (200, "application/x-ndjson"): [_KEPT | _CITED | {"Vary"}],
    (200, "text/plain"): [{"Content-Length", "Cache-Control"}],
    (400, PROBLEM): [{"Content-Length", "Cache-Control"}],
    (404, PROBLEM): [{"Content-Length", "Cache-Control"}],
}


def test_there_are_three_hundred() -> None:
    assert len(set(PATHS)) >= 300


@pytest.mark.parametrize("origins", [(), (ORIGIN,)])
def test_each_path_has_exactly_the_headers_of_its_kind(origins: tuple[str, ...]) -> None:
    guest = site(cors_origins=origins)
    for path in PATHS:
        name, _, query = path.partition("?")
        # As the server hands it over: the client of the tests would change it first.
        environ = {
            "PATH_INFO": unquote_to_bytes(name).decode("latin-1"),
            "QUERY_STRING": query,
            "RAW_URI": path,
        }
        asked = {"Origin": ORIGIN, "X-Echo": "echoed", "Referer": "http://echoed.example/"}
        with guest.get("/", environ_overrides=environ, headers=asked) as response:
            found, kind = dict(response.headers), (response.status_code, response.mimetype or "")
            assert len(found) == len(response.headers), path
        assert "echoed" not in str(found), path
        assert kind == EXPECTED.get(path, kind), path
        for header, value in found.items():
            wanted = (_ALWAYS | _SOMETIMES).get(header)
            assert wanted is not None, (path, header)
            assert re.fullmatch(wanted, value), (path, header, value)
        is_open = bool(origins) and (name.startswith("/api/") or kind == (200, "text/css"))
        told = {"Access-Control-Allow-Origin", "Access-Control-Expose-Headers"} if is_open else set()
        besides = set(found) - set(_ALWAYS)
        assert told <= besides, path
        assert ("Origin" in found.get("Vary", "")) == is_open, path
        if found.get("Vary") == "Origin":
            besides.remove("Vary")
        assert set(_ALWAYS) <= set(found), path
        assert besides - told in _BESIDES[kind], (path, kind, besides)

"""Pages of somebody else that hold the search element: a server for them, and one for the archive."""

from __future__ import annotations

import mimetypes
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import webui

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

SCRIPT = Path(webui.__file__).parent / "static" / "nutgraf-search.js"


def host(pages: Mapping[str, str], folder: Path | None = None, policy: str = "") -> WSGIApplication:
    """A site with these pages, a copy of the element's script, and the files of `folder` under /modules/."""

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        file = folder / path.removeprefix("/modules/") if folder and path.startswith("/modules/") else None
        if path == "/nutgraf-search.js":
            file = SCRIPT
        if path not in pages and not (file and file.is_file()):
            start_response("404 Not Found", [("Content-Type", "text/plain")])
            return [b""]
        body = file.read_bytes() if file else pages[path].encode()
        kind = mimetypes.guess_type(path)[0] or "text/html"
        headers = [("Content-Type", f"{kind}; charset=utf-8"), ("Content-Length", str(len(body)))]
        if policy:
            headers.append(("Content-Security-Policy", policy))
        start_response("200 OK", headers)
        return [body]

    return answer


def document(body: str, *, head: str = "", attributes: str = 'lang="en"') -> str:
    """A page that somebody else wrote around `body`, with the element's script."""
    return (
        f"<!doctype html><html {attributes}><head><meta charset=utf-8><title>Host</title>"
        '<meta name=viewport content="width=device-width"><link rel=icon href="data:,">'
        f"{head}<script src=/nutgraf-search.js defer></script></head><body>{body}</body></html>"
    )


def origin(address: str) -> str:
    """The origin of an address, without the slash at its end."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"


def allowing(app: WSGIApplication, allowed: str) -> WSGIApplication:
    """An archive that lets pages of the origin `allowed` read it."""

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        def start(status: str, headers: list[tuple[str, str]], *rest: object) -> object:
            return start_response(status, [*headers, ("Access-Control-Allow-Origin", allowed)], *rest)  # type: ignore[arg-type]

        return app(environ, start)  # type: ignore[arg-type]

    return answer

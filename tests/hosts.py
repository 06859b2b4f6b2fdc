"""Pages of somebody else that hold the search element: a server for them, and one for the archive."""

from __future__ import annotations

import mimetypes
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import webui

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

SCRIPT = Path(webui.__file__).parent / "static" / "nutgraf-search.js"


def host(pages: Mapping[str, str], policy: str = "") -> WSGIApplication:
    """A site with these pages and scripts, and a copy of the element's own script."""
    texts = {"/nutgraf-search.js": SCRIPT.read_text(encoding="utf-8"), **pages}

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if path not in texts:
            start_response("404 Not Found", [("Content-Type", "text/plain")])
            return [b""]
        body = texts[path].encode()
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


def bundle(folder: Path, program: str) -> str:
    """One script of `program` and the CommonJS modules under `folder` that it requires, without eval."""
    modules: dict[str, str] = {}

    def find(name: str, beside: Path) -> Path:
        at = (beside if name.startswith(".") else folder) / name
        return next(path for path in (at, at.with_name(at.name + ".js"), at / "index.js") if path.is_file())

    def add(text: str, beside: Path) -> str:
        def number(match: re.Match[str]) -> str:
            # What is for developing only is named in a branch that is never taken.
            if "development" in match[2]:
                return "null"
            path = find(match[2], beside).resolve()
            if str(path) not in modules:
                modules[str(path)] = ""
                modules[str(path)] = add(path.read_text(encoding="utf-8"), path.parent)
            return f"require({list(modules).index(str(path))})"

        return re.sub(r"""require\((['"])(.*?)\1\)""", number, text)

    program = add(program, folder)
    bodies = ",\n".join(f"(module, exports) => {{{text}\n}}" for text in modules.values())
    return f"""(() => {{
        const process = {{ env: {{ NODE_ENV: "production" }} }}, found = [], modules = [{bodies}];
        const require = (n) => {{
            if (!found[n]) modules[n](found[n] = {{ exports: {{}} }}, found[n].exports);
            return found[n].exports;
        }};
        {program}
    }})();"""

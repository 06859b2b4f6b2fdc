"""The pages of the whole site for what no view answers: unknown addresses and failures."""

from __future__ import annotations

import logging
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, Response, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException, InternalServerError

from webui.api import problem
from webui.headers import set_cors, set_methods, set_security
from webui.mount import EXTENSION, Mount
from webui.views import error_page

logger = logging.getLogger(__name__)


class Site(Flask):
    """The application of `create_app`. A copy in another process is made anew from the configuration."""

    def __reduce__(self) -> tuple[Any, ...]:
        # Here, because the package imports this module.
        from webui import create_app

        mount: Mount = self.extensions[EXTENSION][EXTENSION]
        return create_app, (mount.index.config,)


def add_error_pages(app: Flask) -> None:
    """Give an application that belongs to Nutgraf alone the error pages of the blueprint."""
    mount: Mount = app.extensions[EXTENSION][EXTENSION]

    @app.errorhandler(HTTPException)
    def answer_http_error(error: HTTPException) -> ResponseReturnValue:
        status = error.code or 500
        if isinstance(error, InternalServerError):
            error = InternalServerError("Something went wrong here. The log of the server says what.")
        text = "There is nothing at this address." if status == 404 else error.description or error.name
        if request.path.startswith("/api/"):
            response = problem(status, text)
        else:
            response = error_page(mount, status, error.name, text, base=request.script_root + "/")
            response.headers["Cache-Control"] = "no-store"
        for name, value in error.get_headers():
            if name.lower() in ("allow", "retry-after"):
                response.headers[name] = value
        return response

    @app.after_request
    def finish(response: Response) -> Response:
        """Headers for what no view answers, too; and no redirect says which host it was asked at."""
        set_security(response.headers, mount.index.config)
        if request.path.startswith("/api/"):
            set_methods(response)
            set_cors(response, mount.index.config)
        if response.location:
            parts = urlsplit(response.location)
            path = "/" + parts.path.lstrip("/")
            response.location = path + (f"?{parts.query}" if parts.query else "")
            # Nor does its text, which only people without a browser would see.
            response.set_data(b"")
        return response

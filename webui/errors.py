"""Errors over HTTP: the status and the texts of each, and problem details for programs (RFC 9457)."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Response
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException
from werkzeug.http import HTTP_STATUS_CODES

from indexer.errors import (
    ArticleMissing,
    IndexBuilding,
    IndexDamaged,
    IndexMissing,
    IndexOutdated,
    IndexUnavailable,
    InvalidRequest,
    NutgrafError,
)
from webui.answers import Problem, as_bytes
from webui.caching import no_store
from webui.parameters import PARAMETER_NAMES
from webui.translations import N_


@dataclass(frozen=True, slots=True)
class ErrorText:
    """The status of an error and what its page says, as English texts that the template translates.

    `explanation` is for the reader, `remedy` and `command` are for the administrator. Without an explanation
    the message of the error says everything.
    """

    status: int
    heading: str
    explanation: str = ""
    remedy: str = ""
    command: str = "nutgraf doctor --fix"


# The first class that fits counts.
_TEXTS: dict[type[NutgrafError], ErrorText] = {
    ArticleMissing: ErrorText(404, N_("There is no such article")),
    InvalidRequest: ErrorText(400, N_("This search is not valid")),
    IndexBuilding: ErrorText(
        503,
        N_("The index is being built"),
        N_("The articles are being read for the first time. This page looks again by itself."),
    ),
    IndexMissing: ErrorText(
        503,
        N_("There is no index yet"),
        N_("No articles have been indexed yet, so there is nothing to search."),
        N_("The administrator can create the index with {command}."),
        "nutgraf index FOLDER",
    ),
    IndexDamaged: ErrorText(
        503,
        N_("The index is damaged"),
        N_("A part of the index is damaged. To avoid wrong results, no search is answered."),
        N_("The articles are not affected. The administrator can repair the index with {command}."),
    ),
    IndexOutdated: ErrorText(
        503,
        N_("The index has to be rebuilt"),
        N_("The index was made by another version of this program or with other settings."),
        N_("The articles are not affected. The administrator can repair the index with {command}."),
    ),
    IndexUnavailable: ErrorText(
        503,
        N_("The index does not answer"),
        N_("The index is on other machines, which do not answer for now."),
        N_("The administrator can find the cause with {command}."),
        "nutgraf doctor",
    ),
    NutgrafError: ErrorText(503, N_("The index is unavailable")),
}


def describe_error(error: NutgrafError) -> ErrorText:
    """The status and the texts for an error of the library."""
    return next(text for kind, text in _TEXTS.items() if isinstance(error, kind))


def problem(status: int, detail: str) -> Response:
    """A response of type application/problem+json."""
    answer = Problem(type="about:blank", title=HTTP_STATUS_CODES[status], status=status, detail=detail)
    return no_store(Response(as_bytes(answer), status, mimetype="application/problem+json"))


def copy_headers(error: HTTPException, response: Response) -> Response:
    """Give a response the headers of an error that tell a client what to do."""
    for name, value in error.get_headers():
        if name.lower() in ("allow", "retry-after"):
            response.headers[name] = value
    return response


def answer_with_problem(error: NutgrafError) -> ResponseReturnValue:
    """Handle an error of the library in a blueprint for programs."""
    if isinstance(error, InvalidRequest):
        error = error.rename_field(PARAMETER_NAMES)
    return problem(describe_error(error).status, str(error))


def answer_http_error_with_problem(error: HTTPException) -> ResponseReturnValue:
    """Handle an HTTP error in a blueprint for programs; the application handles failures of the server."""
    if error.code is None or error.code >= 500:
        return error
    return copy_headers(error, problem(error.code, error.description or error.name))

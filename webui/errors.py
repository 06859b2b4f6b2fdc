"""What is said when no answer can be given: the status, what is wrong, and what mends it."""

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
    InvalidRequest,
    NutgrafError,
)
from webui.caching import not_kept
from webui.translations import N_
from webui.wire import Problem, as_bytes

_ERRORS: tuple[tuple[type[NutgrafError], int, str], ...] = (
    (ArticleMissing, 404, N_("There is no such article")),
    (InvalidRequest, 400, N_("This search is not valid")),
    (IndexBuilding, 503, N_("The index is being built")),
    (IndexMissing, 503, N_("There is no index yet")),
    (IndexDamaged, 503, N_("The index is damaged")),
    (IndexOutdated, 503, N_("The index has to be rebuilt")),
    (NutgrafError, 503, N_("The index is unavailable")),
)
# What a page says about a failure: what it is, for the reader, and what mends it, for the keeper.
_EXPLANATIONS: tuple[tuple[type[NutgrafError], str, str], ...] = (
    (
        IndexBuilding,
        N_("The articles are being read for the first time. This page looks again by itself."),
        "",
    ),
    (
        IndexMissing,
        N_("No articles have been indexed yet, so there is nothing to search."),
        N_("The administrator can create the index with {command}."),
    ),
    (
        IndexDamaged,
        N_("A part of the index is damaged. To avoid wrong results, no search is answered."),
        N_("The articles are not affected. The administrator can repair the index with {command}."),
    ),
    (
        IndexOutdated,
        N_("The index was made by another version of this program or with other settings."),
        N_("The articles are not affected. The administrator can repair the index with {command}."),
    ),
)
_COMMANDS: tuple[tuple[type[NutgrafError], str], ...] = (
    (IndexMissing, "nutgraf index FOLDER"),
    (NutgrafError, "nutgraf doctor --fix"),
)


@dataclass(frozen=True, slots=True)
class Explanation:
    """What is wrong with an index, and how it is mended: texts to translate, and the command."""

    what: str
    remedy: str
    command: str


def explanation_of(error: NutgrafError) -> Explanation | None:
    """What a page says about an index that cannot be used; None where the message says it all."""
    for kind, what, remedy in _EXPLANATIONS:
        if isinstance(error, kind):
            command = next(command for kind, command in _COMMANDS if isinstance(error, kind))
            return Explanation(what, remedy, command)
    return None


def status_of(error: NutgrafError) -> int:
    """The HTTP status that tells of an error."""
    return next(status for kind, status, _ in _ERRORS if isinstance(error, kind))


def heading_of(error: NutgrafError) -> str:
    """What an error page is called."""
    return next(heading for kind, _, heading in _ERRORS if isinstance(error, kind))


def problem(status: int, detail: str) -> Response:
    """An error as application/problem+json."""
    answer = Problem(type="about:blank", title=HTTP_STATUS_CODES[status], status=status, detail=detail)
    response = Response(as_bytes(answer), status, mimetype="application/problem+json")
    return not_kept(response)


def answer_with_problem(error: NutgrafError) -> ResponseReturnValue:
    """What the library refused, with the status that fits."""
    return problem(status_of(error), str(error))


def answer_http_error_with_problem(error: HTTPException) -> ResponseReturnValue:
    """What HTTP itself refuses."""
    if error.code is None or error.code >= 500:
        return error
    response = problem(error.code, error.description or error.name)
    for name, value in error.get_headers():
        if name.lower() in ("allow", "retry-after"):
            response.headers[name] = value
    return response

"""How a view of the API is declared: its parameters are checked and described from one list."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from flask import Response, request
from flask.typing import ResponseReturnValue

from indexer.errors import NutgrafError
from webui.headers import entity_tag, kept
from webui.mount import current_mount
from webui.parameters import NAMED, Parameter, check_names
from webui.wire import Answer

View = Callable[..., ResponseReturnValue]
# The declared views by the name of their endpoint in the blueprint.
OPERATIONS: dict[str, Operation] = {}


@dataclass(frozen=True, slots=True)
class Operation:
    """What the description says of a view."""

    name: str
    summary: str
    answer: type[Answer]
    parameters: tuple[Parameter, ...]
    formats: Mapping[str, dict[str, Any]] = field(default_factory=dict)
    """Other media types that it answers with, and their schemas."""


def operation(
    answer: type[Answer], *parameters: Parameter, formats: Mapping[str, dict[str, Any]] | None = None
) -> Callable[[View], View]:
    """Declare a view that answers with `answer` as JSON and takes these parameters and no others.

    Its answers may be kept by clients, who ask each time whether they still stand.
    """

    def declare(view: View) -> View:
        summary = " ".join((view.__doc__ or "").partition("\n\n")[0].split())
        OPERATIONS[view.__name__] = Operation(view.__name__, summary, answer, parameters, formats or {})

        @functools.wraps(view)
        def checked(**named: Any) -> ResponseReturnValue:
            in_path = named.get("name") is not None
            check_names(request.args.lists(), [p for p in parameters if not (in_path and p is NAMED)])
            tag = _tag()

            def answer() -> Response:
                response = view(**named)
                assert isinstance(response, Response)
                return response

            response = kept(tag, answer) if tag else answer()
            response.vary.add("Accept")
            return response

        return checked

    return declare


def _tag() -> str:
    try:
        return entity_tag(
            current_mount().index,
            request.script_root + request.path,
            request.query_string.decode("latin-1"),
            request.headers.get("Accept", ""),
            # Feeds have addresses with the host in them.
            request.host,
        )
    except NutgrafError:
        # There is nothing to search: what to say of that is the view's to find out.
        return ""

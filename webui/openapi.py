"""The OpenAPI 3.1 description of the API, made from its views.

The decorator `operation` declares the parameters and the answer of a view, and reads them from requests.
`describe` makes the description of all declared views.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from flask import Response, request
from flask.typing import ResponseReturnValue

from indexer.results import Result, make_schemas
from webui.answers import Problem, Row
from webui.caching import conditional_response, request_tag
from webui.export import MEDIA_TYPES
from webui.parameters import ID, ID_IN_PATH, IF_NONE_MATCH, Parameter, read_parameters

View = Callable[..., ResponseReturnValue]
# The declared views by name.
OPERATIONS: dict[str, Operation] = {}


@dataclass(frozen=True, slots=True)
class Operation:
    """A declared view."""

    name: str
    summary: str
    answer: type[Result]
    parameters: tuple[Parameter, ...]
    formats: Mapping[str, dict[str, Any]] = field(default_factory=dict)
    """Schemas of other media types that the view answers with."""


def operation(
    answer: type[Result], *parameters: Parameter, formats: Mapping[str, dict[str, Any]] | None = None
) -> Callable[[View], View]:
    """Declare a view that answers with `answer` as JSON and accepts only these parameters.

    The view is called with their values by the names of their fields. Its responses have ETags.
    """

    def declare(view: View) -> View:
        summary = " ".join((view.__doc__ or "").partition("\n\n")[0].split())
        OPERATIONS[view.__name__] = Operation(view.__name__, summary, answer, parameters, formats or {})

        @functools.wraps(view)
        def checked(**named: Any) -> ResponseReturnValue:
            in_path = named.get("name") is not None
            values = read_parameters(request.args, [p for p in parameters if not (in_path and p is ID)])
            tag = request_tag()

            def answer() -> Response:
                response = view(values, **named)
                assert isinstance(response, Response)
                return response

            response = conditional_response(tag, answer) if tag else answer()
            response.vary.add("Accept")
            return response

        return checked

    return declare


VERSION = "1"
# The paths of each view under /api. The id of an article is in the path, or in a parameter.
PATHS = {
    "search": ("/search",),
    "suggest": ("/suggest",),
    "timeline": ("/timeline",),
    "article": ("/articles/{id}", "/articles/"),
    "similar": ("/similar/{id}", "/similar/"),
    "status": ("/status",),
}
_PROBLEM = "application/problem+json"
# Errors of any request. Status 500 is not described: the host application answers it.
_REFUSALS = {
    "400": "A parameter is invalid; the detail says how.",
    "404": "There is no such article.",
    "413": "The request has a large body; it needs none.",
    "414": "The URL is too long.",
    "421": "The site does not answer for the host name of the request.",
    "431": "There are too many headers, or they are too large.",
    "503": "The index is missing, damaged, being built or out of reach; or the rows were not complete in "
    "time, and a part of them is never sent; or another export is in progress.",
}
_HEADERS = {
    "ETag": ("A weak ETag, valid until the next commit.", "string"),
    "Cache-Control": ("The client may store the response, and has to revalidate it.", "string"),
    "Vary": ("Headers of the request that the response depends on.", "string"),
    "Content-Disposition": ("The file name of rows.", "string"),
    "Location": ("The URL to request instead.", "string"),
    "Retry-After": ("Seconds after which to retry.", "integer"),
}
_INTRODUCTION = (
    "Full-text search over dated articles that lands on the paragraph. Responses contain text and spans, "
    "never HTML. Spans count code points. Every response has an ETag for If-None-Match, unless the search "
    "timed out. Errors are Problems."
)


@functools.cache
def describe() -> dict[str, Any]:
    """The OpenAPI document, without `servers`."""
    answers = [one.answer for one in OPERATIONS.values()]
    references, parts = make_schemas(*answers, Row, Problem, ref_template="#/components/schemas/{name}")
    by_answer = dict(zip(answers, references, strict=False))
    return {
        "openapi": "3.1.0",
        "info": {"title": "Nutgraf", "version": VERSION, "description": _INTRODUCTION},
        "paths": {
            **{
                path: {"get": _operation(OPERATIONS[name], path, by_answer[OPERATIONS[name].answer])}
                for name, paths in PATHS.items()
                for path in paths
            },
            "/openapi.json": {
                "get": {
                    "operationId": "openapi",
                    "summary": "This OpenAPI description.",
                    "parameters": [_parameter(IF_NONE_MATCH)],
                    "responses": _responses(
                        {"application/json": {"schema": {"type": "object"}}}, "404", "503"
                    ),
                }
            },
        },
        "components": {
            "schemas": parts,
            "responses": {
                name: {
                    "description": text,
                    **({"headers": _headers("Retry-After")} if name == "503" else {}),
                    "content": {_PROBLEM: {"schema": references[-1]}},
                }
                for name, text in _REFUSALS.items()
            },
            "headers": {
                name: {"description": text, "schema": {"type": kind}}
                for name, (text, kind) in _HEADERS.items()
            },
        },
    }


def _operation(one: Operation, path: str, answer: dict[str, Any]) -> dict[str, Any]:
    named = [ID_IN_PATH] if "{id}" in path else [ID] if path.endswith("/") else []
    parameters = [*named, *(p for p in one.parameters if p is not ID), IF_NONE_MATCH]
    content = {"application/json": {"schema": answer}}
    content |= {media: {"schema": schema} for media, schema in one.formats.items()}
    responses = _responses(content, *(() if named else ("404",)))
    if named:
        text = "The article has another id now: the same request with that."
        responses["308"] = {"description": text, "headers": _headers("Location", "Cache-Control")}
    return {
        "operationId": one.name + ("ByParameter" if path.endswith("/") else ""),
        "summary": one.summary,
        "parameters": [_parameter(parameter) for parameter in parameters],
        "responses": responses,
    }


def _responses(content: dict[str, Any], *never: str) -> dict[str, Any]:
    rows = ("Content-Disposition",) if MEDIA_TYPES["csv"] in content else ()
    return {
        "200": {
            "description": "The response.",
            "headers": _headers("ETag", "Cache-Control", "Vary", *rows),
            "content": content,
        },
        "304": {
            "description": "The response that the client has is current.",
            "headers": _headers("ETag", "Cache-Control", "Vary"),
        },
        **{
            status: {"$ref": f"#/components/responses/{status}"}
            for status in _REFUSALS
            if status not in never
        },
    }


def _headers(*names: str) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _parameter(parameter: Parameter) -> dict[str, Any]:
    stated: dict[str, Any] = {
        "name": parameter.name,
        "in": parameter.place,
        "required": parameter.required,
        "description": parameter.text,
        "schema": parameter.schema,
    }
    if parameter.repeated:
        stated |= {"style": "form", "explode": True}
    if parameter.example is not None:
        stated["example"] = parameter.example
    return stated


def describe_schema(schema: dict[str, Any]) -> str:
    """The values that a schema allows, in a few words."""
    if "$ref" in schema:
        return str(schema["$ref"].rpartition("/")[2])
    if "enum" in schema:
        words = ", ".join(str(value) for value in schema["enum"] if value is not None)
        return f"{words} or null" if None in schema["enum"] else words
    if "anyOf" in schema and "type" not in schema:
        return " or ".join(describe_schema(one) for one in schema["anyOf"])
    kind = str(schema.get("type", "anything"))
    if "prefixItems" in schema:
        return f"list of {' and '.join(map(describe_schema, schema['prefixItems']))}"
    if kind == "array":
        return f"list of {describe_schema(schema['items'])}" if "items" in schema else "list"
    if kind == "object" and "additionalProperties" in schema:
        return f"names, each with {describe_schema(schema['additionalProperties'])}"
    if "minimum" in schema and "maximum" in schema:
        return f"{kind}, {schema['minimum']:,} to {schema['maximum']:,}"
    if "maxLength" in schema:
        return f"{kind}, up to {schema['maxLength']:,} characters"
    return kind

"""The description of the API (OpenAPI 3.1), made from its views, and the page that shows it.

A view is declared with `operation`, which checks its parameters and remembers what `describe` says of it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from flask import Response, request
from flask.typing import ResponseReturnValue

from webui.caching import kept, request_tag
from webui.export import MEDIA_TYPES
from webui.parameters import ARTICLE, KNOWN, NAMED, Parameter, check_names
from webui.wire import Answer, Problem, Row, schemas

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
            tag = request_tag()

            def answer() -> Response:
                response = view(**named)
                assert isinstance(response, Response)
                return response

            response = kept(tag, answer) if tag else answer()
            response.vary.add("Accept")
            return response

        return checked

    return declare


VERSION = "1"
# Where each view stands, under /api; an article's id stands in the path, or else in a parameter.
PATHS = {
    "search": ("/search",),
    "suggest": ("/suggest",),
    "timeline": ("/timeline",),
    "article": ("/articles/{id}", "/articles/"),
    "similar": ("/similar/{id}", "/similar/"),
    "status": ("/status",),
}
_PROBLEM = "application/problem+json"
# What can come of any request. A failure of the program itself (500) is not promised, nor its shape where the
# search is part of an application, which has its own way to tell of failures.
_REFUSALS = {
    "400": "A parameter has no meaning: what was wanted, and what was found.",
    "404": "There is no such article.",
    "413": "There is a body, and a large one: none is wanted.",
    "414": "The address is too long.",
    "421": "The site does not answer by the host name that it was asked at.",
    "431": "There are too many headers, or they are too large.",
    "503": "There is no index that can be searched: it is missing, damaged or being built; or not "
    "all rows were found in time, and a part of them is never sent; or another export is in progress.",
}
_HEADERS = {
    "ETag": ("Stands for this answer until something is committed; weak.", "string"),
    "Cache-Control": ("To be kept by the client alone, who asks each time.", "string"),
    "Vary": ("Headers of the request that the answer depends on, if any.", "string"),
    "Content-Disposition": ("The name of a file, for rows.", "string"),
    "Retry-After": ("Seconds after which to ask again.", "integer"),
}
_INTRODUCTION = (
    "Full-text search over dated articles that lands on the paragraph. Text and spans come out, never HTML. "
    "Spans count code points. Every answer has an ETag, unless it was cut; ask again with If-None-Match. "
    "What is refused is told as a Problem."
)


@functools.cache
def describe() -> dict[str, Any]:
    """The whole document, without the address that it is served at."""
    answers = [one.answer for one in OPERATIONS.values()]
    references, parts = schemas(*answers, Row, Problem)
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
                    "summary": "This description.",
                    "parameters": [_parameter(KNOWN)],
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
    named = [ARTICLE] if "{id}" in path else [NAMED] if path.endswith("/") else []
    parameters = [*named, *(p for p in one.parameters if p is not NAMED), KNOWN]
    content = {"application/json": {"schema": answer}}
    content |= {media: {"schema": schema} for media, schema in one.formats.items()}
    return {
        "operationId": one.name + ("ByParameter" if path.endswith("/") else ""),
        "summary": one.summary,
        "parameters": [_parameter(parameter) for parameter in parameters],
        "responses": _responses(content, *(() if named else ("404",))),
    }


def _responses(content: dict[str, Any], *never: str) -> dict[str, Any]:
    rows = ("Content-Disposition",) if MEDIA_TYPES["csv"] in content else ()
    return {
        "200": {
            "description": "The answer.",
            "headers": _headers("ETag", "Cache-Control", "Vary", *rows),
            "content": content,
        },
        "304": {
            "description": "What the client has still stands.",
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


@dataclass(frozen=True, slots=True)
class Value:
    """A parameter or a field of an answer: its name, what it may be, and what it means."""

    name: str
    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One address of the API."""

    path: str
    summary: str
    parameters: tuple[Value, ...]
    answer: str
    others: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Shape:
    """One object that answers are made of."""

    name: str
    summary: str
    fields: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Entries:
    """Everything that the page says."""

    introduction: str
    addresses: tuple[Entry, ...]
    shapes: tuple[Shape, ...]
    refusals: tuple[tuple[str, str], ...]
    """Statuses of refusals, and when they come."""


def entries() -> Entries:
    """What the description says, in its order."""
    document = describe()
    return Entries(
        document["info"]["description"],
        tuple(_entry(f"api{path}", methods["get"]) for path, methods in document["paths"].items()),
        tuple(_shape(name, schema) for name, schema in document["components"]["schemas"].items()),
        tuple((status, told["description"]) for status, told in document["components"]["responses"].items()),
    )


def _entry(path: str, stated: dict[str, Any]) -> Entry:
    content = stated["responses"]["200"]["content"]
    return Entry(
        path,
        # A page of plain text: no marks for code.
        stated["summary"].replace("`", ""),
        tuple(
            Value(one["name"], _accepted(one["schema"]), one["description"].replace("`", ""))
            for one in stated["parameters"]
        ),
        _kind(content["application/json"]["schema"]),
        tuple(media for media in content if media != "application/json"),
    )


def _shape(name: str, schema: dict[str, Any]) -> Shape:
    return Shape(
        name,
        schema.get("description", "").replace("`", ""),
        tuple(
            Value(field, _kind(inner), inner.get("description", "").replace("`", ""))
            for field, inner in schema.get("properties", {}).items()
        ),
    )


def _accepted(schema: dict[str, Any]) -> str:
    """What a parameter may be, and what it is where it is left out."""
    usual = schema.get("default", "")
    return _kind(schema) + (f" (unless given: {usual})" if usual != "" else "")


def _kind(schema: dict[str, Any]) -> str:
    """What a schema admits, in a few words."""
    if "$ref" in schema:
        return str(schema["$ref"].rpartition("/")[2])
    if "enum" in schema:
        words = ", ".join(str(value) for value in schema["enum"] if value is not None)
        return f"{words} or null" if None in schema["enum"] else words
    if "anyOf" in schema and "type" not in schema:
        return " or ".join(_kind(one) for one in schema["anyOf"])
    kind = str(schema.get("type", "anything"))
    if kind == "array":
        return f"list of {_kind(schema['items'])}" if "items" in schema else "list"
    if kind == "object" and "additionalProperties" in schema:
        return f"names, each with {_kind(schema['additionalProperties'])}"
    if "minimum" in schema and "maximum" in schema:
        return f"{kind}, {schema['minimum']:,} to {schema['maximum']:,}"
    if "maxLength" in schema:
        return f"{kind}, up to {schema['maxLength']:,} characters"
    return kind

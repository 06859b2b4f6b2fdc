"""The description of the API (OpenAPI 3.1), made from its views, their parameters and its answers."""

from __future__ import annotations

import functools
from typing import Any

from webui.exports import MEDIA_TYPES
from webui.operation import OPERATIONS, Operation
from webui.parameters import ARTICLE, KNOWN, NAMED, Parameter
from webui.wire import Problem, Row, schemas

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

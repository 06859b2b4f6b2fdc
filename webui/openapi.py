"""The description of the API (OpenAPI 3.1), made from its views, their parameters and its answers."""

from __future__ import annotations

import functools
from typing import Any

from webui.operation import OPERATIONS, Operation
from webui.parameters import ARTICLE, NAMED, Parameter
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
_PROBLEM = {"$ref": "#/components/responses/Problem"}
_INTRODUCTION = (
    "Full-text search over dated articles that lands on the paragraph. Text and spans come out, never HTML. "
    "Spans count code points. Every answer has an ETag; ask again with If-None-Match."
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
                    "responses": {
                        "200": {
                            "description": "The answer.",
                            "content": {"application/json": {"schema": {"type": "object"}}},
                        },
                        "304": {"description": "What the client has still stands."},
                        "4XX": _PROBLEM,
                    },
                }
            },
        },
        "components": {
            "schemas": parts,
            "responses": {
                "Problem": {
                    "description": "What was wanted, what was found, what to do.",
                    "content": {"application/problem+json": {"schema": references[-1]}},
                }
            },
        },
    }


def _operation(one: Operation, path: str, answer: dict[str, Any]) -> dict[str, Any]:
    named = [ARTICLE] if "{id}" in path else [NAMED] if path.endswith("/") else []
    parameters = [*named, *(p for p in one.parameters if p is not NAMED)]
    content = {"application/json": {"schema": answer}}
    content |= {media: {"schema": schema} for media, schema in one.formats.items()}
    return {
        "operationId": one.name + ("ByParameter" if path.endswith("/") else ""),
        "summary": one.summary,
        "parameters": [_parameter(parameter) for parameter in parameters],
        "responses": {
            "200": {"description": "The answer.", "content": content},
            "304": {"description": "What the client has still stands."},
            "400": _PROBLEM,
            "4XX": _PROBLEM,
            "503": _PROBLEM,
            **({"404": _PROBLEM} if named else {}),
        },
    }


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

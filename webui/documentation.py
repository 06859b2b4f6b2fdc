"""The description of the API as its page shows it: plain values for a template."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from webui.openapi import describe


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

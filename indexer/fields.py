"""Custom fields: the types that the configuration declares, and the values of articles in them.

To add a type: here `FieldKind`, `EXPECTED` and `_CONVERTERS`; in `query.values`, how a value is typed (the
parser does not know the language of the page); in `engine.format.columns`, whether values are `NAMED` or
numbers; in `opensearch.mapping` and `opensearch.documents`, what a cluster indexes; in `readers.records`,
whether a text has several values; in `webui.translations` (`value_text`), how a value is shown; its row in
the table of `webui/guide/configuration.md`, and `tests/contract/test_fields.py`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Literal, get_args

from msgspec import UNSET, Struct, UnsetType, ValidationError, convert, structs

from indexer.article import PROPERTIES, Article, FieldValue, Published
from indexer.errors import InvalidArticle, quote_value

__all__ = ["FieldType"]

ColumnKind = Literal["keyword", "integer", "number", "date", "boolean"]
"""The types of fields whose values are filtered and counted as a whole."""
FieldKind = Literal[ColumnKind, "text"]
KINDS: tuple[FieldKind, ...] = get_args(FieldKind)
MAX_WEIGHT = 100
"""The highest weight of a text."""
_TAKEN_NAMES = frozenset(
    (
        *(name for known in PROPERTIES.values() for name in known.names),
        *("title", "text", "date", "published", "paragraph", "paragraphs", "notes", "encoding", "path"),
        *("since", "until", "before", "after", "year", "month", "day", "week", "undated", "url", "anchor"),
        *("headline", "body", "on", "filter", "page", "page_number"),
    )
)
"""The names of what every article has, and of filters and facets: no custom field may be called so."""
_NAME = re.compile(r"[a-z][a-z0-9_]{0,31}")
_TRUE, _FALSE = ("true", "yes", "1"), ("false", "no", "0")
EXPECTED: Mapping[FieldKind, str] = {
    "keyword": "text or a list of texts",
    "integer": "a whole number",
    "number": "a number",
    "date": "an ISO date such as 2021, 2021-11 or 2021-11-05",
    "boolean": "true or false",
    "text": "text",
}
"""The valid values of each type of field, for messages."""


class FieldType(Struct, frozen=True, forbid_unknown_fields=True):
    """The type of a custom field.

    A keyword is one text or several, each of which is matched as a whole. With `facet`, the values can be
    counted; those of a date by their years. A text is searched word by word, as the paragraphs are: each of
    its words counts `weight` times, from above 0 to 100 (default: 1). The weight that is declared when an
    index is opened counts, so that another one needs no rebuild.
    """

    type: FieldKind
    facet: bool = False
    # A whole number has to be read as it is stored.
    weight: int | float | UnsetType = UNSET

    def without_weight(self) -> FieldType:
        """Return the type without its weight, which does not change the stored index."""
        return structs.replace(self, weight=UNSET)


def parse_fields(given: object) -> dict[str, FieldType]:
    """Return the declared fields by name; raises ValueError, saying what must be otherwise."""
    if not isinstance(given, Mapping):
        raise ValueError(  # noqa: TRY004 - the caller names the option, whatever is wrong with it
            'must be a table of names and types, such as desk = { type = "keyword" }'
        )
    declared: dict[str, FieldType] = {}
    for name, settings in given.items():
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise ValueError(
                f"{name!r} must be a name of small letters, digits and _ that begins with a letter"
            )
        if name in _TAKEN_NAMES:
            raise ValueError(f"{name} is taken: articles have that, or searches do; choose another name")
        try:
            kind = settings if isinstance(settings, FieldType) else convert(settings, FieldType)
        except ValidationError as error:
            raise ValueError(
                f"{name} must be a table with a type ({', '.join(KINDS)}), and maybe facet (true or false) "
                f"or weight (a number): {error}"
            ) from error
        if kind.facet and kind.type in ("number", "text"):
            raise ValueError(f"{name}: a field of type {kind.type} cannot be a facet")
        if kind.weight is not UNSET:
            if kind.type != "text":
                raise ValueError(f"{name}: only a field of type text has a weight")
            if not 0 < kind.weight <= MAX_WEIGHT:
                raise ValueError(f"{name}: weight must be a number above 0, up to {MAX_WEIGHT}")
        declared[name] = kind
    return declared


def list_weights(fields: Mapping[str, FieldType]) -> dict[str, float]:
    """Return how many times each word of a text counts, by the names of the fields that are texts."""
    return {
        name: 1.0 if kind.weight is UNSET else kind.weight
        for name, kind in fields.items()
        if kind.type == "text"
    }


def use_weights(stored: Mapping[str, FieldType], declared: Mapping[str, FieldType]) -> dict[str, FieldType]:
    """Return the stored types, those of declared fields with the weights that are declared now."""
    return {
        name: structs.replace(kind, weight=declared[name].weight)
        if kind.type == "text" and name in declared
        else kind
        for name, kind in stored.items()
    }


def is_field_name(name: str) -> bool:
    """Whether a custom field may have this name."""
    return _NAME.fullmatch(name) is not None and name not in _TAKEN_NAMES


def format_number(number: float) -> str:
    """Return a number as it is typed, as short as it can be."""
    return str(int(number)) if abs(number) < 2**53 and number == int(number) else repr(number)


def format_value(value: str | float | bool) -> str:
    """Return one value of a field as it is typed in a query."""
    if isinstance(value, bool):
        return str(value).lower()
    return value if isinstance(value, str) else format_number(value)


def convert_value(name: str, kind: FieldType, value: Any) -> FieldValue | None:
    """Return a value in the type of its field; None if it is empty.

    Texts are converted, since files often have nothing else. Raises InvalidArticle, naming the field.
    """
    if isinstance(value, str):
        value = value.strip()
    if value is None or value == "" or value == ():
        return None
    try:
        return _CONVERTERS[kind.type](value)
    except (ValueError, TypeError, OverflowError) as error:
        raise InvalidArticle(f"{name}: must be {EXPECTED[kind.type]}, not {quote_value(value)}") from error


def convert_fields(article: Article, declared: Mapping[str, FieldType]) -> Article:
    """Return an article with the values of its fields in their types.

    Raises InvalidArticle, naming the article and the field, for a field that is not declared and for a value
    of another type.
    """
    if not article.fields:
        return article
    for name in article.fields:
        if name not in declared:
            raise InvalidArticle(
                f"article {article.id!r}: {name!r} is not declared: add it to [fields] in nutgraf.toml"
            )
    values, problems = _convert_all(article.fields, declared)
    if problems:
        raise InvalidArticle(f"article {article.id!r}: fields: {problems[0]}")
    return replace(article, fields=values)


def drop_invalid_fields(article: Article, declared: Mapping[str, FieldType]) -> Article:
    """Return an article of a file with the values of its fields in their types, and without all others.

    A note of the article says so of a value of another type, but not of a field that is not declared.
    """
    if not article.fields:
        return article
    values, problems = _convert_all(article.fields, declared)
    return replace(article, fields=values, notes=(*article.notes, *(f"skipped {one}" for one in problems)))


def _convert_all(
    fields: Mapping[str, FieldValue], declared: Mapping[str, FieldType]
) -> tuple[dict[str, FieldValue], list[str]]:
    """The values of the declared fields in their types, and what is wrong with the others."""
    values, problems = {}, []
    for name, given in fields.items():
        if name in declared:
            try:
                value = convert_value(name, declared[name], given)
            except InvalidArticle as error:
                problems.append(str(error))
            else:
                if value is not None:
                    values[name] = value
    return values, problems


def _to_keywords(value: Any) -> tuple[str, ...]:
    values = value if isinstance(value, (list, tuple)) else (value,)
    if not all(isinstance(one, (str, int, float)) and not isinstance(one, bool) for one in values):
        raise ValueError("not keywords")
    return tuple(dict.fromkeys(text for one in values if (text := " ".join(str(one).split()))))


def _to_integer(value: Any) -> int:
    number = int(value)
    if isinstance(value, bool) or (isinstance(value, float) and value != number) or abs(number) >= 2**53:
        raise ValueError("no whole number")
    return number


def _to_number(value: Any) -> float:
    number = float(value)
    if isinstance(value, bool) or not abs(number) < float("inf"):
        raise ValueError("no number")
    return number


def _to_date(value: Any) -> str:
    return Published.parse(value).value


def read_boolean(value: object) -> bool:
    """Return whether a value says yes; raises ValueError if it says neither yes nor no."""
    word = str(value).lower()
    if word not in (*_TRUE, *_FALSE):
        raise ValueError("not a boolean")
    return word in _TRUE


def _to_text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("not a text")
    return value


_CONVERTERS: dict[FieldKind, Callable[[Any], FieldValue]] = {
    "keyword": _to_keywords,
    "integer": _to_integer,
    "number": _to_number,
    "date": _to_date,
    "boolean": read_boolean,
    "text": _to_text,
}

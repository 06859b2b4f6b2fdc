"""Values of custom fields → filters, whether they are typed in a query or given as an argument."""

from __future__ import annotations

import re
from datetime import date, datetime

from indexer.fields import FieldType, format_value, read_boolean
from indexer.query.dates import parse_period, parse_range
from indexer.query.tree import DateRange, Filter, FilterNode, NumberRange

_COMPARED = re.compile(r"(?P<sign>[<>]=?|=)\s*(?P<value>.+)", re.DOTALL)
_RANGE = re.compile(r"\s*(?:\.\.\.?|…)\s*")
# float() also accepts underscores, "nan" and the digits of every script.
_NUMBER = re.compile(
    r"[+-]?(?:[0-9]{1,300}(?:\.[0-9]{0,300})?|\.[0-9]{1,300})(?:e[+-]?[0-9]{1,3})?", re.IGNORECASE
)


def read_value(name: str, kind: FieldType, text: str, today: date, day_first: bool) -> FilterNode:
    """Return the filter for a value as it is typed after the name of a field; raises ValueError.

    Of numbers and dates it may be a range, 3..7, of which either side may be missing, or a bound, >=3.
    """
    if not text:
        raise ValueError("no value")
    if kind.type == "boolean":
        return Filter(name, format_value(read_boolean(text)))
    if kind.type in ("integer", "number"):
        return _read_numbers(name, text)
    if kind.type == "date":
        return _read_dates(name, text, today, day_first)
    return Filter(name, text)


def _read_numbers(name: str, text: str) -> NumberRange:
    if compared := _COMPARED.fullmatch(text):
        sign, number = compared["sign"], read_number(compared["value"])
        if sign == "=":
            return NumberRange(name, number, number)
        low, high = (number, None) if ">" in sign else (None, number)
        return NumberRange(name, low, high, is_strict="=" not in sign)
    first, *rest = _RANGE.split(text, maxsplit=1)
    if not rest:
        return NumberRange(name, read_number(first), read_number(first))
    low, high = (read_number(edge) if edge else None for edge in (first, rest[0]))
    if low is None and high is None:
        raise ValueError("a range needs a number on one side")
    if low is not None and high is not None and low > high:
        low, high = high, low
    return NumberRange(name, low, high)


def read_number(text: str) -> float:
    """Return a number as it is typed; raises ValueError."""
    if not _NUMBER.fullmatch(text):
        raise ValueError(f"not a number: {text!r}")
    number = float(text)
    if not abs(number) < float("inf"):
        raise ValueError(f"not a number: {text!r}")
    return number


def _read_dates(name: str, text: str, today: date, day_first: bool) -> DateRange:
    compared = _COMPARED.fullmatch(text)
    if not compared:
        return DateRange(*parse_range(text, today, day_first=day_first), name)
    start, end = parse_period(compared["value"], today, day_first=day_first)
    bounds: dict[str, tuple[datetime | None, datetime | None]] = {
        ">": (end, None),
        ">=": (start, None),
        "<": (None, start),
        "<=": (None, end),
        "=": (start, end),
    }
    return DateRange(*bounds[compared["sign"]], name)

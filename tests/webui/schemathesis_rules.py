"""What OpenAPI cannot say: which parameters do not go together. Requests that break this are not made.

Only of requests that keep to the description: those that break it have to be refused, whatever else they ask.
"""

from __future__ import annotations

from typing import Any

import schemathesis

from indexer.article import is_language
from indexer.results import FACETS

MAX_DEPTH = 10_000
# Of hits in one answer, but for rows.
MAX_LIMIT = 1000
# Of hits, where no limit is given.
PAGE_SIZE = 10
# The formats that come whole or not at all.
ROWS = ("csv", "jsonl")


@schemathesis.hook
def filter_case(context: Any, case: schemathesis.Case[Any]) -> bool:
    """Whether the parameters of a request go together."""
    if case.meta is not None and not case.meta.generation.mode.is_positive:
        return True
    asked = dict(case.query or {})
    if asked.get("half_life") is not None and asked.get("sort", "relevance") != "relevance":
        return False
    if asked.get("seconds") is not None and asked.get("format") in ROWS:
        # Rows that cannot all be found in so little time are refused (503), not cut.
        return False
    if not all(map(is_language, _list(asked, "language"))):
        # Of the codes that have the form of one, few are codes of languages.
        return False
    if _list(asked, "filter") or not set(FACETS).issuperset(_list(asked, "facet")):
        # Few texts are filters, and few names are fields of the archive.
        return False
    if asked.get("cursor"):
        # None can be made up: pages give them, for the same search only.
        return False
    try:
        offset, limit = int(asked.get("offset", 0)), int(asked.get("limit", PAGE_SIZE))
    except (TypeError, ValueError):
        return True
    if limit > MAX_LIMIT and asked.get("format") not in ROWS:
        return False
    return offset + limit <= MAX_DEPTH


def _list(asked: dict[str, Any], name: str) -> list[str]:
    """The values of a parameter that may be repeated, without blank ones."""
    given = asked.get(name) or []
    return [str(value) for value in (given if isinstance(given, list) else [given]) if str(value).strip()]

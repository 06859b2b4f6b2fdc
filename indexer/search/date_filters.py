"""Filters for the dates of a query that are searched as text."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from indexer.article import Published
from indexer.query import DateRange, NoteCode, describe_dates, find_typed_dates, make_note, quote
from indexer.results import Note, SuggestedFilter
from indexer.search.request import SearchRequest
from indexer.search.settings import SearchSettings


def suggest_filters(
    settings: SearchSettings, request: SearchRequest, count: Callable[[SearchRequest], int | None]
) -> tuple[SuggestedFilter, ...]:
    """The filters for the dates of a query that find something.

    `count` gives how many articles another request finds, or None when time is up: then there are fewer.
    A date outside the dates of the request is none of them.
    """
    today, day_first = settings.today(), settings.day_first
    text = request.query[: settings.characters]
    since, until = request.period(today, day_first=day_first)
    found = []
    for typed in find_typed_dates(text, today, day_first=day_first):
        period = Published.parse(typed.value)
        if (since and period.start < since) or (until and period.end > until):
            continue
        other = replace(request, query=typed.rest, since=typed.value, until=typed.value)
        number = count(other)
        if number is None:
            break
        if number:
            found.append(SuggestedFilter(typed.text, typed.rest, typed.value, typed.value, number))
    return tuple(found)


def apply_filter(request: SearchRequest, suggested: SuggestedFilter) -> tuple[SearchRequest, Note]:
    """The request with a filter in place of the date that was typed, and a note that says so."""
    period = Published.parse(suggested.since)
    values = {"text": quote(suggested.text), "since": suggested.since, "until": suggested.until}
    dates = describe_dates(DateRange(period.start, period.end))
    changed = replace(request, query=suggested.query, since=suggested.since, until=suggested.until)
    return changed, make_note(NoteCode.DATE_APPLIED, values, dates=dates)

"""Notes about a search: how it deviates from the request, and which parts there was no time for."""

from __future__ import annotations

from enum import Enum


class SearchNote(Enum):
    """The kinds of notes about a search, each with its English text."""

    ONLY_PARTIAL = "No article has all of the words; these have some of them."
    FEW_FULL = "Few articles have all of the words; after them come those that have some."
    COARSER_TIMELINE = "A timeline by {asked} would be too long; it is by {grain}."
    NOT_EXPLAINED = "There was no time to explain the search."
    NO_REASON = "There was no time to find out why nothing was found."
    NOT_MARKED = "There was no time to mark all that was found."
    SIMILAR_TIMED_OUT = (
        "The time for a query ({seconds:g} s) was up: {count} of the words that the article is about were "
        "looked up; others may be more like it."
    )
    QUOTE_TIMED_OUT = (
        "The time for a query ({seconds:g} s) was up before all was compared: these words may stand, exactly "
        "or nearly so, in other places too."
    )

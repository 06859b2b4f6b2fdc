"""What a Whoosh document holds: one paragraph, with its article's id, title and date."""

from __future__ import annotations

from datetime import datetime, timedelta

from whoosh.fields import DATETIME, ID, STORED, TEXT, Schema

from indexer.analysis import FormAnalyzer

# Moments are whole seconds since 1970, negative before; NO_MOMENT stands for an article without a date.
NO_MOMENT = -(2**62)
_EPOCH = datetime(1970, 1, 1)
EPOCH = (datetime.min - _EPOCH) // timedelta(seconds=1)
"""The moment from which Whoosh counts its dates."""


def make_schema(language: str) -> Schema:
    """The schema of an index whose articles are in `language` unless they say otherwise.

    The title's terms are indexed in an article's first document only, so that a word in a title counts once;
    its text is stored in every document. The `…_words` fields have the words as written, without positions.
    """
    stems, words = FormAnalyzer(language, "stem"), FormAnalyzer(language, "word")
    return Schema(
        article=ID(stored=True),
        title=TEXT(analyzer=stems, stored=True),
        title_words=TEXT(analyzer=words, phrase=False),
        date=DATETIME(stored=True, sortable=True),
        number=STORED(),
        anchor=STORED(),
        paragraph=TEXT(analyzer=stems, stored=True),
        paragraph_words=TEXT(analyzer=words, phrase=False),
    )


def moment(when: datetime) -> int:
    """Whole seconds from 1970-01-01 to a naive date-time, negative before."""
    return (when - _EPOCH) // timedelta(seconds=1)


def from_moment(seconds: int) -> datetime:
    """The naive date-time of a moment."""
    return _EPOCH + timedelta(seconds=seconds)

"""What a Whoosh document holds: one paragraph, with its article's id, title and date."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from whoosh.columns import NumericColumn
from whoosh.fields import COLUMN, DATETIME, ID, STORED, TEXT, Schema
from whoosh.formats import Frequency, Positions

from indexer.analysis import FormAnalyzer

# Moments are whole seconds since 1970, negative before; NO_MOMENT stands for an article without a date.
NO_MOMENT = -(2**62)
_EPOCH = datetime(1970, 1, 1)

STEMS = ("title", "paragraph")
WORDS = {"title": "title_words", "paragraph": "paragraph_words"}
COLUMNS = {
    "number": ">i4",  # the paragraph's number from 1; 0 in the one document of an article without text
    "title_terms": ">i4",  # terms in the title; only in an article's first document
    "paragraph_terms": ">i4",
    "begins": ">i8",  # the publication date as a half-open range of moments
    "ends": ">i8",
}


@dataclass(frozen=True, slots=True)
class Terms:
    """The terms of one field of one document, analysed already: each with its positions."""

    positions: dict[str, list[int]]

    @classmethod
    def of(cls, forms: list[str]) -> Terms:
        """The terms of a list of forms, one of each position."""
        positions: dict[str, list[int]] = {}
        for place, form in enumerate(forms):
            if form in positions:
                positions[form].append(place)
            else:
                positions[form] = [place]
        return cls(positions)


class TermsField(TEXT):
    """A text field that also takes `Terms`, so that a text is analysed once, in its article's language."""

    def __init__(self, language: str, form: str, *, stored: bool) -> None:
        super().__init__(analyzer=FormAnalyzer(language, form), stored=stored)
        if form == "word":
            # Whole words serve prefixes and near spellings, which need no positions.
            self.format = Frequency()

    def index(self, value: Any, **kwargs: Any) -> Generator[tuple[bytes, int, float, bytes], None, None]:
        """Postings of a value: (term, frequency, weight, encoded payload)."""
        if not isinstance(value, Terms):
            yield from super().index(value, **kwargs)
        elif isinstance(self.format, Positions):
            encode = self.format.encode
            for term, places in value.positions.items():
                yield term.encode(), len(places), float(len(places)), encode(places)
        else:
            for term, places in value.positions.items():
                # The payload of whoosh.formats.Frequency: a big-endian count.
                yield term.encode(), len(places), float(len(places)), len(places).to_bytes(4, "big")


def moment(when: datetime) -> int:
    """Whole seconds from 1970-01-01 to a naive date-time, negative before."""
    return (when - _EPOCH) // timedelta(seconds=1)


def make_schema(language: str) -> Schema:
    """The schema of an index whose articles are in `language` unless they say otherwise.

    The title's terms are indexed in an article's first document only, so that a word in a title counts once;
    its text is stored in every document. `anchor`, `meta` (JSON; first document only) and the columns are
    Nutgraf's own.
    """
    fields: dict[str, Any] = {
        "article": ID(stored=True),
        "title": TermsField(language, "stem", stored=True),
        "title_words": TermsField(language, "word", stored=False),
        "date": DATETIME(stored=True),
        "paragraph": TermsField(language, "stem", stored=True),
        "paragraph_words": TermsField(language, "word", stored=False),
        "anchor": STORED(),
        "meta": STORED(),
    }
    for name, dtype in COLUMNS.items():
        default = NO_MOMENT if name in ("begins", "ends") else 0
        fields[name] = COLUMN(NumericColumn({">i4": "i", ">i8": "q"}[dtype], default=default))
    return Schema(**fields)

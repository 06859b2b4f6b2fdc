"""Notes about a query: what was assumed, was not understood, or met a bound."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum

from indexer.query.describe import describe_dates
from indexer.query.tree import DateRange


class NoteCode(Enum):
    """The kinds of notes about a query, each with its English text; of two, the first is for one thing."""

    CHARACTERS_DROPPED = "Only the first {limit:,} of {given:,} characters of the query were read."
    CLAUSES_DROPPED = (
        "Only the first {limit} words and phrases were searched for; {count:,} was left out.",
        "Only the first {limit} words and phrases were searched for; {count:,} were left out.",
    )
    NOTES_DROPPED = "There are {count} more notes like these."
    NOTHING = "There is nothing to search for in the query."
    BROKEN_CHARACTERS = "Broken characters in the query were replaced."
    LONE_QUOTE = "A quotation mark without its partner was ignored."
    LONE_PARENTHESIS = "A parenthesis without its partner was ignored."
    OPEN_PARENTHESIS = "A parenthesis without its partner was closed at the end."
    TOO_DEEP = "Parentheses nest at most {limit} deep; deeper ones were ignored."
    LONE_OPERATOR = "{text} has nothing to join; it was read as a word."
    NO_FIELD = "There is no field {text}; it was searched as text."
    NO_LETTER = "{text} has no letter to search for; it was left out."
    NO_DATE = "{text} is not a date; it was searched as text."
    DAY_FIRST = "{text} was read with the day first."
    MONTH_FIRST = "{text} was read with the month first."
    READ_AS_DATE = "{text} was read as a date ({dates}); put it in quotation marks to search for it as text."
    NOT_READ_AS_DATE = "{text} was searched as text; date:{value} finds that time."
    NEAR_TOO_FAR = "NEAR reaches at most {limit} words; /{limit} was used."
    NEAR_TOO_LONG = "NEAR joins at most {limit} in a row; the rest may stand anywhere."
    NEAR_NOT_WORDS = "NEAR joins words, phrases and alternatives of one field; it was read as AND."
    SLOP_TOO_FAR = "The words of a phrase may stand at most {limit} apart; ~{limit} was used."
    TOO_FUZZY = "{text}: at most {limit} letters may differ; ~{limit} was used."
    BOOST_TOO_HIGH = "A word counts at most {limit:g} times; ^{limit:g} was used."
    WORD_TOO_LONG = "{text} is too long; its first {limit} characters were searched for."
    SYNONYMS_ADDED = "{text} also searched as {others}."
    SYNONYMS_INSTEAD = "{text} was searched as {others}."


NoteValue = str | int | float | DateRange


@dataclass(frozen=True, slots=True)
class Note:
    """A note as a code and the values for its text; the texts among them are as `quote` returns them.

    The code is a `NoteCode` or a member of an enumeration like it, whose values are texts.
    """

    code: Enum
    values: Mapping[str, NoteValue] = field(default_factory=dict)

    def __str__(self) -> str:
        """Return the text in English."""
        values = {
            name: describe_dates(value) if isinstance(value, DateRange) else value
            for name, value in self.values.items()
        }
        texts = self.code.value
        text: str = texts if isinstance(texts, str) else texts[values["count"] != 1]
        return text.format(**values)


def drop_repeated(notes: Iterable[Note]) -> list[Note]:
    """Return the notes in order, each once."""
    return list({str(note): note for note in notes}.values())


def quote(text: str) -> str:
    """Return a text as notes show it: in quotation marks, on one line, 40 characters at most."""
    text = "".join(character for character in " ".join(text.split()) if character.isprintable())
    return f"“{text}”" if len(text) <= 40 else f"“{text[:39]}…”"

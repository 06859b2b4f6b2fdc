"""Notes about a search: what was assumed, was not understood, met a bound, or there was no time for.

Why there are no results, and what an alternative query changes, are notes as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import Enum

from indexer.results import Note, NoteValue


class NoteCode(Enum):
    """The kinds of notes, each with its English text; of two texts, the first is for one thing."""

    @property
    def code(self) -> str:
        """The `code` of a note of this kind."""
        return self.name.lower()

    # From reading the text of a query.
    CHARACTERS_DROPPED = "Only the first {limit:,} of {given:,} characters of the query were read."
    CLAUSES_DROPPED = (
        "Only the first {limit} words and phrases were searched for; {count:,} was ignored.",
        "Only the first {limit} words and phrases were searched for; {count:,} were ignored.",
    )
    NOTES_DROPPED = "There are {count} more notes like these."
    NOTHING = "There is nothing to search for in the query."
    BROKEN_CHARACTERS = "Broken characters in the query were replaced."
    LONE_QUOTE = "A quotation mark without its partner was ignored."
    LONE_PARENTHESIS = "A parenthesis without its partner was ignored."
    OPEN_PARENTHESIS = "A parenthesis without its partner was closed at the end."
    TOO_DEEP = "Parentheses nest at most {limit} deep; deeper ones were ignored."
    LONE_OPERATOR = "{text} has nothing to join; it was read as a word."
    OPERATORS_AS_WORDS = (
        "The query is in capitals, so {words} was read as a word.",
        "The query is in capitals, so {words} were read as words.",
    )
    NO_FIELD = "There is no field {text}; it was searched as text."
    NOT_SEARCHABLE = "{text} has no letters or digits; it was ignored."
    NO_DATE = "{text} is not a date; it was searched as text."
    NO_FIELD_VALUE = "{text} is not {expected}, as {field} has to be; it was searched as text."
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

    # From evaluating its tree.
    COMMON_WORDS = "Ignored common words: {clauses}. To require one, write +{first}."
    COMMON_IN_LANGUAGES = (
        "Ignored where the language is {languages}, in which they are common words: {clauses}. To require "
        "one, write +{first}."
    )
    OTHER_FORMS = "No article has {text} as written; other forms of it were searched for."
    OTHER_FORMS_IN_LANGUAGES = (
        "Where the language is {languages}, no article has {text} as written; other forms of it were "
        "searched for there."
    )
    PARTS_DROPPED = "Only the first {limit} parts of joined words were searched for alone."
    EXPANSION_CUT = "{label} stands for {count:,} words; the {limit:,} most common of them were searched for."
    INEXACT_DATES = (
        "1 more article may be of that time; only its month or year is known.",
        "{count:,} more articles may be of that time; only their month or year is known.",
    )
    NO_VALUE = "No article has {field}:{value}."
    NOT_LOOKED_UP = (
        "The time for a query ({seconds:g} s) was up. Not looked up: {clauses}; there may be more articles "
        "than these, and better ones."
    )
    NOT_RANKED = (
        "The time for a query ({seconds:g} s) was up; the order does not consider whether words stand near "
        "one another."
    )

    # From making the answer.
    ONLY_PARTIAL = "No article has all of the words; these have some of them."
    FEW_FULL = "Few articles have all of the words; after them come those that have some."
    COUNTED_ROUGHLY = "Some of the articles that are counted here may not match; the hits that are shown do."
    COARSER_TIMELINE = "A timeline by {asked} would be too long; it is by {grain}."
    DATE_APPLIED = "{text} was searched as text, which found nothing; these articles were published {dates}."
    NO_MODEL = "The articles were searched by words alone: the model for their meaning did not answer."
    OTHER_MODEL = (
        "The articles were searched by words alone: another model made the vectors of the index. The "
        "administrator can replace them with `nutgraf embed`."
    )
    NO_VECTORS = (
        "The articles were searched by words alone: the index has no vectors, with which they would be found "
        "by their meaning."
    )
    NOT_EXPLAINED = "There was no time to explain the search."
    NO_REASON = "There was no time to find out why nothing was found."
    NOT_MARKED = "There was no time to mark all that was found."
    SIMILAR_TIMED_OUT = (
        "The time for a query ({seconds:g} s) was up: {looked_up} of the words that the article is about "
        "were looked up; others may be more like it."
    )
    QUOTE_TIMED_OUT = (
        "The time for a query ({seconds:g} s) was up before all was compared: these words may stand, exactly "
        "or nearly so, in other places too."
    )
    INDEX_DAMAGED = (
        "The index is damaged. These are the articles as of {committed}; later changes are missing. The "
        "administrator can repair it with `nutgraf doctor --fix`."
    )

    # Why there are no results.
    EMPTY_INDEX = "There are no articles in the index."
    NO_ARTICLE_HAS = "No article has {words}."
    NO_ARTICLE_HAS_ALL = "No article has {all_of} {words}."
    NO_ARTICLE_PASSES = "No article{having} is {filters}."
    EVERY_ARTICLE_EXCLUDED = "Every article{having}{passing} has {excluded}, which is excluded."

    # Changes that make an alternative query.
    ANY_FORM = "{clauses} in any form"
    OTHER_SPELLING = "words spelt like {clauses}"
    ANY_ENDING = "words that begin with {clauses}"
    WORDS_APART = "the words of {clauses} wherever they stand"
    ANY_FIELD = "{clauses} wherever it stands"
    WITHOUT_FILTER = "not only articles {filter}"
    WITHOUT_EXCLUSION = "with {clause}"
    WITHOUT_WORDS = "without {clauses}"
    WITHOUT_ARGUMENTS = "{change}"


def make_note(code: NoteCode, values: Mapping[str, NoteValue] | None = None, **words: str) -> Note:
    """Make a note with its message; `words` are values as the message has them in English.

    Texts that were typed are given as `quote` returns them.
    """
    values = values or {}
    texts: str | tuple[str, str] = code.value
    text = texts if isinstance(texts, str) else texts[values["count"] != 1]
    return Note(code.code, values, text.format(**{**values, **words}))


def drop_repeated(notes: Iterable[Note]) -> list[Note]:
    """Return the notes in order, each once."""
    return list({note.message: note for note in notes}.values())


def quote(text: str) -> str:
    """Return a text as notes show it: in quotation marks, on one line, 40 characters at most."""
    text = "".join(character for character in " ".join(text.split()) if character.isprintable())
    return f"“{text}”" if len(text) <= 40 else f"“{text[:39]}…”"

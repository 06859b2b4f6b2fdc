"""Text: from characters to terms, in many languages.

A text and its language come in; terms with their positions go out, the same for documents and queries.

    analyzer        splits a text into surfaces and gives each a stem and a word
    normalization   removes case, accents and variants; tells acronyms and names by their capitals
    languages       what differs by language: stemmer, order of the steps, elisions, stop words
    unspaced        overlapping bigrams for scripts without spaces between words
    detection       the language of an article that states none
    language_model  the model that detection uses, and a copy of it that is quick to load
    calendars       names of months and weekdays, and years that are counted otherwise
    synonyms        a file of synonyms, for queries
    variants        other spellings and irregular forms of English words, for queries

Nothing here knows the index. The version of the stemmer decides what the terms are (`library_versions`): an
index must be rebuilt when it changes. Begin with `Analyzer.analyze`.
"""

from indexer.text.analyzer import (
    TAG,
    Analyzer,
    Token,
    get_analyzer,
    get_tag,
    library_versions,
    replace_hebrew_quotes,
    strip_tag,
)
from indexer.text.detection import detect_language
from indexer.text.languages import base_language, stop_words
from indexer.text.normalization import is_capitalized, is_in_capitals, normalize
from indexer.text.synonyms import Entry, Synonyms, make_key, parse_synonyms, read_synonyms
from indexer.text.unspaced import RUN_START, is_unit, is_unspaced, unit_end

__all__ = [
    "RUN_START",
    "TAG",
    "Analyzer",
    "Entry",
    "Synonyms",
    "Token",
    "base_language",
    "detect_language",
    "get_analyzer",
    "get_tag",
    "is_capitalized",
    "is_in_capitals",
    "is_unit",
    "is_unspaced",
    "library_versions",
    "make_key",
    "normalize",
    "parse_synonyms",
    "read_synonyms",
    "replace_hebrew_quotes",
    "stop_words",
    "strip_tag",
    "unit_end",
]

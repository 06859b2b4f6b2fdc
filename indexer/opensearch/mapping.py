"""The fields of an article on the cluster, and how they are indexed.

A document is one version of an article: it is there from the commit `SINCE` on, and until the commit `UNTIL`
if that is set. Its terms are those of Nutgraf's own analysis, with spaces between them, which the server only
splits again. Fields that are only searched are not in `_source`, so a document cannot be updated in part: it
is written again as a whole.

Beside the texts, an article has values in columns (such as `author`, `tag` and custom fields), each in a
field whose prefix says in which form: as written, as compared, in parts (see the constants below).
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from typing import Any

from indexer.fields import FieldType
from indexer.results import GRAINS

PARAGRAPH_GAP = 1000
"""Positions between two paragraphs: more than any phrase or NEAR may span."""
NO_CAPITALS = "\u2400"
"""The term at the position of a word that is not written in capitals."""
TITLE, TEXT, OWN = "title", "text", "own"
"""The prefixes of the fields of terms: of the title, of the paragraphs, and of custom texts by their name."""
STEMS, WORDS, CAPITALS = "stems", "words", "capitals"
"""What stands at each position: the stem, the word as written, and the same only if it is in capitals."""
MAX_TERM = 8000
"""Characters of a term or value that are indexed: Lucene refuses terms of more than 32,766 bytes."""

ID, RECORD, SINCE, UNTIL = "id", "record", "since", "until"
"""The id of the article, the one that a record of a file states, and the commits of its version.

Ids are indexed as keys (see `make_id_key`).
"""
LONG_ID = "long_id"
"""The whole id where that is no key."""
MAX_ID = 7900
"""Characters of an id by which articles are ordered, and that a prefix may have."""
LANGUAGE, BASE, ANALYZER = "language", "base", "analyzer"
"""The language of the article, its ISO 639 code, and the tag of the analyzer of its terms ("" for none)."""
DATE_START, DATE_END = "date_start", "date_end"
"""The range of its date in seconds since 1970; absent without a date."""
TITLE_TERMS, TEXT_TERMS, PARAGRAPHS = "title_terms", "text_terms", "paragraphs"
"""How many terms its title and all its texts have, and how many paragraphs there are."""
TITLE_KEY, VOCABULARY, BANDS, SKETCH = "title_key", "vocabulary", "bands", "sketch"
"""The normalized title, the distinct words as written, and the near-duplicate sketch, whole and in bands."""
CHECKSUM = "checksum"
"""The start of the digest of the article; see `documents.shorten_digest`."""
ARTICLE, SOURCE_URI = "article", "source_uri"
"""The stored article, and the folder or file that it was read from."""
STORED = (ID, LONG_ID, LANGUAGE, SINCE, UNTIL, ARTICLE, SOURCE_URI)
"""The fields in the source of a document; all others are only searched."""

NAMES = "names"
"""The prefix of names as written: of `source` (a URI or what an app gave) and `site`."""
KEYS = "keys"
"""The prefix of names as they are compared: without case; but for labels, also without accents.

That of an article that was read from a folder or file is the path in it.
"""
WRITTEN = "written"
"""The prefix of the key of a name and the name as written, with SEPARATOR between them; not of labels."""
SEPARATOR = "\n"
MAX_KEY = 1000
"""Characters of the key before a name as written, so that there is room for the name."""
PARTS = "parts"
"""The prefix of the parts of names: of a source, or the path in it, the names between slashes; of an author,
words; of a site, itself and the domains above it."""
ENDS = "ends"
"""The prefix of what follows in a name from each part on, with " " or "/" after each part: for authors and
sources. To look for parts in a row takes one leaf of a query."""
MAX_END = 1000
"""Characters of such an end that are indexed."""
NUMBERS, DATES = "numbers", "dates"
"""The prefixes of custom numbers, and of custom dates, which have a start, an end and a year."""
LABELS = ("source", "path", "site")
"""Columns with one name at most, which are not compared as other names are."""
COLUMNS = ("author", "section", "tag", "publisher")
"""The other columns that every index has."""

_TERMS = "terms"  # the name of the analyzer, and of its tokenizer
_KEYWORD: Mapping[str, Any] = {"type": "keyword"}
# Filters only.
_ONLY_INDEXED: Mapping[str, Any] = {"type": "keyword", "doc_values": False}
_ONLY_STORED: Mapping[str, Any] = {"type": "keyword", "index": False, "doc_values": False}
_LONG: Mapping[str, Any] = {"type": "long"}
_INTEGER: Mapping[str, Any] = {"type": "integer"}
_ONLY_COUNTED: Mapping[str, Any] = {"type": "integer", "index": False}
_TEXT: Mapping[str, Any] = {
    "type": "text",
    "analyzer": _TERMS,
    "position_increment_gap": PARAGRAPH_GAP,
}
_WITHOUT_NORMS: Mapping[str, Any] = {**_TEXT, "norms": False}


def make_id_key(article_id: str) -> str:
    """The text by which an id is compared: itself, or if it is too long, its start and a digest of it."""
    if len(article_id) <= MAX_ID:
        return article_id
    return f"{article_id[:MAX_ID]}\n{hashlib.sha256(article_id.encode()).hexdigest()}"


def list_text_fields(field: str, text_names: tuple[str, ...]) -> tuple[str, ...]:
    """The prefixes of the fields of terms in which the words of a query field are looked up.

    `text_names` are the custom texts of the index.
    """
    if field == "text":
        return (TITLE, TEXT, *(f"{OWN}.{name}" for name in text_names))
    if field == "title":
        return (TITLE,)
    return (TEXT,) if field == "paragraph" else (f"{OWN}.{field}",)


def list_named(fields: Mapping[str, FieldType]) -> tuple[str, ...]:
    """The columns with names that are compared without case and accents; `fields` are the custom ones."""
    return (*COLUMNS, *(name for name, kind in fields.items() if kind.type in ("keyword", "boolean")))


def make_settings(*, shards: int | None = None, replicas: int | None = None) -> dict[str, Any]:
    """The settings of an index of articles; documents become visible when the writer refreshes it.

    How many shards and replicas it has, an index template of the cluster says, unless they are given.
    """
    sizes = {"number_of_shards": shards, "number_of_replicas": replicas}
    return {
        "index": {
            **{name: number for name, number in sizes.items() if number is not None},
            "refresh_interval": "-1",
            "max_result_window": 10_000,
        },
        "analysis": {
            "analyzer": {_TERMS: {"type": "custom", "tokenizer": _TERMS}},
            # A longer run would be split into several terms. A character may count twice, as in UTF-16.
            "tokenizer": {_TERMS: {"type": "whitespace", "max_token_length": 2 * MAX_TERM}},
        },
    }


def make_mapping(fields: Mapping[str, FieldType]) -> dict[str, Any]:
    """The mapping of an index of articles with these custom fields; a document has no other fields."""
    own = _group_by_type(fields)
    named = list_named(fields)
    properties: dict[str, Any] = {
        **dict.fromkeys((ID, LANGUAGE, BASE, ANALYZER, TITLE_KEY, VOCABULARY), _KEYWORD),
        **dict.fromkeys((RECORD, BANDS), _ONLY_INDEXED),
        **dict.fromkeys((SINCE, UNTIL, DATE_START, DATE_END), _LONG),
        **dict.fromkeys(GRAINS, _INTEGER),
        **dict.fromkeys((TITLE_TERMS, TEXT_TERMS, PARAGRAPHS, CHECKSUM), _ONLY_COUNTED),
        SKETCH: {"type": "binary", "doc_values": True},
        ARTICLE: {"type": "binary"},
        **dict.fromkeys((LONG_ID, SOURCE_URI), _ONLY_STORED),
        TITLE: _map_terms(),
        TEXT: _map_terms(),
        OWN: {"properties": {name: _map_terms() for name in own("text")}},
        NAMES: _map_each(("source", "site"), _KEYWORD),
        KEYS: {
            "properties": {
                **dict.fromkeys((LANGUAGE, "source", "site"), _ONLY_INDEXED),
                **dict.fromkeys(named, _KEYWORD),
            }
        },
        WRITTEN: _map_each(named, {"type": "keyword", "index": False}),
        PARTS: {
            "properties": {
                **dict.fromkeys(("source", "author"), _WITHOUT_NORMS),
                "site": _ONLY_INDEXED,
            }
        },
        ENDS: _map_each(("source", "author"), _ONLY_INDEXED),
        NUMBERS: _map_each((*own("integer"), *own("number")), {"type": "double"}),
        DATES: _map_each(own("date"), {"properties": {"start": _LONG, "end": _LONG, "year": _INTEGER}}),
    }
    return {"dynamic": "strict", "_source": {"includes": list(STORED)}, "properties": properties}


def visible(number: int, aborted: Collection[int] = ()) -> dict[str, Any]:
    """The filter of the articles that are there at a commit.

    `aborted` are the numbers of commits that were begun and never made.
    """
    removed: dict[str, Any] = {"bool": {"filter": [{"range": {UNTIL: {"lte": number}}}]}}
    found: dict[str, Any] = {"filter": [{"range": {SINCE: {"lte": number}}}], "must_not": [removed]}
    if aborted:
        numbers = sorted(aborted)
        removed["bool"]["must_not"] = [{"terms": {UNTIL: numbers}}]
        found["must_not"].append({"terms": {SINCE: numbers}})
    return {"bool": found}


def _group_by_type(fields: Mapping[str, FieldType]) -> Any:
    """A function that returns the names of the custom fields of a type, ascending."""
    return lambda kind: sorted(name for name, own in fields.items() if own.type == kind)


def _map_each(names: Collection[str], kind: Mapping[str, Any]) -> dict[str, Any]:
    return {"properties": dict.fromkeys(names, kind)}


def _map_terms() -> dict[str, Any]:
    return {"properties": {STEMS: _TEXT, WORDS: _TEXT, CAPITALS: _WITHOUT_NORMS}}

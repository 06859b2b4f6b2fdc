"""Checks of each section of a segment: its kind, its length and its numbers, as FORMAT.md describes them.

A checksum shows that a section is as it was written, not that its content is valid. Kinds and lengths are
checked when a segment is opened, by its directory alone. Numbers are checked when a section is first used,
which is when it is read for its checksum anyway. What takes several sections to check, and the reading of
all articles, is left to `build.check`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Annotated, NamedTuple

import msgspec
import numpy as np
import zstandard

from indexer.engine.format.columns import NAMED, PREFIX
from indexer.engine.format.phrases import MAX_FOLLOWING
from indexer.engine.format.record import MIN_DATE, NO_DATE
from indexer.engine.format.segment_file import DOC_FIELDS, OPTIONAL, Array, SegmentFile
from indexer.engine.format.sketches import WIDTH
from indexer.engine.format.text_store import MAX_DICTIONARY, open_dictionary
from indexer.fields import ColumnKind

_END_OF_DATES = 253_402_300_800  # seconds from 1970 to the end of the year 9999
_U1, _U4, _U8, _I8, _F8 = (frozenset({kind}) for kind in ("u1", "u4", "u8", "i8", "f8"))
_COMPACT = frozenset({"u1", "u2", "u4", "u8"})
_NARROW = frozenset({"u1", "u2", "u4"})
_PACKED_LIMIT = 2**31
Sections = Mapping[str, Array]
Counts = Mapping[str, int]
"""How many stems, words, documents, … there are."""
Problem = str | None
"""The end of a message that starts with the name of the section; None if the section is valid."""
Check = Callable[[Array, Counts, Sections], Problem]


class Facts(msgspec.Struct, frozen=True):
    """The facts about a segment."""

    documents: Annotated[int, msgspec.Meta(ge=0, lt=2**31)]
    articles: Annotated[int, msgspec.Meta(ge=0, lt=2**31)]
    languages: list[str]
    fields: dict[str, ColumnKind]
    texts: list[str] = []


def _accept_any(array: Array, counts: Counts, sections: Sections) -> Problem:
    return None


class _Rule(NamedTuple):
    """The kinds, the length and the numbers that a section must have."""

    kinds: frozenset[str]
    per: str
    """The things that have one number each; the first section of them determines how many there are."""
    check: Check = _accept_any
    extra: int = 0
    """The count of numbers in addition to those."""


Rules = Mapping[str, _Rule]
"""The rules by the names of the sections."""


def check_directory(file: SegmentFile) -> tuple[Facts, Rules, Counts]:
    """The facts about a segment, its rules, and how many there are of everything by its directory.

    Raises IndexDamaged for invalid facts, and for a section that is missing, unknown and not optional, or of
    another kind or length.
    """
    try:
        facts = msgspec.convert(file.read_facts(), Facts)
    except msgspec.ValidationError as error:
        file.raise_damaged("facts", f"are invalid ({error})")
    directory = file.directory
    counts = {
        "documents": facts.documents,
        "articles": facts.articles,
        "languages": len(facts.languages),
        "sketched": facts.articles * WIDTH,
        "texts": len(facts.texts),
    }
    rules = dict(_RULES)
    for name, column in facts.fields.items():
        rules |= _make_column_rules(f"{PREFIX}{name}", column)
    if facts.texts:
        rules[DOC_FIELDS] = _Rule(_COMPACT, "documents", _check_doc_fields)
    unknown = directory.keys() - rules.keys() - {"facts"}
    if required := [name for name in unknown if not name.startswith(OPTIONAL)]:
        file.raise_damaged(min(required), "is not a section of a segment")
    for name, rule in rules.items():
        kind, length = directory.get(name, ("nothing", 0))
        if kind not in rule.kinds:
            file.raise_damaged(name, f"should be {' or '.join(sorted(rule.kinds))}, but is {kind}")
        wanted = counts.setdefault(rule.per, length - rule.extra) + rule.extra
        if length != wanted or counts[rule.per] < 0:
            file.raise_damaged(name, f"should have {wanted} numbers, but has {length}")
    return facts, rules, counts


def find_problem(rules: Rules, counts: Counts, name: str, array: Array, sections: Sections) -> Problem:
    """Return the problem with the numbers of a section, or None; `sections` are the other sections."""
    if name not in rules:
        return None
    rule = rules[name]
    if rule.kinds is _COMPACT and array.dtype.itemsize == 8 and (not len(array) or int(array.max()) < 2**32):
        # NumPy converts uint64 together with signed integers to float64.
        return "is wider than its numbers need"
    return rule.check(array, counts, sections)


# Checks of numbers


def _find_too_large(array: Array, count: int, things: str, largest: int) -> Problem:
    if len(array) and int(array.max()) > largest:
        return f"has the number {int(array.max())}, but there are {count} {things}"
    return None


def _check_below(things: str, array: Array, counts: Counts, sections: Sections) -> Problem:
    """Each is the number of one of these things."""
    return _find_too_large(array, counts[things], things, counts[things] - 1)


def _check_starts(things: str, array: Array, counts: Counts, sections: Sections) -> Problem:
    """Each is where a group of these things starts; the last is where the last group ends."""
    if not len(array) or int(array[0]):
        return "does not start with 0"
    # Every stem has a form, and so has every word; but a field does not have all stems.
    return _find_bad_end(array, counts[things], strictly=things == "forms")


def _check_ends(things: str, array: Array, counts: Counts, sections: Sections) -> Problem:
    """Each is where a group of these things ends; no group is empty."""
    if len(array) and not int(array[0]):
        return "has an empty first group"
    return _find_bad_end(array, counts[things])


def _find_bad_end(array: Array, last: int, *, strictly: bool = True) -> Problem:
    if not len(array):
        return f"is empty, but there are {last}" if last else None
    ascends = np.greater if strictly else np.greater_equal
    if not ascends(array[1:], array[:-1]).all():
        return "does not ascend"
    return None if int(array[-1]) == last else f"ends with {int(array[-1])}, not with {last}"


def _check_word_ends(text: str, array: Array, counts: Counts, sections: Sections) -> Problem:
    """Each is where a word ends in the text, and a line break follows."""
    problem = _find_bad_end(array, counts[text])
    if problem or not len(array):
        return problem
    breaks = sections[text] == ord("\n")
    if int(np.count_nonzero(breaks)) != len(array) - 1 or not breaks[array[:-1]].all():
        return "does not agree with the line breaks"
    return None


def _check_sum(things: str, array: Array, counts: Counts, sections: Sections) -> Problem:
    """Each is how many of these things belong to one group."""
    # The largest first, because a sum of larger numbers could overflow.
    if problem := _find_too_large(array, counts[things], things, counts[things]):
        return problem
    total = int(array.sum(dtype=np.int64))
    return None if total == counts[things] else f"adds up to {total}, not to {counts[things]}"


def _check_variants(array: Array, counts: Counts, sections: Sections) -> Problem:
    starts = sections["stem.starts"].astype(np.int64)
    if (array >= np.diff(starts)[sections["word.stems"]]).any():
        return "has a variant that its stem does not have"
    return None


def _check_occurrences(field: str, array: Array, counts: Counts, sections: Sections) -> Problem:
    """Each is the number of a word of its stem, for the occurrences of stems with several words."""
    has_variants = np.diff(sections["stem.starts"]) > 1
    wanted = int(np.diff(sections[f"{field}.occurrences"])[has_variants].sum(dtype=np.int64))
    if len(array) != wanted:
        return f"should have {wanted} numbers, but has {len(array)}"
    return _check_below("forms", array, counts, sections)


def _check_capitals(things: str, array: Array, counts: Counts, sections: Sections) -> Problem:
    """Each is the number of one of these things; none is there twice."""
    if not (array[1:] > array[:-1]).all():
        return "does not ascend"
    return _check_below(things, array, counts, sections)


def _check_doc_fields(array: Array, counts: Counts, sections: Sections) -> Problem:
    """Each is the number of a field of texts from 1, or 0 for a paragraph."""
    if problem := _find_too_large(array, counts["texts"], "texts", counts["texts"]):
        return problem
    return "begins with a text of no article" if len(array) and int(array[0]) else None


def _check_dictionary(array: Array, counts: Counts, sections: Sections) -> Problem:
    if len(array) > MAX_DICTIONARY:
        return f"has {len(array)} bytes, but may have {MAX_DICTIONARY}"
    try:
        open_dictionary(array.tobytes())
    except zstandard.ZstdError as error:
        return f"is not a dictionary ({error})"
    return None


def _check_paragraphs(array: Array, counts: Counts, sections: Sections) -> Problem:
    if problem := _find_too_large(array, counts["documents"], "documents", counts["documents"]):
        return problem
    total = int(array.sum(dtype=np.int64))
    documents = total + len(array) - int(np.count_nonzero(array))
    if counts["texts"]:
        documents += int(np.count_nonzero(sections[DOC_FIELDS]))
    if documents != counts["documents"]:
        return f"makes {documents} documents, not {counts['documents']}"
    items = total + len(array)
    return None if items == counts["items"] else f"makes {items} stored items, not {counts['items']}"


def _check_owners(array: Array, counts: Counts, sections: Sections) -> Problem:
    """Each is the number of an article; those of the same article stand together."""
    if not (array[1:] >= array[:-1]).all():
        return "does not ascend"
    return _check_below("articles", array, counts, sections)


def _check_finite(array: Array, counts: Counts, sections: Sections) -> Problem:
    return None if np.isfinite(array).all() else "has a value that is not a number"


def _check_stops(starts: str, array: Array, counts: Counts, sections: Sections) -> Problem:
    return _find_bad_range(sections[starts], array)


def _check_date_starts(array: Array, counts: Counts, sections: Sections) -> Problem:
    dated = array[array != NO_DATE]
    if len(dated) and not MIN_DATE <= int(dated.min()) <= int(dated.max()) < _END_OF_DATES:
        return "has a date outside the years 1 to 9999"
    return None


def _check_date_ends(array: Array, counts: Counts, sections: Sections) -> Problem:
    starts = sections["article.date_starts"]
    dated = starts != NO_DATE
    if not np.array_equal(dated, array != NO_DATE):
        return "has a date that ends before it starts"
    return _find_bad_range(starts[dated], array[dated])


def _find_bad_range(starts: Array, ends: Array) -> Problem:
    if (ends <= starts).any():
        return "has a date that ends before it starts"
    return None if not len(ends) or int(ends.max()) <= _END_OF_DATES else "has a date after the year 9999"


def _check_narrow(array: Array, counts: Counts, sections: Sections) -> Problem:
    if array.dtype.itemsize == 4 and len(array) and int(array.max()) >= _PACKED_LIMIT:
        return f"has the number {int(array.max())}, which is too large"
    return None


def _check_at(name: str, array: Array, counts: Counts, sections: Sections) -> Problem:
    """Each is the index of a number that does not fit the narrow type."""
    narrow = sections[f"{name}.narrow"]
    marked = np.flatnonzero(narrow == np.iinfo(narrow.dtype).max)
    if len(marked) != len(array):
        return "does not have one index for each marked number"
    return None if np.array_equal(marked, array) else "has other indices than those of the marked numbers"


def _check_wide(name: str, array: Array, counts: Counts, sections: Sections) -> Problem:
    """Each is a number that does not fit the narrow type."""
    marker = np.iinfo(sections[f"{name}.narrow"].dtype).max
    if len(array) and not marker <= int(array.min()) <= int(array.max()) < _PACKED_LIMIT:
        return f"has a number that would fit, or one that is too large ({int(array.max())})"
    return None


def _check_lengths(array: Array, counts: Counts, sections: Sections) -> Problem:
    """Each is how many words of phrases one phrase has."""
    if len(array) and not 1 <= int(array.min()) <= int(array.max()) <= MAX_FOLLOWING:
        return f"has a phrase without words, or one of more than {MAX_FOLLOWING}"
    return _check_sum("words of phrases", array, counts, sections)


# Rules for sections


def _make_lexicon_rules(name: str, things: str) -> dict[str, _Rule]:
    return {
        f"{name}.text": _Rule(_U1, f"{name}.text"),
        f"{name}.ends": _Rule(_COMPACT, things, partial(_check_word_ends, f"{name}.text")),
    }


def _make_packed_rules(name: str, things: str) -> dict[str, _Rule]:
    exceptions = f"exceptions of {name}"
    return {
        f"{name}.narrow": _Rule(_NARROW, things, _check_narrow),
        f"{name}.at": _Rule(_U4, exceptions, partial(_check_at, name)),
        f"{name}.wide": _Rule(_NARROW, exceptions, partial(_check_wide, name)),
    }


def _make_field_rules(name: str) -> dict[str, _Rule]:
    postings, occurrences = f"postings of the {name}", f"occurrences in the {name}"
    return {
        **_make_packed_rules(f"{name}.gaps", postings),
        **_make_packed_rules(f"{name}.freqs", postings),
        **_make_packed_rules(f"{name}.positions", occurrences),
        f"{name}.variants": _Rule(_COMPACT, f"variants in the {name}", partial(_check_occurrences, name)),
        f"{name}.capitals": _Rule(_COMPACT, f"capitals in the {name}", partial(_check_capitals, occurrences)),
        f"{name}.starts": _Rule(_COMPACT, "stems", partial(_check_starts, postings), extra=1),
        f"{name}.occurrences": _Rule(_COMPACT, "stems", partial(_check_starts, occurrences), extra=1),
    }


def _make_column_rules(name: str, kind: ColumnKind) -> dict[str, _Rule]:
    values = f"values of {name}"
    rules = {f"{name}.owners": _Rule(_COMPACT, values, _check_owners)}
    if kind in NAMED:
        names = f"names of {name}"
        codes = _Rule(_COMPACT, values, partial(_check_below, names))
        return {**rules, **_make_lexicon_rules(name, names), f"{name}.codes": codes}
    if kind == "date":
        stops = _Rule(_I8, values, partial(_check_stops, f"{name}.starts"))
        return {**rules, f"{name}.starts": _Rule(_I8, values, _check_date_starts), f"{name}.stops": stops}
    stored = _Rule(_I8, values) if kind == "integer" else _Rule(_F8, values, _check_finite)
    return {**rules, f"{name}.values": stored}


_RULES: dict[str, _Rule] = {
    **_make_lexicon_rules("stem", "stems"),
    **_make_lexicon_rules("word", "words"),
    **_make_lexicon_rules("id", "articles"),
    "stem.words": _Rule(_COMPACT, "forms", partial(_check_below, "words")),
    "stem.starts": _Rule(_COMPACT, "stems", partial(_check_starts, "forms"), extra=1),
    "word.stems": _Rule(_COMPACT, "forms", partial(_check_below, "stems")),
    "word.variants": _Rule(_COMPACT, "forms", _check_variants),
    "word.starts": _Rule(_COMPACT, "words", partial(_check_starts, "forms"), extra=1),
    **_make_field_rules("title"),
    **_make_field_rules("paragraph"),
    "text.dictionary": _Rule(_U1, "text.dictionary", _check_dictionary),
    "phrase.sizes": _Rule(_COMPACT, "stems", partial(_check_sum, "phrases")),
    "phrase.lengths": _Rule(_U1, "phrases", _check_lengths),
    "phrase.forms": _Rule(_COMPACT, "words of phrases", partial(_check_below, "forms")),
    **_make_packed_rules("phrase.counts", "phrases"),
    "text.data": _Rule(_U1, "text.data"),
    "text.lengths": _Rule(_NARROW, "items"),
    "text.ends": _Rule(_COMPACT, "blocks", partial(_check_ends, "text.data")),
    "text.items": _Rule(_U4, "blocks", partial(_check_ends, "items")),
    "article.counts": _Rule(_COMPACT, "articles", _check_paragraphs),
    "article.title_terms": _Rule(_COMPACT, "articles", partial(_check_sum, "occurrences in the title")),
    "article.text_terms": _Rule(_COMPACT, "articles", partial(_check_sum, "occurrences in the paragraph")),
    "article.date_starts": _Rule(_I8, "articles", _check_date_starts),
    "article.date_ends": _Rule(_I8, "articles", _check_date_ends),
    "article.languages": _Rule(_COMPACT, "articles", partial(_check_below, "languages")),
    "article.title_keys": _Rule(_U8, "articles"),
    "article.sketches": _Rule(_U1, "sketched"),
    "article.id_ranks": _Rule(_COMPACT, "articles", partial(_check_below, "articles")),
    "article.by_id": _Rule(_COMPACT, "articles", partial(_check_below, "articles")),
    "doc.terms": _Rule(_COMPACT, "documents", partial(_check_sum, "occurrences in the paragraph")),
    "doc.anchors": _Rule(_U4, "documents"),
}

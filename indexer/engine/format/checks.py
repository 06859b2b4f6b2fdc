"""What each part of a segment has to look like: its kind, its length and its numbers, as FORMAT.md says.

A checksum says that a part is what its maker wrote, not that it makes sense. Kinds and lengths are compared
when a segment is opened, by its directory alone; numbers when a part is first used, which is when it is read
for its checksum anyway. What only several parts together say is left to `soundness`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, NamedTuple

import msgspec
import numpy as np

from indexer.engine.format.record import EPOCH, NO_DATE
from indexer.engine.format.segment_file import Array, SegmentFile
from indexer.engine.format.sketches import WIDTH

_LAST = 253_402_300_800  # seconds from 1970 to the end of the year 9999
_COMPACT = frozenset({"u1", "u2", "u4", "u8"})
_NARROW = frozenset({"u1", "u2", "u4"})
_SMALL = 2**31  # no packed number reaches it
Sections = Mapping[str, Array]
Counts = Mapping[str, int]
"""How many there are of everything that parts are as long as: stems, words, documents, …"""
Fault = str | None
"""What is wrong, in words that follow the name of the part; None when nothing is."""
Rule = Callable[[Array, Counts, Sections], Fault]


class Facts(msgspec.Struct, frozen=True):
    """What a segment says of itself."""

    documents: Annotated[int, msgspec.Meta(ge=0, lt=2**31)]
    articles: Annotated[int, msgspec.Meta(ge=0, lt=2**31)]
    languages: list[str]


class _Part(NamedTuple):
    kinds: frozenset[str]
    each: str
    """What it has one number of each; the first part that names it says how many these are."""
    more: int
    """How many numbers it has besides."""
    rule: Rule


def shape_of(file: SegmentFile) -> tuple[Facts, Counts]:
    """What a segment says of itself, and how many there are of everything by its directory.

    Raises IndexDamaged for facts that make no sense, and for a part that is missing, unknown, of another kind
    or of another length.
    """
    try:
        facts = msgspec.convert(file.info(), Facts)
    except msgspec.ValidationError as error:
        file.refuse("facts", f"make no sense ({error})")
    directory = file.directory
    counts = {
        "documents": facts.documents,
        "articles": facts.articles,
        "languages": len(facts.languages),
        "sketched": facts.articles * WIDTH,
    }
    if unknown := directory.keys() - _PARTS.keys() - {"facts"}:
        file.refuse(min(unknown), "is no part of a segment")
    for name, part in _PARTS.items():
        kind, length = directory.get(name, ("nothing", 0))
        if kind not in part.kinds:
            file.refuse(name, f"should be {' or '.join(sorted(part.kinds))}, it is {kind}")
        wanted = counts.setdefault(part.each, length - part.more) + part.more
        if length != wanted or counts[part.each] < 0:
            file.refuse(name, f"should have {wanted} numbers, it has {length}")
    return facts, counts


def fault(counts: Counts, name: str, array: Array, sections: Sections) -> Fault:
    """What is wrong with the numbers of a part, if anything; `sections` are the others."""
    if name not in _PARTS:
        return None
    part = _PARTS[name]
    if part.kinds is _COMPACT and array.dtype.itemsize == 8 and (not len(array) or int(array.max()) < 2**32):
        # NumPy makes fractions of such and of what is signed.
        return "is wider than its numbers are"
    return part.rule(array, counts, sections)


# Rules
def _any(array: Array, counts: Counts, sections: Sections) -> Fault:
    return None


def _below(each: str) -> Rule:
    """Places among things of a kind."""

    def rule(array: Array, counts: Counts, sections: Sections) -> Fault:
        if len(array) and int(array.max()) >= counts[each]:
            return f"has the number {int(array.max())}, where there are {counts[each]} {each}"
        return None

    return rule


def _rising(to: str, *, strictly: bool = False) -> Rule:
    """Where the things that belong to each begin, and after the last where they end."""

    def rule(array: Array, counts: Counts, sections: Sections) -> Fault:
        if not len(array) or int(array[0]):
            return "does not begin with 0"
        return _ends(array, counts[to], strictly)

    return rule


def _ending(to: str) -> Rule:
    """Where the things that belong to each end; each has some."""

    def rule(array: Array, counts: Counts, sections: Sections) -> Fault:
        if len(array) and not int(array[0]):
            return "has a first one without anything"
        return _ends(array, counts[to], True) if len(array) else _nothing(counts[to])

    return rule


def _ends(array: Array, last: int, strictly: bool) -> Fault:
    rises = np.greater if strictly else np.greater_equal
    if not rises(array[1:], array[:-1]).all():
        return "does not rise"
    return None if int(array[-1]) == last else f"ends with {int(array[-1])}, not with {last}"


def _nothing(length: int) -> Fault:
    return f"has nothing to say of {length}" if length else None


def _ends_of_words(text: str) -> Rule:
    """Where each word ends in the text, and the line break that follows stands."""

    def rule(array: Array, counts: Counts, sections: Sections) -> Fault:
        if not len(array):
            return _nothing(counts[text])
        letters = sections[text]
        if found := _ends(array, len(letters), True):
            return found
        breaks = letters == ord("\n")
        if int(np.count_nonzero(breaks)) != len(array) - 1 or not breaks[array[:-1]].all():
            return "has other places than the line breaks"
        return None

    return rule


def _adds_up(to: str) -> Rule:
    """How many there are of each, of so many in all."""

    def rule(array: Array, counts: Counts, sections: Sections) -> Fault:
        # The largest first: a sum of larger ones might come round to anything.
        if len(array) and int(array.max()) > counts[to]:
            return f"has the number {int(array.max())}, where there are {counts[to]} {to}"
        total = int(array.sum(dtype=np.int64))
        return None if total == counts[to] else f"adds up to {total}, not to {counts[to]}"

    return rule


def _variants(array: Array, counts: Counts, sections: Sections) -> Fault:
    starts = sections["stem.starts"].astype(np.int64)
    if (array >= np.diff(starts)[sections["word.stems"]]).any():
        return "has a variant that its stem has not"
    return None


def _paragraphs(array: Array, counts: Counts, sections: Sections) -> Fault:
    if len(array) and int(array.max()) > counts["documents"]:
        return f"has the number {int(array.max())}, where there are {counts['documents']} documents"
    total = int(array.sum(dtype=np.int64))
    documents = total + len(array) - int(np.count_nonzero(array))
    if documents != counts["documents"]:
        return f"makes {documents} documents, not {counts['documents']}"
    items = total + len(array)
    return None if items == counts["items"] else f"makes {items} stored texts, not {counts['items']}"


def _begins(array: Array, counts: Counts, sections: Sections) -> Fault:
    dated = array[array != NO_DATE]
    if len(dated) and not EPOCH <= int(dated.min()) <= int(dated.max()) < _LAST:
        return "has a date that no calendar has"
    return None


def _until(array: Array, counts: Counts, sections: Sections) -> Fault:
    begins = sections["article.begins"]
    dated = begins != NO_DATE
    if not np.array_equal(dated, array != NO_DATE) or (array[dated] <= begins[dated]).any():
        return "has a date that ends before it begins"
    return None if not len(array) or int(array.max()) <= _LAST else "has a date that no calendar has"


def _narrow(array: Array, counts: Counts, sections: Sections) -> Fault:
    if array.dtype.itemsize == 4 and len(array) and int(array.max()) >= _SMALL:
        return f"has the number {int(array.max())}, which is too large"
    return None


def _apart(name: str) -> Rule:
    """The places of what is too large for the numbers in their one width."""

    def rule(array: Array, counts: Counts, sections: Sections) -> Fault:
        narrow = sections[f"{name}.narrow"]
        marked = narrow == np.iinfo(narrow.dtype).max
        if int(np.count_nonzero(marked)) != len(array):
            return "has not one place of each number that is kept apart"
        if not len(array):
            return None
        if not (array[1:] > array[:-1]).all() or int(array[-1]) >= len(narrow) or not marked[array].all():
            return "has other places than those of the numbers that are kept apart"
        return None

    return rule


def _wide(name: str) -> Rule:
    def rule(array: Array, counts: Counts, sections: Sections) -> Fault:
        mark = np.iinfo(sections[f"{name}.narrow"].dtype).max
        if len(array) and not mark <= int(array.min()) <= int(array.max()) < _SMALL:
            return f"has a number that should not be kept apart, or is too large ({int(array.max())})"
        return None

    return rule


# Parts
def _lexicon(name: str, each: str) -> dict[str, _Part]:
    return {
        f"{name}.text": _Part(frozenset({"u1"}), f"{name}.text", 0, _any),
        f"{name}.ends": _Part(_COMPACT, each, 0, _ends_of_words(f"{name}.text")),
    }


def _packed(name: str, each: str) -> dict[str, _Part]:
    apart = f"{name} kept apart"
    return {
        f"{name}.narrow": _Part(_NARROW, each, 0, _narrow),
        f"{name}.at": _Part(frozenset({"u4"}), apart, 0, _apart(name)),
        f"{name}.wide": _Part(frozenset({"u4"}), apart, 0, _wide(name)),
    }


def _field(name: str) -> dict[str, _Part]:
    postings, occurrences = f"postings of the {name}", f"occurrences in the {name}"
    return {
        **_packed(f"{name}.gaps", postings),
        **_packed(f"{name}.freqs", postings),
        **_packed(f"{name}.positions", occurrences),
        f"{name}.variants": _Part(_COMPACT, occurrences, 0, _below("forms")),
        f"{name}.starts": _Part(_COMPACT, "stems", 1, _rising(postings)),
        f"{name}.occurrences": _Part(_COMPACT, "stems", 1, _rising(occurrences)),
    }


_PARTS: dict[str, _Part] = {
    **_lexicon("stem", "stems"),
    **_lexicon("word", "words"),
    **_lexicon("id", "articles"),
    "stem.words": _Part(_COMPACT, "forms", 0, _below("words")),
    "stem.starts": _Part(_COMPACT, "stems", 1, _rising("forms", strictly=True)),
    "word.stems": _Part(_COMPACT, "forms", 0, _below("stems")),
    "word.variants": _Part(_COMPACT, "forms", 0, _variants),
    "word.starts": _Part(_COMPACT, "words", 1, _rising("forms", strictly=True)),
    **_field("title"),
    **_field("paragraph"),
    "text.data": _Part(frozenset({"u1"}), "text.data", 0, _any),
    "text.lengths": _Part(frozenset({"u4"}), "items", 0, _any),
    "text.ends": _Part(frozenset({"u8"}), "blocks", 0, _ending("text.data")),
    "text.items": _Part(frozenset({"u4"}), "blocks", 0, _ending("items")),
    "article.counts": _Part(_COMPACT, "articles", 0, _paragraphs),
    "article.title_terms": _Part(_COMPACT, "articles", 0, _adds_up("occurrences in the title")),
    "article.text_terms": _Part(_COMPACT, "articles", 0, _adds_up("occurrences in the paragraph")),
    "article.begins": _Part(frozenset({"i8"}), "articles", 0, _begins),
    "article.ends": _Part(frozenset({"i8"}), "articles", 0, _until),
    "article.languages": _Part(_COMPACT, "articles", 0, _below("languages")),
    "article.title_keys": _Part(frozenset({"u8"}), "articles", 0, _any),
    "article.sketches": _Part(frozenset({"u1"}), "sketched", 0, _any),
    "article.id_places": _Part(_COMPACT, "articles", 0, _below("articles")),
    "article.by_id": _Part(_COMPACT, "articles", 0, _below("articles")),
    "doc.terms": _Part(_COMPACT, "documents", 0, _adds_up("occurrences in the paragraph")),
    "doc.anchors": _Part(frozenset({"u4"}), "documents", 0, _any),
}
for _label in ("source", "path", "site"):
    _PARTS |= _lexicon(_label, f"{_label}s")
    _PARTS[f"article.{_label}s"] = _Part(_COMPACT, "articles", 0, _below(f"{_label}s"))

"""A query tree with the synonyms of its plain words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from whoosh.query.compound import And, Or
from whoosh.query.qcore import Query
from whoosh.query.terms import Term

from indexer.query.tree import Must, make_and, make_or
from indexer.text.synonyms import Entry, Synonyms, key_of


@dataclass(unsafe_hash=True)
class Alternatives(Query):
    """A word or several as typed, and the `others` that are searched for with it, or instead if not `kept`.

    Each of the others is a word or a phrase; all of them together count as one word.
    """

    fieldname: str
    text: str
    others: tuple[str, ...]
    kept: bool = True
    boost: float = 1.0

    def __str__(self) -> str:
        return f"{self.fieldname}:{'|'.join((self.text, *self.others) if self.kept else self.others)}"


def expand_synonyms(tree: Query, synonyms: Synonyms, notes: list[str]) -> Query:
    """The tree with synonyms for its words and for words side by side; `notes` collects which.

    Quoted words, patterns and what is excluded stay as they are.
    """
    if type(tree) is Term:
        return next(iter(_row([tree], synonyms, notes)))
    if isinstance(tree, Must):
        return Must(expand_synonyms(tree.child, synonyms, notes))
    if isinstance(tree, And):
        parts = list(_row(list(tree), synonyms, notes))
        return type(tree)(parts) if len(parts) > 1 else parts[0]
    if isinstance(tree, Or):
        found = make_or(expand_synonyms(part, synonyms, notes) for part in tree)
        assert found is not None
        return found
    return tree


def _row(parts: Sequence[Query], synonyms: Synonyms, notes: list[str]) -> Iterator[Query]:
    """Parts that stand side by side, those that are an entry together as one."""
    place = 0
    while place < len(parts):
        length, entry = _entry(parts[place : place + synonyms.longest], synonyms)
        if entry is None:
            part = parts[place]
            yield part if type(part) is Term else expand_synonyms(part, synonyms, notes)
            place += 1
            continue
        words: list[Any] = list(parts[place : place + length])
        place += length
        field, text = words[0].fieldname, " ".join(word.text for word in words)
        boost = max(word.boost for word in words)
        said = ", ".join(f"“{other}”" for other in entry.others)
        notes.append(f"“{text}” {'also' if entry.kept else 'was'} searched as {said}.")
        if length == 1 or not entry.kept:
            yield Alternatives(field, text, entry.others, entry.kept, boost)
            continue
        # The words may still stand anywhere in the article: a synonym never finds less.
        found = make_or([make_and(words), Alternatives(field, text, entry.others, kept=False, boost=boost)])
        assert found is not None
        yield found


def _entry(parts: Sequence[Query], synonyms: Synonyms) -> tuple[int, Entry | None]:
    """How many of the first parts are the words of an entry, the most that are, and the entry."""
    words: list[str] = []
    field = getattr(parts[0], "fieldname", None)
    best: tuple[int, Entry | None] = 0, None
    for length, part in enumerate(parts, 1):
        if type(part) is not Term or part.fieldname != field:
            break
        words += key_of(part.text)
        if entry := synonyms.entries.get(tuple(words)):
            best = length, entry
    return best

"""A query tree → the tree with the synonyms of its words, and the words that may be written as one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

from whoosh.query.compound import And, CompoundQuery, Or
from whoosh.query.qcore import Query
from whoosh.query.terms import Term

from indexer.query.notes import NoteCode, drop_repeated, make_note
from indexer.query.tree import Alternatives, Must, Unfinished, make_and, make_or
from indexer.results import Note
from indexer.text.synonyms import Entry, Synonyms, make_key


def expand_synonyms(tree: Query, synonyms: Synonyms) -> tuple[Query, list[Note]]:
    """Add synonyms for the words of a tree and for words side by side; return the tree and notes about them.

    Quoted words, patterns and exclusions stay as they are.
    """
    notes: list[Note] = []
    return _expand(tree, synonyms, notes), drop_repeated(notes)


def list_neighbours(tree: Query) -> dict[str, tuple[str, ...]]:
    """Return the pairs of words side by side in a tree, such as "jp morgan", by each of their words."""
    found: dict[str, dict[str, None]] = {}
    parts: list[Any] = list(tree) if isinstance(tree, CompoundQuery) else []
    # A word that is being typed may be whole.
    parts = [part[0] if isinstance(part, Unfinished) else part for part in parts]
    for part in parts:
        for word, pairs in list_neighbours(part).items():
            found.setdefault(word, {}).update(dict.fromkeys(pairs))
    for first, second in pairwise(parts) if isinstance(tree, And) else ():
        if type(first) is type(second) is Term and first.fieldname == second.fieldname:
            for word in (first.text, second.text):
                found.setdefault(word, {})[f"{first.text} {second.text}"] = None
    return {word: tuple(pairs) for word, pairs in found.items()}


def _expand(tree: Query, synonyms: Synonyms, notes: list[Note]) -> Query:
    if type(tree) is Term:
        return next(_expand_row([tree], synonyms, notes))
    if isinstance(tree, Must):
        return Must(_expand(tree.child, synonyms, notes))
    if isinstance(tree, And):
        parts = list(_expand_row(list(tree), synonyms, notes))
        return type(tree)(parts) if len(parts) > 1 else parts[0]
    if isinstance(tree, Or):
        found = make_or(_expand(part, synonyms, notes) for part in tree)
        assert found is not None
        return found
    return tree


def _expand_row(parts: Sequence[Query], synonyms: Synonyms, notes: list[Note]) -> Iterator[Query]:
    """Yield parts that stand side by side; words that together have synonyms become one part."""
    place = 0
    while place < len(parts):
        length, entry = _find_entry(parts[place : place + synonyms.max_words], synonyms)
        if entry is None:
            part = parts[place]
            yield part if type(part) is Term else _expand(part, synonyms, notes)
            place += 1
            continue
        words: list[Any] = list(parts[place : place + length])
        place += length
        field, text = words[0].fieldname, " ".join(word.text for word in words)
        boost = max(word.boost for word in words)
        others = ", ".join(f"“{other}”" for other in entry.others)
        code = NoteCode.SYNONYMS_ADDED if entry.kept else NoteCode.SYNONYMS_INSTEAD
        notes.append(make_note(code, {"text": f"“{text}”", "others": others}))
        if length == 1 or not entry.kept:
            yield Alternatives(field, text, entry.others, entry.kept, boost)
            continue
        # The words may stand anywhere in the article, as without synonyms: these never find less.
        found = make_or(
            [make_and(words), Alternatives(field, text, entry.others, includes_text=False, boost=boost)]
        )
        assert found is not None
        yield found


def _find_entry(parts: Sequence[Query], synonyms: Synonyms) -> tuple[int, Entry | None]:
    """Return how many of the first parts are the words of an entry, and the entry: the longest one."""
    words: list[str] = []
    field = getattr(parts[0], "fieldname", None)
    best: tuple[int, Entry | None] = 0, None
    for length, part in enumerate(parts, 1):
        if type(part) is not Term or part.fieldname != field:
            break
        words += make_key(part.text)
        if entry := synonyms.entries.get(tuple(words)):
            best = length, entry
    return best

"""What to mark in a text: what a leaf of a query stands for, without where it stands."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

Phrase = tuple[tuple[str, ...], int]
"""The stems (or words) of a phrase, and how many places apart neighbours may stand."""


class Mark(Struct, frozen=True):
    """Tokens by stem or by word, phrases, single characters of unspaced scripts.

    `exact` are phrases of words as written; `nears` are rows of marks, with the distances between them.
    """

    stems: frozenset[str] = frozenset()
    words: frozenset[str] = frozenset()
    phrases: frozenset[Phrase] = frozenset()
    characters: frozenset[str] = frozenset()
    exact: frozenset[Phrase] = frozenset()
    nears: frozenset[tuple[tuple[Mark, ...], tuple[int, ...]]] = frozenset()

    @classmethod
    def of(cls, marks: Iterable[Mark]) -> Mark:
        """All that some marks stand for, as one."""
        marks = list(marks)
        return cls(
            *(frozenset().union(*(getattr(mark, name) for mark in marks)) for name in cls.__struct_fields__)
        )

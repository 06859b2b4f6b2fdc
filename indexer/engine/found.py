"""What the evaluation of a query finds, and what it asked for."""

from __future__ import annotations

from typing import NamedTuple

from msgspec import Struct
from whoosh.query.qcore import Query

from indexer.engine.arrays import NOTHING, Matches
from indexer.engine.neighbours import Pair
from indexer.engine.postings import Ids
from indexer.engine.scoring import ScoredLeaf


class Wanted(NamedTuple):
    """What a partial match may lack: as a person would write it, and the articles that have it.

    `shared` is how many characters it has in common with the one before, of whose run it is a part.
    """

    label: str
    articles: Ids
    shared: int = 0


class Piece(NamedTuple):
    """A part of a word that is several in truth: of which clause, and how much it adds to a partial match."""

    part: Query
    scored: ScoredLeaf
    weight: float
    shared: int


class Found(Struct, frozen=True, eq=False):
    """What a query found: articles that meet it, and articles that lack some of its words.

    `leaves` are what may be marked, `pieces` what may be marked besides in a partial match. With `is_cut`,
    time was up: all of these are fewer than they may be, never wrong.
    """

    full: Matches
    partial: Matches
    leaves: tuple[ScoredLeaf, ...]
    pieces: tuple[Piece, ...]
    wanted: tuple[Wanted, ...]
    notes: tuple[str, ...]
    is_cut: bool = False
    plain: tuple[Matches, Matches] = (NOTHING, NOTHING)
    """The full and the partial matches with the scores that they have without pairs of words."""
    pairs: tuple[Pair, ...] = ()


class Asked(NamedTuple):
    """The clauses of a query: those that must hold, how often each that may be lacking stands, and the rest.

    `left_out` are common words, and what has no letters.
    """

    hard: list[Query]
    soft: dict[Query, int]
    left_out: list[Query]

"""The nouns by which a search accounts for itself: what it read, what it counted, why it found nothing."""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct, to_builtins

Role = Literal["wanted", "required", "filter", "excluded", "alternative", "part", "left out"]


class ClauseReceipt(Struct, frozen=True):
    """One clause of a query: how it was read, and how many articles have it, whatever else they have.

    `label` is the clause as it is typed, `reading` what it means in plain words. `kind` is "word", "phrase",
    "exact", "prefix", "pattern", "spelling", "near", "any of", "all of", "date", "language", "site",
    "source", "id" or "everything". `role` says what it is to the query: "wanted" (all are, but articles that
    lack some may follow), "required", "filter", "excluded"; "alternative" or "part" within a group; "left
    out", which is not searched for. `articles` is None where nothing was counted.

    `words` are some of the words of the index that it stands for, the most common first, and `more` is how
    many there are besides. `synonyms` are what it was also searched as. A number of articles that is excluded
    is that of those that have what is excluded.
    """

    label: str
    reading: str
    kind: str
    role: Role
    fields: tuple[str, ...] = ()
    articles: int | None = None
    boost: float = 1.0
    words: tuple[str, ...] = ()
    more: int = 0
    synonyms: tuple[str, ...] = ()
    clauses: tuple[ClauseReceipt, ...] = ()


class Receipt(Struct, frozen=True):
    """What a search understood: the whole in plain words, and each clause."""

    reading: str
    clauses: tuple[ClauseReceipt, ...]

    def as_json(self) -> dict[str, Any]:
        """The receipt as in every JSON answer."""
        return dict(to_builtins(self))


class FieldScore(Struct, frozen=True):
    """What one field, "title" or "text", adds to the score of a hit.

    `frequency` is how often the word stands there, `weight` how much more that counts than in the text,
    `length` by what it is divided, since the field is longer than others (above 1) or shorter. `points` is
    the field's share.
    """

    field: str
    frequency: float
    weight: float
    length: float
    points: float


class WordScore(Struct, frozen=True):
    """What one word, phrase or pattern adds to the score of a hit.

    `clause` is the clause that it is from. `points` is `times` (how often it is typed, by its boost; less for
    a word within a phrase or a compound, beside the whole) by `rarity` (how rare it is, and how much in
    bursts) by what its frequencies are worth; and the sum of the points of the fields.
    """

    clause: str
    label: str
    times: float
    rarity: float
    points: float
    fields: tuple[FieldScore, ...]


class PairScore(Struct, frozen=True):
    """What it adds to the score of a hit that two neighbours in the query stand together in the article."""

    label: str
    points: float


class HitExplanation(Struct, frozen=True):
    """How the score of a hit comes about: words, times `nearness`, plus pairs, times `recency`.

    The points of `words` are added, and multiplied by `nearness`; to this those of `pairs` are added, and all
    is multiplied by `recency`.

    `nearness` is 1 or more: how close together the words stand. `recency` is 1 or less: how much the score
    has aged, where a half-life was asked for.
    """

    score: float
    words: tuple[WordScore, ...]
    nearness: float = 1.0
    pairs: tuple[PairScore, ...] = ()
    recency: float = 1.0

    def as_json(self) -> dict[str, Any]:
        """The explanation as in every JSON answer."""
        return dict(to_builtins(self))


class Relaxation(Struct, frozen=True):
    """A search that asks for a little less and finds something.

    `query` is the whole query, to be searched for with the same arguments but those named in `without`
    ("after", "before", "source", "site", "language", "undated"); it finds `count` articles. `change` says in
    plain words what is different.
    """

    change: str
    query: str
    count: int
    without: tuple[str, ...] = ()


class DeadEnd(Struct, frozen=True):
    """Why no article meets a query, and what comes nearest.

    `clauses` are the fewest clauses that cannot be met together (a single one is met nowhere), `reason` says
    so in plain words. `relaxations` are at most three, those that change least first.
    """

    reason: str
    clauses: tuple[str, ...] = ()
    relaxations: tuple[Relaxation, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The dead end as in every JSON answer."""
        return dict(to_builtins(self))

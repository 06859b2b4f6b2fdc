"""How to search, and what a search is kept to."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from indexer.engine.deadline import Clock
from indexer.engine.postings import Ids
from indexer.engine.snapshot import Snapshot
from indexer.engine.within import kept_to
from indexer.limits import CHARACTERS
from indexer.query import ParsedQuery, parse_query
from indexer.text.synonyms import Synonyms


@dataclass(frozen=True, slots=True)
class Searching:
    """How to search: the languages of the index, the most common first, and the clock."""

    languages: Sequence[str]
    spoken: Sequence[str]
    """The languages of which there is more than a little."""
    language: str
    """The configured one."""
    passages: int
    day_first: bool = True
    synonyms: Synonyms | None = None
    today: Callable[[], date] = date.today
    characters: int = CHARACTERS
    """How much of a query is read."""
    seconds: float = 1.0
    """The time that a query may take."""
    clock: Clock = time.perf_counter
    remarks: tuple[str, ...] = ()
    """What every page has to say, whatever was searched for."""

    def parse(self, text: str) -> ParsedQuery:
        """What a text asks for."""
        return parse_query(text, today=self.today(), day_first=self.day_first, characters=self.characters)


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a search is kept to beside its text; `filters` are the values of labels, of each any will do."""

    after: str | None = None
    before: str | None = None
    filters: Mapping[str, Sequence[str]] = field(default_factory=dict)
    undated: bool = False

    def without(self, names: Collection[str]) -> Bounds:
        """These bounds without some, which are named as the arguments are."""
        return Bounds(
            None if "after" in names else self.after,
            None if "before" in names else self.before,
            {name: values for name, values in self.filters.items() if name not in names},
            self.undated and "undated" not in names,
        )

    def articles(self, snapshot: Snapshot) -> Ids | None:
        """The articles that the filters leave, ascending; None for all."""
        return kept_to(snapshot, self.filters, undated=self.undated) if self.filters or self.undated else None

"""How an open index is searched, and the query tree that a request means there."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

from indexer.engine import NO_DEADLINE, Clock, Deadline, QueryContext, Snapshot
from indexer.fields import FieldType, list_weights
from indexer.limits import CHARACTERS
from indexer.query import (
    ParsedQuery,
    Query,
    expand_synonyms,
    list_neighbours,
    mark_unfinished,
    match_all_if_empty,
    parse_query,
    restrict_to_dates,
)
from indexer.results import Note
from indexer.search.request import SearchRequest
from indexer.text.synonyms import Synonyms

# It is imported where it is used, since most indexes have no vectors.
if TYPE_CHECKING:
    from indexer.search.meaning import Meaning


@dataclass(frozen=True, slots=True)
class SearchSettings:
    """The settings and facts of an index, besides its articles, that a search depends on.

    `languages` are those of its articles, the most common first; `language` is the configured one. `passages`
    is the number of passages shown of a hit, `page_size` the number of hits on a page; `characters` is how
    many characters of a query are read, and `seconds` how long it may take. With `variants`, words are also
    found in other spellings. `notes` are added to those of every answer. `aliases` has the ids of articles by
    ids that they had before. `fields` are the custom fields that the index was made with.
    `sources` are the names of sources that the configuration or the index gives them: each stands for this
    source alone. `restriction` is the digest of the filters that hold in every answer, if any.
    `meaning` is the model that finds articles by their meaning, None for none.
    """

    languages: Sequence[str]
    language: str
    passages: int
    page_size: int = 10
    day_first: bool = True
    synonyms: Synonyms | None = None
    today: Callable[[], date] = date.today
    characters: int = CHARACTERS
    seconds: float = 1.0
    clock: Clock = time.perf_counter
    variants: bool = True
    notes: tuple[Note, ...] = ()
    aliases: Mapping[str, str] = field(default_factory=dict)
    fields: Mapping[str, FieldType] = field(default_factory=dict)
    sources: Collection[str] = ()
    restriction: str = ""
    meaning: Meaning | None = None

    def weigh_meaning(self, request: SearchRequest) -> float:
        """The share of the meaning in the scores of a request, 0 if it is searched by words alone."""
        if self.meaning is None or request.sort != "relevance":
            return 0.0
        return self.meaning.weight if request.meaning is None else request.meaning

    def parse(self, text: str, *, dates_as_text: bool = False) -> ParsedQuery:
        """The tree of a text alone, without synonyms, and notes about it; see `parse_query`."""
        return parse_query(
            text,
            today=self.today(),
            day_first=self.day_first,
            characters=self.characters,
            dates_as_text=dates_as_text,
            fields=self.fields,
            sources=self.sources,
        )

    def make_context(self, snapshot: Snapshot, tree: Query, deadline: Deadline = NO_DEADLINE) -> QueryContext:
        """The context in which the engine runs a tree, or others with the same words."""
        neighbours = list_neighbours(tree) if self.variants else {}
        return QueryContext(
            snapshot,
            self.languages,
            deadline,
            variants=self.variants,
            neighbours=neighbours,
            weights=list_weights(self.fields),
        )

    def parse_request(self, request: SearchRequest, *, dates_as_text: bool = False) -> ParsedQuery:
        """The tree of a request with its synonyms and dates, and notes; its filters are not in the tree.

        Raises InvalidRequest for a date that cannot be read.
        """
        parsed = self.parse(request.query, dates_as_text=dates_as_text)
        tree, notes = parsed.tree, parsed.notes
        if self.synonyms:
            tree, synonym_notes = expand_synonyms(tree, self.synonyms)
            notes = (*notes, *synonym_notes)
        finished = tree
        if request.prefix:
            tree = mark_unfinished(tree, request.query, list_weights(self.fields).keys())
        is_unfinished = tree is not finished
        is_blank = not request.query.strip()
        if request.since or request.until:
            start, end = request.period(self.today(), day_first=self.day_first)
            tree = restrict_to_dates(tree, start, end, alone=is_blank)
        if is_blank and request.filters:
            tree = match_all_if_empty(tree)
        return ParsedQuery(tree, notes, parsed.text, is_unfinished)

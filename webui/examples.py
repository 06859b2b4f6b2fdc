"""Example queries for the start page, made from the titles and facets of the newest articles."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

from indexer import IndexReader
from indexer.limits import RESTRICTIONS
from indexer.results import Hit, Page
from indexer.text.languages import stop_words
from webui.translations import N_

# Titles to search for pairs of words, and pairs to count.
TITLES, PAIRS = 200, 6
SHORTEST = 4
"""Minimum letters of a word in an example."""
_BEFORE, _AFTER = "\"“‘'«(", ".,:;!?\"”’'»)"
# Facets that make an example from one of their values, if there are several.
_FIELDS = {
    "year": ("date", N_("published in that time")),
    "source": ("source", N_("from a file or a folder")),
    "site": ("site", N_("from a site and those below it")),
    "language": ("lang", N_("in a language")),
}

Pair = tuple[str, str]
Example = tuple[str, str]
"""A query, and its meaning as an English text that the template translates."""


class Examples:
    """Example queries from what readers see of an index, computed once per commit and restriction."""

    def __init__(self) -> None:
        self._found: dict[str, tuple[Example, ...]] = {}

    def now(self, index: IndexReader) -> tuple[Example, ...]:
        """One example for each kind of query that has results, maybe none."""
        revision = index.get_revision()
        found = self._found.get(revision)
        if found is None:
            page = index.search("*", sort="newest", limit=TITLES, facets=tuple(_FIELDS))
            found = (*_with_words(index, page.hits), *_with_fields(page))
            newest = [*self._found.items()][1 - RESTRICTIONS :]
            self._found = {**dict(newest), revision: found}
        return found


def _with_words(index: IndexReader, hits: tuple[Hit, ...]) -> Iterator[Example]:
    pair = _best_pair(index, Counter(pair for hit in hits for pair in _title_word_pairs(hit)))
    if pair is None:
        return
    one, two = pair
    longer = max(pair, key=len)
    for query, meaning in (
        (f"{one} {two}", N_("both words, in any order, anywhere in an article")),
        (f'"{one} {two}"', N_("the phrase as it stands")),
        (f"{one} OR {two}", N_("one of them, or both")),
        (f"{two} -{one}", N_("the first word without the second")),
        (f"title:{two}", N_("in the title only")),
        (f"{longer[: max(SHORTEST, len(longer) * 2 // 3)]}*", N_("every word that begins so")),
    ):
        if _count(index, query):
            yield query, meaning


def _with_fields(page: Page) -> Iterator[Example]:
    for facet, (field, meaning) in _FIELDS.items():
        values = [count.value for count in page.facets.get(facet, ()) if count.value]
        if len(values) > 1:
            value = values[0]
            yield f'{field}:"{value}"' if " " in value else f"{field}:{value}", meaning


def _title_word_pairs(hit: Hit) -> list[Pair]:
    """Neighbouring words of a title that are long enough and not stop words."""
    common = stop_words(hit.article.language or "")
    pairs = (
        (one.lstrip(_BEFORE).lower(), two.rstrip(_AFTER).lower())
        for one, two in pairwise(hit.article.title.split())
    )
    return [
        pair for pair in pairs if all(len(w) >= SHORTEST and w.isalpha() and w not in common for w in pair)
    ]


def _best_pair(index: IndexReader, found: Counter[Pair]) -> Pair | None:
    """The pair with the highest product of the conditional probabilities of its words.

    It is counted in paragraphs, because neighbours in titles are often unrelated.
    """

    def pair_strength(pair: Pair) -> float:
        together = _count(index, f'text:"{pair[0]} {pair[1]}"')
        return together**2 / (_count(index, pair[0]) * _count(index, pair[1])) if together else 0.0

    return max((pair for pair, _ in found.most_common(PAIRS)), key=pair_strength, default=None)


def _count(index: IndexReader, query: str) -> int:
    return index.search(query, limit=0).total

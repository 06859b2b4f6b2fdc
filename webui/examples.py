"""Examples of what can be typed, made of what the archive holds: each finds something there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

from indexer import Index
from indexer.model import Hit, Page
from indexer.text.languages import stop_words
from webui.translations import N_

# So many titles are looked at for two words that belong together, and so many such pairs are counted.
TITLES, PAIRS = 200, 6
SHORTEST = 4
"""Letters that a word of an example has at least."""
_BEFORE, _AFTER = "\"“‘'«(", ".,:;!?\"”’'»)"
# The facets of which one value makes an example, where there are several to choose from.
_FIELDS = {
    "year": ("date", N_("published in that time")),
    "source": ("source", N_("from a file or a folder")),
    "site": ("site", N_("from a site and those below it")),
    "language": ("lang", N_("in a language")),
}

Pair = tuple[str, str]
Example = tuple[str, str]
"""A query, and what it means in English words that a template translates."""


class Examples:
    """The examples of one index: looked for once, and anew when it has changed."""

    def __init__(self, index: Index) -> None:
        self._index = index
        self._found: tuple[str, tuple[Example, ...]] = "", ()

    def now(self) -> tuple[Example, ...]:
        """A query for each way to ask that finds something, with what it means; () where none does."""
        revision = self._index.revision()
        if self._found[0] != revision:
            page = self._index.search("*", sort="newest", limit=TITLES, facets=tuple(_FIELDS))
            self._found = revision, (*_with_words(self._index, page.hits), *_with_fields(page))
        return self._found[1]


def _with_words(index: Index, hits: tuple[Hit, ...]) -> Iterator[Example]:
    pair = _best_pair(index, Counter(pair for hit in hits for pair in _pairs(hit)))
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


def _pairs(hit: Hit) -> list[Pair]:
    """Neighbours in a title that are both words of some length and meaning."""
    common = stop_words(hit.article.language or "")
    pairs = (
        (one.lstrip(_BEFORE).lower(), two.rstrip(_AFTER).lower())
        for one, two in pairwise(hit.article.title.split())
    )
    return [
        pair for pair in pairs if all(len(w) >= SHORTEST and w.isalpha() and w not in common for w in pair)
    ]


def _best_pair(index: Index, found: Counter[Pair]) -> Pair | None:
    """The pair that stands together most often, measured by how often its words stand at all.

    The measure is the product of the two conditional probabilities. Counted is where paragraphs have it: in
    titles, neighbours often have nothing to do with each other.
    """

    def weight(pair: Pair) -> float:
        together = _count(index, f'text:"{pair[0]} {pair[1]}"')
        return together**2 / (_count(index, pair[0]) * _count(index, pair[1])) if together else 0.0

    return max((pair for pair, _ in found.most_common(PAIRS)), key=weight, default=None)


def _count(index: Index, query: str) -> int:
    return index.search(query, limit=0).total

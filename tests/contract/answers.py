"""What the tests read from the answers of an index: the only place that knows the names of the API."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from indexer import AlternativeQuery, Article, Explanation, Hit, Hits, Index, Page, QuoteCheck
from indexer.article import record_name

Spans = Sequence[tuple[int, int]]

MANY = 100
"""More hits than there are articles."""


def search(
    index: Index,
    query: str = "",
    *,
    since: str | None = None,
    until: str | None = None,
    collapse: bool = True,
    limit: int = MANY,
    **options: Any,
) -> Page:
    """One page of hits; `since` and `until` are a year, a month or a day each, both included."""
    return index.search(query, since=since, until=until, collapse=collapse, limit=limit, **options)


def ids(hits: Iterable[Hit]) -> list[str]:
    """The ids of hits, in their order; those of records are as they state them."""
    return [record_name(hit.article.id) or hit.article.id for hit in hits]


def matches(page: Page) -> list[str]:
    """The ids of the full matches among the hits, in their order."""
    return ids(hit for hit in page.hits if not hit.missing)


def partial_matches(page: Page) -> list[str]:
    """The ids of the partial matches among the hits, in their order."""
    return ids(hit for hit in page.hits if hit.missing)


def found(index: Index, query: str = "", **options: Any) -> set[str]:
    """The ids of all full matches."""
    return set(matches(search(index, query, collapse=False, **options)))


def matches_in_order(index: Index, query: str = "", **options: Any) -> list[str]:
    """The ids of all full matches, best first."""
    return matches(search(index, query, collapse=False, **options))


def walk(index: Index, query: str = "", **options: Any) -> Iterator[Page]:
    """All pages of a search, one after the other by their cursors."""
    cursor: str | None = None
    for _ in range(MANY):
        page = search(index, query, cursor=cursor, **options)
        yield page
        cursor = page.cursor
        if cursor is None:
            return
    raise AssertionError("the pages have no end")


def near_duplicates(hit: Hit) -> list[str]:
    """The ids of the articles that are collapsed under a hit."""
    return [article.id for article in hit.also]


def count_collapsed(page: Page) -> int:
    """How many articles are collapsed under another one, on all pages together."""
    return page.collapsed


def count_hits(page: Page) -> int:
    """How many hits all pages together have."""
    return page.shown


def timed_out(answer: Page | Hits | QuoteCheck) -> bool:
    """Whether the query timed out."""
    return answer.timed_out


def text_at(text: str, spans: Spans) -> list[str]:
    """The parts of a text at some spans."""
    return [text[start:end] for start, end in spans]


def highlights(hit: Hit) -> list[str]:
    """The words that are highlighted in the title and the passages of a hit, in lower case."""
    texts = [(hit.article.title, hit.title_spans), *((p.text, p.spans) for p in hit.passages)]
    return [word.lower() for text, spans in texts for word in text_at(text, spans)]


def facet(page: Page, name: str) -> dict[str, int]:
    """The counts of a facet by value; a special count is named by its kind, such as "undated"."""
    return {count.value or count.kind: count.count for count in page.facets[name]}


def bars(page: Page) -> dict[str, int]:
    """The articles of each period of a timeline that has any."""
    assert page.timeline is not None
    return {bar.start: bar.articles for bar in page.timeline.bars if bar.articles}


def has_explanation_of_nothing(page: Page) -> bool:
    """Whether the page says why there are no results."""
    return page.no_results is not None


def blocking_clauses(page: Page) -> tuple[str, ...]:
    """The clauses that cannot be met together, as typed."""
    assert page.no_results is not None
    assert page.no_results.reason.message
    return page.no_results.clauses


def relaxations(page: Page) -> tuple[AlternativeQuery, ...]:
    """The suggested searches, which find something."""
    assert page.no_results is not None
    return page.no_results.suggestions


def relax(index: Index, relaxation: AlternativeQuery, **arguments: Any) -> Page:
    """The ids that a suggested search finds; `arguments` are those of the search without results."""
    kept = {name: value for name, value in arguments.items() if name not in relaxation.without}
    return search(index, relaxation.query, **kept)


def suggestions(index: Index, typed: str, kind: str | None = None, limit: int = 20) -> list[str]:
    """The texts that are suggested for what is typed, of one kind or of all."""
    return [one.text for one in index.suggest(typed, limit) if kind in (None, one.kind)]


def contents(index: Index) -> dict[str, Article]:
    """Every article of an index, by id."""
    return {name: index.get_article(name) for name in found(index, "*")}


def explanation(page: Page) -> Explanation:
    """The explanation of the query of a page."""
    assert page.explanation is not None
    return page.explanation

"""All answers of a small index, for comparing two indexes, or one at two times."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from indexer import Index, Page
from indexer.results import FACETS

QUERIES = (
    "crane", "harbour crane", "tide OR kran", '"red tide"', "title:one", "har*", "tide -crane", "cran~1",
    "marea", "lang:de", "date:2021", "after:2021-03", "東京", "the", "source:c.jsonl",
    "crane NEAR harbour", "hrabour",
)  # fmt: skip
_SECONDS = 60


def everything(index: Index, queries: Iterable[str] = QUERIES) -> Iterator[Any]:
    """The content and the answers of an index: articles, failures, the page of every query, near-duplicates.

    Without suggestions, whose weights depend on the segments and count removed articles until a merge.
    """
    hits = index.search("*", limit=1000, collapse=False, seconds=_SECONDS).hits
    articles = {hit.article.id: index.get_article(hit.article.id) for hit in hits}
    yield articles
    status = index.get_status()
    yield status.articles, status.paragraphs, status.undated, status.first, status.last, status.languages
    yield sorted((failure.path, failure.reason) for failure in status.failures)
    for query in (*queries, "*"):
        yield query, answer(index, query)
    for order in ("newest", "oldest", "title"):
        yield order, [hit.article.id for hit in index.search("*", sort=order, limit=1000).hits]
    for name in sorted(articles):
        yield (
            name,
            [(hit.article.id, hit.score) for hit in index.find_similar(name)],
            index.find_duplicates(name),
        )


def answer(index: Index, query: str, **options: Any) -> Any:
    """The whole page of a query, with scores and notes, without the parts that depend on the time."""
    page: Page = index.search(query, limit=100, facets=FACETS, timeline=True, seconds=_SECONDS, **options)
    return (
        page.total, page.partial, page.collapsed, page.notes, page.hits, page.did_you_mean, page.facets,
        page.timeline, page.no_results,
    )  # fmt: skip

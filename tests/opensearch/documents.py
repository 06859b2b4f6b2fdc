"""Documents of some articles, as a writer sends them to the cluster."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from indexer import Article, FieldType
from indexer.engine import Gatherer
from indexer.opensearch.documents import learn_forms, make_documents
from tests.engine.segments import FIELDS


def documents_of(
    articles: Iterable[Article],
    *,
    since: int = 1,
    source: str | None = None,
    fields: Mapping[str, FieldType] = FIELDS,
) -> list[dict[str, Any]]:
    """The documents of articles, read from a source or put in by an app."""
    gatherer, forms = Gatherer("en", fields), list[str]()
    for article in articles:
        gatherer.add(article, source=source)
    chunk = gatherer.take()
    learn_forms(forms, chunk)
    return [*make_documents(chunk, forms, since)]


def document_of(article: Article, *, source: str | None = None) -> dict[str, Any]:
    """The document of one article."""
    (document,) = documents_of([article], source=source)
    return document

"""A retriever for LangChain: a query to the passages that answer it. Needs the extra `langchain`."""

from __future__ import annotations

from typing import Any

from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from pydantic import ConfigDict, Field

from indexer.index import IndexReader


class NutgrafRetriever(BaseRetriever):
    """The passages of the best hits, in their order: one Document for each.

    `limit` counts hits; `options` are further arguments of `Index.search`, such as `since`, `source` or
    `meaning`. The text of a passage may be cut at word boundaries, with an ellipsis; of a hit by its title
    alone there is none.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True, extra="forbid")
    index: IndexReader
    limit: int = 10
    options: dict[str, Any] = Field(default_factory=dict)

    def _get_relevant_documents(
        self, query: str, *, run_manager: CallbackManagerForRetrieverRun
    ) -> list[Document]:
        page = self.index.search(query, limit=self.limit, **self.options)
        return [
            Document(
                id=f"{hit.article.id}#{passage.anchor}",
                page_content=passage.text,
                metadata={
                    "article": hit.article.id,
                    "title": hit.article.title,
                    "published": str(hit.article.published) if hit.article.published else None,
                    "url": hit.article.url,
                    "authors": list(hit.article.authors),
                    "section": hit.article.section,
                    "tags": list(hit.article.tags),
                    "publisher": hit.article.publisher,
                    "fields": dict(hit.article.fields),
                    "number": passage.number,
                    "field": passage.field,
                    "page_number": passage.page_number,
                    "anchor": passage.anchor,
                    "score": hit.score,
                    "by_meaning": hit.by_meaning,
                },
            )
            for hit in page.hits
            for passage in hit.passages
        ]

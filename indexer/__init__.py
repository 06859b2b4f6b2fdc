"""Nutgraf: full-text search over a folder of dated articles that lands on the paragraph.

    from indexer import Article, open_index

    with open_index("index_data") as index:
        index.sync("seeds")
        for hit in index.search("belt road", since="2021").hits:
            print(hit.article.title, hit.article.published)

The public names are those of the noun modules: `article` (what goes in), `results` (what comes out), `errors`
and `config`. `index` has `open_index` and `Index`, each of whose methods is one call into a room below; it is
loaded when it is first used, so that a worker process, which needs only the nouns, does not load the engine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from indexer import article, config, errors, results
from indexer.article import *
from indexer.config import *
from indexer.errors import *
from indexer.results import *

if TYPE_CHECKING:
    from indexer.index import Index, open_index
    from indexer.search.request import SearchRequest

__all__ = ["Index", "SearchRequest", "open_index"]
__all__ += article.__all__
__all__ += config.__all__
__all__ += errors.__all__
__all__ += results.__all__


if not TYPE_CHECKING:
    # Hidden from type checkers, which would accept any name.
    def __getattr__(name: str) -> Any:
        """Load what needs the engine when it is first used."""
        if name in ("Index", "open_index"):
            from indexer import index

            return getattr(index, name)
        if name == "SearchRequest":
            from indexer.search.request import SearchRequest

            return SearchRequest
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

"""Nutgraf: full-text search over a folder of dated articles that lands on the paragraph.

    from indexer import Article, open_index

    with open_index("index_data") as index:
        index.sync("seeds")
        for hit in index.search("belt road", since="2021").hits:
            print(hit.article.title, hit.article.published)

The public names are those of the noun modules: `article` (what goes in), `results` (what a search gives),
`reports` (what all else gives), `errors` and `config`. `index` has `open_index` and `Index`, each of whose
methods is one call into a package below; it is loaded when it is first used, so that a worker process, which
needs only the nouns, does not load the engine.

The words of the code:

    article         what is indexed and found: an id, a title, paragraphs and a publication date
    document        in `readers` and `sync` a source file; in `engine` a paragraph, which is what it scores
    source          a folder or a file that articles are read from
    generation      a complete index on the disk; a rebuild makes a new one, and a pointer names the live one
    commit          a state of a generation that was written as a whole; segments hold its articles
    segment         an immutable file of articles and their postings; a removal only marks them
    snapshot        a commit that is open for reading, and stays as it is while others are made
    term            a string that postings are kept of: a stem, or a form (a word as it is written)
    passage         the part of a paragraph that a hit shows
    stamp           the size and times of a file, and its digest: whether it has changed since it was read
    near-duplicate  an article with nearly the same text as another one, which results may collapse
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from indexer import address, article, config, errors, fields, reports, results, sources
from indexer.address import *
from indexer.article import *
from indexer.config import *
from indexer.errors import *
from indexer.fields import *
from indexer.reports import *
from indexer.results import *
from indexer.sources import *

if TYPE_CHECKING:
    from indexer.index import Index, IndexReader, RestrictedIndex, open_index
    from indexer.search.request import SearchRequest
    from indexer.sync import Progress

__all__ = ["Index", "IndexReader", "Progress", "RestrictedIndex", "SearchRequest", "open_index"]
__all__ += address.__all__
__all__ += article.__all__
__all__ += config.__all__
__all__ += errors.__all__
__all__ += fields.__all__
__all__ += reports.__all__
__all__ += results.__all__
__all__ += sources.__all__


if not TYPE_CHECKING:
    # Hidden from type checkers, which would accept any name.
    def __getattr__(name: str) -> Any:
        """Load what needs the engine when it is first used."""
        places = {
            "Index": "indexer.index",
            "IndexReader": "indexer.index",
            "Progress": "indexer.sync",
            "RestrictedIndex": "indexer.index",
            "SearchRequest": "indexer.search.request",
            "open_index": "indexer.index",
        }
        if name in places:
            return getattr(import_module(places[name]), name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

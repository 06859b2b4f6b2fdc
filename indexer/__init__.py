"""Nutgraf: full-text search over a folder of dated articles that lands on the paragraph.

from indexer import Article, open_index

with open_index("index_data") as index:
    index.sync("seeds")
    for hit in index.search("belt road", after="2021").hits:
        print(hit.article.title, hit.article.published)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from indexer.config import Config, load_config
    from indexer.counts import FacetCount, Timeline, TimelineBar
    from indexer.diagnosis import Diagnosis, Finding
    from indexer.errors import (
        ArticleMissing,
        ConfigError,
        IndexBuilding,
        IndexDamaged,
        IndexLocked,
        IndexMissing,
        IndexOutdated,
        InvalidArticle,
        InvalidRequest,
        NutgrafError,
        OutOfMemory,
        SourceMissing,
        SourceShrunk,
        StorageFailed,
        UnreadableDocument,
        WorkerFailed,
    )
    from indexer.index import Index, open_index
    from indexer.manifest import Difference, Manifest
    from indexer.model import (
        Article,
        ArticleInfo,
        Encoding,
        Failure,
        Hit,
        Hits,
        MarkedArticle,
        MarkedParagraph,
        Page,
        Passage,
        Status,
        Suggestion,
    )
    from indexer.published import Published
    from indexer.quotation import QuoteCheck, QuoteEdit
    from indexer.receipts import (
        ClauseReceipt,
        DeadEnd,
        FieldScore,
        HitExplanation,
        PairScore,
        Receipt,
        Relaxation,
        WordScore,
    )
    from indexer.sync import Change, Progress, SyncReport
    from indexer.underway import Building

# Where each public name is: loaded when it is first asked for, so that a process loads what it uses.
_HOMES = {
    "Article": "indexer.model",
    "ArticleInfo": "indexer.model",
    "ArticleMissing": "indexer.errors",
    "Building": "indexer.underway",
    "Change": "indexer.sync",
    "ClauseReceipt": "indexer.receipts",
    "Config": "indexer.config",
    "ConfigError": "indexer.errors",
    "DeadEnd": "indexer.receipts",
    "Diagnosis": "indexer.diagnosis",
    "Difference": "indexer.manifest",
    "Encoding": "indexer.model",
    "FacetCount": "indexer.counts",
    "Failure": "indexer.model",
    "FieldScore": "indexer.receipts",
    "Finding": "indexer.diagnosis",
    "Hit": "indexer.model",
    "HitExplanation": "indexer.receipts",
    "Hits": "indexer.model",
    "Index": "indexer.index",
    "IndexBuilding": "indexer.errors",
    "IndexDamaged": "indexer.errors",
    "IndexLocked": "indexer.errors",
    "IndexMissing": "indexer.errors",
    "IndexOutdated": "indexer.errors",
    "InvalidArticle": "indexer.errors",
    "InvalidRequest": "indexer.errors",
    "Manifest": "indexer.manifest",
    "MarkedArticle": "indexer.model",
    "MarkedParagraph": "indexer.model",
    "NutgrafError": "indexer.errors",
    "OutOfMemory": "indexer.errors",
    "Page": "indexer.model",
    "PairScore": "indexer.receipts",
    "Passage": "indexer.model",
    "Progress": "indexer.sync",
    "Published": "indexer.published",
    "QuoteCheck": "indexer.quotation",
    "QuoteEdit": "indexer.quotation",
    "Receipt": "indexer.receipts",
    "Relaxation": "indexer.receipts",
    "SourceMissing": "indexer.errors",
    "SourceShrunk": "indexer.errors",
    "Status": "indexer.model",
    "StorageFailed": "indexer.errors",
    "Suggestion": "indexer.model",
    "SyncReport": "indexer.sync",
    "Timeline": "indexer.counts",
    "TimelineBar": "indexer.counts",
    "UnreadableDocument": "indexer.errors",
    "WordScore": "indexer.receipts",
    "WorkerFailed": "indexer.errors",
    "load_config": "indexer.config",
    "open_index": "indexer.index",
}

__all__ = [
    "Article",
    "ArticleInfo",
    "ArticleMissing",
    "Building",
    "Change",
    "ClauseReceipt",
    "Config",
    "ConfigError",
    "DeadEnd",
    "Diagnosis",
    "Difference",
    "Encoding",
    "FacetCount",
    "Failure",
    "FieldScore",
    "Finding",
    "Hit",
    "HitExplanation",
    "Hits",
    "Index",
    "IndexBuilding",
    "IndexDamaged",
    "IndexLocked",
    "IndexMissing",
    "IndexOutdated",
    "InvalidArticle",
    "InvalidRequest",
    "Manifest",
    "MarkedArticle",
    "MarkedParagraph",
    "NutgrafError",
    "OutOfMemory",
    "Page",
    "PairScore",
    "Passage",
    "Progress",
    "Published",
    "QuoteCheck",
    "QuoteEdit",
    "Receipt",
    "Relaxation",
    "SourceMissing",
    "SourceShrunk",
    "Status",
    "StorageFailed",
    "Suggestion",
    "SyncReport",
    "Timeline",
    "TimelineBar",
    "UnreadableDocument",
    "WordScore",
    "WorkerFailed",
    "load_config",
    "open_index",
]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = globals()[name] = getattr(import_module(home), name)
    return value

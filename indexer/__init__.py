"""Nutgraf: full-text search over a folder of dated articles that lands on the paragraph.

from indexer import Article, open_index

with open_index("index_data") as index:
    index.sync("seeds")
    for hit in index.search("belt road", after="2021").hits:
        print(hit.article.title, hit.article.published)
"""

from __future__ import annotations

from indexer.config import Config, load_config
from indexer.errors import (
    ArticleMissing,
    ConfigError,
    IndexDamaged,
    IndexLocked,
    IndexMissing,
    IndexOutdated,
    InvalidArticle,
    InvalidRequest,
    NutgrafError,
    SourceMissing,
    UnreadableDocument,
    WorkerFailed,
)
from indexer.index import Index, open_index
from indexer.model import (
    Article,
    ArticleInfo,
    Encoding,
    Failure,
    Hit,
    MarkedArticle,
    MarkedParagraph,
    Page,
    Passage,
    Published,
    Status,
)
from indexer.sync import Progress, SyncReport

__all__ = [
    "Article",
    "ArticleInfo",
    "ArticleMissing",
    "Config",
    "ConfigError",
    "Encoding",
    "Failure",
    "Hit",
    "Index",
    "IndexDamaged",
    "IndexLocked",
    "IndexMissing",
    "IndexOutdated",
    "InvalidArticle",
    "InvalidRequest",
    "MarkedArticle",
    "MarkedParagraph",
    "NutgrafError",
    "Page",
    "Passage",
    "Progress",
    "Published",
    "SourceMissing",
    "Status",
    "SyncReport",
    "UnreadableDocument",
    "WorkerFailed",
    "load_config",
    "open_index",
]

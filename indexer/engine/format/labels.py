"""Labels of articles, of which each has at most one: source, path, site and language.

The source is the folder or file that an article was read from (or what an app gave), the path is that of
its file in the source, and the site is the host of its URL. They are columns like those of other values; the
languages are in the facts of a segment, since every article has one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import compress
from urllib.parse import unquote, urlsplit

import numpy as np
from numpy.typing import NDArray

from indexer.article import Article, parse_host
from indexer.engine.format.lexicon import sort_words
from indexer.engine.format.segment_file import Array

LABELS = ("language", "source", "path", "site")
"""All labels."""
Labels = tuple[tuple[str, ...], NDArray[np.int32]]
"""The names, ascending, and the number of the name of each article (int32), -1 for none."""


def find_labels(article: Article, source: str | None) -> dict[str, str]:
    """The source, path and site of an article, as far as it has them.

    `source` is the folder or file that it was read from, as a URI; None if an app has put it in.
    """
    given = " ".join((article.source or "").split())
    site = (parse_host(article.url) or "") if article.url else ""
    found = {"source": source, "path": given} if source else {"source": given}
    return {name: text for name, text in (found | {"site": site}).items() if text}


def merge_labels(parts: Iterable[tuple[Sequence[str], Array]]) -> tuple[list[str], NDArray[np.int64]]:
    """Merge the names and codes of several columns; names that no article has are dropped."""
    counted = [(names, codes, np.bincount(codes, minlength=len(names)) > 0) for names, codes in parts]
    every, _ = sort_words(list({name for names, _, used in counted for name in compress(names, used)}))
    number_of = {name: number for number, name in enumerate(every)}
    mapped = [
        np.array([number_of.get(name, 0) for name in names], np.int64)[codes] for names, codes, _ in counted
    ]
    return every, np.concatenate([np.empty(0, np.int64), *mapped])


def make_labels(names: Sequence[str], codes: Array, texts: Sequence[str]) -> Labels:
    """The labels with the text to show for each name; names with the same text become one label.

    `codes` are -1 for articles without a name.
    """
    distinct = sorted({text for text in texts if text})
    number_of = {text: number for number, text in enumerate(distinct)}
    mapping = np.array([*(number_of.get(text, -1) for text in texts), -1], np.int32)
    return tuple(distinct), mapping[codes]


def shorten_sources(names: Sequence[str]) -> list[str]:
    """The texts to show for sources: folders and files by the last part of their path, others as they are.

    Sources with the same last part get as many parts as tell them apart, and no more: whole paths would tell
    readers about the machine.
    """
    paths = {name: parts for name in names if (parts := _split_path(name))}
    taken = {name for name in names if name not in paths}
    depth = dict.fromkeys(paths, 1)
    while True:
        texts = {name: "/".join(parts[-depth[name] :]) for name, parts in paths.items()}
        holders: dict[str, list[str]] = {}
        for name, text in texts.items():
            holders.setdefault(text, []).append(name)
        ambiguous = [
            name
            for text, sharing in holders.items()
            if len(sharing) > 1 or text in taken
            for name in sharing
            if depth[name] < len(paths[name])
        ]
        if not ambiguous:
            return [texts.get(name, name) for name in names]
        for name in ambiguous:
            depth[name] += 1


def _split_path(name: str) -> list[str]:
    """The parts of the path of a folder or file, after an empty one for the root; none for another source."""
    if not name.startswith("file:"):
        return []
    parts = [part for part in unquote(urlsplit(name).path, errors="replace").split("/") if part]
    return ["", *parts] if parts else []

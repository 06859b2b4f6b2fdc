"""Labels: what articles have in common by name, each article's as a number.

Of every article a segment has the source that it was read from and the path there, the site of its address,
and its language.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import compress
from urllib.parse import unquote, urlsplit

import numpy as np
from numpy.typing import NDArray

from indexer.article import Article, host
from indexer.engine.format.lexicon import encode_lexicon, sorted_words
from indexer.engine.format.segment_file import Array, compact

STORED = ("source", "path", "site")
"""The labels that have sections of their own; languages stand in the segment's facts."""
Labels = tuple[tuple[str, ...], NDArray[np.int32]]
"""The names, ascending, and of each article the place of its own among them (int32), -1 for none."""


def labels_of(article: Article, source: str | None) -> tuple[str, str, str]:
    """An article's source, path and site; "" for none.

    `source` is the folder or file that it was read from, when it was; the path is then the one below it.
    """
    given = " ".join((article.source or "").split())
    site = (host(article.url) or "") if article.url else ""
    return (source, given, site) if source else (given, "", site)


def label_sections(name: str, names: Sequence[str], codes: Array) -> dict[str, Array | bytes]:
    """What a segment has of a label: the names, ascending, and the place of each article's."""
    lexicon = {f"{name}.{part}": content for part, content in encode_lexicon(names).items()}
    return {**lexicon, f"article.{name}s": compact(codes)}


def numbered(values: Sequence[str]) -> tuple[list[str], NDArray[np.int64]]:
    """The distinct values, ascending, and the place of each value among them (int64)."""
    distinct = list(dict.fromkeys(values))
    names, places = sorted_words(distinct)
    place = dict(zip(distinct, places.tolist(), strict=True))
    return names, np.fromiter((place[value] for value in values), np.int64, len(values))


def joined(parts: Iterable[tuple[Sequence[str], Array]]) -> tuple[list[str], NDArray[np.int64]]:
    """The names and codes of several parts, one after the other, as of one; only names that are in use."""
    kept = [(names, codes, np.bincount(codes, minlength=len(names)) > 0) for names, codes in parts]
    every, _ = sorted_words(list({name for names, _, used in kept for name in compress(names, used)}))
    place = {name: number for number, name in enumerate(every)}
    mapped = [np.array([place.get(name, 0) for name in names], np.int64)[codes] for names, codes, _ in kept]
    return every, np.concatenate([np.empty(0, np.int64), *mapped])


def shown(names: Sequence[str], codes: Array, texts: Sequence[str]) -> Labels:
    """The labels with a text to show in the place of each name; the same text is the same label."""
    distinct = sorted({text for text in texts if text})
    place = {text: number for number, text in enumerate(distinct)}
    mapping = np.array([place.get(text, -1) for text in texts], np.int32)
    return tuple(distinct), mapping[codes]


def source_texts(names: Sequence[str]) -> list[str]:
    """How sources are shown: what an app gave as it is, folders and files by the last part of their path.

    Where that is the name of another source too, by as many parts as tell them apart. Never by a whole path,
    which is nobody's business but the machine's.
    """
    paths = {name: parts for name in names if (parts := _path_of(name))}
    taken = {name for name in names if name not in paths}
    depth = dict.fromkeys(paths, 1)
    while True:
        texts = {name: "/".join(parts[-depth[name] :]) for name, parts in paths.items()}
        holders: dict[str, list[str]] = {}
        for name, text in texts.items():
            holders.setdefault(text, []).append(name)
        unclear = [
            name
            for text, sharing in holders.items()
            if len(sharing) > 1 or text in taken
            for name in sharing
            if depth[name] < len(paths[name])
        ]
        if not unclear:
            return [texts.get(name, name) for name in names]
        for name in unclear:
            depth[name] += 1


def _path_of(name: str) -> list[str]:
    """The parts of the path of a source that is a folder or file; none for another."""
    if not name.startswith("file:"):
        return []
    return [part for part in unquote(urlsplit(name).path, errors="replace").split("/") if part]

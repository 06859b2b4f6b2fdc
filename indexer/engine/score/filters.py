"""Which articles pass a filter: by language, site, source or id."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from indexer.article import host
from indexer.engine.format.arrays import Ids
from indexer.engine.format.record import NO_DATE
from indexer.engine.read.snapshot import Snapshot


def match_filter(snapshot: Snapshot, name: str, text: str) -> Ids:
    """The articles, ascending, whose `name` ("language", "site", "source" or "id") is what `text` says.

    A star at the end stands for any ending. A language includes its regions, a site its subdomains, a source
    is named by the folder or file that was indexed, by the path of a file in it, or by some neighbouring
    parts of either, with or without the ending of the file.
    """
    if name == "id":
        if text.endswith("*"):
            return snapshot.find_prefix(text.rstrip("*"))
        number = snapshot.find(text)
        return np.array([] if number is None else [number], np.int32)
    fits = _TESTS[name](text.casefold())
    found = np.zeros(snapshot.articles, np.bool_)
    for column in ("source", "path") if name == "source" else (name,):
        names, codes = snapshot.labels(column)
        wanted = np.fromiter((fits(label.casefold()) for label in names), np.bool_, len(names))
        # Whatever has no label has the code -1, which is the last of these.
        found |= np.append(wanted, False)[codes]
    return np.flatnonzero(found).astype(np.int32)


Test = Callable[[str], bool]


def _language(text: str) -> Test:
    if text.endswith("*"):
        return _starting(text)
    wanted = text.replace("_", "-")
    return lambda label: label == wanted or label.startswith(f"{wanted}-")


def _site(text: str) -> Test:
    if text.endswith("*"):
        return _starting(text)
    wanted = host(text if "//" in text else f"//{text}") or text
    return lambda label: label.removeprefix("www.") == wanted or label.endswith(f".{wanted}")


def _source(text: str) -> Test:
    if text.endswith("*"):
        return _starting(text)
    wanted = f"/{text.strip('/')}"

    def fits(label: str) -> bool:
        # A neighbour of whole names: "wire/2021" is a part of "news/wire/2021/a.txt", "ire" is not.
        path = f"/{label}"
        name, _, _ = path.rpartition(".")
        return f"{wanted}/" in path or path.endswith(wanted) or name.endswith(wanted)

    return fits


_TESTS: dict[str, Callable[[str], Test]] = {"language": _language, "site": _site, "source": _source}


def _starting(text: str) -> Test:
    return lambda label: label.startswith(text.rstrip("*"))


def filter_articles(snapshot: Snapshot, wanted: Mapping[str, Sequence[str]], *, undated: bool) -> Ids:
    """The articles, ascending, that have one of the wanted values of each label that values are wanted of.

    With `undated`, only those without a date. See `passing` for what fits a value.
    """
    kept = np.ones(snapshot.articles, np.bool_)
    if undated:
        kept &= snapshot.begins == NO_DATE
    for name, values in wanted.items():
        fits = np.zeros(snapshot.articles, np.bool_)
        names, codes = snapshot.labels(name)
        for value in values:
            if name == "source" and value in names:
                # A source as facets name it is that one, also where others end in the same way.
                fits |= codes == names.index(value)
            else:
                fits[match_filter(snapshot, name, value)] = True
        kept &= fits
    return np.flatnonzero(kept).astype(np.int32)

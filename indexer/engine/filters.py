"""Which articles pass a filter: by language, site, source or id."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from indexer.engine.postings import Ids
from indexer.engine.snapshot import Snapshot
from indexer.model import host


def passing(snapshot: Snapshot, name: str, text: str) -> Ids:
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

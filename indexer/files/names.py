"""The names of an index's files, in one place: which belong to an index, and which are temporary.

Code that cleans up removes only what is named so.
"""

from __future__ import annotations

import re
from pathlib import Path

# In the folder of an index: see `generations`.
POINTER, COMING = "current", "current.new"
LOCK, HOLDER, PROGRESS = "writer.lock", "writer.json", "progress.json"
BUILDING, REMOVED, DAMAGED = ".building", ".removed", ".damaged"
GENERATION = re.compile(r"g\d{6}")

# In a generation; Whoosh calls the index in it so.
INDEX_NAME = "MAIN"
SETTINGS = "settings.json"
CONTENTS = re.compile(rf"_{INDEX_NAME}_(\d+)\.toc")
CATALOG = re.compile(r"catalog-(\d+)\.json")
SEGMENT = re.compile(rf"{INDEX_NAME}_([0-9a-z]{{16}})\.nut")

# What Whoosh's writers, which are refused, leave beside: parts of segments that no table of contents names.
_WHOOSHS = re.compile(rf"{INDEX_NAME}_[0-9a-z]{{16}}(\.(trm|pst|vps|seg)|\._\w+\.col)")

NEW = ".new"
"""Suffix of the temporary name of a file before it replaces another."""

_PASSING = re.compile(r"g\d{6}\.(building|removed)|current\.new|(progress|writer)\.json(\.new)?")
_STAYING = re.compile(r"current|writer\.lock|g\d{6}(\.damaged)?")
# A folder that belongs to nobody may have hidden files, and what a file system puts into its root.
_NOBODYS = re.compile(r"\..*|lost\+found")


def is_passing(name: str) -> bool:
    """Whether something lies in the folder of an index only while somebody writes."""
    return _PASSING.fullmatch(name) is not None


def is_unfinished(name: str) -> bool:
    """Whether a file of a generation is there only until it takes another's place, or never will."""
    is_new = name.endswith(NEW) and _is_in_generation(name.removesuffix(NEW))
    return is_new or _WHOOSHS.fullmatch(name) is not None


def foreign(root: Path) -> list[str]:
    """Return the names in a folder that do not belong to an index; empty if it has an index or may get one.

    Also empty if the folder cannot be read: the later write reports that error.
    """
    try:
        found = sorted(root.iterdir(), key=lambda path: path.name)
        if any(map(_shows_an_index, found)):
            return []
    except OSError:
        return []
    names = [path.name for path in found]
    return [name for name in names if not (_NOBODYS.fullmatch(name) or is_passing(name) or _is_staying(name))]


def _shows_an_index(path: Path) -> bool:
    if path.name == POINTER and path.is_file():
        with path.open(encoding="ascii", errors="replace") as file:
            return GENERATION.match(file.read(7)) is not None
    if not GENERATION.match(path.name) or not (is_passing(path.name) or _is_staying(path.name)):
        return False
    return path.is_dir() and any(_is_in_generation(inner.name) for inner in path.iterdir())


def _is_staying(name: str) -> bool:
    return _STAYING.fullmatch(name) is not None


def _is_in_generation(name: str) -> bool:
    return name == SETTINGS or any(kind.fullmatch(name) for kind in (CONTENTS, CATALOG, SEGMENT))

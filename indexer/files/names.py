"""The names of an index's files: which belong to an index, and which are temporary; names as text.

Only files with these names are ever removed.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path

# In the folder of an index.
POINTER, NEW_POINTER = "current", "current.new"
LOCK, HOLDER, PROGRESS = "writer.lock", "writer.json", "progress.json"
BUILDING, REMOVED, DAMAGED = ".building", ".removed", ".damaged"
GENERATION = re.compile(r"g\d{6}")

# In the folder of a generation. INDEX_NAME is Whoosh's default name of an index.
INDEX_NAME = "MAIN"
SETTINGS = "settings.json"
CONTENTS = re.compile(rf"_{INDEX_NAME}_(\d+)\.toc")
CATALOG = re.compile(r"catalog-(\d+)\.json")
# A segment's file, and its side files, which have the name of a part before the suffix.
SEGMENT = re.compile(rf"{INDEX_NAME}_([0-9a-z]{{16}})(?:\.[a-z_]+)?\.nut")

# Parts of segments that Whoosh's own writers leave behind; nothing reads them.
_WHOOSH_PARTS = re.compile(rf"{INDEX_NAME}_[0-9a-z]{{16}}(\.(trm|pst|vps|seg)|\._\w+\.col)")

NEW = ".new"
"""Suffix of the temporary name of a file before it replaces another."""

_SURROGATE = re.compile("[\ud800-\udfff]")
_TEMPORARY = re.compile(r"g\d{6}\.(building|removed)|current\.new|(progress|writer)\.json(\.new)?")
_PERMANENT = re.compile(r"current|writer\.lock|g\d{6}(\.damaged)?")
# A folder counts as empty if it has only hidden files and what a file system puts into its root.
_IGNORED = re.compile(r"\..*|lost\+found")


def printable_path(path: str) -> str:
    """Return a path as text that can be written as UTF-8: a byte in no encoding is an escape such as `\\xff`.

    Python has lone surrogates for such bytes (PEP 383).
    """
    return _SURROGATE.sub(lambda match: f"\\x{ord(match[0]) & 0xFF:02x}", path)


def is_temporary(name: str) -> bool:
    """Whether a name in the folder of an index is one that exists only while a writer is active."""
    return _TEMPORARY.fullmatch(name) is not None


def find_index_names(names: Collection[str]) -> set[str]:
    """Return which of the names in a folder belong to an index; empty if none has been begun in it."""
    if LOCK not in names:
        return set()
    return {name for name in names if is_temporary(name) or _PERMANENT.fullmatch(name)}


def is_unfinished(name: str) -> bool:
    """Whether a name in a generation is that of a file that a writer did not finish."""
    is_new = name.endswith(NEW) and _is_in_generation(name.removesuffix(NEW))
    return is_new or _WHOOSH_PARTS.fullmatch(name) is not None


def find_foreign_names(root: Path) -> list[str]:
    """Return the names in a folder that do not belong to an index; empty if the folder has an index.

    An index may be made in a folder without foreign names. If the folder cannot be read, the result is empty
    too: the first write will report the error.
    """
    try:
        found = sorted(root.iterdir(), key=lambda path: path.name)
        if any(map(_is_evidence_of_index, found)):
            return []
    except OSError:
        return []
    known = (_IGNORED, _TEMPORARY, _PERMANENT)
    return [path.name for path in found if not any(names.fullmatch(path.name) for names in known)]


def _is_evidence_of_index(path: Path) -> bool:
    if path.name == POINTER and path.is_file():
        with path.open(encoding="ascii", errors="replace") as file:
            return GENERATION.match(file.read(7)) is not None
    if not (GENERATION.match(path.name) and (is_temporary(path.name) or _PERMANENT.fullmatch(path.name))):
        return False
    return path.is_dir() and any(_is_in_generation(inner.name) for inner in path.iterdir())


def _is_in_generation(name: str) -> bool:
    return name == SETTINGS or any(kind.fullmatch(name) for kind in (CONTENTS, CATALOG, SEGMENT))

"""The plan of a sync: the state of each file of a source. Pure: no disk and no clock."""

from __future__ import annotations

import hashlib
import os
import re
import unicodedata
from collections.abc import Mapping
from pathlib import Path

from indexer.readers import unpacked_name
from indexer.sync.catalog import STABLE, Entry, FileState, Stamp
from indexer.sync.listing import Listing

TO_READ = frozenset({FileState.NEW, FileState.CHANGED, FileState.OUTDATED})
"""The states in a plan of files that have to be read; of a changed file, the digest is compared first."""


def make_plan(known: Mapping[str, Entry], listing: Listing) -> dict[str, FileState]:
    """The state of each file, by path and in order: the catalog compared with the listing.

    These are NEW, CHANGED, MISSING, UNCHANGED, REFUSED (and still the same file), and UNREADABLE: a file that
    the listing could not examine, which therefore does not count as missing.
    """
    absent = known.keys() - listing.files.keys()
    plan = dict.fromkeys(absent, FileState.MISSING)
    plan |= dict.fromkeys(listing.find_hidden(absent), FileState.UNREADABLE)
    plan |= {path: _compare(known.get(path), stamp) for path, stamp in listing.files.items()}
    return {path: plan[path] for path in sorted(plan)}


def _compare(entry: Entry | None, stamp: Stamp) -> FileState:
    if entry is None:
        return FileState.NEW
    if entry.state in STABLE and entry.stamp.matches(stamp):
        return entry.state
    return FileState.OUTDATED if entry.state is FileState.OUTDATED else FileState.CHANGED


def default_id(root: Path, path: str) -> str:
    """The id of a file's one article: a slug of its name, and eight hex digits of its path in the source."""
    stem = unpacked_name(path.rpartition("/")[2]).rsplit(".", 1)[0]
    plain = unicodedata.normalize("NFKD", stem).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:48].strip("-") or "article"
    below = os.fsencode(f"{root.name}/{path}")
    return f"{slug}-{hashlib.sha256(below).hexdigest()[:8]}"

"""What is to be done with each file of a source: pure, nothing is read for it."""

from __future__ import annotations

import hashlib
import os
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from indexer.sync.catalog import Entry
from indexer.sync.listing import Listing

Action = Literal["add", "check", "remove", "keep"]


@dataclass(frozen=True, slots=True)
class Step:
    """What is to be done with one file, and why."""

    action: Action
    path: str
    why: str


def plan(listing: Listing, known: Mapping[str, Entry]) -> list[Step]:
    """What to do with each file of a source, by path: pure, nothing is read."""
    steps = []
    is_hidden = listing.hidden()
    for path in known:
        if path not in listing.files:
            steps.append(
                Step("keep", path, "it cannot be looked at")
                if is_hidden(path)
                else Step("remove", path, "the file is gone")
            )
    for path, stamp in listing.files.items():
        entry = known.get(path)
        if entry is None:
            steps.append(Step("add", path, "the file is new"))
        elif entry.stamp.looks_like(stamp):
            steps.append(Step("keep", path, "size and times are the same"))
        else:
            differs = "size" if entry.stamp.size != stamp.size else "time"
            steps.append(Step("check", path, f"the file's {differs} is another"))
    return sorted(steps, key=lambda step: step.path)


def default_id(root: Path, path: str) -> str:
    """The id of a file's one article: its name made plain, and eight hex digits of its path in the source."""
    stem = re.sub(r"(\.gz)?$", "", Path(path).name).rsplit(".", 1)[0]
    plain = unicodedata.normalize("NFKD", stem).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:48].strip("-") or "article"
    below = os.fsencode(f"{root.name}/{path}")
    return f"{slug}-{hashlib.sha256(below).hexdigest()[:8]}"

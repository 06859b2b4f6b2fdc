"""Refuse a sync that would remove too much of a source, probably because its disk is not mounted.

Other tools that synchronize folders do the same: rclone's bisync stops where more than half of the files
would be deleted, Unison where all of them would.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from indexer.errors import SourceShrunk
from indexer.sync.catalog import Catalog, Contents
from indexer.sync.listing import Listing, path_and_folders

MAX_SHARE, MAX_COUNT = 0.5, 10
"""A sync may not remove more than this share of a source's articles if these are more than the count."""


def refuse_shrunk(
    before: Contents, catalog: Catalog, listings: Mapping[Path, Listing], advice: str | None = None
) -> None:
    """Raise SourceShrunk if too many of the articles that a source held would be removed.

    `catalog` and `listings` give what the sources hold now. The articles of a renamed file do not count. Too
    many are: all, if nothing is left; more than MAX_SHARE and MAX_COUNT; or more than MAX_COUNT below a
    folder that still exists with nothing in it, as a mount point does, or of a file that is empty now.
    `advice` says how to allow the removal.
    """
    owners = catalog.owners()
    arrived = _find_arrived(before, catalog)

    def is_lost(owner: tuple[str, str], article_id: str) -> bool:
        # It may only have another id in its file now.
        return article_id not in owners and owners.get(catalog.aliases.get(article_id, "")) != owner

    for source, files in before.items():
        lost = {
            path: count
            for path, (digest, _, ids) in files.items()
            if digest not in arrived and (count := sum(map(partial(is_lost, (source, path)), ids)))
        }
        if not lost:
            continue
        total, had = sum(lost.values()), sum(len(file.articles) for file in files.values())
        left = sum(len(entry.articles) for entry in catalog.sources.get(source, {}).values())
        if not left or (total > MAX_COUNT and total > MAX_SHARE * had):
            loss = f"{total:,} of its {had:,} articles would be removed, {left:,} would be left"
            forget = f"run `nutgraf forget {source}` to remove the source, or " if not left else ""
        elif place := _find_emptied(lost, listings.get(Path(source), Listing())):
            loss = f"nothing is left in {place[0]}, of which {place[1]:,} articles would be removed"
            forget = ""
        else:
            continue
        raise SourceShrunk(
            f"{source}: {loss}; nothing was changed. Check that everything is there (is its disk mounted?); "
            f"if they are meant to go, {advice or f'{forget}allow a mass delete'}"
        )


def _find_emptied(lost: Mapping[str, int], listing: Listing) -> tuple[str, int] | None:
    """The empty folder or file that has lost most articles, and how many; None if not more than MAX_COUNT."""
    empty = listing.find_empty() if sum(lost.values()) > MAX_COUNT else set()
    below: Counter[str] = Counter()
    for path, count in lost.items():
        below.update(dict.fromkeys(empty.intersection(path_and_folders(path)), count))
    most = max(below.values(), default=0)
    if most <= MAX_COUNT:
        return None
    # The outermost of them: of a disk that had folders, its mount point.
    return min(place for place, count in below.items() if count == most), most


def _find_arrived(before: Contents, catalog: Catalog) -> set[str]:
    """The digests of the files that are new, or have other content than before."""
    arrived = {
        entry.stamp.sha256
        for source, path, entry in catalog.entries()
        if source in before
        and ((known := before[source].get(path)) is None or known.sha256 != entry.stamp.sha256)
    }
    return arrived - {""}

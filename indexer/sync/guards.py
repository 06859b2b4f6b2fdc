"""Whether a source has lost so much that it is rather not there: a disk that is not mounted, an empty share.

As other tools that carry deletions over do: rclone's bisync stops where more than half of the files would go,
Unison where everything would.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from indexer.errors import SourceShrunk
from indexer.sync.catalog import Catalog
from indexer.sync.listing import Listing

SHARE, FEW = 0.5, 10
"""More than this share of a source's articles and more than so many may not go at once."""

Held = Mapping[str, Mapping[str, tuple[str, tuple[str, ...]]]]
"""The digest of each file and the ids of its articles, by source and path."""

_ADVICE = "nothing was changed. See that it is all there (is its disk mounted?); if it is meant, "
_WAY = "say --allow-mass-delete (allow_mass_delete=True)"


def held(catalog: Catalog, sources: Iterable[str]) -> Held:
    """What the sources held, for comparing it with what they hold later."""
    return {
        source: {
            path: (entry.stamp.sha256, tuple(entry.articles))
            for path, entry in catalog.sources.get(source, {}).items()
        }
        for source in sources
    }


def refuse_shrunk(
    before: Held, catalog: Catalog, listings: Mapping[Path, Listing], way: str | None = None
) -> None:
    """Raise SourceShrunk where too many of the articles that a source held would be removed.

    `catalog` and `listings` say what the sources hold now. What moved with its file does not count. Too many
    are all, where nothing is left; more than SHARE and FEW of them; and more than FEW below a folder that is
    still there with nothing in it, as a mount point is, or of a file that is empty now. `way` is how it is
    said that this is meant, when that is not as in a sync.
    """
    owners = catalog.owners()
    moved = _come(before, catalog)
    for source, files in before.items():
        lost = {
            path: count
            for path, (digest, names) in files.items()
            if digest not in moved and (count := sum(name not in owners for name in names))
        }
        if lost:
            _refuse(source, files, lost, catalog, listings.get(Path(source), Listing()), way)


def _refuse(
    source: str,
    files: Mapping[str, tuple[str, tuple[str, ...]]],
    lost: Mapping[str, int],
    catalog: Catalog,
    listing: Listing,
    way: str | None,
) -> None:
    total, had = sum(lost.values()), sum(len(names) for _, names in files.values())
    left = sum(len(entry.articles) for entry in catalog.sources.get(source, {}).values())
    if not left or (total > FEW and total > SHARE * had):
        raise SourceShrunk(
            f"{source}: {total:,} of its {had:,} articles would be removed, {left:,} would be left: "
            f"{_ADVICE}{way or f'{_WAY}, or `nutgraf forget {source}` to do without it'}"
        )
    if total <= FEW:
        return
    hollow = listing.hollow()
    below: Counter[str] = Counter()
    for path, count in lost.items():
        below.update(dict.fromkeys(hollow.intersection(_places(path)), count))
    if below and (most := max(below.values())) > FEW:
        # The outermost of them: of a disk that had folders, its mount point.
        place = min(place for place, count in below.items() if count == most)
        raise SourceShrunk(
            f"{source}: nothing is left in {place}, of which {most:,} articles would be removed: "
            f"{_ADVICE}{way or _WAY}"
        )


def _come(before: Held, catalog: Catalog) -> set[str]:
    """The digests of the files that have come, or have other content than before."""
    come = {
        entry.stamp.sha256
        for source, path, entry in catalog.entries()
        if source in before and before[source].get(path, ("", ()))[0] != entry.stamp.sha256
    }
    return come - {""}


def _places(path: str) -> Iterator[str]:
    """A path and the folders that it lies in."""
    while path:
        yield path
        path = path.rpartition("/")[0]

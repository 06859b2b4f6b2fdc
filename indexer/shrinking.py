"""Whether a source has lost so much that it is rather not there: a disk that is not mounted, an empty share.

As other tools that carry deletions over do: rclone's bisync stops where more than half of the files would go,
Unison where everything would.
"""

from __future__ import annotations

from indexer.errors import SourceShrunk

SHARE, FEW = 0.5, 10
"""More than this share of a source's articles and more than so many may not go at once."""


def refuse_shrunk(source: str, had: int, lost: int, left: int) -> None:
    """Raise SourceShrunk where too many of the articles that a source had would be removed.

    `lost` are those of its `had` articles that no file has any more (one that moved with its file is not),
    `left` the articles that it has now. Too many are all, where nothing is left, or more than SHARE and FEW.
    """
    if lost and (not left or (lost > FEW and lost > SHARE * had)):
        raise SourceShrunk(
            f"{source}: {lost:,} of its {had:,} articles would be removed, {left:,} would be left: nothing "
            "was changed. See that it is all there (is its disk mounted?); if it is meant, say "
            f"--allow-mass-delete (allow_mass_delete=True), or `nutgraf forget {source}` to do without it"
        )

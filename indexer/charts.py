"""Facets and timelines as lines of text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from indexer.counts import FacetCount, Timeline

BAR = 40
"""Characters of the longest bar."""

_UNNAMED = {
    "undated": "undated",
    "inexact": "not dated so exactly",
    "none": "none",
    "other": "all others",
}


def facet_lines(name: str, counts: Sequence[FacetCount]) -> Iterator[str]:
    """A facet: its name, then a line for each value."""
    yield name
    width = len(f"{max((count.count for count in counts), default=0):,}")
    for count in counts:
        text = f"({_UNNAMED[count.kind]})" if count.value is None else count.value
        yield f"  {count.count:>{width},}  {text}"


def timeline_lines(timeline: Timeline) -> Iterator[str]:
    """A timeline: what it spans, then for each period the hits, the share of all paragraphs, and a bar."""
    span = f": {timeline.first} to {timeline.last}, most in {timeline.peak}" if timeline.bars else ""
    left_out = [
        f"{count:,} {what}"
        for count, what in ((timeline.inexact, _UNNAMED["inexact"]), (timeline.undated, _UNNAMED["undated"]))
        if count
    ]
    yield f"by {timeline.grain}{span}" + (f" ({', '.join(left_out)})" if left_out else "")
    most = max((bar.articles for bar in timeline.bars), default=0)
    width = len(f"{most:,}")
    for bar in timeline.bars:
        # The smallest bar is seen, too.
        length = -(-bar.articles * BAR // most)
        share = f"{bar.share:.2%}" if bar.of_paragraphs else "–"
        yield f"  {bar.start:<10}  {bar.articles:>{width},}  {share:>7}  {'█' * length}".rstrip()

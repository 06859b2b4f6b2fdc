"""Facets and timelines as text."""

from __future__ import annotations

from indexer import FacetCount, Timeline, TimelineBar
from indexer.cli.render import format_facet, format_timeline


def test_a_facet_is_a_line_for_each_value() -> None:
    counts = [
        FacetCount("2020", 1200),
        FacetCount("2021", 7),
        FacetCount(None, 3, "other"),
        FacetCount(None, 2, "inexact"),
        FacetCount(None, 1, "undated"),
        FacetCount(None, 1, "none"),
    ]
    assert list(format_facet("year", counts)) == [
        "year",
        "  1,200  2020",
        "      7  2021",
        "      3  (all others)",
        "      2  (not dated exactly enough)",
        "      1  (undated)",
        "      1  (none)",
    ]
    assert list(format_facet("site", [])) == ["site"]


def test_a_timeline_is_a_bar_for_each_period() -> None:
    bars = (
        TimelineBar("2021-03", 80, 120, 100, 1000, 0.12),
        TimelineBar("2021-04", 0, 0, 0, 0, 0.0),
        TimelineBar("2021-05", 1, 1, 90, 800, 0.00125),
    )
    timeline = Timeline("month", bars, "2021-03-04", "2021-05", "2021-03", inexact=2, undated=1)
    assert list(format_timeline(timeline)) == [
        "by month: 2021-03-04 to 2021-05, most in 2021-03 (2 not dated exactly enough, 1 undated)",
        f"  2021-03     80   12.00%  {'█' * 40}",
        "  2021-04      0        –",
        "  2021-05      1    0.12%  █",
    ]
    assert list(format_timeline(Timeline("year"))) == ["by year"]

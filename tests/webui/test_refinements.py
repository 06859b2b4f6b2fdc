"""The periods that a search can be narrowed to: those that have some of its hits, not all."""

from __future__ import annotations

from datetime import date

import pytest

from indexer import Config
from indexer.results import Timeline, TimelineBar
from webui.refinements import Switch, chips, presets, switch_meaning
from webui.urls import Search

TODAY = date(2026, 11, 24)
YEARS = ("2019", "2025", "2026")


def timeline(first: str, last: str, *years: str, undated: int = 0) -> Timeline:
    bars = tuple(TimelineBar(year, int(year in years), 1, 1, 1, 1.0) for year in YEARS)
    return Timeline("year", bars, first, last, undated=undated)


@pytest.mark.parametrize(
    ("found", "labels"),
    [
        (None, []),
        (Timeline("year", undated=3), []),
        (timeline("1887", "2023-09"), []),
        (timeline("2019-05-01", "2025-12-01", "2019", "2025"), ["last 12 months", "last year"]),
        (timeline("2019-05-01", "2026-02-01", "2019", "2026"), ["last 12 months", "this year"]),
        (
            timeline("2019-05-01", "2026-11-02", "2019", "2025", "2026"),
            ["last 30 days", "last 12 months", "this year", "last year"],
        ),
        (timeline("2026-11-01", "2026-11-02", "2026"), []),
        (
            timeline("2026-11-01", "2026-11-02", "2026", undated=1),
            ["last 30 days", "last 12 months", "this year"],
        ),
        (timeline("2025-03-01", "2025-04-01", "2025"), []),
        (timeline("2026", "2026", "2026"), []),
    ],
)
def test_a_period_is_offered_where_it_divides_the_hits(found: Timeline | None, labels: list[str]) -> None:
    assert [choice.label for choice in presets(Search("crane"), "/", found, TODAY)] == labels


def test_a_period_takes_the_place_of_other_limits_of_time() -> None:
    found = timeline("2019-05-01", "2026-11-02", "2019", "2025", "2026")
    search = Search("crane", since="2019", until="2027", page=3, filters={"source": ("wire",)})
    assert [choice.url for choice in presets(search, "/", found, TODAY)] == [
        "/?q=crane&since=2026-10-25&source=wire",
        "/?q=crane&since=2025-11-24&source=wire",
        "/?q=crane&since=2026&source=wire",
        "/?q=crane&since=2025&until=2025&source=wire",
    ]


def test_a_week_is_shown_by_its_first_and_its_last_day() -> None:
    found = chips(Search("crane", since="last week", until="last week"), "/", Config())
    assert [chip.kind for chip in found] == ["since", "until"]
    first, last = (date.fromisoformat(chip.value) for chip in found)
    assert first.weekday() == 0
    assert (last - first).days == 6


@pytest.mark.parametrize(
    ("configured", "asked", "switch"),
    [
        (0.4, None, Switch(True, "/?q=crane&meaning=0")),
        (0.4, 0.7, Switch(True, "/?q=crane&meaning=0")),
        (0.4, 0.0, Switch(False, "/?q=crane")),
        (0.0, None, Switch(False, "/?q=crane&meaning=0.4")),
        (0.0, 0.4, Switch(True, "/?q=crane")),
    ],
)
def test_the_switch_leads_to_words_alone_and_back(
    configured: float, asked: float | None, switch: Switch
) -> None:
    search = Search("crane", page=3, meaning=asked)
    assert switch_meaning(search, "/", Config(meaning=configured)) == switch

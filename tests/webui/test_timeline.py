"""The timeline as it is drawn: periods of its bars, lines of its grid, dates of its axis."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from indexer import Config
from indexer.results import Grain, Timeline, TimelineBar
from webui.timeline import chart, grid, ticks
from webui.urls import Search


def timeline(grain: Grain, *starts: str, counts: tuple[int, ...] = ()) -> Timeline:
    bars = tuple(
        TimelineBar(start, count, count, 4, 4, count / 4)
        for start, count in zip(starts, counts or (1,) * len(starts), strict=True)
    )
    return Timeline(grain, bars)


def periods(found: Timeline, since: str = "", until: str = "") -> list[tuple[str, str]]:
    drawn = chart(found, Search("crane", since, until), "/", Config())
    assert drawn is not None
    return [(bar.since, bar.until) for bar in drawn.bars]


WEEKS = timeline("week", "2007-12-31", "2008-01-07")
MONTHS = timeline("month", "2008-03", "2008-04")


@pytest.mark.parametrize(
    ("found", "dates", "expected"),
    [
        (MONTHS, {}, [("2008-03", "2008-03"), ("2008-04", "2008-04")]),
        (MONTHS, {"since": "2008"}, [("2008-03", "2008-03"), ("2008-04", "2008-04")]),
        (
            MONTHS,
            {"since": "2008-03-05", "until": "2008-04-30"},
            [("2008-03-05", "2008-03-31"), ("2008-04", "2008-04")],
        ),
        (WEEKS, {}, [("2007-12-31", "2008-01-06"), ("2008-01-07", "2008-01-13")]),
        (
            WEEKS,
            {"since": "2008", "until": "10 Jan 2008"},
            [("2008-01-01", "2008-01-06"), ("2008-01-07", "2008-01-10")],
        ),
        (timeline("year", "9998", "9999"), {}, [("9998", "9998"), ("9999", "9999")]),
        (timeline("day", "9999-12-30", "9999-12-31"), {}, [("9999-12-30",) * 2, ("9999-12-31",) * 2]),
        (
            timeline("week", "9999-12-20", "9999-12-27"),
            {},
            [("9999-12-20", "9999-12-26"), ("9999-12-27", "9999-12-31")],
        ),
    ],
)
def test_no_bar_reaches_beyond_the_dates_of_the_search(
    found: Timeline, dates: dict[str, str], expected: list[tuple[str, str]]
) -> None:
    assert periods(found, **dates) == expected


def test_a_bar_leads_to_its_period_and_an_empty_one_nowhere() -> None:
    drawn = chart(
        timeline("year", "2008", "2009", "2010", counts=(3, 0, 6)),
        Search("crane", sort="newest", filters={"undated": True}),
        "/",
        Config(),
    )
    assert drawn is not None
    assert [bar.url for bar in drawn.bars] == [
        "/?q=crane&since=2008&until=2008&sort=newest",
        None,
        "/?q=crane&since=2010&until=2010&sort=newest",
    ]
    # The highest line of the grid is at 8 pixels, the axis at 104.
    assert [(bar.y, bar.height) for bar in drawn.bars] == [(56, 48), (104, 0), (8, 96)]
    assert [(line.value, line.y) for line in drawn.lines] == [(2, 72), (4, 40), (6, 8)]
    assert drawn.other == "/?q=crane&sort=newest&undated=1&share=1"


@pytest.mark.parametrize("found", [None, Timeline("year"), timeline("year", "2008", "2009", counts=(1, 0))])
def test_a_single_period_is_not_drawn(found: Timeline | None) -> None:
    assert chart(found, Search("crane"), "/", Config()) is None


@pytest.mark.parametrize(
    ("most", "whole", "lines"),
    [
        (1, True, [1]),
        (2, True, [1, 2]),
        (3, True, [1, 2, 3]),
        (4, True, [2, 4]),
        (10, True, [5, 10]),
        (197, True, [100, 200]),
        (1453, True, [500, 1000, 1500]),
        (0.123, False, [0.05, 0.1, 0.15]),
        (1, False, [0.5, 1]),
        (0, False, [1]),
    ],
)
def test_the_grid_has_round_numbers_up_to_the_highest_bar(
    most: float, whole: bool, lines: list[float]
) -> None:
    assert grid(most, whole=whole) == lines


def days(start: str, number: int, step: int = 1) -> list[str]:
    return [str(date.fromisoformat(start) + timedelta(days=step * place)) for place in range(number)]


@pytest.mark.parametrize(
    ("starts", "grain", "expected"),
    [
        (["2008", "2009"], "year", ["2008", "2009"]),
        ([str(year) for year in range(1887, 2024)], "year", ["1900", "1950", "2000"]),
        (
            [f"{year}-{month:02}" for year in (2008, 2009) for month in range(1, 13)],
            "month",
            ["2008-01", "2008-07", "2009-01", "2009-07"],
        ),
        (
            [f"{year}-{month:02}" for year in range(2001, 2009) for month in range(1, 13)],
            "month",
            ["2002", "2004", "2006", "2008"],
        ),
        (days("1987-02-23", 35, 7), "week", ["1987-03", "1987-05", "1987-07", "1987-09"]),
        (days("1987-02-23", 15), "day", ["1987-02-23", "1987-03-02", "1987-03-09"]),
        (days("1987-02-23", 2), "day", ["1987-02-23", "1987-02-24"]),
    ],
)
def test_the_axis_has_a_few_regular_dates(starts: list[str], grain: Grain, expected: list[str]) -> None:
    assert [value for _, value in ticks(starts, grain)] == expected

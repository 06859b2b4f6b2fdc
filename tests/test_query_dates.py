from __future__ import annotations

from datetime import date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.query import parse_period, parse_range

TODAY = date(2024, 3, 1)
NOT_DATES = [
    "",
    " ",
    "banana",
    "0000",
    "9999999",
    "-2500",
    "[jan",
    "jan",
    "march 5",
    "5",
    "12",
    "2021-13",
    "2021-02-30",
    "2021-00-10",
    "2021-1-1-1",
    "nov 31 2021",
    "mayor 2021",
    "nov 2021 2022",
    "2021-11-05T25:00",
    "2021-11-05T21:01+02:00",
    "32/13/2024",
    "5 march 2024 10:30",
    "5 march 2024 XYZ",
    "١٢٣٤",
    "2021\x00",
    "2021..2022..2023",
    "..",
    "…",
]


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("2021", datetime(2021, 1, 1), datetime(2022, 1, 1)),
        ("0001", datetime(1, 1, 1), datetime(2, 1, 1)),
        ("2021-11", datetime(2021, 11, 1), datetime(2021, 12, 1)),
        ("2021-12", datetime(2021, 12, 1), datetime(2022, 1, 1)),
        ("2021-11-05", datetime(2021, 11, 5), datetime(2021, 11, 6)),
        ("2024-02-29", datetime(2024, 2, 29), datetime(2024, 3, 1)),
        ("2021-11-05T21:01", datetime(2021, 11, 5, 21, 1), datetime(2021, 11, 5, 21, 2)),
        ("2021-11-05 21:01", datetime(2021, 11, 5, 21, 1), datetime(2021, 11, 5, 21, 2)),
        (" 2021 ", datetime(2021, 1, 1), datetime(2022, 1, 1)),
        ("9999", datetime(9999, 1, 1), datetime.max),
        ("nov 2021", datetime(2021, 11, 1), datetime(2021, 12, 1)),
        ("November, 2021", datetime(2021, 11, 1), datetime(2021, 12, 1)),
        ("2021 feb", datetime(2021, 2, 1), datetime(2021, 3, 1)),
        ("5 March 2024", datetime(2024, 3, 5), datetime(2024, 3, 6)),
        ("March 5, 2024", datetime(2024, 3, 5), datetime(2024, 3, 6)),
        ("5th of March 2024", datetime(2024, 3, 5), datetime(2024, 3, 6)),
        ("Tue 5 Mar 2024", datetime(2024, 3, 5), datetime(2024, 3, 6)),
        ("05/03/2024", datetime(2024, 3, 5), datetime(2024, 3, 6)),
        ("5.3.2024", datetime(2024, 3, 5), datetime(2024, 3, 6)),
        ("03/25/2024", datetime(2024, 3, 25), datetime(2024, 3, 26)),
        ("11/2021", datetime(2021, 11, 1), datetime(2021, 12, 1)),
        ("2024/03/05", datetime(2024, 3, 5), datetime(2024, 3, 6)),
        ("2024/3", datetime(2024, 3, 1), datetime(2024, 4, 1)),
        ("today", datetime(2024, 3, 1), datetime(2024, 3, 2)),
        ("Yesterday", datetime(2024, 2, 29), datetime(2024, 3, 1)),
    ],
)
def test_a_period_is_half_open(text: str, start: datetime, end: datetime) -> None:
    assert parse_period(text, TODAY) == (start, end)


def test_the_order_of_day_and_month_can_be_chosen() -> None:
    assert parse_period("05/03/2024", TODAY, day_first=False)[0] == datetime(2024, 5, 3)
    assert parse_period("2024/03/05", TODAY, day_first=False)[0] == datetime(2024, 3, 5)


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("2021-11", datetime(2021, 11, 1), datetime(2021, 12, 1)),
        ("2021-03..2021-05", datetime(2021, 3, 1), datetime(2021, 6, 1)),
        ("2021 .. 2021-05-04", datetime(2021, 1, 1), datetime(2021, 5, 5)),
        ("2021...2022", datetime(2021, 1, 1), datetime(2023, 1, 1)),
        ("2021…2022", datetime(2021, 1, 1), datetime(2023, 1, 1)),
        ("nov 2021..jan 2022", datetime(2021, 11, 1), datetime(2022, 2, 1)),
        ("2021..", datetime(2021, 1, 1), None),
        ("..2021", None, datetime(2022, 1, 1)),
        ("yesterday..today", datetime(2024, 2, 29), datetime(2024, 3, 2)),
        ("2022..2021", datetime(2021, 1, 1), datetime(2023, 1, 1)),
        ("2021-11..2021", datetime(2021, 11, 1), datetime(2022, 1, 1)),
        ("2021..2021", datetime(2021, 1, 1), datetime(2022, 1, 1)),
    ],
)
def test_both_ends_of_a_range_belong_to_it(text: str, start: datetime | None, end: datetime | None) -> None:
    assert parse_range(text, TODAY) == (start, end)


@pytest.mark.parametrize("text", NOT_DATES)
def test_what_is_no_date_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        parse_range(text, TODAY)


_PIECES = st.sampled_from(
    [
        "2021",
        "0000",
        "9999",
        "nov",
        "march",
        "feb",
        "29",
        "31",
        "5",
        "-",
        "/",
        ".",
        "..",
        " ",
        ",",
        "T",
        ":",
        "th",
        "am",
    ]
)


@given(st.one_of(st.text(), st.lists(_PIECES, max_size=9).map("".join)))
def test_any_text_is_a_range_that_runs_forwards_or_a_value_error(text: str) -> None:
    try:
        start, end = parse_range(text, TODAY)
    except ValueError:
        return
    assert start is not None or end is not None
    assert start is None or end is None or start < end

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.config import Config
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
    "2021\x00",
    "2021..2022..2023",
    "last 0 days",
    "last 9999 years",
    "9999 years ago",
    "last 99999999999999999999 days",
    "last weeks",
    "next week",
    "-2500 years",
    "[* TO *]",
    "[jan to feb]",
    "[9999999 TO]",
    "since",
    "since jan",
    "between 2019",
    "between 2019 and",
    "to",
    "..",
    "…",
]


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("März 2019", "2019-03-01", "2019-04-01"),
        ("5. März 2019", "2019-03-05", "2019-03-06"),
        ("Dezember 2019", "2019-12-01", "2020-01-01"),
        ("mars 2019", "2019-03-01", "2019-04-01"),
        ("1er août 2019", "2019-08-01", "2019-08-02"),
        ("janv. 2019", "2019-01-01", "2019-02-01"),
        ("5 de marzo de 2019", "2019-03-05", "2019-03-06"),
        ("enero de 2019", "2019-01-01", "2019-02-01"),
        ("5 مارس 2019", "2019-03-05", "2019-03-06"),
        ("٥ آذار ٢٠١٩", "2019-03-05", "2019-03-06"),
        ("تشرين الثاني 2019", "2019-11-01", "2019-12-01"),
        ("2019年3月5日", "2019-03-05", "2019-03-06"),
        ("2019年3月", "2019-03-01", "2019-04-01"),
        ("2019年", "2019-01-01", "2020-01-01"),
    ],
)
def test_a_month_may_have_its_name_in_a_language_of_the_page(text: str, start: str, end: str) -> None:
    found = parse_period(text, TODAY)
    assert [moment.date().isoformat() for moment in found] == [start, end]


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
        ("last week", datetime(2024, 2, 19), datetime(2024, 2, 26)),
        ("this week", datetime(2024, 2, 26), datetime(2024, 3, 4)),
        ("previous month", datetime(2024, 2, 1), datetime(2024, 3, 1)),
        ("This Month", datetime(2024, 3, 1), datetime(2024, 4, 1)),
        ("last year", datetime(2023, 1, 1), datetime(2024, 1, 1)),
        ("this year", datetime(2024, 1, 1), datetime(2025, 1, 1)),
        ("last  7 days", datetime(2024, 2, 24), datetime(2024, 3, 2)),
        ("in the last seven days", datetime(2024, 2, 24), datetime(2024, 3, 2)),
        ("last 1 day", datetime(2024, 3, 1), datetime(2024, 3, 2)),
        ("past week", datetime(2024, 2, 24), datetime(2024, 3, 2)),
        ("past 2 weeks", datetime(2024, 2, 17), datetime(2024, 3, 2)),
        ("past month", datetime(2024, 2, 2), datetime(2024, 3, 2)),
        ("past 3 months", datetime(2023, 12, 2), datetime(2024, 3, 2)),
        ("past year", datetime(2023, 3, 2), datetime(2024, 3, 2)),
        ("2 days ago", datetime(2024, 2, 28), datetime(2024, 2, 29)),
        ("a week ago", datetime(2024, 2, 19), datetime(2024, 2, 26)),
        ("three months ago", datetime(2023, 12, 1), datetime(2024, 1, 1)),
        ("1 year ago", datetime(2023, 1, 1), datetime(2024, 1, 1)),
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
        ("since 2020", datetime(2020, 1, 1), None),
        ("since last month", datetime(2024, 2, 1), None),
        ("Until 2021-05", None, datetime(2021, 6, 1)),
        ("between 2019 and nov 2021", datetime(2019, 1, 1), datetime(2021, 12, 1)),
        ("from 5 May 2021 to yesterday", datetime(2021, 5, 5), datetime(2024, 3, 1)),
        ("2019 to 2021", datetime(2019, 1, 1), datetime(2022, 1, 1)),
        ("[2019 TO 2021]", datetime(2019, 1, 1), datetime(2022, 1, 1)),
        ("[2019 TO *]", datetime(2019, 1, 1), None),
        ("{* TO 2021}", None, datetime(2022, 1, 1)),
        ("last week..today", datetime(2024, 2, 19), datetime(2024, 3, 2)),
    ],
)
def test_both_ends_of_a_range_belong_to_it(text: str, start: datetime | None, end: datetime | None) -> None:
    assert parse_range(text, TODAY) == (start, end)


@pytest.mark.parametrize("text", NOT_DATES)
def test_a_text_that_is_not_a_date_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        parse_range(text, TODAY)


@pytest.mark.parametrize("today", [date.min, date.max])
@pytest.mark.parametrize(
    "text", ["today", "yesterday", "last week", "this year", "past month", "last 7 days"]
)
def test_at_the_ends_of_time_there_is_a_period_or_a_value_error(text: str, today: date) -> None:
    try:
        start, end = parse_period(text, today)
    except ValueError:
        return
    assert start < end


@pytest.mark.parametrize(
    ("zone", "now", "day", "yesterday"),
    [
        # The clocks go forward in the night to 31 March 2024, and back in that to 27 October.
        ("Europe/Berlin", "2024-03-30T22:59:59", "2024-03-30", "2024-03-29"),
        ("Europe/Berlin", "2024-03-30T23:00:00", "2024-03-31", "2024-03-30"),
        ("Europe/Berlin", "2024-03-31T21:59:59", "2024-03-31", "2024-03-30"),
        ("Europe/Berlin", "2024-03-31T22:00:00", "2024-04-01", "2024-03-31"),
        ("Europe/Berlin", "2024-10-26T22:00:00", "2024-10-27", "2024-10-26"),
        ("Europe/Berlin", "2024-10-27T22:59:59", "2024-10-27", "2024-10-26"),
        ("Europe/Berlin", "2024-10-27T23:00:00", "2024-10-28", "2024-10-27"),
        ("America/New_York", "2024-03-10T04:59:59", "2024-03-09", "2024-03-08"),
        ("America/New_York", "2024-03-11T03:59:59", "2024-03-10", "2024-03-09"),
        ("America/New_York", "2024-11-04T04:59:59", "2024-11-03", "2024-11-02"),
        # Its midnight of 9 September 2018 did not come: the clocks went from 23:59:59 to 1:00.
        ("America/Santiago", "2024-09-08T04:00:00", "2024-09-08", "2024-09-07"),
        ("Pacific/Kiritimati", "2024-02-28T10:00:00", "2024-02-29", "2024-02-28"),
        # Samoa left 30 December 2011 out.
        ("Pacific/Apia", "2011-12-30T10:00:00", "2011-12-31", "2011-12-30"),
    ],
)
def test_days_are_those_of_the_zone_on_days_of_23_and_25_hours_too(
    zone: str, now: str, day: str, yesterday: str
) -> None:
    today = Config(timezone=zone).today(datetime.fromisoformat(now).replace(tzinfo=UTC))
    assert today.isoformat() == day
    for name, wanted in (("today", day), ("yesterday", yesterday)):
        start, end = parse_period(name, today)
        assert start == datetime.fromisoformat(wanted)
        assert end - start == timedelta(days=1)


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
        "last ",
        "past ",
        "week",
        "7 ",
        " to ",
        "since ",
        " ago",
        "[",
        "]",
        "*",
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

"""Dates: the date and the precision of expressions, and which of several candidates wins."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.article import Published
from indexer.readers import ReadOptions
from indexer.readers.dates import (
    choose_date,
    complete_year,
    find_path_date,
    parse_date_line,
    parse_dateline,
)
from indexer.readers.expressions import find_dates, parse_date
from tests.fixtures.documents import OPTIONS


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2021", "2021"),
        ("2021-11", "2021-11"),
        ("2021-11-05", "2021-11-05"),
        ("20211105", "2021-11-05"),
        ("2021-11-05T21:01:33Z", "2021-11-05T21:01"),
        ("2021-11-05 21:01:33.000+0100", "2021-11-05T21:01"),
        ("2021-11-05T21:01-04:00", "2021-11-05T21:01"),
        ("2021-11-05T00:00:00Z", "2021-11-05"),
        ("Fri, 05 Nov 2021 21:01:00 +0000", "2021-11-05T21:01"),
        ("Thu Oct 24 10:12:33 CEST 2019", "2019-10-24T10:12"),
        ("November 2021", "2021-11"),
        ("Nov. 5th, 2021", "2021-11-05"),
        ("5 November 2021 at 9pm", "2021-11-05T21:00"),
        ("5. März 2021", "2021-03-05"),
        ("5 de noviembre de 2021", "2021-11-05"),
        ("le 3 mars 2020 à 14h30", "2020-03-03T14:30"),
        ("2021年11月", "2021-11"),
        ("2024/05/03", "2024-05-03"),
        ("05.03.2024", "2024-03-05"),
        ("1636146060", "2021-11-05T21:01"),
        ("1636146060000", "2021-11-05T21:01"),
        ("26/02/19", "2019-02-26"),
        ("26/02/98", "1998-02-26"),
        ("yesterday", None),
        ("3 days ago", None),
        ("Friday", None),
        ("5 November", None),
        ("31 February 2020", None),
        ("2021-13-45", None),
        ("", None),
    ],
)
def test_an_expression_gives_a_date_of_its_precision(text: str, value: str | None) -> None:
    found = parse_date(text, "meta", OPTIONS)
    assert (found.value if found else None) == value


@pytest.mark.parametrize(
    ("text", "day_first", "value", "note"),
    [
        ("05/03/2024", True, "2024-03-05", "05/03/2024 was read with the day first"),
        ("05/03/2024", False, "2024-05-03", "05/03/2024 was read with the month first"),
        ("13/03/2024", False, "2024-03-13", None),
        ("03/13/2024", True, "2024-03-13", None),
        ("05/05/2024", True, "2024-05-05", None),
    ],
)
def test_day_and_month_follow_the_configured_order_and_say_so(
    text: str, day_first: bool, value: str, note: str | None
) -> None:
    found = parse_date(text, "meta", ReadOptions(today=OPTIONS.today, day_first=day_first))
    assert found is not None
    assert (found.value, found.note) == (value, note)


@pytest.mark.parametrize(
    ("text", "zone", "value"),
    [
        ("2021-11-05T21:01:00Z", "Asia/Shanghai", "2021-11-06T05:01"),
        ("2021-11-05T21:01:00+08:00", "UTC", "2021-11-05T13:01"),
        ("Mon Oct 23, 2006 9:55pm EDT", "UTC", "2006-10-24T01:55"),
        ("2021-11-05T21:01", "Asia/Shanghai", "2021-11-05T21:01"),
        ("2021-11-05T00:00:00Z", "America/New_York", "2021-11-05"),
    ],
)
def test_only_a_moment_with_an_offset_is_moved_to_the_zone(text: str, zone: str, value: str) -> None:
    found = parse_date(text, "meta", ReadOptions(today=OPTIONS.today, timezone=zone))
    assert found is not None
    assert found.value == value


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("2006/10/23/item.txt", "2006-10-23"),
        ("news/20061023-item.txt", "2006-10-23"),
        ("a/2021/nov/05/x", "2021-11-05"),
        ("a/2021-11.txt", "2021-11"),
        ("2004/item.txt", "2004"),
        ("000_d6f20211105c15.txt", None),
        ("12345678.txt", None),
        ("x-2021-13-45.txt", None),
        ("business/001.txt", None),
    ],
)
def test_a_file_name_gives_a_date_only_where_it_plainly_is_one(path: str, value: str | None) -> None:
    found = find_path_date(path, "file name", OPTIONS)
    assert (found.value if found else None) == value


def test_metadata_beats_text_beats_address_beats_file_name() -> None:
    values = {"file name": "2001", "url": "2002-02-02", "dateline": "2003-03-03", "json-ld": "2004-04-04"}
    candidates = [Published.parse(value, place) for place, value in values.items()]
    for place in ("json-ld", "dateline", "url", "file name"):
        best, _ = choose_date(candidates, OPTIONS)
        assert best is not None
        assert best.provenance == place
        assert best.others == tuple((c.value, c.provenance) for c in candidates[:-1][::-1])
        candidates.pop()


def test_a_finer_date_that_agrees_lends_its_precision_and_is_no_disagreement() -> None:
    coarse, fine = Published.parse("2021-11-05", "meta"), Published.parse("2021-11-05T21:01", "dateline")
    best, notes = choose_date([fine, coarse], OPTIONS)
    assert best == fine
    assert notes == []


@pytest.mark.parametrize(
    ("value", "reason"), [("2026-06-02", "after 2026-06-01"), ("1399-12-31", "before 1400")]
)
def test_impossible_dates_are_refused_with_a_note(value: str, reason: str) -> None:
    best, notes = choose_date([Published.parse(value, "meta"), Published.parse("2020", "url")], OPTIONS)
    assert best is not None
    assert best.value == "2020"
    assert value in notes[0]
    assert reason in notes[0]


def test_today_is_not_the_future() -> None:
    assert choose_date([Published.parse("2026-06-01T23:59", "meta")], OPTIONS)[0] is not None


@pytest.mark.parametrize(
    ("line", "when"),
    [
        ("LONDON, March 4 (Agency) - Oil", (3, 4)),
        ("BEIJING, Nov. 5 (Agency) -- Steel", (11, 5)),
        ("DAMASCUS 5 November - Bread", (11, 5)),
        ("WASHINGTON (Agency) - Paper", None),
        ("London - a city", None),
    ],
)
def test_a_wire_dateline_gives_month_and_day(line: str, when: tuple[int, int] | None) -> None:
    found = parse_dateline(line, OPTIONS)
    assert (found.month_and_day if found else None) == when


def test_the_twenty_ninth_of_february_takes_a_leap_year_or_none() -> None:
    found = complete_year((2, 29), Published.parse("2004-03-01", "file name"))
    assert found is not None
    assert found.value == "2004-02-29"
    assert complete_year((2, 29), Published.parse("2003", "file name")) is None


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("5. März 2019", "2019-03-05"),
        ("5 Mar '19", "2019-03-05"),
        ("5 Mar ’19", "2019-03-05"),
        ("Mar 5, '98", "1998-03-05"),
        ("٥ مارس ٢٠١٩", "2019-03-05"),
        ("الثلاثاء 5 آذار 2019", "2019-03-05"),
        ("تم نشره الجمعة 24 نيسان / أبريل 2020 09:22 مساءً", "2020-04-24T21:22"),
        ("٠٥/٠٣/٢٠١٩", "2019-03-05"),
        ("平成31年3月5日", "2019-03-05"),
        ("令和元年5月1日", "2019-05-01"),
        ("昭和54年3月", "1979-03"),
        ("民國108年3月5日", "2019-03-05"),
        ("2019年3月5日（火）", "2019-03-05"),
        ("2019年3月5日 星期二", "2019-03-05"),
        ("2019년 3월 5일", "2019-03-05"),
        ("입력 2019. 3. 5.", "2019-03-05"),
        ("5 มีนาคม 2562", "2019-03-05"),
        ("วันอังคารที่ 5 มีนาคม พ.ศ. 2562", "2019-03-05"),
        ("5 มี.ค. 2562", "2019-03-05"),
        ("๕ มีนาคม ๒๕๖๒", "2019-03-05"),
        ("5 มีนาคม 2019", "2019-03-05"),
        ("۱۴ اسفند ۱۳۹۷", "2019-03-05"),
        ("سه‌شنبه ۱۴ اسفند ۱۳۹۷", "2019-03-05"),
        ("14 اسفند 1397", "2019-03-05"),
        ("۱۳۹۷/۱۲/۱۴", "2019-03-05"),
        ("۵ مارس ۲۰۱۹", "2019-03-05"),
        ("14 Esfand 1397", "2019-03-05"),
        ("5 марта 2019 г.", "2019-03-05"),
        ("5 березня 2019 року", "2019-03-05"),
        ("5 marca 2019", "2019-03-05"),
        ("5 listopada 2019", "2019-11-05"),
        ("5. listopada 2019.", "2019-10-05"),
        ("5. listopadu 2019", "2019-11-05"),
        ("5. března 2019", "2019-03-05"),
        ("2019. március 5.", "2019-03-05"),
        ("2019. március 5., kedd", "2019-03-05"),
        ("2019 m. kovo 5 d.", "2019-03-05"),
        ("2019. gada 5. marts", "2019-03-05"),
        ("5 Mart 2019 Salı", "2019-03-05"),
        ("5 Μαρτίου 2019", "2019-03-05"),
        ("5 ΜΑΡΤΊΟΥ 2019", "2019-03-05"),
        ("5 मार्च 2019", "2019-03-05"),
        ("৫ মার্চ ২০১৯", "2019-03-05"),
        ("Ngày 5 tháng 3 năm 2019", "2019-03-05"),
        ("5 tháng 3, 2019", "2019-03-05"),
        ("5 Maret 2019", "2019-03-05"),
        ("5. maaliskuuta 2019", "2019-03-05"),
        ("5 de març de 2019", "2019-03-05"),
        ("5 d’abril de 2019", "2019-04-05"),
        ("5 martie 2019", "2019-03-05"),
        ("5 Martxoa 2019", "2019-03-05"),
        ("2019ko martxoaren 5a", "2019-03-05"),
        ("Mar 5th, 2019", "2019-03-05"),
        ("Tuesday 5th of March 2019, 21:01", "2019-03-05T21:01"),
        ("5. ožujka 2019.", "2019-03-05"),
        ("Published: 5 March 2019 | Updated: 6 March 2019", "2019-03-05"),
        ("March 2019", "2019-03"),
        ("1er mars 2019", "2019-03-01"),
        ("Dienstag, 5. März 2019, 14.30 Uhr", "2019-03-05T14:30"),
        ("Publicado el martes 5 de marzo de 2019 a las 14:30", "2019-03-05T14:30"),
    ],
)
def test_a_line_of_dates_and_labels_is_read_in_many_languages_and_calendars(line: str, value: str) -> None:
    found = parse_date_line(line, OPTIONS)
    assert found is not None
    assert ([date.value for date in found.dates][:1], found.is_bare) == ([value], True)


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("Berlin, 5. März 2019", "2019-03-05"),
        ("LONDON, March 5, 2019", "2019-03-05"),
        ("New York, N.Y., March 5, 2019", "2019-03-05"),
        ("By Ada Example | March 5, 2019", "2019-03-05"),
        ("By Ada Example and Bob Sample | March 5, 2019", "2019-03-05"),
        ("Von Ada Example, Berlin, 5. März 2019", "2019-03-05"),
        ("Par Ada Example – 5 mars 2019", "2019-03-05"),
        ("Por Ada Example · 5 de marzo de 2019", "2019-03-05"),
        ("By Ada Example March 5, 2019", "2019-03-05"),
        ("The Times, Monday, March 5, 1819; pg. 4", "1819-03-05"),
        ("The New York Times, March 5, 1919, p. A1", "1919-03-05"),
        ("The Times (London), March 5, 1819", "1819-03-05"),
        ("The Times, 5 March 1819, Issue 10,924, page 3", "1819-03-05"),
        ("القاهرة، 5 مارس 2019", "2019-03-05"),
        ("北京，2019年3月5日", "2019-03-05"),
        ("Москва, 5 марта 2019", "2019-03-05"),
        ("Edinburgh, March 5th 1819.", "1819-03-05"),
    ],
)
def test_a_date_is_read_after_a_byline_a_place_or_a_newspaper(line: str, value: str) -> None:
    found = parse_date_line(line, OPTIONS)
    assert found is not None
    assert ([date.value for date in found.dates], found.is_bare) == ([value], False)


@pytest.mark.parametrize(
    "line",
    [
        "in May 2020 he said",
        "In Berlin on March 5, 2019 it rained",
        "Paris, March 5, 2019 was a cold day",
        "He was born in Berlin, 5 March 1919",
        "Born: 5 March 1919",
        "Deadline: March 5, 2019",
        "Chapter 5, March",
        "Chapter 5, March 2019",
        "Arsenal 3-2 Chelsea",
        "Arsenal, 3-2-19",
        "21-15, 19-21, 15-10",
        "21-15-19",
        "$5.03.2019",
        "£1,999",
        "EUR 5.03",
        "Room 2020 is free",
        "5 apples",
        "Earthquake in Lisbon, 1 November 1755",
        "See the report of 5 March 2019",
        "May 5 of 2019 members resign",
        "Version 1.2.2019",
        "Population, 2019: 3,500",
        "Mark 3:16",
        "Tel. 05/03 20 19",
        "Call 5-3-2019-44",
        "ISBN 978-3-16-148410-0",
        "Set 5 2019 records",
        "5 so 2019 things",
        "The vote of March 5, 2019, and what came of it",
        "50% off, March 5, 2019!!! buy now",
        "١٤٤٠/٦/٢٨",
    ],
)
def test_a_line_that_says_more_is_no_date_line(line: str) -> None:
    assert parse_date_line(line, OPTIONS) is None


@given(st.text(max_size=120))
def test_no_text_makes_date_reading_fail(text: str) -> None:
    parse_date(text, "meta", OPTIONS)
    parse_date_line(text, OPTIONS)
    parse_dateline(text, OPTIONS)
    for found in find_dates(text, "text", OPTIONS):
        assert found.start < found.end


@given(
    st.from_regex(
        r"\A(?:\d{1,4}[-/. :]){1,4}\d{0,4}(?: ?(?:am|pm|GMT|CEST|\+\d{2}:\d{2}))?"
        r"(?: (?:March|mars|Mai|ago)\.? \d{1,4})?\Z"
    )
)
def test_no_text_with_dates_makes_date_reading_fail(text: str) -> None:
    zoned = ReadOptions(today=date(2026, 6, 1), timezone="Asia/Tokyo")
    for found in (parse_date(text, "meta", zoned), *find_dates(text, "text", zoned)):
        assert found is None or found.start < found.end

"""Articles and dates: valid ones are stored unchanged, and invalid ones are refused."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer import Article, Encoding, InvalidArticle, Published
from indexer.article import make_anchors

# Dates


@pytest.mark.parametrize(
    ("text", "value", "precision", "start", "end"),
    [
        ("2021", "2021", "year", "2021-01-01", "2022-01-01"),
        ("2021-11", "2021-11", "month", "2021-11-01", "2021-12-01"),
        ("2021-12", "2021-12", "month", "2021-12-01", "2022-01-01"),
        ("2024-02-28", "2024-02-28", "day", "2024-02-28", "2024-02-29"),
        ("2021-11-05T21:01", "2021-11-05T21:01", "minute", "2021-11-05T21:01", "2021-11-05T21:02"),
        ("2021-11-05 21:01:59", "2021-11-05T21:01", "minute", "2021-11-05T21:01", "2021-11-05T21:02"),
        ("2021-11-05T21:01:59.5+02:00", "2021-11-05T21:01", "minute", "2021-11-05T21:01", "2021-11-05T21:02"),
        (" 2021-11-05T21:01Z ", "2021-11-05T21:01", "minute", "2021-11-05T21:01", "2021-11-05T21:02"),
        ("0987", "0987", "year", "0987-01-01", "0988-01-01"),
        ("9999", "9999", "year", "9999-01-01", "9999-12-31T23:59:59.999999"),
        ("9999-12", "9999-12", "month", "9999-12-01", "9999-12-31T23:59:59.999999"),
        ("9999-12-31", "9999-12-31", "day", "9999-12-31", "9999-12-31T23:59:59.999999"),
        ("9999-12-31T23:59", "9999-12-31T23:59", "minute", "9999-12-31T23:59", "9999-12-31T23:59:59.999999"),
    ],
)
def test_a_date_spans_all_moments_of_its_precision(
    text: str, value: str, precision: str, start: str, end: str
) -> None:
    found = Published.parse(text, "meta")
    assert (found.value, found.precision, found.provenance) == (value, precision, "meta")
    assert (found.start, found.end) == (datetime.fromisoformat(start), datetime.fromisoformat(end))
    assert str(found) == value


NO_DATES = [
    "",
    "yesterday",
    "21",
    "2021-1",
    "2021-13",
    "2021-02-30",
    "20211105",
    "2021-W44",
    "2021-W44-5",
    "2021-309",
    "2021-11-05T21",
    "2021-11-05T",
    "2021-11-05T25:00",
    "2021-11-05T2101",
    "２０２１",
    "0000",
    "12021",
]


@pytest.mark.parametrize("text", NO_DATES)
def test_an_invalid_date_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        Published.parse(text)
    with pytest.raises(InvalidArticle, match=r"published: must be an ISO date \(2021, 2021-11, .*, not "):
        Article(id="a", published=text)


@given(moment=st.datetimes(), precision=st.sampled_from(["year", "month", "day", "minute"]))
def test_a_date_truncated_to_a_precision_parses_to_itself(moment: datetime, precision: Any) -> None:
    found = Published.at(moment, precision)
    assert Published.parse(found.value) == found
    assert found.start <= moment <= found.end
    assert Article(id="a", published=found).published == found


@given(moment=st.datetimes(), precision=st.sampled_from(["year", "month", "day", "minute"]))
def test_the_period_of_a_date_is_named_by_the_date(moment: datetime, precision: Any) -> None:
    found = Published.at(moment, precision)
    assert Published.from_period(found.start, found.end) == found


@pytest.mark.parametrize("end", [datetime(2021, 11, 8), datetime(2021, 11, 1), datetime(2023, 11, 1)])
def test_other_periods_are_not_named(end: datetime) -> None:
    assert Published.from_period(datetime(2021, 11, 1), end) is None


def test_a_day_has_no_minute() -> None:
    with pytest.raises(ValueError, match="minute precision needs a date with a time"):
        Published.at(date(2021, 11, 5), "minute")


@pytest.mark.parametrize(
    ("given", "value", "precision"),
    [
        (date(2021, 11, 5), "2021-11-05", "day"),
        (datetime(2021, 11, 5, 21, 1, 30), "2021-11-05T21:01", "minute"),
        (datetime(2021, 11, 5, 21, 1, tzinfo=UTC), "2021-11-05T21:01", "minute"),
        # A zone is dropped: the time is the one on the wall.
        ("2021-11-05T21:01:30+09:00", "2021-11-05T21:01", "minute"),
        ("2021", "2021", "year"),
        (Published("2021-11", "month", "url"), "2021-11", "month"),
    ],
)
def test_an_article_takes_dates_as_programs_have_them(given: Any, value: str, precision: str) -> None:
    published = Article(id="a", published=given).published
    assert published is not None
    assert (published.value, published.precision) == (value, precision)


# Articles

SURROGATE = "a\udc80"
INVALID: list[tuple[dict[str, Any], str]] = [
    ({"id": ""}, "id: must be a string without control characters"),
    ({"id": " a"}, "id: must be a string without control characters or space around it"),
    ({"id": "a\nb"}, "id: must be a string without control characters"),
    ({"id": "a\x1b[31m"}, "id: must be a string without control characters"),
    ({"id": "a\x9b"}, "id: must be a string without control characters"),
    ({"id": 7}, "id: must be text, not int"),
    ({"id": SURROGATE}, "id: must be text that can be written as UTF-8, but character 1 is a lone surrogate"),
    ({"title": SURROGATE}, "title: must be text that can be written as UTF-8"),
    ({"title": None}, "title: must be text, not NoneType"),
    ({"paragraphs": "text"}, "paragraphs: must be a list of strings, not one string"),
    ({"paragraphs": None}, "paragraphs: must be a list of strings, not NoneType"),
    ({"paragraphs": b"x"}, "paragraphs: must be a list of strings, not bytes"),
    ({"paragraphs": [b"x"]}, "article 'a': paragraphs: must be text, not bytes: decode it first"),
    ({"paragraphs": ["x", None]}, "paragraphs: must be text, not NoneType"),
    ({"paragraphs": ["x", SURROGATE]}, "paragraphs: must be text that can be written as UTF-8"),
    ({"language": SURROGATE}, "language: must be text that can be written as UTF-8"),
    ({"language": 3}, "language: must be text, not int"),
    ({"language": "klingon"}, "language: must be the code of a language, such as en or pt-BR, not “klingon”"),
    ({"language": "xx"}, "language: must be the code of a language"),
    ({"language": "und"}, "language: must be the code of a language"),
    ({"language": "en GB"}, "language: must be the code of a language"),
    ({"url": SURROGATE}, "url: must be text that can be written as UTF-8"),
    ({"url": b"x"}, "url: must be text, not bytes"),
    ({"source": SURROGATE}, "source: must be text that can be written as UTF-8"),
    ({"notes": [SURROGATE]}, "notes: must be text that can be written as UTF-8"),
    ({"notes": "note"}, "notes: must be a list of strings"),
    ({"encoding": Encoding(SURROGATE)}, "encoding: must be text that can be written as UTF-8"),
    ({"published": 2021}, "published: must be a date or an ISO string, not int"),
    ({"published": Published("then", "day")}, "published: must be an ISO date"),
    ({"published": Published("2021", "day")}, "published: must be an ISO date"),
    ({"published": Published("2021-11-05T21:01:30", "minute")}, "published: must be an ISO date"),
    ({"published": Published("2021", "year", SURROGATE)}, "published: must be text that"),
    ({"text": "a", "paragraphs": ["b"]}, "text: cannot be given together with paragraphs"),
    ({"text": b"a"}, "text: must be text, not bytes"),
    ({"authors": "Ada Berg"}, "authors: must be a list of strings, not one string"),
    ({"tags": [*map(str, range(101))]}, "tags: must have at most 100 values, not 101"),
    ({"section": 3}, "section: must be text, not int"),
    ({"paragraphs": ["a"], "page_numbers": [1, 2]}, "page_numbers: must be one for each of the 1 paragraphs"),
    ({"paragraphs": ["a"], "page_numbers": [0]}, "page_numbers: must be whole numbers from 1, not 0"),
    ({"fields": ["desk"]}, "fields: must be a mapping of names to values, not list"),
    ({"fields": {"desk": b"a"}}, "fields: desk: must be text, not bytes"),
    ({"fields": {"desk": [1]}}, "fields: desk: must be text, not int"),
    ({"fields": {"edition": float("nan")}}, "fields: edition: must be a number of at most 64 bits, not nan"),
    ({"published": Published("2021", "year", others=(("2020", SURROGATE),))}, "published: must be text"),
]


@pytest.mark.parametrize(("options", "message"), INVALID, ids=lambda value: ascii(value)[:40])
def test_an_invalid_field_is_refused_by_name(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidArticle, match=message):
        Article(**{"id": "a"} | options)


def test_paragraphs_are_stripped_and_empty_ones_removed() -> None:
    article = Article(
        id="a", title="  A\n title ", paragraphs=(text for text in [" One. ", "\n", "", "Two."])
    )
    assert (article.title, article.paragraphs) == ("A title", ("One.", "Two."))


def test_empty_fields_equal_missing_ones() -> None:
    assert Article(id="a", language="", url="", source="") == Article(id="a")


def test_a_text_is_divided_at_blank_lines() -> None:
    article = Article(id="a", text="One line\nwrapped.\n \n\nTwo.\r\n\r\nThree.")
    assert article.paragraphs == ("One line wrapped.", "Two.", "Three.")


def test_a_page_number_stays_with_its_paragraph() -> None:
    article = Article(id="a", paragraphs=["One.", " ", "Two."], page_numbers=[1, 1, None])
    assert (article.paragraphs, article.page_numbers) == (("One.", "Two."), (1, None))
    assert Article(id="a", paragraphs=["One."], page_numbers=[None]).page_numbers == ()


def test_names_are_normalized_and_each_counts_once() -> None:
    article = Article(id="a", authors=["Ada  Berg", "", "Ada Berg"], tags=iter(["b", "a"]), section=" Sport ")
    assert (article.authors, article.tags, article.section) == (("Ada Berg",), ("b", "a"), "Sport")


def test_values_of_own_fields_are_kept_in_types_that_can_be_stored() -> None:
    given = {
        "desk": ["a", "b", "a"],
        "day": date(2024, 2, 3),
        "at": datetime(2024, 2, 3, 4, 5, 6),
        "no": None,
    }
    kept = {"desk": ("a", "b"), "day": "2024-02-03", "at": "2024-02-03T04:05"}
    assert Article(id="a", fields=given).fields == kept


@pytest.mark.parametrize(
    "tag", ["en", "EN_gb", "pt-BR", "zh-Hans-CN", "deu", "ger", "yue", "haw", "eo", "iw"]
)
def test_a_language_is_a_tag_that_begins_with_a_code_of_iso_639(tag: str) -> None:
    assert Article(id="a", language=tag).language == tag


def test_an_article_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        Article(id="a").title = "b"  # type: ignore[misc]


# Anchors


def test_an_anchor_does_not_depend_on_the_position_or_the_typography_of_the_paragraph() -> None:
    one, other = make_anchors(("Bread  and\nWINE", "x")), make_anchors(("y", "bread and wine"))
    assert one[0] == other[1]
    assert make_anchors(("Ｂread and wine",)) == (one[0],)
    assert len({*one, *other}) == 3


def test_a_repeated_paragraph_has_two_anchors() -> None:
    first, second, third = make_anchors(("a", "a", "A"))
    assert (second, third) == (f"{first}-2", f"{first}-3")


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])), max_size=5))
def test_anchors_are_valid_in_urls(paragraphs: list[str]) -> None:
    names = make_anchors(tuple(paragraphs))
    assert len(set(names)) == len(paragraphs)
    for name in names:
        assert name.startswith("p-")
        assert all(char in "0123456789abcdef-" for char in name[2:])

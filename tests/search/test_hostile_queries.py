"""Hostile queries and arguments: each is answered or refused in one line."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from indexer import Article, Config, Index, InvalidRequest, limits
from tests.stress.fuzz import TODAY


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    """Two articles, one of which is long."""
    with Index(Config(index=tmp_path_factory.mktemp("hazards") / "index"), today=lambda: TODAY) as opened:
        opened.put(
            [
                Article(id="a", title="Jan to Feb", published="2021-01-05", paragraphs=["A crane stood."]),
                Article(id="b", title="Long", paragraphs=[f"{'harbour ' * 5_000}& <crane> crane"]),
            ]
        )
        yield opened


HAZARDS = {
    "a word of 40,000 characters": "x" * 40_000,
    "a field of 40,000 characters": "x" * 40_000 + ":",
    "a number of 40,000 digits": "9" * 40_000,
    "pairs of parentheses": "(a OR (b AND " * 199 + "c" + "))" * 199,
    "parentheses alone": "(" * 199 + ")" * 199,
    "a range from nowhere": "date:[9999999 TO]",
    "a range to nowhere": "date:[TO 9999999]",
    "an open range": "date:[TO]",
    "the year nought": "date:0000",
    "the month nought": "date:0000-00-00",
    "months without a year": "date:[jan to feb]",
    "years below nought": "date:-2500 years",
    "years before time": "date:9999 years ago",
    "the last day": "date:9999-12-31",
    "half a pair in a pattern": "cran\ud800*",
    "the other half in a pattern": "*\udfff?ane",
    "half a pair nearly spelt": "cran\ud800~",
    "half a pair in a phrase": '"crane \udc00 stood"',
    "nothing but half a pair": "\ud800",
    "a mark that turns the direction": "\u202ecrane\u202c \u200fstood",
    "a character of no width": "cra\u200bne \ufeff",
    "a zero byte": "crane\0stood",
    "marks on nothing": "\u0301" * 500,
    "quotation marks": '"' * 511,
    "stars": "*" * 511,
    "a boost beyond number": "crane^" + "9" * 400,
    "a distance beyond number": "a NEAR/" + "9" * 400 + " b",
    "slop beyond number": '"a b"~' + "9" * 400,
}


@pytest.mark.parametrize("name", HAZARDS)
def test_hostile_queries_never_raise(index: Index, name: str) -> None:
    text = HAZARDS[name]
    page = index.search(text, explain=True)
    assert page.as_json()
    assert all(note.isprintable() and len(note) < 1_000 for note in map(str, page.notes))
    assert page.notes or page.total or page.no_results
    assert index.suggest(text) is not None
    assert index.suggest(f"crane {text[:90]}") is not None
    assert index.mark_article("a", text).article.id == "a"


def test_in_a_paragraph_of_any_length_what_was_found_is_shown(index: Index) -> None:
    (hit,) = index.search("+crane +text:harbour").hits
    assert len(index.get_article("b").paragraphs[0]) > 32_768
    passage = hit.passages[0]
    assert {passage.text[start:end] for start, end in passage.spans} >= {"crane"} or passage.spans
    marked = index.mark_article("b", "crane").paragraphs[0]
    assert [marked.text[start:end] for start, end in marked.spans] == ["crane", "crane"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"offset": 10**9}, "offset: must be at most 10,000 together with the limit; not 1,000,000,000"),
        ({"offset": 10**5_000}, "together with the limit; not a very large number"),
        ({"limit": 10**9}, "limit: must be at most 10,000; not 1,000,000,000"),
        ({"limit": -1}, "limit: must be a whole number, 0 or more; not -1"),
        ({"offset": -(10**5_000)}, "offset: must be a whole number, 0 or more; not a very large number"),
        ({"sort": "x" * 5_000}, "sort: must be relevance, newest, oldest or title; not “xxx"),
        ({"since": "x" * 5_000}, "since: must be a date such as 2021"),
        ({"until": "\ud800" * 5_000}, "until: must be a date such as 2021"),
        ({"facets": ["x" * 5_000]}, "facets: must be one or more of year, month, "),
        ({"timeline": "x" * 5_000}, "timeline: must be auto, day, week, month or year; not “xxx"),
        ({"cursor": "x" * 5_000}, "cursor: must be the cursor of a page; not “xxx"),
        ({"source": ["x"] * (limits.VALUES + 1)}, "source: must have at most 100 values; not 101"),
        ({"seconds": 10**5_000}, "seconds: must be a number above 0"),
        ({"half_life": -(10**5_000)}, "half_life: must be a number of days above 0"),
    ],
)
def test_invalid_arguments_are_refused_in_one_line(
    index: Index, arguments: dict[str, Any], words: str
) -> None:
    with pytest.raises(InvalidRequest) as caught:
        index.search("crane", **arguments)
    assert words in str(caught.value)
    assert len(str(caught.value)) < 300

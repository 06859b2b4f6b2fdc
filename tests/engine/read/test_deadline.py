"""Time limits: a query stops between two array operations, and the page says so."""

from __future__ import annotations

import itertools
import pickle
import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer import Article, Config, ConfigError, Index, InvalidRequest, Page, limits
from indexer.engine.read.deadline import Deadline
from indexer.engine.score.evaluate import QueryContext, run_query
from indexer.search.quotes import verify_quote
from indexer.search.request import SearchRequest
from indexer.search.search import search
from indexer.search.similar import find_similar
from tests.fixtures import stories
from tests.fixtures.commits import open_commit
from tests.query.examples import ARTICLES, QUERIES, TODAY

T = TypeVar("T")


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    """The articles of the query language's tests."""
    config = Config(index=tmp_path_factory.mktemp("time") / "index", query_characters=limits.MOST_CHARACTERS)
    with Index(config, today=lambda: TODAY) as opened:
        opened.put(ARTICLES)
        yield opened


def ticking(index: Index, query: str, ticks: int, **arguments: Any) -> Page:
    """The page by a clock that advances by a second whenever it is read."""
    reading = open_commit(index)
    how = replace(reading.search_settings, clock=itertools.count().__next__)
    return search(reading.snapshot, how, SearchRequest(query, seconds=ticks, limit=50, **arguments))


def test_terms_that_were_not_looked_up_in_time_are_reported(index: Index) -> None:
    page = ticking(index, "wheel river low", 4)
    assert page.timed_out
    assert page.total == 0
    assert page.notes[-1].message.startswith("The time for a query (4 s) was up. Not looked up: river, low;")
    assert page.as_json()["timed_out"]
    assert page.no_results is None


def test_a_timeout_does_not_lift_exclusions(index: Index) -> None:
    for ticks in range(1, 12):
        page = ticking(index, "wheel -river -low", ticks)
        assert {hit.article.id for hit in page.hits} <= {"note:1"}


def test_a_query_with_enough_time_does_not_time_out(index: Index) -> None:
    page = ticking(index, "wheel river low", 60)
    assert not page.timed_out
    assert page.hits == index.search("wheel river low", limit=50).hits


@settings(max_examples=300)
@given(QUERIES, st.integers(1, 40))
def test_a_search_that_timed_out_finds_only_hits_of_the_complete_search(
    index: Index, query: str, ticks: int
) -> None:
    whole = index.search(query, limit=50, seconds=30)
    cut = ticking(index, query, ticks)
    ids = {hit.article.id for hit in whole.hits if not hit.missing}
    assert {hit.article.id for hit in cut.hits if not hit.missing} <= ids
    assert cut.total <= whole.total
    if not cut.timed_out:
        assert cut.hits == whole.hits
        assert cut.total == whole.total


@pytest.mark.parametrize("ticks", range(1, 30))
def test_an_explanation_and_the_reason_for_no_results_share_the_time(index: Index, ticks: int) -> None:
    page = ticking(index, "rivr flood oven", ticks, explain=True)
    if page.explanation is None:
        assert page.timed_out or "not_explained" in [note.code for note in page.notes]
    if page.no_results is None:
        assert page.timed_out or "There was no time to find out why nothing was found." in map(
            str, page.notes
        )
    for suggestion in page.no_results.suggestions if page.no_results else ():
        assert index.search(suggestion.query).total == suggestion.count


@pytest.mark.parametrize("seconds", [0, -1, 61, float("inf"), float("nan"), True, "1"])
def test_the_time_limit_cannot_be_switched_off(index: Index, seconds: Any) -> None:
    with pytest.raises(InvalidRequest, match="seconds: must be a number above 0 and at most 60"):
        index.search("wheel", seconds=seconds)


@pytest.mark.parametrize("seconds", ["0", "inf", "nan", "61"])
def test_the_configuration_cannot_switch_off_the_time_limit(seconds: str) -> None:
    with pytest.raises(ConfigError, match="query_seconds"):
        Config().with_options({"query_seconds": seconds}, "test")


def test_the_configured_time_limit_is_used(tmp_path: Path) -> None:
    with Index(Config(index=tmp_path / "index", query_seconds=1e-9)) as hasty:
        hasty.put(ARTICLES)
        assert hasty.search("wheel").timed_out
        assert not hasty.search("wheel", seconds=60).timed_out


# Beside searches


def hurried(index: Index, work: Callable[..., T], ticks: int, *given: Any) -> T:
    """The result of a call by a clock that advances by a second whenever it is read."""
    reading = open_commit(index)
    how = replace(reading.search_settings, clock=itertools.count().__next__, seconds=ticks)
    return work(reading.snapshot, how, *given)


def looks(index: Index, work: Callable[..., Any], *given: Any) -> int:
    """How often a call reads the clock if it has enough time."""
    reading, clock = open_commit(index), itertools.count()
    work(reading.snapshot, replace(reading.search_settings, clock=clock.__next__, seconds=10**9), *given)
    return next(clock)


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    """Articles that are alike, and one of them long."""
    with Index(Config(index=tmp_path_factory.mktemp("alike") / "index")) as opened:
        chance = random.Random(5)
        opened.put([stories.article(f"s{number}", stories.story(chance)) for number in range(60)])
        opened.put(
            [Article(id="long", paragraphs=["the ferry and the crane " * 40_000, "東京の港" * 20_000])]
        )
        yield opened


@pytest.mark.parametrize("ticks", range(1, 60))
def test_similar_articles_are_those_of_the_terms_looked_up_in_time(archive: Index, ticks: int) -> None:
    number = open_commit(archive).snapshot.find("s7")
    found, whole = hurried(archive, find_similar, ticks, number, 50), archive.find_similar("s7", 50)
    assert {hit.article.id for hit in found} <= {hit.article.id for hit in whole}
    assert found.timed_out == (f"The time for a query ({ticks} s) was up" in "".join(map(str, found.notes)))
    assert found.timed_out or found == whole


def test_the_deadline_is_checked_throughout_a_long_article(archive: Index) -> None:
    number = open_commit(archive).snapshot.find("long")
    assert looks(archive, find_similar, number, 5) > 20
    assert hurried(archive, find_similar, 10, number, 5).timed_out


@pytest.mark.parametrize("ticks", range(1, 60))
@pytest.mark.parametrize("article", [None, "s7"])
def test_a_quotation_is_found_exactly_or_not_found_in_time(
    archive: Index, ticks: int, article: str | None
) -> None:
    number = None if article is None else open_commit(archive).snapshot.find(article)
    quote = archive.get_article("s7").paragraphs[2]
    found = hurried(archive, verify_quote, ticks, quote, number)
    assert found.timed_out == (f"The time for a query ({ticks} s) was up" in "".join(map(str, found.notes)))
    assert found.verdict == "exact" or found.timed_out
    whole = archive.verify_quote(quote, article)
    assert (whole.verdict, whole.timed_out, whole.notes) == ("exact", False, ())
    if not found.timed_out:
        assert found == whole


QUOTES = ["the crane and the ferry sank " * 100, "港京東京" * 900, "the ferry and the crane " * 100]


@pytest.mark.slow
@pytest.mark.parametrize("quote", QUOTES)
@pytest.mark.parametrize("article", [None, "long"])
def test_every_quotation_stops_at_its_deadline(archive: Index, quote: str, article: str | None) -> None:
    number = None if article is None else open_commit(archive).snapshot.find(article)
    found = hurried(archive, verify_quote, 100, quote, number)
    assert found.timed_out
    assert found.as_json()["timed_out"]
    assert looks(archive, verify_quote, quote, number) > 100


def test_hits_are_a_tuple_with_timed_out(archive: Index) -> None:
    hits = hurried(archive, find_similar, 20, open_commit(archive).snapshot.find("s7"), 50)
    assert isinstance(hits, tuple)
    again = pickle.loads(pickle.dumps(hits))
    assert (again, again.notes, again.timed_out) == (hits, hits.notes, hits.timed_out)


_PAIRS = ["".join(pair) for pair in itertools.product("abcdefghijklmnopqrstuvwxyz", repeat=2)]
_COMMON = ["the", "of", "to", "in", "and", "a", "it", "is", "low", "river", "wheel", "was"]
DEADLY = {
    "prefixes": " ".join(f"{pair}*" for pair in _PAIRS[:512]),
    "patterns": " ".join(f"*{pair}*" for pair in _PAIRS[:512]),
    "patterns joined by OR": " OR ".join(f"*{pair}*" for pair in _PAIRS[:512]),
    "fuzzy matches": " ".join(f"{pair}low~2" for pair in _PAIRS[:512]),
    "a long OR": " OR ".join(_COMMON * 40),
    "common words required": " ".join(f"+{word}" for word in _COMMON * 40),
    "a phrase of common words": '"the of the of the of the of"',
    "a long phrase": f'"{" ".join(_COMMON * 40)}"',
    "a loose phrase": f'"{" ".join(_COMMON * 40)}"~100',
    "a loose phrase as written": f'="{" ".join(_COMMON * 40)}"~100',
    "common words near one another": " NEAR/100 ".join(_COMMON * 20),
    "patterns near one another": " NEAR/100 ".join(["a*", "*e*", "*i*", "t*"] * 20),
    "alternatives near one another": " NEAR/9 ".join([f"({' OR '.join(_COMMON)})"] * 10),
    "deep parentheses": "(" * 4000 + "wheel" + ")" * 4000,
    "deep groups": "(the OR (of " * 10 + "to" + "))" * 10,
    "stars": "*" * 8000,
    "patterns of stars": " ".join("*a*b*c*d*e*f*g*h" for _ in range(400)),
    "question marks": " ".join("a?b?c?d" for _ in range(500)),
    "exclusions": " ".join(f"-{pair}*" for pair in _PAIRS[:512]),
    "dates": " ".join(f"date:{year}" for year in range(1500, 2000)),
    "long words": " ".join("x" * 300 for _ in range(27)),
    "minus signs": "-" * 8000 + "wheel",
    "boosts": " ".join(f"{word}^99999999" for word in _COMMON * 20),
    "operators": "AND OR NOT " * 700,
    "one run of characters": "東" * 4000,
    "much text": "wheel " * 20_000,
}


@pytest.mark.parametrize("name", DEADLY)
def test_an_expensive_query_stops_at_its_deadline(index: Index, name: str) -> None:
    reading = open_commit(index)
    deadline = Deadline(20, itertools.count().__next__)
    how = reading.search_settings
    context = QueryContext(reading.snapshot, how.languages, deadline)
    run_query(context, how.parse(DEADLY[name]).tree, min_full_matches=50)
    assert len(context.terms) <= 20
    page = ticking(index, DEADLY[name], 20)
    if page.timed_out:
        assert "The time for a query (20 s) was up" in page.notes[-1].message
        assert len(page.notes[-1].message) < 1000


@pytest.mark.parametrize(
    ("name", "note"),
    [
        ("deep parentheses", "Parentheses nest at most 20 deep"),
        ("a loose phrase", None),
        ("much text", "Only the first 4,000 of 119,999 characters of the query were read."),
        ("long words", "its first 256 characters were searched for."),
        ("boosts", "A word counts at most 100 times; ^100 was used."),
        ("common words near one another", "NEAR joins at most 16 in a row; the rest may stand anywhere."),
    ],
)
def test_each_bound_that_was_met_is_noted(index: Index, name: str, note: str | None) -> None:
    notes = index.search(DEADLY[name], seconds=60).notes
    assert note is None or any(note in said.message for said in notes)


def test_words_beyond_the_limit_are_counted(index: Index) -> None:
    most = limits.max_clauses(limits.MOST_CHARACTERS)
    page = index.search(" ".join(["low"] * (most + 28)), seconds=60)
    assert f"Only the first {most} words and phrases were searched for; 28 were ignored." in map(
        str, page.notes
    )

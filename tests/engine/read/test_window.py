"""A few articles of a collection, judged as if the whole collection were there."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer import Article, Page
from indexer.engine import (
    Collection,
    CountedTerm,
    EncodedArticle,
    QueryContext,
    Snapshot,
    TermCounts,
    Values,
    Window,
    WindowMaker,
    encode_article,
    match_node,
)
from indexer.engine.read.vocabulary import Vocabulary
from indexer.engine.score.bm25f import weigh_term
from indexer.query import DateRange, Query
from indexer.results import Form
from indexer.search.request import SearchRequest
from indexer.search.search import search, search_window
from indexer.search.settings import SearchSettings
from tests.engine.bare_index import BareIndex
from tests.engine.segments import ARTICLES, FIELDS, assert_says, language_of

STORIES = [
    Article(
        id=f"s{number:02}",
        title="Ships and storms" if number % 3 else "The harbour at night",
        published=f"2021-{1 + number % 12:02}-05",
        language="de" if number % 7 == 6 else "en",
        paragraphs=[
            f"The ship sailed to the harbour in storm {number}." + " Ships wait for pilots." * (number % 4),
            "Nobody at the HARBOUR saw the pilot." if number % 2 else "A quiet night, and few storms.",
        ],
    )
    for number in range(40)
]


class Counts(Collection):
    """Counts in the snapshot of a whole collection; with `knows_nothing`, those of a window are returned."""

    def __init__(self, whole: Snapshot, *, knows_nothing: bool = False) -> None:
        self.whole, self.knows_nothing = whole, knows_nothing
        self.statistics, self.language = whole.statistics, whole.default_language
        self.context = QueryContext(whole, languages_of(whole), variants=False)

    @property
    def vocabulary(self) -> Vocabulary:
        return self.whole.vocabulary

    def count_term(self, term: CountedTerm, form: Form, found: TermCounts) -> TermCounts:
        if self.knows_nothing:
            return found
        whole: Any = self.context.make_reader(self.context.languages, [], is_ranked=True)
        whole = whole.word(term.field, term.label.removeprefix("="))
        whole = {"any": whole, "as typed": whole.exact, "in capitals": whole.in_capitals}[form]
        if whole is None:
            return TermCounts(found.articles * 0, found.occurrences * 0)
        scored = weigh_term(self.whole, whole)
        return TermCounts(self.statistics.count(scored.articles), scored.occurrences)

    def count_written(self, term: CountedTerm, found: Values) -> Values:
        return found

    def count_both(self, terms: Sequence[CountedTerm], found: Values) -> Values:
        if self.knows_nothing:
            return found
        reader = self.context.make_reader(self.context.languages, [])
        first, second = (weigh_term(self.whole, reader.word("text", term.label)).articles for term in terms)
        return self.statistics.count(np.intersect1d(first, second))

    def count_phrase(self, stems: Sequence[str], found: Values) -> Values:
        return found if self.knows_nothing else self.whole.phrase_counts(stems)

    def count_node(self, node: Query, found: int) -> int:
        return found if self.knows_nothing else len(match_node(self.context, node))

    def count_inexact(self, node: DateRange) -> int:
        return 0

    def count_missing(self) -> bool:
        return False

    def measure_ages(self) -> tuple[float | None, float | None]:
        return float((self.whole.date_starts / 2 + self.whole.date_ends / 2).max()), 0.0

    def name_sources(self, uris: Sequence[str]) -> list[str]:
        return [*uris]


def languages_of(snapshot: Snapshot) -> list[str]:
    names, codes = snapshot.labels("language")
    counts = np.bincount(codes, minlength=len(names))
    return [names[number] for number in np.argsort(-counts, kind="stable")]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    index = BareIndex(tmp_path_factory.mktemp("whole") / "index")
    index.put(STORIES)
    return index.snapshot


@pytest.fixture(scope="module")
def maker() -> WindowMaker:
    return WindowMaker("en")


def encode(articles: Iterable[Article]) -> list[EncodedArticle]:
    return [EncodedArticle(encode_article(own), "", own.language or "en") for own in articles]


def settings_of(snapshot: Snapshot) -> SearchSettings:
    return SearchSettings(languages_of(snapshot), "en", 3, seconds=60.0, variants=False)


def scores(page: Page) -> dict[str, float]:
    return {hit.article.id: round(hit.score, 9) for hit in page.hits}


QUERIES = ["ship", "ships", "harbour night", "HARBOUR", '"storm 7"', "pilot harbour ship", "title:night"]


@pytest.mark.parametrize("query", QUERIES)
def test_a_window_with_all_articles_gives_the_page_of_the_index(
    whole: Snapshot, maker: WindowMaker, query: str
) -> None:
    settings = settings_of(whole)
    request = SearchRequest(query, limit=40, explain=True)
    window = Window(maker.make(encode(STORIES)), Counts(whole, knows_nothing=True))
    expected, found = search(whole, settings, request), search_window(window, settings, request, min_full=40)
    assert found.hits
    assert found.hits == expected.hits
    assert found.explanation == expected.explanation


@pytest.mark.parametrize("query", QUERIES[:4])
@pytest.mark.parametrize("half_life", [None, 30.0])
def test_an_article_in_a_window_has_the_score_that_it_has_in_the_index(
    whole: Snapshot, maker: WindowMaker, query: str, half_life: float | None
) -> None:
    settings = settings_of(whole)
    request = SearchRequest(query, limit=40, half_life=half_life)
    expected = search(whole, settings, request)
    few = [story for story in STORIES if story.id in {hit.article.id for hit in expected.hits[:3]}]
    window = Window(maker.make(encode(few)), Counts(whole))
    found = scores(search_window(window, settings, request))
    assert found
    assert found == {name: score for name, score in scores(expected).items() if name in found}


def test_what_the_collection_does_not_count_is_counted_in_the_window(
    whole: Snapshot, maker: WindowMaker
) -> None:
    few = Window(maker.make(encode(STORIES[:5])), Counts(whole, knows_nothing=True))
    page = search_window(few, settings_of(whole), SearchRequest("ship"))
    assert page.total == 5
    assert all(hit.score > 0 for hit in page.hits)


def test_a_window_offers_no_other_spelling_and_no_reason_for_finding_nothing(
    whole: Snapshot, maker: WindowMaker
) -> None:
    window = Window(maker.make(encode(STORIES[:5])), Counts(whole))
    page = search_window(window, settings_of(whole), SearchRequest("shyp harbour"))
    assert (page.total, page.did_you_mean, page.no_results) == (0, None, None)


def test_a_window_may_be_empty(whole: Snapshot) -> None:
    page = search_window(Window(None, Counts(whole)), settings_of(whole), SearchRequest("ship"))
    assert (page.total, page.hits, page.did_you_mean) == (0, (), None)


@given(st.lists(ARTICLES, min_size=1, max_size=3))
def test_segments_in_memory_have_the_content_of_those_on_the_disk(several: list[list[Article]]) -> None:
    maker = WindowMaker("en", FIELDS)
    for articles in filter(None, several):
        encoded = [EncodedArticle(encode_article(own), "", language_of(own)) for own in articles]
        assert_says(maker.make(encoded), articles)


def test_a_window_has_no_vectors(
    whole: Snapshot, maker: WindowMaker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Nor does it look for any in the folder that the program runs in.
    for name in ("MAIN_.vectors.nut", "segment in memory.vectors.nut"):
        (tmp_path / name).write_bytes(b"vectors")
    monkeypatch.chdir(tmp_path)
    window = Window(maker.make([EncodedArticle(encode_article(STORIES[0]), "", "en")]), Counts(whole))
    assert window.vectors("a" * 32) is None
    assert window.restrict(np.array([0], np.int32)).vectors("a" * 32) is None
    assert window.vector_models() == {}
    assert window.vector_problems() == []

"""What a commit on a cluster answers, where it has more articles than a window."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from indexer import Article, ClusterAddress, Config, ConfigError, Index, InvalidRequest
from indexer.opensearch import commits
from indexer.opensearch.cluster import Cluster
from indexer.opensearch.failures import SearchTimedOut
from indexer.opensearch.pages import WINDOW
from indexer.opensearch.reader import ClusterReader, open_reader
from indexer.search.paging import Cursor, fingerprint, write_cursor
from indexer.search.request import SearchRequest
from tests.contract.archive import TODAY
from tests.opensearch import server

COUNT = 3 * WINDOW - 20
WORDS = ["harbour", "lantern", "ferry", "storm", "bakery", "pilot", "orchard"]


def make_story(number: int) -> Article:
    """A story with the word harbour, and others in some of them; the lengths and frequencies differ."""
    times = 1 + number % 5
    words = [WORDS[(number * step) % len(WORDS)] for step in range(1, 4)]
    return Article(
        id=f"s{number:03}",
        title="Harbour notes" if number % 9 else f"The {words[0]} in January",
        published=f"{2015 + number % 6}-{1 + number % 12:02}-{1 + number % 28:02}",
        paragraphs=[
            "The harbour " * times + "was quiet. " + " ".join(words) + " were seen." * (number % 7),
            f"Number {number} of many harbours." if number % 2 else "Nothing else was reported.",
        ],
        section="secret" if number % 10 == 0 else "open",
        language="en",
    )


STORIES = [
    *map(make_story, range(COUNT)),
    Article(id="only-secret", title="Zeppelins", paragraphs=["A zeppelin."], section="secret", language="en"),
]


@dataclass(frozen=True)
class Both:
    """The same articles in a folder and on a cluster."""

    embedded: Index
    cluster: Index

    def search(self, query: str, **options: Any) -> tuple[Any, Any]:
        """The page of each."""
        return self.embedded.search(query, **options), self.cluster.search(query, **options)


@pytest.fixture(scope="module")
def stories(opensearch: server.Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    folder: Path = tmp_path_factory.mktemp("stories") / "index"
    address = ClusterAddress.parse(f"opensearch+{opensearch.urls[0]}/stories")
    # Such a limit is never met: how busy the machine is must not decide what is found.
    seconds = 60.0
    with (
        Index(Config(index=folder, query_seconds=seconds), today=lambda: TODAY) as embedded,
        Index(Config(cluster=address, query_seconds=seconds), today=lambda: TODAY) as cluster,
    ):
        for index in (embedded, cluster):
            index.put(STORIES)
        yield Both(embedded, cluster)


def ids(page: Any) -> list[str]:
    return [hit.article.id for hit in page.hits]


@pytest.mark.parametrize("query", ["ferry storm", "lantern", "harbour bakery -storm", "title:january"])
def test_the_best_hits_have_the_scores_of_the_embedded_engine(stories: Both, query: str) -> None:
    expected, found = stories.search(query, limit=5)
    assert found.total == expected.total
    assert ids(found) == ids(expected)
    assert [hit.score for hit in found.hits] == pytest.approx([hit.score for hit in expected.hits])
    assert found.hits[0].passages == expected.hits[0].passages


@pytest.mark.parametrize("options", [{}, {"sort": "oldest"}, {"sort": "title"}, {"half_life": 400.0}])
def test_pages_go_through_all_windows_and_show_each_hit_once(stories: Both, options: dict[str, Any]) -> None:
    by_offset: list[str] = []
    for offset in range(0, COUNT, 10):
        by_offset += ids(stories.cluster.search("harbour", offset=offset, collapse=False, **options))
    by_cursor: list[str] = []
    page = stories.cluster.search("harbour", limit=7, collapse=False, **options)
    while True:
        by_cursor += ids(page)
        if page.cursor is None:
            break
        page = stories.cluster.search("harbour", limit=7, cursor=page.cursor, collapse=False, **options)
    assert sorted(by_offset) == sorted(by_cursor) == [story.id for story in STORIES[:COUNT]]


@pytest.mark.parametrize("sort", ["newest", "oldest", "title"])
def test_other_orders_are_those_of_the_embedded_engine_on_every_page(stories: Both, sort: str) -> None:
    for offset in (0, WINDOW - 10, 2 * WINDOW):
        expected, found = stories.search("harbour", sort=sort, offset=offset, collapse=False)
        dates = [[hit.article.published for hit in page.hits] for page in (expected, found)]
        assert dates[0] == dates[1]


def test_a_cursor_that_goes_too_deep_is_refused(stories: Both) -> None:
    request = SearchRequest("harbour", limit=10)
    cursor = Cursor(fingerprint(request), "", 10_000, 10, is_partial=False, keys=(10_000, 50, 0), names=())
    with pytest.raises(InvalidRequest, match="no deeper than 10,000 hits"):
        stories.cluster.search("harbour", limit=10, cursor=write_cursor(cursor))


def test_a_forged_cursor_gets_no_larger_window(stories: Both) -> None:
    request = SearchRequest("harbour", limit=10)
    cursor = Cursor(fingerprint(request), "", 10, 10, is_partial=False, keys=(0, 10_000, 10), names=())
    with pytest.raises(InvalidRequest, match="must be the cursor of a page"):
        stories.cluster.search("harbour", limit=10, cursor=write_cursor(cursor))


def test_counts_are_those_of_all_hits_and_not_of_a_window(stories: Both) -> None:
    expected, found = stories.search("harbour", limit=3, facets=["year", "section"], timeline="year")
    assert found.total == expected.total == COUNT
    assert found.facets == expected.facets
    assert [(bar.start, bar.articles, bar.of_articles) for bar in found.timeline.bars] == [
        (bar.start, bar.articles, bar.of_articles) for bar in expected.timeline.bars
    ]


def test_an_explanation_counts_the_articles_of_the_cluster(stories: Both) -> None:
    expected, found = stories.search("harbour ferry", limit=1, explain=True)
    assert [clause.articles for clause in found.explanation.clauses] == [
        clause.articles for clause in expected.explanation.clauses
    ]
    assert found.hits[0].explanation == expected.hits[0].explanation


def test_a_restricted_view_scores_and_suggests_by_what_is_left(stories: Both) -> None:
    expected, found = (index.restricted({"section": "open"}) for index in (stories.embedded, stories.cluster))
    pages = [index.search("ferry storm", limit=5) for index in (expected, found)]
    assert ids(pages[1]) == ids(pages[0])
    assert [hit.score for hit in pages[1].hits] == pytest.approx([hit.score for hit in pages[0].hits])
    assert found.get_status().articles == expected.get_status().articles
    assert stories.cluster.search("zeplin").did_you_mean is None
    assert stories.cluster.search("zepelin").did_you_mean == "zeppelin"
    assert found.search("zepelin").did_you_mean is None


def test_all_articles_are_read_in_the_order_of_their_ids(stories: Both) -> None:
    assert [*stories.cluster.articles()] == [*stories.embedded.articles()]


def test_why_nothing_was_found_is_told_by_counts_of_the_cluster(stories: Both) -> None:
    for query in ("zeppelin harbour", "harbour -harbour", "nonesuch ferry storm"):
        expected, found = stories.search(query)
        assert found.no_results is not None
        assert found.no_results == expected.no_results


def test_a_quotation_is_found_among_more_articles_than_are_read(stories: Both) -> None:
    text = "Number 77 of many harbours"
    checks = [index.verify_quote(text) for index in (stories.embedded, stories.cluster)]
    assert checks[1].verdict == "exact"
    assert checks[1].article == checks[0].article
    checks = [
        index.verify_quote("Number 77 of some harbours") for index in (stories.embedded, stories.cluster)
    ]
    assert (checks[1].verdict, checks[1].article) == (checks[0].verdict, checks[0].article)


class SlowCluster(Cluster):
    """A cluster of which one shard finds nothing until a time limit is up."""

    def msearch(
        self,
        index: str,
        bodies: Sequence[Mapping[str, Any]],
        *,
        seconds: float | None = None,
        point: str = "",
    ) -> list[Any]:
        limit = None if seconds is None else 60.0
        answers = super().msearch(index, bodies, seconds=limit, point=point)
        return answers if seconds is None else [_cut_short(answer) for answer in answers]

    def search(
        self, index: str, body: Mapping[str, Any], *, seconds: float | None = None, point: str = ""
    ) -> Any:
        return self.msearch(index, [body], seconds=seconds, point=point)[0]


def _cut_short(answer: Mapping[str, Any]) -> dict[str, Any]:
    return {**answer, "timed_out": True, "hits": {**answer["hits"], "hits": []}}


@pytest.fixture
def slow(stories: Both, opensearch: server.Cluster) -> Iterator[ClusterReader]:
    config = Config(cluster=ClusterAddress.parse(f"opensearch+{opensearch.urls[0]}/stories"))
    assert config.cluster
    with closing(SlowCluster(config.cluster)) as cluster:
        yield open_reader(cluster, commits.read_commit(cluster), config, lambda: TODAY)


def test_a_quotation_that_was_not_found_in_time_is_not_simply_absent(slow: ClusterReader) -> None:
    check = slow.verify_quote("Number 77 of many harbours", None)
    assert (check.verdict, check.timed_out) == ("absent", True)
    assert [note.code for note in check.notes] == ["quote_timed_out"]


def test_similar_articles_that_were_not_found_in_time_are_missing_with_a_note(slow: ClusterReader) -> None:
    hits = slow.find_similar("s001", 5)
    assert ([*hits], hits.timed_out) == ([], True)
    assert [note.code for note in hits.notes] == ["similar_timed_out"]


def test_an_answer_that_cannot_say_it_was_cut_short_is_whole(slow: ClusterReader, stories: Both) -> None:
    ids = [f"s{number:03}" for number in range(COUNT)]
    article_id = next(name for name in ids if stories.embedded.find_duplicates(name))
    expected = [article.id for article in stories.embedded.find_duplicates(article_id)]
    assert [article.id for article in slow.find_duplicates(article_id)] == expected
    assert slow.suggest("harb", 5) == ()


@pytest.mark.parametrize("window_bytes", [1, 1500, 4000])
def test_pages_show_each_hit_once_although_windows_have_little_text(
    stories: Both, opensearch: server.Cluster, window_bytes: int
) -> None:
    config = Config(
        cluster=ClusterAddress.parse(f"opensearch+{opensearch.urls[0]}/stories"), query_seconds=60.0
    )
    assert config.cluster
    with closing(Cluster(config.cluster)) as cluster:
        reader = open_reader(cluster, commits.read_commit(cluster), config, lambda: TODAY)
        small = replace(reader, view=replace(reader.view, window_bytes=window_bytes))
        by_offset: list[str] = []
        for offset in range(0, COUNT, 20):
            request = SearchRequest("harbour", limit=20, offset=offset, collapse=False)
            by_offset += ids(small.search(request))
        request = SearchRequest("harbour", limit=7, collapse=False)
        page = small.search(request)
        by_cursor = ids(page)
        while page.cursor is not None:
            page = small.search(replace(request, cursor=page.cursor))
            by_cursor += ids(page)
        assert not page.timed_out
    assert sorted(by_offset) == sorted(by_cursor) == [story.id for story in STORIES[:COUNT]]


def test_a_page_of_a_cluster_that_is_too_slow_says_so_and_gives_no_reason(slow: ClusterReader) -> None:
    page = slow.search(SearchRequest("zeppelin harbour"))
    assert (page.timed_out, page.no_results, page.did_you_mean) == (True, None, None)


def test_vectors_are_not_searched_on_a_cluster(stories: Both) -> None:
    with pytest.raises(ConfigError, match="searching by meaning"):
        stories.cluster.nearest([1.0, 0.0])


class ExhaustedCluster(Cluster):
    """A cluster that answers so many more searches with a time limit, and then none of them in time."""

    left = 0

    def msearch(
        self,
        index: str,
        bodies: Sequence[Mapping[str, Any]],
        *,
        seconds: float | None = None,
        point: str = "",
    ) -> list[Any]:
        self._take(seconds)
        return super().msearch(index, bodies, seconds=seconds, point=point)

    def search(
        self, index: str, body: Mapping[str, Any], *, seconds: float | None = None, point: str = ""
    ) -> Any:
        self._take(seconds)
        return super().search(index, body, seconds=seconds, point=point)

    def _take(self, seconds: float | None) -> None:
        if seconds is None:
            return
        if not self.left:
            raise SearchTimedOut("the cluster does not answer in time")
        self.left -= 1


ASKED: dict[str, Callable[[ClusterReader], Any]] = {
    "facets": lambda reader: reader.search(
        SearchRequest("harbour", facets=("section", "month"), timeline="auto")
    ),
    "partial matches": lambda reader: reader.search(SearchRequest("zeppelin harbour")),
    "rough counts": lambda reader: reader.search(SearchRequest("(harb* NEAR/3 quiet)")),
    "patterns": lambda reader: reader.search(SearchRequest("harb* fer*", sort="newest")),
    "several windows": lambda reader: replace(reader, view=replace(reader.view, window_bytes=1500)).search(
        SearchRequest("harbour", limit=20, collapse=False)
    ),
    "recent": lambda reader: reader.search(SearchRequest("harbour", half_life=400.0)),
    "similar": lambda reader: reader.find_similar("s001", 5),
    "quotation": lambda reader: reader.verify_quote("Number 77 of some harbours", None),
}


@pytest.mark.parametrize("name", ASKED)
def test_what_was_found_is_shown_although_the_cluster_answers_no_more_in_time(
    stories: Both, opensearch: server.Cluster, name: str
) -> None:
    address = ClusterAddress.parse(f"opensearch+{opensearch.urls[0]}/stories")
    config = Config(cluster=address, query_seconds=60.0)
    outcomes: list[str] = []
    with closing(ExhaustedCluster(address)) as cluster:
        for left in range(50):
            # What a reader has been told before, it does not ask again.
            reader = open_reader(cluster, commits.read_commit(cluster), config, lambda: TODAY)
            cluster.left = left
            try:
                found = ASKED[name](reader)
            except SearchTimedOut:
                outcomes.append("refused")
                continue
            outcomes.append("timed out" if found.timed_out else "whole")
            assert name == "quotation" or [*getattr(found, "hits", found)]
            if not found.timed_out:
                break
    assert sorted(outcomes, key=["refused", "timed out", "whole"].index) == outcomes
    assert outcomes[0] == "refused"
    assert outcomes[-1] == "whole"
    assert name == "quotation" or "timed out" in outcomes

"""What readers see of a commit while writers delete what it needs."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from indexer import ClusterAddress, Config, ConfigError, IndexUnavailable
from indexer.opensearch.cluster import Cluster
from indexer.opensearch.engine import ClusterEngine
from indexer.opensearch.failures import SearchTimedOut
from indexer.opensearch.reader import ClusterReader
from indexer.search.request import SearchRequest
from indexer.store import update
from tests.fixtures.commands import start
from tests.opensearch import server
from tests.opensearch.steps import TODAY, Clock, make_articles, make_writer


@pytest.fixture
def engine(address: ClusterAddress) -> ClusterEngine:
    return ClusterEngine(Config().with_options({"index": str(address)}), lambda: TODAY)


def rebuild_twice(cluster: Cluster) -> None:
    """Delete the generation that is live."""
    for _ in range(2):
        update.rebuild(make_writer(cluster, Clock()), [], allow_mass_delete=False, progress=None)


def test_a_reader_whose_generation_is_deleted_meanwhile_is_answered_from_the_last_commit(
    cluster: Cluster, engine: ClusterEngine
) -> None:
    update.put(make_writer(cluster, Clock()), make_articles(a="A"))
    generations: list[str] = []

    def read(reader: ClusterReader) -> str:
        if not generations:
            rebuild_twice(cluster)
        generations.append(reader.commit.index)
        return reader.get_article("a").title

    assert engine.read(read) == "A"
    assert len(set(generations)) == 2
    engine.close()


def test_a_generation_that_a_node_does_not_know_is_named_as_such(
    cluster: Cluster, engine: ClusterEngine
) -> None:
    update.put(make_writer(cluster, Clock()), make_articles(a="A"))
    cluster.delete_index(f"{cluster.address.name}-000001")
    with pytest.raises(
        IndexUnavailable,
        match=r"-000001, which has the last commit, is not known to the node .* doctor --fix`",
    ):
        engine.read(lambda reader: reader.get_status())
    engine.close()


def test_a_search_of_which_nothing_is_found_in_time_fails_like_any_other(
    cluster: Cluster, engine: ClusterEngine
) -> None:
    update.put(make_writer(cluster, Clock()), make_articles(a="A"))

    def read(_reader: ClusterReader) -> None:
        raise SearchTimedOut("the cluster does not answer in time", "try again later")

    with pytest.raises(IndexUnavailable, match="in time: try again later") as raised:
        engine.read(read)
    assert type(raised.value) is IndexUnavailable
    engine.close()


def test_all_articles_of_a_commit_are_read_while_others_are_made(
    cluster: Cluster, engine: ClusterEngine
) -> None:
    clock = Clock()
    names = [f"{number:03}" for number in range(250)]
    update.put(make_writer(cluster, clock), make_articles(**dict.fromkeys(names, "A")))
    articles = engine.read(lambda reader: reader.articles())
    seen = [next(articles).id]
    for number in range(4):
        update.remove(make_writer(cluster, clock), names[200 + number : 250 : 4])
        engine.read(lambda reader: reader.get_status())
    assert len([*engine.read(lambda reader: reader.articles())]) == 200
    assert [*seen, *(article.id for article in articles)] == names
    engine.close()


def test_a_reader_of_all_articles_is_told_if_the_rest_cannot_be_read(
    cluster: Cluster, engine: ClusterEngine, opensearch: server.Cluster
) -> None:
    clock = Clock()
    names = [f"{number:03}" for number in range(250)]
    update.put(make_writer(cluster, clock), make_articles(**dict.fromkeys(names, "A")))
    articles = engine.read(lambda reader: reader.articles())
    next(articles)
    update.remove(make_writer(cluster, clock), names[200:225])
    update.remove(make_writer(cluster, clock), names[225:])
    # As if a node with a copy had gone.
    opensearch.request("DELETE", "/_search/point_in_time/_all")
    with pytest.raises(IndexUnavailable, match="150 articles of the commit that was read could not be read"):
        list(articles)
    articles = engine.read(lambda reader: reader.articles())
    next(articles)
    rebuild_twice(cluster)
    with pytest.raises(IndexUnavailable, match=r"100 articles of the commit .*: read them again"):
        list(articles)
    engine.close()


def test_a_search_whose_point_in_time_is_lost_opens_another_one(
    cluster: Cluster, engine: ClusterEngine, opensearch: server.Cluster
) -> None:
    update.put(make_writer(cluster, Clock()), make_articles(a="A", b="B"))
    readers: list[ClusterReader] = []

    def search(reader: ClusterReader) -> int | None:
        readers.append(reader)
        return reader.search(SearchRequest("ferry")).total

    assert engine.read(search) == 2
    opensearch.request("DELETE", "/_search/point_in_time/_all")
    assert engine.read(search) == 2
    assert readers[0] is readers[1]
    engine.close()


@pytest.fixture
def count_points(opensearch: server.Cluster) -> Callable[[], int]:
    """Count the points in time that are open; those of other tests are closed before."""
    opensearch.request("DELETE", "/_search/point_in_time/_all")
    return lambda: len(opensearch.request("GET", "/_search/point_in_time/_all").get("pits", ()))


def test_no_point_in_time_is_left_but_those_of_the_last_two_commits(
    cluster: Cluster, engine: ClusterEngine, count_points: Callable[[], int]
) -> None:
    for number in range(5):
        update.put(make_writer(cluster, Clock()), make_articles(a=f"A {number}"))
        assert engine.read(lambda reader: reader.get_article("a").title) == f"A {number}"
        list(engine.read(lambda reader: reader.articles()))
        assert count_points() == min(number + 1, 2)
    engine.close()
    assert count_points() == 0


@pytest.mark.parametrize("change", ["deleted", "replaced"])
def test_a_commit_of_which_the_cluster_shows_other_articles_is_not_opened(
    cluster: Cluster, engine: ClusterEngine, opensearch: server.Cluster, change: str
) -> None:
    update.put(make_writer(cluster, Clock()), make_articles(a="A", b="B"))
    index = f"/{cluster.address.name}-000001"
    (hit,) = opensearch.request("POST", f"{index}/_search", {"query": {"term": {"id": "b"}}})["hits"]["hits"]
    document = f"{index}/_doc/{hit['_id']}?refresh=true"
    if change == "deleted":
        opensearch.request("DELETE", document)
        shown = "1"
    else:
        # The same number of articles: as an older copy, which has an article as it was before it was changed.
        opensearch.request("PUT", document, {**hit["_source"], "checksum": 1})
        shown = "others"
    with pytest.raises(IndexUnavailable, match=f"shows {shown}: try again later; .*nutgraf verify"):
        engine.read(lambda reader: reader.get_status())
    engine.close()


def test_threads_that_read_a_commit_at_the_same_time_leave_one_point_in_time(
    cluster: Cluster, engine: ClusterEngine, count_points: Callable[[], int]
) -> None:
    update.put(make_writer(cluster, Clock()), make_articles(a="A"))
    together = Barrier(6)

    def read(_number: int) -> ClusterReader:
        together.wait()
        return engine.read(lambda reader: reader)

    with ThreadPoolExecutor(6) as pool:
        for reader in pool.map(read, range(6)):
            assert reader.get_article("a").title == "A"
    assert count_points() == 1
    engine.close()
    assert count_points() == 0


def test_an_archive_that_was_deleted_and_made_again_is_opened_once(
    cluster: Cluster, engine: ClusterEngine, count_points: Callable[[], int]
) -> None:
    update.put(make_writer(cluster, Clock()), make_articles(a="A"))
    before = engine.read(lambda reader: reader)
    for name in cluster.list_indexes(f"{cluster.address.name}-*"):
        cluster.delete_index(name)
    update.put(make_writer(cluster, Clock()), make_articles(a="B"))
    after = [engine.read(lambda reader: reader) for _ in range(3)]
    assert before.commit.version == after[0].commit.version
    assert after[0].get_article("a").title == "B"
    assert after[0] is after[1] is after[2]
    # That of the deleted index went with it.
    assert count_points() == 1
    engine.close()


def test_a_commit_that_cannot_be_opened_leaves_no_point_in_time(
    cluster: Cluster, address: ClusterAddress, tmp_path: Path, count_points: Callable[[], int]
) -> None:
    update.put(make_writer(cluster, Clock()), make_articles(a="A"))
    options = {"index": str(address), "synonyms": str(tmp_path / "missing.txt")}
    engine = ClusterEngine(Config().with_options(options), lambda: TODAY)
    with pytest.raises(ConfigError, match=r"missing\.txt"):
        engine.read(lambda reader: reader.get_status())
    assert count_points() == 0
    engine.close()


def test_articles_that_nobody_reads_leave_no_point_in_time(
    cluster: Cluster, engine: ClusterEngine, count_points: Callable[[], int]
) -> None:
    update.put(make_writer(cluster, Clock()), make_articles(a="A"))
    articles = engine.read(lambda reader: reader.articles())
    assert count_points() == 2
    del articles
    assert count_points() == 1
    engine.close()


def test_a_command_leaves_no_point_in_time(
    cluster: Cluster, address: ClusterAddress, count_points: Callable[[], int]
) -> None:
    update.put(make_writer(cluster, Clock()), make_articles(a="A"))
    with start("search", "ferry", "--index", str(address), stdout=subprocess.PIPE) as command:
        assert "1 article" in command.communicate()[0]
    assert count_points() == 0

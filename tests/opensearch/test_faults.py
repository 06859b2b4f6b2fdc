"""What is said while a cluster cannot answer or be written to: one clear line, and no half answers."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from indexer import Article, Config, Index, IndexUnavailable, StorageFailed, open_index
from indexer.opensearch.cluster import Cluster
from indexer.store import update
from tests.fixtures.commands import start
from tests.opensearch import server
from tests.opensearch.steps import Clock, make_writer
from webui import create_app

ARTICLES = [
    Article(id=f"a{number}", title=f"Report {number}", paragraphs=["The harbour is open."], source="a.txt")
    for number in range(8)
]
ASKED: dict[str, Callable[[Index], Any]] = {
    "search": lambda index: index.search("harbour"),
    "facets": lambda index: index.search("harbour", limit=0, facets=("source",)),
    "no results": lambda index: index.search("harbor -harbour"),
    "article": lambda index: index.get_article("a0"),
    "articles": lambda index: list(index.articles()),
    "similar": lambda index: index.find_similar("a0"),
    "duplicates": lambda index: index.find_duplicates("a0"),
    "quote": lambda index: index.verify_quote("The harbour is open."),
    "suggestions": lambda index: index.suggest("har"),
    "status": lambda index: index.get_status(),
    "verify": lambda index: index.verify(),
}
CHANGED = [Article(id="a0", title="Changed", paragraphs=["The harbour is closed."])]


@pytest.fixture(scope="module")
def pair(opensearch_version: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[server.Cluster]:
    """Two nodes, and an index of the name archive, the articles of which are on the second only."""
    folder = tmp_path_factory.mktemp("pair")
    settings = {"number_of_replicas": 0, "index.routing.allocation.require._name": "node-1"}
    with server.start_cluster(folder, opensearch_version, nodes=2) as cluster:
        template = {"index_patterns": ["archive-0*"], "template": {"settings": settings}}
        cluster.request("PUT", "/_index_template/archive", template)
        yield cluster


@pytest.fixture
def config(pair: server.Cluster) -> Iterator[Config]:
    """An index with some articles, on nodes that are well; it is deleted at the end."""
    made = Config(query_seconds=60.0).with_options({"index": f"opensearch+{pair.urls[0]}/archive"})
    with open_index(made) as index:
        index.put(ARTICLES)
    yield made
    if stopped := [number for number, node in enumerate(pair.nodes) if not node.is_running]:
        pair.start(*stopped)
    pair.await_status("green")
    for name in pair.request("GET", "/archive-*/_alias"):
        pair.request("DELETE", f"/{name}")


def assert_refused(config: Config, message: str) -> None:
    """Assert that whoever asks gets one line with a message, and no answer."""
    # Each is tried for some seconds.
    with ThreadPoolExecutor(len(ASKED)) as pool, open_index(config) as index:
        asked = [pool.submit(ask, index) for ask in ASKED.values()]
        for answer in asked:
            with pytest.raises(IndexUnavailable, match=re.escape(message)) as raised:
                answer.result()
            assert "\n" not in str(raised.value)
        for code, output, errors in run_commands(config, ["search", "harbour"], ["export"], ["status"]):
            assert (code, output, len(errors.splitlines())) == (1, "", 1)
            assert message in errors
        ((code, output, errors),) = run_commands(config, ["search", "harbour", "--json"])
        assert (code, errors) == (1, "")
        assert message in json.loads(output)["error"]["message"]
        app = create_app(config)
        paths = ("/api/search?q=harbour", "/api/suggest?q=har", "/api/status")
        for answered in pool.map(lambda path: app.test_client().get(path), paths):
            assert (answered.status_code, answered.mimetype) == (503, "application/problem+json")
            assert message in answered.get_json()["detail"]
        page = app.test_client().get("/?q=harbour")
        assert page.status_code == 503
        assert "Report" not in page.text


def run_commands(config: Config, *commands: list[str]) -> list[tuple[int, str, str]]:
    """Run commands at the same time; returns the exit code and both streams of each."""
    where = ("--index", str(config.cluster))
    started = [
        start(*command, *where, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for command in commands
    ]
    ended = [(process.communicate(), process.returncode) for process in started]
    return [(code, output, errors) for (output, errors), code in ended]


def assert_not_written(config: Config, message: str) -> None:
    """Assert that a writer, who does not pause between its attempts here, gets a line with a message."""
    assert config.cluster
    with (
        closing(Cluster(config.cluster, pause=lambda _seconds: None)) as cluster,
        pytest.raises(IndexUnavailable, match=message) as raised,
    ):
        update.remove(make_writer(cluster, Clock()), ["a0"])
    assert "\n" not in str(raised.value)


def assert_answered(config: Config, titles: set[str]) -> None:
    """Assert that everything is answered, and that these are the titles of all articles."""
    with open_index(config) as index:
        for ask in ASKED.values():
            ask(index)
        assert {article.title for article in index.articles()} == titles
    assert create_app(config).test_client().get("/api/search?q=harbour").get_json()["total"] == len(titles)


TITLES = {article.title for article in ARTICLES}


def test_a_cluster_that_has_lost_the_only_copy_refuses_to_answer_until_it_is_back(
    pair: server.Cluster, config: Config
) -> None:
    pair.kill(1)
    pair.request("GET", "/_cluster/health?wait_for_nodes=1")
    assert_refused(config, "some shards or nodes are missing")
    assert_not_written(config, "some shards or nodes are missing")
    with open_index(config) as index:
        findings = [finding.what for finding in index.diagnose().findings]
    assert any("is red" in problem for problem in findings)
    pair.start(1)
    pair.await_status("green")
    assert_answered(config, TITLES)


def test_a_cluster_that_is_away_is_named(pair: server.Cluster, config: Config) -> None:
    pair.kill()
    assert_refused(config, f"the cluster at {pair.urls[0]} cannot be reached (Connection refused)")
    assert_not_written(config, "cannot be reached")
    pair.start()
    pair.await_status("green")
    assert_answered(config, TITLES)


@pytest.mark.parametrize(
    ("blocked", "block", "advice"),
    [
        ("archive-*", "read_only_allow_delete", "free space on its disks"),
        ("archive-meta", "read_only", "take the block off the index"),
    ],
)
def test_a_cluster_that_is_read_only_answers_and_says_that_it_cannot_be_written(
    pair: server.Cluster, config: Config, blocked: str, block: str, advice: str, tmp_path: Path
) -> None:
    (tmp_path / "new.txt").write_text("New\n\nThe harbour is new.\n")
    pair.request("PUT", f"/{blocked}/_settings", {f"index.blocks.{block}": True})
    with open_index(config) as index:
        with pytest.raises(StorageFailed, match=f"lets nobody write .*: {advice}$") as raised:
            index.put(CHANGED)
        assert "\n" not in str(raised.value)
        with pytest.raises(StorageFailed, match=advice):
            index.remove(["a0"])
        with pytest.raises(StorageFailed, match=advice):
            index.rebuild()
    ((code, output, errors),) = run_commands(config, ["index", str(tmp_path)])
    assert (code, output, len(errors.splitlines())) == (1, "", 1)
    assert "lets nobody write" in errors
    assert_answered(config, TITLES)
    pair.request("PUT", f"/{blocked}/_settings", {f"index.blocks.{block}": None})
    with open_index(config) as index:
        index.put(CHANGED)
    assert_answered(config, TITLES - {"Report 0"} | {"Changed"})


def test_a_cluster_without_room_for_all_replicas_answers_and_is_written(
    pair: server.Cluster, config: Config
) -> None:
    replicas = {"number_of_replicas": 1}
    pair.request("PUT", "/archive-000001/_settings", replicas)
    assert pair.request("GET", "/_cluster/health?wait_for_status=yellow")["status"] == "yellow"
    with open_index(config) as index:
        index.put(CHANGED)
        findings = [finding.what for finding in index.diagnose().findings]
    assert any("1 copy of a shard has no node" in problem for problem in findings)
    assert_answered(config, TITLES - {"Report 0"} | {"Changed"})
    pair.request("PUT", "/archive-000001/_settings", {"number_of_replicas": 0})

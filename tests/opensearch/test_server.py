"""The nodes of OpenSearch that the tests start: they answer, lose nothing, and leave no process behind."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.fixtures.serving import ROOT, is_gone, until
from tests.opensearch.network import SOON_MISSED, connect_hosts
from tests.opensearch.server import (
    VERSIONS,
    Cluster,
    NodeFailed,
    RequestFailed,
    find_archive,
    find_program,
    start_cluster,
)
from tests.stress.archive import Unavailable


def add_articles(cluster: Cluster, index: str, *titles: str, node: int | None = None) -> None:
    """Index articles, which are found when this returns; their ids are their titles."""
    lines = [line for title in titles for line in ({"index": {"_id": title}}, {"title": title})]
    body = "".join(json.dumps(line) + "\n" for line in lines)
    assert not cluster.request("POST", f"/{index}/_bulk?refresh=true", body, node=node)["errors"]


def knows_manager(cluster: Cluster, node: int) -> bool:
    """Whether a node is connected to one that manages the cluster, or is the one."""
    state = cluster.request("GET", "/_cluster/state/cluster_manager_node?local=true", node=node)
    return state.get("cluster_manager_node") is not None


def find_articles(cluster: Cluster, index: str, word: str, node: int | None = None) -> set[str]:
    """The titles of the articles that are found; by a node in its own shards, if it has them."""
    body = {"query": {"match": {"title": word}}, "size": 1000}
    answer = cluster.request("POST", f"/{index}/_search?preference=_local", body, node=node)
    assert not answer["timed_out"]
    assert not answer["_shards"]["failed"]
    return {hit["_id"] for hit in answer["hits"]["hits"]}


@pytest.fixture
def no_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide the programs that are installed."""
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("JAVA_HOME", raising=False)


def write_program(path: Path, text: str = "") -> None:
    """Write a program that says something and fails."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho '{text}'\nexit 1\n")
    path.chmod(0o700)


def write_jdk(folder: Path, version: str) -> None:
    write_program(folder / "bin" / "javac")
    (folder / "release").write_text(f'IMPLEMENTOR="Somebody"\nJAVA_VERSION="{version}"\n')


@pytest.mark.usefixtures("no_programs")
@pytest.mark.parametrize("version", VERSIONS)
def test_without_a_jdk_the_lowest_version_that_is_needed_is_said(version: str, tmp_path: Path) -> None:
    write_jdk(tmp_path / "jdks" / "old", "11.0.2")
    with pytest.raises(Unavailable, match=f"no JDK {VERSIONS[version]} or later"):
        find_program(version, cache=tmp_path, installed=tmp_path / "jdks")


@pytest.mark.usefixtures("no_programs")
def test_without_maven_that_is_said(tmp_path: Path) -> None:
    write_jdk(tmp_path / "jdks" / "new", "99")
    with pytest.raises(Unavailable, match="Maven is not installed"):
        find_program("3.9.0", cache=tmp_path, installed=tmp_path / "jdks")


def test_where_the_jars_cannot_be_had_it_is_said_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_program(tmp_path / "bin" / "mvn", "[ERROR] no such jar")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"), prepend=os.pathsep)
    write_jdk(tmp_path / "jdks" / "new", "99")
    with pytest.raises(Unavailable, match=r"jars of OpenSearch 3\.9\.0: \[ERROR\] no such jar"):
        find_program("3.9.0", cache=tmp_path / "cache", installed=tmp_path / "jdks")
    assert not list((tmp_path / "cache").iterdir())


@pytest.mark.usefixtures("no_programs")
def test_the_oldest_jdk_that_is_new_enough_is_taken(opensearch_version: str, tmp_path: Path) -> None:
    lowest = VERSIONS[opensearch_version]
    for version in (lowest - 1, lowest, lowest + 1):
        write_jdk(tmp_path / str(version), f"{version}.0.1")
    assert find_program(opensearch_version, installed=tmp_path)[0] == f"{tmp_path}/{lowest}/bin/java"


def test_a_node_finds_the_article_that_it_indexed(opensearch: Cluster, opensearch_version: str) -> None:
    add_articles(opensearch, "finds", "harbour opens", "bridge closes")
    assert opensearch.request("GET", "/")["version"]["number"] == opensearch_version
    assert find_articles(opensearch, "finds", "harbour") == {"harbour opens"}


def test_a_node_maps_the_classes_of_an_archive(opensearch: Cluster, opensearch_version: str) -> None:
    process = opensearch.nodes[0].process
    assert process is not None
    (option,) = find_archive(opensearch_version)
    assert option.partition("=")[2] in Path(f"/proc/{process.pid}/maps").read_text()


def test_a_node_has_the_analyzers_of_languages(opensearch: Cluster) -> None:
    answer = opensearch.request("POST", "/_analyze", {"analyzer": "german", "text": "die Häfen"})
    assert [token["token"] for token in answer["tokens"]] == ["haf"]


def test_a_node_runs_scripts(opensearch: Cluster) -> None:
    add_articles(opensearch, "scripts", "bridge closes")
    score = {"query": {"match_all": {}}, "script": {"source": "Math.pow(2, params.n)", "params": {"n": 5}}}
    answer = opensearch.request("POST", "/scripts/_search", {"query": {"script_score": score}})
    assert answer["hits"]["max_score"] == 32


def test_a_cluster_loses_nothing_when_a_node_is_killed_and_started_again(
    opensearch_version: str, tmp_path: Path
) -> None:
    with start_cluster(tmp_path, opensearch_version, nodes=3) as cluster:
        shards = {"number_of_shards": 3, "number_of_replicas": 1}
        cluster.request("PUT", "/archive", {"settings": shards})
        cluster.await_status("green")
        before = {f"crane {number}" for number in range(100)}
        add_articles(cluster, "archive", *before)
        cluster.kill(0)
        cluster.await_status("yellow")
        assert find_articles(cluster, "archive", "crane") == before
        meanwhile = {f"ship {number}" for number in range(100)}
        add_articles(cluster, "archive", *meanwhile)
        cluster.start(0)
        cluster.await_status("green")
        # Now some shards are only on the node that was away.
        cluster.kill(1)
        cluster.await_status("yellow")
        assert find_articles(cluster, "archive", "crane") == before
        assert find_articles(cluster, "archive", "ship") == meanwhile


def test_a_node_that_is_cut_off_refuses_to_write_and_nothing_is_lost(
    opensearch_version: str, tmp_path: Path
) -> None:
    with ExitStack() as stack:
        try:
            network = stack.enter_context(connect_hosts(3))
        except Unavailable as reason:
            pytest.skip(str(reason))
        started = start_cluster(tmp_path, opensearch_version, hosts=network.hosts, settings=SOON_MISSED)
        cluster = stack.enter_context(started)
        shards = {"number_of_shards": 3, "number_of_replicas": 2}
        cluster.request("PUT", "/archive", {"settings": shards})
        cluster.await_status("green")
        add_articles(cluster, "archive", "crane")
        # It manages the cluster, which it has founded.
        network.cut_off(0)
        cluster.request("GET", "/_cluster/health?wait_for_status=yellow&wait_for_nodes=2", node=1)
        add_articles(cluster, "archive", "crane of the majority", node=1)
        until(lambda: not knows_manager(cluster, 0))
        with pytest.raises(RequestFailed, match="no cluster-manager") as refused:
            cluster.request("PUT", "/archive/_doc/refused?timeout=1s", {"title": "refused crane"}, node=0)
        assert refused.value.status == 503
        network.connect(0)
        cluster.await_status("green")
        for node in range(3):
            assert find_articles(cluster, "archive", "crane", node) == {"crane", "crane of the majority"}


def test_a_node_that_was_killed_starts_again_at_its_address(opensearch_version: str, tmp_path: Path) -> None:
    with start_cluster(tmp_path, opensearch_version) as cluster:
        addresses = cluster.urls
        add_articles(cluster, "archive", "crane")
        cluster.kill()
        cluster.start()
        cluster.await_status("yellow")
        assert cluster.urls == addresses
        assert find_articles(cluster, "archive", "crane") == {"crane"}


def test_a_node_ends_when_its_parent_is_killed(opensearch_version: str, tmp_path: Path) -> None:
    program = """
import pathlib, sys
from tests.opensearch.server import start_cluster
with start_cluster(pathlib.Path(sys.argv[1]), sys.argv[2]) as cluster:
    print(cluster.nodes[0].process.pid, flush=True)
    sys.stdin.read()
"""
    with subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path), opensearch_version],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as parent:
        assert parent.stdout is not None
        node = int(parent.stdout.readline())
        assert not is_gone(node)
        parent.kill()
    until(lambda: is_gone(node))


def test_a_node_that_cannot_start_says_why(opensearch_version: str, tmp_path: Path) -> None:
    settings = {"no.such.setting": "1"}
    with (
        pytest.raises(NodeFailed, match=r"unknown setting \[no\.such\.setting\]"),
        start_cluster(tmp_path, opensearch_version, settings=settings),
    ):
        pass

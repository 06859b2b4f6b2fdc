"""Verifying, diagnosing and repairing an index on a cluster."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
import zstandard

from indexer import ClusterAddress, Diagnosis, IndexDamaged, IndexMissing, SyncReport, Verification
from indexer.opensearch import diagnose, verify
from indexer.opensearch.cluster import Cluster
from indexer.opensearch.commits import FORMAT, LEASE_SECONDS, Lease, meta_index, read_commit
from indexer.store import update
from tests.opensearch import server
from tests.opensearch.steps import TODAY, Clock, make_articles, make_writer, read_titles

REBUILT, ADDED = "The index is rebuilt", "added through the API"


def make_archive(cluster: Cluster, folder: Path) -> None:
    """An index of two files and an article of an app."""
    for name in ("one", "two"):
        (folder / f"{name}.txt").write_text(f"{name}\n\nThe ferry sails.\n\nIt is late.")
    sync(cluster, folder)
    update.put(make_writer(cluster, Clock()), make_articles(a="A"))


def sync(cluster: Cluster, *sources: Path) -> SyncReport:
    writer = make_writer(cluster, Clock(), jobs=1)
    return update.sync(writer, sources, dry_run=False, allow_mass_delete=False, progress=None, stop=None)


def run_verify(cluster: Cluster, *, deep: bool = False) -> Verification:
    config = make_writer(cluster, Clock(), jobs=1).config
    return verify.verify(config, lambda: TODAY, cluster, None, deep=deep)


def run_diagnose(cluster: Cluster, clock: Clock | None = None, **options: Any) -> Diagnosis:
    """The diagnosis of an index, without what is said of the copies of shards: the node is alone."""
    config = make_writer(cluster, Clock(), **options).config
    found = diagnose.diagnose(config, cluster, clock=clock or Clock())
    findings = tuple(one for one in found.findings if "no node" not in one.what)
    return msgspec.structs.replace(found, findings=findings)


def run_repair(cluster: Cluster, **options: Any) -> Diagnosis:
    config = make_writer(cluster, Clock(), jobs=1, **options).config
    return diagnose.repair(config, lambda: TODAY, cluster, None, allow_mass_delete=False)


def delete_article(opensearch: server.Cluster, cluster: Cluster) -> None:
    """Delete the article of an app behind the back of the index."""
    query = {"query": {"term": {"id": "a"}}}
    (hit,) = opensearch.request("POST", f"/{cluster.address.name}-0*/_search", query)["hits"]["hits"]
    opensearch.request("DELETE", f"/{hit['_index']}/_doc/{hit['_id']}?refresh=true")


@pytest.fixture
def alter(opensearch: server.Cluster, address: ClusterAddress) -> Callable[[str, Any], None]:
    """Change the stored article of an app behind the back of the index."""

    def change(title: str, paragraph: str) -> None:
        query = {"query": {"term": {"id": "a"}}}
        (hit,) = opensearch.request("POST", f"/{address.name}-0*/_search", query)["hits"]["hits"]
        items = [json.dumps({"id": "a", "title": title}).encode(), paragraph.encode()]
        data = zstandard.compress(msgspec.msgpack.encode(items))
        source = hit["_source"] | {"article": base64.b64encode(data).decode()}
        opensearch.request("PUT", f"/{hit['_index']}/_doc/{hit['_id']}?refresh=true", source)

    return change


def test_what_is_stored_is_compared_with_the_catalog(cluster: Cluster, tmp_path: Path) -> None:
    make_archive(cluster, tmp_path)
    found = run_verify(cluster)
    assert (found.articles, found.paragraphs, found.files) == (3, 5, 2)
    assert found.generation == f"{cluster.address.name}-000001"
    assert found.size > 0
    assert found.sources_digest is None


def test_sources_that_have_changed_are_found(cluster: Cluster, tmp_path: Path) -> None:
    make_archive(cluster, tmp_path)
    found = run_verify(cluster, deep=True)
    assert (found.differences, found.sources_digest) == ((), found.digest)
    (tmp_path / "one.txt").write_text("one\n\nChanged.")
    (tmp_path / "three.txt").write_text("three\n\nNew.")
    found = run_verify(cluster, deep=True)
    assert [(one.kind, Path(one.place).name) for one in found.differences] == [
        ("changed", "one.txt"),
        ("new", "three.txt"),
    ]


def test_an_article_that_was_altered_is_named(
    cluster: Cluster, tmp_path: Path, alter: Callable[[str, str], None]
) -> None:
    make_archive(cluster, tmp_path)
    alter("A", "The ferry sinks.")
    with pytest.raises(IndexDamaged, match="and its catalog disagree about the article 'a'"):
        run_verify(cluster)


def test_an_index_that_readers_would_not_open_is_damaged(
    cluster: Cluster, tmp_path: Path, opensearch: server.Cluster
) -> None:
    make_archive(cluster, tmp_path)
    query = {"query": {"term": {"id": "a"}}}
    (hit,) = opensearch.request("POST", f"/{cluster.address.name}-0*/_search", query)["hits"]["hits"]
    source = {**hit["_source"], "checksum": 1}
    opensearch.request("PUT", f"/{hit['_index']}/_doc/{hit['_id']}?refresh=true", source)
    with pytest.raises(
        IndexDamaged, match="has 3 articles, and the cluster shows others: run `nutgraf doctor --fix`"
    ):
        run_verify(cluster)
    assert any(REBUILT in done for done in run_repair(cluster).done)
    assert run_verify(cluster).articles == 3


def test_articles_that_are_missing_are_counted(
    cluster: Cluster, tmp_path: Path, opensearch: server.Cluster
) -> None:
    make_archive(cluster, tmp_path)
    delete_article(opensearch, cluster)
    with pytest.raises(IndexDamaged, match="has 2 articles, its catalog has 3"):
        run_verify(cluster)
    found = run_diagnose(cluster)
    assert found.answers is None
    assert "nothing can be searched" in found.findings[0].what


def test_there_is_nothing_to_verify_without_an_index(cluster: Cluster) -> None:
    with pytest.raises(IndexMissing):
        run_verify(cluster)


def test_all_is_well_with_an_index_that_was_just_made(cluster: Cluster, tmp_path: Path) -> None:
    make_archive(cluster, tmp_path)
    found = run_diagnose(cluster)
    assert str(found) == f"All is well with the index in {cluster.address}."
    assert found.answers == f"{cluster.address.name}-000001"


def test_copies_without_a_node_and_indexes_that_are_read_only_are_reported(
    cluster: Cluster, opensearch: server.Cluster
) -> None:
    name = cluster.address.name
    update.put(make_writer(cluster, Clock()), make_articles(a="A"))
    opensearch.request("PUT", f"/{name}-000001/_settings", {"index.blocks.read_only_allow_delete": True})
    found = diagnose.diagnose(make_writer(cluster, Clock()).config, cluster, clock=Clock())
    assert [(one.kind, one.what.split(":")[0]) for one in found.findings] == [
        ("system", "1 copy of a shard has no node"),
        ("disk", f"Nobody can write to {name}-000001, as when a disk of the cluster is full."),
    ]


def test_a_writer_is_reported_while_it_lives_and_after_it_has_died(cluster: Cluster) -> None:
    clock = Clock()
    update.put(make_writer(cluster, clock), make_articles(a="A"))
    with Lease(cluster, 0, clock=clock, renews=False):
        assert [one.kind for one in run_diagnose(cluster, clock).findings] == ["locked"]
        clock.now += LEASE_SECONDS
        (finding,) = run_diagnose(cluster, clock).findings
        assert finding.kind == "leftovers"
        assert "died while writing; the lease is free" in finding.what


def test_no_index_and_no_cluster_are_told_apart(cluster: Cluster) -> None:
    assert [one.kind for one in run_diagnose(cluster).findings] == ["missing"]
    away = Cluster(ClusterAddress("http", "127.0.0.1", 1, "archive"))
    (finding,) = run_diagnose(away).findings
    assert finding.kind == "system"
    assert "cannot be reached (Connection refused)" in finding.what
    assert run_repair(away).findings == diagnose.diagnose(make_writer(away, Clock()).config, away).findings


def test_other_options_are_reported_and_repaired(cluster: Cluster, tmp_path: Path) -> None:
    make_archive(cluster, tmp_path)
    assert [one.kind for one in run_diagnose(cluster, language="de").findings] == ["options"]
    found = run_repair(cluster, language="de")
    assert found.done == (f"{REBUILT} from 2 files, and 1 article {ADDED} kept.",)
    assert run_diagnose(cluster, language="de").is_well
    assert len(read_titles(cluster)) == 3


def test_a_catalog_that_cannot_be_read_is_restored_from_the_articles(
    cluster: Cluster, tmp_path: Path, opensearch: server.Cluster
) -> None:
    make_archive(cluster, tmp_path)
    name = f"catalog-{read_commit(cluster).pointer.catalog}"
    opensearch.request("PUT", f"/{meta_index(cluster)}/_doc/{name}-0", {"text": "00000000 {}\n"})
    with pytest.raises(IndexDamaged, match=r"the catalog of commit 2 of .* cannot be read"):
        run_verify(cluster)
    assert [one.kind for one in run_diagnose(cluster).findings] == ["damaged"]
    found = run_diagnose(cluster)
    assert found.answers == f"{cluster.address.name}-000001"
    assert "searches are answered meanwhile" in found.findings[0].what
    (done,) = run_repair(cluster).done
    assert "restored from its 3 articles, 1 of them added through the API" in done
    assert run_diagnose(cluster).is_well
    assert sync(cluster).unchanged == 2


def test_articles_that_a_restored_catalog_does_not_have_are_counted(
    cluster: Cluster, opensearch: server.Cluster
) -> None:
    update.put(make_writer(cluster, Clock()), make_articles(a="A", b="B"))
    catalog = f"catalog-{read_commit(cluster).pointer.catalog}-0"
    opensearch.request("DELETE", f"/{meta_index(cluster)}/_doc/{catalog}")
    delete_article(opensearch, cluster)
    restored, missing = run_repair(cluster).done
    assert "restored from its 1 article, 1 of them" in restored
    assert missing == "1 article of the last commit is missing in it."
    assert read_titles(cluster) == {"b": "B"}


def test_an_article_that_is_missing_is_read_again_from_its_source(
    cluster: Cluster, tmp_path: Path, opensearch: server.Cluster
) -> None:
    make_archive(cluster, tmp_path)
    number = read_commit(cluster).number
    query = {"query": {"bool": {"must_not": {"term": {"id": "a"}}}}, "size": 1}
    (hit,) = opensearch.request("POST", f"/{cluster.address.name}-0*/_search", query)["hits"]["hits"]
    opensearch.request("DELETE", f"/{hit['_index']}/_doc/{hit['_id']}?refresh=true")
    found = run_repair(cluster)
    assert found.done == (f"{REBUILT} from 2 files, and 1 article {ADDED} kept.",)
    assert sorted(read_titles(cluster).values()) == ["A", "one", "two"]
    assert read_commit(cluster).number == number + 1


def test_an_article_of_an_app_that_is_missing_is_named(
    cluster: Cluster, tmp_path: Path, opensearch: server.Cluster
) -> None:
    make_archive(cluster, tmp_path)
    delete_article(opensearch, cluster)
    assert run_repair(cluster).done == (
        f"{REBUILT} from 2 files, and 0 articles {ADDED} kept.",
        f"These articles {ADDED} cannot be read: a.",
    )
    assert run_diagnose(cluster).is_well
    assert sorted(read_titles(cluster).values()) == ["one", "two"]


def test_an_index_of_articles_that_was_deleted_is_named(cluster: Cluster, tmp_path: Path) -> None:
    make_archive(cluster, tmp_path)
    cluster.delete_index(f"{cluster.address.name}-000001")
    message = "-000001 on http.*, which had all articles, has been deleted: run `nutgraf doctor --fix`"
    for fails in (
        lambda: run_verify(cluster),
        lambda: sync(cluster),
        lambda: update.put(make_writer(cluster, Clock()), make_articles(b="B")),
        lambda: update.remove(make_writer(cluster, Clock()), ["a"]),
        lambda: update.rebuild(make_writer(cluster, Clock()), [], allow_mass_delete=True, progress=None),
    ):
        with pytest.raises(IndexDamaged, match=message):
            fails()
    (finding,) = run_diagnose(cluster).findings
    assert finding.kind == "damaged"
    assert "which had all articles, has been deleted" in finding.what


def test_an_index_of_articles_that_was_deleted_is_built_again(cluster: Cluster, tmp_path: Path) -> None:
    make_archive(cluster, tmp_path)
    update.put(make_writer(cluster, Clock()), make_articles(b="B"))
    update.rebuild(make_writer(cluster, Clock()), [], allow_mass_delete=False, progress=None)
    update.put(make_writer(cluster, Clock()), make_articles(b="Changed", c="C"))
    cluster.delete_index(read_commit(cluster).index)
    assert run_repair(cluster).done == (
        f"{REBUILT} from 2 files, and 2 articles {ADDED} kept.",
        f"These articles {ADDED} are restored from the previous generation: b.",
        f"These articles {ADDED} cannot be read: c.",
    )
    assert run_diagnose(cluster).is_well
    assert sorted(read_titles(cluster).values()) == ["A", "B", "one", "two"]
    assert sync(cluster).unchanged == 2
    assert run_repair(cluster).done == ()


def test_a_catalog_is_restored_from_the_generation_before_a_deleted_one(
    cluster: Cluster, tmp_path: Path, opensearch: server.Cluster
) -> None:
    make_archive(cluster, tmp_path)
    update.rebuild(make_writer(cluster, Clock()), [], allow_mass_delete=False, progress=None)
    pointer = read_commit(cluster).pointer
    cluster.delete_index(pointer.index)
    path = f"/{meta_index(cluster)}/_doc/catalog-{pointer.catalog}-0"
    opensearch.request("DELETE", path)
    restored, *rebuilt = run_repair(cluster).done
    assert f"The catalog of {pointer.previous} is restored from its 3 articles" in restored
    assert rebuilt == [f"{REBUILT} from 2 files, and 1 article {ADDED} kept."]
    assert sorted(read_titles(cluster).values()) == ["A", "one", "two"]


def test_an_index_of_which_nothing_can_be_read_is_left_alone(
    cluster: Cluster, tmp_path: Path, opensearch: server.Cluster
) -> None:
    make_archive(cluster, tmp_path)
    pointer = read_commit(cluster).pointer
    cluster.delete_index(pointer.index)
    opensearch.request("DELETE", f"/{meta_index(cluster)}/_doc/catalog-{pointer.catalog}-0")
    with pytest.raises(
        IndexDamaged, match=r"neither the catalog nor the articles .* delete .*-meta, and index"
    ):
        run_repair(cluster)
    assert read_commit(cluster).pointer == pointer


def test_an_index_of_a_later_format_is_outdated(cluster: Cluster, opensearch: server.Cluster) -> None:
    update.put(make_writer(cluster, Clock()), make_articles(a="A"))
    path = f"/{meta_index(cluster)}/_doc/commit"
    pointer = opensearch.request("GET", path)["_source"]
    pointer["settings"]["format"] = FORMAT + 1
    opensearch.request("PUT", path, pointer)
    assert [one.kind for one in run_diagnose(cluster).findings] == ["outdated"]
    assert run_repair(cluster).done == (f"{REBUILT} from 0 files, and 1 article {ADDED} kept.",)
    assert read_titles(cluster) == {"a": "A"}

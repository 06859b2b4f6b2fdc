"""What is put into an index on a cluster, synced, removed and rebuilt, and what can be read then."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

from indexer import (
    Article,
    ClusterAddress,
    IndexDamaged,
    IndexMissing,
    IndexOutdated,
    IndexUnavailable,
    InvalidArticle,
    SourceShrunk,
    StorageFailed,
    SyncReport,
)
from indexer.engine import decode_article
from indexer.opensearch import writer
from indexer.opensearch.cluster import Action, Cluster, Version
from indexer.opensearch.commits import meta_index, read_commit
from indexer.opensearch.documents import make_document_id, read_article
from indexer.opensearch.dsl import EVERYTHING
from indexer.opensearch.point_in_time import ArticlesMissing, PointInTime
from indexer.opensearch.writer import iter_articles, pin
from indexer.store import update
from tests.opensearch import server
from tests.opensearch.steps import Clock, count_leftovers, make_articles, make_writer, read_titles


def sync(cluster: Cluster, *sources: Path, clock: Clock | None = None, **options: object) -> SyncReport:
    given = {"dry_run": False, "allow_mass_delete": False, "progress": None, "stop": None, **options}
    return update.sync(make_writer(cluster, clock or Clock(), jobs=1), sources, **given)  # type: ignore[arg-type]


def write(folder: Path, **texts: str) -> None:
    for name, text in texts.items():
        (folder / f"{name}.txt").write_text(f"{text}\n\nThe ferry sails.")


def test_an_article_is_read_as_it_was_put(cluster: Cluster) -> None:
    article = Article(
        id="a/1",
        title="Ein Titel",
        paragraphs=["Erster Absatz.", "Zweiter Absatz, länger."],
        published="2021-11-05",
        language="de",
        tags=("sea", "port"),
        url="https://news.example/1",
        fields={"desk": ("world",)},
    )
    fields = {"desk": {"type": "keyword"}}
    report = update.put(make_writer(cluster, Clock(), fields=fields), [article])
    assert (report.added, report.changed) == (1, 0)
    state = read_commit(cluster)
    with pin(cluster, state.pointer) as point:
        (found,) = iter_articles(point)
    assert decode_article(read_article(found)[0]) == article
    assert state.summary.languages == {"de": 1}
    assert [*state.settings.fields] == ["desk"]


def test_articles_are_added_replaced_and_removed(cluster: Cluster) -> None:
    clock = Clock()
    assert update.put(make_writer(cluster, clock), make_articles(a="A", b="B")).added == 2
    report = update.put(make_writer(cluster, clock), make_articles(a="A", b="New", c="C"))
    assert (report.added, report.changed, report.unchanged) == (1, 1, 1)
    report = update.remove(make_writer(cluster, clock), ["a", "missing"])
    assert (report.removed, report.unchanged) == (1, 1)
    assert read_titles(cluster) == {"b": "New", "c": "C"}
    assert read_commit(cluster).number == 3


def test_a_write_that_changes_nothing_makes_no_commit(cluster: Cluster) -> None:
    clock = Clock()
    update.put(make_writer(cluster, clock), make_articles(a="A"))
    before = read_commit(cluster)
    update.put(make_writer(cluster, clock), make_articles(a="A"))
    update.remove(make_writer(cluster, clock), ["missing"])
    assert read_commit(cluster, before) is before
    update.put(make_writer(cluster, clock), make_articles(b="B"))
    assert (read_commit(cluster).number, read_commit(cluster).pointer.aborted) == (2, ())


def test_an_older_commit_can_be_opened_until_the_commit_after_the_next(cluster: Cluster) -> None:
    clock = Clock()
    update.put(make_writer(cluster, clock), make_articles(a="A", b="B"))
    old = read_commit(cluster).pointer

    def read_old(point: PointInTime) -> list[str]:
        return [article["id"] for article in iter_articles(point)]

    update.put(make_writer(cluster, clock), make_articles(a="New", c="C"))
    with PointInTime(cluster, old.index, old.articles, old.contents) as opened:
        assert read_old(opened) == ["a", "b"]
        update.remove(make_writer(cluster, clock), ["b"])
        assert read_old(opened) == ["a", "b"]
    with (
        PointInTime(cluster, old.index, old.articles, old.contents) as late,
        pytest.raises(ArticlesMissing, match="has 2 articles, and the cluster shows 1: try again later"),
    ):
        late.open()
    assert count_leftovers(cluster) == 0
    assert cluster.count(old.index, EVERYTHING) == 3
    assert read_titles(cluster) == {"a": "New", "c": "C"}


def test_more_articles_than_fit_into_a_request_are_written_and_removed(cluster: Cluster) -> None:
    clock = Clock()
    names = {f"{number:03}": "x" * 2_000 for number in range(130)}
    update.put(make_writer(cluster, clock), make_articles(**names))
    update.put(make_writer(cluster, clock), make_articles(**dict.fromkeys(names, "y")))
    assert set(read_titles(cluster).values()) == {"y"}
    update.remove(make_writer(cluster, clock), names)
    assert read_titles(cluster) == {}


def test_nothing_is_committed_if_the_articles_end_in_an_error(cluster: Cluster) -> None:
    clock = Clock()
    update.put(make_writer(cluster, clock), make_articles(a="A"))
    with pytest.raises(InvalidArticle):
        update.put(make_writer(cluster, clock), [*make_articles(b="B"), "c"])  # type: ignore[list-item]
    assert read_titles(cluster) == {"a": "A"}


def test_nothing_can_be_removed_where_there_is_no_index(cluster: Cluster) -> None:
    with pytest.raises(IndexMissing, match="run `nutgraf index FOLDER`"):
        update.remove(make_writer(cluster, Clock()), ["a"])


def test_a_folder_is_synced(cluster: Cluster, tmp_path: Path) -> None:
    write(tmp_path, one="One", two="Two")
    report = sync(cluster, tmp_path)
    assert (report.added, report.files) == (2, 2)
    assert sorted(read_titles(cluster).values()) == ["One", "Two"]
    write(tmp_path, two="Changed", three="Three")
    (tmp_path / "one.txt").unlink()
    assert sync(cluster, dry_run=True).changed == 1
    report = sync(cluster)
    assert (report.added, report.changed, report.removed) == (1, 1, 1)
    assert sorted(read_titles(cluster).values()) == ["Changed", "Three"]
    assert read_commit(cluster).summary.sources == (str(tmp_path),)


def test_a_dry_run_writes_nothing_at_all(cluster: Cluster, tmp_path: Path) -> None:
    write(tmp_path, one="One")
    assert sync(cluster, tmp_path, dry_run=True).added == 1
    assert cluster.list_indexes(f"{cluster.address.name}-*") == []


def test_a_sync_in_which_only_times_have_changed_makes_no_commit(cluster: Cluster, tmp_path: Path) -> None:
    write(tmp_path, one="One")
    sync(cluster, tmp_path)
    before = read_commit(cluster)
    write(tmp_path, one="One")
    assert sync(cluster).unchanged == 1
    after = read_commit(cluster)
    assert after.number == before.number
    assert after.pointer.catalog != before.pointer.catalog


def test_a_source_that_has_shrunk_is_refused_and_nothing_is_committed(
    cluster: Cluster, tmp_path: Path
) -> None:
    write(tmp_path, one="One", two="Two")
    sync(cluster, tmp_path)
    (tmp_path / "one.txt").unlink()
    (tmp_path / "two.txt").unlink()
    with pytest.raises(SourceShrunk):
        sync(cluster)
    assert len(read_titles(cluster)) == 2
    assert sync(cluster, allow_mass_delete=True).removed == 2
    assert read_titles(cluster) == {}


def test_a_source_is_forgotten(cluster: Cluster, tmp_path: Path) -> None:
    write(tmp_path, one="One")
    sync(cluster, tmp_path)
    update.put(make_writer(cluster, Clock()), make_articles(a="A"))
    assert update.forget(make_writer(cluster, Clock()), tmp_path).removed == 1
    assert read_titles(cluster) == {"a": "A"}
    assert read_commit(cluster).summary.sources == ()


def test_a_rebuild_makes_another_generation_and_keeps_the_one_before(
    cluster: Cluster, tmp_path: Path
) -> None:
    clock, name = Clock(), cluster.address.name
    write(tmp_path, one="One")
    sync(cluster, tmp_path)
    update.put(make_writer(cluster, clock), make_articles(**{f"{number:03}": "A" for number in range(60)}))
    before = read_commit(cluster).pointer
    titles = read_titles(cluster)
    for _ in range(2):
        update.rebuild(make_writer(cluster, clock, jobs=1), [], allow_mass_delete=False, progress=None)
        assert read_titles(cluster) == titles
        if read_commit(cluster).pointer.previous == before.index:
            with pin(cluster, before) as point:
                assert len([*iter_articles(point)]) == 61
    generations = [f"{name}-000003", f"{name}-000004", meta_index(cluster)]
    assert cluster.list_indexes(f"{name}-*") == generations


def test_a_commit_is_not_made_of_other_articles_than_its_catalog_has(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "WRITE_PATIENCE", 0.0)
    update.put(make_writer(cluster, Clock()), make_articles(a="A", b="B"))
    before = read_commit(cluster).pointer
    name = make_document_id("b", before.number)
    cluster.for_writing().bulk(before.index, [Action(name, None)])
    cluster.refresh(before.index)
    with pytest.raises(ArticlesMissing, match="has 3 articles, and the cluster shows 2: try again later"):
        update.put(make_writer(cluster, Clock()), make_articles(c="C"))
    assert read_commit(cluster).pointer == before
    # A rebuild would lose the article.
    with pytest.raises(IndexDamaged, match="the article 'b', which is in no source, is not there"):
        update.rebuild(make_writer(cluster, Clock()), [], allow_mass_delete=False, progress=None)


def test_other_options_need_a_rebuild(cluster: Cluster) -> None:
    clock = Clock()
    update.put(make_writer(cluster, clock), make_articles(a="A"))
    with pytest.raises(IndexOutdated, match=r"was made with other fields, language.*run `nutgraf rebuild`"):
        update.put(make_writer(cluster, clock, language="de"), make_articles(b="B"))
    update.rebuild(make_writer(cluster, clock, language="de"), [], allow_mass_delete=False, progress=None)
    update.put(make_writer(cluster, clock, language="de"), make_articles(b="B"))
    assert read_titles(cluster) == {"a": "A", "b": "B"}


def test_a_rebuild_that_fails_leaves_the_index_and_no_other(cluster: Cluster, tmp_path: Path) -> None:
    clock = Clock()
    write(tmp_path, one="One", two="Two")
    sync(cluster, tmp_path)
    for name in ("one", "two"):
        (tmp_path / f"{name}.txt").unlink()
    names = cluster.list_indexes(f"{cluster.address.name}-*")
    with pytest.raises(SourceShrunk):
        update.rebuild(make_writer(cluster, clock, jobs=1), [], allow_mass_delete=False, progress=None)
    assert len(read_titles(cluster)) == 2
    assert cluster.list_indexes(f"{cluster.address.name}-*") == names


class InterruptedCluster(Cluster):
    """Moves the pointer, and then is away, as if the connection had been cut before the answer."""

    def put_if(
        self, index: str, name: str, source: Mapping[str, Any] | msgspec.Struct, expected: Version | None
    ) -> Version | None:
        version = super().put_if(index, name, source, expected)
        if name == "commit":
            raise IndexUnavailable("the cluster is away")
        return version


def test_a_rebuild_that_does_not_learn_whether_it_committed_deletes_nothing(cluster: Cluster) -> None:
    clock = Clock()
    update.put(make_writer(cluster, clock), make_articles(a="A"))
    before = read_commit(cluster).index
    writer = make_writer(InterruptedCluster(cluster.address), clock)
    with pytest.raises(IndexUnavailable):
        update.rebuild(writer, [], allow_mass_delete=False, progress=None)
    assert read_commit(cluster).index != before
    assert read_titles(cluster) == {"a": "A"}


@pytest.mark.parametrize("suffix", ["000001", "meta"])
def test_an_index_of_another_program_is_left_alone(
    cluster: Cluster, opensearch: server.Cluster, suffix: str
) -> None:
    other = f"/{cluster.address.name}-{suffix}"
    opensearch.request("PUT", f"{other}/_doc/1?refresh=true", {"theirs": True})
    with pytest.raises(IndexMissing, match="belongs to something else: choose another name"):
        update.put(make_writer(cluster, Clock()), make_articles(a="A"))
    assert opensearch.request("GET", f"{other}/_doc/1")["_source"] == {"theirs": True}
    opensearch.request("DELETE", other)


def test_a_disk_that_is_full_is_said_and_nothing_is_lost(
    cluster: Cluster, opensearch: server.Cluster, address: ClusterAddress
) -> None:
    clock = Clock()
    update.put(make_writer(cluster, clock), make_articles(a="A"))
    settings = f"/{address.name}-000001/_settings"
    opensearch.request("PUT", settings, {"index.blocks.read_only_allow_delete": True})
    with pytest.raises(StorageFailed, match="free space on its disks"):
        update.put(make_writer(cluster, clock), make_articles(a="New", b="B"))
    assert read_titles(cluster) == {"a": "A"}
    opensearch.request("PUT", settings, {"index.blocks.read_only_allow_delete": None})
    update.put(make_writer(cluster, clock), make_articles(b="B"))
    assert read_titles(cluster) == {"a": "A", "b": "B"}

"""Vectors that are added to segments stay with their texts: through commits, merges, crashes and damage."""

from __future__ import annotations

import resource
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import whoosh.index
from hypothesis import given
from hypothesis import strategies as st

from indexer import Article, StorageFailed
from indexer.engine import Snapshot, find_known, hash_texts, list_unembedded, remove_leftovers, write_vectors
from indexer.engine.build.commit import Batch
from indexer.engine.build.merge import MergePolicy
from indexer.engine.format.vectors import quantize
from tests.engine.bare_index import BareIndex
from tests.engine.embedding import (
    DIMENSIONS,
    MODEL,
    OTHER_MODEL,
    UNMERGED,
    embed,
    make_index,
    side_files,
    text_of,
    touch,
    vector_of,
)
from tests.engine.segments import ARTICLES, FIELDS, MANY

EAGER = MergePolicy(factor=2)
"""Merges any two small segments."""


def make_articles(count: int, mark: str = "a") -> list[Article]:
    """Articles of two paragraphs each."""
    return [
        Article(f"{mark}{number}", "A title", [f"Text {number} of {mark}.", f"More {number} of {mark}."])
        for number in range(count)
    ]


def read_vectors(snapshot: Snapshot, model: str = MODEL) -> dict[str, list[int]]:
    """The stored vector of each visible text that has one."""
    found = {}
    for own, file in snapshot.open_vector_files(model):
        file.verify()
        for doc, row in zip(file.docs.tolist(), file.rows.tolist(), strict=True):
            if own.live is None or own.live[doc]:
                found[text_of(own, doc)] = row
    return found


def expect(texts: Sequence[str], dimensions: int = DIMENSIONS) -> dict[str, list[int]]:
    """The vectors that some texts should have."""
    return {text: quantize(vector_of(text, dimensions)[None])[0].tolist() for text in texts}


def texts_of(snapshot: Snapshot) -> list[str]:
    """The paragraphs of a snapshot, and the titles of articles without any."""
    articles = map(snapshot.article, range(snapshot.articles))
    return [text for article in articles for text in article.paragraphs or (article.title,)]


def merge_all(snapshot: Snapshot, added: Sequence[Article] = (), **sizes: Any) -> Snapshot:
    """Make a commit that merges all segments."""
    with Batch(snapshot, "en", lambda commit: None, policy=EAGER, **sizes) as batch:
        for article in added:
            batch.add(article)
        batch.touch()
    found = Snapshot(snapshot.folder, snapshot)
    remove_leftovers(found)
    return found


@MANY
@given(articles=ARTICLES.filter(bool), data=st.data())
def test_paragraphs_without_a_vector_are_listed(
    tmp_path_factory: pytest.TempPathFactory, articles: Sequence[Article], data: st.DataObject
) -> None:
    index = BareIndex(tmp_path_factory.mktemp("listed") / "index", fields=FIELDS, policy=UNMERGED)
    index.put(articles)
    index.remove(data.draw(st.sets(st.sampled_from([article.id for article in articles]))))
    texts = texts_of(index.snapshot)

    def list_texts(snapshot: Snapshot) -> list[str]:
        return [text for lacking in list_unembedded(snapshot, MODEL) for text in lacking.read_texts()]

    assert list_texts(index.snapshot) == texts
    done = data.draw(st.sets(st.sampled_from(texts))) if texts else set()
    snapshot = embed(index.snapshot, wanted=lambda text: text in done)
    assert list_texts(snapshot) == [text for text in texts if text not in done]
    assert read_vectors(snapshot) == expect([*done])
    rest = embed(snapshot, wanted=lambda text: True)
    assert list_unembedded(rest, MODEL) == []
    assert read_vectors(rest) == expect(texts)
    assert sum(len(docs) for _, docs in list_unembedded(rest, OTHER_MODEL)) == len(texts)


def test_vectors_are_replaced(tmp_path: Path) -> None:
    snapshot = embed(make_index(tmp_path / "index", [make_articles(2)]))
    (own,) = snapshot.segments
    docs = np.array([2, 0, 2], np.int32)
    texts = ["first", "other", "last"]
    write_vectors(own, MODEL, docs, np.array([*map(vector_of, texts)]), hash_texts(texts))
    ((_, file),) = touch(snapshot).open_vector_files(MODEL)
    file.verify()
    wanted = ["other", "More 0 of a.", "last", "More 1 of a."]
    assert file.rows.tolist() == [*expect(wanted).values()]
    assert file.texts.tolist() == hash_texts(wanted).tolist()


def test_writing_nothing_changes_nothing(tmp_path: Path) -> None:
    snapshot = make_index(tmp_path / "index", [make_articles(2)])
    none = np.empty(0, np.int32)
    write_vectors(snapshot.segments[0], MODEL, none, np.empty((0, 5)), np.empty(0, np.uint64))
    assert not any(path.exists() for path in side_files(snapshot))


@pytest.mark.parametrize("docs", [[-1], [4], [1], [3], [9]])
def test_custom_texts_have_no_vectors(tmp_path: Path, docs: list[int]) -> None:
    lead = {"lead": "Lead"}
    articles = [Article("a", "", ["Text"], fields=lead), Article("b", "Title", fields=lead)]
    index = BareIndex(tmp_path / "index", fields=FIELDS)
    index.put(articles)
    (own,) = index.snapshot.segments
    assert own.view.documents == 4
    with pytest.raises(ValueError, match="only paragraphs, and titles of articles without any, have vectors"):
        write_vectors(own, MODEL, np.array(docs, np.int32), vector_of("x")[None], hash_texts(["x"]))


def test_the_title_stands_for_an_article_without_paragraphs(tmp_path: Path) -> None:
    articles = [
        Article("a", "Not this title", ["Text"]),
        Article("b", "Its title", fields={"lead": "Lead"}),
        Article("c", ""),
        Article("d", "Removed"),
        Article("e", "Also 東京"),
    ]
    index = BareIndex(tmp_path / "index", fields=FIELDS, policy=UNMERGED)
    index.put(articles)
    index.remove(["d"])
    snapshot = index.snapshot
    (lacking,) = list_unembedded(snapshot, MODEL)
    assert lacking.read_texts() == ["Text", "Its title", "", "Also 東京"]
    assert lacking._replace(docs=lacking.docs[1:2]).read_texts() == ["Its title"]
    assert (snapshot.paragraphs, snapshot.embeddable) == (1, 4)
    snapshot = embed(snapshot, wanted=lambda text: True)
    assert snapshot.vector_models() == {MODEL: 4}
    assert read_vectors(snapshot) == expect(["Text", "Its title", "", "Also 東京"])
    assert list_unembedded(snapshot, MODEL) == []
    assert read_vectors(merge_all(snapshot)) == read_vectors(snapshot)


@pytest.mark.parametrize("dimensions", [0, 8193])
def test_vectors_that_could_not_be_read_again_are_not_written(tmp_path: Path, dimensions: int) -> None:
    snapshot = make_index(tmp_path / "index", [make_articles(2)])
    (own,) = snapshot.segments
    with pytest.raises(ValueError, match="numbers, not 1 to 8,192"):
        write_vectors(own, MODEL, np.array([1], np.int32), np.ones((1, dimensions)), hash_texts(["x"]))
    assert not any(path.exists() for path in side_files(snapshot))


def test_vectors_of_another_model_are_replaced_when_there_are_new_ones(tmp_path: Path) -> None:
    snapshot = embed(make_index(tmp_path / "index", [make_articles(2)]))
    snapshot = embed(snapshot, OTHER_MODEL, wanted=lambda text: "0" in text, dimensions=5)
    assert snapshot.vector_models() == {OTHER_MODEL: 2}
    assert read_vectors(snapshot, OTHER_MODEL) == expect(["Text 0 of a.", "More 0 of a."], 5)


def test_known_texts_are_found_by_their_hashes(tmp_path: Path) -> None:
    index = BareIndex(tmp_path / "index", policy=UNMERGED)
    index.put(make_articles(3, "a"))
    index.put(make_articles(3, "b"))
    snapshot = embed(index.snapshot, wanted=lambda text: "1" not in text)
    with Batch(snapshot, "en", lambda commit: None, policy=UNMERGED) as batch:
        batch.remove("a0")
    before = Snapshot(snapshot.folder)
    other = embed(make_index(tmp_path / "other", [make_articles(2, "c")]))
    texts = ["Text 0 of a.", "Text 1 of a.", "More 2 of b.", "", "Text 1 of c.", "More 2 of b."]
    found, rows = find_known([before, other], MODEL, hash_texts(texts))
    assert found.tolist() == [True, False, True, False, True, True]
    for text, is_found, row in zip(texts, found, rows.tolist(), strict=True):
        assert row == (expect([text])[text] if is_found else [0] * DIMENSIONS)
    found, rows = find_known([before, other], OTHER_MODEL, hash_texts(texts))
    assert not found.any()
    assert rows.shape == (6, 0)
    found, rows = find_known([before], MODEL, hash_texts([]))
    assert (len(found), rows.shape) == (0, (0, DIMENSIONS))
    # A stored vector is written as it is.
    (own,) = other.segments
    write_vectors(own, MODEL, np.array([0], np.int32), quantize(vector_of("x")[None]), hash_texts(["x"]))
    assert touch(other).open_vector_files(MODEL)[0][1].rows[0].tolist() == expect(["x"])["x"]


@MANY
@given(
    parts=st.lists(
        st.tuples(ARTICLES.filter(bool), st.sampled_from(["", "r", "the"])), min_size=1, max_size=4
    ),
    data=st.data(),
)
def test_a_merge_keeps_the_vectors_of_live_texts(
    tmp_path_factory: pytest.TempPathFactory, parts: Any, data: st.DataObject
) -> None:
    index = BareIndex(tmp_path_factory.mktemp("merged") / "index", fields=FIELDS, policy=UNMERGED)
    for articles, _ in parts:
        index.put(articles)
    letters = {letter for _, letter in parts}
    snapshot = embed(index.snapshot, wanted=lambda text: text[:1] not in letters)
    ids = sorted(snapshot.ids())
    removed = data.draw(st.sets(st.sampled_from(ids)))
    with Batch(snapshot, "en", lambda commit: None, policy=UNMERGED) as batch:
        for name in removed:
            batch.remove(name)
    snapshot = Snapshot(snapshot.folder)
    known = read_vectors(snapshot)
    merged = merge_all(snapshot, [Article("new", "", ["A new text."])])
    assert len(merged.segments) == 1
    assert read_vectors(merged) == known
    left = [text for lacking in list_unembedded(merged, MODEL) for text in lacking.read_texts()]
    assert sorted(left) == sorted(text for text in texts_of(merged) if text not in known)
    # Removed texts are gone from the file, and nothing else is left in the folder.
    sizes = [len(file) for _, file in merged.open_vector_files(MODEL)]
    assert sum(sizes) == merged.vector_models().get(MODEL, 0)
    assert merged.vector_problems(every_byte=True) == []
    assert len([*merged.folder.glob("*.nut")]) == 1 + bool(known)


def test_a_merge_keeps_the_model_of_most_vectors(tmp_path: Path) -> None:
    snapshot = make_index(tmp_path / "index", [make_articles(3, "a"), make_articles(2, "b")])
    snapshot = embed(snapshot, wanted=lambda text: "of a" in text)
    snapshot = embed(snapshot, OTHER_MODEL, wanted=lambda text: "of b" in text, dimensions=5)
    assert snapshot.vector_models() == {MODEL: 6, OTHER_MODEL: 4}
    merged = merge_all(snapshot)
    assert merged.vector_models() == {MODEL: 6}
    assert read_vectors(merged).keys() == {text for text in texts_of(merged) if "of a" in text}


@pytest.mark.parametrize("place", [0, 100, -30])
def test_a_merge_leaves_damaged_vectors_out(tmp_path: Path, place: int) -> None:
    snapshot = embed(make_index(tmp_path / "index", [make_articles(3, "a"), make_articles(2, "b")]))
    path, _ = side_files(snapshot)
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(data)
    merged = merge_all(Snapshot(snapshot.folder))
    assert read_vectors(merged).keys() == {text for text in texts_of(merged) if "of b" in text}
    assert merged.vector_problems(every_byte=True) == []


def limit_files(size: int) -> Callable[[], None]:
    """Let no file grow beyond a size, as if the disk were full; returns what ends that."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_keeps_the_vectors_from_a_merge_but_not_the_articles(tmp_path: Path) -> None:
    snapshot = make_index(tmp_path / "index", [make_articles(50, "a"), make_articles(50, "b")])
    snapshot = embed(snapshot, dimensions=8000)
    end = limit_files(10**6)
    try:
        merged = merge_all(snapshot)
    finally:
        end()
    assert (len(merged.segments), merged.articles) == (1, 100)
    assert merged.vector_models() == {}
    assert merged.vector_problems() == []
    assert len([*merged.folder.glob("MAIN_*.*")]) == 1


def test_a_full_disk_leaves_the_vectors_that_there_were(tmp_path: Path) -> None:
    snapshot = embed(make_index(tmp_path / "index", [make_articles(50)]), wanted=lambda text: "1" in text)
    known = read_vectors(snapshot)
    (path,) = side_files(snapshot)
    end = limit_files(path.stat().st_size + 10)
    try:
        with pytest.raises(StorageFailed):
            embed(snapshot)
    finally:
        end()
    snapshot = Snapshot(snapshot.folder)
    assert read_vectors(snapshot) == known
    assert [*snapshot.folder.glob("*.new")] == []


def test_a_side_file_that_was_written_before_a_crash_is_used(tmp_path: Path) -> None:
    snapshot = make_index(tmp_path / "index", [make_articles(3)])
    (own,) = snapshot.segments
    write_vectors(own, MODEL, np.array([0], np.int32), vector_of("x")[None], hash_texts(["x"]))
    (path,) = side_files(snapshot)
    unfinished = path.with_name(path.name + ".new")
    unfinished.write_bytes(path.read_bytes()[:100])
    # The next writer opens the last commit, which is still the one before.
    snapshot = Snapshot(snapshot.folder)
    remove_leftovers(snapshot)
    assert path.exists()
    assert not unfinished.exists()
    assert snapshot.vector_models() == {MODEL: 1}
    assert sum(len(docs) for _, docs in list_unembedded(snapshot, MODEL)) == 5


def test_a_crash_before_the_commit_of_a_merge_leaves_all_as_it_was(tmp_path: Path) -> None:
    snapshot = embed(make_index(tmp_path / "index", [make_articles(3, "a"), make_articles(2, "b")]))
    files = {path.name: path.read_bytes() for path in snapshot.folder.iterdir() if path.suffix == ".nut"}

    def crash(commit: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), Batch(snapshot, "en", crash, policy=EAGER) as batch:
        batch.touch()
    found = Snapshot(snapshot.folder)
    assert found.commit == snapshot.commit
    assert len([*found.folder.glob("*.vectors.nut")]) == 3
    remove_leftovers(found)
    left = {path.name: path.read_bytes() for path in found.folder.iterdir() if path.suffix == ".nut"}
    assert left == files
    assert len(read_vectors(found)) == 10


def test_a_touch_makes_a_commit_of_the_same_articles(tmp_path: Path) -> None:
    snapshot = make_index(tmp_path / "index", [make_articles(3, "a"), make_articles(2, "b")], ["a1"])
    commits: list[int] = []
    with Batch(snapshot, "en", commits.append, policy=UNMERGED) as batch:
        batch.touch()
    found = Snapshot(snapshot.folder, snapshot)
    remove_leftovers(found)
    assert commits == [found.commit] == [snapshot.commit + 1]
    assert [own.entry for own in found.segments] == [own.entry for own in snapshot.segments]
    assert found.views() == snapshot.views()
    with whoosh.index.open_dir(str(found.folder)).searcher() as searcher:
        assert searcher.doc_count() == 8
    with Batch(found, "en", commits.append) as batch:
        pass
    assert Snapshot(found.folder).commit == found.commit


def test_side_files_of_a_removed_segment_go_with_it(tmp_path: Path) -> None:
    snapshot = embed(make_index(tmp_path / "index", [make_articles(3, "a"), make_articles(2, "b")]))
    with Batch(snapshot, "en", lambda commit: None, policy=UNMERGED) as batch:
        for number in range(3):
            batch.remove(f"a{number}")
    found = Snapshot(snapshot.folder)
    remove_leftovers(found)
    assert [path.exists() for path in side_files(snapshot)] == [False, True]
    assert len(read_vectors(found)) == 4

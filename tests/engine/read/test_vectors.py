"""Vectors in a snapshot: the closest articles, as comparing all vectors one by one finds them."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer import Article
from indexer.engine import Snapshot, hash_texts, write_vectors
from indexer.engine.read.vectors import find_embeddable
from tests.engine.bare_index import BareIndex
from tests.engine.embedding import (
    DIMENSIONS,
    MODEL,
    OTHER_MODEL,
    assert_exact,
    cosine_of,
    embed,
    find_in_two_steps,
    list_vectors,
    make_index,
    near,
    side_files,
    touch,
    vector_of,
)
from tests.engine.segments import ARTICLES, MANY

NONE = np.empty(0, np.int32)
PARTS = st.lists(
    st.tuples(ARTICLES.filter(bool), st.lists(st.booleans(), min_size=12, max_size=12)),
    min_size=1,
    max_size=3,
)


def make_articles(count: int, mark: str = "a") -> list[Article]:
    """Articles with one to nine paragraphs, a few of which are in several, and one with a title only."""
    found = [Article(f"{mark}-none", "Nothing")]
    for number in range(count):
        texts = [f"Text {number} {place} of {mark}." for place in range(1 + number % 9)]
        found.append(Article(f"{mark}{number}", "A title", [*texts, "The same."][number % 2 :]))
    return found


def is_wanted(text: str) -> bool:
    """Whether a text is embedded, in an index in which some are not."""
    return "3" not in text


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    """So many vectors that not all are compared exactly, in three segments, with removed articles."""
    parts = [make_articles(700, "a"), make_articles(20, "b"), make_articles(900, "c")]
    removed = [f"{mark}{number}" for mark in "abc" for number in range(5, 900, 7)]
    snapshot = make_index(tmp_path_factory.mktemp("large") / "index", parts, removed)
    return embed(snapshot, wanted=is_wanted)


@MANY
@given(parts=PARTS, data=st.data())
def test_all_vectors_are_compared_where_there_are_few(
    tmp_path_factory: pytest.TempPathFactory, parts: Any, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("few") / "index"
    named = [
        ([replace(one, id=f"{one.id}{number}") for one in own], flags)
        for number, (own, flags) in enumerate(parts)
    ]
    removed = [one.id for own, flags in named for one, flag in zip(own, flags, strict=False) if flag]
    snapshot = make_index(folder, [own for own, _ in named], removed)
    unwanted = data.draw(st.sampled_from(["", "road", "the", "京"]))
    snapshot = embed(snapshot, wanted=lambda text: bool(text) and unwanted != text[:4].strip())
    visible = data.draw(st.sets(st.sampled_from(range(snapshot.articles)))) if snapshot.articles else set()
    query = vector_of(data.draw(st.sampled_from(["a", "b"])))
    for shown in (snapshot, snapshot.restrict(np.array(sorted(visible), np.int32))):
        vectors = list_vectors(shown, lambda text: bool(text) and unwanted != text[:4].strip())
        count = sum(map(len, vectors))
        assert shown.vector_models() == ({MODEL: count} if count else {})
        found = shown.vectors(MODEL)
        if found is None:
            assert not count
            continue
        assert (found.paragraphs, found.dimensions) == (count, DIMENSIONS)
        closeness = found.measure(query, NONE)
        close = [
            number for number, texts in enumerate(vectors) if any(vector_of(t).any() for t in texts.values())
        ]
        assert closeness.exact.tolist() == close
        assert_exact(closeness, vectors, query)
    assert snapshot.vector_problems() == snapshot.vector_problems(every_byte=True) == []


@pytest.mark.parametrize("depth", [0, 1, 7, 50, 2000])
@pytest.mark.parametrize("seen", ["all", "some", "a part"])
def test_the_closest_articles_by_signs_are_compared_exactly(large: Snapshot, depth: int, seen: str) -> None:
    shown = large if seen != "some" else large.restrict(np.arange(5, large.articles - 9, dtype=np.int32))
    if seen == "a part":
        shown = large.restrict(np.flatnonzero(np.arange(large.articles) % 10 < 9).astype(np.int32))
    vectors = list_vectors(shown, is_wanted)
    measured = shown.vectors(MODEL)
    assert measured is not None
    assert measured.paragraphs == sum(map(len, vectors)) > 4096
    query = vector_of("a query")
    allowed = np.flatnonzero(np.arange(shown.articles) % 3).astype(np.int32)
    also = np.array([0, 1, 2, 3, shown.articles - 1], np.int32)
    found = measured.measure(query, also, allowed, depth)
    wanted = find_in_two_steps(vectors, query, also, allowed, depth)
    assert found.exact.tolist() == sorted(wanted)
    for article, (cosine, _) in wanted.items():
        assert found.cosines[article] == near(cosine)
        assert cosine_of(vectors[article][int(found.docs[article])], query) == near(cosine)
    for article, texts in enumerate(vectors):
        if not texts:
            assert (found.cosines[article], found.docs[article]) == (found.mean, -1)
        else:
            assert int(found.docs[article]) in texts


def test_the_others_are_estimated(large: Snapshot) -> None:
    vectors = list_vectors(large, is_wanted)
    measured = large.vectors(MODEL)
    assert measured is not None
    query = vector_of("a query")
    exact = np.array([max((cosine_of(t, query) for t in texts.values()), default=0.0) for texts in vectors])
    has_vectors = np.array([bool(texts) for texts in vectors])
    found = measured.measure(query, NONE, depth=0)
    assert not len(found.exact)
    errors = (found.cosines - exact)[has_vectors]
    assert np.abs(errors).mean() < 0.6 * exact[has_vectors].std()
    every = np.array([cosine_of(text, query) for texts in vectors for text in texts.values()])
    assert found.mean == pytest.approx(every.mean(), abs=0.02)


@pytest.mark.parametrize("count", [100, 1400])
def test_a_restricted_snapshot_measures_as_an_index_of_its_articles_alone(
    large: Snapshot, tmp_path: Path, count: int
) -> None:
    visible = np.flatnonzero(np.arange(large.articles) % 11 != 3).astype(np.int32)[-count:]
    shown = large.restrict(visible)
    bounds = [own.first_article for own in shown.segments[1:]]
    parts = np.split(np.arange(shown.articles), bounds)
    alone = make_index(tmp_path / "index", [[shown.article(int(n)) for n in part] for part in parts])
    alone = embed(alone, wanted=is_wanted)
    names = [shown.id_of(number) for number in range(shown.articles)]
    assert [alone.id_of(number) for number in range(alone.articles)] == names
    measured, expected = shown.vectors(MODEL), alone.vectors(MODEL)
    assert measured is not None
    assert expected is not None
    assert measured.paragraphs == expected.paragraphs
    for query in map(vector_of, ("a", "b", "c")):
        found, wanted = (vectors.measure(query, NONE, depth=20) for vectors in (measured, expected))
        assert found.cosines.tolist() == wanted.cosines.tolist()
        assert found.mean == wanted.mean
        assert found.exact.tolist() == wanted.exact.tolist()
        for article in range(shown.articles):
            docs = int(found.docs[article]), int(wanted.docs[article])
            assert (docs[0] < 0) == (docs[1] < 0)
            assert docs[0] < 0 or shown.text_of(docs[0]) == alone.text_of(docs[1])


def test_the_same_text_is_always_equally_close(large: Snapshot) -> None:
    measured = large.vectors(MODEL)
    assert measured is not None
    query = vector_of("The same.")
    found = measured.measure(query, NONE)
    same = [
        article for article in found.exact.tolist() if large.text_of(int(found.docs[article])) == "The same."
    ]
    assert len(same) == 1000
    assert len(set(found.cosines[same].tolist())) == 1
    assert found.cosines[same[0]] == near(1.0)
    alone = measured.measure(query, np.array(same[:1], np.int32), NONE, 0)
    assert alone.exact.tolist() == same[:1]
    assert alone.cosines[same[0]] == found.cosines[same[0]]


@pytest.mark.parametrize("count", [3, 700])
def test_what_is_not_allowed_is_not_exact(tmp_path: Path, count: int) -> None:
    snapshot = make_index(tmp_path / "index", [make_articles(count)])
    snapshot = embed(snapshot, wanted=lambda text: text != "Nothing")
    vectors = snapshot.vectors(MODEL)
    assert vectors is not None
    query = vector_of("a query")
    also = np.array([0, 2], np.int32)  # the first has no vector
    assert vectors.measure(query, NONE, NONE).exact.tolist() == []
    assert vectors.measure(query, also, NONE).exact.tolist() == [2]
    assert vectors.measure(query, also, np.array([1], np.int32)).exact.tolist() == [1, 2]
    assert vectors.measure(query, also, also).exact.tolist() == [2]
    assert len(vectors.measure(query, NONE, depth=10**6).exact) == count


def test_invalid_vectors_are_refused(large: Snapshot) -> None:
    measured = large.vectors(MODEL)
    assert measured is not None
    with pytest.raises(ValueError, match="the vector has 3 numbers, those of the index 70"):
        measured.measure(np.ones(3, np.float32), NONE)
    with pytest.raises(ValueError, match="not finite"):
        measured.measure(np.full(DIMENSIONS, np.nan, np.float32), NONE)


@pytest.mark.parametrize("scale", [1e-38, 1.0, 1e38])
def test_only_the_direction_of_a_query_counts(large: Snapshot, scale: float) -> None:
    measured = large.vectors(MODEL)
    assert measured is not None
    query = np.clip(vector_of("a query"), -1, 1)
    found, wanted = (measured.measure(own, NONE) for own in (query * np.float32(scale), query))
    assert found.exact.tolist() == wanted.exact.tolist()
    assert found.cosines.tolist() == near(wanted.cosines.tolist())


def test_nothing_is_close_to_a_query_without_direction(large: Snapshot) -> None:
    measured = large.vectors(MODEL)
    assert measured is not None
    found = measured.measure(np.zeros(DIMENSIONS, np.float32), NONE)
    assert (found.mean, {*found.cosines.tolist()}) == (0.0, {0.0})


def test_a_text_without_direction_is_not_close(tmp_path: Path) -> None:
    snapshot = make_index(tmp_path / "index", [[Article("a", "", ["½", "b"]), Article("c", "", ["½", "½"])]])
    snapshot = embed(snapshot)
    vectors = snapshot.vectors(MODEL)
    assert vectors is not None
    assert vectors.paragraphs == 4
    found = vectors.measure(vector_of("b"), NONE)
    assert found.cosines.tolist() == [near(1.0), 0.0]
    assert (found.docs.tolist(), found.exact.tolist()) == ([1, 2], [0])
    assert found.mean == near(0.25)
    assert vectors.mean_of(1) is None


@pytest.mark.parametrize("count", [3, 5000])
def test_an_article_of_which_a_model_knows_nothing_is_never_close(tmp_path: Path, count: int) -> None:
    titles = [f"Title {number}" if number % 2 else "" for number in range(count)]
    articles = [Article(f"a{number:04}", title) for number, title in enumerate(titles)]
    articles += [Article("c", "", [f"Text {number}" for number in range(5000)])]
    snapshot = embed(make_index(tmp_path / "index", [articles]), wanted=lambda text: True)
    vectors = snapshot.vectors(MODEL)
    assert vectors is not None
    assert vectors.paragraphs == snapshot.embeddable == count + 5000
    # The average cosine is below that of a vector of zeros.
    found = vectors.measure(-np.ones(DIMENSIONS, np.float32), np.arange(len(articles), dtype=np.int32))
    assert found.exact.tolist() == [*np.flatnonzero(titles).tolist(), count]
    assert not found.cosines[[number for number, title in enumerate(titles) if not title]].any()
    assert found.mean < 0
    only = snapshot.restrict(np.flatnonzero([not title for title in titles]).astype(np.int32))
    nothing = only.vectors(MODEL)
    assert nothing is not None
    assert nothing.paragraphs == only.embeddable == only.articles
    found = nothing.measure(vector_of("a"), np.arange(only.articles, dtype=np.int32))
    assert (found.exact.tolist(), found.mean) == ([], 0.0)


def test_an_article_has_the_mean_of_its_vectors(large: Snapshot) -> None:
    measured = large.vectors(MODEL)
    assert measured is not None
    vectors = list_vectors(large, is_wanted)
    for article in (0, 1, 2, 300, large.articles - 1):
        mean = measured.mean_of(article)
        if not vectors[article]:
            assert mean is None
            continue
        own = [vector_of(text) for text in vectors[article].values()]
        wanted = np.mean([vector / np.linalg.norm(vector) for vector in own], axis=0)
        assert mean is not None
        assert mean.dtype == np.float32
        assert float(np.linalg.norm(mean)) == pytest.approx(1.0, abs=1e-6)
        assert mean @ wanted / np.linalg.norm(wanted) == near(1.0)
    assert measured.mean_of(large.articles) is None


def test_vectors_of_another_model_are_not_used(tmp_path: Path) -> None:
    snapshot = make_index(tmp_path / "index", [make_articles(5, "a"), make_articles(3, "b")])
    assert snapshot.vectors(MODEL) is None
    snapshot = embed(snapshot)
    own = snapshot.segments[1]
    paragraphs = np.flatnonzero(find_embeddable(own.view)).astype(np.int32)
    texts = [own.view.text_of(int(doc)) for doc in paragraphs]
    other = np.array([vector_of(text, 10) for text in texts])
    write_vectors(own, OTHER_MODEL, paragraphs, other, hash_texts(texts))
    snapshot = touch(snapshot)
    assert snapshot.vectors("c" * 32) is None
    assert snapshot.vector_models().keys() == {MODEL, OTHER_MODEL}
    for model, dimensions in ((MODEL, DIMENSIONS), (OTHER_MODEL, 10)):
        vectors = snapshot.vectors(model)
        assert vectors is not None
        assert (vectors.dimensions, vectors.paragraphs) == (dimensions, snapshot.vector_models()[model])
    assert snapshot.vector_problems() == []


def test_new_vectors_are_seen_by_the_next_commit(tmp_path: Path) -> None:
    snapshot = make_index(tmp_path / "index", [make_articles(5, "a"), make_articles(3, "b")])
    first = embed(snapshot, wanted=lambda text: "of a" in text)
    ((_, a_file),) = first.open_vector_files(MODEL)
    second = embed(first, wanted=lambda text: "of b" in text)
    assert first.vector_models() == {MODEL: len(a_file)}
    # A file that was not replaced is not opened again.
    assert second.open_vector_files(MODEL)[0][1] is a_file
    assert second.vector_models()[MODEL] > len(a_file)
    # The earlier commits still have the files that they have opened.
    third = embed(second)
    vectors = first.vectors(MODEL)
    assert vectors is not None
    assert vectors.paragraphs == len(a_file)
    assert third.vector_models()[MODEL] > second.vector_models()[MODEL]


def damage(path: Path, section: str) -> None:
    """Alter one byte of a section of a side file, of its head or its end."""
    data = bytearray(path.read_bytes())
    place = {"head": 0, "end": len(data) - 1, "directory": len(data) - 40}.get(section)
    if place is None:
        directory = data[int.from_bytes(data[-24:-16], "little") : -24]
        place = json.loads(directory)[section][1]
    data[place] ^= 4
    path.write_bytes(data)


SECTIONS = ("head", "facts", "docs", "rows", "norms", "signs", "directory", "end")


@pytest.mark.parametrize("section", SECTIONS)
def test_a_segment_whose_vectors_are_damaged_has_none(tmp_path: Path, section: str) -> None:
    snapshot = make_index(tmp_path / "index", [make_articles(5, "a"), make_articles(3, "b")])
    snapshot = embed(snapshot)
    damaged, _ = side_files(snapshot)
    damage(damaged, section)
    snapshot = Snapshot(snapshot.folder)
    vectors = snapshot.vectors(MODEL)
    assert vectors is not None
    found = vectors.measure(vector_of("Text 2 0 of b."), NONE)
    assert snapshot.id_of(int(found.cosines.argmax())) == "b2"
    assert {snapshot.id_of(int(article))[0] for article in found.exact} == {"b"}
    for problems in (snapshot.vector_problems(), snapshot.vector_problems(every_byte=True)):
        assert len(problems) == 1
        assert str(damaged) in problems[0]
        assert problems[0].endswith("run `nutgraf embed` to make it again")
    assert len(snapshot.postings("paragraph", "text/en").docs)
    # It is made again.
    snapshot = embed(snapshot)
    assert snapshot.vector_problems(every_byte=True) == []
    assert len(snapshot.open_vector_files(MODEL)) == 2


def test_a_damaged_hash_is_found_by_verifying(tmp_path: Path) -> None:
    snapshot = make_index(tmp_path / "index", [make_articles(5)])
    snapshot = embed(snapshot)
    (path,) = side_files(snapshot)
    damage(path, "texts")
    snapshot = Snapshot(snapshot.folder)
    assert snapshot.vectors(MODEL) is not None
    assert snapshot.vector_problems() == []
    assert len(snapshot.vector_problems(every_byte=True)) == 1


@pytest.mark.parametrize("harm", ["empty", "garbage", "another", "segment", "folder", "link", "pipe"])
def test_what_is_no_side_file_is_not_used(tmp_path: Path, harm: str) -> None:
    snapshot = make_index(tmp_path / "index", [make_articles(5, "a"), make_articles(3, "b")])
    snapshot = embed(snapshot)
    path, other = side_files(snapshot)
    content = {
        "empty": b"",
        "garbage": bytes(range(256)) * 9,
        "another": other.read_bytes(),
        "segment": snapshot.segments[0].view.file.path.read_bytes(),
    }.get(harm)
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    elif harm == "folder":
        path.mkdir()
    elif harm == "link":
        path.symlink_to(other)
    else:
        os.mkfifo(path)
    snapshot = Snapshot(snapshot.folder)
    assert len(snapshot.open_vector_files(MODEL)) == 1
    assert len(snapshot.vector_problems()) == len(snapshot.vector_problems(every_byte=True)) == 1


def test_a_file_that_is_truncated_while_it_is_open_is_not_read(tmp_path: Path) -> None:
    snapshot = make_index(tmp_path / "index", [make_articles(5, "a"), make_articles(3, "b")])
    snapshot = embed(snapshot)
    restricted = snapshot.restrict(np.arange(3, snapshot.articles, dtype=np.int32))
    path, _ = side_files(snapshot)
    for shown in (snapshot, restricted):
        assert len(shown.open_vector_files(MODEL)) == 2
        assert shown.vectors(MODEL) is shown.vectors(MODEL) is not None
    with path.open("r+b") as file:
        file.truncate(10)
    for shown in (snapshot, restricted):
        vectors = shown.vectors(MODEL)
        assert vectors is not None
        assert {shown.id_of(int(n))[0] for n in vectors.measure(vector_of("a"), NONE).exact} == {"b"}
    assert len(snapshot.vector_problems()) == 1


def test_vectors_are_not_counted_in_a_file_that_is_truncated_while_it_is_open(tmp_path: Path) -> None:
    articles = make_index(tmp_path / "index", [make_articles(5, "a"), make_articles(3, "b")])
    snapshot = embed(articles)
    restricted = snapshot.restrict(np.arange(1, snapshot.articles, dtype=np.int32))
    before = restricted.vector_models()[MODEL]
    with side_files(snapshot)[0].open("r+b") as file:
        file.truncate(0)
    # Reading the documents that it had would be fatal.
    assert 0 < restricted.vector_models()[MODEL] < before
    assert len(snapshot.vector_problems()) == 1


def test_side_files_are_read_when_vectors_are_first_asked_for(tmp_path: Path) -> None:
    snapshot = embed(make_index(tmp_path / "index", [make_articles(5, "a"), make_articles(3, "b")]))
    restricted = snapshot.restrict(np.arange(1, dtype=np.int32))
    steps = [snapshot.are_vectors_read]
    snapshot.vector_models()
    steps.append(snapshot.are_vectors_read)
    snapshot.vectors("of another model")
    assert [*steps, snapshot.are_vectors_read, restricted.are_vectors_read] == [False, False, True, True]


def test_files_of_one_model_have_the_same_dimensions(tmp_path: Path) -> None:
    snapshot = make_index(tmp_path / "index", [make_articles(5, "a"), make_articles(3, "b")])
    snapshot = embed(snapshot, wanted=lambda text: "of a" in text)
    snapshot = embed(snapshot, wanted=lambda text: "of b" in text, dimensions=10)
    vectors = snapshot.vectors(MODEL)
    assert vectors is not None
    assert vectors.dimensions == DIMENSIONS
    (problem,) = snapshot.vector_problems()
    assert "has vectors of 10 numbers, others have 70" in problem


def test_an_article_of_any_number_of_paragraphs_is_measured(tmp_path: Path) -> None:
    many = Article("many", "", [f"Text {number}" for number in range(70_000)])
    index = BareIndex(tmp_path / "index")
    index.put([Article("one", "", ["One"]), many, Article("two", "", ["Two"])])
    (own,) = index.snapshot.segments
    docs = np.arange(own.view.documents, dtype=np.int32)
    generator = np.random.default_rng(3)
    matrix = generator.normal(size=(len(docs), 4)).astype(np.float32)
    write_vectors(own, MODEL, docs, matrix, np.arange(len(docs), dtype=np.uint64))
    vectors = index.snapshot.vectors(MODEL)
    assert vectors is not None
    found = vectors.measure(matrix[0], NONE, depth=2)
    assert found.cosines[0] == pytest.approx(1.0, abs=0.01)
    assert found.docs[0] == 0
    assert found.docs[2] == len(docs) - 1

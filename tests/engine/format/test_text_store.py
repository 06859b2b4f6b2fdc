"""Stored text: blocks, and the dictionary to which they refer."""

from __future__ import annotations

import random
from collections.abc import Callable
from itertools import chain
from pathlib import Path

import numpy as np
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from indexer import Article
from indexer.engine.build.check import check_segment
from indexer.engine.format.segment_file import SegmentFile, encode_segment
from indexer.engine.format.text_store import MAX_DICTIONARY, TextStore, TextWriter, train
from indexer.engine.read.segment import SegmentView
from indexer.errors import IndexDamaged
from tests.engine.bare_index import BareIndex
from tests.engine.segments import MANY

WORDS = ["harbour", "crane", "tide", "pilot", "anchor", "signal", "bridge", "warehouse", "ferry", "council"]


def make_text(chance: random.Random, words: int) -> str:
    return " ".join(f"{chance.choice(WORDS)} {chance.randrange(5000)}" for _ in range(words // 2))


def make_articles(count: int, seed: int = 1, words: int = 150) -> list[Article]:
    """Articles of a little more than a kilobyte each."""
    chance = random.Random(seed)
    return [
        Article(f"{seed}-{number}", make_text(chance, 8), [make_text(chance, words)])
        for number in range(count)
    ]


def make_dictionary(seed: int) -> bytes:
    texts = [[article.paragraphs[0].encode()] for article in make_articles(400, seed)]
    return train(write(texts)).dictionary


def write(articles: list[list[bytes]], dictionary: bytes = b"") -> TextWriter:
    writer = TextWriter(dictionary)
    for items in articles:
        writer.add(items)
    return writer


def store(writer: TextWriter, path: Path) -> TextStore:
    """A store read back from the disk."""
    path.write_bytes(b"".join(encode_segment(writer.make_sections(), {})))
    return TextStore(SegmentFile(path).sections)


def read_all(texts: TextStore) -> list[bytes]:
    return texts.read(range(len(texts.lengths)))


# Blocks


DICTIONARIES = [b"", make_dictionary(1), make_dictionary(2)]
ITEMS = st.binary(max_size=40) | st.integers(0, 90).map(lambda n: bytes([n]) * 20 * n) | st.just(b"")
ARTICLES = st.lists(st.lists(ITEMS, min_size=1, max_size=8), max_size=10)


@MANY
@given(
    parts=st.lists(st.tuples(ARTICLES, st.sampled_from(DICTIONARIES), st.booleans()), max_size=5),
    dictionary=st.sampled_from(DICTIONARIES),
)
def test_items_of_other_stores_read_like_added_items(
    tmp_path: Path, parts: list[tuple[list[list[bytes]], bytes, bool]], dictionary: bytes
) -> None:
    writer = TextWriter(dictionary)
    for number, (articles, own, is_store) in enumerate(parts):
        if is_store:
            writer.add_store(store(write(articles, own), tmp_path / f"{number}.nut"))
        else:
            for items in articles:
                writer.add(items)
    every = [*chain.from_iterable(items for articles, *_ in parts for items in articles)]
    made = store(writer, tmp_path / "whole.nut")
    assert read_all(made) == every
    assert [made.read([number])[0] for number in range(len(every))] == every
    assert writer.size == sum(map(len, every))


def test_blocks_with_the_same_dictionary_are_copied_unread() -> None:
    articles = [[article.paragraphs[0].encode()] for article in make_articles(50)]
    sections = write(articles, DICTIONARIES[1]).make_sections()
    damaged = sections["data"].copy()
    damaged[100:200] = 0
    writer = TextWriter(DICTIONARIES[1])
    writer.add_store(TextStore(sections | {"data": damaged}))
    assert writer.make_sections()["data"].tobytes() == damaged.tobytes()


@pytest.mark.parametrize(
    ("sizes", "blocks"),
    [
        # The items of each article, in bytes, and the items of each block.
        ([[200, 900]], [2]),
        ([[200, 900], [200, 700]], [2, 2]),
        ([[100, 100], [100, 300], [300]], [4, 1]),
        ([[200, 900, 900, 900]], [3, 1]),
        ([[200, 900, 500, 900], [200]], [3, 1, 1]),
        ([[5000, 100], [100]], [1, 2]),
        ([[0]], [1]),
        ([], []),
    ],
)
def test_the_head_and_the_text_of_a_short_article_are_in_one_block(
    sizes: list[list[int]], blocks: list[int]
) -> None:
    writer = write([[b"a" * size for size in items] for items in sizes])
    assert np.diff(writer.make_sections()["items"], prepend=0).tolist() == blocks


# Dictionaries


def test_a_dictionary_makes_text_smaller_and_is_made_once() -> None:
    articles = [[article.paragraphs[0].encode()] for article in make_articles(1500)]
    plain = write(articles)
    trained = train(plain)
    assert 0 < len(trained.dictionary) <= plain.size // 64
    assert len(trained.make_sections()["data"]) < 0.9 * len(plain.make_sections()["data"])
    assert train(trained) is trained
    assert read_all(TextStore(trained.make_sections())) == [*chain.from_iterable(articles)]


def test_more_text_gets_a_longer_dictionary() -> None:
    articles = [[article.paragraphs[0].encode()] for article in make_articles(6000)]
    few = train(write(articles[:1500]))
    more = TextWriter(few.dictionary)
    for items in articles:
        more.add(items)
    trained = train(more)
    assert len(trained.dictionary) >= 2 * len(few.dictionary)
    assert read_all(TextStore(trained.make_sections())) == [*chain.from_iterable(articles)]


def test_a_dictionary_of_much_text_is_bounded() -> None:
    chance = random.Random(3)
    writer = train(write([[chance.randbytes(1500)] for _ in range(4000)]))
    assert 0 < len(writer.dictionary) <= MAX_DICTIONARY


@pytest.mark.parametrize(
    "articles",
    [
        [],
        [[b"a text of some words"]],
        [[article.paragraphs[0].encode()] for article in make_articles(100)],
        [[b"a single long text " * 100_000]],
    ],
    ids=["nothing", "one text", "little text", "one long text"],
)
def test_texts_that_are_too_few_have_no_dictionary(articles: list[list[bytes]]) -> None:
    writer = write(articles)
    assert train(writer) is writer
    assert read_all(TextStore(writer.make_sections())) == [*chain.from_iterable(articles)]


def alter(path: Path, dictionary: bytes) -> SegmentView:
    """A segment with another dictionary, and with the right checksums."""
    file = SegmentFile(path)
    sections = {name: np.array(file.sections[name]) for name in file.directory if name != "facts"}
    sections["text.dictionary"] = np.frombuffer(dictionary, np.uint8)
    facts = file.read_facts()
    path.write_bytes(b"".join(encode_segment(sections, facts)))
    return SegmentView(path)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda made: made + bytes(MAX_DICTIONARY), "text.dictionary has"),
        (lambda made: b"only text " * 50, "text.dictionary is not a dictionary"),
        (lambda made: made[:40], "text.dictionary is not a dictionary"),
        (lambda made: made[:8] + bytes(60) + made[68:], "text.dictionary is not a dictionary"),
        (lambda made: b"", "a stored text in"),
        (lambda made: made[:-400] + bytes(400), "content of|a stored text in|text.data has"),
        (lambda made: DICTIONARIES[2], "content of|a stored text in|text.data has"),
    ],
    ids=["too large", "text", "cut", "tables of zeros", "none", "other text", "another one"],
)
def test_an_altered_dictionary_is_found(
    tmp_path: Path, change: Callable[[bytes], bytes], problem: str
) -> None:
    index = BareIndex(tmp_path / "index")
    index.put(make_articles(400))
    (segment,) = index.snapshot.segments
    path = segment.view.file.path
    made = segment.view.dictionary
    assert made
    with pytest.raises(IndexDamaged, match=problem):
        check_segment(alter(path, change(made)))


def test_later_commits_and_merges_keep_the_dictionary_of_a_generation(tmp_path: Path) -> None:
    index = BareIndex(tmp_path / "index")
    index.put(make_articles(400))
    dictionary = index.snapshot.segments[0].view.dictionary
    assert dictionary
    counts = []
    for seed in range(2, 20):
        index.put(make_articles(20, seed))
        index.remove([f"{seed}-3", f"1-{seed}"])
        counts.append(len(index.snapshot.segments))
        assert {segment.view.dictionary for segment in index.snapshot.segments} == {dictionary}
    assert min(counts[7:]) < max(counts)
    for article in [*make_articles(400)[20:], *make_articles(20, 5)[4:]]:
        assert index.get_article(article.id).paragraphs == article.paragraphs


def test_an_index_that_grows_slowly_gets_a_dictionary_when_segments_are_merged(tmp_path: Path) -> None:
    index = BareIndex(tmp_path / "index")
    for seed in range(8):
        assert not any(segment.view.dictionary for segment in index.snapshot.segments)
        index.put(make_articles(60, seed))
    (segment,) = index.snapshot.segments
    assert segment.view.dictionary
    for seed in range(8):
        for article in make_articles(60, seed):
            assert index.get_article(article.id).paragraphs == article.paragraphs


def test_segments_written_in_one_commit_share_a_dictionary(tmp_path: Path) -> None:
    articles = make_articles(6000)
    index = BareIndex(tmp_path / "index", max_memory=2**24, chunk_size=2**18)
    index.put(articles)
    views = [segment.view for segment in index.snapshot.segments]
    assert len({view.dictionary for view in views}) == 1
    assert views[0].dictionary
    assert [index.get_article(article.id).paragraphs for article in articles[::97]] == [
        article.paragraphs for article in articles[::97]
    ]


def test_texts_that_a_dictionary_does_not_fit_are_stored_without_it() -> None:
    chance = random.Random(5)
    letters = [chr(number) for number in range(0x4E00, 0x4E00 + 400)]
    foreign = [["".join(chance.choices(letters, k=600)).encode()] for _ in range(200)]
    mixed = [[article.paragraphs[0].encode()] for article in make_articles(200)]
    alone = len(write(foreign).make_sections()["data"])
    assert len(write(foreign, DICTIONARIES[1]).make_sections()["data"]) <= alone
    articles = [*chain.from_iterable(zip(mixed, foreign, strict=True))]
    writer = write(articles, DICTIONARIES[1])
    assert read_all(TextStore(writer.make_sections())) == [*chain.from_iterable(articles)]


@pytest.mark.parametrize("texts", [b"", b"The tide."], ids=["frames of nothing", "frames of text"])
def test_frames_without_a_dictionary_need_none(texts: bytes) -> None:
    frame = zstandard.ZstdCompressor().compress(texts)
    sections = write([[texts]]).make_sections()
    assert read_all(TextStore(sections | {"data": np.frombuffer(frame, np.uint8)})) == [texts]

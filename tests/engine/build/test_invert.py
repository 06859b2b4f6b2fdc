"""From texts to a segment: it has the terms of the analysis, however the articles were gathered."""

from __future__ import annotations

from array import array
from itertools import compress
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st
from numpy.typing import DTypeLike

from indexer import Article
from indexer.engine.build.gather import Chunk, Gatherer, stable_order
from indexer.engine.build.invert import Buffer
from indexer.engine.format.segment_file import Array, Packed, pack
from indexer.engine.format.text_store import TextStore
from tests.engine.segments import (
    ARTICLES,
    EVERYTHING,
    FIELDS,
    MANY,
    assert_says,
    buffered,
    built,
    contents,
    gathered,
    pairs,
    written,
)


@MANY
@given(articles=ARTICLES.filter(bool))
@example(articles=EVERYTHING)
@example(articles=[Article(id="only")])
def test_a_segment_has_the_terms_of_the_analysis(tmp_path: Path, articles: list[Article]) -> None:
    assert_says(built(articles, tmp_path / "segment.nut"), articles)


def test_a_long_text_a_large_gap_and_a_high_frequency_come_back(tmp_path: Path) -> None:
    # Beyond what one byte, and what two bytes hold.
    articles = [
        Article(id="long", title="harbour", paragraphs=["crane " * 70_000 + "harbour", "crane " * 300]),
        *(Article(id=f"gap{n}", paragraphs=["tide"] * 50) for n in range(10)),
        Article(id="end", paragraphs=["harbour " + "crane " * 254, "crane " * 255, "crane " * 256]),
    ]
    view = built(articles, tmp_path / "segment.nut")
    assert_says(view, articles)


def test_a_word_that_is_searched_twice_counts_once(tmp_path: Path) -> None:
    view = built(EVERYTHING, tmp_path / "segment.nut")
    for words in (["vaccine"], ["vaccine", "vaccines"], ["harbour"], view.lexicon):
        once = view.word_postings("paragraph", words)
        assert pairs(view.word_postings("paragraph", [*words, *words])) == pairs(once)


@MANY
@given(
    articles=ARTICLES.filter(bool),
    who=st.lists(st.tuples(st.integers(0, 2), st.booleans()), min_size=12, max_size=12),
)
def test_the_division_into_gatherers_and_chunks_does_not_change_the_segment(
    tmp_path: Path, articles: list[Article], who: list[tuple[int, bool]]
) -> None:
    gatherers = [(Gatherer("en", FIELDS), array("i")) for _ in range(3)]
    buffer, last = Buffer(), 0
    for article, (number, is_taken) in zip(articles, who, strict=False):
        # The segment has the articles in the order in which the chunks are added.
        if number != last or is_taken:
            buffer.add(gatherers[last][0].take(), gatherers[last][1])
        gatherers[number][0].add(article)
        last = number
    buffer.add(gatherers[last][0].take(), gatherers[last][1])
    view = written(buffer, tmp_path / "divided.nut")
    assert contents(view) == contents(built(articles, tmp_path / "whole.nut"))


@MANY
@given(parts=st.lists(ARTICLES.filter(bool), min_size=1, max_size=4), shared=st.booleans())
def test_a_cleared_buffer_makes_a_segment_of_later_articles_only(
    tmp_path: Path, parts: list[list[Article]], shared: bool
) -> None:
    gatherers = [(Gatherer("en", FIELDS), array("i")) for _ in range(1 if shared else 2)]
    buffer = Buffer()
    for place, articles in enumerate(parts):
        for number, article in enumerate(articles):
            gatherer, numbers = gatherers[number % len(gatherers)]
            gatherer.add(article)
            buffer.add(gatherer.take(), numbers)
        assert buffer.articles == len(articles)
        view = written(buffer, tmp_path / f"{place}.nut")
        assert contents(view) == contents(built(articles, tmp_path / "alone.nut"))
        buffer.clear()
        assert (buffer.articles, buffer.size) == (0, 0)


def test_the_words_of_a_segment_are_put_in_order_where_the_caller_wants() -> None:
    sizes: list[int] = []

    def allocate(size: int, kind: DTypeLike) -> Array:
        sizes.append(size)
        return np.empty(size, kind)

    buffer = buffered(EVERYTHING)
    terms = len(buffer.chunks[0].texts)
    pieces = b"".join(buffer.make_segment(allocate)[0])
    assert pieces == b"".join(buffered(EVERYTHING).make_segment()[0])
    assert max(sizes) > terms


@MANY
@given(articles=ARTICLES.filter(bool), wanted=st.lists(st.booleans(), min_size=12, max_size=12))
def test_articles_dropped_from_a_chunk_leave_no_trace(
    tmp_path: Path, articles: list[Article], wanted: list[bool]
) -> None:
    wanted = wanted[: len(articles)]
    kept = [*compress(articles, wanted)]
    gatherer, buffer, numbers = Gatherer("en", FIELDS), Buffer(), array("i")
    for article in articles:
        gatherer.add(article)
    chunk = gatherer.take()
    left, expected = chunk.select(wanted), gathered(kept)
    assert (left.forms, left.ids, left.size) == (chunk.forms, expected.ids, expected.size)
    assert texts_of(left) == texts_of(expected)
    (buffer.add if kept else buffer.learn)(left, numbers)
    # The gatherer still refers to the forms of the dropped articles.
    more = [Article(id=f"again {a.id}", title=a.title, paragraphs=a.paragraphs) for a in articles]
    for article in more:
        gatherer.add(article)
    buffer.add(gatherer.take(), numbers)
    view = written(buffer, tmp_path / "left.nut")
    assert contents(view) == contents(built([*kept, *more], tmp_path / "never.nut"))


def test_only_stems_with_several_words_have_variants(tmp_path: Path) -> None:
    article = Article(
        id="a", title="", paragraphs=["Tide, crane, cranes. Tide!", "Crane. Tides, anchor anchor."]
    )
    view = built(
        [article, Article(id="b", title="", paragraphs=["The anchor of the crane."])], tmp_path / "s.nut"
    )
    own = view.fields["paragraph"]
    stems = {word: view.find_stem(f"{word}/en") for word in ("anchor", "crane", "tide")}
    found = {
        word: own.list_variants(stem, stem + 1).tolist() for word, stem in stems.items() if stem is not None
    }
    assert found == {"anchor": [0, 0, 0], "crane": [0, 1, 0, 0], "tide": [0, 0, 1]}
    assert len(own.section("variants")) == 7
    everything = own.list_variants(0, len(view.stems))
    every = np.arange(len(everything))
    owners = np.repeat(np.arange(len(view.stems)), np.diff(own.section("occurrences")))
    assert own.take_variants(every[::-1], owners[::-1]).tolist() == everything[::-1].tolist()


def test_a_chunk_that_is_kept_whole_is_not_copied() -> None:
    chunk = gathered(EVERYTHING[:1])
    assert chunk.select([True]) is chunk
    nothing = chunk.select([False])
    assert (nothing.forms, nothing.ids, nothing.size, texts_of(nothing)) == (chunk.forms, [], 0, [])


def test_a_gatherer_with_too_many_forms_forgets_them(tmp_path: Path) -> None:
    gatherer, buffer, numbers = Gatherer("en", FIELDS, max_forms=3), Buffer(), array("i")
    fresh = []
    for article in EVERYTHING:
        gatherer.add(article)
        chunk = gatherer.take()
        fresh.append(chunk.is_fresh)
        buffer.add(chunk, numbers)
    assert any(fresh)
    view = written(buffer, tmp_path / "anew.nut")
    assert contents(view) == contents(built(EVERYTHING, tmp_path / "whole.nut"))


def test_a_buffer_keeps_only_the_forms_that_gatherers_still_use(tmp_path: Path) -> None:
    buffer = Buffer(max_forms=10)
    every = [(Gatherer("en", FIELDS, max_forms=40), array("i")) for _ in range(2)]
    for turn in range(12):
        texts = [f"turn{turn} word{turn}x{number} harbour tide{number}" for number in range(20)]
        articles = [Article(f"a{number}", text, [text, "the road"]) for number, text in enumerate(texts)]
        for (gatherer, numbers), own in zip(every, (articles[::2], articles[1::2]), strict=True):
            for article in own:
                gatherer.add(article)
            buffer.add(gatherer.take(), numbers)
        # One of the two gatherers ends, and another one begins.
        if turn == 6:
            every[0] = (Gatherer("en", FIELDS, max_forms=40), array("i"))
        assert_says(written(buffer, tmp_path / f"{turn}.nut"), [*articles[::2], *articles[1::2]])
        assert len(buffer.forms) <= 2 * (40 + 60)
        assert buffer.size == 0


def texts_of(chunk: Chunk) -> list[bytes]:
    """The stored items of a chunk."""
    store = TextStore(chunk.items)
    return store.read(range(len(store.lengths)))


# Its parts


@MANY
@given(
    keys=st.lists(
        st.integers(0, 2**31 - 1) | st.integers(0, 3) | st.sampled_from([2**16, 2**16 - 1]), max_size=60
    )
)
def test_a_stable_order_is_stable(keys: list[int]) -> None:
    array = np.array(keys, np.int32)
    wanted = sorted(range(len(keys)), key=keys.__getitem__)
    assert stable_order(array, max(keys, default=0) + 1).tolist() == wanted


@MANY
@given(
    values=st.lists(
        st.integers(0, 3) | st.sampled_from([254, 255, 256, 65534, 65535, 65536, 2**31 - 1]), max_size=60
    ),
    kind=st.sampled_from([np.int32, np.int64, np.uint32]),
    data=st.data(),
)
def test_packed_integers_come_back_in_ranges_and_by_place(
    values: list[int], kind: type[Any], data: st.DataObject
) -> None:
    parts = pack(np.array(values, kind))
    packed = Packed(parts["narrow"], parts["at"], parts["wide"])
    for begin in range(len(values) + 1):
        for end in {begin, min(begin + 2, len(values)), len(values)}:
            assert packed.read(begin, end).tolist() == values[begin:end]
    places = data.draw(st.lists(st.integers(0, len(values) - 1), max_size=20)) if values else []
    assert packed.take(np.array(places, np.int64)).tolist() == [values[place] for place in places]

"""From texts to a segment: it has the terms of the analysis, however the articles were gathered."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from itertools import accumulate, compress, pairwise
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from indexer import Article
from indexer.engine.build.gather import Chunk, Gatherer, Run, make_run, stable_order
from indexer.engine.build.invert import Buffer, NumberedRun, encode_postings, make_forms
from indexer.engine.format.segment_file import Packed, pack
from indexer.engine.format.text_store import TextStore
from tests.engine.bare_index import BareIndex
from tests.engine.segments import ARTICLES, EVERYTHING, MANY, assert_says, built, contents, pairs, written


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
@given(articles=ARTICLES.filter(bool), cuts=st.lists(st.integers(0, 12), max_size=4))
def test_the_division_into_chunks_does_not_change_the_segment(
    tmp_path: Path, articles: list[Article], cuts: list[int]
) -> None:
    gatherer, buffer, numbers = Gatherer("en"), Buffer(), array("i")
    for place, article in enumerate(articles):
        if place in cuts:
            buffer.add(gatherer.take(), numbers)
        gatherer.add(article)
    buffer.add(gatherer.take(), numbers)
    view = written(buffer, tmp_path / "cut.nut")
    assert contents(view) == contents(built(articles, tmp_path / "whole.nut"))


@MANY
@given(articles=ARTICLES.filter(bool), who=st.lists(st.integers(0, 2), min_size=12, max_size=12))
def test_several_gatherers_make_the_same_segment_as_one(
    tmp_path: Path, articles: list[Article], who: list[int]
) -> None:
    gatherers = [(Gatherer("en"), array("i")) for _ in range(3)]
    buffer = Buffer()
    for article, number in zip(articles, who, strict=False):
        gatherer, numbers = gatherers[number]
        gatherer.add(article)
        buffer.add(gatherer.take(), numbers)
    view = written(buffer, tmp_path / "several.nut")
    assert contents(view) == contents(built(articles, tmp_path / "one.nut"))


@MANY
@given(parts=st.lists(ARTICLES.filter(bool), min_size=1, max_size=4), shared=st.booleans())
def test_a_cleared_buffer_makes_a_segment_of_later_articles_only(
    tmp_path: Path, parts: list[list[Article]], shared: bool
) -> None:
    gatherers = [(Gatherer("en"), array("i")) for _ in range(1 if shared else 2)]
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


@MANY
@given(articles=ARTICLES.filter(bool), wanted=st.lists(st.booleans(), min_size=12, max_size=12))
def test_articles_dropped_from_a_chunk_leave_no_trace(
    tmp_path: Path, articles: list[Article], wanted: list[bool]
) -> None:
    wanted = wanted[: len(articles)]
    kept = [article for article, is_wanted in zip(articles, wanted, strict=True) if is_wanted]
    gatherer, numbers = Gatherer("en"), array("i")
    for article in articles:
        gatherer.add(article)
    chunk = gatherer.take()
    forms = chunk.forms
    left = chunk.select(wanted)
    assert left.forms == forms
    alone = Gatherer("en")
    for article in kept:
        alone.add(article)
    expected = alone.take()
    assert (left.ids, left.size) == (expected.ids, expected.size)
    assert texts_of(left) == texts_of(expected)
    buffer = Buffer()
    if kept:
        buffer.add(left, numbers)
    else:
        buffer.learn(left, numbers)
    # The gatherer still refers to the forms of the dropped articles.
    for article in articles:
        gatherer.add(Article(id=f"again {article.id}", title=article.title, paragraphs=article.paragraphs))
    again = gatherer.take()
    buffer.add(again, numbers)
    more = [Article(id=f"again {a.id}", title=a.title, paragraphs=a.paragraphs) for a in articles]
    view = written(buffer, tmp_path / "left.nut")
    assert contents(view) == contents(built([*kept, *more], tmp_path / "never.nut"))


def test_a_chunk_that_is_kept_whole_is_not_copied() -> None:
    gatherer = Gatherer("en")
    gatherer.add(EVERYTHING[0])
    chunk = gatherer.take()
    assert chunk.select([True]) is chunk
    nothing = chunk.select([False])
    assert (nothing.forms, nothing.ids, nothing.size, texts_of(nothing)) == (chunk.forms, [], 0, [])


def test_a_gatherer_with_too_many_forms_forgets_them(tmp_path: Path) -> None:
    gatherer, buffer, numbers = Gatherer("en", max_forms=3), Buffer(), array("i")
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
    every = [(Gatherer("en", max_forms=40), array("i")) for _ in range(2)]
    for turn in range(12):
        texts = [f"turn{turn} word{turn}x{number} harbour tide{number}" for number in range(20)]
        articles = [Article(f"a{number}", text, [text, "the road"]) for number, text in enumerate(texts)]
        for (gatherer, numbers), own in zip(every, (articles[::2], articles[1::2]), strict=True):
            for article in own:
                gatherer.add(article)
            buffer.add(gatherer.take(), numbers)
        # One of the two gatherers ends, and another one begins.
        if turn == 6:
            every[0] = (Gatherer("en", max_forms=40), array("i"))
        assert_says(written(buffer, tmp_path / f"{turn}.nut"), [*articles[::2], *articles[1::2]])
        assert len(buffer.forms) <= 2 * (40 + 60)
        assert buffer.size == 0


def texts_of(chunk: Chunk) -> list[bytes]:
    """The stored items of a chunk."""
    store = TextStore(**chunk.items)
    return store.read(range(len(store.lengths)))


def test_a_full_buffer_becomes_a_segment_and_nothing_else_changes(tmp_path: Path) -> None:
    answers = []
    for max_memory, segments in ((2**28, 1), (0, len(EVERYTHING))):
        index = BareIndex(tmp_path / str(max_memory), max_memory=max_memory, chunk_size=1)
        index.put(EVERYTHING)
        assert len(index.snapshot.segments) == segments
        queries = ("vaccine", "harb*", '"the don\'t"', "東京", "title:harbour")
        hits = [index.search(query, limit=50).hits for query in queries]
        answers.append((hits, [index.get_article(article.id) for article in EVERYTHING]))
    assert answers[0] == answers[1]


# Its parts


TEXTS_OF_FORMS = st.lists(st.lists(st.integers(0, 5), max_size=6), max_size=8)
STEM_OF = np.array([2, 0, 2, 1, 0, 3], np.int32)


def run_of(texts: Sequence[Sequence[int]]) -> Run:
    """The run of texts that are given as numbers of forms."""
    forms = np.array([form for text in texts for form in text], np.int32)
    return make_run(forms, np.array([len(text) for text in texts], np.int32), STEM_OF)


def groups_of(run: Run) -> list[list[tuple[int, int, int]]]:
    """The form, the text and the position of each occurrence, group by group."""
    rows = list(zip(run.forms.tolist(), run.texts.tolist(), run.positions.tolist(), strict=True))
    ends = [0, *accumulate(run.counts.tolist())]
    assert ends[-1] == len(run) == len(rows)
    return [rows[begin:end] for begin, end in pairwise(ends)]


@MANY
@given(texts=TEXTS_OF_FORMS)
def test_a_run_has_the_occurrences_by_stem_then_in_text_order(texts: list[list[int]]) -> None:
    rows = [(form, text, place) for text, forms in enumerate(texts) for place, form in enumerate(forms)]
    by_stem = [[row for row in rows if STEM_OF[row[0]] == stem] for stem in range(4)]
    assert groups_of(run_of(texts)) == [group for group in by_stem if group]
    assert run_of(texts).heads.tolist() == [group[0][0] for group in by_stem if group]


@MANY
@given(texts=TEXTS_OF_FORMS, data=st.data())
def test_a_run_without_some_texts_equals_the_run_of_the_others(
    texts: list[list[int]], data: st.DataObject
) -> None:
    wanted = data.draw(st.lists(st.booleans(), min_size=len(texts), max_size=len(texts)))
    only = run_of(texts).select(np.array(wanted, np.bool_))
    assert groups_of(only) == groups_of(run_of([*compress(texts, wanted)]))


@MANY
@given(texts=TEXTS_OF_FORMS, cuts=st.lists(st.integers(0, 8), max_size=3).map(sorted))
def test_runs_of_pieces_make_the_same_sections_as_one_run(texts: list[list[int]], cuts: list[int]) -> None:
    forms = make_forms(np.sort(STEM_OF), 4)
    own, documents = np.argsort(np.argsort(STEM_OF, kind="stable")), np.arange(len(texts)) * 3
    bounds = [0, *cuts, len(texts)]
    pieces = [
        NumberedRun.from_run(run_of(texts[begin:end]), own, documents[begin:end])
        for begin, end in pairwise(bounds)
    ]
    found = dict(encode_postings(forms, pieces))
    whole = dict(encode_postings(forms, [NumberedRun.from_run(run_of(texts), own, documents)]))
    assert {name: np.asarray(part).tolist() for name, part in found.items()} == {
        name: np.asarray(part).tolist() for name, part in whole.items()
    }


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

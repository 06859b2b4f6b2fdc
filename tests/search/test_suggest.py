"""What suggestions are made of: completions of words, the words that follow, and the case they get."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from indexer import Article, Index, open_index
from indexer.engine.count.completions import complete_word, find_titles, list_continuations
from indexer.engine.count.matching import make_article_set
from indexer.search.phrases import (
    find_next_characters,
    measure_association,
    measure_cohesion,
    read_writings,
)
from indexer.search.written_forms import match_case
from indexer.text.analyzer import Analyzer
from tests.fixtures.commits import open_commit


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    """Two segments, with one article removed."""
    crane = Article(id="crane", title="Harbour crane moves", paragraphs=["The crane.", "A harbour crane."])
    crew = Article(id="crew", title="The old mill", paragraphs=["The crew of the mill and the harbour."])
    with open_index(tmp_path_factory.mktemp("suggest") / "index") as opened:
        opened.put([crane, Article(id="gone", title="Gone", paragraphs=["A crocodile."])])
        opened.put([crew])
        opened.remove(["gone"])
        yield opened


def test_words_written_only_in_capitals_keep_them() -> None:
    assert match_case("and TV Hall", "film") == "and TV hall"
    assert match_case("and TV Hall", "Film") == "and TV Hall"
    assert match_case("港 Hall", "東京") == "港 Hall"


def test_completions_weigh_the_articles_of_a_set(index: Index) -> None:
    snapshot = open_commit(index).snapshot
    assert len(snapshot.segments) > 1
    assert [one.word for one in complete_word(snapshot, "harb", None, 5)] == ["harbour"]
    crane = snapshot.find("crane")
    assert crane is not None
    within = make_article_set(snapshot, np.array([crane], np.int32))
    assert [(one.word, one.weight) for one in complete_word(snapshot, "cr", within, 5)] == [("crane", 1)]
    assert complete_word(snapshot, "cr", within, 5, excluded=["crane/en"]) == []
    titles = {snapshot.id_of(number) for number in snapshot.article_of[find_titles(snapshot, "h")].tolist()}
    assert titles == {"crane"}
    assert len(find_titles(snapshot, "gon")) == 0


def test_a_word_with_a_stem_in_each_language_weighs_as_much_in_one_segment_as_in_two(tmp_path: Path) -> None:
    tale = "Crane stood."
    articles = [Article(id=language, language=language, paragraphs=[tale]) for language in ("de", "en")]
    came = Article(id="came", language="en", paragraphs=["It came, and came with a crew."])
    for name, batches in (("one", [[*articles, came]]), ("more", [[came], *([one] for one in articles)])):
        with open_index(tmp_path / name) as index:
            for batch in batches:
                index.put(batch)
            found = complete_word(open_commit(index).snapshot, "c", None, 10)
            assert [(one.word, one.weight) for one in found] == [("crane", 2), ("came", 1), ("crew", 1)], name


def test_texts_are_read_by_document(index: Index) -> None:
    snapshot = open_commit(index).snapshot
    for number in range(snapshot.articles):
        start = int(snapshot.doc_starts[number])
        paragraphs = snapshot.article(number).paragraphs or ("",)
        assert tuple(snapshot.text_of(start + place) for place in range(len(paragraphs))) == paragraphs


@pytest.mark.parametrize(
    ("phrase", "skipped", "prefix", "texts", "written"),
    [
        (["bank"], 0, "", ["The Bank. Then", "On bank notes", "Embankment"], {"Bank": 1, "bank": 1}),
        (["bank"], 0, "", ["Of BANKING", "Banks of the Rhine"], {"BANKING": 1}),  # only if no text has "bank"
        (["bank"], 0, "banki", ["Of the bank", "Of banking"], {"banking": 1}),
        (["grand", "union"], 0, "", ["The Grand Union", "grand, Union", "Grand Union's"], {"Grand Union": 2}),
        (
            ["grand", "unions"],
            1,
            "",
            ["Of a grand\u00a0UNION", "A unions, grand union"],
            {"UNION": 1, "union": 1},
        ),
        (["grand", "union"], 0, "", ["Of a grand, union", "A grand. Union"], {}),  # punctuation ends a phrase
        (["cafe", "noir"], 0, "", ["Le Café noir", "Un café-noir"], {"Café noir": 1, "café-noir": 1}),
        (["union"], 0, "", ["İ, Union of"], {"Union": 1}),  # its lower case is longer
    ],
)
def test_writings_are_read_where_the_words_stand(
    phrase: list[str], skipped: int, prefix: str, texts: list[str], written: dict[str, int]
) -> None:
    words = Analyzer("en")
    forms = [(word, frozenset((*words.tokenize(word)[0][:2],))) for word in phrase]
    assert dict(read_writings(texts, words, forms, skipped, prefix).inside) == written


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["Here Take That sang.", "He saw Take That."], "Take That"),
        (["Here Take That sang.", "You take that.", "We take that."], None),
        (["They take that.", "They take that."], None),
    ],
)
def test_a_common_word_ends_only_a_name(texts: list[str], expected: str | None) -> None:
    forms = [(word, frozenset({word})) for word in ("take", "that")]
    assert read_writings(texts, Analyzer("en"), forms).select_names().choose() == expected


def test_association_grows_with_evidence_and_is_0_for_chance() -> None:
    assert measure_association(1, 10, 100, 1000) == 0.0  # as often as by chance
    assert 0 < measure_association(2, 10, 10, 1000) < measure_association(20, 100, 100, 10000)
    # The values of Dunning's statistic for 2 of 4, where 1 in 100 is expected.
    expected = 2 * (2 * math.log(2 / 0.04) + 2 * math.log(2 / 3.96))
    assert measure_association(2, 4, 10, 1000) == pytest.approx(expected)


def test_cohesion_is_0_for_chance_and_1_for_words_that_are_never_apart() -> None:
    assert measure_cohesion(1, 10, 100, 1000) == pytest.approx(0.0)
    assert measure_cohesion(7, 7, 7, 1000) == pytest.approx(1.0)
    assert measure_cohesion(1, 100, 100, 1000) < 0
    assert measure_cohesion(0, 1, 1, 10) == 0.0


def test_the_words_after_a_phrase_are_counted_in_all_segments(tmp_path: Path) -> None:
    texts = [
        "The old harbour crane.",
        "Old harbour cranes of steel.",
        "A harbour crew, and a crane of steel.",
    ]
    with open_index(tmp_path / "index") as index:
        for number, text in enumerate(texts):
            index.put([Article(f"{number}", paragraphs=[text], language="en")])
        snapshot = open_commit(index).snapshot
        assert len(snapshot.segments) == len(texts)

        def follow(*phrase: str, prefix: str | None = None) -> dict[tuple[str, ...], int]:
            forms = [{word, f"{word}/en"} for word in phrase]
            return {one.words: one.count for one in list_continuations(snapshot, forms, prefix)}

        assert follow("harbour") == {("crane",): 2, ("crew",): 1}
        assert follow("old", "harbour", prefix="cr") == {("crane",): 2, ("crew",): 1}
        assert follow("harbour", prefix="cre") == {("crew",): 1}
        assert follow("crane") == {("of",): 2, ("of", "steel"): 2}
        assert follow("crane", "of") == {("steel",): 2}
        assert follow("crane", "of", prefix="s") == {("steel",): 2}
        assert follow("crane", prefix="s") == follow("steel") == follow("of") == {}


def test_an_unspaced_run_continues_as_far_as_most_texts_agree() -> None:
    assert dict(find_next_characters(["東京都庁と東京都知事、東京湾", "東京都"], "東京")) == {
        "都": 3,
        "湾": 1,
    }

"""What suggestions are made of: completions of words, the words that follow, and the case they get."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from indexer import Article, Index, open_index
from indexer.engine.count.completions import complete_word, complete_word_after, find_titles
from indexer.engine.count.matching import make_article_set
from indexer.search.phrases import (
    choose_form,
    find_next_characters,
    measure_association,
    measure_cohesion,
    read_phrase,
)
from indexer.search.written_forms import match_case
from indexer.text.analyzer import Analyzer


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
    snapshot = index._open_last_commit().snapshot
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
            found = complete_word(index._open_last_commit().snapshot, "c", None, 10)
            assert [(one.word, one.weight) for one in found] == [("crane", 2), ("came", 1), ("crew", 1)], name


def test_texts_are_read_by_document(index: Index) -> None:
    snapshot = index._open_last_commit().snapshot
    for number in range(snapshot.articles):
        start = int(snapshot.doc_starts[number])
        paragraphs = snapshot.article(number).paragraphs or ("",)
        assert tuple(snapshot.text_of(start + place) for place in range(len(paragraphs))) == paragraphs


def test_the_next_word_skips_common_words_but_not_punctuation() -> None:
    texts = [
        "Bank of England, said he.",
        "Says the Bank. Then",
        "The bank of the Rhine rose.",
        "On bank notes.",
    ]
    reading = read_phrase(texts, Analyzer("en"), [frozenset({"bank"})], {"of", "the", "and"})
    assert {stems[-1]: dict(writings) for stems, writings in reading.next.items()} == {
        "england/en": {"Bank of England": 1},
        "rhine/en": {"bank of the Rhine": 1},
        "note/en": {"bank notes": 1},
    }
    assert (dict(reading.first), dict(reading.written)) == ({"Bank": 1}, {"Bank": 1, "bank": 2})


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["Here Take That sang.", "He saw Take That."], ["Take That"]),
        (["Here Take That sang.", "You take that.", "We take that."], []),
        (["They take that.", "They take that."], []),
    ],
)
def test_a_common_word_ends_only_a_name(texts: list[str], expected: list[str]) -> None:
    reading = read_phrase(texts, Analyzer("en"), [frozenset({"take"})], {"that", "he", "they"})
    ends = [choose_form(writings) for stems, writings in reading.next.items() if stems == ("that/en",)]
    assert ends == expected


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


def test_words_after_a_stem_are_counted_where_they_follow_it(index: Index) -> None:
    snapshot = index._open_last_commit().snapshot
    docs = np.arange(snapshot.documents, dtype=np.int32)

    def complete(prefix: str, before: str) -> list[tuple[str, int]]:
        found = complete_word_after(snapshot, prefix, [before], docs, 5)
        return [(one.word, one.weight) for one in found]

    assert complete("cr", "harbour/en") == [("crane", 1)]
    assert complete("cr", "crane/en") == []
    assert complete("z", "harbour/en") == []
    assert complete("of", "crew/en") == [("of", 1)]


def test_an_unspaced_run_continues_as_far_as_most_texts_agree() -> None:
    assert dict(find_next_characters(["東京都庁と東京都知事、東京湾", "東京都"], "東京")) == {
        "都": 3,
        "湾": 1,
    }

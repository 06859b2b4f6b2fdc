"""*Did you mean*: when another spelling is suggested, and which one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from indexer import Article, Index, open_index
from tests.fixtures.commits import open_commit

HARBOUR = "The old harbour crane was painted in {}, and the football club of Zürich watched."
FILLED = "The government paid for painting number {} of the harbour."


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    """Articles with some frequent words, and a few rare ones beside them."""
    articles = [
        Article(id=f"h{number}", title=f"Note {number}", paragraphs=[HARBOUR.format(number)])
        for number in range(12)
    ]
    articles += [
        Article(id=f"g{number}", title="Payment", paragraphs=[FILLED.format(number)]) for number in range(150)
    ]
    articles.append(Article(id="rare", title="Carne", paragraphs=["Chili con carne. A goverment of few."]))
    articles.append(Article(id="tokyo", title="東京", language="ja", paragraphs=["東京都は港を広げる。"]))
    with open_index(tmp_path_factory.mktemp("spelling") / "index") as opened:
        opened.put(articles)
        yield opened


def meant(index: Index, query: str) -> str | None:
    return index.search(query).did_you_mean


def test_of_many_misspelt_words_only_some_are_replaced(index: Index) -> None:
    misspelt = ["harbur", "krane", "fotball", "paintd", "watchd", "clubb"]
    offered = meant(index, " OR ".join(["rare", *misspelt]))
    assert offered is not None
    replaced = [word for word in misspelt if word not in offered.split()]
    assert 0 < len(replaced) <= 5


def test_a_question_in_capitals_stays_in_capitals(index: Index) -> None:
    # In small letters the new word would make AND an operator.
    question = "THE FOTBALL CLUB WATCHED AND THE HARBOUR CRANE WAS PAINTED"
    assert meant(index, question) == question.replace("FOTBALL", "FOOTBALL")


def test_a_stop_word_of_a_rare_language_is_searched_for(tmp_path: Path) -> None:
    with open_index(tmp_path / "index") as opened:
        opened.put(
            [
                *(
                    Article(id=f"en{n}", title="Harbour", language="en", paragraphs=[HARBOUR])
                    for n in range(200)
                ),
                Article(id="es", title="Otro", language="es", paragraphs=["El texto es de otro."]),
            ]
        )
        # "otro" is a stop word in Spanish; a correction must be counted as it will be searched.
        assert opened.search("otro harbur").did_you_mean is None
        assert opened.search("the harbur").did_you_mean == "the harbour"


def test_neighbours_decide_between_equally_similar_words(index: Index) -> None:
    assert meant(index, "harbour crine") == "harbour crane"
    assert meant(index, "con crine") == "con carne"


def test_a_word_of_the_index_is_replaced_only_by_a_far_more_frequent_one(index: Index) -> None:
    assert meant(index, "goverment") == "government"
    assert meant(index, "carne") is None


def test_the_vocabulary_counts_words_as_written(index: Index) -> None:
    vocabulary = open_commit(index).snapshot.vocabulary
    assert vocabulary.estimate_frequency("painting") == 150
    assert vocabulary.estimate_frequency("painted") == 12
    assert vocabulary.frequencies["painted"] == vocabulary.frequencies["painting"] == 162
    assert vocabulary.estimate_frequency("unknown") == 0
    assert "東京" not in vocabulary.frequencies
    assert vocabulary.find_near("harbur", 1) == [("harbour", 1)]

"""Similar articles: the most similar come first, without the article and its near-duplicates."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from indexer import Article, ArticleMissing, Index, InvalidRequest, open_index
from indexer.search.similar import TERMS, find_heaviest_terms
from tests.fixtures import stories

SHIPS = (
    "The freighter left the harbour with grain for the islands, and the pilot boat turned back at the mole."
)
ARTICLES = [
    Article(id="ships", title="Freighter leaves", paragraphs=[SHIPS, "The crew had waited for a week."]),
    Article(
        id="grain",
        title="Grain for the islands",
        paragraphs=["Another freighter with grain is due in the harbour. The pilot expects it on Friday."],
        published="2021-03-04",
    ),
    Article(id="pilot", title="A pilot retires", paragraphs=["He guided his last boat past the mole."]),
    Article(id="trams", title="Night trams", paragraphs=["Trams will run all night, the council said."]),
    Article(id="empty", title="", paragraphs=[]),
    Article(id="hafen", title="Der Hafen", language="de", paragraphs=["Die Häfen der Inseln sind offen."]),
    Article(id="insel", title="Inseln", language="de", paragraphs=["Eine Insel ohne Hafen sucht Hilfe."]),
]


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    with open_index(tmp_path / "index") as opened:
        opened.put(ARTICLES)
        yield opened


def names(index: Index, article_id: str, limit: int = 10) -> list[str]:
    """The ids of similar articles."""
    return [hit.article.id for hit in index.find_similar(article_id, limit)]


def test_the_most_similar_articles_come_first_and_unrelated_ones_are_absent(index: Index) -> None:
    assert names(index, "ships")[:2] == ["grain", "pilot"]
    assert names(index, "ships", 1) == ["grain"]
    assert "ships" not in names(index, "ships")
    assert "insel" not in names(index, "ships")


def test_similar_articles_have_falling_scores_and_shared_words_highlighted(index: Index) -> None:
    hits = index.find_similar("ships")
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    first = hits[0]
    marked = {first.passages[0].text[start:end] for start, end in first.passages[0].spans}
    assert {"freighter", "grain", "harbour", "pilot"} <= marked
    assert first.article.published is not None


def test_an_article_is_analysed_in_its_own_language(index: Index) -> None:
    assert names(index, "hafen") == ["insel"]


def test_an_article_without_words_has_no_similar_articles(index: Index) -> None:
    assert index.find_similar("empty") == ()
    assert index.find_duplicates("empty") == ()


def test_near_duplicates_are_not_similar_articles(index: Index) -> None:
    chance = random.Random(2)
    text = [SHIPS, *stories.story(chance)]
    index.put(
        [
            stories.article("b", text, "Freighter", "2021-03-01"),
            stories.article("a", stories.corrected(chance, text), "Freighter, corrected", "2021-03-02"),
            stories.article("c", text, "Freighter", "2021-03-01"),
        ]
    )
    assert [other.id for other in index.find_duplicates("b")] == ["a", "c"]
    assert not {"a", "b", "c"} & set(names(index, "b"))
    # For another article they are one hit.
    (hit,) = [hit for hit in index.find_similar("ships") if hit.article.id in "abc"]
    assert {hit.article.id, *(other.id for other in hit.also)} == {"a", "b", "c"}
    index.remove(["a"])
    assert [other.id for other in index.find_duplicates("b")] == ["c"]


def test_the_order_of_additions_does_not_change_similar_articles(index: Index, tmp_path: Path) -> None:
    with open_index(tmp_path / "other") as other:
        for article in reversed(ARTICLES):
            other.put([article])
        other.put([Article(id="gone", paragraphs=[f"{SHIPS} {SHIPS} Freighter, freighter."])])
        other.remove(["gone"])
        for article in ARTICLES:
            assert other.find_similar(article.id) == index.find_similar(article.id)


def test_removed_articles_do_not_change_term_weights(tmp_path: Path) -> None:
    with open_index(tmp_path / "with") as index, open_index(tmp_path / "without") as other:
        # Whether "crane" weighs more than "deep" depends on the number of paragraphs.
        subject = Article(id="subject", language="en", paragraphs=["Crane crane deep."])
        more = [Article(id=f"c{n}", language="en", paragraphs=["A crane."]) for n in range(5)]
        more += [Article(id=f"d{n}", language="en", paragraphs=["It is deep."]) for n in range(2)]
        more += [Article(id=f"e{n}", language="en", paragraphs=["A tide."]) for n in range(3)]
        index.put([subject, *more, *(Article(id=f"gone{n}", paragraphs=["Another."]) for n in range(4))])
        index.remove([f"gone{n}" for n in range(4)])
        other.put([subject, *more])
        weighed = []
        for each in (index, other):
            snapshot = each._open_last_commit().snapshot
            assert snapshot.documents - snapshot.paragraphs == (4 if each is index else 0)
            weighed.append(find_heaviest_terms(snapshot, subject, "en"))
        assert weighed[0] == weighed[1]


def test_the_heaviest_words_are_rare_and_frequent(index: Index) -> None:
    snapshot = index._open_last_commit().snapshot
    found = find_heaviest_terms(snapshot, index.get_article("ships"), "en")
    stems = [stem for stem, _ in found]
    assert set(stems[:2]) == {"freighter", "leav"}  # in the title too
    assert "the" not in stems
    assert all(0 < weight < 1 for _, weight in found)
    long = Article(id="long", paragraphs=stories.story(random.Random(1), 40))
    assert len(find_heaviest_terms(snapshot, long, "en")) == TERMS


def test_invalid_requests_for_similar_articles_are_refused(index: Index) -> None:
    for call in (index.find_similar, index.find_duplicates):
        with pytest.raises(ArticleMissing, match="nobody"):
            call("nobody")
    for limit in (-1, 20_000, True):
        with pytest.raises(InvalidRequest, match="limit"):
            index.find_similar("ships", limit)
    assert index.find_similar("ships", 0) == ()

"""Articles that are like another one."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from indexer import Article, Index, InvalidRequest
from tests.contract.answers import highlights, ids, near_duplicates, timed_out
from tests.contract.archive import ARTICLES

Made = Callable[..., Index]


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("hive", ["honey", "veil"]),
        ("honey", ["hive"]),
        ("ferry", ["tram", "lantern"]),
        ("inn", ["divers"]),
        ("divers", ["inn"]),
        ("storm", ["gale"]),
    ],
)
def test_the_article_that_shares_most_rare_words_is_most_similar(
    archive: Index, name: str, first: list[str]
) -> None:
    assert ids(archive.find_similar(name))[: len(first)] == first


@pytest.mark.parametrize("name", [article.id for article in ARTICLES])
def test_neither_the_article_nor_its_near_duplicates_are_similar_to_it(archive: Index, name: str) -> None:
    hits = archive.find_similar(name, 50)
    same = {name, *(article.id for article in archive.find_duplicates(name))}
    assert same.isdisjoint(ids(hits))
    assert len(ids(hits)) == len(set(ids(hits)))
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    assert not timed_out(hits)


def test_similarity_to_a_long_article_is_decided_by_its_rare_words(make: Made) -> None:
    words = [f"{first}{second}llet" for first in "bdfgmpt" for second in "aeiouy"]
    # Each of these has all the words in an order of its own: the steps share no factor with their number.
    orders = [[words[place * step % 42] for place in range(42)] for step in (5, 11, 13, 17, 19)]
    common = [Article(f"c{n}", "Note", [" ".join(order)], language="en") for n, order in enumerate(orders)]
    index = make(
        Article("a", "Note", [" ".join([*words, *words[::-1], "zither"])], language="en"),
        Article("z", "Other", ["Some zither was there."], language="en"),
        *common,
    )
    assert "z" in ids(index.find_similar("a"))


def test_near_duplicates_of_each_other_are_one_similar_article(archive: Index) -> None:
    groups = [{hit.article.id, *near_duplicates(hit)} for hit in archive.find_similar("library")]
    assert {"storm", "storm-copy", "storm-edit"} in groups


def test_words_shared_with_a_similar_article_are_highlighted(archive: Index) -> None:
    hit = archive.find_similar("hive")[0]
    assert {"beekeeper", "bell", "honey", "tower", "bees"} <= set(highlights(hit))


def test_an_article_that_shares_no_word_is_similar_to_none(make: Made) -> None:
    index = make(
        Article("a", "Kettle", ["A kettle on the quay."], language="en"),
        Article("b", "Goose", ["Some geese."], language="en"),
        Article("empty"),
    )
    assert tuple(index.find_similar("a")) == tuple(index.find_similar("empty")) == ()


def test_the_limit_bounds_the_similar_articles(archive: Index) -> None:
    assert ids(archive.find_similar("ferry", 2)) == ids(archive.find_similar("ferry", 20))[:2]
    assert archive.find_similar("ferry", 0) == ()
    for limit in (-1, 20_000, True):
        with pytest.raises(InvalidRequest, match="limit"):
            archive.find_similar("ferry", limit)


def test_an_article_is_analysed_in_its_own_language(make: Made) -> None:
    index = make(
        Article("a", "Der Hafen", ["Die Häfen der Inseln sind offen."], language="de"),
        Article("b", "Inseln", ["Eine Insel ohne Hafen sucht Hilfe."], language="de"),
        Article("c", "The crane", ["A crane stood by the river."], language="en"),
    )
    assert ids(index.find_similar("a")) == ["b"]


def test_the_order_of_additions_does_not_change_similar_articles(archive: Index, make: Made) -> None:
    other = make()
    for article in reversed(ARTICLES):
        other.put([article])
    other.put([Article("gone", "Night ferry", ["The night ferry. A night ferry."], language="en")])
    other.remove(["gone"])
    for name in ("ferry", "hive", "storm", "hafen"):
        assert other.find_similar(name) == archive.find_similar(name)

"""Near-duplicates: collapsed under one hit, which names the others; counted all the same."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings

from indexer import Article, Index
from tests.contract.answers import count_collapsed, count_hits, found, ids, near_duplicates, search
from tests.contract.archive import ARTICLES
from tests.contract.strategies import EXAMPLES, QUERIES

Made = Callable[..., Index]

STORM = next(article for article in ARTICLES if article.id == "storm")
STORMS = {"storm", "storm-copy", "storm-edit"}
LONG = " ".join(f"Guest {number} brought {number + 2} pears and sat in row {number}." for number in range(20))


def text(name: str, *paragraphs: str, title: str = "Note", published: str | None = None) -> Article:
    return Article(name, title, paragraphs, published, language="en")


def groups(index: Index, query: str = "*") -> set[frozenset[str]]:
    """The hits of a query, each with what is collapsed under it."""
    page = search(index, query)
    return {frozenset([hit.article.id, *near_duplicates(hit)]) for hit in page.hits}


def test_the_same_story_in_several_articles_is_one_hit(archive: Index) -> None:
    page = search(archive, "weathercock AND roofs")
    (hit,) = page.hits
    assert {hit.article.id, *near_duplicates(hit)} == STORMS
    assert (page.total, count_collapsed(page), count_hits(page)) == (3, 2, 1)


def test_without_collapse_each_near_duplicate_is_a_hit(archive: Index) -> None:
    page = search(archive, "weathercock AND roofs", collapse=False)
    assert set(ids(page.hits)) == STORMS
    assert (page.total, count_collapsed(page)) == (3, 0)
    assert all(near_duplicates(hit) == [] for hit in page.hits)


def test_only_matches_are_collapsed(archive: Index) -> None:
    (hit,) = search(archive, '"nine roofs"').hits
    assert {hit.article.id, *near_duplicates(hit)} == {"storm", "storm-copy"}
    (hit,) = search(archive, '"ten roofs"').hits
    assert (hit.article.id, near_duplicates(hit)) == ("storm-edit", [])


def test_near_duplicates_among_partial_matches_are_collapsed_but_not_under_a_full_match(make: Made) -> None:
    index = make(
        text("both", LONG, title="Harbour crane", published="2021-01-01"),
        text("one", LONG, title="Harbour", published="2021-01-02"),
        text("two", LONG, title="Harbour", published="2021-01-03"),
    )
    page = search(index, "harbour crane")
    assert (page.total, page.partial, count_collapsed(page)) == (1, 2, 1)
    assert [(hit.article.id, near_duplicates(hit)) for hit in page.hits] == [("both", []), ("two", ["one"])]
    assert search(index, "harbour crane", limit=2, offset=1).hits == page.hits[1:]


def test_near_duplicates_of_the_same_rank_are_in_the_order_of_dates_then_ids(make: Made) -> None:
    dates = {"d": "2021-03-01", "a": "2021-03-01", "c": "2021-03-02", "b": None}
    index = make(*(text(name, LONG, published=date) for name, date in dates.items()))
    (hit,) = search(index, "pears").hits
    assert (hit.article.id, near_duplicates(hit)) == ("c", ["a", "d", "b"])


def test_near_duplicates_are_collapsed_under_the_best_match_in_the_order_of_the_hits(archive: Index) -> None:
    (hit,) = search(archive, "weathercock AND roofs", sort="oldest").hits
    assert (hit.article.id, near_duplicates(hit)) == ("storm", ["storm-copy", "storm-edit"])
    (hit,) = search(archive, "weathercock AND roofs", sort="newest").hits
    assert (hit.article.id, near_duplicates(hit)) == ("storm-edit", ["storm-copy", "storm"])
    (first, *_) = search(archive, "title:weathercock OR strait").hits
    assert first.article.id == "storm-copy"


@pytest.mark.parametrize(
    ("other", "is_same"),
    [
        pytest.param(text("b", LONG), True, id="the same text"),
        pytest.param(text("b", LONG, title="Another headline"), True, id="another headline"),
        pytest.param(text("b", LONG.upper().replace(".", " !")), True, id="other case and punctuation"),
        pytest.param(text("b", *LONG.split(". ")), True, id="other breaks between paragraphs"),
        pytest.param(text("b", LONG.replace("Guest 7", "Visitor 7")), True, id="one word changed"),
        pytest.param(text("b", LONG[: len(LONG) // 2]), False, id="half of it"),
        pytest.param(
            text("b", LONG, LONG.replace("pears", "plums").replace("row", "seat")), False, id="twice as long"
        ),
        pytest.param(
            text("b", LONG.replace("pears", "plums").replace("sat in", "left")),
            False,
            id="many words changed",
        ),
    ],
)
def test_near_duplicates_have_nearly_the_same_text(make: Made, other: Article, is_same: bool) -> None:
    index = make(text("a", LONG), other)
    assert groups(index) == ({frozenset("ab")} if is_same else {frozenset("a"), frozenset("b")})
    assert [article.id for article in index.find_duplicates("a")] == (["b"] if is_same else [])


def test_short_near_duplicates_have_the_same_words(make: Made) -> None:
    index = make(
        text("a", "The kettle on the quay is hot."),
        text("b", "The kettle on the quay is hot!"),
        text("c", "The kettle on the quay is cold."),
        text("d", "The kettle on the quay is hot.", title="Another headline"),
        text("e", "Hot.", title="Hot"),
        text("f", "Hot.", title="Hot"),
    )
    assert groups(index) == {frozenset("ab"), *map(frozenset, "cdef")}


def test_a_hit_does_not_stand_for_the_far_end_of_a_chain_of_near_duplicates(make: Made) -> None:
    sentences = LONG.split(". ")

    def version(number: int) -> Article:
        changed = [f"On day {place} the hall smelt of {place + 50} candles" for place in range(number)]
        story = ". ".join([*changed, *sentences[number:]])
        return text(f"v{number}", story, published=f"2021-03-{number + 1:02}")

    index = make(*map(version, range(10)))
    first = search(index, "pears", sort="oldest").hits[0]
    assert first.article.id == "v0"
    assert "v1" in near_duplicates(first)
    assert "v9" not in near_duplicates(first)


def test_near_duplicates_follow_additions_changes_and_removals(make: Made) -> None:
    index = make(text("a", LONG), text("b", LONG), text("c", "Something else."))
    assert groups(index) == {frozenset("ab"), frozenset("c")}
    index.put([text("c", LONG)])
    assert groups(index) == {frozenset("abc")}
    index.put([text("a", "Something else again.")])
    assert groups(index) == {frozenset("a"), frozenset("bc")}
    index.remove(["b"])
    assert groups(index) == {frozenset("a"), frozenset("c")}
    index.rebuild()
    assert groups(index) == {frozenset("a"), frozenset("c")}


def test_the_near_duplicates_of_an_article_are_named_newest_first(archive: Index) -> None:
    assert [article.id for article in archive.find_duplicates("storm")] == ["storm-edit", "storm-copy"]
    assert [article.id for article in archive.find_duplicates("storm-edit")] == ["storm-copy", "storm"]
    assert archive.find_duplicates("gale") == archive.find_duplicates("lighthouse") == ()


@settings(max_examples=EXAMPLES)
@given(query=QUERIES)
def test_each_match_is_shown_once_or_named_once(archive: Index, query: str) -> None:
    page = search(archive, query)
    names = [name for hit in page.hits for name in (hit.article.id, *near_duplicates(hit))]
    assert len(names) == len(set(names)) == page.total + page.partial
    assert len(page.hits) == len(names) - count_collapsed(page)
    assert found(archive, query) <= set(names)

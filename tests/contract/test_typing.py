"""While a query is being typed, its last word is the beginning of a word."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer import Article, Index
from tests.contract.answers import found, matches, matches_in_order, partial_matches, search, walk
from tests.contract.strategies import ANY_STRING, EXAMPLES, WORDS

Made = Callable[..., Index]
ARTICLES = (
    Article(id="euro", title="The euro", paragraphs=("The euro in a crisis.",)),
    Article(id="crises", title="Money", paragraphs=("The euro has had crises.",)),
    Article(id="critics", title="Critics", paragraphs=("Critics of the euro, and critics of critics.",)),
    Article(id="cri", title="A cry", paragraphs=("Le cri of the euro.",)),
    Article(id="bridge", title="A bridge", paragraphs=("The euro pays for a bridge.",)),
)


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("euro cri", {"euro", "crises", "critics", "cri"}),
        ("euro crit", {"critics"}),
        ("euro crisis", {"euro", "crises"}),
        ("euro bridges", {"bridge"}),
        ("title:cri", {"critics", "cri"}),  # the stem of "cry" is "cri"
        ("bri", {"bridge"}),
        ("euro -cri", {"euro", "crises", "critics", "bridge"}),
        ("(bridge OR crit", {"bridge", "critics"}),
    ],
)
def test_the_last_word_also_stands_for_the_words_that_begin_with_it(
    make: Made, query: str, names: set[str]
) -> None:
    page = search(make(*ARTICLES), query, prefix=True)
    assert set(matches(page)) == names
    assert (page.partial, page.notes, page.did_you_mean) == (0, (), None)


def test_the_word_as_typed_counts_most(make: Made) -> None:
    assert matches_in_order(make(*ARTICLES), "euro cri", prefix=True)[0] == "cri"


@pytest.mark.parametrize("query", ["euro cri ", "euro cri.", "euro bri ", '"euro crit"', "crit bridge "])
def test_a_space_punctuation_or_a_quotation_mark_ends_a_word(make: Made, query: str) -> None:
    index = make(*ARTICLES)
    typed, whole = search(index, query, prefix=True), search(index, query)
    assert (matches(typed), partial_matches(typed)) == (matches(whole), partial_matches(whole))
    assert (typed.notes, typed.did_you_mean) == (whole.notes, whole.did_you_mean)


def test_partial_matches_follow_only_if_no_article_matches(make: Made) -> None:
    page = search(make(*ARTICLES), "bridge crit", prefix=True)
    assert page.total == 0
    assert {hit.article.id: hit.missing for hit in page.hits} == {
        "bridge": ("crit",),
        "critics": ("bridge",),
    }


@pytest.mark.parametrize("query", ["euro c", '"euro cri', "(euro cri"])
def test_nothing_is_noted_about_what_is_not_finished(make: Made, query: str) -> None:
    index = make(*ARTICLES, *(Article(id=f"w{n}", title=f"c{n:04} x") for n in range(1100)))
    assert search(index, query, prefix=True).notes == ()


def test_an_article_has_its_matches_highlighted_as_its_hit_has(make: Made) -> None:
    index = make(*ARTICLES)
    (hit,) = search(index, "euro crit", prefix=True).hits
    marked = index.mark_article("critics", "euro crit", prefix=True)
    assert marked.title_spans == hit.title_spans == ((0, 7),)
    assert marked.paragraphs[0].spans == hit.passages[0].spans


def test_the_cursor_goes_on_with_the_same_words(make: Made) -> None:
    index = make(*ARTICLES)
    pages = walk(index, "euro cri", limit=1, prefix=True)
    assert [name for page in pages for name in matches(page)] == matches_in_order(
        index, "euro cri", prefix=True
    )


@settings(max_examples=EXAMPLES)
@given(st.sampled_from(WORDS), st.sampled_from(WORDS), st.integers(1, 8))
def test_a_word_that_is_being_typed_is_the_word_or_its_beginning(
    archive: Index, first: str, second: str, letters: int
) -> None:
    typed = second[:letters]
    assert found(archive, f"{first} {typed}", prefix=True) == found(archive, f"{first} ({typed} OR {typed}*)")


@settings(max_examples=EXAMPLES * 2)
@given(ANY_STRING)
def test_any_string_may_be_typed(archive: Index, query: str) -> None:
    page = search(archive, query, prefix=True, explain=True)
    assert len(page.hits) <= page.total + page.partial
    archive.mark_article("ferry", query, prefix=True)

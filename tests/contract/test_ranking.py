"""The order by relevance, where it is defined: what raises an article, and how ties are broken."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from hypothesis import given, settings

from indexer import Article, Index
from tests.contract.answers import ids, matches_in_order, partial_matches, search
from tests.contract.strategies import EXAMPLES, QUERIES

Made = Callable[..., Index]

REST = "It was a plain day without any other event."


def english(name: str, title: str, *paragraphs: str, published: str | None = None) -> Article:
    return Article(name, title, paragraphs, published, language="en")


OTHERS = [english(f"other{number}", f"Column {number}", f"Entry {number}. {REST}") for number in range(8)]
"""Articles that no query asks for, so that words are rare."""


@pytest.mark.parametrize(
    ("query", "better", "worse"),
    [
        pytest.param(
            "kettle",
            english("z", "The kettle", "We saw one boat."),
            english("a", "The boat", "We saw one kettle."),
            id="a word in the title counts more than in the text",
        ),
        pytest.param(
            "kettle",
            english("z", "Note", "A kettle, a second kettle and a cup."),
            english("a", "Note", "A kettle, a second spoon and a cup."),
            id="a word that stands there more often counts more",
        ),
        pytest.param(
            "kettle",
            english("z", "Note", "A kettle."),
            english("a", "Note", "A kettle.", *[REST] * 5),
            id="a word counts more in a short text than in a long one",
        ),
        pytest.param(
            "kettle spoon",
            english("z", "Note", "A kettle beside a spoon.", REST),
            english("a", "Note", "A kettle alone, that was all.", "A spoon was there."),
            id="words in one paragraph count more than words in two",
        ),
        pytest.param(
            "kettle spoon",
            english("z", "Note", "A big box had a kettle spoon in it."),
            english("a", "Note", "A kettle had a big spoon box in it."),
            id="words side by side count more than words near each other",
        ),
        pytest.param(
            "kettle spoon",
            english("z", "Note", f"A spoon beside a kettle. {REST} {REST}"),
            english("a", "Note", f"A spoon. {REST} {REST} Beside a kettle."),
            id="words near each other count more than words far apart, in any order",
        ),
        pytest.param(
            "kettle OR spoon^20",
            english("z", "Note", "A spoon was there."),
            english("a", "Note", "A kettle was there."),
            id="a word with a boost counts more",
        ),
        pytest.param(
            "kettle^0.1 OR spoon",
            english("z", "Note", "A spoon was there."),
            english("a", "Note", "A kettle was there."),
            id="a word with a boost below one counts less",
        ),
    ],
)
def test_of_two_articles_the_better_match_comes_first(
    make: Made, query: str, better: Article, worse: Article
) -> None:
    # The better one is put in last, is undated as the other, and has the later id: ties would not favour it.
    assert matches_in_order(make(worse, *OTHERS, better), query) == [better.id, worse.id]


def test_a_rare_word_counts_more_than_a_common_one(make: Made) -> None:
    rare = english("z", "Note", "A kettle was there.")
    common = [english(f"a{number}", f"Note {number}", "A spoon was there.") for number in range(5)]
    index = make(*common, *OTHERS, rare)
    assert matches_in_order(index, "spoon OR kettle")[0] == "z"
    assert partial_matches(search(index, "spoon kettle", collapse=False))[0] == "z"


def test_the_form_that_is_typed_comes_before_another_form_of_the_same_word(make: Made) -> None:
    index = make(
        english("a", "Note", "Some paints were there."),
        *OTHERS,
        english("z", "Note", "Some painting was there."),
    )
    assert matches_in_order(index, "painting") == ["z", "a"]
    assert matches_in_order(index, "paints") == ["a", "z"]


def test_a_word_with_a_hyphen_prefers_its_spellings_to_another_word_with_the_same_stem(make: Made) -> None:
    index = make(
        english("a", "Cooper", "Cooper, a cooper, said that Cooper sells barrels."),
        *OTHERS,
        english("y", "Note", f"The cooperation of towns. {REST}"),
        english("z", "Note", f"The co-operation of towns. {REST}"),
    )
    assert matches_in_order(index, "co-operation") == ["z", "y", "a"]


@pytest.mark.parametrize(
    ("query", "acronym", "word"),
    [
        ("US", "The US sent a cook.", "Let us send a cook."),
        ("AIDS", "They speak of AIDS now.", "They speak of aids now."),
        ("WHO", "The WHO sent a cook.", "One who sent a cook."),
    ],
)
def test_an_acronym_in_capitals_prefers_the_word_in_capitals(
    make: Made, query: str, acronym: str, word: str
) -> None:
    for first, second in (("a", "z"), ("z", "a")):
        index = make(english(first, "Note", acronym), *OTHERS, english(second, "Note", word))
        assert matches_in_order(index, query)[0] == first


def test_a_common_word_in_capitals_is_required_if_it_is_an_acronym_anywhere(make: Made) -> None:
    acronym = english("z", "Note", "The WHO sent a cook to the kettle.")
    word = english("a", "Note", "A cook who had a kettle.")
    neither = english("b", "Note", "A cook had a kettle.")
    index = make(word, neither, *OTHERS, acronym)
    assert matches_in_order(index, "WHO kettle cook") == ["z", "a"]
    assert set(matches_in_order(index, "who kettle cook")) == {"a", "b", "z"}
    # Nobody means an acronym where nothing has a small letter, or where no article has one.
    assert set(matches_in_order(index, "WHO HAD KETTLE COOK")) == {"a", "b", "z"}
    assert set(matches_in_order(make(word, neither, *OTHERS), "WHO kettle cook")) == {"a", "b"}


SMITH = [
    english("z", "Note", f"A film with Will Smith was shown. {REST}"),
    english("a", "Note", "Smith bought a bank, a bank of Smith. Smith will pay."),
    english("b", "Note", "We asked how Can Britain do. Britain did win."),
    *(english(f"c{number}", "Note", "Britain did win, and will win.") for number in range(60)),
]


def test_the_words_of_a_name_stand_side_by_side_in_what_comes_first(make: Made) -> None:
    index = make(*OTHERS, *SMITH)
    assert matches_in_order(index, "Will Smith") == ["z", "a"]
    assert matches_in_order(index, "film Will Smith") == ["z"]
    # It is a name if articles have it, and not all words are capitalized.
    assert "common_words" not in [note.code for note in search(index, "Will Smith").notes]
    assert len(matches_in_order(index, "Can Britain win")) == 61


def test_a_name_is_one_in_an_archive_with_many_others_of_the_same_surname(make: Made) -> None:
    others = [english(f"s{number}", "Smith", "Smith sold a bank to a bank of Smith.") for number in range(25)]
    index = make(*OTHERS, *SMITH, *others)
    assert matches_in_order(index, "Will Smith")[0] == "z"


def test_an_ignored_word_beside_another_still_counts(make: Made) -> None:
    near = english("z", "Note", f"They spoke with will smith there. {REST}")
    far = english("a", "Note", f"They spoke with smith there, who will. {REST}")
    index = make(far, *OTHERS, near)
    assert matches_in_order(index, "will smith") == ["z", "a"]


def test_ties_are_broken_by_date_then_by_id(make: Made) -> None:
    text = "A kettle."
    index = make(
        english("c", "Note", text, published="2021-03-04"),
        english("undated", "Note", text),
        english("b", "Note", text, published="2021-03-04"),
        english("newest", "Note", text, published="2022"),
        english("oldest", "Note", text, published="1999-12"),
        english("a", "Note", text, published="2021-03-04"),
    )
    assert matches_in_order(index, "kettle") == ["newest", "a", "b", "c", "oldest", "undated"]
    assert matches_in_order(index, "*") == ["newest", "a", "b", "c", "oldest", "undated"]


def test_the_order_does_not_depend_on_how_articles_came_in(make: Made) -> None:
    articles = [
        english(f"a{number}", f"Note {number % 3}", "A kettle. " * (number % 4 + 1), published="2021")
        for number in range(12)
    ]
    one, other = make(*articles), make(*articles[::-1][:5])
    for article in articles[:7]:
        other.put([article])
    assert matches_in_order(one, "kettle note") == matches_in_order(other, "kettle note")


def test_a_half_life_lets_new_articles_rise(make: Made) -> None:
    old = english("old", "The kettle", "A kettle is a kettle.", published="2001-01-01")
    new = english("new", "Note", "A kettle was there.", published="2021-01-01")
    index = make(old, new, *OTHERS)
    assert matches_in_order(index, "kettle") == ["old", "new"]
    assert matches_in_order(index, "kettle", half_life=30) == ["new", "old"]
    assert matches_in_order(index, "kettle", half_life=1e6) == ["old", "new"]


def scores_fall(scores: Sequence[float]) -> bool:
    return list(scores) == sorted(scores, reverse=True)


@settings(max_examples=EXAMPLES)
@given(query=QUERIES)
def test_scores_fall_among_full_and_among_partial_matches_and_a_search_repeats_itself(
    archive: Index, query: str
) -> None:
    page = search(archive, query)
    assert scores_fall([hit.score for hit in page.hits if not hit.missing])
    assert scores_fall([hit.score for hit in page.hits if hit.missing])
    assert all(hit.score >= 0 for hit in page.hits)
    again = search(archive, query)
    assert (ids(again.hits), again.total, again.notes) == (ids(page.hits), page.total, page.notes)


def test_a_frequent_variant_does_not_make_the_word_as_typed_less_rare(make: Made) -> None:
    articles = [
        Article("typed", "", ["The matrices of a plant"], language="en"),
        Article("both", "", ["The matrix of a plant"], language="en"),
        Article("plants", "", ["Plant after plant, and a plant"], language="en"),
        *(Article(f"m{number}", "", [f"A matrix {number}"], language="en") for number in range(40)),
        *(Article(f"x{number}", "", [f"A street {number}"], language="en") for number in range(40)),
    ]
    rarity = []
    for variants in (True, False):
        best = search(make(*articles, variants=variants), "matrices plant", explain=True).hits[0]
        assert best.explanation is not None
        assert best.article.id == "typed"
        rarity.append({word.label: word.rarity for word in best.explanation.words if word.form == "any"})
    assert rarity[0] == rarity[1]
    assert matches_in_order(make(*articles), "matrices plant") == ["typed", "both"]

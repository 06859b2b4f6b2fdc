"""Several languages in one index: articles of one never change what a query finds in another."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer import Article, Index
from tests.contract.answers import found, matches_in_order, relaxations, search
from tests.contract.engines import Engine
from tests.contract.strategies import EXAMPLES

Made = Callable[..., Index]

ENGLISH = [
    Article("york", "New York", ["A street of old houses."], language="en"),
    Article("news", "A letter", ["The news of the policy came late."], language="en"),
    Article("police", "Police at night", ["The police came to the house."], language="en"),
    Article("peace", "A quiet town", ["There was peace at last."], language="en"),
    Article("war", "A long march", ["The war went on, and nobody spoke of peace."], language="en"),
]
FOREIGN = [
    Article("fr", "La mer", ["Le bateau part ce matin."], language="fr"),
    Article("pl", "Morze", ["Statek wypływa rano."], language="pl"),
    Article("de", "Die See", ["Das Schiff war im Hafen, und es war Frieden."], language="de"),
    Article("de2", "Die Stadt", ["Der Markt war leer."], language="de"),
    Article("de3", "Das Haus", ["Das Haus war alt."], language="de"),
]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("news", ["news"]),
        ("policy", ["news"]),
        ("policies", ["news"]),
        ('"the policy"', ["news"]),
        ("policy NEAR came", ["news"]),
        ("police", ["police"]),
        ("war peace", ["war"]),
        ("peace -war", ["peace"]),
    ],
)
def test_a_foreign_article_changes_nothing_for_the_others(
    make: Made, query: str, expected: Sequence[str]
) -> None:
    assert matches_in_order(make(*ENGLISH), query) == expected
    for foreign in (FOREIGN[:1], FOREIGN[1:2], FOREIGN[2:], FOREIGN):
        assert matches_in_order(make(*ENGLISH, *foreign), query) == expected


def test_the_form_as_typed_is_found_in_every_language(make: Made) -> None:
    texts = {
        "en": "Osaka opens",
        "de": "In Osaka regnet es",
        "fr": "Vers Osaka",
        "haw": "osaka",
        "ja": "Osaka",
    }
    index = make(*(Article(name, "", [text], language=name) for name, text in texts.items()))
    assert found(index, "osaka") == found(index, "OSAKA") == set(texts)


def test_accents_may_be_missing_where_that_is_the_same_word(make: Made) -> None:
    vietnamese = Article("vi", "", ["Một buổi hòa nhạc."], language="vi")
    spanish = Article("es", "", ["La educación y el hoa."], language="es")
    # A Spanish article does not make the accents of Vietnamese optional.
    assert found(make(vietnamese), "hoá") == found(make(vietnamese, spanish), "hoá") - {"es"} == set()
    assert found(make(vietnamese, spanish), "educacion") == {"es"}


def test_a_common_word_is_required_where_it_is_not_common(make: Made) -> None:
    index = make(*ENGLISH, *FOREIGN)
    page = search(index, "war Frieden")
    assert found(index, "war Frieden") == {"de"}
    assert [note.values for note in page.notes if note.code == "common_in_languages"] == [
        {"clauses": ("war",), "first": "war", "languages": "de"}
    ]
    assert found(index, "+war Haus") == {"de3"}
    # Every word is common in German, so that none is ignored there.
    assert found(index, "das war") == {"de", "de3"}


@pytest.mark.parametrize(
    "query", ["war peace zeppelin", "das war zeppelin", "The war zeppelin", "war Frieden -Hafen"]
)
def test_other_queries_count_common_words_as_a_search_does(make: Made, query: str) -> None:
    index = make(*ENGLISH, *FOREIGN)
    offered = relaxations(search(index, query))
    assert offered
    assert [other.count for other in offered] == [len(found(index, other.query)) for other in offered]


def test_a_word_that_is_ignored_in_most_articles_is_not_misspelt(make: Made) -> None:
    insights = [Article(f"a{n}", "", [f"An insight of day {n}."], language="en") for n in range(5)]
    index = make(*insights, *ENGLISH, Article("x", "", ["ja"], language="haw"))
    # In the last article "in" would be a word like any other, and is not there.
    page = search(index, "in late", collapse=False)
    assert (page.total, page.did_you_mean) == (1, None)
    assert search(index, "in sight", collapse=False).did_you_mean == "in night"
    assert [note.values for note in page.notes if note.code == "common_words"] == [
        {"clauses": ("in",), "first": "in"}
    ]


WORDS = [
    "news", "new", "policy", "police", "policies", "workers", "works", "war", "peace", "the", "die", "on",
    "l'été", "été", "canciones", "canción", "hòa", "hoa", "2021", "covid-19", "sur-la", "東京都", "@desk",
    "don't", "sea", "US", "us", "WHO", "who", "UN", "un", "Will", "will", "Sea", "Die",
]  # fmt: skip
TEXTS = st.lists(st.sampled_from(WORDS), max_size=12).map(" ".join)
LANGUAGES = ["en", "fr", "de", "es", "vi", "ja", "sw", "pl", "nl", "sv", "ru", "haw"]
# All kinds of clauses but filters, which have no words; an elision before a number (l'11), which makes a
# number that all languages share; and patterns for more words than are searched for, since those are the most
# common words of all languages together.
ATOMS = [
    *WORDS, '"news policy"', '"the war"', '"the policy"~3', '"l\'été on"', "=policies", "=l'été",
    "sea NEAR/3 war", "pol*", "*orks", "h?a", "polica~1", "title:news", "paragraph:war", "title:pol*",
    "war^2", "+the", "-war",
]  # fmt: skip
QUERIES = st.one_of(
    st.sampled_from(ATOMS),
    st.lists(st.sampled_from(ATOMS), min_size=2, max_size=4).map(" ".join),
    st.lists(st.sampled_from(ATOMS), min_size=2, max_size=3).map(" OR ".join),
    st.tuples(*[st.sampled_from(ATOMS)] * 3).map(lambda parts: "{} ({} OR {})".format(*parts)),
    st.tuples(*[st.sampled_from(ATOMS)] * 2).map(" AND ".join),
    st.tuples(*[st.sampled_from(ATOMS)] * 2).map(" NOT ".join),
)


@st.composite
def collections(draw: st.DrawFn) -> tuple[list[Article], list[Article]]:
    """Articles in one language, and articles in others."""
    first = draw(st.sampled_from(LANGUAGES))
    others = st.sampled_from([name for name in LANGUAGES if name != first])

    def articles(name: str, language: st.SearchStrategy[str]) -> list[Article]:
        rows = draw(st.lists(st.tuples(TEXTS, st.lists(TEXTS, max_size=3), language), min_size=1, max_size=8))
        return [
            Article(f"{name}{number}", title, texts, language=own)
            for number, (title, texts, own) in enumerate(rows)
        ]

    return articles("first", st.just(first)), articles("other", others)


@settings(max_examples=EXAMPLES)
@given(collection=collections(), queries=st.lists(QUERIES, min_size=5, max_size=10))
def test_articles_in_other_languages_change_neither_matches_nor_their_order(
    engine: Engine,
    tmp_path_factory: pytest.TempPathFactory,
    collection: tuple[list[Article], list[Article]],
    queries: list[str],
) -> None:
    first, others = collection
    names = {article.id for article in first}
    folder = tmp_path_factory.mktemp("languages")
    with engine.open(folder / "alone") as alone, engine.open(folder / "together") as together:
        alone.put(first)
        together.put([*others, *first])
        for query in queries:
            expected = matches_in_order(alone, query)
            assert [name for name in matches_in_order(together, query) if name in names] == expected, query

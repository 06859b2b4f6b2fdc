"""The query language: which articles each kind of clause finds."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from indexer import Article, Index
from tests.contract.answers import found, matches, search

STORMS = {"storm", "storm-copy", "storm-edit"}
HARBOUR = {"ferry", "crane", "pier"}

Made = Callable[..., Index]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("harbour", HARBOUR),
        ("harbour yellow", {"crane"}),
        ("crane ladder", {"crane"}),  # in two paragraphs
        ("osterby tickets", {"ferry"}),  # in the title and in the text
        ("coins rope", {"inn", "divers"}),
        ("kettle harbour", set()),
        ("sale stairs", {"lighthouse"}),  # an article that is only a title
        ("zeppelin", set()),  # in what was replaced or removed
    ],
)
def test_all_words_must_stand_somewhere_in_the_article(
    archive: Index, query: str, expected: set[str]
) -> None:
    assert found(archive, query) == expected


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("painting", {"crane"}),
        ("lanterns tickets", {"ferry"}),
        ("strike", {"clock"}),
        ("struck", {"clock"}),
        ("tide", {"ferry", "library"}),
        ("HARBOUR Crane", {"crane"}),
        ("o'halloran", {"bakery"}),
        ("O’Halloran", {"bakery"}),
        ("ohalloran", {"bakery"}),
        ("don't", {"bridge"}),
        ("dont", {"bridge"}),
        ("half-moon", {"bakery"}),
        ("half moon", {"bakery"}),
        ("kelp-9", {"bakery"}),
        ("kelp", {"bakery"}),
        ("1,250", {"bridge"}),
        ("1250", {"bridge"}),
        ("3.50", {"bridge"}),
        ("1913", {"flood"}),
        ("C++", {"school"}),
        ("R&D", {"school"}),
        ("@barnschool", {"school"}),
        ("barnschool", {"school"}),
        ("@barn", {"school"}),  # nothing is written so
        ("#lantern", {"ferry", "lantern"}),
        ("-@barn shepherds", {"school"}),  # an exclusion does not exclude more than it says
        ("U.S. envoy", {"envoy"}),
        ("ferry 😀", {"ferry", "tram"}),
        ("#woolcode", {"school"}),
        ("woolcode", {"school"}),
    ],
)
def test_case_accents_endings_and_punctuation_do_not_hide_a_word(
    archive: Index, query: str, expected: set[str]
) -> None:
    assert found(archive, query) == expected


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("hafen", {"hafen"}),
        ("häfen", {"hafen"}),
        ("HÄFEN", {"hafen"}),
        ("ha\u0308fen", {"hafen"}),  # the umlaut as a character of its own
        ("Fähre", {"hafen"}),
        ("muller", {"hafen"}),
        ("mueller", {"hafen"}),
        ("strasse", {"hafen"}),
        ("apfelkuchen häuser", {"apfel"}),
        ("eleve", {"phare"}),
        ("l'école", {"phare"}),
        ("ile", {"phare"}),
        ("horloges", {"unstated"}),  # its language is detected
        ("cancion", {"faro"}),
        ("canciones ninos", {"faro"}),
        ("ميناء", {"mina"}),
        ("الميناء", {"mina"}),
        ("القاهره", {"mina"}),
        ("مُدير", {"mina"}),  # a vowel sign
        ("港口", {"gangkou"}),
        ("旧港口", {"gangkou"}),
        ("港", {"gangkou", "minato"}),
        ("灯台", {"minato"}),
        ("東京", {"minato"}),
        ("등대", {"hanggu"}),
        ("ประภาคาร", {"prathip"}),
        ("маяков", {"mayak"}),
        ("елки", {"mayak"}),
        ("isik", {"fener"}),
        ("ISTANBUL", {"fener"}),
        ("lodz", {"statek"}),
        ("ŁODZI", {"statek"}),
    ],
)
def test_each_article_is_found_by_the_forms_of_its_own_language(
    archive: Index, query: str, expected: set[str]
) -> None:
    assert found(archive, query) == expected


@pytest.mark.parametrize(
    ("query", "text", "foreign"),
    [
        ("workers", "The machine works.", Article("x", "Die Insel", ["Das Haus am See."], language="de")),
        ("fare", "The island is far.", Article("x", "La mer", ["Le bateau part."], language="fr")),
    ],
)
def test_a_foreign_article_does_not_change_what_a_word_finds(
    make: Made, query: str, text: str, foreign: Article
) -> None:
    english = Article("a", "Note", [text], language="en")
    assert found(make(english), query) == found(make(english, foreign), query) == set()


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ('"second roof"', {"library"}),
        ('"roof second"', set()),
        ('"night trams"', {"tram"}),
        ('"night tram"', {"tram"}),  # nothing is written so
        ('"rope and anchor"', {"inn"}),
        ('"brass band its captain"', set()),  # across paragraphs
        ('"to osterby the night"', set()),  # from the title into the text
        ('"half-moon bread"', {"bakery"}),
        ('"council promised"', set()),
        ('"council promised"~2', {"crane"}),
        ('"promised council"~2', set()),
        ('"stays weighed"~5', {"orchard"}),
        ('"stays weighed"~4', set()),
        ('"旧港出发"', set()),
        ('"从旧港口"', {"gangkou"}),
        ("“second roof”", {"library"}),
    ],
)
def test_a_phrase_stands_in_order_inside_one_paragraph_or_the_title(
    archive: Index, query: str, expected: set[str]
) -> None:
    assert found(archive, query) == expected


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("anchor NEAR/6 rope", {"inn", "divers"}),
        ("anchor NEAR/5 rope", {"inn"}),
        ("rope NEAR/6 anchor", {"inn", "divers"}),  # either order
        ("anchor NEAR rope", {"inn", "divers"}),  # ten places
        ("brass NEAR captain", set()),  # in two paragraphs
        ("brass NEAR ferry", {"ferry"}),
        ("(coins OR tickets) NEAR/6 (herring OR pier)", {"inn", "ferry"}),
        ('"upper mill" NEAR/5 low*', {"bridge"}),
    ],
)
def test_near_means_so_many_places_apart_in_one_paragraph(
    archive: Index, query: str, expected: set[str]
) -> None:
    assert found(archive, query) == expected


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("crane OR anchor", {"crane", "inn", "divers"}),
        ("(crane OR anchor) coins", {"inn", "divers"}),
        ("crane OR anchor coins", {"crane", "inn", "divers"}),  # OR binds less than words side by side
        ("yellow AND ladder", {"crane", "orchard"}),
        ("harbour -crane", {"ferry", "pier"}),
        ("harbour NOT crane", {"ferry", "pier"}),
        ("harbour -crane -ferry", {"pier"}),
        ("storm -(gale OR ten)", {"storm", "storm-copy"}),
        ('anchor -"rope and anchor"', {"divers"}),
        ("harbour and crane", {"crane"}),  # in small letters it is a word like others
        ("+and harbour", {"ferry"}),
        ("+the stairs", {"chronicle"}),  # "the" is not in the article on the lighthouse
        ("mill OR (bees bell)", {"bridge", "flood", "hive", "honey"}),
        ("((ferry))", {"ferry", "tram"}),
    ],
)
def test_operators_join_exclude_and_group(archive: Index, query: str, expected: set[str]) -> None:
    assert found(archive, query) == expected


def test_an_exclusion_alone_finds_all_others(archive: Index) -> None:
    everything = found(archive, "*")
    assert found(archive, "-harbour") == everything - HARBOUR
    assert found(archive, "NOT lang:en") == everything - found(archive, "lang:en")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("=trams", {"tram"}),
        ("=tramway", set()),
        ("=lanterns", {"lantern"}),
        ("=lantern", {"ferry", "lantern"}),
        ('="night tram"', set()),
        ('="night trams"', {"tram"}),
        ("=apples", {"orchard"}),
    ],
)
def test_an_equals_sign_matches_only_the_form_that_is_typed(
    archive: Index, query: str, expected: set[str]
) -> None:
    assert found(archive, query) == expected


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("harb*", HARBOUR),
        ("h?rbour", HARBOUR),
        ("weather*", {*STORMS, "chronicle"}),
        ("*cock", STORMS),
        ("l*nt?rn", {"ferry", "lantern"}),
        ("zepp*", set()),
        ("striking*", {"clock"}),  # words as they are written, not only their stems
        ("*eathe*", {*STORMS, "chronicle"}),
        ("harbor~", HARBOUR),
        ("hrbor~", set()),
        ("hrbor~2", HARBOUR),
        ("herrings~", {"inn"}),
        ("col*r harbour", {"pier"}),
        ("title:harb*", {"crane"}),
    ],
)
def test_patterns_and_fuzzy_matches_expand_to_words_of_the_index(
    archive: Index, query: str, expected: set[str]
) -> None:
    assert found(archive, query) == expected


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("title:harbour", {"crane"}),
        ("headline:harbour", {"crane"}),
        ("text:osterby", {"ferry", "lantern", "inn"}),
        ("title:osterby", {"ferry"}),
        ("body:lighthouse", set()),
        ("title:(ferry OR tram)", {"ferry", "tram"}),
        ('title:"night trams"', {"tram"}),
        ("title:harbour text:ladder", {"crane"}),
        ("harbour -title:harbour", {"ferry", "pier"}),
        ("lang:de", {"hafen", "apfel"}),
        ("language:de", {"hafen", "apfel"}),
        ("lang:en-GB", {"pier"}),
        ("harbour lang:en", HARBOUR),  # has its regions
        ("harbour -lang:en-GB", {"ferry", "crane"}),
        ("lang:fr", {"phare", "unstated"}),
        ("site:hills.example", {"lantern", "orchard", "bridge", "flood", "hive", "honey", "storm-copy"}),
        ("site:news.coast.example", {"crane", "clock", "regatta"}),
        ("ladder site:coast.example", {"crane"}),  # has its subdomains
        ("site:oast.example", set()),
        ("domain:barn.example", {"school"}),
        ("source:wire harbour", HARBOUR),
        ("source:wire/coast harbour", HARBOUR),
        ("source:letters kettle", {"choir"}),
        ("source:wire/nowhere", set()),
        ("id:storm*", STORMS),
        ("id:storm", {"storm"}),
        ("id:stor", set()),
        ("site:coast.example -source:wire/coast", {"clock", "tram"}),
        ("lang:de OR lang:ko", {"hafen", "apfel", "hanggu"}),
    ],
)
def test_a_field_says_where_a_word_stands_or_what_the_article_is(
    archive: Index, query: str, expected: set[str]
) -> None:
    assert found(archive, query) == expected


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("date:2020", {"orchard", "hive", "honey", "veil", "apfel"}),
        ("date:2021-11", {"ferry", "inn", "tram", "divers", "school", "hafen"}),
        ("date:2021-11-05", {"ferry", "inn", "tram"}),  # not what is known to the month only
        ('date:"nov 2021"', {"ferry", "inn", "tram", "divers", "school", "hafen"}),
        ("published:2022-06", {"bakery"}),
        ("date:0987", {"charter"}),
        ("date:2021-01..2021-05", {"gangkou", "crane", "mina"}),
        ("harbour 2021-03..2021-11", {"crane", "ferry"}),
        ("since:2024", {"regatta", "bunting"}),
        ("after:2024", {"regatta", "bunting"}),
        ("until:1931", {"charter", "library"}),
        ("before:1931", {"charter"}),
        ("on:2019-08-12", {"bridge"}),
        ("date:2023-01-01", {"clock"}),
        ("date:2022-12-31", {"mayak"}),  # a minute before midnight
        ("date:yesterday", {"bunting"}),
        ('date:"last week"', {"regatta"}),
        ('date:"last 7 days"', {"bunting"}),
        ("date:this month", {"regatta", "bunting"}),
        ("date:last year harbour", {"pier"}),
        ("storm since 2021", {*STORMS, "gale"}),
        ("kettle between 2022 and 2023", {"envoy", "choir"}),
        ("kettle in 2022", set()),
        ("storm -date:2021-12-04", STORMS),
        ("honey OR date:1931", {"hive", "honey", "library"}),
        ('ferry "last week"', set()),  # in quotation marks it is text
    ],
)
def test_dates_can_be_typed(archive: Index, query: str, expected: set[str]) -> None:
    assert found(archive, query) == expected


def test_an_article_known_to_the_month_does_not_match_a_day_and_the_page_says_so(archive: Index) -> None:
    page = search(archive, "date:2021-11-05")
    assert "divers" not in matches(page)
    assert any("1" in note.message for note in page.notes)
    assert search(archive, "date:2021-11").notes == ()


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("ferry last week", "last week"),
        ("foo:ferry", "foo"),
        ("date:soon ferry", "soon"),
        ("date:2021-13", "2021-13"),
        ("ferry AND", "AND"),
        ("ferry^1000", "^100"),
        ("ferry~9", "ferry~9"),
        ("the ferry NEAR", "NEAR"),
    ],
)
def test_assumptions_and_unknown_syntax_are_noted(archive: Index, query: str, named: str) -> None:
    assert any(named in note.message for note in search(archive, query).notes)


@pytest.mark.parametrize("query", ['"ferry', "(ferry", "ferry)", "((ferry)", 'ferry "'])
def test_a_lone_mark_or_parenthesis_is_ignored_with_a_note(archive: Index, query: str) -> None:
    assert found(archive, query) == {"ferry", "tram"}
    assert search(archive, query).notes


@pytest.mark.parametrize("query", ["", "  ", "!?", "😀", "()", '""'])
def test_a_query_without_a_word_finds_nothing_and_is_no_error(archive: Index, query: str) -> None:
    page = search(archive, query)
    assert (page.total, page.hits) == (0, ())


def test_common_words_are_not_asked_for_and_the_page_says_so(archive: Index) -> None:
    page = search(archive, "the crane of the harbour")
    assert matches(page) == ["crane"]
    assert any("the, of" in note.message for note in page.notes)
    assert found(archive, "the crane of the harbour") == found(archive, "crane harbour")


def test_synonyms_find_each_other_and_each_use_is_noted(
    make: Made, tmp_path_factory: pytest.TempPathFactory
) -> None:
    file = tmp_path_factory.mktemp("synonyms") / "synonyms.txt"
    file.write_text("ferry, river boat\nlorry => truck\n", encoding="utf-8")
    index = make(
        Article("ferry", "One", ["The ferry left."], language="en"),
        Article("boat", "Two", ["A river boat left."], language="en"),
        Article("lorry", "Three", ["The lorry left."], language="en"),
        Article("truck", "Four", ["The truck left."], language="en"),
        synonyms=file,
    )
    assert found(index, "ferry") == found(index, "river boat") == {"ferry", "boat"}
    assert found(index, "lorry") == {"truck"}
    assert found(index, '"ferry"') == {"ferry"}
    assert search(index, "ferry").notes
    assert not search(index, "truck").notes


WRITTEN = [
    "The co-operation of states",
    "The cooperation of states",
    "Three co operation agreements",
    "An e-mail arrived",
    "An email arrived",
    "Wal-Mart opens",
    "WalMart opens",
    "JP Morgan pays",
    "JPMorgan pays",
    "An F-16 landed",
    "An F16 landed",
    "The covid-19 wave",
    "The covid19 wave",
    "An anti-war march",
    "An antiwar march",
    "Two crises",
    "A crisis",
    "Three women",
    "A woman",
    "They buy a house",
    "They bought a house",
    "The nationalisation of mines",
    "The nationalization of mines",
    "They went into the town",
    "They came in to eat",
    "A takeover failed",
    "They take over the mines",
]


@pytest.mark.parametrize(
    ("queries", "group"),
    [
        (("co-operation", "cooperation", "co operation"), range(3)),
        (("e-mail", "email", "e mail"), range(3, 5)),
        (("Wal-Mart", "WalMart", "wal mart"), range(5, 7)),
        (("JP Morgan", "JPMorgan"), range(7, 9)),
        (("F-16", "F16", "F 16"), range(9, 11)),
        (("covid-19", "covid19"), range(11, 13)),
        (("anti-war", "antiwar", "anti war"), range(13, 15)),
        (("crises", "crisis"), range(15, 17)),
        (("women", "woman"), range(17, 19)),
        (("buy", "bought", "buying"), range(19, 21)),
        (("nationalisation", "nationalization"), range(21, 23)),
        (("take-over",), range(25, 27)),
    ],
)
def test_a_word_is_found_in_each_of_its_spellings_and_forms(
    make: Made, queries: Sequence[str], group: range
) -> None:
    articles = [Article(f"a{number}", "", [text], language="en") for number, text in enumerate(WRITTEN)]
    index = make(*articles)
    plain = make(*articles, variants=False)
    for query in queries:
        assert found(index, query) == {f"a{number}" for number in group}
        assert found(plain, query) < found(index, query)


def test_common_words_are_not_joined(make: Made) -> None:
    texts = {"into": "They walked into the town", "apart": "They came in to eat"}
    index = make(*(Article(name, "", [text], language="en") for name, text in texts.items()))
    assert found(index, "+into") == {"into"}
    assert found(index, "+in +to eat") == {"apart"}


def test_a_quoted_word_is_not_found_in_other_spellings(make: Made) -> None:
    texts = {"british": "The colour of it", "american": "The color of it"}
    index = make(*(Article(name, "", [text], language="en") for name, text in texts.items()))
    assert found(index, "colour") == {"british", "american"}
    assert found(index, '"colour"') == found(index, "=colour") == {"british"}


def test_a_word_as_typed_counts_more_than_its_variants(make: Made) -> None:
    texts = {"other": "The color of it", "typed": "The colour of it"}
    index = make(*(Article(name, "", [text], language="en") for name, text in texts.items()))
    assert matches(search(index, "colour")) == ["typed", "other"]
    assert matches(search(index, "color")) == ["other", "typed"]


def test_the_explanation_has_the_variants(make: Made) -> None:
    index = make(Article("a", "", ["Walmart colors"], language="en"))
    explanation = search(index, "wal mart colour", explain=True).explanation
    assert explanation is not None
    assert [clause.synonyms for clause in explanation.clauses] == [("walmart",), ("walmart",), ("color",)]

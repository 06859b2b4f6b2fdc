"""Suggestions while a query is typed, and *did you mean*."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer import Article, Index
from tests.contract.answers import found, matches_in_order, search, suggestions, text_at
from tests.contract.archive import ARTICLES
from tests.contract.strategies import ANY_STRING, EXAMPLES, QUERIES, WORDS

Made = Callable[..., Index]


@pytest.mark.parametrize(
    ("typed", "kind", "expected"),
    [
        ("harb", "word", "harbour"),
        ("HARB", "word", "HARBour"),  # the typed text is not changed
        ("harbour cr", "word", "harbour crane"),
        ("storm ta", "word", "storm takes"),
        ("haf", "word", "Hafen"),
        ("häf", "word", "Hafen"),
        ("旧", "word", "旧港口"),
        ("ст", "word", "старый"),
        ("harbour", "phrase", "harbour crane"),
        ("beekeeper rings", "phrase", "beekeeper rings a bell"),
        ('"night tr', "word", '"night trams'),
        ("+harb", "word", "+harbour"),
        ("harbour -cr", "word", "harbour -crane"),
        ("title:lig", "word", "title:lighthouse"),
        ("ladder OR keep", "word", "ladder OR keeper"),
        ("date:2021 h", "word", "date:2021 harbour"),
        ("(kettle OR ladder) bee", "word", "(kettle OR ladder) bees"),
        ('"night trams" tran', "word", '"night trams" transport'),
        ("half-m", "word", "half-moon"),
        ("東", "word", "東京都"),
        ("rope and ", "phrase", "rope and anchor"),
        ("harbour ", "phrase", "harbour crane"),
        ("ilse m", "word", "ilse moravec"),  # in lower case, as the text before it
        ("Ilse m", "word", "Ilse Moravec"),
        ("ilse M", "word", "ilse Moravec"),
        ("kettle OR mor", "word", "kettle OR Moravec"),
        ("Ilse m", "phrase", "Ilse Moravec of Osterby"),
        ("crane harb", "title", "Harbour crane gets a coat of paint"),  # in any order
        ("lighthouse ", "title", "Lighthouse for sale, stairs not included"),
        ("storm ta", "title", "Storm takes nine roofs"),
        ("lighthouse f", "title", "Lighthouse for sale, stairs not included"),
        ("маяк", "title", "Старый маяк"),
    ],
)
def test_typed_text_is_completed_to_words_phrases_and_titles_of_the_archive(
    archive: Index, typed: str, kind: str, expected: str
) -> None:
    assert expected in suggestions(archive, typed, kind)


@pytest.mark.parametrize(
    "typed",
    [
        *("", " ", "zeppelin", "zepp", "harbour zepp", "kettle cra", "a" * 2000, "lang:e", "crane -yel"),
        *("*", '"night trams"', "AND", "(", "\0", "\ud800"),
    ],
)
def test_queries_without_results_are_not_suggested(archive: Index, typed: str) -> None:
    assert suggestions(archive, typed) == []


def test_a_title_leads_to_its_article(archive: Index) -> None:
    (title,) = [one for one in archive.suggest("lighthouse f") if one.kind == "title"]
    assert (title.article, title.count) == ("lighthouse", 1)


def test_the_words_of_more_articles_come_first(archive: Index) -> None:
    words = [(one.text, one.count) for one in archive.suggest("ha", 20) if one.kind == "word"]
    assert words[0] == ("harbour", 3)
    assert [count for _, count in words] == sorted((count for _, count in words), reverse=True)


def test_a_word_is_counted_among_the_articles_that_match_the_others(archive: Index) -> None:
    assert [(one.text, one.count) for one in archive.suggest("harbour -cr")] == [("harbour -crane", 2)]
    assert suggestions(archive, "harbour har", "word") == []  # it is typed already


def test_a_word_beside_the_one_before_comes_before_one_that_stands_elsewhere(make: Made) -> None:
    index = make(
        Article("a", "Note", ["The mill is old; a harbour needs a harbour master."], language="en"),
        Article("b", "Note", ["The mill moves, and a harbour."], language="en"),
        *(Article(f"{number}", "Note", ["Of a meeting."], language="en") for number in range(3)),
        Article("c", "Note", ["A harbour, and a meeting."], language="en"),
    )
    first, *others = suggestions(index, "harbour m", "word")
    assert first == "harbour master"
    assert {"harbour moves", "harbour mill"} <= set(others)
    # Of the words in the same articles, only those are offered that are there more often than by chance.
    assert "harbour meeting" not in others


@pytest.mark.parametrize(
    ("typed", "offered", "others"),
    [
        ("grain pr", ["grain prices"], ["grain price", "grain prices and"]),
        ("gr", ["Grand Union"], ["grand union", "Grand Union and", "grain and"]),
        ("grand uni", ["grand union", "grand unit"], ["grand units", "grand union and"]),
        ('"grain pr', ['"grain prices'], ["grain prices", '"grain prior']),
        ("grain pri", ["grain prior"], []),
        ("tak", ["Take That"], ["take that"]),
    ],
)
def test_phrases_are_what_people_would_type(
    make: Made, typed: str, offered: list[str], others: list[str]
) -> None:
    texts = [
        "They said that grain prices and oil fell.",
        "Once more grain prices rose at the Grand Union and prior to that.",
        "The grain price is low, and Take That play on.",
        "A unit of the Grand Union sang with Take That and others.",
        "A grand unit, and another grain; units of it take that away.",
        "At noon the Take That song was over.",
    ]
    index = make(*(Article(f"{n}", "Note", [text], language="en") for n, text in enumerate(texts)))
    found = suggestions(index, typed)
    assert set(offered) <= set(found)
    assert not set(others) & set(found)


def test_near_forms_are_suggested_once(make: Made) -> None:
    texts = ["The euro crisis is here.", "Another euro crisis.", "All euro crises, and euro criticism."]
    index = make(*(Article(f"{n}", "Note", [text], language="en") for n, text in enumerate(texts)))
    assert suggestions(index, "euro cri", "word") == ["euro crisis", "euro criticism"]


def test_a_phrase_that_only_removed_articles_have_is_not_suggested(make: Made) -> None:
    texts = {"kept": "The harbour crane.", "gone": "The harbour zeppelin. The harbour crane."}
    index = make(*(Article(name, "Note", [text], language="en") for name, text in texts.items()))
    assert {"harbour crane", "harbour zeppelin"} <= set(suggestions(index, "harb", "phrase"))
    index.remove(["gone"])
    assert suggestions(index, "harb", "phrase") == ["harbour crane"]
    assert suggestions(index, '"harbour z') == suggestions(index, "harbour z") == []
    (crane,) = [one for one in index.suggest("harb") if one.kind == "phrase"]
    assert crane.count == 1


def test_titles_are_the_last_suggestions(archive: Index) -> None:
    for typed in ("h", "harbour ", "storm ta", "lighthouse f"):
        kinds = [one.kind for one in archive.suggest(typed, 20)]
        assert kinds == sorted(kinds, key=lambda kind: kind == "title")


def test_completions_that_would_be_dates_are_not_suggested(make: Made) -> None:
    index = make(*(Article(f"{n}", "Ferry", [f"Delayed today by fog {n}."], language="en") for n in range(3)))
    assert all(found(index, text) for text in suggestions(index, "today"))
    assert "today fog" not in suggestions(index, "toda")
    assert "fog today" not in suggestions(index, "fog toda")


def test_a_title_with_query_syntax_is_suggested_as_its_words(make: Made) -> None:
    index = make(Article("a", "Lighthouse OR not: a - question", language="en"))
    assert suggestions(index, "quest", "title") == ["lighthouse or not a question"]


@pytest.mark.differs(whoosh="what was replaced counts in the order of words until segments are merged")
def test_an_article_that_was_replaced_does_not_raise_its_words(make: Made) -> None:
    index = make(*ARTICLES)
    before = suggestions(index, "ha")
    (hafen,) = [article for article in ARTICLES if article.id == "hafen"]
    index.put([Article("hafen", "Zeppelin", ["A zeppelin."], language="en")])
    index.put([hafen])
    assert suggestions(index, "ha") == before


def test_the_limit_bounds_the_suggestions(archive: Index) -> None:
    assert len(archive.suggest("h", 3)) == 3
    assert archive.suggest("h", 0) == ()


_TYPED = st.lists(st.sampled_from(WORDS), min_size=1, max_size=2).flatmap(
    lambda words: st.integers(1, len(words[-1])).map(lambda end: " ".join([*words[:-1], words[-1][:end]]))
)


@settings(max_examples=EXAMPLES)
@given(typed=_TYPED)
def test_each_suggestion_finds_as_many_articles_as_it_says(archive: Index, typed: str) -> None:
    for one in archive.suggest(typed, 20):
        inside = found(archive, one.text)
        if one.kind == "word":
            assert len(inside) == one.count
        # Of a phrase, those are counted where it was seen to stand.
        assert len(inside) >= one.count > 0
        if one.article is not None:
            assert one.article in inside
        if one.kind != "title":
            # The spans are the added text; the rest is the typed text.
            assert all(text_at(one.text, one.spans))
            assert one.text.lower().startswith(typed.lower())


@settings(max_examples=EXAMPLES)
@given(typed=ANY_STRING)
def test_suggestions_for_any_string_are_few_and_distinct_and_find_something(
    archive: Index, typed: str
) -> None:
    texts = suggestions(archive, typed, limit=5)
    assert len({text.casefold() for text in texts}) == len(texts) <= 5
    assert all(found(archive, text) for text in texts)


@pytest.mark.parametrize(
    ("query", "meant"),
    [
        ("harbur", "harbour"),
        ("hrabour", "harbour"),
        ("harbur krane", "harbour crane"),
        ("Old  harbur,  crane", "Old  harbour,  crane"),  # the rest stays as typed
        ("beekeper hony", "beekeeper honey"),
        ("harbur OR ferry", "harbour OR ferry"),
        ("kettel -lader", "kettle -lader"),
        ("harbur source:wire", "harbour source:wire"),
        ("Häfen Muler", "Häfen Müller"),
        ("ahrbour", "harbour"),
        ("harbourr crane", "harbour crane"),
        ("+harbur title:crane", "+harbour title:crane"),
        ('"second roof" librry', '"second roof" library'),
    ],
)
def test_a_misspelt_word_is_answered_with_did_you_mean(archive: Index, query: str, meant: str) -> None:
    assert search(archive, query).did_you_mean == meant


@pytest.mark.parametrize(
    ("query", "meant"),
    [
        ("nightferry", "night ferry"),
        ("weather cock", "weathercock"),
        ("harbourcrane", "harbour crane"),
        ("har bour crane", "harbour crane"),
    ],
)
def test_words_run_together_or_torn_apart_are_found_or_answered_with_did_you_mean(
    make: Made, query: str, meant: str
) -> None:
    article = Article("a", "", ["The night ferry, the weathercock and the harbour crane."], language="en")
    page = search(make(article), query)
    assert (page.total, page.did_you_mean) == (1, None)
    assert search(make(article, variants=False), query).did_you_mean == meant


@pytest.mark.parametrize(
    "query",
    [
        *("harbour", "harbour crane", ""),
        *('"harbur"', '"old harbur"', "-harbur", "-harbur crane", "NOT harbur"),
        *("title:harbur", "paragraph:harbur", "=harbur", "harbur*", "harb?r", "harbur~", "*bur"),
        *("2012", "1987x", "h0", "date:2031", "after:2031 harbour", "@harbur", "harbur.example/x"),
        *("qqqqqq", "zzz", "東京市", "ha", "\0", "\ud800"),
    ],
)
def test_correct_words_and_other_syntax_are_not_corrected(archive: Index, query: str) -> None:
    assert search(archive, query).did_you_mean is None


@settings(max_examples=EXAMPLES)
@given(
    query=QUERIES.map(lambda query: query.replace("arb", "rab").replace("ett", "et").replace("ladd", "lad"))
)
def test_did_you_mean_finds_more_than_the_query(archive: Index, query: str) -> None:
    page = search(archive, query)
    if page.did_you_mean is not None:
        assert search(archive, page.did_you_mean).total > page.total


def test_did_you_mean_does_not_change_the_hits(make: Made) -> None:
    common = [
        Article(f"a{n}", "Note", [f"Item {n}: government of geese."], language="en") for n in range(150)
    ]
    index = make(*common, Article("rare", "Note", ["A goverment of few."], language="en"))
    assert matches_in_order(index, "goverment") == ["rare"]
    assert search(index, "goverment").did_you_mean == "government"


def test_a_word_with_a_letter_of_another_language_is_not_misspelt(make: Made) -> None:
    index = make(*(Article(f"{n}", "Note", [f"Item {n}: straps."], language="en") for n in range(20)))
    assert search(index, "strapz").did_you_mean == "straps"
    assert search(index, "Straße").did_you_mean is None


def test_a_word_that_a_filter_hides_is_not_misspelt(make: Made) -> None:
    index = make(
        *(Article(f"{n}", "Note", ["Of wells."], language="en", source="wire") for n in range(3)),
        *(Article(f"w{n}", "Note", ["Of walls."], language="en", source="desk") for n in range(3)),
    )
    assert search(index, "walls", source="wire").did_you_mean is None
    assert search(index, "wolls", source="wire").did_you_mean == "wells"


def test_did_you_mean_respects_the_filters(archive: Index) -> None:
    assert search(archive, "harbur", since="2024").did_you_mean is None
    assert search(archive, "harbur", language="de").did_you_mean != "harbour"
    assert search(archive, "harbur", source="wire").did_you_mean == "harbour"


def test_a_suggested_word_that_may_be_one_with_the_word_before_counts_both(make: Made) -> None:
    texts = {"apart": "The weather cock turned", "joined": "A weathercock of brass"}
    index = make(*(Article(name, "", [text], language="en") for name, text in texts.items()))
    counts = {one.text: one.count for one in index.suggest("weather c") if one.kind == "word"}
    assert counts == {"weather cock": 2}
    assert found(index, "weather cock") == {"apart", "joined"}


def test_a_word_is_not_joined_where_its_stem_is_that_of_the_first(make: Made) -> None:
    index = make(Article("a", "", ["The ladder fell, and the ring was lost"], language="en"))
    explanation = search(index, "ladder ring", explain=True).explanation
    assert explanation is not None
    assert [clause.synonyms for clause in explanation.clauses] == [(), ()]


def make_tides() -> list[Article]:
    """Ten phrases that stand three times each in articles of the sea, and one in articles of sport."""
    names = ("alpha", "bravo", "charlie", "delta", "echo", "foxtrot", "golf", "hotel", "india", "juliet")
    rows = [(name, "sea") for name in names] + [("zulu", "sport")]
    return [
        Article(f"{name}{n}", "Note", [f"They saw the tidal {name} here."], section=section, language="en")
        for name, section in rows
        for n in range(3)
    ]


def test_phrases_of_other_articles_take_no_place_among_the_suggestions(make: Made) -> None:
    index = make(*make_tides())
    counts = {one.text: one.count for one in index.suggest("section:sport tidal ")}
    assert counts["section:sport tidal zulu"] == 3
    index.remove([article.id for article in make_tides() if article.section == "sea"])
    assert {one.text: one.count for one in index.suggest("tidal ")} == {"tidal zulu": 3}


def test_what_follows_only_the_last_word_of_a_phrase_does_not_come_first(make: Made) -> None:
    both = "The prime minister Anna met the foreign minister Boris."
    index = make(
        *(Article(f"a{n}", "", [both], language="en") for n in range(5)),
        *(Article(f"b{n}", "", ["The prime minister Bruno sat."], language="en") for n in range(2)),
    )
    assert suggestions(index, "prime minister b", "word")[0] == "prime minister bruno"

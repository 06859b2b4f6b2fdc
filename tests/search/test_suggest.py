"""Suggestions while a query is typed: each finds as many articles as it says."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer import Article, Index, Suggestion, open_index
from indexer.engine.count.completions import complete_word, find_titles
from indexer.engine.count.matching import make_article_set
from indexer.search.suggest import find_next_characters, find_next_words
from indexer.search.written_forms import match_case
from indexer.text.analyzer import Analyzer

ARTICLES = [
    Article(
        id="crane",
        title="Harbour crane moves at last",
        published="2021-11-05",
        paragraphs=["The harbour crane in Zürich was painted.", "A harbour crane needs a harbour master."],
    ),
    Article(
        id="credit",
        title="Credit for the old mill",
        paragraphs=["Credit was given; the crew of the mill and the harbour watched the credits."],
    ),
    Article(
        id="tide",
        title="Tide tables",
        language="en",
        paragraphs=["The red tide came.", "The red tide left the harbour of Zürich.", "Covid-19 tests."],
    ),
    Article(
        id="tokyo", title="東京の港", language="ja", paragraphs=["東京都は港を広げる。", "東京都の予算。"]
    ),
    Article(id="empty", title="Lighthouse OR not: a - question"),
]


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    """An index of the articles above, in two segments, with one article removed."""
    with open_index(tmp_path_factory.mktemp("suggest") / "index") as opened:
        opened.put([*ARTICLES[:2], Article(id="gone", title="Gone", paragraphs=["A crocodile."])])
        opened.put(ARTICLES[2:])
        opened.remove(["gone"])
        yield opened


def texts(index: Index, prefix: str, kind: str | None = None, limit: int = 20) -> list[str]:
    found = index.suggest(prefix, limit)
    return [suggestion.text for suggestion in found if kind in (None, suggestion.kind)]


@pytest.mark.parametrize(
    ("prefix", "first"),
    [
        ("harb", "harbour"),
        ("HARB", "HARBour"),
        ("harbour cr", "harbour crane"),
        ("mill cr", "mill credit"),
        ("zur", "Zürich"),
        ("zür", "Zürich"),
        ("title:li", "title:lighthouse"),
        ("+harb", "+harbour"),
        ("tide OR cran", "tide OR crane"),
        ("(tide OR mill) harb", "(tide OR mill) harbour"),
        ('"harbour cra', '"harbour crane'),
        ('"red tide" harb', '"red tide" harbour'),
        ("date:2021 cra", "date:2021 crane"),
        ("covid-1", "covid-19"),
        ("東", "東京都"),
        ("東京", "東京都"),
        ("red ", "red tide"),
        ("harbour ", "harbour crane"),
    ],
)
def test_the_last_word_is_completed_from_what_is_in_the_index(index: Index, prefix: str, first: str) -> None:
    assert texts(index, prefix)[0] == first


def test_words_are_counted_and_ranked_among_the_articles_that_match_the_others(index: Index) -> None:
    alone = [(found.text, found.count) for found in index.suggest("cr") if found.kind == "word"]
    assert alone == [("crane", 1), ("credit", 1), ("crew", 1)]
    assert texts(index, "mill cr", "word") == ["mill credit", "mill crew"]
    assert [found.count for found in index.suggest("harb") if found.text == "harbour"] == [3]


def test_a_word_beside_the_one_before_comes_before_one_that_stands_elsewhere(index: Index) -> None:
    first, *others = texts(index, "harbour m", "word")
    assert first == "harbour master"
    assert set(others) == {"harbour moves", "harbour mill"}


def test_completions_without_results_are_not_suggested(index: Index) -> None:
    assert texts(index, "croc") == []
    assert texts(index, "tide crane") == texts(index, "unknown cr") == []


def test_completions_that_would_be_dates_are_not_suggested(tmp_path: Path) -> None:
    with open_index(tmp_path / "index") as opened:
        opened.put(
            [Article(id=f"{n}", title="Ferry", paragraphs=["Delayed today by fog."]) for n in range(3)]
        )
        assert opened.search("today").total == 3
        assert all(opened.search(found.text).total for found in opened.suggest("today"))
        assert "today fog" not in texts(opened, "toda")
        assert "fog today" not in texts(opened, "fog toda")


def test_an_excluded_word_counts_the_remaining_articles(index: Index) -> None:
    found = index.suggest("harbour -cr")
    assert ("harbour -crane", 2) in [(one.text, one.count) for one in found]
    assert texts(index, "credits -mil") == []


def test_phrases_continue_with_the_next_word(index: Index) -> None:
    assert "harbour crane" in texts(index, "harb", "phrase")
    assert texts(index, "re", "phrase") == ["red tide"]
    assert texts(index, "harbour of ", "phrase") == ["harbour of zürich"]


@pytest.mark.parametrize(
    ("prefix", "first"),
    [
        ("harbour z", "harbour zürich"),
        ("Harbour z", "Harbour Zürich"),
        ("harbour Z", "harbour Zürich"),
        ("tide OR zur", "tide OR Zürich"),
        ("Harbour of ", "Harbour of Zürich"),
    ],
)
def test_completions_of_lower_case_text_are_in_lower_case(index: Index, prefix: str, first: str) -> None:
    assert texts(index, prefix)[0] == first


def test_words_written_only_in_capitals_keep_them() -> None:
    assert match_case("and TV Hall", "film") == "and TV hall"
    assert match_case("and TV Hall", "Film") == "and TV Hall"
    assert match_case("港 Hall", "東京") == "港 Hall"


def test_a_word_that_is_typed_already_is_not_suggested_again(index: Index) -> None:
    assert texts(index, "harbour har", "word") == []
    assert texts(index, "credits cre", "word") == ["credits crew"]


def test_titles_match_by_their_words_in_any_order(index: Index) -> None:
    (title,) = (found for found in index.suggest("crane harb") if found.kind == "title")
    assert (title.text, title.article, title.count) == ("Harbour crane moves at last", "crane", 1)
    assert texts(index, "mill cred", "title") == ["Credit for the old mill"]
    assert texts(index, "mill ", "title") == ["Credit for the old mill"]
    assert texts(index, "東", "title") == ["東京の港"]


def test_a_title_is_suggested_as_a_query_of_its_words(index: Index) -> None:
    assert texts(index, "quest", "title") == ["lighthouse or not a question"]


def test_a_suggestion_says_which_part_of_it_is_new(index: Index) -> None:
    first = index.suggest("harbour cra")[0]
    assert [first.text[start:end] for start, end in first.spans] == ["ne"]
    assert index.suggest("zur")[0].spans == ((3, 6),)


def test_suggestions_stay_within_the_limit_and_differ(index: Index) -> None:
    for limit in (0, 1, 2, 3, 5):
        assert len(texts(index, "h", limit=limit)) <= limit
    every = [text.casefold() for text in texts(index, "c", limit=50)]
    assert len(set(every)) == len(every) > 3
    assert texts(index, "harbour", "word") == []


@pytest.mark.parametrize(
    "prefix", ["", "  ", "*", '"red tide"', "AND", "zzz", "(", "\0", "\ud800", "x" * 5000]
)
def test_an_empty_or_unknown_text_has_no_suggestions(index: Index, prefix: str) -> None:
    assert index.suggest(prefix) == ()


def test_an_empty_index_suggests_nothing(tmp_path_factory: pytest.TempPathFactory) -> None:
    with open_index(tmp_path_factory.mktemp("empty") / "index") as index:
        index.put([])
        assert index.suggest("harb") == ()


PIECES = [
    "harbour",
    "har",
    "cr",
    "tide",
    "OR",
    "AND",
    "NOT",
    "-",
    "+",
    '"',
    "(",
    ")",
    "title:",
    "東京",
    "zür",
    " ",
    " ",
]


@settings(max_examples=150)
@given(st.lists(st.sampled_from(PIECES), max_size=8).map("".join) | st.text(max_size=20))
def test_each_suggestion_for_any_text_finds_something_and_keeps_the_text(index: Index, text: str) -> None:
    for found in index.suggest(text):
        page = index.search(found.text, limit=50)
        assert page.total >= 1, found
        if found.kind == "word":
            assert found.count <= page.total
        if found.kind == "title":
            assert found.article in {hit.article.id for hit in page.hits}
        assert all(0 <= start <= end <= len(found.text) for start, end in found.spans)


def test_a_suggestion_as_json_has_the_documented_shape() -> None:
    assert Suggestion("harbour crane", "word", 3, spans=((8, 13),)).as_json() == {
        "text": "harbour crane",
        "kind": "word",
        "count": 3,
        "article": None,
        "spans": ((8, 13),),
    }


def test_completions_weigh_the_articles_of_a_set(index: Index) -> None:
    snapshot = index._open_last_commit().snapshot
    assert len(snapshot.segments) > 1
    assert [one.word for one in complete_word(snapshot, "harb", None, 5)] == ["harbour"]
    crane = snapshot.find("crane")
    assert crane is not None
    within = make_article_set(snapshot, np.array([crane], np.int32))
    assert [(one.word, one.weight) for one in complete_word(snapshot, "cr", within, 5)] == [("crane", 1)]
    assert complete_word(snapshot, "cr", within, 5, excluded=["crane"]) == []
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
    found = find_next_words(texts, Analyzer("en"), [frozenset({"bank"})], {"of", "the", "and"})
    assert {key: dict(writings) for key, writings in found.items()} == {
        "of england": {"of England": 1},
        "of the rhine": {"of the Rhine": 1},
        "notes": {"notes": 1},
    }


def test_an_unspaced_run_continues_as_far_as_most_texts_agree() -> None:
    assert dict(find_next_characters(["東京都庁と東京都知事、東京湾", "東京都"], "東京")) == {
        "都": 3,
        "湾": 1,
    }

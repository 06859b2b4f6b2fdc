"""From text to terms: which words a text has, how they are normalized and stemmed, and their spans."""

from __future__ import annotations

import pickle
import unicodedata
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from indexer.engine.whoosh.schema import FormAnalyzer
from indexer.text.analyzer import get_analyzer, strip_tag
from indexer.text.languages import stop_words
from indexer.text.normalization import normalize


@pytest.mark.parametrize(
    ("text", "forms"),
    [
        ("Running runners ran", [("run", "running"), ("runner", "runners"), ("ran", "ran")]),
        ("Zürich ZURICH zu\u0308rich", [("zurich", "zurich")] * 3),
        ("résumés resumes", [("resum", "resumes")] * 2),
        ("Straße STRASSE", [("strass", "strasse")] * 2),
        ("ﬁne Ｆｉｎｅ", [("fine", "fine")] * 2),
        ("don't don’t", [("dont", "dont")] * 2),
        ("Xi's Xi’s Xi", [("xi", "xi")] * 3),
        ("O'Brien", [("obrien", "obrien")]),
        ("'quoted'", [("quot", "quoted")]),
        ("R&D AT&T's", [("r&d", "r&d"), ("at&t", "at&t")]),
        ("Johnson&Johnson", [("johnson", "johnson")] * 2),
        ("C++ c# C", [("c++", "c++"), ("c#", "c#"), ("c", "c")]),
        ("U.S. U.S US", [("us", "us")] * 3),
        ("@Name #Topic", [("name", "@name"), ("topic", "#topic")]),
        ("a@b.org", [("a", "a"), ("b", "b"), ("org", "org")]),
        ("covid-19", [("covid", "covid"), ("19", "19")]),
        ("155,221 5.93 3,5", [("155221", "155221"), ("5.93", "5.93"), ("3.5", "3.5")]),
        ("3.5bn 1980s", [("3.5", "3.5"), ("bn", "bn"), ("1980s", "1980s")]),
        ("½", [("1", "1"), ("2", "2")]),
        ("snake_case", [("snake", "snake"), ("case", "case")]),
        ("हिन्दी में", [("हिंदी", "हिंदी"), ("में", "में")]),
        ("كِتَاب", [("كتاب", "كتاب")]),
        ("東京都", [("東京", "東京"), ("京都", "京都"), ("都", "都")]),
        ("東京2020年", [("東京", "東京"), ("京", "京"), ("2020", "2020"), ("年", "年")]),
        ("ﾀｲﾑ", [("タイ", "タイ"), ("イム", "イム"), ("ム", "ム")]),
        ("😀 — …", []),
        ("", []),
    ],
)
def test_english_text_becomes_these_stems_and_words(text: str, forms: list[tuple[str, str]]) -> None:
    tokens = get_analyzer("en").tokenize(text)
    assert [(strip_tag(token.stem), token.word) for token in tokens] == forms


@pytest.mark.parametrize(
    ("language", "text", "stems"),
    [
        ("en", "policies", ["polici/en"]),
        ("pl", "policies", ["policies/pl"]),
        ("de-AT", "Häuser", ["haus/de"]),
        ("uk", "newspapers", ["newspap/zh"]),
        ("xx", "Running", ["running"]),
        ("en", "1,000 5.93 ٢٠١٩ １２ 1980s 東京", ["1000", "5.93", "2019", "12", "1980s/en", "東京", "京"]),
        ("it", "l'11 dell'amico", ["11", "amic/it"]),
    ],
)
def test_a_stem_says_which_language_made_it(language: str, text: str, stems: list[str]) -> None:
    analysis = get_analyzer(language)
    assert analysis.analyze(text)[0] == stems == [token.stem for token in analysis.tokenize(text)]
    surfaces = analysis.split_surfaces(text)
    assert [stem for forms in analysis.analyze_each(surfaces) for stem in forms[0]] == stems


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("fr", ["l'élève d’élèves", "qu'élève"]),
        ("es", ["canción", "canciones"]),
        ("de", ["Häuser", "Häusern"]),
        ("ru", ["книга", "книги"]),
        ("it", ["dell'amico", "amici"]),
        ("de-AT", ["Häuser", "häusern"]),
    ],
)
def test_forms_of_a_word_have_one_stem_in_their_language(language: str, words: list[str]) -> None:
    assert len({token.stem for word in words for token in get_analyzer(language).tokenize(word)}) == 1


def test_words_of_a_language_without_a_stemmer_are_only_normalized() -> None:
    assert get_analyzer("xx").analyze("Running Zürich") == (["running", "zurich"], ["running", "zurich"])


def test_a_query_drops_the_last_character_of_a_run_only_at_its_end() -> None:
    assert [token.stem for token in get_analyzer("ja").tokenize("東京", query=True)] == ["東京"]
    assert [token.stem for token in get_analyzer("ja").tokenize("京", query=True)] == ["京"]
    assert [token.stem for token in get_analyzer("ja").tokenize("東京2020", query=True)] == [
        "東京",
        "京",
        "2020",
    ]


def test_stop_words_are_normalized_and_known_for_common_languages() -> None:
    assert "the" in stop_words("en")
    assert "fur" in stop_words("de")
    assert stop_words("xx") == frozenset()


@given(st.text())
@example("ŉ")
@example("\u0301\u0301")
@example("İ'S")
@example("@\u0301 #")
@example("a.b.c.d.")
def test_every_token_stands_where_it_says(text: str) -> None:
    for language in ("en", "fr", "ja"):
        place = 0
        for token in get_analyzer(language).tokenize(text):
            assert 0 <= token.start < token.end <= len(text)
            assert token.start >= place
            place = token.start
            assert token.stem
            assert token.word


@given(st.text())
def test_documents_and_tokens_have_the_same_forms(text: str) -> None:
    for language in ("en", "es", "ko"):
        stems, words = get_analyzer(language).analyze(text)
        tokens = get_analyzer(language).tokenize(text)
        assert stems == [token.stem for token in tokens]
        assert words == [token.word for token in tokens]


@given(st.text())
def test_places_are_those_of_the_tokens(text: str) -> None:
    words = get_analyzer("en")
    tokens = words.tokenize(text)
    stems = frozenset(token.stem for token in tokens[::2])
    marked = {place for token in tokens if token.stem in stems for place in range(token.start, token.end)}
    spans = words.find_spans(text, stems, frozenset())
    assert {place for start, end in spans for place in range(start, end)} == marked
    assert all(a[1] <= b[0] for a, b in pairwise(spans))


@given(st.text())
def test_normalizing_twice_changes_nothing_in_plain_text(text: str) -> None:
    plain = unicodedata.normalize("NFKC", text)
    if normalize(plain).isascii():
        assert normalize(normalize(plain)) == normalize(plain)


def test_whoosh_sees_the_same_terms_with_positions_and_characters() -> None:
    text = "Zürich's covid-19 rules"
    tokens = [
        (token.text, token.pos, token.startchar, token.endchar)
        for token in FormAnalyzer("en", "stem")(text, positions=True, chars=True, mode="index")
    ]
    assert tokens == [
        ("zurich/en", 0, 0, 8),
        ("covid/en", 1, 9, 14),
        ("19", 2, 15, 17),
        ("rule/en", 3, 18, 23),
    ]


def test_the_whoosh_analyzer_can_be_stored_in_a_schema() -> None:
    stored = pickle.loads(pickle.dumps(FormAnalyzer("de", "word")))
    assert [token.text for token in stored("Häuser")] == ["hauser"]


@given(st.text(alphabet=st.characters(max_codepoint=127), max_size=80))
@example("R&D's AT&Tx @a_b #c C++ C# ab# U.S.x a.b. 1,2,3x 'tis")
def test_ascii_text_has_the_same_tokens_as_other_text(text: str) -> None:
    words = get_analyzer("en")
    # A letter of another script at the end changes nothing before the space.
    assert words.split_surfaces(text) == words.split_surfaces(f"{text} \u00e9")[:-1]


@given(
    st.sampled_from(["en", "fr", "it", "tr", "vi", "zh", "he", "xx"]),
    st.lists(
        st.sampled_from(["l'", "'s", "+", "#", "@", "&", ".", ",", "U.S.", "C", "qu'", "d", "a", "1", " "])
    ).map("".join)
    | st.text(alphabet=st.characters(max_codepoint=127), max_size=80),
)
def test_each_surface_of_ascii_text_is_one_token(language: str, text: str) -> None:
    analyzer = get_analyzer(language)
    assert len(analyzer.split_surfaces(text)) == len(analyzer.tokenize(text))

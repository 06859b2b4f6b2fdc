from __future__ import annotations

import copy
import pickle
from datetime import date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from whoosh.query.compound import And, Or
from whoosh.query.qcore import Every, NullQuery, Query
from whoosh.query.terms import FuzzyTerm, Prefix, Term, Wildcard
from whoosh.query.wrappers import Not

from indexer import limits
from indexer.article import PROPERTIES
from indexer.query import (
    AllOf,
    DateRange,
    Filter,
    Must,
    Near,
    ParsedQuery,
    RawPhrase,
    describe_query,
    parse_query,
)
from indexer.query.parser import parse_simple
from indexer.results import Note

TODAY = date(2024, 3, 1)
Y2021 = DateRange(datetime(2021, 1, 1), datetime(2022, 1, 1))
Y2022 = DateRange(datetime(2022, 1, 1), datetime(2023, 1, 1))


def read(text: str) -> ParsedQuery:
    return parse_query(text, today=TODAY)


def notes_of(text: str) -> list[str]:
    return [str(note) for note in read(text).notes]


def word(text: str, field: str = "text") -> Term:
    return Term(field, text)


A, B, C, D = (word(letter) for letter in "abcd")

WORDS: list[tuple[str, Query]] = [
    ("", NullQuery),
    (" \t\n\u3000", NullQuery),
    ("syria", word("syria")),
    ("belt road", AllOf([word("belt"), word("road")])),
    ("the the", AllOf([word("the"), word("the")])),
    (
        "covid-19 東京都 R&D C++ U.S. @name",
        AllOf([word(w) for w in ["covid-19", "東京都", "R&D", "C++", "U.S.", "@name"]]),
    ),
    ("don't l'avion ‘so’", AllOf([word("don't"), word("l'avion"), word("‘so’")])),
    ("a - b", AllOf([A, B])),
    ("a — b", AllOf([A, B])),
    ("a–b –a", AllOf([word("a–b"), word("–a")])),
    ("a-b +-b --b a+", AllOf([word("a-b"), word("+-b"), word("--b"), word("a+")])),
    ("word^2", Term("text", "word", boost=2.0)),
    ("[jan to feb]", AllOf([word("[jan"), word("to"), word("feb]")])),
    ("{a TO b}", AllOf([word("{a"), word("TO"), word("b}")])),
    (
        "12:30 http://example.org/x?y=* std::vector",
        AllOf([word("12:30"), word("http://example.org/x?y=*"), word("std::vector")]),
    ),
    ("tram/bus", AllOf([word("tram"), word("bus")])),
    ("title:tram/bus c", AllOf([word("tram", "title"), word("bus", "title"), C])),
    ("tram/bus^2", AllOf([Term("text", "tram", boost=2.0), Term("text", "bus", boost=2.0)])),
    ("-tram/bus c", AllOf([Not(And([word("tram"), word("bus")])), C])),
    ("tram/bus OR c", Or([AllOf([word("tram"), word("bus")]), C])),
    ("tram/fer*", AllOf([word("tram"), Prefix("text", "fer")])),
    ("km/h TCP/IP and/or", AllOf([word("km/h"), word("TCP/IP"), word("and/or")])),
    ("9/11 24/7 /a b/ Q1/2020", AllOf([word(w) for w in ["9/11", "24/7", "/a", "b/", "Q1/2020"]])),
    (
        "www.a.example/b a.example/bus/tram x@a.example/b ftp://tram/bus",
        AllOf(
            [word(w) for w in ["www.a.example/b", "a.example/bus/tram", "x@a.example/b", "ftp://tram/bus"]]
        ),
    ),
    ("🎉 👍🏽", AllOf([word("🎉"), word("👍🏽")])),
    ("東京、大阪「京都」", AllOf([word("東京"), word("大阪"), word("京都")])),
    ("מלחמה שלום", AllOf([word("מלחמה"), word("שלום")])),
    ('ארה"ב', word('ארה"ב')),
    ("a\x00b", AllOf([A, B])),
    ("\ud83d\ude00", word("😀")),
    ("who won?", AllOf([word("who"), word("won")])),
    ("the ?slip? a?--b", AllOf([word("the"), word("slip"), word("a?--b")])),
    ("what?! why??", AllOf([word("what?!"), word("why")])),
]

PATTERNS: list[tuple[str, Query]] = [
    ("comp*", Prefix("text", "comp")),
    ("comp***", Prefix("text", "comp")),
    ("(comp*)", Prefix("text", "comp")),
    ("comp*,", Prefix("text", "comp")),
    ("covid-1*", Prefix("text", "covid-1")),
    ("wom?n", Wildcard("text", "wom?n")),
    ("wom?n?", Wildcard("text", "wom?n")),
    ("?omp*", Wildcard("text", "?omp*")),
    ("*ology", Wildcard("text", "*ology")),
    ("**bold**", Wildcard("text", "*bold*")),
    ("c?mp*", Wildcard("text", "c?mp*")),
    ("title:comp*", Prefix("title", "comp")),
    ("word~", FuzzyTerm("text", "word", maxdist=1)),
    ("word~1", FuzzyTerm("text", "word", maxdist=1)),
    ("word~2,", FuzzyTerm("text", "word", maxdist=2)),
    ("word~0", word("word")),
    ("~word", word("~word")),
    ("*", Every()),
    ("*:*", Every()),
    ("* a", A),
    ("* -a", And([Every(), Not(A)])),
]

PHRASES: list[tuple[str, Query]] = [
    ('"belt and road"', RawPhrase("text", "belt and road")),
    ('"a AND  (b*"', RawPhrase("text", "a AND (b*")),
    ('"a b"~5', RawPhrase("text", "a b", 5)),
    ('"a b"~0', RawPhrase("text", "a b", 1)),
    ('"a b"~ c', AllOf([RawPhrase("text", "a b"), C])),
    ('"" a', A),
    ('"dog"', RawPhrase("text", "dog")),
    ('a"b"c', AllOf([A, RawPhrase("text", "b"), C])),
    ("“a b” ”a b” „a b“ „a b” « a b » »a b«", AllOf([RawPhrase("text", "a b")] * 6)),
    ("“a 'b' \"c”", RawPhrase("text", "a 'b' \"c")),
    ('"צה"ל נכנס" א', AllOf([RawPhrase("text", 'צה"ל נכנס'), word("א")])),
    ('title:"a b"', RawPhrase("title", "a b")),
    ('-"a b" c', AllOf([Not(RawPhrase("text", "a b", exact=True)), C])),
    (
        '-(#a OR "b c" NEAR/2 d) c',
        AllOf(
            [
                Not(
                    Or(
                        [
                            RawPhrase("text", "#a", exact=True),
                            Near("text", (RawPhrase("text", "b c", exact=True), D), (2,)),
                        ]
                    )
                ),
                C,
            ]
        ),
    ),
    ('+"a b" c', AllOf([Must(RawPhrase("text", "a b")), C])),
]

NEARS: list[tuple[str, Query]] = [
    ("a NEAR/5 b", Near("text", (A, B), (5,))),
    ("a NEAR b", Near("text", (A, B), (10,))),
    ("a NEAR/0 b", Near("text", (A, B), (1,))),
    ("a NEAR/5 b NEAR/2 c", Near("text", (A, B, C), (5, 2))),
    ("a NEAR/5 b c", AllOf([Near("text", (A, B), (5,)), C])),
    ("a b NEAR/5 c OR d", Or([AllOf([A, Near("text", (B, C), (5,))]), D])),
    ("-a NEAR/5 b", And([Every(), Not(Near("text", (A, B), (5,)))])),
    ("+a NEAR/5 b c", AllOf([Must(Near("text", (A, B), (5,))), C])),
    ("a NEAR/5 (b OR c)", Near("text", (A, Or([B, C])), (5,))),
    ('"a b" NEAR/5 c*', Near("text", (RawPhrase("text", "a b"), Prefix("text", "c")), (5,))),
    ("title:a NEAR/5 b", Near("title", (word("a", "title"), B), (5,))),
    ("title:(a NEAR/5 b)", Near("title", (word("a", "title"), word("b", "title")), (5,))),
    ("(a NEAR/5 b)^3", Near("text", (A, B), (5,), 3.0)),
    ("a^2 NEAR/5 b^3", Near("text", (A, B), (5,), 6.0)),
    ("a NEAR/5 ()", A),
    ("near a", AllOf([word("near"), A])),
    ("a NEARBY b", AllOf([A, word("NEARBY"), B])),
]

EXACT: list[tuple[str, Query]] = [
    ("=a", RawPhrase("text", "a", exact=True)),
    ("=a!", RawPhrase("text", "a!", exact=True)),
    ("-=a b", AllOf([Not(RawPhrase("text", "a", exact=True)), B])),
    ('="a b"', RawPhrase("text", "a b", exact=True)),
    ('="a b"~3', RawPhrase("text", "a b", 3, exact=True)),
    ("title:=a", RawPhrase("title", "a", exact=True)),
    ("=com*", Prefix("text", "com")),
    ("a=b", word("a=b")),
    ("a = b", AllOf([A, B])),
]

BOOSTS: list[tuple[str, Query]] = [
    ("a^2", Term("text", "a", boost=2.0)),
    ("a^.5 b", AllOf([Term("text", "a", boost=0.5), B])),
    ("a^2.25,", Term("text", "a,", boost=2.25)),
    ("a^0", Term("text", "a", boost=0.0)),
    ("=a^2", RawPhrase("text", "a", exact=True, boost=2.0)),
    ('"a b"~2^3', RawPhrase("text", "a b", 2, boost=3.0)),
    ("com*^2", Prefix("text", "com", boost=2.0)),
    ("w?rd^2", Wildcard("text", "w?rd", boost=2.0)),
    ("word~2^2", FuzzyTerm("text", "word", maxdist=2, boost=2.0)),
    ("(a OR b)^2", Or([Term("text", "a", boost=2.0), Term("text", "b", boost=2.0)])),
    ("(a OR b)^2 NEAR c^3", Near("text", (Or([A, B]), C), (10,), boost=6.0)),
    ("(a^2 b)^3 c", AllOf([Term("text", "a", boost=6.0), Term("text", "b", boost=3.0), C])),
    ("-a^2 b", AllOf([Not(A), B])),
    ("-(a^2) b", AllOf([Not(A), B])),
    ("a date:2021^2", AllOf([A, Y2021])),
    ("(a date:2021)^2", AllOf([Term("text", "a", boost=2.0), Y2021])),
    ("^2 a^x 2^^", AllOf([word("^2"), word("a^x"), word("2^^")])),
]

EN = Filter("language", "en")
FILTERS: list[tuple[str, Query]] = [
    ("lang:en", And([Every(), EN])),
    ("LANG:en a", AllOf([EN, A])),
    ("language:en a", AllOf([EN, A])),
    ('lang:"en" a', AllOf([EN, A])),
    ("+lang:en a", AllOf([EN, A])),
    ("lang:en^2 a", AllOf([EN, A])),
    ("-lang:en", And([Every(), Not(EN)])),
    ("lang:(en OR de) a", AllOf([Or([EN, Filter("language", "de")]), A])),
    ("site:example.org:80/x a", AllOf([Filter("site", "example.org:80/x"), A])),
    ("domain:example.org a", AllOf([Filter("site", "example.org"), A])),
    ('source:"a b.txt" a', AllOf([Filter("source", "a b.txt"), A])),
    ("id:a:1 a", AllOf([Filter("id", "a:1"), A])),
    ("a OR lang:en", Or([A, EN])),
    ("title:(a lang:en)", AllOf([word("a", "title"), EN])),
    ('lang:"" a', A),
    ("headline:a body:b", AllOf([word("a", "title"), word("b", "paragraph")])),
    ("on:2021 a", AllOf([Y2021, A])),
    ("published:2021 a", AllOf([Y2021, A])),
    ("since:2021 a", AllOf([DateRange(datetime(2021, 1, 1), None), A])),
    ("until:2021 a", AllOf([DateRange(None, datetime(2022, 1, 1)), A])),
]

OPERATORS: list[tuple[str, Query]] = [
    ("a AND b", And([A, B])),
    ("a AND b AND c", And([A, B, C])),
    ("a AND b c", AllOf([And([A, B]), C])),
    ("a b AND c", AllOf([A, And([B, C])])),
    ("a OR b", Or([A, B])),
    ("a OR b OR c", Or([A, B, C])),
    ("a OR b c", Or([A, AllOf([B, C])])),
    ("a b OR c d", Or([AllOf([A, B]), AllOf([C, D])])),
    ("a OR b AND c", Or([A, And([B, C])])),
    ("a AND b OR c", Or([And([A, B]), C])),
    ("(a OR b) c", AllOf([Or([A, B]), C])),
    ("(a OR b) AND c", And([Or([A, B]), C])),
    ("a AND(b OR c)", And([A, Or([B, C])])),
    ("(a) OR (b)", Or([A, B])),
    ("a (b c) d", AllOf([A, B, C, D])),
    ("a AND (b c)", And([A, AllOf([B, C])])),
    ("a NOT b", AllOf([A, Not(B)])),
    ("a AND NOT b", And([A, Not(B)])),
    ("NOT a AND b", And([Not(A), B])),
    ("NOT (a OR b) c", AllOf([Not(Or([A, B])), C])),
    ("NOT(a b) c", AllOf([Not(And([A, B])), C])),
    ("a -b", AllOf([A, Not(B)])),
    ("a -(b c)", AllOf([A, Not(And([B, C]))])),
    ("-a", And([Every(), Not(A)])),
    ("NOT a", And([Every(), Not(A)])),
    ("-a -b", And([Every(), Not(A), Not(B)])),
    ("-a AND -b", And([Every(), Not(A), Not(B)])),
    ("a AND (-b -c)", And([A, Not(B), Not(C)])),
    ("a OR -b", Or([A, And([Every(), Not(B)])])),
    ("-a OR -b", And([Every(), Or([And([Every(), Not(A)]), And([Every(), Not(B)])])])),
    ("-(-a)", A),
    ("NOT NOT a", A),
    ("NOT NOT NOT a b", AllOf([Not(A), B])),
    ("-(-a -b)", And([Every(), Not(And([Every(), Not(A), Not(B)]))])),
    ("+a", Must(A)),
    ("+a b", AllOf([Must(A), B])),
    ("+(a b) c", AllOf([Must(And([A, B])), C])),
    ("+(+a OR b) c", AllOf([Must(Or([A, B])), C])),
    ("-(+a b) c", AllOf([Not(And([A, B])), C])),
    ("+(-a) b", AllOf([Not(A), B])),
    ("NOT +a b", AllOf([Not(A), B])),
    ("() a", A),
    ("-() a", A),
    ("a AND () b", AllOf([A, B])),
]

FIELDS: list[tuple[str, Query]] = [
    ("title:a", word("a", "title")),
    ("Title:a", word("a", "title")),
    ("paragraph:a", word("a", "paragraph")),
    ("text:a", word("a", "paragraph")),
    ("title:a b", AllOf([word("a", "title"), B])),
    ("title:(a b) c", AllOf([word("a", "title"), word("b", "title"), C])),
    ("title:(a text:b)", AllOf([word("a", "title"), word("b", "paragraph")])),
    ("title:(a OR (b c))", Or([word("a", "title"), AllOf([word("b", "title"), word("c", "title")])])),
    ("-title:a b", AllOf([Not(word("a", "title")), B])),
    ("+title:a b", AllOf([Must(word("a", "title")), B])),
    ("NOT title:a b", AllOf([Not(word("a", "title")), B])),
    ("title:-a", word("-a", "title")),
    ("title:NOT b", AllOf([word("NOT", "title"), B])),
    ("title:12:30", word("12:30", "title")),
    ("title:wom?n", Wildcard("title", "wom?n")),
    ("title:word~", FuzzyTerm("title", "word")),
    ("title: a", AllOf([word("title:"), A])),
    ("a title:", AllOf([A, word("title:")])),
    ("subtitle-title:", word("subtitle-title:")),
    ("title:(a b) -title:(c)", AllOf([word("a", "title"), word("b", "title"), Not(word("c", "title"))])),
]

DATES: list[tuple[str, Query]] = [
    ("date:2021", And([Every(), Y2021])),
    ("a date:2021", AllOf([A, Y2021])),
    ("a date:2021-03..2021-05", AllOf([A, DateRange(datetime(2021, 3, 1), datetime(2021, 6, 1))])),
    ("a date:2021..", AllOf([A, DateRange(datetime(2021, 1, 1), None)])),
    ("a date:..2021", AllOf([A, DateRange(None, datetime(2022, 1, 1))])),
    ("after:2021 a", AllOf([DateRange(datetime(2021, 1, 1), None), A])),
    ("before:2022-03 a", AllOf([DateRange(None, datetime(2022, 3, 1)), A])),
    ('date:"nov 2021" a', AllOf([DateRange(datetime(2021, 11, 1), datetime(2021, 12, 1)), A])),
    ("date:today a", AllOf([DateRange(datetime(2024, 3, 1), datetime(2024, 3, 2)), A])),
    ("before:yesterday a", AllOf([DateRange(None, datetime(2024, 2, 29)), A])),
    ("a -date:2021", AllOf([A, Not(Y2021)])),
    ("-date:2021", And([Every(), Not(Y2021)])),
    ("-a date:2021", And([Every(), Not(A), Y2021])),
    ("+date:2021 a", AllOf([Y2021, A])),
    ("date:2021 OR date:2022", And([Every(), Or([Y2021, Y2022])])),
    ("date:(2021 OR 2022) a", AllOf([Or([Y2021, Y2022]), A])),
    ("date:2021 AND a", And([Y2021, A])),
    ("a OR date:2021", Or([A, Y2021])),
    ("a OR (date:2021 -b)", Or([A, And([Every(), Y2021, Not(B)])])),
    ("a (date:2021 AND -b)", AllOf([A, Y2021, Not(B)])),
    ("title:(a date:2021)", AllOf([word("a", "title"), Y2021])),
    ("* date:2021", And([Every(), Y2021])),
]


@pytest.mark.parametrize(
    ("text", "tree"),
    WORDS + PATTERNS + PHRASES + NEARS + EXACT + BOOSTS + FILTERS + OPERATORS + FIELDS + DATES,
)
def test_a_query_that_is_understood_has_its_tree_and_no_notes(text: str, tree: Query) -> None:
    assert read(text) == ParsedQuery(tree, ())


@pytest.mark.parametrize(
    ("text", "tree", "note"),
    [
        ("foo:bar", word("foo:bar"), "There is no field “foo”; it was searched as text."),
        (
            'foo:"a b"',
            AllOf([word("foo:"), RawPhrase("text", "a b")]),
            "There is no field “foo”; it was searched as text.",
        ),
        ("tıtle:a", word("tıtle:a"), "There is no field “tıtle”; it was searched as text."),
        ("ſite:a", word("ſite:a"), "There is no field “ſite”; it was searched as text."),
        (
            "title:(a OR)",
            AllOf([word("a", "title"), word("OR", "title")]),
            "“OR” has nothing to join; it was read as a word.",
        ),
        ("date:banana", word("banana"), "“banana” is not a date; it was searched as text."),
        ("date:0000", word("0000"), "“0000” is not a date; it was searched as text."),
        ("after:9999999 a", AllOf([word("9999999"), A]), "“9999999” is not a date; it was searched as text."),
        ("after:2021..2022", word("2021..2022"), "“2021..2022” is not a date; it was searched as text."),
        ("date:[jan to", AllOf([word("[jan"), word("to")]), "“[jan” is not a date; it was searched as text."),
        (
            'date:"big bang"',
            RawPhrase("text", "big bang"),
            "“big bang” is not a date; it was searched as text.",
        ),
        (
            "a date:05/03/2024",
            AllOf([A, DateRange(datetime(2024, 3, 5), datetime(2024, 3, 6))]),
            "“05/03/2024” was read with the day first.",
        ),
        ("AND", word("AND"), "“AND” has nothing to join; it was read as a word."),
        ("a AND", AllOf([A, word("AND")]), "“AND” has nothing to join; it was read as a word."),
        ("OR a", AllOf([word("OR"), A]), "“OR” has nothing to join; it was read as a word."),
        ("a NOT", AllOf([A, word("NOT")]), "“NOT” has nothing to join; it was read as a word."),
        ("a (AND) b", AllOf([A, word("AND"), B]), "“AND” has nothing to join; it was read as a word."),
        ("NOT OR a", Or([word("NOT"), A]), "“NOT” has nothing to join; it was read as a word."),
        (
            "a OR OR b",
            Or([AllOf([A, word("OR")]), B]),
            "“OR” has nothing to join; it was read as a word.",
        ),
        (
            "A B C AND D OR A AND B",
            AllOf([word(w) for w in ["A", "B", "C", "AND", "D", "OR", "A", "AND", "B"]]),
            "The query is in capitals, so AND, OR were read as words.",
        ),
        (
            "A B -C NOT D E",
            AllOf([word("A"), word("B"), Not(word("C")), word("NOT"), word("D"), word("E")]),
            "The query is in capitals, so NOT was read as a word.",
        ),
        (
            "word~7",
            FuzzyTerm("text", "word", maxdist=2),
            "“word~7”: at most 2 letters may differ; ~2 was used.",
        ),
        (
            '"a b"~999',
            RawPhrase("text", "a b", 100),
            "The words of a phrase may stand at most 100 apart; ~100 was used.",
        ),
        ("title:* a", A, "“*” has no letters or digits; it was ignored."),
        ('"a b', AllOf([A, B]), "A quotation mark without its partner was ignored."),
        ("“a b", AllOf([A, B]), "A quotation mark without its partner was ignored."),
        ('a 5" b', AllOf([A, word("5"), B]), "A quotation mark without its partner was ignored."),
        ("a (b OR c", AllOf([A, Or([B, C])]), "A parenthesis without its partner was closed at the end."),
        ("a) b :)", AllOf([A, B]), "A parenthesis without its partner was ignored."),
        ("a\ud800", word("a\ufffd"), "Broken characters in the query were replaced."),
        (":", NullQuery, "There is nothing to search for in the query."),
        ("?! … ()", NullQuery, "There is nothing to search for in the query."),
    ],
)
def test_a_clause_that_is_not_understood_is_searched_as_text_with_a_note(
    text: str, tree: Query, note: str
) -> None:
    assert read(text).tree == tree
    assert notes_of(text) == [note]


def test_a_long_query_is_truncated_between_words_with_a_note() -> None:
    text = "abc " * 3_000
    found = read(text)
    assert len(list(found.tree.leaves())) == limits.CLAUSES
    assert notes_of(text) == [
        "Only the first 2,000 of 11,999 characters of the query were read.",
        "Only the first 128 words and phrases were searched for; 372 were ignored.",
    ]
    assert len(found.text) == limits.CHARACTERS - 1
    assert read(f"{'x' * 98} " * 30).tree == AllOf([word("x" * 98)] * 20)


def test_the_longest_query_can_be_configured() -> None:
    text = f"{'x' * 100} " * 35
    assert parse_query(text, today=TODAY, characters=4_000).notes == ()
    assert len(list(parse_query(text, today=TODAY, characters=4_000).tree.leaves())) == 35


@pytest.mark.parametrize(
    "text", ["a" * 40_000, "a " * 40_000, "(" * 40_000, '"' + "a " * 40_000, "\ud800" * 40_000]
)
def test_a_text_is_parsed_no_further_than_the_longest_query(text: str) -> None:
    found = read(text)
    assert len(found.text) <= limits.CHARACTERS
    assert found == read(text[: limits.CHARACTERS + 1]) or found.notes != ()


def test_a_pasted_sentence_has_no_notes() -> None:
    text = "Effects of transonic flow on wing-body interference, as measured (in part) at M 0.8. " * 2
    assert read(text).notes == ()


def test_a_long_word_is_truncated_with_a_note() -> None:
    found = read("a" * 40_000)
    assert found.tree == word("a" * limits.WORD)
    assert len(found.notes) == 2


def test_a_phrase_is_one_clause() -> None:
    words = " ".join(["a"] * 100)
    assert read(f'"{words}" b') == ParsedQuery(AllOf([RawPhrase("text", words), B]))
    text = " ".join(f'"{number} {number}"' for number in range(100, 229))
    assert len(list(read(text).tree.leaves())) == limits.CLAUSES
    assert notes_of(text) == ["Only the first 128 words and phrases were searched for; 1 was ignored."]


def test_deep_parentheses_are_ignored_with_a_note() -> None:
    text = "(a AND (b OR " * 15 + "c" + "))" * 15
    assert notes_of(text) == ["Parentheses nest at most 20 deep; deeper ones were ignored."]
    assert len(list(read(text).tree.leaves())) == 31


def test_the_last_of_many_notes_counts_the_others() -> None:
    notes = notes_of(" ".join(f"foo{n}:bar" for n in range(30)))
    assert len(notes) == limits.NOTES
    assert notes[-1] == "There are 21 more notes like these."


def test_a_note_is_a_code_with_values_and_a_message() -> None:
    message = "“banana” is not a date; it was searched as text."
    assert read("date:banana").notes == (Note("no_date", {"text": "“banana”"}, message),)
    (note,) = read("a last week").notes
    assert note.code == "read_as_date"
    assert note.values == {
        "text": "“last week”",
        "start": "2024-02-19T00:00:00",
        "end": "2024-02-26T00:00:00",
    }


def test_a_note_does_not_repeat_a_long_word() -> None:
    assert all(len(note) < 120 for note in notes_of("date:" + "x" * 5_000))


HOSTILE = [
    *(
        "(" * 10_000,
        ")" * 10_000,
        "()" * 5_000,
        "(" * 200 + "a" + ")" * 200,
        "(" * 199 + "a" + " OR b)" * 199,
    ),
    *(
        '"' * 9_001,
        "“" * 9_000,
        "»" * 9_000,
        '“"' * 5_000,
        '"א' * 5_000,
        'title:"' * 1_500,
        '"a b"~99999999 ' * 500,
    ),
    *("-" * 9_000, "-a " * 4_000, "-+ " * 3_000, "-(+(" * 2_500, "-(NOT (a " * 1_000),
    *("AND " * 3_000, "NOT " * 3_000, "NOT AND " * 1_500, "a OR " * 3_000, "* OR " * 2_000),
    *(":" * 9_000, "title:" * 2_000, "title:(" * 2_000, "foo:bar " * 2_000),
    *("*" * 9_000, "a*" * 5_000, "?" * 9_000, "a?" * 5_000, "~" * 9_000, "a~9 " * 3_000),
    *(
        "date:2021..2022 " * 1_000,
        "date:" + "." * 9_000,
        "date:" + "0" * 9_000,
        f'date:"{"jan 2021 " * 900}"',
    ),
    *(
        "\0" * 9_000,
        "\ud800" * 9_000,
        "\ude00\ud83d" * 3_000,
        "👍🏽" * 4_000,
        "東京" * 5_000,
        "a\u0301" * 5_000,
    ),
    *("a" * 100_000, " " * 100_000, "a " * 50_000, "\u202eabc\u202c", "\u200b", "\ufeff"),
    *(
        "a NEAR/3 " * 2_000,
        "NEAR " * 2_000,
        "(a)^9 " * 2_000,
        "((a)^2 " * 1_500,
        "a^2 " * 3_000,
        "^2" * 4_000,
    ),
    *("=" * 9_000, '="' * 4_000, '="a b"^2 ' * 900, "a" * 8_000 + "^2", "a^" * 4_000, "^2" * 4_000),
    *("lang:en " * 1_000, "id:* " * 2_000, "site:" * 2_000, 'source:"' * 1_000, "+lang:x^2 " * 900),
    *("last week " * 900, "since 2020 " * 900, "last " * 2_000, "date:[" * 1_500, "date:[a TO b] " * 800),
    *("between 2019 and " * 600, "2021-03..2021-05 " * 500, "in" + " " * 8_000 + "the", "date:last " * 1_000),
    *("05/03/2024..06/03/2024 " * 400, "date:3 days ago " * 500, "last 9999 years", 'date:"last 0 days"'),
    *("\x1b[31m", "%00", "'; --", "<b>", "\\", "\\u0000", "a\\*"),
]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_text_has_a_well_formed_tree(text: str) -> None:
    check(read(text))


_TOKENS = st.sampled_from(
    [
        *(
            "a",
            "b",
            "東京",
            "\ud800",
            " ",
            " ",
            "(",
            ")",
            '"',
            "“",
            "”",
            "-",
            "+",
            "AND ",
            " OR ",
            "NOT ",
            "NOT(",
        ),
        *(
            "title:",
            "date:",
            "lang:",
            "id:",
            " NEAR ",
            " NEAR/3 ",
            "=",
            "^2",
            "^",
            "last week ",
            "since 2020 ",
            "after:",
            "foo:",
            "2021",
            "..",
            "*",
            "?",
            "~",
            "~2",
            ":",
            ".",
            "、",
            "\0",
            "x://",
        ),
    ]
)


@settings(max_examples=300)
@given(st.one_of(st.text(), st.lists(_TOKENS, max_size=60).map("".join)))
def test_any_text_has_a_well_formed_tree_and_always_the_same(text: str) -> None:
    found = read(text)
    check(found)
    assert read(text) == found


@given(st.lists(st.sampled_from("abcdefg"), min_size=2, max_size=limits.CLAUSES))
def test_plain_words_keep_their_number_and_order(words: list[str]) -> None:
    assert read(" ".join(words)).tree == AllOf([word(letter) for letter in words])


_SHORT = st.sampled_from(
    ["a", "AND", "OR", "NOT", "NEAR", "US", "UK", "2024", "2024-03", "last", "week", "to", "Zoë", "東京",
     "٣²", "x_y", "a-b", "don't", "-a", "a-"]
)  # fmt: skip
_SIMPLE = st.builds(
    "{}{}{}".format,
    st.sampled_from(["", "", '"', "-", "title:"]),
    st.lists(_SHORT, min_size=1, max_size=9).flatmap(
        lambda words: st.sampled_from([" ", " ", " AND ", "  "]).map(lambda between: between.join(words))
    ),
    st.sampled_from(["", "", '"', "*", "?"]),
)


@given(st.one_of(st.text(), _SIMPLE))
def test_simple_texts_have_the_tree_that_their_tokens_have(text: str) -> None:
    text = text.strip()
    simple = parse_simple(text, limits.CLAUSES)
    # A lone mark, which means nothing, makes any text one that is not simple.
    assert parse_simple(f"{text} .", limits.CLAUSES) is None
    if simple is not None:
        found = read(f"{text} .")
        assert (found.tree, str(found.tree), found.notes) == (simple, str(simple), ())
        assert type(found.tree) is type(simple)


@pytest.mark.parametrize(
    "text",
    ["a b", "Zoë AND 東京", "a AND b AND c", '"a b"', '"a"', "a*", "2024", "US UK", "don't covid-19"],
)
def test_the_commonest_queries_are_simple(text: str) -> None:
    assert parse_simple(text, limits.CLAUSES) is not None


@pytest.mark.parametrize(
    "text",
    ["", "a  b", "a OR b", "a AND", "AND AND b", "a b AND c", "A AND B", "mill last week", "x_y", '"', "-a",
     "a-", "a" * limits.WORD, "a" * (limits.WORD - 1) + "**", " ".join("a" * (limits.CLAUSES + 1))],
)  # fmt: skip
def test_what_could_mean_more_is_not_simple(text: str) -> None:
    assert parse_simple(text, limits.CLAUSES) is None


def check(found: ParsedQuery) -> None:
    """Check that only the documented nodes occur, in the documented places, as Whoosh expects them."""
    tree = found.tree
    assert len(found.notes) <= limits.NOTES
    assert all(str(note).isprintable() for note in found.notes)
    assert copy.deepcopy(tree) == tree
    assert hash(copy.deepcopy(tree)) == hash(tree)
    assert str(tree)
    assert repr(tree)
    if tree is NullQuery:
        return
    assert pickle.loads(pickle.dumps(tree)) == tree
    leaves = list(tree.leaves())
    assert 0 < len(leaves) <= 2 * limits.CLAUSES + 1
    assert isinstance(tree.all_terms(), set)
    assert not isinstance(tree, (Not, DateRange, Filter))
    assert describe_query(tree)
    walk(tree, strict=False)


def walk(node: Query, *, strict: bool) -> None:
    kind = type(node)
    words = (Term, Prefix, Wildcard, FuzzyTerm, RawPhrase)
    assert kind in (*words, Near, DateRange, Filter, Every, AllOf, And, Or, Must, Not)
    boost = getattr(node, "boost", 1)
    assert 0 <= boost <= limits.BOOST
    if kind not in (*words, Near):
        assert boost == 1
    if isinstance(node, Near):
        assert node.fieldname in ("text", "title", "paragraph")
        assert len(node.parts) == len(node.distances) + 1 > 1
        assert all(1 <= distance <= 100 for distance in node.distances)
        for part in node.parts:
            for leaf in part if isinstance(part, Or) else [part]:
                assert type(leaf) in words
                assert getattr(leaf, "boost", 1) == 1
    if isinstance(node, Filter):
        assert node.fieldname in PROPERTIES
        assert node.text.strip()
    if kind in (Term, Prefix, Wildcard, FuzzyTerm, RawPhrase):
        assert node.field() in ("text", "title", "paragraph")
        text: str = node.text  # type: ignore[attr-defined]
        assert text
        assert text.encode()
        assert len(text) <= limits.CHARACTERS
        assert kind is RawPhrase or len(text) <= limits.WORD
    if isinstance(node, FuzzyTerm):
        assert node.maxdist in (1, 2)
    if isinstance(node, DateRange):
        assert node.start or node.end
    if isinstance(node, (And, Or)):
        children = list(node)
        assert len(children) > 1
        assert not any(type(child) is kind for child in children)
        assert not all(isinstance(child, Not) for child in children)
        if isinstance(node, Or):
            assert not any(isinstance(child, Not) for child in children)
        else:
            assert all(place == 0 for place, child in enumerate(children) if isinstance(child, Every))
    if strict:
        assert kind not in (AllOf, Must)
    for child in node.children():
        walk(child, strict=strict or isinstance(node, (Must, Not)))

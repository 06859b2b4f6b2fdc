"""A small collection, and queries of every kind with how each is described and what it finds in it."""

from __future__ import annotations

from datetime import date

from hypothesis import strategies as st

from indexer import Article

TODAY = date(2024, 3, 20)  # a Wednesday

ARTICLES = [
    Article(
        id="mill",
        title="The old mill opens",
        paragraphs=[
            "A baker bought the mill and its wheel.",
            "The wheel turns again, slowly; the river is low.",
            "Bakers of the valley came to the opening.",
        ],
        published="2024-03-13",
        language="en-GB",
        url="https://news.valley.example/mill",
        source="wire/valley/mill.txt",
    ),
    Article(
        id="flood",
        title="River floods the lower town",
        paragraphs=[
            "The river rose all night and the bakery stood in water.",
            "Nobody had seen so high a flood since the wheel of the mill was broken.",
        ],
        published="2024-03-19T23:30",
        language="en",
        url="https://www.valley.example/flood",
        source="wire/valley/flood.txt",
    ),
    Article(
        id="bread",
        title="Bread from a low oven",
        paragraphs=["Flour, water, salt. The baker waits.", "Low heat makes the crust; high heat spoils it."],
        published="2023-11",
        language="en",
        url="https://kitchen.example/bread",
        source="kitchen.jsonl",
    ),
    Article(
        id="fluss",
        title="Der Fluss steigt",
        paragraphs=["Das Wasser steht am Mühlrad."],
        published="2021-05-02",
        language="de",
        source="wire/fluss.txt",
    ),
    Article(id="note:1", title="A note without a date", paragraphs=["Ask for the wheel."]),
]
ALL = {article.id for article in ARTICLES}

TABLE: list[tuple[str, str, set[str]]] = [
    # Words
    ("baker", "articles with “baker”, in any form", {"mill", "bread"}),
    ("=baker", "articles with exactly “baker”", {"mill", "bread"}),
    ("=bakers", "articles with exactly “bakers”", {"mill"}),
    ("=MÜHLRAD", "articles with exactly “MÜHLRAD”", {"fluss"}),
    ("title:=floods", "articles with exactly “floods” in the title", {"flood"}),
    ('="the wheel turns"', "articles with exactly the phrase “the wheel turns”", {"mill"}),
    ('="the wheel turn"', "articles with exactly the phrase “the wheel turn”", set()),
    ('"the wheel turn"', "articles with the phrase “the wheel turn”", {"mill"}),
    (
        '="wheel again"~2',
        "articles with exactly the phrase “wheel again” (neighbours up to 2 places apart)",
        {"mill"},
    ),
    ('"bakers"', "articles with exactly “bakers”", {"mill"}),
    ('"floods"', "articles with exactly “floods”", {"flood"}),
    ('"high heat"', "articles with the phrase “high heat”", {"bread"}),
    ('"high heats"', "articles with the phrase “high heats”", {"bread"}),
    ("bak*", "articles with words that begin with “bak”", {"mill", "flood", "bread"}),
    ("b?k*s", "articles with words of the form “b?k*s”", {"mill"}),
    ("rivr~", "articles with words spelt like “rivr” (up to one letter differs)", {"mill", "flood"}),
    ("baker^2 low", "articles with “baker” (counted 2 times) and “low”, in any form", {"mill", "bread"}),
    (
        "(baker OR bakery)^2 low",
        "articles with (“baker” (counted 2 times) or “bakery” (counted 2 times)) and “low”, in any form",
        {"mill", "bread"},
    ),
    ('"low oven"^1.5', "articles with the phrase “low oven” (counted 1.5 times)", {"bread"}),
    # Near
    ("river NEAR/2 low", "articles with “river” within 2 words of “low”, in any form", {"mill"}),
    ("low NEAR/2 river", "articles with “low” within 2 words of “river”, in any form", {"mill"}),
    ("river NEAR/1 low", "articles with “river” within 1 word of “low”, in any form", set()),
    ("wheel NEAR baker", "articles with “wheel” within 10 words of “baker”, in any form", {"mill"}),
    ("wheel NEAR opening", "articles with “wheel” within 10 words of “opening”, in any form", set()),
    ("heat NEAR/6 heat", "articles with “heat” within 6 words of “heat”, in any form", {"bread"}),
    ("salt NEAR/6 salt", "articles with “salt” within 6 words of “salt”, in any form", set()),
    (
        '"high heat" NEAR/5 cru*',
        "articles with the phrase “high heat” within 5 words of words that begin with “cru”",
        {"bread"},
    ),
    (
        "(flood OR bread) NEAR/3 low*",
        "articles with (“flood” or “bread”) within 3 words of words that begin with “low”, in any form",
        {"flood", "bread"},
    ),
    (
        "title:(river NEAR/5 town)",
        "articles with “river” within 5 words of “town” in the title, in any form",
        {"flood"},
    ),
    (
        "night NEAR/9 bakery NEAR/2 water",
        "articles with “night” within 9 words of “bakery” within 2 words of “water”, in any form",
        set(),
    ),
    (
        "night NEAR/9 bakery NEAR/4 stood",
        "articles with “night” within 9 words of “bakery” within 4 words of “stood”, in any form",
        {"flood"},
    ),
    ("-wheel NEAR river", "all articles without “wheel” within 10 words of “river”", ALL - {"mill"}),
    # Together
    ("river OR oven", "articles with “river” or “oven”, in any form", {"mill", "flood", "bread"}),
    ("(river OR oven) low", "articles with (“river” or “oven”) and “low”, in any form", {"mill", "bread"}),
    ("river -flood", "articles with “river”, in any form, without “flood”", {"mill"}),
    ("-river", "all articles without “river”", ALL - {"mill", "flood"}),
    ("*", "all articles", ALL),
    ("", "nothing", set()),
    ("+the wheel", "articles with “the” (required) and “wheel”, in any form", {"mill", "flood", "note:1"}),
    ("wheel NOT (river OR ask)", "articles with “wheel”, in any form, without (“river” or “ask”)", set()),
    # Filters
    ("lang:en", "all articles in the language “en”", {"mill", "flood", "bread", "note:1"}),
    ("Language:EN-gb", "all articles in the language “EN-gb”", {"mill"}),
    ("lang:en_GB", "all articles in the language “en_GB”", {"mill"}),
    ("-lang:en", "all articles not in the language “en”", {"fluss"}),
    (
        "lang:(de OR en-GB)",
        "all articles in the language “de” or in the language “en-GB”",
        {"mill", "fluss"},
    ),
    (
        "wheel lang:en^3",
        "articles with “wheel”, in any form, in the language “en”",
        {"mill", "flood", "note:1"},
    ),
    ("site:valley.example", "all articles from the site “valley.example”", {"mill", "flood"}),
    ("site:news.valley.example", "all articles from the site “news.valley.example”", {"mill"}),
    ("site:ley.example", "all articles from the site “ley.example”", set()),
    (
        "site:https://www.Valley.example/x",
        "all articles from the site “https://www.Valley.example/x”",
        {"mill", "flood"},
    ),
    ("-site:*", "all articles not from the site “*”", {"fluss", "note:1"}),
    ("source:wire", "all articles from the source “wire”", {"mill", "flood", "fluss"}),
    ("source:valley/mill.txt", "all articles from the source “valley/mill.txt”", {"mill"}),
    ("source:ill.txt", "all articles from the source “ill.txt”", set()),
    ("source:kitchen", "all articles from the source “kitchen”", {"bread"}),
    ("source:wire/*", "all articles from the source “wire/*”", {"mill", "flood", "fluss"}),
    ("id:mill", "all articles with the id “mill”", {"mill"}),
    ('id:"note:1"', "all articles with the id “note:1”", {"note:1"}),
    ("id:Mill", "all articles with the id “Mill”", set()),
    ("id:fl*", "all articles with the id “fl*”", {"flood", "fluss"}),
    ("id:* -id:fl*", "all articles with the id “*”, not with the id “fl*”", {"mill", "bread", "note:1"}),
    (
        "+lang:en +site:valley.example",
        "all articles in the language “en”, from the site “valley.example”",
        {"mill", "flood"},
    ),
    (
        "wheel OR lang:de",
        "articles with “wheel” or in the language “de”, in any form",
        {"mill", "flood", "note:1", "fluss"},
    ),
    # Dates
    ("date:2024-03-19", "all articles published on 19 March 2024", {"flood"}),
    ("on:yesterday", "all articles published on 19 March 2024", {"flood"}),
    ('date:"last week"', "all articles published from 11 March 2024 to 17 March 2024", {"mill"}),
    ("date:this week", "all articles published from 18 March 2024 to 24 March 2024", {"flood"}),
    ("date:last 7 days", "all articles published from 14 March 2024 to 20 March 2024", {"flood"}),
    ("date:last 8 days", "all articles published from 13 March 2024 to 20 March 2024", {"mill", "flood"}),
    ("date:last year", "all articles published in 2023", {"bread"}),
    ("date:nov 2023", "all articles published in November 2023", {"bread"}),
    ("date:2023-11-05", "all articles published on 5 November 2023", set()),
    ("date:2024-03-19T23:30", "all articles published at 19 March 2024, 23:30", {"flood"}),
    (
        "date:2024-03-19T23:00..2024-03-19T23:45",
        "all articles published from 19 March 2024, 23:00 to 19 March 2024, 23:45",
        {"flood"},
    ),
    ("before:2024", "all articles published before 1 January 2024", {"bread", "fluss"}),
    ("until:2023", "all articles published before 1 January 2024", {"bread", "fluss"}),
    ("after:yesterday", "all articles published from 19 March 2024 on", {"flood"}),
    ("-date:2024", "all articles not published in 2024", {"bread", "fluss", "note:1"}),
    ("2021-03..2021-05", "all articles published from 1 March 2021 to 31 May 2021", {"fluss"}),
    (
        "date:[2021 TO 2023-12]",
        "all articles published from 1 January 2021 to 31 December 2023",
        {"bread", "fluss"},
    ),
    (
        "wheel last week",
        "articles with “wheel”, in any form, published from 11 March 2024 to 17 March 2024",
        {"mill"},
    ),
    (
        "since 2024 wheel",
        "articles with “wheel”, in any form, published from 1 January 2024 on",
        {"mill", "flood"},
    ),
    ("river yesterday?", "articles with “river”, in any form, published on 19 March 2024", {"flood"}),
    (
        "baker in the past 5 months",
        "articles with “baker”, in any form, published from 21 October 2023 to 20 March 2024",
        {"mill", "bread"},
    ),
    ('wheel "last week"', "articles with “wheel” and the phrase “last week”, in any form", set()),
    (
        "wheel date:2024 -river",
        "articles with “wheel”, in any form, published in 2024, without “river”",
        set(),
    ),
]

_WORDS = st.sampled_from(
    ["wheel", "river", "low", "baker", "the", "Mühlrad", "東京", "covid-19", "U.S.", "😀"]
)
_VALUES = st.sampled_from(
    ["en", "*", "valley.example", "wire", "note:1", "x", "2024", "2023-11", "last week", "banana", ""]
)
_FIELD = st.sampled_from(
    ["title", "TEXT", "date", "after", "until", "on", "lang", "site", "source", "id", "foo"]
)
_ENDINGS = st.sampled_from(["", "", "*", "~", "~2", "^2", "^.5", "^0", "?x", "*^3"])
_ATOMS = st.one_of(
    st.builds("{}{}{}".format, st.sampled_from(["", "", "=", "*"]), _WORDS, _ENDINGS),
    st.builds(
        '{}"{} {}"{}'.format,
        st.sampled_from(["", "="]),
        _WORDS,
        _WORDS,
        st.sampled_from(["", "~3", "^2", "~2^1.5"]),
    ),
    st.builds('{}:"{}"'.format, _FIELD, _VALUES),
    st.builds("{}:{}".format, _FIELD, _VALUES),
    st.sampled_from(
        ["*", "last week", "since 2020", "2021..2024", "yesterday", "AND", "NEAR", "(", ")", '"', "-", "^2"]
    ),
)
QUERIES = st.recursive(
    _ATOMS,
    lambda inner: st.one_of(
        st.builds("{} {}".format, inner, inner),
        st.builds("{} {} {}".format, inner, st.sampled_from(["AND", "OR", "NOT", "NEAR", "NEAR/3"]), inner),
        st.builds("{}{}".format, st.sampled_from(["-", "+", "NOT ", "title:"]), inner),
        st.builds("({}){}".format, inner, st.sampled_from(["", "^2"])),
    ),
    max_leaves=8,
)

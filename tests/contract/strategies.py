"""Queries for properties that hold for any: made of words of the archive and of every kind of clause."""

from __future__ import annotations

import os

from hypothesis import strategies as st

EXAMPLES = int(os.environ.get("TEST_EXAMPLES", "20"))
"""Examples of each property; more of them find rarer faults, in a run that need not be quick."""

WORDS = [
    "harbour",
    "ferry",
    "storm",
    "night",
    "ladder",
    "mill",
    "bees",
    "roof",
    "kettle",
    "barrels",
    "rope",
    "港",
]
"""Words that stand in several articles."""

FILTERS = ["lang:en", "lang:de", "site:example", "source:letters", "date:2021", "since:2020", "id:storm*"]

_words = st.sampled_from([*WORDS, "zeppelin", "the", "Häfen", "C++", "=trams", "harb*", "*ock", "harbor~"])
_phrases = st.sampled_from(['"night trams"', '"rope and anchor"', '"old crane"~2', "rope NEAR anchor"])
_clauses = st.one_of(_words, _words, _phrases, st.sampled_from(FILTERS), st.just("title:(ferry OR storm)"))

QUERIES = st.one_of(
    _words,
    st.lists(_clauses, min_size=1, max_size=4).map(" ".join),
    st.lists(_clauses, min_size=2, max_size=3).map(" OR ".join),
    st.tuples(_clauses, _clauses).map(" -".join),
    st.tuples(_clauses, _clauses, _clauses).map(lambda parts: "({} OR {}) {}".format(*parts)),
)
"""Queries that mean something in the archive."""

_pieces = st.sampled_from(
    [
        *WORDS,
        *'"()*?~^:+-=/.,',
        "AND",
        "OR",
        "NOT",
        "NEAR/3",
        "title:",
        "date:",
        "since",
        "..",
        "~2",
        "^9",
        "…",
    ]
)
ANY_STRING = st.one_of(
    st.text(max_size=40),
    st.lists(_pieces, max_size=12).map(" ".join),
    st.lists(_pieces, max_size=12).map("".join),
    st.text(alphabet=st.characters(codec=None), max_size=10),  # lone surrogates too
)
"""Any string at all, and many that look nearly like a query."""

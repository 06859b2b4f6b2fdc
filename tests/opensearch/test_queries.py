"""Queries on a cluster match what they match in the embedded index, to the id."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer import ClusterAddress
from indexer.opensearch.cluster import Cluster
from indexer.query import mark_unfinished
from indexer.text.synonyms import parse_synonyms
from tests.contract.archive import ARTICLES
from tests.contract.strategies import ANY_STRING, EXAMPLES, QUERIES
from tests.opensearch import server
from tests.opensearch.both import LANGUAGES, WORDS, Both, make_articles

KINDS = [
    *["harbour", "HARBOURS", "the road", "war die", "die Häuser", "covid-19", "covid 19 sea", "l'été", "WHO"],
    *["who is WHO", "Will Smith", "will Smith of the sea", "東京", "京", "東京都 sea", "@roadlab", "@road"],
    *[
        "@nobody sea",
        "1,000 ½",
        "+the road",
        "+(road the) sea",
        "-road",
        "sea -the",
        "-(sea road)",
        "*",
        "😀",
    ],
    *['"the sea"', '"sea the"', '"the road"~3', '"road sea harbour"~4', '"educacion"', '"covid 19"', '"été"'],
    *[
        '"harbor road"',
        '"東京都 sea"',
        "=roads",
        "=educacion",
        "=京",
        '="the roads"',
        '="l\'été 11"',
        "=l'11",
    ],
    *["harb*", "*r", "h?rbour*", "v*c*e*", "東*", "京*", "harbor~", "rode~2", "us~2", "x*", "don*"],
    *[
        "title:road",
        "title:(road OR sea)",
        "paragraph:the",
        "summary:road",
        "lead:(sea OR =roads) -lead:road",
    ],
    *["title:covid-19", "summary:harb*", 'summary:"the sea"', "summary:US"],
    *[
        "road NEAR sea",
        "road NEAR/1 sea",
        "sea NEAR/2 sea",
        "harb* NEAR/3 the",
        "rode~2 NEAR *r",
        "京 NEAR/2 sea",
    ],
    *[
        '"the sea" NEAR/2 road',
        "(road OR sea OR harb*) NEAR/2 (the OR of)",
        "educacion NEAR/5 été",
        "l'été NEAR sea",
    ],
    *["covid-19 NEAR sea", "=roads NEAR/2 the", "title:road NEAR the", '"the of" NEAR (sea OR "road the")'],
    *[
        "road OR (sea the)",
        "(road AND the) OR covid-19",
        "road AND the",
        "NOT road",
        "NOT road AND the",
        "lang:en road",
    ],
    *[
        "lang:fr OR été",
        "-lang:en the sea",
        "covid19 women co-operation",
        "co operation",
        "cooperation -cooperation",
    ],
    *[
        "woman harbor",
        "covid-19 NEAR cooperation",
        "the",
        "the of in",
        "sur-la die",
        "the WHO of us",
        "us US",
    ],
]
"""Queries with every kind of clause."""
_words = st.sampled_from(WORDS)
_clauses = st.one_of(_words, _words, st.sampled_from(KINDS))
_nears = st.sampled_from([*WORDS, '"the sea"', "(road OR the)", "harb*", "rode~2"])
TREES = st.one_of(
    st.lists(_clauses, min_size=1, max_size=4).map(" ".join),
    st.lists(_clauses, min_size=2, max_size=3).map(" OR ".join),
    st.lists(_clauses, min_size=2, max_size=3).map(" AND ".join),
    st.tuples(_clauses, _clauses).map(lambda own: "({}) -({})".format(*own)),
    st.tuples(_clauses, _clauses, _clauses).map(lambda own: "({} OR {}) {}".format(*own)),
    st.tuples(_nears, st.integers(1, 6), _nears).map(lambda own: "{} NEAR/{} {}".format(*own)),
)


@pytest.fixture(scope="module")
def connected(opensearch: server.Cluster, opensearch_version: str) -> Iterator[Cluster]:
    address = ClusterAddress.parse(f"opensearch+{opensearch.urls[0]}/queries-v{opensearch_version}")
    cluster = Cluster(address)
    yield cluster
    for name in cluster.list_indexes("queries-*"):
        cluster.delete_index(name)
    cluster.close()


@pytest.fixture(scope="module")
def archive(connected: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Both:
    """The archive of the contract tests."""
    return Both(tmp_path_factory.mktemp("archive") / "index", connected, "queries-archive", ARTICLES, {})


@pytest.fixture(scope="module", params=[1, len(LANGUAGES)], ids=["one language", "many languages"])
def both(
    request: pytest.FixtureRequest, connected: Cluster, tmp_path_factory: pytest.TempPathFactory
) -> Both:
    """Articles of random words, in so many languages."""
    articles = make_articles(request.param, 200, LANGUAGES[-request.param :])
    folder = tmp_path_factory.mktemp("both") / "index"
    return Both(folder, connected, f"queries-{request.param}", articles)


def assert_alike(both: Both, text: str, *, variants: bool = True) -> None:
    """The embedded index and the cluster have the same full and the same partial matches."""
    for tree in {both.parse(text), mark_unfinished(both.parse(text), text, [*both.fields])}:
        full, partial = both.match_embedded(tree, variants=variants)
        query = both.translate(tree, variants=variants)
        found, found_partial = both.match(query)
        if query.is_exact:
            assert (found, found_partial) == (full, partial), text
        else:
            assert found >= full, text
            assert found | found_partial >= full | partial, text


@pytest.mark.parametrize("query", KINDS)
def test_each_kind_of_clause_matches_the_same_articles(both: Both, query: str) -> None:
    assert_alike(both, query)
    assert both.translate(both.parse(query)).is_exact or " NEAR" in query


@pytest.mark.parametrize(
    "query",
    [
        " ".join(f"harbour{number}" for number in range(128)),
        " ".join(WORDS * 3),
        " OR ".join(WORDS * 3),
        " ".join(f"covid-{number}" for number in range(128)),
        " ".join(f'"the road {number}"' for number in range(100)),
        " OR ".join(f'"the road {number}"~3' for number in range(100)),
        "sea -(" + " OR ".join(f'"the {number}"' for number in range(100)) + ")",
        " NEAR ".join(['"the sea"', "co-operation", "(road OR harb* OR educacion)", "women"] * 4),
        "*r" + "?s" * 60,
        "sea -h*" + "?r" * 60,
        "*" + "a*b" * 80,
        "x" * 256 + "~2",
        "(" * 30 + "road" + ")" * 30,
    ],
    ids=lambda text: text[:20],
)
def test_a_large_query_finds_what_matches(both: Both, query: str) -> None:
    assert_alike(both, query)


def test_synonyms_match_the_same_articles(both: Both) -> None:
    synonyms = parse_synonyms("harbour, road sea\nwomen => the sea\nroad harbour, covid-19\n")
    for text in ("harbour", "women", "road harbour sea", "title:harbour", "road sea -women"):
        tree = both.parse(text, synonyms)
        assert both.match(both.translate(tree)) == both.match_embedded(tree), text


def test_the_cluster_is_asked_once_about_quotations(both: Both) -> None:
    for text, requests in {"road": 0, "+sea harb*": 0, '"road"': 1, '"road" "sea" @roadlab': 1}.items():
        before = both.requests
        both.translate(both.parse(text), variants=False)
        assert both.requests - before == requests, text


def test_the_best_article_is_the_first_candidate(archive: Both) -> None:
    for text, expected in {
        "anchor": "inn",
        "harbour": "crane",
        "lantern makers": "lantern",
        "bees in the bell tower": "hive",
        '"night trams"': "tram",
        "barrels NEAR cooper": "chronicle",
        "Fähre": "hafen",
        "covid storm roofs": "storm",
        "bell~1": "honey",
    }.items():
        assert archive.list_candidates(archive.translate(archive.parse(text)))[0] == expected, text


@settings(max_examples=3 * EXAMPLES)
@given(TREES, st.booleans())
def test_any_tree_matches_the_same_articles(both: Both, text: str, variants: bool) -> None:
    assert_alike(both, text, variants=variants)


@settings(max_examples=2 * EXAMPLES)
@given(st.one_of(QUERIES, ANY_STRING))
def test_any_string_matches_the_same_articles(archive: Both, text: str) -> None:
    assert_alike(archive, text)

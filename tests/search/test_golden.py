"""Golden queries: which article of a small archive must come first, and how many answers are found."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from indexer import Article, Config, Index
from indexer.cli.judgments import measure

ARTICLES = [
    Article(
        id="crane",
        title="The old crane leaves the harbour",
        published="1998-04-02",
        paragraphs=[
            "The steam crane on the north quay was taken apart on Thursday after ninety years.",
            "The harbour office wants to show its wheel in the museum.",
        ],
    ),
    Article(
        id="birds",
        title="Cranes rest on the salt meadows",
        published="2019-10-20",
        paragraphs=[
            "Some four thousand cranes stopped on their way south.",
            "Bird watchers counted them from the dyke, far from the harbour.",
        ],
    ),
    Article(
        id="trams",
        title="Night trams from spring",
        published="2021-02-11",
        paragraphs=[
            "From March on a tram will leave the main station every hour of the night.",
            "Buses will bring people from the last stop to the villages.",
        ],
    ),
    Article(
        id="bus-strike",
        title="Drivers stop the buses for a day",
        published="2021-06-01",
        paragraphs=[
            "No bus left the depot on Tuesday. The drivers want higher pay at night.",
            "Trams were running, the company said.",
        ],
    ),
    Article(
        id="vaccine",
        title="How a vaccine stays cold",
        published="2020-12-09",
        paragraphs=[
            "The covid-19 vaccine travels at minus seventy degrees.",
            "Dry ice and a logger in each box keep the cold chain whole.",
        ],
    ),
    Article(
        id="flu",
        title="Flu comes early",
        published="2019-11-30",
        paragraphs=["Doctors advise the vaccine against flu for everybody over sixty. The cold is not over."],
    ),
    Article(
        id="chain",
        title="A chain across the river",
        published="2005-07-01",
        paragraphs=["The ferry is pulled along a chain. In a cold winter it stays in ice for weeks."],
    ),
    Article(
        id="belt-road",
        title="Belt and Road: a port for the bay",
        published="2021-11-05",
        paragraphs=[
            "The ministers signed a plan for a deep port under the Belt and Road Initiative.",
            "A railway is to follow.",
        ],
    ),
    Article(
        id="ring-road",
        title="Ring road closed",
        published="2022-01-18",
        paragraphs=[
            "A belt of fog lay over the town, and the road to the coast was shut.",
            "It opened again at noon.",
        ],
    ),
    Article(
        id="tides",
        title="Why the tide in the bay is late",
        published="2017-05-05",
        paragraphs=[
            "High water reaches the inner bay two hours after the cape.",
            "The sea floor slows the tide: shallow water holds the wave back.",
        ],
    ),
    Article(
        id="gauge",
        title="A manual for the tide gauge",
        published="1963",
        paragraphs=["Read the gauge at high water and at low water. Write both into the book."],
    ),
    Article(
        id="flood",
        title="Storm tide floods the fish market",
        published="2013-12-06",
        paragraphs=[
            "Water stood a metre high in the market hall on Friday morning.",
            "Stalls opened again on Monday; the insurers are counting.",
        ],
    ),
    Article(
        id="lighthouse",
        title="The keeper's notebooks",
        published="1931-08-15",
        paragraphs=[
            "Every evening the lighthouse keeper wrote down wind, ships and birds.",
            "His daughter gave the notebooks to the town library.",
        ],
    ),
    Article(
        id="library",
        title="The town library lends tools",
        published="2018-09-09",
        paragraphs=["Drills, saws and a telescope can be borrowed like books for two weeks."],
    ),
    Article(
        id="telescope",
        title="High-speed camera for the telescope",
        published="2020-03-03",
        paragraphs=[
            "The observatory fitted a high-speed camera that takes a thousand pictures a second.",
            "The telescope itself is from 1911.",
        ],
    ),
    Article(
        id="train",
        title="The speed of trains",
        published="2016-04-30",
        paragraphs=[
            "On the high embankment trains keep a low speed.",
            "A faster line would cost two hundred million.",
        ],
    ),
    Article(
        id="zurich",
        title="Zürich counts its trees",
        published="2015-05-20",
        paragraphs=["A register names every tree on public ground."],
    ),
    Article(
        id="tokyo",
        title="東京都の港",
        published="2014-02-01",
        language="ja",
        paragraphs=["東京都は港の計画を発表した。"],
    ),
]

# Queries and the articles that answer them, the best first: the gain falls from one to the next.
GOLDEN = [
    ("harbour crane", "crane birds"),
    ("cranes on the meadows", "birds"),
    ("night tram", "trams bus-strike"),
    ("bus drivers pay", "bus-strike"),
    ("vaccine cold chain", "vaccine flu chain"),
    ("covid vaccine", "vaccine flu"),
    ("covid-19", "vaccine"),
    ('"belt and road"', "belt-road"),
    ("belt road", "belt-road ring-road"),
    ("road closed by fog", "ring-road"),
    ("port railway plan", "belt-road"),
    ("high water in the bay", "tides gauge"),
    ("reading a tide gauge", "gauge tides"),
    ("storm tide fish market", "flood"),
    ("flooded market hall insurance", "flood"),
    ("lighthouse keeper birds", "lighthouse"),
    ("town library", "library lighthouse"),
    ("borrow a telescope", "library telescope"),
    ("high-speed camera", "telescope"),
    ("high speed trains", "train"),
    ("zurich trees", "zurich"),
    ("東京都", "tokyo"),
    ("tide -gauge", "tides flood"),
    ("title:telescope", "telescope"),
    ("light*", "lighthouse"),
    ("harbor~ crane", "crane birds"),
    ("I would like to read what is known about how ships and wind were written down", "lighthouse"),
]
JUDGED = {
    query: {name: float(3 - place) for place, name in enumerate(names.split())} for query, names in GOLDEN
}


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    """The archive."""
    with Index(Config(index=tmp_path_factory.mktemp("golden") / "index")) as made:
        made.put(ARTICLES)
        yield made


@pytest.mark.parametrize(("query", "names"), GOLDEN, ids=[query for query, _ in GOLDEN])
def test_the_best_answer_comes_first(index: Index, query: str, names: str) -> None:
    hits = [hit.article.id for hit in index.search(query).hits]
    assert hits[:1] == names.split()[:1], hits


def test_golden_queries_reach_the_recorded_figures(index: Index) -> None:
    measured = measure(index, JUDGED)
    assert not measured.absent
    figures = measured.figures
    worst = sorted(measured.answers, key=lambda answer: answer.ndcg_10)[:3]
    assert figures["mrr"] >= 0.999, worst
    assert figures["recall@100"] >= 0.999, worst
    assert figures["ndcg@10"] >= 0.98, worst


def test_all_words_in_one_article_come_before_some_of_them_in_many(index: Index) -> None:
    page = index.search("tide market")
    assert page.total == 1
    assert page.hits[0].article.id == "flood"
    assert all(hit.missing for hit in page.hits[1:])


def test_words_side_by_side_come_before_the_same_words_apart(tmp_path: Path) -> None:
    apart = Article(id="a", title="", paragraphs=["The road was dry. A leather belt lay there."])
    together = Article(id="b", title="", paragraphs=["There lay the dry belt road. A leather was."])
    with Index(Config(index=tmp_path / "index")) as index:
        index.put([apart, together])
        assert [hit.article.id for hit in index.search("belt road").hits] == ["b", "a"]
        assert [hit.article.id for hit in index.search("road belt").hits] == ["a", "b"]

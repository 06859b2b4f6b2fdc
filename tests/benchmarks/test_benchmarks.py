"""The benchmarks: what they index, what they ask, and what they write."""

from __future__ import annotations

import re
from collections import Counter
from datetime import date
from itertools import product
from pathlib import Path
from tempfile import gettempdir

import numpy as np
import pytest

from indexer import Published, open_index
from tests.benchmarks.__main__ import main
from tests.benchmarks.building import BuildFigures
from tests.benchmarks.corpus import (
    REUTERS,
    Extent,
    Frequencies,
    Story,
    count_words,
    disk_size,
    read_lines,
    synthetic,
    write_lines,
    write_texts,
)
from tests.benchmarks.engines import NAMES, Engine, Found, engine
from tests.benchmarks.meaning import measure_meaning
from tests.benchmarks.measure import measure_queries, overall
from tests.benchmarks.project import parse_wrk, walk
from tests.benchmarks.queries import OWN, Kind, Log, Question, WordList, draw, plain_words
from tests.benchmarks.report import Report
from tests.evaluation.collection import DATA
from tests.fixtures.models import make_tiny_model

WORDS = tuple("".join(parts) for parts in product(("ba", "ko", "lu", "mi", "te", "ro"), repeat=3))
ZIPF = Frequencies(
    WORDS,
    np.array([100_000 // rank for rank in range(1, len(WORDS) + 1)], np.int64),
    np.array([12, 30, 55], np.int64),
)
LOG = Log(
    queries=tuple((word,) for word in WORDS) + tuple(product(WORDS[:60:7], WORDS[3:60:7])),
    phrases=tuple(product(WORDS[:8], WORDS[:8])),
    texts=tuple(WORDS[at : at + 12] for at in range(0, 90, 3)),
)
PLAIN = "The council of the old town met on the bridge and spoke about its budget for road number {}."
# The words that nobody else's story has; a story is found by them and by nothing else.
SPECIAL = "A zeppelin above the lighthouse carried marzipan to the harbour festival."


@pytest.fixture(scope="module")
def made() -> list[Story]:
    return list(synthetic(ZIPF, 120))


@pytest.fixture(scope="module")
def questions(made: list[Story]) -> dict[Kind, list[Question]]:
    return draw(WordList(lambda: made, LOG), LOG)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    stories = [
        Story(f"a{number}", f"Road number {number}", f"2001-{number:02}-11", (PLAIN.format(number), PLAIN))
        for number in range(1, 13)
    ]
    stories.append(Story("special", "Something else", "2003-05-17", (PLAIN.format(0), SPECIAL)))
    folder = tmp_path_factory.mktemp("benchmarks") / "stories"
    write_lines(stories, folder)
    return folder


def texts(stories: list[Story]) -> list[str]:
    return [text for story in stories for text in story.paragraphs]


def test_made_up_stories_are_the_same_every_time_and_as_many_as_asked_for(made: list[Story]) -> None:
    assert list(synthetic(ZIPF, 120)) == made
    assert list(synthetic(ZIPF, 120, seed=8)) != made
    assert len({story.id for story in made}) == len(made) == 120
    assert len(list(synthetic(ZIPF, 13))) == 13


def test_made_up_stories_are_as_long_as_those_of_newspapers(made: list[Story]) -> None:
    assert {len(story.paragraphs) for story in made} == set(range(6, 16))
    # Two sentences a paragraph.
    assert {len(text.split()) for text in texts(made)} == {24, 42, 60, 67, 85, 110}
    assert len({story.published[:4] for story in made}) > 10


def test_words_are_made_as_often_as_the_list_says(made: list[Story]) -> None:
    counted = Counter(re.findall("[a-z]+", " ".join(texts(made))))
    total = counted.total()
    for rank in (0, 1, 3, 7, 15):
        share = ZIPF.counts[rank] / ZIPF.counts.sum()
        assert counted[WORDS[rank]] / total == pytest.approx(share, rel=0.2)


def test_new_words_are_as_frequent_as_those_that_the_list_has_once(made: list[Story]) -> None:
    assert not set(re.findall(r"\w+", " ".join(texts(made)))) - {*WORDS}
    once = Frequencies(WORDS, np.where(np.arange(216) < 16, 100, 1), ZIPF.lengths)
    words = re.findall(r"\w+", " ".join(texts(list(synthetic(once, 120)))))
    new = [word for word in words if word not in WORDS]
    assert len(new) / len(words) == pytest.approx(200 / (1800 + 200), rel=0.1)
    assert len(set(new)) > len(new) / 2


def test_a_frequency_list_has_the_most_frequent_word_first() -> None:
    listed = count_words([Story("1", "no", "2001", ("to be or not to be", "to go"))])
    assert listed.words == ("to", "be", "go", "not", "or")
    assert (listed.counts.tolist(), listed.lengths.tolist()) == ([3, 2, 1, 1, 1], [6, 2])


def test_stories_are_read_from_their_files_unchanged(made: list[Story], tmp_path: Path) -> None:
    extent = write_lines(made, tmp_path / "lines")
    assert list(read_lines(tmp_path / "lines")) == made
    assert extent == Extent(120, len(texts(made)), sum(story.size for story in made))
    assert disk_size(tmp_path / "lines") > extent.size


def test_text_files_are_read_as_the_stories_that_they_were_written_from(
    made: list[Story], tmp_path: Path
) -> None:
    assert write_texts(made, tmp_path / "texts") == walk(str(tmp_path / "texts")) == len(made)
    with open_index(tmp_path / "index") as index:
        report = index.sync(tmp_path / "texts")
        assert (report.added, report.failed) == (len(made), [])
        (article,) = (one for one in index.articles() if one.source == "000/000007.txt")
        assert (article.title, article.published, article.paragraphs) == (
            made[6].title,
            Published(made[6].published, "day", "dateline"),
            made[6].paragraphs,
        )


def test_questions_of_every_class_are_enough_and_of_that_class(
    questions: dict[Kind, list[Question]],
) -> None:
    assert questions.keys() == set(Kind)
    for kind, asked in questions.items():
        assert {question.kind for question in asked} == {kind}
        assert len(set(asked)) == len(asked) >= 30, kind


def test_the_questions_have_an_answer_in_the_corpus(
    made: list[Story], questions: dict[Kind, list[Question]]
) -> None:
    paragraphs = [set(plain_words(text)) for text in texts(made)]
    counts = Counter(word for words in paragraphs for word in words)
    for kind in (Kind.RARE, Kind.COMMON, Kind.OR, Kind.SIX, Kind.SORTED, Kind.FACETS, Kind.DATES):
        assert all(counts[word] for question in questions[kind] for word in question.words), kind
    rare = max(counts[question.words[0]] for question in questions[Kind.RARE])
    assert rare <= min(counts[question.words[0]] for question in questions[Kind.COMMON])
    for question in questions[Kind.AND]:
        assert any(words.issuperset(question.words) for words in paragraphs)
    for kind, length in ((Kind.AND, 2), (Kind.OR, 3), (Kind.SIX, 6)):
        assert {len(question.words) for question in questions[kind]} == {length}


def test_phrases_prefixes_and_misspellings_are_of_their_kind(
    made: list[Story], questions: dict[Kind, list[Question]]
) -> None:
    words = {word for text in texts(made) for word in plain_words(text)}
    for question in questions[Kind.PHRASE]:
        assert any(f" {' '.join(question.words)}" in f" {text}" for text in texts(made))
    for question in questions[Kind.FUZZY]:
        (wrong,) = question.words
        assert wrong not in words
        differing = (sum(map(str.__ne__, word, wrong)) for word in words if len(word) == len(wrong))
        assert 1 in differing
    for question in questions[Kind.PREFIX]:
        assert any(word.startswith(question.words[0]) for word in words)


def test_a_date_range_holds_an_article_with_the_word(
    made: list[Story], questions: dict[Kind, list[Question]]
) -> None:
    for question in questions[Kind.DATES]:
        assert any(
            str(question.after) <= story.published < str(question.before)
            and question.words[0] in plain_words(" ".join(story.paragraphs))
            for story in made
        )


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.opensearch) if name.startswith("opensearch") else name
        for name in NAMES
    ],
)
def test_every_engine_finds_the_one_article_by_every_class_that_it_supports(
    name: str, source: Path, tmp_path: Path
) -> None:
    chosen = engine(name)
    if not chosen.installed():
        pytest.skip(f"{chosen.library} is not installed")
    with chosen.serve(tmp_path / name):
        chosen.build(source, tmp_path / name)
        chosen.open(tmp_path / name)
        find_the_one_article(chosen)
        chosen.close()


def find_the_one_article(chosen: Engine) -> None:
    edges = (date(2003, 5, 17), date(2003, 5, 18))
    asked = {
        Kind.RARE: ("zeppelin",),
        Kind.COMMON: ("marzipan",),
        Kind.AND: ("zeppelin", "harbour"),
        Kind.OR: ("zeppelin", "lighthouse", "unicorn"),
        Kind.SIX: ("zeppelin", "lighthouse", "marzipan", "harbour", "festival", "unicorn"),
        Kind.PHRASE: ("harbour", "festival"),
        Kind.PREFIX: ("zepp",),
        Kind.FUZZY: ("zeppalin",),
        Kind.DATES: ("council",),
        Kind.SORTED: ("council",),
        Kind.FACETS: ("zeppelin",),
    }
    assert asked.keys() == set(Kind) - OWN
    for kind, words in asked.items():
        if not chosen.supports(kind):
            assert chosen.lacks[kind]
            continue
        found = chosen.search(Question(kind, words, *(edges if kind is Kind.DATES else ())))
        assert found[0].article == "special", kind
        if kind is not Kind.SORTED:
            assert {hit.article for hit in found} == {"special"}, kind
        if kind not in chosen.remarks:
            assert marks(found[0].passage), kind


def test_questions_that_only_this_project_answers_are_asked_of_it_alone(source: Path, tmp_path: Path) -> None:
    able = {name for name in NAMES for kind in OWN if engine(name).supports(kind)}
    assert able == {"nutgraf", "opensearch", "opensearch3"}
    chosen = engine("nutgraf")
    chosen.build(source, tmp_path / "nutgraf")
    chosen.open(tmp_path / "nutgraf")
    suggestions = chosen.search(Question(Kind.SUGGEST, ("harbour", "f")))
    assert suggestions[0].article == "harbour festival"
    assert chosen.search(Question(Kind.MEANT, ("council", "brigde")))[0].article == "council bridge"
    assert chosen.search(Question(Kind.TIMELINE, ("zeppelin",)))[0].article == "special"
    similar = chosen.search(Question(Kind.SIMILAR, ("a3",)))
    assert {hit.article for hit in similar} <= {"special", *(f"a{number}" for number in range(1, 13))}
    assert marks(similar[0].passage)
    chosen.close()


def test_a_search_by_meaning_is_measured_beside_the_same_by_words(source: Path, tmp_path: Path) -> None:
    model = make_tiny_model(tmp_path / "model")
    engine("nutgraf").build(source, tmp_path / "index")
    asked = {
        kind: [Question(kind, words)]
        for kind, words in {
            Kind.RARE: ("zeppelin",),
            Kind.COMMON: ("port",),
            Kind.SIX: ("council", "met", "boat", "bridge", "road", "budget"),
        }.items()
    }
    embedding, *queries, memory = measure_meaning(tmp_path / "index", model, asked, 2)
    assert "MB on disk" in embedding[1]
    assert [name for name, _ in queries] == [f"… {kind}" for kind in asked]
    assert all(figure.count(" ms") == 4 for _, figure in queries)
    assert "private" in memory[1]


def marks(passage: object) -> bool:
    """Whether something is marked, by tags in a text or by spans beside it."""
    if isinstance(passage, str):
        return "<b" in passage
    assert isinstance(passage, tuple)
    return any(one.spans for one in passage)


class Scripted(Engine):
    """An engine that notes what it is asked."""

    library = module = "sqlite3"

    def __init__(self, name: str, calls: list[tuple[str, Question]]) -> None:
        self.name = name  # type: ignore[misc]
        self._calls = calls

    def build(self, source: Path, folder: Path) -> None:
        raise NotImplementedError

    def open(self, folder: Path) -> None:
        raise NotImplementedError

    def search(self, question: Question) -> list[Found]:
        self._calls.append((self.name, question))
        return [Found("a", "text")] if question.words == ("one",) else []

    def close(self) -> None:
        raise NotImplementedError


def test_engines_are_asked_in_turns_and_none_is_always_first() -> None:
    calls: list[tuple[str, Question]] = []
    engines = {name: Scripted(name, calls) for name in ("nutgraf", "other")}
    asked = [Question(Kind.RARE, ("one",)), Question(Kind.RARE, ("two",))]
    figures = measure_queries(engines, {Kind.RARE: asked}, 3)
    assert Counter(calls) == {(name, question): 4 for name in engines for question in asked}
    assert {name for name, _ in calls[::2]} == set(engines)
    assert [(one.engine, one.rounds, one.questions, one.answered) for one in figures] == [
        ("nutgraf", 3, 2, 0.5),
        ("other", 3, 2, 0.5),
    ]
    assert figures[0].ratio == 1
    assert figures[1].ratio == pytest.approx(figures[1].median_ms / figures[0].median_ms)
    assert overall(figures).keys() == set(engines)


def test_an_engine_without_time_left_answers_one_round_that_counts() -> None:
    calls: list[tuple[str, Question]] = []
    asked = {Kind.RARE: [Question(Kind.RARE, ("one",))]}
    (figures,) = measure_queries({"other": Scripted("other", calls)}, asked, 3, 0)
    assert (figures.rounds, len(calls), figures.ratio) == (1, 2, None)


WRK = """Running 10s test @ http://127.0.0.1:1
  1 threads and 8 connections
  Latency Distribution
     50%    1.50ms
     75%    2.00ms
     90%  900.00us
     99%    1.20s
  1000 requests in 10.00s, 1.00MB read
  Socket errors: connect 0, read 1, write 0, timeout 2
  Non-2xx or 3xx responses: 4
Requests/sec:    100.25
"""


def test_the_output_of_wrk_is_parsed() -> None:
    assert parse_wrk(WRK, 2.5) == "100/s, median 1.5 ms, p99 1200.0 ms, 7 failed, 2.5 ms of CPU each"
    with pytest.raises(RuntimeError, match="wrk"):
        parse_wrk("nothing", 1)


def test_the_report_is_tables_of_equal_width() -> None:
    engines = {name: Scripted(name, []) for name in ("nutgraf", "a <b> engine")}
    asked = {kind: [Question(kind, ("one",))] for kind in (Kind.RARE, Kind.PHRASE)}
    queries = measure_queries(engines, asked, 2)
    report = Report(
        "python -m tests.benchmarks",
        "reuters",
        Extent(1, 2, 3),
        list(engines.values()),
        builds=[BuildFigures("nutgraf", 1.23456, 2.0, 3.0, 4.0, 0.0, 5.0)],
        queries=queries,
        project=[("`GET /api/search`", "100/s")],
    )
    tables = re.findall(r"(?:^\|.*\n?)+", report.markdown(), re.MULTILINE)
    assert len(tables) == 4
    for table in tables:
        assert len({line.count("|") for line in table.splitlines()}) == 1
    assert "| one rare word |" in report.markdown()


@pytest.mark.skipif(not (DATA / REUTERS).exists(), reason="the collections are not there")
def test_a_run_prints_a_report_without_paths(capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--articles", "60", "--engines", "fts5", "--rounds", "1", "--parts", "build,queries"]
    assert main(options) == 0
    written = capsys.readouterr().out
    assert gettempdir() not in written
    assert written.startswith(f"`python -m tests.benchmarks {' '.join(options)}`")
    assert {"| one rare word |", "| three words, OR |"} <= set(
        re.findall(r"^\| [^|]+ \|", written, re.MULTILINE)
    )


def test_without_the_collections_a_run_says_what_is_missing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--data", str(tmp_path)]) == 2
    assert "must be a folder" in capsys.readouterr().err

"""Synonyms: the format of their file, what they find, and the notes about them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from indexer import Article, Config, ConfigError, Index, open_index
from indexer.query import expand_synonyms, parse_query
from indexer.text.synonyms import Entry, make_key, parse_synonyms, read_synonyms

ARTICLES = [
    Article(id="car", title="A car", paragraphs=["The car stood in the yard."]),
    Article(id="auto", title="Old things", paragraphs=["An automobile, and another automobile."]),
    Article(id="motor", title="Motor cars", paragraphs=["The motor car of the mayor."]),
    Article(id="usa", title="Trade", paragraphs=["The USA exported wheat."]),
    Article(id="states", title="Trade", paragraphs=["United we stand.", "Two states of matter."]),
    Article(id="phrase", title="Trade", paragraphs=["The United States exported wheat."]),
    Article(id="tram", title="Tram", paragraphs=["The tram rang."]),
]
FILE = """
# vehicles
car, automobile, motor car
lorry => truck, tram
usa, united states   # not a comment here
"""

Opened = Callable[[str], Index]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("synonyms")
    with open_index(made / "index") as index:
        index.put(ARTICLES)
    return made


@pytest.fixture
def opened(folder: Path, tmp_path: Path) -> Opened:
    """Opens the index with some synonyms."""

    def opened(text: str) -> Index:
        path = tmp_path / "words.txt"
        path.write_text(text, encoding="utf-8")
        return open_index(Config(index=folder / "index", synonyms=path))

    return opened


def found(index: Index, query: str) -> set[str]:
    page = index.search(query)
    return {hit.article.id for hit in page.hits[: page.total]}


@pytest.mark.parametrize(
    ("text", "entries"),
    [
        ("", {}),
        ("# car, automobile", {}),
        ("car, auto", {("car",): Entry(("auto",), True), ("auto",): Entry(("car",), True)}),
        (
            "  Motor   Car ,auto ",
            {("motor", "car"): Entry(("auto",), True), ("auto",): Entry(("Motor Car",), True)},
        ),
        ("a, b => c, d e", {("a",): Entry(("c", "d e"), False), ("b",): Entry(("c", "d e"), False)}),
        (r"a\,b, c", {("a,b",): Entry(("c",), True), ("c",): Entry(("a,b",), True)}),
        (r"a \=> b, c", {("a", "b"): Entry(("c",), True), ("c",): Entry(("a => b",), True)}),
        (r"a\\b, c", {("a\\b",): Entry(("c",), True), ("c",): Entry((r"a\b",), True)}),
        ("x=y, z", {("x=y",): Entry(("z",), True), ("z",): Entry(("x=y",), True)}),
        (
            "a, b\na, c",
            {("a",): Entry(("b", "c"), True), ("b",): Entry(("a",), True), ("c",): Entry(("a",), True)},
        ),
        ("a, A", {}),
        ("Zürich, Turicum", {("zurich",): Entry(("Turicum",), True), ("turicum",): Entry(("Zürich",), True)}),
    ],
)
def test_a_file_in_solr_s_format_is_read(text: str, entries: dict[tuple[str, ...], Entry]) -> None:
    assert parse_synonyms(text).entries == entries


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("car", "two words or more"),
        ("car,", "there must be a word on both sides"),
        ("car, , auto", "there must be a word on both sides"),
        ("=> car", "there must be a word on both sides"),
        ("car =>", "there must be a word on both sides"),
        ("a => b => c", "more than one =>"),
        ("a, --", "there must be a word on both sides"),
        ("a, b\\", "after the backslash"),
    ],
)
def test_a_line_that_cannot_be_read_is_named(line: str, wanted: str, tmp_path: Path) -> None:
    path = tmp_path / "words.txt"
    path.write_text(f"# first\na, b\n{line}\n")
    with pytest.raises(ConfigError, match=f"words.txt, line 3: .*{wanted}"):
        read_synonyms(path)


def test_a_file_that_cannot_be_read_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.txt cannot be read"):
        read_synonyms(tmp_path / "none.txt")
    (tmp_path / "latin").write_bytes(b"caf\xe9, bar")
    with pytest.raises(ConfigError, match="latin cannot be read"):
        read_synonyms(tmp_path / "latin")


def test_synonyms_ignore_case_accents_and_punctuation() -> None:
    assert make_key("Zürich’s, U.S.") == make_key("zurichs u.s")
    assert make_key("-- !") == ()


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("car", {"car", "auto", "motor"}),
        ("automobile", {"car", "auto", "motor"}),
        ("Motor car", {"car", "auto", "motor"}),
        ("+car", {"car", "auto", "motor"}),
        ("car yard", {"car"}),
        ("automobile yard", {"car"}),
        ("car OR tram", {"car", "auto", "motor", "tram"}),
        ("title:automobile", {"car", "motor"}),
        ('"car"', {"car", "motor"}),
        ("car*", {"car", "motor"}),
        ("-car", {"auto", "usa", "states", "phrase", "tram"}),
        ("trade -usa", {"states", "phrase"}),
        ("lorry", {"tram"}),
        ("usa", {"usa", "phrase"}),
        ("united states", {"usa", "states", "phrase"}),
        ("united states wheat", {"usa", "phrase"}),
        ('"united states"', {"phrase"}),
        ("united tram states", set()),
    ],
)
def test_plain_words_find_their_synonyms_and_nothing_else_does(
    opened: Opened, query: str, ids: set[str]
) -> None:
    with opened(FILE.replace("   # not a comment here", "")) as index:
        assert found(index, query) == ids


def test_a_synonym_of_several_words_is_a_phrase(opened: Opened) -> None:
    with opened("nation => united states") as index:
        assert found(index, "nation") == {"phrase"}


def test_synonyms_are_highlighted(opened: Opened) -> None:
    with opened("car, automobile") as index:
        passages = {hit.article.id: hit.passages[0] for hit in index.search("car").hits}
        auto = passages["auto"]
        assert [auto.text[start:end] for start, end in auto.spans] == ["automobile", "automobile"]
        assert index.mark_article("auto", "car").paragraphs[0].spans == auto.spans


def test_a_word_and_its_synonyms_count_as_one_word(opened: Opened) -> None:
    with opened("car, automobile") as index, opened("car, automobile\nyard, car park") as other:
        scores = {hit.article.id: hit.score for hit in index.search("car").hits}
        assert scores == {hit.article.id: hit.score for hit in index.search("automobile").hits}
        assert scores == {hit.article.id: hit.score for hit in other.search("car").hits}


def test_words_of_one_stem_are_counted_once(opened: Opened, folder: Path) -> None:
    with opened("tram, trams") as index, open_index(Config(index=folder / "index")) as plain:
        assert index.search("tram").hits[0].score == plain.search("tram").hits[0].score


def test_each_use_of_a_synonym_is_noted(opened: Opened) -> None:
    with opened(FILE.replace("   # not a comment here", "")) as index:
        assert (
            index.search("car car tram").notes[0].message
            == "“car” also searched as “automobile”, “motor car”."
        )
        assert "“lorry” was searched as “truck”, “tram”." in map(str, index.search("lorry").notes)
        assert "“united states” also searched as “usa”." in map(str, index.search("united states").notes)
        assert index.search("tram").notes == index.search('"car"').notes == ()


def test_a_partial_match_names_the_typed_words_that_it_lacks(opened: Opened) -> None:
    with opened("usa, united states\ncar, automobile") as index:
        lacking = {hit.article.id: hit.missing for hit in index.search("united states tram car").hits}
        assert lacking["tram"] == ("united states", "car")


def test_a_term_names_its_synonyms() -> None:
    typed = parse_query("car", today=date(2024, 6, 15)).tree
    tree, notes = expand_synonyms(typed, parse_synonyms("car, auto"))
    assert (str(tree), len(notes)) == ("text:car|auto", 1)


def test_synonyms_need_no_rebuild(opened: Opened, folder: Path) -> None:
    with opened("car, automobile") as index:
        assert index.config.fingerprint() == Config(index=folder / "index").fingerprint()
        assert index.put(ARTICLES).unchanged == len(ARTICLES)


def test_a_bad_file_is_an_error_of_the_search_that_names_the_line(opened: Opened) -> None:
    with opened("car\n") as index, pytest.raises(ConfigError, match="line 1"):
        index.search("car")


def test_a_boost_applies_to_the_synonyms(opened: Opened) -> None:
    index = opened(FILE)
    for query in ("car", "usa"):
        once, twice = (index.search(asked).hits[0].score for asked in (query, f"{query}^2"))
        assert twice == pytest.approx(2 * once)

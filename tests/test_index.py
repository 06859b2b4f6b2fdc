"""The public API: adding, removing and finding articles; and that it loads no more than it needs."""

from __future__ import annotations

import ast
import copy
import errno
import inspect
import multiprocessing
import os
import sys
import tracemalloc
import typing
from collections.abc import Callable, Iterator
from datetime import date, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import indexer
import indexer.engine
import indexer.sync
from indexer import (
    Article,
    ArticleMissing,
    Config,
    ConfigError,
    Index,
    IndexDamaged,
    IndexMissing,
    InvalidArticle,
    InvalidRequest,
    RestrictedIndex,
    SourceMissing,
    StorageFailed,
    open_index,
)
from tests.fixtures.folders import Archive, contents


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    made = Archive(tmp_path)
    made.text("a.txt", "A crane in the harbour.")
    made.lines("b.jsonl", {"id": "one", "text": "First crane."}, {"id": "two", "text": "A red tide."})
    return made


@pytest.fixture
def index(archive: Archive) -> Iterator[Index]:
    with archive.open() as made:
        made.sync()
        yield made


HERON = Article("heron", "A heron", ["It stands.", "It waits."], "2021-11-05", "en")


# Putting in


def test_putting_the_same_article_again_writes_nothing(index: Index, archive: Archive) -> None:
    index.put([HERON])
    before = contents(archive.folder)
    assert index.put([HERON]).unchanged == 1
    assert index.put([]).changes == []
    assert contents(archive.folder) == before
    assert index.put([Article("heron")]).changes[0].why == "replaced through the API"


def test_put_takes_any_iterable_and_the_last_of_one_id(index: Index) -> None:
    report = index.put(Article("x", paragraphs=[word]) for word in ("kite", "swift"))
    # As if they had been put one after the other: each is counted, and the last one stays.
    assert (report.added, report.changed) == (1, 1)
    assert report.changes[0].why == "a later article has the same id"
    assert (index.search("kite").total, index.search("swift").total) == (0, 1)


@pytest.mark.parametrize("given", [HERON, None, "heron", {"heron": HERON}])
def test_put_refuses_what_is_no_list_of_articles(index: Index, given: Any) -> None:
    with pytest.raises(InvalidArticle, match=f"put needs a list of articles, not {type(given).__name__}"):
        index.put(given)
    with pytest.raises(InvalidArticle, match="number 2 must be an Article, not dict: make one"):
        index.put([HERON, {"id": "x"}])  # type: ignore[list-item]


def test_readers_never_see_an_empty_index_during_the_first_put(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []
    sync_to_disk = os.fsync

    def look(descriptor: int) -> None:
        with open_index(tmp_path / "new") as other:
            seen.append(other.search("crane").total if other.exists else -1)
        sync_to_disk(descriptor)

    with open_index(tmp_path / "new") as index:
        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", look)
            report = index.put([Article(id="x", paragraphs=["A crane."]), Article(id="y")])
        assert (report.added, report.files, [change.id for change in report.changes]) == (2, 0, ["x", "y"])
        assert set(seen) == {-1, 1}
        assert sorted(path.name for path in Path(index.path).glob("*.toc")) == ["_MAIN_1.toc"]
        assert index.put([Article(id="x", paragraphs=["A crane."])]).unchanged == 1


def test_a_first_put_that_fails_makes_no_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with open_index(tmp_path / "new") as index:
        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", refuse)
            with pytest.raises(StorageFailed):
                index.put([Article(id="x", paragraphs=["A crane."])])
        assert not index.exists
        assert index.put([Article(id="x", paragraphs=["A crane."])]).added == 1


@pytest.mark.parametrize("name", ["one", "two"])
def test_an_id_of_a_file_cannot_be_put_or_removed(index: Index, archive: Archive, name: str) -> None:
    name = index.resolve_id(name)
    index.put([HERON])
    before = contents(archive.folder)
    with pytest.raises(
        InvalidArticle, match=f"the id '{name}' belongs to b.jsonl in .*: change the file, or choose"
    ):
        index.put([Article("new"), Article(name), Article("newer")])
    with pytest.raises(InvalidArticle, match=f"the id '{name}' belongs to b.jsonl in .*: remove the file"):
        index.remove(["heron", name])
    assert contents(archive.folder) == before
    assert index.get_article("heron") == HERON


STRANGE = [
    Article("x" * 3000, paragraphs=["kite"]),
    Article("東京 / ../../etc?q=<b>&'\"", paragraphs=["kite"]),
    Article("nul", "a\x00b", ["kite \x00\x1b[31m \u2028 \ufffe"], url="javascript:alert(1)"),
    Article("long word", paragraphs=["kite " + "y" * 100_000]),
    Article("long title", "kite " * 20_000),
    Article("a language without a stemmer", paragraphs=["kite"], language="haw"),
    Article("many", paragraphs=(f"kite {n}" for n in range(500))),
    Article("first year", paragraphs=["kite"], published="0001"),
    Article("last minute", paragraphs=["kite"], published="9999-12-31T23:59"),
    Article("a day", paragraphs=["kite"], published=date(1899, 12, 31)),
    Article("nothing at all"),
]


def test_every_valid_article_is_stored_and_returned(index: Index) -> None:
    index.put(STRANGE)
    for _ in range(2):
        for article in STRANGE:
            assert index.get_article(article.id) == article
        assert index.search("kite").total == len(STRANGE) - 1
        index.rebuild()
    assert index.remove(article.id for article in STRANGE).removed == len(STRANGE)
    assert index.search("kite").total == 0


# Reading everything


def make_segments(index: Index) -> list[Article]:
    """Articles in several segments, some of them removed or replaced; returns those that are left, by id."""
    for first in (40, 0, 20):
        index.put(Article(f"k{n:02}", f"Kite {n}", ["kite"] * (n % 3)) for n in range(first, first + 20))
    index.put([Article("k05", "Replaced")])
    index.remove(["k00", "k30", "k59"])
    kept = [n for n in range(60) if n not in (0, 5, 30, 59)]
    left = [Article(f"k{n:02}", f"Kite {n}", ["kite"] * (n % 3)) for n in kept]
    return sorted([*left, Article("k05", "Replaced")], key=lambda article: article.id)


def test_all_articles_come_by_id_whatever_the_history_of_the_index(tmp_path: Path) -> None:
    with open_index(tmp_path / "new") as index:
        wanted = make_segments(index)
        assert list(index.articles()) == wanted
        index.rebuild()
        assert list(index.articles()) == wanted


def test_all_articles_are_those_of_the_commit_at_the_call(tmp_path: Path) -> None:
    with open_index(tmp_path / "new") as index:
        wanted = make_segments(index)
        found = index.articles()
        seen = [next(found), next(found)]
        index.put([Article("a"), Article("k02", "Other")])
        index.remove(f"k{n}" for n in range(10, 60))
        seen += [next(found)]
        for _ in range(2):
            index.rebuild()
        index.close()
        assert [*seen, *found] == wanted
        assert [article.id for article in index.articles()] == ["a", *(f"k{n:02}" for n in range(1, 10))]


def test_all_articles_take_no_more_memory_than_one(tmp_path: Path) -> None:
    # Digits that do not compress to nothing.
    text = "".join(map(str, range(200_000)))
    with open_index(tmp_path / "new") as index:
        index.put(Article(f"k{n}", paragraphs=[f"{n} {text}"]) for n in range(40))
        tracemalloc.start()
        try:
            assert sum(len(article.paragraphs[0]) for article in index.articles()) > 40 * len(text)
            assert tracemalloc.get_traced_memory()[1] < 8 * len(text)
        finally:
            tracemalloc.stop()


# Taking out


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("heron", "must be a list of ids, not one string"),
        (None, "not NoneType"),
        ([7], "must be text, not 7"),
    ],
)
def test_what_is_no_list_of_ids_removes_nothing(index: Index, given: Any, says: str) -> None:
    before = index.get_revision()
    with pytest.raises(InvalidArticle, match=f"ids: .*{says}"):
        index.remove(given)
    assert index.get_revision() == before


# Opening


def test_a_missing_index_says_how_to_make_one(tmp_path: Path) -> None:
    with open_index(tmp_path / "new") as index:
        for read in (
            lambda: index.search("x"),
            index.get_status,
            lambda: index.get_article("x"),
            index.articles,
            lambda: index.path,
        ):
            with pytest.raises(IndexMissing, match="run `nutgraf index FOLDER` to make one"):
                read()
        assert not (tmp_path / "new").exists()
        with pytest.raises(IndexMissing, match="run `nutgraf index FOLDER`"):
            index.remove(["x"])


def test_options_are_those_of_the_configuration(tmp_path: Path) -> None:
    assert open_index(tmp_path, page_size=3).config.page_size == 3
    assert open_index(str(tmp_path)).config.index == tmp_path
    assert open_index(Config(page_size=4), passages=1).config == Config(page_size=4, passages=1)
    with pytest.raises(ConfigError, match="unknown option: pagesize"):
        open_index(tmp_path, pagesize=3)
    with pytest.raises(ConfigError, match="unknown option: pagesize"):
        open_index(Config(), pagesize=3)
    for given in (7, "", b"index"):
        with pytest.raises(ConfigError, match="index: must be a path"):
            open_index(given)  # type: ignore[arg-type]


def count_cranes(index: Index) -> int:
    return index.search("crane").total


def test_an_index_can_be_sent_to_a_process_that_was_not_forked(index: Index) -> None:
    assert count_cranes(copy.deepcopy(index)) == 2
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.map(count_cranes, [index]) == [2]


@pytest.mark.parametrize(
    ("ask", "says"),
    [
        (lambda index: index.search(None), "query: must be text; not None"),
        (
            lambda index: index.search("heron", since=datetime(2021, 1, 1)),
            "since: must be text; not datetime",
        ),
        (lambda index: index.search("heron", until=2021), "until: must be text; not 2021"),
        (lambda index: index.suggest(None), "prefix: must be text; not None"),
        (lambda index: index.get_article(7), "id: must be text; not 7"),
        (lambda index: index.mark_article("one", None), "query: must be text; not None"),
        (lambda index: index.find_similar(None), "id: must be text; not None"),
        (lambda index: index.verify_quote(b"heron"), "text: must be text; not b'heron'"),
    ],
)
def test_what_is_no_text_is_refused_by_the_name_of_the_argument(
    index: Index, ask: Callable[[Any], object], says: str
) -> None:
    with pytest.raises(InvalidRequest, match=says):
        ask(index)


def test_sources_are_paths_one_by_one(index: Index) -> None:
    for given, found in ((["seeds"], "list"), (None, "NoneType")):
        with pytest.raises(SourceMissing, match=f"a source must be a path, not {found}: pass each"):
            index.sync(given)  # type: ignore[arg-type]


def test_an_empty_index_is_an_index(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    archive.seeds.mkdir()
    with archive.open() as index:
        assert index.sync().files == 0
        for _ in range(2):
            assert {index.search(query).total for query in ("crane", "*", "cran~")} == {0}
            assert index.search('"a b" OR NOT c', since="2020", sort="newest").total == 0
            status = index.get_status()
            assert (status.articles, status.first, status.last, status.languages) == (0, None, None, {})
            with pytest.raises(ArticleMissing):
                index.get_article("x")
            index.rebuild()
        archive.text("a.txt", "A crane.")
        assert index.sync().added == 1
        assert index.search("crane").total == 1


def test_a_page_is_as_long_as_configured_or_asked_for(index: Index) -> None:
    index.put(Article(f"k{n:02}", paragraphs=["kite"]) for n in range(30))
    assert len(index.search("kite").hits) == index.config.page_size == 10
    assert len(index.search("kite", limit=25).hits) == 25
    assert index.search("kite", limit=0).hits == ()
    assert [hit.article.id for hit in index.search("kite", offset=28).hits] == ["k28", "k29"]


# What is public


def test_every_public_name_exists_and_is_listed_once() -> None:
    assert len(set(indexer.__all__)) == len(indexer.__all__)
    for name in indexer.__all__:
        assert getattr(indexer, name) is not None


def test_every_name_that_is_loaded_at_its_first_use_exists() -> None:
    for package in (indexer.engine, indexer.sync):
        for name in lazy_names(package):
            assert getattr(package, name) is not None


def lazy_names(package: ModuleType) -> Iterator[str]:
    """The names that a package imports for type checkers only."""
    for node in ast.parse(inspect.getsource(package)).body:
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            for line in node.body:
                assert isinstance(line, ast.ImportFrom)
                yield from (alias.name for alias in line.names)


def named(kind: object) -> Iterator[type]:
    """The classes of the library that an annotation names."""
    for part in typing.get_args(kind):
        yield from named(part)
    if inspect.isclass(kind) and kind.__module__.startswith("indexer."):
        yield kind


def test_every_type_that_the_library_returns_has_a_public_name() -> None:
    public = {name: getattr(indexer, name) for name in indexer.__all__}
    for kind in public.values():
        members = vars(kind).items() if inspect.isclass(kind) else ()
        parts = [part for name, part in members if not name.startswith("_")]
        parts = [part.fget if isinstance(part, property) else part for part in parts]
        for part in (kind, *filter(inspect.isfunction, parts)):
            # What is imported for type checkers alone is among the public names, too.
            known = {**public, **vars(sys.modules[kind.__module__])}
            hints = typing.get_type_hints(part, known)
            for annotation in (hint for name, hint in hints.items() if not name.startswith("_")):
                assert set(named(annotation)) <= set(public.values()), part


READING = {
    "search": "query since until sort half_life limit offset cursor facets timeline collapse seconds explain"
    " prefix meaning filters more_filters",
    "run": "request",
    "get_revision": "",
    "suggest": "prefix limit",
    "articles": "",
    "resolve_id": "article_id",
    "get_article": "article_id",
    "mark_article": "article_id query prefix",
    "find_similar": "article_id limit",
    "find_duplicates": "article_id",
    "verify_quote": "text article_id",
    "embed_texts": "texts",
    "nearest": "vector limit filters",
    "can_use_meaning": "query prefix",
    "load_model": "",
    "get_status": "",
}
SIGNATURES = {
    **READING,
    "restricted": "filters",
    "get_progress": "",
    "verify": "deep progress",
    "diagnose": "",
    "repair": "allow_mass_delete progress",
    "sync": "sources dry_run allow_mass_delete progress stop",
    "watch": "sources poll progress stop",
    "put": "articles",
    "remove": "article_ids",
    "forget": "source",
    "rebuild": "sources allow_mass_delete progress",
    "copy": "to replace progress",
    "embed": "progress stop",
    "close": "",
}


@pytest.mark.parametrize("name", SIGNATURES)
def test_the_arguments_of_the_index_are_these(name: str) -> None:
    assert list(inspect.signature(getattr(Index, name)).parameters)[1:] == SIGNATURES[name].split()


def test_every_public_part_of_the_index_is_pinned() -> None:
    assert list_public_parts(Index) == {*SIGNATURES, "path", "exists", "damage", "fields"}


def test_a_restricted_index_can_only_be_read() -> None:
    assert list_public_parts(RestrictedIndex) == {*READING, "exists", "damage", "fields"}


def list_public_parts(kind: type) -> set[str]:
    return {name for name in dir(kind) if not name.startswith("_")}


def test_the_library_is_marked_as_typed() -> None:
    assert (Path(indexer.__file__).parent / "py.typed").exists()


def test_every_error_is_a_nutgraf_error_with_an_exit_code() -> None:
    errors = [getattr(indexer, name) for name in indexer.__all__]
    errors = [error for error in errors if isinstance(error, type) and issubclass(error, Exception)]
    assert len(errors) == 19
    assert all(issubclass(error, indexer.NutgrafError) for error in errors)
    assert {error.__name__: error.exit_code for error in errors if error.exit_code != 1} == {
        "ConfigError": 2,
        "InvalidRequest": 2,
        "IndexLocked": 4,
        "IndexDamaged": 5,
    }


def test_verifying_says_what_was_compared(archive: Archive) -> None:
    archive.sync()
    with archive.open() as index:
        found, status = index.verify(), index.get_status()
        assert (found.generation, found.articles, found.paragraphs, found.size) == (
            status.generation, status.articles, status.paragraphs, status.size,
        )  # fmt: skip
        assert (found.sources_digest, found.differences) == (None, ())
        assert index.verify(deep=True).sources_digest == found.digest


def test_verifying_finds_an_altered_byte_anywhere(archive: Archive) -> None:
    archive.sync()
    with archive.open() as index:
        (path,) = Path(index.path).glob("*.nut")
        whole = path.read_bytes()
        for place in range(0, len(whole), max(len(whole) // 60, 1)):
            path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
            with pytest.raises(IndexDamaged, match=path.name):
                index.verify()
        path.write_bytes(whole)
        index.verify()


def test_rebuilding_an_emptied_index_adds_nothing(archive: Archive) -> None:
    with open_index(archive.folder, sources=[archive.seeds]) as index:
        index.put([Article(id="one", title="One")])
        index.remove(["one"])
        assert index.rebuild().added == 0
        assert index.search("-nothing").total == 0

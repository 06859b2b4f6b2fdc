"""Aliases: an article is found by the ids that it had before, until another article takes them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from indexer import Article, ArticleMissing, Index, open_index
from indexer.sync import Catalog, Entry, Stamp, carry_aliases
from indexer.sync import catalog as catalogs
from indexer.sync.plan import default_id
from tests.fixtures.folders import Archive, three_articles


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    """Two files, `a.txt` and `b.jsonl` with the records `one` and `two`, which are indexed."""
    made = three_articles(tmp_path)
    made.sync()
    return made


def rename(archive: Archive, old: str, new: str) -> None:
    (archive.seeds / new).parent.mkdir(exist_ok=True)
    (archive.seeds / old).rename(archive.seeds / new)


def ids(archive: Archive, prefix: str) -> list[str]:
    """The ids of the text and of the records, if the files are named with a prefix."""
    records = default_id(archive.seeds, f"{prefix}b.jsonl")
    return [default_id(archive.seeds, f"{prefix}a.txt"), f"{records}/one", f"{records}/two"]


def rename_both(archive: Archive, old: str, new: str) -> None:
    rename(archive, f"{old}a.txt", f"{new}a.txt")
    rename(archive, f"{old}b.jsonl", f"{new}b.jsonl")


def resolve(index: Index, names: list[str]) -> list[str]:
    return [index.resolve_id(name) for name in names]


def test_an_article_of_a_renamed_file_is_found_by_its_old_id(archive: Archive) -> None:
    first, second, third = (ids(archive, prefix) for prefix in ("", "x/", "y-"))
    with archive.open() as index:
        rename_both(archive, "", "x/")
        report = index.sync()
        assert (report.added, report.removed) == (3, 3)
        for change in (index.sync, index.rebuild, index.sync):
            assert resolve(index, first) == resolve(index, second) == second
            change()
        article = index.get_article(first[1])
        assert (article.id, article.paragraphs) == (second[1], ("First crane.",))
        assert index.mark_article(first[1], "crane").article.id == second[1]
        assert index.verify_quote("first crane", first[1]).verdict == "exact"
        assert index.find_similar(first[1]) == index.find_similar(second[1])
        # It was renamed again, and then it got its first name back.
        rename_both(archive, "x/", "y-")
        index.sync()
        assert resolve(index, first) == resolve(index, second) == third
        rename_both(archive, "y-", "")
        index.sync()
        assert resolve(index, first) == resolve(index, second) == resolve(index, third) == first


def test_an_alias_goes_with_its_article(archive: Archive) -> None:
    with archive.open() as index:
        rename_both(archive, "", "x/")
        index.sync()
        archive.lines("x/b.jsonl", {"id": "two", "text": "A red tide."})
        index.sync()
        old = ids(archive, "")
        assert resolve(index, [old[2]]) == [ids(archive, "x/")[2]]
        with pytest.raises(ArticleMissing):
            index.resolve_id(old[1])
        archive.lines("x/b.jsonl", {"id": "one", "text": "Back."}, {"id": "two", "text": "A red tide."})
        index.sync()
        with pytest.raises(ArticleMissing):
            index.resolve_id(old[1])


def test_an_alias_ends_when_an_article_takes_it_as_its_id(archive: Archive) -> None:
    old = ids(archive, "")
    with archive.open() as index:
        rename_both(archive, "", "x/")
        index.sync()
        index.put([Article(old[1], "Put in")])
        archive.text("a.txt", "Another crane.")
        index.sync()
        assert resolve(index, old) == [old[0], old[1], ids(archive, "x/")[2]]
        assert index.get_article(old[1]).title == "Put in"
        index.remove([old[1]])
        with pytest.raises(ArticleMissing):
            index.resolve_id(old[1])


def _index_then_forget(index: Index, old: Path, new: Path) -> None:
    index.sync(new)
    index.forget(old)


def _rebuild(index: Index, old: Path, new: Path) -> None:
    index.rebuild(new, allow_mass_delete=True)


@pytest.mark.parametrize("move", [_index_then_forget, _rebuild])
@pytest.mark.parametrize("name", ["moved", "elsewhere/seeds"])
def test_articles_of_a_source_that_moved_are_found_by_their_old_ids(
    archive: Archive, move: Callable[[Index, Path, Path], None], name: str
) -> None:
    old, place = ids(archive, ""), archive.root / name
    place.parent.mkdir(exist_ok=True)
    archive.seeds.rename(place)
    with open_index(archive.folder) as index:
        move(index, archive.seeds, place)
        assert index.get_status().sources == (str(place),)
        found = [index.get_article(article_id).paragraphs for article_id in old]
        assert found == [("A crane in the harbour.",), ("First crane.",), ("A red tide.",)]
        index.rebuild()
        assert [index.get_article(article_id).paragraphs for article_id in old] == found


def test_records_that_had_the_ids_that_they_state_are_found_by_these(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = Archive(tmp_path)
    records = [{"id": f"r{number}", "text": f"Tide {number}."} for number in range(30)]
    archive.lines("a.jsonl", *records)
    archive.lines("b.jsonl", {"id": "r1", "text": "Lost."}, {"id": "other", "text": "Other."})
    with monkeypatch.context() as patch:
        # What versions before did.
        patch.setattr("indexer.readers.records.make_record_id", lambda _, name: name)
        archive.sync()
    commit = 1
    catalog = catalogs.load(archive.live, commit)
    for _, _, entry in catalog.entries():
        entry.article_id = ""
    catalogs.save(archive.live, commit, catalog)
    with archive.open() as index:
        assert index.get_article("r1").id == "r1"
        archive.lines("a.jsonl", *records, {"id": "new", "text": "New."})
        report = index.sync()
        assert (report.failed, index.get_status().articles) == ([], 33)
        for change in (index.sync, index.rebuild):
            assert index.get_article("r1").paragraphs == ("Tide 1.",)
            assert index.get_article("r1").id == f"{default_id(archive.seeds, 'a.jsonl')}/r1"
            change()


def entry(digest: str, article_id: str, *names: str) -> Entry:
    return Entry(
        Stamp(1, 2, 3, digest),
        {f"{article_id}{name}": ("digest", "en") for name in names},
        article_id=article_id,
    )


OLD = {"a.txt": entry("A", "a-1", ""), "b.jsonl": entry("B", "b-1", "/x", "/y")}


@pytest.mark.parametrize(
    ("now", "aliases"),
    [
        (OLD, {}),
        ({}, {}),
        ({"c.txt": entry("A", "c-1", "")}, {"a-1": "c-1"}),
        ({"c.txt": entry("other", "c-1", "")}, {}),
        ({"c.jsonl": entry("B", "c-1", "/y", "/x")}, {"b-1/x": "c-1/x", "b-1/y": "c-1/y"}),
        ({"c.jsonl": entry("B", "c-1", "/y")}, {"b-1/y": "c-1/y"}),
        ({"c.jsonl": entry("B", "c-1", "-1", "-2")}, {}),
        ({"b.jsonl": entry("other", "b-2", "/x")}, {"b-1/x": "b-2/x"}),
    ],
)
def test_aliases_are_made_for_articles_in_the_same_place_of_a_file(
    now: dict[str, Entry], aliases: dict[str, str]
) -> None:
    catalog = Catalog(sources={"/s": now})
    carry_aliases(Catalog(sources={"/s": OLD}).contents(), {}, catalog, catalog.owners())
    assert catalog.aliases == aliases

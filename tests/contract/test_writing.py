"""Adding, replacing and removing articles, by calls and from the files of a folder; rebuilding."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer import (
    Article,
    ArticleMissing,
    Index,
    IndexMissing,
    InvalidArticle,
    Page,
    Published,
    SourceMissing,
    SourceShrunk,
    open_index,
)
from tests.contract.answers import contents, found, ids, matches_in_order, search
from tests.contract.archive import ARTICLES
from tests.contract.strategies import EXAMPLES
from tests.fixtures.folders import counts

Made = Callable[..., Index]

KETTLE = Article("kettle", "A kettle", ["The kettle stood on the quay."], "2021-03-04", "en")
GOOSE = Article("goose", "A goose", ["The goose stood on the quay."], "2021-03-05", "en")


def pages(index: Index) -> list[Any]:
    """The answers of an index to some queries, without their times and exact scores."""

    def said(page: Page) -> Any:
        answer = page.as_json() | {"took_ms": 0}
        for hit in answer["hits"]:
            hit["score"] = 0
        return answer

    queries = [
        "harbour crane",
        "storm",
        "ladder OR kettle",
        "lang:de",
        "*",
        "harbur",
        "goose barrels",
        "旧港",
    ]
    every = [
        said(search(index, query, facets=["year", "source", "site"], timeline=True)) for query in queries
    ]
    return [
        *every,
        ids(index.find_similar("hive")),
        [article.id for article in index.find_duplicates("storm")],
        index.verify_quote("the honey tastes of bronze").verdict,
    ]


# Putting and removing


def test_an_added_article_is_found_by_the_next_search(index: Index) -> None:
    report = index.put([KETTLE])
    assert counts(report) == (1, 0, 0, 0)
    assert [(change.action, change.id) for change in report.changes] == [("add", "kettle")]
    assert found(index, "kettle") == {"kettle"}
    assert index.get_article("kettle") == KETTLE


@pytest.mark.parametrize(
    "read",
    [
        lambda index: index.search("kettle"),
        lambda index: index.suggest("ket"),
        lambda index: index.get_article("kettle"),
        lambda index: index.get_status(),
    ],
)
def test_a_missing_index_raises_index_missing(index: Index, read: Callable[[Index], object]) -> None:
    assert not index.exists
    with pytest.raises(IndexMissing):
        read(index)


def test_an_article_takes_the_place_of_the_one_with_its_id(index: Index) -> None:
    index.put([KETTLE, GOOSE])
    report = index.put([Article("kettle", "A spoon", ["The spoon lay there."], "2020", "en"), GOOSE])
    assert counts(report) == (0, 1, 0, 1)
    assert found(index, "kettle") == set()
    assert found(index, "spoon") == found(index, "date:2020") == {"kettle"}
    assert found(index, "*") == {"kettle", "goose"}


def test_of_several_articles_with_one_id_the_last_is_kept(index: Index) -> None:
    report = index.put([KETTLE, Article("kettle", "A spoon", ["The spoon lay there."], language="en")])
    assert counts(report) == (1, 1, 0, 0)
    assert (found(index, "kettle"), found(index, "spoon")) == (set(), {"kettle"})
    assert index.get_status().articles == 1


def test_articles_may_come_from_any_iterable(index: Index) -> None:
    def articles() -> Iterator[Article]:
        yield KETTLE
        yield GOOSE

    assert counts(index.put(articles())) == (2, 0, 0, 0)
    assert counts(index.put([])) == (0, 0, 0, 0)


def test_a_removed_article_is_not_found(index: Index) -> None:
    index.put([KETTLE, GOOSE])
    assert counts(index.remove(["kettle", "kettle", "nobody"])) == (0, 0, 1, 1)
    assert found(index, "kettle") == set()
    with pytest.raises(ArticleMissing, match="no article with the id 'kettle'"):
        index.get_article("kettle")
    assert found(index, "quay") == found(index, "*") == {"goose"}
    assert index.suggest("kett") == ()
    assert index.get_status().articles == 1


def test_an_article_that_cannot_be_used_is_refused_with_the_whole_batch(index: Index) -> None:
    index.put([KETTLE])

    def failing() -> Iterator[Article]:
        yield GOOSE
        raise RuntimeError("the database went away")

    with pytest.raises(RuntimeError):
        index.put(failing())
    with pytest.raises(InvalidArticle, match="must be an Article, not str"):
        index.put([GOOSE, "no article"])  # type: ignore[list-item]
    with pytest.raises(InvalidArticle):
        index.remove(["kettle", 7])  # type: ignore[list-item]
    assert found(index, "*") == {"kettle"}
    index.put([GOOSE])
    assert found(index, "*") == {"kettle", "goose"}


@pytest.mark.parametrize(
    ("given", "value", "precision"),
    [
        ("2021", "2021", "year"),
        ("2021-11", "2021-11", "month"),
        ("2021-11-05", "2021-11-05", "day"),
        ("2021-11-05T21:01", "2021-11-05T21:01", "minute"),
        ("2021-11-05 21:01:59", "2021-11-05T21:01", "minute"),
        (date(2021, 11, 5), "2021-11-05", "day"),
        (datetime(2021, 11, 5, 21, 1), "2021-11-05T21:01", "minute"),
        (Published("2021-11", "month", "url"), "2021-11", "month"),
        (None, None, None),
    ],
)
def test_a_date_is_as_exact_as_it_was_given(
    index: Index, given: Any, value: str | None, precision: str | None
) -> None:
    index.put([Article("a", "Note", ["A kettle."], given, "en")])
    (hit,) = search(index, "kettle").hits
    published = hit.article.published
    assert (published and published.value, published and published.precision) == (value, precision)


@settings(max_examples=max(EXAMPLES // 4, 3))
@given(st.lists(st.sampled_from(ARTICLES), min_size=1, max_size=6, unique_by=lambda article: article.id))
def test_adding_and_removing_an_article_restores_every_answer(make: Made, articles: list[Article]) -> None:
    index = make(*ARTICLES)
    before = pages(index)
    moved = [
        Article(f"new-{article.id}", article.title, article.paragraphs, article.published, article.language)
        for article in articles
    ]
    index.put(moved)
    index.put([Article(article.id, "Zeppelin", ["Zeppelin."], language="en") for article in articles])
    assert pages(index) != before
    index.remove([article.id for article in moved])
    index.put(articles)
    assert pages(index) == before


def test_the_revision_changes_with_every_commit_and_only_then(index: Index) -> None:
    writes: list[Callable[[], object]] = [
        lambda: index.put([KETTLE]),
        lambda: index.put([GOOSE]),
        lambda: index.remove(["goose"]),
        index.rebuild,
    ]
    seen = []
    for write in writes:
        write()
        seen.append(index.get_revision())
        search(index, "kettle")
        assert index.get_revision() == seen[-1]
    assert len(set(seen)) == 4


def test_the_status_says_what_the_index_holds(archive: Index) -> None:
    status = archive.get_status()
    assert status.articles == len(ARTICLES)
    assert status.paragraphs == sum(len(article.paragraphs) for article in ARTICLES)
    assert status.undated == 1
    assert (status.first, status.last) == ("0987-01-01", "2024-06-14")
    assert sum(status.languages.values()) == len(ARTICLES)
    assert (status.languages["en"], status.languages["fr"]) == (27, 2)
    assert status.damage is None
    assert archive.verify().articles == len(ARTICLES)


def test_an_index_that_is_opened_again_answers_the_same(make: Made) -> None:
    index = make(*ARTICLES)
    before = [*pages(index), index.suggest("ha")]
    index.close()
    assert [*pages(index), index.suggest("ha")] == before
    with open_index(index.config) as again:
        assert [*pages(again), again.suggest("ha")] == before


# Rebuilding


def test_a_rebuild_changes_no_answer(make: Made, tmp_path: Path) -> None:
    index = make(*ARTICLES[::2], sources=(write_archive(tmp_path / "lines", ARTICLES[1::2]),))
    index.sync()
    index.put([KETTLE])
    index.remove(["kettle"])
    before, articles = [*pages(index), index.suggest("ha")], contents(index)
    index.rebuild()
    assert [*pages(index), index.suggest("ha")] == before
    assert contents(index) == articles
    assert index.verify().articles == len(ARTICLES)


def test_a_rebuild_keeps_added_articles_and_reads_the_sources_again(index: Index, tmp_path: Path) -> None:
    folder = write_archive(tmp_path / "lines", [GOOSE])
    index.sync(folder)
    index.put([KETTLE])
    write_archive(folder, [Article("goose", "A swan", ["The swan stood there."], language="en")])
    index.rebuild()
    assert found(index, "*") == {"kettle", "goose"}
    assert found(index, "swan") == {"goose"}
    assert index.get_article("kettle") == KETTLE


# Folders


def write_archive(folder: Path, articles: Any) -> Path:
    """Write articles as lines of JSON, one file for all of them."""
    folder.mkdir(exist_ok=True)
    lines = (
        {
            "id": article.id,
            "title": article.title,
            "paragraphs": article.paragraphs,
            "published": article.published and article.published.value,
            "language": article.language,
            "url": article.url,
        }
        for article in articles
    )
    (folder / "articles.jsonl").write_text(
        "".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8"
    )
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A source: two text files and a file of two lines."""
    made = write_archive(tmp_path / "notes", [KETTLE, GOOSE])
    (made / "harbour.txt").write_text("Harbour news\n\nThe ferry came home.\n", encoding="utf-8")
    (made / "old").mkdir()
    (made / "old" / "mill.txt").write_text("Mill news\n\nThe mill is quiet.\n", encoding="utf-8")
    return made


def test_a_sync_adds_changes_and_removes_until_the_index_equals_the_folder(
    index: Index, folder: Path
) -> None:
    assert counts(index.sync(folder)) == (4, 0, 0, 0)
    assert len(found(index, "ferry")) == len(found(index, "mill")) == 1
    assert found(index, "quay") == {"kettle", "goose"}
    assert counts(index.sync(folder)) == (0, 0, 0, 4)
    (folder / "harbour.txt").write_text("Harbour news\n\nThe tram came home.\n", encoding="utf-8")
    (folder / "old" / "mill.txt").unlink()
    (folder / "new.txt").write_text("New\n\nA lantern.\n", encoding="utf-8")
    write_archive(folder, [KETTLE])
    report = index.sync(folder)
    assert counts(report) == (1, 1, 2, 1)
    assert sorted(change.action for change in report.changes) == ["add", "change", "remove", "remove"]
    assert all(change.why for change in report.changes)
    assert len(found(index, "tram")) == len(found(index, "lantern")) == 1
    assert found(index, "ferry OR mill OR goose") == set()


def test_a_file_keeps_its_id_when_its_text_changes(index: Index, folder: Path) -> None:
    index.sync(folder)
    before = found(index, "harbour")
    (folder / "harbour.txt").write_text("Harbour news\n\nThe tram came home.\n", encoding="utf-8")
    index.sync(folder)
    assert found(index, "harbour") == before


def test_articles_are_found_by_the_folder_and_the_file_that_they_come_from(
    index: Index, folder: Path
) -> None:
    index.sync(folder)
    everything = found(index, "*")
    assert len(everything) == 4
    assert found(index, "source:notes") == found(index, source="notes") == everything
    assert found(index, "source:articles.jsonl") == {"kettle", "goose"}
    assert found(index, "source:old") == found(index, "mill")


def test_a_dry_run_says_what_would_be_done_and_does_nothing(index: Index, folder: Path) -> None:
    index.sync(folder)
    (folder / "harbour.txt").unlink()
    report = index.sync(folder, dry_run=True)
    assert (report.dry_run, counts(report)) == (True, (0, 0, 1, 3))
    assert len(found(index, "*")) == 4


def test_a_bad_file_does_not_stop_the_others_and_is_named_with_its_reason(index: Index, folder: Path) -> None:
    (folder / "broken.txt").write_bytes(bytes(range(256)) * 4)
    with (folder / "articles.jsonl").open("a", encoding="utf-8") as lines:
        lines.write('no JSON\n{"title": "no id, and a date that is none", "published": "soon"}\n')
        lines.write('{"id": "last", "title": "The last one", "text": "A lantern."}\n')
    report = index.sync(folder)
    assert report.added >= 5
    assert {failure.path.split(":")[0] for failure in report.failed} == {"broken.txt", "articles.jsonl"}
    assert all(failure.reason for failure in report.failed)
    assert found(index, "lantern") == {"last"}
    assert len(found(index, "ferry")) == 1
    assert {failure.path for failure in index.get_status().failures} >= {"broken.txt"}


def test_added_articles_stay_when_a_folder_is_synced_or_forgotten(index: Index, folder: Path) -> None:
    spoon = Article("spoon", "A spoon", ["The spoon lay there."], language="en")
    index.sync(folder)
    index.put([spoon])
    index.sync(folder)
    assert found(index, "spoon") == {"spoon"}
    assert counts(index.forget(folder)) == (0, 0, 4, 0)
    assert found(index, "*") == {"spoon"}
    assert index.get_status().sources == ()


def test_an_article_of_a_file_cannot_be_put_or_removed_by_an_app(index: Index, folder: Path) -> None:
    index.sync(folder)
    kettle = index.resolve_id("kettle")
    with pytest.raises(InvalidArticle):
        index.put([Article(kettle, "A kettle")])
    with pytest.raises(InvalidArticle):
        index.remove([kettle])
    assert found(index, "*") >= {"kettle", "goose"}


def test_a_missing_or_nearly_emptied_source_is_refused(index: Index, tmp_path: Path) -> None:
    many = [Article(f"a{number}", f"Note {number}", ["A kettle."], language="en") for number in range(15)]
    folder = write_archive(tmp_path / "lines", many)
    index.sync(folder)
    write_archive(folder, many[:2])
    with pytest.raises(SourceShrunk):
        index.sync(folder)
    assert len(found(index, "kettle")) == 15
    assert counts(index.sync(folder, allow_mass_delete=True)) == (0, 0, 13, 2)
    with pytest.raises(SourceMissing):
        index.sync(tmp_path / "nowhere")
    assert matches_in_order(index, "kettle") == ["a0", "a1"]


def test_a_sync_that_is_stopped_keeps_what_was_read_and_removes_nothing(index: Index, folder: Path) -> None:
    index.sync(folder)
    (folder / "old" / "mill.txt").unlink()
    (folder / "new.txt").write_text("New\n\nA lantern.\n", encoding="utf-8")
    report = index.sync(folder, stop=lambda: True)
    assert report.interrupted
    assert len(found(index, "mill")) == 1
    assert not index.sync(folder).interrupted
    assert (len(found(index, "lantern")), found(index, "mill")) == (1, set())

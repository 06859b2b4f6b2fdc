"""What a newcomer gets wrong is said plainly, and nothing is lost by it."""

from __future__ import annotations

import copy
import multiprocessing
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

import webui
from indexer import (
    Article,
    ConfigError,
    Index,
    IndexMissing,
    InvalidArticle,
    InvalidRequest,
    SourceMissing,
    open_index,
)

KEPT = Article(id="kept", title="Heron", paragraphs=["A heron stood in the harbour."])


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    with open_index(tmp_path / "index") as opened:
        opened.put([KEPT])
        yield opened


def rows_until_the_database_is_gone() -> Iterator[Article]:
    yield Article(id="new", paragraphs=["A kite."])
    raise ConnectionError("the database is gone")


def rows_with_a_bad_one() -> Iterator[Article]:
    for name, text in (("good", "A kite."), ("bad", b"A kite."), ("better", "A kite.")):
        yield Article(id=name, paragraphs=[text])  # type: ignore[list-item]


@pytest.mark.parametrize(
    ("given", "kind", "says"),
    [
        (KEPT, InvalidArticle, "put needs a list of articles, not Article"),
        (None, InvalidArticle, "put needs a list of articles, not NoneType"),
        ("heron", InvalidArticle, "put needs a list of articles, not str"),
        ({"kept": KEPT}, InvalidArticle, "put needs a list of articles, not dict"),
        (
            [KEPT, {"id": "a"}],
            InvalidArticle,
            "number 2 must be an Article, not dict: make one",
        ),
        (rows_until_the_database_is_gone(), ConnectionError, "the database is gone"),
        (rows_with_a_bad_one(), InvalidArticle, "article 'bad': paragraphs: must be text, not bytes"),
    ],
    ids=lambda value: getattr(value, "__name__", None) or type(value).__name__,
)
def test_what_cannot_be_put_in_is_named_and_changes_nothing(
    index: Index, given: Any, kind: type[Exception], says: str
) -> None:
    before = index.get_revision()
    with pytest.raises(kind, match=says):
        index.put(given)
    assert index.get_revision() == before
    assert index.get_article("kept") == KEPT
    assert index.put([Article(id="next")]).added == 1


def test_of_several_with_one_id_each_is_counted_and_the_last_is_kept(index: Index) -> None:
    report = index.put([Article(id="a", title=title) for title in ("one", "two", "three")] + [KEPT])
    assert (report.added, report.changed, report.unchanged) == (1, 2, 1)
    assert [change.why for change in report.changes if change.action == "change"] == [
        "a later article has the same id"
    ] * 2
    assert index.get_article("a").title == "three"


def test_a_date_without_a_zone_and_one_with_say_the_wall_time_that_they_have() -> None:
    naive = datetime(2021, 11, 5, 21, 1, 30)
    aware = naive.replace(tzinfo=timezone(timedelta(hours=9)))
    for given in (naive, aware, "2021-11-05T21:01:30+09:00"):
        published = Article(id="a", published=given).published
        assert published is not None
        assert published.value == "2021-11-05T21:01"


@pytest.mark.parametrize(
    ("ask", "says"),
    [
        (lambda index: index.search(None), "query: must be text; not None"),
        (lambda index: index.search(b"heron"), "query: must be text; not b'heron'"),
        (
            lambda index: index.search("heron", since=date(2021, 1, 1)),
            "since: must be text; not datetime.date",
        ),
        (lambda index: index.search("heron", until=2021), "until: must be text; not 2021"),
        (lambda index: index.search("heron", source=7), "source: must be text; not 7"),
        (lambda index: index.suggest(None), "prefix: must be text; not None"),
        (lambda index: index.get_article(7), "id: must be text; not 7"),
        (lambda index: index.mark_article("kept", None), "query: must be text; not None"),
        (lambda index: index.find_similar(None), "id: must be text; not None"),
        (lambda index: index.verify_quote(b"heron"), "text: must be text; not b'heron'"),
    ],
)
def test_what_is_no_text_is_refused_by_the_name_of_the_argument(
    index: Index, ask: Callable[[Any], object], says: str
) -> None:
    with pytest.raises(InvalidRequest, match=says):
        ask(index)


@pytest.mark.parametrize(
    ("given", "says"),
    [("kept", "not one string"), (None, "not NoneType"), ([7], "must be text, not 7")],
)
def test_what_are_no_ids_are_not_taken_for_ids_that_are_not_there(
    index: Index, given: Any, says: str
) -> None:
    with pytest.raises(InvalidArticle, match=f"ids: .*{says}"):
        index.remove(given)
    assert index.get_article("kept") == KEPT


def test_sources_are_paths_one_by_one(index: Index) -> None:
    for given, found in ((["seeds"], "list"), (None, "NoneType")):
        with pytest.raises(SourceMissing, match=f"a source must be a path, not {found}: pass each"):
            index.sync(given)  # type: ignore[arg-type]


def test_a_wrong_path_is_said_and_no_index_is_made_there(tmp_path: Path) -> None:
    with (
        open_index(tmp_path / "nowhere") as index,
        pytest.raises(IndexMissing, match=r"nowhere: run `nutgraf"),
    ):
        index.search("heron")
    with pytest.raises(SourceMissing, match=r"elsewhere does not exist\. Give a folder"):
        index.sync(tmp_path / "elsewhere")
    assert not index.exists
    for given in (7, "", b"index"):
        with pytest.raises(ConfigError, match="index: must be a path"):
            open_index(given)  # type: ignore[arg-type]


def test_an_index_that_was_closed_opens_itself_again(index: Index) -> None:
    index.close()
    assert index.search("heron").total == 1
    index.close()
    index.close()
    assert index.put([Article(id="after")]).added == 1


def count(index: Index) -> int:
    """What another process finds."""
    return index.search("heron").total


def test_an_index_can_be_sent_to_a_process_that_was_not_forked(index: Index) -> None:
    assert copy.deepcopy(index).search("heron").total == 1
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.map(count, [index]) == [1]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"index": "index_data"}, "index must be an open index, not 'index_data'"),
        ({"url_prefix": "search"}, "url_prefix must begin with a slash, as in /search, not 'search'"),
        ({"url_prefix": None}, "url_prefix must begin with a slash, as in /search, not None"),
        ({"url_prefix": "/one"}, "the index 'one' is mounted at /one/ already"),
        ({"url_prefix": "/one/"}, "the index 'one' is mounted at /one/ already"),
        ({"name": "one"}, "a blueprint called 'one' already"),
        ({"name": ""}, "name must be a name without dots"),
        ({"name": "a.b"}, "name must be a name without dots"),
        ({"nonce": "abc"}, "nonce must be a function"),
    ],
)
def test_a_mount_that_would_not_work_is_refused_and_the_application_is_as_it_was(
    index: Index, options: dict[str, Any], says: str
) -> None:
    app = Flask("host")
    webui.init_app(app, index, url_prefix="/one", name="one")
    given: dict[str, Any] = {"index": index, "name": "two", "url_prefix": "/two"} | options
    rules, blueprints = {*map(str, app.url_map.iter_rules())}, set(app.blueprints)
    with pytest.raises(ConfigError, match=says):
        webui.init_app(app, **given)
    assert {*map(str, app.url_map.iter_rules())} == rules
    assert set(app.blueprints) == blueprints
    assert set(app.extensions["nutgraf"]) == {"one"}
    assert app.test_client().get("/one/?q=heron").status_code == 200

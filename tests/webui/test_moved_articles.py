"""Articles whose id has changed: their old addresses lead to the new ones."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

import webui
from tests.fixtures.archives import answer_to, create_app
from tests.fixtures.folders import Archive


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Flask]:
    """The site of an archive with two records, of which one has an id that cannot be part of a path."""
    archive = Archive(tmp_path)
    records = [{"id": "one", "text": "A crane."}, {"id": "../x", "text": "A tide."}]
    archive.lines("a.jsonl", *records)
    archive.sync()
    (archive.seeds / "a.jsonl").rename(archive.seeds / "b.jsonl")
    archive.sync()
    with archive.open() as index:
        yield create_app(index)


@pytest.fixture
def site(app: Flask) -> FlaskClient:
    return app.test_client()


def fill_in(site: FlaskClient, location: str) -> str:
    """A location with the id of the file that has the records."""
    hits = answer_to(site, "/api/search?q=*")["hits"]
    (file_id,) = {hit["article"]["id"].partition("/")[0] for hit in hits}
    return location.replace("NEW", file_id)


@pytest.mark.parametrize(
    ("path", "location"),
    [
        ("/a/one", "/a/NEW/one"),
        ("/a/?id=one", "/a/NEW/one"),
        ("/a/one?q=crane&lang=de&p=p-1&n=1", "/a/NEW/one?q=crane&lang=de&p=p-1&n=1"),
        ("/a/one/cite.bib?p=p-1", "/a/NEW/one/cite.bib?p=p-1"),
        ("/a/one?source=a&source=b", "/a/NEW/one?source=a&source=b"),
        ("/a/one?_external=1&_scheme=javascript&name=x", "/a/NEW/one?_external=1&_scheme=javascript&name=x"),
        ("/a/?id=../x&q=tide", "/a/?q=tide&id=NEW%2F..%2Fx"),
        ("/a/cite.ris?id=one", "/a/NEW/one/cite.ris"),
        ("/api/articles/one?q=crane", "/api/articles/NEW/one?q=crane"),
        ("/api/articles/?id=../x", "/api/articles/?id=NEW%2F..%2Fx"),
        ("/api/similar/one?limit=3", "/api/similar/NEW/one?limit=3"),
    ],
)
def test_an_id_that_an_article_had_is_redirected_to_the_one_that_it_has(
    site: FlaskClient, path: str, location: str
) -> None:
    response = site.get(path)
    assert (response.status_code, response.location) == (308, fill_in(site, location))
    assert response.headers["Cache-Control"] == "private, no-cache"
    assert site.get(response.location).status_code == 200


def test_the_address_of_an_article_of_a_renamed_file_leads_to_it(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    archive.text("a.txt", "A crane.")
    archive.sync()
    with archive.open() as index:
        (hit,) = index.search("crane").hits
        (archive.seeds / "a.txt").rename(archive.seeds / "b.txt")
        index.sync()
        (now,) = index.search("crane").hits
        response = create_app(index).test_client().get(f"/a/{hit.article.id}")
        assert (response.status_code, response.location) == (308, f"/a/{now.article.id}")


def test_the_redirect_stays_below_the_prefix_of_the_search(app: Flask, tmp_path: Path) -> None:
    host = Flask(__name__)
    with Archive(tmp_path).open() as index:
        webui.init_app(host, index, url_prefix="/search")
        assert host.test_client().get("/search/a/one").location.startswith("/search/a/b-")


def test_an_unknown_id_is_not_redirected(site: FlaskClient) -> None:
    assert [site.get(path).status_code for path in ("/a/two", "/api/articles/two", "/a/")] == [404, 404, 400]

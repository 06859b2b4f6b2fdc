"""Texts in custom fields: on the page, in citations, rows and feeds."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from flask.testing import FlaskClient

from indexer import Article, FieldType, Index, open_index
from tests.fixtures.archives import create_app, one, plain

FIELDS = {"short_summary": FieldType("text", weight=2), "lead": FieldType("text")}
SUMMARY = "A grey heron stood by <b>the lock</b>.\n\nIt caught eels."
HERONS = Article(
    "herons",
    "Birds",
    ["Gulls cried.", "A heron, a second one."],
    "2021-03-05",
    "en",
    fields={"short_summary": SUMMARY, "lead": "Morning."},
)
TITLED = Article("titled", "Only a title", fields={"short_summary": "Skies over the quay."})


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    with open_index(tmp_path_factory.mktemp("texts") / "index", fields=FIELDS) as made:
        made.put([HERONS, TITLED])
        yield made


@pytest.fixture(scope="module")
def site(index: Index) -> FlaskClient:
    return create_app(index).test_client()


def page(site: FlaskClient, path: str) -> BeautifulSoup:
    answer = site.get(path)
    assert answer.status_code == 200, path
    return BeautifulSoup(answer.text, "html.parser")


def test_a_passage_has_the_name_of_its_field_and_leads_to_the_text(site: FlaskClient) -> None:
    soup = page(site, "/?q=heron")
    first, second = soup.select(".passages li")
    assert first.select(".field") == []
    assert plain(one(second, ".field")) == "Short summary"
    assert [mark.text for mark in second.select("mark")] == ["heron"]
    assert "<b>the lock</b>" in second.text
    link = str(one(second, "a")["href"])
    assert link.endswith("#text-short_summary")
    target = page(site, link.partition("#")[0])
    assert one(target, "#text-short_summary mark").text == "heron"
    cited = [plain(item.a) for item in soup.select(".cite li")]
    assert cited == ["Paragraph 2", "Short summary"]


def test_the_page_of_an_article_shows_its_texts_before_its_paragraphs(site: FlaskClient) -> None:
    soup = page(site, "/a/herons?q=heron")
    shown = [str(place["id"]).partition("-")[0] for place in soup.select(".paragraph")]
    assert shown == ["text", "text", "p", "p"]
    lead, summary = soup.select(".paragraph.own")
    assert [plain(one(own, "h2")) for own in (lead, summary)] == ["Lead", "Short summary"]
    assert one(summary, "h2 + p").text == SUMMARY
    assert "Matches in 2 of 4 paragraphs" in soup.text
    assert soup.select(".minimap a")[0]["href"] == "#text-short_summary"
    assert soup.select(".lost") == []
    # A text is not among the properties of an article, which lead to others with the same value.
    assert "ummary" not in one(soup, ".facts").text
    assert "This article has no text." not in page(site, "/a/titled").text
    assert page(site, "/a/herons?p=text-lead").select(".lost") == []
    assert page(site, "/a/herons?p=text-other").select(".lost")


def test_a_query_for_a_text_is_explained_in_the_words_of_the_page(site: FlaskClient) -> None:
    soup = page(site, "/?q=short_summary:heron+short_summary:nowhere+gulls")
    assert "short summary: nowhere" in plain(soup)
    assert "in short_summary" in plain(page(site, "/?q=short_summary:heron&explain=1"))


def test_a_text_is_cited_by_its_address(site: FlaskClient) -> None:
    (item,) = json.loads(site.get("/a/herons/cite.json?p=text-lead").data)
    assert item["URL"].endswith("/a/herons#text-lead")
    assert "locator" not in item


def test_rows_and_feeds_have_texts(site: FlaskClient) -> None:
    rows = list(csv.DictReader(io.StringIO(site.get("/api/search?q=heron&format=csv").text)))
    assert [(row["passage"], row["field"], row["anchor"][:6]) for row in rows] == [
        ("2", "", "p-" + rows[0]["anchor"][2:6]),
        ("", "short_summary", "text-s"),
    ]
    assert rows[0]["fields"] == ""
    assert "caught eels" in site.get("/api/search?q=eels&format=atom").text
    hit = json.loads(site.get("/api/search?q=lead:morning").data)["hits"][0]
    assert hit["passages"] == [
        {
            "number": None,
            "anchor": "text-lead",
            "text": "Morning.",
            "spans": [[0, 7]],
            "page_number": None,
            "field": "lead",
        }
    ]
    assert site.get("/api/search?q=heron&filter=lead:x").status_code == 400


def test_another_weight_is_another_response(tmp_path: Path) -> None:
    tags = []
    for weight in (1, 2, 2):
        with open_index(tmp_path / "index", fields={"lead": FieldType("text", weight=weight)}) as index:
            index.put([Article("a", "Birds", fields={"lead": "A heron."})])
            tags.append(create_app(index).test_client().get("/api/search?q=heron").headers["ETag"])
    assert tags[0] != tags[1] == tags[2]

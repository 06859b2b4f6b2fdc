"""Results for other programs: feeds, rows, OpenSearch, and what watches the site."""

from __future__ import annotations

import csv
import functools
import io
import json
import os
import re
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree as Xml

import pytest
from bs4 import BeautifulSoup
from flask import Flask
from flask.testing import FlaskClient
from prometheus_client import REGISTRY, generate_latest

import webui
from indexer import Article, Config, FieldType, Index, ModelFailed, Page, SearchRequest
from tests.fixtures.archives import ARTICLES, COPIES, archive, client
from tests.fixtures.counts import counts
from webui import export
from webui.monitoring import Metrics

ATOM = "{http://www.w3.org/2005/Atom}"
COLUMNS = [
    *("id", "title", "published", "precision", "url", "score", "missing", "by_meaning", "passage"),
    *("anchor", "text", "page_number", "authors", "section", "tags", "publisher", "fields", "field"),
]
MANY = tuple(
    Article(
        id=f"n{n:03}",
        title=f"Tide {n}",
        paragraphs=(f"The tide rose {n} feet.",),
        published=f"20{n % 90 + 10}",
    )
    for n in range(250)
)  # fmt: skip
# More rows than are looked up at once, and more bytes of them than are kept in memory.
LONG = tuple(
    Article(id=f"n{n:03}", title=f"Tide {n} " + "x" * 2_000, paragraphs=(f"The tide rose {n} feet.",))
    for n in range(export.BATCH + 50)
)


def feed(site: FlaskClient, path: str, **headers: str) -> Xml.Element:
    response = site.get(path, headers=headers)
    assert (response.status_code, response.mimetype) == (200, "application/atom+xml")
    return Xml.fromstring(response.data)


def texts(element: Xml.Element, path: str) -> list[str | None]:
    return [found.text for found in element.findall(path.replace("/", f"/{ATOM}").replace("^", ATOM))]


@pytest.mark.parametrize(
    ("accept", "media"),
    [
        ("*/*", "application/json"),
        ("text/html", "application/json"),
        ("application/atom+xml", "application/atom+xml"),
        ("text/csv", "text/csv"),
        ("application/x-ndjson;q=0.5, text/csv;q=0.4", "application/x-ndjson"),
        ("nonsense", "application/json"),
    ],
)
def test_a_format_may_be_asked_for_by_accept(accept: str, media: str) -> None:
    response = client().get("/api/search?q=silk", headers={"Accept": accept})
    assert (response.status_code, response.mimetype) == (200, media)
    assert "Accept" in response.headers["Vary"]
    assert client().get("/api/search?q=silk&format=json", headers={"Accept": accept}).is_json


def test_a_feed_is_valid_atom_with_the_newest_first() -> None:
    site = client(*ARTICLES, *COPIES)
    found = feed(site, "/api/search?q=road+OR+line&collapse=0&format=atom")
    assert texts(found, "^title") == ["road OR line"]
    assert texts(found, "^author/name") == ["Nutgraf"]
    assert texts(found, "^entry/title") == [
        "The silk road reopens", "Night trams 2", "Night trams 1", "Night trams 0", "A vaccine arrives",
    ]  # fmt: skip
    ids = texts(found, "^entry/id")
    assert len(set(ids)) == 5
    assert all(re.fullmatch(r"urn:uuid:[0-9a-f-]{36}", one or "") for one in (*ids, *texts(found, "^id")))
    moments = texts(found, "^entry/updated")
    assert moments[0] == "2021-11-05T21:01:00Z"
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", one or "") for one in moments)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", texts(found, "^updated")[0] or "")
    # A year is no date that a feed could tell.
    assert len(texts(found, "^entry/published")) == 4
    links = {link.get("rel"): link.get("href") for link in found.findall(f"{ATOM}entry[1]/{ATOM}link")}
    assert re.fullmatch(r"http://localhost/a/silk/1\?q=.*#p-[0-9a-f]{8}", links["alternate"] or "")
    assert links["via"] == "https://www.example.org/silk"
    with site.get((links["alternate"] or "").removeprefix("http://localhost")) as page:
        assert page.status_code == 200


def test_a_feed_leads_on_and_keeps_an_order_that_is_asked_for() -> None:
    site = client(*MANY)
    path, seen = "/api/search?q=tide&limit=60&sort=title&format=atom", []
    while path:
        found = feed(site, path)
        seen += texts(found, "^entry/title")
        path = next((str(one.get("href")) for one in found.findall(f"{ATOM}link[@rel='next']")), "")
        path = path.removeprefix("http://localhost")
    assert len(seen) == len(set(seen)) == 250
    by_title = site.get("/api/search?q=tide&limit=250&sort=title").get_json()["hits"]
    assert seen == [hit["article"]["title"] for hit in by_title]


def test_a_page_of_results_names_its_feed_and_every_page_the_search_of_browsers() -> None:
    site = client()
    for path in ("/", "/?q=silk&since=2021", "/a/silk/1"):
        head = BeautifulSoup(site.get(path).text, "html.parser").select("head link[type]")
        links = {str(link["type"]): link for link in head}
        engine = links["application/opensearchdescription+xml"]
        assert engine["rel"] == ["search"]
        assert site.get(str(engine["href"])).mimetype == "application/opensearchdescription+xml"
        assert ("application/atom+xml" in links) == ("?q=" in path)
    found = feed(site, str(links_to_feed(site, "/?q=silk&since=2021&sort=title")))
    assert texts(found, "^entry/title") == ["The silk road reopens"]


def links_to_feed(site: FlaskClient, path: str) -> object:
    link = BeautifulSoup(site.get(path).text, "html.parser").select_one("head link[rel=alternate]")
    assert link is not None
    return link["href"]


@pytest.mark.parametrize("query", ['"<>|^`{}\\ é東', "\x00", "\x85", "a\r\nX: y", "&amp;", "a+b %41"])
def test_the_links_of_a_feed_are_addresses_that_lead_back_to_it(query: str) -> None:
    article = Article(id="a", title=query, paragraphs=("x",), url='https://news.example/a b?"<c>|é')
    found = feed(client(*ARTICLES, article), f"/api/search?q={quote(query)}", Accept="application/atom+xml")
    links = [str(link.get("href")) for link in found.iter(f"{ATOM}link")]
    assert links
    assert not [link for link in links if re.search('[\x00-\x20"<>\\\\^`{|}\x7f-\x9f]', link)]
    again = feed(client(*ARTICLES, article), links[0].removeprefix("http://localhost"))
    assert texts(again, "^id") == texts(found, "^id")
    assert texts(again, "^title") == texts(found, "^title")


def test_what_xml_cannot_hold_does_no_harm() -> None:
    article = Article(id="a", title="silk <b>&\ufffe", paragraphs=("silk \x01\x0b]]> \x1b[0m",))
    found = feed(client(article), "/api/search?q=silk+%01&format=atom")
    assert texts(found, "^entry/title") == ["silk <b>&\ufffd"]
    assert "]]>" in (texts(found, "^entry/summary")[0] or "")


def test_rows_are_one_a_passage_and_come_whole() -> None:
    site = client(*MANY)
    response = site.get("/api/search?q=tide&format=csv&sort=oldest")
    assert response.headers["Content-Disposition"] == 'attachment; filename="search.csv"'
    assert int(response.headers["Content-Length"]) == len(response.data)
    table = list(csv.DictReader(io.StringIO(response.text)))
    assert list(table[0]) == COLUMNS
    lines = [
        json.loads(line) for line in site.get("/api/search?q=tide&format=jsonl&sort=oldest").text.splitlines()
    ]
    assert list(lines[0]) == COLUMNS
    assert [row["id"] for row in table] == [row["id"] for row in lines]
    assert len({row["id"] for row in lines}) == 250
    assert (lines[0]["published"], lines[0]["precision"], lines[0]["passage"]) == ("2010", "year", 1)
    assert len(site.get("/api/search?q=tide&format=jsonl&limit=130").text.splitlines()) == 130
    assert site.get("/api/search?q=tide&format=jsonl&limit=0").text == ""
    assert site.get("/api/search?q=tide&format=csv&limit=20000").status_code == 400
    assert site.get("/api/search?q=tide&format=csv&offset=10001").status_code == 400


def test_rows_and_feeds_have_authors_tags_and_fields(tmp_path: Path) -> None:
    details: dict[str, Any] = {
        "authors": ["Ada Berg", "=Max"],
        "section": "Port",
        "tags": ["sea", "salt; sea"],
        "publisher": "Port Post",
    }
    config = Config(index=tmp_path / "index", fields={"desk": FieldType("keyword")})
    article = Article("a", "Kettle", ["A kettle."], page_numbers=[7], fields={"desk": "world"}, **details)
    with Index(config) as index:
        index.put([article, Article("b", "Kettle", ["Another kettle."])])
        site = webui.create_app(index).test_client()
        first, second = map(json.loads, site.get("/api/search?q=kettle&format=jsonl").text.splitlines())
        assert {name: first[name] for name in details} == details
        assert (first["page_number"], first["fields"]) == (7, {"desk": ["world"]})
        assert (second["page_number"], second["authors"], second["fields"]) == (None, [], {})
        table = csv.DictReader(io.StringIO(site.get("/api/search?q=kettle&format=csv").text))
        row, other = table
        assert (row["authors"], row["tags"]) == ("Ada Berg; =Max", "sea; salt; sea")
        assert (row["page_number"], row["fields"]) == ("7", '{"desk":["world"]}')
        assert (other["page_number"], other["authors"], other["fields"]) == ("", "", "")
        found = feed(site, "/api/search?q=kettle&filter=author:berg&format=atom")
        assert texts(found, "^entry/title") == ["Kettle"]
        assert texts(found, "^entry/author/name") == details["authors"]
        terms = [one.get("term") for one in found.findall(f"{ATOM}entry/{ATOM}category")]
        assert terms == ["Port", "sea", "salt; sea"]


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_rows_that_cannot_all_be_had_are_refused_and_no_part_of_them_comes(form: str) -> None:
    path = f"/api/search?q=tide&format={form}"
    with Index(with_options(archive(*MANY).config, query_seconds=1e-300)) as hasty:
        site = webui.create_app(hasty).test_client()
        refused = [site.get(path), site.head(path), site.get(f"{path}&seconds=60")]
        # What has no meaning is told as such all the same.
        assert site.get(f"{path}&facet=title").status_code == 400
    for answer in refused:
        assert (answer.status_code, answer.mimetype) == (503, "application/problem+json")
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Retry-After"]
        assert "ETag" not in answer.headers
    assert "The rows were not complete in time" in refused[0].get_json(force=True)["detail"]


def test_all_pages_of_rows_together_take_ten_seconds_at_most_whatever_is_asked() -> None:
    now = [100.0]
    search = functools.partial(archive(*MANY).search, "tide")
    look = export.limit_time(search, each=60, whole=60, clock=lambda: now[0])
    now[0] += 9.9
    assert look(limit=5).total == 250
    now[0] += 0.2
    with pytest.raises(export.RowsIncomplete, match="10 s in all"):
        look(limit=5)


def test_rows_are_refused_if_the_model_fails_before_they_are_complete() -> None:
    def search(*, seconds: float, cursor: str | None = None) -> Page:
        if cursor:
            raise ModelFailed("the model did not answer")
        return archive(*MANY).search("tide", limit=5)

    look = export.limit_time(search, each=60, whole=60)
    first = look()
    pages = export.fetch_pages(first, 10, lambda cursor, limit: look(cursor=cursor), lambda: "1", "1")
    assert next(pages) == first
    with pytest.raises(export.RowsIncomplete, match="meaning=0"):
        next(pages)


def test_rows_are_of_one_state_though_another_is_written_meanwhile(tmp_path: Path) -> None:
    asked: list[object] = []

    class Interrupted(Index):
        """An index of which every other article is removed before the second search."""

        def run(self, request: SearchRequest) -> Page:
            asked.append(request.cursor)
            if len(asked) == 2:
                self.remove([article.id for article in LONG[::2]])
            return super().run(request)

    with Interrupted(Config(index=tmp_path / "index")) as index:
        index.put(LONG)
        lines = webui.create_app(index).test_client().get("/api/search?q=tide&format=jsonl").text.splitlines()
    assert sorted(json.loads(line)["id"] for line in lines) == [article.id for article in LONG[1::2]]
    assert asked.count(None) == 2


def test_rows_that_there_is_no_room_for_are_refused() -> None:
    site = client(*LONG)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    # No file may be larger than this, whoever writes it.
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, hard))
    try:
        answer = site.get("/api/search?q=tide&format=csv")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert (answer.status_code, answer.mimetype) == (503, "application/problem+json")
    assert "File too large" in answer.get_json(force=True)["detail"]


def test_many_rows_wait_in_a_file_that_is_gone_with_the_answer() -> None:
    site, path = client(*LONG), "/api/search?q=tide&format=jsonl"
    with site.get(path) as answer:
        assert len(answer.data.splitlines()) == len(LONG)
    with site.get(path, headers={"If-None-Match": "*"}) as answer:
        assert answer.status_code == 304
    with site.head(path) as answer:
        assert int(answer.headers["Content-Length"]) > export.IN_MEMORY


def test_one_export_is_made_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "IN_MEMORY", 1)
    site, path = client(*MANY), "/api/search?q=tide&format=csv"
    with site.get(path, buffered=False) as first:
        refused = site.get(path)
        assert (refused.status_code, refused.mimetype) == (503, "application/problem+json")
        assert "Another export" in refused.get_json(force=True)["detail"]
        assert refused.headers["Retry-After"]
        assert site.get("/api/search?q=tide").status_code == 200
        assert first.data
        # All of it was read: the next one may begin.
        with site.get(path) as second:
            assert second.status_code == 200
    for _ in range(2):
        with site.get(path, buffered=False) as unread:
            assert unread.status_code == 200


@pytest.mark.parametrize(
    "cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "＝1+1", "=HYPERLINK(1)", " =1", "\ufeff=1", "\r=1"]
)  # fmt: skip
def test_no_cell_of_a_table_is_a_formula(cell: str) -> None:
    site = client(
        Article(id=f"x{cell.strip()}", title=f"{cell} silk", paragraphs=(f"{cell} silk",), url=cell)
    )
    (row,) = csv.DictReader(io.StringIO(site.get("/api/search?q=silk&format=csv").text, newline=""))
    for name in ("title", "text", "url"):
        assert not re.match(r"[\s\ufeff]*[=+\-@＝]", row[name]), row


def test_a_browser_can_add_the_archive_to_its_search_engines() -> None:
    response = client().get("/opensearch.xml")
    assert response.mimetype == "application/opensearchdescription+xml"
    space = "{http://a9.com/-/spec/opensearch/1.1/}"
    root = Xml.fromstring(response.data)
    assert len(root.findtext(f"{space}ShortName") or "") <= 16
    templates = {url.get("type"): url.get("template") or "" for url in root.findall(f"{space}Url")}
    for media, template in templates.items():
        assert template.startswith("http://localhost/")
        with client().get(
            template.removeprefix("http://localhost").replace("{searchTerms}", "silk+ro")
        ) as got:
            assert (got.status_code, got.mimetype) == (200, media)
    asked, found, told, places = client().get("/api/suggest?q=silk+ro&format=opensearch").get_json(force=True)
    assert (asked, found[0], told[0]) == ("silk ro", "silk road", "1 article")
    assert places[0].startswith("http://localhost/")
    assert len(found) == len(told) == len(places)


def test_metrics_count_and_name_nothing_that_was_asked() -> None:
    site = webui.create_app(archive(*ARTICLES)).test_client()
    for path in (
        "/?q=silk",
        "/api/search?q=secretword",
        "/api/search?limit=x",
        "/a/secretid",
        "/api/articles/vaccine",
    ):
        site.get(path)
    text = site.get("/metrics").text
    assert counts(text, route="api.search", status="200")["nutgraf_requests_total"] == 1
    assert counts(text, route="api.search", status="400")["nutgraf_requests_total"] == 1
    assert counts(text, route="article", status="404")["nutgraf_requests_total"] == 1
    told = counts(text, mount="nutgraf")
    assert told["nutgraf_search_seconds_count"] == 2
    assert counts(text, le="+Inf") == {"nutgraf_search_seconds_bucket": 2}
    assert (told["nutgraf_index_articles"], told["nutgraf_index_commit"]) == (3, 1)
    assert "secret" not in text


def test_large_counts_are_told_to_the_last_digit() -> None:
    text = Metrics("nutgraf").write({"bytes": 12_345_678_901}).decode()
    assert counts(text, mount="nutgraf")["nutgraf_index_bytes"] == 12_345_678_901


def test_before_anything_is_asked_there_are_counts_of_nothing() -> None:
    told = counts(Metrics("nutgraf").write({"up": 1}).decode())
    assert (told["nutgraf_search_seconds_count"], told["nutgraf_index_up"]) == (0, 1)


def test_two_mounts_count_apart_and_leave_the_metrics_of_the_application_alone() -> None:
    app = Flask(__name__)
    for name in ("news", "old"):
        webui.init_app(app, archive(*ARTICLES), url_prefix=f"/{name}", name=name)
    site = app.test_client()
    site.get("/news/api/search?q=silk")
    for name, searches in (("news", 1), ("old", 0)):
        told = counts(site.get(f"/{name}/metrics").text)
        assert told["nutgraf_search_seconds_count"] == searches
    assert b"nutgraf" not in generate_latest(REGISTRY)


def test_in_the_multiprocess_mode_of_the_application_only_own_counts_are_told(tmp_path: Path) -> None:
    code = f"""
import webui
from flask import Flask
from indexer import open_index
from prometheus_client import Counter
Counter("own_requests", "Of the application.").inc()
app = Flask("host")
index = open_index({str(archive(*ARTICLES).config.index)!r})
for name in ("news", "old"):
    webui.init_app(app, index, url_prefix="/" + name, name=name)
site = app.test_client()
site.get("/old/api/search?q=silk")
site.get("/news/api/search?q=silk")
print(site.get("/news/metrics").text)
"""
    env = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=env)
    assert "own_requests" not in done.stdout
    assert counts(done.stdout)["nutgraf_search_seconds_count"] == 1
    assert counts(done.stdout, mount="old") == {}


def test_metrics_can_be_configured_away() -> None:
    index = Index(with_options(archive(*ARTICLES).config, metrics=False))
    assert webui.create_app(index).test_client().get("/metrics").status_code == 404


def with_options(config: Config, **options: Any) -> Config:
    return config.with_options(options, "test")

"""The description of the API and the API: neither says what the other does not do."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import msgspec
import pytest
from bs4 import BeautifulSoup
from flask import Flask
from flask.testing import FlaskClient
from playwright.sync_api import Browser

import webui
from indexer import Index, SearchRequest
from indexer.results import FACETS, GRAINS
from indexer.search.request import FILTERS
from tests.fixtures.archives import MANY, answer_to, archive, client
from tests.fixtures.browser import violations_on_telephone
from tests.fixtures.serving import serving
from webui import parameters
from webui.answers import Problem, Row
from webui.openapi import OPERATIONS, PATHS, describe
from webui.security import MAX_ADDRESS, MAX_BODY, MAX_HEADERS

ANSWERS = [
    ("search", "/api/search?q=silk&facet=year&facet=site&facet=source&facet=language&timeline=auto&limit=1"),
    ("search", "/api/search?q=line+trams&sort=newest"),
    ("search", "/api/search?q=silkk+nothing+-x"),
    ("search", "/api/search?source=wire"),
    ("search", "/api/search?q=silk+road&explain=1&seconds=0.5"),
    ("search", "/api/search?q=silk+okapi+-road&since=2021&explain=1"),
    ("suggest", "/api/suggest?q=sil"),
    ("suggest", "/api/suggest"),
    ("timeline", "/api/timeline?q=silk&by=month"),
    ("timeline", "/api/timeline?q=nothingatall"),
    ("article", "/api/articles/silk/1?q=road"),
    ("article", "/api/articles/?id=c"),
    ("similar", "/api/similar/copy/0"),
    ("status", "/api/status"),
]


@pytest.mark.parametrize(("name", "path"), ANSWERS)
def test_every_answer_is_as_described_and_has_nothing_more(name: str, path: str) -> None:
    site = client(*MANY)
    answer = answer_to(site, path)
    read = msgspec.convert(answer, OPERATIONS[name].answer, strict=True)
    assert msgspec.json.decode(msgspec.json.encode(read)) == answer


def test_rows_and_problems_are_as_described() -> None:
    site = client(*MANY)
    for line in site.get("/api/search?q=silk&format=jsonl").text.splitlines():
        row = msgspec.json.decode(line, type=Row)
        assert json.loads(msgspec.json.encode(row)) == json.loads(line)
    for path in ("/api/search?limit=x", "/api/articles/nobody", "/api/nowhere"):
        answer = site.get(path).data
        problem = msgspec.json.decode(answer, type=Problem)
        assert msgspec.to_builtins(problem) == json.loads(answer)


def test_every_address_of_the_api_is_described() -> None:
    app = webui.create_app(archive(*MANY))
    served = {
        rule.rule.removeprefix("/api").replace("<path:name>", "{id}")
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith("/api/")
        and not rule.endpoint.endswith(("refuse_unknown_route", "documentation"))
    }
    assert served == set(describe()["paths"])
    assert set(OPERATIONS) == set(PATHS)


def test_every_argument_of_a_search_has_its_parameter() -> None:
    arguments = {field.name for field in fields(SearchRequest)} - {"filters"} | set(FILTERS)
    assert {
        parameter.library for parameter in OPERATIONS["search"].parameters if parameter.library
    } == arguments
    of_timeline = {parameter.library for parameter in OPERATIONS["timeline"].parameters}
    assert arguments - of_timeline == {
        "limit",
        "offset",
        "cursor",
        "facets",
        "seconds",
        "explain",
        "prefix",
        "meaning",
    }


def test_a_parameter_that_is_not_described_is_refused_by_name() -> None:
    for name, paths in PATHS.items():
        path = "/api" + paths[0].replace("{id}", "vaccine")
        answer = answer_to(client(*MANY), f"{path}?befor=2021")
        assert answer["status"] == 400, name
        assert "'befor'" in answer["detail"]
    assert answer_to(client(*MANY), "/api/search?q=a&q=b")["status"] == 400
    assert answer_to(client(*MANY), "/api/articles/vaccine?id=c")["status"] == 400
    for name in ("facet=year", "source=x"):
        assert client(*MANY).get("/api/search?" + "&".join([name] * 100)).status_code == 200
        assert answer_to(client(*MANY), "/api/search?" + "&".join([name] * 101))["status"] == 400


@pytest.mark.parametrize("name", ["search", "suggest", "timeline", "similar"])
def test_the_limits_that_are_described_are_those_that_hold(name: str) -> None:
    site = client(*MANY)
    path = "/api" + PATHS[name][0].replace("{id}", "vaccine")
    for parameter in OPERATIONS[name].parameters:
        schema = parameter.schema
        good: list[Any] = [*schema.get("enum", ()), *schema.get("items", {}).get("enum", ())]
        bad: list[Any] = ["never"] if good else []
        if schema["type"] == "integer":
            good, bad = [schema["minimum"], schema["maximum"]], [-1, schema["maximum"] + 1, "1.5", "1e300"]
            good = [0] if parameter is parameters.SLICE[1] else good
        if schema["type"] == "number":
            good, bad = [schema["minimum"], schema["maximum"]], [-1, "nan", "inf", "1e300"]
            (bad if schema["minimum"] else good).extend([0, "1e-300"])
        if "maxLength" in schema:
            good, bad = ["x" * schema["maxLength"]], ["x" * (schema["maxLength"] + 1)]
        for values, status in ((good, 200), (bad, 400)):
            for value in values:
                # Only rows go as far as is said of the limit.
                rows = {"format": "csv"} if (name, parameter.name) == ("search", "limit") else {}
                response = site.get(path, query_string={parameter.name: value, **rows})
                assert response.status_code == status, (parameter.name, value, response.text[:200])


@pytest.mark.parametrize("name", ["since", "until"])
def test_the_dates_that_are_described_are_those_that_hold(name: str) -> None:
    site = client(*MANY)
    for date in ("", "0001", "9999", "2024-02", "2024-02-29", "2000-02-29", "9999-12-31"):
        assert site.get("/api/search", query_string={name: date}).status_code == 200, date
    for date in ("0000", "2024-00", "2024-13", "2023-02-29", "1900-02-29", "2024-04-31", "0000-01-01", "24"):
        assert site.get("/api/search", query_string={name: date}).status_code == 400, date


def test_every_header_and_status_is_described(tmp_path: Path) -> None:
    document, site = describe(), client(*MANY)
    for name, path in ANSWERS:
        responses = document["paths"][PATHS[name]["?" in path and "id=" in path]]["get"]["responses"]
        answer = site.get(path)
        assert set(responses["200"]["headers"]) - {"Content-Disposition"} <= set(answer.headers.keys())
        again = site.get(path, headers={"If-None-Match": answer.headers["ETag"]})
        assert again.status_code == 304
        assert set(responses["304"]["headers"]) <= set(again.headers.keys())
        assert not again.headers.get("Content-Type")
        assert again.headers["Vary"] == answer.headers["Vary"]
    assert "Content-Disposition" in site.get("/api/search?format=csv").headers
    missing = webui.create_app(tmp_path / "none").test_client()
    met = {
        missing.get("/api/search"),
        site.get("/api/search?limit=x"),
        site.get("/api/articles/nobody"),
        site.get("/api/search", data=b"x" * (MAX_BODY + 1)),
        site.get("/api/search?q=" + "x" * MAX_ADDRESS),
        site.get("/api/search", headers={f"X-{n}": "x" for n in range(MAX_HEADERS)}),
        other_host().get("/api/search"),
    }
    assert {str(response.status_code) for response in met} == set(document["components"]["responses"])
    for response in met:
        stated = document["components"]["responses"][str(response.status_code)]
        assert response.mimetype in stated["content"]
        assert set(stated.get("headers", ())) <= set(response.headers.keys())


def other_host() -> FlaskClient:
    index = archive(*MANY)
    options = {"trusted_hosts": ["news.example"]}
    return webui.create_app(Index(index.config.with_options(options, "test"))).test_client()


def test_every_facet_and_period_that_is_described_is_counted() -> None:
    site = client(*MANY)
    for facet in FACETS:
        assert list(site.get(f"/api/search?q=silk&facet={facet}").get_json()["facets"]) == [facet]
    for grain in GRAINS:
        assert site.get(f"/api/timeline?q=silk&by={grain}").get_json()["timeline"]["grain"] == grain


def test_the_description_says_where_it_is_served() -> None:
    app = Flask("host")
    webui.init_app(app, archive(*MANY), url_prefix="/find")
    document = app.test_client().get("/find/api/openapi.json").get_json()
    assert document["openapi"] == "3.1.0"
    assert document["servers"] == [{"url": "/find/api"}]
    assert json.loads(json.dumps(document))["paths"]["/search"]["get"]["operationId"] == "search"


def test_the_page_of_the_api_names_all_that_is_described() -> None:
    response = client(*MANY).get("/api/")
    soup = BeautifulSoup(response.text, "html.parser")
    assert not soup.select("script:not([src]), style, [style]")
    codes = {code.text for code in soup.select("code")}
    for path, methods in describe()["paths"].items():
        assert f"GET /api{path}" in codes
        assert {parameter["name"] for parameter in methods["get"].get("parameters", ())} <= codes
    parts = describe()["components"]
    assert {h.get("id") for h in soup.select("main h2[id]")} == {*parts["schemas"], "refusals"}
    assert set(parts["responses"]) <= codes
    example = soup.select_one("main a[href*='q=']")
    assert example is not None
    assert client(*MANY).get(str(example["href"])).is_json
    assert client(*MANY).get("/api").status_code == 200


def test_the_page_of_the_api_is_for_everyone_and_for_small_windows(browser: Browser) -> None:
    with serving(webui.create_app(archive(*MANY))) as address:
        assert violations_on_telephone(browser, f"{address}api/") == []

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

import webui
from indexer import open_index
from indexer.article import Article
from indexer.results import Result
from tests.fixtures.archives import ARTICLES, COPIES, LABELLED, MANY, NIGHT, answer_to, archive, client


def as_json(result: Result) -> Any:
    """A result as JSON gives it back."""
    return json.loads(json.dumps(result.as_json()))


@pytest.mark.parametrize(
    ("parameters", "options"),
    [
        ("q=silk+road", {"query": "silk road"}),
        ("q=silk&limit=2&offset=1", {"query": "silk", "limit": 2, "offset": 1}),
        ("q=silk+road&explain=1", {"query": "silk road", "explain": True}),
        ("q=silk+ro&prefix=1", {"query": "silk ro", "prefix": True}),
        ("q=line&sort=newest", {"query": "line", "sort": "newest"}),
        ("q=line&collapse=0", {"query": "line", "collapse": False}),
        ("q=silk&source=wire&source=blog", {"query": "silk", "source": ["wire", "blog"]}),
        ("q=silk&site=one.example", {"query": "silk", "site": "one.example"}),
        ("q=silk&language=de", {"query": "silk", "language": "de"}),
        ("q=silk&undated=1", {"query": "silk", "undated": True}),
        ("q=silk&undated=no", {"query": "silk", "undated": False}),
        ("q=silk&half_life=30.5", {"query": "silk", "half_life": 30.5}),
        ("q=silk&facet=year&facet=site", {"query": "silk", "facets": ["year", "site"]}),
        ("q=silk&timeline=auto", {"query": "silk", "timeline": True}),
        (
            "q=silk&timeline=month&since=2021&until=2021",
            {"query": "silk", "timeline": "month", "since": "2021", "until": "2021"},
        ),
    ],
)
def test_a_search_answers_as_the_library_does(parameters: str, options: dict[str, Any]) -> None:
    response = client(*MANY).get(f"/api/search?{parameters}")
    assert response.mimetype == "application/json"
    expected = as_json(archive(*MANY).search(**options))
    assert {**response.get_json(), "took_ms": 0} == {**expected, "took_ms": 0}


def test_a_timeline_can_be_had_alone() -> None:
    answer = answer_to(client(*LABELLED), "/api/timeline?q=silk&by=month")
    assert set(answer) == {"query", "total", "took_ms", "notes", "timeline"}
    assert [(bar["start"], bar["articles"]) for bar in answer["timeline"]["bars"]] == [
        ("2021-03", 1),
        ("2021-04", 1),
    ]
    assert answer["timeline"]["undated"] == 1


def test_a_cursor_continues_after_its_page() -> None:
    site = client(*LABELLED)
    first = answer_to(site, "/api/search?q=silk&sort=oldest&limit=2")
    second = answer_to(site, f"/api/search?q=silk&sort=oldest&limit=2&cursor={first['cursor']}")
    assert [hit["article"]["id"] for page in (first, second) for hit in page["hits"]] == ["a", "b", "c"]
    assert (second["offset"], second["cursor"]) == (2, None)


def test_text_travels_as_it_is() -> None:
    response = client(Article(id="東", title="東京 <b>", paragraphs=("</script>",))).get("/api/search?q=東京")
    assert "東京 <b>" in response.text
    assert response.get_json()["hits"][0]["article"]["id"] == "東"


@pytest.mark.parametrize("name", ["silk/1", "vaccine"])
def test_an_article_comes_with_anchors_and_spans(name: str) -> None:
    answer = answer_to(client(), f"/api/articles/{name}?q=road")
    assert answer["article"]["id"] == name
    assert all(p["anchor"].startswith("p-") for p in answer["paragraphs"])
    assert [s for p in answer["paragraphs"] for s in p["spans"]]


def test_suggestions_are_the_library_s() -> None:
    found = answer_to(client(), "/api/suggest?q=silk+ro&limit=3")
    expected = [as_json(one) for one in archive(*ARTICLES).suggest("silk ro", 3)]
    assert found == {"query": "silk ro", "suggestions": expected}
    assert found["suggestions"][0]["text"] == "silk road"
    assert answer_to(client(), "/api/suggest") == {"query": "", "suggestions": []}
    assert answer_to(client(), "/api/suggest?q=silk&limit=0")["suggestions"] == []


def test_an_article_with_an_awkward_id_is_named_by_a_parameter() -> None:
    site = client(Article(id="../x", title="X", paragraphs=("x",)))
    assert answer_to(site, f"/api/articles/?id={quote('../x', safe='')}")["article"]["id"] == "../x"


def test_similar_articles_come_with_near_duplicates_apart() -> None:
    site = client(*COPIES, NIGHT)
    answer = answer_to(site, "/api/similar/copy/0")
    assert answer["id"] == "copy/0"
    assert [other["id"] for other in answer["also"]] == ["copy/2", "copy/1"]
    assert [hit["article"]["id"] for hit in answer["hits"]] == ["night"]
    assert answer["hits"][0]["passages"][0]["spans"]
    assert answer_to(site, "/api/similar/copy/0?limit=0")["hits"] == []
    assert answer_to(site, "/api/similar/?id=night&limit=1")["hits"][0]["also"]
    assert answer_to(site, "/api/similar/nobody")["status"] == 404


def test_the_status_is_the_library_s() -> None:
    assert answer_to(client(), "/api/status")["articles"] == 3


def test_names_of_files_that_are_no_text_are_told_all_the_same(tmp_path: Path) -> None:
    folder = tmp_path / os.fsdecode(b"old\xff")
    folder.mkdir()
    (folder / os.fsdecode(b"caf\xe9.jsonl")).write_text("{")
    with open_index(tmp_path / os.fsdecode(b"index\xfe"), jobs=1) as index:
        site = webui.create_app(index).test_client()
        for path, media in (("/", "text/html"), ("/api/search?q=silk", "application/problem+json")):
            response = site.get(path)
            assert (response.status_code, response.mimetype) == (503, media)
            assert r"index\udcfe" in response.text.replace("\\\\", "\\")
        index.sync(folder)
        status = answer_to(site, "/api/status")
        assert status["sources"] == [str(tmp_path / r"old\xff")]
        assert [failure["path"] for failure in status["failures"]] == [r"caf\xe9.jsonl:1"]
        assert site.get("/").status_code == 200
        assert site.get("/metrics").status_code == 200


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("/api/search?limit=ten", 400, "limit"),
        ("/api/search?q=x&offset=9999", 400, "10,000"),
        ("/api/search?q=x&limit=5000", 400, "limit: must be at most 1,000"),
        ("/api/search?q=x&until=never", 400, "until"),
        ("/api/search?q=x&facet=title", 400, "facet: must be"),
        ("/api/search?q=x&half_life=9&sort=title", 400, "half_life"),
        ("/api/search?q=x&meaning=2", 400, "meaning: must be a number from 0 to 1"),
        ("/api/timeline?q=x&meaning=0", 400, "meaning"),
        ("/api/search?q=x&undated=perhaps", 400, "undated"),
        ("/api/search?q=x&cursor=AAAA", 400, "cursor"),
        ("/api/search?q=x&cursor=AAAA&offset=3", 400, "offset"),
        ("/api/timeline?q=x&by=decade", 400, "by: must be"),
        ("/api/articles/nowhere", 404, "nowhere"),
        ("/api/articles/", 400, "id"),
        ("/api/nowhere", 404, "nothing at this address"),
    ],
)
def test_an_error_is_a_problem_document(path: str, status: int, words: str) -> None:
    response = client().get(path)
    assert response.status_code == status
    assert response.mimetype == "application/problem+json"
    answer = response.get_json(force=True)
    assert answer["status"] == status
    assert answer["title"]
    assert words in answer["detail"]

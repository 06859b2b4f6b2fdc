from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest
from flask.testing import FlaskClient

from indexer.model import Article
from tests.test_webui_views import ARTICLES, archive, client


def answer_to(site: FlaskClient, path: str) -> dict[str, Any]:
    answer: dict[str, Any] = site.get(path).get_json()
    return answer


def test_a_search_answers_as_the_library_does() -> None:
    response = client().get("/api/search?q=silk+road&limit=5&offset=0")
    assert response.mimetype == "application/json"
    expected = archive(*ARTICLES).search("silk road", limit=5).as_json()
    assert {**response.get_json(), "took_ms": 0} == {**expected, "took_ms": 0}


def test_the_limit_is_the_page_size_unless_it_is_given() -> None:
    many = [Article(id=f"n{n}", title="silk", paragraphs=("x",)) for n in range(30)]
    site = client(*many)
    assert len(answer_to(site, "/api/search?q=silk")["hits"]) == 10
    answer = answer_to(site, "/api/search?q=silk&limit=4&offset=28")
    assert (len(answer["hits"]), answer["offset"], answer["total"]) == (2, 28, 30)


def test_text_travels_as_it_is() -> None:
    response = client(Article(id="東", title="東京 <b>", paragraphs=("</script>",))).get("/api/search?q=東京")
    assert "東京 <b>" in response.text
    assert response.get_json()["hits"][0]["id"] == "東"


@pytest.mark.parametrize("name", ["silk/1", "vaccine"])
def test_an_article_comes_with_anchors_and_spans(name: str) -> None:
    answer = answer_to(client(), f"/api/articles/{name}?q=road")
    assert answer["id"] == name
    assert all(p["anchor"].startswith("p-") for p in answer["paragraphs"])
    assert [s for p in answer["paragraphs"] for s in p["spans"]]


def test_suggestions_are_the_library_s() -> None:
    found = answer_to(client(), "/api/suggest?q=silk+ro&limit=3")
    expected = [one.as_json() for one in archive(*ARTICLES).suggest("silk ro", 3)]
    assert found == {"query": "silk ro", "suggestions": expected}
    assert found["suggestions"][0]["text"] == "silk road"
    assert answer_to(client(), "/api/suggest") == {"query": "", "suggestions": []}
    assert answer_to(client(), "/api/suggest?q=silk&limit=0")["suggestions"] == []


def test_an_article_with_an_awkward_id_is_named_by_a_parameter() -> None:
    site = client(Article(id="../x", title="X", paragraphs=("x",)))
    assert answer_to(site, f"/api/articles/?id={quote('../x', safe='')}")["id"] == "../x"


def test_the_status_is_the_library_s() -> None:
    assert answer_to(client(), "/api/status")["articles"] == 3


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("/api/search?limit=-1", 400, "limit"),
        ("/api/search?limit=ten", 400, "limit"),
        ("/api/search?q=x&limit=5000", 400, "limit"),
        ("/api/search?q=x&offset=99999999999", 400, "offset"),
        ("/api/search?q=x&offset=9999", 400, "10,000"),
        ("/api/search?q=x&sort=up", 400, "sort"),
        ("/api/suggest?q=x&limit=51", 400, "limit"),
        ("/api/search?q=x&before=never", 400, "before"),
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


def test_another_method_is_a_problem_too() -> None:
    response = client().post("/api/search")
    assert (response.status_code, response.mimetype) == (405, "application/problem+json")

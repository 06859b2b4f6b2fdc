"""Hits that are found by their meaning: on the page, over HTTP and in tables."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from bs4 import BeautifulSoup
from flask.testing import FlaskClient

from indexer import Article, Index, open_index
from tests.fixtures.archives import answer_to, client, create_app, one, plain
from tests.fixtures.embedded import SHIPS, embed_articles
from tests.fixtures.models import make_tiny_model
from tests.fixtures.serving import start_site

ON, OFF = "true", "false"


@pytest.fixture(scope="module")
def site(embedded: Index) -> FlaskClient:
    return create_app(embedded).test_client()


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> FlaskClient:
    """A site with several pages of hits, two on each, in a place of its own."""
    boats = (
        Article(
            id=f"boat-{n}",
            title=f"Boat {n}",
            paragraphs=(f"Boats of the year {2000 + n}.",),
            published=str(2000 + n),
            section="Sea" if n % 2 else "Land",
        )
        for n in range(6)
    )
    folder = tmp_path_factory.mktemp("fleet") / "index"
    index = embed_articles(folder, tiny_model, *SHIPS, *boats, page_size=2)
    return create_app(index).test_client()


def show(site: FlaskClient, path: str, status: int = 200) -> BeautifulSoup:
    response = site.get(path)
    assert response.status_code == status
    return BeautifulSoup(response.text, "html.parser")


def test_what_is_found_by_its_meaning_follows_and_says_so(site: FlaskClient) -> None:
    soup = show(site, "/?q=ferry")
    first, *others = soup.select(".hit")
    assert (plain(first.h3), len(first.select("mark"))) == ("Night service", 1)
    assert {plain(hit.h3) for hit in others} == {"Two at once", "Am Abend"}
    assert [plain(label) for label in soup.select(".by-meaning")] == ["Found by its meaning"] * 2
    assert first.select(".by-meaning") == []
    heading = one(soup, "section.partial > h2")
    assert plain(heading) == "These are found by their meaning"
    assert "unseen" not in heading.get("class", [])
    assert plain(one(soup, ".found")) == "1 article · 2 found by their meaning"


def test_its_passage_is_the_nearest_paragraph_without_marks(site: FlaskClient) -> None:
    hit = next(hit for hit in show(site, "/?q=ferry").select(".hit") if plain(hit.h3) == "Two at once")
    passage = one(hit, ".passages a")
    assert (plain(passage), hit.select("mark"), hit.select(".missing")) == (
        "Two boats met at noon.",
        [],
        [],
    )
    assert "n=2" in str(passage["href"])


def test_an_article_with_a_title_only_is_shown_by_its_title(tmp_path: Path, tiny_model: Path) -> None:
    lone = Article(id="lone", title="Vessels, and a freighter", published="2022", language="en")
    with embed_articles(tmp_path / "index", tiny_model, *SHIPS, lone, Article(id="empty", title="")) as index:
        site = create_app(index).test_client()
        soup = show(site, "/?q=boat&explain=1")
        (hit,) = (hit for hit in soup.select(".hit") if plain(hit.h3) == lone.title)
        assert plain(one(hit, ".by-meaning")) == "Found by its meaning"
        assert (hit.select(".passages"), hit.select("mark")) == ([], [])
        assert hit.select(".explanation")
        assert plain(one(show(site, str(one(hit, "h3 > a")["href"])), "h1")) == lone.title
        hits = answer_to(site, "/api/search?q=boat")["hits"]
        (found,) = (hit for hit in hits if hit["article"]["id"] == "lone")
        assert (found["by_meaning"], found["passages"]) == (True, [])
        rows = csv.DictReader(io.StringIO(site.get("/api/search?q=boat&format=csv").text))
        (row,) = (row for row in rows if row["id"] == "lone")
        assert (row["by_meaning"], row["passage"], row["text"]) == ("true", "", "")


def test_without_any_of_the_words_the_count_says_so_and_no_heading_repeats_it(site: FlaskClient) -> None:
    soup = show(site, "/?q=vessel")
    assert plain(one(soup, ".found")) == "No article has these words · 3 found by their meaning"
    assert "unseen" in one(soup, "section.partial > h2")["class"]
    assert not soup.select(".nothing")


def test_the_switch_leads_to_words_alone_and_back(site: FlaskClient) -> None:
    switch = one(show(site, "/?q=ferry&since=2019"), "[role=switch]")
    assert (plain(switch), switch["aria-checked"]) == ("also by meaning", ON)
    alone = show(site, str(switch["href"]))
    assert len(alone.select(".hit")) == 1
    back = one(alone, "[role=switch]")
    assert (back["aria-checked"], back["href"]) == (OFF, "/?q=ferry&since=2019")


def test_every_link_of_the_page_keeps_what_was_chosen(fleet: FlaskClient) -> None:
    soup = show(fleet, "/?q=boats+OR+ferry&meaning=0&since=2000")
    searches = [
        parse_qs(urlsplit(str(link["href"])).query)
        for link in soup.select("main a[href], link[rel=next]")
        if "q=" in str(link["href"]) and link.get("role") != "switch"
    ]
    assert len(searches) > 15
    assert [search for search in searches if search.get("meaning") != ["0"]] == []
    assert one(soup, ".hidden-fields input[name=meaning]")["value"] == "0"


def test_further_pages_go_on_with_what_is_found_by_its_meaning(fleet: FlaskClient) -> None:
    soup = show(fleet, "/?q=ferry&page=2")
    assert plain(one(soup, "section.partial > h2")) == "These are found by their meaning"
    assert one(soup, "ol.hits")["start"] == "3"


@pytest.mark.parametrize(
    "path",
    [
        "/?q=ferry&sort=newest",
        '/?q="the+ferry"',
        "/?q=ferry+NOT+night",
        "/?q=title:night",
        "/?q=ferry&prefix=1",
        "/?q=ferr*&meaning=0",
        "/?q=2021",
        "/?since=2019",
        "/",
    ],
)
def test_there_is_no_switch_where_it_would_do_nothing(site: FlaskClient, path: str) -> None:
    assert not show(site, path).select("[role=switch]")


def test_there_is_no_switch_for_an_index_without_vectors() -> None:
    assert not show(client(*SHIPS), "/?q=ferry").select("[role=switch], .by-meaning")


def test_a_share_of_zero_in_the_configuration_is_off_until_a_reader_wants_it(
    tmp_path: Path, tiny_model: Path
) -> None:
    with embed_articles(tmp_path / "index", tiny_model, meaning=0) as index:
        site = create_app(index).test_client()
        soup = show(site, "/?q=ferry")
        switch = one(soup, "[role=switch]")
        assert (switch["aria-checked"], len(soup.select(".hit"))) == (OFF, 1)
        assert len(show(site, str(switch["href"])).select(".hit")) == 3


def test_a_share_that_is_none_is_refused_by_its_name(site: FlaskClient) -> None:
    assert "meaning: must be a number from 0 to 1" in show(site, "/?q=ferry&meaning=2", 400).text


def test_an_explanation_has_the_shares_of_the_words_and_of_the_meaning(site: FlaskClient) -> None:
    full, *others = show(site, "/?q=ferry&explain=1").select(".hit .explanation")
    for explanation in (full, *others):
        text = " ".join(explanation.text.split())
        score = re.search(r"Score ([0-9.]+)", text)
        words = re.search(r"words: ([0-9.]+) = ", text)
        meaning = re.search(r"meaning: \+ ([0-9.]+) = ", text)
        assert score
        assert meaning
        shares = float(words[1]) if words else 0.0, float(meaning[1])
        assert sum(shares) == pytest.approx(float(score[1]), abs=0.002)
        assert bool(words) == (explanation is full)
    assert "for nearness" in full.text
    assert "for nearness" not in others[0].text


def test_hits_by_meaning_alone_are_offered_in_no_other_order(site: FlaskClient) -> None:
    soup = show(site, "/?q=ship")
    assert len(soup.select(".hit")) == len(soup.select(".by-meaning")) > 1
    assert soup.select(".sorts") == []


def test_the_api_says_which_hits_are_found_by_their_meaning(site: FlaskClient, embedded: Index) -> None:
    answer = answer_to(site, "/api/search?q=ferry")
    assert (answer["total"], answer["by_meaning"]) == (1, 2)
    assert {hit["article"]["id"]: hit["by_meaning"] for hit in answer["hits"]} == {
        "ferry": False,
        "boats": True,
        "schiff": True,
    }
    expected = json.loads(json.dumps(embedded.search("ferry", meaning=0.9).as_json()))
    assert {**answer_to(site, "/api/search?q=ferry&meaning=0.9"), "took_ms": 0} == {**expected, "took_ms": 0}


def test_the_api_answers_by_words_alone_when_asked(site: FlaskClient) -> None:
    answer = answer_to(site, "/api/search?q=ferry&meaning=0")
    assert {**answer, "took_ms": 0} == {**answer_to(client(*SHIPS), "/api/search?q=ferry"), "took_ms": 0}


PATHS = ["/api/search?q=vessel", "/api/search?q=vessel&format=csv", "/api/similar/ferry", "/?q=vessel"]


@pytest.mark.parametrize("path", PATHS)
def test_an_answer_without_the_model_is_not_kept(path: str, tmp_path: Path) -> None:
    folder, model = tmp_path / "index", make_tiny_model(tmp_path / "model")
    embed_articles(folder, model).close()
    model.rename(tmp_path / "away")
    with open_index(folder, model=str(model)) as index:
        site = create_app(index).test_client()
        answer = site.get(path)
        assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
        assert "ETag" not in answer.headers
        if "format" not in path:
            assert "the model for their meaning did not answer" in answer.text
        # What is searched by words alone is kept as ever.
        assert "ETag" in site.get('/api/search?q="vessel"').headers


def test_a_tag_is_of_one_model_and_one_share_of_the_meaning(embedded: Index, tmp_path: Path) -> None:
    def tag(**options: Any) -> str:
        with Index(replace(embedded.config, **options)) as index:
            return create_app(index).test_client().get("/api/search?q=vessel").headers["ETag"]

    other = str(make_tiny_model(tmp_path / "other", dimensions=32))
    assert tag() == tag()
    assert len({tag(), tag(meaning=0.0), tag(meaning=1.0), tag(model=""), tag(model=other)}) == 5
    # Without a model the share means nothing.
    assert tag(model="", meaning=1.0) == tag(model="")


def test_rows_say_which_passages_are_found_by_their_meaning(site: FlaskClient) -> None:
    rows = [*csv.DictReader(io.StringIO(site.get("/api/search?q=ferry&format=csv").text))]
    assert {row["id"]: row["by_meaning"] for row in rows} == {
        "ferry": "false",
        "boats": "true",
        "schiff": "true",
    }
    lines = site.get("/api/search?q=ferry&format=jsonl").text.splitlines()
    assert [json.loads(line)["by_meaning"] for line in lines] == [False, True, True]


def test_the_server_searches_by_meaning_as_configured(embedded: Index) -> None:
    config = embedded.config
    with start_site(index=Path(config.index), env={"NUTGRAF_MODEL": config.model}) as served:
        assert json.loads(served.get("/api/search?q=ferry")[1])["by_meaning"] == 2

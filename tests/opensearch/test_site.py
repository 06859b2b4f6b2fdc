"""The site over a cluster: tests of the page, of the element and of agents, and what only a cluster does."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from indexer import Article, ClusterAddress, Config, Index
from indexer.opensearch.cluster import Cluster
from tests.fixtures.archives import answer_to, create_app
from tests.fixtures.browser import CHROMIUM
from tests.fixtures.serving import serving_files
from tests.opensearch import server

ROOT = Path(__file__).parents[2]
SAME = [
    "tests/integrations/test_mcp.py",
    "tests/webui/test_element.py::test_results_come_while_typing_and_lead_to_the_paragraph",
    "tests/webui/test_element.py::test_more_goes_on_after_the_last_hit_and_takes_the_focus_there",
    "tests/webui/test_pages_browser.py::test_a_search_lands_on_the_paragraph",
    "tests/webui/test_pages_browser.py::test_results_come_while_one_types_and_the_address_follows",
    "tests/webui/test_pages_browser.py::test_a_suggestion_that_is_taken_is_searched_for",
    "tests/webui/test_pages_browser.py::test_facets_narrow_and_chips_widen_again",
    "tests/webui/test_pages_browser.py::test_a_bar_of_the_timeline_leads_to_its_period",
]


@pytest.fixture
def index(cluster: Cluster) -> Iterator[Index]:
    """An index whose name has a dot, on a real node."""
    with Index(Config(cluster=cluster.address, query_seconds=60.0)) as opened:
        opened.put([Article("kettle", "A kettle", ["The kettle stood on the quay."])])
        yield opened


@pytest.fixture
def site(index: Index) -> FlaskClient:
    return create_app(index).test_client()


@pytest.fixture
def away(tmp_path: Path) -> Iterator[FlaskClient]:
    """The site over a cluster in whose place another server answers, which is not asked again for seconds."""
    with serving_files(tmp_path) as url:
        config = Config(cluster=ClusterAddress.parse(f"opensearch+{url}archive"))
        yield create_app(Index(config)).test_client()


def test_page_element_and_agents_are_the_same(opensearch: server.Cluster) -> None:
    if not shutil.which(CHROMIUM):
        pytest.skip(f"no browser: {CHROMIUM} is no program; install chromium or set CHROMIUM")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:xdist", "-m", "not stress", *SAME]
    # Without hits, a cluster does not count the paragraphs that match.
    command += ["--deselect", "tests/integrations/test_mcp.py::test_a_timeline_has_bars_and_is_bounded"]
    env = {**os.environ, "TEST_CLUSTER": opensearch.urls[0]}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_an_answer_is_not_sent_twice_until_something_is_written(site: FlaskClient, index: Index) -> None:
    first = site.get("/api/search?q=kettle")
    assert (first.status_code, first.headers["Cache-Control"]) == (200, "private, no-cache")
    known = {"If-None-Match": first.headers["ETag"]}
    assert site.get("/api/search?q=kettle", headers=known).status_code == 304
    index.put([Article("goose", "A goose and a kettle")])
    second = site.get("/api/search?q=kettle", headers=known)
    assert (second.status_code, second.get_json()["total"]) == (200, 2)


def test_metrics_and_status_are_those_of_the_index(site: FlaskClient, index: Index) -> None:
    lines = site.get("/metrics").text.splitlines()
    gauges = dict(line.split() for line in lines if line.startswith("nutgraf_index_"))
    assert gauges['nutgraf_index_up{mount="nutgraf"}'] == "1.0"
    assert gauges['nutgraf_index_articles{mount="nutgraf"}'] == "1.0"
    assert float(gauges['nutgraf_index_commit{mount="nutgraf"}']) >= 1
    assert answer_to(site, "/api/status")["path"] == str(index.config.cluster)
    assert site.get("/readyz").text == "ready\n"


@pytest.mark.parametrize(
    "path", ["/api/search?q=kettle", "/api/articles/kettle", "/api/suggest?q=ket", "/api/status", "/readyz"]
)
def test_while_the_cluster_is_away_programs_are_told_when_to_come_back(away: FlaskClient, path: str) -> None:
    answer = away.get(path)
    assert (answer.status_code, answer.mimetype) == (503, "application/problem+json")
    assert answer.headers["Retry-After"] == "10"
    assert answer.headers["Cache-Control"] == "no-store"
    assert "is no OpenSearch: check the address of the index" in answer.get_json()["detail"]


def test_while_the_cluster_is_away_the_page_says_so_to_readers(away: FlaskClient) -> None:
    answer = away.get("/?q=kettle&lang=de")
    assert answer.status_code == 503
    assert "Der Index antwortet nicht" in answer.text
    assert (away.get("/healthz").status_code, away.get("/guide/").status_code) == (200, 200)
    assert 'nutgraf_index_up{mount="nutgraf"} 0.0' in away.get("/metrics").text

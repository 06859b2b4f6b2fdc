"""Fixtures of all tests, and settings by which none depends on how busy the machine is."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from indexer import Config, Index
from indexer.search.settings import SearchSettings
from indexer.store import reader
from indexer.sync import apply
from tests.fixtures.embedded import embed_articles
from tests.fixtures.folders import Archive
from tests.fixtures.models import make_static_model, make_tiny_model
from tests.opensearch.server import VERSIONS, Cluster, find_program, start_cluster
from tests.query.examples import ARTICLES, TODAY
from tests.stress.archive import Unavailable

# The time of an example depends on how busy the machine is. Sharing a fixture between the examples of a test
# is intended: it is an index that is made once.
settings.register_profile(
    "any machine",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("any machine")

# A shell without job control starts background programs with SIGINT ignored, nohup starts them with SIGHUP
# ignored, and their children inherit that; some tests end a program of their own by these signals.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
if signal.getsignal(getattr(signal, "SIGHUP", signal.SIGINT)) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)

LANES = ("browser", "opensearch", "three_nodes", "stress", "slow", "shared")


def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark every test that needs OpenSearch."""
    if "opensearch_version" in getattr(item, "fixturenames", ()):
        item.add_marker(pytest.mark.opensearch)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip the slow lanes, unless `-m` chooses which tests to run."""
    if config.option.markexpr:
        return
    for item in items:
        for lane in LANES:
            if item.get_closest_marker(lane):
                item.add_marker(pytest.mark.skip(reason=f"run it with: pytest -m {lane}"))


@pytest.fixture(autouse=True, scope="session")
def _computing_time() -> Iterator[None]:
    """Measure a query's time limit in processor time, so that it does not time out on a busy machine."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reader, "SearchSettings", partial(SearchSettings, clock=time.thread_time))
        yield


@pytest.fixture(autouse=True, scope="session")
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the cache of the user who runs the tests out of them; processes that share the tests share one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp().parent / "cache"))
        yield


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    """A source with one article, and no index yet; modules that need more have their own."""
    made = Archive(tmp_path)
    made.text("a.txt", "A crane in the harbour.")
    return made


@pytest.fixture
def in_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read all files in this process, where a worker would take longer to start than all the rest."""
    monkeypatch.setattr(apply, "count_workers", lambda _files, _jobs: 0)


@pytest.fixture(params=["in this process", pytest.param("in workers", marks=pytest.mark.slow)])
def either_way(request: pytest.FixtureRequest) -> None:
    """Read files in this process; among the slow tests in workers, as they are in fact."""
    if request.param == "in this process":
        request.getfixturevalue("in_process")


@pytest.fixture(scope="session")
def examples(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    """An index of the articles in `tests.query.examples`, to be read only, and searched without variants."""
    config = Config(index=tmp_path_factory.mktemp("examples") / "index", variants=False)
    with Index(config, today=lambda: TODAY) as opened:
        opened.put(ARTICLES)
        yield opened


@pytest.fixture(scope="session")
def static_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a real static model, not to be changed; skips where it is not installed."""
    return make_static_model(tmp_path_factory.mktemp("static") / "model")


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a static model that knows a few words, not to be changed."""
    return make_tiny_model(tmp_path_factory.mktemp("tiny") / "model")


@pytest.fixture(scope="session")
def embedded(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> Iterator[Index]:
    """An index of SHIPS that can be searched by meaning, to be read only."""
    with embed_articles(tmp_path_factory.mktemp("embedded") / "index", tiny_model) as opened:
        yield opened


@pytest.fixture(scope="session", params=VERSIONS)
def opensearch_version(request: pytest.FixtureRequest) -> str:
    """Each version of OpenSearch that the tests run with; skips where it cannot be started."""
    version: str = request.param
    try:
        find_program(version)
    except Unavailable as reason:
        pytest.skip(str(reason))
    return version


@pytest.fixture(scope="session")
def opensearch(opensearch_version: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """One node of OpenSearch, which all tests share: each has indexes of its own names."""
    with start_cluster(tmp_path_factory.mktemp("opensearch"), opensearch_version) as cluster:
        yield cluster

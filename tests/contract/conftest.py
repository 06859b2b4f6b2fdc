"""Fixtures of the contract tests: each engine in turn, the archive, and small indexes to write to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from indexer import Article, Index
from tests.contract.archive import ARTICLES
from tests.contract.engines import ENGINES, Engine, start_engine
from tests.stress.archive import Unavailable


def pytest_configure(config: pytest.Config) -> None:
    """Register the mark for tests that an engine cannot pass."""
    config.addinivalue_line("markers", "differs(NAME=reason): the engine of this name fails the test")


_PARAMETERS = [
    pytest.param(name, marks=getattr(pytest.mark, lane) if lane else ()) for name, lane in ENGINES.items()
]


@pytest.fixture(scope="session", params=_PARAMETERS)
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """The engine that is tested; skips where it cannot be started."""
    try:
        with start_engine(request.param, tmp_path_factory.mktemp("engine")) as started:
            yield started
    except Unavailable as reason:
        pytest.skip(str(reason))


@pytest.fixture(autouse=True)
def _differences(request: pytest.FixtureRequest, engine: Engine) -> None:
    """Expect the known failures of this engine."""
    for mark in request.node.iter_markers("differs"):
        if reason := mark.kwargs.get(engine.name):
            request.applymarker(pytest.mark.xfail(strict=True, reason=reason))


@pytest.fixture(scope="session")
def archive(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    """The whole archive, for reading only: it grew by several commits, with a change and a removal."""
    with engine.open(tmp_path_factory.mktemp("archive") / "index") as index:
        index.put(
            [*ARTICLES[::3], Article("gone", "Zeppelin over Osterby", ["A zeppelin was seen."], "2021")]
        )
        index.put([*ARTICLES[1::3], replace(ARTICLES[0], paragraphs=("A zeppelin took the ferry's place.",))])
        index.put([ARTICLES[0], *ARTICLES[2::3]])
        index.remove(["gone"])
        yield index


@pytest.fixture
def make(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Index]]:
    """A function that makes a new index of some articles, with options of `Config`."""
    with ExitStack() as stack:

        def make(*articles: Article, **options: object) -> Index:
            folder = tmp_path_factory.mktemp("index") / "index"
            stack.callback(engine.delete, folder)
            index = stack.enter_context(engine.open(folder, **options))
            index.put(articles)
            return index

        yield make


@pytest.fixture
def index(engine: Engine, tmp_path: Path) -> Iterator[Index]:
    """A missing index to write to; it does not wait for another writer."""
    with engine.open(tmp_path / "index", lock_timeout=0) as opened:
        yield opened
    engine.delete(tmp_path / "index")

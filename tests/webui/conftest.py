"""What tests of the site share: one browser, and pages in it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from playwright.sync_api import Browser

import webui
from indexer import open_index
from tests.fixtures.archives import archive
from tests.fixtures.browser import CHROMIUM, launch
from tests.fixtures.hosts import ARTICLES, Hosts
from tests.fixtures.serving import serving


def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark every test that needs Chromium."""
    if "browser" in getattr(item, "fixturenames", ()):
        item.add_marker(pytest.mark.browser)


# While it is open, asyncio.run() refuses to work in this thread: it is closed after the last test in here.
@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Chromium, the same for all tests; each opens a context of its own."""
    if not shutil.which(CHROMIUM):
        pytest.skip(f"no browser: {CHROMIUM} is no program; install chromium or set CHROMIUM")
    with launch() as opened:
        yield opened


@pytest.fixture(scope="session")
def searched_site() -> Iterator[str]:
    """The archive that the search element asks, at another origin than the pages that hold the element."""
    with serving(webui.create_app(open_index(archive(*ARTICLES).config, cors_origins="*"))) as address:
        yield address


@pytest.fixture
def hosts(browser: Browser, searched_site: str) -> Iterator[Hosts]:
    with ExitStack() as open_:
        opened = Hosts(browser, searched_site, open_)
        yield opened
    assert not opened.complaints

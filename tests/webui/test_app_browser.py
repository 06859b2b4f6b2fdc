"""Two archives in somebody's application, in a real browser, under a policy that goes by nonces alone."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator

import pytest
from flask import Flask, Response, g, request
from playwright.sync_api import Browser, Page, expect

import webui
from indexer import Article
from tests.fixtures.archives import archive
from tests.fixtures.browser import open_page
from tests.fixtures.serving import serving

# By the first step of the path, which policies of Trusted Types the host allows; elsewhere it asks for none.
TYPES = {"letters": "nutgraf", "walled": "'none'", "embedded": "'none'"}
ARTICLES = [Article(id=f"a{n}", title=f"Lighthouse {n}", paragraphs=["A lighthouse."]) for n in range(12)]


@pytest.fixture(scope="module")
def host() -> Iterator[str]:
    app = Flask("host")

    @app.before_request
    def choose() -> None:
        g.nonce = secrets.token_urlsafe(16)

    @app.after_request
    def set_policy(response: Response) -> Response:
        allowed = f"'nonce-{g.nonce}'"
        policy = (
            f"default-src 'none'; script-src {allowed}; style-src {allowed}; img-src 'self'; "
            "connect-src 'self'; form-action 'self'"
        )
        if names := TYPES.get(request.path.split("/")[1]):
            policy += f"; require-trusted-types-for 'script'; trusted-types {names}"
        response.headers["Content-Security-Policy"] = policy
        return response

    @app.get("/embedded")
    def embedded() -> str:
        return (
            "<!doctype html><html lang=en><title>Host</title>"
            "<link rel=icon href='/news/static/nutgraf/icon.svg'>"
            f"<script nonce={g.nonce} src=/news/static/nutgraf/nutgraf-search.js defer></script>"
            "<main><h1>Host</h1><nutgraf-search src=/letters/api></nutgraf-search></main>"
        )

    letter = Article(id="b", title="Too loud", paragraphs=["The ferry wakes the street."])
    webui.init_app(app, archive(*ARTICLES), url_prefix="/news", nonce=lambda: str(g.nonce))
    webui.init_app(app, archive(letter), url_prefix="/letters", name="letters", nonce=lambda: str(g.nonce))
    webui.init_app(app, archive(letter), url_prefix="/walled", name="walled", nonce=lambda: str(g.nonce))
    with serving(app) as address:
        yield address


@pytest.fixture
def tab(browser: Browser, host: str) -> Iterator[Page]:
    """A tab in which nothing may be complained of."""
    with open_page(browser, host) as page:
        yield page


def test_the_page_searches_while_typing_under_the_host_s_policy(tab: Page, host: str) -> None:
    tab.goto(f"{host}letters/")
    tab.get_by_role("combobox", name="Search the articles").press_sequentially("ferry")
    expect(tab.get_by_role("link", name="Too loud")).to_be_visible()
    expect(tab.locator("mark")).to_have_text(["ferry"])
    tab.goto(f"{host}news/?q=lighthouse")
    expect(tab.get_by_role("link", name="Lighthouse 1", exact=True)).to_be_visible()
    # Its own style sheet is applied.
    expect(tab.locator("mark").first).not_to_have_css("background-color", "rgb(255, 255, 0)")
    tab.get_by_role("link", name="Lighthouse 1", exact=True).click()
    expect(tab.locator("h1")).to_have_text(["Lighthouse 1"])


def test_where_a_host_lets_nothing_be_read_as_html_each_search_loads_a_page(
    browser: Browser, host: str
) -> None:
    page = browser.new_page()
    page.goto(f"{host}walled/")
    box = page.get_by_role("combobox", name="Search the articles")
    box.press_sequentially("ferry")
    # Suggestions are no HTML.
    expect(page.get_by_role("option").first).to_be_visible()
    assert page.url == f"{host}walled/"
    box.press("Enter")
    expect(page.get_by_role("link", name="Too loud")).to_be_visible()
    expect(page).to_have_url(f"{host}walled/?q=ferry")
    page.get_by_role("link", name="Explain these results").click()
    expect(page.locator(".understood")).to_be_visible()
    page.go_back()
    expect(page.locator(".understood")).to_have_count(0)
    expect(page.get_by_role("link", name="Too loud")).to_be_visible()
    page.close()


def test_the_element_searches_under_the_host_s_policy(tab: Page, host: str) -> None:
    tab.goto(f"{host}embedded")
    tab.get_by_role("combobox").press_sequentially("ferry")
    expect(tab.locator("h3")).to_have_text(["Too loud"])
    tab.get_by_role("link", name="wakes the street").click()
    expect(tab).to_have_url(re.compile(re.escape(f"{host}letters/a/b?q=ferry") + "(&prefix=1)?#p-"))
    expect(tab.locator("h1")).to_have_text(["Too loud"])

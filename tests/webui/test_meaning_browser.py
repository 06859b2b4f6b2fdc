"""The switch for hits by meaning as a reader meets it, and such hits in the search element."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

import webui
from indexer import Index, open_index
from tests.fixtures.browser import (
    at_rest,
    open_page,
    overflow,
    requests_of,
    violations_in_both_schemes,
    violations_of_text,
    violations_on_telephone,
)
from tests.fixtures.hosts import ELEMENT, Hosts, box
from tests.fixtures.serving import serving
from webui.translations import LANGUAGES


@pytest.fixture(scope="module")
def address(embedded: Index) -> Iterator[str]:
    with serving(webui.create_app(open_index(embedded.config, cors_origins="*"))) as found:
        yield found


@pytest.fixture
def tab(browser: Browser, address: str) -> Iterator[Page]:
    with open_page(browser, address) as page:
        yield page


@pytest.fixture(params=[True, False], ids=["script on", "script off"])
def either(request: pytest.FixtureRequest, browser: Browser, address: str) -> Iterator[Page]:
    """A page with and without script."""
    with open_page(browser, address, java_script_enabled=request.param) as page:
        yield page


def switch(page: Page) -> Locator:
    return page.get_by_role("switch", name="also by meaning")


def test_the_switch_is_one_click_and_a_new_query_keeps_it(either: Page) -> None:
    either.goto("/?q=ferry")
    expect(switch(either)).to_be_checked()
    expect(either.locator(".hit")).to_have_count(3)
    switch(either).click()
    expect(either.locator(".hit")).to_have_count(1)
    expect(switch(either)).not_to_be_checked()
    expect(either).to_have_url(re.compile(r"\?q=ferry&meaning=0$"))
    at_rest(either)
    either.get_by_label("Search the articles").fill("boats")
    either.keyboard.press("Enter")
    expect(either).to_have_url(re.compile(r"q=boats&meaning=0"))
    switch(either).click()
    expect(either).not_to_have_url(re.compile("meaning="))
    expect(either.locator(".hit")).to_have_count(3)


def test_the_space_bar_turns_the_switch_which_keeps_the_focus(tab: Page) -> None:
    tab.goto("/?q=ferry")
    for is_on in (False, True):
        switch(tab).focus()
        tab.keyboard.press("Space")
        expect(switch(tab)).to_be_checked(checked=is_on)
        expect(switch(tab)).to_be_focused()
        at_rest(tab)
    expect(tab.get_by_role("status")).to_have_text("1 article · 2 found by their meaning")


def test_the_switch_stays_where_it_is(tab: Page) -> None:
    tab.goto("/?q=ferry")
    before = switch(tab).bounding_box()
    switch(tab).click()
    expect(switch(tab)).not_to_be_checked()
    assert switch(tab).bounding_box() == before


def test_a_passage_leads_to_the_nearest_paragraph(either: Page) -> None:
    either.goto("/?q=ferry")
    either.get_by_role("link", name="Two boats met").click()
    expect(either.locator(".paragraph:target")).to_contain_text("Two boats met at noon.")
    expect(either.locator("mark")).to_have_count(0)


@pytest.mark.parametrize("path", ["/?q=ferry&explain=1", "/?q=vessel", "/?q=ferry&meaning=0"])
def test_hits_by_meaning_have_no_barrier(browser: Browser, address: str, path: str) -> None:
    page = browser.new_page(base_url=address)
    page.goto(path)
    page.evaluate("for (const folded of document.querySelectorAll('details')) folded.open = true")
    assert violations_in_both_schemes(page) == []
    page.close()
    assert violations_on_telephone(browser, address + path) == []


@pytest.mark.parametrize("language", [language for language in LANGUAGES if language != "en"])
def test_no_language_is_wider_than_a_telephone(browser: Browser, address: str, language: str) -> None:
    page = browser.new_page(base_url=address, viewport={"width": 320, "height": 700})
    for path in ("/?q=ferry", "/?q=vessel"):
        page.goto(f"{path}&lang={language}")
        assert violations_of_text(page) == [], path
        assert overflow(page) <= 0, path
        assert not page.get_by_text("meaning").count(), path
    page.close()


def test_the_switch_is_not_on_paper_and_is_seen_in_forced_colours(browser: Browser, address: str) -> None:
    page = browser.new_page(base_url=address, forced_colors="active")
    page.goto("/?q=ferry")
    style = "link => getComputedStyle(link, '::before').backgroundColor"
    on = switch(page).evaluate(style)
    switch(page).click()
    expect(switch(page)).not_to_be_checked()
    assert switch(page).evaluate(style) != on
    page.emulate_media(media="print")
    expect(switch(page)).not_to_be_visible()
    page.close()


# The element


@pytest.fixture
def hosts(browser: Browser, address: str) -> Iterator[Hosts]:
    with ExitStack() as open_:
        opened = Hosts(browser, address, open_)
        yield opened
    assert not opened.complaints


def test_the_element_says_what_is_found_by_its_meaning(hosts: Hosts) -> None:
    tab = hosts.show(ELEMENT)
    box(tab).fill("ferry")
    expect(tab.locator("[part=meaning]")).to_have_text(["Found by its meaning"] * 2)
    expect(tab.get_by_role("status")).to_have_text("1 article · 2 found by their meaning")
    box(tab).fill("vessel")
    expect(tab.get_by_role("status")).to_have_text("No article has these words · 3 found by their meaning")


def test_the_element_searches_by_words_alone_when_told(hosts: Hosts) -> None:
    tab = hosts.show(ELEMENT.replace(" src", ' meaning="0" src'))
    box(tab).fill("ferry")
    expect(tab.get_by_role("status")).to_have_text("1 article")
    asked = requests_of(tab, "/api/search")
    element = tab.locator("nutgraf-search")
    element.evaluate("element => { element.meaning = 0.5; }")
    expect(tab.get_by_role("status")).to_have_text("1 article · 2 found by their meaning")
    for share in ("much", "2", "-1"):
        element.evaluate("(element, share) => { element.meaning = share; }", share)
        expect(element).to_have_js_property("meaning", "")
    at_rest(tab)
    assert [url.count("meaning=0.5") for url in asked] == [1, *[0] * (len(asked) - 1)]

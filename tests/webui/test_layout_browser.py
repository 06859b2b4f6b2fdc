from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Error, Page, expect

import webui
from indexer import Article, Published
from tests.fixtures.archives import archive
from tests.fixtures.browser import at_rest, open_page, overflow
from tests.fixtures.serving import serving

FILLER = tuple(f"Paragraph {n} is here so that the page is longer than the window. " * 6 for n in range(12))
ARTICLES = [
    Article(
        id="harbour/2021 & after",
        title="The harbour reopens to night ferries",
        published=Published("2021-11-05T21:01", "minute", "dateline"),
        paragraphs=(*FILLER, "The lighthouse keeper said that no ferry would sail in fog.", *FILLER[:6]),
        language="en",
        url="https://www.example.org/harbour",
    ),
    Article(
        id="lighthouse",
        title="A lighthouse and its " + "incomprehensibilities" * 6,
        published=Published("2020-03", "month", "meta"),
        paragraphs=("https://example.org/" + "a-very-long-address/" * 12 + " is the lighthouse's page.",),
    ),
    Article(
        id="arabic",
        title="منارة lighthouse الميناء",
        paragraphs=("أعيد افتتاح المنارة lighthouse هذا العام.",),
        language="ar",
    ),
    *(Article(id=f"more/{n}", title=f"Lighthouse {n}", paragraphs=("A lighthouse.",)) for n in range(20)),
]


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with serving(webui.create_app(archive(*ARTICLES))) as found:
        yield found


@pytest.fixture(params=[True, False], ids=["script on", "script off"])
def tab(request: pytest.FixtureRequest, browser: Browser, address: str) -> Iterator[Page]:
    """A page that fails the test for any complaint, among them an answer that is an error."""
    failed: list[str] = []
    with open_page(browser, address, java_script_enabled=request.param) as page:
        page.on(
            "response",
            lambda answer: None if answer.status < 400 else failed.append(f"{answer.status} {answer.url}"),
        )
        yield page
    assert not failed


def test_a_search_lands_on_the_paragraph(tab: Page) -> None:
    tab.goto("/")
    tab.get_by_label("Search the articles").fill("ferry")
    tab.keyboard.press("Enter")
    expect(tab).to_have_url(re.compile(r"\?q=ferry"))
    expect(tab.get_by_role("heading", level=1)).to_contain_text("ferry")
    at_rest(tab)
    tab.get_by_role("link", name="no ferry would sail").click()
    expect(tab).to_have_url(re.compile(r"/a/harbour/2021%20%26%20after\?q=ferry&p=(p-[0-9a-f]{8})&n=13#\1$"))
    paragraph = tab.locator(".paragraph:target")
    expect(paragraph).to_contain_text("The lighthouse keeper said")
    expect(paragraph.locator("mark")).to_have_text("ferry")
    expect(paragraph).to_be_in_viewport(ratio=1)
    tab.get_by_role("link", name="Back to the results").click()
    expect(tab).to_have_url(re.compile(r"/\?q=ferry$"))


def test_a_page_of_results_leads_to_the_next(tab: Page) -> None:
    tab.goto("/?q=lighthouse")
    tab.get_by_role("link", name="Next").click()
    expect(tab).to_have_url(re.compile(r"page=2$"))
    expect(tab.locator(".hits").first).to_have_attribute("start", "11")
    expect(tab.get_by_role("link", name="Page 2")).to_have_attribute("aria-current", "page")


def test_everything_is_reached_with_the_keyboard(tab: Page) -> None:
    tab.goto("/?q=ferry")
    tab.keyboard.press("Tab")
    expect(tab.get_by_role("link", name="Skip to the content")).to_be_focused()
    tab.keyboard.press("Enter")
    expect(tab).to_have_url(re.compile("#"))
    tab.keyboard.press("Tab")
    expect(tab.locator(".hit h3 a")).to_be_focused()
    tab.keyboard.press("Tab")
    expect(tab.locator(".passages a").first).to_be_focused()


def test_nothing_is_wider_than_the_window(tab: Page) -> None:
    for path in ("/", "/?q=lighthouse", "/?q=zzz", "/a/lighthouse?q=lighthouse", "/a/arabic"):
        tab.goto(path)
        for width in (320, 1600):
            tab.set_viewport_size({"width": width, "height": 700})
            assert overflow(tab) <= 0, (path, width)


def test_a_title_from_right_to_left_stands_at_the_right(tab: Page) -> None:
    tab.goto("/a/arabic")
    expect(tab.locator("article h1")).to_have_css("direction", "rtl")
    expect(tab.locator("article .paragraph")).to_have_css("direction", "rtl")
    tab.goto("/")
    expect(tab.locator("h1")).to_have_css("direction", "ltr")


def test_a_dark_screen_gets_a_dark_page(browser: Browser, address: str) -> None:
    papers = set()
    for scheme in ("light", "dark"):
        context = browser.new_context(base_url=address, color_scheme=scheme)
        page = context.new_page()
        page.goto("/?q=ferry")
        papers.add(page.locator(".nutgraf").evaluate("e => getComputedStyle(e).backgroundColor"))
        context.close()
    assert len(papers) == 2


def test_the_label_and_the_landmarks_have_names(tab: Page) -> None:
    tab.goto("/?q=lighthouse")
    expect(tab.get_by_role("search")).to_have_count(1)
    expect(tab.get_by_role("main")).to_have_count(1)
    expect(tab.get_by_role("navigation", name="Pages of results")).to_have_count(1)
    box = tab.get_by_role("searchbox").or_(tab.get_by_role("combobox"))
    expect(box.and_(tab.get_by_label("Search the articles"))).to_have_value("lighthouse")


def test_nothing_but_the_page_s_own_reading_makes_html_of_a_text(browser: Browser, address: str) -> None:
    page = browser.new_page(base_url=address)
    page.goto("/?q=lighthouse")
    for attempt in (
        "document.querySelector('main').innerHTML = '<b>x</b>'",
        "document.write('x')",
        "document.createElement('script').text = 'x'",
        "new DOMParser().parseFromString('<b>x</b>', 'text/html')",
        "setTimeout('x')",
        "trustedTypes.createPolicy('another', {})",
        # There is one, and whoever comes later gets no second.
        "trustedTypes.createPolicy('nutgraf', { createHTML: (text) => text })",
    ):
        with pytest.raises(Error, match=r"[Tt]rusted|Content Security Policy"):
            page.evaluate(f"() => {{ {attempt} }}")
    page.close()

"""The search page as a reader meets it: by keyboard, by pointer, without script, in the dark, on paper."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Error, Locator, Page, Route, expect

import webui
from indexer import Article, Published, open_index
from tests.fixtures.archives import COPIES, NIGHT, archive
from tests.fixtures.browser import (
    at_rest,
    open_page,
    overflow,
    requests_of,
    stop_clock,
    violations,
    violations_in_both_schemes,
    violations_of_text,
)
from tests.fixtures.serving import serving
from webui.translations import LANGUAGES

FILLER = tuple(f"Paragraph {n} is here so that the page is longer than the window. " * 6 for n in range(12))
STATIC = Path(webui.__file__).parent / "static"
ARTICLES = (
    *COPIES,
    NIGHT,
    *(
        Article(
            id=f"harbour/{n}",
            title=f"Harbour news {n}",
            paragraphs=tuple(f"The harbour crane number {n} moved {part} crates." for part in range(4)),
            published=f"{2015 + n // 4}-{1 + n % 4 * 3:02}-05",
            language="de" if n % 5 == 0 else "en",
            url=f"https://{'city' if n % 2 else 'port'}.example/{n}",
            source="ferry.jsonl" if n % 3 else "crane.jsonl",
        )
        for n in range(24)
    ),
    Article(id="ar", title="الميناء القديم harbour", paragraphs=("أعيد افتتاح الميناء.",), language="ar"),
    Article(
        id="ferry/2021 & after",
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
        language="en",
    ),
)


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with serving(webui.create_app(archive(*ARTICLES))) as found:
        yield found


@pytest.fixture
def tab(browser: Browser, address: str) -> Iterator[Page]:
    """A page that fails the test for any complaint on the console and any request to elsewhere."""
    with open_page(browser, address) as page:
        yield page


@pytest.fixture
def plain(browser: Browser, address: str) -> Iterator[Page]:
    """A page in a browser that runs no script."""
    with open_page(browser, address, java_script_enabled=False) as page:
        yield page


@pytest.fixture(params=[True, False], ids=["script on", "script off"])
def either(request: pytest.FixtureRequest, browser: Browser, address: str) -> Iterator[Page]:
    """A page with and without script, which fails the test for an answer that is an error, too."""
    failed: list[str] = []
    with open_page(browser, address, java_script_enabled=request.param) as page:
        page.on(
            "response",
            lambda answer: None if answer.status < 400 else failed.append(f"{answer.status} {answer.url}"),
        )
        yield page
    assert not failed


def box(tab: Page) -> Locator:
    return tab.get_by_label("Search the articles")


def options(tab: Page) -> Locator:
    return tab.get_by_role("listbox").get_by_role("option")


def expect_start(tab: Page) -> None:
    """Wait for the start page with an empty box."""
    expect(tab.locator(".holdings")).to_be_visible()
    expect(box(tab)).to_have_value("")


def expect_results(tab: Page, query: str) -> None:
    """Wait for hits, with the query in the box."""
    expect(box(tab)).to_have_value(query)
    expect(tab.locator(".hit").first).to_be_visible()


def open_everything(page: Page) -> None:
    page.evaluate("for (const folded of document.querySelectorAll('details')) folded.open = true")


# Searching


def test_a_search_lands_on_the_paragraph(either: Page) -> None:
    either.goto("/")
    either.get_by_label("Search the articles").fill("ferry")
    either.keyboard.press("Enter")
    expect(either).to_have_url(re.compile(r"\?q=ferry"))
    expect(either.get_by_role("heading", level=1)).to_contain_text("ferry")
    at_rest(either)
    either.get_by_role("link", name="no ferry would sail").click()
    expect(either).to_have_url(re.compile(r"/a/ferry/2021%20%26%20after\?q=ferry&p=(p-[0-9a-f]{8})&n=13#\1$"))
    paragraph = either.locator(".paragraph:target")
    expect(paragraph).to_contain_text("The lighthouse keeper said")
    expect(paragraph.locator("mark")).to_have_text("ferry")
    expect(paragraph).to_be_in_viewport(ratio=1)
    either.get_by_role("link", name="Back to the results").click()
    expect(either).to_have_url(re.compile(r"/\?q=ferry#hit-"))


def test_everything_is_reached_with_the_keyboard(either: Page) -> None:
    either.goto("/?q=ferry")
    either.keyboard.press("Tab")
    expect(either.get_by_role("link", name="Skip to the content")).to_be_focused()
    either.keyboard.press("Enter")
    expect(either).to_have_url(re.compile("#"))
    either.keyboard.press("Tab")
    expect(either.get_by_role("link", name="Skip to the results")).to_be_focused()
    either.keyboard.press("Tab")
    expect(either.get_by_label("From")).to_be_focused()
    either.keyboard.press("Shift+Tab")
    either.keyboard.press("Enter")
    expect(either).to_have_url(re.compile("#results"))
    either.keyboard.press("Tab")
    expect(either.locator(".hit h3 a")).to_be_focused()
    either.keyboard.press("Tab")
    expect(either.locator(".passages a").first).to_be_focused()


def test_the_label_and_the_landmarks_have_names(either: Page) -> None:
    either.goto("/?q=crane")
    expect(either.get_by_role("search")).to_have_count(1)
    expect(either.get_by_role("main")).to_have_count(1)
    expect(either.get_by_role("navigation", name="Pages of results")).to_have_count(1)
    box = either.get_by_role("searchbox").or_(either.get_by_role("combobox"))
    expect(box.and_(either.get_by_label("Search the articles"))).to_have_value("crane")


def test_results_come_while_one_types_and_the_address_follows(tab: Page) -> None:
    tab.goto("/")
    box(tab).press_sequentially("harbour")
    expect(tab.get_by_role("heading", level=1)).to_contain_text("harbour")
    expect(tab).to_have_url(re.compile(r"/\?q=harbour$"))
    expect(tab.locator(".hit mark").first).to_be_visible()
    expect(box(tab)).to_be_focused()
    assert "harbour" in tab.title()


def test_the_last_word_is_a_prefix_until_the_typing_pauses_for_a_second(tab: Page) -> None:
    tab.goto("/")
    stop_clock(tab)
    box(tab).press_sequentially("lighthouse fer")
    tab.clock.run_for(150)
    expect(tab).to_have_url(re.compile(r"/\?q=lighthouse\+fer&prefix=1$"))
    expect(tab.get_by_role("status")).to_have_text("1 article")
    expect(tab.locator(".hit mark")).to_have_text(["ferries", "lighthouse", "ferry"])
    tab.clock.run_for(849)
    expect(tab).to_have_url(re.compile("prefix=1$"))
    tab.clock.run_for(1)
    expect(tab).to_have_url(re.compile(r"/\?q=lighthouse\+fer$"))
    expect(tab.get_by_role("status")).to_have_text("No article has all the words · 2 have some")


@pytest.mark.parametrize("end", ["Enter", " "])
def test_enter_or_a_space_ends_the_last_word(tab: Page, end: str) -> None:
    tab.goto("/")
    asked = requests_of(tab, "/?q=")
    stop_clock(tab)
    box(tab).press_sequentially("lighthouse fer")
    box(tab).press(end)
    tab.clock.run_for(2000)
    expect(tab.get_by_role("status")).to_have_text("No article has all the words · 2 have some")
    assert len(asked) == 1
    assert "prefix" not in asked[0]


def test_a_hit_of_a_word_that_is_being_typed_is_highlighted_in_its_article(tab: Page) -> None:
    tab.goto("/")
    stop_clock(tab)
    box(tab).press_sequentially("lighthouse fer")
    tab.clock.run_for(150)
    tab.get_by_role("link", name="no ferry would sail").click()
    expect(tab.locator(".paragraph:target mark")).to_have_text(["lighthouse", "ferry"])
    tab.get_by_role("link", name="Back to the results").click()
    expect(tab.locator(".hit")).to_have_count(1)


def test_typing_asks_once_it_pauses(tab: Page) -> None:
    tab.goto("/")
    asked = requests_of(tab, "/?q=")
    stop_clock(tab)
    for key in "crane":
        tab.keyboard.press(key)
        tab.clock.run_for(100)
    assert asked == []
    tab.clock.run_for(60)
    expect(tab.get_by_role("heading", level=1)).to_contain_text("crane")
    assert len(asked) == 1


def test_an_answer_that_is_overtaken_is_thrown_away(tab: Page) -> None:
    tab.goto("/")
    held: list[Route] = []
    tab.route(re.compile(r"/\?q=trams$"), lambda route: held.append(route))
    with tab.expect_request(re.compile(r"/\?q=trams$")):
        box(tab).fill("trams")
    expect(tab.locator("main")).to_have_attribute("aria-busy", "true")
    with tab.expect_response(re.compile(r"/\?q=crane$")):
        box(tab).fill("crane")
    expect(tab.get_by_role("heading", level=1)).to_contain_text("crane")
    assert held
    for route in held:
        route.fulfill(
            status=200, content_type="text/html", body="<div class=nutgraf><main><h1>late</h1></main>"
        )
    box(tab).fill("harbour")
    expect(tab.get_by_role("heading", level=1)).to_contain_text("harbour")
    expect(tab.get_by_text("late")).to_have_count(0)


def test_one_polite_region_says_how_many_were_found(tab: Page) -> None:
    tab.goto("/")
    status = tab.get_by_role("status")
    expect(status).to_have_count(1)
    expect(status).to_be_empty()
    box(tab).fill("crane")
    expect(status).to_have_text(re.compile(r"^24 articles · page 1 of 3$"))


def test_the_back_button_passes_over_what_was_typed_on_the_way(tab: Page) -> None:
    tab.goto("/")
    box(tab).press_sequentially("crane")
    expect(tab).to_have_url(re.compile(r"q=crane$"))
    tab.keyboard.press("Enter")
    expect(tab.get_by_role("heading", level=1)).to_contain_text("crane")
    at_rest(tab)
    tab.get_by_role("link", name="2020", exact=True).first.click()
    expect(tab.locator(".chips li")).to_have_text(re.compile("Year 2020"))
    tab.go_back()
    expect(tab).to_have_url(re.compile(r"\?q=crane$"))
    expect(tab.locator(".chips")).to_have_count(0)
    expect(tab.get_by_label("From")).to_have_value("")
    tab.go_back()
    expect_start(tab)
    tab.go_forward()
    expect_results(tab, "crane")


def test_typing_keeps_the_page_before_it_in_the_history(tab: Page) -> None:
    tab.goto("/")
    entries = tab.evaluate("history.length")
    box(tab).press_sequentially("cran")
    expect(tab).to_have_url(re.compile(r"q=cran$"))
    box(tab).press_sequentially("e ship")
    expect(tab).to_have_url(re.compile(r"q=crane\+ship$"))
    assert tab.evaluate("history.length") == entries + 1
    tab.go_back()
    expect_start(tab)
    tab.goto("/?q=crane")
    box(tab).press("End")
    box(tab).press_sequentially(" moved")
    expect(tab).to_have_url(re.compile(r"q=crane\+moved$"))
    at_rest(tab)
    tab.locator(".hit h3 a").first.click()
    expect(tab.locator("article h1")).to_be_visible()
    tab.go_back()
    expect(box(tab)).to_have_value("crane moved")
    tab.go_back()
    expect_results(tab, "crane")


def test_clearing_the_box_keeps_what_was_searched_in_the_history(tab: Page) -> None:
    tab.goto("/?q=crane")
    box(tab).press("Escape")
    expect_start(tab)
    tab.go_back()
    expect_results(tab, "crane")


@pytest.mark.parametrize("way", ["button of the browser", "link of the page"])
@pytest.mark.parametrize("link", [".hit:nth-child(4) h3 a", ".hit:nth-child(4) .passages a"])
def test_the_focus_goes_back_to_the_hit_one_came_from(tab: Page, link: str, way: str) -> None:
    tab.goto("/?q=crane")
    tab.locator(link).first.click()
    expect(tab.locator("article h1")).to_be_visible()
    if way == "link of the page":
        tab.get_by_role("link", name="Back to the results").click()
    else:
        tab.go_back()
    expect(tab.locator(".hit:nth-child(4)").locator(":focus")).to_have_count(1)
    expect(tab.locator(":focus")).to_be_in_viewport()


def test_without_script_one_comes_back_to_the_hit(plain: Page) -> None:
    plain.goto("/?q=crane")
    hit = plain.locator(".hit:nth-child(4)")
    hit.locator("h3 a").click()
    plain.get_by_role("link", name="Back to the results").click()
    expect(hit).to_be_in_viewport()
    plain.keyboard.press("Tab")
    expect(hit.locator("h3 a")).to_be_focused()


def test_a_link_that_is_followed_while_one_types_leads_where_it_says(tab: Page) -> None:
    tab.goto("/?q=crane")
    held: list[Route] = []
    tab.route(re.compile("since=2020"), lambda route: held.append(route))
    stop_clock(tab)
    box(tab).press("End")
    tab.keyboard.press("s")
    with tab.expect_request(re.compile("since=2020")):
        tab.get_by_role("link", name="2020", exact=True).first.click()
    tab.clock.run_for(1000)
    expect(tab).to_have_url(re.compile("q=crane&.*since=2020"))
    for route in held:
        route.continue_()
    expect(tab.locator(".chips li")).to_have_text(re.compile("Year 2020"))
    expect(box(tab)).to_have_value("crane")


def test_one_comes_back_from_an_article_to_what_was_typed(tab: Page) -> None:
    tab.goto("/")
    box(tab).press_sequentially("crane")
    expect(tab).to_have_url(re.compile(r"q=crane$"))
    at_rest(tab)
    tab.locator(".hit h3 a").first.click()
    expect(tab.locator("article h1")).to_be_visible()
    tab.go_back()
    expect_results(tab, "crane")


def test_a_search_that_gets_no_answer_says_so_and_keeps_the_page(browser: Browser, address: str) -> None:
    page = browser.new_page(base_url=address)
    page.goto("/?q=crane")
    page.route(re.compile(r"q=cranes"), lambda route: route.abort())
    box(page).press("End")
    box(page).press_sequentially("s")
    expect(page.get_by_role("status")).to_have_text("There was no answer. Try again.")
    expect(page.locator(".hit").first).to_be_visible()
    page.close()


# Suggestions: the combobox is that of the search element (test_element.py)


def test_a_suggestion_that_is_taken_is_searched_for(tab: Page) -> None:
    tab.goto("/")
    box(tab).fill("cra")
    expect(options(tab).first).to_be_visible()
    tab.keyboard.press("ArrowDown")
    text = options(tab).first.inner_text()
    tab.keyboard.press("Enter")
    expect(box(tab)).to_have_value(text)
    expect(tab.get_by_role("heading", level=1)).to_contain_text(text)


def test_nothing_is_chosen_until_the_reader_chooses(tab: Page) -> None:
    tab.goto("/")
    box(tab).fill("cra")
    expect(options(tab).first).to_be_visible()
    tab.keyboard.press("Enter")
    expect(tab.get_by_role("heading", level=1)).to_have_text("Results for cra")
    expect(tab.get_by_role("listbox")).to_be_hidden()


def test_escape_closes_the_suggestions_and_then_goes_back_to_the_start(tab: Page) -> None:
    tab.goto("/")
    box(tab).fill("cra")
    expect(options(tab).first).to_be_visible()
    tab.keyboard.press("Escape")
    expect(box(tab)).to_have_value("cra")
    tab.keyboard.press("Escape")
    expect_start(tab)


def test_escape_puts_the_suggestions_away_and_not_what_was_typed(tab: Page) -> None:
    tab.goto("/")
    box(tab).fill("cra")
    expect(options(tab).first).to_be_visible()
    stop_clock(tab)
    tab.keyboard.press("n")
    tab.keyboard.press("Escape")
    expect(tab.get_by_role("listbox")).to_be_hidden()
    expect(tab.get_by_role("heading", level=1)).to_have_text("Results for cran")


# Keys


def test_keys_lead_to_the_box_and_from_hit_to_hit(tab: Page) -> None:
    tab.goto("/?q=crane")
    links = tab.locator(".hit h3 a")
    tab.keyboard.press("j")
    expect(links.nth(0)).to_be_focused()
    tab.keyboard.press("ArrowDown")
    expect(links.nth(1)).to_be_focused()
    tab.keyboard.press("k")
    expect(links.nth(0)).to_be_focused()
    tab.keyboard.press("/")
    expect(box(tab)).to_be_focused()
    expect(box(tab)).to_have_value("crane")
    tab.keyboard.press("ArrowRight")
    tab.keyboard.type("/?jk")
    expect(box(tab)).to_have_value("crane/?jk")
    expect(tab.get_by_role("dialog")).to_have_count(0)


def test_enter_opens_the_hit_that_has_the_focus(tab: Page) -> None:
    tab.goto("/?q=crane")
    tab.keyboard.press("j")
    tab.keyboard.press("Enter")
    expect(tab.locator("article h1")).to_contain_text("Harbour news")


def test_a_question_mark_shows_the_keys(tab: Page) -> None:
    tab.goto("/?q=crane")
    tab.keyboard.press("?")
    dialog = tab.get_by_role("dialog", name="Keys")
    expect(dialog).to_be_visible()
    tab.keyboard.press("j")
    expect(tab.locator(".hit h3 a:focus")).to_have_count(0)
    tab.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    tab.get_by_role("button", name="Keys").click()
    expect(dialog).to_be_visible()


def test_keys_with_a_modifier_are_the_browser_s(tab: Page) -> None:
    tab.goto("/?q=crane")
    tab.keyboard.press("Alt+j")
    tab.keyboard.press("Control+/")
    expect(tab.locator(".hit h3 a:focus")).to_have_count(0)
    expect(box(tab)).not_to_be_focused()


# Narrowing


@pytest.mark.parametrize("script", [True, False])
def test_facets_narrow_and_chips_widen_again(browser: Browser, address: str, script: bool) -> None:
    page = browser.new_page(base_url=address, java_script_enabled=script)
    page.goto("/?q=crane")
    page.locator("section", has=page.get_by_role("heading", name="Source")).get_by_role("link").first.click()
    expect(page.locator(".chips li")).to_have_text(re.compile("source: \u2068ferry.jsonl\u2069"))
    expect(page.locator(".count strong")).to_have_text("16")
    page.locator("section", has=page.get_by_role("heading", name="Site")).get_by_role("link").first.click()
    expect(page.locator(".chips li")).to_have_count(2)
    expect(page.locator(".count strong")).to_have_text("8")
    box(page).fill("crane moved")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"q=crane\+moved.*source=ferry.jsonl&site="))
    expect(page.get_by_role("heading", level=1)).to_contain_text("crane moved")
    at_rest(page)
    page.locator(".chips a").first.click()
    expect(page.locator(".chips li")).to_have_count(1)
    expect(page).not_to_have_url(re.compile("source="))
    page.close()


def test_dates_are_read_as_people_write_them_and_echoed(plain: Page) -> None:
    plain.goto("/?q=crane&since=Mar+2018&until=5+March+2020&source=ferry.jsonl")
    expect(plain.locator(".chips li")).to_have_text(
        [
            re.compile("from March 2018"),
            re.compile("until 5 March 2020"),
            re.compile("source: \u2068ferry.jsonl\u2069"),
        ]
    )
    plain.goto("/?q=crane&since=2018")
    expect(plain.locator(".chips li")).to_have_text(re.compile("from 2018"))


def test_a_bar_of_the_timeline_leads_to_its_period(tab: Page) -> None:
    tab.goto("/?q=crane&size=100")
    bars = tab.locator(".timeline svg a")
    expect(bars).to_have_count(24)
    bars.nth(3).locator(".reach").hover()
    expect(tab.locator(".readout")).to_have_text("October 2015: 1 article")
    bars.nth(3).locator(".reach").click()
    expect(tab.locator(".chips li")).to_have_text(re.compile("October 2015"))
    expect(tab.locator(".count strong")).to_have_text("1")


@pytest.mark.parametrize("language", ["en", "ar"])
def test_several_bars_are_chosen_by_dragging(tab: Page, language: str) -> None:
    tab.goto(f"/?q=crane&lang={language}")
    bars = tab.locator(".timeline svg a")
    first, last = bars.nth(2).locator(".reach").bounding_box(), bars.nth(9).locator(".reach").bounding_box()
    assert first is not None
    assert last is not None
    tab.mouse.move(last["x"] + last["width"] / 2, last["y"] + 20)
    tab.mouse.down()
    tab.mouse.move(first["x"] + first["width"] / 2, first["y"] + 20, steps=5)
    expect(tab.locator(".timeline .drawn")).to_have_count(1)
    tab.mouse.up()
    expect(tab).to_have_url(re.compile("since=2015-07&until=2017-04|until=2017-04.*since=2015-07"))
    expect(tab.locator(".count strong")).to_have_text("8")


def test_bars_are_chosen_with_the_arrow_keys(tab: Page) -> None:
    tab.goto("/?q=crane")
    bars, said = tab.locator(".timeline svg a"), tab.locator(".readout")
    hint = said.inner_text()
    tab.get_by_role("link", name="Show the share").focus()
    tab.keyboard.press("Tab")
    expect(bars.first).to_be_focused()
    expect(said).to_have_text("January 2015: 1 article")
    tab.keyboard.press("ArrowRight")
    expect(bars.nth(1)).to_be_focused()
    expect(said).to_have_text("April 2015: 1 article")
    # All other bars are one stop of the Tab key.
    tab.keyboard.press("Tab")
    expect(tab.get_by_text("As a table")).to_be_focused()
    expect(said).to_have_text(hint)
    tab.keyboard.press("Shift+Tab")
    expect(bars.nth(1)).to_be_focused()
    for _ in range(3):
        tab.keyboard.press("Shift+ArrowRight")
    expect(said).to_have_text("April 2015 – July 2015")
    tab.keyboard.press("Escape")
    expect(tab.locator(".timeline .drawn")).to_have_count(0)
    for _ in range(3):
        tab.keyboard.press("Shift+ArrowRight")
    tab.keyboard.press("Enter")
    expect(tab).to_have_url(re.compile("since=2015-04&until=2015-07"))


def test_a_range_of_days_is_said_as_one(tab: Page) -> None:
    tab.goto("/?q=crane&since=2015-01&until=2015-04")
    tab.locator(".timeline svg a").first.focus()
    tab.keyboard.press("Shift+ArrowRight")
    tab.keyboard.press("Shift+ArrowRight")
    expect(tab.locator(".readout")).to_have_text(re.compile(r"^5\s?–\s?7 Jan 2015$"))


def test_a_day_is_picked_beside_the_field_that_takes_a_year(tab: Page) -> None:
    tab.goto("/?q=crane&since=2018")
    tab.get_by_role("button", name="Choose the first day").click()
    picker = tab.locator("input[type=date]")
    expect(picker).to_have_count(1)
    picker.fill("2018-04-05")
    expect(tab.get_by_label("From")).to_have_value("2018-04-05")
    tab.get_by_label("From").click()
    tab.keyboard.press("Enter")
    expect(tab.locator(".chips li")).to_have_text(re.compile("from 5 April 2018"))
    expect(tab.get_by_label("From")).to_be_focused()


def test_dates_are_applied_without_leaving_their_fields(either: Page) -> None:
    either.goto("/?q=crane")
    either.get_by_label("From").fill("2018")
    either.get_by_label("To").fill("Mar 2020")
    either.get_by_role("button", name="Apply the dates").click()
    expect(either.locator(".chips li")).to_have_text(
        [re.compile("from 2018"), re.compile("until March 2020")]
    )
    expect(either).to_have_url(re.compile("q=crane&"))


def test_filters_on_a_telephone_open_when_asked(browser: Browser, address: str) -> None:
    for script in (True, False):
        page = browser.new_page(
            base_url=address, java_script_enabled=script, viewport={"width": 375, "height": 800}
        )
        page.goto("/?q=crane&since=2018&source=ferry.jsonl")
        expect(page.get_by_label("From")).to_be_hidden()
        page.get_by_text("Filters (2)").click()
        expect(page.get_by_label("From")).to_be_visible()
        page.get_by_role("link", name="2020", exact=True).first.click()
        expect(page.locator(".chips li")).to_have_count(2)
        page.close()


def test_the_timeline_has_a_table_for_a_twin_and_shares(plain: Page) -> None:
    plain.goto("/?q=crane")
    rows = plain.locator(".timeline tbody tr")
    expect(rows).to_have_count(24)
    plain.get_by_text("As a table").click()
    expect(rows.first).to_contain_text("January 2015")
    expect(rows.first.get_by_role("link")).to_have_attribute(
        "href", re.compile("since=2015-01&until=2015-01")
    )
    expect(plain.get_by_role("heading", name="Articles by month")).to_be_visible()
    plain.get_by_role("link", name="Show the share of all that was published").click()
    expect(plain).to_have_url(re.compile("share=1"))
    expect(plain.get_by_role("heading", name="Share of all that was published, by month")).to_be_visible()
    expect(plain.locator(".scale text").last).to_contain_text("%")


def test_sizes_are_links_and_periods_without_hits_are_not_there(plain: Page) -> None:
    plain.goto("/?q=crane")
    plain.get_by_role("link", name="25", exact=True).click()
    expect(plain.locator(".hit")).to_have_count(24)
    expect(plain.get_by_role("heading", name="Year")).to_be_visible()
    expect(plain.get_by_role("link", name="last year")).to_have_count(0)
    plain.goto("/?q=zzzz&since=2018")
    expect(plain.locator(".filters h3")).to_have_text(["Date"])


def test_an_order_is_one_click_and_a_new_query_keeps_it(either: Page) -> None:
    either.goto("/?q=crane")
    either.get_by_role("link", name="oldest first").click()
    expect(either).to_have_url(re.compile("sort=oldest"))
    expect(either.locator(".hit time").first).to_have_text("5 January 2015")
    at_rest(either)
    box(either).fill("crates")
    either.keyboard.press("Enter")
    expect(either).to_have_url(re.compile("q=crates&sort=oldest"))


def test_the_next_page_begins_at_its_top(tab: Page) -> None:
    tab.goto("/?q=crane")
    tab.get_by_role("link", name="Next").click()
    expect(tab.locator(".hits")).to_have_attribute("start", "11")
    expect(tab.get_by_role("heading", level=1)).to_be_in_viewport()
    expect(tab.get_by_role("main")).to_be_focused()


# Hits


def test_a_hit_is_cited_by_its_paragraphs(plain: Page) -> None:
    plain.goto("/?q=crates&sort=oldest")
    hit = plain.locator(".hit").first
    expect(hit.get_by_role("link", name="more in this article")).to_be_visible()
    hit.get_by_text("cite", exact=True).click()
    expect(hit.locator(".cite li")).to_have_count(3)
    for form, ending in (("BibTeX", "bib"), ("RIS", "ris"), ("CSL-JSON", "json")):
        expect(hit.get_by_role("link", name=form).first).to_have_attribute(
            "href", re.compile(rf"^/a/harbour/0/cite\.{ending}\?p=p-[0-9a-f]{{8}}$")
        )
    expect(hit.locator(".copy").first).to_be_hidden()


def test_the_link_to_a_passage_is_copied(browser: Browser, address: str) -> None:
    page = browser.new_page(base_url=address, permissions=["clipboard-read", "clipboard-write"])
    page.goto("/?q=crates&sort=oldest")
    page.locator(".cite summary").first.click()
    button = page.get_by_role("button", name="Copy the link").first
    button.click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert re.fullmatch(re.escape(address) + r"a/harbour/0\?p=(p-[0-9a-f]{8})&n=1#\1", copied)
    page.close()


def test_marks_are_seen_without_colour(plain: Page) -> None:
    plain.goto("/?q=crane")
    expect(plain.locator(".hit mark").first).to_have_css("text-decoration-line", "underline")


# Looks


def paper(page: Page) -> str:
    colour: str = page.locator(".nutgraf").evaluate("e => getComputedStyle(e).backgroundColor")
    return colour


def test_the_dark_switch_is_remembered_and_can_be_undone(tab: Page) -> None:
    tab.emulate_media(color_scheme="light")
    tab.goto("/?q=crane")
    light = paper(tab)
    tab.emulate_media(color_scheme="dark")
    dark = paper(tab)
    assert dark != light
    tab.emulate_media(color_scheme="light")
    switch = tab.get_by_role("button", name="Dark")
    expect(switch).to_have_attribute("aria-pressed", "false")
    switch.click()
    expect(switch).to_have_attribute("aria-pressed", "true")
    assert paper(tab) == dark
    tab.goto("/a/harbour/1")
    assert paper(tab) == dark
    tab.emulate_media(media="print")
    expect(tab.locator(".nutgraf")).to_have_css("background-color", "rgb(255, 255, 255)")
    tab.emulate_media(media="screen")
    tab.get_by_role("button", name="Dark").click()
    assert paper(tab) == light
    assert tab.evaluate("localStorage.length") == 0


def test_what_needs_the_script_is_not_there_without_it(plain: Page) -> None:
    plain.goto("/?q=crane")
    expect(plain.get_by_role("button", name="Dark")).to_have_count(0)
    expect(plain.get_by_role("button", name="Keys")).to_have_count(0)
    expect(plain.get_by_role("button")).to_have_text(["Search", "Apply the dates"])


def test_paper_has_the_results_and_nothing_to_press(tab: Page) -> None:
    tab.goto("/?q=crane")
    tab.emulate_media(media="print")
    expect(tab.locator(".hit").first).to_be_visible()
    for hidden in ("search", ".pager", ".filters", ".colophon", ".cite", ".timeline .heading a"):
        expect(tab.locator(hidden).first).to_be_hidden()
    tab.goto("/?q=crane")
    tab.locator(".passages a").first.click()
    expect(tab.locator(".tools")).to_have_count(1)
    expect(tab.locator(".paragraph p:visible")).to_have_count(4)
    expect(tab.locator("article .meta:visible")).to_have_count(1)


def test_quotation_marks_are_those_of_the_language(plain: Page) -> None:
    for language, opening in {"en": "“", "de": "„", "fr": "«", "es": "«", "ar": "«", "zh": "“"}.items():
        plain.goto(f"/?q=crane&lang={language}")
        quotes = plain.locator("h1 q").evaluate("element => getComputedStyle(element).quotes")
        assert quotes.startswith(f'"{opening}'), language


def test_forced_colours_show_marks_and_bars(browser: Browser, address: str) -> None:
    page = browser.new_page(base_url=address, forced_colors="active")
    page.goto("/?q=crane")
    link = page.locator(".hit h3 a").first.evaluate("element => getComputedStyle(element).color")
    expect(page.locator(".bar").first).to_have_css("fill", link)
    text = page.locator("h1").evaluate("element => getComputedStyle(element).backgroundColor")
    assert page.locator("mark").first.evaluate("element => getComputedStyle(element).backgroundColor") != text
    page.close()


def test_a_page_in_arabic_runs_from_right_to_left(tab: Page) -> None:
    tab.set_viewport_size({"width": 1300, "height": 800})
    tab.goto("/?q=harbour&lang=ar&sort=title")
    column, filters = tab.locator(".column").bounding_box(), tab.locator(".filters").bounding_box()
    assert column is not None
    assert filters is not None
    assert column["x"] + column["width"] < filters["x"]
    assert overflow(tab) <= 0
    tab.goto("/?q=harbour&lang=ar&language=ar")
    expect(tab.locator(".hit h3")).to_have_css("direction", "rtl")
    tab.goto("/a/ar")
    expect(tab.locator("article h1")).to_have_css("direction", "rtl")
    expect(tab.locator("article .paragraph")).to_have_css("direction", "rtl")


def test_nothing_is_wider_than_the_window(tab: Page) -> None:
    for path in (
        "/",
        "/?q=crane",
        "/?q=zzz+zzy",
        "/?q=line",
        "/?q=crane&lang=ar",
        "/?q=lighthouse",
        "/a/lighthouse?q=lighthouse",
        "/a/ar",
    ):
        tab.goto(path)
        open_everything(tab)
        for width in (320, 768, 1024, 1216, 1920):
            tab.set_viewport_size({"width": width, "height": 700})
            assert overflow(tab) <= 0, (path, width)


def test_motion_is_only_for_those_who_want_it(tab: Page) -> None:
    tab.emulate_media(reduced_motion="reduce")
    tab.goto("/a/harbour/1")
    expect(tab.locator(".anchor").first).to_have_css("transition-duration", "0s")


# For everyone

STATES = {
    "start": "/",
    "shares": "/?q=crane&share=1",
    "narrowed": "/?q=crane&since=2018&source=ferry.jsonl",
    "partial": "/?q=crane+trams+bus",
    "collapsed": "/?q=line",
    "nothing": "/?q=%22crates+moved%22",
    "nothing at all": "/?q=zzzz",
    "another spelling": "/?q=harbuor",
    "explained": "/?q=crane&explain=1",
    "browsing": "/?language=de",
    "refused": "/?q=x&since=soon",
    "missing": "/a/nowhere",
    "article": "/a/harbour/1?q=crane",
    "article with authors and pages": "/a/report?q=crane",
    "filtered by an author": "/?q=crane&author=berg&filter=tag:ports",
    "guide": "/guide/",
    "page of the guide": "/guide/search-tips",
    "code in the guide": "/guide/your-site",
}


# Of every kind of article a few, on short pages: axe looks at each row of a table, and finds the same in all.
FEW = (
    *COPIES,
    NIGHT,
    Article(
        id="report",
        title="A report on the crane",
        paragraphs=("The crane stood still.", "Nobody moved the crane."),
        page_numbers=(3, 4),
        url="https://city.example/report.pdf",
        authors=("Mara Berg", "Ben Okri", "Ana Ruiz", "Li Wei"),
        section="Harbour",
        tags=("ports", "unions"),
        publisher="The Crane",
    ),
    *(
        article
        for article in ARTICLES
        if article.id in ("ar", *(f"harbour/{n}" for n in (0, 1, 10, 13, 17, 20)))
    ),
)


@pytest.fixture(scope="module")
def short_pages() -> Iterator[str]:
    with serving(webui.create_app(open_index(archive(*FEW).config, page_size=3))) as found:
        yield found


@pytest.mark.parametrize("language", [language for language in LANGUAGES if language != "en"])
def test_no_language_has_a_barrier_nor_is_wider_than_a_telephone(
    browser: Browser, short_pages: str, language: str
) -> None:
    page = browser.new_page(base_url=short_pages, viewport={"width": 320, "height": 700})
    for path in (
        "/?",
        "/?q=crane&since=2018&explain=1",
        "/?q=zzzz+crates&until=2100",
        "/a/harbour/1?q=crane",
        "/a/report?q=crane",
        "/?q=report&author=berg&filter=tag:ports",
        "/a/nowhere?",
        "/guide/architecture?",
    ):
        page.goto(f"{path}&lang={language}")
        open_everything(page)
        assert violations_of_text(page) == [], path
        assert overflow(page) <= 0, path
    page.close()


@pytest.mark.parametrize("state", STATES)
def test_no_state_has_a_barrier(browser: Browser, short_pages: str, state: str) -> None:
    page = browser.new_page(base_url=short_pages)
    page.goto(STATES[state])
    open_everything(page)
    assert violations_in_both_schemes(page) == []
    page.close()


def test_what_opens_has_no_barrier(tab: Page) -> None:
    tab.goto("/")
    box(tab).fill("cra")
    expect(options(tab).first).to_be_visible()
    expect(tab).to_have_url(re.compile(r"q=cra$"))
    at_rest(tab)
    tab.keyboard.press("ArrowDown")
    assert violations(tab) == []
    tab.keyboard.press("Escape")
    tab.get_by_role("button", name="Keys").click()
    assert violations(tab) == []


def test_script_and_style_are_light() -> None:
    sizes = [len(gzip.compress((STATIC / name).read_bytes())) for name in ("nutgraf.js", "nutgraf.css")]
    assert sum(sizes) < 30_000


def test_nothing_but_the_page_s_own_reading_makes_html_of_a_text(browser: Browser, address: str) -> None:
    page = browser.new_page(base_url=address)
    page.goto("/?q=crane")
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

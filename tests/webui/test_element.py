from __future__ import annotations

import gzip
import re

import pytest
from playwright.sync_api import Route, expect

from tests.fixtures.browser import (
    at_rest,
    overflow,
    requests_of,
    stop_clock,
    violations,
    violations_in_both_schemes,
)
from tests.fixtures.hosts import ATTACK, ELEMENT, SCRIPT, Hosts, box


def test_the_file_is_small() -> None:
    assert len(gzip.compress(SCRIPT.read_bytes(), mtime=0)) < 13_500


def test_the_element_has_the_colours_of_the_page() -> None:
    style = SCRIPT.with_name("nutgraf.css").read_text(encoding="utf-8")
    colours = dict(re.findall(r"  --([\w-]+): light-dark\((.+?)\);", style))
    own = dict(re.findall(r"--nutgraf-([\w-]+), light-dark\((.+?)\)", SCRIPT.read_text(encoding="utf-8")))
    # Plain white stands better in a page of somebody else.
    del own["paper"]
    assert own == {name: colours["target" if name == "hover" else name] for name in own}


def test_results_come_while_typing_and_lead_to_the_paragraph(hosts: Hosts) -> None:
    tab = hosts.show(ELEMENT)
    box(tab).press_sequentially("keeper")
    # The answer to all that was typed, and not to what had been typed on the way.
    passage = tab.get_by_role("link", name="keeper said")
    expect(passage).to_have_attribute("href", re.compile("q=keeper#"))
    expect(tab.get_by_role("status")).to_have_text("1 article")
    expect(tab.get_by_role("heading", level=3)).to_have_text("The harbour reopens to night ferries")
    expect(tab.get_by_role("time")).to_have_text("November 5, 2021 at 09:01 PM")
    expect(box(tab)).to_be_focused()
    passage.click()
    expect(tab).to_have_url(
        re.compile(re.escape(hosts.site) + r"a/harbour/2021%20%26%20after\?q=keeper#p-[0-9a-f]{8}$")
    )
    expect(tab.locator(".paragraph:target mark")).to_have_text("keeper")


def test_a_date_is_as_exact_as_it_is_known(hosts: Hosts) -> None:
    tab = hosts.show(ELEMENT, hosts.tab(timezone_id="America/Los_Angeles"))
    for query, date in {
        "timetable": "March 2020",
        "odds": "2019",
        "keeper": "November 5, 2021 at 09:01 PM",
    }.items():
        box(tab).fill(query)
        expect(tab.get_by_role("time").first).to_have_text(date)


def test_a_hit_names_its_authors_its_section_and_its_pages(hosts: Hosts) -> None:
    tab = hosts.show('<nutgraf-search src="SITEapi" query="timetable ferry" lang="fr"></nutgraf-search>')
    hit = tab.locator("[part=hit]", has_text="A ferry timetable")
    expect(hit.locator("[part=byline]")).to_have_text("Mara Berg, Ben Okri, Ana Ruiz … · Harbour")
    expect(hit.locator("[part=page]").first).to_have_text("page 7")


def test_an_id_that_a_path_would_change_is_a_parameter(hosts: Hosts) -> None:
    tab = hosts.show(ELEMENT)
    box(tab).fill("odds")
    tab.get_by_role("link", name="An odd ferry").click()
    expect(tab.get_by_role("heading", level=1)).to_have_text("An odd ferry")


def test_one_request_is_made_when_the_typing_rests(hosts: Hosts) -> None:
    tab = hosts.show(ELEMENT)
    asked = requests_of(tab, "/api/search")
    stop_clock(tab)
    for letter in "ferry":
        box(tab).press(letter)
        tab.clock.run_for(149)
    assert not asked
    tab.clock.run_for(1)
    expect(tab.get_by_role("status")).to_have_text("3 articles")
    assert len(asked) == 1


def test_the_last_word_is_a_prefix_until_the_typing_pauses_for_a_second(hosts: Hosts) -> None:
    tab = hosts.show(ELEMENT)
    stop_clock(tab)
    status = tab.get_by_role("status")
    box(tab).fill("night fer")
    tab.clock.run_for(150)
    expect(status).to_have_text("1 article")
    expect(tab.get_by_role("link", name="no ferry would sail")).to_have_attribute(
        "href", re.compile("q=night[+]fer&prefix=1#")
    )
    tab.clock.run_for(849)
    expect(status).to_have_text("1 article")
    tab.clock.run_for(1)
    expect(status).to_have_text("No article has all the words · 1 has some")


@pytest.mark.parametrize("end", ["Enter", " "])
def test_enter_or_a_space_ends_the_last_word(hosts: Hosts, end: str) -> None:
    tab = hosts.show(ELEMENT)
    asked = requests_of(tab, "/api/search")
    stop_clock(tab)
    box(tab).fill("night fer")
    box(tab).press(end)
    tab.clock.run_for(2000)
    expect(tab.get_by_role("status")).to_have_text("No article has all the words · 1 has some")
    assert len(asked) == 1
    assert "prefix" not in asked[0]


def test_results_that_have_the_focus_are_not_replaced(hosts: Hosts) -> None:
    tab = hosts.show(ELEMENT)
    stop_clock(tab)
    box(tab).fill("night fer")
    tab.clock.run_for(150)
    link = tab.get_by_role("link", name="The harbour reopens")
    link.focus()
    tab.clock.run_for(2000)
    expect(link).to_be_focused()


def test_an_answer_that_comes_late_is_not_shown(hosts: Hosts) -> None:
    tab = hosts.show(ELEMENT)
    held: list[Route] = []
    tab.route("**/api/search?q=lighthouse*", lambda route: held.append(route))
    with tab.expect_request("**/api/search?q=lighthouse*"):
        box(tab).fill("lighthouse")
    with tab.expect_event("requestfailed", lambda request: "/search?q=lighthouse" in request.url):
        box(tab).fill("keeper")
    expect(tab.get_by_role("status")).to_have_text("1 article")
    assert held
    for route in held:
        route.continue_()
    tab.get_by_role("button", name="Clear").click()
    box(tab).fill("odds")
    expect(tab.get_by_role("heading", level=3)).to_have_text("An odd ferry")


def test_the_keyboard_does_what_the_combobox_pattern_says(hosts: Hosts) -> None:
    tab = hosts.show(ELEMENT)
    options, field = tab.get_by_role("option"), box(tab)
    expect(field).to_have_attribute("aria-expanded", "false")
    field.fill("lighth")
    expect(options.first).to_be_visible()
    expect(field).to_have_attribute("aria-expanded", "true")
    expect(tab.locator("[role=option][aria-selected=true]")).to_have_count(0)
    expect(field).not_to_have_attribute("aria-activedescendant", re.compile("."))
    field.press("ArrowDown")
    expect(options.nth(0)).to_have_attribute("aria-selected", "true")
    expect(field).to_have_attribute("aria-activedescendant", "suggestion-0")
    expect(field).to_have_value("lighth")
    field.press("Escape")
    expect(options.first).to_be_hidden()
    expect(field).to_have_value("lighth")
    field.press("ArrowUp")
    expect(options.last).to_have_attribute("aria-selected", "true")
    field.press("ArrowDown")
    expect(tab.locator("[role=option][aria-selected=true]")).to_have_count(0)
    field.press("ArrowDown")
    field.press("Enter")
    expect(field).to_have_value("lighthouse")
    expect(options.first).to_be_hidden()
    expect(field).to_be_focused()
    expect(tab.get_by_role("status")).to_have_text("24 articles · 10 of them shown")
    field.press("Escape")
    expect(field).to_have_value("")
    expect(tab.get_by_role("status")).to_have_text("")
    expect(tab.get_by_role("listitem")).to_have_count(0)


def test_a_title_among_the_suggestions_opens_its_article(hosts: Hosts) -> None:
    tab = hosts.show(ELEMENT)
    box(tab).fill("The harb")
    expect(tab.get_by_role("option", name="The harbour reopens")).to_be_visible()
    box(tab).press("ArrowUp")
    box(tab).press("Enter")
    expect(tab).to_have_url(hosts.site + "a/harbour/2021%20%26%20after")


def test_a_suggestion_is_taken_with_the_mouse_and_the_focus_stays(hosts: Hosts) -> None:
    tab = hosts.show(ELEMENT)
    box(tab).fill("lighth")
    tab.get_by_role("option").first.click()
    expect(box(tab)).to_have_value("lighthouse")
    expect(box(tab)).to_be_focused()


def test_more_goes_on_after_the_last_hit_and_takes_the_focus_there(hosts: Hosts) -> None:
    tab = hosts.show('<nutgraf-search src="SITEapi" query="lighthouse" limit="12"></nutgraf-search>')
    more = tab.get_by_role("button", name="More")
    more.focus()
    tab.keyboard.press("Enter")
    expect(tab.locator("[part=hit]")).to_have_count(24)
    expect(tab.locator("[part=hit]").nth(12).get_by_role("link").first).to_be_focused()
    expect(more).to_be_hidden()
    titles = tab.locator("[part=title]").all_inner_texts()
    assert len(set(titles)) == 24


def test_what_was_meant_is_searched_for(hosts: Hosts) -> None:
    tab = hosts.show(ELEMENT)
    box(tab).fill("lighthuose")
    expect(tab.get_by_role("status")).to_have_text("No results")
    tab.get_by_role("button", name="lighthouse").click()
    expect(box(tab)).to_have_value("lighthouse")
    expect(tab.get_by_role("status")).to_contain_text("24 articles")


@pytest.mark.parametrize(
    ("parameters", "query", "reason", "change", "total"),
    [
        ("?source=wire", "ferry", "No article is from the source", "whatever the source", "3 articles"),
        ("", "ferry after:2040", "No article is published from", "not only articles", "3 articles"),
        ("", '"night keeper"', "No article has", "wherever they stand", "1 article"),
    ],
)
def test_no_results_lead_to_searches_that_ask_for_less(
    hosts: Hosts, parameters: str, query: str, reason: str, change: str, total: str
) -> None:
    tab = hosts.show(f'<nutgraf-search src="SITEapi{parameters}"></nutgraf-search>')
    asked = requests_of(tab, "/api/search")
    box(tab).fill(query)
    expect(tab.locator("[part=reason]")).to_contain_text(reason)
    box(tab).press("Enter")
    at_rest(tab)
    tab.get_by_role("button", name=change).click()
    expect(tab.get_by_role("status")).to_have_text(total)
    assert ("source=wire" in asked[0]) == bool(parameters)
    assert "source" not in asked[-1]
    # What is typed next is narrowed again.
    box(tab).fill("odds")
    if parameters:
        expect(tab.get_by_role("status")).to_have_text("No results")
    else:
        expect(tab.get_by_role("heading", level=3)).to_have_text(["An odd ferry"])


def test_an_error_is_told_and_can_be_tried_again(hosts: Hosts) -> None:
    hosts.foreseen = re.compile("Failed to load")
    tab = hosts.show(ELEMENT)
    tab.route("**/api/search?*", lambda route: route.abort())
    box(tab).fill("keeper")
    expect(tab.get_by_role("status")).to_have_text("The search failed.")
    tab.unroute("**/api/search?*")
    tab.get_by_role("button", name="Try again").click()
    expect(tab.get_by_role("status")).to_have_text("1 article")
    expect(tab.get_by_role("button", name="Try again")).to_be_hidden()


def test_what_the_archive_says_of_an_error_is_shown(hosts: Hosts) -> None:
    hosts.foreseen = re.compile("Failed to load")
    tab = hosts.show('<nutgraf-search src="SITEapi?since=someday" query="ferry"></nutgraf-search>')
    expect(tab.locator("[part=error]")).to_contain_text("someday")


def test_only_web_addresses_are_asked(hosts: Hosts) -> None:
    sources = ("javascript:alert(5)", "", "data:application/json,{}")
    tab = hosts.show(
        "".join(f'<nutgraf-search src="{src}" query="ferry"></nutgraf-search>' for src in sources)
    )
    expect(tab.get_by_role("status")).to_have_text(["The search failed."] * 3)
    expect(tab.locator("[part=error]")).to_contain_text(["src: "] * 3)


def test_marks_count_code_points(hosts: Hosts) -> None:
    tab = hosts.show('<nutgraf-search src="SITEapi" query="zeppelin"></nutgraf-search>')
    expect(tab.locator("mark")).to_have_text(["Zeppelin", "zeppelin", "zeppelin"])
    expect(tab.locator("[part=passage]")).to_have_text("𝔄𝔅 zeppelin 🚢🚢 zeppelin.")


def test_what_an_article_says_is_text_and_runs_nothing(hosts: Hosts) -> None:
    tab = hosts.show('<nutgraf-search src="SITEapi" link="{url}"></nutgraf-search>')
    box(tab).fill("kraken")
    # Its own address is a script, so that nothing is linked to.
    expect(tab.locator("[part=title]")).to_have_text(f"Kraken {ATTACK}")
    expect(tab.get_by_role("link")).to_have_count(0)
    box(tab).fill(f"kraken {ATTACK}")
    expect(tab.get_by_role("status")).not_to_have_text("1 article")
    box(tab).press_sequentially("x")
    expect(tab.locator("nutgraf-search").locator("img, script")).to_have_count(0)
    tab.locator("nutgraf-search").evaluate("e => { e.link = null; e.query = 'kraken' }")
    at_rest(tab)
    tab.get_by_role("link", name="Kraken").first.click()
    expect(tab.get_by_role("heading", level=1)).to_contain_text("Kraken <img")


@pytest.mark.parametrize(
    "query",
    ["", "lighthouse", "ferry", "ferry sailing away", "lighthuose", "kraken", "ferry after:2040", "المنارة"],
)
def test_no_state_breaks_a_rule_of_accessibility_nor_is_wider_than_a_telephone(
    hosts: Hosts, query: str
) -> None:
    # What fades in has too little contrast while it does.
    tab = hosts.show(ELEMENT, hosts.tab(viewport={"width": 320, "height": 600}, reduced_motion="reduce"))
    box(tab).fill(query)
    if query:
        # Suggestions, and what is found once the typing pauses, would change what axe looks at.
        box(tab).press("Enter")
        expect(tab.get_by_role("status")).not_to_have_text("")
        at_rest(tab)
    assert overflow(tab) <= 0
    assert violations_in_both_schemes(tab) == []


def test_open_suggestions_break_no_rule_of_accessibility(hosts: Hosts) -> None:
    tab = hosts.show(ELEMENT, hosts.tab(reduced_motion="reduce"))
    with tab.expect_response(
        lambda response: response.url.endswith("/search?q=light&limit=10&sort=relevance")
    ):
        box(tab).fill("light")
    expect(tab.get_by_role("option").first).to_be_visible()
    expect(tab.get_by_role("status")).not_to_have_text("")
    at_rest(tab)
    box(tab).press("ArrowDown")
    assert violations(tab) == []


def test_the_live_region_is_one_and_polite(hosts: Hosts) -> None:
    tab = hosts.show(ELEMENT)
    expect(tab.locator("nutgraf-search").locator("[role=status], [role=alert], [aria-live]")).to_have_count(1)


def test_the_box_has_the_focus_when_it_is_asked_for_and_not_when_text_is_touched(hosts: Hosts) -> None:
    tab = hosts.show('<nutgraf-search src="SITEapi" query="keeper"></nutgraf-search>')
    tab.get_by_role("status").click()
    tab.get_by_role("time").click()
    expect(box(tab)).not_to_be_focused()
    tab.locator("nutgraf-search").evaluate("e => e.focus()")
    expect(box(tab)).to_be_focused()


def test_nothing_moves_for_those_who_want_less_motion(hosts: Hosts) -> None:
    tab = hosts.show(ELEMENT, hosts.tab(reduced_motion="reduce"))
    expect(tab.locator("[part=results]")).to_have_css("transition-duration", "0s")


def test_near_duplicates_are_named_under_their_hit(hosts: Hosts) -> None:
    tab = hosts.show('<nutgraf-search src="SITEapi" query="timetable"></nutgraf-search>')
    also = [{"id": "copy", "title": "<b>A copy</b>", "url": None, "language": "en", "published": None}]

    def answer(route: Route) -> None:
        body = route.fetch().json()
        body["hits"][0]["also"] = also
        body["notes"] = [{"code": "x", "values": {}, "message": "<i>A note.</i>"}]
        route.fulfill(json=body, headers={"Access-Control-Allow-Origin": "*"})

    tab.route("**/api/search?*", answer)
    box(tab).fill("ferry timetable")
    tab.get_by_text("1 near-duplicate").click()
    expect(tab.get_by_role("link", name="<b>A copy</b>")).to_have_attribute(
        "href", re.compile(re.escape(f"{hosts.site}a/copy?q=ferry+timetable"))
    )
    expect(tab.locator("[part=note]")).to_have_text("<i>A note.</i>")

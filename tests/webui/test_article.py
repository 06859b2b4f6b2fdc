from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import unquote

import pytest
from bs4 import BeautifulSoup
from playwright.sync_api import Browser, Page, expect

import webui
from indexer import Article, Published
from indexer.article import make_anchors
from tests.fixtures.archives import archive, client, one
from tests.fixtures.browser import open_page, violations_on_telephone
from tests.fixtures.serving import serving
from webui.urls import original_url

FILLER = "Nothing of note happened on the quay that day, and the gulls kept to themselves. " * 5
TEXTS = (
    "The harbour opened with a crane & a 50% discount.",
    *(f"{n}. {FILLER}" for n in range(1, 5)),
    "A second crane came by sea.",
    *(f"{n}. {FILLER}" for n in range(5, 9)),
    "The last crane stands today.",
    "Same words.",
    "Same words.",
)
QUAY = Article(
    id="quay/1",
    title="Cranes on the quay",
    paragraphs=TEXTS,
    published=Published("2021-11-05", "day", "meta", (("2021-11-04", "url"),)),
    language="en",
    url="https://www.city.example/quay?a=1",
    notes=("page furniture was left out",),
)
ARABIC = Article(
    id="ar",
    title="رافعات على الرصيف",
    paragraphs=("وصلت الرافعة الأولى crane عن طريق البحر.", "ثم وصلت الثانية."),
    published="2021-11",
    language="ar",
    url="https://www.city.example/ar",
)
ANCHORS = make_anchors(TEXTS)


def quay(parameters: str = "") -> BeautifulSoup:
    response = client(QUAY, ARABIC).get(f"/a/quay/1{parameters}")
    assert response.status_code == 200
    return BeautifulSoup(response.text, "html.parser")


def test_a_link_to_a_paragraph_offers_what_can_be_done_with_it() -> None:
    soup = quay(f"?q=crane&p={ANCHORS[5]}&n=6")
    tools = one(soup, ".tools")
    assert tools.parent is not None
    assert tools.parent["id"] == ANCHORS[5]
    assert "Paragraph 6" in tools.text
    assert [a["href"] for a in tools.select("a[download]")] == [
        f"/a/quay/1/cite.{kind}?p={ANCHORS[5]}" for kind in ("bib", "ris", "json")
    ]
    assert one(tools, ".original")["href"] == (
        "https://www.city.example/quay?a=1#:~:text=A%20second%20crane%20came%20by%20sea."
    )
    assert not soup.select(".lost")


@pytest.mark.parametrize(
    ("parameters", "place"),
    [
        # Of the marked paragraphs, the nearest by number; without a number, the first.
        ("?q=crane&p=p-00000000&n=8", 5),
        ("?q=crane&p=p-00000000&n=9", 10),
        ("?q=crane&p=p-00000000&n=900", 10),
        ("?q=crane&p=p-00000000", 0),
        # Where nothing is marked, the one with that number, or the last.
        ("?p=p-00000000&n=3", 2),
        ("?p=p-00000000&n=900", 12),
        ("?p=p-00000000", None),
        ("?p=nonsense&n=2", 1),
        # Of three that said the same two are left: the same words are closest.
        (f"?q=crane&p={ANCHORS[11]}-3&n=13", 12),
    ],
)
def test_a_link_to_a_paragraph_that_is_gone_leads_to_the_closest(parameters: str, place: int | None) -> None:
    soup = quay(parameters)
    notice = one(soup, ".lost")
    assert "is no longer in the article" in notice.text
    assert [a["href"] for a in notice.select("a")] == ([] if place is None else [f"#{ANCHORS[place]}"])
    assert not soup.select(".tools")


def test_matches_lead_to_each_other_without_a_script() -> None:
    soup = quay("?q=crane")
    marked = [0, 5, 10]
    assert one(soup, f".meta a[href='#{ANCHORS[0]}']").text == "First match"
    steps = [
        [(a.text, str(a["href"])[1:]) for a in paragraph.select(".step a")]
        for paragraph in soup.select(".paragraph")
    ]
    assert [place for place, found in enumerate(steps) if found] == marked
    assert steps[0] == [("Next match", ANCHORS[5])]
    assert steps[5] == [("Previous match", ANCHORS[0]), ("Next match", ANCHORS[10])]
    assert steps[10] == [("Previous match", ANCHORS[5])]
    assert not quay().select(".step, article mark")
    assert one(soup, ".meta.on-screen a[href^='/']")["href"] == "/a/quay/1"


def facts(soup: BeautifulSoup) -> dict[str, str]:
    return {
        one(row, "dt").text: " ".join(one(row, "dd").text.split())
        for row in soup.select("article .facts div")
    }


def test_an_article_says_where_it_and_its_date_come_from() -> None:
    assert facts(quay()) == {
        "Date": "5 November 2021 · found in the page’s metadata. The document also says 4 November 2021 "
        "(found in the address).",
        "Id": "quay/1",
        "Original": "https://www.city.example/quay?a=1",
    }
    assert one(quay(), ".facts a.host")["href"] == QUAY.url
    plain = Article(
        id="log-1921", title="", paragraphs=("A crane.",), source="port/log.jsonl", url="ftp://x/y"
    )
    soup = BeautifulSoup(client(plain).get("/a/log-1921").text, "html.parser")
    assert facts(soup) == {"Source": "port/log.jsonl", "Id": "log-1921"}


def test_a_minimap_leads_to_the_matches_without_a_script() -> None:
    soup = quay("?q=crane")
    spots = soup.select(".minimap a")
    assert [a["href"] for a in spots] == [f"#{ANCHORS[place]}" for place in (0, 5, 10)]
    assert [one(a, "title").text for a in spots] == ["Paragraph 1", "Paragraph 6", "Paragraph 11"]
    places = [(int(str(one(a, ".reach")["y"])), int(str(one(a, ".reach")["height"]))) for a in spots]
    assert places[0][0] == 0
    assert 450 < places[1][0] < 500
    assert 930 < places[2][0] < 980
    assert all(height > 0 and y + height <= 1000 for y, height in places)
    assert not quay().select(".minimap, .walk")


def test_what_the_library_says_is_marked_as_english() -> None:
    soup = quay("?lang=ar")
    note = one(soup, ".notes li")
    assert (note["lang"], note["dir"]) == ("en", "ltr")
    assert one(soup, "article .meta time").text == "5 نوفمبر 2021"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("A short one, with-hyphen & more", "A short one, with-hyphen & more"),
        (
            "one two three four five six seven eight nine ten eleven",
            ["one two three four five", "seven eight nine ten eleven"],
        ),
        (
            "以前我没有写过小说以前我没有写过小说以前我没有写过小说。",
            ["以前我没有写过小说以前我", "过小说以前我没有写过小说。"[-12:]],
        ),
    ],
)
def test_a_passage_is_named_in_the_original_by_its_edges(text: str, told: str | list[str]) -> None:
    address, _, fragment = original_url("https://city.example/a?b=c", text).partition("#:~:text=")
    assert address == "https://city.example/a?b=c"
    assert re.fullmatch(r"[A-Za-z0-9._~%,]+", fragment)
    assert [unquote(part) for part in fragment.split(",")] == ([told] if isinstance(told, str) else told)


def test_a_passage_is_named_behind_the_place_that_an_address_has() -> None:
    assert original_url("https://city.example/#part", "x") == "https://city.example/#part:~:text=x"


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with serving(webui.create_app(archive(QUAY, ARABIC))) as found:
        yield found


@pytest.fixture
def tab(browser: Browser, address: str) -> Iterator[Page]:
    with open_page(browser, address, viewport={"width": 900, "height": 500}) as page:
        yield page


@pytest.mark.parametrize("parameters", ["", "?q=crane", "?q=crane&p=p-00000000&n=6"])
def test_an_anchor_that_is_gone_is_asked_for_by_the_script(tab: Page, parameters: str) -> None:
    tab.goto(f"/a/quay/1{parameters}#p-00000000")
    expect(tab.locator(".lost")).to_be_visible()
    if parameters:
        number = 5 if "n=" in parameters else 0
        expect(tab.locator(".paragraph:target")).to_have_id(ANCHORS[number])
        expect(tab.locator(".paragraph:target")).to_be_in_viewport()


def test_an_anchor_that_is_there_is_where_the_page_stands(tab: Page) -> None:
    tab.goto(f"/a/quay/1#{ANCHORS[10]}")
    expect(tab.locator(".paragraph:target")).to_be_in_viewport()
    expect(tab.locator(".lost")).to_have_count(0)


def test_keys_step_from_match_to_match(tab: Page) -> None:
    tab.goto("/a/quay/1?q=crane")
    for key, place in [("n", 0), ("n", 5), ("n", 10), ("n", 10), ("p", 5), ("p", 0), ("p", 0)]:
        tab.keyboard.press(key)
        expect(tab.locator(".paragraph:target")).to_have_id(ANCHORS[place])
        expect(tab.locator(".paragraph:target")).to_be_in_viewport()
        expect(tab.locator(".paragraph:target .anchor")).to_be_focused()
    tab.get_by_label("Search the articles").focus()
    tab.keyboard.press("n")
    expect(tab.locator(".paragraph:target")).to_have_id(ANCHORS[0])
    expect(tab.get_by_label("Search the articles")).to_have_value(re.compile("n"))


def test_buttons_step_from_match_to_match_and_stay_in_view(tab: Page) -> None:
    tab.goto(f"/a/quay/1?q=crane#{ANCHORS[0]}")
    place = tab.locator(".walk .here")
    expect(place).to_have_text("Match 1 of 3")
    following, previous = (tab.get_by_role("button", name=f"{way} match") for way in ("Next", "Previous"))
    expect(previous).to_have_attribute("aria-disabled", "true")
    for number, paragraph in ((2, 5), (3, 10)):
        following.click()
        expect(tab.locator(".paragraph:target")).to_have_id(ANCHORS[paragraph])
        expect(tab.locator(".paragraph:target mark")).to_be_in_viewport()
        expect(place).to_have_text(f"Match {number} of 3")
        expect(tab.get_by_role("status")).to_have_text(f"Match {number} of 3")
        expect(following).to_be_in_viewport(ratio=1)
        expect(following).to_be_focused()
    expect(following).to_have_attribute("aria-disabled", "true")
    tab.keyboard.press("Enter")
    expect(place).to_have_text("Match 3 of 3")
    previous.click()
    expect(place).to_have_text("Match 2 of 3")
    expect(tab.get_by_role("link", name="Next match")).to_have_count(0)


def test_going_back_passes_over_the_matches_that_were_stepped_to(tab: Page) -> None:
    tab.goto("/?q=crane")
    tab.get_by_role("link", name="Cranes on the quay").click()
    for _ in range(3):
        tab.keyboard.press("n")
    expect(tab.locator(".walk .here")).to_have_text("Match 3 of 3")
    tab.go_back()
    expect(tab.get_by_role("link", name="Cranes on the quay")).to_be_focused()


@pytest.mark.parametrize("script", [True, False])
def test_a_spot_of_the_minimap_leads_to_its_paragraph(browser: Browser, address: str, script: bool) -> None:
    with open_page(browser, address, java_script_enabled=script) as page:
        page.goto("/a/quay/1?q=crane")
        page.locator(".minimap .spot").nth(1).click()
        expect(page.locator(".paragraph:target")).to_have_id(ANCHORS[5])
        expect(page.locator(".paragraph:target")).to_be_in_viewport()
        expect(page.locator(".minimap svg")).to_be_in_viewport(ratio=1)
        expect(page.locator(".walk")).to_be_visible(visible=script)


def test_the_minimap_has_the_places_of_the_paragraphs_and_the_part_in_view(tab: Page) -> None:
    tab.goto("/a/quay/1?q=crane")
    text = tab.locator(".text").bounding_box()
    paragraph = tab.locator(".paragraph").nth(5).bounding_box()
    assert text is not None
    assert paragraph is not None
    spot = tab.locator(".minimap .spot").nth(1)
    expected = 1000 * (paragraph["y"] - text["y"]) / text["height"]
    assert float(spot.get_attribute("y") or 0) == pytest.approx(expected, abs=1)
    view = tab.locator(".minimap .view")
    expect(view).to_have_attribute("y", "0")
    tab.keyboard.press("End")
    expect(view).not_to_have_attribute("y", "0")


@pytest.mark.parametrize(
    "path", ["/a/quay/1?q=crane&p=p-00000000&n=6", f"/a/quay/1?p={ANCHORS[5]}", "/a/ar?q=crane"]
)
def test_an_article_is_accessible_in_both_directions(browser: Browser, address: str, path: str) -> None:
    url = address.rstrip("/") + path
    assert violations_on_telephone(browser, url) == []
    assert violations_on_telephone(browser, f"{url}&lang=ar", colours=False) == []

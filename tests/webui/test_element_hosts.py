from __future__ import annotations

import base64
import hashlib
import os
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.fixtures.browser import overflow, stop_clock, violations
from tests.fixtures.hosts import ELEMENT, SCRIPT, Hosts, box, bundle, document
from tests.fixtures.markdown import section
from webui.guide import FOLDER

# Where react and react-dom are as modules; Debian's node-react and node-react-dom put them here.
REACT = Path(os.environ.get("REACT", "/usr/share/nodejs"))
PROGRAM = """
    const { createElement: h, StrictMode, useEffect, useRef, useState } = require("react");
    const { createRoot } = require("react-dom/client");

    function App({ src }) {
      const [query, setQuery] = useState("keeper");
      const [shown, setShown] = useState(true);
      const [total, setTotal] = useState(0);
      const search = useRef(null);
      useEffect(() => {
        const node = search.current;
        const told = (event) => setTotal(event.detail.page.total);
        node?.addEventListener("nutgraf-results", told);
        return () => node?.removeEventListener("nutgraf-results", told);
      }, [shown]);
      return h("main", null,
        h("h1", null, "React"),
        h("button", { onClick: () => setQuery("odds") }, "Odds"),
        h("button", { onClick: () => setShown(!shown) }, "Show or hide"),
        h("p", { id: "total" }, `${total} found`),
        shown && h("nutgraf-search", { ref: search, src, query, limit: 5, heading: 2 },
          h("b", { slot: "label" }, `Find (${total})`)));
    }
    const place = document.getElementById("root");
    createRoot(place).render(h(StrictMode, null, h(App, { src: place.dataset.src })));
"""


@pytest.mark.skipif(
    not (REACT / "react-dom" / "client.js").exists(),
    reason=f"no React in {REACT}; install node-react-dom or set REACT to a node_modules folder with it",
)
def test_react_sets_attributes_hears_events_and_takes_the_element_away(hosts: Hosts) -> None:
    tab = hosts.tab()
    root = f'<div id="root" data-src="{hosts.site}api"></div><script src="/app.js" defer></script>'
    tab.goto(hosts.serve({"/": document(root), "/app.js": bundle(REACT, PROGRAM)}))
    expect(tab.get_by_text("1 found")).to_be_visible()
    expect(tab.get_by_role("combobox", name="Find (1)")).to_have_value("keeper")
    # Every answer renders the host again; what is typed stays.
    box(tab).fill("lighthouse")
    expect(tab.get_by_text("24 found")).to_be_visible()
    expect(box(tab)).to_have_value("lighthouse")
    expect(tab.locator("[part=hit]")).to_have_count(5)
    tab.get_by_role("button", name="Odds").click()
    expect(box(tab)).to_have_value("odds")
    # The answers of the query before stand until the new ones come: a single title is to be waited for.
    expect(tab.get_by_role("heading", level=2)).to_have_text(["An odd ferry"])
    tab.get_by_role("button", name="Show or hide").click()
    expect(tab.locator("nutgraf-search")).to_have_count(0)
    tab.get_by_role("button", name="Show or hide").click()
    expect(tab.get_by_role("heading", level=2)).to_have_text(["An odd ferry"])


def test_properties_that_were_set_before_the_script_came_are_kept(hosts: Hosts) -> None:
    late = """
        const search = document.createElement("nutgraf-search");
        search.query = "lighthouse";
        search.limit = 3;
        search.texts = { more: "And more" };
        search.src = document.body.dataset.src;
        document.body.append(search);
        const script = document.createElement("script");
        const policy = trustedTypes.createPolicy("late", { createScriptURL: (url) => url });
        script.src = policy.createScriptURL("/nutgraf-search.js");
        document.body.append(script);
    """
    tab = hosts.tab()
    text = (
        "<!doctype html><html lang=en><title>Late</title><link rel=icon href='data:,'>"
        f"<body data-src='{hosts.site}api'><script src=/late.js></script>"
    )
    tab.goto(hosts.serve({"/": text, "/late.js": late}))
    expect(tab.locator("[part=hit]")).to_have_count(3)
    expect(tab.get_by_role("button", name="And more")).to_be_visible()
    assert tab.locator("nutgraf-search").evaluate("e => [e.limit, e.getAttribute('limit'), e.sort]") == [
        3,
        "3",
        "relevance",
    ]


def test_setting_what_is_there_already_searches_no_more(hosts: Hosts) -> None:
    tab = hosts.show('<nutgraf-search src="SITEapi" query="keeper"></nutgraf-search>')
    expect(tab.get_by_role("status")).to_have_text("1 article")
    count_requests(tab)
    # As a host does that renders again: everything once more, and then something new.
    again = "e => { e.query = 'keeper'; e.src = e.src; e.setAttribute('query', 'keeper'); e.limit = 10; }"
    search = tab.locator("nutgraf-search")
    search.evaluate("e => { e.limit = 10; }")
    expect(search).to_have_attribute("limit", "10")
    tab.wait_for_function("() => asked.length === 1")
    search.evaluate(again)
    search.evaluate("e => { e.query = 'ferry'; e.sort = 'oldest'; e.limit = 2; }")
    expect(tab.get_by_role("status")).to_have_text("3 articles · 2 of them shown")
    assert [re.findall(r"q=(\w+)&limit=(\d+)", url) for url in tab.evaluate("asked")] == [
        [("keeper", "10")],
        [("ferry", "2")],
    ]
    expect(tab.get_by_role("heading", level=3).first).to_have_text("An odd ferry")


def count_requests(tab: Page) -> None:
    """From now on `asked` on the page lists the searches that it makes."""
    tab.evaluate(
        """() => {
            const { fetch } = window;
            window.asked = [];
            window.fetch = (url, options) => {
              if (String(url).includes("/search?")) asked.push(String(url));
              return fetch(url, options);
            };
        }"""
    )


def test_an_element_that_is_taken_away_asks_for_nothing_more(hosts: Hosts) -> None:
    tab = hosts.show(ELEMENT)
    count_requests(tab)
    stop_clock(tab)
    box(tab).fill("ferry")
    search = tab.locator("nutgraf-search").element_handle()
    search.evaluate("e => { window.gone = e; e.remove(); }")
    tab.clock.run_for(1000)
    assert tab.evaluate("asked") == []
    # And what was on its way is given up.
    tab.clock.resume()
    tab.evaluate("document.body.append(gone)")
    failed: list[str] = []
    tab.on("requestfailed", lambda request: failed.append(request.url))
    tab.route("**/api/search?*", lambda route: None)
    with tab.expect_event("requestfailed"):
        tab.evaluate("""async () => {
            gone.query = "keeper";
            while (!asked.some((url) => url.includes("keeper"))) await null;
            gone.remove();
        }""")
    assert len(failed) >= 1


def test_events_can_be_heard_from_outside_and_prevented(hosts: Hosts) -> None:
    tab = hosts.show(ELEMENT)
    tab.evaluate("""() => {
        window.heard = [];
        for (const name of ["search", "results", "select"]) {
          document.addEventListener(`nutgraf-${name}`, (event) => {
            const { query, page, passage, url } = event.detail;
            heard.push([name, event.cancelable, query ?? passage?.number, page?.total ?? null, url ?? null]);
            if (name === "select") event.preventDefault();
          });
        }
    }""")
    box(tab).fill("keeper")
    tab.get_by_role("link", name="keeper said").click()
    heard = tab.evaluate("heard")
    assert heard[:2] == [["search", True, "keeper", None, None], ["results", True, "keeper", 1, None]]
    assert heard[2][:3] == ["select", True, 2]
    assert heard[2][4].startswith(hosts.site + "a/harbour/")
    assert "/a/harbour" not in tab.url
    # A search that is prevented is not made; an answer that is prevented is the host's to draw.
    for name in ("results", "search"):
        tab.evaluate(f"document.addEventListener('nutgraf-{name}', (event) => event.preventDefault())")
        count_requests(tab)
        box(tab).fill(f"lighthouse {name}")
        box(tab).press("Enter")
        tab.wait_for_function(f"() => heard.at(-1)[2] === 'lighthouse {name}'")
        expect(tab.locator("[part=hit]")).to_have_count(0)
        assert bool(tab.evaluate("asked")) == (name == "results")
        # The host draws the answer from the event or from the property.
        answer = tab.locator("nutgraf-search").evaluate("e => e.results")
        assert answer["query"] == "lighthouse results"
    tab.locator("nutgraf-search").evaluate("e => e.clear()")
    assert tab.locator("nutgraf-search").evaluate("e => e.results") is None


def test_several_elements_and_two_copies_of_the_script_get_along(hosts: Hosts) -> None:
    twice = '<script src="/nutgraf-search.js?again" type="module"></script>'
    tab = hosts.show(
        f'{twice}<nutgraf-search src="SITEapi" label="First" query="keeper"></nutgraf-search>'
        '<nutgraf-search src="SITEapi" label="Second" query="odds"></nutgraf-search>'
    )
    expect(tab.get_by_role("heading", level=3)).to_have_text(
        ["The harbour reopens to night ferries", "An odd ferry"]
    )
    tab.get_by_role("combobox", name="Second").fill("timetable")
    expect(tab.get_by_role("heading", level=3)).to_have_text(
        ["The harbour reopens to night ferries", "A ferry timetable"]
    )


def test_the_host_dresses_parts_and_sets_colours_without_reaching_anything_else(hosts: Hosts) -> None:
    # A sheet that is made by the host's own script, as its policy allows no inline style.
    tab = hosts.show('<nutgraf-search src="SITEapi" query="keeper"></nutgraf-search>')
    tab.evaluate("""() => {
        const sheet = new CSSStyleSheet();
        sheet.replaceSync(`
            nutgraf-search { --nutgraf-mark: rgb(1, 2, 3); --nutgraf-link: rgb(4, 5, 6); }
            nutgraf-search::part(title) { font-size: 40px; }
            nutgraf-search::part(input) { background-color: rgb(7, 8, 9); }
            p, h3, a, mark { color: rgb(200, 0, 0) !important; }`);
        document.adoptedStyleSheets = [sheet];
    }""")
    expect(tab.locator("mark").first).to_have_css("background-image", re.compile(r"rgb\(1, 2, 3\)"))
    expect(tab.locator("[part=link]").first).to_have_css("color", "rgb(4, 5, 6)")
    expect(tab.locator("[part=title]")).to_have_css("font-size", "40px")
    expect(box(tab)).to_have_css("background-color", "rgb(7, 8, 9)")
    expect(tab.locator("mark").first).not_to_have_css("color", "rgb(200, 0, 0)")


def test_it_is_dark_where_the_reader_or_the_host_wants_it(hosts: Hosts) -> None:
    tab = hosts.show(
        "".join(
            f'<nutgraf-search src="SITEapi" theme="{theme}"></nutgraf-search>'
            for theme in ("", "light", "dark")
        )
    )
    dark, light = "rgb(23, 22, 20)", "rgb(255, 255, 255)"
    for scheme, unasked in (("light", light), ("dark", dark)):
        tab.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        for place, colour in enumerate((unasked, light, dark)):
            expect(tab.locator("[part=root]").nth(place)).to_have_css("background-color", colour)


def test_words_and_dates_are_of_the_language(hosts: Hosts) -> None:
    languages = {
        "de": ("1 Artikel", "5. November 2021 um 21:01"),
        "fr-CA": ("1 article", "5 novembre 2021"),
        "es": ("1 artículo", "5 de noviembre de 2021"),
        "ar": ("مقالة واحدة", "2021"),
        "zh-Hant": ("1 篇文章", "2021年11月5日"),
        "xx": ("1 article", "November 5, 2021"),
        "de_AT": ("1 Artikel", "5. November 2021"),
        "de-a-b!": ("1 Artikel", "5. November 2021"),
    }
    tab = hosts.show(
        "".join(
            f'<nutgraf-search src="SITEapi" lang="{language}" query="keeper"></nutgraf-search>'
            for language in languages
        )
    )
    expect(tab.get_by_role("status")).to_have_text([said for said, _ in languages.values()])
    expect(tab.get_by_role("time")).to_contain_text([date for _, date in languages.values()])


def test_the_guide_names_what_the_script_has_and_nothing_else() -> None:
    text = section(FOLDER / "your-site.md", "The HTML element")
    script = SCRIPT.read_text(encoding="utf-8")

    def documented(table: str) -> set[str]:
        rows = text.partition(f"\n| {table} |")[2].partition("\n\n")[0].splitlines()[2:]
        return {name for row in rows for name in re.findall(r"`([^`]+)`", row.split(" | ")[0])}

    def found(*patterns: str) -> set[str]:
        return {name for pattern in patterns for name in re.findall(pattern, script)}

    mirrored = script.partition("const MIRRORED = {")[2].partition("};")[0]
    assert documented("attribute") == {*re.findall(r"(\w+): \[", mirrored), "query", "lang", "disabled"}
    assert documented("slot") == found(r'slot\("(\w+)"')
    assert documented("part") == found(
        r'part: "(\w+)"', r'part = "(\w+)"', r'#anchor\("(\w+)"', r'other\("(\w+)"', r'"b", "(\w+)"'
    )
    assert documented("property") == found(r"var\((--nutgraf-[\w-]+)")
    assert documented("event") == {f"nutgraf-{name}" for name in found(r'#tell\("(\w+)"')}


def test_it_runs_from_right_to_left_where_the_language_does(hosts: Hosts) -> None:
    tab = hosts.show(
        '<nutgraf-search src="SITEapi" lang="ar" query="المنارة"></nutgraf-search>'
        '<div dir="rtl"><nutgraf-search src="SITEapi" label="two" query="keeper"></nutgraf-search></div>'
    )
    expect(tab.locator("[part=root]").first).to_have_css("direction", "rtl")
    expect(tab.locator("[part=hit]").first).to_have_css("direction", "rtl")
    # What is English stays so among what is not.
    expect(tab.locator("[part=root]").last).to_have_css("direction", "rtl")
    expect(tab.locator("[part=hit]").last).to_have_css("direction", "ltr")
    icon = tab.locator("[part=icon]").first.bounding_box()
    field = box(tab).first.bounding_box()
    assert icon
    assert field
    assert icon["x"] > field["x"] + field["width"] / 2


def test_slots_replace_the_label_and_what_stands_around_the_results(hosts: Hosts) -> None:
    tab = hosts.show(
        '<nutgraf-search src="SITEapi"><span slot="label">Find it</span><p slot="before">Type.</p>'
        '<p slot="empty">Not here.</p><span slot="more">And on</span></nutgraf-search>'
    )
    field = tab.get_by_role("combobox", name="Find it")
    expect(tab.get_by_text("Type.")).to_be_visible()
    expect(tab.get_by_text("Not here.")).to_be_hidden()
    field.fill("zzzz")
    expect(tab.get_by_text("Not here.")).to_be_visible()
    expect(tab.get_by_text("Type.")).to_be_hidden()
    field.fill("lighthouse")
    expect(tab.get_by_role("button", name="And on")).to_be_visible()
    expect(tab.get_by_text("Not here.")).to_be_hidden()


def test_a_form_sends_what_is_searched_for_and_can_be_reset_and_disabled(hosts: Hosts) -> None:
    tab = hosts.show(
        '<form><fieldset><nutgraf-search src="SITEapi" name="about" query="odds"></nutgraf-search>'
        "</fieldset></form>"
    )
    box(tab).fill("ferry")
    assert tab.evaluate("new FormData(document.forms[0]).get('about')") == "ferry"
    tab.evaluate("document.forms[0].reset()")
    expect(box(tab)).to_have_value("odds")
    tab.evaluate("document.querySelector('fieldset').disabled = true")
    expect(box(tab)).to_be_disabled()


@pytest.mark.parametrize(
    ("change", "disabled"),
    [
        ("e.disabled = true", True),
        ("e.setAttribute('disabled', '')", True),
        ("e.disabled = false", False),
        ("e.removeAttribute('disabled')", False),
    ],
)
def test_the_attribute_and_the_property_disable_the_box(hosts: Hosts, change: str, disabled: bool) -> None:
    attribute = "" if disabled else " disabled"
    tab = hosts.show(f'<nutgraf-search src="SITEapi" query="odds"{attribute}></nutgraf-search>')
    search = tab.locator("nutgraf-search")
    expect(box(tab)).to_be_enabled(enabled=disabled)
    search.evaluate(f"e => {{ {change} }}")
    expect(box(tab)).to_be_enabled(enabled=not disabled)
    assert search.evaluate("e => [e.disabled, e.hasAttribute('disabled')]") == [disabled, disabled]


def test_links_go_where_the_template_says(hosts: Hosts) -> None:
    templates = {
        "{url}": "https://www.example.org/harbour",
        "https://reader.example/?a={id}&q={query}#{anchor}": (
            r"https://reader.example/\?a=harbour/2021%20%26%20after&q=keeper#(p-\w+)?"
        ),
        "javascript:alert('{id}')": None,
    }
    tab = hosts.show(
        "".join(
            f'<nutgraf-search src="SITEapi" target="_blank" query="keeper" link="{template}">'
            "</nutgraf-search>"
            for template in templates
        )
    )
    expect(tab.locator("[part=hit]")).to_have_count(len(templates))
    for place, address in enumerate(templates.values()):
        links = tab.locator("nutgraf-search").nth(place).get_by_role("link")
        expect(links).to_have_count(2 if address else 0)
        for link in links.all() if address else []:
            expect(link).to_have_attribute("href", re.compile(f"^{address}$"))
            expect(link).to_have_attribute("rel", "noopener")
            expect(link).to_have_attribute("target", "_blank")


def test_the_archive_serves_its_script_to_other_origins_in_every_way_of_loading(
    hosts: Hosts,
) -> None:
    digest = base64.b64encode(hashlib.sha384(SCRIPT.read_bytes()).digest()).decode()
    page = document(f'<nutgraf-search src="{hosts.site}api" query="keeper"></nutgraf-search>')
    script = f"{hosts.site}static/nutgraf/nutgraf-search.js"
    for tag in (
        f'<script src="{script}" defer></script>',
        f'<script type="module" src="{script}"></script>',
        f'<script src="{script}" integrity="sha384-{digest}" crossorigin="anonymous"></script>',
    ):
        tab = hosts.tab()
        tab.goto(hosts.serve({"/": page.replace("<script src=/nutgraf-search.js defer></script>", tag)}))
        expect(tab.get_by_role("status")).to_have_text("1 article")


HOSTILE = """
    * { box-sizing: content-box !important; outline: none !important; }
    body {
      font: italic small-caps 900 40px/4 cursive; text-transform: uppercase; letter-spacing: .4em;
      color: lime; white-space: pre; text-indent: 4em; text-align: end; word-break: break-all;
    }
    input, a, p, li, ol, ul, h3, label, button { all: unset !important; display: none !important; }
"""


def test_a_host_whose_style_is_loud_changes_nothing_inside(hosts: Hosts) -> None:
    looks = """search => [...search.shadowRoot.querySelectorAll("*")].map((node) => {
        const style = getComputedStyle(node);
        // Heights and widths depend on the window alone, which is the same.
        // In the order of their names: custom properties come in any order.
        const looks = [...style].sort().map((name) => style.getPropertyValue(name));
        return node.localName + ": " + looks.join("; ");
    })"""
    seen = []
    for style in ("", HOSTILE):
        tab = hosts.show('<nutgraf-search src="SITEapi" query="ferry"></nutgraf-search>')
        tab.evaluate(
            """style => {
                const sheet = new CSSStyleSheet();
                sheet.replaceSync("nutgraf-search { inline-size: 500px }" + style);
                document.adoptedStyleSheets = [sheet];
            }""",
            style,
        )
        expect(tab.locator("[part=hit]")).to_have_count(3)
        expect(tab.locator("[part=results]")).to_have_css("opacity", "1")
        seen.append(tab.locator("nutgraf-search").evaluate(looks))
    assert len(seen[0]) > 20
    assert seen[0] == seen[1]


def test_an_element_that_is_hidden_by_its_host_is_not_seen(hosts: Hosts) -> None:
    tab = hosts.show(ELEMENT)
    search = tab.locator("nutgraf-search")
    for hide, show in (("hidden = true", "hidden = false"), ("style.visibility = 'hidden'", "style = ''")):
        search.evaluate(f"e => {{ e.{hide} }}")
        expect(tab.locator("[part=input]")).to_be_hidden()
        search.evaluate(f"e => {{ e.{show} }}")
        expect(box(tab)).to_be_visible()


def test_an_element_that_is_put_elsewhere_searches_there_and_keeps_what_was_typed(hosts: Hosts) -> None:
    tab = hosts.show(f"{ELEMENT}<section></section>")
    box(tab).fill("keeper")
    expect(tab.get_by_role("status")).to_have_text("1 article")
    tab.evaluate("document.querySelector('section').append(document.querySelector('nutgraf-search'))")
    expect(tab.locator("section").get_by_role("heading", level=3)).to_have_text(
        ["The harbour reopens to night ferries"]
    )
    expect(box(tab)).to_have_value("keeper")
    box(tab).fill("odds")
    expect(tab.get_by_role("heading", level=3)).to_have_text(["An odd ferry"])


def test_all_of_it_is_reached_by_the_keyboard_alone(hosts: Hosts) -> None:
    tab = hosts.show('<nutgraf-search src="SITEapi" query="lighthouse" limit="2"></nutgraf-search>')
    expect(tab.locator("[part=hit]")).to_have_count(2)
    reached = []
    for _ in range(7):
        tab.keyboard.press("Tab")
        reached.append(
            tab.evaluate("document.activeElement.shadowRoot?.activeElement?.getAttribute('part') ?? ''")
        )
    # Each hit has its title and one passage.
    assert reached == ["input", "clear", *["link", "passage"] * 2, "more"]


def test_a_screen_reader_is_told_what_each_thing_is(hosts: Hosts) -> None:
    tab = hosts.show('<nutgraf-search src="SITEapi" query="keeper"></nutgraf-search>')
    expect(tab.get_by_role("status")).to_have_text("1 article")
    expect(tab.locator("main")).to_match_aria_snapshot("""
        - search "Search the articles":
          - text: Search the articles
          - combobox "Search the articles": keeper
          - button "Clear": ×
        - status: 1 article
        - list:
          - listitem:
            - heading "The harbour reopens to night ferries" [level=3]:
              - link "The harbour reopens to night ferries"
            - paragraph:
              - time: November 5, 2021 at 09:01 PM
            - list:
              - listitem:
                - link "The lighthouse keeper said that no ferry would sail in fog.":
                  - text: The lighthouse
                  - mark: keeper
                  - text: said that no ferry would sail in fog.
    """)


@pytest.mark.parametrize("direction", ["ltr", "rtl"])
def test_neither_an_error_nor_near_duplicates_break_a_rule_of_accessibility(
    hosts: Hosts, direction: str
) -> None:
    hosts.foreseen = re.compile("Failed to load")
    tab = hosts.show(
        '<nutgraf-search src="SITEapi?since=someday" query="ferry" lang="ar"></nutgraf-search>'
        '<nutgraf-search src="SITEapi" query="timetable" label="Second"></nutgraf-search>',
        hosts.tab(color_scheme="dark", viewport={"width": 320, "height": 600}),
        attributes=f'lang="en" dir="{direction}"',
    )
    expect(tab.locator("[part=error]").first).to_contain_text("someday")
    expect(tab.locator("[part=hit]")).to_have_count(1)
    expect(tab.locator("[aria-busy]")).to_have_count(0)
    assert overflow(tab) <= 0
    assert violations(tab) == []

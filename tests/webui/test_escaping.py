from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import quote, quote_from_bytes

import pytest
from bs4 import BeautifulSoup
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import given, settings
from hypothesis import strategies as st

import webui
from indexer import FieldType, open_index
from indexer.article import Article, Published
from tests.fixtures.archives import archive, client, create_app, one, plain

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    '" autofocus onfocus="alert(1)',
    "</title><script>alert(1)</script>",
    "</mark><b>bold</b>",
    "{{ 7*7 }} {% raw %} ${7*7}",
    "javascript:alert(1)",
    "&lt;b&gt; &amp; &#x3c;i&#x3e;",
    "<!-- --><![CDATA[ <svg onload=alert(1)> ]]>",
    "\u202e<b>\u2066 &amp",
]
# All that the templates themselves write; anything else would have come out of the data.
ELEMENTS = set(
    re.findall(
        r"\S+",
        """html head meta title link body div a header p search form label input button main
    footer aside dialog kbd script svg rect path line g table thead tbody tr th td
    section details summary h1 h2 h3 ol ul li span strong time mark bdi q nav article code dl dt dd""",
    )
)
ATTRIBUTES = set(
    re.findall(
        r"\S+",
        """action aria-current aria-describedby aria-hidden aria-label aria-labelledby autocapitalize
    autocomplete autofocus charset class content datetime defer dir download enterkeyhint for href hreflang
    id lang maxlength method name rel role scope src viewbox preserveaspectratio focusable x y width height
    x1 x2 y1 y2 dy d text-anchor form aria-keyshortcuts aria-pressed
    data-copy data-day data-done data-failed data-keys
    data-label data-page data-since data-step data-text
    data-suggestions data-timeline data-until title spellcheck start tabindex
    type value""",
    )
)


def parsed(site: FlaskClient, path: str, statuses: tuple[int, ...] = (200,)) -> BeautifulSoup:
    response = site.get(path)
    assert response.status_code in statuses
    soup = BeautifulSoup(response.text, "html.parser")
    for tag in soup.find_all(True):
        assert tag.name in ELEMENTS
        assert set(tag.attrs) <= ATTRIBUTES
        assert tag.name != "script" or not tag.text
        assert re.match(r"(/search)?/static/nutgraf/", str(tag.get("src", "/static/nutgraf/")))
        for name in ("href", "action"):
            assert str(tag.get(name, "/")).startswith(("/", "#", "?", "http://", "https://"))
    return soup


@pytest.mark.parametrize("text", HOSTILE)
def test_what_a_document_says_stays_text(text: str) -> None:
    article = Article(
        id=text,
        title=f"Zebra {text}",
        paragraphs=(f"zebra {text}", text),
        url=text,
        published=Published("2021", "year", text, (("2020", text),), text),
        notes=(text,),
    )
    site = client(article)
    results = parsed(site, "/?q=zebra")
    title = " ".join(f"Zebra {text}".split())
    assert [h.text for h in results.select(".hit h3")] == [title]
    assert [p.text for p in results.select(".passages li")] == [f"zebra {text}"]
    link = str(results.select("h3 a")[0]["href"])
    page = parsed(site, link)
    assert [h.text for h in page.select("h1")] == [title]
    assert page.title is not None
    assert page.title.text == title
    assert [p.text for p in page.select(".paragraph p")] == [f"zebra {text}", text]
    assert [n.text for n in page.select(".notes li")] == [text]
    assert not page.select("article a.host")


@pytest.mark.parametrize("text", HOSTILE)
def test_what_an_article_is_filtered_by_stays_text(tmp_path: Path, text: str) -> None:
    name = " ".join(text.split())
    with open_index(tmp_path / "index", fields={"desk": FieldType("keyword", facet=True)}) as index:
        index.put(
            [
                Article(
                    id="a", title="zebra", authors=[text], section=text, tags=[text], publisher=text,
                    fields={"desk": text},
                ),
                Article(id="b", title="zebra"),
            ]
        )  # fmt: skip
        site = create_app(index).test_client()
        results = parsed(site, "/?q=zebra")
        assert [plain(tag) for tag in results.select(".byline")] == [f"By {name} · {name}"]
        choices = results.select(".choices a")
        assert [choice.text for choice in choices] == [name] * 5
        facts = parsed(site, "/a/a").select(".facts a")
        assert [fact.text for fact in facts] == [name] * 5
        for link in [*choices, *facts]:
            found = parsed(site, str(link["href"]))
            assert len(found.select(".hit")) == 1
            assert name in one(found, ".chips").text


@pytest.mark.parametrize("text", HOSTILE)
def test_what_a_near_duplicate_says_stays_text(text: str) -> None:
    site = client(
        *(
            Article(id=f"{text}{n}", title=f"Zebra {text}", paragraphs=(f"zebra {text} " * 20,), source=text)
            for n in range(2)
        ),
        Article(id=f"other{text}", title=f"Other {text}", paragraphs=(f"A zebra. {text}",), source=text),
    )
    results = parsed(site, "/?q=zebra")
    title = " ".join(f"Zebra {text}".split())
    (also,) = results.select("details.also a")
    assert also.text == title
    page = parsed(site, str(also["href"]))
    assert [a.text for a in page.select("section.also a")] == [title, " ".join(f"Other {text}".split())]


@pytest.mark.parametrize("text", HOSTILE)
def test_what_a_query_says_stays_text(text: str) -> None:
    site = client(Article(id="a", title=text, paragraphs=(text,)))
    for path in ("/", "/a/a"):
        page = parsed(site, f"{path}?q={quote(text)}")
        assert [tag["value"] for tag in page.select("#q")] == [text]
        assert {q.text for q in page.select("q")} == {text}
    for parameter in ("since", "until", "sort", "page", "id"):
        parsed(site, f"/?q=x&{parameter}={quote(text)}", (200, 400))
    parsed(site, f"/a/nowhere{quote(text)}", (404,))
    parsed(site, f"/nowhere{quote(text)}", (404,))


def test_marks_are_made_after_escaping() -> None:
    article = Article(id="a", title="a <zebra> & zebra", paragraphs=("1 < 2 & <b>zebra</b>",))
    text = client(article).get("/a/a?q=zebra").text
    assert "a &lt;<mark>zebra</mark>&gt; &amp; <mark>zebra</mark>" in text
    assert "1 &lt; 2 &amp; &lt;b&gt;<mark>zebra</mark>&lt;/b&gt;" in text


def test_an_application_that_turned_escaping_off_does_not_turn_it_off_here() -> None:
    host = Flask("host")
    host.jinja_options = {"autoescape": False}
    webui.init_app(host, archive(Article(id="a", title="<i>zebra</i>", paragraphs=("zebra",))))
    soup = parsed(host.test_client(), "/search/?q=zebra")
    assert [h.text for h in soup.select(".hit h3")] == ["<i>zebra</i>"]
    assert host.jinja_env.autoescape is False


ARTICLES = tuple(Article(id=str(n), title=text, paragraphs=(text, "zebra")) for n, text in enumerate(HOSTILE))


@settings(max_examples=40)
@given(st.text(st.characters(codec=None), max_size=60))
def test_any_string_is_a_query(query: str) -> None:
    encoded = quote_from_bytes(query.encode("utf-8", "surrogatepass"))
    for path in (f"/?q={encoded}", f"/a/1?q={encoded}"):
        parsed(client(*ARTICLES), path)
    response = client(*ARTICLES).get(f"/api/search?q={encoded}")
    assert response.status_code == 200
    assert response.is_json


@settings(max_examples=40)
@given(
    st.binary(max_size=40), st.sampled_from(["q", "since", "until", "sort", "page", "limit", "offset", "id"])
)
def test_any_bytes_are_an_address(value: bytes, name: str) -> None:
    raw = value.decode("latin-1").replace("#", "")
    for query in (f"{name}={raw}", f"q=zebra&{name}={quote_from_bytes(value)}"):
        for path in ("/", "/a/1", "/a/", "/api/search", "/api/articles/"):
            response = client(*ARTICLES).get(path, environ_overrides={"QUERY_STRING": query})
            assert response.status_code in (200, 400, 404)


@given(st.binary(min_size=1, max_size=40))
def test_any_bytes_are_the_name_of_an_article(name: bytes) -> None:
    for path in ("/a/", "/api/articles/", "/static/nutgraf/"):
        with client(*ARTICLES).get(path + quote_from_bytes(name)) as response:
            assert response.status_code in (200, 301, 308, 400, 404)

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from bs4 import BeautifulSoup
from flask.testing import FlaskClient

import webui
from indexer import Article, Config, Index, Page, Published, SearchRequest, open_index
from tests.fixtures.archives import ARTICLES, COPIES, LABELLED, NIGHT, archive, client, one, plain


def page(path: str, status: int = 200, from_: FlaskClient | None = None) -> BeautifulSoup:
    response = (from_ or client()).get(path)
    assert response.status_code == status
    assert response.mimetype == "text/html"
    soup = BeautifulSoup(response.text, "html.parser")
    check_basics(soup)
    return soup


def check_basics(soup: BeautifulSoup) -> None:
    """What every page must have, whatever it shows."""
    assert soup.html is not None
    assert soup.html["lang"] == "en"
    assert len(soup.find_all("h1")) == 1
    assert len(soup.find_all("main")) == 1
    assert soup.title is not None
    assert soup.title.text
    assert not soup.find_all("style")
    scripts = soup.find_all("script")
    assert not any(script.text for script in scripts)
    assert [set(script.attrs) for script in scripts] == [{"src"}, {"src", "defer"}]
    assert not soup.find_all(style=True)
    ids = [tag["id"] for tag in soup.find_all(id=True)]
    assert len(ids) == len(set(ids))
    labelled = {tag["for"] for tag in soup.find_all("label")}
    shown = [tag for tag in soup.find_all(["input", "select"]) if tag.get("type") != "hidden"]
    assert {tag["id"] for tag in shown} == labelled
    levels = [int(tag.name[1]) for tag in soup.find_all(["h1", "h2", "h3"])]
    assert all(after - before <= 1 for before, after in pairwise(levels))
    for tag in soup.find_all(["a", "link"]):
        if "external" not in tag.get("rel", []):
            assert not urlsplit(str(tag["href"])).netloc


def test_the_start_page_says_what_can_be_searched() -> None:
    soup = page("/")
    assert " ".join(one(soup, ".holdings").text.split()) == (
        "3 articles · dated from 2020 to 2021 · 1 without a date"
    )
    assert one(soup, "search form")["method"] == "get"
    assert one(soup, "input[type=search]").has_attr("autofocus")


def test_a_blank_query_is_the_start_page() -> None:
    assert page("/?q=+&sort=newest").select_one(".holdings")


def test_results_are_an_ordered_list_with_headings_dates_and_marked_passages() -> None:
    soup = page("/?q=silk")
    hit = one(soup, "ol.hits > li")
    assert str(hit.h3).count("<mark>silk</mark>") == 1
    time = one(soup, "time")
    assert (time.text, time["datetime"]) == ("5 November 2021, 21:01", "2021-11-05T21:01")
    assert one(soup, ".date")["title"] == "found in the dateline"
    assert "found in" not in soup.text
    passages = soup.select(".passages li a")
    assert [p.text for p in passages] == ["The old silk road was a web of roads.", "Camels carried silk."]
    assert [mark.text for mark in passages[0].select("mark")] == ["silk"]
    assert str(passages[0]["href"]).startswith("/a/silk/1?q=silk&p=p-")
    assert one(soup, ".count strong").text == "1"


def test_results_that_lack_words_stand_apart_and_name_them() -> None:
    soup = page("/?q=silk+road+vaccine")
    partial = one(soup, "section.partial")
    assert partial.h2 is not None
    assert partial.h2.text == "These have only some of the words"
    assert [m.text for m in partial.select(".missing")] == ["Missing: vaccine", "Missing: silk"]
    assert one(soup, ".count").text.strip().startswith("No article has all the words · 2 have some")


@pytest.mark.parametrize("query", ["silk+road+vaccine", "silk+road"])
def test_that_hits_are_partial_is_visible_once_and_no_note_repeats_it(query: str) -> None:
    soup = page(f"/?q={query}")
    full = [hit for hit in soup.select("ol.hits > li") if not hit.select(".missing")]
    heading = one(soup, "section.partial > h2")
    # The count of hits says it; a heading is visible only where it divides partial hits from others.
    assert ("unseen" in heading.get("class", [])) == (not full)
    assert not soup.select(".notes")


def test_no_hits_say_what_was_searched_and_what_may_help() -> None:
    soup = page("/?q=zebra&since=2021")
    section = one(soup, ".nothing")
    assert "zebra" in section.text
    assert one(soup, ".chips").text.strip().startswith("from 2021")
    assert [a["href"] for a in section.select("a")] == ["/?q=zebra"]


def test_another_spelling_is_offered_as_a_link_to_its_search() -> None:
    soup = page("/?q=vacine&sort=newest")
    link = one(soup, ".meant a")
    assert (link.text, link["href"]) == ("vaccine", "/?q=vaccine&sort=newest")
    assert not page("/?q=vaccine").select(".meant")


def test_a_date_typed_as_text_is_offered_as_a_filter_in_one_click(tmp_path: Path) -> None:
    with Index(Config(index=tmp_path / "index")) as index:
        index.put(
            [
                Article("a", "Harbour open", ["A ship came."], "2008-11-05"),
                Article("b", "In 2008", ["Cocoa."]),
                Article("c", "The harbour on 5 November 2008", ["A storm."]),
            ]
        )
        site = webui.create_app(index).test_client()
        link = one(page("/?q=harbour+5+November+2008&sort=newest", from_=site), ".meant a")
        assert link.text == "Published on 5 November 2008: 1 article"
        assert link["href"] == "/?q=harbour&since=2008-11-05&until=2008-11-05&sort=newest"
        assert one(page(str(link["href"]), from_=site), ".hit h3 a").text == "Harbour open"
        applied = page("/?q=harbour+2008-11-05", from_=site)
        assert one(applied, ".hit h3 a").text == "Harbour open"
        assert "these articles were published then (5 November 2008)" in one(applied, ".notes li").text
        assert not applied.select(".meant")
        german = BeautifulSoup(site.get("/?q=2008&lang=de").text, "html.parser")
        assert one(german, ".meant a").text == "Erscheinungsdatum 2008: 1 Artikel"
        assert "lang=de" in str(one(german, ".meant a")["href"])


def test_the_form_keeps_what_was_asked() -> None:
    soup = page("/?q=silk&since=2020&until=2022-03&sort=newest")
    assert one(soup, "#q")["value"] == "silk"
    assert one(soup, "#since")["value"] == "2020"
    assert one(soup, "#until")["value"] == "2022-03"
    assert one(soup, "form input[name=sort]")["value"] == "newest"
    assert not soup.select("form input[type=hidden][name=since]")


def test_a_new_query_on_the_page_of_an_article_keeps_the_dates_and_the_order() -> None:
    soup = page("/a/silk/1?q=silk&since=2020&source=wire&sort=newest&page=2&explain=1")
    assert {str(tag["name"]): tag["value"] for tag in soup.select("form input[type=hidden]")} == {
        "since": "2020",
        "source": "wire",
        "sort": "newest",
    }


def test_a_pasted_paragraph_is_not_the_heading() -> None:
    query = "silk " + "camels " * 40
    soup = page("/?q=" + query.replace(" ", "+"))
    heading = one(soup, "h1 q").text
    assert heading.startswith("silk camels")
    assert heading.endswith("camels…")
    assert len(heading) <= 80
    assert str(one(soup, "title").text).startswith(heading)
    assert one(soup, "#q")["value"] == query


@pytest.mark.parametrize(
    ("dates", "chips"),
    [
        ("since=2008&until=2008", ["Year 2008"]),
        ("since=Mar+2008&until=2008-03", ["March 2008"]),
        ("since=2008-03-05&until=5+March+2008", ["5 March 2008"]),
        ("since=2008&until=2009", ["from 2008", "until 2009"]),
        ("since=2008", ["from 2008"]),
        ("since=2008&until=2008-01", ["from 2008", "until January 2008"]),
    ],
)
def test_a_period_is_one_chip(dates: str, chips: list[str]) -> None:
    found = page(f"/?q=silk&sort=newest&{dates}").select(".chips a")
    assert [chip.text.partition(" ×")[0] for chip in found] == chips
    if len(chips) == 1:
        assert found[0]["href"] == "/?q=silk&sort=newest"


def test_a_value_that_all_hits_have_is_no_choice() -> None:
    site = client(*LABELLED)
    soup = page("/?q=silk&language=en", from_=site)
    assert [tag.text for tag in soup.select(".filters h3")] == ["Date", "Source", "Site"]
    soup = page("/?q=silk&source=wire", from_=site)
    assert [tag.text for tag in soup.select(".filters h3")] == ["Date"]


def test_a_value_that_only_some_hits_have_is_a_choice_although_there_is_no_other() -> None:
    soup = page("/?q=*", from_=client(*ARTICLES))
    (site,) = (tag for tag in soup.select(".filters section") if tag.h3 and tag.h3.text == "Site")
    assert [" ".join(choice.text.split()) for choice in site.select("li")] == ["example.org 1"]


def test_a_hit_names_its_folder_or_its_site_and_not_its_file() -> None:
    paths = ("city/halls/night-trams-1f3a9c2e.txt", "wire.jsonl")
    articles = [Article(id=path, title="silk", paragraphs=(path,), source=path) for path in paths]
    soup = page("/?q=silk&sort=title", from_=client(*articles, ARTICLES[0]))
    assert {tag.text: tag["title"] for tag in soup.select(".host")} == {
        "city/halls": "city/halls/night-trams-1f3a9c2e.txt",
        "wire.jsonl": "wire.jsonl",
        "example.org": "example.org",
    }


def test_the_filters_say_how_many_are_active() -> None:
    assert one(page("/?q=silk"), ".filters .panel > summary").text == "Filters"
    summary = one(page("/?q=silk&since=2021&language=en"), ".filters .panel > summary")
    assert summary.text == "Filters (2)"


def test_pages_of_results_lead_to_each_other_and_keep_the_search() -> None:
    many = [Article(id=f"n{n}", title=f"silk {n}", paragraphs=("x",)) for n in range(35)]
    soup = page("/?q=silk&sort=oldest&page=2", from_=client(*many))
    assert one(soup, "ol.hits")["start"] == "11"
    assert soup.select("h3 a")[0]["href"] == "/a/n18?q=silk&sort=oldest&page=2"
    assert one(soup, "head link[rel=next]")["href"] == "/?q=silk&sort=oldest&page=3"
    assert one(soup, "head link[rel=prev]")["href"] == "/?q=silk&sort=oldest"
    assert one(soup, "nav a[rel=next]")["href"] == "/?q=silk&sort=oldest&page=3"
    assert one(soup, "nav [aria-current=page]").text == "Page 2"
    assert "page 2 of 4" in one(soup, ".count").text


def test_a_page_after_the_last_leads_back() -> None:
    soup = page("/?q=silk&page=9")
    assert [a["href"] for a in soup.select(".nothing a")] == ["/?q=silk"]


def test_an_article_has_an_anchor_on_every_paragraph() -> None:
    soup = page("/a/silk/1")
    paragraphs = soup.select("article .paragraph")
    assert [one(BeautifulSoup(str(p), "html.parser"), "p").text for p in paragraphs] == list(
        ARTICLES[0].paragraphs
    )
    for number, paragraph in enumerate(paragraphs, 1):
        link = paragraph.select(".anchor")[0]
        anchor = paragraph["id"]
        assert link["href"] == f"/a/silk/1?p={anchor}&n={number}#{anchor}"
        assert link["aria-label"] == f"Link to paragraph {number}"
    assert not soup.select("mark")
    assert one(soup, "article")["lang"] == "en"
    assert one(soup, "link[rel=canonical]")["href"] == "/a/silk/1"
    assert one(soup, "article a.host")["href"] == "https://www.example.org/silk"


def test_an_article_marks_the_query_and_leads_back_to_the_results() -> None:
    soup = page("/a/silk/1?q=silk&sort=newest&page=2")
    assert len(soup.select("article p mark")) == 2
    assert len(soup.select("h1 mark")) == 1
    way, _, hit = str(one(soup, ".back a")["href"]).partition("#")
    assert way == "/?q=silk&sort=newest&page=2"
    assert one(page("/?q=silk&sort=newest"), f"#{hit} h3").text == "The silk road reopens"
    assert "Matches in 2 of 3 paragraphs" in one(soup, "article").text


@pytest.mark.parametrize(
    ("path", "ignored"),
    [
        ("/?q=silk&sorce=wire&utm_source=x", ["sorce", "utm_source"]),
        ("/?limit=5", ["limit"]),
        ("/a/silk/1?q=silk&anchor=p-1f3a9c2e", ["anchor"]),
        ("/guide/?q=silk", ["q"]),
        ("/api/?%3Cb%3E=1", ["<b>"]),
        (
            "/?q=silk&since=2000&until=2100&sort=newest&page=1&collapse=0&explain=1&share=1&size=25&prefix=1",
            [],
        ),
        ("/?lang=en&source=wire&site=one.example&language=en&undated=0", []),
        ("/a/silk/1?q=silk&lang=en&p=p-1f3a9c2e&n=1", []),
        ("/a/?id=silk/1", []),
        ("/guide/?lang=en", []),
    ],
)
def test_an_unknown_parameter_is_ignored_and_named(path: str, ignored: list[str]) -> None:
    assert [name.text for name in page(path).select(".ignored bdi")] == ignored


def test_an_article_in_another_script_says_so() -> None:
    article = one(page("/a/arabic"), "article")
    assert (article["lang"], article["dir"]) == ("ar", "auto")
    assert {p["dir"] for p in article.select(".paragraph")} == {"auto"}


def test_what_a_reader_had_to_assume_is_shown() -> None:
    published = Published("2021-03-05", "day", "url", (("2021-05-03", "meta"),), "day before month assumed")
    article = Article(id="a", published=published, paragraphs=("x",), notes=("Search Trends was left out.",))
    soup = page("/a/a", from_=client(article))
    text = one(soup, "article").text
    assert "day before month assumed" in text
    assert "3 May 2021" in text
    assert "Search Trends was left out." in one(soup, ".notes").text
    assert one(soup, "h1").text == "Untitled article"


@pytest.mark.parametrize(
    "name",
    ["a b", "a/b/c.txt", "what? #1 & 50%", "ünï/東京 🌋", "..", "../../etc/passwd", "/etc", "a//b", "x/",
     "a\\b", "http://x.org/?a=b#c", "%2F", "+", "a;b=c", "'\"<>", "a\u2028b", ".",
     "static/nutgraf", "a\u00a0b"],
)  # fmt: skip
def test_an_article_is_found_under_the_address_that_the_results_give(name: str) -> None:
    site = client(Article(id=name, title="Zebra", paragraphs=("stripes",)))
    link = one(page("/?q=zebra", from_=site), "h3 a")
    assert one(page(str(link["href"]), from_=site), "h1").text == "Zebra"
    address = one(page(str(link["href"]), from_=site), "link[rel=canonical]")["href"]
    assert one(page(str(address), from_=site), "h1").text == "Zebra"


@pytest.mark.parametrize(
    ("path", "status", "heading", "words"),
    [
        ("/a/nowhere", 404, "There is no such article", "nowhere"),
        ("/nowhere", 404, "There is nothing at this address", "Status 404"),
        ("/a/", 400, "This search is not valid", "id: must"),
        ("/?q=silk&since=soon", 400, "This search is not valid", "From:"),
        ("/?q=silk&page=9999", 400, "This search is not valid", "10,000"),
    ],
)
def test_an_error_page_says_what_was_wrong(path: str, status: int, heading: str, words: str) -> None:
    soup = page(path, status)
    assert one(soup, "h1").text == heading
    assert words in one(soup, ".failure").text


def test_a_page_that_does_not_exist_keeps_the_language() -> None:
    soup = BeautifulSoup(client().get("/nowhere?lang=de").text, "html.parser")
    assert one(soup, "h1").text == "Unter dieser Adresse gibt es nichts"
    assert {link["href"] for link in soup.select(".name a, .failure a")} == {"/?lang=de"}


def test_an_error_page_keeps_the_search_to_be_mended() -> None:
    soup = page("/?q=silk&since=soon&sort=oldest", 400)
    assert one(soup, "#q")["value"] == "silk"
    assert one(soup, "#since")["value"] == "soon"
    assert one(soup, "form input[name=sort]")["value"] == "oldest"


def test_raw_bytes_in_a_query_string_are_refused() -> None:
    response = client().get("/", environ_overrides={"QUERY_STRING": "q=\xff"})
    assert response.status_code == 400


def test_other_methods_are_refused_with_those_that_work() -> None:
    response = client().post("/", data={"q": "x"})
    assert response.status_code == 405
    assert "GET" in response.headers["Allow"]
    check_basics(BeautifulSoup(response.text, "html.parser"))


class Faulty(Index):
    def run(self, request: SearchRequest) -> Page:
        raise RuntimeError("<secret>")


@pytest.mark.parametrize("path", ["/?q=x", "/api/search?q=x"])
def test_a_fault_gives_an_error_page_that_tells_nothing_of_the_inside(path: str) -> None:
    response = webui.create_app(Faulty(archive(*ARTICLES).config)).test_client().get(path)
    assert response.status_code == 500
    assert "secret" not in response.text
    assert response.headers["Content-Security-Policy"]


def test_an_index_without_articles_says_how_to_get_some() -> None:
    site = webui.create_app(archive()).test_client()
    assert "nutgraf index" in page("/", from_=site).text


def test_static_files_may_be_kept_for_as_long_as_their_address_stands() -> None:
    site = client()
    for link in page("/", from_=site).select("head link"):
        if not str(link["href"]).startswith("/static"):
            continue
        address = str(link["href"])
        with site.get(address) as response, site.get(address.split("?")[0]) as unversioned:
            assert response.status_code == 200
            assert response.cache_control.immutable
            assert not unversioned.cache_control.immutable


def test_near_duplicates_stand_under_their_hit_and_can_be_shown() -> None:
    site = client(*COPIES, NIGHT)
    soup = page("/?q=line&sort=newest", from_=site)
    assert len(soup.select(".hit")) == 1
    details = one(soup, "details.also")
    assert one(soup, "details.also summary").text == "2 near-duplicates"
    assert [link["href"] for link in details.select("a")] == [
        "/a/copy/1?q=line&sort=newest",
        "/a/copy/0?q=line&sort=newest",
    ]
    assert "2 near-duplicates hidden" in " ".join(one(soup, ".count").text.split())
    every = page(str(one(soup, ".count a")["href"]), from_=site)
    assert len(every.select(".hit")) == 3
    assert not every.select("details.also")
    assert one(every, ".count a")["href"] == "/?q=line&sort=newest"


def test_the_pager_counts_what_is_shown() -> None:
    many = [
        Article(
            id=f"n{n}",
            title="silk",
            paragraphs=(" ".join(f"word{i}" for i in range(n // 2 * 50, n // 2 * 50 + 50)),),
        )
        for n in range(24)
    ]
    site = client(*many)
    soup = page("/?q=silk&page=2", from_=site)
    assert len(soup.select(".hit")) == 2
    assert "page 2 of 2" in " ".join(one(soup, ".count").text.split())
    assert "page 3 of 3" in " ".join(
        one(page("/?q=silk&page=3&collapse=0", from_=site), ".count").text.split()
    )


def test_an_article_names_similar_ones_and_its_near_duplicates() -> None:
    site = client(*COPIES, NIGHT)
    soup = page("/a/copy/0", from_=site)
    lists = {
        section.h2.text: [a["href"] for a in section.select("a")]
        for section in soup.select("section.also")
        if section.h2
    }
    assert lists == {"Nearly the same text": ["/a/copy/2", "/a/copy/1"], "Similar articles": ["/a/night"]}
    assert not page("/a/arabic").select("section.also")


def test_a_similar_article_is_named_by_its_title_and_folder() -> None:
    articles = [
        Article(
            id=f"n{n}",
            title=f"Night trams {n}",
            source=f"city/night-{n}.txt",
            paragraphs=(f"trams {n}", text),
        )
        for n, text in enumerate(("A tram and its depot.", "A depot for every tram."))
    ]
    section = one(page("/a/n0", from_=client(*articles)), "section.also")
    assert " ".join(one(section, "li").text.split()) == "Night trams 1 city"
    assert one(section, "li bdi")["title"] == "city/night-1.txt"


def test_a_search_without_results_says_why_and_links_to_what_finds_something() -> None:
    nothing = page("/?q=%22silk+camels%22&since=2021").select_one(".nothing")
    assert nothing is not None
    assert plain(nothing.select_one(".reason")) == 'No article has "silk camels".'
    (link,) = nothing.select(".alternatives a")
    assert link["href"] == "/?q=silk+camels&since=2021"
    assert link.parent is not None
    assert ": 1 article" in link.parent.text
    found = page(str(link["href"]))
    assert found.select_one(".count strong").text == "1"  # type: ignore[union-attr]


def test_a_search_without_results_says_why_in_the_language_of_the_page() -> None:
    soup = BeautifulSoup(client().get("/?q=zzzz+%22silk+camels%22&lang=de").text, "html.parser")
    assert plain(one(soup, ".nothing .reason")) == "Kein Artikel enthält zzzz."
    assert "lang" not in one(soup, ".nothing .reason").attrs
    assert [plain(part) for part in soup.select(".nothing .parts li")] == [
        "zzzz: 0 Artikel",
        '"silk camels": 0 Artikel',
    ]


def test_a_single_word_that_finds_nothing_has_no_parts_to_list() -> None:
    soup = page("/?q=zzzz")
    assert soup.select(".reason")
    assert not soup.select(".parts")


def test_filters_alone_find_every_article_that_they_keep() -> None:
    soup = page("/?language=ar")
    assert (one(soup, "h1").text, one(soup, ".count strong").text) == ("All articles", "1")


def test_why_there_are_only_partial_matches_is_said_above_them() -> None:
    soup = page("/?q=silk+cathedral")
    (link,) = soup.select(".no-results .alternatives a")
    assert (plain(link), link["href"]) == ("without cathedral", "/?q=silk")


def test_relaxed_dates_leave_the_address() -> None:
    (link,) = page("/?q=silk&since=2030&until=2030").select(".alternatives a")
    assert link["href"] == "/?q=silk"


def test_a_search_is_explained_when_asked() -> None:
    soup = page("/?q=silk")
    (why,) = soup.select(".explain a")
    assert why["href"] == "/?q=silk&explain=1"
    assert not soup.select(".understood, .explanation")
    assert not page("/?q=zebra").select(".explain")
    explained = page(str(why["href"]))
    assert "silk: required; in title or text; 1 article" in explained.select_one(".understood").text  # type: ignore[union-attr]
    assert "Score" in explained.select_one(".explanation summary").text  # type: ignore[union-attr]


def test_labels_in_an_explanation_are_escaped() -> None:
    soup = page("/?q=%22%3Cb%3Ebold%3C/b%3E%22&explain=1")
    assert not soup.select("b")
    page("/?q=silk&explain=maybe", status=400)


def test_a_search_that_took_too_long_is_no_search_that_found_nothing(tmp_path: Path) -> None:
    with open_index(Config(index=tmp_path / "index", query_seconds=1e-9)) as hasty:
        hasty.put(ARTICLES)
        app = webui.create_app(hasty).test_client()
        soup = page("/?q=silk", status=503, from_=app)
        assert one(soup, ".nothing h2").text == "The search took too long"
        assert "were searched" not in soup.text
        assert one(soup, ".nothing li a")["href"] == "/?q=silk"
        assert app.get("/?q=silk").headers["Retry-After"]


def test_what_is_explained_is_marked_as_english() -> None:
    soup = page("/?q=silk&explain=1")
    assert all(part["lang"] == "en" for part in soup.select(".understood > ul, .explanation"))
    assert soup.select(".understood > ul")

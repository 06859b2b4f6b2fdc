"""Authors, sections, tags, publishers, custom fields and page numbers on the page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from bs4 import BeautifulSoup, Tag
from flask.testing import FlaskClient

from indexer import Article, FieldType, open_index
from indexer.results import ArticleInfo
from tests.fixtures.archives import ARTICLES, client, create_app, one, plain, without_isolates
from webui.presenters import list_authors
from webui.translations import localize
from webui.urls import page_url

FIELDS = {
    "desk": FieldType("keyword", facet=True),
    "edition": FieldType("integer", facet=True),
    "front_page": FieldType("boolean", facet=True),
    "embargo": FieldType("date", facet=True),
    "weight": FieldType("number"),
}
NAMES = ("Mara Berg", 'Ben "Ox" Okri', "Ana Ruiz", "Li Wei", "Sofía del Río")
DESKS = ("world", "money & law", "the “night” desk")
CRANES = tuple(
    Article(
        id=f"crane/{n}",
        title=f"Crane {n}",
        published=f"202{n % 3}-03-0{n + 1}",
        paragraphs=(f"A crane of {n} tons.",),
        authors=NAMES[: n % 6],
        section=("World", "Business", None)[n % 3],
        tags=("ports", ("ships, boats", "unions")[n % 2])[: n % 3],
        publisher=("The Post", "The Crane")[n % 2],
        fields={
            "desk": DESKS[: 1 + n % 3],
            "edition": n % 4 - 1,
            "front_page": n % 2 == 0,
            "embargo": f"202{n % 4}-01-05",
        },
    )
    for n in range(8)
)
REPORT = Article(
    id="report",
    title="The report",
    paragraphs=("A ferry sank.", "No ferry came.", "The end."),
    page_numbers=(3, 3, 4),
    url="https://www.paper.example/report.PDF#top",
    authors=NAMES[:2],
    fields={"weight": 0.5, "desk": ("world", "night")},
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlaskClient]:
    with open_index(tmp_path_factory.mktemp("fields") / "index", fields=FIELDS) as index:
        index.put([*CRANES, REPORT])
        yield create_app(index).test_client()


def page(site: FlaskClient, path: str) -> BeautifulSoup:
    answer = site.get(path)
    assert answer.status_code == 200, path
    return BeautifulSoup(answer.text, "html.parser")


def count_hits(soup: Tag) -> int:
    return int(one(soup, ".found strong").text)


def test_the_facets_are_those_that_have_values(site: FlaskClient) -> None:
    headings = [tag.text.strip() for tag in page(site, "/?q=crane").select(".filters h3")]
    own = ["Desk", "Edition", "Front page", "Embargo"]
    assert headings == ["Date", "Year", "Section", "Tag", "Author", "Publisher", *own]
    without = [tag.text.strip() for tag in page(client(*ARTICLES), "/?q=*").select(".filters h3")]
    assert not {"Section", "Tag", "Author", "Publisher"} & {*without}


@pytest.mark.parametrize(
    "query",
    [
        "q=crane",
        "q=crane&tag=ports",
        "q=crane&author=Mara+Berg",
        "q=crane&filter=desk:world&filter=edition:>=0",
    ],
)
def test_each_choice_finds_as_many_articles_as_it_says(site: FlaskClient, query: str) -> None:
    choices = page(site, f"/?{query}").select(".choices li")
    assert len(choices) > 10
    for choice in choices:
        found = page(site, str(one(choice, "a")["href"]))
        assert count_hits(found) == int(one(choice, ".tally").text), choice


@pytest.mark.parametrize(
    ("filters", "language", "chips"),
    [
        ("author=Mara+Berg&section=World", "en", ["author: Mara Berg", "section: World"]),
        ("tag=ports&publisher=The+Post", "de", ["Schlagwort: ports", "Herausgeber: The Post"]),
        ("filter=desk:world&filter=edition:>2", "en", ["desk: world", "edition: more than 2"]),
        ("filter=front_page:true", "fr", ["front page\xa0: oui"]),
        ("filter=edition:1..3&filter=embargo:2024", "en", ["edition: from 1 to 3", "embargo: 2024"]),
        ("filter=edition:<=3&filter=-tag:sea", "en", ["edition: at most 3", "not tag: sea"]),
        ("filter=tag:(sea+OR+port)", "en", ["tag:(sea OR port)"]),
    ],
)
def test_a_chip_says_its_filter_in_words_and_leads_to_the_search_without_it(
    site: FlaskClient, filters: str, language: str, chips: list[str]
) -> None:
    found = page(site, f"/?q=crane&{filters}&lang={language}").select(".chips a")
    assert [plain(chip).partition(" ×")[0] for chip in found] == chips
    for chip, removed in zip(found, filters.split("&"), strict=True):
        rest = page(site, str(chip["href"]))
        shown = [plain(other).partition(" ×")[0] for other in rest.select(".chips a")]
        assert shown == [other for other in chips if other != plain(chip).partition(" ×")[0]], removed


def test_every_link_and_the_form_keep_the_filters(site: FlaskClient) -> None:
    soup = page(site, "/?q=crane&author=berg&tag=ports&filter=edition:>-2&filter=desk:world&size=1&lang=de")
    kept = {("author", "berg"), ("tag", "ports"), ("filter", "edition:>-2"), ("filter", "desk:world")}
    assert kept <= {(tag["name"], tag["value"]) for tag in soup.select(".hidden-fields input")}
    links = [
        *soup.select(".pager a, .sorts a, .timeline a[data-since], .languages a, .hit h3 a"),
        one(soup, "link[rel=alternate]"),
    ]
    assert len(links) > 10
    for link in links:
        for part in ("author=berg", "tag=ports", "filter=edition%3A%3E-2", "filter=desk%3Aworld"):
            assert part in str(link["href"])


@pytest.mark.parametrize(
    ("authors", "language", "text"),
    [
        (1, "en", "Mara Berg"),
        (3, "en", 'Mara Berg, Ben "Ox" Okri and Ana Ruiz'),
        (5, "en", 'Mara Berg, Ben "Ox" Okri, Ana Ruiz and 2 more'),
        (2, "de", 'Mara Berg und Ben "Ox" Okri'),
    ],
)
def test_a_byline_names_three_authors(authors: int, language: str, text: str) -> None:
    assert without_isolates(list_authors(NAMES[:authors], localize(language)).unescape()) == text


def test_a_hit_has_a_byline_where_there_is_something_to_say(site: FlaskClient) -> None:
    hits = page(site, "/?q=crane&sort=title").select(".hit")
    assert [plain(tag) for hit in hits[:3] for tag in hit.select(".byline")] == [
        "World",
        "By Mara Berg · Business",
        'By Mara Berg and Ben "Ox" Okri',
    ]
    assert not page(client(*ARTICLES), "/?q=silk").select(".byline")


def test_an_article_says_what_it_is_filtered_by_and_leads_to_the_others(site: FlaskClient) -> None:
    soup = page(site, "/a/crane/5?q=crane&lang=en")
    facts = {one(row, "dt").text: row for row in soup.select(".facts div")}
    texts = {name: plain(one(row, "dd")) for name, row in facts.items()}
    assert texts.items() >= {
        ("Authors", " · ".join(NAMES)),
        ("Tags", "ports · unions"),
        ("Publisher", "The Crane"),
        ("Desk", " · ".join(DESKS)),
        ("Edition", "0"),
        ("Front page", "no"),
        ("Embargo", "5 January 2021"),
    }
    assert "Section" not in facts
    links = [link for name, row in facts.items() if name != "Original" for link in row.select("a")]
    assert len(links) == 14
    for link in links:
        found = page(site, str(link["href"]) + "&size=100&collapse=0")
        assert "crane/5" in " ".join(str(hit["href"]) for hit in found.select(".hit h3 a")), link
        assert "lang=en" in str(link["href"])
    report = {one(row, "dt").text: row for row in page(site, "/a/report").select(".facts div")}
    assert one(report["Weight"], "a").text == "0.5"
    assert len(page(site, str(one(report["Weight"], "a")["href"])).select(".hit")) == 1


def test_a_passage_names_its_page_and_leads_to_it_in_a_pdf_document(site: FlaskClient) -> None:
    hits = page(site, "/?q=ferry&lang=de")
    assert [(link.text, link["href"]) for link in hits.select(".passages .page a")] == [
        ("Seite 3", "https://www.paper.example/report.PDF#page=3")
    ] * 2
    link = str(hits.select(".passages li > a")[0]["href"])
    article = page(site, link.partition("#")[0])
    assert [tag.text for tag in article.select(".text > .page")] == ["Seite 3", "Seite 4"]
    assert one(article, "a.original")["href"] == "https://www.paper.example/report.PDF#page=3"


@pytest.mark.parametrize(
    ("url", "source", "page_number", "address"),
    [
        ("https://a.example/b.pdf", None, 3, "https://a.example/b.pdf#page=3"),
        ("https://a.example/b.pdf?x=1#page=9", None, 3, "https://a.example/b.pdf?x=1#page=3"),
        ("https://a.example/b", "papers/B.PDF", 3, "https://a.example/b#page=3"),
        ("https://a.example/b?file=c.pdf", "papers", 3, None),
        ("https://a.example/b.pdf", None, None, None),
        ("javascript:alert(1)//b.pdf", None, 3, None),
        (None, "papers/B.PDF", 3, None),
    ],
)
def test_only_a_pdf_document_on_the_web_has_addresses_of_pages(
    url: str | None, source: str | None, page_number: int | None, address: str | None
) -> None:
    assert page_url(ArticleInfo("a", url=url, source=source), page_number) == address


def test_a_facet_that_is_declared_but_not_yet_indexed_does_no_harm(tmp_path: Path) -> None:
    with open_index(tmp_path / "index") as index:
        index.put([Article(id="a", title="crane")])
    with open_index(tmp_path / "index", fields=FIELDS) as index:
        assert count_hits(page(create_app(index).test_client(), "/?q=crane")) == 1

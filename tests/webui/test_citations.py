from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer import Article, ArticleInfo
from tests.fixtures.archives import client
from webui import parameters as takes
from webui.citations import FORMATS, Citation, bibtex, csl_json, ris

HERE = "https://archive.example/a/a1?p=p-1f3a9c2e&n=3#p-1f3a9c2e"

DAY = ["year = {2021}", "month = nov", "date = {2021-11-05}"]


def cited(paragraph: int | None = 3, page: int | None = None, **fields: Any) -> Citation:
    article = Article(id="a1", **{"title": "Night trams", **fields})
    info = ArticleInfo(
        article.id,
        article.title,
        article.published,
        article.language,
        article.url,
        authors=article.authors,
        section=article.section,
        publisher=article.publisher,
    )
    return Citation(info, HERE, paragraph, page)


def test_a_bibtex_entry_has_what_is_known() -> None:
    entry = bibtex(
        cited(published="2021-11-05", url="https://www.city.example/trams?a=1&b=50%25", language="en")
    )
    assert entry.splitlines() == [
        "@misc{city-2021-night-f55ff1,",
        "  title = {{Night trams}},",
        "  howpublished = {city.example},",
        "  year = {2021},",
        "  month = nov,",
        "  date = {2021-11-05},",
        "  url = {https://www.city.example/trams?a=1&b=50%25},",
        r"  note = {Paragraph 3, https://archive.example/a/a1?p=p-1f3a9c2e\&n=3\#p-1f3a9c2e},",
        "}",
    ]


def test_authors_publisher_and_page_are_cited() -> None:
    citation = cited(
        page=7,
        url="https://www.city.example/trams",
        authors=["Ada Berg", "O'Hara and Sons, Ltd"],
        section="City",
        publisher="Port & Post",
    )
    entry = bibtex(citation).splitlines()
    assert "  author = {{Ada Berg} and {O'Hara and Sons, Ltd}}," in entry
    assert r"  howpublished = {Port \& Post}," in entry
    assert "  pages = {7}," in entry
    record = ris(citation).split("\r\n")
    assert [line for line in record if line[:2] in ("AU", "T2", "SP")] == [
        "AU  - Ada Berg",
        "AU  - O'Hara and Sons, Ltd",
        "T2  - Port & Post",
        "SP  - 7",
    ]
    (item,) = json.loads(csl_json(citation))
    assert item["author"] == [{"literal": "Ada Berg"}, {"literal": "O'Hara and Sons, Ltd"}]
    assert (item["container-title"], item["section"], item["page"]) == ("Port & Post", "City", "7")


@pytest.mark.parametrize(
    ("title", "written"),
    [
        ("50% & more_of #1 for $5", r"50\% \& more\_of \#1 for \$5"),
        ("a } b { c", r"a \textbraceright{} b \textbraceleft{} c"),
        (r"C:\new ~ x^2", r"C:\textbackslash{}new \textasciitilde{} x\textasciicircum{}2"),
        ("Zürich 東京 “quoted”", "Zürich 東京 “quoted”"),
        ('say "so"', 'say "so"'),
    ],
)
def test_what_tex_would_read_otherwise_is_escaped(title: str, written: str) -> None:
    assert f"title = {{{{{written}}}}}," in bibtex(cited(title=title))


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_braces_are_balanced_and_lines_are_fields_whatever_a_title_says(title: str) -> None:
    citation = cited(title=title)
    depth = 0
    for c in bibtex(citation):
        depth += {"{": 1, "}": -1}.get(c, 0)
        assert depth >= 0
    assert depth == 0
    record = ris(citation)
    assert all(line[2:6] == "  - " for line in record.split("\r\n")[:-1])
    assert record.endswith("ER  - \r\n")
    json.loads(csl_json(citation))


@pytest.mark.parametrize(
    ("published", "tex", "day", "parts"),
    [
        (
            "2021-11-05T21:01",
            ["year = {2021}", "month = nov", "date = {2021-11-05}"],
            "2021/11/05/",
            [2021, 11, 5],
        ),
        ("2021-11-05", ["year = {2021}", "month = nov", "date = {2021-11-05}"], "2021/11/05/", [2021, 11, 5]),
        ("2021-11", ["year = {2021}", "month = nov", "date = {2021-11}"], "2021/11//", [2021, 11]),
        ("2021", ["year = {2021}", "date = {2021}"], "2021///", [2021]),
        (None, [], None, None),
    ],
)
def test_a_date_is_cited_as_exactly_as_it_is_known(
    published: str | None, tex: list[str], day: str | None, parts: list[int] | None
) -> None:
    citation = cited(published=published)
    lines = [line.strip(" ,") for line in bibtex(citation).splitlines()]
    assert [line for line in lines if line.startswith(("year", "month", "date"))] == tex
    tags = dict(line.split("  - ") for line in ris(citation).splitlines())
    assert tags.get("DA") == day
    assert tags.get("PY") == (day[:4] if day else None)
    [item] = json.loads(csl_json(citation))
    assert item.get("issued") == ({"date-parts": [parts]} if parts else None)


def test_a_ris_record_has_lines_that_end_as_they_must() -> None:
    record = ris(
        cited(title="Two\r\nER  - lines", published="2021", url="http://city.example/a", language="de")
    )
    assert record.split("\r\n") == [
        "TY  - NEWS",
        "ID  - city-2021-two-f55ff1",
        "TI  - Two ER - lines",
        "T2  - city.example",
        "PY  - 2021",
        "DA  - 2021///",
        "LA  - de",
        "UR  - http://city.example/a",
        f"N1  - Paragraph 3, {HERE}",
        "ER  - ",
        "",
    ]


def test_a_csl_item_names_the_paragraph() -> None:
    [item] = json.loads(csl_json(cited()))
    assert item["locator"] == "3"
    assert (item["URL"], item["note"]) == (HERE, "Paragraph 3")
    [item] = json.loads(csl_json(cited(None)))
    assert "locator" not in item
    assert "note" not in item


@pytest.mark.parametrize(
    ("url", "cites"),
    [
        ("javascript:alert(1)", HERE),
        (f"http://{'x' * 64}.example/ü", f"http://{'x' * 64}.example/%C3%BC"),
        ("http://city..example/{}", "http://city..example/%7B%7D"),
        ("https://city.example/ü {a}\\b", "https://city.example/%C3%BC%20%7Ba%7D%5Cb"),
        ("http://city.example/\r\nER  - \x00", "http://city.example/ER%20%20-%20%00"),
    ],
)
@pytest.mark.parametrize("write", [bibtex, ris, csl_json])
def test_an_address_is_one_printable_word_without_braces(
    write: Callable[[Citation], str], url: str, cites: str
) -> None:
    citation = cited(url=url)
    assert citation.url == cites
    assert (citation.site is None) == (cites == HERE)
    lines = [line for line in write(citation).splitlines() if cites in line]
    assert lines
    assert all(line.isprintable() for line in lines)


def test_an_address_without_sense_does_no_harm_to_any_page() -> None:
    urls = (
        "http://x:99999/",
        "http://x:abc/",
        "http://[::1/",
        "http://a b/",
        "http://x\x00y/",
        "http://a..b/",
    )
    site = client(*(Article(id=f"a{n}", title="Silk", url=url) for n, url in enumerate(urls)))
    for path in (
        "/?q=silk",
        "/?q=site:[x",
        *(f"/api/search?q=silk&facet=site&format={f}" for f in takes.FORMATS),
    ):
        assert site.get(path).status_code == 200
    for n in range(len(urls)):
        assert site.get(f"/a/a{n}?q=silk").status_code == 200
        assert site.get(f"/api/articles/a{n}").status_code == 200
        assert {site.get(f"/a/a{n}/cite.{kind}").status_code for kind in FORMATS} == {200}


@pytest.mark.parametrize("kind", FORMATS)
def test_a_citation_is_a_file_to_keep(kind: str) -> None:
    site = client()
    response = site.get(f"/a/silk/1/cite.{kind}")
    assert response.status_code == 200
    assert response.mimetype == FORMATS[kind][1]
    assert response.headers["Content-Disposition"].startswith("attachment; filename=")
    assert f".{kind}" in response.headers["Content-Disposition"]
    assert "The silk road reopens" in response.text
    assert "Paragraph" not in response.text
    anchor = str(site.get("/api/articles/silk/1").json["paragraphs"][1]["anchor"])  # type: ignore[index]
    one = site.get(f"/a/silk/1/cite.{kind}?p={anchor}").text.replace("\\", "")
    assert f"Paragraph 2, http://localhost/a/silk/1?p={anchor}&n=2#{anchor}" in one
    # A paragraph that is gone is not cited by a number that it may not have had.
    assert "Paragraph" not in site.get(f"/a/silk/1/cite.{kind}?p=p-00000000&n=2").text


def test_a_citation_of_nothing_says_so() -> None:
    assert client().get("/a/none/cite.bib").status_code == 404
    assert client().get("/a/silk/1/cite.doc").status_code == 404


def test_an_article_called_like_a_citation_is_reached_all_the_same() -> None:
    site = client(
        Article(id="x/cite.bib", title="Not a citation", paragraphs=["word"]), Article(id="x", title="X")
    )
    hits = site.get("/?q=citation").text
    assert "/a/?id=x%2Fcite.bib" in hits
    assert "Not a citation" in site.get("/a/?id=x%2Fcite.bib").text
    assert "Not a citation" in site.get("/a/cite.ris?id=x%2Fcite.bib").text

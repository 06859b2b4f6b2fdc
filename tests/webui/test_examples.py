"""The example queries of the start page: each has results in the index that it is shown for."""

from __future__ import annotations

from pathlib import Path

import pytest
from bs4 import BeautifulSoup

from indexer import Article, open_index
from tests.fixtures.archives import archive, client
from webui.examples import Examples

HARBOUR = tuple(
    Article(
        id=f"harbour/{n}",
        title=f"News: harbour crane {word}",
        paragraphs=(f"The harbour crane {word} again.", "Gulls."),
        published=f"20{n + 10}-05-05",
        url=f"https://{('city', 'port')[n % 2]}.example/{n}",
        source=("wire.jsonl", "desk notes.jsonl")[n % 2],
        language="en",
    )
    for n, word in enumerate(("moves", "stands", "falls", "rises"))
)
MORE = (
    Article(id="crane", title="Cranes", paragraphs=("A crane flew south.",), language="en"),
    Article(id="kran", title="Der Kran", paragraphs=("Der Kran steht still.",), language="de"),
)


def of(*articles: Article) -> dict[str, str]:
    return dict(Examples().now(archive(*articles)))


def test_there_is_one_for_each_way_to_ask() -> None:
    found = of(*HARBOUR, *MORE)
    assert list(found) == [
        "harbour crane", '"harbour crane"', "harbour OR crane", "crane -harbour", "title:crane", "harb*",
        "date:2010", 'source:"desk notes.jsonl"', "site:city.example", "lang:en",
    ]  # fmt: skip
    assert found['"harbour crane"'] == "the phrase as it stands"


def test_each_finds_something() -> None:
    index = archive(*HARBOUR, *MORE)
    assert [query for query in of(*HARBOUR, *MORE) if not index.search(query).total] == []


def test_what_would_find_nothing_and_what_divides_nothing_is_left_out() -> None:
    assert list(of(HARBOUR[0])) == [
        "harbour crane", '"harbour crane"', "harbour OR crane", "title:crane", "harb*",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "titles", [("Cranes",), ("The of and",), ("東京の港を広げる",), ("",), ("A 1 b 2",), ("OR- AND* (x:y)",)]
)
def test_there_are_none_where_no_title_has_two_words(titles: tuple[str, ...]) -> None:
    assert of(*(Article(id=f"{n}", title=title) for n, title in enumerate(titles))) == {}


def test_words_that_paragraphs_have_together_come_before_those_of_titles_alone() -> None:
    article = Article(
        id="1", title="Minister visits night trams", language="en",
        paragraphs=("The minister went.", "New night trams were shown."),
    )  # fmt: skip
    assert "night trams" in of(article)


def test_they_are_looked_for_anew_when_the_archive_has_changed(tmp_path: Path) -> None:
    with open_index(tmp_path / "index") as index:
        index.put(HARBOUR[:1])
        examples = Examples()
        first = examples.now(index)
        assert examples.now(index) is first
        index.remove([HARBOUR[0].id])
        index.put([Article(id="tide", title="The high tide", language="en", paragraphs=("High tide.",))])
        assert "high tide" in dict(examples.now(index))


def test_the_start_page_has_them_as_links() -> None:
    soup = BeautifulSoup(client(*HARBOUR, *MORE).get("/?lang=de").text, "html.parser")
    links = {link.text: str(link["href"]) for link in soup.select(".ways a")}
    assert links["crane -harbour"] == "/?q=crane+-harbour&lang=de"
    assert not BeautifulSoup(client(MORE[0]).get("/").text, "html.parser").select(".guide")

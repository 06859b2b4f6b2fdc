"""Notes, reasons and suggestions are said in the language of the page."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote_plus

import pytest
from bs4 import BeautifulSoup

import webui
from indexer import Config, open_index
from indexer.query import NoteCode
from indexer.results import Note
from tests.fixtures.archives import ARTICLES, LABELLED, archive, client, plain, without_isolates
from webui.notes import TEXTS, name_filter, write_clause, write_filter, write_note
from webui.translations import LANGUAGES, localize

TRANSLATED = [language for language in LANGUAGES if language != "en"]
# Searches that have notes, and searches without results, for each of the reasons and changes.
QUERIES = [
    "silk (",
    'silk "road',
    "(silk))",
    "(" * 40 + "silk",
    "AND silk",
    "colour:silk",
    "silk !!!",
    "date:soon silk",
    "date:05/03/2021 silk",
    "silk 2020-01..2021-12",
    "silk NEAR/900 road",
    '"silk road"~900',
    "silkk~9",
    "silk^900",
    "x" * 400,
    "the silk",
    "silk " * 3000,
    "source:nowhere silk",
    "date:2020-03-01..2020-03-31",
    "zebra",
    "zebra silk crane",
    "silk date:2030",
    "silk after:2030-02-03 before:2031",
    "date:2030",
    "silk -silk",
    "silk -road",
    "silk source:wire -date:2021",
    '="silks roads"',
    '"camels silk"',
    "vacine arrivals",
    "title:camels",
    'title:"camels silk"',
    "silk camels vaccine",
]


def test_every_code_has_a_text() -> None:
    assert {kind.code for kind in NoteCode} <= TEXTS.keys()


def test_these_searches_have_many_kinds_of_notes() -> None:
    pages = [archive(*ARTICLES, *LABELLED).search(query) for query in QUERIES]
    notes = [note for page in pages for note in page.notes]
    notes += [page.no_results.reason for page in pages if page.no_results]
    notes += [one.change for page in pages if page.no_results for one in page.no_results.suggestions]
    assert len({note.code for note in notes}) > 30
    for note in notes:
        for language in LANGUAGES:
            text = write_note(note, localize(language))
            assert text
            assert "{" not in text.replace(note.values.get("text", ""), "")  # type: ignore[arg-type]


@pytest.mark.parametrize("language", TRANSLATED)
def test_no_english_note_stands_on_a_page_of_another_language(language: str) -> None:
    index, site = archive(*ARTICLES, *LABELLED), client(*ARTICLES, *LABELLED)
    for query in QUERIES:
        text = site.get(f"/?q={quote_plus(query)}&lang={language}").text
        soup = BeautifulSoup(text, "html.parser")
        shown = soup.select(".notes, .no-results, .nothing")
        assert not [tag for part in shown for tag in part.select("[lang=en]")], query
        page = index.search(query)
        said = " ".join(plain(part) for part in shown)
        notes = [*page.notes, *([page.no_results.reason] if page.no_results else [])]
        assert not [note.message for note in notes if note.message in said], query


@pytest.mark.parametrize(
    ("query", "language", "notes"),
    [
        ("silk (", "en", ["A parenthesis without its partner was closed at the end."]),
        ("silk (", "de", ["Eine Klammer ohne Gegenstück wurde am Ende geschlossen."]),
        ("silk colour:road", "es", ["No hay ningún campo “colour”; se buscó como texto."]),
        (
            "the silk road",
            "de",
            ["Ignorierte häufige Wörter: the. Um eines zu verlangen, schreiben Sie +the."],
        ),
    ],
)
def test_a_note_is_a_sentence_of_the_page(query: str, language: str, notes: list[str]) -> None:
    soup = BeautifulSoup(client().get(f"/?q={quote_plus(query)}&lang={language}").text, "html.parser")
    assert [plain(li) for li in soup.select(".notes li")] == notes


@pytest.mark.parametrize(
    ("query", "language", "reason", "changes"),
    [
        ("zebra silk", "en", "No article has zebra.", ["without zebra: 1 article"]),
        ("zebra silk", "de", "Kein Artikel enthält zebra.", ["ohne zebra: 1 Artikel"]),
        (
            "silk after:2030-02-03 before:2031",
            "en",
            "No article passes these filters: from 3 February 2030.",
            ["without the filter from 3 February 2030: 1 article"],
        ),
        (
            '"camels silk"',
            "fr",
            'Aucun article ne contient "camels silk".',
            ['les mots de "camels silk", où qu’ils se trouvent: 1 article'],
        ),
        (
            "title:camels",
            "es",
            "Ningún artículo tiene camels en el título.",
            ["camels en cualquier lugar del artículo: 1 artículo"],
        ),
        (
            "silk -silk",
            "de",
            "Jeder Artikel, der passen würde, enthält silk, und das ist ausgeschlossen.",
            ["auch Artikel mit silk: 1 Artikel"],
        ),
    ],
)
def test_why_nothing_was_found_is_said_in_plain_words(
    query: str, language: str, reason: str, changes: list[str]
) -> None:
    soup = BeautifulSoup(client().get(f"/?q={quote_plus(query)}&lang={language}").text, "html.parser")
    assert [plain(tag) for tag in soup.select(".reason")] == [reason]
    assert [plain(li) for li in soup.select(".alternatives li")] == changes


@pytest.mark.parametrize(
    ("label", "text"),
    [
        ("silk", "silk"),
        ('"silk road"', '"silk road"'),
        ("-silk", "-silk"),
        ("date:2008", "2008"),
        ("date:2008-11", "November 2008"),
        ("date:2008-11-05", "5 November 2008"),
        ("(after:2008-11 before:2010)", "from November 2008 and until 2009"),
        ("date:2008..2010", "from 2008 and until 2010"),
        ("date:2021-11-05T21:01", "5 November 2021, 21:01"),
        ("date:2008..2008-03", "from 2008 and until March 2008"),
        ("before:2010", "until 2009"),
        ("after:9999-12-31", "from 31 December 9999"),
        ("-date:2008", "not 2008"),
        ("source:wire source:blog", "source: wire and source: blog"),
        ("language:de", "language: German"),
        ("-site:b.example", "not site: b.example"),
        ("tag:<b>", "tag: <b>"),
        ("title:silk", "silk in the title"),
        ("silk OR date:2008", "silk OR date:2008"),
        ("", ""),
    ],
)
def test_dates_and_filters_of_a_clause_are_words(label: str, text: str) -> None:
    assert without_isolates(write_clause(label, localize("en")).unescape()) == text


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("source", "wire <b>", "source: wire <b>"),
        ("language", "de", "language: German"),
        ("author", "Ada Berg", "author: Ada Berg"),
        ("filter", "tag:sea -site:b.example", "tag: sea and not site: b.example"),
        ("undated", "", "without a date"),
    ],
)
def test_a_filter_of_the_search_is_written_as_in_a_note(name: str, value: str, text: str) -> None:
    assert without_isolates(write_filter(name, value, localize("en")).unescape()) == text


@pytest.mark.parametrize(
    ("name", "one", "several"),
    [("author", "Author", "Authors"), ("year", "Year", "Year"), ("our_desk", "Our desk", "Our desk")],
)
def test_a_facet_has_a_heading(name: str, one: str, several: str) -> None:
    names = [name_filter(name, localize("en"), are_several=are_several) for are_several in (False, True)]
    assert names == [one, several]


def test_a_list_of_clauses_has_an_end() -> None:
    note = Note("common_words", {"clauses": tuple(f"w{n}" for n in range(30)), "first": "w0"}, "")
    text = write_note(note, localize("en"))
    assert text
    assert (
        without_isolates(text)
        == "Ignored common words: w0, w1, w2, w3, w4, w5, w6, w7 and 22 more. To require one, write +w0."
    )


def test_a_note_that_the_page_does_not_know_is_marked_as_english(tmp_path: Path) -> None:
    assert write_note(Note("of_tomorrow", {}, "Said tomorrow."), localize("de")) is None
    with open_index(Config(index=tmp_path / "index", query_seconds=1e-9)) as hasty:
        hasty.put(ARTICLES)
        soup = BeautifulSoup(
            webui.create_app(hasty).test_client().get("/?q=silk&lang=de").text, "html.parser"
        )
        assert plain(soup.select(".notes li")[0]).startswith("Die Zeit für eine Anfrage")

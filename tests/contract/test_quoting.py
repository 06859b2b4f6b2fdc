"""Quotation marks: words as they are written, and other forms only where nothing is written so."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer import Article, Index
from tests.contract.answers import found, matches, search
from tests.contract.archive import ARTICLES, ENGLISH
from tests.contract.strategies import EXAMPLES

Made = Callable[..., Index]

_WORD = re.compile(r"[@#]?[a-z0-9']+(?:[.,&][a-z0-9]+)*\+*")

OTHER_FORMS = {"other_forms", "other_forms_in_languages"}
COOPER = Article("cooper", "Coopers at work", ["The cooper sells barrels."], language="en")
COOPERATION = Article("cooperation", "Working together", ["Cooperation of two towns."], language="en")


def split(text: str) -> list[str]:
    """The words of an English text, without case and accents, by rules other than those of the analyzer."""
    plain = unicodedata.normalize("NFKD", text.replace("’", "'")).encode("ascii", "ignore").decode()
    return [re.sub("'s$|'", "", word) for word in _WORD.findall(plain.lower())]


def has_words(article: Article, words: list[str]) -> bool:
    """Whether a paragraph or the title has these words side by side."""
    texts = [split(text) for text in (article.title, *article.paragraphs)]
    ends = range(len(words), 1 + max(map(len, texts)))
    return any(text[end - len(words) : end] == words for text in texts for end in ends)


PLAIN = [" ".join(split(text)) for article in ENGLISH for text in (article.title, *article.paragraphs)]
ENDINGS = st.sampled_from(["", "", "s", "ing", "ed", "er"])


@st.composite
def phrases(draw: st.DrawFn) -> str:
    """Some words of a text in the archive, the last one perhaps in another form."""
    words = draw(st.sampled_from(PLAIN)).split()
    start = draw(st.integers(0, len(words) - 1))
    return " ".join(words[start : start + draw(st.integers(1, 4))]) + draw(ENDINGS)


@settings(max_examples=EXAMPLES * 5)
@given(phrases())
def test_each_hit_has_the_words_as_written(archive: Index, phrase: str) -> None:
    page = search(archive, f'"{phrase}" lang:en', collapse=False)
    written = {article.id for article in ENGLISH if has_words(article, phrase.split())}
    if written:
        assert set(matches(page)) == written
    else:
        # Other forms are found, and the page says so.
        assert not matches(page) or {note.code for note in page.notes} & OTHER_FORMS
    assert found(archive, f'="{phrase}" lang:en') == written


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("cooperation", {"cooper", "cooperation"}),
        ('"cooperation"', {"cooperation"}),
        ('"Cooperation of"', {"cooperation"}),
        ('"COOPER"', {"cooper"}),
        ('"cooper of"', {"cooperation"}),  # nothing is written so
        ('="cooper of"', set()),
        ('title:"coopers"', {"cooper"}),
        ('text:"coopers"', {"cooper", "cooperation"}),  # no text has it so
        ('"coopers" NEAR/2 work', {"cooper"}),
        ('"sells barrel" OR towns', {"cooper", "cooperation"}),
        ('cooper -"cooperating"', {"cooper", "cooperation"}),
        ('cooper -"cooperation"', {"cooper"}),
    ],
)
def test_other_forms_of_a_phrase_are_tried_only_if_nothing_is_written_so(
    make: Made, query: str, expected: set[str]
) -> None:
    assert found(make(COOPER, COOPERATION), query) == expected


def test_the_page_says_that_other_forms_were_searched_for(make: Made) -> None:
    index = make(COOPER, COOPERATION)
    page = search(index, '"sells barrel"')
    assert [str(note) for note in page.notes] == [
        "No article has “sells barrel” as written; other forms of it were searched for."
    ]
    assert [span for hit in page.hits for passage in hit.passages for span in passage.spans] == [(11, 24)]
    assert search(index, '"sells barrels"').notes == search(index, '"zeppelins fly"').notes == ()


@pytest.mark.parametrize("query", ['"sells barrel"', '"coopers"', "#barrel"])
def test_articles_in_another_language_do_not_change_which_forms_a_phrase_finds(
    make: Made, query: str
) -> None:
    german = [
        Article(f"de{number}", "Notiz", [text], language="de")
        for number, text in enumerate(["Er sagte: sells barrel.", "#barrel, coopers 2021"])
    ]
    before, after = (make(COOPER, COOPERATION, *more) for more in ([], german))
    assert found(after, f"{query} lang:en") == found(before, query)


@pytest.mark.parametrize(
    ("query", "expected", "notes"),
    [
        ("#barrels", {"cooper"}, {"other_forms"}),
        ("@cooper", {"cooper", "cooperation"}, {"other_forms"}),
        ("#barrels towns", set(), {"other_forms"}),
        ("title:#coopers", {"cooper"}, {"other_forms"}),
        ("#together", {"topic"}, set()),
        ("=#barrels", set(), set()),
    ],
)
def test_a_topic_matches_a_plain_word_if_nothing_is_written_so(
    make: Made, query: str, expected: set[str], notes: set[str]
) -> None:
    topic = Article("topic", "Topic", ["See #together."], language="en")
    index = make(COOPER, COOPERATION, topic)
    assert found(index, query) == expected
    assert notes <= {note.code for note in search(index, query).notes}


@pytest.mark.parametrize(
    "address",
    ["new.desk@paper.example", "https://paper.example/new", "www.paper.example", "paper.example/new"],
)
def test_an_address_is_found_whole_or_not_at_all(make: Made, address: str) -> None:
    parts = Article("parts", "A new example", ["A paper on a new desk, https and www."], language="en")
    whole = Article("whole", "Contact", [f"Write to {address} today."], language="en")
    assert search(make(parts), address).hits == ()
    page = search(make(parts, whole), address)
    assert (matches(page), len(page.hits)) == (["whole"], 1)


def test_a_date_in_figures_is_found_whole_or_not_at_all(make: Made) -> None:
    parts = Article("parts", "Prices", ["It rose by 11 to 2008, then fell by 05."], language="en")
    whole = Article("whole", "Notice", ["Valid from 2008-11-05 on."], language="en")
    assert search(make(parts), "2008-11-05").hits == ()
    page = search(make(parts, whole), "2008-11-05")
    assert (matches(page), len(page.hits)) == (["whole"], 1)


def test_words_with_a_slash_between_them_are_two(make: Made) -> None:
    index = make(Article("a", "Merrill", ["Lynch was bought.", "BofA paid."], language="en"))
    assert found(index, "Lynch/BofA") == {"a"}


def test_every_article_of_the_archive_is_found_by_a_quotation_of_it(archive: Index) -> None:
    for article in ARTICLES:
        start = (article.paragraphs or (article.title,))[0].split(" ")[:4]
        assert article.id in found(archive, f'"{" ".join(start)}"')

"""Documents have the terms of the embedded index at the same positions, and the whole article."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import example, given

from indexer import Article
from indexer.engine import Gatherer, encode_article
from indexer.engine.read.segment import SegmentView
from indexer.errors import IndexDamaged
from indexer.opensearch import mapping
from indexer.opensearch.documents import (
    learn_forms,
    list_bands,
    make_document_id,
    make_documents,
    read_article,
    remake_documents,
)
from indexer.opensearch.mapping import CAPITALS, MAX_TERM, NO_CAPITALS, STEMS, WORDS, make_mapping
from tests.engine.segments import ARTICLES, EVERYTHING, FIELDS, MANY, built, gathered
from tests.opensearch.documents import document_of, documents_of

Tokens = dict[tuple[str, int], list[str]]
"""By field, "title" or "paragraph", and number of the document in a segment: the terms in their order."""


def read_fields(documents: Sequence[dict[str, Any]], kind: str) -> Tokens:
    """The terms of documents of the cluster, numbered as the documents of a segment are."""
    found: Tokens = {}
    number = 0
    for document in documents:
        found["title", number] = " ".join(document[f"title.{kind}"]).split()
        texts = [*document.get(f"text.{kind}", [])] or [""]
        for name in ("abstract", "lead"):
            texts += document.get(f"own.{name}.{kind}", [])
        for text in texts:
            found["paragraph", number] = text.split()
            number += 1
    return {place: tokens for place, tokens in found.items() if tokens}


def read_segment(view: SegmentView, kind: str) -> Tokens:
    """The stems or words of a segment at their positions."""
    every = np.arange(view.documents, dtype=np.int32)
    found: dict[tuple[str, int], dict[int, str]] = {}
    for field in ("title", "paragraph"):
        for term in view.stems.words() if kind == STEMS else view.words.words():
            docs, positions = (
                view.positions(field, term, every)
                if kind == STEMS
                else view.word_positions(field, [term], every)
            )
            for doc, position in zip(docs.tolist(), positions.tolist(), strict=True):
                found.setdefault((field, doc), {})[position] = term
    # A gap between the positions of a text would be a missing term.
    return {place: [own[number] for number in range(len(own))] for place, own in found.items()}


@MANY
@given(articles=ARTICLES.filter(bool))
@example(articles=EVERYTHING)
@example(articles=[Article("only")])
@example(articles=[Article("names", "NATO", ["NATO and the US met us in the USA", "AIDS"])])
def test_a_document_has_the_terms_of_a_segment_at_their_positions(
    tmp_path: Path, articles: list[Article]
) -> None:
    view = built(articles, tmp_path / "segment.nut")
    documents = documents_of(articles)
    stems, words, capitals = (read_fields(documents, kind) for kind in (STEMS, WORDS, CAPITALS))
    assert stems == read_segment(view, STEMS)
    assert words == read_segment(view, WORDS)
    assert {place: len(own) for place, own in capitals.items()} == {
        place: len(own) for place, own in stems.items()
    }
    for field in ("title", "paragraph"):
        for (stem, word), counts in count_forms(field, stems, words, capitals).items():
            found = view.form_postings(field, stem, word, in_capitals=True)
            assert dict(zip(found.docs.tolist(), found.freqs.tolist(), strict=True)) == dict(counts)


def count_forms(
    field: str, stems: Tokens, words: Tokens, capitals: Tokens
) -> dict[tuple[str, str], Counter[int]]:
    """How often each form is in capitals in each document."""
    found: dict[tuple[str, str], Counter[int]] = {}
    for (name, doc), own in stems.items():
        if name == field:
            for stem, word, capital in zip(own, words[name, doc], capitals[name, doc], strict=True):
                counts = found.setdefault((stem, word), Counter())
                if capital != NO_CAPITALS:
                    assert capital == word
                    counts[doc] += 1
    return found


@MANY
@given(articles=ARTICLES.filter(bool))
def test_a_document_has_the_columns_of_a_segment_and_the_whole_article(
    tmp_path: Path, articles: list[Article]
) -> None:
    view = built(articles, tmp_path / "segment.nut")
    documents = documents_of(articles)
    for name in ("title_terms", "text_terms"):
        assert [document[name] for document in documents] == view.column(f"article.{name}").tolist()
    assert [document["paragraphs"] for document in documents] == view.column("article.counts").tolist()
    assert [document["language"] for document in documents] == [
        view.language(number) for number in range(view.articles)
    ]
    assert sorted({word for document in documents for word in document["vocabulary"]}) == view.lexicon
    for article, document in zip(articles, documents, strict=True):
        assert read_article(document) == (encode_article(article), None)
        known = make_mapping(FIELDS)["properties"]
        for name in document:
            node: Any = known
            for part in name.split("."):
                node = (node.get("properties") or node)[part] if "properties" in node else node[part]
            assert "type" in node


def test_forms_of_earlier_chunks_are_known_and_forgotten_with_their_gatherer() -> None:
    gatherer, forms = Gatherer("en", FIELDS, max_forms=3), list[str]()
    for article in EVERYTHING:
        gatherer.add(article)
        chunk = gatherer.take()
        learn_forms(forms, chunk)
        (document,) = make_documents(chunk, forms, 4)
        assert document == documents_of([article], since=4)[0]


def test_a_version_of_an_article_has_an_id_of_its_own_whatever_the_article_is_called() -> None:
    names = {make_document_id(name, since) for name in ("a", "a" * 9999, "東/京") for since in (1, 2)}
    assert len(names) == 6
    assert all(len(name.encode()) < 60 and name.isascii() for name in names)


def test_a_document_made_again_differs_in_nothing_but_the_commit_that_removes_it() -> None:
    # Nothing in its text says that the first one is in Spanish.
    articles = [Article("a", "Canciones", ["10"], fields={"lead": "x"}), *EVERYTHING[1:]]
    gatherer, forms = Gatherer("es", FIELDS), list[str]()
    for article in articles:
        is_file = article.id != "d"
        gatherer.add(replace(article, source="wire/1.txt"), source="file:///srv/archive" if is_file else None)
    chunk = gatherer.take()
    learn_forms(forms, chunk)
    documents = [*make_documents(chunk, forms, range(1, 5))]
    stored = [
        {name: value for name, value in document.items() if name in mapping.STORED} for document in documents
    ]
    assert [*remake_documents(stored, FIELDS, 9)] == [document | {"until": 9} for document in documents]


@pytest.mark.parametrize(
    ("published", "expected"),
    [
        (None, {}),
        ("2021", {"year": 51}),
        ("2021-11", {"month": 622, "year": 51}),
        ("2021-11-05", {"day": 18936, "week": 2705, "month": 622, "year": 51}),
        ("1969-12-31T23:59", {"day": -1, "week": 0, "month": -1, "year": -1}),
    ],
)
def test_a_date_is_in_the_periods_that_it_is_exact_enough_for(
    published: str | None, expected: dict[str, int]
) -> None:
    document = document_of(Article("a", published=published))
    assert {name: document[name] for name in ("day", "week", "month", "year") if name in document} == expected
    assert ("date_start" in document) == ("date_end" in document) == (published is not None)


def test_values_stand_in_the_fields_that_are_filtered_and_counted() -> None:
    article = Article(
        "news/a.txt/7",
        url="https://www.News.example/1",
        source="wire/The Coast/a.b.txt",
        authors=["Zoë Berg", "ZOE  BERG"],
        fields={"desk": ("Sea",), "breaking": True, "edition": 3, "price": 0.5, "embargo": "2021-05"},
    )
    found = document_of(article)
    assert {name: value for name, value in found.items() if name.partition(".")[1]} == {
        **{name: found[name] for name in found if name.startswith(("title.", "text."))},
        "names.source": ["wire/The Coast/a.b.txt"],
        "keys.source": ["wire/the coast/a.b.txt"],
        "parts.source": ["wire the\u2423coast a.b.txt", "wire the\u2423coast a.b"],
        "ends.source": [
            *("wire/the coast/a.b.txt/", "the coast/a.b.txt/", "a.b.txt/"),
            *("wire/the coast/a.b/", "the coast/a.b/", "a.b/"),
        ],
        "names.site": ["news.example"],
        "keys.site": ["news.example"],
        "parts.site": ["news.example", "example"],
        "keys.language": "en",
        "keys.author": ["zoe berg", "zoe berg"],
        "written.author": ["zoe berg\nZoë Berg", "zoe berg\nZOE BERG"],
        "parts.author": ["zoe berg", "zoe berg"],
        "ends.author": ["zoe berg ", "berg ", "zoe berg ", "berg "],
        "keys.desk": ["sea"],
        "written.desk": ["sea\nSea"],
        "keys.breaking": ["true"],
        "written.breaking": ["true\ntrue"],
        "numbers.edition": 3,
        "numbers.price": 0.5,
        "dates.embargo.start": 1619827200,
        "dates.embargo.end": 1622505600,
        "dates.embargo.year": 51,
    }
    assert "record" not in found
    from_file = document_of(article, source="file:///srv/archive")
    assert (from_file["record"], from_file["source_uri"]) == ("a.txt/7", "file:///srv/archive")
    assert from_file["names.source"] == ["file:///srv/archive"]
    assert from_file["keys.source"] == ["wire/the coast/a.b.txt"]


def test_near_duplicates_have_a_band_in_common_and_short_texts_have_none() -> None:
    text = "A storm crossed the strait on Tuesday and took nine roofs and two boats."
    articles = [Article("a", paragraphs=[text]), Article("b", paragraphs=[text.upper()]), Article("c")]
    first, second, short = documents_of(articles)
    assert first["bands"] == second["bands"]
    assert len(first["bands"]) == 8
    assert "bands" not in short
    sketches = gathered(articles).columns["sketches"]
    assert list_bands(sketches[0]) == first["bands"]


def test_a_word_that_is_too_long_for_a_term_is_indexed_by_its_start() -> None:
    article = Article("a", "A" * 40_000, ["é" * 40_000 + " end"], authors=["名" * 40_000])
    document = document_of(article)
    assert [len(term.encode()) < 32_766 for term in " ".join(document["text.words"]).split()] == [True, True]
    assert len(document["title.words"][0]) == MAX_TERM
    assert all(len(name.encode()) < 32_766 for name in document["keys.author"] + document["written.author"])
    assert read_article(document) == (encode_article(article), None)


@pytest.mark.parametrize(
    "changes",
    [
        {"article": None},
        {"article": "no base64"},
        {"article": "AAAA"},
        # A frame that says it has a terabyte.
        {"article": "KLUv/cD/////fwAAAA=="},
    ],
)
def test_an_invalid_stored_article_is_reported_as_damage(changes: dict[str, Any]) -> None:
    document = {name: value for name, value in document_of(Article("a")).items() if name != "article"}
    with pytest.raises(IndexDamaged, match="the stored article 'a' is invalid"):
        read_article(document | {name: value for name, value in changes.items() if value})


def test_a_document_is_json() -> None:
    document = document_of(Article("a", "Sea", ["US"], "2021", fields={"edition": 3, "price": 0.5}))
    assert msgspec.json.decode(msgspec.json.encode(document)) == document

"""The mapping has a field for everything that is indexed of an article, and stores little of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from indexer import Article, FieldType
from indexer.limits import DISTANCE, SLOP
from indexer.opensearch.documents import read_article
from indexer.opensearch.dsl import match_prefix
from indexer.opensearch.mapping import (
    MAX_TERM,
    PARAGRAPH_GAP,
    STORED,
    list_named,
    list_text_fields,
    make_mapping,
    visible,
)
from tests.engine.segments import EVERYTHING
from tests.opensearch.archive import ArchiveInBoth
from tests.opensearch.server import Cluster


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("text", ("title", "text", "own.lead", "own.abstract")),
        ("title", ("title",)),
        ("paragraph", ("text",)),
        ("lead", ("own.lead",)),
    ],
)
def test_the_words_of_a_query_field_are_looked_up_in_its_texts(field: str, expected: tuple[str, ...]) -> None:
    assert list_text_fields(field, ("lead", "abstract")) == expected


def test_no_phrase_reaches_from_one_paragraph_into_the_next() -> None:
    assert max(SLOP, DISTANCE) < PARAGRAPH_GAP


def test_custom_fields_are_indexed_by_their_types() -> None:
    fields = {
        "desk": FieldType("keyword"),
        "breaking": FieldType("boolean"),
        "price": FieldType("number"),
        "edition": FieldType("integer"),
        "embargo": FieldType("date"),
        "lead": FieldType("text"),
    }
    assert list_named(fields) == ("author", "section", "tag", "publisher", "desk", "breaking")
    found = make_mapping(fields)["properties"]
    assert {*found["keys"]["properties"]} >= {"author", "site", "language", "desk", "breaking"}
    assert {*found["numbers"]["properties"]} == {"price", "edition"}
    assert {*found["dates"]["properties"]["embargo"]["properties"]} == {"start", "end", "year"}
    assert {*found["own"]["properties"]} == {"lead"}


def test_what_is_only_searched_is_in_no_source() -> None:
    made = make_mapping({})
    assert made["_source"] == {"includes": [*STORED]}
    assert made["dynamic"] == "strict"


def test_commits_that_were_never_made_neither_add_nor_remove() -> None:
    assert visible(7) == {
        "bool": {
            "filter": [{"range": {"since": {"lte": 7}}}],
            "must_not": [{"bool": {"filter": [{"range": {"until": {"lte": 7}}}]}}],
        }
    }
    assert visible(7, {5, 3}) == {
        "bool": {
            "filter": [{"range": {"since": {"lte": 7}}}],
            "must_not": [
                {
                    "bool": {
                        "filter": [{"range": {"until": {"lte": 7}}}],
                        "must_not": [{"terms": {"until": [3, 5]}}],
                    }
                },
                {"terms": {"since": [3, 5]}},
            ],
        }
    }


@pytest.fixture(scope="module")
def odd(opensearch: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ArchiveInBoth]:
    """Articles whose terms or number of paragraphs are out of the ordinary."""
    articles = [
        *EVERYTHING,
        Article("long", "A" * 40_000, ["e" * 40_000 + " end", "𐐨" * 9000 + " end"], authors=["名" * 40_000]),
        Article("many", paragraphs=["tide"] * 3000 + ["crane harbour"]),
    ]
    made = ArchiveInBoth(
        tmp_path_factory.mktemp("odd") / "index", opensearch, [(article, None) for article in articles]
    )
    yield made
    made.delete()


def make_phrase(*terms: str, gap: int = 0) -> dict[str, Any]:
    """The query for words that follow one another with this many positions between neighbours."""
    clauses = [{"span_term": {"text.words": term}} for term in terms]
    return {"span_near": {"clauses": clauses, "slop": gap, "in_order": True}}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (make_phrase("e" * MAX_TERM, "end"), ["long"]),
        (make_phrase("𐐨" * MAX_TERM, "end"), ["long"]),
        (match_prefix("text.words", "𐐨" * 300), ["long"]),
        (make_phrase("crane", "harbour"), ["many"]),
        # The last word of a paragraph and the first one of the next.
        (make_phrase("tide", "crane", gap=PARAGRAPH_GAP - 1), []),
        (make_phrase("tide", "crane", gap=PARAGRAPH_GAP), ["many"]),
        (make_phrase("vaccine", "vaccines", "vaccinated", "vaccine"), ["c"]),
        ({"term": {"title.capitals": "a" * MAX_TERM}}, []),
    ],
)
def test_the_server_has_the_terms_at_their_positions(
    odd: ArchiveInBoth, query: dict[str, Any], expected: list[str]
) -> None:
    assert [odd.snapshot.id_of(number) for number in odd.find(query).tolist()] == expected


def test_the_server_keeps_the_stored_fields_only(odd: ArchiveInBoth) -> None:
    (hit,) = odd.search({"query": {"term": {"id": "many"}}})["hits"]["hits"]
    assert {*hit["_source"]} == {"id", "language", "since", "article"} <= {*STORED}
    items, _ = read_article(hit["_source"])
    assert len(items) == 3002
    assert odd.find(visible(1)).tolist() == [*range(odd.snapshot.articles)]
    assert odd.find(visible(0)).tolist() == odd.find(visible(1, [1])).tolist() == []

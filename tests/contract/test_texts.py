"""Custom texts: fields that are searched word by word, each with a weight."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from indexer import Article, FieldType, Hit, Index, InvalidArticle, InvalidRequest, Passage
from tests.contract.answers import ids, matches_in_order
from tests.contract.engines import Engine

FIELDS = {
    "summary": FieldType("text", weight=3),
    "lead": FieldType("text"),
    "desk": FieldType("keyword", facet=True),
}
BIRDS = Article(
    "birds",
    "Birds of the harbour",
    ["Gulls cried over the quay.", "A crane turned. Herons were not seen."],
    "2021-03",
    "en",
    fields={"summary": "A grey heron stood by the lock.\n\nIt caught eels.", "lead": "Grey morning."},
)
NOTES = [
    BIRDS,
    Article("eels", "Eels", ["An eel."], "2021-04", "en", fields={"lead": "The eel trade and the lock."}),
    Article("bare", "Only a title", [], "2021-05", "en", fields={"summary": "Grey skies, a heron."}),
    Article("plain", "Heron", ["A heron, a grey one.", "The lock."], "2021-06", "en"),
    Article("reiher", "Vögel", ["Möwen."], "2021-07", "de", fields={"summary": "Die Häuser der Reiher."}),
]


@pytest.fixture(scope="module")
def notes(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    """The notes in an index that grew by several commits, with changes and removals."""
    with engine.open(tmp_path_factory.mktemp("texts") / "index", fields=FIELDS) as index:
        index.put([*NOTES[:2], Article("gone", "Gone", ["A heron."], fields={"summary": "Grey heron."})])
        index.put([Article("bare", "Before", ["A quay."], fields={"lead": "A heron."}), NOTES[4]])
        index.put([NOTES[2], NOTES[3]])
        index.remove(["gone"])
        yield index


def hit_of(index: Index, query: str, name: str) -> Hit:
    (found,) = (hit for hit in index.search(query, collapse=False).hits if hit.article.id == name)
    return found


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("eel", {"birds", "eels"}),
        ("summary:eel", {"birds"}),
        ("lead:eel", {"eels"}),
        ("lead:eels", {"eels"}),
        ("text:eel", {"eels"}),
        ("title:grey", set()),
        ("text:grey", {"plain"}),
        ("paragraph:grey", {"plain"}),
        ("grey", {"birds", "bare", "plain"}),
        ('"grey heron"', {"birds"}),
        ('summary:"grey heron"', {"birds"}),
        ('lead:"grey heron"', set()),
        ('text:"grey heron"', set()),
        ('"morning grey"~9', set()),
        ("summary:(eels OR skies)", {"birds", "bare"}),
        ("summary:heron summary:eels", {"birds"}),
        ("summary:grey NEAR/2 heron", {"birds"}),
        ("summary:grey NEAR/3 heron", {"birds", "bare"}),
        ("lead:grey NEAR/9 lead:heron", set()),
        ("morning NEAR/9 eels", set()),
        ("summary:her*", {"birds", "bare"}),
        ("summary:haron~1", {"birds", "bare"}),
        ("summary:h?ron", {"birds", "bare"}),
        ("SUMMARY:heron", {"birds", "bare"}),
        ("=herons", {"birds"}),
        ("summary:=herons", set()),
        ("heron -summary:heron", {"plain"}),
        ("NOT summary:heron", {"eels", "plain", "reiher"}),
        ("summary:Haus", {"reiher"}),
        ("summary:2021", set()),
        ("lead:lock OR summary:lock", {"birds", "eels"}),
    ],
)
def test_a_text_is_found_with_everything_else_and_by_the_name_of_its_field(
    notes: Index, query: str, found: set[str]
) -> None:
    page = notes.search(query, collapse=False)
    assert {hit.article.id for hit in page.hits if not hit.missing} == found
    assert page.total == len(found)


def test_a_hit_shows_the_text_that_matches_with_the_name_of_its_field(notes: Index) -> None:
    assert hit_of(notes, "summary:heron", "birds").passages == (
        Passage(None, "text-summary", str(BIRDS.fields["summary"]), ((7, 12),), field="summary"),
    )
    shown = [(passage.number, passage.field) for passage in hit_of(notes, "heron grey", "birds").passages]
    assert shown == [(2, None), (None, "lead"), (None, "summary")]
    assert hit_of(notes, "heron", "bare").passages[0].text == "Grey skies, a heron."


@pytest.mark.parametrize(
    ("query", "marked"),
    [
        ("heron", {"Herons", "heron"}),
        ("summary:heron", {"heron"}),
        ("text:heron", {"Herons"}),
        ("lead:grey", {"Grey"}),
        ("summary:grey title:birds", {"grey", "Birds"}),
        ("", set()),
    ],
)
def test_an_article_has_its_texts_marked_where_the_query_asks_for_them(
    notes: Index, query: str, marked: set[str]
) -> None:
    article = notes.mark_article("birds", query)
    assert [(own.field, own.anchor, own.text) for own in article.texts] == [
        (name, f"text-{name}", BIRDS.fields[name]) for name in ("lead", "summary")
    ]
    places = [(article.article.title, article.title_spans), *((p.text, p.spans) for p in article.places)]
    assert {text[start:end] for text, spans in places for start, end in spans} == marked
    assert [paragraph.number for paragraph in article.paragraphs] == [1, 2]


def test_each_word_of_a_text_counts_as_often_as_its_weight_says(engine: Engine, tmp_path: Path) -> None:
    words = "heron gull crane eel"
    articles = [
        Article("text", "Note", [words], fields={"summary": "tide"}),
        Article("summary", "Note", ["tide"], fields={"summary": words}),
        Article("other", "Note", ["tide tide"], fields={"summary": "tide tide tide"}),
    ]
    orders = {}
    for weight in (0.25, 1, 4):
        # Another weight needs no rebuild.
        fields = {"summary": FieldType("text", weight=weight)}
        with engine.open(tmp_path / "index", fields=fields) as index:
            index.put(articles)
            hits = index.search("heron", collapse=False, explain=True).hits
            orders[weight] = [hit.article.id for hit in hits]
            own = {hit.article.id: hit.explanation for hit in hits}["summary"]
            assert own is not None
            (word,) = own.words
            (field,) = word.fields
            assert (field.field, field.frequency, field.weight) == ("summary", 1.0, weight)
            assert word.points == pytest.approx(field.points)
            if weight == 1:
                assert len({hit.score for hit in hits}) == 1
    assert orders[0.25] == ["text", "summary"]
    assert orders[4] == ["summary", "text"]
    # Without a declaration, the weight with which the index was made counts.
    with engine.open(tmp_path / "index") as index:
        assert matches_in_order(index, "heron") == orders[0.25]


def test_everything_that_is_said_of_paragraphs_is_as_without_texts(engine: Engine, tmp_path: Path) -> None:
    with (
        engine.open(tmp_path / "with", fields=FIELDS) as index,
        engine.open(tmp_path / "without") as other,
    ):
        long = [" ".join(f"{word}{number}" for word in ("heron", "eel", "lock")) for number in range(12)]
        body = [Article("one", "One", long, "2021"), Article("two", "Two", [*long, "More."], "2022")]
        other.put(body)
        summary = " ".join(long)
        index.put(
            [Article(a.id, a.title, a.paragraphs, a.published, fields={"summary": summary}) for a in body]
        )
        index.put([Article("three", "Three", ["Unlike."], "2023", fields={"summary": summary})])
        other.put([Article("three", "Three", ["Unlike."], "2023")])
        assert index.get_status().paragraphs == other.get_status().paragraphs == 26
        for name in ("one", "two", "three"):
            first, second = (which.mark_article(name) for which in (index, other))
            assert first.paragraphs == second.paragraphs
            assert index.find_duplicates(name) == other.find_duplicates(name)
        quote = "heron3 eel3 lock3"
        assert index.verify_quote(quote) == other.verify_quote(quote)
        assert index.verify_quote("heron3 eel3 lock3", "three").verdict == "absent"
        pages = [which.search("heron3", timeline=True).timeline for which in (index, other)]
        assert [[bar.paragraphs for bar in page.bars] for page in pages if page] == [[1, 1, 0], [1, 1]]
        # Words that are asked for in texts alone are looked for in no paragraph.
        timeline = index.search("summary:heron3", timeline=True).timeline
        assert timeline
        assert [bar.paragraphs for bar in timeline.bars] == [12, 13, 1]
        assert index.verify(deep=True).differences == ()


def test_values_come_back_as_they_were_given(notes: Index) -> None:
    assert notes.get_article("birds").fields == BIRDS.fields
    assert {article.id: article.fields for article in notes.articles()} == {
        article.id: article.fields for article in NOTES
    }
    # A hit has an article without its text.
    assert hit_of(notes, "heron", "birds").article.fields == {}


def test_an_article_is_similar_by_its_paragraphs_to_what_others_say_anywhere(notes: Index) -> None:
    assert "birds" in ids(notes.find_similar("eels"))
    # The words of its own custom texts are not searched for.
    assert ids(notes.find_similar("reiher")) == []


def test_words_of_texts_are_suggested_and_corrected(notes: Index) -> None:
    assert "skies" in [suggestion.text for suggestion in notes.suggest("ski")]
    assert [one.text for one in notes.suggest("summary:her")] == ["summary:heron"]
    assert [one.text for one in notes.suggest("quay summary:ee")] == ["quay summary:eels"]
    assert notes.suggest("lead:her") == notes.suggest("desk:her") == ()
    assert notes.search("summary:hero", prefix=True).total == 2
    assert notes.search("lead:hero", prefix=True).total == 0
    assert notes.search("skoes").did_you_mean == "skies"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"filters": {"summary": "heron"}}, "filters: summary is a text: search it, with summary:word"),
        ({"facets": ["summary"]}, "facets: summary is a text: search it, with summary:word"),
        ({"filter": "summary:heron"}, "must have nothing but filters.*Fields of this index: desk"),
        ({"filters": {"pages": "1"}}, "must be one or more of .*, desk; not"),
    ],
)
def test_a_text_is_no_filter_and_no_facet(notes: Index, options: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidRequest, match=message):
        notes.search("heron", **options)
    if "filters" in options:
        with pytest.raises(InvalidRequest, match=message.partition(".*")[0]):
            notes.restricted({"summary": "heron"} if "summary" in message else {"pages": "1"})


@pytest.mark.parametrize("value", [["two", "texts"], 7, True])
def test_only_text_is_a_value_of_a_text(engine: Engine, tmp_path: Path, value: object) -> None:
    with (
        engine.open(tmp_path / "index", fields=FIELDS) as index,
        pytest.raises(InvalidArticle, match="summary"),
    ):
        index.put([Article("a", fields={"summary": value})])


def test_a_query_for_a_text_that_no_article_has_finds_nothing(engine: Engine, tmp_path: Path) -> None:
    with engine.open(tmp_path / "index", fields=FIELDS) as index:
        index.put([Article("a", "Heron", ["A heron."])])
        page = index.search("summary:heron")
        assert page.total == 0
        assert page.no_results is not None
        assert [one.query for one in page.no_results.suggestions] == ["heron"]
        assert index.search("text:heron").total == 1


def test_a_query_with_a_text_is_described_and_written_as_it_is_typed(notes: Index) -> None:
    explanation = notes.search('summary:"grey heron" lead:grey -summary:crane lock', explain=True).explanation
    assert explanation is not None
    assert explanation.reading == (
        "articles with the phrase “grey heron” in the field summary, “grey” in the field lead and “lock”, in "
        "any form, without “crane” in the field summary"
    )
    assert {clause.label: clause.fields for clause in explanation.clauses} == {
        'summary:"grey heron"': ("summary",),
        "lead:grey": ("lead",),
        "lock": ("title", "text", "summary", "lead"),
        "-summary:crane": ("summary",),
    }

"""Whoosh reads the index as one of its own: queries, matchers, columns and corrector, compared with stock."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import whoosh.index
import whoosh.query
import whoosh.writing
from whoosh.fields import Schema
from whoosh.filedb.filestore import RamStorage
from whoosh.qparser.default import QueryParser
from whoosh.query.qcore import Query
from whoosh.reading import TermNotFound

from indexer import Article, FieldType, Index, open_index
from indexer.article import make_anchors
from indexer.engine.build.merge import MergePolicy
from indexer.engine.whoosh.schema import make_schema
from tests.engine.bare_index import BareIndex

q: Any = whoosh.query  # its names are not typed as exported

ARTICLES = [
    Article(
        id="syria",
        title="Aid convoy reaches Aleppo",
        published="2021-11-05T21:01",
        paragraphs=[
            "Trucks crossed into Syria before dawn, drivers said.",
            "The harbour at Latakia stayed closed. Harbours do.",
            "Doctors asked for vaccine and clean water.",
        ],
    ),
    Article(
        id="vaccine",
        title="A vaccine for every harbour town",
        published="2021-03",
        paragraphs=["Vaccination began on Monday.", "The belt and road of clinics runs along the coast."],
    ),
    Article(
        id="road",
        title="Road repairs",
        published="2022",
        paragraphs=["The ring road needs a new belt of trees.", "R&D in C++ helped, @roadlab said."],
    ),
    Article(id="old", title="Old news", published="1950-06-01", paragraphs=["A convoy of carts."]),
    Article(id="undated", title="Zürich opens a café", paragraphs=["COVID-19 rules ended.", "Don't wait."]),
    Article(id="empty", title="Only a title about lighthouses", published="2020-01-01"),
]
GONE = Article(
    id="gone", title="Gone harbour", published="2021-05-05", paragraphs=["Syria vaccine gone.", "Road."]
)


SEGMENTS = [ARTICLES[:2], [*ARTICLES[2:5], GONE], ARTICLES[5:]]


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    """An index of several segments, from one of which an article was removed."""
    with open_index(tmp_path_factory.mktemp("codec") / "index") as opened:
        for articles in SEGMENTS:
            opened.put(articles)
        opened.remove(["gone"])
        yield opened


@pytest.fixture(scope="module")
def searcher(index: Index) -> Iterator[Any]:
    """Whoosh's own searcher."""
    with whoosh.index.open_dir(index.path).searcher() as opened:
        yield opened


@pytest.fixture(scope="module")
def theirs() -> Iterator[Any]:
    """The same of an index of the same articles that Whoosh wrote."""
    made = stock(SEGMENTS)
    made.delete_by_term("article", "gone")
    with made.searcher() as opened:
        yield opened


def stock(segments: list[list[Article]]) -> Any:
    """An index that Whoosh wrote, with a document for each paragraph of the articles."""
    made = RamStorage().create_index(Schema(**dict(make_schema("en").items())))
    for articles in segments:
        writer = made.writer()
        for article in articles:
            date = {"date": article.published.start} if article.published else {}
            anchors = make_anchors(article.paragraphs)
            for number, text in enumerate(article.paragraphs or [None], 1):
                title = {"title": article.title, "title_words": article.title} if number == 1 else {}
                body: dict[str, Any] = {"number": 0}
                if text is not None:
                    body = {"paragraph": text, "paragraph_words": text, "number": number}
                    body["anchor"] = anchors[number - 1]
                writer.add_document(article=article.id, _stored_title=article.title, **title, **date, **body)
        writer.commit(merge=False)
    return made


def found(searcher: Any, query: Query, **options: Any) -> list[tuple[str, int]]:
    """The articles and paragraph numbers that Whoosh finds, in its order."""
    return [(hit["article"], hit["number"]) for hit in searcher.search(query, limit=None, **options)]


def test_whoosh_opens_the_index_and_counts_what_is_in_it(index: Index, theirs: Any) -> None:
    opened = whoosh.index.open_dir(index.path)
    assert opened.doc_count() == theirs.doc_count()
    assert opened.doc_count_all() == theirs.doc_count_all() == opened.doc_count() + len(GONE.paragraphs)
    assert len(opened._segments()) == 3
    assert not opened.is_empty()
    assert sorted(opened.schema.names()) == sorted(make_schema("en").names())


def test_every_stored_field_is_returned(searcher: Any, theirs: Any) -> None:
    titles = {article.id: article.title for article in ARTICLES}
    wanted = [own | {"title": titles[own["article"]]} for own in theirs.reader().all_stored_fields()]
    assert list(searcher.reader().all_stored_fields()) == wanted
    assert searcher.document(article="old") == wanted[7]
    assert searcher.document(article="gone") is None


P = "paragraph"
TYPED = [
    (P, "syria", 1), (P, "SYRIAN harbours", 0), (P, "harbours", 1), (P, "vaccines", 2), (P, "covid-19", 1),
    (P, '"clean water"', 1), (P, '"water clean"', 0), (P, '"asked water"~5', 1), (P, "belt trees", 1),
    (P, "belt NOT trees", 1), (P, "syria OR trees", 2), (P, "gone", 0), (P, "title:road", 1),
    ("title", "zurich", 1), ("title", "lighthouse", 1), ("paragraph_words", "vacc*", 2),
    ("paragraph_words", "vaccination", 1),
    ("title_words", "harb*", 1), ("article", "road", 2), ("article", "gone", 0), ("date", "2022", 2),
    ("date", "[2020 TO 2021-04]", 3), (P, "date:[2021 TO 2022] belt", 2),
]  # fmt: skip
TREES = [
    (q.Every(), 11),
    (q.Every("date"), 9),
    (q.FuzzyTerm("paragraph_words", "harbor"), 1),
    (q.FuzzyTerm("paragraph_words", "vacine", maxdist=2), 1),
    (q.Wildcard("paragraph_words", "*ine"), 1),
    (q.Wildcard("paragraph_words", "harb?ur"), 1),
    (q.Regex("paragraph_words", "v.*[en]"), 2),
    (q.TermRange("paragraph_words", "tr", "tz"), 2),
    (q.DateRange("date", datetime(1950, 1, 1), datetime(1951, 1, 1)), 1),
    (q.DateRange("date", None, datetime(2020, 12, 31)), 2),
    (q.Phrase(P, ["belt/en", "and/en", "road/en"]), 1),
    (q.SpanNear(q.Term(P, "truck/en"), q.Term(P, "syria/en"), slop=3), 1),
    (q.SpanNear(q.Term(P, "syria/en"), q.Term(P, "truck/en"), slop=3), 0),
    (q.SpanFirst(q.Term(P, "the/en")), 3),
    (q.SpanNot(q.Term(P, "belt/en"), q.Term(P, "road/en")), 2),
    (q.SpanOr([q.Term(P, "truck/en"), q.Term(P, "cart/en")]), 2),
    (q.Not(q.Term(P, "the/en")), 8),
    (q.AndMaybe(q.Term(P, "belt/en"), q.Term("title", "road/en")), 2),
    (q.Require(q.Term(P, "belt/en"), q.Term("title", "road/en")), 1),
    (q.DisjunctionMax([q.Term(P, "cart/en"), q.Term("title", "old/en")]), 1),
    (q.ConstantScoreQuery(q.Term(P, "cart/en")), 1),
    (q.Prefix("article", "v"), 2),
    (q.Term(P, b"\xff\xfe"), 0),
]


@pytest.mark.parametrize(("query", "count"), [*[((f, t), n) for f, t, n in TYPED], *TREES], ids=repr)
def test_whooshs_queries_find_the_same_as_in_an_index_of_its_own(
    searcher: Any, theirs: Any, query: Any, count: int
) -> None:
    if isinstance(query, tuple):
        field, text = query
        query = QueryParser(field, searcher.schema).parse(text)
    documents = found(searcher, query)
    assert sorted(documents) == sorted(found(theirs, query))
    assert len(documents) == count


def test_hits_can_be_sorted_grouped_collapsed_and_filtered(searcher: Any, theirs: Any) -> None:
    belt, road = q.Term(P, "belt/en"), q.Term("article", "road")
    options: list[tuple[Query, dict[str, Any], int]] = [
        (q.Every(), {"sortedby": "date"}, 11),
        (q.Every(), {"sortedby": "date", "reverse": True}, 11),
        (q.Every(), {"collapse": "article"}, len(ARTICLES)),
        (belt, {"filter": road}, 1),
        (belt, {"mask": road}, 1),
    ]
    for query, given, count in options:
        assert found(searcher, query, **given) == found(theirs, query, **given), given
        assert len(found(searcher, query, **given)) == count
    groups = searcher.search(q.Every(), groupedby="date", limit=None).groups()
    assert len(groups[datetime(2021, 11, 5, 21, 1)]) == 3


def test_terms_can_be_listed_counted_and_corrected(searcher: Any, theirs: Any) -> None:
    reader, other = searcher.reader(), theirs.reader()
    for each in ("lexicon", "most_frequent_terms"):
        for field in ("paragraph_words", "title", "article"):
            assert list(getattr(reader, each)(field)) == list(getattr(other, each)(field))
    assert {*reader.expand_prefix("paragraph_words", "vac")} == {b"vaccine", b"vaccination"}
    assert list(reader.all_terms()) == list(other.all_terms()) == sorted(reader.all_terms())
    for start in ((P, b"vaccim"), (P, b"")):
        assert list(reader.terms_from(*start)) == [term for term in reader.all_terms() if term >= start]
    for word, is_known in (("harbour/en", True), ("nothing/en", False)):
        assert ((P, word) in reader) == ((P, word) in other) == is_known
        assert reader.doc_frequency(P, word) == other.doc_frequency(P, word) == is_known
        assert reader.frequency(P, word) == other.frequency(P, word)
    for field in (P, "article", "date", "title_words"):
        with pytest.raises(TermNotFound):
            reader.leaf_readers()[0][0].term_info(field, b"nothing")
    assert searcher.suggest("paragraph_words", "harbor") == ["harbour", "harbours"]
    parsed = QueryParser("paragraph_words", searcher.schema).parse("vacine")
    assert searcher.correct_query(parsed, "vacine").string == "vaccine"


def test_a_custom_text_is_a_document_with_the_name_of_its_field(tmp_path: Path) -> None:
    texts = {"lead": "Grey herons.", "abstract": "A heron stood."}
    articles = [
        Article("a", "Birds", ["A heron.", "Gulls."], "2021", "en", fields=texts),
        Article("b", "Herons", [], fields={"lead": "No gull."}),
    ]
    with open_index(tmp_path / "index", fields=dict.fromkeys(texts, FieldType("text"))) as index:
        index.put(articles)
        index.put([Article("c", "Plain", ["A heron."])])
        with whoosh.index.open_dir(index.path).searcher() as searcher:
            found = [hit.fields() for hit in searcher.search(q.Term("paragraph", "heron/en"), limit=None)]
            rows = {(row["article"], row.get("number"), row.get("field"), row["paragraph"]) for row in found}
            assert rows == {
                ("a", 1, None, "A heron."),
                ("a", None, "abstract", "A heron stood."),
                ("a", None, "lead", "Grey herons."),
                ("c", 1, None, "A heron."),
            }
            assert [hit.fields() for hit in searcher.search(q.Term("title", "heron/en"))] == [
                {"article": "b", "title": "Herons", "number": 0}
            ]
            assert searcher.doc_count() == 7


def test_a_cursor_steps_and_seeks_through_a_field(searcher: Any) -> None:
    reader = searcher.reader().leaf_readers()[0][0]
    cursor = reader.cursor("title")
    words = list(reader.lexicon("title"))
    for word in words:
        assert (cursor.text(), cursor.term_info().doc_frequency()) == (word.decode(), 1)
        cursor.next()
    assert (cursor.is_valid(), cursor.text(), cursor.term_info()) == (False, None, None)
    assert (cursor.find(b"convo"), cursor.find("zzz")) == ("convoy/en", None)
    assert cursor.first() == words[0].decode()


def test_positions_highlights_and_similar_documents(searcher: Any, theirs: Any) -> None:
    for each in (searcher, theirs):
        reader = each.reader()
        assert list(reader.postings(P, "harbour/en").items_as("positions")) == [(1, [1, 6])]
        assert ">Syria</b>" in each.search(q.Term(P, "syria/en"))[0].highlights(P)
        assert "belt/en" in {term for term, _ in each.key_terms([4], P, numterms=20)}
        assert {hit["article"] for hit in each.more_like(4, P)} == {"syria", "road"}
        assert list(reader.leaf_readers()[0][0].postings(P, b"the/en").all_ids()) == [1, 4]


# Writing


def test_whoosh_cannot_write_and_its_attempts_do_not_change_the_index(tmp_path: Path) -> None:
    with open_index(tmp_path / "index") as index:
        index.put(ARTICLES[:3])
        index.put(ARTICLES[3:])
        folder = Path(index.path)
        before = {path.name: path.read_bytes() for path in folder.iterdir()}

        def add(writer: Any) -> None:
            writer.add_document(article="x", title="Harbour", paragraph="harbour")

        def end(writer: Any) -> None:
            writer.commit()

        refused = [
            [add, end],
            [end],
            [lambda writer: writer.delete_by_term("article", "syria")],
            [lambda writer: writer.delete_document(0)],
            [lambda writer: writer.update_document(article="x", title="t"), end],
            [lambda writer: writer.commit(optimize=True)],
            [lambda writer: writer.commit(mergetype=whoosh.writing.CLEAR)],
            [lambda writer: writer.remove_field("title"), end],
        ]
        for steps in refused:
            writer: Any = whoosh.index.open_dir(index.path).writer()
            try:
                *before_last, last = steps
                for step in before_last:
                    step(writer)
                with pytest.raises(NotImplementedError, match="is written by Nutgraf"):
                    last(writer)
            finally:
                if not writer.is_closed:
                    writer.cancel()
            index.close()
            assert index.search("harbour").total == 2
            assert {n: (folder / n).read_bytes() for n in before} == before
        index.put([Article(id="new", title="New harbour")])
        assert index.search("harbour").total == 3
        assert index.rebuild().failed == []
        # What Whoosh's writers left behind went with the next commit.
        names = {path.name for path in folder.iterdir() if path.is_file()}
        assert not [
            name for name in names if name.startswith("MAIN_") and not name.endswith((".nut", "LOCK"))
        ]


def test_the_codec_refuses_to_write() -> None:
    from indexer.engine.whoosh.codec import ColumnarCodec

    methods = ("per_document_writer", "field_writer", "postings_writer", "postings_reader", "new_segment")
    for name in methods:
        with pytest.raises(NotImplementedError, match="can only read it"):
            getattr(ColumnarCodec(), name)()


# Against Whoosh's own index

WORDS = [
    "harbour", "harbours", "vaccine", "vaccines", "road", "roads", "belt", "the", "sea", "Zürich", "covid-19",
    "don't", "R&D", "café",
]  # fmt: skip

STEMS = ["road/en", "belt/en", "the/en", "harbour/en", "vaccin/en", "sea/en", "zurich/en"]


def make_leaf(chance: random.Random) -> Query:
    field = chance.choice(["paragraph", "paragraph", "title"])
    stem = chance.choice([*STEMS, "19", "nothing"])
    word = chance.choice(["harbour", "harbours", "vaccines", "roads", "covid", "cafe", "r&d", "nothing"])
    days = sorted(
        chance.sample(
            [datetime(2019, 1, 1), datetime(2021, 3, 1), datetime(2021, 3, 4), datetime(2023, 1, 1)], 2
        )
    )
    leaf: Query = chance.choice(
        [
            q.Term(field, stem),
            q.Term(field, stem),
            q.Term(f"{field}_words", word),
            q.Prefix(f"{field}_words", word[:3]),
            q.Wildcard(f"{field}_words", f"*{word[2:4]}*"),
            q.FuzzyTerm(f"{field}_words", word, maxdist=chance.choice([1, 2])),
            q.Phrase(field, [stem, chance.choice(STEMS[:3])], slop=chance.choice([1, 3])),
            q.TermRange(f"{field}_words", "b", "s"),
            q.DateRange("date", *days),
            q.Term("article", f"a{chance.randint(0, 9)}"),
            q.Every(),
            q.Every("date"),
        ]
    )
    return leaf


def make_tree(chance: random.Random, depth: int = 0) -> Query:
    """A random tree of Whoosh's queries."""
    if depth > 2 or chance.random() < 0.4:
        return make_leaf(chance)
    if not depth and chance.random() < 0.1:
        # By itself only: Whoosh cannot estimate its size.
        near: Query = q.SpanNear(
            q.Term("paragraph", "road/en"), q.Term("paragraph", "the/en"), slop=2, ordered=False
        )
        return near
    parts = [make_tree(chance, depth + 1) for _ in range(2)]
    tree: Query = chance.choice(
        [
            q.And(parts),
            q.Or(parts),
            q.And([parts[0], q.Not(parts[1])]),
            q.AndMaybe(*parts),
            q.Require(*parts),
            q.DisjunctionMax(parts),
        ]
    )
    return tree


def scored(searcher: Any, query: Query) -> dict[tuple[str, int], float]:
    """The score of every document that Whoosh finds."""
    return {(hit["article"], hit["number"]): hit.score for hit in searcher.search(query, limit=None)}


@pytest.mark.slow
@pytest.mark.parametrize("seed", [*range(6), 64])
def test_whoosh_finds_and_scores_the_same_as_in_its_own_index(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)

    # Short enough for Whoosh to know the exact lengths of its fields: it keeps a byte of each.
    def text(most: int) -> str:
        return " ".join(chance.choice(WORDS) for _ in range(chance.randint(1, most)))

    articles = [
        Article(
            id=f"a{n}",
            title=text(4),
            language="en",
            paragraphs=[text(4) for _ in range(chance.choice([0, 1, 2, 3]))],
            published=chance.choice([None, "2020", "2021-03-04", "2021-03-04T05:06", "2022-12"]),
        )
        for n in range(10)
    ]
    cuts = set(chance.sample(range(1, 10), seed % 3))
    # What is removed stays in its segment, as in an index of Whoosh.
    index = BareIndex(tmp_path / "index", policy=MergePolicy(max_removed=1))
    segments = [articles[start:end] for start, end in pairwise([0, *sorted(cuts), 10])]
    for own in segments:
        index.put(own)
    opened = whoosh.index.open_dir(str(tmp_path / "index"))
    made = stock(segments)
    with opened.searcher() as ours, made.searcher() as theirs:
        for field in ("article", "date", "title", "title_words", "paragraph", "paragraph_words"):
            assert list(ours.reader().lexicon(field)) == list(theirs.reader().lexicon(field)), field
            for text_ in theirs.reader().lexicon(field):
                left, right = (s.reader().term_info(field, text_) for s in (ours, theirs))
                for name in ("weight", "doc_frequency", "max_weight", "min_id", "max_id", "min_length"):
                    assert getattr(left, name)() == getattr(right, name)(), (field, text_, name)
            assert ours.reader().field_length(field) == theirs.reader().field_length(field) or field in (
                "article", "date",
            )  # fmt: skip
        for _ in range(60):
            query = make_tree(chance)
            assert scored(ours, query) == pytest.approx(scored(theirs, query), rel=1e-5), query
        dated = q.Every("date")
        assert found(ours, dated, sortedby="date") == found(theirs, dated, sortedby="date")
        assert found(ours, q.Every(), sortedby="date") == found(theirs, q.Every(), sortedby="date")
    # What is removed is found no more; scores may differ, for how much of it counts on is another matter.
    gone = [article.id for article in articles[::3]]
    index.remove(gone)
    for name in gone:
        made.delete_by_term("article", name)
    with whoosh.index.open_dir(str(tmp_path / "index")).searcher() as ours, made.searcher() as theirs:
        for _ in range(30):
            query = make_tree(chance)
            left = {place for place in scored(ours, query) if place[0] not in gone}
            assert left == set(scored(ours, query)) == set(scored(theirs, query)), query

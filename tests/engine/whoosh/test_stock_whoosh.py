"""Whoosh reads the index as one of its own: queries, matchers, columns and corrector, compared with stock."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import datetime
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

from indexer import Article, Index, open_index
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


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    """An index of several segments, from one of which an article was removed."""
    with open_index(tmp_path_factory.mktemp("codec") / "index") as opened:
        opened.put(ARTICLES[:2])
        opened.put([*ARTICLES[2:5], GONE])
        opened.put(ARTICLES[5:])
        opened.remove(["gone"])
        yield opened


@pytest.fixture(scope="module")
def searcher(index: Index) -> Iterator[Any]:
    """Whoosh's own searcher."""
    with whoosh.index.open_dir(index.path).searcher() as opened:
        yield opened


def found(searcher: Any, query: Query, **options: Any) -> list[tuple[str, int]]:
    """The articles and paragraph numbers that Whoosh finds, in its order."""
    return [(hit["article"], hit["number"]) for hit in searcher.search(query, limit=None, **options)]


def paragraphs(articles: list[Article]) -> list[tuple[str, int]]:
    """All documents: the paragraphs of each article, or one without text."""
    return [
        (article.id, number)
        for article in articles
        for number in (range(1, len(article.paragraphs) + 1) if article.paragraphs else [0])
    ]


def test_whoosh_opens_the_index_and_counts_what_is_in_it(index: Index) -> None:
    opened = whoosh.index.open_dir(index.path)
    assert opened.doc_count() == len(paragraphs(ARTICLES))
    assert opened.doc_count_all() == len(paragraphs([*ARTICLES, GONE]))
    assert len(opened._segments()) == 3
    assert not opened.is_empty()
    assert sorted(opened.schema.names()) == sorted(make_schema("en").names())


@pytest.mark.parametrize(
    ("field", "text", "wanted"),
    [
        ("paragraph", "syria", {("syria", 1)}),
        ("paragraph", "SYRIAN harbours", set()),
        ("paragraph", "harbours", {("syria", 2)}),
        ("paragraph", "vaccines", {("syria", 3), ("vaccine", 1)}),
        ("paragraph", '"clean water"', {("syria", 3)}),
        ("paragraph", '"water clean"', set()),
        ("paragraph", '"asked water"~5', {("syria", 3)}),
        ("paragraph", "belt trees", {("road", 1)}),
        ("paragraph", "belt NOT trees", {("vaccine", 2)}),
        ("paragraph", "syria OR trees", {("syria", 1), ("road", 1)}),
        ("paragraph", "covid-19", {("undated", 1)}),
        ("paragraph", "gone", set()),
        ("paragraph", "title:road", {("road", 1)}),
        ("title", "zurich", {("undated", 1)}),
        ("title", "lighthouse", {("empty", 0)}),
        ("paragraph_words", "vacc*", {("syria", 3), ("vaccine", 1)}),
        ("paragraph_words", "vaccination", {("vaccine", 1)}),
        ("paragraph_words", "harb?ur", {("syria", 2)}),
        ("title_words", "harb*", {("vaccine", 1)}),
        ("article", "road", {("road", 1), ("road", 2)}),
        ("article", "gone", set()),
        ("date", "2022", {("road", 1), ("road", 2)}),
        ("date", "[2020 TO 2021-04]", {("empty", 0), ("vaccine", 1), ("vaccine", 2)}),
        ("paragraph", "date:[2021 TO 2022] belt", {("vaccine", 2), ("road", 1)}),
    ],
)
def test_whooshs_parser_and_searcher_find(
    searcher: Any, field: str, text: str, wanted: set[tuple[str, int]]
) -> None:
    parser = QueryParser(field, searcher.schema)
    # Its wildcard plug-in leaves question marks to the tokeniser, unless it is asked first.
    parsed = q.Wildcard(field, text) if "?" in text else parser.parse(text)
    assert set(found(searcher, parsed)) == wanted


P = "paragraph"


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        (q.Every(), set(paragraphs(ARTICLES))),
        (q.Every("date"), set(paragraphs([a for a in ARTICLES if a.published]))),
        (q.FuzzyTerm("paragraph_words", "harbor"), {("syria", 2)}),
        (q.FuzzyTerm("paragraph_words", "vacine", maxdist=2), {("syria", 3)}),
        (q.Wildcard("paragraph_words", "*ine"), {("syria", 3)}),
        (q.Regex("paragraph_words", "v.*[en]"), {("syria", 3), ("vaccine", 1)}),
        (q.TermRange("paragraph_words", "tr", "tz"), {("syria", 1), ("road", 1)}),
        (q.DateRange("date", datetime(1950, 1, 1), datetime(1951, 1, 1)), {("old", 1)}),
        (q.DateRange("date", None, datetime(2020, 12, 31)), {("old", 1), ("empty", 0)}),
        (q.Phrase(P, ["belt", "and", "road"]), {("vaccine", 2)}),
        (q.SpanNear(q.Term(P, "truck"), q.Term(P, "syria"), slop=3), {("syria", 1)}),
        (q.SpanNear(q.Term(P, "syria"), q.Term(P, "truck"), slop=3), set()),
        (q.SpanFirst(q.Term(P, "the")), {("syria", 2), ("vaccine", 2), ("road", 1)}),
        (q.SpanNot(q.Term(P, "belt"), q.Term(P, "road")), {("vaccine", 2), ("road", 1)}),
        (q.SpanOr([q.Term(P, "truck"), q.Term(P, "cart")]), {("syria", 1), ("old", 1)}),
        (q.Not(q.Term(P, "the")), {
            ("syria", 1), ("syria", 3), ("vaccine", 1), ("road", 2), ("old", 1),
            ("undated", 1), ("undated", 2), ("empty", 0),
        }),
        (q.AndMaybe(q.Term(P, "belt"), q.Term("title", "road")), {("vaccine", 2), ("road", 1)}),
        (q.Require(q.Term(P, "belt"), q.Term("title", "road")), {("road", 1)}),
        (q.DisjunctionMax([q.Term(P, "cart"), q.Term("title", "old")]), {("old", 1)}),
        (q.ConstantScoreQuery(q.Term(P, "cart")), {("old", 1)}),
        (q.Prefix("article", "v"), {("vaccine", 1), ("vaccine", 2)}),
        (q.Term(P, b"\xff\xfe"), set()),
    ],
    # The order of a set differs from process to process.
    ids=lambda value: repr(sorted(value)) if isinstance(value, set) else repr(value),
)  # fmt: skip
def test_whooshs_queries_find(searcher: Any, query: Query, wanted: set[tuple[str, int]]) -> None:
    assert set(found(searcher, query)) == wanted


def test_hits_can_be_sorted_grouped_collapsed_and_filtered(searcher: Any) -> None:
    oldest = [
        "old",
        "empty",
        "vaccine",
        "vaccine",
        "syria",
        "syria",
        "syria",
        "road",
        "road",
        "undated",
        "undated",
    ]
    assert [name for name, _ in found(searcher, q.Every(), sortedby="date")] == oldest
    newest = found(searcher, q.Every(), sortedby="date", reverse=True)
    assert [name for name, _ in newest] == oldest[::-1]
    groups = searcher.search(q.Every(), groupedby="date", limit=None).groups()
    assert len(groups[datetime(2021, 11, 5, 21, 1)]) == 3
    assert len(found(searcher, q.Every(), collapse="article")) == len(ARTICLES)
    assert found(searcher, q.Term(P, "belt"), filter=q.Term("article", "road")) == [("road", 1)]
    assert found(searcher, q.Term(P, "belt"), mask=q.Term("article", "road")) == [("vaccine", 2)]


def test_every_stored_field_is_returned(searcher: Any) -> None:
    stored = list(searcher.reader().all_stored_fields())
    wanted = []
    for article in ARTICLES:
        common: dict[str, Any] = {"article": article.id, "title": article.title}
        if article.published:
            common["date"] = article.published.start
        names = make_anchors(article.paragraphs)
        for number, (text, anchor) in enumerate(zip(article.paragraphs, names, strict=True), 1):
            wanted.append(common | {"number": number, "anchor": anchor, "paragraph": text})
        if not article.paragraphs:
            wanted.append(common | {"number": 0})
    assert stored == wanted
    assert searcher.document(article="old") == wanted[7]
    assert searcher.document(article="gone") is None


def test_terms_can_be_listed_counted_and_corrected(searcher: Any) -> None:
    reader = searcher.reader()
    words = {t for t in reader.lexicon("paragraph_words") if t.startswith(b"vac")}
    assert words == {b"vaccine", b"vaccination"} == set(reader.expand_prefix("paragraph_words", "vac"))
    assert list(reader.lexicon("article")) == sorted(a.id.encode() for a in [*ARTICLES, GONE])
    assert b"harbour" in set(reader.lexicon("title"))
    assert b"harbour" in set(reader.lexicon("paragraph"))
    assert b"lighthous" not in set(reader.lexicon("paragraph"))
    assert next(iter(reader.terms_from("paragraph", b"vaccim"))) == ("paragraph", b"vaccin")
    assert list(reader.all_terms()) == sorted(reader.all_terms())
    assert list(reader.terms_from("paragraph", b"")) == [t for t in reader.all_terms() if t[0] >= "paragraph"]
    assert (reader.doc_frequency("paragraph", "harbour"), reader.frequency("paragraph", "harbour")) == (
        1,
        2.0,
    )
    assert reader.doc_frequency("paragraph", "nothing") == 0
    assert ("paragraph", "harbour") in reader
    assert ("paragraph", "nothing") not in reader
    info = reader.term_info("paragraph", "harbour")
    assert (info.weight(), info.doc_frequency(), info.max_weight(), info.min_id(), info.max_id()) == (
        2,
        1,
        2,
        1,
        1,
    )
    assert (info.min_length(), info.max_length()) == (8, 8)
    for field in ("paragraph", "article", "date", "title_words"):
        with pytest.raises(TermNotFound):
            reader.leaf_readers()[0][0].term_info(field, b"nothing")
    assert searcher.suggest("paragraph_words", "harbor") == ["harbour", "harbours"]
    assert searcher.corrector("paragraph_words").suggest("vacine") == ["vaccine"]
    parsed = QueryParser("paragraph_words", searcher.schema).parse("vacine")
    assert searcher.correct_query(parsed, "vacine").string == "vaccine"


def test_a_cursor_steps_and_seeks_through_a_field(searcher: Any) -> None:
    reader = searcher.reader().leaf_readers()[0][0]
    words = [text.decode() for text in reader.lexicon("title")]
    cursor = reader.cursor("title")
    seen = []
    text = cursor.first()
    while cursor.is_valid():
        seen.append(text)
        assert cursor.term_info().doc_frequency() == 1
        text = cursor.next()
    assert seen == words
    assert (cursor.text(), cursor.term_info()) == (None, None)
    assert cursor.find(b"convo") == "convoy"
    assert cursor.find("zzz") is None


def test_positions_highlights_and_similar_documents(searcher: Any) -> None:
    reader = searcher.reader()
    assert list(reader.postings("paragraph", "harbour").items_as("positions")) == [(1, [1, 6])]
    hit = searcher.search(q.Term(P, "syria"))[0]
    assert ">Syria</b>" in hit.highlights("paragraph")
    assert "belt" in {term for term, _ in searcher.key_terms([4], "paragraph", numterms=20)}
    assert {hit["article"] for hit in searcher.more_like(4, "paragraph")} == {"syria", "road"}
    matcher = reader.leaf_readers()[0][0].postings("paragraph", b"the")
    assert list(matcher.all_ids()) == [1, 4]


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

    codec = ColumnarCodec()
    calls: list[tuple[Any, int]] = [
        (codec.per_document_writer, 2),
        (codec.field_writer, 2),
        (codec.postings_writer, 1),
        (codec.postings_reader, 3),
        (codec.new_segment, 2),
    ]
    for method, count in calls:
        with pytest.raises(NotImplementedError, match="can only read it"):
            method(*[None] * count)


# Against Whoosh's own index

WORDS = [
    "harbour",
    "harbours",
    "vaccine",
    "vaccines",
    "road",
    "roads",
    "belt",
    "the",
    "sea",
    "Zürich",
    "covid-19",
    "don't",
    "R&D",
    "café",
]


def stock(articles: list[Article], cuts: set[int]) -> Any:
    """The same paragraphs in an index that Whoosh wrote; a segment ends before each of `cuts`."""
    made = RamStorage().create_index(Schema(**dict(make_schema("en").items())))
    writer = made.writer()
    for place, article in enumerate(articles):
        if place in cuts and place:
            writer.commit(merge=False)
            writer = made.writer()
        date = {"date": article.published.start} if article.published else {}
        for number, text in enumerate(article.paragraphs or [None], 1):
            title = {"title": article.title, "title_words": article.title} if number == 1 else {}
            body = {"paragraph": text, "paragraph_words": text} if text is not None else {}
            number = number if text is not None else 0
            writer.add_document(
                article=article.id, _stored_title=article.title, number=number, **title, **date, **body
            )
    writer.commit(merge=False)
    return made


def make_leaf(chance: random.Random) -> Query:
    field = chance.choice(["paragraph", "paragraph", "title"])
    stem = chance.choice(["harbour", "vaccin", "road", "belt", "the", "sea", "zurich", "19", "nothing"])
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
            q.Phrase(field, [stem, chance.choice(["road", "belt", "the"])], slop=chance.choice([1, 3])),
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
            q.Term("paragraph", "road"), q.Term("paragraph", "the"), slop=2, ordered=False
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
    for place in sorted({0, *cuts}):
        end = min({cut for cut in cuts if cut > place}, default=10)
        index.put(articles[place:end])
    opened = whoosh.index.open_dir(str(tmp_path / "index"))
    made = stock(articles, cuts)
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

"""Segments of some articles, without an index, and what such a segment must contain."""

from __future__ import annotations

import os
from array import array
from collections import defaultdict
from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path
from string import digits
from typing import Any

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st

from indexer import Article, FieldType, Published
from indexer.article import make_anchors
from indexer.engine.build.gather import Chunk, Gatherer
from indexer.engine.build.invert import Buffer
from indexer.engine.format.record import NO_DATE, encode_article, to_timestamp
from indexer.engine.format.sketches import Sketches
from indexer.engine.read.postings import Postings
from indexer.engine.read.segment import SegmentView
from indexer.text.analyzer import get_analyzer
from indexer.text.detection import detect_language
from indexer.text.normalization import is_in_capitals, normalize
from tests.fixtures.words import WORDS

FIELDS = {
    "desk": FieldType("keyword"),
    "edition": FieldType("integer"),
    "price": FieldType("number"),
    "embargo": FieldType("date"),
    "breaking": FieldType("boolean"),
    "lead": FieldType("text"),
    "abstract": FieldType("text", weight=3),
}
DETAILS: list[dict[str, Any]] = [
    {},
    {"authors": ["Ada Berg", "Zoë"], "section": "Port", "url": "https://news.example/1"},
    {"tags": ["sea", "東"], "publisher": "Port Post", "source": "wire", "fields": {"desk": ("b", "a")}},
    {"authors": ["Zoë"], "fields": {"edition": -(2**50), "price": 0.5, "breaking": True}},
    {"tags": ["sea"], "fields": {"embargo": "2024-05", "breaking": False, "desk": ("a",)}},
    {"fields": {"embargo": "9999", "edition": 7, "undeclared": "x"}},
    {"fields": {"edition": "not a number"}},
    {"fields": {"lead": "Road roads 東京 canciones", "desk": ("b",)}},
    {"fields": {"lead": "½ VACCINES of the road", "abstract": "vaccinated US US"}},
    {"fields": {"abstract": "😀", "lead": ("no", "text")}},
]
MANY = settings(max_examples=int(os.environ.get("TEST_EXAMPLES", "60")))
# Words that share a stem, have several tokens or none, or have another stem in another language.
TEXTS = st.lists(
    st.sampled_from(
        [
            *[*WORDS, "vaccinated", "vaccines", "roads", "@road", "½", "😀", "東京", "京都府", "canciones"],
            *["VACCINES", "ROAD", "US", "Road"],
        ]
    ),
    max_size=10,
).map(" ".join)
ARTICLES = st.lists(
    st.tuples(
        TEXTS,
        st.lists(TEXTS, max_size=4),
        st.sampled_from([None, "0001", "1969", "2021-03", "2021-03-04T05:06", "9999-12"]),
        st.sampled_from([None, "en", "de", "es", "ja"]),
        st.sampled_from(["", "é", "東", "-"]),
        st.sampled_from(DETAILS),
    ),
    max_size=12,
).map(
    lambda rows: [
        Article(f"{mark}a{place}", title, texts, when, language, **details)
        for place, (title, texts, when, language, mark, details) in enumerate(rows)
    ]
)


EVERYTHING = [
    Article(
        id="a",
        title="Harbour harbours",
        paragraphs=["½ harbour 東京都 ½", "", "don't the don't"],
        published="2021",
    ),
    Article(id="b", title="", language="es", paragraphs=[]),
    Article(id="c", title="😀", language="de", paragraphs=["😀", "vaccine vaccines vaccinated vaccine"]),
    Article(id="d", title="vaccine", language="es", paragraphs=["vaccines canciones"]),
]
SMALL = [
    Article(id="é", title="Zürich café", published="2021-03", paragraphs=["A crane, a crane.", "東京都"]),
    Article(id="b", title="", paragraphs=[]),
    Article(id="c", title="Sea", language="de", paragraphs=["Häuser am Meer und Häuser."]),
]


class Naive:
    """The expected content of a segment, by plain loops."""

    def __init__(self, articles: Sequence[Article]) -> None:
        self.articles = list(articles)
        self.own = [[name for name in ("abstract", "lead") if is_text(article, name)] for article in articles]
        self.widths = [
            max(len(article.paragraphs), 1) + len(own)
            for article, own in zip(articles, self.own, strict=True)
        ]
        self.first = [0, *accumulate(self.widths)]
        self.documents = self.first[-1]
        # By field: the tokens of each document that has any.
        self.tokens: dict[str, dict[int, list[Any]]] = {"title": {}, "paragraph": {}}
        self.texts: dict[str, dict[int, str]] = {"title": {}, "paragraph": {}}
        # The names of the fields of custom texts, and "" for paragraphs.
        self.doc_fields: list[str] = []
        for article, first, own in zip(articles, self.first, self.own, strict=False):
            words = get_analyzer(language_of(article))
            self.tokens["title"][first] = words.tokenize(article.title)
            self.texts["title"][first] = article.title
            for place, text in enumerate(article.paragraphs):
                self.tokens["paragraph"][first + place] = words.tokenize(text)
                self.texts["paragraph"][first + place] = text
            self.doc_fields += [""] * max(len(article.paragraphs), 1)
            for name in own:
                text, doc = str(article.fields[name]), len(self.doc_fields)
                self.tokens["paragraph"][doc], self.texts["paragraph"][doc] = words.tokenize(text), text
                self.doc_fields.append(name)
        every = [t for docs in self.tokens.values() for tokens in docs.values() for t in tokens]
        self.forms = sorted({(token.stem, token.word) for token in every})
        self.stems = sorted({token.stem for token in every})
        self.words = sorted({token.word for token in every})
        self.words_of: dict[str, set[str]] = defaultdict(set)
        for token in every:
            self.words_of[token.stem].add(token.word)

    def counted(self, field: str, form: str, wanted: set[str]) -> list[tuple[int, float]]:
        """Documents and frequencies of the tokens with one of the wanted forms ("stem" or "word")."""
        counts = [
            (doc, sum(getattr(token, form) in wanted for token in tokens))
            for doc, tokens in sorted(self.tokens[field].items())
        ]
        return [(doc, float(count)) for doc, count in counts if count]

    def capitals(self, field: str, stem: str, word: str) -> list[tuple[int, float]]:
        """Documents and frequencies of a form in capitals."""
        texts = self.texts[field]
        counts = [
            (
                doc,
                sum(
                    (t.stem, t.word) == (stem, word) and is_in_capitals(texts[doc][t.start : t.end])
                    for t in tokens
                ),
            )
            for doc, tokens in sorted(self.tokens[field].items())
            if not is_mostly_in_capitals(texts[doc])
        ]
        return [(doc, float(count)) for doc, count in counts if count]

    def positions(self, field: str, stem: str, docs: Sequence[int]) -> list[tuple[int, int]]:
        """Places in `docs` and positions of a stem."""
        return [
            (place, position)
            for place, doc in enumerate(docs)
            for position, token in enumerate(self.tokens[field].get(doc, []))
            if token.stem == stem
        ]


def is_text(article: Article, field: str) -> bool:
    """Whether an article has a text in a custom field."""
    return isinstance(article.fields.get(field), str)


def is_mostly_in_capitals(text: str) -> bool:
    """Whether more than half of the words are in capitals, numbers and single letters aside."""
    words = [word for word in text.split() if word[0] not in digits and len(word.encode()) > 1]
    return 2 * sum(map(is_in_capitals, words)) > len(words)


def language_of(article: Article) -> str:
    """The language that an article is analysed in where English is configured."""
    return article.language or detect_language(article.title, article.paragraphs, "en")


def pairs(found: Postings) -> list[tuple[int, float]]:
    """Postings as a list."""
    assert found.docs.dtype == np.int32
    assert found.freqs.dtype == np.float64
    return list(zip(found.docs.tolist(), found.freqs.tolist(), strict=True))


def assert_says(view: SegmentView, articles: Sequence[Article]) -> None:
    """Check that a segment has the terms that analysing its articles gives."""
    view.file.verify()
    naive = Naive(articles)
    assert (view.documents, view.articles) == (naive.documents, len(articles))
    assert view.doc_starts.tolist() == naive.first
    names = ["", *view.text_names]
    assert [names[number] for number in view.doc_fields.tolist()] == naive.doc_fields
    assert sorted({*naive.doc_fields}) == [*names] if naive.doc_fields else not view.text_names
    assert view.stems.words() == naive.stems
    assert view.words.words() == view.lexicon == naive.words
    for field in ("title", "paragraph"):
        assert pairs(view.postings(field, "no such stem")) == []
        for stem in naive.stems:
            assert pairs(view.postings(field, stem)) == naive.counted(field, "stem", {stem})
            every = range(naive.documents)
            for docs in (every, every[::2], every[-1:]):
                found = view.positions(field, stem, np.array(docs, np.int32))
                wanted = naive.positions(field, stem, docs)
                assert list(zip(*(part.tolist() for part in found), strict=True)) == wanted
        for stem, word in naive.forms:
            in_capitals = view.form_postings(field, stem, word, in_capitals=True)
            assert pairs(in_capitals) == naive.capitals(field, stem, word)
        several = [naive.words, naive.words[::2], naive.words[1:6], [], ["-"]]
        for words in [*([word] for word in naive.words), *several]:
            assert pairs(view.word_postings(field, words)) == naive.counted(field, "word", set(words))
    for stem in naive.stems:
        assert view.words_of(stem) == sorted(naive.words_of[stem])
    lengths = [len(naive.tokens["paragraph"].get(doc, [])) for doc in range(naive.documents)]
    assert view.column("doc.terms").tolist() == lengths
    for name, values in {
        "counts": [len(article.paragraphs) for article in articles],
        "title_terms": [len(naive.tokens["title"][doc]) for doc in naive.first[:-1]],
        "text_terms": [sum(lengths[a:b]) for a, b in zip(naive.first, naive.first[1:], strict=False)],
        "date_starts": [to_timestamp(a.published.start) if a.published else NO_DATE for a in articles],
        "date_ends": [to_timestamp(a.published.end) if a.published else NO_DATE for a in articles],
    }.items():
        assert view.column(f"article.{name}").tolist() == values, name
    codes = view.column("article.languages").tolist()
    assert [view.languages[code] for code in codes] == [*map(language_of, articles)]
    keys = [normalize(article.title).encode()[:8].ljust(8, b"\0") for article in articles]
    assert [int(k).to_bytes(8) for k in view.file.sections["article.title_keys"]] == keys
    for number, article in enumerate(articles):
        assert view.id_of(number) == article.id
        assert view.find(article.id) == number
        assert view.all_items(number) == encode_article(article)
        assert view.anchors(number) == make_anchors(article.paragraphs)
        for doc in range(naive.first[number], naive.first[number + 1]):
            assert view.text_of(doc) == naive.texts["paragraph"].get(doc, "")
        head, *texts = encode_article(article)
        assert view.items([number, number], [range(len(texts))[-1:], ()]) == [[head, *texts[-1:]], [head]]
    assert view.find("nobody") is None
    assert {name: values_of(view, name) for name in view.kinds} == find_values(articles)


def values_of(view: SegmentView, name: str) -> list[tuple[int, Any]]:
    """The articles and values of a column, in their order."""
    column = view.read_column(name)
    values: list[Any] = column.values.tolist()
    if column.kind == "date":
        values = [*zip(values, column.ends.tolist(), strict=True)]
    elif column.names:
        values = [column.names[code] for code in values]
    return [*zip(column.owners.tolist(), values, strict=True)]


def find_values(articles: Sequence[Article]) -> dict[str, list[tuple[int, Any]]]:
    """The values of each column that has any, by plain loops."""
    found: dict[str, list[tuple[int, Any]]] = defaultdict(list)
    for number, article in enumerate(articles):
        columns: dict[str, Any] = {
            "author": article.authors,
            "tag": article.tags,
            "section": [article.section],
            "publisher": [article.publisher],
            "source": [article.source],
            "site": ["news.example" if article.url else None],
            "desk": article.fields.get("desk", ()),
            "breaking": [str(article.fields["breaking"]).lower()] if "breaking" in article.fields else [],
            "price": [article.fields.get("price")],
            "edition": [value for value in [article.fields.get("edition")] if isinstance(value, int)],
        }
        if "embargo" in article.fields:
            date = Published.parse(str(article.fields["embargo"]))
            columns["embargo"] = [(to_timestamp(date.start), to_timestamp(date.end))]
        for name, values in columns.items():
            if own := [(number, value) for value in values if value is not None]:
                found[name] += own
    return dict(found)


def gathered(articles: Sequence[Article]) -> Chunk:
    """The articles as one chunk."""
    gatherer = Gatherer("en", FIELDS)
    for article in articles:
        gatherer.add(article)
    return gatherer.take()


def buffered(articles: Sequence[Article]) -> Buffer:
    """A buffer that holds the articles."""
    buffer = Buffer()
    buffer.add(gathered(articles), array("i"))
    return buffer


def built(articles: Sequence[Article], path: Path) -> SegmentView:
    """A segment of these articles."""
    return written(buffered(articles), path)


def written(buffer: Buffer, path: Path) -> SegmentView:
    """The segment of a buffer."""
    pieces, documents = buffer.make_segment()
    path.write_bytes(b"".join(pieces))
    view = SegmentView(path)
    assert view.documents == documents
    return view


def contents(view: SegmentView) -> dict[str, Any]:
    """Everything that a segment's file holds, but for its texts' blocks."""
    arrays = {name: view.file.sections[name] for name in view.file._directory}
    for name in ("facts", "text.data", "text.ends", "text.items"):
        del arrays[name]
    return {
        "facts": view.file.read_facts(),
        **{name: (array.dtype, array.tobytes()) for name, array in arrays.items()},
    }


def segment_bytes(articles: Sequence[Article]) -> bytes:
    """The file of a segment of these articles."""
    return b"".join(buffered(articles).make_segment()[0])


def sketches(articles: Sequence[Article]) -> Sketches:
    """The sketches of articles, gathered as one chunk."""
    return gathered(articles).columns["sketches"]

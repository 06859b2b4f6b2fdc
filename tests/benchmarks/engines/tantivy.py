"""Tantivy, by its Python binding."""

from __future__ import annotations

from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar

from tests.benchmarks.corpus import read_lines
from tests.benchmarks.engines import TOP, Engine, Found
from tests.benchmarks.queries import Kind, Question

_HEAP = 256_000_000
# As many terms as a prefix may stand for; more than any here does.
_TERMS = 1024


class Tantivy(Engine):
    """One document a paragraph, `en_stem`, one writing thread, `SnippetGenerator`."""

    name = "tantivy"
    library = "tantivy"
    module = "tantivy"
    remarks: ClassVar[dict[Kind, str]] = {
        Kind.FUZZY: "finds, but scores all alike, and its snippet generator marks nothing"
    }

    def build(self, source: Path, folder: Path) -> None:
        """One commit, and whatever merging it started."""
        tantivy: Any = import_module("tantivy")
        schema = (
            tantivy.SchemaBuilder()
            .add_text_field("article", stored=True, tokenizer_name="raw", index_option="basic")
            .add_integer_field("number", stored=True)
            .add_date_field("published", stored=True, indexed=True, fast=True)
            .add_integer_field("year", fast=True)
            .add_text_field("text", stored=True, tokenizer_name="en_stem")
            .build()
        )
        folder.mkdir(parents=True)
        writer = tantivy.Index(schema, path=str(folder)).writer(_HEAP, 1)
        for story in read_lines(source):
            published = datetime.fromisoformat(story.published).replace(tzinfo=UTC)
            for number, text in enumerate((story.title, *story.paragraphs)):
                document = tantivy.Document()
                document.add_text("article", story.id)
                document.add_integer("number", number)
                document.add_date("published", published)
                document.add_integer("year", published.year)
                document.add_text("text", text)
                writer.add_document(document)
        writer.commit()
        writer.wait_merging_threads()

    def open(self, folder: Path) -> None:
        """One searcher, kept."""
        self._library: Any = import_module("tantivy")
        self._index: Any = self._library.Index.open(str(folder))
        self._searcher: Any = self._index.searcher()

    def search(self, question: Question) -> list[Found]:
        """The ten best documents, or the newest, with their snippets."""
        query, searcher = self._query(question), self._searcher
        field = "published" if question.kind is Kind.SORTED else None
        # Counting all that match is left out where it can be: that lets it skip blocks.
        hits = searcher.search(query, TOP, count=False, order_by_field=field).hits
        if question.kind is Kind.FACETS:
            years = {"years": {"terms": {"field": "year", "size": 100}}}
            searcher.aggregate(query, years)
        cut = self._library.SnippetGenerator.create(searcher, query, self._index.schema, "text")
        documents = [searcher.doc(address) for _, address in hits]
        if question.kind is Kind.FUZZY:
            return [
                Found(document.get_first("article"), document.get_first("text")) for document in documents
            ]
        return [
            Found(document.get_first("article"), cut.snippet_from_doc(document).to_html())
            for document in documents
        ]

    def _query(self, question: Question) -> Any:
        words, parse, schema = question.words, self._index.parse_query, self._index.schema
        library = self._library
        match question.kind:
            case Kind.OR | Kind.SIX:
                # All six in one paragraph would find next to nothing.
                return parse(" ".join(words), ["text"])
            case Kind.PHRASE:
                return parse(f'"{" ".join(words)}"', ["text"])
            case Kind.PREFIX:
                # Its own prefix queries neither score nor mark; the terms that it lists for a prefix do both.
                terms = self._searcher.terms_with_prefix("text", words[0], limit=_TERMS)
                either = [
                    (library.Occur.Should, library.Query.term_query(schema, "text", term))
                    for term, _ in terms
                ]
                return library.Query.boolean_query(either)
            case Kind.FUZZY:
                return parse(words[0], ["text"], fuzzy_fields={"text": (False, 1, True)})
        parsed = parse(" ".join(words), ["text"], conjunction_by_default=True)
        if question.after and question.before:
            edges = [
                datetime(day.year, day.month, day.day, tzinfo=UTC)
                for day in (question.after, question.before)
            ]
            dates = library.Query.range_query(
                schema, "published", library.FieldType.Date, *edges, include_upper=False
            )
            # Dates do not count towards the score.
            dates = library.Query.const_score_query(dates, 0.0)
            must = library.Occur.Must
            return library.Query.boolean_query([(must, parsed), (must, dates)])
        return parsed

    def close(self) -> None:
        """Nothing to close."""

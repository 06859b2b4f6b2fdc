"""Whoosh with its own codec, used the way its manual shows."""

# Whoosh is not annotated.
# mypy: allow-untyped-calls

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from tests.benchmarks.corpus import read_lines
from tests.benchmarks.engines import TOP, Engine, Found
from tests.benchmarks.queries import Kind, Question


class StockWhoosh(Engine):
    """One document a paragraph, `StemmingAnalyzer`, stored text, `highlights()`."""

    name = "whoosh3"
    library = "whoosh3"
    module = "whoosh"

    def build(self, source: Path, folder: Path) -> None:
        """One writer, one commit; the manual's advice for large batches is a larger limit."""
        from whoosh import fields, index
        from whoosh.analysis.analyzers import StemmingAnalyzer

        schema = fields.Schema(
            article=fields.ID(stored=True),
            number=fields.NUMERIC(stored=True),
            published=fields.DATETIME(stored=True, sortable=True),
            # The year as a column, so that counting facets does not go through terms.
            year=fields.NUMERIC(sortable=True),
            text=fields.TEXT(analyzer=StemmingAnalyzer(), stored=True),
        )
        folder.mkdir(parents=True)
        writer = index.create_in(str(folder), schema).writer(limitmb=256)
        for story in read_lines(source):
            published = datetime.fromisoformat(story.published)
            for number, text in enumerate((story.title, *story.paragraphs)):
                writer.add_document(
                    article=story.id, number=number, published=published, year=published.year, text=text
                )
        writer.commit()

    def open(self, folder: Path) -> None:
        """One searcher, kept open."""
        from whoosh import index
        from whoosh.qparser.default import QueryParser
        from whoosh.qparser.plugins import FuzzyTermPlugin
        from whoosh.qparser.syntax import OrGroup

        opened = index.open_dir(str(folder))
        self._searcher: Any = opened.searcher()
        self._every: Any = QueryParser("text", opened.schema)
        self._every.add_plugin(FuzzyTermPlugin())
        self._any: Any = QueryParser("text", opened.schema, group=OrGroup)

    def search(self, question: Question) -> list[Found]:
        """The ten best documents with their highlights."""
        options: dict[str, Any] = {}
        if question.kind is Kind.SORTED:
            options = {"sortedby": "published", "reverse": True}
        elif question.kind is Kind.FACETS:
            options = {"groupedby": "year"}
        results = self._searcher.search(self._query(question), limit=TOP, **options)
        if question.kind is Kind.FACETS:
            _ = {year: len(found) for year, found in results.groups("year").items()}
        return [Found(hit["article"], hit.highlights("text")) for hit in results]

    def _query(self, question: Question) -> Any:
        words = question.words
        match question.kind:
            case Kind.OR | Kind.SIX:
                # All six in one paragraph would find next to nothing.
                return self._any.parse(" ".join(words))
            case Kind.PHRASE:
                return self._every.parse(f'"{" ".join(words)}"')
            case Kind.PREFIX:
                return self._every.parse(f"{words[0]}*")
            case Kind.FUZZY:
                return self._every.parse(f"{words[0]}~1")
        parsed = self._every.parse(" ".join(words))
        if question.after and question.before:
            from whoosh.query.compound import And
            from whoosh.query.ranges import DateRange

            start = datetime.combine(question.after, datetime.min.time())
            end = datetime.combine(question.before, datetime.min.time()) - timedelta(microseconds=1)
            return And([parsed, DateRange("published", start, end)])
        return parsed

    def close(self) -> None:
        """Close the searcher."""
        self._searcher.close()

"""What a Whoosh document holds: one paragraph, with its article's id, title and date."""

from __future__ import annotations

from whoosh.fields import DATETIME, ID, STORED, TEXT, Schema

from indexer.engine.forms import FormAnalyzer


def make_schema(language: str) -> Schema:
    """The schema of an index whose articles are in `language` unless they say otherwise.

    The title's terms are indexed in an article's first document only, so that a word in a title counts once;
    its text is stored in every document. The `…_words` fields have the words as written, without positions.
    """
    stems, words = FormAnalyzer(language, "stem"), FormAnalyzer(language, "word")
    return Schema(
        article=ID(stored=True),
        title=TEXT(analyzer=stems, stored=True),
        title_words=TEXT(analyzer=words, phrase=False),
        date=DATETIME(stored=True, sortable=True),
        number=STORED(),
        anchor=STORED(),
        paragraph=TEXT(analyzer=stems, stored=True),
        paragraph_words=TEXT(analyzer=words, phrase=False),
    )

"""What a Whoosh document holds: one paragraph, with its article's id, title and date."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from whoosh.fields import DATETIME, ID, STORED, TEXT, Schema

from indexer.engine.codec import REFUSAL
from indexer.engine.forms import FormAnalyzer

_is_allowed = ContextVar("_is_allowed", default=False)


class GuardedSchema(Schema):
    """A schema that cannot be written into a table of contents, unless it is Nutgraf that writes.

    Every commit writes it anew. One that Whoosh's own writer makes would lose what Nutgraf knows of the
    articles, and replace the segments by Whoosh's.
    """

    def clean(self) -> None:
        """What Whoosh calls just before it writes a schema; raises NotImplementedError."""
        if not _is_allowed.get():
            raise NotImplementedError(REFUSAL)
        super().clean()


@contextmanager
def commit_allowed() -> Iterator[None]:
    """Let tables of contents be written meanwhile."""
    token = _is_allowed.set(True)
    try:
        yield
    finally:
        _is_allowed.reset(token)


def make_schema(language: str) -> Schema:
    """The schema of an index whose articles are in `language` unless they say otherwise.

    The title's terms are indexed in an article's first document only, so that a word in a title counts once;
    its text is stored in every document. The `…_words` fields have the words as written, without positions.
    """
    stems, words = FormAnalyzer(language, "stem"), FormAnalyzer(language, "word")
    return GuardedSchema(
        article=ID(stored=True),
        title=TEXT(analyzer=stems, stored=True),
        title_words=TEXT(analyzer=words, phrase=False),
        date=DATETIME(stored=True, sortable=True),
        number=STORED(),
        anchor=STORED(),
        paragraph=TEXT(analyzer=stems, stored=True),
        paragraph_words=TEXT(analyzer=words, phrase=False),
    )

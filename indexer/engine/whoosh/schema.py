"""The analysis as Whoosh's schema wants it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from whoosh.analysis.acore import Token as WhooshToken
from whoosh.analysis.analyzers import Analyzer as WhooshAnalyzer
from whoosh.fields import DATETIME, ID, STORED, TEXT, Schema

from indexer.engine.whoosh.codec import REFUSAL
from indexer.text.analyzer import get_analyzer


class FormAnalyzer(WhooshAnalyzer):
    """The analysis as Whoosh's schema wants it, so that any program with Whoosh searches as Nutgraf does.

    `form` is "stem" or "word".
    """

    def __init__(self, language: str, form: str) -> None:
        self.language = language
        self.form = form

    def __call__(
        self,
        value: str,
        positions: bool = False,
        chars: bool = False,
        keeporiginal: bool = False,
        start_pos: int = 0,
        start_char: int = 0,
        mode: str = "",
        **kwargs: Any,
    ) -> Iterator[WhooshToken]:
        """Whoosh tokens for a text."""
        given: Any = WhooshToken(positions, chars, mode=mode, **kwargs | {"boosts": True})
        for place, token in enumerate(get_analyzer(self.language).tokenize(value, query=mode == "query")):
            given.text = token.stem if self.form == "stem" else token.word
            given.boost = 1.0
            given.stopped = False
            if keeporiginal:
                given.original = value[token.start : token.end]
            if positions:
                given.pos = start_pos + place
            if chars:
                given.startchar = start_char + token.start
                given.endchar = start_char + token.end
            yield given


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

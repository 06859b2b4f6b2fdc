"""The schema that Whoosh sees: its fields, analyzed as Nutgraf does, the table of contents, the lock."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from whoosh.analysis.acore import Token as WhooshToken
from whoosh.analysis.analyzers import Analyzer as WhooshAnalyzer
from whoosh.fields import DATETIME, ID, STORED, TEXT, Schema
from whoosh.filedb.filestore import FileStorage, RamStorage
from whoosh.index import TOC

from indexer.engine.read.contents import SegmentEntry
from indexer.engine.whoosh.codec import REFUSAL, ColumnarSegment
from indexer.errors import IndexLocked
from indexer.files.names import INDEX_NAME
from indexer.files.storage import translate_write_errors
from indexer.text.analyzer import get_analyzer


class FormAnalyzer(WhooshAnalyzer):
    """Nutgraf's analyzer as a Whoosh analyzer, so that any program with Whoosh finds the same terms.

    `form` says what the terms are: "stem" or "word".
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
        """Yield the Whoosh tokens of a text; one object is used for all of them, as Whoosh's analyzers do."""
        result: Any = WhooshToken(positions, chars, mode=mode, **kwargs | {"boosts": True})
        for position, token in enumerate(get_analyzer(self.language).tokenize(value, query=mode == "query")):
            result.text = token.stem if self.form == "stem" else token.word
            result.boost = 1.0
            result.stopped = False
            if keeporiginal:
                result.original = value[token.start : token.end]
            if positions:
                result.pos = start_pos + position
            if chars:
                result.startchar = start_char + token.start
                result.endchar = start_char + token.end
            yield result


_is_allowed = ContextVar("_is_allowed", default=False)


class GuardedSchema(Schema):
    """A schema that only Nutgraf can write into a table of contents.

    Whoosh's own writers write the schema with every commit. Such a commit would lose what Nutgraf stores of
    the articles, and replace its segments by Whoosh's.
    """

    def clean(self) -> None:
        """Called by Whoosh just before it writes the schema; raises NotImplementedError."""
        if not _is_allowed.get():
            raise NotImplementedError(REFUSAL)
        super().clean()


def encode_toc(language: str, entries: Sequence[SegmentEntry], commit: int) -> bytes:
    """The table of contents of a commit as Whoosh reads it: the schema and the segments, pickled."""
    memory = RamStorage()
    token = _is_allowed.set(True)
    try:
        TOC(make_schema(language), list(map(ColumnarSegment, entries)), commit).write(memory, INDEX_NAME)
    finally:
        _is_allowed.reset(token)
    (data,) = memory.files.values()
    return bytes(data)


def acquire_write_lock(folder: Path) -> Any:
    """Take the lock that Whoosh's own writers take, and return it; the caller calls its `release`.

    Raises IndexLocked if another program holds it, or StorageFailed.
    """
    lock = FileStorage(str(folder)).lock(f"{INDEX_NAME}_WRITELOCK")
    with translate_write_errors(folder):
        is_ours = lock.acquire(blocking=False)
    if not is_ours:
        raise IndexLocked(f"another program writes to {folder} through Whoosh: try again later")
    return lock


def make_schema(language: str) -> Schema:
    """The schema of an index; `language` is that of articles that state none.

    The terms of a title are indexed in the first document of its article only, so that each counts once; its
    text is stored in every document. A custom text is a paragraph without number and anchor, and with
    the name of its field as `field`. The `…_words` fields have the words as written, without positions.
    """
    stems, words = FormAnalyzer(language, "stem"), FormAnalyzer(language, "word")
    return GuardedSchema(
        article=ID(stored=True),
        title=TEXT(analyzer=stems, stored=True),
        title_words=TEXT(analyzer=words, phrase=False),
        date=DATETIME(stored=True, sortable=True),
        number=STORED(),
        anchor=STORED(),
        field=STORED(),
        paragraph=TEXT(analyzer=stems, stored=True),
        paragraph_words=TEXT(analyzer=words, phrase=False),
    )

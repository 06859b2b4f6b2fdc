"""The analysis as Whoosh's schema wants it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from whoosh.analysis.acore import Token as WhooshToken
from whoosh.analysis.analyzers import Analyzer as WhooshAnalyzer

from indexer.text.analyzer import analyzer


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
        for place, token in enumerate(analyzer(self.language).tokens(value, query=mode == "query")):
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

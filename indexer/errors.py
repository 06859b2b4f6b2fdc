"""The errors that the library raises on purpose: each says what is wrong with which thing, and what to do.

The command and the web interface define their own next to the code that raises them: `OutputFailed` in
`indexer/cli/streams.py`, others in `webui/server.py` and `webui/export.py`. `TimedOut`, in the engine, is
caught by every search.
"""

from __future__ import annotations

import reprlib
from collections.abc import Mapping
from typing import Self

__all__ = [
    "ArticleMissing",
    "ConfigError",
    "CopyRefused",
    "IndexBuilding",
    "IndexDamaged",
    "IndexLocked",
    "IndexMissing",
    "IndexOutdated",
    "IndexUnavailable",
    "InvalidArticle",
    "InvalidRequest",
    "ModelFailed",
    "NutgrafError",
    "OutOfMemory",
    "SourceMissing",
    "SourceShrunk",
    "StorageFailed",
    "UnreadableDocument",
    "WorkerFailed",
]


class NutgrafError(Exception):
    """Base of all errors; the message is written for the person who caused it.

    `problem` says what is wrong and `advice` what to do; the message is both. `advice` is empty where
    `problem` contains it or where there is none.
    """

    exit_code = 1
    """The exit code of the command."""

    def __init__(self, problem: str = "", advice: str = "") -> None:
        super().__init__(problem, advice)
        self.problem, self.advice = problem, advice

    def __str__(self) -> str:
        return f"{self.problem}: {self.advice}" if self.advice else self.problem


class _InvalidValue(NutgrafError):
    """A value is invalid.

    `field` is the name of the option or argument that has it, if there is one, and `problem` the message
    without that name. A caller that has other names for them, such as flags, raises what `rename_field`
    returns.
    """

    exit_code = 2

    def __init__(self, problem: str, field: str | None = None) -> None:
        super().__init__(problem)
        self.args = (problem, field)
        self.field = field

    def __str__(self) -> str:
        return f"{self.field}: {self.problem}" if self.field else self.problem

    def rename_field(self, names: Mapping[str, str]) -> Self:
        """Return the same error with the caller's name for the field, if `names` has one."""
        return type(self)(self.problem, names.get(self.field or "", self.field))


class ConfigError(_InvalidValue):
    """An option is unknown or has an invalid value."""


class InvalidArticle(NutgrafError):
    """The fields of an article are invalid (no id, not text, lone surrogates)."""


class UnreadableDocument(NutgrafError):
    """A source file cannot be read as articles; the message gives the reason, without the path."""


class SourceMissing(NutgrafError):
    """A source does not exist or cannot be listed, or the index has no such source."""


class SourceShrunk(NutgrafError):
    """A source has lost so many articles that it is probably not mounted, or was emptied by mistake."""


class CopyRefused(NutgrafError):
    """There is an index at the place to copy to, with other options or with other articles."""


class WorkerFailed(NutgrafError):
    """The processes that read files cannot be started."""


class StorageFailed(NutgrafError):
    """The system refuses to write a file, or to read one for now: the disk is full, or fails.

    Nothing was changed, and the file is not treated as damaged.
    """


class OutOfMemory(NutgrafError):
    """A writer ran out of memory; nothing was committed."""


class IndexMissing(NutgrafError):
    """There is no index in the folder."""


class IndexBuilding(IndexMissing):
    """There is no index yet, but the first one is being built; the message says how far it is."""


class ArticleMissing(NutgrafError):
    """There is no article with the given id."""


class IndexLocked(NutgrafError):
    """Another writer holds the lock; the message says who."""

    exit_code = 4


class IndexDamaged(NutgrafError):
    """Files of the index are missing, truncated or altered."""

    exit_code = 5


class IndexOutdated(NutgrafError):
    """The index was made with other options or in another format, and has to be rebuilt."""


class IndexUnavailable(NutgrafError):
    """The cluster that has the index cannot be reached, refuses to answer, or lacks a part of the index."""


class ModelFailed(NutgrafError):
    """The model that texts are embedded with cannot be loaded, or its service does not answer."""


class InvalidRequest(_InvalidValue):
    """An argument of a search is invalid (a negative limit, an unknown order)."""


RUN_DOCTOR = "run `nutgraf doctor --fix`"
"""The advice for a damaged index."""
LARGE = 10**18
"""A number larger than any count or size here."""
_QUOTED_CHARACTERS = 60


def quote_value(value: object) -> str:
    """Return a value as messages quote it, shortened to part of a line."""
    if isinstance(value, int) and abs(value) > LARGE:
        return "a very large number"  # Python refuses to format integers of thousands of digits.
    if isinstance(value, str):
        return f"“{value if len(value) <= _QUOTED_CHARACTERS else f'{value[:_QUOTED_CHARACTERS]}…'}”"
    return reprlib.repr(value)


def format_count(number: int, noun: str) -> str:
    """Return a number with its noun, which forms its plural with s: 1 file, 1,200 files."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"

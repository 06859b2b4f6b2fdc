"""The errors that Nutgraf raises on purpose: each says what was wanted, what was found and what to do."""

from __future__ import annotations

import reprlib

__all__ = [
    "ArticleMissing",
    "ConfigError",
    "IndexBuilding",
    "IndexDamaged",
    "IndexLocked",
    "IndexMissing",
    "IndexOutdated",
    "InvalidArticle",
    "InvalidRequest",
    "NutgrafError",
    "OutOfMemory",
    "SourceMissing",
    "SourceShrunk",
    "StorageFailed",
    "UnreadableDocument",
    "WorkerFailed",
]


class NutgrafError(Exception):
    """Base of every error that a caller may want to catch; its message is fit for a person to read."""

    exit_code = 1


class ConfigError(NutgrafError):
    """An option is unknown, misspelt or has a value that cannot be used."""

    exit_code = 2


class InvalidArticle(NutgrafError):
    """An article's fields do not make an article (no id, not text, lone surrogates)."""


class UnreadableDocument(NutgrafError):
    """A source file cannot be turned into an article; the message gives the reason, without the path."""


class SourceMissing(NutgrafError):
    """A source that was asked for does not exist or cannot be listed."""


class SourceShrunk(NutgrafError):
    """A source has lost so many of its articles that it is rather not mounted, or emptied by mistake."""


class WorkerFailed(NutgrafError):
    """The processes that read files cannot be started."""


class StorageFailed(NutgrafError):
    """The system refuses to write a file, or for now to read one: the disk is full, or fails.

    What was there stays, and is not taken for damaged.
    """


class OutOfMemory(NutgrafError):
    """A writer has no memory left; nothing was committed."""


class IndexMissing(NutgrafError):
    """There is no index where one was expected."""


class IndexBuilding(IndexMissing):
    """There is no index yet, but the first one is being built; the message says how far it is."""


class ArticleMissing(NutgrafError):
    """There is no article with the id that was asked for."""


class IndexLocked(NutgrafError):
    """Another writer holds the index; the message says who."""

    exit_code = 4


class IndexDamaged(NutgrafError):
    """Files of the index are missing, truncated or altered."""

    exit_code = 5


class IndexOutdated(NutgrafError):
    """The index was made with other options or another format version and has to be rebuilt."""


class InvalidRequest(NutgrafError):
    """A search was asked for with arguments that have no meaning (a negative limit, an unknown order)."""

    exit_code = 2


LARGE = 10**18
"""A number that is no count of anything here."""


def quote_value(value: object) -> str:
    """A value as messages repeat it: no more than part of a line, however long it is."""
    # The digits of a very large number would be refused, or written for minutes.
    return "a very large number" if isinstance(value, int) and abs(value) > LARGE else reprlib.repr(value)

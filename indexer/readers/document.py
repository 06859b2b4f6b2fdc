"""What a reader is given, and the checks that all readers share."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from urllib.parse import urlsplit

from indexer.article import Encoding, is_language
from indexer.errors import InvalidArticle
from indexer.limits import ARTICLE_TEXT

_MAX_ADDRESS = 2000
_MARKUP = re.compile(
    r"</(?:p|div|li|[uo]l|h[1-6]|a|b|i|em|strong|span|blockquote|article|section|figure|t[dhr]|table)\s*>"
    r"|<(?:p|br|hr)\s*/?>",
    re.IGNORECASE,
)
GZIP = b"\x1f\x8b"
"""The first bytes of gzip data."""
PACKED = ".gz"
"""The suffix of gzip data, which may follow the suffix of any media type."""


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """How documents are read.

    `day_first` decides `05/03/2024`. Date-times with an offset are converted to `timezone`; if that is empty,
    the publisher's wall time is kept. Dates after `today` are refused; None means the system's date.
    `max_bytes` limits the size of a document after unpacking.
    """

    day_first: bool = True
    timezone: str = ""
    today: date | None = None
    max_bytes: int = 64 * 2**20

    def last_day(self) -> date:
        """Return the last day that is not in the future."""
        return self.today or date.today()


@dataclass(frozen=True, slots=True)
class Document:
    """A decoded document.

    `name` is its path below the source, with slashes. `article_id` is the id of its article, or the prefix of
    the ids if it holds several. `first_line` is the number of its first line, for a piece of a longer file.
    """

    text: str
    name: str
    article_id: str
    options: ReadOptions
    encoding: Encoding
    first_line: int = 1


def suffix_of(name: str) -> str:
    """Return the suffix of a file's name, in lower case and without `.gz`; empty if there is none."""
    stem = name.rpartition("/")[2].lower().removesuffix(PACKED)
    return "." + stem.rpartition(".")[2] if "." in stem else ""


def check_length(size: int) -> None:
    """Raise InvalidArticle when a text of `size` bytes is too long for one article."""
    if size > ARTICLE_TEXT:
        most = ARTICLE_TEXT >> 20
        raise InvalidArticle(f"has {size / 2**20:.1f} MB of text, and must have at most {most} MB: split it")


def has_markup(text: str) -> bool:
    """Whether a text has HTML: an end tag, or a break. Prose may have a "<", or name a start tag."""
    return _MARKUP.search(text) is not None


def web_address(text: str | None) -> str | None:
    """Return `text` if it is an absolute http or https address, else None.

    Other schemes (javascript, data, file) are unsafe as links.
    """
    address = (text or "").strip()
    if not address or len(address) > _MAX_ADDRESS or re.search(r"[\s\x00-\x1f\x7f]", address):
        return None
    try:
        parts = urlsplit(address)
    except ValueError:
        return None
    return address if parts.scheme.lower() in ("http", "https") and parts.hostname else None


def language_code(tag: str | None) -> str | None:
    """Return the language of a tag such as `pt-BR` or `en_US`, in lower case; None if it is no known one."""
    tag = (tag or "").strip()
    return re.split("[-_]", tag)[0].lower() if is_language(tag) else None

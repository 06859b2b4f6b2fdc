"""The arguments of readers, the details that they state of an article, and the checks that they share."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from hashlib import sha256
from typing import TYPE_CHECKING, Any, BinaryIO, TextIO
from urllib.parse import quote, urlsplit

from indexer.article import Article, Encoding, Failure, FieldValue, Published, is_language, record_name
from indexer.errors import InvalidArticle, UnreadableDocument
from indexer.fields import FieldType
from indexer.limits import ARTICLE_TEXT
from indexer.sources import PLACEHOLDERS

if TYPE_CHECKING:
    from indexer.readers.packed import Budget

_MAX_ADDRESS = 2000
_PLACEHOLDER = re.compile(f"{{({'|'.join(PLACEHOLDERS)})}}")
_MARKUP = re.compile(
    r"</(?:p|div|li|[uo]l|h[1-6]|a|b|i|em|strong|span|blockquote|article|section|figure|t[dhr]|table)\s*>"
    r"|<(?:p|br|hr)\s*/?>",
    re.IGNORECASE,
)
# Nearly all addresses are such, and need not be taken apart.
_PLAIN_ADDRESS = re.compile(r"https?://[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?(?:/[!-~]*)?")
_KIND = re.compile(r"\.(?=[0-9]*[a-z])[a-z0-9]{1,8}")
BYTE_ORDER_MARK = "\ufeff"
GZIP = b"\x1f\x8b"
"""The first bytes of gzip data."""
PACKED = (".gz", ".bz2", ".xz")
"""The suffixes of packed data, which may follow the suffix of any media type."""
MAX_RATIO, MIN_BOUND = 200, 1 << 20
"""Packed data may unpack to so many times its size, or to so many bytes, whichever is more.

Text is not compressed better; data that is may be meant to fill the memory."""

SUFFIX_OF_TYPE = {
    "application/epub+zip": ".epub",
    "application/msword": ".doc",
    "application/pdf": ".pdf",
    "application/rtf": ".rtf",
    "application/vnd.oasis.opendocument.text": ".odt",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": ".pptx",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": ".docx",
    "application/xhtml+xml": ".xhtml",
    "text/html": ".html",
    "text/markdown": ".md",
    "text/plain": ".txt",
    "text/rtf": ".rtf",
}
"""The suffix of files of a type that a mail or an HTTP response may state."""


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """How documents are read.

    `day_first` decides `05/03/2024`. Date-times with an offset are converted to `timezone`; if that is empty,
    the publisher's wall time is kept. Dates after `today` are refused: for a page in a web archive the day
    after its capture, otherwise None for the system's date. `max_bytes` limits the size of a document after
    unpacking. `fields` are those that the configuration declares, by name: what a record states under such a
    name is a field of its article. `record` has the names that records have for the fields of an article,
    where they are others than usual; a name with dots is a path into nested objects. `defaults` are the
    details of each article that does not state its own, and `url` is the template for the address of an
    article that states none (see `Source`).
    """

    day_first: bool = True
    timezone: str = ""
    today: date | None = None
    max_bytes: int = 64 * 2**20
    fields: Mapping[str, FieldType] = field(default_factory=dict)
    record: Mapping[str, str] = field(default_factory=dict)
    defaults: Details | None = None
    url: str | None = None

    def last_day(self) -> date:
        """Return the last day that a date may have."""
        return self.today or date.today()


@dataclass(frozen=True, slots=True)
class Details:
    """The metadata that a document or its container states of an article, besides the title.

    `dates` are candidates for the publication date, `notes` what was skipped or assumed; for the rest see
    `Article`.
    """

    language: str | None = None
    url: str | None = None
    authors: tuple[str, ...] = ()
    section: str | None = None
    tags: tuple[str, ...] = ()
    publisher: str | None = None
    fields: Mapping[str, FieldValue] = field(default_factory=dict)
    dates: tuple[Published, ...] = ()
    notes: tuple[str, ...] = ()

    def or_else(self, other: Details) -> Details:
        """These details, and for what is not stated, the other ones; dates and notes are those of both."""
        return Details(
            language=self.language or other.language,
            url=self.url or other.url,
            authors=self.authors or other.authors,
            section=self.section or other.section,
            tags=self.tags or other.tags,
            publisher=self.publisher or other.publisher,
            fields={**other.fields, **self.fields},
            dates=(*self.dates, *other.dates),
            notes=(*self.notes, *other.notes),
        )


NO_DETAILS = Details()
"""Nothing is stated."""


class Damage(Failure):
    """A container of which the rest cannot be read; what was indexed from it before is kept."""

    __slots__ = ()


def _begin_nothing(_size: int) -> None:
    """Begin a record in a process without limits."""


def _count_nothing(_kind: str) -> None:
    """Leave something out where nobody counts it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A document to read.

    `name` is its path below the source, with slashes. `article_id` is the id of its article, or the prefix of
    the ids if it holds several. `context` has the details that the container states of the document, whose
    own come first. `depth` is the number of containers around it. `budget` is how much may still be unpacked,
    in a container or in what it is in.
    """

    name: str
    article_id: str
    options: ReadOptions
    context: Details = NO_DETAILS
    depth: int = 0
    budget: Budget | None = None
    begin_record: Callable[[int], None] = _begin_nothing
    """To be called before a record of a container is read, or a part of a long document, with its bytes:
    starts the limits on time and memory again. Raises UnreadableDocument, with the reason, for a record that
    has ended its process before, and for a document that takes too long in all: a container's reader reports
    this as the failure of the record and goes on with the next."""
    leave_out: Callable[[str], None] = _count_nothing
    """To be called for each member of a container that is not read and is no failure: with the suffix of its
    name ("" if it has none) as for a file in a folder, else with a name for its kind, such as "drafts"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TextDocument(Document):
    """A decoded document."""

    text: str
    encoding: Encoding


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordsDocument(Document):
    """A text that holds records, of any length: it is decoded while it is read.

    `first_line` is the number of its first line, for a piece of a longer file.
    """

    text: TextIO
    encoding: Encoding
    first_line: int = 1

    def rewind(self) -> TextIO:
        """Return the text, to be read from its first character."""
        self.text.seek(0)
        if self.text.read(1) != BYTE_ORDER_MARK:
            self.text.seek(0)
        return self.text


@dataclass(frozen=True, slots=True, kw_only=True)
class BinaryDocument(Document):
    """A document that is no text, or a container of documents: a stream that can be read from any place.

    `size` is the number of its bytes; for a container that is packed or in another one, it is the size that
    is known without unpacking it. Such a container is unpacked while it is read and again from its start when
    the stream goes back, so its reader should go forward. Reading raises UnreadableDocument where the
    container is damaged, or unpacks to too much. A reader that notices damage itself raises
    UnreadableDocument as well, also after it has returned articles: then what was indexed from the rest of
    the container before is kept.
    """

    stream: BinaryIO
    size: int


class Seen:
    """The texts that were met so far, as hashes, since a container may have millions of records."""

    def __init__(self) -> None:
        self._digests: set[bytes] = set()

    def add(self, text: str) -> bool:
        """Add a text; return whether it is new."""
        digest = sha256(text.encode("utf-8", "replace")).digest()[:12]
        if digest in self._digests:
            return False
        self._digests.add(digest)
        return True


def complete_article(article: Article, options: ReadOptions) -> Article:
    """Return an article with the defaults of the options for the details that it does not state itself."""
    changes: dict[str, Any] = {}
    if given := options.defaults:
        names = ("language", "section", "tags", "publisher")
        changes = {
            name: value for name in names if (value := getattr(given, name)) and not getattr(article, name)
        }
    if options.url and not article.url and (address := _fill_address(options.url, article)):
        changes["url"] = address
    return replace(article, **changes) if changes else article


def _fill_address(template: str, article: Article) -> str | None:
    """The address of an article; None if it lacks what the template has a place for."""
    path = article.source or ""
    folder, _, name = path.rpartition("/")
    name = unpacked_name(name)
    stem = name.rpartition(".")[0] or name
    values = {"path": path, "stem": f"{folder}/{stem}" if folder else stem, "id": record_name(article.id)}
    if "{id}" in template and not values["id"]:
        return None
    return web_address(_PLACEHOLDER.sub(lambda match: quote(values[match[1]], safe="/"), template))


def unpacked_name(name: str) -> str:
    """Return the name of a file without the suffix of packed data."""
    return name.rpartition(".")[0] if name.lower().endswith(PACKED) else name


def suffix_of(name: str) -> str:
    """Return the suffix of a file's name, in lower case and without that of packed data; empty if none."""
    stem = unpacked_name(name.rpartition("/")[2].lower())
    return "." + stem.rpartition(".")[2] if "." in stem else ""


def is_kind(suffix: str) -> bool:
    """Whether a suffix stands for a kind of file, unlike the end of "notes.2021" or "v1.draft of May"."""
    return _KIND.fullmatch(suffix) is not None


def read_bounded(stream: BinaryIO, max_bytes: int) -> bytes:
    """Return the content of a stream; raises UnreadableDocument if it has more than `max_bytes`."""
    data = stream.read(max_bytes + 1)
    if len(data) > max_bytes:
        raise UnreadableDocument(describe_excess(max_bytes))
    return data


def describe_excess(max_bytes: int) -> str:
    """Return why a document with more than `max_bytes` is not read."""
    return f"larger than {max_bytes / 2**20:g} MB"


def check_length(size: int) -> None:
    """Raise InvalidArticle when a text of `size` bytes is too long for one article."""
    if size > ARTICLE_TEXT:
        most = ARTICLE_TEXT >> 20
        raise InvalidArticle(f"has {size / 2**20:.1f} MB of text, and must have at most {most} MB: split it")


def check_texts(texts: Collection[str]) -> None:
    """Raise InvalidArticle when these texts are together too long for one article."""
    # A character has four bytes at most, so that hardly any text need be encoded.
    if sum(map(len, texts)) > ARTICLE_TEXT // 4:
        check_length(sum(len(text.encode("utf-8", "surrogatepass")) for text in texts))


def has_markup(text: str) -> bool:
    """Whether a text has HTML: an end tag, or a break. Prose may have a "<", or name a start tag."""
    return _MARKUP.search(text) is not None


def web_address(text: str | None) -> str | None:
    """Return `text` if it is an absolute http or https address, else None.

    Other schemes (javascript, data, file) are unsafe as links.
    """
    address = (text or "").strip()
    if len(address) <= _MAX_ADDRESS and _PLAIN_ADDRESS.fullmatch(address):
        return address
    if not address or len(address) > _MAX_ADDRESS or re.search(r"[\s\x00-\x1f\x7f]", address):
        return None
    try:
        parts = urlsplit(address)
    except ValueError:
        return None
    return address if parts.scheme.lower() in ("http", "https") and parts.hostname else None


def split_names(text: str) -> tuple[str, ...]:
    """Return the names in a text that may have several; a comma may be a part of a name."""
    return _split(text, ";")


def split_keywords(text: str) -> tuple[str, ...]:
    """Return the keywords in a text that has them one after the other."""
    return _split(text, ",;，；、")


def _split(text: str, separators: str) -> tuple[str, ...]:
    # With spaces in the pattern, the time would grow with the square of their number.
    return tuple(filter(None, map(str.strip, re.split(f"[{separators}]", text))))


def language_code(tag: str | None) -> str | None:
    """Return the language of a tag such as `pt-BR` or `en_US`, in lower case; None if it is no known one."""
    tag = (tag or "").strip()
    return re.split("[-_]", tag)[0].lower() if is_language(tag) else None

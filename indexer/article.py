"""Articles to index, their publication dates, and the failures to read files."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cache, lru_cache
from itertools import compress
from typing import Any, Literal, Self
from urllib.parse import urlsplit

from msgspec import Struct, to_builtins

from indexer.errors import InvalidArticle, quote_value
from indexer.limits import STORED_TEXT, VALUES

__all__ = [
    "Article",
    "Encoding",
    "Failure",
    "Published",
]


@dataclass(frozen=True, slots=True)
class Property:
    """A property of articles that a query can ask for, as in `site:example.org`.

    `names` are what may be typed before the colon; `phrase` follows "articles" and has a place for the value.
    """

    names: tuple[str, ...]
    phrase: str


PROPERTIES: Mapping[str, Property] = {
    "language": Property(("language", "lang"), "in the language {}"),
    "site": Property(("site", "domain"), "from the site {}"),
    "source": Property(("source",), "from the source {}"),
    "id": Property(("id",), "with the id {}"),
    "author": Property(("author", "authors"), "by {}"),
    "section": Property(("section",), "in the section {}"),
    "tag": Property(("tag", "tags"), "tagged {}"),
    "publisher": Property(("publisher",), "published by {}"),
}
"""The properties by name. `indexer.search` says what else a new one needs."""

FieldValue = str | int | float | bool | tuple[str, ...]
"""The value of a custom field: a tuple for several keywords, a date as ISO 8601."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")  # all that Unicode counts among them
_BLANK_LINES = re.compile(r"\r?\n[^\S\n]*\r?\n\s*")
_TAG = re.compile(r"([A-Za-z]{2,3})(?:[-_][A-Za-z0-9]{1,8})*")


@dataclass(frozen=True, slots=True)
class Encoding:
    """How a source file's bytes were turned into text, and whether that had to be guessed."""

    name: str
    guessed: bool = False


@dataclass(frozen=True, slots=True, init=False)
class Article:
    """One document: what a reader makes of a source file, or what is added through the API.

    `id` is any text without control characters: what the article is replaced, removed and linked to by.
    `published` may be given as a Published, an ISO string, a date or a datetime. Of a datetime the wall time
    counts as it stands, to the minute: one in UTC stays in UTC. `paragraphs` is any iterable of strings (each
    is stripped, and empty ones are dropped); `text` may be given instead, with blank lines between them.
    `language` is a tag such as en or pt-BR (None: told from the text), `url` the article's own address,
    `source` what searches are narrowed to it by. `notes` say what the reader skipped or had to assume.

    `authors` and `tags` are names; `section` is the part of the publication that it appeared in, `publisher`
    who published it. `page_numbers` has the page of each paragraph, counted from 1 (None: unknown); it is
    empty if no page is known. `fields` has the values of the fields that the configuration declares, by name:
    text, a number, true or false, a date as ISO 8601, or several keywords.

    Raises InvalidArticle, naming the article and the field, when a field cannot be indexed.
    """

    id: str
    title: str
    paragraphs: tuple[str, ...]
    published: Published | None
    language: str | None
    url: str | None
    source: str | None
    encoding: Encoding | None
    notes: tuple[str, ...]
    authors: tuple[str, ...]
    section: str | None
    tags: tuple[str, ...]
    publisher: str | None
    page_numbers: tuple[int | None, ...]
    fields: Mapping[str, FieldValue] = field(hash=False)

    def __init__(
        self,
        id: str,  # noqa: A002  (the name that the field has everywhere)
        title: str = "",
        paragraphs: Iterable[str] = (),
        published: Published | date | str | None = None,
        language: str | None = None,
        url: str | None = None,
        source: str | None = None,
        encoding: Encoding | None = None,
        notes: Iterable[str] = (),
        *,
        text: str | None = None,
        authors: Iterable[str] = (),
        section: str | None = None,
        tags: Iterable[str] = (),
        publisher: str | None = None,
        page_numbers: Iterable[int | None] = (),
        fields: Mapping[str, object] | None = None,
    ) -> None:
        check_text("id", id)
        if not id or id != id.strip() or _CONTROL.search(id):
            raise InvalidArticle(
                f"id: must be a string without control characters or space around it, not {id!r}"
            )
        try:
            texts, remarks = _check_strings("paragraphs", paragraphs), _check_strings("notes", notes)
            if text is not None:
                texts = _split_text(text, texts)
            check_text("title", title)
            for name, given in (
                ("language", language),
                ("url", url),
                ("source", source),
                ("section", section),
                ("publisher", publisher),
            ):
                if given is not None:
                    check_text(name, given)
            pages = _check_pages(page_numbers, len(texts))
            names = _check_names("authors", authors), _check_names("tags", tags)
            values = _check_fields(fields) if fields else {}
            if language and not is_language(language):
                raise InvalidArticle(f"language: must be {LANGUAGE_TAG}, not {quote_value(language)}")
            if encoding is not None:
                check_text("encoding", encoding.name)
            moment = make_published(published)
        except InvalidArticle as error:
            # Of a thousand records, which one it is.
            raise InvalidArticle(f"article {id!r}: {error}") from error
        set_ = object.__setattr__
        set_(self, "id", id)
        set_(self, "title", normalize_space(title))
        stripped = [*map(str.strip, texts)]
        set_(self, "paragraphs", tuple(filter(None, stripped)))
        set_(self, "published", moment)
        set_(self, "language", language or None)
        set_(self, "url", url or None)
        set_(self, "source", source or None)
        set_(self, "encoding", encoding)
        set_(self, "notes", remarks)
        set_(self, "authors", names[0])
        set_(self, "section", normalize_space(section or "") or None)
        set_(self, "tags", names[1])
        set_(self, "publisher", normalize_space(publisher or "") or None)
        set_(self, "page_numbers", tuple(compress(pages, stripped)))
        set_(self, "fields", values)

    def as_json(self) -> dict[str, Any]:
        """Return the article in dictionaries, lists, strings and numbers, as `json.dumps` takes them.

        A file of JSON Lines that has this as a line is read back to the same article; its id is then that of
        the file and this one, and its source the file.
        """
        return dict(to_builtins(self))


@dataclass(frozen=True, slots=True)
class Failure:
    """Something in a source that could not be read, and why."""

    path: str
    reason: str


LANGUAGE_TAG = "the code of a language, such as en or pt-BR"
"""How messages describe the tag of a language."""


@lru_cache(1024)
def is_language(tag: str) -> bool:
    """Whether a tag such as `pt-BR`, `en_US` or `deu` begins with the ISO 639 code of a language."""
    match = _TAG.fullmatch(tag)
    return match is not None and match[1].lower() in _language_codes()


@cache
def _language_codes() -> frozenset[str]:
    """The codes of about 7,600 languages, in lower case, from Unicode's CLDR."""
    # Imported here, since most articles state no language.
    from babel.core import get_global

    tags = (*get_global("likely_subtags"), *get_global("language_aliases"))
    return frozenset(tag.partition("_")[0] for tag in tags) - {"und"}


def parse_host(url: str) -> str | None:
    """The host that an address names, in small letters and without "www."; None where there is none."""
    try:
        name = urlsplit(url).hostname
    except ValueError:
        return None
    return name.removeprefix("www.") if name else None


def _check_strings(name: str, values: object) -> tuple[str, ...]:
    # Most values are lists, for which isinstance with Iterable is slow.
    if not isinstance(values, (list, tuple)) and (
        isinstance(values, (str, bytes)) or not isinstance(values, Iterable)
    ):
        found = "one string" if isinstance(values, str) else type(values).__name__
        raise InvalidArticle(f"{name}: must be a list of strings, not {found}")
    strings = tuple(values)
    if strings and not _are_ascii(strings):
        for text in strings:
            check_text(name, text)
    return strings


def _split_text(text: object, paragraphs: tuple[str, ...]) -> tuple[str, ...]:
    """The paragraphs of a text that is given instead of paragraphs."""
    check_text("text", text)
    if paragraphs:
        raise InvalidArticle("text: cannot be given together with paragraphs: give one of them")
    return tuple(split_at_blank_lines(str(text)))


def _check_names(name: str, values: object) -> tuple[str, ...]:
    """Names, each once, with white space normalized; empty ones are dropped."""
    strings = _check_strings(name, values)
    if not strings:
        return ()
    names = dict.fromkeys(map(normalize_space, strings))
    names.pop("", None)
    if len(names) > VALUES:
        raise InvalidArticle(f"{name}: must have at most {VALUES} values, not {len(names)}")
    return tuple(names)


def _check_pages(numbers: Iterable[int | None], count: int) -> tuple[int | None, ...]:
    """The page of each of `count` paragraphs; empty if none is known."""
    if not isinstance(numbers, Iterable):
        raise InvalidArticle(f"page_numbers: must be a list of numbers, not {type(numbers).__name__}")
    pages = tuple(numbers)
    for page in pages:
        is_number = isinstance(page, int) and not isinstance(page, bool) and 0 < page < 2**31
        if page is not None and not is_number:
            raise InvalidArticle(f"page_numbers: must be whole numbers from 1, not {quote_value(page)}")
    if pages and len(pages) != count:
        raise InvalidArticle(
            f"page_numbers: must be one for each of the {count} paragraphs, not {len(pages)}"
        )
    return pages if any(pages) else ()


def _check_fields(fields: object) -> dict[str, FieldValue]:
    """The values of custom fields that are not None, by name; what is declared is checked later."""
    if not isinstance(fields, Mapping):
        raise InvalidArticle(f"fields: must be a mapping of names to values, not {type(fields).__name__}")
    checked: dict[str, FieldValue] = {}
    for name, value in fields.items():
        check_text("fields", name)
        if value is None:
            continue
        if isinstance(value, datetime):
            checked[name] = value.isoformat()[: _LENGTHS["minute"]]
        elif isinstance(value, date):
            checked[name] = value.isoformat()
        elif isinstance(value, (list, tuple)):
            checked[name] = _check_names(f"fields: {name}", value)
        elif isinstance(value, (bool, int, float)):
            if not abs(value) < 2**63:  # not true of NaN either
                raise InvalidArticle(f"fields: {name}: must be a number of at most 64 bits, not {value!r}")
            checked[name] = value
        else:
            check_text(f"fields: {name}", value)
            checked[name] = str(value)
    return checked


def _are_ascii(values: tuple[Any, ...]) -> bool:
    """Whether all are strings of ASCII characters: nearly always so, and soon seen."""
    try:
        return all(map(str.isascii, values))
    except TypeError:
        return False


Precision = Literal["year", "month", "day", "minute"]
# How much of an ISO date-time each precision keeps.
_FORMATS: dict[Precision, str] = {
    "year": "%Y",
    "month": "%Y-%m",
    "day": "%Y-%m-%d",
    "minute": "%Y-%m-%dT%H:%M",
}
_BY_LENGTH: dict[int, Precision] = {4: "year", 7: "month", 10: "day", 16: "minute"}
_LENGTHS = {precision: length for length, precision in _BY_LENGTH.items()}
# Narrower than what datetime reads: "20211105" and "2021-W44" would come out with a time that nobody gave.
_ISO = re.compile(r"[0-9]{4}(-[0-9]{2}(-[0-9]{2}(T[0-9]{2}:[0-9]{2}.*)?)?)?", re.DOTALL)


class Published(Struct, frozen=True):
    """When an article was published, as exactly as its source says and no more exactly.

    `value` is ISO 8601 cut to the precision ("2021", "2021-11", "2021-11-05", "2021-11-05T21:01"): the wall
    time that the publisher stated. `provenance` names the place where it was found ("json-ld", "meta",
    "xmp", "time", "url", "dateline", "mail", "file name", "given"). `others` are the candidates that
    disagreed, best first, each as (value, provenance). `note` says what had to be assumed, such as the order
    of day and month.
    """

    value: str
    precision: Precision
    provenance: str = "given"
    others: tuple[tuple[str, str], ...] = ()
    note: str | None = None

    @classmethod
    def at(cls, moment: date, precision: Precision, provenance: str = "given", **more: Any) -> Self:
        """The publication date `moment`, cut to `precision`."""
        # Not strftime: it does not pad years below 1000 on every platform.
        text = moment.isoformat()[: _LENGTHS[precision]]
        if precision == "minute" and not isinstance(moment, datetime):
            raise ValueError(f"minute precision needs a date with a time, got {moment!r}")
        return cls(text, precision, provenance, **more)

    @classmethod
    def parse(cls, value: str, provenance: str = "given") -> Self:
        """A publication date from ISO 8601: a year, month, day, or day with a time (seconds are dropped).

        Raises ValueError for anything else.
        """
        return cls(*_truncate_date(value), provenance)

    @classmethod
    def from_period(cls, start: datetime, end: datetime) -> Self | None:
        """The year, month, day or minute from `start` to before `end`; None if that is another period."""
        for precision in _LENGTHS:
            found = cls.at(start, precision)
            if (found.start, found.end) == (start, end):
                return found
        return None

    @property
    def start(self) -> datetime:
        """The first moment that the value may mean; naive."""
        return datetime.fromisoformat(self.value + "-01-01"[len(self.value) - len("2021") :])

    @property
    def end(self) -> datetime:
        """The first moment after everything that the value may mean; naive."""
        start = self.start
        if self.precision in ("minute", "day"):
            step = timedelta(minutes=1) if self.precision == "minute" else timedelta(days=1)
            return start + step if start < datetime.max - step else datetime.max
        if self.precision == "month" and start.month < 12:
            return start.replace(month=start.month + 1)
        return start.replace(year=start.year + 1, month=1) if start.year < 9999 else datetime.max

    def __str__(self) -> str:
        return self.value


def make_published(value: object) -> Published | None:
    """The publication date that was given as a Published, an ISO string, a date or a datetime.

    Raises InvalidArticle for anything else.
    """
    if value is None:
        return value
    try:
        if isinstance(value, Published):
            _check_published(value)
            return value
        if isinstance(value, datetime):
            return Published.at(value, "minute")
        if isinstance(value, date):
            return Published.at(value, "day")
        if isinstance(value, str):
            return Published.parse(value)
    except ValueError as error:
        raise InvalidArticle(
            f"published: must be an ISO date (2021, 2021-11, 2021-11-05 or 2021-11-05T21:01), not {value!r}"
        ) from error
    raise InvalidArticle(f"published: must be a date or an ISO string, not {type(value).__name__}")


@lru_cache(1024)
def _truncate_date(value: str) -> tuple[str, Precision]:
    """An ISO 8601 date cut to the precision that it has; see `Published.parse`."""
    text = value.strip().replace(" ", "T", 1)
    if not _ISO.fullmatch(text):
        raise ValueError(f"must be a date in ISO 8601, not {value!r}")
    precision = _BY_LENGTH.get(len(text), "minute")
    if precision in ("year", "month"):
        moment = datetime.strptime(text, _FORMATS[precision])
    else:
        moment = datetime.fromisoformat(text)
    return moment.isoformat()[: _LENGTHS[precision]], precision


def _check_published(value: Published) -> None:
    others = [part for pair in value.others for part in pair]
    for text in (value.value, value.provenance, value.note or "", *others):
        check_text("published", text)
    check_precision(value)


def check_precision(value: Published) -> None:
    """Raise ValueError if the value of a date is no date, or one of another precision."""
    if _truncate_date(value.value) != (value.value, value.precision):
        raise ValueError(f"{value.value!r} has another precision than {value.precision}")


def check_text(name: str, value: object) -> None:
    """Raise InvalidArticle, naming the field, unless it is text that can be written as UTF-8, and fits."""
    if not isinstance(value, str):
        advice = ": decode it first" if isinstance(value, bytes) else ""
        raise InvalidArticle(f"{name}: must be text, not {type(value).__name__}{advice}")
    if len(value) > STORED_TEXT // 4 and len(value.encode(errors="surrogatepass")) > STORED_TEXT:
        raise InvalidArticle(f"{name}: must have at most {STORED_TEXT:,} bytes: split it")
    if value.isascii():
        return
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise InvalidArticle(
            f"{name}: must be text that can be written as UTF-8, but character {error.start} is a lone "
            "surrogate"
        ) from error


def make_record_id(file_id: str, name: str) -> str:
    """The id of a record of a file that holds several, from the id of the file and the one that it states."""
    return f"{file_id}/{name}"


def record_name(article_id: str) -> str:
    """The id that a record states, from the id of its article; empty for other articles."""
    return article_id.partition("/")[2]


def make_anchors(paragraphs: Iterable[str]) -> tuple[str, ...]:
    """A stable name for each paragraph: "p-" and eight hex digits of a hash of its normalised text.

    Case, white space and Unicode form do not count. A paragraph that stands twice in an article gets "-2",
    "-3" … from its second place on.
    """
    return name_anchors(hash_anchors(paragraphs))


def hash_anchors(paragraphs: Iterable[str]) -> list[int]:
    """The hashes that anchors are made of, 32 bits each."""
    hashes = []
    for text in paragraphs:
        plain = text.lower() if text.isascii() else unicodedata.normalize("NFKC", text).casefold()
        hashes.append(int.from_bytes(hashlib.sha256(normalize_space(plain).encode()).digest()[:4]))
    return hashes


def normalize_space(text: str) -> str:
    """The text with one space for each run of white space, and none around it."""
    # Printable characters are no white space, but for the space itself: most texts are in order already.
    if text.isprintable() and "  " not in text and text[:1] != " " != text[-1:]:
        return text
    return " ".join(text.split())


def split_at_blank_lines(text: str) -> list[str]:
    """The parts of a text between blank lines, with white space normalized; empty ones are dropped."""
    return list(filter(None, map(normalize_space, _BLANK_LINES.split(text))))


def name_anchors(hashes: Iterable[int]) -> tuple[str, ...]:
    """The anchors of an article's paragraphs from their hashes, in order."""
    seen: dict[int, int] = {}
    names = []
    for number in hashes:
        seen[number] = seen.get(number, 0) + 1
        names.append(_format_anchor(number, seen[number]))
    return tuple(names)


def name_anchor(hashes: Sequence[int], place: int) -> str:
    """The anchor of one paragraph (numbered from 0); what comes after it need not be given."""
    return _format_anchor(hashes[place], 1 + hashes[:place].count(hashes[place]))


def name_text_anchor(field: str) -> str:
    """The anchor of an article's text in a custom field."""
    return f"text-{field}"


def _format_anchor(number: int, time: int) -> str:
    return f"p-{number:08x}" if time == 1 else f"p-{number:08x}-{time}"

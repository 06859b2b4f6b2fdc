"""Records: an object or a row with named fields becomes an article.

The readers of JSON, JSON Lines, CSV and TSV end here. The options of the source may say under which other
name, or at which place in a nested object, its records have a field.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TextIO, TypeVar

from msgspec import ValidationError, convert

from indexer.article import (
    Article,
    Encoding,
    Failure,
    Published,
    is_language,
    make_record_id,
    split_at_blank_lines,
)
from indexer.errors import InvalidArticle, NutgrafError, UnreadableDocument, quote_value
from indexer.fields import convert_value, format_number
from indexer.limits import ARTICLE_TEXT, VALUES
from indexer.readers.dates import choose_date, read_object
from indexer.readers.document import (
    NO_DETAILS,
    ReadOptions,
    RecordsDocument,
    check_texts,
    describe_excess,
    has_markup,
    web_address,
)
from indexer.readers.encoding import describe_lost
from indexer.readers.expressions import parse_date
from indexer.sources import RECORD_FIELDS

_REQUIRED = ("title", "paragraphs")
"""The fields of which an article must have one."""
_ISO_DATE = re.compile(r"(?:1[4-9]|20)\d\d-\d\d(?:-\d\d(?:T(?!00:00)\d\d:\d\d(?::\d\d)?)?)?")
_MAX_FAILURES = 100
"""Bad records of a document that are listed one by one: it may have millions of them."""
# Semicolons and bars divide names, but for the semicolon at the end of a character reference.
_NAMES = re.compile(r"(?:&#?\w{1,10};|[^;|])+")
_TYPES = {str: "a string", list: "a list", bool: "a boolean", int: "a number", float: "a number"}
_Source = TypeVar("_Source")
_LINE = 1 << 16
"""Characters of a line that are read at once; most lines have fewer."""


class BadRecord(NutgrafError):
    """A record that is no article."""


def describe_type(value: object) -> str:
    """Return the type of a value in the words of JSON."""
    return _TYPES.get(type(value), "an object" if isinstance(value, dict) else "null")


def max_record(options: ReadOptions) -> int:
    """Return the bytes of memory that the text of a record may take.

    They are enough for the longest article, also if a character takes four bytes.
    """
    return min(options.max_bytes, 4 * ARTICLE_TEXT)


def measure_text(text: str) -> int:
    """Return the bytes of memory that a text may take."""
    return len(text) * (1 if text.isascii() else 4)


def describe_too_large(options: ReadOptions) -> str:
    """Return why a record is not read that takes more memory than it may."""
    return describe_excess(max_record(options))


def read_line(text: TextIO, options: ReadOptions) -> str | None:
    """Return the next line of a text, empty at its end; None for one that is larger than a record may be."""
    part = text.readline(_LINE)
    if len(part) < _LINE or part[-1] in "\r\n":
        return part
    parts, size, most = [part], measure_text(part), max_record(options)
    while part and part[-1] not in "\r\n":
        part = text.readline(_LINE)
        size += measure_text(part)
        if size > most:
            parts.clear()
        else:
            parts.append(part)
    return "".join(parts) if size <= most else None


class RecordReader:
    """Makes the records of a document into articles."""

    def __init__(self, document: RecordsDocument) -> None:
        self._document = document
        self._options = document.options
        self._last_day = document.options.last_day().isoformat()
        mapped = self._options.record
        self._names = {
            field: (mapped[field],) if field in mapped else names for field, names in RECORD_FIELDS.items()
        }
        self._own = {mapped.get(field, field): field for field in self._options.fields}
        # The fields of a record are found by its names, except where a name may be a path or stand for two.
        self._mapped = mapped.keys() & self._names.keys()
        self._fields = {
            name: field for field, names in self._names.items() if field not in mapped for name in names
        }
        self._paths = {name: name.split(".") for name in mapped.values() if "." in name}

    def read(
        self,
        records: Iterable[tuple[int, _Source | BadRecord]],
        parse: Callable[[_Source], object],
        unit: str,
        measure: Callable[[_Source], int],
    ) -> Iterator[Article | Failure]:
        """Return the article of each record, or a failure named `name:number`.

        `records` have their numbers in the document, 0 if it is the only one; one that cannot be read is a
        BadRecord. `parse` returns the object in a record, and raises BadRecord; `unit` is the name of a
        record, such as "line"; `measure` gives its size.
        """
        name = self._document.name
        failures = number = 0
        for number, source in records:
            try:
                if isinstance(source, BadRecord):
                    raise source
                self._document.begin_record(measure(source))
                yield self._make_article(parse(source), number)
            except (BadRecord, InvalidArticle, UnreadableDocument) as error:
                failures += 1
                if failures <= _MAX_FAILURES:
                    yield Failure(f"{name}:{number}" if number else name, str(error))
        if failures > _MAX_FAILURES:
            more = failures - _MAX_FAILURES
            yield Failure(name, f"{more:,} more {unit}s up to {unit} {number} are not articles")

    def is_known(self, name: str) -> bool:
        """Whether records have a field of an article under a name, or one that the configuration declares."""
        return name in self._fields or name in self._own or name in self._options.record.values()

    def is_article(self, record: object) -> bool:
        """Whether a record has a title or a text."""
        return isinstance(record, dict) and not self._find_values(record).keys().isdisjoint(_REQUIRED)

    def has_text(self, record: object) -> bool:
        """Whether a record has a text."""
        return isinstance(record, dict) and "paragraphs" in self._find_values(record)

    def describe_required(self) -> str:
        """Return the names of a title and a text in the records, of which each must have one."""
        *names, last = (name for field in _REQUIRED for name in self._names[field])
        return f"{', '.join(names)} or {last}"

    def _make_article(self, record: object, number: int) -> Article:
        if not isinstance(record, dict):
            raise BadRecord(f"must be a JSON object, not {describe_type(record)}")
        values = self._find_values(record)
        if values.keys().isdisjoint(_REQUIRED):
            known = ", ".join(name for names in self._names.values() for name in names)
            raise BadRecord(f"has no {self.describe_required()}; the known fields are {known}")
        notes = [*self._document.context.notes, *_get_notes(record)]
        title, paragraphs = values.pop("title", ""), _get_paragraphs(values.pop("paragraphs", ""), notes)
        if not isinstance(title, str):
            raise BadRecord(f"title: must be a string, not {describe_type(title)}")
        own = self._get_fields(record, notes) if self._options.fields else {}
        texts = (title, *paragraphs, *(value for value in own.values() if isinstance(value, str)))
        check_texts(texts)
        notes += [note for note in describe_lost(texts) if note not in notes]
        article_id = self._make_id(values.pop("id", None), number)
        published = self._get_date(values.pop("published", None), notes)
        pages = _get_pages(values.pop("page_numbers", None), len(paragraphs), notes)
        stated = {field: _CONVERTERS[field](field, value, notes) for field, value in values.items()}
        if self._document.context is not NO_DETAILS:
            context = self._document.context
            stated = {field: stated.get(field) or getattr(context, field) for field in _CONVERTERS}
        return Article(
            article_id,
            title,
            paragraphs,
            published,
            source=self._document.name,
            encoding=self._get_encoding(record),
            notes=notes,
            page_numbers=pages,
            fields=own,
            **stated,
        )

    def _find_values(self, record: dict[str, Any]) -> dict[str, Any]:
        """The values of the fields of an article that a record has; empty ones are none."""
        known = self._fields
        values = {}
        for field in {known[name] for name in record if name in known} | self._mapped:
            for name in self._names[field]:
                value = record.get(name)
                if value is None and name in self._paths:
                    value = _follow(record, self._paths[name])
                if value is not None and value != "":
                    values[field] = value
                    break
        return values

    def _make_id(self, value: object, number: int) -> str:
        """The id of an article: made of the id that the record states, or else of its number."""
        if isinstance(value, int) and not isinstance(value, bool):
            value = str(value)
        elif isinstance(value, float) and value == value:
            value = format_number(value)
        if value is not None and not isinstance(value, str):
            raise BadRecord(f"id: must be a string or a number, not {describe_type(value)}")
        name, prefix = (value or "").strip(), self._document.article_id
        if name:
            return make_record_id(prefix, name)
        return f"{prefix}-{number}" if number else prefix

    def _get_date(self, value: object, notes: list[str]) -> Published | None:
        if isinstance(value, str) and _ISO_DATE.fullmatch(value) and value < self._last_day:
            # Most dates are ISO 8601, which is parsed much faster than any other form.
            try:
                return Published.parse(value)
            except ValueError:
                pass
        if isinstance(value, dict) and (stated := read_object(value)):
            return stated
        dates = self._document.context.dates
        if value is not None:
            found = parse_date(value, "given", self._options)
            dates = (found,) if found else ()
            if not found:
                notes.append(f"published: {quote_value(value)} was not understood as a date")
        published, remarks = choose_date(dates, self._options)
        notes.extend(remarks)
        return published

    def _get_encoding(self, record: dict[str, Any]) -> Encoding | None:
        """The encoding that an article was read in when this program wrote it, or that of the document."""
        try:
            return convert(record["encoding"], Encoding | None)
        except (KeyError, ValidationError):
            return self._document.encoding

    def _get_fields(self, record: dict[str, Any], notes: list[str]) -> dict[str, object]:
        """The values of the fields that the configuration declares, and this record has."""
        inner = record.get("fields")
        values: dict[str, object] = {}
        for name, field in self._own.items():
            kind = self._options.fields[field]
            value = record.get(name)
            if value is None and name in self._paths:
                value = _follow(record, self._paths[name])
            if value is None and isinstance(inner, dict):
                value = inner.get(name)
            if kind.type == "keyword" and isinstance(value, str):
                value = _NAMES.findall(value)
            try:
                values[field] = convert_value(field, kind, value)
            except InvalidArticle as error:
                notes.append(f"skipped {error}")
        return values


def _get_notes(record: dict[str, Any]) -> list[str]:
    """The notes of an article that this program wrote."""
    stated = record.get("notes")
    return list(stated) if isinstance(stated, list) and all(isinstance(note, str) for note in stated) else []


def _follow(record: object, path: list[str]) -> Any:
    """The value at a path of names in nested objects, or of the first object of a list; None if none."""
    for name in path:
        if isinstance(record, list):
            record = record[0] if record else None
        if not isinstance(record, dict):
            return None
        record = record.get(name)
    return record


def _get_paragraphs(given: object, notes: list[str]) -> list[str]:
    if isinstance(given, str):
        if has_markup(given):
            # Imported here, since most texts have no HTML.
            from indexer.readers.markup import extract_blocks, parse_visible

            notes.append("text: has HTML, of which the text was taken that a browser shows")
            return extract_blocks(parse_visible(given))
        return split_at_blank_lines(given)
    if not isinstance(given, list) or not all(isinstance(part, str) for part in given):
        raise BadRecord(f"text: must be a string or a list of strings, not {describe_type(given)}")
    return given


def _get_pages(value: object, count: int, notes: list[str]) -> list[int | None]:
    if value is None or value == []:
        return []
    if isinstance(value, list) and len(value) == count and all(map(_is_page, value)):
        return value
    notes.append(f"page_numbers: skipped, since they must be a page from 1 for each of {count} paragraphs")
    return []


def _is_page(value: object) -> bool:
    return value is None or (isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**31)


def _get_language(field: str, value: object, notes: list[str]) -> str | None:
    tag = value.strip() if isinstance(value, str) else value
    if isinstance(tag, str) and (not tag or is_language(tag)):
        return tag or None
    notes.append(f"{field}: skipped {quote_value(tag)}, which is not the code of a language")
    return None


def _get_url(field: str, value: object, notes: list[str]) -> str | None:
    address = web_address(value) if isinstance(value, str) else None
    if address is None:
        notes.append(f"{field}: skipped {quote_value(value)}, which is not an http or https address")
    return address


def _get_name(field: str, value: object, notes: list[str]) -> str | None:
    """The text of a value: itself, a number, or the `name` of an object; None with a note for others."""
    name = value.get("name") if isinstance(value, dict) else value
    if isinstance(name, str):
        return name
    if isinstance(name, (int, float)) and not isinstance(name, bool):
        return str(name)
    notes.append(f"{field}: skipped {quote_value(value)}, which is not a name")
    return None


def _get_names(field: str, value: object, notes: list[str]) -> list[str]:
    """The names in a list, or in a text with semicolons or bars between them."""
    if isinstance(value, str):
        names = _NAMES.findall(value)
    else:
        values = value if isinstance(value, list) else [value]
        names = [name for one in values if (name := _get_name(field, one, notes))]
    if len(names) > VALUES:
        notes.append(f"{field}: skipped {len(names) - VALUES:,} beyond the first {VALUES}")
    return names[:VALUES]


_CONVERTERS: Mapping[str, Callable[[str, object, list[str]], Any]] = {
    "url": _get_url,
    "language": _get_language,
    "authors": _get_names,
    "section": _get_name,
    "tags": _get_names,
    "publisher": _get_name,
}
"""Give the values of fields that an article can do without, and note what cannot be used."""

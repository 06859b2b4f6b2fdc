"""CSV and TSV: a table whose first row has the names of its columns; each other row is a record."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from typing import Literal

from indexer.article import Article, Failure
from indexer.errors import UnreadableDocument
from indexer.limits import ARTICLE_TEXT
from indexer.readers.document import RecordsDocument
from indexer.readers.records import (
    BadRecord,
    RecordReader,
    describe_too_large,
    max_record,
    measure_text,
    read_line,
)

_DELIMITERS = ",;\t|"
Row = list[str]


def read_articles(document: RecordsDocument) -> Iterator[Article | Failure]:
    """Return an article for each row, or a failure named `name:row`, counted as a spreadsheet does.

    The columns may be separated by commas, semicolons, tabs or bars: by whichever gives the most columns with
    known names. Raises UnreadableDocument if no column is a title or a text.
    """
    csv.field_size_limit(ARTICLE_TEXT)  # the default is less than the text of an article may have
    reader = RecordReader(document)
    tables = [_Table(document, delimiter, reader) for delimiter in _DELIMITERS]
    table = max(tables, key=lambda table: (table.known, len(table.columns)))
    if not reader.is_article(dict.fromkeys(table.columns, "a")):
        columns = ", ".join(filter(None, table.columns))
        raise UnreadableDocument(
            f"has no column {reader.describe_required()}: its first row must have the names of the columns, "
            f"and has {columns[:200]}"
        )
    return reader.read(table.number_rows(), table.make_record, "row", lambda row: sum(map(len, row)))


class _Table:
    """The table that a text is with one of the delimiters."""

    def __init__(self, document: RecordsDocument, delimiter: str, reader: RecordReader) -> None:
        self._document = document
        self._delimiter = delimiter
        rows = enumerate(csv.reader(_Lines(document), delimiter=delimiter), 1)
        # Excel writes a first line such as "sep=;".
        headers = ((n, row) for n, row in rows if any(row) and not row[0].lower().startswith("sep="))
        try:
            self._first, header = next(headers, (0, []))
        except csv.Error:
            self._first, header = 0, []
        names = [name.strip() for name in header]
        self.columns = [
            name if reader.is_known(name) or not reader.is_known(name.lower()) else name.lower()
            for name in names
        ]
        """The names of the columns; those of the fields of an article in small letters."""
        self.known = sum(map(reader.is_known, set(self.columns)))

    def number_rows(self) -> Iterator[tuple[int, Row | BadRecord]]:
        """Yield the rows below the names that are not empty, with their numbers."""
        for number, row in enumerate(self._read_rows(), 1):
            if number > self._first and (isinstance(row, BadRecord) or any(map(str.strip, row))):
                yield number, row

    def make_record(self, row: Row) -> dict[str, str]:
        """Return the cells of a row that are not empty, by the names of the columns."""
        if any(map(str.strip, row[len(self.columns) :])):
            raise BadRecord(
                f"has {len(row)} cells, and the row with the names has {len(self.columns)}: is a quotation "
                "mark missing?"
            )
        # Of columns with the same name, the first that has something counts.
        cells = [(name, cell) for name, cell in zip(self.columns, row, strict=False) if cell.strip()]
        return dict(reversed(cells))

    def _read_rows(self) -> Iterator[Row | BadRecord]:
        quoting = self._find_quoting()
        lines = _Lines(self._document)
        rows = self._parse(lines, quoting)
        while True:
            start = lines.number
            lines.size = 0
            try:
                row: Row | BadRecord = next(rows)
            except StopIteration:
                return
            except _TooLargeError as error:
                row = BadRecord(f"{error}, in the lines {start + 1} to {lines.number}")
            except csv.Error as error:
                row = self._repair_row(lines.last) if lines.number == start + 1 else []
                row = row or BadRecord(
                    f"has a quotation mark that is not closed, or not doubled, in the lines "
                    f"{start + 1} to {lines.number}: {error}"
                )
            yield row

    def _find_quoting(self) -> Literal[0, 3]:
        """How cells are quoted: with tabs and bars, quotation marks are often no more than text."""
        if self._delimiter in ",;":
            return csv.QUOTE_MINIMAL
        lines = _Lines(self._document)
        rows = self._parse(lines)
        while True:
            lines.size = 0
            try:
                next(rows)
            except StopIteration:
                return csv.QUOTE_MINIMAL
            except _TooLargeError:
                pass  # it is reported when it is read
            except csv.Error:
                return csv.QUOTE_NONE

    def _repair_row(self, line: str) -> Row:
        """The cells of a line that does not double the quotation marks in them; empty for another line."""
        doubled = re.sub(rf'(?<=[^{self._delimiter}"])"(?=[^{self._delimiter}"\r\n])', '""', line)
        try:
            (row,) = self._parse([doubled])
        except csv.Error:
            return []
        return row if len(row) == len(self.columns) else []

    def _parse(self, lines: Iterable[str], quoting: Literal[0, 3] = csv.QUOTE_MINIMAL) -> Iterator[Row]:
        # With `strict`, a quotation mark that is not closed is seen at the next one, not at the end.
        return csv.reader(
            lines, delimiter=self._delimiter, quoting=quoting, skipinitialspace=True, strict=True
        )


class _TooLargeError(csv.Error):
    """A row, or a line of it, is larger than a record may be."""


class _Lines:
    """The lines of a text, of which the `last` one and its `number` are known.

    `size` is that of the lines since it was set to 0; if it is too much for a row, _TooLargeError is raised.
    """

    def __init__(self, document: RecordsDocument) -> None:
        self._text = document.rewind()
        self._options = document.options
        self.number = self.size = 0
        self.last = ""

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = read_line(self._text, self._options)
        if line == "":
            raise StopIteration
        self.number += 1
        self.last = line or ""
        self.size += measure_text(self.last)
        if line is None or self.size > max_record(self._options):
            raise _TooLargeError(describe_too_large(self._options))
        return line

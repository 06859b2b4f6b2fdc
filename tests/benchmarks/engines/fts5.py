"""SQLite's full-text search, from the standard library."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import ClassVar

from tests.benchmarks.corpus import read_lines
from tests.benchmarks.engines import TOP, Engine, Found
from tests.benchmarks.queries import Kind, Question

# The text is in a plain table, where the date is too, and FTS5 indexes that table: so text is stored once,
# and a date can be compared without a second table.
_TABLES = """
CREATE TABLE paragraph (
    id INTEGER PRIMARY KEY, article TEXT, number INTEGER, published INTEGER, year INTEGER, text TEXT
);
CREATE VIRTUAL TABLE found USING fts5 (
    text, content='paragraph', content_rowid='id', tokenize='porter unicode61'
);
"""
_SNIPPET = "paragraph.article, snippet(found, 0, '<b>', '</b>', '…', 40)"
# By `rank`, not by `bm25(found)`: the same score, but sorted inside FTS5, which then cuts ten snippets only.
_BEST = f"""
SELECT {_SNIPPET} FROM found JOIN paragraph ON paragraph.id = found.rowid
WHERE found MATCH ? ORDER BY rank LIMIT ?
"""
_BETWEEN = f"""
SELECT {_SNIPPET} FROM found JOIN paragraph ON paragraph.id = found.rowid
WHERE found MATCH ? AND published >= ? AND published < ? ORDER BY rank LIMIT ?
"""
# In two steps, for the same reason: sorting whole rows would cut a snippet of every match.
_NEWEST = """
SELECT found.rowid FROM found JOIN paragraph ON paragraph.id = found.rowid
WHERE found MATCH ? ORDER BY published DESC LIMIT ?
"""
_ONE = f"""
SELECT {_SNIPPET} FROM found JOIN paragraph ON paragraph.id = found.rowid
WHERE found MATCH ? AND found.rowid = ?
"""
_YEARS = """
SELECT year, count(*) FROM found JOIN paragraph ON paragraph.id = found.rowid
WHERE found MATCH ? GROUP BY year
"""


class Fts5(Engine):
    """One row a paragraph, `porter unicode61`, `bm25`, `snippet()`."""

    name = "fts5"
    library = "sqlite3"
    module = "sqlite3"
    lacks: ClassVar[dict[Kind, str]] = {Kind.FUZZY: "it has no fuzzy matching"}

    def build(self, source: Path, folder: Path) -> None:
        """One transaction; merged at the end, as the manual advises for what will be searched often."""
        folder.mkdir(parents=True)
        database = sqlite3.connect(folder / "index.sqlite")
        database.executescript(_TABLES)
        with database:
            database.executemany(
                "INSERT INTO paragraph (article, number, published, year, text) VALUES (?, ?, ?, ?, ?)",
                _rows(source),
            )
            database.execute("INSERT INTO found (found) VALUES ('rebuild')")
            database.execute("INSERT INTO found (found) VALUES ('optimize')")
        database.close()

    def open(self, folder: Path) -> None:
        """One connection, with as much memory as it may want."""
        self._database = sqlite3.connect(folder / "index.sqlite")
        self._database.execute("PRAGMA mmap_size = 4294967296")
        self._database.execute("PRAGMA cache_size = -262144")

    def search(self, question: Question) -> list[Found]:
        """The ten best rows, or the newest, with their snippets."""
        asked, ask = _match(question), self._database.execute
        if question.kind is Kind.SORTED:
            newest = ask(_NEWEST, (asked, TOP)).fetchall()
            rows = [row for (place,) in newest for row in ask(_ONE, (asked, place))]
        elif question.after and question.before:
            edges = _moment(question.after), _moment(question.before)
            rows = ask(_BETWEEN, (asked, *edges, TOP)).fetchall()
        else:
            rows = ask(_BEST, (asked, TOP)).fetchall()
        if question.kind is Kind.FACETS:
            ask(_YEARS, (asked,)).fetchall()
        return [Found(article, passage) for article, passage in rows]

    def close(self) -> None:
        """Close the connection."""
        self._database.close()


def _rows(source: Path) -> Iterator[tuple[str, int, int, int, str]]:
    for story in read_lines(source):
        published = datetime.fromisoformat(story.published).replace(tzinfo=UTC)
        for number, text in enumerate((story.title, *story.paragraphs)):
            yield story.id, number, int(published.timestamp()), published.year, text


def _match(question: Question) -> str:
    words = question.words
    match question.kind:
        case Kind.OR | Kind.SIX:
            # All six in one paragraph would find next to nothing.
            return " OR ".join(words)
        case Kind.PHRASE:
            return f'"{" ".join(words)}"'
        case Kind.PREFIX:
            return f"{words[0]}*"
        case _:
            return " AND ".join(words)


def _moment(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())

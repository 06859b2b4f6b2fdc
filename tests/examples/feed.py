"""Records from anywhere: the entries of an Atom feed and the rows of a database, in one index of their own.

python tests/examples/feed.py
"""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

from indexer import Article, open_index

FEED = """<feed xmlns="http://www.w3.org/2005/Atom">
  <entry><id>tag:quay.example,2021:7</id><title>Night ferry returns</title>
    <published>2021-11-05T21:01:00Z</published><link href="https://quay.example/7"/>
    <summary>The night ferry sails again from Friday.</summary></entry>
</feed>"""
ATOM = "{http://www.w3.org/2005/Atom}"


def from_feed(feed: str) -> Iterator[Article]:
    """The entries of a feed."""
    for entry in ElementTree.fromstring(feed).iter(f"{ATOM}entry"):
        link = entry.find(f"{ATOM}link")
        yield Article(
            id=entry.findtext(f"{ATOM}id", ""),
            title=entry.findtext(f"{ATOM}title", ""),
            published=entry.findtext(f"{ATOM}published"),
            url=None if link is None else link.get("href"),
            paragraphs=[entry.findtext(f"{ATOM}summary", "")],
            source="feed",
        )


def from_database(database: sqlite3.Connection) -> Iterator[Article]:
    """The rows of a table; a row that changes keeps its id, and takes the place of what it was."""
    for number, title, day, text in database.execute("SELECT id, title, day, text FROM notes ORDER BY id"):
        yield Article(
            id=f"note-{number}", title=title, published=day, paragraphs=text.split("\n\n"), source="notes"
        )


def main() -> None:
    """Put both in, find them, change one, take one out."""
    database = sqlite3.connect(":memory:")
    database.execute("CREATE TABLE notes (id INTEGER PRIMARY KEY, title TEXT, day TEXT, text TEXT)")
    database.execute(
        "INSERT INTO notes VALUES (1, 'Harbour', '2020-03', 'The ferry stopped.\n\nNobody minded.')"
    )
    with tempfile.TemporaryDirectory() as folder, open_index(Path(folder) / "index") as index:
        index.put([*from_feed(FEED), *from_database(database)])
        for hit in index.search("ferry", sort="oldest").hits:
            print(hit.article.published, hit.article.title, "·", hit.passages[0].text)
        database.execute("UPDATE notes SET text = 'The ferry stopped, and sailed again.'")
        report = index.put(from_database(database))
        print(f"{report.changed} changed:", index.search("sailed").hits[0].passages[0].text)
        index.remove(["note-1"])
        print(index.search("ferry").total, "left")
    database.close()


if __name__ == "__main__":
    main()

"""All bounds: of what a query may ask for, what a page may show, and what reading a file may take.

Where a comment says "a note", what exceeds the bound is dropped and the page says so; where it says
"refused", an error is raised. The bounds of an HTTP request are in `webui.security`.
"""

from __future__ import annotations

# Queries

CHARACTERS = 2000
"""Characters of a query that are read, unless configured otherwise; the parser never sees more. A note."""
MOST_CHARACTERS = 4000
"""The most characters that can be configured; over HTTP a longer query is refused."""
CLAUSES = 128
"""Words, phrases, patterns and filters that are searched for, per 2,000 characters that are read. A note."""
DEPTH = 20
"""How deep parentheses nest; deeper ones are ignored. A note."""
WORD = 256
"""Characters of one word. A note."""
PIECES = 128
"""Parts of compounds (covid-19) that are also searched for by themselves. A note."""
EXPANSION = 1000
"""Terms that a pattern or a fuzzy match expands to: the most frequent ones. A note."""
EDITS = 2
"""Letters by which a fuzzy match may differ. A note."""
SLOP = 100
"""How many positions apart the words of a phrase may be. A note."""
DISTANCE = 100
"""How many positions apart NEAR reaches. A note."""
CHAIN = 16
"""How many clauses NEAR joins in a row. A note."""
BOOST = 100.0
"""How many times a term may count. A note."""
NOTES = 10
"""Notes about the reading of one query; the last one counts the others."""
TYPED = 1000
"""Characters of typed text that is completed; a longer one gets no suggestions."""
QUOTE = 4000
"""Characters of a quotation to verify. Refused."""
QUERY_SECONDS = 60.0
"""The most time that a query can be given; what it has not done by then is dropped. A note."""
RESTRICTIONS = 32
"""Restricted views of a commit that a process keeps open; another one takes the place of the least recently
used."""

# Pages

PAGED = 10_000
"""The last hit that `offset` and `limit` reach; cursors go further. Refused."""
HITS = 1000
"""Hits of one page, as it may be configured; over HTTP of one answer, except for exports. Refused."""
PASSAGES = 100
"""Passages of a hit, as it may be configured. Refused."""
VALUES = 100
"""Values of one filter. Refused."""

# Documents: what a worker process may take to read a file, or a record of a container

FILE_SECONDS, FILE_SECONDS_PER_MB = 5.0, 2.0
"""Seconds of processor time, which do not depend on how busy the machine is. Only plain text gets more for
each MB, because it is read in linear time. Refused."""
RECORD_SECONDS = 20.0
"""Seconds of processor time for a record of a container (and FILE_SECONDS_PER_MB), for a document that is no
text, such as a PDF, or for each part that its reader divides it into. Refused."""
DOCUMENT_SECONDS = 300.0
"""Seconds of processor time for all parts of such a document. Refused."""
FAILED_RECORDS = 20
"""Records of a container that may end the process that reads them; then the rest is not read. Refused."""
LISTED_FAILURES = 1000
"""Failures of the records of a container that are listed one by one; the last one counts the others."""
FILE_WAIT, FILE_WAIT_PER_MB = 60.0, 10.0
"""Seconds by the clock for a file or a record: a process may wait, and use no processor time. Refused."""
FILE_MEMORY = 256 << 20
"""Bytes of memory beyond what the process had before, except for plain text. Refused."""
WORKER_MEMORY = 448 << 20
"""Bytes of private memory of a process; less than 512 MB with what it shares with others. Refused."""
ARTICLE_TEXT = 12 << 20
"""Bytes of text of one article. Refused."""
PDF_PAGES = 10_000
"""Pages of a PDF. Refused."""
STORED_TEXT = 1 << 27
"""Bytes of one title or paragraph that the index can store. Refused."""
ARTICLES_PER_MB = 4000
"""Articles of a file, for each MB that it may have, or a container has; the writer remembers every one.
Refused."""
_DAY = 86_400.0

# Processes

PROCESSES = 64
"""Processes of `serve`. Refused."""


def max_clauses(characters: int) -> int:
    """Return how many clauses a query may have of which this many characters are read."""
    return max(CLAUSES, characters * CLAUSES // CHARACTERS)


def file_seconds(size: int, *, is_plain: bool) -> float:
    """Return the processor time for a file of this many bytes; `is_plain` for plain text."""
    return FILE_SECONDS + (FILE_SECONDS_PER_MB * size / 2**20 if is_plain else 0)


def record_seconds(size: int) -> float:
    """Return the processor time for a record of this many bytes."""
    return RECORD_SECONDS + FILE_SECONDS_PER_MB * size / 2**20


def file_wait(size: int) -> float:
    """Return how many seconds by the clock to wait for a file or record of these bytes: a day at most."""
    return min(FILE_WAIT + FILE_WAIT_PER_MB * size / 2**20, _DAY)


def max_articles(max_bytes: int) -> int:
    """Return how many articles a file may have that may have, or has, this many bytes."""
    return max(1, ARTICLES_PER_MB * max_bytes >> 20)


def file_limits(max_bytes: int) -> str:
    """Return all limits of a file as a text: a file that was refused is read again when it changes."""
    seconds = (FILE_SECONDS, FILE_SECONDS_PER_MB, RECORD_SECONDS, DOCUMENT_SECONDS)
    others = (FILE_MEMORY, WORKER_MEMORY, FILE_WAIT, FILE_WAIT_PER_MB, FAILED_RECORDS)
    return " ".join(map(str, (max_bytes, ARTICLE_TEXT, ARTICLES_PER_MB, *seconds, *others)))

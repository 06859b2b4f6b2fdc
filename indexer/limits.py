"""What a query may ask for: every bound in one place. What was cut is said in a note, the rest is refused.

The bounds of a request over HTTP are in `webui.security`.
"""

from __future__ import annotations

CHARACTERS = 512
"""Of a query that are read, unless it is configured otherwise; the parser never sees the others. A note."""
MOST_CHARACTERS = 4000
"""The most that can be configured; over HTTP a longer query is refused."""
CLAUSES = 32
"""Words, phrases, patterns and filters that are searched for, of every 512 characters that may be read.

A note."""
DEPTH = 20
"""How deep parentheses nest; deeper ones are ignored. A note."""
WORD = 256
"""Characters of one word. A note."""
PIECES = 128
"""Parts of joined words (covid-19) that are searched for alone as well. A note."""
EXPANSION = 1000
"""Words that a pattern or a near spelling stands for: the most common ones. A note."""
EDITS = 2
"""Letters that may differ in a near spelling. A note."""
SLOP = 100
"""How many places apart the words of a phrase may stand. A note."""
DISTANCE = 100
"""How many places apart NEAR reaches. A note."""
CHAIN = 16
"""How many clauses NEAR joins in a row. A note."""
BOOST = 100.0
"""How many times a word may count. A note."""
NOTES = 10
"""Notes about the reading of one query; the last one counts those that are left out."""
TYPED = 1000
"""Characters of what is being typed: nobody waits for what could follow a longer text. No suggestions."""
QUOTE = 4000
"""Characters of a quotation that is verified. Refused."""
PAGED = 10_000
"""The last place among the hits that a page may show by its offset; cursors go on from there. Refused."""
HITS = 1000
"""Hits of one page, as it may be configured; over HTTP the most of one answer but for rows. Refused."""
PASSAGES = 100
"""Passages of a hit, as it may be configured. Refused."""
VALUES = 100
"""Values of one filter. Refused."""
SECONDS = 60.0
"""The most time that a query can be given; what it takes longer than it was given is left out. A note."""


def clauses(characters: int) -> int:
    """How many clauses a query may have of which so many characters are read: longer questions have more."""
    return max(CLAUSES, characters * CLAUSES // CHARACTERS)

"""Texts: what can be stored as one, its white space, and names of paragraphs that last."""

from __future__ import annotations

import hashlib
import reprlib
import unicodedata
from collections.abc import Iterable, Iterator, Sequence

from indexer.errors import InvalidArticle

MOST_TEXT = 2**27
"""Bytes in UTF-8 of the longest text that an article may have: what is longer is believed of no index."""
LARGE = 10**18
"""A number that is no count of anything here."""


def told(value: object) -> str:
    """A value as messages repeat it: no more than part of a line, however long it is."""
    # The digits of a very large number would be refused, or written for minutes.
    return "a very large number" if isinstance(value, int) and abs(value) > LARGE else reprlib.repr(value)


def check_text(name: str, value: object) -> None:
    """Raise InvalidArticle, naming the field, unless it is text that can be written as UTF-8, and fits."""
    if not isinstance(value, str):
        advice = ": decode it first" if isinstance(value, bytes) else ""
        raise InvalidArticle(f"{name}: text is wanted, {type(value).__name__} was found{advice}")
    if len(value) > MOST_TEXT // 4 and len(value.encode(errors="surrogatepass")) > MOST_TEXT:
        raise InvalidArticle(f"{name}: at most {MOST_TEXT:,} bytes are wanted, it has more: split it")
    if value.isascii():
        return
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise InvalidArticle(
            f"{name}: text that can be written as UTF-8 is wanted, a lone surrogate was found at "
            f"character {error.start}"
        ) from error


def anchors(paragraphs: Iterable[str]) -> tuple[str, ...]:
    """A stable name for each paragraph: "p-" and eight hex digits of a hash of its normalised text.

    Case, white space and Unicode form do not count. A paragraph that stands twice in an article gets "-2",
    "-3" … from its second place on.
    """
    return name_anchors(anchor_hashes(paragraphs))


def anchor_hashes(paragraphs: Iterable[str]) -> list[int]:
    """The hashes that anchors are made of, 32 bits each."""
    hashes = []
    for text in paragraphs:
        plain = text.lower() if text.isascii() else unicodedata.normalize("NFKC", text).casefold()
        hashes.append(int.from_bytes(hashlib.sha256(spaced(plain).encode()).digest()[:4]))
    return hashes


def spaced(text: str) -> str:
    """The text with one space for each run of white space, and none around it."""
    # Printable characters are no white space, but for the space itself: most texts are in order already.
    if text.isprintable() and "  " not in text and text[:1] != " " != text[-1:]:
        return text
    return " ".join(text.split())


def name_anchors(hashes: Iterable[int]) -> tuple[str, ...]:
    """The anchors of an article's paragraphs from their hashes, in order."""
    seen: dict[int, int] = {}
    names = []
    for number in hashes:
        seen[number] = seen.get(number, 0) + 1
        names.append(_anchor(number, seen[number]))
    return tuple(names)


def name_anchor(hashes: Sequence[int], place: int) -> str:
    """The anchor of one paragraph (numbered from 0); what comes after it need not be given."""
    return _anchor(hashes[place], 1 + hashes[:place].count(hashes[place]))


def _anchor(number: int, time: int) -> str:
    return f"p-{number:08x}" if time == 1 else f"p-{number:08x}-{time}"


def stretches(text: str, length: int) -> Iterator[tuple[int, int]]:
    """The parts of a text, as start and stop, of so many characters or up to a space before."""
    start = 0
    while len(text) - start > length:
        stop = text.rfind(" ", start, start + length) + 1 or start + length
        yield start, stop
        start = stop
    yield start, len(text)

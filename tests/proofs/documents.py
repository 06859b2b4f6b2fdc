"""HTML and text by mutation, nesting and encoding: at most 5 s and 256 MB, and no script's text."""

from __future__ import annotations

import random
import resource
import time
from collections.abc import Callable

from indexer import Article, Failure
from indexer.errors import InvalidArticle, UnreadableDocument
from indexer.readers import ReadOptions, read
from tests.proofs.archive import Lost, counted

ROUNDS = 100_000
SECONDS = 5.0
MEMORY = 256
"""MB that reading may take, over all rounds, on top of what the libraries take."""
SECRET = "xqsecretqx"
"""A word that stands in scripts, styles and the like alone."""
_OPTIONS = ReadOptions(max_bytes=2**20)
_NAMES = ("a.html", "a.htm", "a.xhtml", "a.txt", "a.md", "a.jsonl", "a")
_ENCODINGS = (
    "utf-8",
    "utf-8-sig",
    "utf-16",
    "utf-16-le",
    "utf-32",
    "latin-1",
    "cp1252",
    "shift_jis",
    "koi8-r",
)
_HIDING = ("script", "style", "template", "noscript", "textarea")
_TAGS = (
    "div",
    "p",
    "b",
    "table",
    "tr",
    "td",
    "ul",
    "li",
    "h1",
    "a",
    "span",
    "pre",
    "br",
    "svg",
    "math",
    "select",
)
_WORDS = (
    "the harbour crane tide vaccine road née Zürich 東京 город 2021-11-05 5.3.2024 &amp; &#x41; &#0; \u2028"
)
_MARKS = (
    "<",
    ">",
    "</",
    "<!--",
    "-->",
    "<![CDATA[",
    "]]>",
    "&",
    '"',
    "'",
    "<?",
    "\r",
    "\n\n",
    "---\n",
    "{",
    "}",
)


def run(rounds: int, chance: random.Random) -> str:
    """Read so many documents; returns what became of them, and the longest time and the most memory."""
    read(_page(random.Random(0)).encode(), "warm.html", "warm", _OPTIONS)
    before, longest = _taken(), 0.0
    outcomes = []
    for number in range(rounds):
        make = _MAKES[number % len(_MAKES)]
        data, is_whole = make(chance)
        name = chance.choice(_NAMES) if not is_whole else "a.html"
        began = time.process_time()
        outcomes.append(_read(data, name, is_whole, f"round {number} ({make.__name__[1:]}, {name})"))
        longest = max(longest, time.process_time() - began)
        if longest > SECONDS:
            raise Lost(f"round {number} ({make.__name__[1:]}, {name}): it took {longest:.1f} s")
        if (grown := _taken() - before) > MEMORY:
            raise Lost(f"round {number} ({make.__name__[1:]}, {name}): reading has taken {grown} MB")
    return (
        f"{rounds:,} documents: {counted(outcomes)}; at most {longest:.2f} s each and "
        f"{_taken() - before} MB in all, no script's text"
    )


def _read(data: bytes, name: str, is_whole: bool, where: str) -> str:
    try:
        found = list(read(data, name, "a", _OPTIONS))
    except (UnreadableDocument, InvalidArticle):
        return "refused"
    for item in found:
        if isinstance(item, Failure):
            continue
        if is_whole and SECRET in _text(item):
            raise Lost(f"{where}: the text of a script is the article's: {data[:300]!r}")
    return "read"


def _text(article: Article) -> str:
    return " ".join((article.title, *article.paragraphs))


def _taken() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def _words(chance: random.Random, most: int = 30) -> str:
    return " ".join(chance.choices(_WORDS.split(" "), k=chance.randint(1, most)))


def _hidden(chance: random.Random) -> str:
    """An element whose text is not shown, whatever stands in it."""
    tag = chance.choice(_HIDING)
    inner = chance.choice(
        (SECRET, f"if (a < b && c) {SECRET}()", f"<p>{SECRET}</p>", f"<div><b>{SECRET}</div>")
    )
    attribute = chance.choice(("", ' type="text/javascript"', " async", ' id="x"', "\n"))
    end = chance.choice((f"</{tag}>", f"</{tag.upper()}>", f"</{tag} >"))
    return f"<{chance.choice((tag, tag.upper()))}{attribute}>{inner}{end}"


def _page(chance: random.Random) -> str:
    """A page that is nested soundly, with hidden elements anywhere in it."""
    pieces = ["<!DOCTYPE html><html><head><title>", _words(chance, 5), "</title>"]
    pieces += [_hidden(chance) for _ in range(chance.randint(0, 3))]
    pieces.append("</head><body>")
    for _ in range(chance.randint(1, 12)):
        tag = chance.choice(("p", "div", "h1", "article", "section", "blockquote", "li"))
        inside = _hidden(chance) if chance.random() < 0.4 else ""
        pieces += [f"<{tag}>", _words(chance), inside, _words(chance), f"</{tag}>"]
        pieces += [_hidden(chance)] * (chance.random() < 0.3)
    return "".join([*pieces, "</body></html>"])


def _whole(chance: random.Random) -> tuple[bytes, bool]:
    return _page(chance).encode("utf-8", "replace"), True


def _mutated(chance: random.Random) -> tuple[bytes, bool]:
    data = bytearray(_page(chance).encode())
    for _ in range(chance.randint(1, 40)):
        place = chance.randrange(len(data) + 1)
        action = chance.randrange(4)
        if action == 0:
            data[place : place + chance.randint(1, 20)] = b""
        elif action == 1:
            data[place:place] = chance.choice(_MARKS).encode()
        elif action == 2:
            data[place:place] = chance.randbytes(chance.randint(1, 4))
        else:
            start = chance.randrange(len(data) + 1)
            data[place:place] = data[start : start + chance.randint(1, 200)]
    return bytes(data), False


def _nested(chance: random.Random) -> tuple[bytes, bool]:
    depth = chance.choice((1, 10, 100, 300, 1000, 3000)) if chance.random() < 0.9 else 20_000
    tags = chance.choices(_TAGS, k=chance.randint(1, 3))
    opened = "".join(f"<{tags[place % len(tags)]}>" for place in range(depth))
    return (_words(chance) + opened + _words(chance)).encode("utf-8", "replace"), False


def _repeated(chance: random.Random) -> tuple[bytes, bool]:
    unit = "".join(
        chance.choices((*_MARKS, "[", "](", "*", "_", "`", "|", " ", "a", "#", "<a ", "x=", "é"), k=3)
    )
    return (unit * chance.randint(1, 4000)).encode(), False


def _encoded(chance: random.Random) -> tuple[bytes, bool]:
    codec = chance.choice(_ENCODINGS)
    text = _page(chance).replace("<head>", f'<head><meta charset="{chance.choice(_ENCODINGS)}">')
    return text.encode(codec, "replace"), False


def _random(chance: random.Random) -> tuple[bytes, bool]:
    if chance.random() < 0.5:
        return chance.randbytes(chance.randint(0, 3000)), False
    code = chance.choice((0x80, 0x800, 0xD800, 0x10FFFF))
    text = "".join(chr(chance.randrange(1, code)) for _ in range(chance.randint(1, 800)))
    return text.encode("utf-8", "replace"), False


_MAKES: tuple[Callable[[random.Random], tuple[bytes, bool]], ...] = (
    _whole, _mutated, _nested, _repeated, _encoded, _random,
)  # fmt: skip

"""Where the tokens of a page end, by the tokenizer of the HTML standard (section 13.2.5)."""

from __future__ import annotations

import re
import string
from typing import Literal, NamedTuple

Kind = Literal["start", "end", "text", "none"]
_FLAGS = re.ASCII | re.IGNORECASE
SOUND_NAME = re.compile(r"[a-z][-a-z0-9_:.]*+", _FLAGS)
"""A name of a tag or an attribute that every parser reads alike."""
_SPACE = r"[\t\n\f\r ]"
# An attribute that every parser reads alike. Possessive, so that nothing is looked at twice.
_PLAIN = (
    rf"{_SPACE}++[a-z_:@.][-a-z0-9_:@.]*+"
    rf"(?:{_SPACE}*+={_SPACE}*+(?:\"[^\"]*+\"|'[^']*+'|[-!#$%()*+,./0-9:;?@a-z\[\]^_{{|}}~\\]++))?+"
)
# Where more stand in one tag, they are counted.
_MANY = 60
_MOST = 500
_NAME = re.compile(r"[^\t\n\f\r />]*+")
_ATTRIBUTE = re.compile(
    rf"(?:{_SPACE}|/)*+(?:(?P<name>=?[^\t\n\f\r />=]*+)"
    rf"(?:{_SPACE}*+={_SPACE}*+(?:\"(?P<double>[^\"]*+)\"|'(?P<single>[^']*+)'"
    r"|(?P<bare>[^\t\n\f\r \"'>][^\t\n\f\r >]*+)|(?=>)))?+)"
)
_UNCLOSED = re.compile(rf"{_SPACE}*+={_SPACE}*+(?:[\"']|$)")
_LOWER = {ord(letter): letter.lower() for letter in string.ascii_uppercase}
_COMMENT_END = re.compile(r"--!?>")
_SCRIPT = re.compile(rf"<!--|-->|<(/?)script(?={_SPACE}|[/>])", _FLAGS)
_TAG = re.compile(rf"<(/?)([a-z][-a-z0-9_:.]*+)((?:{_PLAIN}){{0,{_MANY}}}+){_SPACE}*+(/?)>", _FLAGS)


class Token(NamedTuple):
    """A piece of a page from a `<` on: what it is, and where the next begins."""

    kind: Kind
    """`none`: what a browser shows nothing of, as comments and tags that the end of the page cuts off."""
    end: int
    name: str = ""
    """A tag's name in lower case."""
    attributes: tuple[tuple[str, str], ...] = ()
    closed: bool = False
    """The tag ends in `/>`."""


def plain_run(without: frozenset[str]) -> re.Pattern[str]:
    """What a page may be passed over by at once: text, and tags that every parser reads alike.

    No tag of a name in `without` is among them.
    """
    names = "|".join(sorted(without))
    return re.compile(
        rf"(?:[^<]++|<(?!/?(?:{names})(?![-a-z0-9_:.]))"
        rf"(?:/[a-z][-a-z0-9_:.]*+|[a-z][-a-z0-9_:.]*+(?:{_PLAIN}){{0,{_MANY}}}+{_SPACE}*+/?){_SPACE}*+>)*+",
        _FLAGS,
    )


def token(page: str, at: int, *, cdata: bool = False) -> Token:
    """The token that begins with the `<` at `at`; `cdata` says that sections of it have a meaning there."""
    if match := _TAG.match(page, at):
        found = _attributes(match[3]) if match[3] else ()
        if match[1]:
            return Token("end", match.end(), match[2].lower())
        return Token("start", match.end(), match[2].lower(), found, match[4] == "/")
    following = page[at + 1 : at + 2]
    if following == "!":
        return Token("none", _declaration(page, at, cdata=cdata))
    if following == "?":
        return Token("none", _past(page, ">", at))
    is_end = following == "/"
    first = page[at + 2 : at + 3] if is_end else following
    if first.isascii() and first.isalpha():
        return _tag(page, at + 1 + is_end, is_end=is_end)
    if is_end and first:
        return Token("none", _past(page, ">", at))
    return Token("text", at + 1 + is_end)


def raw_end(page: str, at: int, name: str) -> int:
    """Where the raw text of an element called `name` ends, whose start tag ended at `at`."""
    if name == "script":
        return _script_end(page, at)
    end = re.compile(rf"</{name}(?={_SPACE}|[/>])", _FLAGS).search(page, at)
    return end.start() if end else len(page)


def _script_end(page: str, at: int) -> int:
    """Past `<!--` a script's end tag ends it still, but not the one of a script that begins in there."""
    escaped = twice = False
    while match := _SCRIPT.search(page, at):
        at = match.end()
        if match[0] == "<!--":
            escaped = True
            # Its own dashes may begin what ends it.
            at -= 2
        elif match[0] == "-->":
            escaped = twice = False
        elif match[1]:
            if not twice:
                return match.start()
            twice = False
        elif escaped:
            twice = True
    return len(page)


def _declaration(page: str, at: int, *, cdata: bool) -> int:
    if page.startswith("<!--", at):
        at += 4
        if page.startswith(">", at):
            return at + 1
        if page.startswith("->", at):
            return at + 2
        end = _COMMENT_END.search(page, at)
        return end.end() if end else len(page)
    if cdata and page.startswith("<![CDATA[", at):
        return _past(page, "]]>", at + 9)
    return _past(page, ">", at)


def _past(page: str, what: str, at: int) -> int:
    end = page.find(what, at)
    return len(page) if end < 0 else end + len(what)


def _tag(page: str, at: int, *, is_end: bool) -> Token:
    name = _NAME.match(page, at)
    assert name is not None
    found: list[tuple[str, str]] = []
    at = name.end()
    while True:
        match = _ATTRIBUTE.match(page, at)
        assert match is not None
        at = match.end()
        if match["name"]:
            if match.lastgroup == "name" and _UNCLOSED.match(page, at):
                return Token("none", len(page))
            if len(found) < _MOST:
                found.append(
                    (match["name"].lower(), match["double"] or match["single"] or match["bare"] or "")
                )
        if page.startswith(">", at):
            break
        if at == len(page):
            return Token("none", at)
    closed = page[at - 1] == "/" and not match["bare"]
    return Token("end" if is_end else "start", at + 1, name[0].translate(_LOWER), tuple(found), closed)


def _attributes(text: str) -> tuple[tuple[str, str], ...]:
    return tuple(_attribute(match) for match in _ATTRIBUTE.finditer(text) if match["name"])


def _attribute(match: re.Match[str]) -> tuple[str, str]:
    return match["name"].lower(), match["double"] or match["single"] or match["bare"] or ""

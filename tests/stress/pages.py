"""Pages that are hostile and mean something: each piece of text has a word of its own, wherever it stands."""

from __future__ import annotations

import random
import re
from collections.abc import Callable

WORD = re.compile(r"zq\d+qz")


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_RAW = _names("script style noscript textarea iframe noembed noframes title xmp")
_BLOCKS = _names(
    "div p article section blockquote ul li ol dl dd dt h1 h2 pre form fieldset main aside center details "
    "address table tr td caption tbody th select option button object marquee colgroup col"
)
_INLINE = _names(
    "b i a em font nobr code span sub cite br img input wbr ruby rt x-y mi g desc label hr video image"
)
_SVG = _names("g path text style script title desc foreignObject textarea a font")
_MATH = _names("mi mo mtext mrow style script annotation-xml mglyph malignmark title")
_ANY = (*_BLOCKS, *_INLINE, *_SVG, *_MATH, *_RAW, *_names("svg math template body html head p br"))
_FILLER = (
    "The council met on Monday evening and spoke for three hours about the bridge over the canal, which has "
    "been shut since the spring floods and which nobody wants to pay for. "
)
MARKS = (
    *("<", ">", "</", "/>", "<!--", "-->", "--!>", "<!", "<![CDATA[", "]]>", "&", '"', "'", "=", "<?", "\r"),
    *("\x01", "\x0b", "\x0c", "\u0338", "\xa0", "&#0;", "&lt;", "&#60;", "--", "-", "!", "/", " ", "ſ"),
    *("<script>", "</script>", "</style", "</svg>", "<svg>", "<template>", "</template>", "</p>", "<p>"),
)
_END = ("", "", "", " ", "/", " a='>'")
_INSIDE = (
    *("", "if (a < b && c)", "<p>", "<!--", "<!-- <script>", "<!-- <script></script>", "-->"),
    *("<![CDATA[", "<svg>", "<template>", "</p>", "'<!--'", "<!-->", "</script", "</style>", '"', "]]>"),
    *("</textarea>", "<title>", "<!--<script >", "<plaintext"),
)


class Maker:
    """Makes a page by chance, of at most about so many pieces."""

    def __init__(self, chance: random.Random, pieces: int = 60) -> None:
        self._chance = chance
        self._left = pieces
        self._words = 0
        self._long = chance.random() < 0.3

    def page(self) -> str:
        """A whole page, or what might be one."""
        start = self._pick(("<!DOCTYPE html>", "<!DOCTYPE html>", "", "<!-- a --><!DOCTYPE html>"))
        head = "".join(self._hidden() for _ in range(self._chance.randint(0, 3)))
        if self._chance.random() < 0.7:
            start += f"<html><head><title>{self._text()}</title>{head}</head><body>"
        else:
            start += head
        body = self._content(0)
        while self._left > 0:
            body += self._content(0)
        end = self._pick(("</body></html>", "", self._hidden()))
        return start + body + end

    def _pick(self, of: tuple[str, ...]) -> str:
        return self._chance.choice(of)

    def _word(self) -> str:
        self._words += 1
        return f"zq{self._words}qz"

    def _text(self) -> str:
        filler = _FILLER * self._chance.randint(1, 3) if self._long and self._chance.random() < 0.5 else ""
        return f" {filler}{self._word()} {self._pick(('', '&amp; ', '東京 ', '< ', 'née ', '> '))}"

    def _content(self, depth: int) -> str:
        pieces: list[str] = []
        for _ in range(self._chance.randint(1, 5)):
            self._left -= 1
            if self._left < 0 or depth > 25:
                return "".join(pieces) + self._text()
            make: Callable[[int], str] = self._chance.choices(
                (
                    *(self._plain, self._element, self._raw, self._comment, self._foreign),
                    *(self._template, self._stray, self._table),
                ),
                (6, 6, 3, 1.5, 2, 0.8, 1.5, 0.6),
            )[0]
            pieces.append(make(depth))
        return "".join(pieces)

    def _plain(self, _: int) -> str:
        return self._text()

    def _element(self, depth: int) -> str:
        name = self._pick(_BLOCKS if self._chance.random() < 0.6 else _INLINE)
        return self._wrapped(name, self._content(depth + 1))

    def _wrapped(self, name: str, content: str) -> str:
        roll = self._chance.random()
        end = f"</{name}{self._pick(_END)}>"
        if roll < 0.15:
            end = ""
        elif roll < 0.2:
            end = f"</{self._pick(_ANY)}>"
        return self._tag(name) + content + end

    def _tag(self, name: str) -> str:
        if self._chance.random() < 0.1:
            name = name.upper()
        attributes = "".join(self._attribute() for _ in range(self._chance.choice((0, 0, 0, 1, 2))))
        return f"<{name}{attributes}{self._pick(('', '', '', '', ' ', '/', ' /', chr(10)))}>"

    def _attribute(self) -> str:
        value = self._pick((self._word(), f"> {self._word()}", f"<script>{self._word()}", "</svg>", "a", ""))
        plain = value.replace(" ", "").replace(">", "") or "b"
        return self._pick(
            (
                *(f' title="{value}"', f" class='{value}'", f" id={plain}", " hidden=''", " =x", " a/b"),
                *(f' x = "{value}"', " encoding=text/html", " size=1", f"/data-x='{value}'", f' a"b={plain}'),
            )
        )

    def _hidden(self) -> str:
        return self._raw(0)

    def _raw(self, _: int) -> str:
        name = self._pick(_RAW)
        inner = self._pick((*_INSIDE, f"</{name}x>", f"</ {name}>"))
        more = self._pick(("", "", "-->", "<b>", "</b>", "--></script>"))
        kinds = ("", " type=text/x", " type=module", " type=application/ld+json")
        kind = self._pick(kinds) if name == "script" else ""
        end = self._pick((f"</{name}>", f"</{name.upper()} >", f"</{name}\n x='>'>", f"</{name}/>", ""))
        if not end and self._chance.random() < 0.8:
            end = f"</{name}>"
        return f"<{name}{kind}>{self._word()} {inner} {self._word()} {more} {self._word()}{end}"

    def _comment(self, _: int) -> str:
        word, other = self._word(), self._word()
        return self._pick(
            (
                *(f"<!-- {word} -->", f"<!--{word}--!>", f"<!--> {word}", f"<!---> {word}", f"<!{word}>"),
                *(f"<?x {word}>", f"</ {word}>", f"<!-- {word} -- > {other} -->", f"</> {word}", "<!---->"),
                *(f"<!--{word}<!-->", f"<![CDATA[ {word} > {other} ]]>", f"<![if x]>{word}<![endif]>"),
                *(f"<!-- <script> {word} --> {other}", f"<!DOCTYPE {word}>", f"<!--{word}--->", "<!-- - -->"),
            )
        )

    def _foreign(self, depth: int) -> str:
        name = self._pick(("svg", "math"))
        return self._wrapped(name, self._in_foreign(depth + 1, _SVG if name == "svg" else _MATH))

    def _in_foreign(self, depth: int, tags: tuple[str, ...]) -> str:
        pieces: list[str] = []
        for _ in range(self._chance.randint(0, 4)):
            self._left -= 1
            roll = self._chance.random()
            if self._left < 0 or depth > 25:
                break
            if roll < 0.2:
                pieces.append(self._text())
            elif roll < 0.65:
                name = self._pick(tags if self._chance.random() < 0.9 else _ANY)
                inner = self._content(depth + 1) if self._chance.random() < 0.4 else ""
                pieces.append(self._wrapped(name, inner or self._in_foreign(depth + 1, tags)))
            elif roll < 0.75:
                pieces.append(f"<![CDATA[ {self._word()} </svg> {self._word()} ]]>")
            else:
                make = self._chance.choice(
                    (self._raw, self._comment, self._stray, self._element, self._template)
                )
                pieces.append(make(depth + 1))
        return "".join(pieces)

    def _template(self, depth: int) -> str:
        return self._wrapped("template", self._content(depth + 1))

    def _stray(self, _: int) -> str:
        return f"</{self._pick(_ANY)}>" if self._chance.random() < 0.7 else self._tag(self._pick(_ANY))

    def _table(self, depth: int) -> str:
        cells = "".join(
            f"<tr>{self._wrapped('td', self._content(depth + 1))}" for _ in range(self._chance.randint(1, 2))
        )
        return self._wrapped("table", cells)


def page(chance: random.Random) -> str:
    """A page of the grammar."""
    return Maker(chance, chance.choice((8, 20, 60))).page()


def mutated(chance: random.Random) -> str:
    """A page of the grammar with pieces cut out, put in, doubled and moved, or cut off."""
    text = page(chance)
    for _ in range(chance.randint(1, 12)):
        place = chance.randrange(len(text) + 1)
        roll = chance.random()
        if roll < 0.3:
            text = text[:place] + text[place + chance.randint(1, 12) :]
        elif roll < 0.75:
            text = text[:place] + chance.choice(MARKS) + text[place:]
        else:
            start = chance.randrange(len(text) + 1)
            text = text[:place] + text[start : start + chance.randint(1, 80)] + text[place:]
    return text[: chance.randrange(len(text) + 1)] if chance.random() < 0.15 else text

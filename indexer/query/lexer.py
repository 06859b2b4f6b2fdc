"""Text → tokens with spans: the parser and type-ahead read the same ones."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto
from functools import cache, lru_cache
from string import punctuation
from unicodedata import category

from indexer.article import PROPERTIES
from indexer.query.dates import FIRST_WORDS, IN_WORDS, SEVERAL_WORDS
from indexer.query.tree import DateRange
from indexer.text.normalization import MIN_WORDS_IN_CAPITALS

DATE_FIELDS = {
    "date": "date",
    "published": "date",
    "on": "date",
    "after": "after",
    "since": "after",
    "before": "before",
    "until": "until",
}
FIELDS = DATE_FIELDS | {
    "title": "title",
    "headline": "title",
    "paragraph": "paragraph",
    "text": "paragraph",
    "body": "paragraph",
}
FIELDS |= {name: field for field, found in PROPERTIES.items() for name in found.names}
"""The names that may stand before a colon, in any case, and the field that each means."""

DEFAULT_DISTANCE = 10
"""How many places apart NEAR allows when it does not say."""
SURROGATE = re.compile("[\ud800-\udfff]")
QUOTES = '"“”„«»'
BOOST = r"[0-9]{1,9}(?:\.[0-9]{1,9})?|\.[0-9]{1,9}"
"""A factor for the score, as it stands after "^"."""

_SEPARATORS = "、。，；：！？「」『』（）【】《》〈〉"  # between words of texts that have no spaces
_INNER_QUOTE = r'(?<=[\u05d0-\u05ea])"(?=[\u05d0-\u05ea])'  # inside a Hebrew abbreviation
_ESCAPED = rf'(?<=:)"(?:[^"\\]|{_INNER_QUOTE}|\\[\s\S])*"'  # the value of a field, in which \" is no end
_PHRASE = "|".join(
    [_ESCAPED, rf'"(?:[^"]|{_INNER_QUOTE})*"', "“[^“”]*”", "”[^“”]*”", "„[^„“”]*[“”]", "«[^«»]*»", "»[^«»]*«"]
)
_BOOST = rf"\^(?:{BOOST})(?=[\s)]|$)"
_NEAR = "NEAR(?:/[0-9]{1,9})?"
_CLAUSE_START = r"(?<![^\s(])"
_AFTER_OPERATOR = rf"(?=[\s()={QUOTES}]|$)"
_AFTER_SIGN = rf"(?=[^\s+\-–—>.,;:!?/\\|<=)\]}}]|=[\w@#{QUOTES}])"
# Without the ASCII flag, IGNORECASE would take ı for i and ſ for s in the name of a field.
_TOKEN = (
    rf"(?P<space>\s+|[{_SEPARATORS}]+)"
    rf"|(?P<open>\()|(?P<close>\)(?:{_BOOST})?)"
    rf"|(?P<field>(?<!:)(?ai:{{names}}):(?=[^\s){_SEPARATORS}]))"
    rf"|(?P<phrase>=?(?:{_PHRASE})(?:~[0-9]{{0,9}})?(?:{_BOOST})?)|(?P<quote>[{QUOTES}])"
    rf"|{_CLAUSE_START}(?:(?:(?P<and>AND)|(?P<or>OR)|(?P<not>NOT)|(?P<near>{_NEAR})){_AFTER_OPERATOR}"
    rf"|(?:(?P<minus>-)|(?P<plus>\+)){_AFTER_SIGN})"
    rf"|(?P<word>(?:[^\s(){QUOTES}{_SEPARATORS}]|{_INNER_QUOTE})+)"
)
PLAIN_VALUE = re.compile(rf"[^\s()^{QUOTES}{_SEPARATORS}]+")
"""A value of a field that needs no quotation marks."""
_PHRASE_PARTS = re.compile(
    rf"(?P<exact>=?)[{QUOTES}](?P<text>.*)[{QUOTES}](?:~(?P<slop>[0-9]*))?(?:\^(?P<boost>.*))?", re.DOTALL
)
# Characters that make a word more than a word: patterns, fuzzy matches, boosts, fields, addresses.
_SPECIAL = re.compile(r"[*?~^:=/\\<>|\[\]{}]")

OPERATORS = frozenset(("AND", "OR", "NOT", "NEAR"))
"""The words that are operators; NEAR may also have a distance."""
_PLAIN_TEXT = re.compile(r"(?:[^\W_]++ ?)+")
_WORD_OR_SPACE = re.compile(r"[^ ]+| ")
# A quotation mark, a field, or a group: parentheses in which or beside which there is an operator. Beside it,
# a single word in parentheses is an abbreviation.
_QUERY_SHAPE = re.compile(r'"|\([^()]*&|&\((?!.\))|\([^()]{2,}\)&')

_ADDRESS = re.compile(r"\w[\w.+-]*(?:://|@[\w-]+\.\w|\.[a-z]{2,}/)|www\.\w", re.IGNORECASE)
_NUMBERS = re.compile(r"[0-9]+(?:[-.:][0-9]+){2,}")

_FIRST_WORD = re.compile(rf"(?<!\S)(?ai:{FIRST_WORDS})\b")
_NOT_LAST = re.compile(r"\S+\s")  # several words cannot begin with the last one
_MAX_WORDS_WITH_DATES = 10  # in a longer text, probably a sentence, "last week" is searched for
_JOINED_BEFORE = re.compile(r"(?:^|[\s(])(?:OR|NOT|NEAR(?:/[0-9]+)?)\s+$")
_JOINED_AFTER = re.compile(r"\s+(?:OR|NEAR(?:/[0-9]+)?)(?:\s|$)")


class Kind(Enum):
    """The kinds of tokens."""

    SPACE = auto()
    """Whitespace, or the punctuation that separates words of Chinese and Japanese."""
    WORD = auto()
    """A word with all its marks: =exact, prefix*, wild?card, fuzzy~2, boosted^3."""
    PHRASE = auto()
    FIELD = auto()
    """A known field and its colon; the clause follows at once."""
    AND = auto()
    OR = auto()
    NOT = auto()
    NEAR = auto()
    """NEAR or NEAR/5."""
    MINUS = auto()
    """A minus sign; the clause that it excludes follows at once."""
    PLUS = auto()
    """A plus sign; the clause that it requires follows at once."""
    OPEN = auto()
    CLOSE = auto()
    """A closing parenthesis and the boost of its group."""
    QUOTE = auto()
    """A quotation mark without its partner."""
    DATES = auto()
    """Dates that are typed as words: after a date field, or at either end of a query."""


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of a query: `query[start:end]` is `text`."""

    kind: Kind
    text: str
    start: int
    end: int
    dates: DateRange | None = None
    """Of DATES, what was read."""

    @property
    def field(self) -> str:
        """The field that a FIELD means."""
        name = self.text[:-1].lower()
        return FIELDS.get(name, name)

    @property
    def boost(self) -> float:
        """The factor that stands at the end of a CLOSE."""
        return float(self.text.partition("^")[2] or 1)

    @property
    def distance(self) -> int:
        """The distance that a NEAR allows."""
        return int(self.text.partition("/")[2] or DEFAULT_DISTANCE)

    @property
    def is_plain(self) -> bool:
        """Whether the token is a word without marks; it may still follow a sign or a field."""
        return self.kind is Kind.WORD and self.text[0] not in "+-@#" and not has_marks(self.text)


@dataclass(frozen=True, slots=True)
class Phrase:
    """The parts of a PHRASE: the text between its quotation marks, and the marks before and after them."""

    text: str
    slop: int
    is_exact: bool
    boost: float


ReadDates = Callable[[str, str], DateRange | None]
"""(field, text) → the dates that the text means in a field, if it means any."""


def tokenize(
    text: str, read_dates: ReadDates | None = None, custom_fields: Iterable[str] = ()
) -> list[Token]:
    """Return the tokens of a text, which they cover without gaps.

    A question in capitals has no operators. Without `read_dates` there are no DATES: the words of
    "date:last week" are tokens of their own. `custom_fields` are the names of fields besides FIELDS.
    """
    if read_dates is None and _PLAIN_TEXT.fullmatch(text) and OPERATORS.isdisjoint(text.split(" ")):
        # Most texts are nothing but words of letters and digits, which need no large pattern.
        return [
            Token(Kind.SPACE if match[0] == " " else Kind.WORD, match[0], *match.span())
            for match in _WORD_OR_SPACE.finditer(text)
        ]
    tokens = [*_match_tokens(text, read_dates, _compile_tokens((*FIELDS, *custom_fields)))]
    if not is_question_in_capitals(tokens):
        return tokens
    return [replace(token, kind=Kind.WORD) if token.text in OPERATORS else token for token in tokens]


def is_question_in_capitals(tokens: Sequence[Token]) -> bool:
    """Whether the tokens are a question in capitals, in which AND is a word.

    Unlike "US OR UK", it has several words besides operators, and no quotation marks, groups or fields.
    """
    if not "".join(token.text for token in tokens).isupper():
        return False
    shape = "".join(_describe_shape(token) for token in tokens if token.kind is not Kind.SPACE)
    return shape.count("A") >= MIN_WORDS_IN_CAPITALS and not _QUERY_SHAPE.search(shape)


def _describe_shape(token: Token) -> str:
    """A letter for a token: a word in capitals, another word, a sign or operator, or a mark."""
    if is_operator(token.text) or token.kind in (Kind.MINUS, Kind.PLUS):
        return "&"
    if token.kind is Kind.WORD:
        return "A" if token.text.isupper() else "1"
    return {Kind.OPEN: "(", Kind.CLOSE: ")", Kind.DATES: "1"}.get(token.kind, '"')


def _match_tokens(text: str, read_dates: ReadDates | None, pattern: re.Pattern[str]) -> Iterator[Token]:
    place = 0
    field = None
    while place < len(text):
        token = read_dates and _read_dates(text, place, field, read_dates)
        if not token:
            match = pattern.match(text, place)
            assert match is not None
            assert match.lastgroup is not None
            token = Token(Kind[match.lastgroup.upper()], match[0], place, match.end())
        yield token
        field = token.field if token.kind is Kind.FIELD else None
        place = token.end


def split_phrase(text: str) -> Phrase:
    """Take the text of a PHRASE apart."""
    parts = _PHRASE_PARTS.fullmatch(text)
    assert parts is not None
    return Phrase(parts["text"], int(parts["slop"] or 1), bool(parts["exact"]), float(parts["boost"] or 1))


def has_marks(word: str) -> bool:
    """Whether a word has a character that may make it more than a word: a pattern, a field, an address."""
    return _SPECIAL.search(word) is not None


def is_searchable(text: str) -> bool:
    """Whether there is more in the text than punctuation, spaces and control characters."""
    return any(c not in punctuation and not category(c).startswith(("P", "Z", "Cc", "Cf")) for c in text)


def is_address(word: str) -> bool:
    """Whether a word is a URL or an e-mail address, whose parts alone mean nothing."""
    return _ADDRESS.match(word) is not None


def is_whole(word: str) -> bool:
    """Whether the parts of a word alone mean nothing: of an address, of a date or another row of numbers."""
    return is_address(word) or _NUMBERS.fullmatch(word) is not None


def is_operator(word: str) -> bool:
    """Whether a word between spaces is AND, OR, NOT or NEAR."""
    return word in OPERATORS or (word.startswith("NEAR/") and re.fullmatch(_NEAR, word) is not None)


def may_contain_dates(text: str) -> bool:
    """Whether a text has a word that dates in words begin with."""
    return _FIRST_WORD.search(text) is not None


def match_dates(text: str, start: int = 0) -> re.Match[str] | None:
    """Match dates in words at `start` as group 1, and the punctuation that follows them."""
    if not _FIRST_WORD.match(text, start):
        return None
    return _compile(rf"({IN_WORDS})[?!.,]*(?=\s|$)(?!\s+of\b)").match(text, start)


def _read_dates(text: str, start: int, field: str | None, read_dates: ReadDates) -> Token | None:
    """Return a DATES token if there is one at `start`; `field` is the field that ends there, if any."""
    if field is None:
        match = _match_bare_dates(text, start)
    elif field in DATE_FIELDS.values() and _NOT_LAST.match(text, start):
        match = _compile(rf"({SEVERAL_WORDS})(?=[\s)]|$)").match(text, start)
    else:
        return None
    if not match or not (dates := read_dates(field or "date", " ".join(match[1].split()))):
        return None
    return Token(Kind.DATES, text[start : match.end()], start, match.end(), dates)


def _match_bare_dates(text: str, start: int) -> re.Match[str] | None:
    """Match dates at the start or the end of other words, unless an operator joins them to these."""
    match = match_dates(text, start)
    if not match or len(text.split()) > _MAX_WORDS_WITH_DATES:
        return None
    if (start > 0) == (match.end() < len(text)):
        # They are in the middle, or the whole text.
        return None
    before = text[max(0, start - 20) : start]
    is_joined = _JOINED_BEFORE.search(before) or _JOINED_AFTER.match(text, match.end())
    return None if is_joined else match


@lru_cache(32)
def _compile_tokens(names: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile(_TOKEN.replace("{names}", "|".join(names)))


@cache
def _compile(pattern: str) -> re.Pattern[str]:
    # The patterns of dates are large: most queries, and a cold start, do not need to compile them.
    return re.compile(pattern, re.ASCII | re.IGNORECASE)

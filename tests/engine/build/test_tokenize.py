"""Tokenizing many texts at a time: the same forms as the analyzer finds in each of them alone."""

from __future__ import annotations

import random

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from indexer.engine.build.tokenize import SEPARATOR, Tokenizer
from indexer.text.analyzer import get_analyzer

Form = tuple[str, str]
MARKS = st.sampled_from([*" \t\n.,'&@#+-\"!?;:()/_\0\x7f", "\u2019", "\u2014", "\u00a0", "\u3000", "\u0301"])
WORDS = st.sampled_from([
    "a", "A", "s", "S", "us", "U", "The", "the", "IT'S", "don't", "AT&T'S", "R&D's", "C++", "c#", "3.5bn",
    "155,221", "U.S.", "e.g", "x", "exactly8", "sixteen_letters!", "abcdefghijklmnop",
    "abcdefghijklmnopqrstuvwx",
    "abcdefghijklmnopqrstuvwxy", "Zürich", "résumés", "Straße", "\ufb01ne", "½", "İ", "ǰ", "l'eau", "\u212a",
    "Донаудампфшиффартсгезельшафт", "книга", "ΣΑΣ", "東京都", "タイム", "हिन्दी", "😀",
])  # fmt: skip
TEXTS = st.lists(st.lists(st.one_of(WORDS, MARKS, st.text(max_size=3)), max_size=30).map("".join), max_size=6)


def forms_alone(language: str, text: str) -> list[Form]:
    """The forms of a text as the analyzer finds them."""
    return list(zip(*get_analyzer(language).analyze(text), strict=True))


def forms_together(known: dict[Form, int], tokenizer: Tokenizer, texts: list[str]) -> list[list[Form]]:
    """The forms of each text as they are found for all of them at a time."""
    found, counts, _ = tokenizer.tokenize([text.encode() for text in texts])
    forms = list(known)
    rest = iter(found.tolist())
    assert counts.sum() == len(found)
    return [[forms[next(rest)] for _ in range(count)] for count in counts.tolist()]


def numbered(language: str, **sizes: int) -> tuple[dict[Form, int], Tokenizer]:
    """A numbering with the dictionary that it fills."""
    known: dict[Form, int] = {}

    def number(form: str) -> int:
        stem, word = form.split(SEPARATOR)
        return known.setdefault((stem, word), len(known))

    return known, Tokenizer(get_analyzer(language), number, **sizes)


@pytest.mark.parametrize("language", ["en", "fr", "tr", "zh"])
@given(batches=st.lists(TEXTS, max_size=4))
@example([["AT&T'S AT&T's at&t's", "U.S.'", "'tis' a.b., 1,2,3x,", "", "...", "x" * 24, "x" * 25]])
def test_texts_tokenized_together_have_the_forms_of_each_alone(
    language: str, batches: list[list[str]]
) -> None:
    batches = [[text.encode(errors="replace").decode() for text in texts] for texts in batches]
    known, numbers = numbered(language)
    for texts in batches:
        assert forms_together(known, numbers, texts) == [forms_alone(language, text) for text in texts]


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("en", "The US and us, the WHO and who", ["us", "who"]),
        ("en", "Bush's U.S. against AIDS's aids", ["us", "aids"]),
        ("en", "Both the BBC's R&D and AT&T in 1998", ["bbc", "r&d", "at&t"]),
        ("en", "A plan B, I say: G7 is a MiG", []),
        ("en", "OIL PRICES RISE", []),
        ("en", "WHO 2004 12 13", []),
        ("en", "UK economy", ["uk"]),
        ("fr", "Selon l'ONU et l\u2019OTAN, États-Unis et ÉTAT", ["onu", "otan", "etat"]),
        ("ru", "Совет ООН и он", ["оон"]),
        ("el", "Το ΝΑΤΟ και", ["νατο"]),
        ("zh", "中国加入 WTO 谈判 加入", ["wto"]),
    ],
)
def test_words_in_capitals_are_told_apart_unless_most_of_the_text_is_in_capitals(
    language: str, text: str, expected: list[str]
) -> None:
    known, tokenizer = numbered(language)
    # The same units in lower case first: they are one unit, but not the same occurrence.
    texts = [text.lower(), text, ""]
    numbers, counts, in_capitals = tokenizer.tokenize([each.encode() for each in texts])
    words = [word for _, word in known]
    owners = [place for place, count in enumerate(counts.tolist()) for _ in range(count)]
    found = [
        (owner, words[number])
        for owner, number, flag in zip(owners, numbers.tolist(), in_capitals.tolist(), strict=True)
        if flag
    ]
    assert found == [(1, word) for word in expected]


@given(batches=st.lists(TEXTS, min_size=2, max_size=4))
def test_batches_and_forgotten_units_do_not_change_the_forms(batches: list[list[str]]) -> None:
    known, numbers = numbered("en", batch=3, max_units=5)
    for texts in batches:
        texts = [text.encode(errors="replace").decode() for text in texts]
        assert forms_together(known, numbers, texts) == [forms_alone("en", text) for text in texts]


def test_words_with_colliding_hashes_are_distinguished(monkeypatch: pytest.MonkeyPatch) -> None:
    # Factors that send many keys to one slot.
    monkeypatch.setattr(random, "getrandbits", lambda _: 1 << 63)
    texts = [" ".join(f"{stem}{number}" for number in range(3000)) for stem in ("w", "word", "wordsofmany")]
    known, numbers = numbered("xx")
    for _ in range(2):
        assert forms_together(known, numbers, texts) == [forms_alone("xx", text) for text in texts]

"""Acronyms and names: which capitals in a query say something, and which common words count because of them.

*WHO* in capitals is no question word where articles have it in capitals, and *Will* is no auxiliary in *Will
Smith* where articles have the two side by side.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby, pairwise
from typing import Any

from whoosh.query.qcore import Query
from whoosh.query.terms import Term

from indexer.engine.format.arrays import Values
from indexer.engine.read.snapshot import Snapshot
from indexer.engine.score.bm25f import idf
from indexer.engine.score.clauses import is_common_word, is_word, iter_words
from indexer.query import AllOf
from indexer.text.analyzer import get_analyzer
from indexer.text.normalization import MIN_WORDS_IN_CAPITALS, is_capitalized, is_in_capitals

_MAX_NAME = 3
"""The most words of a name, and of a query that is a name and not a headline."""
_NAME_SHARE = 0.02
"""The share of the articles with the rarer word that have the two words of a name side by side.

By chance, a common word stands beside the other one in about one of a hundred.
"""

Name = tuple[str, str]
"""Two words of a name, as typed."""


def reads_capitals(tree: Query) -> bool:
    """Whether capitals say something: not in a query of four words or more, all in capitals."""
    words = [word for node in iter_words(tree) for word in str(getattr(node, "text", "")).split()]
    with_case = [word for word in words if word.lower() != word.upper()]
    return len(with_case) < MIN_WORDS_IN_CAPITALS or any(map(str.islower, "".join(with_case)))


def find_names(tree: Query, language: str) -> list[Name]:
    """The neighbours in a query that are parts of a name: two or three capitalized words in a row.

    There are none in a headline, in which all words but common ones are capitalized; a query of no more than
    three words is not taken for one.
    """
    parts: list[Any] = [*tree] if type(tree) is AllOf else []
    texts = [part.text for part in parts if is_word(part)]
    is_headline = not any(text[:1].islower() and not is_common_word(text, language) for text in texts)
    if is_headline and len(texts) > _MAX_NAME:
        return []
    found: list[Name] = []
    for is_name, run in groupby(parts, lambda part: is_word(part) and is_capitalized(part.text)):
        name = [part.text for part in run] if is_name else []
        found += pairwise(name) if len(name) <= _MAX_NAME else ()
    return found


def weigh_name(snapshot: Snapshot, texts: Name, language: int) -> float:
    """The inverse document frequency of two words side by side in a language; 0 if they are no name there.

    They are a name if enough of the articles with the rarer word, a common word aside, have it beside the
    other: Will Smith, but not Can Britain. The weight is remembered.
    """
    return snapshot.remember(
        ("name", texts, language), lambda: _compute_name_weight(snapshot, texts, language)
    )


def _compute_name_weight(snapshot: Snapshot, texts: Name, language: int) -> float:
    statistics = snapshot.statistics
    analysis = get_analyzer(statistics.languages[language])
    tokens = [analysis.tokenize(text, query=True) for text in texts]
    if any(len(own) != 1 for own in tokens):
        return 0.0
    stems = [own[0].stem for own in tokens]
    beside = float(snapshot.phrase_counts(stems)[language])
    rarer = list_rarer(texts, statistics.languages[language])
    counts = [
        float(snapshot.article_counts(stem)[language])
        for text, stem in zip(texts, stems, strict=True)
        if text in rarer
    ]
    return float(idf(int(statistics.articles[language]), beside)) if is_name(beside, counts) else 0.0


def list_rarer(texts: Name, language: str) -> list[str]:
    """Those of two words with which their pair is compared: the one that is not common, or both."""
    return [text for text in texts if not is_common_word(text, language)] or [*texts]


def is_name(beside: float, counts: Iterable[float]) -> bool:
    """Whether two words are a name, of which so many articles have both side by side; see `weigh_name`.

    `counts` are how many have each of those that `list_rarer` gives.
    """
    return beside > 0 and beside >= min(counts) * _NAME_SHARE


def find_common_acronyms(tree: Query, languages: Iterable[str]) -> list[Term]:
    """The words typed in capitals that are common words of one of the languages."""
    parts: list[Any] = [*tree] if type(tree) is AllOf and reads_capitals(tree) else []
    return [
        part
        for part in parts
        if is_word(part)
        and is_in_capitals(part.text)
        and any(is_common_word(part.text, language) for language in languages)
    ]


def list_kept_words(
    languages: Sequence[str], in_capitals: Mapping[str, Values], every_names: Sequence[Iterable[Name]]
) -> list[frozenset[str]]:
    """The words that are not ignored in each language, although they are common.

    They are acronyms that articles have in capitals, and words of names. `in_capitals` says how often each
    acronym is in capitals in each language; `every_names` has the names of each language.
    """
    found = []
    for number, (language, names) in enumerate(zip(languages, every_names, strict=True)):
        acronyms = {text for text, counts in in_capitals.items() if counts[number]}
        words = {text for name in names for text in name if is_common_word(text, language)}
        found.append(frozenset(acronyms | words))
    return found

"""A readable reference for the engine: it searches with plain loops over articles.

It shares the analysis and the query parser with the engine, and nothing else. Each language is searched as if
there were no other: the engine, which has all languages in one index, must find the same.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from typing import Any

import numpy as np
from rapidfuzz.distance import OSA
from whoosh.query.compound import And, Or
from whoosh.query.qcore import Every, NullQuery
from whoosh.query.terms import FuzzyTerm, Prefix, Term, Wildcard
from whoosh.query.wrappers import Not

from indexer import FieldType
from indexer.article import Article
from indexer.engine.score.bm25f import (
    BURST,
    CAPITALS_FALL,
    COMPOUND,
    EXACT,
    EXACT_FALL,
    K1,
    NEARNESS,
    PRESENCE,
    WEIGHT,
    B,
)
from indexer.engine.score.proximity import BESIDE, NAME, NEAR, REACH
from indexer.query import (
    AllOf,
    DateRange,
    Filter,
    Must,
    Near,
    RawPhrase,
    has_words,
    is_whole,
    make_near,
    parse_query,
)
from indexer.text.analyzer import Token, get_analyzer
from indexer.text.detection import detect_language
from indexer.text.languages import base_language, stop_words
from indexer.text.normalization import is_capitalized, is_in_capitals, normalize
from indexer.text.unspaced import is_unit, is_unspaced
from tests.engine.segments import is_mostly_in_capitals

REQUIRED = (Must, Not, DateRange, Filter, Every)
OPERATORS = ("AND", "OR", "NOT", "NEAR")


@dataclass
class Answer:
    """Article ids in order, with their scores: those that meet the whole query, and the partial ones."""

    full: list[tuple[str, float]]
    partial: list[tuple[str, float]]


@dataclass
class QueryTerm:
    """Per article id: the frequency in the title, and in each paragraph."""

    frequencies: dict[str, tuple[float, list[float]]] = field(default_factory=dict)
    weight: float = 0.0
    forms: list[tuple[float, QueryTerm]] = field(default_factory=list)
    """Forms that count apart: in capitals, as typed; with the power by which the share of each falls."""


class Reference:
    """A collection to search; `weights` are those of its custom texts, by the names of their fields."""

    def __init__(
        self, articles: Sequence[Article], language: str = "en", weights: Mapping[str, float] | None = None
    ) -> None:
        self.articles = {article.id: article for article in articles}
        language_of = {a.id: a.language or detect_language(a.title, a.paragraphs, language) for a in articles}
        groups: dict[str, list[Article]] = {}
        for article in articles:
            groups.setdefault(base_language(language_of[article.id]), []).append(article)
        self.parts = [
            LanguageReference(own, group, language_of, weights or {}) for group, own in groups.items()
        ]

    def search(self, query: str, *, today: Any, min_full_matches: int = 10) -> Answer:
        """Every match, in order."""
        full: dict[str, float] = {}
        partial: dict[str, float] = {}
        for part in self.parts:
            own_full, own_partial = part.search(query, today=today)
            full |= own_full
            partial |= own_partial
        return Answer(self.ordered(full), self.ordered(partial if len(full) < min_full_matches else {}))

    def ordered(self, found: dict[str, float]) -> list[tuple[str, float]]:
        """By score, then newest first, then id."""

        def key(name: str) -> tuple[float, float, str]:
            published = self.articles[name].published
            begin = (published.start - datetime(1970, 1, 1)).total_seconds() if published else -math.inf
            return -float(np.float32(found[name])), -begin, name

        return [(name, found[name]) for name in sorted(found, key=key)]


def reads_capitals(query: str) -> bool:
    """Whether capitals in a query say something: it has a small letter, or fewer than four words."""
    words = [word for word in re.findall(r"[^\W\d_][^\s()]*", query) if word not in OPERATORS]
    return len(words) < 4 or any(map(str.islower, query))


class LanguageReference:
    """The articles of a collection that are in one language."""

    def __init__(
        self,
        articles: Sequence[Article],
        language: str,
        language_of: dict[str, str],
        weights: Mapping[str, float],
    ) -> None:
        self.custom_fields = {name: FieldType("text") for name in weights}
        self.articles = {article.id: article for article in articles}
        self.language_of = language_of
        self.language = language
        # Of each text of an article: in which field it is, and how many times a word there counts.
        self.fields: dict[str, list[str]] = {}
        self.weights: dict[str, list[float]] = {}
        self.written: dict[str, list[str]] = {}
        for article in articles:
            own = [name for name in sorted(weights) if article.fields.get(name)]
            body = ["paragraph"] * len(article.paragraphs)
            self.fields[article.id] = ["title", *body, *own]
            self.weights[article.id] = [1.0, *[1.0] * len(body), *(weights[name] for name in own)]
            texts = (article.title, *article.paragraphs, *(str(article.fields[name]) for name in own))
            self.written[article.id] = [*texts]
        self.texts: dict[str, list[list[Token]]] = {
            name: [get_analyzer(language).tokenize(text) for text in texts]
            for name, texts in self.written.items()
        }
        self.average = {
            name: sum(self.length(id_, name) for id_ in self.articles) / (len(self.articles) or 1)
            for name in ("title", "paragraph")
        }

    def length(self, article: str, name: str) -> int:
        """How many terms a field of an article has."""
        texts = self.texts[article]
        return len(texts[0]) if name == "title" else sum(len(text) for text in texts[1:])

    def search(self, query: str, *, today: Any) -> tuple[dict[str, float], dict[str, float]]:
        """The scores of the articles that meet the whole query, and of those that meet a part of it."""
        self.terms: list[QueryTerm] = []
        parsed = parse_query(query, today=today, fields=self.custom_fields)
        tree = self.drop_unsearchable(parsed.tree) or NullQuery
        self.reads_capitals = reads_capitals(query)
        self.names = self.find_names(tree)
        parts = list(tree) if type(tree) is AllOf else [tree]
        common = [part for part in parts if self.is_common(part)]
        is_any_left = any(
            part not in common and has_words(part) and not isinstance(part, REQUIRED) for part in parts
        )
        self.words = max(1, self.count_clauses(tree) - len(common) * is_any_left)
        full: dict[str, float]
        partial: dict[str, float] = {}
        whole = None
        if type(tree) in (AllOf, Term):
            parts = list(tree) if type(tree) is AllOf else [tree]
            required = [part for part in parts if isinstance(part, REQUIRED) or not has_words(part)]
            optional = [part for part in parts if part not in required]
            common = [part for part in optional if self.is_common(part)]
            if len(common) < len(optional):
                optional = [part for part in optional if part not in common]
            filters = [self.match(part) for part in required if not isinstance(part, Not)]
            excluded = set().union(
                *(self.match(part.query, highlight=False) for part in required if isinstance(part, Not))
            )
            words = [
                {name: score * times for name, score in self.match(part).items()}
                for part, times in Counter(optional).items()
            ]
            full = {
                name: sum(found[name] for found in [*words, *filters])
                for name in self.articles
                if name not in excluded and all(name in found for found in [*words, *filters])
            }
            whole = list(self.terms)
            words += [
                found
                for part in Counter(optional)
                for found in self.score_parts(part, is_alone=len(set(optional)) == 1)
            ]
            if len(words) > 1:
                partial = {
                    name: sum(found.get(name, 0.0) for found in [*words, *filters])
                    for name in self.articles
                    if name not in excluded
                    and name not in full
                    and any(name in found for found in words)
                    and all(name in found for found in filters)
                }
        else:
            full = self.match(tree)
        inner, pairs = (dict.fromkeys(self.articles, 0.0) for _ in range(2))
        if type(tree) is AllOf:
            inner, pairs = self.score_inner_words(optional), self.score_pairs(tree, optional)
        full, partial = (
            {
                name: score + pairs[name]
                for name, score in self.add_nearness(
                    {name: found[name] + inner[name] for name in found}, terms
                ).items()
            }
            for found, terms in ((full, self.terms if whole is None else whole), (partial, self.terms))
        )
        return full, partial

    def count_clauses(self, node: Any) -> int:
        """How many words, phrases and patterns of a tree count."""
        if isinstance(node, Not) or not has_words(node):
            return 0
        if node.is_leaf():
            return 1
        return sum(map(self.count_clauses, node.children()))

    def add_nearness(self, found: dict[str, float], terms: list[QueryTerm]) -> dict[str, float]:
        """The scores with what they gain when words stand in one paragraph."""
        if len(terms) < 2:
            return found
        return {name: score * (1 + NEARNESS * self.coverage(name, terms)) for name, score in found.items()}

    def score_inner_words(self, optional: Sequence[Any]) -> dict[str, float]:
        """What each article's score gains by the words within phrases and compounds."""
        gains = dict.fromkeys(self.articles, 0.0)
        for part, times in Counter(optional).items() if len(set(optional)) > 1 else ():
            for word in self.list_inner_words(part):
                for name, score in self.match(Term("text", word), highlight=False).items():
                    gains[name] += COMPOUND * times * part.boost * score
        return gains

    def score_pairs(self, tree: Any, optional: Sequence[Any]) -> dict[str, float]:
        """What each article's score gains by having neighbours in the query near each other."""
        gains = dict.fromkeys(self.articles, 0.0)
        pairs: dict[tuple[str, str], float] = {}
        words: list[Any] = [
            part if type(part) is Term and part.fieldname == "text" else None for part in tree
        ]
        # Neighbours once the common words are gone, then those of which one is common.
        left = [word for word in words if word is None or word in optional]
        beside = [pair for pair in pairwise(words) if None not in pair]
        mixed = [pair for pair in beside if len([word for word in pair if word in optional]) == 1]
        for first, second in [*(pair for pair in pairwise(left) if None not in pair), *mixed]:
            if first != second:
                pairs.setdefault((first.text, second.text), min(first.boost, second.boost))
        kept = {word.text for word in left if word is not None}
        for texts, boost in pairs.items():
            is_mixed = not kept.issuperset(texts)
            for name, score in self.score_pair(texts, is_mixed=is_mixed).items():
                gains[name] += boost * score
        return gains

    def list_inner_words(self, node: Any) -> list[str]:
        """The words of a phrase or a compound that are not common; none of a single word."""
        if type(node) not in (Term, RawPhrase) or node.fieldname != "text" or getattr(node, "exact", False):
            return []
        if type(node) is Term and is_whole(node.text):
            return []
        tokens = get_analyzer(self.language).tokenize(node.text, query=True)
        words = [token.word for token in tokens] if len(tokens) > 1 else []
        if type(node) is Term:
            words = [word for word in words if not is_unspaced(word)]
        return [word for word in dict.fromkeys(words) if not self.is_stop_word(Term("text", word))]

    def score_pair(self, texts: tuple[str, str], *, is_mixed: bool) -> dict[str, float]:
        """What two neighbours in the query add to the scores of the articles that have them so."""
        terms = [self.term(Term("text", word)) for word in texts]
        both = [name for name in self.articles if all(name in term.frequencies for term in terms)]
        asked = [get_analyzer(self.language).tokenize(word, query=True) for word in texts]
        one, other = (tuple(token.stem for token in tokens) for tokens in asked)
        if one == other or any(token.word[0] in "@#" for tokens in asked for token in tokens):
            return {}
        weight = self.idf(len(both))
        if is_mixed:
            idfs = [self.idf(self.count_articles(stems)) for stems in (one, other) if len(stems) == 1]
            weight = min(idfs) / self.words if len(idfs) == 2 and min(idfs) >= 0.2 else 0.0
        weight = self.names.get(texts, weight)
        share = max(NAME / self.words, BESIDE) if texts in self.names else BESIDE
        gains = {}
        for name in both:
            gain = 0.0
            for factor, reach in ((share, 1), (NEAR, REACH)):
                counts = [self.count_meetings(one, other, reach, tokens) for tokens in self.texts[name]]
                gain += factor * self.saturate(name, counts)
            gains[name] = weight * gain
        return gains

    def count_meetings(
        self, one: tuple[str, ...], other: tuple[str, ...], reach: int, tokens: list[Token]
    ) -> int:
        """How often the second of two stands at most so far behind the first; beyond 1, also before it."""
        stems = [token.stem for token in tokens]
        first, second = (
            [place for place in range(len(stems)) if tuple(stems[place : place + len(run)]) == run]
            for run in (one, other)
        )
        return sum(
            any(
                0 < place - (start + len(one) - 1) <= reach
                or (reach > 1 and 0 < start - (place + len(other) - 1) <= reach)
                for start in first
            )
            for place in second
        )

    def coverage(self, name: str, terms: list[QueryTerm]) -> float:
        """The best share of the terms' weight that stands in one paragraph, or in the title."""
        total = sum(term.weight for term in terms)
        places = len(self.texts[name])
        best = 0.0
        for place in range(places):
            here = 0.0
            for term in terms:
                title, paragraphs = term.frequencies.get(name, (0.0, []))
                if (title if place == 0 else paragraphs[place - 1] if paragraphs else 0.0) > 0:
                    here += term.weight
            best = max(best, here)
        return best / total if total else 0.0

    def drop_unsearchable(self, node: Any) -> Any:
        """The tree without terms that have no letter or digit; None if nothing is left."""
        if type(node) in (Term, RawPhrase):
            return node if get_analyzer(self.language).tokenize(node.text, query=True) else None
        if isinstance(node, (Not, Must)):
            inner = node.query if isinstance(node, Not) else node.child
            return node if self.drop_unsearchable(inner) is not None else None
        if isinstance(node, Near):
            return make_near(map(self.drop_unsearchable, node.parts), node.distances, node.boost)
        if not isinstance(node, (And, Or)):
            return node
        left = [part for part in map(self.drop_unsearchable, node) if part is not None]
        if left and all(isinstance(part, Not) for part in left):
            return And([Every(), *left])
        return type(node)(left) if len(left) > 1 else left[0] if left else None

    def is_stop_word(self, node: Any) -> bool:
        """Whether a clause is a stop word of the language."""
        if type(node) is not Term or node.fieldname != "text":
            return False
        words = [token.word for token in get_analyzer(self.language).tokenize(node.text)]
        return words != [] and set(words) <= stop_words(self.language)

    def is_common(self, node: Any) -> bool:
        """Whether a clause is a stop word, and neither part of a name nor an acronym that articles have."""
        if not self.is_stop_word(node) or any(node.text in name for name in self.names):
            return False
        if not self.reads_capitals or not is_in_capitals(node.text):
            return True
        forms = get_analyzer(self.language).tokenize(node.text)
        # A word of several tokens has no form in capitals.
        return len(forms) > 1 or not self.count_term(node, forms[0], in_capitals=True).frequencies

    def find_names(self, tree: Any) -> dict[tuple[str, str], float]:
        """The weight of each two neighbours of the query that are part of a name."""
        parts: list[Any] = list(tree) if type(tree) is AllOf else []
        words = [type(part) is Term and part.fieldname == "text" for part in parts]
        texts = [part.text for part, is_word in zip(parts, words, strict=True) if is_word]
        small = [text for text in texts if text[0].islower() and not self.is_stop_word(Term("text", text))]
        if len(texts) > 3 and not small:
            return {}
        runs: list[list[str]] = [[]]
        for part, is_word in zip(parts, words, strict=True):
            if is_word and is_capitalized(part.text):
                runs[-1].append(part.text)
            else:
                runs.append([])
        found = {}
        for name in (pair for run in runs if len(run) < 4 for pair in pairwise(run)):
            tokens = [get_analyzer(self.language).tokenize(text, query=True) for text in name]
            if all(len(own) == 1 for own in tokens):
                stems = [own[0].stem for own in tokens]
                beside = self.count_articles(stems)
                rare = [
                    stem
                    for stem, text in zip(stems, name, strict=True)
                    if not self.is_stop_word(Term("text", text))
                ]
                if beside and beside >= 0.02 * min(self.count_articles([stem]) for stem in rare or stems):
                    found[name] = self.idf(beside)
        return found

    def count_articles(self, stems: Sequence[str]) -> int:
        """How many articles have stems in a row."""
        return sum(
            any(self.find_phrase(stems, 1, [token.stem for token in tokens]) for tokens in texts)
            for texts in self.texts.values()
        )

    def score_parts(self, node: Any, *, is_alone: bool) -> Iterator[dict[str, float]]:
        """The scores of the parts of a word that has several tokens."""
        if type(node) is not Term or is_whole(node.text):
            return
        tokens = get_analyzer(self.language).tokenize(node.text, query=True)
        for token in tokens if len(tokens) > 1 else ():
            text = node.text[token.start : token.end]
            if self.is_stop_word(Term("text", text)):
                continue
            weight = 1.0 if is_unspaced(text) else COMPOUND * is_alone
            found = self.match(Term(node.fieldname, text, boost=node.boost))
            yield {name: score * weight for name, score in found.items()}

    def match(self, node: Any, *, highlight: bool = True) -> dict[str, float]:
        """The score of every article that matches."""
        if isinstance(node, Or):
            parts = [self.match(part, highlight=highlight) for part in node]
            return {n: sum(p.get(n, 0.0) for p in parts) for n in self.articles if any(n in p for p in parts)}
        if isinstance(node, And):
            excluded = set().union(
                *(self.match(part.query, highlight=False) for part in node if isinstance(part, Not))
            )
            parts = [self.match(part, highlight=highlight) for part in node if not isinstance(part, Not)]
            return {
                n: sum(p[n] for p in parts)
                for n in self.articles
                if n not in excluded and all(n in p for p in parts)
            }
        if isinstance(node, Must):
            return self.match(node.child, highlight=highlight)
        if isinstance(node, DateRange):
            return {name: 0.0 for name, article in self.articles.items() if self.is_dated(article, node)}
        if isinstance(node, Filter):
            return {name: 0.0 for name, article in self.articles.items() if self.passes(article, node)}
        if isinstance(node, Every):
            return dict.fromkeys(self.articles, 0.0)
        if node is NullQuery:
            return {}
        term = self.term(node)
        if highlight:
            self.terms.append(term)
        return {name: self.score(name, term) * node.boost for name in term.frequencies}

    def is_dated(self, article: Article, node: DateRange) -> bool:
        """Whether all that an article's date may mean lies in a range."""
        published = article.published
        return (
            published is not None
            and (node.start is None or published.start >= node.start)
            and (node.end is None or published.end <= node.end)
        )

    def passes(self, article: Article, node: Filter) -> bool:
        """Whether an article is what a filter asks for."""
        wanted = node.text.casefold()
        if node.fieldname == "id":
            return article.id == node.text or (
                node.text.endswith("*") and article.id.startswith(node.text.rstrip("*"))
            )
        labels = {
            "language": self.language_of[article.id],
            "site": article.url,
            "source": article.source,
        }
        if wanted == "*":
            return labels[node.fieldname] is not None
        if node.fieldname == "language":
            label = self.language_of[article.id].casefold()
            return label == wanted or label.split("-")[0] == wanted
        if node.fieldname == "site":
            names = (article.url or "").removeprefix("https://").split("/")[0].split(".")
            return any(wanted == ".".join(names[place:]) for place in range(len(names)))
        parts = (article.source or "").split("/")
        ends = range(1, len(parts) + 1)
        return any(wanted == "/".join(parts[start:end]) for end in ends for start in range(end))

    def idf(self, with_term: int) -> float:
        """Inverse document frequency."""
        return math.log1p((len(self.articles) - with_term + 0.5) / (with_term + 0.5))

    def measure_burstiness(self, term: QueryTerm) -> float:
        """How many times more articles would have a term if it were spread at random."""
        times = sum(title + sum(paragraphs) for title, paragraphs in term.frequencies.values())
        at_random = len(self.articles) * (1 - math.exp(-times / len(self.articles))) if times else 0.0
        return max(1.0, at_random / len(term.frequencies)) if term.frequencies else 1.0

    def score(self, name: str, term: QueryTerm) -> float:
        """BM25F of one term in one article: of all its forms, and of the form as typed."""
        title, paragraphs = term.frequencies[name]
        score = term.weight * self.saturate(name, [title, *paragraphs])
        rest, added = 1.0, 0.0
        for fall, form in term.forms:
            share: float = rest * EXACT / self.words**fall
            rest -= share
            if name in form.frequencies:
                added += share * (self.score(name, form) + PRESENCE * term.weight)
        return rest * score + added

    def saturate(self, name: str, counts: Sequence[float]) -> float:
        """The saturated weighted frequency, of those in the title and in each other text."""
        weighted = 0.0
        texts = sum(count * weight for count, weight in zip(counts[1:], self.weights[name][1:], strict=True))
        for place, frequency in (("title", counts[0]), ("paragraph", texts)):
            relative = self.length(name, place) / (self.average[place] or 1.0)
            weighted += WEIGHT[place] * frequency / (1 - B[place] + B[place] * relative)
        return (K1 + 1) * weighted / (K1 + weighted)

    def term(self, node: Any) -> QueryTerm:
        """The frequencies and the weight of a term."""
        term = self.count_term(node)
        asked = get_analyzer(self.language).tokenize(node.text, query=True) if type(node) is Term else []
        if len(asked) == 1 and not is_unit(asked[0].word) and asked[0].word[0] not in "@#":
            for fall, in_capitals in ((CAPITALS_FALL, True), (EXACT_FALL, False)):
                if in_capitals and not (self.reads_capitals and is_in_capitals(node.text)):
                    continue
                own = self.count_term(node, form=asked[0], in_capitals=in_capitals)
                if own.frequencies and own.frequencies != term.frequencies:
                    term.forms.append((fall, own))
        return term

    def count_form(self, form: Token, text: str, tokens: list[Token], *, in_capitals: bool) -> int:
        """How often a form stands in a text, or how often it stands there in capitals."""
        found = [token for token in tokens if (token.stem, token.word) == (form.stem, form.word)]
        if not in_capitals:
            return len(found)
        if is_mostly_in_capitals(text):
            return 0
        return sum(is_in_capitals(text[token.start : token.end]) for token in found)

    def count_term(self, node: Any, form: Token | None = None, *, in_capitals: bool = False) -> QueryTerm:
        """The frequencies and the weight of a term, or of one form of it."""
        node = self.as_read(node)
        term = QueryTerm()
        for name, texts in self.texts.items():
            title, *paragraphs = (
                0.0
                if node.fieldname not in ("text", field)
                else float(
                    self.count(node, tokens)
                    if form is None
                    else self.count_form(form, text, tokens, in_capitals=in_capitals)
                )
                for field, tokens, text in zip(self.fields[name], texts, self.written[name], strict=True)
            )
            if title or any(paragraphs):
                term.frequencies[name] = (title, paragraphs)
        term.weight = self.idf(len(term.frequencies)) * self.measure_burstiness(term) ** BURST
        return term

    def as_read(self, node: Any) -> Any:
        """The node; in place of a phrase or a name, one that is exact if any article has it as written."""
        is_phrase = isinstance(node, RawPhrase) and not node.exact
        tokens = get_analyzer(self.language).tokenize(node.text, query=True) if type(node) is Term else []
        is_name = len(tokens) == 1 and tokens[0].word[0] in "@#"
        if not is_phrase and not is_name:
            return node
        exact = RawPhrase(node.fieldname, node.text, getattr(node, "slop", 1), exact=True)
        if self.count_term(exact).frequencies:
            return exact
        return Term(node.fieldname, node.text.strip("@#")) if is_name else node

    def count(self, node: Any, tokens: list[Token]) -> int:
        """How often a term stands in one text."""
        if type(node) is Prefix and not is_unspaced(node.text):
            start = normalize(node.text).replace("'", "")
            return sum(token.word.startswith(start) for token in tokens)
        if type(node) is Wildcard:
            pattern = "".join(
                {"*": ".*", "?": "."}.get(char, re.escape(char))
                for char in normalize(node.text).replace("'", "")
            )
            return sum(re.fullmatch(pattern, token.word, re.DOTALL) is not None for token in tokens)
        if type(node) is FuzzyTerm:
            word = normalize(node.text).replace("'", "")
            return sum(OSA.distance(word, token.word) <= node.maxdist for token in tokens)
        if isinstance(node, Near) or getattr(node, "exact", False):
            return self.count_places(node, tokens)
        return self.count_words(node.text, getattr(node, "slop", 1), tokens)

    def count_places(self, node: Any, tokens: list[Token]) -> int:
        """How often a term that depends on positions stands in one text."""
        if not isinstance(node, Near):
            return len(self.places(node, tokens))
        parts = [self.places(part, tokens) for part in node.parts]
        taking_part: list[set[tuple[int, int]]] = [set() for _ in parts]
        for row in self.rows(parts, node.distances):
            for own, span in zip(taking_part, row, strict=True):
                own.add(span)
        return min(map(len, taking_part))

    def rows(
        self, parts: list[set[tuple[int, int]]], distances: Sequence[int]
    ) -> Iterator[tuple[tuple[int, int], ...]]:
        """Every row of places, one of each part, in which each is near enough to the one before."""
        *most, last = parts
        if not most:
            yield from ((span,) for span in last)
            return
        for row in self.rows(most, distances[:-1]):
            start, end = row[-1]
            for span in last:
                if 1 <= max(span[0] - end, start - span[1]) <= distances[-1]:
                    yield (*row, span)

    def places(self, node: Any, tokens: list[Token]) -> set[tuple[int, int]]:
        """The first and last place of every match of a term in one text."""
        if isinstance(node, Or):
            return set().union(*(self.places(part, tokens) for part in node))
        node = self.as_read(node)
        if type(node) not in (Term, RawPhrase):
            return {(place, place) for place, token in enumerate(tokens) if self.count(node, [token])}
        exact, slop = getattr(node, "exact", False), getattr(node, "slop", 1)
        asked = get_analyzer(self.language).tokenize(node.text, query=True)
        if len(asked) == 1 and not exact:
            return {(p, p) for p, token in enumerate(tokens) if self.count_words(node.text, 1, [token])}
        if len(asked) == 1 and is_unit(asked[0].stem):
            return {(p, p) for p, token in enumerate(tokens) if token.word.startswith(asked[0].stem)}
        if len(asked) == 1:
            return {(p, p) for p, token in enumerate(tokens) if token.word == asked[0].word}
        phrase, text = ([token.word if exact else token.stem for token in each] for each in (asked, tokens))
        return {(start, end) for end, start in self.find_phrase(phrase, slop, text).items()}

    def count_words(self, text: str, slop: int, tokens: list[Token]) -> int:
        """How often a word or a phrase stands in one text."""
        analysis = get_analyzer(self.language)
        asked = analysis.tokenize(text, query=True)
        if len(asked) > 1:
            return len(self.find_phrase([token.stem for token in asked], slop, [t.stem for t in tokens]))
        if not asked:
            return 0
        (wanted,) = asked
        if is_unit(wanted.word):
            return sum(token.word.startswith(wanted.word) for token in tokens)
        as_written = sum(token.word == wanted.word.lstrip("@#") for token in tokens)
        by_stem = sum(token.stem == wanted.stem for token in tokens)
        return max(by_stem, as_written) if analysis.matches_words(wanted) else by_stem

    def find_phrase(self, phrase: Sequence[str], slop: int, text: Sequence[str]) -> dict[int, int]:
        """The nearest start of a phrase by each place where it ends."""
        starts = {place: place for place, form in enumerate(text) if phrase and form == phrase[0]}
        for following in phrase[1:]:
            starts = {
                place: max(starts[place - gap] for gap in range(1, slop + 1) if place - gap in starts)
                for place, form in enumerate(text)
                if form == following and any(place - gap in starts for gap in range(1, slop + 1))
            }
        return starts

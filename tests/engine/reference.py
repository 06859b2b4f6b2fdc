"""A readable reference for the engine: it searches with plain loops over articles.

It shares the analysis and the query parser with the engine, and nothing else.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
from rapidfuzz.distance import OSA
from whoosh.query.compound import And, Or
from whoosh.query.qcore import Every, NullQuery
from whoosh.query.terms import FuzzyTerm, Prefix, Term, Wildcard
from whoosh.query.wrappers import Not

from indexer.article import Article
from indexer.engine.score.bm25f import BURST, COMPOUND, K1, NEARNESS, WEIGHT, B
from indexer.engine.score.proximity import BESIDE, NEAR, REACH
from indexer.query import AllOf, DateRange, Filter, Must, Near, RawPhrase, has_words, make_near, parse_query
from indexer.text.analyzer import Token, get_analyzer
from indexer.text.detection import detect_language
from indexer.text.languages import base_language, stop_words
from indexer.text.normalization import normalize
from indexer.text.unspaced import is_unit, is_unspaced

FIELDS = {"text": ("title", "paragraph"), "title": ("title",), "paragraph": ("paragraph",)}
REQUIRED = (Must, Not, DateRange, Filter, Every)


@dataclass
class Answer:
    """Article ids in order, with their scores: those that meet the whole query, and the partial ones."""

    full: list[tuple[str, float]]
    partial: list[tuple[str, float]]


@dataclass
class QueryTerm:
    """Per article id: the frequency in the title, and in each paragraph."""

    frequencies: dict[str, tuple[float, list[float]]] = field(default_factory=dict)
    weights: dict[str, float] = field(default_factory=dict)
    """By language."""


class Reference:
    """A collection to search."""

    def __init__(self, articles: Sequence[Article], language: str = "en") -> None:
        self.articles = {article.id: article for article in articles}
        self.language_of = {
            a.id: a.language or detect_language(a.title, a.paragraphs, language) for a in articles
        }
        counts = Counter(self.language_of.values())
        self.languages = sorted(counts, key=lambda name: (-counts[name], name)) or [language]
        self.main_languages = [name for name in self.languages if counts[name] >= len(articles) / 20]
        self.texts: dict[str, list[list[Token]]] = {
            a.id: [get_analyzer(self.language_of[a.id]).tokenize(text) for text in (a.title, *a.paragraphs)]
            for a in articles
        }
        self.groups: dict[str, list[str]] = {}
        """The ids of the articles in each language, without its region."""
        for name, own in self.language_of.items():
            self.groups.setdefault(base_language(own), []).append(name)
        self.average = {
            (group, name): sum(self.length(id_, name) for id_ in ids) / len(ids)
            for group, ids in self.groups.items()
            for name in ("title", "paragraph")
        }

    def group(self, article: str) -> str:
        """The language of an article, without its region."""
        return base_language(self.language_of[article])

    def in_group(self, group: str, found: Iterable[str]) -> list[str]:
        """Those of some articles that are in a language."""
        return [name for name in found if self.group(name) == group]

    def length(self, article: str, name: str) -> int:
        """How many terms a field of an article has."""
        texts = self.texts[article]
        return len(texts[0]) if name == "title" else sum(len(text) for text in texts[1:])

    def search(self, query: str, *, today: Any, min_full_matches: int = 10) -> Answer:
        """Every match, in order."""
        self.terms: list[QueryTerm] = []
        tree = self.drop_unsearchable(parse_query(query, today=today).tree) or NullQuery
        full: dict[str, float]
        partial: dict[str, float] = {}
        whole = None
        if type(tree) in (AllOf, Term):
            parts = list(tree) if type(tree) is AllOf else [tree]
            required = [part for part in parts if isinstance(part, REQUIRED) or not has_words(part)]
            optional = [part for part in parts if part not in required]
            common = max(
                ([part for part in optional if self.is_common(part, name)] for name in self.main_languages),
                key=len,
                default=[],
            )
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
            if len(full) < min_full_matches:
                words += [
                    found
                    for part in Counter(optional)
                    for found in self.score_parts(part, is_alone=len(set(optional)) == 1)
                ]
            if len(full) < min_full_matches and len(words) > 1:
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
        return Answer(self.ordered(full), self.ordered(partial))

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
        last: Any = None
        for part in tree:
            if part not in optional and self.is_any_common(part):
                continue
            here = part if part in optional and type(part) is Term and part.fieldname == "text" else None
            if here and last and here != last:
                pairs.setdefault((last.text, here.text), min(last.boost, here.boost))
            last = here
        for (first, second), boost in pairs.items():
            for name, score in self.score_pair(first, second).items():
                gains[name] += boost * score
        return gains

    def list_inner_words(self, node: Any) -> list[str]:
        """The words of a phrase or a compound that are not common; none of a single word."""
        if type(node) not in (Term, RawPhrase) or node.fieldname != "text" or getattr(node, "exact", False):
            return []
        words = []
        for language in self.languages:
            tokens = get_analyzer(language).tokenize(node.text, query=True)
            words += [token.word for token in tokens] if len(tokens) > 1 else []
        if type(node) is Term:
            words = [word for word in words if not is_unspaced(word)]
        return [word for word in dict.fromkeys(words) if not self.is_any_common(Term("text", word))]

    def score_pair(self, first: str, second: str) -> dict[str, float]:
        """What two neighbours in the query add to the scores of the articles that have them so."""
        terms = [self.term(Term("text", word)) for word in (first, second)]
        both = [name for name in self.articles if all(name in term.frequencies for term in terms)]
        runs = set()
        for language in self.languages:
            asked = [get_analyzer(language).tokenize(word, query=True) for word in (first, second)]
            one, other = (tuple(token.stem for token in tokens) for tokens in asked)
            tagged = any(token.word[0] in "@#" for tokens in asked for token in tokens)
            if one and other and one != other and not tagged:
                runs.add((one, other))
        gains = {}
        for name in both:
            group = self.group(name)
            gain = 0.0
            for weight, reach in ((BESIDE, 1), (NEAR, REACH)):
                counts = [
                    sum(self.count_meetings(one, other, reach, tokens) for one, other in runs)
                    for tokens in self.texts[name]
                ]
                gain += weight * self.saturate(name, counts[0], sum(counts[1:]))
            gains[name] = self.idf(group, len(self.in_group(group, both))) * gain
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

    def ordered(self, found: dict[str, float]) -> list[tuple[str, float]]:
        """By score, then newest first, then id."""

        def key(name: str) -> tuple[float, float, str]:
            published = self.articles[name].published
            begin = (published.start - datetime(1970, 1, 1)).total_seconds() if published else -math.inf
            return -float(np.float32(found[name])), -begin, name

        return [(name, found[name]) for name in sorted(found, key=key)]

    def coverage(self, name: str, terms: list[QueryTerm]) -> float:
        """The best share of the terms' weight that stands in one paragraph, or in the title."""
        group = self.group(name)
        total = sum(term.weights[group] for term in terms)
        places = len(self.texts[name])
        best = 0.0
        for place in range(places):
            here = 0.0
            for term in terms:
                title, paragraphs = term.frequencies.get(name, (0.0, []))
                if (title if place == 0 else paragraphs[place - 1] if paragraphs else 0.0) > 0:
                    here += term.weights[group]
            best = max(best, here)
        return best / total if total else 0.0

    def drop_unsearchable(self, node: Any) -> Any:
        """The tree without terms that have no letter or digit; None if nothing is left."""
        if type(node) in (Term, RawPhrase):
            is_searchable = any(get_analyzer(name).tokenize(node.text, query=True) for name in self.languages)
            return node if is_searchable else None
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

    def is_common(self, node: Any, language: str) -> bool:
        """Whether a clause is a stop word of a language."""
        if type(node) is not Term or node.fieldname != "text":
            return False
        words = [token.word for token in get_analyzer(language).tokenize(node.text)]
        return words != [] and set(words) <= stop_words(language)

    def is_any_common(self, node: Any) -> bool:
        """Whether a clause is a stop word of any of the languages."""
        return any(self.is_common(node, language) for language in self.main_languages)

    def score_parts(self, node: Any, *, is_alone: bool) -> Iterator[dict[str, float]]:
        """The scores of the parts of a word that has several tokens."""
        if type(node) is not Term or "://" in node.text:
            return
        tokens = get_analyzer(self.languages[0]).tokenize(node.text, query=True)
        for token in tokens if len(tokens) > 1 else ():
            text = node.text[token.start : token.end]
            if self.is_any_common(Term("text", text)):
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
        for group in self.groups:
            own = self.in_group(group, term.frequencies)
            burstiness = self.measure_burstiness(group, [term.frequencies[name] for name in own])
            term.weights[group] = self.idf(group, len(own)) * burstiness**BURST
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

    def idf(self, group: str, with_term: int) -> float:
        """Inverse document frequency in a language."""
        return math.log1p((len(self.groups[group]) - with_term + 0.5) / (with_term + 0.5))

    def measure_burstiness(self, group: str, frequencies: list[tuple[float, list[float]]]) -> float:
        """How many times more articles of a language would have a term if it were spread at random."""
        if not frequencies:
            return 1.0
        times = sum(title + sum(paragraphs) for title, paragraphs in frequencies)
        articles = len(self.groups[group])
        return max(1.0, articles * (1 - math.exp(-times / articles)) / len(frequencies))

    def score(self, name: str, term: QueryTerm) -> float:
        """BM25F of one term in one article."""
        title, paragraphs = term.frequencies[name]
        return term.weights[self.group(name)] * self.saturate(name, title, sum(paragraphs))

    def saturate(self, name: str, title: float, text: float) -> float:
        """The saturated weighted frequency in title and text."""
        weighted = 0.0
        for place, frequency in (("title", title), ("paragraph", text)):
            relative = self.length(name, place) / (self.average[self.group(name), place] or 1.0)
            weighted += WEIGHT[place] * frequency / (1 - B[place] + B[place] * relative)
        return (K1 + 1) * weighted / (K1 + weighted)

    def term(self, node: Any) -> QueryTerm:
        """The frequencies of a term."""
        fields = FIELDS[node.fieldname]
        term = QueryTerm()
        for name, texts in self.texts.items():
            counts = [float(self.count(node, tokens)) for tokens in texts]
            title = counts[0] if "title" in fields else 0.0
            paragraphs = counts[1:] if "paragraph" in fields else [0.0] * (len(counts) - 1)
            if title or any(paragraphs):
                term.frequencies[name] = (title, paragraphs)
        return term

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
        if type(node) not in (Term, RawPhrase):
            return {(place, place) for place, token in enumerate(tokens) if self.count(node, [token])}
        exact, slop = getattr(node, "exact", False), getattr(node, "slop", 1)
        found: set[tuple[int, int]] = set()
        for language in self.languages:
            asked = get_analyzer(language).tokenize(node.text, query=True)
            if len(asked) == 1 and not exact:
                found |= {(p, p) for p, token in enumerate(tokens) if self.count_words(node.text, 1, [token])}
            elif len(asked) == 1 and is_unit(asked[0].stem):
                found |= {(p, p) for p, token in enumerate(tokens) if token.word.startswith(asked[0].stem)}
            elif len(asked) == 1:
                found |= {(p, p) for p, token in enumerate(tokens) if token.word == asked[0].word}
            else:
                phrase, text = (
                    [token.word if exact else token.stem for token in each] for each in (asked, tokens)
                )
                spans = self.find_phrase(phrase, slop, text)
                found |= {(start, end) for end, start in spans.items()}
        return found

    def count_words(self, text: str, slop: int, tokens: list[Token]) -> int:
        """How often a word or a phrase stands in one text."""
        stems: set[str] = set()
        exact: set[str] = set()
        phrases: set[tuple[str, ...]] = set()
        character = False
        for language in self.languages:
            asked = get_analyzer(language).tokenize(text, query=True)
            if len(asked) > 1:
                phrases.add(tuple(token.stem for token in asked))
            elif len(asked) == 1:
                token = asked[0]
                if token.word[0] in "@#":
                    exact.add(token.word)
                elif is_unit(token.stem):
                    character = True
                    exact.add(token.stem)
                else:
                    stems.add(token.stem)
                    exact |= {token.word} if get_analyzer(language).matches_words(token) else set()
        found = sum(token.stem in stems for token in tokens)
        found += sum(len(self.find_phrase(phrase, slop, [t.stem for t in tokens])) for phrase in phrases)
        if character:
            return max(found, sum(token.word.startswith(tuple(exact)) for token in tokens))
        return max(found, sum(token.word in exact for token in tokens))

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

"""BM25F over title and paragraphs, with higher scores where the terms of a query share a paragraph.

All numbers of articles, frequencies and lengths below are those of an article's language (see `statistics`).

Robertson, Zaragoza and Taylor (2004), "Simple BM25 extension to multiple weighted fields": frequencies are
weighted and normalized by length in each field, then added, then saturated once. A custom text is a
paragraph whose words count by the weight w(d) of its field: with the frequencies f of a term in the title and
in the documents d of an article, that are its paragraphs and its custom texts,

    f = WEIGHT[title] f(title) / n(title) + WEIGHT[paragraph] sum of w(d) f(d) / n(paragraph),

where w is 1 for paragraphs, and n is 1 - B + B times the length of the title or of all documents, in terms,
divided by the average length; w changes neither the lengths nor the rarity of a term. The inverse document
frequency is Lucene's ln(1 + (N - n + 0.5) / (n + 0.5)), which is never negative.

A term that occurs in bursts says what an article is about. A term that is spread evenly (as "describe" or
"interested" in a question) says little, however rare it is. So the weight of a term is its inverse document
frequency times a power of its burstiness: the number of articles that would have it if its occurrences were
spread at random, divided by the number that do. This is the residual inverse document frequency of Church
and Gale (1995), "Inverse document frequency (IDF): a measure of deviations from Poisson", as a factor.

What is typed counts most: the score of a word is a mixture of that of all forms of its stem and that of the
form that was typed, as if each were a field. In a query of one word, every article with the form as typed
scores higher than any without it. In a long question another form says the same, so that there the share of
the form as typed is small. An acronym (US, AIDS) is another word than the same letters without capitals, so
that the share of what is written in capitals falls less.

`python -m tests.tuning` chose the constants.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from indexer.engine.format.arrays import Ids, Values, contains, sum_runs
from indexer.engine.read.collection import NO_FACTORS, TermCounts
from indexer.engine.read.deadline import NO_DEADLINE, Deadline
from indexer.engine.read.postings import FIELDS, Postings
from indexer.engine.read.snapshot import Snapshot
from indexer.engine.score.matches import Matches, select_matches, unite, unite_articles
from indexer.engine.score.query_terms import VARIANT, QueryTerm
from indexer.files.fork_safe import lazy
from indexer.results import Form

K1 = 1.2
B = {"title": 0.75, "paragraph": 0.75}
WEIGHT = {"title": 3.0, "paragraph": 1.0}
NEARNESS = 0.3
"""The share of its score that an article gains when one paragraph has all terms of the query."""
COMPOUND = 0.5
"""The weight of a single word of a phrase or a compound (covid-19), beside the weight 1 of the whole."""
BURST = 0.5
"""The power of the burstiness in the weight of a term."""
EXACT = 0.9
"""The share of the form as typed in the score of a word that is the whole query."""
EXACT_FALL = 1.6
"""The power of the number of words in the query by which that share is divided."""
CAPITALS_FALL = 1.0
"""The same for the share of a word in capitals, of which other words are not another form."""
PRESENCE = (K1 + 1) * (1 - EXACT) / EXACT
"""Added to the score of the form as typed in every article that has it, times the weight of the term.

In a query of one word, that is as much as other forms can ever add.
"""
NO_WEIGHTS: Mapping[str, float] = {}
_ROUNDING = 1e-6
_DENSE_SHARE = 1 / 32  # of all articles: more are looked up in an array with the places of all of them


class Frequencies(NamedTuple):
    """The articles that have a term in a field (int32, ascending), and how often (float64)."""

    articles: Ids
    counts: Values


class ScoredTerm(Struct, frozen=True, eq=False):
    """A query term with the articles that have it (int32, ascending), and what their scores depend on.

    `weights` are its inverse document frequency times a power of its burstiness in each language of the
    snapshot, `occurrences` how often it stands there (float64). `owners` has the article of each of the
    term's documents in the paragraph field (int32, as long as its postings). `exact`, `in_capitals`, `typed`
    and `variants` are the same for the parts of the term with these names.
    """

    term: QueryTerm
    articles: Ids
    title: Frequencies
    paragraph: Frequencies
    weights: Values
    owners: Ids
    occurrences: Values
    exact: ScoredTerm | None = None
    in_capitals: ScoredTerm | None = None
    typed: ScoredTerm | None = None
    variants: ScoredTerm | None = None


def weigh_term(
    snapshot: Snapshot,
    term: QueryTerm,
    text_weights: Mapping[str, float] = NO_WEIGHTS,
    form: Form = "any",
    factors: TermCounts = NO_FACTORS,
) -> ScoredTerm:
    """A term and its forms, with the articles that have them and their weights.

    `text_weights` are those of the fields of custom texts, by name. In a window on a larger collection,
    `factors` are those of the term that this is a `form` of (see `Collection.measure_term`).
    """
    statistics = snapshot.statistics
    owners, freqs = snapshot.article_of.take(term.paragraph.docs), term.paragraph.freqs
    occurrences = statistics.count(owners, freqs)
    if (times := weigh_documents(snapshot, term.paragraph.docs, text_weights)) is not None:
        freqs = freqs * times
    paragraph = Frequencies(*sum_runs(owners, freqs))
    # An article has one title.
    title = Frequencies(snapshot.article_of.take(term.title.docs), term.title.freqs)
    if len(title.articles):
        occurrences += statistics.count(*title)
    articles = unite_articles([paragraph.articles, title.articles], snapshot.articles)
    with_term = statistics.count(articles)
    if snapshot.collection is not None:
        found = TermCounts(with_term, occurrences)
        (with_term, occurrences), factors = snapshot.collection.measure_term(term, form, found, factors)
    forms: tuple[tuple[QueryTerm | None, Form], ...] = (
        (term.exact, "as typed"),
        (term.in_capitals, "in capitals"),
        (term.typed, "any"),
        (term.variants, "any"),
    )
    exact, in_capitals, typed, variants = (
        None if own is None else weigh_term(snapshot, own, text_weights, kind, factors) for own, kind in forms
    )
    if typed and variants:
        # A common variant must not make the word as typed less rare.
        weights = np.where(typed.occurrences > 0, typed.weights, VARIANT * variants.weights)
    else:
        weights = _compute_weights(statistics.articles, with_term, occurrences)
    return ScoredTerm(
        term,
        articles,
        title,
        paragraph,
        weights,
        owners,
        occurrences,
        exact,
        in_capitals,
        typed,
        variants,
    )


class Candidates:
    """The articles (int32, ascending) that are scored: those that can be in the answer."""

    def __init__(self, snapshot: Snapshot, articles: Ids) -> None:
        self.snapshot = snapshot
        self.articles = articles
        self._norms: dict[str, Values] = {}

    def find_places(self, articles: Ids) -> NDArray[np.integer[Any]]:
        """The place of each of some articles among these, -1 for one that is not: one number of each."""
        if len(articles) > self.snapshot.articles * _DENSE_SHARE or not len(self.articles):
            return self._place_of.take(articles)
        places = self.articles.searchsorted(articles)
        places[places == len(self.articles)] = 0
        places[self.articles.take(places) != articles] = -1
        return places

    @lazy
    def _place_of(self) -> Ids:
        """The place of each article of the snapshot among these (int32), -1 for the others."""
        places = np.full(self.snapshot.articles, -1, np.int32)
        places[self.articles] = np.arange(len(self.articles), dtype=np.int32)
        return places

    def spread(self, values: Values) -> Any:
        """See `LanguageStatistics.spread`."""
        return self.snapshot.statistics.spread(values, self.articles)

    def score(self, scored: ScoredTerm) -> Values:
        """The score of each article for a term (float64), of which all forms count alike; 0 without it."""
        if scored.typed and scored.variants:
            return self.score(scored.typed) + VARIANT * self.score(scored.variants)
        scores = saturate(self._add_up(scored))
        scores *= self.spread(scored.weights)
        return scores

    def _add_up(self, scored: ScoredTerm) -> Values:
        """The sum of the weighted, length-normalized frequencies of a term in each article: float64."""
        total = np.zeros(len(self.articles))
        for field, own in (("paragraph", scored.paragraph), ("title", scored.title)):
            if not len(own.articles):
                continue
            counts = own.counts * WEIGHT[field]
            if field not in self._norms:
                self._norms[field] = length_norms(self.snapshot, field, self.articles)
            if len(own.articles) == len(self.articles) and scored.articles is self.articles:
                counts /= self._norms[field]
                total += counts
                continue
            places = self.find_places(own.articles)
            if scored.articles is not self.articles:
                is_candidate = places >= 0
                places, counts = places.compress(is_candidate), counts.compress(is_candidate)
            counts /= self._norms[field].take(places)
            total[places] += counts
        return total


def weigh_documents(snapshot: Snapshot, docs: Ids, text_weights: Mapping[str, float]) -> Values | None:
    """How many times a word in each of these documents counts (float64); None if all count once."""
    by_field = [1.0, *(text_weights.get(name, 1.0) for name in snapshot.text_names)]
    if by_field.count(1.0) == len(by_field):
        return None
    times: Values = np.array(by_field)[snapshot.doc_fields[docs]]
    return times


class FormScore(NamedTuple):
    """A form of a term that counts apart, with its share of the term's score in each language (float64)."""

    form: Form
    scored: ScoredTerm
    shares: Values


def share_forms(scored: ScoredTerm, words: Values, *, reads_capitals: bool) -> list[FormScore]:
    """The forms of a term that count apart, with their shares of its score.

    `words` is how many words the query has in each language. A share is 0 where the articles of a language
    have nothing else, or nothing of this. With `reads_capitals`, words in capitals have their share first,
    and then the form as typed has its share of the rest.
    """
    forms: tuple[tuple[Form, ScoredTerm | None, float], ...] = (
        ("in capitals", scored.in_capitals if reads_capitals else None, CAPITALS_FALL),
        ("as typed", scored.exact, EXACT_FALL),
    )
    rest: Any = 1.0
    found: list[FormScore] = []
    for form, own, fall in forms:
        if own is not None:
            counts = (own.occurrences > 0) & (own.occurrences < scored.occurrences)
            if counts.any():
                found.append(FormScore(form, own, rest * EXACT * words**-fall * counts))
                rest = rest - found[-1].shares
    return found


def score_form(candidates: Candidates, scored: ScoredTerm, own: FormScore) -> Values:
    """The points that each article gets for one form of a term: float64, 0 if it does not have the form."""
    scores = candidates.score(own.scored)
    has_form = scores > 0
    scores += PRESENCE * candidates.spread(scored.weights)
    scores *= candidates.spread(own.shares)
    scores *= has_form
    return scores


def score_term(candidates: Candidates, scored: ScoredTerm, forms: Sequence[FormScore]) -> Values:
    """The BM25F score of each article for a term, by all of its forms together and by some of them apart.

    float64, 0 without the term.
    """
    scores = candidates.score(scored)
    if forms:
        scores *= candidates.spread(1 - sum((own.shares for own in forms), np.zeros(1)))
        for own in forms:
            scores += score_form(candidates, scored, own)
    return scores


def length_norms(snapshot: Snapshot, field: str, articles: Ids) -> Values:
    """The divisor of BM25 for the length of a field, 1 for the average in the language: float64, one each."""
    norms: Values = snapshot.lengths[field].take(articles)
    statistics = snapshot.statistics
    norms *= statistics.spread(B[field] / statistics.average[field], articles)
    norms += 1 - B[field]
    return norms


def saturate(frequencies: Values) -> Values:
    """The saturated frequencies: from 0 to K1 + 1, and 1 for a frequency of 1."""
    saturated: Values = frequencies * (K1 + 1)
    saturated /= K1 + frequencies
    return saturated


def count_occurrences(snapshot: Snapshot, postings: Postings, articles: Ids) -> Values:
    """How often a term with these postings occurs in each article (in any order): float64."""
    totals = np.zeros(snapshot.articles)
    np.add.at(totals, snapshot.article_of[postings.docs], postings.freqs)
    counts: Values = totals[articles]
    return counts


def _compute_weights(articles: NDArray[np.int64], with_term: Values, occurrences: Values) -> Values:
    """The weight of a term in each language: float64.

    Of each language, `articles` is how many there are, `with_term` how many have the term, `occurrences` how
    often it stands there.
    """
    if len(articles) == 1:
        # The same with plain numbers, in a tenth of the time: most indexes are in one language.
        count, having, times = int(articles[0]), float(with_term[0]), float(occurrences[0])
        expected = -count * math.expm1(-times / max(count, 1))
        burstiness = max(expected / max(having, 1.0), 1.0)
        return np.array([math.log1p((count - having + 0.5) / (having + 0.5)) * burstiness**BURST])
    weights: Values = idf(articles, with_term)
    # In a language without the term, nothing is known of its burstiness.
    expected_articles = -articles * np.expm1(-occurrences / np.maximum(articles, 1))
    weights *= np.maximum(expected_articles / np.maximum(with_term, 1.0), 1.0) ** BURST
    return weights


def idf(articles: Any, with_term: Any) -> Any:
    """The inverse document frequency of a term that `with_term` of `articles` articles have: float64.

    The arguments are numbers or arrays.
    """
    return np.log1p((articles - with_term + 0.5) / (with_term + 0.5))


def boost_nearness(
    snapshot: Snapshot,
    terms: Sequence[ScoredTerm],
    found: Matches,
    depth: int | None,
    always_score: Ids | None,
    deadline: Deadline,
    *,
    by_language: bool = False,
) -> Matches:
    """The matches, with higher scores for articles of which one paragraph has several of the terms.

    For `depth` and `always_score`, see `run_query`; `by_language` says that the `depth` best in each language
    are asked for. Raises TimedOut.
    """
    if len(terms) < 2:
        return found
    deadline.check()
    if by_language and not snapshot.statistics.is_single:
        own = snapshot.statistics.split(found.articles).values()
        chosen = [
            places[_select_candidates(select_matches(found, places), depth, always_score)] for places in own
        ]
        places = np.sort(np.concatenate([np.empty(0, np.intp), *chosen]))
    else:
        places = _select_candidates(found, depth, always_score)
    scores = found.scores.copy()
    scores[places] *= 1 + NEARNESS * measure_coverage(snapshot, terms, found.articles[places], deadline)
    return Matches(found.articles, scores)


def _select_candidates(found: Matches, depth: int | None, always_score: Ids | None) -> NDArray[np.intp]:
    """The places of the matches that can be among the `depth` best once nearness is added; None means all.

    The places of articles in `always_score` (ascending) are included, and do not count for `depth`.
    """
    scores = found.scores
    is_chosen = (
        np.zeros(len(found), np.bool_) if always_score is None else contains(always_score, found.articles)
    )
    if depth is not None:
        depth += int(np.count_nonzero(is_chosen))
    if depth is None or len(scores) <= depth:
        return np.arange(len(scores))
    if depth:
        # A lower score cannot reach the page even with all that nearness adds, whatever the rounding.
        bound = np.partition(scores, -depth)[-depth] / (1 + NEARNESS) * (1 - _ROUNDING)
        is_chosen |= scores >= bound
    return np.flatnonzero(is_chosen)


def measure_coverage(
    snapshot: Snapshot, terms: Sequence[ScoredTerm], articles: Ids, deadline: Deadline = NO_DEADLINE
) -> Values:
    """The share of the query that the best paragraph (or the title) of each article has: float64, 0 to 1.

    Each term counts by its weight, so that a rare term counts for more. Raises TimedOut.
    """
    if not len(terms) or not len(articles):
        return np.zeros(len(articles))
    statistics, find_places = snapshot.statistics, Candidates(snapshot, articles).find_places
    best = np.zeros(len(articles))
    for field in FIELDS:
        weights: list[Matches] = []  # of each term in documents
        for scored in terms:
            deadline.check()
            docs, owners = scored.term.title.docs, scored.title.articles
            if field == "paragraph":
                docs, owners = scored.term.paragraph.docs, scored.owners
            is_asked = find_places(owners) >= 0
            docs, owners = docs.compress(is_asked), owners.compress(is_asked)
            weights.append(Matches(docs, np.zeros(len(docs)) + statistics.spread(scored.weights, owners)))
        found = unite(weights, snapshot.documents)
        owners, most = sum_runs(snapshot.article_of.take(found.articles), found.scores, np.maximum)
        places = find_places(owners)
        best[places] = np.maximum(best.take(places), most)
    total = np.sum([scored.weights for scored in terms], axis=0)
    shares: Values = best / statistics.spread(total, articles)
    return shares

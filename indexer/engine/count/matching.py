"""Sets of articles, for counts: which articles match, without scores, order or passages."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexer.engine.format.arrays import Ids
from indexer.engine.read.snapshot import Snapshot
from indexer.engine.score.clauses import list_ignored
from indexer.engine.score.evaluate import Evaluation, QueryContext, run_query
from indexer.engine.score.query_terms import QueryTerm
from indexer.query import AllOf, Term, extract_words

ArticleSet = NDArray[np.bool_]
"""A set of articles: one bool an article, and a last one, False, for documents of removed articles (-1)."""


def make_article_set(snapshot: Snapshot, articles: Ids) -> ArticleSet:
    found = np.zeros(snapshot.articles + 1, np.bool_)
    found[articles] = True
    return found


def find_matching_articles(context: QueryContext, tree: Any) -> ArticleSet:
    """The articles that match a tree, as `run_query` finds them; some may be missing when time is up.

    Raises TimedOut.
    """
    words = extract_words(tree)
    if words is None:
        return make_article_set(context.snapshot, run_query(context, tree, depth=0).full.articles)
    # Without scores, a tree of nothing but words needs no more than their postings.
    statistics = context.snapshot.statistics
    # Common words are ignored between words side by side, but not where AND joins them.
    ignored = [frozenset[str]()] * len(statistics.languages)
    if type(tree) is AllOf:
        ignored = list_ignored([*tree], statistics.languages, Evaluation(context, tree).kept_words)
    reader = context.make_reader(context.languages, [])
    found: ArticleSet | None = None
    for field, text in words:
        without = [number for number, own in enumerate(ignored) if field == "text" and text in own]
        if len(without) == len(ignored):
            continue
        node = Term(field, text)
        known = context.terms.get((node, (), True))
        articles = articles_with_term(context.snapshot, known.term if known else reader.read(node))
        if without:
            articles[:-1] |= statistics.select(without)
        found = articles if found is None else found & articles
    assert found is not None, "in every language, some words are not ignored"
    return found


def articles_with_term(snapshot: Snapshot, term: QueryTerm) -> ArticleSet:
    """The articles that have a term in one of its fields."""
    found = np.zeros(snapshot.articles + 1, np.bool_)
    for postings in (term.title, term.paragraph):
        found[snapshot.article_of[postings.docs]] = True
    found[-1] = False
    return found

"""Which articles match, and nothing more: no scores, no order, no passages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from indexer.engine.count.completions import Articles, make_article_set
from indexer.engine.read.deadline import NO_DEADLINE, Deadline
from indexer.engine.read.snapshot import Snapshot
from indexer.engine.score.clauses import common_words
from indexer.engine.score.evaluate import Evaluation
from indexer.engine.score.query_terms import QueryTerm, TermReader
from indexer.query import AllOf, extract_words
from indexer.text.languages import stop_words
from indexer.text.normalization import normalize

_FIELDS = {"text": ("title", "paragraph"), "title": ("title",), "paragraph": ("paragraph",)}


def find_matching_articles(
    snapshot: Snapshot,
    languages: Sequence[str],
    spoken: Sequence[str],
    tree: Any,
    deadline: Deadline = NO_DEADLINE,
) -> Articles:
    """The articles that meet a query tree, as `Evaluation` finds them; fewer where time is up."""
    words = extract_words(tree)
    if words is None:
        run = Evaluation(snapshot, languages, spoken, deadline)
        return make_article_set(snapshot, run.run(tree, enough=0, depth=0).full.articles)
    common = common_words([text for field, text in words if field == "text"], spoken)
    # What is joined by AND is asked for however common it is.
    rare = [word for word in words if type(tree) is not AllOf or word[0] != "text" or word[1] not in common]
    leaves = TermReader(snapshot, languages)
    found = None
    for field, text in rare or words:
        having = articles_with_term(snapshot, leaves.word(_FIELDS[field], text))
        found = having if found is None else found & having
    return make_article_set(snapshot, np.empty(0, np.int32)) if found is None else found


def articles_with_term(snapshot: Snapshot, leaf: QueryTerm) -> Articles:
    """The articles that have a leaf, in one of its fields."""
    having = np.zeros(snapshot.articles + 1, np.bool_)
    for postings in (leaf.title, leaf.paragraph):
        having[snapshot.article_of[postings.docs]] = True
    having[-1] = False
    return having


def is_common(word: str, languages: Sequence[str]) -> bool:
    """Whether a word is one that is not asked for, unless it stands alone."""
    normalized = normalize(word).replace("'", "")
    return any(normalized in stop_words(language) for language in languages)

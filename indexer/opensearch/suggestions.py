"""Suggestions while a query is typed, from a sample of the articles on the cluster."""

from __future__ import annotations

from typing import Any

import msgspec

from indexer.engine import TimedOut
from indexer.fields import list_weights
from indexer.opensearch import mapping
from indexer.opensearch.collection import open_window
from indexer.opensearch.dsl import Dsl, match_all, match_any
from indexer.opensearch.pages import Translation
from indexer.opensearch.view import Hit, TimeLimit, View
from indexer.query import (
    And,
    Prefix,
    Query,
    RawPhrase,
    Term,
    TypedWord,
    find_typed_word,
    mark_unfinished,
    split_last_word,
)
from indexer.results import Suggestion
from indexer.search.request import check_text
from indexer.search.settings import SearchSettings
from indexer.search.suggest import suggest
from indexer.text.analyzer import get_analyzer

_SAMPLED = 100
"""The articles in which completions and phrases are looked for: the best for what is typed, then others.

What stands together by chance shows only beside articles that do not match.
"""


def suggest_from_sample(
    view: View, settings: SearchSettings, text: str, limit: int
) -> tuple[Suggestion, ...]:
    """At most `limit` queries that begin with the text, as `suggest` finds them in a sample of articles.

    The cluster counts the articles that each one finds. When the time is up, there may be fewer.
    """
    check_text("prefix", text)
    typed = find_typed_word(text, list_weights(settings.fields).keys())
    if typed is None or limit < 1:
        return ()
    view = view.limit_time(TimeLimit(settings.seconds))
    window = open_window(view, _sample(view, settings, typed, text), max_bytes=view.window_bytes)
    found = suggest(window, settings, text, limit)
    try:
        counts = view.count_each([_match(view, settings, own) for own in found]) if found else []
    except TimedOut:
        return tuple(own for own in found if own.kind == "title")
    counted = []
    for own, count in zip(found, counts, strict=True):
        # A title is that of one article, whatever else its words find. Other words before a phrase are not
        # part of it: it has been counted in the sample.
        is_sure = own.kind == "title" or (own.kind == "phrase" and count < own.count)
        if is_sure or count:
            counted.append(own if is_sure else msgspec.structs.replace(own, count=count))
    return tuple(counted)


def _sample(view: View, settings: SearchSettings, typed: TypedWord, text: str) -> list[Hit]:
    """The articles to look in."""
    tree = settings.parse(typed.before + typed.word).tree
    translation = Translation(view, settings, tree)
    wanted = [translation.translate(mark_unfinished(tree, text, list_weights(settings.fields).keys()))]
    matching = [own.full for own in wanted]
    tokens = get_analyzer(settings.language).tokenize(typed.word)
    rest, field, place = split_last_word(tree)
    if tokens and place == "required":
        # Of a compound, any word that begins with its last part may be the one.
        parts: list[Query] = [Prefix(field, tokens[-1].word), *([] if rest is None else [rest])]
        matching.append(match_all([translation(part) for part in parts]))
    scored = [query for own in wanted for query in own.scoring]
    query = {"bool": {"filter": [view.select(match_any(matching))], "should": scored}}
    others = view.select({"bool": {"must_not": matching}})
    found: list[Hit] = []
    for own in (query, others):
        if left := _SAMPLED - len(found):
            body = {"size": left, "query": own, "sort": ["_score", mapping.ID], "track_total_hits": False}
            (answer,) = view.search(body)
            found += answer["hits"]["hits"]
    return found


def _match(view: View, settings: SearchSettings, suggestion: Suggestion) -> Dsl:
    """The articles that a suggestion finds; of a phrase, those that have it in a paragraph."""
    tree: Any = settings.parse(suggestion.text).tree
    translation = Translation(view, settings, tree)
    if suggestion.kind != "phrase":
        return translation(tree)
    parts = [*tree] if isinstance(tree, And) else [tree]
    words = [part for part in parts if type(part) in (Term, RawPhrase) and part.fieldname == "text"]
    others = [part for part in parts if part not in words]
    phrase = RawPhrase("paragraph", " ".join(part.text for part in words))
    return match_all([translation(part) for part in (phrase, *others)])

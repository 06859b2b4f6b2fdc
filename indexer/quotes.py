"""A quotation to where it stands in the index, or to the paragraph that comes closest."""

from __future__ import annotations

from collections.abc import Iterable
from operator import itemgetter
from typing import Any

import numpy as np
from msgspec.structs import replace

from indexer.analysis import analyzer
from indexer.arguments import check_text
from indexer.engine.arrays import unscored
from indexer.engine.evaluate import Evaluation
from indexer.engine.ranking import top
from indexer.engine.scoring import idf
from indexer.engine.snapshot import Snapshot
from indexer.errors import InvalidRequest
from indexer.limits import QUOTE
from indexer.model import ArticleInfo
from indexer.query import RawPhrase
from indexer.quotation import (
    NEAR,
    UNSEEN,
    Comparable,
    QuoteCheck,
    differences,
    exact_spans,
    likeness,
    nearest_run,
)
from indexer.searching import Searching

ALSO = 10
"""How many other articles that have a quotation are named."""
_TERMS = 25  # of the words of a quotation the rarest are looked for
_CANDIDATES = 40  # paragraphs that share most of them are looked at
_COMPARED = 8  # of those, the most promising are compared word by word
_EXACT = 200  # articles that have its words in a row, as words are indexed, are looked through


def verify_quote(snapshot: Snapshot, how: Searching, text: str, number: int | None = None) -> QuoteCheck:
    """Where a quotation stands in the index, or in the article of this number.

    Raises InvalidRequest for a text without words, or one that is too long.
    """
    check_text("text", text)
    if len(text) > QUOTE:
        raise InvalidRequest(
            f"text: a quotation of up to {QUOTE:,} characters is wanted, {len(text):,} were found"
        )
    quote = Comparable(text)
    if not quote.words:
        raise InvalidRequest("text: a quotation with at least one word is wanted, none was found")
    if number is not None:
        docs = range(int(snapshot.starts[number]), int(snapshot.stops[number]))
        return _exact(snapshot, how, text, quote, [number]) or _nearest(snapshot, how, text, quote, docs)
    plain = text.translate(dict.fromkeys(map(ord, UNSEEN)))
    found = _exact(snapshot, how, text, quote, _with_phrase(snapshot, how, plain))
    return found or _nearest(snapshot, how, text, quote, _alike(snapshot, how, plain))


def _exact(
    snapshot: Snapshot, how: Searching, text: str, quote: Comparable, articles: Iterable[int]
) -> QuoteCheck | None:
    found: QuoteCheck | None = None
    also: list[ArticleInfo] = []
    for article in articles:
        for doc in range(int(snapshot.starts[article]), int(snapshot.stops[article])):
            if spans := exact_spans(quote, Comparable(snapshot.text_of(doc))):
                if found is None:
                    found = _check(
                        snapshot, how, doc, quote=text, verdict="exact", similarity=1.0, spans=spans
                    )
                else:
                    also += snapshot.infos([article])
                break
        if len(also) == ALSO:
            break
    return replace(found, also=tuple(also)) if found else None


def _nearest(
    snapshot: Snapshot, how: Searching, text: str, quote: Comparable, docs: Iterable[int]
) -> QuoteCheck:
    promising = []
    for doc in docs:
        if promise := likeness(quote, paragraph := Comparable(snapshot.text_of(doc))):
            promising.append((-promise, doc, paragraph))
    if not promising:
        return QuoteCheck(text, "absent")
    promising = sorted(promising, key=itemgetter(0, 1))[:_COMPARED]
    runs = [(*nearest_run(quote, paragraph), doc, paragraph) for _, doc, paragraph in promising]
    similarity, start, end, doc, paragraph = max(runs, key=itemgetter(0))
    if similarity < NEAR:
        return _check(snapshot, how, doc, quote=text, verdict="absent", similarity=similarity)
    return _check(
        snapshot,
        how,
        doc,
        quote=text,
        # Exact where the words are the same for a reader, and others for the index.
        verdict="near" if similarity < 1 else "exact",
        similarity=similarity,
        spans=(paragraph.span(start, end),),
        diff=differences(quote, paragraph, start, end) if similarity < 1 else (),
    )


def _check(snapshot: Snapshot, how: Searching, doc: int, **found: Any) -> QuoteCheck:
    """What was found of a quotation in a paragraph."""
    article = int(snapshot.article_of[doc])
    place = doc - int(snapshot.starts[article])
    (info,) = snapshot.infos([article])
    return QuoteCheck(
        article=info,
        number=place + 1,
        anchor=snapshot.anchors(article)[place],
        text=snapshot.text_of(doc),
        **found,
    )


def _with_phrase(snapshot: Snapshot, how: Searching, text: str) -> list[int]:
    """Articles with a paragraph that has the words of a quotation in a row, in any form; oldest first."""
    found = Evaluation(snapshot, how.languages).run(RawPhrase("paragraph", text), enough=0).full
    oldest: list[int] = top(snapshot, unscored(found.articles), "oldest", 0, _EXACT).articles.tolist()
    return oldest


def _alike(snapshot: Snapshot, how: Searching, text: str) -> list[int]:
    """The paragraphs that share most of the rarest words of a quotation, best first; ties by their order."""
    best = np.zeros(snapshot.documents)
    for words in dict.fromkeys(map(analyzer, how.languages)):
        weights = {
            stem: idf(snapshot.paragraphs, having)
            for stem in dict.fromkeys(words.forms(text)[0])
            if (having := snapshot.spread(stem))
        }
        shared = np.zeros(snapshot.documents)
        for stem in sorted(weights, key=weights.__getitem__, reverse=True)[:_TERMS]:
            shared[snapshot.postings("paragraph", stem).docs] += weights[stem]
        np.maximum(best, shared, out=best)
    order = np.argsort(-best, kind="stable")[:_CANDIDATES]
    alike: list[int] = order[best[order] > 0].tolist()
    return alike

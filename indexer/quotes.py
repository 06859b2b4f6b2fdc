"""A quotation to where it stands in the index, or to the paragraph that comes closest."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from indexer.arguments import check_text
from indexer.engine.arrays import unscored
from indexer.engine.deadline import Deadline, TimeIsUp
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
from indexer.text.analyzer import analyzer

ALSO = 10
"""How many other articles that have a quotation are named."""
_TERMS = 25  # of the words of a quotation the rarest are looked for
_CANDIDATES = 40  # paragraphs that share most of them are looked at
_COMPARED = 8  # of those, the most promising are compared word by word
_EXACT = 200  # articles that have its words in a row, as words are indexed, are looked through


def verify_quote(snapshot: Snapshot, how: Searching, text: str, number: int | None = None) -> QuoteCheck:
    """Where a quotation stands in the index, or in the article of this number.

    When the time is up, as far as is known by then. Raises InvalidRequest for a text without words, or one
    that is too long.
    """
    check_text("text", text)
    if len(text) > QUOTE:
        raise InvalidRequest(
            f"text: a quotation of up to {QUOTE:,} characters is wanted, {len(text):,} were found"
        )
    quote = Comparable(text)
    if not quote.words:
        raise InvalidRequest("text: a quotation with at least one word is wanted, none was found")
    with Deadline(how.seconds, how.clock) as deadline:
        looked = _Verification(snapshot, how, text, quote, deadline)
        found = looked.anywhere() if number is None else looked.within(number)
    late = (
        f"The time for a query ({how.seconds:g} s) was up before all was compared: these words may stand, "
        "exactly or nearly so, in other places too."
    )
    return replace(found, notes=(*how.remarks, late) if looked.is_cut else how.remarks, is_cut=looked.is_cut)


@dataclass(slots=True)
class _Verification:
    """One quotation that is looked for in one snapshot, as long as there is time."""

    snapshot: Snapshot
    how: Searching
    text: str
    quote: Comparable
    deadline: Deadline
    is_cut: bool = field(default=False, init=False)

    def anywhere(self) -> QuoteCheck:
        """Where it stands in the index."""
        plain = self.text.translate(dict.fromkeys(map(ord, UNSEEN)))
        return self._exact(self._with_phrase(plain)) or self._nearest(self._alike(plain))

    def within(self, article: int) -> QuoteCheck:
        """Where it stands in an article."""
        docs = range(int(self.snapshot.starts[article]), int(self.snapshot.stops[article]))
        return self._exact([article]) or self._nearest(docs)

    def _exact(self, articles: Iterable[int]) -> QuoteCheck | None:
        found: QuoteCheck | None = None
        also: list[ArticleInfo] = []
        try:
            for article in articles:
                for doc in range(int(self.snapshot.starts[article]), int(self.snapshot.stops[article])):
                    if spans := exact_spans(self.quote, self._paragraph(doc), self.deadline):
                        if found is None:
                            found = self._check(doc, verdict="exact", similarity=1.0, spans=spans)
                        else:
                            also += self.snapshot.infos([article])
                        break
                if len(also) == ALSO:
                    break
        except TimeIsUp:
            self.is_cut = True
        return replace(found, also=tuple(also)) if found else None

    def _nearest(self, docs: Iterable[int]) -> QuoteCheck:
        promising = []
        runs = []
        try:
            for doc in docs:
                paragraph = self._paragraph(doc)
                if promise := likeness(self.quote, paragraph, self.deadline):
                    promising.append((-promise, doc, paragraph))
            for _, doc, paragraph in sorted(promising, key=itemgetter(0, 1))[:_COMPARED]:
                runs.append((*nearest_run(self.quote, paragraph, self.deadline), doc, paragraph))
        except TimeIsUp:
            self.is_cut = True
        if not runs:
            return QuoteCheck(self.text, "absent")
        similarity, start, end, doc, paragraph = max(runs, key=itemgetter(0))
        if similarity < NEAR:
            return self._check(doc, verdict="absent", similarity=similarity)
        return self._check(
            doc,
            # Exact where the words are the same for a reader, and others for the index.
            verdict="near" if similarity < 1 else "exact",
            similarity=similarity,
            spans=(paragraph.span(start, end),),
            diff=differences(self.quote, paragraph, start, end) if similarity < 1 else (),
        )

    def _paragraph(self, doc: int) -> Comparable:
        self.deadline.check()
        return Comparable(self.snapshot.text_of(doc), self.deadline)

    def _check(self, doc: int, **found: Any) -> QuoteCheck:
        """What was found of it in a paragraph."""
        article = int(self.snapshot.article_of[doc])
        place = doc - int(self.snapshot.starts[article])
        (info,) = self.snapshot.infos([article])
        return QuoteCheck(
            quote=self.text,
            article=info,
            number=place + 1,
            anchor=self.snapshot.anchors(article)[place],
            text=self.snapshot.text_of(doc),
            **found,
        )

    def _with_phrase(self, text: str) -> list[int]:
        """Articles with a paragraph that has these words in a row, in any form; oldest first."""
        run = Evaluation(self.snapshot, self.how.languages, deadline=self.deadline)
        found = run.run(RawPhrase("paragraph", text), enough=0)
        self.is_cut |= found.is_cut
        oldest: list[int] = top(
            self.snapshot, unscored(found.full.articles), "oldest", 0, _EXACT
        ).articles.tolist()
        return oldest

    def _alike(self, text: str) -> list[int]:
        """The paragraphs that share most of the rarest of these words, best first; ties by their order."""
        best = np.zeros(self.snapshot.documents)
        try:
            for words in dict.fromkeys(map(analyzer, self.how.languages)):
                np.maximum(best, self._shared(dict.fromkeys(words.forms(text)[0])), out=best)
        except TimeIsUp:
            self.is_cut = True
        having = best.nonzero()[0]
        alike: list[int] = having[np.argsort(-best[having], kind="stable")[:_CANDIDATES]].tolist()
        return alike

    def _shared(self, stems: Iterable[str]) -> NDArray[np.float64]:
        """What the rarest of some stems weigh that each paragraph has. Raises TimeIsUp."""
        weights = {}
        for stem in stems:
            self.deadline.check()
            if having := self.snapshot.spread(stem):
                weights[stem] = idf(self.snapshot.paragraphs, having)
        shared = np.zeros(self.snapshot.documents)
        for stem in sorted(weights, key=weights.__getitem__, reverse=True)[:_TERMS]:
            self.deadline.check()
            shared[self.snapshot.postings("paragraph", stem).docs] += weights[stem]
        return shared

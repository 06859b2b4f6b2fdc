"""What a page says of itself when it is asked to, or when it has nothing to show."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from msgspec.structs import replace

from indexer.engine.arrays import Matches
from indexer.engine.dead_end import Bound, dead_end
from indexer.engine.deadline import TimeIsUp
from indexer.engine.evaluate import Evaluation
from indexer.engine.explain import explain_hits, receipt_of
from indexer.engine.found import Found
from indexer.model import Hit
from indexer.receipts import DeadEnd, Receipt

if TYPE_CHECKING:
    from whoosh.query.qcore import Query

Again = Callable[[str, tuple[str, ...]], Found]
"""Searches once more: for another text, and without some of the arguments."""


def explained(
    evaluation: Evaluation,
    tree: Query,
    found: Found,
    shown: Sequence[Matches],
    hits: Sequence[Hit],
    half_life: float | None,
) -> tuple[Receipt | None, list[Hit], tuple[str, ...]]:
    """The receipt, and the hits with their scores in parts; neither, and a note, where time is up."""
    try:
        receipt = receipt_of(evaluation, tree)
        parts = [part for some in shown for part in explain_hits(evaluation, tree, found, some, half_life)]
    except TimeIsUp:
        return None, [*hits], ("There was no time to explain the search.",)
    return receipt, [replace(hit, explanation=own) for hit, own in zip(hits, parts, strict=True)], ()


def why_nothing(
    evaluation: Evaluation, tree: Query, typed: Query, bounds: Sequence[Bound], again: Again
) -> tuple[DeadEnd | None, tuple[str, ...]]:
    """Why a tree finds nothing, and what would; nothing, and a note, where time is up before that is known.

    `typed` is the tree of the text alone, `bounds` what the arguments add.
    """

    def count(text: str, without: tuple[str, ...]) -> int:
        evaluation.deadline.check()
        found = again(text, without)
        if found.is_cut:
            raise TimeIsUp
        return len(found.full)

    try:
        return dead_end(evaluation, tree, typed, bounds, count), ()
    except TimeIsUp:
        return None, ("There was no time to find out why nothing was found.",)

"""Search by meaning: when it accompanies a search by words, and how the two are put together.

A model makes a vector of the plain words of a query, and the engine finds the paragraphs whose vectors come
closest to it. Each article has a share of both: of its words, by the best score that any article has by
words, and of its meaning. Full matches come first, as ever; articles that are found by their meaning alone
and partial matches are one list. What is counted is counted by words.

`find_nearest` finds the articles that come closest to a vector that an app has made itself.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import date
from typing import Any, NamedTuple, TypeVar

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from indexer.engine import (
    NO_MATCHES,
    Clock,
    Closeness,
    Deadline,
    Ids,
    Matches,
    QueryContext,
    QueryMatches,
    Snapshot,
    Values,
    Vectors,
    collapse_duplicates,
    contains,
    make_unscored,
    match_node,
    select_top,
)
from indexer.errors import ConfigError, InvalidRequest, ModelFailed
from indexer.files.fork_safe import Lock
from indexer.files.threads import start_thread
from indexer.query import (
    AllOf,
    And,
    Every,
    FilterNode,
    NoteCode,
    Or,
    Query,
    Term,
    is_whole,
    make_note,
    parse_range,
)
from indexer.results import HitExplanation, Hits, MeaningScore, Note
from indexer.search.filters import select_articles
from indexer.search.passages import make_hits
from indexer.search.request import SearchRequest, check_limit, refuse
from indexer.search.settings import SearchSettings
from indexer.vectors import Matrix, Model, TextRefused

T = TypeVar("T")

DEPTH = 1000
"""How many of the best matches by words are compared exactly, and how many of the closest articles."""
MOST_BY_MEANING = 100
"""The most articles that are found by their meaning alone."""
PAUSE = 10.0
"""Seconds for which a model that has failed is not asked again."""
_FULL_CLOSENESS = 0.8
"""The part of the way from the mean cosine to 1 at which the closeness reaches 1."""
_MIN_SHARE = 0.6
"""The least share of the highest scaled cosine of any article that one found by its meaning alone must have.

A fixed cosine would not do as a limit: to some queries nothing comes close, and to others a great many do.
"""
_RESERVED = 0.2  # of the time of a query, for what follows the answer of the model
_NONE = NO_MATCHES.articles


class _Opened(NamedTuple):
    """The vectors of a model in a snapshot; if there are none, what to say of it."""

    vectors: Vectors | None
    problem: NoteCode | None


class _Opening(NamedTuple):
    """Vectors that are being opened by a process since `began` (of time.monotonic), or are open."""

    process: int
    began: float
    result: Future[_Opened]


@dataclass(slots=True, eq=False)
class Meaning:
    """A model, and its `weight` in the scores of searches that do not say how much the meaning counts.

    One object serves all searches, from any thread: after a failure, it does not ask the model for PAUSE
    seconds, since otherwise each query would wait for a service that is down.
    """

    model: Model
    weight: float
    clock: Clock = time.monotonic
    _resumes: float = field(default=float("-inf"), init=False)
    _fingerprint: str = field(default="", init=False)
    _lock: Lock = field(default_factory=Lock, init=False)
    _openings: dict[Snapshot, _Opening] = field(default_factory=dict, init=False)

    @property
    def fingerprint(self) -> str:
        """The fingerprint of the model; raises ConfigError or ModelFailed until it was known once."""
        if not self._fingerprint:
            self._fingerprint = self.ask(lambda model: model.fingerprint)
        return self._fingerprint

    def ask(self, question: Callable[[Model], T], is_excused: Callable[[], bool] | None = None) -> T:
        """Return the answer of the model to a question; raises ConfigError or ModelFailed.

        A failure that `is_excused` is not remembered, nor that the model refuses a text: others may do.
        """
        if self.clock() < self._resumes:
            raise ModelFailed("the model failed a moment ago", f"it is asked again after {PAUSE:g} seconds")
        try:
            return question(self.model)
        except TextRefused:
            raise
        except (ConfigError, ModelFailed):
            if not (is_excused and is_excused()):
                self._resumes = self.clock() + PAUSE
            raise

    def start(self, text: str, seconds: float) -> None:
        """Let the model begin to embed a query, for which it has some seconds, unless it failed just now."""
        if self.clock() >= self._resumes:
            self.model.start_query(text, seconds)

    def open(self, snapshot: Snapshot) -> _Opening:
        """Open the vectors of the model in a snapshot: at once if they were read before, else in a thread.

        This reads all files of the model and all side files. There is one such thread for a snapshot.
        """
        if self._fingerprint and snapshot.are_vectors_read:
            return _finish(open_vectors(snapshot, self))
        with self._lock:
            opening = self._openings.get(snapshot)
            # A forked process does not have the thread.
            if opening is not None and opening.process == os.getpid():
                return opening
            try:
                result = start_thread("opening vectors", lambda: open_vectors(snapshot, self))
            except RuntimeError:
                return _finish(_Opened(None, NoteCode.NO_MODEL))
            opening = self._openings[snapshot] = _Opening(os.getpid(), time.monotonic(), result)
        result.add_done_callback(lambda _: self._openings.pop(snapshot, None))
        return opening


def _finish(opened: _Opened) -> _Opening:
    result: Future[_Opened] = Future()
    result.set_result(opened)
    return _Opening(os.getpid(), time.monotonic(), result)


class FusedMatches(Struct, frozen=True, eq=False):
    """The full and the partial matches of a query, and those by meaning alone, scored by words and meaning.

    `found` are the matches with their scores by words, of which `best` is the highest; `weight` is that of
    the meaning. `closeness` (float64) has a value for each article of the snapshot, as `measured` does.
    """

    full: Matches
    partial: Matches
    by_meaning: Matches
    found: QueryMatches
    best: float
    weight: float
    closeness: Values
    measured: Closeness

    @property
    def nearest(self) -> dict[int, int]:
        """The document of the nearest paragraph of each article that is found by its meaning alone."""
        articles = self.by_meaning.articles
        return dict(zip(articles.tolist(), self.measured.docs[articles].tolist(), strict=True))

    def explain(
        self, shown: Matches, recency: Values, explain_words: Callable[[Matches], Sequence[HitExplanation]]
    ) -> list[HitExplanation]:
        """How the scores of the `shown` matches come about.

        `recency` has the factor of each for its age; `explain_words` explains what their words add.
        """
        has_words = ~contains(self.by_meaning.articles, shown.articles)
        explained = iter(explain_words(Matches(shown.articles[has_words], shown.scores[has_words])))
        shares = np.zeros(len(shown))
        for own in (self.found.full, self.found.partial):
            places = np.flatnonzero(contains(own.articles, shown.articles))
            scores = own.scores[own.articles.searchsorted(shown.articles[places])]
            shares[places] = _share_words(scores, self.best, self.weight)
        found: list[HitExplanation] = []
        for row, article in enumerate(shown.articles.tolist()):
            score, closeness = float(shown.scores[row]), float(self.closeness[article])
            own_words = (
                next(explained) if has_words[row] else HitExplanation(score, (), recency=float(recency[row]))
            )
            meaning = MeaningScore(
                weight=self.weight,
                words=float(shares[row]),
                cosine=float(self.measured.cosines[article]),
                closeness=closeness,
                points=self.weight * closeness,
            )
            found.append(msgspec.structs.replace(own_words, score=score, meaning=meaning))
        return found


def _scale_cosines(cosines: Values, mean: float) -> Values:
    """How far cosines are on the way from the mean to 1, the cosine of a text and itself (float64).

    That is 0 at the mean and below 0 farther away; 0 for all where the mean is 1. Like the normalization of
    Bruch, Gai and Ingber (2023), "An analysis of fusion functions for hybrid retrieval", it uses a bound of
    the cosine that no query changes, here the upper one. The lower one would not do: the cosines of texts
    that have nothing to do with each other are near 0 for one model, and near 0.8 for another.
    """
    return (cosines - mean) / (1 - mean) if mean < 1 else np.zeros(len(cosines))


def fuse(
    snapshot: Snapshot, found: QueryMatches, measured: Closeness, weight: float, excluded: Ids = _NONE
) -> FusedMatches:
    """The matches by words and by meaning alone, scored by both.

    Found by meaning alone are the closest articles that do not match, without the `excluded` ones
    (ascending): those whose scaled cosine is above 0, and at least _MIN_SHARE of the highest.
    """
    scaled = _scale_cosines(measured.cosines, measured.mean)
    closeness = np.clip(scaled / _FULL_CLOSENESS, 0.0, 1.0)
    best = max((float(own.scores.max()) for own in (found.full, found.partial) if len(own)), default=0.0)
    has_vectors = measured.docs >= 0
    others = measured.exact[has_vectors[measured.exact] & ~contains(excluded, measured.exact)]
    # A match without a vector gets the closeness that its words suggest: while an archive is being embedded,
    # it must not sink below those that were embedded first.
    highest = closeness[others].max(initial=0.0)
    for own in (found.full, found.partial):
        lacking = np.flatnonzero(~has_vectors[own.articles])
        closeness[own.articles[lacking]] = highest * _share_words(own.scores[lacking], best, 0.0)

    def score(own: Matches) -> Matches:
        shares = _share_words(own.scores, best, weight)
        return Matches(own.articles, shares + weight * closeness[own.articles])

    least = _MIN_SHARE * scaled[others].max(initial=0.0)
    others = others[(scaled[others] > 0) & (scaled[others] >= least)]
    for own in (found.full, found.partial):
        others = others[~contains(own.articles, others)]
    closest = select_top(snapshot, Matches(others, scaled[others]), "relevance", 0, MOST_BY_MEANING)
    by_meaning = make_unscored(np.sort(closest.articles))
    return FusedMatches(
        score(found.full), score(found.partial), score(by_meaning), found, best, weight, closeness, measured
    )


def _share_words(scores: Values, best: float, weight: float) -> Values:
    """The shares of the words in scores that are put together with the meaning."""
    return (1 - weight) * scores / best if best > 0 else np.zeros(len(scores))


@dataclass(slots=True, eq=False)
class MeaningSearch:
    """The search by meaning that accompanies a search by words; of one query, in one thread.

    `weight` is the share of the meaning that was asked for; `is_asked` says that the request names it. The
    vectors of the model are opened for a query whose meaning is searched for, while its words are.
    """

    snapshot: Snapshot
    meaning: Meaning
    weight: float
    is_asked: bool
    _opening: _Opening | None = field(default=None, init=False)
    _opened: _Opened | None = field(default=None, init=False)

    def read(self, tree: Query, today: date, deadline: Deadline, *, day_first: bool) -> str:
        """The text of a query whose meaning is searched for, "" if it is searched for by words alone.

        The model begins with it, so that it works while the words are searched for. The other arguments are
        those of `parse_query`.
        """
        text = read_plain_text(tree, today, day_first=day_first)
        if text:
            self._begin()
            if self._opened and self._opened.vectors is not None:
                self.meaning.start(text, (1 - _RESERVED) * deadline.left)
        # The note that there are no vectors belongs to queries of plain words only.
        is_needed = self._opened is None or self._opened.vectors is not None or self._note is not None
        return text if is_needed else ""

    def open(self, deadline: Deadline) -> tuple[Vectors | None, Note | None]:
        """The vectors of the model, and if there are none within the time for a query, what to say of it."""
        opening = self._begin()
        if self._opened is None:
            self._opened = self._wait(opening, deadline)
        return self._opened.vectors, self._note

    def choose_depth(self, request: SearchRequest, depth: int | None) -> int | None:
        """How many of the best matches by words need their whole score, where it would be `depth` without."""
        if self._opened and self._opened.vectors is None:
            return depth
        # The same for each page of a query, so that all pages are parts of one order.
        return None if request.half_life else DEPTH

    def is_too_deep(self, request: SearchRequest) -> bool:
        """Whether `choose_depth` gives less than the page of a request needs in the order by words alone."""
        return not request.half_life and request.offset + (request.limit or 0) >= DEPTH

    @property
    def _note(self) -> Note | None:
        code = self._opened.problem if self._opened else None
        if code is None or (code is NoteCode.NO_VECTORS and not self.is_asked):
            return None
        return make_note(code)

    def _begin(self) -> _Opening:
        """Begin to open the vectors, unless that was done before."""
        if self._opening is None:
            self._opening = self.meaning.open(self.snapshot)
            if self._opening.result.done():
                self._opened = self._opening.result.result()
        return self._opening

    def _wait(self, opening: _Opening, deadline: Deadline) -> _Opened:
        """Wait until the vectors are open, but no longer than a query may that has begun to open them."""
        # Otherwise each query would wait for a disk that hangs.
        left = min(deadline.left, deadline.seconds - (time.monotonic() - opening.began))
        try:
            with deadline.wait():
                return opening.result.result(max(left - _RESERVED * deadline.seconds, 0))
        except TimeoutError:
            # The thread goes on, for the next query.
            return _Opened(None, NoteCode.NO_MODEL)

    def find(
        self,
        text: str,
        found: QueryMatches,
        context: QueryContext,
        tree: Query,
        allowed: Ids | None,
        *,
        is_short: bool,
    ) -> tuple[FusedMatches | None, Note | None]:
        """The matches of a query, put together with what is found by the meaning of a text.

        `allowed` are the articles that pass the filters of the request, those in the `tree` have to be passed
        as well. None if there is no vector of the text, and a note unless none of its words is known to the
        model. `is_short` says that the query has less time than the configuration gives. Raises TimedOut if
        the time is up before the filters are evaluated.
        """
        vectors, note = self.open(context.deadline)
        if vectors is None:
            return None, note
        try:
            vector = self._embed(text, vectors.dimensions, context.deadline, is_short=is_short)
        except (ConfigError, ModelFailed):
            return None, make_note(NoteCode.NO_MODEL)
        if not vector.any():
            return None, None
        for node in list_filters(tree):
            passing = match_node(context, node)
            allowed = passing if allowed is None else np.intersect1d(allowed, passing, assume_unique=True)
        measured = vectors.measure(vector, select_best(found), allowed, DEPTH)
        # Where the words are found, they tell more.
        weight = self.weight / 2 if len(found.full) else self.weight
        return fuse(self.snapshot, found, measured, weight), None

    def _embed(
        self, text: str, dimensions: int, deadline: Deadline, *, is_short: bool
    ) -> NDArray[np.float32]:
        """The vector of a text, within the time for a query; raises ConfigError or ModelFailed."""
        reserved = _RESERVED * deadline.seconds
        seconds = deadline.left - reserved
        if seconds <= 0:
            raise ModelFailed("the model has no time left to answer", "give the query more time")
        with deadline.wait():
            return self.meaning.ask(
                lambda model: _embed_query(model, text, dimensions, seconds),
                # If a query was in too much of a hurry, others need not be.
                lambda: is_short and deadline.left <= reserved,
            )


def _embed_query(model: Model, text: str, dimensions: int, seconds: float) -> NDArray[np.float32]:
    vector: NDArray[np.float32] = model.embed_query(text, seconds)[0]
    # A service may have replaced the model behind its name.
    if len(vector) != dimensions or not np.isfinite(vector).all():
        raise ModelFailed("the model gave a vector that cannot be compared with those of the index")
    return vector


def open_vectors(snapshot: Snapshot, meaning: Meaning) -> _Opened:
    """The vectors of a model in a snapshot, however long it takes to open them."""
    try:
        fingerprint = meaning.fingerprint
    except (ConfigError, ModelFailed):
        return _Opened(None, NoteCode.NO_MODEL if snapshot.vector_models() else NoteCode.NO_VECTORS)
    vectors = snapshot.vectors(fingerprint)
    if vectors is not None:
        return _Opened(vectors, None)
    return _Opened(None, NoteCode.OTHER_MODEL if snapshot.vector_models() else NoteCode.NO_VECTORS)


def read_plain_text(tree: Query, today: date, *, day_first: bool = True) -> str:
    """The words of a query as typed, if they are plain words side by side, with filters or without; else "".

    An operator, a sign, a boost, a field or a pattern tells exactly which words are wanted, and an address or
    a date means nothing but itself. For `today` and `day_first`, see `parse_query`.
    """
    parts: list[Any] = list(tree) if type(tree) is AllOf else [tree]
    words = [part for part in parts if not _is_filter(part)]
    if not all(type(word) is Term and word.fieldname == "text" and word.boost == 1 for word in words):
        return ""
    text = " ".join(word.text for word in words)
    return "" if all(is_whole(word.text) for word in words) or _is_date(text, today, day_first) else text


def _is_date(text: str, today: date, day_first: bool) -> bool:
    try:
        parse_range(text, today, day_first=day_first)
    except ValueError:
        return False
    return True


def list_filters(tree: Query) -> list[Query]:
    """The filters that stand beside the words of a query, all of which articles must pass."""
    return [part for part in tree if _is_filter(part)] if isinstance(tree, And) else []


def _is_filter(node: Any) -> bool:
    """Whether a node is a filter, or several that are joined by AND or OR."""
    if isinstance(node, (And, Or)):
        return all(map(_is_filter, node))
    return isinstance(node, (FilterNode, Every))


def select_best(found: QueryMatches) -> Ids:
    """About the DEPTH best matches by words, full ones before partial ones; ascending."""
    full = _select_highest(found.full, DEPTH)
    partial = _select_highest(found.partial, DEPTH - len(full))
    return np.sort(np.concatenate([full, partial]))


def _select_highest(found: Matches, count: int) -> Ids:
    """The matches with the `count` highest scores, and those with the same score as the last; ascending."""
    if len(found) <= count or count <= 0:
        return found.articles[: max(count, 0)]
    bound = np.partition(found.scores, -count)[-count]
    chosen = found.scores >= bound
    # Of a great many with the same score, none is better than the others.
    best: Ids = found.articles[chosen if chosen.sum() < 2 * count else found.scores > bound]
    return best


def find_similar_meaning(
    snapshot: Snapshot, meaning: Meaning, number: int, found: QueryMatches, excluded: Ids, deadline: Deadline
) -> tuple[FusedMatches | None, Note | None]:
    """The matches that share terms with the article with a number, put together with its meaning.

    That is the mean of its vectors; without any, the answer is None. The `excluded` articles (ascending) are
    in no answer. The note says why there are no vectors of the model, if that has to be said.
    """
    search = MeaningSearch(snapshot, meaning, meaning.weight, is_asked=False)
    vectors, note = search.open(deadline)
    vector = vectors.mean_of(number) if vectors else None
    if vectors is None or vector is None:
        return None, note
    measured = vectors.measure(vector, select_best(found), None, DEPTH)
    return fuse(snapshot, found, measured, meaning.weight, excluded), None


def embed_texts(settings: SearchSettings, texts: Sequence[str]) -> Matrix:
    """See `IndexReader.embed_texts`."""
    is_list = isinstance(texts, Sequence) and not isinstance(texts, str)
    if not is_list or not all(isinstance(text, str) for text in texts):
        refuse("texts", "must be a list of texts", texts)
    if settings.meaning is None:
        raise ConfigError("texts cannot be embedded without a model: give one, such as a folder", "model")
    return settings.meaning.model.embed_texts(list(texts))


def find_nearest(
    snapshot: Snapshot, settings: SearchSettings, vector: Any, limit: int, filters: SearchRequest
) -> Hits:
    """See `IndexReader.nearest`; `filters` is a request with nothing but filters."""
    check_limit("limit", limit)
    numbers = _read_vector(vector)
    with Deadline(settings.seconds, settings.clock) as deadline:
        allowed = select_articles(snapshot, settings, filters.filters)
        # There is no answer without them, so that it waits for them.
        vectors, code = _open_any_vectors(snapshot, settings.meaning)
        notes = [*settings.notes, *([make_note(code)] if code else [])]
        if vectors is None:
            return Hits([], notes)
        if len(numbers) != vectors.dimensions:
            problem = f"must have {vectors.dimensions:,} numbers, as the vectors of the index have"
            refuse("vector", problem, len(numbers))
        # Some of them may be near-duplicates of others.
        measured = vectors.measure(numbers, _NONE, allowed, DEPTH + limit)
        found = Matches(measured.exact, measured.cosines[measured.exact])
        has_vectors = measured.docs[found.articles] >= 0
        found = Matches(found.articles[has_vectors], found.scores[has_vectors])
        collapsed = collapse_duplicates(snapshot, found, "relevance")
        shown = select_top(snapshot, collapsed.shown, "relevance", 0, limit)
        nearest = {number: int(measured.docs[number]) for number in shown.articles.tolist()}
        hits, _ = make_hits(
            snapshot,
            settings,
            QueryMatches(NO_MATCHES, NO_MATCHES, ()),
            shown,
            collapsed,
            deadline,
            nearest=nearest,
        )
        return Hits(hits, notes)


def _open_any_vectors(snapshot: Snapshot, meaning: Meaning | None) -> _Opened:
    """The vectors of a model, or if there is none, of the only model that a snapshot has vectors of."""
    if meaning is not None:
        return open_vectors(snapshot, meaning)
    models = list(snapshot.vector_models())
    if len(models) > 1:
        raise ConfigError(f"the index has vectors of {len(models)} models: name the one to use", "model")
    return _Opened(snapshot.vectors(models[0]), None) if models else _Opened(None, NoteCode.NO_VECTORS)


def _read_vector(vector: Any) -> NDArray[np.float32]:
    """The numbers of a vector, at length 1; raises InvalidRequest for anything else."""
    try:
        numbers = np.asarray(vector)
    except ValueError:
        numbers = np.empty(0, object)
    if numbers.ndim != 1 or numbers.dtype.kind not in "iuf":
        raise InvalidRequest("must be a list of numbers", "vector")
    numbers = numbers.astype(np.float64)
    # Divided by the largest first, whose square may be more than there is.
    largest = np.abs(numbers).max(initial=0.0)
    if not (np.isfinite(largest) and largest):
        raise InvalidRequest("must have finite numbers, and one that is not 0", "vector")
    numbers /= largest
    found: NDArray[np.float32] = (numbers / np.linalg.norm(numbers)).astype(np.float32)
    return found

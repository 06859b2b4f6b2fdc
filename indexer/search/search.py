"""From a request to a page: parse, evaluate, rank, and read what the page shows."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import numpy as np

from indexer.article import name_text_anchor
from indexer.engine import (
    NO_MATCHES,
    Collapsed,
    Deadline,
    Ids,
    Matches,
    QueryContext,
    QueryMatches,
    QueryTerm,
    ScoredTerm,
    Snapshot,
    TimedOut,
    Window,
    collapse_duplicates,
    collapse_under,
    count_facet,
    count_timeline,
    explain_hits,
    explain_query,
    find_matching_articles,
    measure_recency,
    run_query,
    unite,
)
from indexer.errors import ArticleMissing, ModelFailed
from indexer.query import NoteCode, ParsedQuery, RawPhrase, make_note, strip_punctuation
from indexer.results import (
    Explanation,
    FacetCount,
    Hit,
    HitExplanation,
    MarkedArticle,
    MarkedParagraph,
    MarkedText,
    NoResults,
    Note,
    Page,
    SuggestedFilter,
)
from indexer.search.date_filters import apply_filter, suggest_filters
from indexer.search.filters import check_facets, select_articles
from indexer.search.paging import Cursor, fingerprint, read_cursor, select_page
from indexer.search.passages import QueryHighlighter, make_hits
from indexer.search.request import SearchRequest, check_text
from indexer.search.settings import SearchSettings
from indexer.search.spelling import DOUBTED, did_you_mean
from indexer.text.analyzer import get_analyzer

# It is imported where it is used, since most indexes have no vectors.
if TYPE_CHECKING:
    from indexer.search.meaning import FusedMatches, MeaningSearch

_PREMATURE = {kind.code for kind in (NoteCode.EXPANSION_CUT, NoteCode.LONE_QUOTE, NoteCode.OPEN_PARENTHESIS)}
"""Notes that may no longer be true once the last word has been typed."""

_MAX_ROUNDS = 4
"""Evaluations of a window: what the first one asks of the collection, the second one knows, or nearly."""


class _RankedMatches(NamedTuple):
    """The matches in three lists, with the scores by which hits are ordered."""

    full: Matches
    partial: Matches
    by_meaning: Matches


class _Answer(NamedTuple):
    """A query as it was read, and what was found; with partial matches if fewer than `min_full` are full.

    `meant` is the text whose meaning is searched for as well, "" for none. For `has_dates_as_text`, see
    `parse_query`.
    """

    parsed: ParsedQuery
    context: QueryContext
    found: QueryMatches
    min_full: int
    meant: str = ""
    has_dates_as_text: bool = False

    @property
    def is_unmet(self) -> bool:
        """Whether no article meets a query that has been typed to its end."""
        return not len(self.found.full) and not self.parsed.is_unfinished


def search(snapshot: Snapshot, settings: SearchSettings, request: SearchRequest) -> Page:
    """One page of the hits for a request; raises InvalidRequest for a bad date, cursor or depth.

    A cursor says whether the page before was put together with the meaning. A page by words is followed by
    others by words. After one with the meaning, raises ModelFailed if the model fails, since other hits would
    follow in an order by words. An offset cannot say it: if the model fails or recovers between two pages,
    hits may be missing or shown twice.
    """
    started = time.perf_counter()
    if request.limit is None:
        request = replace(request, limit=settings.page_size)
    asked = request
    by_words = fingerprint(asked, settings.restriction)
    weight = settings.weigh_meaning(asked)
    cursor: Cursor | None = None
    if request.cursor:
        cursor = read_cursor(request.cursor, by_words, fingerprint(asked, settings.restriction, weight))
    with Deadline(request.seconds or settings.seconds, settings.clock) as deadline:
        check_facets(settings, request.facets)
        allowed = select_articles(snapshot, settings, request.filters)
        by_meaning: MeaningSearch | None = None
        if cursor is None or cursor.fingerprint != by_words:
            by_meaning = _prepare_meaning(snapshot, settings, request)
        evaluate = functools.partial(_evaluate, snapshot, settings, cursor, allowed, deadline)
        notes: list[Note] = [*settings.notes]
        answer = evaluate(by_meaning, request)
        has_dates = any(note.code == NoteCode.READ_AS_DATE.code for note in answer.parsed.notes)
        if has_dates and answer.is_unmet:
            # A pasted headline may end in "this week".
            as_text = evaluate(by_meaning, request, dates_as_text=True)
            answer = as_text if len(as_text.found.full) else answer
        suggested: tuple[SuggestedFilter, ...] = ()
        if not answer.found.timed_out:
            count = functools.partial(_count, snapshot, settings, allowed, deadline)
            suggested = suggest_filters(settings, request, count)
        if suggested and answer.is_unmet:
            request, note = apply_filter(request, suggested[0])
            answer = evaluate(by_meaning, request)
            notes.append(note)
        fused: FusedMatches | None = None
        timed_out = False
        if by_meaning and answer.meant and not answer.found.timed_out:
            try:
                fused, meaning_note = by_meaning.find(
                    *(answer.meant, answer.found, answer.context, answer.parsed.tree, allowed),
                    is_short=deadline.seconds < settings.seconds,
                )
            except TimedOut:
                timed_out = True
            else:
                notes += [meaning_note] if meaning_note else []
        elif request.meaning and settings.meaning is None:
            notes.append(make_note(NoteCode.NO_VECTORS))
        if fused is None and request.limit:
            if cursor and cursor.fingerprint != by_words:
                raise ModelFailed(
                    "the hits after this cursor are in an order to which their meaning adds, and the model "
                    "did not answer in time",
                    "try again later, or start again without the cursor",
                )
            if by_meaning and answer.meant and by_meaning.is_too_deep(request):
                exact = evaluate(None, request, dates_as_text=answer.has_dates_as_text)
                answer = answer if exact.found.timed_out else exact
        page = _make_page(snapshot, settings, request, answer, deadline, asked, cursor, allowed, fused)
    return msgspec.structs.replace(
        page,
        took_ms=_measure_ms(started),
        notes=(*notes, *page.notes),
        suggested_filters=suggested,
        timed_out=page.timed_out or timed_out,
    )


def search_window(
    window: Window,
    settings: SearchSettings,
    request: SearchRequest,
    cursor: Cursor | None = None,
    *,
    dates_as_text: bool = False,
    min_full: int = 1,
) -> Page:
    """One page of the hits in a window on a larger collection, from the offset of the request or a cursor on.

    Its counts are those of the window, and there is no advice on what else to search for. `min_full` is the
    number of full matches in the window below which partial ones follow. Its cursor is that of the
    window, which has none if it has no more hits.
    """
    started = time.perf_counter()
    with Deadline(request.seconds or settings.seconds, settings.clock) as deadline:
        allowed = select_articles(window, settings, request.filters)
        rounds = 0
        while True:
            rounds += 1
            answer = _evaluate(
                *(window, settings, cursor, allowed, deadline, None, request),
                dates_as_text=dates_as_text,
                min_full=min_full,
            )
            if not window.collection.count_missing() or rounds >= _MAX_ROUNDS:
                page = _make_page(window, settings, request, answer, deadline, request, cursor, allowed)
                # An explanation counts more than the answer.
                if not window.collection.count_missing() or rounds >= _MAX_ROUNDS:
                    break
            window = window.renew()
    return msgspec.structs.replace(page, took_ms=_measure_ms(started))


def list_matches(
    window: Window, settings: SearchSettings, request: SearchRequest, *, dates_as_text: bool = False
) -> list[str]:
    """The ids of the articles in a window on a larger collection that match a request fully."""
    with Deadline(request.seconds or settings.seconds, settings.clock) as deadline:
        tree = settings.parse_request(request, dates_as_text=dates_as_text).tree
        context = settings.make_context(window, tree, deadline)
        found = run_query(context, tree, depth=0)
    return [window.id_of(number) for number in found.full.articles.tolist()]


def suggest_spelling(
    window: Window,
    settings: SearchSettings,
    request: SearchRequest,
    total: int,
    count: Callable[[str], int],
    *,
    dates_as_text: bool = False,
) -> str | None:
    """Another spelling of a query that finds `total` articles of the collection of a window.

    `count` gives how many of these another query finds.
    """
    with Deadline(request.seconds or settings.seconds, settings.clock) as deadline:
        parsed = settings.parse_request(request, dates_as_text=dates_as_text)
        found = run_query(settings.make_context(window, parsed.tree, deadline), parsed.tree)
        counts = _count_words(found, lambda scored: window.collection.count_articles(scored.term))
        try:
            return did_you_mean(window, settings.languages, parsed.text, total, counts, count)
        except TimedOut:
            return None


def _measure_ms(started: float) -> float:
    return round((time.perf_counter() - started) * 1000, 2)


def _prepare_meaning(
    snapshot: Snapshot, settings: SearchSettings, request: SearchRequest
) -> MeaningSearch | None:
    """The search by meaning that goes with a request; None if there is none, or if no hits are wanted."""
    weight = settings.weigh_meaning(request)
    if not (settings.meaning and weight and request.limit):
        return None
    from indexer.search.meaning import MeaningSearch

    return MeaningSearch(snapshot, settings.meaning, weight, is_asked=request.meaning is not None)


def has_plain_words(settings: SearchSettings, request: SearchRequest) -> bool:
    """Whether a request has plain words, all of them typed to their end: only these have a meaning."""
    from indexer.search.meaning import read_plain_text

    if settings.parse_request(request).is_unfinished:
        return False
    typed = settings.parse(request.query).tree
    return bool(read_plain_text(typed, settings.today(), day_first=settings.day_first))


def _make_page(
    snapshot: Snapshot,
    settings: SearchSettings,
    request: SearchRequest,
    answer: _Answer,
    deadline: Deadline,
    asked: SearchRequest,
    cursor: Cursor | None,
    allowed: Ids | None,
    fused: FusedMatches | None = None,
) -> Page:
    """The page of an answer. `request` may differ from what was `asked` in its dates.

    `fused` are the matches of the answer with those by their meaning, if these count.
    """
    parsed, context, found, min_full = answer[:4]
    own = fingerprint(asked, settings.restriction, settings.weigh_meaning(asked) if fused else 0.0)
    ranked = _apply_recency(snapshot, fused or found, request.half_life)
    full, others = Collapsed(ranked.full), ranked.by_meaning
    if request.collapse:
        full = collapse_duplicates(snapshot, ranked.full, request.sort)
        full, others = collapse_under(snapshot, full, others)
    others = unite([ranked.partial, others], snapshot.articles)
    partial = collapse_duplicates(snapshot, others, request.sort) if request.collapse else Collapsed(others)
    shown, shown_partial, next_cursor = select_page(
        snapshot, full.shown, partial.shown, asked, cursor, min_full, own
    )
    hits, is_marked = make_hits(snapshot, settings, found, shown, full, deadline)
    more, is_more_marked = make_hits(
        *(snapshot, settings, found, shown_partial, partial, deadline),
        is_partial=True,
        nearest=fused.nearest if fused else {},
    )
    hits += more
    articles = found.full.articles
    facets: dict[str, tuple[FacetCount, ...]] = {
        name: count_facet(snapshot, articles, name) for name in request.facets
    }
    grain = None if request.timeline == "auto" else request.timeline
    timeline = count_timeline(snapshot, articles, found.terms, grain) if request.timeline else None
    spelling: str | None = None
    notes: list[Note] = [*parsed.notes, *found.notes]
    if parsed.is_unfinished:
        notes = [note for note in notes if note.code not in _PREMATURE]
    else:
        if snapshot.collection is None:
            spelling = _suggest_spelling(context, settings, request, parsed.text, found, allowed)
        notes += _note_partial(found)
    if timeline and grain not in (None, timeline.grain):
        notes.append(make_note(NoteCode.COARSER_TIMELINE, {"asked": grain, "grain": timeline.grain}))
    explanation: Explanation | None = None
    if request.explain:
        explanation, hits = _explain(
            context, parsed, found, (shown, shown_partial), hits, request, notes, fused
        )
    no_results: NoResults | None = None
    if not len(articles) and not found.timed_out and snapshot.collection is None:
        no_results = _explain_no_results(context, settings, request, parsed, notes)
    if not (is_marked and is_more_marked):
        notes.append(make_note(NoteCode.NOT_MARKED))
    return Page(
        query=asked.query,
        total=len(articles),
        partial=len(found.partial),
        collapsed=len(full.hidden) + len(partial.hidden),
        offset=cursor.seen if cursor else request.offset,
        limit=request.limit or 0,
        took_ms=0,
        notes=tuple(notes),
        hits=tuple(hits),
        did_you_mean=spelling,
        facets=facets,
        timeline=timeline,
        cursor=next_cursor,
        timed_out=found.timed_out,
        explanation=explanation,
        no_results=no_results,
        by_meaning=len(ranked.by_meaning),
    )


def _evaluate(
    snapshot: Snapshot,
    settings: SearchSettings,
    cursor: Cursor | None,
    allowed: Ids | None,
    deadline: Deadline,
    by_meaning: MeaningSearch | None,
    request: SearchRequest,
    *,
    dates_as_text: bool = False,
    min_full: int | None = None,
) -> _Answer:
    """Parse a request and run its query on the allowed articles; for `dates_as_text` see `parse_query`.

    Without `min_full`, there are partial matches when less than a page of articles match.
    """
    limit = request.limit or 0
    # Scores must be exact as deep as the page reaches. A cursor or another order may begin anywhere.
    is_ranked = request.sort == "relevance" and not (cursor or request.half_life)
    depth = request.offset + limit + 1 if is_ranked else None
    parsed = settings.parse_request(request, dates_as_text=dates_as_text)
    # Partial matches are no help while the word that they lack is being typed.
    if min_full is None:
        min_full = 1 if parsed.is_unfinished else max(limit, 1)
        min_full = cursor.min_full if cursor else min_full
    meant = ""
    # Nor is the meaning of a text known before its last word is.
    if by_meaning and not parsed.is_unfinished:
        typed = settings.parse(request.query, dates_as_text=dates_as_text).tree
        meant = by_meaning.read(typed, settings.today(), deadline, day_first=settings.day_first)
        depth = by_meaning.choose_depth(request, depth) if meant else depth
    context = settings.make_context(snapshot, parsed.tree, deadline)
    found = run_query(
        context,
        parsed.tree,
        min_full_matches=min_full,
        depth=depth,
        always_score=snapshot.near_duplicates.members if request.collapse else None,
        restrict_to=allowed,
    )
    return _Answer(parsed, context, found, min_full, meant, dates_as_text)


def _count(
    snapshot: Snapshot,
    settings: SearchSettings,
    allowed: Ids | None,
    deadline: Deadline,
    request: SearchRequest,
) -> int | None:
    """How many of the allowed articles match the query of a request; None when time is up."""
    tree = settings.parse_request(request).tree
    context = settings.make_context(snapshot, tree, deadline)
    found = run_query(context, tree, depth=0, restrict_to=allowed)
    return None if found.timed_out else len(found.full)


def find_number(snapshot: Snapshot, settings: SearchSettings, article_id: str) -> int:
    """The number of the article that has an id, or had it before, or of the one record that states it.

    Raises ArticleMissing, or InvalidRequest for no string.
    """
    check_text("id", article_id)
    number = snapshot.find(article_id)
    if number is None and article_id in settings.aliases:
        number = snapshot.find(settings.aliases[article_id])
    if number is not None:
        return number
    records = snapshot.find_records(article_id)
    if len(records) == 1:
        return int(records[0])
    problem = f"no article with the id {article_id!r}"
    if len(records):
        some = ", ".join(snapshot.id_of(int(record)) for record in records[:3])
        problem = f"{len(records):,} records state the id {article_id!r}: give the whole id of one ({some})"
    raise ArticleMissing(problem)


def mark_article(
    snapshot: Snapshot, settings: SearchSettings, number: int, request: SearchRequest
) -> MarkedArticle:
    """A whole article with what the query of a request matches in it."""
    article = snapshot.article(number)
    terms: list[QueryTerm] = []
    with Deadline(settings.seconds, settings.clock) as deadline:
        if request.query.strip():
            tree = settings.parse_request(request).tree
            context = settings.make_context(snapshot, tree, deadline)
            found = run_query(context, tree, min_full_matches=snapshot.articles + 1)
            parts = () if number in found.full.articles else found.parts
            terms = [scored.term for scored in (*found.terms, *(part.scored for part in parts))]
        words = get_analyzer(snapshot.language(number))
        own = {name: str(article.fields.get(name, "")) for name in snapshot.custom_texts(number)}
        texts = [
            ("title", article.title),
            *(("paragraph", text) for text in article.paragraphs),
            *own.items(),
        ]
        highlighter = QueryHighlighter(snapshot, settings, terms, deadline)
        title_spans, *spans = highlighter.find_spans([(field, text, words) for field, text in texts])
    count = len(article.paragraphs)
    pages = article.page_numbers or [None] * count
    paragraphs = zip(snapshot.anchors(number), article.paragraphs, spans[:count], pages, strict=True)
    return MarkedArticle(
        snapshot.info(number),
        title_spans,
        tuple(MarkedParagraph(place, *paragraph) for place, paragraph in enumerate(paragraphs, 1)),
        article.notes,
        tuple(
            MarkedText(name, name_text_anchor(name), text, marked)
            for (name, text), marked in zip(own.items(), spans[count:], strict=True)
        ),
    )


def finds_itself(snapshot: Snapshot, settings: SearchSettings, number: int) -> bool:
    """Whether an article is found by the first words of its own text or title."""
    article = snapshot.article(number)
    field, text = ("paragraph", article.paragraphs[0]) if article.paragraphs else ("title", article.title)
    tokens = get_analyzer(snapshot.language(number)).tokenize(text)[:5]
    if not tokens:
        return True
    words = RawPhrase(field, text[tokens[0].start : tokens[-1].end])
    return number in run_query(QueryContext(snapshot, settings.languages), words).full.articles


def _apply_recency(
    snapshot: Snapshot, found: QueryMatches | FusedMatches, half_life: float | None
) -> _RankedMatches:
    """The matches with scores that halve every `half_life` days, if the request has a half-life."""
    by_meaning = NO_MATCHES if isinstance(found, QueryMatches) else found.by_meaning
    ranked = _RankedMatches(found.full, found.partial, by_meaning)
    if half_life is None:
        return ranked
    return _RankedMatches(
        *(
            Matches(matches.articles, matches.scores * measure_recency(snapshot, matches.articles, half_life))
            for matches in ranked
        )
    )


def _suggest_spelling(
    context: QueryContext,
    settings: SearchSettings,
    request: SearchRequest,
    text: str,
    found: QueryMatches,
    allowed: Ids | None,
) -> str | None:
    """Another spelling of a query that finds little. `allowed` are the articles that pass the filters."""
    if len(found.full) >= DOUBTED or context.deadline.is_over():
        return None
    snapshot = context.snapshot

    def count(query: str) -> int:
        tree = settings.parse_request(replace(request, query=query)).tree
        matches = find_matching_articles(context, tree)
        return int(np.count_nonzero(matches if allowed is None else matches[allowed]))

    counts = _count_words(found, lambda scored: len(scored.articles))
    try:
        return did_you_mean(snapshot, settings.languages, text, len(found.full), counts, count)
    except TimedOut:
        return None


def _count_words(found: QueryMatches, count: Callable[[ScoredTerm], int]) -> dict[str, int]:
    """How many articles have each word of a query as typed; without words that are common in a language."""
    return {
        strip_punctuation(scored.term.label): count(scored)
        for scored in found.terms
        # A common word of some language is not misspelt, though few articles in others have it.
        if all(scored in near.full for near in found.near_terms)
    }


def _explain(
    context: QueryContext,
    parsed: ParsedQuery,
    found: QueryMatches,
    shown: Sequence[Matches],
    hits: list[Hit],
    request: SearchRequest,
    notes: list[Note],
    fused: FusedMatches | None,
) -> tuple[Explanation | None, list[Hit]]:
    """The explanation of the query, and the hits with those of their scores; neither when time is up."""

    def explain_words(matches: Matches) -> tuple[HitExplanation, ...]:
        return explain_hits(context, parsed.tree, found, matches, request.half_life)

    parts: list[HitExplanation] = []
    try:
        explanation = explain_query(context, parsed.tree)
        for matches in shown:
            if fused is None:
                parts += explain_words(matches)
            else:
                recency = measure_recency(context.snapshot, matches.articles, request.half_life)
                parts += fused.explain(matches, recency, explain_words)
    except TimedOut:
        notes.append(make_note(NoteCode.NOT_EXPLAINED))
        return None, hits
    explained = zip(hits, parts, strict=True)
    return explanation, [msgspec.structs.replace(hit, explanation=part) for hit, part in explained]


def _explain_no_results(
    context: QueryContext,
    settings: SearchSettings,
    request: SearchRequest,
    parsed: ParsedQuery,
    notes: list[Note],
) -> NoResults | None:
    """Why nothing was found; None when time is up."""
    # Imported here: most searches find something.
    from indexer.search.no_results import explain_no_results

    try:
        return explain_no_results(context, settings, request, parsed.tree)
    except TimedOut:
        notes.append(make_note(NoteCode.NO_REASON))
        return None


def _note_partial(found: QueryMatches) -> list[Note]:
    if not len(found.partial) or found.timed_out:
        return []
    return [make_note(NoteCode.FEW_FULL if len(found.full) else NoteCode.ONLY_PARTIAL)]

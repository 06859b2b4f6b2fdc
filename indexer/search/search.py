"""A query to a page: parse, evaluate, rank, and fetch what the page shows."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING

import numpy as np
from msgspec.structs import replace

from indexer.engine import (
    Collapsed,
    Deadline,
    Ids,
    Matches,
    QueryContext,
    QueryMatches,
    QueryTerm,
    Snapshot,
    TimedOut,
    collapse_duplicates,
    count_facet,
    count_timeline,
    decay_scores,
    explain_hits,
    explain_query,
    filter_articles,
    find_matching_articles,
    run_query,
)
from indexer.errors import ArticleMissing, InvalidRequest, quote_value
from indexer.query import (
    ParsedQuery,
    RawPhrase,
    expand_synonyms,
    match_all_if_empty,
    parse_period,
    restrict_to_dates,
    strip_punctuation,
)
from indexer.results import Explanation, Hit, MarkedArticle, MarkedParagraph, NoResults, Page, Timeline
from indexer.search.highlight import find_highlights
from indexer.search.no_results import RequestFilter
from indexer.search.paging import Slice, cut_page, read_cursor, search_mark
from indexer.search.passages import UNMARKED, make_highlighters, make_hits
from indexer.search.request import (
    SearchFilters,
    SearchSettings,
    Values,
    check_facets,
    check_half_life,
    check_seconds,
    check_slice,
    check_text,
    check_timeline,
    check_values,
)
from indexer.search.spelling import DOUBTED, did_you_mean
from indexer.text.analyzer import get_analyzer

if TYPE_CHECKING:
    from indexer.query import Query


def search(
    snapshot: Snapshot,
    how: SearchSettings,
    query: str,
    *,
    after: str | None = None,
    before: str | None = None,
    source: Values = None,
    site: Values = None,
    language: Values = None,
    undated: bool = False,
    sort: str = "relevance",
    half_life: float | None = None,
    limit: int = 10,
    offset: int = 0,
    cursor: str | None = None,
    facets: Values = None,
    timeline: bool | str | None = None,
    fold: bool = True,
    seconds: float | None = None,
    explain: bool = False,
) -> Page:
    """One page of the hits for a query; raises InvalidRequest for arguments that have no meaning.

    `after` is the first moment of the period that it names, `before` the last moment that is left out: the
    days from the one up to, but without, the other. See `Index.search` for the others.
    """
    began = time.perf_counter()
    for name, text in (("query", query), ("after", after or ""), ("before", before or "")):
        check_text(name, text)
    check_slice(sort, limit, offset, cursor)
    half_life = check_half_life(half_life, sort)
    counted, grain = check_facets(facets), check_timeline(timeline)
    filters = check_values(source=source, site=site, language=language)
    mark = search_mark(query, after or "", before or "", filters, undated, sort, half_life, fold)
    start = read_cursor(cursor, mark) if cursor else None
    with Deadline(how.seconds if seconds is None else check_seconds(seconds), how.clock) as deadline:
        bounds = SearchFilters(after, before, filters, undated)
        parsed, within = _read(how, query, bounds), bounds.articles(snapshot)
        context = QueryContext(snapshot, how.languages, how.spoken, deadline)
        # How deep the scores have to be right; where the order is another, or begins anywhere, all the way.
        depth = offset + limit + 1 if sort == "relevance" and not (start or half_life) else None
        enough = start.enough if start else max(limit, 1)
        members = snapshot.families.members if fold else None
        found = run_query(
            context,
            parsed.tree,
            min_full_matches=enough,
            depth=depth,
            always_score=members,
            restrict_to=within,
        )
        ranked = _aged(snapshot, found, half_life) if half_life else found
        full, partial = (
            collapse_duplicates(snapshot, matches, sort) if fold else Collapsed(matches)
            for matches in (ranked.full, ranked.partial)
        )
        slice_ = Slice(sort, limit, offset, mark, enough, start)
        first, then, following = cut_page(snapshot, full.shown, partial.shown, slice_)
        hits, marked = make_hits(snapshot, how, ranked, first, full, deadline)
        others, others_marked = make_hits(snapshot, how, ranked, then, partial, deadline, lacking=True)
        hits += others
        articles = found.full.articles
        wanted = None if grain == "auto" else grain
        over_time = count_timeline(snapshot, articles, found.terms, wanted) if grain else None
        counts = {name: count_facet(snapshot, articles, name) for name in counted}
        meant = _meant(context, how, parsed.text, bounds, found, within)
        receipt: Explanation | None = None
        remarks: tuple[str, ...] = ()
        if explain:
            receipt, hits, remarks = explain_page(context, parsed.tree, found, (first, then), hits, half_life)
        nothing = not len(articles) and not found.timed_out
        end, unsaid = _dead_end(context, how, query, parsed, bounds) if nothing else (None, ())
        return Page(
            query=query,
            total=len(articles),
            partial=len(found.partial),
            folded=len(full.hidden) + len(partial.hidden),
            offset=start.seen if start else offset,
            limit=limit,
            took_ms=(time.perf_counter() - began) * 1000,
            notes=(
                *how.remarks,
                *map(str, parsed.notes),
                *found.notes,
                *_partial_note(found),
                *_grain_note(grain, over_time),
                *remarks,
                *unsaid,
                *(() if marked and others_marked else (UNMARKED,)),
            ),
            hits=tuple(hits),
            did_you_mean=meant,
            facets=counts,
            timeline=over_time,
            cursor=following,
            is_cut=found.timed_out,
            receipt=receipt,
            dead_end=end,
        )


def number_of(snapshot: Snapshot, article_id: str) -> int:
    """The number of the article with an id; raises ArticleMissing, and InvalidRequest for what is no text."""
    check_text("id", article_id)
    number = snapshot.find(article_id)
    if number is None:
        raise ArticleMissing(f"no article with the id {article_id!r}")
    return number


def mark_article(snapshot: Snapshot, how: SearchSettings, number: int, query: str) -> MarkedArticle:
    """A whole article with what a query matches in it; raises InvalidRequest for a query that is no text."""
    check_text("query", query)
    article = snapshot.article(number)
    terms: list[QueryTerm] = []
    with Deadline(how.seconds, how.clock) as deadline:
        if query.strip():
            context = QueryContext(snapshot, how.languages, how.spoken, deadline)
            tree = _read(how, query, SearchFilters()).tree
            found = run_query(context, tree, min_full_matches=snapshot.articles + 1)
            parts = () if number in found.full.articles else found.parts
            terms = [scored.term for scored in (*found.terms, *(part.scored for part in parts))]
        words = get_analyzer(snapshot.language(number))
        in_title, in_text = make_highlighters(snapshot, how, terms)
        (title_spans,), _ = find_highlights([article.title], [words], in_title, deadline)
        spans, _ = find_highlights(article.paragraphs, [words] * len(article.paragraphs), in_text, deadline)
    paragraphs = zip(snapshot.anchors(number), article.paragraphs, spans, strict=True)
    return MarkedArticle(
        article,
        title_spans,
        tuple(MarkedParagraph(place, *paragraph) for place, paragraph in enumerate(paragraphs, 1)),
    )


def finds_itself(snapshot: Snapshot, how: SearchSettings, number: int) -> bool:
    """Whether an article is found by the first words of its own text or title."""
    article = snapshot.article(number)
    field, text = ("paragraph", article.paragraphs[0]) if article.paragraphs else ("title", article.title)
    tokens = get_analyzer(snapshot.language(number)).tokenize(text)[:5]
    if not tokens:
        return True
    words = RawPhrase(field, text[tokens[0].start : tokens[-1].end])
    return number in run_query(QueryContext(snapshot, how.languages), words).full.articles


def _aged(snapshot: Snapshot, found: QueryMatches, half_life: float) -> QueryMatches:
    """What was found, with scores that halve with age."""
    full, partial = (decay_scores(snapshot, part, half_life) for part in (found.full, found.partial))
    return replace(found, full=full, partial=partial)


def _meant(
    context: QueryContext,
    how: SearchSettings,
    query: str,
    bounds: SearchFilters,
    found: QueryMatches,
    within: Ids | None,
) -> str | None:
    """Another query that may have been meant. Only of what finds little: else nobody need ask."""
    if len(found.full) >= DOUBTED or context.deadline.is_over():
        return None
    snapshot = context.snapshot

    def count(text: str) -> int:
        tree = _read(how, text, bounds).tree
        matches = find_matching_articles(context, tree)
        return int(np.count_nonzero(matches if within is None else matches[within]))

    having = {strip_punctuation(scored.term.label): len(scored.matches) for scored in found.terms}
    return did_you_mean(snapshot, how.languages, query, len(found.full), having, count)


def _dead_end(
    context: QueryContext, how: SearchSettings, query: str, parsed: ParsedQuery, bounds: SearchFilters
) -> tuple[NoResults | None, tuple[str, ...]]:
    """Why nothing was found, or a note that there was no time for it."""
    from indexer.search.no_results import find_reason

    snapshot = context.snapshot

    def again(text: str, without: tuple[str, ...]) -> QueryMatches:
        other = bounds.without(without)
        tree = _read(how, text, other).tree
        return run_query(context, tree, depth=0, restrict_to=other.articles(snapshot))

    said = []
    if dates := tuple(name for name in ("after", "before") if getattr(bounds, name)):
        said.append(RequestFilter(dates, "whatever the date"))
    for name, values in bounds.filters.items():
        kept = filter_articles(snapshot, {name: values}, undated=False)
        named = " or ".join(f"“{value}”" for value in values)
        where = {"language": "in the language", "site": "from the site"}.get(name, "from the source")
        label = " ".join(f"{name}:{value}" for value in values)
        said.append(RequestFilter((name,), f"whatever the {name}", label, f"{where} {named}", kept))
    if bounds.undated:
        kept = filter_articles(snapshot, {}, undated=True)
        said.append(RequestFilter(("undated",), "dated or not", "undated", "without a date", kept))
    return find_reason(context, parsed.tree, how.parse(query).tree, said, again)


def _read(how: SearchSettings, query: str, bounds: SearchFilters) -> ParsedQuery:
    today = how.today()
    parsed = how.parse(query)
    if how.synonyms:
        tree, notes = expand_synonyms(parsed.tree, how.synonyms)
        parsed = ParsedQuery(tree, (*parsed.notes, *notes), parsed.text)
    tree = parsed.tree
    if bounds.after or bounds.before:
        start = _first_moment("after", bounds.after, how, today)
        end = _first_moment("before", bounds.before, how, today)
        tree = restrict_to_dates(tree, start, end, alone=not query.strip())
    if not query.strip() and (bounds.filters or bounds.undated):
        tree = match_all_if_empty(tree)
    return ParsedQuery(tree, parsed.notes, parsed.text)


def _first_moment(name: str, text: str | None, how: SearchSettings, today: date) -> datetime | None:
    if not text:
        return None
    try:
        return parse_period(text, today, day_first=how.day_first)[0]
    except ValueError as error:
        raise InvalidRequest(
            f"{name}: a date such as 2021, 2021-11 or 2021-11-05 is wanted, {quote_value(text)} was found"
        ) from error


def _partial_note(found: QueryMatches) -> tuple[str, ...]:
    if not len(found.partial) or found.timed_out:
        return ()
    if not len(found.full):
        return ("No article has all of the words; these have some of them.",)
    return ("Few articles have all of the words; after them come those that have some.",)


def _grain_note(asked: str | None, found: Timeline | None) -> tuple[str, ...]:
    if found is None or asked in ("auto", found.grain):
        return ()
    return (f"A timeline by {asked} would be too long; it is by {found.grain}.",)


def explain_page(
    context: QueryContext,
    tree: Query,
    found: QueryMatches,
    shown: Sequence[Matches],
    hits: Sequence[Hit],
    half_life: float | None,
) -> tuple[Explanation | None, list[Hit], tuple[str, ...]]:
    """The receipt, and the hits with their scores in parts; neither, and a note, where time is up."""
    try:
        receipt = explain_query(context, tree)
        parts = [part for some in shown for part in explain_hits(context, tree, found, some, half_life)]
    except TimedOut:
        return None, [*hits], ("There was no time to explain the search.",)
    return receipt, [replace(hit, explanation=own) for hit, own in zip(hits, parts, strict=True)], ()

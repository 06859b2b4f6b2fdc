"""From a request to a page of the cluster: windows of candidates in its order, each ordered exactly by us.

All hits have one order: full matches, then partial ones if there are few full ones, each by the score that
the cluster gives them. A window is a stretch of this order, a shorter one if its articles are long. A page
lies in one window if its offset is a multiple of its limit; otherwise, or if they are long, it may go on in
the next one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import msgspec

from indexer.engine import TimedOut, Window
from indexer.errors import InvalidRequest
from indexer.fields import list_weights
from indexer.limits import HITS, PAGED
from indexer.opensearch import mapping
from indexer.opensearch.collection import judge, open_window
from indexer.opensearch.dsl import EVERYTHING, NOTHING, Dsl, count_leaves_left, match_all
from indexer.opensearch.facets import aggregate_all, aggregate_hits, find_grain, read_facet, read_timeline
from indexer.opensearch.filters import FilterContext, translate_filter, translate_filters
from indexer.opensearch.queries import TranslationContext, TreeQuery, translate
from indexer.opensearch.view import WINDOW_SECONDS, Hit, TimeLimit, View, read_total
from indexer.query import (
    FilterNode,
    NoteCode,
    ParsedQuery,
    Query,
    drop_repeated,
    has_words,
    list_neighbours,
    make_note,
)
from indexer.results import FacetCount, Grain, NoResults, Note, Page, SuggestedFilter, Timeline
from indexer.search.date_filters import apply_filter, suggest_filters
from indexer.search.filters import check_facets, parse_filters
from indexer.search.paging import Cursor, fingerprint, read_cursor, refuse_cursor, write_cursor
from indexer.search.request import SearchRequest
from indexer.search.search import list_matches, search_window, suggest_spelling
from indexer.search.settings import SearchSettings
from indexer.search.spelling import DOUBTED

WINDOW = 50
"""About how many candidates a window has: twice as many would take twice as long to index in memory."""
_MOST_CHECKED = 200
"""The most candidates of a query that the cluster cannot match exactly, all of which are checked here."""
_SPELLING_ROUNDS = 5
"""Evaluations for another spelling: which words are alike is known in the second, how common in the third."""
_WRITTEN = 10
"""Articles that are read to find how the words of another spelling are written."""
_ALWAYS_PARTIAL = PAGED
"""A number of full matches that no window has: partial ones follow in any case."""
_RECENCY = """
double age = doc['date_start'].size() == 0 ? params.median
    : (params.newest - (doc['date_start'].value + doc['date_end'].value) / 2.0) / 86400.0;
return Math.pow(2, -age / params.half_life);
"""
_BY_DATE = {
    "newest": {mapping.DATE_START: {"order": "desc", "missing": "_last"}},
    "oldest": {mapping.DATE_START: {"order": "asc", "missing": "_last"}},
}
_SORTS: Mapping[str, Sequence[Any]] = {
    "relevance": ("_score", _BY_DATE["newest"], mapping.ID),
    "newest": (_BY_DATE["newest"], "_score", mapping.ID),
    "oldest": (_BY_DATE["oldest"], "_score", mapping.ID),
    "title": (mapping.TITLE_KEY, _BY_DATE["newest"], mapping.ID),
}
"""The orders of hits; see `engine.score.ranking`."""


class PageStart(NamedTuple):
    """Where a page begins: the first hit and the size of a window, and where it goes on there.

    That is after `offset` hits, or after the position of a cursor.
    """

    start: int
    size: int
    offset: int = 0
    cursor: Cursor | None = None


@dataclass(frozen=True, slots=True)
class TranslatedRequest:
    """A request as it was read: its query and filters as queries of the cluster."""

    request: SearchRequest
    dates_as_text: bool
    parsed: ParsedQuery
    query: TreeQuery
    filters: tuple[Dsl, ...]


def search_cluster(view: View, settings: SearchSettings, request: SearchRequest) -> Page:
    """One page of the hits for a request; raises InvalidRequest for a bad date, cursor or depth."""
    if request.limit is None:
        request = replace(request, limit=settings.page_size)
    check_facets(settings, request.facets)
    return _Search(view, settings, request).make_page()


@dataclass(frozen=True, slots=True)
class Translation:
    """Translates the nodes of a query tree: `whole` tells which words stand side by side.

    The query has so few leaves that there is room for the `filters` of the request.
    """

    view: View
    settings: SearchSettings
    whole: Query
    filters: tuple[Dsl, ...] = ()

    @property
    def key(self) -> Query:
        return self.whole

    def __call__(self, node: Query) -> Dsl:
        return self.translate(node).full

    def translate(self, tree: Query) -> TreeQuery:
        """The queries of the cluster for a tree, the whole one or a node of it."""
        settings, facts = self.settings, self.view.facts
        context = TranslationContext(
            settings.languages,
            facts.statistics,
            self._translate_filter,
            self.view.count,
            variants=settings.variants,
            neighbours=list_neighbours(self.whole) if settings.variants else {},
            text_names=self.view.text_names,
            weights=list_weights(settings.fields),
            max_leaves=count_leaves_left([*self.view.filters, *self.filters]),
        )
        return translate(context, tree)

    def _translate_filter(self, node: FilterNode) -> Dsl:
        return translate_filter(node, FilterContext(self.view.facts.sources, self.view.exists))


class _Search:
    """The search for one page; `asked` has a limit."""

    def __init__(self, view: View, settings: SearchSettings, asked: SearchRequest) -> None:
        self.time = TimeLimit(asked.seconds or settings.seconds)
        self.view, self.settings, self.asked = view.limit_time(self.time), settings, asked
        self.limit = asked.limit or 0
        self.fingerprint = fingerprint(asked, settings.restriction)
        self.cursor = read_cursor(asked.cursor, self.fingerprint) if asked.cursor else None
        self.place = self.find_place()
        self.first: Mapping[str, Any] = {}
        """The answer with the first window, with all counts."""

    def find_place(self) -> PageStart:
        """Where the page begins."""
        if self.cursor is None:
            size = self.window_size
            start = self.asked.offset // size * size if size else 0
            return PageStart(start, size, self.asked.offset - start)
        keys = self.cursor.keys
        start, size = (int(keys[0]), int(keys[1])) if len(keys) > 1 else (-1, -1)
        # A forged cursor gets no larger window than a page can have.
        if start < 0 or not 0 < size <= max(HITS, self.limit):
            refuse_cursor(self.asked.cursor or "")
        if start >= PAGED:
            raise InvalidRequest(
                f"goes no deeper than {PAGED:,} hits in an index on OpenSearch. To go deeper, filter, for "
                "instance by date.",
                "cursor",
            )
        own = msgspec.structs.replace(self.cursor, keys=keys[2:])
        return PageStart(start, size, cursor=own if own.keys else None)

    @property
    def window_size(self) -> int:
        """How many candidates a window has, unless they have too much text; 0 if no hits are wanted."""
        return self.limit * max(1, round(WINDOW / self.limit)) if self.limit else 0

    def find_next(self, place: PageStart) -> PageStart:
        """The beginning of the window after another one; it ends where one of the usual size would."""
        start = place.start + place.size
        offset = max(place.offset - place.size, 0)
        return PageStart(start, self.window_size - start % self.window_size, offset)

    def make_page(self) -> Page:
        """The page."""
        notes: list[Note] = [*self.settings.notes]
        reading = self.read(self.asked)
        self.first = self.ask_first(reading)
        has_dates = any(note.code == NoteCode.READ_AS_DATE.code for note in reading.parsed.notes)
        is_open = reading.parsed.is_unfinished
        if has_dates and not self.total and not is_open:
            # A pasted headline may end in "this week".
            as_text = self.read(self.asked, dates_as_text=True)
            answer = self.ask_first(as_text)
            if read_total(answer):
                reading, self.first = as_text, answer
        suggested: tuple[SuggestedFilter, ...] = ()
        if not self.time.timed_out:
            suggested = suggest_filters(self.settings, self.asked, self.count)
        if suggested and not self.total and not is_open:
            request, note = apply_filter(self.asked, suggested[0])
            reading = self.read(request)
            self.first = self.ask_first(reading)
            notes.append(note)
        if not reading.query.is_exact:
            # Otherwise the counts are rough.
            with suppress(TimedOut):
                reading = self.check(reading)
            if self.total > _MOST_CHECKED:
                notes.append(make_note(NoteCode.COUNTED_ROUGHLY))
        page, partial, following = self.read_hits(reading)
        facets, timeline = self.count_facets(reading)
        if timeline and page.timeline and page.total == self.total:
            timeline = _add_paragraphs(timeline, page.timeline)
        notes += page.notes
        spelling = None
        if not (is_open or self.time.timed_out):
            spelling = self.suggest_spelling(reading)
        no_results = None
        if not self.total and not self.time.timed_out:
            no_results = self.explain_no_results(reading, notes)
        grain = None if self.asked.timeline == "auto" else self.asked.timeline
        if self.asked.meaning:
            notes.append(make_note(NoteCode.NO_VECTORS))
        if timeline and grain not in (None, timeline.grain):
            notes.append(make_note(NoteCode.COARSER_TIMELINE, {"asked": grain, "grain": timeline.grain}))
        if self.time.timed_out and not page.timed_out:
            notes.append(make_note(NoteCode.NOT_RANKED, {"seconds": self.time.seconds}))
        return msgspec.structs.replace(
            page,
            query=self.asked.query,
            total=self.total,
            partial=partial,
            offset=self.cursor.seen if self.cursor else self.asked.offset,
            limit=self.limit,
            took_ms=round(self.time.passed * 1000, 2),
            notes=tuple(notes),
            did_you_mean=spelling,
            no_results=no_results,
            suggested_filters=suggested,
            facets=facets,
            timeline=timeline,
            cursor=following,
            timed_out=self.time.timed_out or page.timed_out,
        )

    @property
    def total(self) -> int:
        """How many full matches there are."""
        return read_total(self.first)

    @property
    def grain(self) -> Grain | None:
        """The grain of the timeline, None for no timeline."""
        if self.asked.timeline is None:
            return None
        asked = None if self.asked.timeline == "auto" else self.asked.timeline
        return find_grain(asked, self.first["aggregations"])

    def read(self, request: SearchRequest, *, dates_as_text: bool = False) -> TranslatedRequest:
        """A request as the cluster is asked for it."""
        parsed = self.settings.parse_request(request, dates_as_text=dates_as_text)
        context = FilterContext(self.view.facts.sources, self.view.exists)
        filters = tuple(translate_filters(parse_filters(self.settings, request.filters), context))
        query = Translation(self.view, self.settings, parsed.tree, filters).translate(parsed.tree)
        return TranslatedRequest(request, dates_as_text, parsed, query, filters)

    def check(self, reading: TranslatedRequest) -> TranslatedRequest:
        """The same request, which finds only articles that match, if the candidates are few enough."""
        if not 0 < self.total <= _MOST_CHECKED:
            return reading
        (answer,) = self.view.search(self.make_body(reading, reading.query.full, 0, _MOST_CHECKED))
        names = judge(
            self.view,
            answer["hits"]["hits"],
            lambda window: list_matches(
                window, self.settings, reading.request, dates_as_text=reading.dates_as_text
            ),
        )
        keys = [*map(mapping.make_id_key, names)]
        query = replace(reading.query, full={"terms": {mapping.ID: keys}} if keys else NOTHING)
        checked = replace(reading, query=query)
        self.first = self.ask_first(checked)
        return checked

    def ask_first(self, reading: TranslatedRequest) -> Mapping[str, Any]:
        """The first window of full matches, with the counts of all."""
        body = self.make_body(reading, reading.query.full, self.place.start, self.place.size)
        has_timeline = self.asked.timeline is not None
        if self.asked.facets or has_timeline:
            body["aggs"] = aggregate_hits(self.asked.facets, self.settings.fields, timeline=has_timeline)
        (answer,) = self.view.search({**body, "track_total_hits": True})
        return answer

    def make_body(self, reading: TranslatedRequest, matching: Dsl, start: int, size: int) -> dict[str, Any]:
        """The search for a stretch of the articles that match."""
        found = self.view.select(matching, *reading.filters)
        scored: Dsl = {"bool": {"filter": [found], "should": [*reading.query.scoring]}}
        half_life = reading.request.half_life
        if half_life is not None and self.view.newest is not None:
            parameters = {
                "half_life": half_life,
                "newest": self.view.newest,
                "median": self.view.median_age,
            }
            factor = {"script": {"source": _RECENCY, "params": parameters}}
            scored = {"function_score": {"query": scored, "script_score": factor, "boost_mode": "multiply"}}
        return {
            "from": start,
            "size": min(size, PAGED - start),
            "query": scored,
            "sort": [*_SORTS[reading.request.sort]],
            "track_total_hits": False,
        }

    def count(self, request: SearchRequest) -> int | None:
        """How many articles match a request; None when time is up."""
        if self.time.timed_out or self.time.left < 0:
            return None
        reading = self.read(request)
        with suppress(TimedOut):
            total = self.view.count_all(reading.query.full, *reading.filters)
            return None if self.time.timed_out else total
        return None

    def suggest_spelling(self, reading: TranslatedRequest) -> str | None:
        """Another spelling of a query that finds little."""
        if self.total >= DOUBTED or not has_words(reading.parsed.tree) or self.time.left < 0:
            return None
        counts: dict[str, int] = {}

        def count(query: str) -> int:
            if query not in counts:
                counts[query] = self.count(replace(reading.request, query=query)) or 0
            return counts[query]

        def suggest(window: Window) -> str | None:
            return suggest_spelling(
                *(window, self.settings, reading.request, self.total, count),
                dates_as_text=reading.dates_as_text,
            )

        found = judge(self.view, [], suggest, rounds=_SPELLING_ROUNDS)
        if found is None:
            return None
        # Only texts tell how its words are written.
        other = self.read(replace(reading.request, query=found))
        with suppress(TimedOut):
            (answer,) = self.view.search(self.make_body(other, other.query.full, 0, _WRITTEN))
            return judge(self.view, answer["hits"]["hits"], suggest)
        return None

    def explain_no_results(self, reading: TranslatedRequest, notes: list[Note]) -> NoResults | None:
        """Why nothing was found; None, with a note, when time is up."""
        # Imported here: most searches find something.
        from indexer.opensearch.no_results import explain_on_cluster

        def count(request: SearchRequest) -> int:
            found = self.count(request)
            if found is None:
                raise TimedOut
            return found

        tree = reading.parsed.tree
        translate = Translation(self.view, self.settings, tree)
        try:
            return explain_on_cluster(self.view, self.settings, reading.request, tree, translate, count)
        except TimedOut:
            notes.append(make_note(NoteCode.NO_REASON))
            return None

    def read_hits(self, reading: TranslatedRequest) -> tuple[Page, int, str | None]:
        """A page with the hits, how many partial matches there are, and the cursor of the next page."""
        min_full = 1 if reading.parsed.is_unfinished else max(self.limit, 1)
        min_full = self.cursor.min_full if self.cursor else min_full
        total, partial, place = self.total, 0, self.place
        pages: list[Page] = []
        left = self.limit
        following: PageStart | None = None
        while following is None:
            hits: list[Hit] = []
            is_last = place.start + place.size >= total
            try:
                hits += self.read_full(reading, place)
                if (
                    total < min_full
                    and is_last
                    and reading.query.partial is not None
                    and not self.time.timed_out
                ):
                    first = max(place.start - total, 0)
                    rest, partial = self.read_partial(reading, first, place.size - len(hits))
                    hits += rest
                    is_last = place.start + place.size >= total + partial
            except TimedOut:
                if not (hits or pages):
                    raise
                if not hits:
                    following = place
                    break
            window = open_window(
                self.view,
                hits,
                Translation(self.view, self.settings, reading.parsed.tree),
                max_bytes=self.view.window_bytes,
            )
            is_cut = window.articles < len(hits)
            if is_cut:
                place, is_last = place._replace(size=window.articles), False
            wanted = left
            if self.cursor is None:
                # What follows belongs to the next page, although collapsed hits leave this one shorter.
                wanted = min(left, self.asked.offset + self.limit - place.start - place.offset)
            page, cursor = self.read_window(reading, window, place, wanted, with_partial=min_full > total)
            pages.append(page)
            left -= len(page.hits)
            if cursor is not None:
                following = place._replace(cursor=cursor)
            elif is_last or not self.limit:
                break
            else:
                place = self.find_next(place)
                # The next page begins with the rest of a window for which there was no time.
                is_late = is_cut and self.time.timed_out
                ends = self.cursor is None and place.start >= self.asked.offset + self.limit
                if not left or ends or is_late or place.start >= PAGED:
                    following = place
        text = None if following is None else self.write_cursor(following, self.limit - left, min_full)
        return _join_pages(pages), partial, text

    def read_full(self, reading: TranslatedRequest, place: PageStart) -> Sequence[Hit]:
        """The full matches in a window."""
        if place.start == self.place.start:
            hits: Sequence[Hit] = self.first["hits"]["hits"]
            return hits
        if place.start >= self.total:
            return []
        (answer,) = self.view.search(self.make_body(reading, reading.query.full, place.start, place.size))
        found: Sequence[Hit] = answer["hits"]["hits"]
        return found

    def read_partial(self, reading: TranslatedRequest, start: int, size: int) -> tuple[Sequence[Hit], int]:
        """Partial matches from a place on, and how many there are."""
        assert reading.query.partial is not None
        body = self.make_body(reading, reading.query.partial, start, size)
        (answer,) = self.view.search({**body, "track_total_hits": True})
        return answer["hits"]["hits"], read_total(answer)

    def read_window(
        self,
        reading: TranslatedRequest,
        window: Window,
        place: PageStart,
        limit: int,
        *,
        with_partial: bool,
    ) -> tuple[Page, Cursor | None]:
        """The hits of a window from a place on, and where the window goes on; None if it has no more hits."""
        # Only a window with all matches knows which paragraphs match.
        timeline = self.grain if self.total <= window.articles else None
        request = replace(
            reading.request,
            offset=place.offset,
            limit=limit,
            cursor=None,
            facets=(),
            timeline=timeline,
            # What the cluster has found in time is worth a little more.
            seconds=min(self.time.seconds, max(self.time.left, WINDOW_SECONDS)),
        )
        page = search_window(
            window,
            replace(self.settings, notes=()),
            request,
            place.cursor,
            dates_as_text=reading.dates_as_text,
            min_full=_ALWAYS_PARTIAL if with_partial else 1,
        )
        if page.cursor is None:
            return page, None
        return page, read_cursor(page.cursor, fingerprint(request, self.settings.restriction))

    def write_cursor(self, place: PageStart, taken: int, min_full: int) -> str:
        """The cursor of the page that begins at a place, after so many hits on this one."""
        cursor = place.cursor or Cursor("", "", 0, 1, is_partial=False, keys=(), names=())
        return write_cursor(
            msgspec.structs.replace(
                cursor,
                fingerprint=self.fingerprint,
                seen=(self.cursor.seen if self.cursor else self.asked.offset) + taken,
                min_full=min_full,
                keys=(place.start, place.size, *cursor.keys),
            )
        )

    def count_facets(
        self, reading: TranslatedRequest
    ) -> tuple[dict[str, tuple[FacetCount, ...]], Timeline | None]:
        """The facets and the timeline of all full matches."""
        names, fields = self.asked.facets, self.settings.fields
        if not names and self.asked.timeline is None:
            return {}, None
        first = self.first["aggregations"]
        grain = self.grain
        hits = match_all([reading.query.full, *reading.filters])
        more = aggregate_all(names, grain, fields, first, hits)
        second: Mapping[str, Any] = {}
        if more:
            body = {"size": 0, "track_total_hits": False, "query": self.view.select(EVERYTHING), "aggs": more}
            try:
                (answer,) = self.view.search(body)
            except TimedOut:
                return {}, None
            second = answer["aggregations"]
        sources = self.view.facts.sources
        counted = {name: read_facet(name, fields, first, second, sources) for name in names}
        timeline = None
        if grain is not None:
            has_terms = has_words(reading.parsed.tree)
            timeline = read_timeline(grain, first, second, has_terms=has_terms)
        return counted, timeline


def _add_paragraphs(timeline: Timeline, own: Timeline) -> Timeline:
    """The timeline with the matching paragraphs of the one of a window that has all hits."""
    matching = {bar.start: bar.paragraphs or 0 for bar in own.bars}
    bars = []
    for bar in timeline.bars:
        count = matching.get(bar.start, 0)
        share = round(count / bar.of_paragraphs, 6) if bar.of_paragraphs else 0.0
        bars.append(msgspec.structs.replace(bar, paragraphs=count, share=share))
    return msgspec.structs.replace(timeline, bars=tuple(bars))


def _join_pages(pages: Sequence[Page]) -> Page:
    """One page with the hits of several windows."""
    first = pages[0]
    if len(pages) == 1:
        return first
    return msgspec.structs.replace(
        first,
        hits=tuple(hit for page in pages for hit in page.hits),
        collapsed=sum(page.collapsed for page in pages),
        notes=tuple(drop_repeated(note for page in pages for note in page.notes)),
        timed_out=any(page.timed_out for page in pages),
    )

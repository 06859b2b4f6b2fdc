"""The Whoosh index: articles become segments, and queries are evaluated on them as array operations.

Paragraphs are Whoosh documents, in columnar segments that NumPy maps from the disk. The packages, each used
by those after it:

- `format` is what stands on the disk: the segment file, its parts and their checks, lexicon, stored text
  (FORMAT.md).
- `read` opens it: a segment, and a `Snapshot` of all segments of a commit, which never changes.
- `score` evaluates a query tree on a snapshot: matches, BM25F, proximity, filters, the order of hits.
- `count` counts over matches: facets, the timeline, near-duplicates, completions.
- `build` makes segments: articles are tokenized and gathered, inverted, merged and committed.
- `whoosh` is what stock Whoosh needs to open and query a generation.

What comes in: articles (`Gatherer`, then `Batch`) and query trees. What goes out: commits, and answers as
arrays of article numbers. Other packages enter by the names below only. Begin reading with `score.evaluate`
for searching, with `build.gather` for indexing.

What search asks of an engine is a few functions over a `Snapshot`, or over a `QueryContext`, which is a
snapshot with the languages, the deadline and the looked-up terms of one request:

- run a query: `run_query(context, tree, ...)` gives `QueryMatches`; `read_clauses` and `match_node` tell what
  its clauses are and which articles match one alone; `match_filter` and `match_undated` give articles to
  restrict it to;
- run a query of stems: `match_stems`, to find similar articles;
- page: `select_top` gives the matches of one page, `sort_position` the position from which the next one
  goes on; `measure_recency` gives the factors by which newer articles score higher;
- collapse: `collapse_duplicates` puts near-duplicates under the best-ranked of them;
- excerpts: `Snapshot.excerpts`, `Snapshot.infos` and `Snapshot.article` give stored text;
- facets and timeline: `count_facet`, `count_timeline`;
- count: `find_matching_articles`, without scores; `articles_with_term`;
- vocabulary: `complete_word`, `list_continuations`, `find_titles`, `Snapshot.vocabulary`; `TermReader` looks
  up single terms;
- explain: `explain_query`, `explain_hits`.

The names of `build` are loaded when they are first used, since a search needs none of them.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from indexer.engine.count.collapse import Collapsed, collapse_duplicates
from indexer.engine.count.completions import Continuation, complete_word, find_titles, list_continuations
from indexer.engine.count.facets import count_facet, count_timeline
from indexer.engine.count.matching import ArticleSet, articles_with_term, find_matching_articles
from indexer.engine.format.arrays import Ids, contains
from indexer.engine.format.record import NO_DATE, digest_items, encode_article
from indexer.engine.read.contents import latest_commit
from indexer.engine.read.deadline import NO_DEADLINE, Clock, Deadline, TimedOut
from indexer.engine.read.snapshot import Snapshot
from indexer.engine.score.bm25f import ScoredTerm, idf
from indexer.engine.score.clauses import is_common_word
from indexer.engine.score.evaluate import (
    QueryContext,
    QueryMatches,
    match_node,
    match_stems,
    read_clauses,
    run_query,
)
from indexer.engine.score.explain import explain_hits, explain_query
from indexer.engine.score.filters import match_filter, match_undated
from indexer.engine.score.matches import NO_MATCHES, Matches, make_unscored
from indexer.engine.score.partial import OptionalClause
from indexer.engine.score.positions import Phrase, Spans, TermSet, find_chains
from indexer.engine.score.query_terms import QueryTerm, TermReader
from indexer.engine.score.ranking import SortPosition, measure_recency, select_top, sort_position
from indexer.engine.score.variants import join_words

if TYPE_CHECKING:
    from indexer.engine.build.check import find_differences, verify_snapshot
    from indexer.engine.build.commit import Batch, create_empty, remove_leftovers
    from indexer.engine.build.gather import Chunk, Gatherer
else:

    def __getattr__(name: str) -> Any:
        """Load what makes segments when it is first used."""
        modules = {
            "check": ("find_differences", "verify_snapshot"),
            "commit": ("Batch", "create_empty", "remove_leftovers"),
            "gather": ("Chunk", "Gatherer"),
        }
        for module, names in modules.items():
            if name in names:
                return getattr(import_module(f"indexer.engine.build.{module}"), name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

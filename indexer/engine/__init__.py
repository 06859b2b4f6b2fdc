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
- meaning: `Snapshot.vectors` has the vectors of paragraphs that a model has made, and measures how close
  articles come to another one; `Snapshot.vector_models` tells which models there are;
- explain: `explain_query`, `explain_hits`.

Vectors are added to a commit later: `list_unembedded` tells which paragraphs have none, `hash_texts` and
`find_known` find those of the same text, `write_vectors` writes them into side files, and `Batch.touch`
makes a commit by which readers notice. Damaged ones count as missing, see `Snapshot.vector_problems`.

Another engine reads a query as this one does by `ClauseReader` (clauses, by language), `analyze_text` and
`list_candidates` (what a word or phrase stands for), and `find_names` and `find_common_acronyms`.
What it has found it hands back as a `Window`: a snapshot of a few articles, which `WindowMaker` makes in
memory, judged by the counts of the `Collection` that they are from.

The names of `build` are loaded when they are first used, since a search needs none of them.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from indexer.engine.count.collapse import Collapsed, collapse_duplicates, collapse_under
from indexer.engine.count.completions import Continuation, complete_word, find_titles, list_continuations
from indexer.engine.count.facets import MAX_VALUES, choose_grain, count_facet, count_timeline, make_bars
from indexer.engine.count.matching import ArticleSet, articles_with_term, find_matching_articles
from indexer.engine.format.arrays import Ids, Values, contains
from indexer.engine.format.labels import shorten_sources
from indexer.engine.format.record import NO_DATE, decode_article, digest_items, encode_article, to_timestamp
from indexer.engine.format.segment_file import Array
from indexer.engine.format.vectors import MAX_DIMENSIONS, VECTORS, hash_texts, quantize
from indexer.engine.read.collection import Collection, CountedTerm, TermCounts
from indexer.engine.read.contents import latest_commit
from indexer.engine.read.deadline import NO_DEADLINE, Clock, Deadline, TimedOut
from indexer.engine.read.near_duplicates import split_bands
from indexer.engine.read.periods import find_finest_grains, format_date, format_period, number_periods
from indexer.engine.read.snapshot import Snapshot
from indexer.engine.read.statistics import LanguageStatistics
from indexer.engine.read.values import make_key
from indexer.engine.read.vectors import Closeness, Vectors
from indexer.engine.read.vocabulary import Vocabulary
from indexer.engine.read.window import ViewInMemory, Window
from indexer.engine.score.bm25f import COMPOUND, EXACT, EXACT_FALL, K1, ScoredTerm, idf
from indexer.engine.score.clauses import (
    ClauseReader,
    Reading,
    find_languages_without,
    is_common_word,
    is_word,
    iter_words,
)
from indexer.engine.score.evaluate import (
    QueryContext,
    QueryMatches,
    match_node,
    match_stems,
    read_clauses,
    run_query,
)
from indexer.engine.score.explain import explain_hits, explain_query
from indexer.engine.score.filters import (
    make_label_key,
    make_label_matcher,
    match_filter,
    match_undated,
    split_name,
)
from indexer.engine.score.matches import NO_MATCHES, Matches, make_unscored, unite
from indexer.engine.score.names import (
    Name,
    find_common_acronyms,
    find_names,
    is_name,
    list_kept_words,
    list_rarer,
)
from indexer.engine.score.partial import OptionalClause
from indexer.engine.score.positions import Phrase, Spans, TermSet, find_chains
from indexer.engine.score.proximity import BESIDE, find_neighbours
from indexer.engine.score.query_terms import (
    VARIANT,
    QueryTerm,
    TermReader,
    analyze_text,
    is_marked,
    normalize_pattern,
    split_word,
)
from indexer.engine.score.ranking import SortPosition, measure_recency, select_top, sort_position
from indexer.engine.score.variants import join_words, list_candidates

if TYPE_CHECKING:
    from indexer.engine.build.check import find_differences, verify_snapshot
    from indexer.engine.build.commit import Batch, create_empty, remove_leftovers
    from indexer.engine.build.gather import Chunk, Gatherer, Run
    from indexer.engine.build.tokenize import split_forms
    from indexer.engine.build.vectors import (
        Unembedded,
        carry_vectors,
        find_known,
        list_unembedded,
        write_vectors,
    )
    from indexer.engine.build.window import EncodedArticle, WindowMaker
else:

    def __getattr__(name: str) -> Any:
        """Load what makes segments when it is first used."""
        modules = {
            "check": ("find_differences", "verify_snapshot"),
            "commit": ("Batch", "create_empty", "remove_leftovers"),
            "gather": ("Chunk", "Gatherer", "Run"),
            "window": ("EncodedArticle", "WindowMaker"),
            "tokenize": ("split_forms",),
            "vectors": ("Unembedded", "carry_vectors", "find_known", "list_unembedded", "write_vectors"),
        }
        for module, names in modules.items():
            if name in names:
                return getattr(import_module(f"indexer.engine.build.{module}"), name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

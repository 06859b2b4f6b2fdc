"""The index on an OpenSearch cluster: the cluster retrieves candidates and counts, Nutgraf re-ranks them.

A search has two stages. The query tree becomes query DSL; the cluster counts all matches, and returns the
best by its own BM25, some fifty: the candidates. They become a `Window` (`indexer.engine`), a small index in
memory, where the code of `indexer.search` ranks and excerpts them as in a folder. How common a term is, the
cluster counts over the whole archive.

- `engine` opens the last commit for reading, or the index for writing.
- `reader` is a commit open for reading; `pages` answers a search, from a request to a page of hits.
- `queries` translates a query tree, `term_queries` its words, phrases and patterns, `rows` terms at their
  positions, `filters` its filters. `scoring` makes the clauses that score; `dsl` combines queries, and counts
  their clauses, which a cluster limits.
- `point_in_time` holds on to the copies of the shards that have a commit. `view` has the `View`, the articles
  in it that a reader may see, and counts them; `collection` judges windows of its hits by these counts;
  `vocabulary` finds similar words in it for *did you mean*.
- `facets` counts facets and the timeline, `suggestions` completes what is typed, and `no_results` explains
  why nothing was found.
- `mapping` names the fields of a document and how each is indexed; `documents` makes and reads documents.
- `commits` keeps the pointer to the last commit, and the lease that admits one writer at a time; `writer`
  adds, removes, rebuilds and cleans up; `verify` and `diagnose` check the index and repair it.
- `cluster` sends every request, with retries and time limits; `connection` has the client that it uses, and
  `failures` says what errors mean.

A configuration, requests and articles come in; pages and other nouns of `indexer.results`, reports, and
commits go out. Other packages import `engine` only. Begin with `pages` for searching, with `commits` for
writing.

To change how many candidates a window has, see `pages.WINDOW`; how long a commit can be read after the last
search of it, `cluster.KEEP_ALIVE`; how a word or prefix is translated, `LeafReader` (`term_queries`). For a
new filter, see `indexer.search`. A mapping that older indexes do not have needs a new `commits.FORMAT`.
"""

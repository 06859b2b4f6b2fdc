"""From a request to a page of results.

A `SearchRequest` (`request`) has the query, the filters and everything else that can be asked for,
validated. `search` parses it with the `SearchSettings` of an index (`settings`), finds the articles that pass
its filters (`filters`), has the engine evaluate the tree, and reads what one page shows: `paging` selects its
hits, `passages` chooses and shortens their paragraphs, `highlight` finds the spans of the matches, and
`no_results` says why there are no results and which searches have some; `date_filters` suggests a filter for
a date that was typed as text. If there are vectors, `meaning` puts what is found by words together with what
is found by its meaning.

`suggest` completes a query while it is typed, also with the words that follow a phrase in the texts
(`phrases`), and `spelling` is *did you mean*; both show words as the texts have them (`written_forms`).
`similar` finds articles like a given one, and `quotes` verifies quotations.

All of these also answer from a window on the articles of another engine, which counts what the window cannot
know: `search_window`, `suggest_spelling` and `explain_clauses` are for such an engine.

A filter on a custom field needs no code: the administrator declares the field. To add a filter on a
property that every article has, such as its author:

1. Name the property in `PROPERTIES` (`indexer.article`): queries then read `author:` and describe it.
2. Give its values in `find_values` (`engine.format.columns`). Segments of the current format do not have
   them, so the format gets a new version (`store.generations`). Values that match otherwise than as a whole,
   as those of an author do, need a line in `engine.score.filters`. A cluster needs the name of the column in
   `COLUMNS` (`opensearch.mapping`), such a line in `opensearch.filters`, and a new `FORMAT`
   (`opensearch.commits`): an index refuses fields that it was not made with.
3. Describe the filter in `FILTERS` (`request`): keywords, command-line flags, the parameters of the HTTP API
   and the arguments of the tools for agents follow from it, as do the suggestions where nothing is found.
4. To count it, add it to `FACETS` (`indexer.results`).
5. On the page, add it to `FACETS` (`webui.refinements`), its texts to `webui.notes`, and an example to
   `webui.examples`.

A filter without values, such as "undated", needs step 3, lines of its own in `read_filters` (`filters`) and
`translate_filters` (`indexer.opensearch.filters`), and step 5.

Every function takes a snapshot and settings, and returns nouns of `indexer.results`; nothing here writes.
Begin with `search`.
"""

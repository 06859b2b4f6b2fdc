"""From a request to a page of results.

A `SearchRequest` (`request`) has the query, the filters and everything else that can be asked for, validated.
`search` parses it with the `SearchSettings` of an index (`settings`), has the engine evaluate the tree, and
reads what one page shows: `paging` selects its hits, `passages` chooses and shortens their paragraphs,
`highlight` finds the spans of the matches, and `no_results` says why there are no results and which searches
have some; `date_filters` suggests a filter for a date that was typed as text.

`suggest` completes a query while it is typed, also with the words that follow a phrase in the texts
(`phrases`), and `spelling` is *did you mean*; both show words as the texts have them (`written_forms`).
`similar` finds articles like a given one, and `quotes` verifies quotations.

To add a filter on a property of articles, such as an author:

1. Name the property in `PROPERTIES` (`indexer.article`): queries then read `author:` and describe it.
2. Store it as a label: `STORED_LABELS` and `find_labels` (`engine.format.labels`). Segments of the current
   format have no such section, so the format gets a new version (`store.generations`). Values that match
   otherwise than as a whole, as those of a site do, get a function in `_MATCHERS` (`engine.score.filters`).
3. Describe the filter in `FILTERS` (`request`): keywords, command-line flags, the parameters of the HTTP API
   and the arguments of the tools for agents follow from it, as do the suggestions where nothing is found.
4. To count it, add it to `Facet` (`indexer.results`).
5. On the page, add it to `FACETS` (`webui.refinements`), its texts to the template `parts/filters.html` and
   to `webui.notes`, and an example to `webui.examples`.

A filter without values, such as "undated", needs step 3, a test of its own in `filter_articles`, and step 5.

Every function takes a snapshot and settings, and returns nouns of `indexer.results`; nothing here writes.
Begin with `search`.
"""

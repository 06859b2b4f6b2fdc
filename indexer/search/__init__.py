"""From a request to a page of results.

A `SearchRequest` (`request`) has the query, the filters and everything else that can be asked for, validated.
`search` parses it with the `SearchSettings` of an index (`settings`), has the engine evaluate the tree, and
reads what one page shows: `paging` selects its hits, `passages` chooses and shortens their paragraphs,
`highlight` finds the spans of the matches, and `no_results` says why there are no results and which searches
have some.

`suggest` completes a query while it is typed, and `spelling` is *did you mean*; both show words as the texts
have them (`written_forms`). `similar` finds articles like a given one, and `quotes` verifies quotations.

Every function takes a snapshot and settings, and returns nouns of `indexer.results`; nothing here writes.
Begin with `search`.
"""

"""An index, open for reading.

`contents` reads which segments the last commit has and which of their documents are removed. `segment` opens
one of them, with its `postings` for titles and paragraphs. `snapshot` puts all segments of a commit together
as one index that never changes; `restricted` is a segment in a snapshot that shows only some of its articles.
On a snapshot, `vocabulary` has the frequent words and finds fuzzy matches, `periods` has the dates as days,
weeks, months and years, `values` the values in columns, `statistics` counts and measures the articles of each
language, `near_duplicates` groups articles with much the same text, `vectors` finds those that come close to
a vector. `deadline` limits the time of a query, and lets queries of several threads take turns. `window` is a
snapshot in memory of a few articles, judged by the counts of the larger `collection` that they are from.

What comes in: the folder of a generation. What goes out: arrays of documents, articles, frequencies and
positions, and stored texts. Begin with `snapshot`.
"""

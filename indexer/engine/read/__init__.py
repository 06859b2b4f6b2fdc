"""An index, open for reading.

`contents` reads which segments a commit has, `segment` gives one of them, with a `field` each for titles and
paragraphs, and `snapshot` all of them as one index that never changes. `vocabulary` has frequent words and
fuzzy matches, `periods` the dates as days, weeks, months and years, `near_duplicates` which articles may say
the same. `deadline` bounds the time of a query, `turns` lets queries of several threads take turns. Begin
with `snapshot`.
"""

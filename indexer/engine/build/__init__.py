"""Makes segments of articles, and commits them.

`tokenize` turns texts into the numbers of their forms. `gather` collects articles into chunks, which are flat
arrays; worker processes do this. `invert` turns the chunks of a segment into its file, `merge` does so with
several segments. `commit` writes all segments of a batch and makes them visible in one commit. `check`
compares the sections of a segment with each other, before a merge and for `verify`. `vectors` adds vectors to
segments and copies them in a merge. `window` makes a segment of a few articles in memory.

What comes in: articles, and the ids of articles to remove. What goes out: a commit in the folder of a
generation. Begin with `commit.Batch`, then `gather`.
"""

"""Articles in, a committed segment out.

`tokenize` turns texts into numbers of forms, `gather` articles into flat arrays (in worker processes),
`invert` these into a segment, `merge` several segments into one, `commit` writes all of it in one commit.
`check` compares the parts of a segment with each other. Begin with `gather`.
"""

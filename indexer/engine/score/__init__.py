"""A query tree and a snapshot in; matching articles and their scores out.

`clauses` parts a tree into what must hold and what may be missing, `query_terms` looks up the words, phrases
and patterns in it, `positions` those that must stand near each other. `bm25f` scores a term, `proximity`
terms that stand together, `matches` joins them, `filters` restricts them, `ranking` orders them. `explain`
says how a score came about. Begin with `evaluate`.
"""

"""From a query tree and a snapshot to matching articles and their scores.

Begin with `run_query` in `evaluate`. `clauses` splits the tree into required and optional clauses, with
`names` for acronyms and names, and `query_terms` looks up words, phrases and patterns, with `variants` for
other spellings and `positions` for terms that must stand near each other. `bm25f` scores a term and the
nearness of terms, `proximity` pairs of neighbouring words; `matches` combines them, `partial` lists what a
partial match lacks, `filters` restricts them, `ranking` orders them, after lowering scores by age where a
request has a half-life. `explain` shows how a score comes about.
"""

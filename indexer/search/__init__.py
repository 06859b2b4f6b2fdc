"""A request in, a page out.

`search` parses the query, asks the engine for matches, and fetches what one page shows: `request` has the
arguments and their checks, `paging` which hits are on the page, `passages` which paragraphs are shown and
where they are cut, `highlight` what is marked in them, `no_results` why nothing was found and what would find
something. `suggest` completes what is being typed, with `next_words`; `spelling` is *did you mean*; both use
`written_forms`, how words are written in the texts. `similar` finds articles like one, `quotes` where a
quotation stands.

Every function takes a snapshot and the `SearchSettings` of an open index; nothing here writes. Begin with
`search`.
"""

"""Text: from characters to terms, by language.

`analyzer` turns a text into terms, for documents and queries alike: it cuts the text into words, normalizes
each (`normalize`) and stems it, before or after that as its language needs (`languages`, which also has the
stop words). Scripts without spaces between words give overlapping bigrams (`unspaced`). `detection` gives
the language of an article that states none; `synonyms` reads a file of synonyms.

Strings come in, stems and words go out, with their positions for queries and passages. Nothing here knows
the index. Begin with `analyzer`.
"""

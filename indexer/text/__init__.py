"""Text: from characters to terms, by language.

`analyzer` turns a text into tokens, for documents and queries alike: it normalizes (`normalize`), cuts
words, stems by what `languages` knows of each language, and takes overlapping pairs of characters where a
script puts no spaces between words (`unspaced`). `detection` tells the language of a text that does not
say; `synonyms` reads a file of words that mean the same.

Strings come in, tokens with their places go out. Nothing here knows the index. Begin with
`analyzer`.
"""

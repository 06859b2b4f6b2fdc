"""The files of an index: what every byte of a segment means (see also FORMAT.md).

`segment_file` writes and maps a container of named arrays, each with a checksum; `checks` has the rules for
each array. What a segment consists of: `lexicon` (sorted words), `text_store` (stored text in compressed
blocks), `record` (an article as stored items), `columns` (authors, tags, fields …), with the `labels` that an
article has one of at most (source, path, site), and `sketches` (for near-duplicates). `vectors` is a side
file of a segment, with the vectors of its paragraphs. `arrays` has operations on integer arrays that all
packages use.

What comes in: arrays, words, articles. What goes out: bytes of a file, and the same arrays mapped from it.
Nothing here knows of commits or queries. Begin with FORMAT.md, then `segment_file`.
"""

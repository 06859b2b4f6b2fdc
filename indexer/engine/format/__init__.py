"""What stands on the disk (FORMAT.md says what every byte means).

`segment_file` writes and maps a file of named arrays, each with a checksum; `checks` says what each of them
has to look like. `lexicon` has sorted words, `text_store` the stored text in compressed blocks, `record` an
article as stored items, `labels` and `sketches` what articles have in common by name and by text. `arrays`
are operations on integer arrays that all rooms use. Nothing here knows of commits or queries.
"""

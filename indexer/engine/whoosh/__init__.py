"""What stock Whoosh needs to open and query a generation; Nutgraf's own search uses none of it.

`schema` gives the fields, analyzed as Nutgraf does, and the bytes of a commit's table of contents as Whoosh
reads it (`encode_toc`, which every commit calls). `codec` is how Whoosh reads our segments: their terms,
documents and columns, one object at a time. What comes in: entries of a commit and open segments of `read`.
Begin with `codec.ColumnarSegment`, which Whoosh finds in the table of contents.
"""

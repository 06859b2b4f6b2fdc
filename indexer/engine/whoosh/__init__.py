"""What stock Whoosh needs to open and query a generation; nothing else.

`schema` names the fields and analyses as Nutgraf does, `codec` gives Whoosh our segments, `readers` are its
readers on top of them.
"""

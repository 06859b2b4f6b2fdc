"""Generations of an index on the disk, and everything that changes them.

An index folder has generations side by side, each a Whoosh index, and a pointer to the live one:
`generations` finds, makes and removes them, under the lock of `lock`. `reader` opens the live one for
searching. `update` changes it (sync, put, remove, forget), `build` makes a new one beside it and switches to
it, `progress` says how far that is. `diagnose` says what is wrong with an index, `repair` mends it, `verify`
compares it with its sources.

What comes in: a configuration, articles, sources. What goes out: reports, and states that were on the disk
before they became visible. Begin with `generations`, then `update`.
"""

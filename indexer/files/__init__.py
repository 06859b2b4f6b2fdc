"""Files: the lowest room. What it opens is what was meant, and what it writes survives a power cut.

`names` has the names of an index's files. `regular` opens regular files only, so that a pipe or a device
cannot hold a process up, and raises StorageFailed where the system refuses for the moment. `source_file`
opens a file of a source step by step, so that no link leads out of it. `storage` writes and syncs what an
index is made of. `fork_safe` has locks and values that a forked process finds as new.

Paths come in, open files and bytes go out. Nothing here knows what an article is. Begin with `regular`.
"""

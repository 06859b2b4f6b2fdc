"""Safe access to files: the room that all others may use.

`names` has the names of an index's files. `regular` opens regular files only, so that a pipe or a device
cannot block the process; its context manager `readable` turns errors of the system into StorageFailed.
`source_file` opens a file of a source folder by folder, so that no link leads out of the source where the
system allows that. `storage` writes files durably and syncs them. `fork_safe` has locks that a forked
process can use.

Nothing here knows what an article is; only `errors` is imported. Begin with `regular`.
"""

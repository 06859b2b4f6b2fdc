"""Files: safe access to the disk, for all other packages.

Paths and bytes come in; opened files and durable files go out. An error of the system becomes StorageFailed,
which says what to do; a damaged index becomes IndexDamaged.

    regular       opens regular files only, so that a pipe or a device cannot block the process
    source_file   opens the files of a source, so that no link leads out of it
    storage       writes files durably, renames and removes them
    names         the names of an index's files
    fork_safe     locks that are usable in a forked process
    threads       computes something in a thread, which goes on when nobody waits any longer

Nothing here knows what an article is; only `errors` is imported. Begin with `regular.open_regular` and
`storage.write_durably`.
"""

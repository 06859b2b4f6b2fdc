"""Files: safe access to the disk, for all other packages.

Paths and bytes come in; opened files and durable files go out. An error of the system becomes StorageFailed,
which says what to do; a damaged index becomes IndexDamaged.

    regular       opens regular files only, so that a pipe or a device cannot block the process
    source_file   opens the files of a source, so that no link leads out of it
    storage       writes files durably, renames and removes them
    names         the names of an index's files
    fork_safe     locks that are usable in a forked process

Nothing here knows what an article is; only `errors` is imported. Begin with `regular.open_regular` and
`storage.write_durably`.
"""

from indexer.files.fork_safe import Lock, lazy
from indexer.files.regular import (
    NotRegular,
    check_regular,
    create_regular,
    no_space_error,
    open_regular,
    translate_read_errors,
)
from indexer.files.source_file import LEADS_OUT, open_file, read_whole, source_path
from indexer.files.storage import (
    discard,
    folder_size,
    make_folder,
    read_index_file,
    rename,
    sync_folder,
    translate_index_errors,
    translate_write_errors,
    write_durably,
    write_new,
)

__all__ = [
    "LEADS_OUT",
    "Lock",
    "NotRegular",
    "check_regular",
    "create_regular",
    "discard",
    "folder_size",
    "lazy",
    "make_folder",
    "no_space_error",
    "open_file",
    "open_regular",
    "read_index_file",
    "read_whole",
    "rename",
    "source_path",
    "sync_folder",
    "translate_index_errors",
    "translate_read_errors",
    "translate_write_errors",
    "write_durably",
    "write_new",
]

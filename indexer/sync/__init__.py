"""Sync: from a source, a folder of documents, to the changes that bring an index up to date.

`listing` walks a source and gives its files with their stamps (size and times). `plan` compares a listing
with the `catalog`, which says what each file was when it was last read, and gives a step for each file.
`apply` carries the steps out: it reads new and changed files, brings the catalog up to date and hands changed
articles to a sink. `guards` refuses a sync after which too much of a source would be gone.

Files are read in worker processes, because a damaged document may take any time and memory. `tasks` is what a
worker does, from a file to gathered articles; `worker_pool` starts the workers and gives their results in
order. `report` has what a caller is told: counts, failures, progress.

The sources, the catalog of the last commit and a sink come in; a changed catalog and a report go out. Nothing
here opens an index or takes its lock. Begin with `plan`, then `apply`.

Rooms above enter by the names below, by `catalog`, a module of its own, and by `apply.run`, which is not
among the names because it loads the readers and the worker pool.
"""

from indexer.sync.catalog import Catalog
from indexer.sync.guards import held, refuse_shrunk
from indexer.sync.listing import Listing, list_source, look_at
from indexer.sync.report import Change, Progress, Silence, SyncReport, never

__all__ = [
    "Catalog",
    "Change",
    "Listing",
    "Progress",
    "Silence",
    "SyncReport",
    "held",
    "list_source",
    "look_at",
    "never",
    "refuse_shrunk",
]

"""Sync: from a source, a folder of documents, to the changes that bring an index up to date.

`listing` walks a source and gives its files with their stamps: size and times; `exclusions` leaves out those
that match a pattern. `plan` compares a listing with the `catalog`, which has the stamp of each file when it
was last read and the articles that came from it; the plan is the state of each file (new, unchanged, changed,
missing, …). `apply` carries the plan out: it reads new and changed files, updates the catalog and gives
changed articles to a sink. `guards` refuses a sync that would remove too much of a source. `aliases` keeps
the ids that articles had before. `options` has the options of a sync, and its progress.

Files are read in worker processes, because a damaged document may take any time and memory. `tasks` divides
files into tasks and reads them into gathered articles; `worker` does the reading in a process of its own,
under limits; `worker_pool` starts the workers and gives their results in order.

The sources, the catalog of the last commit and a sink come in; a changed catalog and a report go out. Nothing
here opens an index or takes its lock. Begin with `plan`, then `apply`.

Packages above enter by the names below, which are loaded when they are first used, by `catalog`, a module of
its own, and by `apply.sync_sources`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from indexer.sync.catalog import Catalog, Entry, FileState, Stamp

__all__ = [
    "IGNORE_FILE",
    "Catalog",
    "Entry",
    "FileState",
    "Listing",
    "Progress",
    "Silence",
    "Stamp",
    "SyncOptions",
    "carry_aliases",
    "check_source",
    "default_id",
    "list_source",
    "refuse_shrunk",
]

if TYPE_CHECKING:
    from indexer.sync.aliases import carry_aliases
    from indexer.sync.exclusions import IGNORE_FILE
    from indexer.sync.guards import refuse_shrunk
    from indexer.sync.listing import Listing, check_source, list_source
    from indexer.sync.options import Progress, Silence, SyncOptions
    from indexer.sync.plan import default_id
else:

    def __getattr__(name: str) -> Any:
        """Load what a sync needs, and a search does not, when it is first used."""
        modules = {
            "aliases": ("carry_aliases",),
            "exclusions": ("IGNORE_FILE",),
            "guards": ("refuse_shrunk",),
            "listing": ("Listing", "check_source", "list_source"),
            "options": ("Progress", "Silence", "SyncOptions"),
            "plan": ("default_id",),
        }
        for module, names in modules.items():
            if name in names:
                return getattr(import_module(f"{__name__}.{module}"), name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

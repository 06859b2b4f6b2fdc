"""What commands share: their common options, the index that they mean, and its progress bar."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from indexer.config import PROCESSES, load_config

if TYPE_CHECKING:
    from indexer.index import Index

index_option = click.option(
    "--index",
    type=click.Path(path_type=Path),
    help="The folder of the index (default: index_data, or as configured).",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
lock_option = click.option(
    "--lock-timeout", type=float, metavar="SECONDS", help="How long to wait for another writer."
)
mass_delete_option = click.option(
    "--allow-mass-delete",
    is_flag=True,
    help="Let a source lose all or most of its articles, or a folder that still exists all of its articles.",
)
jobs_option = click.option(
    "--jobs", type=click.IntRange(min=0), help="How many processes read files (default: one for each core)."
)
processes_option = click.option(
    "--processes",
    type=click.IntRange(0, PROCESSES),
    help="How many processes answer (default: one for each core, four at most).",
)
memory_option = click.option(
    "--max-memory",
    "max_memory_mb",
    type=click.IntRange(min=1),
    metavar="MB",
    help="About how much memory the writer may take (default: 512).",
)


def opened(**options: Any) -> Index:
    """The index, as configured and with these options."""
    from indexer.index import open_index

    return open_index(load_config(**options))


def shown_progress() -> Any:
    """A progress bar on a terminal, and nothing elsewhere."""
    if not sys.stderr.isatty():
        return nullcontext(None)
    from indexer.cli.progress import Bar

    return Bar()

"""The options that commands share, and how a command opens its index."""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from indexer.config import load_config
from indexer.limits import PROCESSES
from indexer.search.request import FILTERS

if TYPE_CHECKING:
    from indexer.index import Index

index_option = click.option(
    "--index",
    # Text, as an address would lose a slash as a path.
    type=click.Path(),
    metavar="PATH",
    help="The folder of the index, or its address on OpenSearch (default: index_data, or as configured).",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object, errors included.")
lock_option = click.option(
    "--lock-timeout", type=float, metavar="SECONDS", help="How long to wait for another writer."
)
mass_delete_option = click.option(
    "--allow-mass-delete",
    is_flag=True,
    help="Let a source lose most or all of its articles.",
)
jobs_option = click.option(
    "--jobs", type=click.IntRange(min=0), help="How many processes read files (default: one per core)."
)
processes_option = click.option(
    "--processes",
    type=click.IntRange(0, PROCESSES),
    help="How many processes answer (default: one per core, four at most).",
)
meaning_option = click.option(
    "--meaning",
    type=click.FloatRange(0, 1),
    metavar="SHARE",
    help="How much the meaning counts, from 0 (only words) to 1, if the index has vectors (default: 0.4, or "
    "as configured).",
)
memory_option = click.option(
    "--max-memory",
    "max_memory_mb",
    type=click.IntRange(min=1),
    metavar="MB",
    help="About how much memory the writer may use (default: 512).",
)


embed_option = click.option(
    "--embed", is_flag=True, help="Then make vectors of what is new, as `nutgraf embed` does."
)


def add_filter_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add an option for each filter of a search to a command."""
    for name, kind in reversed([*FILTERS.items()]):
        option = (
            click.option(f"--{name}", is_flag=True, help=kind.description)
            if kind.is_flag
            # Without the flag there is no filter: an empty list would find nothing.
            else click.option(
                f"--{name}",
                multiple=True,
                metavar="VALUE",
                help=kind.description,
                callback=lambda _, __, values: values or None,
            )
        )
        command = option(command)
    return command


restriction_option = click.option(
    "--filter",
    "filters",
    multiple=True,
    metavar="NAME=VALUE",
    callback=lambda _, __, pairs: _read_filters(pairs),
    help=f"Show only articles that pass a filter ({', '.join(FILTERS)}); of several values, any will do.",
)


def _read_filters(pairs: tuple[str, ...]) -> dict[str, list[str] | bool]:
    """The filters of flags such as source=wire, or undated, which has no value."""
    values: dict[str, list[str]] = {}
    for name, has_value, value in (pair.partition("=") for pair in pairs):
        if has_value:
            values.setdefault(name, []).append(value)
    return {**values, **{pair: True for pair in pairs if "=" not in pair}}


def open_configured(**options: Any) -> Index:
    """Open the index as configured, with these options, until the command ends."""
    # Imported here because --help and usage errors do not need the engine. Imports make many objects and no
    # garbage, so that looking for garbage meanwhile would only take time.
    gc.disable()
    try:
        from indexer.index import open_index
    finally:
        gc.enable()
    index = open_index(load_config(**options))
    # A cluster would keep a point in time for another half a minute.
    click.get_current_context().call_on_close(index.close)
    return index

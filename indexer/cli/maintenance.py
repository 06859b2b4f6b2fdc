"""The commands that inspect and repair an index (status, verify and doctor), and the one for the cache."""

from __future__ import annotations

import click

from indexer.cli.options import (
    index_option,
    json_option,
    lock_option,
    mass_delete_option,
    open_configured,
)
from indexer.cli.progress import show_progress
from indexer.cli.render import print_diagnosis, print_result, print_status, print_verification
from indexer.errors import StorageFailed


@click.command()
@index_option
@json_option
def status(index: str | None, as_json: bool) -> int:
    """Say what the index holds."""
    print_result(open_configured(index=index).get_status(), print_status, as_json=as_json)
    return 0


@click.command()
@index_option
@click.option("--deep", is_flag=True, help="Also read all sources again, and name what differs.")
@json_option
def verify(index: str | None, deep: bool, as_json: bool) -> int:
    """Read the whole index, and compare it with its checksums and its parts with each other.

    Exit code 5, and one line that names the file and the place in it, if anything was altered; with --deep,
    1 if the index differs from its sources. Vectors that are damaged are listed, with exit code 1: the index
    answers without them, and `nutgraf embed` makes them again.
    """
    archive = open_configured(index=index)
    with show_progress() as progress:
        found = archive.verify(deep=deep, progress=progress)
    print_result(found, print_verification, as_json=as_json)
    return 1 if found.differences else 0


@click.command()
@index_option
@click.option("--fix", is_flag=True, help="Repair what can be repaired.")
@mass_delete_option
@lock_option
@json_option
def doctor(
    index: str | None, fix: bool, allow_mass_delete: bool, as_json: bool, **options: float | None
) -> int:
    """Find the problems of the index, and say how to repair them.

    With --fix, an index that is damaged, outdated or was made with other options is rebuilt from its sources;
    meanwhile searches are answered from the newest intact generation. The only copy of anything is kept. With
    --allow-mass-delete, missing sources are skipped. A model in the configuration is tried with one word,
    which a service then gets.

    Exit code 5 if it is damaged, 4 if it is locked, 1 if anything else is wrong.
    """
    archive = open_configured(index=index, **options)
    if fix:
        with show_progress() as progress:
            found = archive.repair(allow_mass_delete=allow_mass_delete, progress=progress)
    else:
        found = archive.diagnose()
    print_result(found, print_diagnosis, as_json=as_json)
    kinds = {finding.kind for finding in found.findings}
    return 5 if "damaged" in kinds else 4 if "locked" in kinds else 1 if kinds else 0


@click.group()
def cache() -> None:
    """Manage what is kept in the user's cache folder, outside of the index.

    It is what takes long to load from libraries: the model that detects languages, unpacked (50 MB), and the
    names of months. It is made when it is first needed.
    """


@cache.command()
def clear() -> None:
    """Remove the cache. It is made again when it is needed."""
    from indexer.files.cache import clear_cache, find_cache

    folder = find_cache()
    try:
        size = clear_cache()
    except OSError as error:
        problem = f"{folder} cannot be removed ({error.strerror}): give the user who runs this permission to"
        raise StorageFailed(problem) from error
    click.echo(f"{folder}: {size / 1e6:,.0f} MB removed")

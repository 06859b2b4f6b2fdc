"""The commands that look after an index: status, verify and doctor."""

from __future__ import annotations

from pathlib import Path

import click

from indexer.cli.options import (
    index_option,
    json_option,
    lock_option,
    mass_delete_option,
    opened,
    shown_progress,
)
from indexer.cli.render import print_checked, print_diagnosis, print_json, print_manifest, print_status


@click.command()
@index_option
@json_option
def status(index: Path | None, as_json: bool) -> int:
    """Say what the index holds."""
    found = opened(index=index).status()
    if as_json:
        print_json(found.as_json())
        return 0
    print_status(found)
    return 0


@click.command()
@index_option
@click.option("--deep", is_flag=True, help="Read all sources and articles anew, too, and name what differs.")
@json_option
def verify(index: Path | None, deep: bool, as_json: bool) -> int:
    """Read the whole index, compare it with its checksums and its parts with each other.

    Exit code 5 and one line that names the file and the place when anything was altered; with --deep, 1 when
    the index differs from its sources.
    """
    if deep:
        return _verify_deep(index, as_json)
    found = opened(index=index).verify()
    if as_json:
        print_json(found.as_json())
    else:
        print_checked(found)
    return 0


def _verify_deep(index: Path | None, as_json: bool) -> int:
    archive = opened(index=index)
    with shown_progress() as progress:
        found = archive.manifest(progress)
    if as_json:
        print_json(found.as_json())
    else:
        print_manifest(found)
    return 1 if found.differences else 0


@click.command()
@index_option
@click.option("--fix", is_flag=True, help="Mend what can be mended.")
@mass_delete_option
@lock_option
@json_option
def doctor(
    index: Path | None, fix: bool, allow_mass_delete: bool, as_json: bool, **limits: float | None
) -> int:
    """Say what is wrong with the index, and what will mend it.

    With --fix, it is made anew from its sources where it is damaged, outdated or was made with other options;
    searches are answered meanwhile by the newest generation that is whole. The only copy of anything stays.
    With --allow-mass-delete, sources that are gone are done without.

    Exit code 5 when it is damaged, 4 when it is locked, 1 when anything else is wrong.
    """
    archive = opened(index=index, **limits)
    with shown_progress() as progress:
        found = archive.doctor(fix=fix, allow_mass_delete=allow_mass_delete, progress=progress)
    if as_json:
        print_json(found.as_json())
    else:
        print_diagnosis(found)
    kinds = {finding.kind for finding in found.findings}
    return 5 if "damaged" in kinds else 4 if "locked" in kinds else 1 if kinds else 0

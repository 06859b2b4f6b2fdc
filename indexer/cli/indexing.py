"""The commands that change an index: index, rebuild and forget."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from indexer.cli.options import (
    index_option,
    jobs_option,
    json_option,
    lock_option,
    mass_delete_option,
    memory_option,
    open_configured,
)
from indexer.cli.progress import show_progress
from indexer.cli.render import print_json, print_report, sanitize
from indexer.cli.signals import stop_on_interrupt
from indexer.errors import NutgrafError, SourceShrunk
from indexer.results import describe_kinds

if TYPE_CHECKING:
    from indexer.results import SyncReport

SKIPPED = 3
INTERRUPTED = 130
_FLAG = "with --allow-mass-delete"

_sources_argument = click.argument(
    "sources", nargs=-1, type=click.Path(path_type=Path), metavar="[SOURCE]..."
)


@click.command()
@_sources_argument
@index_option
@click.option("--dry-run", is_flag=True, help="Say what would be done, and why; write nothing.")
@mass_delete_option
@jobs_option
@memory_option
@lock_option
@json_option
def index(
    sources: tuple[Path, ...],
    index: Path | None,
    dry_run: bool,
    allow_mass_delete: bool,
    as_json: bool,
    **options: float | None,
) -> int:
    """Bring the index up to date with its sources.

    SOURCE is a folder of articles, or a file (default: those that the index has and those configured; if
    there are none, seeds). New files are added, changed ones indexed again, missing ones removed, in one
    commit.

    Ctrl-C commits what was read until then; a second Ctrl-C commits nothing.
    """
    archive = open_configured(index=index, **options)
    with show_progress() as progress, stop_on_interrupt() as stop, _name_the_flag():
        report = archive.sync(
            *sources, dry_run=dry_run, allow_mass_delete=allow_mass_delete, progress=progress, stop=stop
        )
    return finish(report, as_json=as_json)


@click.command()
@_sources_argument
@index_option
@mass_delete_option
@jobs_option
@memory_option
@lock_option
@json_option
def rebuild(
    sources: tuple[Path, ...],
    index: Path | None,
    allow_mass_delete: bool,
    as_json: bool,
    **options: float | None,
) -> int:
    """Rebuild the whole index from its sources, and switch to it when it has passed a check.

    SOURCE adds a folder or file to the sources that the index has. Searches are answered meanwhile; the
    previous generation is kept. With --allow-mass-delete, missing sources are skipped.
    """
    archive = open_configured(index=index, **options)
    with show_progress() as progress, _name_the_flag():
        report = archive.rebuild(*sources, allow_mass_delete=allow_mass_delete, progress=progress)
    return finish(report, as_json=as_json)


@click.command()
@click.argument("source", type=click.Path(path_type=Path))
@index_option
@lock_option
@json_option
def forget(source: Path, index: Path | None, as_json: bool, **options: float | None) -> int:
    """Remove a source from the index, with its articles, in one commit.

    SOURCE is as `nutgraf status` names it; it may be missing, and its files are not touched. An index that
    cannot be changed (it has an older format, or is damaged) is rebuilt from its other sources.
    """
    return finish(open_configured(index=index, **options).forget(source), as_json=as_json)


def finish(report: SyncReport, *, as_json: bool = False, to_err: bool = False) -> int:
    """Print what was done, and what was skipped; returns the exit code."""
    if as_json:
        print_json(report.as_json())
    else:
        print_report(report, to_err=to_err)
    messages = [f"{source} is missing: it was removed from the index" for source in report.without]
    if report.kinds_not_read:
        messages.append(describe_kinds(report.kinds_not_read))
    messages += [f"skipped {failure.path}: {failure.reason}" for failure in report.failed]
    code = SKIPPED if report.failed else 0
    if report.refused:
        messages.append(f"this would be refused: {report.refused} {_FLAG}")
        code = NutgrafError.exit_code
    elif report.interrupted:
        messages.append("interrupted; what was read is kept, the next run reads the rest")
        code = INTERRUPTED
    for message in messages:
        click.echo(f"nutgraf: {sanitize(message)}", err=True)
    return code


@contextmanager
def _name_the_flag() -> Iterator[None]:
    """End the message of SourceShrunk with the flag that allows a mass delete."""
    try:
        yield
    except SourceShrunk as error:
        raise SourceShrunk(f"{error} {_FLAG}") from error

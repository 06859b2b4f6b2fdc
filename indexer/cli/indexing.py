"""The commands that change an index: index, watch, rebuild and forget."""

from __future__ import annotations

import signal
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from indexer.cli.embedding import Embedding, check_model, embed_all, finish_embedding
from indexer.cli.options import (
    embed_option,
    index_option,
    jobs_option,
    json_option,
    lock_option,
    mass_delete_option,
    memory_option,
    open_configured,
)
from indexer.cli.progress import show_progress
from indexer.cli.render import (
    describe_kinds,
    name_error,
    print_embedding,
    print_error,
    print_json,
    print_report,
    sanitize,
)
from indexer.cli.signals import INTERRUPTED, stop_on_interrupt
from indexer.errors import NutgrafError, SourceShrunk

if TYPE_CHECKING:
    from indexer.article import Failure
    from indexer.reports import SyncReport

SKIPPED = 3
_FLAG = "with --allow-mass-delete"
_OF_INDEX = "with `nutgraf index --allow-mass-delete`"
_ENDING = "ending; press Ctrl-C again to discard what is being read"

_sources_argument = click.argument(
    "sources", nargs=-1, type=click.Path(path_type=Path), metavar="[SOURCE]..."
)


@click.command()
@_sources_argument
@index_option
@click.option("--dry-run", is_flag=True, help="Say what would be done, and why; write nothing.")
@mass_delete_option
@embed_option
@jobs_option
@memory_option
@lock_option
@json_option
def index(
    sources: tuple[Path, ...],
    index: str | None,
    dry_run: bool,
    allow_mass_delete: bool,
    embed: bool,
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
    if embed:
        if dry_run:
            raise click.UsageError("--embed cannot be used with --dry-run, which writes nothing")
        check_model(archive)
    with show_progress() as progress, stop_on_interrupt() as stop, _name_the_flag():
        report = archive.sync(
            *sources, dry_run=dry_run, allow_mass_delete=allow_mass_delete, progress=progress, stop=stop
        )
    if not embed or report.interrupted:
        return finish(report, as_json=as_json)
    if as_json:
        embedding = embed_all(archive)
        print_json(report.as_json() | {"embed": embedding.as_json()})
        code = finish_sync(report)
    else:
        code = finish(report)
        embedding = embed_all(archive)
        print_embedding(embedding)
    return finish_embedding(embedding) or code


@click.command()
@_sources_argument
@index_option
@click.option(
    "--poll",
    type=float,
    metavar="SECONDS",
    help="List the sources every so often, for file systems that report no changes (network shares).",
)
@embed_option
@jobs_option
@memory_option
@lock_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line for each batch.")
def watch(
    sources: tuple[Path, ...],
    index: str | None,
    poll: float | None,
    embed: bool,
    as_json: bool,
    **options: float | None,
) -> int:
    """Bring the index up to date now, and whenever its sources change.

    SOURCE is as for `index`. What changes at about the same time is one batch: one commit, and one line that
    says what was done. A source that is missing, or has lost most of its articles, is said and left as it is;
    watching goes on. So does it when a batch fails, which is tried again. Needs the extra: pip install
    'nutgraf[watch]'.

    Ctrl-C, or SIGTERM, commits what was read until then; a second one commits nothing.
    """
    archive = open_configured(index=index, **options)
    if embed:
        check_model(archive)
    said: set[Failure] = set()
    with show_progress() as progress, stop_on_interrupt(signal.SIGTERM, message=_ENDING) as stop:
        embedding = Embedding(archive, stop, as_json=as_json) if embed else None
        for outcome in archive.watch(*sources, poll=poll, progress=progress, stop=stop):
            if progress:
                progress.clear()
            if isinstance(outcome, NutgrafError):
                message = f"{outcome} {_OF_INDEX}" if isinstance(outcome, SourceShrunk) else str(outcome)
                print_error(name_error(outcome), message, as_json=as_json, is_line=True)
                continue
            if embedding:
                embedding.request()
            if as_json:
                print_json(outcome.as_json(), is_line=True)
            else:
                print_report(outcome, to_err=True)
                new = [failure for failure in outcome.failed if failure not in said]
                said.update(new)
                for message in _describe_skipped(new):
                    click.echo(f"nutgraf: {sanitize(message)}", err=True)
        if embedding:
            embedding.wait()
    # An administrator who ends a service gets no error.
    return 0 if stop.number == signal.SIGTERM else INTERRUPTED


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
    index: str | None,
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
def forget(source: Path, index: str | None, as_json: bool, **options: float | None) -> int:
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
    return finish_sync(report)


def finish_sync(report: SyncReport) -> int:
    """Say what was skipped; returns the exit code."""
    messages = [f"{source} is missing: it was removed from the index" for source in report.without]
    if report.kinds_not_read:
        messages.append(describe_kinds(report.kinds_not_read))
    messages += _describe_skipped(report.failed)
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


def _describe_skipped(failures: Iterable[Failure]) -> list[str]:
    return [f"skipped {failure.path}: {failure.reason}" for failure in failures]


@contextmanager
def _name_the_flag() -> Iterator[None]:
    """End the message of SourceShrunk with the flag that allows a mass delete."""
    try:
        yield
    except SourceShrunk as error:
        raise SourceShrunk(f"{error} {_FLAG}") from error

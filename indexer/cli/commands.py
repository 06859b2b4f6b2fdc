"""The command line: each command is one call of the library, and what it gave.

Data goes to standard output, progress and reports of trouble to standard error. Exit codes: 0 done, 1 error,
2 usage, 3 finished but some files were skipped, 4 the index is locked, 5 the index is damaged, 130
interrupted.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from indexer.cli.interrupt import interruption
from indexer.cli.maintenance import doctor, status, verify
from indexer.cli.options import (
    index_option,
    jobs_option,
    json_option,
    lock_option,
    mass_delete_option,
    memory_option,
    opened,
    processes_option,
    shown_progress,
)
from indexer.cli.render import (
    plain,
    print_json,
    print_page,
    print_report,
)
from indexer.cli.streams import ReaderGone, prepare
from indexer.errors import ConfigError, NutgrafError, SourceShrunk

if TYPE_CHECKING:
    from indexer.sync import SyncReport

SKIPPED = 3
INTERRUPTED = 130
_FLAG = "with --allow-mass-delete"
# What this machine is called from within.
LOCAL_NAMES = ("localhost", "127.0.0.1", "[::1]")

_file = click.Path(exists=True, dir_okay=False, path_type=Path)
_sources_argument = click.argument(
    "sources", nargs=-1, type=click.Path(path_type=Path), metavar="[SOURCE]..."
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]}, invoke_without_command=True)
@click.version_option(package_name="nutgraf", prog_name="nutgraf")
@click.pass_context
def cli(context: click.Context) -> None:
    """Full-text search over a folder of dated articles that lands on the paragraph.

    Options are also read from nutgraf.toml in the working directory and from NUTGRAF_* in the environment.
    """
    if context.invoked_subcommand is None:
        # Before click 8.2, a missing command is no error.
        click.echo(context.get_help(), err=True)
        context.exit(2)


@cli.command()
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
    **limits: float | None,
) -> int:
    """Bring the index in step with its sources.

    SOURCE is a folder of articles, or a file (default: seeds, or as configured). What is new is added, what
    changed is indexed again, what is gone is removed, in one commit.

    Ctrl-C commits what was read until then, and a second one nothing.
    """
    archive = opened(index=index, **limits)
    with shown_progress() as progress, interruption() as stop, _naming_the_flag():
        report = archive.sync(
            *sources, dry_run=dry_run, allow_mass_delete=allow_mass_delete, progress=progress, stop=stop
        )
    return _tell(report, as_json)


@cli.command()
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
    **limits: float | None,
) -> int:
    """Make the whole index anew from its sources, beside the live one, and go over to it when it is good.

    SOURCE adds a folder or file to the sources that the index has. Searches are answered all the while; the
    generation before is kept. With --allow-mass-delete, sources that are gone are done without.
    """
    archive = opened(index=index, **limits)
    with shown_progress() as progress, _naming_the_flag():
        report = archive.rebuild(*sources, allow_mass_delete=allow_mass_delete, progress=progress)
    return _tell(report, as_json)


@cli.command()
@click.argument("source", type=click.Path(path_type=Path))
@index_option
@lock_option
@json_option
def forget(source: Path, index: Path | None, as_json: bool, **limits: float | None) -> int:
    """Do without a source from now on: its articles leave the index, in one commit.

    SOURCE is as `nutgraf status` names it; it need not be there any more, and its files are not touched. An
    index in which nothing can be changed (an older format, damage) is made anew from its other sources.
    """
    return _tell(opened(index=index, **limits).forget(source), as_json)


@cli.command()
@click.argument("query", nargs=-1, required=True)
@index_option
@click.option("--after", metavar="DATE", help="Only articles from this year, month or day on.")
@click.option("--before", metavar="DATE", help="Only articles before this year, month or day.")
@click.option("--source", multiple=True, metavar="NAME", help="Only articles of this source (or of several).")
@click.option("--site", multiple=True, metavar="HOST", help="Only articles of this site and its subdomains.")
@click.option("--language", multiple=True, metavar="CODE", help="Only articles in this language.")
@click.option("--undated", is_flag=True, help="Only articles without a date.")
@click.option(
    "--sort",
    type=click.Choice(["relevance", "newest", "oldest", "title"]),
    default="relevance",
    show_default=True,
)
@click.option("--half-life", type=float, metavar="DAYS", help="Halve scores with every so many days of age.")
@click.option("--limit", type=click.IntRange(min=0), help="How many hits to show.")
@click.option("--offset", type=click.IntRange(min=0), default=0, help="How many hits to pass over first.")
@click.option(
    "--fold/--no-fold", default=True, help="Near-duplicates as one hit, or each by itself (default: as one)."
)
@click.option("--cursor", metavar="TEXT", help="Go on after a page: its cursor, as --json gives it.")
@click.option(
    "--facet",
    "facets",
    multiple=True,
    type=click.Choice(["year", "month", "day", "source", "site", "language"]),
    help="Count the hits of each year, source … (may be given several times).",
)
@click.option("--timeline", is_flag=True, help="Show the hits over time.")
@click.option(
    "--by",
    type=click.Choice(["auto", "day", "week", "month", "year"]),
    default="auto",
    show_default=True,
    help="What a line of the timeline stands for.",
)
@click.option("--seconds", type=float, help="How long it may take (default: 1).")
@click.option("--explain", is_flag=True, help="Say how the query was read, and how each score comes about.")
@json_option
def search(
    query: tuple[str, ...], index: Path | None, timeline: bool, by: str, as_json: bool, **asked: Any
) -> int:
    """Search the index. All words are wanted, in any form; any text is a QUERY.

    \b
    "a phrase"  "words near"~3  a NEAR/5 b      in order; up to 3 apart; in any order
    a OR b  a AND b  NOT a  -a  +a  (a OR b) c  without a; with a common word
    =word  ="a phrase"                          as written, in no other form
    prefix*  wom?n  *ology  word~  word~2       patterns; words that are spelt nearly so
    word^2  "a phrase"^1.5                      counts more
    title:word  text:word                       in the title; in the text
    date:2021  date:2021-03..2021-05            also "nov 2021", "last week", yesterday
    after:2021-11  before:2022  until:2021-05   from then on; before; up to and with
    lang:en  site:example.org  source:a.txt  id:a1

    Put -- before a QUERY that begins with a minus sign.
    """
    archive = opened(index=index)
    page = archive.search(" ".join(query), timeline=by if timeline else None, **asked)
    if as_json:
        print_json(page.as_json())
    else:
        print_page(page)
        if asked["cursor"] and page.cursor:
            click.echo(f"\nmore: --cursor {page.cursor}")
    return 0


@cli.command()
@index_option
@click.option("--host", help="The address to listen at (default: 127.0.0.1).")
@click.option("--port", type=click.IntRange(0, 65535), help="The port; 0 takes a free one (default: 8765).")
@click.option("--allow-remote", is_flag=True, help="Serve at an address that other machines can reach.")
@processes_option
def serve(index: Path | None, allow_remote: bool, **given: Any) -> int:
    """Serve the search page and the JSON API.

    Each request is a line of JSON on standard error, without what was searched for (option log_queries).
    Unless --allow-remote, only requests to a name of this machine are answered (option trusted_hosts).

    When there is no index yet, it is made from the configured sources (default: seeds) first.
    """
    # The one place where the library reaches up to the web: the site loads only when it is served.
    from webui import create_app
    from webui.server import serve as run

    archive = opened(index=index)
    code = 0
    if not archive.exists:
        with shown_progress() as progress:
            report = archive.sync(progress=progress)
        code = _tell(report, as_json=False, to_err=True)
    config = archive.config.with_options(given, "command line")
    if not config.trusted_hosts and not allow_remote:
        # Else a page from elsewhere, whose name is made to mean this machine, could read the archive.
        named = f"[{config.host}]" if ":" in config.host else config.host
        config = config.with_options({"trusted_hosts": (*LOCAL_NAMES, named)}, "command line")
    run(
        create_app(config),
        config.host,
        config.port,
        allow_remote=allow_remote,
        announce=lambda address: click.echo(f"Serving on {address} (stop with Ctrl-C)"),
        processes=config.processes,
        log_queries=config.log_queries,
    )
    return code


@cli.command()
@index_option
@click.option(
    "--site", metavar="URL", help="The address of the search page, for links that people can follow."
)
def mcp(index: Path | None, site: str | None) -> int:
    """Serve the index to an AI agent, over standard input and output (Model Context Protocol).

    Read-only tools: search, read_article, timeline, verify_quote. Needs the extra: pip install
    'nutgraf[mcp]'.
    """
    try:
        from indexer.integrations.mcp_server import serve as run
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("mcp", "pydantic"):
            raise
        raise ConfigError(
            f"mcp: the official SDK of the Model Context Protocol is wanted, {error.name} was not found: "
            "pip install 'nutgraf[mcp]'"
        ) from error
    run(opened(index=index), site)
    return 0


@cli.command(name="eval")
@click.argument("judgments", type=_file)
@index_option
@click.option(
    "--record",
    is_flag=False,
    flag_value="",
    metavar="[FILE]",
    help="Write the figures for later runs (default: JUDGMENTS.figures.json).",
)
@click.option(
    "--against",
    type=_file,
    help="Recorded figures to compare with (default: JUDGMENTS.figures.json, if any).",
)
@click.option(
    "--tolerance",
    type=click.FloatRange(min=0),
    default=0.001,
    show_default=True,
    help="By how much a figure may fall below the recorded one.",
)
@click.option("--verbose", is_flag=True, help="Print each query's figures, and what it missed.")
@json_option
def evaluate(
    judgments: Path,
    index: Path | None,
    record: str | None,
    against: Path | None,
    tolerance: float,
    verbose: bool,
    as_json: bool,
) -> int:
    """Measure the ranking: nDCG@10, mean reciprocal rank and recall@100 of the index for your own queries.

    JUDGMENTS has a query, an article's id and a gain (0: no answer) a line, between tabs; # begins a remark.
    Exit code 1 when a figure is lower than the recorded one.
    """
    from indexer.cli import judgments as tests

    wanted = tests.read_judgments(judgments)
    beside = judgments.with_name(f"{judgments.name}.figures.json")
    found = tests.measure(opened(index=index, passages=0), wanted)
    before = against or (beside if record is None and beside.exists() else None)
    comparison = tests.compare(found, before, tolerance) if before else None
    if record is not None:
        tests.record(found, Path(record) if record else beside)
    if as_json:
        print_json(found.as_json() | {"comparison": comparison.as_json() if comparison else None})
    else:
        for line in tests.lines(found, verbose=verbose):
            click.echo(plain(line))
    for line in tests.warnings(found, comparison, verbose=verbose):
        click.echo(f"nutgraf: {plain(line)}", err=True)
    return 1 if comparison and comparison.fallen else 0


for _command in (status, verify, doctor):
    cli.add_command(_command)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and leave with its exit code."""
    prepare()
    sys.exit(run_cli(arguments))


def run_cli(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code. Errors of Nutgraf's are one line, others keep a trace."""
    # A file name or a title need not be printable in the terminal's encoding.
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        code = cli.main(args=arguments, prog_name="nutgraf", standalone_mode=False) or 0
        sys.stdout.flush()
    except ReaderGone:
        return 0
    except NutgrafError as error:
        click.echo(f"nutgraf: {plain(str(error))}", err=True)
        return error.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("nutgraf: interrupted; nothing of the last batch was kept", err=True)
        return INTERRUPTED
    return int(code)


@contextmanager
def _naming_the_flag() -> Iterator[None]:
    """Let the message of SourceShrunk end with the flag that allows a mass delete."""
    try:
        yield
    except SourceShrunk as error:
        raise SourceShrunk(f"{error} {_FLAG}") from error


def _tell(report: SyncReport, as_json: bool, *, to_err: bool = False) -> int:
    if as_json:
        print_json(report.as_json())
    else:
        print_report(report, to_err=to_err)
    for source in report.without:
        click.echo(f"nutgraf: {plain(source)} is gone, and the index does without it from now on", err=True)
    for failure in report.failed:
        click.echo(f"nutgraf: skipped {plain(failure.path)}: {plain(failure.reason)}", err=True)
    if report.refused:
        click.echo(f"nutgraf: this would be refused: {plain(report.refused)} {_FLAG}", err=True)
        return NutgrafError.exit_code
    if report.interrupted:
        click.echo("nutgraf: interrupted; what was read is kept, the next run reads the rest", err=True)
        return INTERRUPTED
    return SKIPPED if report.failed else 0

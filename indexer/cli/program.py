"""The program `nutgraf`: the group of all commands, and how errors are reported.

Data goes to standard output, progress and messages to standard error; with --json, an error is the JSON on
standard output: {"error": {"code": …, "message": …}}. Exit codes: 0 done, 1 error, 2 usage, 3 finished but
some files were skipped, 4 the index is locked, 5 the index is damaged, 130 interrupted.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import NoReturn

import click

from indexer.cli.embedding import embed
from indexer.cli.exporting import copy, export
from indexer.cli.indexing import forget, index, rebuild, watch
from indexer.cli.maintenance import cache, doctor, status, verify
from indexer.cli.render import name_error, print_error
from indexer.cli.searching import evaluate, search
from indexer.cli.serving import mcp, serve
from indexer.cli.signals import INTERRUPTED
from indexer.cli.streams import OutputFailed, ReaderGone, prepare_streams
from indexer.errors import ConfigError, InvalidRequest, NutgrafError


@click.group(context_settings={"help_option_names": ["-h", "--help"]}, invoke_without_command=True)
@click.version_option(package_name="nutgraf", prog_name="nutgraf")
@click.pass_context
def cli(context: click.Context) -> None:
    """Full-text search over a folder of dated articles that lands on the paragraph.

    Options are also read from nutgraf.toml in the working directory and from NUTGRAF_* in the environment.
    """
    if context.invoked_subcommand is None:
        # Before click 8.2, a missing command is not an error.
        click.echo(context.get_help(), err=True)
        context.exit(2)


for _command in (
    index, watch, rebuild, forget, embed, status, verify, doctor, search, export, copy, evaluate, serve, mcp,
    cache,
):  # fmt: skip
    cli.add_command(_command)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit with its code."""
    # Keeps NumPy from starting threads for linear algebra, which is not used here.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    prepare_streams()
    sys.exit(run_cli(arguments))


def run_cli(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code. Only unexpected errors are raised."""
    # The encoding of the terminal may lack characters of file names and titles.
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    words = list(sys.argv[1:] if arguments is None else arguments)
    as_json = "--json" in words[: words.index("--") if "--" in words else None]
    try:
        try:
            code = cli.main(args=words, prog_name="nutgraf", standalone_mode=False) or 0
        except OutputFailed:
            raise
        except NutgrafError as error:
            if isinstance(error, (ConfigError, InvalidRequest)):
                error = error.rename_field(_find_flags(words))
            print_error(name_error(error), str(error), as_json=as_json)
            code = error.exit_code
        except click.ClickException as error:
            if as_json:
                print_error("usage", error.format_message(), as_json=True)
            else:
                error.show()
            code = error.exit_code
        except (click.Abort, KeyboardInterrupt):
            print_error("interrupted", "interrupted; nothing of the last batch was kept", as_json=as_json)
            code = INTERRUPTED
        sys.stdout.flush()
    except ReaderGone:
        return 0
    except OutputFailed as error:
        print_error(name_error(error), str(error), as_json=False)
        return error.exit_code
    return int(code)


def _find_flags(words: Sequence[str]) -> dict[str, str]:
    """Return the flags of the command that was typed, by the names that the library has for them."""
    command = next((cli.commands[word] for word in words if word in cli.commands), cli)
    return {
        option.name or "": option.opts[0] for option in command.params if isinstance(option, click.Option)
    }

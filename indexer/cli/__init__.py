"""The command line: `nutgraf`.

`commands` has the commands that search, index and serve, `maintenance` those that look after an index.
`options` has what they share, `render` prints results and reports, `progress` is the bar on a terminal.
`streams` decides what a full or closed standard stream does, `interrupt` what Ctrl-C does. `judgments` is
behind `nutgraf eval`.

Arguments come in, each command makes one call of the library, and text or JSON goes out. Begin with
`commands`.
"""

from indexer.cli.commands import cli, main, run_cli

__all__ = ["cli", "main", "run_cli"]

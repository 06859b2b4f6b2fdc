"""The command line: `nutgraf`.

`commands` has the commands that change, search and serve an index, `maintenance` those that inspect and
repair it. `options` has what they share, `render` prints results and reports, `progress` is the bar on a
terminal. `streams` handles a standard stream that is full, closed or read no more, `interrupt` handles
Ctrl-C. `judgments` measures the ranking for `nutgraf eval`.

Arguments come in, a command calls `indexer.index`, and text or JSON goes out. Begin with `commands`.
"""

from indexer.cli.commands import cli, main, run_cli

__all__ = ["cli", "main", "run_cli"]

"""The command line: `nutgraf`.

`program` has the group of all commands, and turns errors into a message and an exit code. The commands are in
`indexing` (those that change an index), `embedding` (embed), `maintenance` (status, verify, doctor, cache),
`searching` (search, eval), `exporting` (export) and `serving` (the site, and MCP). `options` has the options
that they share, `render` prints results.

`progress` is the bar on a terminal, `signals` handles Ctrl-C, `streams` standard streams that are full or
closed. `judgments` measures the ranking for `nutgraf eval`.

Arguments come in, a command calls one method of `indexer.index`, and text or JSON goes out. Begin with
`program`.
"""

from indexer.cli.program import cli, main, run_cli

__all__ = ["cli", "main", "run_cli"]

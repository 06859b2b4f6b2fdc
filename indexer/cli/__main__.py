"""`python -m indexer.cli` is the command `nutgraf`."""

from indexer.cli import main

main()

"""`python -m indexer` is the command `nutgraf`."""

from indexer.cli import main

main()

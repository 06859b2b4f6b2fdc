"""How far a sync is: what follows it while it reads files."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Follows a sync while it reads files."""

    def start(self, files: int, size: int) -> None:
        """Reading begins, of `files` files with `size` bytes together."""

    def advance(self, size: int) -> None:
        """One more file is done, of `size` bytes."""


class Silence:
    """Progress that shows nothing."""

    def start(self, files: int, size: int) -> None:
        """Show nothing."""

    def advance(self, size: int) -> None:
        """Show nothing."""

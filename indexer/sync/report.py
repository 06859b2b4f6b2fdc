"""What a sync tells its caller: the report at its end, and progress while it runs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import msgspec

from indexer.article import Failure


class Progress(Protocol):
    """Follows a sync while it reads files."""

    def start(self, files: int, size: int) -> None:
        """Reading begins: so many files, of so many bytes together."""

    def advance(self, size: int) -> None:
        """One more file is done, of so many bytes."""


class Silence:
    """Progress that shows nothing."""

    def start(self, files: int, size: int) -> None:
        """Show nothing."""

    def advance(self, size: int) -> None:
        """Show nothing."""


def never() -> bool:
    """The default for `stop`: a sync reads all files."""
    return False


@dataclass(frozen=True, slots=True)
class Change:
    """What was done with one article, or would be done (in a dry run), and why."""

    action: Literal["add", "change", "remove"]
    id: str
    path: str
    why: str


@dataclass(slots=True)
class SyncReport:
    """What a sync did: counts of articles, and everything that could not be read.

    `changes` lists the articles that were added, changed and removed. With `dry_run` nothing was written, and
    `refused` gives the reason if a real sync would raise SourceShrunk. `interrupted` is set when the caller
    stopped the sync before all files were read: nothing was removed, and the next sync reads the rest.
    `without` are missing sources that a rebuild was allowed to drop from the index.
    """

    added: int = 0
    changed: int = 0
    removed: int = 0
    unchanged: int = 0
    files: int = 0
    failed: list[Failure] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    seconds: float = 0.0
    dry_run: bool = False
    refused: str = ""
    interrupted: bool = False
    without: list[str] = field(default_factory=list)

    def record(self, action: Literal["add", "change", "remove"], name: str, path: str, why: str) -> None:
        """Count and list one change."""
        self.changes.append(Change(action, name, path, why))
        if action == "add":
            self.added += 1
        elif action == "change":
            self.changed += 1
        else:
            self.removed += 1

    def as_json(self) -> dict[str, Any]:
        """The report as `nutgraf index --json` prints it."""
        return {**msgspec.to_builtins(self), "seconds": round(self.seconds, 3)}

"""What a sync tells: its report, and its progress while it goes on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from indexer.article import Failure


class Progress(Protocol):
    """Told about long work as it goes on."""

    def start(self, files: int, size: int) -> None:
        """So many files, of so many bytes, are about to be read."""

    def advance(self, size: int) -> None:
        """One more file, of so many bytes, is done."""


class Silence:
    """Progress that nobody watches."""

    def start(self, files: int, size: int) -> None:
        """Say nothing."""

    def advance(self, size: int) -> None:
        """Say nothing."""


def never() -> bool:
    """Nobody wants a sync to end before all is read."""
    return False


@dataclass(frozen=True, slots=True)
class Change:
    """What was done, or with a dry run would be done, with one article, and why."""

    action: Literal["add", "change", "remove"]
    id: str
    path: str
    why: str


@dataclass(slots=True)
class SyncReport:
    """What a sync did: counts of articles, and everything that could not be read.

    `changes` lists the articles that were added, changed and removed. With `dry_run` nothing was written, and
    `refused` says why a real sync would refuse to (SourceShrunk), if it would. `interrupted` when not all
    files were read, because the caller wanted an end: nothing was removed, and the rest is for the next sync.
    `without` are sources that are gone and that a rebuild was told to do without: the index has them no more.
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
        """Count one change."""
        self.changes.append(Change(action, name, path, why))
        if action == "add":
            self.added += 1
        elif action == "change":
            self.changed += 1
        else:
            self.removed += 1

    def as_json(self) -> dict[str, Any]:
        """The report as `nutgraf index --json` gives it."""
        return {
            "added": self.added,
            "changed": self.changed,
            "removed": self.removed,
            "unchanged": self.unchanged,
            "files": self.files,
            "failed": [{"path": failure.path, "reason": failure.reason} for failure in self.failed],
            "changes": [{"action": c.action, "id": c.id, "path": c.path, "why": c.why} for c in self.changes],
            "seconds": round(self.seconds, 3),
            "dry_run": self.dry_run,
            "refused": self.refused,
            "interrupted": self.interrupted,
            "without": self.without,
        }

"""Reports on an index: its status, and what a sync, a check, a diagnosis or an embedding pass has found."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from msgspec import Struct, field, to_builtins

from indexer.article import Failure
from indexer.fields import FieldType
from indexer.files.names import printable_path
from indexer.results import Result

__all__ = [
    "Building",
    "Change",
    "Diagnosis",
    "Difference",
    "EmbedReport",
    "Finding",
    "Status",
    "SyncReport",
    "VectorStatus",
    "Verification",
]


class Status(Result, frozen=True):
    """The status of an index: what it holds. Sizes are bytes; times are ISO 8601 in UTC."""

    path: str
    generation: str
    articles: int
    paragraphs: int
    undated: int
    first: str | None
    last: str | None
    size: int
    committed: str
    languages: dict[str, int]
    sources: tuple[str, ...]
    failures: tuple[Failure, ...] = ()
    kinds_not_read: dict[str, int] = field(default_factory=dict)
    """How many files of the sources, and of archives in them, are of kinds that are not read, by suffix; and
    what else containers have besides their records, such as "drafts"."""
    damage: str | None = None
    """The damage of the live generation if searches are answered from the one before it; else None."""
    libraries: dict[str, str] = field(default_factory=dict)
    """The versions of the stemmer and of the Unicode tables that made the index; empty if unknown."""
    library_changes: str | None = None
    """Which of them are of another version in this program: words may not be found until a rebuild."""
    fields: dict[str, FieldType] = field(default_factory=dict)
    """The custom fields that it was made with."""
    vectors: VectorStatus | None = None
    """How much can be found by its meaning; None without a model in the configuration."""


class VectorStatus(Result, frozen=True):
    """How much of an index can be found by its meaning.

    `model` is the one of the configuration, and `paragraphs` of `of_paragraphs` have a vector of it; the
    title of an article without paragraphs counts as one.
    `dimensions` is None while no paragraph has one. `problem` says why the model cannot be used, if it
    cannot: searches are answered by words alone then. A restricted view gives the last part of the model's
    name or address only, and says of a problem only that there is one.
    """

    model: str
    paragraphs: int
    of_paragraphs: int
    dimensions: int | None = None
    problem: str = ""


class EmbedReport(Result, frozen=True):
    """Counts of paragraphs: `embedded` by the model, and `reused` with the vector of the same text.

    `refused` are paragraphs whose text the model refuses; they are found by their words alone, and it is not
    asked for them again. `unchanged` had a vector, or were refused, already; `remaining` have none yet, if it
    was `interrupted` or the model failed, and `failure` says why. The title of an article without paragraphs
    counts as a paragraph.
    """

    embedded: int = 0
    reused: int = 0
    refused: int = 0
    unchanged: int = 0
    remaining: int = 0
    seconds: float = 0.0
    interrupted: bool = False
    failure: str = ""


class Change(Result, frozen=True):
    """What was done with one article, or would be done (in a dry run), and why."""

    action: Literal["add", "change", "remove"]
    id: str
    path: str
    why: str


class SyncReport(Struct):
    """What a sync did: counts of articles, and everything that could not be read.

    `changes` lists the articles that were added, changed and removed. With `dry_run` nothing was written, and
    `refused` gives the reason if a real sync would raise SourceShrunk. `interrupted` is set when the caller
    stopped the sync before all files were read: nothing was removed, and the next sync reads the rest.
    `without` are missing sources that a rebuild was allowed to drop from the index. `kinds_not_read` counts
    files of kinds that are not read, by suffix, also in archives, and what else containers have besides their
    records, such as "drafts".
    """

    added: int = 0
    changed: int = 0
    removed: int = 0
    unchanged: int = 0
    files: int = 0
    failed: list[Failure] = []
    changes: list[Change] = []
    seconds: float = 0.0
    dry_run: bool = False
    refused: str = ""
    interrupted: bool = False
    without: list[str] = []
    kinds_not_read: dict[str, int] = field(default_factory=dict)

    def record(self, action: Literal["add", "change", "remove"], name: str, path: str, why: str) -> None:
        """Count and list one change."""
        self.changes.append(Change(action, name, printable_path(path), why))
        if action == "add":
            self.added += 1
        elif action == "change":
            self.changed += 1
        else:
            self.removed += 1

    def as_json(self) -> dict[str, Any]:
        """Return the report as every other result is returned."""
        return dict(to_builtins(self))


def add_counts(counts: dict[str, int], more: Mapping[str, int]) -> None:
    """Add to counts, in place."""
    for name, count in more.items():
        counts[name] = counts.get(name, 0) + count


class Building(Result, frozen=True):
    """A build that goes on: what it has read of what it is to read, and the articles that came of it."""

    files: int
    of_files: int
    size: int
    of_size: int
    articles: int
    since: float
    """When it began: seconds since 1970."""

    @property
    def share(self) -> float | None:
        """How much has been read, from 0 to 1; None while that is not known yet."""
        return min(self.size / self.of_size, 1.0) if self.of_size else None

    def __str__(self) -> str:
        return f"{self.files:,} of {self.of_files:,} files read, {self.articles:,} articles so far"


Kind = Literal[
    "missing",
    "building",
    "damaged",
    "system",
    "outdated",
    "options",
    "libraries",
    "locked",
    "leftovers",
    "source",
    "vectors",
    "disk",
]


class Finding(Result, frozen=True):
    """One thing that is wrong, in a sentence, and what will repair it."""

    kind: Kind
    what: str
    remedy: str


class Diagnosis(Result, frozen=True):
    """Everything that is wrong with an index, the worst first, and what was done to repair it.

    `answers` is the generation that answers searches: the live one, the previous one, or None. It may be
    damaged where searches do not read it, or have not yet.
    """

    path: str
    answers: str | None
    findings: tuple[Finding, ...] = ()
    done: tuple[str, ...] = ()
    kinds_not_read: dict[str, int] = field(default_factory=dict)
    """How many files of the sources, and of archives in them, are of kinds that are not read, by suffix; and
    what else containers have besides their records, such as "drafts"."""

    @property
    def is_well(self) -> bool:
        """Whether nothing is wrong."""
        return not self.findings

    def __str__(self) -> str:
        """What is wrong, in one sentence."""
        if not self.findings:
            return f"All is well with the index in {self.path}."
        first, *others = self.findings
        more = f" ({len(others)} more)" if others else ""
        return f"{first.what.removesuffix('.')}{more}."


class Difference(Result, frozen=True):
    """Something in which an index differs from its sources; `place` is a path or the id of an article.

    The kind `vectors` is a file with vectors that is damaged, which no search by words needs.
    """

    kind: Literal["missing", "new", "changed", "derived", "stored", "version", "vectors"]
    place: str
    what: str


class Verification(Result, frozen=True):
    """What was compared to verify an index, and what differs.

    `articles`, `paragraphs` and `size` (bytes) count what was read of the index, `files` the source files
    that it was made from. `digest` (SHA-256, hexadecimal) stands for all that it was made from: the digest of
    each source file and article, and the versions of the programs that read and analysed them.

    `sources_digest` is the same of the sources as they are now, which equals `digest` if nothing differs;
    None, and no `differences` other than those of vectors, if the sources were not read.
    """

    generation: str
    articles: int
    paragraphs: int
    files: int
    size: int
    digest: str
    sources_digest: str | None = None
    differences: tuple[Difference, ...] = ()

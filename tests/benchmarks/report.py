"""What was measured, as Markdown tables."""

from __future__ import annotations

import os
import platform
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version

from tests.benchmarks.building import BuildFigures
from tests.benchmarks.corpus import Extent
from tests.benchmarks.engines import Engine
from tests.benchmarks.measure import QueryFigures, overall
from tests.benchmarks.project import Rows
from tests.benchmarks.queries import Kind

_BUILD = ("build", "MB/s of text", "wall, s", "CPU, s", "peak memory, MB", "of that private", "on disk, MB")


@dataclass(slots=True)
class Report:
    """One run. Parts that were not run are empty."""

    command: str
    corpus: str
    extent: Extent
    engines: Sequence[Engine]
    builds: list[BuildFigures] = field(default_factory=list)
    queries: list[QueryFigures] = field(default_factory=list)
    project: Rows = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    def markdown(self) -> str:
        """The tables, with what must be known to read them."""
        libraries = dict.fromkeys(engine.library for engine in self.engines)
        versions = [f"python {platform.python_version()}", *map(_versioned, libraries)]
        parts = [
            f"`{self.command}`, {datetime.now(UTC).date()}, {os.cpu_count()} cores. "
            f"Corpus {self.corpus}: {self.extent}. {', '.join(versions)}."
        ]
        if self.builds:
            parts.append(_table(_BUILD, [_build_row(build) for build in self.builds]))
        if self.queries:
            parts += [self._queries(), self._processors()]
        if self.project:
            parts.append(_table(("Nutgraf", "measured"), self.project))
        if remarks := self._remarks():
            parts.append("\n".join(f"- {remark}" for remark in remarks))
        return "\n\n".join(parts) + "\n"

    def _queries(self) -> str:
        cells = {(figures.kind, figures.engine): figures for figures in self.queries}
        rows = [
            [kind, *(_cell(cells.get((kind, one.name)), one, kind) for one in self.engines)]
            for kind in self._kinds()
        ]
        highest = overall(self.queries)
        most = [f"{highest[one.name]:.3g}" if one.name in highest else "–" for one in self.engines]
        rows.append(["highest p99 of its classes", *most])
        names = [engine.name for engine in self.engines]
        return _table(["median / p99, ms (times the first's median)", *names], rows)

    def _processors(self) -> str:
        cells = {(figures.kind, figures.engine): figures for figures in self.queries}
        rows = [
            [kind, *(_cpu_cell(cells.get((kind, one.name))) for one in self.engines)]
            for kind in self._kinds()
        ]
        names = [engine.name for engine in self.engines]
        return _table(["CPU of a question, ms (of which servers)", *names], rows)

    def _kinds(self) -> list[Kind]:
        return list(dict.fromkeys(figures.kind for figures in self.queries))

    def _remarks(self) -> list[str]:
        remarks = list(self.remarks)
        for engine in self.engines:
            for kind in self._kinds():
                if kind in engine.lacks:
                    remarks.append(f"{engine.name}, {kind}: –, {engine.lacks[kind]}.")
                elif kind in engine.remarks:
                    remarks.append(f"{engine.name}, {kind}: {engine.remarks[kind]}.")
        for figures in self.queries:
            if figures.answered < 1:
                what = f"{figures.answered:.0%} of the questions found something"
                remarks.append(f"{figures.engine}, {figures.kind}: {what}.")
        return remarks


def _build_row(build: BuildFigures) -> list[str]:
    return [
        build.engine,
        f"{build.mb_per_second:.2f}",
        f"{build.seconds:.3g}",
        f"{build.cpu:.3g}",
        f"{build.peak_mb:.0f}",
        f"{build.private_mb:.0f}",
        f"{build.disk_mb:.1f}",
    ]


def _cell(figures: QueryFigures | None, engine: Engine, kind: Kind) -> str:
    if not figures:
        return "–"
    ratio = "" if figures.ratio is None or figures.ratio == 1 else f" (×{figures.ratio:.3g})"
    mark = "*" if kind in engine.remarks else ""
    return f"{figures.median_ms:.3g} / {figures.p99_ms:.3g}{ratio}{mark}"


def _cpu_cell(figures: QueryFigures | None) -> str:
    if not figures:
        return "–"
    servers = f" ({figures.server_ms:.3g})" if figures.server_ms else ""
    return f"{figures.cpu_ms:.3g}{servers}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---", *("---:" for _ in head[1:])], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _versioned(library: str) -> str:
    try:
        return f"{library} {sqlite3.sqlite_version if library == 'sqlite3' else version(library)}"
    except PackageNotFoundError:
        return f"{library} unknown"

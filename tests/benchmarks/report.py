"""What was measured, as JSON and as Markdown tables."""

from __future__ import annotations

import json
import os
import platform
import sqlite3
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from tests.benchmarks.building import BuildFigures
from tests.benchmarks.corpus import Extent
from tests.benchmarks.engines import Engine
from tests.benchmarks.measure import QueryFigures, overall
from tests.benchmarks.queries import Kind
from tests.benchmarks.serving import ColdFigures, HttpFigures
from tests.benchmarks.upkeep import UpkeepFigures


@dataclass(slots=True)
class Report:
    """One run. Parts that were not run are empty."""

    command: str
    corpus: str
    extent: Extent
    engines: Sequence[Engine]
    builds: list[BuildFigures] = field(default_factory=list)
    queries: list[QueryFigures] = field(default_factory=list)
    upkeep: UpkeepFigures | None = None
    cold: ColdFigures | None = None
    http: HttpFigures | None = None
    remarks: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """Everything: seconds, ms, MB (millions of bytes)."""
        upkeep = {**asdict(self.upkeep), "ratio": self.upkeep.ratio} if self.upkeep else None
        facts = {
            "date": datetime.now(UTC).date().isoformat(),
            "command": self.command,
            "machine": {"cores": os.cpu_count(), "architecture": platform.machine()},
            "versions": {"python": platform.python_version(), **_versions(self.engines)},
            "corpus": {"name": self.corpus, **asdict(self.extent)},
            "builds": [asdict(build) for build in self.builds],
            "queries": [asdict(figures) for figures in self.queries],
            "highest_p99_ms": overall(self.queries),
            "lacks": {
                engine.name: dict(engine.lacks) for engine in self.engines if engine.searches and engine.lacks
            },
            "upkeep": upkeep,
            "cold": asdict(self.cold) if self.cold else None,
            "http": asdict(self.http) if self.http else None,
            "remarks": self._all_remarks(),
        }
        rounded: dict[str, Any] = _rounded(facts)
        return rounded

    def markdown(self) -> str:
        """The tables, with what must be known to read them."""
        facts = self.as_json()
        versions = ", ".join(f"{name} {number}" for name, number in facts["versions"].items())
        parts = [
            f"`{self.command}`, {facts['date']}, {facts['machine']['cores']} cores. "
            f"Corpus {self.corpus}: {self.extent}. {versions}."
        ]
        if self.builds:
            parts.append(self._builds())
        if self.queries:
            parts.append(self._queries())
        if self.upkeep or self.cold or self.http:
            parts.append(self._project())
        if remarks := facts["remarks"]:
            parts.append("\n".join(f"- {remark}" for remark in remarks))
        return "\n\n".join(parts) + "\n"

    def _builds(self) -> str:
        rows = [
            [
                build.engine,
                f"{build.mb_per_second:.2f}",
                f"{build.seconds:.3g}",
                f"{build.cpu:.3g}",
                f"{build.peak_mb:.0f}",
                f"{build.private_mb:.0f}" if build.private_mb else "–",
                f"{build.disk_mb:.1f}",
            ]
            for build in self.builds
        ]
        head = "build|MB/s of text|wall, s|CPU, s|peak memory, MB|of that private|on disk, MB"
        return _table(head.split("|"), rows)

    def _queries(self) -> str:
        cells = {(figures.kind, figures.engine): figures for figures in self.queries}
        kinds = list(dict.fromkeys(figures.kind for figures in self.queries))
        asked = [engine for engine in self.engines if engine.searches]
        rows = [
            [kind.label, *(_cell(cells.get((kind, one.name)), one, kind) for one in asked)] for kind in kinds
        ]
        highest = overall(self.queries)
        most = [f"{highest[one.name]:.3g}" if one.name in highest else "–" for one in asked]
        rows.append(["highest p99 of its classes", *most])
        names = [engine.name for engine in asked]
        return _table(["median / p99, ms (times the first's median)", *names], rows)

    def _project(self) -> str:
        rows = []
        if up := self.upkeep:
            rows += [
                [f"{up.files:,} text files, first sync", f"{up.first:.1f} s"],
                ["nothing changed, `Index.sync`", f"{_ms(up.unchanged)}, {up.ratio:.2f} times a bare walk"],
                ["… a bare walk with stat", _ms(up.walk)],
                ["… `nutgraf index` from a shell", _ms(up.unchanged_command)],
                ["… Python with a bare walk from a shell", _ms(up.walk_command)],
                ["one file changed, until a search finds it", _ms(up.changed)],
                ["… `nutgraf index` from a shell", _ms(up.changed_command)],
            ]
        if cold := self.cold:
            rows += [
                ["`nutgraf search word` from a shell", f"{_ms(cold.seconds)}, at worst {_ms(cold.worst)}"],
                ["… Python that does nothing", _ms(cold.python)],
            ]
        if http := self.http:
            rows += [
                [
                    f"`GET /api/search`, {http.connections} connections",
                    f"{http.requests_per_second:.0f}/s, median {http.median_ms:.1f} ms, "
                    f"p99 {http.p99_ms:.1f} ms, {http.failed} failed",
                ],
                [
                    "… memory of the server",
                    f"{http.private_mb:.0f} MB private, {http.total_mb:.0f} MB with files",
                ],
            ]
        return _table(["Nutgraf", "measured"], rows)

    def _all_remarks(self) -> list[str]:
        remarks = list(self.remarks)
        kinds = list(dict.fromkeys(figures.kind for figures in self.queries))
        for engine in self.engines:
            if not engine.searches:
                continue
            for kind in kinds:
                if kind in engine.lacks:
                    remarks.append(f"{engine.name}, {kind.label}: –, {engine.lacks[kind]}.")
                elif kind in engine.remarks:
                    remarks.append(f"{engine.name}, {kind.label}: {engine.remarks[kind]}.")
        for figures in self.queries:
            if figures.answered < 1:
                what = f"{figures.answered:.0%} of the questions found something"
                remarks.append(f"{figures.engine}, {figures.kind.label}: {what}.")
        return remarks


def _cell(figures: QueryFigures | None, engine: Engine, kind: Kind) -> str:
    if not figures:
        return "–"
    ratio = "" if figures.ratio is None or figures.ratio == 1 else f" (×{figures.ratio:.3g})"
    mark = "*" if kind in engine.remarks else ""
    return f"{figures.median_ms:.3g} / {figures.p99_ms:.3g}{ratio}{mark}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---", *("---:" for _ in head[1:])], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if seconds >= 0.01 else f"{seconds * 1000:.1f} ms"


def _versions(engines: Sequence[Engine]) -> dict[str, str]:
    found = {}
    for name in dict.fromkeys(engine.library for engine in engines):
        try:
            found[name] = sqlite3.sqlite_version if name == "sqlite3" else version(name)
        except PackageNotFoundError:
            found[name] = "unknown"
    return found


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.4g}")
    if isinstance(value, dict):
        return {key: _rounded(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_rounded(inner) for inner in value]
    return value


def dump(report: Report) -> str:
    """The report as a JSON text."""
    return json.dumps(report.as_json(), ensure_ascii=False, indent=2) + "\n"

"""The engines that the contract tests run against: how an index of each is made and opened."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from indexer import Config, Index
from tests.contract.archive import TODAY


@dataclass(frozen=True)
class Engine:
    """An engine by its name, with the options of `Config` that choose it."""

    name: str
    options: Mapping[str, Any] = field(default_factory=dict)

    def open(self, folder: Path, **options: Any) -> Index:
        """The index in a folder, whether it has been made yet or not; it takes `TODAY` for today."""
        return Index(Config(index=folder, **self.options, **options), today=lambda: TODAY)


ENGINES = (Engine("whoosh"),)
"""A new engine is one more entry; tests that it cannot pass are marked with `differs`."""

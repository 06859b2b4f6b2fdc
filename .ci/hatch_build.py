"""The build hook that puts compiled translations into the wheel."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class CompileCatalogs(BuildHookInterface):
    """Adds a `.mo` beside each `.po` of the wheel; an editable install reads the `.po` itself."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        # Not in the source tree, where a compiled catalog would hide later changes of its source.
        self.compiled = TemporaryDirectory()
        if version == "editable":
            return
        for source in Path(self.root).glob("webui/translations/*/LC_MESSAGES/messages.po"):
            name = source.relative_to(self.root).with_suffix(".mo")
            target = Path(self.compiled.name) / name
            target.parent.mkdir(parents=True)
            with source.open("rb") as texts, target.open("wb") as file:
                write_mo(file, read_po(texts, abort_invalid=True))
            build_data["force_include"][str(target)] = name.as_posix()

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        self.compiled.cleanup()

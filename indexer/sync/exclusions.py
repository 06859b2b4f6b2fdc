"""The exclusion of files from a source: by patterns of its configuration, and by files `.nutgrafignore`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from indexer.sources import Source, compile_patterns

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

IGNORE_FILE = ".nutgrafignore"
"""The name of a file whose lines are patterns for the folder that it lies in."""


class Exclusions:
    """Decides which files of a source are excluded, as git does by `.gitignore`.

    Unlike git, a file in an excluded folder may be included again, since the folder is walked to count what
    is in it.
    """

    def __init__(self, source: Source) -> None:
        self._include, self._exclude = compile_patterns(source.include), compile_patterns(source.exclude)
        self._by_folder: dict[str, GitIgnoreSpec] = {}

    def add_patterns(self, folder: str, lines: Iterable[str]) -> None:
        """Add patterns for a folder: by its path below the source, which ends with a slash or is empty.

        Raises ValueError if one cannot be used.
        """
        if patterns := compile_patterns(lines):
            self._by_folder[folder] = patterns

    def __bool__(self) -> bool:
        """Whether there are any patterns."""
        return bool(self._include or self._exclude or self._by_folder)

    def exclude(self, path: str) -> bool:
        """Whether the file at a path below the source is excluded, or the folder if it ends with a slash."""
        if self._include and not path.endswith("/") and not self._include.match_file(path):
            return True
        if self._exclude and self._exclude.match_file(path):
            return True
        folder = path
        while folder and self._by_folder:
            # The patterns of the nearest folder decide, and among them the last that matches.
            folder = folder[: folder.rstrip("/").rfind("/") + 1]
            patterns = self._by_folder.get(folder)
            if patterns and (decision := patterns.check_file(path[len(folder) :]).include) is not None:
                return decision
        return False

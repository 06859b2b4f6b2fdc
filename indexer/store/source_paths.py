"""Which sources an index has: those that a caller names, and those of its catalog that are available."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from indexer.config import Config
from indexer.errors import SourceMissing
from indexer.sync import Catalog, check_source

_DEFAULT_SOURCE = Path("seeds")
SourcePath = str | os.PathLike[str]


def resolve_sources(config: Config, sources: Iterable[SourcePath], known: Iterable[str] = ()) -> list[Path]:
    """Return the absolute paths of the given sources; if none are, of all that are known or configured.

    A source may be given by its name in the configuration, unless there is such a path. `known` are those of
    the index. If there is none at all, the source is `seeds` in the working directory.
    """
    chosen = [_path(config, source) for source in sources]
    chosen = chosen or [*config.sources, *map(Path, known)] or [_DEFAULT_SOURCE]
    return sorted({source.resolve() for source in chosen})


def refuse_overlaps(roots: Iterable[Path], catalog: Catalog) -> None:
    """Raise SourceMissing if a root contains, or lies in, another one or a source of the catalog."""
    every = {*roots, *map(Path, catalog.sources)}
    for root in roots:
        for other in every - {root}:
            if root.is_relative_to(other) or other.is_relative_to(root):
                outer, inner = sorted((root, other), key=lambda path: len(path.parts))
                raise SourceMissing(
                    f"{inner} lies in {outer}, which is a source too: name only one of them; "
                    "`nutgraf forget` removes one that the index has"
                )


def find_source(config: Config, source: SourcePath, catalog: Catalog) -> str:
    """Return the name under which the catalog has a source; raises SourceMissing if it has none."""
    for name in (str(source), str(_path(config, source).resolve())):
        if name in catalog.sources:
            return name
    known = ", ".join(sorted(catalog.sources)) or "none"
    raise SourceMissing(f"{source} is not a source of the index; its sources are {known}")


def available_sources(
    catalog: Catalog, rebuild_command: str, *, allow_missing: bool = False, can_forget: bool = False
) -> tuple[list[Path], tuple[str, ...]]:
    """Return the sources of a catalog that can be opened, and those that cannot.

    Raises SourceMissing if there are any of the latter, unless `allow_missing`. The message names
    `rebuild_command` as a way to drop their articles; and with `can_forget`, `nutgraf forget`.
    """
    available: list[Path] = []
    missing: dict[str, SourceMissing] = {}
    for source in sorted(catalog.sources):
        try:
            check_source(Path(source))
            available.append(Path(source))
        except SourceMissing as error:
            missing[source] = error
    if missing and not allow_missing:
        first, *others = missing
        more = f" (also missing: {', '.join(others)})" if others else ""
        forget = f"`nutgraf forget {first}` or " if can_forget and not others else ""
        raise SourceMissing(
            f"{missing[first]}{more}: mount or restore it, or drop its articles with "
            f"{forget}{rebuild_command}"
        ) from missing[first]
    return available, tuple(missing)


def _path(config: Config, source: SourcePath) -> Path:
    if not isinstance(source, (str, os.PathLike)):
        raise SourceMissing(
            f"a source must be a path, not {type(source).__name__}: pass each source as its own argument"
        )
    path, named = Path(source), config.named_sources.get(str(source))
    return named.path if named and not path.exists() else path

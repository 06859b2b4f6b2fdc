"""What a commit knows of its sources: every file's stamp, and the articles that came from it.

One file beside each commit of the Whoosh index, `catalog-<commit>.json`. Its first line holds what readers
need; the second what tells a writer that nothing has changed; the third everything.
"""

from __future__ import annotations

import gc
import json
import time
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import astuple

from indexer.article import Failure
from indexer.errors import IndexDamaged
from indexer.files.names import CATALOG, NEW
from indexer.files.regular import open_regular, readable
from indexer.files.storage import discard, stored, write_durably

_HINTS = ("size", "mtime_ns", "ctime_ns")
# File systems keep times in ticks; what was touched this recently may change again within the same tick.
_SETTLED_NS = 2_000_000_000


class Stamp(Struct, frozen=True, gc=False):
    """A source file as it was when it was read.

    Size and times are hints that it has not changed; the digest (SHA-256, hexadecimal) decides. The change
    time notices a file that was put back with an old date. A stamp taken while the file was still so young
    that another change could hide in the same clock tick has no times. A file that was not read to its end
    has no digest.
    """

    size: int
    mtime_ns: int
    ctime_ns: int
    sha256: str = ""

    def looks_like(self, other: Stamp) -> bool:
        """Whether the hints agree."""
        return (
            self.size == other.size
            and self.mtime_ns == other.mtime_ns
            and self.ctime_ns == other.ctime_ns
            and self.mtime_ns > 0
        )


def settled(stamp: Stamp, sha256: str) -> Stamp:
    """A stamp with its digest; without times while the file is too young to trust them."""
    young = time.time_ns() - max(stamp.mtime_ns, stamp.ctime_ns) < _SETTLED_NS
    return Stamp(stamp.size, 0 if young else stamp.mtime_ns, stamp.ctime_ns, sha256)


@dataclass(slots=True)
class Entry:
    """A source file: its stamp, the digest and language of each article by id, and what failed in it."""

    stamp: Stamp
    articles: dict[str, tuple[str, str]] = field(default_factory=dict)
    failures: list[tuple[str, str]] = field(default_factory=list)


@dataclass(slots=True)
class Catalog:
    """The sources of an index, by folder and by path below it, and the articles that an app put in."""

    committed: str = ""
    sources: dict[str, dict[str, Entry]] = field(default_factory=dict)
    apart: dict[str, tuple[str, str]] = field(default_factory=dict)
    limits: str = ""
    """What a file could take when the sources were last read."""

    def entries(self) -> Iterator[tuple[str, str, Entry]]:
        """Every file, as (source, path, entry)."""
        for source, files in self.sources.items():
            for path, entry in files.items():
                yield source, path, entry

    def go_by(self, limits: str) -> None:
        """Have files that were refused for what they take read again, if the limits were others then."""
        if self.limits != limits:
            self.limits = limits
            for _, _, entry in self.entries():
                if not entry.stamp.sha256:
                    entry.stamp = Stamp(entry.stamp.size, 0, 0)

    def state(self) -> dict[tuple[str, str], tuple[Stamp, tuple[tuple[str, str], ...]]]:
        """What is known of the files, but for their articles; for telling whether it has changed.

        A source without files has an entry, too.
        """
        files = {
            (source, path): (entry.stamp, tuple(entry.failures)) for source, path, entry in self.entries()
        }
        return files | {(source, ""): (Stamp(0, 0, 0, self.limits), ()) for source in self.sources}

    def owners(self) -> dict[str, tuple[str, str]]:
        """Where each article came from, by id: (source, path), or ("", "") when an app put it in."""
        places = dict.fromkeys(self.apart, ("", ""))
        for source, path, entry in self.entries():
            places.update(dict.fromkeys(entry.articles, (source, path)))
        return places

    def failures(self) -> tuple[Failure, ...]:
        """What could not be read when it was last tried."""
        return tuple(
            Failure(path, reason) for _, _, entry in self.entries() for path, reason in entry.failures
        )


@dataclass(frozen=True, slots=True)
class Summary:
    """The part of a catalog that readers need; `languages` counts articles, the most common first."""

    committed: str
    languages: dict[str, int]
    sources: tuple[str, ...]
    failures: tuple[Failure, ...]


@dataclass(frozen=True, slots=True)
class Hints:
    """The files of a source as they were, how many articles they have, and what failed.

    `stamps` are the sizes, the modification times and the change times, one of each path.
    """

    paths: list[str]
    stamps: list[list[int]]
    articles: int
    failures: tuple[Failure, ...]
    limits: str

    def fit(self, files: Mapping[str, Stamp], limits: str) -> bool:
        """Whether these are the same files under the same limits, none too young to be known by its times."""
        found = [files.get(path) for path in self.paths]
        # List by list: an object for each file that was known would take longer than all the rest.
        return (
            self.limits == limits
            and len(found) == len(files)
            and None not in found
            and min(self.stamps[1], default=1) > 0
            and [[getattr(stamp, name) for stamp in found] for name in _HINTS] == self.stamps
        )


def save(folder: Path, commit: int, catalog: Catalog) -> None:
    """Write a generation's catalog for a commit that is about to be made."""
    counts = Counter(language for _, language in catalog.apart.values())
    for _, _, entry in catalog.entries():
        counts.update(language for _, language in entry.articles.values())
    summary = {
        "committed": catalog.committed,
        # Ties by name, so that the same articles give the same order whatever their history.
        "languages": dict(sorted(counts.items(), key=lambda item: (-item[1], item[0]))),
        "sources": sorted(catalog.sources),
        "failures": [(failure.path, failure.reason) for failure in catalog.failures()],
    }
    whole = {
        "limits": catalog.limits,
        "apart": catalog.apart,
        "sources": {
            source: {path: [astuple(e.stamp), e.articles, e.failures] for path, e in files.items()}
            for source, files in catalog.sources.items()
        },
    }
    hints = {
        source: {
            "paths": list(files),
            "stamps": [[getattr(e.stamp, name) for e in files.values()] for name in _HINTS],
            "articles": sum(len(entry.articles) for entry in files.values()),
            "failures": [failure for entry in files.values() for failure in entry.failures],
            "limits": catalog.limits,
        }
        for source, files in catalog.sources.items()
    }
    parts = (summary, hints, whole)
    lines = [json.dumps(part, separators=(",", ":")).encode() for part in parts]
    # Each line with its CRC-32 before it.
    write_durably(_path(folder, commit), b"".join(b"%08x %s\n" % (zlib.crc32(line), line) for line in lines))


def tidy(folder: Path, commit: int) -> None:
    """Remove the catalogs of all commits but this one."""
    for path in folder.iterdir():
        if CATALOG.fullmatch(path.name.removesuffix(NEW)) and path != _path(folder, commit):
            discard(path)


def load_summary(folder: Path, commit: int) -> Summary:
    """What readers need to know of a commit; raises IndexDamaged or StorageFailed, as all that reads here."""
    with _reading(folder, commit) as path:
        line = _lines(path)[0]
        return Summary(
            committed=line["committed"],
            languages=dict(line["languages"]),
            sources=tuple(line["sources"]),
            failures=tuple(Failure(place, reason) for place, reason in line["failures"]),
        )


def load_hints(folder: Path, commit: int) -> dict[str, Hints]:
    """By source, what tells that nothing has changed; raises IndexDamaged."""
    with _reading(folder, commit) as path:
        return {
            source: Hints(
                known["paths"],
                known["stamps"],
                known["articles"],
                tuple(Failure(place, reason) for place, reason in known["failures"]),
                known.get("limits", ""),
            )
            for source, known in _lines(path, most=2)[1].items()
        }


def load(folder: Path, commit: int) -> Catalog:
    """The whole catalog of a commit; raises IndexDamaged."""
    with _reading(folder, commit) as path, _no_collection():
        summary, _, whole = _lines(path, most=3, is_all=True)
        return Catalog(
            committed=summary["committed"],
            sources={
                source: {
                    name: Entry(
                        Stamp(*stamp),
                        {article: (mark, language) for article, (mark, language) in articles.items()},
                        [(place, reason) for place, reason in failures],
                    )
                    for name, (stamp, articles, failures) in files.items()
                }
                for source, files in whole["sources"].items()
            },
            apart={name: (mark, language) for name, (mark, language) in whole["apart"].items()},
            limits=whole.get("limits", ""),
        )


def newest(folder: Path) -> int:
    """The highest commit that a generation has a catalog of; 0 when there is none."""
    with stored(folder):
        numbers = [int(match[1]) for path in folder.iterdir() if (match := CATALOG.fullmatch(path.name))]
    return max(numbers, default=0)


@contextmanager
def _no_collection() -> Iterator[None]:
    """Without looks for garbage: a catalog is made of many small objects, and none of it is garbage."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


@contextmanager
def _reading(folder: Path, commit: int) -> Iterator[Path]:
    path = _path(folder, commit)
    try:
        with readable(path):
            yield path
    except OSError as error:
        raise _damage_of(path, error.strerror or str(error)) from error
    except _Altered as error:
        raise _damage_of(path, str(error)) from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise _damage_of(path, "its contents make no sense") from error


class _Altered(Exception):
    """A catalog is not as it was written."""


def _damage_of(path: Path, reason: str) -> IndexDamaged:
    return IndexDamaged(
        f"{path} cannot be read ({reason}): run `nutgraf doctor --fix`, which goes by the generation "
        "before it"
    )


def _lines(path: Path, most: int = 1, *, is_all: bool = False) -> list[Any]:
    with open_regular(path) as file:
        found = [_checked(file.readline()) for _ in range(most)]
        if is_all and file.read(1):
            raise _Altered("it goes on after its end")
    return found


def _checked(line: bytes) -> Any:
    checksum, _, text = line.removesuffix(b"\n").partition(b" ")
    if not line.endswith(b"\n") or checksum != b"%08x" % zlib.crc32(text):
        raise _Altered("its checksum does not match")
    return json.loads(text)


def _path(folder: Path, commit: int) -> Path:
    return folder / f"catalog-{commit}.json"

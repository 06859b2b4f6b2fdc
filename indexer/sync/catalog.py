"""The catalog: what a commit knows of its sources, which is each file and the articles that came from it.

Beside each commit of the Whoosh index there is one file, `catalog-<commit>.json`. Its first line is the
summary that readers need; the second has the hints that show a writer that nothing has changed; the third has
everything. A line is a CRC-32 and JSON. If it is long, the JSON is compressed with Zstandard and encoded in
Base64.
"""

from __future__ import annotations

import gc
import json
import zlib
from base64 import b64decode, b64encode
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import chain
from operator import attrgetter
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import zstandard
from msgspec import Struct, convert, to_builtins

from indexer.article import Failure
from indexer.errors import RUN_DOCTOR, IndexDamaged
from indexer.files.names import CATALOG, NEW, printable_path
from indexer.files.regular import open_regular, translate_read_errors
from indexer.files.storage import discard, translate_index_errors, write_durably
from indexer.reports import add_counts

_TIMES = ("size", "mtime_ns", "ctime_ns")
_LINES = 3
# With some versions of msgspec, its errors are not ValueErrors.
_DECODING_ERRORS = (
    zstandard.ZstdError,
    msgspec.MsgspecError,
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
    RecursionError,
)
_LONG = 4096  # bytes of JSON from which a line is compressed
_MAX_RATIO = 256  # JSON to compressed bytes: a bound for the memory that an invalid catalog takes


@contextmanager
def pause_gc() -> Iterator[None]:
    """Pause the garbage collector while many objects are made: each of its passes looks at all of them."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


class FileState(StrEnum):
    """What a file of a source is to a sync.

    The catalog keeps how the file was last read: UNCHANGED if in full; CHANGED if in full, but so soon after
    it was written that its times might not show another change; PARTLY_READ without some of its articles, as
    another file has their ids or the sync was interrupted; REFUSED, or UNREADABLE; OUTDATED if the options of
    its source have changed since. For the states that a sync finds see `plan`; RENAMED is a new file with the
    content of a missing one.
    """

    NEW = "new"
    UNCHANGED = "unchanged"
    CHANGED = "changed"
    RENAMED = "renamed"
    PARTLY_READ = "partly read"
    REFUSED = "refused by a limit"
    OUTDATED = "read with other options"
    MISSING = "missing"
    UNREADABLE = "unreadable for now"


STABLE = frozenset({FileState.UNCHANGED, FileState.REFUSED})
"""States that last while a file's size and times stay the same; in the others it is read with each sync."""


class Stamp(Struct, frozen=True, gc=False, array_like=True):
    """A source file as it was when it was read.

    Size and times are hints that it has not changed; the digest (SHA-256, hexadecimal) decides. The change
    time shows that a file was restored with an old date. A file that was not read in full has no digest.
    """

    size: int
    mtime_ns: int
    ctime_ns: int
    sha256: str = ""

    def matches(self, other: Stamp) -> bool:
        """Whether size and times are the same."""
        return (self.size, self.mtime_ns, self.ctime_ns) == (other.size, other.mtime_ns, other.ctime_ns)


class Entry(Struct, array_like=True):
    """A source file: the digest and language of each article by id; path and reason of each failure.

    `article_id` is the id of its article, or what the ids of its articles begin with. It is empty if an older
    version of this program read the file: then records have the ids that they state. `not_read` counts what a
    container has besides its records, by kind.
    """

    stamp: Stamp
    articles: dict[str, tuple[str, str]] = {}
    failures: list[tuple[str, str]] = []
    state: FileState = FileState.UNCHANGED
    article_id: str = ""
    not_read: dict[str, int] = {}


class FileContent(NamedTuple):
    """What a source file holds: its digest ("" if it was not read in full), and the ids of its articles."""

    sha256: str
    article_id: str
    articles: tuple[str, ...]


Contents = Mapping[str, Mapping[str, FileContent]]
"""What sources hold, by source and path, to be compared with what they hold later."""


class Skipped(Struct, array_like=True):
    """What the listing of a source had besides its files: failures, and how many files are of other kinds."""

    failures: list[tuple[str, str]] = []
    kinds_not_read: dict[str, int] = {}


class Reading(Struct, array_like=True):
    """How a source was read: a hash of its own options, and its name in searches; empty if it has none."""

    options: str = ""
    label: str = ""


class Catalog(Struct):
    """The files of each source, by path below it, and the articles added through the API, by id.

    `limits` are those on reading a file when the sources were last read. `aliases` has the id of an article
    by each id that it had before, `skipped` what of each source was not read, `readings` how it was read.
    """

    committed: str = ""
    sources: dict[str, dict[str, Entry]] = {}
    api_articles: dict[str, tuple[str, str]] = {}
    limits: str = ""
    aliases: dict[str, str] = {}
    skipped: dict[str, Skipped] = {}
    readings: dict[str, Reading] = {}

    def entries(self) -> Iterator[tuple[str, str, Entry]]:
        """Every file, as (source, path, entry)."""
        for source, files in self.sources.items():
            for path, entry in files.items():
                yield source, path, entry

    def contents(self) -> Contents:
        """What the sources hold."""
        return {
            source: {
                path: FileContent(entry.stamp.sha256, entry.article_id, tuple(entry.articles))
                for path, entry in files.items()
            }
            for source, files in self.sources.items()
        }

    def set_limits(self, limits: str) -> None:
        """Set the limits; if they have changed, files that were refused are read with the next sync."""
        if self.limits != limits:
            self.limits = limits
            for _, _, entry in self.entries():
                if entry.state is FileState.REFUSED:
                    entry.state = FileState.UNREADABLE

    def set_reading(self, source: str, reading: Reading) -> None:
        """Set how a source is read; if its options have changed, all of its files are read again."""
        before = self.readings.get(source, Reading())
        self.readings[source] = reading
        if before.options != reading.options:
            for entry in self.sources.get(source, {}).values():
                entry.state = FileState.OUTDATED

    def label(self, source: str) -> str:
        """The name of a source in searches: its own, or its address."""
        reading = self.readings.get(source, Reading())
        return reading.label or Path(source).as_uri()

    def without_articles(self) -> tuple[object, ...]:
        """Everything but the articles, for comparing the catalog with itself after changes."""
        files = {
            (source, path): (entry.stamp, entry.state, tuple(entry.failures))
            for source, path, entry in self.entries()
        }
        return self.limits, set(self.sources), files, self.skipped.copy(), self.readings.copy()

    def owners(self) -> dict[str, tuple[str, str]]:
        """Where each article came from, by id: (source, path), or ("", "") if the API added it."""
        owners = dict.fromkeys(self.api_articles, ("", ""))
        for source, path, entry in self.entries():
            owners.update(dict.fromkeys(entry.articles, (source, path)))
        return owners

    def drop_stale_aliases(self) -> None:
        """Drop the aliases of articles that are removed, and those that are the id of an article now."""
        owners = self.owners() if self.aliases else {}
        self.aliases = {
            alias: article_id
            for alias, article_id in self.aliases.items()
            if article_id in owners and alias not in owners
        }

    def not_read(self, source: str) -> dict[str, int]:
        """The counts of what the containers of a source have besides their records, by kind."""
        counts: dict[str, int] = {}
        for entry in self.sources[source].values():
            if entry.not_read:
                add_counts(counts, entry.not_read)
        return counts

    def failures(self, source: str) -> list[tuple[str, str]]:
        """What of a source could not be read when it was last tried: paths and reasons."""
        listed = self.skipped.get(source, Skipped()).failures
        return [*listed, *(pair for entry in self.sources[source].values() for pair in entry.failures)]


class _StoredCatalog(Catalog):
    """A catalog as it may stand on the disk: format 6 calls the articles added through the API `apart`.

    A rebuild starts from the catalog of an older format.
    """

    apart: dict[str, tuple[str, str]] = {}


@dataclass(frozen=True, slots=True)
class Summary:
    """The part of a catalog that readers need.

    `languages` counts articles, the most common first; `labels` has the names of sources that have one.
    """

    committed: str
    languages: dict[str, int]
    sources: tuple[str, ...]
    failures: tuple[Failure, ...]
    kinds_not_read: dict[str, int]
    aliases: dict[str, str]
    labels: dict[str, str]

    def label(self, source: str) -> str:
        """Return the name of a source in searches: its own, or its address."""
        return self.labels.get(source) or Path(source).as_uri()


@dataclass(frozen=True, slots=True)
class Hints:
    """The files of a source as they were, how many articles they have, and what failed.

    `stamps` are three lists: the sizes, modification times and change times of the paths. `is_stable` if no
    file has to be read again while its stamp stays the same.
    """

    paths: list[str]
    stamps: list[list[int]]
    is_stable: bool
    articles: int
    failures: tuple[Failure, ...]
    limits: str
    kinds_not_read: dict[str, int] = field(default_factory=dict)
    not_read: dict[str, int] = field(default_factory=dict)
    options: str = ""

    def match(self, files: Mapping[str, Stamp], limits: str, options: str = "") -> bool:
        """Whether these are the same files with the same limits and options: nothing has to be read."""
        if not self.is_stable or (self.limits, self.options) != (limits, options):
            return False
        found = [stamp for path in self.paths if (stamp := files.get(path))]
        if not len(found) == len(self.paths) == len(files):
            return False
        # Lists are compared, because making an object of each known file would take longer than all the rest.
        return _list_times(found) == self.stamps


def save(folder: Path, commit: int, catalog: Catalog) -> None:
    """Write a generation's catalog for a commit that is about to be made; drops its stale aliases."""
    write_durably(_path(folder, commit), encode(catalog))


@pause_gc()
def encode(catalog: Catalog) -> list[bytes]:
    """Return the three lines of a catalog, which are ASCII or UTF-8; drops its stale aliases."""
    catalog.drop_stale_aliases()
    listed = chain([catalog.api_articles], (entry.articles for _, _, entry in catalog.entries()))
    counts = Counter(language for articles in listed for _, language in articles.values())
    kinds: dict[str, int] = {}
    for skipped in catalog.skipped.values():
        add_counts(kinds, skipped.kinds_not_read)
    not_read = {source: catalog.not_read(source) for source in catalog.sources}
    for own in not_read.values():
        add_counts(kinds, own)
    summary = {
        "committed": catalog.committed,
        # Ties by name, so that the same articles give the same order whatever their history.
        "languages": dict(sorted(counts.items(), key=lambda item: (-item[1], item[0]))),
        "sources": sorted(catalog.sources),
        "failures": [pair for source in catalog.sources for pair in catalog.failures(source)],
        "kinds_not_read": kinds,
        "aliases": catalog.aliases,
        "labels": {source: reading.label for source, reading in catalog.readings.items() if reading.label},
    }
    hints = {
        source: {
            "paths": list(files),
            "stamps": _list_times(entry.stamp for entry in files.values()),
            "is_stable": not catalog.skipped.get(source, Skipped()).failures
            and all(entry.state in STABLE for entry in files.values()),
            "articles": sum(len(entry.articles) for entry in files.values()),
            "failures": catalog.failures(source),
            "kinds_not_read": catalog.skipped.get(source, Skipped()).kinds_not_read,
            "not_read": not_read[source],
            "limits": catalog.limits,
            "options": catalog.readings.get(source, Reading()).options,
        }
        for source, files in catalog.sources.items()
    }
    return [_encode_line(part) for part in (summary, hints, catalog)]


def tidy(folder: Path, commit: int) -> None:
    """Remove the catalogs of all commits but this one."""
    for path in folder.iterdir():
        if CATALOG.fullmatch(path.name.removesuffix(NEW)) and path != _path(folder, commit):
            discard(path)


def load_summary(folder: Path, commit: int) -> Summary:
    """The part of a commit's catalog that readers need; raises IndexDamaged or StorageFailed."""
    return decode_summary(*_read_line(folder, commit, 1))


def load_hints(folder: Path, commit: int) -> dict[str, Hints]:
    """What shows that nothing has changed, by source; raises IndexDamaged or StorageFailed."""
    return decode_hints(*_read_line(folder, commit, 2))


def load(folder: Path, commit: int) -> Catalog:
    """The whole catalog of a commit; raises IndexDamaged or StorageFailed."""
    return decode(*_read_line(folder, commit, 3))


def decode_summary(line: bytes, place: object) -> Summary:
    """The summary in the first line of a catalog; raises IndexDamaged, naming the `place` of the catalog."""
    with _decoding(place):
        part = _decode_line(line, place, dict)
        return Summary(
            committed=part["committed"],
            languages=dict(part["languages"]),
            sources=tuple(part["sources"]),
            failures=to_failures(part["failures"]),
            kinds_not_read=part.get("kinds_not_read", {}),
            aliases=dict(part.get("aliases", {})),
            labels=dict(part.get("labels", {})),
        )


def decode_hints(line: bytes, place: object) -> dict[str, Hints]:
    """The hints in the second line of a catalog, by source; raises as `decode_summary` does."""
    with _decoding(place):
        return {
            source: Hints(**(known | {"failures": to_failures(known["failures"])}))
            for source, known in _decode_line(line, place, dict).items()
        }


def decode(line: bytes, place: object) -> Catalog:
    """The catalog in the third line of a catalog; raises as `decode_summary` does."""
    with _decoding(place), pause_gc():
        stored = _decode_line(line, place, _StoredCatalog)
        catalog = Catalog(*(getattr(stored, name) for name in Catalog.__struct_fields__))
        catalog.api_articles |= stored.apart
        return catalog


def to_failures(pairs: Iterable[Sequence[str]]) -> tuple[Failure, ...]:
    """The failures of these paths and reasons, as text that can be written."""
    return tuple(Failure(*map(printable_path, pair)) for pair in pairs)


def newest(folder: Path) -> int:
    """The highest commit that a generation has a catalog of; 0 when there is none."""
    with translate_index_errors(folder):
        numbers = [int(match[1]) for path in folder.iterdir() if (match := CATALOG.fullmatch(path.name))]
    return max(numbers, default=0)


@contextmanager
def _decoding(place: object) -> Iterator[None]:
    try:
        yield
    except _DECODING_ERRORS as error:
        raise _damage_of(place, "its contents make no sense") from error


def _damage_of(place: object, reason: str) -> IndexDamaged:
    return IndexDamaged(
        f"{place} cannot be read ({reason})",
        f"{RUN_DOCTOR}, which goes by the stored articles, or else by the generation before it",
    )


def _list_times(stamps: Iterable[Stamp]) -> list[list[int]]:
    """The sizes and times of stamps, as three lists."""
    given = [*stamps]
    return [[*map(attrgetter(name), given)] for name in _TIMES]


def _read_line(folder: Path, commit: int, number: int) -> tuple[bytes, Path]:
    """A line of the catalog of a commit, counted from 1, after which nothing follows the last; and its file.

    The checksums of the lines before it are compared, too.
    """
    path = _path(folder, commit)
    try:
        with translate_read_errors(path), open_regular(path) as file:
            lines = [file.readline() for _ in range(number)]
            rest = file.read(1) if number == _LINES else b""
    except OSError as error:
        raise _damage_of(path, error.strerror or str(error)) from error
    if rest:
        raise _damage_of(path, "there is data after its end")
    for line in lines[:-1]:
        _check_line(line, path)
    return lines[-1], path


def _encode_line(part: Catalog | Mapping[str, Any]) -> bytes:
    try:
        text = msgspec.json.encode(part)
    except UnicodeEncodeError:
        # The names of some files are not UTF-8: only Python's encoder, which is slower, escapes their bytes.
        text = json.dumps(to_builtins(part), separators=(",", ":")).encode()
    if len(text) >= _LONG:
        frame = zstandard.ZstdCompressor(level=1).compress(text)
        if len(text) <= _MAX_RATIO * len(frame):
            text = b64encode(frame)
    return b"%08x %s\n" % (zlib.crc32(text), text)


def _decode_line(line: bytes, place: object, kind: type[Any]) -> Any:
    text = _check_line(line, place)
    if not text.startswith(b"{"):
        frame = b64decode(text, validate=True)
        if zstandard.frame_content_size(frame) > _MAX_RATIO * len(frame):
            raise ValueError("more text than a frame may have")
        text = zstandard.ZstdDecompressor().decompress(frame, allow_extra_data=False)
    try:
        return msgspec.json.decode(text, type=kind)
    except msgspec.DecodeError:
        # The names of some files are not UTF-8: only Python's decoder, which is slower, reads their bytes.
        return convert(json.loads(text), kind)


def _check_line(line: bytes, place: object) -> bytes:
    """The text of a line, which matches its checksum."""
    checksum, _, text = line.removesuffix(b"\n").partition(b" ")
    if not line.endswith(b"\n") or checksum != b"%08x" % zlib.crc32(text):
        raise _damage_of(place, "its checksum does not match")
    return text


def _path(folder: Path, commit: int) -> Path:
    return folder / f"catalog-{commit}.json"

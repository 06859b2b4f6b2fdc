"""Verify an index: compare its files with their checksums, and its articles with their sources."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from indexer.config import Config
from indexer.engine import (
    Snapshot,
    digest_items,
    encode_article,
    find_differences,
    latest_commit,
    verify_snapshot,
)
from indexer.errors import RUN_DOCTOR, IndexDamaged, IndexMissing, IndexOutdated, SourceMissing, format_count
from indexer.fields import FieldType
from indexer.files.names import printable_path
from indexer.files.storage import folder_size
from indexer.reports import Difference, SyncReport, Verification
from indexer.store import generations
from indexer.store.reader import OpenIndex, Today, check_format, open_generation, open_snapshot
from indexer.sync import Catalog, Listing, Progress, Silence, SyncOptions, list_source
from indexer.sync import catalog as catalogs
from indexer.sync.apply import NullSink, sync_sources


def verify(config: Config, today: Today, progress: Progress | None, *, deep: bool) -> Verification:
    """See `Index.verify`."""
    opened, catalog = check_generation(generations.live_folder(config.index), config, today)
    snapshot, versions = opened.snapshot, opened.settings.versions
    # Not damage of the index: no search by words needs vectors, and they can be made again.
    differences = [
        Difference("vectors", str(snapshot.folder), problem)
        for problem in snapshot.vector_problems(every_byte=True)
    ]
    sources_digest = None
    if deep:
        found, derived = read_again(
            config, today, catalog, versions, str(snapshot.folder), progress or Silence()
        )
        differences += found
        differences += _compare_stored(snapshot, catalog)
        differences += _compare_indexed(snapshot, catalog, opened.settings.fields)
        sources_digest = digest_catalog(derived, generations.VERSIONS)
    return Verification(
        generation=snapshot.folder.name,
        articles=snapshot.articles,
        paragraphs=snapshot.paragraphs,
        files=sum(map(len, catalog.sources.values())),
        size=folder_size(snapshot.folder),
        digest=digest_catalog(catalog, versions),
        sources_digest=sources_digest,
        differences=tuple(differences),
    )


def check_generation(folder: Path, config: Config, today: Today) -> tuple[OpenIndex, Catalog]:
    """Open a generation and compare every byte with its checksum, and its articles with its catalog.

    Raises IndexDamaged, naming the file and the place in it, IndexOutdated or StorageFailed.
    """
    opened = open_generation(folder, config, today)
    snapshot = opened.snapshot
    try:
        verify_snapshot(snapshot)
        catalog = catalogs.load(folder, snapshot.commit)
    except IndexDamaged:
        # A new commit may have replaced the files meanwhile: then check that one.
        if latest_commit(folder) in (snapshot.commit, None):
            raise
        return check_generation(folder, config, today)
    owners = catalog.owners().keys()
    if snapshot.articles != len(owners):
        raise IndexDamaged(
            f"{folder} has {format_count(snapshot.articles, 'article')}, its catalog has {len(owners):,}",
            RUN_DOCTOR,
        )
    if other := owners ^ snapshot.ids():
        raise IndexDamaged(f"{folder} and its catalog disagree about the article {min(other)!r}", RUN_DOCTOR)
    return opened, catalog


def is_intact(folder: Path, config: Config, today: Today) -> bool:
    """Whether a generation passes the check; raises StorageFailed, and ConfigError for bad synonyms."""
    try:
        check_generation(folder, config, today)
    except (IndexDamaged, IndexMissing, IndexOutdated):
        return False
    return True


def has_intact_articles(folder: Path) -> bool:
    """Whether all but the catalog of a generation is intact, which can be restored; raises StorageFailed."""
    try:
        check_format(folder)
        verify_snapshot(open_snapshot(folder))
    except (IndexDamaged, IndexMissing, IndexOutdated):
        return False
    return True


def read_again(
    config: Config, today: Today, catalog: Catalog, versions: dict[str, int], place: str, progress: Progress
) -> tuple[list[Difference], Catalog]:
    """Read the sources of a catalog again; return what differs, and the catalog that they give.

    `versions` are those of the program that built the index, whose name is `place`.
    """
    listings: dict[Path, Listing] = {}
    differences: list[Difference] = []
    for source in map(Path, catalog.sources):
        try:
            listings[source] = list_source(config.source_at(source), is_known=True)
        except SourceMissing as error:
            differences.append(Difference("missing", str(source), f"the source is missing: {error}"))
    derived = Catalog(api_articles=dict(catalog.api_articles))
    sync_sources(listings, derived, NullSink(), SyncReport(), SyncOptions(config, today(), progress))
    if versions != generations.VERSIONS:
        built_by, this = _format_versions(versions), _format_versions(generations.VERSIONS)
        what = f"it was built by {built_by}, this program has {this}"
        differences.append(Difference("version", place, what))
    return [*differences, *_compare_files(catalog, derived, listings)], derived


def _compare_files(known: Catalog, derived: Catalog, listings: dict[Path, Listing]) -> Iterator[Difference]:
    """Files that are new, missing, changed, or give other articles than when they were indexed."""
    for source in map(str, listings):
        before, after = known.sources[source], derived.sources.get(source, {})
        for path in sorted({*before, *after}):
            place = printable_path(str(Path(source) / path) if Path(source).is_dir() else source)
            old, new = before.get(path), after.get(path)
            if old is None:
                yield Difference("new", place, "the file is not indexed")
            elif new is None:
                yield Difference("missing", place, "the file is missing")
            elif old.stamp.sha256 != new.stamp.sha256 and (old.stamp.sha256 or not old.failures):
                yield Difference("changed", place, "the file has changed since it was indexed")
            else:
                was, now = _digests(old.articles), _digests(new.articles)
                if names := sorted(name for name in {*was, *now} if was.get(name) != now.get(name)):
                    what = f"the file now gives other articles: {', '.join(names)}"
                    yield Difference("derived", place, what)


def _compare_stored(snapshot: Snapshot, catalog: Catalog) -> Iterator[Difference]:
    """Articles that are stored otherwise than their digest in the catalog says."""
    expected = list_digests(catalog)
    for number in range(snapshot.articles):
        article = snapshot.article(number)
        digest, label = expected.pop(article.id, ("", b""))
        items = encode_article(article)
        if digest != digest_items([*items, label] if label else items):
            yield Difference("stored", article.id, "the stored article is not the one that was read")
    for name in expected:
        yield Difference("stored", name, "the article is not in the index")


def list_digests(catalog: Catalog) -> dict[str, tuple[str, bytes]]:
    """Return the digest of each article by id, and what it is made of besides the items of the article."""
    expected = {name: (digest, b"") for name, (digest, _) in catalog.api_articles.items()}
    for source, _, entry in catalog.entries():
        label = catalog.label(source).encode()
        expected |= {name: (digest, label) for name, (digest, _) in entry.articles.items()}
    return expected


def _compare_indexed(
    snapshot: Snapshot, catalog: Catalog, fields: Mapping[str, FieldType]
) -> Iterator[Difference]:
    """Parts of segments that differ from what indexing their stored articles again gives."""
    owners = catalog.owners().items()
    sources = {name: catalog.label(source) for name, (source, _) in owners if source}
    for part in snapshot.segments:
        for name in find_differences(part.view, snapshot.default_language, sources.get, fields):
            what = f"{name} differs from what its articles give"
            yield Difference("stored", str(part.view.file.path), what)


def _digests(articles: dict[str, tuple[str, str]]) -> dict[str, str]:
    return {name: digest for name, (digest, _) in articles.items()}


def digest_catalog(catalog: Catalog, versions: dict[str, int]) -> str:
    """Return one digest of everything in a catalog, in whatever order it was recorded."""
    whole = hashlib.sha256(json.dumps(versions, sort_keys=True).encode())
    lines = [["", "", name, digest] for name, (digest, _) in catalog.api_articles.items()]
    for source, path, entry in catalog.entries():
        lines.append([source, path, entry.stamp.sha256, ""])
        lines += [[source, path, name, digest] for name, (digest, _) in entry.articles.items()]
    for line in sorted(lines):
        whole.update(json.dumps(line).encode() + b"\n")
    return whole.hexdigest()


def _format_versions(versions: dict[str, int]) -> str:
    return ", ".join(f"{name} {number}" for name, number in versions.items()) or "unknown versions"

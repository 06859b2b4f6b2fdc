"""What an index should say by its sources: derived from them anew, and compared with what it does say."""

from __future__ import annotations

import hashlib
import json
from array import array
from collections.abc import Iterator
from pathlib import Path

from indexer.article import Article
from indexer.config import Config
from indexer.engine import Chunk, Snapshot, digest_items, encode_article, find_differences
from indexer.errors import SourceMissing
from indexer.results import Difference, Verification
from indexer.store import generations
from indexer.store.build import run_sync
from indexer.store.diagnose import Today, check
from indexer.sync import Catalog, Listing, Progress, Silence, SyncReport, list_source
from indexer.sync import catalog as catalogs


def verify_sources(config: Config, today: Today, progress: Progress | None) -> Verification:
    """Read all sources of an index anew and compare; raises IndexDamaged or IndexOutdated."""
    folder = generations.live_folder(config.index)
    snapshot = check(folder, config, today).snapshot
    settings = generations.read_settings(folder)
    known = catalogs.load(folder, snapshot.commit)
    listings: dict[Path, Listing] = {}
    differences: list[Difference] = []
    for source in map(Path, known.sources):
        try:
            listings[source] = list_source(source, is_known=True)
        except SourceMissing as error:
            differences.append(Difference("missing", str(source), f"the source is gone: {error}"))
    now = Catalog(api_articles=dict(known.api_articles))
    report = SyncReport()
    run_sync(config, today, listings, now, _Nowhere(), report, progress or Silence())
    versions, versions_now = settings.versions, generations.VERSIONS
    if versions != versions_now:
        differences.append(
            Difference(
                "version", str(folder), f"it was made by {_named(versions)}, this is {_named(versions_now)}"
            )
        )
    differences += [*_between(known, now, listings), *_stored(snapshot, known), *_indexed(snapshot, known)]
    return Verification(
        _root(known, versions),
        _root(now, versions_now),
        sum(map(len, known.sources.values())),
        snapshot.articles,
        tuple(differences),
    )


def _between(known: Catalog, now: Catalog, listings: dict[Path, Listing]) -> Iterator[Difference]:
    for source in map(str, listings):
        before, after = known.sources[source], now.sources.get(source, {})
        for path in sorted({*before, *after}):
            place = str(Path(source) / path) if Path(source).is_dir() else source
            old, new = before.get(path), after.get(path)
            if old is None:
                yield Difference("new", place, "the file is new")
            elif new is None:
                yield Difference("missing", place, "the file is gone")
            elif old.stamp.sha256 != new.stamp.sha256 and (old.stamp.sha256 or not old.failures):
                yield Difference("changed", place, "the file is another than was read")
            elif _marks(old.articles) != _marks(new.articles):
                names = sorted(
                    name
                    for name in {*old.articles, *new.articles}
                    if _marks(old.articles).get(name) != _marks(new.articles).get(name)
                )
                yield Difference("derived", place, f"the file gives other articles now: {', '.join(names)}")


def _stored(snapshot: Snapshot, known: Catalog) -> Iterator[Difference]:
    """Articles of which the index has stored something else than was read, by its own account."""
    wanted = {name: (mark, b"") for name, (mark, _) in known.api_articles.items()}
    for source, _, entry in known.entries():
        uri = Path(source).as_uri().encode()
        wanted |= {name: (mark, uri) for name, (mark, _) in entry.articles.items()}
    for number in range(snapshot.articles):
        article: Article = snapshot.article(number)
        mark, uri = wanted.pop(article.id, ("", b""))
        items = encode_article(article)
        if mark != digest_items([*items, uri] if uri else items):
            yield Difference("stored", article.id, "the article is stored otherwise than it was read")
    for name in wanted:
        yield Difference("stored", name, "the article is not in the index")


def _indexed(snapshot: Snapshot, known: Catalog) -> Iterator[Difference]:
    """What segments say of their articles otherwise than these would be indexed."""
    sources = {name: Path(source).as_uri() for source, _, entry in known.entries() for name in entry.articles}
    for part in snapshot.parts:
        for name in find_differences(part.view, snapshot.default_language, sources.get):
            what = f"{name} is another than its articles give"
            yield Difference("stored", str(part.view.file.path), what)


def _marks(articles: dict[str, tuple[str, str]]) -> dict[str, str]:
    return {name: mark for name, (mark, _) in articles.items()}


def _root(catalog: Catalog, versions: dict[str, int]) -> str:
    """One digest for all; it does not depend on an order."""
    whole = hashlib.sha256(json.dumps(versions, sort_keys=True).encode())
    lines = [["", "", name, mark] for name, (mark, _) in catalog.api_articles.items()]
    for source, path, entry in catalog.entries():
        lines.append([source, path, entry.stamp.sha256, ""])
        lines += [[source, path, name, mark] for name, (mark, _) in entry.articles.items()]
    for line in sorted(lines):
        whole.update(json.dumps(line).encode() + b"\n")
    return whole.hexdigest()


def _named(versions: dict[str, int]) -> str:
    return ", ".join(f"{name} {number}" for name, number in versions.items()) or "no version that is known"


class _Nowhere:
    """Where what is derived goes: it is only counted."""

    def remove(self, article_id: str) -> None:
        """Remove nothing."""

    def take(self, chunk: Chunk, numbers: array[int]) -> None:
        """Add nothing."""

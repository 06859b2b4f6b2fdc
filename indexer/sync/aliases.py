"""Aliases: the ids that articles had before their file was renamed, or before ids were made in another way.

Links to an article go on working by them. Pure: catalogs come in, and the aliases of the later one go out.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from pathlib import Path

from indexer.article import make_record_id
from indexer.sync.catalog import Catalog, Contents, FileContent
from indexer.sync.plan import default_id


def carry_aliases(
    before: Contents, aliases: Mapping[str, str], catalog: Catalog, owners: Container[str]
) -> None:
    """Set the aliases of a catalog, from what its sources held before and the aliases of that time.

    `owners` has the ids of the articles that the catalog has now. An id in `before` that is not among them
    becomes an alias of the article that has its place in the same file now, or else in a file with the same
    content. Stale aliases are dropped when the catalog is saved.
    """
    now = catalog.contents()
    by_digest: dict[str, tuple[str, str]] = {}
    for source, files in now.items():
        for path, file in files.items():
            if file.sha256:
                by_digest.setdefault(file.sha256, (source, path))
    moved: dict[str, str] = {}
    for source, files in before.items():
        for path, file in files.items():
            lost = [article_id for article_id in file.articles if article_id not in owners]
            if not lost:
                continue
            for place in ((source, path), by_digest.get(file.sha256)):
                if place and (successor := now.get(place[0], {}).get(place[1])):
                    ids = {_place_in_file(*place, successor, name): name for name in successor.articles}
                    for article_id in lost:
                        found = ids.get(_place_in_file(source, path, file, article_id))
                        if found:
                            moved.setdefault(article_id, found)
    catalog.aliases = {
        alias: moved.get(article_id, article_id) for alias, article_id in (dict(aliases) | moved).items()
    }


def _place_in_file(source: str, path: str, file: FileContent, article_id: str) -> str:
    """What tells an article from the others of its file: the end of its id, empty for the only one."""
    file_id = file.article_id or default_id(Path(source), path)
    if article_id.startswith(file_id):
        return article_id.removeprefix(file_id)
    # An older version of this program took the id that a record states as it is.
    return make_record_id("", article_id)

"""The command that writes all articles for other programs: export."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import click

from indexer.article import Article
from indexer.cli.options import index_option, open_configured
from indexer.cli.progress import Bar, show_progress
from indexer.cli.render import format_json, print_json
from indexer.errors import StorageFailed
from indexer.files.storage import write_durably

_STANDARD_OUTPUT = "-"


@click.command()
@click.argument("file", type=click.Path(path_type=Path), default=_STANDARD_OUTPUT, metavar="[FILE]")
@index_option
def export(file: Path, index: Path | None) -> int:
    """Write all articles as JSON Lines, an article a line, in the order of their ids.

    FILE is replaced when everything is written (default: standard output). The articles are those of the
    last commit, whatever is written to the index meanwhile. `nutgraf index` reads the file back to the same
    articles; they have the ids that they had after that of the file, and links to the old ids lead to them.
    """
    archive = open_configured(index=index)
    articles = archive.articles()
    with show_progress("articles") as progress:
        if progress:
            count = archive.get_status().articles
            progress.start(count, count)
            articles = _count(articles, progress)
        if str(file) == _STANDARD_OUTPUT:
            for article in articles:
                print_json(article.as_json(), is_line=True)
        else:
            _write(file, articles)
    return 0


def _count(articles: Iterable[Article], progress: Bar) -> Iterator[Article]:
    for article in articles:
        yield article
        progress.advance(1)


def _write(file: Path, articles: Iterable[Article]) -> None:
    """Write a file; raises StorageFailed, also for something that a file must not take the place of."""
    path = file.resolve()
    if not path.parent.is_dir():
        raise StorageFailed(f"{path.parent} is not a folder", "make it first, or give another FILE")
    if path.exists() and not path.is_file():
        raise StorageFailed(
            f"{file} is not a regular file", "give another FILE, or none and redirect the output"
        )
    write_durably(path, (f"{format_json(article.as_json())}\n".encode() for article in articles))

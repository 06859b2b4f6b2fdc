"""The commands that take all articles elsewhere: export, for other programs, and copy, to another index."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import click

from indexer.article import Article
from indexer.cli.indexing import finish
from indexer.cli.options import (
    index_option,
    json_option,
    lock_option,
    memory_option,
    open_configured,
)
from indexer.cli.progress import Bar, show_progress
from indexer.cli.render import format_json, print_json
from indexer.errors import ConfigError, CopyRefused, StorageFailed
from indexer.files.storage import write_durably

_STANDARD_OUTPUT = "-"


@click.command()
@click.argument("file", type=click.Path(path_type=Path), default=_STANDARD_OUTPUT, metavar="[FILE]")
@index_option
def export(file: Path, index: str | None) -> int:
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


@click.command()
@click.option(
    "--to",
    type=click.Path(),
    required=True,
    metavar="PATH",
    help="The folder to copy to, or an address on OpenSearch.",
)
@click.option(
    "--replace",
    is_flag=True,
    help="Replace an index there, even one with other options or other articles.",
)
@index_option
@memory_option
@lock_option
@json_option
def copy(to: str, index: str | None, replace: bool, as_json: bool, **options: float | None) -> int:
    """Copy the whole index to another folder, or to or from a cluster.

    The sources are not read: all articles are copied as they are stored, with what is known of their files,
    so that `nutgraf index` finds nothing changed there. An earlier copy answers searches until the new one is
    whole and has passed a check. Meanwhile nobody can write to either index.

    An index there that was made with other options, or would lose most of its articles, is left as it is
    unless --replace is given.
    """
    archive = open_configured(index=index, **options)
    try:
        other = open_configured(index=to, **options)
    except ConfigError as error:
        # With --index, there was no error.
        raise error.rename_field({"index": "--to"}) from error
    with show_progress("articles") as progress:
        try:
            report = archive.copy(other, replace=replace, progress=progress)
        except CopyRefused as error:
            raise CopyRefused(f"{error} with --replace") from error
    return finish(report, as_json=as_json)


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

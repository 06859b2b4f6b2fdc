"""The commands that search: search, and eval, which measures the ranking."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from indexer.cli.options import (
    add_filter_options,
    index_option,
    json_option,
    meaning_option,
    open_configured,
)
from indexer.cli.render import print_json, print_page, sanitize
from indexer.config import Config
from indexer.results import FACETS, GRAINS, SORTS

_file = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@click.argument("query", nargs=-1, required=True)
@index_option
@click.option("--since", metavar="DATE", help="Only articles from this year, month or day on.")
@click.option("--until", metavar="DATE", help="Only articles up to this year, month or day, included.")
@add_filter_options
@click.option("--sort", type=click.Choice(SORTS), default="relevance", show_default=True)
@click.option("--half-life", type=float, metavar="DAYS", help="Halve scores for every DAYS of age.")
@click.option("--limit", type=click.IntRange(min=0), help="How many hits to show.")
@click.option("--offset", type=click.IntRange(min=0), default=0, help="How many hits to skip.")
@click.option(
    "--collapse/--no-collapse",
    default=True,
    help="Near-duplicates as one hit, or each by itself (default: as one).",
)
@click.option("--cursor", metavar="TEXT", help="Continue after a page, with its cursor.")
@click.option(
    "--facet",
    "facets",
    multiple=True,
    metavar="NAME",
    help=f"Count the hits by {', '.join(FACETS)} or a custom field (may be given several times).",
)
@click.option("--timeline", is_flag=True, help="Show the hits over time.")
@click.option(
    "--by",
    type=click.Choice(["auto", *GRAINS]),
    default="auto",
    show_default=True,
    help="The length of a period of the timeline.",
)
@meaning_option
@click.option("--seconds", type=float, metavar="SECONDS", help="Time limit in seconds (default: 1).")
@click.option("--explain", is_flag=True, help="Explain how the query was read and how each hit was scored.")
@json_option
def search(
    query: tuple[str, ...], index: str | None, timeline: bool, by: str, as_json: bool, **arguments: Any
) -> int:
    """Search the index for articles that have all words, in any form; any text is a QUERY.

    \b
    "a phrase"  "words near"~3  a NEAR/5 b      in order; up to 3 apart; in any order
    a OR b  a AND b  NOT a  -a  +a  (a OR b) c  without a; with a common word
    =word  ="a phrase"                          as written, in no other form
    prefix*  wom?n  *ology  word~  word~2       patterns; fuzzy matches
    word^2  "a phrase"^1.5                      counts more
    title:word  text:word                       in the title; in the text
    date:2021  date:2021-03..2021-05            also "nov 2021", "last week", yesterday
    after:2021-11  before:2022  until:2021-05   from then on; before; up to and with
    lang:en  site:example.org  source:a.txt  id:a1
    author:berg  section:world  tag:"salt sea"  publisher:post
    desk:world  edition:>3  edition:3..7        fields that the configuration declares

    Put -- before a QUERY that begins with a minus sign.
    """
    archive, text = open_configured(index=index), " ".join(query)
    if _may_need_model(archive.config, text, arguments):
        # It may take longer than a query may.
        archive.load_model()
    page = archive.search(text, timeline=by if timeline else None, **arguments)
    if as_json:
        print_json(page.as_json())
    else:
        print_page(page)
        if arguments["cursor"] and page.cursor:
            click.echo(f"\nmore: --cursor {page.cursor}")
    return 0


def _may_need_model(config: Config, text: str, arguments: dict[str, Any]) -> bool:
    """Whether the meaning of a query may count in a search with these arguments."""
    weight = config.meaning if arguments["meaning"] is None else arguments["meaning"]
    if not (config.model and weight) or arguments["sort"] != "relevance" or arguments["limit"] == 0:
        return False
    # Imported here because it loads the engine.
    from indexer.query import parse_query
    from indexer.search.meaning import read_plain_text

    today, day_first = config.today(), config.day_first
    parsed = parse_query(
        text, today=today, day_first=day_first, characters=config.query_characters, fields=config.fields
    )
    return bool(read_plain_text(parsed.tree, today, day_first=day_first))


@click.command(name="eval")
@click.argument("judgments", type=_file)
@index_option
@click.option(
    "--record",
    is_flag=False,
    flag_value="",
    metavar="[FILE]",
    help="Write the figures for later runs (default: JUDGMENTS.figures.json).",
)
@click.option(
    "--against",
    type=_file,
    help="Recorded figures to compare with (default: JUDGMENTS.figures.json, if any).",
)
@click.option(
    "--tolerance",
    type=click.FloatRange(min=0),
    default=0.001,
    show_default=True,
    help="How far a figure may fall below the recorded one.",
)
@meaning_option
@click.option("--verbose", is_flag=True, help="Print the figures of each query, and what it missed.")
@json_option
def evaluate(
    judgments: Path,
    index: str | None,
    record: str | None,
    against: Path | None,
    tolerance: float,
    meaning: float | None,
    verbose: bool,
    as_json: bool,
) -> int:
    """Measure the ranking: nDCG@10, mean reciprocal rank and recall@100 of the index for your own queries.

    Each line of JUDGMENTS has a query, the id of an article and a gain (0: does not answer the query),
    separated by tabs; lines that begin with # are comments. Exit code 1 if a figure is lower than the
    recorded one.
    """
    # Imported here because it loads the engine.
    from indexer.cli import judgments as evaluation

    expected = evaluation.read_judgments(judgments)
    default_record = judgments.with_name(f"{judgments.name}.figures.json")
    found = evaluation.measure(open_configured(index=index, passages=0, meaning=meaning), expected)
    before = against or (default_record if record is None and default_record.exists() else None)
    comparison = evaluation.compare(found, before, tolerance) if before else None
    if record is not None:
        evaluation.record(found, Path(record) if record else default_record)
    if as_json:
        print_json(found.as_json() | {"comparison": comparison.as_json() if comparison else None})
    else:
        for line in evaluation.format_figures(found, verbose=verbose):
            click.echo(sanitize(line))
    for line in evaluation.format_warnings(found, comparison, verbose=verbose):
        click.echo(f"nutgraf: {sanitize(line)}", err=True)
    return 1 if comparison and comparison.fallen else 0

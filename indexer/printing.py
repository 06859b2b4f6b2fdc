"""What the command prints: pages, reports and statuses, as lines or as JSON; nothing steers a terminal."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from indexer.diagnosis import Diagnosis
    from indexer.manifest import Manifest
    from indexer.model import Hit, Page, Span, Status
    from indexer.sync import SyncReport

_CONTROLS = re.compile(r"[\x7f-\x9f]")


def print_json(value: dict[str, Any]) -> None:
    """Print one JSON object, in letters that the stream can take."""
    text = json.dumps(value, ensure_ascii=False, indent=2)
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        # The stream's own way to write what it cannot encode is not JSON's.
        text = json.dumps(value, indent=2)
    # JSON leaves these as they are, and some terminals obey them.
    click.echo(_CONTROLS.sub(lambda control: f"\\u{ord(control[0]):04x}", text))


def print_report(report: SyncReport, *, to_err: bool = False) -> None:
    """Print what a sync or a rebuild did; what was skipped goes to standard error."""
    if report.dry_run:
        for change in report.changes:
            click.echo(f"{change.action:<7} {plain(change.path)} ({plain(change.id)}): {change.why}")
    verb = "would be " if report.dry_run else ""
    click.echo(
        f"{report.added:,} {verb}added, {report.changed:,} changed, {report.removed:,} removed, "
        f"{report.unchanged:,} unchanged, from {report.files:,} files in {report.seconds:.1f} s",
        err=to_err,
    )


def print_status(found: Status) -> None:
    """Print what an index holds, a line for each fact."""
    span = f"{found.first} to {found.last}" if found.first else "none dated"
    languages = ", ".join(f"{name} {count:,}" for name, count in found.languages.items())
    libraries = ", ".join(f"{name} {version}" for name, version in found.libraries.items())
    rows = [
        ("index", f"{found.path} ({found.size / 2**20:.1f} MB)"),
        ("articles", f"{found.articles:,} in {found.paragraphs:,} paragraphs"),
        ("dates", f"{span}; {found.undated:,} undated"),
        ("languages", languages or "none"),
        ("sources", ", ".join(found.sources) or "none"),
        ("committed", found.committed),
        ("libraries", libraries or "not recorded when the index was made"),
        *([("outdated", f"{found.library_changes}: run `nutgraf rebuild`")] if found.library_changes else []),
        *([("damage", found.damage)] if found.damage else []),
    ]
    for name, value in rows:
        click.echo(f"{name:<10} {plain(value)}")
    for failure in found.failures:
        click.echo(f"{'skipped':<10} {plain(failure.path)}: {plain(failure.reason)}")


def print_checked(found: Status) -> None:
    """Print what was read through and found to be whole."""
    click.echo(
        f"all is well: {found.articles:,} articles in {found.paragraphs:,} paragraphs, "
        f"{found.size / 2**20:.1f} MB"
    )


def print_diagnosis(found: Diagnosis) -> None:
    """Print what is wrong in a sentence, then what was done, and each thing with what will mend it."""
    click.echo(plain(str(found)))
    for act in found.done:
        click.echo(f"  done: {plain(act)}")
    for finding in found.findings:
        click.echo(f"  {finding.kind}: {plain(finding.what)}")
        click.echo(f"    {plain(finding.remedy)}")


def print_manifest(found: Manifest) -> None:
    """Print what differs between an index and its sources, and the digest of each."""
    for difference in found.differences:
        click.echo(f"{difference.kind:<8} {plain(difference.place)}: {plain(difference.what)}")
    says = f"{len(found.differences):,} differences" if found.differences else "in step with its sources"
    click.echo(f"{says}: {found.articles:,} articles from {found.files:,} files")
    click.echo(f"the index    {found.digest}")
    click.echo(f"its sources  {found.derived}")


def print_page(page: Page) -> None:
    """Print a page of hits; what is said about the query goes to standard error, unless it was asked for."""
    for note in page.notes:
        click.echo(f"nutgraf: {plain(note)}", err=True)
    if page.dead_end:
        from indexer.accounts import dead_end_lines

        for line in dead_end_lines(page.dead_end):
            click.echo(plain(line), err=True)
    if page.did_you_mean:
        click.echo(f"Did you mean: {plain(page.did_you_mean)}", err=True)
    if page.receipt:
        from indexer.accounts import receipt_lines

        for line in receipt_lines(page.receipt):
            click.echo(plain(line))
    more = f", and {page.partial:,} with some of the words" if page.partial else ""
    articles = "1 article" if page.total == 1 else f"{page.total:,} articles"
    at_least = "at least " if page.is_cut else ""
    folded = f"; {page.folded:,} of them folded as near-duplicates" if page.folded else ""
    click.echo(f"{at_least}{articles}{more}{folded} ({page.took_ms:.0f} ms)")
    if page.facets or page.timeline:
        from indexer.charts import facet_lines, timeline_lines

        for name, counts in page.facets.items():
            click.echo("\n".join(map(plain, ["", *facet_lines(name, counts)])))
        if page.timeline:
            click.echo("\n".join(["", *timeline_lines(page.timeline)]))
    for place, hit in enumerate(page.hits, page.offset + 1):
        _print_hit(place, hit)


def _print_hit(place: int, hit: Hit) -> None:
    article = hit.article
    facts = [str(article.published).replace("T", " ") if article.published else "undated", article.id]
    if hit.missing:
        facts.append(f"without {', '.join(hit.missing)}")
    click.echo(f"\n{place}. {_marked(article.title or '(no title)', hit.title_spans)}")
    click.echo(f"   {plain('  '.join(facts))}")
    for passage in hit.passages:
        click.echo(f"   [{passage.number}] {_marked(passage.text, passage.spans)}")
    if hit.also:
        click.echo(f"   also in {', '.join(plain(other.id) for other in hit.also)}")
    if hit.explanation:
        from indexer.accounts import explanation_lines

        for line in explanation_lines(hit.explanation):
            click.echo(f"   {plain(line)}")


def _marked(text: str, spans: Sequence[Span]) -> str:
    """The text with its matches in bold on a terminal, and as it is elsewhere."""
    pieces, place = [], 0
    for start, end in spans:
        pieces += [plain(text[place:start]), click.style(plain(text[start:end]), bold=True)]
        place = end
    return "".join([*pieces, plain(text[place:])])


def plain(text: str) -> str:
    """The text without control characters, which could steer the terminal."""
    return "".join(char if char.isprintable() or char == " " else " " for char in text)

"""Print pages, reports and statuses as lines of text or as JSON, without control characters."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click

from indexer.errors import NutgrafError, format_count

if TYPE_CHECKING:
    from indexer.reports import Diagnosis, EmbedReport, Status, SyncReport, VectorStatus, Verification
    from indexer.results import (
        ClauseExplanation,
        Explanation,
        FacetCount,
        Hit,
        HitExplanation,
        NoResults,
        Page,
        Result,
        Span,
        Timeline,
    )


AnyResult = TypeVar("AnyResult", bound="Result")
BAR = 40
"""Length of the longest bar in characters."""

_LABELS = {
    "undated": "undated",
    "inexact": "not dated exactly enough",
    "none": "none",
    "other": "all others",
}
_CONTROLS = re.compile("[\x7f-\x9f\u2028\u2029]")


def print_result(result: AnyResult, print_text: Callable[[AnyResult], None], *, as_json: bool) -> None:
    """Print a result as JSON, or as text with the function for it."""
    if as_json:
        print_json(result.as_json())
    else:
        print_text(result)


def print_json(value: dict[str, Any], *, is_line: bool = False) -> None:
    """Print one JSON object, as one line or several, escaped as far as the stream's encoding requires."""
    click.echo(format_json(value, sys.stdout.encoding or "utf-8", indent=None if is_line else 2))


def format_json(value: dict[str, Any], encoding: str = "utf-8", indent: int | None = None) -> str:
    """Return one JSON object, as one line unless there is an `indent`, which an encoding can write."""
    text = json.dumps(value, ensure_ascii=False, indent=indent)
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        # The stream would write what it cannot encode as \\x escapes, which JSON does not have.
        text = json.dumps(value, indent=indent)
    # JSON does not escape these; some terminals execute them, and some programs take them for line breaks.
    return _CONTROLS.sub(lambda control: f"\\u{ord(control[0]):04x}", text)


def print_error(code: str, message: str, *, as_json: bool, is_line: bool = False) -> None:
    """Print an error as a line on standard error, or as JSON on standard output."""
    if as_json:
        print_json({"error": {"code": code, "message": message}}, is_line=is_line)
    else:
        click.echo(f"nutgraf: {sanitize(message)}", err=True)


def name_error(error: NutgrafError) -> str:
    """Return the name of an error in JSON: index_locked for IndexLocked."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", type(error).__name__).lower()


def describe_kinds(kinds: Mapping[str, int]) -> str:
    """Return how many files are of kinds that are not read, of which kinds, and how to read them."""
    # Imported here because --help and usage errors do not need the readers.
    from indexer import readers

    return readers.describe_kinds(kinds)


def print_report(report: SyncReport, *, to_err: bool = False) -> None:
    """Print what a sync or a rebuild did."""
    if report.dry_run:
        for change in report.changes:
            click.echo(f"{change.action:<7} {sanitize(change.path)} ({sanitize(change.id)}): {change.why}")
    verb = "would be " if report.dry_run else ""
    files = format_count(report.files, "file")
    click.echo(
        f"{report.added:,} {verb}added, {report.changed:,} changed, {report.removed:,} removed, "
        f"{report.unchanged:,} unchanged, from {files} in {report.seconds:.1f} s",
        err=to_err,
    )


def print_embedding(report: EmbedReport, *, to_err: bool = False) -> None:
    """Print what `embed` did."""
    click.echo(
        f"{format_count(report.embedded, 'text')} embedded, {report.reused:,} reused, "
        f"{report.unchanged:,} unchanged, in {report.seconds:.1f} s",
        err=to_err,
    )


def print_status(found: Status) -> None:
    """Print what an index holds, a line for each fact."""
    span = f"{found.first} to {found.last}" if found.first else "none dated"
    languages = ", ".join(f"{name} {count:,}" for name, count in found.languages.items())
    libraries = ", ".join(f"{name} {version}" for name, version in found.libraries.items())
    rows = [
        ("index", f"{found.path} ({found.size / 2**20:.1f} MB)"),
        ("articles", f"{found.articles:,} in {format_count(found.paragraphs, 'paragraph')}"),
        ("dates", f"{span}; {found.undated:,} undated"),
        ("languages", languages or "none"),
        ("sources", ", ".join(found.sources) or "none"),
        ("committed", found.committed),
        *([("vectors", _describe_vectors(found.vectors))] if found.vectors else []),
        ("libraries", libraries or "not recorded when the index was made"),
        *([("outdated", f"{found.library_changes}: run `nutgraf rebuild`")] if found.library_changes else []),
        *([("damage", found.damage)] if found.damage else []),
        *([("not read", describe_kinds(found.kinds_not_read))] if found.kinds_not_read else []),
    ]
    for name, value in rows:
        click.echo(f"{name:<10} {sanitize(value)}")
    for failure in found.failures:
        click.echo(f"{'skipped':<10} {sanitize(failure.path)}: {sanitize(failure.reason)}")


def _describe_vectors(vectors: VectorStatus) -> str:
    """Return how many texts have a vector of which model, and why that cannot be used, if it cannot."""
    if vectors.problem:
        return f"none can be used: {vectors.problem}"
    # Not "paragraphs", of which the line above has another number: some are titles.
    of_all = format_count(vectors.of_paragraphs, "text")
    if not vectors.paragraphs:
        return f"none of {of_all} by {vectors.model}; `nutgraf embed` makes them"
    advice = "" if vectors.paragraphs == vectors.of_paragraphs else "; `nutgraf embed` makes the others"
    return f"{vectors.paragraphs:,} of {of_all} by {vectors.model}{advice}"


def print_diagnosis(found: Diagnosis) -> None:
    """Print a summary, the actions taken, and each finding with its remedy."""
    click.echo(sanitize(str(found)))
    for act in found.done:
        click.echo(f"  done: {sanitize(act)}")
    if found.kinds_not_read:
        click.echo(f"  {sanitize(describe_kinds(found.kinds_not_read))}")
    for finding in found.findings:
        click.echo(f"  {finding.kind}: {sanitize(finding.what)}")
        click.echo(f"    {sanitize(finding.remedy)}")


def print_verification(found: Verification) -> None:
    """Print what was compared and what differs; if the sources were read, also both digests."""
    for difference in found.differences:
        click.echo(f"{difference.kind:<8} {sanitize(difference.place)}: {sanitize(difference.what)}")
    articles = format_count(found.articles, "article")
    if found.sources_digest is None:
        paragraphs = format_count(found.paragraphs, "paragraph")
        result = format_count(len(found.differences), "difference") if found.differences else "all is well"
        click.echo(f"{result}: {articles} in {paragraphs}, {found.size / 2**20:.1f} MB")
        return
    result = "in step with its sources"
    if found.differences:
        result = format_count(len(found.differences), "difference")
    click.echo(f"{result}: {articles} from {format_count(found.files, 'file')}")
    click.echo(f"the index    {found.digest}")
    click.echo(f"its sources  {found.sources_digest}")


def print_page(page: Page) -> None:
    """Print a page of hits; notes about the query go to standard error."""
    for note in page.notes:
        click.echo(f"nutgraf: {sanitize(note.message)}", err=True)
    if page.no_results:
        for line in format_no_results(page.no_results):
            click.echo(sanitize(line), err=True)
    if page.did_you_mean:
        click.echo(f"Did you mean: {sanitize(page.did_you_mean)}", err=True)
    for suggested in page.suggested_filters:
        articles, words = format_count(suggested.count, "article"), sanitize(suggested.query)
        options = f"--since {suggested.since} --until {suggested.until}"
        click.echo(f"Published then: {articles} ({options}{words and ' '}{words})", err=True)
    if page.explanation:
        for line in format_query(page.explanation):
            click.echo(sanitize(line))
    more = f", and {page.partial:,} with some of the words" if page.partial else ""
    if page.by_meaning:
        more += f", and {page.by_meaning:,} found by {'its' if page.by_meaning == 1 else 'their'} meaning"
    articles = format_count(page.total, "article")
    at_least = "at least " if page.timed_out else ""
    collapsed = f"; {format_count(page.collapsed, 'near-duplicate')} collapsed" if page.collapsed else ""
    click.echo(f"{at_least}{articles}{more}{collapsed} ({page.took_ms:.0f} ms)")
    if page.facets or page.timeline:
        for name, counts in page.facets.items():
            click.echo("\n".join(map(sanitize, ["", *format_facet(name, counts)])))
        if page.timeline:
            click.echo("\n".join(["", *format_timeline(page.timeline)]))
    for place, hit in enumerate(page.hits, page.offset + 1):
        _print_hit(place, hit)


def _print_hit(place: int, hit: Hit) -> None:
    article = hit.article
    facts = [str(article.published).replace("T", " ") if article.published else "undated", article.id]
    if article.authors:
        facts.append(f"by {', '.join(article.authors)}")
    if hit.missing:
        facts.append(f"without {', '.join(hit.missing)}")
    if hit.by_meaning:
        facts.append("found by its meaning")
    click.echo(f"\n{place}. {_make_bold(article.title or '(no title)', hit.title_spans)}")
    click.echo(f"   {sanitize('  '.join(facts))}")
    for passage in hit.passages:
        page = f", page {passage.page_number}" if passage.page_number else ""
        click.echo(f"   [{passage.field or passage.number}{page}] {_make_bold(passage.text, passage.spans)}")
    if hit.also:
        click.echo(f"   also in {', '.join(sanitize(other.id) for other in hit.also)}")
    if hit.explanation:
        for line in format_explanation(hit.explanation):
            click.echo(f"   {sanitize(line)}")


def _make_bold(text: str, spans: Sequence[Span]) -> str:
    """Return the text with its spans in bold, which click drops if the output is not a terminal."""
    pieces, place = [], 0
    for start, end in spans:
        pieces += [sanitize(text[place:start]), click.style(sanitize(text[start:end]), bold=True)]
        place = end
    return "".join([*pieces, sanitize(text[place:])])


def sanitize(text: str) -> str:
    """Return the text without control characters, which could change the terminal."""
    return text if text.isprintable() else "".join(char if char.isprintable() else " " for char in text)


def format_facet(name: str, counts: Sequence[FacetCount]) -> Iterator[str]:
    """Yield the name of a facet, then a line for each value."""
    yield name
    width = len(f"{max((count.count for count in counts), default=0):,}")
    for count in counts:
        text = f"({_LABELS[count.kind]})" if count.value is None else count.value
        yield f"  {count.count:>{width},}  {text}"


def format_timeline(timeline: Timeline) -> Iterator[str]:
    """Yield what a timeline spans, then of each period the hits, their share of all published, and a bar."""
    span = f": {timeline.first} to {timeline.last}, most in {timeline.peak}" if timeline.bars else ""
    not_shown = [
        f"{count:,} {what}"
        for count, what in ((timeline.inexact, _LABELS["inexact"]), (timeline.undated, _LABELS["undated"]))
        if count
    ]
    yield f"by {timeline.grain}{span}" + (f" ({', '.join(not_shown)})" if not_shown else "")
    most = max((bar.articles for bar in timeline.bars), default=0)
    width = len(f"{most:,}")
    for bar in timeline.bars:
        # Rounded up, so that a single hit has a visible bar.
        length = -(-bar.articles * BAR // most)
        share = f"{bar.share:.2%}" if bar.of_paragraphs else "–"
        yield f"  {bar.start:<10}  {bar.articles:>{width},}  {share:>7}  {'█' * length}".rstrip()


def format_query(explanation: Explanation) -> Iterator[str]:
    """Yield how the query was read, then a line for each clause and the words that it matches."""
    yield f"read as: {explanation.reading}"
    for clause in explanation.clauses:
        yield from _format_clause(clause, "  ")


def _describe_clause(clause: ClauseExplanation) -> str:
    """Return the role of a clause, how many articles it matches, and the words that it stands for."""
    facts = [clause.role, *([f"in {' or '.join(clause.fields)}"] if clause.fields else [])]
    if clause.articles is not None:
        facts.append(format_count(clause.articles, "article"))
    if clause.boost != 1.0:
        facts.append(f"counted {clause.boost:g} times")
    if clause.synonyms:
        facts.append(f"also {', '.join(clause.synonyms)}")
    if clause.words:
        more = f" and {clause.more:,} more" if clause.more else ""
        facts.append(f"stands for {', '.join(clause.words)}{more}")
    return "; ".join(facts)


def format_explanation(explanation: HitExplanation) -> Iterator[str]:
    """Yield the score of a hit, by term and field."""
    for word in explanation.words:
        fields = " + ".join(
            f"{field.points:.3f} {field.field} ({_format_times(field.frequency)}, length {field.length:.2f})"
            for field in word.fields
        )
        times = "" if word.times == 1 else f", counted {word.times:g} times"
        form = "" if word.form == "any" else f", {word.form}"
        yield f"{word.points:.3f}  {word.label}{form}: {fields}; rarity {word.rarity:.2f}{times}"
    for pair in explanation.pairs:
        yield f"{pair.points:.3f}  {pair.label}: side by side or near"
    factors = [f"{explanation.nearness:.3f} for nearness"] if explanation.words else []
    if own := explanation.meaning:
        if own.words:
            nearness = f", with {factors.pop()}" if factors else ""
            yield (
                f"{own.words:.3f}  words: {1 - own.weight:.2f} × {explanation.word_points:.3f} points"
                f"{nearness}, of {explanation.most_word_points:.3f}, the most that an article has"
            )
        yield (
            f"{own.points:.3f}  meaning: {own.weight:.2f} × closeness {own.closeness:.3f} "
            f"(cosine {own.cosine:.3f})"
        )
    if explanation.recency != 1:
        factors.append(f"{explanation.recency:.3f} for recency")
    yield f"{explanation.score:.3f}  in all" + (f", with {' and '.join(factors)}" if factors else "")


def format_no_results(no_results: NoResults) -> Iterator[str]:
    """Yield the reason for no results, and the searches that have some."""
    yield no_results.reason.message
    for suggestion in no_results.suggestions:
        articles = format_count(suggestion.count, "article")
        options = "".join(f", without --{name}" for name in suggestion.without)
        yield f"  {articles}: {suggestion.query}  ({suggestion.change.message}{options})"


def _format_clause(clause: ClauseExplanation, indent: str) -> Iterator[str]:
    yield f"{indent}{clause.label}: {_describe_clause(clause)}"
    for part in clause.clauses:
        yield from _format_clause(part, f"{indent}  ")


def _format_times(number: float) -> str:
    return "once" if number == 1 else f"{number:g} times"

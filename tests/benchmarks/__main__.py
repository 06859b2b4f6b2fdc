"""python -m tests.benchmarks: build the same corpus and ask the same questions of every engine, in one run.

Progress goes to stderr, Markdown to stdout; with --out, JSON, Markdown and a picture go to a folder.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from tests.benchmarks import picture
from tests.benchmarks.building import measure_build
from tests.benchmarks.corpus import REUTERS, Extent, choose, read_lines, write_lines
from tests.benchmarks.engines import NAMES, Engine, engine
from tests.benchmarks.measure import BASE, measure_queries
from tests.benchmarks.queries import Kind, Question, WordList, draw, read_log
from tests.benchmarks.report import Report, dump
from tests.benchmarks.serving import measure_cold, measure_http
from tests.benchmarks.upkeep import measure_upkeep

DATA = Path(__file__).parents[3] / "shared" / "data"
PARTS = ("build", "queries", "incremental", "cold", "http")
# Said in the report only when given; the others are paths, which are nobody's business.
_SAID = ("corpus", "articles", "engines", "classes", "rounds", "parts", "files", "budget", "connections")
_HTTP_SECONDS = 10


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what was chosen; 2 when the collections are not there."""
    parser = _options()
    chosen = parser.parse_args(arguments)
    if not (chosen.data / REUTERS).exists():
        print(f"{chosen.data}: must be a folder with {REUTERS}", file=sys.stderr)
        return 2
    engines, remarks = _engines(chosen.engines)
    with _folder(chosen.keep) as folder:
        source = folder / "stories"
        extent = _write(chosen.corpus, chosen.data, chosen.articles, source)
        corpus = chosen.corpus + (f", first {chosen.articles}" if chosen.articles else "")
        report = Report(_command(parser, chosen), corpus, extent, engines, remarks=remarks)
        say(f"{extent}")
        _build(report, folder, source, "build" in chosen.parts)
        indexes = {one.name: folder / one.name for one in engines}
        if {"queries", "cold", "http"} & set(chosen.parts):
            questions = _questions(source, chosen.data)
            say("questions: " + ", ".join(f"{len(asked)} {kind}" for kind, asked in questions.items()))
            _ask(report, indexes, questions, chosen)
        if "incremental" in chosen.parts:
            shutil.rmtree(folder / "texts", ignore_errors=True)
            shutil.rmtree(folder / "texts-index", ignore_errors=True)
            report.upkeep = measure_upkeep(read_lines(source), folder, chosen.files, say)
    print(report.markdown())
    if chosen.out:
        _write_out(report, chosen.out)
    return 0


def say(text: str) -> None:
    """One line of progress."""
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--corpus", default="reuters", help="reuters, or synthetic:N for N paragraphs")
    parser.add_argument("--articles", type=int, help="only so many articles of the corpus")
    parser.add_argument("--engines", type=_list_of(NAMES), default=list(NAMES), help=f"of {','.join(NAMES)}")
    kinds = [kind.value for kind in Kind]
    parser.add_argument("--classes", type=_list_of(kinds), default=kinds, help=f"of {','.join(kinds)}")
    parser.add_argument("--parts", type=_list_of(PARTS), default=list(PARTS), help=f"of {','.join(PARTS)}")
    parser.add_argument("--rounds", type=int, default=5, help="rounds that count (default: 5)")
    parser.add_argument(
        "--budget",
        type=float,
        default=60,
        help="seconds for a class, after which an engine stops (default: 60)",
    )
    parser.add_argument(
        "--files", type=int, default=20_000, help="files of the incremental part (default: 20000)"
    )
    parser.add_argument(
        "--connections", type=int, default=8, help="connections of the http part (default: 8)"
    )
    parser.add_argument("--out", type=Path, help="folder for benchmarks.json, .md and .svg")
    parser.add_argument(
        "--keep",
        type=Path,
        help="folder that keeps corpus and indexes; without the part `build` they are used again",
    )
    parser.add_argument("--data", type=Path, default=DATA, help="folder of collections")
    return parser


def _list_of(known: Iterable[str]) -> type[list[str]]:
    def split(text: str) -> list[str]:
        names = text.split(",")
        for name in names:
            if name not in known:
                raise argparse.ArgumentTypeError(f"must be some of {','.join(known)}, not {name!r}")
        return names

    return split  # type: ignore[return-value]  # argparse takes any callable


def _engines(names: Sequence[str]) -> tuple[list[Engine], list[str]]:
    """The engines that are installed, this project first, and what is to be said about the others."""
    every = [engine(name) for name in sorted(names, key=NAMES.index)]
    missing = [
        f"{one.name}: left out, {one.library} is not installed." for one in every if not one.installed()
    ]
    for line in missing:
        say(line)
    return [one for one in every if one.installed()], missing


@contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    if keep:
        keep.mkdir(parents=True, exist_ok=True)
        yield keep.resolve()
        return
    with tempfile.TemporaryDirectory(prefix="nutgraf-benchmarks-") as folder:
        yield Path(folder)


def _write(name: str, data: Path, articles: int | None, source: Path) -> Extent:
    """Write the corpus, unless a kept folder has it already; indexes of another one are thrown away."""
    note = source.parent / "corpus.json"
    wanted = [name, articles]
    if note.exists():
        known, extent = json.loads(note.read_text())
        if known == wanted:
            return Extent(**extent)
        for folder in (source, *(source.parent / one for one in NAMES)):
            shutil.rmtree(folder, ignore_errors=True)
        note.unlink()
    shutil.rmtree(source, ignore_errors=True)
    extent = write_lines(choose(name, data, articles), source)
    note.write_text(json.dumps([wanted, asdict(extent)]))
    return extent


def _build(report: Report, folder: Path, source: Path, again: bool) -> None:
    for one in report.engines:
        place = folder / one.name
        if not again and (place.exists() or not one.searches):
            continue
        shutil.rmtree(place, ignore_errors=True)
        figures = measure_build(one.name, source, place, report.extent)
        say(f"{one.name}: built in {figures.seconds:.1f} s, {figures.mb_per_second:.2f} MB/s")
        if again:
            report.builds.append(figures)


def _questions(source: Path, data: Path) -> dict[Kind, list[Question]]:
    log = read_log(data / "queries")
    return draw(WordList(lambda: read_lines(source), log), log)


def _ask(
    report: Report,
    indexes: dict[str, Path],
    questions: dict[Kind, list[Question]],
    chosen: argparse.Namespace,
) -> None:
    if "queries" in chosen.parts:
        opened = {one.name: one for one in report.engines if one.searches}
        for one in opened.values():
            one.open(indexes[one.name])
        asked = {kind: questions[kind] for kind in Kind if kind in chosen.classes}
        report.queries = measure_queries(opened, asked, chosen.rounds, chosen.budget, say)
        for one in opened.values():
            one.close()
    if BASE not in indexes:
        return
    if "cold" in chosen.parts:
        report.cold = measure_cold(indexes[BASE], questions[Kind.COMMON][0].words[0])
        say(f"cold: {report.cold.seconds:.3f} s")
    if "http" in chosen.parts:
        report.http = measure_http(indexes[BASE], questions, chosen.connections, _HTTP_SECONDS)
        say(f"http: {report.http.requests_per_second:.0f}/s" if report.http else "http: left out, no wrk")
        if not report.http:
            report.remarks.append("GET /api/search: left out, wrk is not installed.")


def _command(parser: argparse.ArgumentParser, chosen: argparse.Namespace) -> str:
    """The command with what differs from the defaults, without paths."""
    words = ["python -m tests.benchmarks"]
    for name in _SAID:
        value = getattr(chosen, name)
        if value != parser.get_default(name):
            words.append(f"--{name} {','.join(value) if isinstance(value, list) else value}")
    return " ".join(words)


def _write_out(report: Report, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "benchmarks.json").write_text(dump(report), encoding="utf-8")
    (folder / "benchmarks.md").write_text(report.markdown(), encoding="utf-8")
    if report.queries:
        count = f"{report.extent.paragraphs:,} paragraphs"
        (folder / "benchmarks.svg").write_text(picture.draw(report.queries, count), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())

"""python -m tests.benchmarks: build the same corpus and ask the same questions of every engine, in one run.

Progress goes to stderr, Markdown to stdout.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path

from tests.benchmarks.building import measure_build
from tests.benchmarks.corpus import REUTERS, choose, read_lines, write_lines
from tests.benchmarks.engines import NAMES, Engine, engine
from tests.benchmarks.meaning import measure_meaning
from tests.benchmarks.measure import BASE, measure_queries
from tests.benchmarks.project import measure_cold, measure_http, measure_upkeep
from tests.benchmarks.queries import Kind, WordList, draw, read_log
from tests.benchmarks.report import Report
from tests.evaluation.collection import DATA

PARTS = ("build", "queries", "incremental", "cold", "http")
_MEANING = "meaning"
"""A part that is measured where it is asked for, and with the model that is given."""
# Said in the report only when given; the others are paths, which are nobody's business.
_SAID = ("corpus", "articles", "engines", "rounds", "parts")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what was chosen; 2 when the collections are not there."""
    parser = _options()
    chosen = parser.parse_args(arguments)
    if _MEANING in chosen.parts and chosen.model is None:
        parser.error(f"the part {_MEANING} needs --model FOLDER")
    if not (chosen.data / REUTERS).exists():
        print(f"{chosen.data}: must be a folder with {REUTERS}", file=sys.stderr)
        return 2
    engines, remarks = _engines(chosen.engines)
    with tempfile.TemporaryDirectory(prefix="nutgraf-benchmarks-") as name:
        folder = Path(name)
        source = folder / "stories"
        extent = write_lines(choose(chosen.corpus, chosen.data, chosen.articles), source)
        say(f"{extent}")
        corpus = chosen.corpus + (f", first {chosen.articles}" if chosen.articles else "")
        report = Report(_command(parser, chosen), corpus, extent, engines, remarks=remarks)
        if set(chosen.parts) != {"incremental"}:
            with ExitStack() as running:
                for one in engines:
                    running.enter_context(one.serve(folder / one.name))
                _measure(report, folder, source, chosen)
        if "incremental" in chosen.parts:
            report.project = measure_upkeep(read_lines(source), folder) + report.project
    print(report.markdown())
    return 0


def say(text: str) -> None:
    """One line of progress."""
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--corpus", default="reuters", help="reuters, or synthetic:N for N made-up articles")
    parser.add_argument("--articles", type=int, help="only so many articles of the corpus")
    parser.add_argument("--engines", type=_list_of(NAMES), default=list(NAMES), help=f"of {','.join(NAMES)}")
    parts = (*PARTS, _MEANING)
    parser.add_argument("--parts", type=_list_of(parts), default=list(PARTS), help=f"of {','.join(parts)}")
    parser.add_argument("--model", type=Path, help="folder of the model of the part meaning")
    parser.add_argument("--rounds", type=int, default=5, help="rounds that count (default: 5)")
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


def _measure(report: Report, folder: Path, source: Path, chosen: argparse.Namespace) -> None:
    for one in report.engines:
        figures = measure_build(one, source, folder / one.name, report.extent)
        say(f"{one.name}: built in {figures.seconds:.1f} s, {figures.mb_per_second:.2f} MB/s")
        if "build" in chosen.parts:
            report.builds.append(figures)
    if not {"queries", "cold", "http", _MEANING} & set(chosen.parts):
        return
    log = read_log(chosen.data / "queries")
    questions = draw(WordList(lambda: read_lines(source), log), log)
    if "queries" in chosen.parts:
        for one in report.engines:
            one.open(folder / one.name)
        opened = {one.name: one for one in report.engines}
        report.queries = measure_queries(opened, questions, chosen.rounds, say=say)
        for one in report.engines:
            one.close()
    index = folder / BASE
    if "cold" in chosen.parts and index.exists():
        report.project += measure_cold(index, questions[Kind.COMMON][0].words[0])
    if "http" in chosen.parts and index.exists():
        report.project += measure_http(index, questions)
    # The last one, since it adds vectors to the index.
    if _MEANING in chosen.parts and index.exists():
        report.project += measure_meaning(index, chosen.model, questions, chosen.rounds)


def _command(parser: argparse.ArgumentParser, chosen: argparse.Namespace) -> str:
    """The command with what differs from the defaults, without paths."""
    words = ["python -m tests.benchmarks"]
    for name in _SAID:
        value = getattr(chosen, name)
        if value != parser.get_default(name):
            words.append(f"--{name} {','.join(value) if isinstance(value, list) else value}")
    return " ".join(words)


if __name__ == "__main__":
    sys.exit(main())

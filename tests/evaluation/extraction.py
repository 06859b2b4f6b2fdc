"""How well the text of documents is extracted, beside other programs that extract it.

python -m tests.evaluation.extraction FOLDER: for each document NAME.SUFFIX in the folder, NAME.txt is what a
person reads in it: paragraphs with blank lines between them, in reading order, without running heads and page
numbers. Fields at its start (`title:`, `date:` and `author:`, between lines of `---`) are compared with those
of the article. A form feed is between the articles of a container, such as a feed. Without such a file a
document counts for speed alone. `python -m tests.evaluation.corpora` makes such folders.

The columns: documents; those refused; articles found of those expected in containers, and others; the F1
score of the paragraphs of eight words or more; the F1 score of runs of five words, which are lost where
columns are mixed up, words are divided, or a page number is in between; titles, dates and authors that are
right; documents a second of processor time; the most memory that was taken. Scores are means over the
documents, for a container over its articles. An article is found if an extracted one has half of its runs.
"""

from __future__ import annotations

import argparse
import multiprocessing
import re
import resource
import sys
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from rapidfuzz import process
from rapidfuzz.distance import Indel

from indexer.readers import ReadOptions, find_unread_kind
from indexer.readers.document import suffix_of
from indexer.readers.front_matter import split_front_matter
from tests.evaluation.peers import BLANK_LINES, Extract, Extracted, find_programs

_MIN_WORDS = 8
_RUN = 5
_SAME = 0.9
_FOUND = 0.5
_FIRST = 10
_OPTIONS = ReadOptions()
_FIELDS = ("title", "date", "author")

_Runs = Counter[tuple[str, ...]]


@dataclass
class Figures:
    """What was counted of one program and one type of documents."""

    documents: int = 0
    refused: int = 0
    others: int = 0
    paragraphs: list[float] = field(default_factory=list)
    runs: list[float] = field(default_factory=list)
    found: Counter[str] = field(default_factory=Counter)
    asked: Counter[str] = field(default_factory=Counter)
    told: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    memory: int = 0


def measure(folder: Path, names: Sequence[str] = (), *, each: bool = False) -> str:
    """Return a table of all programs, or those with these names, over the documents of a folder."""
    types: dict[str, list[Path]] = {}
    for path in sorted(folder.rglob("*")):
        suffix = suffix_of(path.name)
        if find_unread_kind(path.name) is None and suffix != ".txt" and path.is_file():
            types.setdefault(suffix, []).append(path)
    rows = [
        "| type | program | documents | refused | articles | paragraphs | runs | title | date | author |"
        " documents/s | MB |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for suffix, paths in types.items():
        for name, extract in find_programs(suffix).items():
            if not names or name in names:
                rows.append(_row(suffix, name, _in_process(extract, paths, each=each)))
    return "\n".join(rows)


def write_truth(path: Path, articles: Iterable[Extracted]) -> None:
    """Write the articles that are expected in a document beside it."""
    texts = []
    for article in articles:
        fields = {"title": article.title, "date": article.date, "author": ", ".join(article.authors)}
        head = "".join(f'{name}: "{value}"\n' for name, value in fields.items() if value)
        body = "\n\n".join(re.sub(r"\n\s*\n", "\n", text.strip()) for text in article.paragraphs)
        texts.append(f"---\n{head}---\n\n{body}\n" if head else f"\n\n{body}\n")
    _truth_of(path).write_text("\n\f\n".join(texts), encoding="utf-8")


def read_truth(path: Path) -> list[Extracted]:
    """Return the articles that are expected in a document; none if that is not known."""
    truth = _truth_of(path)
    if not truth.is_file():
        return []
    expected = []
    for text in truth.read_text(encoding="utf-8").split("\n\f\n"):
        front, body = split_front_matter(text, _OPTIONS)
        details = front.details
        day = details.dates[0].value if details.dates else ""
        expected.append(Extracted(BLANK_LINES.split(body.strip()), front.title, day, details.authors))
    return expected


def _truth_of(path: Path) -> Path:
    stem = path.name.removesuffix(".gz")
    return path.with_name(f"{stem.removesuffix(Path(stem).suffix)}.txt")


def _row(suffix: str, name: str, figures: Figures) -> str:
    containers = (
        f"{figures.found['articles']}/{figures.asked['articles']} + {figures.others}"
        if figures.asked["articles"]
        else ""
    )
    fields = (
        f"{figures.found[field]}/{figures.asked[field]}"
        if figures.asked[field] and figures.told[field]
        else "–"
        for field in _FIELDS
    )
    speed = figures.documents / figures.seconds if figures.seconds else 0
    cells = (
        *(suffix, name, figures.documents, figures.refused, containers),
        *(_mean(figures.paragraphs), _mean(figures.runs)),
        *(*fields, f"{speed:.1f}", figures.memory >> 20),
    )
    return f"| {' | '.join(map(str, cells))} |"


def _mean(values: list[float]) -> str:
    return f"{sum(values) / len(values):.3f}" if values else "–"


def _in_process(extract: Extract, paths: list[Path], *, each: bool) -> Figures:
    """Run a program over documents in a process of its own, so that its memory is known."""
    receiving, sending = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.get_context("fork").Process(
        target=_measure, args=(extract, paths, sending, each)
    )
    process.start()
    sending.close()
    figures: Figures = receiving.recv()
    process.join()
    return figures


def _measure(
    extract: Extract, paths: list[Path], sending: multiprocessing.connection.Connection, each: bool
) -> None:
    figures = Figures()
    for path in paths[:_FIRST]:
        extract(path)  # loads what is loaded once
    for path in paths:
        start = _processor_time()
        found = extract(path)
        seconds = _processor_time() - start
        figures.seconds += seconds
        figures.documents += 1
        figures.refused += found is None
        if expected := read_truth(path):
            _compare(found or [], expected, figures)
            if each:
                scores = f"{figures.paragraphs[-1]:.3f} {figures.runs[-1]:.3f} {seconds:.2f} s"
                print(f"{path.name}: {scores}", file=sys.stderr)
    most = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    figures.memory = most << 10
    sending.send(figures)


def _processor_time() -> float:
    return sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))


def _compare(found: list[Extracted], expected: list[Extracted], figures: Figures) -> None:
    """Count what was found in a document."""
    if len(expected) == 1:
        # It may be read as several, such as the chapters of a book.
        rest = [text for article in found[1:] for text in article.texts]
        pairs = [replace(found[0], paragraphs=[*found[0].paragraphs, *rest]) if found else None]
    else:
        pairs = pair_articles(found, expected)
        figures.asked["articles"] += len(expected)
        figures.found["articles"] += sum(pair is not None for pair in pairs)
        figures.others += len(found) - sum(pair is not None for pair in pairs)
    paragraphs_of, runs_of = [], []
    for article, wanted in zip(pairs, expected, strict=True):
        given = article or Extracted([])
        paragraphs_of.append(score_paragraphs(given.texts, wanted.texts))
        runs_of.append(_score_runs(_runs(given.texts), _runs(wanted.texts)))
        if article:
            _compare_fields(article, wanted, figures)
    figures.paragraphs.append(sum(paragraphs_of) / len(paragraphs_of))
    figures.runs.append(sum(runs_of) / len(runs_of))


def _compare_fields(article: Extracted, wanted: Extracted, figures: Figures) -> None:
    """Count the fields that are right: of dates the day, of authors all, in any order."""
    values = {
        "title": (_words(article.title), _words(wanted.title)),
        "date": (article.date[:10], wanted.date[:10]),
        "author": (sorted(map(_words, article.authors)), sorted(map(_words, wanted.authors))),
    }
    for name, (given, right) in values.items():
        if right:
            figures.asked[name] += 1
            figures.found[name] += given == right
            figures.told[name] += bool(given) and given != [[]]


def pair_articles(found: Sequence[Extracted], expected: Sequence[Extracted]) -> list[Extracted | None]:
    """Return for each expected article the one found that has most of its runs of words, at least half."""
    left = {number: _runs(article.texts) for number, article in enumerate(found)}
    pairs: list[Extracted | None] = []
    for wanted in expected:
        runs = _runs(wanted.texts)
        best = max(left, key=lambda number: (left[number] & runs).total(), default=None)
        if best is not None and (left[best] & runs).total() >= max(1, _FOUND * runs.total()):
            pairs.append(found[best])
            del left[best]
        else:
            pairs.append(None)
    return pairs


def _words(text: str) -> list[str]:
    """The words of a text; soft hyphens and the forms of letters do not count."""
    plain = unicodedata.normalize("NFKC", text).replace("\xad", "").casefold()
    return re.findall(r"\w+", plain)


def score_paragraphs(found: Iterable[str], expected: Iterable[str]) -> float:
    """Return the F1 score of paragraphs, of which two are the same if nine in ten characters are.

    Short ones do not count, nor do spaces: a program may divide a word at a change of font.
    """
    given, wanted = _long_paragraphs(found), _long_paragraphs(expected)
    same = 0
    left = Counter(wanted)
    others = []
    for text in given:
        if left[text]:
            left[text] -= 1
            same += 1
        else:
            others.append(text)
    rest = list(left.elements())
    for text in others:
        if best := process.extractOne(text, rest, scorer=Indel.normalized_similarity, score_cutoff=_SAME):
            rest[best[2]] = ""
            same += 1
    return 2 * same / (len(given) + len(wanted)) if given or wanted else 1.0


def _long_paragraphs(paragraphs: Iterable[str]) -> list[str]:
    words = map(_words, paragraphs)
    return ["".join(each) for each in words if len(each) >= _MIN_WORDS]


def _runs(paragraphs: Iterable[str]) -> _Runs:
    words = [word for paragraph in paragraphs for word in _words(paragraph)]
    return Counter(tuple(words[at : at + _RUN]) for at in range(len(words) - _RUN + 1))


def _score_runs(found: _Runs, expected: _Runs) -> float:
    """Return the F1 score of runs of words: the harmonic mean of precision and recall."""
    total = found.total() + expected.total()
    return 2 * (found & expected).total() / total if total else 1.0


def main() -> None:
    """Be the command."""
    parser = argparse.ArgumentParser(prog="python -m tests.evaluation.extraction", description=__doc__)
    parser.add_argument("folder", type=Path, help="documents, and the truth beside them")
    parser.add_argument(
        "--program", action="append", default=[], help="only this program (several times: these)"
    )
    parser.add_argument("--each", action="store_true", help="print the scores of each document, too")
    chosen = parser.parse_args()
    print(measure(chosen.folder, chosen.program, each=chosen.each))


if __name__ == "__main__":
    main()

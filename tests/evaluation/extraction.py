"""How well the text of documents is extracted, beside other programs that extract it.

python -m tests.evaluation.extraction FOLDER: for each document NAME.SUFFIX in the folder, NAME.txt is what a
person reads in it: paragraphs with blank lines between them, in reading order, without running heads and page
numbers. Fields at its start (`title:` and `date:`, between lines of `---`) are compared with those of the
article. Without such a file a document counts for speed alone.

The columns: documents; those refused; the F1 score of the paragraphs of eight words or more; the F1 score of
runs of five words, which are lost where columns are mixed up, words are divided, or a page number is in
between; titles and dates found; documents a second of processor time; the most memory that was taken. Scores
are means over the documents.
"""

from __future__ import annotations

import argparse
import multiprocessing
import re
import resource
import subprocess
import sys
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from shutil import which

from rapidfuzz import process
from rapidfuzz.distance import Indel

from indexer.article import Article
from indexer.errors import InvalidArticle, UnreadableDocument
from indexer.readers import SUFFIXES, ReadOptions, read
from indexer.readers.front_matter import split_front_matter

_MIN_WORDS = 8
_RUN = 5
_SAME = 0.9
_BLANK_LINES = re.compile(r"\n[^\S\n]*\n\s*|\f")
_OPTIONS = ReadOptions()
_FIELDS = ("title", "date")


@dataclass
class Extracted:
    """What a program finds in a document; `fields` are those of the article, by name."""

    paragraphs: list[str]
    fields: dict[str, str] = field(default_factory=dict)


Extract = Callable[[Path], Extracted | None]
"""Returns what is found in a document, None if it is refused."""


def _nutgraf(path: Path) -> Extracted | None:
    articles: list[Article] = []
    with path.open("rb") as stream:
        try:
            found = read(stream, path.name, path.stem, _OPTIONS)
            articles += (article for article in found if isinstance(article, Article))
        except (UnreadableDocument, InvalidArticle):
            return None
    if not articles:
        return None
    first = articles[0]
    fields = {
        "title": first.title,
        "date": first.published.value if first.published else "",
    }
    return Extracted([text for article in articles for text in (article.title, *article.paragraphs)], fields)


def _pdftotext(path: Path) -> Extracted | None:
    return _run_program("pdftotext", "-enc", "UTF-8", path, "-")


def _pdfminer(path: Path) -> Extracted | None:
    from pdfminer.high_level import extract_pages
    from pdfminer.layout import LTTextContainer

    boxes = (box for page in extract_pages(path) for box in page if isinstance(box, LTTextContainer))
    return Extracted([box.get_text() for box in boxes])


def _kreuzberg(path: Path) -> Extracted | None:
    from kreuzberg import extract_file_sync

    try:
        return Extracted(_BLANK_LINES.split(extract_file_sync(path).content))
    except KeyboardInterrupt:
        raise
    except BaseException:  # noqa: BLE001 - a panic of its native code is no Exception
        return None


def _pandoc(path: Path) -> Extracted | None:
    return _run_program("pandoc", "--to=plain", "--wrap=none", path)


def _run_program(*command: str | Path) -> Extracted | None:
    ended = subprocess.run(command, capture_output=True, check=False)
    return (
        None if ended.returncode else Extracted(_BLANK_LINES.split(ended.stdout.decode("utf-8", "replace")))
    )


PEERS: dict[str, dict[str, Extract]] = {
    ".pdf": {"pdftotext": _pdftotext, "pdfminer.six": _pdfminer, "kreuzberg": _kreuzberg},
    **{
        suffix: {"pandoc": _pandoc, "kreuzberg": _kreuzberg}
        for suffix in (".docx", ".odt", ".rtf", ".epub", ".pptx")
    },
}
"""The programs beside ours for each type, by name; those that are not installed are left out."""
_MODULES = {"pdfminer.six": "pdfminer", "kreuzberg": "kreuzberg"}


@dataclass
class Figures:
    """What was counted of one program and one type of documents."""

    documents: int = 0
    refused: int = 0
    paragraphs: list[float] = field(default_factory=list)
    runs: list[float] = field(default_factory=list)
    found: Counter[str] = field(default_factory=Counter)
    asked: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    memory: int = 0


def measure(folder: Path, names: Sequence[str] = (), *, each: bool = False) -> str:
    """Return a table of all programs, or those with these names, over the documents of a folder."""
    types: dict[str, list[Path]] = {}
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() in SUFFIXES and path.suffix != ".txt" and path.is_file():
            types.setdefault(path.suffix.lower(), []).append(path)
    rows = [
        "| type | program | documents | refused | paragraphs | runs | title, date | documents/s | MB |",
        "| --- | --- | ---: | ---: | ---: | ---: | --- | ---: | ---: |",
    ]
    for suffix, paths in types.items():
        for name, extract in {"nutgraf": _nutgraf, **PEERS.get(suffix, {})}.items():
            is_there = find_spec(_MODULES[name]) if name in _MODULES else name == "nutgraf" or which(name)
            if is_there and (not names or name in names):
                rows.append(_row(suffix, name, _in_process(extract, paths, each=each)))
    return "\n".join(rows)


def _row(suffix: str, name: str, figures: Figures) -> str:
    fields = ", ".join(
        f"{figures.found[field]}/{figures.asked[field]}"
        if figures.asked[field] and name == "nutgraf"
        else "–"
        for field in _FIELDS
    )
    speed = figures.documents / figures.seconds if figures.seconds else 0
    cells = (
        *(suffix, name, figures.documents, figures.refused, _mean(figures.paragraphs), _mean(figures.runs)),
        *(fields, f"{speed:.1f}", figures.memory >> 20),
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
    extract(paths[0])  # loads what is loaded once
    for path in paths:
        start = _processor_time()
        found = extract(path)
        seconds = _processor_time() - start
        figures.seconds += seconds
        figures.documents += 1
        figures.refused += found is None
        truth = path.with_suffix(".txt")
        if not truth.is_file():
            continue
        front, text = split_front_matter(truth.read_text(encoding="utf-8"), _OPTIONS)
        expected = [front.title, *_BLANK_LINES.split(text.strip())]
        given = found.paragraphs if found else []
        figures.paragraphs.append(_score_paragraphs(_long_paragraphs(given), _long_paragraphs(expected)))
        figures.runs.append(_score_runs(_runs(given), _runs(expected)))
        stated = {
            "title": front.title,
            "date": front.details.dates[0].value if front.details.dates else "",
        }
        for name, value in stated.items():
            if value and found:
                figures.asked[name] += 1
                figures.found[name] += _words(found.fields.get(name, "")) == _words(value)
        if each:
            print(
                f"{path.name}: {figures.paragraphs[-1]:.3f} {figures.runs[-1]:.3f} {seconds:.2f} s",
                file=sys.stderr,
            )
    most = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    figures.memory = most << 10
    sending.send(figures)


def _processor_time() -> float:
    return sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))


def _words(text: str) -> list[str]:
    """The words of a text; soft hyphens and the forms of letters do not count."""
    plain = unicodedata.normalize("NFKC", text).replace("\xad", "").casefold()
    return re.findall(r"\w+", plain)


def _long_paragraphs(paragraphs: Iterable[str]) -> list[str]:
    """Paragraphs of some length, without spaces: a program may divide a word at a change of font."""
    words = map(_words, paragraphs)
    return ["".join(each) for each in words if len(each) >= _MIN_WORDS]


def _score_paragraphs(found: list[str], expected: list[str]) -> float:
    """Return the F1 score of paragraphs, of which two are the same if nine in ten characters are."""
    same = 0
    left = Counter(expected)
    others = []
    for text in found:
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
    return 2 * same / (len(found) + len(expected)) if found or expected else 1.0


def _runs(paragraphs: Iterable[str]) -> Counter[tuple[str, ...]]:
    words = [word for paragraph in paragraphs for word in _words(paragraph)]
    return Counter(tuple(words[at : at + _RUN]) for at in range(len(words) - _RUN + 1))


def _score_runs(found: Counter[tuple[str, ...]], expected: Counter[tuple[str, ...]]) -> float:
    """Return the F1 score of runs of words: the harmonic mean of precision and recall."""
    total = found.total() + expected.total()
    same = sum(min(count, expected[key]) for key, count in found.items())
    return 2 * same / total if total else 1.0


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

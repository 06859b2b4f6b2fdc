"""How well and how fast documents are read, beside the libraries that do a part of it alone.

python -m tests.evaluation.reading --data ../shared/data
"""

from __future__ import annotations

import html
import json
import logging
import re
import tarfile
import time
import unicodedata
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

from indexer.article import Article
from indexer.errors import UnreadableDocument
from indexer.readers import ReadOptions, read
from tests.evaluation.collection import run

_OPTIONS = ReadOptions()

# A page that makes every library load all it ever loads, before the clock starts: that takes a second or two.
_WARM_UP = (
    b"<html><head><title>A page</title></head><body><p class='date'>Mittwoch 3 of 2019</p>"
    b"<p>Some words of text for the library to find.</p></body></html>"
)


def measure(data: Path) -> list[str]:
    """Print the figures; returns those in which a library alone is not beaten."""
    logging.disable(logging.CRITICAL)
    found = {
        "extraction": extraction(data / "html" / "segments-dev.tar.xz"),
        "titles": titles(data / "html" / "segments-dev.tar.xz"),
        "dates": dates(data / "html" / "dates-dev.tar.xz"),
        "texts": texts(data / "news" / "bbc"),
    }
    for name, figures in found.items():
        plain = {key: value for key, value in figures.items() if not isinstance(value, dict)}
        print(f"{name}: " + ", ".join(f"{value} {key}" for key, value in plain.items()))
        for row, values in figures.items():
            if isinstance(values, dict):
                print(f"  {row:<30}" + "  ".join(f"{key} {value}" for key, value in values.items()))
    behind = []
    for name, figure in (("extraction", "both"), ("titles", "found"), ("dates", "exact")):
        rows = {row: values[figure] for row, values in found[name].items() if isinstance(values, dict)}
        ours = rows.pop("nutgraf")
        best = max(rows.values())
        if ours < best or (name == "dates" and ours == best):
            behind.append(f"{name} ({ours}, {best} by a library alone)")
    return behind


def extraction(archive: Path) -> dict[str, Any]:
    """Shares of the segments that must be in the text and are, and that must not and are not."""
    import trafilatura

    pages = list(_pages(archive))
    return {
        "pages": len(pages),
        "nutgraf": _segments(pages, lambda page: _text(_article(page))),
        "trafilatura": _segments(pages, lambda page: trafilatura.extract(page) or ""),
    }


def titles(archive: Path) -> dict[str, Any]:
    """Share of the pages whose title is found, apart from case and punctuation, among those that have one."""
    from trafilatura.metadata import extract_metadata

    pages = [(_normalize_title(gold["title"]), page) for gold, page in _pages(archive) if gold.get("title")]

    def ours(page: bytes) -> str:
        article = _article(page)
        return article.title if article else ""

    def theirs(page: bytes) -> str:
        found = extract_metadata(page)
        return (found.title if found else None) or ""

    return {
        "pages": len(pages),
        "nutgraf": _share_of_titles(pages, ours),
        "trafilatura": _share_of_titles(pages, theirs),
    }


def dates(archive: Path) -> dict[str, Any]:
    """Share of the pages whose publication day is found exactly, among those that have one."""
    import htmldate

    pages = [(gold, page) for gold, page in _pages(archive) if isinstance(gold["date"], str)]

    def ours(page: bytes) -> str | None:
        article = _article(page)
        return article.published.value[:10] if article and article.published else None

    def theirs(original: bool) -> Callable[[bytes], str | None]:
        return lambda page: htmldate.find_date(page, original_date=original)

    return {
        "pages": len(pages),
        "nutgraf": _days(pages, ours),
        "htmldate, original_date=True": _days(pages, theirs(True)),
        "htmldate, original_date=False": _days(pages, theirs(False)),
    }


def texts(folder: Path) -> dict[str, Any]:
    """Seconds for reading a folder of text files that are in memory already."""
    files = [(path.name, path.read_bytes()) for path in sorted(folder.rglob("*.txt"))]
    start = time.perf_counter()
    paragraphs = 0
    for name, data in files:
        for article in read(BytesIO(data), name, name, _OPTIONS):
            paragraphs += len(article.paragraphs) if isinstance(article, Article) else 0
    return {"files": len(files), "paragraphs": paragraphs, "seconds": round(time.perf_counter() - start, 3)}


def _pages(archive: Path) -> Iterator[tuple[dict[str, Any], bytes]]:
    with tarfile.open(archive) as tar:
        data = {
            member.name.rpartition("/")[2]: file.read()
            for member in tar
            if (file := tar.extractfile(member)) is not None
        }
    for line in data["gold.jsonl"].decode().splitlines():
        gold = json.loads(line)
        yield gold, data[gold["file"]]


def _article(page: bytes) -> Article | None:
    # The name says nothing: what is found is found in the page.
    try:
        article = next(read(BytesIO(page), "page.html", "page", _OPTIONS))
    except UnreadableDocument:
        return None
    return article if isinstance(article, Article) else None


def _text(article: Article | None) -> str:
    return "\n".join((article.title, *article.paragraphs)) if article else ""


def _flat(text: str) -> str:
    return " ".join(text.split())


def _start(work: Callable[[bytes], object]) -> None:
    """Nothing remembered from the pages of another run, everything loaded."""
    from htmldate.meta import reset_caches as forget_dates
    from trafilatura.meta import reset_caches as forget_pages

    forget_dates()
    forget_pages()
    work(_WARM_UP)


def _segments(pages: list[tuple[dict[str, Any], bytes]], extract: Callable[[bytes], str]) -> dict[str, float]:
    found = wanted = absent = unwanted = 0
    _start(extract)
    wall, cpu = time.perf_counter(), time.process_time()
    results = [extract(page) for _, page in pages]
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    for (gold, _), result in zip(pages, results, strict=True):
        text = _flat(result)
        wanted += len(gold["with"])
        found += sum(_flat(segment) in text for segment in gold["with"])
        unwanted += len(gold["without"])
        absent += sum(_flat(segment) not in text for segment in gold["without"])
    return {
        "with found": round(found / wanted, 4),
        "without absent": round(absent / unwanted, 4),
        "both": round((found + absent) / (wanted + unwanted), 4),
        "pages/s": round(len(pages) / wall, 1),
        "pages/s of CPU": round(len(pages) / cpu, 1),
    }


def _normalize_title(title: str) -> str:
    """The words of a title, whose soft hyphens and character references do not count."""
    plain = html.unescape(title).replace("\xad", "")
    return " ".join(re.findall(r"\w+", unicodedata.normalize("NFKC", plain).casefold()))


def _share_of_titles(pages: list[tuple[str, bytes]], find: Callable[[bytes], str]) -> dict[str, float]:
    right = sum(_normalize_title(find(page)) == title for title, page in pages)
    return {"found": round(right / len(pages), 4)}


def _days(pages: list[tuple[dict[str, Any], bytes]], find: Callable[[bytes], str | None]) -> dict[str, float]:
    _start(find)
    wall = time.perf_counter()
    results = [find(page) for _, page in pages]
    wall = time.perf_counter() - wall
    exact = sum(day == gold["date"] for (gold, _), day in zip(pages, results, strict=True))
    return {"exact": round(exact / len(pages), 4), "pages/s": round(len(pages) / wall, 1)}


if __name__ == "__main__":
    run("reading", __doc__, measure)

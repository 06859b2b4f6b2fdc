"""Results for other programs: rows as CSV and JSON Lines, and an Atom feed."""

from __future__ import annotations

import contextlib
import csv
import io
import re
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from tempfile import SpooledTemporaryFile
from typing import IO, Any, cast
from urllib.parse import quote
from xml.etree import ElementTree as Xml

import msgspec
from werkzeug.wsgi import FileWrapper

from indexer.errors import ModelFailed, NutgrafError
from indexer.files.fork_safe import Lock
from indexer.results import Hit, Page
from webui.answers import Row, as_bytes
from webui.urls import Search, article_url, linkable_url

MEDIA_TYPES = {
    "json": "application/json",
    "jsonl": "application/x-ndjson",
    "csv": "text/csv",
    "atom": "application/atom+xml",
}
# Hits that are fetched at once: their texts are in memory together.
BATCH = 500
# Seconds for all rows of a response.
SECONDS = 10.0
# Bytes of rows in memory; more rows are spooled to an unnamed file.
IN_MEMORY = 2**20
# Schemas for the OpenAPI description.
SCHEMAS: dict[str, dict[str, Any]] = {
    MEDIA_TYPES["jsonl"]: {"type": "string", "description": "Lines, each of them a Row as JSON."},
    MEDIA_TYPES["csv"]: {"type": "string", "description": "RFC 4180: a header, then the fields of a Row."},
    MEDIA_TYPES["atom"]: {"type": "string", "description": "RFC 4287: an entry for each hit."},
}
_ATOM = "http://www.w3.org/2005/Atom"
# Characters that XML 1.0 does not allow, even escaped.
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
# Characters that an IRI does not allow (RFC 3987).
_NOT_IRI = re.compile('[\x00-\x20"<>\\\\^`{|}\x7f-\x9f]')
# The beginning of a cell that spreadsheets take for a formula; they ignore white space before it.
_FORMULA = re.compile("[\\s\x00-\x20\ufeff]*[=+\\-@＝＋－＠]|[\t\r\n]")


def atom_feed(
    page: Page, search: Search, base: str, address: str, following: str | None, updated: str
) -> bytes:
    """A page of hits as an Atom feed (RFC 4287).

    `base` is the absolute URL of the search page, `address` that of the feed and `following` that of its next
    page. `updated` is the time of the last commit in ISO 8601, and stands in for missing dates of articles.
    """
    Xml.register_namespace("", _ATOM)
    feed = Xml.Element(f"{{{_ATOM}}}feed")
    title = search.query.strip() or "All articles"
    _add(feed, "id", _urn(f"feed {search.query_string()}"))
    _add(feed, "title", title)
    _add(feed, "updated", _moment(updated))
    _add(_add(feed, "author"), "name", "Nutgraf")
    _add(feed, "link", rel="self", type=MEDIA_TYPES["atom"], href=address)
    _add(feed, "link", rel="alternate", type="text/html", href=search.url(base))
    if following:
        _add(feed, "link", rel="next", type=MEDIA_TYPES["atom"], href=following)
    for hit in page.hits:
        _add_entry(feed, hit, search, base, updated)
    return bytes(Xml.tostring(feed, encoding="utf-8", xml_declaration=True))


def _add_entry(feed: Xml.Element, hit: Hit, search: Search, base: str, updated: str) -> None:
    article = hit.article
    entry = _add(feed, "entry")
    _add(entry, "id", _urn(f"article {article.id}"))
    _add(entry, "title", article.title or "Untitled article")
    published = article.published
    _add(entry, "updated", _moment(published.start.isoformat() if published else updated))
    # A feed cannot express less exact dates.
    if published and published.precision in ("day", "minute"):
        _add(entry, "published", _moment(published.start.isoformat()))
    anchor = hit.passages[0].anchor if hit.passages else ""
    _add(
        entry,
        "link",
        rel="alternate",
        type="text/html",
        href=article_url(base, article.id, search.query_string(), anchor),
    )
    if link := linkable_url(article.url):
        _add(entry, "link", rel="via", href=_NOT_IRI.sub(lambda found: quote(found[0]), link[0]))
    for author in article.authors:
        _add(_add(entry, "author"), "name", author)
    for name in filter(None, dict.fromkeys((article.source, article.section, *article.tags))):
        _add(entry, "category", term=name)
    _add(entry, "summary", "\n\n".join(passage.text for passage in hit.passages), type="text")


def _add(parent: Xml.Element, name: str, text: str | None = None, **attributes: str) -> Xml.Element:
    clean = {key: _NOT_XML.sub("\ufffd", value) for key, value in attributes.items()}
    element = Xml.SubElement(parent, f"{{{_ATOM}}}{name}", clean)
    if text is not None:
        element.text = _NOT_XML.sub("\ufffd", text)
    return element


def _urn(name: str) -> str:
    # Independent of the URL of the archive, so that feed readers recognize an article.
    return uuid.uuid5(uuid.NAMESPACE_URL, f"nutgraf {name}".encode("utf-8", "replace").decode()).urn


def _moment(value: str) -> str:
    # Atom requires a time zone; the index has the local time of the publisher.
    return re.sub(r"(\.[0-9]+)?(Z|[+-]00:00)?$", "Z", value, count=1)


class RowsIncomplete(NutgrafError):
    """The rows of a search could not be completed. A part of them is never sent."""


class ExportRunning(NutgrafError):
    """Another export is in progress in this process."""


class IndexChanged(Exception):
    """The index was changed between two pages of rows."""


def begin_export() -> contextlib.ExitStack:
    """Begin an export; closing the returned stack ends it.

    A process runs one export at a time, because a large response occupies a thread until the client has read
    it. Raises ExportRunning.
    """
    if not _running.acquire_now():
        raise ExportRunning("Another export is in progress; try again later.")
    export = contextlib.ExitStack()
    export.callback(_running.release)
    return export


def limit_time(
    search: Callable[..., Page], each: float, whole: float, clock: Callable[[], float] = time.monotonic
) -> Callable[..., Page]:
    """`search`, limited to `each` seconds per call and `whole` seconds in total from now on.

    It raises RowsIncomplete if a call times out, or if the model fails after it answered for the first page.
    """
    whole = min(whole, SECONDS)
    end = clock() + whole

    def fetch(**slice_: Any) -> Page:
        # Search even if no time is left, because invalid parameters are reported first.
        try:
            page = search(seconds=min(each, max(end - clock(), 1e-9)), **slice_)
        except ModelFailed as error:
            raise RowsIncomplete(
                "The rows could not be completed, since the model for their meaning stopped answering; "
                "try again later, or search by words alone with meaning=0."
            ) from error
        if page.timed_out or clock() > end:
            raise RowsIncomplete(
                f"The rows were not complete in time ({each:g} s for each {BATCH} hits, {whole:g} s in all); "
                "ask for fewer with limit, or add a filter."
            )
        return page

    return fetch


def fetch_pages(
    first: Page, wanted: int, fetch: Callable[..., Page], revision: Callable[[], str], known: str
) -> Iterator[Page]:
    """The page `first` and the pages after it, `wanted` hits in total.

    Raises IndexChanged if the revision of the index is no longer `known`, that of the first page.
    """
    page, left = first, wanted - len(first.hits)
    yield page
    while page.cursor and left > 0:
        page = fetch(cursor=page.cursor, limit=min(left, BATCH))
        left -= len(page.hits)
        if revision() != known:
            raise IndexChanged
        yield page


def write_rows(form: str, pages: Iterator[Page], export: contextlib.ExitStack) -> tuple[Iterable[bytes], int]:
    """All rows of the pages as `csv` or `jsonl`, and their size in bytes.

    All rows are made before the first is sent, because an error could not be reported later. If they are
    spooled to a file, closing it ends `export`. Raises RowsIncomplete if the disk is full.
    """
    found = (row for page in pages for hit in page.hits for row in _rows_of(hit))
    lines = _json_lines(found) if form == "jsonl" else _csv_lines(found)
    file = SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115 - the response closes it
    with contextlib.ExitStack() as stack:
        stack.callback(_close, file)
        for line in lines:
            with _report_no_room():
                file.write(line)
        with _report_no_room():
            size = file.tell()
            file.seek(0)
        if size <= IN_MEMORY:
            return [file.read()], size
        stack.pop_all()
    return _File(cast(IO[bytes], file), export.pop_all()), size


class _File(FileWrapper):
    """The spooled rows of an export, which ends when all are read or the file is closed."""

    def __init__(self, file: IO[bytes], export: contextlib.ExitStack) -> None:
        super().__init__(file, 2**16)
        self._export = export

    def __next__(self) -> bytes:
        try:
            return super().__next__()
        except StopIteration:
            self._export.close()
            raise

    def close(self) -> None:
        super().close()
        self._export.close()


@contextlib.contextmanager
def _report_no_room() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise RowsIncomplete(
            f"The temporary file of the rows could not be written ({error}); free some space, or ask for "
            "fewer with limit."
        ) from error


def _close(file: SpooledTemporaryFile[bytes]) -> None:
    # Closing flushes, which may fail again.
    with contextlib.suppress(OSError):
        file.close()


def _json_lines(found: Iterator[Row]) -> Iterator[bytes]:
    return (msgspec.json.encode(row) + b"\n" for row in found)


def _csv_lines(found: Iterator[Row]) -> Iterator[bytes]:
    """CSV (RFC 4180) with a header, in UTF-8; cells are escaped so that none is a formula."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer)

    def line(cells: list[object]) -> bytes:
        writer.writerow(cells)
        text = buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()
        return text.encode("utf-8", "replace")

    yield line(list(Row.__struct_fields__))
    for row in found:
        yield line([_cell(value) for value in msgspec.structs.astuple(row)])


def _rows_of(hit: Hit) -> Iterator[Row]:
    """One row per passage, or one row for a hit that matched in its title only."""
    article, published = hit.article, hit.article.published
    for passage in hit.passages or (None,):
        yield Row(
            id=article.id,
            title=article.title,
            published=published.value if published else None,
            precision=published.precision if published else None,
            url=article.url,
            score=round(hit.score, 4),
            missing=" ".join(hit.missing),
            by_meaning=hit.by_meaning,
            passage=passage.number if passage else None,
            anchor=passage.anchor if passage else None,
            text=passage.text if passage else "",
            page_number=passage.page_number if passage else None,
            authors=article.authors,
            section=article.section,
            tags=article.tags,
            publisher=article.publisher,
            fields=article.fields,
            field=passage.field if passage else None,
        )


def _cell(value: object) -> object:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        value = "; ".join(value)
    if isinstance(value, Mapping):
        value = as_bytes(value).decode() if value else ""
    if isinstance(value, str):
        return f"'{value}" if _FORMULA.match(value) else value
    return "" if value is None else value


_running = Lock()

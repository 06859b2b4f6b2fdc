"""Results for other programs: rows as CSV and JSON Lines, and an Atom feed."""

from __future__ import annotations

import contextlib
import csv
import io
import re
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from tempfile import SpooledTemporaryFile
from typing import IO, Any, cast
from urllib.parse import quote
from xml.etree import ElementTree as Xml

import msgspec
from werkzeug.wsgi import FileWrapper

from indexer.errors import NutgrafError
from indexer.files.fork_safe import Lock
from indexer.results import Hit, Page
from webui.urls import Search, article_url, web_address
from webui.wire import Row

MEDIA_TYPES = {
    "json": "application/json",
    "jsonl": "application/x-ndjson",
    "csv": "text/csv",
    "atom": "application/atom+xml",
}
# What its description says of them.
SCHEMAS: dict[str, dict[str, Any]] = {
    MEDIA_TYPES["jsonl"]: {"type": "string", "description": "Lines, each of them a Row as JSON."},
    MEDIA_TYPES["csv"]: {"type": "string", "description": "RFC 4180: a header, then the fields of a Row."},
    MEDIA_TYPES["atom"]: {"type": "string", "description": "RFC 4287: an entry for each hit."},
}
_ATOM = "http://www.w3.org/2005/Atom"
# What XML 1.0 cannot hold, not even escaped.
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
# What an address cannot hold as it is (RFC 3987).
_NOT_IRI = re.compile('[\x00-\x20"<>\\\\^`{|}\x7f-\x9f]')


def atom(page: Page, search: Search, base: str, address: str, following: str | None, updated: str) -> bytes:
    """A page of hits as an Atom feed (RFC 4287).

    `base` is the address of the search page and `address` that of the feed, both with the host; `updated` is
    when the index changed last, in ISO 8601, and stands for the time of articles without a date.
    """
    Xml.register_namespace("", _ATOM)
    feed = Xml.Element(f"{{{_ATOM}}}feed")
    title = search.query.strip() or "All articles"
    _add(feed, "id", _urn(f"feed {search.parameters()}"))
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
    # Only where it is exact: a feed has no way to say "some time in 2021".
    if published and published.precision in ("day", "minute"):
        _add(entry, "published", _moment(published.start.isoformat()))
    anchor = hit.passages[0].anchor if hit.passages else ""
    _add(
        entry,
        "link",
        rel="alternate",
        type="text/html",
        href=article_url(base, article.id, search.parameters(), anchor),
    )
    if link := web_address(article.url):
        _add(entry, "link", rel="via", href=_NOT_IRI.sub(lambda found: quote(found[0]), link[0]))
    if article.source:
        _add(entry, "category", term=article.source)
    _add(entry, "summary", "\n\n".join(passage.text for passage in hit.passages), type="text")


def _add(parent: Xml.Element, name: str, text: str | None = None, **attributes: str) -> Xml.Element:
    clean = {key: _NOT_XML.sub("\ufffd", value) for key, value in attributes.items()}
    element = Xml.SubElement(parent, f"{{{_ATOM}}}{name}", clean)
    if text is not None:
        element.text = _NOT_XML.sub("\ufffd", text)
    return element


def _urn(name: str) -> str:
    # The same wherever the archive is mounted: a reader of feeds shows no article twice.
    return uuid.uuid5(uuid.NAMESPACE_URL, f"nutgraf {name}".encode("utf-8", "replace").decode()).urn


def _moment(value: str) -> str:
    # A feed wants a time zone; the index keeps the wall time of the publisher.
    return re.sub(r"(\.[0-9]+)?(Z|[+-]00:00)?$", "Z", value, count=1)


# Hits that are looked up at once: their texts are in memory together.
AT_ONCE = 500
# Seconds that all rows of an answer may take together.
SECONDS = 10.0
# Bytes of rows that are kept in memory; where there are more, they wait in a file without a name.
IN_MEMORY = 2**20
# What makes a spreadsheet read a cell as a formula, also in full width, and what it may overlook before it.
_FORMULA = re.compile("[\\s\x00-\x20\ufeff]*[=+\\-@＝＋－＠]|[\t\r\n]")


class RowsUnfinished(NutgrafError):
    """The rows of a search could not all be had; a part of them would look like the whole."""


class ExportRunning(NutgrafError):
    """Another export is in progress in this process."""


class Changed(Exception):
    """The index was written to between two pages: rows of two states are those of neither."""


def begin() -> contextlib.ExitStack:
    """Begin the one export that a process makes at a time; closing what comes back ends it.

    A large answer keeps a thread until its reader has taken all of it, so that a few slow readers could take
    all threads. Raises ExportRunning.
    """
    if not _running.acquire_now():
        raise ExportRunning("rows: another export is in progress, and one is made at a time; try again later")
    export = contextlib.ExitStack()
    export.callback(_running.release)
    return export


def timed(
    search: Callable[..., Page], each: float, whole: float, clock: Callable[[], float] = time.monotonic
) -> Callable[..., Page]:
    """`search`, of which no call takes more than `each` seconds and all together from now on `whole`.

    It raises RowsUnfinished for a page that was cut, or comes too late.
    """
    whole = min(whole, SECONDS)
    end = clock() + whole

    def look(**slice_: Any) -> Page:
        # Where nothing is left it is asked all the same: what has no meaning is told first.
        page = search(seconds=min(each, max(end - clock(), 1e-9)), **slice_)
        if page.is_cut or clock() > end:
            raise RowsUnfinished(
                f"rows: all of them are wanted, and the time was up before ({each:g} s for each {AT_ONCE} "
                f"hits, {whole:g} s in all); ask for fewer by limit, or narrow the search"
            )
        return page

    return look


def pages_from(
    first: Page, wanted: int, look: Callable[..., Page], state: Callable[[], str], known: str
) -> Iterator[Page]:
    """`first`, and the pages after it that `look` gives for a cursor and a limit: `wanted` hits in all.

    Raises Changed when `state`, which names that of the index, says another one after the last than `known`,
    the one before the first.
    """
    page, left = first, wanted - len(first.hits)
    yield page
    while page.cursor and left > 0:
        page = look(cursor=page.cursor, limit=min(left, AT_ONCE))
        left -= len(page.hits)
        if state() != known:
            raise Changed
        yield page


def written(form: str, pages: Iterator[Page], export: contextlib.ExitStack) -> tuple[Iterable[bytes], int]:
    """All rows of the pages as `csv` or `jsonl`, and how many bytes they are.

    Nothing is sent before the last of them is there: once a part is on its way, no refusal can be told any
    more. Where they wait in a file, `export` ends when that is closed. Raises what `pages` raises, and
    RowsUnfinished where there is no room for them.
    """
    found = (row for page in pages for hit in page.hits for row in _rows_of(hit))
    lines = _json_lines(found) if form == "jsonl" else _csv_lines(found)
    file = SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115 - a large one goes along with the answer
    with contextlib.ExitStack() as stack:
        stack.callback(_let_go, file)
        for line in lines:
            with _room():
                file.write(line)
        with _room():
            size = file.tell()
            file.seek(0)
        if size <= IN_MEMORY:
            return [file.read()], size
        stack.pop_all()
    return _File(cast(IO[bytes], file), export.pop_all()), size


class _File(FileWrapper):
    """The rows of an export that wait in a file; the export ends when all were read, or it is closed."""

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
def _room() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise RowsUnfinished(
            f"rows: room for all of them among the temporary files is wanted, none was found ({error}); make "
            "room there, or ask for fewer by limit"
        ) from error


def _let_go(file: SpooledTemporaryFile[bytes]) -> None:
    # What could not be written before is tried once more.
    with contextlib.suppress(OSError):
        file.close()


def _json_lines(found: Iterator[Row]) -> Iterator[bytes]:
    return (msgspec.json.encode(row) + b"\n" for row in found)


def _csv_lines(found: Iterator[Row]) -> Iterator[bytes]:
    """RFC 4180 with a header, in UTF-8; no cell is a formula to a spreadsheet."""
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
    """One row a passage; a hit without passages (its title matched) is a row by itself."""
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
            passage=passage.number if passage else None,
            anchor=passage.anchor if passage else None,
            text=passage.text if passage else "",
        )


def _cell(value: object) -> object:
    if isinstance(value, str):
        return f"'{value}" if _FORMULA.match(value) else value
    return "" if value is None else value


_running = Lock()

"""PDF: one article, whose paragraphs are rebuilt from the lines of its pages.

pdfium finds the characters and their places, `layout` makes paragraphs of them. Attachments, scripts, forms
and comments are not read.
"""

from __future__ import annotations

import ctypes
import math
import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from itertools import chain
from statistics import median
from typing import TYPE_CHECKING, Any

from indexer.article import Article, Published, normalize_space
from indexer.errors import UnreadableDocument
from indexer.files.fork_safe import Lock
from indexer.limits import PDF_PAGES
from indexer.readers.assemble import assemble_text
from indexer.readers.dates import HeadDates
from indexer.readers.document import BinaryDocument, Details, check_length, language_code, split_keywords
from indexer.readers.expressions import make_date, parse_date
from indexer.readers.layout import Line, Page, Paragraph, read_layout
from indexer.readers.xmp import read_xmp
from indexer.text.detection import detect_language

if TYPE_CHECKING:
    from pypdfium2 import PdfDocument

_PART = 100
"""Pages for which the limits on time and memory start again; a page takes about 5 ms."""
_HEAD = 12
"""Paragraphs at the start that may be the title."""
_MAX_TITLE = 300
_MAX_VALUE = 500
"""Characters of a value of the metadata."""
_MAX_OBJECTS = 1000
"""Objects of a page without text among which an image is looked for."""
_LISTED = 10
"""Pages that a note names."""
_MAX_UNREADABLE = 0.3
"""The largest share of characters that are control, private or replacement characters."""
_MIN_PROSE = 100
"""Characters of a paragraph that shows the language."""

# How pdfium gives a hyphen at the end of a line, which it joins with the next one.
_HYPHENS = "\ufffe\x02"
_LINE_END = re.compile(f"\r\n|[\r\n{_HYPHENS}]")
_BLANK = "".join(map(chr, range(0x21))) + "\x7f\xa0\xad\u200b\ufeff"
_INVISIBLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u200b\ufeff\uffff\ud800-\udfff]")
_WORD = re.compile(f"[^{re.escape(_BLANK)}]+")
_UNREADABLE = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\ufffd\ue000-\uf8ff]")
_LIGATURES = str.maketrans(
    {chr(0xFB00 + at): letters for at, letters in enumerate(("ff", "fi", "fl", "ffi", "ffl", "st", "st"))}
)
# Accents that are characters of their own, before their letter.
_ACCENTS = {
    "\xb4": "\u0301", "`": "\u0300", "\u02c6": "\u0302", "\u02dc": "\u0303", "\xa8": "\u0308",
    "\u02c7": "\u030c", "\u02d8": "\u0306", "\u02da": "\u030a", "\u02dd": "\u030b", "\xb8": "\u0327",
    "\u02db": "\u0328",
}  # fmt: skip
_ACCENTED = re.compile(f"(?<=[^\\W\\d_])([{''.join(_ACCENTS)}])([^\\W\\d_])")
_DOTLESS = {"\u0131": "i", "\u0237": "j"}

# Titles and authors that programs write on their own.
_NO_TITLE = re.compile(
    r"microsoft (?:word|powerpoint|excel|office)\b.*|untitled\b.*|unnamed|no title|title|r graphics output"
    r"|(?:document|dokument|slide|folie|diapositiva|layout|page) ?\d*|(?:powerpoint )?pr[eä]sentation|print"
    r"|scan\w*|[\W\d_]*|\(?(?:anonymous|unspecified|none|null)\)?"
    r"|.*\.(?:docx?|pptx?|xlsx?|od[tp]|rtf|txt|tex|dvi|ps|pdf|html?|indd|qxd|pmd|cdr|fm|wpd|pub|pages|md)",
    re.IGNORECASE,
)
_NO_AUTHOR = re.compile(
    r"(?:(?:microsoft )?office)?(?: ?user)?s?|admin(?:istrator)?|root|owner|unknown|anonymous|author|default"
    r"|utilisateur|benutzer|usuario|[\W\d_]*",
    re.IGNORECASE,
)
_BETWEEN_AUTHORS = re.compile(r";|,? (?:and|und|et|y|&) ")
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\ufeff\ufffe]+")
_DATE = re.compile(r"\s*(?:D:)?(\d{4})-?(\d\d)-?(\d\d)")
# The entries of the dictionary with information about the file, by their names in XMP.
_INFORMATION = {
    b"Title": "dc:title", b"Author": "dc:creator", b"Keywords": "dc:subject",
    b"CreationDate": "xmp:CreateDate", b"ModDate": "xmp:ModifyDate",
}  # fmt: skip

_DIRECTION = 15
"""Degrees between the directions of lines; those of one direction run in parallel, if not exactly."""

_Box = tuple[float, float, float, float]
"""Left, bottom, right, top."""

# Documents share the state of pdfium, so only one thread may call it.
_pdfium = Lock()


def read_articles(document: BinaryDocument) -> Iterator[Article]:
    """Return the article in a PDF.

    Raises UnreadableDocument if the file is damaged, encrypted or too long, or has no text.
    """
    with _pdfium, closing(_open(document)) as pdf:
        pages, notes = _read_pages(pdf, document)
        stated = _read_stated(pdf, document)
    layout = read_layout(pages, lambda index: _begin_page(document, index))
    title, paragraphs = _take_title(
        layout.paragraphs, _first(stated, "dc:title"), document.name, layout.body_size
    )
    head = HeadDates(document.options)
    bare = head.read_lines(paragraph.text for paragraph in paragraphs)
    # A newspaper has its date at the head of the page.
    head.read_lines(layout.running)
    paragraphs = [paragraph for at, paragraph in enumerate(paragraphs) if at not in bare]
    texts = [paragraph.text for paragraph in paragraphs]
    details = Details(
        language=_check_language(language_code(_first(stated, "dc:language")), title, texts),
        authors=_read_values(stated.get("dc:creator", []), _split_authors, _NO_AUTHOR),
        tags=_read_values(stated.get("dc:subject", []), split_keywords),
        publisher=_clean(_first(stated, "prism:publicationName") or _first(stated, "dc:publisher")) or None,
        dates=tuple(_read_dates(stated, document)),
        notes=tuple(notes),
    )
    numbers = [paragraph.page for paragraph in paragraphs]
    return iter([assemble_text(document, title, texts, details, head, numbers)])


def _open(document: BinaryDocument) -> PdfDocument:
    # Imported here, since most collections have no PDF.
    from pypdfium2 import PdfDocument, PdfiumError, raw

    try:
        pdf = PdfDocument(document.stream)
    except PdfiumError as error:
        if error.err_code == raw.FPDF_ERR_PASSWORD:
            raise UnreadableDocument("encrypted: give a copy that opens without a password") from error
        if error.err_code == raw.FPDF_ERR_SECURITY:
            raise UnreadableDocument("encrypted in a way that is not supported") from error
        raise UnreadableDocument("damaged: it cannot be opened as a PDF") from error
    try:
        count = len(pdf)
        if not count:
            raise UnreadableDocument("damaged: it has no pages")
        if count > PDF_PAGES:
            raise UnreadableDocument(f"has {count:,} pages, and must have at most {PDF_PAGES:,}: split it")
    except UnreadableDocument:
        pdf.close()
        raise
    return pdf


def _begin_page(document: BinaryDocument, index: int) -> None:
    """Start the limits again every so many pages: a book has a thousand."""
    if index and index % _PART == 0:
        document.begin_record(document.size)


def _read_pages(pdf: PdfDocument, document: BinaryDocument) -> tuple[list[Page], list[str]]:
    """Return the lines of all pages that can be read, and notes about the others."""
    from pypdfium2 import PdfiumError

    pages: list[Page] = []
    damaged: list[int] = []
    scanned: list[int] = []
    size = characters = unreadable = 0
    for index in range(len(pdf)):
        _begin_page(document, index)
        try:
            page = pdf[index]
        except PdfiumError:
            damaged.append(index + 1)
            continue
        with closing(page):
            found = _read_page(page, index + 1)
            if not found and _has_image(page):
                scanned.append(index + 1)
        pages += found
        text = "".join(line.text for each in found for line in each.lines)
        size += len(text.encode())
        characters += len(text)
        unreadable += len(_UNREADABLE.findall(text))
        check_length(size)
    if not size:
        is_damaged = len(damaged) == len(pdf)
        raise UnreadableDocument(
            "damaged: none of its pages can be read" if is_damaged else "no text layer: needs OCR"
        )
    if unreadable > _MAX_UNREADABLE * characters:
        raise UnreadableDocument("its fonts do not say which letters they show: needs OCR")
    notes = []
    if damaged:
        notes.append(f"skipped damaged pages: {_list_pages(damaged)}")
    if scanned:
        notes.append(f"skipped pages without a text layer, which need OCR: {_list_pages(scanned)}")
    return pages, notes


def _list_pages(numbers: list[int]) -> str:
    more = len(numbers) - _LISTED
    return ", ".join(map(str, numbers[:_LISTED])) + (f" and {more:,} more" if more > 0 else "")


def _has_image(page: Any) -> bool:
    from pypdfium2 import raw

    count = min(raw.FPDFPage_CountObjects(page.raw), _MAX_OBJECTS)
    objects = (raw.FPDFPage_GetObject(page.raw, at) for at in range(count))
    return any(raw.FPDFPageObj_GetType(each) == raw.FPDF_PAGEOBJ_IMAGE for each in objects)


# Lines of a page


def _read_page(page: Any, number: int) -> list[Page]:
    """Return the lines of a page; those that run in another direction than most are a page of their own."""
    from pypdfium2 import PdfiumError

    try:
        text_page = page.get_textpage()
    except PdfiumError:
        return []
    with closing(text_page):
        text = _PageText(text_page.raw, page.get_bbox())
        by_direction: dict[int, list[Line]] = {}
        for direction, line in text.read_lines():
            by_direction.setdefault(direction, []).append(line)
    order = sorted(by_direction, key=lambda each: -sum(len(line.text) for line in by_direction[each]))
    return [Page(number, _turn_sheet(text.sheet, each), by_direction[each]) for each in order]


@dataclass(slots=True)
class _Words:
    """A line of the text of a page: its first and last character, and the last one of its first word.

    `sizes` are those of the font at its end, middle and start. It runs in a direction, in degrees, from which
    it differs by `skew`. `is_recognized` says that it is not drawn, as what OCR puts over a picture.
    """

    text: str
    first: int
    last: int
    first_end: int
    sizes: list[float]
    direction: int
    skew: float
    is_recognized: bool


class _PageText:
    """The characters of a page and their places."""

    def __init__(self, handle: Any, sheet: _Box) -> None:
        from pypdfium2 import raw

        self.sheet = sheet
        self._handle, self._raw = handle, raw
        count = max(0, raw.FPDFText_CountChars(handle))
        units = (ctypes.c_ushort * (count + 2))()
        length = max(0, raw.FPDFText_GetText(handle, 0, count, units) - 1) if count else 0
        self._text = bytes(memoryview(units).cast("B")[: 2 * length]).decode("utf-16-le", "surrogatepass")
        # The index of each character of the text on the page, which may have others in between.
        find = raw.FPDFText_GetCharIndexFromTextIndex
        self._places: Sequence[int] = range(count)
        if length != count:
            self._places = [find(handle, at) for at in range(length)]
        if len(self._text) < length:
            # A character of two code units has one place.
            self._places = [
                place for place, unit in zip(self._places, units, strict=False) if not 0xDC00 <= unit < 0xE000
            ]

    def read_lines(self) -> Iterator[tuple[int, Line]]:
        """The direction of each line in degrees, and the line turned so that it runs from left to right.

        The lines of a sheet that was scanned askew differ a little, so all are turned by the same angle.
        """
        found = list(self._find_words())
        skews: defaultdict[int, list[float]] = defaultdict(list)
        for words in found:
            skews[words.direction] += [words.skew] * len(words.text)
        angles = {direction: direction + median(skews[direction]) for direction in skews}
        for words in found:
            if line := self._read_line(words, angles[words.direction]):
                yield words.direction, line

    def _find_words(self) -> Iterator[_Words]:
        start = 0
        for found in chain(_LINE_END.finditer(self._text), (None,)):
            end = found.start() if found else len(self._text)
            words = self._measure_words(start, end)
            if words and (words.skew or words.is_recognized):
                lines = [self._measure_words(*span) for span in self._split_lines(start, end)]
            else:
                lines = [words]
            if found and found[0] in _HYPHENS and lines[-1]:
                lines[-1].text += "-"
            yield from filter(None, lines)
            start = found.end() if found else end

    def _split_lines(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        """The places in the text where lines begin and end: pdfium joins those of a sheet that is askew."""
        first, before = start, None
        for word in _WORD.finditer(self._text, start, end):
            if word.start() >= len(self._places):
                break
            place = self._places[word.start()]
            here = self._find_origin(place)
            (size,), angle = self._measure_font((place,))
            if before and abs(_turn(*here, angle)[1] - _turn(*before, angle)[1]) > 0.5 * size:
                yield first, word.start()
                first = word.start()
            before = here
        yield first, end

    def _measure_words(self, start: int, end: int) -> _Words | None:
        """The line between two places in the text; None if it is blank."""
        stripped = self._text[start:end].strip(_BLANK)
        text = _repair(stripped)
        start = self._text.find(stripped, start)
        end = start + len(stripped)
        if not text or len(self._places) < end:
            return None
        first_end = start + len(stripped.split(None, 1)[0])
        first, last = self._places[start], self._places[end - 1]
        sizes, angle = self._measure_font((last, self._places[(start + end) // 2], first))
        direction = round(angle / _DIRECTION) * _DIRECTION
        drawn = self._raw.FPDFText_GetTextObject(self._handle, first)
        mode = self._raw.FPDFTextObj_GetTextRenderMode(drawn) if drawn else None
        return _Words(
            text,
            first,
            last,
            self._places[first_end - 1],
            sizes,
            direction % 360,
            angle - direction,
            mode == self._raw.FPDF_TEXTRENDERMODE_INVISIBLE,
        )

    def _read_line(self, words: _Words, angle: float) -> Line | None:
        """The line turned back by an angle in degrees; None if nothing of it is on the sheet."""
        size = median(words.sizes)
        boxes = [*map(self._find_box, (words.first, words.last, words.first_end))]
        origin = self._find_origin(words.first)
        if not all(map(math.isfinite, (*origin, size, *chain.from_iterable(boxes)))):
            return None
        left, bottom, right, top = self.sheet
        if not any(box[0] < right and box[2] > left and box[1] < top and box[3] > bottom for box in boxes):
            return None
        center = (left + right) / 2, (bottom + top) / 2
        turned = [_turn_box(box, angle, center) for box in boxes]
        font = self._find_font(words.first)
        return Line(
            words.text,
            left=min(box[0] for box in turned),
            right=max(box[2] for box in turned),
            baseline=_turn_sheet(self.sheet, words.direction) - _turn(*origin, angle, center)[1],
            size=max(size, 1.0),
            font=font if font == self._find_font(words.last) else b"",
            first_width=abs(turned[2][2] - turned[0][0]),
            has_marker=words.sizes[-1] < 0.85 * size and words.text[0].isdigit(),
            is_recognized=words.is_recognized,
        )

    def _measure_font(self, places: Sequence[int]) -> tuple[list[float], float]:
        """Return the sizes of the font at some characters, and the direction of the last one in degrees."""
        sizes = []
        matrix = self._raw.FS_MATRIX()
        for at in places:
            self._raw.FPDFText_GetMatrix(self._handle, at, matrix)
            size = self._raw.FPDFText_GetFontSize(self._handle, at)
            sizes.append(abs(size) * math.hypot(matrix.c, matrix.d))
        direction = math.atan2(matrix.b, matrix.a)
        return sizes, math.degrees(direction) if math.isfinite(direction) else 0.0

    def _find_origin(self, at: int) -> tuple[float, float]:
        x, y = ctypes.c_double(), ctypes.c_double()
        self._raw.FPDFText_GetCharOrigin(self._handle, at, x, y)
        return x.value, y.value

    def _find_box(self, at: int) -> _Box:
        box = self._raw.FS_RECTF()
        self._raw.FPDFText_GetLooseCharBox(self._handle, at, box)
        return box.left, box.bottom, box.right, box.top

    def _find_font(self, at: int) -> bytes:
        """Return the name of a character's font."""
        buffer = ctypes.create_string_buffer(_MAX_VALUE)
        self._raw.FPDFText_GetFontInfo(self._handle, at, buffer, _MAX_VALUE, None)
        return buffer.value


def _turn(x: float, y: float, angle: float, center: tuple[float, float] = (0, 0)) -> tuple[float, float]:
    """Turn a point back by an angle in degrees."""
    if not angle:
        return x, y
    cosine, sine = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    x, y = x - center[0], y - center[1]
    return center[0] + x * cosine + y * sine, center[1] + y * cosine - x * sine


def _turn_box(box: _Box, angle: float, center: tuple[float, float]) -> _Box:
    """Return the box around a box that is turned back by an angle in degrees."""
    if not angle:
        return box
    left, bottom, right, top = box
    corners = [_turn(x, y, angle, center) for x in (left, right) for y in (bottom, top)]
    across, up = zip(*corners, strict=True)
    return min(across), min(up), max(across), max(up)


def _turn_sheet(sheet: _Box, direction: int) -> float:
    """Return the top of the sheet for lines that run in a direction."""
    left, bottom, right, top = sheet
    return _turn_box(sheet, direction, ((left + right) / 2, (bottom + top) / 2))[3]


def _repair(text: str) -> str:
    """Return a text without invisible characters and ligatures, and with accents on their letters.

    Older fonts of TeX have an accent and its letter as two characters.
    """
    if text.isascii() and text.isprintable():
        return text
    text = _INVISIBLE.sub("", text).translate(_LIGATURES)
    return _ACCENTED.sub(_compose, text).strip()


def _compose(found: re.Match[str]) -> str:
    letter = _DOTLESS.get(found[2], found[2])
    composed = unicodedata.normalize("NFC", letter + _ACCENTS[found[1]])
    return composed if len(composed) == 1 else found[0]


# Metadata of the file


def _read_stated(pdf: PdfDocument, document: BinaryDocument) -> dict[str, list[str]]:
    """Return what the file states about itself, by the names of XMP.

    It may do so twice: XMP has more, and is believed, unless the other was changed on a later day.
    """
    from pypdfium2 import raw

    xmp = read_xmp(document.stream)
    if "dc:subject" not in xmp and "pdf:Keywords" in xmp:
        xmp["dc:subject"] = xmp["pdf:Keywords"]
    for name in ("xmp:CreateDate", "xmp:ModifyDate"):
        if not _first_day(xmp, name):
            xmp.pop(name, None)
    older = {
        name: [text]
        for key, name in _INFORMATION.items()
        if (text := _read_text(partial(raw.FPDF_GetMetaText, pdf.raw, key)))
    }
    is_changed = "" < _first_day(xmp, "xmp:ModifyDate") < _first_day(older, "xmp:ModifyDate")
    stated = {**xmp, **older} if is_changed else {**older, **xmp}
    if language := _read_text(partial(raw.FPDFCatalog_GetLanguage, pdf.raw)):
        stated["dc:language"] = [language]
    return stated


def _read_text(write: Callable[[Any, int], int]) -> str:
    """Return the text that a function of pdfium writes into a buffer, with a zero at its end."""
    buffer = (ctypes.c_ushort * (write(None, 0) // 2))()
    write(buffer, ctypes.sizeof(buffer))
    return bytes(buffer)[:-2].decode("utf-16-le", "replace")


def _first(stated: Mapping[str, list[str]], name: str) -> str:
    return next(iter(stated.get(name, ())), "")


def _first_day(stated: Mapping[str, list[str]], name: str) -> str:
    """Return the day of a date as eight digits; "" if there is none."""
    found = _DATE.match(_first(stated, name))
    return "".join(found.groups()) if found else ""


def _check_language(stated: str | None, title: str, texts: list[str]) -> str | None:
    """Return the language that the file states, unless its text is in another: often it is the program's."""
    if stated is None:
        return None
    prose = [text for text in texts if len(text) >= _MIN_PROSE]
    return stated if detect_language(title, prose or texts, stated) == stated else None


def _read_values(
    values: list[str], split: Callable[[str], Iterable[str]], unwanted: re.Pattern[str] | None = None
) -> tuple[str, ...]:
    """Return the values, which may all stand in one text, without those that are not wanted."""
    parts = split(values[0]) if len(values) == 1 else values
    return tuple(filter(None, (_clean(part, unwanted) for part in parts)))


def _split_authors(text: str) -> Iterator[str]:
    """The authors in a text; a comma is between them if each has a first and a last name."""
    for name in _BETWEEN_AUTHORS.split(normalize_space(text)):
        parts = name.split(", ")
        yield from parts if all(" " in part.strip() for part in parts) else [name]


def _read_dates(stated: Mapping[str, list[str]], document: BinaryDocument) -> Iterator[Published]:
    """The stated date of publication, and the days on which the file was made and changed."""
    named = {"properties": "xmp:CreateDate", "modified": "xmp:ModifyDate"}
    own = {provenance: day for provenance, name in named.items() if (day := _first_day(stated, name))}
    for name in ("prism:publicationDate", "prism:coverDate", "dc:date"):
        # Many programs write the day on which they make the file, whatever the field is for.
        if _first_day(stated, name) not in own.values() and (
            published := parse_date(_first(stated, name), "xmp", document.options)
        ):
            yield published
    for provenance, day in own.items():
        year, month, number = int(day[:4]), int(day[4:6]), int(day[6:])
        if made := make_date(year, month, number, provenance, document.options):
            yield made


def _clean(text: str, unwanted: re.Pattern[str] | None = None) -> str:
    """Return a value of the metadata without control characters; "" if it is not wanted."""
    text = normalize_space(_CONTROLS.sub(" ", text))[:_MAX_VALUE]
    return "" if unwanted and unwanted.fullmatch(text) else text


def _take_title(
    paragraphs: list[Paragraph], stated: str, name: str, body_size: float
) -> tuple[str, list[Paragraph]]:
    """Return the title and the paragraphs without it; "" if there is none.

    It is the stated one, unless that is the name of a file; else the largest text at the start of the first
    page.
    """
    title = _clean(stated, _NO_TITLE)
    if _letters(title) == _letters(name.rpartition("/")[2].rpartition(".")[0]):
        title = ""
    start = [paragraph for paragraph in paragraphs[:_HEAD] if paragraph.page == paragraphs[0].page]
    shown: Paragraph | None = None
    if title:
        shown = next((each for each in start if _letters(each.text) == _letters(title)), None)
    else:
        likely = [each for each in start if len(each.text) <= _MAX_TITLE and any(map(str.isalpha, each.text))]
        shown = max(likely, key=lambda each: each.size, default=None)
        if shown is None or shown.size < 1.1 * body_size:
            return "", paragraphs
    return title or (shown.text if shown else ""), [each for each in paragraphs if each is not shown]


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, text)).casefold()

"""HTML: trafilatura finds the main text; `metadata` has the title and the dates that the page states."""

from __future__ import annotations

import logging
import re
import unicodedata
from collections.abc import Iterator
from datetime import timedelta
from html import unescape
from itertools import chain, islice
from typing import Any

import htmldate
import lxml.html
import trafilatura
from lxml import etree
from msgspec.structs import replace

from indexer.article import Article, Failure, Published, normalize_space
from indexer.readers.assemble import assemble_article
from indexer.readers.dates import choose_date, find_path_date, parse_date_line
from indexer.readers.document import Details, ReadOptions, TextDocument, has_markup, suffix_of
from indexer.readers.expressions import find_dates
from indexer.readers.markup import extract_blocks, join_cells, parse_visible
from indexer.readers.metadata import PageMetadata, extract_metadata

# Both log every page that they cannot parse; the article's notes say what that means for it.
for _library in ("trafilatura", "htmldate"):
    logging.getLogger(_library).addHandler(logging.NullHandler())

# The extractor visits each element many times, and its time grows with the depth: a few hundred nested tables
# take minutes. Of a page beyond these limits, all blocks are taken.
_MAX_ELEMENTS = 100_000
_MAX_DEPTH = 100
_INLINE = frozenset(("hi", "ref", "del", "lb", "graphic", "cell", "code", "span"))
_XML_SUFFIX = ".xhtml"
_ELEMENT_CLASSES = etree.ElementDefaultClassLookup(
    element=lxml.html.HtmlElement,
    comment=lxml.html.HtmlComment,
    pi=lxml.html.HtmlProcessingInstruction,
    entity=lxml.html.HtmlEntity,
)
# The extractor collapses white space: these private characters stand for a line break and for a space in
# <pre>, and for a break between paragraphs.
_NEWLINE, _SPACE, _BREAK = "\ue00a", "\ue020", "\ue00b"
# Characters that lxml does not accept in a text.
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufdd0-\ufdef\ufffe\uffff]")
# Characters of main text: above the first it is trusted, below the second it may be the page's navigation.
_TRUSTED_LENGTH, _MIN_LENGTH = 1000, 100
# The text of a page's data is taken if it is so many times as long as what the page shows.
_DATA_FACTOR = 2
FROM_DATA = "the text was taken from data in the page (JSON-LD), which a browser does not show"
"""The note of such an article."""
_WORD = re.compile(r"\w")
_UNLABELLED = "a date in the page's text, which does not say what it is the date of"
_HEAD_TEXTS = 60
# Texts that are searched for a day, and characters of one.
_MAX_DATED_TEXTS, _MAX_DATED_TEXT = 1000, 1000
_MAX_ZONE = timedelta(hours=14)


def read_articles(document: TextDocument) -> Iterator[Article | Failure]:
    """Return the article in a page or a fragment, and a failure if it has no more than a title.

    Raises UnreadableDocument if there is no text and no title.
    """
    page = parse_visible(document.text, is_xml=suffix_of(document.name) == _XML_SUFFIX)
    tree = _parse(page.html or "")
    _drop_heading_links(tree)
    metadata = extract_metadata(tree, document.options)
    dates = _find_dates(tree, metadata, document.options)
    main_text, notes = _extract_main_text(tree)
    paragraphs = main_text
    if _count_characters(main_text) < _MIN_LENGTH:
        blocks = extract_blocks(page)
        # If the page has no blocks, what the extractor found is its navigation.
        paragraphs = main_text if main_text and blocks else blocks
    if _count_characters(main_text) <= _TRUSTED_LENGTH and metadata.texts:
        found = list(chain.from_iterable(map(_split_text, metadata.texts)))
        if _count_characters(found) > _DATA_FACTOR * _count_characters(paragraphs):
            whole = " ".join(found)
            paragraphs = [*(text for text in main_text if text not in whole), *found]
            notes.append(FROM_DATA)
    paragraphs = [text for paragraph in paragraphs if (text := _clean(paragraph)).strip()]
    title = _clean(metadata.title)
    if title and paragraphs and paragraphs[0].casefold() == title.casefold():
        del paragraphs[0]
    details = Details(
        language=metadata.language,
        url=metadata.url,
        authors=metadata.authors,
        section=metadata.section,
        tags=metadata.tags,
        publisher=metadata.publisher,
        dates=tuple(dates),
        notes=tuple(notes),
    )
    article = assemble_article(document, title, paragraphs, details)
    if paragraphs:
        return iter([article])
    return iter([article, Failure(document.name, "no text found: only its title is indexed")])


def _count_characters(texts: list[str]) -> int:
    return sum(map(len, texts))


def _split_text(text: str) -> list[str]:
    """Return the paragraphs of a text in JSON-LD, which may have HTML, also with its tags escaped."""
    text = unescape(text)
    if has_markup(text):
        return extract_blocks(parse_visible(text))
    return [line for line in map(normalize_space, text.splitlines()) if line]


def _extract_main_text(tree: Any) -> tuple[list[str], list[str]]:
    """Return the paragraphs of a page's main text, and notes; no paragraphs if it cannot be extracted.

    Headings, list items, quotations and table rows are paragraphs too.
    """
    # Where the extractor finds no main text, it would take that of empty titles and scripts.
    for element in list(tree.iter("title", "script")):
        element.clear(keep_tail=True)
    size = int(tree.xpath("count(//*)"))
    if _depth(tree) > _MAX_DEPTH:
        return [], ["nested too deeply to find the main text: all text was taken"]
    if size > _MAX_ELEMENTS:
        return [], [f"too large ({size} elements) to find the main text: all text was taken"]
    try:
        _mark_white_space(tree)
        return _run_extractor(tree), []
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001 - the page still has its text, whatever fails in the extractor
        return [], [f"main-text extraction failed ({type(error).__name__}): all text was taken"]


def _run_extractor(tree: Any) -> list[str]:
    found: list[str] = []
    # The fast form applies the extractor's own rules. If they find little, the other form compares the result
    # with those of two more algorithms, which takes twice as long.
    for fast in (True, False):
        document = trafilatura.bare_extraction(tree, fast=fast, include_comments=False)
        body = getattr(document, "body", None)
        found = found if body is None or _is_unstructured(body) else _split_paragraphs(body)
        if _count_characters(found) > _TRUSTED_LENGTH:
            break
    return found


def _is_unstructured(body: Any) -> bool:
    """Whether the extractor found no structure and put all text of the page into one paragraph."""
    if body.tag == "nav":
        return True
    return len(body) == 1 and body[0].tag == "p" and len(body[0]) == 0 and "\n" in (body[0].text or "")


def _depth(tree: Any) -> int:
    """Return the number of ancestors of the deepest element, itself included."""
    depth = deepest = 0
    for event, _ in etree.iterwalk(tree, events=("start", "end")):
        depth += 1 if event == "start" else -1
        deepest = max(deepest, depth)
    return deepest


def _mark_white_space(tree: Any) -> None:
    """Replace the white space that matters by characters that the extractor keeps."""
    # Else the words before and after a block that the extractor removes would be joined.
    for element in tree.iter("p", "div", "hr"):
        if element.tail:
            element.tail = f" {element.tail}"
    # Two line breaks separate paragraphs; the extractor would make one of them.
    for element in tree.iter("br"):
        following = element.getnext()
        if following is not None and following.tag == "br" and not (element.tail or "").strip():
            following.tail = _BREAK + (following.tail or "")
    for block in tree.iter("pre"):
        for element in block.iter():
            if element.text:
                element.text = _mark_lines(element.text)
            if element.tail and element is not block:
                element.tail = _mark_lines(element.tail)


def _mark_lines(text: str) -> str:
    lines = text.split("\n")
    rest = (_SPACE * (len(line) - len(line.lstrip(" "))) + line.lstrip(" ") for line in lines[1:])
    return _NEWLINE.join([lines[0], *rest])


def _clean(text: str) -> str:
    """Return the text in NFC, without control characters and soft hyphens."""
    return unicodedata.normalize("NFC", _CONTROL.sub(" ", text).replace("\xad", ""))


def _parse(markup: str) -> Any:
    """Return the tree of well-formed markup, without comments and elements too deep for lxml."""
    # NFC would combine U+0338 with the `>` of a tag before it; it does not change a character reference.
    markup = unicodedata.normalize("NFC", _CONTROL.sub(" ", markup).replace("\u0338", "&#824;"))
    parser = lxml.html.HTMLParser(
        collect_ids=False, encoding="utf-8", remove_comments=True, remove_pis=True, huge_tree=True
    )
    # The default lookup calls a Python function for each element, only to give forms and inputs methods.
    parser.set_element_class_lookup(_ELEMENT_CLASSES)
    try:
        return lxml.html.document_fromstring(markup.encode(), parser=parser)
    except etree.LxmlError as error:
        if getattr(error, "code", None) == etree.ErrorTypes.ERR_NO_MEMORY:
            raise MemoryError from error
        raise


def _drop_heading_links(tree: Any) -> None:
    """Remove the signs, such as "¶", by which headings link to themselves."""
    for heading in tree.iter("h1", "h2", "h3", "h4", "h5", "h6"):
        for link in list(heading.iter("a")):
            if link.get("href", "").startswith("#") and not _WORD.search(link.text_content()):
                link.drop_tree()


def _split_paragraphs(body: Any) -> list[str]:
    found: list[str] = []
    pieces: list[str] = []

    def flush() -> None:
        for part in "".join(pieces).split(_BREAK):
            text = join_cells(part).replace(_NEWLINE, "\n").replace(_SPACE, " ").strip("\n")
            if text.strip():
                found.append(text)
        pieces.clear()

    for event, element in etree.iterwalk(body, events=("start", "end")):
        if element.tag not in _INLINE:
            flush()
        if event == "start":
            if element.tag == "lb":
                pieces.append("\n")
            elif element.tag == "cell":
                pieces.append("\t")
            if element.text:
                pieces.append(_flatten(element.text))
        elif element.tail:
            pieces.append(_flatten(element.tail))
    flush()
    return found


def _flatten(text: str) -> str:
    return text.replace("\n", " ").replace("\t", " ")


def _find_dates(tree: Any, metadata: PageMetadata, options: ReadOptions) -> list[Published]:
    """Return the candidates for the publication date; the text is searched only if the metadata has none."""
    dates = list(metadata.dates)
    path = metadata.url.partition("//")[2].partition("/")[2] if metadata.url else ""
    if from_url := find_path_date(path, "url", options):
        dates.append(from_url)
    stated = [date for date in metadata.dates if date.provenance != "modified"]
    best = choose_date(stated, options)[0]
    if best is None:
        dates.extend(_find_visible_date(tree, metadata, from_url, options))
    elif metadata.is_utc and not _is_confirmed(best, [*stated, *([from_url] if from_url else [])]):
        local_dates = [*_find_date_lines(tree, options)[:1], *([from_url] if from_url else [])]
        if local := _find_local_date(best, local_dates):
            dates.insert(dates.index(stated[0]), local)
    return dates


def _is_confirmed(best: Published, others: list[Published]) -> bool:
    """Whether one of the others is the same day without a time, which is the publisher's own."""
    return any(other.precision == "day" and best.value.startswith(other.value) for other in others)


def _find_local_date(utc: Published, candidates: list[Published]) -> Published | None:
    """Return the candidate that may be the moment `utc` in the publisher's time zone, on another day."""
    for local in candidates:
        if local.precision not in ("day", "minute") or local.value[:10] == utc.value[:10]:
            continue
        if local.precision == "minute":
            is_near = abs(local.start - utc.start) <= _MAX_ZONE
        else:
            is_near = local.start - utc.start <= _MAX_ZONE and utc.start - local.end <= _MAX_ZONE
        if is_near:
            note = f"stated in UTC as {utc.value}; the publisher's own day is from the {local.provenance}"
            return replace(local, provenance=utc.provenance, note=note)
    return None


def _find_visible_date(
    tree: Any, metadata: PageMetadata, from_url: Published | None, options: ReadOptions
) -> list[Published]:
    """Return the date that a reader of the page sees: in a date line, a time element, or anywhere."""
    for candidate in (*_find_date_lines(tree, options), *metadata.times):
        if candidate.precision in ("day", "minute") and choose_date([candidate], options)[0]:
            finer = [time for time in metadata.times if time.value.startswith(candidate.value)]
            return [candidate, *finer[:1]]
    # A day in the URL is more certain than any date in the text.
    is_certain = from_url is not None and from_url.precision == "day"
    # A fragment is often documentation, and the dates in its examples are not its own.
    is_fragment = tree.find(".//title") is None and tree.find(".//meta") is None
    if is_certain or is_fragment:
        return []
    modified = {date.value[:10] for date in metadata.dates if date.provenance == "modified"}
    try:
        return _search_text(tree, modified, options)
    except Exception:  # noqa: BLE001 - the page has no date if htmldate fails on it
        return []


def _search_text(tree: Any, modified: set[str], options: ReadOptions) -> list[Published]:
    """Return the day or the month that htmldate finds in a page's text, unless it is one of `modified`."""
    last = options.last_day().isoformat()
    day = htmldate.find_date(tree, original_date=True, url="", max_date=last)
    if not day or day in modified:
        return []
    # htmldate gives the first day for a month or a year.
    if day.endswith("-01") and not _has_day(tree, day, options):
        # A year somewhere on a page is not enough.
        return [] if day.endswith("-01-01") else [Published(day[:7], "month", "text", note=_UNLABELLED)]
    return [Published(day, "day", "text", note=_UNLABELLED)]


def _has_day(tree: Any, day: str, options: ReadOptions) -> bool:
    """Whether a day, not only its month, stands in the visible text of a page."""
    texts = tree.xpath("//body//text()[not(parent::script or parent::style)]")
    dated = (text for text in texts if len(text) <= _MAX_DATED_TEXT and any(map(str.isdigit, text)))
    return any(
        found.value.startswith(day)
        for text in islice(dated, _MAX_DATED_TEXTS)
        for found in find_dates(normalize_space(text), "text", options)
    )


def _find_date_lines(tree: Any, options: ReadOptions) -> list[Published]:
    """Return the dates of the date lines that follow the first heading; bare ones first, no captions."""
    found: list[Published] = []
    attributed: list[Published] = []
    heading = next(tree.iter("h1"), None)
    if heading is None:
        return found
    remaining = _HEAD_TEXTS
    for element in chain(heading.iter(), _iterate_following(heading)):
        if not isinstance(element.tag, str) or element.tag in ("script", "style"):
            continue
        is_caption = (
            element.tag == "figcaption" or next(element.iterancestors("figcaption"), None) is not None
        )
        for text in (None if is_caption else element.text, element.tail if element is not heading else None):
            if text and (text := normalize_space(text)):
                remaining -= 1
                if line := parse_date_line(text, options):
                    (found if line.is_bare else attributed).extend(line.dates)
        if remaining < 0:
            break
    return found + attributed


def _iterate_following(element: Any) -> Iterator[Any]:
    """Yield the elements that begin after an element ends, in document order."""
    while element is not None:
        for sibling in element.itersiblings():
            yield from sibling.iter()
        element = element.getparent()

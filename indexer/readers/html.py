"""HTML: trafilatura finds the main text, the page's own words say what it is and when it was published."""

from __future__ import annotations

import logging
import re
import unicodedata
from collections.abc import Iterator
from datetime import timedelta
from itertools import chain
from typing import Any

import lxml.html
import trafilatura
from lxml import etree
from msgspec.structs import replace

from indexer.article import Article, Published
from indexer.errors import UnreadableDocument
from indexer.readers.dates import choose, date_line, path_date
from indexer.readers.markup import blocks_of, parse_shown
from indexer.readers.metadata import PageFacts, page_facts
from indexer.readers.options import ReadOptions
from indexer.readers.text import drop_furniture, opening

# Both report every page that they cannot make sense of; what that means for the article is said in its notes.
for _library in ("trafilatura", "htmldate"):
    logging.getLogger(_library).addHandler(logging.NullHandler())

# The extractor visits every element many times: in a page of more than these, all blocks are taken.
_MOST_ELEMENTS = 100_000
# Its time grows with the depth: a few hundred tables or headings in each other take minutes.
_MOST_DEPTH = 100
_INLINE = frozenset(("hi", "ref", "del", "lb", "graphic", "cell", "code", "span"))
_XML = (".xhtml", ".xht")
_PLAIN_CLASSES = etree.ElementDefaultClassLookup(
    element=lxml.html.HtmlElement,
    comment=lxml.html.HtmlComment,
    pi=lxml.html.HtmlProcessingInstruction,
    entity=lxml.html.HtmlEntity,
)
# The extractor collapses white space: in <pre> and between paragraphs these private characters stand for it.
_NEWLINE, _SPACE, _BREAK = "\ue00a", "\ue020", "\ue00b"
# Characters that lxml refuses in a text.
_CHARACTERS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufdd0-\ufdef\ufffe\uffff]")
# Characters of main text: from _SURE on it is trusted, and below _LITTLE it may be the page's navigation.
_SURE, _LITTLE = 1000, 100
_UNSAID = "a date in the page's text, which does not say what it is the date of"
_DATE_IN_PAGE = 60
_FARTHEST_ZONE = timedelta(hours=14)


def read_html(text: str, name: str, article_id: str, options: ReadOptions) -> Article:
    """The article in a page or a fragment. Raises UnreadableDocument when there is no text in it."""
    page = parse_shown(text, is_xml=name.lower().removesuffix(".gz").endswith(_XML))
    tree = _parse(page.html or "")
    notes: list[str] = []
    paragraphs: list[str] = []
    facts = page_facts(tree, options)
    candidates = _dates(tree, facts, name, options)
    _drop_facts(tree)
    size = int(tree.xpath("count(//*)"))
    if _depth(tree) > _MOST_DEPTH:
        notes.append("nested too deeply to find the main text: all text was taken")
    elif size > _MOST_ELEMENTS:
        notes.append(f"too large ({size} elements) to find the main text: all text was taken")
    else:
        try:
            _prepare(tree)
            paragraphs = main_text(tree)
        except MemoryError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever trips the extractor, the page has a text
            notes.append(f"main-text extraction failed ({type(error).__name__}): all text was taken")
    if sum(map(len, paragraphs)) < _LITTLE:
        blocks = blocks_of(page)
        # Of a page without blocks, the extractor still takes the navigation.
        paragraphs = paragraphs if paragraphs and blocks else blocks
    paragraphs = [text for paragraph in paragraphs if (text := _clean(paragraph)).strip()]
    title = _clean(facts.title)
    if title and paragraphs and paragraphs[0].casefold() == title.casefold():
        del paragraphs[0]
    elif not title and paragraphs:
        title = opening(paragraphs[0])
    if not title:
        raise UnreadableDocument("an article is wanted, the page has no text in it")
    notes += drop_furniture(paragraphs)
    published, notes = choose(candidates, options, notes)
    return Article(
        article_id,
        title,
        tuple(paragraphs),
        published,
        facts.language,
        facts.url,
        source=name,
        notes=tuple(notes),
    )


def main_text(tree: Any) -> list[str]:
    """The paragraphs of a page's main text: headings, list items, quotations and table rows among them."""
    found: list[str] = []
    # The fast form applies the extractor's own rules. Where they find little, the other form compares them
    # with two more algorithms and takes twice as long.
    for fast in (True, False):
        document = trafilatura.bare_extraction(tree, fast=fast, include_comments=False)
        body = getattr(document, "body", None)
        found = found if body is None or _is_dump(body) else _paragraphs(body)
        if sum(map(len, found)) > _SURE:
            break
    return found


def _is_dump(body: Any) -> bool:
    """Whether the extractor found no structure and put all text of the page into one paragraph."""
    if body.tag == "nav":
        return True
    return len(body) == 1 and body[0].tag == "p" and len(body[0]) == 0 and "\n" in (body[0].text or "")


def _drop_facts(tree: Any) -> None:
    """Empty titles and scripts: where the extractor finds no main text, it would take them for it."""
    for element in list(tree.iter("title", "script")):
        element.clear(keep_tail=True)


def _depth(tree: Any) -> int:
    """How many elements the deepest one lies in, itself among them."""
    depth = deepest = 0
    for event, _ in etree.iterwalk(tree, events=("start", "end")):
        depth += 1 if event == "start" else -1
        deepest = max(deepest, depth)
    return deepest


def _prepare(tree: Any) -> None:
    """Mark the white space that counts."""
    # Where a block without text is taken out, the words before and after it would become one.
    for element in tree.iter("p", "div", "hr"):
        if element.tail:
            element.tail = f" {element.tail}"
    # Two line breaks divide paragraphs, and the extraction makes one of them.
    for element in tree.iter("br"):
        following = element.getnext()
        if following is not None and following.tag == "br" and not (element.tail or "").strip():
            following.tail = _BREAK + (following.tail or "")
    for block in tree.iter("pre"):
        for element in block.iter():
            if element.text:
                element.text = _marked(element.text)
            if element.tail and element is not block:
                element.tail = _marked(element.tail)


def _marked(text: str) -> str:
    lines = text.split("\n")
    rest = (_SPACE * (len(line) - len(line.lstrip(" "))) + line.lstrip(" ") for line in lines[1:])
    return _NEWLINE.join([lines[0], *rest])


def _clean(text: str) -> str:
    """Normalized text without soft hyphens, which are hints for the screen inside of words."""
    return unicodedata.normalize("NFC", _CHARACTERS.sub(" ", text).replace("\xad", ""))


def _parse(markup: str) -> Any:
    """The tree of well-formed markup, without comments; elements that lie too deep for lxml are missing."""
    # NFC joins U+0338 with the `>` of a tag before it; a reference it leaves alone.
    markup = unicodedata.normalize("NFC", _CHARACTERS.sub(" ", markup).replace("\u0338", "&#824;"))
    parser = lxml.html.HTMLParser(
        collect_ids=False, encoding="utf-8", remove_comments=True, remove_pis=True, huge_tree=True
    )
    # One class for all elements spares a Python call for each: forms and inputs need no methods here.
    parser.set_element_class_lookup(_PLAIN_CLASSES)
    try:
        return lxml.html.document_fromstring(markup.encode(), parser=parser)
    except etree.LxmlError as error:
        if getattr(error, "code", None) == etree.ErrorTypes.ERR_NO_MEMORY:
            raise MemoryError from error
        raise


def _paragraphs(body: Any) -> list[str]:
    found: list[str] = []
    pieces: list[str] = []

    def flush() -> None:
        for part in "".join(pieces).split(_BREAK):
            cells = [" ".join(cell.split()) for cell in part.split("\t")]
            text = " | ".join(cell for cell in cells if cell)
            text = text.replace(_NEWLINE, "\n").replace(_SPACE, " ").strip("\n")
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
                pieces.append(_flat(element.text))
        elif element.tail:
            pieces.append(_flat(element.tail))
    flush()
    return found


def _flat(text: str) -> str:
    return text.replace("\n", " ").replace("\t", " ")


def _dates(tree: Any, facts: PageFacts, name: str, options: ReadOptions) -> list[Published]:
    """Every candidate for the publication date; the page's text is searched only where it does not say."""
    dates = list(facts.dates)
    address = facts.url.partition("//")[2].partition("/")[2] if facts.url else ""
    from_url = path_date(address, "url", options)
    if from_url:
        dates.append(from_url)
    if named := path_date(name, "file name", options):
        dates.append(named)
    stated = [date for date in facts.dates if date.provenance != "modified"]
    best = choose(stated, options)[0]
    if best is None:
        dates.extend(_shown(tree, facts, from_url, options))
    elif facts.in_utc and (local := _in_local_time(best, [*_date_lines(tree, options)[:1], from_url])):
        dates.insert(dates.index(stated[0]), local)
    return dates


def _in_local_time(utc: Published, shown: list[Published | None]) -> Published | None:
    """The publisher's own day (or time) for a moment stated in UTC, when the page shows it elsewhere."""
    for local in shown:
        if local is None or local.precision not in ("day", "minute") or local.value[:10] == utc.value[:10]:
            continue
        note = f"stated in UTC as {utc.value}; the publisher's own day is from the {local.provenance}"
        if local.precision == "minute" and abs(local.start - utc.start) > _FARTHEST_ZONE:
            continue
        if local.start - utc.start > _FARTHEST_ZONE or utc.start - local.end > _FARTHEST_ZONE:
            continue
        return replace(local, provenance=utc.provenance, note=note)
    return None


def _shown(tree: Any, facts: PageFacts, from_url: Published | None, options: ReadOptions) -> list[Published]:
    """The date that a reader of the page would see: a line below the heading, a time element, any date."""
    changed = {date.value[:10] for date in facts.dates if date.provenance == "modified"}
    for candidate in (*_date_lines(tree, options), *facts.times):
        if candidate.precision in ("day", "minute") and choose([candidate], options)[0]:
            finer = [time for time in facts.times if time.value.startswith(candidate.value)]
            return [candidate, *finer[:1]]
    if from_url and from_url.precision == "day":
        # Stronger than just any date somewhere on the page.
        return []
    if tree.find(".//title") is None and tree.find(".//meta") is None:
        # A fragment: the dates in a manual's examples are not its own.
        return []
    import htmldate

    try:
        last = options.now().isoformat()
        day = htmldate.find_date(tree, original_date=True, url="", max_date=last)
        if not day or day in changed:
            return []
        if day.endswith("-01"):
            # Where only a month or a year was found, the first day stands for it: the quick search finds
            # whole dates alone, and so tells which it was.
            sure = htmldate.find_date(tree, False, original_date=True, url="", max_date=last)
            if sure != day:
                # A year that stands somewhere on a page says nothing.
                return [] if day.endswith("-01-01") else [Published(day[:7], "month", "text", note=_UNSAID)]
        return [Published(day, "day", "text", note=_UNSAID)]
    except Exception:  # noqa: BLE001 - a date that htmldate trips over is one that it does not find
        return []


def _date_lines(tree: Any, options: ReadOptions) -> list[Published]:
    """The dates of the date lines that follow the first heading."""
    found: list[Published] = []
    heading = next(tree.iter("h1"), None)
    if heading is None:
        return found
    budget = _DATE_IN_PAGE
    for element in chain(heading.iter(), chain.from_iterable(_following(heading))):
        if not isinstance(element.tag, str) or element.tag in ("script", "style"):
            continue
        for text in (element.text, element.tail if element is not heading else None):
            if text and (text := " ".join(text.split())):
                budget -= 1
                if line := date_line(text, options):
                    found.extend(line.dates)
        if budget < 0:
            break
    return found


def _following(element: Any) -> Iterator[Iterator[Any]]:
    """The elements that begin after an element ends, in the order of the document."""
    at = element
    while at is not None:
        for sibling in at.itersiblings():
            yield sibling.iter()
        at = at.getparent()

"""From the parts of a document to its article: the title if none is stated, boilerplate, the date, notes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from indexer.article import Article, Published
from indexer.errors import UnreadableDocument
from indexer.limits import VALUES
from indexer.readers.dates import HeadDates, choose_date, find_path_date
from indexer.readers.document import Details, Document, RecordsDocument, TextDocument, check_texts
from indexer.readers.encoding import describe_lost

MAX_TITLE = 200
"""Characters of a first line that is taken for the title."""
SENTENCE_END = re.compile(r"[.!?…。！？:;][\"'”’»)\]]*$")
_MIN_PROSE = 60
_MAX_BOILERPLATE = 120
_BOILERPLATE = re.compile(
    r"""(?:search\ trends | trending(?:\ now)? | read\ (?:more|also|next) | also\ read | see\ also
    | more\ on\ this(?:\ story|\ topic)?
    | related(?:\ (?:articles?|stories|topics|content|links|news|posts))?
    | you\ may\ also\ like | most\ (?:read|popular) | recommended(?:\ for\ you)?
    | share(?:\ (?:this|on|via)(?:\ \w{1,12})?)? | follow\ us(?:\ on\ \w+)? | comments? | leave\ a\ comment
    | advertisement | advert | print | email | tweet | subscribe | sign\ up | newsletter
    | back\ to\ top | tags
    | facebook | twitter | whatsapp | linkedin | copy\ link
    | weiterlesen | lesen\ sie\ auch | mehr\ zum\ thema | teilen | kommentare | lire\ aussi | partager
    | leer\ más | compartir | leggi\ anche | condividi
    | 相关阅读 | 相关新闻 | 分享 | 関連記事 | シェア)\s*[:：>»…]*""",
    re.IGNORECASE | re.VERBOSE,
)
_TEASER = re.compile(
    r"(?:read more|read also|also read|see also|lesen sie auch|lire aussi)\s?:\s?\S", re.IGNORECASE
)


def assemble_article(
    document: Document,
    title: str,
    paragraphs: list[str],
    details: Details,
    page_numbers: Sequence[int | None] = (),
) -> Article:
    """Return the article of a document that holds one.

    Without a `title`, the first sentence is the title. The dates of `details` are candidates for the
    publication date, to which the one in the file's name is added. `page_numbers` has the page of each
    paragraph, if pages are known. Raises UnreadableDocument if there is no text, and InvalidArticle if the
    text is too long.
    """
    said = []
    if isinstance(document, TextDocument) and document.encoding.guessed:
        said += describe_lost([document.text])
    if not title and paragraphs:
        title = first_sentence(paragraphs[0])
    if not title:
        raise UnreadableDocument("contains no text")
    kept, boilerplate = split_boilerplate(paragraphs)
    details = details.or_else(document.context)
    said += [*details.notes, *(f"skipped at the end: {text}" for text in boilerplate)]
    named = find_path_date(document.name, "file name", document.options)
    published, remarks = choose_date([*details.dates, *([named] if named else [])], document.options)
    return make_article(document, title, kept, published, details, [*said, *remarks], page_numbers)


def make_article(
    document: Document,
    title: str,
    paragraphs: list[str],
    published: Published | None,
    details: Details,
    notes: Iterable[str],
    page_numbers: Sequence[int | None] = (),
    source: str = "",
) -> Article:
    """Return an article with a publication date and notes that its reader has chosen.

    `details` are its own and those of its container; `source` is by default the name of the document. Raises
    InvalidArticle if the text is too long.
    """
    shortened = [
        f"only {VALUES} of {len(values)} {name} are kept"
        for name, values in (("authors", details.authors), ("tags", details.tags))
        if len(values) > VALUES
    ]
    article = Article(
        document.article_id,
        title,
        paragraphs,
        published,
        details.language,
        details.url,
        source=source or document.name,
        encoding=document.encoding if isinstance(document, (TextDocument, RecordsDocument)) else None,
        notes=dict.fromkeys([*shortened, *notes]),
        authors=details.authors[:VALUES],
        section=details.section,
        tags=details.tags[:VALUES],
        publisher=details.publisher,
        page_numbers=page_numbers[: len(paragraphs)],
        fields=details.fields,
    )
    check_texts((article.title, *article.paragraphs))
    return article


def assemble_text(
    document: Document,
    title: str,
    paragraphs: list[str],
    details: Details,
    head: HeadDates,
    page_numbers: Sequence[int | None] = (),
) -> Article:
    """Return the article of a text whose first lines may have dates.

    The dates of its date lines are in `head`, to which that of a dateline is added. For the rest see
    `assemble_article`.
    """
    head.read_dateline(paragraphs)
    dates, remarks = head.resolve(document.name)
    details = replace(details, dates=(*details.dates, *dates), notes=(*details.notes, *remarks))
    return assemble_article(document, title, paragraphs, details, page_numbers)


def is_prose(line: str) -> bool:
    """Whether a line is a sentence too long for a title."""
    return len(line) > _MIN_PROSE and SENTENCE_END.search(line) is not None


def first_sentence(paragraph: str, limit: int = 100) -> str:
    """Return the first sentence of a paragraph, shortened to `limit` characters at a space if possible."""
    sentence = re.match(r".{10,}?[.!?。！？](?=\s|$|[\u3000-\u9fff])", paragraph)
    text = sentence[0] if sentence else paragraph
    if len(text) <= limit:
        return text
    shortened = text[:limit]
    head, space, _ = shortened.rpartition(" ")
    return (head if space and len(head) > limit // 2 else shortened).rstrip(" ,;:-–") + "…"


def split_boilerplate(paragraphs: list[str]) -> tuple[list[str], list[str]]:
    """Return the paragraphs of the article, at least one if there is any, and the boilerplate after them."""
    end = len(paragraphs)
    while end > 1 and _is_boilerplate(paragraphs[end - 1]):
        end -= 1
    return paragraphs[:end], paragraphs[end:]


def _is_boilerplate(text: str) -> bool:
    """Whether a paragraph is a label of the page, such as "Related stories", or a link to another article."""
    if len(text) > _MAX_BOILERPLATE:
        return False
    is_teaser = _TEASER.match(text) is not None and text[-1] not in ".!?"
    return is_teaser or _BOILERPLATE.fullmatch(text) is not None

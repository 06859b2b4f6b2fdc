"""Readers: from a stream of bytes to articles.

A binary stream and a name come in; an iterator of `Article` and `Failure` goes out. `read` decides the media
type and calls the reader of that type. The media type is that of the name's suffix, unless the content is
plainly of another. Before a type that is text is read, packed data is unpacked and the bytes are decoded
(`encoding`).

    media_types the table of types, and which of them a document is
    dispatch    from the type of a document to its reader; `read_member` for documents in containers
    document    the arguments of readers (`Document`, `ReadOptions`), and checks that all readers share
    text        plain text: title, date lines, hard-wrapped paragraphs
    html        main text by trafilatura; `metadata` has the title and the dates that the page states
    markdown    blocks; `front_matter` has the fields at the start, also those of plain text
    jsonl       JSON Lines, a record a line; `json` an array of records, `csv` a table of them
    records     from a record with named fields to an article
    warc        web archives (WARC, WACZ), a captured page an article
    mail        mails and mailboxes; `replies` removes what a mail quotes
    docx odt pptx   Office documents; `office` has the parts that they share, `package` their ZIP files
    rtf         Rich Text Format
    epub        books, a chapter an article
    pdf         PDF: the lines of its pages, of which `layout` makes paragraphs; `xmp` what it states
    archive     ZIP and tar: each file in it is read as one in a folder
    packed      gzip, bzip2 and xz data and members of archives, with a bound for what is unpacked
    feed        RSS, Atom and JSON Feed, an entry an article; `wordpress` an export, a post an article
    markup      the text of HTML that a browser shows, for `html` and for HTML inside Markdown
    expressions a text that is a date, or has dates in it
    dates       date lines, dates in addresses and file names, and the choice of the publication date
    assemble    from title, paragraphs and dates to an `Article`: boilerplate, notes, limits

To add a media type:

1. Write a module in this folder with a function `read_articles(document)` that returns an iterator of
   `Article` and `Failure`. `document` is a `TextDocument` for a type that is text, else a `BinaryDocument`.
   The function raises UnreadableDocument, before it returns, if the whole document cannot be read. A type
   that holds one article ends with `assemble_article`. The metadata of a document is a `Details`. The
   shortest to copy is `markdown` for a text, `rtf` for another.
2. Add a `MediaType` to the table in `media_types`; if a mail or a server may name the type, a line to
   `SUFFIX_OF_TYPE` (`document`).
3. A date that the document states is "given". A new provenance needs a rank in `RANKS` (`dates`), and a text
   in `webui/presenters.py`.
4. Add its row to the table in `webui/guide/configuration.md`, and its tests to `tests/readers`.

A container (an archive, a mailbox) is read record by record, and only a name or a hash is kept of each: its
reader yields from `read_member` for each document in it, or makes the articles itself and calls
`document.begin_record` before each, inside `read_safely`, which makes an error the failure of this record.
Its records must come in the same order each time. A container that is damaged somewhere is read up to there;
then its reader raises UnreadableDocument. Members that are left out without failure (files of other kinds,
drafts) are counted with `document.leave_out`. Before a container is read, packed data is unpacked (`packed`),
unless its reader does that itself.

The reader of a document that is no text calls `document.begin_record` for parts of a long one, such as every
hundred pages. A reader's libraries are imported when the first document of its type is read. Begin with
`dispatch.read`.
"""

from indexer.readers.dispatch import describe_failure, read, read_unpacked
from indexer.readers.document import (
    Damage,
    Details,
    ReadOptions,
    RecordsDocument,
    complete_article,
    unpacked_name,
)
from indexer.readers.media_types import (
    describe_kinds,
    describe_limits,
    find_media_type,
    find_unread_kind,
    is_container,
    is_skipped_folder,
    is_text,
    list_kinds,
    list_suffixes,
    needs_extra,
)
from indexer.readers.packed import find_packing, unpack

__all__ = [
    "Damage",
    "Details",
    "ReadOptions",
    "RecordsDocument",
    "complete_article",
    "describe_failure",
    "describe_kinds",
    "describe_limits",
    "find_media_type",
    "find_packing",
    "find_unread_kind",
    "is_container",
    "is_skipped_folder",
    "is_text",
    "list_kinds",
    "list_suffixes",
    "needs_extra",
    "read",
    "read_unpacked",
    "unpack",
    "unpacked_name",
]

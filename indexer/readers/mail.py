"""Mails: `.eml` has one, a mailbox (mbox) any number, which are read one by one.

A mail is an article: its subject is the title, its text that of its author (`replies`). Its attachments, and
the mails attached to it, are articles of their own if they are of a kind that is read.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from email.errors import MessageError
from email.header import decode_header
from email.message import Message
from email.parser import BytesFeedParser
from email.policy import Compat32
from email.utils import getaddresses, parsedate_tz
from hashlib import sha256
from io import BytesIO
from typing import Any, BinaryIO

from indexer.article import Article, Failure, Published, make_record_id, normalize_space
from indexer.errors import UnreadableDocument
from indexer.readers.assemble import first_sentence, make_article
from indexer.readers.dates import choose_date, find_path_date
from indexer.readers.dispatch import read_member, read_safely
from indexer.readers.document import (
    SUFFIX_OF_TYPE,
    BinaryDocument,
    Details,
    ReadOptions,
    Seen,
    check_length,
    describe_excess,
    language_code,
    read_bounded,
    split_keywords,
    suffix_of,
    web_address,
)
from indexer.readers.encoding import decode, transcode
from indexer.readers.expressions import make_date, parse_date
from indexer.readers.markup import empty_elements, extract_blocks, parse_visible
from indexer.readers.media_types import find_unread_kind
from indexer.readers.replies import split_reply
from indexer.readers.text import split_paragraphs

_MAX_HEADER = 2000
"""Characters of a header field that are read: the time to parse one may grow with the square of them."""
_MAX_DEPTH = 30
"""Parts around a part. For each line of a mail, all of their boundaries are compared with it."""
_MAX_AUTHORS = 20
_MAX_NAME = 200
"""Characters of a Message-ID or a file's name that become a part of an id."""
_CHUNK = 1 << 16
_EARLIEST = 1971
"""The first mail was sent in this year; an earlier date is that of a clock that was not set."""
_BEFORE_HEADER = b"\xef\xbb\xbf\r\n"
"""Bytes that may stand before the first header field: those of a byte order mark, and line breaks."""
_FIRST_LINE = re.compile(rb"From [^\r\n]*\r?\n")
# The line before each mail of a mailbox: a sender and a time. Prose may begin a line with "From", too.
_FROM_LINE = re.compile(rb"From .*\d:\d\d")
_ESCAPED_FROM = re.compile(rb"^>(>*From )", re.MULTILINE)
_HEADER_FIELD = re.compile(rb"[!-9;-~]+[ \t]*:")
_FORWARD = re.compile(
    r"\s*\[?(?:fwd?|wg|tr|rv|enc|i|vb|vl|pd|doorst|ilt|пересл|转发|轉寄)\s?[:：]", re.IGNORECASE
)
_MAILING_LIST = re.compile(r"\s+via\s+.+", re.IGNORECASE)
_OBSCURED_ADDRESS = re.compile(r"\S+ (?:at|en|bei|chez) \S+ \((?P<name>[^()]+)\)")
_SURROGATES = re.compile("[\udc80-\udcff]")
_NOT_IN_NAMES = re.compile(r"[\x00-\x1f\x7f-\x9f/\\<>]+")
_FOLDER_DATA = "DON'T DELETE THIS MESSAGE -- FOLDER INTERNAL DATA"
_DELETED = 8
"""The flag of a mail that Thunderbird will remove from its mailbox."""
_SIGNATURES = frozenset(
    (
        *("application/pgp-signature", "application/pkcs7-signature", "application/x-pkcs7-signature"),
        *("application/pgp-encrypted", "text/x-amp-html"),
    )
)
_ENCRYPTED = frozenset(("application/pkcs7-mime", "application/x-pkcs7-mime"))
# Of messages about messages, only the part for people is read.
_REPORTS = frozenset(("message/delivery-status", "message/disposition-notification", "text/rfc822-headers"))
_CITED = 'blockquote[type="cite" i], blockquote.gmail_quote, blockquote.protonmail_quote, .yahoo_quoted'
_NOT_SHOWN = '[style*="display:none" i], [style*="display: none" i]'
# Private characters that stand for the start and the end of a quotation and for a line break.
_START, _END, _NEWLINE = "\ue00c", "\ue00d", "\ue00a"
_MARKS = re.compile(f"([{_START}{_END}])")
_STUB, _STUB_FACTOR = 400, 5
"""A plain text shorter than this, of which the HTML is this many times as long, only says to look at that."""


class _BoundedPolicy(Compat32):
    """Header fields are truncated, and returned as they were written."""

    def header_source_parse(self, sourcelines: list[str]) -> tuple[str, str]:
        """Return the name and the value of a header field."""
        name, value = super().header_source_parse(sourcelines)
        return name, value[:_MAX_HEADER]

    def header_fetch_parse(self, name: str, value: str) -> str:
        """Return the value, in which a surrogate stands for each byte that is not ASCII."""
        return value


class _Part(Message):
    """A mail or a part of one; `attach` raises UnreadableDocument if parts are nested too deeply."""

    depth = 0

    def attach(self, payload: Any) -> None:
        """Add a part."""
        payload.depth = self.depth + 1
        if payload.depth > _MAX_DEPTH:
            raise UnreadableDocument(f"damaged: more than {_MAX_DEPTH} parts in each other")
        super().attach(payload)


_POLICY = _BoundedPolicy(message_factory=_Part)


def read_articles(document: BinaryDocument) -> Iterator[Article | Failure]:
    """Return the articles of a mail, or of each mail in a mailbox, and failures.

    Raises UnreadableDocument if it is neither, or is one mail that is larger than a document may be.
    """
    start = document.stream.read(_CHUNK).lstrip(_BEFORE_HEADER)
    document.stream.seek(0)
    if _FIRST_LINE.match(start) and suffix_of(document.name) != ".eml":
        return _read_mailbox(document)
    if not _HEADER_FIELD.match(_FIRST_LINE.sub(b"", start, count=1)):
        raise UnreadableDocument("not a mail: it does not begin with header fields")
    data = read_bounded(document.stream, document.options.max_bytes)
    document.begin_record(len(data))
    return _read_mail(_parse(data), document, document.name, document.name)


def _read_mailbox(document: BinaryDocument) -> Iterator[Article | Failure]:
    seen = Seen()
    for number, data in enumerate(_split_mails(document.stream, document.options.max_bytes), 1):
        path = f"{document.name}:{number}"
        yield from read_safely(path, _read_numbered(document, data, number, path, seen))


def _read_numbered(
    document: BinaryDocument, data: bytes | None, number: int, path: str, seen: Seen
) -> Iterator[Article | Failure]:
    if data is None:
        raise UnreadableDocument(describe_excess(document.options.max_bytes))
    document.begin_record(len(data))
    mail = _parse(data)
    if _is_deleted(mail):
        document.leave_out("deleted mails")
        return
    name = _make_id_part(_read_header(mail, "message-id"))
    if name and not seen.add(name):
        document.leave_out("mails with the Message-ID of another")
        return
    mail_id = make_record_id(document.article_id, name) if name else f"{document.article_id}-{number}"
    inside = replace(document, name=f"{document.name}/{name or number}", article_id=mail_id)
    yield from _read_mail(mail, inside, document.name, path)


def _split_mails(stream: BinaryIO, max_bytes: int) -> Iterator[bytes | None]:
    """Yield the content of each mail in a mailbox; None for one with more bytes than a document may have."""
    mail = bytearray()
    is_after_blank, is_started, is_too_large = True, False, False
    held = b""  # a line that begins the next mail if a header field follows
    while line := stream.readline(_CHUNK):
        if held and _HEADER_FIELD.match(line.removeprefix(b">")):
            if is_started:
                yield None if is_too_large else _unescape(mail)
            mail, held, is_started, is_too_large = bytearray(), b"", True, False
        elif held:
            mail += held
            held = b""
        is_blank = line in (b"\n", b"\r\n")
        if (
            (is_after_blank or not is_started)
            and line.startswith(b"From ")
            and (_FROM_LINE.match(line) or not is_started)
        ):
            held = line
        elif is_started and not is_too_large:
            mail += line
            is_too_large = len(mail) > max_bytes
            if is_too_large:
                mail.clear()
        is_after_blank = is_blank
    if is_started:
        yield None if is_too_large else _unescape(mail + held)


def _unescape(mail: bytearray) -> bytes:
    """Return a mail without the `>` that a mailbox has before a line that begins with "From"."""
    return _ESCAPED_FROM.sub(rb"\1", mail) if b">From " in mail else bytes(mail)


def _parse(data: bytes) -> _Part:
    parser = BytesFeedParser(policy=_POLICY)
    start = len(data) - len(data.lstrip(_BEFORE_HEADER))
    # In pieces, because the parser's buffer takes four bytes for each character.
    for at in range(start, len(data), _CHUNK):
        parser.feed(data[at : at + _CHUNK])
    mail: Any = parser.close()
    found: _Part = mail
    return found


def _is_deleted(mail: _Part) -> bool:
    """Whether a mail program does not show a mail of its mailbox."""
    status = _read_header(mail, "x-mozilla-status")
    is_expunged = bool(re.fullmatch("[0-9a-fA-F]{4}", status)) and bool(int(status, 16) & _DELETED)
    return is_expunged or _read_header(mail, "subject").startswith(_FOLDER_DATA)


@dataclass(slots=True)
class _Content:
    """The text of a mail, its attachments that are read, and the others, which are skipped."""

    texts: list[str] = field(default_factory=list)
    attachments: list[Message] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    """The suffixes of attachments that are not read."""
    notes: list[str] = field(default_factory=list)
    is_plain: bool = True
    is_encrypted: bool = False

    def add(self, other: _Content, *, with_text: bool = True) -> None:
        """Add the content of a part."""
        if with_text:
            self.texts += other.texts
            self.is_plain = self.is_plain and other.is_plain
        self.attachments += other.attachments
        self.skipped += other.skipped
        self.notes += other.notes
        self.is_encrypted = self.is_encrypted or other.is_encrypted


def _read_mail(
    mail: Message, document: BinaryDocument, source: str, failure_path: str
) -> Iterator[Article | Failure]:
    """Yield the article of a mail, and those of its attachments.

    The id of the document is that of the mail, its name the path of the attachments. `source` is the source
    of the article.
    """
    content = _collect(mail)
    subject = normalize_space(_decode_words(_read_header(mail, "subject")))
    details = _read_details(mail, document)
    yield from read_safely(failure_path, _read_text(subject, content, details, document, source))
    for suffix in content.skipped:
        document.leave_out(suffix)
    notes = (f"attached to the mail: {subject}",) if subject else ()
    stated = replace(details, url=None, language=None, notes=notes)
    names: set[str] = set()
    for number, part in enumerate(content.attachments, 1):
        name = _name_attachment(part, number)
        name = f"{number}-{name}" if name in names else name
        names.add(name)
        if isinstance(part.get_payload(), list):
            path = f"{document.name}/{name}"
            context = Details(notes=notes).or_else(document.context)
            attachment_id = make_record_id(document.article_id, name)
            inside = replace(document, name=path, article_id=attachment_id, context=context)
            yield from read_safely(path, _read_mail(_find_mail(part), inside, path, path))
            continue
        data = _decode_payload(part)
        part.set_payload("")  # frees the encoded data
        if charset := part.get_content_charset():
            data = transcode(data, charset)
        yield from read_member(document, BytesIO(data), name, stated)


def _find_mail(part: Message) -> Message:
    """Return the mail in a part, which some programs encode, although that is not allowed."""
    payload: Any = part.get_payload()
    mail: Message = payload[0]
    encoding = _read_header(part, "content-transfer-encoding").lower()
    if mail.keys() or encoding not in ("base64", "quoted-printable"):
        return mail
    mail["Content-Transfer-Encoding"] = encoding
    return _parse(_decode_payload(mail))


def _read_text(
    subject: str, content: _Content, details: Details, document: BinaryDocument, source: str
) -> Iterator[Article]:
    """Yield the article of a mail; none if only its attachments say something."""
    text = "\n\n".join(content.texts)
    check_length(len(text))
    own, notes = split_reply(text, is_forward=bool(_FORWARD.match(subject)))
    paragraphs = split_paragraphs(own)
    title = subject or (first_sentence(paragraphs[0]) if paragraphs else "")
    if not title and content.attachments:
        return
    if not title:
        raise UnreadableDocument("encrypted" if content.is_encrypted else "contains no text")
    if content.is_encrypted:
        notes.append("encrypted: its text cannot be read")
    details = details.or_else(document.context)
    dates = details.dates
    if not dates and (named := find_path_date(document.name, "file name", document.options)):
        dates = (named,)
    published, remarks = choose_date(dates, document.options)
    notes = [*details.notes, *notes, *content.notes, *remarks]
    yield make_article(document, title, paragraphs, published, details, notes, source=source)


def _collect(part: Message) -> _Content:
    """Return the content of a mail or a part; for the depth of parts there is a limit."""
    kind = part.get_content_type()
    payload: Any = part.get_payload()
    if kind == "multipart/encrypted":
        return _Content(is_encrypted=True)
    if kind == "multipart/alternative" and isinstance(payload, list):
        return _choose_alternative([_collect(child) for child in payload])
    content = _Content()
    if kind == "message/rfc822" and isinstance(payload, list):
        content.attachments.extend([part] if payload else [])
    elif isinstance(payload, list):
        if kind not in _REPORTS:
            for child in payload:
                content.add(_collect(child))
    elif kind in _ENCRYPTED and part.get_param("smime-type") != "signed-data":
        content.is_encrypted = True
    elif _is_text(part, kind):
        content.is_plain = kind != "text/html"
        _add_text(content, part)
    elif kind not in _SIGNATURES and kind not in _REPORTS:
        _add_file(content, part, kind)
    return content


def _is_text(part: Message, kind: str) -> bool:
    """Whether a part is a text of the mail itself, and not an attached file."""
    is_file = part.get_content_disposition() == "attachment" or _file_name(part)
    return kind in ("text/plain", "text/html") and not is_file


def _choose_alternative(parts: list[_Content]) -> _Content:
    """Return the plain text among alternatives, unless it is a stub, with the files of all of them."""
    texts = [part for part in parts if any(map(str.strip, part.texts))]
    plain = next((part for part in texts if part.is_plain), None)
    chosen = plain or (texts[-1] if texts else None)
    if plain:
        size = sum(map(len, plain.texts))
        longest = max(texts, key=lambda part: sum(map(len, part.texts)))
        if size < _STUB and sum(map(len, longest.texts)) > _STUB_FACTOR * size:
            chosen = longest
    content = _Content()
    for part in parts:
        content.add(part, with_text=part is chosen)
    return content


def _add_text(content: _Content, part: Message) -> None:
    data = _decode_payload(part)
    try:
        text, _ = decode(
            transcode(data, part.get_content_charset("")), is_markup=part.get_content_type() == "text/html"
        )
    except UnreadableDocument as error:
        content.notes.append(f"skipped: a text that is {error}")
        return
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if part.get_content_type() == "text/html":
        check_length(len(text) // 4)  # the text in it may be much shorter
        text = _text_of_markup(text)
    elif str(part.get_param("format")).lower() == "flowed":
        text = _unwrap(text, is_joined=str(part.get_param("delsp")).lower() == "yes")
    content.texts.append(text)


def _add_file(content: _Content, part: Message, kind: str) -> None:
    name = _file_name(part)
    unread = find_unread_kind(_name_attachment(part, 0))
    if kind == "application/ms-tnef" or name.lower() == "winmail.dat":
        content.notes.append("skipped: winmail.dat, which only Outlook reads")
    elif unread is None:
        content.attachments.append(part)
    elif part.get_content_disposition() == "attachment" or not kind.startswith("image/"):
        content.skipped.append(unread)
        content.notes.append(f"skipped: the attachment {name or kind}")


def _file_name(part: Message) -> str:
    """Return the name of an attached file without folders; empty if it has none."""
    try:
        name = _decode_words(part.get_filename() or "")
    except (LookupError, ValueError, TypeError):
        return ""
    return normalize_space(_NOT_IN_NAMES.sub(" ", re.split(r"[/\\]", name)[-1]))[-_MAX_NAME:]


def _name_attachment(part: Message, number: int) -> str:
    """Return a name for an attachment, with the suffix of its type if it has no name that says more."""
    name, suffix = _file_name(part), SUFFIX_OF_TYPE.get(part.get_content_type(), "")
    if part.get_content_type() == "message/rfc822":
        return name or f"mail-{number}.eml"
    if find_unread_kind(name) == "" or not name:
        return f"{name or f'attachment-{number}'}{suffix}"
    return name


def _decode_payload(part: Message) -> bytes:
    """Return the content of a part without its transfer encoding, as far as that is intact."""
    try:
        data = part.get_payload(decode=True)
    except (binascii.Error, ValueError, LookupError):
        data = None
    return data if isinstance(data, bytes) else b""


def _text_of_markup(markup: str) -> str:
    """Return the text of HTML as a plain text of a mail: blank lines between blocks, quotations with `>`."""
    page = parse_visible(markup)
    empty_elements(page, _NOT_SHOWN)
    for node in page.css(_CITED):
        node.insert_before(_START)
        node.insert_after(_END)
    for node in page.css("br"):
        node.insert_before(_NEWLINE)
    blocks: list[str] = []
    depth = 0
    for block in extract_blocks(page):
        for piece in _MARKS.split(block.replace(_NEWLINE, "\n")):
            if piece == _START:
                depth += 1
            elif piece == _END:
                depth = max(0, depth - 1)
            elif lines := [
                line.strip() for line in piece.strip("\n").split("\n") if depth == 0 or line.strip()
            ]:
                blocks.append("\n".join(f"> {line}" if depth else line for line in lines))
    return "\n\n".join(filter(None, blocks))


def _unwrap(text: str, *, is_joined: bool) -> str:
    """Return a text in the format "flowed" (RFC 3676), in which a line that ends with a space goes on.

    With `is_joined`, this space is no part of the text. If no line goes on, the text is not in this format,
    although its program says so.
    """
    lines: list[list[str]] = []
    depth, is_open = 0, False
    for line in text.split("\n"):
        content = line.lstrip(">")
        quoted, content = len(line) - len(content), content.removeprefix(" ")
        is_flowed = content.endswith(" ") and content != "-- "
        written = content[:-1] if is_flowed and is_joined else content
        if is_open and quoted == depth and content != "-- ":
            lines[-1].append(written)
        else:
            lines.append(["> " if quoted else "", written])
        depth, is_open = quoted, is_flowed
    return "\n\n".join(map("".join, lines)) if len(lines) <= text.count("\n") else text


def _read_details(mail: Message, document: BinaryDocument) -> Details:
    dates, notes = _read_dates(mail, document.options)
    is_list = "list-id" in mail
    return Details(
        language=language_code(_read_header(mail, "content-language").partition(",")[0]),
        url=web_address(_read_header(mail, "archived-at").strip("<>")),
        authors=_read_authors(mail, is_list=is_list),
        section=_read_list(mail) if is_list else None,
        tags=split_keywords(_decode_words(_read_header(mail, "keywords"))),
        dates=dates,
        notes=notes,
    )


def _read_header(mail: Message, name: str) -> str:
    """Return the value of the first header field of a name, on one line; empty if there is none.

    Bytes that are not ASCII are decoded; encoded words are not.
    """
    return _clean_header(mail.get(name, ""))


def _clean_header(value: object) -> str:
    text = str(value)
    if _SURROGATES.search(text):
        text = _decode_field(text.encode("utf-8", "surrogateescape"))
    return normalize_space(text)


def _decode_field(data: bytes, charset: str = "") -> str:
    """Return the text of bytes in a header field, with U+FFFD for those that no encoding has."""
    try:
        return decode(transcode(data, charset))[0]
    except UnreadableDocument:
        return data.decode("utf-8", "replace")


def _decode_words(value: str) -> str:
    """Return a header's value with its encoded words (RFC 2047) decoded, as far as they are intact."""
    if "=?" not in value:
        return value
    try:
        parts = decode_header(value)
    except (MessageError, binascii.Error, ValueError):
        return value
    texts = []
    for part, charset in parts:
        if isinstance(part, str):
            texts.append(part)
        elif charset is None:
            # The text between encoded words is returned as bytes, in an encoding that has all of them.
            texts.append(part.decode("utf-8" if part.isascii() else "raw-unicode-escape", "replace"))
        else:
            texts.append(_decode_field(part, charset))
    return "".join(texts)


def _read_authors(mail: Message, *, is_list: bool) -> tuple[str, ...]:
    """Return the names of those that a mail is from; the address of one who states no name."""
    value = _read_header(mail, "from") or _read_header(mail, "sender")
    if obscured := _OBSCURED_ADDRESS.fullmatch(value):
        return (_decode_words(obscured["name"]),)
    try:
        pairs = getaddresses([value])
    except (ValueError, IndexError, TypeError, RecursionError):
        pairs = []
    names = []
    for name, address in pairs[:_MAX_AUTHORS]:
        text = normalize_space(_decode_words(name)).strip("'\"")
        if is_list:
            text = _MAILING_LIST.sub("", text)
        names.append(text or address)
    return tuple(filter(None, names)) or tuple(filter(None, [_decode_words(value)[:_MAX_NAME]]))


def _read_list(mail: Message) -> str:
    """Return the name of the mailing list that a mail was sent to."""
    phrase, _, address = _read_header(mail, "list-id").rpartition("<")
    return normalize_space(_decode_words(phrase)).strip("'\"") or address.partition(".")[0].strip("> ")


def _make_id_part(message_id: str) -> str:
    """Return a Message-ID as a part of an id; empty if there is none."""
    name = _NOT_IN_NAMES.sub("", message_id).replace(" ", "")
    if len(name) > _MAX_NAME:
        return sha256(name.encode("utf-8", "replace")).hexdigest()[:32]
    return name


def _read_dates(mail: Message, options: ReadOptions) -> tuple[tuple[Published, ...], tuple[str, ...]]:
    """Return the date that a mail states, else the one when it was received, and notes."""
    stated = _read_header(mail, "date")
    found = _parse_date(stated, options)
    if found and _is_plausible(found, options):
        return (found,), ()
    notes = (f"date: {stated[:60]!r} was not used",) if stated else ()
    # Each server puts its line before those of the others: the last is that of the first.
    fields: list[str] = [_clean_header(value) for value in (mail.get_all("received") or [])[-3:]]
    for value in reversed(fields):
        received = _parse_date(value.rpartition(";")[2], options, note="when the mail was received")
        if received and _is_plausible(received, options):
            return (received,), notes
    return (), notes


def _is_plausible(date: Published, options: ReadOptions) -> bool:
    return date.start.year >= _EARLIEST and date.start.date() <= options.last_day()


def _parse_date(value: str, options: ReadOptions, note: str | None = None) -> Published | None:
    try:
        parts = parsedate_tz(value)
    except (ValueError, IndexError, TypeError, OverflowError):
        parts = None
    if not parts:
        return parse_date(value[:100], "mail", options)
    year, month, day, hour, minute, *_, offset = parts
    zone = None
    if offset is not None:
        minutes = abs(offset) // 60
        zone = f"{'-' if offset < 0 else '+'}{minutes // 60:02}{minutes % 60:02}"
    return make_date(year, month, day, "mail", options, (hour, minute), zone, note)

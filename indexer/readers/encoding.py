"""From bytes to text: byte order marks, UTF-8, UTF-16 and 32, the declared encoding, detection."""

from __future__ import annotations

import codecs
import re
import unicodedata
from collections.abc import Iterable
from typing import BinaryIO

from indexer.article import Encoding
from indexer.errors import UnreadableDocument

_SAMPLE = 65536
_BEGINNING = 1 << 22
_NOT_ASCII = bytes(range(0x80, 0x100))

# UTF-32 before UTF-16, whose mark is the beginning of the mark of UTF-32.
_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_DECLARED = re.compile(
    rb"""<meta[^>]{0,300}?charset\s*=\s*["']?\s*([-\w.:]{2,40})|<\?xml[^>]{0,100}?encoding\s*=\s*["']([-\w.:]{2,40})""",
    re.IGNORECASE,
)
# Browsers decode these labels as a superset in which the bytes 0x80 to 0x9F are printable characters.
_SUPERSETS = {
    "iso8859-1": "cp1252",
    "ascii": "cp1252",
    "iso8859-9": "cp1254",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
    "tis-620": "cp874",
}
# The encodings to try first: among all hundred of them, a rare one would sometimes win by accident.
_COMMON = [
    "cp1250", "iso8859_2", "cp1251", "koi8_r", "cp866", "cp1253", "iso8859_7", "cp1254", "cp1255", "cp1256",
    "cp1257", "cp1252", "cp932", "euc_jp", "gb18030", "big5", "cp949", "cp874", "mac_roman", "cp437", "cp850",
]  # fmt: skip
# Symbols in the middle of words are a sign of the wrong one of two similar encodings.
_IN_WORD = re.compile(r"[^\W\d_][\x80-\x9f¦¬±¶»«¤§¨°¸×÷¢£¥©®¹²³¼½¾][^\W\d_]")
_CONTROL = re.compile("[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")


def decode(data: bytes, *, is_markup: bool = False) -> tuple[str, Encoding]:
    """Return the text of `data` and its encoding.

    With `is_markup`, the encoding that the document declares (in a meta element or an XML prolog) is used if
    the data is valid in it. Raises UnreadableDocument for binary data and for data in no known encoding.
    """
    for mark, codec in _BYTE_ORDER_MARKS:
        if data.startswith(mark) and (text := _decode_strictly(data[len(mark) :], codec)) is not None:
            return _check_text(text), Encoding(codec)
    if b"\x1b$" in data[:_SAMPLE] and (text := _decode_strictly(data, "iso2022_jp")) is not None:
        return _check_text(text), Encoding("iso2022_jp", guessed=True)
    text = _decode_strictly(data, "utf-8")
    if text is not None and "\0" not in text:
        return _check_text(text), Encoding("utf-8")
    if b"\0" in data[:_SAMPLE]:
        return _decode_unmarked(data)
    if is_markup and (declared := _declared_encoding(data)):
        text = _decode_strictly(data, declared)
        if text is not None and not _is_binary(text):
            return text, Encoding(declared)
    if repaired := _repair_utf8(data):
        return repaired, Encoding("utf-8", guessed=True)
    return _detect(data)


def read_beginning(stream: BinaryIO) -> tuple[bytes, bool]:
    """Return the beginning of a long text, by which to tell its encoding, and whether that is all of it."""
    data = stream.read(_BEGINNING)
    if len(data) < _BEGINNING:
        return data, True
    # The last character may not be whole; the units of UTF-16 and UTF-32 are.
    return (data if b"\0" in data[:_SAMPLE] else data.rstrip(_NOT_ASCII)), False


def describe_lost(texts: Iterable[str]) -> list[str]:
    """Return a note if there are characters in these texts that could not be decoded, else none."""
    lost = sum(text.count("\ufffd") for text in texts)
    return [f"{lost} unreadable characters are shown as \ufffd"] if lost else []


def transcode(data: bytes, charset: str) -> bytes:
    """Return the data in UTF-8 with a byte order mark if it is valid in the charset, else as it is.

    `charset` is what the header of a mail or of an HTTP response states. Data in UTF-8 stays as it is.
    """
    codec = _find_codec(charset)
    # The bytes of ISO 2022 are ASCII.
    if codec is None or (b"\x1b" not in data and _decode_strictly(data, "utf-8") is not None):
        return data
    text = _decode_strictly(data, codec)
    return data if text is None or _is_binary(text) else codecs.BOM_UTF8 + text.encode()


def _decode_strictly(data: bytes, codec: str) -> str | None:
    try:
        return data.decode(codec)
    except (UnicodeError, LookupError, ValueError):
        return None


def _is_binary(text: str) -> bool:
    sample = text[:_SAMPLE]
    return "\0" in sample or len(_CONTROL.findall(sample)) > len(sample) / 200


def _check_text(text: str) -> str:
    if _is_binary(text):
        raise UnreadableDocument("not a text: contains control characters")
    return text


def _declared_encoding(data: bytes) -> str | None:
    match = _DECLARED.search(data[:4096])
    if not match:
        return None
    name = _find_codec((match[1] or match[2]).decode("ascii", "replace"))
    # A declaration that can be read as ASCII is not in one of these encodings (and UTF-8 was tried).
    return None if name is None or name.startswith(("utf-16", "utf-32", "utf-7", "utf-8")) else name


def _find_codec(label: str) -> str | None:
    """Return the name of Python's codec for the label of an encoding; None if it has none."""
    try:
        name = codecs.lookup(label).name
    except (LookupError, ValueError):
        return None
    return _SUPERSETS.get(name, name)


def _repair_utf8(data: bytes) -> str | None:
    """Return UTF-8 with a few invalid bytes, such as pages made of parts have, as U+FFFD; else None."""
    text = data.decode("utf-8", "replace")
    bad = text.count("\ufffd")
    good = sum(1 for character in text[:200_000] if character > "\x7f") - bad
    return text if bad <= 20 and good >= 10 * bad and not _is_binary(text) else None


def _decode_unmarked(data: bytes) -> tuple[str, Encoding]:
    """Decode UTF-16 or UTF-32 without a byte order mark: its ASCII characters have NUL bytes."""
    best: tuple[float, str] = (0.0, "")
    for codec, width in (("utf-32-le", 4), ("utf-32-be", 4), ("utf-16-le", 2), ("utf-16-be", 2)):
        sample = _decode_strictly(data[: _SAMPLE // 2], codec) if len(data) % width == 0 else None
        if sample and not _is_binary(sample):
            best = max(best, (_plausibility(sample), codec))
    score, codec = best
    text = _decode_strictly(data, codec) if score > 0 else None
    if text is None or _is_binary(text):
        raise UnreadableDocument("not a text: contains NUL bytes")
    return text, Encoding(codec, guessed=True)


def _plausibility(text: str) -> float:
    """Return the share of ASCII and kana in a text; 0 if more than 1 % of it are unassigned characters."""
    sample = text[:4096]
    unassigned = sum(unicodedata.category(c) in ("Cn", "Co", "Cs") for c in sample)
    if unassigned > len(sample) / 100:
        return 0.0
    return sum(c < "\x7f" or "\u3001" <= c <= "\u30ff" for c in sample) / len(sample)


def _detect(data: bytes) -> tuple[str, Encoding]:
    from charset_normalizer import from_bytes

    if not _is_binary(data[:_SAMPLE].decode("latin-1")):
        # Western text is mostly ASCII, which gives the detector little to go by.
        western = _decode_strictly(data, "cp1252")
        if western is not None and _is_western(western):
            return western, Encoding("cp1252", guessed=True)
        sample = _sample(data)
        for names in (_COMMON, None):
            found = {
                match.encoding: len(_IN_WORD.findall(str(match)))
                for match in from_bytes(sample, cp_isolation=names)
            }
            if "cp1250" in found and (twin := _decode_strictly(sample, "iso8859_2")):
                found["iso8859_2"] = len(_IN_WORD.findall(twin))
            for name in sorted(found, key=found.__getitem__):
                text = _decode_strictly(data, name)
                if text is not None and not _is_binary(text):
                    return text, Encoding(name, guessed=True)
    raise UnreadableDocument("not a text in any known encoding")


def _sample(data: bytes) -> bytes:
    """Return the lines of `data` that are not ASCII, which tell encodings apart, up to a limit."""
    lines = [line for line in data.splitlines(keepends=True) if not line.isascii()]
    sample = b"".join(lines)[:_SAMPLE]
    # Without such lines (ASCII, or ISO 2022, whose bytes are ASCII) or with too many, it is the start of all.
    return sample if sample and len(sample) < _SAMPLE else data[:_SAMPLE]


_WESTERN = frozenset("äöüßÄÖÜéèêëàâçîïôûùœæÉÈÀÇñáíóúÑÁÍÓÚ¿¡åÅøØØÆãõìò€£§°«»‹›„‚“”‘’–—…©®™·½¼²³\xa0ªº´•")


def _is_western(text: str) -> bool:
    """Whether the characters beyond ASCII stand where languages of Western Europe have them."""
    beyond = list(re.finditer("[^\x00-\x7f]", text[: 4 * _SAMPLE]))
    if not beyond or len(beyond) > len(text) * 0.2:
        return False
    good = 0
    for match in beyond:
        character, at = match[0], match.start()
        before, after = text[at - 1 : at], text[at + 1 : at + 2]
        if character not in _WESTERN:
            continue
        if character.isupper() and before.islower():
            continue
        if not character.isalpha() and before.isalpha() and after.isalpha() and character not in "’–—\xa0·…":
            continue
        good += 1
    return good >= 0.95 * len(beyond)

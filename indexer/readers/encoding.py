"""Bytes to text: byte order marks, strict UTF-8, UTF-16 and 32, what the document declares, detection."""

from __future__ import annotations

import codecs
import re
import unicodedata

from indexer.article import Encoding
from indexer.errors import UnreadableDocument

_SAMPLE = 65536

# The longer marks first: the one of UTF-32 begins with the one of UTF-16.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig", "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le", "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be", "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le", "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be", "utf-16-be"),
)
_DECLARED = re.compile(
    rb"""<meta[^>]{0,300}?charset\s*=\s*["']?\s*([-\w.:]{2,40})|<\?xml[^>]{0,100}?encoding\s*=\s*["']([-\w.:]{2,40})""",
    re.IGNORECASE,
)
# What browsers read for these labels: a superset that gives the bytes 0x80 to 0x9F the meaning they had.
_BROWSER = {
    "iso8859-1": "cp1252",
    "ascii": "cp1252",
    "iso8859-9": "cp1254",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
    "tis-620": "cp874",
}
# Detection among the encodings that archives are kept in: with all hundred, the rare ones win by accident.
_COMMON = (
    *(
        "cp1250",
        "iso8859_2",
        "cp1251",
        "koi8_r",
        "cp866",
        "cp1253",
        "iso8859_7",
        "cp1254",
        "cp1255",
        "cp1256",
    ),
    *(
        "cp1257",
        "cp1252",
        "cp932",
        "euc_jp",
        "gb18030",
        "big5",
        "cp949",
        "cp874",
        "mac_roman",
        "cp437",
        "cp850",
    ),
)
# Signs in the middle of words betray the wrong one of two similar encodings.
_IN_WORD = re.compile(r"[^\W\d_][\x80-\x9f¦¬±¶»«¤§¨°¸×÷¢£¥©®¹²³¼½¾][^\W\d_]")
_CONTROL = re.compile("[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")


def decode(data: bytes, *, markup: bool = False) -> tuple[str, Encoding]:
    """The text of `data` and how it was found out.

    With `markup`, an encoding that the document declares (a meta element, an XML prolog) is used if it fits.
    Raises UnreadableDocument for binary data and for bytes that no encoding explains.
    """
    for mark, codec, name in _MARKS:
        if data.startswith(mark):
            text = _strict(data if codec == "utf-8-sig" else data[len(mark) :], codec)
            if text is not None:
                return _checked(text), Encoding(name)
    if b"\x1b$" in data[:_SAMPLE] and (text := _strict(data, "iso2022_jp")) is not None:
        return _checked(text), Encoding("iso2022_jp", guessed=True)
    text = _strict(data, "utf-8")
    if text is not None and "\0" not in text:
        return _checked(text), Encoding("utf-8")
    if b"\0" in data[:_SAMPLE]:
        return _wide(data)
    if markup and (declared := _declared(data)):
        text = _strict(data, declared)
        if text is not None and not _is_binary(text):
            return text, Encoding(declared)
    if repaired := _nearly_utf8(data):
        return repaired, Encoding("utf-8", guessed=True)
    return _detected(data)


def _strict(data: bytes, codec: str) -> str | None:
    try:
        return data.decode(codec)
    except (UnicodeError, LookupError, ValueError):
        return None


def _is_binary(text: str) -> bool:
    sample = text[:_SAMPLE]
    return "\0" in sample or len(_CONTROL.findall(sample)) > len(sample) / 200


def _checked(text: str) -> str:
    if _is_binary(text):
        raise UnreadableDocument("it is no text: it contains control characters")
    return text


def _declared(data: bytes) -> str | None:
    match = _DECLARED.search(data[:4096])
    if not match:
        return None
    label = (match[1] or match[2]).decode("ascii", "replace")
    try:
        name = codecs.lookup(label).name
    except (LookupError, ValueError):
        return None
    # A page whose declaration can be read as ASCII is not in a wide encoding, whatever it says.
    if name.startswith(("utf-16", "utf-32", "utf-7", "utf-8")):
        return None
    return _BROWSER.get(name, name)


def _nearly_utf8(data: bytes) -> str | None:
    """Sound UTF-8 with a few bad bytes, as pages put together from parts have them: those become U+FFFD."""
    text = data.decode("utf-8", "replace")
    bad = text.count("\ufffd")
    good = sum(1 for character in text[:200_000] if character > "\x7f") - bad
    return text if bad <= 20 and good >= 10 * bad and not _is_binary(text) else None


def _wide(data: bytes) -> tuple[str, Encoding]:
    """UTF-16 or UTF-32 without a mark, which the zero bytes of ASCII characters give away."""
    best: tuple[float, str] = (0.0, "")
    for codec, width in (("utf-32-le", 4), ("utf-32-be", 4), ("utf-16-le", 2), ("utf-16-be", 2)):
        sample = _strict(data[: _SAMPLE // 2], codec) if len(data) % width == 0 else None
        if sample and not _is_binary(sample):
            best = max(best, (_plausibility(sample), codec))
    score, codec = best
    text = _strict(data, codec) if score > 0 else None
    if text is None or _is_binary(text):
        raise UnreadableDocument("it is no text: it contains NUL bytes")
    return text, Encoding(codec, guessed=True)


def _plausibility(text: str) -> float:
    """The share of ASCII and kana in a text that holds (nearly) nothing that no text holds; else 0."""
    sample = text[:4096]
    odd = sum(unicodedata.category(c) in ("Cn", "Co", "Cs") for c in sample)
    if odd > len(sample) / 100:
        return 0.0
    return sum(c < "\x7f" or "\u3001" <= c <= "\u30ff" for c in sample) / len(sample)


def _detected(data: bytes) -> tuple[str, Encoding]:
    from charset_normalizer import from_bytes

    if not _is_binary(data[:_SAMPLE].decode("latin-1")):
        # Western text mostly is ASCII, which tells detection little: a few letters decide between code pages.
        western = _strict(data, "cp1252")
        if western is not None and _reads_western(western):
            return western, Encoding("cp1252", guessed=True)
        sample = _around(data)
        for names in (list(_COMMON), None):
            found = {
                match.encoding: len(_IN_WORD.findall(str(match)))
                for match in from_bytes(sample, cp_isolation=names)
            }
            if "cp1250" in found and (twin := _strict(sample, "iso8859_2")):
                found["iso8859_2"] = len(_IN_WORD.findall(twin))
            for name in sorted(found, key=found.__getitem__):
                text = _strict(data, name)
                if text is not None and not _is_binary(text):
                    return text, Encoding(name, guessed=True)
    raise UnreadableDocument("text is wanted, bytes that no known encoding explains were found")


def _around(data: bytes) -> bytes:
    """The lines of `data` that are not ASCII, up to a bound: the part that tells encodings apart."""
    lines = [line for line in data.splitlines(keepends=True) if not line.isascii()]
    sample = b"".join(lines)[:_SAMPLE]
    # Stateful encodings (ISO 2022) are ASCII to the byte, and a cut may split a character.
    return sample if sample and len(sample) < _SAMPLE else data[:_SAMPLE]


_WESTERN = frozenset("äöüßÄÖÜéèêëàâçîïôûùœæÉÈÀÇñáíóúÑÁÍÓÚ¿¡åÅøØØÆãõìò€£§°«»‹›„‚“”‘’–—…©®™·½¼²³\xa0ªº´•")


def _reads_western(text: str) -> bool:
    """Whether the characters beyond ASCII stand where the languages of Western Europe put them."""
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

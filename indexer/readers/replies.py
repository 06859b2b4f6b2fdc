"""The text that the author of a mail wrote: the mail without quoted replies and signatures.

A line that begins with `>` is quoted, and so is the line above that says who wrote it, in any language: it
ends with a colon and has an address, a time or a year. What stands below a separator of a mail program, or
below the header of another mail, is quoted to the end. An answer between two quotations is the author's own.
Every step takes time in proportion to the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field


def _alternatives(phrases: str) -> str:
    """Return a pattern for phrases that are separated by bars or line breaks."""
    return "|".join(
        phrase for line in phrases.split("\n") for part in line.split("|") if (phrase := part.strip())
    )


_MAX_LINE = 400
"""Characters of a line that may introduce a quotation or be a part of the header of a mail."""
_MAX_INTRODUCTION, _MAX_HEADER = 3, 6
"""Lines of such an introduction, and of such a header."""
_MAX_SIGNATURE, _MAX_UNMARKED, _MAX_FOOTER = 25, 8, 10
"""Lines of a signature below `-- `, and below `--`, which may also divide a text, and of a list's footer."""
_MAX_DEVICE = 80
_QUOTED = re.compile(r"\s?>")
_RULE = re.compile(r"\s*[_*=-]{20,}\s*")
_LINK = re.compile(r"https?://|\w@\w")
_ENDED = re.compile(r"[.!?]\s*$")
# Who wrote a quotation, and when: an address, a year, or a time.
_ATTRIBUTION = re.compile(r"\w@\w|(?<!\d)(?:19|20)\d\d(?!\d)|(?<!\d)\d{1,2}(?::|h|\.)\d\d(?!\d)")
_WROTE_WORDS = """
    wrote | writes | said | schrieb | écrit | escribió | escreveu | ha scritto | scrisse | schreef | skrev
    kirjoitti | napisał | napisała | napsal | napsala | napísal | írta | a scris | yazdı | написал | написала
    пише | написав | έγραψε | כתב | كتب | 写道 | 寫道 | 書きました | のメール | 작성
"""
_WROTE = re.compile(rf"(?:{_alternatives(_WROTE_WORDS)})\s?[:：]", re.IGNORECASE)
_SEPARATORS = """
    original message | original-message | reply message | original-nachricht | ursprüngliche nachricht
    ursprüngliche mail | message d['’]origine | message original | mensaje original | mensagem original
    messaggio originale | oorspronkelijk bericht | ursprungligt meddelande | opprinnelig melding
    oprindelig meddelelse | alkuperäinen viesti | oryginalna wiadomość | wiadomość oryginalna | původní zpráva
    исходное сообщение | оригинальное сообщение | eredeti üzenet | mesaj original | özgün ileti
    الرسالة الأصلية | 原始邮件 | 原始郵件 | 元のメッセージ | 원본 메시지
"""
_SEPARATOR = re.compile(rf"\W*-{{2,}}\s?(?:{_alternatives(_SEPARATORS)})\s?-{{2,}}\W*", re.IGNORECASE)
# The fields in the header of a quoted mail, as programs name them: its author, its subject, and others.
_AUTHOR_FIELDS = """
    from | von | de | da | van | fra | från | od | lähettäjä | feladó | kimden | gönderen | от | від
    מאת | من | 发件人 | 寄件者 | 差出人 | 보낸 사람
"""
_SUBJECT_FIELDS = """
    subject | betreff | objet | asunto | oggetto | onderwerp | assunto | emne | ämne | temat | předmět | aihe
    tárgy | konu | тема | 主题 | 主旨 | 件名 | 제목 | الموضوع | נושא
"""
_OTHER_FIELDS = """
    sent | date | to | cc | gesendet | datum | an | envoyé | à | enviado | enviado el | fecha | para | data
    inviato | a | verzonden | aan | sendt | til | skickat | till | wysłano | wysłane | do | odesláno | komu
    lähetetty | vastaanottaja | küldve | címzett | tarih | kime | отправлено | дата | кому | копия | 发送时间
    日期 | 收件人 | 送信日時 | 宛先 | 보낸 날짜 | 받는 사람 | التاريخ | إلى | נשלח | אל
"""
_HEADER = re.compile(rf"[\s*]*(?:{_alternatives(_AUTHOR_FIELDS)})\s?[*]?\s?[:：]", re.IGNORECASE)
_HEADER_SUBJECT, _HEADER_OTHER = (
    re.compile(rf"(?:^|(?<=[\s*]))(?:{_alternatives(names)})\s?[*]?\s?[:：]", re.IGNORECASE | re.MULTILINE)
    for names in (_SUBJECT_FIELDS, _OTHER_FIELDS)
)
_DEVICES = """
    sent from | sent via | get outlook for | gesendet von | gesendet mit | von meinem .{1,30} gesendet
    envoyé de | envoyé depuis | enviado desde | enviado do | inviato da | verzonden vanaf | verzonden met
    skickat från | sendt fra | wysłane z | отправлено с | отправлено из
"""
_DEVICE = re.compile(rf"\W*(?:{_alternatives(_DEVICES)})\b", re.IGNORECASE)
_SIGNED = re.compile(
    r"^-----BEGIN PGP SIGNED MESSAGE-----[^\S\n]*\n(?:[A-Za-z-]{1,40}: .*\n)*[^\S\n]*\n"
    r"(?P<text>(?:(?!-----BEGIN PGP SIGNATURE-----).*\n?)*+)"
    r"(?:-----BEGIN PGP SIGNATURE-----(?:\n(?!-----END PGP SIGNATURE-----).*)*+"
    r"(?:\n-----END PGP SIGNATURE-----[^\S\n]*\n?)?)?",
    re.MULTILINE,
)


def split_reply(text: str, *, is_forward: bool = False) -> tuple[str, list[str]]:
    """Return the text without quoted replies and signatures, and notes that say how much was skipped.

    Of a mail that forwards another one (`is_forward`), what stands below a separator is what it forwards. A
    text that is nothing but quotations is returned as it is, with a note.
    """
    lines = _drop_armor(text).split("\n")
    mail = _Lines(lines)
    mail.mark_quotations()
    if not is_forward:
        mail.mark_quoted_mail()
    if not any(map(str.strip, mail.own_lines())):
        notes = ["the text has only quotations, which were kept"] if any(mail.skipped) else []
        return "\n".join(lines), notes
    mail.mark_signatures()
    return "\n".join(mail.own_lines()), mail.notes()


@dataclass(slots=True)
class _Lines:
    """The lines of a text, and which of them are skipped."""

    lines: list[str]
    skipped: list[bool] = field(default_factory=list)
    replies: list[int] = field(default_factory=list)
    """How many lines each quotation has."""
    signature: int = 0

    def __post_init__(self) -> None:
        self.skipped = [False] * len(self.lines)

    def own_lines(self) -> Iterator[str]:
        """Return the lines that are not skipped."""
        return (line for line, is_skipped in zip(self.lines, self.skipped, strict=True) if not is_skipped)

    def mark_quotations(self) -> None:
        """Skip the quoted lines, and the lines that introduce them."""
        lines, start = self.lines, 0
        while start < len(lines):
            if not _QUOTED.match(lines[start]):
                start += 1
                continue
            last = at = start
            while at < len(lines) and (not lines[at].strip() or _QUOTED.match(lines[at])):
                if lines[at].strip():
                    last = at
                at += 1
            self._skip_reply(self._find_introduction(start), last + 1)
            start = at

    def _find_introduction(self, quotation: int) -> int:
        """Return the number of the first line that introduces a quotation, or that of the quotation."""
        at = quotation - 1
        if at >= 0 and not self.lines[at].strip():
            at -= 1
        if not self._is_own(at) or not self.lines[at].rstrip().endswith((":", "：")):
            return quotation
        line = self.lines[at]
        if not _ATTRIBUTION.search(line) and not _WROTE.search(line):
            return quotation
        first = at
        # The line may be wrapped: the one before it then has the date or the address.
        while first > at - _MAX_INTRODUCTION + 1 and self._is_own(first - 1):
            if not _ATTRIBUTION.search(self.lines[first - 1]) or _ENDED.search(self.lines[first - 1]):
                break
            first -= 1
        return first

    def _is_own(self, number: int) -> bool:
        """Whether a line is there, is not skipped, is not blank, and is short enough to be looked at."""
        if number < 0 or self.skipped[number]:
            return False
        return bool(self.lines[number].strip()) and len(self.lines[number]) <= _MAX_LINE

    def mark_quoted_mail(self) -> None:
        """Skip all from the first separator, or the first header of another mail, to the end."""
        for number in range(len(self.lines)):
            if self._is_own(number) and (
                _SEPARATOR.fullmatch(self.lines[number].strip()) or self._is_header(number)
            ):
                above = number - 1
                while above >= 0 and not self.lines[above].strip():
                    above -= 1
                is_below_rule = above >= 0 and _RULE.fullmatch(self.lines[above])
                self._skip_reply(above if is_below_rule else number, len(self.lines))
                return

    def _is_header(self, number: int) -> bool:
        """Whether the header of a mail begins in a line: its author, its subject, and another field."""
        if not _HEADER.match(self.lines[number]):
            return False
        head = "\n".join(line[:_MAX_LINE] for line in self.lines[number : number + _MAX_HEADER])
        return bool(_HEADER_SUBJECT.search(head) and _HEADER_OTHER.search(head))

    def _skip_reply(self, start: int, end: int) -> None:
        self.replies.append(self._skip(start, end))

    def _skip(self, start: int, end: int) -> int:
        """Skip these lines; return how many of them are not blank and were not skipped before."""
        numbers = [number for number in range(start, end) if not self.skipped[number]]
        self.skipped[start:end] = [True] * (end - start)
        return sum(bool(self.lines[number].strip()) for number in numbers)

    def mark_signatures(self) -> None:
        """Skip the signatures at the ends of the author's own lines, and what a mailing list puts below."""
        ends = [number for number in range(1, len(self.lines) + 1) if self._is_end(number)]
        start = 0
        for end in ends:
            while self.skipped[start]:
                start += 1
            self._mark_signature(start, end)
            start = end

    def _is_end(self, number: int) -> bool:
        """Whether a run of lines that are not skipped ends before a line."""
        return not self.skipped[number - 1] and (number == len(self.lines) or self.skipped[number])

    def _mark_signature(self, start: int, end: int) -> None:
        numbers = [number for number in range(start, end) if self.lines[number].strip()]
        for place, number in enumerate(
            numbers[-_MAX_SIGNATURE - 1 :], max(0, len(numbers) - _MAX_SIGNATURE - 1)
        ):
            line, below = self.lines[number], numbers[place + 1 :]
            if line.rstrip("\r\n") in ("--", "-- "):
                is_signature = line.endswith(" ") or len(below) <= _MAX_UNMARKED
            else:
                is_footer = _RULE.fullmatch(line) and 0 < len(below) <= _MAX_FOOTER
                texts = [self.lines[at] for at in below if is_footer]
                is_signature = any(map(_LINK.search, texts)) and not _HEADER.match(texts[0])
            if is_signature:
                self.signature += self._skip(number, end) - 1
                return
        if numbers and len(line := self.lines[numbers[-1]]) <= _MAX_DEVICE and _DEVICE.match(line):
            self.signature += self._skip(numbers[-1], end)

    def notes(self) -> list[str]:
        """Return what was skipped, in words."""
        found = []
        if replies := [*filter(None, self.replies)]:
            what = "a quoted reply" if len(replies) == 1 else f"{len(replies)} quoted replies"
            found.append(f"skipped: {what} of {_count_lines(sum(replies))}")
        if self.signature > 0:
            found.append(f"skipped: a signature of {_count_lines(self.signature)}")
        return found


def _drop_armor(text: str) -> str:
    """Return the text without the armor that PGP puts around what is signed in it."""
    return _SIGNED.sub(lambda found: re.sub("^- ", "", found["text"], flags=re.MULTILINE), text)


def _count_lines(count: int) -> str:
    return "1 line" if count == 1 else f"{count} lines"

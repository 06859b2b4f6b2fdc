"""Publication dates: date lines, dates in URLs and file names, and the choice among candidates.

Every date has the precision that its source states, and its provenance: where the source states it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import islice, takewhile

import regex
from msgspec import ValidationError, convert
from msgspec.structs import replace

from indexer.article import Published, make_published, normalize_space
from indexer.errors import InvalidArticle
from indexer.readers.document import ReadOptions
from indexer.readers.expressions import find_expressions, find_month_and_day, make_date
from indexer.text.calendars import month_names, weekday_names
from indexer.text.normalization import normalize

# Best first. "text" is a date that the page shows without saying what it is the date of.
RANKS = {
    name: rank
    for rank, name in enumerate(
        (
            *("given", "meta", "json-ld", "xmp", "time", "dateline", "mail", "text", "url"),
            *("file name", "properties", "modified"),
        )
    )
}
_EARLIEST = date(1400, 1, 1)

# The words around a date, normalized: "published on", "last updated".
_LABEL_WORDS = """
    updated update published posted publication last modified first created date dated on at the of by time
    written issued released filed hrs local est et pt ct ist cst am pm
    stand aktualisiert geandert veroffentlicht erstellt datum vom um uhr den der zuletzt
    publie publiee mis mise a jour le modifie heure
    actualizado actualizada publicado publicada fecha el de del las en hora
    pubblicato aggiornato data il alle ore publicacao atualizado em as op om gepubliceerd bijgewerkt geplaatst
    opublikowano dnia aktualizacja zverejneno publicerad uppdaterad publisert oppdatert udgivet opdateret
    julkaistu paivitetty klo kl frissitve kozzeteve publicat actualizat la yayinlanma tarihi guncelleme saat
    опубликовано обновлено дата в от г года року опубліковано оновлено δημοσιευση ενημερωση
    نشر نشره تم في تاريخ النشر اخر تحديث يوم الموافق الساعه منتشر شده به روز انتشار פורסם עודכן בתאריך
    ngay dang cap nhat luc diterbitkan diperbarui pada pukul tanggal
    วันที่ เผยแพร่ โพสต์ อัปเดต เมื่อ ที่ เวลา น प्रकाशित अपडेट दिनांक तारीख
    发布时间 更新时间 时间 日期 发布 更新 公開日 更新日 公開 掲載 投稿日 更新日時 作成日 発行
    입력 수정 등록 작성 게시
"""
_LABELS = frozenset(map(normalize, _LABEL_WORDS.split()))
_MODIFIED = regex.compile(
    r"updated?\b|modified|aktualisiert|geändert|mise? à jour|modifié|actualizado|aggiornato|atualizado|"
    r"bijgewerkt|uppdaterad|oppdatert|opdateret|päivitetty|обновлено|оновлено|تحديث|güncelleme|更新|수정|อัปเดต",
    regex.IGNORECASE,
)
_WORD = regex.compile(r"[\p{L}\p{N}][\p{L}\p{N}\p{M}]*")
_SEPARATOR = regex.compile(r"\s*[,;|·•/،，、]\s*|\s+[-–—]+\s+|\s*[–—]\s*")
_BYLINE = regex.compile(
    r"(?:(?:written|posted|published|reported|story|text|words)\s+)?(?:(?:by|von|par|por|di|da|door|af|av|"
    r"texte|autore?|autora|auteur|автор|بقلم)(?:\s*:|(?=\s))|(?:作者|记者|記者|文)\s?[:：]?)\s*(?P<name>\S.*)",
    regex.IGNORECASE,
)
_PARTICLE_WORDS = """
    of the and de la le les du des del di da dos von van der den zu y e et und upon sur
"""
_PARTICLES = frozenset(_PARTICLE_WORDS.split())
_MAX_NAME_WORDS = 6
_MAX_UNSPACED_NAME = 12
_PAGE = regex.compile(
    r"(?<![\p{L}\d])(?:pgs?|pp?|pages?|seiten?|s|p[áa]g(?:s|inas?)?|col(?:umn)?|iss(?:ue)?|no|nr|vol(?:ume)?|"
    r"sec(?:tion)?|ed(?:ition)?)\.?\s*(?:[a-z]{0,2}-?\d{1,6}(?:\s?[-–,]\s?[a-z]?\d{1,6})*|[a-z])(?![\p{L}\d])",
    regex.IGNORECASE,
)
_NUMBERS_ONLY = regex.compile(r"\d{1,2}[-/.]\d{1,2}[-/.]\d\d")
_HEAD_LINES = 6
_MAX_DATE_LINE = 160
_YEAR = r"((?:1[4-9]|20)\d\d)"
_YEAR_LINE = re.compile(rf"\W*{_YEAR}\W*")
_DATELINE_PLACE = re.compile(r"[^\W\d_]{3,}[^\d\n]{0,60}?[,:]?\s+")
_DATELINE_END = re.compile(r"\s*(?:\([^()]{1,40}\)\s*)?(?:-{1,2}|–|—)\s")
_PATH_DAY = re.compile(
    rf"(?<![0-9A-Za-z]){_YEAR}([-/_.]?)(0?[1-9]|1[0-2])\2(0[1-9]|[12]\d|3[01]|[1-9])(?![0-9])"
)
_PATH_NAMED_MONTH = re.compile(
    rf"(?<![0-9A-Za-z]){_YEAR}[-/_]([^\W\d_]{{3,12}})(?:[-/_](0?[1-9]|[12]\d|3[01])(?!\d))?"
)
_PATH_MONTH = re.compile(rf"(?<![0-9A-Za-z]){_YEAR}[-/_](0[1-9]|1[0-2])(?![0-9])")
_PATH_YEAR = re.compile(rf"(?:^|/){_YEAR}(?=[-_ /.]|$)")


@dataclass(frozen=True, slots=True)
class DateLine:
    """The dates of a line, best first, or only a month and a day.

    `is_bare` says that the line has nothing but dates and labels, so that the text loses nothing without it.
    """

    dates: tuple[Published, ...] = ()
    month_and_day: tuple[int, int] | None = None
    is_bare: bool = True


@dataclass(slots=True)
class HeadDates:
    """Collects the dates that the lines at the start of an article state."""

    options: ReadOptions
    _bare: list[Published] = field(default_factory=list)
    _attributed: list[Published] = field(default_factory=list)
    _month_and_day: tuple[int, int] | None = None

    def read_line(self, line: str) -> DateLine | None:
        """Add the dates of a line if it is a date line, and return it parsed; else return None."""
        found = parse_date_line(normalize_space(line), self.options)
        self._add(found)
        return found if found and found.dates else None

    def read_lines(self, lines: Iterable[str]) -> set[int]:
        """Add the dates of the first lines, up to the first long one; return which are bare, from 0."""
        short = takewhile(lambda line: len(line) <= _MAX_DATE_LINE, islice(lines, _HEAD_LINES))
        found = map(self.read_line, short)
        return {number for number, line in enumerate(found) if line and line.is_bare}

    def read_dateline(self, paragraphs: list[str]) -> None:
        """Add the date that one of the first paragraphs begins with."""
        self._add(next(filter(None, (parse_dateline(text, self.options) for text in paragraphs[:3])), None))

    def resolve(self, name: str) -> tuple[list[Published], list[str]]:
        """Return the dates, best first, and notes; a year that is missing may be in the file's name."""
        dates = [*self._bare, *self._attributed]
        if not self._month_and_day:
            return dates, []
        hint = next(iter(dates), None) or find_path_date(name, "file name", self.options)
        if hint and (completed := complete_year(self._month_and_day, hint)):
            return [*dates, completed], []
        month, day = self._month_and_day
        return dates, [f"ignored a date without a year (month {month}, day {day})"]

    def _add(self, line: DateLine | None) -> None:
        if line:
            (self._bare if line.is_bare else self._attributed).extend(line.dates)
            self._month_and_day = self._month_and_day or line.month_and_day


def parse_date_line(text: str, options: ReadOptions) -> DateLine | None:
    """Return the dates of a line that says nothing of substance besides; None for others.

    Before the dates may stand labels such as "Updated", a byline, a place, or the name of a newspaper; after
    them the number of a page.
    """
    if len(text) > _MAX_DATE_LINE or not any(map(str.isdigit, text)):
        return None
    if year := _YEAR_LINE.fullmatch(text):
        return DateLine((Published(year[1], "year", "dateline"),))
    expressions = list(find_expressions(text, "dateline", options))
    # The texts before, between and after them.
    starts = [0, *(expression.end for expression in expressions)]
    ends = [*(expression.start for expression in expressions), len(text)]
    between = [text[start:end] for start, end in zip(starts, ends, strict=True)]
    dates: list[Published] = []
    modified: list[Published] = []
    for label, expression in zip(between, expressions, strict=False):
        if expression.published:
            (modified if _MODIFIED.search(label) else dates).append(expression.published)
    if dates or modified:
        found = (*dates, *modified)
        if _are_labels(" ".join(between)):
            return DateLine(found)
        first = text[expressions[0].start : expressions[0].end]
        is_exact = found[0].precision in ("day", "minute") and not _NUMBERS_ONLY.fullmatch(first)
        if is_exact and _is_attribution(between[0]) and _are_labels(_PAGE.sub(" ", " ".join(between[1:]))):
            return DateLine(found, is_bare=False)
        return None
    if short := find_month_and_day(text):
        start, end, when = short
        return DateLine(month_and_day=when) if _are_labels(f"{text[:start]} {text[end:]}") else None
    return None


def parse_dateline(text: str, options: ReadOptions) -> DateLine | None:
    """Return the date of a paragraph that begins like `LONDON, March 4 (Reuters) -`; None for any other."""
    if not text[:3].isupper():
        return None
    text = text[:_MAX_DATE_LINE]
    found = [
        (e.start, e.end, DateLine((e.published,)))
        for e in find_expressions(text, "dateline", options)
        if e.published
    ]
    if short := find_month_and_day(text):
        found.append((short[0], short[1], DateLine(month_and_day=short[2])))
    if not found:
        return None
    start, end, line = min(found, key=lambda item: item[0])
    is_dateline = _DATELINE_PLACE.fullmatch(text[:start]) and _DATELINE_END.match(text, end)
    return line if is_dateline else None


def complete_year(month_and_day: tuple[int, int], hint: Published) -> Published | None:
    """Return the date with this month and day that is nearest to `hint`; None if its year has no such day."""
    month, day = month_and_day
    candidates = []
    for step in (0,) if hint.precision == "year" else (-1, 0, 1):
        try:
            candidates.append(datetime(hint.start.year + step, month, day))
        except ValueError:
            continue
    if not candidates:
        return None
    nearest = min(candidates, key=lambda moment: (abs(moment - hint.start), moment))
    return Published.at(nearest, "day", "dateline", note=f"the year is from the {hint.provenance}")


def find_path_date(path: str, provenance: str, options: ReadOptions) -> Published | None:
    """Return the date in a URL's path or a file's name.

    A day or a month may stand anywhere in it; a year alone must begin a part of a file's name.
    """
    for match in _PATH_DAY.finditer(path):
        year, separator, month, day = match.groups()
        # Without separators only eight digits are a date.
        is_date = separator or len(match[0]) == 8
        if is_date and (found := make_date(int(year), int(month), int(day), provenance, options)):
            return found
    for match in _PATH_NAMED_MONTH.finditer(path):
        month_number = month_names().get(normalize(match[2]))
        named_day = int(match[3]) if match[3] else None
        if month_number and (found := make_date(int(match[1]), month_number, named_day, provenance, options)):
            return found
    if found_month := _PATH_MONTH.search(path):
        return make_date(int(found_month[1]), int(found_month[2]), None, provenance, options)
    if provenance == "file name" and (found_year := _PATH_YEAR.search(path)):
        return Published(found_year[1], "year", provenance)
    return None


def read_object(value: object) -> Published | None:
    """Return the date that an object states with its provenance, as `Article.as_json` has it; else None."""
    try:
        return make_published(convert(value, Published))
    except (ValidationError, InvalidArticle):
        return None


def choose_date(candidates: Iterable[Published], options: ReadOptions) -> tuple[Published | None, list[str]]:
    """Return the publication date among the candidates, and notes about it.

    The best provenance wins. A finer date that agrees with it adds its precision; dates that disagree become
    its `others`. Dates after the last day of the options or before 1400 are refused with a note.
    """
    notes = []
    valid = []
    late = f"after {options.today}" if options.today else "in the future"
    for candidate in sorted(candidates, key=lambda c: RANKS.get(c.provenance, len(RANKS))):
        start = candidate.start.date()
        if start > options.last_day():
            notes.append(f"date {candidate.value} ({candidate.provenance}) refused: it is {late}")
        elif start < _EARLIEST:
            notes.append(f"date {candidate.value} ({candidate.provenance}) refused: it is before 1400")
        else:
            valid.append(candidate)
    if not valid:
        return None, notes
    best = valid[0]
    for other in valid[1:]:
        if other.provenance == "properties" != best.provenance:
            # When a file was made says nothing else about when its text was published.
            continue
        # A finer date is a longer value.
        if len(other.value) > len(best.value) and other.value.startswith(best.value):
            best = other
    others = []
    for other in valid:
        if best.provenance != other.provenance in ("properties", "modified"):
            continue
        shorter = min(len(best.value), len(other.value))
        if best.value[:shorter] != other.value[:shorter]:
            others.append((other.value, other.provenance))
    if best.provenance == "modified":
        notes.append("only the date of a change was found, not that of publication")
    return replace(best, others=tuple(dict.fromkeys(others))), notes


def _are_labels(text: str) -> bool:
    """Whether every word of a text is one of the words around a date, such as "Updated" or "Monday"."""
    words = map(normalize, _WORD.findall(text))
    return all(word in _LABELS or word in weekday_names() for word in words)


def _is_attribution(text: str) -> bool:
    """Whether what stands before a date is a byline, a place, or the name of a newspaper, and a separator."""
    *parts, last = _SEPARATOR.split(text.lstrip())
    if last.strip():
        # Only a byline may do without a separator.
        parts.append(last)
        if not _BYLINE.match(last):
            return False
    for part in filter(None, parts):
        byline = _BYLINE.fullmatch(part)
        if not _are_labels(part) and not _is_name(byline["name"] if byline else part):
            return False
    return True


def _is_name(text: str) -> bool:
    """Whether a text is a name by its capitals, or by its length in scripts without capitals."""
    words = _WORD.findall(text)
    has_case = any(map(str.islower, text)) or any(map(str.isupper, text))
    if not words or len(words) > _MAX_NAME_WORDS or any(map(str.isdigit, text)):
        return False
    if not has_case:
        return len(text) <= _MAX_UNSPACED_NAME or (" " in text and len(words) <= 3)
    capitals = [word[0].isupper() for word in words]
    return capitals[0] and all(
        is_capital or word in _PARTICLES for word, is_capital in zip(words, capitals, strict=True)
    )

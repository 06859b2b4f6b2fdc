"""Names of months and weekdays in many languages, and years that are counted otherwise than in Europe.

The names are those of Unicode's locale data, which Babel has. Imports are late, since most processes read no
dates.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from functools import cache
from itertools import product
from typing import Literal, get_args
from unicodedata import decimal
from zlib import crc32

from msgspec import DecodeError, json

from indexer.files.cache import find_cache, keep
from indexer.text.normalization import normalize
from indexer.text.unspaced import compile_on_first_use

# Where two languages use a name for different months, the first language counts: Croatian, whose listopad is
# October, comes after Polish and Czech, where it is November. Those with a country have other names.
_LANGUAGES = """
    en de fr es it pt nl ru pl cs sv da nb nn fi hu ro el tr uk be bg mk sr sr_Latn bs hr sk sl lt lv et
    is ga cy sq ca eu gl af hy ka az kk uz ar ar_LB ar_DZ ar_MA fa ps he ur hi bn mr ne gu pa ta te kn ml si
    my km lo th id ms fil vi sw am zh ja ko de_AT
"""
LANGUAGES = tuple(_LANGUAGES.split())
"""The languages whose names are known, as Babel writes them."""

ERAS = {"明治": 1867, "大正": 1911, "昭和": 1925, "平成": 1988, "令和": 2018, "民國": 1911, "民国": 1911}
"""The eras of Japan since 1868 and that of the Republic of China: the year before the first one."""

# Abbreviations and spellings that the locale data do not have.
_MORE_MONTHS = {"jaenner": 1, "fév": 2, "maerz": 3, "mrz": 3, "sept": 9, "set": 9}
# Case endings and prefixes with which a name stands in a date.
_AFFIXES = {"he": ("ב", ""), "eu": ("", "ren"), "th": ("", "ที่")}
_MORE_WEEKDAYS = ("tues", "weds", "thur", "thurs", "sonnabend")
_PERSIAN_DIGIT = "[۰-۹]"
_ARABIC_DIGIT = "[٠-٩]"
_OTHER_DIGIT = r"(?![0-9])\p{Nd}"
_THAI = r"\p{Thai}"
_BUDDHIST_ERA = 543
_Kind = Literal["months", "days"]
_Locales = dict[_Kind, dict[str, list[tuple[int, str]]]]
"""Numbers and names, by kind and language."""


@cache
def month_names(languages: tuple[str, ...] = LANGUAGES) -> Mapping[str, int]:
    """Return the names and abbreviations of the months and their numbers from 1 to 12.

    They are in lower case and without a final dot; each is there as it is written and normalized.
    """
    found = dict(_MORE_MONTHS)
    for number, name in _list_names("months", languages):
        found.setdefault(name, number)
        found.setdefault(normalize(name), number)
    return found


@cache
def weekday_names() -> frozenset[str]:
    """Return the names and abbreviations of the days of the week, as `month_names` has those of months."""
    names = {name for _, name in _list_names("days", LANGUAGES)}
    return frozenset({*names, *map(normalize, names), *_MORE_WEEKDAYS})


@cache
def solar_hijri_months() -> Mapping[str, int]:
    """Return the names of the months of the Persian calendar and their numbers, as `month_names` does."""
    from jdatetime import date as solar_date

    names = [*enumerate(solar_date.j_months_fa, 1), *enumerate(solar_date.j_months_en, 1)]
    return {spelling: number for number, name in names for spelling in (name.lower(), normalize(name))}


def from_solar_hijri(year: int, month: int, day: int) -> date:
    """Return the Gregorian date of a date in the Persian calendar; ValueError if there is no such date."""
    from jdatetime import date as solar_date

    found: date = solar_date(year, month, day).togregorian()
    return found


def is_solar_hijri(expression: str, year: int) -> bool:
    """Whether a date is one of the Persian calendar, by its digits: those of Persian, and a recent year."""
    return 1200 <= year <= 1500 and compile_on_first_use(_PERSIAN_DIGIT).search(expression) is not None


def is_lunar_hijri(expression: str, year: int) -> bool:
    """Whether a date is one of the Islamic calendar, which is not read: Arabic digits, a recent year."""
    return 1200 <= year <= 1500 and compile_on_first_use(_ARABIC_DIGIT).search(expression) is not None


def to_common_era(expression: str, year: int) -> int:
    """Return the year of a date; the years of the Buddhist era, in which Thai is written, are 543 ahead."""
    is_buddhist = 2300 <= year <= 2800 and compile_on_first_use(_THAI).search(expression) is not None
    return year - _BUDDHIST_ERA if is_buddhist else year


def to_ascii_digits(text: str) -> str:
    """Return the text with the decimal digits of all scripts as 0 to 9; its length does not change."""
    found: str = (
        text
        if text.isascii()
        else compile_on_first_use(_OTHER_DIGIT).sub(lambda match: str(decimal(match[0])), text)
    )
    return found


def _list_names(kind: _Kind, languages: tuple[str, ...]) -> Iterator[tuple[int, str]]:
    """Yield numbers and names, without those that are too short to be told from other words."""
    shortest = 3 if kind == "months" else 2
    for language, names in _read_locales(languages)[kind].items():
        for number, name in names:
            name = name.lower().strip(". ")
            # Some languages number the months: 3月, thg 3.
            is_name = not any(map(str.isdigit, name))
            if is_name and (len(name) >= shortest or not normalize(name).isascii()):
                yield number, name.removeprefix("de ")
                if language in _AFFIXES:
                    prefix, suffix = _AFFIXES[language]
                    yield number, f"{prefix}{name}{suffix}"


def _read_locales(languages: tuple[str, ...]) -> _Locales:
    """Return the names that Babel has, which takes a quarter of a second; from the cache if it has them."""
    # Imported here, since only this needs it, and it takes some milliseconds.
    from importlib.metadata import version

    key = f"{version('babel')}-{crc32(' '.join(languages).encode()):08x}"
    path = find_cache() / f"calendars-{key}.json"
    try:
        return json.decode(path.read_bytes(), type=_Locales)
    except (OSError, DecodeError):  # it is missing, or was altered
        kinds: tuple[_Kind, ...] = get_args(_Kind)
        # In this order: if the days of a language are read before the months of another, Babel gives some of
        # them to the other language as well.
        found = {kind: {language: _read_locale(language, kind) for language in languages} for kind in kinds}
    keep(path, lambda new: new.write_bytes(json.encode(found)))
    return found


def _read_locale(language: str, kind: _Kind) -> list[tuple[int, str]]:
    from babel import Locale

    contexts = getattr(Locale.parse(language), kind)
    return [
        (number, name)
        for context, width in product(("format", "stand-alone"), ("wide", "abbreviated"))
        for number, name in contexts[context][width].items()
    ]

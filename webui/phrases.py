"""The page's own words, dates and numbers in the languages of its readers.

A text stands in English where it is used, and that text is its key. `translations/<language>.json` has it in
another language; `{name}` stands for a value in both:

    "Did you mean {query}?": "Meinten Sie {query}?"

and what is counted, under the key of its plural, has the plural forms of the language (those of CLDR):

    "{n} articles": {"one": "{n} Artikel", "other": "{n} Artikel"}

A text that a catalog lacks stays English, so an application that overrides a template may use its own. What
the library says (notes, reasons, readings of a query) is English: templates mark it lang="en" dir="ltr".
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, get_datetime_format
from babel.numbers import format_decimal, format_percent
from flask import Request
from markupsafe import Markup, escape

from indexer.published import Published

LANGUAGES = {
    "en": "English",
    "de": "Deutsch",
    "fr": "Français",
    "es": "Español",
    "ar": "العربية",
    "zh": "中文",
}
"""What the page speaks, by tag, each in its own words."""
# Dates as 5 November 2021, which is understood wherever English is read.
_LOCALES = {"en": "en_GB"}
# As CLDR names the ways to write a date.
_SKELETONS: dict[str, str] = {"year": "y", "month": "yMMMM"}


def N_(text: str) -> str:  # noqa: N802  (the name that it has everywhere)
    """The text itself: it says that a template will translate what is written here."""
    return text


class Phrases:
    """The page's words in one language."""

    def __init__(self, language: str) -> None:
        self.language = language
        self._locale = Locale.parse(_LOCALES.get(language, language))
        self.direction: str = self._locale.text_direction
        self._texts = catalog(language)
        # A page shows the same few dates and numbers again and again.
        self.date = functools.lru_cache(4096)(self._date)

    def say(self, text: str, /, **values: object) -> Markup:
        """An English text in this language, with its values.

        The text and the values are escaped, but for values that are markup themselves, such as a link; whole
        numbers are written as the language has them (a year is no number: give it as text). A text without
        values may be any: braces in it mean nothing.
        """
        found = self._texts.get(text, text)
        return self._filled(found if isinstance(found, str) else text, values)

    def count(self, one: str, many: str, n: int, /, **values: object) -> Markup:
        """The text for `n` of something; `{n}` stands for the number, unless another `n` is given."""
        forms = self._texts.get(many)
        if isinstance(forms, Mapping):
            form = forms.get(self._locale.plural_form(n), forms["other"])
        else:
            form = one if n == 1 else many
        return self._filled(form, {"n": n, **values})

    def number(self, value: float, digits: int = 0) -> str:
        """A number, with so many digits after its point."""
        return format_decimal(value, "#,##0" + ("." + "0" * digits if digits else ""), self._locale)

    def percent(self, share: float) -> str:
        """A share (0 to 1) in percent, with one digit after its point."""
        pattern = self._locale.percent_formats[None].pattern.replace("#,##0", "#,##0.0")
        return format_percent(share, pattern, self._locale)

    def language_name(self, tag: str) -> str:
        """A language by its name; its tag, where it has none here."""
        try:
            return Locale.parse(tag, sep="-").get_display_name(self._locale) or tag
        except (ValueError, UnknownLocaleError):
            return tag

    def _date(self, value: str) -> str:
        """A date in ISO 8601 in words, no more exact than it is; what is no date stays as it is."""
        try:
            date = Published.parse(value)
        except ValueError:
            return value
        skeleton = _SKELETONS.get(date.precision)
        pattern = self._locale.datetime_skeletons[skeleton].pattern if skeleton else "long"
        words = format_date(date.start, pattern, self._locale)
        if date.precision != "minute":
            return words
        both = str(get_datetime_format("medium", self._locale))
        return both.replace("{0}", date.value[-len("21:01") :]).replace("{1}", words)

    def names(self) -> dict[str, Any]:
        """What every template finds: the ways to say things, and the language with its direction."""
        return {
            "_": self.say,
            "_n": self.count,
            "number": self.number,
            "percent": self.percent,
            "language_name": self.language_name,
            "in_words": self.date,
            "language": self.language,
            "direction": self.direction,
        }

    def _filled(self, text: str, values: Mapping[str, object]) -> Markup:
        if not values:
            return escape(text)
        shown = {name: self.number(v) if type(v) is int else v for name, v in values.items()}
        return Markup(escape(text)).format(**shown)


@functools.cache
def phrases(language: str) -> Phrases:
    """The page's words in one of LANGUAGES."""
    return Phrases(language)


def catalog(language: str) -> dict[str, str | dict[str, str]]:
    """All texts in a language, by their English; English has none of its own."""
    path = Path(__file__).parent / "translations" / f"{language}.json"
    texts: dict[str, str | dict[str, str]] = json.loads(path.read_bytes()) if language != "en" else {}
    return texts


def chosen(request: Request) -> Phrases:
    """The words for whoever asks: as the address says (`?lang=de`), or the browser, else English."""
    try:
        named = request.args.get("lang", "")
    except UnicodeDecodeError:
        named = ""
    if named in LANGUAGES:
        return phrases(named)
    # Not best_match(): it gives English to a browser that asks for "de-AT, en;q=0.5".
    wanted = (tag.replace("_", "-").partition("-")[0].lower() for tag, q in request.accept_languages if q > 0)
    return phrases(next((tag for tag in wanted if tag in LANGUAGES), "en"))

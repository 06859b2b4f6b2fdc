"""The page's texts, dates and numbers in the languages of its readers.

Texts are written in English where they are used, and gettext looks up their translations. In a template,

    {{ _("Did you mean {query}?", query=link) }}
    {{ _n("{n} article", "{n} articles", total) }}

and in code, whose texts a template translates later, `N_("There is no such article")`. Each language has a
catalog, `<language>/LC_MESSAGES/messages.po`. After a change of texts, `python -m webui.translations` updates
the catalogs; with `--check` it only reports problems. The search element (`static/nutgraf-search.js`) runs in
pages of other sites, so the same command writes its translations into the script.

To add a language:

1. Add its tag and its own name to LANGUAGES.
2. Run `python -m webui.translations`, which makes its catalog.
3. Translate the texts in the catalog; dates, numbers and the direction come from Babel.
4. Run the command again: it lists what is missing or wrong, and updates the search element.
5. Add its quotation marks to `static/nutgraf.css` (`q:lang(…)`) if they are not those of English.

A wheel also has the compiled catalogs (`.mo`); in a source tree the `.po` is read at first use.

A text without a translation stays English, so an application that overrides a template may use its own texts.
Notes of the library have their texts in `webui.notes`. Its other messages (errors, explanations) are English:
templates mark them lang="en".
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path
from typing import Any

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_interval, get_datetime_format
from babel.lists import format_list
from babel.numbers import format_decimal, format_percent
from flask import Request
from markupsafe import Markup, escape

from indexer.article import Published

LANGUAGES = {
    "en": "English",
    "de": "Deutsch",
    "fr": "Français",
    "es": "Español",
    "ar": "العربية",
    "zh": "中文",
}
"""The languages of the page by tag, each by its own name. Texts are written in English: it has no catalog."""
FOLDER = Path(__file__).parent
# Pages show the same dates and numbers again and again, and Babel is slow. The cache keeps the localizations,
# which are few and are kept as long as the process runs anyway.
_cached = functools.lru_cache(16_384)
# Dates as 5 November 2021, which is understood wherever English is read.
_LOCALES = {"en": "en_GB"}
# CLDR skeletons by precision, and those of short dates.
_SKELETONS: dict[str, str] = {"year": "y", "month": "yMMMM"}
_SHORT_SKELETONS: dict[str, str] = {"year": "y", "month": "yMMM", "day": "MMMd"}


def N_(text: str) -> str:  # noqa: N802  (the name by which gettext's tools know it)
    """The text itself, marked for extraction: a template translates it."""
    return text


def N_n(one: str, many: str) -> tuple[str, str]:  # noqa: N802
    """The plural forms of a text, marked for extraction."""
    return one, many


class Localization:
    """Texts, dates and numbers in one language.

    Flask-Babel and Jinja's i18n extension hold one set of translations for a whole application, which the
    host application may need for itself. So these functions are passed to each page, and nothing is set on
    the application or its Jinja environment.
    """

    def __init__(self, language: str, catalog: NullTranslations) -> None:
        self.language = language
        self._locale = Locale.parse(_LOCALES.get(language, language))
        self.direction: str = self._locale.text_direction
        self._catalog = catalog
        self.context: dict[str, Any] = {
            "_": self.gettext,
            # Not named `ngettext`: `{% trans %}` of the host application would call it.
            "_n": self.ngettext,
            "number": self.number,
            "percent": self.percent,
            "language_name": self.language_name,
            "value_text": self.value_text,
            "in_words": self.date,
            "in_short": self.short_date,
            "interval": self.interval,
            "language": self.language,
            "direction": self.direction,
        }
        """What every template gets: these functions, the language and its direction."""

    def gettext(self, text: str, /, **values: object) -> Markup:
        """The translation of an English text, with values for its placeholders (`{name}`).

        Text and values are escaped, except values that are markup, such as a link. Integers are formatted
        for the language (pass a year as text). Without values, braces have no meaning.
        """
        # gettext translates "" to the header of the catalog.
        return self._fill(self._catalog.gettext(text) if text else text, values)

    def ngettext(self, one: str, many: str, n: int, /, **values: object) -> Markup:
        """The translation in the plural form for `n`; `{n}` is the number, unless `values` has another."""
        return self._fill(self._catalog.ngettext(one, many, n), {"n": n, **values})

    @_cached
    def number(self, value: float, digits: int = 0) -> str:
        """A formatted number with `digits` decimals."""
        return format_decimal(value, "#,##0" + ("." + "0" * digits if digits else ""), self._locale)

    def list(self, texts: Sequence[str]) -> Markup:
        """Texts as an enumeration; they are escaped, except markup."""
        return Markup(format_list([escape(text) for text in texts], locale=self._locale))

    @_cached
    def percent(self, share: float) -> str:
        """A share (0 to 1) in percent, with one decimal."""
        pattern = self._locale.percent_formats[None].pattern.replace("#,##0", "#,##0.0")
        return format_percent(share, pattern, self._locale)

    def language_name(self, tag: str) -> str:
        """The name of a language, or its tag if the name is unknown."""
        try:
            return Locale.parse(tag, sep="-").get_display_name(self._locale) or tag
        except (ValueError, UnknownLocaleError):
            return tag

    def value_text(self, value: str, kind: str) -> str:
        """The value of a field or facet: a boolean, date or language in words, any other as it is."""
        if kind == "boolean":
            return self.gettext("yes") if value == "true" else self.gettext("no")
        if kind == "date":
            return self.date(value)
        return self.language_name(value) if kind == "language" else value

    @_cached
    def short_date(self, value: str) -> str:
        """An ISO 8601 year, month or day as on an axis: 2021, Nov 2021, 5 Nov."""
        date = Published.parse(value)
        pattern = self._locale.datetime_skeletons[_SHORT_SKELETONS[date.precision]].pattern
        return format_date(date.start, pattern, self._locale)

    @_cached
    def interval(self, first: str, last: str) -> str:
        """Two ISO 8601 days as one text, such as 5–11 Nov 2021; the first in words if both are the same."""
        if first == last:
            return self.date(first)
        start, end = (Published.parse(day).start for day in (first, last))
        return format_interval(start, end, "yMMMd", locale=self._locale)

    @_cached
    def date(self, value: str) -> str:
        """An ISO 8601 date in words, with its precision; any other text is returned as it is."""
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

    def _fill(self, text: str, values: Mapping[str, object]) -> Markup:
        if not values:
            return escape(text)
        shown = {name: escape(self.number(v) if type(v) is int else v) for name, v in values.items()}
        # Not `Markup.format`, which escapes the values by a formatter in Python.
        return Markup(str(escape(text)).format(**shown))


def isolate(text: str) -> Markup:
    """A text that was typed or read, kept from changing the direction of the sentence around it."""
    return Markup(f"\u2068{escape(text)}\u2069")


@functools.cache
def localize(language: str) -> Localization:
    """The localization for one of LANGUAGES."""
    return Localization(language, load_catalog(language) if language != "en" else NullTranslations())


def find_catalog(language: str, folder: Path = FOLDER) -> Path:
    """The file that holds the translations into a language."""
    return folder / language / "LC_MESSAGES" / "messages.po"


def load_catalog(language: str, folder: Path = FOLDER) -> GNUTranslations:
    """The translations into a language: compiled when the package was built, or else now."""
    source = find_catalog(language, folder)
    try:
        with source.with_suffix(".mo").open("rb") as compiled:
            return GNUTranslations(compiled)
    except FileNotFoundError:
        return compile_catalog(source)


def compile_catalog(source: Path) -> GNUTranslations:
    """The translations in a .po file."""
    # An installed package has compiled catalogs and does not need these modules.
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    compiled = BytesIO()
    with source.open("rb") as file:
        write_mo(compiled, read_po(file, abort_invalid=True))
    compiled.seek(0)
    return GNUTranslations(compiled)


def choose_language(request: Request) -> str:
    """The language for a request: from its URL (`?lang=de`), or the browser, else English."""
    try:
        named = request.args.get("lang", "")
    except UnicodeDecodeError:
        named = ""
    if named in LANGUAGES:
        return named
    # best_match() would choose English for "de-AT, en;q=0.5".
    wanted = (tag.replace("_", "-").partition("-")[0].lower() for tag, q in request.accept_languages if q > 0)
    return next((tag for tag in wanted if tag in LANGUAGES), "en")

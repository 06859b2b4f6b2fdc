"""Bring the catalogs up to date with the texts of the page: `python -m webui.translations [--check]`.

The texts marked in templates, code and the search element are merged into each catalog: a new text is added
without a translation, or marked fuzzy with the translation of a similar text; an unused text is removed. A
language that was added to LANGUAGES gets a catalog. The command then lists what translators have to do, and
exits with 1 if there is anything. With `--check` no file is written.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from gettext import c2py
from pathlib import Path

from babel import Locale
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.pofile import PoFileError, read_po, write_po

from webui.translations import FOLDER, LANGUAGES, compile_catalog, find_catalog

WEBUI = FOLDER.parent
SCRIPT = WEBUI / "static" / "nutgraf-search.js"
METHODS = (("**.py", "python"), ("templates/**.html", "jinja2"), (f"static/{SCRIPT.name}", "javascript"))
KEYWORDS = {**DEFAULT_KEYWORDS, "_n": (1, 2), "N_n": (1, 2)}
_BLOCK = re.compile(r"(?<=\n  const TRANSLATIONS = )\{.*?\}(?=;\n)", re.DOTALL)
_PLACEHOLDER = re.compile(r"\{\w+\}|[{}]")
# Numbers that use every plural form of every language.
_NUMBERS = range(1000)
_REFRESH = "Run python -m webui.translations"


def extract_template() -> Catalog:
    """All texts to translate, with the files that use them."""
    template = Catalog(project="Nutgraf")
    for file, line, text, comments, context in extract_from_dir(WEBUI, METHODS, keywords=KEYWORDS):
        template.add(text, None, [(file, line)], auto_comments=comments, context=context)
    return template


def read_catalog(path: Path, language: str) -> Catalog:
    """The catalog in a file, or an empty one if there is no file."""
    if not path.exists():
        comment = f"# {LANGUAGES[language]}: the page of Nutgraf"
        return Catalog(language, header_comment=comment, project="Nutgraf", fuzzy=False)
    with path.open("rb") as file:
        return read_po(file, abort_invalid=True)


def update_catalog(path: Path, language: str, template: Catalog) -> None:
    """Update the texts of a catalog file, keeping its translations."""
    catalog = read_catalog(path, language)
    catalog.update(template, update_creation_date=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        write_po(file, catalog, sort_output=True, ignore_obsolete=True, include_lineno=False)


def find_problems(path: Path, language: str, template: Catalog) -> Iterator[str]:
    """The problems of a catalog, one sentence each."""
    try:
        catalog = read_catalog(path, language)
        forms = Counter(map(c2py(catalog.plural_expr), _NUMBERS))
    except (PoFileError, ValueError) as error:
        yield f"{path} cannot be read: {error}"
        return
    if sorted(forms) != list(range(catalog.num_plurals)):
        yield f"{path}: Plural-Forms: the expression gives {sorted(forms)}, not {catalog.num_plurals} forms"
    expected = {message.id for message in template if message.id}
    found = {message.id for message in catalog if message.id}
    for text in sorted(map(str, expected - found)):
        yield f"{path}: {text} is missing. {_REFRESH}"
    for text in sorted(map(str, (found - expected) | set(catalog.obsolete))):
        yield f"{path}: {text} is no longer used. {_REFRESH}"
    for message in catalog:
        for problem in _find_problems_of(message, forms):
            yield f"{path}: {message.id}: {problem}"


def _find_problems_of(message: Message, forms: Counter[int]) -> Iterator[str]:
    if not message.id:
        return
    translations = list_forms(message.string)
    if message.fuzzy or not all(translations):
        yield "translate it (and remove the line that says fuzzy, where there is one)"
        return
    expected = _find_placeholders(list_forms(message.id)[-1])
    for form, translation in enumerate(translations):
        # A form for exactly one number may spell it out.
        optional = {"{n}"} if message.pluralizable and forms[form] == 1 else set()
        if (expected ^ _find_placeholders(translation)) - optional:
            yield f"{translation} does not have the placeholders of the English text"


def list_forms(text: str | Sequence[str] | None) -> list[str]:
    """The plural forms of a text, or the text by itself."""
    return [text] if isinstance(text, str) else list(text or [""])


def _find_placeholders(text: str) -> set[str]:
    return set(_PLACEHOLDER.findall(text))


def script_with_translations(script: str) -> str:
    """The source of the search element with the current translations of its texts, in their order."""
    found = extract_from_dir(WEBUI, METHODS[-1:], keywords=KEYWORDS)
    texts = [text for _file, _line, text, _comments, _context in found]
    table = {language: _translate_for_script(texts, language) for language in LANGUAGES if language != "en"}
    # Compact, because browsers download this file.
    lines = (
        f'    "{language}": {json.dumps(translations, ensure_ascii=False, separators=(",", ":"))}'
        for language, translations in table.items()
    )
    written = "{\n" + ",\n".join(lines) + "\n  }"
    return _BLOCK.sub(lambda _: written, script)


def _translate_for_script(
    texts: Iterable[str | tuple[str, ...]], language: str
) -> list[str | dict[str, str]]:
    """The translations of texts; plural forms by their category, as Intl.PluralRules names it.

    A form that equals that of the category "other", which every language has, is left out.
    """
    catalog, category = compile_catalog(find_catalog(language)), Locale.parse(language).plural_form
    translations: list[str | dict[str, str]] = []
    for text in texts:
        if isinstance(text, str):
            translations.append(catalog.gettext(text))
            continue
        one, many = text
        forms = {category(n): catalog.ngettext(one, many, n) for n in _NUMBERS}
        other = forms.pop("other")
        translations.append({**{name: form for name, form in forms.items() if form != other}, "other": other})
    return translations


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m webui.translations", description=__doc__.partition("\n")[0]
    )
    parser.add_argument("--check", action="store_true", help="only report what is missing or wrong")
    is_check = parser.parse_args(arguments).check
    template = extract_template()
    problems: list[str] = []
    for language in LANGUAGES:
        if language == "en":
            continue
        path = find_catalog(language)
        if not is_check:
            update_catalog(path, language, template)
        problems += find_problems(path, language, template)
    before = SCRIPT.read_text("utf-8")
    after = script_with_translations(before)
    if not is_check:
        SCRIPT.write_text(after, "utf-8")
    elif before != after:
        problems.append(f"{SCRIPT}: its translations are not those of the catalogs. {_REFRESH}")
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())

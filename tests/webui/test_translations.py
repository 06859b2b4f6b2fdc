from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from gettext import c2py
from pathlib import Path

import pytest
from babel import Locale
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from bs4 import BeautifulSoup
from flask import Flask, request
from markupsafe import Markup

from tests.fixtures.archives import client
from webui.translations import (
    LANGUAGES,
    choose_language,
    find_catalog,
    load_catalog,
    localize,
)
from webui.translations.__main__ import (
    extract_template,
    find_problems,
    list_forms,
    main,
    read_catalog,
    update_catalog,
)

TRANSLATED = [language for language in LANGUAGES if language != "en"]
# What of a text may be markup or a way to it.
MARKUP = re.compile(r"[<>&]|&#?\w+;")
PLURAL = ("{n} ship", "{n} ships")


def texts_of(language: str) -> Iterator[str]:
    """Every text of a catalog, English and translated, in all forms."""
    for message in read_catalog(find_catalog(language), language):
        if message.id:
            yield from list_forms(message.id)
            yield from list_forms(message.string)


def template(*texts: str | tuple[str, str]) -> Catalog:
    """What would be found in an application with these texts."""
    found = Catalog()
    for text in texts:
        found.add(text, locations=[("page.html", 1)])
    return found


def write_catalog(
    folder: Path, language: str, messages: str, plural: str = "nplurals=2; plural=(n != 1);"
) -> Path:
    """A catalog with a header and what is given; returns its file."""
    path = find_catalog(language, folder)
    path.parent.mkdir(parents=True)
    header = (
        f'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=utf-8\\n"\n"Plural-Forms: {plural}\\n"\n\n'
    )
    path.write_text(header + messages, "utf-8")
    return path


def test_the_texts_of_templates_code_and_script_are_found() -> None:
    found = {message.id for message in extract_template()}
    assert "Search the archive" in found
    assert "There is no such article" in found
    assert "The search failed." in found
    assert ("{n} article", "{n} articles") in found


def test_every_catalog_has_every_text_and_no_other_and_the_script_has_the_same(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["--check"]) == 0, capsys.readouterr().err


@pytest.mark.parametrize("language", TRANSLATED)
def test_the_plural_forms_of_a_catalog_are_those_of_the_language(language: str) -> None:
    catalog = read_catalog(find_catalog(language), language)
    category, form = Locale.parse(language).plural_form, c2py(catalog.plural_expr)
    # Below a million: there, French and Spanish have one more form in CLDR, and none in gettext.
    pairs = {(category(n), form(n)) for n in range(1000)}
    assert len(pairs) == len(dict(pairs)) == catalog.num_plurals


def check_problem(path: Path, wanted: Catalog, problem: str | None) -> None:
    """Check that this is the only problem of a German catalog, or that it has none."""
    problems = list(find_problems(path, "de", wanted))
    assert len(problems) == (problem is not None), problems
    assert (problem or "") in "".join(problems)


@pytest.mark.parametrize(
    ("messages", "problem"),
    [
        ('msgid "Ship"\nmsgstr "Schiff"\n', None),
        ("", "Ship is missing. Run python -m webui.translations"),
        (
            'msgid "Ship"\nmsgstr "Schiff"\n\nmsgid "Boat"\nmsgstr "Boot"\n',
            "Boat is no longer used. Run python -m webui.translations",
        ),
        ('msgid "Ship"\nmsgstr "Schiff"\n\n#~ msgid "Boat"\n#~ msgstr "Boot"\n', "Boat is no longer used"),
        ('msgid "Ship"\nmsgstr ""\n', "Ship: translate it"),
        ('#, fuzzy\nmsgid "Ship"\nmsgstr "Boot"\n', "Ship: translate it"),
        ('msgid "Ship"\nmsgstr "Schiff {name}"\n', "Schiff {name} does not have the placeholders"),
        ('msgid "Ship"\nmsgstr "Schiff {"\n', "Schiff { does not have the placeholders"),
        ("Ship\n", "cannot be read"),
    ],
)
def test_what_is_wrong_with_a_text_is_reported(tmp_path: Path, messages: str, problem: str | None) -> None:
    check_problem(write_catalog(tmp_path, "de", messages), template("Ship"), problem)


@pytest.mark.parametrize(
    ("plural", "forms", "problem"),
    [
        ("nplurals=2; plural=(n != 1);", ["{n} Schiff", "{n} Schiffe"], None),
        ("nplurals=2; plural=(n != 1);", ["ein Schiff", "{n} Schiffe"], None),
        # French counts nothing as one, so a form that says "one" in a word would be wrong.
        ("nplurals=2; plural=(n > 1);", ["ein Schiff", "{n} Schiffe"], "ein Schiff does not have"),
        ("nplurals=2; plural=(n != 1);", ["ein Schiff", "Schiffe"], "Schiffe does not have"),
        ("nplurals=2; plural=(n != 1);", ["ein Schiff"], "translate it"),
        ("nplurals=2; plural=(n != 1);", ["{n}", "{n}", "{n}"], "cannot be read: "),
        ("nplurals=2; plural=(n != 1);", ["ein Schiff", ""], "translate it"),
        ("nplurals=1; plural=(n != 1);", ["{n} Schiff"], "Plural-Forms: the expression gives [0, 1], not 1"),
        ("nplurals=2; plural=(n !! 1);", ["{n} Schiff", "{n} Schiffe"], "cannot be read: "),
    ],
)
def test_what_is_wrong_with_plural_forms_is_reported(
    tmp_path: Path, plural: str, forms: list[str], problem: str | None
) -> None:
    lines = [f'msgstr[{number}] "{form}"\n' for number, form in enumerate(forms)]
    messages = f'msgid "{PLURAL[0]}"\nmsgid_plural "{PLURAL[1]}"\n{"".join(lines)}'
    check_problem(write_catalog(tmp_path, "de", messages, plural), template(PLURAL), problem)


def test_a_catalog_is_brought_up_to_date_with_the_texts(tmp_path: Path) -> None:
    path = write_catalog(
        tmp_path,
        "de",
        'msgid "Ship"\nmsgstr "Schiff"\n\n'
        'msgid "Harbour master"\nmsgstr "Hafenmeister"\n\n'
        'msgid "Tide"\nmsgstr "Flut"\n',
    )
    update_catalog(path, "de", template("Ship", "Harbour masters", "Lock"))
    catalog = read_catalog(path, "de")
    assert {message.id: (message.string, message.fuzzy) for message in catalog if message.id} == {
        "Ship": ("Schiff", False),
        "Harbour masters": ("Hafenmeister", True),
        "Lock": ("", False),
    }
    assert not catalog.obsolete
    before = path.read_bytes()
    update_catalog(path, "de", template("Lock", "Harbour masters", "Ship"))
    assert path.read_bytes() == before


def test_a_language_without_a_catalog_gets_one_with_its_plural_forms(tmp_path: Path) -> None:
    path = find_catalog("ar", tmp_path)
    update_catalog(path, "ar", template("Ship", PLURAL))
    catalog = read_catalog(path, "ar")
    assert catalog.num_plurals == 6
    assert [
        problem.rpartition(": ")[2][:12] for problem in find_problems(path, "ar", template("Ship", PLURAL))
    ] == ["translate it"] * 2


@pytest.mark.parametrize("language", TRANSLATED)
def test_a_compiled_catalog_says_what_its_source_says(tmp_path: Path, language: str) -> None:
    path = find_catalog(language, tmp_path)
    path.parent.mkdir(parents=True)
    shutil.copy(find_catalog(language), path)
    from_source = load_catalog(language, tmp_path)
    with path.with_suffix(".mo").open("wb") as file:
        write_mo(file, read_catalog(path, language))
    path.unlink()
    compiled = load_catalog(language, tmp_path)
    for message in extract_template():
        if isinstance(message.id, str):
            assert compiled.gettext(message.id) == from_source.gettext(message.id)
            continue
        one, many = message.id
        for n in range(120):
            assert compiled.ngettext(one, many, n) == from_source.ngettext(one, many, n)


@pytest.mark.parametrize("language", TRANSLATED)
def test_no_text_has_markup_or_space_around_it(language: str) -> None:
    for text in texts_of(language):
        assert text
        assert not MARKUP.search(text)
        assert text == text.strip()


def test_french_has_its_spaces_before_signs_and_within_them_no_line_is_broken() -> None:
    for message in read_catalog(find_catalog("fr"), "fr"):
        for text in list_forms(message.string):
            assert not message.id or not re.search(r"(?<!\u202f)[;?!]|(?<!\u00a0):", text), text


def test_a_date_in_arabic_keeps_its_order() -> None:
    # Digits and hyphens between Arabic letters would be shown as 05-03-2024.
    dated = [text for text in texts_of("ar") if "2024-03-05" in text and not text.isascii()]
    assert dated
    assert all("\u20662024-03-05\u2069" in text for text in dated)


@pytest.mark.parametrize(
    ("language", "share", "name"),
    [
        ("en", "12.3%", "German"),
        ("de", "12,3\u00a0%", "Deutsch"),
        ("fr", "12,3\u00a0%", "allemand"),
        ("zh", "12.3%", "德语"),
    ],
)
def test_shares_and_languages_are_said_as_the_language_has_them(language: str, share: str, name: str) -> None:
    assert localize(language).percent(0.123) == share
    assert localize(language).language_name("de") == name


@pytest.mark.parametrize("tag", ["xx", "", "english (UK)", "<b>"])
def test_a_language_without_a_name_is_its_tag(tag: str) -> None:
    assert localize("en").language_name(tag) == tag


def test_what_a_text_says_is_escaped_and_what_is_markup_stays() -> None:
    say = localize("de").gettext
    assert say("{a} & {b}", a="<b>", b=Markup("<i>x</i>")) == "&lt;b&gt; &amp; <i>x</i>"
    assert say("a {b") == "a {b"
    assert say("Status {status}", status=1503) == "Status 1.503"


@pytest.mark.parametrize(
    ("language", "n", "text"),
    [("en", 1, "1 thing"), ("en", 0, "0 things"), ("de", 1234, "1.234 things"), ("ar", 3, "3 things")],
)
def test_what_has_no_translation_is_english(language: str, n: int, text: str) -> None:
    assert localize(language).ngettext("{n} thing", "{n} things", n) == text
    assert localize(language).gettext("Not in any catalog") == "Not in any catalog"


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("2021-11-05T21:01", ["5 November 2021, 21:01", "5. November 2021, 21:01", "5 novembre 2021, 21:01"]),
        ("2021-11-05", ["5 November 2021", "5. November 2021", "5 novembre 2021", "5 de noviembre de 2021"]),
        ("2021-11", ["November 2021", "November 2021", "novembre 2021", "noviembre de 2021", "نوفمبر 2021"]),
        ("2021", ["2021", "2021", "2021", "2021", "2021", "2021年"]),
        ("0987-01-02", ["2 January 987", "2. Januar 987"]),
        ("soon", ["soon"] * 6),
        ("2021-13", ["2021-13"] * 6),
    ],
)
def test_a_date_is_told_in_words_as_exactly_as_it_is_known(value: str, words: list[str]) -> None:
    assert [localize(language).date(value) for language in LANGUAGES][: len(words)] == words


def test_numbers_are_written_as_the_language_has_them() -> None:
    written = [localize(language).number(1234.56, 1) for language in ("en", "de", "es")]
    assert written == ["1,234.6", "1.234,6", "1.234,6"]
    assert localize("de").number(12345) == "12.345"


@pytest.mark.parametrize(
    ("address", "header", "language"),
    [
        ("/", None, "en"),
        ("/", "de-AT, en;q=0.5", "de"),
        ("/", "zh-TW", "zh"),
        ("/", "sv, fr;q=0.3, en;q=0.2", "fr"),
        ("/", "sv", "en"),
        ("/", "!!;;q=x", "en"),
        ("/?lang=ar", "de", "ar"),
        ("/?lang=xx", "de", "de"),
        ("/?lang=../../etc/passwd", None, "en"),
        ("/?lang=%ff", None, "en"),
    ],
)
def test_the_address_chooses_the_language_then_the_browser(
    address: str, header: str | None, language: str
) -> None:
    headers = {"Accept-Language": header} if header else {}
    with Flask("host").test_request_context(address, headers=headers):
        assert choose_language(request) == language


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_page_says_its_language_and_direction_and_every_link_keeps_it(language: str) -> None:
    for path in (
        "/?lang={}",
        "/?q=silk&lang={}",
        "/a/silk/1?q=silk&lang={}",
        "/a/none?lang={}",
        "/guide/?lang={}",
    ):
        response = client().get(path.format(language))
        soup = BeautifulSoup(response.text, "html.parser")
        assert soup.html is not None
        assert (soup.html["lang"], soup.html["dir"]) == (language, "rtl" if language == "ar" else "ltr")
        for link in soup.select("a[href^='/']:not(.languages a, [download])"):
            assert f"lang={language}" in str(link["href"]), link
        assert soup.select_one(f"form input[name=lang][value={language}]")


def test_a_language_that_the_browser_chose_is_in_no_address() -> None:
    response = client().get("/?q=silk", headers={"Accept-Language": "de"})
    soup = BeautifulSoup(response.text, "html.parser")
    assert soup.html is not None
    assert soup.html["lang"] == "de"
    assert "Accept-Language" in response.vary
    assert not soup.select("a[href*='lang=']:not(.languages a), input[name=lang]")


def test_the_other_languages_are_links_to_the_same_page() -> None:
    soup = BeautifulSoup(client().get("/?q=silk+%26&page=1&lang=fr").text, "html.parser")
    links = {str(link["hreflang"]): str(link["href"]) for link in soup.select(".languages a")}
    assert set(links) == set(LANGUAGES)
    assert links["ar"] == "?q=silk+%26&page=1&lang=ar"
    assert [link["hreflang"] for link in soup.select(".languages [aria-current]")] == ["fr"]

from __future__ import annotations

import ast
import re
import string
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel import Locale
from bs4 import BeautifulSoup
from flask import Flask, request
from jinja2 import Environment, nodes
from markupsafe import Markup

from tests.fixtures.archives import client
from webui.phrases import LANGUAGES, catalog, chosen, phrases

WEBUI = Path(__file__).parents[2] / "webui"
TRANSLATED = [language for language in LANGUAGES if language != "en"]
# What of a catalog may be markup or a way to it.
MARKUP = re.compile(r"[<>&]|&#?\w+;")


def in_templates() -> Iterator[tuple[str, ...]]:
    """The texts that templates say: (text,), or (one, many) for what is counted."""
    for path in sorted(WEBUI.glob("templates/nutgraf/*")):
        for call in Environment().parse(path.read_text("utf-8")).find_all(nodes.Call):
            if isinstance(call.node, nodes.Name) and call.node.name in ("_", "_n"):
                wanted = 1 if call.node.name == "_" else 2
                texts = [arg.value for arg in call.args[:wanted] if isinstance(arg, nodes.Const)]
                if len(texts) == wanted:
                    yield tuple(texts)


def in_code() -> Iterator[tuple[str, ...]]:
    """The texts that code gives to templates, said to be such by `N_`."""
    for path in sorted(WEBUI.glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "N_":
                assert isinstance(node.args[0], ast.Constant)
                yield (str(node.args[0].value),)


USED = sorted({*in_templates(), *in_code()})


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def forms(language: str, key: str) -> list[str]:
    found = catalog(language)[key]
    return [found] if isinstance(found, str) else list(found.values())


def test_there_are_texts() -> None:
    assert ("Search the archive",) in USED
    assert ("There is no such article",) in USED


@pytest.mark.parametrize("language", TRANSLATED)
def test_every_catalog_has_every_text_and_no_other(language: str) -> None:
    assert {texts[-1] for texts in USED} == set(catalog(language))


@pytest.mark.parametrize("language", TRANSLATED)
def test_what_is_counted_has_the_plural_forms_of_the_language(language: str) -> None:
    rule = Locale.parse(language).plural_form
    # Forms that no whole number below a million takes need not be there: "other" stands for them.
    wanted = {rule(n) for n in range(1000)} | {"other"}
    for texts in USED:
        found = catalog(language)[texts[-1]]
        assert isinstance(found, dict) == (len(texts) == 2), texts
        if isinstance(found, dict):
            assert wanted <= set(found) <= rule.tags | {"other"}, texts


@pytest.mark.parametrize("language", TRANSLATED)
def test_values_stand_in_every_form_of_a_text(language: str) -> None:
    for texts in USED:
        for form in forms(language, texts[-1]):
            missing = placeholders(texts[-1]) ^ placeholders(form)
            # One and two may be words, where it is sure that there are so many.
            assert missing <= ({"n"} if len(texts) == 2 else set()), (texts, form)
            assert all(re.fullmatch("[a-z]+", name) for name in placeholders(form))


@pytest.mark.parametrize("language", TRANSLATED)
def test_no_text_has_markup_or_space_around_it(language: str) -> None:
    for key in catalog(language):
        for text in (key, *forms(language, key)):
            assert text
            assert not MARKUP.search(text)
            assert text == text.strip()


def test_french_has_its_spaces_before_signs_and_within_them_no_line_is_broken() -> None:
    for key in catalog("fr"):
        for text in forms("fr", key):
            assert not re.search(r"(?<!\u202f)[;?!]|(?<!\u00a0):", text), text


def test_a_date_in_arabic_keeps_its_order() -> None:
    # Digits and hyphens between Arabic letters would be shown as 05-03-2024.
    dated = [text for key in catalog("ar") for text in forms("ar", key) if "2024-03-05" in text]
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
    assert phrases(language).percent(0.123) == share
    assert phrases(language).language_name("de") == name


@pytest.mark.parametrize("tag", ["xx", "", "english (UK)", "<b>"])
def test_a_language_without_a_name_is_its_tag(tag: str) -> None:
    assert phrases("en").language_name(tag) == tag


def test_what_a_text_says_is_escaped_and_what_is_markup_stays() -> None:
    say = phrases("de").say
    assert say("{a} & {b}", a="<b>", b=Markup("<i>x</i>")) == "&lt;b&gt; &amp; <i>x</i>"
    assert say("a {b") == "a {b"
    assert say("Status {status}", status=1503) == "Status 1.503"


@pytest.mark.parametrize(
    ("language", "n", "text"),
    [("en", 1, "1 thing"), ("en", 0, "0 things"), ("de", 1234, "1.234 things"), ("ar", 3, "3 things")],
)
def test_what_has_no_translation_is_english(language: str, n: int, text: str) -> None:
    assert phrases(language).count("{n} thing", "{n} things", n) == text
    assert phrases(language).say("Not in any catalog") == "Not in any catalog"


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
    assert [phrases(language).date(value) for language in LANGUAGES][: len(words)] == words


def test_numbers_are_written_as_the_language_has_them() -> None:
    written = [phrases(language).number(1234.56, 1) for language in ("en", "de", "es")]
    assert written == ["1,234.6", "1.234,6", "1.234,6"]
    assert phrases("de").number(12345) == "12.345"


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
        assert chosen(request).language == language


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_page_says_its_language_and_direction_and_every_link_keeps_it(language: str) -> None:
    for path in ("/?lang={}", "/?q=silk&lang={}", "/a/silk/1?q=silk&lang={}", "/a/none?lang={}"):
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

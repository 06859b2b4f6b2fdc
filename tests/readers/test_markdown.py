"""Markdown: front matter, headings, blocks, and no markup left over."""

from __future__ import annotations

import pytest

from indexer.article import Article
from indexer.errors import UnreadableDocument
from tests.fixtures.documents import published, read_article


def article(text: str) -> Article:
    return read_article(text, "a.md")


def test_front_matter_gives_title_date_language_and_address() -> None:
    found = article(
        "---\ntitle: 'A bridge: shut'\ndate: 2023-09  # a month\nlang: en-GB\nurl: https://a.example/b\n"
        "tags:\n  - one\n---\n\n# A bridge: shut\n\nText.\n"
    )
    assert found.title == "A bridge: shut"
    assert published(found) == "2023-09 given"
    assert (found.language, found.url, found.paragraphs) == ("en", "https://a.example/b", ("Text.",))


def test_front_matter_may_be_toml() -> None:
    found = article(
        '+++\ntitle = "A bridge: shut"\ndate = 2023-09-05T10:00:00\nlang = "de"\ntags = ["one"]\n'
        "[extra]\ntitle = 'other'\n+++\n\nText.\n"
    )
    assert (found.title, found.language, found.paragraphs) == ("A bridge: shut", "de", ("Text.",))
    assert published(found) == "2023-09-05T10:00 given"
    assert article("+++\nno toml\n+++\n\nText.").paragraphs == ("+++ no toml +++", "Text.")


@pytest.mark.parametrize(
    ("front", "authors", "section", "tags"),
    [
        ("author: Ada Berg", ("Ada Berg",), None, ()),
        ("author: Ada Berg; Bo Lind", ("Ada Berg", "Bo Lind"), None, ()),
        ("authors: [Ada Berg, 'Lind, Bo']", ("Ada Berg", "Lind, Bo"), None, ()),
        ("authors:\n  - name: Ada Berg\n    role: editor\n  - Bo Lind", ("Ada Berg", "Bo Lind"), None, ()),
        ("tags: sea, tides\nkeywords: [tides, cranes]", (), None, ("sea", "tides", "cranes")),
        ("categories:\n- News\n- Town\ntags:\n- sea", (), "News", ("News", "Town", "sea")),
        ("section: Local\ncategory: News", (), "Local", ("News",)),
    ],
)
def test_front_matter_gives_authors_section_and_tags(
    front: str, authors: tuple[str, ...], section: str | None, tags: tuple[str, ...]
) -> None:
    found = article(f"---\ntitle: A bridge\n{front}\n---\n\nText.\n")
    assert (found.authors, found.section, found.tags) == (authors, section, tags)


def test_lists_in_toml_are_authors_and_tags() -> None:
    found = article(
        '+++\ntitle = "A bridge"\nauthors = ["Ada Berg"]\ntags = ["sea"]\ncategories = ["News"]\n+++\n\nText.'
    )
    assert (found.authors, found.section, found.tags) == (("Ada Berg",), "News", ("News", "sea"))


def test_the_first_heading_is_the_title_and_later_ones_are_paragraphs() -> None:
    found = article("# A *bold* title\n\nOne\ntwo.\n\n## Part\n\nThree.")
    assert found.title == "A bold title"
    assert found.paragraphs == ("One two.", "Part", "Three.")


def test_lists_quotes_tables_and_code_become_paragraphs() -> None:
    found = article(
        "# T\n\n- one\n- two\n\n> said\n\n| a | b |\n|---|---|\n| c | d |\n\n```sh\nrun me\n  now\n```\n"
    )
    assert found.paragraphs == ("one", "two", "said", "a | b", "c | d", "run me\n  now")


def test_links_and_pictures_become_their_words() -> None:
    assert article("# T\n\nSee [the map](https://a.example) and ![a bridge](b.png).").paragraphs == (
        "See the map and a bridge.",
    )


def test_raw_html_becomes_its_words_without_tags_and_scripts() -> None:
    found = article(
        "# T\n\nA <b>bold</b> word<br>here <script>alert(1)</script>.\n\n<div>Block <i>text</i></div>\n\n"
        "<script>\nalert(2)\n</script>\n\n<!-- hidden -->\n"
    )
    assert found.paragraphs == ("A bold word here .", "Block text")


def test_a_date_line_below_the_title_is_the_date() -> None:
    found = article("# T\n\n5 May 2020\n\nText.")
    assert published(found) == "2020-05-05 dateline"
    assert found.paragraphs == ("Text.",)


@pytest.mark.parametrize(
    ("line", "wanted", "stays"),
    [
        ("Von Ada Example\n\n5. März 2019", "2019-03-05", False),
        ("*By Ada Example | March 5, 2019*", "2019-03-05", True),
        ("LONDON, March 5, 2019 (Agency) - The bridge is open.", "2019-03-05", True),
        ("平成31年3月5日", "2019-03-05", False),
    ],
)
def test_date_lines_are_those_of_plain_text(line: str, wanted: str, stays: bool) -> None:
    found = article(f"# A title\n\n{line}\n\nThe text of the article.")
    assert found.published is not None
    assert found.published.value == wanted
    assert any("20" in text or "平成" in text for text in found.paragraphs) == stays


def test_an_unknown_date_is_noted() -> None:
    found = article("---\ntitle: T\ndate: soon\n---\nText.")
    assert found.published is None
    assert "soon" in found.notes[0]


def test_a_rule_at_the_start_is_no_front_matter() -> None:
    assert article("---\n\nText without fields.\n\n---\n\nMore.").paragraphs == (
        "Text without fields.",
        "More.",
    )


def test_text_without_a_heading_gets_its_first_sentence_as_title() -> None:
    found = article("Just a sentence. And another.")
    assert (found.title, found.paragraphs) == ("Just a sentence.", ("Just a sentence. And another.",))


def test_an_empty_document_is_refused() -> None:
    with pytest.raises(UnreadableDocument):
        article("<!-- nothing -->\n")


def test_deep_nesting_is_survived() -> None:
    assert article("# T\n\n" + "> " * 5000 + "text").title == "T"
    assert article("# T\n\n" + "> " * 25 + "text").paragraphs == ("text",)
    assert "text" in article("> " * 5000 + "text").paragraphs[0]


def test_keywords_and_names_are_split_in_linear_time() -> None:
    spaces = " " * 200_000
    block = f"title: T\ntags: a{spaces}b, c\nauthor:\n- d{spaces}e; f\n"
    found = read_article(f"---\n{block}---\nText.\n", "a.md")
    assert (found.tags, found.authors) == (("a b", "c"), ("d e", "f"))

"""The evaluation of extraction: scores, pairing of articles, expected texts, and peers."""

from __future__ import annotations

from email.message import EmailMessage
from pathlib import Path

import pytest

from tests.evaluation.corpora import Missing, clean_rst, find_package, is_prose
from tests.evaluation.extraction import measure, pair_articles, read_truth, score_paragraphs, write_truth
from tests.evaluation.peers import Extracted, find_programs, split_html
from tests.evaluation.publishing import make_mails, make_posts

ONE = "The bridge over the canal will stay shut until the spring."
TWO = "Nobody in the town hall wants to pay for a new one."
THREE = "A ferry carries those who have no car and no time."


@pytest.mark.parametrize(
    ("found", "expected", "score"),
    [
        ([ONE, TWO], [ONE, TWO], 1.0),
        ([ONE.replace("canal", "canals")], [ONE], 1.0),
        ([ONE], [ONE, TWO], 2 / 3),
        ([f"{ONE} {TWO}"], [ONE, TWO], 0.0),
        (["Short.", ONE], [ONE], 1.0),
        ([], [], 1.0),
    ],
)
def test_paragraphs_are_scored_as_wholes(found: list[str], expected: list[str], score: float) -> None:
    assert score_paragraphs(found, expected) == pytest.approx(score)


def test_an_article_is_found_if_another_has_half_of_its_text() -> None:
    whole, part, other = (
        Extracted([ONE, THREE]),
        Extracted([TWO[:45]]),
        Extracted(["Another text of some words here"]),
    )
    expected = [
        Extracted([TWO]),
        Extracted([ONE, THREE]),
        Extracted(["Nothing of this was found anywhere by it"]),
    ]
    assert pair_articles([other, whole, part], expected) == [part, whole, None]


@pytest.mark.parametrize("name", ["a.rss", "a.warc.gz"])
def test_expected_articles_are_read_as_they_were_written(tmp_path: Path, name: str) -> None:
    articles = [
        Extracted([ONE, TWO], "Bridge shut", "2021-11-05", ("Ada Quist",)),
        Extracted([THREE], "Ferry & cars", "2021-11-06", ("Chloé Marchand",)),
    ]
    write_truth(tmp_path / name, articles)
    assert (tmp_path / "a.txt").is_file()
    assert read_truth(tmp_path / name) == articles


def test_what_is_found_of_a_document_is_a_row_of_the_table(tmp_path: Path) -> None:
    text = f"<p>{ONE}</p><p>{TWO}</p><p>{THREE}</p>"
    page = f"<title>Bridge shut</title><article><h1>Bridge shut</h1>{text}</article>"
    (tmp_path / "a.html").write_text(page)
    write_truth(tmp_path / "a.html", [Extracted([ONE, TWO, THREE], "Bridge shut")])
    row = measure(tmp_path, ["nutgraf"]).splitlines()[-1]
    assert row.startswith("| .html | nutgraf | 1 | 0 |  | 1.000 | 1.000 | 1/1 | – | – |")


@pytest.mark.parametrize(
    ("markup", "blocks"),
    [
        ("<style>p{}</style><p>One<br>line</p><ul><li>A<p>B</ul>", ["One line", "A", "B"]),
        ("<table><tr><td><p>1</p><td>2<tr><td>3", ["1 2", "3"]),
        ("<table><tr><td><p>1</p><p>2</p><td>3", ["1", "2", "3"]),
    ],
)
def test_a_row_of_a_table_is_one_block_unless_a_cell_has_several(markup: str, blocks: list[str]) -> None:
    assert split_html(markup) == blocks


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("See :ref:`the bridge <bridge>`.", "See the bridge."),
        ("Call :func:`~town.bridge.open` or :meth:`.shut`.", "Call open or shut."),
        (".. note:: Shut.", ".. note:: Shut."),
        (":orphan:\n\nThe bridge\n==========\n", "The bridge\n==========\n"),
        ("See :ref:`bridge`.", ""),
        ("One.\n\n.. autofunction:: town.open\n", ""),
    ],
)
def test_a_source_is_taken_if_its_text_is_all_there(source: str, text: str) -> None:
    assert clean_rst(source) == text


@pytest.mark.parametrize(
    ("text", "prose"),
    [(ONE + " " + TWO, True), (ONE, False), ("* " + ONE + TWO, False), ("word " * 200 + ".", False)],
)
def test_prose_is_a_paragraph_without_markup(text: str, prose: bool) -> None:
    assert is_prose(text) == prose


def test_a_package_that_cannot_be_downloaded_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(Missing, match=r"^the package town-doc: apt-get"):
        find_package("town-doc", tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_package_in_the_cache_is_not_downloaded_again(tmp_path: Path) -> None:
    (tmp_path / "town-doc").mkdir()
    assert find_package("town-doc", tmp_path) == tmp_path / "town-doc"


def test_posts_are_the_same_each_time() -> None:
    posts = make_posts([ONE, TWO, THREE], 5, seed=1)
    assert posts == make_posts([THREE, TWO, ONE, ONE], 5, seed=1)
    assert len({post.name for post in posts}) == 5


def test_each_form_of_mail_quotes_the_mail_before_or_none(tmp_path: Path) -> None:
    posts = make_posts([f"{text} Number {n}." for n in range(40) for text in (ONE, TWO, THREE)], 14, seed=2)
    mails = make_mails(posts)
    for post, mail in zip(posts, mails, strict=True):
        assert isinstance(mail, EmailMessage)
        path = tmp_path / f"{post.name}.eml"
        path.write_bytes(bytes(mail))
        (found,) = find_programs(".eml")["nutgraf"](path) or []
        assert score_paragraphs(found.texts, post.expected.texts) == 1.0, post.name

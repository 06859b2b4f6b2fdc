"""Plain text: titles, date lines, paragraphs, boilerplate."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from indexer.article import Article
from indexer.errors import UnreadableDocument
from tests.fixtures.documents import published, read_all
from tests.fixtures.documents import read_article as article

SHARED = Path(__file__).parents[3] / "shared"

PROSE = "The council met on Monday evening and spoke for three hours about the bridge over the canal."
WRAPPED = """The council met on Monday evening and spoke for three hours
about the bridge over the canal, which has been shut since
the spring floods and which nobody wants to pay for."""


def test_the_first_seed_article_is_read_correctly() -> None:
    path = SHARED / "seeds" / "000_d6f22fdaf8ab1c15.txt"
    if not path.exists():
        pytest.skip("the shared seed article is not here")
    data = path.read_bytes()
    found = article(data, path.name)
    assert found.title == data.decode().splitlines()[0]
    assert found.published is not None
    assert (found.published.value, found.published.precision) == ("2021-11-05T21:01", "minute")
    assert found.published.provenance == "dateline"
    assert len(found.paragraphs) == 14
    assert "Search Trends" not in found.paragraphs
    assert found.notes == ("skipped at the end: Search Trends",)


def test_no_word_of_real_files_is_lost() -> None:
    folder = SHARED / "data" / "news" / "bbc"
    if not folder.exists():
        pytest.skip("the BBC collection is not here")
    for path in sorted(folder.rglob("*.txt"))[::25]:
        data = path.read_bytes()
        found = article(data, path.name)
        kept = Counter("".join([found.title, *found.paragraphs]).replace(" ", ""))
        assert kept == Counter("".join(data.decode().split())), path


def test_a_title_is_the_first_line_and_blank_lines_divide_paragraphs() -> None:
    found = article(f"Bridge stays shut\n\n{PROSE}\n\n\nNo date was set.\n")
    assert found.title == "Bridge stays shut"
    assert found.paragraphs == (PROSE, "No date was set.")
    assert found.source == "a.txt"


def test_hard_wrapped_lines_are_joined() -> None:
    found = article(f"Bridge stays shut\n\n{WRAPPED}\n\n{WRAPPED}\n")
    assert found.paragraphs == (" ".join(WRAPPED.split()),) * 2


def test_a_short_title_directly_above_wrapped_text_is_still_the_title() -> None:
    found = article(f"Bridge stays shut\n{WRAPPED}\n\n{WRAPPED}\n")
    assert found.title == "Bridge stays shut"
    assert len(found.paragraphs) == 2


def test_indented_first_lines_begin_paragraphs_without_blank_lines() -> None:
    indented = "\n".join("   " + WRAPPED for _ in range(3))
    assert article(f"Bridge stays shut\n\n{indented}").paragraphs == (" ".join(WRAPPED.split()),) * 3


def test_wrapped_chinese_is_joined_without_spaces() -> None:
    lines = (
        "码头对面的茶馆今年满一百岁门口的木牌已经换过三次了\n"
        "从前搬运工人在这里等船一壶茶可以喝到天亮也没人赶他\n"
        "现在坐在窗边的多是退休的海员。"
    )
    assert article(f"茶馆\n\n{lines}").paragraphs == (lines.replace("\n", ""),)


def test_a_word_divided_at_its_hyphen_is_joined() -> None:
    wrapped = (
        "The council met on Monday evening and listened to a long-\n"
        "winded speech about the bridge over the canal, which has\n"
        "been shut since the floods."
    )
    assert "a long-winded speech" in article(f"Title\n\n{wrapped}\n\n{wrapped}").paragraphs[0]


COLUMN = """The mem-
bers of the coun-
cil met on Monday and
spoke of the new long-
winded bridge for
three hours, and no-
body was content."""
JOINED = "The members of the council met on Monday and spoke of the new long-winded bridge for three hours, "
JOINED += "and nobody was content."


@pytest.mark.parametrize(
    ("text", "paragraphs"),
    [
        # A column that a typesetter divided; "long" and "winded" are words of the text.
        (f"{COLUMN}\n\nIt was long, and he winded.", [JOINED, "It was long, and he winded."]),
        # One division: the word stands elsewhere, with a hyphen or without.
        ("All the members of the club came to the old mem-\nbers of the board.",
         ["All the members of the club came to the old members of the board."]),
        ("A co-op is what the members wanted, so the co-\nop was made of it.",
         ["A co-op is what the members wanted, so the co-op was made of it."]),
        # Nothing tells: the hyphen stays.
        ("The council listened that evening to a long-\nwinded speech about it.",
         ["The council listened that evening to a long-winded speech about it."]),
        ("The council listened that evening to the Franco-\nGerman speech about it.",
         ["The council listened that evening to the Franco-German speech about it."]),
        # Short lines of like length.
        ("the mayor said that\nthe bridge is to stay\nshut for the rest of\nthe winter, or more",
         ["the mayor said that the bridge is to stay shut for the rest of the winter, or more"]),
        # Two paragraphs in a column.
        ("The mayor said that\nthe bridge is to stay\nshut for long.\nThe council said that\nit is a "
         "disgrace and\nwill not pay for it.",
         ["The mayor said that the bridge is to stay shut for long.",
          "The council said that it is a disgrace and will not pay for it."]),
        # Verse, a list, a table, and a script without letter case.
        ("The crane stands still,\nThe tide comes in,\nThe gulls are shrill,\nThe nets are thin.",
         ["The crane stands still,", "The tide comes in,", "The gulls are shrill,", "The nets are thin."]),
        ("- one old crane\n- two new locks\n- three bridges\n- four harbours",
         ["- one old crane", "- two new locks", "- three bridges", "- four harbours"]),
        ("Apples 12 pence\nPears 14 pence\nPlums 11 pence\nGrapes 20 pence",
         ["Apples 12 pence", "Pears 14 pence", "Plums 11 pence", "Grapes 20 pence"]),
        ("春眠不覺曉處處聞啼鳥夜來風\n夜來風雨聲花落知多少春眠不\n床前明月光疑是地上霜舉頭望",
         ["春眠不覺曉處處聞啼鳥夜來風", "夜來風雨聲花落知多少春眠不", "床前明月光疑是地上霜舉頭望"]),
    ],
)  # fmt: skip
def test_the_lines_of_a_scanned_text_are_joined_and_others_are_not(text: str, paragraphs: list[str]) -> None:
    assert article(f"A title\n\n{text}\n").paragraphs == tuple(paragraphs)


def test_unwrapped_lines_are_separate_paragraphs() -> None:
    lines = [PROSE, "Nobody voted.", PROSE + " " + PROSE, "The mayor left early."]
    assert article("Bridge stays shut\n" + "\n".join(lines)).paragraphs == tuple(lines)


def test_list_items_in_wrapped_text_are_separate_paragraphs() -> None:
    found = article(f"Title\n\n{WRAPPED}\n\n- first thing\n- second thing\n")
    assert found.paragraphs[1:] == ("- first thing", "- second thing")


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("Updated 21:01, 05-Nov-2021", "2021-11-05T21:01"),
        ("Mon Oct 23, 2006 9:55pm EDT", "2006-10-23T21:55"),
        ("Published: 12 May 2020 | Updated: 13 May 2020", "2020-05-12"),
        ("Freitag, 5. November 2021, 18.30 Uhr", "2021-11-05T18:30"),
        ("2021年11月5日 21:01", "2021-11-05T21:01"),
        ("March 2019", "2019-03"),
        ("1887", "1887"),
    ],
)
def test_a_date_line_gives_the_date_and_is_no_paragraph(line: str, value: str) -> None:
    for text in (f"Title\n{line}\n\n{PROSE}", f"Title\n\n{line}\n\n{PROSE}", f"{line}\nTitle\n\n{PROSE}"):
        found = article(text)
        assert published(found) == f"{value} dateline"
        assert (found.title, found.paragraphs) == ("Title", (PROSE,))


def test_a_date_line_below_a_byline_is_found_and_the_byline_kept() -> None:
    found = article(f"Title\nBy Ada Example\n5 May 2020\n\n{PROSE}")
    assert found.published is not None
    assert found.published.value == "2020-05-05"
    assert found.paragraphs == ("By Ada Example", PROSE)


@pytest.mark.parametrize(
    "line",
    ["Berlin, 5. März 2019", "By Ada Example | March 5, 2019", "The Times, Tuesday, March 5, 2019; pg. 4"],
)
def test_the_date_after_a_place_or_a_byline_is_read_and_the_line_stays(line: str) -> None:
    for text in (f"Title\n{line}\n\n{PROSE}", f"Title\n\n{line}\n\n{PROSE}", f"{line}\n\nTitle\n\n{PROSE}"):
        found = article(text)
        assert published(found) == "2019-03-05 dateline"
        assert (found.title, found.paragraphs) == ("Title", (line, PROSE))


def test_a_date_line_counts_more_than_a_title_that_names_a_day() -> None:
    found = article(f"Lisbon, 1 November 1755\n\nThe great wave\n\n5 March 2019\n\n{PROSE}")
    assert published(found) == "2019-03-05 dateline"


def test_only_the_date_line_itself_is_removed() -> None:
    found = article("\n\n".join(["Title", "1887", *[PROSE] * 6, "1887", PROSE]))
    assert found.paragraphs == (*[PROSE] * 6, "1887", PROSE)


def test_a_date_in_running_text_is_not_the_date_of_publication() -> None:
    found = article(f"Title\n\n{PROSE} It was opened on 5 May 1901.\n\n5 May 1901 was a Sunday.")
    assert found.published is None


def test_a_wire_dateline_stays_in_its_paragraph_and_takes_its_year_from_the_file_name() -> None:
    text = f"Title\n\nLONDON, March 4 (Agency) - {PROSE}"
    found = article(text, "wire/2004/item.txt")
    assert found.paragraphs[0].startswith("LONDON, March 4")
    assert published(found) == "2004-03-04 dateline"
    assert found.published is not None
    assert found.published.note == "the year is from the file name"


def test_a_dateline_of_new_years_eve_belongs_to_the_old_year() -> None:
    found = article(f"Title\n\nLONDON, Dec 31 (Agency) - {PROSE}", "2005-01-01-item.txt")
    assert found.published is not None
    assert found.published.value == "2004-12-31"
    assert found.published.others == (("2005-01-01", "file name"),)


def test_a_dateline_without_any_year_gives_a_note_and_no_date() -> None:
    found = article(f"Title\n\nLONDON, March 4 (Agency) - {PROSE}")
    assert found.published is None
    assert any("without a year" in note for note in found.notes)


def test_boilerplate_is_removed_at_the_end_only_and_noted() -> None:
    found = article(f"Title\n\nShare\n\n{PROSE}\n\nRead more: Another story\n\nSearch Trends\n\nShare")
    assert found.paragraphs == ("Share", PROSE)
    assert len(found.notes) == 3


@pytest.mark.parametrize(
    "last", ["Read more: he said, and sat down.", "Share prices fell.", "Nobody would comment"]
)
def test_text_that_only_looks_like_boilerplate_is_kept(last: str) -> None:
    assert article(f"Title\n\n{PROSE}\n\n{last}").paragraphs[-1] == last


def test_a_file_of_one_line_of_prose_keeps_it_as_a_paragraph() -> None:
    found = article(f"{PROSE} {PROSE}")
    assert found.paragraphs == (f"{PROSE} {PROSE}",)
    assert found.title == PROSE


def test_a_file_of_one_short_line_is_a_title() -> None:
    found = article("Bridge stays shut")
    assert (found.title, found.paragraphs) == ("Bridge stays shut", ())


def test_text_without_a_title_gets_one_from_its_opening() -> None:
    found = article(f"{WRAPPED}\n\n{WRAPPED}")
    assert len(found.paragraphs) == 2
    assert found.title.startswith("The council met on Monday evening")
    assert len(found.title) <= 101


def test_carriage_returns_form_feeds_and_unusual_spaces_are_read() -> None:
    found = article("Title\r\n\r\nOne\u00a0two\u2003three.\r\n\fFour.\u2029Five.")
    assert found.paragraphs == ("One two three.", "Four.", "Five.")


def test_soft_hyphens_do_not_divide_words() -> None:
    assert article("Title\n\nThe muni\u00adci\u00ad\npality met.").paragraphs == ("The municipality met.",)
    assert article("<p>The muni&shy;cipality met.</p>", "a.html").paragraphs == ("The municipality met.",)


def test_every_seed_is_read_and_together_they_cover_the_types_and_the_precisions() -> None:
    folder = Path(__file__).parents[2] / "seeds"
    suffixes, precisions, languages = set(), set(), set()
    for path in sorted(folder.rglob("*")):
        if not path.is_file():
            continue
        name = path.relative_to(folder).as_posix()
        for found in read_all(path.read_bytes(), name):
            assert isinstance(found, Article), found
            assert found.title
            assert len(found.paragraphs) >= 3
            suffixes.add(path.suffix)
            precisions.add(found.published.precision if found.published else None)
            languages.add(found.language)
    assert suffixes >= {".txt", ".html", ".htm", ".md", ".jsonl", ".gz"}
    assert precisions == {"year", "month", "day", "minute", None}
    assert languages >= {"ar", "de", "en", "es", "fr", "ja", "zh"}


@pytest.mark.parametrize(
    "front",
    [
        "---\ntitle: Bridge stays shut\ndate: 2020-05-05\nlang: fr\nurl: https://a.example/b\n---\n",
        '+++\ntitle = "Bridge stays shut"\ndate = 2020-05-05\nlang = "fr"\nurl = "https://a.example/b"\n+++\n',
    ],
)
@pytest.mark.parametrize("heading", ["", "\nBridge stays shut\n"])
def test_front_matter_gives_title_date_language_and_address(front: str, heading: str) -> None:
    found = article(f"{front}{heading}\n{PROSE}\n\nNo date was set.\n")
    assert (found.title, found.paragraphs) == ("Bridge stays shut", (PROSE, "No date was set."))
    assert (published(found), found.language, found.url) == ("2020-05-05 given", "fr", "https://a.example/b")


def test_lines_between_rules_without_a_title_are_text() -> None:
    found = article(f"---\nFrom: Ada\nTo: Example\n---\n\n{PROSE}")
    assert "From: Ada" in " ".join((found.title, *found.paragraphs))


@pytest.mark.parametrize("text", ["", "   ", "\n\n\t\n"])
def test_a_file_with_no_text_is_refused(text: str) -> None:
    with pytest.raises(UnreadableDocument, match="no text"):
        article(text)

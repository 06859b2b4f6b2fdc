"""CSV and TSV: the first row names the columns, and each other row is an article."""

from __future__ import annotations

from dataclasses import replace

import pytest

from indexer.article import Article, Failure
from indexer.errors import UnreadableDocument
from indexer.fields import parse_fields
from tests.fixtures.documents import OPTIONS, published, read_all, read_article


def rows(text: str | bytes, name: str = "a.csv") -> list[tuple[str, str, tuple[str, ...]]]:
    return [
        (found.path, found.reason, ())
        if isinstance(found, Failure)
        else (found.id, found.title, found.paragraphs)
        for found in read_all(text, name)
    ]


def test_the_columns_are_the_fields_of_a_record() -> None:
    text = 'id,Title,Text,Date,authors,KEYWORDS,url\n7,T,"One.\n\nTwo, too.",5.3.2024,Ann Lee;Bo,a|b,https://x.example/1\n'
    found = read_article(text, "sub/a.csv")
    assert (found.id, found.title, found.paragraphs) == ("sub/a/7", "T", ("One.", "Two, too."))
    assert published(found) == "2024-03-05 given"
    assert (found.authors, found.tags, found.url) == (("Ann Lee", "Bo"), ("a", "b"), "https://x.example/1")


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("codec", ["utf-8-sig", "utf-16", "cp1252"])
def test_the_delimiter_the_ends_of_lines_and_the_encoding_are_told_from_the_content(
    delimiter: str, end: str, codec: str
) -> None:
    table = (("title", "text"), (f'"Häfen{delimiter} Züge"', '"Über Wien, Prag; und ""Rom"""'), ("Zwei", ""))
    found = rows(end.join(map(delimiter.join, table)).encode(codec))
    assert found == [
        ("a-2", f"Häfen{delimiter} Züge".replace("\t", ""), ('Über Wien, Prag; und "Rom"',)),
        ("a-3", "Zwei", ()),
    ]


def test_the_first_line_of_a_spreadsheet_that_states_the_delimiter_is_no_row_of_names() -> None:
    assert rows("sep=;\r\ntitle;text\r\nA;B\r\n") == [("a-3", "A", ("B",))]


def test_rows_are_numbered_as_in_a_spreadsheet_and_empty_ones_are_skipped() -> None:
    assert rows('title,text\n\n"A\nB",x\n,\nC\n') == [("a-3", "A B", ("x",)), ("a-5", "C", ())]


def test_a_row_with_more_cells_than_columns_is_a_failure_unless_they_are_empty() -> None:
    (failed, *read) = rows("title,text\nA,x,y\nB,x,,\n")
    assert failed[0] == "a.csv:2"
    assert failed[1].startswith("has 3 cells, and the row with the names has 2")
    assert read == [("a-3", "B", ("x",))]


def test_a_quotation_mark_that_is_not_closed_costs_only_rows_that_the_failure_names() -> None:
    found = rows('title,text\nA,x\n"B,x\nC,x\nD,"x"\nE,x\n')
    assert [place for place, _, _ in found] == ["a-2", "a.csv:3", "a-4"]
    assert "in the lines 3 to 5" in found[1][1]
    assert found[-1][1] == "E"


def test_quotation_marks_inside_of_a_cell_need_not_be_doubled() -> None:
    assert rows('title,text\n"The "big" port","It is ""big""."\n') == [
        ("a-2", 'The "big" port', ('It is "big".',))
    ]


def test_tabs_need_no_quotation_marks_around_cells_and_may_have_some() -> None:
    assert rows('title\ttext\n"Open\tx\nNext\t5" wide\n', "a.tsv") == [
        ("a-2", '"Open', ("x",)),
        ("a-3", "Next", ('5" wide',)),
    ]
    assert rows('title\ttext\n"A\tB"\tx\n', "a.tsv") == [("a-2", "A B", ("x",))]


def test_a_cell_may_be_longer_than_the_module_allows_by_default() -> None:
    (found,) = read_all(f"title,text\nT,{'word ' * 40_000}\n", "a.csv")
    assert isinstance(found, Article)
    assert len(found.paragraphs[0]) == 199_999


def test_columns_may_have_other_names_and_those_of_declared_fields() -> None:
    options = replace(
        OPTIONS,
        record={"title": "Headline", "paragraphs": "Body.Text"},
        fields=parse_fields({"desk": {"type": "keyword"}, "edition": {"type": "integer"}}),
    )
    found = read_article("Headline;Body.Text;Desk;edition\nT;One.;home|world;x\n", "a.csv", options)
    assert (found.title, found.paragraphs, found.fields) == ("T", ("One.",), {"desk": ("home", "world")})
    assert found.notes == ("skipped edition: must be a whole number, not “x”",)


@pytest.mark.parametrize("text", ["a,b\n1,2\n", "just one line", '"', "\tx\n"])
def test_a_table_without_a_title_and_a_text_is_refused_and_its_columns_are_named(text: str) -> None:
    with pytest.raises(
        UnreadableDocument, match="has no column title, paragraphs or text: its first row must"
    ):
        rows(text)


def test_an_empty_file_is_refused() -> None:
    with pytest.raises(UnreadableDocument, match="no text"):
        rows("\n")

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


def test_an_empty_file_has_no_records() -> None:
    assert read_all("\n", "a.csv") == [Failure("a.csv", "contains no text")]


def test_a_row_or_line_that_is_too_large_is_named_and_the_others_are_read() -> None:
    options = replace(OPTIONS, max_bytes=200_000)
    long, many = "x" * 300_000, "\n".join(["y"] * 150_000)
    text = f'title,text\nA,x\nB,{long}\nC,x\nD,"{many}"\nE,x\n'
    found = read_all(text, "a.csv", options)
    assert [item.path if isinstance(item, Failure) else item.title for item in found][:3] == [
        "A",
        "a.csv:3",
        "C",
    ]
    assert isinstance(found[1], Failure)
    assert found[1].reason == "larger than 0.190735 MB, in the lines 3 to 3"
    assert isinstance(found[3], Failure)
    assert found[3].reason.startswith("larger than 0.190735 MB, in the lines 5 to 100")
    assert isinstance(found[-1], Article)
    assert found[-1].title == "E"


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252", "utf-32"])
def test_a_long_table_is_decoded_as_its_beginning_is(codec: str) -> None:
    lines = ["title;text", *(f'"Größe {n}";"Über Öl, {"ä" * (n % 997)}"' for n in range(9000)), "Ende;Süß"]
    data = "\n".join(lines).encode(codec)
    found = read_all(data, "a.csv")
    assert len(found) == 9001
    last = found[-1]
    assert isinstance(last, Article)
    assert (last.title, last.paragraphs, last.notes) == ("Ende", ("Süß",), ())


def test_bytes_that_are_in_another_encoding_than_the_beginning_are_shown_as_unreadable_with_a_note() -> None:
    lines = [b"title;text", *[b"Plain;" + b"words " * 1000] * 800, "Groß;Süß".encode("cp1252")]
    last = read_all(b"\n".join(lines), "a.csv")[-1]
    assert isinstance(last, Article)
    assert (last.title, last.notes) == ("Gro\ufffd", ("3 unreadable characters are shown as \ufffd",))

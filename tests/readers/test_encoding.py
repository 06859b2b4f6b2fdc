"""From bytes to text, and properties of any bytes."""

from __future__ import annotations

import bz2
import codecs
import gzip
import lzma
import subprocess
import sys
from collections.abc import Callable
from io import BytesIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.article import Article, Encoding, Failure
from indexer.errors import UnreadableDocument
from indexer.readers import ReadOptions, read
from indexer.readers.encoding import decode
from tests.fixtures.documents import read_all, read_article

GERMAN = "Straßenbau\n\nDie Brücke bleibt größer als früher, natürlich über dem Fluß – „so“ heißt es.\n"
RUSSIAN = (
    "Мост закрыт\n\nСовет собрался вечером и три часа говорил о мосте через канал, который закрыт с весны."
)
JAPANESE = "橋は閉鎖\n\n市議会は月曜の夜に集まり、春から閉鎖されている運河の橋について三時間話し合った。"


@pytest.mark.parametrize(
    ("data", "name", "guessed"),
    [
        (GERMAN.encode(), "utf-8", False),
        (codecs.BOM_UTF8 + GERMAN.encode(), "utf-8", False),
        (GERMAN.encode("utf-16"), "utf-16-le", False),
        (codecs.BOM_UTF16_BE + GERMAN.encode("utf-16-be"), "utf-16-be", False),
        (GERMAN.encode("utf-32"), "utf-32-le", False),
        (GERMAN.encode("utf-16-le"), "utf-16-le", True),
        (GERMAN.encode("utf-16-be"), "utf-16-be", True),
        (GERMAN.encode("cp1252"), "cp1252", True),
    ],
)
def test_the_encoding_is_found_and_named(data: bytes, name: str, guessed: bool) -> None:
    assert decode(data) == (GERMAN, Encoding(name, guessed))


@pytest.mark.parametrize(
    ("text", "codec"),
    [
        (RUSSIAN, "cp1251"),
        (RUSSIAN, "koi8-r"),
        (JAPANESE, "shift_jis"),
        (JAPANESE, "euc-jp"),
        (JAPANESE, "iso2022_jp"),
        (JAPANESE, "utf-16-le"),
        ("Profits rose to £600m at the firm that makes nothing else.", "cp1252"),
    ],
)
def test_older_encodings_are_detected_and_marked_as_guessed(text: str, codec: str) -> None:
    found, encoding = decode(text.encode(codec))
    assert found == text
    assert encoding.guessed


@pytest.mark.parametrize(
    "head",
    [
        '<meta charset="iso-8859-2">',
        '<?xml version="1.0" encoding="ISO-8859-2"?>',
        "<META content='text/html; charset=ISO-8859-2'>",
    ],
)
def test_markup_may_declare_its_encoding(head: str) -> None:
    page = f"{head}<html><title>Most</title><p>Zażółć gęślą jaźń</p></html>"
    text, encoding = decode(page.encode("iso-8859-2"), is_markup=True)
    assert (text, encoding) == (page, Encoding("iso8859-2"))


def test_a_declared_encoding_that_does_not_fit_is_ignored() -> None:
    page = '<meta charset="utf-8"><p>' + GERMAN
    assert decode(page.encode("cp1252"), is_markup=True) == (page, Encoding("cp1252", guessed=True))
    page = '<meta charset="iso-8859-1"><p>' + GERMAN
    assert decode(page.encode(), is_markup=True) == (page, Encoding("utf-8"))


def test_a_bad_byte_in_sound_utf8_is_shown_and_noted() -> None:
    data = (GERMAN * 20).encode() + b" \xff end"
    found = read_article(data)
    assert found.encoding == Encoding("utf-8", guessed=True)
    assert "unreadable" in found.notes[0]
    assert "Brücke" in found.paragraphs[0]


@pytest.mark.parametrize(
    "data",
    [
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(range(256)) * 4,
        b"PK\x03\x04" + bytes(200),
        bytes(range(32)) * 50,
        b"\0",
    ],
)
@pytest.mark.parametrize("name", ["a.txt", "a.html", "a.md", "a.jsonl", "a"])
def test_binary_data_is_refused(data: bytes, name: str) -> None:
    with pytest.raises(UnreadableDocument):
        read_all(data, name)


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_packed_data_is_unpacked_whatever_the_name(pack: Callable[[bytes], bytes]) -> None:
    data = pack(b"Title\n\n") + pack(b"Some text.")
    for name in ("a.txt.gz", "a.TXT.GZ", "a.txt.bz2", "a.txt.xz", "a.txt"):
        found = read_article(data, name)
        assert (found.title, found.paragraphs) == ("Title", ("Some text.",))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (gzip.compress(b"Title\n\ntext" * 100, mtime=0)[:-12], "too early"),
        (gzip.compress(b"x", mtime=0)[:5], "too early"),
        (bz2.compress(b"Title\n\ntext" * 100)[:-12], "bzip2 data is damaged: it ends too early"),
        (lzma.compress(b"Title\n\ntext" * 100)[:-12], "xz data is damaged: it ends too early"),
        (bz2.compress(b"Title")[:10] + bytes(40), "bzip2 data is damaged"),
        (lzma.compress(b"Title")[:10] + bytes(40), "xz data is damaged"),
        (bz2.compress(bytes(10_000_000)), "unpacks to more"),
        (lzma.compress(bytes(10_000_000)), "unpacks to more"),
        (b"Title\n\nnot packed", "not packed"),
        (gzip.compress(b"x", mtime=0) + b"rest", "something else"),
        (b"\x1f\x8b\x08\0garbage after that", "damaged"),
        (gzip.compress(bytes(10_000_000), mtime=0), "unpacks to more"),
        (b"", "no text"),
    ],
)
def test_bad_packed_data_is_refused_with_the_reason(data: bytes, reason: str) -> None:
    with pytest.raises(UnreadableDocument, match=reason):
        read_all(data, "a.txt.gz", ReadOptions(max_bytes=1_000_000))


def test_a_document_above_the_bound_is_refused() -> None:
    with pytest.raises(UnreadableDocument, match="larger than 1 MB"):
        read(BytesIO(b"Title\n\nSome text." * 100_000), "a.txt", "id", ReadOptions(max_bytes=1 << 20))


NAMES = ["a.txt", "a.html", "a.md", "a.jsonl", "a.txt.gz", "a", "2020/a.htm", "b.xhtml", "c.dat"]
FRAGMENTS = st.sampled_from(
    [
        *("<p>", "</div>", "<div", "<table><tr><td>", "<script>", "<!--", "&#0;", "&#xD800;", "&#x1F600;"),
        *("<h1>A</h1>", "<br><br>", "<a href=x>", "<![CDATA[", "<svg><title>", "<meta charset=utf-16>"),
        *(
            "\n\n",
            "---\n",
            "# ",
            "date: ",
            "```",
            "| a |",
            '{"id": 1, "text": "',
            '"}',
            "\\ud800",
            "\0",
            "\x1b$",
        ),
        *("12 May 2020", "LONDON, March 4 (X) - ", "é", "漢字", "\ud7ff", "word "),
    ]
)


def assert_reads(data: bytes, name: str) -> None:
    try:
        found = read_all(data, name)
    except UnreadableDocument:
        return
    assert found
    assert all(isinstance(one, (Article, Failure)) for one in found)


@settings(max_examples=150)
@given(st.binary(max_size=300), st.sampled_from(NAMES))
def test_any_bytes_give_articles_or_a_clear_error(data: bytes, name: str) -> None:
    assert_reads(data, name)


@settings(max_examples=150)
@given(
    st.lists(st.one_of(FRAGMENTS, st.text(max_size=20)), max_size=12).map("".join),
    st.sampled_from(NAMES),
    st.sampled_from(["utf-8", "utf-16", "cp1252"]),
)
def test_any_mixture_of_markup_gives_articles_or_a_clear_error(text: str, name: str, codec: str) -> None:
    assert_reads(text.encode(codec, "ignore"), name)


def test_importing_the_readers_loads_none_of_their_libraries() -> None:
    code = (
        "import io, sys, indexer.readers\n"
        "text = io.BytesIO(b'T\\n2021-11-05\\n\\ntext')\n"
        "list(indexer.readers.read(text, 'a.txt', 'id', indexer.readers.ReadOptions()))\n"
        "heavy = {'trafilatura', 'htmldate', 'bs4', 'lxml', 'markdown_it', 'charset_normalizer', 'babel'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"

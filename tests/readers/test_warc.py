"""Web archives: an article a captured page; what is no page is counted."""

from __future__ import annotations

import gzip
import shutil
import subprocess
import zlib
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest

from indexer.article import Article, Failure
from indexer.errors import UnreadableDocument
from indexer.readers import ReadOptions, read
from tests.fixtures.documents import OPTIONS, published, read_all
from tests.fixtures.packing import make_zip
from tests.fixtures.serving import serving_files

pytest.importorskip("fastwarc", reason="needs the extra documents")

PAGE = (
    "<html><title>{}</title><body><p>The tide comes in twice a day, and the crane is tall.</p></body></html>"
)
DATED = PAGE.replace("<body>", '<meta property="article:published_time" content="{}"><body>')


def record(address: str, block: bytes, kind: str = "response", **more: str) -> bytes:
    """A record of a web archive, whose fields have underscores."""
    fields = {
        "WARC-Type": kind,
        "WARC-Target-URI": address,
        "WARC-Date": "2024-05-01T12:30:00Z",
        "WARC-Record-ID": "<urn:uuid:12345678-0000-0000-0000-000000000000>",
        "Content-Type": "application/http; msgtype=response",
        "Content-Length": str(len(block)),
    } | {name.replace("_", "-"): value for name, value in more.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"WARC/1.0\r\n{head}\r\n".encode() + block + b"\r\n\r\n"


def response(body: bytes | str, kind: str = "text/html", status: str = "200 OK", **more: str) -> bytes:
    """A response to an HTTP request."""
    fields = {"Content-Type": kind} | {name.replace("_", "-"): value for name, value in more.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"HTTP/1.1 {status}\r\n{head}\r\n".encode() + (body.encode() if isinstance(body, str) else body)


def page(title: str) -> bytes:
    return response(PAGE.format(title))


def read_archive(*records: bytes, name: str = "sub/crawl.warc") -> tuple[list[Article | Failure], list[str]]:
    """Return the articles and failures of a web archive, and the kinds that were left out."""
    counted: list[str] = []
    return read_all(b"".join(records), name, leave_out=counted.append), counted


def read_page(block: bytes, **more: str) -> Article:
    (found,), _ = read_archive(record("http://news.example/a", block, **more))
    assert isinstance(found, Article), found
    return found


def test_a_captured_page_is_an_article() -> None:
    found = read_page(response(DATED.format("Tides", "2024-04-30")))
    assert (found.id, found.title, found.url) == (
        "sub/crawl/http://news.example/a",
        "Tides",
        "http://news.example/a",
    )
    assert found.source == "sub/crawl.warc/http://news.example/a.html"
    assert found.paragraphs == ("The tide comes in twice a day, and the crane is tall.",)
    assert published(found) == "2024-04-30 meta"
    assert found.notes == ("captured 2024-05-01 12:30 UTC",)


def test_the_time_of_the_capture_is_no_date_of_publication_but_the_last_one_possible() -> None:
    assert read_page(page("Tides")).published is None
    late = read_page(response(DATED.format("Tides", "2025-01-03")))
    assert late.published is None
    assert late.notes[-1] == "date 2025-01-03 (meta) refused: it is after 2024-05-02"


def test_the_date_in_an_address_counts_and_the_one_in_the_name_of_the_archive_does_not() -> None:
    name = "crawl-2024-05-01.warc"
    (one, two), _ = read_archive(
        record("http://news.example/2021/03/04/tides", page("One")),
        record("http://news.example/tides", page("Two")),
        name=name,
    )
    assert isinstance(one, Article)
    assert isinstance(two, Article)
    assert one.published is not None
    assert (published(one), one.published.others, two.published) == ("2021-03-04 url", (), None)


def test_what_is_no_page_is_counted() -> None:
    found, counted = read_archive(
        record("http://news.example/", response("", status="301 Moved", Location="/a")),
        record("http://news.example/x", response(PAGE, status="404 Not Found")),
        record("http://news.example/a.css", response("p {}", "text/css")),
        record("http://news.example/logo", response(b"\x89PNG", "image/png")),
        record("http://news.example/api.json", response('{"title": "T", "text": "T"}', "application/json")),
        record("http://news.example/feed", response("<rss/>", "text/xml")),
        record("http://news.example/all", response(make_zip({"a.txt": "T"}), "application/zip")),
        record("http://news.example/robots.txt", response("User-agent: *", "text/plain")),
        record("dns:news.example", b"news.example. 300 IN A 192.0.2.1", Content_Type="text/dns"),
        record("urn:pageinfo:http://news.example/", b"{}", "resource", Content_Type="application/json"),
        record("http://news.example/a", response(""), "revisit"),
        record("http://news.example/a", b"Text.", "conversion", Content_Type="text/plain"),
        record("http://news.example/a", b"GET / HTTP/1.1\r\n\r\n", "request"),
        record(
            "http://news.example/a", b"fetchTimeMs: 3", "metadata", Content_Type="application/warc-fields"
        ),
    )
    assert found == []
    assert counted == [
        "redirects and errors", "redirects and errors", ".css", ".png",
        *["captures of other kinds"] * 3, ".txt",
        "records about the crawl", "records about the crawl", "repeated captures", "conversions of captures",
    ]  # fmt: skip


def test_records_that_are_left_out_get_time_of_their_own() -> None:
    sizes: list[int] = []
    data = record("dns:news.example", b"", Content_Type="text/dns") * 3000
    assert list(read(BytesIO(data), "a.warc", "a", OPTIONS, begin_record=sizes.append)) == []
    assert sizes == [0, 0, 0]


def test_a_page_that_was_captured_twice_is_read_once_and_another_version_of_it_again() -> None:
    same = {"WARC_Payload_Digest": "sha1:AAAA"}
    found, counted = read_archive(
        record("http://news.example/a", page("One"), **same),
        record("http://news.example/a?utm=1", page("One"), **same),
        record("http://news.example/a", page("Two"), WARC_Date="2024-05-02T00:00:00Z"),
        record("http://news.example/b", page("Two"), WARC_Date="2024-05-02T00:00:00Z"),
    )
    ids = [item.id for item in found if isinstance(item, Article)]
    assert ids == ["sub/crawl/http://news.example/a", "sub/crawl/http://news.example/a@20240502000000"]
    assert counted == ["repeated captures", "repeated captures"]


BODY = PAGE.format("Gezeiten für März").encode()
CHUNKED = b"14\r\n%b\r\n%x;a=b\r\n%b\r\n0\r\n\r\n" % (BODY[:20], len(BODY[20:]), BODY[20:])
RAW = zlib.compressobj(wbits=-15)


@pytest.mark.parametrize(
    "block",
    [
        response(BODY, "text/html; charset=utf-8"),
        response(PAGE.format("Gezeiten für März").encode("utf-16-le"), "text/html; charset=utf-16le"),
        response(PAGE.format("Gezeiten für März").encode("cp1252"), "text/html; charset=iso-8859-1"),
        response(gzip.compress(BODY), Content_Encoding="gzip"),
        response(zlib.compress(BODY), Content_Encoding="deflate"),
        response(RAW.compress(BODY) + RAW.flush(), Content_Encoding="deflate"),
        response(CHUNKED, Transfer_Encoding="chunked"),
        # The crawler decoded these, and kept the header.
        response(BODY, Content_Encoding="br"),
        response(BODY, Content_Encoding="gzip", Transfer_Encoding="chunked"),
    ],
)
def test_the_encodings_of_a_response_are_decoded(block: bytes) -> None:
    assert read_page(block).title == "Gezeiten für März"


def test_content_that_is_compressed_by_brotli_or_zstandard_is_decoded() -> None:
    brotli = pytest.importorskip("brotli")
    zstandard = pytest.importorskip("zstandard")
    assert read_page(response(brotli.compress(BODY), Content_Encoding="br")).title == "Gezeiten für März"
    data = zstandard.ZstdCompressor().compress(BODY)
    assert read_page(response(data, Content_Encoding="zstd")).title == "Gezeiten für März"


@pytest.mark.parametrize(
    ("address", "kind", "source"),
    [
        ("http://news.example/a.txt", "text/plain", "http://news.example/a.txt.txt"),
        ("http://news.example/a.md", "", "http://news.example/a.md.md"),
        ("http://news.example/ä b", "text/plain", "http://news.example/%C3%A4%20b.txt"),
        ("<http://news.example/>", "text/plain", "http://news.example/.txt"),
    ],
)
def test_the_type_that_is_stated_decides_how_a_capture_is_read(address: str, kind: str, source: str) -> None:
    (found,), _ = read_archive(record(address, response("A title\n\nText.", kind)))
    assert isinstance(found, Article)
    assert (found.title, found.source) == ("A title", f"sub/crawl.warc/{source}")


def test_a_long_address_is_shortened_in_the_id_and_kept_as_the_url() -> None:
    address = "http://news.example/" + "a" * 1000
    (found,), _ = read_archive(record(address, page("Tides")))
    assert isinstance(found, Article)
    assert (len(found.id), found.url) == (len("sub/crawl/") + 200, address)


def test_a_resource_is_read() -> None:
    found = read_page(PAGE.format("Tides").encode(), kind="resource", Content_Type="text/html")
    assert found.title == "Tides"


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_a_damaged_archive_is_read_up_to_the_damage(suffix: str) -> None:
    records = [record(f"http://news.example/{number}", page(f"Page {number}")) for number in range(3)]
    parts = [gzip.compress(part) if suffix else part for part in records]
    whole = read_all(b"".join(parts), f"a.warc{suffix}")
    assert len(whole) == 3
    found: list[Article | Failure] = []
    damaged = parts[0] + b"\xff" * 40 + parts[1][40:] + parts[2]
    with pytest.raises(UnreadableDocument, match="damaged"):
        found.extend(read_all(damaged, f"a.warc{suffix}"))
    cut = read_all(b"".join(parts)[:-30], f"a.warc{suffix}") if not suffix else []
    assert [type(item) for item in cut] == ([] if suffix else [Article, Article, Failure])


def test_a_page_that_is_too_large_or_damaged_does_not_stop_the_others() -> None:
    options = ReadOptions(max_bytes=1000, today=OPTIONS.today)
    records = [
        record("http://news.example/1", response(PAGE.format("x" * 2000))),
        record("http://news.example/2", response(gzip.compress(b"x" * 100_000), Content_Encoding="gzip")),
        record("http://news.example/3", b"HTTP/1.1 200 OK\r\nX: y"),
        record("http://news.example/4", response("")),
        record("http://news.example/5", page("Tides")),
    ]
    found = read_all(b"".join(records), "a.warc", options)
    reasons = [item.reason for item in found if isinstance(item, Failure)]
    assert [type(item) for item in found] == [Failure] * 4 + [Article]
    assert reasons == [
        "larger than 0.000953674 MB", "unpacks to more than 0.000953674 MB",
        "damaged: the header of the response has no end", "contains no text",
    ]  # fmt: skip


def test_an_archive_without_a_suffix_is_recognized() -> None:
    (found,), _ = read_archive(record("http://news.example/a", page("Tides")), name="crawl")
    assert isinstance(found, Article)
    assert found.title == "Tides"


def test_the_web_archives_in_a_wacz_file_are_read() -> None:
    one = record("http://news.example/1", page("One"))
    data = make_zip(
        {
            "archive/a.warc.gz": gzip.compress(one),
            "archive/b.warc": one + record("http://news.example/2", page("Two")),
            "archive/c.warc.gz": b"damaged",
            "pages/pages.jsonl": b'{"format": "json-pages-1.0"}\n',
            "datapackage.json": b"{}",
        }
    )
    found, counted = read_archive(data, name="site.wacz")
    ids = [item.id for item in found if isinstance(item, Article)]
    assert ids == ["site/http://news.example/1", "site/http://news.example/2"]
    assert [item.path for item in found if isinstance(item, Failure)] == ["site.wacz/archive/c.warc.gz"]
    assert counted == ["repeated captures"]


@pytest.mark.parametrize("data", [b"", b"no archive", make_zip({"a.warc": b""}), b"PK\x03\x04damaged"])
def test_what_is_no_web_archive_is_refused(data: bytes) -> None:
    with pytest.raises(UnreadableDocument):
        read_all(data, "a.wacz")


@pytest.fixture
def site(tmp_path: Path) -> Iterator[str]:
    """The address of a small site."""
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / "index.html").write_text(
        PAGE.format("Home").replace("<p>", '<a href="b.html">B</a><img src="c.png"><p>')
    )
    (folder / "b.html").write_text(
        DATED.format("Tides", "2021-03-04").replace("<p>", '<a href="gone.html">x</a><p>')
    )
    (folder / "c.png").write_bytes(b"\x89PNG")
    with serving_files(folder) as address:
        yield address


@pytest.mark.skipif(shutil.which("wget") is None, reason="needs wget")
def test_a_site_that_wget_crawled_is_read(site: str, tmp_path: Path) -> None:
    command = [
        "wget",
        "-q",
        "-r",
        "-l2",
        "-e",
        "robots=off",
        "--no-proxy",
        "--warc-file=crawl",
        "--delete-after",
        site,
    ]
    subprocess.run(command, cwd=tmp_path, check=False)
    counted: list[str] = []
    found = read_all((tmp_path / "crawl.warc.gz").read_bytes(), "crawl.warc.gz", leave_out=counted.append)
    titles = {
        item.id.removeprefix("crawl/"): (item.title, published(item))
        for item in found
        if isinstance(item, Article)
    }
    assert titles == {site: ("Home", None), f"{site}b.html": ("Tides", "2021-03-04 meta")}
    assert {"redirects and errors", ".png", "records about the crawl"} == set(counted)

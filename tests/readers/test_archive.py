"""ZIP and tar: the files in an archive are read as those of a folder, and none takes more than it may."""

from __future__ import annotations

import gzip
import struct
import tarfile
import zipfile
from collections import Counter
from collections.abc import Callable, Mapping
from io import BytesIO

import pytest

from indexer.article import Article, Failure
from indexer.errors import UnreadableDocument
from indexer.readers import ReadOptions, read
from indexer.readers.packed import Budget, open_bounded
from tests.fixtures.documents import read_all
from tests.fixtures.packing import MAKERS, make_tar, make_zip

OPTIONS = ReadOptions(max_bytes=1 << 20)
STORY = "A title\n\nA tide."
Make = Callable[[Mapping[str, bytes | str]], bytes]
archives = pytest.mark.parametrize(("name", "make"), MAKERS.items(), ids=MAKERS)


def outcome(data: bytes, name: str, left_out: list[str] | None = None) -> dict[str, str]:
    """The title of each article by its path in the archive, or why it cannot be read."""
    found: dict[str, str] = {}
    counted = left_out if left_out is not None else []
    try:
        for item in read(BytesIO(data), name, "a-1", OPTIONS, leave_out=counted.append):
            path = item.path if isinstance(item, Failure) else item.source or ""
            assert path.removeprefix(f"{name}/") not in found
            found[path.removeprefix(f"{name}/")] = item.reason if isinstance(item, Failure) else item.title
    except UnreadableDocument as error:
        found[""] = str(error)
    return found


@archives
def test_the_files_in_an_archive_are_read_as_those_of_a_folder(name: str, make: Make) -> None:
    left_out: list[str] = []
    data = make(
        {
            "a.txt": "One\n\nA tide.",
            "./news/b.html": "<title>Two</title><p>A tide.",
            "news/b_files/c.html": "<title>Part of a page</title><p>A tide.",
            "news/d_files/e.html": "<title>Three</title><p>A tide.",
            ".hidden/f.txt": STORY,
            "news/.g.txt": STORY,
            "node_modules/h/readme.md": STORY,
            "i.txt.gz": gzip.compress(b"Four\n\nA tide."),
            "j.jpg": "x",
            "k.JPG": "x",
            "LICENSE": "x",
            "empty.txt": "",
        }
    )
    assert outcome(data, name, left_out) == {
        "a.txt": "One",
        "news/b.html": "Two",
        "news/d_files/e.html": "Three",
        "i.txt.gz": "Four",
        "empty.txt": "contains no text",
    }
    assert Counter(left_out) == {".jpg": 2, "": 1}


@archives
def test_a_file_in_an_archive_has_an_id_below_that_of_the_archive_and_no_date_of_its_own(
    name: str, make: Make
) -> None:
    (article,) = read(BytesIO(make({"in/b.txt": STORY})), name, "a-1", OPTIONS)
    assert isinstance(article, Article)
    assert (article.id, article.source, article.published) == ("a-1/in/b.txt", f"{name}/in/b.txt", None)


@archives
def test_an_empty_archive_has_no_article(name: str, make: Make) -> None:
    assert outcome(make({}), name) == {}


@archives
@pytest.mark.parametrize("path", ["../up.txt", "/etc/up.txt", "in/../../up.txt"])
def test_a_path_that_leads_out_of_the_archive_is_a_failure(name: str, make: Make, path: str) -> None:
    found = outcome(make({path: STORY, "../up.jpg": "x", "a.txt": STORY}), name)
    assert found.pop("a.txt") == "A title"
    assert list(found.values()) == ["its path leads out of the archive"]


@archives
def test_archives_in_archives_are_read_up_to_a_depth(name: str, make: Make) -> None:
    data = make({"a.txt": STORY})
    for _ in range(3):
        data = make({name: data, "b.txt": STORY})
    assert outcome(data, name) == {
        "b.txt": "A title",
        f"{name}/b.txt": "A title",
        f"{name}/{name}/b.txt": "A title",
        f"{name}/{name}/{name}/a.txt": "lies in more than 3 archives, mails or feeds in each other",
    }


@pytest.mark.parametrize("name", MAKERS)
@pytest.mark.filterwarnings("ignore:Duplicate name:UserWarning")
def test_of_several_files_with_one_name_the_last_counts(name: str) -> None:
    texts = ("Before\n\nA tide.", "After\n\nA tide.")
    stream = BytesIO()
    if name == "a.zip":
        with zipfile.ZipFile(stream, "w") as archive:
            for text in texts:
                archive.writestr("a.txt", text)
    else:
        with tarfile.open(fileobj=stream, mode="w:gz" if name.endswith("gz") else "w") as packed:
            for text in texts:
                info = tarfile.TarInfo("a.txt")
                info.size = len(text)
                packed.addfile(info, BytesIO(text.encode()))
    assert outcome(stream.getvalue(), name) == {"a.txt": "After"}


def test_links_and_devices_are_not_followed() -> None:
    stream = BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for name, kind in (
            ("a.txt", tarfile.SYMTYPE),
            ("b.txt", tarfile.LNKTYPE),
            ("c.txt", tarfile.CHRTYPE),
            ("d.txt", tarfile.FIFOTYPE),
            ("passwd", tarfile.SYMTYPE),
        ):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "/etc/passwd"
            archive.addfile(info)
    reason = "is a link or a device, which is not followed"
    assert outcome(stream.getvalue(), "a.tar") == {f"{name}.txt": reason for name in "abcd"}
    stream = BytesIO()
    with zipfile.ZipFile(stream, "w") as packed:
        link = zipfile.ZipInfo("a.txt")
        link.external_attr = 0o120777 << 16
        packed.writestr(link, "/etc/passwd")
    assert outcome(stream.getvalue(), "a.zip") == {"a.txt": reason}


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        pytest.param("Zürich.txt".encode(), "Zürich.txt", id="UTF-8 that is not declared"),
        pytest.param("Zürich.txt".encode("cp437"), "Zürich.txt", id="the encoding of old PCs"),
        pytest.param(b"a\\b.txt", "a/b.txt", id="backslashes"),
    ],
)
def test_names_are_decoded_as_they_were_written(raw: bytes, name: str) -> None:
    data = make_zip({"x" * len(raw) + "y.txt": STORY}).replace(b"x" * len(raw) + b"y.txt", raw + b"y.txt")
    assert outcome(data, "a.zip") == {f"{name}y.txt": "A title"}


def test_a_name_in_no_encoding_is_shown_with_escapes() -> None:
    data = make_tar({"b?.txt": STORY})
    info = data[:512].replace(b"b?.txt", b"b\xff.txt")
    checksum = sum(info[:148]) + sum(info[156:]) + 8 * 32
    info = info[:148] + b"%06o\0 " % checksum + info[156:]
    assert outcome(info + data[512:], "a.tar") == {"b\\xff.txt": "A title"}


def test_an_encrypted_file_is_a_failure() -> None:
    data = bytearray(make_zip({"a.txt": STORY, "b.txt": STORY}))
    directory = data.index(b"PK\x01\x02")
    data[directory + 8] |= 1
    assert outcome(bytes(data), "a.zip") == {"a.txt": "encrypted", "b.txt": "A title"}


def test_a_file_that_is_not_packed_is_read() -> None:
    assert outcome(make_zip({"a.txt": STORY}, zipfile.ZIP_STORED), "a.zip") == {"a.txt": "A title"}


@pytest.mark.parametrize("compression", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_file_of_which_too_much_would_be_unpacked_at_once_is_a_failure(compression: int) -> None:
    reason = "packed in a way that is not supported; deflate is"
    assert outcome(make_zip({"a.txt": STORY}, compression), "a.zip") == {"a.txt": reason}
    with pytest.raises(UnreadableDocument, match=reason):
        read_all(make_zip({"content.xml": "<a/>"}, compression), "a.odt")
    pytest.importorskip("fastwarc", reason="needs the extra documents")
    (failure,) = read_all(make_zip({"archive/a.warc": b"WARC/1.0"}, compression), "a.wacz")
    assert isinstance(failure, Failure)
    assert (failure.path, failure.reason) == ("a.wacz/archive/a.warc", reason)


def test_a_zip_packed_in_an_unknown_way_is_named() -> None:
    data = bytearray(make_zip({"a.txt": STORY}))
    data[data.index(b"PK\x01\x02") + 10] = 9
    data[8] = 9
    assert outcome(bytes(data), "a.zip")["a.txt"].startswith("packed in a way that is not supported")


def test_a_large_zip_with_a_64_bit_directory_is_read() -> None:
    stream = BytesIO()
    with zipfile.ZipFile(stream, "w") as archive, archive.open("a.txt", "w", force_zip64=True) as member:
        member.write(STORY.encode())
    assert outcome(stream.getvalue(), "a.zip") == {"a.txt": "A title"}


def test_a_damaged_file_in_a_zip_is_a_failure_and_the_others_are_read() -> None:
    data = bytearray(make_zip({f"{name}.txt": f"{name}\n\n{'A tide. ' * 40}" for name in "abc"}))
    place = data.index(b"b.txt") + 8
    data[place : place + 8] = b"\xff" * 8
    found = outcome(bytes(data), "a.zip")
    assert found.pop("b.txt").startswith("damaged: ")
    assert found == {"a.txt": "a", "c.txt": "c"}


@pytest.mark.parametrize("data", [b"", b"PK", b"no archive at all", b"PK\x03\x04" + bytes(100)])
@pytest.mark.parametrize("name", ["a.zip", "a.tar"])
def test_what_is_no_archive_is_named(name: str, data: bytes) -> None:
    assert outcome(data, name)[""].startswith("damaged")


FILES: dict[str, bytes | str] = {f"{number}.txt": f"{number}\n\n{'A tide. ' * 200}" for number in range(9)}


@pytest.mark.parametrize("name", ["a.tar", "a.tar.gz"])
@pytest.mark.parametrize("share", [0.3, 0.5, 0.7, 0.9])
def test_of_a_truncated_tar_the_whole_files_are_read(name: str, share: float) -> None:
    tar = make_tar(FILES)
    cut = tar[: int(len(FILES) * 2560 * share)]
    data = cut if name == "a.tar" else gzip.compress(tar, 0)[: len(cut)]
    found = outcome(data, name)
    assert found.pop("").startswith(("damaged: ", "gzip data is damaged: it ends too early"))
    assert list(found) == [f"{number}.txt" for number in range(len(found))]
    assert int(len(FILES) * share) - 1 <= len(found) < len(FILES)


def test_a_tar_in_which_a_header_follows_the_other_is_damaged() -> None:
    info = tarfile.TarInfo("a.txt")
    info.type = tarfile.GNUTYPE_LONGNAME
    assert outcome(info.tobuf(tarfile.GNU_FORMAT) * 1200, "a.tar")[""].startswith("damaged: ")


def test_a_tar_with_something_else_between_its_files_is_read_up_to_there() -> None:
    tar = make_tar(FILES)
    block = tar.index(b"4.txt")
    found = outcome(tar[:block] + b"x" * 512 + tar[block:], "a.tar")
    assert found.pop("") == "damaged: there is something else between its files"
    assert list(found) == ["0.txt", "1.txt", "2.txt", "3.txt"]


def test_a_file_that_is_too_large_is_a_failure_whatever_the_archive_says_of_its_size() -> None:
    large = b"A title\n\n" + b"".join(b"%d " % number for number in range(300_000))
    for name, make in MAKERS.items():
        found = outcome(make({"a.txt": STORY, "b.txt": large, "c.txt": STORY}), name)
        assert found == {"a.txt": "A title", "b.txt": "larger than 1 MB", "c.txt": "A title"}


@pytest.mark.parametrize(("name", "make"), MAKERS.items(), ids=MAKERS)
def test_an_archive_that_unpacks_to_too_much_ends_there(name: str, make: Make) -> None:
    zeros = bytes(1 << 20)
    packed = gzip.compress(zeros)
    files: dict[str, bytes | str] = {f"{number:03}.txt.gz": packed for number in range(300)}
    found = outcome(make({"a.txt": STORY, **files}), name)
    assert found["a.txt"] == "A title"
    reason = "unpacks to more than 200 times its size, so it is not text"
    assert len(found) < 301
    assert found[""] == reason


def test_an_archive_in_an_archive_has_no_bound_of_its_own() -> None:
    bomb = make_zip({f"{number}.txt": bytes(1 << 20) for number in range(40)})
    inner = make_zip({f"{number}.zip": bomb for number in range(40)})
    found = outcome(make_zip({"a.zip": inner, "b.txt": STORY}), "a.zip")
    assert "unpacks to more than 200 times" in found[""]
    assert sum("NUL" in reason or "binary" in reason or "text" in reason for reason in found.values()) < 60


def test_a_directory_that_lies_is_believed_in_nothing() -> None:
    data = make_zip({"a.txt": STORY, "b.txt": STORY})
    place = data.index(b"PK\x01\x02")
    # The size of the first file, unpacked and packed.
    for size in (0, 1, 5, 2**31, 2**32 - 2):
        lying = bytearray(data)
        struct.pack_into("<LL", lying, place + 20, size, size)
        found = outcome(bytes(lying), "a.zip")
        assert found.get("b.txt", "A title") == "A title"
    # The number of files, and the place and the size of the directory.
    end = data.index(b"PK\x05\x06")
    for offset in range(end + 4, len(data)):
        for value in (0, 1, 0x7F, 0xFF):
            lying = bytearray(data)
            lying[offset] = value
            assert set(outcome(bytes(lying), "a.zip")) <= {"", "a.txt", "b.txt"}


class Endless(BytesIO):
    """A stream of more than anybody should unpack; `end` is where it was read up to."""

    end = 0

    def seek(self, offset: int, whence: int = 0, /) -> int:
        assert whence == 0
        self.end = max(self.end, offset)
        return offset


@pytest.mark.parametrize(("offset", "whence"), [(1 << 40, 0), (0, 2), (1 << 40, 1)])
def test_no_more_is_unpacked_to_reach_a_place_than_the_budget_has(offset: int, whence: int) -> None:
    endless = Endless()
    with pytest.raises(UnreadableDocument, match="unpacks to more than"):
        open_bounded(endless, Budget(0)).seek(offset, whence)
    assert endless.end <= 4 << 20


@archives
def test_a_path_through_too_many_folders_is_a_failure(name: str, make: Make) -> None:
    path = "d/" * 101 + "a.txt"
    assert outcome(make({path: STORY, "b.txt": STORY}), name) == {
        path: "its path is too long",
        "b.txt": "A title",
    }

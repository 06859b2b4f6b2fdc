"""The catalog: it is loaded as it was saved."""

from __future__ import annotations

import hashlib
import os
import shutil
import zlib
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest
import zstandard

from indexer import Article, Encoding, IndexDamaged, Published
from indexer.engine.format.record import digest_items, encode_article
from indexer.files.names import printable_path
from indexer.sync.catalog import (
    Catalog,
    Entry,
    FileState,
    Hints,
    Stamp,
    load,
    load_hints,
    load_summary,
    newest,
    save,
    tidy,
)

STRANGE = os.fsdecode(b"caf\xe9\n.txt")


def catalog() -> Catalog:
    return Catalog(
        committed="2026-06-01T00:00:00+00:00",
        sources={
            "/b": {
                "x.txt": Entry(Stamp(1, 2, 3, "f" * 64), {"x": ("d1", "en")}),
                STRANGE: Entry(Stamp(0, 0, 0), {}, [(STRANGE, "no text")], FileState.REFUSED),
            },
            "/a": {
                "y.jsonl": Entry(
                    Stamp(5, 2**62, 3), {"y": ("d2", "de"), "z": ("d3", "en")}, [("y.jsonl:3", "bad")]
                )
            },
            "/empty": {},
        },
        api_articles={"p": ("d4", "fr"), "q": ("d5", "de"), "r": ("d6", "en")},
    )


@pytest.mark.parametrize("name", [STRANGE, "Grüße 東京.txt"], ids=["not UTF-8", "UTF-8"])
def test_a_catalog_comes_back_as_it_was_saved(tmp_path: Path, name: str) -> None:
    saved = catalog()
    saved.sources["/b"][name] = saved.sources["/b"].pop(STRANGE)
    save(tmp_path, 3, saved)
    assert load(tmp_path, 3) == saved


def test_a_long_catalog_is_compressed(tmp_path: Path) -> None:
    paths = [f"2021/{number}.txt" for number in range(2000)]
    digests = [hashlib.sha256(path.encode()).hexdigest() for path in paths]
    files = {
        path: Entry(Stamp(100 + number, 2**60 + number, 2**60, digest), {path: (digest[:32], "en")})
        for number, (path, digest) in enumerate(zip(paths, digests, strict=True))
    }
    large = Catalog(sources={"/a": files}, aliases={f"old {path}": path for path in paths})
    save(tmp_path, 1, large)
    assert (tmp_path / "catalog-1.json").stat().st_size < sum(map(len, map(str, files.items()))) / 2
    assert load(tmp_path, 1) == large
    assert load_summary(tmp_path, 1).aliases == large.aliases
    assert load_hints(tmp_path, 1)["/a"].paths == paths


def test_a_catalog_with_much_of_the_same_comes_back_too(tmp_path: Path) -> None:
    same = Catalog(committed="x" * 2**20, limits="y" * 2**20)
    save(tmp_path, 1, same)
    assert load(tmp_path, 1) == same
    assert load_summary(tmp_path, 1).committed == same.committed


@pytest.mark.parametrize(
    "frame",
    [
        zstandard.ZstdCompressor().compress(b" " * 2**28),
        zstandard.ZstdCompressor(write_content_size=False).compress(b'{"sources": {}}'),
        zstandard.ZstdCompressor().compress(b'{"sources": {}}') * 2,
        zstandard.ZstdCompressor().compress(b'{"sources": {}}')[:-1],
        b"",
        b"no frame",
    ],
    ids=["more than is believed", "of unstated size", "two frames", "cut", "empty", "no frame"],
)
def test_a_line_that_is_not_compressed_as_it_should_be_is_refused(tmp_path: Path, frame: bytes) -> None:
    text = b64encode(frame)
    (tmp_path / "catalog-1.json").write_bytes(b"%08x %s\n" % (zlib.crc32(text), text))
    with pytest.raises(IndexDamaged, match="its contents make no sense"):
        load_summary(tmp_path, 1)


def test_a_summary_counts_languages_and_lists_what_failed(tmp_path: Path) -> None:
    save(tmp_path, 3, catalog())
    summary = load_summary(tmp_path, 3)
    assert list(summary.languages.items()) == [("en", 3), ("de", 2), ("fr", 1)]
    assert summary.sources == ("/a", "/b", "/empty")
    assert [(failure.path, failure.reason) for failure in summary.failures] == [
        (printable_path(STRANGE), "no text"),
        ("y.jsonl:3", "bad"),
    ]


def test_hints_match_the_same_files_only_where_none_has_to_be_read_again(tmp_path: Path) -> None:
    stamps = {"a": Stamp(1, 2, 3), "b": Stamp(4, 5, 6)}

    def hints(state: FileState) -> Hints:
        files = {path: Entry(stamp, state=state) for path, stamp in stamps.items()}
        save(tmp_path, 1, Catalog(sources={"/a": files}, limits="these"))
        return load_hints(tmp_path, 1)["/a"]

    known = hints(FileState.UNCHANGED)
    assert known.match(stamps, "these")
    assert not known.match(stamps, "others")
    assert not known.match(stamps | {"c": Stamp(7, 8, 9)}, "these")
    assert not known.match({"a": stamps["a"]}, "these")
    assert not known.match(stamps | {"b": Stamp(4, 5, 7)}, "these")
    known.stamps.pop()
    assert not known.match(stamps, "these")
    assert hints(FileState.REFUSED).match(stamps, "these")
    for state in (FileState.CHANGED, FileState.PARTLY_READ, FileState.UNREADABLE):
        assert not hints(state).match(stamps, "these")


@pytest.mark.parametrize("number", [6, 7])
def test_a_catalog_of_a_format_before_can_be_loaded_for_a_rebuild(tmp_path: Path, number: int) -> None:
    shutil.unpack_archive(Path(__file__).parents[1] / f"store/format_{number}.zip", tmp_path)
    (folder,) = (tmp_path / "index").glob("g*")
    assert list(load(folder, newest(folder)).api_articles) == ["a"]


def test_owners_are_files_and_apps() -> None:
    files = {"x": ("/b", "x.txt"), "y": ("/a", "y.jsonl"), "z": ("/a", "y.jsonl")}
    assert catalog().owners() == files | dict.fromkeys("pqr", ("", ""))


def test_only_the_last_commits_catalog_is_kept(tmp_path: Path) -> None:
    for commit in (1, 2, 3, 10):
        save(tmp_path, commit, catalog())
    (tmp_path / "catalog-4.json.new").write_bytes(b"half")
    (tmp_path / "settings.json").write_bytes(b"{}")
    assert newest(tmp_path) == 10
    tidy(tmp_path, 3)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["catalog-3.json", "settings.json"]
    assert (newest(tmp_path), newest(tmp_path.parent)) == (3, 0)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}\n{}\n",
        b"[]\n[]\n",
        b"null\n",
        b"\xff\n",
        b'{"committed": "x", "languages": 3}\n',
        b"{" * 10_000,
        None,
    ],
    ids=lambda data: repr(data and data[:12]),
)
def test_a_damaged_or_missing_catalog_says_what_to_do(tmp_path: Path, data: bytes | None) -> None:
    if data is not None:
        (tmp_path / "catalog-1.json").write_bytes(data)
    for read in (load, load_summary, load_hints):
        with pytest.raises(IndexDamaged, match="run `nutgraf doctor --fix`, which goes by"):
            read(tmp_path, 1)


@pytest.mark.parametrize(
    ("stamp", "same"),
    [
        (Stamp(1, 2, 3), True),
        (Stamp(1, 2, 3, "other"), True),
        (Stamp(9, 2, 3), False),
        (Stamp(1, 9, 3), False),
        (Stamp(1, 2, 9), False),
    ],
)
def test_a_file_looks_the_same_by_size_and_both_times(stamp: Stamp, same: bool) -> None:
    assert Stamp(1, 2, 3, "f").matches(stamp) is same


def test_equal_articles_have_equal_digests_and_every_field_counts() -> None:
    plain: dict[str, Any] = {"id": "a", "title": "T", "paragraphs": ("x", "y")}
    others: list[dict[str, Any]] = [
        {"id": "b"}, {"title": "U"}, {"paragraphs": ("x y",)}, {"published": "2021"}, {"language": "de"},
        {"url": "https://n.example/"}, {"source": "s"}, {"encoding": Encoding("utf-8")}, {"notes": ("n",)},
        {"published": Published("2021", "year", "url")},
    ]  # fmt: skip
    digests = [digest_items(encode_article(Article(**plain | other))) for other in [{}, *others]]
    assert len(set(digests)) == len(others) + 1
    assert digest_items(encode_article(Article(**plain))) == digests[0]

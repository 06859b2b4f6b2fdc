"""Files in the user's cache folder are whole or missing, and can be removed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from indexer.files.cache import clear_cache, find_cache, keep
from indexer.text import calendars


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return find_cache()


def test_a_file_and_a_folder_are_kept_and_a_file_is_replaced(cache: Path) -> None:
    def make_folder(new: Path) -> None:
        new.mkdir()
        (new / "part").write_bytes(b"12")

    keep(cache / "folder", make_folder)
    for content in (b"1", b"123"):
        keep(cache / "file", lambda new, content=content: new.write_bytes(content))  # type: ignore[misc]
    assert {path.name for path in cache.iterdir()} == {"folder", "file"}
    assert (cache / "file").read_bytes() == b"123"
    assert clear_cache() == 5
    assert not cache.exists()
    assert clear_cache() == 0


def test_what_could_not_be_written_as_a_whole_is_not_kept(cache: Path) -> None:
    def fill_the_disk(new: Path) -> None:
        new.write_bytes(b"1")
        raise OSError(28, "No space left on device")

    keep(cache / "file", fill_the_disk)
    assert not list(cache.iterdir())


def test_a_folder_that_cannot_be_made_is_done_without(cache: Path) -> None:
    cache.parent.mkdir()
    cache.write_text("a file")
    keep(cache / "file", lambda new: new.write_bytes(b"1"))
    assert cache.read_text() == "a file"


@pytest.mark.parametrize("content", [b"", b"{", b'{"months": 1}'])
def test_names_of_months_are_read_again_if_their_copy_was_altered(cache: Path, content: bytes) -> None:
    expected = read_months()
    (copy,) = cache.iterdir()
    copy.write_bytes(content)
    assert read_months() == expected
    assert copy.read_bytes() != content
    assert read_months() == expected


def read_months() -> Mapping[str, int]:
    """The names of months in two languages, not those that this process has read before."""
    calendars.month_names.cache_clear()
    return calendars.month_names(("en", "pl"))

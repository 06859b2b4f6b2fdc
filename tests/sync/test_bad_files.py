"""Bad files: a file that takes too much time or memory is named, and the others are indexed."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from indexer import SyncReport, open_index
from tests.sync.conftest import RunInWorkers, Started


def synced(folder: Path, run_in_workers: RunInWorkers, code: str) -> SyncReport:
    """The report of a sync of two pages; the worker runs some code when it reads the page with `poison`."""
    source = folder / "source"
    source.mkdir()
    for name in ("good", "poison"):
        (source / f"{name}.html").write_text(f"<title>{name}</title><p>A {name} tide.</p>")
    reader = (
        "import indexer.sync.tasks as i; from indexer import limits\n"
        "from indexer.sync.worker import limit_process\n"
        "read = i.read\n"
        "def other(stream, name, *rest, **more):\n"
        f"    if b'poison' in stream.getvalue(): {code}\n"
        "    return read(stream, name, *rest, **more)\n"
        "i.read = other\n"
    )
    run_in_workers(reader)
    with open_index(folder / "index", sources=[source]) as index:
        report = index.sync()
        assert index.verify().articles == 1
        assert index.search("good", limit=0).total == 1
    return report


@pytest.mark.skipif(sys.platform == "win32", reason="there is no such limit")
def test_a_page_that_takes_too_long_ends_only_its_worker(
    tmp_path: Path, run_in_workers: RunInWorkers
) -> None:
    code = "limits.FILE_SECONDS = 0.05; limit_process(1, is_plain=False)\n        while True: pass"
    (failure,) = synced(tmp_path, run_in_workers, f"\n        {code}").failed
    assert (failure.path, failure.reason) == (
        "poison.html",
        "cannot be read (reading it takes more time than a document may)",
    )


@pytest.mark.skipif(sys.platform != "linux", reason="there is no such limit")
@pytest.mark.parametrize("how", ["bytes(1 << 30)", "[bytes(1 << 20) for _ in range(1000)]"])
def test_a_page_that_takes_too_much_memory_is_named(
    tmp_path: Path, run_in_workers: RunInWorkers, how: str
) -> None:
    (failure,) = synced(tmp_path, run_in_workers, how).failed
    assert (failure.path, failure.reason) == (
        "poison.html",
        "reading it takes more memory than a document may",
    )


def test_a_page_that_ends_its_worker_does_not_end_a_small_sync(
    tmp_path: Path, run_in_workers: RunInWorkers
) -> None:
    (failure,) = synced(tmp_path, run_in_workers, "__import__('os').abort()").failed
    assert (failure.path, failure.reason) == (
        "poison.html",
        "cannot be read (it ended the process that read it, twice)",
    )


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.html", b"<p>A tide."),
        ("a.md", b"A tide."),
        ("a.txt.gz", b"A tide."),
        ("a.txt", b" \n\xef\xbb\xbf<html><p>A tide."),
        ("a.txt", b"\xff\xfe<\0h\0t\0m\0l\0>\0"),
        ("a.txt", b"\x1f\x8b\x08"),
        ("a.txt", b"tide " * 60_000),
        ("a.txt", b"\n" * 5000 + b"<html>"),
    ],
)
def test_only_a_little_plain_text_is_read_without_a_process_of_its_own(
    tmp_path: Path, started: Started, name: str, data: bytes
) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "plain.txt").write_text("A story.\n\nA tide.")
    with open_index(tmp_path / "index", sources=[source]) as index:
        assert (index.sync().added, started) == (1, [])
        (source / name).write_bytes(data)
        index.sync()
        assert len(started) == 1
        assert index.search("story", limit=0).total == 1


@pytest.mark.parametrize(
    "page",
    [
        "<p>Shown.<script>hidden()</script></p>",
        "<p>Shown.<textarea><p>hidden</p></textarea></p>",
        "<p>Shown.</p><noscript><div>hidden</noscript>",
        "<template><p>hidden</p></template><p>Shown.",
        "<h1>Shown.</h1><style>hidden</style>",
        "<head><noscript><h1>hidden</h1></noscript></head><body><p>Shown.",
        "<p>Shown.<script>hidden",
    ],
)
def test_hidden_text_of_a_page_is_not_found(tmp_path: Path, page: str) -> None:
    (tmp_path / "a.html").write_text(f"<html>{page}{'<p>Other words stand here. ' * 30}")
    with open_index(tmp_path / "index", sources=[tmp_path / "a.html"]) as index:
        index.sync()
        assert index.search("hidden", limit=0).total == 0
        assert index.get_status().articles == 1

"""Bad files: a file that takes too much time or memory is named, and the others are indexed."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from indexer import open_index
from tests.fixtures.folders import reasons
from tests.sync.conftest import RunInWorkers, Started, before_reading

IN_TIME = "limits.FILE_SECONDS = 0.05; limit_process(1, is_plain=False)\n    while True: pass"
SLOW = "cannot be read (reading it takes more time than a document may)"
LARGE = "reading it takes more memory than a document may"
ENDED = "cannot be read (it ended the process that read it, twice)"
NO_TIMER = pytest.mark.skipif(sys.platform == "win32", reason="there is no such limit")
NO_LIMIT = pytest.mark.skipif(sys.platform != "linux", reason="there is no such limit")


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        pytest.param(IN_TIME, SLOW, marks=NO_TIMER),
        pytest.param("bytes(1 << 30)", LARGE, marks=NO_LIMIT),
        pytest.param("[bytes(1 << 20) for _ in range(1000)]", LARGE, marks=NO_LIMIT),
        ("os.abort()", ENDED),
    ],
)
def test_a_page_that_takes_too_much_or_ends_its_worker_is_named_and_the_others_are_indexed(
    tmp_path: Path, run_in_workers: RunInWorkers, code: str, reason: str
) -> None:
    source = tmp_path / "source"
    source.mkdir()
    for name in ("good", "poison"):
        (source / f"{name}.html").write_text(f"<title>{name}</title><p>A {name} tide.")
    run_in_workers(before_reading(f"if b'poison' in data:\n    {code}"))
    with open_index(tmp_path / "index", sources=[source]) as index:
        assert reasons(index.sync()) == {"poison.html": reason}
        assert index.verify().articles == 1
        assert index.search("good", limit=0).total == 1


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
